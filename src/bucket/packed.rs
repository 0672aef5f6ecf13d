//! The packed form: a bucket and all below it in one block of bytes.
//!
//! ```text
//!   body  = sequence u64 | entry*                      entries in strictly ascending order of keys
//!   entry = key length u32, top bit: bucket | rest length u32 | key | value, or the sub-bucket's body
//! ```
//!
//! Numbers are little-endian. The form is a function of the content, so equal bytes and equal buckets are the
//! same thing. Lengths have a fixed width: an edit deep inside is one splice and a patch of the enclosing
//! lengths. Blocks come only from this room's own encoder, so reading them does not check.

use super::{Entry, View, ViewRepr};
use std::cmp::Ordering;

/// The largest block; a larger bucket is wide. Objects with their labels stay far below it.
#[cfg(not(feature = "small-blocks"))]
pub(super) const BYTES_MAX: usize = 8192;
/// So small that fuzzed inputs reach wide buckets and deep maps.
#[cfg(feature = "small-blocks")]
pub(super) const BYTES_MAX: usize = 96;

/// How two keys compare: as slices do, but in place, eight bytes at a time. Keys are short, so that a call to compare them
/// takes longer than comparing them; a fuzzer's runtime looks into every such call besides.
#[inline]
pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let shared = left.len().min(right.len());
    let (left_words, left_rest) = left[..shared].as_chunks::<8>();
    let (right_words, right_rest) = right[..shared].as_chunks::<8>();
    for (left, right) in left_words.iter().zip(right_words) {
        if left != right {
            return u64::from_be_bytes(*left).cmp(&u64::from_be_bytes(*right));
        }
    }
    for (left, right) in left_rest.iter().zip(right_rest) {
        if left != right {
            return left.cmp(right);
        }
    }
    left.len().cmp(&right.len())
}

/// Whether two keys are the same.
#[inline]
pub(super) fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && compare(left, right).is_eq()
}

/// The body of an empty bucket.
pub(super) const EMPTY: [u8; SEQUENCE_BYTES] = [0; SEQUENCE_BYTES];

/// Where a body's entries begin.
pub(super) const SEQUENCE_BYTES: usize = 8;
/// What stands before an entry's key.
pub(super) const HEADER_BYTES: usize = 8;

const BUCKET_FLAG: u32 = 1 << 31;

/// A packed bucket's body, borrowed.
#[derive(Clone, Copy)]
pub(super) struct Body<'a>(&'a [u8]);

/// What stands before an entry's key.
struct Header {
    is_bucket: bool,
    key_bytes: usize,
    rest_bytes: usize,
}

/// One entry of a body: where it stands in it, and what it holds.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_bucket: bool,
    pub(super) key: &'a [u8],
    /// A value, or a sub-bucket's body.
    pub(super) rest: &'a [u8],
}

impl<'a> Body<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Body<'a> {
        Body(bytes)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn sequence(self) -> u64 {
        let (number, _) = self.0.split_first_chunk().expect("a packed body begins with its sequence number");
        u64::from_le_bytes(*number)
    }

