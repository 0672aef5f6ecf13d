//! The defects that releases shipped with, each with a name.
//!
//! The oracle states the *intended* rules. Where a release as shipped does something else, the difference is one
//! of these, and a question says which of them to assume: all of a release's own to predict what it does, none to
//! find them. Each carries the releases in which the real containerd was seen to have it.

use crate::release::Release;
use std::fmt;

/// One way in which releases deviate from the intended rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Defect {
    /// All collectors' reference labels yield the type of one collector.
    SharedLoopVariable,
    /// Started collectors hear nothing when marking fails.
    NoCancelAfterFailedMark,
    /// One undecodable `expireat` stops every collection.
    UndecodableExpiryAborts,
    /// A snapshot's key is cut at its first slash, although the snapshotter's name may have one.
    SnapshotterCutAtSlash,
    /// The removal of a snapshot leaves its entry in its parent's `children`.
    StaleChildrenEntry,
    /// A collector's resource listed with a type above 0x1F is never found in the marked set.
    FlatTypeNeverMarked,
    /// Sandboxes' labels are looked for where no sandbox is stored.
    SandboxesOutsideV1,
    /// Any label that begins with `gc.root` pins.
    RootLabelByPrefix,
    /// Back references fire from a parent that does not exist.
    BackReferenceFromMissing,
    /// `<=` and `>=` are ignored.
    OperatorsIgnored,
    /// `gc.cond.snapshotNAME` counts as a condition on `NAME`.
    ConditionWithoutSeparator,
    /// `gc.cond.value-usedatXYZ` counts as a value.
    ValueWithoutSeparator,
    /// What a collector protects is lost when it fails to start.
    FailedStartLosesReferences,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Defect; 13] = [
        Defect::SharedLoopVariable,
        Defect::NoCancelAfterFailedMark,
        Defect::UndecodableExpiryAborts,
        Defect::SnapshotterCutAtSlash,
        Defect::StaleChildrenEntry,
        Defect::FlatTypeNeverMarked,
        Defect::SandboxesOutsideV1,
        Defect::RootLabelByPrefix,
        Defect::BackReferenceFromMissing,
        Defect::OperatorsIgnored,
        Defect::ConditionWithoutSeparator,
        Defect::ValueWithoutSeparator,
        Defect::FailedStartLosesReferences,
    ];

    /// The defect's name.
    pub fn name(self) -> &'static str {
        match self {
            Defect::SharedLoopVariable => "shared-loop-variable",
            Defect::NoCancelAfterFailedMark => "no-cancel-after-failed-mark",
            Defect::UndecodableExpiryAborts => "undecodable-expiry-aborts",
            Defect::SnapshotterCutAtSlash => "snapshotter-cut-at-slash",
            Defect::StaleChildrenEntry => "stale-children-entry",
            Defect::FlatTypeNeverMarked => "flat-type-never-marked",
            Defect::SandboxesOutsideV1 => "sandboxes-outside-v1",
            Defect::RootLabelByPrefix => "root-label-by-prefix",
            Defect::BackReferenceFromMissing => "back-reference-from-missing",
            Defect::OperatorsIgnored => "operators-ignored",
            Defect::ConditionWithoutSeparator => "condition-without-separator",
            Defect::ValueWithoutSeparator => "value-without-separator",
            Defect::FailedStartLosesReferences => "failed-start-loses-references",
        }
    }

    /// What goes wrong, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Defect::SharedLoopVariable => {
                "With two collectors or more, every collector's reference label yields the type of the collector \
                 iterated last, so that what the labels refer to is removed."
            }
            Defect::NoCancelAfterFailedMark => {
                "When marking fails, the started collectors are neither cancelled nor finished and keep their locks."
            }
            Defect::UndecodableExpiryAborts => {
                "One ingest whose expireat does not decode stops every collection in every namespace."
            }
            Defect::SnapshotterCutAtSlash => {
                "A snapshot of a snapshotter whose name contains a slash is looked for under the part before the \
                 slash: it is taken for another one, never removed, or stops every collection."
            }
            Defect::StaleChildrenEntry => {
                "A removed snapshot stays listed as a child of its parent, which then can never be removed by name."
            }
            Defect::FlatTypeNeverMarked => {
                "A resource that a collector lists with a type above 0x1F is handed to removal although it is kept."
            }
            Defect::SandboxesOutsideV1 => {
                "Sandboxes are stored beside v1 and their labels are read below v1, so that what they refer to is \
                 removed."
            }
            Defect::RootLabelByPrefix => {
                "Any label that begins with containerd.io/gc.root pins its object, gc.rootfs too."
            }
            Defect::BackReferenceFromMissing => {
                "A back reference keeps its object although the parent that it names does not exist."
            }
            Defect::OperatorsIgnored => "Conditions with <= or >= are silently ignored.",
            Defect::ConditionWithoutSeparator => {
                "containerd.io/gc.cond.snapshotNAME is read as a condition on the snapshotter NAME."
            }
            Defect::ValueWithoutSeparator => {
                "containerd.io/gc.cond.value-usedatXYZ is read as a time of use."
            }
            Defect::FailedStartLosesReferences => {
                "When a collector fails to start, what its resources refer to is removed."
            }
        }
    }

    /// Whether a release has the defect.
    pub fn holds_in(self, release: Release) -> bool {
        let rules = release.rules();
        match self {
            Defect::SharedLoopVariable => rules.shared_loop_variable,
            Defect::NoCancelAfterFailedMark => rules.collectors && !rules.cancel_after_failed_mark,
            Defect::UndecodableExpiryAborts | Defect::SnapshotterCutAtSlash | Defect::StaleChildrenEntry => {
                true
            }
            Defect::FlatTypeNeverMarked => rules.collectors,
            Defect::SandboxesOutsideV1 => release == Release::V1_7,
            Defect::RootLabelByPrefix => rules.root_by_prefix,
            Defect::BackReferenceFromMissing => rules.back_references,
            Defect::OperatorsIgnored | Defect::ConditionWithoutSeparator | Defect::ValueWithoutSeparator => {
                rules.conditional_references
            }
            Defect::FailedStartLosesReferences => rules.collector_references,
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of defects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Defects(u16);

impl Defects {
    /// No defect: the intended rules.
    pub const NONE: Defects = Defects(0);

    /// Every defect that a release has: what it does as shipped.
    pub fn as_shipped(release: Release) -> Defects {
        Defect::ALL.into_iter().filter(|defect| defect.holds_in(release)).fold(Defects::NONE, Defects::with)
    }

    /// The set with one defect more.
    #[must_use]
    pub fn with(self, defect: Defect) -> Defects {
        Defects(self.0 | 1 << defect as u16)
    }

    /// The set with one defect less.
    #[must_use]
    pub fn without(self, defect: Defect) -> Defects {
        Defects(self.0 & !(1 << defect as u16))
    }

    /// Whether a defect is in the set.
    pub fn contains(self, defect: Defect) -> bool {
        self.0 & 1 << defect as u16 != 0
    }

    /// The names of the defects in the set, with a `+` between.
    pub fn names(self) -> String {
        self.iter().map(Defect::name).collect::<Vec<_>>().join("+")
    }

    /// The defects in the set.
    pub fn iter(self) -> impl Iterator<Item = Defect> {
        Defect::ALL.into_iter().filter(move |defect| self.contains(*defect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_its_own_defects() {
        let names =
            |release| Defects::as_shipped(release).iter().map(Defect::name).collect::<Vec<_>>().join(" ");
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
        let some = Defects::NONE.with(Defect::OperatorsIgnored).with(Defect::SharedLoopVariable);
        assert_eq!(some.without(Defect::SharedLoopVariable), Defects::NONE.with(Defect::OperatorsIgnored));
    }
}
