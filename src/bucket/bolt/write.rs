//! Writing a tree as a new bbolt file.
//!
//! The tree is walked once in the order of the keys. A page is written as soon as its elements are known, so
//! pages come before those that lead to them, and the two meta pages, which make a file of it, come last:
//!
//! ```text
//!   page 0, 1   meta, transactions 0 and 1: both name the same root, as in a file that bbolt itself began
//!   page 2      the list of free pages, of which there are none
//!   page 3 ..   a bucket's leaves and, above them, its branches; each bucket after those below it, the root last
//! ```
//!
//! A bucket stands inline in its parent's leaf where bbolt would put it there (no sub-bucket, and no larger
//! than a quarter of a page). The others are cut into pages as bbolt cuts them: nothing that fits into a page
//! is cut, a branch leads to two pages at least, and what is too large for a page continues on the next. Pages
//! are filled to nine tenths, which leaves room for what a daemon may add.
//!
//! The file is a function of the tree. Reading it gives the tree back, with all sequence numbers. The memory
//! needed is that of a few pages a level; keys and values are borrowed from the tree.

use super::meta::Meta;
use super::page::{self, BUCKET_HEADER_BYTES, Header, Kind};
use crate::bucket::{Bucket, Cursor, DEPTH_MAX, Entry, KEY_BYTES_MAX, VALUE_BYTES_MAX, View};
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// bbolt takes the operating system's page size, which is this one wherever containerd mostly runs; it opens
/// files of any.
const PAGE_BYTES: usize = 4096;
/// How full a page is left behind where there are more.
const FILL_BYTES: usize = PAGE_BYTES / 10 * 9;
/// The largest page that stands inline (bbolt's `Bucket.maxInlineBucketSize`).
const INLINE_BYTES_MAX: usize = PAGE_BYTES / 4;
const META_PAGES: u64 = 2;
const FREELIST_PAGE: u64 = META_PAGES;
const FIRST_PAGE: u64 = FREELIST_PAGE + 1;
/// How much is handed to the operating system at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// What a new file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// How many buckets, the root not among them.
    pub buckets: u64,
    /// How many values, at any depth.
    pub values: u64,
    /// The file's length.
    pub bytes: u64,
}

/// Why there is no new file. The messages follow the file's name and a colon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Something stands at the path, be it a link that leads nowhere.
    #[error("exists already and is never written over: give a path at which nothing stands")]
    Exists,
    /// No file could be created there.
    #[error("cannot be created: {}", of_create(.0))]
    Create(#[source] io::Error),
    /// The operating system failed to write; the disk may be full.
    #[error("cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The tree has a key that bbolt does not allow.
    #[error(
        "cannot hold a key of {length} bytes, which bucket `{bucket}` has: bbolt takes 1 to {KEY_BYTES_MAX}"
    )]
    KeyLength {
        /// The keys on the way to the bucket, escaped, with slashes between them.
        bucket: String,
        /// The key's length.
        length: usize,
    },
    /// The tree has a value that bbolt does not allow.
    #[error(
        "cannot hold a value of {length} bytes, which bucket `{bucket}` has: bbolt takes {VALUE_BYTES_MAX} at most"
    )]
    ValueLength {
        /// The keys on the way to the bucket, escaped, with slashes between them.
        bucket: String,
        /// The value's length.
        length: usize,
    },
    /// No reader would take the file.
    #[error("cannot hold buckets nested more than {DEPTH_MAX} levels deep")]
    TooDeep,
    /// Writing failed, and so did removing what had been written by then.
    #[error("{error}; what was written so far could not be removed and is no database: {removal}")]
    Remains {
        /// Why writing failed.
        error: Box<WriteError>,
        /// Why the file is still there.
        #[source]
        removal: io::Error,
    },
}

/// What keeps a file from being created, and what to do.
fn of_create(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "its folder does not exist: make it first, or name another place".to_owned()
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("{}: name a place where this user may write", error.kind())
        }
        io::ErrorKind::NotADirectory => "what should be its folder is none: name another place".to_owned(),
        _ => error.to_string(),
    }
}

