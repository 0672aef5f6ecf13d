//! Many cases on every core, with the same result on any number of threads.
//!
//! ```text
//!   blocks of cases ──> on every core ──> tallies, added up in the order of the blocks ──> one tally
//! ```
//!
//! What is found goes by its *sort*: how many cases show it, and the one that shows it best. This file knows nothing
//! of what a case is.

use rayon::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// What came of some cases.
pub trait Tally: Default + Send {
    /// This and what came of the cases behind these.
    #[must_use]
    fn plus(self, later: Self) -> Self;
}

/// Works through blocks, each given by its place, on every core.
pub fn run<T: Tally>(blocks: u64, work: impl Fn(u64) -> T + Sync) -> T {
    let Ok(tally) = try_run(blocks, |place| Ok::<T, Infallible>(work(place)));
    tally
}

/// The same with work that may fail.
///
/// # Errors
/// Some block's.
pub fn try_run<T: Tally, E: Send>(blocks: u64, work: impl Fn(u64) -> Result<T, E> + Sync) -> Result<T, E> {
    let tallies = (0..blocks).into_par_iter().map(&work);
    // Order is kept, so that of equal cases the first is the first.
    tallies.try_reduce(T::default, |sum, later| Ok(sum.plus(later)))
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
