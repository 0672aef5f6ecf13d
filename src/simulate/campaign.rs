//! Many cases: results depend on the seed and the numbers of the cases alone, never on threads or on time.
//!
//! ```text
//!   numbers ──> chunks, on every core ──> tallies, added up in the order of their cases
//!                                            └─> the first case of every sort of finding, made small
//! ```
//!
//! Tallies add up, so shards of a campaign that run on many machines add up to the whole.

use super::coverage::Coverage;
use super::explained::Explained;
use super::run::{Broken, Mode, Sort, Thorough, Watch, run};
use super::small::{Small, small};
use crate::campaign::{self, Cases, Found, Stop};
use crate::generate::profile::{Profile, Swarm};
use crate::generate::seed::Seed;
use crate::generate::steps::{self, CASE_BYTES, Case};
use crate::oracle::Judgement;
use crate::properties::checks::Checks;
use crate::properties::known::Known;
use crate::properties::property::Property;
use crate::release::Release;
use crate::world::{Collected, Fault, World};
use arbitrary::Unstructured;
use rayon::prelude::*;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of every case.
    pub seed: Seed,
    /// Whose rules.
    pub release: Release,
    /// What is let pass: what the release is known to do, or nothing.
    pub known: Known,
    /// Which habits the cases have.
    pub swarm: Swarm,
}

/// The numbers of cases, or one of several equal parts of them.
///
/// Cases are dealt out in blocks of [`BLOCK`], so that what is checked on every so many cases comes to every part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    /// The first of all parts.
    pub start: u64,
    /// Behind the last of all parts.
    pub end: u64,
    /// Which part, from 0.
    pub part: u64,
    /// How many parts there are; at least 1.
    pub parts: u64,
}

/// Cases in a block: large enough to spread the work, small enough for a lively progress bar.
pub const BLOCK: u64 = THOROUGH_EVERY;

/// Whether a case has come to its finding with edits that no client can make.
pub type HasRaw = bool;

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
    pub properties: Properties,
    /// Which rules were met.
    pub coverage: Coverage,
    /// By sort: the cases that broke a property, and the number of the first of them; of those without raw edits if there
    /// are any, since a mistake that clients come across tells more.
    pub found: Found<Sort, (HasRaw, u64)>,
}

/// By property: how often it was checked and how often it failed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Properties([Checked; Property::ALL.len()]);

/// How often a property was checked and how often it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Checks.
    pub checked: u64,
    /// Failures among them.
    pub failed: u64,
}

impl Numbers {
    /// The cases from 0 on.
    pub fn first(count: u64) -> Numbers {
        Numbers { start: 0, end: count, part: 0, parts: 1 }
    }

    /// As many from the same start as are run between two looks at the clock: so many blocks, up to 16.
    #[must_use]
    pub fn round(self, blocks: u64) -> Numbers {
        const BLOCKS_MAX: u64 = 16;
        let count = blocks.min(BLOCKS_MAX).saturating_mul(BLOCK).saturating_mul(self.parts);
        Numbers { end: self.start.saturating_add(count), ..self }
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        let blocks = self.blocks();
        let Some(last) = blocks.checked_sub(1) else { return 0 };
        // Only the first and the last block can be cut.
        let whole = last.saturating_sub(1).saturating_mul(BLOCK);
        let ends =
            if last == 0 { self.block(0).count() } else { self.block(0).count() + self.block(last).count() };
        whole.saturating_add(ends as u64)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        (0..self.blocks()).flat_map(move |place| self.block(place))
    }

    /// How many blocks there are.
    fn blocks(self) -> u64 {
        let (first, behind) = (self.start / BLOCK, self.end.div_ceil(BLOCK));
        let before = |block: u64| block / self.parts + u64::from(block % self.parts > self.part);
        if self.start >= self.end { 0 } else { before(behind) - before(first) }
    }

    /// The cases of one of its blocks, by its place.
    fn block(self, place: u64) -> std::ops::Range<u64> {
        let first = self.start / BLOCK;
        let skipped = (self.part + self.parts - first % self.parts) % self.parts;
        let block = first + skipped + place * self.parts;
        let start = block * BLOCK;
        start.max(self.start)..start.saturating_add(BLOCK).min(self.end)
    }
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.cases += later.cases;
        self.steps += later.steps;
        self.collections += later.collections;
        for (sum, checked) in self.properties.0.iter_mut().zip(later.properties.0) {
            sum.checked += checked.checked;
            sum.failed += checked.failed;
        }
        self.coverage.add(&later.coverage);
        campaign::add(&mut self.found, later.found);
        self
    }
}

impl Properties {
    /// Those that were checked, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Property, Checked)> {
        let all = Property::ALL.iter().copied().zip(self.0);
        all.filter(|(_, checked)| checked.checked > 0)
    }
}

impl Tally {
    /// How many cases broke a property.
    pub fn finding_count(&self) -> u64 {
        campaign::case_count(&self.found)
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
        // In turn, however the blocks are dealt out.
        true => {
            Thorough::Once((number / THOROUGH_EVERY + number / (THOROUGH_EVERY * COLLECTIONS)) % COLLECTIONS)
        }
        false => Thorough::Never,
    };
    Mode { release: plan.release, known: plan.known, thorough }
}

/// Runs cases on every core; `done` hears of each block that is through.
pub fn run_all(
    plan: &Plan,
    numbers: Numbers,
    fault: Option<Fault>,
    stop: &Stop,
    done: &(impl Fn(&Tally) + Sync),
) -> Tally {
    let block = |place: u64| {
        let mut tally = Tally::default();
        for number in numbers.block(place) {
            run_case(plan, number, fault, &mut tally);
        }
        done(&tally);
        tally
    };
    campaign::run(numbers.blocks(), stop, block)
}

