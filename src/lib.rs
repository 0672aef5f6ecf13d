//! Leasehold simulates, fuzzes and explains containerd's metadata garbage collector.

pub mod bucket;
pub mod collector;
pub mod engine;
pub mod instant;
pub mod node;
pub mod release;
pub mod scenario;
pub mod schema;
