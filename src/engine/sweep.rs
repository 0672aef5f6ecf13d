//! The sweep: walk every resource, remove what is not marked (`scanAll`, `remove`).

use super::context::{Context, Marks, Started, Told};
use super::decisions::Decisions;
use super::error::Error;
use super::namespaces::{Namespace, Namespaces};
use super::nodes::{NodeId, NodeTable, cut_snapshot_key};
use super::outcome::{Call, Dirty, LogEvent};
use super::request::Point;
use crate::bucket::Bucket;
use crate::node::{Kind, NodeRef};
use crate::schema::names;

/// Passes every resource to `visit`: per namespace leases, snapshots, ingests, blobs and from 2.0 images, last what
/// the collectors list.
///
/// # Errors
/// The first error of `visit` on a resource of the database. Errors on the collectors' nodes are swallowed, as
/// containerd does, and the walk goes on.
pub(super) fn scan_all<D: Decisions>(
    started: &Started<'_, D>,
    namespaces: &Namespaces<'_>,
    marks: &mut Marks,
    mut visit: impl FnMut(&mut Marks, NodeId) -> Result<(), Error>,
) -> Result<(), Error> {
    if !namespaces.has_v1 {
        return Ok(());
    }
    for there in namespaces.iter() {
        let Namespace { leases, snapshots, ingests, blobs, images, .. } = there;
        for section in [leases, snapshots, ingests, blobs, images] {
            for object in namespaces.objects(section) {
                visit(marks, object.id)?;
            }
        }
    }
    for collector in &started.collectors {
        marks.told.called(collector, Call::All);
        for node in &collector.all {
            let id = marks.intern(node.as_ref());
            // The error is lost here in containerd too (`_ = fn(ctx, n)`).
            if visit(marks, id).is_err() && !started.decisions.lists_on() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What the sweep changed.
pub(super) struct Swept {
    pub(super) walked: Vec<NodeId>,
    pub(super) removed: Vec<NodeId>,
    pub(super) after: Bucket,
    pub(super) dirty: Dirty,
    pub(super) error: Option<Error>,
}

/// Removes every resource that is not marked. The walk sees the tree as it was before the first removal.
pub(super) fn sweep<D: Decisions>(context: &mut Context<'_, D>, tree: &Bucket, marked: &[bool]) -> Swept {
    let (started, namespaces) = (&context.started, &context.namespaces);
    // Most of what there is has been met by now.
    let mut walked = Vec::with_capacity(context.marks.nodes.len());
    let mut removed = Vec::new();
    let mut deletions = Deletions::from(tree);
    let mut dirty = Dirty::default();
    let scanned = scan_all(started, namespaces, &mut context.marks, |marks, id| {
        walked.push(id);
        if started.decisions.is_marked(&marks.nodes, marked, id) {
            return Ok(());
        }
        removed.push(id);
        let Marks { nodes, told, .. } = marks;
        note_dirty(started, &mut dirty, nodes.get(id));
        let namespace = namespaces.get(nodes.namespace_of(id));
        let Some(kind) = remove(started, told, namespace, nodes.get(id))? else { return Ok(()) };
        told.reach(Point::Removal)?;
        deletions.delete(kind, id, nodes, namespaces)
    });
    deletions.carry_out(&context.marks.nodes);
    let error = scanned.err().map(|error| Error::ScanAndRemove(Box::new(error)));
    // The transaction is rolled back.
    let after = if error.is_some() { tree.clone() } else { deletions.after };
    Swept { walked, removed, after, dirty, error }
}

/// Notes which backend will have to clean up, before the removal is tried (`DB.GarbageCollect`).
fn note_dirty<D: Decisions>(started: &Started<'_, D>, dirty: &mut Dirty, node: NodeRef<'_>) {
    let types = started.types;
    if node.resource_type == types.snapshot {
        let slash = node.key.iter().position(|byte| *byte == b'/').unwrap_or_default();
        if slash > 0 && !dirty.snapshotters.contains(&node.key[..slash]) {
            dirty.snapshotters.insert(node.key[..slash].into());
        }
    } else if node.resource_type == types.content || node.resource_type == types.ingest {
        dirty.content = true;
    }
}

/// Where the bucket of a node stands.
struct Place<'n> {
    path: [&'n [u8]; 4],
    /// Of the path; images and leases stand one level higher than others.
    levels: usize,
    name: &'n [u8],
}

impl<'n> Place<'n> {
    fn of(kind: Kind, node: NodeRef<'n>) -> Place<'n> {
        let NodeRef { namespace, key, .. } = node;
        let (path, levels, name) = match kind {
            Kind::Content => ([names::CONTENT, names::BLOB], 4, key),
            Kind::Ingest => ([names::CONTENT, names::INGESTS], 4, key),
            Kind::Snapshot => {
                let (snapshotter, name) = cut_snapshot_key(key).unwrap_or((key, b""));
                ([names::SNAPSHOTS, snapshotter], 4, name)
            }
            Kind::Image => ([names::IMAGES, b""], 3, key),
            _ => ([names::LEASES, b""], 3, key),
        };
        Place { path: [names::V1, namespace, path[0], path[1]], levels, name }
    }

    fn path(&self) -> &[&'n [u8]] {
        &self.path[..self.levels]
    }
}

/// The tree from which buckets are deleted. As they are walked, those that stand beside each other follow each other: they
/// go together, once one comes that stands elsewhere.
struct Deletions {
    after: Bucket,
    /// Of one kind.
    pending: Vec<NodeId>,
    kind: Kind,
    /// The highest number among those that went or are to go.
    highest: Option<NodeId>,
}

impl Deletions {
    fn from(tree: &Bucket) -> Deletions {
        Deletions { after: tree.clone(), pending: Vec::new(), kind: Kind::Lease, highest: None }
    }

    /// Deletes the bucket of a node of a kind (bbolt's `Bucket.DeleteBucket`).
    ///
    /// # Errors
    /// bbolt's refusal.
    fn delete(
        &mut self,
        kind: Kind,
        id: NodeId,
        nodes: &NodeTable,
        namespaces: &Namespaces<'_>,
    ) -> Result<(), Error> {
        let here = Place::of(kind, nodes.get(id));
        // Objects are walked in the order of their numbers: one behind all that went is still there.
        let is_there = namespaces.object(id).is_some() && self.highest.is_none_or(|highest| highest < id);
        let is_beside =
            |last: &NodeId| kind == self.kind && Place::of(kind, nodes.get(*last)).path() == here.path();
        if !(is_there && self.pending.last().is_some_and(is_beside)) {
            self.carry_out(nodes);
        }
        if !is_there {
            return Ok(self.after.delete_bucket(here.path(), here.name)?);
        }
        (self.kind, self.highest) = (kind, Some(id));
        self.pending.push(id);
        Ok(())
    }

    /// Deletes what is pending.
    fn carry_out(&mut self, nodes: &NodeTable) {
        let place = |id: &NodeId| Place::of(self.kind, nodes.get(*id));
        let Some(first) = self.pending.first() else { return };
        let names = self.pending.iter().map(|id| place(id).name);
        self.after.delete_buckets(place(first).path(), names).expect("what is there can be deleted");
        self.pending.clear();
    }
}

/// Says that a node goes, to its collector or to the log, and the kind of the bucket that goes with it, if
/// any does (`remove`).
///
/// # Errors
/// A snapshot's key without a slash.
fn remove<D: Decisions>(
    started: &Started<'_, D>,
    told: &mut Told,
    namespace: Option<&Namespace<'_>>,
    node: NodeRef<'_>,
) -> Result<Option<Kind>, Error> {
    // Only objects go, so what is around them is as it was before the first removal.
    let Some(namespace) = namespace else {
        // A resource outside the database goes although the database lacks its namespace.
        let collector = started.collector(node.resource_type);
        if let Some(collector) = collector {
            told.called(collector, Call::Remove(node.to_node()));
        }
        return Ok(None);
    };
    let key = node.key;
    let kind = started.release.kind_of(node.resource_type);
    let event = match kind {
        Kind::Content | Kind::Snapshot | Kind::Image if started.release.is_flat(node.resource_type) => {
            remove_elsewhere(started, told, node);
            return Ok(None);
        }
        Kind::Content if namespace.blobs.bucket.is_some() => {
            Some(LogEvent::Remove { object: "content", key: key.into() })
        }
        Kind::Snapshot => {
            let Some(snapshots) = namespace.snapshots.bucket else { return Ok(None) };
            let Some((snapshotter, name)) = cut_snapshot_key(key) else {
                return Err(Error::InvalidSnapshotKey(key.into()));
            };
            if snapshots.bucket(snapshotter).is_none() {
                return Ok(None);
            }
            Some(LogEvent::RemoveSnapshot { snapshotter: snapshotter.into(), key: name.into() })
        }
        Kind::Image if namespace.images.bucket.is_some() => {
            let is_logged = started.rules.logs_removed_images;
            is_logged.then(|| LogEvent::Remove { object: "image", key: key.into() })
        }
        Kind::Lease if namespace.leases.bucket.is_some() => None,
        Kind::Ingest if namespace.ingests.bucket.is_some() => {
            Some(LogEvent::Remove { object: "ingest", key: key.into() })
        }
        Kind::Content | Kind::Image | Kind::Lease | Kind::Ingest => return Ok(None),
        _ => {
            remove_elsewhere(started, told, node);
            return Ok(None);
        }
    };
    told.log.extend(event);
    Ok(Some(kind))
}

/// A node whose type is none of the database's own.
fn remove_elsewhere<D: Decisions>(started: &Started<'_, D>, told: &mut Told, node: NodeRef<'_>) {
    match started.collector(node.resource_type) {
        Some(collector) => told.called(collector, Call::Remove(node.to_node())),
        None => {
            let (key, resource_type) = (node.key.into(), node.resource_type);
            told.log.push(LogEvent::NoRemove { key, resource_type });
        }
    }
}
