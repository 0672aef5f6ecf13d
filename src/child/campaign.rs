//! Many cases to a child, and what it does wrong made small.
//!
//! The child is asked every collection of a case, one after the other. Every worker has a child of its own. Cases go
//! out in portions, portions in batches; what is found depends on the cases and the child alone, not on how many
//! children run, as long as the child's answer depends on the case alone.

use super::asked::{Asked, Effect, Otherwise, Wrong};
use super::cause::Cause;
use super::command::CommandLine;
use super::process::{Child, ChildError, Children};
use super::row;
use super::rows::{collection_name, collections, is_row};
use crate::campaign::{self, Cases, Found, Patience, Stop, Tally as _};
use crate::conformance::Row;
use crate::generate::profile::Profile;
use crate::scenario::{Line, Scenario, Step, Text};
use crate::shrink::{Shrunk, shrink};
use crate::simulate;
use crate::simulate::campaign::{Numbers, draw};
use crate::simulate::explained::Explained;
use crate::simulate::small::{marked, with_node};
use crate::world::{Collected, World};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases: those of `simulate`.
    pub drawn: simulate::campaign::Plan,
    /// Their numbers.
    pub cases: Numbers,
    /// When no more of them are begun; the first batch is run in any case.
    pub until: Option<Instant>,
    /// The child.
    pub command: CommandLine,
    /// How long it may take for a collection.
    pub limit: Duration,
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
    /// What was found, by kind and by what it is about, and the case that shows it best.
    pub found: Found<Sort, Best>,
    /// The child failed so often that it was not asked all cases.
    pub has_stopped: bool,
}

/// What a child does wrong, and what that is about.
pub type Sort = (Wrong, Option<Cause>);

/// A case that shows something: of several the one that loses most, of those one without raw edits, of those the first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Best {
    /// What it comes to.
    pub effect: Effect,
    /// Edits came before that no client can make.
    pub has_raw: bool,
    /// The case.
    pub number: u64,
    /// The place among its collections.
    pub place: usize,
    /// What was seen.
    pub text: String,
}

/// Cases with which the child did the same wrong.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it did.
    pub wrong: Wrong,
    /// What that is about, where a node differs.
    pub cause: Option<Cause>,
    /// How many cases show it.
    pub cases: u64,
    /// The one that was made small: the first of those that lose most by it.
    pub number: u64,
    /// What was seen in it.
    pub text: String,
    /// The collection in it that showed it, as the child got it: one line.
    pub row: String,
    /// What it became.
    pub small: Result<Small, NotSmall>,
}

/// Why a case was not made small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotSmall {
    /// The child hangs: each try would take the whole limit.
    Hangs,
    /// Made small, it hung, which it does not always: each such try takes the whole limit.
    HangsAtTimes,
    /// A stop was asked for before it was begun.
    Stopped,
    /// Asked again, the child does not show it.
    NotAgain,
    /// A fresh child that is asked nothing but the small case does not show it: what it answers depends on what it was
    /// asked before.
    NotAlone,
}

/// A case that nothing can be left out of.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its steps, the last one the collection.
    pub lines: Vec<Line>,
    /// How many steps the case had as it was drawn.
    pub steps: usize,
    /// How many smaller cases were tried.
    pub tries: u64,
    /// All were: a stop that is asked for ends it with what is small until then.
    pub is_minimal: bool,
    /// What the child does with it.
    pub otherwise: Otherwise,
    /// What ours does, and why.
    pub explained: Explained,
    /// The same as steps behind the last one: what the scenario expects.
    pub expects: Vec<Step>,
    /// The collection as the child gets it: one line.
    pub row: String,
    /// The habits of the case.
    pub profile: Profile,
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.cases += later.cases;
        self.asked += later.asked;
        self.answered += later.answered;
        campaign::add_counts(&mut self.compared, later.compared);
        campaign::add(&mut self.found, later.found);
        self.has_stopped |= later.has_stopped;
        self
    }
}

impl Tally {
    /// In how many cases the child gave no answer.
    pub fn failure_count(&self) -> u64 {
        let failed = self.found.iter().filter(|((wrong, _), _)| wrong.way().is_none());
        failed.map(|(_, found)| found.count).sum()
    }
}

/// Cases in a portion, which one worker's child answers in a row.
pub const PORTION: usize = 16;
/// So many failures end a portion, and the first of a child that hangs, which costs the whole limit each time.
pub const PORTION_FAILURES_MAX: u64 = 3;
/// Portions in a batch, after which a child that fails too often is given up.
pub const BATCH_PORTIONS: usize = 8;
/// So many failures are too often.
pub const FAILURES_MAX: u64 = 8;

