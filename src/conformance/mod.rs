//! Recorded results: what the real containerd did, row by row, and how another collector is held to it.
//!
//! A *row* is one case (a tree, a clock, the collectors) with everything that one release of containerd was seen
//! to do with it. Rows lie in JSON lines files, plain, gzip or zstd; this project ships one.
//!
//! ```text
//!   files ──> lines ──> source ──> row ──┬─> engine, oracle ──> results ─┐  run
//!                         └ trees        └─> results ────────────────────┴─> compare ──> Difference
//! ```
//!
//! `files` finds what holds rows, `lines` unpacks it, `source` gives each row its release, and those without a tree
//! one of `trees`. `row` is strict: what is missing, of a wrong type or given twice fails the row by name and field.
//! `results` is what a collection gave, recorded or done, and `compare` looks at every field of it. `run` puts a row
//! through engine and oracle; the other files know no collector, only what was recorded.

pub mod compare;
mod error;
mod files;
mod form;
mod lines;
pub mod results;
pub mod row;
pub mod run;
pub mod source;
mod trees;

pub use compare::{Difference, coherent, compare, differences};
pub use error::SourceError;
pub use results::Results;
pub use row::{Row, RowError};
pub use source::{Reader, RowFailure, RowLine, read};
