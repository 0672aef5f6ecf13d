//! What a step leaves to be done: the marks that a daemon keeps in memory until its next collection.
//!
//! They are no facts of the database: a restart forgets them, and a transaction that fails keeps those that it made
//! before (`metadata.DB`'s `dirty`, `dirtyCS` and `dirtySS`).

use crate::scenario::Step;

/// What a step marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks<'a> {
    /// How many deletions it counts: above none, a collection is due.
    pub deletions: u32,
    /// The content backend wants a clean-up after the next collection.
    pub content: bool,
    /// So does this snapshotter's.
    pub snapshotter: Option<&'a [u8]>,
}

/// What a step that is accepted marks. Updates mark nothing, whatever references they drop, and neither do the deletions of
/// namespaces and sandboxes, the abort of an ingest, and an expiry.
pub fn marks(step: &Step) -> Marks<'_> {
    let deletion = Marks { deletions: 1, ..Marks::default() };
    match step {
        Step::ContentDelete { .. } => Marks { content: true, ..deletion },
        Step::SnapshotRemove { snapshot } => Marks { snapshotter: Some(&snapshot.snapshotter), ..deletion },
        Step::ImageDelete { .. } | Step::ContainerDelete { .. } | Step::LeaseDelete { .. } => deletion,
        // Each is a request, and counts whether the lease held it or not.
        Step::LeaseDrop { resources, .. } => {
            Marks { deletions: u32::try_from(resources.len()).unwrap_or(u32::MAX), ..Marks::default() }
        }
        _ => Marks::default(),
    }
}

/// Whether the client waits for a collection that follows the step.
pub fn collects_afterwards(step: &Step) -> bool {
    matches!(step, Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. })
}
