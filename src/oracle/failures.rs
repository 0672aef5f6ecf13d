//! Why a node is not kept: what might have kept it and did not.

use super::Judgement;
use super::facts::{Facts, Refusal, full};
use super::keep::Keep;
use super::nodes::{NodeId, Visit};
use super::rules::Failure;

/// So many nodes are looked behind for something that has expired.
const BEHIND_MAX: usize = 32;

/// What failed, by the node that it did not keep; others may.
pub(super) struct Failed {
    refusals: Vec<(NodeId, u32)>,
    references: Vec<(NodeId, u32)>,
}

impl Failed {
    pub(super) fn new(facts: &Facts<'_>, keep: &Keep) -> Failed {
        let sorted = |mut numbered: Vec<(NodeId, u32)>| {
            numbered.sort_unstable();
            numbered
        };
        let refusals = facts.refusals.iter().map(|(node, _)| *node).zip(0..);
        let references =
            facts.references.iter().zip(0..).filter(|(reference, _)| !keep.reaches(reference.from));
        let references = references.map(|(reference, number)| (reference.to.node, number));
        Failed { refusals: sorted(refusals.collect()), references: sorted(references.collect()) }
    }

    /// What did not keep a node, in a fixed order: first what has expired.
    pub(super) fn of<'a>(&self, judgement: &Judgement<'a>, node: NodeId) -> Vec<Failure<'a>> {
        let facts = &judgement.facts;
        let refusals = of_node(&self.refusals, node).iter();
        let refused = refusals.map(|(_, number)| refused_as(facts, facts.refusals[*number as usize].1));
        let references = || of_node(&self.references, node).iter().map(|(_, number)| *number);
        let unfollowed = references().map(|number| self.unfollowed(judgement, number));
        let of_referrers = references().flat_map(|number| {
            let from = facts.references[number as usize].from;
            let is_kept = judgement.keep.has(from.node);
            is_kept.then(|| self.of_referrer(judgement, from)).into_iter().flatten()
        });
        let mut failures: Vec<Failure<'a>> = refused.chain(unfollowed).chain(of_referrers).collect();
        failures.sort_unstable();
        failures.dedup();
        // What has expired is the cause, and what follows from something else that goes is not: of that first what goes
        // since something has expired behind it.
        failures.sort_by_cached_key(|failure| match failure {
            failure if failure.is_of_expiry() => 0,
            Failure::ReferrerRemoved { by, .. } => match judgement.facts.nodes.find(by.as_ref()) {
                Some(by) if self.rests_on_expiry(judgement, by) => 2,
                _ => 3,
            },
            Failure::OfReferrer { .. } => 4,
            _ => 1,
        });
        failures
    }

    /// Whether something that has expired would have kept a node, as far as that is looked for.
    fn rests_on_expiry(&self, judgement: &Judgement<'_>, node: NodeId) -> bool {
        let facts = &judgement.facts;
        let (mut seen, mut at) = (vec![node], 0);
        while let Some(node) = seen.get(at).copied().filter(|_| at < BEHIND_MAX) {
            let mut refusals = of_node(&self.refusals, node).iter();
            if refusals.any(|(_, number)| facts.refusals[*number as usize].1.is_of_expiry()) {
                return true;
            }
            for (_, number) in of_node(&self.references, node).iter().take(BEHIND_MAX) {
                let behind = facts.references[*number as usize].from.node;
                if !seen.contains(&behind) {
                    seen.push(behind);
                }
            }
            at += 1;
        }
        false
    }

    /// What did not keep a referring node in the way in which its reference would have counted.
    fn of_referrer<'a>(&self, judgement: &Judgement<'a>, from: Visit) -> Vec<Failure<'a>> {
        let facts = &judgement.facts;
        let by = facts.nodes.node(from);
        let refusals = of_node(&self.refusals, from.node).iter();
        let refusals = refusals.map(|(_, number)| facts.refusals[*number as usize].1);
        let refused = refusals.filter(|refusal| match refusal {
            Refusal::HolderExpired { high, .. } => *high == from.high,
            _ => from.high == Visit::FULL,
        });
        let refused = refused.map(|refusal| refused_as(facts, refusal));
        let references = of_node(&self.references, from.node).iter().map(|(_, number)| *number);
        let references = references.filter(|number| facts.references[*number as usize].to == from);
        let unfollowed = references.map(|number| self.unfollowed(judgement, number));
        let failures = refused.chain(unfollowed);
        failures.map(|failure| Failure::OfReferrer { by: by.clone(), failure: Box::new(failure) }).collect()
    }

    fn unfollowed<'a>(&self, judgement: &Judgement<'a>, number: u32) -> Failure<'a> {
        let (facts, keep) = (&judgement.facts, &judgement.keep);
        let reference = &facts.references[number as usize];
        let (rule, label, from) = (reference.rule, reference.label, reference.from);
        if let Some(reached) = keep.of(from.node).next() {
            let reason = judgement.reason_of(reached);
            return Failure::ReferrerNotFull { by: facts.nodes.node(from), rule, label, reason };
        }
        let mut refusals = of_node(&self.refusals, from.node).iter();
        let expired = refusals.find_map(|(_, number)| match facts.refusals[*number as usize].1 {
            Refusal::ImageExpired { at } | Refusal::IngestExpired { at } => Some(at),
            _ => None,
        });
        Failure::ReferrerRemoved { by: facts.nodes.node(full(from.node)), rule, label, expired }
    }
}

fn of_node(numbered: &[(NodeId, u32)], node: NodeId) -> &[(NodeId, u32)] {
    let first = numbered.partition_point(|(other, _)| *other < node);
    let length = numbered[first..].partition_point(|(other, _)| *other == node);
    &numbered[first..first + length]
}

fn refused_as<'a>(facts: &Facts<'a>, refusal: Refusal<'a>) -> Failure<'a> {
    let node = |visit| facts.nodes.node(visit);
    match refusal {
        Refusal::LeaseExpired { at } => Failure::LeaseExpired { at },
        Refusal::HolderExpired { lease, at, .. } => Failure::HolderExpired { lease: node(full(lease)), at },
        Refusal::ImageExpired { at } => Failure::ImageExpired { at },
        Refusal::IngestExpired { at } => Failure::IngestExpired { at },
        Refusal::IngestWithoutExpiry => Failure::IngestWithoutExpiry,
        Refusal::IngestUndecodable { error } => Failure::IngestUndecodable { error },
        Refusal::ConditionUnmet { by, label, is_used } => {
            Failure::ConditionUnmet { by: node(by), label, is_used }
        }
        Refusal::ParentMissing { by, label } => Failure::ParentMissing { by: node(by), label },
    }
}
