//! The search: every state once, those of the fewest moves first.
//!
//! ```text
//!   level r   worlds, and the states in each ──> every move of every thread ──> level r+1, r+2 ...
//!             (a move is tried once a world,        a state that is there
//!              however many states are in it)       gets the orders added
//! ```
//!
//! Where two moves commute the world behind both is applied once (`commute`, `level`).
//!
//! A level's worlds are dropped when all its moves are done. Of a state that lies behind, only from which it came and by
//! whose move is kept, so that the order that led anywhere can be told. Moves are tried on every core and their states
//! taken in one order, so that the answer is the same on any number of them.
//!
//! A level counts what was done or passed over, so that a later one may have an order of fewer moves. Once something is
//! broken, states from which a shorter order may come are still looked at.

use super::found::{Broken, Found, Kind, Progress, Search, Tested, Untested, Verdict};
use super::level::{Born, Level, Sibling, State, Visited};
use super::moves::{Moves, Next, Outcome, Reached};
use super::protocol::{At, Protocol};
use super::state::{Clocks, Control};
use crate::scenario::Outcome as Asked;
use crate::world::World;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many worlds are worked on before their states are taken in: bounds the memory of a wide level.
const WORLDS_AT_ONCE: usize = 4_096;

/// From which state, by whose move.
type Origin = (u32, u8);

/// A state behind a move.
struct Successor {
    known_by: u128,
    here: Arc<Reached>,
    by: At,
    control: Control,
    origin: Origin,
    moves: u32,
    orders: u128,
}

/// Where something broke: the way there, and how many moves it has.
struct Way {
    from: u32,
    /// None where a line below the block fails.
    by: Option<u8>,
    moves: u32,
    promise: Kind,
}

/// What came of all moves in one world.
#[derive(Default)]
struct Expanded {
    successors: Vec<Successor>,
    siblings: Arc<[Sibling]>,
    broken: Vec<Way>,
    orders: u128,
    finals: u64,
    moves: u64,
    tested: Tested,
}

/// Searches all states of a protocol, in the world that its first lines led to.
pub(super) fn search(protocol: &Protocol<'_>, start: World, search: &Search<'_>) -> Found {
    let mut searching = Searching {
        moves: Moves::new(protocol, search),
        clocks: Clocks::of(protocol),
        search,
        origins: Vec::new(),
        best: None,
    };
    let mut all = Expanded::default();
    let mut progress = Progress { states: 1, ..Progress::default() };
    let verdict = searching.run(start, &mut all, &mut progress);
    let untested = Untested::of(protocol, &all.tested);
    Found { progress, orders: all.orders, finals: all.finals, verdict, untested }
}

struct Searching<'a> {
    moves: Moves<'a>,
    clocks: Clocks,
    search: &'a Search<'a>,
    /// Of each state but the first, in the order in which they were met.
    origins: Vec<Origin>,
    /// The first of the shortest ways that broke something.
    best: Option<Way>,
}

