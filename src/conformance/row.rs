//! A recorded row as data, and its strict reading.
//!
//! A row is one JSON object on one line: the case (`name`, `now`, `collectors`, `db`) and what a collection gave.
//!
//! ```text
//! {"name": "e_cref_plain", "version": "containerd v2.0.11", "now": "2024-05-06T07:08:09.123456789Z",
//!  "collectors": [], "db": {"v1": {..}},
//!  "roots": [NODE..], "roots_error": null, "all": [NODE..], "refs": [[NODE, [NODE..], null]..],
//!  "marked": [NODE..], "removed": [NODE..], "db_after": {"v1": {..}}, "collector_calls": [], "error": null}
//! ```
//!
//! Unknown fields are passed over. A field that is missing, of a wrong type or given twice fails the row, by name
//! and field. A row without any field of a result is a *case*: it has no expectations and counts as none. A row
//! whose result depends on the order of Go's map iteration lists each `outcomes` entry with the collector that was
//! iterated last. `collector_trace` is informative and not kept.
//!
//! What differs only in writing reads as the same row: `db_removed` (the paths deleted) becomes the tree after, and
//! `refs` is sorted by its nodes, since their order says nothing.

use super::form::{Bytes, CollectorForm, NodeForm, Nodes, collector_form, collectors};
use crate::bucket::{self, Bucket, Entry};
use crate::collector::Collector;
use crate::instant::Instant;
use crate::node::{Node, ResourceType};
use crate::release::Release;
use crate::schema::time;
use crate::situation::Situation;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
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
    /// The clock as the row spells it, RFC 3339.
    pub now_text: String,
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
    /// What was recorded: one result, or each outcome of an outcomes row, or nothing for a case.
    pub expected: Vec<Expected>,
}

/// What one collection was recorded to do.
#[derive(Clone, PartialEq, Debug)]
pub struct Expected {
    /// The roots in the order emitted, repeats included; also those emitted before an error.
    pub roots: Vec<Node>,
    /// The error of the root scan.
    pub roots_error: Option<String>,
    /// Every resource in the order walked.
    pub all: Vec<Node>,
    /// For every node of `all`, of `roots` and what they reach: the nodes that it refers to, in order, and the
    /// error with which that ended. Sorted by node, each node once.
    pub refs: Vec<Reference>,
    /// The marked set, sorted; none where marking failed.
    pub marked: Option<Vec<Node>>,
    /// Every node handed to removal, in order, up to and including one that failed.
    pub removed: Vec<Node>,
    /// The tree after the collection.
    pub after: Bucket,
    /// The collectors' calls `remove`, `finish` and `cancel` in their text form.
    pub calls: Vec<String>,
    /// The error of the whole collection.
    pub error: Option<String>,
    /// In an outcomes row: the type of the collector that Go's map iteration visited last.
    pub last_iterated_collector: Option<u8>,
    /// In an outcomes row: how many of its runs ended so.
    pub count: Option<u64>,
}

/// What one node refers to: the node, its references, the error of following them.
pub type Reference = (Node, Vec<Node>, Option<String>);

/// A list whose order a row leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// A field is there and wrong.
    #[error("{}field `{field}`: {reason}", named(row.as_ref()))]
    Field {
        /// The row's name.
        row: Option<String>,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A field is not there.
    #[error("{}field `{field}` is missing", named(row.as_ref()))]
    Missing {
        /// The row's name.
        row: Option<String>,
        /// The field.
        field: &'static str,
    },
    /// A row without `db` and without an entry in `medium-db.jsonl.gz`.
    #[error("row `{row}` has no `db`, and no medium-db.jsonl.gz in its folder or a parent has it")]
    NoDb {
        /// The row's name.
        row: String,
    },
}

fn named(row: Option<&String>) -> String {
    row.map_or_else(|| "a row without a name: ".to_owned(), |name| format!("row `{name}`: "))
}

impl Row {
    /// What is to be collected, by a release.
    pub fn situation(&self, release: Release, last_iterated: Option<ResourceType>) -> Situation {
        let collectors = Arc::new(self.collectors.clone());
        Situation { collectors, last_iterated, ..Situation::new(self.db.clone(), release, self.now) }
    }

