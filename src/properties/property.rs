//! The properties, each with a name: what must hold, when it is checked, and a fault that breaks it.

use crate::engine::Fault::*;
use crate::named::named;
use crate::world::DaemonFault::*;
use crate::world::Fault;
use crate::world::Fault::{Collector, Daemon};

named! {
    /// A property that collections are checked for.
    pub enum Property {
        /// When it is checked.
        pub when: When,
        /// A fault that breaks it, as `scenarios/properties` shows.
        pub fault: Fault,
    }
    // Of whatever runs.
    Panic, "panic", When::Step, Daemon(EmptyLeasePanics) => "Nothing panics.";
    // Of every step, against its contract.
    Frame, "frame", When::Step, Daemon(DeletedFromAllLeases) => "A step changes nothing but what its contract names; one that is refused changes nothing but what that says.";
    Effect, "effect", When::Step, Daemon(LeaseEntryForgotten) => "A step that takes effect brings about all that its contract says, also where the answer is that something exists already.";
    Refusal, "refusal", When::Step, Daemon(ParentRemoved) => "A step is refused exactly when its contract says so, with one of its kinds of error.";
    Memory, "memory", When::Step, Daemon(DeletionNotMarked) => "What daemon and clients have in memory (clock, namespaces and leases in use, marks, scheduled clean-ups, streams, collectors) changes as the step says, and a restart forgets it and lets go of what is locked.";
    // Of steps and what comes later.
    Undo, "undo", When::SampledStep, Daemon(DropLeavesEntry) => "A step and its opposite give back what was there, times and sequence numbers aside.";
    Soundness, "soundness", When::SampledStep, Daemon(ParentRemoved) => "No step breaks an object that was whole, by the errors that `lint` finds, less what clients are let do to what is their own.";
    Promise, "promise", When::Promised, Collector(LeaseIngestsForgotten) => "What was written under a live lease, and an ingest within its time, is there after a collection.";
    Backend, "backend", When::CleanUp, Daemon(CleanUpTakesListed) => "What the database lists, or an ingest expects, and the backends had is there after a clean-up.";
    Leftover, "leftover", When::CleanUp, Daemon(CleanUpLeavesIngests) => "What the database no longer lists is gone from the backends after their clean-up.";
    // Of every collection, against the oracle.
    Safety, "safety", When::Each, Collector(ExpiryInclusive) => "Nothing that the oracle keeps is left unmarked or removed.";
    Completeness, "completeness", When::Each, Collector(NanosecondsIgnored) => "Everything that the oracle does not keep goes, and nothing else is marked.";
    Tree, "tree", When::Each, Collector(SweepSkips) => "The tree afterwards is the tree before less exactly the buckets of what was removed.";
    Error, "error", When::Each, Collector(DeadEdgeFails) => "The error is one that the oracle allows, or there is none on either side; a failed collection changed nothing.";
    Again, "again", When::Each, Collector(SweepSkips) => "A second collection at the same instant changes no bucket.";
    Collectors, "collectors", When::Each, Collector(OutsideNamespaceKept) => "Every collector is asked what it must be, in order, and nothing of a lease that has expired; every started one was told to remove what goes, and got exactly one of finish and cancel, less the release's defects.";
    Dirty, "dirty", When::Each, Collector(DirtyLost) => "Exactly the backends that lost something are noted for cleaning up, or would have in a sweep that failed.";
    Log, "log", When::Each, Collector(InvalidExpirySilent) => "What a collection logs follows from what it met: expiries that are no time and, from 2.0 on, those that have passed, what is handed to removal or removed by nobody, the clean-ups that it schedules, collectors that cannot end; in this order.";
    // Relations between two collections.
    Renaming, "renaming", When::Thorough, Collector(SweepSkips) => "Other names, one to one and with the same separators, change nothing else.";
    CreationOrder, "creation-order", When::Thorough, Collector(UntouchedKept) => "When and in which order things were created changes nothing.";
    UnrelatedNamespace, "unrelated-namespace", When::Thorough, Collector(NamespaceDropped) => "A namespace beside, whose times decode, changes nothing elsewhere.";
    ExtraLease, "extra-lease", When::Thorough, Collector(FlatHidesFull) => "Another plain lease on what is kept in full already changes nothing.";
    MeaninglessLabel, "meaningless-label", When::Thorough, Collector(SeparatorUnchecked) => "Labels that mean nothing change nothing.";
    TimeInterval, "time-interval", When::Thorough, Collector(NanosecondsIgnored) => "Time that passes no expiry changes nothing.";
    // Injected errors.
    LookupError, "lookup-error", When::Thorough, Collector(ErrorSwallowed) => "An error at the k-th reference lookup (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed and its collectors ended.";
    RemovalError, "removal-error", When::Thorough, Collector(SweepKeepsPartial) => "An error at the k-th removal (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed, its collectors cancelled and its backends noted.";
    CollectorCall, "collector-call", When::Thorough, Collector(NoCancelAfterFailedSweep) => "A collector whose start, finish or cancel fails changes no more than the oracle says.";
    Cancellation, "cancellation", When::Thorough, Collector(CancellationIgnored) => "A context cancelled at the k-th root (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed.";
}

/// When a property is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// After every step of a client.
    Step,
    /// After every step of some cases: it takes another step each, or a look at the whole database.
    SampledStep,
    /// After every collection of a case in which something was promised.
    Promised,
    /// After every clean-up.
    CleanUp,
    /// After every collection.
    Each,
    /// After one collection of some cases: it takes many more collections.
    Thorough,
}

impl Property {
    /// How bad it is where it does not hold, the worst first: something dies or is lost, a collection ends otherwise than it
    /// must, something stays, what a client wrote is wrong, what is noted or told is wrong.
    pub fn gravity(self) -> u8 {
        match self {
            Property::Panic => 0,
            Property::Safety | Property::Promise | Property::Backend => 1,
            Property::Error => 2,
            Property::Completeness | Property::Tree | Property::Again | Property::Leftover => 3,
            Property::Frame | Property::Effect | Property::Refusal | Property::Memory => 4,
            Property::Undo | Property::Soundness => 4,
            Property::LookupError | Property::RemovalError | Property::Cancellation => 5,
            Property::CollectorCall | Property::Collectors | Property::Dirty | Property::Log => 6,
            Property::Renaming
            | Property::CreationOrder
            | Property::UnrelatedNamespace
            | Property::ExtraLease
            | Property::MeaninglessLabel
            | Property::TimeInterval => 7,
        }
    }

    /// Those that are checked after every collection.
    pub fn each() -> impl Iterator<Item = Property> {
        Property::ALL.iter().copied().filter(|property| property.when() == When::Each)
    }
}
