//! What a scenario says and hardly means.
//!
//! A label's value is taken as it stands, as containerd takes it. The name of content is short for a digest, in labels
//! only behind `@`:
//!
//! ```text
//! content put layer
//! content put manifest gc.ref.content.l.0=layer       refers to content whose digest is "layer": to nothing
//! content put manifest gc.ref.content.l.0=@layer      is what was meant
//! ```
//!
//! And a lease's `gc.expire` may be a time to some builds of a daemon and none to others ([`crate::go`]).

use crate::go::Go;
use crate::scenario::{Expiry, Labels, Line, Name, RawValue, Scenario, Step, alias};
use crate::schema::{names, time};
use crate::text;
use std::collections::BTreeSet;
use std::fmt;

/// What is said, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The line of the step, from 1.
    pub line: usize,
    text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The warnings of a scenario, in the order of its lines; those of times where nobody said what the daemons were built
/// with.
pub fn warnings(scenario: &Scenario, go: Option<Go>) -> Vec<Warning> {
    let contents: BTreeSet<&Name> = scenario.lines.iter().filter_map(|line| content(&line.step)).collect();
    let mut release = scenario.release;
    let mut warnings = Vec::new();
    for Line { number, step, .. } in &scenario.lines {
        if let Step::Release(next) = step {
            release = *next;
        }
        let labels = labels(step);
        let labels = labels.as_slice().iter();
        let mut texts: Vec<String> =
            labels.filter_map(|(key, value)| names_nothing(key, value, &contents)).collect();
        if go.is_none() && Go::UpTo1_19.may_build(release) {
            texts.extend(
                expiry(step).filter(|text| time::only_earlier_go_reads(text)).map(read_by_earlier_go),
            );
        }
        warnings.extend(texts.into_iter().map(|text| Warning { line: *number, text }));
    }
    warnings
}

/// A label whose value names nothing, while content of that name is there.
fn names_nothing(key: &[u8], value: &Name, contents: &BTreeSet<&Name>) -> Option<String> {
    let name = std::str::from_utf8(value).ok().filter(|_| refers_to_content(key))?;
    let is_meant = alias::digest_of(name).is_some_and(|digest| contents.contains(&digest));
    let label = text::name(key.strip_prefix(b"containerd.io/").unwrap_or(key));
    (is_meant && !contents.contains(value))
        .then(|| format!("`{label}={name}` names nothing; write `{label}=@{name}` for content/{name}"))
}

/// What is said of a `gc.expire` that is a time to Go up to 1.19 and to no later one.
pub fn read_by_earlier_go(expiry: &[u8]) -> String {
    let expiry = text::name(expiry);
    format!(
        "gc.expire `{expiry}` is a time only to a daemon built with Go up to 1.19, elsewhere it never comes; --go 1.19 reads it so"
    )
}

/// The `gc.expire` that a step gives to a lease.
fn expiry(step: &Step) -> Option<&[u8]> {
    match step {
        Step::LeaseCreate { expire: Some(Expiry::Text(text)), .. } => Some(text),
        Step::LeaseCreate { labels, .. } => {
            let mut labels = labels.as_slice().iter();
            labels.find(|(key, _)| **key == *names::GC_EXPIRE).map(|(_, value)| &**value)
        }
        Step::RawPut { path, value: RawValue::Bytes(text) } => {
            let is_label = path.last().is_some_and(|key| **key == *names::GC_EXPIRE);
            (is_label && path.iter().any(|key| **key == *names::LEASES)).then_some(&**text)
        }
        _ => None,
    }
}

/// The content that a step creates.
fn content(step: &Step) -> Option<&Name> {
    match step {
        Step::ContentPut { digest, .. } | Step::ContentCommit { digest, .. } => Some(digest),
        _ => None,
    }
}

/// The labels that a step sets on what may refer to content.
fn labels(step: &Step) -> Labels {
    match step {
        Step::NamespaceCreate { .. } | Step::NamespaceLabel { .. } | Step::LeaseCreate { .. } => {
            Labels::new()
        }
        step => step.clone().labels_mut().map(std::mem::take).unwrap_or_default(),
    }
}

/// Whether a label's value is a digest: its key ends there, or a separator follows.
fn refers_to_content(key: &[u8]) -> bool {
    [names::GC_REF_CONTENT, names::GC_BREF_CONTENT].into_iter().any(|prefix| {
        let rest = key.strip_prefix(prefix);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
    })
}
