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
mod namespaces;
mod raw;
mod sandboxes;
mod snapshots;

pub use deviations::{Deviation, Deviations};
pub use facts::{Place, Want};
pub use handles::Handles;

use crate::bucket::{Bucket, Entry, View, diff};
use crate::instant::Instant;
use crate::release::Release;
use crate::scenario::{Name, Refused, Step, print_path};
use facts::Object;
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
    refusals: Vec<Refused>,
    /// Kinds with which it may be refused, whatever else holds.
    tolerated: Vec<Refused>,
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
pub enum Breach<'a> {
    /// The answer is none of those that the terms know; `None` is acceptance.
    Answer {
        /// The kinds that would be right; where there are none, acceptance would.
        expected: Vec<Refused>,
        /// What came.
        got: Option<Refused>,
    },
    /// Something changed that the step has no business with.
    Frame {
        /// Where.
        place: Vec<&'a [u8]>,
    },
    /// Something that the step must bring about is not so.
    Effect {
        /// Where.
        place: Place<'a>,
        /// What should stand there.
        want: Want<'a>,
    },
}

/// What follows "this step".
impl fmt::Display for Breach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Answer { expected, got } => {
                let said = |kind: &Refused| format!("refused as {}", kind.name());
                let expected: Vec<String> = expected.iter().map(said).collect();
                let expected =
                    if expected.is_empty() { "accepted".to_owned() } else { expected.join(" or ") };
                write!(
                    f,
                    "must be {expected}, and is {}",
                    got.map_or("accepted".to_owned(), |kind| said(&kind))
                )
            }
            Breach::Frame { place } => write!(f, "changes {}, which is no business of it", print_path(place)),
            Breach::Effect { place, want } => write!(f, "must leave {want} at {}", print_path(place.keys())),
        }
    }
}

impl<'a> Terms<'a> {
    /// A condition for a refusal.
    fn refuse_if(&mut self, holds: bool, kind: Refused) {
        if holds {
            self.refusals.push(kind);
        }
    }

    /// A condition that lets a refusal be.
    fn tolerate_if(&mut self, holds: bool, kind: Refused) {
        if holds {
            self.tolerated.push(kind);
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
    fn tolerate_blocked(&mut self, tree: View<'a>) {
        let is_hindered = |(place, want): &(Place<'a>, Want<'a>)| {
            !place.is_possible() || place.around().is_blocked(tree) || want.is_hindered_by(place.entry(tree))
        };
        let hindered = self.then.iter().any(is_hindered);
        self.tolerate_if(hindered, Refused::Unknown);
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

/// The terms of a step; none of a collection and a clean-up, which other properties hold, and of a release that is
/// replaced, which migrates.
pub fn terms<'a>(asked: &Asked<'a>, step: &'a Step) -> Option<Terms<'a>> {
    let mut terms = Terms::default();
    match step {
        Step::Gc { .. } | Step::Cleanup | Step::Release(_) => return None,
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
    terms.tolerate_blocked(asked.tree);
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
            terms.refusals.clear();
            terms.tolerated.extend(Refused::ALL);
        }
    }
}

/// The first way in which a step broke its terms, if any.
pub fn breach<'a>(
    terms: &Terms<'a>,
    before: &'a Bucket,
    after: &'a Bucket,
    got: Option<Refused>,
) -> Option<Breach<'a>> {
    let takes_effect = terms.refusals.is_empty() && got == terms.answer;
    let is_right = takes_effect
        || got.is_some_and(|kind| terms.refusals.contains(&kind) || terms.tolerated.contains(&kind));
    if !is_right {
        let expected = if terms.refusals.is_empty() {
            terms.answer.into_iter().collect()
        } else {
            terms.refusals.clone()
        };
        return Some(Breach::Answer { expected, got });
    }
    let (then, may) = match takes_effect {
        true => (&terms.then[..], &terms.may[..]),
        false => (&[][..], &terms.may_though_refused[..]),
    };
    let unmet = then.iter().find(|(place, want)| !want.is_met_by(place.entry(after.view())));
    if let Some((place, want)) = unmet {
        return Some(Breach::Effect { place: *place, want: want.clone() });
    }
    let frame = Frame { then, may, may_count: &terms.may_count };
    for change in diff(before, after) {
        let mut path = change.path;
        if let Some(place) = frame.unowned(&mut path, change.before, change.after) {
            return Some(Breach::Frame { place });
        }
    }
    None
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
        path: &mut Vec<&'a [u8]>,
        before: Option<Entry<'a>>,
        after: Option<Entry<'a>>,
    ) -> Option<Vec<&'a [u8]>> {
        if self.may.iter().any(|place| path.starts_with(place.keys())) {
            return None;
        }
        let here = self.then.iter().find(|(place, _)| place.keys() == path.as_slice());
        let Some(Entry::Bucket(new)) = after else {
            // A value came, changed or went, or a whole bucket went: somebody must have asked for exactly that.
            return if here.is_some() { None } else { Some(path.clone()) };
        };
        let counts = matches!(before, Some(Entry::Bucket(_)));
        let may_count = self.may_count.iter().any(|place| place.keys() == path.as_slice());
        if counts {
            let is_asked = matches!(here, Some((_, Want::Sequence(_)))) || may_count;
            return if is_asked { None } else { Some(path.clone()) };
        }
        // A bucket came. On the way to a fact nobody needs to ask for it; its entries are looked at one by one.
        let leads_to = |place: &Place<'a>| place.keys().starts_with(path);
        let is_on_a_way = self.then.iter().any(|(place, want)| !want.is_absence() && leads_to(place))
            || self.may_count.iter().any(leads_to);
        let has_sequence = new.sequence() == 0 || may_count || matches!(here, Some((_, Want::Sequence(_))));
        if !is_on_a_way || !has_sequence {
            return Some(path.clone());
        }
        for (key, entry) in new.iter() {
            path.push(key);
            let unowned = self.unowned(path, None, Some(entry));
            if unowned.is_some() {
                return unowned;
            }
            path.pop();
        }
        None
    }
}
