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
//! The file is opened read-only and never locked, so a running daemon neither waits nor is waited for. What it
//! commits meanwhile shows in the meta pages. The first reading goes page by page and keeps none, which costs least;
//! if nothing was committed until its end, it counts, whether it gave a tree or found damage. Otherwise the commits
//! are followed (`follow.rs`): what a commit did not touch is not read again. Something else than a daemon may write to the
//! file, a copy over it for one, which no meta page tells: a file is refused only if it stands still ([`read_as`]).
//!
//! Nothing in a file is trusted. Every page is reached once at the most, lies within the file, says who it is
//! and holds its keys in strict order and between the keys of the branch above it; the depth is limited, and
//! so is what all entries add up to. Time and memory follow what the file really holds, not what it claims: a value has
//! 64 MiB at the most, a page continues no further than its content, and more than a few zeros are taken for a hole.
//!
//! [`create`] goes the other way: a tree becomes a new file, which bbolt, and with it containerd, opens. A file
//! that exists is never written to. This room knows nothing of what containerd stores.

mod error;
mod follow;
mod load;
mod meta;
mod page;
mod source;
mod still;
mod walk;
mod write;

pub use error::{BoltError, Damage, FileOddity, Lost, MetaFault, no_regular_file};
pub use page::READ_VALUE_BYTES_MAX;
pub use source::Source;
pub use write::{WriteError, Written, create, write};

use super::Bucket;
use follow::Pages;
use meta::{Look, Meta, Metas};
use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use still::Still;

/// How long a file that is written to is tried where nothing else is said.
pub const WAIT: Duration = Duration::from_secs(10);

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
    /// What bbolt leaves behind in no file, though the tree can be read.
    pub oddities: Vec<FileOddity>,
}

/// Reads the database at a path, for up to [`WAIT`].
///
/// # Errors
/// As [`read_within`].
pub fn read(path: &Path) -> Result<Opened, BoltError> {
    read_within(path, WAIT)
}

/// Reads the database at a path; while it is written to, by following what is committed, for a time.
///
/// # Errors
/// There is no readable file, it is no bbolt database, it is damaged, or more was committed than could be followed.
pub fn read_within(path: &Path, wait: Duration) -> Result<Opened, BoltError> {
    read_as(path, wait, Ok::<_, BoltError>)?
}

/// How long a file that is refused is looked at again for having changed.
const SETTLES_IN: Duration = Duration::from_millis(50);
/// The same of one that is too short to be any database: who writes over it begins so.
const SHORT_SETTLES_IN: Duration = Duration::from_millis(250);

/// The same, and makes something of it. What may refuse a file, be it the reading or what is made, counts only of a file
/// that was not written to meanwhile and is not right afterwards; otherwise it is read again, for a time. A file that has
/// changed and is too short must stay so for half that time.
///
/// # Errors
/// As [`read_within`]; and the file changes again and again while it is refused. Inside, why nothing was made.
pub fn read_as<T, E: std::fmt::Display>(
    path: &Path,
    wait: Duration,
    make: impl Fn(Opened) -> Result<T, E>,
) -> Result<Result<T, E>, BoltError> {
    let clock = Clock { began: Instant::now(), wait };
    let mut is_first = true;
    let mut has_changed = false;
    loop {
        let file = open(path)?;
        let before = Still::of(path, &file)?;
        let refused = match attempt(&file, clock, is_first).map(&make) {
            Ok(Ok(made)) => return Ok(Ok(made)),
            // What was asked for has been tried for as long.
            Err(changed @ BoltError::Changed(_)) if is_first => return Err(changed),
            refused => refused,
        };
        let is_still = || Ok::<_, BoltError>(Still::of(path, &open(path)?)? == before);
        let is_short = matches!(refused, Err(BoltError::Empty | BoltError::TooShort { .. }));
        let settles_in = match (is_short, has_changed) {
            (true, true) => SHORT_SETTLES_IN.max(wait / 2),
            (true, false) => SHORT_SETTLES_IN.min(clock.left()),
            (false, _) => SETTLES_IN.min(clock.left()),
        };
        let since = Instant::now();
        let is_settled = loop {
            if !is_still()? {
                has_changed = true;
                break false;
            }
            let left = settles_in.saturating_sub(since.elapsed());
            if left.is_zero() {
                break true;
            }
            if clock.left().is_zero() {
                break false;
            }
            thread::sleep(SETTLES_IN.min(left));
        };
        if is_settled && !matches!(refused, Err(BoltError::Changed(_))) {
            return refused;
        }
        if clock.left().is_zero() {
            let reason = match refused {
                Err(BoltError::Changed(_)) => None,
                Err(error) => Some(error.to_string()),
                Ok(refused) => refused.err().map(|error| error.to_string()),
            };
            return Err(BoltError::Rewritten { elapsed: clock.began.elapsed(), reason });
        }
        is_first = false;
    }
}

