//! What must hold of every collection: against the oracle, between collections, and under injected errors.
//!
//! ```text
//!   state ─┬─> engine ──> outcome ───┐
//!          └─> oracle ──> judgement ─┴─> check ──> findings
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `property` | the properties by name, each with its sentence and a fault that breaks it |
//! | `check` | one collection to the oracle: safety, completeness, the tree, errors, the collectors' ends |
//! | `relations` | two collections to each other, without asking the oracle's verdict |
//! | `finding` | what did not hold, as data, and its sentence |
//! | `steps` | one step of a client to its contract |
//! | `inject` | a collection in which one lookup, removal or root fails |
//!
//! This room decides what a finding is. It draws nothing, and knows neither campaigns nor reports.

pub mod check;
pub mod finding;
mod inject;
pub mod property;
mod relations;
pub mod steps;
