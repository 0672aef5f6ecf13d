//! Many cases: results depend on the seed and the numbers of the cases alone, never on threads or on time.
//!
//! ```text
//!   numbers ──> chunks, on every core ──> tallies, added up in the order of their cases
//!                                            └─> the first case of every sort of finding, made small
//! ```
//!
//! Tallies add up, so shards of a campaign that run on many machines add up to the whole.

use super::check::{Finding, Property};
use super::coverage::Coverage;
use super::profile::{Profile, Swarm};
use super::run::{Broken, Mode, Sort, Thorough, Watch, run};
use super::seed::Seed;
use super::shrink::{Shrunk, shrink};
use super::steps::{self, CASE_BYTES, Case};
use crate::engine::Faults;
use crate::oracle::{Defects, Judgement};
use crate::release::Release;
use crate::world::{Collected, World};
use arbitrary::Unstructured;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of every case.
    pub seed: Seed,
    /// Whose rules.
    pub release: Release,
    /// Which defects the oracle assumes.
    pub defects: Defects,
    /// Which habits the cases have.
    pub swarm: Swarm,
}

/// The numbers of cases: `first`, `first + step`, and so on below `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    /// The first.
    pub first: u64,
    /// From one to the next; at least 1.
    pub step: u64,
    /// Behind the last.
    pub end: u64,
}

/// What came of it. Numbers add up over parts of a campaign.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Cases run.
    pub cases: u64,
    /// Steps applied, collections included.
    pub steps: u64,
    /// Collections run.
    pub collections: u64,
    /// By property: how often it was checked and how often it failed.
    pub properties: BTreeMap<Property, Checked>,
    /// Which rules were met.
    pub coverage: Coverage,
    /// By sort: the cases that broke a property.
    pub found: BTreeMap<Sort, Found>,
}

/// How often a property was checked and how often it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Checks.
    pub checked: u64,
    /// Failures among them.
    pub failed: u64,
}

/// Cases that broke a property in the same way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// How many.
    pub cases: u64,
    /// The number of the first of them.
    pub first: u64,
}

impl Numbers {
    /// The cases from 0 on.
    pub fn first(count: u64) -> Numbers {
        Numbers { first: 0, step: 1, end: count }
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        self.end.saturating_sub(self.first).div_ceil(self.step.max(1))
    }

    fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.count()).map(move |place| self.first + place * self.step)
    }

    /// Parts of at most so many cases.
    fn parts(self, cases: u64) -> Vec<Numbers> {
        let starts = (0..self.count()).step_by(usize::try_from(cases).unwrap_or(usize::MAX));
        let part = |place: u64| {
            let first = self.first + place * self.step;
            let end = self.end.min(first.saturating_add(cases.saturating_mul(self.step)));
            Numbers { first, end, ..self }
        };
        starts.map(part).collect()
    }
}

impl Tally {
    /// This and a later part of the same campaign.
    pub fn plus(mut self, other: Tally) -> Tally {
        self.cases += other.cases;
        self.steps += other.steps;
        self.collections += other.collections;
        for (property, checked) in other.properties {
            let sum = self.properties.entry(property).or_default();
            sum.checked += checked.checked;
            sum.failed += checked.failed;
        }
        self.coverage.add(&other.coverage);
        for (sort, found) in other.found {
            match self.found.get_mut(&sort) {
                None => drop(self.found.insert(sort, found)),
                Some(sum) => {
                    sum.cases += found.cases;
                    sum.first = sum.first.min(found.first);
                }
            }
        }
        self
    }

    /// How many cases broke a property.
    pub fn finding_count(&self) -> u64 {
        self.found.values().map(|found| found.cases).sum()
    }
}

/// Draws a case of a seed.
pub fn draw(plan: &Plan, number: u64) -> Case {
    let mut bytes = [0; CASE_BYTES];
    plan.seed.case_bytes(number, &mut bytes);
    steps::draw(&mut Unstructured::new(&bytes), plan.release, plan.swarm)
        .expect("drawing from too few bytes gives zeros")
}

