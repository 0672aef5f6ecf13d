//! Engine and oracle on a recorded row.

use super::compare::{Difference, compare};
use super::results::{Reference, Results};
use super::row::Row;
use crate::bucket::json;
use crate::engine::{Call, Dirty, Error, Fault, NodeId, Outcome, Request, collect_with, phases};
use crate::go::Go;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::{self, Defects, Judgement, judge};
use crate::release::Release;
use crate::situation::Situation;
use crate::text;
use std::fmt;

/// Which of the two went wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Party {
    /// The collector's engine.
    Engine,
    /// The oracle.
    Oracle,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Party::Engine => "engine",
            Party::Oracle => "oracle",
        })
    }
}

/// What did not go as a row records it.
#[derive(Clone, PartialEq, Debug)]
pub struct Broken {
    /// Whose it is.
    pub party: Party,
    /// The field, and the first that differs in it.
    pub difference: Difference,
    /// Which of the row's outcomes it was held to.
    pub expected: usize,
    /// What was done instead: of the oracle only the field that differs, all else as recorded.
    pub got: Results,
}

/// Runs a row's case, as daemons built with some Go would, through engine and oracle and compares everything that was recorded, every outcome of it.
///
/// # Errors
/// The first difference, and whose it is.
pub fn run(row: &Row, release: Release, go: Go, fault: Option<Fault>) -> Result<(), Box<Broken>> {
    for (at, expected) in row.expected.iter().enumerate() {
        let broken = |party, difference, got| Box::new(Broken { party, difference, expected: at, got });
        let situation = row.situation(release, expected.last_iterated_collector.map(ResourceType));
        let situation = Situation { built_with: go, ..situation };
        let outcome = collect_with(&Request::new(&situation), fault);
        let dirty = outcome.dirty.clone();
        let got = results_of(&situation, outcome, fault);
        compare(row, expected, &got)
            .and_then(|()| compare_dirty(release, expected, &dirty))
            .map_err(|difference| broken(Party::Engine, difference, got))?;
        compare_oracle(row, expected, &judge(&situation, Defects::as_shipped(release)))
            .map_err(|(difference, got)| broken(Party::Oracle, difference, *got))?;
    }
    Ok(())
}

/// Everything that a row records, from the engine: every field.
pub fn results(situation: &Situation, fault: Option<Fault>) -> Results {
    results_of(situation, collect_with(&Request::new(situation), fault), fault)
}

fn results_of(situation: &Situation, outcome: Outcome, fault: Option<Fault>) -> Results {
    let phases = phases(situation, fault);
    let owned = |ids: &[NodeId]| ids.iter().map(|id| phases.nodes.get(*id).to_node()).collect::<Vec<_>>();
    let text = |error: &Option<Error>| error.as_ref().map(Error::to_string);
    let refs = phases.references.iter();
    let refs = refs.map(|(id, to, error)| (phases.nodes.get(*id).to_node(), owned(to), text(error)));
    let mut refs: Vec<Reference> = refs.collect();
    refs.sort();
    Results {
        roots: Some(owned(&phases.roots)),
        roots_error: Some(text(&phases.roots_error)),
        all: Some(owned(&phases.all)),
        refs: Some(refs),
        marked: Some(outcome.marked().map(|marked| marked.into_iter().map(NodeRef::to_node).collect())),
        removed: Some(outcome.refs(&outcome.removed).map(NodeRef::to_node).collect()),
        calls: Some(calls(&outcome)),
        error: Some(text(&outcome.error)),
        after: Some(outcome.after),
        last_iterated_collector: None,
        count: None,
        deleted: None,
    }
}

/// The collectors' calls that are recorded, in their text form.
fn calls(outcome: &Outcome) -> Vec<String> {
    let recorded = outcome.calls.iter().filter_map(|called| {
        let call = match &called.call {
            Call::Remove(node) => {
                format!("remove {}/{}", json::encode(&node.namespace), json::encode(&node.key))
            }
            Call::Finish => "finish".to_owned(),
            Call::Cancel => "cancel".to_owned(),
            _ => return None,
        };
        Some(format!("type {} {call}", called.resource_type.0))
    });
    recorded.collect()
}

