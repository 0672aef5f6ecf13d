//! One order of a protocol as a scenario that replay runs: what was passed over is left out, what was refused is said to
//! be, and what was looked at is asserted. It ends with the promise that is broken, so that replay fails there.

use super::found::{Broken, Kind, Search};
use super::moves::{Goes, Moves, Outcome as Came, Reached, passes_over};
use super::protocol::{Move, Protocol};
use super::state::Control;
use crate::campaign::Stop;
use crate::metadata::Error;
use crate::properties::steps::refused;
use crate::replay::{Replay, Replayed, run_replay};
use crate::scenario::{Assertion, Condition, Line, Name, Outcome, Scenario, Step};
use crate::world::World;
use std::sync::Arc;

/// How many lines stand above an order where it is written: which protocol it breaks, and what breaks.
pub const HEAD_LINES: usize = 2;

/// The order that broke something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// It as a scenario, each line with its number in a text with a head of [`HEAD_LINES`].
    pub scenario: Scenario,
    /// Without which of its lines, a place each, nothing would break.
    pub matters: Vec<bool>,
    /// What replay says at its end.
    pub told: String,
}

/// A line of the order, and which moves of which thread it stands for.
struct Done<'s> {
    thread: usize,
    line: &'s Line,
    is_first: bool,
    as_step: Line,
}

/// The order that leads to a broken promise. None if replay does not confirm it.
pub(super) fn order(
    protocol: &Protocol<'_>,
    start: World,
    search: &Search<'_>,
    broken: &Broken,
) -> Option<Order> {
    let (moves, last) = moves(protocol, start, search, broken);
    let behind = if broken.promise == Kind::Behind { below(protocol, &last.world) } else { Vec::new() };
    let of = |lines: Vec<Line>| {
        let mut all = protocol.before.to_vec();
        all.extend(lines);
        match &broken.promise {
            Kind::Always(at) => all.extend(promised(protocol.promises[*at])),
            Kind::Behind => all.extend_from_slice(&behind),
            Kind::Step | Kind::Collection => {}
        }
        // A client that does nothing in this order needs no declaration.
        let acts = |name: &Name| all.iter().any(|line| line.client.as_ref() == Some(name));
        let is_idle = |line: &Line| matches!(&line.step, Step::Client { name, .. } if !acts(name));
        let bare = |line: &Line| Line { comment: Vec::new(), expected: None, ..line.clone() };
        let lines = all.iter().filter(|line| !is_idle(line)).map(bare).collect();
        let scenario = numbered(Scenario { release: search.release, lines, ..Scenario::default() });
        let end = scenario.lines.len().saturating_sub(behind.len().max(1));
        let end = scenario.lines.get(end).map_or(0, |line| line.number);
        (scenario, end)
    };
    // A step whose transactions came in a row is written as one, if that breaks it too.
    let [joined, apart] = [joined(&moves), moves.iter().map(|done| done.as_step.clone()).collect()];
    let known = search.known;
    let (scenario, told) = [joined, apart].into_iter().map(of).find_map(|(scenario, end)| {
        let told = told(&scenario, end, known == super::Known::NONE)?;
        Some((scenario, told))
    })?;
    let matters = matters(&scenario, known == super::Known::NONE, search.stop);
    Some(Order { scenario, matters, told })
}

/// The lines below the block that are done in a final world, without the guards that let them be: what set the words of these
/// is written as what it saw.
fn below(protocol: &Protocol<'_>, last: &World) -> Vec<Line> {
    let mut world = last.clone();
    let mut lines = Vec::new();
    for line in protocol.behind {
        if passes_over(&world, line) {
            continue;
        }
        lines.push(Line { guard: None, ..line.clone() });
        world.apply(line);
    }
    lines
}

/// The moves of the order, in the worlds that they were done in, and the world behind them.
fn moves<'s>(
    protocol: &Protocol<'s>,
    start: World,
    search: &Search<'_>,
    broken: &Broken,
) -> (Vec<Done<'s>>, Arc<Reached>) {
    let own = Moves::new(protocol, search);
    let mut control = own.settled(&start, Control::start(protocol), &mut Vec::new());
    let mut reached = Arc::new(Reached::of(start));
    let mut moves: Vec<Done<'s>> = Vec::new();
    for number in &broken.order {
        let at = usize::from(*number);
        let thread = &protocol.threads[at];
        let place = thread.place(control.progress[at]);
        let each = &thread.moves[place];
        let world = &reached.world;
        let taken = own.take(world, (*number, u16::try_from(place).expect("it was counted"))).outcome;
        let gives_up = matches!(&taken, Came::Next(next) if matches!(next.goes, Goes::GivesUp));
        moves.extend(done(world, at, each, gives_up));
        match taken {
            Came::Next(next) => {
                control = own.after(&control, at, next.goes);
                reached = next.reached;
                control = own.settled(&reached.world, control, &mut Vec::new());
            }
            Came::Barred | Came::Broken(_) => break,
        }
    }
    (moves, reached)
}

