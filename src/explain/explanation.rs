//! The answer for one object.

use super::digest::Held;
use super::freed::{Blob, Blobs, snapshot_bytes};
use super::holders::Walk;
use super::network::{Edge, Group, Network, Subject, VertexId};
use super::reach::Reached;
use crate::instant::Instant;
use crate::node::{Kind, Node};
use crate::oracle::graph::{NodeId, Source};
use crate::oracle::{Failure, Holder, Judgement, Rule};
use crate::schema::views;
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use hashbrown::{HashMap, HashSet};
use std::sync::Mutex;

/// How many chains are told of one object, and of each where all are explained.
const CHAINS_MAX: usize = 1_000;
const CHAINS_OF_ALL_MAX: usize = 5;

/// What becomes of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// A root or a reference keeps it.
    Kept,
    /// A collection would remove it.
    Removed,
    /// No collection removes its kind.
    Unswept,
    /// The database does not have it.
    Missing,
}

/// One root or reference of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop<'a> {
    /// The rule.
    pub rule: Rule,
    /// The label that says so, where one does.
    pub label: Option<&'a [u8]>,
    /// From what: none for a root by itself.
    pub from: Option<Subject<'a>>,
    /// To which node, with the type under which it is reached.
    pub to: Node,
}

/// Why an object is kept, or goes, and what depends on it.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// What becomes of it.
    pub state: State,
    /// Shortest chains, one from each root, the shortest first; not more than five.
    pub chains: Vec<Vec<Hop<'a>>>,
    /// From how many different roots and holders it is reached.
    pub roots: usize,
    /// Every other object or holder without which it would not be kept: nodes by type, namespace and key, then holders
    /// that are no nodes.
    pub alone: Vec<Subject<'a>>,
    /// The first instant at which a collection removes it if only time passes; none if never, or if it goes now.
    pub until: Option<Instant>,
    /// What might hold it and does not.
    pub failures: Vec<Failure<'a>>,
    /// By failure: where it is a referrer that is not kept, why that is not in the end, and of which node this is said.
    pub causes: Vec<Option<(Node, Failure<'a>)>>,
    /// Its size if it is content, where its record has one.
    pub bytes: Option<u64>,
    /// What comes free in content if it alone is taken out.
    pub bytes_alone: u64,
    /// Its size if it is a snapshot: nothing if it is none, or if no snapshotter was asked.
    pub snapshot: Bytes,
    /// What comes free in snapshots if it alone is taken out.
    pub snapshots_alone: Bytes,
    /// What else would go then, in the order of the relations.
    pub takes_along: Vec<NodeId>,
    /// How many objects that are there it reaches, itself aside.
    pub holds: u64,
    /// What goes if all roots from which it is reached are let go of: images, leases and what else holds them are deleted,
    /// which are not counted, and pins taken away.
    pub let_go: Held,
    /// Of an image: its other names in the namespace, which have the same target.
    pub names: Vec<Subject<'a>>,
    /// What goes if it is deleted with them, these not counted; nothing where there are none.
    pub without_names: Held,
    /// What else has the same digest, in other namespaces or as an ingest that is to become it, and whether it is kept there.
    pub elsewhere: Vec<(NodeId, bool)>,
    /// What names it, where it is missing: the holder or node, with the rule and its label.
    pub named_by: Vec<Hop<'a>>,
    /// What it names itself and what is missing.
    pub missing: Vec<Hop<'a>>,
}

/// Asks about single objects.
pub struct Explainer<'n, 'j, 'a> {
    pub(super) network: &'n Network<'j, 'a>,
    judgement: &'j Judgement<'a>,
    pub(super) situation: &'a Situation,
    pub(super) reached: Reached,
    pub(super) blobs: Blobs,
    /// By node: the database has it, or a collector lists it.
    pub(super) is_there: Vec<bool>,
    /// By node that is kept: its end.
    ends: Vec<Option<Instant>>,
    /// By node: its size if it is a snapshot.
    pub(super) snapshots: Vec<Bytes>,
    /// The arcs that hold now and lead to what the database should have and has not, and those that are back references.
    to_missing: Vec<usize>,
    back: Vec<usize>,
    /// The vertices of pins.
    pub(super) pins: HashSet<VertexId>,
    /// Whether every object is asked about.
    is_of_all: bool,
    /// By the vertices of all roots of an object: what goes without them, which is the same for many objects.
    pub(super) let_go: Mutex<HashMap<Box<[VertexId]>, Held>>,
}

