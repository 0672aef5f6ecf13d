//! When a daemon collects: containerd's scheduler (`gc/scheduler/scheduler.go`) as a value.
//!
//! ```text
//!   event  ──> Scheduler::event ──┐
//!                                 ├──> due ──> Scheduler::wake ──> a run ──> succeeded | failed ──> due again
//!   start  ──> Scheduler::start ──┘                 └─ or passed over: nothing asks for one
//! ```
//!
//! Two things tell it: every write transaction that commits, with whether something was deleted since the last
//! collection, and clients that wait for a collection. It never looks at what is in the database, so that what expires
//! while nobody writes stays until somebody does.
//!
//! Times are those of the daemon's own clock, which goes on steadily whatever is done to the date: a [`Duration`] since
//! any moment before its start. A collection takes no time here; who runs it says when it ended.
//!
//! [`oracle`] says the same in other words, from what happened alone, and shares no code with the rest.

mod configuration;
mod fault;
pub mod oracle;

pub use configuration::{Configuration, Crossings, PAUSE_MAX};
pub use fault::Fault;

use crate::release::Release;
use std::time::Duration;

/// The interval before the first collection has succeeded (`gcScheduler.run`).
const FIRST_INTERVAL: Duration = Duration::from_secs(1);
/// What is added to the time after which a failed collection is tried again (`gcScheduler.run`).
const RETRY: Duration = Duration::from_secs(1);
/// The least that collections are taken to last where that is bounded (`minimumGCTime`).
const SHORTEST: Duration = Duration::from_millis(5);

/// What a scheduler is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A write transaction was committed (`mutationCallback`).
    Mutation {
        /// Something was deleted since the last collection that succeeded.
        is_dirty: bool,
    },
    /// Somebody waits for a collection (`ScheduleAndWait`).
    Trigger,
}

/// Why a collection runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// It is the first one, a while after the start.
    Start,
    /// Something was deleted.
    Deletions,
    /// There were as many mutations as the threshold says.
    Mutations,
    /// Somebody waits for it.
    Trigger,
    /// The one before failed.
    Retry,
}

impl Cause {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Start => "start",
            Cause::Deletions => "deletions",
            Cause::Mutations => "mutations",
            Cause::Trigger => "trigger",
            Cause::Retry => "retry",
        }
    }
}

/// A collection that is to run now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// When.
    pub at: Duration,
    /// Why.
    pub cause: Cause,
}

/// The daemon has crashed: it looked for the time of a collection before its first (containerd #4871).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash;

/// A daemon's scheduler.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scheduler {
    configuration: Configuration,
    crossings: Crossings,
    fault: Option<Fault>,
    /// When the last collection ended, successfully or not.
    last: Option<Duration>,
    /// When the timer goes off.
    next: Option<Duration>,
    interval: Duration,
    /// The time that all successful collections took.
    sum: Duration,
    collections: u32,
    is_triggered: bool,
    has_failed: bool,
    deletions: i64,
    mutations: i64,
}

impl Scheduler {
    /// That of a daemon that starts now (`newScheduler`, and the beginning of `gcScheduler.run`).
    pub fn start(configuration: Configuration, release: Release, at: Duration) -> Scheduler {
        let delay = Some(configuration.startup_delay).filter(|delay| !delay.is_zero());
        Scheduler {
            configuration,
            crossings: Crossings::of(release),
            fault: None,
            last: None,
            next: delay.map(|delay| at.saturating_add(delay)),
            interval: FIRST_INTERVAL,
            sum: Duration::ZERO,
            collections: 0,
            is_triggered: false,
            has_failed: false,
            deletions: 0,
            mutations: 0,
        }
    }