fn open(path: &Path) -> Result<File, BoltError> {
    // Asked before opening, which would wait for ever on a pipe.
    let kind = fs::metadata(path).map_err(BoltError::of_open)?;
    if kind.is_dir() {
        return Err(BoltError::Directory);
    }
    if !kind.is_file() {
        return Err(BoltError::NotAFile(error::no_regular_file(kind.file_type())));
    }
    File::open(path).map_err(BoltError::of_open)
}

/// How long is tried yet.
#[derive(Clone, Copy)]
struct Clock {
    began: Instant,
    wait: Duration,
}

impl Clock {
    fn left(self) -> Duration {
        self.wait.saturating_sub(self.began.elapsed())
    }
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
pub fn read_from<S: Source + ?Sized>(source: &S) -> Result<Opened, BoltError> {
    read_live(source, Duration::ZERO)
}

fn read_live<S: Source + ?Sized>(source: &S, wait: Duration) -> Result<Opened, BoltError> {
    attempt(source, Clock { began: Instant::now(), wait }, true)
}

/// Reads what may be written to. A first attempt at a file at rest takes as long as it takes; any other ends with the time.
fn attempt<S: Source + ?Sized>(source: &S, clock: Clock, is_first: bool) -> Result<Opened, BoltError> {
    let is_time_left = || !clock.left().is_zero();
    let metas = Metas::read(source)?;
    let is_in_vain =
        || !is_time_left() && (!is_first || matches!(metas.look(source), Ok(Look::Next(_) | Look::Lost)));
    let outcome = tree_at_rest(source, &metas.newest, Some(&is_in_vain));
    if let Err(BoltError::Changed(_)) = outcome {
        return Err(BoltError::Changed(clock.began.elapsed()));
    }
    if let Look::Same = metas.look(source)? {
        return opened(source, metas, outcome);
    }
    while is_time_left() {
        let mut metas = Metas::read(source)?;
        let gathered = follow::gather(source, &mut metas, is_time_left).transpose();
        if let Some(pages) = gathered {
            let outcome = pages.and_then(|mut pages| walk::tree(&mut pages, &metas.newest));
            return opened(source, metas, outcome);
        }
    }
    Err(BoltError::Changed(clock.began.elapsed()))
}

fn tree_at_rest<S: Source + ?Sized>(
    source: &S,
    meta: &Meta,
    is_in_vain: Option<&dyn Fn() -> bool>,
) -> Result<Bucket, BoltError> {
    walk::tree(&mut Pages::at_rest(source, meta, is_in_vain)?, meta)
}

/// The outcome of a walk during which nothing changed. Of a damaged tree the one before it may be whole.
fn opened<S: Source + ?Sized>(
    source: &S,
    metas: Metas,
    outcome: Result<Bucket, BoltError>,
) -> Result<Opened, BoltError> {
    match (outcome, &metas.older) {
        (Ok(tree), _) => {
            let oddities = metas.oddities(source::length(source)?);
            Ok(metas.opened(tree, oddities))
        }
        (Err(error @ BoltError::Damaged { .. }), Some(older))
            if older.root != metas.newest.root && tree_at_rest(source, older, None).is_ok() =>
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
