//! Faults that can be seeded into the engine, to see that the harness finds them.
//!
//! Each is a mistake that a collector could have or has had, and names the release under which it is graded: the first
//! one that has the rule. Most are another answer to one of the [`Decisions`]. Where a mistake is none, `around` changes the
//! request before the collection, or its outcome after it.

mod around;

use super::collect::run;
use super::conditions::Condition;
use super::decisions::{By, Containerd, Decisions, NodeMap, Visit};
use super::namespaces::Object;
use super::nodes::{Key, NodeId, NodeTable};
use super::outcome::Outcome;
use super::request::Request;
use crate::instant::Instant;
use crate::named::named;
use crate::node::{Kind, ResourceType};
use crate::release::{Release, Rules};
use crate::schema::names;

/// How many entries of a lease a faulty engine reads of each kind.
const LEASE_PAGE: usize = 32;

/// Runs a whole collection with an engine that may have a fault.
///
/// The engine without one is another than the engine with any: its decisions are compiled into it.
pub fn collect_with(request: &Request<'_>, fault: Option<Fault>) -> Outcome {
    match fault {
        None => run(request, Containerd),
        Some(fault) => fault.collect(request),
    }
}

/// Each fault that is another answer to a decision; all else is decided as containerd does.
impl Decisions for Fault {
    fn rules(self, release: Release) -> Rules {
        let rules = Containerd.rules(release);
        match self {
            Fault::LoopVariableShared => Rules { shared_loop_variable: true, ..rules },
            Fault::NoCancelAfterFailedMark => Rules { cancel_after_failed_mark: false, ..rules },
            Fault::SandboxLabelsForgotten => Rules { sandbox_references: false, ..rules },
            Fault::RootLabelExact => Rules { root_by_prefix: false, ..rules },
            Fault::BackReferencesForgotten => Rules { back_references: false, ..rules },
            Fault::CollectorReferencesForgotten => Rules { collector_references: false, ..rules },
            _ => rules,
        }
    }

    fn has_passed(self, time: Instant, now: Instant) -> bool {
        match self {
            Fault::ExpiryInclusive => now >= time,
            Fault::NanosecondsIgnored => now.seconds > time.seconds,
            _ => Containerd.has_passed(time, now),
        }
    }

    fn has_expired(self, object: Kind, expiry: Option<Instant>, now: Instant) -> bool {
        match (self, object, expiry) {
            (Fault::UnparsableExpiryExpired, _, None) => true,
            (Fault::LeaseExpiryIgnored, Kind::Lease, _) | (Fault::ExpiredImageRoot, Kind::Image, _) => false,
            (_, _, Some(expiry)) => self.has_passed(expiry, now),
            (_, _, None) => false,
        }
    }

    fn is_flat(self, label: Option<&[u8]>) -> bool {
        match self {
            Fault::FlatFollowsLabels => false,
            Fault::FlatValueRead if label == Some(b"false") => false,
            Fault::FlatEmptyIgnored if label == Some(b"") => false,
            _ => Containerd.is_flat(label),
        }
    }

    fn entries_read(self) -> usize {
        if self == Fault::LeasePageOnly { LEASE_PAGE } else { Containerd.entries_read() }
    }

    fn asks_about_expired(self) -> bool {
        self == Fault::ExpiredLeaseAsked
    }

    fn lists_on(self) -> bool {
        self != Fault::ListingEndsAtFailure
    }

    fn is_active(self, expire_at: Option<Instant>, now: Instant) -> bool {
        match expire_at {
            None => self == Fault::IngestWithoutExpiryRoot,
            Some(expiry) => self == Fault::IngestExpiryIgnored || !self.has_passed(expiry, now),
        }
    }

    fn is_root_ref(self, object: &Object<'_>) -> bool {
        let created = object.view.get(b"createdat");
        let is_untouched = created.is_some() && created == object.view.get(b"updatedat");
        let value = object.labels.and_then(|labels| labels.get(names::GC_ROOT));
        if self == Fault::RootLabelNo && value == Some(b"false") {
            return false;
        }
        Containerd.is_root_ref(object) || (self == Fault::UntouchedKept && is_untouched)
    }

