//! A protocol taken apart: who does what in which order, and what may happen in between.
//!
//! ```text
//!   steps before                           done once, in order
//!   together
//!       alice: content put layer           a thread: its moves one after the other,   open ─ commit
//!       alice: image create main ...         a step of several transactions several   ─ create
//!       may 2 gc                           a thread of its own, done again up to twice
//!       always present ...                 a promise
//!   end
//!   steps below                            done once in every final state
//! ```
//!
//! This file knows the language; that there are states and orders it does not.

use crate::metadata::{Error, ErrorKind};
use crate::properties::steps::refused;
use crate::scenario::{Expiry, Line, Name, Outcome, Scenario, Step};
use crate::schema::time::parse_rfc3339;
use std::time::Duration;

/// How many threads a protocol may have.
pub const THREADS_MAX: usize = 32;

/// A scenario with a `together` block, taken apart.
pub struct Protocol<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The lines above the block.
    pub before: &'s [Line],
    /// Clients in the order of their first steps, then what may happen in the order of the lines.
    pub threads: Vec<Thread<'s>>,
    /// The block's `always` lines.
    pub promises: Vec<&'s Line>,
    /// The lines below the block.
    pub behind: &'s [Line],
    /// A line below sets the clock, or a step names an instant: then the clock itself matters.
    pub(super) reads_clock: bool,
}

/// What is done in its own order.
pub struct Thread<'s> {
    /// Who does it.
    pub client: Option<&'s Name>,
    /// How often it may happen; none for a client's steps, which all must.
    pub may: Option<u16>,
    /// One after the other.
    pub moves: Vec<Move<'s>>,
}

/// A move: its thread, and its place among that one's.
pub(super) type At = (u8, u16);

/// One transaction of a client's step.
pub struct Move<'s> {
    /// The line that it belongs to.
    pub line: &'s Line,
    /// What is done, by the thread's client.
    pub does: Line,
    /// It is the first of its line.
    pub is_first: bool,
    /// It is the last of its line.
    pub is_last: bool,
    /// The place of the first move of the next line.
    pub next: u16,
    /// No other thread can change whether its guard holds, so that it is passed over at once.
    pub(super) is_private: bool,
}

/// How a line may end with a move.
pub enum Answer {
    /// More of its moves follow.
    Unfinished,
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused(Error),
}

/// Why a scenario is no protocol that can be explored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoProtocol {
    /// It has no block.
    #[error(
        "it has no `together` block: the steps between `together` and `end` come in every order; scenarios/protocols has examples, and `replay` runs a scenario as it is"
    )]
    NoBlock,
    /// Its block has no steps.
    #[error("its `together` block has no steps")]
    NoSteps,
    /// Too many clients and `may` lines.
    #[error("its `together` block has {0} clients and `may` lines, more than {THREADS_MAX}")]
    Threads(usize),
    /// A client has too many steps.
    #[error("line {0}: more steps than a protocol may have")]
    Steps(usize),
    /// It asserts what the last collection did though none of the steps below collects.
    #[error(
        "line {0}: `expect` of the last collection, which comes at any moment: put a `gc` below `end`, or say present or absent"
    )]
    LastCollection(usize),
    /// A scheduler decides when is collected.
    #[error(
        "line {0}: a scheduler: here collections come at every moment of a `may gc`, whenever one would be due"
    )]
    Scheduler(usize),
}

impl<'s> Protocol<'s> {
    /// Whether a step of the block, or a line below it, expects something.
    pub(super) fn expects(&self) -> bool {
        let steps = self.threads.iter().flat_map(|thread| &thread.moves).map(|each| each.line);
        steps.chain(self.behind).any(|line| matches!(line.step, Step::Expect(_)) || line.expected.is_some())
    }

