//! Faults that can be seeded into the engine, to see that the harness finds them.
//!
//! Which fault is active is a type parameter of the engine: with [`NoFault`] every question below is answered
//! `false` at compile time and nothing is left of it. Each fault is a mistake that a collector could have or has had,
//! and names the release under which it is graded: the first one that has the rule.

use crate::release::Release;
use std::fmt;

/// Which faults are active.
pub trait Faults: Copy {
    /// Whether this fault is active.
    fn has(self, fault: Fault) -> bool;

    /// Whether the call of this number at a point, from 1, fails.
    #[inline(always)]
    fn strikes(self, _: Point, _: usize) -> bool {
        false
    }
}

/// Where a call can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// A node's references are looked up while marking.
    Lookup,
    /// A bucket is deleted while sweeping.
    Removal,
}

impl Point {
    /// What happens there.
    pub fn name(self) -> &'static str {
        match self {
            Point::Lookup => "lookup",
            Point::Removal => "removal",
        }
    }

    /// What the collection then reports.
    pub fn error(self) -> &'static str {
        match self {
            Point::Lookup => Point::INJECTED,
            Point::Removal => "failed to scan and remove: injected",
        }
    }

    pub(super) const INJECTED: &str = "injected";
}

/// The honest engine.
#[derive(Clone, Copy, Debug)]
pub struct NoFault;

impl Faults for NoFault {
    #[inline(always)]
    fn has(self, _: Fault) -> bool {
        false
    }
}

impl Faults for Fault {
    #[inline(always)]
    fn has(self, fault: Fault) -> bool {
        self == fault
    }
}

/// Declares the faults: variant, name on the command line, release under which it is graded, what goes wrong.
macro_rules! faults {
    ($($variant:ident, $name:literal, $release:ident, $sentence:literal;)*) => {
        /// A mistake that a collector could have. Exactly one is active in a faulty engine.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Fault {
            $(#[doc = $sentence] $variant,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Fault] = &[$(Fault::$variant,)*];

            /// The name, as `--fault` takes it.
            pub fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name,)* }
            }

            /// The release under which it is graded.
            pub fn release(self) -> Release {
                match self { $(Fault::$variant => Release::$release,)* }
            }

            /// What goes wrong, in one sentence.
            pub fn sentence(self) -> &'static str {
                match self { $(Fault::$variant => $sentence,)* }
            }
        }
    };
}

