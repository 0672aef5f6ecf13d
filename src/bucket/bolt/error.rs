//! Why a file could not be read. The messages follow the file's name and a colon.

use super::page::READ_VALUE_BYTES_MAX;
use crate::bucket::{DEPTH_MAX, KEY_BYTES_MAX};
use std::fs::FileType;
use std::io;
use std::time::Duration;

/// Why there is no tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoltError {
    /// Nothing stands at the path.
    #[error("no such file")]
    NotFound,
    /// The file, or a folder above it, is closed to this user.
    #[error("permission denied: run this as a user who may read the file")]
    PermissionDenied,
    /// The path names a folder.
    #[error("is a directory, not a bbolt database")]
    Directory,
    /// The path names a pipe, a device or a socket.
    #[error("{0}")]
    NotAFile(&'static str),
    /// The file could not be opened for another reason.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// The operating system failed to read.
    #[error("cannot be read at byte {offset}: {error}")]
    Read {
        /// Where reading failed.
        offset: u64,
        /// What the operating system says.
        #[source]
        error: io::Error,
    },
    /// The file has no bytes.
    #[error("is empty")]
    Empty,
    /// The file is not even a meta page long.
    #[error("is too short to be a bbolt database ({length} bytes)")]
    TooShort {
        /// The file's length.
        length: u64,
    },
    /// The file is something else.
    #[error("is not a bbolt database (no page has bbolt's magic number)")]
    Foreign,
    /// The file is something else that its first bytes tell.
    #[error("is not a bbolt database but {0}")]
    Other(&'static str),
    /// The file is packed.
    #[error("is packed with {0}: unpack it first")]
    Packed(&'static str),
    /// Nothing stands where bbolt's meta pages do.
    #[error("begins with zeros, where a bbolt database has its meta pages")]
    Zeros,
    /// It is, or was, a bbolt file, but both its meta pages are unusable.
    #[error("has no usable meta page: page 0 {first}, page 1 {second}")]
    NoMeta {
        /// What is wrong with page 0.
        first: MetaFault,
        /// What is wrong with page 1.
        second: MetaFault,
    },
    /// A page is wrong.
    #[error("page {page}{}: {damage}", if *.is_inline { ", in a bucket stored inline" } else { "" })]
    Damaged {
        /// The page's id.
        page: u64,
        /// Whether the fault is in a bucket that stands inside a value of this page.
        is_inline: bool,
        /// What is wrong.
        damage: Damage,
    },
    /// A page of the newest transaction is wrong, and the tree of the one before it is whole.
    #[error(
        "{error} (transaction {transaction}; that before it, {older} of meta page {older_page}, is whole)"
    )]
    NewestDamaged {
        /// What is wrong.
        #[source]
        error: Box<BoltError>,
        /// The newest transaction.
        transaction: u64,
        /// The one before it.
        older: u64,
        /// The meta page that names that one.
        older_page: u64,
    },
    /// More was committed than could be followed, in every attempt.
    #[error(
        "the database was written to faster than it could be read, for {:.1} s: run this again when the daemon is quieter, \
         give it longer (--wait 60s), or stop the daemon first",
        .0.as_secs_f64()
    )]
    Changed(Duration),
    /// The file was refused and was another one a moment later, in every attempt.
    #[error(
        "the file keeps changing, for {:.1} s, and was never read as a sound database{}: something writes to it that is no \
         daemon, a copy over it for one: wait for its end, or give it longer (--wait 60s)",
        elapsed.as_secs_f64(), reason.as_ref().map(|reason| format!(" (at last: {reason})")).unwrap_or_default()
    )]
    Rewritten {
        /// How long it was tried.
        elapsed: Duration,
        /// Why it was refused the last time; none where reading it did not come to an end.
        reason: Option<String>,
    },
    /// A folder of the path is a file.
    #[error("no such file: something that is no folder stands where the path has one")]
    NotInFolder,
}

impl BoltError {
    /// Whether this was a database once, of which a part is lost or another's stands in its place.
    pub fn is_damage(&self) -> bool {
        use BoltError::{Damaged, NewestDamaged, NoMeta, Zeros};
        matches!(self, Zeros | NoMeta { .. } | Damaged { .. } | NewestDamaged { .. })
    }

