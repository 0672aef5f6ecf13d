//! Generated cases through engine and oracle side by side.
//!
//! ```text
//!   seed ──> bytes ──> steps ──> world ──> collections ─┬─> engine ──> outcome ─┐
//!                  (profile)                            └─> oracle ─> judgement ┴─> check ──> finding ──> small steps
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `run` | one case, collection by collection |
//! | `coverage` | which rules cases reach |
//! | `campaign` | many cases, the same result on any number of threads |
//! | `explained` | what the oracle says to a finding |
//! | `small` | a case made small |
//! | `grade` | whether seeded faults are found |
//!
//! Cases come from [`crate::generate`], what must hold of them is [`crate::properties`]' to say, and how a finding is shown
//! is [`crate::report`]'s.

pub mod campaign;
pub mod coverage;
pub mod explained;
pub mod grade;
pub mod run;
pub mod small;