    /// Reads a row from its line. `db_of` is asked, by name, for the tree of a row that has none of its own.
    ///
    /// # Errors
    /// The line is not JSON, or a field is missing or wrong.
    pub fn parse(line: &str, db_of: impl FnOnce(&str) -> Option<Bucket>) -> Result<Row, RowError> {
        let field = Cell::new(WHOLE_ROW);
        let mut parser = serde_json::Deserializer::from_str(line);
        let read = LooseSeed { field: &field, loose: Loose::default() }
            .deserialize(&mut parser)
            .and_then(|loose| parser.end().map(|()| loose));
        match read {
            Ok(loose) => loose.into_row(db_of),
            Err(error) if error.is_data() => {
                Err(RowError::Field { row: name_of(line), field: field.get(), reason: error.to_string() })
            }
            Err(error) => Err(RowError::NotJson { reason: error.to_string() }),
        }
    }

    /// The row as one line of JSON, which reads as the same row. The tree after is always written whole.
    pub fn to_json(&self) -> String {
        let mut row = self.case_json();
        let fields = row.as_object_mut().expect("a case is an object");
        if self.runs.is_some() {
            fields.insert("outcomes".into(), self.expected.iter().map(Expected::to_json).collect());
        } else if let [expected] = &self.expected[..] {
            let Value::Object(results) = expected.to_json() else { unreachable!("a result is an object") };
            fields.extend(results);
        }
        row.to_string()
    }

    /// The fields that are not the results'.
    pub(super) fn case_json(&self) -> Value {
        let collectors: Vec<CollectorForm> = self.collectors.iter().map(collector_form).collect();
        let mut row =
            json!({"name": self.name, "now": self.now_text, "collectors": collectors, "db": self.db});
        let fields = row.as_object_mut().expect("a case is an object");
        if let Some(version) = &self.version {
            fields.insert("version".into(), json!(version));
        }
        if let Some(note) = &self.note {
            fields.insert("note".into(), json!(note));
        }
        if self.unordered {
            fields.insert("unordered".into(), json!(true));
        }
        if !self.unordered_fields.is_empty() {
            let names: Vec<&str> = self.unordered_fields.iter().map(|field| field.name()).collect();
            fields.insert("unordered_fields".into(), json!(names));
        }
        if let Some(runs) = self.runs {
            fields.insert("runs".into(), json!(runs));
        }
        row
    }

    /// How many collectors start. With two or more the order of their calls is left open.
    pub fn started(&self) -> usize {
        self.collectors.iter().filter(|collector| !collector.start_error).count()
    }
}

impl Expected {
    pub(super) fn to_json(&self) -> Value {
        let nodes = |nodes: &[Node]| -> Vec<NodeForm> { nodes.iter().map(NodeForm::from).collect() };
        let refs: Vec<Value> = self
            .refs
            .iter()
            .map(|(node, to, error)| json!([NodeForm::from(node), nodes(to), error]))
            .collect();
        let mut result = json!({
            "roots": nodes(&self.roots),
            "roots_error": self.roots_error,
            "all": nodes(&self.all),
            "refs": refs,
            "marked": self.marked.as_deref().map(nodes),
            "removed": nodes(&self.removed),
            "db_after": self.after,
            "collector_calls": self.calls,
            "error": self.error,
        });
        let fields = result.as_object_mut().expect("a result is an object");
        if let Some(last) = self.last_iterated_collector {
            fields.insert("last_iterated_collector".into(), json!(last));
        }
        if let Some(count) = self.count {
            fields.insert("count".into(), json!(count));
        }
        result
    }
}

impl UnorderedField {
    pub(super) fn name(self) -> &'static str {
        match self {
            UnorderedField::Refs => "refs",
            UnorderedField::CollectorTrace => "collector_trace",
        }
    }

    pub(super) fn named(name: &str) -> Option<UnorderedField> {
        let known = [UnorderedField::Refs, UnorderedField::CollectorTrace];
        known.into_iter().find(|field| field.name() == name)
    }
}

impl<'de> Deserialize<'de> for UnorderedField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UnorderedField, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        UnorderedField::named(&name).ok_or_else(|| {
            de::Error::custom(format_args!("`{name}` is neither `refs` nor `collector_trace`"))
        })
    }
}

/// Stands for the whole object in an error that concerns no one field.
const WHOLE_ROW: &str = "(the row)";

/// The name of a row that could not be read otherwise.
fn name_of(line: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| named.name)
}

