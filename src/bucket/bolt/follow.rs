//! Reading a tree while a daemon commits to it, by following its commits.
//!
//! bbolt never writes to a page of the newest transaction T. What T+1 changes it writes to pages that are free, then
//! its meta page. The pages of T which T+1 no longer has are free for T+2, which begins when T+1 is committed and not
//! before (in bbolt 1.3 to 1.5, `DB.beginRWTx` releases what earlier transactions have freed; while the daemon's own readers
//! are open, less of it). Two things follow:
//!
//! * What was read of T is T's if a look at the meta pages *afterwards* still shows T as the newest.
//! * A page of T to which T+1's tree leads was not written between the two, and so is all to which it leads.
//!
//! So pages are read by the piece, from the root down, with a look after each piece. If that shows T, the piece counts,
//! and the pages to which it leads are awaited. If it shows T+1, the piece is read again, and before everything else the
//! way from T+1's root down to pages that T had already:
//!
//! ```text
//!          T           T+1             read anew: R, A; met, with all below: b, c, D and its f, still awaited
//!        root           R              left, and forgotten: root, a
//!       /  |  \       / |  \
//!      a   b   D     A  b   D          If T+2 is committed before A is read, then c, which nobody has met in T+1,
//!      |      / \    |     / \         is forgotten, too: only what is known to be T+1's is known of T+2.
//!      c     e   f   c    e   f
//! ```
//!
//! If it shows T+2 or later, or meta pages that are being written, what is known is worth nothing and reading
//! begins again. Once nothing is awaited, every page is known as the newest transaction has it, and its tree is built
//! in peace. Of a file at rest no page need be kept: each is read when the tree that is built comes to it. A file is only
//! ever read, never locked.

use super::load::{Free, Loader, Page};
use super::meta::{Look, Meta, Metas};
use super::page;
use super::source::Source;
use super::{BoltError, Damage};
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How much is read between two looks: a tenth of a millisecond's worth, so that a look rarely shows more than one
/// commit. Tests have small files.
const PIECE_PAGES: usize = if cfg!(test) { 4 } else { 64 };
/// The same where pages are long.
const PIECE_BYTES: usize = 1 << 18;
/// How many blocks of zeros all long pages may have: 4 MiB. containerd's values have none.
const ZERO_BLOCKS_MAX: u64 = 1 << 10;

/// Gathers the pages of the newest transaction's tree, and changes the meta pages to what they are then; nothing if more
/// was committed than could be followed, or for longer than there is time.
///
/// # Errors
/// A page is damaged at the transaction that the meta pages then name.
pub(super) fn gather<'s, S: Source + ?Sized>(
    source: &'s S,
    metas: &mut Metas,
    is_time_left: impl Fn() -> bool,
) -> Result<Option<Pages<'s, S>>, BoltError> {
    let mut pages = Pages::awaited(source, &metas.newest)?;
    loop {
        let piece = pages.read();
        match metas.look(source)? {
            Look::Same => {
                if pages.take_over(piece?)? {
                    return Ok(Some(pages));
                }
                if !is_time_left() {
                    return Ok(None);
                }
            }
            Look::Next(next) if is_time_left() => {
                pages.go_on(&next.newest)?;
                *metas = next;
            }
            Look::Next(_) | Look::Lost => return Ok(None),
        }
    }
}

/// The pages of a transaction's tree, as far as they are known.
pub(super) struct Pages<'s, S: ?Sized> {
    source: &'s S,
    meta: Meta,
    loader: Loader<'s, S>,
    /// Pages of this transaction's tree; those without content are awaited. While the transaction before is being
    /// left, also what that one had.
    known: HashMap<u64, Option<Page>>,
    /// Those to be read, the next one last. Some may be known by now, or forgotten.
    awaited: Vec<u64>,
    leaving: Option<Leaving>,
    free: Free,
    claims: Claims,
    zero_blocks: u64,
    /// Of pages that are read when they are taken: whether to go on is in vain.
    is_in_vain: Option<&'s dyn Fn() -> bool>,
    /// How many were read so.
    loaded: usize,
}

