//! The search: every state once, those of the fewest moves first.
//!
//! ```text
//!   level r   worlds, and the states in each ──> every move of every thread ──> level r+1, r+2 ...
//!             (a move is tried once a world,        a state that is there
//!              however many states are in it)       gets the orders added
//! ```
//!
//! A level's worlds are dropped when all its moves are done. Of a state that lies behind, only from which it came and by
//! whose move is kept, so that the order that led anywhere can be told. Moves are tried on every core and their states
//! taken in one order, so that the answer is the same on any number of them.

use super::protocol::{Answer, Move, Protocol};
use super::state::{Control, Merging, Seen};
use crate::campaign::Stop;
use crate::oracle::judge;
use crate::properties::check::check_each;
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::thorough::check_thoroughly;
use crate::release::Release;
use crate::scenario::{Line, Step};
use crate::world::{Collected, Fingerprint, World};
use hashbrown::HashMap;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How to search.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The release of the daemon at the start.
    pub release: Release,
    /// What the daemon may do against the intended rules.
    pub known: Known,
    /// So many states at the most.
    pub states_max: u64,
    /// Which states are one.
    pub merging: Merging,
    /// Whether to end early.
    pub stop: &'a Stop,
    /// Hears how far it is, after each level.
    pub told: &'a (dyn Fn(Progress) + Sync),
}

/// How far a search is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// States met.
    pub states: u64,
    /// Moves from one state to another.
    pub moves: u64,
    /// Moves from the start to the states that are looked at now.
    pub depth: u32,
    /// States that wait.
    pub frontier: u64,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// How far it came.
    pub progress: Progress,
    /// In how many orders the clients come to their end; the greatest number if more.
    pub orders: u128,
    /// States in which every client came to its end.
    pub finals: u64,
    /// Whether all was seen, and what broke.
    pub verdict: Verdict,
    /// What was never put to the test.
    pub untested: Untested,
}

/// How a search ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every state was seen, and every promise held in each.
    Safe,
    /// A promise was broken.
    Broken(Broken),
    /// There were more states than allowed.
    Cut,
    /// It was asked to stop.
    Stopped,
}

/// A shortest way to a broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Whose move comes next, from the start, as places among the protocol's threads.
    pub order: Vec<u8>,
    /// What is broken by the last of them.
    pub promise: Kind,
}

/// Which promise it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A step was refused, or taken, against what its line says, or what it expects is not so.
    Step,
    /// This one of the protocol's promises.
    Always(usize),
    /// A collection broke a property.
    Collection,
    /// A line below the block fails.
    Behind,
}

/// What a safe answer says nothing about, as numbers of lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Untested {
    /// Promises whose condition never held.
    pub never_due: Vec<usize>,
    /// What may happen and never could.
    pub never_ran: Vec<usize>,
    /// Guards that held always, or never.
    pub one_way: Vec<(usize, bool)>,
}

/// The states of one rank.
#[derive(Default)]
struct Level {
    worlds: Vec<(Arc<World>, Vec<State>)>,
    world_at: HashMap<u128, usize>,
    state_at: HashMap<u128, (usize, usize)>,
}

struct State {
    control: Control,
    /// Its place among all states.
    id: u32,
    orders: u128,
}

/// From which state, by whose move.
type Origin = (u32, u8);

/// What came of a move in a world, for whoever is at this place.
pub(super) struct Taken {
    pub(super) outcome: Outcome,
    /// Where a guard went, and whether a promise's condition held.
    guard: Option<bool>,
    due: u64,
}

pub(super) enum Outcome {
    /// What may happen cannot, as its guard does not hold; or the client waits for another.
    Barred,
    /// A promise is broken.
    Broken(Kind),
    /// Another world, perhaps.
    Next(Box<Next>),
}

/// What is behind a move.
pub(super) struct Next {
    pub(super) world: Arc<World>,
    seen: Seen,
    exact: u128,
    pub(super) goes: Goes,
}

/// How far a thread comes by a move.
#[derive(Clone, Copy)]
pub(super) enum Goes {
    On,
    BehindLine,
    GivesUp,
}

/// A state behind a move.
struct Successor {
    known_by: u128,
    exact: u128,
    world: Arc<World>,
    control: Control,
    origin: Origin,
    orders: u128,
}

