//! Whether objects stay, and in which way. The oracle is asked, once, and only where a finding depends on it.

use super::finding::{Object, Subject};
use crate::node::{Kind, Node};
use crate::oracle::{Defects, Judgement, judge};
use crate::situation::Situation;
use std::cell::OnceCell;

/// What becomes of an object at the next collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It stays, and so does what its labels refer to.
    Stays,
    /// It stays, held flat alone: what its labels refer to is not held by it, on purpose.
    StaysFlat,
    /// It goes.
    Goes,
}

/// Who answers.
pub(super) struct Kept<'a> {
    situation: &'a Situation,
    judgement: OnceCell<Judgement<'a>>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(situation: &'a Situation) -> Kept<'a> {
        Kept { situation, judgement: OnceCell::new() }
    }

    fn judgement(&self) -> &Judgement<'a> {
        let judge = || judge(self.situation, Defects::as_shipped(self.situation.release));
        self.judgement.get_or_init(judge)
    }

    /// Whether a blob stays.
    pub(super) fn keeps_blob(&self, namespace: &[u8], digest: &[u8]) -> bool {
        let number = self.situation.release.type_of(Kind::Content);
        let node = number.map(|number| Node::new(number, namespace, digest));
        node.is_some_and(|node| self.judgement().keeps(node.as_ref()))
    }

    /// What becomes of an object. What is no node in the release stays until a client deletes it.
    pub(super) fn fate(&self, object: &Object) -> Fate {
        let release = self.situation.release;
        let is_node = object.subject != Subject::Node(Kind::Image) || release.rules().image_nodes;
        let Some(node) = object.node_in(release).filter(|_| is_node) else { return Fate::Stays };
        match self.judgement().reason(node.as_ref()) {
            None => Fate::Goes,
            Some(reason) if release.is_flat(reason.reached_as) => Fate::StaysFlat,
            Some(_) => Fate::Stays,
        }
    }
}