    fn follow(self, by: By, key: Key<'_>, visit: Visit) -> Option<Visit> {
        let is_forgotten = match (self, by) {
            (Fault::LeaseIngestsForgotten, By::Lease(Kind::Ingest))
            | (Fault::LeaseImagesForgotten, By::Lease(Kind::Image))
            | (Fault::LeasedForgotten, By::Leased)
            | (Fault::ActiveForgotten, By::Active)
            | (Fault::ParentForgotten, By::Parent)
            | (Fault::IngestExpectedForgotten, By::Expected)
            | (Fault::ImageTargetForgotten, By::Target)
            | (Fault::ContainerSnapshotForgotten, By::ContainerSnapshot)
            | (Fault::ContentRootLabelIgnored, By::RootLabel(Kind::Content))
            | (Fault::SnapshotRootLabelIgnored, By::RootLabel(Kind::Snapshot))
            | (Fault::ImageLabelsForgotten, By::Label(Kind::Image))
            | (Fault::SnapshotLabelsForgotten, By::Label(Kind::Snapshot)) => true,
            (Fault::FlatSnapshotForgetsParent, By::Parent) => visit == Visit::Flat,
            (Fault::LeaseOtherSnapshotters, By::Lease(Kind::Snapshot)) => {
                key.snapshotter() != Some(b"overlayfs")
            }
            (Fault::EmptyReferenceIgnored, By::Label(_) | By::SandboxLabel) => key.name().is_empty(),
            _ => false,
        };
        match (self, by) {
            _ if is_forgotten => None,
            (Fault::FlatImageFollows, By::Target) => Some(Visit::Full),
            (Fault::FlatSnapshotFollowsLabels, By::Label(Kind::Snapshot)) => Some(Visit::Full),
            _ => Containerd.follow(by, key, visit),
        }
    }

    fn is_separated(self, rest: &[u8]) -> bool {
        self == Fault::SeparatorUnchecked || Containerd.is_separated(rest)
    }

    fn reads_on(self, is_back_reference: bool) -> bool {
        !(self == Fault::FirstBackReferenceOnly && is_back_reference)
    }

    fn snapshotter(self, rest: &[u8]) -> &[u8] {
        if self == Fault::SnapshotterSuffixNotCut { rest } else { Containerd.snapshotter(rest) }
    }

    fn bar(self, value: &[u8]) -> Option<usize> {
        match self {
            Fault::ConditionLastBar => value.iter().rposition(|byte| *byte == b'|'),
            _ => Containerd.bar(value),
        }
    }

    fn references_met(self, conditions: &[Condition], used_at: &[Instant], now: Instant) -> usize {
        let all_hold = |time: &Instant| conditions.iter().all(|condition| condition.holds(now, *time));
        match self {
            Fault::ConditionBeforeValues => 0,
            Fault::ConditionsAnded => usize::from(used_at.iter().any(all_hold)),
            Fault::MissingUsedAtHolds if used_at.is_empty() => 1,
            _ => Containerd.references_met(conditions, used_at, now),
        }
    }

    fn key_in(self, map: NodeMap, resource_type: ResourceType) -> ResourceType {
        match (self, map) {
            (Fault::FlatHidesFull, NodeMap::Seen)
            | (Fault::BackReferenceFromFlat, NodeMap::BackReferences) => resource_type.stripped(),
            _ => resource_type,
        }
    }

    fn is_marked(self, nodes: &NodeTable, marked: &[bool], id: NodeId) -> bool {
        let node = nodes.get(id);
        let is_alike = |other: NodeId| {
            let other = nodes.get(other);
            other.resource_type == node.resource_type && other.key == node.key
        };
        let is_marked = |id| Containerd.is_marked(nodes, marked, id);
        let is_marked_anywhere = || nodes.iter().any(|(other, _)| is_marked(other) && is_alike(other));
        is_marked(id) || (self == Fault::NamespaceDropped && is_marked_anywhere())
    }
}

impl Fault {
    /// Whether a release has the rule that the fault breaks: elsewhere it changes nothing.
    pub fn can_be_made_in(self, release: Release) -> bool {
        use Fault::*;
        let of_collectors = [
            NoCancelAfterFailedSweep,
            ActiveForgotten,
            LeasedForgotten,
            OutsideNamespaceKept,
            NoRemoveSilent,
            FinishFailureSilent,
            ListingEndsAtFailure,
            FailedStartEnds,
            FirstCollectorTold,
            ExpiredLeaseAsked,
            EndedBeforeScheduling,
            LabelBeforeStart,
            ActiveBeforeLeased,
            EndedBeforeRemovals,
        ];
        match self.release() {
            // From 2.2 on the label is met while labels are read, and no function asks of an object whether it is a root.
            _ if [UntouchedKept, RootLabelNo].contains(&self) && release.rules().root_by_prefix => false,
            // Graded under the default release are the rules that are as old as 1.6, and those of collectors.
            Release::V1_7Beta => release.rules().collectors || !of_collectors.contains(&self),
            first => release >= first,
        }
    }
}

