//! The two meta pages.
//!
//! ```text
//!   offset 16 magic u32 | version u32 | page size u32 | flags u32
//!          32 root page u64 | root sequence u64 | freelist page u64 | high-water mark u64
//!          64 transaction u64 | checksum u64: FNV-1a over bytes 16 to 72
//! ```

use super::page::{self, Header};
use super::source::{self, Source};
use super::{BoltError, Damage, FileOddity, Lost, MetaFault, Opened};
use crate::bucket::Bucket;
use std::sync::atomic::{Ordering, fence};

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// Where a freelist's page would be named in a file without one (bbolt's `PgidNoFreelist`).
const NO_FREELIST: u64 = u64::MAX;
/// The page sizes that a file may have.
const PAGE_SIZES: [u32; 8] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

const BYTES: usize = 80;
const CHECKED: std::ops::Range<usize> = page::HEADER_BYTES..72;

/// What a valid meta page says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Meta {
    /// The page this is, 0 or 1.
    pub(super) page: u64,
    pub(super) page_size: u32,
    pub(super) root: u64,
    pub(super) sequence: u64,
    /// The page that lists the free ones, if one does.
    pub(super) freelist: Option<u64>,
    /// No page from this id on is in use.
    pub(super) high_water: u64,
    pub(super) transaction: u64,
    flags: u16,
    overflow: u32,
}

/// Both meta pages, of which at least one counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Metas {
    /// The valid one of the highest transaction (bbolt's `DB.meta`).
    pub(super) newest: Meta,
    /// The one before it, if it is valid, too.
    pub(super) older: Option<Meta>,
    /// What was the newest once, and is damaged.
    pub(super) lost: Option<Lost>,
}

/// What another look at the meta pages shows.
pub(super) enum Look {
    Same,
    /// One transaction was committed.
    Next(Metas),
    /// More was, or is being so.
    Lost,
}

impl Metas {
    /// The first page gives the page size and with it the place of the second; if the first is damaged, the second
    /// is looked for at every size. The checksum leaves out the page's header. Where that is wrong, readers differ on
    /// whether the page counts (bbolt never looks), so the newest page must have a sound one.
    pub(super) fn read<S: Source + ?Sized>(source: &S) -> Result<Metas, BoltError> {
        let first = match Meta::at(source, 0, None)? {
            Ok(first) => {
                let second = Meta::at(source, 1, Some(first.page_size))?;
                return match second {
                    Ok(second) if second.transaction > first.transaction => {
                        Metas::of(second, Some(first), None)
                    }
                    Ok(second) => Metas::of(first, Some(second), None),
                    Err(fault) => {
                        let lost = Lost::of(source, 1, fault, &first)?;
                        Metas::of(first, None, lost)
                    }
                };
            }
            // Looked at before the second page is: a packed database may have one of its pages anywhere.
            Err(MetaFault::Magic) => match marked(source)? {
                Some(other) => return Err(other),
                None => MetaFault::Magic,
            },
            Err(fault) => fault,
        };
        let mut second = MetaFault::Magic;
        for page_size in PAGE_SIZES {
            match Meta::at(source, 1, Some(page_size))? {
                Ok(meta) => {
                    let lost = Lost::of(source, 0, first, &meta)?;
                    return Metas::of(meta, None, lost);
                }
                Err(MetaFault::Magic | MetaFault::BeyondEnd) => {}
                Err(fault) => second = fault,
            }
        }
        let length = source::length(source)?;
        Err(match (first, second) {
            _ if length == 0 => BoltError::Empty,
            (MetaFault::BeyondEnd, _) => told(source)?.unwrap_or(BoltError::TooShort { length }),
            (MetaFault::Magic, MetaFault::Magic) => foreign(source)?,
            (first, second) => BoltError::NoMeta { first, second },
        })
    }

    fn of(newest: Meta, older: Option<Meta>, lost: Option<Lost>) -> Result<Metas, BoltError> {
        Ok(Metas { newest: newest.with_header()?, older, lost })
    }

