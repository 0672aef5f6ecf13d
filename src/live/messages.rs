//! The write side's values as containerd's messages.

use crate::metadata::{self, Image, Label};
use crate::scenario::NewSnapshot;
use crate::world::sent;
use containerd_client::services::v1::{Container, Image as SentImage, Resource, container};
use containerd_client::types::{Descriptor, Sandbox, sandbox};
use prost::Message;
use prost_types::{Any, FieldMask};
use std::collections::HashMap;

/// What was fitted is text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn map(labels: &[Label]) -> HashMap<String, String> {
    labels.iter().map(|(key, value)| (text(key), text(value))).collect()
}

/// A whole update has no paths.
pub(super) fn mask(paths: Vec<Vec<u8>>) -> Option<FieldMask> {
    (!paths.is_empty()).then(|| FieldMask { paths: paths.iter().map(|path| text(path)).collect() })
}

pub(super) fn prepared(new: &NewSnapshot) -> (String, String, String, HashMap<String, String>) {
    let parent = new.parent.as_deref().map(text).unwrap_or_default();
    (text(&new.snapshot.snapshotter), text(&new.snapshot.key), parent, map(new.labels.as_slice()))
}

pub(super) fn sent_image(image: Image) -> SentImage {
    let target = Descriptor {
        media_type: text(&image.media_type),
        digest: text(&image.digest),
        size: image.size,
        annotations: map(&image.annotations),
    };
    let (name, labels) = (text(&image.name), map(&image.labels));
    SentImage { name, labels, target: Some(target), ..SentImage::default() }
}

fn any(encoded: &[u8]) -> Option<Any> {
    Any::decode(encoded).ok()
}

pub(super) fn sent_container(container: &metadata::Container) -> Container {
    Container {
        id: text(&container.id),
        labels: map(&container.labels),
        image: text(&container.image),
        runtime: Some(container::Runtime { name: text(&container.runtime), options: None }),
        spec: container.spec.as_deref().and_then(any),
        snapshotter: text(&container.snapshotter),
        snapshot_key: text(&container.snapshot_key),
        ..Container::default()
    }
}

pub(super) fn sent_resource(resource: &crate::scenario::Resource) -> Resource {
    let (kind, id) = sent::lease_resource(resource);
    Resource { id: text(id), r#type: text(&kind) }
}

pub(super) fn sent_sandbox(sandbox: &metadata::Sandbox) -> Sandbox {
    Sandbox {
        sandbox_id: text(&sandbox.id),
        labels: map(&sandbox.labels),
        runtime: Some(sandbox::Runtime { name: text(&sandbox.runtime), options: None }),
        sandboxer: text(&sandbox.sandboxer),
        ..Sandbox::default()
    }
}
