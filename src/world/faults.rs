//! Mistakes that a daemon could make, to see that the harness finds them: those of its collector, and those between a
//! client's call and the tree that is collected.
//!
//! The second sort is wrapped around an honest step: another step is done than the one that was asked for, something is
//! hidden from it, or what came of it is changed afterwards. Nothing else of this room knows of them.

use super::{Applied, World};
use crate::bucket::{Bucket, Entry, View, diff};
use crate::engine;
use crate::named::{UnknownName, named};
use crate::release::Release;
use crate::scenario::{Line, SnapshotName, Step};
use crate::schema::names;
use std::fmt;

/// A mistake that can be seeded into a daemon. Exactly one is active in a faulty one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// One of its collector.
    Collector(engine::Fault),
    /// One of all else.
    Daemon(DaemonFault),
}

named! {
    /// A mistake that a daemon could make outside its collector.
    pub enum DaemonFault {
        /// The release under which it is graded, the first that has the rule.
        release: Release,
    }
    // What clients ask for.
    LabelsReplaced, "labels-replaced", Release::V1_7Beta => "Who sets a label of content drops its others.";
    LeaseEntryForgotten, "lease-entry-forgotten", Release::V1_7Beta => "What a client writes under a lease is not entered into it.";
    DeletedFromAllLeases, "deleted-from-all-leases", Release::V1_7Beta => "Content that is deleted leaves every lease, not only the one in use.";
    DropLeavesEntry, "drop-leaves-entry", Release::V1_7Beta => "What is dropped from a lease is held all the same.";
    EmptyLeasePanics, "empty-lease-panics", Release::V1_7Beta => "The daemon panics when a lease is deleted that holds nothing.";
    ParentRemoved, "parent-removed", Release::V1_7Beta => "A snapshot that has children can be removed.";
    // The buckets.
    EqualLengthKept, "equal-length-kept", Release::V1_7Beta => "A value is not overwritten by another of its length.";
    // The backends.
    CleanUpTakesListed, "clean-up-takes-listed", Release::V1_7Beta => "A clean-up removes a blob that the database lists.";
}

impl Fault {
    /// All of them, the collector's first.
    pub fn all() -> impl Iterator<Item = Fault> {
        let collectors = engine::Fault::ALL.iter().copied().map(Fault::Collector);
        collectors.chain(DaemonFault::ALL.iter().copied().map(Fault::Daemon))
    }

    /// The one of a name.
    ///
    /// # Errors
    /// There is none of that name; the error lists what there is.
    pub fn parse(name: &str) -> Result<Fault, UnknownName> {
        let known = || Fault::all().map(Fault::name).collect();
        let unknown = || UnknownName { what: "Fault", name: name.to_owned(), known: known() };
        Fault::all().find(|fault| fault.name() == name).ok_or_else(unknown)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Collector(fault) => fault.name(),
            Fault::Daemon(fault) => fault.name(),
        }
    }

    /// What it is, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::Collector(fault) => fault.sentence(),
            Fault::Daemon(fault) => fault.sentence(),
        }
    }

    /// The release under which it is graded.
    pub fn release(self) -> Release {
        match self {
            Fault::Collector(fault) => fault.release(),
            Fault::Daemon(fault) => fault.release(),
        }
    }

    /// Whether a release has the rule that the fault breaks: elsewhere it changes nothing.
    pub fn can_be_made_in(self, release: Release) -> bool {
        match self {
            Fault::Collector(fault) => fault.can_be_made_in(release),
            // Graded under the default release are the rules that are as old as 1.6.
            Fault::Daemon(fault) => fault.release() == Release::V1_7Beta || release >= fault.release(),
        }
    }

    /// The mistake of the collector, if it is one.
    pub fn of_collector(self) -> Option<engine::Fault> {
        match self {
            Fault::Collector(fault) => Some(fault),
            Fault::Daemon(_) => None,
        }
    }
}

impl From<engine::Fault> for Fault {
    fn from(fault: engine::Fault) -> Fault {
        Fault::Collector(fault)
    }
}

