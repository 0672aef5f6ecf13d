//! One side of a comparison, with what engine and oracle say of it.

use super::compare::Fate;
use crate::engine::{self, Request, collect};
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::{Defects, Judgement, judge};
use crate::properties::check;
use crate::release::Release;
use crate::scenario::NodeName;
use crate::schema::names;
use crate::situation::Situation;
use std::collections::BTreeMap;

/// What a node is in every release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Box<[u8]>,
    /// Its key, for a snapshot `SNAPSHOTTER/NAME`.
    pub key: Box<[u8]>,
}

impl Named {
    /// The node as steps name it, its namespace written out.
    pub fn in_steps(&self) -> NodeName {
        let Named { kind, namespace, key } = self;
        NodeName::new(Some(namespace.to_vec()), *kind, key.to_vec())
    }
}

/// A resource as one side's sweep meets it.
pub(super) struct Swept<'a> {
    /// With that side's number.
    pub(super) node: Node,
    /// What might have kept it is not told: it is looked up where it is shown.
    pub(super) fate: Fate<'a>,
    /// Its place among the judgement's resources.
    place: usize,
    /// The kind of the collector that lists it; none for what is in the database.
    pub(super) listed_by: Option<Kind>,
}

pub(super) struct Judged<'a> {
    pub(super) side: &'a Situation,
    pub(super) judgement: Judgement<'a>,
    pub(super) outcome: engine::Outcome,
    pub(super) swept: BTreeMap<Named, Swept<'a>>,
    /// Where engine and oracle contradict each other, in words.
    pub(super) disagreements: Vec<String>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(side: &'a Situation) -> Judged<'a> {
        let release = side.release;
        let (outcome, judgement) = (collect(side), judge(side, Defects::as_shipped(release)));
        let findings = check::compare(&Request::new(side), &outcome, &judgement).into_iter();
        let disagreements = findings.map(|finding| {
            format!("collector and oracle of {release} disagree ({}): {finding}", finding.property)
        });
        let swept = judgement.resources().enumerate().map(|(place, verdict)| {
            let node = verdict.node();
            let fate = match verdict.reason() {
                Some(reason) => Fate::Kept(reason),
                None if outcome.error.is_some() => Fate::Spared(Vec::new()),
                None => Fate::Removed(Vec::new()),
            };
            let listed_by = verdict.listed_by().map(|listing| release.kind_of(listing));
            let kind = release.kind_of(node.resource_type);
            let named = Named { kind, namespace: node.namespace.clone(), key: node.key.clone() };
            (named, Swept { node, fate, place, listed_by })
        });
        let (disagreements, swept) = (disagreements.collect(), swept.collect());
        Judged { side, judgement, outcome, swept, disagreements }
    }

    pub(super) fn release(&self) -> Release {
        self.side.release
    }

    pub(super) fn fate(&self, named: &Named) -> Fate<'a> {
        self.swept.get(named).map_or(Fate::NotSwept, |swept| swept.fate.clone())
    }

    /// The same with all that might have kept a node that goes.
    pub(super) fn fate_told(&self, named: &Named) -> Fate<'a> {
        let verdict = self.swept.get(named).and_then(|swept| self.judgement.resources().nth(swept.place));
        let failures = || verdict.map(|verdict| verdict.failures()).unwrap_or_default();
        match self.fate(named) {
            Fate::Removed(_) => Fate::Removed(failures()),
            Fate::Spared(_) => Fate::Spared(failures()),
            fate => fate,
        }
    }

    pub(super) fn has_bucket(&self, path: &[&[u8]]) -> bool {
        self.side.tree.view().at(path).is_some()
    }

    /// Whether this side reaches a node of another side, at least as fully. What is no node here holds by its being
    /// there.
    pub(super) fn reaches(&self, node: NodeRef<'_>, numbered: Release) -> bool {
        let (rules, kind) = (self.release().rules(), plain_kind(numbered, node.resource_type));
        let is_there = |folder| self.has_bucket(&[names::V1, node.namespace, folder, node.key]);
        match kind {
            Kind::Image if !rules.image_nodes => is_there(names::IMAGES),
            Kind::Container if !rules.back_references => is_there(names::CONTAINERS),
            _ => numbered.number_in(self.release(), node.resource_type).is_some_and(|resource_type| {
                let reason = self.judgement.reason(NodeRef { resource_type, ..node });
                reason.is_some_and(|reason| {
                    reason.reached_as == resource_type || reason.reached_as == resource_type.stripped()
                })
            }),
        }
    }
}

/// The kind of a type, whatever bits it has above 0x1F.
pub(super) fn plain_kind(release: Release, resource_type: ResourceType) -> Kind {
    release.kind_of(resource_type.stripped())
}
