//! Reading a real bbolt file, and writing a new one.
//!
//! bbolt keeps its nested buckets as copy-on-write B+ trees of pages, and two meta pages that take turns in
//! naming the newest root. [`read`] turns a file into a [`Bucket`]:
//!
//! ```text
//!   page 0, 1   meta: page size, root, high-water mark, transaction, checksum   (the valid, newer one counts)
//!   page n      branch: key and child page, ...   |   leaf: key and value, or key and sub-bucket, ...
//!               sub-bucket: the page of its root and its sequence; root 0: a leaf stands inline in the value
//! ```
//!
//! The file is opened read-only and never locked, so a running daemon neither waits nor is waited for. What
//! bbolt writes meanwhile shows in the meta pages: they are read again at the end, and a read during which
//! they moved counts for nothing, whether it gave a tree or found damage. bbolt never writes to a page of the
//! newest transaction, so that what was read between two equal looks is one transaction's. The first read goes page by
//! page, which costs least. After it the window is made as short as it can be: the moment after a commit is
//! waited for, the whole file is read into memory at once by all cores, and walked there in peace.
//!
//! Nothing in a file is trusted. Every page is reached once at the most, lies within the file, says who it is
//! and holds its keys in strict order and between the keys of the branch above it; the depth is limited, and
//! so is what all entries add up to. Time and memory follow what the file really holds, not what it claims: a value has
//! 64 MiB at the most, a page continues no further than its content, and more than a few zeros are taken for a hole.
//!
//! [`create`] goes the other way: a tree becomes a new file, which bbolt, and with it containerd, opens. A file
//! that exists is never written to. This room knows nothing of what containerd stores.

mod error;
mod meta;
mod page;
mod source;
mod walk;
mod write;

pub use error::{BoltError, Damage, Lost, MetaFault};
pub use page::READ_VALUE_BYTES_MAX;
pub use source::Source;
pub use write::{WriteError, Written, create, write};

use super::Bucket;
use meta::Metas;
use rayon::prelude::*;
use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a file that is written to is tried where nothing else is said.
pub const WAIT: Duration = Duration::from_secs(10);
/// Files up to this length are read into memory whole when reading them page by page takes too long.
const WHOLE_BYTES_MAX: u64 = 1 << 30;
/// What one core reads at a time.
const PART_BYTES: usize = 1 << 20;
/// How often the meta pages are looked at for the next commit.
const LOOK: Duration = Duration::from_micros(200);
/// Without a commit for so long the daemon counts as quiet.
const QUIET: Duration = Duration::from_millis(20);

/// A database as read at one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// All buckets, with their sequence numbers.
    pub tree: Bucket,
    /// The size of a page in bytes.
    pub page_size: u32,
    /// The newest committed transaction, which is the one that was read.
    pub transaction: u64,
    /// Which of the two meta pages names it, 0 or 1.
    pub meta_page: u64,
    /// Whether the list of free pages is stored in the file (bbolt's `NoFreelistSync` leaves it out).
    pub has_freelist: bool,
    /// What is wrong where the newest of the two meta pages does not count any more.
    pub lost: Option<Lost>,
}

/// Reads the database at a path, for up to [`WAIT`].
///
/// # Errors
/// As [`read_within`].
pub fn read(path: &Path) -> Result<Opened, BoltError> {
    read_within(path, WAIT)
}

/// Reads the database at a path, again and again for a time while it is written to.
///
/// # Errors
/// There is no readable file, it is no bbolt database, it is damaged, or it changed during every attempt.
pub fn read_within(path: &Path, wait: Duration) -> Result<Opened, BoltError> {
    // Asked before opening, which would wait for ever on a pipe.
    let kind = fs::metadata(path).map_err(BoltError::of_open)?;
    if kind.is_dir() {
        return Err(BoltError::Directory);
    }
    if !kind.is_file() {
        return Err(BoltError::NotAFile);
    }
    read_live(&File::open(path).map_err(BoltError::of_open)?, wait)
}

