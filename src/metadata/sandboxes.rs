//! Sandboxes (containerd's `metadata/sandbox.go`, from 1.7): groups of containers.
//!
//! ```text
//!   NAMESPACE/sandboxes/ID     up to 1.7, at the root of the database, where no collection looks (24)
//!   v1/NAMESPACE/sandboxes/ID  from 2.0
//!     createdat  extensions/NAME  labels/KEY  runtime/{name, options}  sandboxer (from 2.0)  spec  updatedat
//! ```
//!
//! Labels are not checked (L16), and deleting one wants no collection.

use super::containers::{build_extensions, build_runtime, merge_extensions};
use super::error::{Error, Shown};
use super::fields::{self, Labels, build_map, ordered, put};
use super::names::{
    CREATED_AT, EXTENSIONS, LABELS, NAME, OPTIONS, RUNTIME, SANDBOXER, SANDBOXES, SPEC, UPDATED_AT, V1,
};
use super::validate;
use super::{Context, ErrorKind, Store};
use crate::bucket::{Builder, Refusal, View};
use crate::release::Release;
use crate::schema::time;

/// A sandbox as a client gives it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sandbox {
    /// An identifier.
    pub id: Vec<u8>,
    /// Its labels.
    pub labels: Labels,
    /// The runtime's name.
    pub runtime: Vec<u8>,
    /// The runtime's options, encoded.
    pub runtime_options: Option<Vec<u8>>,
    /// The specification, encoded.
    pub spec: Option<Vec<u8>>,
    /// The controller's name (from 2.0).
    pub sandboxer: Vec<u8>,
    /// Extensions, encoded, by name.
    pub extensions: Labels,
}

impl Sandbox {
    pub(super) fn read(id: &[u8], sandbox: View<'_>) -> Result<Sandbox, Error> {
        fields::check_times(sandbox, &[CREATED_AT, UPDATED_AT])?;
        let Some(runtime) = sandbox.bucket(RUNTIME) else {
            return Err(Error::unknown(format_args!("sandbox {} has no runtime", Shown(id))));
        };
        let owned = |value: Option<&[u8]>| value.map(<[u8]>::to_vec);
        Ok(Sandbox {
            id: id.to_vec(),
            labels: fields::read_map(sandbox, LABELS),
            runtime: owned(runtime.get(NAME)).unwrap_or_default(),
            runtime_options: owned(runtime.get(OPTIONS)),
            spec: owned(sandbox.get(SPEC)),
            sandboxer: owned(sandbox.get(SANDBOXER)).unwrap_or_default(),
            extensions: fields::read_map(sandbox, EXTENSIONS),
        })
    }
}

