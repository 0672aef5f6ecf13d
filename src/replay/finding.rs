//! A finding as a scenario file: what a campaign found, made small, for anyone to replay.
//!
//! Its head says what is wrong and where it comes from. Below the last collection stands what the collector without a
//! fault does, so that the file passes as it is, and fails with the fault, or against the intended rules.

use super::run;
use crate::engine::Fault;
use crate::oracle::Defects;
use crate::release::Release;
use crate::scenario::{Line, Scenario, Text};
use crate::simulate::campaign::{self, Example, Plan};

/// The scenario of a finding.
pub fn scenario(plan: &Plan, fault: Option<Fault>, example: &Example) -> Scenario {
    let broken = &example.small.seen;
    let (property, steps) = (broken.sort.property, example.small.case.len());
    let mut head = format!("{property}: {}\n", broken.finding);
    for defect in broken.sort.defects.iter() {
        head.push_str(&format!("The defect {defect}: {}\n", defect.sentence()));
    }
    if let Some(fault) = fault.filter(|_| example.sort.defects == Defects::NONE) {
        head.push_str(&format!("With the fault {fault}: {}\n", fault.sentence()));
    }
    let (seed, release) = (plan.seed.text(), plan.release);
    head.push_str(&format!(
        "Found with seed {seed:?}, case {}, release {release}, profile {}; {steps} steps of {}, 1-minimal.",
        example.number, example.profile, example.steps
    ));
    recorded(&head, release, example.small.case.clone())
}

/// A case of a campaign as it was drawn.
pub fn drawn(plan: &Plan, number: u64) -> Scenario {
    let case = campaign::draw(plan, number);
    let (seed, release) = (plan.seed.text(), plan.release);
    let head = format!("Case {number} of seed {seed:?}, release {release}, profile {}.", case.profile);
    recorded(&head, release, case.lines)
}

/// Steps with what the collector without a fault prints at their last collection.
fn recorded(head: &str, release: Release, lines: Vec<Line>) -> Scenario {
    let mut scenario = Scenario { head: Text::lines(head), release, lines, tail: Vec::new() };
    if let Some(first) = scenario.lines.first_mut() {
        first.blank_before = true;
    }
    if let Some(last) = scenario.lines.last_mut() {
        last.expected = last.step.prints().then(Vec::new);
    }
    number(&mut scenario.lines);
    let printed = run(&scenario, None).printed;
    for (number, printed) in printed {
        if let Some(line) = scenario.lines.iter_mut().find(|line| line.number == number) {
            line.expected = Some(printed);
        }
    }
    scenario
}

/// Lines that were not read have no number by which their output is found.
fn number(lines: &mut [Line]) {
    for (line, number) in lines.iter_mut().zip(1..) {
        line.number = number;
    }
}
