//! How a scheduler is configured, and what releases differ in.

use crate::release::Release;
use std::time::Duration;

/// The largest pause threshold, in millionths; a larger one counts as this (`newScheduler`).
pub const PAUSE_MAX: u32 = 500_000;

/// The section of the daemon's configuration (`config` of `gc/scheduler/scheduler.go`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Configuration {
    /// How much of the time collections may take, in millionths; 0 leaves the interval at one second.
    pub pause_millionths: u32,
    /// After so many deletions a collection is asked for; with 0 after the first one where none is due; below it never.
    pub deletion_threshold: i64,
    /// After so many mutations a collection runs; never because of them with 0 or less.
    pub mutation_threshold: i64,
    /// How long after it is asked for a collection runs.
    pub schedule_delay: Duration,
    /// How long after the start the first one runs; with 0 when the first is asked for.
    pub startup_delay: Duration,
}

/// The daemon's defaults.
impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            pause_millionths: 20_000,
            deletion_threshold: 0,
            mutation_threshold: 100,
            schedule_delay: Duration::ZERO,
            startup_delay: Duration::from_millis(100),
        }
    }
}

impl Configuration {
    /// The pause threshold that counts.
    pub(super) fn pause(&self) -> f64 {
        f64::from(self.pause_millionths.min(PAUSE_MAX)) / 1e6
    }
}

/// What releases differ in.
///
/// A rule set stands for the newest release of its line, as its recordings do (1.6.39, 1.7.34, 2.0.11, 2.1.9); the default
/// release is the commit that it names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Crossings {
    /// Collections count as five milliseconds at least, so that the interval never is nothing (containerd #9795, from
    /// 1.6.32, 1.7.16 and 2.0.0-rc.1).
    pub are_averages_bounded: bool,
    /// A first collection that fails is tried again, after the schedule delay, where earlier daemons crash (containerd
    /// #12168, from 2.2).
    pub survives_first_failure: bool,
}

impl Crossings {
    /// Those of a release.
    pub fn of(release: Release) -> Crossings {
        Crossings {
            are_averages_bounded: release != Release::V1_7Beta,
            survives_first_failure: release >= Release::V2_2,
        }
    }
}