    /// Takes a scenario apart.
    ///
    /// # Errors
    /// It cannot be explored.
    pub fn of(scenario: &'s Scenario) -> Result<Protocol<'s>, NoProtocol> {
        let place = |step: &Step| scenario.lines.iter().position(|line| line.step == *step);
        let (Some(first), Some(last)) = (place(&Step::Together), place(&Step::End)) else {
            return Err(NoProtocol::NoBlock);
        };
        if let Some(line) = scenario.lines.iter().find(|line| matches!(line.step, Step::Scheduler(_))) {
            return Err(NoProtocol::Scheduler(line.number));
        }
        let (before, block) = (&scenario.lines[..first], &scenario.lines[first + 1..last]);
        let behind = &scenario.lines[last + 1..];
        let mut threads: Vec<Thread<'s>> = Vec::new();
        let (mut mays, mut promises) = (Vec::new(), Vec::new());
        for line in block {
            if let Step::Always(_) = line.step {
                promises.push(line);
                continue;
            }
            let client = line.client.as_ref();
            let thread = match (line.may, threads.iter().position(|thread| thread.client == client)) {
                (Some(times), _) => {
                    let may = u16::try_from(times.get()).ok();
                    mays.push(Thread { client, may, moves: Vec::new() });
                    mays.last_mut()
                }
                (None, Some(at)) => threads.get_mut(at),
                (None, None) => {
                    threads.push(Thread { client, may: None, moves: Vec::new() });
                    threads.last_mut()
                }
            };
            thread.expect("it was just there").add(line)?;
        }
        threads.append(&mut mays);
        match threads.len() {
            0 => return Err(NoProtocol::NoSteps),
            count if count > THREADS_MAX => return Err(NoProtocol::Threads(count)),
            _ => {}
        }
        let collects = behind.iter().take_while(|line| !matches!(line.step, Step::Gc { .. }));
        for line in collects {
            if let Step::Expect(assertion) = &line.step
                && assertion.is_of_last_collection()
            {
                return Err(NoProtocol::LastCollection(line.number));
            }
        }
        let reads_clock = block.iter().chain(behind).any(|line| names_instant(&line.step));
        let mut protocol = Protocol { scenario, before, threads, promises, behind, reads_clock };
        protocol.find_private_guards();
        Ok(protocol)
    }

    /// A guard is its client's alone where no other thread of that client remembers anything.
    fn find_private_guards(&mut self) {
        let remembering: Vec<(usize, Option<&Name>)> = self
            .threads
            .iter()
            .enumerate()
            .filter(|(_, thread)| thread.moves.iter().any(|each| each.line.remembers.is_some()))
            .map(|(at, thread)| (at, thread.client))
            .collect();
        for (at, thread) in self.threads.iter_mut().enumerate().filter(|(_, thread)| thread.may.is_none()) {
            let is_private =
                !remembering.iter().any(|(other, client)| *other != at && *client == thread.client);
            thread.moves.iter_mut().for_each(|each| each.is_private = is_private);
        }
    }

    /// A move by its thread and its place among that one's, and whose it is.
    pub(super) fn at(&self, (thread, place): At) -> (Option<&Name>, &Move<'s>) {
        let thread = &self.threads[usize::from(thread)];
        (thread.client, &thread.moves[usize::from(place)])
    }

    /// How many steps of clients there are, a line each, and of what may happen.
    pub fn lines(&self) -> (usize, usize) {
        let firsts = |thread: &Thread<'_>| thread.moves.iter().filter(|each| each.is_first).count();
        let of =
            |may: bool| self.threads.iter().filter(|thread| thread.may.is_some() == may).map(firsts).sum();
        (of(false), of(true))
    }

    /// The clients that must come to their end.
    pub fn clients(&self) -> usize {
        self.threads.iter().filter(|thread| thread.may.is_none()).count()
    }
}

impl<'s> Thread<'s> {
    /// The moves of one line.
    fn add(&mut self, line: &'s Line) -> Result<(), NoProtocol> {
        let steps = transactions(&line.step);
        let count = steps.len();
        let next = u16::try_from(self.moves.len() + count).map_err(|_| NoProtocol::Steps(line.number))?;
        // All that a thread may do is counted in sixteen bits.
        next.checked_mul(self.may.unwrap_or(1)).ok_or(NoProtocol::Steps(line.number))?;
        self.moves.extend(steps.into_iter().enumerate().map(|(at, step)| {
            // What other steps let be remembered is how their line ended.
            let remembers = line.remembers.clone().filter(|_| matches!(step, Step::Look(_)));
            let does =
                Line { client: line.client.clone(), outcome: Outcome::Any, remembers, ..Line::new(step) };
            Move { line, does, is_first: at == 0, is_last: at + 1 == count, next, is_private: false }
        }));
        Ok(())
    }

    /// How far the thread is when nothing is left to do.
    pub fn total(&self) -> u16 {
        u16::try_from(self.moves.len()).expect("it was counted") * self.may.unwrap_or(1)
    }

    /// The place among its moves of a thread that is so far.
    pub fn place(&self, progress: u16) -> usize {
        usize::from(progress) % self.moves.len()
    }

