//! Until when a node is kept if only time passes.
//!
//! What holds for a time bounds every chain through it, and a node is kept as long as the best of its chains:
//!
//! ```text
//!   lease/pull until 10:00 ──> content/m ──> content/layer      kept until 10:00
//!   image/main until 11:00 ──> content/n ──────┘                ... no: until 11:00
//! ```
//!
//! Conditions may begin to hold later (`usedat>24h`), and what expires may then be kept by another node. So where a node
//! would go it is looked at anew with what has begun by then, until it is found to go.

use super::network::{Network, SOURCE, id};
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// Until when something is kept: the first instant at which it is not; none if it always is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End(pub(super) Option<Instant>);

impl Ord for End {
    fn cmp(&self, other: &End) -> Ordering {
        match (self.0, other.0) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(own), Some(other)) => own.cmp(&other),
        }
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &End) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// When each vertex that is reached at an instant ceases to be, by what holds at that instant; none if it is not reached.
pub(super) struct Ends(Vec<Option<End>>);

impl Ends {
    fn of(&self, network: &Network<'_, '_>, node: NodeId) -> Option<End> {
        network.entries_of(node).iter().filter_map(|entry| self.0[*entry as usize]).max()
    }
}

/// Asks until when nodes are kept.
pub(super) struct Until<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    now: Instant,
    /// The instants after now at which something begins to hold.
    beginnings: Vec<Instant>,
    /// By how many of these have passed: the ends by what holds then.
    ends: BTreeMap<usize, Ends>,
}

impl<'n, 'j, 'a> Until<'n, 'j, 'a> {
    pub(super) fn new(network: &'n Network<'j, 'a>, now: Instant) -> Until<'n, 'j, 'a> {
        let graph = &network.graph;
        let later = (graph.len_now()..graph.len()).filter_map(|arc| graph.span(arc).since);
        let mut beginnings: Vec<Instant> = later.collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        Until { network, now, beginnings, ends: BTreeMap::new() }
    }

    /// The end of a node that is kept now.
    pub(super) fn end(&mut self, node: NodeId) -> End {
        let network = self.network;
        let mut end = self.ends(0).of(network, node).unwrap_or(End(Some(self.now)));
        while let Some(at) = end.0 {
            let passed = self.beginnings.partition_point(|beginning| *beginning <= at);
            match self.ends(passed).of(network, node) {
                Some(later) if later > end => end = later,
                _ => break,
            }
        }
        end
    }

    fn ends(&mut self, passed: usize) -> &Ends {
        let at = passed.checked_sub(1).map_or(self.now, |last| self.beginnings[last]);
        self.ends.entry(passed).or_insert_with(|| self.network.ends(at))
    }
}

impl Network<'_, '_> {
    /// By node: when it goes if only time passes; none if never, or if it is not kept now.
    pub(super) fn ends_of_nodes(&self, reached: &Reached, now: Instant) -> Vec<Option<Instant>> {
        let mut until = Until::new(self, now);
        let nodes = 0..id(self.graph.nodes());
        nodes.map(|node| if reached.keeps(self, node) { until.end(node).0 } else { None }).collect()
    }

    /// The best of all chains to each vertex, those first that hold longest.
    fn ends(&self, at: Instant) -> Ends {
        let mut ends: Vec<Option<End>> = vec![None; self.vertices()];
        let mut heap = BinaryHeap::from([(End(None), SOURCE)]);
        while let Some((end, vertex)) = heap.pop() {
            if ends[vertex as usize].is_some() {
                continue;
            }
            ends[vertex as usize] = Some(end);
            for edge in self.from(vertex).iter().filter(|edge| self.holds(**edge, at)) {
                if ends[edge.to as usize].is_none() {
                    heap.push((end.min(End(self.end(*edge))), edge.to));
                }
            }
        }
        Ends(ends)
    }
}
