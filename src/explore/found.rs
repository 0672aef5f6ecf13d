//! What a search is asked, what it found, and what it never put to the test.

use super::commute::Commuting;
use super::protocol::Protocol;
use super::state::Merging;
use crate::campaign::Stop;
use crate::properties::known::Known;
use crate::release::Release;

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
    /// What is done about moves that commute.
    pub commuting: Commuting,
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

/// A way to a broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Whose move comes next, from the start, as places among the protocol's threads.
    pub order: Vec<u8>,
    /// What is broken by the last of them.
    pub promise: Kind,
    /// There is none of fewer moves; not known where the search ended early.
    pub is_shortest: bool,
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
    /// There is no promise, and no expectation in or below the block.
    pub nothing_promised: bool,
}

/// A guard that was asked: the thread, the place of its line, and whether it held.
pub(super) type Guarded = (u8, u16, bool);

/// What was put to the test.
#[derive(Default)]
pub(super) struct Tested {
    /// Promises whose condition held, as bits.
    pub(super) due: u64,
    /// Threads that moved, as bits.
    pub(super) ran: u32,
    /// Guards that were asked, with how they went.
    pub(super) guards: Vec<Guarded>,
}

impl Tested {
    /// Adds what was seen elsewhere.
    pub(super) fn add(&mut self, other: &mut Tested) {
        self.due |= other.due;
        self.ran |= other.ran;
        self.guards.append(&mut other.guards);
        self.guards.sort_unstable();
        self.guards.dedup();
    }
}

impl Untested {
    /// What of a protocol was not put to the test by what was.
    pub(super) fn of(protocol: &Protocol<'_>, tested: &Tested) -> Untested {
        let Protocol { promises, threads, .. } = protocol;
        let never_due = promises.iter().take(64).enumerate().filter(|(at, _)| tested.due >> at & 1 == 0);
        let mays = threads.iter().enumerate().filter(|(_, thread)| thread.may.is_some());
        let never_ran = mays.filter(|(at, _)| tested.ran >> at & 1 == 0);
        let mut one_way = Vec::new();
        for (at, thread) in threads.iter().enumerate() {
            for (place, each) in thread.moves.iter().enumerate().filter(|(_, each)| each.is_first) {
                if each.line.guard.is_none() {
                    continue;
                }
                let went = |held: bool| {
                    tested.guards.iter().any(|(thread, line, went)| {
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
            nothing_promised: promises.is_empty() && !protocol.expects(),
        }
    }
}
