//! The wide form: a persistent ordered map. The only file that names `im`.
//!
//! `im` here is imbl, the maintained continuation of im. Only operations that are right in both are used: get,
//! get_mut, insert, remove, range from a lower bound forward, diff and clone; never `get_next`, `get_prev` or an
//! iterator run backwards, which im 15.1.0 gets wrong beyond one tree node.

use super::packed::{self, Body};
use super::{Bucket, Entry, Refusal, Repr};
use im::OrdMap;
use im::ordmap::{DiffItem, RangedIter};
use std::ops::Bound;
use std::sync::Arc;

pub(super) type Key = Arc<[u8]>;

/// A bucket that outgrew one block.
#[derive(Clone, PartialEq)]
pub(super) struct Wide {
    map: OrdMap<Key, Slot>,
    pub(super) sequence: u64,
}

#[derive(Clone)]
pub(super) enum Slot {
    Value(Arc<[u8]>),
    Bucket(Bucket),
}

impl Slot {
    pub(super) fn entry(&self) -> Entry<'_> {
        match self {
            Slot::Value(value) => Entry::Value(value),
            Slot::Bucket(bucket) => Entry::Bucket(bucket.view()),
        }
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Slot) -> bool {
        match (self, other) {
            (Slot::Value(left), Slot::Value(right)) => Arc::ptr_eq(left, right) || left == right,
            (Slot::Bucket(left), Slot::Bucket(right)) => left == right,
            _ => false,
        }
    }
}

/// A forward iterator from some key on.
pub(super) type Run<'a> = RangedIter<'a, Key, Slot, im::shared_ptr::DefaultSharedPtr>;

impl Wide {
    pub(super) fn new(sequence: u64, slots: impl IntoIterator<Item = (Key, Slot)>) -> Wide {
        let mut map = OrdMap::new();
        for (key, slot) in slots {
            map.insert(key, slot);
        }
        Wide { map, sequence }
    }

    pub(super) fn count(&self) -> usize {
        self.map.len()
    }

    pub(super) fn entry(&self, key: &[u8]) -> Option<Entry<'_>> {
        self.map.get(key).map(Slot::entry)
    }

    pub(super) fn entry_and_key(&self, key: &[u8]) -> Option<(&[u8], Entry<'_>)> {
        self.map.get_key_value(key).map(|(key, slot)| (&**key, slot.entry()))
    }

    pub(super) fn slot_mut(&mut self, key: &[u8]) -> Option<&mut Slot> {
        self.map.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: &[u8], slot: Slot) {
        self.map.insert(Arc::from(key), slot);
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.map.remove(key);
    }

    /// Removes a sub-bucket.
    pub(super) fn remove_bucket(&mut self, key: &[u8]) -> Result<(), Refusal> {
        match self.map.remove_with_key(key) {
            Some((_, Slot::Bucket(_))) => Ok(()),
            Some((key, value)) => {
                self.map.insert(key, value);
                Err(Refusal::IncompatibleValue)
            }
            None => Err(Refusal::BucketNotFound),
        }
    }

    /// The entries from a key on.
    pub(super) fn run_from(&self, key: &[u8]) -> Run<'_> {
        self.map.range::<_, [u8]>((Bound::Included(key), Bound::Unbounded))
    }

    /// The entries that differ, found by skipping every map node that both share.
    pub(super) fn diff<'a>(
        &'a self,
        after: &'a Wide,
    ) -> Vec<(&'a [u8], Option<Entry<'a>>, Option<Entry<'a>>)> {
        let items = self.map.diff(&after.map);
        let changed = items.map(|item| match item {
            DiffItem::Add(key, new) => (&**key, None, Some(new.entry())),
            DiffItem::Remove(key, old) => (&**key, Some(old.entry()), None),
            DiffItem::Update { old: (key, old), new: (_, new) } => {
                (&**key, Some(old.entry()), Some(new.entry()))
            }
        });
        changed.collect()
    }
}

/// A packed bucket as a wide one; its sub-buckets stay packed where they fit into a block of their own.
pub(super) fn widen(body: Body<'_>) -> Wide {
    let slots = body.slots().map(|slot| (Arc::from(slot.key), owned(slot)));
    Wide::new(body.sequence(), slots)
}

/// An entry of a packed body, by itself. A sub-bucket of a block fits into one.
pub(super) fn owned(slot: packed::Slot<'_>) -> Slot {
    if slot.is_bucket {
        Slot::Bucket(Bucket(Repr::Packed(Arc::from(slot.rest))))
    } else {
        Slot::Value(Arc::from(slot.rest))
    }
}
