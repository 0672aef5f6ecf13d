//! Many cases: results do not depend on the number of threads or on time.

use super::check::{Finding, Property, check};
use super::seed::Seed;
use super::trees::{self, CASE_BYTES, Case};
use crate::engine::{Faults, Request};
use crate::oracle::Defects;
use crate::release::Release;
use arbitrary::Unstructured;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of every case.
    pub seed: Seed,
    /// The cases by number.
    pub cases: std::ops::Range<u64>,
    /// Whose rules.
    pub release: Release,
    /// Which defects the oracle assumes.
    pub defects: Defects,
}

/// What came of it. Numbers add up over parts of a campaign.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Cases run.
    pub cases: u64,
    /// Collections run.
    pub collections: u64,
    /// Collections that removed something and kept something.
    pub mixed: u64,
    /// Collections that ended in an error.
    pub failed: u64,
    /// By property: how often it was checked and how often it failed.
    pub properties: BTreeMap<Property, Checked>,
    /// The findings in the order of their cases.
    pub findings: Vec<CaseFinding>,
}

/// How often a property was checked and how often it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Checked {
    /// Checks.
    pub checked: u64,
    /// Failures among them.
    pub failed: u64,
}

/// A finding and the case that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseFinding {
    /// The case's number.
    pub case: u64,
    /// The finding.
    pub finding: Finding,
}

/// How many findings a campaign keeps; more are only counted.
const FINDINGS_KEPT_MAX: usize = 20;

impl Tally {
    /// This and a later part of the same campaign.
    pub fn plus(mut self, other: Tally) -> Tally {
        self.cases += other.cases;
        self.collections += other.collections;
        self.mixed += other.mixed;
        self.failed += other.failed;
        for (property, checked) in other.properties {
            let sum = self.properties.entry(property).or_default();
            sum.checked += checked.checked;
            sum.failed += checked.failed;
        }
        self.findings.extend(other.findings);
        self.findings.truncate(FINDINGS_KEPT_MAX);
        self
    }

    /// How many findings there were, those not kept included.
    pub fn finding_count(&self) -> u64 {
        self.properties.values().map(|checked| checked.failed).sum()
    }
}

/// Draws a case of a seed.
pub fn draw(seed: &Seed, number: u64) -> Case {
    let mut bytes = [0; CASE_BYTES];
    seed.case_bytes(number, &mut bytes);
    trees::case(&mut Unstructured::new(&bytes)).expect("drawing from too few bytes gives zeros")
}

/// Runs a campaign on every core; `done` hears how many more cases are through.
pub fn run<F: Faults + Sync + Send>(plan: &Plan, faults: F, done: &(impl Fn(u64) + Sync)) -> Tally {
    /// Large enough to spread the work, small enough for a lively progress bar.
    const CHUNK: usize = 256;
    let starts: Vec<u64> = plan.cases.clone().step_by(CHUNK).collect();
    let chunk = |start: u64| {
        let numbers = start..plan.cases.end.min(start + CHUNK as u64);
        let count = numbers.end - numbers.start;
        let tally = numbers.map(|number| run_case(plan, number, faults)).fold(Tally::default(), Tally::plus);
        done(count);
        tally
    };
    // `reduce` keeps the order of the chunks, so the findings come in the order of their cases.
    starts.into_par_iter().map(chunk).reduce(Tally::default, Tally::plus)
}

fn run_case<F: Faults>(plan: &Plan, number: u64, faults: F) -> Tally {
    let case = draw(&plan.seed, number);
    let request = Request {
        collectors: &case.collectors,
        release: plan.release,
        last_iterated: case.last_iterated,
        ..Request::new(&case.tree, case.now)
    };
    let (outcome, findings) = check(&request, plan.defects, faults);
    let mut tally = Tally { cases: 1, collections: 1, ..Tally::default() };
    tally.failed = u64::from(outcome.error.is_some());
    let has_kept = outcome.walked.len() > outcome.removed.len();
    tally.mixed = u64::from(outcome.error.is_none() && !outcome.removed.is_empty() && has_kept);
    for property in Property::ALL {
        let failed = u64::from(findings.iter().any(|finding| finding.property == property));
        tally.properties.insert(property, Checked { checked: 1, failed });
    }
    tally.findings = findings.into_iter().map(|finding| CaseFinding { case: number, finding }).collect();
    tally
}