    /// The same with a mistake, from its start on.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Scheduler {
        let next = if fault == Fault::StartupDelayIgnored { None } else { self.next };
        Scheduler { fault: Some(fault), next, ..self }
    }

    /// That of the daemon that takes this one's place: it knows nothing of before.
    #[must_use]
    pub fn restarted(&self, release: Release, at: Duration) -> Scheduler {
        let mut fresh = Scheduler::start(self.configuration, release, at);
        if let Some(fault) = self.fault {
            fresh = fresh.with_fault(fault);
        }
        if self.has(Fault::RestartKeepsCounts) {
            (fresh.deletions, fresh.mutations) = (self.deletions, self.mutations);
        }
        fresh
    }

    /// How it is configured.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// When the timer goes off, for a collection or to no end.
    pub fn next(&self) -> Option<Duration> {
        self.next
    }

    /// How often it looks whether there is something to do.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Something happened (the second case of `gcScheduler.run`), of which the timer was not due before.
    ///
    /// What happened before the last collection had ended is thrown away, and that is all that comes of it.
    pub fn event(&mut self, at: Duration, event: Event) {
        if self.last.is_some_and(|last| last > at) && !self.has(Fault::EarlyEventCounted) {
            return;
        }
        match event {
            Event::Mutation { is_dirty } => {
                self.deletions += i64::from(is_dirty);
                self.mutations += 1;
            }
            Event::Trigger => self.is_triggered = true,
        }
        if self.asks() && !(self.has(Fault::TriggerDoesNotWake) && event == Event::Trigger) {
            let asked = at.saturating_add(self.configuration.schedule_delay);
            if self.next.is_none_or(|next| next > asked || self.has(Fault::DelayNotMinimum)) {
                self.next = Some(asked);
            }
        }
    }

    /// Whether what happened asks for a collection, whatever the timer says.
    fn asks(&self) -> bool {
        let threshold = self.configuration.deletion_threshold;
        let threshold =
            if self.has(Fault::DeletionsOffByOne) && threshold > 0 { threshold + 1 } else { threshold };
        self.is_triggered
            || threshold > 0 && self.deletions >= threshold
            || self.next.is_none() && (threshold == 0 && self.deletions > 0 || self.has_mutations())
    }

    /// Whether there were as many mutations as the threshold says.
    fn has_mutations(&self) -> bool {
        let threshold = self.configuration.mutation_threshold;
        let more = i64::from(self.has(Fault::MutationsOffByOne));
        threshold > 0 && self.mutations >= threshold + more
    }

    /// The first collection that runs until then, that moment included (the first case of `gcScheduler.run`).
    ///
    /// Without one the timer may go off to no end; where that would be without a pause, a busy loop, it is due still.
    pub fn wake(&mut self, until: Duration) -> Option<Run> {
        let at = self.next.filter(|next| *next <= until)?;
        let is_needed = self.is_triggered || self.deletions > 0 || self.has_mutations();
        if self.last.is_none() || is_needed || self.has(Fault::IdleCollects) {
            return Some(Run { at, cause: self.cause() });
        }
        // Nothing happens until then, so that it is passed over each time.
        let intervals = (until - at).as_nanos().checked_div(self.interval.as_nanos());
        self.next = Some(match intervals {
            None => until,
            Some(intervals) => at.saturating_add(times(self.interval, intervals + 1)),
        });
        None
    }

    fn cause(&self) -> Cause {
        match self {
            Scheduler { has_failed: true, .. } => Cause::Retry,
            Scheduler { is_triggered: true, .. } => Cause::Trigger,
            Scheduler { last: None, .. } if !self.configuration.startup_delay.is_zero() => Cause::Start,
            Scheduler { deletions: 1.., .. } => Cause::Deletions,
            _ => Cause::Mutations,
        }
    }

    /// The collection succeeded: when it ended, and how long it had the metadata locked (`gcScheduler.run`).
    pub fn succeeded(&mut self, ended: Duration, took: Duration) {
        self.sum = if self.has(Fault::LastTimeAlone) {
            times(took, u128::from(self.collections) + 1)
        } else {
            self.sum + took
        };
        self.collections += 1;
        (self.is_triggered, self.has_failed) = (false, false);
        self.deletions = 0;
        self.mutations = if self.has(Fault::MutationsNotReset) { self.mutations } else { 0 };
        if self.configuration.pause() > 0.0 && !self.has(Fault::PauseNotApplied) {
            self.interval = self.paused();
        }
        self.last = Some(ended);
        self.next = Some(ended.saturating_add(self.interval));
    }

    /// The interval after which collections take no more than the pause threshold of the time.
    fn paused(&self) -> Duration {
        let pause = self.configuration.pause();
        let shortest = if self.crossings.are_averages_bounded && !self.has(Fault::AverageNotBounded) {
            SHORTEST
        } else {
            Duration::ZERO
        };
        let average = (nanoseconds(self.sum) / f64::from(self.collections)).max(nanoseconds(shortest));
        truncated(average / pause - average)
    }

    /// The collection failed (`gcScheduler.run`). Those who wait for it are told no more than that.
    ///
    /// # Errors
    /// It was the first, and the daemon is one that crashes then.
    pub fn failed(&mut self, ended: Duration) -> Result<(), Crash> {
        let delay = match (self.last, self.next) {
            (Some(last), Some(next)) => (next - last).saturating_add(self.retry()),
            _ if self.crossings.survives_first_failure || self.has(Fault::FirstFailureSurvived) => {
                self.configuration.schedule_delay
            }
            _ => return Err(Crash),
        };
        self.next = Some(ended.saturating_add(delay)).filter(|_| !self.has(Fault::NotRetried));
        self.last = Some(ended);
        self.has_failed = true;
        if self.has(Fault::FailureResetsCounts) {
            (self.is_triggered, self.deletions, self.mutations) = (false, 0, 0);
        }
        Ok(())
    }

    fn retry(&self) -> Duration {
        if self.has(Fault::RetriedEarly) { Duration::ZERO } else { RETRY }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

/// As Go's `float64(d)`.
fn nanoseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// As Go's `time.Duration(f)`, which cuts off what is less than a nanosecond.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is cut off, and never negative"
)]
fn truncated(nanoseconds: f64) -> Duration {
    Duration::from_nanos(nanoseconds as u64)
}

fn times(duration: Duration, times: u128) -> Duration {
    let nanoseconds = duration.as_nanos().saturating_mul(times);
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, u32::try_from(nanoseconds % 1_000_000_000).expect("a remainder below 10^9"))
}

#[cfg(test)]
mod tests;