/// Relations and injected errors are checked on one case of so many, by its number, after one of its collections, in
/// turn.
pub const THOROUGH_EVERY: u64 = 64;

/// What the trees of a case hold is counted in one case of so many.
const CLOSELY_EVERY: u64 = 8;

/// How a case is run.
fn mode(plan: &Plan, number: u64) -> Mode {
    const COLLECTIONS: u64 = (steps::OPERATIONS / steps::OPERATIONS_BETWEEN + 1) as u64;
    let thorough = match number.is_multiple_of(THOROUGH_EVERY) {
        true => Thorough::Once(number / THOROUGH_EVERY % COLLECTIONS),
        false => Thorough::Never,
    };
    Mode { release: plan.release, defects: plan.defects, thorough }
}

/// Runs cases on every core; `done` hears of each part that is through.
pub fn run_all<F: Faults + Sync + Send>(
    plan: &Plan,
    numbers: Numbers,
    faults: F,
    done: &(impl Fn(&Tally) + Sync),
) -> Tally {
    /// Large enough to spread the work, small enough for a lively progress bar.
    const PART: u64 = 64;
    let part = |numbers: Numbers| {
        let mut tally = Tally::default();
        for number in numbers.iter() {
            run_case(plan, number, faults, &mut tally);
        }
        done(&tally);
        tally
    };
    numbers.parts(PART).into_par_iter().map(part).reduce(Tally::default, Tally::plus)
}

/// Runs one case and adds it to a tally; gives what it broke.
pub fn run_case<F: Faults>(plan: &Plan, number: u64, faults: F, tally: &mut Tally) -> Option<Broken> {
    let case = draw(plan, number);
    tally.cases += 1;
    let closely = number.is_multiple_of(CLOSELY_EVERY);
    let broken = run(&case.lines, mode(plan, number), faults, &mut Tallying { tally, closely });
    if let Some(Broken { sort, .. }) = &broken {
        let found = tally.found.entry(*sort).or_insert(Found { cases: 0, first: number });
        found.cases += 1;
    }
    broken
}

/// Counts while a case runs.
struct Tallying<'t> {
    tally: &'t mut Tally,
    closely: bool,
}

impl Watch for Tallying<'_> {
    fn stepped(&mut self, _: &World) {
        self.tally.steps += 1;
    }

    fn collected(&mut self, collected: &Collected, judgement: &Judgement<'_>) {
        self.tally.collections += 1;
        self.tally.coverage.note(collected, judgement, self.closely);
    }

    fn checked(&mut self, properties: &[Property], findings: &[Finding]) {
        for property in properties {
            let checked = self.tally.properties.entry(*property).or_default();
            checked.checked += 1;
            checked.failed += u64::from(findings.iter().any(|finding| finding.property == *property));
        }
    }
}

/// A finding made small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Example {
    /// Of which sort it is.
    pub sort: Sort,
    /// How many cases show the sort.
    pub cases: u64,
    /// The case that it was made from.
    pub number: u64,
    /// The habits of that case.
    pub profile: Profile,
    /// How many steps it had.
    pub steps: usize,
    /// The small case.
    pub shrunk: Shrunk,
}

/// The first case of every sort that was found, each made small.
pub fn examples<F: Faults + Sync + Send>(plan: &Plan, tally: &Tally, faults: F) -> Vec<Example> {
    let found: Vec<(&Sort, &Found)> = tally.found.iter().collect();
    let example = |(sort, found): (&Sort, &Found)| {
        let case = draw(plan, found.first);
        let steps = case.lines.len();
        let shrunk = shrink(case.lines, plan.release, plan.defects, *sort, faults);
        Example { sort: *sort, cases: found.cases, number: found.first, profile: case.profile, steps, shrunk }
    };
    found.into_par_iter().map(example).collect()
}
