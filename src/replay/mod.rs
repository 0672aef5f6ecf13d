//! Replaying a scenario: apply its steps, and hold what comes of them against what it expects.
//!
//! ```text
//!   line ──> World::apply ──> refused or not        against  the line's outcome
//!                             collection            against  every property, with the release's own defects
//!                             what it prints        against  the text below `---`
//!            World::expects   an `expect` step      against  the world
//! ```
//!
//! A refusal that nobody expected ends the replay, because what follows would only be its echo; everything else that
//! fails is noted and the replay goes on. [`Replay`] goes step by step, [`run`] to the end, [`state`] only applies.

mod before;
mod difference;
pub mod finding;
mod gc;
mod impossible;
mod lines;
mod objects;
mod paths;
pub mod refusal;
mod slip;
mod there;
mod update;
mod warning;
mod why;

pub use lines::Lines;
pub use update::{no_output, updated};
pub use warning::{Warning, read_by_earlier_go, warnings};

use crate::go::Go;
use crate::metadata::Error;
use crate::node::Kind;
use crate::oracle::judge;
use crate::properties::check::check_each;
use crate::properties::checks::Checks;
use crate::properties::done::Done;
use crate::properties::finding::Finding;
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::steps::{Closely, Steps, refused};
use crate::properties::thorough::{Sample, check_thoroughly};
use crate::reason::Reasons;
use crate::release::Release;
use crate::scenario::{Assertion, Line, Outcome, Refused, Scenario, Step, Text, alias, print_step};
use crate::world::{Applied, Collected, Fault, Part, Scheduled, Unmet, World};
use std::cell::{Cell, OnceCell};
use why::Removals;

/// How many nodes of one `expect` are told with their reasons; the others are counted.
const UNMET_MAX: usize = 20;

/// Something that a scenario expected and that did not come, or a property that did not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Failure {
    /// The line of the step, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// A step was refused that must succeed.
    #[error("`{step}` is refused: {}{}", alias::in_line(error.to_string()), behind_colon(hint.as_deref()))]
    Refused {
        /// The step.
        step: String,
        /// Why.
        error: Error,
        /// What the error does not say.
        hint: Option<Box<str>>,
    },
    /// A step succeeded that must be refused.
    #[error("`{step}` succeeds, it must be refused: {expected}")]
    Accepted {
        /// The step.
        step: String,
        /// With what kind of error.
        expected: Refused,
    },
    /// A step was refused for another reason.
    #[error("`{step}` is refused with another error than {expected}: {}", alias::in_line(error.to_string()))]
    RefusedOtherwise {
        /// The step.
        step: String,
        /// The kind that was expected.
        expected: Refused,
        /// Why it was refused.
        error: Error,
    },
    /// An `expect` step does not hold.
    #[error("`{step}`: {}{}", alias::in_line(unmet.to_string()), behind_colon(why.as_deref()))]
    Unmet {
        /// The step.
        step: String,
        /// What is instead.
        unmet: Unmet,
        /// Why the last collection kept or removed the node that it is about, or which step removed it.
        why: Option<Box<str>>,
    },
    /// A promise does not hold behind a step.
    #[error("`{step}` breaks `{promise}`: {}", alias::in_line(unmet.to_string()))]
    Promise {
        /// The step.
        step: String,
        /// The promise.
        promise: Box<str>,
        /// What is instead.
        unmet: Box<Unmet>,
    },
    /// What is to be absent could never be there.
    #[error("`{step}`: {why}")]
    Misspelled {
        /// The step.
        step: String,
        /// What is misspelled, and what may be meant.
        why: String,
    },
    /// A step printed something else than what stands below it.
    #[error(
        "`{step}` prints something else (- expected, + printed){}\n{}",
        told(expected),
        difference(expected, printed)
    )]
    Printed {
        /// The step.
        step: String,
        /// What stands below it.
        expected: Vec<Text>,
        /// What it printed.
        printed: Vec<Text>,
    },
    /// A property did not hold.
    #[error("`{step}` breaks the property {}: {}", finding.property, alias::in_line(finding.to_string()))]
    Found {
        /// The step.
        step: String,
        /// The finding.
        finding: Box<Finding>,
    },
    /// Another collector does something else.
    #[error("`{step}`: {told}")]
    Otherwise {
        /// The step.
        step: String,
        /// What it does, and what ours does and why: the lines of both.
        told: String,
    },
    /// Nothing in the scenario could fail.
    #[error("the scenario asserts nothing: add an `expect` step, or `---` below a `gc` and --update")]
    AssertsNothing,
}

