//! Errors where none should come: at every reference lookup, every removal, every call of a collector, and a context
//! that is cancelled at every root. Nothing may have changed, and the collectors must end as the release says.

use super::check::{Finding, Property, check_outcome, question, wrong_ends};
use crate::collector::Collector;
use crate::engine::{Fault, Faults, Outcome, Point, Request, collect_with};
use crate::oracle::{self, Defects, Judgement, judge};
use std::cell::Cell;

/// Checks a collection with every error injected. At most one finding a property.
pub(super) fn check_injected<F: Faults>(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    faults: F,
) -> Vec<Finding> {
    let found = [
        check_point(request, judgement, Point::Lookup, faults),
        check_point(request, judgement, Point::Removal, faults),
        check_cancellation(request, outcome, judgement, faults),
        check_calls(request, defects, faults),
    ];
    found.into_iter().flatten().collect()
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
) -> Option<Finding> {
    let (property, phase) = match point {
        Point::Lookup => (Property::LookupError, oracle::Outcome::MarkFailed),
        Point::Removal => (Property::RemovalError, oracle::Outcome::SweepFailed),
    };
    for number in 1.. {
        let has_struck = Cell::new(false);
        let outcome = collect_with(request, Injected { faults, point, number, has_struck: &has_struck });
        if !has_struck.get() {
            return None;
        }
        // Behind the database's own removals come those of what collectors list, whose errors containerd swallows.
        let is_listed = point == Point::Removal && number > judgement.removed_paths().count();
        if is_listed && outcome.error.is_none() {
            continue;
        }
        let text = if outcome.error.as_deref() != Some(point.error()) {
            format!("it gives {:?} instead of the error", outcome.error)
        } else if outcome.after != *request.tree {
            "the tree has changed".to_owned()
        } else if let Some(text) = wrong_ends(&outcome, judgement, phase) {
            text
        } else {
            continue;
        };
        return Some(Finding { property, text: format!("an error at {} {number}: {text}", point.name()) });
    }
    None
}

/// The context is cancelled at each root.
fn check_cancellation<F: Faults>(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    faults: F,
) -> Option<Finding> {
    (1..=outcome.roots.len()).find_map(|root| {
        let cancelled = collect_with(&Request { cancel_at_root: Some(root), ..*request }, faults);
        let text = match &cancelled.error {
            None => "it succeeds all the same".to_owned(),
            Some(_) if cancelled.after != *request.tree => "the tree has changed".to_owned(),
            Some(_) => wrong_ends(&cancelled, judgement, oracle::Outcome::MarkFailed)?,
        };
        let text = format!("cancelled at root {root}: {text}");
        Some(Finding { property: Property::Cancellation, text })
    })
}

/// Each call of each collector fails; the oracle knows what follows.
fn check_calls<F: Faults>(request: &Request<'_>, defects: Defects, faults: F) -> Option<Finding> {
    type Fail = fn(&mut Collector);
    let fail: [(&str, Fail); 3] = [
        ("start", |collector| collector.start_error = true),
        ("cancel", |collector| collector.cancel_error = true),
        ("finish", |collector| collector.finish_error = true),
    ];
    let failing = (0..request.collectors.len()).flat_map(|at| fail.map(|(call, fail)| (at, call, fail)));
    for (at, call, fail) in failing {
        let mut collectors = request.collectors.to_vec();
        fail(&mut collectors[at]);
        let changed = Request { collectors: &collectors, ..*request };
        let outcome = collect_with(&changed, faults);
        let findings = check_outcome(&changed, &outcome, &judge(&question(&changed, defects)), faults);
        if let Some(finding) = findings.into_iter().next() {
            let kind = request.release.kind_of(collectors[at].resource_type);
            let text = format!("{call} of {kind} fails: {}: {}", finding.property, finding.text);
            return Some(Finding { property: Property::CollectorCall, text });
        }
    }
    None
}
