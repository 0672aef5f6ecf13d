//! One step, held to its contract.
//!
//! ```text
//!   world ──> apply ──> world'      terms(world, step) ──> kept, or the breach
//! ```

use crate::contract::{self, Asked, Deviations, Disk, Handles, Stored};
use crate::metadata::{Backend, ErrorKind, Sharing, SnapshotKind};
use crate::scenario::{Line, Refused};
use crate::world::{Applied, World};

impl Disk for Backend {
    fn blob(&self, digest: &[u8]) -> Option<i64> {
        Backend::blob(self, digest)
    }

    fn is_locked(&self, reference: &[u8]) -> bool {
        Backend::is_locked(self, reference)
    }

    fn snapshot(&self, snapshotter: &[u8], name: &[u8]) -> Option<Stored> {
        Backend::snapshot(self, snapshotter, name).map(|snapshot| match snapshot.kind {
            SnapshotKind::Active => Stored::Active,
            SnapshotKind::View => Stored::View,
            SnapshotKind::Committed => Stored::Committed,
        })
    }
}

/// Holds one step after the other to its contract.
#[derive(Clone, Default)]
pub struct Contracted {
    handles: Handles,
}

impl Contracted {
    /// The first way in which a step broke its contract, in words; none if it kept it.
    ///
    /// `deviations` are those of a release as shipped, or none for what is intended.
    pub fn step(
        &mut self,
        before: &World,
        line: &Line,
        after: &World,
        applied: &Applied,
        deviations: Deviations,
    ) -> Option<String> {
        let client = line.client.as_ref();
        let got = applied.refused.as_ref().map(|error| refused(error.kind));
        let (true, Some(namespace)) = (!before.is_hung(), before.namespace(client)) else { return None };
        let asked = Asked {
            tree: before.store().tree.view(),
            disk: &before.store().backend,
            client,
            namespace,
            lease: before.lease(client),
            now: before.now(),
            release: before.release(),
            shares_content: before.store().sharing == Sharing::Shared,
            deviations,
            handles: &self.handles,
        };
        // What a collection did behind the step is not the step's.
        let terms = contract::terms(&asked, &line.step).filter(|_| applied.collected.is_none());
        let (old, new) = (&before.store().tree, &after.store().tree);
        let breach =
            terms.and_then(|terms| contract::breach(&terms, old, new, got).map(|breach| breach.to_string()));
        self.handles = self.handles.after(&asked, &line.step, got);
        breach
    }
}

fn refused(kind: ErrorKind) -> Refused {
    match kind {
        ErrorKind::NotFound => Refused::NotFound,
        ErrorKind::AlreadyExists => Refused::AlreadyExists,
        ErrorKind::FailedPrecondition => Refused::FailedPrecondition,
        ErrorKind::InvalidArgument => Refused::InvalidArgument,
        ErrorKind::NotImplemented => Refused::NotImplemented,
        ErrorKind::Unavailable => Refused::Unavailable,
        ErrorKind::Unknown => Refused::Unknown,
        ErrorKind::Blocked | ErrorKind::Deadlock => Refused::Deadlock,
        ErrorKind::Crash => Refused::Crash,
    }
}