impl Searching<'_> {
    fn run(&mut self, start: World, all: &mut Expanded, progress: &mut Progress) -> Verdict {
        let (due, broken) = self.moves.promises(&start);
        all.tested.due = due;
        if let Some(promise) = broken {
            return Verdict::Broken(Broken { order: Vec::new(), promise, is_shortest: true });
        }
        let control = Control::start(self.moves.protocol);
        let control = self.moves.settled(&start, control, &mut all.tested.guards);
        self.origins.push((0, 0));
        let rank = control.rank();
        let first = State { control, id: 0, moves: 0, orders: 1 };
        let mut levels = BTreeMap::from([(rank, Level::of(Arc::new(Reached::of(start)), first))]);
        while let Some((rank, level)) = levels.pop_first() {
            let mut seen = Progress { depth: rank, ..*progress };
            for worlds in level.worlds.chunks(WORLDS_AT_ONCE) {
                if self.search.stop.is_asked() {
                    return self.best(false).unwrap_or(Verdict::Stopped);
                }
                self.take_in(&level, worlds, &mut levels, all, &mut seen);
                if seen.states > self.search.states_max {
                    seen.moves = all.moves;
                    seen.states = self.search.states_max;
                    *progress = seen;
                    return self.best(false).unwrap_or(Verdict::Cut);
                }
            }
            seen.moves = all.moves;
            seen.frontier = levels.values().map(|level| level.states() as u64).sum();
            (self.search.told)(seen);
            *progress = seen;
        }
        self.best(true).unwrap_or(Verdict::Safe)
    }

    /// All moves of some worlds, and the states that they lead to.
    fn take_in(
        &mut self,
        level: &Level,
        worlds: &[Visited],
        levels: &mut BTreeMap<u32, Level>,
        all: &mut Expanded,
        seen: &mut Progress,
    ) {
        let expanded: Vec<Expanded> = worlds.par_iter().map(|visited| self.expand(level, visited)).collect();
        for mut one in expanded {
            all.add(&mut one);
            for way in one.broken {
                if self.best.as_ref().is_none_or(|best| way.moves < best.moves) {
                    self.best = Some(way);
                }
            }
            // Beyond what is allowed one state is enough to know that there are more.
            for successor in one.successors {
                if seen.states > self.search.states_max {
                    break;
                }
                seen.states += u64::from(self.insert(levels, successor, &one.siblings));
            }
        }
    }

    /// What is broken by the fewest moves so far, if something is.
    fn best(&self, is_shortest: bool) -> Option<Verdict> {
        let Way { from, by, promise, .. } = self.best.as_ref()?;
        let mut order = self.order_to(*from);
        order.extend(by);
        Some(Verdict::Broken(Broken { order, promise: promise.clone(), is_shortest }))
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

    /// Whether a way of so many moves is one that is looked for still.
    fn is_short(&self, moves: u32) -> bool {
        self.best.as_ref().is_none_or(|best| moves < best.moves)
    }

    /// Takes a state in; whether it is new.
    fn insert(
        &mut self,
        levels: &mut BTreeMap<u32, Level>,
        successor: Successor,
        siblings: &Arc<[Sibling]>,
    ) -> bool {
        let Successor { known_by, here, by, control, origin, moves, orders } = successor;
        let level = levels.entry(control.rank()).or_default();
        if let Some(state) = level.state_mut(known_by) {
            state.orders = state.orders.saturating_add(orders);
            if moves < state.moves {
                state.moves = moves;
                self.origins[state.id as usize] = origin;
            }
            return false;
        }
        let id = u32::try_from(self.origins.len()).expect("there are fewer states than that");
        self.origins.push(origin);
        let born = Born { by, siblings: Arc::clone(siblings) };
        level.insert(known_by, here, born, State { control, id, moves, orders });
        true
    }

    /// All moves of all states in one world.
    fn expand(&self, level: &Level, visited: &Visited) -> Expanded {
        let protocol = self.moves.protocol;
        let mut expanded = Expanded::default();
        let mut behind = None;
        for state in &visited.states {
            if state.control.is_final(protocol) && self.is_short(state.moves) {
                expanded.finals += 1;
                expanded.orders = expanded.orders.saturating_add(state.orders);
                if *behind.get_or_insert_with(|| self.moves.fails_behind(&visited.here.world)) {
                    let way = Way { from: state.id, by: None, moves: state.moves, promise: Kind::Behind };
                    expanded.broken.push(way);
                }
            }
            let moves = state.moves + 1;
            if !self.is_short(moves) {
                continue;
            }
            let (mut waiting, mut goes_on) = (None, false);
            for (at, thread) in protocol.threads.iter().enumerate() {
                let progress = state.control.progress[at];
                let given_up = state.control.given_up >> at & 1 == 1;
                if progress == thread.total() || given_up {
                    continue;
                }
                let number = u8::try_from(at).expect("threads are few");
                let place = thread.place(progress);
                let by = (number, u16::try_from(place).expect("it was counted"));
                let tested = &mut expanded.tested;
                let (taken, is_new) = level.taken(visited, by, &self.moves, self.search.commuting);
                if is_new {
                    tested.due |= taken.due;
                    tested.guards.extend(taken.guard.map(|held| (by.0, by.1, held)));
                }
                match &taken.outcome {
                    Outcome::Barred => {
                        if thread.may.is_none() && waiting.is_none() {
                            waiting = Some((number, thread.moves[place].line.outcome));
                        }
                        continue;
                    }
                    Outcome::Broken(promise) => {
                        let promise = promise.clone();
                        expanded.broken.push(Way { from: state.id, by: Some(number), moves, promise });
                    }
                    Outcome::Next(Next { reached, goes }) => {
                        let control = self.moves.after(&state.control, at, *goes);
                        let control = self.moves.settled(&reached.world, control, &mut tested.guards);
                        expanded.successors.push(Successor {
                            known_by: control.known_by(
                                protocol,
                                &self.clocks,
                                &reached.seen,
                                self.search.merging,
                            ),
                            here: Arc::clone(reached),
                            by,
                            control,
                            origin: (state.id, number),
                            moves,
                            orders: state.orders,
                        });
                    }
                }
                expanded.moves += 1;
                expanded.tested.ran |= 1 << at;
                goes_on |= thread.may.is_none();
            }
            // Nobody who must go on can: what may happen need not.
            if let (Some((number, Asked::Accepted)), false) = (waiting, goes_on) {
                let promise = Kind::Step;
                expanded.broken.push(Way { from: state.id, by: Some(number), moves, promise });
            }
        }
        expanded.siblings = visited.siblings();
        expanded
    }
}

impl Expanded {
    /// Adds what is counted.
    fn add(&mut self, other: &mut Expanded) {
        self.orders = self.orders.saturating_add(other.orders);
        self.finals += other.finals;
        self.moves += other.moves;
        self.tested.add(&mut other.tested);
    }
}
