//! A step that a faulty daemon is asked for, the ways in which it can go wrong, and edits for those who make it so.

use super::super::World;
use crate::bucket::{Bucket, Entry, diff};
use crate::metadata::Error;
use crate::release::Release;
use crate::scenario::{Labels, Line, Name, SnapshotName, Step};
use crate::schema::names;

/// How a mistake is made. Each function leaves the steps alone that it is not about.
#[derive(Clone, Copy)]
pub(super) enum Mistake {
    /// Something is hidden from a step, and put right behind it.
    Hidden(Change, Change),
    /// Another step is done.
    Instead(fn(&Asked<'_>) -> Option<Step>),
    /// What comes of a step that was accepted is changed.
    After(Change),
    /// A step is refused that should be accepted.
    Refusing(fn(&Asked<'_>) -> Option<Error>),
    /// What a refusal leaves behind, and what it says; without an error the step counts as accepted.
    Refused(fn(&Asked<'_>, &mut World, Error) -> Option<Error>),
}

/// A change of a daemon around a step.
pub(super) type Change = fn(&Asked<'_>, &mut World);

/// No change.
pub(super) fn nothing(_: &Asked<'_>, _: &mut World) {}

/// The keys from the root to an entry.
pub(super) type Path<'a> = Vec<&'a [u8]>;

/// A step that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The daemon before it.
    pub(super) before: &'a World,
    pub(super) client: Option<&'a Name>,
    /// Where its client acts, and under which lease.
    pub(super) namespace: &'a [u8],
    pub(super) lease: Option<&'a [u8]>,
    pub(super) step: &'a Step,
}

impl<'a> Asked<'a> {
    pub(super) fn of(before: &'a World, line: &'a Line) -> Asked<'a> {
        let client = line.client.as_ref();
        let (namespace, lease) = (before.namespace(client).unwrap_or_default(), before.lease(client));
        Asked { before, client, namespace, lease, step: &line.step }
    }

    /// The database before the step.
    pub(super) fn tree(&self) -> &'a Bucket {
        &self.before.store.tree
    }

    /// A path in the client's namespace.
    pub(super) fn path(&self, below: &[&'a [u8]]) -> Path<'a> {
        [&[names::V1, self.namespace], below].concat()
    }

    pub(super) fn blob(&self, digest: &'a [u8]) -> Path<'a> {
        self.path(&[names::CONTENT, names::BLOB, digest])
    }

    pub(super) fn ingest(&self, reference: &'a [u8]) -> Path<'a> {
        self.path(&[names::CONTENT, names::INGESTS, reference])
    }

    pub(super) fn snapshot(&self, snapshotter: &'a [u8], key: &'a [u8]) -> Path<'a> {
        self.path(&[names::SNAPSHOTS, snapshotter, key])
    }

    /// The children of a snapshot's parent, if it had one before the step.
    pub(super) fn siblings(&self, snapshotter: &'a [u8], key: &'a [u8]) -> Option<Path<'a>> {
        let parent = self.tree().view().at(&self.snapshot(snapshotter, key))?.get(names::PARENT)?;
        Some(self.path(&[names::SNAPSHOTS, snapshotter, parent, names::CHILDREN]))
    }

    /// An entry of the lease in use.
    pub(super) fn leased(&self, below: &[&'a [u8]]) -> Option<Path<'a>> {
        Some(self.path(&[&[names::LEASES, self.lease?], below].concat()))
    }

    /// The object that an update is about, and the labels that it sets.
    pub(super) fn update(&self) -> Option<(Path<'a>, &'a Labels)> {
        Some(match self.step {
            Step::ContentLabel { digest, labels, .. } => (self.blob(digest), labels),
            Step::SnapshotLabel { snapshot: SnapshotName { snapshotter, key }, labels, .. } => {
                (self.snapshot(snapshotter, key), labels)
            }
            Step::ImageLabel { image, labels, .. } => (self.path(&[names::IMAGES, image]), labels),
            Step::ImageUpdate { image, fields, .. } => (self.path(&[names::IMAGES, image]), &fields.labels),
            Step::ContainerLabel { container, labels, .. } => {
                (self.path(&[names::CONTAINERS, container]), labels)
            }
            Step::ContainerUpdate { container, fields, .. } => {
                (self.path(&[names::CONTAINERS, container]), &fields.labels)
            }
            Step::SandboxLabel { sandbox, labels, .. } => {
                let path = self.path(&[names::SANDBOXES, sandbox]);
                // Up to 1.7 they lie at the root.
                (if self.before.release() >= Release::V2_0 { path } else { path[1..].to_vec() }, labels)
            }
            _ => return None,
        })
    }

    /// Whether it is an edit that no client can make.
    pub(super) fn is_raw(&self) -> bool {
        self.step.is_raw()
    }

    /// Every value that the step wrote, with its path.
    pub(super) fn written(&self, after: &'a Bucket) -> Vec<(Path<'a>, &'a [u8])> {
        let mut written = Vec::new();
        for change in diff(self.tree(), after) {
            match change.after {
                Some(Entry::Value(value)) => written.push((change.path, value)),
                Some(Entry::Bucket(new)) if change.before.is_none() => {
                    for (below, bucket) in new.walk_paths() {
                        let values = bucket.iter().filter_map(|(key, entry)| Some((key, entry.value()?)));
                        written.extend(
                            values.map(|(key, value)| ([&change.path[..], &below, &[key]].concat(), value)),
                        );
                    }
                }
                _ => {}
            }
        }
        written
    }

    /// Every entry that the step took away.
    pub(super) fn deleted(&self, after: &'a Bucket) -> Vec<Path<'a>> {
        let changes = diff(self.tree(), after).into_iter();
        changes.filter(|change| change.after.is_none()).map(|change| change.path).collect()
    }
}

/// Steps after which the lease in use holds more.
pub(super) fn writes_under_a_lease(step: &Step) -> bool {
    matches!(
        step,
        Step::ContentOpen { .. }
            | Step::ContentCommit { .. }
            | Step::ContentPut { .. }
            | Step::SnapshotPrepare(_)
            | Step::SnapshotView(_)
            | Step::SnapshotFinish { .. }
            | Step::SnapshotCommit { .. }
            | Step::ImageCreate { .. }
    )
}

/// The bucket around an entry, and its own key.
pub(super) fn split<'p, 'a>(path: &'p [&'a [u8]]) -> (&'p [&'a [u8]], &'a [u8]) {
    let (key, around) = path.split_last().expect("an entry below the root");
    (around, key)
}

/// Removes an entry, if it is there.
pub(super) fn remove(tree: &mut Bucket, path: &[&[u8]]) {
    let (around, key) = split(path);
    // One of both is refused, as it stands there as the other or not at all.
    let _ = tree.delete_bucket(around, key);
    let _ = tree.delete(around, key);
}

/// Writes a value, and the buckets around it. Where something else has its place the mistake is not made.
pub(super) fn put(tree: &mut Bucket, path: &[&[u8]], value: &[u8]) {
    let (around, key) = split(path);
    let _ = tree.create_path(around).and_then(|()| tree.put(around, key, value));
}

/// An entry becomes what it was, if the bucket around it is still there.
pub(super) fn put_back(tree: &mut Bucket, before: &Bucket, path: &[&[u8]]) {
    remove(tree, path);
    let (around, key) = split(path);
    let _ = match before.view().at(around).and_then(|around| around.entry(key)) {
        None => Ok(()),
        Some(Entry::Value(value)) => tree.put(around, key, value),
        Some(Entry::Bucket(bucket)) => tree.graft(around, key, &bucket.to_bucket()),
    };
}
