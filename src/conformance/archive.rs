//! The compact archive of recorded rows: every case once, the results of all releases beside it.
//!
//! A gzip file of JSON lines. The first line is the head, every other one a case:
//!
//! ```text
//! {"archive": "leasehold recorded rows 1"}
//! {"name": "e_cref_plain", "now": "..", "collectors": [], "db": {"v1": {..}},
//!  "nodes": [[1, "ns1", "sha256:20.."], [1, "ns1", "sha256:2d.."], ..],
//!  "results": [{"release": "1.6", "version": "containerd v1.6.20", "roots": "4", "all": "0-4",
//!               "marked": "0 4", "removed": "rest", "refs": {"0": "", .., "4": "0"}, "after": {"less": "1-3"}, ..},
//!              {"release": "1.7.0-beta.1", "version": "containerd dcf5687cab", "like": 0}, ..]}
//! ```
//!
//! * Nodes are numbered by the case's table, `0-4` is a run of them. The table has the type numbers of 2.0 and
//!   later, so that releases which agree have equal lists: for 1.x the numbers 5, 6 and 7 (lease, ingest, end)
//!   stand as 6, 7 and 5.
//! * `like` is the place of an earlier result of the same case: a field that is not there is that result's. Of
//!   `refs` only the nodes that differ are there; null where a node has no entry.
//! * `removed` is `rest` where it is `all` less `marked`, in order.
//! * `after` is `same` (as `db`), or `less` the buckets of some nodes, or the whole `tree`.
//! * An outcomes row is one result for each outcome, with `last`, `count` and the row's `runs`.
//!
//! What is packed is unpacked and compared before it is written, so an archive never says anything else than the
//! rows did. A case may name [`ENTRIES_MAX`] nodes in all, so that a small file cannot fill the memory.

use super::form::{Bytes, CollectorForm, collector_form, collectors};
use super::row::{Expected, Row, UnorderedField, delete, parse_rfc3339};
use super::source::{self, Found, RowFailure, SourceError};
use crate::bucket::{Bucket, Entry, diff};
use crate::node::{Node, ResourceType};
use crate::release::Release;
use crate::schema::names;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::Path;

/// What the head of an archive says of its form.
pub const FORM: &str = "leasehold recorded rows 1";
/// The most nodes that the results of one case may list together.
pub const ENTRIES_MAX: usize = 4_000_000;

/// A line of an archive that is no packed case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a case of an archive: {reason}")]
pub struct ArchiveError {
    reason: String,
}

fn damaged(reason: impl Into<String>) -> ArchiveError {
    ArchiveError { reason: reason.into() }
}

/// Why rows cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The rows cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A line is no row.
    #[error(transparent)]
    Row(#[from] RowFailure),
    /// Two rows of one name differ in the case itself.
    #[error("row `{row}` of {release}: its {field} is not that of the release before")]
    OtherCase {
        /// The row's name.
        row: String,
        /// The second row's release.
        release: Release,
        /// What differs.
        field: &'static str,
    },
    /// Two rows of one name and release.
    #[error("row `{row}` of {release} is there twice")]
    Twice {
        /// The row's name.
        row: String,
        /// The release.
        release: Release,
    },
    /// What was packed does not read as what it was packed from.
    #[error("row `{row}` cannot be packed: {reason}")]
    Unfit {
        /// The row's name.
        row: String,
        /// What does not fit.
        reason: String,
    },
}

/// Packs rows, each with its release. The order of cases is that of their first rows; the bytes depend on nothing
/// else. Rows without a recorded result are left out.
///
/// # Errors
/// Rows of one name whose cases differ, rows given twice, or a row that is too large.
pub fn pack(rows: impl IntoIterator<Item = (Release, Row)>) -> Result<Vec<u8>, PackError> {
    let mut packer = Packer::default();
    for (release, row) in rows {
        packer.add(release, row)?;
    }
    packer.finish()
}

/// Packs the rows of a folder with all below it.
///
/// # Errors
/// As [`pack`], and what cannot be read.
pub fn pack_folder(folder: &Path) -> Result<Vec<u8>, PackError> {
    let mut packer = Packer::default();
    for line in source::read(&[folder.to_owned()], None)? {
        for found in line?.rows() {
            if let Found::Recorded(release, row) = found? {
                packer.add(release, *row)?;
            }
        }
    }
    if packer.cases.is_empty() {
        return Err(SourceError::NoRows { paths: vec![folder.to_owned()] }.into());
    }
    packer.finish()
}