/// Reads a database from wherever its bytes are, once.
///
/// ```
/// # use leasehold::bucket::bolt::{BoltError, read_from};
/// let bytes: &[u8] = b"";
/// assert!(matches!(read_from(bytes), Err(BoltError::Empty)));
/// ```
///
/// # Errors
/// The bytes are no bbolt database, or a damaged one, or they changed meanwhile.
pub fn read_from<S: Source + Sync + ?Sized>(source: &S) -> Result<Opened, BoltError> {
    read_live(source, Duration::ZERO)
}

fn read_live<S: Source + Sync + ?Sized>(source: &S, wait: Duration) -> Result<Opened, BoltError> {
    let began = Instant::now();
    if let Some(opened) = read_page_by_page(source)? {
        return Ok(opened);
    }
    let mut memory = Vec::new();
    while began.elapsed() < wait {
        await_commit(source)?;
        if let Some(opened) = read_at_once(source, &mut memory)? {
            return Ok(opened);
        }
    }
    Err(BoltError::Changed(began.elapsed()))
}

/// One attempt that needs no more memory than the tree; nothing if the database changed meanwhile.
fn read_page_by_page<S: Source + ?Sized>(source: &S) -> Result<Option<Opened>, BoltError> {
    let before = Metas::read(source)?;
    let outcome = walk::tree(source, &before.newest);
    if is_changed(source, &before)? {
        return Ok(None);
    }
    opened(source, before, outcome).map(Some)
}

/// One attempt with the shortest window.
fn read_at_once<S: Source + Sync + ?Sized>(
    source: &S,
    memory: &mut Vec<u8>,
) -> Result<Option<Opened>, BoltError> {
    let length = source::length(source)?;
    if length > WHOLE_BYTES_MAX {
        return read_page_by_page(source);
    }
    memory.resize(usize::try_from(length).expect("a gibibyte fits into memory"), 0);
    let before = Metas::read(source)?;
    if source::length(source)? != length {
        return Ok(None);
    }
    // What a file that is cut meanwhile lacks is no matter: its meta pages have changed.
    memory.par_chunks_mut(PART_BYTES).enumerate().try_for_each(|(index, part)| {
        source::fill(source, (index * PART_BYTES) as u64, part).map(|_filled| ())
    })?;
    if is_changed(source, &before)? {
        return Ok(None);
    }
    let outcome = walk::tree(&memory[..], &before.newest);
    opened(&memory[..], before, outcome).map(Some)
}

fn is_changed<S: Source + ?Sized>(source: &S, before: &Metas) -> Result<bool, BoltError> {
    match Metas::read(source) {
        Ok(after) => Ok(after != *before),
        Err(error @ BoltError::Read { .. }) => Err(error),
        Err(_) => Ok(true),
    }
}

/// Waits until a transaction has just been committed, when the next one is furthest, or until none was for a while.
fn await_commit<S: Source + ?Sized>(source: &S) -> Result<(), BoltError> {
    let began = Instant::now();
    let now = Metas::read(source)?.newest.transaction;
    while began.elapsed() < QUIET && Metas::read(source)?.newest.transaction == now {
        thread::sleep(LOOK);
    }
    Ok(())
}

/// The outcome of a walk during which nothing changed. Of a damaged tree the one before it may be whole.
fn opened<S: Source + ?Sized>(
    source: &S,
    metas: Metas,
    outcome: Result<Bucket, BoltError>,
) -> Result<Opened, BoltError> {
    match (outcome, &metas.older) {
        (Ok(tree), _) => Ok(metas.opened(tree)),
        (Err(error @ BoltError::Damaged { .. }), Some(older))
            if older.root != metas.newest.root && walk::tree(source, older).is_ok() =>
        {
            Err(BoltError::NewestDamaged {
                error: Box::new(error),
                transaction: metas.newest.transaction,
                older: older.transaction,
                older_page: older.page,
            })
        }
        (Err(error), _) => Err(error),
    }
}

#[cfg(test)]
mod tests;