/// A move as a line, unless it is passed over.
fn done<'s>(world: &World, thread: usize, each: &Move<'s>, gives_up: bool) -> Option<Done<'s>> {
    let line = each.line;
    let client = line.client.as_ref();
    if let (true, Some(guard)) = (each.is_first, &line.guard)
        && world.remembers(client, &guard.word) != guard.is_set
    {
        return None;
    }
    let as_step = match &line.step {
        Step::Look(node) => {
            let nodes = vec![node.clone()];
            let is_there = world.expects(client, &Assertion::Present(nodes.clone())).is_ok();
            let seen = if is_there { Assertion::Present(nodes) } else { Assertion::Absent(nodes) };
            Line { client: client.cloned(), ..Line::new(Step::Expect(seen)) }
        }
        Step::Expect(_) => Line { guard: None, ..line.clone() },
        _ => {
            let refusal = world.clone().apply(&each.does).refused;
            Line { outcome: outcome(each, refusal, gives_up), ..each.does.clone() }
        }
    };
    Some(Done { thread, line, is_first: each.is_first, as_step })
}

/// What is said of a step that was answered so: where its line asks for something else, what the line asks for. A client that
/// gives up after a crash was refused.
fn outcome(each: &Move<'_>, refusal: Option<Error>, gives_up: bool) -> Outcome {
    let kind = refusal.as_ref().map(|error| refused(error.kind));
    let is_as_asked = each.takes(&each.answer(refusal));
    match (kind, each.line.outcome) {
        (Some(kind), _) if gives_up || is_as_asked => Outcome::Refused(kind),
        (_, Outcome::Any) => Outcome::Accepted,
        (_, asked) => asked,
    }
}

/// The lines, with the moves of one line as that line where nothing came between.
fn joined(moves: &[Done<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rest = moves;
    while let Some((first, _)) = rest.split_first() {
        // What may happen again begins anew.
        let goes_on = |done: &&Done<'_>| {
            done.thread == first.thread && std::ptr::eq(done.line, first.line) && !done.is_first
        };
        let run = 1 + rest[1..].iter().take_while(goes_on).count();
        let last = &rest[run - 1];
        lines.push(match run {
            1 => first.as_step.clone(),
            _ => Line {
                may: None,
                guard: None,
                remembers: None,
                outcome: last.as_step.outcome,
                ..first.line.clone()
            },
        });
        rest = &rest[run..];
    }
    lines
}

/// What a broken promise asserts: what is true, and what does not hold although it is.
fn promised(line: &Line) -> Vec<Line> {
    let Step::Always(promise) = &line.step else { return Vec::new() };
    let asserted = promise.when.iter().chain([&promise.holds]).map(Condition::assertion);
    let line = |assertion| Line { client: line.client.clone(), ..Line::new(Step::Expect(assertion)) };
    asserted.map(line).collect()
}

/// The same with each line's number in the printed text.
fn numbered(mut scenario: Scenario) -> Scenario {
    // The release stands first, below the head.
    let mut number = HEAD_LINES + 1;
    for line in &mut scenario.lines {
        number += usize::from(line.blank_before) + 1;
        line.number = number;
    }
    scenario
}

fn replayed(scenario: &Scenario, is_intended: bool) -> Replayed {
    run_replay(Replay::new(scenario, None).intended(is_intended))
}

/// What replay says against the lines from this one on; none if it says nothing, or something against a line before.
fn told(scenario: &Scenario, end: usize, is_intended: bool) -> Option<String> {
    let replayed = replayed(scenario, is_intended);
    let first = replayed.failures.first()?;
    // That nothing is asserted is said of the whole.
    (first.line >= end).then(|| first.to_string())
}

/// How many steps are done again in all to find out without which nothing would break.
const STEPS_MAX: usize = 100_000;
/// How many lines are tried in any case.
const TRIED_MIN: usize = 16;

/// Which lines cannot be left out. Of many lines the last ones are tried, those of the block and what leads to it.
fn matters(scenario: &Scenario, is_intended: bool, stop: &Stop) -> Vec<bool> {
    let first = |replayed: Replayed| replayed.failures.first().map(|it| (it.line, it.to_string()));
    let whole = |scenario: &Scenario| first(replayed(scenario, is_intended));
    let bare =
        |scenario: &Scenario| first(run_replay(Replay::new(scenario, None).intended(is_intended).bare()));
    let Some(failure) = whole(scenario) else { return vec![true; scenario.lines.len()] };
    // What breaks is mostly seen without looking at every property.
    let is_bare = bare(scenario).as_ref() == Some(&failure);
    let fails = |scenario: &Scenario| if is_bare { bare(scenario) } else { whole(scenario) };
    let count = scenario.lines.len();
    let tried_from = count.saturating_sub((STEPS_MAX / count.max(1)).max(TRIED_MIN));
    let is_needed = |at: usize| {
        // A declaration is no step.
        if let Step::Client { .. } = scenario.lines[at].step {
            return false;
        }
        if at < tried_from || stop.is_asked() {
            return false;
        }
        if scenario.lines[at].number == failure.0 {
            return true;
        }
        let mut fewer = scenario.clone();
        fewer.lines.remove(at);
        fails(&fewer).as_ref() != Some(&failure)
    };
    (0..scenario.lines.len()).map(is_needed).collect()
}
