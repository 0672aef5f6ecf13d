//! Generated cases through engine and oracle side by side.
//!
//! ```text
//!   seed ──> bytes ──> steps ──> world ──> collections ─┬─> engine ──> outcome ─┐
//!                  (profile)                            └─> oracle ─> judgement ┴─> check ──> finding ──> small steps
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `seed`, `profile`, `steps` | what a seed means, which habits a case has, and the clients' steps that are drawn |
//! | `run` | one case, collection by collection |
//! | `check`, `relations`, `inject` | the properties: against the oracle, between collections, under injected errors |
//! | `coverage` | which rules cases reach |
//! | `campaign` | many cases, the same result on any number of threads |
//! | `shrink` | a case made small |
//! | `grade` | whether seeded faults are found |
//! | `exhaust` | every small graph instead of drawn cases |
//! | `trees`, `written`, `smaller` | drawn trees, valid or not, as steps and made small: for `diff` and the fuzzer |
//!
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
