//! The harness grades itself: each fault that can be seeded must be found, and soon.
//!
//! A fault is *caught* if every seed finds it within the budget; otherwise it *escapes*. How many cases a seed needs
//! depends on the seed alone; only whether the budget suffices depends on the machine.

use super::campaign::{Plan, Tally, draw, run_case};
use super::run::Broken;
use super::small::small;
use crate::campaign::{self, Stop};
use crate::generate::profile::Swarm;
use crate::generate::seed::Seed;
use crate::properties::known::Known;
use crate::properties::property::Property;
use crate::world::Fault;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How well a fault is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grade {
    /// The fault.
    pub fault: Fault,
    /// What each seed needed, in their order.
    pub trials: Vec<Trial>,
}

/// What one seed needed for one fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// What was found; none if the budget ran out before.
    pub found: Option<Catch>,
    /// The time of one thread until then. It may differ from run to run.
    pub time: Duration,
}

/// The first case of a seed that shows a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Catch {
    /// Its number, from 1.
    pub cases: u64,
    /// The property that it breaks.
    pub property: Property,
    /// How many steps it has once it is small.
    pub steps: usize,
}

impl Grade {
    /// Whether every seed found it.
    pub fn is_caught(&self) -> bool {
        self.trials.iter().all(|trial| trial.found.is_some())
    }

    /// How many seeds found it.
    pub fn found(&self) -> usize {
        self.trials.iter().filter(|trial| trial.found.is_some()).count()
    }

    /// The properties that failed first, over all seeds.
    pub fn properties(&self) -> BTreeSet<Property> {
        self.trials.iter().filter_map(|trial| Some(trial.found?.property)).collect()
    }

    /// The median of the cases that seeds needed; none if most did not find it.
    pub fn cases(&self) -> Option<u64> {
        self.median(|found| found.cases)
    }

    /// The median of the steps that are left once a case is small.
    pub fn steps(&self) -> Option<u64> {
        self.median(|found| found.steps as u64)
    }

    /// One that did not find it counts as more than any other. Of an even number the greater of both in the middle.
    fn median(&self, of: impl Fn(Catch) -> u64) -> Option<u64> {
        let mut all: Vec<u64> = self.trials.iter().map(|trial| trial.found.map_or(u64::MAX, &of)).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().filter(|median| *median != u64::MAX)
    }