impl<'n, 'j, 'a> Explainer<'n, 'j, 'a> {
    /// Prepares for questions about a judged situation; with the sizes of its snapshots if their snapshotters were asked.
    pub fn new(
        network: &'n Network<'j, 'a>,
        judgement: &'j Judgement<'a>,
        situation: &'a Situation,
        snapshots: Option<&Snapshots>,
    ) -> Self {
        let reached = network.reached(situation.now);
        let blobs = Blobs::read(network, &situation.tree, situation.release);
        let is_there = network.there(judgement);
        let ends = network.ends_of_nodes(&reached, situation.now);
        let snapshots = snapshot_bytes(network, situation, snapshots);
        let graph = network.graph();
        let end = situation.release.rules().types.end;
        let is_missing = |arc: &usize| {
            let to = graph.arc(*arc).to.node;
            graph.type_of(to).0 < end && !graph.exists(to)
        };
        let to_missing = (0..graph.len_now()).filter(is_missing).collect();
        let back = (0..graph.len_now()).filter(|arc| graph.arc(*arc).rule == Rule::BackReference).collect();
        Explainer {
            network,
            judgement,
            situation,
            reached,
            blobs,
            is_there,
            ends,
            snapshots,
            to_missing,
            back,
            pins: network.pins().map(|(_, pin)| pin).collect(),
            is_of_all: false,
            let_go: Mutex::default(),
        }
    }

    /// The same for questions about everything, which costs more before the first answer and much less with each.
    pub fn of_all(self) -> Self {
        Explainer { is_of_all: true, ..self }
    }

    /// Explains whatever there is; what is neither node nor holder holds nothing and is not held.
    pub fn subject(&self, subject: Option<Subject<'a>>) -> Explanation<'a> {
        match subject {
            Some(Subject::Node(id)) => self.node(id),
            Some(Subject::Holder(holder)) => self.holder(Some(holder)),
            None => self.holder(None),
        }
    }

    /// Explains a node, by its number.
    pub fn node(&self, id: NodeId) -> Explanation<'a> {
        let (network, now) = (self.network, self.situation.now);
        let graph = network.graph();
        let node = graph.node(id);
        let is_kept = self.reached.keeps(network, id);
        let state = self.state(&node, is_kept);
        let paths = network.paths(id, &self.reached, now);
        let chains: Vec<Vec<Edge>> =
            paths.chains().take(if self.is_of_all { CHAINS_OF_ALL_MAX } else { CHAINS_MAX }).collect();
        let (mut alone, mut until) = (Vec::new(), None);
        if is_kept {
            alone = self.subjects(network.alone(id, &self.reached, now));
            if state == State::Kept {
                until = self.ends[id as usize];
            }
        }
        let named_by = if state == State::Missing { self.named_by(id) } else { Vec::new() };
        let without = self.without_group(id);
        let is_image = self.situation.release.kind_of(node.resource_type) == Kind::Image;
        let (names, without_names) =
            self.of_names(if is_image { Some((&node.namespace, &node.key)) } else { None }, id);
        let failures = match self.is_of_all {
            true => self.judgement.not_holding_of_all(node.as_ref()),
            false => self.judgement.not_holding(node.as_ref()),
        };
        Explanation {
            state,
            chains: chains.iter().map(|chain| self.hops(chain)).collect(),
            roots: paths.roots(),
            alone,
            until,
            causes: failures.iter().map(|failure| self.cause(failure)).collect(),
            failures,
            bytes: self.bytes(&node),
            bytes_alone: without.bytes,
            snapshot: self.snapshots[id as usize],
            snapshots_alone: without.snapshots,
            takes_along: without.nodes,
            holds: self.holds(id),
            let_go: if state == State::Kept { self.let_go(&paths) } else { Held::default() },
            names: self.subjects(names),
            without_names,
            elsewhere: self.elsewhere(id, &node),
            named_by,
            missing: self.missing(|from| from == Some(Subject::Node(id))),
        }
    }

