//! Conditional references (from 2.3): an object refers to a snapshot while the snapshot's times of use compare well.
//!
//! ```text
//! on content or an image   containerd.io/gc.cond.snapshot.overlayfs = usedat<2h,usedat>720h|KEY
//! on overlayfs/KEY         containerd.io/gc.cond.value-usedat       = 2026-01-01T00:00:00Z
//! ```
//!
//! Each comparison stands by itself: one that holds, for one of the snapshot's times, is a reference. What is no
//! comparison is skipped and the others still count.

use super::nodes::cut_at_slash;
use super::times::{self, Span};
use crate::instant::Instant;
use crate::schema::names;

/// `usedat<2h`: the time since a use, compared with a duration in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Comparison {
    operator: Operator,
    duration: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Below,
    Above,
    /// `<=`, which no release understands.
    AtMost,
    /// `>=`, which no release understands.
    AtLeast,
}

impl Comparison {
    /// Whether it holds for the time since a use, in nanoseconds.
    pub(super) fn holds(self, elapsed: i64) -> bool {
        match self.operator {
            Operator::Below => elapsed < self.duration,
            Operator::Above => elapsed > self.duration,
            Operator::AtMost => elapsed <= self.duration,
            Operator::AtLeast => elapsed >= self.duration,
        }
    }

    /// When it holds for the earliest or the latest of these uses.
    pub(super) fn span(self, first: Instant, last: Instant) -> Span {
        let tick = |instant: Instant| instant.shifted(1);
        let (since, until) = match self.operator {
            Operator::Below => (None, Some(last.shifted(self.duration))),
            Operator::AtMost => (None, Some(tick(last.shifted(self.duration)))),
            Operator::Above => (Some(tick(first.shifted(self.duration))), None),
            Operator::AtLeast => (Some(first.shifted(self.duration)), None),
        };
        Span { since, until }
    }
}

/// The snapshotter that a condition's label names after `gc.cond.snapshot`; `needs_separator` is the intended rule.
pub(super) fn snapshotter(rest: &[u8], needs_separator: bool) -> Option<&[u8]> {
    let is_separator = |byte: &u8| matches!(byte, b'.' | b'/');
    if needs_separator && !rest.first().is_some_and(is_separator) {
        return None;
    }
    let start = rest.iter().position(|byte| !is_separator(byte)).unwrap_or(rest.len());
    let rest = &rest[start..];
    Some(cut_at_slash(rest).map_or(rest, |(snapshotter, _)| snapshotter))
}

/// The comparisons of a label's value and the key that they are about; none without a `|`.
pub(super) fn comparisons(
    value: &[u8],
    knows_all_operators: bool,
) -> Option<(impl Iterator<Item = Comparison>, &[u8])> {
    let bar = value.iter().position(|byte| *byte == b'|')?;
    let list = value[..bar].split(|byte| *byte == b',');
    Some((list.filter_map(move |text| comparison(text, knows_all_operators)), &value[bar + 1..]))
}

/// What of a condition cannot be read, so that it refers to nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Misread<'a> {
    /// The label ends where the snapshotter should stand.
    NoSnapshotter,
    /// Nothing ends the comparisons.
    NoBar,
    /// Behind the bar stands no key.
    NoKey,
    /// This comparison is of nothing that is known.
    NoUse(&'a [u8]),
    /// Here an operator should stand.
    NoOperator(&'a [u8]),
    /// Here a duration should stand.
    NoDuration(&'a [u8]),
}

/// Why a label that begins with `gc.cond.snapshot` refers to nothing, as its first comparison or what is missing says;
/// none if one of its comparisons can be read, or if it is another label.
pub fn misread<'a>(label: &[u8], value: &'a [u8]) -> Option<Misread<'a>> {
    let snapshotter = snapshotter(label.strip_prefix(names::GC_COND_SNAPSHOT)?, true);
    let Some(bar) = value.iter().position(|byte| *byte == b'|') else { return Some(Misread::NoBar) };
    if value[..bar].split(|byte| *byte == b',').all(|text| comparison(text, true).is_none()) {
        let first = value[..bar].split(|byte| *byte == b',').next().unwrap_or_default();
        let Some(rest) = first.strip_prefix(b"usedat") else { return Some(Misread::NoUse(first)) };
        return Some(match rest {
            [b'<' | b'>', b'=', duration @ ..] | [b'<' | b'>', duration @ ..] => {
                Misread::NoDuration(duration)
            }
            _ => Misread::NoOperator(rest),
        });
    }
    match snapshotter {
        None | Some([]) => Some(Misread::NoSnapshotter),
        Some(_) => (bar + 1 == value.len()).then_some(Misread::NoKey),
    }
}

