//! The body of each fuzz target, as a function of bytes.
//!
//! The targets in `fuzz/` are glue: they hand their bytes over and nothing else, so that stable Rust replays every
//! corpus in `cargo test`. A body panics with the sentence of what does not hold. Each states its property as an
//! equation; `fuzz/README.md` lists them.
//!
//! ```text
//!   bytes ──> case or steps ──> check ──> finding ──> smaller ──> scenario    `target`, `finding`
//!                                                                    └──> beside the artifact    `artifact`
//! ```
//!
//! What the bytes of a target stand for is said once, in [`TARGETS`]: the body checks it, a failure leaves it beside
//! the fuzzer's artifact as a small scenario, and `leasehold replay --target` does both again. A new target is a row
//! there and the glue.

mod artifact;
mod bucket;
mod clients;
mod file;
mod finding;
mod target;
mod text;
mod times;
mod tree;

pub use clients::Clients;
pub use file::mutate_bolt;
pub use finding::Hit;
pub use target::{Input, Target};
pub use text::mutate_scenario;

use crate::engine::Fault::LeaseIngestsForgotten;
use crate::release::Release;
use crate::world::Fault;

/// Declares the targets, sorted by name: what must hold, the name, the fault of the engine, and what the bytes stand for.
macro_rules! targets {
    ($($(#[$property:meta])* $name:ident, $fault:expr, $input:expr;)*) => {
        /// Every target, sorted by name.
        pub static TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), input: $input, fault: $fault },)*];

        $(
            $(#[$property])*
            pub fn $name(bytes: &[u8]) {
                Target::named(stringify!($name)).expect("every body has a row").hold(bytes);
            }
        )*
    };
}

targets! {
    /// read(bytes) is an error or a tree, read(write(tree)) = tree, and engine(tree) = oracle(tree): whatever a file holds,
    /// nothing panics.
    bolt, None, Input::Situation { draw: tree::read, releases: &[Release::V1_7Beta, Release::V2_4] };
    /// bucket(edits) = BTreeMap(edits), old snapshots and seeks included, and diff(a, b) is empty exactly if a = b.
    bucket, None, Input::Bytes(bucket::bucket);
    /// The target `tree` for 1.7.0-beta.1 with a fault in the engine: must be found.
    canary, Some(Fault::Collector(LeaseIngestsForgotten)), Input::Situation { draw: tree::drawn, releases: &[Release::V1_7Beta] };
    /// engine(steps) = oracle(steps): every collection that generated clients run into holds all properties.
    differential, None, Input::Clients(clients::drawn);
    /// engine(labels) = oracle(labels): any label keys and values on every kind of object, beside collectors with any
    /// reference label.
    labels, None, Input::Situation { draw: tree::labelled, releases: &Release::ALL };
    /// parse(print(s)) = s for generated scenarios, and as JSON or as a bbolt file and back a generated tree is the same.
    roundtrip, None, Input::Bytes(text::roundtrip);
    /// parse(print(parse(text))) = parse(text), and every collection of a replay holds all properties.
    scenario, None, Input::Steps(text::parsed);
    /// schema(text) = oracle(text) for Go's RFC 3339, binary times and durations, and parse(format(instant)) = instant.
    times, None, Input::Bytes(times::times);
    /// engine(tree) = oracle(tree), for any tree and every release: marked set, removals, tree, errors and collectors.
    tree, None, Input::Situation { draw: tree::drawn, releases: &Release::ALL };
}