/// The promises that do not hold behind a step. Each is told once, of the step that broke it.
fn broken_promises(promises: &mut Vec<&Line>, world: &World, line: &Line) -> Vec<Problem> {
    let mut broken = Vec::new();
    promises.retain(|promised| {
        let Step::Always(promise) = &promised.step else { return false };
        let Some(mut unmet) = world.breaks(promised.client.as_ref(), promise) else { return true };
        let (step, promise) = (print_step(&line.step), print_step(&promised.step).into());
        broken.push(Problem::Promise { step, promise, unmet: Box::new(unmet.swap_remove(0)) });
        false
    });
    broken
}

fn behind_colon(text: Option<&str>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

/// A word more where what is expected is no output at all.
fn told(expected: &[Text]) -> String {
    no_output(expected).map(|said| format!(": the expected output {said}")).unwrap_or_default()
}

fn difference(expected: &[Text], printed: &[Text]) -> String {
    let expected: Vec<&str> = expected.iter().map(Text::as_str).collect();
    let printed: Vec<&str> = printed.iter().map(Text::as_str).collect();
    difference::lines(&expected, &printed).trim_end().to_owned()
}

/// A scenario that is being replayed.
pub struct Replay<'s> {
    scenario: &'s Scenario,
    fault: Option<Fault>,
    is_intended: bool,
    reasons: Reasons,
    world: World,
    steps: Steps,
    /// What must hold after each step of the `together` block that is open.
    promises: Vec<&'s Line>,
    removals: Removals,
    sample: Sample,
    /// The fault made a difference already.
    has_differed: bool,
    next: usize,
    /// What its `raw` steps write, once it is asked for.
    written: OnceCell<paths::Written<'s>>,
    /// How often it was asked what kept a node before.
    asked_before: Cell<u8>,
    /// No property of steps is looked at, and none that compares collections.
    is_bare: bool,
}

/// A step that was replayed.
pub struct Stepped<'s> {
    /// The step.
    pub line: &'s Line,
    /// The release of the daemon that was asked.
    pub release: Release,
    /// What came of it.
    pub applied: Applied,
    /// This step or one before came out otherwise than without the fault.
    pub has_differed: bool,
    /// What a `gc` or `cleanup` printed.
    pub printed: Option<String>,
    /// The same with as many reasons as the replay is to tell.
    pub told: Option<String>,
    /// Its collection was one of too many for injected errors and relations; all else was checked.
    pub is_passed_over: bool,
    /// What is wrong with it.
    pub failures: Vec<Failure>,
}

impl<'s> Replay<'s> {
    /// A scenario before its first step, with an engine that may have a fault.
    pub fn new(scenario: &'s Scenario, fault: Option<Fault>) -> Replay<'s> {
        let (world, steps) = (World::new(scenario.release), Steps::default());
        let (is_intended, reasons, removals) = (false, Reasons::First, Removals::default());
        let (sample, written) = (Sample::default(), OnceCell::new());
        let (has_differed, next) = (false, 0);
        Replay {
            scenario,
            fault,
            is_intended,
            reasons,
            world,
            steps,
            promises: Vec::new(),
            removals,
            sample,
            has_differed,
            next,
            written,
            asked_before: Cell::new(0),
            is_bare: false,
        }
    }

    /// Holds collections to the intended rules instead of those with the release's known defects.
    #[must_use]
    pub fn intended(self, is_intended: bool) -> Replay<'s> {
        Replay { is_intended, ..self }
    }

