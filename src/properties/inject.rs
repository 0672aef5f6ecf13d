//! Errors where none should come: at reference lookups, removals, every call of a collector, and a context that is
//! cancelled at a root. Nothing may have changed, and the collectors must end as the release says.
//!
//! ```text
//!   places   1 2 3 4 5 ... 199 200        each is tried
//!   places   1 . . 4 . . . 8 . ... 20000  of more, or in a large database, the first, the last and some in each part between
//! ```
//!
//! Every place costs a collection, so that trying all would take the square of the database's size. Which are tried
//! depends on nothing but the numbers of places and of nodes: the same database is always tried at the same ones.

use super::check::{check_outcome, wrong_ends};
use super::checks::{Checks, both, node_count};
use super::dirty::wrong_notes_of_failed;
use super::finding::{Breach, Finding, Injection, Shortfall};
use super::property::Property;
use crate::collector::Collector;
use crate::engine::{Error, Fault, Outcome, Point, Request, collect_with};
use crate::oracle::{self, Defects, Judgement, judge};
use crate::situation::Situation;
use std::sync::Arc;

/// How many places are tried at most.
const TRIED_MAX: usize = 200;
/// In a large database so many that their collections walk no more nodes together ...
const NODES_MAX: usize = 300_000;
/// ... but no fewer than this.
const TRIED_MIN: usize = 3;
/// How many calls of a collector are made to fail.
const CALLS: usize = 3;

/// How many places are tried of so many in a collection.
fn tried(reached: usize, nodes: usize) -> usize {
    reached.min((NODES_MAX / nodes.max(1)).clamp(TRIED_MIN, TRIED_MAX))
}

/// How many collections [`check_injected`] runs.
pub(super) fn injected_collections(request: &Request<'_>, outcome: &Outcome) -> usize {
    let nodes = node_count(outcome);
    let reached = [outcome.lookups, outcome.removals, outcome.roots.len()];
    let calls = CALLS * request.situation.collectors.len();
    reached.map(|reached| tried(reached, nodes)).into_iter().sum::<usize>() + calls
}

/// The places, from 1, that are tried of so many in a collection: ascending, the first and the last among them.
fn places(reached: usize, nodes: usize) -> Vec<usize> {
    let tried = tried(reached, nodes);
    if reached <= tried {
        return (1..=reached).collect();
    }
    // One in each of equal parts, at changing distances, lest they keep step with a pattern in the database.
    const STRIDE: usize = 7919;
    let inner = (1..tried - 1).map(|part| {
        let (start, end) = (reached * part / tried, reached * (part + 1) / tried);
        start + 1 + part * STRIDE % (end - start)
    });
    [1].into_iter().chain(inner).chain([reached]).collect()
}

/// Checks a collection with errors injected.
pub(super) fn check_injected(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    fault: Option<Fault>,
) -> Checks {
    let mut checks = Checks::NONE;
    let at = |point| check_point(request, outcome, judgement, point, fault);
    let (lookup, removal) = both(outcome, || at(Point::Lookup), || at(Point::Removal));
    let release = request.situation.release;
    checks.add(release, Property::LookupError, lookup);
    checks.add(release, Property::RemovalError, removal);
    checks.add(release, Property::CollectorCall, check_calls(request, defects, fault));
    checks.add(release, Property::Cancellation, check_cancellation(request, outcome, judgement, fault));
    checks
}

/// Calls at a point fail.
fn check_point(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    point: Point,
    fault: Option<Fault>,
) -> Option<Result<(), Breach>> {
    let (reached, error, phase) = match point {
        Point::Lookup => (outcome.lookups, Error::Injected, oracle::Progress::MarkFailed),
        Point::Removal => {
            let error = Error::ScanAndRemove(Box::new(Error::Injected));
            (outcome.removals, error, oracle::Progress::SweepFailed)
        }
    };
    // Behind the database's own removals come those of what collectors list, whose errors containerd swallows.
    let own_removals = judgement.removed_paths().count();
    (reached > 0).then(|| {
        places(reached, node_count(outcome)).into_iter().try_for_each(|number| {
            let failed = collect_with(&Request { fail_at: Some((point, number)), ..*request }, fault);
            let is_listed = point == Point::Removal && number > own_removals;
            if is_listed && failed.error.is_none() {
                return Ok(());
            }
            let is_injected = |seen: &Error| *seen == error;
            let lost = lost(request, &failed, judgement, phase, is_injected);
            let at = Injection::Point(point, number);
            lost.map_or(Ok(()), |lost| Err(Breach::Injected { at, lost }))
        })
    })
}

