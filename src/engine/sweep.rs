//! The sweep: walk every resource, remove what is not marked (`scanAll`, `remove`).

use super::context::{Context, Marks, Started, Told};
use super::decisions::Decisions;
use super::error::Error;
use super::namespaces::{Namespace, Namespaces, buckets_of};
use super::nodes::{Key, NodeId, cut_snapshot_key};
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
    let types = started.types;
    for namespace in namespaces.iter() {
        let mut found = |marks: &mut Marks, resource_type, key: Key<'_>| {
            let id = marks.nodes.intern(resource_type, namespace.id, key);
            visit(marks, id)
        };
        for (id, _) in buckets_of(namespace.leases) {
            found(marks, types.lease, id.into())?;
        }
        for (snapshotter, snapshots) in buckets_of(namespace.snapshots) {
            for (name, _) in snapshots.buckets() {
                found(marks, types.snapshot, Key::snapshot(snapshotter, name))?;
            }
        }
        for (reference, _) in buckets_of(namespace.ingests) {
            found(marks, types.ingest, reference.into())?;
        }
        for (digest, _) in buckets_of(namespace.blobs) {
            found(marks, types.content, digest.into())?;
        }
        if started.rules.image_nodes {
            for (name, _) in buckets_of(namespace.images) {
                found(marks, types.image, name.into())?;
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
    let mut after = tree.clone();
    let mut dirty = Dirty::default();
    let scanned = scan_all(started, namespaces, &mut context.marks, |marks, id| {
        walked.push(id);
        if started.decisions.is_marked(&marks.nodes, marked, id) {
            return Ok(());
        }
        removed.push(id);
        let node = marks.nodes.get(id);
        let namespace = namespaces.get(marks.nodes.namespace_of(id));
        note_dirty(started, &mut dirty, node);
        remove(started, &mut marks.told, namespace, &mut after, node)
    });
    let error = scanned.err().map(|error| Error::ScanAndRemove(Box::new(error)));
    // The transaction is rolled back.
    let after = if error.is_some() { tree.clone() } else { after };
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

/// Removes a node's bucket, or has its collector remove it.
///
/// # Errors
/// bbolt's refusal, or a snapshot's key without a slash.
fn remove<D: Decisions>(
    started: &Started<'_, D>,
    told: &mut Told,
    namespace: Option<&Namespace<'_>>,
    after: &mut Bucket,
    node: NodeRef<'_>,
) -> Result<(), Error> {
    // Only objects go, so what is around them is as it was before the first removal.
    let Some(namespace) = namespace else {
        // A resource outside the database goes although the database lacks its namespace.
        let collector = started.collector(node.resource_type);
        if let Some(collector) = collector {
            told.called(collector, Call::Remove(node.to_node()));
        }
        return Ok(());
    };
    let root = [names::V1, node.namespace];
    let is_flat = started.release.is_flat(node.resource_type);
    let key = node.key;
    match started.release.kind_of(node.resource_type) {
        _ if is_flat => remove_elsewhere(started, told, node),
        Kind::Content => {
            if namespace.blobs.is_some() {
                let path = [root[0], root[1], names::CONTENT, names::BLOB];
                told.log.push(LogEvent::Remove { object: "content", key: key.into() });
                return delete_bucket(told, after, &path, key);
            }
        }
        Kind::Snapshot => {
            let Some(snapshots) = namespace.snapshots else { return Ok(()) };
            let Some((snapshotter, name)) = cut_snapshot_key(key) else {
                return Err(Error::InvalidSnapshotKey(key.into()));
            };
            if snapshots.bucket(snapshotter).is_some() {
                let (snapshotter_name, key) = (snapshotter.into(), name.into());
                told.log.push(LogEvent::RemoveSnapshot { snapshotter: snapshotter_name, key });
                let path = [root[0], root[1], names::SNAPSHOTS, snapshotter];
                return delete_bucket(told, after, &path, name);
            }
        }
        Kind::Image => {
            if namespace.images.is_some() {
                if started.rules.logs_removed_images {
                    told.log.push(LogEvent::Remove { object: "image", key: key.into() });
                }
                return delete_bucket(told, after, &[root[0], root[1], names::IMAGES], key);
            }
        }
        Kind::Lease => {
            if namespace.leases.is_some() {
                return delete_bucket(told, after, &[root[0], root[1], names::LEASES], key);
            }
        }
        Kind::Ingest => {
            if namespace.ingests.is_some() {
                let path = [root[0], root[1], names::CONTENT, names::INGESTS];
                told.log.push(LogEvent::Remove { object: "ingest", key: key.into() });
                return delete_bucket(told, after, &path, key);
            }
        }
        _ => remove_elsewhere(started, told, node),
    }
    Ok(())
}

/// Deletes a bucket (bbolt's `Bucket.DeleteBucket`).
///
/// # Errors
/// bbolt's refusal.
fn delete_bucket(told: &mut Told, after: &mut Bucket, path: &[&[u8]], key: &[u8]) -> Result<(), Error> {
    told.reach(Point::Removal)?;
    Ok(after.delete_bucket(path, key)?)
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
