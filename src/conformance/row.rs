//! A recorded row as data, and its strict reading.
//!
//! A row is one JSON object on one line: the case (`name`, `now`, `collectors`, `db`) and what a collection gave.
//!
//! ```text
//! {"name": "e_cref_plain", "version": "containerd v2.0.11", "now": "2024-05-06T07:08:09.123456789Z",
//!  "collectors": [], "db": {"v1": {..}}, "roots": [NODE..], "marked": [NODE..], "error": null, ..}
//! ```
//!
//! Unknown fields are passed over. A field that is missing, of a wrong type or given twice fails the row, by name
//! and field. A row without any field of [`Results`] is a *case*: it has no expectations and counts as none. A row
//! whose result depends on the order of Go's map iteration lists each of its `outcomes` with the collector that was
//! iterated last.

use super::form::{is_false, rfc3339};
use super::results::Results;
use crate::bucket::{self, Bucket};
use crate::collector::Collector;
use crate::instant::Instant;
use crate::node::ResourceType;
use crate::release::Release;
use crate::situation::Situation;
use crate::text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One case with what was recorded for it.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The case's name.
    pub name: String,
    /// What it was recorded from, as the row says: `containerd v2.0.11`.
    pub version: Option<String>,
    /// A remark for people.
    pub note: Option<String>,
    /// The collection's clock.
    pub now: Instant,
    /// The collectors that are registered, in the row's order.
    pub collectors: Vec<Collector>,
    /// The tree before the collection.
    pub db: Bucket,
    /// Two or more collectors are registered: the row says that Go's map order may show.
    pub unordered: bool,
    /// The lists that are to be compared as multisets.
    pub unordered_fields: Vec<UnorderedField>,
    /// How often an outcomes row was run; its outcomes' counts sum to it.
    pub runs: Option<u64>,
    /// What was recorded, with every field: one result, or each outcome of an outcomes row, or nothing for a case.
    pub expected: Vec<Results>,
}

/// A list whose order a row leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnorderedField {
    /// The list inside each entry of `refs`.
    Refs,
    /// `collector_trace`, which is not compared at all.
    CollectorTrace,
}

/// Why a line is not a row. `row` is the row's name where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The line is not JSON.
    #[error("not JSON: {reason}")]
    NotJson {
        /// What the parser says.
        reason: String,
    },
    /// A field is missing, wrong or given twice.
    #[error("{}: {reason}", named(row.as_ref()))]
    Wrong {
        /// The row's name.
        row: Option<String>,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// A row without `db` whose tree is not to be had.
    #[error("{} has no `db`: {reason}", named(Some(row)))]
    NoDb {
        /// The row's name.
        row: String,
        /// Why not.
        reason: String,
    },
}

fn named(row: Option<&String>) -> String {
    row.map_or_else(|| "a row without a name".to_owned(), |name| format!("row `{}`", text::line(name)))
}

/// The fields of a row that are not those of a result.
#[derive(Serialize, Deserialize)]
struct CaseForm<T> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(with = "rfc3339")]
    now: Instant,
    collectors: Vec<Collector>,
    db: Option<T>,
    #[serde(default, skip_serializing_if = "is_false")]
    unordered: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unordered_fields: Vec<UnorderedField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<Vec<Results>>,
}

impl Row {
    /// What is to be collected, by a release.
    pub fn situation(&self, release: Release, last_iterated: Option<ResourceType>) -> Situation {
        let collectors = Arc::new(self.collectors.clone());
        Situation { collectors, last_iterated, ..Situation::new(self.db.clone(), release, self.now) }
    }

    /// How many collectors start. With two or more the order of their calls is left open.
    pub fn started(&self) -> usize {
        self.collectors.iter().filter(|collector| !collector.start_error).count()
    }

    /// Reads a row from its line. `tree_of` is asked, by name, for the tree of a row that has none of its own, and
    /// says why there is none.
    ///
    /// # Errors
    /// The line is not JSON, or a field is missing, wrong or given twice.
    pub fn parse(line: &str, tree_of: impl FnOnce(&str) -> Result<Bucket, String>) -> Result<Row, RowError> {
        // Each reading passes over the fields of the other.
        let case: CaseForm<&RawValue> = fields(line)?;
        let result: Results = fields(line)?;
        let name = case.name;
        let wrong = |reason| RowError::Wrong { row: Some(name.clone()), reason };
        let mut types = BTreeSet::new();
        if let Some(twice) = case.collectors.iter().find(|collector| !types.insert(collector.resource_type)) {
            let number = twice.resource_type.0;
            return Err(wrong(format!("field `collectors`: two collectors for type {number}")));
        }
        let db = match case.db {
            Some(text) => {
                tree(text.get()).map_err(|error| wrong(format!("field `db`: {}", wrong_value(&error))))?
            }
            None => tree_of(&name).map_err(|reason| RowError::NoDb { row: name.clone(), reason })?,
        };
        let expected = expected(result, case.outcomes, case.runs).and_then(|results| {
            results.into_iter().map(|result| result.complete(&db)).collect::<Result<Vec<Results>, String>>()
        });
        Ok(Row {
            expected: expected.map_err(wrong)?,
            name,
            version: case.version,
            note: case.note,
            now: case.now,
            collectors: case.collectors,
            db,
            unordered: case.unordered,
            unordered_fields: case.unordered_fields,
            runs: case.runs,
        })
    }

