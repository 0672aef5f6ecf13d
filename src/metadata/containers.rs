//! Containers (containerd's `metadata/containers.go`): records that name an image and a snapshot.
//!
//! ```text
//!   v1/NAMESPACE/containers/ID   createdat  extensions/NAME  image  labels/KEY  runtime/{name, options}
//!                                sandboxid  snapshotKey  snapshotter  spec  updatedat
//! ```
//!
//! Whether image and snapshot exist is not checked, nor the snapshotter's name (L19). Spec, options and extensions
//! are encoded messages, kept as bytes and not looked into.

use super::error::{Error, Shown};
use super::fields::{self, Label, Labels, build_map, ordered, put};
use super::names::{
    CONTAINERS, CREATED_AT, EXTENSIONS, IMAGE, LABELS, NAME, OPTIONS, RUNTIME, SANDBOX_ID, SNAPSHOT_KEY,
    SNAPSHOTTER, SPEC, UPDATED_AT, V1,
};
use super::validate;
use super::{Context, Store};
use crate::bucket::{Bucket, Builder, View};
use crate::release::Release;
use crate::schema::time;

/// A container as a client gives it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Container {
    /// An identifier.
    pub id: Vec<u8>,
    /// Its labels.
    pub labels: Labels,
    /// An image's name, or nothing.
    pub image: Vec<u8>,
    /// The runtime's name.
    pub runtime: Vec<u8>,
    /// The runtime's options, encoded.
    pub runtime_options: Option<Vec<u8>>,
    /// The specification, encoded.
    pub spec: Option<Vec<u8>>,
    /// The snapshotter of its root file system.
    pub snapshotter: Vec<u8>,
    /// The snapshot of its root file system.
    pub snapshot_key: Vec<u8>,
    /// Extensions, encoded, by name.
    pub extensions: Labels,
    /// The sandbox that it belongs to.
    pub sandbox: Vec<u8>,
}

impl Container {
    /// `validateContainer`.
    fn validate(&self) -> Result<(), Error> {
        validate::identifier("container", &self.id)?;
        let id = Shown(&self.id);
        if self.extensions.iter().any(|(name, _)| name.is_empty()) {
            return Err(Error::invalid(format_args!("container {id} has an extension without a name")));
        }
        validate::labels("container", &self.labels)?;
        if self.runtime.is_empty() {
            return Err(Error::invalid(format_args!("container {id} has no runtime name")));
        }
        if self.spec.is_none() {
            return Err(Error::invalid(format_args!("container {id} has no spec")));
        }
        if !self.snapshot_key.is_empty() && self.snapshotter.is_empty() {
            let key = Shown(&self.snapshot_key);
            return Err(Error::invalid(format_args!("container {id} has snapshot {key} and no snapshotter")));
        }
        Ok(())
    }

    /// `readContainer`.
    pub(super) fn read(id: &[u8], container: View<'_>) -> Result<Container, Error> {
        fields::check_times(container, &[CREATED_AT, UPDATED_AT])?;
        let text = |key| container.get(key).unwrap_or_default().to_vec();
        let runtime = container.bucket(RUNTIME);
        let of_runtime = |key| runtime.and_then(|runtime| runtime.get(key)).map(<[u8]>::to_vec);
        Ok(Container {
            id: id.to_vec(),
            labels: fields::read_map(container, LABELS),
            image: text(IMAGE),
            runtime: of_runtime(NAME).unwrap_or_default(),
            runtime_options: of_runtime(OPTIONS),
            spec: container.get(SPEC).map(<[u8]>::to_vec),
            snapshotter: text(SNAPSHOTTER),
            snapshot_key: text(SNAPSHOT_KEY),
            extensions: fields::read_map(container, EXTENSIONS),
            sandbox: text(SANDBOX_ID),
        })
    }
}

/// A runtime's bucket: its name and its options (also a sandbox's).
pub(super) fn build_runtime(builder: &mut Builder, name: &[u8], options: Option<&[u8]>) {
    put(builder, NAME, name);
    if let Some(options) = options {
        put(builder, OPTIONS, options);
    }
}

/// Appends extensions to an object that is being built; unlike labels, empty ones are written
/// (`boltutil.WriteExtensions`).
pub(super) fn build_extensions(builder: &mut Builder, extensions: &[Label]) -> Result<(), Error> {
    if extensions.is_empty() {
        return Ok(());
    }
    fields::open(builder, EXTENSIONS);
    fields::build_entries(builder, ordered(extensions).iter())?;
    builder.close();
    Ok(())
}

/// Writes extensions of an object that exists: those given, and none is ever removed.
pub(super) fn merge_extensions(
    tree: &mut Bucket,
    object: &[&[u8]],
    extensions: &[Label],
) -> Result<(), Error> {
    if extensions.is_empty() {
        return Ok(());
    }
    let path = [object, &[EXTENSIONS]].concat();
    tree.create_path(&path)?;
    for (name, extension) in extensions {
        tree.put(&path, name, extension)?;
    }
    Ok(())
}

impl Store {
    /// A container says which sandbox it belongs to (`writeContainer`, from 1.7.0-beta.1; a daemon of 1.6.20 was seen to
    /// write no such key).
    fn has_sandbox_ids(&self) -> bool {
        self.release >= Release::V1_7Beta
    }

