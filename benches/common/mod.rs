//! What benchmarks share: the worlds, the walk that they are ratios of, and the literal port.

pub(crate) mod literal;
pub(crate) mod worlds;

use leasehold::bucket::{Entry, View};

/// Every key and value, their bytes added up: the least that anything does that reads the whole database.
pub(crate) fn walk(view: View<'_>) -> usize {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    let below = |entry| match entry {
        Entry::Value(value) => sum(value),
        Entry::Bucket(below) => walk(below),
    };
    view.iter().map(|(key, entry)| sum(key) + below(entry)).sum()
}
