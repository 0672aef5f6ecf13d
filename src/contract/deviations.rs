//! What the real daemon does otherwise than intended, each with a name.
//!
//! The terms state what a client may count on. Where a release as shipped does something else, the difference is one of
//! these, and [`super::Asked`] says which to assume: a release's own to predict what it does, none to find them.

use crate::named::{Set, named};
use crate::release::Release;

named! {
    /// One way in which releases deviate from the intended write side; the frequent ones first.
    pub enum Deviation {
        /// Whether a release has it.
        pub holds: fn(Release) -> bool,
    }
    CommitUnderOtherLease, "commit-under-other-lease", |_| true
        => "Content committed without the lease that holds its ingest is held by nobody, and the lease keeps the entry of an ingest that is gone.";
    ExistingSnapshotNotLeased, "existing-snapshot-not-leased", |release| release < Release::V1_7
        => "Who prepares or commits a snapshot that exists is told so, but his lease does not hold it.";
    SandboxDeletePlainError, "sandbox-delete-plain-error", |release| release < Release::V2_0
        => "Deleting a sandbox that does not exist is answered with a plain error.";
    NamespaceLeavesHolders, "namespace-leaves-holders", |_| true
        => "A namespace with leases, ingests or sandboxes is deleted with them, and what they hold in the backends stays.";
    StaleExpiry, "stale-expiry", |_| true
        => "An ingest that is opened again under a lease keeps the end that it got without one.";
    StaleExpected, "stale-expected", |_| true
        => "An ingest that is opened again to be written keeps its mark of shared content.";
    GoneChildBlocksRemoval, "gone-child-blocks-removal", |_| true
        => "A snapshot whose child a collection removed can never be removed by name.";
    UncheckedLabels, "unchecked-labels", |_| true
        => "Labels of leases and sandboxes are taken whatever their size.";
    DanglingSharedBlob, "dangling-shared-blob", |_| true
        => "A writer on content of another namespace is committed although the backend has lost it since.";
}

/// A set of deviations.
pub type Deviations = Set<Deviation>;

impl Deviations {
    /// What a release does as shipped.
    pub fn as_shipped(release: Release) -> Deviations {
        Deviation::ALL.iter().copied().filter(|deviation| deviation.holds()(release)).collect()
    }
}