/// A row while its fields come in any order; none where a field has not come.
#[derive(Default)]
struct Loose {
    name: Option<String>,
    version: Option<String>,
    note: Option<String>,
    now: Option<String>,
    collectors: Option<Vec<CollectorForm>>,
    db: Option<Bucket>,
    unordered: Option<bool>,
    unordered_fields: Option<Vec<UnorderedField>>,
    runs: Option<u64>,
    outcomes: Option<Vec<LooseResult>>,
    result: LooseResult,
}

#[derive(Default)]
struct LooseResult {
    roots: Option<Nodes>,
    roots_error: Option<Option<String>>,
    all: Option<Nodes>,
    refs: Option<Vec<(NodeForm, Nodes, Option<String>)>>,
    marked: Option<Option<Nodes>>,
    removed: Option<Nodes>,
    calls: Option<Vec<String>>,
    error: Option<Option<String>>,
    db_after: Option<Bucket>,
    db_removed: Option<Vec<Vec<Bytes>>>,
    last_iterated_collector: Option<u8>,
    count: Option<u64>,
}

/// Reads an object of type `T` field by field and keeps in `field` which one it is at, for the error.
struct LooseSeed<'a, T> {
    field: &'a Cell<&'static str>,
    loose: T,
}

/// An object that takes a field it knows.
trait Fields<'de>: Sized {
    /// Reads the value of a known field; gives the map back for an unknown one.
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        at: &Cell<&'static str>,
        map: &mut A,
    ) -> Result<bool, A::Error>;
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for LooseSeed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for LooseSeed<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        let outer = self.field.get();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if !self.loose.take(&name, self.field, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
            self.field.set(outer);
        }
        Ok(self.loose)
    }
}

/// The value of the field `name`, which may come once.
fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    at: &Cell<&'static str>,
    map: &mut A,
) -> Result<bool, A::Error> {
    at.set(name);
    if slot.is_some() {
        return Err(de::Error::custom("given twice"));
    }
    *slot = Some(map.next_value()?);
    Ok(true)
}

impl<'de> Fields<'de> for Loose {
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        at: &Cell<&'static str>,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            "name" => once(&mut self.name, "name", at, map),
            "version" => once(&mut self.version, "version", at, map),
            "note" => once(&mut self.note, "note", at, map),
            "now" => once(&mut self.now, "now", at, map),
            "collectors" => once(&mut self.collectors, "collectors", at, map),
            "db" => once(&mut self.db, "db", at, map),
            "unordered" => once(&mut self.unordered, "unordered", at, map),
            "unordered_fields" => once(&mut self.unordered_fields, "unordered_fields", at, map),
            "runs" => once(&mut self.runs, "runs", at, map),
            "outcomes" => {
                at.set("outcomes");
                if self.outcomes.is_some() {
                    return Err(de::Error::custom("given twice"));
                }
                self.outcomes = Some(map.next_value_seed(OutcomesSeed { field: at })?);
                Ok(true)
            }
            _ => self.result.take(name, at, map),
        }
    }
}

impl<'de> Fields<'de> for LooseResult {
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        at: &Cell<&'static str>,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match name {
            "roots" => once(&mut self.roots, "roots", at, map),
            "roots_error" => once(&mut self.roots_error, "roots_error", at, map),
            "all" => once(&mut self.all, "all", at, map),
            "refs" => once(&mut self.refs, "refs", at, map),
            "marked" => once(&mut self.marked, "marked", at, map),
            "removed" => once(&mut self.removed, "removed", at, map),
            "collector_calls" => once(&mut self.calls, "collector_calls", at, map),
            "error" => once(&mut self.error, "error", at, map),
            "db_after" => once(&mut self.db_after, "db_after", at, map),
            "db_removed" => once(&mut self.db_removed, "db_removed", at, map),
            "last_iterated_collector" => {
                once(&mut self.last_iterated_collector, "last_iterated_collector", at, map)
            }
            "count" => once(&mut self.count, "count", at, map),
            _ => Ok(false),
        }
    }
}

struct OutcomesSeed<'a> {
    field: &'a Cell<&'static str>,
}

impl<'de> DeserializeSeed<'de> for OutcomesSeed<'_> {
    type Value = Vec<LooseResult>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for OutcomesSeed<'_> {
    type Value = Vec<LooseResult>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of outcomes")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut outcomes = Vec::new();
        let seed = || LooseSeed { field: self.field, loose: LooseResult::default() };
        while let Some(outcome) = list.next_element_seed(seed())? {
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}

/// The row that an error concerns.
#[derive(Clone, Copy)]
struct About<'a>(&'a str);