    /// Explains a holder that is no node, or what holds nothing and is not held: what depends on it.
    pub fn holder(&self, holder: Option<Holder<'a>>) -> Explanation<'a> {
        let group = holder.and_then(|holder| self.network.group_of(holder));
        let without = group.map(|group| self.without_group(group)).unwrap_or_default();
        let image = match holder {
            Some(Holder::Image { namespace, name }) => Some((namespace, name)),
            _ => None,
        };
        let (names, without_names) = group.map(|group| self.of_names(image, group)).unwrap_or_default();
        Explanation {
            state: State::Unswept,
            chains: Vec::new(),
            roots: 0,
            alone: Vec::new(),
            until: None,
            failures: Vec::new(),
            causes: Vec::new(),
            bytes: None,
            bytes_alone: without.bytes,
            snapshot: Bytes::default(),
            snapshots_alone: without.snapshots,
            takes_along: without.nodes,
            holds: group.map_or(0, |group| self.holds(group)),
            let_go: Held::default(),
            names: self.subjects(names),
            without_names,
            elsewhere: Vec::new(),
            named_by: Vec::new(),
            missing: self.missing(|from| holder.is_some() && from == holder.map(Subject::Holder)),
        }
    }

    /// The other names of an image, by its own group, and what goes without all of them.
    fn of_names(&self, image: Option<(&[u8], &[u8])>, own: Group) -> (Vec<Group>, Held) {
        // Of everything the digest tells it.
        let Some((namespace, name)) = image.filter(|_| !self.is_of_all) else { return Default::default() };
        let others: Vec<Group> = views::names_of_image(&self.situation.tree, namespace, name)
            .filter_map(|name| self.network.group_of_image(self.situation.release, namespace, name))
            .filter(|group| *group != own)
            .collect();
        if others.is_empty() {
            return Default::default();
        }
        let without = self.without_groups(others.iter().copied().chain([own]).collect(), &[]);
        (others, without)
    }

    /// Why a referrer that did not hold is not kept itself.
    fn cause(&self, failure: &Failure<'a>) -> Option<(Node, Failure<'a>)> {
        self.judgement.cause(self.judgement.lost_referrer(failure)?.as_ref())
    }

    /// What becomes of a subject, and when it goes if only time passes.
    pub(super) fn fate(&self, subject: Option<Subject<'a>>) -> (State, Option<Instant>) {
        let Some(Subject::Node(id)) = subject else { return (State::Unswept, None) };
        let state = self.state(&self.network.graph().node(id), self.reached.keeps(self.network, id));
        (state, self.ends[id as usize].filter(|_| state == State::Kept))
    }

    fn state(&self, node: &Node, is_kept: bool) -> State {
        let release = self.situation.release;
        let kind = release.kind_of(node.resource_type);
        let is_stored = node.resource_type.0 < release.rules().types.end;
        let is_listed = || {
            let mut resources = self.judgement.resources();
            resources.any(|resource| resource.listed_by().is_some() && resource.is(node.as_ref()))
        };
        if is_stored && !views::has(&self.situation.tree, kind, &node.namespace, &node.key)
            || !is_stored && !is_listed()
        {
            return State::Missing;
        }
        match kind {
            Kind::Container | Kind::Task => State::Unswept,
            _ if is_kept => State::Kept,
            _ => State::Removed,
        }
    }

    fn hops(&self, chain: &[Edge]) -> Vec<Hop<'a>> {
        chain.iter().filter_map(|edge| self.hop(edge.arc()?)).collect()
    }

