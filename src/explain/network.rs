//! The oracle's relations with everything that can be taken out as vertices.
//!
//! ```text
//!   (source) ──> lease/pull ──────────────────> content/layer
//!   (source) ──> pin of content/base ─────────> content/base ──> content/other
//!   (source) ──> image/main ──> content/m ────> content/layer
//! ```
//!
//! A node has a vertex for each way in which it is visited, flat and in full; all of them belong to its *group*, and so
//! do what a lease holds as a holder, and what an object is a root by. To take something out is to take out its group. A
//! pin goes with its object; a vertex of its own lets it go by itself too.
//!
//! A back reference is written with the child, and as shipped it counts even if its parent does not exist. So a parent
//! has an *entry* of no group, from which its back references go, before the vertex that is taken out with it. What is
//! written with the parent itself, that it is a root or refers back further, leads there by a vertex that goes with it.
//!
//! Several images may have one target, mostly as names of one image. All that they hold together goes through a vertex of
//! no group before it, so that one sees what goes when all of them do:
//!
//! ```text
//!   (source) ──> image/redis:7 ──────────┐
//!   (source) ──> image/redis@sha256:1 ───┴──> (its names) ──> content/index
//! ```

use crate::instant::Instant;
use crate::node::{Kind, NodeRef};
use crate::oracle::graph::{Arc, Graph, NodeId, Source, Visit};
use crate::oracle::{Holder, Judgement, Rule};
use crate::release::Release;
use hashbrown::HashMap;
use std::sync::OnceLock;

/// A vertex's number.
pub(super) type VertexId = u32;
/// The number of what can be taken out: a node's own, above them those of holders that are no nodes.
pub(super) type Group = u32;

/// What never can be taken out.
pub(super) const NO_GROUP: Group = u32::MAX;
/// The vertex from which all roots go.
pub(super) const SOURCE: VertexId = 0;
/// No root and no reference: a step inside the network.
const NO_ARC: u32 = u32::MAX;

/// Something that can be taken out, or that is there at least: a node, or a holder that is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject<'a> {
    /// A node, by its number.
    Node(NodeId),
    /// A holder that is no node in the release: an image, a container, a sandbox, a collector.
    Holder(Holder<'a>),
}

/// One step from vertex to vertex.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: VertexId,
    pub(super) to: VertexId,
    /// The root or reference that it stands for.
    arc: u32,
}

impl Edge {
    /// The number of the root or reference for which it stands, if it does.
    pub(super) fn arc(self) -> Option<usize> {
        (self.arc != NO_ARC).then_some(self.arc as usize)
    }
}

/// The relations of a judgement as a network; see the module.
pub struct Network<'j, 'a> {
    pub(super) graph: Graph<'j, 'a>,
    /// Sorted by the vertex from which they go, else in the order of the relations.
    pub(super) edges: Vec<Edge>,
    /// By vertex: where its edges begin; one more at the end.
    starts: Vec<u32>,
    /// The same by the vertices to which they go, made when first asked for.
    backwards: OnceLock<(Vec<Edge>, Vec<u32>)>,
    /// By vertex.
    groups: Vec<Group>,
    /// The vertices by their groups, and by group where they begin; one more at the end.
    members: (Vec<VertexId>, Vec<u32>),
    /// By vertex: the visit whose entry it is.
    entries: Vec<Option<Visit>>,
    /// By node: its entries.
    of_node: Vec<Vec<VertexId>>,
    /// Holders that are no nodes, by their group less the count of nodes.
    holders: Vec<(Holder<'a>, VertexId)>,
    /// The pins, each with its node.
    pins: Vec<(NodeId, VertexId)>,
    /// The vertices through which several images lead to one target.
    pub(super) shared: Vec<VertexId>,
}

impl<'j, 'a> Network<'j, 'a> {
    /// The network of a graph.
    pub fn new(graph: Graph<'j, 'a>) -> Network<'j, 'a> {
        let mut building = Building::new(graph);
        building.entries();
        building.shared_targets();
        for number in 0..building.network.graph.len() {
            building.arc(number);
        }
        building.sorted()
    }

