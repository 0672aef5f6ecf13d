//! The relations as a graph, for whoever asks more than what is kept: by which paths, and until when.
//!
//! ```text
//!   (root) ──> lease/pull ──> content/layer      an arc a root or reference, with the rule that makes it
//!              holds only before 01:00:00        and the time for which it holds, if only time passes
//! ```
//!
//! It has what holds at the collection's instant and, of conditions, what will hold later (`usedat>720h`). It is a
//! view of the facts: nothing here decides what is kept.

use super::Judgement;
use super::defects::Defect;
use super::facts::{Condition, Facts, Joined, Reference, full};
use super::nodes::Key;
pub use super::nodes::{NodeId, Visit};
use super::rules::{Holder, Rule};
pub use super::times::Span;
use crate::instant::Instant;
use crate::node::{Node, NodeRef, ResourceType};
use std::collections::BTreeMap;

/// From where an arc goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source<'a> {
    /// It makes a root.
    Holder(Holder<'a>),
    /// A reference.
    Visit(Visit),
}

/// One root or reference.
#[derive(Clone, Copy, Debug)]
pub struct Arc<'a> {
    /// From where.
    pub from: Source<'a>,
    /// What is kept by it.
    pub to: Visit,
    /// The rule.
    pub rule: Rule,
    /// The label that says so, where one does.
    pub label: Option<&'a [u8]>,
}

/// The roots and references of a judgement, by number: what holds now and, behind it, what will only hold later.
pub struct Graph<'j, 'a> {
    judgement: &'j Judgement<'a>,
    later: Vec<(Reference<'a>, Span)>,
    /// Of those that do not hold for ever.
    spans: BTreeMap<u32, Span>,
    /// Of leases, images and ingests that live, when they cease to.
    expiries: BTreeMap<NodeId, Instant>,
}

impl<'a> Judgement<'a> {
    /// The relations as a graph.
    pub fn graph(&self) -> Graph<'_, 'a> {
        Graph::new(self)
    }
}

impl<'j, 'a> Graph<'j, 'a> {
    fn new(judgement: &'j Judgement<'a>) -> Graph<'j, 'a> {
        let expiries = judgement.facts.expiries.iter();
        let expiries = expiries.filter_map(|(node, at)| Some((*node, just_after(*at)?))).collect();
        let mut graph = Graph { judgement, later: Vec::new(), spans: BTreeMap::new(), expiries };
        graph.expiring_roots();
        graph.conditions();
        graph.back_references();
        graph
    }

    /// A lease, an image or an ingest is a root by itself until it expires.
    fn expiring_roots(&mut self) {
        let roots = &self.judgement.facts.roots;
        for (root, number) in roots.iter().zip(0..).filter(|_| !self.expiries.is_empty()) {
            let expires = matches!(root.rule, Rule::LiveLease | Rule::UnexpiredImage | Rule::ActiveIngest);
            let until = self.expiries.get(&root.to.node).filter(|_| expires);
            if let Some(until) = until {
                self.spans.insert(number, Span { since: None, until: Some(*until) });
            }
        }
    }

    /// A conditional reference holds while the time since a use compares well: not any more, or not yet.
    fn conditions(&mut self) {
        let Facts { references, conditions, .. } = &self.judgement.facts;
        let (held, unmet): (Vec<&Joined<'_>>, Vec<&Joined<'_>>) =
            conditions.iter().partition(|joined| joined.holds);
        let conditional = references.iter().zip(self.root_count()..);
        let conditional = conditional.filter(|(reference, _)| reference.rule == Rule::Condition);
        for ((_, number), joined) in conditional.zip(held) {
            self.spans.extend(joined.span().map(|span| (number_of(number), span)));
        }
        let now = self.judgement.question.situation.now;
        for joined in unmet {
            let Condition { from, to, label, .. } = joined.condition;
            let reference = Reference { from, to: full(to), rule: Rule::Condition, label: Some(label) };
            let span = joined.span().filter(|span| span.since.is_some_and(|since| since > now));
            self.later.extend(span.map(|span| (reference, span)));
        }
    }

    /// What refers back to an image counts when the image expires.
    fn back_references(&mut self) {
        for (reference, at) in &self.judgement.facts.later {
            let is_heard =
                self.judgement.has(Defect::BackReferenceFromMissing) || self.exists(reference.from.node);
            let since = just_after(*at).filter(|_| is_heard);
            self.later.extend(since.map(|since| (*reference, Span { since: Some(since), until: None })));
        }
    }

    /// How many roots there are: the first arcs.
    pub fn root_count(&self) -> usize {
        self.judgement.facts.roots.len()
    }