/// No recording says which backends were noted for a clean-up; it follows from what was handed to removal, as each is noted
/// before its removal is tried (`DB.GarbageCollect`): content for a blob or an ingest, a snapshotter for each of its
/// snapshots, by the key up to its first slash if it has one behind its beginning.
fn compare_dirty(release: Release, expected: &Results, dirty: &Dirty) -> Result<(), Difference> {
    let Some(removed) = &expected.removed else { return Ok(()) };
    let mut derived = Dirty::default();
    for node in removed.iter().filter(|node| !release.is_flat(node.resource_type)) {
        match release.kind_of(node.resource_type) {
            Kind::Content | Kind::Ingest => derived.content = true,
            Kind::Snapshot => {
                let slash = node.key.iter().position(|byte| *byte == b'/').filter(|slash| *slash > 0);
                derived.snapshotters.extend(slash.map(|slash| Box::from(&node.key[..slash])));
            }
            _ => {}
        }
    }
    if *dirty == derived {
        return Ok(());
    }
    let [noted, called_for] = [dirty, &derived].map(|dirty| {
        let snapshotters = dirty.snapshotters.iter().map(|name| text::name(name));
        let content = dirty.content.then(|| "content".to_owned());
        let backends: Vec<String> = content.into_iter().chain(snapshotters).collect();
        if backends.is_empty() { "nothing".to_owned() } else { backends.join(", ") }
    });
    let text =
        format!("noted for a clean-up is {noted}, what was recorded as removed calls for {called_for}");
    Err(Difference { field: "removed", text })
}

/// The oracle knows no order: its keep set, its removals as a set, its errors and its tree are compared. What differs is
/// given with what is judged in its place.
fn compare_oracle(
    row: &Row,
    expected: &Results,
    judgement: &Judgement<'_>,
) -> Result<(), (Difference, Box<Results>)> {
    let differs = |field, change: &dyn Fn(&mut Results)| {
        let mut got = expected.clone();
        change(&mut got);
        let text = "what was recorded is judged otherwise".to_owned();
        Err((Difference { field, text }, Box::new(got)))
    };
    let allowed: Vec<String> = judgement.errors().iter().map(ToString::to_string).collect();
    let is_allowed = |error: &Option<String>| match error {
        None => allowed.is_empty(),
        Some(error) => allowed.contains(error),
    };
    if !expected.error.as_ref().is_none_or(is_allowed) {
        return differs("error", &|got| got.error = Some(allowed.first().cloned()));
    }
    let kept = judgement.kept();
    if expected.marked.iter().flatten().next().is_some_and(|marked| *marked != kept) {
        return differs("marked", &|got| got.marked = Some(Some(kept.clone())));
    }
    if let (oracle::Progress::Success, Some(removed)) = (judgement.progress(), &expected.removed) {
        let gone = judgement.resources().filter(|resource| !resource.is_kept());
        let mut gone: Vec<Node> = gone.map(|resource| resource.node()).collect();
        let mut removed = removed.clone();
        gone.sort();
        removed.sort();
        if removed != gone {
            return differs("removed", &|got| got.removed = Some(gone.clone()));
        }
    }
    if let Some(calls) = &expected.calls {
        let ends = judgement.collector_ends();
        let ends = ends.iter().filter_map(|(number, end)| match end {
            oracle::End::Finish => Some(format!("type {} finish", number.0)),
            oracle::End::Cancel => Some(format!("type {} cancel", number.0)),
            oracle::End::Nothing => None,
        });
        let mut ends: Vec<String> = ends.collect();
        let (removals, mut recorded): (Vec<String>, Vec<String>) =
            calls.iter().cloned().partition(|call| call.contains(" remove "));
        ends.sort();
        recorded.sort();
        if recorded != ends {
            return differs("collector_calls", &|got| got.calls = Some([&removals[..], &ends].concat()));
        }
    }
    let after = if judgement.errors().is_empty() { judgement.tree_after() } else { row.db.clone() };
    match &expected.after {
        Some(recorded) if *recorded != after => differs("db_after", &|got| got.after = Some(after.clone())),
        _ => Ok(()),
    }
}
