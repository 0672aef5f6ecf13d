//! The collector: a port of containerd's `metadata/gc.go`, its driver and its tricolor marking.
//!
//! A collection reads a tree, a clock and what the registered collectors answer, and gives an [`Outcome`]. The
//! tree is a value, so nothing is changed: the outcome carries the tree as it is afterwards.
//!
//! ```text
//!   start      collectors start, label handlers are sorted          context.rs  startGCContext
//!   scan roots leases, images, ingests, pinned, containers, active  roots.rs    scanRoots
//!   mark       a stack of grey nodes and their references           mark.rs     gc.Tricolor
//!              what one node refers to                              references.rs  references
//!              labels: their handlers, and what they refer to       labels.rs   sendLabelRefs, the handlers of startGCContext
//!              conditional references                               conditions.rs  addCond, addCondVal
//!   sweep      walk all, remove what is not marked                  sweep.rs    scanAll, remove
//!   end        finish the collectors, or cancel them                collect.rs  DB.GarbageCollect
//! ```
//!
//! Functions keep containerd's names where it has one for the same thing. What is to be decided on the way stands in `decisions.rs`, a rule a method.
//! Releases differ by the rules in [`crate::release`]; a release's defects are reproduced as shipped. The engine knows
//! nothing of the oracle, and shares no reading of labels or times with it.
//!
//! For the harness's own sake a collection can be run with a [`Fault`], of which only `faults.rs` knows.

mod collect;
mod conditions;
mod context;
mod culprits;
mod decisions;
mod error;
mod faults;
mod labels;
mod mark;
mod namespaces;
mod nodes;
mod outcome;
mod phases;
mod references;
mod request;
mod roots;
mod sweep;

pub use collect::collect;
pub use culprits::{Culprit, NamedAs, Naming, Remedy, culprits};
pub use error::Error;
pub use faults::{Fault, collect_with};
pub use nodes::{NodeId, NodeTable};
pub use outcome::{Call, CollectorCall, Dirty, Level, LogEvent, Outcome};
pub use phases::{Phases, phases, walk};
pub use request::{Point, Request};