impl From<DaemonFault> for Fault {
    fn from(fault: DaemonFault) -> Fault {
        Fault::Daemon(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl DaemonFault {
    /// A step of a daemon with this fault.
    pub(super) fn apply(self, world: &mut World, line: &Line) -> Applied {
        let before = world.clone();
        let namespace = before.namespace(line.client.as_ref()).unwrap_or_default();
        self.hide(&mut world.store.tree, namespace, &line.step);
        let applied = world.apply(&Line { step: self.instead(&line.step), ..line.clone() });
        if applied.refused.is_some() {
            *world = before;
            return world.apply(line);
        }
        self.change(&before, namespace, &line.step, world);
        applied
    }

    /// What the step does not see.
    fn hide(self, tree: &mut Bucket, namespace: &[u8], step: &Step) {
        if let (DaemonFault::EmptyLeasePanics, Step::LeaseDelete { lease, .. }) = (self, step) {
            let lease = tree.view().at(&[names::V1, namespace, names::LEASES, lease]);
            let holds = |lease: View<'_>| lease.buckets().any(|(key, _)| key != names::LABELS);
            assert!(lease.is_none_or(holds), "index out of range [0] with length 0");
        }
        if let (DaemonFault::ParentRemoved, Step::SnapshotRemove { snapshot }) = (self, step) {
            let SnapshotName { snapshotter, key } = snapshot;
            remove(tree, &[names::V1, namespace, names::SNAPSHOTS, snapshotter, key, names::CHILDREN]);
        }
    }

    /// The step that is done instead.
    fn instead(self, step: &Step) -> Step {
        match (self, step) {
            (DaemonFault::LabelsReplaced, Step::ContentLabel { digest, labels, .. }) => {
                Step::ContentLabel { digest: digest.clone(), replace: true, labels: labels.clone() }
            }
            _ => step.clone(),
        }
    }

    /// What comes of a step that was accepted, changed afterwards.
    fn change(self, before: &World, namespace: &[u8], step: &Step, world: &mut World) {
        let tree = &mut world.store.tree;
        match (self, step) {
            (DaemonFault::DropLeavesEntry, Step::LeaseDrop { .. }) => *tree = before.store.tree.clone(),
            (DaemonFault::LeaseEntryForgotten, _) if writes_under_a_lease(step) => {
                put_back(tree, &before.store.tree, &[names::V1, namespace, names::LEASES]);
            }
            (DaemonFault::DeletedFromAllLeases, Step::ContentDelete { digest }) => {
                let leases = [names::V1, namespace, names::LEASES];
                let before = before.store.tree.view().at(&leases);
                for (id, _) in before.into_iter().flat_map(View::buckets) {
                    // Most leases do not hold it.
                    let _ = tree.delete(&[leases[0], leases[1], leases[2], id, names::CONTENT], digest);
                }
            }
            (DaemonFault::EqualLengthKept, _) => {
                let after = tree.clone();
                for change in diff(&before.store.tree, &after) {
                    let (Some(Entry::Value(old)), Some(Entry::Value(new))) = (change.before, change.after)
                    else {
                        continue;
                    };
                    let (key, around) = change.path.split_last().expect("a value has a key");
                    if old.len() == new.len() {
                        tree.put(around, key, old).expect("a value stands there");
                    }
                }
            }
            (DaemonFault::CleanUpTakesListed, Step::Cleanup) => {
                let listed = |namespace: View<'_>| {
                    let blobs = namespace.bucket(names::CONTENT)?.bucket(names::BLOB)?;
                    blobs.buckets().next().map(|(digest, _)| digest.to_vec())
                };
                let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
                let first = namespaces.filter_map(|(_, namespace)| listed(namespace)).next();
                // What was never stored cannot go.
                let _ = first.map(|digest| world.store.backend.delete_blob(&digest));
            }
            _ => {}
        }
    }
}

/// Steps after which the lease in use holds more.
fn writes_under_a_lease(step: &Step) -> bool {
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

/// Removes a bucket, if it is there.
fn remove(tree: &mut Bucket, path: &[&[u8]]) {
    let (key, around) = path.split_last().expect("a bucket below the root");
    // Where there is none there is nothing to remove.
    let _ = tree.delete_bucket(around, key);
}

/// A bucket becomes what it was.
fn put_back(tree: &mut Bucket, before: &Bucket, path: &[&[u8]]) {
    let (key, around) = path.split_last().expect("a bucket below the root");
    match before.view().at(path) {
        None => remove(tree, path),
        // It is refused only where the step took the bucket around it away.
        Some(bucket) => drop(tree.graft(around, key, &bucket.to_bucket())),
    }
}
