//! Our own engine as a child: the complete example of the protocol.

use super::answer::Answer;
use crate::conformance::run::results;
use crate::conformance::source::release_of_version;
use crate::conformance::{Row, RowError};
use crate::engine::Fault;
use crate::release::Release;
use std::io::{self, BufRead, Write};

/// Why serving ended before the input did.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A question is no row.
    #[error("line {line}: {reason}")]
    Row {
        /// The line of the input, from 1.
        line: u64,
        /// What is wrong.
        reason: RowError,
    },
    /// Nothing says by which rules to collect.
    #[error("line {line}: row `{row}`: the version {version:?} names no known release")]
    Release {
        /// The line of the input, from 1.
        line: u64,
        /// The row's name.
        row: String,
        /// What it says.
        version: Option<String>,
    },
    /// The input cannot be read.
    #[error("cannot read a question: {0}")]
    Read(io::Error),
    /// The answer cannot be written.
    #[error("cannot write an answer: {0}")]
    Write(io::Error),
}

/// Answers each line of the input with one line, at once, until the input ends. `release` overrides what rows say. Gives
/// whether the fault could be made in any of the questions, where there is one.
///
/// # Errors
/// A question that cannot be answered, or input or output fails.
pub fn serve(
    input: impl BufRead,
    out: &mut dyn Write,
    release: Option<Release>,
    fault: Option<Fault>,
) -> Result<bool, ServeError> {
    let mut is_made = fault.is_none();
    for (line, question) in (1..).zip(input.lines()) {
        let question = question.map_err(ServeError::Read)?;
        let row = Row::parse(&question, |_| Err("a question brings its own".to_owned()))
            .map_err(|reason| ServeError::Row { line, reason })?;
        let said = row.version.as_deref().and_then(release_of_version);
        let release = release.or(said).ok_or_else(|| ServeError::Release {
            line,
            row: row.name.clone(),
            version: row.version.clone(),
        })?;
        is_made |= fault.is_some_and(|fault| fault.can_be_made_in(release));
        let situation = row.situation(release, None);
        let results = results(&situation, fault);
        let answer = Answer { name: Some(row.name), results };
        writeln!(out, "{}", answer.to_json()).and_then(|()| out.flush()).map_err(ServeError::Write)?;
    }
    Ok(is_made)
}
