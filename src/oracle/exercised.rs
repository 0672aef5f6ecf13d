//! What a judgement exercised, for those who count which rules their cases reach.

use super::Judgement;
use super::facts::Refusal;
use super::nodes::Visit;
use super::rules::Rule;
use crate::node::NodeRef;

impl Judgement<'_> {
    /// Every use of a rule: `true` where it keeps something, `false` where it might have and did not.
    pub fn exercised(&self, mut note: impl FnMut(Rule, bool)) {
        for root in &self.facts.roots {
            note(root.rule, true);
        }
        for reference in &self.facts.references {
            note(
                reference.rule,
                self.keep.of(reference.from.node).any(|reached| reached.visit == reference.from),
            );
        }
        for (_, refusal) in &self.facts.refusals {
            note(
                match refusal {
                    Refusal::LeaseExpired { .. } => Rule::LiveLease,
                    Refusal::HolderExpired { rule, .. } => *rule,
                    Refusal::ImageExpired { .. } => Rule::UnexpiredImage,
                    Refusal::IngestExpired { .. }
                    | Refusal::IngestWithoutExpiry
                    | Refusal::IngestUndecodable { .. } => Rule::ActiveIngest,
                    Refusal::ConditionUnmet { .. } => Rule::Condition,
                    Refusal::ParentMissing { .. } => Rule::BackReference,
                },
                false,
            );
        }
    }

    /// Whether a node is kept and reached in full, so that its own references count.
    pub fn keeps_in_full(&self, node: NodeRef<'_>) -> bool {
        let id = self.facts.nodes.find(node);
        id.is_some_and(|id| self.keep.of(id).any(|reached| reached.visit.high == Visit::FULL))
    }

    /// How many nodes the longest of the shortest chains from a root has, the root included; 0 if nothing is kept.
    pub fn longest_chain(&self) -> usize {
        self.keep.chain
    }

    /// Whether some node is visited both flat and in full.
    pub fn has_both_visits(&self) -> bool {
        self.keep.has_both_visits
    }

    /// Whether something expires at the very instant of the collection, or one nanosecond before or after it.
    pub fn expires_on_the_tick(&self) -> bool {
        self.facts.expires_on_the_tick
    }

    /// Whether something that is kept refers to what the database does not have.
    pub fn has_dead_edge(&self) -> bool {
        let end = self.question.situation.release.rules().types.end;
        let followed = self.facts.references.iter().filter(|reference| self.keep.has(reference.from.node));
        followed.map(|reference| self.facts.nodes.at(reference.to.node)).any(|target| {
            // What collectors have is nowhere in the database.
            !target.exists && target.resource_type.0 < end
        })
    }

    /// Whether there is a circle of one or two nodes that is kept, and one that is not.
    pub fn circles(&self) -> (bool, bool) {
        let mut edges: Vec<_> =
            self.facts.references.iter().map(|reference| (reference.from.node, reference.to.node)).collect();
        edges.sort_unstable();
        let is_circle = |(from, to): &&(u32, u32)| edges.binary_search(&(*to, *from)).is_ok();
        let circles = || edges.iter().filter(is_circle);
        let is_kept = |(from, _): &(u32, u32)| self.keep.has(*from);
        (circles().any(is_kept), circles().any(|edge| !is_kept(edge)))
    }
}
