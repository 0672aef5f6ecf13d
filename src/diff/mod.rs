//! What an upgrade or a downgrade of containerd changes: one database, two releases.
//!
//! ```text
//!                      ┌─ opened by --from ─> judged ─┐                      each with both reasons,
//!   tree, collectors ──┤                              ├─> differences ──────> grouped by the rule that differs
//!                      └─ then opened by --to > judged ┘
//! ```
//!
//! [`Situation::under`](crate::situation::Situation::under) gives each daemon its collectors, `compare` judges both
//! sides and matches nodes by kind, namespace and key, `class` names the rules that may differ. The class of a
//! difference is derived and never guessed: along the chain that keeps a node in one release, the first hop that the
//! other release does not make is the rule that differs. What has no such hop is [`Class::Unexplained`], a finding.
//!
//! `campaign` compares generated cases and makes the examples of what it found small, and `example` writes them
//! as scenarios. This room decides what differs and why; how it is shown is `report`'s.

pub mod campaign;
mod class;
mod compare;
mod example;

pub use class::Class;
pub use compare::{
    Comparison, Difference, Effect, EndsDiffer, ErrorsDiffer, Fate, Pair, Unopenable, compare,
};
pub use example::scenario;

#[cfg(test)]
mod tests;