    /// Looks at refusals, promises, expectations and each collection as such: the quicker way to ask whether what broke
    /// breaks again.
    #[must_use]
    pub fn bare(self) -> Replay<'s> {
        Replay { is_bare: true, ..self }
    }

    /// Tells of each node that goes every reason, not the first and how many more there are.
    #[must_use]
    pub fn with_every_reason(self) -> Replay<'s> {
        Replay { reasons: Reasons::All, ..self }
    }

    /// Replays with daemons that were built with some Go.
    #[must_use]
    pub fn built_with(self, go: Go) -> Replay<'s> {
        Replay { world: self.world.built_with(go), ..self }
    }

    /// The scenario.
    pub fn scenario(&self) -> &'s Scenario {
        self.scenario
    }

    /// The world after the steps so far.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Replays the next step; none at the end, or after a refusal that nobody expected.
    pub fn step(&mut self) -> Option<Stepped<'s>> {
        let line = self.scenario.lines.get(self.next)?;
        self.next += 1;
        let before = self.world.clone();
        match catching(|| self.take(line, &before)) {
            Ok(stepped) => Some(stepped),
            Err(said) => {
                // The world is half changed.
                (self.world, self.next) = (before, self.scenario.lines.len());
                let release = self.world.release();
                let findings = Checks::panicked(release, said).findings.into_iter();
                let found =
                    |finding| Problem::Found { step: print_step(&line.step), finding: Box::new(finding) };
                let failures =
                    findings.map(found).map(|problem| Failure { line: line.number, problem }).collect();
                Some(Stepped {
                    line,
                    release,
                    applied: Applied::default(),
                    has_differed: true,
                    printed: None,
                    told: None,
                    is_passed_over: false,
                    failures,
                })
            }
        }
    }

    fn take(&mut self, line: &'s Line, before: &World) -> Stepped<'s> {
        self.note_promises(line);
        let applied = self.world.apply_with(line, self.fault);
        if self.fault.is_some() && !self.has_differed {
            self.has_differed = before.does_otherwise(line, &self.world, &applied);
        }
        self.removals.note(self.next - 1, line, &applied, &self.world);
        for part in &applied.parts {
            self.removals.note(self.next - 1, &part.line, &part.applied, &part.after);
        }
        let mut problems = Vec::new();
        if let Some(mut problem) = outcome_problem(&self.world, line, &applied) {
            if let Problem::Refused { error, hint, .. } = &mut problem
                && hint.is_none()
            {
                *hint = self.lacked(line, error).map(String::into_boxed_str);
            }
            problems.push(problem);
            // What follows would only be its echo.
            self.next = self.scenario.lines.len();
        }
        let step = || print_step(&line.step);
        let mut passes_over = |applied: &Applied| {
            applied.collected.as_ref().is_some_and(|collected| !self.is_sampled(collected))
        };
        // Of a step in parts it is told of each.
        let passed_over: Vec<bool> = match &applied.parts[..] {
            [] => vec![passes_over(&applied)],
            parts => parts.iter().map(|part| passes_over(&part.applied)).collect(),
        };
        let [printed, told] = self.judge(line, &applied, &passed_over, &mut problems);
        let is_passed_over = passed_over.contains(&true);
        let deviations = self.known(before.release()).deviations;
        let namespace = self.world.namespace(line.client.as_ref()).unwrap_or_default();
        let is_last = self.next == self.scenario.lines.len();
        let closely = if is_last { Closely::Last } else { Closely::Yes };
        let mut checks = Checks::NONE;
        if !self.is_bare {
            let whole = Done { before, line, after: &self.world, applied: &applied };
            let parts = applied.parts.iter().map(|part| Done {
                before: &part.before,
                line: &part.line,
                after: &part.after,
                applied: &part.applied,
            });
            let whole = Some(whole).filter(|_| applied.parts.is_empty());
            for done in whole.into_iter().chain(parts) {
                checks.extend(self.steps.check(done, deviations, closely, self.fault));
            }
        }
        let checks = checks.read_from(namespace, &before.store().tree);
        let found = |finding| Problem::Found { step: step(), finding: Box::new(finding) };
        problems.extend(checks.findings.into_iter().map(found));
        if let (Some(expected), Some(printed)) = (&line.expected, &printed) {
            let printed = Text::lines(printed);
            if *expected != printed {
                problems.push(Problem::Printed { step: step(), expected: expected.clone(), printed });
            }
        }
        let is_step = !applied.is_passed && !matches!(line.step, Step::Always(_));
        if is_step {
            problems.extend(broken_promises(&mut self.promises, &self.world, line));
        }
        if let Step::Expect(assertion) = &line.step
            && !applied.is_passed
            && let Err(mut unmet) = self.world.expects(line.client.as_ref(), assertion)
        {
            if let Some(more) = unmet.len().checked_sub(UNMET_MAX).filter(|more| *more > 0) {
                unmet.truncate(UNMET_MAX);
                unmet.push(Unmet::More(more));
            }
            problems.extend(unmet.into_iter().map(|unmet| {
                let tree = &self.world.store().tree;
                let why = self.why(line, assertion, &unmet);
                let why = why.or_else(|| {
                    let last = self.world.last().filter(|_| !matches!(assertion, Assertion::Present(_)));
                    let looked_in = last.map_or(tree, |last| &last.before.tree);
                    let own = self.world.namespace(line.client.as_ref())?;
                    why::elsewhere(looked_in, self.world.release(), own, assertion, &unmet)
                });
                let why = why.or_else(|| paths::through_value(self.written(), tree, assertion));
                let why = why.or_else(|| paths::other_form(assertion));
                Problem::Unmet { step: step(), unmet, why: why.map(String::into_boxed_str) }
            }));
        }
        if let Step::Expect(assertion) = &line.step
            && let Some(why) = paths::misspelled(self.written(), assertion).or_else(|| {
                let is_nothing = matches!(assertion, Assertion::Nothing(_));
                let tree = &self.world.store().tree;
                paths::through_value(self.written(), tree, assertion).filter(|_| is_nothing)
            })
        {
            problems.push(Problem::Misspelled { step: step(), why });
        }
        let failures = problems.into_iter().map(|problem| Failure { line: line.number, problem }).collect();
        let (release, has_differed) = (before.release(), self.has_differed);
        Stepped { line, release, applied, has_differed, printed, told, is_passed_over, failures }
    }

    /// The promises of a `together` block hold from its beginning to its end, wherever they stand in it.
    fn note_promises(&mut self, line: &Line) {
        match line.step {
            Step::Together => {
                let block = self.scenario.lines[self.next..].iter();
                let block = block.take_while(|line| line.step != Step::End);
                self.promises = block.filter(|line| matches!(line.step, Step::Always(_))).collect();
            }
            Step::End => self.promises.clear(),
            _ => {}
        }
    }

    fn written(&self) -> &paths::Written<'s> {
        self.written.get_or_init(|| paths::Written::of(self.scenario))
    }

    /// Whether a collection is one of those that are checked thoroughly.
    fn is_sampled(&mut self, collected: &Collected) -> bool {
        let is_last =
            !self.scenario.lines[self.next..].iter().any(|line| matches!(line.step, Step::Gc { .. }));
        self.sample.takes(&collected.request(), &collected.outcome, is_last)
    }

    /// What the daemon may do against the intended rules.
    fn known(&self, release: Release) -> Known {
        if self.is_intended { Known::NONE } else { Known::as_shipped(release) }
    }

    /// Checks the collection of a step; what the step printed, and the same with as many reasons as are to be told.
    fn judge(
        &self,
        line: &Line,
        applied: &Applied,
        passed_over: &[bool],
        problems: &mut Vec<Problem>,
    ) -> [Option<String>; 2] {
        let namespace = self.world.namespace(line.client.as_ref()).unwrap_or_default();
        let mut texts = <[String; 2]>::default();
        if !applied.parts.is_empty() {
            for (part, is_passed_over) in applied.parts.iter().zip(passed_over) {
                self.judge_part(part, *is_passed_over, &mut texts, problems);
            }
            if texts[0].is_empty() && line.step.may_print() {
                texts = [(); 2].map(|()| gc::nothing_due());
            }
            if let Some(error) = &applied.refused {
                texts.iter_mut().for_each(|text| text.push_str(&gc::refused(error)));
            }
            return texts.map(|text| line.step.may_print().then_some(text));
        }
        if let Some(collected) = &applied.collected {
            texts = self.judge_collection(line, collected, namespace, passed_over[0], problems);
        }
        let mut below = String::new();
        if let Some(cleaned) = &applied.cleaned {
            below.push_str(&gc::clean_up(cleaned, applied.refused.is_none()));
        }
        if let Some(error) = &applied.refused {
            below.push_str(&gc::refused(error));
        }
        let prints = line.step.prints() || line.step.may_print() && line.expected.is_some();
        texts.map(|text| prints.then_some(text + &below))
    }

    /// Checks the collection of a part, and adds what it prints.
    fn judge_part(
        &self,
        part: &Part,
        is_passed_over: bool,
        texts: &mut [String; 2],
        problems: &mut Vec<Problem>,
    ) {
        let namespace = part.after.namespace(part.line.client.as_ref()).unwrap_or_default();
        let mut add =
            |new: [String; 2]| texts.iter_mut().zip(new).for_each(|(text, new)| text.push_str(&new));
        if let Scheduled::Collection(cause) = part.what {
            add([(); 2].map(|()| gc::scheduled(part.before.now(), cause)));
        }
        if let Some(collected) = &part.applied.collected {
            add(self.judge_collection(&part.line, collected, namespace, is_passed_over, problems));
        }
        match &part.applied.cleaned {
            // Behind a collection there is nothing to say of what was clean.
            Some(cleaned) => add([(); 2].map(|()| gc::clean_up(cleaned, part.what == Scheduled::Step))),
            None if part.what == Scheduled::Crash => add([(); 2].map(|()| gc::crashed())),
            None => {}
        }
        if let (Scheduled::CleanUp, Some(error)) = (part.what, &part.applied.refused) {
            add([(); 2].map(|()| gc::refused(error)));
        }
    }

    fn judge_collection(
        &self,
        line: &Line,
        collected: &Collected,
        namespace: &[u8],
        is_passed_over: bool,
        problems: &mut Vec<Problem>,
    ) -> [String; 2] {
        let request = collected.request();
        let defects = self.known(collected.before.release).defects;
        let judgement = judge(&collected.before, defects);
        let fault = self.fault.and_then(Fault::of_collector);
        let mut checks = check_each(&request, &collected.outcome, &judgement, fault);
        if !is_passed_over && !self.is_bare {
            checks.extend(check_thoroughly(&request, &collected.outcome, &judgement, defects, fault));
        }
        let found = |finding| Problem::Found { step: print_step(&line.step), finding: Box::new(finding) };
        problems.extend(checks.read_from(namespace, &collected.before.tree).findings.into_iter().map(found));
        let printed = gc::collection(collected, &judgement, namespace, Reasons::First);
        let told = match self.reasons {
            Reasons::First => printed.clone(),
            Reasons::All => gc::collection(collected, &judgement, namespace, Reasons::All),
        };
        [printed, told]
    }
}