named! {
    /// A mistake that a collector could have. Exactly one is active in a faulty engine.
    pub enum Fault {
        /// The release under which it is graded.
        pub release: Release,
    }
    // Leases and times.
    ExpiryInclusive, "expiry-inclusive", Release::V1_7Beta => "What expires at this very instant has expired already.";
    UnparsableExpiryExpired, "unparsable-expiry-expired", Release::V1_7Beta => "A lease whose expiry does not parse has expired.";
    NanosecondsIgnored, "nanoseconds-ignored", Release::V1_7Beta => "Expiries are compared by whole seconds.";
    LeaseExpiryIgnored, "lease-expiry-ignored", Release::V1_7Beta => "A lease whose expiry has passed is still a root.";
    FlatFollowsLabels, "flat-follows-labels", Release::V1_7Beta => "What a flat lease holds is followed as if the lease were plain.";
    FlatValueRead, "flat-value-read", Release::V1_7Beta => "A lease labelled flat with the value `false` is taken as plain.";
    FlatEmptyIgnored, "flat-empty-ignored", Release::V1_7Beta => "A lease whose label for being flat has no value is taken as plain.";
    LeaseIngestsForgotten, "lease-ingests-forgotten", Release::V1_7Beta => "A lease does not hold its ingests.";
    LeaseOtherSnapshotters, "lease-other-snapshotters", Release::V1_7Beta => "A lease holds only the snapshots of `overlayfs`.";
    LeasePageOnly, "lease-page-only", Release::V1_7Beta => "Of what a lease holds of one kind only the first 32 are read.";
    // Marking.
    FlatSnapshotFollowsLabels, "flat-snapshot-follows-labels", Release::V1_7Beta => "Labels of a flat snapshot are followed.";
    FlatSnapshotForgetsParent, "flat-snapshot-forgets-parent", Release::V1_7Beta => "A flat snapshot does not keep its parent.";
    FlatHidesFull, "flat-hides-full", Release::V1_7Beta => "An object visited flat is not visited again in full.";
    NamespaceDropped, "namespace-dropped", Release::V1_7Beta => "A node is kept if one of its type and key is marked in any namespace.";
    SeparatorUnchecked, "separator-unchecked", Release::V1_7Beta => "What follows a reference label's name is not looked at.";
    SnapshotterSuffixNotCut, "snapshotter-suffix-not-cut", Release::V1_7Beta => "The name behind a snapshotter's slash is not cut off.";
    EmptyReferenceIgnored, "empty-reference-ignored", Release::V1_7Beta => "A reference label with an empty value does not fire.";
    ParentForgotten, "parent-forgotten", Release::V1_7Beta => "A snapshot does not keep its parent.";
    SnapshotLabelsForgotten, "snapshot-labels-forgotten", Release::V1_7Beta => "Labels of snapshots are not followed.";
    IngestExpectedForgotten, "ingest-expected-forgotten", Release::V1_7Beta => "An ingest does not keep the content that it expects.";
    ImageTargetForgotten, "image-target-forgotten", Release::V1_7Beta => "An image does not keep its target.";
    ImageLabelsForgotten, "image-labels-forgotten", Release::V1_7Beta => "Labels of images are not followed.";
    ContainerSnapshotForgotten, "container-snapshot-forgotten", Release::V1_7Beta => "A container does not keep its snapshot.";
    IngestExpiryIgnored, "ingest-expiry-ignored", Release::V1_7Beta => "An ingest whose expiry has passed is still a root.";
    IngestWithoutExpiryRoot, "ingest-without-expiry-root", Release::V1_7Beta => "An ingest without an expiry is a root.";
    SnapshotRootLabelIgnored, "snapshot-root-label-ignored", Release::V1_7Beta => "The root label does not pin snapshots.";
    UntouchedKept, "untouched-kept", Release::V1_7Beta => "What was not updated since its creation is a root.";
    ContentRootLabelIgnored, "content-root-label-ignored", Release::V1_7Beta => "The root label does not pin content.";
    RootLabelNo, "root-label-no", Release::V1_7Beta => "The root label with the value `false` does not pin.";
    ErrorSwallowed, "error-swallowed", Release::V1_7Beta => "A collection whose marking fails reports success.";
    CancellationIgnored, "cancellation-ignored", Release::V1_7Beta => "A context that is cancelled does not end the collection.";
    DeadEdgeFails, "dead-edge-fails", Release::V1_7Beta => "A reference to missing content fails the collection.";
    DeepChainCut, "deep-chain-cut", Release::V1_7Beta => "Marking goes no more than four references deep.";
    // Sweeping.
    SweepSkips, "sweep-skips", Release::V1_7Beta => "Of what is to be removed every second one stays.";
    SweepStopsEarly, "sweep-stops-early", Release::V1_7Beta => "The sweep ends after five removals.";
    SweepKeepsPartial, "sweep-keeps-partial", Release::V1_7Beta => "A sweep that fails keeps the removals before the failure.";
    DirtyLost, "dirty-lost", Release::V1_7Beta => "Snapshotters that lost snapshots are not noted for cleaning up.";
    FailedSweepUnnoted, "failed-sweep-unnoted", Release::V1_7Beta => "A sweep that fails forgets which backends it has noted for cleaning up.";
    // Collectors.
    NoCancelAfterFailedSweep, "no-cancel-after-failed-sweep", Release::V1_7Beta => "Collectors are not cancelled when the sweep fails.";
    ActiveForgotten, "active-forgotten", Release::V1_7Beta => "Collectors' active resources are not roots.";
    LeasedForgotten, "leased-forgotten", Release::V1_7Beta => "What collectors hold for a lease is not a root.";
    OutsideNamespaceKept, "outside-namespace-kept", Release::V1_7Beta => "Collectors' resources of a namespace that the database lacks stay.";
    ListingEndsAtFailure, "listing-ends-at-failure", Release::V1_7Beta => "A resource that a collector lists and that cannot be removed ends the listings of all.";
    FailedStartEnds, "failed-start-ends", Release::V1_7Beta => "Behind a collector that fails to start no other is started.";
    FirstCollectorTold, "first-collector-told", Release::V1_7Beta => "Only the first collector is told how the collection ends.";
    ExpiredLeaseAsked, "expired-lease-asked", Release::V1_7Beta => "Collectors are asked what they hold for a lease that has expired, and it is kept.";
    LabelBeforeStart, "label-before-start", Release::V1_7Beta => "Collectors are asked for their label before they start.";
    ActiveBeforeLeased, "active-before-leased", Release::V1_7Beta => "Collectors are asked what is in use before they are asked what leases hold.";
    EndedBeforeRemovals, "ended-before-removals", Release::V1_7Beta => "Collectors are finished before they are told what to remove.";
    // The log.
    InvalidExpirySilent, "invalid-expiry-silent", Release::V1_7Beta => "That an expiry is no time is not logged.";
    NoRemoveSilent, "no-remove-silent", Release::V1_7Beta => "That nobody removes a resource is not logged.";
    FinishFailureSilent, "finish-failure-silent", Release::V1_7Beta => "That a collector cannot finish is not logged.";
    IngestLoggedAsContent, "ingest-logged-as-content", Release::V1_7Beta => "That an ingest goes is logged as if it were content.";
    ContentScheduledFirst, "content-scheduled-first", Release::V1_7Beta => "The clean-up of content is scheduled before those of snapshotters.";
    EndedBeforeScheduling, "ended-before-scheduling", Release::V1_7Beta => "Collectors are finished before clean-ups are scheduled.";
    // Rules of later releases.
    LoopVariableShared, "loop-variable-shared", Release::V1_7 => "All collectors' labels yield the type of the last collector.";
    NoCancelAfterFailedMark, "no-cancel-after-failed-mark", Release::V1_7 => "Collectors are not cancelled when marking fails.";
    SandboxLabelsForgotten, "sandbox-labels-forgotten", Release::V1_7 => "Labels of sandboxes are not followed.";
    ExpiredImageRoot, "expired-image-root", Release::V2_0 => "An image that has expired is still a root.";
    LeaseImagesForgotten, "lease-images-forgotten", Release::V2_0 => "A lease does not hold its images.";
    FlatImageFollows, "flat-image-follows", Release::V2_0 => "A flat image keeps its target in full.";
    RootLabelExact, "root-label-exact", Release::V2_2 => "Only the exact root label pins.";
    BackReferenceFromFlat, "back-reference-from-flat", Release::V2_2 => "A parent visited flat keeps its back references.";
    BackReferencesForgotten, "back-references-forgotten", Release::V2_2 => "Back references do not count.";
    FirstBackReferenceOnly, "first-back-reference-only", Release::V2_2 => "Of an object's back references of one kind only the first counts.";
    ConditionBeforeValues, "condition-before-values", Release::V2_3 => "Conditions are weighed before the snapshots' values are met.";
    ConditionLastBar, "condition-last-bar", Release::V2_3 => "A condition is cut at its last bar, so that a snapshot's key cannot have one.";
    ConditionsAnded, "conditions-anded", Release::V2_3 => "All conditions of a label must hold, not one of them.";
    MissingUsedAtHolds, "missing-used-at-holds", Release::V2_3 => "A condition on a snapshot without a value holds.";
    CollectorReferencesForgotten, "collector-references-forgotten", Release::V2_4 => "What collectors refer to is not kept.";
}