/// Creates a database at a path where nothing stands. When this returns, the file is on the disk; on failure
/// there is none.
///
/// # Errors
/// Something stands at the path, the file cannot be created or written, or bbolt has no place for the tree.
pub fn create(path: &Path, tree: &Bucket) -> Result<Written, WriteError> {
    let file = File::create_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => WriteError::Exists,
        _ => WriteError::Create(error),
    })?;
    let mut target = BufWriter::with_capacity(BUFFER_BYTES, file);
    let outcome = write(tree, &mut target).and_then(|written| {
        target.get_ref().sync_all()?;
        Ok(written)
    });
    // Closed without another attempt to write what is left in the buffer.
    drop(target.into_parts());
    outcome.map_err(|error| match fs::remove_file(path) {
        Ok(()) => error,
        Err(removal) => WriteError::Remains { error: Box::new(error), removal },
    })
}

/// Writes a tree as a database from the beginning of a target on, which should have no bytes yet, and flushes it.
///
/// ```
/// # use leasehold::bucket::{Bucket, bolt};
/// let mut tree = Bucket::new();
/// tree.create_bucket(&[], b"v1")?;
/// tree.put(&[b"v1"], b"version", &[6])?;
/// let mut file = std::io::Cursor::new(Vec::new());
/// bolt::write(&tree, &mut file)?;
/// assert_eq!(bolt::read_from(&file.into_inner()[..])?.tree, tree);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The target fails, or bbolt has no place for the tree.
pub fn write<W: Write + Seek>(tree: &Bucket, target: &mut W) -> Result<Written, WriteError> {
    target.seek(SeekFrom::Start(0))?;
    let mut pages = Pages { target, next: 0, written: Written::default() };
    for _ in 0..META_PAGES {
        pages.pad(0)?;
    }
    let freelist = Header { id: FREELIST_PAGE, flags: page::FREELIST_FLAGS, count: 0, overflow: 0 }.encode();
    pages.target.write_all(&freelist)?;
    pages.pad(freelist.len())?;
    pages.next = FIRST_PAGE;

    let root = write_buckets(tree.view(), &mut pages)?;
    let (end, mut written) = (pages.next, pages.written);
    target.seek(SeekFrom::Start(0))?;
    for page in 0..META_PAGES {
        let page_size = u32::try_from(PAGE_BYTES).expect("a page is small");
        let meta = Meta::of_new_file(page, page_size, (root, tree.view().sequence()), FREELIST_PAGE, end);
        let bytes = meta.encode();
        target.write_all(&bytes)?;
        target.write_all(&ZEROS[bytes.len()..])?;
    }
    target.flush()?;
    written.bytes = end * PAGE_BYTES as u64;
    Ok(written)
}

/// Writes all pages of a tree, and gives that of its root.
fn write_buckets<W: Write>(tree: View<'_>, pages: &mut Pages<'_, W>) -> Result<u64, WriteError> {
    let mut open = vec![Open::new(b"", tree)];
    loop {
        let level = open.len();
        let bucket = open.last_mut().expect("the root is open until it is written");
        let Some((key, entry)) = bucket.entries.here() else {
            let page = bucket.rows.finish(pages)?;
            let closed = open.pop().expect("the bucket that was just read");
            let Some(parent) = open.last_mut() else { return Ok(page) };
            let content = Content::Bucket(bucket_header(page, closed.sequence).to_vec());
            parent.rows.push(Element { key: closed.key, content }, pages)?;
            continue;
        };
        bucket.entries.next();
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(WriteError::KeyLength { bucket: path(&open), length: key.len() });
        }
        match entry {
            Entry::Value(value) if value.len() > VALUE_BYTES_MAX => {
                return Err(WriteError::ValueLength { bucket: path(&open), length: value.len() });
            }
            Entry::Value(value) => {
                pages.written.values += 1;
                bucket.rows.push(Element { key, content: Content::Value(value) }, pages)?;
            }
            Entry::Bucket(_) if level > DEPTH_MAX => return Err(WriteError::TooDeep),
            Entry::Bucket(below) => {
                pages.written.buckets += 1;
                match inlined(below) {
                    Some((bytes, values)) => {
                        pages.written.values += values;
                        bucket.rows.push(Element { key, content: Content::Bucket(bytes) }, pages)?;
                    }
                    None => open.push(Open::new(key, below)),
                }
            }
        }
    }
}

/// A bucket of which not everything is written yet.
struct Open<'t> {
    key: &'t [u8],
    sequence: u64,
    entries: Cursor<'t>,
    rows: Rows<'t>,
}

