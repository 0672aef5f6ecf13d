//! Edits, with bbolt's refusals.
//!
//! An edit names the bucket by its path of keys and changes one entry. On a packed bucket it is one splice of
//! the block; on a wide one the map's nodes along the key are copied where another holder shares them.

use super::packed::{self, Body};
use super::wide::{Slot, Wide, widen};
use super::{Bucket, DEPTH_MAX, Entry, KEY_BYTES_MAX, Repr, VALUE_BYTES_MAX, View, ViewRepr};
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
    Create(&'a [u8]),
    /// Creates or replaces a sub-bucket.
    Graft(&'a [u8], View<'a>),
    Delete(&'a [u8]),
    DeleteBucket(&'a [u8]),
    SetSequence(u64),
}

impl<'a> Edit<'a> {
    /// Whether there is anything to change where this stands under the key, in a bucket so deep.
    fn changes(self, depth: usize, there: Option<Entry<'_>>) -> Result<bool, Refusal> {
        match (self, there) {
            (Edit::Put(..), Some(Entry::Bucket(_)))
            | (Edit::Create(_) | Edit::Graft(..) | Edit::DeleteBucket(_), Some(Entry::Value(_)))
            | (Edit::Delete(_), Some(Entry::Bucket(_))) => Err(Refusal::IncompatibleValue),
            (Edit::Create(_), Some(Entry::Bucket(_))) => Err(Refusal::BucketExists),
            (Edit::Create(key), None) => {
                check_name(key)?;
                if depth < DEPTH_MAX { Ok(true) } else { Err(Refusal::TooDeep) }
            }
            (Edit::DeleteBucket(_), None) => Err(Refusal::BucketNotFound),
            (Edit::Delete(_), None) => Ok(false),
            (Edit::Put(_, value), Some(Entry::Value(there))) => Ok(value != there),
            _ => Ok(true),
        }
    }

    fn key(self) -> &'a [u8] {
        match self {
            Edit::Put(key, _) | Edit::Create(key) | Edit::Graft(key, _) => key,
            Edit::Delete(key) | Edit::DeleteBucket(key) => key,
            Edit::SetSequence(_) => b"",
        }
    }
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
        self.edit(path, Edit::Put(key, value))
    }

    /// Creates an empty sub-bucket (bbolt's `Bucket.CreateBucket`).
    ///
    /// # Errors
    /// No bucket at the path; the key is taken, empty or too long; the tree would be too deep.
    pub fn create_bucket(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        self.edit(path, Edit::Create(key))
    }

    /// Creates every bucket of a path that does not exist (containerd's `createBucketIfNotExists`).
    ///
    /// # Errors
    /// As of [`Bucket::create_bucket`], for the first that cannot be created; those before it exist then.
    pub fn create_path(&mut self, path: &[&[u8]]) -> Result<(), Refusal> {
        let mut there = 0;
        let mut bucket = self.view();
        while let Some(below) = path.get(there).and_then(|key| bucket.bucket(key)) {
            bucket = below;
            there += 1;
        }
        (there..path.len()).try_for_each(|end| self.create_bucket(&path[..end], path[end]))
    }

    /// Puts a whole bucket under a key, in place of the sub-bucket that may stand there.
    ///
    /// # Errors
    /// No bucket at the path; a value under the key; a key that is empty or too long; the tree would be too deep.
    pub fn graft(&mut self, path: &[&[u8]], key: &[u8], bucket: &Bucket) -> Result<(), Refusal> {
        check_name(key)?;
        if path.len() >= DEPTH_MAX || is_deeper(bucket.view(), DEPTH_MAX - 1 - path.len()) {
            return Err(Refusal::TooDeep);
        }
        self.edit(path, Edit::Graft(key, bucket.view()))
    }

    /// Removes a value; a missing one is no error (bbolt's `Bucket.Delete`).
    ///
    /// # Errors
    /// No bucket at the path; a sub-bucket under the key.
    pub fn delete(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        self.edit(path, Edit::Delete(key))
    }

    /// Removes a sub-bucket with all below it (bbolt's `Bucket.DeleteBucket`).
    ///
    /// # Errors
    /// No bucket at the path or under the key; a value under the key.
    pub fn delete_bucket(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        self.edit(path, Edit::DeleteBucket(key))
    }

    /// Removes sub-buckets that stand beside each other, one after the other (bbolt's `Bucket.DeleteBucket`).
    ///
    /// # Errors
    /// As of [`Bucket::delete_bucket`], for the first that cannot be removed; those before it are gone then.
    pub fn delete_buckets<'k>(
        &mut self,
        path: &[&[u8]],
        keys: impl IntoIterator<Item = &'k [u8]>,
    ) -> Result<(), Refusal> {
        match self.wide_at(path) {
            Some(wide) => keys.into_iter().try_for_each(|key| wide.remove_bucket(key)),
            None => keys.into_iter().try_for_each(|key| self.delete_bucket(path, key)),
        }
    }

    /// The wide bucket at the end of a path of wide ones, made this holder's own.
    fn wide_at(&mut self, path: &[&[u8]]) -> Option<&mut Wide> {
        let View(ViewRepr::Wide(_)) = self.view().at(path)? else { return None };
        let mut bucket = self;
        for key in path {
            let Repr::Wide(wide) = &mut bucket.0 else { return None };
            let Some(Slot::Bucket(below)) = Arc::make_mut(wide).slot_mut(key) else { return None };
            bucket = below;
        }
        match &mut bucket.0 {
            Repr::Wide(wide) => Some(Arc::make_mut(wide)),
            _ => None,
        }
    }

    /// Sets a bucket's sequence number (bbolt's `Bucket.SetSequence`).
    ///
    /// # Errors
    /// No bucket at the path.
    pub fn set_sequence(&mut self, path: &[&[u8]], sequence: u64) -> Result<(), Refusal> {
        self.edit(path, Edit::SetSequence(sequence))
    }

    /// Carries out an edit, or refuses it with nothing changed. A packed bucket is walked once; on the way through
    /// wide ones their maps are copied where they are shared, so that they are asked first.
    fn edit(&mut self, path: &[&[u8]], edit: Edit<'_>) -> Result<(), Refusal> {
        if self.block().is_none() {
            let there = self.view().at(path).ok_or(Refusal::BucketNotFound)?.entry(edit.key());
            if !edit.changes(path.len(), there)? {
                return Ok(());
            }
        }
        let mut enclosing = [0; DEPTH_MAX];
        let mut bucket = self;
        let mut path = path.iter();
        loop {
            if let Some(block) = bucket.block() {
                match Splice::of(block, path.as_slice(), edit, &mut enclosing)? {
                    Fit::Nothing => return Ok(()),
                    Fit::Block(splice) => {
                        splice.carry_out(bucket);
                        return Ok(());
                    }
                    Fit::TooLarge => bucket.0 = Repr::Wide(Arc::new(widen(Body::new(block)))),
                }
            }
            let Repr::Wide(wide) = &mut bucket.0 else { unreachable!("a packed bucket was widened above") };
            let wide = Arc::make_mut(wide);
            let Some(key) = path.next() else {
                match edit {
                    Edit::Put(key, value) => wide.insert(key, Slot::Value(Arc::from(value))),
                    Edit::Create(key) => wide.insert(key, Slot::Bucket(Bucket::new())),
                    Edit::Graft(key, view) => wide.insert(key, Slot::Bucket(view.to_bucket())),
                    Edit::Delete(key) | Edit::DeleteBucket(key) => wide.remove(key),
                    Edit::SetSequence(sequence) => wide.sequence = sequence,
                }
                return Ok(());
            };
            let Some(Slot::Bucket(below)) = wide.slot_mut(key) else { return Err(Refusal::BucketNotFound) };
            bucket = below;
        }
    }
}

