//! The ways in which releases may differ, each with a name and the release that began it.

use crate::named::named;
use crate::node::Kind;
use crate::release::Release;

named! {
    /// A rule that one of two releases has and the other has not. The sentence has no full stop.
    pub enum Class {
        /// The release that began it; none where it depends on what else differs.
        pub since: Option<Release>,
    }
    Collectors, "collectors", Some(Release::V1_7Beta) => "resources outside the database are kept and removed through collectors";
    SharedLoopVariable, "shared-loop-variable", Some(Release::V1_7) => "collectors' labels all yield the type of the collector iterated last (1.7.0-beta.1 only)";
    CancelAfterFailedMark, "cancel-after-failed-mark", Some(Release::V1_7) => "started collectors are cancelled when marking fails";
    SandboxReferences, "sandbox-references", Some(Release::V1_7) => "what sandboxes' labels refer to is kept";
    SandboxesMoved, "sandboxes-moved", Some(Release::V2_0) => "sandboxes are stored below v1, where the collector looks for them";
    ImageExpiry, "image-expiry", Some(Release::V2_0) => "an image is no root after its gc.expire, and is removed";
    LeaseHoldsImages, "lease-holds-images", Some(Release::V2_0) => "a lease holds images";
    FlatImage, "flat-image", Some(Release::V2_0) => "an expired image that is only held flat keeps its target and nothing beyond";
    ImageReferences, "image-references", Some(Release::V2_0) => "gc.ref.image refers to an image";
    GoReadsTimes, "go-reads-times", Some(Release::V2_0) => "a gc.expire that only Go up to 1.19 reads as a time never comes";
    ErrorOrder, "error-order", None => "nodes are followed in another order: of several errors another one comes first";
    BackReferenceContainer, "back-reference-container", Some(Release::V2_2) => "gc.bref.container: kept while a container is";
    BackReferenceContent, "back-reference-content", Some(Release::V2_2) => "gc.bref.content: kept while content is";
    BackReferenceImage, "back-reference-image", Some(Release::V2_2) => "gc.bref.image: kept while an image is";
    BackReferenceSnapshot, "back-reference-snapshot", Some(Release::V2_2) => "gc.bref.snapshot: kept while a snapshot is";
    CollectorBackReferences, "collector-back-references", Some(Release::V2_2) => "collectors report what is kept while another object is";
    RootLabelByPrefix, "root-label-by-prefix", Some(Release::V2_2) => "any label that begins with containerd.io/gc.root pins its object";
    RootLabelBucket, "root-label-bucket", Some(Release::V2_2) => "a gc.root label that is a bucket pins its object";
    Mounts, "mounts", Some(Release::V2_2) => "mounts are resources of a collector";
    ConditionalReferences, "conditional-references", Some(Release::V2_3) => "gc.cond.snapshot: refers to a snapshot while a condition holds";
    CollectorReferences, "collector-references", Some(Release::V2_4) => "collectors report what their resources refer to";
    CollectorNumbers, "collector-numbers", None => "a collector's type, or that of what it reports, has no number of its own in the other release";
    CollectionFails, "collection-fails", None => "one release's collection fails, and what it would have removed stays";
    Unexplained, "unexplained", None => "no rule that is known to differ explains this";
}

impl Class {
    /// What `gc.bref` labels that name a parent of this kind belong to.
    pub fn of_back_reference(parent: Kind) -> Class {
        match parent {
            Kind::Container => Class::BackReferenceContainer,
            Kind::Content => Class::BackReferenceContent,
            Kind::Image => Class::BackReferenceImage,
            Kind::Snapshot => Class::BackReferenceSnapshot,
            _ => Class::Unexplained,
        }
    }
}
