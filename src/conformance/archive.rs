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
//! rows did. The results of a case may take [`CASE_BYTES_MAX`] of memory, so that a small file cannot fill it.

use super::form::{Bytes, CollectorForm, collector_form, collectors};
use super::numbered::{
    After, Numbered, Own, Removed, ResultForm, TableNode, node_at, rest_of, to_table, too_large,
};
use super::row::{Expected, Row};
use super::source::{self, Found, RowFailure, SourceError};
use crate::bucket::{Bucket, Entry, diff};
use crate::node::{Node, ResourceType};
use crate::release::Release;
use crate::schema::time;
use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// What the head of an archive says of its form.
pub const FORM: &str = "leasehold recorded rows 1";
/// The most memory, about, that the results of one case may take when they are unpacked.
pub const CASE_BYTES_MAX: usize = 256 << 20;

/// A line of an archive that is no packed case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a case of an archive: {reason}")]
pub struct ArchiveError {
    reason: String,
}

pub(super) fn damaged(reason: impl Into<String>) -> ArchiveError {
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
    nodes: Vec<TableNode>,
    results: Vec<ResultForm>,
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
    nodes: Vec<TableNode>,
    /// The place of each node in the table, by its table number.
    numbers: HashMap<Node, u32>,
    results: Vec<(Own, Numbered)>,
    bytes: usize,
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
        CasePacker { case, nodes: Vec::new(), numbers: HashMap::new(), results: Vec::new(), bytes: 0 }
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
            self.bytes += numbered.bytes(&self.nodes);
            self.results.push((own, numbered));
        }
        if self.bytes > CASE_BYTES_MAX {
            let reason = format!("its results take more than {CASE_BYTES_MAX} bytes");
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
        let found =
            self.numbers.entry(Node::new(ResourceType(resource_type), namespace, key)).or_insert(next);
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

impl CaseForm {
    fn unpack(self, only: Option<Release>) -> Result<Vec<(Release, Row)>, ArchiveError> {
        let results = self.numbered()?;
        let now = time::parse_rfc3339(self.now.as_bytes()).map_err(|error| damaged(error.to_string()))?;
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
        let mut left = CASE_BYTES_MAX;
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
            let own = form.own()?;
            if results.last().is_some_and(|(before, _)| before.release > own.release) {
                return Err(damaged(format!("a result of {} after one of a later release", own.release)));
            }
            let numbered = form.numbered(base, self.nodes.len())?;
            left = left.checked_sub(numbered.bytes(&self.nodes)).ok_or_else(too_large)?;
            results.push((own, numbered));
        }
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use super::super::alter::alter;
    use super::super::compare::{Results, coherent, compare};
    use super::super::row::tests::{example, example_with_outcomes, parsed};
    use super::*;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, BTreeSet};

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
            (Release::V1_7Beta, parsed(&example())),
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
        all.push((Release::V1_7Beta, outcomes.clone()));
        let packed = pack(all.clone()).expect("packed");
        assert_eq!(unpacked(&packed, Release::V1_7Beta), [all[0].1.clone(), outcomes]);
        for (release, row) in &all[1..4] {
            assert_eq!(unpacked(&packed, *release), std::slice::from_ref(row), "{release}");
        }
        assert_eq!(unpacked(&packed, Release::V2_4), []);
        assert_eq!(pack(all).expect("packed"), packed, "the bytes depend on the rows alone");
    }

    #[test]
    fn every_alteration_survives_packing() {
        let all = several();
        for seed in 0..300 {
            let altered = alter(&all[1].1, seed).expect("the row has a result");
            let packed = pack([all[0].clone(), (Release::V2_0, altered.row.clone())]);
            let packed = packed.unwrap_or_else(|error| panic!("{}: {}: {error}", altered.field, altered.how));
            assert_eq!(unpacked(&packed, Release::V2_0), [altered.row], "{}", altered.how);
            assert_eq!(unpacked(&packed, Release::V1_7Beta), [all[0].1.clone()]);
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
            (result(3, "release", json!("2.0")), "a result of 2.0 after one of a later release"),
        ] {
            assert!(reason.contains(needed), "{reason}");
        }
        for bytes in [&b""[..], b"text", &packed[..packed.len() / 2]] {
            assert!(rows(bytes, Release::V1_7Beta).is_err());
        }
    }

    /// Few bytes that promise much: a long list repeated by `like`, and a long key listed often.
    #[test]
    fn a_small_case_cannot_fill_the_memory() {
        let example = json!({
            "name": "bomb", "now": "2024-05-06T07:08:09Z", "collectors": [], "db": {},
            "nodes": (0..1000).map(|number| json!([1, "ns", format!("{number}")])).collect::<Value>(),
            "results": [{"release": "2.0", "roots": "", "roots_error": null, "all": "", "marked": "",
                "removed": "", "calls": [], "error": null, "after": "same"}],
        });
        assert_eq!(case_rows(&example.to_string(), None).map(|rows| rows.len()), Ok(1));
        let mut long_list = example.clone();
        long_list["results"][0]["roots"] = json!("0-999 ".repeat(10_000));
        let mut long_key = example.clone();
        long_key["nodes"][0][2] = json!("k".repeat(1 << 20));
        long_key["results"][0]["roots"] = json!("0 ".repeat(1000));
        let mut repeated = example.clone();
        repeated["results"][0]["calls"] = json!(["c".repeat(1 << 20)]);
        let again = json!({"release": "2.0", "like": 0});
        repeated["results"].as_array_mut().unwrap().extend(vec![again; 1000]);
        for bomb in [long_list, long_key, repeated] {
            let refused = case_rows(&bomb.to_string(), None).expect_err("too large").to_string();
            assert!(refused.contains("take more than"), "{refused}");
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

    /// The archive that the project ships: the same 1,165 cases for every release, each row in itself possible,
    /// and none that passes when it is altered.
    #[test]
    fn the_shipped_archive_holds_every_release() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/recorded");
        let mut names_of: BTreeMap<Release, BTreeSet<String>> = BTreeMap::new();
        let (mut outcomes, mut failed_runs) = (0, 0);
        for line in source::read(&[folder], None).expect("the archive is there") {
            for found in line.expect("a line").rows() {
                let Ok(Found::Recorded(release, row)) = found else { panic!("{found:?}") };
                assert_eq!(coherent(&row), Ok(()), "{}", row.name);
                let result = &row.expected[0];
                assert_eq!(compare(&row, result, &Results::from(result)), Ok(()), "{}", row.name);
                let altered = alter(&row, 1).expect("the row has a result");
                let mut compared = altered
                    .row
                    .expected
                    .iter()
                    .zip(&row.expected)
                    .map(|(wrong, real)| compare(&altered.row, wrong, &Results::from(real)));
                let differs = compared.any(|compared| compared.is_err());
                assert!(differs, "{}: {}: {}", row.name, altered.field, altered.how);
                outcomes += usize::from(row.runs.is_some());
                failed_runs += usize::from(row.expected.iter().any(|result| result.error.is_some()));
                let is_new = names_of.entry(release).or_default().insert(row.name.clone());
                assert!(is_new, "{} of {release} is there twice", row.name);
            }
        }
        assert_eq!(names_of.keys().copied().collect::<Vec<_>>(), Release::ALL);
        assert!(names_of.values().all(|names| names.len() == 1165 && *names == names_of[&Release::V1_7Beta]));
        assert_eq!((outcomes, failed_runs), (44, 207));
    }
}
