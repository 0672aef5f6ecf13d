//! Recorded results: what the real containerd did, row by row, and how another collector is held to it.
//!
//! A *row* is one case (a tree, a clock, the collectors) with everything that one release of containerd was seen
//! to do with it. Rows lie in JSON lines files, plain or gzip, or in the archive that this project ships.
//!
//! ```text
//!   *.jsonl, *.jsonl.gz ──┐  source          row             the caller            compare
//!                         ├─────────> Line ───────> Row ──> engine, oracle ──> Results ──> Difference
//!   the shipped archive ──┘                          └─ alter: the same row with one field made wrong
//! ```
//!
//! `row` is strict: what is missing, of a wrong type or given twice fails the row by name and field. `source`
//! finds the rows and the release of each. `compare` looks at every recorded field. `archive` packs the rows of
//! all releases, cases once. `alter` falsifies rows, to show that no altered row passes.
//!
//! `partial` reads what another collector answers, of which any field may be left out.
//! `run` puts a row through engine and oracle. The other files know no collector, only what was recorded.

pub mod alter;
pub mod archive;
pub mod compare;
mod form;
mod numbered;
pub mod partial;
pub mod row;
pub mod run;
pub mod source;

pub use compare::{Difference, Results, compare};
pub use row::{Expected, Row, RowError};
pub use source::{Line, Reader, RowFailure, SourceError, read};
