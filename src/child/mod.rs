//! A child: another collector as a process of its own, asked one case a line.
//!
//! ```text
//!   case ──> row ──┬─> our engine ──> results ─┐
//!                  └─> child ──> answer ───────┴─> the first field that differs, or why there is no answer
//! ```
//!
//! `process` speaks to the child, `answer` is what it says, `command` splits its command line. `asked` puts one collection
//! to it and says what it does otherwise, in the sentences of `disagreement`, the one first that
//! `cause` finds behind the others. `rows` makes rows of cases, `campaign` runs
//! many and shrinks what it finds, `serve` is the other end: our own engine as such a child. What is compared, and the
//! form of a row, is `conformance`'s. The protocol:
//!
#![doc = include_str!("PROTOCOL.md")]

mod answer;
mod asked;
pub mod campaign;
mod cause;
mod command;
mod disagreement;
mod numbering;
mod process;
mod rows;
pub mod serve;

pub use answer::Answer;
pub use asked::{Asked, Effect, Otherwise, THE_RECORD, Wrong};
pub use cause::{Cause, Judged, Way};
pub use command::{CommandError, CommandLine};
pub use process::{ANSWER_BYTES_MAX, Child, ChildError, Children};
pub use rows::{is_row, row, write_rows};

#[cfg(test)]
mod tests;
