//! The body of each fuzz target, as a function of bytes.
//!
//! The targets in `fuzz/` are glue: they hand their bytes over and nothing else, so that stable Rust replays every
//! corpus in `cargo test`. A body panics with the sentence of what does not hold. Each states its property as an
//! equation; `fuzz/README.md` lists them.

mod bucket;
mod text;
mod times;
mod tree;

pub use bucket::bucket;
pub use text::{mutate_scenario, roundtrip, scenario};
pub use times::times;
pub use tree::{bolt, canary, labels, tree};

/// A target's name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, for those who replay corpora.
pub const TARGETS: &[Target] = &[
    ("bolt", bolt),
    ("bucket", bucket),
    ("labels", labels),
    ("roundtrip", roundtrip),
    ("scenario", scenario),
    ("times", times),
    ("tree", tree),
];
