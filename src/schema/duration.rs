//! Go's durations, as `time.ParseDuration` reads them (conditional references, from 2.3).

/// The number of nanoseconds that Go's `time.ParseDuration` reads; absent where it refuses.
///
/// A sign, then numbers with an optional fraction and a unit each (`1h30m`, `.5s`, `-2ms`); `0` needs no unit. A
/// day is no unit. The result must fit into 64 bits.
pub fn parse(text: &[u8]) -> Option<i64> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    match rest {
        b"0" => return Some(0),
        b"" => return None,
        _ => {}
    }
    const LIMIT: u64 = 1 << 63;
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, after_whole) = whole_number(rest)?;
        let mut digits = rest.len() - after_whole.len();
        rest = after_whole;
        let (mut fraction, mut scale) = (0u64, 1f64);
        if let [b'.', after_point @ ..] = rest {
            let after_fraction;
            (fraction, scale, after_fraction) = fraction_digits(after_point);
            digits += after_point.len() - after_fraction.len();
            rest = after_fraction;
        }
        if digits == 0 {
            return None;
        }
        let length = rest.iter().take_while(|byte| **byte != b'.' && !byte.is_ascii_digit()).count();
        let (unit, after_unit) = rest.split_at(length);
        rest = after_unit;
        let unit = unit_nanoseconds(unit)?;
        let mut part = whole.checked_mul(unit).filter(|part| *part <= LIMIT)?;
        if fraction > 0 {
            part = part.checked_add(scaled(fraction, unit, scale)).filter(|part| *part <= LIMIT)?;
        }
        total = total.checked_add(part).filter(|total| *total <= LIMIT)?;
    }
    if negative {
        return Some(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).ok()
}

/// Leading digits as a number of at most 2^63, and what follows them.
fn whole_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let number = digits.iter().try_fold(0u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|number| *number <= 1 << 63)
    })?;
    Some((number, rest))
}

/// Digits after the point, those that fit into 63 bits, with their scale; the others are passed over.
fn fraction_digits(text: &[u8]) -> (u64, f64, &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let (mut number, mut scale) = (0u64, 1f64);
    for digit in digits {
        let longer = number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0')));
        let Some(longer) = longer.filter(|longer| *longer <= 1 << 63) else { break };
        number = longer;
        scale *= 10.0;
    }
    (number, scale, rest)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go's"
)]
fn scaled(fraction: u64, unit: u64, scale: f64) -> u64 {
    (fraction as f64 * (unit as f64 / scale)) as u64
}

fn unit_nanoseconds(unit: &[u8]) -> Option<u64> {
    Some(match unit {
        b"ns" => 1,
        // Micro may be u, the micro sign or the Greek letter.
        b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60 * 1_000_000_000,
        b"h" => 3600 * 1_000_000_000,
        _ => return None,
    })
}

/// Said of a text that is neither a time nor a duration.
pub const NO_TIME: &str = "it is no time";
/// Said of what has days, or what is longer yet: Go has no such unit.
pub const HOURS_LONGEST: &str = "hours are the longest unit, a day is 24h";
/// Said of units in capital letters.
pub const LOWER_CASE: &str = "units are lower case: h, m, s, ms, us and ns";
/// Said of any other unit.
pub const NO_UNIT: &str = "its unit is none of h, m, s, ms, us and ns";
/// Said of a duration that Go has no number for.
pub const TOO_LONG: &str = "it is more than 292 years";

/// What a text lacks to be a duration, in words for people; signs are left aside.
pub fn why_none(text: &str) -> &'static str {
    let is_sign = |byte: &u8| b"+-".contains(byte);
    if text.as_bytes().first().is_some_and(is_sign) && text.as_bytes().get(1).is_some_and(is_sign) {
        return "it has two signs";
    }
    let text = text.trim_start_matches(['+', '-']);
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let days = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = &text[days.len()..];
    match unit.to_ascii_lowercase().as_str() {
        _ if is_number(text) => "it has no unit",
        _ if !is_number(days) => match parse(text.to_ascii_lowercase().as_bytes()) {
            Some(_) => LOWER_CASE,
            None if has_days(text) => HOURS_LONGEST,
            None => NO_TIME,
        },
        "d" | "day" | "days" | "w" | "week" | "weeks" | "mo" | "month" | "months" | "y" | "yr" | "year"
        | "years" => HOURS_LONGEST,
        "ns" | "us" | "ms" | "s" | "m" | "h" if unit.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            LOWER_CASE
        }
        "ns" | "us" | "ms" | "s" | "m" | "h" => TOO_LONG,
        _ => NO_UNIT,
    }
}

/// Whether a text begins with weeks or days, and more behind them.
fn has_days(text: &str) -> bool {
    let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    rest.len() < text.len()
        && rest.strip_prefix(['d', 'w']).is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("5s", Some(5_000_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("-1.5h", Some(-5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("+3us", Some(3_000)),
            ("3\u{b5}s", Some(3_000)),
            ("3\u{3bc}s", Some(3_000)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("3000000h", None),
            ("", None),
            ("-", None),
            ("2d", None),
            ("2", None),
            (".s", None),
            (" 2h", None),
            ("2h ", None),
            ("1e3s", None),
            ("00", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }
}
