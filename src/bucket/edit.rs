//! Edits, with bbolt's refusals.
//!
//! An edit names the bucket by its path of keys and changes one entry. On a packed bucket it is one splice of
//! the block; on a wide one the map's nodes along the key are copied where another holder shares them.

use super::packed::{self, Body};
use super::wide::{Slot, from_body, widen};
use super::{Bucket, DEPTH_MAX, Entry, KEY_BYTES_MAX, Repr, VALUE_BYTES_MAX, View};
use std::sync::Arc;

/// Why an edit was refused. Nothing has changed then. The texts are bbolt's where bbolt has the case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no bucket at the path, or none under the key that was to be deleted.
    #[error("bucket not found")]
    BucketNotFound,
    /// The bucket to be created exists.
    #[error("bucket already exists")]
    BucketExists,
    /// A value stands where a bucket is needed, or a bucket where a value is.
    #[error("incompatible value")]
    IncompatibleValue,
    /// A value needs a key of at least one byte.
    #[error("key required")]
    KeyRequired,
    /// A bucket needs a name of at least one byte.
    #[error("bucket name required")]
    BucketNameRequired,
    /// The key is longer than [`KEY_BYTES_MAX`].
    #[error("key too large")]
    KeyTooLarge,
    /// The value is longer than [`VALUE_BYTES_MAX`].
    #[error("value too large")]
    ValueTooLarge,
    /// The tree would be deeper than [`DEPTH_MAX`] levels.
    #[error("buckets nested more than {DEPTH_MAX} levels deep")]
    TooDeep,
}

/// One change to one bucket.
#[derive(Clone, Copy)]
enum Edit<'a> {
    Put(&'a [u8], &'a [u8]),
    /// Creates or replaces a sub-bucket.
    Graft(&'a [u8], View<'a>),
    Remove(&'a [u8]),
    SetSequence(u64),
}

impl Bucket {
    /// Sets a value (bbolt's `Bucket.Put`).
    ///
    /// # Errors
    /// No bucket at the path; a sub-bucket under the key; a key that is empty or too long; a value too long.
    pub fn put(&mut self, path: &[&[u8]], key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if key.is_empty() {
            return Err(Refusal::KeyRequired);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::KeyTooLarge);
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(Refusal::ValueTooLarge);
        }
        match self.addressed(path)?.entry(key) {
            Some(Entry::Bucket(_)) => Err(Refusal::IncompatibleValue),
            _ => self.apply(path, Edit::Put(key, value)),
        }
    }

    /// Creates an empty sub-bucket (bbolt's `Bucket.CreateBucket`).
    ///
    /// # Errors
    /// No bucket at the path; the key is taken, empty or too long; the tree would be too deep.
    pub fn create_bucket(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        match self.addressed(path)?.entry(key) {
            Some(Entry::Bucket(_)) => Err(Refusal::BucketExists),
            Some(Entry::Value(_)) => Err(Refusal::IncompatibleValue),
            None => self.graft(path, key, &Bucket::new()),
        }
    }

    /// Puts a whole bucket under a key, in place of the sub-bucket that may stand there.
    ///
    /// # Errors
    /// No bucket at the path; a value under the key; a key that is empty or too long; the tree would be too deep.
    pub fn graft(&mut self, path: &[&[u8]], key: &[u8], bucket: &Bucket) -> Result<(), Refusal> {
        if key.is_empty() {
            return Err(Refusal::BucketNameRequired);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::KeyTooLarge);
        }
        if path.len() + 1 + depth(bucket.view()) > DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        match self.addressed(path)?.entry(key) {
            Some(Entry::Value(_)) => Err(Refusal::IncompatibleValue),
            _ => self.apply(path, Edit::Graft(key, bucket.view())),
        }
    }

    /// Removes a value; a missing one is no error (bbolt's `Bucket.Delete`).
    ///
    /// # Errors
    /// No bucket at the path; a sub-bucket under the key.
    pub fn delete(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        match self.addressed(path)?.entry(key) {
            None => Ok(()),
            Some(Entry::Bucket(_)) => Err(Refusal::IncompatibleValue),
            Some(Entry::Value(_)) => self.apply(path, Edit::Remove(key)),
        }
    }

    /// Removes a sub-bucket with all below it (bbolt's `Bucket.DeleteBucket`).
    ///
    /// # Errors
    /// No bucket at the path or under the key; a value under the key.
    pub fn delete_bucket(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        match self.addressed(path)?.entry(key) {
            None => Err(Refusal::BucketNotFound),
            Some(Entry::Value(_)) => Err(Refusal::IncompatibleValue),
            Some(Entry::Bucket(_)) => self.apply(path, Edit::Remove(key)),
        }
    }

    /// Sets a bucket's sequence number (bbolt's `Bucket.SetSequence`).
    ///
    /// # Errors
    /// No bucket at the path.
    pub fn set_sequence(&mut self, path: &[&[u8]], sequence: u64) -> Result<(), Refusal> {
        self.addressed(path)?;
        self.apply(path, Edit::SetSequence(sequence))
    }

    fn addressed(&self, path: &[&[u8]]) -> Result<View<'_>, Refusal> {
        self.view().at(path).ok_or(Refusal::BucketNotFound)
    }

    /// Carries out an edit whose path is known to exist.
    fn apply(&mut self, path: &[&[u8]], edit: Edit<'_>) -> Result<(), Refusal> {
        let mut bucket = self;
        let mut path = path.iter();
        loop {
            if let Some(block) = bucket.block() {
                if let Some(splice) = Splice::of(block, path.as_slice(), edit) {
                    splice.carry_out(bucket.own_block());
                    return Ok(());
                }
                bucket.0 = Repr::Wide(Arc::new(widen(Body::new(block))));
            }
            let Repr::Wide(wide) = &mut bucket.0 else { unreachable!("a packed bucket was widened above") };
            let wide = Arc::make_mut(wide);
            let Some(key) = path.next() else {
                match edit {
                    Edit::Put(key, value) => wide.insert(key, Slot::Value(Arc::from(value))),
                    Edit::Graft(key, view) => wide.insert(key, Slot::Bucket(view.to_bucket())),
                    Edit::Remove(key) => wide.remove(key),
                    Edit::SetSequence(sequence) => wide.sequence = sequence,
                }
                return Ok(());
            };
            let Some(Slot::Bucket(below)) = wide.slot_mut(key) else { return Err(Refusal::BucketNotFound) };
            bucket = below;
        }
    }
}

