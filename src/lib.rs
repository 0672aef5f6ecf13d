//! Leasehold simulates, fuzzes and explains containerd's metadata garbage collector.

pub mod bucket;
pub mod collector;
pub mod instant;
pub mod metadata;
pub mod node;
pub mod release;
pub mod schema;
