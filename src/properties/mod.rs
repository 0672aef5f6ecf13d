//! What must hold of every step and of every collection.
//!
//! ```text
//!   step ──> world ──> contract ─────────────┐
//!   state ─┬─> engine ──> outcome ───┐       ├─> findings
//!          └─> oracle ──> judgement ─┴─ check┘
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `property` | the properties by name, each with its sentence and a fault that breaks it |
//! | `steps` | every step of a case: to its contract, and by the three below |
//! | `done` | a step with the world before and after it |
//! | `undo` | a step and its opposite, to what was there before |
//! | `soundness` | every step, to the errors that `lint` finds |
//! | `promise` | a collection, to what was promised to those who wrote |
//! | `locks` | what a restart must let go of |
//! | `memory` | what daemon and clients have in memory, to what a step says |
//! | `backend` | a clean-up, to what the database lists and what it does not |
//! | `panics` | whatever runs, to its end |
//! | `check` | one collection to the oracle: safety, completeness, the tree, errors, the collectors' ends |
//! | `asked` | what a collection asks its collectors |
//! | `dirty` | which backends it notes for cleaning up |
//! | `log` | what it logs |
//! | `thorough` | what takes many more collections: the two below |
//! | `relations` | two collections to each other, without asking the oracle's verdict |
//! | `inject` | a collection in which one lookup, removal or root fails |
//! | `known` | what a release as shipped is known to do otherwise |
//! | `checks` | what was checked, and what did not hold |
//! | `finding` | what did not hold, as data, and its sentence |
//!
//! This room decides what a finding is. It draws nothing, and knows neither campaigns nor reports.

mod asked;
mod backend;
pub mod check;
pub mod checks;
mod dirty;
pub mod done;
pub mod finding;
mod inject;
pub mod known;
mod locks;
pub mod log;
pub mod memory;
pub mod panics;
mod promise;
pub mod property;
mod relations;
pub mod soundness;
pub mod steps;
pub mod thorough;
mod undo;
