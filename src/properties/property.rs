//! The properties, each with a name: what must hold, when it is checked, and a fault that breaks it.

use crate::engine::Fault;
use crate::named::named;

named! {
    /// A property that collections are checked for.
    pub enum Property {
        /// When it is checked.
        pub when: When,
        /// A fault that breaks it, as `scenarios/properties` shows.
        pub fault: Fault,
    }
    // Of every collection, against the oracle.
    Safety, "safety", When::Each, Fault::ExpiryInclusive => "Nothing that the oracle keeps is left unmarked or removed.";
    Completeness, "completeness", When::Each, Fault::NanosecondsIgnored => "Everything that the oracle does not keep goes, and nothing else is marked.";
    Tree, "tree", When::Each, Fault::SweepSkips => "The tree afterwards is the tree before less exactly the buckets of what was removed.";
    Error, "error", When::Each, Fault::DeadEdgeFails => "The error is one that the oracle allows, or there is none on either side; a failed collection changed nothing.";
    Again, "again", When::Each, Fault::SweepSkips => "A second collection at the same instant changes no bucket.";
    Collectors, "collectors", When::Each, Fault::OutsideNamespaceKept => "Every started collector was told to remove what goes, and got exactly one of finish and cancel, less the release's defects.";
    Dirty, "dirty", When::Each, Fault::DirtyLost => "Exactly the backends that lost something are noted for cleaning up.";
    // Relations between two collections.
    Renaming, "renaming", When::Thorough, Fault::SweepSkips => "Other names, one to one and with the same separators, change nothing else.";
    CreationOrder, "creation-order", When::Thorough, Fault::UntouchedKept => "When and in which order things were created changes nothing.";
    UnrelatedNamespace, "unrelated-namespace", When::Thorough, Fault::NamespaceDropped => "A namespace beside, whose times decode, changes nothing elsewhere.";
    ExtraLease, "extra-lease", When::Thorough, Fault::FlatHidesFull => "Another plain lease on what is kept in full already changes nothing.";
    MeaninglessLabel, "meaningless-label", When::Thorough, Fault::SeparatorUnchecked => "Labels that mean nothing change nothing.";
    TimeInterval, "time-interval", When::Thorough, Fault::NanosecondsIgnored => "Time that passes no expiry changes nothing.";
    // Injected errors.
    LookupError, "lookup-error", When::Thorough, Fault::ErrorSwallowed => "An error at the k-th reference lookup (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed and its collectors ended.";
    RemovalError, "removal-error", When::Thorough, Fault::SweepKeepsPartial => "An error at the k-th removal (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed and its collectors cancelled.";
    CollectorCall, "collector-call", When::Thorough, Fault::NoCancelAfterFailedSweep => "A collector whose start, finish or cancel fails changes no more than the oracle says.";
    Cancellation, "cancellation", When::Thorough, Fault::CancellationIgnored => "A context cancelled at the k-th root (every k of up to 200, a fixed sample of more or in a large database) ends the collection with nothing changed.";
}

/// When a property is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// After every collection.
    Each,
    /// After one collection of some cases: it takes many more collections.
    Thorough,
}

impl Property {
    /// Those that are checked after every collection.
    pub fn each() -> impl Iterator<Item = Property> {
        Property::ALL.iter().copied().filter(|property| property.when() == When::Each)
    }
}
