//! What one node refers to (`references`).

use super::context::{Context, Marks, Started};
use super::decisions::{By, Decisions, NodeMap, Visit};
use super::error::Error;
use super::labels::{Sent, Wanted, send_label_refs};
use super::nodes::{Key, NamespaceId, NodeId, cut_snapshot_key};
use super::request::Point;
use crate::bucket::View;
use crate::node::{Kind, Node, ResourceType};

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
    let (resource_type, namespace) = (marks.nodes.type_of(id), marks.nodes.namespace_of(id));
    let (kind, is_flat) = (started.release.kind_of(resource_type), started.release.is_flat(resource_type));
    let visit = if is_flat { Visit::Flat } else { Visit::Full };
    if kind == Kind::Snapshot && cut_snapshot_key(marks.nodes.get(id).key).is_none() {
        return Err(Error::InvalidSnapshotKey(marks.nodes.get(id).key.into()));
    }
    let plain = if is_flat { marks.nodes.retype(id, resource_type.stripped()) } else { id };
    let object = namespaces.object(plain);
    let mut sender = Sender { started, marks, namespace, visit, found };
    match (kind, object) {
        // Flat content refers to nothing: a flat visit follows no label (`Decisions::follow`).
        (Kind::Content, Some(blob)) => sender.send_labels(kind, blob.labels),
        (Kind::Snapshot, Some(snapshot)) => {
            sender.send_field(By::Parent, types.snapshot, snapshot.refers);
            sender.send_labels(kind, snapshot.labels);
        }
        (Kind::Image, Some(image)) => {
            sender.send_field(By::Target, types.content, image.refers);
            sender.send_labels(kind, image.labels);
        }
        (Kind::Ingest, Some(ingest)) => sender.send_field(By::Expected, types.content, ingest.refers),
        (Kind::Container, Some(container)) => {
            sender.send_field(By::ContainerSnapshot, types.snapshot, container.refers);
            sender.send_labels(kind, container.labels);
        }
        (Kind::Content | Kind::Snapshot | Kind::Image | Kind::Ingest, None) => {}
        (Kind::Container, None) if rules.container_nodes => {}
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

    fn send_field(&mut self, by: By, resource_type: ResourceType, key: Option<Key<'_>>) {
        if let Some(key) = key {
            self.send(by, resource_type, key);
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
