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
//! there, a function that hands its bytes over, and the glue.

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
pub use finding::Found;
pub use target::{Input, Target};
pub use text::mutate_scenario;

use crate::engine::Fault;
use crate::release::Release;

const fn honest(name: &'static str, input: Input) -> Target {
    Target { name, input, fault: None }
}

/// Every target, sorted by name.
pub static TARGETS: [Target; 9] = [
    honest("bolt", Input::Situation { draw: tree::read, releases: &[Release::V1_7Beta, Release::V2_4] }),
    honest("bucket", Input::Bytes(bucket::bucket)),
    Target {
        fault: Some(Fault::LeaseIngestsForgotten),
        ..honest("canary", Input::Situation { draw: tree::drawn, releases: &[Release::V1_7Beta] })
    },
    honest("differential", Input::Clients(clients::drawn)),
    honest("labels", Input::Situation { draw: tree::labelled, releases: &Release::ALL }),
    honest("roundtrip", Input::Bytes(text::roundtrip)),
    honest("scenario", Input::Steps(text::parsed)),
    honest("times", Input::Bytes(times::times)),
    honest("tree", Input::Situation { draw: tree::drawn, releases: &Release::ALL }),
];

fn hold(name: &str, bytes: &[u8]) {
    Target::named(name).expect("every body has a row").hold(bytes);
}

/// read(bytes) is an error or a tree, read(write(tree)) = tree, and engine(tree) = oracle(tree): whatever a file holds,
/// nothing panics.
pub fn bolt(bytes: &[u8]) {
    hold("bolt", bytes);
}

/// bucket(edits) = BTreeMap(edits), old snapshots and seeks included, and diff(a, b) is empty exactly if a = b.
pub fn bucket(bytes: &[u8]) {
    hold("bucket", bytes);
}

/// The target `tree` for 1.7.0-beta.1 with a fault in the engine: must be found.
pub fn canary(bytes: &[u8]) {
    hold("canary", bytes);
}

/// engine(steps) = oracle(steps): every collection that generated clients run into holds all properties.
pub fn differential(bytes: &[u8]) {
    hold("differential", bytes);
}

/// engine(labels) = oracle(labels): any label keys and values on every kind of object, beside collectors with any
/// reference label.
pub fn labels(bytes: &[u8]) {
    hold("labels", bytes);
}

/// parse(print(s)) = s for generated scenarios, and as JSON or as a bbolt file and back a generated tree is the same.
pub fn roundtrip(bytes: &[u8]) {
    hold("roundtrip", bytes);
}

/// parse(print(parse(text))) = parse(text), and every collection of a replay holds all properties.
pub fn scenario(bytes: &[u8]) {
    hold("scenario", bytes);
}

/// schema(text) = oracle(text) for Go's RFC 3339, binary times and durations, and parse(format(instant)) = instant.
pub fn times(bytes: &[u8]) {
    hold("times", bytes);
}

/// engine(tree) = oracle(tree), for any tree and every release: marked set, removals, tree, errors and collectors.
pub fn tree(bytes: &[u8]) {
    hold("tree", bytes);
}
