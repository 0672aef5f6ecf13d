//! Without what a node would go: what lies on every way to it.
//!
//! Whatever alone holds a node lies on each of its chains, so it is looked for on one, from the root on:
//!
//! ```text
//!   (source) ── a ── b ── c ── node      what is reached without b and all behind it is grown once, step by step:
//!         └──────────────┘               it reaches c, so that b does not hold the node alone
//! ```
//!
//! Each vertex is grown over once, so that all of a chain costs what one search does.
//!
//! An object that is visited both flat and in full has several vertices. What alone holds it lies on every way to each of
//! them, and each is looked at by itself: mostly what leads to it is then visited in one way only. Where an object leads to
//! it in several, it is taken out as a whole to see.

use super::network::{Group, NO_GROUP, Network, SOURCE, VertexId};
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use hashbrown::HashMap;
use std::collections::BTreeSet;

impl Network<'_, '_> {
    /// The groups each of which alone holds a node.
    pub(super) fn alone(&self, node: NodeId, reached: &Reached, now: Instant) -> Vec<Group> {
        let entries = self.entries_of(node).iter().filter(|entry| reached.has(**entry));
        let alone = entries.map(|entry| self.alone_at(*entry, node, reached, now));
        let both = |one: BTreeSet<Group>, other: BTreeSet<Group>| one.intersection(&other).copied().collect();
        alone.reduce(both).unwrap_or_default().into_iter().collect()
    }

    /// The groups that lie on every way to one vertex of a node.
    fn alone_at(&self, entry: VertexId, node: NodeId, reached: &Reached, now: Instant) -> BTreeSet<Group> {
        let paths = self.paths_to(&[entry], reached, now);
        let Some(chain) = paths.chains().next() else { return BTreeSet::new() };
        let on_way = chain.iter().map(|edge| edge.to);
        let is_other = |vertex: &VertexId| self.group(*vertex) != NO_GROUP && self.group(*vertex) != node;
        let candidates: Vec<VertexId> = on_way.filter(is_other).collect();
        let is_passed = self.passed(entry, &candidates, now);
        let alone = candidates.into_iter().zip(is_passed).filter(|(vertex, is_passed)| {
            let group = self.group(*vertex);
            let mut others = self.members(group).iter().filter(|other| **other != *vertex);
            let mut has_others = || others.any(|other| reached.has(*other) && paths.leads(*other));
            !is_passed || has_others() && !self.reached_without(group, now).has(entry)
        });
        alone.map(|(vertex, _)| self.group(vertex)).collect()
    }

    /// For each vertex of a chain to another, in order, whether there is a way around it.
    fn passed(&self, to: VertexId, candidates: &[VertexId], now: Instant) -> Vec<bool> {
        let places = candidates.iter().copied().zip(0..).collect();
        let seen = vec![false; self.vertices()];
        let mut growing =
            Growing { network: self, to, now, places, end: candidates.len(), seen, farthest: 0 };
        let mut grey = vec![SOURCE];
        let mut passed = Vec::new();
        for (place, vertex) in candidates.iter().enumerate() {
            growing.grow(&mut grey);
            passed.push(growing.farthest > place);
            grey.push(*vertex);
        }
        passed
    }
}

struct Growing<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    to: VertexId,
    now: Instant,
    /// By vertex of the chain: its place.
    places: HashMap<VertexId, usize>,
    /// Behind the last place: where that vertex itself stands.
    end: usize,
    seen: Vec<bool>,
    /// The farthest place that was met.
    farthest: usize,
}

impl Growing<'_, '_, '_> {
    /// Grows as far as that is possible without the vertices of the chain, which grow only in their turn.
    fn grow(&mut self, grey: &mut Vec<VertexId>) {
        while let Some(vertex) = grey.pop() {
            for edge in self.network.from(vertex) {
                let to = edge.to as usize;
                if self.seen[to] || !self.network.holds(*edge, self.now) {
                    continue;
                }
                self.seen[to] = true;
                match self.places.get(&edge.to) {
                    _ if edge.to == self.to => self.farthest = self.end,
                    Some(place) => self.farthest = self.farthest.max(*place),
                    None => grey.push(edge.to),
                }
            }
        }
    }
}