    /// The entry that begins at an offset; absent at the end of the body.
    #[inline]
    pub(super) fn slot(self, start: usize) -> Option<Slot<'a>> {
        let header = self.header(start)?;
        let key_start = start + HEADER_BYTES;
        let end = key_start + header.key_bytes + header.rest_bytes;
        let (key, rest) = self.0[key_start..end].split_at(header.key_bytes);
        Some(Slot { start, end, is_bucket: header.is_bucket, key, rest })
    }

    /// Where the entry ends that begins at an offset; absent at the end of the body.
    #[inline]
    pub(super) fn end_of(self, start: usize) -> Option<usize> {
        let header = self.header(start)?;
        Some(start + HEADER_BYTES + header.key_bytes + header.rest_bytes)
    }

    #[inline]
    fn header(self, start: usize) -> Option<Header> {
        let numbers = u64::from_le_bytes(*self.0.get(start..)?.first_chunk::<HEADER_BYTES>()?);
        let low =
            |numbers: u64| usize::try_from(numbers & u64::from(u32::MAX)).expect("32 bits fit into a usize");
        Some(Header {
            is_bucket: numbers & u64::from(BUCKET_FLAG) != 0,
            key_bytes: low(numbers & !u64::from(BUCKET_FLAG)),
            rest_bytes: low(numbers >> 32),
        })
    }

    /// The first entry whose key is not below the one sought.
    pub(super) fn seek(self, key: &[u8]) -> Option<Slot<'a>> {
        self.slots().find(|slot| compare(slot.key, key).is_ge())
    }

    /// The entry under a key. The fields of an object differ in the lengths of their names, so that most are passed
    /// over without a look at them.
    #[inline]
    pub(super) fn find(self, key: &[u8]) -> Option<Slot<'a>> {
        let mut start = SEQUENCE_BYTES;
        while let Some(header) = self.header(start) {
            if header.key_bytes == key.len() {
                let slot = self.slot(start)?;
                match compare(slot.key, key) {
                    Ordering::Less => {}
                    Ordering::Equal => return Some(slot),
                    Ordering::Greater => return None,
                }
            }
            start += HEADER_BYTES + header.key_bytes + header.rest_bytes;
        }
        None
    }

    /// Every entry in order.
    #[inline]
    pub(super) fn slots(self) -> impl Iterator<Item = Slot<'a>> {
        let mut offset = SEQUENCE_BYTES;
        std::iter::from_fn(move || {
            let slot = self.slot(offset)?;
            offset = slot.end;
            Some(slot)
        })
    }
}

impl<'a> Slot<'a> {
    #[inline]
    pub(super) fn entry(self) -> Entry<'a> {
        if self.is_bucket {
            Entry::Bucket(View(ViewRepr::Packed(Body(self.rest))))
        } else {
            Entry::Value(self.rest)
        }
    }
}

/// What an entry takes in a body.
pub(super) fn entry_bytes(key: &[u8], rest: &[u8]) -> usize {
    HEADER_BYTES + key.len() + rest.len()
}

/// Appends one entry to a body.
pub(super) fn write_entry(body: &mut Vec<u8>, is_bucket: bool, key: &[u8], rest: &[u8]) {
    let flag = if is_bucket { BUCKET_FLAG } else { 0 };
    body.extend_from_slice(&(length(key) | flag).to_le_bytes());
    body.extend_from_slice(&length(rest).to_le_bytes());
    body.extend_from_slice(key);
    body.extend_from_slice(rest);
}

/// Writes one entry into the bytes that it takes.
pub(super) fn write_entry_at(bytes: &mut [u8], is_bucket: bool, key: &[u8], rest: &[u8]) {
    let flag = if is_bucket { BUCKET_FLAG } else { 0 };
    let (header, key_and_rest) = bytes.split_at_mut(HEADER_BYTES);
    header[..4].copy_from_slice(&(length(key) | flag).to_le_bytes());
    header[4..].copy_from_slice(&length(rest).to_le_bytes());
    key_and_rest[..key.len()].copy_from_slice(key);
    key_and_rest[key.len()..].copy_from_slice(rest);
}

/// Adds to the length of the sub-bucket whose entry begins at an offset of a block.
pub(super) fn grow_entry(block: &mut [u8], entry_start: usize, old: usize, new: usize) {
    let field = &mut block[entry_start + 4..entry_start + HEADER_BYTES];
    let length = u32::from_le_bytes([field[0], field[1], field[2], field[3]]) as usize - old + new;
    let length = u32::try_from(length).expect("a packed block is at most BYTES_MAX long");
    field.copy_from_slice(&length.to_le_bytes());
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a packed block is at most BYTES_MAX long")
}