/// The transaction before, while it is not known which of its pages are this one's, too.
struct Leaving {
    root: u64,
    /// Those of its pages to which this one's new pages lead.
    met: HashSet<u64>,
    /// How many of the awaited pages are not new.
    awaited: usize,
}

/// What was read between two looks.
pub(super) enum Piece {
    Pages {
        pages: Vec<(u64, Page)>,
        /// How many pages are awaited besides.
        awaited: usize,
    },
    /// The list of free pages, which comes last.
    Free(Free),
}

impl<'s, S: Source + ?Sized> Pages<'s, S> {
    /// Pages that are read when they are taken, which is sound if nothing was committed from then until the last one is.
    /// Reading ends as [`BoltError::Changed`] once it is said to be in vain.
    pub(super) fn at_rest(
        source: &'s S,
        meta: &Meta,
        is_in_vain: Option<&'s dyn Fn() -> bool>,
    ) -> Result<Self, BoltError> {
        let mut pages = Pages { is_in_vain, ..Pages::new(source, meta)? };
        let free = pages.read_free()?;
        pages.take_over(free)?;
        Ok(pages)
    }

    /// Pages of which only the root is known to be one.
    fn awaited(source: &'s S, meta: &Meta) -> Result<Self, BoltError> {
        let mut pages = Pages::new(source, meta)?;
        pages.meet(meta.root);
        Ok(pages)
    }

    fn new(source: &'s S, meta: &Meta) -> Result<Self, BoltError> {
        Ok(Pages {
            source,
            meta: meta.clone(),
            loader: Loader::new(source, meta)?,
            known: HashMap::new(),
            awaited: Vec::new(),
            leaving: None,
            free: Free::default(),
            claims: Claims::default(),
            zero_blocks: 0,
            is_in_vain: None,
            loaded: 0,
        })
    }

    /// Reads more of the transaction. Nothing of it counts before the next look.
    fn read(&mut self) -> Result<Piece, BoltError> {
        let lowest = self.leaving.as_ref().map_or(0, |leaving| leaving.awaited);
        if self.awaited.is_empty() && self.leaving.is_none() {
            return self.read_free();
        }
        let (mut pages, mut awaited) = (Vec::new(), self.awaited.len());
        let (mut bytes, mut zero_blocks) = (0, self.zero_blocks);
        while awaited > lowest && pages.len() < PIECE_PAGES && bytes < PIECE_BYTES {
            awaited -= 1;
            let id = self.awaited[awaited];
            if let Some(None) = self.known.get(&id) {
                let page = self.loader.page(id, ZERO_BLOCKS_MAX - zero_blocks)?;
                bytes += page.bytes.len();
                zero_blocks += page.zero_blocks;
                pages.push((id, page));
            }
        }
        Ok(Piece::Pages { pages, awaited })
    }

    fn read_free(&mut self) -> Result<Piece, BoltError> {
        let free = self.meta.freelist.map(|id| self.loader.freelist(id)).transpose()?;
        Ok(Piece::Free(free.unwrap_or_default()))
    }

    /// Takes over what was read, as this transaction's, and says whether that was all.
    fn take_over(&mut self, piece: Piece) -> Result<bool, BoltError> {
        let (pages, awaited) = match piece {
            Piece::Pages { pages, awaited } => (pages, awaited),
            Piece::Free(free) => {
                if let Some(own) = &free.own {
                    self.claims.claim(own)?;
                }
                self.free = free;
                return Ok(true);
            }
        };
        self.awaited.truncate(awaited);
        for (id, page) in pages {
            // One that was forgotten and is awaited again may be there twice.
            if let Some(Some(_)) = self.known.get(&id) {
                continue;
            }
            self.claims.claim(&page.header().run())?;
            self.zero_blocks += page.zero_blocks;
            page::for_each_child(&page.bytes, |child| self.meet(child));
            self.known.insert(id, Some(page));
        }
        if self.leaving.as_ref().is_some_and(|leaving| self.awaited.len() <= leaving.awaited) {
            self.leave();
        }
        Ok(false)
    }

