//! What a restart must let go of: the metadata, the streams' manager, the references of writers. What a daemon has locked it
//! has in memory.

use super::done::Done;
use crate::scenario::{Name, Step};

/// Something that is locked after a restart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Locked {
    /// The metadata.
    Metadata,
    /// The streams' manager.
    Streams,
    /// A reference of the content backend.
    Reference(Name),
    /// The clean-up of this snapshotter, for a preparation of which nobody knows any more.
    Snapshotter(Name),
}

/// The first thing that a restart leaves locked.
pub(super) fn left(done: Done<'_>) -> Option<Locked> {
    if !matches!(done.line.step, Step::Release(_) | Step::Crash) || done.applied.refused.is_some() {
        return None;
    }
    let after = done.after;
    let reference = || after.store().backend.locked().next().map(<[u8]>::to_vec);
    let snapshotter = || after.store().preparing().next().map(<[u8]>::to_vec);
    let metadata = after.is_hung().then_some(Locked::Metadata);
    let streams = after.streams().is_stuck().then_some(Locked::Streams);
    let backend = || reference().map(Locked::Reference).or_else(|| snapshotter().map(Locked::Snapshotter));
    metadata.or(streams).or_else(backend)
}