impl About<'_> {
    fn need<T>(self, slot: Option<T>, field: &'static str) -> Result<T, RowError> {
        slot.ok_or_else(|| RowError::Missing { row: Some(self.0.to_owned()), field })
    }

    fn wrong(self, field: &'static str, reason: impl Into<String>) -> RowError {
        RowError::Field { row: Some(self.0.to_owned()), field, reason: reason.into() }
    }
}

impl Loose {
    fn into_row(self, db_of: impl FnOnce(&str) -> Option<Bucket>) -> Result<Row, RowError> {
        let name = self.name.ok_or(RowError::Missing { row: None, field: "name" })?;
        let about = About(&name);
        let now_text = about.need(self.now, "now")?;
        let now = time::parse_rfc3339(now_text.as_bytes())
            .map_err(|error| about.wrong("now", error.to_string()))?;
        let collectors = collectors(about.need(self.collectors, "collectors")?)
            .map_err(|reason| about.wrong("collectors", reason))?;
        let own_db = self.db.or_else(|| db_of(&name));
        let db = own_db.ok_or_else(|| RowError::NoDb { row: name.clone() })?;
        let expected = match (self.outcomes, self.result.first_field()) {
            (Some(_), Some(field)) => {
                return Err(about.wrong("outcomes", format!("the row has a `{field}` of its own besides")));
            }
            (Some(outcomes), None) => outcomes_of(about, outcomes, &db, self.runs)?,
            (None, Some(_)) => vec![self.result.into_expected(about, &db)?],
            (None, None) => match self.runs {
                Some(_) => return Err(about.need(None::<()>, "outcomes").expect_err("nothing is there")),
                None => Vec::new(),
            },
        };
        Ok(Row {
            version: self.version,
            note: self.note,
            now,
            now_text,
            collectors,
            db,
            unordered: self.unordered.unwrap_or(false),
            unordered_fields: self.unordered_fields.unwrap_or_default(),
            runs: self.runs,
            expected,
            name,
        })
    }
}

fn outcomes_of(
    about: About<'_>,
    outcomes: Vec<LooseResult>,
    db: &Bucket,
    runs: Option<u64>,
) -> Result<Vec<Expected>, RowError> {
    about.need(runs, "runs")?;
    if outcomes.is_empty() {
        return Err(about.wrong("outcomes", "the list is empty"));
    }
    let outcomes = outcomes.into_iter().map(|outcome| {
        about.need(outcome.last_iterated_collector, "last_iterated_collector")?;
        about.need(outcome.count, "count")?;
        outcome.into_expected(about, db)
    });
    outcomes.collect()
}

impl LooseResult {
    /// A field of a result that has come; a row without any is a case.
    fn first_field(&self) -> Option<&'static str> {
        let there = [
            ("roots", self.roots.is_some()),
            ("roots_error", self.roots_error.is_some()),
            ("all", self.all.is_some()),
            ("refs", self.refs.is_some()),
            ("marked", self.marked.is_some()),
            ("removed", self.removed.is_some()),
            ("collector_calls", self.calls.is_some()),
            ("error", self.error.is_some()),
            ("db_after", self.db_after.is_some()),
            ("db_removed", self.db_removed.is_some()),
            ("last_iterated_collector", self.last_iterated_collector.is_some()),
            ("count", self.count.is_some()),
        ];
        there.into_iter().find(|(_, is_there)| *is_there).map(|(field, _)| field)
    }

    fn into_expected(self, about: About<'_>, db: &Bucket) -> Result<Expected, RowError> {
        let mut refs: Vec<Reference> = about
            .need(self.refs, "refs")?
            .into_iter()
            .map(|(node, to, error)| (Node::from(node), to.0, error))
            .collect();
        refs.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(pair) = refs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(about.wrong("refs", format!("{:?} is given twice", pair[0].0)));
        }
        let marked = about.need(self.marked, "marked")?.map(|nodes| nodes.0);
        let after = match (self.db_after, self.db_removed) {
            (Some(after), None) => after,
            (None, Some(paths)) => without(db, paths).map_err(|reason| about.wrong("db_removed", reason))?,
            (Some(_), Some(_)) => return Err(about.wrong("db_removed", "the row has `db_after` besides")),
            (None, None) => return Err(about.need(None::<()>, "db_after").expect_err("nothing is there")),
        };
        Ok(Expected {
            roots: about.need(self.roots, "roots")?.0,
            roots_error: about.need(self.roots_error, "roots_error")?,
            all: about.need(self.all, "all")?.0,
            refs,
            marked,
            removed: about.need(self.removed, "removed")?.0,
            after,
            calls: about.need(self.calls, "collector_calls")?,
            error: about.need(self.error, "error")?,
            last_iterated_collector: self.last_iterated_collector,
            count: self.count,
        })
    }
}

