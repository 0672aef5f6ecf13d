//! Whole-program tests, one module a command or a promise; one program, so that it is linked once.
//!
//! `cargo test --test all replay::` runs one module.

mod answers;
mod child;
mod collect;
mod conformance;
mod contract;
mod corpora;
mod diff;
mod endings;
mod exhaust;
mod explain;
mod explore;
mod export;
mod go;
mod grade;
mod graph;
mod library;
mod lint;
mod manners;
mod mended;
mod mutants;
mod names;
mod page;
mod program;
mod replay;
mod rooms;
mod roundtrips;
mod simulate;
mod terminal;
