//! Leasehold simulates, fuzzes and explains containerd's metadata garbage collector.

pub mod bucket;
#[cfg(feature = "cli")]
pub mod cli;
pub mod collector;
pub mod conformance;
pub mod engine;
pub mod fuzzing;
pub mod instant;
pub mod metadata;
pub mod node;
pub mod oracle;
pub mod release;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod schema;
pub mod simulate;
pub mod world;
