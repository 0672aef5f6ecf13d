//! The rules that need everything to be read: conditions with times of use, back references with their parents.

use super::defects::Defect;
use super::facts::{Condition, Facts, Joined, Reader, Refusal, full};
use super::rules::Rule;
use super::times;
use crate::node::ResourceType;

impl Reader<'_> {
    /// A condition is a reference if it holds for a time of use of its snapshot.
    pub(super) fn join_conditions(&mut self) {
        self.uses.sort_unstable();
        for condition in std::mem::take(&mut self.conditions) {
            let Condition { from, to, comparison, label } = condition;
            let first = self.uses.partition_point(|(snapshot, _)| *snapshot < to);
            let uses = &self.uses[first..];
            let uses = &uses[..uses.partition_point(|(snapshot, _)| *snapshot == to)];
            // What holds for any of the times holds for the earliest or for the latest.
            let uses = uses.first().zip(uses.last()).map(|((_, first), (_, last))| (*first, *last));
            let now = self.question.situation.now;
            let holds = uses.is_some_and(|(first, last)| {
                [first, last].into_iter().any(|at| comparison.holds(times::elapsed(at, now)))
            });
            self.facts.conditions.push(Joined { condition, uses, holds });
            if holds {
                self.refer(from, full(to), Rule::Condition, Some(label));
            } else {
                let is_used = uses.is_some();
                self.refuse(to, Refusal::ConditionUnmet { by: from, label, is_used });
            }
        }
    }

    /// The intended rule: only a parent that exists keeps what refers back to it.
    pub(super) fn drop_missing_parents(&mut self) {
        if !self.rules.back_references || self.has(Defect::BackReferenceFromMissing) {
            return;
        }
        let is_stored = |resource_type: ResourceType| resource_type.0 < self.rules.types.end;
        let Facts { nodes, references, refusals, .. } = &mut self.facts;
        references.retain(|reference| {
            let is_back = matches!(reference.rule, Rule::BackReference | Rule::CollectorBackReference);
            let parent = nodes.at(reference.from.node);
            let is_missing = is_back && !parent.exists && is_stored(parent.resource_type);
            if is_missing {
                let refusal = Refusal::ParentMissing { by: reference.from, label: reference.label };
                refusals.push((reference.to.node, refusal));
            }
            !is_missing
        });
    }
}
