//! How far everybody is, and which states are one.
//!
//! A state is a world and a *control*: how far each thread is, and who gave up. Every move takes
//! some thread further, so a state is met again only after as many moves: the sum of how far all are, its *rank*, orders
//! the states, and what lies behind may be forgotten.
//!
//! Times count by their order alone: of two states with the same content and control, whose clocks and expiries differ, but
//! not in which of them has passed now or after any sum of the `advance` steps that are left, one is enough.

use super::protocol::{Protocol, Thread};
use crate::world::Fingerprint;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

/// How far everybody is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Control {
    /// Moves done or passed over, a thread each.
    pub(super) progress: Box<[u16]>,
    /// Clients that gave up for what a crash took from them, as bits.
    pub(super) given_up: u32,
}

/// Which differences between states are passed over. Only tests take another than the default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Merging {
    /// Clocks between the same expiries.
    #[default]
    Clocks,
    /// None: not even the clock.
    Nothing,
    /// A mistake: every clock.
    AllClocks,
    /// A mistake: what clients hold open, the backends, all that is no control.
    Worlds,
    /// A mistake: how often what may happen has happened.
    Budgets,
}

impl Control {
    /// Nobody has done anything.
    pub(super) fn start(protocol: &Protocol<'_>) -> Control {
        Control { progress: vec![0; protocol.threads.len()].into(), given_up: 0 }
    }

    /// How many moves were done or passed over.
    pub(super) fn rank(&self) -> u32 {
        self.progress.iter().map(|progress| u32::from(*progress)).sum()
    }

    /// Whether every client came to its end, none by giving up.
    pub(super) fn is_final(&self, protocol: &Protocol<'_>) -> bool {
        self.given_up == 0
            && protocol
                .threads
                .iter()
                .zip(&self.progress)
                .all(|(thread, progress)| thread.may.is_some() || *progress == thread.total())
    }

    /// By what a state is known.
    pub(super) fn known_by(
        &self,
        protocol: &Protocol<'_>,
        clocks: &Clocks,
        world: &Seen,
        merging: Merging,
    ) -> u128 {
        let mut known = Vec::with_capacity(128);
        if merging != Merging::Worlds {
            known.extend_from_slice(&world.print.still.to_le_bytes());
        }
        for (thread, progress) in protocol.threads.iter().zip(&self.progress) {
            let is_forgotten = merging == Merging::Budgets && thread.may.is_some();
            known.extend_from_slice(&if is_forgotten { 0 } else { *progress }.to_le_bytes());
        }
        known.extend_from_slice(&self.given_up.to_le_bytes());
        let is_exact = protocol.reads_clock || world.print.compares || merging == Merging::Nothing;
        match clocks.ahead(protocol, &self.progress).filter(|_| !is_exact) {
            _ if merging == Merging::AllClocks => {}
            Some(sums) => {
                known.extend(world.print.moments.iter().flat_map(|moment| order(*moment, sums)));
            }
            None => {
                known.extend(world.print.moments.iter().flat_map(|moment| moment.to_le_bytes()));
                known.extend_from_slice(&world.seconds.to_le_bytes());
            }
        }
        twox_hash::XxHash3_128::oneshot(&known)
    }
}

/// By how much the clock may move from any moment on, once it was asked.
pub(super) struct Clocks {
    /// The threads that move it, and how many places each has.
    threads: Vec<(usize, usize)>,
    /// A row for each of their places together; empty if these are too many to keep.
    ahead: Vec<OnceLock<Option<Vec<i128>>>>,
}

impl Clocks {
    /// Nothing was asked yet.
    pub(super) fn of(protocol: &Protocol<'_>) -> Clocks {
        const ROWS_MAX: usize = 10_000;
        let advances = |(at, thread): (usize, &Thread<'_>)| {
            let advances = thread.moves.iter().any(|each| each.advances().is_some());
            advances.then(|| (at, usize::from(thread.total()) + 1))
        };
        let threads: Vec<(usize, usize)> = protocol.threads.iter().enumerate().filter_map(advances).collect();
        let rows = threads.iter().try_fold(1, |rows: usize, (_, places)| rows.checked_mul(*places));
        let rows = rows.filter(|rows| *rows <= ROWS_MAX).unwrap_or_default();
        Clocks { threads, ahead: std::iter::repeat_with(OnceLock::new).take(rows).collect() }
    }

    /// By how much the clock may have moved from now on at any later moment, in order; none if these are too many to
    /// tell apart.
    fn ahead(&self, protocol: &Protocol<'_>, progress: &[u16]) -> Option<&[i128]> {
        let row = self.threads.iter().fold(0, |row, (at, places)| row * places + usize::from(progress[*at]));
        self.ahead.get(row)?.get_or_init(|| sums_ahead(protocol, progress)).as_deref()
    }
}

fn sums_ahead(protocol: &Protocol<'_>, progress: &[u16]) -> Option<Vec<i128>> {
    const SUMS_MAX: usize = 200;
    let mut sums = BTreeSet::from([0]);
    for (thread, progress) in protocol.threads.iter().zip(progress) {
        for by in thread.advances_from(*progress) {
            let by = i128::try_from(by.as_nanos()).ok()?;
            sums.extend(sums.iter().map(|sum| sum + by).collect::<Vec<_>>());
            if sums.len() > SUMS_MAX {
                return None;
            }
        }
    }
    Some(sums.into_iter().collect())
}

/// How many of the sums lie before a moment, and how many not behind it.
fn order(moment: i128, sums: &[i128]) -> [u8; 2] {
    let count = |sums: usize| u8::try_from(sums).expect("they are few");
    [count(sums.partition_point(|sum| *sum < moment)), count(sums.partition_point(|sum| *sum <= moment))]
}

/// A world with what it is told apart by.
pub(super) struct Seen {
    pub(super) print: Fingerprint,
    /// The clock.
    pub(super) seconds: i64,
}

impl Thread<'_> {
    /// What the moves that are left move the clock by, each as often as it may come.
    fn advances_from(&self, progress: u16) -> impl Iterator<Item = Duration> {
        (progress..self.total()).filter_map(|at| self.moves[self.place(at)].advances())
    }
}
