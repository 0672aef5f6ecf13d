//! Snapshots (containerd's `metadata/snapshot.go`).

use super::facts::{Place, Want, child};
use super::handles::Begun;
use super::labels::given;
use super::{Asked, Deviation, Object, Stored, Terms};
use crate::instant::Instant;
use crate::release::Release;
use crate::scenario::{Labels, Name, NewSnapshot, Refused, SnapshotName, Step};
use crate::schema::names::{CHILDREN, NAME, PARENT, SNAPSHOTS, V1};
use std::borrow::Cow;

/// Names the snapshot that a client wants in the end; who has it already is told so (`containerd.io/snapshot.ref`).
const SNAPSHOT_REF: &[u8] = b"containerd.io/snapshot.ref";

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::SnapshotPrepare(new) | Step::SnapshotView(new) => {
            if begin(asked, terms, new) {
                let parent = new.parent.as_deref().unwrap_or_default();
                let name = asked.next_name(&new.snapshot.snapshotter, &new.snapshot.key);
                prepared(asked, terms, new, (parent, name), asked.now, asked.lease);
            }
        }
        Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) => {
            begin(asked, terms, new);
        }
        Step::SnapshotFinish { snapshot } => finish(asked, terms, snapshot),
        Step::SnapshotCommit { snapshot, name, parent, labels } => {
            commit(asked, terms, snapshot, name, parent.as_deref().unwrap_or_default(), labels);
        }
        Step::SnapshotLabel { snapshot, replace, labels } => {
            let SnapshotName { snapshotter, key } = snapshot;
            let place = asked.place(Object::Snapshot(snapshotter, key));
            terms.refuse_if(key.is_empty(), Refused::InvalidArgument);
            let labels = asked.labelled(terms, place, labels, *replace);
            terms.refuse_large_labels(&labels);
            // The backend's gets labels too, so it must be there.
            let is_lost = asked.exists(place) && asked.stored(snapshotter, place).is_none();
            terms.refuse_if(is_lost, Refused::NotFound);
        }
        Step::SnapshotRemove { snapshot } => remove(asked, terms, snapshot),
        _ => unreachable!("these are the steps of snapshots"),
    }
}

/// The first transaction of Prepare and View: a number is taken. False where that already is the end.
fn begin<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, new: &'a NewSnapshot) -> bool {
    let SnapshotName { snapshotter, key } = &new.snapshot;
    let labels = given(&new.labels);
    terms.refuse_large_labels(&labels);
    let target = new.labels.get(SNAPSHOT_REF).unwrap_or_default();
    let wanted = [target, &key[..]].into_iter().map(|key| Object::Snapshot(snapshotter, key));
    if let Some(there) = wanted.into_iter().find(|wanted| asked.has_snapshot(*wanted)) {
        existing(asked, terms, there);
        return false;
    }
    let all = snapshots(asked.namespace, snapshotter);
    let parent = new.parent.as_deref().unwrap_or_default();
    if !parent.is_empty() {
        let place = all.below(parent);
        terms.refuse_if(!asked.exists(place), Refused::NotFound);
        let stored = asked.stored(snapshotter, place);
        let is_lost = asked.exists(place) && !asked.field(place, NAME).is_empty() && stored.is_none();
        terms.refuse_if(is_lost, Refused::NotFound);
        let is_open = stored.is_some_and(|stored| stored != Stored::Committed);
        terms.refuse_if(is_open, Refused::InvalidArgument);
    }
    // The number is taken even where the backend or the second transaction refuses.
    terms.may_count.push(all);
    terms.then(all, Want::Sequence(asked.sequence(all) + 1));
    let name = asked.next_name(snapshotter, key);
    if asked.disk.snapshot(snapshotter, &name).is_some() {
        adopts(asked, terms, all);
        return false;
    }
    true
}

