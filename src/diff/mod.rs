//! What an upgrade or a downgrade of containerd changes: one database, two releases. And what became of a database: two
//! `copies`, one release.
//!
//! ```text
//!                      ┌─ opened by --from ─> judged ─┐                      each with both reasons,
//!   tree, collectors ──┤                              ├─> differences ──────> grouped by the rule that differs
//!                      └─ then opened by --to > judged ┘
//! ```
//!
//! `compare` matches the nodes of both sides, each of which is `judged` by engine and oracle. `class` names the rules
//! that may differ; which one does is derived and never guessed: `rule` finds it for a node, `collectors` for what a
//! collector reports, `errors` for how the collections end. What has none is [`Class::Unexplained`], a finding.
//!
//! `campaign` compares generated cases and makes the examples of what it found small, and `example` writes them
//! as scenarios. This room decides what differs and why; how it is shown is `report`'s.

pub mod campaign;
mod class;
mod collectors;
mod compare;
pub mod copies;
mod errors;
mod example;
mod judged;
mod rule;

pub use class::Class;
pub use compare::{
    Aspect, Comparison, Difference, Effect, EndsDiffer, Errors, Fate, Pair, Unopenable, compare,
};
pub use example::scenario;
pub use judged::Named;

#[cfg(test)]
mod tests;