    /// The relations.
    pub fn graph(&self) -> &Graph<'j, 'a> {
        &self.graph
    }

    pub(super) fn vertices(&self) -> usize {
        self.groups.len()
    }

    /// The edges that go from a vertex.
    pub(super) fn from(&self, vertex: VertexId) -> &[Edge] {
        let vertex = vertex as usize;
        &self.edges[self.starts[vertex] as usize..self.starts[vertex + 1] as usize]
    }

    /// The edges that go to a vertex.
    pub(super) fn to(&self, vertex: VertexId) -> &[Edge] {
        let sorted = || sorted_by(&self.edges, self.vertices(), |edge| edge.to);
        let (edges, starts) = self.backwards.get_or_init(sorted);
        let vertex = vertex as usize;
        &edges[starts[vertex] as usize..starts[vertex + 1] as usize]
    }

    pub(super) fn group(&self, vertex: VertexId) -> Group {
        self.groups[vertex as usize]
    }

    /// The vertices of a group.
    pub(super) fn members(&self, group: Group) -> &[VertexId] {
        let (members, starts) = &self.members;
        &members[starts[group as usize] as usize..starts[group as usize + 1] as usize]
    }

    /// Where a node is entered, in each way in which it is visited: it is kept if one of these is reached.
    pub(super) fn entries_of(&self, node: NodeId) -> &[VertexId] {
        &self.of_node[node as usize]
    }

    /// The visit of which a vertex is the entry.
    pub(super) fn visit(&self, vertex: VertexId) -> Option<Visit> {
        self.entries[vertex as usize]
    }

    /// What is taken out with a group.
    pub(super) fn subject(&self, group: Group) -> Subject<'a> {
        match (group as usize).checked_sub(self.graph.nodes()) {
            None => Subject::Node(group),
            Some(number) => Subject::Holder(self.holders[number].0),
        }
    }