fn check_name(key: &[u8]) -> Result<(), Refusal> {
    match key.len() {
        0 => Err(Refusal::BucketNameRequired),
        1..=KEY_BYTES_MAX => Ok(()),
        _ => Err(Refusal::KeyTooLarge),
    }
}

/// What an edit is to a block.
enum Fit<'a> {
    /// There is nothing to change.
    Nothing,
    Block(Splice<'a>),
    /// The result does not belong in one block.
    TooLarge,
}

/// How a block changes: some bytes give way to an entry, and the lengths of what is around them follow.
struct Splice<'a> {
    /// Where the entries begin that enclose the change, from the outside in.
    enclosing: &'a [u16],
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
    /// The change that an edit in the bucket at the path makes. `enclosing` is room for where that is.
    fn of(
        block: &[u8],
        path: &[&[u8]],
        edit: Edit<'a>,
        enclosing: &'a mut [u16; DEPTH_MAX],
    ) -> Result<Fit<'a>, Refusal> {
        let (mut start, mut body) = (0, Body::new(block));
        for (level, key) in path.iter().enumerate() {
            let slot = body.find(key).filter(|slot| slot.is_bucket).ok_or(Refusal::BucketNotFound)?;
            enclosing[level] =
                u16::try_from(start + slot.start).expect("a packed block is at most BYTES_MAX long");
            start += slot.end - slot.rest.len();
            body = Body::new(slot.rest);
        }
        let enclosing = &enclosing[..path.len()];
        if let Edit::SetSequence(sequence) = edit {
            let (old, new) = (packed::SEQUENCE_BYTES, New::Sequence(sequence));
            return Ok(Fit::Block(Splice { enclosing, at: start, old, new }));
        }
        let key = edit.key();
        let found = body.seek(key);
        let there = found.filter(|slot| packed::is_same(slot.key, key));
        if !edit.changes(path.len(), there.map(packed::Slot::entry))? {
            return Ok(Fit::Nothing);
        }
        let new = match edit {
            Edit::Put(key, rest) => New::Entry { is_bucket: false, key, rest },
            Edit::Create(key) => New::Entry { is_bucket: true, key, rest: &packed::EMPTY },
            Edit::Graft(key, view) => match view.as_packed() {
                Some(rest) => New::Entry { is_bucket: true, key, rest },
                None => return Ok(Fit::TooLarge),
            },
            Edit::Delete(_) | Edit::DeleteBucket(_) | Edit::SetSequence(_) => New::Nothing,
        };
        let at = start + found.map_or(body.bytes().len(), |slot| slot.start);
        let old = there.map_or(0, |slot| slot.end - slot.start);
        let splice = Splice { enclosing, at, old, new };
        let grows = splice.new_bytes() > old;
        let fits = block.len() - old + splice.new_bytes() <= packed::BYTES_MAX;
        Ok(if fits || !grows { Fit::Block(splice) } else { Fit::TooLarge })
    }

    fn new_bytes(&self) -> usize {
        match self.new {
            New::Nothing => 0,
            New::Entry { key, rest, .. } => packed::entry_bytes(key, rest),
            New::Sequence(_) => packed::SEQUENCE_BYTES,
        }
    }

    /// Changes the block of a packed bucket: in place if this holder alone has it, else in a copy.
    fn carry_out(&self, bucket: &mut Bucket) {
        if let Some(block) = bucket.own_block() {
            self.make_room(block);
            self.fill(block);
        } else {
            let mut copy = self.copy_with_room(bucket.block().expect("only packed buckets are spliced"));
            self.fill(&mut copy);
            bucket.0 = Repr::Open(Arc::new(copy));
        }
    }

    fn make_room(&self, block: &mut Vec<u8>) {
        let (at, old, new, length) = (self.at, self.old, self.new_bytes(), block.len());
        if new > old {
            block.resize(length + new - old, 0);
        }
        block.copy_within(at + old..length, at + new);
        block.truncate(length + new - old);
    }

    fn copy_with_room(&self, block: &[u8]) -> Vec<u8> {
        /// Few operations add more.
        const ROOM: usize = 512;
        let mut copy = Vec::with_capacity(block.len() + self.new_bytes() + ROOM);
        copy.extend_from_slice(&block[..self.at]);
        copy.resize(self.at + self.new_bytes(), 0);
        copy.extend_from_slice(&block[self.at + self.old..]);
        copy
    }

    /// Writes what is new, and the lengths around it, into a block that has room for it.
    fn fill(&self, block: &mut [u8]) {
        let (at, old, new) = (self.at, self.old, self.new_bytes());
        match self.new {
            New::Nothing => {}
            New::Entry { is_bucket, key, rest } => {
                packed::write_entry_at(&mut block[at..at + new], is_bucket, key, rest);
            }
            New::Sequence(sequence) => block[at..at + new].copy_from_slice(&sequence.to_le_bytes()),
        }
        for entry_start in self.enclosing {
            packed::grow_entry(block, usize::from(*entry_start), old, new);
        }
    }
}

/// Whether there are more than so many levels below a bucket.
fn is_deeper(view: View<'_>, levels: usize) -> bool {
    // A level takes an entry and a sequence number at the least, so that small objects need no closer look.
    const LEVEL_BYTES: usize = packed::HEADER_BYTES + packed::SEQUENCE_BYTES;
    if view.as_packed().is_some_and(|body| body.len() / LEVEL_BYTES <= levels) {
        return false;
    }
    view.walk(0, |level, _| level + 1).any(|(level, _)| level > levels)
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

    /// The block of a packed bucket that this holder alone has.
    fn own_block(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.0 {
            Repr::Open(block) => Arc::get_mut(block),
            _ => None,
        }
    }
}
