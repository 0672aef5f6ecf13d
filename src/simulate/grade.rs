//! The harness grades itself: each fault that can be seeded must be found, and soon.
//!
//! A fault is *caught* if every seed finds it within the budget; otherwise it *escapes*. How many cases a seed needs
//! depends on the seed alone; only whether the budget suffices depends on the machine.

use super::campaign::{self, Plan};
use super::check::Property;
use super::seed::Seed;
use crate::engine::Fault;
use crate::oracle::Defects;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How well a fault is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grade {
    /// The fault.
    pub fault: Fault,
    /// The properties that failed first, over all seeds.
    pub properties: BTreeSet<Property>,
    /// What each seed needed, in their order.
    pub trials: Vec<Trial>,
}

/// What one seed needed for one fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// The number of the first case that shows it, from 1; none if the budget ran out before.
    pub cases: Option<u64>,
    /// The time of one thread. It may differ from run to run.
    pub time: Duration,
    property: Option<Property>,
}

impl Grade {
    /// Whether every seed found it.
    pub fn is_caught(&self) -> bool {
        self.trials.iter().all(|trial| trial.cases.is_some())
    }

    /// How many seeds found it.
    pub fn found(&self) -> usize {
        self.trials.iter().filter(|trial| trial.cases.is_some()).count()
    }

    /// The median of the cases that seeds needed, one that did not find it counted as needing more than any other;
    /// none if that is the median. Of an even number the greater of both in the middle.
    pub fn cases(&self) -> Option<u64> {
        let mut cases: Vec<u64> = self.trials.iter().map(|trial| trial.cases.unwrap_or(u64::MAX)).collect();
        cases.sort_unstable();
        cases.get(cases.len() / 2).copied().filter(|cases| *cases != u64::MAX)
    }

    /// The median of the times.
    pub fn time(&self) -> Duration {
        let mut times: Vec<Duration> = self.trials.iter().map(|trial| trial.time).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Grades faults, each under its own release, with so many seeds; `done` hears of each trial.
pub fn grade(faults: &[Fault], seeds: u32, budget: Duration, done: &(impl Fn() + Sync)) -> Vec<Grade> {
    let trials: Vec<(Fault, u32)> =
        faults.iter().flat_map(|fault| (1..=seeds).map(move |seed| (*fault, seed))).collect();
    let tried = trials.into_par_iter().map(|(fault, number)| {
        let trial = run_trial(fault, &seed(number), budget);
        done();
        trial
    });
    let tried: Vec<Trial> = tried.collect();
    let per_fault = tried.chunks(usize::try_from(seeds.max(1)).unwrap_or(usize::MAX));
    let graded = faults.iter().zip(per_fault).map(|(fault, trials)| Grade {
        fault: *fault,
        properties: trials.iter().filter_map(|trial| trial.property).collect(),
        trials: trials.to_vec(),
    });
    graded.collect()
}

/// The seeds of grading are `grade-1`, `grade-2` and so on.
fn seed(number: u32) -> Seed {
    Seed::parse(&format!("grade-{number}")).expect("the text is short")
}

fn run_trial(fault: Fault, seed: &Seed, budget: Duration) -> Trial {
    /// A portion of this size runs on one thread, so that the time is that of one.
    const PORTION_MAX: u64 = 256;
    const PORTION_FIRST: u64 = 8;
    let release = fault.release();
    let defects = Defects::as_shipped(release);
    let began = Instant::now();
    let (mut next, mut portion) = (0, PORTION_FIRST);
    loop {
        let plan = Plan { seed: seed.clone(), cases: next..next + portion, release, defects };
        let tally = campaign::run(&plan, fault, &|_| {});
        let (first, time) = (tally.findings.first(), began.elapsed());
        if first.is_some() || time >= budget {
            // What is found after the budget is not found within it.
            let first = first.filter(|_| time < budget);
            let cases = first.map(|found| found.case + 1);
            return Trial { cases, time, property: first.map(|found| found.finding.property) };
        }
        next += portion;
        portion = PORTION_MAX.min(portion * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_fault_is_caught_by_every_seed_with_the_same_cases_each_time() {
        let faults = [Fault::ExpiryInclusive, Fault::SweepSkips];
        let grades = || grade(&faults, 3, Duration::from_secs(60), &|| {});
        let first = grades();
        assert_eq!(first.iter().map(|grade| grade.fault).collect::<Vec<_>>(), faults);
        for (grade, again) in first.iter().zip(grades()) {
            assert!(grade.is_caught() && grade.found() == 3, "{grade:?}");
            assert_eq!((grade.cases(), &grade.properties), (again.cases(), &again.properties));
            assert!(!grade.properties.is_empty() && grade.cases() > Some(0));
        }
    }

    #[test]
    fn without_a_budget_everything_escapes() {
        let grades = grade(&[Fault::SweepSkips], 2, Duration::ZERO, &|| {});
        assert!(!grades[0].is_caught());
        assert_eq!((grades[0].cases(), grades[0].found(), grades[0].trials.len()), (None, 0, 2));
    }

    #[test]
    fn the_median_counts_what_was_not_found_as_longest() {
        let trial = |cases| Trial { cases, time: Duration::ZERO, property: None };
        let grade = |cases: &[Option<u64>]| Grade {
            fault: Fault::SweepSkips,
            properties: BTreeSet::new(),
            trials: cases.iter().map(|cases| trial(*cases)).collect(),
        };
        assert_eq!(grade(&[Some(9), Some(1), Some(5)]).cases(), Some(5));
        assert_eq!(grade(&[Some(9), None, Some(5)]).cases(), Some(9));
        assert_eq!(grade(&[None, None, Some(5)]).cases(), None);
        assert_eq!(grade(&[]).cases(), None);
    }
}
