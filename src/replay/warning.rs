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

use crate::scenario::{Labels, Name, Scenario, Step, alias};
use crate::schema::names;
use crate::text;
use std::collections::BTreeSet;
use std::fmt;

/// A label whose value names nothing, while content of that name is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The line of the step, from 1.
    pub line: usize,
    /// The label as scenarios write it.
    label: String,
    /// Its value, the name of content.
    value: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning { label, value, .. } = self;
        write!(f, "`{label}={value}` names nothing; write `{label}=@{value}` for content/{value}")
    }
}

/// The warnings of a scenario, in the order of its lines.
pub fn warnings(scenario: &Scenario) -> Vec<Warning> {
    let steps = || scenario.lines.iter().map(|line| &line.step);
    let contents: BTreeSet<&Name> = steps().filter_map(content).collect();
    let mut warnings = Vec::new();
    for line in &scenario.lines {
        for (key, value) in labels(&line.step).into_iter().flat_map(Labels::as_slice) {
            let name = std::str::from_utf8(value).ok().filter(|_| refers_to_content(key));
            let is_meant =
                |name: &&str| alias::digest_of(name).is_some_and(|digest| contents.contains(&digest));
            if let Some(name) = name.filter(is_meant).filter(|_| !contents.contains(value)) {
                let short = key.strip_prefix(b"containerd.io/").unwrap_or(key);
                warnings.push(Warning {
                    line: line.number,
                    label: text::name(short),
                    value: name.to_owned(),
                });
            }
        }
    }
    warnings
}

/// The content that a step creates.
fn content(step: &Step) -> Option<&Name> {
    match step {
        Step::ContentPut { digest, .. } | Step::ContentCommit { digest, .. } => Some(digest),
        _ => None,
    }
}

/// The labels that a step sets on what may refer to content.
fn labels(step: &Step) -> Option<&Labels> {
    match step {
        Step::ContentCommit { labels, .. }
        | Step::ContentPut { labels, .. }
        | Step::ContentLabel { labels, .. }
        | Step::SnapshotCommit { labels, .. }
        | Step::SnapshotLabel { labels, .. }
        | Step::ImageLabel { labels, .. }
        | Step::ContainerLabel { labels, .. }
        | Step::SandboxCreate { labels, .. }
        | Step::SandboxLabel { labels, .. } => Some(labels),
        Step::SnapshotPrepare(new)
        | Step::SnapshotView(new)
        | Step::SnapshotPrepareBegin(new)
        | Step::SnapshotViewBegin(new) => Some(&new.labels),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => Some(&fields.labels),
        Step::ContainerCreate { fields, .. } | Step::ContainerUpdate { fields, .. } => Some(&fields.labels),
        _ => None,
    }
}

/// Whether a label's value is a digest: its key ends there, or a separator follows.
fn refers_to_content(key: &[u8]) -> bool {
    [names::GC_REF_CONTENT, names::GC_BREF_CONTENT].into_iter().any(|prefix| {
        let rest = key.strip_prefix(prefix);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
    })
}
