//! What each client operation must do to the database, may do, and must refuse: the write side's oracle.
//!
//! ```text
//!   step + state before ──> terms ─┬─ refusals   the conditions that hold, each with containerd's kind of error
//!                                  ├─ then       facts that must hold afterwards, and may not before
//!                                  └─ may        places that may change, or stay
//!   state before, state after, answer ──> breaches of the terms
//! ```
//!
//! It is a specification of containerd's API for those who write clients, operation by operation, over flat facts:
//! which exist, which lease holds what, which snapshot is whose child, when an ingest expires. It is stated a second
//! time on purpose: `metadata` does the work in containerd's order, this says what comes of it in no order at all.
//! Where several conditions for a refusal hold, any of their kinds will do, because which one comes first is the
//! order of the daemon's questions and nothing that a client should count on.
//!
//! As the oracle does, it states what is *intended*; what releases do otherwise is a named [`Deviation`].
//!
//! This room knows nothing of `metadata`: it shares names, buckets and releases with it, and nothing else. It tracks what
//! clients hold open in its own book, [`Handles`].

mod containers;
mod content;
mod deviations;
mod facts;
mod handles;
mod images;
mod labels;
mod leases;
mod marks;
mod namespaces;
mod raw;
mod sandboxes;
mod snapshots;

pub use deviations::{Deviation, Deviations};
pub use facts::{CREATED_AT, Place, UPDATED_AT, Want};
pub use handles::Handles;
pub use marks::{Marks, collects_afterwards, marks};

use crate::bucket::{Bucket, Entry, View, find_change};
use crate::instant::Instant;
use crate::named::Set;
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{KeyPath, Name, NodeName, Refused, Step, print_label, print_node_cut, print_path};
use crate::schema::names;
use facts::{Object, Reader, shown_value};
use std::fmt;

/// What the backends have, as far as an operation depends on it.
pub trait Disk {
    /// The size of a stored blob.
    fn blob(&self, digest: &[u8]) -> Option<i64>;
    /// Whether a writer has this backend reference open.
    fn is_locked(&self, reference: &[u8]) -> bool;
    /// What a snapshot is.
    fn snapshot(&self, snapshotter: &[u8], name: &[u8]) -> Option<Stored>;
}

/// What a snapshot in a backend is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// Can be written to, and committed.
    Active,
    /// Can only be read.
    View,
    /// Can be built on.
    Committed,
}

/// Who asks, and of what.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The database before the step.
    pub tree: View<'a>,
    /// The backends before the step.
    pub disk: &'a dyn Disk,
    /// Which client.
    pub client: Option<&'a Name>,
    /// The namespace that it uses.
    pub namespace: &'a [u8],
    /// The lease that it uses.
    pub lease: Option<&'a [u8]>,
    /// The daemon's clock.
    pub now: Instant,
    /// The daemon's release.
    pub release: Release,
    /// Whether blobs are shared between namespaces (the daemon's default).
    pub shares_content: bool,
    /// What the daemon does otherwise than intended.
    pub deviations: Deviations,
    /// What clients hold open.
    pub handles: &'a Handles,
}

/// What comes of a step.
#[derive(Clone, Debug, Default)]
pub struct Terms<'a> {
    /// The kinds of the conditions that hold: the step must be refused with one of them.
    refusals: Set<Refused>,
    /// Kinds with which it may be refused, whatever else holds.
    tolerated: Set<Refused>,
    /// The error that is answered although the step takes effect.
    answer: Option<Refused>,
    /// What must hold after a step that takes effect.
    then: Vec<(Place<'a>, Want<'a>)>,
    /// What may change in a step that takes effect, with all below.
    may: Vec<Place<'a>>,
    /// What may change in a step that is refused, with all below.
    may_though_refused: Vec<Place<'a>>,
    /// Buckets that may come, or whose sequence number may change, whatever comes of the step.
    may_count: Vec<Place<'a>>,
}

