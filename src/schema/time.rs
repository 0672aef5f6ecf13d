//! Go's times: RFC 3339 as `time.Parse` accepts it, and the binary form that containerd stores.
//!
//! No general library accepts exactly Go's set of RFC 3339 texts (a one-digit hour and an offset of 24:60 pass,
//! a lower-case `t` does not), and whether a lease still lives depends on it, so this reader is ours. Its errors
//! carry Go's own texts, because containerd logs them.

use crate::go::Go;
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use std::fmt::Write as _;

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
const DAY_SECONDS: i64 = 86_400;

/// Why Go's `time.Parse(time.RFC3339, text)` refuses a text; displays as Go's `ParseError`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("parsing time {}{}", quoted(text), self.reason())]
pub struct ParseError {
    text: Vec<u8>,
    /// What was left of the text where it failed.
    rest: Vec<u8>,
    failure: Failure,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failure {
    /// The rest does not match this element of the layout.
    Mismatch(&'static str),
    /// A number is out of range.
    OutOfRange(&'static str),
    ExtraText,
}

impl ParseError {
    /// The element that is a number and out of its range: a `month`, a `day`.
    pub fn out_of_range(&self) -> Option<&'static str> {
        match self.failure {
            Failure::OutOfRange(what) => Some(what),
            Failure::Mismatch(_) | Failure::ExtraText => None,
        }
    }

    fn reason(&self) -> String {
        match self.failure {
            Failure::Mismatch(element) => {
                let (rest, layout) = (quoted(&self.rest), quoted(LAYOUT.as_bytes()));
                format!(" as {layout}: cannot parse {rest} as {}", quoted(element.as_bytes()))
            }
            Failure::OutOfRange(what) => format!(": {what} out of range"),
            Failure::ExtraText => format!(": extra text: {}", quoted(&self.rest)),
        }
    }
}

/// Go's quoting inside time errors: quotes, backslashes and whatever is not plain ASCII are escaped.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b' '..=b'~' | 0x7F => text.push(char::from(byte)),
            _ => write!(text, "\\x{byte:02x}").expect("a String takes any text"),
        }
    }
    text.push('"');
    text
}

/// An instant as `time.Parse(time.RFC3339, text)` reads it, of Go from 1.20 on.
///
/// Accepted beyond the standard: a comma for the fraction's point, digits after the ninth (dropped), an hour of
/// one digit, offsets up to 24:60. Refused: lower-case letters, a space for the `T`, second 60, hour 24.
///
/// # Errors
/// Go refuses the text; the error displays as Go's.
pub fn parse_rfc3339(text: &[u8]) -> Result<Instant, ParseError> {
    parse_rfc3339_of(Go::From1_20, text)
}

/// The same of some Go. Up to 1.19 a fraction in place of the seconds is accepted too, and so are offsets of any size and
/// with signs of their own.
///
/// # Errors
/// That Go refuses the text; the error displays as its own.
pub fn parse_rfc3339_of(go: Go, text: &[u8]) -> Result<Instant, ParseError> {
    let mut reader = Reader { go, rest: text };
    reader.instant().map_err(|failure| ParseError {
        text: text.to_vec(),
        rest: reader.rest.to_vec(),
        failure,
    })
}

/// Whether a text is a time to Go up to 1.19 and to no later one.
pub fn only_earlier_go_reads(text: &[u8]) -> bool {
    parse_rfc3339(text).is_err() && parse_rfc3339_of(Go::UpTo1_19, text).is_ok()
}

