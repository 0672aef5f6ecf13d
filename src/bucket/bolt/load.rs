//! Reading single pages and the list of free ones, believing nothing that they claim.

use super::meta::Meta;
use super::page::{self, Header};
use super::source::{self, Source};
use super::{BoltError, Damage};
use std::mem;
use std::ops::{Range, RangeInclusive};

/// How much of a page is read at first: most pages of a real file are far from full, and copying is what reading
/// costs. The smallest page is half of it.
const FIRST_BYTES: usize = 1024;
/// How much of the list of free pages is held at a time.
const FREELIST_BYTES_AT_ONCE: usize = 1 << 16;
/// How much of a long page is read at a time, so that a buffer grows with what is there.
const BYTES_AT_ONCE: usize = 1 << 20;
/// The piece by which long pages are held against holes.
const BLOCK_BYTES: usize = 4096;
/// A page's id, in the list of free pages.
const ID_BYTES: usize = 8;

/// Reads what a meta page leads to.
pub(super) struct Loader<'s, S: ?Sized> {
    source: &'s S,
    length: u64,
    page_size: usize,
    high_water: u64,
    /// How many whole pages the file has.
    count: u64,
    /// A page while it is read; kept for the next one.
    buffer: Vec<u8>,
}

/// A page that is sound in all but the order of its keys.
pub(super) struct Page {
    /// As far as its elements reach.
    pub(super) bytes: Vec<u8>,
    /// How many blocks of zeros are in them.
    pub(super) zero_blocks: u64,
}

impl Page {
    pub(super) fn header(&self) -> Header {
        Header::of(&self.bytes)
    }
}

/// The list of free pages.
#[derive(Default)]
pub(super) struct Free {
    /// The pages that it stands in itself, if there is one.
    pub(super) own: Option<RangeInclusive<u64>>,
    /// What it lists, in ascending order.
    listed: Vec<Range<u64>>,
}

impl Free {
    pub(super) fn contains(&self, page: u64) -> bool {
        let at = self.listed.partition_point(|range| range.end <= page);
        self.listed.get(at).is_some_and(|range| range.contains(&page))
    }
}

impl<'s, S: Source + ?Sized> Loader<'s, S> {
    pub(super) fn new(source: &'s S, meta: &Meta) -> Result<Self, BoltError> {
        let length = source::length(source)?;
        Ok(Loader {
            source,
            length,
            page_size: meta.page_size as usize,
            high_water: meta.high_water,
            count: length / u64::from(meta.page_size),
            buffer: Vec::new(),
        })
    }

