//! What an input shows, as a small scenario.
//!
//! A situation becomes steps exactly as it was collected: collectors keep their numbers, whatever kinds these are in the
//! release. Below its `gc` stands what the oracle says of every resource, so that the scenario passes once the
//! mistake is gone, and fails with it.

use super::artifact;
use super::clients::Clients;
use super::target::Target;
use crate::engine::Request;
use crate::generate::steps;
use crate::generate::written::situation_steps;
use crate::oracle::{Defects, judge};
use crate::properties::check::{self, is_loss};
use crate::properties::finding::Finding;
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::property::Property;
use crate::replay::{self, Problem};
use crate::scenario::{Assertion, Line, NodeName, Scenario, Step, Text};
use crate::schema::names;
use crate::shrink::{Shrunk, shrink};
use crate::simulate::run::{Broken, Mode, run};
use crate::simulate::small::small;
use crate::situation::Situation;
use crate::world::Fault;

/// Something that does not hold for an input.
pub struct Hit {
    /// What, in one sentence.
    pub text: String,
    /// A small scenario that shows it; none where the input stands for none.
    pub scenario: Option<Scenario>,
}

/// How often something smaller is tried. What takes more is shown as small as it has become.
const TRIES_MAX: u64 = 20_000;

/// What an engine does wrong.
struct Failure {
    /// The property that breaks; none for a panic.
    property: Option<Property>,
    /// Whether it costs more than marks of nodes that do not exist.
    is_loss: bool,
    text: String,
}

impl Failure {
    fn is_like(&self, seen: &Failure) -> bool {
        seen.property == self.property && (seen.is_loss || !self.is_loss)
    }
}

/// The first thing that a situation shows, made small.
pub(super) fn in_situation(target: &Target, situation: Situation, fault: Option<Fault>) -> Option<Hit> {
    let release = situation.release;
    artifact::watch_release(release);
    let failure = situation_failure(&situation, fault)?;
    let small = shrink(situation, TRIES_MAX, |smaller: Situation| {
        let seen = situation_failure(&smaller, fault).filter(|seen| failure.is_like(seen))?;
        Some((smaller, seen))
    });
    let Shrunk { case, seen: Failure { text, .. }, .. } = small?;
    let mut scenario = without_idle_beginning(situation_scenario(&case), fault);
    scenario.head = head(target, &text, fault);
    Some(Hit { text: format!("release {release}: {text}"), scenario: Some(scenario) })
}

/// The first thing that generated clients show, made small as `simulate` makes its findings.
pub(super) fn in_clients(target: &Target, clients: Clients, fault: Option<Fault>) -> Option<Hit> {
    let Clients { case: steps::Case { release, lines, .. }, thorough } = clients;
    let known = Known::as_shipped(release);
    let mode = Mode { release, known, thorough };
    let broken = run(&lines, mode, fault, &mut ())?;
    let Shrunk { case: lines, seen: Broken { sort, finding, .. }, .. } =
        small(lines, release, known, broken.sort, fault);
    let text = format!("it breaks the property {}: {}", sort.property, finding);
    let mut scenario = Scenario { release, lines, ..Scenario::default() };
    scenario.head = head(target, &text, fault);
    scenario.lines.push(Line::new(Step::Expect(Assertion::Same)));
    Some(Hit { text: format!("release {release}: {text}"), scenario: Some(scenario) })
}

/// The first thing that steps show, made small.
pub(super) fn in_steps(target: &Target, scenario: &Scenario, fault: Option<Fault>) -> Option<Hit> {
    let failure = steps_failure(scenario, fault)?;
    let with = |lines: &[Line]| Scenario { lines: lines.to_vec(), ..scenario.clone() };
    let small = shrink(scenario.lines.clone(), TRIES_MAX, |lines| {
        let smaller = with(&lines);
        let seen = steps_failure(&smaller, fault).filter(|seen| failure.is_like(seen));
        Some((lines, seen.filter(|_| smaller.check().is_ok())?))
    });
    let Shrunk { case, seen: Failure { text, .. }, .. } = small?;
    let mut small = with(&case);
    small.head = head(target, &text, fault);
    if !small.asserts() {
        small.lines.push(Line::new(Step::Expect(Assertion::Same)));
    }
    Some(Hit { text: format!("release {}: {text}", small.release), scenario: Some(small) })
}