/// A backend may have a snapshot of the very name that is taken next, left from a namespace that was deleted. What it is
/// then worth is the snapshotter's to say.
fn adopts<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, all: Place<'a>) {
    for kind in [Refused::Unknown, Refused::NotFound, Refused::AlreadyExists] {
        terms.tolerate_if(true, kind);
    }
    terms.may.push(all);
    terms.may_though_refused.push(all);
    if let Some(lease) = asked.lease() {
        terms.may.push(lease);
        terms.may_though_refused.push(lease);
    }
}

/// Whom the snapshot is there already for holds it from now on, although the answer is an error.
fn existing<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, there: Object<'a>) {
    terms.answer = Some(Refused::AlreadyExists);
    if !asked.deviations.contains(Deviation::ExistingSnapshotNotLeased) {
        asked.leased(terms, there);
    }
}

/// The second transaction: the snapshot is there, on its parent, held by the lease.
fn prepared<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    new: &'a NewSnapshot,
    (parent, name): (&'a [u8], Name),
    at: Instant,
    lease: Option<&'a [u8]>,
) {
    let SnapshotName { snapshotter, key } = &new.snapshot;
    let object = Object::Snapshot(snapshotter, key);
    let place = asked.place(object);
    Asked { lease, ..*asked }.leased(terms, object);
    if asked.has_snapshot(object) {
        terms.answer = Some(Refused::AlreadyExists);
        return;
    }
    terms.created(place, at, &given(&new.labels));
    terms.then(place.below(NAME), Want::Value(Cow::Owned(name)));
    on_parent(terms, place, snapshots(asked.namespace, snapshotter), parent);
}

/// The snapshot names its parent, and its parent lists it.
fn on_parent<'a>(terms: &mut Terms<'a>, place: Place<'a>, all: Place<'a>, parent: &'a [u8]) {
    if !parent.is_empty() {
        terms.then(place.below(PARENT), Want::Value(Cow::Borrowed(parent)));
        terms.then(child(all.below(parent), place.last()), Want::Value(b"".into()));
    }
}

fn finish<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, snapshot: &'a SnapshotName) {
    let begun = asked.handles.begun(asked, snapshot);
    terms.refuse_if(begun.is_none(), Refused::NotFound);
    let Some(Begun { new, name, parent_name, lease, at, is_adopted }) = begun else { return };
    let all = snapshots(asked.namespace, &snapshot.snapshotter);
    // Somebody deleted the whole namespace, and the snapshotter with it.
    terms.refuse_if(!asked.exists(all), Refused::NotFound);
    if *is_adopted {
        return adopts(asked, terms, all);
    }
    prepared(
        asked,
        terms,
        new,
        (new.parent.as_deref().unwrap_or_default(), name.clone()),
        *at,
        lease.as_deref(),
    );
    let parent = new.parent.as_deref().unwrap_or_default();
    if !parent.is_empty() && terms.answer.is_none() {
        let place = all.below(parent);
        terms.refuse_if(!asked.exists(place), Refused::NotFound);
        let is_another = asked.exists(place) && asked.field(place, NAME) != parent_name;
        terms.refuse_if(is_another, Refused::InvalidArgument);
    }
}

