//! Which of several differences is the cause of the others, and which are one mistake.
//!
//! ```text
//!   snapshot/parent   not marked   its parent's rule     the cause
//!   content/layer     not marked   a label of parent     follows
//! ```

use crate::node::{Node, ResourceType};
use crate::oracle::{By, Defects, Failure, Judgement, Rule, judge};
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
    /// The type of the node that differs, without the flat bit.
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
        }
    }
}

/// Why ours does what it does with the nodes of a situation.
pub(super) struct Causes<'a>(Judgement<'a>);

impl<'a> Causes<'a> {
    pub(super) fn of(situation: &'a Situation) -> Causes<'a> {
        Causes(judge(situation, Defects::as_shipped(situation.release)))
    }

    /// The place of the first of some nodes with which otherwise is done than is right that does not follow from another one:
    /// of which what holds it, or would, is none of them.
    pub(super) fn first(&self, nodes: &[&Node]) -> usize {
        let all: BTreeSet<Node> = nodes.iter().map(|node| plain(node)).collect();
        let follows = |node: &Node| match self.0.reason(node.as_ref()) {
            Some(reason) => matches!(reason.by, By::Node(by) if all.contains(&plain(&by))),
            None => self.0.failures(node.as_ref()).iter().any(|failure| match failure {
                Failure::ReferrerRemoved { by, .. } => all.contains(&plain(by)),
                _ => false,
            }),
        };
        nodes.iter().position(|node| !follows(node)).unwrap_or(0)
    }

    /// Whether a node is there.
    pub(super) fn exists(&self, node: &Node) -> bool {
        self.0.exists(plain(node).as_ref())
    }

    /// What it is about where a node differs.
    pub(super) fn cause(&self, node: &Node) -> Cause {
        let node = plain(node);
        let judged = match self.0.reason(node.as_ref()) {
            Some(reason) => Judged::Kept(reason.rule),
            None => match self.0.failures(node.as_ref()).first() {
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

/// A node however it is reached: what is said of it is said of all visits.
pub(super) fn plain(node: &Node) -> Node {
    Node { resource_type: node.resource_type.stripped(), ..node.clone() }
}
