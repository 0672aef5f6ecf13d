//! When something goes, as people read it.
//!
//! ```text
//!   a lease's expiry of 12:00:00            it goes one nanosecond later      after 12:00:00
//!   an ingest's, and a condition's end      it goes at that very instant      at 12:00:00
//! ```
//!
//! What is kept has a first instant at which a collection removes it. The rounder of that one and the last before it is
//! said, each by its own word, so that nobody reads a second that was never written.

use crate::instant::Instant;
use crate::schema::time;
use crate::text;

/// The end of what a collection removes from an instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    instant: Instant,
    /// It is the last instant at which it is kept.
    is_last: bool,
}

impl End {
    /// `gone`: the first instant at which it goes.
    pub(super) fn of(gone: Instant) -> End {
        let last = gone.shifted(-1);
        let digits = |instant: Instant| time::format_rfc3339_nano(instant).len();
        let is_last = digits(last) < digits(gone);
        End { instant: if is_last { last } else { gone }, is_last }
    }

    /// `after` the last instant, or `at` the first.
    pub(super) fn word(self) -> &'static str {
        if self.is_last { "after" } else { "at" }
    }

    /// The instant to the nanosecond.
    pub(super) fn exact(self) -> String {
        time::format_rfc3339_nano(self.instant)
    }

    /// Its second; where that has begun, to the nanosecond, so that nothing seems to have passed that is to come.
    pub(super) fn near(self, now: Instant) -> String {
        if self.instant.seconds <= now.seconds { self.exact() } else { time::format_rfc3339(self.instant) }
    }

    /// How far away it is.
    pub(super) fn away(self, now: Instant) -> String {
        text::away(now, self.instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounder_of_two_instants_is_said_by_its_own_word() {
        let at = |nanoseconds| Instant { seconds: 63_902_822_400, nanoseconds };
        for (gone, word, exact, near) in [
            (at(0), "at", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            (at(1), "after", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            (at(400_000_001), "after", "2026-01-01T00:00:00.4Z", "2026-01-01T00:00:00Z"),
            (at(123_456_789), "at", "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00Z"),
        ] {
            let end = End::of(gone);
            assert_eq!((end.word(), &*end.exact()), (word, exact));
            let [long_before, within] = [at(0).shifted(-1), at(0)].map(|now| end.near(now));
            assert_eq!([&*long_before, &*within], [near, exact]);
        }
    }
}