/// Every row of an archive that was recorded from a release, in the archive's order.
///
/// # Errors
/// The bytes are no gzip file or no archive, or one of its lines is no case.
pub fn rows(bytes: &[u8], release: Release) -> Result<Vec<Row>, ArchiveError> {
    let unpacked = MultiGzDecoder::new(bytes).take(source::UNPACKED_BYTES_MAX);
    let mut text = BufReader::new(unpacked);
    let mut line = Vec::new();
    let mut next_line = move || -> io::Result<Option<Vec<u8>>> {
        line.clear();
        let read = (&mut text).take(source::LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        Ok((read > 0).then(|| line.clone()))
    };
    let unreadable = |error: io::Error| damaged(error.to_string());
    let head = next_line().map_err(unreadable)?.and_then(|line| form_of(&line));
    if head.as_deref() != Some(FORM) {
        return Err(damaged(format!("the file does not begin with the head of `{FORM}`")));
    }
    let mut rows = Vec::new();
    while let Some(line) = next_line().map_err(unreadable)? {
        let text = std::str::from_utf8(&line).map_err(|error| damaged(error.to_string()))?;
        rows.extend(case_rows(text, Some(release))?.into_iter().map(|(_, row)| row));
    }
    Ok(rows)
}

/// The form that a line states if it is the head of an archive.
pub(super) fn form_of(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        archive: String,
    }
    const HEAD_BYTES_MAX: usize = 1024;
    if line.len() > HEAD_BYTES_MAX {
        return None;
    }
    serde_json::from_slice::<Head>(line).ok().map(|head| head.archive)
}

/// The rows of a case's line, of one release or of all.
///
/// # Errors
/// The line is no case.
pub(super) fn case_rows(line: &str, only: Option<Release>) -> Result<Vec<(Release, Row)>, ArchiveError> {
    let form: CaseForm = serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
    form.unpack(only)
}

#[derive(Serialize, Deserialize)]
struct CaseForm {
    name: String,
    now: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    collectors: Vec<CollectorForm>,
    db: Bucket,
    nodes: Vec<(u8, Bytes, Bytes)>,
    results: Vec<ResultForm>,
}

#[derive(Serialize, Deserialize, Clone, Default)]
struct ResultForm {
    release: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unordered: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unordered_fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    like: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roots: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    roots_error: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    refs: BTreeMap<u32, Option<ReferenceForm>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    marked: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calls: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    error: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<AfterForm>,
}

/// References without an error are the list alone.
#[derive(Serialize, Deserialize, Clone)]
#[serde(untagged)]
enum ReferenceForm {
    Whole(String),
    Failed(String, String),
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
enum AfterForm {
    Same,
    Less(String),
    Tree(Bucket),
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What `removed` is written as where it is `all` less `marked`.
const REST: &str = "rest";

/// A result with nodes as numbers of the case's table.
#[derive(Clone, PartialEq)]
struct Numbered {
    roots: Vec<u32>,
    roots_error: Option<String>,
    all: Vec<u32>,
    refs: BTreeMap<u32, (Vec<u32>, Option<String>)>,
    /// In the order of the numbers.
    marked: Option<Vec<u32>>,
    removed: Removed,
    calls: Vec<String>,
    error: Option<String>,
    after: After,
}

#[derive(Clone, PartialEq)]
enum Removed {
    Rest,
    Listed(Vec<u32>),
}

#[derive(Clone, PartialEq)]
enum After {
    Same,
    Less(Vec<u32>),
    Tree(Bucket),
}

/// What of a result is never another's.
#[derive(Clone)]
struct Own {
    release: Release,
    version: Option<String>,
    unordered: bool,
    unordered_fields: Vec<UnorderedField>,
    runs: Option<u64>,
    last: Option<u8>,
    count: Option<u64>,
}

/// A release's number as 2.0 and later have it, and back again: in 1.x 5 is the lease, 6 the ingest and 7 the end.
fn to_table(release: Release, number: ResourceType) -> u8 {
    match number.0 {
        5..=6 if !release.rules().image_nodes => number.0 + 1,
        7 if !release.rules().image_nodes => 5,
        number => number,
    }
}

fn from_table(release: Release, number: u8) -> ResourceType {
    ResourceType(match number {
        6..=7 if !release.rules().image_nodes => number - 1,
        5 if !release.rules().image_nodes => 7,
        number => number,
    })
}

/// Collects rows and writes them as an archive.
#[derive(Default)]
struct Packer {
    cases: Vec<CasePacker>,
    by_name: HashMap<String, usize>,
}

/// A case and its results so far. The row is the first one's, without its results.
struct CasePacker {
    case: Row,
    nodes: Vec<(u8, Bytes, Bytes)>,
    numbers: HashMap<(u8, Box<[u8]>, Box<[u8]>), u32>,
    results: Vec<(Own, Numbered)>,
    entries: usize,
}

impl Packer {
    fn add(&mut self, release: Release, mut row: Row) -> Result<(), PackError> {
        let expected = std::mem::take(&mut row.expected);
        if expected.is_empty() {
            return Ok(());
        }
        let place = *self.by_name.entry(row.name.clone()).or_insert(self.cases.len());
        if place == self.cases.len() {
            self.cases.push(CasePacker::new(row.clone()));
        }
        self.cases[place].add(release, &row, &expected)
    }

