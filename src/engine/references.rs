//! What one node refers to (`references`).

use super::collect::{Marks, Started};
use super::faults::{Fault, Faults, Point};
use super::labels::{Sent, Wanted, send_label_refs};
use super::namespaces::{Namespace, Namespaces};
use super::nodes::{Key, NamespaceId, NodeId};
use crate::bucket::{Entry, View};
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::schema::names;

/// The nodes that a node refers to, in order, appended to `found`. A node without a bucket is a dead edge: it
/// refers to nothing, but for its back references.
///
/// # Errors
/// A node of snapshot type whose key has no slash.
pub(super) fn references<'a, F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    namespaces: &Namespaces<'a>,
    id: NodeId,
    found: &mut Vec<NodeId>,
) -> Result<(), String> {
    marks.lookups += 1;
    if started.faults.strikes(Point::Lookup, marks.lookups) {
        return Err(Point::INJECTED.to_owned());
    }
    let mut parent = id;
    if started.faults.has(Fault::BackReferenceFromFlat) {
        parent = marks.nodes.retype(id, marks.nodes.get(id).resource_type.stripped());
    }
    if let Some(children) = marks.back_references.get(&parent) {
        found.extend_from_slice(children);
    }
    let (node, namespace) = (marks.nodes.get(id), marks.nodes.namespace_of(id));
    let there = namespaces.get(namespace);
    let object_in = |objects: fn(&Namespace<'a>) -> Option<View<'a>>| objects(there?)?.bucket(node.key);
    let is_flat = started.release.is_flat(node.resource_type);

    match started.release.kind_of(node.resource_type) {
        // Flat content has no references: it is passed over by `case ResourceContent`.
        Kind::Content if is_flat => {}
        Kind::Content => match object_in(|there| there.blobs) {
            Some(blob) => {
                let [labels] = blob.buckets_under([names::LABELS]);
                Sender { started, marks, namespace, found }.send_labels(labels);
            }
            None if started.faults.has(Fault::DeadEdgeFails) => {
                return Err(format!("content {} not found", String::from_utf8_lossy(node.key)));
            }
            None => {}
        },
        Kind::Snapshot => {
            let Some((snapshotter, name)) = cut_snapshot_key(node.key) else {
                return Err(invalid_snapshot_key(node));
            };
            let snapshots = there.and_then(|there| there.snapshots?.bucket_and_key(snapshotter));
            let Some((snapshotter, snapshots)) = snapshots else { return Ok(()) };
            let Some(snapshot) = snapshots.bucket(name) else { return Ok(()) };
            let resource_type = node.resource_type;
            let mut sender = Sender { started, marks, namespace, found };
            let [parent, labels] = snapshot.fields([names::PARENT, names::LABELS]);
            let parent = parent.and_then(Entry::value).unwrap_or_default();
            let is_forgotten = started.faults.has(Fault::ParentForgotten)
                || (is_flat && started.faults.has(Fault::FlatSnapshotForgetsParent));
            if !parent.is_empty() && !is_forgotten {
                // Flat again if the snapshot is.
                sender.send(resource_type, Key::snapshot(snapshotter, parent));
            }
            if !is_flat && !started.faults.has(Fault::SnapshotLabelsForgotten) {
                sender.send_labels(labels.and_then(Entry::bucket));
            }
        }
        Kind::Image => {
            let Some(image) = object_in(|there| there.images) else { return Ok(()) };
            let mut sender = Sender { started, marks, namespace, found };
            let [target, labels] = image.buckets_under([names::TARGET, names::LABELS]);
            if let Some(target) = target.filter(|_| !started.faults.has(Fault::ImageTargetForgotten)) {
                let content = started.types.content;
                let digest = target.get(names::DIGEST).unwrap_or_default();
                let stays_flat = is_flat && !started.faults.has(Fault::FlatImageFollows);
                sender.send(if stays_flat { content.flat() } else { content }, digest.into());
            }
            if !is_flat && !started.faults.has(Fault::ImageLabelsForgotten) {
                sender.send_labels(labels);
            }
        }
        Kind::Ingest => {
            let Some(ingest) = object_in(|there| there.ingests) else { return Ok(()) };
            let expected = ingest.get(names::EXPECTED).unwrap_or_default();
            if !expected.is_empty() && !started.faults.has(Fault::IngestExpectedForgotten) {
                Sender { started, marks, namespace, found }.send(started.types.content, expected.into());
            }
        }
        Kind::Container if started.rules.back_references => {
            let Some(container) = object_in(|there| there.containers) else { return Ok(()) };
            let mut sender = Sender { started, marks, namespace, found };
            let [snapshotter, snapshot, labels] =
                container.fields([names::SNAPSHOTTER, names::SNAPSHOT_KEY, names::LABELS]);
            let snapshotter = snapshotter.and_then(Entry::value).unwrap_or_default();
            if !snapshotter.is_empty() && !started.faults.has(Fault::ContainerSnapshotForgotten) {
                let name = snapshot.and_then(Entry::value).unwrap_or_default();
                sender.send(started.types.snapshot, Key::snapshot(snapshotter, name));
            }
            sender.send_labels(labels.and_then(Entry::bucket));
        }
        _ if started.rules.collector_references
            && !started.faults.has(Fault::CollectorReferencesForgotten) =>
        {
            send_collector_references(started, marks, id, found);
        }
        _ => {}
    }
    Ok(())
}

struct Sender<'s, 'a, F> {
    started: &'s Started<'a, F>,
    marks: &'s mut Marks,
    /// The namespace of the node that refers.
    namespace: NamespaceId,
    found: &'s mut Vec<NodeId>,
}

impl<F: Faults> Sender<'_, '_, F> {
    /// A reference into the node's own namespace.
    fn send(&mut self, resource_type: ResourceType, key: Key<'_>) {
        self.found.push(self.marks.nodes.intern(resource_type, self.namespace, key));
    }

    fn send_labels(&mut self, labels: Option<View<'_>>) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, labels, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(resource_type, key);
            }
        });
    }
}

/// What the collector of exactly this type reports for a node (`References`, from 2.4).
fn send_collector_references<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    id: NodeId,
    found: &mut Vec<NodeId>,
) {
    let node = marks.nodes.get(id);
    let Some(collector) = started.collector(node.resource_type) else { return };
    let answers = collector.references.iter().filter(|(from, _)| from.as_ref() == node);
    let answers: Vec<&[Node]> = answers.map(|(_, to)| &to[..]).collect();
    for to in answers.into_iter().flatten() {
        found.push(marks.intern(to.as_ref()));
    }
}

/// Snapshotter and name: a snapshot's key is cut at its first slash, whichever of the two it belonged to.
pub(super) fn cut_snapshot_key(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = key.iter().position(|byte| *byte == b'/')?;
    Some((&key[..slash], &key[slash + 1..]))
}

pub(super) fn invalid_snapshot_key(node: NodeRef<'_>) -> String {
    format!("invalid snapshot gc key {}", String::from_utf8_lossy(node.key))
}