/// What came of all moves in one world.
#[derive(Default)]
struct Expanded {
    successors: Vec<Successor>,
    broken: Vec<(Origin, Kind)>,
    /// Final states in which a line below the block fails.
    failed: Vec<u32>,
    orders: u128,
    finals: u64,
    moves: u64,
    due: u64,
    ran: u32,
    guards: Vec<Guarded>,
}

/// A guard that was asked: the thread, the place of its line, and whether it held.
type Guarded = (u8, u16, bool);

/// Searches all states of a protocol, in the world that its first lines led to.
pub fn search(protocol: &Protocol<'_>, start: World, search: &Search<'_>) -> Found {
    Searching::new(protocol, search).run(start)
}

pub(super) struct Searching<'a> {
    protocol: &'a Protocol<'a>,
    search: &'a Search<'a>,
    /// Of each state but the first, in the order in which they were met.
    origins: Vec<Origin>,
    /// Whether a collection of a world breaks a property, once it was looked at.
    checked: Mutex<HashMap<u128, bool>>,
}

impl<'a> Searching<'a> {
    pub(super) fn new(protocol: &'a Protocol<'a>, search: &'a Search<'a>) -> Searching<'a> {
        Searching { protocol, search, origins: Vec::new(), checked: Mutex::default() }
    }

    fn run(mut self, start: World) -> Found {
        let mut levels: BTreeMap<u32, Level> = BTreeMap::new();
        let mut found = Found {
            progress: Progress { states: 1, ..Progress::default() },
            orders: 0,
            finals: 0,
            verdict: Verdict::Safe,
            untested: Untested::default(),
        };
        let mut all = Expanded { due: self.due(&start), ..Expanded::default() };
        if let Some(promise) = self.broken_promise(&start) {
            found.verdict = Verdict::Broken(Broken { order: Vec::new(), promise });
            return found;
        }
        let control = self.settled(&start, Control::start(self.protocol), &mut all.guards);
        self.origins.push((0, 0));
        let first = State { control: control.clone(), id: 0, orders: 1 };
        let level = Level { worlds: vec![(Arc::new(start), vec![first])], ..Level::default() };
        levels.insert(control.rank(), level);
        while let Some((rank, level)) = levels.pop_first() {
            found.progress.depth = rank;
            let mut broken = Vec::new();
            let mut failed = Vec::new();
            for worlds in level.worlds.chunks(WORLDS_AT_ONCE) {
                if self.search.stop.is_asked() {
                    found.verdict = Verdict::Stopped;
                    break;
                }
                let expanded: Vec<Expanded> =
                    worlds.par_iter().map(|(world, states)| self.expand(world, states)).collect();
                for mut one in expanded {
                    all.add(&mut one);
                    broken.append(&mut one.broken);
                    failed.append(&mut one.failed);
                    for successor in one.successors {
                        found.progress.states += u64::from(self.insert(&mut levels, successor));
                    }
                }
                if found.progress.states > self.search.states_max {
                    found.verdict = Verdict::Cut;
                    break;
                }
            }
            found.progress.moves = all.moves;
            found.progress.frontier = levels.values().map(|level| level.state_at.len() as u64).sum();
            (self.search.told)(found.progress);
            if let Some(worst) = self.shortest(broken, failed) {
                found.verdict = Verdict::Broken(worst);
            }
            if found.verdict != Verdict::Safe {
                break;
            }
        }
        (found.orders, found.finals) = (all.orders, all.finals);
        found.untested = self.untested(&all);
        found
    }

    /// The first of the ways that broke something with the fewest moves.
    fn shortest(&self, broken: Vec<(Origin, Kind)>, failed: Vec<u32>) -> Option<Broken> {
        let broken = broken.into_iter().map(|((from, thread), promise)| {
            let mut order = self.order_to(from);
            order.push(thread);
            Broken { order, promise }
        });
        let failed = failed.into_iter().map(|id| Broken { order: self.order_to(id), promise: Kind::Behind });
        broken.chain(failed).min_by_key(|broken| broken.order.len())
    }

    /// Whose moves led to a state.
    fn order_to(&self, id: u32) -> Vec<u8> {
        let mut order = Vec::new();
        let mut at = id;
        while at > 0 {
            let (from, thread) = self.origins[at as usize];
            order.push(thread);
            at = from;
        }
        order.reverse();
        order
    }

    /// Takes a state in; whether it is new.
    fn insert(&mut self, levels: &mut BTreeMap<u32, Level>, successor: Successor) -> bool {
        let Successor { known_by, exact, world, control, origin, orders } = successor;
        let level = levels.entry(control.rank()).or_default();
        if let Some((world, state)) = level.state_at.get(&known_by) {
            let state = &mut level.worlds[*world].1[*state];
            state.orders = state.orders.saturating_add(orders);
            return false;
        }
        let at = *level.world_at.entry(exact).or_insert_with(|| {
            level.worlds.push((world, Vec::new()));
            level.worlds.len() - 1
        });
        let id = u32::try_from(self.origins.len()).expect("there are fewer states than that");
        self.origins.push(origin);
        let states = &mut level.worlds[at].1;
        level.state_at.insert(known_by, (at, states.len()));
        states.push(State { control, id, orders });
        true
    }

    /// All moves of all states in one world.
    fn expand(&self, world: &Arc<World>, states: &[State]) -> Expanded {
        let mut expanded = Expanded::default();
        let mut taken: HashMap<(u8, usize), Taken> = HashMap::new();
        let mut behind = None;
        for state in states {
            if state.control.is_final(self.protocol) {
                expanded.finals += 1;
                expanded.orders = expanded.orders.saturating_add(state.orders);
                if *behind.get_or_insert_with(|| self.fails_behind(world)) {
                    expanded.failed.push(state.id);
                }
            }
            for (at, thread) in self.protocol.threads.iter().enumerate() {
                let progress = state.control.progress[at];
                let given_up = state.control.given_up >> at & 1 == 1;
                if progress == thread.total() || given_up {
                    continue;
                }
                let number = u8::try_from(at).expect("threads are few");
                let place = thread.place(progress);
                let taken = taken.entry((number, place)).or_insert_with(|| {
                    let taken = self.take(world, at, &thread.moves[place]);
                    expanded.due |= taken.due;
                    let line = u16::try_from(place).expect("it was counted");
                    expanded.guards.extend(taken.guard.map(|held| (number, line, held)));
                    taken
                });
                match &taken.outcome {
                    Outcome::Barred => continue,
                    Outcome::Broken(kind) => expanded.broken.push(((state.id, number), kind.clone())),
                    Outcome::Next(next) => {
                        let control = self.after(&state.control, at, next);
                        let control = self.settled(&next.world, control, &mut expanded.guards);
                        expanded.successors.push(Successor {
                            known_by: control.known_by(self.protocol, &next.seen, self.search.merging),
                            exact: next.exact,
                            world: Arc::clone(&next.world),
                            control,
                            origin: (state.id, number),
                            orders: state.orders,
                        });
                    }
                }
                expanded.moves += 1;
                expanded.ran |= 1 << at;
            }
        }
        expanded
    }

    /// One move in one world.
    pub(super) fn take(&self, world: &World, thread: usize, each: &Move<'_>) -> Taken {
        let client = self.protocol.threads[thread].client;
        let mut guard = None;
        if let (true, Some(asked)) = (each.is_first, &each.line.guard) {
            let holds = world.remembers(client, &asked.word) == asked.is_set;
            guard = Some(holds);
            if !holds {
                let may = self.protocol.threads[thread].may.is_some();
                let outcome = if may { Outcome::Barred } else { self.next(world.clone(), Goes::BehindLine) };
                return Taken { outcome, guard, due: 0 };
            }
        }
        match catching(|| self.does(world, thread, each)) {
            Ok(outcome) => {
                let due = match &outcome {
                    Outcome::Next(next) => self.due(&next.world),
                    _ => 0,
                };
                Taken { outcome, guard, due }
            }
            Err(_) => Taken { outcome: Outcome::Broken(Kind::Collection), guard, due: 0 },
        }
    }

    fn does(&self, world: &World, thread: usize, each: &Move<'_>) -> Outcome {
        let client = self.protocol.threads[thread].client;
        if let Step::Expect(assertion) = &each.line.step {
            return match world.expects(client, assertion) {
                Ok(()) => self.next(world.clone(), Goes::BehindLine),
                Err(_) => Outcome::Broken(Kind::Step),
            };
        }
        let mut after = world.clone();
        let remembers = each.line.remembers.clone().filter(|_| matches!(each.line.step, Step::Look(_)));
        let applied = after.apply(&Line { remembers, ..each.does.clone() });
        if applied.refused.as_ref().is_some_and(|error| each.waits(error)) {
            return Outcome::Barred;
        }
        if let Some(collected) = &applied.collected
            && self.breaks(world, collected)
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
        if let Some(promise) = self.broken_promise(&after) {
            return Outcome::Broken(promise);
        }
        self.next(after, goes)
    }

    fn next(&self, world: World, goes: Goes) -> Outcome {
        let print = world.fingerprint();
        let exact = exact(&world, &print);
        let seen = Seen { print, seconds: world.now().seconds };
        Outcome::Next(Box::new(Next { world: Arc::new(world), seen, exact, goes }))
    }

    /// How far everybody is after a move of a thread.
    pub(super) fn after(&self, before: &Control, at: usize, next: &Next) -> Control {
        let mut control = before.clone();
        let thread = &self.protocol.threads[at];
        let behind_line = thread.behind_line(before.progress[at]);
        control.progress[at] = match (next.goes, thread.may) {
            (Goes::On, _) => before.progress[at] + 1,
            (Goes::BehindLine, _) | (Goes::GivesUp, Some(_)) => behind_line,
            (Goes::GivesUp, None) => thread.total(),
        };
        if let (Goes::GivesUp, None) = (next.goes, thread.may) {
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

    /// The first promise that does not hold in a world.
    fn broken_promise(&self, world: &World) -> Option<Kind> {
        let breaks = |line: &&Line| match &line.step {
            Step::Always(promise) => world.breaks(line.client.as_ref(), promise).is_some(),
            _ => false,
        };
        self.protocol.promises.iter().position(breaks).map(Kind::Always)
    }

    /// The promises whose condition holds in a world, as bits.
    fn due(&self, world: &World) -> u64 {
        let is_due = |line: &Line| match &line.step {
            Step::Always(promise) => promise
                .when
                .as_ref()
                .is_none_or(|when| world.expects(line.client.as_ref(), &when.assertion()).is_ok()),
            _ => false,
        };
        let promises = self.protocol.promises.iter().take(64).enumerate();
        promises.filter(|(_, line)| is_due(line)).map(|(at, _)| 1 << at).sum()
    }

    /// Whether a collection breaks a property; each world's is looked at once.
    fn breaks(&self, world: &World, collected: &Collected) -> bool {
        let key = exact(world, &world.fingerprint());
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
    fn fails_behind(&self, world: &World) -> bool {
        let mut world = world.clone();
        for line in self.protocol.behind {
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
            if !super::protocol::is_as_asked(line, &answer) {
                return true;
            }
        }
        false
    }

    fn untested(&self, all: &Expanded) -> Untested {
        let Protocol { promises, threads, .. } = self.protocol;
        let never_due = promises.iter().take(64).enumerate().filter(|(at, _)| all.due >> at & 1 == 0);
        let mays = threads.iter().enumerate().filter(|(_, thread)| thread.may.is_some());
        let never_ran = mays.filter(|(at, _)| all.ran >> at & 1 == 0);
        let mut one_way = Vec::new();
        for (at, thread) in threads.iter().enumerate() {
            for (place, each) in thread.moves.iter().enumerate().filter(|(_, each)| each.is_first) {
                if each.line.guard.is_none() {
                    continue;
                }
                let went = |held: bool| {
                    all.guards.iter().any(|(thread, line, went)| {
                        (usize::from(*thread), usize::from(*line), *went) == (at, place, held)
                    })
                };
                match (went(true), went(false)) {
                    (true, false) => one_way.push((each.line.number, true)),
                    (false, _) => one_way.push((each.line.number, false)),
                    _ => {}
                }
            }
        }
        Untested {
            never_due: never_due.map(|(_, line)| line.number).collect(),
            never_ran: never_ran.map(|(_, thread)| thread.moves[0].line.number).collect(),
            one_way,
        }
    }
}

/// By what worlds are told apart to the nanosecond.
fn exact(world: &World, print: &Fingerprint) -> u128 {
    print.exact() ^ u128::from(world.now().seconds.cast_unsigned())
}

/// How many worlds are worked on before their states are taken in: bounds the memory of a wide level.
const WORLDS_AT_ONCE: usize = 4_096;

impl Expanded {
    /// Adds what is counted.
    fn add(&mut self, other: &mut Expanded) {
        self.orders = self.orders.saturating_add(other.orders);
        self.finals += other.finals;
        self.moves += other.moves;
        self.due |= other.due;
        self.ran |= other.ran;
        self.guards.append(&mut other.guards);
        self.guards.sort_unstable();
        self.guards.dedup();
    }
}
