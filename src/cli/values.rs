//! The values of flags, as people write them.

use super::notes::Notes;
use super::{Failure, version};
use crate::engine;
use crate::go::Go;
use crate::instant::Instant;
use crate::named::UnknownName;
use crate::release::Release;
use crate::schema::{duration, time};
use crate::world::Fault;
use std::borrow::Cow;
use std::time::Duration;

/// What `--now` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Now {
    /// A time of its own.
    At(Instant),
    /// So many nanoseconds later than the source's own now, or earlier.
    Shifted(i64),
}

impl Now {
    /// The collection's now: what was said, counted from the source's own now, or that one.
    pub(super) fn from(said: Option<Now>, own: Instant) -> Instant {
        match said {
            None => own,
            Some(Now::At(instant)) => instant,
            Some(Now::Shifted(nanoseconds)) => own.shifted(nanoseconds),
        }
    }

    /// Reads `2026-01-31T12:00:00Z`, `+24h`, `-90m` or `+1d12h`.
    pub(super) fn parse(text: &str) -> Result<Now, String> {
        let shift =
            text.starts_with(['+', '-']).then(|| duration::parse(in_hours(text).as_bytes())).flatten();
        let at = || time::parse_rfc3339(text.as_bytes()).ok();
        shift.map(Now::Shifted).or_else(|| at().map(Now::At)).ok_or_else(|| {
            let why = why_no_time(text);
            format!("{why}: give it as 2026-01-31T12:00:00Z, or counted from now as +24h, -1h30m or +1d12h")
        })
    }
}

/// A duration whose weeks and days, which Go's have not, stand as hours: of `+1d12h` it is `+24h12h`. What is none stays as it
/// is, to be refused.
fn in_hours(text: &str) -> Cow<'_, str> {
    let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = &text[..text.len() - signed.len()];
    let (mut hours, mut rest) = (0u64, signed);
    for (unit, each) in [('w', 7 * 24), ('d', 24)] {
        let Some((number, behind)) = rest.split_once(unit) else { continue };
        let number = number.parse::<u64>().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(more) = number.and_then(|number| number.checked_mul(each)) else { return text.into() };
        (hours, rest) = (hours.saturating_add(more), behind);
    }
    if rest.len() == signed.len() { text.into() } else { format!("{sign}{hours}h{rest}").into() }
}

/// What a text lacks to be a duration that may have weeks and days. What `duration::why_none` says of the units is said of
/// Go's, which has neither.
fn why_no_duration(text: &str) -> &'static str {
    let signed = text.trim_start_matches(['+', '-']);
    let number = signed.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = &signed[number.len()..];
    match duration::why_none(text) {
        duration::LOWER_CASE => "units are lower case: w, d, h, m, s, ms, us and ns",
        duration::NO_UNIT => "its unit is none of w, d, h, m, s, ms, us and ns",
        duration::HOURS_LONGEST => match unit {
            "" => "it has no unit",
            "d" | "w" if number.bytes().all(|byte| byte.is_ascii_digit()) => duration::TOO_LONG,
            "d" | "w" if number.contains('.') => "weeks and days are whole numbers, half a day is 12h",
            "D" | "W" => "units are lower case: w, d, h, m, s, ms, us and ns",
            _ if unit.eq_ignore_ascii_case("day") || unit.eq_ignore_ascii_case("days") => {
                "days are written 1d"
            }
            _ if unit.eq_ignore_ascii_case("week") || unit.eq_ignore_ascii_case("weeks") => {
                "weeks are written 1w"
            }
            _ if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                "weeks are the longest unit, a year is 365d"
            }
            _ => "weeks come before days, and days before hours, each a whole number",
        },
        why => why,
    }
}

