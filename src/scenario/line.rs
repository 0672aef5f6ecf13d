//! A scenario as data: its lines, each with a step and what belongs to it.
//!
//! A line without a client belongs to the unnamed client, which begins in namespace [`DEFAULT_NAMESPACE`] without a lease.

use super::data::Name;
use super::step::Step;
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::named::named;
use crate::release::Release;
use std::fmt;
use std::num::NonZeroU64;

/// The namespace that a client uses until it says otherwise.
pub const DEFAULT_NAMESPACE: &[u8] = b"default";
/// What the clock shows before the first step: 2026-01-01T00:00:00Z.
pub const CLOCK_START: Instant = Instant { seconds: UNIX_EPOCH_SECONDS + 1_767_225_600, nanoseconds: 0 };

/// A whole scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scenario {
    /// The comment at the top: why this scenario exists.
    pub head: Vec<Text>,
    /// The release of the daemon at the start. [`Step::Release`] replaces the daemon later.
    pub release: Release,
    /// The steps in order.
    pub lines: Vec<Line>,
    /// The comment behind the last step.
    pub tail: Vec<Text>,
}

/// A step and what belongs to it. Two lines are equal whatever their place and the blank lines around them.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the text that it was read from, from 1; 0 if it was not read.
    pub number: usize,
    /// A blank line stands before it, or before its comment.
    pub blank_before: bool,
    /// The comment above it.
    pub comment: Vec<Text>,
    /// It may happen so many times at any moment, or never: only in a `together` block, where one order has it not.
    pub may: Option<NonZeroU64>,
    /// Who does it; absent for the unnamed client.
    pub client: Option<Name>,
    /// It is done only if this holds, and passed over otherwise.
    pub guard: Option<Guard>,
    /// Whether it must succeed.
    pub outcome: Outcome,
    /// What is done.
    pub step: Step,
    /// The word by which the client remembers what came of it.
    pub remembers: Option<Name>,
    /// What stands below `---`: the output that is expected of a `gc` or `cleanup`.
    pub expected: Option<Vec<Text>>,
}

/// What a client must remember for a step to be done.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Guard {
    /// The word. One that was never set is false.
    pub word: Name,
    /// What it must be: `if` or `unless`.
    pub is_set: bool,
}

/// One line of a comment or of expected output: without line breaks and without blanks at its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

/// What must come of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Outcome {
    /// The step succeeds.
    #[default]
    Accepted,
    /// containerd refuses the step with this kind of error (`! not-found content delete layer`).
    Refused(Refused),
    /// Either will do (`? content delete layer`), as in generated scenarios.
    Any,
}

named! {
    /// containerd's kinds of errors, as far as the write side answers them.
    pub enum Refused {}
    NotFound, "not-found" => "What the step names is not there.";
    AlreadyExists, "already-exists" => "What the step creates is there.";
    FailedPrecondition, "failed-precondition" => "Something must be done or undone before.";
    InvalidArgument, "invalid-argument" => "No daemon would take the step.";
    NotImplemented, "not-implemented" => "The release has no such thing.";
    Unavailable, "unavailable" => "Somebody else is at it.";
    Deadlock, "deadlock" => "The real daemon would wait for ever.";
    Unknown, "unknown" => "An error without a kind, as gRPC calls it.";
    Crash, "crash" => "The real daemon would die.";
}

impl Scenario {
    /// Whether replaying it can fail for any other reason than a finding: it expects something somewhere.
    pub fn asserts(&self) -> bool {
        self.lines.iter().any(|line| {
            line.expected.is_some()
                || matches!(line.step, Step::Expect(_) | Step::Together)
                || matches!(line.outcome, Outcome::Refused(_))
        })
    }
}

impl Line {
    /// A step of the unnamed client that must succeed, with nothing around it.
    pub fn new(step: Step) -> Line {
        Line {
            number: 0,
            blank_before: false,
            comment: Vec::new(),
            may: None,
            client: None,
            guard: None,
            outcome: Outcome::Accepted,
            step,
            remembers: None,
            expected: None,
        }
    }
}

impl From<Step> for Line {
    fn from(step: Step) -> Line {
        Line::new(step)
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Line) -> bool {
        let Line {
            number: _,
            blank_before: _,
            comment,
            may,
            client,
            guard,
            outcome,
            step,
            remembers,
            expected,
        } = self;
        *comment == other.comment
            && *may == other.may
            && *client == other.client
            && *guard == other.guard
            && *outcome == other.outcome
            && *step == other.step
            && *remembers == other.remembers
            && *expected == other.expected
    }
}

impl Eq for Line {}

impl Text {
    /// The lines of a text, each without the blanks at its end.
    pub fn lines(text: &str) -> Vec<Text> {
        text.lines().map(|line| Text(line.trim_end().to_owned())).collect()
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One line that is known to contain no line break.
    pub(super) fn line(line: &str) -> Text {
        Text(line.trim_end().to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