/// Reads element by element; where one fails, `rest` still begins with it, or up to Go 1.19 what is left behind it.
struct Reader<'a> {
    go: Go,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn instant(&mut self) -> Result<Instant, Failure> {
        let year = self.year()?;
        self.literal(b'-', "-")?;
        let month = self.number::<2>("01")?;
        self.in_range((1..=12).contains(&month), "month")?;
        self.literal(b'-', "-")?;
        let day = self.number::<2>("02")?;
        self.literal(b'T', "T")?;
        let hour = self.hour()?;
        self.literal(b':', ":")?;
        let minute = self.number::<2>("04")?;
        self.in_range(minute < 60, "minute")?;
        self.literal(b':', ":")?;
        let second = self.second()?;
        self.in_range(second < 60, "second")?;
        let nanoseconds = self.fraction();
        let offset = self.offset()?;
        if !self.rest.is_empty() {
            return Err(Failure::ExtraText);
        }
        if day < 1 || day > days_in(month, year) {
            return Err(Failure::OutOfRange("day"));
        }
        let days = days_since_year_one(year, month, day);
        let seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
        Ok(Instant { seconds, nanoseconds })
    }

    fn literal(&mut self, expected: u8, element: &'static str) -> Result<(), Failure> {
        match self.rest.split_first() {
            Some((first, rest)) if *first == expected => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Failure::Mismatch(element)),
        }
    }

    /// A number of exactly so many digits.
    fn number<const DIGITS: usize>(&mut self, element: &'static str) -> Result<i64, Failure> {
        let (digits, rest) = self.rest.split_first_chunk::<DIGITS>().ok_or(Failure::Mismatch(element))?;
        let number = decimal(digits).ok_or(Failure::Mismatch(element))?;
        self.rest = rest;
        Ok(number)
    }

    fn year(&mut self) -> Result<i64, Failure> {
        const ELEMENT: &str = "2006";
        let year = self.number::<4>(ELEMENT);
        if let (Err(_), Go::UpTo1_19, [b'0'..=b'9', _, _, _, rest @ ..]) = (&year, self.go, self.rest) {
            self.rest = rest;
        }
        year
    }

    /// Up to Go 1.19 the error that there are no seconds is forgotten over a fraction (`stdZeroSecond` in `parse`).
    fn second(&mut self) -> Result<i64, Failure> {
        let is_forgotten = matches!(self.rest, [b'.' | b',', b'0'..=b'9', ..]) && self.go == Go::UpTo1_19;
        if is_forgotten { Ok(0) } else { self.number::<2>("05") }
    }

    /// Go's layout element 15 takes one digit or two.
    fn hour(&mut self) -> Result<i64, Failure> {
        let one_digit = !self.rest.get(1).is_some_and(u8::is_ascii_digit);
        let hour = if one_digit { self.number::<1>("15")? } else { self.number::<2>("15")? };
        self.in_range(hour < 24, "hour")?;
        Ok(hour)
    }

    fn in_range(&self, holds: bool, what: &'static str) -> Result<(), Failure> {
        if holds { Ok(()) } else { Err(Failure::OutOfRange(what)) }
    }

    /// A fraction is optional, though the layout has none; a point without a digit is left for the offset to
    /// stumble over, as in Go.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', digits @ ..] = self.rest else { return 0 };
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return 0;
        }
        let (digits, rest) = digits.split_at(length);
        self.rest = rest;
        let kept = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
        kept.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    /// `Z`, or a sign, two digits, a colon, two digits. Go lets 24 hours and 60 minutes pass.
    fn offset(&mut self) -> Result<i64, Failure> {
        const ELEMENT: &str = "Z07:00";
        if let [b'Z', rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(0);
        }
        let [sign, h1, h2, b':', m1, m2, rest @ ..] = self.rest else {
            return Err(Failure::Mismatch(ELEMENT));
        };
        let number = match self.go {
            Go::UpTo1_19 => signed,
            Go::From1_20 => decimal,
        };
        if self.go == Go::UpTo1_19 {
            self.rest = rest;
        }
        let hours = number(&[*h1, *h2]).ok_or(Failure::Mismatch(ELEMENT))?;
        let minutes = number(&[*m1, *m2]).ok_or(Failure::Mismatch(ELEMENT))?;
        let is_any = self.go == Go::UpTo1_19;
        self.in_range(is_any || hours <= 24, "time zone offset hour")?;
        self.in_range(is_any || minutes <= 60, "time zone offset minute")?;
        let seconds = (hours * 60 + minutes) * 60;
        let offset = match sign {
            b'+' => seconds,
            b'-' => -seconds,
            _ => return Err(Failure::Mismatch(ELEMENT)),
        };
        self.rest = rest;
        Ok(offset)
    }
}

