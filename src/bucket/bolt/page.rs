//! The bytes of one page: its header, its elements, and whether they are sound.
//!
//! ```text
//!   header  = id u64 | flags u16 | count u16 | overflow u32
//!   branch  = position u32 | key length u32 | child u64                                      16 bytes each
//!   leaf    = flags u32, bit 0: bucket | position u32 | key length u32 | value length u32    16 bytes each
//! ```
//!
//! The list of free pages has a header, too, and page ids behind it. A position counts from the element's own first byte; a leaf's value follows its key.

use super::Damage;
use crate::bucket::KEY_BYTES_MAX;
use std::ops::{Range, RangeInclusive};

/// The longest value that is read: four times the longest message that a client can send to a daemon (containerd's
/// `DefaultMaxRecvMsgSize`, 16 MiB), with which specs, extensions and labels come. bbolt allows 2^31 - 2 bytes.
pub const READ_VALUE_BYTES_MAX: usize = 1 << 26;

pub(super) const HEADER_BYTES: usize = 16;
pub(super) const ELEMENT_BYTES: usize = 16;
/// A sub-bucket's value begins with the page of its root and its sequence.
pub(super) const BUCKET_HEADER_BYTES: usize = 16;

pub(super) const BRANCH_FLAGS: u16 = 0x01;
pub(super) const LEAF_FLAGS: u16 = 0x02;
pub(super) const META_FLAGS: u16 = 0x04;
/// The flags of the page that lists the free ones.
pub(super) const FREELIST_FLAGS: u16 = 0x10;
/// The count of a freelist too long for the field: the first id's place has it then.
pub(super) const COUNT_ELSEWHERE: u16 = 0xFFFF;
/// The flag of a leaf's element that is a sub-bucket.
pub(super) const BUCKET_FLAG: u32 = 0x01;

/// A page's first 16 bytes.
pub(super) struct Header {
    pub(super) id: u64,
    pub(super) flags: u16,
    pub(super) count: u16,
    pub(super) overflow: u32,
}

/// How a page's elements are to be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Branch,
    Leaf,
}

/// An element of a leaf, as ranges of the page's bytes.
pub(super) struct LeafElement {
    pub(super) is_bucket: bool,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

impl Header {
    /// The page must have its header's bytes.
    pub(super) fn of(page: &[u8]) -> Header {
        Header {
            id: u64_at(page, 0),
            flags: u16_at(page, 8),
            count: u16_at(page, 10),
            overflow: u32_at(page, 12),
        }
    }

    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.flags.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.count.to_le_bytes());
        bytes[12..].copy_from_slice(&self.overflow.to_le_bytes());
        bytes
    }

    pub(super) fn kind(&self) -> Result<Kind, Damage> {
        match self.flags {
            BRANCH_FLAGS if self.count == 0 => Err(Damage::EmptyBranch),
            BRANCH_FLAGS => Ok(Kind::Branch),
            LEAF_FLAGS => Ok(Kind::Leaf),
            flags => Err(Damage::Flags(flags)),
        }
    }

    /// The page and those with which it continues, which the file must have.
    pub(super) fn run(&self) -> RangeInclusive<u64> {
        self.id..=self.id + u64::from(self.overflow)
    }

    /// Where the elements end and the bytes of keys and values begin.
    pub(super) fn table_end(&self) -> usize {
        HEADER_BYTES + usize::from(self.count) * ELEMENT_BYTES
    }
}

