//! Reads rows, one after the other, and says which release each was recorded from.
//!
//! [`read`] gives a [`Reader`], an iterator of [`RowLine`]s: finding and unpacking is one stream, and each line is
//! parsed by [`RowLine::row`] in whatever thread wants it. A row's release is the one that is asked for, else that of
//! its `version`, else the one that its folder is named after.
//!
//! A file that cannot be read, or is none of rows, is a [`SourceError`]; a line that is no proper row is a [`RowFailure`], which counts
//! as a failed row and never as a skipped one. This room does not know what the rows mean.

use super::error::{SourceError, unreadable};
use super::files;
use super::lines::{Lines, UNPACKED_BYTES_MAX};
use super::row::{Row, RowError};
use super::trees::{MEDIUM_DB, Trees};
use crate::bucket::Bucket;
use crate::release::Release;
use crate::text;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A line that was expected to be a row and is not: a failed row.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {reason}", text::path(path))]
pub struct RowFailure {
    /// The file.
    pub path: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: RowFault,
}

impl RowFailure {
    /// Whether the line is no row at all, as against one that lacks something.
    pub fn is_no_row(&self) -> bool {
        matches!(self.reason, RowFault::Row(RowError::NotJson { .. }))
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The line is no row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The row's `version` names no release that is known.
    #[error("row `{}`: the version `{}` names no known release", text::line(row), text::line(version))]
    UnknownVersion {
        /// The row's name.
        row: String,
        /// Its version.
        version: String,
    },
    /// Nothing says which release the row was recorded from.
    #[error(
        "row `{}` has no `version`, and its folder `{}` is not named after a release",
        text::line(row),
        text::line(folder)
    )]
    NoRelease {
        /// The row's name.
        row: String,
        /// Its folder's name.
        folder: String,
    },
}

/// Finds the files of rows and begins to read them, one line after the other. `release` overrides what rows say of
/// themselves. A folder is walked with all below it; a file that is named is read whatever its name.
///
/// # Errors
/// A path that does not exist or cannot be listed, or no file of rows in any of them.
pub fn read(paths: &[PathBuf], release: Option<Release>) -> Result<Reader, SourceError> {
    let mut remaining = files::find(paths)?;
    remaining.reverse();
    Ok(Reader { remaining, open: None, has_line: false, ahead: None, trees: BTreeMap::new(), release })
}

/// The lines of all files, in order.
pub struct Reader {
    /// Files not yet opened, the next one last.
    remaining: Vec<PathBuf>,
    open: Option<(Lines, Arc<Origin>)>,
    /// Whether the open file had a line: what is no file of rows shows by its first two, or by having none.
    has_line: bool,
    /// The second line, where the first looked like no row.
    ahead: Option<(usize, Vec<u8>)>,
    trees: BTreeMap<PathBuf, Arc<Trees>>,
    release: Option<Release>,
}

/// What all rows of one file share.
struct Origin {
    path: PathBuf,
    /// The name of its folder.
    folder: String,
    /// Those in the file's folder and its parents, nearest first.
    trees: Vec<Arc<Trees>>,
    release: Option<Release>,
}

/// One line that should be a row.
pub struct RowLine {
    origin: Arc<Origin>,
    number: usize,
    text: Vec<u8>,
}

impl Iterator for Reader {
    type Item = Result<RowLine, SourceError>;

