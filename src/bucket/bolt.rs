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
//! they moved counts for nothing, whether it gave a tree or found damage.
//!
//! Nothing in a file is trusted. Every page is reached once at the most, lies within the file, says who it is
//! and holds its keys in strict order and between the keys of the branch above it; the depth is limited, and
//! so is what all entries add up to. Pages are read as they are needed, so the memory needed is that of the
//! tree.
//!
//! [`create`] goes the other way: a tree becomes a new file, which bbolt, and with it containerd, opens. A file
//! that exists is never written to. This room knows nothing of what containerd stores.

mod error;
mod meta;
mod page;
mod source;
mod walk;
mod write;

pub use error::{BoltError, Damage, MetaFault};
pub use source::Source;
pub use write::{WriteError, Written, create, write};

use super::Bucket;
use meta::Meta;
use std::fs::{self, File};
use std::path::Path;

/// How often a file is read before it counts as never at rest.
const ATTEMPTS: usize = 3;

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
}

/// Reads the database at a path.
///
/// # Errors
/// There is no readable file, it is no bbolt database, it is damaged, or it changed again and again.
pub fn read(path: &Path) -> Result<Opened, BoltError> {
    // Asked before opening, which would wait for ever on a pipe.
    let kind = fs::metadata(path).map_err(BoltError::of_open)?;
    if kind.is_dir() {
        return Err(BoltError::Directory);
    }
    if !kind.is_file() {
        return Err(BoltError::NotAFile);
    }
    read_from(&File::open(path).map_err(BoltError::of_open)?)
}

/// Reads a database from wherever its bytes are.
///
/// ```
/// # use leasehold::bucket::bolt::{BoltError, read_from};
/// let bytes: &[u8] = b"";
/// assert!(matches!(read_from(bytes), Err(BoltError::Empty)));
/// ```
///
/// # Errors
/// The bytes are no bbolt database, or a damaged one, or they changed again and again.
pub fn read_from<S: Source + ?Sized>(source: &S) -> Result<Opened, BoltError> {
    for _ in 0..ATTEMPTS {
        let before = Meta::newest(source)?;
        let outcome = walk::tree(source, &before);
        match Meta::newest(source) {
            Ok(after) if after == before => return outcome.map(|tree| before.opened(tree)),
            Err(error @ BoltError::Read { .. }) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Err(BoltError::Changed)
}

#[cfg(test)]
mod tests;
