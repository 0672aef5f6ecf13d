//! Building a tree from its entries in order, without an edit each.

use super::packed;
use super::wide::{Key, Slot, Wide};
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
/// Each frame starts packed and turns wide when it outgrows a block, so the memory needed is that of the
/// result and one block a level.
pub struct Builder {
    frames: Vec<Frame>,
    /// Closed frames, kept for their buffers.
    spare: Vec<Frame>,
}

/// A key that does not come after its predecessor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("keys out of order")]
pub struct OutOfOrder;

#[derive(Default)]
struct Frame {
    key: Vec<u8>,
    sequence: u64,
    /// The packed body so far, unless the frame is wide.
    body: Vec<u8>,
    /// Where the last entry of the body begins, if there is one.
    last: Option<usize>,
    slots: Vec<(Key, Slot)>,
    is_wide: bool,
}

/// Room for the body of an object with its labels.
const BODY_BYTES: usize = 512;

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A builder whose root is open, with sequence number 0.
    pub fn new() -> Builder {
        let mut builder = Builder { frames: Vec::new(), spare: Vec::new() };
        builder.push_frame(b"", 0);
        builder
    }

    /// Opens a sub-bucket of the bucket that is open.
    ///
    /// # Errors
    /// The key is not above the last one of this bucket.
    pub fn open(&mut self, key: &[u8], sequence: u64) -> Result<(), OutOfOrder> {
        self.top().advance(key)?;
        self.push_frame(key, sequence);
        Ok(())
    }

    /// Puts a value into the bucket that is open.
    ///
    /// # Errors
    /// The key is not above the last one of this bucket.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), OutOfOrder> {
        let frame = self.top();
        frame.advance(key)?;
        if frame.takes(key, value) {
            frame.write(false, key, value);
        } else {
            frame.widen();
            frame.slots.push((Arc::from(key), Slot::Value(Arc::from(value))));
        }
        Ok(())
    }

    /// Closes the bucket that is open; the root stays open until `finish`.
    pub fn close(&mut self) {
        assert!(self.frames.len() > 1, "close without an open bucket");
        let mut closed = self.frames.pop().expect("two frames at least");
        let parent = self.top();
        if !closed.is_wide && parent.takes(&closed.key, &closed.body) {
            parent.write(true, &closed.key, &closed.body);
        } else {
            parent.widen();
            parent.slots.push((Arc::from(&closed.key[..]), Slot::Bucket(closed.take_bucket())));
        }
        self.spare.push(closed);
    }

    /// The tree. Every bucket but the root must have been closed.
    pub fn finish(mut self) -> Bucket {
        assert!(self.frames.len() == 1, "finish with an open bucket");
        self.top().take_bucket()
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the root is open until finish")
    }

    fn push_frame(&mut self, key: &[u8], sequence: u64) {
        let mut frame = self.spare.pop().unwrap_or_default();
        frame.key.clear();
        frame.key.extend_from_slice(key);
        frame.sequence = sequence;
        frame.last = None;
        frame.body.clear();
        frame.body.reserve(BODY_BYTES);
        frame.body.extend_from_slice(&sequence.to_le_bytes());
        frame.slots.clear();
        frame.is_wide = false;
        self.frames.push(frame);
    }
}

impl Frame {
    fn advance(&self, key: &[u8]) -> Result<(), OutOfOrder> {
        let last = match self.slots.last() {
            Some((last, _)) => Some(&**last),
            None => {
                self.last.and_then(|start| packed::Body::new(&self.body).slot(start)).map(|slot| slot.key)
            }
        };
        if last.is_some_and(|last| last >= key) { Err(OutOfOrder) } else { Ok(()) }
    }

    fn write(&mut self, is_bucket: bool, key: &[u8], rest: &[u8]) {
        self.last = Some(self.body.len());
        packed::write_entry(&mut self.body, is_bucket, key, rest);
    }

    fn takes(&self, key: &[u8], rest: &[u8]) -> bool {
        !self.is_wide && self.body.len() + packed::entry_bytes(key, rest) <= packed::BYTES_MAX
    }

    fn widen(&mut self) {
        if self.is_wide {
            return;
        }
        self.is_wide = true;
        let slots = packed::Body::new(&self.body).slots();
        self.slots.extend(slots.map(|slot| {
            let entry = match slot.is_bucket {
                true => Slot::Bucket(Bucket::of_body(slot.rest)),
                false => Slot::Value(Arc::from(slot.rest)),
            };
            (Arc::from(slot.key), entry)
        }));
    }

    fn take_bucket(&mut self) -> Bucket {
        Bucket(if self.is_wide {
            Repr::Wide(Arc::new(Wide::new(self.sequence, self.slots.drain(..))))
        } else {
            Repr::Packed(Arc::from(&self.body[..]))
        })
    }
}