/// As Go's `atoi` reads a number, which may have a sign.
fn signed(text: &[u8]) -> Option<i64> {
    match text {
        [b'+', digits @ ..] => decimal(digits),
        [b'-', digits @ ..] => decimal(digits).map(|number| -number),
        digits => decimal(digits),
    }
}

fn decimal(digits: &[u8]) -> Option<i64> {
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 0001-01-01 in the proleptic Gregorian calendar; years count from March here, so that the leap day
/// is the last of its year.
fn days_since_year_one(year: i64, month: i64, day: i64) -> i64 {
    let years = if month <= 2 { year - 1 } else { year };
    let months_from_march = (month + 9) % 12;
    let days_before_month = (153 * months_from_march + 2) / 5;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    // 0001-01-01 is day 306 of the year that began in March of year 0.
    years * 365 + leap_days + days_before_month + day - 1 - 306
}

/// An instant as Go prints it with `time.RFC3339Nano` in UTC: as many digits of the fraction as needed.
///
/// Years outside 0000 to 9999 are printed with their sign and all their digits, which no reader accepts back.
pub fn format_rfc3339_nano(instant: Instant) -> String {
    let mut text = format_rfc3339(instant);
    let nanoseconds = instant.nanoseconds % 1_000_000_000;
    if nanoseconds > 0 {
        let fraction = format!("{nanoseconds:09}");
        text.truncate(text.len() - 1);
        write!(text, ".{}Z", fraction.trim_end_matches('0')).expect("a String takes any text");
    }
    text
}

/// An instant as Go prints it with `time.RFC3339` in UTC: whole seconds, what is below is cut.
pub fn format_rfc3339(instant: Instant) -> String {
    let seconds = i128::from(instant.seconds) + i128::from(instant.nanoseconds / 1_000_000_000);
    let days = seconds.div_euclid(i128::from(DAY_SECONDS));
    let second_of_day = seconds.rem_euclid(i128::from(DAY_SECONDS));
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days since 0001-01-01.
fn date_of(days: i128) -> (i128, i128, i128) {
    let days_from_march = days + 306;
    let era = days_from_march.div_euclid(146_097);
    let day_of_era = days_from_march.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = if months_from_march < 10 { months_from_march + 3 } else { months_from_march - 9 };
    (era * 400 + year_of_era + i128::from(month <= 2), month, day)
}

/// Why Go's `Time.UnmarshalBinary` refuses bytes; displays as Go's error. Checked in the order of the variants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BinaryError {
    /// There are no bytes.
    #[error("Time.UnmarshalBinary: no data")]
    NoData,
    /// The first byte is neither 1 nor 2.
    #[error("Time.UnmarshalBinary: unsupported version")]
    UnsupportedVersion,
    /// Not 15 bytes in version 1, or not 16 in version 2.
    #[error("Time.UnmarshalBinary: invalid length")]
    InvalidLength,
}

/// An instant as Go's `Time.UnmarshalBinary` reads it. The zone's offset does not move the instant, so it is
/// passed over; nanoseconds keep their lower 30 bits, as in Go's `Time`. Negative ones, which Go never writes, fill the word
/// that has them beside the seconds since 1885 (`Time.wall`), so that these are taken from there: it is the year 2157.
///
/// # Errors
/// Go refuses the bytes; the error displays as Go's.
pub fn from_binary(bytes: &[u8]) -> Result<Instant, BinaryError> {
    let (version, fields) = bytes.split_first().ok_or(BinaryError::NoData)?;
    let length = match version {
        1 => BINARY_BYTES,
        2 => BINARY_BYTES + 1,
        _ => return Err(BinaryError::UnsupportedVersion),
    };
    if bytes.len() != length {
        return Err(BinaryError::InvalidLength);
    }
    let (seconds, fields) = fields.split_first_chunk().ok_or(BinaryError::InvalidLength)?;
    let (nanoseconds, _) = fields.split_first_chunk().ok_or(BinaryError::InvalidLength)?;
    let word = i64::from(i32::from_be_bytes(*nanoseconds));
    let seconds = match word < 0 {
        true => WALL_SECONDS + (word >> NANOSECOND_BITS & WALL_MASK),
        false => i64::from_be_bytes(*seconds),
    };
    let nanoseconds = u32::try_from(word & ((1 << NANOSECOND_BITS) - 1)).expect("thirty bits fit into 32");
    Ok(Instant { seconds, nanoseconds })
}

/// How many bits of `Time.wall` are nanoseconds (`nsecShift`).
const NANOSECOND_BITS: u32 = 30;
/// The 33 bits above them are seconds since 1885, where the bit above those is set (`hasMonotonic`).
const WALL_MASK: i64 = (1 << 33) - 1;
/// 1885-01-01T00:00:00Z (`wallToInternal`).
const WALL_SECONDS: i64 = 59_453_308_800;

/// How long the binary form of version 1 is.
const BINARY_BYTES: usize = 15;

/// An instant in UTC as Go's `Time.MarshalBinary` writes it: version 1, 15 bytes, offset -1.
pub fn to_binary(instant: Instant) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BINARY_BYTES);
    bytes.push(1);
    bytes.extend_from_slice(&instant.seconds.to_be_bytes());
    bytes.extend_from_slice(&instant.nanoseconds.to_be_bytes());
    bytes.extend_from_slice(&(-1i16).to_be_bytes());
    bytes
}

