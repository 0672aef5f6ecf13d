//! Snapshots (containerd's `metadata/snapshot.go`): layers of file systems, each on its parent.
//!
//! ```text
//!   v1/NAMESPACE/snapshots/SNAPSHOTTER      its sequence numbers the backend's names
//!   └─ KEY   children/KEY  createdat  labels/KEY  name=NAMESPACE/SEQUENCE/KEY  parent=KEY  updatedat
//! ```
//!
//! Preparing takes two transactions with the backend's work in between, and a collection may come there: it can
//! take the parent away. So preparing is also offered as its two halves.

use super::backend::{BackendSnapshot, Committed, SnapshotKind, inherited};
use super::buckets::{LeaseEntry, backend_key, blocked};
use super::error::{Error, ErrorKind, Shown};
use super::fields::{self, Label, Labels, build_map, ordered, put};
use super::names::{CHILDREN, CREATED_AT, LABELS, NAME, PARENT, SNAPSHOT_REF, SNAPSHOTS, UPDATED_AT, V1};
use super::validate;
use super::{Context, Store};
use crate::bucket::{Bucket, Builder, Refusal, View};
use crate::instant::Instant;
use crate::schema::time;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

/// What a client asks of Prepare or View.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewSnapshot<'a> {
    /// The snapshotter.
    pub snapshotter: &'a [u8],
    /// The key; any bytes but none.
    pub key: &'a [u8],
    /// The parent's key, if any.
    pub parent: Option<&'a [u8]>,
    /// View instead of Prepare: it can only be read and never be committed.
    pub read_only: bool,
    /// Labels; `containerd.io/snapshot.ref` names the snapshot that the client wants in the end.
    pub labels: &'a [Label],
}

/// A preparation between its two transactions. It holds its snapshotter's lock, so that no clean-up of that
/// snapshotter runs until it is finished.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "an unfinished preparation blocks the snapshotter's clean-up"]
pub struct Preparation {
    namespace: Box<[u8]>,
    lease: Option<Box<[u8]>>,
    snapshotter: Box<[u8]>,
    key: Box<[u8]>,
    parent: Box<[u8]>,
    /// The backend's names of the snapshot and of its parent.
    backend_name: Box<[u8]>,
    backend_parent: Box<[u8]>,
    labels: Labels,
    created: Instant,
    updated: Instant,
    /// The backend had the wanted snapshot: the record is written for that one, and the answer is this error.
    existing: Option<Error>,
}

/// All but the times, which are only written down.
impl Hash for Preparation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Preparation {
            namespace,
            lease,
            snapshotter,
            key,
            parent,
            backend_name,
            backend_parent,
            labels,
            ..
        } = self;
        (namespace, lease, snapshotter, key, parent).hash(state);
        (backend_name, backend_parent, labels, &self.existing).hash(state);
    }
}

/// What the first half of a preparation came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Prepared {
    /// To be finished.
    Begun(Preparation),
    /// The snapshot, or the one wanted in the end, exists; what happened is committed. The error for the client.
    Exists(Error),
}

impl Store {
    /// Prepares or views a snapshot whole (`snapshotter.Prepare`, `snapshotter.View`).
    ///
    /// # Errors
    /// As the two halves; an existing snapshot is already exists.
    pub fn prepare(&mut self, context: &Context<'_>, new: &NewSnapshot<'_>) -> Result<(), Error> {
        match self.prepare_begin(context, new)? {
            Prepared::Begun(preparation) => self.prepare_finish(preparation),
            Prepared::Exists(error) => Err(error),
        }
    }