    fn finish(self) -> Result<Vec<u8>, PackError> {
        const IN_MEMORY: &str = "writing into memory does not fail";
        let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        let head = serde_json::json!({ "archive": FORM });
        writeln!(packed, "{head}").expect(IN_MEMORY);
        for case in self.cases {
            let line = case.finish()?;
            writeln!(packed, "{line}").expect(IN_MEMORY);
        }
        Ok(packed.finish().expect(IN_MEMORY))
    }
}

impl CasePacker {
    fn new(case: Row) -> CasePacker {
        CasePacker { case, nodes: Vec::new(), numbers: HashMap::new(), results: Vec::new(), entries: 0 }
    }

    fn add(&mut self, release: Release, row: &Row, expected: &[Expected]) -> Result<(), PackError> {
        let case = &self.case;
        for (field, differs) in [
            ("now", case.now_text != row.now_text),
            ("note", case.note != row.note),
            ("collectors", case.collectors != row.collectors),
            ("db", case.db != row.db),
        ] {
            if differs {
                return Err(PackError::OtherCase { row: row.name.clone(), release, field });
            }
        }
        if self.results.iter().any(|(own, _)| own.release == release) {
            return Err(PackError::Twice { row: row.name.clone(), release });
        }
        for result in expected {
            let own = Own {
                release,
                version: row.version.clone(),
                unordered: row.unordered,
                unordered_fields: row.unordered_fields.clone(),
                runs: row.runs,
                last: result.last_iterated_collector,
                count: result.count,
            };
            let numbered = self.numbered(release, result);
            self.entries += numbered.entries();
            self.results.push((own, numbered));
        }
        if self.entries > ENTRIES_MAX {
            let reason = format!("its results list more than {ENTRIES_MAX} nodes");
            return Err(PackError::Unfit { row: row.name.clone(), reason });
        }
        self.check_last(row, expected)
    }

    /// What was just numbered must read as what it was.
    fn check_last(&self, row: &Row, expected: &[Expected]) -> Result<(), PackError> {
        let first = self.results.len() - expected.len();
        for ((own, numbered), expected) in self.results[first..].iter().zip(expected) {
            let read = numbered.expected(own, &self.nodes, &self.case.db);
            if read.as_ref() != Ok(expected) {
                let reason = "it would not read as the same row".to_owned();
                return Err(PackError::Unfit { row: row.name.clone(), reason });
            }
        }
        Ok(())
    }

    fn numbered(&mut self, release: Release, result: &Expected) -> Numbered {
        let all = self.list(release, &result.all);
        let roots = self.list(release, &result.roots);
        let refs = result.refs.iter().map(|(node, to, error)| {
            let number = self.number(to_table(release, node.resource_type), &node.namespace, &node.key);
            (number, (self.list(release, to), error.clone()))
        });
        let refs = refs.collect();
        let marked = result.marked.as_ref().map(|marked| {
            let mut marked = self.list(release, marked);
            marked.sort_unstable();
            marked
        });
        let removed = self.list(release, &result.removed);
        let rest = marked.as_deref().map(|marked| rest_of(&all, marked, &self.nodes));
        let removed = if rest.as_ref() == Some(&removed) { Removed::Rest } else { Removed::Listed(removed) };
        let after = self.after(&result.after);
        let (roots_error, error) = (result.roots_error.clone(), result.error.clone());
        Numbered { roots, roots_error, all, refs, marked, removed, calls: result.calls.clone(), error, after }
    }

    fn after(&mut self, after: &Bucket) -> After {
        let before = self.case.db.clone();
        if before == *after {
            return After::Same;
        }
        let mut less = Vec::new();
        for change in diff(&before, after) {
            let gone = matches!((change.before, change.after), (Some(Entry::Bucket(_)), None));
            match node_at(&change.path).filter(|_| gone) {
                Some((number, namespace, key)) => less.push(self.number(number, namespace, &key)),
                None => return After::Tree(after.clone()),
            }
        }
        less.sort_unstable();
        After::Less(less)
    }

    fn list(&mut self, release: Release, nodes: &[Node]) -> Vec<u32> {
        let number =
            |node: &Node| self.number(to_table(release, node.resource_type), &node.namespace, &node.key);
        nodes.iter().map(number).collect()
    }

