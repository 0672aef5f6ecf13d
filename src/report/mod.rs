//! How results are shown: text for people, JSON for machines. Reports decide nothing.

pub mod collect;
pub mod releases;
pub mod simulate;
pub mod text;