    fn hop(&self, arc: usize) -> Option<Hop<'a>> {
        let graph = self.network.graph();
        let arc = graph.arc(arc);
        let from = match arc.from {
            Source::Holder(Holder::Itself) => None,
            Source::Holder(holder @ Holder::Lease { namespace, id }) => {
                Some(graph.find_lease(namespace, id).map_or(Subject::Holder(holder), Subject::Node))
            }
            Source::Holder(holder) => Some(Subject::Holder(holder)),
            Source::Visit(visit) => Some(Subject::Node(visit.node)),
        };
        Some(Hop { rule: arc.rule, label: arc.label, from, to: graph.visited(arc.to) })
    }

    /// Groups as they are told: nodes as the marked set is sorted, then holders that are no nodes.
    fn subjects(&self, groups: Vec<Group>) -> Vec<Subject<'a>> {
        let network = self.network;
        let mut subjects: Vec<Subject<'a>> = groups.into_iter().map(|group| network.subject(group)).collect();
        subjects.sort_by_cached_key(|subject| match subject {
            Subject::Node(id) => (Some(network.graph().node(*id)).ok_or(()), None),
            Subject::Holder(holder) => (Err(()), Some(*holder)),
        });
        subjects
    }

    fn bytes(&self, node: &Node) -> Option<u64> {
        let is_content = self.situation.release.kind_of(node.resource_type) == Kind::Content;
        is_content.then(|| views::blob_size(&self.situation.tree, &node.namespace, &node.key)).flatten()
    }

    /// How many objects that are there a group reaches, itself aside.
    fn holds(&self, group: Group) -> u64 {
        let members = self.network.members(group).iter().copied().filter(|member| self.reached.has(*member));
        let mut count = 0;
        let mut walk = Walk::new(self.network, self.situation.now);
        walk.meet_from(members.collect(), None, |id| {
            count += u64::from(id != group && self.is_there[id as usize]);
        });
        count
    }

    fn elsewhere(&self, id: NodeId, node: &Node) -> Vec<(NodeId, bool)> {
        let is_content = self.situation.release.kind_of(node.resource_type) == Kind::Content;
        let blob = self.blobs.get(&node.key).filter(|_| is_content);
        let others = blob.into_iter().flat_map(Blob::holders).filter(|other| *other != id);
        others.map(|other| (other, self.reached.keeps(self.network, other))).collect()
    }

    /// Of a back reference: the child, the parent that it names, and this as a step from the one to the other.
    fn parent(&self, arc: usize) -> Option<(NodeId, NodeId, Hop<'a>)> {
        let graph = self.network.graph();
        let arc = graph.arc(arc);
        let Source::Visit(parent) = arc.from else { return None };
        let hop = Hop {
            rule: arc.rule,
            label: arc.label,
            from: Some(Subject::Node(arc.to.node)),
            to: graph.node(parent.node),
        };
        Some((arc.to.node, parent.node, hop))
    }

    /// What such things name and the database should have, and has not. Each once, however it is reached.
    fn missing(&self, is: impl Fn(Option<Subject<'a>>) -> bool) -> Vec<Hop<'a>> {
        let graph = self.network.graph();
        let hops = self.to_missing.iter().filter_map(|arc| self.hop(*arc));
        // A back reference is the child's label: it is the child that names a parent.
        let hops = hops.filter(|hop| is(hop.from) && hop.rule != Rule::BackReference);
        let parents = self.back.iter().filter_map(|arc| self.parent(*arc));
        let parents =
            parents.filter(|(child, parent, _)| is(Some(Subject::Node(*child))) && !graph.exists(*parent));
        let mut hops: Vec<Hop<'a>> = hops.chain(parents.map(|(_, _, hop)| hop)).collect();
        hops.dedup_by(|right, left| right.label == left.label && right.rule == left.rule);
        hops
    }

    /// Everything that names a node, kept or not.
    fn named_by(&self, id: NodeId) -> Vec<Hop<'a>> {
        let graph = self.network.graph();
        let named = (0..graph.len_now()).filter(|arc| graph.arc(*arc).to.node == id);
        let children = self.back.iter().filter_map(|arc| self.parent(*arc));
        let children = children.filter(|(_, parent, _)| *parent == id).map(|(_, _, hop)| hop);
        let mut hops: Vec<Hop<'a>> = named.filter_map(|arc| self.hop(arc)).chain(children).collect();
        hops.dedup_by(|right, left| {
            (right.from, right.label, right.rule) == (left.from, left.label, left.rule)
        });
        hops
    }
}
