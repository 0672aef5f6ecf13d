//! What one node refers to (`references`).

use super::collect::{Marks, Started};
use super::faults::{Fault, Faults, Point};
use super::labels::{Sent, Wanted, send_label_refs};
use super::nodes::{Key, NodeId};
use crate::bucket::{Bucket, View};
use crate::node::{Kind, Node, ResourceType};
use crate::schema::names;

/// The nodes that a node refers to, in order, appended to `found`. A node without a bucket is a dead edge: it
/// refers to nothing, but for its back references.
///
/// # Errors
/// A node of snapshot type whose key has no slash.
pub(super) fn references<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    tree: &Bucket,
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
    let node = marks.nodes.get(id).to_node();
    let mut sender = Sender { started, marks, node: &node, found };
    let bucket = |path: &[&[u8]]| tree.view().at(path)?.bucket(&node.key);
    let (v1, namespace) = (names::V1, &*node.namespace);
    let is_flat = started.release.is_flat(node.resource_type);

    match started.release.kind_of(node.resource_type) {
        // Flat content has no references: it is passed over by `case ResourceContent`.
        Kind::Content if is_flat => {}
        Kind::Content => match bucket(&[v1, namespace, names::CONTENT, names::BLOB]) {
            Some(blob) => sender.send_labels(blob),
            None if started.faults.has(Fault::DeadEdgeFails) => {
                return Err(format!("content {} not found", String::from_utf8_lossy(&node.key)));
            }
            None => {}
        },
        Kind::Snapshot => {
            let Some((snapshotter, name)) = cut_snapshot_key(&node.key) else {
                return Err(invalid_snapshot_key(&node));
            };
            let path = [v1, namespace, names::SNAPSHOTS, snapshotter, name];
            let Some(snapshot) = tree.view().at(&path) else { return Ok(()) };
            let parent = snapshot.get(names::PARENT).unwrap_or_default();
            let is_forgotten = started.faults.has(Fault::ParentForgotten)
                || (is_flat && started.faults.has(Fault::FlatSnapshotForgetsParent));
            if !parent.is_empty() && !is_forgotten {
                // Flat again if the snapshot is.
                sender.send(node.resource_type, Key::snapshot(snapshotter, parent));
            }
            if !is_flat && !started.faults.has(Fault::SnapshotLabelsForgotten) {
                sender.send_labels(snapshot);
            }
        }
        Kind::Image => {
            let Some(image) = bucket(&[v1, namespace, names::IMAGES]) else { return Ok(()) };
            let target = image.bucket(names::TARGET);
            if let Some(target) = target.filter(|_| !started.faults.has(Fault::ImageTargetForgotten)) {
                let content = started.types.content;
                let digest = target.get(names::DIGEST).unwrap_or_default();
                let stays_flat = is_flat && !started.faults.has(Fault::FlatImageFollows);
                sender.send(if stays_flat { content.flat() } else { content }, digest.into());
            }
            if !is_flat && !started.faults.has(Fault::ImageLabelsForgotten) {
                sender.send_labels(image);
            }
        }
        Kind::Ingest => {
            let Some(ingest) = bucket(&[v1, namespace, names::CONTENT, names::INGESTS]) else {
                return Ok(());
            };
            let expected = ingest.get(names::EXPECTED).unwrap_or_default();
            if !expected.is_empty() && !started.faults.has(Fault::IngestExpectedForgotten) {
                sender.send(started.types.content, expected.into());
            }
        }
        Kind::Container if started.rules.back_references => {
            let Some(container) = bucket(&[v1, namespace, names::CONTAINERS]) else { return Ok(()) };
            let snapshotter = container.get(names::SNAPSHOTTER).unwrap_or_default();
            if !snapshotter.is_empty() && !started.faults.has(Fault::ContainerSnapshotForgotten) {
                let name = container.get(names::SNAPSHOT_KEY).unwrap_or_default();
                sender.send(started.types.snapshot, Key::snapshot(snapshotter, name));
            }
            sender.send_labels(container);
        }
        _ if started.rules.collector_references
            && !started.faults.has(Fault::CollectorReferencesForgotten) =>
        {
            sender.send_collector_references();
        }
        _ => {}
    }
    Ok(())
}

struct Sender<'s, 'a, F> {
    started: &'s Started<'a, F>,
    marks: &'s mut Marks,
    node: &'s Node,
    found: &'s mut Vec<NodeId>,
}

impl<F: Faults> Sender<'_, '_, F> {
    /// A reference into the node's own namespace.
    fn send(&mut self, resource_type: ResourceType, key: Key<'_>) {
        self.found.push(self.marks.nodes.intern(resource_type, &self.node.namespace, key));
    }

    fn send_labels(&mut self, object: View<'_>) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, object, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(resource_type, key);
            }
        });
    }

    /// What the collector of exactly this type reports for the node (`References`, from 2.4).
    fn send_collector_references(&mut self) {
        let Some(collector) = self.started.collector(self.node.resource_type) else { return };
        let answers = collector.references.iter().filter(|(from, _)| from == self.node);
        for to in answers.flat_map(|(_, to)| to) {
            self.found.push(self.marks.nodes.intern(to.resource_type, &to.namespace, &*to.key));
        }
    }
}

/// Snapshotter and name: a snapshot's key is cut at its first slash, whichever of the two it belonged to.
pub(super) fn cut_snapshot_key(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = key.iter().position(|byte| *byte == b'/')?;
    Some((&key[..slash], &key[slash + 1..]))
}

pub(super) fn invalid_snapshot_key(node: &Node) -> String {
    format!("invalid snapshot gc key {}", String::from_utf8_lossy(&node.key))
}
