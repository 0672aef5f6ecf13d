//! Many cases on every core, with the same result on any number of threads.
//!
//! ```text
//!   blocks of cases ──> on every core ──> tallies, added up in the order of the blocks ──> one tally
//! ```
//!
//! What is found goes by its *sort*: how many cases show it, and the one that shows it best. This file knows nothing
//! of what a case is.
//!
//! A campaign may be asked to stop. No block is begun then, and what was done of the others counts as far as nothing
//! before it is missing: the tally is that of a shorter campaign.

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// What came of some cases.
pub trait Tally: Default + Send {
    /// This and what came of the cases behind these.
    #[must_use]
    fn plus(self, later: Self) -> Self;
}

/// Whether campaigns are to end early. By default nobody asks for it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
}

impl Stop {
    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// What is true once it is asked for: a signal's handler may set it.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }
}

/// How long who waits for something slow goes on waiting once a stop is asked for. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    stop: Stop,
    rest: Duration,
    /// When the stop was first seen.
    seen: Arc<OnceLock<Instant>>,
}

impl Patience {
    /// How often who waits looks whether it is at its end.
    pub const LOOK: Duration = Duration::from_millis(50);

    /// Ends so long after a stop was first seen.
    pub fn new(stop: &Stop, rest: Duration) -> Patience {
        Patience { stop: stop.clone(), rest, seen: Arc::default() }
    }

    /// Whether nothing more is to be waited for.
    pub fn is_over(&self) -> bool {
        self.stop.is_asked() && self.seen.get_or_init(Instant::now).elapsed() >= self.rest
    }
}

/// Works through blocks, each given by its place, on every core.
pub fn run<T: Tally>(blocks: u64, stop: &Stop, work: impl Fn(u64) -> T + Sync) -> T {
    let whole = |place| Ok::<_, Infallible>(ControlFlow::Continue(work(place)));
    let Ok(tally) = try_run(blocks, stop, whole);
    tally
}

/// The same with work that may fail, and that may break off in the middle of a block once a stop is asked for.
///
/// # Errors
/// Some block's.
///
/// # Panics
/// The work did.
pub fn try_run<T: Tally, E: Send>(
    blocks: u64,
    stop: &Stop,
    work: impl Fn(u64) -> Result<ControlFlow<T, T>, E> + Sync,
) -> Result<T, E> {
    let sum: Mutex<InOrder<T>> = Mutex::default();
    // A bridge hands out one block after the other, so that little is begun behind the first that is missing.
    let places = (0..blocks).take_while(|_| !stop.is_asked()).par_bridge();
    places.try_for_each(|place| {
        let tally = work(place)?;
        sum.lock().expect("adding does not panic").add(place, tally);
        Ok(())
    })?;
    Ok(sum.into_inner().expect("adding does not panic").sum)
}

/// The sum of the blocks up to the first that is missing. Order is kept, so that of equal cases the first is the first.
#[derive(Default)]
struct InOrder<T> {
    sum: T,
    next: u64,
    /// Blocks that wait for one before them.
    waiting: BTreeMap<u64, ControlFlow<T, T>>,
}

impl<T: Tally> InOrder<T> {
    fn add(&mut self, place: u64, tally: ControlFlow<T, T>) {
        self.waiting.insert(place, tally);
        while let Some(tally) = self.waiting.remove(&self.next) {
            let (tally, next) = match tally {
                ControlFlow::Continue(tally) => (tally, self.next + 1),
                // Its rest is missing: nothing behind it counts.
                ControlFlow::Break(tally) => (tally, u64::MAX),
            };
            self.sum = std::mem::take(&mut self.sum).plus(tally);
            self.next = next;
        }
    }
}

/// What was found, by its sort.
pub type Found<S, E> = BTreeMap<S, Cases<E>>;

/// Cases that show the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cases<E> {
    /// How many.
    pub count: u64,
    /// The one that shows it best: the least, of equal ones the first.
    pub best: E,
}

/// Takes note of a case.
pub fn add_case<S: Ord, E: PartialOrd>(found: &mut Found<S, E>, sort: S, case: E) {
    add(found, [(sort, Cases { count: 1, best: case })]);
}

/// Adds what was found in later cases.
pub fn add<S: Ord, E: PartialOrd>(found: &mut Found<S, E>, later: impl IntoIterator<Item = (S, Cases<E>)>) {
    for (sort, cases) in later {
        match found.get_mut(&sort) {
            None => drop(found.insert(sort, cases)),
            Some(sum) => {
                sum.count += cases.count;
                if cases.best < sum.best {
                    sum.best = cases.best;
                }
            }
        }
    }
}

/// How many cases show something, each counted once for every sort.
pub fn case_count<S, E>(found: &Found<S, E>) -> u64 {
    found.values().map(|cases| cases.count).sum()
}

/// Adds counts by their names.
pub fn add_counts<K: Ord>(sum: &mut BTreeMap<K, u64>, later: BTreeMap<K, u64>) {
    for (name, count) in later {
        *sum.entry(name).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places that were counted.
    #[derive(Default, PartialEq, Debug)]
    struct Places(Vec<u64>);

    impl Tally for Places {
        fn plus(mut self, later: Places) -> Places {
            self.0.extend(later.0);
            self
        }
    }

    #[test]
    fn what_counts_after_a_stop_is_a_shorter_campaign() {
        let stop = Stop::default();
        let tally = run(1000, &stop, |place| {
            if place == 300 {
                stop.flag().store(true, Ordering::Relaxed);
            }
            Places(vec![place])
        });
        assert!((301..1000).contains(&tally.0.len()), "{}", tally.0.len());
        assert!(tally.0.iter().copied().eq(0..tally.0.len() as u64), "{tally:?}");
        assert_eq!(run(9, &stop, |place| Places(vec![place])), Places::default());
    }

    #[test]
    fn nothing_behind_a_block_that_broke_off_counts() {
        let tally = try_run(1000, &Stop::default(), |place| {
            let tally = Places(vec![place]);
            Ok::<_, Infallible>(if place < 70 {
                ControlFlow::Continue(tally)
            } else {
                ControlFlow::Break(tally)
            })
        });
        assert_eq!(tally, Ok(Places((0..=70).collect())));
    }
}
