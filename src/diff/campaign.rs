//! Generated databases under two releases: every class of difference with its count and one small example.
//!
//! Each case is a database that [`draw`] makes. Results depend on the seed and the numbers of the cases alone, never on
//! threads.

use super::class::Class;
use super::compare::{Aspect, Pair, compare};
use crate::generate::seed::Seed;
use crate::generate::trees::draw;
use crate::release::Release;
use crate::shrink::trees::shrink;
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
    /// The classes.
    pub classes: BTreeMap<Class, Found>,
}

/// A class of difference and how often it was met.
#[derive(Clone, Debug)]
pub struct Found {
    /// Cases that have it.
    pub cases: u64,
    /// How often it shows, by where.
    pub aspects: BTreeMap<Aspect, u64>,
    /// The case that shows it best: by its aspect, then by its number.
    pub example: (Aspect, u64),
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

    fn plus(mut self, other: Tally) -> Tally {
        self.cases += other.cases;
        self.unopenable += other.unopenable;
        self.differing += other.differing;
        for (class, found) in other.classes {
            let none = Found { cases: 0, aspects: BTreeMap::new(), example: found.example };
            let sum = self.classes.entry(class).or_insert(none);
            sum.cases += found.cases;
            sum.example = sum.example.min(found.example);
            for (aspect, count) in found.aspects {
                *sum.aspects.entry(aspect).or_default() += count;
            }
        }
        self
    }
}

/// Compares every case on every core; `done` hears how many more are through.
pub fn run(plan: &Plan, done: &(impl Fn(u64) + Sync)) -> Tally {
    /// Large enough to spread the work, small enough for a lively progress bar.
    const CHUNK: usize = 256;
    let starts: Vec<u64> = (0..plan.cases).step_by(CHUNK).collect();
    let chunk = |start: u64| {
        let numbers = start..plan.cases.min(start + CHUNK as u64);
        let count = numbers.end - numbers.start;
        let tally = numbers.map(|number| run_case(plan, number)).fold(Tally::default(), Tally::plus);
        done(count);
        tally
    };
    starts.into_par_iter().map(chunk).reduce(Tally::default, Tally::plus)
}

fn run_case(plan: &Plan, number: u64) -> Tally {
    let mut tally = Tally { cases: 1, ..Tally::default() };
    let Ok(pair) = Pair::new(&draw(&plan.seed, number), plan.from, plan.to) else {
        tally.unopenable = 1;
        return tally;
    };
    for (class, aspect) in compare(&pair).shown() {
        let example = (aspect, number);
        let found =
            tally.classes.entry(class).or_insert(Found { cases: 1, aspects: BTreeMap::new(), example });
        found.example = found.example.min(example);
        *found.aspects.entry(aspect).or_default() += 1;
    }
    tally.differing = u64::from(!tally.classes.is_empty());
    tally
}

/// The small example of each class that was found.
pub fn examples(plan: &Plan, tally: &Tally) -> BTreeMap<Class, Example> {
    let found: Vec<(Class, (Aspect, u64))> =
        tally.classes.iter().map(|(class, found)| (*class, found.example)).collect();
    let example = |(class, (aspect, number)): (Class, (Aspect, u64))| {
        let shows = |smaller: &Situation| {
            let pair = Pair::new(smaller, plan.from, plan.to);
            pair.is_ok_and(|pair| compare(&pair).shown().any(|shown| shown == (class, aspect)))
        };
        let case = shrink(draw(&plan.seed, number), &shows);
        let pair = Pair::new(&case, plan.from, plan.to).ok()?;
        Some((class, Example { number, aspect, case, pair }))
    };
    found.into_par_iter().filter_map(example).collect()
}