/// An active snapshot becomes a committed one under another name (`snapshotter.Commit`).
fn commit<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    snapshot: &'a SnapshotName,
    name: &'a [u8],
    rebased: &'a [u8],
    labels: &'a Labels,
) {
    let SnapshotName { snapshotter, key } = snapshot;
    let labels = given(labels);
    terms.refuse_large_labels(&labels);
    // A parent at the commit is new in 2.2 (`snapshots.WithParent`): an older daemon does not know the field.
    let rebased = if asked.release < Release::V2_2 { b"" } else { rebased };
    let all = snapshots(asked.namespace, snapshotter);
    terms.refuse_if(!asked.exists(all), Refused::NotFound);
    let (active, committed) = (Object::Snapshot(snapshotter, key), Object::Snapshot(snapshotter, name));
    if asked.has_snapshot(committed) {
        return existing(asked, terms, committed);
    }
    let place = asked.place(active);
    terms.refuse_if(!asked.exists(place), Refused::NotFound);
    let own = asked.field(place, PARENT);
    let parent = if own.is_empty() { rebased } else { own };
    if !parent.is_empty() {
        terms.refuse_if(!asked.exists(all.below(parent)), Refused::NotFound);
    }
    match asked.stored(snapshotter, place) {
        None => terms.refuse_if(asked.exists(place), Refused::NotFound),
        Some(stored) => terms.refuse_if(stored != Stored::Active, Refused::FailedPrecondition),
    }
    if own.is_empty() && !rebased.is_empty() {
        match asked.stored(snapshotter, all.below(rebased)) {
            None => terms.refuse_if(!asked.field(all.below(rebased), NAME).is_empty(), Refused::NotFound),
            Some(stored) => terms.refuse_if(stored != Stored::Committed, Refused::FailedPrecondition),
        }
        // A parent without a name in the backend is none.
        terms.tolerate_if(asked.field(all.below(rebased), NAME).is_empty(), Refused::NotFound);
    }
    let backend_name = asked.next_name(snapshotter, name);
    terms.refuse_if(asked.disk.snapshot(snapshotter, &backend_name).is_some(), Refused::AlreadyExists);

    terms.then(all, Want::Sequence(asked.sequence(all) + 1));
    terms.takes(place);
    if !parent.is_empty() {
        terms.drops(child(all.below(parent), key));
    }
    asked.released(terms, active);
    let place = asked.place(committed);
    terms.created(place, asked.now, &labels);
    terms.then(place.below(NAME), Want::Value(Cow::Owned(backend_name)));
    on_parent(terms, place, all, parent);
    asked.leased(terms, committed);
}

/// Only what has no children can be removed (`snapshotter.Remove`).
fn remove<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, snapshot: &'a SnapshotName) {
    let SnapshotName { snapshotter, key } = snapshot;
    let object = Object::Snapshot(snapshotter, key);
    let place = asked.place(object);
    terms.refuse_if(!asked.has_snapshot(object), Refused::NotFound);
    let gone_count = asked.deviations.contains(Deviation::GoneChildBlocksRemoval);
    let mut children = asked.bucket(place.below(CHILDREN)).into_iter().flat_map(|children| children.iter());
    let is_parent =
        children.any(|(child, _)| gone_count || asked.has_snapshot(Object::Snapshot(snapshotter, child)));
    terms.refuse_if(is_parent, Refused::FailedPrecondition);
    terms.takes(place);
    asked.released(terms, object);
    let parent = asked.field(place, PARENT);
    if !parent.is_empty() {
        let parent = snapshots(asked.namespace, snapshotter).below(parent);
        terms.refuse_if(!asked.exists(parent), Refused::NotFound);
        terms.drops(child(parent, key));
    }
}

/// Where a snapshotter's snapshots lie.
fn snapshots<'a>(namespace: &'a [u8], snapshotter: &'a [u8]) -> Place<'a> {
    Place::new(&[V1, namespace, SNAPSHOTS, snapshotter])
}

impl<'a> Asked<'a> {
    fn has_snapshot(&self, snapshot: Object<'a>) -> bool {
        let place = self.place(snapshot);
        !place.last().is_empty() && self.exists(place)
    }

    /// What the backend has of a snapshot.
    fn stored(&self, snapshotter: &[u8], place: Place<'a>) -> Option<Stored> {
        self.disk.snapshot(snapshotter, self.field(place, NAME))
    }

    fn sequence(&self, all: Place<'a>) -> u64 {
        self.bucket(all).map_or(0, |all| all.sequence())
    }

    /// How the backend will call the next snapshot: `NAMESPACE/NUMBER/KEY`.
    pub(super) fn next_name(&self, snapshotter: &[u8], key: &[u8]) -> Name {
        let all = self.tree.at(&[V1, self.namespace, SNAPSHOTS, snapshotter]);
        let number = all.map_or(0, |all| all.sequence()).wrapping_add(1);
        [self.namespace, number.to_string().as_bytes(), key].join(&b'/')
    }
}
