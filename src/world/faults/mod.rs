//! Mistakes that a daemon could make, to see that the harness finds them: those of its collector, and those between a
//! client's call and the tree that is collected.
//!
//! The second sort is wrapped around an honest step: something is hidden from it, another step is done, what came of it
//! is changed afterwards, or how it is answered. Nothing else of this room knows of them. A row of the table below says
//! what a mistake is and which function makes it; `asked` has the ways in which one can be made.

mod asked;
mod buckets;
mod clean_ups;
mod memory;
mod refusals;
mod texts;
mod writes;

use super::{Applied, World};
use crate::engine;
use crate::named::{UnknownName, named};
use crate::release::Release;
use crate::scenario::Line;
use asked::{Asked, Mistake, nothing};
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
        /// How it is made.
        mistake: Mistake,
    }
    // What clients write: labels and times.
    LabelsReplaced, "labels-replaced", Release::V1_7Beta, Mistake::Instead(writes::labels_replaced) => "Who sets a label of content drops its others.";
    EmptyLabelKept, "empty-label-kept", Release::V1_7Beta, Mistake::After(writes::empty_label_kept) => "A label that is set to nothing stays, with an empty value.";
    ReplaceMerges, "replace-merges", Release::V1_7Beta, Mistake::Instead(writes::replace_merges) => "Who replaces all labels keeps those that are not given.";
    CreatedAtRenewed, "created-at-renewed", Release::V1_7Beta, Mistake::After(writes::created_at_renewed) => "An update takes its own time for that of the creation.";
    UpdatedAtKept, "updated-at-kept", Release::V1_7Beta, Mistake::After(writes::updated_at_kept) => "An update leaves the time of the last one.";
    // Content.
    SizeUnsigned, "size-unsigned", Release::V1_7Beta, Mistake::After(writes::size_unsigned) => "Sizes are written as unsigned varints.";
    LeasedIngestExpires, "leased-ingest-expires", Release::V1_7Beta, Mistake::After(writes::leased_ingest_expires) => "An ingest that is opened under a lease gets an expiry.";
    IngestExpiryKept, "ingest-expiry-kept", Release::V1_7Beta, Mistake::After(writes::ingest_expiry_kept) => "An ingest that is opened again keeps its old expiry.";
    CommitKeepsIngest, "commit-keeps-ingest", Release::V1_7Beta, Mistake::After(writes::commit_keeps_ingest) => "A commit leaves the ingest behind.";
    AbortStaysLeased, "abort-stays-leased", Release::V1_7Beta, Mistake::After(writes::abort_stays_leased) => "An ingest that is aborted stays in the lease in use.";
    ExpectedNotNoted, "expected-not-noted", Release::V1_7Beta, Mistake::After(writes::expected_not_noted) => "An ingest of shared content does not say what it expects.";
    // Snapshots.
    ChildNotNoted, "child-not-noted", Release::V1_7Beta, Mistake::After(writes::child_not_noted) => "A snapshot is not entered among its parent's children.";
    CommitKeepsChild, "commit-keeps-child", Release::V1_7Beta, Mistake::After(writes::commit_keeps_child) => "A commit leaves the active snapshot among its parent's children.";
    RemoveKeepsChild, "remove-keeps-child", Release::V1_7Beta, Mistake::After(writes::remove_keeps_child) => "A snapshot that is removed stays among its parent's children.";
    CommitKeepsLabels, "commit-keeps-labels", Release::V1_7Beta, Mistake::After(writes::commit_keeps_labels) => "A committed snapshot keeps the labels of the active one.";
    CommitForgetsParent, "commit-forgets-parent", Release::V1_7Beta, Mistake::After(writes::commit_forgets_parent) => "A committed snapshot does not name its parent.";
    CommitParentIgnored, "commit-parent-ignored", Release::V2_2, Mistake::Instead(writes::commit_parent_ignored) => "The parent that is given to a commit is ignored.";
    CommitStaysLeased, "commit-stays-leased", Release::V1_7Beta, Mistake::After(writes::commit_stays_leased) => "An active snapshot that is committed stays in the lease in use.";
    ParentRemoved, "parent-removed", Release::V1_7Beta, Mistake::Hidden(writes::hide_children, nothing) => "A snapshot that has children can be removed.";
    // Images, containers, sandboxes.
    ImageLabelsDropped, "image-labels-dropped", Release::V1_7Beta, Mistake::After(writes::image_labels_dropped) => "Who points an image elsewhere drops its labels.";
    SnapshotKeyMisspelt, "snapshot-key-misspelt", Release::V1_7Beta, Mistake::After(writes::snapshot_key_misspelt) => "A container's new snapshot is written under `snapshotkey`.";
    ContainerFieldsCleared, "container-fields-cleared", Release::V1_7Beta, Mistake::After(writes::container_fields_cleared) => "An update of some fields of a container clears its snapshot.";
    SandboxAtRoot, "sandbox-at-root", Release::V2_0, Mistake::After(writes::sandbox_at_root) => "Sandboxes are still created at the root of the database.";
    // Leases.
    LeaseEntryForgotten, "lease-entry-forgotten", Release::V1_7Beta, Mistake::After(writes::lease_entry_forgotten) => "What a client writes under a lease is not entered into it.";
    DeletedFromAllLeases, "deleted-from-all-leases", Release::V1_7Beta, Mistake::After(writes::deleted_from_all_leases) => "Content that is deleted leaves every lease, not only the one in use.";
    DeletedStaysLeased, "deleted-stays-leased", Release::V1_7Beta, Mistake::After(writes::deleted_stays_leased) => "Content that is deleted stays in the lease in use.";
    DropLeavesEntry, "drop-leaves-entry", Release::V1_7Beta, Mistake::After(writes::drop_leaves_entry) => "What is dropped from a lease is held all the same.";
    EmptyLeasePanics, "empty-lease-panics", Release::V1_7Beta, Mistake::Hidden(writes::empty_lease_panics, nothing) => "The daemon panics when a lease is deleted that holds nothing.";
    ExpiryWithFraction, "expiry-with-fraction", Release::V1_7Beta, Mistake::Instead(writes::expiry_with_fraction) => "The expiry of a lease is written with its nanoseconds.";
    FlatWithoutExpiry, "flat-without-expiry", Release::V1_7Beta, Mistake::Instead(writes::flat_without_expiry) => "A flat lease gets no expiry.";
    LeaseTakesContent, "lease-takes-content", Release::V1_7Beta, Mistake::After(writes::lease_takes_content) => "Who deletes a lease deletes the content that it holds.";
    // Refusals.
    ExistingNotLeased, "existing-not-leased", Release::V1_7Beta, Mistake::Refused(refusals::existing_not_leased) => "Content that exists already is not put into the lease in use.";
    ExistingSnapshotNotLeased, "existing-snapshot-not-leased", Release::V1_7, Mistake::Refused(refusals::existing_snapshot_not_leased) => "A snapshot that exists already is not put into the lease in use.";
    LeaseCreatedAgain, "lease-created-again", Release::V1_7Beta, Mistake::Hidden(refusals::hide_lease, nothing) => "A lease that exists can be created again, and loses what it held.";
    MissingParentInvalid, "missing-parent-invalid", Release::V1_7Beta, Mistake::Refused(refusals::missing_parent_invalid) => "A parent that is missing is answered as an invalid argument.";
    MissingLeasePassedOver, "missing-lease-passed-over", Release::V1_7Beta, Mistake::Hidden(refusals::pass_over_lease, refusals::use_lease) => "Under a lease that does not exist a client writes as without one.";
    RefusedCommitLeavesEntry, "refused-commit-leaves-entry", Release::V1_7Beta, Mistake::Refused(refusals::refused_commit_leaves_entry) => "A commit of a snapshot that is refused leaves its name in the lease in use.";
    AnotherParentAccepted, "another-parent-accepted", Release::V1_7Beta, Mistake::Hidden(refusals::hide_parent, refusals::show_parent) => "A preparation is finished on a parent that was removed and made anew since it began.";
    SnapshotterOverlooked, "snapshotter-overlooked", Release::V1_7Beta, Mistake::Hidden(refusals::hide_later_snapshotters, nothing) => "A namespace is deleted though a snapshotter behind its first one has snapshots.";
    RefusedPreparationStays, "refused-preparation-stays", Release::V1_7Beta, Mistake::Refused(refusals::refused_preparation_stays) => "A preparation whose second half is refused leaves its snapshot in the backend.";
    UnheldDropRefused, "unheld-drop-refused", Release::V1_7Beta, Mistake::Refusing(refusals::unheld_drop_refused) => "Who drops from a lease what it does not hold is refused.";
    MissingDeleted, "missing-deleted", Release::V1_7Beta, Mistake::Refused(refusals::missing_deleted) => "Who deletes what is not there is told that it is done.";
    ImageTargetHeld, "image-target-held", Release::V1_7Beta, Mistake::Refusing(refusals::image_target_held) => "Content that is the target of an image cannot be deleted.";
    // Buckets.
    EqualLengthKept, "equal-length-kept", Release::V1_7Beta, Mistake::After(buckets::equal_length_kept) => "A value is not overwritten by another of its length.";
    ShorterKeepsEnd, "shorter-keeps-end", Release::V1_7Beta, Mistake::After(buckets::shorter_keeps_end) => "A value that is overwritten by a shorter one keeps its end.";
    EmptyValueDropped, "empty-value-dropped", Release::V1_7Beta, Mistake::After(buckets::empty_value_dropped) => "A value that is empty is not written.";
    ExtensionDeleted, "extension-deleted", Release::V1_7Beta, Mistake::After(buckets::extension_deleted) => "With a key goes the next one, if it begins with that key.";
    SequenceLost, "sequence-lost", Release::V1_7Beta, Mistake::After(buckets::sequence_lost) => "A bucket loses its sequence number with an entry.";
    EmptyBucketDropped, "empty-bucket-dropped", Release::V1_7Beta, Mistake::After(buckets::empty_bucket_dropped) => "A bucket goes with its last entry.";
    // Labels, names and times.
    LabelCutAtSecondSlash, "label-cut-at-second-slash", Release::V1_7Beta, Mistake::After(texts::label_cut_at_second_slash) => "A label's key is cut at its second slash.";
    LabelKeyAsPath, "label-key-as-path", Release::V1_7Beta, Mistake::After(texts::label_key_as_path) => "A label whose key begins as a field's path does is set under the rest of it.";
    LabelCutAtBar, "label-cut-at-bar", Release::V1_7Beta, Mistake::After(texts::label_cut_at_bar) => "A label's value is cut at a bar.";
    DeletedEverywhere, "deleted-everywhere", Release::V1_7Beta, Mistake::After(texts::deleted_everywhere) => "Content that is deleted goes from every namespace.";
    RemovedFromAllSnapshotters, "removed-from-all-snapshotters", Release::V1_7Beta, Mistake::After(texts::removed_from_all_snapshotters) => "A snapshot is removed from every snapshotter that has one of its key.";
    TimesInSeconds, "times-in-seconds", Release::V1_7Beta, Mistake::After(texts::times_in_seconds) => "Times are written in whole seconds.";
    TimesWithOffset, "times-with-offset", Release::V1_7Beta, Mistake::After(texts::times_with_offset) => "Times are written with an offset of one hour.";
    TimesOverflow, "times-overflow", Release::V1_7Beta, Mistake::After(texts::times_overflow) => "Times are counted in 64 bits of nanoseconds since 1970, which end in 2262.";
    // Clean-ups and their marks.
    CleanUpTakesListed, "clean-up-takes-listed", Release::V1_7Beta, Mistake::After(clean_ups::clean_up_takes_listed) => "A clean-up removes a blob that the database lists.";
    CleanUpTakesIngests, "clean-up-takes-ingests", Release::V1_7Beta, Mistake::Hidden(clean_ups::hide_ingests, clean_ups::tree_as_before) => "A clean-up aborts ingests that the database lists.";
    CleanUpTakesExpected, "clean-up-takes-expected", Release::V1_7Beta, Mistake::Hidden(clean_ups::hide_expected, clean_ups::tree_as_before) => "A clean-up removes a blob that only an ingest expects.";
    CleanUpLeavesIngests, "clean-up-leaves-ingests", Release::V1_7Beta, Mistake::Hidden(clean_ups::list_ingests, clean_ups::tree_as_before) => "A clean-up leaves the ingests that the database no longer lists.";
    CleanUpLeavesBlobs, "clean-up-leaves-blobs", Release::V1_7Beta, Mistake::Hidden(clean_ups::list_blobs, clean_ups::tree_as_before) => "A clean-up leaves the blobs that the database no longer lists.";
    CleanUpLeavesSnapshots, "clean-up-leaves-snapshots", Release::V1_7Beta, Mistake::Hidden(clean_ups::list_snapshots, clean_ups::tree_as_before) => "A clean-up leaves the snapshots that the database no longer lists.";
    CleanUpByKey, "clean-up-by-key", Release::V1_7Beta, Mistake::Hidden(clean_ups::list_snapshots_of_listed_keys, clean_ups::tree_as_before) => "A clean-up leaves a snapshot while some namespace lists one of its key.";
    WaitingForgetsContent, "waiting-forgets-content", Release::V1_7Beta, Mistake::Refused(clean_ups::waiting_forgets_content) => "Where a clean-up waits for a preparation, content is not cleaned up, nor later.";
    // What is in memory.
    DeletionNotMarked, "deletion-not-marked", Release::V1_7Beta, Mistake::After(memory::deletion_not_marked) => "Content that is deleted does not mark its backend for a clean-up.";
    DropNotCounted, "drop-not-counted", Release::V1_7Beta, Mistake::After(memory::drop_not_counted) => "What is dropped from a lease does not count as a deletion.";
    UpdateCounted, "update-counted", Release::V1_7Beta, Mistake::After(memory::update_counted) => "An update of an image counts as a deletion.";
    MarksOutlastCollection, "marks-outlast-collection", Release::V1_7Beta, Mistake::After(memory::marks_outlast_collection) => "A collection leaves the marks of the snapshotters that it schedules.";
    ScheduleReplaced, "schedule-replaced", Release::V1_7Beta, Mistake::After(memory::schedule_replaced) => "The clean-ups of a collection take the place of those of the one before.";
    RestartKeepsMarks, "restart-keeps-marks", Release::V1_7Beta, Mistake::After(memory::restart_keeps_marks) => "A restart keeps the marks of deletions.";
    RestartKeepsStreams, "restart-keeps-streams", Release::V1_7Beta, Mistake::After(memory::restart_keeps_streams) => "A restart keeps the streams.";
    RestartKeepsLocks, "restart-keeps-locks", Release::V1_7Beta, Mistake::After(memory::restart_keeps_locks) => "A restart leaves locked what a collection that never ends or a writer has locked.";
    RestartKeepsPreparations, "restart-keeps-preparations", Release::V1_7Beta, Mistake::After(memory::restart_keeps_preparations) => "A preparation under way holds its snapshotter's clean-up back beyond a restart.";
    RestartSharesContent, "restart-shares-content", Release::V1_7Beta, Mistake::After(memory::restart_shares_content) => "A restart forgets that content is isolated.";
    ClockInSeconds, "clock-in-seconds", Release::V1_7Beta, Mistake::After(memory::clock_in_seconds) => "The clock counts whole seconds.";
    LeaseOutlastsNone, "lease-outlasts-none", Release::V1_7Beta, Mistake::After(memory::lease_outlasts_none) => "A client that gives up its lease goes on under it.";
    NamespaceDropsLease, "namespace-drops-lease", Release::V1_7Beta, Mistake::After(memory::namespace_drops_lease) => "A client that goes to another namespace gives up its lease.";
    StreamWithoutLease, "stream-without-lease", Release::V1_7Beta, Mistake::Hidden(memory::put_lease_aside, memory::take_lease_up) => "A stream is registered without the lease in use.";
    ForgottenStaysActive, "forgotten-stays-active", Release::V1_7Beta, Mistake::After(memory::forgotten_stays_active) => "A collector reports what it no longer has as active.";
    RemovedStaysListed, "removed-stays-listed", Release::V1_7Beta, Mistake::After(memory::removed_stays_listed) => "A collector goes on listing what it was told to remove.";
    SyncForgotten, "sync-forgotten", Release::V1_7Beta, Mistake::Instead(memory::sync_forgotten) => "Who waits for a collection after a deletion does not get one.";
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
            Fault::Daemon(fault) => {
                use DaemonFault::{
                    ForgottenStaysActive, RemovedStaysListed, RestartKeepsStreams, StreamWithoutLease,
                };
                let of_collectors =
                    [ForgottenStaysActive, RemovedStaysListed, RestartKeepsStreams, StreamWithoutLease];
                match fault.release() {
                    // Graded under the default release are the rules that are as old as 1.6, and those of collectors.
                    Release::V1_7Beta => release.rules().collectors || !of_collectors.contains(&fault),
                    first => release >= first,
                }
            }
        }
    }

    /// The first release that has the rule; where a later one dropped it, with that the last.
    pub fn releases(self) -> (Release, Option<Release>) {
        let mut with_rule = Release::ALL.into_iter().filter(|release| self.can_be_made_in(*release));
        let first = with_rule.next().unwrap_or(self.release());
        let newest = Release::ALL.into_iter().next_back();
        (first, with_rule.next_back().filter(|last| Some(*last) != newest))
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
    /// A step of a daemon with this fault. Where the faulty step is refused, the honest one is done.
    pub(super) fn apply(self, world: &mut World, line: &Line) -> Applied {
        let before = world.clone();
        let asked = Asked::of(&before, line);
        let applied = match self.mistake() {
            Mistake::Hidden(hide, restore) => {
                hide(&asked, world);
                let applied = world.apply(line);
                restore(&asked, world);
                applied
            }
            Mistake::Instead(other) => {
                let step = other(&asked).unwrap_or_else(|| line.step.clone());
                world.apply(&Line { step, ..line.clone() })
            }
            Mistake::After(change) => {
                let applied = world.apply(line);
                if applied.refused.is_none() {
                    change(&asked, world);
                }
                return applied;
            }
            Mistake::Refusing(refuse) => match (refuse(&asked), before.clone().apply(line).refused) {
                (Some(error), None) => return Applied { refused: Some(error), ..Applied::default() },
                _ => return world.apply(line),
            },
            Mistake::Refused(answer) => {
                let applied = world.apply(line);
                let Some(error) = applied.refused else { return applied };
                return Applied { refused: answer(&asked, world, error), ..applied };
            }
        };
        if applied.refused.is_some() {
            *world = before;
            return world.apply(line);
        }
        applied
    }
}