    /// Looks again, after something was read.
    pub(super) fn look<S: Source + ?Sized>(&self, source: &S) -> Result<Look, BoltError> {
        // What was read comes before the look, also where a processor reorders what it reads.
        fence(Ordering::SeqCst);
        let own = &self.newest;
        Ok(match Metas::read(source) {
            Ok(now) if now == *self => Look::Same,
            Ok(now)
                if now.older.as_ref() == Some(own)
                    && own.transaction.checked_add(1) == Some(now.newest.transaction) =>
            {
                Look::Next(now)
            }
            Err(error @ BoltError::Read { .. }) => return Err(error),
            _ => Look::Lost,
        })
    }

    /// What is odd about these and a file of a length.
    pub(super) fn oddities(&self, length: u64) -> Vec<FileOddity> {
        let Meta { transaction: newest, high_water: pages, page_size, .. } = self.newest;
        let apart = self.older.as_ref().map(|older| older.transaction);
        let apart = apart.filter(|older| older.checked_add(1) != Some(newest));
        let apart = apart.map(|older| FileOddity::Apart { newest, older });
        let is_short = length / u64::from(page_size) < pages;
        let short = is_short.then_some(FileOddity::Short { length, pages, page_size });
        apart.into_iter().chain(short).collect()
    }

    pub(super) fn opened(self, tree: Bucket, oddities: Vec<FileOddity>) -> Opened {
        Opened {
            tree,
            page_size: self.newest.page_size,
            transaction: self.newest.transaction,
            meta_page: self.newest.page,
            has_freelist: self.newest.freelist.is_some(),
            lost: self.lost,
            oddities,
        }
    }
}

/// What a file without bbolt's magic number is.
fn foreign<S: Source + ?Sized>(source: &S) -> Result<BoltError, BoltError> {
    let mut first = [0; BYTES];
    source::fill(source, 0, &mut first)?;
    let zeros = first.iter().all(|byte| *byte == 0).then_some(BoltError::Zeros);
    Ok(zeros.or(told(source)?).unwrap_or(BoltError::Foreign))
}

/// What a file's first bytes tell.
fn told<S: Source + ?Sized>(source: &S) -> Result<Option<BoltError>, BoltError> {
    let mut first = [0; 512];
    let filled = source::fill(source, 0, &mut first)?;
    Ok(marked(source)?.or_else(|| text(&first[..filled]).map(BoltError::Other)))
}

/// What a file is whose first bytes have a format's mark.
fn marked<S: Source + ?Sized>(source: &S) -> Result<Option<BoltError>, BoltError> {
    const TAR_MARK_AT: u64 = 257;
    const TAR_MARK: &[u8; 5] = b"ustar";
    const FORMATS: [(&str, &[u8]); 2] =
        [("a program (ELF)", b"\x7fELF"), ("a database of SQLite", b"SQLite format 3\0")];
    const PACKERS: [(&str, &[u8]); 6] = [
        ("gzip", b"\x1f\x8b"),
        ("xz", b"\xfd7zXZ\0"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("lz4", b"\x04\x22\x4d\x18"),
        ("bzip2", b"BZh"),
        ("zip", b"PK\x03\x04"),
    ];
    let (mut first, mut later) = ([0; 16], [0; TAR_MARK.len()]);
    let filled = source::fill(source, 0, &mut first)?;
    source::fill(source, TAR_MARK_AT, &mut later)?;
    let has = |mark: &[u8]| first[..filled].starts_with(mark);
    let packer = PACKERS.into_iter().find(|(_, mark)| has(mark)).map(|(name, _)| BoltError::Packed(name));
    let format = FORMATS.into_iter().find(|(_, mark)| has(mark)).map(|(name, _)| name);
    let format = format.or((later == *TAR_MARK).then_some("a tar archive: unpack it first"));
    Ok(packer.or(format.map(BoltError::Other)))
}

/// What text a file's first bytes are of, if they are. The last character may be cut.
fn text(first: &[u8]) -> Option<&'static str> {
    let text = || {
        let chunk = first.utf8_chunks().next()?;
        let is_whole = chunk.valid().len() + 4 > first.len();
        let is_text = |letter: char| !letter.is_control() || letter.is_ascii_whitespace();
        (is_whole && chunk.valid().chars().all(is_text)).then(|| chunk.valid().trim_start())
    };
    match first {
        [] => None,
        _ => text().map(|text| if text.starts_with(['{', '[']) { "JSON" } else { "a text" }),
    }
}

