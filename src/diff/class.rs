//! The ways in which releases may differ, each with a name and the release that began it.

use crate::node::Kind;
use crate::release::Release;
use std::fmt;

/// A rule that one of two releases has and the other has not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// Resources of collectors are kept and removed.
    Collectors,
    /// In 1.7.0-beta.1 all collectors' labels yield the type of one collector.
    SharedLoopVariable,
    /// Started collectors are cancelled when marking fails.
    CancelAfterFailedMark,
    /// What sandboxes' labels refer to is kept.
    SandboxReferences,
    /// Sandboxes are stored where the collector looks for them.
    SandboxesMoved,
    /// Images are no roots after their `gc.expire`, and are removed.
    ImageExpiry,
    /// Leases hold images.
    LeaseHoldsImages,
    /// An expired image that is only held flat keeps its target and nothing beyond.
    FlatImage,
    /// `gc.ref.image` refers to an image.
    ImageReferences,
    /// Of several errors another one comes first.
    ErrorOrder,
    /// `gc.bref.*` labels that name a parent of this kind.
    BackReference(Kind),
    /// Collectors report back references.
    CollectorBackReferences,
    /// Any label that begins with `gc.root` pins.
    RootLabelByPrefix,
    /// A `gc.root` that is a bucket pins.
    RootLabelBucket,
    /// Mounts are resources.
    Mounts,
    /// `gc.cond.snapshot` labels.
    ConditionalReferences,
    /// Collectors report references.
    CollectorReferences,
    /// A collector's type, or that of what it reports, has no number of its own in the other release.
    CollectorNumbers,
    /// The collection of one release fails, and what it would remove stays.
    CollectionFails,
    /// None of these: a finding.
    Unexplained,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 23] = [
        Class::Collectors,
        Class::SharedLoopVariable,
        Class::CancelAfterFailedMark,
        Class::SandboxReferences,
        Class::SandboxesMoved,
        Class::ImageExpiry,
        Class::LeaseHoldsImages,
        Class::FlatImage,
        Class::ImageReferences,
        Class::ErrorOrder,
        Class::BackReference(Kind::Container),
        Class::BackReference(Kind::Content),
        Class::BackReference(Kind::Image),
        Class::BackReference(Kind::Snapshot),
        Class::CollectorBackReferences,
        Class::RootLabelByPrefix,
        Class::RootLabelBucket,
        Class::Mounts,
        Class::ConditionalReferences,
        Class::CollectorReferences,
        Class::CollectorNumbers,
        Class::CollectionFails,
        Class::Unexplained,
    ];

    /// The class in a word, as reports use it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Collectors => "collectors",
            Class::SharedLoopVariable => "shared-loop-variable",
            Class::CancelAfterFailedMark => "cancel-after-failed-mark",
            Class::SandboxReferences => "sandbox-references",
            Class::SandboxesMoved => "sandboxes-moved",
            Class::ImageExpiry => "image-expiry",
            Class::LeaseHoldsImages => "lease-holds-images",
            Class::FlatImage => "flat-image",
            Class::ImageReferences => "image-references",
            Class::ErrorOrder => "error-order",
            Class::BackReference(Kind::Container) => "back-reference-container",
            Class::BackReference(Kind::Content) => "back-reference-content",
            Class::BackReference(Kind::Image) => "back-reference-image",
            Class::BackReference(Kind::Snapshot) => "back-reference-snapshot",
            Class::BackReference(_) => "back-reference",
            Class::CollectorBackReferences => "collector-back-references",
            Class::RootLabelByPrefix => "root-label-by-prefix",
            Class::RootLabelBucket => "root-label-bucket",
            Class::Mounts => "mounts",
            Class::ConditionalReferences => "conditional-references",
            Class::CollectorReferences => "collector-references",
            Class::CollectorNumbers => "collector-numbers",
            Class::CollectionFails => "collection-fails",
            Class::Unexplained => "unexplained",
        }
    }

    /// What the difference is, in one sentence without its full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Class::Collectors => "resources outside the database are kept and removed through collectors",
            Class::SharedLoopVariable => {
                "collectors' labels all yield the type of the collector iterated last (1.7.0-beta.1 only)"
            }
            Class::CancelAfterFailedMark => "started collectors are cancelled when marking fails",
            Class::SandboxReferences => "what sandboxes' labels refer to is kept",
            Class::SandboxesMoved => "sandboxes are stored below v1, where the collector looks for them",
            Class::ImageExpiry => "an image is no root after its gc.expire, and is removed",
            Class::LeaseHoldsImages => "a lease holds images",
            Class::FlatImage => "an expired image that is only held flat keeps its target and nothing beyond",
            Class::ImageReferences => "gc.ref.image refers to an image",
            Class::ErrorOrder => {
                "nodes are followed in another order: of several errors another one comes first"
            }
            Class::BackReference(Kind::Container) => "gc.bref.container: kept while a container is",
            Class::BackReference(Kind::Content) => "gc.bref.content: kept while content is",
            Class::BackReference(Kind::Image) => "gc.bref.image: kept while an image is",
            Class::BackReference(Kind::Snapshot) => "gc.bref.snapshot: kept while a snapshot is",
            Class::BackReference(_) => "gc.bref: kept while another object is",
            Class::CollectorBackReferences => "collectors report what is kept while another object is",
            Class::RootLabelByPrefix => "any label that begins with containerd.io/gc.root pins its object",
            Class::RootLabelBucket => "a gc.root label that is a bucket pins its object",
            Class::Mounts => "mounts are resources of a collector",
            Class::ConditionalReferences => "gc.cond.snapshot: refers to a snapshot while a condition holds",
            Class::CollectorReferences => "collectors report what their resources refer to",
            Class::CollectorNumbers => {
                "a collector's type, or that of what it reports, has no number of its own in the other release"
            }
            Class::CollectionFails => "one release's collection fails, and what it would have removed stays",
            Class::Unexplained => "no rule that is known to differ explains this",
        }
    }

    /// The release that began it; none where it depends on what else differs.
    pub fn since(self) -> Option<Release> {
        match self {
            Class::Collectors => Some(Release::V1_7Beta),
            Class::SharedLoopVariable | Class::CancelAfterFailedMark | Class::SandboxReferences => {
                Some(Release::V1_7)
            }
            Class::SandboxesMoved
            | Class::ImageExpiry
            | Class::LeaseHoldsImages
            | Class::FlatImage
            | Class::ImageReferences => Some(Release::V2_0),
            Class::BackReference(_)
            | Class::CollectorBackReferences
            | Class::RootLabelByPrefix
            | Class::RootLabelBucket
            | Class::Mounts => Some(Release::V2_2),
            Class::ConditionalReferences => Some(Release::V2_3),
            Class::CollectorReferences => Some(Release::V2_4),
            Class::ErrorOrder | Class::CollectorNumbers | Class::CollectionFails | Class::Unexplained => None,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