    /// The first holder that is no node and is such a one.
    pub fn holder_of(&self, is: impl Fn(Holder<'a>) -> bool) -> Option<Holder<'a>> {
        self.holders.iter().map(|(holder, _)| *holder).find(|holder| is(*holder))
    }

    /// The group of a holder that is no node.
    pub(super) fn group_of(&self, holder: Holder<'_>) -> Option<Group> {
        let number = self.holders.iter().position(|(other, _)| *other == holder)?;
        Some(id(self.graph.nodes() + number))
    }

    /// The group of an image, as a node or as a holder, if it has one.
    pub(super) fn group_of_image(&self, release: Release, namespace: &[u8], name: &[u8]) -> Option<Group> {
        let resource_type = release.type_of(Kind::Image);
        let node = resource_type
            .and_then(|resource_type| self.graph.find(NodeRef { resource_type, namespace, key: name }));
        node.or_else(|| self.group_of(Holder::Image { namespace, name }))
    }

    /// The holders that are no nodes, with their vertices.
    pub(super) fn holders(&self) -> impl Iterator<Item = (Holder<'a>, VertexId)> + '_ {
        self.holders.iter().copied()
    }

    /// The pinned objects, with the vertices of their pins.
    pub(super) fn pins(&self) -> impl Iterator<Item = (NodeId, VertexId)> + '_ {
        self.pins.iter().copied()
    }

    /// By node: whether the database has it, or a collector lists it.
    pub(super) fn there(&self, judgement: &Judgement<'_>) -> Vec<bool> {
        let mut is_there: Vec<bool> =
            (0..id(self.graph.nodes())).map(|node| self.graph.exists(node)).collect();
        for resource in judgement.resources().filter(|resource| resource.listed_by().is_some()) {
            if let Some(node) = self.graph.find(resource.node().as_ref()) {
                is_there[node as usize] = true;
            }
        }
        is_there
    }

    /// Whether an edge holds at an instant.
    pub(super) fn holds(&self, edge: Edge, at: Instant) -> bool {
        match edge.arc() {
            Some(arc) => self.graph.span(arc).has(at),
            None => self.end_of(edge).is_none_or(|until| at < until),
        }
    }

    /// The first instant at which an edge that holds does not any more.
    pub(super) fn end(&self, edge: Edge) -> Option<Instant> {
        match edge.arc() {
            Some(arc) => self.graph.span(arc).until,
            None => self.end_of(edge),
        }
    }

    /// Of the step to what an object holds as a lease, or is a root by: the object's end.
    fn end_of(&self, edge: Edge) -> Option<Instant> {
        let group = self.group(edge.to);
        let is_object = edge.from == SOURCE && (group as usize) < self.graph.nodes();
        if is_object { self.graph.expiry(group) } else { None }
    }
}

struct Building<'j, 'a> {
    network: Network<'j, 'a>,
    /// The vertex from which the references of a visit go, where its entry is another one.
    bodies: HashMap<Visit, VertexId>,
    by_holder: HashMap<Holder<'a>, VertexId>,
    by_pin: HashMap<NodeId, VertexId>,
    by_lease: HashMap<NodeId, VertexId>,
    /// The vertices of what is written with a node that has an entry of its own.
    by_own: HashMap<Visit, VertexId>,
    /// The vertices before what several images have as their target.
    by_target: HashMap<Visit, VertexId>,
}

impl<'j, 'a> Building<'j, 'a> {
    fn new(graph: Graph<'j, 'a>) -> Building<'j, 'a> {
        let nodes = graph.nodes();
        let network = Network {
            graph,
            edges: Vec::new(),
            starts: Vec::new(),
            backwards: OnceLock::new(),
            groups: vec![NO_GROUP],
            members: (Vec::new(), Vec::new()),
            entries: vec![None],
            of_node: vec![Vec::new(); nodes],
            holders: Vec::new(),
            pins: Vec::new(),
            shared: Vec::new(),
        };
        Building {
            network,
            bodies: HashMap::new(),
            by_holder: HashMap::new(),
            by_pin: HashMap::new(),
            by_lease: HashMap::new(),
            by_own: HashMap::new(),
            by_target: HashMap::new(),
        }
    }

    fn vertex(&mut self, group: Group, visit: Option<Visit>) -> VertexId {
        let vertex = id(self.network.groups.len());
        self.network.groups.push(group);
        self.network.entries.push(visit);
        vertex
    }

    fn edge(&mut self, from: VertexId, to: VertexId, arc: Option<usize>) {
        self.network.edges.push(Edge { from, to, arc: arc.map_or(NO_ARC, id) });
    }

    /// An entry of its own for whatever has references that outlive it.
    fn entries(&mut self) {
        for number in 0..self.network.graph.len() {
            let arc = self.network.graph.arc(number);
            let Source::Visit(from) = arc.from else { continue };
            if !self.network.graph.outlives_source(&arc) || self.bodies.contains_key(&from) {
                continue;
            }
            let entry = self.vertex(NO_GROUP, Some(from));
            self.network.of_node[from.node as usize].push(entry);
            let body = self.vertex(from.node, None);
            self.edge(entry, body, None);
            self.bodies.insert(from, body);
        }
    }

    /// A vertex before whatever is the target of several images.
    fn shared_targets(&mut self) {
        let graph = &self.network.graph;
        let arcs = (0..graph.len()).map(|number| graph.arc(number));
        let mut targets: Vec<Visit> = Vec::new();
        let mut met: HashMap<Visit, u32> = HashMap::new();
        for arc in arcs.filter(|arc| arc.rule == Rule::Target) {
            let images = met.entry(arc.to).or_default();
            *images += 1;
            if *images == 2 {
                targets.push(arc.to);
            }
        }
        for target in targets {
            let shared = self.vertex(NO_GROUP, None);
            let entry = self.entry(target);
            self.edge(shared, entry, None);
            self.by_target.insert(target, shared);
            self.network.shared.push(shared);
        }
    }

    fn entry(&mut self, visit: Visit) -> VertexId {
        let network = &self.network;
        let mut entries = network.of_node[visit.node as usize].iter();
        if let Some(entry) = entries.find(|entry| network.visit(**entry) == Some(visit)) {
            return *entry;
        }
        let entry = self.vertex(visit.node, Some(visit));
        self.network.of_node[visit.node as usize].push(entry);
        entry
    }

    fn arc(&mut self, number: usize) {
        let arc = self.network.graph.arc(number);
        let is_own = arc.rule == Rule::BackReference || arc.from == Source::Holder(Holder::Itself);
        let to = match self.by_target.get(&arc.to) {
            Some(shared) if arc.rule == Rule::Target => *shared,
            _ if is_own => self.own(arc.to),
            _ => self.entry(arc.to),
        };
        let from = match arc.from {
            Source::Holder(holder) => self.root(holder, &arc),
            Source::Visit(from) => {
                let entry = self.entry(from);
                match self.bodies.get(&from) {
                    Some(body) if !self.network.graph.outlives_source(&arc) => *body,
                    _ => entry,
                }
            }
        };
        self.edge(from, to, Some(number));
    }

    /// The vertex from which a root is kept.
    fn root(&mut self, holder: Holder<'a>, arc: &Arc<'a>) -> VertexId {
        let node = arc.to.node;
        match (holder, arc.rule) {
            (Holder::Itself, Rule::RootLabel) => self.pin(node),
            (Holder::Itself, Rule::LiveLease) => self.lease(node),
            (Holder::Itself, _) => SOURCE,
            (Holder::Lease { namespace, id }, _) => match self.network.graph.find_lease(namespace, id) {
                Some(lease) => self.lease(lease),
                None => self.holder(holder),
            },
            (holder, _) => self.holder(holder),
        }
    }

    fn pin(&mut self, node: NodeId) -> VertexId {
        if let Some(pin) = self.by_pin.get(&node) {
            return *pin;
        }
        let pin = self.vertex(node, None);
        self.edge(SOURCE, pin, None);
        self.by_pin.insert(node, pin);
        self.network.pins.push((node, pin));
        pin
    }

    /// Where what is written with a node itself leads: to its entry, but not without it.
    fn own(&mut self, visit: Visit) -> VertexId {
        let entry = self.entry(visit);
        if !self.bodies.contains_key(&visit) {
            return entry;
        }
        if let Some(own) = self.by_own.get(&visit) {
            return *own;
        }
        let own = self.vertex(visit.node, None);
        self.edge(own, entry, None);
        self.by_own.insert(visit, own);
        own
    }

    fn lease(&mut self, node: NodeId) -> VertexId {
        if let Some(lease) = self.by_lease.get(&node) {
            return *lease;
        }
        let lease = self.vertex(node, None);
        self.edge(SOURCE, lease, None);
        self.by_lease.insert(node, lease);
        lease
    }

    fn holder(&mut self, holder: Holder<'a>) -> VertexId {
        if let Some(vertex) = self.by_holder.get(&holder) {
            return *vertex;
        }
        let group = id(self.network.graph.nodes() + self.network.holders.len());
        let vertex = self.vertex(group, None);
        self.edge(SOURCE, vertex, None);
        self.by_holder.insert(holder, vertex);
        self.network.holders.push((holder, vertex));
        vertex
    }

    /// The network with its edges by the vertices from which they go.
    fn sorted(self) -> Network<'j, 'a> {
        let mut network = self.network;
        let (edges, starts) = sorted_by(&network.edges, network.groups.len(), |edge| edge.from);
        (network.edges, network.starts) = (edges, starts);
        let groups = network.graph.nodes() + network.holders.len();
        let of = |vertex: &VertexId| network.groups[*vertex as usize];
        let vertices: Vec<VertexId> =
            (0..id(network.groups.len())).filter(|vertex| of(vertex) != NO_GROUP).collect();
        network.members = sorted_by(&vertices, groups, of);
        network
    }
}

/// Things sorted by a number below `count`, else in their own order, and where those of each number begin.
fn sorted_by<T: Copy>(things: &[T], count: usize, number: impl Fn(&T) -> u32) -> (Vec<T>, Vec<u32>) {
    let mut sorted = things.to_vec();
    sorted.sort_by_key(&number);
    let mut starts = vec![0; count + 1];
    for thing in things {
        starts[number(thing) as usize + 1] += 1;
    }
    for place in 0..count {
        starts[place + 1] += starts[place];
    }
    (sorted, starts)
}

pub(super) fn id(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 vertices fit into memory")
}
