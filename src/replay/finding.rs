//! A finding as a scenario file: what a campaign found, made small, for anyone to replay.
//!
//! Its head says what is wrong and where it comes from. Below the last collection stands what the collector without a
//! fault does, so that the file passes as it is, and fails with the fault, or against the intended rules.

use super::run;
use crate::properties::known::Known;
use crate::release::Release;
use crate::scenario::{Line, Scenario, Step, Text};
use crate::simulate::campaign::{self, Example, Plan};
use crate::world::Fault;

/// The scenario of a finding.
pub fn scenario(plan: &Plan, fault: Option<Fault>, example: &Example) -> Scenario {
    let broken = &example.small.seen;
    let (property, steps) = (broken.sort.property, example.small.case.len());
    let mut head = format!("{property}: {}\n", broken.finding);
    for (_, name, sentence) in broken.sort.known.each() {
        head.push_str(&format!("The defect {name}: {sentence}\n"));
    }
    if let Some(fault) = fault.filter(|_| example.sort.known == Known::NONE) {
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

/// Steps with what the daemon without a fault prints at their last collection; there is one, lest nothing is asserted.
fn recorded(head: &str, release: Release, lines: Vec<Line>) -> Scenario {
    let mut lines = lines;
    if lines.last().is_some_and(|last| !last.step.prints()) {
        lines.push(Line::new(Step::Gc { last: None, cancel_at_root: None }));
    }
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
