//! When a collection must have run, said from what happened alone.
//!
//! Nothing is kept here from one event to the next: for a history of events and collections it is asked when the next
//! collection must run, and none may run at any other moment.
//!
//! ```text
//!     needed  the first moment at which there is something to do: a trigger, a deletion, enough mutations
//!     asked   the first moment that does not wait for the timer
//!     tick    the timer: at first the startup delay; after a success every interval; after a failure the retry first
//!
//!     the next collection runs at whichever comes first: asked + delay, or the first tick after needed
//! ```
//!
//! At one moment the timer comes before what happens; containerd takes either first.
//!
//! Intervals are reckoned exactly, as fractions; the daemon reckons in floating point and may be a nanosecond off.

use super::{Configuration, Crossings, Event};
use std::time::Duration;

/// Something that happened since the daemon started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// The scheduler was told something.
    Event(Duration, Event),
    /// A collection ran.
    Collection {
        /// When it began.
        began: Duration,
        /// When its clean-ups had ended.
        ended: Duration,
        /// How long it had the metadata locked; none if it failed.
        took: Option<Duration>,
    },
}

/// What must come next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// No collection, unless something happens.
    Never,
    /// A collection at one of these moments, as the interval may be rounded.
    At(Vec<Duration>),
    /// None any more: the daemon has crashed.
    Crashed,
}

impl Next {
    /// Whether a collection may run at this moment.
    pub fn may_run(&self, at: Duration) -> bool {
        matches!(self, Next::At(moments) if moments.contains(&at))
    }

    /// Whether one must have run by this moment.
    pub fn must_have_run(&self, by: Duration) -> bool {
        matches!(self, Next::At(moments) if moments.iter().all(|moment| *moment <= by))
    }
}

/// What must come after a daemon started at some moment and all this happened, in its order.
pub fn next(configuration: &Configuration, crossings: Crossings, start: Duration, history: &[Entry]) -> Next {
    let is_collection = |entry: &&Entry| matches!(entry, Entry::Collection { .. });
    let last = history.iter().rfind(is_collection);
    if let (Some(Entry::Collection { took: None, .. }), 1, false) =
        (last, history.iter().filter(is_collection).count(), crossings.survives_first_failure)
    {
        return Next::Crashed;
    }
    let (counted, known) = counted(history);
    let mutations = configuration.mutation_threshold;
    let is_needed = |counts: &Counts| {
        counts.is_triggered || counts.deletions > 0 || is_reached(mutations, counts.mutations)
    };
    let needed = first(&counted, 0, is_needed);
    let was_needed = first(&counted[..known], 0, is_needed).is_some();
    let has_timer = last.is_some() || !configuration.startup_delay.is_zero();
    let asked = first(&counted, known, |counts| {
        let is_eager = configuration.deletion_threshold == 0 && counts.deletions > 0
            || is_reached(mutations, counts.mutations);
        counts.is_triggered
            || is_reached(configuration.deletion_threshold, counts.deletions)
            || !has_timer && is_eager
    });
    let asked = asked.map(|asked| asked + configuration.schedule_delay);
    let ticks: Vec<Option<Duration>> = match last {
        None => vec![has_timer.then(|| start + configuration.startup_delay)],
        Some(Entry::Collection { ended, took, .. }) => intervals(configuration, crossings, history)
            .into_iter()
            .map(|interval| {
                let first = match took {
                    Some(_) => *ended + interval,
                    None => *ended + retry(configuration, history),
                };
                needed.map(|needed| if was_needed { first } else { first_tick(first, interval, needed) })
            })
            .collect(),
        Some(Entry::Event(..)) => unreachable!("it is a collection"),
    };
    let mut moments: Vec<Duration> =
        ticks.into_iter().filter_map(|tick| [tick, asked].into_iter().flatten().min()).collect();
    moments.dedup();
    if moments.is_empty() { Next::Never } else { Next::At(moments) }
}

/// The events that count, and how many of them came before the last collection, which failed then: those since the last
/// success, less those that lie before the end of a collection that came before them.
fn counted(history: &[Entry]) -> (Vec<(Duration, Event)>, usize) {
    let (mut counted, mut known) = (Vec::new(), 0);
    let mut deaf_until = Duration::ZERO;
    for entry in history {
        match entry {
            Entry::Event(at, event) if *at >= deaf_until => counted.push((*at, *event)),
            Entry::Event(..) => {}
            Entry::Collection { ended, took, .. } => {
                deaf_until = *ended;
                if took.is_some() {
                    counted.clear();
                }
                known = counted.len();
            }
        }
    }
    (counted, known)
}

/// What was counted.
#[derive(Default)]
struct Counts {
    is_triggered: bool,
    deletions: i64,
    mutations: i64,
}

/// When an event first left counts of which something is true; those that were known before only count.
fn first(counted: &[(Duration, Event)], known: usize, is_true: impl Fn(&Counts) -> bool) -> Option<Duration> {
    let mut counts = Counts::default();
    for (place, (at, event)) in counted.iter().enumerate() {
        match event {
            Event::Trigger => counts.is_triggered = true,
            Event::Mutation { is_dirty } => {
                counts.mutations += 1;
                counts.deletions += i64::from(*is_dirty);
            }
        }
        if place >= known && is_true(&counts) {
            return Some(*at);
        }
    }
    None
}

fn is_reached(threshold: i64, count: i64) -> bool {
    threshold > 0 && count >= threshold
}

/// How long after a failure the next attempt comes: as long as the failed one came after the end of the one before, and a
/// second.
fn retry(configuration: &Configuration, history: &[Entry]) -> Duration {
    let mut collections = history.iter().rev().filter_map(|entry| match entry {
        Entry::Collection { began, ended, .. } => Some((*began, *ended)),
        Entry::Event(..) => None,
    });
    match (collections.next(), collections.next()) {
        (Some((began, _)), Some((_, ended))) => began - ended + Duration::from_secs(1),
        _ => configuration.schedule_delay,
    }
}

/// The first of the moments `first`, `first + interval`, ... that comes after another; without an interval that moment.
fn first_tick(first: Duration, interval: Duration, after: Duration) -> Duration {
    let Some(more) = after.checked_sub(first) else { return first };
    if interval.is_zero() {
        return after;
    }
    let nanoseconds = (more.as_nanos() / interval.as_nanos() + 1) * interval.as_nanos();
    first + Duration::from_nanos(u64::try_from(nanoseconds).expect("less than five centuries"))
}

/// What the interval may be: collections take the threshold's part of the time, with them
/// `average / (average + interval) = threshold`.
fn intervals(configuration: &Configuration, crossings: Crossings, history: &[Entry]) -> Vec<Duration> {
    let times: Vec<u128> = history
        .iter()
        .filter_map(|entry| match entry {
            Entry::Collection { took, .. } => took.map(|took| took.as_nanos()),
            Entry::Event(..) => None,
        })
        .collect();
    let threshold = u128::from(configuration.pause_millionths.min(500_000));
    let Some(count) = u128::try_from(times.len()).ok().filter(|count| *count > 0 && threshold > 0) else {
        return vec![Duration::from_secs(1)];
    };
    let least = if crossings.are_averages_bounded { 5_000_000 * count } else { 0 };
    let sum = times.iter().sum::<u128>().max(least);
    let exact = sum * (1_000_000 - threshold) / (count * threshold);
    let exact = u64::try_from(exact).expect("less than five centuries");
    [exact.checked_sub(1), Some(exact), Some(exact + 1)]
        .into_iter()
        .flatten()
        .map(Duration::from_nanos)
        .collect()
}
