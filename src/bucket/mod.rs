//! The persistent model of bbolt's nested buckets.
//!
//! A [`Bucket`] maps keys (bytes, ordered) to entries, a value or a sub-bucket, and has a sequence number, as
//! bbolt's does. It is a value: cloning takes constant time, an edit changes one holder's view and no other's,
//! and what did not change is shared. Reading goes through [`View`], which hands out byte slices.
//!
//! ```text
//!   wide   "v1" ─ "default" ─ "content" ─ "blob" ─┬─ "sha256:01.." ─> packed  [size|labels[gc.ref..]|..]
//!          (a persistent ordered map each)        ├─ "sha256:02.." ─> packed  [..]
//!                                                 └─ ...
//! ```
//!
//! Two representations stand behind this face, chosen by size. A bucket that fits into 8 KiB with everything
//! below it is *packed*: one block of bytes, much as bbolt inlines small buckets, so that an object with its
//! labels costs one allocation and is read without leaving the cache. Anything larger is *wide*: an `im` map.
//! Equality and [`diff`] try pointers first and then content, and never depend on the representation.
//!
//! The semantics are bbolt's: `get` of a sub-bucket and `bucket` of a value are absent, edits are refused with
//! bbolt's own errors, a cursor moves forward by `first`, `seek` and `next`. One limit holds for every input:
//! [`DEPTH_MAX`] levels. This room knows nothing of what containerd stores.

pub mod bolt;
mod builder;
mod cursor;
mod diff;
mod edit;
mod flat;
pub mod json;
#[doc(hidden)]
pub mod model;
mod packed;
mod wide;

pub use builder::{Builder, OutOfOrder};
pub use cursor::Cursor;
use cursor::Entries;
pub use diff::{Change, diff, find_change};
pub use edit::Refusal;

use std::fmt;
use std::sync::Arc;
use wide::Wide;

/// The number of levels below a root that any tree may have; every input is held to it while it is read.
pub const DEPTH_MAX: usize = 100;
/// The longest key in bytes (bbolt's `MaxKeySize`).
pub const KEY_BYTES_MAX: usize = 32_768;
/// The longest value in bytes (bbolt's `MaxValueSize`, 2^31 - 2).
pub const VALUE_BYTES_MAX: usize = (1 << 31) - 2;

/// A bucket and all below it, as a value.
#[derive(Clone)]
pub struct Bucket(Repr);

#[derive(Clone)]
enum Repr {
    /// The whole body in one block; see `packed.rs` for its layout.
    Packed(Arc<[u8]>),
    /// The same after an edit, with room for more: while nobody else holds it, the next edit needs no copy.
    Open(Arc<Vec<u8>>),
    Wide(Arc<Wide>),
}

/// A cheap, borrowed view of a bucket.
#[derive(Clone, Copy)]
pub struct View<'a>(ViewRepr<'a>);

#[derive(Clone, Copy)]
enum ViewRepr<'a> {
    Packed(packed::Body<'a>),
    Wide(&'a Wide),
}

/// What a key holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<'a> {
    /// A value; it may be empty.
    Value(&'a [u8]),
    /// A sub-bucket.
    Bucket(View<'a>),
}

impl<'a> Entry<'a> {
    /// The value; absent for a sub-bucket, as bbolt's cursor yields nil for one.
    #[inline]
    pub fn value(self) -> Option<&'a [u8]> {
        match self {
            Entry::Value(value) => Some(value),
            Entry::Bucket(_) => None,
        }
    }

    /// The sub-bucket; absent for a value.
    #[inline]
    pub fn bucket(self) -> Option<View<'a>> {
        match self {
            Entry::Bucket(view) => Some(view),
            Entry::Value(_) => None,
        }
    }
}

impl Bucket {
    /// An empty bucket with sequence number 0.
    pub fn new() -> Bucket {
        Bucket(Repr::Packed(Arc::from(&packed::EMPTY[..])))
    }