/// A situation: its steps, `gc`, and what the oracle says of each resource.
pub(super) fn situation_scenario(situation: &Situation) -> Scenario {
    let release = situation.release;
    let mut steps = situation_steps(situation);
    // What a new database has and this one has not.
    let version = situation.tree.view().bucket(names::V1).map(|v1| v1.get(names::VERSION));
    match version {
        None => steps.insert(1, Step::RawDelete { path: vec![names::V1.to_vec()] }),
        Some(None) => {
            steps.insert(1, Step::RawDelete { path: vec![names::V1.to_vec(), names::VERSION.to_vec()] });
        }
        Some(Some(_)) => {}
    }
    let last = situation.last_iterated.filter(|_| release.rules().shared_loop_variable);
    let last = last.map(|resource_type| release.exact_kind_of(resource_type));
    steps.push(Step::Gc { last, cancel_at_root: None });
    steps.extend(expectations(situation));
    Scenario { release, lines: steps.into_iter().map(Line::new).collect(), ..Scenario::default() }
}

/// A case says when it is collected and what its database lacks; where that changes nothing, it goes.
fn without_idle_beginning(scenario: Scenario, fault: Option<Fault>) -> Scenario {
    let mut scenario = scenario;
    let Ok(failures) = replay_failures(&scenario, fault) else { return scenario };
    for at in [1, 0] {
        if !matches!(scenario.lines[at].step, Step::Now(_) | Step::RawDelete { .. }) {
            continue;
        }
        let mut smaller = scenario.clone();
        smaller.lines.remove(at);
        if replay_failures(&smaller, fault).as_ref() == Ok(&failures) {
            scenario = smaller;
        }
    }
    scenario
}

fn situation_failure(situation: &Situation, fault: Option<Fault>) -> Option<Failure> {
    let (request, defects) = (Request::new(situation), Defects::as_shipped(situation.release));
    let checked = catching(|| {
        let (outcome, findings) = check::check(&request, defects, fault.and_then(Fault::of_collector));
        let mut found = findings.into_iter().peekable();
        found.peek()?;
        let judgement = judge(situation, defects);
        let weighed = found.map(|finding| (is_loss(finding.property, &outcome, &judgement), finding));
        weighed.min_by_key(|(is_loss, _)| !is_loss)
    });
    failure(checked)
}

fn steps_failure(scenario: &Scenario, fault: Option<Fault>) -> Option<Failure> {
    let found = |failures: Vec<replay::Failure>| {
        failures.into_iter().find_map(|failure| match failure.problem {
            Problem::Found { finding, .. } => Some((true, *finding)),
            _ => None,
        })
    };
    failure(replay_failures(scenario, fault).map(found))
}

fn replay_failures(scenario: &Scenario, fault: Option<Fault>) -> Result<Vec<replay::Failure>, String> {
    catching(|| replay::run(scenario, fault).failures)
}

fn failure(checked: Result<Option<(bool, Finding)>, String>) -> Option<Failure> {
    match checked {
        Err(said) => Some(Failure { property: None, is_loss: true, text: format!("it panics: {said}") }),
        Ok(found) => found.map(|(is_loss, finding)| Failure {
            property: Some(finding.property),
            is_loss,
            text: format!("it breaks the property {}: {}", finding.property, finding),
        }),
    }
}

fn head(target: &Target, text: &str, fault: Option<Fault>) -> Vec<Text> {
    let mut head = format!("The fuzz target {} found it: {text}.\n", target.name);
    if let Some(fault) = fault {
        head.push_str(&format!("The collector has a seeded fault: replay with --fault {fault}.\n"));
    }
    Text::lines(&head)
}

/// What must come of the collection, by the oracle.
fn expectations(situation: &Situation) -> Vec<Step> {
    let release = situation.release;
    let judgement = judge(situation, Defects::as_shipped(release));
    let mut errors = judgement.errors().iter();
    match (errors.next(), errors.next()) {
        (None, _) => {}
        (Some(error), None) => return vec![Step::Expect(Assertion::Error(error.to_string().into_bytes()))],
        // Which of several comes first the oracle does not know.
        (Some(_), Some(_)) => return vec![Step::Expect(Assertion::Same)],
    }
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for resource in judgement.resources() {
        let node = resource.node();
        let name = NodeName::of(release, node.as_ref());
        let list = if resource.is_kept() { &mut kept } else { &mut removed };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    Assertion::of_nodes(kept, removed, Vec::new())
}
