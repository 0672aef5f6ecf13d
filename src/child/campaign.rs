//! Many cases to a child, and what it does wrong made small.
//!
//! The child is asked every collection of a case, one after the other. Every worker has a child of its own. Cases go
//! out in portions, portions in batches; what is found depends on the cases and the child alone, not on how many
//! children run, as long as the child's answer depends on the case alone.

use super::command::CommandLine;
use super::process::{Child, ChildError};
use super::rows::{collection_name, collections, is_row};
use super::{differs, row};
use crate::campaign::{self, Stop, Tally as _};
use crate::conformance::Row;
use crate::release::Release;
use crate::scenario::{Assertion, Line, NodeName, Scenario, Step, Text};
use crate::shrink::{Shrunk, shrink};
use crate::simulate;
use crate::simulate::campaign::draw;
use crate::simulate::small::marked;
use crate::world::World;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases: those of `simulate`.
    pub drawn: simulate::campaign::Plan,
    /// Their numbers.
    pub cases: Range<u64>,
    /// The child.
    pub command: CommandLine,
    /// How long it may take for a collection.
    pub limit: Duration,
}

/// What a child can do wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wrong {
    /// A field of its answer differs.
    Differs(&'static str),
    /// It does not answer in time.
    Hung,
    /// It ends without an answer.
    Died,
    /// What it says is no answer.
    Rubbish,
}

impl Wrong {
    /// The word for it; a difference goes by its field.
    pub fn name(self) -> &'static str {
        match self {
            Wrong::Differs(field) => field,
            Wrong::Hung => "hung",
            Wrong::Died => "died",
            Wrong::Rubbish => "rubbish",
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Differs(field) => write!(f, "`{field}` differs"),
            Wrong::Hung => f.write_str("the child hung"),
            Wrong::Died => f.write_str("the child died"),
            Wrong::Rubbish => f.write_str("the child answered rubbish"),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cases of which the child was asked.
    pub cases: u64,
    /// Collections that it was asked.
    pub asked: u64,
    /// Collections that it answered, rightly or not.
    pub answered: u64,
    /// How often each field was compared.
    pub compared: BTreeMap<&'static str, u64>,
    /// What was found, by kind.
    pub found: BTreeMap<Wrong, Found>,
    /// The child failed so often that not all cases were run.
    pub has_stopped: bool,
}

/// Cases with which the child did the same wrong.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many.
    pub cases: u64,
    /// The first of them.
    pub first: u64,
    /// What was seen in the first.
    pub text: String,
    /// The first made small; none for a child that hangs, where every try would take the whole limit, and for one
    /// that does not show it again.
    pub small: Option<Small>,
}

/// A case that nothing can be left out of.
#[derive(Clone, Debug)]
pub struct Small {
    /// What is seen with it.
    pub text: String,
    /// The collection as the child gets it: one line.
    pub row: String,
    /// The case as a scenario, with what our engine does.
    pub scenario: Scenario,
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.cases += later.cases;
        self.asked += later.asked;
        self.answered += later.answered;
        campaign::add_counts(&mut self.compared, later.compared);
        for (wrong, found) in later.found {
            match self.found.get_mut(&wrong) {
                None => drop(self.found.insert(wrong, found)),
                Some(earlier) => earlier.cases += found.cases,
            }
        }
        self.has_stopped |= later.has_stopped;
        self
    }
}

impl Tally {
    /// How many cases show something wrong.
    pub fn finding_count(&self) -> u64 {
        self.found.values().map(|found| found.cases).sum()
    }

    fn failure_count(&self) -> u64 {
        let failed = self.found.iter().filter(|(wrong, _)| !matches!(wrong, Wrong::Differs(_)));
        failed.map(|(_, found)| found.cases).sum()
    }
}

/// Cases in a portion, which one child answers in a row. A portion ends where the child fails.
const PORTION: u64 = 16;
/// Portions in a batch, after which a child that fails too often is given up.
const BATCH_PORTIONS: u64 = 8;
/// So many failures are too often.
const FAILURES_MAX: u64 = 8;

/// Asks the child every case, on every core; `done` hears how many more cases are through.
///
/// # Errors
/// The child does not start.
pub fn run(plan: &Plan, stop: &Stop, done: &(impl Fn(u64) + Sync)) -> Result<Tally, ChildError> {
    let idle: Mutex<Vec<Child>> = Mutex::default();
    let mut tally = Tally::default();
    let mut next = plan.cases.start;
    while next < plan.cases.end && !stop.is_asked() {
        let end = plan.cases.end.min(next + PORTION * BATCH_PORTIONS);
        let portion = |place: u64| {
            let start = next + place * PORTION;
            let idle_child = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut child = idle_child.unwrap_or_else(|| new_child(plan));
            let numbers = start..end.min(start + PORTION);
            let count = numbers.end - numbers.start;
            let tally = run_portion(plan, numbers, stop, &mut child)?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(child);
            done(count);
            Ok(tally)
        };
        tally = tally.plus(campaign::try_run((end - next).div_ceil(PORTION), stop, portion)?);
        next = end;
        if tally.failure_count() >= FAILURES_MAX && next < plan.cases.end {
            tally.has_stopped = true;
            break;
        }
    }
    for (wrong, found) in &mut tally.found {
        found.small = small(plan, *wrong, found.first);
    }
    Ok(tally)
}

