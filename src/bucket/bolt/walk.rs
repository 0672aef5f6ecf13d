//! Building a tree from its pages, in the order of the keys.
//!
//! A stack of levels, one a page on the way from the root to here. A bucket stored inline is a level inside the
//! bytes of the page that holds it.

use super::follow::Pages;
use super::meta::Meta;
use super::page::{self, BUCKET_HEADER_BYTES, Header, Kind};
use super::source::Source;
use super::{BoltError, Damage};
use crate::bucket::{Bucket, Builder, DEPTH_MAX};
use std::ops::Range;

/// How many pages deep a bucket may be. With two children a branch, a file of 2^64 pages is no deeper.
const PAGE_DEPTH_MAX: usize = 64;

/// Builds the tree that a meta page names, of which all pages are known.
pub(super) fn tree<S: Source + ?Sized>(pages: &mut Pages<'_, S>, meta: &Meta) -> Result<Bucket, BoltError> {
    let mut walk = Walk {
        pages,
        held: Vec::new(),
        levels: Vec::new(),
        buckets_open: 0,
        builder: Builder::new(),
        spent: 0,
        budget: 0,
    };
    walk.enter_page(meta.root, true)?;
    while let Some(level) = walk.levels.last_mut() {
        let element = level.next;
        level.next += 1;
        if element == level.count {
            walk.leave();
        } else if level.kind == Kind::Branch {
            let child = page::child(&walk.held[level.held][level.bytes.clone()], element);
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

struct Walk<'p, 's, S: ?Sized> {
    pages: &'p mut Pages<'s, S>,
    /// The pages on the way to here.
    held: Vec<Vec<u8>>,
    levels: Vec<Level>,
    /// The root is one of them.
    buckets_open: usize,
    builder: Builder,
    /// What all elements so far add up to.
    spent: u64,
    /// What they may add up to: honest elements lie side by side, so they add up to less than their pages. A damaged
    /// length may let one reach over others, which bbolt reads without complaint; twice the pages is leave enough.
    budget: u64,
}

/// A page on the way from the root to here.
struct Level {
    /// For messages: the page whose bytes these are.
    page: u64,
    is_inline: bool,
    is_bucket_root: bool,
    kind: Kind,
    /// Which of the held pages.
    held: usize,
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

impl<S: Source + ?Sized> Walk<'_, '_, S> {
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
        let bytes = self.pages.take(id)?.bytes;
        let header = Header::of(&bytes);
        let (kind, count) = (header.kind().map_err(fail)?, usize::from(header.count));
        let bounds = if is_bucket_root { (None, None) } else { bounds(&self.levels, &self.held) };
        page::check_order(&bytes, kind, count, bounds).map_err(fail)?;
        self.budget = self.budget.saturating_add(2 * bytes.len() as u64);
        if is_bucket_root {
            self.buckets_open += 1;
        }
        self.levels.push(Level {
            page: id,
            is_inline: false,
            is_bucket_root,
            kind,
            held: self.held.len(),
            bytes: 0..bytes.len(),
            count,
            next: 0,
            depth,
        });
        self.held.push(bytes);
        Ok(())
    }

    /// Takes over the elements of the leaf on top, from one on, until one leads deeper.
    fn take(&mut self, first: usize) -> Result<(), BoltError> {
        let level = self.levels.last_mut().expect("the walk stands on a leaf");
        let page = &self.held[level.held][level.bytes.clone()];
        for element in first..level.count {
            let entry = page::leaf_element(page, element);
            let (key, value) = (&page[entry.key], &page[entry.value.clone()]);
            let cost = page::ELEMENT_BYTES + key.len() + if entry.is_bucket { 0 } else { value.len() };
            self.spent = self.spent.saturating_add(cost as u64);
            if self.spent > self.budget {
                return Err(level.fail(Damage::TooMuch(self.budget)));
            }
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
        let page = &self.held[above.held][bytes.clone()];
        let header = Header::of(page);
        let kind = header.kind().map_err(fail)?;
        if kind == Kind::Branch {
            // bbolt stores nothing but a single leaf inline.
            return Err(fail(Damage::Flags(header.flags)));
        }
        page::measure(page, kind, header.count, page.len()).map_err(fail)?;
        let count = usize::from(header.count);
        page::check_order(page, kind, count, (None, None)).map_err(fail)?;
        let (page, held) = (above.page, above.held);
        self.buckets_open += 1;
        self.levels.push(Level {
            page,
            is_inline: true,
            is_bucket_root: true,
            kind,
            held,
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
            self.held.pop();
        }
    }
}

/// The keys between which a child of the topmost level lies: that of the element which leads to it, and the
/// next one there is in a branch of the same bucket.
fn bounds<'b>(levels: &[Level], held: &'b [Vec<u8>]) -> (Option<&'b [u8]>, Option<&'b [u8]>) {
    let key = |level: &Level, element| {
        let page = &held[level.held][level.bytes.clone()];
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
