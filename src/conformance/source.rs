//! Finds rows: which files, which lines, and which release each row was recorded from.
//!
//! ```text
//! folder/                       walked in byte order, files before what follows them by name
//! ├─ 2.0/rows.jsonl.gz          rows without `version` are of the release that the folder is named after
//! ├─ 2.0/more.jsonl
//! ├─ recorded.jsonl.gz          an archive: known by its first line, not by its name
//! └─ medium-db.jsonl.gz         the trees of rows below that have no `db`, by name
//! ```
//!
//! [`read`] gives a [`Reader`], an iterator of [`Line`]s: unpacking is one stream, and each line is parsed by
//! [`Line::rows`] in whatever thread wants it, so that one line a worker is all that is in memory. A line is at most
//! [`LINE_BYTES_MAX`] long and a gzip file at most [`UNPACKED_BYTES_MAX`], whatever it promises.
//!
//! A file that cannot be read is a [`SourceError`]; a line that is no proper row is a [`RowFailure`], which counts
//! as a failed row and never as a skipped one. This room does not know what the rows mean.

use super::archive;
use super::row::{Row, RowError};
use crate::bucket::Bucket;
use crate::release::Release;
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The longest line that is read.
pub const LINE_BYTES_MAX: u64 = 64 << 20;
/// The most that is unpacked of one gzip file.
pub const UNPACKED_BYTES_MAX: u64 = 4 << 30;
/// The most that is unpacked of a `medium-db.jsonl.gz`, whose trees stay in memory.
const MEDIUM_DB_BYTES_MAX: u64 = 256 << 20;
/// The file with the trees of rows that have none.
const MEDIUM_DB: &str = "medium-db.jsonl.gz";

/// Why rows cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be opened, read or unpacked.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system or the unpacker says.
        source: io::Error,
    },
    /// A line does not end.
    #[error("{}:{line}: the line is longer than {LINE_BYTES_MAX} bytes", path.display())]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
    },
    /// An archive of a form that is not known here.
    #[error("{}: an archive of the form `{form}`, and only `{}` is known", path.display(), archive::FORM)]
    ArchiveForm {
        /// The file.
        path: PathBuf,
        /// The form that its first line states.
        form: String,
    },
    /// There is no file of rows, or no row with a recorded result.
    #[error("no recorded rows in {}", listed(paths))]
    NoRows {
        /// Where they were looked for.
        paths: Vec<PathBuf>,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// A line that was expected to be a row and is not: a failed row.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {reason}", path.display())]
pub struct RowFailure {
    /// The file.
    pub path: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: RowFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The line is no row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A row needs a tree from a `medium-db.jsonl.gz` that is damaged.
    #[error("row `{row}` has no `db`: {reason}")]
    MediumDb {
        /// The row's name.
        row: String,
        /// What is wrong with which file.
        reason: String,
    },
    /// The row's `version` names no release that is known.
    #[error("row `{row}`: the version `{version}` names no known release")]
    UnknownVersion {
        /// The row's name.
        row: String,
        /// Its version.
        version: String,
    },
    /// Nothing says which release the row was recorded from.
    #[error("row `{row}` has no `version`, and its folder `{folder}` is not named after a release")]
    NoRelease {
        /// The row's name.
        row: String,
        /// Its folder's name.
        folder: String,
    },
    /// A line of an archive that is no packed case.
    #[error(transparent)]
    Archive(#[from] archive::ArchiveError),
}

/// What a line holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// A row with what was recorded, and the release that it is to be judged by.
    Recorded(Release, Box<Row>),
    /// A row without a recorded result: not counted.
    Case(Box<Row>),
}

/// Finds the files of rows and begins to read them, one line after the other.
///
/// `release` overrides what rows say of themselves; of an archive, which holds the results of several releases, it
/// chooses whose rows are read. A folder is walked with all below it; a file that is named is read whatever its
/// name.
///
/// # Errors
/// A path that does not exist or cannot be listed, or no file of rows in any of them.
pub fn read(paths: &[PathBuf], release: Option<Release>) -> Result<Reader, SourceError> {
    let mut files = Vec::new();
    let mut folders_seen = BTreeSet::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if metadata.is_dir() {
            collect_files(path, &mut folders_seen, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        return Err(SourceError::NoRows { paths: paths.to_vec() });
    }
    files.reverse();
    Ok(Reader { remaining: files, open: None, medium_dbs: BTreeMap::new(), release })
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Unreadable { path: path.to_owned(), source }
}

/// The files of rows in a folder and below, in byte order; a folder that links lead to again is entered once.
fn collect_files(
    folder: &Path,
    folders_seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), SourceError> {
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if !metadata.is_dir() {
            files.push(path);
            continue;
        }
        let canonical = path.canonicalize().map_err(|source| unreadable(&path, source))?;
        if !folders_seen.insert(canonical) {
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|source| unreadable(&path, source))?;
        let mut below = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| unreadable(&path, source))?.path();
            let is_rows =
                entry.to_string_lossy().ends_with(".jsonl") || entry.to_string_lossy().ends_with(".jsonl.gz");
            if entry.is_dir() || is_rows {
                below.push(entry);
            }
        }
        // Last in, first out.
        below.sort_by(|left, right| right.as_os_str().cmp(left.as_os_str()));
        pending.extend(below);
    }
    Ok(())
}