    /// The first transaction of a preparation, and the backend's work: the parent is looked up, a sequence number
    /// taken, the backend's snapshot made (`createSnapshot`).
    ///
    /// In 1.7.0-beta.1 a snapshot that exists is not put into the lease in use (19); from the line 1.7 on it is, though
    /// the answer stays `already exists`.
    ///
    /// # Errors
    /// A label is too large, or the parent is not committed in the backend: invalid argument. The parent is missing
    /// in metadata or backend, or from 1.7 on the lease for an existing snapshot: not found. The backend has a
    /// snapshot of this name, left from an earlier namespace of this name: a plain error, unless it has the wanted
    /// one committed on the same parent.
    pub fn prepare_begin(&mut self, context: &Context<'_>, new: &NewSnapshot<'_>) -> Result<Prepared, Error> {
        let namespace = validate::namespace(context)?;
        validate::labels("snapshot", new.labels)?;
        let target = fields::value(new.labels, SNAPSHOT_REF);
        let parent = new.parent.unwrap_or_default();
        let path = [V1, namespace, SNAPSHOTS, new.snapshotter];
        let first = self.update(|store| store.first_transaction(context, new, target, &path))?;
        let (backend_name, backend_parent) = match first {
            First::Named { name, parent } => (name, parent),
            First::Exists(error) => return Ok(Prepared::Exists(error)),
        };
        let kind = if new.read_only { SnapshotKind::View } else { SnapshotKind::Active };
        let created = BackendSnapshot {
            kind,
            created: context.now,
            updated: context.now,
            parent: backend_parent.to_vec(),
            labels: inherited(&ordered(new.labels)),
        };
        let mut preparation = Preparation {
            namespace: namespace.into(),
            lease: context.lease.map(Box::from),
            snapshotter: new.snapshotter.into(),
            key: new.key.into(),
            parent: parent.into(),
            backend_name,
            backend_parent,
            labels: ordered(new.labels).into_owned(),
            created: context.now,
            updated: context.now,
            existing: None,
        };
        match self.backend.create_snapshot(new.snapshotter, &preparation.backend_name, created) {
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                self.adopt(&mut preparation, target, &error)?;
            }
            result => result?,
        }
        self.preparing.push(new.snapshotter.into());
        Ok(Prepared::Begun(preparation))
    }

    fn first_transaction(
        &mut self,
        context: &Context<'_>,
        new: &NewSnapshot<'_>,
        target: &[u8],
        path: &[&[u8]; 4],
    ) -> Result<First, Error> {
        self.tree.create_path(path)?;
        let all = self.at(path).unwrap_or(View::EMPTY);
        let is_there = |(_, key): &(&str, &[u8])| !key.is_empty() && all.bucket(key).is_some();
        if let Some((what, key)) =
            [("target snapshot", target), ("snapshot", new.key)].into_iter().find(is_there)
        {
            let exists = Error::already_exists(what, key);
            if !self.leases_existing_snapshots() {
                return Err(exists);
            }
            self.add_to_lease(context, LeaseEntry::Snapshot { snapshotter: new.snapshotter }, key)?;
            return Ok(First::Exists(exists));
        }
        let mut backend_parent = Box::default();
        if let Some(parent) = new.parent.filter(|parent| !parent.is_empty()) {
            let Some(there) = all.bucket(parent) else {
                return Err(Error::not_found("parent snapshot", parent));
            };
            backend_parent = there.get(NAME).unwrap_or_default().into();
        }
        let sequence = self.next_sequence(path)?;
        let name = backend_key(sequence, context.namespace, new.key).into();
        Ok(First::Named { name, parent: backend_parent })
    }

    /// The backend has a snapshot of this name already: takes over the one that the client wants in the end, if the
    /// backend has it committed on the same parent.
    fn adopt(&self, preparation: &mut Preparation, target: &[u8], error: &Error) -> Result<(), Error> {
        if target.is_empty() {
            return Err(Error::unknown(format_args!("unexpected error from snapshotter: {error}")));
        }
        let wanted = self.backend.snapshots(&preparation.snapshotter).find(|(_, snapshot)| {
            snapshot.kind == SnapshotKind::Committed
                && snapshot.parent == *preparation.backend_parent
                && fields::value(&snapshot.labels, SNAPSHOT_REF) == target
        });
        let Some((name, snapshot)) = wanted else {
            return Err(Error::not_found("the backend's target snapshot", target));
        };
        preparation.existing = Some(Error::already_exists("the backend's target snapshot", target));
        preparation.key = target.into();
        preparation.backend_name = name.into();
        preparation.created = snapshot.created;
        preparation.updated = snapshot.updated;
        for (key, value) in &snapshot.labels {
            if !preparation.labels.iter().any(|(there, _)| there == key) {
                fields::set(&mut preparation.labels, key, value);
            }
        }
        Ok(())
    }

    /// The second transaction of a preparation: the lease, the record, the link from the parent. Where it fails,
    /// the backend's snapshot is removed again.
    ///
    /// # Errors
    /// The lease or the parent is gone meanwhile, or the whole namespace: not found. Somebody else made the key:
    /// already exists, and it is in the lease in use now. The parent is another one by now: invalid argument.
    pub fn prepare_finish(&mut self, preparation: Preparation) -> Result<(), Error> {
        let under_way = self.preparing.iter().position(|name| *name == preparation.snapshotter);
        if let Some(at) = under_way {
            self.preparing.swap_remove(at);
        }
        let result = self.update(|store| store.second_transaction(&preparation));
        let answer = match (result, preparation.existing.clone()) {
            (Ok(None), None) => return Ok(()),
            (Err(error), _)
            | (Ok(Some(_)), Some(error))
            | (Ok(None), Some(error))
            | (Ok(Some(error)), None) => error,
        };
        if preparation.existing.is_none() {
            // containerd logs a failure here and answers with the error that it had.
            let removed = self.backend.remove_leaf(&preparation.snapshotter, &preparation.backend_name);
            removed.unwrap_or_default();
        }
        Err(answer)
    }

    /// Gives the error to answer with although it commits, if any.
    fn second_transaction(&mut self, preparation: &Preparation) -> Result<Option<Error>, Error> {
        let Preparation { namespace, snapshotter, key, parent, .. } = preparation;
        let context = &Context { namespace, lease: preparation.lease.as_deref(), now: preparation.created };
        let path = [V1, namespace, SNAPSHOTS, snapshotter];
        if self.at(&path).is_none() {
            return Err(Error::not_found("snapshotter", snapshotter));
        }
        self.add_to_lease(context, LeaseEntry::Snapshot { snapshotter }, key)?;
        let all = self.at(&path).unwrap_or(View::EMPTY);
        if all.bucket(key).is_some() {
            return Ok(Some(Error::already_exists("snapshot", key)));
        }
        if !parent.is_empty() {
            let Some(there) = all.bucket(parent) else {
                return Err(Error::not_found("parent snapshot", parent));
            };
            if there.get(NAME).unwrap_or_default() != &preparation.backend_parent[..] {
                let (parent, key) = (Shown(parent), Shown(key));
                return Err(Error::invalid(format_args!("mismatched parent {parent} of {key}")));
            }
            self.add_child(&path, parent, key)?;
        }
        let record = record(
            (preparation.created, preparation.updated),
            &preparation.labels,
            &preparation.backend_name,
            parent,
        )?;
        self.tree.graft(&path, key, &record)?;
        Ok(None)
    }

    fn add_child(&mut self, snapshots: &[&[u8]; 4], parent: &[u8], child: &[u8]) -> Result<(), Error> {
        let [v1, namespace, kind, snapshotter] = *snapshots;
        self.put_entry(&[v1, namespace, kind, snapshotter, parent, CHILDREN], child)
    }

    /// Commits an active snapshot under a name (`snapshotter.Commit`). Its labels are those given here, none is taken
    /// over. The parent's link is moved from the key to the name.
    ///
    /// In 1.7.0-beta.1 a name that exists is not put into the lease in use (19); from the line 1.7 on it is.
    ///
    /// # Errors
    /// The name exists: already exists. No such key, parent or lease, in metadata or backend: not found. It is a
    /// view, or committed: failed precondition. A label is too large: invalid argument.
    pub fn commit_snapshot(
        &mut self,
        context: &Context<'_>,
        snapshotter: &[u8],
        name: &[u8],
        key: &[u8],
        labels: &[Label],
    ) -> Result<(), Error> {
        self.commit_snapshot_on(context, snapshotter, name, key, None, labels)
    }

    /// The same with a parent for a snapshot that was prepared without one (`snapshots.WithParent`, from 2.2); one that
    /// has a parent keeps it. A daemon before 2.2 knows no such field of the request (`CommitSnapshotRequest.parent`), reads on
    /// behind it, and commits the snapshot without a parent.
    ///
    /// # Errors
    /// As `commit_snapshot`. The backend has the parent not committed: failed precondition.
    pub fn commit_snapshot_on(
        &mut self,
        context: &Context<'_>,
        snapshotter: &[u8],
        name: &[u8],
        key: &[u8],
        parent: Option<&[u8]>,
        labels: &[Label],
    ) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        validate::labels("snapshot", labels)?;
        let parent = parent.filter(|parent| !parent.is_empty() && self.commits_on_parents());
        let path = [V1, namespace, SNAPSHOTS, snapshotter];
        let exists = self.update(|store| {
            let Some(all) = store.at(&path) else { return Err(Error::not_found("snapshotter", snapshotter)) };
            if all.bucket(name).is_some() {
                if store.leases_existing_snapshots() {
                    store.add_to_lease(context, LeaseEntry::Snapshot { snapshotter }, name)?;
                    return Ok(true);
                }
                return Err(Error::already_exists("snapshot", name));
            }
            if name.is_empty() {
                // Its bucket is made before the key is looked for.
                return Err(Refusal::BucketNameRequired.into());
            }
            store.add_to_lease(context, LeaseEntry::Snapshot { snapshotter }, name)?;
            let Some(active) = store.at(&path).and_then(|all| all.bucket(key)) else {
                return Err(Error::not_found("snapshot", key));
            };
            let active_name = active.get(NAME).unwrap_or_default().to_vec();
            let own = active.get(PARENT).filter(|own| !own.is_empty());
            let is_rebased = own.is_none() && parent.is_some();
            let parent = own.or(parent).unwrap_or_default().to_vec();
            let sequence = store.next_sequence(&path)?;
            let committed_name = backend_key(sequence, namespace, name);
            let mut new_backend_parent = None;
            if !parent.is_empty() {
                let Some(there) = store.at(&path).and_then(|all| all.bucket(&parent)) else {
                    return Err(Error::not_found("parent snapshot", &parent));
                };
                new_backend_parent = is_rebased.then(|| there.get(NAME).unwrap_or_default().to_vec());
                store.add_child(&path, &parent, name)?;
                store.tree.delete(&[V1, namespace, SNAPSHOTS, snapshotter, &parent, CHILDREN], key)?;
            }
            let record = record((context.now, context.now), &ordered(labels), &committed_name, &parent)?;
            store.tree.graft(&path, name, &record)?;
            store.tree.delete_bucket(&path, key)?;
            store.remove_from_lease(context, LeaseEntry::Snapshot { snapshotter }, key)?;
            let labels = inherited(&ordered(labels));
            let committed =
                Committed { name: &committed_name, parent: new_backend_parent, labels, now: context.now };
            store.backend.commit_snapshot(snapshotter, &active_name, committed)?;
            Ok(false)
        })?;
        if exists { Err(Error::already_exists("snapshot", name)) } else { Ok(()) }
    }

    /// Updates a snapshot's labels (`snapshotter.Update`): without paths all of them, else `labels` and `labels.K`.
    /// The backend gets those that it inherits.
    ///
    /// # Errors
    /// No such snapshot in metadata or backend: not found. No key, another path, or a label that is too large:
    /// invalid argument.
    pub fn update_snapshot(
        &mut self,
        context: &Context<'_>,
        snapshotter: &[u8],
        key: &[u8],
        labels: &[Label],
        paths: &[&[u8]],
    ) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        if key.is_empty() {
            return Err(Error::invalid(format_args!("a snapshot key must be given")));
        }
        let path = [V1, namespace, SNAPSHOTS, snapshotter, key];
        let Some(there) = self.at(&path) else { return Err(Error::not_found("snapshot", key)) };
        fields::check_times(there, &[CREATED_AT, UPDATED_AT])?;
        let labels = fields::updated_labels(there, labels, paths, |path| {
            let (path, key) = (Shown(path), Shown(key));
            Err(Error::invalid(format_args!("cannot update field {path} of snapshot {key}")))
        })?;
        validate::labels("snapshot", &labels)?;
        let name = there.get(NAME).unwrap_or_default().to_vec();
        self.update(|store| {
            fields::keep_created_at(&mut store.tree, &path)?;
            store.tree.put(&path, UPDATED_AT, &time::to_binary(context.now))?;
            fields::rewrite_map(&mut store.tree, &path, LABELS, &labels)?;
            store.backend.label_snapshot(snapshotter, &name, inherited(&labels), context.now)
        })
    }

    /// Removes a snapshot (`snapshotter.Remove`); the backend's stays until the next clean-up. It leaves the lease in
    /// use, and no other. What a collection removes it does not unlink, so that a parent may list children which are
    /// gone and is refused for ever (L1).
    ///
    /// # Errors
    /// No such snapshot, or its parent is gone: not found. It lists children: failed precondition.
    pub fn remove_snapshot(
        &mut self,
        context: &Context<'_>,
        snapshotter: &[u8],
        key: &[u8],
    ) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let path = [V1, namespace, SNAPSHOTS, snapshotter];
        let Some(there) = self.at(&path).and_then(|all| all.bucket(key)) else {
            return Err(Error::not_found("snapshot", key));
        };
        if there.bucket(CHILDREN).is_some_and(|children| !children.is_empty()) {
            let shown = Shown(key);
            let message = format_args!("cannot remove snapshot {shown} with child");
            return Err(Error::new(ErrorKind::FailedPrecondition, message));
        }
        let parent = there.get(PARENT).unwrap_or_default().to_vec();
        let siblings = [V1, namespace, SNAPSHOTS, snapshotter, &parent, CHILDREN];
        if !parent.is_empty() && self.at(&siblings[..5]).is_none() {
            return Err(Error::not_found("parent snapshot", &parent));
        }
        self.update(|store| {
            if !parent.is_empty() && store.at(&siblings).is_some() {
                store.tree.delete(&siblings, key)?;
            }
            store.tree.delete_bucket(&path, key)?;
            store.remove_from_lease(context, LeaseEntry::Snapshot { snapshotter }, key)
        })?;
        self.dirty.deletion();
        self.dirty.snapshotter(snapshotter);
        Ok(())
    }

    /// Cleans up a snapshotter's backend (`snapshotter.garbageCollect`): from the leaves on, every snapshot goes
    /// whose name no namespace knows. One with a child that stays is passed over. Gives what was removed, in order.
    ///
    /// # Errors
    /// A preparation of this snapshotter is under way and holds its lock: blocked.
    pub fn clean_up_snapshots(&mut self, snapshotter: &[u8]) -> Result<Vec<Box<[u8]>>, Error> {
        if self.preparing.iter().any(|name| **name == *snapshotter) {
            let shown = Shown(snapshotter);
            return Err(blocked(format_args!("clean-up of {shown} waits for a preparation under way")));
        }
        let removed = self.removable_snapshots(snapshotter);
        for name in &removed {
            self.backend.remove_leaf(snapshotter, name)?;
        }
        Ok(removed)
    }

    /// The backend's snapshots that no namespace knows and that have no child which stays, children before their
    /// parents (`walkTree`, `pruneBranch`).
    fn removable_snapshots(&self, snapshotter: &[u8]) -> Vec<Box<[u8]>> {
        let namespaces = self.at(&[V1]).into_iter().flat_map(View::buckets);
        let all = namespaces.filter_map(|(_, namespace)| namespace.at(&[SNAPSHOTS, snapshotter]));
        let known: HashSet<&[u8]> =
            all.flat_map(View::buckets).filter_map(|(_, snapshot)| snapshot.get(NAME)).collect();
        let mut children: HashMap<Vec<u8>, Vec<&[u8]>> = HashMap::new();
        for (name, snapshot) in self.backend.snapshots(snapshotter) {
            children.entry(snapshot.parent).or_default().push(name);
        }
        // Depth first from the roots; a name comes up again once its children have been.
        let mut removable = Vec::new();
        let mut gone = HashSet::new();
        let mut pending = vec![(&b""[..], false)];
        while let Some((name, children_are_done)) = pending.pop() {
            let below = children.get(name).map_or(&[][..], Vec::as_slice);
            if !children_are_done {
                pending.push((name, true));
                pending.extend(below.iter().rev().map(|child| (*child, false)));
            } else if !name.is_empty()
                && !known.contains(name)
                && below.iter().all(|child| gone.contains(child))
            {
                gone.insert(name);
                removable.push(name.into());
            }
        }
        removable
    }
}

/// What the first transaction of a preparation came to.
enum First {
    Named { name: Box<[u8]>, parent: Box<[u8]> },
    Exists(Error),
}

/// A snapshot's bucket, without children.
fn record(
    (created, updated): (Instant, Instant),
    labels: &[Label],
    name: &[u8],
    parent: &[u8],
) -> Result<Bucket, Error> {
    let mut builder = Builder::new();
    put(&mut builder, CREATED_AT, &time::to_binary(created));
    build_map(&mut builder, LABELS, labels)?;
    put(&mut builder, NAME, name);
    if !parent.is_empty() {
        put(&mut builder, PARENT, parent);
    }
    put(&mut builder, UPDATED_AT, &time::to_binary(updated));
    Ok(builder.finish())
}
