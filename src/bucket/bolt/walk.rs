//! The walk over all pages of a tree, in the order of the keys.
//!
//! A stack of levels, one a page on the way from the root to here. Each page on it stands in a buffer of its
//! own, which is used again for the next page at that depth; a bucket stored inline is a level inside the
//! buffer of the page that holds it.

use super::meta::Meta;
use super::page::{self, Header, Kind};
use super::source::{self, Source};
use super::{BoltError, Damage};
use crate::bucket::{Bucket, Builder, DEPTH_MAX};
use hashbrown::HashMap;
use std::ops::Range;

/// How many pages deep a bucket may be. With two children a branch, a file of 2^64 pages is no deeper.
const PAGE_DEPTH_MAX: usize = 64;
/// A sub-bucket's value begins with the page of its root and its sequence.
pub(super) const BUCKET_HEADER_BYTES: usize = 16;
/// How much of a page is read at first: most pages of a real file are far from full, and copying is what reading
/// costs. The smallest page is half of it.
const FIRST_BYTES: usize = 1024;
/// How much of the list of free pages is held at a time.
const FREELIST_BYTES_AT_ONCE: usize = 1 << 16;
/// How much of a long page is read at a time, so that a buffer grows with what is there.
const BYTES_AT_ONCE: usize = 1 << 20;
/// The piece by which long pages are held against holes.
const BLOCK_BYTES: usize = 4096;
/// How many blocks of zeros all long pages may have: 4 MiB. containerd's values have none.
const ZERO_BLOCKS_MAX: u64 = 1 << 10;
/// A page's id, in the list of free pages.
const ID_BYTES: usize = 8;
/// Buffers kept for further pages of their depth are cut back to this size.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// Reads the tree that a meta page names.
pub(super) fn tree<S: Source + ?Sized>(source: &S, meta: &Meta) -> Result<Bucket, BoltError> {
    let mut walk = Walk {
        pages: Pages::new(source, meta)?,
        buffers: Vec::new(),
        buffers_held: 0,
        levels: Vec::new(),
        buckets_open: 0,
        builder: Builder::new(),
    };
    walk.enter_page(meta.root, true)?;
    while let Some(level) = walk.levels.last_mut() {
        let element = level.next;
        level.next += 1;
        if element == level.count {
            walk.leave();
        } else if level.kind == Kind::Branch {
            let child = page::child(&walk.buffers[level.buffer][level.bytes.clone()], element);
            walk.enter_page(child, false)?;
        } else {
            walk.take(element)?;
        }
    }
    let mut tree = walk.builder.finish();
    if meta.sequence != 0 {
        tree.set_sequence(&[], meta.sequence).expect("every tree has a root");
    }
    Ok(tree)
}

struct Walk<'s, S: ?Sized> {
    pages: Pages<'s, S>,
    /// The pages on the way to here, and behind them buffers that are free.
    buffers: Vec<Vec<u8>>,
    buffers_held: usize,
    levels: Vec<Level>,
    /// The root is one of them.
    buckets_open: usize,
    builder: Builder,
}

/// A page on the way from the root to here.
struct Level {
    /// For messages: the page whose bytes these are.
    page: u64,
    is_inline: bool,
    is_bucket_root: bool,
    kind: Kind,
    buffer: usize,
    bytes: Range<usize>,
    count: usize,
    next: usize,
    /// Page depth below the root of the bucket.
    depth: usize,
}

impl Level {
    fn fail(&self, damage: Damage) -> BoltError {
        BoltError::Damaged { page: self.page, is_inline: self.is_inline, damage }
    }
}

