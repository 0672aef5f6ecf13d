//! The holders of a database, and all that each reaches.

use super::network::{Network, Subject, VertexId};
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::Rule;
use crate::oracle::graph::NodeId;
use std::collections::BTreeMap;

/// What holds others, or is held for its own sake.
pub struct Holder<'a> {
    /// The holder; of a pin the pinned object.
    pub subject: Subject<'a>,
    /// By which rule it is one.
    pub rule: Rule,
    /// The first instant at which it does not hold any more; none if it has no end.
    pub until: Option<Instant>,
    /// The node that is the holder itself, where it is none of the objects that it holds.
    pub(super) own: Option<NodeId>,
    /// The vertices that go with it.
    pub(super) members: Vec<VertexId>,
}

/// The holders at an instant, as they stand in the database: nodes first, then pins, then holders that are no nodes.
pub(super) fn holders<'a>(network: &Network<'_, 'a>, reached: &Reached) -> Vec<Holder<'a>> {
    let graph = network.graph();
    let mut rules: BTreeMap<NodeId, Rule> = BTreeMap::new();
    for arc in (0..graph.root_count()).map(|arc| graph.arc(arc)) {
        if matches!(arc.rule, Rule::LiveLease | Rule::UnexpiredImage | Rule::Container | Rule::ActiveIngest) {
            rules.insert(arc.to.node, arc.rule);
        }
    }
    let nodes = rules.into_iter().map(|(node, rule)| {
        let members = network.members(node).iter().copied().filter(|member| reached.has(*member)).collect();
        let own = (rule != Rule::ActiveIngest).then_some(node);
        Holder { subject: Subject::Node(node), rule, members, own, until: graph.expiry(node) }
    });
    let pins = network.pins().map(|(node, pin)| {
        let (subject, rule) = (Subject::Node(node), Rule::RootLabel);
        Holder { subject, rule, members: vec![pin], own: None, until: None }
    });
    let holders = network.holders().map(|(holder, vertex)| {
        let first = network.from(vertex).iter().find_map(|edge| edge.arc());
        let rule = first.map_or(Rule::Target, |arc| graph.arc(arc).rule);
        Holder { subject: Subject::Holder(holder), rule, members: vec![vertex], own: None, until: None }
    });
    nodes.chain(pins).chain(holders).collect()
}

/// Walks from one holder after the other, over tables that are made once.
pub struct Walk<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    now: Instant,
    /// By vertex and by node: the number of the last walk that met it.
    vertices: Vec<u32>,
    nodes: Vec<u32>,
    walk: u32,
}

impl<'n, 'j, 'a> Walk<'n, 'j, 'a> {
    /// Walks at an instant.
    pub fn new(network: &'n Network<'j, 'a>, now: Instant) -> Self {
        let (vertices, nodes) = (vec![0; network.vertices()], vec![0; network.graph().nodes()]);
        Walk { network, now, vertices, nodes, walk: 0 }
    }

    /// The holders.
    pub fn holders(&self) -> Vec<Holder<'a>> {
        holders(self.network, &self.network.reached(self.now))
    }

    /// Meets everything that a holder reaches, each once, there or not, but for the holder itself.
    pub fn meet(&mut self, holder: &Holder<'_>, met: impl FnMut(NodeId)) {
        self.meet_from(holder.members.clone(), holder.own, met);
    }

    /// Meets every node that some vertices lead to, each once, but for one.
    pub(super) fn meet_from(
        &mut self,
        mut grey: Vec<VertexId>,
        own: Option<NodeId>,
        mut met: impl FnMut(NodeId),
    ) {
        self.walk += 1;
        while let Some(vertex) = grey.pop() {
            if std::mem::replace(&mut self.vertices[vertex as usize], self.walk) == self.walk {
                continue;
            }
            if let Some(visit) = self.network.visit(vertex).filter(|visit| own != Some(visit.node))
                && std::mem::replace(&mut self.nodes[visit.node as usize], self.walk) != self.walk
            {
                met(visit.node);
            }
            let edges = self.network.from(vertex).iter();
            grey.extend(edges.filter(|edge| self.network.holds(**edge, self.now)).map(|edge| edge.to));
        }
    }
}