/// The lines of all files, in order.
pub struct Reader {
    /// Files not yet opened, the next one last.
    remaining: Vec<PathBuf>,
    open: Option<OpenFile>,
    medium_dbs: BTreeMap<PathBuf, Arc<MediumDb>>,
    release: Option<Release>,
}

struct OpenFile {
    lines: Lines,
    place: Arc<Place>,
}

/// What all lines of one file share.
struct Place {
    path: PathBuf,
    folder: String,
    is_archive: bool,
    /// Those in the file's folder and its parents, nearest first.
    medium_dbs: Vec<Arc<MediumDb>>,
    release: Option<Release>,
}

/// One line that should be a row.
pub struct Line {
    place: Arc<Place>,
    number: usize,
    text: Vec<u8>,
}

impl Iterator for Reader {
    type Item = Result<Line, SourceError>;

    fn next(&mut self) -> Option<Result<Line, SourceError>> {
        loop {
            let Some(open) = &mut self.open else {
                let path = self.remaining.pop()?;
                match self.opened(path) {
                    Ok(open) => self.open = Some(open),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match open.lines.next_line(&open.place.path) {
                Ok(Some((number, text))) => {
                    return Some(Ok(Line { place: open.place.clone(), number, text }));
                }
                Ok(None) => self.open = None,
                Err(error) => {
                    self.open = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl Reader {
    fn opened(&mut self, path: PathBuf) -> Result<OpenFile, SourceError> {
        let absolute = path.canonicalize().map_err(|source| unreadable(&path, source))?;
        let folder = absolute.parent().unwrap_or(&absolute);
        let medium_dbs = folder.ancestors().map(|above| above.join(MEDIUM_DB)).filter(|file| file.is_file());
        let medium_dbs = medium_dbs.map(|file| {
            let shared = self.medium_dbs.entry(file.clone());
            shared.or_insert_with(|| Arc::new(MediumDb { path: file, trees: OnceLock::new() })).clone()
        });
        let medium_dbs = medium_dbs.collect();
        let mut lines = Lines::open(&path, UNPACKED_BYTES_MAX)?;
        let is_archive = lines.begins_an_archive(&path)?;
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let place = Place { path, folder, is_archive, medium_dbs, release: self.release };
        Ok(OpenFile { lines, place: Arc::new(place) })
    }
}

impl Line {
    /// The file that the line is in.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The line's number in the file, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The rows of this line: one, or of an archive's case one for each release.
    pub fn rows(&self) -> Vec<Result<Found, RowFailure>> {
        let fails = |reason| RowFailure { path: self.place.path.clone(), line: self.number, reason };
        let rows = match std::str::from_utf8(&self.text) {
            Err(error) => Err(RowFault::Row(RowError::NotJson { reason: error.to_string() })),
            Ok(text) if self.place.is_archive => self.archived(text),
            Ok(text) => self.row(text).map(|found| vec![found]),
        };
        match rows {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(reason) => vec![Err(fails(reason))],
        }
    }

    fn archived(&self, text: &str) -> Result<Vec<Found>, RowFault> {
        let rows = archive::case_rows(text, self.place.release)?;
        Ok(rows.into_iter().map(|(release, row)| Found::Recorded(release, Box::new(row))).collect())
    }

    fn row(&self, text: &str) -> Result<Found, RowFault> {
        let damage = Cell::new(None);
        let row = Row::parse(text, |name| {
            self.place.tree(name).unwrap_or_else(|reason| {
                damage.set(Some(reason));
                None
            })
        });
        let row = match (row, damage.take()) {
            (Err(RowError::NoDb { row }), Some(reason)) => return Err(RowFault::MediumDb { row, reason }),
            (row, _) => row?,
        };
        if row.expected.is_empty() {
            return Ok(Found::Case(Box::new(row)));
        }
        let release = match self.place.release {
            Some(release) => release,
            None => self.place.release_of(&row)?,
        };
        Ok(Found::Recorded(release, Box::new(row)))
    }
}

impl Place {
    /// The nearest tree of a name; a damaged file nearer by is an error.
    fn tree(&self, name: &str) -> Result<Option<Bucket>, String> {
        for medium_db in &self.medium_dbs {
            let trees = medium_db.trees.get_or_init(|| read_trees(&medium_db.path));
            if let Some(tree) = trees.as_ref().map_err(Clone::clone)?.get(name) {
                return Ok(Some(tree.clone()));
            }
        }
        Ok(None)
    }

    fn release_of(&self, row: &Row) -> Result<Release, RowFault> {
        if let Some(version) = &row.version {
            let unknown = || RowFault::UnknownVersion { row: row.name.clone(), version: version.clone() };
            return release_of_version(version).ok_or_else(unknown);
        }
        let no_release = |_| RowFault::NoRelease { row: row.name.clone(), folder: self.folder.clone() };
        Release::parse(&self.folder).map_err(no_release)
    }
}

/// The rule set of what rows were recorded from: `containerd` and a version, or one of the two commits recorded.
pub fn release_of_version(version: &str) -> Option<Release> {
    let version = version.strip_prefix("containerd ").unwrap_or(version);
    let is_commit = version.len() >= 10 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit && version.starts_with("dcf5687cab") {
        return Some(Release::V1_7Beta);
    }
    if is_commit && version.starts_with("301026e58c") {
        return Some(Release::V2_4);
    }
    Release::parse(version).ok()
}

/// The trees of a `medium-db.jsonl.gz`, read when a row first asks.
struct MediumDb {
    path: PathBuf,
    trees: OnceLock<Result<BTreeMap<String, Bucket>, String>>,
}

fn read_trees(path: &Path) -> Result<BTreeMap<String, Bucket>, String> {
    #[derive(serde::Deserialize)]
    struct NamedTree {
        name: String,
        db: Bucket,
    }
    let mut lines = Lines::open(path, MEDIUM_DB_BYTES_MAX).map_err(|error| error.to_string())?;
    let mut trees = BTreeMap::new();
    while let Some((number, text)) = lines.next_line(path).map_err(|error| error.to_string())? {
        let fails = |reason: String| format!("{}:{number}: {reason}", path.display());
        let read = serde_json::from_slice::<NamedTree>(&text).map_err(|error| fails(error.to_string()))?;
        if let Some(name) = trees.contains_key(&read.name).then_some(&read.name) {
            return Err(fails(format!("a second tree named `{name}`")));
        }
        trees.insert(read.name, read.db);
    }
    Ok(trees)
}

/// The lines of one file, plain or gzip by its first two bytes; blank ones are passed over.
struct Lines {
    text: Box<dyn BufRead + Send>,
    number: usize,
    /// A line that was looked at and not taken.
    looked_at: Option<Vec<u8>>,
}

impl Lines {
    fn open(path: &Path, unpacked_max: u64) -> Result<Lines, SourceError> {
        let open = || -> io::Result<Box<dyn BufRead + Send>> {
            let mut file = BufReader::new(File::open(path)?);
            if !file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                return Ok(Box::new(file));
            }
            let unpacked = Capped { inner: MultiGzDecoder::new(file), left: unpacked_max };
            Ok(Box::new(BufReader::new(unpacked)))
        };
        let text = open().map_err(|source| unreadable(path, source))?;
        Ok(Lines { text, number: 0, looked_at: None })
    }

    fn next_line(&mut self, path: &Path) -> Result<Option<(usize, Vec<u8>)>, SourceError> {
        if let Some(line) = self.looked_at.take() {
            return Ok(Some((self.number, line)));
        }
        loop {
            let mut line = Vec::new();
            let mut rest = (&mut self.text).take(LINE_BYTES_MAX + 1);
            let read = rest.read_until(b'\n', &mut line).map_err(|source| unreadable(path, source))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 > LINE_BYTES_MAX {
                return Err(SourceError::LineTooLong { path: path.to_owned(), line: self.number });
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((self.number, line)));
            }
        }
    }

    /// Whether the first line is an archive's head; it is taken then.
    fn begins_an_archive(&mut self, path: &Path) -> Result<bool, SourceError> {
        let Some((_, line)) = self.next_line(path)? else { return Ok(false) };
        match archive::form_of(&line) {
            Some(form) if form == archive::FORM => Ok(true),
            Some(form) => Err(SourceError::ArchiveForm { path: path.to_owned(), form }),
            None => {
                self.looked_at = Some(line);
                Ok(false)
            }
        }
    }
}

/// Fails where more than a number of bytes would be read.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("the file unpacks to more than is read of one file")),
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::example;
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use serde_json::{Value, json};
    use std::io::Write;

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn named(name: &str, version: Option<&str>) -> Value {
        let mut row = example();
        row["name"] = json!(name);
        row.as_object_mut().unwrap().remove("version");
        if let Some(version) = version {
            row["version"] = json!(version);
        }
        row
    }

    fn write(folder: &Path, file: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Each row as `name release`, or the failure without the temporary folder's name.
    fn told(folder: &Path, paths: &[PathBuf], release: Option<Release>) -> Vec<String> {
        let mut told = Vec::new();
        for line in read(paths, release).expect("files") {
            match line {
                Err(error) => told.push(error.to_string()),
                Ok(line) => told.extend(line.rows().into_iter().map(|found| match found {
                    Ok(Found::Recorded(release, row)) => format!("{} {release}", row.name),
                    Ok(Found::Case(row)) => format!("{} case", row.name),
                    Err(failure) => failure.to_string(),
                })),
            }
        }
        let folder = folder.display().to_string();
        told.into_iter().map(|text| text.replace(&folder, "")).collect()
    }

    #[test]
    fn a_folder_is_read_in_byte_order_and_names_the_release() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let two = format!("{}\n\n{}", named("a", None), named("b", Some("containerd v1.6.20")));
        write(folder, "2.0/z.jsonl", two.as_bytes());
        write(folder, "2.0/deep/v2.3.1/rows.jsonl.gz", &gzipped(named("c", None).to_string().as_bytes()));
        write(folder, "2.0/notes.txt", b"not rows");
        write(folder, "B.jsonl", named("d", Some("containerd 301026e58c61")).to_string().as_bytes());
        write(folder, "a.jsonl", named("e", Some("containerd dcf5687cab")).to_string().as_bytes());
        let here = [folder.to_owned()];
        assert_eq!(told(folder, &here, None), ["c 2.3", "a 2.0", "b 1.6", "d 2.4", "e 1.7.0-beta.1"]);
        assert_eq!(told(folder, &here, Some(Release::V1_7))[..2], ["c 1.7", "a 1.7"]);
    }

    #[test]
    fn a_row_without_a_release_fails() {
        let folder = tempfile::tempdir().unwrap();
        let rows = format!("{}\n{}\n{{", named("a", None), named("b", Some("containerd 12345678ab")));
        let path = write(folder.path(), "rows/x.jsonl", rows.as_bytes());
        assert_eq!(
            told(folder.path(), &[path], None),
            [
                "/rows/x.jsonl:1: row `a` has no `version`, and its folder `rows` is not named after a release",
                "/rows/x.jsonl:2: row `b`: the version `containerd 12345678ab` names no known release",
                "/rows/x.jsonl:3: not JSON: EOF while parsing an object at line 1 column 1",
            ]
        );
    }

    #[test]
    fn a_row_without_a_tree_takes_the_nearest_by_name_or_fails() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let without_tree = |name| {
            let mut row = named(name, None);
            row.as_object_mut().unwrap().remove("db");
            row.to_string()
        };
        let tree = |name: &str| {
            let case = named(name, None);
            json!({"name": name, "now": case["now"], "collectors": [], "db": case["db"]}).to_string()
        };
        let rows = [without_tree("near"), without_tree("far"), without_tree("none")].join("\n");
        let path = write(folder, "2.1/sub/2.2/rows.jsonl", rows.as_bytes());
        write(folder, "2.1/sub/medium-db.jsonl.gz", &gzipped(tree("near").as_bytes()));
        write(folder, "medium-db.jsonl.gz", &gzipped(tree("far").as_bytes()));
        assert_eq!(
            told(folder, &[path], None),
            [
                "near 2.2",
                "far 2.2",
                "/2.1/sub/2.2/rows.jsonl:3: row `none` has no `db`, and no medium-db.jsonl.gz in its folder \
                 or a parent has it",
            ]
        );
        assert_eq!(told(folder, &[folder.to_owned()], None)[3..], ["near case", "far case"]);
        let damaged = write(folder, "2.1/sub/medium-db.jsonl.gz", &gzipped(b"{\"name\": 1}"));
        let path = folder.join("2.1/sub/2.2/rows.jsonl");
        let failure = told(folder, &[path], None).remove(0);
        assert!(failure.contains("row `near` has no `db`: /2.1/sub/medium-db.jsonl.gz:1: "), "{failure}");
        drop(damaged);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let empty = read(&[folder.to_owned()], None).err().expect("nothing there").to_string();
        assert!(empty.starts_with("no recorded rows in /"), "{empty}");
        assert!(matches!(read(&[folder.join("nope")], None), Err(SourceError::Unreadable { .. })));
        let whole = gzipped(named("a", Some("2.0")).to_string().as_bytes());
        let torn = write(folder, "torn.jsonl.gz", &whole[..whole.len() / 2]);
        assert_eq!(told(folder, &[torn], None).len(), 1);
        let bomb = write(folder, "bomb.jsonl.gz", &gzipped(&vec![b' '; 65 << 20]));
        assert_eq!(told(folder, &[bomb], None), ["/bomb.jsonl.gz:1: the line is longer than 67108864 bytes"]);
        let newer = write(folder, "newer.jsonl", b"{\"archive\": \"leasehold rows 99\"}\n");
        assert!(told(folder, &[newer], None)[0].contains("an archive of the form `leasehold rows 99`"));
    }

    #[test]
    fn unpacking_stops_at_its_limit() {
        let mut capped = Capped { inner: &[0u8; 100][..], left: 99 };
        assert!(capped.read_to_end(&mut Vec::new()).is_err());
        let mut capped = Capped { inner: &[0u8; 100][..], left: 100 };
        assert_eq!(capped.read_to_end(&mut Vec::new()).unwrap(), 100);
    }
}
