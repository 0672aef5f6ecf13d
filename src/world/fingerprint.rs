//! By what worlds are told apart: a hash over all that a later step, a collection or an expectation may depend on.
//!
//! ```text
//!   world ──┬── still     what no clock changes, as 128 bits
//!           └── moments   each time that somebody may read yet, as its distance from the clock
//! ```
//!
//! When something was created or changed is only written down, and left out. The times that are read are given apart, so
//! that who explores can say which distances make a difference. What the last collection did is no part of it: that is the
//! past.

use super::{Collected, World};
use crate::bucket::View;
use crate::instant::Instant;
use crate::schema::{names, time};
use crate::situation::Situation;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use twox_hash::XxHash3_128;

/// What a world is told apart by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fingerprint {
    /// All but times.
    pub still: u128,
    /// The times that may be read, in nanoseconds from the clock, in the order of the database.
    pub moments: Vec<i128>,
    /// Some label compares a time that went by, so that more instants matter than these times.
    pub compares: bool,
}

impl World {
    /// By what this world is told apart.
    pub fn fingerprint(&self) -> Fingerprint {
        let World { store, now, built_with, actors, handles, collectors, streams, .. } = self;
        let mut times = Times { now: *now, moments: Vec::new(), compares: false };
        let still = Bytes::hash(|bytes| {
            times.tree(store.tree.view(), bytes);
            store.hash_less_tree(bytes);
            // Leases end at whole seconds.
            (now.nanoseconds, built_with, actors, handles, collectors, streams).hash(bytes);
            (self.has_streams, &self.scheduled, self.is_hung, &self.words, &self.lost).hash(bytes);
            if let Some(schedule) = &self.schedule {
                schedule.hash(bytes);
            }
        });
        let Times { moments, compares, .. } = times;
        Fingerprint { still, moments, compares }
    }
}

impl Collected {
    /// By what this collection is told apart from others: who asks, and what no collection reads, is no part of it.
    pub fn fingerprint(&self) -> u128 {
        let Collected { before, cancel_at_root, .. } = self;
        let Situation { tree, collectors, release, now, built_with, last_iterated } = before;
        let mut times = Times { now: *now, moments: Vec::new(), compares: false };
        Bytes::hash(|bytes| {
            times.tree(tree.view(), bytes);
            (times.moments, now, collectors, release, built_with, last_iterated, cancel_at_root).hash(bytes);
        })
    }
}

impl Fingerprint {
    /// One hash of it all, the times exact.
    pub fn exact(&self) -> u128 {
        Bytes::hash(|bytes| self.hash(bytes))
    }
}

/// The times that are met on the way through the database.
struct Times {
    now: Instant,
    moments: Vec<i128>,
    compares: bool,
}

impl Times {
    /// Adds the database, less its times.
    fn tree(&mut self, tree: View<'_>, bytes: &mut Bytes) {
        tree.write_less(&mut bytes.0, |around, name, value| self.is_time(around, name, value));
    }

    /// Whether a value is a time; one that may be read is noted.
    fn is_time(&mut self, around: &[u8], name: &[u8], value: &[u8]) -> bool {
        if around == names::LABELS {
            self.compares |= name.starts_with(names::GC_COND_SNAPSHOT);
            let is_read = name == names::GC_EXPIRE || name.starts_with(names::GC_COND_USED_AT);
            return is_read && self.note(time::parse_rfc3339(value).ok());
        }
        match name {
            b"createdat" | b"updatedat" => time::from_binary(value).is_ok(),
            names::EXPIRE_AT => self.note(time::from_binary(value).ok()),
            _ => false,
        }
    }

    fn note(&mut self, at: Option<Instant>) -> bool {
        self.moments.extend(at.map(|at| nanoseconds(at) - nanoseconds(self.now)));
        at.is_some()
    }
}

fn nanoseconds(at: Instant) -> i128 {
    i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanoseconds)
}

/// What would be hashed, as bytes: one pass over them gives 128 bits.
struct Bytes(Vec<u8>);

thread_local! {
    /// Worlds are told apart at every move: the room for their bytes is kept.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Bytes {
    /// The hash of what is written.
    fn hash(write: impl FnOnce(&mut Bytes)) -> u128 {
        let mut bytes = Bytes(ROOM.take());
        bytes.0.clear();
        write(&mut bytes);
        let hash = XxHash3_128::oneshot(&bytes.0);
        ROOM.set(bytes.0);
        hash
    }
}

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the bytes are hashed as a whole")
    }
}
