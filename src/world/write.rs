//! Steps of clients, as calls to the write side.
//!
//! Where a step leaves something open that a real client would say, it is filled in here: sizes, media types,
//! runtimes and specifications that the daemon takes.

use super::actors::{HandleKey, undeclared};
use super::{World, refused};
use crate::bucket::View;
use crate::metadata::{
    Container, Context, Error, ErrorKind, Image, Label, NewSnapshot, Prepared, Sandbox, Store, expiration,
};
use crate::node::Kind;
use crate::scenario::{
    self, ContainerFields, Expiry, ImageFields, Labels, Name, Replace, Resource, SnapshotName, Step,
};
use crate::schema::{names, time, varint};
use std::borrow::Cow;
use std::sync::Arc;

/// The size of content of which nobody says how large it is.
const CONTENT_BYTES: i64 = 1024;
const MEDIA_TYPE: &[u8] = b"application/vnd.oci.image.manifest.v1+json";
const RUNTIME: &[u8] = b"io.containerd.runc.v2";
/// What a client names the type of a specification.
const SPEC_TYPE: &[u8] = b"types.containerd.io/opencontainers/runtime-spec/1/Spec";
/// The least that the runtime specification asks for.
const SPEC: &[u8] = br#"{"ociVersion":"1.0.2"}"#;