/// Asks the child every case, on every core; `done` hears how many more cases are through.
///
/// # Errors
/// The child does not start, or ends whatever it is asked.
pub fn run(plan: &Plan, stop: &Stop, done: &(impl Fn(u64) + Sync)) -> Result<Tally, ChildError> {
    let children = Children::new(plan.command.clone(), plan.limit, Patience::new(stop, Duration::ZERO));
    let mut tally = Tally::default();
    let mut cases = plan.cases.iter().peekable();
    while cases.peek().is_some() && !stop.is_asked() {
        let batch: Vec<u64> = cases.by_ref().take(PORTION * BATCH_PORTIONS).collect();
        let portions: Vec<&[u64]> = batch.chunks(PORTION).collect();
        let portion = |place: u64| {
            let numbers = portions[usize::try_from(place).expect("a batch is small")];
            let tally = children.with(|child| run_portion(plan, numbers, stop, child))?;
            done(numbers.len() as u64);
            Ok(tally)
        };
        tally = tally.plus(campaign::try_run(portions.len() as u64, stop, portion)?);
        let fails_too_often = tally.failure_count() >= FAILURES_MAX;
        tally.has_stopped |= fails_too_often && cases.peek().is_some();
        if fails_too_often || plan.until.is_some_and(|until| Instant::now() >= until) {
            break;
        }
    }
    Ok(tally)
}

/// Breaks off where a stop is asked for: a child may be slow.
fn run_portion(
    plan: &Plan,
    numbers: &[u64],
    stop: &Stop,
    child: &mut Child,
) -> Result<ControlFlow<Tally, Tally>, ChildError> {
    let mut tally = Tally::default();
    for &number in numbers {
        if stop.is_asked() {
            return Ok(ControlFlow::Break(tally));
        }
        let case = match run_case(plan, number, child) {
            // What was asked of the case so far does not count.
            Err(ChildError::Stopped) => return Ok(ControlFlow::Break(tally)),
            case => case?,
        };
        let takes_the_limit = case.found.keys().any(|(wrong, _)| wrong.takes_the_limit());
        tally = tally.plus(case);
        if takes_the_limit || tally.failure_count() == PORTION_FAILURES_MAX {
            tally.has_stopped = tally.cases < numbers.len() as u64;
            break;
        }
    }
    Ok(ControlFlow::Continue(tally))
}

/// Asks the child the collections of a case, up to the first that it does otherwise.
fn run_case(plan: &Plan, number: u64, child: &mut Child) -> Result<Tally, ChildError> {
    let mut tally = Tally { cases: 1, ..Tally::default() };
    for (place, collected) in collections(&plan.drawn, number).iter().enumerate() {
        tally.asked += 1;
        let row = row(collection_name(&plan.drawn, number, place), &collected.collected.before);
        let Asked { fields, otherwise } =
            Asked::of(child, &row, plan.drawn.release, &collected.collected.namespace)?;
        tally.answered += u64::from(!fields.is_empty());
        for field in fields {
            *tally.compared.entry(field).or_default() += 1;
        }
        let Some(otherwise) = otherwise else { continue };
        let (effect, text) = (otherwise.effect, otherwise.child.join("; "));
        let best = Best { effect, has_raw: collected.has_raw, number, place, text };
        campaign::add_case(&mut tally.found, (otherwise.wrong, otherwise.cause), best);
        break;
    }
    Ok(tally)
}

/// How long cases are still made small once a stop is asked for.
const PATIENCE: Duration = Duration::from_millis(800);

/// Of so many causes of one kind of difference a case is made small; the others mostly follow from the same mistakes.
pub const CAUSES_MAX: usize = 4;

/// What was found, each with a case made small: first what loses something, then what leaves something. Of one kind of
/// difference these are the first [`CAUSES_MAX`] causes, that with the most cases first. `tried` hears of every smaller case.
pub fn examples(plan: &Plan, tally: &Tally, stop: &Stop, tried: &dyn Fn()) -> Vec<Example> {
    let patience = Patience::new(stop, PATIENCE);
    let mut found: Vec<_> = tally.found.iter().collect();
    found.sort_by_key(|(_, found)| (found.best.effect, Reverse(found.count)));
    let mut causes: BTreeMap<Wrong, usize> = BTreeMap::new();
    found.retain(|((wrong, _), _)| {
        let causes = causes.entry(*wrong).or_default();
        *causes += 1;
        *causes <= CAUSES_MAX
    });
    let example = |(sort, found): (&Sort, &Cases<Best>)| {
        let Cases { count, best: Best { effect, number, place, text, .. } } = found;
        let small = small(plan, *sort, *effect, *number, &patience, tried);
        let shown = collections(&plan.drawn, *number)[*place].collected.clone();
        let row = row(collection_name(&plan.drawn, *number, *place), &shown.before).to_json();
        let (wrong, cause) = *sort;
        Example { wrong, cause, cases: *count, number: *number, text: text.clone(), row, small }
    };
    found.into_iter().map(example).collect()
}

/// What a case shows of a child: the line of the collection, the collection, and what is seen.
struct Shown {
    line: usize,
    collected: Arc<Collected>,
    otherwise: Otherwise,
    row: Row,
}

