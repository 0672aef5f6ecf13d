//! How results are shown: text for people, JSON for machines. Reports decide nothing.

pub mod child;
pub mod collect;
pub mod diff;
pub mod exhaust;
pub mod finding;
pub mod gc;
pub mod grade;
pub mod reason;
pub mod releases;
pub mod shell;
pub mod simulate;
pub mod step;
pub mod text;