    /// Goes on to the transaction that was committed after this one.
    fn go_on(&mut self, next: &Meta) -> Result<(), BoltError> {
        self.leave();
        let root = self.meta.root;
        self.leaving = Some(Leaving { root, met: HashSet::new(), awaited: self.awaited.len() });
        self.meta = next.clone();
        self.loader = Loader::new(self.source, next)?;
        self.meet(next.root);
        Ok(())
    }

    /// A page of this transaction leads to this one.
    fn meet(&mut self, id: u64) {
        match (self.known.entry(id), &mut self.leaving) {
            (Entry::Vacant(entry), _) => {
                entry.insert(None);
                self.awaited.push(id);
            }
            (Entry::Occupied(_), Some(leaving)) => {
                leaving.met.insert(id);
            }
            // Twice in one tree: building it will find that.
            (Entry::Occupied(_), None) => {}
        }
    }

    /// Forgets what only the transaction before had, and what is not known to be this one's.
    fn leave(&mut self) {
        let Some(Leaving { root, met, .. }) = self.leaving.take() else { return };
        let mut left = vec![root];
        while let Some(id) = left.pop() {
            if met.contains(&id) {
                continue;
            }
            if let Some(Some(page)) = self.known.remove(&id) {
                self.claims.release(&page.header().run());
                self.zero_blocks -= page.zero_blocks;
                page::for_each_child(&page.bytes, |child| left.push(child));
            }
        }
    }

    /// Gives out a page, once, if it is not listed as free. It is read now if it was not gathered; of gathered pages
    /// only one that is used twice is missing.
    pub(super) fn take(&mut self, id: u64) -> Result<Page, BoltError> {
        let page = match self.known.remove(&id).flatten() {
            Some(page) => page,
            None => self.load(id)?,
        };
        match page.header().run().find(|page| self.free.contains(*page)) {
            Some(page) => Err(BoltError::Damaged { page, is_inline: false, damage: Damage::Free }),
            None => Ok(page),
        }
    }

    fn load(&mut self, id: u64) -> Result<Page, BoltError> {
        if self.claims.has(id) {
            let damage = Damage::UsedTwice(id);
            return Err(BoltError::Damaged { page: id, is_inline: false, damage });
        }
        self.loaded += 1;
        if self.loaded.is_multiple_of(PIECE_PAGES) && self.is_in_vain.is_some_and(|is_in_vain| is_in_vain()) {
            return Err(BoltError::Changed(Duration::ZERO));
        }
        let page = self.loader.page(id, ZERO_BLOCKS_MAX - self.zero_blocks)?;
        self.claims.claim(&page.header().run())?;
        self.zero_blocks += page.zero_blocks;
        Ok(page)
    }
}

/// Which pages are used, each by one page or as one with which another continues: one bit a page, 64 a word.
#[derive(Default)]
struct Claims(HashMap<u64, u64>);

impl Claims {
    fn claim(&mut self, run: &RangeInclusive<u64>) -> Result<(), BoltError> {
        for page in run.clone() {
            let word = self.0.entry(page / 64).or_default();
            if *word & (1 << (page % 64)) != 0 {
                let damage = Damage::UsedTwice(*run.start());
                return Err(BoltError::Damaged { page, is_inline: false, damage });
            }
            *word |= 1 << (page % 64);
        }
        Ok(())
    }

    fn has(&self, page: u64) -> bool {
        self.0.get(&(page / 64)).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    fn release(&mut self, run: &RangeInclusive<u64>) {
        for page in run.clone() {
            if let Some(word) = self.0.get_mut(&(page / 64)) {
                *word &= !(1 << (page % 64));
            }
        }
    }
}
