//! What takes many more collections than the one that it is about: relations and injected errors.

use super::checks::{Checks, both};
use super::inject::check_injected;
use super::relations::check_relations;
use crate::engine::{Fault, Outcome, Request};
use crate::oracle::{Defects, Judgement};

/// Checks relations of a collection, and what it does under injected errors.
pub fn check_thoroughly(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    defects: Defects,
    fault: Option<Fault>,
) -> Checks {
    let (mut checks, injected) = both(
        outcome,
        || check_relations(request, outcome, judgement, fault),
        || check_injected(request, outcome, judgement, defects, fault),
    );
    checks.extend(injected);
    checks
}