impl<S: Source + ?Sized> Walk<'_, S> {
    /// Goes down to a page, the root of a bucket or the child to which the topmost level leads.
    fn enter_page(&mut self, id: u64, is_bucket_root: bool) -> Result<(), BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let depth = match self.levels.last() {
            Some(above) if !is_bucket_root => above.depth + 1,
            _ => 0,
        };
        if depth > PAGE_DEPTH_MAX {
            return Err(fail(Damage::PagesTooDeep(PAGE_DEPTH_MAX)));
        }
        if self.buffers_held == self.buffers.len() {
            self.buffers.push(Vec::new());
        }
        let (held, free) = self.buffers.split_at_mut(self.buffers_held);
        let buffer = &mut free[0];
        let (header, kind, reach) = self.pages.load(id, buffer)?;
        let count = usize::from(header.count);
        let bounds = if is_bucket_root { (None, None) } else { bounds(&self.levels, held) };
        page::check_order(&buffer[..reach], kind, count, bounds).map_err(fail)?;
        if is_bucket_root {
            self.buckets_open += 1;
        }
        self.levels.push(Level {
            page: id,
            is_inline: false,
            is_bucket_root,
            kind,
            buffer: self.buffers_held,
            bytes: 0..reach,
            count,
            next: 0,
            depth,
        });
        self.buffers_held += 1;
        Ok(())
    }

    /// Takes over the elements of the leaf on top, from one on, until one leads deeper.
    fn take(&mut self, first: usize) -> Result<(), BoltError> {
        let level = self.levels.last_mut().expect("the walk stands on a leaf");
        let page = &self.buffers[level.buffer][level.bytes.clone()];
        for element in first..level.count {
            let entry = page::leaf_element(page, element);
            let (key, value) = (&page[entry.key], &page[entry.value.clone()]);
            let cost = page::ELEMENT_BYTES + key.len() + if entry.is_bucket { 0 } else { value.len() };
            self.pages.spend(cost).map_err(|damage| level.fail(damage))?;
            if !entry.is_bucket {
                self.builder.put(key, value).map_err(|_| level.fail(Damage::Order(element)))?;
                continue;
            }
            let Some((header, inline)) = value.split_first_chunk::<BUCKET_HEADER_BYTES>() else {
                return Err(level.fail(Damage::BucketLength { element, length: value.len() }));
            };
            let (root, sequence) = (page::u64_at(header, 0), page::u64_at(header, 8));
            if self.buckets_open > DEPTH_MAX {
                return Err(level.fail(Damage::BucketsTooDeep));
            }
            self.builder.open(key, sequence).map_err(|_| level.fail(Damage::Order(element)))?;
            level.next = element + 1;
            if root != 0 {
                return self.enter_page(root, true);
            }
            if inline.len() < page::HEADER_BYTES {
                return Err(level.fail(Damage::BucketLength { element, length: value.len() }));
            }
            let start = level.bytes.start + entry.value.start + BUCKET_HEADER_BYTES;
            let bytes = start..level.bytes.start + entry.value.end;
            return self.enter_inline(bytes);
        }
        level.next = level.count;
        Ok(())
    }

    /// Goes down to a bucket inside the page on top.
    fn enter_inline(&mut self, bytes: Range<usize>) -> Result<(), BoltError> {
        let above = self.levels.last().expect("an inline bucket stands in a leaf");
        let fail = |damage| BoltError::Damaged { page: above.page, is_inline: true, damage };
        let page = &self.buffers[above.buffer][bytes.clone()];
        let header = Header::of(page);
        let kind = header.kind().map_err(fail)?;
        if kind == Kind::Branch {
            // bbolt stores nothing but a single leaf inline.
            return Err(fail(Damage::Flags(header.flags)));
        }
        page::measure(page, kind, header.count, page.len()).map_err(fail)?;
        let count = usize::from(header.count);
        page::check_order(page, kind, count, (None, None)).map_err(fail)?;
        let (page, buffer) = (above.page, above.buffer);
        self.buckets_open += 1;
        self.levels.push(Level {
            page,
            is_inline: true,
            is_bucket_root: true,
            kind,
            buffer,
            bytes,
            count,
            next: 0,
            depth: 0,
        });
        Ok(())
    }

    /// Goes back up from a page of which nothing is left.
    fn leave(&mut self) {
        let level = self.levels.pop().expect("the walk stands on a page");
        if level.is_bucket_root {
            self.buckets_open -= 1;
            if self.buckets_open > 0 {
                self.builder.close();
            }
        }
        if !level.is_inline {
            self.buffers_held -= 1;
            let buffer = &mut self.buffers[self.buffers_held];
            if buffer.len() > BUFFER_BYTES_KEPT {
                *buffer = Vec::new();
            }
        }
    }
}

/// The keys between which a child of the topmost level lies: that of the element which leads to it, and the
/// next one there is in a branch of the same bucket.
fn bounds<'b>(levels: &[Level], buffers: &'b [Vec<u8>]) -> (Option<&'b [u8]>, Option<&'b [u8]>) {
    let key = |level: &Level, element| {
        let page = &buffers[level.buffer][level.bytes.clone()];
        &page[page::key_range(page, level.kind, element)]
    };
    let lower = levels.last().map(|level| key(level, level.next - 1));
    for level in levels.iter().rev() {
        if level.next < level.count {
            return (lower, Some(key(level, level.next)));
        }
        if level.is_bucket_root {
            break;
        }
    }
    (lower, None)
}

