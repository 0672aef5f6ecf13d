//! Whether a database is sound: what in it costs somebody something, now or later, each with what to do.
//!
//! A collection takes any tree as it is; this room looks for what its owner would want to know before:
//!
//! ```text
//!   tree, collectors, now ──> images      whole? labelled? numbered without holes?
//!                             snapshots   parents and children that know of each other; containers
//!                             leases, ingests      ends that are far, none, unreadable, gone by; what they list
//!                             labels      that point nowhere, are nearly read, mean nothing here
//!                             records     that no release writes
//!   what lies on the disk ──> disk        stored and not listed, listed and not stored
//! ```
//!
//! Each sort of finding is a row of the table in `lints`: its name, how grave it is, in which releases, what it costs
//! and what to do. A finding names one object, the first of what is wrong there and how much more there is. Findings
//! come in the order of the table, then the largest first, then by namespaces and names. Every part passes over the tree once.
//!
//! This room reads no file, and of manifests it knows only what their labels say: `meta.db` does not hold their text.

mod containers;
mod disk;
mod finding;
mod flat;
mod images;
mod ingests;
mod kept;
mod labels;
mod leases;
mod lints;
mod namespace;
mod records;
mod snapshots;
mod whole;

pub use finding::{Command, Counts, Finding, Object, Subject};
pub use lints::{Lint, Severity};

use crate::release::Release;
use crate::situation::Situation;
use crate::stored::Stored;
use finding::Findings;
use kept::Kept;
use namespace::Namespace;

/// Everything that is found in a database, and beside it if its root folder was looked at.
///
/// ```
/// # use leasehold::{bucket::Bucket, instant::Instant, lint, release::Release, situation::Situation};
/// # let now = Instant { seconds: 0, nanoseconds: 0 };
/// let situation = Situation::new(Bucket::new(), Release::V2_3, now);
/// assert_eq!(lint::lint(&situation, None), []);
/// ```
pub fn lint(situation: &Situation, stored: Option<&Stored>) -> Vec<Finding> {
    let mut findings = Findings::new(situation.release);
    let kept = &Kept::new(situation);
    for namespace in Namespace::all(&situation.tree) {
        let reached = images::lint(namespace, &mut findings);
        snapshots::lint(namespace, &mut findings);
        containers::lint(namespace, &mut findings);
        ingests::lint(namespace, situation.now, &mut findings);
        leases::lint(namespace, situation, &mut findings);
        labels::lint(namespace, situation, kept, &reached, &mut findings);
    }
    flat::lint(situation, kept, &mut findings);
    records::lint(&situation.tree, &mut findings);
    if let Some(stored) = stored {
        disk::lint(&situation.tree, stored, &mut findings);
    }
    findings.sorted()
}

/// What it is that a database's newer meta page is damaged, where it is, beside all else.
pub fn lost(what: &str, release: Release) -> Finding {
    let mut findings = Findings::new(release);
    let object = Object::of(Subject::Place, b"", b"meta.db");
    findings.add(Lint::TransactionLost, object, what).clone()
}

/// The errors alone, as far as the database shows them: none of them asks what a collection keeps.
pub fn errors(situation: &Situation) -> Vec<Finding> {
    let mut findings = Findings::new(situation.release);
    for namespace in Namespace::all(&situation.tree) {
        images::lint(namespace, &mut findings);
        snapshots::lint(namespace, &mut findings);
        containers::lint(namespace, &mut findings);
        ingests::lint(namespace, situation.now, &mut findings);
    }
    records::lint(&situation.tree, &mut findings);
    let mut findings = findings.sorted();
    findings.retain(|finding| finding.lint.severity() == Severity::Error);
    findings
}