/// What an error did not do that must end the collection, in this phase and with nothing changed.
fn lost(
    request: &Request<'_>,
    failed: &Outcome,
    judgement: &Judgement<'_>,
    phase: oracle::Progress,
    is_right: impl Fn(&Error) -> bool,
) -> Option<Shortfall> {
    if !failed.error.as_ref().is_some_and(is_right) {
        return Some(Shortfall::Error(failed.error.clone()));
    }
    if failed.after != request.situation.tree {
        return Some(Shortfall::TreeChanged);
    }
    let release = request.situation.release;
    let ends = wrong_ends(failed, judgement, phase).map(|breach| (Property::Collectors, breach));
    let notes = || wrong_notes_of_failed(release, failed).map(|breach| (Property::Dirty, breach));
    let (property, breach) = ends.or_else(notes)?;
    Some(Shortfall::Also(Box::new(Finding::new(property, release, breach))))
}

/// The context is cancelled at roots.
fn check_cancellation(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Option<Result<(), Breach>> {
    if outcome.roots.is_empty() {
        return None;
    }
    // What else ends the scan of the roots comes first.
    let is_scanned = judgement.progress() != oracle::Progress::MarkFailed;
    Some(places(outcome.roots.len(), node_count(outcome)).into_iter().try_for_each(|root| {
        let cancelled = collect_with(&Request { cancel_at_root: Some(root), ..*request }, fault);
        let is_right = |error: &Error| !is_scanned || *error == Error::Canceled;
        let lost = lost(request, &cancelled, judgement, oracle::Progress::MarkFailed, is_right);
        let at = Injection::CancelledAt(root);
        lost.map_or(Ok(()), |lost| Err(Breach::Injected { at, lost }))
    }))
}

/// Each call of each collector fails; the oracle knows what follows.
fn check_calls(request: &Request<'_>, defects: Defects, fault: Option<Fault>) -> Option<Result<(), Breach>> {
    type Fail = fn(&mut Collector);
    let fail: [(&'static str, Fail); CALLS] = [
        ("start", |collector| collector.start_error = true),
        ("cancel", |collector| collector.cancel_error = true),
        ("finish", |collector| collector.finish_error = true),
    ];
    if request.situation.collectors.is_empty() {
        return None;
    }
    let mut failing =
        (0..request.situation.collectors.len()).flat_map(|at| fail.map(|(call, fail)| (at, call, fail)));
    Some(failing.try_for_each(|(at, call, fail)| {
        let mut collectors = request.situation.collectors.to_vec();
        fail(&mut collectors[at]);
        let at = Injection::Call(call, collectors[at].resource_type);
        let changed = Situation { collectors: Arc::new(collectors), ..request.situation.clone() };
        let changed_request = Request { situation: &changed, ..*request };
        let outcome = collect_with(&changed_request, fault);
        let findings = check_outcome(&changed_request, &outcome, &judge(&changed, defects), fault);
        let Some(finding) = findings.into_iter().next() else { return Ok(()) };
        Err(Breach::Injected { at, lost: Shortfall::Also(Box::new(finding)) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_places_are_all_tried_and_of_many_a_fixed_sample_with_the_first_and_the_last() {
        for reached in [0, 1, 2, 199, 200] {
            assert!(places(reached, reached).into_iter().eq(1..=reached), "{reached}");
        }
        for (reached, nodes, tried) in [
            (201, 201, 200),
            (1_500, 1_500, 200),
            (20_000, 20_000, 15),
            (100_000, 100_000, 3),
            (150, 100_000, 3),
        ] {
            let places = places(reached, nodes);
            assert_eq!((places.len(), places[0], places[tried - 1]), (tried, 1, reached), "{places:?}");
            assert!(places.is_sorted_by(|left, right| left < right), "{places:?}");
        }
    }
}