    /// Reads a page as far as its elements reach, and checks all but the order of its keys. More blocks of zeros than
    /// are allowed are taken for a hole of the file, which must not become memory.
    pub(super) fn page(&mut self, id: u64, zero_blocks_max: u64) -> Result<Page, BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let header = self.header(id)?;
        let kind = header.kind().map_err(fail)?;
        let length = self.run_bytes(id, &header)?;
        let mut zeros_left = zero_blocks_max;
        let mut have = FIRST_BYTES.min(self.page_size);
        if header.table_end() > have {
            let table = header.table_end().max(self.page_size).min(length);
            self.extend(id, have, table, &mut zeros_left)?;
            have = table;
        }
        let reach = page::measure(&self.buffer, kind, header.count, length).map_err(fail)?;
        self.extend(id, have, reach, &mut zeros_left)?;
        self.check_run(id, &header, reach)?;
        let bytes = if reach > BYTES_AT_ONCE {
            self.buffer.truncate(reach);
            mem::take(&mut self.buffer)
        } else {
            self.buffer[..reach].to_vec()
        };
        Ok(Page { bytes, zero_blocks: zero_blocks_max - zeros_left })
    }

    /// Reads which pages are free. None of them may be in use, and a file whose list is another page by now is
    /// a copy taken between two writes: both would otherwise pass for a smaller tree.
    pub(super) fn freelist(&mut self, id: u64) -> Result<Free, BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let header = self.header(id)?;
        if header.flags != page::FREELIST_FLAGS {
            return Err(fail(Damage::NotFreelist(header.flags)));
        }
        let run = self.run_bytes(id, &header)?;
        let (start, count) = if header.count == page::COUNT_ELSEWHERE {
            (page::HEADER_BYTES + ID_BYTES, page::u64_at(&self.buffer, page::HEADER_BYTES))
        } else {
            (page::HEADER_BYTES, u64::from(header.count))
        };
        let room = (run - start) / ID_BYTES;
        let count = usize::try_from(count).ok().filter(|count| *count <= room);
        let mut left = count.ok_or(fail(Damage::FreelistCount { room }))?;
        let reach = start + left * ID_BYTES;
        let mut listed: Vec<Range<u64>> = Vec::new();
        // The two meta pages are never free.
        let mut last = 1;
        let mut offset = id * self.page_size as u64 + start as u64;
        self.buffer.resize(FREELIST_BYTES_AT_ONCE, 0);
        while left > 0 {
            let part = left.min(FREELIST_BYTES_AT_ONCE / ID_BYTES);
            let bytes = &mut self.buffer[..part * ID_BYTES];
            if source::fill(self.source, offset, bytes)? < bytes.len() {
                return Err(fail(Damage::BeyondEnd(self.length)));
            }
            for bytes in bytes.chunks_exact(ID_BYTES) {
                let free = page::u64_at(bytes, 0);
                if free <= last {
                    return Err(fail(Damage::FreelistOrder(free)));
                }
                match listed.last_mut() {
                    Some(range) if range.end == free => range.end = free.saturating_add(1),
                    _ => listed.push(free..free.saturating_add(1)),
                }
                last = free;
            }
            offset += bytes.len() as u64;
            left -= part;
        }
        self.check_run(id, &header, reach)?;
        Ok(Free { own: Some(header.run()), listed })
    }

    /// Reads the beginning of a page that must be there and say who it is.
    fn header(&mut self, id: u64) -> Result<Header, BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        if id < 2 {
            return Err(fail(Damage::Reserved));
        }
        if id >= self.high_water {
            return Err(fail(Damage::BeyondHighWater(self.high_water)));
        }
        if id >= self.count {
            return Err(fail(Damage::BeyondEnd(self.length)));
        }
        self.extend(id, 0, FIRST_BYTES.min(self.page_size), &mut 0)?;
        let header = Header::of(&self.buffer);
        if header.id != id {
            return Err(fail(Damage::WrongId(header.id)));
        }
        Ok(header)
    }

    /// How many bytes a page and those with which it continues are, if the file has them.
    fn run_bytes(&self, id: u64, header: &Header) -> Result<usize, BoltError> {
        let overflow = header.overflow;
        let pages_left = self.count.min(self.high_water) - id;
        if u64::from(overflow) >= pages_left {
            let damage = Damage::Overflow { overflow, last: id + pages_left - 1 };
            return Err(BoltError::Damaged { page: id, is_inline: false, damage });
        }
        Ok((overflow as usize + 1).saturating_mul(self.page_size))
    }

    /// bbolt makes a run as long as what stands in it, or a page longer; a list of free pages shrinks by what its own
    /// transaction takes.
    fn check_run(&self, id: u64, header: &Header, bytes: usize) -> Result<(), BoltError> {
        let (overflow, needed) = (header.overflow, bytes.div_ceil(self.page_size) as u64);
        if u64::from(overflow) > 2 * needed {
            let damage = Damage::Spare { overflow, needed };
            return Err(BoltError::Damaged { page: id, is_inline: false, damage });
        }
        Ok(())
    }

    /// Reads the bytes of a page up to an offset, those up to another being there.
    fn extend(&mut self, id: u64, from: usize, to: usize, zeros_left: &mut u64) -> Result<(), BoltError> {
        let mut have = from;
        while have < to {
            let end = to.min(have + BYTES_AT_ONCE);
            // Grown only, so that bytes about to be overwritten are not cleared for every page.
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            let offset = id * self.page_size as u64 + have as u64;
            let filled = source::fill(self.source, offset, &mut self.buffer[have..end])?;
            let damage = if filled < end - have {
                Some(Damage::BeyondEnd(offset + filled as u64))
            } else {
                let left = zeros_left.checked_sub(zero_blocks(&self.buffer[have..end]));
                *zeros_left = left.unwrap_or_default();
                left.is_none().then_some(Damage::Hollow(to))
            };
            if let Some(damage) = damage {
                return Err(BoltError::Damaged { page: id, is_inline: false, damage });
            }
            have = end;
        }
        Ok(())
    }
}

fn zero_blocks(bytes: &[u8]) -> u64 {
    let blocks = bytes.chunks_exact(BLOCK_BYTES);
    blocks.filter(|block| block.iter().all(|byte| *byte == 0)).count() as u64
}