impl<'t> Open<'t> {
    fn new(key: &'t [u8], view: View<'t>) -> Open<'t> {
        let mut entries = view.cursor();
        entries.first();
        Open { key, sequence: view.sequence(), entries, rows: Rows::new() }
    }
}

/// The way to the innermost bucket, for messages.
fn path(open: &[Open<'_>]) -> String {
    let keys = open[1..].iter().map(|bucket| bucket.key.escape_ascii().to_string());
    keys.collect::<Vec<_>>().join("/")
}

/// What stands in the parent's leaf for a bucket that bbolt would put there whole (`Bucket.inlineable`), and how
/// many values it has.
fn inlined(bucket: View<'_>) -> Option<(Vec<u8>, u64)> {
    let (mut elements, mut bytes) = (Vec::new(), page::HEADER_BYTES);
    for (key, entry) in bucket.iter() {
        let element = Element { key, content: Content::Value(entry.value()?) };
        bytes += element.bytes();
        // An empty key is left to the one place that refuses it.
        if bytes > INLINE_BYTES_MAX || key.is_empty() {
            return None;
        }
        elements.push(element);
    }
    let mut value = bucket_header(0, bucket.sequence()).to_vec();
    encode(&mut value, 0, Kind::Leaf, &elements).expect("memory takes every byte");
    Some((value, elements.len() as u64))
}

/// What a sub-bucket's value begins with; root 0 says that its only page follows.
fn bucket_header(root: u64, sequence: u64) -> [u8; BUCKET_HEADER_BYTES] {
    let mut bytes = [0; BUCKET_HEADER_BYTES];
    bytes[..8].copy_from_slice(&root.to_le_bytes());
    bytes[8..].copy_from_slice(&sequence.to_le_bytes());
    bytes
}

/// One element of a page.
struct Element<'t> {
    key: &'t [u8],
    content: Content<'t>,
}

enum Content<'t> {
    Value(&'t [u8]),
    /// A sub-bucket's header, with its page where it stands inline.
    Bucket(Vec<u8>),
    /// In a branch: the page whose first key this is.
    Child(u64),
}

impl Element<'_> {
    fn value(&self) -> &[u8] {
        match &self.content {
            Content::Value(value) => value,
            Content::Bucket(value) => value,
            Content::Child(_) => b"",
        }
    }

    fn bytes(&self) -> usize {
        page::ELEMENT_BYTES + self.key.len() + self.value().len()
    }
}

/// The pages of one bucket while they fill: the row of its leaves, above it the row of the branches that lead
/// to them, and so on.
struct Rows<'t>(Vec<Row<'t>>);

/// The end of a row, of which no page has been written yet.
struct Row<'t> {
    kind: Kind,
    elements: Vec<Element<'t>>,
    /// What one page of all these elements would need.
    bytes: usize,
}

impl<'t> Rows<'t> {
    fn new() -> Rows<'t> {
        Rows(vec![Row::new(Kind::Leaf)])
    }

    /// Adds an element to the leaves, and writes the pages that are complete with it.
    fn push<W: Write>(&mut self, element: Element<'t>, pages: &mut Pages<'_, W>) -> io::Result<()> {
        self.0[0].push(element);
        self.cut_from(0, pages)
    }

    /// Writes what is left, and gives the page on top.
    fn finish<W: Write>(&mut self, pages: &mut Pages<'_, W>) -> io::Result<u64> {
        let mut index = 0;
        loop {
            let row = &mut self.0[index];
            let elements = std::mem::take(&mut row.elements);
            let page = pages.write(row.kind, &elements)?;
            index += 1;
            if index == self.0.len() {
                return Ok(page);
            }
            self.0[index].push(lead(&elements, page));
            self.cut_from(index, pages)?;
        }
    }

    /// Cuts pages off a row that has grown and, while that makes it grow, off the row above.
    fn cut_from<W: Write>(&mut self, mut index: usize, pages: &mut Pages<'_, W>) -> io::Result<()> {
        while self.0[index].is_too_long() {
            if index + 1 == self.0.len() {
                self.0.push(Row::new(Kind::Branch));
            }
            while let Some(elements) = self.0[index].cut() {
                let page = pages.write(self.0[index].kind, &elements)?;
                self.0[index + 1].push(lead(&elements, page));
            }
            index += 1;
        }
        Ok(())
    }
}

