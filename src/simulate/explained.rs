//! What the oracle holds against a finding: the chain that keeps its node, or what might have kept it and did not.

use super::small::Small;
use crate::node::{Kind, Node};
use crate::oracle::{By, Judgement, judge};
use crate::properties::known::Known;
use crate::properties::property::{Property, When};
use crate::reason::Words;
use crate::release::Release;
use crate::scenario::{DEFAULT_NAMESPACE, Line, Name};
use crate::world::{Collected, Fault, World};
use std::collections::BTreeSet;

/// What the last collection of a small case shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explained {
    /// What the oracle holds against the engine, a line each.
    pub oracle: Vec<String>,
    /// The names that this is about.
    pub names: BTreeSet<Name>,
}

impl Explained {
    /// Explains what a small case breaks.
    pub(super) fn of(release: Release, known: Known, small: &Small, fault: Option<Fault>) -> Explained {
        let finding = &small.seen.finding;
        if !matches!(finding.property.when(), When::Each | When::Thorough) {
            let names = finding.names().into_iter().collect();
            return Explained { oracle: vec![finding.property.sentence().to_owned()], names };
        }
        let mut world = World::new(release);
        let mut last = None;
        for line in &small.case {
            last = world.apply_with(line, fault).collected.or(last);
        }
        let Some(collected) = last else { return Explained::default() };
        let judgement = judge(&collected.before, known.defects);
        if let Some(node) = finding.node().cloned().or_else(|| first_difference(&collected, &judgement)) {
            return Explained::of_node(&collected, &judgement, node);
        }
        let errors: Vec<String> = judgement.errors().iter().map(|error| format!("`{error}`")).collect();
        let said = match (finding.property, errors.is_empty()) {
            (Property::Error, _) if collected.cancel_at_root.is_some() => {
                "the context is cancelled, which ends the collection with nothing changed".to_owned()
            }
            (Property::Error, true) => "the collection succeeds".to_owned(),
            (Property::Error, false) => {
                format!("the collection fails with {}, and changes nothing", errors.join(" or "))
            }
            (property, _) => property.sentence().to_owned(),
        };
        Explained { oracle: vec![said], ..Explained::default() }
    }

    /// Why a node is kept, or what might have kept it and did not.
    pub fn of_node(collected: &Collected, judgement: &Judgement<'_>, node: Node) -> Explained {
        let release = collected.before.release;
        let words = Words { release, tree: &collected.before.tree, namespace: DEFAULT_NAMESPACE };
        let mut shown = Explained::default();
        shown.add_names(release, &node);
        // A resource may go though its node is kept, where it is listed with a type that is never found marked.
        let verdict = judgement.resources().find(|verdict| verdict.node() == node);
        if !verdict.map_or_else(|| judgement.keeps(node.as_ref()), |verdict| verdict.is_kept()) {
            let failures = verdict.map(|verdict| verdict.failures());
            let failures = failures.unwrap_or_else(|| judgement.failures(node.as_ref()));
            let why = words.failures(node.as_ref(), &failures);
            shown.oracle.push(format!("{}   {why}", words.plain(node.as_ref())));
            return shown;
        }
        let mut kept = node;
        for reason in judgement.chain(kept.clone().as_ref()) {
            let why = words.reason(kept.as_ref(), &reason);
            shown.oracle.push(format!("{}   {why}", words.plain(kept.as_ref())));
            let By::Node(by) = reason.by else { break };
            kept = by;
            shown.add_names(release, &kept);
        }
        shown
    }

    /// Adds the names of a node that this is about.
    pub fn add_names(&mut self, release: Release, node: &Node) {
        self.names.insert(node.key.to_vec());
        if release.kind_of(node.resource_type) == Kind::Snapshot
            && let Some(slash) = node.key.iter().position(|byte| *byte == b'/')
        {
            self.names.insert(node.key[slash + 1..].to_vec());
        }
    }

    /// Whether a line mentions what this is about.
    pub fn matters(&self, line: &Line) -> bool {
        let mut mentions = false;
        line.step.clone().for_each_name(&mut |name| mentions |= self.names.contains(name));
        mentions
    }
}

/// The first node of which engine and oracle think differently.
fn first_difference(collected: &Collected, judgement: &Judgement<'_>) -> Option<Node> {
    let outcome = &collected.outcome;
    if outcome.error.is_none() && judgement.errors().is_empty() {
        let differs = judgement.resources().find(|verdict| {
            let node = verdict.node();
            verdict.is_kept() == collected.has_removed(node.as_ref())
        });
        if let Some(verdict) = differs {
            return Some(verdict.node());
        }
    }
    let marked: BTreeSet<Node> = outcome.marked()?.into_iter().map(|node| node.to_node()).collect();
    let kept: BTreeSet<Node> = judgement.kept().into_iter().collect();
    marked.symmetric_difference(&kept).next().cloned()
}
