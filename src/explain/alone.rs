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

use super::network::{Edge, Group, NO_GROUP, Network, SOURCE, VertexId};
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use hashbrown::HashMap;

impl Network<'_, '_> {
    /// The groups each of which alone holds a node, in the order of its chain.
    pub(super) fn alone(&self, node: NodeId, chain: &[Edge], now: Instant) -> Vec<Group> {
        let groups: Vec<Group> = chain.iter().map(|edge| self.group(edge.to)).collect();
        let is_other = |group: &Group| *group != NO_GROUP && *group != node;
        let mut candidates: Vec<Group> = groups.into_iter().filter(is_other).collect();
        candidates.dedup();
        let mut places: HashMap<Group, usize> = HashMap::new();
        for (place, group) in candidates.iter().enumerate() {
            places.insert(*group, place);
        }
        if places.len() != candidates.len() {
            // A chain that comes twice through one object: each is tried.
            candidates.sort_unstable();
            candidates.dedup();
            candidates.retain(|group| !self.reached_without(*group, now).keeps(self, node));
            return candidates;
        }
        Growing { network: self, node, now, places, seen: vec![false; self.vertices()] }.along(candidates)
    }
}

struct Growing<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    node: NodeId,
    now: Instant,
    /// By group: its place on the chain.
    places: HashMap<Group, usize>,
    seen: Vec<bool>,
}

impl Growing<'_, '_, '_> {
    fn along(mut self, candidates: Vec<Group>) -> Vec<Group> {
        // Vertices of the chain's groups that were met, by place; growth goes through them when their turn is over.
        let mut met: Vec<Vec<VertexId>> = vec![Vec::new(); candidates.len()];
        let mut farthest = 0;
        let mut grey = vec![SOURCE];
        let mut alone = Vec::new();
        for (place, group) in candidates.iter().enumerate() {
            self.grow(&mut grey, place, &mut met, &mut farthest);
            if farthest <= place {
                alone.push(*group);
            }
            grey.append(&mut met[place]);
        }
        alone
    }

    /// Grows as far as that is possible without what stands at a place of the chain or behind it.
    fn grow(&mut self, grey: &mut Vec<VertexId>, place: usize, met: &mut [Vec<VertexId>], farthest: &mut usize) {
        while let Some(vertex) = grey.pop() {
            for edge in self.network.from(vertex) {
                let to = edge.to as usize;
                if self.seen[to] || !self.network.holds(*edge, self.now) {
                    continue;
                }
                self.seen[to] = true;
                if self.network.visit(edge.to).is_some_and(|visit| visit.node == self.node) {
                    *farthest = met.len();
                    continue;
                }
                match self.places.get(&self.network.group(edge.to)) {
                    Some(other) if *other >= place => {
                        *farthest = (*farthest).max(*other);
                        met[*other].push(edge.to);
                    }
                    _ => grey.push(edge.to),
                }
            }
        }
    }
}
