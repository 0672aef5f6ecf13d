//! Errors where none should come: at every reference lookup, every removal, every call of a collector, and a context
//! that is cancelled at every root. Nothing may have changed, and the collectors must end as the release says.

use super::check::{Checks, Property, check_outcome, wrong_ends};
use crate::collector::Collector;
use crate::engine::{Error, Fault, Outcome, Point, Request, collect_with};
use crate::oracle::{self, Defects, Judgement, judge};
use crate::situation::Situation;
use std::sync::Arc;

/// Checks a collection with every error injected.
pub(super) fn check_injected(
    checks: &mut Checks,
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    fault: Option<Fault>,
) {
    checks.add(Property::LookupError, check_point(request, outcome, judgement, Point::Lookup, fault));
    checks.add(Property::RemovalError, check_point(request, outcome, judgement, Point::Removal, fault));
    checks.add(Property::CollectorCall, check_calls(request, defects, fault));
    checks.add(Property::Cancellation, check_cancellation(request, outcome, judgement, fault));
}

/// Each call at a point fails.
fn check_point(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    point: Point,
    fault: Option<Fault>,
) -> Option<Result<(), String>> {
    let (reached, error, phase) = match point {
        Point::Lookup => (outcome.lookups, Error::Injected, oracle::Progress::MarkFailed),
        Point::Removal => {
            let error = Error::ScanAndRemove(Box::new(Error::Injected));
            (outcome.removals, error, oracle::Progress::SweepFailed)
        }
    };
    (reached > 0).then(|| {
        (1..=reached).try_for_each(|number| {
            let failed = collect_with(&Request { fail_at: Some((point, number)), ..*request }, fault);
            // Behind the database's own removals come those of what collectors list, whose errors containerd swallows.
            let is_listed = point == Point::Removal && number > judgement.removed_paths().count();
            if is_listed && failed.error.is_none() {
                return Ok(());
            }
            let text = if failed.error.as_ref() != Some(&error) {
                format!("it gives {:?} instead of the error", failed.error)
            } else if failed.after != request.situation.tree {
                "the tree has changed".to_owned()
            } else if let Some(text) = wrong_ends(request.situation.release, &failed, judgement, phase) {
                text
            } else {
                return Ok(());
            };
            Err(format!("an error at {} {number}: {text}", point.name()))
        })
    })
}

/// The context is cancelled at each root.
fn check_cancellation(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Option<Result<(), String>> {
    if outcome.roots.is_empty() {
        return None;
    }
    // What else ends the scan of the roots comes first.
    let is_scanned = judgement.progress() != oracle::Progress::MarkFailed;
    Some((1..=outcome.roots.len()).try_for_each(|root| {
        let cancelled = collect_with(&Request { cancel_at_root: Some(root), ..*request }, fault);
        let text = match &cancelled.error {
            None => Some("it succeeds all the same".to_owned()),
            Some(error) if is_scanned && *error != Error::Canceled => Some(format!("it gives `{error}`")),
            Some(_) if cancelled.after != request.situation.tree => Some("the tree has changed".to_owned()),
            Some(_) => {
                wrong_ends(request.situation.release, &cancelled, judgement, oracle::Progress::MarkFailed)
            }
        };
        text.map_or(Ok(()), |text| Err(format!("cancelled at root {root}: {text}")))
    }))
}

/// Each call of each collector fails; the oracle knows what follows.
fn check_calls(request: &Request<'_>, defects: Defects, fault: Option<Fault>) -> Option<Result<(), String>> {
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
        let outcome = collect_with(&changed_request, fault);
        let findings = check_outcome(&changed_request, &outcome, &judge(&changed, defects), fault);
        let Some(finding) = findings.into_iter().next() else { return Ok(()) };
        Err(format!("{call} of {kind} fails: {}: {}", finding.property, finding.text))
    }))
}
