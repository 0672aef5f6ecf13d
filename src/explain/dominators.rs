//! The dominators of a network: what lies on every way to a vertex, for all vertices at once.
//!
//! By Lengauer and Tarjan's algorithm (A fast algorithm for finding dominators in a flowgraph, 1979) in its simple
//! form, with loops for recursion: near-linear in the edges.

use super::network::{Network, SOURCE, VertexId, id};
use crate::instant::Instant;

/// The tree of dominators of what is reached.
pub(super) struct Dominators {
    /// By vertex: its number in the order of the search; none if it is not reached.
    numbers: Vec<Option<u32>>,
    /// By number: the number of its nearest dominator; that of the source is its own.
    parents: Vec<u32>,
    /// By number: how deep it stands in the tree.
    depths: Vec<u32>,
    /// By number: a dominator far up, so that the way to any takes a logarithm of steps (Myers, An applicative
    /// random-access stack, 1983).
    jumps: Vec<u32>,
    /// By number: the vertex.
    vertices: Vec<VertexId>,
}

impl Network<'_, '_> {
    pub(super) fn dominators(&self, now: Instant) -> Dominators {
        Search::new(self, now).dominators()
    }
}

impl Dominators {
    /// The nearest vertex that lies on every way to each of these; none if none of them is reached.
    pub(super) fn common(&self, vertices: impl Iterator<Item = VertexId>) -> Option<VertexId> {
        let numbers = vertices.filter_map(|vertex| self.numbers[vertex as usize]);
        let common = numbers.reduce(|left, right| self.nearest(left, right))?;
        Some(self.vertices[common as usize])
    }

    /// The vertex next to the source through which every way to each of these goes; none if there is none.
    pub(super) fn top(&self, vertices: impl Iterator<Item = VertexId>) -> Option<VertexId> {
        let common = self.numbers[self.common(vertices)? as usize]?;
        (self.depth(common) > 0).then(|| self.vertices[self.ancestor(common, 1) as usize])
    }

    fn nearest(&self, left: u32, right: u32) -> u32 {
        let depth = self.depth(left).min(self.depth(right));
        let (mut left, mut right) = (self.ancestor(left, depth), self.ancestor(right, depth));
        while left != right {
            let jumps = [left, right].map(|number| self.jumps[number as usize]);
            let ups = if jumps[0] == jumps[1] {
                [left, right].map(|number| self.parents[number as usize])
            } else {
                jumps
            };
            [left, right] = ups;
        }
        left
    }

    /// Whether one reached vertex lies on every way to another; each does to itself.
    pub(super) fn dominates(&self, above: VertexId, below: VertexId) -> bool {
        let both = self.numbers[above as usize].zip(self.numbers[below as usize]);
        both.is_some_and(|(above, below)| {
            self.depth(below) >= self.depth(above) && self.ancestor(below, self.depth(above)) == above
        })
    }

    fn depth(&self, number: u32) -> u32 {
        self.depths[number as usize]
    }

    /// The dominator at a depth that is not greater than its own.
    fn ancestor(&self, mut number: u32, depth: u32) -> u32 {
        while self.depth(number) > depth {
            let jump = self.jumps[number as usize];
            number = if self.depth(jump) >= depth { jump } else { self.parents[number as usize] };
        }
        number
    }

    /// Adds what stands at each vertex to all that dominate it.
    pub(super) fn sums<T: Copy + Default>(&self, at: &[T], add: impl Fn(&mut T, T)) -> Vec<T> {
        let mut sums: Vec<T> = self.vertices.iter().map(|vertex| at[*vertex as usize]).collect();
        // A dominator has a lower number.
        for number in (1..sums.len()).rev() {
            let sum = sums[number];
            add(&mut sums[self.parents[number] as usize], sum);
        }
        let mut by_vertex = vec![T::default(); at.len()];
        for (sum, vertex) in sums.into_iter().zip(&self.vertices) {
            by_vertex[*vertex as usize] = sum;
        }
        by_vertex
    }
}

