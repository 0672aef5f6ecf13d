//! The oracle's own reading of Go's times and durations.
//!
//! Three forms occur in a database: RFC 3339 in labels (`gc.expire`, `gc.cond.value-usedat`), Go's binary form in
//! an ingest's `expireat`, and Go durations in conditions. Each is read exactly as the daemons read it, which no
//! general library does: `2024-01-01T0:00:00,5+24:60` is a time, `2024-01-01t00:00:00z` is none.
//!
//! Nothing here is shared with the engine, which has codecs of its own.

use crate::go::Go;
use crate::instant::Instant;

const NANOSECONDS: i64 = 1_000_000_000;

/// For how long something holds: from `since` on, and before `until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first instant; none if it always did.
    pub since: Option<Instant>,
    /// The first instant at which it does not any more; none if it always will.
    pub until: Option<Instant>,
}

impl Span {
    /// Whether it holds at an instant.
    pub fn has(self, at: Instant) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Reads an RFC 3339 time as `time.Parse(time.RFC3339, text)` of a Go does. None: that Go refuses it.
pub fn rfc3339(go: Go, text: &[u8]) -> Option<Instant> {
    let mut text = Text(text);
    let year = text.digits(4)?;
    text.literal(b'-')?;
    let month = text.digits(2)?;
    text.literal(b'-')?;
    let day = text.digits(2)?;
    text.literal(b'T')?;
    // The hour alone may have one digit.
    let hour = text.digits(2).or_else(|| text.digits(1))?;
    text.literal(b':')?;
    let minute = text.digits(2)?;
    text.literal(b':')?;
    // Up to 1.19 a fraction excuses seconds that are missing.
    let second = match text.0 {
        [b'.' | b',', b'0'..=b'9', ..] if go == Go::UpTo1_19 => 0,
        _ => text.digits(2)?,
    };
    let nanoseconds = text.fraction();
    let offset_minutes = text.offset(go)?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range || !text.0.is_empty() {
        return None;
    }
    let days = days_before_year(year) + days_before_month(year, month) + day - 1;
    let minutes = (days * 24 + hour) * 60 + minute - offset_minutes;
    Some(Instant { seconds: minutes * 60 + second, nanoseconds })
}

/// What is left of a text that is read from the left.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    /// Takes exactly so many digits, or nothing.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == byte).then_some(())
    }

    /// A point or a comma and at least one digit, of which nine count; what is none is left for the zone to refuse.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', rest @ ..] = self.0 else { return 0 };
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        self.0 = &rest[count..];
        let digits = rest[..count].iter().map(|digit| u32::from(digit - b'0'));
        digits.chain(std::iter::repeat(0)).take(9).fold(0, |number, digit| number * 10 + digit)
    }

    /// `Z`, or a sign with hours up to 24 and minutes up to 60; up to Go 1.19 with any, which may have signs themselves.
    fn offset(&mut self, go: Go) -> Option<i64> {
        let (sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let sign = match sign {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.part_of_offset(go)?;
        self.literal(b':')?;
        let minutes = self.part_of_offset(go)?;
        let in_range = go == Go::UpTo1_19 || hours <= 24 && minutes <= 60;
        in_range.then_some(sign * (hours * 60 + minutes))
    }

    fn part_of_offset(&mut self, go: Go) -> Option<i64> {
        let sign = match self.0.first() {
            Some(b'+') if go == Go::UpTo1_19 => 1,
            Some(b'-') if go == Go::UpTo1_19 => -1,
            _ => return self.digits(2),
        };
        self.0 = &self.0[1..];
        Some(sign * self.digits(1)?)
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_month(year: i64, month: i64) -> i64 {
    (1..month).map(|month| days_in_month(year, month)).sum()
}

/// Days from the first day of the year 1 to the first day of a year from 0 on.
fn days_before_year(year: i64) -> i64 {
    // Year 0 is a leap year before the first.
    if year == 0 {
        return -366;
    }
    let before = year - 1;
    before * 365 + before / 4 - before / 100 + before / 400
}

/// Why bytes are no binary time of Go's. The texts are Go's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
pub enum UndecodableTime {
    /// There are no bytes.
    #[error("Time.UnmarshalBinary: no data")]
    NoData,
    /// The first byte is neither 1 nor 2.
    #[error("Time.UnmarshalBinary: unsupported version")]
    UnsupportedVersion,
    /// Version 1 has 15 bytes, version 2 has 16.
    #[error("Time.UnmarshalBinary: invalid length")]
    InvalidLength,
}

/// 2157-03-16T12:56:30Z, which is 2^33 - 2 seconds behind the beginning of 1885.
const YEAR_2157: i64 = 68_043_243_390;

/// Reads Go's binary time: version, seconds since year 1, nanoseconds, an offset that does not move the instant.
pub fn binary(bytes: &[u8]) -> Result<Instant, UndecodableTime> {
    let length = match bytes.first() {
        None => return Err(UndecodableTime::NoData),
        Some(1) => 15,
        Some(2) => 16,
        Some(_) => return Err(UndecodableTime::UnsupportedVersion),
    };
    if bytes.len() != length {
        return Err(UndecodableTime::InvalidLength);
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    // Thirty bits of nanoseconds count, even those of 10^9 and above.
    let nanoseconds = u32::try_from(number(9..13) & 0x3FFF_FFFF).expect("thirty bits fit into 32");
    // With the highest bit Go has a time with a monotonic clock before it, whose seconds stand elsewhere: all bits but the lowest
    // of 33 are set there, and that is the one above the nanoseconds.
    let seconds = match (bytes[9] >> 7, bytes[9] >> 6 & 1) {
        (0, _) => number(1..9).cast_signed(),
        (_, 0) => YEAR_2157,
        (_, _) => YEAR_2157 + 1,
    };
    Ok(Instant { seconds, nanoseconds })
}

/// Whether two instants are the same, or one nanosecond apart.
pub(super) fn is_within_a_tick(at: Instant, now: Instant) -> bool {
    at.seconds.abs_diff(now.seconds) <= 1 && elapsed(at, now).unsigned_abs() <= 1
}

/// Nanoseconds from one instant to another, held to the range of i64 as Go's `Time.Sub` is.
pub fn elapsed(since: Instant, now: Instant) -> i64 {
    let seconds = i128::from(now.seconds) - i128::from(since.seconds);
    let nanoseconds = i128::from(now.nanoseconds) - i128::from(since.nanoseconds);
    let elapsed = seconds * i128::from(NANOSECONDS) + nanoseconds;
    i64::try_from(elapsed).unwrap_or(if elapsed < 0 { i64::MIN } else { i64::MAX })
}

/// Reads a duration in nanoseconds as Go's `time.ParseDuration` does: `90m`, `1h30m`, `-.5s`, `0`; no days.
pub fn duration(text: &[u8]) -> Option<i64> {
    let (is_negative, mut text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if text == b"0" {
        return Some(0);
    }
    if text.is_empty() {
        return None;
    }
    // The magnitude may reach 2^63, which only a negative duration can keep.
    const MAGNITUDE_MAX: u64 = 1 << 63;
    let mut total = 0u64;
    while !text.is_empty() {
        let (part, rest) = duration_part(text)?;
        total = total.checked_add(part).filter(|total| *total <= MAGNITUDE_MAX)?;
        text = rest;
    }
    match is_negative {
        true => Some(0i64.wrapping_sub_unsigned(total)),
        false => i64::try_from(total).ok(),
    }
}

/// One number with its unit, and what follows.
fn duration_part(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, mut rest) = text.split_at(digits(text));
    let mut fraction: &[u8] = b"";
    if let [b'.', after @ ..] = rest {
        (fraction, rest) = after.split_at(digits(after));
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_bytes = rest.iter().take_while(|byte| **byte != b'.' && !byte.is_ascii_digit()).count();
    let (unit, rest) = rest.split_at(unit_bytes);
    let unit = unit_nanoseconds(unit)?;
    let whole = whole.iter().try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|number| *number <= 1 << 63)
    })?;
    let whole = whole.checked_mul(unit).filter(|number| *number <= 1 << 63)?;
    let part = whole.checked_add(fraction_nanoseconds(fraction, unit))?;
    (part <= 1 << 63).then_some((part, rest))
}

fn unit_nanoseconds(unit: &[u8]) -> Option<u64> {
    Some(match unit {
        b"ns" => 1,
        // With a plain u, the micro sign U+00B5 or the Greek letter U+03BC.
        b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// The digits after the point in a unit. Go computes this part in floating point, so it is done so here.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rounding is part of the rule, and the product is below the unit"
)]
fn fraction_nanoseconds(fraction: &[u8], unit: u64) -> u64 {
    let (mut number, mut scale) = (0u64, 1f64);
    for digit in fraction {
        // From the first digit that 63 bits cannot hold on, all are dropped.
        let more = number.checked_mul(10).and_then(|more| more.checked_add(u64::from(digit - b'0')));
        match more.filter(|more| number <= i64::MAX.unsigned_abs() / 10 && *more <= 1 << 63) {
            Some(more) => (number, scale) = (more, scale * 10.0),
            None => break,
        }
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_2024: i64 = 63_839_664_000;

    #[test]
    fn rfc3339_reads_what_go_reads() {
        for (text, seconds, nanoseconds) in [
            ("0001-01-01T00:00:00Z", 0, 0),
            ("0000-01-01T00:00:00Z", -366 * 86_400, 0),
            ("0000-02-29T00:00:00Z", -307 * 86_400, 0),
            ("0002-01-01T00:00:00Z", 365 * 86_400, 0),
            ("1970-01-01T00:00:00Z", crate::instant::UNIX_EPOCH_SECONDS, 0),
            ("2024-01-01T00:00:00Z", YEAR_2024, 0),
            ("2000-02-29T00:00:00Z", 63_087_379_200, 0),
            ("9999-12-31T23:59:59.999999999Z", 315_537_897_599, 999_999_999),
            ("2024-01-01T00:00:00.5Z", YEAR_2024, 500_000_000),
            ("2024-01-01T00:00:00,123456789Z", YEAR_2024, 123_456_789),
            ("2024-01-01T00:00:00.1234567899999Z", YEAR_2024, 123_456_789),
            ("2024-01-01T00:00:00.000000000999999999999999999999Z", YEAR_2024, 0),
            ("2024-01-01T0:00:00Z", YEAR_2024, 0),
            ("2024-01-01T23:00:00Z", YEAR_2024 + 82_800, 0),
            ("2024-01-01T02:00:00+02:00", YEAR_2024, 0),
            ("2023-12-31T16:30:00-07:30", YEAR_2024, 0),
            ("2024-01-01T00:00:00-00:00", YEAR_2024, 0),
            ("2024-01-01T00:00:00+24:00", YEAR_2024 - 86_400, 0),
            ("2024-01-01T00:00:00+24:60", YEAR_2024 - 86_400 - 3_600, 0),
            ("2024-01-01T00:00:00.25+00:60", YEAR_2024 - 3_600, 250_000_000),
        ] {
            assert_eq!(
                rfc3339(Go::default(), text.as_bytes()),
                Some(Instant { seconds, nanoseconds }),
                "{text}"
            );
        }
    }

    #[test]
    fn rfc3339_refuses_what_go_refuses() {
        for text in [
            "",
            "never",
            "2024-01-01t00:00:00Z",
            "2024-01-01T00:00:00z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:60:00Z",
            "2024-1-01T00:00:00Z",
            "2024-01-1T00:00:00Z",
            "2024-01-01T00:0:00Z",
            "2024-01-01T00:00:0Z",
            "2024-01-01T00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+0000",
            "2024-01-01T00:00:00+00",
            "2024-01-01T00:00:00+25:00",
            "2024-01-01T00:00:00+00:61",
            "2024-01-01T00:00:00Z ",
            " 2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00Z\n",
            "2024-01-01T00:00:00Z+00:00",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01T00:00.5:00Z",
            "2024-00-01T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-32T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "999-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "+2024-01-01T00:00:00Z",
            "2024/01/01T00:00:00Z",
            "2024-001T00:00:00Z",
            "2024-01-01T :00:00Z",
            "Mon, 02 Jan 2006 15:04:05 MST",
            "2024-01-01T00:00:00\u{2212}07:00",
            "２024-01-01T00:00:00Z",
        ] {
            assert_eq!(rfc3339(Go::default(), text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn binary_times_follow_version_length_and_mask() {
        let time = |version: u8, seconds: i64, nanoseconds: u32, tail: &[u8]| {
            [&[version][..], &seconds.to_be_bytes(), &nanoseconds.to_be_bytes(), tail].concat()
        };
        let at = |seconds, nanoseconds| Ok(Instant { seconds, nanoseconds });
        for (bytes, expected) in [
            (time(1, 7, 9, &[0xFF, 0xFF]), at(7, 9)),
            (time(1, i64::MIN, 0, &[0, 120]), at(i64::MIN, 0)),
            (time(1, i64::MAX, 1_000_000_001, &[0, 0]), at(i64::MAX, 1_000_000_001)),
            (time(1, 7, 0x4000_0003, &[0, 0]), at(7, 3)),
            (time(1, 7, 0x8000_0003, &[0, 60]), at(68_043_243_390, 3)),
            (time(2, 7, 0xFFFF_FFFF, &[0, 0, 30]), at(68_043_243_391, 0x3FFF_FFFF)),
            (time(2, 7, 9, &[0, 0, 30]), at(7, 9)),
            (vec![], Err(UndecodableTime::NoData)),
            (vec![1], Err(UndecodableTime::InvalidLength)),
            (vec![0], Err(UndecodableTime::UnsupportedVersion)),
            (time(3, 7, 9, &[0, 0]), Err(UndecodableTime::UnsupportedVersion)),
            (time(1, 7, 9, &[0]), Err(UndecodableTime::InvalidLength)),
            (time(1, 7, 9, &[0, 0, 0]), Err(UndecodableTime::InvalidLength)),
            (time(2, 7, 9, &[0, 0]), Err(UndecodableTime::InvalidLength)),
        ] {
            assert_eq!(binary(&bytes), expected, "{bytes:?}");
        }
        assert_eq!(UndecodableTime::NoData.to_string(), "Time.UnmarshalBinary: no data");
    }

    #[test]
    fn durations_read_what_go_reads() {
        const HOUR: i64 = 3_600_000_000_000;
        for (text, expected) in [
            ("2h", 2 * HOUR),
            ("1h1h", 2 * HOUR),
            ("120m", 2 * HOUR),
            ("1h30m", HOUR + HOUR / 2),
            ("-1h", -HOUR),
            ("+1h", HOUR),
            (".5h", HOUR / 2),
            ("1.h", HOUR),
            ("1.5h", HOUR + HOUR / 2),
            ("0", 0),
            ("-0", 0),
            ("0s", 0),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("1μs", 1_000),
            ("1.9ns", 1),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.100000000000000000000h", HOUR / 10),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("2562047h47m16.854775807s", i64::MAX),
        ] {
            assert_eq!(duration(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "",
            "+",
            "-",
            "2",
            "2d",
            "2H",
            "2h ",
            " 2h",
            "2 h",
            "h",
            ".h",
            ".",
            "=2h",
            "--1h",
            "1e3s",
            "1h2",
            "9223372036854775808ns",
            "9223372036854775809ns",
            "99999999999999999999h",
            "2562048h",
            "-9223372036854775809ns",
        ] {
            assert_eq!(duration(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn elapsed_time_stays_within_a_duration() {
        let at = |seconds, nanoseconds| Instant { seconds, nanoseconds };
        assert_eq!(elapsed(at(1, 999_999_999), at(3, 0)), 1_000_000_001);
        assert_eq!(elapsed(at(3, 0), at(1, 999_999_999)), -1_000_000_001);
        assert_eq!(elapsed(at(i64::MIN, 0), at(i64::MAX, 0)), i64::MAX);
        assert_eq!(elapsed(at(i64::MAX, 0), at(i64::MIN, 0)), i64::MIN);
    }
}
