//! The sweep: walk every resource, remove what is not marked (`scanAll`, `remove`).

use super::collect::{Marks, Started};
use super::faults::{Fault, Faults, Point};
use super::nodes::{Key, NodeId};
use super::outcome::{Call, Dirty, LogEvent};
use super::references::{cut_snapshot_key, invalid_snapshot_key};
use super::roots::buckets_of;
use crate::bucket::Bucket;
use crate::node::{Kind, Node};
use crate::schema::names;

/// Passes every resource to `visit`: per namespace leases, snapshots, ingests, blobs and from 2.0 images, last what
/// the collectors list.
///
/// # Errors
/// The first error of `visit` on a resource of the database. Errors on the collectors' nodes are swallowed, as
/// containerd does, and the walk goes on.
pub(super) fn scan_all<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    tree: &Bucket,
    mut visit: impl FnMut(&mut Marks, NodeId) -> Result<(), String>,
) -> Result<(), String> {
    let Some(v1) = tree.bucket(names::V1) else { return Ok(()) };
    let types = started.types;
    for (namespace, bucket) in v1.buckets() {
        let mut found = |marks: &mut Marks, resource_type, key: Key<'_>| {
            let id = marks.nodes.intern(resource_type, namespace, key);
            visit(marks, id)
        };
        for (id, _) in buckets_of(bucket.bucket(names::LEASES)) {
            found(marks, types.lease, id.into())?;
        }
        for (snapshotter, snapshots) in buckets_of(bucket.bucket(names::SNAPSHOTS)) {
            for (name, _) in snapshots.buckets() {
                found(marks, types.snapshot, Key::snapshot(snapshotter, name))?;
            }
        }
        let content = bucket.bucket(names::CONTENT);
        for (reference, _) in buckets_of(content.and_then(|content| content.bucket(names::INGESTS))) {
            found(marks, types.ingest, reference.into())?;
        }
        for (digest, _) in buckets_of(content.and_then(|content| content.bucket(names::BLOB))) {
            found(marks, types.content, digest.into())?;
        }
        if started.rules.image_nodes {
            for (name, _) in buckets_of(bucket.bucket(names::IMAGES)) {
                found(marks, types.image, name.into())?;
            }
        }
    }
    for collector in &started.collectors {
        marks.called(collector, Call::All);
        for node in &collector.all {
            let id = marks.nodes.intern(node.resource_type, &node.namespace, &*node.key);
            // The error is lost here in containerd too (`_ = fn(ctx, n)`).
            let _swallowed = visit(marks, id);
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
    pub(super) error: Option<String>,
}

/// Removes every resource that is not marked. The walk sees the tree as it was before the first removal.
pub(super) fn sweep<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    tree: &Bucket,
    marked: &[bool],
) -> Swept {
    let (mut walked, mut removed) = (Vec::new(), Vec::new());
    let mut after = tree.clone();
    let mut dirty = Dirty::default();
    // Read by a fault only.
    let mut has_removed = false;
    let scanned = scan_all(started, marks, tree, |marks, id| {
        walked.push(id);
        if marked.get(id.index()).copied().unwrap_or_default() {
            return Ok(());
        }
        if started.faults.has(Fault::NamespaceDropped) && is_marked_elsewhere(marks, marked, id) {
            return Ok(());
        }
        if started.faults.has(Fault::SweepSkips) && std::mem::take(&mut has_removed) {
            return Ok(());
        }
        has_removed = true;
        removed.push(id);
        let node = marks.nodes.get(id).to_node();
        note_dirty(started, &mut dirty, &node);
        remove(started, marks, &mut after, &node)
    });
    let error = scanned.err().map(|error| format!("failed to scan and remove: {error}"));
    let is_rolled_back = error.is_some() && !started.faults.has(Fault::SweepKeepsPartial);
    let after = if is_rolled_back { tree.clone() } else { after };
    Swept { walked, removed, after, dirty, error }
}

/// The fault of a marked set without namespaces.
fn is_marked_elsewhere(marks: &Marks, marked: &[bool], id: NodeId) -> bool {
    let node = marks.nodes.get(id);
    marks.nodes.iter().any(|(other, it)| {
        let is_marked = marked.get(other.index()).copied().unwrap_or_default();
        is_marked && it.resource_type == node.resource_type && it.key == node.key
    })
}

