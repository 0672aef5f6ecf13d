//! Generated cases through engine and oracle.
pub mod seed;
pub mod trees;