fn comparison(text: &[u8], knows_all_operators: bool) -> Option<Comparison> {
    let (operator, duration) = match text.strip_prefix(b"usedat")? {
        [b'<', b'=', duration @ ..] if knows_all_operators => (Operator::AtMost, duration),
        [b'>', b'=', duration @ ..] if knows_all_operators => (Operator::AtLeast, duration),
        [b'<', duration @ ..] => (Operator::Below, duration),
        [b'>', duration @ ..] => (Operator::Above, duration),
        _ => return None,
    };
    Some(Comparison { operator, duration: times::duration(duration)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn held(value: &str, elapsed: i64, knows_all_operators: bool) -> usize {
        let (list, _) = comparisons(value.as_bytes(), knows_all_operators).expect("a value with a bar");
        list.filter(|comparison| comparison.holds(elapsed)).count()
    }

    #[test]
    fn comparisons_are_strict_and_each_stands_alone() {
        assert_eq!(held("usedat<2h|k", 2 * HOUR - 1, false), 1);
        assert_eq!(held("usedat<2h|k", 2 * HOUR, false), 0);
        assert_eq!(held("usedat>2h|k", 2 * HOUR, false), 0);
        assert_eq!(held("usedat>2h|k", 2 * HOUR + 1, false), 1);
        assert_eq!(held("usedat<2h,usedat<3h,usedat<1h|k", HOUR, false), 2);
        assert_eq!(held("other=1,usedat<2h|k", HOUR, false), 1);
        assert_eq!(held("usedat<2h|k", -HOUR, false), 1);
    }

    #[test]
    fn what_is_no_comparison_is_skipped() {
        for text in [
            "",
            "usedat",
            "usedat <2h",
            "usedat=2h",
            "usedat<>2h",
            "usedat=<2h",
            "usedat<2d",
            "usedat<2",
            "Usedat<2h",
            "usedat< 2h",
            "usedat<2h usedat<3h",
            "used<2h",
        ] {
            assert_eq!(comparison(text.as_bytes(), true), None, "{text:?}");
        }
        assert!(comparisons(b"usedat<2h", true).is_none());
    }

    #[test]
    fn what_of_a_condition_cannot_be_read_is_told_where_it_stands() {
        const LABEL: &[u8] = b"containerd.io/gc.cond.snapshot.overlayfs";
        for (label, value, expected) in [
            (LABEL, "usedat<24h|k", None),
            (LABEL, "usedat<=24h|k", None),
            (LABEL, "other,usedat<24h|k", None),
            (b"containerd.io/gc.cond.value-usedat", "x", None),
            (LABEL, "usedat<24|k", Some(Misread::NoDuration(b"24"))),
            (LABEL, "usedat<1d|x", Some(Misread::NoDuration(b"1d"))),
            (LABEL, "usedat < 24h|k", Some(Misread::NoOperator(b" < 24h"))),
            (LABEL, "usedat=24h|x", Some(Misread::NoOperator(b"=24h"))),
            (LABEL, "k|usedat<24h", Some(Misread::NoUse(b"k"))),
            (LABEL, "k", Some(Misread::NoBar)),
            (LABEL, "usedat<24h|", Some(Misread::NoKey)),
            (b"containerd.io/gc.cond.snapshot", "usedat<24h|k", Some(Misread::NoSnapshotter)),
            (b"containerd.io/gc.cond.snapshot.", "usedat<24h|k", Some(Misread::NoSnapshotter)),
        ] {
            assert_eq!(misread(label, value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn as_shipped_inclusive_operators_are_ignored() {
        for text in ["usedat<=2h|k", "usedat>=2h|k"] {
            assert_eq!(held(text, 2 * HOUR, false), 0);
            assert_eq!(held(text, 2 * HOUR, true), 1);
        }
    }

    #[test]
    fn the_key_is_all_behind_the_first_bar() {
        let key = |value: &'static str| comparisons(value.as_bytes(), false).map(|(_, key)| key);
        assert_eq!(key("usedat<2h|a/b|c"), Some(&b"a/b|c"[..]));
        assert_eq!(key("usedat<2h|"), Some(&b""[..]));
    }

    #[test]
    fn the_snapshotter_is_trimmed_and_cut() {
        for (rest, shipped, intended) in [
            (".native", Some("native"), Some("native")),
            ("/native/2", Some("native"), Some("native")),
            ("./native.x", Some("native.x"), Some("native.x")),
            ("native", Some("native"), None),
            ("s.native", Some("s.native"), None),
            (".", Some(""), Some("")),
        ] {
            assert_eq!(snapshotter(rest.as_bytes(), false), shipped.map(str::as_bytes), "{rest}");
            assert_eq!(snapshotter(rest.as_bytes(), true), intended.map(str::as_bytes), "{rest}");
        }
    }
}
