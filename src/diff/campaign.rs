//! Generated databases under two releases: every class of difference with its count and one small example.
//!
//! Each case is a database that [`draw`] makes. Results depend on the seed and the numbers of the cases alone, never on
//! threads.

use super::class::Class;
use super::compare::{Aspect, Pair, compare};
use crate::campaign::{self, Cases, Found, Stop, Tally as _};
use crate::generate::seed::Seed;
use crate::generate::trees::draw;
use crate::release::Release;
use crate::shrink::{Shrunk, shrink};
use crate::situation::Situation;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of every case.
    pub seed: Seed,
    /// How many cases.
    pub cases: u64,
    /// The release that runs today.
    pub from: Release,
    /// The release that takes over.
    pub to: Release,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cases compared.
    pub cases: u64,
    /// Cases that a daemon of one of the releases does not open.
    pub unopenable: u64,
    /// Cases that differ.
    pub differing: u64,
    /// The classes, and the case that shows each best: by its aspect, then by its number.
    pub classes: Found<Class, (Aspect, u64)>,
    /// How often each class shows, by where.
    pub shown: BTreeMap<(Class, Aspect), u64>,
}

/// A class with its example, made as small as it goes.
#[derive(Clone, Debug)]
pub struct Example {
    /// The case that it was made from.
    pub number: u64,
    /// What of the class it shows.
    pub aspect: Aspect,
    /// The small case.
    pub case: Situation,
    /// Both sides of it.
    pub pair: Pair,
}

impl Tally {
    /// Whether something differs without a rule that explains it.
    pub fn is_unexplained(&self) -> bool {
        self.classes.contains_key(&Class::Unexplained)
    }
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.cases += later.cases;
        self.unopenable += later.unopenable;
        self.differing += later.differing;
        campaign::add(&mut self.classes, later.classes);
        campaign::add_counts(&mut self.shown, later.shown);
        self
    }
}

/// Compares every case on every core; `done` hears how many more are through.
pub fn run(plan: &Plan, stop: &Stop, done: &(impl Fn(u64) + Sync)) -> Tally {
    /// Large enough to spread the work, small enough for a lively progress bar.
    const BLOCK: u64 = 256;
    campaign::run(plan.cases.div_ceil(BLOCK), stop, |place| {
        let numbers = place * BLOCK..plan.cases.min((place + 1) * BLOCK);
        let count = numbers.end - numbers.start;
        let tally = numbers.map(|number| run_case(plan, number)).fold(Tally::default(), Tally::plus);
        done(count);
        tally
    })
}

fn run_case(plan: &Plan, number: u64) -> Tally {
    let mut tally = Tally { cases: 1, ..Tally::default() };
    let Ok(pair) = Pair::new(&draw(&plan.seed, number), plan.from, plan.to) else {
        tally.unopenable = 1;
        return tally;
    };
    for (class, aspect) in compare(&pair).shown() {
        *tally.shown.entry((class, aspect)).or_default() += 1;
    }
    // The least aspect of a class comes first.
    for (class, aspect) in tally.shown.keys() {
        tally.classes.entry(*class).or_insert(Cases { count: 1, best: (*aspect, number) });
    }
    tally.differing = u64::from(!tally.classes.is_empty());
    tally
}

/// The small example of each class that was found.
pub fn examples(plan: &Plan, tally: &Tally) -> BTreeMap<Class, Example> {
    let found: Vec<(Class, (Aspect, u64))> =
        tally.classes.iter().map(|(class, found)| (*class, found.best)).collect();
    let example = |(class, (aspect, number)): (Class, (Aspect, u64))| {
        let small = shrink(draw(&plan.seed, number), u64::MAX, |smaller: Situation| {
            let pair = Pair::new(&smaller, plan.from, plan.to).ok()?;
            let is_shown = compare(&pair).shown().any(|shown| shown == (class, aspect));
            is_shown.then_some((smaller, pair))
        });
        let Shrunk { case, seen: pair, .. } = small?;
        Some((class, Example { number, aspect, case, pair }))
    };
    found.into_par_iter().filter_map(example).collect()
}
