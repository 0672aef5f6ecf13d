//! Without what a node would go: what lies on every way to it.
//!
//! Whatever alone holds a node lies on each of its chains, so it is looked for on one, from the root on:
//!
//! ```text
//!   (source) ── a ── b ── c ── node      what is reached without b and all behind it is grown once, step by step:
//!         └──────────────┘               it reaches c, so that b does not hold the node alone
//! ```
//!
//! Each vertex is grown over once, so that all of a chain costs what one search does. An object that is reached both flat
//! and in full has several vertices, of which the chain meets one: where that one can be gone around, the object is taken
//! out as a whole to see.

use super::network::{Edge, Group, NO_GROUP, Network, SOURCE, VertexId};
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use hashbrown::HashMap;

impl Network<'_, '_> {
    /// The groups each of which alone holds a node, in the order of one of its chains.
    pub(super) fn alone(&self, node: NodeId, chain: &[Edge], reached: &Reached, now: Instant) -> Vec<Group> {
        let on_way = chain.iter().map(|edge| edge.to);
        let is_other = |vertex: &VertexId| self.group(*vertex) != NO_GROUP && self.group(*vertex) != node;
        let candidates: Vec<VertexId> = on_way.filter(is_other).collect();
        let is_passed = self.passed(node, &candidates, now);
        let mut alone: Vec<Group> = Vec::new();
        for (vertex, is_passed) in candidates.into_iter().zip(is_passed) {
            let group = self.group(vertex);
            let has_others = || self.several(group).any(|other| other != vertex && reached.has(other));
            let is_alone = !is_passed || has_others() && !self.reached_without(group, now).keeps(self, node);
            if is_alone && !alone.contains(&group) {
                alone.push(group);
            }
        }
        alone
    }

    /// For each vertex of a chain to a node, in order, whether there is a way around it.
    fn passed(&self, node: NodeId, candidates: &[VertexId], now: Instant) -> Vec<bool> {
        let places = candidates.iter().copied().zip(0..).collect();
        let seen = vec![false; self.vertices()];
        let mut growing =
            Growing { network: self, node, now, places, end: candidates.len(), seen, farthest: 0 };
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
    node: NodeId,
    now: Instant,
    /// By vertex of the chain: its place.
    places: HashMap<VertexId, usize>,
    /// Behind the last place: where the node itself stands.
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
                let is_end = self.network.visit(edge.to).is_some_and(|visit| visit.node == self.node);
                match self.places.get(&edge.to) {
                    _ if is_end => self.farthest = self.end,
                    Some(place) => self.farthest = self.farthest.max(*place),
                    None => grey.push(edge.to),
                }
            }
        }
    }
}