impl World {
    /// One of the clients' steps. The match is total, so that a new step is asked for here if nobody else does it.
    pub(super) fn write(&mut self, client: Option<&Name>, step: &Step) -> Result<(), Error> {
        if self.is_hung {
            let message = "a collection that never ends has the metadata locked".to_owned();
            return Err(refused(ErrorKind::Deadlock, message));
        }
        let actors = Arc::clone(&self.actors);
        let actor = actors.get(client).ok_or_else(|| undeclared(client))?;
        let context = Context { namespace: &actor.namespace, lease: actor.lease.as_deref(), now: self.now };
        let store = &mut self.store;
        match step {
            Step::NamespaceCreate { namespace, labels } => {
                store.create_namespace(namespace, labels.as_slice())
            }
            Step::NamespaceLabel { namespace, labels } => {
                let mut labels = labels.as_slice().iter();
                labels.try_for_each(|(key, value)| store.set_namespace_label(namespace, key, value))
            }
            Step::NamespaceDelete { namespace } => store.delete_namespace(namespace),

            Step::ContentOpen { reference, expected, size } => {
                let opened =
                    store.open_writer(&context, reference, expected.as_deref(), size.unwrap_or_default());
                let key = handle(client, &context, b"", reference);
                Arc::make_mut(&mut self.handles).writers.insert(key, opened?);
                Ok(())
            }
            Step::ContentCommit { reference, digest, size, labels } => {
                self.commit_content(client, &context, reference, digest, *size, labels)
            }
            Step::ContentAbort { reference } => {
                store.abort(&context, reference)?;
                let key = handle(client, &context, b"", reference);
                // Who gives an ingest up closes the writer that he has of it.
                if self.handles.writers.contains_key(&key)
                    && let Some(mut writer) = Arc::make_mut(&mut self.handles).writers.remove(&key)
                {
                    store.close_writer(&mut writer);
                }
                Ok(())
            }
            Step::ContentPut { digest, size, labels } => {
                let size = size.unwrap_or_else(|| usual_size(store, digest));
                store.put_content(&context, digest, digest, size, labels.as_slice()).map(drop)
            }
            Step::ContentLabel { digest, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                store.update_content(&context, digest, labels.as_slice(), &slices(&paths))
            }
            Step::ContentDelete { digest } => store.delete_content(&context, digest),

            Step::SnapshotPrepare(new) => store.prepare(&context, &new_snapshot(new, false)),
            Step::SnapshotView(new) => store.prepare(&context, &new_snapshot(new, true)),
            Step::SnapshotPrepareBegin(new) => self.begin(client, &context, &new_snapshot(new, false)),
            Step::SnapshotViewBegin(new) => self.begin(client, &context, &new_snapshot(new, true)),
            Step::SnapshotFinish { snapshot } => self.finish(client, &context, snapshot),
            Step::SnapshotCommit { snapshot, name, parent, labels } => {
                let SnapshotName { snapshotter, key } = snapshot;
                store.commit_snapshot_on(
                    &context,
                    snapshotter,
                    name,
                    key,
                    parent.as_deref(),
                    labels.as_slice(),
                )
            }
            Step::SnapshotLabel { snapshot, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let SnapshotName { snapshotter, key } = snapshot;
                store.update_snapshot(&context, snapshotter, key, labels.as_slice(), &slices(&paths))
            }
            Step::SnapshotRemove { snapshot } => {
                store.remove_snapshot(&context, &snapshot.snapshotter, &snapshot.key)
            }

            Step::ImageCreate { image, fields } => {
                let image = whole_image(store, &context, image, fields);
                store.create_image(&context, &image)
            }
            Step::ImageUpdate { image, replace, fields } => {
                update_image(store, &context, image, *replace, fields)
            }
            Step::ImageLabel { image, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let labels = labels.as_slice().to_vec();
                let image = Image { name: image.clone(), labels, ..Image::default() };
                store.update_image(&context, &image, &slices(&paths))
            }
            Step::ImageDelete { image, .. } => store.delete_image(&context, image),

            Step::ContainerCreate { container, fields } => {
                store.create_container(&context, &whole_container(container, fields))
            }
            Step::ContainerUpdate { container, replace, fields } => {
                let paths = container_paths(*replace, fields)?;
                store.update_container(&context, &whole_container(container, fields), &slices(&paths))
            }
            Step::ContainerLabel { container, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                let labels = labels.as_slice().to_vec();
                let container = Container { id: container.clone(), labels, ..Container::default() };
                store.update_container(&context, &container, &slices(&paths))
            }
            Step::ContainerDelete { container } => store.delete_container(&context, container),

            Step::LeaseCreate { lease, expire, flat, labels } => {
                let labels = lease_labels(&context, expire.as_ref(), *flat, labels);
                store.create_lease(&context, lease, &labels)
            }
            Step::LeaseAdd { lease, resources } => resources.iter().try_for_each(|resource| {
                let (kind, id) = lease_resource(resource);
                store.add_resource(&context, lease, &kind, id)
            }),
            Step::LeaseDrop { lease, resources } => resources.iter().try_for_each(|resource| {
                let (kind, id) = lease_resource(resource);
                store.delete_resource(&context, lease, &kind, id)
            }),
            Step::LeaseDelete { lease, .. } => store.delete_lease(&context, lease),

            Step::SandboxCreate { sandbox, labels } => {
                store.create_sandbox(&context, &whole_sandbox(sandbox, labels))
            }
            Step::SandboxLabel { sandbox, replace, labels } => {
                let paths = label_paths(labels.as_slice(), *replace)?;
                store.update_sandbox(&context, &whole_sandbox(sandbox, labels), &slices(&paths))
            }
            Step::SandboxDelete { sandbox } => store.delete_sandbox(&context, sandbox),

            Step::StreamOpen { stream } => self.open_stream(&context, stream),
            Step::StreamClose { stream } => {
                let release = store.release;
                if release.type_of(Kind::Stream).is_none() {
                    return Err(refused(ErrorKind::NotImplemented, format!("streams in {release}")));
                }
                self.streams.close(&actor.namespace, stream)
            }
            Step::Client { .. }
            | Step::Release(_)
            | Step::Crash
            | Step::Look(_)
            | Step::Together
            | Step::Always(_)
            | Step::End
            | Step::Now(_)
            | Step::Advance(_)
            | Step::NamespaceUse { .. }
            | Step::ContentPolicy(_)
            | Step::LeaseUse { .. }
            | Step::LeaseNone
            | Step::CollectorDeclare { .. }
            | Step::CollectorList { .. }
            | Step::CollectorForget { .. }
            | Step::CollectorActive { .. }
            | Step::CollectorLeased { .. }
            | Step::CollectorBackReference { .. }
            | Step::CollectorReferences { .. }
            | Step::CollectorFail { .. }
            | Step::CollectorHeal { .. }
            | Step::RawPut { .. }
            | Step::RawBucket { .. }
            | Step::RawDelete { .. }
            | Step::RawSequence { .. }
            | Step::Gc { .. }
            | Step::Cleanup
            | Step::Expect(_) => unreachable!("this is no step of the write side"),
        }
    }