    fn number(&mut self, resource_type: u8, namespace: &[u8], key: &[u8]) -> u32 {
        let next = u32::try_from(self.nodes.len()).expect("a row has fewer than 2^32 nodes");
        let found = self.numbers.entry((resource_type, namespace.into(), key.into())).or_insert(next);
        if *found == next {
            self.nodes.push((resource_type, Bytes(namespace.into()), Bytes(key.into())));
        }
        *found
    }

    /// The case as a line; it reads as the rows that went in.
    fn finish(self) -> Result<String, PackError> {
        let mut results = self.results;
        results.sort_by_key(|(own, _)| own.release);
        let mut forms: Vec<ResultForm> = Vec::new();
        for at in 0..results.len() {
            let (own, numbered) = &results[at];
            // Whichever earlier result makes this one shortest; the first of equals.
            let likes = (0..at).map(|like| numbered.form(own, Some((like, &results[like].1))));
            let candidates = std::iter::once(numbered.form(own, None)).chain(likes);
            let length =
                |form: &ResultForm| serde_json::to_string(form).map_or(usize::MAX, |text| text.len());
            forms.push(candidates.min_by_key(length).expect("the form without `like` is there"));
        }
        let form = CaseForm {
            name: self.case.name.clone(),
            now: self.case.now_text,
            note: self.case.note,
            collectors: self.case.collectors.iter().map(collector_form).collect(),
            db: self.case.db,
            nodes: self.nodes,
            results: forms,
        };
        let unfit = |reason: String| PackError::Unfit { row: self.case.name.clone(), reason };
        let line = serde_json::to_string(&form).map_err(|error| unfit(error.to_string()))?;
        let again: CaseForm = serde_json::from_str(&line).map_err(|error| unfit(error.to_string()))?;
        let read = again.numbered().map_err(|error| unfit(error.to_string()))?;
        if !read.iter().map(|(_, numbered)| numbered).eq(results.iter().map(|(_, numbered)| numbered)) {
            return Err(unfit("it would not read as the same row".to_owned()));
        }
        Ok(line)
    }
}

/// All less marked, in order. Marked nodes carry no bit above 0x1F and a walked one may: whole types are compared,
/// as containerd does (`gc.Sweep`).
fn rest_of(all: &[u32], marked: &[u32], nodes: &[(u8, Bytes, Bytes)]) -> Vec<u32> {
    debug_assert!(marked.is_sorted() && all.iter().all(|number| (*number as usize) < nodes.len()));
    all.iter().copied().filter(|number| marked.binary_search(number).is_err()).collect()
}

// Table numbers of the nodes that have a bucket.
const CONTENT: u8 = 1;
const SNAPSHOT: u8 = 2;
const IMAGE: u8 = 5;
const LEASE: u8 = 6;
const INGEST: u8 = 7;

/// The node whose bucket lies at a path, if [`bucket_of`] leads back to the path.
fn node_at<'a>(path: &[&'a [u8]]) -> Option<(u8, &'a [u8], Vec<u8>)> {
    let (number, namespace, key) = match *path {
        [names::V1, namespace, names::LEASES, id] => (LEASE, namespace, id.to_vec()),
        [names::V1, namespace, names::IMAGES, name] => (IMAGE, namespace, name.to_vec()),
        [names::V1, namespace, names::CONTENT, names::BLOB, digest] => (CONTENT, namespace, digest.to_vec()),
        [names::V1, namespace, names::CONTENT, names::INGESTS, reference] => {
            (INGEST, namespace, reference.to_vec())
        }
        [names::V1, namespace, names::SNAPSHOTS, snapshotter, key] if !snapshotter.contains(&b'/') => {
            (SNAPSHOT, namespace, [snapshotter, b"/", key].concat())
        }
        _ => return None,
    };
    Some((number, namespace, key))
}

/// The path of a node's bucket.
fn bucket_of<'a>(number: u8, namespace: &'a [u8], key: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    Some(match number {
        LEASE => vec![names::V1, namespace, names::LEASES, key],
        IMAGE => vec![names::V1, namespace, names::IMAGES, key],
        CONTENT => vec![names::V1, namespace, names::CONTENT, names::BLOB, key],
        INGEST => vec![names::V1, namespace, names::CONTENT, names::INGESTS, key],
        SNAPSHOT => {
            let slash = key.iter().position(|byte| *byte == b'/')?;
            vec![names::V1, namespace, names::SNAPSHOTS, &key[..slash], &key[slash + 1..]]
        }
        _ => return None,
    })
}