/// A way in which a step did not keep its terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Breach {
    /// The answer is none of those that the terms know; `None` is acceptance.
    Answer {
        /// The kinds that would be right; where there are none, acceptance would.
        expected: Set<Refused>,
        /// What came.
        got: Option<Refused>,
    },
    /// Something changed that the step has no business with.
    Frame {
        /// Where.
        place: KeyPath,
        /// What became of it: it came, went or is another, with its value.
        became: String,
    },
    /// Something that the step must bring about is not so.
    Effect {
        /// Where.
        place: KeyPath,
        /// What should stand there.
        want: Want<'static>,
        /// What stands there, in words.
        there: String,
    },
}

impl Breach {
    /// What follows "this step", as who acts in a namespace reads it.
    pub fn read_from<'b>(&'b self, namespace: &'b [u8]) -> impl fmt::Display + 'b {
        BreachRead { breach: self, namespace }
    }
}

/// A breach, and the namespace from which it is read.
struct BreachRead<'b> {
    breach: &'b Breach,
    namespace: &'b [u8],
}

impl fmt::Display for BreachRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.breach {
            Breach::Answer { expected, got } => {
                let said = |kind: &Refused| format!("refused as {}", kind.name());
                let expected: Vec<String> = expected.iter().map(|kind| said(&kind)).collect();
                let expected =
                    if expected.is_empty() { "accepted".to_owned() } else { expected.join(" or ") };
                write!(
                    f,
                    "must be {expected}, and is {}",
                    got.map_or("accepted".to_owned(), |kind| said(&kind))
                )
            }
            Breach::Frame { place, became } => {
                f.write_str("has nothing to do with ")?;
                match part(place, self.namespace) {
                    Some(part) => write!(f, "{part}, which {became} ({})", print_path(place)),
                    None => write!(f, "{}, which {became}", print_path(place)),
                }
            }
            Breach::Effect { place, want, there } => {
                write!(f, "must leave {want} at {}, and leaves {there}", print_path(place))
            }
        }
    }
}

impl<'a> Terms<'a> {
    /// A condition for a refusal.
    fn refuse_if(&mut self, holds: bool, kind: Refused) {
        if holds {
            self.refusals = self.refusals.with(kind);
        }
    }

    /// A condition that lets a refusal be.
    fn tolerate_if(&mut self, holds: bool, kind: Refused) {
        if holds {
            self.tolerated = self.tolerated.with(kind);
        }
    }

    fn then(&mut self, place: Place<'a>, want: Want<'a>) {
        self.then.push((place, want));
    }

    /// The object is gone, and all of it.
    fn takes(&mut self, place: Place<'a>) {
        self.then(place, Want::NoBucket);
    }

    /// The entry is gone.
    fn drops(&mut self, place: Place<'a>) {
        self.then(place, Want::NoValue);
    }

    /// Where a raw edit put a value in the place of a bucket, or a bucket in that of a value, bbolt refuses what would
    /// change it; so it does with keys that it cannot have.
    fn is_hindered(&self, tree: View<'a>) -> bool {
        self.then.iter().any(|(place, want)| {
            !place.is_possible() || place.around().is_blocked(tree) || want.is_hindered_by(place.entry(tree))
        })
    }
}