/// What came of a step against what must, in the world that it left.
fn outcome_problem(after: &World, line: &Line, applied: &Applied) -> Option<Problem> {
    let step = || print_step(&line.step);
    match (line.outcome, &applied.refused) {
        (Outcome::Any, _) | (Outcome::Accepted, None) => None,
        (Outcome::Accepted, Some(error)) => {
            let hint = refusal::hint(after, line, error).map(String::into_boxed_str);
            Some(Problem::Refused { step: step(), error: error.clone(), hint })
        }
        (Outcome::Refused(expected), None) => Some(Problem::Accepted { step: step(), expected }),
        (Outcome::Refused(expected), Some(error)) if refused(error.kind) == expected => None,
        (Outcome::Refused(expected), Some(error)) => {
            Some(Problem::RefusedOtherwise { step: step(), expected, error: error.clone() })
        }
    }
}

/// A replay to the end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// What failed, in the order of the steps; empty if the scenario passes.
    pub failures: Vec<Failure>,
    /// What was printed where a block of expected output stands: the step's line, and the lines.
    pub printed: Vec<(usize, Vec<Text>)>,
    /// A refusal that nobody expected, or that did not come, ended it early: so many steps below it were not run.
    pub steps_cut: usize,
    /// How many steps were replayed.
    pub steps: usize,
    /// How many collections ran.
    pub collections: usize,
    /// How many of them were too many for injected errors and relations.
    pub passed_over: usize,
}