/// How many bytes of a page its elements reach over, if every element lies within the page's length. Only the
/// header and the table of elements are read.
pub(super) fn measure(table: &[u8], kind: Kind, count: u16, length: usize) -> Result<usize, Damage> {
    let mut reach = HEADER_BYTES + usize::from(count) * ELEMENT_BYTES;
    if reach > length {
        return Err(Damage::Count(count));
    }
    for element in 0..usize::from(count) {
        let start = HEADER_BYTES + element * ELEMENT_BYTES;
        let (position, key_length, value_length) = match kind {
            Kind::Branch => (u32_at(table, start), u32_at(table, start + 4), 0),
            Kind::Leaf => (u32_at(table, start + 4), u32_at(table, start + 8), u32_at(table, start + 12)),
        };
        if key_length == 0 || key_length as usize > KEY_BYTES_MAX {
            return Err(Damage::KeyLength { element, length: key_length });
        }
        if value_length as usize > READ_VALUE_BYTES_MAX {
            return Err(Damage::ValueLength { element, length: value_length });
        }
        let end = start as u64 + u64::from(position) + u64::from(key_length) + u64::from(value_length);
        match usize::try_from(end) {
            Ok(end) if end <= length => reach = reach.max(end),
            _ => return Err(Damage::Outside { element, end, length }),
        }
    }
    Ok(reach)
}

/// Whether the keys of a measured page are in strict order, and within the bounds that the branches above it
/// set: not below the first bound, and below the second.
pub(super) fn check_order(
    page: &[u8],
    kind: Kind,
    count: usize,
    bounds: (Option<&[u8]>, Option<&[u8]>),
) -> Result<(), Damage> {
    let mut last: Option<&[u8]> = None;
    for element in 0..count {
        let key = &page[key_range(page, kind, element)];
        match last {
            None if bounds.0.is_some_and(|bound| key < bound) => return Err(Damage::BelowBranch),
            Some(last) if last >= key => return Err(Damage::Order(element)),
            _ => last = Some(key),
        }
    }
    match (last, bounds.1) {
        (Some(last), Some(bound)) if last >= bound => Err(Damage::AboveBranch),
        _ => Ok(()),
    }
}

/// The key of an element of a measured page.
pub(super) fn key_range(page: &[u8], kind: Kind, element: usize) -> Range<usize> {
    let start = HEADER_BYTES + element * ELEMENT_BYTES;
    let fields = match kind {
        Kind::Branch => start,
        Kind::Leaf => start + 4,
    };
    let key = start + u32_at(page, fields) as usize;
    key..key + u32_at(page, fields + 4) as usize
}

/// The page to which an element of a measured branch leads.
pub(super) fn child(page: &[u8], element: usize) -> u64 {
    u64_at(page, HEADER_BYTES + element * ELEMENT_BYTES + 8)
}

/// An element of a measured leaf.
pub(super) fn leaf_element(page: &[u8], element: usize) -> LeafElement {
    let start = HEADER_BYTES + element * ELEMENT_BYTES;
    let key = key_range(page, Kind::Leaf, element);
    LeafElement {
        // bbolt looks at this one bit only.
        is_bucket: u32_at(page, start) & BUCKET_FLAG != 0,
        value: key.end..key.end + u32_at(page, start + 12) as usize,
        key,
    }
}

/// The pages to which a measured page leads: the children of a branch, the roots of a leaf's buckets, be they in one
/// that stands inline. What is unsound there leads nowhere.
pub(super) fn for_each_child(page: &[u8], mut visit: impl FnMut(u64)) {
    let mut inline = Vec::new();
    let mut next = Some(page);
    while let Some(page) = next {
        let header = Header::of(page);
        for element in 0..usize::from(header.count) {
            if header.flags == BRANCH_FLAGS {
                visit(child(page, element));
                continue;
            }
            let entry = leaf_element(page, element);
            if !entry.is_bucket {
                continue;
            }
            let Some((bucket, below)) = page[entry.value].split_first_chunk::<BUCKET_HEADER_BYTES>() else {
                continue;
            };
            match u64_at(bucket, 0) {
                0 if is_inline_leaf(below) => inline.push(below),
                0 => {}
                root => visit(root),
            }
        }
        next = inline.pop();
    }
}

fn is_inline_leaf(page: &[u8]) -> bool {
    if page.len() < HEADER_BYTES {
        return false;
    }
    let header = Header::of(page);
    header.flags == LEAF_FLAGS && measure(page, Kind::Leaf, header.count, page.len()).is_ok()
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, offset))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, offset))
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, offset))
}

fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    *bytes[offset..].first_chunk().expect("the page is as long as its table of elements")
}