fn new_child(plan: &Plan) -> Child {
    Child::new(plan.command.clone(), plan.limit)
}

/// Breaks off behind a case where a stop is asked for: a child may be slow.
fn run_portion(
    plan: &Plan,
    numbers: Range<u64>,
    stop: &Stop,
    child: &mut Child,
) -> Result<ControlFlow<Tally, Tally>, ChildError> {
    let mut tally = Tally::default();
    for number in numbers {
        if stop.is_asked() {
            return Ok(ControlFlow::Break(tally));
        }
        tally.cases += 1;
        for (place, collected) in collections(&plan.drawn, number).iter().enumerate() {
            tally.asked += 1;
            let row = row(collection_name(&plan.drawn, number, place), &collected.before);
            let judged = judge(plan, &row, child)?;
            tally.answered += u64::from(!judged.fields.is_empty());
            for field in judged.fields {
                *tally.compared.entry(field).or_default() += 1;
            }
            let Some((wrong, text)) = judged.wrong else { continue };
            let found = || Found { cases: 0, first: number, text, small: None };
            tally.found.entry(wrong).or_insert_with(found).cases += 1;
            if !matches!(wrong, Wrong::Differs(_)) {
                return Ok(ControlFlow::Continue(tally));
            }
            break;
        }
    }
    Ok(ControlFlow::Continue(tally))
}

/// What came of one collection.
struct Judged {
    /// The fields that the answer has; none without an answer.
    fields: Vec<&'static str>,
    wrong: Option<(Wrong, String)>,
}

/// Asks one collection.
///
/// # Errors
/// The child does not start.
fn judge(plan: &Plan, row: &Row, child: &mut Child) -> Result<Judged, ChildError> {
    let wrong = match child.ask(row) {
        Ok(answer) => {
            let difference = differs(row, plan.drawn.release, &answer);
            let wrong = difference.map(|difference| (Wrong::Differs(difference.field), difference.text));
            return Ok(Judged { fields: answer.results.fields().collect(), wrong });
        }
        Err(error @ ChildError::Start { .. }) => return Err(error),
        Err(error @ ChildError::Hung { .. }) => (Wrong::Hung, error.to_string()),
        Err(error @ ChildError::Died { .. }) => (Wrong::Died, error.to_string()),
        Err(error @ ChildError::Rubbish { .. }) => (Wrong::Rubbish, error.to_string()),
    };
    Ok(Judged { fields: Vec::new(), wrong: Some(wrong) })
}

/// What a case shows of a child: the line of the collection, what is seen, and the row.
struct Shown {
    line: usize,
    text: String,
    row: Row,
}

/// The case with everything left out without which the child still does the same wrong.
fn small(plan: &Plan, wrong: Wrong, number: u64) -> Option<Small> {
    if wrong == Wrong::Hung {
        return None;
    }
    let mut child = new_child(plan);
    let mut shown = |lines: &[Line]| {
        let mut world = World::new(plan.drawn.release);
        for (line, step) in lines.iter().enumerate() {
            let Some(collected) = world.apply(step).collected.filter(|collected| is_row(collected)) else {
                continue;
            };
            let row = row(format!("{}/{number}.small", plan.drawn.seed.text()), &collected.before);
            // A child that no longer starts shows nothing.
            let judged = judge(plan, &row, &mut child).ok()?;
            if let Some((_, text)) = judged.wrong.filter(|(seen, _)| *seen == wrong) {
                return Some(Shown { line, text, row });
            }
        }
        None
    };
    let small = shrink(draw(&plan.drawn, number).lines, u64::MAX, |mut lines| {
        let shown = shown(&lines)?;
        lines.truncate(shown.line + 1);
        Some((lines, shown))
    });
    let Shrunk { case: lines, seen: Shown { text, row, .. }, .. } = small?;
    let found = format!(
        "Another collector, case {number} of seed {:?}, containerd {}: {wrong}: {text}",
        plan.drawn.seed.text(),
        plan.drawn.release
    );
    Some(Small { scenario: scenario(plan.drawn.release, lines, &found), text, row: row.to_json() })
}

/// The case as steps, with what our engine does.
fn scenario(release: Release, lines: Vec<Line>, found: &str) -> Scenario {
    let mut lines = marked(lines, release, None);
    let mut world = World::new(release);
    let collected = lines.iter().filter_map(|line| world.apply(line).collected).last();
    lines.extend(collected.into_iter().flat_map(|collected| {
        let outcome = &collected.outcome;
        let removed = outcome.refs(&outcome.removed).map(|node| NodeName::of(release, node));
        let steps = match &outcome.error {
            Some(error) => vec![Step::Expect(Assertion::Error(error.to_string().into_bytes()))],
            None => Assertion::of_nodes(Vec::new(), removed.collect(), Vec::new()),
        };
        steps.into_iter().map(Line::new)
    }));
    let head = format!("{found}\nThis is what ours does.");
    Scenario { head: Text::lines(&head), release, lines, tail: Vec::new() }
}
