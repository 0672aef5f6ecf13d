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
//! `step` has every step, one row each: its `form` and its fields. `table` makes data and text of a row; what a field
//! does with its place in the form is in `part`, what one value looks like in `value`. `line` is a scenario as data and
//! `data` what steps are made of, `parse` and `print` are the text of whole scenarios, `words` and `arguments` take a
//! line apart, `quote` writes words, `alias` lets content have everyday names, `limits` holds what a file may cost, `flaw`
//! says where a text is wrong, `render` draws that for a terminal, and `generate` makes scenarios out of bytes. The
//! manual is `scenarios/README.md`. This room knows nothing of what a step does: it applies none, and checks none of
//! containerd's rules.

pub mod alias;
mod arguments;
mod data;
mod duration;
mod flaw;
mod form;
mod generate;
pub mod limits;
mod line;
mod parse;
mod part;
mod print;
mod promise;
mod quote;
#[cfg(feature = "cli")]
mod render;
mod step;
mod table;
mod value;
mod words;

pub use data::{
    Call, Expiry, KeyPath, Labels, Name, NodeName, Pause, RawValue, Replace, Resource, Sharing, SnapshotName,
    kind_of_word,
};
pub use flaw::{Flaw, Flaws};
pub use form::Form;
pub use generate::generate;
pub use line::{CLOCK_START, DEFAULT_NAMESPACE, Guard, Line, Outcome, Refused, Scenario, Text};
pub use parse::{parse, parse_under};
pub use print::{print, print_line, print_step};
pub use promise::{Condition, Promise, State};
pub use quote::{print_label, print_node, print_node_cut, print_path, print_value, quoted};
#[cfg(feature = "cli")]
pub use render::render;
pub use step::{Assertion, ContainerFields, ImageFields, NewSnapshot, SchedulerSettings, Step, forms};

#[cfg(test)]
mod tests;