    /// Whether what stands at the path is no database at all, whoever reads it.
    pub fn is_no_database(&self) -> bool {
        use BoltError::{Empty, Foreign, Other, Packed, TooShort};
        matches!(self, Empty | TooShort { .. } | Foreign | Other(_) | Packed(_))
    }

    pub(super) fn of_open(error: io::Error) -> BoltError {
        match error.kind() {
            io::ErrorKind::NotFound => BoltError::NotFound,
            io::ErrorKind::NotADirectory => BoltError::NotInFolder,
            io::ErrorKind::PermissionDenied => BoltError::PermissionDenied,
            _ => BoltError::Open(error),
        }
    }
}

/// A meta page that does not count, although it should be the newest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "meta page {page} {fault}: transaction {shown} is shown, and {}, if it was committed, is lost",
    .shown.saturating_add(1)
)]
pub struct Lost {
    /// The damaged page, 0 or 1.
    pub page: u64,
    /// What is wrong with it.
    pub fault: MetaFault,
    /// The transaction that the other page names.
    pub shown: u64,
}

/// What is odd about a file whose tree can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileOddity {
    /// The meta pages name transactions that do not follow one another (bbolt's `Tx.writeMeta`: a page each in turn).
    #[error(
        "its meta pages are of transactions {newest} and {older}, and a daemon writes them in turn, one transaction after \
         the other: the file was copied while a daemon wrote to it and may hold parts of several transactions; only the live \
         file, or that of a stopped daemon, is safe to read"
    )]
    Apart {
        /// The newer one, which is shown.
        newest: u64,
        /// The other page's.
        older: u64,
    },
    /// The file ends before pages that its meta page counts; a bucket uses none of them (bbolt's `DB.grow` comes first).
    #[error(
        "it has {length} bytes, and its newest meta page counts {pages} pages of {page_size}: its end is cut off, where no \
         bucket stands any more, as of a file that was copied in part; only the live file, or that of a stopped daemon, is \
         safe to read"
    )]
    Short {
        /// The file's length.
        length: u64,
        /// How many pages there should be.
        pages: u64,
        /// The size of a page in bytes.
        page_size: u32,
    },
}

/// Why a meta page does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetaFault {
    /// The file ends before it.
    #[error("lies beyond the end of the file")]
    BeyondEnd,
    /// It does not begin as a meta page does.
    #[error("does not have bbolt's magic number")]
    Magic,
    /// It is of another version of the format.
    #[error("is of format version {0}, not 2")]
    Version(u32),
    /// It was written in part, or altered.
    #[error("has the checksum {stored:#018x} where its content gives {computed:#018x}")]
    Checksum {
        /// What stands in the page.
        stored: u64,
        /// What its bytes give.
        computed: u64,
    },
    /// Its page size is none that a file can have.
    #[error("gives a page size of {0} bytes, not a power of two from 512 to 65536")]
    PageSize(u32),
    /// Its page size would put it elsewhere.
    #[error("gives a page size of {0} bytes, with which it would stand elsewhere")]
    Misplaced(u32),
}

