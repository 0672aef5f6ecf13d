//! Keys of labels that the collector does not read, and that are nearly one that it does.
//!
//! ```text
//! gc.expires=...            is gc.expire meant?
//! gc.ref.contents.0=...     is gc.ref.content meant?
//! ref.content.0=...         is gc.ref.content meant?
//! ```

use super::slip::meant;
use crate::named::nearest;
use crate::scenario::{Scenario, Step};
use crate::text;

/// Keys that stand by themselves.
const WHOLE: [&str; 4] = ["gc.root", "gc.expire", "gc.flat", "gc.cond.value-usedat"];
/// Of these some releases read whatever begins so.
const READ_BY_PREFIX: [&str; 2] = ["gc.root", "gc.cond.value-usedat"];
/// Keys behind which more may stand.
const BEGINNINGS: [&str; 8] = [
    "gc.ref.content",
    "gc.ref.snapshot",
    "gc.ref.image",
    "gc.bref.content",
    "gc.bref.snapshot",
    "gc.bref.image",
    "gc.bref.container",
    "gc.cond.snapshot",
];

/// What is said of a label's key that nothing reads.
pub(super) fn is_nearly_read(scenario: &Scenario, key: &[u8]) -> Option<String> {
    let key = std::str::from_utf8(key).ok()?;
    let short = key.strip_prefix("containerd.io/").unwrap_or(key);
    let meant = match short.starts_with("gc.") {
        // In quotes it is exactly what it says.
        true if short == key => None,
        true => nearly(scenario, short),
        false => BEGINNINGS.into_iter().find(|known| begins(short, &known["gc.".len()..])),
    }?;
    Some(format!("no collector reads the label `{}`; is `{meant}` meant?", text::line(short)))
}

fn nearly(scenario: &Scenario, short: &str) -> Option<&'static str> {
    let is_read = WHOLE.into_iter().chain(BEGINNINGS).any(|known| begins(short, known));
    if is_read || READ_BY_PREFIX.into_iter().any(|known| short.starts_with(known)) {
        return None;
    }
    let near = BEGINNINGS.into_iter().find(|known| is_near(short, known)).or_else(|| nearest(short, WHOLE));
    // A collector's own label may well be called nearly so.
    let is_declared = |step: &Step| match step {
        Step::CollectorDeclare { label: Some(label), .. } => {
            begins(short, &format!("gc.ref.{}", String::from_utf8_lossy(label)))
        }
        _ => false,
    };
    near.filter(|_| !scenario.lines.iter().any(|line| is_declared(&line.step)))
}

/// Whether one part of a key is a slip, and the others before are right.
fn is_near(short: &str, known: &str) -> bool {
    let parts: Vec<&str> = short.split(['.', '/']).collect();
    let known: Vec<&str> = known.split('.').collect();
    let mut others = parts.iter().zip(&known).filter(|(part, known)| part != known);
    parts.len() >= known.len()
        && others.next().is_some_and(|(part, known)| meant(part, [*known]).is_some())
        && others.next().is_none()
}

/// Whether a key is this one, or has more behind a separator.
fn begins(key: &str, known: &str) -> bool {
    key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}