/// Notes which backend will have to clean up, before the removal is tried (`DB.GarbageCollect`).
fn note_dirty<F: Faults>(started: &Started<'_, F>, dirty: &mut Dirty, node: &Node) {
    let types = started.types;
    if node.resource_type == types.snapshot {
        let slash = node.key.iter().position(|byte| *byte == b'/').unwrap_or_default();
        if started.faults.has(Fault::DirtyLost) {
            return;
        }
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
fn remove<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    after: &mut Bucket,
    node: &Node,
) -> Result<(), String> {
    let Some(v1) = after.bucket(names::V1) else { return Ok(()) };
    let Some(namespace) = v1.bucket(&node.namespace) else {
        // A resource outside the database goes although the database lacks its namespace.
        let collector = started.collector(node.resource_type);
        if let Some(collector) = collector.filter(|_| !started.faults.has(Fault::OutsideNamespaceKept)) {
            marks.called(collector, Call::Remove(node.clone()));
        }
        return Ok(());
    };
    let root = [names::V1, &node.namespace];
    let is_flat = started.release.is_flat(node.resource_type);
    let key = &*node.key;
    match started.release.kind_of(node.resource_type) {
        _ if is_flat => remove_elsewhere(started, marks, node),
        Kind::Content => {
            let path = [root[0], root[1], names::CONTENT, names::BLOB];
            if namespace.at(&path[2..]).is_some() {
                marks.log.push(LogEvent::Remove { object: "content", key: key.into() });
                return delete_bucket(started, marks, after, &path, key);
            }
        }
        Kind::Snapshot => {
            let Some(snapshots) = namespace.bucket(names::SNAPSHOTS) else { return Ok(()) };
            let Some((snapshotter, name)) = cut_snapshot_key(key) else {
                return Err(invalid_snapshot_key(node));
            };
            if snapshots.bucket(snapshotter).is_some() {
                let (snapshotter_name, key) = (snapshotter.into(), name.into());
                marks.log.push(LogEvent::RemoveSnapshot { snapshotter: snapshotter_name, key });
                let path = [root[0], root[1], names::SNAPSHOTS, snapshotter];
                return delete_bucket(started, marks, after, &path, name);
            }
        }
        Kind::Image => {
            if namespace.bucket(names::IMAGES).is_some() {
                if started.rules.logs_removed_images {
                    marks.log.push(LogEvent::Remove { object: "image", key: key.into() });
                }
                return delete_bucket(started, marks, after, &[root[0], root[1], names::IMAGES], key);
            }
        }
        Kind::Lease => {
            if namespace.bucket(names::LEASES).is_some() {
                return delete_bucket(started, marks, after, &[root[0], root[1], names::LEASES], key);
            }
        }
        Kind::Ingest => {
            let path = [root[0], root[1], names::CONTENT, names::INGESTS];
            if namespace.at(&path[2..]).is_some() {
                marks.log.push(LogEvent::Remove { object: "ingest", key: key.into() });
                return delete_bucket(started, marks, after, &path, key);
            }
        }
        _ => remove_elsewhere(started, marks, node),
    }
    Ok(())
}

/// Deletes a bucket (bbolt's `Bucket.DeleteBucket`).
///
/// # Errors
/// bbolt's refusal.
fn delete_bucket<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    after: &mut Bucket,
    path: &[&[u8]],
    key: &[u8],
) -> Result<(), String> {
    marks.removals += 1;
    if started.faults.strikes(Point::Removal, marks.removals) {
        return Err(Point::INJECTED.to_owned());
    }
    after.delete_bucket(path, key).map_err(|refusal| refusal.to_string())
}

/// A node whose type is none of the database's own.
fn remove_elsewhere<F: Faults>(started: &Started<'_, F>, marks: &mut Marks, node: &Node) {
    match started.collector(node.resource_type) {
        Some(collector) => marks.called(collector, Call::Remove(node.clone())),
        None => {
            let (key, resource_type) = (node.key.clone(), node.resource_type);
            marks.log.push(LogEvent::NoRemove { key, resource_type });
        }
    }
}