impl Numbered {
    /// How many nodes the result lists.
    fn entries(&self) -> usize {
        let refs: usize = self.refs.values().map(|(to, _)| to.len() + 1).sum();
        let removed = match &self.removed {
            Removed::Rest => self.all.len(),
            Removed::Listed(removed) => removed.len(),
        };
        let less = if let After::Less(less) = &self.after { less.len() } else { 0 };
        refs + self.roots.len() + self.all.len() + self.marked.as_ref().map_or(0, Vec::len) + removed + less
    }

    /// The form, less what an earlier result has alike.
    fn form(&self, own: &Own, like: Option<(usize, &Numbered)>) -> ResultForm {
        let base = like.map(|(_, base)| base);
        let differs = |same: fn(&Numbered, &Numbered) -> bool| base.is_none_or(|base| !same(self, base));
        let refs = self
            .refs
            .iter()
            .filter(|(node, entry)| base.and_then(|base| base.refs.get(node)) != Some(*entry));
        let refs = refs.map(|(node, (to, error))| {
            let form = match error {
                None => ReferenceForm::Whole(runs_text(to)),
                Some(error) => ReferenceForm::Failed(runs_text(to), error.clone()),
            };
            (*node, Some(form))
        });
        let gone = base.into_iter().flat_map(|base| base.refs.keys());
        let gone = gone.filter(|node| !self.refs.contains_key(node)).map(|node| (*node, None));
        ResultForm {
            release: own.release.name().to_owned(),
            version: own.version.clone(),
            unordered: own.unordered,
            unordered_fields: own.unordered_fields.iter().map(|field| field.name().to_owned()).collect(),
            runs: own.runs,
            last: own.last,
            count: own.count,
            like: like.map(|(place, _)| place),
            roots: differs(|one, other| one.roots == other.roots).then(|| runs_text(&self.roots)),
            roots_error: differs(|one, other| one.roots_error == other.roots_error)
                .then(|| self.roots_error.clone()),
            all: differs(|one, other| one.all == other.all).then(|| runs_text(&self.all)),
            refs: refs.chain(gone).collect(),
            marked: differs(|one, other| one.marked == other.marked)
                .then(|| self.marked.as_deref().map(runs_text)),
            removed: differs(|one, other| one.removed == other.removed).then(|| match &self.removed {
                Removed::Rest => REST.to_owned(),
                Removed::Listed(removed) => runs_text(removed),
            }),
            calls: differs(|one, other| one.calls == other.calls).then(|| self.calls.clone()),
            error: differs(|one, other| one.error == other.error).then(|| self.error.clone()),
            after: differs(|one, other| one.after == other.after).then(|| match &self.after {
                After::Same => AfterForm::Same,
                After::Less(less) => AfterForm::Less(runs_text(less)),
                After::Tree(tree) => AfterForm::Tree(tree.clone()),
            }),
        }
    }

    /// The result as a row has it.
    fn expected(
        &self,
        own: &Own,
        nodes: &[(u8, Bytes, Bytes)],
        db: &Bucket,
    ) -> Result<Expected, ArchiveError> {
        let node = |number: &u32| {
            let (resource_type, namespace, key) = &nodes[*number as usize];
            Node::new(from_table(own.release, *resource_type), &namespace.0, &key.0)
        };
        let list = |numbers: &[u32]| -> Vec<Node> { numbers.iter().map(node).collect() };
        let refs = self.refs.iter().map(|(from, (to, error))| (node(from), list(to), error.clone()));
        let mut refs: Vec<_> = refs.collect();
        refs.sort_by(|left, right| left.0.cmp(&right.0));
        let marked = self.marked.as_deref().map(|marked| {
            let mut marked = list(marked);
            marked.sort();
            marked
        });
        let removed = match (&self.removed, &self.marked) {
            (Removed::Listed(removed), _) => list(removed),
            (Removed::Rest, Some(marked)) => list(&rest_of(&self.all, marked, nodes)),
            (Removed::Rest, None) => return Err(damaged("`removed` is the rest of what was not marked")),
        };
        let after = match &self.after {
            After::Same => db.clone(),
            After::Tree(tree) => tree.clone(),
            After::Less(less) => less_buckets(db, less, nodes)?,
        };
        Ok(Expected {
            roots: list(&self.roots),
            roots_error: self.roots_error.clone(),
            all: list(&self.all),
            refs,
            marked,
            removed,
            after,
            calls: self.calls.clone(),
            error: self.error.clone(),
            last_iterated_collector: own.last,
            count: own.count,
        })
    }
}

fn less_buckets(db: &Bucket, less: &[u32], nodes: &[(u8, Bytes, Bytes)]) -> Result<Bucket, ArchiveError> {
    let mut after = db.clone();
    for number in less {
        let (resource_type, namespace, key) = &nodes[*number as usize];
        let path = bucket_of(*resource_type, &namespace.0, &key.0);
        let deleted = path.and_then(|path| delete(&mut after, &path).ok());
        deleted.ok_or_else(|| damaged(format!("the node {number} has no bucket to be less")))?;
    }
    Ok(after)
}

