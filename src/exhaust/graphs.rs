//! Every small graph, each once: one representative of all that differ only in the names of their nodes.
//!
//! A graph is a state for each node and a bit for each ordered pair of nodes, self-loops included. The
//! representative of a class is its least member, states first and then the bits as a number:
//!
//! ```text
//! states ascending      none none root      so only renamings inside a run of equal states are left:
//! bits as a number      0b000_000_010       the least number under those represents the class
//! ```
//!
//! [`class_count`] counts the classes by Burnside's lemma, without visiting any. This file knows nothing of what
//! a state or an edge stands for.

use std::sync::Arc;

/// The most nodes: 2^36 graphs under each choice of states.
pub const NODES_MAX: usize = 6;

/// How many bits one look-up of a renaming moves.
const CHUNK_BITS: usize = 9;
const CHUNKS_MAX: usize = (NODES_MAX * NODES_MAX).div_ceil(CHUNK_BITS);

/// A state of each node; states are numbers from 0. Those behind the last node are 0.
pub type States = [u8; NODES_MAX];

/// A graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Graph {
    /// How many nodes it has.
    pub nodes: usize,
    /// The state of each node.
    pub states: States,
    /// Bit `from * nodes + to` is set where `from` refers to `to`.
    pub edges: u64,
}

impl Graph {
    /// Whether a node refers to another, or to itself.
    pub fn has_edge(&self, from: usize, to: usize) -> bool {
        self.edges >> (from * self.nodes + to) & 1 == 1
    }

    /// The nodes that a node refers to, one bit each.
    pub fn targets(&self, from: usize) -> u64 {
        self.edges >> (from * self.nodes) & ((1 << self.nodes) - 1)
    }
}

/// All graphs with the same states, ascending.
pub struct Family {
    nodes: usize,
    states: States,
    /// The renamings that leave the states as they are, the identity excepted.
    renamings: Vec<Arc<Renaming>>,
    /// How many renamings there are, those that move states included.
    renaming_count: u64,
}

/// Moves the bits of a graph, [`CHUNK_BITS`] at a time.
struct Renaming([[u64; 1 << CHUNK_BITS]; CHUNKS_MAX]);

impl Family {
    /// One family for each multiset of states.
    pub fn all(nodes: usize, states: u8) -> Vec<Family> {
        assert!((1..=NODES_MAX).contains(&nodes), "a graph has 1 to {NODES_MAX} nodes");
        let permutations = permutations(nodes);
        // Families share them: all together would take many times the memory.
        let renamings: Vec<(&Vec<usize>, Arc<Renaming>)> =
            permutations.iter().skip(1).map(|to| (to, Arc::new(Renaming::new(nodes, to)))).collect();
        let family = |of_nodes: States| Family {
            nodes,
            states: of_nodes,
            renamings: renamings
                .iter()
                .filter(|(to, _)| (0..nodes).all(|node| of_nodes[to[node]] == of_nodes[node]))
                .map(|(_, renaming)| Arc::clone(renaming))
                .collect(),
            renaming_count: permutations.len() as u64,
        };
        ascending(nodes, states).into_iter().map(family).collect()
    }

    /// How many graphs the family has, renamed ones included.
    pub fn len(&self) -> u64 {
        family_len(self.nodes)
    }

    /// Never: the graph without edges is always there.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The graph with these edges if it represents its class, and for how many graphs it stands.
    pub fn representative(&self, edges: u64) -> Option<(Graph, u64)> {
        let mut unchanged = 1;
        for renaming in &self.renamings {
            match renaming.of(edges).cmp(&edges) {
                std::cmp::Ordering::Less => return None,
                std::cmp::Ordering::Equal => unchanged += 1,
                std::cmp::Ordering::Greater => {}
            }
        }
        let graph = Graph { nodes: self.nodes, states: self.states, edges };
        Some((graph, self.renaming_count / unchanged))
    }
}

impl Renaming {
    fn new(nodes: usize, to: &[usize]) -> Renaming {
        let mut tables = [[0; 1 << CHUNK_BITS]; CHUNKS_MAX];
        for (chunk, table) in tables.iter_mut().enumerate() {
            for bit in 0..CHUNK_BITS {
                let at = chunk * CHUNK_BITS + bit;
                if at >= nodes * nodes {
                    continue;
                }
                let moved = 1 << (to[at / nodes] * nodes + to[at % nodes]);
                let with_bit = (0..table.len()).filter(|value| value >> bit & 1 == 1);
                with_bit.for_each(|value| table[value] |= moved);
            }
        }
        Renaming(tables)
    }

    fn of(&self, edges: u64) -> u64 {
        let chunk = |at: usize| {
            let bits = (edges >> (at * CHUNK_BITS)) & ((1 << CHUNK_BITS) - 1);
            usize::try_from(bits).expect("a chunk has nine bits")
        };
        (0..CHUNKS_MAX).fold(0, |moved, at| moved | self.0[at][chunk(at)])
    }
}