const NONE: u32 = u32::MAX;

/// A search in depth; all tables are by number.
struct Search {
    numbers: Vec<Option<u32>>,
    vertices: Vec<VertexId>,
    /// The parents in the tree of the search.
    parents: Vec<u32>,
    /// From where each is reached.
    sources: Vec<Vec<u32>>,
    semi: Vec<u32>,
    /// The forest that is linked: ancestors, and the number with the least semidominator on the way there.
    ancestors: Vec<u32>,
    best: Vec<u32>,
}

impl Search {
    fn new(network: &Network<'_, '_>, now: Instant) -> Search {
        let mut numbers = vec![None; network.vertices()];
        let (mut vertices, mut parents) = (Vec::new(), Vec::new());
        let mut stack = vec![(SOURCE, 0)];
        while let Some((vertex, parent)) = stack.pop() {
            if numbers[vertex as usize].is_some() {
                continue;
            }
            let number = id(vertices.len());
            numbers[vertex as usize] = Some(number);
            vertices.push(vertex);
            parents.push(parent);
            let edges = network.from(vertex).iter().rev();
            stack.extend(edges.filter(|edge| network.holds(**edge, now)).map(|edge| (edge.to, number)));
        }
        let count = vertices.len();
        let mut sources = vec![Vec::new(); count];
        for edge in network.edges.iter().filter(|edge| network.holds(**edge, now)) {
            if let (Some(from), Some(to)) = (numbers[edge.from as usize], numbers[edge.to as usize]) {
                sources[to as usize].push(from);
            }
        }
        let own: Vec<u32> = (0..id(count)).collect();
        Search {
            numbers,
            vertices,
            parents,
            sources,
            semi: own.clone(),
            ancestors: vec![NONE; count],
            best: own,
        }
    }

    fn dominators(mut self) -> Dominators {
        let count = self.vertices.len();
        let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); count];
        let mut nearest: Vec<u32> = vec![0; count];
        for number in (1..count).rev() {
            let parent = self.parents[number];
            for source in std::mem::take(&mut self.sources[number]) {
                let best = self.evaluate(source);
                self.semi[number] = self.semi[number].min(self.semi[best as usize]);
            }
            buckets[self.semi[number] as usize].push(id(number));
            self.ancestors[number] = parent;
            for waiting in std::mem::take(&mut buckets[parent as usize]) {
                let best = self.evaluate(waiting);
                let is_lower = self.semi[best as usize] < self.semi[waiting as usize];
                nearest[waiting as usize] = if is_lower { best } else { parent };
            }
        }
        let (mut depths, mut jumps) = (vec![0; count], vec![0; count]);
        for number in 1..count {
            if nearest[number] != self.semi[number] {
                nearest[number] = nearest[nearest[number] as usize];
            }
            let parent = nearest[number] as usize;
            depths[number] = depths[parent] + 1;
            let (jump, far) = (jumps[parent] as usize, jumps[jumps[parent] as usize] as usize);
            let is_even = depths[parent] - depths[jump] == depths[jump] - depths[far];
            jumps[number] = id(if is_even { far } else { parent });
        }
        Dominators { numbers: self.numbers, parents: nearest, depths, jumps, vertices: self.vertices }
    }

    /// The one with the least semidominator on the linked way up, which is made short on the way.
    fn evaluate(&mut self, number: u32) -> u32 {
        if self.ancestors[number as usize] == NONE {
            return number;
        }
        let mut way = Vec::new();
        let mut at = number;
        while self.ancestors[self.ancestors[at as usize] as usize] != NONE {
            way.push(at);
            at = self.ancestors[at as usize];
        }
        for at in way.into_iter().rev() {
            let above = self.ancestors[at as usize] as usize;
            if self.semi[self.best[above] as usize] < self.semi[self.best[at as usize] as usize] {
                self.best[at as usize] = self.best[above];
            }
            self.ancestors[at as usize] = self.ancestors[above];
        }
        self.best[number as usize]
    }
}
