//! A child: another collector as a process of its own, asked one case a line.
//!
//! ```text
//!   case ──> row ──┬─> our engine ──> results ─┐
//!                  └─> child ──> answer ───────┴─> the first field that differs, or why there is no answer
//! ```
//!
//! `process` speaks to the child, `answer` is what it says, `command` splits its command line, `rows` makes rows of cases, `campaign` runs many
//! and shrinks what it finds, `serve` is the other end: our own engine as such a child. What is compared, and the
//! form of a row, is `conformance`'s. The protocol:
//!
#![doc = include_str!("PROTOCOL.md")]

mod answer;
pub mod campaign;
mod command;
mod process;
mod rows;
pub mod serve;

pub use answer::Answer;
pub use command::{CommandError, CommandLine};
pub use process::{ANSWER_BYTES_MAX, Child, ChildError};
pub use rows::{row, write_rows};

use crate::conformance::run::results;
use crate::conformance::{Difference, Row, compare};
use crate::release::Release;

/// The first field in which an answer differs from what our engine does with the case under a release.
///
/// Where the result depends on the order of Go's map iteration, as with 1.7.0-beta.1's shared loop variable, every outcome
/// that can come is right.
pub fn differs(row: &Row, release: Release, answer: &Answer) -> Option<Difference> {
    let types = row.collectors.iter().map(|collector| Some(collector.resource_type));
    let lasts = match release.rules().shared_loop_variable {
        true => types.rev().chain([None]).collect(),
        false => vec![None],
    };
    let mut first = None;
    for last_iterated in lasts {
        let situation = row.situation(release, last_iterated);
        let expected = results(&situation, None);
        match compare(row, &expected, &answer.results) {
            Ok(()) => return None,
            Err(difference) => first = first.or(Some(difference)),
        }
    }
    first
}

#[cfg(test)]
mod tests;