/// Replays a scenario with an engine that may have a fault. One that asserts nothing fails.
pub fn run(scenario: &Scenario, fault: Option<Fault>) -> Replayed {
    run_replay(Replay::new(scenario, fault))
}

/// Runs a replay to its end. A scenario that asserts nothing fails.
pub fn run_replay(mut replay: Replay<'_>) -> Replayed {
    let scenario = replay.scenario;
    let mut replayed = Replayed::default();
    while let Some(stepped) = replay.step() {
        replayed.add(stepped);
    }
    replayed.finish(scenario);
    replayed
}

impl Replayed {
    /// Takes note of a step.
    pub fn add(&mut self, stepped: Stepped<'_>) {
        self.steps += 1;
        self.failures.extend(stepped.failures);
        let parts = &stepped.applied.parts;
        self.collections += match parts.is_empty() {
            true => usize::from(stepped.applied.collected.is_some()),
            false => parts.iter().filter(|part| part.applied.collected.is_some()).count(),
        };
        self.passed_over += usize::from(stepped.is_passed_over);
        if let (Some(printed), true) = (&stepped.printed, stepped.line.expected.is_some()) {
            self.printed.push((stepped.line.number, Text::lines(printed)));
        }
    }

    /// Takes note that nothing more is replayed.
    pub fn cut(&mut self, scenario: &Scenario) {
        self.steps_cut = scenario.lines.len() - self.steps;
    }