/// Runs one case and adds it to a tally; gives what it broke.
pub fn run_case(plan: &Plan, number: u64, fault: Option<Fault>, tally: &mut Tally) -> Option<Broken> {
    let case = draw(plan, number);
    tally.cases += 1;
    let closely = number.is_multiple_of(CLOSELY_EVERY);
    let broken = run(&case.lines, mode(plan, number), fault, &mut Tallying { tally, closely });
    if let Some(Broken { sort, line, .. }) = &broken {
        let has_raw = case.lines[..=*line].iter().any(|line| line.step.is_raw());
        campaign::add_case(&mut tally.found, *sort, (has_raw, number));
    }
    broken
}

/// Whether a fault changes anything in a case: what a step leads to, or what is answered.
pub fn changes_anything(plan: &Plan, number: u64, fault: Fault) -> bool {
    let mut world = World::new(plan.release);
    draw(plan, number).lines.iter().any(|line| {
        let before = world.clone();
        let applied = world.apply_with(line, Some(fault));
        before.does_otherwise(line, &world, &applied)
    })
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

    fn checked(&mut self, checks: &Checks) {
        let Properties(properties) = &mut self.tally.properties;
        for property in checks.checked.iter() {
            properties[property as usize].checked += 1;
        }
        for finding in &checks.findings {
            properties[finding.property as usize].failed += 1;
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
    pub small: Small,
    /// What the oracle says to it.
    pub explained: Explained,
}

impl Example {
    /// What explains it, for names of files and machines: what is known of the release, else the fault.
    pub fn why(&self, fault: Option<Fault>) -> Option<String> {
        let known = Some(self.sort.known.names("+")).filter(|names| !names.is_empty());
        known.or(fault.map(|fault| fault.name().to_owned()))
    }
}

/// A case of every sort that was found, the first of those without raw edits if there are any, each made small; the worst first. Several defects that met in one collection are no find
/// of their own where each was found alone; nor are cases that cost nothing where others of their sort do.
pub fn examples(plan: &Plan, tally: &Tally, fault: Option<Fault>) -> Vec<Example> {
    let other = |sort: &Sort| tally.found.get(&Sort { is_loss: !sort.is_loss, ..*sort });
    let is_met_alone = |one| tally.found.keys().any(|sort| sort.known == one);
    let is_own = |sort: &Sort| {
        (sort.is_loss || other(sort).is_none())
            && (sort.known.each().count() < 2 || !sort.known.each().all(|(one, ..)| is_met_alone(one)))
    };
    let own = tally.found.iter().filter(|(sort, _)| is_own(sort));
    let mut found: Vec<(&Sort, &Cases<(HasRaw, u64)>)> = own.collect();
    found.sort_by_key(|(sort, _)| (sort.property.gravity(), !sort.is_loss));
    let example = |(sort, found): (&Sort, &Cases<(HasRaw, u64)>)| {
        let (_, number) = found.best;
        let case = draw(plan, number);
        let steps = case.lines.len();
        let small = small(case.lines, plan.release, plan.known, *sort, fault);
        let explained = Explained::of(plan.release, plan.known, &small, fault);
        let cases = found.count + other(sort).map_or(0, |cases| cases.count);
        Example { sort: *sort, cases, number, profile: case.profile, steps, small, explained }
    };
    found.into_par_iter().map(example).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Fault::{FlatFollowsLabels, FlatHidesFull, ParentForgotten};
    use crate::oracle::judge;
    use crate::properties::check::is_loss;
    use std::collections::BTreeSet;

    /// The steps that lead to a loss are more than those to the mark of a node that nobody created: in the first case of
    /// `flat-hides-full` with the seed `leasehold`, content that nobody put was all that was left of a lost layer.
    #[test]
    fn a_case_that_loses_an_object_does_so_when_it_is_small() {
        let release = Release::V1_7Beta;
        let (seed, known) = (Seed::parse("leasehold").expect("a seed"), Known::as_shipped(release));
        let plan = Plan { seed, release, known, swarm: Swarm::Drawn };
        for fault in [FlatHidesFull, ParentForgotten, FlatFollowsLabels].map(Fault::Collector) {
            let broken =
                |number| Some((number, run_case(&plan, number, Some(fault), &mut Tally::default())?));
            let loss = |number| broken(number).filter(|(_, broken)| broken.sort.is_loss);
            let (number, broken) = (0..).find_map(loss).expect("every fault loses something");
            let small = small(draw(&plan, number).lines, release, known, broken.sort, Some(fault));
            let mut world = World::new(release);
            let last =
                small.case.iter().filter_map(|line| world.apply_with(line, Some(fault)).collected).last();
            let last = last.expect("a small case ends with a collection");
            let judgement = judge(&last.before, known.defects);
            assert!(
                is_loss(small.seen.sort.property, &last.outcome, &judgement),
                "{fault}: {:?}",
                small.seen
            );
        }
    }

    #[test]
    fn parts_are_disjoint_and_make_the_whole() {
        for (start, end) in [(0, 0), (0, 1), (0, 64), (0, 1000), (5, 6), (100, 777), (640, 1280)] {
            for parts in 1..=9 {
                let mut all = BTreeSet::new();
                for part in 0..parts {
                    let numbers = Numbers { start, end, part, parts };
                    let own: Vec<u64> =
                        (0..numbers.blocks()).flat_map(|place| numbers.block(place)).collect();
                    assert_eq!(own.len() as u64, numbers.count(), "{numbers:?}");
                    assert!(own.into_iter().all(|number| all.insert(number)), "{numbers:?}");
                }
                assert!(all.into_iter().eq(start..end), "{start}..{end} in {parts}");
            }
        }
        assert_eq!(Numbers::first(u64::MAX).count(), u64::MAX);
    }
}