/// A tree less what lies at some paths of keys. Deeper paths go first, so that each must be there.
///
/// # Errors
/// A path that the tree does not have, or that is given twice, in words.
fn without(db: &Bucket, paths: Vec<Vec<Bytes>>) -> Result<Bucket, String> {
    let mut paths: Vec<Vec<&[u8]>> =
        paths.iter().map(|path| path.iter().map(|key| &*key.0).collect()).collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    let mut after = db.clone();
    for path in paths {
        delete(&mut after, &path).map_err(|()| {
            let keys: Vec<Cow<'_, str>> = path.iter().map(|key| bucket::json::encode(key)).collect();
            format!("{keys:?} is not in the tree before, or is given twice")
        })?;
    }
    Ok(after)
}

/// Deletes whatever lies at a path.
pub(super) fn delete(tree: &mut Bucket, path: &[&[u8]]) -> Result<(), ()> {
    let (key, holder) = path.split_last().ok_or(())?;
    let entry = tree.view().at(holder).and_then(|view| view.entry(key)).ok_or(())?;
    let deleted = match entry {
        Entry::Value(_) => tree.delete(holder, key),
        Entry::Bucket(_) => tree.delete_bucket(holder, key),
    };
    deleted.map_err(|_| ())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::instant::UNIX_EPOCH_SECONDS;

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
        Row::parse(&row.to_string(), |_| None).expect("a row")
    }

    fn refused(row: &Value) -> String {
        Row::parse(&row.to_string(), |_| None).expect_err("no row").to_string()
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
        assert_eq!(format!("{:?}", expected.removed), "[ns1/type-1/loose]");
        assert_eq!(expected.refs[0].1.len(), 2, "sorted by node: `held` first");
        assert_eq!(expected.marked.as_ref().map(Vec::len), Some(3));
        let row = parsed(&example_with_outcomes());
        assert_eq!(row.expected[1].last_iterated_collector, Some(17));
        assert_eq!(&*row.collectors[1].active[0].for_namespace, b"ns1");
    }

    #[test]
    fn a_row_survives_its_own_json() {
        for value in [example(), example_with_outcomes()] {
            let row = parsed(&value);
            assert_eq!(Row::parse(&row.to_json(), |_| None), Ok(row));
        }
    }

    #[test]
    fn every_missing_field_fails_with_row_and_field() {
        let row = example();
        let needed = RESULT_FIELDS.into_iter().chain(["now", "collectors"]);
        for field in needed {
            let mut lacking = row.clone();
            lacking.as_object_mut().unwrap().remove(field).unwrap();
            assert_eq!(refused(&lacking), format!("row `example`: field `{field}` is missing"));
        }
        for field in RESULT_FIELDS.into_iter().chain(["last_iterated_collector", "count"]) {
            let mut lacking = example_with_outcomes();
            lacking["outcomes"][1].as_object_mut().unwrap().remove(field).unwrap();
            assert_eq!(refused(&lacking), format!("row `example`: field `{field}` is missing"));
        }
        let mut lacking = row.clone();
        lacking.as_object_mut().unwrap().remove("name").unwrap();
        assert_eq!(refused(&lacking), "a row without a name: field `name` is missing");
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
            assert!(error.starts_with(&format!("row `example`: field `{field}`: ")), "{error}");
        }
        let mut twice = example();
        let first = twice["refs"][0].clone();
        twice["refs"].as_array_mut().unwrap().push(first);
        assert!(refused(&twice).contains("ns1/type-5/l is given twice"));
        let text = example().to_string().replacen('{', r#"{"error": null, "#, 1);
        let error = Row::parse(&text, |_| None).expect_err("a field twice").to_string();
        assert!(error.starts_with("row `example`: field `error`: given twice"), "{error}");
        for text in ["", "{", "[1]", "{} {}", "nul"] {
            assert!(Row::parse(text, |_| None).is_err(), "{text}");
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
        assert_eq!(refused(&row), RowError::NoDb { row: "example".into() }.to_string());
        let found = Row::parse(&row.to_string(), |name| (name == "example").then(Bucket::new));
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