/// The case with everything left out without which the child still does the same wrong, of the same cause and to no better effect. Where nothing
/// is lost or left, as only marks differ, the case with a node made that is marked otherwise, if something is then.
fn small(
    plan: &Plan,
    (wrong, cause): Sort,
    effect: Effect,
    number: u64,
    patience: &Patience,
    tried: &dyn Fn(),
) -> Result<Small, NotSmall> {
    /// So many are tried: the first mostly suffices.
    const NODES_MAX: usize = 8;
    if wrong.takes_the_limit() {
        return Err(NotSmall::Hangs);
    }
    let release = plan.drawn.release;
    let fresh = || Child::new(plan.command.clone(), plan.limit, patience.clone());
    let mut child = fresh();
    let has_hung = Cell::new(false);
    let shown = |child: &mut Child, lines: &[Line], effect: Effect| {
        if has_hung.get() || patience.is_over() {
            return None;
        }
        tried();
        let mut world = World::new(release);
        for (line, step) in lines.iter().enumerate() {
            let Some(collected) = world.apply(step).collected.filter(|collected| is_row(collected)) else {
                continue;
            };
            let row = row(format!("{}/{number}.small", plan.drawn.seed.text()), &collected.before);
            // A child that no longer starts shows nothing.
            let otherwise = Asked::of(child, &row, release, &collected.namespace).ok()?.otherwise;
            has_hung.set(otherwise.as_ref().is_some_and(|seen| seen.wrong.takes_the_limit()));
            if has_hung.get() {
                return None;
            }
            if let Some(otherwise) =
                otherwise.filter(|seen| (seen.wrong, seen.cause, seen.effect) == (wrong, cause, effect))
            {
                return Some(Shown { line, collected, otherwise, row });
            }
        }
        None
    };
    let case = draw(&plan.drawn, number);
    let steps = case.lines.len();
    let is_mark = effect == Effect::Neither && wrong.way().is_some();
    let as_drawn = if is_mark { shown(&mut child, &case.lines, effect) } else { None };
    let worse = as_drawn.and_then(|Shown { line, otherwise, .. }| {
        let nodes = otherwise.nodes.iter().take(NODES_MAX);
        let ways = nodes.flat_map(|node| with_node(&case.lines, line, node, release));
        let ways = ways.flat_map(|lines| [Effect::Loses, Effect::Leaves].map(|worse| (lines.clone(), worse)));
        { ways }.find(|(lines, worse)| shown(&mut child, lines, *worse).is_some())
    });
    let (lines, effect) = worse.unwrap_or((case.lines, effect));
    let small = shrink(lines, u64::MAX, |mut lines| {
        let shown = shown(&mut child, &lines, effect)?;
        lines.truncate(shown.line + 1);
        Some((lines, shown))
    });
    if has_hung.get() {
        return Err(NotSmall::HangsAtTimes);
    }
    let none = if patience.is_over() { NotSmall::Stopped } else { NotSmall::NotAgain };
    let Shrunk { case: lines, tries, seen } = small.ok_or(none)?;
    let alone = shown(&mut fresh(), &lines, effect);
    let is_minimal = !patience.is_over();
    // Nobody waits for what it says alone: what it said beside the others has to do.
    let seen = if is_minimal { alone.ok_or(NotSmall::NotAlone)? } else { alone.unwrap_or(seen) };
    let Shown { collected, otherwise, row, .. } = seen;
    let explained = otherwise.explained(&collected);
    let mut world = World::new(release);
    lines.iter().for_each(|line| drop(world.apply(line)));
    // Whoever collected, a client without a name expects.
    let expects = otherwise.expectations(&collected, world.namespace(None).unwrap_or_default());
    let (lines, row) = (marked(lines, release, None), row.to_json());
    Ok(Small { lines, steps, tries, is_minimal, otherwise, explained, expects, row, profile: case.profile })
}

/// A small case as a scenario that expects what our engine does.
pub fn scenario(plan: &Plan, number: u64, small: &Small) -> Scenario {
    let (seed, release) = (plan.drawn.seed.text(), plan.drawn.release);
    let Small { profile, steps, .. } = small;
    let ours: Vec<&str> = small.explained.oracle.iter().map(|line| line.trim()).collect();
    let head = format!(
        "Another collector {}.\nOurs: {}.\nFound with seed {seed:?}, case {number}, release {release}, profile {profile}; \
         {} steps of {steps}{}.",
        small.otherwise.child.join("; "),
        ours.join("; "),
        small.lines.len(),
        if small.is_minimal { ", 1-minimal" } else { "; ^C came before all was tried" },
    );
    let expects = small.expects.iter().cloned().map(Line::new);
    let mut lines: Vec<Line> = small.lines.iter().cloned().chain(expects).collect();
    lines[0].blank_before = true;
    Scenario { head: Text::lines(&head), release, lines, tail: Vec::new() }
}
