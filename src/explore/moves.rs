//! One move in one world: what comes of it for whoever is at its place, and which promises it breaks.

use super::found::{Guarded, Kind, Search};
use super::protocol::{Answer, At, Move, Protocol, is_as_asked};
use super::state::{Control, Seen};
use crate::oracle::judge;
use crate::properties::check::check_each;
use crate::properties::panics::catching;
use crate::properties::thorough::check_thoroughly;
use crate::scenario::{Assertion, Condition, Guard, Line, Name, Step};
use crate::world::{Collected, Fingerprint, World};
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of a move in a world, for whoever is at this place.
pub(super) struct Taken {
    pub(super) outcome: Outcome,
    /// Where a guard went.
    pub(super) guard: Option<bool>,
    /// The promises whose condition holds behind it, as bits.
    pub(super) due: u64,
}

pub(super) enum Outcome {
    /// What may happen cannot, as its guard does not hold; or the client waits for another.
    Barred,
    /// A promise is broken.
    Broken(Kind),
    /// Another world, perhaps.
    Next(Next),
}

/// What is behind a move.
pub(super) struct Next {
    pub(super) reached: Arc<Reached>,
    pub(super) goes: Goes,
}

/// A world with what it is told apart by.
pub(super) struct Reached {
    pub(super) world: World,
    pub(super) seen: Seen,
    /// By this to the nanosecond.
    pub(super) exact: u128,
}

/// How far a thread comes by a move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Goes {
    On,
    BehindLine,
    GivesUp,
}

impl Taken {
    /// What others could tell it apart by.
    pub(super) fn gist(&self) -> (Option<(u128, Goes)>, Option<bool>) {
        let led = match &self.outcome {
            Outcome::Next(Next { reached, goes }) => Some((reached.exact, *goes)),
            _ => None,
        };
        (led, self.guard)
    }
}

impl Reached {
    pub(super) fn of(world: World) -> Reached {
        let print = world.fingerprint();
        let exact = exact(&world, &print);
        let seen = Seen { print, seconds: world.now().seconds };
        Reached { world, seen, exact }
    }
}

/// A promise as what is asked of each world.
struct Watched<'a> {
    client: Option<&'a Name>,
    when: Option<Assertion>,
    holds: Assertion,
}

impl<'a> Watched<'a> {
    fn of(line: &'a Line) -> Option<Watched<'a>> {
        let Step::Always(promise) = &line.step else { return None };
        let when = promise.when.as_ref().map(Condition::assertion);
        Some(Watched { client: line.client.as_ref(), when, holds: promise.holds.assertion() })
    }

    fn is_due(&self, world: &World) -> bool {
        self.when.as_ref().is_none_or(|when| world.expects(self.client, when).is_ok())
    }
}

/// The moves of a protocol.
pub(super) struct Moves<'a> {
    pub(super) protocol: &'a Protocol<'a>,
    search: &'a Search<'a>,
    promises: Vec<Watched<'a>>,
    /// Whether a collection breaks a property, once it was looked at.
    checked: Mutex<HashMap<u128, bool>>,
}