/// What a text lacks to be a time.
fn why_no_time(text: &str) -> String {
    if text.starts_with(['+', '-']) {
        return why_no_duration(text).to_owned();
    }
    if text.eq_ignore_ascii_case("now") {
        return "that is what it is without the flag".to_owned();
    }
    if let Some(instant) = unix_time(text) {
        let written = time::format_rfc3339_nano(instant);
        return format!("it seems to count seconds since 1970, {written} then");
    }
    if duration::parse(in_hours(text).as_bytes()).is_some() {
        return "it has no sign".to_owned();
    }
    if is_time(&format!("{text}T00:00:00Z")) {
        return "it is a day without a time of day".to_owned();
    }
    let lacks = lacking(text);
    if !lacks.is_empty() {
        return format!("it has no {}", lacks.join(", and no "));
    }
    match why_no_duration(text) {
        "it has no unit" => "it has neither a sign nor a unit".to_owned(),
        duration::NO_TIME => {
            let error = time::parse_rfc3339(text.as_bytes()).err();
            let out_of_range = error.and_then(|error| error.out_of_range());
            out_of_range.map_or(duration::NO_TIME.to_owned(), |what| format!("its {what} is out of range"))
        }
        why => why.to_owned(),
    }
}

fn is_time(text: &str) -> bool {
    time::parse_rfc3339(text.as_bytes()).is_ok()
}

/// What `date +%s` says, or with an `@` before it what `date -d` takes.
fn unix_time(text: &str) -> Option<Instant> {
    const DIGITS_MIN: usize = 9;
    let digits = text.strip_prefix('@').or((text.len() >= DIGITS_MIN).then_some(text))?;
    let is_number = digits.len() <= 2 * DIGITS_MIN && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().map(|seconds| time::from_unix(seconds, 0))
}