    fn next(&mut self) -> Option<Result<RowLine, SourceError>> {
        loop {
            let Some((lines, origin)) = &mut self.open else {
                let path = self.remaining.pop()?;
                match self.opened(path) {
                    Ok(open) => (self.open, self.has_line) = (Some(open), false),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let next = self.ahead.take().map_or_else(|| lines.next_line(), |ahead| Ok(Some(ahead)));
            match next {
                Ok(Some((number, text))) => {
                    if !self.has_line && !is_like_row(&text) {
                        self.ahead = lines.next_line().ok().flatten();
                        if !self.ahead.as_ref().is_some_and(|(_, text)| is_like_row(text)) {
                            let path = origin.path.clone();
                            (self.open, self.ahead) = (None, None);
                            return Some(Err(SourceError::NotRows { path }));
                        }
                    }
                    self.has_line = true;
                    return Some(Ok(RowLine { origin: origin.clone(), number, text }));
                }
                Ok(None) if !self.has_line => {
                    let paths = vec![origin.path.clone()];
                    self.open = None;
                    return Some(Err(SourceError::NoRows { paths }));
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

/// Whether a line begins as a JSON object does.
fn is_like_row(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"{")
}

impl Reader {
    fn opened(&mut self, path: PathBuf) -> Result<(Lines, Arc<Origin>), SourceError> {
        let absolute = path.canonicalize().map_err(|error| unreadable(&path, error))?;
        let folder = absolute.parent().unwrap_or(&absolute);
        let trees = folder.ancestors().map(|above| above.join(MEDIUM_DB)).filter(|file| file.is_file());
        let trees = trees.map(|file| {
            let shared = self.trees.entry(file.clone());
            shared.or_insert_with(|| Arc::new(Trees::new(file))).clone()
        });
        let trees = trees.collect();
        let lines = Lines::open(&path, UNPACKED_BYTES_MAX)?;
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((lines, Arc::new(Origin { path, folder, trees, release: self.release })))
    }
}

impl RowLine {
    /// The row and the release to judge it by; none for a case, of which nothing was recorded.
    ///
    /// # Errors
    /// The line is no row, or nothing says which release it is of.
    pub fn row(&self) -> Result<Option<(Release, Row)>, RowFailure> {
        let fails = |reason| RowFailure { path: self.origin.path.clone(), line: self.number, reason };
        let not_text = |error: std::str::Utf8Error| RowError::NotJson { reason: error.to_string() };
        let text = std::str::from_utf8(&self.text).map_err(|error| fails(not_text(error).into()))?;
        if !is_like_row(&self.text) {
            return Err(fails(RowError::NotJson { reason: "it is no object".to_owned() }.into()));
        }
        let row = Row::parse(text, |name| self.origin.tree(name)).map_err(|error| fails(error.into()))?;
        if row.expected.is_empty() {
            return Ok(None);
        }
        let release = self.origin.release_of(&row).map_err(fails)?;
        Ok(Some((release, row)))
    }
}

impl RowLine {
    /// What a line that is no complete row says of its name and its release.
    pub fn says(&self) -> (Option<String>, Option<Release>) {
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&self.text).unwrap_or_default();
        let text = |field: &str| fields.get(field)?.as_str();
        let of_version = || release_of_version(text("version")?);
        let of_folder = || Release::parse(&self.origin.folder).ok();
        (text("name").map(str::to_owned), self.origin.release.or_else(of_version).or_else(of_folder))
    }
}

impl Origin {
    /// The nearest tree of a name; a damaged file nearer by is an error.
    fn tree(&self, name: &str) -> Result<Bucket, String> {
        for trees in &self.trees {
            if let Some(tree) = trees.get(name)? {
                return Ok(tree);
            }
        }
        Err(format!(
            "it lacks the database as it was before the collection, and no {MEDIUM_DB} in its folder or one above has it \
             under the row's name"
        ))
    }

    fn release_of(&self, row: &Row) -> Result<Release, RowFault> {
        let name = || row.name.clone();
        if let Some(release) = self.release {
            return Ok(release);
        }
        if let Some(version) = &row.version {
            let unknown = || RowFault::UnknownVersion { row: name(), version: version.clone() };
            return release_of_version(version).ok_or_else(unknown);
        }
        let no_release = |_| RowFault::NoRelease { row: name(), folder: self.folder.clone() };
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

#[cfg(test)]
mod tests {
    use super::super::row::tests::example;
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use serde_json::{Value, json};
    use std::fs;
    use std::io::Write;
    use std::path::Path;

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
                Ok(line) => told.push(match line.row() {
                    Ok(Some((release, row))) => format!("{} {release}", row.name),
                    Ok(None) => "a case".to_owned(),
                    Err(failure) => failure.to_string(),
                }),
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
        let packed = compress_to_vec(named("f", None).to_string().as_bytes(), CompressionLevel::Fastest);
        write(folder, "2.0/y.jsonl.zst", &packed);
        write(folder, "B.jsonl", named("d", Some("containerd 301026e58c61")).to_string().as_bytes());
        write(folder, "a.jsonl", named("e", Some("containerd dcf5687cab")).to_string().as_bytes());
        let here = [folder.to_owned()];
        assert_eq!(
            told(folder, &here, None),
            ["c 2.3", "f 2.0", "a 2.0", "b 1.6", "d 2.4", "e 1.7.0-beta.1"]
        );
        assert_eq!(told(folder, &here, Some(Release::V1_7))[..2], ["c 1.7", "f 1.7"]);
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
                "/rows/x.jsonl:3: not JSON: the line ends in the middle of a value: is the file cut off?",
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
                "/2.1/sub/2.2/rows.jsonl:3: row `none` has no `db`: it lacks the database as it was before the \
                 collection, and no medium-db.jsonl.gz in its folder or one above has it under the row's name",
            ]
        );
        assert_eq!(told(folder, &[folder.to_owned()], None)[3..], ["a case", "a case"]);
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
    }
}
