//! Whether a fault makes a difference to a step: whether an honest daemon does the same with it.

use super::{Applied, Collected, World};
use crate::bucket::find_change;
use crate::metadata::Store;
use crate::scenario::Line;

impl World {
    /// Whether a step that was done in this world, perhaps by a daemon with a fault, led to another world or another answer
    /// than an honest daemon's.
    pub fn does_otherwise(&self, line: &Line, after: &World, applied: &Applied) -> bool {
        let mut honest = self.clone();
        let right = honest.apply(line);
        !is_same_answer(&right, applied) || !is_same(&honest, after)
    }
}

/// All that a later step or a collection may depend on. What clients hold open shows once they use it.
fn is_same(left: &World, right: &World) -> bool {
    left.now == right.now
        && left.is_hung == right.is_hung
        && left.has_streams == right.has_streams
        && left.streams == right.streams
        && left.scheduled == right.scheduled
        && left.words == right.words
        && left.schedule == right.schedule
        && left.collectors == right.collectors
        && is_same_store(&left.store, &right.store)
        && left.clients().eq(right.clients())
}

fn is_same_store(left: &Store, right: &Store) -> bool {
    left.release == right.release
        && left.sharing == right.sharing
        && left.dirty == right.dirty
        && left.backend == right.backend
        && find_change(&left.tree, &right.tree, |_, _, _| Some(())).is_none()
}

fn is_same_answer(left: &Applied, right: &Applied) -> bool {
    let collected = match (&left.collected, &right.collected) {
        (Some(left), Some(right)) => is_same_collection(left, right),
        (left, right) => left.is_none() && right.is_none(),
    };
    left.refused == right.refused && left.cleaned == right.cleaned && collected
}

fn is_same_collection(left: &Collected, right: &Collected) -> bool {
    let (left, right) = (&left.outcome, &right.outcome);
    left.error == right.error
        && left.dirty == right.dirty
        && left.calls == right.calls
        && left.log == right.log
        && left.refs(&left.roots).eq(right.refs(&right.roots))
        && left.refs(&left.removed).eq(right.refs(&right.removed))
        && left.marked() == right.marked()
        && find_change(&left.after, &right.after, |_, _, _| Some(())).is_none()
}