    /// What a client wrote has this digest. The writer stays with the client where the commit fails.
    fn commit_content(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        reference: &Name,
        digest: &Name,
        size: Option<i64>,
        labels: &Labels,
    ) -> Result<(), Error> {
        let key = handle(client, context, b"", reference);
        let handles = Arc::make_mut(&mut self.handles);
        let Some(writer) = handles.writers.get_mut(&key) else {
            let shown = reference.escape_ascii();
            return Err(refused(
                ErrorKind::NotFound,
                format!("this client has no writer of reference \"{shown}\""),
            ));
        };
        if writer.is_open() {
            let announced = Some(writer.size).filter(|announced| *announced > 0);
            let written = size.or(announced).unwrap_or_else(|| usual_size(&self.store, digest));
            self.store.write(writer, digest, written)?;
        }
        // A writer on shared content is asked for the digest that the client says, any other for the one announced.
        let expected = match writer.expected.is_empty() || writer.is_shared() {
            true => digest.clone(),
            false => writer.expected.to_vec(),
        };
        let committed = self.store.commit_writer(
            context,
            writer,
            size.unwrap_or_default(),
            Some(&expected),
            labels.as_slice(),
        );
        if committed.as_ref().err().is_none_or(|error| error.kind == ErrorKind::AlreadyExists) {
            handles.writers.remove(&key);
        }
        committed
    }

    fn begin(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        new: &NewSnapshot<'_>,
    ) -> Result<(), Error> {
        match self.store.prepare_begin(context, new)? {
            Prepared::Exists(error) => Err(error),
            Prepared::Begun(preparation) => {
                let key = handle(client, context, new.snapshotter, new.key);
                Arc::make_mut(&mut self.handles).preparations.entry(key).or_default().push(preparation);
                Ok(())
            }
        }
    }

    fn finish(
        &mut self,
        client: Option<&Name>,
        context: &Context<'_>,
        snapshot: &SnapshotName,
    ) -> Result<(), Error> {
        let SnapshotName { snapshotter, key } = snapshot;
        let handle = handle(client, context, snapshotter, key);
        let preparations = &mut Arc::make_mut(&mut self.handles).preparations;
        let Some(begun) = preparations.get_mut(&handle) else {
            let shown = key.escape_ascii();
            return Err(refused(ErrorKind::NotFound, format!("this client began no snapshot \"{shown}\"")));
        };
        let preparation = begun.remove(0);
        if begun.is_empty() {
            preparations.remove(&handle);
        }
        self.store.prepare_finish(preparation)
    }

    fn open_stream(&mut self, context: &Context<'_>, stream: &[u8]) -> Result<(), Error> {
        let release = self.store.release;
        let number = release.type_of(Kind::Stream);
        if self.collectors.iter().any(|collector| Some(collector.resource_type) == number) {
            let message = "a declared collector stands for the streams".to_owned();
            return Err(refused(ErrorKind::FailedPrecondition, message));
        }
        self.streams.register(context, release, stream)?;
        self.has_streams = true;
        Ok(())
    }
}

fn handle(client: Option<&Name>, context: &Context<'_>, snapshotter: &[u8], key: &[u8]) -> HandleKey {
    (client.cloned(), context.namespace.to_vec(), snapshotter.to_vec(), key.to_vec())
}

/// What the backend has, else a usual size.
fn usual_size(store: &Store, digest: &[u8]) -> i64 {
    store.backend.blob(digest).unwrap_or(CONTENT_BYTES)
}