    /// The row as one line of JSON, which reads as the same row. The tree after is always written whole.
    pub fn to_json(&self) -> String {
        let is_outcomes = self.runs.is_some();
        let case = CaseForm {
            name: self.name.clone(),
            version: self.version.clone(),
            note: self.note.clone(),
            now: self.now,
            collectors: self.collectors.clone(),
            db: Some(self.db.clone()),
            unordered: self.unordered,
            unordered_fields: self.unordered_fields.clone(),
            runs: self.runs,
            outcomes: is_outcomes.then(|| self.expected.clone()),
        };
        let mut row = object(&case);
        if let Some(result) = self.expected.first().filter(|_| !is_outcomes) {
            row.extend(object(result));
        }
        Value::from(row).to_string()
    }
}

/// The tree of a text. The rows of a case stand side by side, one for each release, with the same tree: it is read once.
fn tree(text: &str) -> Result<Bucket, serde_json::Error> {
    thread_local! {
        static LAST: RefCell<(String, Bucket)> = RefCell::default();
    }
    LAST.with_borrow_mut(|(last_text, last)| {
        if last_text != text {
            *last = bucket::json::from_str(text)?;
            text.clone_into(last_text);
        }
        Ok(last.clone())
    })
}

/// What a row was recorded to give: its own result, or its outcomes, or nothing.
fn expected(own: Results, outcomes: Option<Vec<Results>>, runs: Option<u64>) -> Result<Vec<Results>, String> {
    let has_own = own != Results::default();
    match (outcomes, runs) {
        (Some(_), _) if has_own => {
            Err("field `outcomes`: the row has a result of its own besides".to_owned())
        }
        (Some(_), None) => Err("field `runs` is missing".to_owned()),
        (None, Some(_)) => Err("field `outcomes` is missing".to_owned()),
        (None, None) => Ok(if has_own { vec![own] } else { Vec::new() }),
        (Some(outcomes), Some(_)) if outcomes.is_empty() => {
            Err("field `outcomes`: the list is empty".to_owned())
        }
        (Some(outcomes), Some(_)) => {
            for outcome in &outcomes {
                outcome.last_iterated_collector.ok_or("field `last_iterated_collector` is missing")?;
                outcome.count.ok_or("field `count` is missing")?;
            }
            Ok(outcomes)
        }
    }
}

/// Those fields of a line's object that make up a `T`.
fn fields<'de, T: Deserialize<'de>>(line: &'de str) -> Result<T, RowError> {
    serde_json::from_str(line).map_err(|error| {
        if !error.is_data() {
            return RowError::NotJson { reason: not_json(&error) };
        }
        // Read again, more slowly, to learn the place.
        let again = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(line));
        let place = again.err().map(|error| error.path().to_string()).filter(|path| path != ".");
        let wrong = wrong_value(&error);
        let reason = place.map_or_else(|| wrong.clone(), |place| format!("field `{place}`: {wrong}"));
        RowError::Wrong { row: name_of(line), reason }
    })
}

/// Why a line is not JSON. Of the place the column alone says something: the line is the file's.
fn not_json(error: &serde_json::Error) -> String {
    match error.is_eof() {
        true => "the line ends in the middle of a value: is the file cut off?".to_owned(),
        false => format!("{} at column {}", without_place(error), error.column()),
    }
}

/// What is wrong with a value.
fn wrong_value(error: &serde_json::Error) -> String {
    let said = without_place(error);
    if let Some(field) = said.strip_prefix("missing field ") {
        return format!("field {field} is missing");
    }
    let unlike = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    match unlike.and_then(|unlike| unlike.split_once(", expected ")) {
        Some((is, expected)) => format!("it is {is}, where there should be {expected}"),
        None => said,
    }
}

/// What a reader of JSON says, without the place within the line.
fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    said.strip_suffix(&place).unwrap_or(&said).to_owned()
}

