//! What one node refers to (`references`).

use super::context::{Context, Marks, Started};
use super::decisions::{By, Decisions, NodeMap, Visit};
use super::error::Error;
use super::labels::{Sent, Wanted, send_label_refs};
use super::namespaces::Namespace;
use super::nodes::{Key, NamespaceId, NodeId, cut_snapshot_key};
use super::request::Point;
use crate::bucket::{Entry, View};
use crate::node::{Kind, Node, ResourceType};
use crate::schema::names;

/// The nodes that a node refers to, in order, appended to `found`. A node without a bucket is a dead edge: it
/// refers to nothing, but for its back references.
///
/// # Errors
/// A node of snapshot type whose key has no slash.
pub(super) fn references<'a, D: Decisions>(
    context: &mut Context<'a, D>,
    id: NodeId,
    found: &mut Vec<NodeId>,
) -> Result<(), Error> {
    let Context { started, namespaces, marks } = context;
    let Started { types, rules, decisions, .. } = *started;
    marks.told.reach(Point::Lookup)?;
    // What is kept because this node is reached. Only its exact type counts, so not a flat visit of it.
    let exact_type = decisions.key_in(NodeMap::BackReferences, marks.nodes.type_of(id));
    let as_parent = marks.nodes.retype(id, exact_type);
    if let Some(children) = marks.back_references.get(&as_parent) {
        found.extend_from_slice(children);
    }
    let (node, namespace) = (marks.nodes.get(id), marks.nodes.namespace_of(id));
    let there = namespaces.get(namespace);
    let object_in = |objects: fn(&Namespace<'a>) -> Option<View<'a>>| objects(there?)?.bucket(node.key);
    let is_flat = started.release.is_flat(node.resource_type);
    let visit = if is_flat { Visit::Flat } else { Visit::Full };

    match started.release.kind_of(node.resource_type) {
        Kind::Content => {
            let Some(blob) = object_in(|there| there.blobs) else { return Ok(()) };
            let [labels] = blob.buckets_under([names::LABELS]);
            // Flat content refers to nothing: a flat visit follows no label (`Decisions::follow`).
            Sender { started, marks, namespace, visit, found }.send_labels(Kind::Content, labels);
        }
        Kind::Snapshot => {
            let Some((snapshotter, name)) = cut_snapshot_key(node.key) else {
                return Err(Error::InvalidSnapshotKey(node.key.into()));
            };
            let snapshots = there.and_then(|there| there.snapshots?.bucket_and_key(snapshotter));
            let Some((snapshotter, snapshots)) = snapshots else { return Ok(()) };
            let Some(snapshot) = snapshots.bucket(name) else { return Ok(()) };
            let [parent, labels] = snapshot.fields([names::PARENT, names::LABELS]);
            let parent = parent.and_then(Entry::value).unwrap_or_default();
            let mut sender = Sender { started, marks, namespace, visit, found };
            if !parent.is_empty() {
                sender.send(By::Parent, types.snapshot, Key::snapshot(snapshotter, parent));
            }
            sender.send_labels(Kind::Snapshot, labels.and_then(Entry::bucket));
        }
        Kind::Image => {
            let Some(image) = object_in(|there| there.images) else { return Ok(()) };
            let [target, labels] = image.buckets_under([names::TARGET, names::LABELS]);
            let mut sender = Sender { started, marks, namespace, visit, found };
            if let Some(target) = target {
                let digest = target.get(names::DIGEST).unwrap_or_default();
                sender.send(By::Target, types.content, digest.into());
            }
            sender.send_labels(Kind::Image, labels);
        }
        Kind::Ingest => {
            let Some(ingest) = object_in(|there| there.ingests) else { return Ok(()) };
            let expected = ingest.get(names::EXPECTED).unwrap_or_default();
            if !expected.is_empty() {
                let mut sender = Sender { started, marks, namespace, visit, found };
                sender.send(By::Expected, types.content, expected.into());
            }
        }
        Kind::Container if rules.container_nodes => {
            let Some(container) = object_in(|there| there.containers) else { return Ok(()) };
            let [snapshotter, snapshot, labels] =
                container.fields([names::SNAPSHOTTER, names::SNAPSHOT_KEY, names::LABELS]);
            let snapshotter = snapshotter.and_then(Entry::value).unwrap_or_default();
            let mut sender = Sender { started, marks, namespace, visit, found };
            if !snapshotter.is_empty() {
                let name = snapshot.and_then(Entry::value).unwrap_or_default();
                sender.send(By::ContainerSnapshot, types.snapshot, Key::snapshot(snapshotter, name));
            }
            sender.send_labels(Kind::Container, labels.and_then(Entry::bucket));
        }
        _ if rules.collector_references => send_collector_references(started, marks, id, found),
        _ => {}
    }
    Ok(())
}

/// Sends what the node refers to, into its own namespace.
struct Sender<'s, 'a, D> {
    started: &'s Started<'a, D>,
    marks: &'s mut Marks,
    namespace: NamespaceId,
    /// How the node that refers is visited.
    visit: Visit,
    found: &'s mut Vec<NodeId>,
}

impl<D: Decisions> Sender<'_, '_, D> {
    fn send(&mut self, by: By, resource_type: ResourceType, key: Key<'_>) {
        if let Some(visit) = self.started.decisions.follow(by, key, self.visit) {
            self.found.push(self.marks.nodes.intern(visit.of(resource_type), self.namespace, key));
        }
    }

    fn send_labels(&mut self, kind: Kind, labels: Option<View<'_>>) {
        let Started { handlers, decisions, .. } = self.started;
        send_label_refs(handlers, *decisions, labels, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(By::Label(kind), resource_type, key);
            }
        });
    }
}

/// What the collector of exactly this type reports for a node (`References`, from 2.4).
fn send_collector_references<D: Decisions>(
    started: &Started<'_, D>,
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