impl CaseForm {
    fn unpack(self, only: Option<Release>) -> Result<Vec<(Release, Row)>, ArchiveError> {
        let results = self.numbered()?;
        let now = parse_rfc3339(&self.now).ok_or_else(|| damaged(format!("now `{}`", self.now)))?;
        let collectors = collectors(self.collectors).map_err(damaged)?;
        let mut rows: Vec<(Release, Row)> = Vec::new();
        for (own, numbered) in &results {
            if only.is_some_and(|only| only != own.release) {
                continue;
            }
            let expected = numbered.expected(own, &self.nodes, &self.db)?;
            match rows.last_mut() {
                // A further outcome of an outcomes row.
                Some((release, row)) if *release == own.release => {
                    if own.runs.is_none() || own.runs != row.runs {
                        return Err(damaged(format!("two results of {release} that are not outcomes")));
                    }
                    row.expected.push(expected);
                }
                _ => {
                    let row = Row {
                        name: self.name.clone(),
                        version: own.version.clone(),
                        note: self.note.clone(),
                        now,
                        now_text: self.now.clone(),
                        collectors: collectors.clone(),
                        db: self.db.clone(),
                        unordered: own.unordered,
                        unordered_fields: own.unordered_fields.clone(),
                        runs: own.runs,
                        expected: vec![expected],
                    };
                    rows.push((own.release, row));
                }
            }
        }
        Ok(rows)
    }

    /// The results with every `like` resolved.
    fn numbered(&self) -> Result<Vec<(Own, Numbered)>, ArchiveError> {
        let mut results: Vec<(Own, Numbered)> = Vec::new();
        let mut budget = ENTRIES_MAX;
        for form in &self.results {
            let base =
                match form.like {
                    None => None,
                    Some(like) => {
                        let base = results.get(like).map(|(_, numbered)| numbered);
                        Some(base.ok_or_else(|| {
                            damaged(format!("a result is like {like}, which is not before it"))
                        })?)
                    }
                };
            let numbered = form.numbered(base, self.nodes.len(), budget)?;
            budget = budget.checked_sub(numbered.entries()).ok_or_else(too_many)?;
            results.push((form.own()?, numbered));
        }
        Ok(results)
    }
}

fn too_many() -> ArchiveError {
    damaged(format!("a case whose results list more than {ENTRIES_MAX} nodes"))
}

impl ResultForm {
    fn own(&self) -> Result<Own, ArchiveError> {
        let release = Release::ALL.into_iter().find(|release| release.name() == self.release);
        let release =
            release.ok_or_else(|| damaged(format!("the release `{}` is not known", self.release)))?;
        let fields = self.unordered_fields.iter().map(|name| {
            UnorderedField::named(name).ok_or_else(|| damaged(format!("the unordered field `{name}`")))
        });
        Ok(Own {
            release,
            version: self.version.clone(),
            unordered: self.unordered,
            unordered_fields: fields.collect::<Result<_, _>>()?,
            runs: self.runs,
            last: self.last,
            count: self.count,
        })
    }