    /// Takes note of the end.
    pub fn finish(&mut self, scenario: &Scenario) {
        self.cut(scenario);
        if !scenario.asserts() {
            self.failures.push(Failure { line: 1, problem: Problem::AssertsNothing });
        }
    }
}

/// What a scenario leads up to.
#[derive(Clone)]
pub struct State {
    /// The world after its last step that is no trailing `gc`, `cleanup` or `expect`.
    pub world: World,
    /// The line of that step, from 1; none if there is no such step.
    pub line: Option<usize>,
    /// What the first of those `gc` steps says about 1.7.0-beta.1's shared loop variable.
    pub last: Option<Kind>,
}

/// The state to look at in a scenario: after its last step that does something else than to collect, clean up or
/// expect, with daemons that were built with some Go; `done` hears of each step.
///
/// # Errors
/// A step before was refused, or succeeded, against what the scenario expects.
pub fn state(scenario: &Scenario, go: Go, done: &dyn Fn()) -> Result<State, Failure> {
    let (leading, trailing) = leading(scenario);
    let mut world = World::new(scenario.release).built_with(go);
    for line in leading {
        let applied = world.apply(line);
        done();
        if let Some(problem) = outcome_problem(&world, line, &applied) {
            return Err(Failure { line: line.number, problem });
        }
    }
    let last = trailing.iter().find_map(|line| match &line.step {
        Step::Gc { last, .. } => Some(*last),
        _ => None,
    });
    Ok(State { world, line: leading.last().map(|line| line.number), last: last.flatten() })
}

/// The steps up to the last that does something else than to collect, clean up or expect, and the others.
fn leading(scenario: &Scenario) -> (&[Line], &[Line]) {
    let trails = |line: &&Line| matches!(line.step, Step::Gc { .. } | Step::Cleanup | Step::Expect(_));
    let trailing = scenario.lines.iter().rev().take_while(trails).count();
    scenario.lines.split_at(scenario.lines.len() - trailing)
}

#[cfg(test)]
mod tests;
