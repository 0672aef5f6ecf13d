//! Scenarios: what happened to a daemon, one step a line.
//!
//! A [`Scenario`] is plain data. People write it, generators, the shrinker and the fuzzer emit it, replay applies
//! it; whatever fails ends as such a file. The text form and the data carry the same: `parse(print(s)) == s`
//! for every scenario that keeps the limits, with any bytes in names.
//!
//! ```text
//! # An expired lease no longer protects what it holds.     head
//! release 1.7.0-beta.1                                      the release of the daemon
//!
//! content put layer                                         steps: what clients do,
//! lease create pull expire=+1h                              the clock, raw edits, assertions
//! lease add pull content/layer
//! alice: ! not-found content delete other                   a client's step that is refused
//! gc
//! ---                                                       what the collection prints
//! keep    content/layer   lease/pull holds it
//! ```
//!
//! `step` is the data, `parse` and `print` are the text, `alias` lets content have everyday names, `limits`
//! holds what a file may cost, `flaw` says where a text is wrong, `render` draws that for a terminal, and
//! `generate` makes scenarios out of bytes. The manual is `scenarios/README.md`. This room knows nothing of what
//! a step does: it applies none, and checks none of containerd's rules.

pub mod alias;
mod duration;
mod flaw;
mod forms;
mod generate;
pub mod limits;
mod parse;
mod print;
#[cfg(feature = "cli")]
mod render;
mod step;
mod words;

pub use flaw::{Flaw, Flaws, Problem};
pub use forms::{FORMS, Form};
pub use generate::generate;
pub use parse::parse;
pub use print::{print, print_line, print_node, print_path, print_step};
#[cfg(feature = "cli")]
pub use render::render;
pub use step::{
    Assertion, CLOCK_START, Call, ContainerFields, DEFAULT_NAMESPACE, Expiry, ImageFields, KeyPath, Labels,
    Line, Name, NewSnapshot, NodeName, Outcome, RawValue, Refused, Replace, Resource, Scenario, Sharing,
    SnapshotName, Step, Text,
};

#[cfg(test)]
mod tests;