/// How a block changes: some bytes give way to an entry, and the lengths of what is around them follow.
struct Splice<'a> {
    /// Where the entries begin that enclose the change, from the outside in.
    enclosing: [usize; DEPTH_MAX],
    depth: usize,
    /// Where the change is, and how many bytes go.
    at: usize,
    old: usize,
    new: New<'a>,
}

/// What comes in place of the bytes that go.
enum New<'a> {
    Nothing,
    Entry { is_bucket: bool, key: &'a [u8], rest: &'a [u8] },
    Sequence(u64),
}

impl<'a> Splice<'a> {
    /// The change that an edit in the bucket at the path makes; none if the result does not belong in one block.
    fn of(block: &[u8], path: &[&[u8]], edit: Edit<'a>) -> Option<Splice<'a>> {
        let mut enclosing = [0; DEPTH_MAX];
        let (mut start, mut body) = (0, Body::new(block));
        for (level, key) in path.iter().enumerate() {
            let slot = body.find(key)?;
            enclosing[level] = start + slot.start;
            start += slot.end - slot.rest.len();
            body = Body::new(slot.rest);
        }
        let depth = path.len();
        let (key, new) = match edit {
            Edit::SetSequence(sequence) => {
                let (old, new) = (packed::SEQUENCE_BYTES, New::Sequence(sequence));
                return Some(Splice { enclosing, depth, at: start, old, new });
            }
            Edit::Put(key, rest) => (key, New::Entry { is_bucket: false, key, rest }),
            Edit::Graft(key, view) => (key, New::Entry { is_bucket: true, key, rest: view.as_packed()? }),
            Edit::Remove(key) => (key, New::Nothing),
        };
        let found = body.seek(key);
        let at = start + found.map_or(body.bytes().len(), |slot| slot.start);
        let old = found.filter(|slot| slot.key == key).map_or(0, |slot| slot.end - slot.start);
        let splice = Splice { enclosing, depth, at, old, new };
        let grows = splice.new_bytes() > old;
        let fits = block.len() - old + splice.new_bytes() <= packed::BYTES_MAX;
        (fits || !grows).then_some(splice)
    }

    fn new_bytes(&self) -> usize {
        match self.new {
            New::Nothing => 0,
            New::Entry { key, rest, .. } => packed::entry_bytes(key, rest),
            New::Sequence(_) => packed::SEQUENCE_BYTES,
        }
    }

    fn carry_out(&self, block: &mut Vec<u8>) {
        let (at, old, new, length) = (self.at, self.old, self.new_bytes(), block.len());
        if new > old {
            block.resize(length + new - old, 0);
        }
        block.copy_within(at + old..length, at + new);
        block.truncate(length + new - old);
        match self.new {
            New::Nothing => {}
            New::Entry { is_bucket, key, rest } => {
                packed::write_entry_at(&mut block[at..at + new], is_bucket, key, rest);
            }
            New::Sequence(sequence) => block[at..at + new].copy_from_slice(&sequence.to_le_bytes()),
        }
        for entry_start in &self.enclosing[..self.depth] {
            packed::grow_entry(block, *entry_start, old, new);
        }
    }
}

/// The number of levels below a bucket.
fn depth(view: View<'_>) -> usize {
    let mut deepest = 0;
    let mut pending = vec![(view, 0)];
    while let Some((view, level)) = pending.pop() {
        deepest = deepest.max(level);
        pending.extend(view.buckets().map(|(_, below)| (below, level + 1)));
    }
    deepest
}

impl<'a> View<'a> {
    fn as_packed(self) -> Option<&'a [u8]> {
        match self.0 {
            super::ViewRepr::Packed(body) => Some(body.bytes()),
            super::ViewRepr::Wide(_) => None,
        }
    }
}

impl Bucket {
    fn block(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Packed(block) => Some(block),
            Repr::Open(block) => Some(block),
            Repr::Wide(_) => None,
        }
    }

    /// The block of a packed bucket, to be changed: a copy, unless this holder alone has it.
    fn own_block(&mut self) -> &mut Vec<u8> {
        /// Few operations add more.
        const ROOM: usize = 512;
        let is_own = match &mut self.0 {
            Repr::Open(block) => Arc::get_mut(block).is_some(),
            _ => false,
        };
        if !is_own {
            let block = self.block().expect("only packed buckets have a block");
            let mut copy = Vec::with_capacity(block.len() + ROOM);
            copy.extend_from_slice(block);
            self.0 = Repr::Open(Arc::new(copy));
        }
        let Repr::Open(block) = &mut self.0 else { unreachable!("the block was opened above") };
        Arc::get_mut(block).expect("nobody else holds it")
    }

    /// A bucket of a packed body of any size.
    pub(super) fn of_body(body: &[u8]) -> Bucket {
        from_body(body)
    }
}
