//! The scheduler against its oracle, over drawn histories; and its mistakes, which the oracle must see.

use super::oracle::{Entry, Next, next};
use super::{Cause, Configuration, Crash, Crossings, Event, Fault, Scheduler};
use crate::release::Release;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

/// How many events a drawn history has.
const EVENTS: usize = 48;
const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// A scheduler with what happened to it.
struct Drawn {
    rng: ChaCha8Rng,
    release: Release,
    scheduler: Scheduler,
    start: Duration,
    now: Duration,
    history: Vec<Entry>,
}

fn choose<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

/// A time of any size, and often none.
fn drawn_time(rng: &mut ChaCha8Rng, longest: u32) -> Duration {
    let digits = rng.random_range(0..=longest);
    let most = 10_u64.pow(digits);
    Duration::from_nanos(if digits == 0 { 0 } else { rng.random_range(1..=most) })
}

fn drawn_configuration(rng: &mut ChaCha8Rng) -> Configuration {
    let default = Configuration::default();
    if rng.random_ratio(1, 4) {
        return default;
    }
    Configuration {
        pause_millionths: choose(rng, &[0, 1_000, 20_000, 20_000, 333_333, 500_000, 900_000]),
        deletion_threshold: choose(rng, &[-1, 0, 0, 1, 2, 5]),
        mutation_threshold: choose(rng, &[-1, 0, 1, 3, 8]),
        schedule_delay: choose(rng, &[Duration::ZERO, MILLISECOND, 700 * MILLISECOND, 5_000 * MILLISECOND]),
        startup_delay: choose(rng, &[Duration::ZERO, 100 * MILLISECOND, 3_000 * MILLISECOND]),
    }
}

impl Drawn {
    fn new(mut rng: ChaCha8Rng, fault: Option<Fault>) -> Drawn {
        let release = choose(&mut rng, &Release::ALL);
        let configuration = drawn_configuration(&mut rng);
        let start = drawn_time(&mut rng, 9);
        let mut scheduler = Scheduler::start(configuration, release, start);
        if let Some(fault) = fault {
            scheduler = scheduler.with_fault(fault);
        }
        Drawn { rng, release, scheduler, start, now: start, history: Vec::new() }
    }

    fn next(&self) -> Next {
        next(self.scheduler.configuration(), Crossings::of(self.release), self.start, &self.history)
    }

    /// How long after the last event the next one comes: any time, or just about one at which something changes.
    fn then(&mut self) -> Duration {
        let ended = self.history.iter().rev().find_map(|entry| match entry {
            Entry::Collection { ended, .. } => Some(*ended),
            Entry::Event(..) => None,
        });
        let near = [self.scheduler.next(), ended][self.rng.random_range(0..2)];
        if let (Some(near), true) = (near, self.rng.random_ratio(1, 4)) {
            let about = [near, near + Duration::from_nanos(1), near.saturating_sub(Duration::from_nanos(1))];
            return choose(&mut self.rng, &about).max(self.now);
        }
        self.now + drawn_time(&mut self.rng, 14)
    }

    /// Lets the time go on; what differs.
    fn advance(&mut self, until: Duration) -> Option<String> {
        loop {
            let expected = self.next();
            let Some(run) = self.scheduler.wake(until) else {
                self.now = until;
                return expected.must_have_run(until).then(|| format!("none by {until:?}, but {expected:?}"));
            };
            if !expected.may_run(run.at) {
                return Some(format!("one at {:?}, but {expected:?}", run.at));
            }
            let took = drawn_time(&mut self.rng, 10);
            let ended = run.at + took + drawn_time(&mut self.rng, 10);
            let has_failed = self.rng.random_ratio(1, 5);
            let took = (!has_failed).then_some(took);
            self.history.push(Entry::Collection { began: run.at, ended, took });
            let crashed = match took {
                Some(took) => {
                    self.scheduler.succeeded(ended, took);
                    false
                }
                None => self.scheduler.failed(ended) == Err(Crash),
            };
            if crashed != (self.next() == Next::Crashed) {
                return Some(format!("a crash: {crashed}, but {:?}", self.next()));
            }
            if crashed {
                self.now = self.now.max(ended);
                self.restart();
            }
            if self.now >= until {
                return None;
            }
        }
    }

    fn restart(&mut self) {
        self.scheduler = self.scheduler.restarted(self.release, self.now);
        (self.start, self.history) = (self.now, Vec::new());
    }

