//! Generated cases through engine and oracle side by side.
//!
//! ```text
//!   seed ──> bytes ──> case (tree, collectors, now) ─┬─> engine ──> outcome ─┐
//!                                                    └─> oracle ─> judgement ┴─> check ──> findings
//! ```
//!
//! `seed` says what a seed means, `trees` draws cases, `check` holds the two against each other, `campaign` runs many,
//! `exhaust` runs every small one, `grade` sees whether faults are found; `smaller` shrinks a case, `written` makes it a scenario's steps.
//! This room decides what a finding is; how it is shown is `report`'s.

pub mod campaign;
pub mod check;
pub mod coverage;
pub mod exhaust;
pub mod grade;
mod inject;
pub mod profile;
mod relations;
pub mod run;
pub mod seed;
pub mod shrink;
pub mod smaller;
pub mod steps;
pub mod trees;
pub mod written;