impl<'a> Asked<'a> {
    /// Where an object of the namespace lies.
    fn place(&self, object: Object<'a>) -> Place<'a> {
        object.place(self.namespace)
    }

    /// The bucket of an object, if it exists.
    fn bucket(&self, place: Place<'a>) -> Option<View<'a>> {
        self.tree.at(place.keys())
    }

    fn exists(&self, place: Place<'a>) -> bool {
        self.bucket(place).is_some()
    }

    /// A field of an object; empty where there is none.
    fn field(&self, object: Place<'a>, key: &[u8]) -> &'a [u8] {
        self.bucket(object).and_then(|object| object.get(key)).unwrap_or_default()
    }

    /// The lease in use.
    fn lease(&self) -> Option<Place<'a>> {
        self.lease.map(|id| self.place(Object::Lease(id)))
    }

    /// What is written under a lease that does not exist is refused.
    fn needs_lease(&self, terms: &mut Terms<'a>) {
        let is_missing = self.lease().is_some_and(|lease| !self.exists(lease));
        terms.refuse_if(is_missing, Refused::NotFound);
    }

    /// The lease in use holds the object.
    fn leased(&self, terms: &mut Terms<'a>, object: Object<'a>) {
        self.needs_lease(terms);
        if let Some(lease) = self.lease() {
            terms.then(object.entry(lease), Want::Value(b"".into()));
        }
    }

    /// The lease in use, and no other, holds the object no longer.
    fn released(&self, terms: &mut Terms<'a>, object: Object<'a>) {
        if let Some(lease) = self.lease() {
            terms.drops(object.entry(lease));
        }
    }
}

/// The terms of a step; none of a collection and a clean-up, which other properties hold, and of a daemon that migrates
/// the database.
pub fn terms<'a>(asked: &Asked<'a>, step: &'a Step) -> Option<Terms<'a>> {
    // Few steps bring about more.
    let mut terms = Terms { then: Vec::with_capacity(12), ..Terms::default() };
    match step {
        Step::Gc { .. } | Step::Cleanup => return None,
        // A database of its own version, or of a newer one, is opened as it is (`DB.Init`).
        Step::Release(release) if facts::is_of_version(asked.tree, *release) => {}
        Step::Crash if facts::is_of_version(asked.tree, asked.release) => {}
        Step::Release(_) | Step::Crash => return None,
        Step::Look(_) | Step::Together | Step::Always(_) | Step::End => {}
        Step::NamespaceCreate { .. } | Step::NamespaceLabel { .. } | Step::NamespaceDelete { .. } => {
            namespaces::terms(asked, step, &mut terms);
        }
        Step::RawPut { .. } | Step::RawBucket { .. } | Step::RawDelete { .. } | Step::RawSequence { .. } => {
            raw::terms(asked, step, &mut terms);
        }
        _ => {
            // Every request but those about namespaces and raw edits names one (`namespaces.NamespaceRequired`).
            terms.refuse_if(asked.namespace.is_empty(), Refused::FailedPrecondition);
            let is_malformed = !asked.namespace.is_empty() && !namespaces::is_identifier(asked.namespace);
            terms.refuse_if(is_malformed, Refused::InvalidArgument);
            in_namespace(asked, step, &mut terms);
        }
    }
    Some(terms)
}

fn in_namespace<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::ContentOpen { .. }
        | Step::ContentCommit { .. }
        | Step::ContentAbort { .. }
        | Step::ContentPut { .. }
        | Step::ContentLabel { .. }
        | Step::ContentDelete { .. } => content::terms(asked, step, terms),
        Step::SnapshotPrepare(_)
        | Step::SnapshotView(_)
        | Step::SnapshotPrepareBegin(_)
        | Step::SnapshotViewBegin(_)
        | Step::SnapshotFinish { .. }
        | Step::SnapshotCommit { .. }
        | Step::SnapshotLabel { .. }
        | Step::SnapshotRemove { .. } => snapshots::terms(asked, step, terms),
        Step::ImageCreate { .. }
        | Step::ImageUpdate { .. }
        | Step::ImageLabel { .. }
        | Step::ImageDelete { .. } => images::terms(asked, step, terms),
        Step::ContainerCreate { .. }
        | Step::ContainerUpdate { .. }
        | Step::ContainerLabel { .. }
        | Step::ContainerDelete { .. } => containers::terms(asked, step, terms),
        Step::LeaseCreate { .. }
        | Step::LeaseAdd { .. }
        | Step::LeaseDrop { .. }
        | Step::LeaseDelete { .. } => leases::terms(asked, step, terms),
        Step::SandboxCreate { .. } | Step::SandboxLabel { .. } | Step::SandboxDelete { .. } => {
            sandboxes::terms(asked, step, terms);
        }
        // The clock, the clients, the collectors, streams, expectations: whatever comes of them, the database stays as it is.
        _ => {
            terms.refusals = Set::NONE;
            terms.tolerated = Set::all();
        }
    }
}