faults! {
    // Leases and times.
    ExpiryInclusive, "expiry-inclusive", V1_7Beta, "What expires at this very instant has expired already.";
    UnparsableExpiryExpired, "unparsable-expiry-expired", V1_7Beta, "A lease whose expiry does not parse has expired.";
    NanosecondsIgnored, "nanoseconds-ignored", V1_7Beta, "Expiries are compared by whole seconds.";
    ExpiredLeaseHolds, "expired-lease-holds", V1_7Beta, "An expired lease goes, but what it holds is still a root.";
    FlatFollowsLabels, "flat-follows-labels", V1_7Beta, "What a flat lease holds is followed as if the lease were plain.";
    FlatValueRead, "flat-value-read", V1_7Beta, "A lease labelled flat with the value `false` is taken as plain.";
    LeaseIngestsForgotten, "lease-ingests-forgotten", V1_7Beta, "A lease does not hold its ingests.";
    LeaseSecondSnapshotter, "lease-second-snapshotter", V1_7Beta, "A lease holds only the snapshots of its first snapshotter.";
    LeaseLabelsFollowed, "lease-labels-followed", V1_7Beta, "A lease's own labels are followed as references.";
    // Marking.
    FlatSnapshotForgetsParent, "flat-snapshot-forgets-parent", V1_7Beta, "A flat snapshot does not keep its parent.";
    FlatHidesFull, "flat-hides-full", V1_7Beta, "An object visited flat is not visited again in full.";
    NamespaceDropped, "namespace-dropped", V1_7Beta, "A node is kept if one of its type and key is marked in any namespace.";
    SeparatorUnchecked, "separator-unchecked", V1_7Beta, "What follows a reference label's name is not looked at.";
    SnapshotterSuffixNotCut, "snapshotter-suffix-not-cut", V1_7Beta, "The name behind a snapshotter's slash is not cut off.";
    BucketLabelIgnored, "bucket-label-ignored", V1_7Beta, "A reference label that is a bucket does not fire.";
    ParentForgotten, "parent-forgotten", V1_7Beta, "A snapshot does not keep its parent.";
    SnapshotLabelsForgotten, "snapshot-labels-forgotten", V1_7Beta, "Labels of snapshots are not followed.";
    IngestExpectedForgotten, "ingest-expected-forgotten", V1_7Beta, "An ingest does not keep the content that it expects.";
    ImageTargetForgotten, "image-target-forgotten", V1_7Beta, "An image does not keep its target.";
    ImageLabelsForgotten, "image-labels-forgotten", V1_7Beta, "Labels of images are not followed.";
    ContainerSnapshotForgotten, "container-snapshot-forgotten", V1_7Beta, "A container does not keep its snapshot.";
    IngestExpiryIgnored, "ingest-expiry-ignored", V1_7Beta, "An ingest whose expiry has passed is still a root.";
    IngestWithoutExpiryRoot, "ingest-without-expiry-root", V1_7Beta, "An ingest without an expiry is a root.";
    SnapshotRootLabelIgnored, "snapshot-root-label-ignored", V1_7Beta, "The root label does not pin snapshots.";
    YoungContentKept, "young-content-kept", V1_7Beta, "Content that was created at this very instant is a root.";
    ContentRootLabelIgnored, "content-root-label-ignored", V1_7Beta, "The root label does not pin content.";
    ErrorSwallowed, "error-swallowed", V1_7Beta, "An error of a reference lookup counts as no references.";
    CancellationIgnored, "cancellation-ignored", V1_7Beta, "A collection whose context is cancelled goes on with the roots that it has.";
    DeadEdgeFails, "dead-edge-fails", V1_7Beta, "A reference to missing content fails the collection.";
    // Sweeping.
    SweepSkips, "sweep-skips", V1_7Beta, "After each removal the walk passes over one resource.";
    SweepKeepsPartial, "sweep-keeps-partial", V1_7Beta, "A sweep that fails keeps the removals before the failure.";
    DirtyLost, "dirty-lost", V1_7Beta, "Snapshotters that lost snapshots are not noted for cleaning up.";
    // Collectors.
    NoCancelAfterFailedSweep, "no-cancel-after-failed-sweep", V1_7Beta, "Collectors are not cancelled when the sweep fails.";
    ActiveForgotten, "active-forgotten", V1_7Beta, "Collectors' active resources are not roots.";
    LeasedForgotten, "leased-forgotten", V1_7Beta, "What collectors hold for a lease is not a root.";
    OutsideNamespaceKept, "outside-namespace-kept", V1_7Beta, "Collectors' resources of a namespace that the database lacks stay.";
    // Rules of later releases.
    LoopVariableShared, "loop-variable-shared", V1_7, "All collectors' labels yield the type of the last collector.";
    NoCancelAfterFailedMark, "no-cancel-after-failed-mark", V1_7, "Collectors are not cancelled when marking fails.";
    SandboxLabelsForgotten, "sandbox-labels-forgotten", V1_7, "Labels of sandboxes are not followed.";
    ExpiredImageRoot, "expired-image-root", V2_0, "An image that has expired is still a root.";
    LeaseImagesForgotten, "lease-images-forgotten", V2_0, "A lease does not hold its images.";
    FlatImageFollows, "flat-image-follows", V2_0, "A flat image keeps its target in full.";
    RootLabelExact, "root-label-exact", V2_2, "Only the exact root label pins.";
    BackReferenceFromFlat, "back-reference-from-flat", V2_2, "A parent visited flat keeps its back references.";
    BackReferencesForgotten, "back-references-forgotten", V2_2, "Back references of snapshots do not count.";
    ConditionBeforeValues, "condition-before-values", V2_3, "Conditions see only the values met before them.";
    ConditionsAnded, "conditions-anded", V2_3, "All conditions of a label must hold, not one of them.";
    MissingUsedAtHolds, "missing-used-at-holds", V2_3, "A condition on a snapshot without a value holds.";
    CollectorReferencesForgotten, "collector-references-forgotten", V2_4, "What collectors refer to is not kept.";
}

impl Fault {
    /// The fault of a name.
    pub fn parse(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