impl Lost {
    /// What a damaged page has lost beside the other one; nothing where it still says that it is the older one.
    fn of<S: Source + ?Sized>(
        source: &S,
        page: u64,
        fault: MetaFault,
        other: &Meta,
    ) -> Result<Option<Lost>, BoltError> {
        let mut bytes = [0; 8];
        let place = page * u64::from(other.page_size) + CHECKED.end as u64 - bytes.len() as u64;
        let filled = source::fill(source, place, &mut bytes)?;
        let transaction = (filled == bytes.len()).then(|| page::u64_at(&bytes, 0));
        let is_older = transaction.is_some_and(|own| own.checked_add(1) == Some(other.transaction));
        Ok((!is_older).then_some(Lost { page, fault, shown: other.transaction }))
    }
}

impl Meta {
    fn at<S: Source + ?Sized>(
        source: &S,
        page: u64,
        page_size: Option<u32>,
    ) -> Result<Result<Meta, MetaFault>, BoltError> {
        let mut bytes = [0; BYTES];
        let offset = page * u64::from(page_size.unwrap_or_default());
        let filled = source::fill(source, offset, &mut bytes)?;
        Ok(if filled < BYTES { Err(MetaFault::BeyondEnd) } else { Meta::parse(&bytes, page, page_size) })
    }

    fn parse(bytes: &[u8; BYTES], page: u64, page_size_given: Option<u32>) -> Result<Meta, MetaFault> {
        let [magic, version, page_size] = [16, 20, 24].map(|offset| page::u32_at(bytes, offset));
        if magic != MAGIC {
            return Err(MetaFault::Magic);
        }
        if version != VERSION {
            return Err(MetaFault::Version(version));
        }
        let (stored, computed) = (page::u64_at(bytes, CHECKED.end), fnv_1a(&bytes[CHECKED]));
        if stored != computed {
            return Err(MetaFault::Checksum { stored, computed });
        }
        if !PAGE_SIZES.contains(&page_size) {
            return Err(MetaFault::PageSize(page_size));
        }
        if page_size_given.is_some_and(|given| given != page_size) {
            return Err(MetaFault::Misplaced(page_size));
        }
        let [root, sequence, freelist, high_water, transaction] =
            [32, 40, 48, 56, 64].map(|offset| page::u64_at(bytes, offset));
        let freelist = (freelist != NO_FREELIST).then_some(freelist);
        let Header { flags, overflow, .. } = Header::of(bytes);
        Ok(Meta { page, page_size, root, sequence, freelist, high_water, transaction, flags, overflow })
    }

    fn with_header(self) -> Result<Meta, BoltError> {
        let Meta { page, flags, overflow, .. } = self;
        if flags == page::META_FLAGS && overflow == 0 {
            return Ok(self);
        }
        Err(BoltError::Damaged { page, is_inline: false, damage: Damage::MetaHeader { flags, overflow } })
    }

    /// A meta page of a new file, in which both name the same state and page and transaction have one number.
    pub(super) fn of_new_file(page: u64, page_size: u32, tree: (u64, u64), freelist: u64, end: u64) -> Meta {
        let (root, sequence) = tree;
        Meta {
            page,
            page_size,
            root,
            sequence,
            freelist: Some(freelist),
            high_water: end,
            transaction: page,
            flags: page::META_FLAGS,
            overflow: 0,
        }
    }

    /// The page's bytes, as far as any mean something.
    pub(super) fn encode(&self) -> Vec<u8> {
        let header = Header { id: self.page, flags: self.flags, count: 0, overflow: self.overflow };
        let mut bytes = header.encode().to_vec();
        for number in [MAGIC, VERSION, self.page_size, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let freelist = self.freelist.unwrap_or(NO_FREELIST);
        for number in [self.root, self.sequence, freelist, self.high_water, self.transaction] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = fnv_1a(&bytes[CHECKED]);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// The 64-bit FNV-1a hash.
pub(super) fn fnv_1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