/// The pages of a file, each given out once.
struct Pages<'s, S: ?Sized> {
    source: &'s S,
    length: u64,
    page_size: usize,
    high_water: u64,
    /// How many whole pages the file has.
    count: u64,
    /// One bit a page, 64 a word: given out, or the freelist's own.
    seen: HashMap<u64, u64>,
    /// The pages listed as free, as ranges in ascending order. Empty for a file without a freelist.
    free: Vec<Range<u64>>,
    /// What all elements so far add up to.
    spent: u64,
    /// What they may add up to: honest elements lie side by side, so they add up to less than their pages. A damaged
    /// length may let one reach over others, which bbolt reads without complaint; twice the pages is leave enough.
    budget: u64,
    zero_blocks_left: u64,
}

impl<'s, S: Source + ?Sized> Pages<'s, S> {
    fn new(source: &'s S, meta: &Meta) -> Result<Self, BoltError> {
        let length = source::length(source)?;
        let count = length / u64::from(meta.page_size);
        let mut pages = Pages {
            source,
            length,
            page_size: meta.page_size as usize,
            high_water: meta.high_water,
            count,
            seen: HashMap::new(),
            free: Vec::new(),
            spent: 0,
            budget: 0,
            zero_blocks_left: ZERO_BLOCKS_MAX,
        };
        if let Some(freelist) = meta.freelist {
            pages.load_freelist(freelist)?;
        }
        Ok(pages)
    }