    /// The view through which this bucket is read.
    pub fn view(&self) -> View<'_> {
        View(match &self.0 {
            Repr::Packed(bytes) => ViewRepr::Packed(packed::Body::new(bytes)),
            Repr::Open(bytes) => ViewRepr::Packed(packed::Body::new(bytes)),
            Repr::Wide(wide) => ViewRepr::Wide(wide),
        })
    }

    /// The value under a key; absent for a sub-bucket (bbolt's `Bucket.Get`).
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.view().get(key)
    }

    /// The sub-bucket under a key; absent for a value (bbolt's `Bucket.Bucket`).
    pub fn bucket(&self, key: &[u8]) -> Option<View<'_>> {
        self.view().bucket(key)
    }

    /// Whether two holders share one block, so that nothing was changed between them; false says nothing.
    pub fn same_block(&self, other: &Bucket) -> bool {
        match (&self.0, &other.0) {
            (Repr::Packed(left), Repr::Packed(right)) => Arc::ptr_eq(left, right),
            (Repr::Open(left), Repr::Open(right)) => Arc::ptr_eq(left, right),
            (Repr::Wide(left), Repr::Wide(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl<'a> View<'a> {
    /// An empty bucket with sequence number 0.
    pub const EMPTY: View<'static> = View(ViewRepr::Packed(packed::Body::new(&packed::EMPTY)));

    /// The entry under a key.
    pub fn entry(self, key: &[u8]) -> Option<Entry<'a>> {
        match self.0 {
            ViewRepr::Packed(body) => body.find(key).map(packed::Slot::entry),
            ViewRepr::Wide(wide) => wide.entry(key),
        }
    }

    /// The value under a key; absent for a sub-bucket (bbolt's `Bucket.Get`).
    pub fn get(self, key: &[u8]) -> Option<&'a [u8]> {
        self.entry(key)?.value()
    }

    /// The sub-bucket under a key; absent for a value (bbolt's `Bucket.Bucket`).
    pub fn bucket(self, key: &[u8]) -> Option<View<'a>> {
        self.entry(key)?.bucket()
    }

    /// The sub-bucket under a key, with the key as it is stored, which lives as long as the tree.
    pub fn bucket_and_key(self, key: &[u8]) -> Option<(&'a [u8], View<'a>)> {
        let (key, entry) = match self.0 {
            ViewRepr::Packed(body) => body.find(key).map(|slot| (slot.key, slot.entry())),
            ViewRepr::Wide(wide) => wide.entry_and_key(key),
        }?;
        Some((key, entry.bucket()?))
    }

    /// The entries under several keys, as an object's fields are asked for: one pass finds them all.
    #[inline]
    pub fn fields<const COUNT: usize>(self, keys: [&[u8]; COUNT]) -> [Option<Entry<'a>>; COUNT] {
        match self.0 {
            ViewRepr::Packed(body) => {
                let mut found = [None; COUNT];
                for slot in body.slots() {
                    for (found, key) in found.iter_mut().zip(keys) {
                        if packed::is_same(slot.key, key) {
                            *found = Some(slot.entry());
                        }
                    }
                }
                found
            }
            ViewRepr::Wide(wide) => keys.map(|key| wide.entry(key)),
        }
    }

    /// The sub-buckets under several keys, found in one pass.
    #[inline]
    pub fn buckets_under<const COUNT: usize>(self, keys: [&[u8]; COUNT]) -> [Option<View<'a>>; COUNT] {
        self.fields(keys).map(|entry| entry.and_then(Entry::bucket))
    }

    /// The bucket at the end of a path of keys; the view itself for an empty path.
    pub fn at(self, path: &[&[u8]]) -> Option<View<'a>> {
        path.iter().try_fold(self, |view, key| view.bucket(key))
    }

    /// The sequence number (bbolt's `Bucket.Sequence`).
    pub fn sequence(self) -> u64 {
        match self.0 {
            ViewRepr::Packed(body) => body.sequence(),
            ViewRepr::Wide(wide) => wide.sequence,
        }
    }

    /// A cursor that moves forward in the order of the keys.
    pub fn cursor(self) -> Cursor<'a> {
        Cursor::new(self)
    }

    /// Every entry in the order of the keys.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
        Entries::new(self)
    }

    /// Every sub-bucket in the order of the keys; values are passed over, as containerd's iterations do.
    #[inline]
    pub fn buckets(self) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
        self.iter().filter_map(|(key, entry)| Some((key, entry.bucket()?)))
    }

    /// This bucket and every one below it, in the order of the keys, a bucket before what it holds. Each comes with
    /// what `below` makes of its key and of what the bucket around it came with; this one comes with `here`.
    pub fn walk<T>(self, here: T, below: impl Fn(&T, &'a [u8]) -> T) -> impl Iterator<Item = (T, View<'a>)> {
        // A work list; reversed where it grows, so that buckets come out in order.
        let mut pending = vec![(here, self)];
        std::iter::from_fn(move || {
            let (here, bucket) = pending.pop()?;
            let first = pending.len();
            pending.extend(bucket.buckets().map(|(key, inner)| (below(&here, key), inner)));
            pending[first..].reverse();
            Some((here, bucket))
        })
    }

    /// The same with the path of each bucket from this one.
    pub fn walk_paths(self) -> impl Iterator<Item = (Vec<&'a [u8]>, View<'a>)> {
        self.walk(Vec::new(), |path: &Vec<&'a [u8]>, key| [&path[..], &[key]].concat())
    }

    /// Whether there is no entry.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// How many entries there are, if they are many; 0 for a packed bucket, whose entries nobody has counted.
    pub fn count_at_least(self) -> usize {
        match self.0 {
            ViewRepr::Packed(_) => 0,
            ViewRepr::Wide(wide) => wide.count(),
        }
    }

    /// An owned bucket of the same content; constant time for a wide bucket, a copy for a packed one.
    pub fn to_bucket(self) -> Bucket {
        Bucket(match self.0 {
            ViewRepr::Packed(body) => Repr::Packed(Arc::from(body.bytes())),
            ViewRepr::Wide(wide) => Repr::Wide(Arc::new(wide.clone())),
        })
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Bucket::new()
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Bucket) -> bool {
        self.same_block(other) || self.view() == other.view()
    }
}

impl Eq for Bucket {}

impl PartialEq for View<'_> {
    fn eq(&self, other: &View<'_>) -> bool {
        match (self.0, other.0) {
            // The packed form of a content is unique, so bytes decide.
            (ViewRepr::Packed(left), ViewRepr::Packed(right)) => left.bytes() == right.bytes(),
            (ViewRepr::Wide(left), ViewRepr::Wide(right)) => left == right,
            _ => self.sequence() == other.sequence() && self.iter().eq(other.iter()),
        }
    }
}

impl Eq for View<'_> {}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, entry) in self.iter() {
            let key = format_args!("{}", key.escape_ascii()).to_string();
            match entry {
                Entry::Value(value) => map.entry(&key, &value.escape_ascii().to_string()),
                Entry::Bucket(bucket) => map.entry(&key, &bucket),
            };
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests;