/// The first way in which a step broke its terms, if any.
pub fn breach<'a>(
    terms: &Terms<'a>,
    tree_before: &'a Bucket,
    tree_after: &'a Bucket,
    got: Option<Refused>,
) -> Option<Breach> {
    let takes_effect = terms.refusals.is_empty() && got == terms.answer;
    let is_right = takes_effect
        || got.is_some_and(|kind| terms.refusals.union(terms.tolerated).contains(kind))
        || got == Some(Refused::Unknown) && terms.is_hindered(tree_before.view());
    if !is_right {
        let expected =
            if terms.refusals.is_empty() { terms.answer.into_iter().collect() } else { terms.refusals };
        return Some(Breach::Answer { expected, got });
    }
    let (then, may) = match takes_effect {
        true => (&terms.then[..], &terms.may[..]),
        false => (&[][..], &terms.may_though_refused[..]),
    };
    let mut reader = Reader::new(tree_after.view());
    let unmet = then.iter().find(|(place, want)| !want.is_met_by(reader.entry(place)));
    if let Some((place, want)) = unmet {
        let there = want.said_of(place.entry(tree_after.view()));
        return Some(Breach::Effect { place: owned(place.keys()), want: want.clone().into_owned(), there });
    }
    let frame = Frame { then, may, may_count: &terms.may_count };
    let mut is_told = false;
    let unowned = find_change(tree_before, tree_after, |path, before, after| {
        is_told = true;
        let mut place = frame.unowned(path, before, after)?;
        let [mut old, mut new] = [tree_before, tree_after].map(|tree| entry_at(tree.view(), &place));
        // What came or went whole is said of its first value.
        if let (Some(entry), None) | (None, Some(entry)) = (&mut old, &mut new) {
            *entry = first_value(*entry, &mut place);
        }
        Some(Breach::Frame { place, became: became(old, new) })
    });
    unowned.or_else(|| if is_told { None } else { untold(tree_before, tree_after) })
}

/// A difference between two trees of which `diff` tells nothing. Both are walked whole, but only where they differ.
fn untold(before: &Bucket, after: &Bucket) -> Option<Breach> {
    if before == after {
        return None;
    }
    let buckets = |tree: &Bucket| -> Vec<(KeyPath, u64)> {
        let path = |path: Vec<&[u8]>| path.into_iter().map(<[u8]>::to_vec).collect();
        tree.view().walk_paths().map(|(keys, bucket)| (path(keys), bucket.sequence())).collect()
    };
    let (old, new) = (buckets(before), buckets(after));
    let (place, _) = new.iter().find(|bucket| !old.contains(bucket)).or(new.first())?;
    let became = "is another, of which the differences between the two databases tell nothing".to_owned();
    Some(Breach::Frame { place: place.clone(), became })
}

fn entry_at<'t>(tree: View<'t>, place: &[Name]) -> Option<Entry<'t>> {
    let keys: Vec<&[u8]> = place.iter().map(|key| &**key).collect();
    let (key, around) = keys.split_last()?;
    tree.at(around)?.entry(key)
}

/// The first value of an entry, to which the place is moved; the last bucket where there is none.
fn first_value<'t>(mut entry: Entry<'t>, place: &mut KeyPath) -> Entry<'t> {
    while let Entry::Bucket(bucket) = entry
        && let Some((key, below)) = bucket.iter().next()
    {
        place.push(key.to_vec());
        entry = below;
    }
    entry
}

/// What became of what nobody asked for; follows "which".
fn became(before: Option<Entry<'_>>, after: Option<Entry<'_>>) -> String {
    match (before, after) {
        (None, Some(Entry::Value(new))) => format!("comes with it as {}", shown_value(new)),
        (Some(Entry::Value(old)), None) => format!("goes with it and was {}", shown_value(old)),
        (Some(Entry::Value(old)), Some(Entry::Value(new))) => {
            format!("changes with it from {} to {}", shown_value(old), shown_value(new))
        }
        (Some(Entry::Bucket(old)), Some(Entry::Bucket(new))) => {
            let [old, new] = [old, new].map(View::sequence);
            if old == new {
                return "stands where its key does not belong: the keys around it are out of order"
                    .to_owned();
            }
            format!("has its sequence number changed with it from {old} to {new}")
        }
        (None, _) => "comes with it".to_owned(),
        (_, None) => "goes with it".to_owned(),
        _ => "changes with it".to_owned(),
    }
}

