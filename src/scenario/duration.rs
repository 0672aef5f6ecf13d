//! Durations as Go reads them and in the shortest form: `1h1s`, `500ms`, `250ns`.

use crate::schema::duration as go;
use std::fmt::Write;
use std::time::Duration;

const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The duration that a text without a sign stands for, as Go reads it (`1.5h` too).
pub(super) fn parse(text: &str) -> Option<Duration> {
    if text.starts_with(['+', '-']) {
        return None;
    }
    let nanoseconds = go::parse(text.as_bytes())?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// What such a text lacks; none if it is only too long.
pub(super) fn why_none(text: &str) -> Option<&'static str> {
    if text.starts_with(['+', '-']) {
        return Some("it has a sign");
    }
    Some(go::why_none(text)).filter(|why| *why != go::TOO_LONG)
}

/// The shortest text in falling units; `0s` for nothing.
pub(super) fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos();
    let mut text = String::new();
    for (unit, nanoseconds) in UNITS {
        let count = rest / nanoseconds;
        if count > 0 {
            write!(text, "{count}{unit}").expect("a string takes all that is written");
        }
        rest %= nanoseconds;
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_in_the_shortest_form() {
        for (text, nanoseconds, printed) in [
            ("1h1s", 3_601_000_000_000, "1h1s"),
            ("500ms", 500_000_000, "500ms"),
            ("250ns", 250, "250ns"),
            ("90s", 90_000_000_000, "1m30s"),
            ("1.5h", 5_400_000_000_000, "1h30m"),
            ("1s1h1s", 3_602_000_000_000, "1h2s"),
            ("0", 0, "0s"),
            ("0h0m", 0, "0s"),
            ("9223372036854775807ns", i64::MAX.unsigned_abs(), "2562047h47m16s854ms775us807ns"),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanoseconds)), "{text}");
            assert_eq!(format(Duration::from_nanos(nanoseconds)), printed);
            assert_eq!(parse(printed), parse(text));
        }
    }

    #[test]
    fn signs_and_other_texts_are_refused() {
        for text in ["", "1", "h", "1d", "-1h", "+1h", "-0", "1H", "1 h", "9223372036854775808ns", "2562048h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
