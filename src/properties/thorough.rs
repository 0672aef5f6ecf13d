//! What takes many more collections than the one that it is about: relations and injected errors.
//!
//! Of many collections in a row each would cost up to hundreds, so that a long scenario would take the square of its
//! length. [`Sample`] bounds the work of a whole row:
//!
//! ```text
//!   collections   x x x x x x x . x . x . x . . . x . . . x . . . . . . . x
//!                 every one     every second    every fourth      ...     and the last
//! ```
//!
//! How many are left out depends on nothing but the numbers of nodes and places of those before.

use super::checks::{Checks, both, node_count};
use super::inject::{check_injected, injected_collections};
use super::relations::check_relations;
use crate::engine::{Fault, Outcome, Request};
use crate::oracle::{Defects, Judgement};

/// So many nodes are walked before half as many collections are checked from there on.
const NODES_MAX: usize = 2_000_000;
/// How many collections the relations run, about.
const RELATED: usize = 8;

/// Which collections of a row are checked thoroughly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Every so many are.
    stride: usize,
    /// How many were passed over since the last one.
    passed_over: usize,
    /// How many nodes were walked with this stride.
    walked: usize,
}

impl Default for Sample {
    fn default() -> Sample {
        Sample { stride: 1, passed_over: 0, walked: 0 }
    }
}

impl Sample {
    /// Whether the next collection of the row is checked; the last one always is.
    pub fn takes(&mut self, request: &Request<'_>, outcome: &Outcome, is_last: bool) -> bool {
        self.takes_of(node_count(outcome) * (RELATED + injected_collections(request, outcome)), is_last)
    }

    /// The same of a collection that would walk so many nodes.
    fn takes_of(&mut self, nodes: usize, is_last: bool) -> bool {
        self.passed_over += 1;
        if self.passed_over < self.stride && !is_last {
            return false;
        }
        self.passed_over = 0;
        self.walked += nodes;
        if self.walked > NODES_MAX {
            (self.stride, self.walked) = (2 * self.stride, 0);
        }
        true
    }
}

/// Checks relations of a collection, and what it does under injected errors.
pub fn check_thoroughly(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    fault: Option<Fault>,
) -> Checks {
    let (mut checks, injected) = both(
        outcome,
        || check_relations(request, outcome, judgement, fault),
        || check_injected(request, outcome, judgement, defects, fault),
    );
    checks.extend(injected);
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_taken_until_so_much_was_walked_then_half_as_many_again_and_again_and_the_last() {
        let mut sample = Sample::default();
        let takes: Vec<bool> = (1..=40).map(|number| sample.takes_of(NODES_MAX / 4, number == 40)).collect();
        let taken: Vec<usize> = (1..=40).filter(|number| takes[number - 1]).collect();
        assert_eq!(taken, [1, 2, 3, 4, 5, 7, 9, 11, 13, 15, 19, 23, 27, 31, 35, 40]);
        let mut sample = Sample::default();
        assert!((0..1_000_000).all(|_| sample.takes_of(1, false)));
    }
}
