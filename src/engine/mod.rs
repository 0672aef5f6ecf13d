//! The collector: a port of containerd's `metadata/gc.go`, its driver and its tricolor marking.
//!
//! A collection reads a tree, a clock and what the registered collectors answer, and gives an [`Outcome`]. The
//! tree is a value, so nothing is changed: the outcome carries the tree as it is afterwards.
//!
//! ```text
//!   start      collectors start, label handlers are sorted          start.rs    startGCContext
//!   scan roots leases, images, ingests, pinned, containers, active  roots.rs    scanRoots
//!   mark       a stack of grey nodes and their references           mark.rs     gc.Tricolor
//!              what one node refers to                              references  references, sendLabelRefs
//!   sweep      walk all, remove what is not marked                  sweep.rs    scanAll, remove
//!   end        finish the collectors, or cancel them                collect.rs  DB.GarbageCollect
//! ```
//!
//! Each function keeps containerd's name. Releases differ by the rules in [`crate::release`]; a release's defects
//! are reproduced as shipped. The engine knows nothing of the oracle, and shares no reading of labels or times
//! with it.

mod collect;
mod conditions;
mod faults;
mod labels;
mod mark;
mod namespaces;
mod nodes;
mod outcome;
mod references;
mod roots;
mod start;
mod sweep;

pub use collect::{Collection, Request, collect, collect_with};
pub use faults::{Fault, Faults, NoFault, Point};
pub use nodes::{NodeId, NodeTable};
pub use outcome::{Call, CollectorCall, Dirty, Level, LogEvent, Outcome};
