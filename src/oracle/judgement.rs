//! What the oracle answers.

use super::Question;
use super::defects::Defect;
use super::facts::{Facts, Resource, full};
use super::failures::Failed;
use super::keep::{Cause, Keep, Reached};
use super::near_misses::NearMisses;
use super::nodes::{NodeId, Visit};
use super::rules::{By, Failure, Reason, Rule, RunError};
use crate::node::{Node, NodeRef};
use crate::release::Release;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// So many referrers are looked behind for the cause of it that a node is not kept.
const CAUSE_STEPS_MAX: usize = 32;

/// What must be kept, what must go, and what may be reported instead.
pub struct Judgement<'a> {
    pub(super) question: Question<'a>,
    pub(super) facts: Facts<'a>,
    pub(super) keep: Keep,
    pub(super) errors: BTreeSet<RunError>,
    /// What could have kept each node and did not; built when first asked for.
    failed: OnceLock<Failed>,
    /// What only looks so; built when first asked for.
    missed: OnceLock<NearMisses<'a>>,
}

impl<'a> Judgement<'a> {
    pub(super) fn new(question: Question<'a>, facts: Facts<'a>, keep: Keep) -> Judgement<'a> {
        let (failed, missed) = (OnceLock::new(), OnceLock::new());
        let mut judgement = Judgement { question, facts, keep, errors: BTreeSet::new(), failed, missed };
        judgement.errors = judgement.marking_errors();
        if judgement.errors.is_empty() {
            judgement.errors = judgement.sweeping_errors();
        }
        judgement
    }

    /// Whether a node is in the keep set. Its type is taken as in the marked set, without the bits above 0x1F.
    ///
    /// Where snapshotters with a slash are told apart (without [`Defect::SnapshotterCutAtSlash`]), a snapshot's
    /// text may mean several, and one that is kept suffices.
    pub fn keeps(&self, node: NodeRef<'_>) -> bool {
        self.kept_id(node).is_some()
    }

    /// The size of the keep set.
    pub fn kept_count(&self) -> usize {
        self.keep.nodes
    }

    /// The keep set: types stripped, sorted by type, namespace and key, nodes without a bucket included.
    pub fn kept(&self) -> Vec<Node> {
        let ids = 0..NodeId::try_from(self.facts.nodes.len()).expect("node numbers fit");
        let kept = ids.filter(|node| self.keep.has(*node));
        let mut kept: Vec<Node> = kept.map(|node| self.facts.nodes.node(full(node))).collect();
        kept.sort_unstable();
        kept
    }

    /// Why a node is kept; none if it is not. A type with bits above 0x1F asks for that very visit first.
    pub fn reason(&self, node: NodeRef<'_>) -> Option<Reason<'a>> {
        let id = self.kept_id(node)?;
        let same = |reached: &&Reached| reached.visit.high == node.resource_type.0 >> 5;
        let reached = self.keep.of(id).find(same).or_else(|| self.keep.of(id).next())?;
        Some(self.reason_of(reached))
    }

    /// The reasons from a node to a root; empty if it is not kept.
    pub fn chain(&self, node: NodeRef<'_>) -> Vec<Reason<'a>> {
        let mut chain: Vec<Reason<'a>> = self.reason(node).into_iter().collect();
        // A visit follows from earlier ones, so this ends.
        while let Some(By::Node(by)) = chain.last().map(|reason| &reason.by) {
            let Some(next) = self.reason(by.as_ref()) else { break };
            chain.push(next);
        }
        chain
    }

    /// How many resources are handed to removal where nothing fails; repeats count.
    pub fn removed_count(&self) -> usize {
        self.facts.resources.iter().filter(|resource| !self.is_kept(resource)).count()
    }

    /// Whose rules it judges by.
    pub fn release(&self) -> Release {
        self.question.situation.release
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.question.defects.contains(defect)
    }

    fn kept_id(&self, node: NodeRef<'_>) -> Option<NodeId> {
        let is_kept = |node: &NodeId| self.keep.has(*node);
        if self.has(Defect::SnapshotterCutAtSlash) {
            self.facts.nodes.find(node).filter(is_kept)
        } else {
            self.facts.nodes.find_any(node, is_kept)
        }
    }

    pub(super) fn is_kept(&self, resource: &Resource<'_>) -> bool {
        let Visit { node, high } = resource.visit;
        let can_be_found = high == Visit::FULL || !self.has(Defect::FlatTypeNeverMarked);
        can_be_found && self.keep.has(node)
    }

    pub(super) fn reason_of(&self, reached: &Reached) -> Reason<'a> {
        let Visit { node, high } = reached.visit;
        let reached_as = self.facts.nodes.at(node).type_in(high);
        match reached.cause {
            Cause::Root(number) => {
                let root = &self.facts.roots[number as usize];
                Reason { reached_as, rule: root.rule, label: root.label, by: By::Root(root.holder) }
            }
            Cause::Reference(number) => {
                let reference = &self.facts.references[number as usize];
                let by = self.facts.nodes.node(reference.from);
                Reason { reached_as, rule: reference.rule, label: reference.label, by: By::Node(by) }
            }
        }
    }

    /// What might have kept a node that is not in the keep set and did not, in a fixed order, the nearest first: rules
    /// that failed, then what only looks like a reason. Empty if nothing ever mentioned it, or if it is kept.
    pub fn failures(&self, node: NodeRef<'_>) -> Vec<Failure<'a>> {
        if self.keeps(node) {
            return Vec::new();
        }
        let mut failures = self.failed(node);
        let missed = self.missed.get_or_init(|| NearMisses::new(self)).of(self, node, &failures);
        failures.extend(missed);
        failures
    }

    /// What does not hold a node, kept or not, although it might or looks so: as [`Judgement::failures`], for which
    /// nothing is gathered beyond this node.
    pub fn not_holding(&self, node: NodeRef<'_>) -> Vec<Failure<'a>> {
        self.not_holding_of(node, &NearMisses::among(self, &[node]))
    }

    /// The same, where every node is asked about: it is gathered once for all.
    pub fn not_holding_of_all(&self, node: NodeRef<'_>) -> Vec<Failure<'a>> {
        self.not_holding_of(node, self.missed.get_or_init(|| NearMisses::new(self)))
    }

    fn not_holding_of(&self, node: NodeRef<'_>, missed: &NearMisses<'a>) -> Vec<Failure<'a>> {
        let mut failures = self.failed(node);
        let is_kept = self.keeps(node);
        // An ingest without an end that something holds is as it should be.
        let is_moot = |failure: &Failure<'_>| is_kept && *failure == Failure::IngestWithoutExpiry;
        failures.retain(|failure| !is_moot(failure) && !self.holds_otherwise(failure, node));
        let missed = missed.of(self, node, &failures).into_iter();
        let is_own = |failure: &Failure<'_>| match failure {
            Failure::OwnLabelNotRead { label, .. } => self.reads_own(node, label),
            _ => false,
        };
        failures.extend(missed.filter(|failure| !is_own(failure)));
        failures
    }

    /// Why a node is not kept in the end, and of which node that is said: behind it stand referrers alone that are not
    /// kept, each because of the next. None where there is more than one reason on the way, where nothing ever held the
    /// last, and where the way is longer than 32 steps or a circle.
    pub fn cause(&self, node: NodeRef<'_>) -> Option<(Node, Failure<'a>)> {
        let mut node = Node::new(node.resource_type, node.namespace, node.key);
        for _ in 0..CAUSE_STEPS_MAX {
            let failures = self.failed(node.as_ref());
            let (first, rest) = failures.split_first()?;
            let referrer = self.lost_referrer(first);
            let is_one = rest.iter().all(|other| referrer.is_some() && self.lost_referrer(other) == referrer);
            if !is_one {
                return None;
            }
            match referrer {
                Some(referrer) => node = referrer.clone(),
                None => return Some((node, first.clone())),
            }
        }
        None
    }

    /// The referrer that is there and not kept, if that is what failed; what has expired itself says why.
    pub fn lost_referrer<'f>(&self, failure: &'f Failure<'a>) -> Option<&'f Node> {
        match failure {
            Failure::ReferrerRemoved { by, expired: None, .. } => {
                Some(by).filter(|by| self.exists(by.as_ref()))
            }
            _ => None,
        }
    }

    /// As [`Judgement::failures`], of some nodes: nothing is gathered beyond these.
    pub fn failures_of_each(&self, nodes: &[NodeRef<'_>]) -> Vec<Vec<Failure<'a>>> {
        let missed = NearMisses::among(self, nodes);
        let failures = nodes.iter().map(|node| {
            if self.keeps(*node) {
                return Vec::new();
            }
            let mut failures = self.failed(*node);
            let missed = missed.of(self, *node, &failures);
            failures.extend(missed);
            failures
        });
        failures.collect()
    }

    fn failed(&self, node: NodeRef<'_>) -> Vec<Failure<'a>> {
        let failed = self.failed.get_or_init(|| Failed::new(&self.facts, &self.keep));
        self.facts.nodes.find(node).map(|id| failed.of(self, id)).unwrap_or_default()
    }

    /// Whether a node that does not refer to another in full does so flat, and is reached so.
    fn holds_otherwise(&self, failure: &Failure<'_>, node: NodeRef<'_>) -> bool {
        let by = match failure {
            Failure::ReferrerNotFull { by, .. } | Failure::OfReferrer { by, .. } => by,
            _ => return false,
        };
        let nodes = &self.facts.nodes;
        let both = nodes.find(by.as_ref()).zip(nodes.find(node));
        both.is_some_and(|(by, node)| {
            let mut held =
                self.facts.references.iter().filter(|held| held.from.node == by && held.to.node == node);
            held.any(|held| self.keep.reaches(held.from))
        })
    }

    /// Whether a label of a node's own makes it a root, or refers back.
    fn reads_own(&self, node: NodeRef<'_>, label: &[u8]) -> bool {
        let Some(id) = self.facts.nodes.find(node) else { return false };
        let roots = self.facts.roots.iter().filter(|root| root.rule == Rule::RootLabel);
        let roots = roots.map(|root| (root.to.node, root.label));
        let back = self.facts.references.iter().filter(|reference| reference.rule == Rule::BackReference);
        let back = back.map(|reference| (reference.to.node, reference.label));
        roots.chain(back).any(|read| read == (id, Some(label)))
    }

    /// Whether there is such a node: the database has it as what the release takes for one, or a collector lists it.
    pub fn exists(&self, node: NodeRef<'_>) -> bool {
        let is_it = |id| {
            let is_listed = || self.facts.resources.iter().any(|resource| resource.visit.node == id);
            self.facts.nodes.at(id).exists || is_listed()
        };
        self.facts.nodes.find_any(node, |id| is_it(*id)).is_some()
    }
}