    /// The median of the times.
    pub fn time(&self) -> Duration {
        let mut times: Vec<Duration> = self.trials.iter().map(|trial| trial.time).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Trials in their order.
#[derive(Default)]
struct Trials(Vec<Trial>);

impl campaign::Tally for Trials {
    fn plus(mut self, later: Trials) -> Trials {
        self.0.extend(later.0);
        self
    }
}

/// Grades faults, each under its own release, with so many seeds; `done` hears of each trial. After a stop those are
/// graded that had every seed, or escaped one.
pub fn grade(
    faults: &[Fault],
    seeds: u32,
    budget: Duration,
    stop: &Stop,
    done: &(impl Fn() + Sync),
) -> Vec<Grade> {
    let trials: Vec<(Fault, u32)> =
        faults.iter().flat_map(|fault| (1..=seeds).map(move |seed| (*fault, seed))).collect();
    let Ok(tried) = campaign::try_run(trials.len() as u64, stop, |place| {
        let (fault, number) = trials[usize::try_from(place).expect("a place in memory")];
        let trial = run_trial(fault, &seed(number), budget, stop);
        done();
        Ok::<_, Infallible>(match trial {
            Some(trial) => ControlFlow::Continue(Trials(vec![trial])),
            None => ControlFlow::Break(Trials::default()),
        })
    });
    let seeds = usize::try_from(seeds).unwrap_or(usize::MAX);
    let graded = faults.iter().zip(tried.0.chunks(seeds.max(1)));
    let graded = graded.map(|(fault, trials)| Grade { fault: *fault, trials: trials.to_vec() });
    graded.filter(|grade| grade.trials.len() == seeds || !grade.is_caught()).collect()
}

/// The seeds of grading are `grade-1`, `grade-2` and so on.
fn seed(number: u32) -> Seed {
    Seed::parse(&format!("grade-{number}")).expect("the text is short")
}

/// Cases of one seed on one thread, until one shows the fault or the budget is spent. What is found after the budget
/// is not found within it; making it small counts apart. None where a stop came before.
fn run_trial(fault: Fault, seed: &Seed, budget: Duration, stop: &Stop) -> Option<Trial> {
    let release = fault.release();
    let known = Known::as_shipped(release);
    let plan = Plan { seed: seed.clone(), release, known, swarm: Swarm::Drawn };
    let mut tally = Tally::default();
    let began = Instant::now();
    for number in 0.. {
        if stop.is_asked() {
            return None;
        }
        let broken = run_case(&plan, number, Some(fault), &mut tally);
        let time = began.elapsed();
        if time >= budget {
            break;
        }
        if let Some(Broken { sort, .. }) = broken {
            let case = draw(&plan, number);
            let small = small(case.lines, release, known, sort, Some(fault));
            let found = Catch { cases: number + 1, property: sort.property, steps: small.case.len() };
            return Some(Trial { found: Some(found), time });
        }
    }
    Some(Trial { found: None, time: budget })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Fault::{ExpiryInclusive, SweepSkips};
    use crate::release::Release;
    use crate::simulate::campaign::changes_anything;
    use rayon::prelude::*;

    #[test]
    fn a_plain_fault_is_caught_by_every_seed_with_the_same_cases_each_time() {
        let faults = [ExpiryInclusive, SweepSkips].map(Fault::Collector);
        let grades = || grade(&faults, 3, Duration::from_secs(60), &Stop::default(), &|| {});
        let first = grades();
        assert_eq!(first.iter().map(|grade| grade.fault).collect::<Vec<_>>(), faults);
        for (grade, again) in first.iter().zip(grades()) {
            assert!(grade.is_caught() && grade.found() == 3, "{grade:?}");
            assert_eq!((grade.cases(), grade.steps()), (again.cases(), again.steps()));
            assert_eq!(grade.properties(), again.properties());
            assert!(!grade.properties().is_empty() && grade.cases() > Some(0));
        }
    }

    #[test]
    fn a_fault_is_found_in_the_oldest_and_the_newest_release_or_cannot_be_made_there() {
        assert_found_or_refused(&[Release::V1_6, Release::V2_4]);
    }

    #[test]
    #[ignore = "a minute: every fault in every release"]
    fn a_fault_is_found_in_every_release_or_cannot_be_made_there() {
        assert_found_or_refused(&Release::ALL);
    }

    fn assert_found_or_refused(releases: &[Release]) {
        let pairs = Fault::all().flat_map(|fault| releases.iter().map(move |release| (fault, *release)));
        let pairs: Vec<(Fault, Release)> = pairs.collect();
        let wrong: Vec<String> = pairs
            .into_par_iter()
            .filter_map(|(fault, release)| {
                let known = Known::as_shipped(release);
                let plan = Plan { seed: seed(1), release, known, swarm: Swarm::Drawn };
                let shows = |number| run_case(&plan, number, Some(fault), &mut Tally::default()).is_some();
                let can_be_made = fault.can_be_made_in(release);
                let is_right = match can_be_made {
                    true => (0..20_000).any(shows),
                    false => !(0..200).any(|number| shows(number) || changes_anything(&plan, number, fault)),
                };
                (!is_right).then(|| format!("{fault} {release}, {can_be_made}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn without_a_budget_everything_escapes() {
        let grades = grade(&[Fault::Collector(SweepSkips)], 2, Duration::ZERO, &Stop::default(), &|| {});
        assert!(!grades[0].is_caught());
        assert_eq!((grades[0].cases(), grades[0].found(), grades[0].trials.len()), (None, 0, 2));
    }

    #[test]
    fn the_median_counts_what_was_not_found_as_longest() {
        let found = |cases| Catch { cases, property: Property::Safety, steps: 1 };
        let trial = |cases: Option<u64>| Trial { found: cases.map(found), time: Duration::ZERO };
        let grade = |cases: &[Option<u64>]| Grade {
            fault: Fault::Collector(SweepSkips),
            trials: cases.iter().map(|cases| trial(*cases)).collect(),
        };
        assert_eq!(grade(&[Some(9), Some(1), Some(5)]).cases(), Some(5));
        assert_eq!(grade(&[Some(9), None, Some(5)]).cases(), Some(9));
        assert_eq!(grade(&[None, None, Some(5)]).cases(), None);
        assert_eq!(grade(&[]).cases(), None);
    }
}