/// How many graphs each family of so many nodes has, renamed ones included.
pub fn family_len(nodes: usize) -> u64 {
    1 << (nodes * nodes)
}

/// How many graphs there are up to renaming: over all renamings, the mean of the graphs that each leaves as they are.
pub fn class_count(nodes: usize, states: u8) -> u64 {
    let permutations = permutations(nodes);
    let fixed = |to: &Vec<usize>| {
        let pairs: Vec<usize> =
            (0..nodes * nodes).map(|at| to[at / nodes] * nodes + to[at % nodes]).collect();
        (1_u128 << cycles(&pairs)) * u128::from(states).pow(cycles(to))
    };
    let sum: u128 = permutations.iter().map(fixed).sum();
    u64::try_from(sum / permutations.len() as u128).expect("six nodes have fewer than 2^64 graphs")
}

/// How many graphs there are if names count.
pub fn labelled_count(nodes: usize, states: u8) -> u64 {
    (1 << (nodes * nodes)) * (0..nodes).fold(1, |count, _| count * u64::from(states))
}

fn cycles(to: &[usize]) -> u32 {
    let mut seen = vec![false; to.len()];
    let mut count = 0;
    for start in 0..to.len() {
        let mut at = start;
        if !seen[start] {
            count += 1;
        }
        while !seen[at] {
            seen[at] = true;
            at = to[at];
        }
    }
    count
}

/// Every permutation of so many things, the identity first.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        let longer = |shorter: &Vec<usize>| {
            let free = (0..count).filter(|next| !shorter.contains(next));
            free.map(|next| [&shorter[..], &[next]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Every ascending choice of states.
fn ascending(nodes: usize, states: u8) -> Vec<States> {
    let mut all = vec![[0; NODES_MAX]];
    for node in 0..nodes {
        let longer = |shorter: &States| {
            let least = if node == 0 { 0 } else { shorter[node - 1] };
            let with = |state| {
                let mut longer = *shorter;
                longer[node] = state;
                longer
            };
            (least..states).map(with).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The least of all renamings of a graph, taken one by one.
    fn least(nodes: usize, states: States, edges: u64) -> (States, u64) {
        let graph = Graph { nodes, states, edges };
        let renamed = |to: &Vec<usize>| {
            let (mut states, mut edges) = ([0; NODES_MAX], 0);
            for from in 0..nodes {
                states[to[from]] = graph.states[from];
                for target in (0..nodes).filter(|target| graph.has_edge(from, *target)) {
                    edges |= 1 << (to[from] * nodes + to[target]);
                }
            }
            (states, edges)
        };
        permutations(nodes).iter().map(renamed).min().expect("the identity")
    }

    #[test]
    fn every_class_is_represented_once_and_by_its_least_member() {
        for (nodes, states) in [(1, 2), (1, 5), (2, 2), (2, 5), (3, 1), (3, 2), (3, 3)] {
            let mut classes = BTreeSet::new();
            for number in 0..u64::from(states).pow(u32::try_from(nodes).expect("few nodes")) {
                let mut of_nodes = [0; NODES_MAX];
                let mut rest = number;
                for state in &mut of_nodes[..nodes] {
                    *state = u8::try_from(rest % u64::from(states)).expect("a small state");
                    rest /= u64::from(states);
                }
                let edges = 0..1_u64 << (nodes * nodes);
                classes.extend(edges.map(|edges| least(nodes, of_nodes, edges)));
            }
            let mut represented = BTreeSet::new();
            let mut stands_for = 0;
            for family in Family::all(nodes, states) {
                for (graph, count) in (0..family.len()).filter_map(|edges| family.representative(edges)) {
                    assert!(represented.insert((graph.states, graph.edges)), "{graph:?} comes twice");
                    stands_for += count;
                }
            }
            assert_eq!(represented, classes, "{nodes} nodes, {states} states");
            assert_eq!(stands_for, labelled_count(nodes, states));
            assert_eq!(represented.len() as u64, class_count(nodes, states));
        }
    }

    #[test]
    fn the_known_counts_are_met() {
        let counts =
            [(3, 2), (4, 2), (5, 2), (3, 5), (4, 5)].map(|(nodes, states)| class_count(nodes, states));
        assert_eq!(counts, [752, 45_960, 9_133_760, 11_080, 1_740_020]);
        // Directed graphs with loops (OEIS A000595).
        assert_eq!(
            [1, 2, 3, 4, 5, 6].map(|nodes| class_count(nodes, 1)),
            [2, 10, 104, 3_044, 291_968, 96_928_992]
        );
        let walked = |nodes, states| -> usize {
            let families = Family::all(nodes, states);
            let count =
                |family: &Family| (0..family.len()).filter_map(|edges| family.representative(edges)).count();
            families.iter().map(count).sum()
        };
        assert_eq!([walked(4, 2), walked(3, 5)], [45_960, 11_080]);
    }
}