    /// Goes on to the end; what differs.
    fn run(&mut self) -> Option<String> {
        for _ in 0..EVENTS {
            let until = self.then();
            if let Some(difference) = self.advance(until) {
                return Some(difference);
            }
            let event = match self.rng.random_range(0..24) {
                0 => {
                    self.restart();
                    continue;
                }
                1 => Event::Trigger,
                2..6 => Event::Mutation { is_dirty: true },
                _ => Event::Mutation { is_dirty: false },
            };
            self.history.push(Entry::Event(self.now, event));
            self.scheduler.event(self.now, event);
        }
        let until = self.now + 10 * DAY;
        self.advance(until)
    }
}

/// So many virtual days of drawn histories: how many collections ran in them.
fn days(seed: u64, days: u64) -> usize {
    let (mut rng, mut left, mut collections) =
        (ChaCha8Rng::seed_from_u64(seed), DAY * u32::try_from(days).unwrap(), 0);
    while !left.is_zero() {
        let mut drawn = Drawn::new(ChaCha8Rng::seed_from_u64(rng.random()), None);
        let difference = drawn.run();
        assert_eq!(difference, None, "{:?} {:?} {:?}", drawn.release, drawn.scheduler, drawn.history);
        left = left.saturating_sub(drawn.now);
        let is_collection = |entry: &&Entry| matches!(entry, Entry::Collection { .. });
        collections += drawn.history.iter().filter(is_collection).count();
    }
    collections
}

#[test]
fn thousands_of_days_run_as_the_oracle_says() {
    assert!(days(1, 20_000) > 1_000);
}

#[test]
#[ignore = "takes a while; .ci/nightly"]
fn a_million_days_run_as_the_oracle_says() {
    assert!(days(2, 1_000_000) > 100_000);
}

#[test]
fn every_mistake_is_found_by_every_seed() {
    for fault in Fault::ALL {
        let mut worst = Duration::ZERO;
        for seed in 1..=5 {
            let begun = Instant::now();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let found = (0..20_000)
                .find(|_| Drawn::new(ChaCha8Rng::seed_from_u64(rng.random()), Some(*fault)).run().is_some());
            assert!(found.is_some(), "{fault} is not found by seed {seed}");
            worst = worst.max(begun.elapsed());
        }
        println!("{fault:24} found within {worst:?}");
        assert!(worst < Duration::from_secs(10), "{fault} is found after {worst:?}");
    }
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The runs until then, of collections that take so long.
fn runs(scheduler: &mut Scheduler, until: Duration, took: Duration) -> Vec<(Duration, Cause)> {
    let mut runs = Vec::new();
    while let Some(run) = scheduler.wake(until) {
        scheduler.succeeded(run.at + took, took);
        runs.push((run.at, run.cause));
    }
    runs
}

#[test]
fn an_idle_daemon_collects_once_and_looks_four_times_a_second() {
    let mut scheduler = Scheduler::start(Configuration::default(), Release::V2_2, at(0));
    assert_eq!(runs(&mut scheduler, DAY, MILLISECOND), [(at(100), Cause::Start)]);
    assert_eq!(scheduler.interval(), at(245));
    scheduler.event(DAY, Event::Mutation { is_dirty: true });
    let [(ran, cause)] = runs(&mut scheduler, 2 * DAY, MILLISECOND)[..] else { panic!("one collection") };
    assert_eq!(cause, Cause::Deletions);
    assert!(ran >= DAY && ran <= DAY + at(245), "{ran:?}");
}

#[test]
fn an_interval_of_nothing_is_a_busy_loop_that_ends_with_the_next_deletion() {
    let mut scheduler = Scheduler::start(Configuration::default(), Release::V1_7Beta, at(0));
    assert_eq!(runs(&mut scheduler, DAY, Duration::ZERO).len(), 1);
    assert_eq!((scheduler.interval(), scheduler.next()), (Duration::ZERO, Some(DAY)));
    scheduler.event(DAY, Event::Mutation { is_dirty: true });
    assert_eq!(runs(&mut scheduler, DAY, MILLISECOND), [(DAY, Cause::Deletions)]);
}

#[test]
fn a_first_collection_that_fails_crashes_up_to_2_1() {
    for release in Release::ALL {
        let mut scheduler = Scheduler::start(Configuration::default(), release, at(0));
        let run = scheduler.wake(DAY).unwrap();
        assert_eq!(scheduler.failed(run.at).is_err(), release < Release::V2_2, "{release}");
    }
}
