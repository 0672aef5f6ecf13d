//! A point in time as a plain number, shared by everything that carries a `now`.
//!
//! No clock is read here and no text is parsed: engine and oracle each have their own reading of times.

use std::time::Duration;

/// Seconds since 0001-01-01T00:00:00Z, Go's zero time, and nanoseconds. Ordered as the pair is.
///
/// Nanoseconds normally lie below 10^9; Go's binary form can carry up to 2^30 - 1, which compare as they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Instant {
    /// Seconds since 0001-01-01T00:00:00Z; the whole range of i64 occurs.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
}

/// The seconds from 0001-01-01T00:00:00Z to 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH_SECONDS: i64 = 62_135_596_800;

impl Instant {
    /// So much later; the clock stops at the end of time.
    #[must_use]
    pub fn plus(self, by: Duration) -> Instant {
        let nanoseconds = u64::from(self.nanoseconds) + u64::from(by.subsec_nanos());
        let seconds = by.as_secs().saturating_add(nanoseconds / 1_000_000_000);
        let seconds = self.seconds.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
        let nanoseconds = u32::try_from(nanoseconds % 1_000_000_000).expect("a remainder below 10^9");
        Instant { seconds, nanoseconds }
    }
    /// So many nanoseconds later, or earlier where they are negative; the clock stops at both ends of time.
    #[must_use]
    pub fn shifted(self, nanoseconds: i64) -> Instant {
        let by = Duration::from_nanos(nanoseconds.unsigned_abs());
        if nanoseconds >= 0 {
            return self.plus(by);
        }
        let borrowed = self.nanoseconds < by.subsec_nanos();
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX).saturating_add(i64::from(borrowed));
        let nanoseconds = self.nanoseconds + if borrowed { 1_000_000_000 } else { 0 } - by.subsec_nanos();
        Instant { seconds: self.seconds.saturating_sub(seconds), nanoseconds }
    }
}