    /// How far it is behind the line that it is in.
    pub(super) fn behind_line(&self, progress: u16) -> u16 {
        let place = self.place(progress);
        progress + self.moves[place].next - u16::try_from(place).expect("it was counted")
    }
}

impl Move<'_> {
    /// How the line stands after this move was answered so.
    pub fn answer(&self, refusal: Option<Error>) -> Answer {
        match refusal {
            // Who puts what is there has it (`content.WriteBlob`).
            Some(error) if self.is_put() && error.kind == ErrorKind::AlreadyExists => Answer::Accepted,
            Some(error) => Answer::Refused(error),
            None if self.is_last => Answer::Accepted,
            None => Answer::Unfinished,
        }
    }

    /// Whether the client waits and tries again: another one writes the same content (`content.OpenWriter`).
    pub fn waits(&self, error: &Error) -> bool {
        self.is_put() && error.kind == ErrorKind::Unavailable
    }

    fn is_put(&self) -> bool {
        matches!(self.line.step, Step::ContentPut { .. })
    }

    /// Whether an answer is what the line asks for.
    pub fn takes(&self, answer: &Answer) -> bool {
        is_as_asked(self.line, answer)
    }

    /// By how much it moves the clock.
    pub(super) fn advances(&self) -> Option<Duration> {
        match self.does.step {
            Step::Advance(by) => Some(by),
            _ => None,
        }
    }
}

/// Whether an answer is what a line asks for.
pub(super) fn is_as_asked(line: &Line, answer: &Answer) -> bool {
    // A clean-up that waits for a preparation under way stays scheduled, and nobody minds.
    let minds = !matches!(line.step, Step::Cleanup);
    match (line.outcome, answer) {
        (_, Answer::Unfinished) | (Outcome::Any, _) => true,
        (Outcome::Accepted, answer) => matches!(answer, Answer::Accepted) || !minds,
        (Outcome::Refused(_), Answer::Accepted) => false,
        (Outcome::Refused(expected), Answer::Refused(error)) => refused(error.kind) == expected,
    }
}

/// The transactions of a step, each as a step.
fn transactions(step: &Step) -> Vec<Step> {
    match step {
        Step::ContentPut { digest, size, labels } => vec![
            Step::ContentOpen { reference: digest.clone(), expected: Some(digest.clone()), size: *size },
            Step::ContentCommit {
                reference: digest.clone(),
                digest: digest.clone(),
                size: *size,
                labels: labels.clone(),
            },
        ],
        Step::SnapshotPrepare(new) => {
            let snapshot = new.snapshot.clone();
            vec![Step::SnapshotPrepareBegin(new.clone()), Step::SnapshotFinish { snapshot }]
        }
        Step::SnapshotView(new) => {
            let snapshot = new.snapshot.clone();
            vec![Step::SnapshotViewBegin(new.clone()), Step::SnapshotFinish { snapshot }]
        }
        Step::LeaseAdd { lease, resources } => resources
            .iter()
            .map(|resource| Step::LeaseAdd { lease: lease.clone(), resources: vec![resource.clone()] })
            .collect(),
        Step::LeaseDrop { lease, resources } => resources
            .iter()
            .map(|resource| Step::LeaseDrop { lease: lease.clone(), resources: vec![resource.clone()] })
            .collect(),
        Step::NamespaceLabel { namespace, labels } if !labels.is_empty() => labels
            .as_slice()
            .iter()
            .map(|label| Step::NamespaceLabel {
                namespace: namespace.clone(),
                labels: std::iter::once(label.clone()).collect(),
            })
            .collect(),
        Step::ImageDelete { image, sync: true } => {
            vec![Step::ImageDelete { image: image.clone(), sync: false }, waited_for()]
        }
        Step::LeaseDelete { lease, sync: true } => {
            vec![Step::LeaseDelete { lease: lease.clone(), sync: false }, waited_for()]
        }
        step => vec![step.clone()],
    }
}

/// The collection that a client waits for.
fn waited_for() -> Step {
    Step::Gc { last: None, cancel_at_root: None }
}

/// Whether a step speaks of an instant by its date.
fn names_instant(step: &Step) -> bool {
    let is_date = |expiry: &Expiry| matches!(expiry, Expiry::Text(text) if parse_rfc3339(text).is_ok());
    let labels = step.clone().labels_mut().map(std::mem::take).unwrap_or_default();
    let has_date = labels.as_slice().iter().any(|(_, value)| parse_rfc3339(value).is_ok());
    let expires = match step {
        Step::LeaseCreate { expire, .. } => expire.as_ref(),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => fields.expire.as_ref(),
        _ => None,
    };
    has_date || expires.is_some_and(is_date) || matches!(step, Step::Now(_)) || step.is_raw()
}