    /// Reads which pages are free. None of them may be in use, and a file whose list is another page by now is
    /// a copy taken between two writes: both would otherwise pass for a smaller tree.
    fn load_freelist(&mut self, id: u64) -> Result<(), BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let mut buffer = Vec::new();
        let header = self.load_header(id, &mut buffer)?;
        if header.flags != page::FREELIST_FLAGS {
            return Err(fail(Damage::NotFreelist(header.flags)));
        }
        let run = self.run(id, &header)?;
        let (start, listed) = if header.count == page::COUNT_ELSEWHERE {
            self.extend(id, &mut buffer, FIRST_BYTES.min(self.page_size), page::HEADER_BYTES + ID_BYTES)?;
            (page::HEADER_BYTES + ID_BYTES, page::u64_at(&buffer, page::HEADER_BYTES))
        } else {
            (page::HEADER_BYTES, u64::from(header.count))
        };
        let room = (run - start) / ID_BYTES;
        let listed = usize::try_from(listed).ok().filter(|listed| *listed <= room);
        let mut left = listed.ok_or(fail(Damage::FreelistCount { room }))?;
        let reach = start + left * ID_BYTES;
        // The two meta pages are never free.
        let mut last = 1;
        let mut offset = id * self.page_size as u64 + start as u64;
        buffer.resize(FREELIST_BYTES_AT_ONCE, 0);
        while left > 0 {
            let part = left.min(FREELIST_BYTES_AT_ONCE / ID_BYTES);
            let bytes = &mut buffer[..part * ID_BYTES];
            if source::fill(self.source, offset, bytes)? < bytes.len() {
                return Err(fail(Damage::BeyondEnd(self.length)));
            }
            for bytes in bytes.chunks_exact(ID_BYTES) {
                let free = page::u64_at(bytes, 0);
                if free <= last {
                    return Err(fail(Damage::FreelistOrder(free)));
                }
                match self.free.last_mut() {
                    Some(range) if range.end == free => range.end = free.saturating_add(1),
                    _ => self.free.push(free..free.saturating_add(1)),
                }
                last = free;
            }
            offset += bytes.len() as u64;
            left -= part;
        }
        self.claim(id, &header, reach)
    }

    /// Reads a page as far as its elements reach, and checks all but the order of its keys.
    fn load(&mut self, id: u64, buffer: &mut Vec<u8>) -> Result<(Header, Kind, usize), BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let header = self.load_header(id, buffer)?;
        let kind = header.kind().map_err(fail)?;
        let length = self.run(id, &header)?;
        let mut have = FIRST_BYTES.min(self.page_size);
        if header.table_end() > have {
            let table = header.table_end().max(self.page_size).min(length);
            self.extend(id, buffer, have, table)?;
            have = table;
        }
        let reach = page::measure(buffer, kind, header.count, length).map_err(fail)?;
        self.extend(id, buffer, have, reach)?;
        self.claim(id, &header, reach)?;
        self.budget = self.budget.saturating_add(2 * reach as u64);
        Ok((header, kind, reach))
    }

    /// Reads the beginning of a page that must be there and say who it is.
    fn load_header(&mut self, id: u64, buffer: &mut Vec<u8>) -> Result<Header, BoltError> {
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
        self.extend(id, buffer, 0, FIRST_BYTES.min(self.page_size))?;
        let header = Header::of(buffer);
        if header.id != id {
            return Err(fail(Damage::WrongId(header.id)));
        }
        Ok(header)
    }

    /// How many bytes a page and those with which it continues are, if the file has them and nobody else has it.
    fn run(&self, id: u64, header: &Header) -> Result<usize, BoltError> {
        let fail = |damage| BoltError::Damaged { page: id, is_inline: false, damage };
        let overflow = header.overflow;
        let pages_left = self.count.min(self.high_water) - id;
        if u64::from(overflow) >= pages_left {
            return Err(fail(Damage::Overflow { overflow, last: id + pages_left - 1 }));
        }
        if self.is_seen(id) {
            return Err(fail(Damage::UsedTwice(id)));
        }
        Ok((overflow as usize + 1).saturating_mul(self.page_size))
    }

    /// Takes a page and those with which it continues, which nobody else may have. bbolt makes a run as long as what
    /// stands in it, or a page longer; a list of free pages shrinks by what its own transaction takes.
    fn claim(&mut self, id: u64, header: &Header, bytes: usize) -> Result<(), BoltError> {
        let (overflow, needed) = (header.overflow, bytes.div_ceil(self.page_size) as u64);
        if u64::from(overflow) > 2 * needed {
            let damage = Damage::Spare { overflow, needed };
            return Err(BoltError::Damaged { page: id, is_inline: false, damage });
        }
        for page in id..=id + u64::from(overflow) {
            let damage = if self.is_seen(page) {
                Damage::UsedTwice(id)
            } else if self.is_free(page) {
                Damage::Free
            } else {
                *self.seen.entry(page / 64).or_default() |= 1 << (page % 64);
                continue;
            };
            return Err(BoltError::Damaged { page, is_inline: false, damage });
        }
        Ok(())
    }

    fn is_seen(&self, page: u64) -> bool {
        self.seen.get(&(page / 64)).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    fn is_free(&self, page: u64) -> bool {
        let at = self.free.partition_point(|range| range.end <= page);
        self.free.get(at).is_some_and(|range| range.contains(&page))
    }

    /// Reads the bytes of a page up to an offset, those up to another being there.
    fn extend(&mut self, id: u64, buffer: &mut Vec<u8>, from: usize, to: usize) -> Result<(), BoltError> {
        if to <= from {
            return Ok(());
        }
        let mut have = from;
        while have < to {
            let end = to.min(have + BYTES_AT_ONCE);
            // Grown only, so that bytes about to be overwritten are not cleared for every page.
            if buffer.len() < end {
                buffer.resize(end, 0);
            }
            let offset = id * self.page_size as u64 + have as u64;
            let filled = source::fill(self.source, offset, &mut buffer[have..end])?;
            let damage = if filled < end - have {
                Some(Damage::BeyondEnd(offset + filled as u64))
            } else {
                self.pass_zeros(&buffer[have..end]).err().map(|()| Damage::Hollow(to))
            };
            if let Some(damage) = damage {
                return Err(BoltError::Damaged { page: id, is_inline: false, damage });
            }
            have = end;
        }
        Ok(())
    }

    /// Counts the blocks of zeros among some bytes, and fails when there were too many: what a hole of the file seems
    /// to hold must not become memory.
    fn pass_zeros(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let blocks = bytes.chunks_exact(BLOCK_BYTES);
        let zeros = blocks.filter(|block| block.iter().all(|byte| *byte == 0)).count() as u64;
        self.zero_blocks_left = self.zero_blocks_left.checked_sub(zeros).ok_or(())?;
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Damage> {
        self.spent = self.spent.saturating_add(bytes as u64);
        if self.spent > self.budget { Err(Damage::TooMuch(self.budget)) } else { Ok(()) }
    }
}