/// The parts without which a text is no time, and with which it would be one.
fn lacking(text: &str) -> Vec<&'static str> {
    const SECONDS_AT: usize = "2026-01-31T12:00".len();
    let whole = text.replacen(' ', "T", 1).to_ascii_uppercase();
    let Some((start, end)) = whole.split_at_checked(SECONDS_AT) else { return Vec::new() };
    let forms = [("", ""), ("", "Z"), (":00", ""), (":00", "Z")];
    let completes = |(seconds, zone): &(&str, &str)| is_time(&format!("{start}{seconds}{end}{zone}"));
    let Some((seconds, zone)) = forms.into_iter().find(completes) else { return Vec::new() };
    [
        (!text.contains('T')).then_some("capital T between day and time of day"),
        (!seconds.is_empty()).then_some("seconds"),
        text.ends_with('z').then_some("capital Z at its end"),
        (!zone.is_empty()).then_some("zone at its end, which is Z or an offset such as +01:00"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A Go that builds one of these releases; where it builds none it would change nothing.
pub(super) fn go_of(said: Option<Go>, releases: &[Release]) -> Result<Go, Failure> {
    let go = said.unwrap_or_default();
    if said.is_none() || releases.iter().any(|release| Go::UpTo1_19.may_build(*release)) {
        return Ok(go);
    }
    let releases = releases.iter().map(|release| release.name()).collect::<Vec<_>>().join(" and ");
    Err(Failure::Usage(match go {
        Go::UpTo1_19 => format!("--go {go}: {releases} cannot be built with it, as 1.6 and 1.7 can"),
        Go::From1_20 => format!("--go {go}: {releases} cannot be built with any other, as 1.6 and 1.7 can"),
    }))
}

/// A `--fault` argument; a name that was nearly right is suggested.
pub(super) fn parse_fault(text: &str) -> Result<Fault, String> {
    Fault::parse(text).map_err(|error| unknown_fault(&error))
}

/// The same where only the collector runs.
pub(super) fn parse_collector_fault(text: &str) -> Result<engine::Fault, String> {
    match parse_fault(text)? {
        Fault::Collector(fault) => Ok(fault),
        Fault::Daemon(_) => {
            Err("only the collector runs here, and this is a mistake of the daemon around it".to_owned())
        }
    }
}

/// The fewest letters by which a name is looked for, and the most names that are told.
const LETTERS_MIN: usize = 3;
const NAMED_MAX: usize = 6;

fn unknown_fault(error: &UnknownName) -> String {
    let list = "`leasehold grade --list` lists them";
    match error.nearest() {
        Some(near) => format!("did you mean `{near}`? {list}"),
        None => {
            let text = error.name.to_lowercase();
            let with = error.known.iter().filter(|name| text.len() >= LETTERS_MIN && name.contains(&text));
            let names = with.map(|name| format!("`{name}`")).collect::<Vec<_>>();
            match names.len() {
                0 => format!("no fault is called so; {list}"),
                1..=NAMED_MAX => format!("is {} meant? {list}", names.join(" or ")),
                more => format!("{more} faults have that in their names; {list}"),
            }
        }
    }
}

/// Whose rules a collector with a fault follows: what was said, if the mistake can be made there, else the first release
/// that has the rule.
pub(super) fn release_with(
    said: Option<Release>,
    fault: Option<impl Into<Fault>>,
) -> Result<Release, Failure> {
    match (said, fault.map(Into::into)) {
        (Some(release), Some(fault)) if !fault.can_be_made_in(release) => Err(no_such_rule(fault, release)),
        (said, fault) => {
            version::warn_of_rules(said.as_slice(), &mut Notes::default());
            Ok(said.unwrap_or(fault.map(Fault::release).unwrap_or_default()))
        }
    }
}

/// A fault that would change nothing.
pub(super) fn no_such_rule(fault: impl Into<Fault>, release: Release) -> Failure {
    let fault = fault.into();
    let who = fault.of_collector().map_or("daemon", |_| "collector");
    Failure::Usage(format!(
        "--fault {fault}: the {who} of {release} has no such rule, so that the mistake changes nothing; {}",
        with_rule(fault)
    ))
}

/// A fault that changed nothing, since no collection, or row, was by a release that has the rule.
pub(super) fn never_made(fault: impl Into<Fault>, thing: &str) -> Failure {
    let fault = fault.into();
    Failure::Usage(format!(
        "--fault {fault}: no {thing} here is by a release that has the rule, so that the mistake changes nothing; {} \
         (--release)",
        with_rule(fault)
    ))
}

/// Which releases have the rule that a fault breaks.
fn with_rule(fault: Fault) -> String {
    match fault.releases() {
        (first, None) => format!("the first that has it is {first}"),
        (_, Some(last)) => format!("the last that has it is {last}"),
    }
}

/// A fault that could be made, and changed nothing in so much.
pub(super) fn changed_nothing(fault: impl Into<Fault>, of: &str, what_can: &str) -> Failure {
    let fault = fault.into();
    Failure::Usage(format!(
        "--fault {fault}: the mistake changed no answer to {of}, so that they say nothing of it; {what_can}"
    ))
}

/// A whole number from `least` to `most`, as people write it: `20000`, `20,000`, `20_000`, `20k`, `2M`.
///
/// # Errors
/// What is wrong, and an example that is right.
pub(super) fn count(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let example = match (least, most) {
        (_, u64::MAX) => "20000, 20,000, 20_000 or 20k".to_owned(),
        (_, 100..) => format!("{}", least.max(4)),
        _ => format!("{}", most.min(4)),
    };
    let number = digits(text).ok_or("it is no whole number").and_then(|number| match number {
        Some(number) if number < least => Err("it is too small"),
        Some(number) if number <= most => Ok(number),
        _ => Err("it is too large"),
    });
    number.map_err(|why| {
        let range = match most {
            u64::MAX => format!("from {least} on"),
            most => format!("from {least} to {most}"),
        };
        format!("{why}: give a whole number {range}, such as {example}")
    })
}

/// The number that digits with separators and a suffix stand for: none where they stand for none, and within where it is
/// larger than any that is counted with.
fn digits(text: &str) -> Option<Option<u64>> {
    let suffixes = [("k", 1_000), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let with = |(suffix, times)| text.strip_suffix(suffix).map(|digits| (digits, times));
    let (written, times): (&str, u64) = suffixes.into_iter().find_map(with).unwrap_or((text, 1));
    // A comma stands before three digits: in some languages it stands where others have a point.
    let mut groups = written.split(',');
    let is_group = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    groups.next();
    let is_grouped = groups.all(is_group);
    let plain = written.replace([',', '_'], "");
    let starts_and_ends = |at: Option<char>| at.is_some_and(|letter| letter.is_ascii_digit());
    let is_number = plain.bytes().all(|byte| byte.is_ascii_digit())
        && starts_and_ends(written.chars().next())
        && starts_and_ends(written.chars().next_back());
    (is_grouped && is_number).then(|| plain.parse::<u64>().ok().and_then(|number| number.checked_mul(times)))
}

/// How many cases.
pub(super) fn parse_cases(text: &str) -> Result<u64, String> {
    count(text, 1, u64::MAX)
}

/// A time such as `500ms`, `10s` or `2m`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanoseconds = duration::parse(in_hours(text).as_bytes()).ok_or_else(|| why_no_duration(text));
    let nanoseconds = nanoseconds.and_then(|number| u64::try_from(number).map_err(|_| "it is negative"));
    nanoseconds
        .map(Duration::from_nanos)
        .map_err(|why| format!("{why}: give a number with a unit, 500ms, 10s, 2m or 1h30m"))
}

/// The same for how long something is tried: in no time nothing is.
pub(super) fn parse_time_to_try(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time.is_zero() { Err("in no time nothing is checked".to_owned()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::run::results;
    use crate::generate::seed::Seed;
    use crate::generate::trees;

    #[test]
    fn a_fault_that_cannot_be_made_in_a_release_changes_nothing_there() {
        let seed = Seed::parse("faults").expect("a seed");
        let mut pairs = 0;
        for release in Release::ALL {
            for fault in engine::Fault::ALL.iter().filter(|fault| !fault.can_be_made_in(release)) {
                pairs += 1;
                for number in 0..40 {
                    let situation = trees::draw(&seed, number).under(release);
                    let (wrong, right) = (results(&situation, Some(*fault)), results(&situation, None));
                    assert_eq!(wrong, right, "{fault} under {release}, case {number}");
                }
                assert!(release_with(Some(release), Some(*fault)).is_err());
            }
        }
        assert!(pairs > 40, "{pairs}");
    }

    #[test]
    fn a_count_is_read_as_people_write_it() {
        for (text, number) in [
            ("1", 1),
            ("20000", 20_000),
            ("20,000", 20_000),
            ("20_000", 20_000),
            ("1,234,567", 1_234_567),
            ("20k", 20_000),
            ("20K", 20_000),
            ("3M", 3_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_cases(text), Ok(number), "{text}");
        }
        for (text, why) in [
            ("", "it is no whole number: "),
            ("2e4", "it is no whole number: "),
            ("1.5k", "it is no whole number: "),
            ("1,5", "it is no whole number: "),
            (",000", "it is no whole number: "),
            ("1_", "it is no whole number: "),
            ("k", "it is no whole number: "),
            ("-1", "it is no whole number: "),
            ("abc", "it is no whole number: "),
            ("0", "it is too small: "),
            ("18446744073709551616", "it is too large: "),
            ("18446744073709551615k", "it is too large: "),
        ] {
            let error = parse_cases(text).expect_err(text);
            let example = "give a whole number from 1 on, such as 20000, 20,000, 20_000 or 20k";
            assert_eq!(error, format!("{why}{example}"), "{text}");
        }
        // The example is one that is taken.
        for (least, most) in [(1, 6), (1, 512), (1, 1000), (0, 3), (5, 200)] {
            let error = count("x", least, most).expect_err("no number");
            let (_, example) = error.rsplit_once(" such as ").expect("an example");
            assert!(count(example, least, most).is_ok(), "{error}");
        }
    }

    #[test]
    fn now_is_a_time_or_counts_from_the_sources_own() {
        let own = Instant { seconds: 1000, nanoseconds: 500_000_000 };
        let now = |text| Now::parse(text).map(|said| Now::from(Some(said), own));
        assert_eq!(now("+1m"), Ok(Instant { seconds: 1060, ..own }));
        assert_eq!(now("+1d12h"), Ok(Instant { seconds: 1000 + 36 * 3600, ..own }));
        assert_eq!(now("-1w2d"), Ok(Instant { seconds: 1000 - 9 * 24 * 3600, ..own }));
        assert_eq!(now("-1h0.6s"), Ok(Instant { seconds: -2601, nanoseconds: 900_000_000 }));
        assert_eq!(now("0001-01-01T00:00:07Z"), Ok(Instant { seconds: 7, nanoseconds: 0 }));
        assert_eq!(Now::from(None, own), own);
        for (text, why) in [
            ("today", "it is no time: "),
            ("24h", "it has no sign: "),
            ("10", "it has neither a sign nor a unit: "),
            ("+24H", "units are lower case: w, d, h, m, s, ms, us and ns: "),
            ("+1M", "units are lower case"),
            ("-1H30m", "units are lower case"),
            ("+1y", "weeks are the longest unit, a year is 365d: "),
            ("+24hours", "its unit is none of w, d, h, m, s, ms, us and ns: "),
            ("now", "that is what it is without the flag: "),
            ("@1763915275", "seconds since 1970, 2025-11-23T16:27:55Z then: "),
            ("1763915275", "seconds since 1970, 2025-11-23T16:27:55Z then: "),
            (
                "2026-11-23 16:27:55",
                "it has no capital T between day and time of day, and no zone at its end",
            ),
            ("2026-11-23T16:27", "it has no seconds, and no zone at its end"),
            (
                "2026-11-23t16:27:55z",
                "it has no capital T between day and time of day, and no capital Z at its end: ",
            ),
            ("1d", "it has no sign: "),
            ("+1d5", "it has no unit: "),
            ("+1.5d", "weeks and days are whole numbers, half a day is 12h: "),
            ("-2weeks", "weeks are written 1w: "),
            ("+", "it is no time: "),
            ("+5", "it has no unit: "),
            ("+99999999h", "it is more than 292 years: "),
            ("2026-01-31", "it is a day without a time of day: "),
            ("2026-01-31T12:00:00", "it has no zone at its end"),
            ("2026-01-31 12:00:00Z", "it has no capital T"),
            ("2026-13-31T12:00:00Z", "its month is out of range: "),
            ("2026-02-30T12:00:00Z", "its day is out of range: "),
            ("", "it is no time: "),
        ] {
            let error = now(text).expect_err("no time");
            assert!(error.contains(why) && error.contains("+24h"), "{text}: {error}");
        }
    }

    #[test]
    fn a_duration_that_is_none_is_refused_with_its_reason() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1d1m"), Ok(Duration::from_secs(86_460)));
        for (text, why) in [
            ("-5s", "it is negative: "),
            ("5", "it has no unit: "),
            ("1y", "weeks are the longest unit, a year is 365d: "),
            ("1M", "units are lower case: w, d, h, m, s, ms, us and ns: "),
            ("2W", "units are lower case: w, d, h, m, s, ms, us and ns: "),
            ("3x", "its unit is none of w, d, h, m, s, ms, us and ns: "),
            ("1.5d", "weeks and days are whole numbers, half a day is 12h: "),
            ("2days", "days are written 1d: "),
            ("1d2w", "weeks come before days, and days before hours, each a whole number: "),
            ("99999999999d", "it is more than 292 years: "),
            ("99999999h", "it is more than 292 years: "),
            ("soon", "it is no time: "),
            ("", "it is no time: "),
        ] {
            let error = parse_duration(text).expect_err("no duration");
            assert!(error.contains(why) && error.contains("500ms"), "{text}: {error}");
        }
    }
}
