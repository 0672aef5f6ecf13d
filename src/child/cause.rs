//! Which of several differences is the cause of the others, and which are one mistake.
//!
//! ```text
//!   snapshot/parent   not marked   its parent's rule     the cause
//!   content/layer     not marked   a label of parent     follows
//! ```

use crate::node::{Node, ResourceType};
use crate::oracle::graph::{Graph, Source};
use crate::oracle::{By, Defects, Failure, Judgement, Rule, judge};
use crate::release::Release;
use crate::situation::Situation;
use std::collections::BTreeSet;

/// How a field differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// Something is not there that ours has.
    Missing,
    /// Something is there that ours has not.
    Extra,
    /// All is there, in another order.
    Order,
    /// It is another text, or nothing at all.
    Other,
}

impl Way {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Way::Missing => "missing",
            Way::Extra => "extra",
            Way::Order => "order",
            Way::Other => "other",
        }
    }
}

/// What a difference is about: two that are about the same are mostly one mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cause {
    /// The type of the node that differs, of a reference that of the node that refers; without the flat bit.
    pub resource_type: ResourceType,
    /// What is right.
    pub judged: Judged,
}

/// How it is with a node, in short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Judged {
    /// A rule keeps it.
    Kept(Rule),
    /// What would keep it by a rule is not kept itself.
    ReferrerRemoved(Rule),
    /// What would keep it by a rule is reached in a way in which that does not count.
    ReferrerNotFull(Rule),
    /// It, or what held it, has expired.
    Expired,
    /// A condition does not hold.
    ConditionUnmet,
    /// It only looks as if something held it.
    NearMiss,
    /// Nothing mentions it.
    Unmentioned,
    /// A rule makes it a root.
    Root(Rule),
    /// Nothing makes it a root.
    NoRoot,
    /// It refers to another by a rule.
    Refers(Rule),
    /// It does not refer to another.
    RefersNot,
}

impl Judged {
    /// The words for it.
    pub fn text(self) -> String {
        match self {
            Judged::Kept(rule) => format!("kept: {rule}"),
            Judged::ReferrerRemoved(rule) => format!("garbage, as what refers to it: {rule}"),
            Judged::ReferrerNotFull(rule) => format!("garbage, as what refers to it is reached flat: {rule}"),
            Judged::Expired => "expired".to_owned(),
            Judged::ConditionUnmet => "garbage: the condition does not hold".to_owned(),
            Judged::NearMiss => "garbage that only looks held".to_owned(),
            Judged::Unmentioned => "garbage".to_owned(),
            Judged::Root(rule) => format!("a root: {rule}"),
            Judged::NoRoot => "no root".to_owned(),
            Judged::Refers(rule) => format!("refers: {rule}"),
            Judged::RefersNot => "does not refer to it".to_owned(),
        }
    }
}

impl Cause {
    /// The words for it.
    pub fn text(&self, release: Release) -> String {
        format!("{}, {}", release.kind_of(self.resource_type), self.judged.text())
    }
}

/// Why ours does what it does with the nodes of a situation.
pub(super) struct Causes<'a> {
    judgement: Judgement<'a>,
    /// What is lost, and what it is reached by from a root: where mistakes meet, one among these has to do with the loss.
    leading: BTreeSet<Node>,
}

impl<'a> Causes<'a> {
    /// `lost` goes, though something keeps it.
    pub(super) fn of<'n>(situation: &'a Situation, lost: impl IntoIterator<Item = &'n Node>) -> Causes<'a> {
        let judgement = judge(situation, Defects::as_shipped(situation.release));
        let mut leading = BTreeSet::new();
        for node in lost.into_iter().map(plain) {
            let chain = judgement.chain(node.as_ref());
            leading.extend(chain.into_iter().filter_map(|reason| match reason.by {
                By::Node(by) => Some(plain(&by)),
                By::Root(_) => None,
            }));
            leading.insert(node);
        }
        Causes { judgement, leading }
    }

    /// Whether something is lost.
    pub(super) fn has_loss(&self) -> bool {
        !self.leading.is_empty()
    }

    /// Whether all of some nodes are lost, or are what something is reached by that is.
    pub(super) fn lead(&self, nodes: &[Node]) -> bool {
        !nodes.is_empty() && nodes.iter().all(|node| self.leading.contains(node))
    }