/// The instant of a Unix time.
pub fn from_unix(seconds: i64, nanoseconds: u32) -> Instant {
    Instant { seconds: seconds.saturating_add(UNIX_EPOCH_SECONDS), nanoseconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(text: &str) -> i64 {
        parse_rfc3339(text.as_bytes()).expect(text).seconds - UNIX_EPOCH_SECONDS
    }

    #[test]
    fn what_the_daemons_accept_is_accepted() {
        assert_eq!(unix("1970-01-01T00:00:00Z"), 0);
        assert_eq!(unix("2024-05-06T07:08:09.123456789Z"), 1_714_979_289);
        assert_eq!(unix("2024-05-06T7:08:09Z"), 1_714_979_289);
        assert_eq!(unix("2024-05-06T07:08:09,5Z"), 1_714_979_289);
        assert_eq!(unix("2024-05-06T07:08:09+24:00"), 1_714_979_289 - 86_400);
        assert_eq!(unix("2024-05-06T07:08:09-00:60"), 1_714_979_289 + 3600);
        assert_eq!(unix("2024-02-29T00:00:00Z"), 1_709_164_800);
        assert_eq!(unix("2000-02-29T00:00:00Z"), 951_782_400);
        let instant = |text: &str| parse_rfc3339(text.as_bytes()).expect(text);
        assert_eq!(instant("0001-01-01T00:00:00Z"), Instant { seconds: 0, nanoseconds: 0 });
        assert_eq!(instant("0000-01-01T00:00:00Z").seconds, -366 * 86_400);
        let digits = instant("2024-05-06T07:08:09.1234567899999Z");
        assert_eq!(digits.nanoseconds, 123_456_789);
    }

    #[test]
    fn what_the_daemons_refuse_is_refused_with_gos_words() {
        for (text, reason) in [
            ("2024-05-06t07:08:09Z", r#"cannot parse "t07:08:09Z" as "T""#),
            ("2024-05-06T07:08:09z", r#"cannot parse "z" as "Z07:00""#),
            ("2024-05-06 07:08:09Z", r#"cannot parse " 07:08:09Z" as "T""#),
            ("2024-05-06T24:08:09Z", ": hour out of range"),
            ("2024-05-06T07:08:60Z", ": second out of range"),
            ("2024-05-06T07:60:09Z", ": minute out of range"),
            ("2024-5-06T07:08:09Z", r#"cannot parse "5-06T07:08:09Z" as "01""#),
            ("2024-05-6T07:08:09Z", r#"cannot parse "6T07:08:09Z" as "02""#),
            ("2024-05-06T07:8:09Z", r#"cannot parse "8:09Z" as "04""#),
            ("2024-05-06T07:08:9Z", r#"cannot parse "9Z" as "05""#),
            ("2024-05-06T07:08Z", r#"cannot parse "Z" as ":""#),
            ("2024-05-06T07:08:09.Z", r#"cannot parse ".Z" as "Z07:00""#),
            ("2024-05-06T07:08:09+0100", r#"cannot parse "+0100" as "Z07:00""#),
            ("2024-05-06T07:08:09+01", r#"cannot parse "+01" as "Z07:00""#),
            ("2024-05-06T07:08:09+25:00", ": time zone offset hour out of range"),
            ("2024-05-06T07:08:09Z ", r#": extra text: " ""#),
            ("224-05-06T07:08:09Z", r#"cannot parse "224-05-06T07:08:09Z" as "2006""#),
            ("12024-05-06T07:08:09Z", r#"cannot parse "4-05-06T07:08:09Z" as "-""#),
            ("2023-02-29T00:00:00Z", ": day out of range"),
            ("1900-02-29T00:00:00Z", ": day out of range"),
            ("2024-13-01T00:00:00Z", ": month out of range"),
            ("", r#"parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006""#),
            ("\u{e9}\"", r#"parsing time "\xc3\xa9\"" as"#),
        ] {
            let error = parse_rfc3339(text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_survives_the_round_trip() {
        for day in -400 * 366..400 * 366 {
            let days = day + 1600 * 365;
            let instant = Instant { seconds: days * DAY_SECONDS + 3661, nanoseconds: 0 };
            assert_eq!(parse_rfc3339(format_rfc3339(instant).as_bytes()), Ok(instant));
        }
        let instant = Instant { seconds: 63_851_000_000, nanoseconds: 120_000_000 };
        assert_eq!(parse_rfc3339(format_rfc3339_nano(instant).as_bytes()), Ok(instant));
        assert!(format_rfc3339_nano(instant).ends_with(".12Z"));
        for seconds in [i64::MIN, i64::MAX] {
            format_rfc3339_nano(Instant { seconds, nanoseconds: u32::MAX });
        }
    }

    #[test]
    fn binary_times_are_checked_in_gos_order() {
        let instant = Instant { seconds: -5, nanoseconds: 7 };
        assert_eq!(from_binary(&to_binary(instant)), Ok(instant));
        let mut version_2 = to_binary(instant);
        version_2[0] = 2;
        assert_eq!(from_binary(&version_2), Err(BinaryError::InvalidLength));
        version_2.push(30);
        assert_eq!(from_binary(&version_2), Ok(instant));
        assert_eq!(from_binary(&[]), Err(BinaryError::NoData));
        assert_eq!(from_binary(&[3]), Err(BinaryError::UnsupportedVersion));
        assert_eq!(from_binary(&[1]), Err(BinaryError::InvalidLength));
        let raw = [&[1][..], &0i64.to_be_bytes(), &0xBFFF_FFFFu32.to_be_bytes(), &[0xFF, 0xFF]].concat();
        assert_eq!(from_binary(&raw), Ok(Instant { seconds: 68_043_243_390, nanoseconds: 0x3FFF_FFFF }));
        let raw = [&[1][..], &0i64.to_be_bytes(), &0x7FFF_FFFFu32.to_be_bytes(), &[0xFF, 0xFF]].concat();
        assert_eq!(from_binary(&raw), Ok(Instant { seconds: 0, nanoseconds: 0x3FFF_FFFF }));
    }
}
