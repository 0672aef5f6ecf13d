//! The defects that releases shipped with, each with a name.
//!
//! The oracle states the *intended* rules. Where a release as shipped does something else, the difference is one
//! of these, and a question says which of them to assume: all of a release's own to predict what it does, none to
//! find them. Each carries the releases in which the real containerd was seen to have it.

use crate::named::{Set, named};
use crate::release::{Release, Rules};

named! {
    /// One way in which releases deviate from the intended rules.
    pub enum Defect {
        /// Whether a release of these rules has it.
        holds: fn(&Rules) -> bool,
    }
    SharedLoopVariable, "shared-loop-variable", |rules| rules.shared_loop_variable
        => "With two collectors or more, every collector's reference label yields the type of the collector iterated last, so that what the labels refer to is removed.";
    NoCancelAfterFailedMark, "no-cancel-after-failed-mark", |rules| rules.collectors && !rules.cancel_after_failed_mark
        => "When marking fails, the started collectors are neither cancelled nor finished and keep their locks.";
    UndecodableExpiryAborts, "undecodable-expiry-aborts", |_| true
        => "One ingest whose expireat does not decode stops every collection in every namespace.";
    SnapshotterCutAtSlash, "snapshotter-cut-at-slash", |_| true
        => "A snapshot of a snapshotter whose name contains a slash is looked for under the part before the slash: it is taken for another one, never removed, or stops every collection.";
    StaleChildrenEntry, "stale-children-entry", |_| true
        => "A removed snapshot stays listed as a child of its parent, which then can never be removed by name.";
    FlatTypeNeverMarked, "flat-type-never-marked", |rules| rules.collectors
        => "A resource that a collector lists with a type above 0x1F is handed to removal although it is kept.";
    // Of 1.7 alone: before it their labels are not read, and from 2.0 on they are stored where they are looked for.
    SandboxesOutsideV1, "sandboxes-outside-v1", |rules| rules.sandbox_references && !rules.image_nodes
        => "Sandboxes are stored beside v1 and their labels are read below v1, so that what they refer to is removed.";
    RootLabelByPrefix, "root-label-by-prefix", |rules| rules.root_by_prefix
        => "Any label that begins with containerd.io/gc.root pins its object, gc.rootfs too.";
    BackReferenceFromMissing, "back-reference-from-missing", |rules| rules.back_references
        => "A back reference keeps its object although the parent that it names does not exist.";
    OperatorsIgnored, "operators-ignored", |rules| rules.conditional_references
        => "Conditions with <= or >= are silently ignored.";
    ConditionWithoutSeparator, "condition-without-separator", |rules| rules.conditional_references
        => "containerd.io/gc.cond.snapshotNAME is read as a condition on the snapshotter NAME.";
    ValueWithoutSeparator, "value-without-separator", |rules| rules.conditional_references
        => "containerd.io/gc.cond.value-usedatXYZ is read as a time of use.";
    FailedStartLosesReferences, "failed-start-loses-references", |rules| rules.collector_references
        => "When a collector fails to start, what its resources refer to is removed.";
}

impl Defect {
    /// Whether a release has the defect.
    pub fn holds_in(self, release: Release) -> bool {
        self.holds()(release.rules())
    }
}

/// A set of defects; none of them are the intended rules.
pub type Defects = Set<Defect>;

impl Defects {
    /// Every defect that a release has: what it does as shipped.
    pub fn as_shipped(release: Release) -> Defects {
        Defect::ALL.iter().copied().filter(|defect| defect.holds_in(release)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_its_own_defects() {
        let names = |release| Defects::as_shipped(release).names(" ");
        let everywhere = "undecodable-expiry-aborts snapshotter-cut-at-slash stale-children-entry";
        assert_eq!(names(Release::V1_6), everywhere);
        assert_eq!(
            names(Release::V1_7Beta),
            format!("shared-loop-variable no-cancel-after-failed-mark {everywhere} flat-type-never-marked")
        );
        assert_eq!(names(Release::V1_7), format!("{everywhere} flat-type-never-marked sandboxes-outside-v1"));
        assert_eq!(names(Release::V2_0), format!("{everywhere} flat-type-never-marked"));
        assert_eq!(
            names(Release::V2_4),
            format!(
                "{everywhere} flat-type-never-marked root-label-by-prefix back-reference-from-missing \
                 operators-ignored condition-without-separator value-without-separator \
                 failed-start-loses-references"
            )
        );
    }
}