/// What is wrong with a page of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The newest meta page does not begin as one.
    #[error("is the newest meta page, but its header is damaged (flags {flags:#06x}, overflow {overflow})")]
    MetaHeader {
        /// Must be 4.
        flags: u16,
        /// Must be 0.
        overflow: u32,
    },
    /// A tree leads to one of the two meta pages.
    #[error("is a meta page and cannot be part of a bucket or list free pages")]
    Reserved,
    /// The id is not below the meta page's high-water mark.
    #[error("lies beyond the high-water mark, page {0}")]
    BeyondHighWater(u64),
    /// The file ends before the page does.
    #[error("lies beyond the end of the file ({0} bytes)")]
    BeyondEnd(u64),
    /// The page says that it is another one.
    #[error("calls itself page {0}")]
    WrongId(u64),
    /// Neither a branch nor a leaf.
    #[error("is neither a branch nor a leaf (flags {0:#06x})")]
    Flags(u16),
    /// The page continues where the file has ended, or beyond the high-water mark.
    #[error("continues for {overflow} more pages, beyond page {last}, the last one")]
    Overflow {
        /// How many pages it claims after its first.
        overflow: u32,
        /// The last page there is.
        last: u64,
    },
    /// The trees lead to this page twice, perhaps in a circle.
    #[error("is used twice (the second time as part of page {0})")]
    UsedTwice(u64),
    /// What the meta page names as the list of free pages is something else.
    #[error("should list the free pages and does not (flags {0:#06x})")]
    NotFreelist(u16),
    /// The list of free pages is longer than the pages that hold it.
    #[error("lists more free pages than the {room} for which it has room")]
    FreelistCount {
        /// How many fit.
        room: usize,
    },
    /// The list of free pages is not in ascending order, or begins with a page that is never free.
    #[error("lists page {0} as free, out of order")]
    FreelistOrder(u64),
    /// A page continues, and nothing stands there.
    #[error("continues for {overflow} more pages, while all that stands in it needs {needed} in all")]
    Spare {
        /// How many pages it claims after its first.
        overflow: u32,
        /// How many its content needs.
        needed: u64,
    },
    /// What pages claim has never been written.
    #[error("claims {0} bytes, too many of them zeros: the file has a hole there, or was extended")]
    Hollow(usize),
    /// A bucket leads to a page that is listed as free.
    #[error("is in use and listed as free")]
    Free,
    /// A branch that leads nowhere.
    #[error("is a branch without a child")]
    EmptyBranch,
    /// The page's elements do not fit into it.
    #[error("has {0} elements, more than fit into it")]
    Count(u16),
    /// An element's key or value ends behind the page.
    #[error("element {element} ends at byte {end}, outside the page's {length} bytes")]
    Outside {
        /// The element's place in the page, from 0.
        element: usize,
        /// Where its last byte would be, exclusively.
        end: u64,
        /// The page's length in bytes.
        length: usize,
    },
    /// An element has a key that bbolt does not allow.
    #[error("element {element} has a key of {length} bytes, not 1 to {KEY_BYTES_MAX}")]
    KeyLength {
        /// The element's place in the page, from 0.
        element: usize,
        /// The key's length.
        length: u32,
    },
    /// An element has a value that is longer than any of containerd's.
    #[error("element {element} has a value of {length} bytes, more than {READ_VALUE_BYTES_MAX}")]
    ValueLength {
        /// The element's place in the page, from 0.
        element: usize,
        /// The value's length.
        length: u32,
    },
    /// Keys are not in strictly ascending order.
    #[error("element {0} has a key that does not come after the one before it")]
    Order(usize),
    /// The first key is below the one under which the branch above leads here.
    #[error("its first key is below the key of the branch that leads to it")]
    BelowBranch,
    /// The last key is not below that with which the branch above goes on.
    #[error("its last key is not below the next key of the branch that leads to it")]
    AboveBranch,
    /// A sub-bucket's value is too short for what stands in it.
    #[error("element {element} is a bucket of {length} bytes, which is too few")]
    BucketLength {
        /// The element's place in the page, from 0.
        element: usize,
        /// The length of the bucket's value.
        length: usize,
    },
    /// Buckets below buckets without end.
    #[error("has buckets nested more than {DEPTH_MAX} levels deep")]
    BucketsTooDeep,
    /// Branches below branches without end.
    #[error("lies more than {0} pages below the root of its bucket")]
    PagesTooDeep(usize),
    /// Elements that share their bytes add up to more than there are bytes.
    #[error("the elements up to here add up to more than {0} bytes, twice as many as their pages have")]
    TooMuch(u64),
}

/// What stands where a regular file should: a pipe, which would be waited for without end, a socket or a device.
pub fn no_regular_file(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "is a named pipe, not a regular file: write what comes of it into one first";
        }
        if kind.is_socket() {
            return "is a socket, not a regular file";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "is a device, not a regular file";
        }
    }
    let _ = kind;
    "is not a regular file"
}