    /// The place of the first of some nodes with which otherwise is done than is right that does not follow from another one:
    /// of which what holds it, or would, is none of them. What has to do with a loss goes first, then what is there.
    pub(super) fn first(&self, nodes: &[&Node]) -> usize {
        let all: BTreeSet<Node> = nodes.iter().map(|node| plain(node)).collect();
        let follows = |node: &Node| match self.judgement.reason(node.as_ref()) {
            Some(reason) => matches!(reason.by, By::Node(by) if all.contains(&plain(&by))),
            None => self.judgement.failures(node.as_ref()).iter().any(|failure| match failure {
                Failure::ReferrerRemoved { by, .. } => all.contains(&plain(by)),
                _ => false,
            }),
        };
        let rank = |node: &Node| (!self.leading.contains(&plain(node)), follows(node), !self.exists(node));
        (0..nodes.len()).min_by_key(|at| rank(nodes[*at])).unwrap_or(0)
    }

    /// The place of the root among some that says most: that of a loss, then one that fewer rules make a root, then one that is
    /// there.
    pub(super) fn first_root(&self, nodes: &[&Node]) -> usize {
        let graph = self.judgement.graph();
        let rank = |node: &Node| {
            let node = plain(node);
            (!self.leading.contains(&node), root_rules(&graph, &node).len(), !self.exists(&node))
        };
        (0..nodes.len()).min_by_key(|at| rank(nodes[*at])).unwrap_or(0)
    }

    /// The place of the reference among some that says most: one that leads to a loss, then one to what is there.
    pub(super) fn first_reference(&self, references: &[(&Node, &Node)]) -> usize {
        let rank = |(from, to): (&Node, &Node)| {
            let [from, to] = [from, to].map(plain);
            let is_leading = self.leading.contains(&from) && self.leading.contains(&to);
            (!is_leading, !self.exists(&to))
        };
        (0..references.len()).min_by_key(|at| rank(references[*at])).unwrap_or(0)
    }

    /// Whether a node is there.
    pub(super) fn exists(&self, node: &Node) -> bool {
        self.judgement.exists(plain(node).as_ref())
    }

    /// What it is about where a root differs.
    pub(super) fn cause_of_root(&self, node: &Node, is_missing: bool) -> Cause {
        let node = plain(node);
        let cause = self.cause(&node);
        let judged = match is_missing {
            true => root_rules(&self.judgement.graph(), &node)
                .first()
                .map_or(cause.judged, |rule| Judged::Root(*rule)),
            false if cause.judged == Judged::Expired => Judged::Expired,
            false => Judged::NoRoot,
        };
        Cause { judged, ..cause }
    }

    /// What it is about where a reference differs.
    pub(super) fn cause_of_reference(&self, from: &Node, to: &Node, is_missing: bool) -> Cause {
        let graph = self.judgement.graph();
        let ends = graph.find(from.as_ref()).zip(graph.find(to.as_ref()));
        let rule = ends.and_then(|(from, to)| {
            let arcs = (graph.root_count()..graph.len_now()).map(|number| graph.arc(number));
            let is_from = |source| matches!(source, Source::Visit(visit) if visit.node == from);
            { arcs }.find(|arc| arc.to.node == to && is_from(arc.from)).map(|arc| arc.rule)
        });
        let judged = match (is_missing, rule) {
            (true, Some(rule)) => Judged::Refers(rule),
            (true, None) => self.cause(to).judged,
            (false, _) => Judged::RefersNot,
        };
        Cause { resource_type: from.resource_type.stripped(), judged }
    }

    /// What it is about where a node differs.
    pub(super) fn cause(&self, node: &Node) -> Cause {
        let node = plain(node);
        let judged = match self.judgement.reason(node.as_ref()) {
            Some(reason) => Judged::Kept(reason.rule),
            None => match self.judgement.failures(node.as_ref()).first() {
                None => Judged::Unmentioned,
                Some(Failure::ReferrerRemoved { expired: None, rule, .. }) => Judged::ReferrerRemoved(*rule),
                Some(Failure::ReferrerNotFull { rule, .. }) => Judged::ReferrerNotFull(*rule),
                Some(Failure::ConditionUnmet { .. }) => Judged::ConditionUnmet,
                Some(failure) if failure.is_of_expiry() => Judged::Expired,
                Some(_) => Judged::NearMiss,
            },
        };
        Cause { resource_type: node.resource_type, judged }
    }
}

/// The rules that make a node a root, without repeats.
fn root_rules(graph: &Graph<'_, '_>, node: &Node) -> Vec<Rule> {
    let Some(node) = graph.find(node.as_ref()) else { return Vec::new() };
    let roots = (0..graph.root_count()).map(|number| graph.arc(number)).filter(|arc| arc.to.node == node);
    roots.map(|arc| arc.rule).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A node however it is reached: what is said of it is said of all visits.
pub(super) fn plain(node: &Node) -> Node {
    Node { resource_type: node.resource_type.stripped(), ..node.clone() }
}
