//! The least fixpoint: what the roots keep, directly and through references.
//!
//! ```text
//! kept(visit)  if  root(visit)
//! kept(visit)  if  reference(from, visit) and kept(from)
//! ```
//!
//! Visits are added in rounds, each round from what the last one added, so that the reason noted with a visit lies
//! on a shortest chain. Order decides about nothing but which of several reasons is noted, and there the order of
//! the facts does, which is that of the tree.

use super::facts::Facts;
use super::nodes::{NodeId, Visit};

/// Everything that is kept.
pub(super) struct Keep {
    /// Every visit, once, after those that it follows from.
    visits: Vec<Reached>,
    /// By node: the first of its visits.
    first: Vec<u32>,
    /// How many nodes are kept.
    pub(super) nodes: usize,
    /// How many nodes the longest of the shortest chains has, its root included.
    pub(super) chain: usize,
    /// Some node is visited both flat and in full.
    pub(super) has_both_visits: bool,
}

const NONE: u32 = u32::MAX;

/// A visit, why it is made, and the next one of the same node.
pub(super) struct Reached {
    pub(super) visit: Visit,
    pub(super) cause: Cause,
    next: u32,
}

/// Why a visit is made; the numbers are places in the relations.
#[derive(Clone, Copy)]
pub(super) enum Cause {
    Root(u32),
    Reference(u32),
}

/// Computes what is kept.
pub(super) fn least_fixpoint(facts: &Facts<'_>) -> Keep {
    let by_source = BySource::new(facts);
    let count = facts.nodes.len();
    let visits = Vec::with_capacity(count);
    let mut keep = Keep { visits, first: vec![NONE; count], nodes: 0, chain: 0, has_both_visits: false };
    for (root, number) in facts.roots.iter().zip(0..) {
        keep.add(root.to, Cause::Root(number));
    }
    let (mut done, mut round_end) = (0, 0);
    while let Some(reached) = keep.visits.get(done) {
        let from = reached.visit;
        if done == round_end {
            keep.chain += 1;
            round_end = keep.visits.len();
        }
        for number in by_source.of(from.node) {
            let reference = &facts.references[*number as usize];
            if reference.from == from {
                keep.add(reference.to, Cause::Reference(*number));
            }
        }
        done += 1;
    }
    keep
}

impl Keep {
    /// Whether a node is kept, however it is reached.
    pub(super) fn has(&self, node: NodeId) -> bool {
        self.first[node as usize] != NONE
    }

    /// Whether a visit is made.
    pub(super) fn reaches(&self, visit: Visit) -> bool {
        self.of(visit.node).any(|reached| reached.visit == visit)
    }

    /// The visits of a node, the earliest first.
    pub(super) fn of(&self, node: NodeId) -> impl Iterator<Item = &Reached> {
        let mut place = self.first[node as usize];
        std::iter::from_fn(move || {
            let reached = self.visits.get(place as usize)?;
            place = reached.next;
            Some(reached)
        })
    }

    /// Every visit.
    pub(super) fn visits(&self) -> impl Iterator<Item = Visit> {
        self.visits.iter().map(|reached| reached.visit)
    }

    fn add(&mut self, visit: Visit, cause: Cause) {
        let added = u32::try_from(self.visits.len()).expect("fewer than 2^32 visits fit into memory");
        let mut place = self.first[visit.node as usize];
        if place == NONE {
            self.first[visit.node as usize] = added;
            self.nodes += 1;
        }
        // A node has eight visits at most.
        while let Some(reached) = self.visits.get_mut(place as usize) {
            if reached.visit == visit {
                return;
            }
            self.has_both_visits |= reached.visit.high | visit.high == Visit::FLAT;
            place = reached.next;
            if place == NONE {
                reached.next = added;
            }
        }
        self.visits.push(Reached { visit, cause, next: NONE });
    }
}

/// The references by the node from which they go, in their own order.
struct BySource {
    /// By node: where its references begin in `numbers`; one more at the end.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl BySource {
    fn new(facts: &Facts<'_>) -> BySource {
        let mut starts = vec![0u32; facts.nodes.len() + 1];
        for reference in &facts.references {
            starts[reference.from.node as usize] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        // Filled from the back, each start moves down to where its references begin.
        let mut numbers = vec![0u32; facts.references.len()];
        let count =
            u32::try_from(facts.references.len()).expect("fewer than 2^32 references fit into memory");
        for number in (0..count).rev() {
            let start = &mut starts[facts.references[number as usize].from.node as usize];
            *start -= 1;
            numbers[*start as usize] = number;
        }
        BySource { starts, numbers }
    }

    fn of(&self, node: NodeId) -> &[u32] {
        let node = node as usize;
        &self.numbers[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}
