//! What must hold after every collection, asked of one.

use super::asked::{early_call, wrong_question};
use super::checks::Checks;
use super::dirty::wrong_notes;
use super::finding::{Breach, Finding, Found};
use super::log::wrong_line;
use super::property::Property;
use crate::bucket::Bucket;
use crate::engine::{Call, Error, Fault, Outcome, Request, collect, collect_with, culprits};
use crate::node::{Node, NodeRef};
use crate::oracle::{self, Defects, End, Judgement, Verdict, judge};
use crate::scenario::KeyPath;
use crate::schema::views;
use crate::situation::Situation;
use std::collections::BTreeSet;

/// Runs one collection and checks every property. At most one finding a property.
pub fn check(request: &Request<'_>, defects: Defects, fault: Option<Fault>) -> (Outcome, Vec<Finding>) {
    let outcome = collect_with(request, fault);
    let findings = check_outcome(request, &outcome, &judge(request.situation, defects), fault);
    (outcome, findings)
}

/// Checks what is checked after every collection of one that ran.
pub fn check_outcome(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Vec<Finding> {
    let mut findings = compare_with(request, outcome, judgement, fault);
    if outcome.error.is_none() {
        findings.extend(check_again(request, outcome, fault));
    }
    findings
}

/// What is checked after every collection.
pub fn check_each(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Checks {
    let findings = check_outcome(request, outcome, judgement, fault);
    Checks { checked: Property::each().collect(), findings }
}

/// Holds an outcome against a judgement. At most one finding a property.
pub fn compare(request: &Request<'_>, outcome: &Outcome, judgement: &Judgement<'_>) -> Vec<Finding> {
    compare_with(request, outcome, judgement, None)
}

/// The same of an engine that may have a fault.
fn compare_with(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Vec<Finding> {
    let mut found: Vec<(Property, Breach)> = Vec::new();
    found.extend(compare_error(request, outcome, judgement).map(|it| (Property::Error, it)));
    if outcome.error.is_none() && judgement.progress() == oracle::Progress::Success {
        let removed = compare_removed(outcome, judgement);
        let expected = judgement.tree_after();
        found.extend(removed.map(|(property, breach)| match breach {
            // What only a collector has goes by its hand.
            Breach::Removed(node) if outcome.after == expected && is_stored(request, &node) => {
                (property, Breach::HandedToRemoval(node))
            }
            Breach::Stays(node) if outcome.after == expected && is_stored(request, &node) => {
                (property, Breach::NotHandedToRemoval(node))
            }
            breach => (property, breach),
        }));
        if outcome.after != expected {
            let path = first_change(&expected, &outcome.after);
            let [expected, got] = [&expected, &outcome.after].map(|tree| Found::at(tree, &path));
            found.push((Property::Tree, Breach::Tree { path, got, expected }));
        }
    }
    if outcome.has_marked() && judgement.progress() != oracle::Progress::MarkFailed {
        found.extend(compare_marked(outcome, judgement));
    }
    found.extend(compare_collectors(request, outcome, judgement).map(|it| (Property::Collectors, it)));
    let notes = wrong_notes(request.situation.release, outcome, judgement);
    found.extend(notes.map(|it| (Property::Dirty, it)));
    let line = wrong_line(request.situation, outcome, judgement);
    found.extend(line.map(|line| (Property::Log, Breach::Logged(line))));
    let is_wrong_elsewhere = || found.iter().any(|(property, _)| *property != Property::Error);
    if ends_unmarked(request, outcome) || is_wrong_elsewhere() && hides_cancellation(request, outcome, fault)
    {
        // A cancelled collection removes nothing: that something stays, and that nothing is told of it, is right.
        let has_changed = outcome.after != request.situation.tree;
        found.retain(|(property, _)| match property {
            Property::Completeness => false,
            Property::Tree | Property::Dirty | Property::Log => has_changed,
            _ => true,
        });
        let allowed = vec![Error::Canceled.to_string()];
        found.push((Property::Error, Breach::Ended { error: None, allowed, at: Vec::new() }));
    }
    found.sort_by_key(|(property, _)| *property);
    found.dedup_by_key(|(property, _)| *property);
    let release = request.situation.release;
    found.into_iter().map(|(property, breach)| Finding::new(property, release, breach)).collect()
}

/// Whether a broken property costs more than marks of nodes that do not exist: of safety and completeness, whether
/// something that the sweep comes across goes wrongly, or stays.
pub fn is_loss(property: Property, outcome: &Outcome, judgement: &Judgement<'_>) -> bool {
    let wrongly_kept = match property {
        Property::Safety => false,
        Property::Completeness => true,
        _ => return true,
    };
    let removed: BTreeSet<NodeRef<'_>> = outcome.refs(&outcome.removed).collect();
    let is_wrong = |verdict: Verdict<'_, '_>| {
        verdict.is_kept() != wrongly_kept && removed.contains(&verdict.node().as_ref()) != wrongly_kept
    };
    outcome.error.is_none() && judgement.resources().any(is_wrong)
}

/// The first place at which two trees differ.
fn first_change(before: &Bucket, after: &Bucket) -> KeyPath {
    let changes = crate::bucket::diff(before, after);
    let first = changes.first().map(|change| change.path.iter().map(|key| key.to_vec()).collect());
    first.unwrap_or_default()
}

/// Whether the collection failed because its context was cancelled, of which the oracle knows nothing.
fn is_cancelled(request: &Request<'_>, outcome: &Outcome) -> bool {
    request.cancel_at_root.is_some() && outcome.error == Some(Error::Canceled)
}

/// Whether it is without marks and without an error, as only a cancelled collection ends that hides it.
fn ends_unmarked(request: &Request<'_>, outcome: &Outcome) -> bool {
    request.cancel_at_root.is_some() && outcome.error.is_none() && !outcome.has_marked()
}

/// Whether the collection stopped before the root at which its context was cancelled, and says nothing of it: undisturbed
/// it has more roots. Where it has no more of them, the context is cancelled too late to matter.
fn hides_cancellation(request: &Request<'_>, outcome: &Outcome, fault: Option<Fault>) -> bool {
    let roots = outcome.roots.len();
    outcome.error.is_none()
        && request.cancel_at_root == Some(roots + 1)
        && collect_with(&Request { cancel_at_root: None, ..*request }, fault).roots.len() > roots
}

fn compare_error(request: &Request<'_>, outcome: &Outcome, judgement: &Judgement<'_>) -> Option<Breach> {
    let mut allowed: BTreeSet<String> = judgement.errors().iter().map(ToString::to_string).collect();
    if is_cancelled(request, outcome) {
        allowed.insert(Error::Canceled.to_string());
    }
    let is_allowed = match &outcome.error {
        None => allowed.is_empty(),
        Some(error) => allowed.contains(&error.to_string()),
    };
    match &outcome.error {
        Some(error) if is_allowed && outcome.after != request.situation.tree => {
            let path = first_change(&request.situation.tree, &outcome.after);
            Some(Breach::FailedAndChanged(error.clone(), path))
        }
        error if !is_allowed => {
            let at = to_blame(request, outcome, judgement);
            Some(Breach::Ended { error: error.clone(), allowed: allowed.into_iter().collect(), at })
        }
        _ => None,
    }
}

/// Whether a node is of a kind that the database has, and no collector's.
fn is_stored(request: &Request<'_>, node: &Node) -> bool {
    let kind = request.situation.release.kind_of(node.resource_type);
    views::place_of(kind, &node.namespace, &node.key).is_some()
}

/// The nodes at which a collection wrongly failed, or wrongly did not: those that stop it, or would; of an error that does
/// not say so the first that are kept and do not exist, which is odd, and no reason to fail.
fn to_blame(request: &Request<'_>, outcome: &Outcome, judgement: &Judgement<'_>) -> Vec<Node> {
    const NODES_MAX: usize = 3;
    let situation = request.situation;
    let stopping = match &outcome.error {
        Some(_) => culprits(situation, outcome),
        None => culprits(situation, &collect(situation)),
    };
    let mut nodes: Vec<Node> = stopping.into_iter().map(|culprit| culprit.node).collect();
    if nodes.is_empty() && outcome.error.is_some() {
        let is_missing = |node: &Node| {
            let kind = situation.release.kind_of(node.resource_type);
            let is_there = views::has(&situation.tree, kind, &node.namespace, &node.key);
            !is_there && !judgement.exists(node.as_ref())
        };
        nodes.extend(judgement.kept().into_iter().filter(is_missing));
    }
    nodes.truncate(NODES_MAX);
    nodes
}

/// The marked set against the keep set, nodes that do not exist included.
fn compare_marked(outcome: &Outcome, judgement: &Judgement<'_>) -> Option<(Property, Breach)> {
    let marked = outcome.nodes.iter().filter(|(id, _)| outcome.is_marked(*id));
    let mut count = 0;
    for (_, node) in marked {
        count += 1;
        if !judgement.keeps(node) {
            return Some((Property::Completeness, Breach::Marked(node.to_node())));
        }
    }
    if count == judgement.kept_count() {
        return None;
    }
    let marked: BTreeSet<NodeRef<'_>> = outcome.marked()?.into_iter().collect();
    let missing = judgement.kept().into_iter().find(|node| !marked.contains(&node.as_ref()));
    let missing = missing.expect("of two sets the smaller lacks something");
    Some((Property::Safety, Breach::NotMarked(missing)))
}

/// What was handed to removal against what must go: one set, repeats counted.
fn compare_removed(outcome: &Outcome, judgement: &Judgement<'_>) -> Option<(Property, Breach)> {
    let expected = || judgement.resources().filter(|resource| !resource.is_kept());
    // Mostly both walk in the same order and agree one by one.
    let mut removed = outcome.refs(&outcome.removed);
    let agrees = |resource: Verdict<'_, '_>| removed.next().is_some_and(|node| resource.is(node));
    if expected().all(agrees) && removed.next().is_none() {
        return None;
    }
    let mut expected: Vec<Node> = expected().map(|resource| resource.node()).collect();
    let mut removed: Vec<NodeRef<'_>> = outcome.refs(&outcome.removed).collect();
    expected.sort_unstable();
    removed.sort_unstable();
    if expected.iter().map(Node::as_ref).eq(removed.iter().copied()) {
        return None;
    }
    let has_expected =
        |node: &NodeRef<'_>| expected.binary_search_by(|other| other.as_ref().cmp(node)).is_ok();
    if let Some(node) = removed.iter().find(|node| !has_expected(node)) {
        return Some((Property::Safety, Breach::Removed(node.to_node())));
    }
    let left = expected.into_iter().find(|node| removed.binary_search(&node.as_ref()).is_err());
    let breach = match left {
        Some(node) if judgement.keeps(node.as_ref()) => Breach::StaysListedFlat(node),
        Some(node) => Breach::Stays(node),
        None => Breach::Repeated,
    };
    Some((Property::Completeness, breach))
}

/// How the started collectors ended, where that is not what follows from how far the collection got.
pub(super) fn wrong_ends(
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    got_as_far_as: oracle::Progress,
) -> Option<Breach> {
    let ends = outcome.calls.iter().filter_map(|called| match called.call {
        Call::Finish => Some((called.resource_type, End::Finish)),
        Call::Cancel => Some((called.resource_type, End::Cancel)),
        _ => None,
    });
    let mut heard: Vec<_> = ends.collect();
    let mut expected = judgement.collector_ends_after(got_as_far_as);
    expected.retain(|(_, end)| *end != End::Nothing);
    heard.sort_unstable();
    expected.sort_unstable();
    (heard != expected).then_some(Breach::Ends { heard, expected })
}

fn compare_collectors(request: &Request<'_>, outcome: &Outcome, judgement: &Judgement<'_>) -> Option<Breach> {
    let is_cut_short = is_cancelled(request, outcome) || ends_unmarked(request, outcome);
    let ends_as = if is_cut_short { oracle::Progress::MarkFailed } else { judgement.progress() };
    let wrong = wrong_ends(outcome, judgement, ends_as);
    let wrong = wrong.or_else(|| wrong_question(request.situation, outcome));
    let wrong = wrong.or_else(|| early_call(outcome));
    if wrong.is_some() || judgement.progress() != oracle::Progress::Success || outcome.error.is_some() {
        return wrong;
    }
    let removals = outcome.calls.iter().filter_map(|called| match &called.call {
        Call::Remove(node) => Some(node),
        _ => None,
    });
    let mut told: Vec<&Node> = removals.collect();
    told.sort_unstable();
    let expected = judgement.collector_removals();
    if told.iter().copied().eq(expected.iter()) {
        return None;
    }
    Some(Breach::Told { told: told.into_iter().cloned().collect(), expected })
}

/// A second collection at the same instant finds only what has no bucket and what the collectors still list.
///
/// A collection is a function of its request: where the first one left the very block that it was asked about, the
/// second would be the first again, and need not run.
fn check_again(request: &Request<'_>, first: &Outcome, fault: Option<Fault>) -> Option<Finding> {
    if first.after.same_block(&request.situation.tree) {
        return None;
    }
    let again = Situation { tree: first.after.clone(), ..request.situation.clone() };
    let second = collect_with(&Request::new(&again), fault);
    let breach = match second.error {
        _ if second.after != first.after => {
            let path = first_change(&first.after, &second.after);
            let [before, after] = [&first.after, &second.after].map(|tree| Found::at(tree, &path));
            Breach::ChangesAgain { path, before, after }
        }
        Some(error) => Breach::FailsAgain(error),
        None => return None,
    };
    Some(Finding::new(Property::Again, request.situation.release, breach))
}