/// What of an object lies at a place, for who reads from a namespace: `the label K of snapshot/S/KEY`; none of what is no
/// object's.
fn part(place: &[Name], from: &[u8]) -> Option<String> {
    let keys: Vec<&[u8]> = place.iter().map(|key| &**key).collect();
    let [names::V1, namespace, rest @ ..] = &keys[..] else { return None };
    let mut slash = None;
    let (kind, key, below) = match rest {
        [names::CONTENT, names::BLOB, digest, below @ ..] => (Kind::Content, digest.to_vec(), below),
        [names::CONTENT, names::INGESTS, reference, below @ ..] => (Kind::Ingest, reference.to_vec(), below),
        [names::SNAPSHOTS, snapshotter, key, below @ ..] => {
            slash = Some(snapshotter.len());
            (Kind::Snapshot, [snapshotter, &b"/"[..], key].concat(), below)
        }
        [names::IMAGES, name, below @ ..] => (Kind::Image, name.to_vec(), below),
        [names::CONTAINERS, id, below @ ..] => (Kind::Container, id.to_vec(), below),
        [names::LEASES, id, below @ ..] => (Kind::Lease, id.to_vec(), below),
        _ => return None,
    };
    let namespace = Some(namespace.to_vec()).filter(|namespace| namespace != from);
    let object = print_node_cut(&NodeName::new(namespace, kind, key), slash);
    Some(match below {
        [] => object,
        [names::LABELS, key, ..] => format!("the label {} of {object}", print_label(key)),
        [field, ..] => format!("the field {} of {object}", print_path(&[field.to_vec()])),
    })
}

fn owned(keys: &[&[u8]]) -> KeyPath {
    keys.iter().map(|key| key.to_vec()).collect()
}

/// What may change.
struct Frame<'t, 'a> {
    then: &'t [(Place<'a>, Want<'a>)],
    may: &'t [Place<'a>],
    may_count: &'t [Place<'a>],
}

impl<'a> Frame<'_, 'a> {
    /// The first entry at a changed place, or below it, that nothing in the terms accounts for.
    fn unowned(
        &self,
        path: &[&'a [u8]],
        before: Option<Entry<'a>>,
        after: Option<Entry<'a>>,
    ) -> Option<KeyPath> {
        if self.may.iter().any(|place| path.starts_with(place.keys())) {
            return None;
        }
        let here = self.then.iter().find(|(place, _)| place.is(path));
        let Some(Entry::Bucket(new)) = after else {
            // A value came, changed or went, or a whole bucket went: somebody must have asked for exactly that.
            return if here.is_some() { None } else { Some(owned(path)) };
        };
        let counts = matches!(before, Some(Entry::Bucket(_)));
        let may_count = self.may_count.iter().any(|place| place.is(path));
        if counts {
            let is_asked = matches!(here, Some((_, Want::Sequence(_)))) || may_count;
            return if is_asked { None } else { Some(owned(path)) };
        }
        // A bucket came. On the way to a fact nobody needs to ask for it; its entries are looked at one by one.
        let is_on_a_way =
            self.then.iter().any(|(place, want)| !want.is_absence() && place.is_at_or_below(path))
                || self.may_count.iter().any(|place| place.is_at_or_below(path));
        let has_sequence = new.sequence() == 0 || may_count || matches!(here, Some((_, Want::Sequence(_))));
        if !is_on_a_way || !has_sequence {
            return Some(owned(path));
        }
        let mut path = path.to_vec();
        new.iter().find_map(|(key, entry)| {
            path.push(key);
            let unowned = self.unowned(&path, None, Some(entry));
            path.pop();
            unowned
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_is_not_told_is_found_by_a_walk() {
        let mut before = Bucket::new();
        before.create_path(&[b"v1", b"a"]).expect("a path");
        let mut after = before.clone();
        assert_eq!(untold(&before, &after), None);
        after.set_sequence(&[b"v1", b"a"], 1).expect("it is there");
        let Some(Breach::Frame { place, .. }) = untold(&before, &after) else { panic!("they differ") };
        assert_eq!(place, [b"v1".to_vec(), b"a".to_vec()]);
    }
}