    /// Creates a container (`containerStore.Create`).
    ///
    /// # Errors
    /// What the container lacks: invalid argument. The id is taken: already exists.
    pub fn create_container(&mut self, context: &Context<'_>, container: &Container) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        container.validate()?;
        let containers = [V1, namespace, CONTAINERS];
        self.refuse_taken(&containers, &container.id, "container")?;
        let now = time::to_binary(context.now);
        let mut builder = Builder::new();
        put(&mut builder, CREATED_AT, &now);
        build_extensions(&mut builder, &container.extensions)?;
        put(&mut builder, IMAGE, &container.image);
        build_map(&mut builder, LABELS, &ordered(&container.labels))?;
        fields::open(&mut builder, RUNTIME);
        build_runtime(&mut builder, &container.runtime, container.runtime_options.as_deref());
        builder.close();
        if self.has_sandbox_ids() {
            put(&mut builder, SANDBOX_ID, &container.sandbox);
        }
        put(&mut builder, SNAPSHOT_KEY, &container.snapshot_key);
        put(&mut builder, SNAPSHOTTER, &container.snapshotter);
        put(&mut builder, SPEC, container.spec.as_deref().unwrap_or_default());
        put(&mut builder, UPDATED_AT, &now);
        let bucket = builder.finish();
        self.put_object(&containers, &container.id, &bucket)
    }

    /// Updates a container (`containerStore.Update`): without paths all that may change, else `labels`, `labels.K`,
    /// `spec`, `extensions`, `extensions.K`, `image` and `snapshotkey`. Extensions are only ever added or replaced.
    ///
    /// # Errors
    /// No such container: not found. Another path, another snapshotter or runtime in an update of all, or what the
    /// container would lack afterwards: invalid argument.
    pub fn update_container(
        &mut self,
        context: &Context<'_>,
        container: &Container,
        paths: &[&[u8]],
    ) -> Result<(), Error> {
        const ALL: [&[u8]; 5] = [LABELS, SPEC, EXTENSIONS, IMAGE, b"snapshotkey"];
        let namespace = validate::namespace(context)?;
        let id = Shown(&container.id);
        if container.id.is_empty() {
            return Err(Error::invalid(format_args!("a container id must be given")));
        }
        let path = [V1, namespace, CONTAINERS, &container.id];
        let Some(there) = self.at(&path) else { return Err(Error::not_found("container", &container.id)) };
        let mut updated = Container::read(&container.id, there)?;
        if paths.is_empty() {
            for (field, before, after) in [
                ("snapshotter", &updated.snapshotter, &container.snapshotter),
                ("runtime name", &updated.runtime, &container.runtime),
            ] {
                if before != after {
                    let (before, after) = (Shown(before), Shown(after));
                    return Err(Error::invalid(format_args!(
                        "the {field} of container {id} cannot change from {before} to {after}"
                    )));
                }
            }
        }
        let paths = if paths.is_empty() { &ALL } else { paths };
        updated.labels = fields::updated_labels(there, &container.labels, paths, |path| {
            if let Some(key) = path.strip_prefix(b"extensions.") {
                fields::set(&mut updated.extensions, key, fields::value(&container.extensions, key));
                return Ok(());
            }
            match path {
                b"spec" => updated.spec.clone_from(&container.spec),
                b"extensions" => updated.extensions = ordered(&container.extensions).into_owned(),
                b"image" => updated.image.clone_from(&container.image),
                b"snapshotkey" => updated.snapshot_key.clone_from(&container.snapshot_key),
                _ => {
                    let path = Shown(path);
                    return Err(Error::invalid(format_args!("cannot update field {path} of container {id}")));
                }
            }
            Ok(())
        })?;
        updated.validate()?;
        let mut runtime = Builder::new();
        build_runtime(&mut runtime, &updated.runtime, updated.runtime_options.as_deref());
        let runtime = runtime.finish();
        self.update(|store| {
            let tree = &mut store.tree;
            fields::keep_created_at(tree, &path)?;
            tree.put(&path, UPDATED_AT, &time::to_binary(context.now))?;
            for (key, value) in [
                (SPEC, updated.spec.as_deref().unwrap_or_default()),
                (IMAGE, &updated.image),
                (SNAPSHOTTER, &updated.snapshotter),
                (SNAPSHOT_KEY, &updated.snapshot_key),
            ] {
                tree.put(&path, key, value)?;
            }
            if store.has_sandbox_ids() {
                store.tree.put(&path, SANDBOX_ID, &updated.sandbox)?;
            }
            let tree = &mut store.tree;
            tree.graft(&path, RUNTIME, &runtime)?;
            merge_extensions(tree, &path, &updated.extensions)?;
            fields::rewrite_map(tree, &path, LABELS, &updated.labels)
        })
    }

    /// Deletes a container (`containerStore.Delete`); its snapshot stays.
    ///
    /// # Errors
    /// No such container: not found.
    pub fn delete_container(&mut self, context: &Context<'_>, id: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        self.delete_object(&[V1, namespace, CONTAINERS], id, "container")?;
        self.dirty.deletion();
        Ok(())
    }
}
