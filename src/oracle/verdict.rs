//! What becomes of one resource that a sweep comes across.

use super::Judgement;
use super::facts::{Location, Resource};
use super::nodes::Visit;
use super::rules::{Failure, Reason};
use crate::node::{Node, NodeRef, ResourceType};

/// A resource that a sweep comes across, with its verdict.
#[derive(Clone, Copy)]
pub struct Verdict<'j, 'a> {
    judgement: &'j Judgement<'a>,
    resource: Resource<'a>,
}

impl<'a> Judgement<'a> {
    /// Everything that a sweep comes across: by namespace leases, snapshots, ingests, content and images, then what
    /// the collectors list, in the order of the question.
    pub fn resources(&self) -> impl Iterator<Item = Verdict<'_, 'a>> {
        self.facts.resources.iter().map(|resource| Verdict { judgement: self, resource: *resource })
    }
}

impl<'a> Verdict<'_, 'a> {
    /// The node, with the type under which it is walked or listed.
    pub fn node(&self) -> Node {
        self.judgement.facts.nodes.node(self.resource.visit)
    }

    /// Whether it is this node.
    pub fn is(&self, node: NodeRef<'_>) -> bool {
        self.judgement.facts.nodes.is_node(self.resource.visit, node)
    }

    /// The type under which it is walked or listed.
    pub fn resource_type(&self) -> ResourceType {
        let Visit { node, high } = self.resource.visit;
        self.judgement.facts.nodes.at(node).type_in(high)
    }

    /// What a snapshot's key has before its first slash; none without a slash.
    pub fn snapshotter(&self) -> Option<&'a [u8]> {
        self.judgement.facts.nodes.at(self.resource.visit.node).key.before_slash()
    }

    /// Whether it stays; if not, it is handed to removal.
    pub fn is_kept(&self) -> bool {
        self.judgement.is_kept(&self.resource)
    }

    /// The collector that lists it; none for what the database has.
    pub fn listed_by(&self) -> Option<ResourceType> {
        match self.resource.location {
            Location::Listed(collector) => Some(collector),
            _ => None,
        }
    }

    /// Why it is kept; none if it is removed.
    pub fn reason(&self) -> Option<Reason<'a>> {
        let reached = self.judgement.keep.of(self.resource.visit.node).next()?;
        self.is_kept().then(|| self.judgement.reason_of(reached))
    }

    /// What might have kept it and did not, in a fixed order; none if nothing ever mentioned it, or if it is kept.
    pub fn failures(&self) -> Vec<Failure<'a>> {
        if self.is_kept() {
            return Vec::new();
        }
        match self.judgement.keep.of(self.resource.visit.node).next() {
            Some(reached) => {
                let (resource_type, reason) = (self.resource_type(), self.judgement.reason_of(reached));
                vec![Failure::ListedWithType { resource_type, reason }]
            }
            None => self.judgement.failures(self.node().as_ref()),
        }
    }
}