impl<'a> Moves<'a> {
    pub(super) fn new(protocol: &'a Protocol<'a>, search: &'a Search<'a>) -> Moves<'a> {
        let promises = protocol.promises.iter().filter_map(|line| Watched::of(line)).collect();
        Moves { protocol, search, promises, checked: Mutex::default() }
    }

    /// One move in one world.
    pub(super) fn take(&self, world: &World, at: At) -> Taken {
        let (client, each) = self.protocol.at(at);
        let mut guard = None;
        if let (true, Some(asked)) = (each.is_first, &each.line.guard) {
            let holds = world.remembers(client, &asked.word) == asked.is_set;
            guard = Some(holds);
            if !holds {
                let may = self.protocol.threads[usize::from(at.0)].may.is_some();
                let outcome = if may { Outcome::Barred } else { next(world.clone(), Goes::BehindLine) };
                return Taken { outcome, guard, due: 0 };
            }
        }
        let mut due = 0;
        let ran = catching(|| self.does(world, client, each, &mut due));
        let outcome = ran.unwrap_or(Outcome::Broken(Kind::Collection));
        Taken { outcome, guard, due }
    }

    fn does(&self, world: &World, client: Option<&Name>, each: &Move<'_>, due: &mut u64) -> Outcome {
        if let Step::Expect(assertion) = &each.line.step {
            return match world.expects(client, assertion) {
                Ok(()) => next(world.clone(), Goes::BehindLine),
                Err(_) => Outcome::Broken(Kind::Step),
            };
        }
        let mut after = world.clone();
        let applied = after.apply(&each.does);
        if applied.refused.as_ref().is_some_and(|error| each.waits(error)) {
            return Outcome::Barred;
        }
        if let Some(collected) = &applied.collected
            && self.breaks(collected)
        {
            return Outcome::Broken(Kind::Collection);
        }
        let answer = each.answer(applied.refused);
        let goes = match &answer {
            // The client sees its connection end, and with it what it had open.
            Answer::Refused(_) if world.has_lost(client, &each.does.step) => Goes::GivesUp,
            _ if !each.takes(&answer) => return Outcome::Broken(Kind::Step),
            Answer::Unfinished => Goes::On,
            _ => Goes::BehindLine,
        };
        if let (Some(word), false) = (&each.line.remembers, matches!(each.line.step, Step::Look(_))) {
            match answer {
                Answer::Unfinished => {}
                Answer::Accepted => after.remember(client, word, true),
                Answer::Refused(_) => after.remember(client, word, false),
            }
        }
        let (promises, broken) = self.promises(&after);
        *due = promises;
        match broken {
            Some(promise) => Outcome::Broken(promise),
            None => next(after, goes),
        }
    }

    /// How far everybody is after a move of a thread.
    pub(super) fn after(&self, before: &Control, at: usize, goes: Goes) -> Control {
        let mut control = before.clone();
        let thread = &self.protocol.threads[at];
        let behind_line = thread.behind_line(before.progress[at]);
        control.progress[at] = match (goes, thread.may) {
            (Goes::On, _) => before.progress[at] + 1,
            (Goes::BehindLine, _) | (Goes::GivesUp, Some(_)) => behind_line,
            (Goes::GivesUp, None) => thread.total(),
        };
        if let (Goes::GivesUp, None) = (goes, thread.may) {
            control.given_up |= 1 << at;
        }
        control
    }

    /// The same with everybody past the lines whose guard does not hold, where nobody else can change that.
    pub(super) fn settled(&self, world: &World, mut control: Control, passed: &mut Vec<Guarded>) -> Control {
        for (at, thread) in self.protocol.threads.iter().enumerate() {
            while control.progress[at] < thread.total() {
                let each = &thread.moves[thread.place(control.progress[at])];
                let is_passed = each.is_private
                    && each.is_first
                    && each
                        .line
                        .guard
                        .as_ref()
                        .is_some_and(|guard| world.remembers(thread.client, &guard.word) != guard.is_set);
                if !is_passed {
                    break;
                }
                let place = u16::try_from(thread.place(control.progress[at])).expect("it was counted");
                passed.push((u8::try_from(at).expect("threads are few"), place, false));
                control.progress[at] = thread.behind_line(control.progress[at]);
            }
        }
        control
    }

    /// The promises whose condition holds in a world, as bits, and the first that is broken.
    pub(super) fn promises(&self, world: &World) -> (u64, Option<Kind>) {
        let (mut due, mut broken) = (0, None);
        for (at, promise) in self.promises.iter().enumerate().filter(|(_, promise)| promise.is_due(world)) {
            due |= u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or_default();
            if broken.is_none() && world.expects(promise.client, &promise.holds).is_err() {
                broken = Some(Kind::Always(at));
            }
        }
        (due, broken)
    }

    /// Whether a collection breaks a property; each is looked at once, whoever asks for it.
    fn breaks(&self, collected: &Collected) -> bool {
        let key = collected.fingerprint();
        let checked = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(breaks) = checked().get(&key) {
            return *breaks;
        }
        let request = collected.request();
        let defects = self.search.known.defects;
        let judgement = judge(&collected.before, defects);
        let mut checks = check_each(&request, &collected.outcome, &judgement, None);
        checks.extend(check_thoroughly(&request, &collected.outcome, &judgement, defects, None));
        let breaks = !checks.findings.is_empty();
        checked().insert(key, breaks);
        breaks
    }

    /// Whether a line below the block fails in a final state.
    pub(super) fn fails_behind(&self, world: &World) -> bool {
        let mut world = world.clone();
        for line in self.protocol.behind {
            if passes_over(&world, line) {
                continue;
            }
            if let Step::Expect(assertion) = &line.step {
                if world.expects(line.client.as_ref(), assertion).is_err() {
                    return true;
                }
                continue;
            }
            let refusal = world.apply(line).refused;
            let answer = match refusal {
                Some(error) => Answer::Refused(error),
                None => Answer::Accepted,
            };
            if !is_as_asked(line, &answer) {
                return true;
            }
        }
        false
    }
}

fn next(world: World, goes: Goes) -> Outcome {
    Outcome::Next(Next { reached: Arc::new(Reached::of(world)), goes })
}

/// Whether a line's guard does not hold, for a line that is no move.
pub(super) fn passes_over(world: &World, line: &Line) -> bool {
    let holds = |guard: &Guard| world.remembers(line.client.as_ref(), &guard.word) == guard.is_set;
    !line.guard.as_ref().is_none_or(holds)
}

/// By what worlds are told apart to the nanosecond.
fn exact(world: &World, print: &Fingerprint) -> u128 {
    print.exact() ^ u128::from(world.now().seconds.cast_unsigned())
}
