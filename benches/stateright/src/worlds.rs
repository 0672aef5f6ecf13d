//! Leasehold's worlds as Stateright's states: a protocol taken apart by Leasehold, its moves applied to worlds, and each
//! collection held to the same properties, but searched by Stateright.
//!
//! It knows no guards, words and crashes, and nothing below `end`: the protocol here has none.

use crate::Came;
use leasehold::explore::Protocol;
use leasehold::explore::protocol::{Answer, Move};
use leasehold::oracle::judge;
use leasehold::properties::check::check_each;
use leasehold::properties::known::Known;
use leasehold::properties::thorough::check_thoroughly;
use leasehold::scenario::{Assertion, Condition, Line, Name, Scenario, Step};
use leasehold::world::{Collected, Fingerprint, World};
use stateright::{Checker, Model, Property};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// A protocol whose states are worlds.
pub struct Worlds {
    protocol: Protocol<'static>,
    known: Known,
    promises: Vec<Promise>,
    /// Whether a collection breaks a property, once it was looked at.
    checked: Mutex<HashMap<u128, bool>>,
}

/// An `always` line.
struct Promise {
    client: Option<Name>,
    when: Option<Assertion>,
    holds: Assertion,
}

/// A world, and how far each thread is in it.
#[derive(Clone)]
pub struct State {
    world: World,
    print: Fingerprint,
    progress: Box<[u16]>,
    /// A step was refused that must not be, or a collection broke a property.
    is_broken: bool,
}

/// Searches a protocol on one thread.
///
/// # Panics
/// The scenario is no protocol.
pub fn search(scenario: &'static Scenario) -> Came {
    let checker = Worlds::of(scenario).checker().threads(1).spawn_bfs().join();
    crate::came(&checker)
}

impl Worlds {
    fn of(scenario: &'static Scenario) -> Worlds {
        let protocol = Protocol::of(scenario).expect("a protocol");
        let known = Known::as_shipped(scenario.release);
        let promises = protocol.promises.iter().filter_map(|line| Promise::of(line)).collect();
        Worlds { protocol, known, promises, checked: Mutex::default() }
    }

    fn move_of(&self, thread: usize, progress: u16) -> &Move<'static> {
        let thread = &self.protocol.threads[thread];
        &thread.moves[thread.place(progress)]
    }

    /// Whether a collection breaks a property; each is looked at once, as Leasehold's search does.
    fn breaks(&self, collected: &Collected) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        *checked.entry(collected.fingerprint()).or_insert_with(|| {
            let (request, defects) = (collected.request(), self.known.defects);
            let judgement = judge(&collected.before, defects);
            let mut checks = check_each(&request, &collected.outcome, &judgement, None);
            checks.extend(check_thoroughly(&request, &collected.outcome, &judgement, defects, None));
            !checks.findings.is_empty()
        })
    }
}

impl Promise {
    fn of(line: &Line) -> Option<Promise> {
        let Step::Always(promise) = &line.step else { return None };
        let when = promise.when.as_ref().map(Condition::assertion);
        Some(Promise { client: line.client.clone(), when, holds: promise.holds.assertion() })
    }

    fn holds(&self, world: &World) -> bool {
        let is_so = |assertion| world.expects(self.client.as_ref(), assertion).is_ok();
        !self.when.as_ref().is_none_or(is_so) || is_so(&self.holds)
    }
}

impl State {
    fn new(world: World, progress: Box<[u16]>, is_broken: bool) -> State {
        State { print: world.fingerprint(), world, progress, is_broken }
    }

    fn told_apart_by(&self) -> (&Fingerprint, &[u16], bool) {
        (&self.print, &self.progress, self.is_broken)
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        self.told_apart_by() == other.told_apart_by()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.told_apart_by().hash(state);
    }
}

impl Model for Worlds {
    type State = State;
    /// Whose move comes next.
    type Action = usize;

    fn init_states(&self) -> Vec<State> {
        let mut world = World::new(self.protocol.scenario.release);
        for line in self.protocol.before {
            world.apply(line);
        }
        vec![State::new(world, vec![0; self.protocol.threads.len()].into(), false)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<usize>) {
        let threads = self.protocol.threads.iter().zip(&state.progress).enumerate();
        actions.extend(threads.filter(|(_, (thread, at))| **at < thread.total()).map(|(thread, _)| thread));
    }

    fn next_state(&self, before: &State, thread: usize) -> Option<State> {
        let at = before.progress[thread];
        let each = self.move_of(thread, at);
        let mut world = before.world.clone();
        let applied = world.apply(&each.does);
        if applied.refused.as_ref().is_some_and(|error| each.waits(error)) {
            return None;
        }
        let is_wrong = applied.collected.is_some_and(|collected| self.breaks(&collected));
        let answer = each.answer(applied.refused);
        let mut progress = before.progress.clone();
        progress[thread] = match answer {
            Answer::Unfinished => at + 1,
            _ => {
                let of = &self.protocol.threads[thread];
                at + each.next - u16::try_from(of.place(at)).expect("it was counted")
            }
        };
        Some(State::new(world, progress, before.is_broken || is_wrong || !each.takes(&answer)))
    }

    fn properties(&self) -> Vec<Property<Worlds>> {
        vec![
            Property::always("every step is taken, every collection right", |_, state: &State| {
                !state.is_broken
            }),
            Property::always("every promise", |model: &Worlds, state: &State| {
                model.promises.iter().all(|promise| promise.holds(&state.world))
            }),
        ]
    }
}