    fn numbered(
        &self,
        base: Option<&Numbered>,
        nodes: usize,
        budget: usize,
    ) -> Result<Numbered, ArchiveError> {
        let lacks = |field: &str| damaged(format!("a result without `{field}` and without `like`"));
        let mut left = budget;
        let mut list = |text: &str| runs(text, nodes, &mut left);
        let taken = |text: &Option<String>,
                     field,
                     of: fn(&Numbered) -> &Vec<u32>,
                     list: &mut dyn FnMut(&str) -> _| {
            match (text, base) {
                (Some(text), _) => list(text),
                (None, Some(base)) => Ok(of(base).clone()),
                (None, None) => Err(lacks(field)),
            }
        };
        let roots = taken(&self.roots, "roots", |base| &base.roots, &mut list)?;
        let all = taken(&self.all, "all", |base| &base.all, &mut list)?;
        let marked = match (&self.marked, base) {
            (Some(text), _) => text.as_deref().map(&mut list).transpose()?,
            (None, Some(base)) => base.marked.clone(),
            (None, None) => return Err(lacks("marked")),
        };
        if marked.as_ref().is_some_and(|marked| !marked.is_sorted()) {
            return Err(damaged("`marked` is not in order"));
        }
        let removed = match (self.removed.as_deref(), base) {
            (Some(REST), _) => Removed::Rest,
            (Some(text), _) => Removed::Listed(list(text)?),
            (None, Some(base)) => base.removed.clone(),
            (None, None) => return Err(lacks("removed")),
        };
        let mut refs = base.map(|base| base.refs.clone()).unwrap_or_default();
        for (node, form) in &self.refs {
            if *node as usize >= nodes {
                return Err(damaged(format!("node {node} of {nodes}")));
            }
            match form {
                None => drop(refs.remove(node)),
                Some(ReferenceForm::Whole(to)) => drop(refs.insert(*node, (list(to)?, None))),
                Some(ReferenceForm::Failed(to, error)) => {
                    refs.insert(*node, (list(to)?, Some(error.clone())));
                }
            }
        }
        let after = match (&self.after, base) {
            (Some(AfterForm::Same), _) => After::Same,
            (Some(AfterForm::Less(less)), _) => After::Less(list(less)?),
            (Some(AfterForm::Tree(tree)), _) => After::Tree(tree.clone()),
            (None, Some(base)) => base.after.clone(),
            (None, None) => return Err(lacks("after")),
        };
        let text =
            |own: &Option<Option<String>>, field, of: fn(&Numbered) -> &Option<String>| match (own, base) {
                (Some(text), _) => Ok(text.clone()),
                (None, Some(base)) => Ok(of(base).clone()),
                (None, None) => Err(lacks(field)),
            };
        let calls = self.calls.clone().or_else(|| base.map(|base| base.calls.clone()));
        Ok(Numbered {
            roots,
            roots_error: text(&self.roots_error, "roots_error", |base| &base.roots_error)?,
            all,
            refs,
            marked,
            removed,
            calls: calls.ok_or_else(|| lacks("calls"))?,
            error: text(&self.error, "error", |base| &base.error)?,
            after,
        })
    }
}

/// Numbers as text: `0-3 7` is 0, 1, 2, 3, 7.
fn runs_text(numbers: &[u32]) -> String {
    let mut text = String::new();
    let mut rest = numbers;
    while let Some(first) = rest.first() {
        let next_of = |place: usize| first.checked_add(u32::try_from(place).ok()?);
        let length =
            rest.iter().enumerate().take_while(|(place, number)| next_of(*place) == Some(**number)).count();
        let separator = if text.is_empty() { "" } else { " " };
        let written = match length {
            1 => write!(text, "{separator}{first}"),
            _ => write!(text, "{separator}{first}-{}", rest[length - 1]),
        };
        written.expect("writing into memory does not fail");
        rest = &rest[length..];
    }
    text
}

