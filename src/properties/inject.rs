//! Errors where none should come: at every reference lookup, every removal, every call of a collector, and a context
//! that is cancelled at every root. Nothing may have changed, and the collectors must end as the release says.

use super::check::{Checks, Property, check_outcome, wrong_ends};
use crate::collector::Collector;
use crate::engine::{Fault, Faults, Outcome, Point, Request, collect_with};
use crate::oracle::{self, Defects, Judgement, judge};
use crate::situation::Situation;
use std::cell::Cell;
use std::sync::Arc;

/// Checks a collection with every error injected.
pub(super) fn check_injected<F: Faults>(
    checks: &mut Checks,
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    faults: F,
) {
    checks.add(Property::LookupError, check_point(request, judgement, Point::Lookup, faults));
    checks.add(Property::RemovalError, check_point(request, judgement, Point::Removal, faults));
    checks.add(Property::CollectorCall, check_calls(request, defects, faults));
    checks.add(Property::Cancellation, check_cancellation(request, outcome, judgement, faults));
}

/// An engine in which one call fails.
#[derive(Clone, Copy)]
struct Injected<'c, F> {
    faults: F,
    point: Point,
    number: usize,
    has_struck: &'c Cell<bool>,
}

impl<F: Faults> Faults for Injected<'_, F> {
    fn has(self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    fn strikes(self, point: Point, number: usize) -> bool {
        let strikes = point == self.point && number == self.number;
        self.has_struck.set(self.has_struck.get() || strikes);
        strikes
    }
}

fn check_point<F: Faults>(
    request: &Request<'_>,
    judgement: &Judgement<'_>,
    point: Point,
    faults: F,
) -> Option<Result<(), String>> {
    let phase = match point {
        Point::Lookup => oracle::Outcome::MarkFailed,
        Point::Removal => oracle::Outcome::SweepFailed,
    };
    for number in 1.. {
        let has_struck = Cell::new(false);
        let outcome = collect_with(request, Injected { faults, point, number, has_struck: &has_struck });
        if !has_struck.get() {
            return (number > 1).then_some(Ok(()));
        }
        // Behind the database's own removals come those of what collectors list, whose errors containerd swallows.
        let is_listed = point == Point::Removal && number > judgement.removed_paths().count();
        if is_listed && outcome.error.is_none() {
            continue;
        }
        let text = if outcome.error.as_deref() != Some(point.error()) {
            format!("it gives {:?} instead of the error", outcome.error)
        } else if outcome.after != request.situation.tree {
            "the tree has changed".to_owned()
        } else if let Some(text) = wrong_ends(request.situation.release, &outcome, judgement, phase) {
            text
        } else {
            continue;
        };
        return Some(Err(format!("an error at {} {number}: {text}", point.name())));
    }
    None
}

/// The context is cancelled at each root.
fn check_cancellation<F: Faults>(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    faults: F,
) -> Option<Result<(), String>> {
    if outcome.roots.is_empty() {
        return None;
    }
    // What else ends the scan of the roots comes first.
    let is_scanned = judgement.outcome() != oracle::Outcome::MarkFailed;
    Some((1..=outcome.roots.len()).try_for_each(|root| {
        let cancelled = collect_with(&Request { cancel_at_root: Some(root), ..*request }, faults);
        let text = match &cancelled.error {
            None => Some("it succeeds all the same".to_owned()),
            Some(error) if is_scanned && error != "context canceled" => Some(format!("it gives `{error}`")),
            Some(_) if cancelled.after != request.situation.tree => Some("the tree has changed".to_owned()),
            Some(_) => {
                wrong_ends(request.situation.release, &cancelled, judgement, oracle::Outcome::MarkFailed)
            }
        };
        text.map_or(Ok(()), |text| Err(format!("cancelled at root {root}: {text}")))
    }))
}

/// Each call of each collector fails; the oracle knows what follows.
fn check_calls<F: Faults>(request: &Request<'_>, defects: Defects, faults: F) -> Option<Result<(), String>> {
    type Fail = fn(&mut Collector);
    let fail: [(&str, Fail); 3] = [
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
        let kind = request.situation.release.kind_of(collectors[at].resource_type);
        let changed = Situation { collectors: Arc::new(collectors), ..request.situation.clone() };
        let changed_request = Request { situation: &changed, ..*request };
        let outcome = collect_with(&changed_request, faults);
        let findings = check_outcome(&changed_request, &outcome, &judge(&changed, defects), faults);
        let Some(finding) = findings.into_iter().next() else { return Ok(()) };
        Err(format!("{call} of {kind} fails: {}: {}", finding.property, finding.text))
    }))
}