/// The name of a row that could not be read otherwise.
fn name_of(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| named.name)
}

/// The fields of what is an object in JSON.
pub(crate) fn object(of: &impl Serialize) -> serde_json::Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        other => unreachable!("a row and a result are objects, and this is {other:?}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::instant::UNIX_EPOCH_SECONDS;
    use serde_json::json;

    /// A lease that holds a blob, a loose blob, and an ordinary collection.
    pub(crate) fn example() -> Value {
        let lease = json!({"type": 5, "namespace": "ns1", "key": "l"});
        let held = json!({"type": 1, "namespace": "ns1", "key": "held"});
        let loose = json!({"type": 1, "namespace": "ns1", "key": "loose"});
        json!({
            "name": "example", "version": "containerd dcf5687cab", "now": "2024-05-06T07:08:09.5Z",
            "collectors": [{"type": 16, "reference_label": "aaa", "start_error": false,
                "all": [{"namespace": "ns1", "key": "k"}], "active": [],
                "leased": [{"namespace": "ns1", "lease": "l", "key": "k"}]}],
            "db": {"v1": {"ns1": {"leases": {"l": {"content": {"held": ""}}},
                "content": {"blob": {"held": {"size": "1"}, "loose": {"size": "base64:/w=="}}}}}},
            "db_after": {"v1": {"ns1": {"leases": {"l": {"content": {"held": ""}}},
                "content": {"blob": {"held": {"size": "1"}}}}}},
            "roots": [lease, held, {"type": 16, "namespace": "ns1", "key": "k"}], "roots_error": null,
            "all": [lease, held, loose, {"type": 16, "namespace": "ns1", "key": "k"}],
            "refs": [[lease, [], null], [held, [loose, held], null], [loose, [], null]],
            "marked": [held, lease, {"type": 16, "namespace": "ns1", "key": "k"}],
            "removed": [loose],
            "collector_calls": ["type 16 finish"], "collector_trace": ["type 16 start"], "error": null,
            "something_new": {"unknown": true},
        })
    }

    /// The same with two collectors, two outcomes and open orders.
    pub(crate) fn example_with_outcomes() -> Value {
        let mut row = example();
        let second = json!({"type": 17, "reference_label": "", "start_error": false, "all": [], "active": [
            {"namespace": "nope", "key": "b", "type": 2, "for_namespace": "ns1"}], "leased": [],
            "active_brefs": [{"from": {"type": 1, "namespace": "ns1", "key": "held"},
                "to": {"type": 17, "namespace": "ns1", "key": "c"}, "for_namespace": "ns2"}],
            "references": [{"from": {"type": 17, "namespace": "ns1", "key": "c"}, "to": []}],
            "cancel_error": true, "finish_error": true});
        row["collectors"].as_array_mut().unwrap().push(second);
        let fields = row.as_object_mut().unwrap();
        let mut outcome = json!({"last_iterated_collector": 16, "count": 3});
        for field in RESULT_FIELDS {
            outcome[field] = fields.remove(field).unwrap();
        }
        outcome["collector_calls"] = json!(["type 16 finish", "type 17 finish"]);
        let mut other = outcome.clone();
        other["last_iterated_collector"] = json!(17);
        other["marked"].as_array_mut().unwrap().pop();
        row["outcomes"] = json!([outcome, other]);
        row["runs"] = json!(6);
        row["unordered"] = json!(true);
        row["unordered_fields"] = json!(["refs", "collector_trace"]);
        row
    }

    const RESULT_FIELDS: [&str; 9] =
        ["roots", "roots_error", "all", "refs", "marked", "removed", "collector_calls", "error", "db_after"];

    pub(crate) fn parsed(row: &Value) -> Row {
        Row::parse(&row.to_string(), no_tree).expect("a row")
    }

    fn no_tree(_: &str) -> Result<Bucket, String> {
        Err("nowhere".to_owned())
    }

    fn refused(row: &Value) -> String {
        Row::parse(&row.to_string(), no_tree).expect_err("no row").to_string()
    }

    #[test]
    fn a_row_reads_into_its_parts() {
        let row = parsed(&example());
        assert_eq!((row.name.as_str(), row.runs, row.expected.len()), ("example", None, 1));
        assert_eq!(
            row.now,
            Instant { seconds: UNIX_EPOCH_SECONDS + 1_714_979_289, nanoseconds: 500_000_000 }
        );
        assert_eq!(row.collectors[0].leased[0].node, row.collectors[0].all[0]);
        let expected = &row.expected[0];
        assert_eq!(format!("{:?}", expected.removed), "Some([ns1/type-1/loose])");
        assert_eq!(expected.refs.as_ref().expect("given")[0].1.len(), 2, "sorted by node: `held` first");
        assert_eq!(expected.marked.iter().flatten().map(Vec::len).sum::<usize>(), 3);
        let row = parsed(&example_with_outcomes());
        assert_eq!(row.expected[1].last_iterated_collector, Some(17));
        assert_eq!(&*row.collectors[1].active[0].for_namespace, b"ns1");
    }

    #[test]
    fn a_row_survives_its_own_json() {
        for value in [example(), example_with_outcomes()] {
            let row = parsed(&value);
            assert_eq!(Row::parse(&row.to_json(), no_tree), Ok(row));
        }
    }

    #[test]
    fn every_missing_field_fails_with_row_and_field() {
        let row = example();
        let needed = RESULT_FIELDS.into_iter().chain(["now", "collectors"]);
        for field in needed {
            let mut lacking = row.clone();
            lacking.as_object_mut().unwrap().remove(field).unwrap();
            let refused = refused(&lacking);
            let is_named = refused == format!("row `example`: field `{field}` is missing")
                || refused.starts_with(&format!("row `example`: missing field `{field}`"));
            assert!(is_named, "{refused}");
        }
        for field in RESULT_FIELDS.into_iter().chain(["last_iterated_collector", "count"]) {
            let mut lacking = example_with_outcomes();
            lacking["outcomes"][1].as_object_mut().unwrap().remove(field).unwrap();
            assert_eq!(refused(&lacking), format!("row `example`: field `{field}` is missing"));
        }
        let mut lacking = row.clone();
        lacking.as_object_mut().unwrap().remove("name").unwrap();
        assert!(refused(&lacking).starts_with("a row without a name: field `name` is missing"));
    }

    #[test]
    fn every_wrong_field_fails_with_row_and_field() {
        for (field, wrong) in [
            ("roots", json!(null)),
            ("roots", json!([{"type": 256, "namespace": "", "key": ""}])),
            ("all", json!([{"type": 1, "namespace": ""}])),
            ("refs", json!([[{"type": 1, "namespace": "", "key": ""}, []]])),
            ("marked", json!(false)),
            ("removed", json!({})),
            ("collector_calls", json!([1])),
            ("error", json!(0)),
            ("roots_error", json!([])),
            ("db", json!([])),
            ("db_after", json!({"v1": 1})),
            ("now", json!("yesterday")),
            ("collectors", json!([{"type": 16}])),
            ("unordered_fields", json!(["roots"])),
            ("outcomes", json!([{}])),
            ("db_removed", json!([])),
        ] {
            let mut row = example();
            row[field] = wrong;
            let error = refused(&row);
            let named =
                [format!("row `example`: field `{field}"), format!("row `example`: missing field `{field}`")];
            assert!(error.starts_with(&named[0]) || error.starts_with(&named[1]), "{error}");
        }
        let mut twice = example();
        let first = twice["refs"][0].clone();
        twice["refs"].as_array_mut().unwrap().push(first);
        assert!(refused(&twice).contains("ns1/type-5/l is given twice"));
        let text = example().to_string().replacen('{', r#"{"error": null, "#, 1);
        let error = Row::parse(&text, no_tree).expect_err("a field twice").to_string();
        assert!(error.starts_with("row `example`: duplicate field `error`"), "{error}");
        for text in ["", "{", "[1]", "{} {}", "nul"] {
            assert!(Row::parse(text, no_tree).is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_without_results_is_a_case_and_takes_its_tree_by_name() {
        let mut row = example();
        for field in RESULT_FIELDS {
            row.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(parsed(&row).expected, []);
        row.as_object_mut().unwrap().remove("db");
        assert_eq!(refused(&row), "row `example` has no `db`: nowhere");
        let found =
            Row::parse(
                &row.to_string(),
                |name| if name == "example" { Ok(Bucket::new()) } else { no_tree(name) },
            );
        assert_eq!(found.expect("a case").db, Bucket::new());
    }

    #[test]
    fn deleted_paths_read_as_the_tree_after() {
        let whole = example();
        let mut by_paths = whole.clone();
        by_paths.as_object_mut().unwrap().remove("db_after");
        by_paths["db_removed"] = json!([["v1", "ns1", "content", "blob", "loose"]]);
        assert_eq!(parsed(&by_paths), parsed(&whole));
        for wrong in [json!([["v1", "nope"]]), json!([["v1"], ["v1"]]), json!([[]])] {
            by_paths["db_removed"] = wrong;
            assert!(refused(&by_paths).contains("is not in the tree before"), "{by_paths}");
        }
    }
}
