//! What is reached from the roots, at an instant, with something taken out or nothing.

use super::network::{Group, Network, SOURCE, VertexId};
use crate::instant::Instant;
use crate::oracle::graph::NodeId;

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
