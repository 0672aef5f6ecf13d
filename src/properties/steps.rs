//! The steps of a case, each held to its contract, to its opposite, and to what was promised.
//!
//! ```text
//!   world ── step ──> world'     terms(world, step) ──> frame, effect, refusal
//!                      └─ its opposite ──> undo
//!   steps so far ──> what was promised ──> collection ──> promise
//! ```

use super::backend;
use super::checks::Checks;
use super::done::Done;
use super::finding::Breach;
use super::memory;
use super::promise::Promises;
use super::property::Property;
use super::soundness::{MANY, Soundness};
use super::undo;
use crate::contract::{self, Asked, Deviations, Disk, Handles, Stored};
use crate::metadata::{Backend, ErrorKind, Sharing, SnapshotKind};
use crate::scenario::Refused;
use crate::world::Fault;

impl Disk for Backend {
    fn blob(&self, digest: &[u8]) -> Option<i64> {
        Backend::blob(self, digest)
    }

    fn is_locked(&self, reference: &[u8]) -> bool {
        Backend::is_locked(self, reference)
    }

    fn snapshot(&self, snapshotter: &[u8], name: &[u8]) -> Option<Stored> {
        Backend::snapshot(self, snapshotter, name).map(|snapshot| match snapshot.kind {
            SnapshotKind::Active => Stored::Active,
            SnapshotKind::View => Stored::View,
            SnapshotKind::Committed => Stored::Committed,
        })
    }
}

/// Behind many steps one of so many is looked at closely.
const SAMPLED: usize = 16;

/// What is known of the steps of a case so far. Cloning it costs little.
#[derive(Clone, Default)]
pub struct Steps {
    handles: Handles,
    promises: Promises,
    soundness: Soundness,
    /// How many there were.
    count: usize,
}

/// How closely a step is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closely {
    /// No more than every step is.
    No,
    /// It is undone, and what it broke is looked for, by a daemon that may have a fault.
    Yes,
    /// The same of the last step, behind which nobody looks.
    Last,
}

impl Steps {
    /// Checks the step that follows on those so far. `deviations` are those of a release as shipped, or none for what is
    /// intended.
    pub fn check(
        &mut self,
        done: Done<'_>,
        deviations: Deviations,
        closely: Closely,
        fault: Option<Fault>,
    ) -> Checks {
        let Done { before, line, after, applied } = done;
        let release = before.release();
        let mut checks = Checks::NONE;
        checks.add(release, Property::Panic, Some(Ok(())));
        // Nothing was asked for.
        if applied.is_passed {
            return checks;
        }
        self.count += 1;
        let is_sampled = self.count < MANY || self.count.is_multiple_of(SAMPLED);
        let left = self.left_in_backend(done, deviations);
        let contracted = self.contract(done, deviations);
        for property in [Property::Frame, Property::Effect, Property::Refusal] {
            let Some(breach) = &contracted else { break };
            let own = breach.as_ref().filter(|breach| property_of(breach) == property);
            let breach = own.map(|breach| Breach::Step(breach.clone()));
            let breach = breach.or_else(|| left.clone().filter(|_| property == Property::Frame));
            checks.add(release, property, Some(breach.map_or(Ok(()), Err)));
        }
        checks.add(
            release,
            Property::Memory,
            Some(memory::slip(done).map_or(Ok(()), |slip| Err(Breach::Memory(slip)))),
        );
        if closely != Closely::No {
            let held = self.soundness.held(done, closely == Closely::Last);
            checks.add(release, Property::Soundness, held);
        }
        if closely != Closely::No && is_sampled && applied.refused.is_none() && !before.is_hung() {
            checks.add(release, Property::Undo, undo::held(before, line, after, fault));
        }
        if let Some(collected) = &applied.collected {
            checks.add(release, Property::Promise, self.promises.held(collected));
        }
        if applied.cleaned.is_some() {
            let (tree, backends) =
                (&before.store().tree, [before, after].map(|world| &world.store().backend));
            checks.add(release, Property::Backend, Some(backend::held(tree, backends[0], backends[1])));
            checks.add(release, Property::Leftover, Some(backend::cleaned(before, after)));
        }
        self.promises.note(before, line, applied);
        checks
    }

    /// What a preparation that is refused leaves in its backend.
    fn left_in_backend(&self, done: Done<'_>, deviations: Deviations) -> Option<Breach> {
        done.applied.refused.as_ref()?;
        let (snapshotter, name) = self.handles.unmade(&self.asked(done, deviations)?, &done.line.step)?;
        let left = done.after.store().backend.snapshot(&snapshotter, &name);
        left.map(|_| Breach::LeftByRefused(snapshotter, name))
    }

    /// Whether a step keeps its contract; none for what has none.
    fn contract(&mut self, done: Done<'_>, deviations: Deviations) -> Option<Option<contract::Breach>> {
        let Done { before, line, after, applied } = done;
        let got = applied.refused.as_ref().map(|error| refused(error.kind));
        let asked = self.asked(done, deviations)?;
        // What a collection did behind the step is not the step's, nor that it never ends.
        let is_alone = applied.collected.is_none() && !after.is_hung();
        let terms = contract::terms(&asked, &line.step).filter(|_| is_alone);
        let (old, new) = (&before.store().tree, &after.store().tree);
        let breach = terms.map(|terms| contract::breach(&terms, old, new, got));
        let handles = self.handles.after(&asked, &line.step, got);
        self.handles = handles;
        breach
    }

    /// A step as the contract is asked about it; none where nobody answers.
    fn asked<'a>(&'a self, done: Done<'a>, deviations: Deviations) -> Option<Asked<'a>> {
        let Done { before, line, .. } = done;
        let client = line.client.as_ref();
        let (false, Some(namespace)) = (before.is_hung(), before.namespace(client)) else { return None };
        Some(Asked {
            tree: before.store().tree.view(),
            disk: &before.store().backend,
            client,
            namespace,
            lease: before.lease(client),
            now: before.now(),
            release: before.release(),
            shares_content: before.store().sharing == Sharing::Shared,
            deviations,
            handles: &self.handles,
        })
    }
}

/// Which property a breach of the contract breaks.
fn property_of(breach: &contract::Breach) -> Property {
    match breach {
        contract::Breach::Answer { .. } => Property::Refusal,
        contract::Breach::Frame { .. } => Property::Frame,
        contract::Breach::Effect { .. } => Property::Effect,
    }
}

/// What kind of refusal an error is. Steps come one after the other, so that one which waits for another waits for ever.
pub fn refused(kind: ErrorKind) -> Refused {
    match kind {
        ErrorKind::NotFound => Refused::NotFound,
        ErrorKind::AlreadyExists => Refused::AlreadyExists,
        ErrorKind::FailedPrecondition => Refused::FailedPrecondition,
        ErrorKind::InvalidArgument => Refused::InvalidArgument,
        ErrorKind::NotImplemented => Refused::NotImplemented,
        ErrorKind::Unavailable => Refused::Unavailable,
        ErrorKind::Unknown => Refused::Unknown,
        ErrorKind::Blocked | ErrorKind::Deadlock => Refused::Deadlock,
        ErrorKind::Crash => Refused::Crash,
    }
}