fn new_snapshot(new: &scenario::NewSnapshot, read_only: bool) -> NewSnapshot<'_> {
    NewSnapshot {
        snapshotter: &new.snapshot.snapshotter,
        key: &new.snapshot.key,
        parent: new.parent.as_deref(),
        read_only,
        labels: new.labels.as_slice(),
    }
}

/// The field paths of an update of labels. Without any the daemon would replace the whole object, which nobody means
/// who gives no labels.
fn label_paths(labels: &[Label], replace: bool) -> Result<Vec<Vec<u8>>, Error> {
    let mut paths = Vec::new();
    add_label_paths(&mut paths, labels, replace);
    at_least_one(paths)
}

fn add_label_paths(paths: &mut Vec<Vec<u8>>, labels: &[Label], replace: bool) {
    match replace {
        true => paths.push(names::LABELS.to_vec()),
        false => paths.extend(labels.iter().map(|(key, _)| [b"labels.", &key[..]].concat())),
    }
}

fn at_least_one(paths: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
    match paths.is_empty() {
        true => Err(refused(ErrorKind::InvalidArgument, "an update of nothing".to_owned())),
        false => Ok(paths),
    }
}

fn slices(paths: &[Vec<u8>]) -> Vec<&[u8]> {
    paths.iter().map(Vec::as_slice).collect()
}

/// The value of `gc.expire`, in whole seconds as containerd's client writes it.
fn expiry_text(context: &Context<'_>, expiry: &Expiry) -> Vec<u8> {
    match expiry {
        Expiry::In(after) => expiration(context.now, *after),
        Expiry::Ago(before) => {
            let now = i128::from(context.now.seconds) * 1_000_000_000 + i128::from(context.now.nanoseconds);
            let before = i128::try_from(before.as_nanos()).unwrap_or(i128::MAX);
            let seconds = now.saturating_sub(before).div_euclid(1_000_000_000);
            let seconds = i64::try_from(seconds).unwrap_or(i64::MIN);
            time::format_rfc3339(crate::instant::Instant { seconds, nanoseconds: 0 }).into_bytes()
        }
        Expiry::Text(text) => text.clone(),
    }
}

fn lease_labels<'l>(
    context: &Context<'_>,
    expire: Option<&Expiry>,
    flat: bool,
    labels: &'l Labels,
) -> Cow<'l, [Label]> {
    if expire.is_none() && !flat {
        return Cow::Borrowed(labels.as_slice());
    }
    let mut labels = labels.clone();
    if let Some(expire) = expire {
        labels.insert(names::GC_EXPIRE.to_vec(), expiry_text(context, expire));
    }
    if flat {
        // A label without a value would not be written.
        labels.insert(names::GC_FLAT.to_vec(), b"true".to_vec());
    }
    Cow::Owned(labels.as_slice().to_vec())
}

/// A resource's type and id as the API has them.
fn lease_resource(resource: &Resource) -> (Cow<'_, [u8]>, &[u8]) {
    match resource {
        Resource::Content(digest) => (Cow::Borrowed(names::CONTENT), digest),
        Resource::Snapshot(SnapshotName { snapshotter, key }) => {
            (Cow::Owned([names::SNAPSHOTS, snapshotter].join(&b'/')), key)
        }
        Resource::Ingest(reference) => (Cow::Borrowed(names::INGESTS), reference),
        Resource::Image(name) => (Cow::Borrowed(names::IMAGES), name),
        Resource::Other { resource_type, id } => (Cow::Borrowed(resource_type), id),
    }
}

fn image_labels(context: &Context<'_>, fields: &ImageFields) -> Vec<Label> {
    lease_labels(context, fields.expire.as_ref(), false, &fields.labels).into_owned()
}

fn whole_image(store: &Store, context: &Context<'_>, name: &[u8], fields: &ImageFields) -> Image {
    let digest = fields.target.clone().unwrap_or_default();
    Image {
        name: name.to_vec(),
        labels: image_labels(context, fields),
        size: fields.size.unwrap_or_else(|| usual_size(store, &digest)),
        digest,
        media_type: fields.media_type.as_deref().unwrap_or(MEDIA_TYPE).to_vec(),
        annotations: Vec::new(),
    }
}