/// The element of a branch that leads to a page of these elements.
fn lead<'t>(elements: &[Element<'t>], page: u64) -> Element<'t> {
    let key = elements.first().map(|element| element.key);
    let key = key.expect("a bucket of several pages has no empty one");
    Element { key, content: Content::Child(page) }
}

impl<'t> Row<'t> {
    fn new(kind: Kind) -> Row<'t> {
        Row { kind, elements: Vec::new(), bytes: page::HEADER_BYTES }
    }

    fn push(&mut self, element: Element<'t>) {
        self.bytes += element.bytes();
        self.elements.push(element);
    }

    /// How many elements a page has at the least. Branches that lead to one page only could stand above one
    /// another without end.
    fn least(&self) -> usize {
        match self.kind {
            Kind::Leaf => 1,
            Kind::Branch => 2,
        }
    }

    fn is_too_long(&self) -> bool {
        self.bytes > PAGE_BYTES && self.elements.len() >= 2 * self.least()
    }

    /// Takes off the elements of one page, and leaves enough for another.
    fn cut(&mut self) -> Option<Vec<Element<'t>>> {
        if !self.is_too_long() {
            return None;
        }
        let (least, most) = (self.least(), self.elements.len() - self.least());
        let (mut count, mut bytes) = (0, page::HEADER_BYTES);
        for element in &self.elements[..most] {
            if count >= least && bytes + element.bytes() > FILL_BYTES {
                break;
            }
            count += 1;
            bytes += element.bytes();
        }
        self.bytes -= bytes - page::HEADER_BYTES;
        Some(self.elements.drain(..count).collect())
    }
}

const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// The file, of which pages are written one after the other.
struct Pages<'w, W> {
    target: &'w mut W,
    next: u64,
    written: Written,
}

impl<W: Write> Pages<'_, W> {
    /// Writes a page, with those on which it continues, and gives its number.
    fn write(&mut self, kind: Kind, elements: &[Element<'_>]) -> io::Result<u64> {
        let page = self.next;
        let bytes = encode(self.target, page, kind, elements)?;
        self.pad(bytes)?;
        self.next += bytes.div_ceil(PAGE_BYTES) as u64;
        Ok(page)
    }

    /// Zeros to the end of a page of which so many bytes are written; a whole page for none.
    fn pad(&mut self, bytes: usize) -> io::Result<()> {
        let used = bytes % PAGE_BYTES;
        if used == 0 && bytes > 0 {
            return Ok(());
        }
        self.target.write_all(&ZEROS[used..])
    }
}

/// Writes a page's header, its table and behind it keys and values, and says how many bytes they are.
fn encode<W: Write>(target: &mut W, id: u64, kind: Kind, elements: &[Element<'_>]) -> io::Result<usize> {
    let bytes = elements.iter().fold(page::HEADER_BYTES, |sum, element| sum + element.bytes());
    let header = Header {
        id,
        flags: if kind == Kind::Leaf { page::LEAF_FLAGS } else { page::BRANCH_FLAGS },
        count: u16::try_from(elements.len()).expect("4 KiB have room for few elements"),
        overflow: number(bytes.div_ceil(PAGE_BYTES) - 1),
    };
    target.write_all(&header.encode())?;
    // A position counts from the element's own place in the table.
    let mut position = elements.len() * page::ELEMENT_BYTES;
    for element in elements {
        let (place, key) = (number(position), number(element.key.len()));
        if let Content::Child(child) = element.content {
            for field in [&place.to_le_bytes()[..], &key.to_le_bytes(), &child.to_le_bytes()] {
                target.write_all(field)?;
            }
        } else {
            let flags = if let Content::Bucket(_) = element.content { page::BUCKET_FLAG } else { 0 };
            for field in [flags, place, key, number(element.value().len())] {
                target.write_all(&field.to_le_bytes())?;
            }
        }
        position = position + element.bytes() - 2 * page::ELEMENT_BYTES;
    }
    for element in elements {
        target.write_all(element.key)?;
        target.write_all(element.value())?;
    }
    Ok(bytes)
}

fn number(number: usize) -> u32 {
    u32::try_from(number).expect("a page is hardly longer than the longest value, 2^31 bytes")
}

#[cfg(test)]
mod tests;