impl Store {
    /// The bucket of a namespace's sandboxes (`createSandboxBucket`): below `v1` only from 2.0.
    fn sandboxes<'a>(&self, path: &'a [&'a [u8]; 3]) -> Result<&'a [&'a [u8]], Error> {
        match self.release {
            Release::V1_6 => Err(Error::new(ErrorKind::NotImplemented, format_args!("sandboxes in 1.6"))),
            Release::V1_7Beta | Release::V1_7 => Ok(&path[1..]),
            _ => Ok(path),
        }
    }

    fn has_sandboxers(&self) -> bool {
        self.release >= Release::V2_0
    }

    /// Creates a sandbox (`sandboxStore.Create`).
    ///
    /// # Errors
    /// A malformed id: invalid argument. The id is taken: already exists. The release has no sandboxes: not
    /// implemented.
    pub fn create_sandbox(&mut self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let path = [V1, namespace, SANDBOXES];
        let sandboxes = self.sandboxes(&path)?;
        validate::identifier("sandbox", &sandbox.id)?;
        if context.now == fields::ZERO_TIME {
            return Err(Error::invalid(format_args!("creation date must not be zero")));
        }
        self.refuse_taken(sandboxes, &sandbox.id, "sandbox")?;
        let now = time::to_binary(context.now);
        let mut builder = Builder::new();
        put(&mut builder, CREATED_AT, &now);
        build_extensions(&mut builder, &sandbox.extensions)?;
        build_map(&mut builder, LABELS, &ordered(&sandbox.labels))?;
        fields::open(&mut builder, RUNTIME);
        build_runtime(&mut builder, &sandbox.runtime, sandbox.runtime_options.as_deref());
        builder.close();
        if self.has_sandboxers() {
            put(&mut builder, SANDBOXER, &sandbox.sandboxer);
        }
        if let Some(spec) = &sandbox.spec {
            put(&mut builder, SPEC, spec);
        }
        put(&mut builder, UPDATED_AT, &now);
        let bucket = builder.finish();
        self.put_object(sandboxes, &sandbox.id, &bucket)
    }

    /// Updates a sandbox (`sandboxStore.Update`): without paths all but the sandboxer, else `labels`, `labels.K`,
    /// `extensions`, `extensions.K`, `spec` and `runtime`.
    ///
    /// # Errors
    /// No such sandbox: not found. Another path, or another runtime in an update of all: invalid argument.
    pub fn update_sandbox(
        &mut self,
        context: &Context<'_>,
        sandbox: &Sandbox,
        paths: &[&[u8]],
    ) -> Result<(), Error> {
        const ALL: [&[u8]; 4] = [LABELS, EXTENSIONS, SPEC, RUNTIME];
        let namespace = validate::namespace(context)?;
        let path = [V1, namespace, SANDBOXES];
        let sandboxes = self.sandboxes(&path)?;
        let object = [sandboxes, &[&sandbox.id[..]]].concat();
        let Some(there) = self.at(&object) else { return Err(Error::not_found("sandbox", &sandbox.id)) };
        let id = Shown(&sandbox.id);
        let mut updated = Sandbox::read(&sandbox.id, there)?;
        if paths.is_empty() && updated.runtime != sandbox.runtime {
            let (before, after) = (Shown(&updated.runtime), Shown(&sandbox.runtime));
            return Err(Error::invalid(format_args!(
                "the runtime name of sandbox {id} cannot change from {before} to {after}"
            )));
        }
        let paths = if paths.is_empty() { &ALL } else { paths };
        updated.labels = fields::updated_labels(there, &sandbox.labels, paths, |path| {
            if let Some(key) = path.strip_prefix(b"extensions.") {
                fields::set(&mut updated.extensions, key, fields::value(&sandbox.extensions, key));
                return Ok(());
            }
            match path {
                b"extensions" => updated.extensions = ordered(&sandbox.extensions).into_owned(),
                b"spec" => updated.spec.clone_from(&sandbox.spec),
                b"runtime" => {
                    updated.runtime.clone_from(&sandbox.runtime);
                    updated.runtime_options.clone_from(&sandbox.runtime_options);
                }
                _ => {
                    let path = Shown(path);
                    return Err(Error::invalid(format_args!("cannot update field {path} of sandbox {id}")));
                }
            }
            Ok(())
        })?;
        validate::identifier("sandbox", &updated.id)?;
        let created_at = there.get(CREATED_AT).map(time::from_binary);
        if created_at.is_none_or(|created_at| created_at == Ok(fields::ZERO_TIME)) {
            return Err(Error::invalid(format_args!("creation date of sandbox {id} must not be zero")));
        }
        if context.now == fields::ZERO_TIME {
            return Err(Error::invalid(format_args!("updated date of sandbox {id} must not be zero")));
        }
        let has_sandboxers = self.has_sandboxers();
        self.update(|store| {
            let tree = &mut store.tree;
            tree.put(&object, UPDATED_AT, &time::to_binary(context.now))?;
            fields::rewrite_map(tree, &object, LABELS, &updated.labels)?;
            merge_extensions(tree, &object, &updated.extensions)?;
            // What is not given is not written, and what was there stays.
            if let Some(spec) = &updated.spec {
                tree.put(&object, SPEC, spec)?;
            }
            if has_sandboxers {
                tree.put(&object, SANDBOXER, &updated.sandboxer)?;
            }
            let runtime = [&object[..], &[RUNTIME]].concat();
            tree.put(&runtime, NAME, &updated.runtime)?;
            if let Some(options) = &updated.runtime_options {
                tree.put(&runtime, OPTIONS, options)?;
            }
            Ok(())
        })
    }

    /// Deletes a sandbox (`sandboxStore.Delete`); nothing becomes dirty.
    ///
    /// # Errors
    /// No such sandbox: up to 1.7 a plain error, from 2.0 not found; not found too where the namespace never had one.
    pub fn delete_sandbox(&mut self, context: &Context<'_>, id: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let path = [V1, namespace, SANDBOXES];
        let sandboxes = self.sandboxes(&path)?;
        if self.at(sandboxes).is_none() {
            return Err(Error::not_found("sandbox", id));
        }
        match self.tree.delete_bucket(sandboxes, id) {
            Ok(()) => Ok(()),
            Err(Refusal::BucketNotFound)
                if self.has_sandboxers() && !self.is_taken_for_value(sandboxes, id) =>
            {
                Err(Error::not_found("sandbox", id))
            }
            Err(refusal) => Err(Error::unknown(format_args!("sandbox {}: {refusal}", Shown(id)))),
        }
    }
}