/// The numbers of a text, each below `nodes`, at most `left` of them.
fn runs(text: &str, nodes: usize, left: &mut usize) -> Result<Vec<u32>, ArchiveError> {
    let mut numbers = Vec::new();
    for run in text.split_ascii_whitespace() {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        let number =
            |text: &str| text.parse::<u32>().map_err(|_| damaged(format!("`{run}` is no run of numbers")));
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last as usize >= nodes {
            return Err(damaged(format!("the run `{run}` of {nodes} nodes")));
        }
        *left = left.checked_sub((last - first) as usize + 1).ok_or_else(too_many)?;
        numbers.extend(first..=last);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{example, example_with_outcomes, parsed};
    use super::*;
    use serde_json::{Value, json};

    /// The example row as different releases might have recorded it.
    fn several() -> Vec<(Release, Row)> {
        let mut second = example();
        // 2.0's numbers: the lease is 6, and there is a root more.
        let text = second.to_string().replace("\"type\":5", "\"type\":6");
        second = serde_json::from_str(&text).unwrap();
        second["version"] = json!("containerd v2.0.11");
        let root = second["all"][2].clone();
        second["roots"].as_array_mut().unwrap().push(root);
        let mut failed = second.clone();
        failed["version"] = json!("containerd v2.1.9");
        failed["marked"] = Value::Null;
        failed["removed"] = json!([]);
        failed["error"] = json!("no");
        failed["roots_error"] = json!("no");
        failed["refs"] = json!([[failed["all"][1], [failed["all"][0]], "no"]]);
        failed["db_after"] = failed["db"].clone();
        let mut strange = second.clone();
        strange["version"] = json!("containerd v2.2.7");
        strange["removed"] = json!([strange["all"][1], strange["all"][0]]);
        strange["db_after"] = json!({"added": "by nobody"});
        vec![
            (Release::Seed, parsed(&example())),
            (Release::V2_0, parsed(&second)),
            (Release::V2_1, parsed(&failed)),
            (Release::V2_2, parsed(&strange)),
        ]
    }

    fn unpacked(bytes: &[u8], release: Release) -> Vec<Row> {
        rows(bytes, release).expect("an archive")
    }

    #[test]
    fn what_is_packed_unpacks_to_the_same_rows() {
        let mut all = several();
        let mut outcomes = parsed(&example_with_outcomes());
        outcomes.name = "outcomes".to_owned();
        all.push((Release::Seed, outcomes.clone()));
        let packed = pack(all.clone()).expect("packed");
        assert_eq!(unpacked(&packed, Release::Seed), [all[0].1.clone(), outcomes]);
        for (release, row) in &all[1..4] {
            assert_eq!(unpacked(&packed, *release), [row.clone()], "{release}");
        }
        assert_eq!(unpacked(&packed, Release::V2_4), []);
        assert_eq!(pack(all).expect("packed"), packed, "the bytes depend on the rows alone");
    }

    #[test]
    fn every_alteration_survives_packing() {
        let all = several();
        for seed in 0..300 {
            let altered = super::super::alter::alter(&all[1].1, seed).expect("the row has a result");
            let packed = pack([all[0].clone(), (Release::V2_0, altered.row.clone())]);
            let packed = packed.unwrap_or_else(|error| panic!("{}: {}: {error}", altered.field, altered.how));
            assert_eq!(unpacked(&packed, Release::V2_0), [altered.row], "{}", altered.how);
            assert_eq!(unpacked(&packed, Release::Seed), [all[0].1.clone()]);
        }
    }

    #[test]
    fn rows_that_contradict_each_other_are_not_packed() {
        let all = several();
        let twice = pack([all[0].clone(), all[0].clone()]).expect_err("twice").to_string();
        assert_eq!(twice, "row `example` of 1.7.0-beta.1 is there twice");
        let mut other = all[1].clone();
        other.1.db = Bucket::new();
        let other = pack([all[0].clone(), other]).expect_err("another case").to_string();
        assert_eq!(other, "row `example` of 2.0: its db is not that of the release before");
    }

    #[test]
    fn runs_are_read_as_written_and_held_to_their_limits() {
        for numbers in [&[][..], &[3], &[0, 1, 2], &[5, 4, 3], &[1, 1, 2, 9, 3, 4]] {
            assert_eq!(runs(&runs_text(numbers), 10, &mut 6).as_deref(), Ok(numbers));
        }
        assert_eq!(runs_text(&[0, 1, 2, 3, 7, 9, 8]), "0-3 7 9 8");
        for text in ["10", "0-10", "3-2", "-", "1-", "x", "4294967296", "0-6"] {
            assert!(runs(text, 10, &mut 6).is_err(), "{text}");
        }
    }

    #[test]
    fn a_damaged_archive_is_refused_with_the_reason() {
        let packed = pack(several()).expect("packed");
        let mut line = String::new();
        let mut text = BufReader::new(MultiGzDecoder::new(&packed[..]));
        text.read_line(&mut String::new()).unwrap();
        text.read_line(&mut line).unwrap();
        let case: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(case_rows(&line, None).map(|rows| rows.len()), Ok(4));
        let result = |at: usize, field: &str, value: Value| {
            let mut case = case.clone();
            case["results"][at][field] = value;
            case_rows(&case.to_string(), None).expect_err("damaged").to_string()
        };
        for (reason, needed) in [
            (result(1, "like", json!(1)), "like 1, which is not before it"),
            (result(0, "release", json!("3.0")), "the release `3.0` is not known"),
            (result(0, "roots", json!("99")), "the run `99`"),
            (result(0, "marked", json!("1 0")), "not in order"),
            (result(0, "refs", json!({"99": ""})), "node 99"),
            (result(0, "after", json!({"less": "0 0"})), "has no bucket to be less"),
            (result(0, "roots", json!(null)), "without `roots`"),
            (result(3, "release", json!("2.1")), "two results of 2.1 that are not outcomes"),
        ] {
            assert!(reason.contains(needed), "{reason}");
        }
        for bytes in [&b""[..], b"text", &packed[..packed.len() / 2]] {
            assert!(rows(bytes, Release::Seed).is_err());
        }
    }

    #[test]
    fn an_archive_is_known_by_its_first_line_and_read_as_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any name.jsonl.gz");
        std::fs::write(&path, pack(several()).expect("packed")).unwrap();
        let found = |release| -> Vec<Found> {
            let lines = source::read(&[folder.path().to_owned()], release).expect("a file");
            lines.flat_map(|line| line.expect("a line").rows()).map(|found| found.expect("a row")).collect()
        };
        let recorded = |(release, row): (Release, Row)| Found::Recorded(release, Box::new(row));
        assert_eq!(found(None), several().into_iter().map(recorded).collect::<Vec<_>>());
        assert_eq!(found(Some(Release::V2_0)), [recorded(several().swap_remove(1))]);
        let again = pack_folder(folder.path()).expect("an archive can be packed again");
        assert_eq!(again, std::fs::read(&path).unwrap());
    }
}
