//! From which roots a node is reached, and by which shortest chains.

use super::network::{Edge, Network, SOURCE, VertexId};
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use std::collections::VecDeque;

/// The ways that lead to a node.
pub(super) struct Paths {
    /// By vertex from which the node can be reached: the next edge on a shortest way.
    next: Vec<Option<Edge>>,
    /// By vertex: whether it leads to the node.
    leads: Vec<bool>,
    /// The first edge of a shortest way from each root, the shortest of them first.
    firsts: Vec<Edge>,
}

impl Network<'_, '_> {
    /// The ways to a node at an instant, however it is visited.
    pub(super) fn paths(&self, node: NodeId, reached: &Reached, now: Instant) -> Paths {
        self.paths_to(self.entries_of(node), reached, now)
    }

    /// The ways to some vertices at an instant, through what is reached then: a search backwards, in which only roots and
    /// references count as steps.
    pub(super) fn paths_to(&self, ends: &[VertexId], reached: &Reached, now: Instant) -> Paths {
        let mut next = vec![None; self.vertices()];
        let mut is_done = vec![false; self.vertices()];
        let mut firsts: Vec<(usize, Edge)> = Vec::new();
        let mut queue: VecDeque<(VertexId, usize, Option<Edge>)> =
            ends.iter().map(|end| (*end, 0, None)).collect();
        while let Some((vertex, steps, by)) = queue.pop_front() {
            if std::mem::replace(&mut is_done[vertex as usize], true) {
                continue;
            }
            next[vertex as usize] = by;
            for edge in
                self.to(vertex).iter().filter(|edge| reached.has(edge.from) && self.holds(**edge, now))
            {
                let is_step = edge.arc().is_some();
                let steps = steps + usize::from(is_step);
                match edge.from {
                    SOURCE => firsts.push((steps, *edge)),
                    from if is_step => queue.push_back((from, steps, Some(*edge))),
                    from => queue.push_front((from, steps, Some(*edge))),
                }
            }
        }
        firsts.sort_by_key(|(steps, _)| *steps);
        Paths { next, leads: is_done, firsts: firsts.into_iter().map(|(_, edge)| edge).collect() }
    }
}

impl Paths {
    /// Whether a reached vertex leads to the node.
    pub(super) fn leads(&self, vertex: VertexId) -> bool {
        self.leads[vertex as usize]
    }

    /// From how many roots and holders the node is reached.
    pub(super) fn roots(&self) -> usize {
        self.firsts.len()
    }

    /// The vertices next to the source from which the node is reached.
    pub(super) fn firsts(&self) -> impl Iterator<Item = VertexId> + '_ {
        self.firsts.iter().map(|first| first.to)
    }

    /// The chains, one a root, the shortest first; those of one length in the order of the relations.
    pub(super) fn chains(&self) -> impl Iterator<Item = Vec<Edge>> + '_ {
        self.firsts.iter().map(|first| {
            let mut chain = vec![*first];
            while let Some(edge) = chain.last().and_then(|last| self.next[last.to as usize]) {
                chain.push(edge);
            }
            chain
        })
    }
}
