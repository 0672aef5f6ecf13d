//! What a client sends for a step: the request that containerd's own client would make of it.
//!
//! Where a step leaves something open that a real client would say, it is filled in here: sizes, media types,
//! runtimes and specifications that the daemon takes. The world and a real daemon are asked with the same requests.

use super::refused;
use crate::bucket::View;
use crate::instant::Instant;
use crate::metadata::{
    Container, Context, Error, ErrorKind, Image, Label, NewSnapshot, Sandbox, Store, expiration,
};
use crate::scenario::{
    self, ContainerFields, Expiry, ImageFields, Labels, Name, Replace, Resource, SnapshotName,
};
use crate::schema::{names, time, varint};
use std::borrow::Cow;

/// The size of content of which nobody says how large it is.
pub(crate) const CONTENT_BYTES: i64 = 1024;
const MEDIA_TYPE: &[u8] = b"application/vnd.oci.image.manifest.v1+json";
const RUNTIME: &[u8] = b"io.containerd.runc.v2";
/// What a client names the type of a specification.
const SPEC_TYPE: &[u8] = b"types.containerd.io/opencontainers/runtime-spec/1/Spec";
/// The least that the runtime specification asks for.
const SPEC: &[u8] = br#"{"ociVersion":"1.0.2"}"#;

/// What the backend has, else a usual size.
pub(crate) fn usual_size(store: &Store, digest: &[u8]) -> i64 {
    store.backend.blob(digest).unwrap_or(CONTENT_BYTES)
}

pub(crate) fn new_snapshot(new: &scenario::NewSnapshot, read_only: bool) -> NewSnapshot<'_> {
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
pub(crate) fn label_paths(labels: &[Label], replace: bool) -> Result<Vec<Vec<u8>>, Error> {
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

pub(crate) fn slices(paths: &[Vec<u8>]) -> Vec<&[u8]> {
    paths.iter().map(Vec::as_slice).collect()
}

/// The value of `gc.expire`, in whole seconds as containerd's client writes it.
pub(crate) fn expiry_text(now: Instant, expiry: &Expiry) -> Vec<u8> {
    match expiry {
        Expiry::In(after) => expiration(now, *after),
        Expiry::Ago(before) => {
            let now = i128::from(now.seconds) * 1_000_000_000 + i128::from(now.nanoseconds);
            let before = i128::try_from(before.as_nanos()).unwrap_or(i128::MAX);
            let seconds = now.saturating_sub(before).div_euclid(1_000_000_000);
            let seconds = i64::try_from(seconds).unwrap_or(i64::MIN);
            time::format_rfc3339(Instant { seconds, nanoseconds: 0 }).into_bytes()
        }
        Expiry::Text(text) => text.clone(),
    }
}

pub(crate) fn lease_labels<'l>(
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
        labels.insert(names::GC_EXPIRE.to_vec(), expiry_text(context.now, expire));
    }
    if flat {
        // A label without a value would not be written.
        labels.insert(names::GC_FLAT.to_vec(), b"true".to_vec());
    }
    Cow::Owned(labels.as_slice().to_vec())
}

/// A resource's type and id as the API has them.
pub(crate) fn lease_resource(resource: &Resource) -> (Cow<'_, [u8]>, &[u8]) {
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

pub(crate) fn whole_image(store: &Store, context: &Context<'_>, name: &[u8], fields: &ImageFields) -> Image {
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

/// An update of an image, and its field paths, none for a whole one. A client that changes a part of an image's target
/// reads the rest of it before.
pub(crate) fn image_update(
    store: &Store,
    context: &Context<'_>,
    name: &Name,
    replace: Option<Replace>,
    fields: &ImageFields,
) -> Result<(Image, Vec<Vec<u8>>), Error> {
    let mut image = whole_image(store, context, name, fields);
    if replace == Some(Replace::All) {
        return Ok((image, Vec::new()));
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
    Ok((image, at_least_one(paths)?))
}

pub(crate) fn whole_container(id: &[u8], fields: &ContainerFields) -> Container {
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
pub(crate) fn container_paths(
    replace: Option<Replace>,
    fields: &ContainerFields,
) -> Result<Vec<Vec<u8>>, Error> {
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

pub(crate) fn whole_sandbox(id: &[u8], labels: &Labels) -> Sandbox {
    let labels = labels.as_slice().to_vec();
    Sandbox { id: id.to_vec(), labels, runtime: RUNTIME.to_vec(), ..Sandbox::default() }
}