/// A client that changes a part of an image's target reads the rest of it before.
fn update_image(
    store: &mut Store,
    context: &Context<'_>,
    name: &Name,
    replace: Option<Replace>,
    fields: &ImageFields,
) -> Result<(), Error> {
    let mut image = whole_image(store, context, name, fields);
    if replace == Some(Replace::All) {
        return store.update_image(context, &image, &[]);
    }
    let mut paths = Vec::new();
    if fields.target.is_some() || fields.size.is_some() || fields.media_type.is_some() {
        let path = [names::V1, context.namespace, names::IMAGES, name, names::TARGET];
        let there = store.tree.view().at(&path);
        let value = |key| there.and_then(|target: View<'_>| target.get(key));
        if fields.target.is_none() {
            image.digest = value(names::DIGEST).unwrap_or_default().to_vec();
        }
        if fields.media_type.is_none() {
            image.media_type = value(names::MEDIA_TYPE).unwrap_or(MEDIA_TYPE).to_vec();
        }
        if fields.size.is_none() && fields.target.is_none() {
            image.size = value(names::SIZE).and_then(varint::decode_signed).unwrap_or_default();
        }
        paths.push(names::TARGET.to_vec());
    }
    add_label_paths(&mut paths, &image.labels, replace == Some(Replace::Labels));
    let paths = at_least_one(paths)?;
    store.update_image(context, &image, &slices(&paths))
}

fn whole_container(id: &[u8], fields: &ContainerFields) -> Container {
    let text = |field: &Option<Name>| field.clone().unwrap_or_default();
    Container {
        id: id.to_vec(),
        labels: fields.labels.as_slice().to_vec(),
        image: text(&fields.image),
        runtime: fields.runtime.as_deref().unwrap_or(RUNTIME).to_vec(),
        spec: Some(encoded_spec(fields.spec.as_deref().unwrap_or(SPEC))),
        snapshotter: text(&fields.snapshotter),
        snapshot_key: text(&fields.snapshot),
        ..Container::default()
    }
}

/// A specification as a client sends it and the daemon stores it: packed into a protobuf `Any`
/// (`containers.WithSpec`, `typeurl.MarshalAny`). Bare JSON is no message, and the daemon then fails to list a namespace's
/// containers.
fn encoded_spec(json: &[u8]) -> Vec<u8> {
    const TYPE_URL: u8 = 1 << 3 | 2;
    const VALUE: u8 = 2 << 3 | 2;
    let mut any = Vec::with_capacity(SPEC_TYPE.len() + json.len() + 8);
    for (tag, bytes) in [(TYPE_URL, SPEC_TYPE), (VALUE, json)] {
        any.push(tag);
        any.extend(varint::encode_unsigned(bytes.len() as u64));
        any.extend(bytes);
    }
    any
}

/// None for a whole update. Snapshotter and runtime are no field paths, which the daemon says itself.
fn container_paths(replace: Option<Replace>, fields: &ContainerFields) -> Result<Vec<Vec<u8>>, Error> {
    if replace == Some(Replace::All) {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for (path, field) in [
        (&b"image"[..], &fields.image),
        (b"snapshotter", &fields.snapshotter),
        (b"snapshotkey", &fields.snapshot),
        (b"runtime", &fields.runtime),
        (b"spec", &fields.spec),
    ] {
        if field.is_some() {
            paths.push(path.to_vec());
        }
    }
    add_label_paths(&mut paths, fields.labels.as_slice(), replace == Some(Replace::Labels));
    at_least_one(paths)
}

fn whole_sandbox(id: &[u8], labels: &Labels) -> Sandbox {
    let labels = labels.as_slice().to_vec();
    Sandbox { id: id.to_vec(), labels, runtime: RUNTIME.to_vec(), ..Sandbox::default() }
}