    /// How many arcs hold now: the first ones.
    pub fn len_now(&self) -> usize {
        self.root_count() + self.judgement.facts.references.len()
    }

    /// How many arcs there are.
    pub fn len(&self) -> usize {
        self.len_now() + self.later.len()
    }

    /// Whether there are no arcs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An arc by its number.
    pub fn arc(&self, number: usize) -> Arc<'a> {
        let facts = &self.judgement.facts;
        let reference = match number.checked_sub(facts.roots.len()) {
            None => {
                let root = &facts.roots[number];
                let from = Source::Holder(root.holder);
                return Arc { from, to: root.to, rule: root.rule, label: root.label };
            }
            Some(number) => match number.checked_sub(facts.references.len()) {
                None => &facts.references[number],
                Some(number) => &self.later[number].0,
            },
        };
        let Reference { from, to, rule, label } = *reference;
        Arc { from: Source::Visit(from), to, rule, label }
    }

    /// For how long an arc holds by itself. What a lease holds it holds as long as it lives.
    pub fn span(&self, number: usize) -> Span {
        match number.checked_sub(self.len_now()) {
            Some(number) => self.later[number].1,
            None => self.spans.get(&number_of(number)).copied().unwrap_or_default(),
        }
    }

    /// Whether nothing depends on time.
    pub fn is_timeless(&self) -> bool {
        self.spans.is_empty() && self.expiries.is_empty() && self.later.is_empty()
    }

    /// The first instant at which a lease, an image or an ingest that lives does not any more; none if it has no end.
    pub fn expiry(&self, node: NodeId) -> Option<Instant> {
        self.expiries.get(&node).copied()
    }

    /// Whether an arc stays if the object from which it goes is deleted: a back reference is written with the child, and
    /// as shipped a parent that does not exist keeps it too.
    pub fn outlives_source(&self, arc: &Arc<'_>) -> bool {
        let Source::Visit(from) = arc.from else { return false };
        match arc.rule {
            Rule::BackReference | Rule::CollectorBackReference => {
                let parent = self.judgement.facts.nodes.at(from.node).resource_type;
                self.judgement.has(Defect::BackReferenceFromMissing) || !self.is_stored(parent)
            }
            _ => false,
        }
    }

    fn is_stored(&self, resource_type: ResourceType) -> bool {
        resource_type.0 < self.judgement.question.situation.release.rules().types.end
    }

    /// How many nodes are mentioned; their numbers lie below it.
    pub fn nodes(&self) -> usize {
        self.judgement.facts.nodes.len()
    }

    /// A node by its number, its type stripped.
    pub fn node(&self, id: NodeId) -> Node {
        self.judgement.facts.nodes.node(full(id))
    }

    /// A node's type, stripped.
    pub fn type_of(&self, id: NodeId) -> ResourceType {
        self.judgement.facts.nodes.at(id).resource_type
    }

    /// A node as it is visited, all type bits told.
    pub fn visited(&self, visit: Visit) -> Node {
        self.judgement.facts.nodes.node(visit)
    }

    /// Whether the database has a node.
    pub fn exists(&self, id: NodeId) -> bool {
        self.judgement.facts.nodes.at(id).exists
    }

    /// The number of a node that is mentioned; its type is taken without the bits above 0x1F.
    pub fn find(&self, node: NodeRef<'_>) -> Option<NodeId> {
        self.judgement
            .facts
            .nodes
            .find_any(node, |id| self.exists(*id))
            .or_else(|| self.judgement.facts.nodes.find(node))
    }

    /// The number of a lease that is mentioned.
    pub fn find_lease(&self, namespace: &[u8], id: &[u8]) -> Option<NodeId> {
        let nodes = &self.judgement.facts.nodes;
        let lease = self.judgement.question.situation.release.type_of(crate::node::Kind::Lease)?;
        nodes.find_key(lease, nodes.find_namespace(namespace)?, Key::plain(id))
    }
}

impl Joined<'_> {
    fn span(&self) -> Option<Span> {
        self.uses.map(|(first, last)| self.condition.comparison.span(first, last))
    }
}

fn number_of(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 arcs fit into memory")
}

/// The first instant that lies behind another; none at the end of time. Instants compare as pairs, and of one that is
/// not a second old more than 10^9 nanoseconds may be said.
fn just_after(at: Instant) -> Option<Instant> {
    let Instant { seconds, nanoseconds } = at;
    match nanoseconds < 999_999_999 {
        true => Some(Instant { seconds, nanoseconds: nanoseconds + 1 }),
        false => Some(Instant { seconds: seconds.checked_add(1)?, nanoseconds: 0 }),
    }
}
