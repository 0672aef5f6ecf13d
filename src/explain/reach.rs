//! What is reached from the roots, at an instant, with something taken out or nothing.

use super::network::{Group, Network, SOURCE, VertexId};
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use hashbrown::HashSet;

/// Which vertices are reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reached(Vec<bool>);

impl Reached {
    /// Whether a vertex is.
    pub(super) fn has(&self, vertex: VertexId) -> bool {
        self.0[vertex as usize]
    }

    /// Whether a node is kept.
    pub(super) fn keeps(&self, network: &Network<'_, '_>, node: NodeId) -> bool {
        network.entries_of(node).iter().any(|entry| self.has(*entry))
    }
}

impl Network<'_, '_> {
    /// What is reached at an instant.
    pub(super) fn reached(&self, at: Instant) -> Reached {
        self.reached_where(at, |_| true)
    }

    /// What is reached at an instant if a group is taken out. What names a node that is taken out goes on naming it, so
    /// that its entry may count as reached, where that is no part of the group.
    pub(super) fn reached_without(&self, out: Group, at: Instant) -> Reached {
        self.reached_where(at, |vertex| self.group(vertex) != out)
    }

    /// Of what is reached at an instant: the vertices that are not any more if some are taken out, and these themselves. Only
    /// what they lead to is looked at.
    pub(super) fn lost(&self, out: &[VertexId], reached: &Reached, at: Instant) -> HashSet<VertexId> {
        let next = |vertex: VertexId| {
            self.from(vertex).iter().filter(move |edge| self.holds(**edge, at)).map(|edge| edge.to)
        };
        let mut lost: HashSet<VertexId> = HashSet::new();
        let mut grey: Vec<VertexId> = out.iter().copied().filter(|vertex| reached.has(*vertex)).collect();
        while let Some(vertex) = grey.pop() {
            if lost.insert(vertex) {
                grey.extend(next(vertex));
            }
        }
        // What something else leads to stays, and with it what it leads to itself. Hash order does not change the set.
        let out: HashSet<VertexId> = out.iter().copied().collect();
        let stays = |vertex: &VertexId| {
            let mut from = self.to(*vertex).iter().filter(|edge| reached.has(edge.from));
            from.any(|edge| !lost.contains(&edge.from) && self.holds(*edge, at))
        };
        let mut staying: Vec<VertexId> =
            lost.iter().filter(|vertex| !out.contains(*vertex) && stays(vertex)).copied().collect();
        while let Some(vertex) = staying.pop() {
            if !out.contains(&vertex) && lost.remove(&vertex) {
                staying.extend(next(vertex));
            }
        }
        lost
    }

    /// What is reached at an instant through such vertices only.
    pub(super) fn reached_where(&self, at: Instant, is_in: impl Fn(VertexId) -> bool) -> Reached {
        let is_timeless = self.graph.is_timeless();
        let mut reached = vec![false; self.vertices()];
        reached[SOURCE as usize] = true;
        let mut grey = vec![SOURCE];
        while let Some(vertex) = grey.pop() {
            for edge in self.from(vertex) {
                let to = edge.to as usize;
                if !reached[to] && is_in(edge.to) && (is_timeless || self.holds(*edge, at)) {
                    reached[to] = true;
                    grey.push(edge.to);
                }
            }
        }
        Reached(reached)
    }
}
