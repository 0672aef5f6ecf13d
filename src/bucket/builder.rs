//! Building a tree from its entries in order, without an edit each.

use super::packed::{self, Body};
use super::wide::{self, Key, Slot, Wide};
use super::{Bucket, Repr};
use std::sync::Arc;

/// Builds a tree from the outside in: open a bucket, put its entries in strictly ascending order, close it.
///
/// ```
/// # use leasehold::bucket::Builder;
/// let mut builder = Builder::new();
/// builder.open(b"v1", 0)?;
/// builder.put(b"version", &[6])?;
/// builder.close();
/// let tree = builder.finish();
/// assert_eq!(tree.bucket(b"v1").and_then(|v1| v1.get(b"version")), Some(&[6][..]));
/// # Ok::<(), leasehold::bucket::OutOfOrder>(())
/// ```
///
/// Every bucket starts packed, inside the body of the one around it, or in a body of its own where that one is wide. It turns
/// wide when it outgrows a block, so the memory needed is that of the result and one block.
pub struct Builder {
    /// From the outside in; those that are wide come first.
    frames: Vec<Frame>,
    /// How many are wide.
    wide: usize,
    /// The body of the first packed frame, with the bodies of all that are open in it; empty if there is none.
    body: Vec<u8>,
}

/// A key that does not come after its predecessor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("keys out of order")]
pub struct OutOfOrder;

/// A bucket that is open.
#[derive(Default)]
struct Frame {
    /// Its key, if the bucket around it is wide; otherwise that stands in the body.
    key: Option<Key>,
    /// Of a packed one: where its body begins.
    start: usize,
    /// Of a packed one: where its last entry begins, if there is one.
    last: Option<usize>,
    /// Of a wide one.
    sequence: u64,
    /// Of a wide one: what is complete.
    slots: Vec<(Key, Slot)>,
}

/// Room for an object with its labels.
const BODY_BYTES: usize = 512;
/// As many levels as an object has.
const LEVELS: usize = 4;

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A builder whose root is open, with sequence number 0.
    pub fn new() -> Builder {
        let mut frames = Vec::with_capacity(LEVELS);
        frames.push(Frame::default());
        let mut body = Vec::with_capacity(BODY_BYTES);
        body.extend_from_slice(&packed::EMPTY);
        Builder { frames, wide: 0, body }
    }

    /// Opens a sub-bucket of the bucket that is open.
    ///
    /// # Errors
    /// The key is not above the last one of this bucket.
    pub fn open(&mut self, key: &[u8], sequence: u64) -> Result<(), OutOfOrder> {
        self.advance(key)?;
        let sequence = sequence.to_le_bytes();
        self.make_room(packed::entry_bytes(key, &sequence));
        let key = if self.is_wide() {
            Some(Arc::from(key))
        } else {
            // What it holds follows, its length when it is closed.
            self.write(true, key, &[]);
            None
        };
        self.frames.push(Frame { key, start: self.body.len(), ..Frame::default() });
        self.body.extend_from_slice(&sequence);
        Ok(())
    }

    /// Puts a value into the bucket that is open.
    ///
    /// # Errors
    /// The key is not above the last one of this bucket.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), OutOfOrder> {
        self.advance(key)?;
        self.make_room(packed::entry_bytes(key, value));
        if self.is_wide() {
            self.top().slots.push((Arc::from(key), Slot::Value(Arc::from(value))));
        } else {
            self.write(false, key, value);
        }
        Ok(())
    }

    /// Closes the bucket that is open; the root stays open until `finish`.
    pub fn close(&mut self) {
        assert!(self.frames.len() > 1, "close without an open bucket");
        let top = self.top();
        let (start, key) = (top.start, top.key.take());
        if let Some(key) = key {
            let bucket = self.take_bucket();
            self.top().slots.push((key, Slot::Bucket(bucket)));
        } else {
            self.frames.pop();
            let entry = self.top().last.expect("the entry of an open bucket begins when it is opened");
            let length = self.body.len() - start;
            packed::grow_entry(&mut self.body, entry, 0, length);
        }
    }

    /// The tree. Every bucket but the root must have been closed.
    pub fn finish(mut self) -> Bucket {
        assert!(self.frames.len() == 1, "finish with an open bucket");
        self.take_bucket()
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the root is open until finish")
    }

    /// Whether the bucket that is open is wide.
    fn is_wide(&self) -> bool {
        self.wide == self.frames.len()
    }

    /// Holds a key against the last one of the bucket that is open.
    fn advance(&self, key: &[u8]) -> Result<(), OutOfOrder> {
        let top = self.frames.last().expect("the root is open until finish");
        let last = match top.slots.last() {
            Some((last, _)) => Some(&**last),
            None => top.last.and_then(|start| Body::new(&self.body).slot(start)).map(|slot| slot.key),
        };
        if last.is_some_and(|last| packed::compare(last, key).is_ge()) { Err(OutOfOrder) } else { Ok(()) }
    }

    /// Appends an entry to the packed bucket that is open.
    fn write(&mut self, is_bucket: bool, key: &[u8], rest: &[u8]) {
        self.top().last = Some(self.body.len());
        packed::write_entry(&mut self.body, is_bucket, key, rest);
    }

    /// Makes those buckets wide that so many bytes more would not leave in one block.
    fn make_room(&mut self, bytes: usize) {
        while !self.is_wide() && self.body.len() + bytes > packed::BYTES_MAX {
            self.widen();
        }
    }

    /// Makes the first packed frame wide; the body is then that of the one inside it.
    fn widen(&mut self) {
        let (frame, inside) = self.frames[self.wide..].split_first_mut().expect("there is a packed frame");
        let body = Body::new(&self.body);
        frame.sequence = body.sequence();
        // The bucket that is open inside is the last entry, of which more follows.
        let last = frame.last.take();
        let complete = last.filter(|_| !inside.is_empty()).unwrap_or(self.body.len());
        let slots = Body::new(&self.body[..complete]).slots();
        frame.slots.extend(slots.map(|slot| (Arc::from(slot.key), wide::owned(slot))));
        let start = inside.first().map_or(self.body.len(), |next| next.start);
        if let Some(next) = inside.first_mut() {
            let entry = body.slot(complete).expect("the entry of an open bucket begins when it is opened");
            next.key = Some(Arc::from(entry.key));
        }
        for frame in inside {
            frame.start -= start;
            frame.last = frame.last.map(|last| last - start);
        }
        self.body.drain(..start);
        self.wide += 1;
    }

    /// The bucket that is open, as the next thing in a wide one, or as the root.
    fn take_bucket(&mut self) -> Bucket {
        if self.is_wide() {
            self.wide -= 1;
            let frame = self.frames.pop().expect("it is open");
            Bucket(Repr::Wide(Arc::new(Wide::new(frame.sequence, frame.slots))))
        } else {
            self.frames.pop();
            let bucket = Bucket(Repr::Packed(Arc::from(&self.body[..])));
            self.body.clear();
            bucket
        }
    }
}
