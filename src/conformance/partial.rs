//! What a collector that is not ours answers: the fields of a recorded result, any of which may be left out.
//!
//! A list that is `null` is empty, as Go writes it, except `marked`, where `null` says that marking failed. Unknown
//! fields are passed over.

use super::compare::{Difference, Results, compare};
use super::form::{NodeForm, Nodes};
use super::row::{Expected, Reference, Row, RowError};
use crate::bucket::Bucket;
use crate::node::Node;
use serde::{Deserialize, Deserializer};

/// The fields that an answer gives.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PartialResults {
    /// The name of the case that it answers.
    pub name: Option<String>,
    /// The roots in the order emitted.
    pub roots: Option<Vec<Node>>,
    /// The error of the root scan.
    pub roots_error: Option<Option<String>>,
    /// Every resource in the order walked.
    pub all: Option<Vec<Node>>,
    /// What nodes refer to, sorted by node.
    pub refs: Option<Vec<Reference>>,
    /// The marked set; none where marking failed.
    pub marked: Option<Option<Vec<Node>>>,
    /// Every node handed to removal, in order.
    pub removed: Option<Vec<Node>>,
    /// The tree after the collection.
    pub after: Option<Bucket>,
    /// The collectors' calls in their text form.
    pub calls: Option<Vec<String>>,
    /// The error of the whole collection.
    pub error: Option<Option<String>>,
}

#[derive(Deserialize)]
struct Form {
    name: Option<String>,
    #[serde(default, deserialize_with = "list")]
    roots: Option<Nodes>,
    #[serde(default, deserialize_with = "given")]
    roots_error: Option<Option<String>>,
    #[serde(default, deserialize_with = "list")]
    all: Option<Nodes>,
    #[serde(default, deserialize_with = "list")]
    refs: Option<Vec<ReferenceForm>>,
    #[serde(default, deserialize_with = "given")]
    marked: Option<Option<Nodes>>,
    #[serde(default, deserialize_with = "list")]
    removed: Option<Nodes>,
    #[serde(default)]
    db_after: Option<Bucket>,
    #[serde(default, deserialize_with = "list")]
    collector_calls: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    error: Option<Option<String>>,
}

/// A node, what it refers to, and the error of following that.
type ReferenceForm = (NodeForm, Nodes, Option<String>);

/// A field that is there, null or not.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A list that is there; null is the empty one.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Some(Option::<T>::deserialize(deserializer)?.unwrap_or_default()))
}

/// Every field that can be compared, as an answer spells it.
pub const FIELDS: [&str; 9] =
    ["roots_error", "roots", "all", "refs", "marked", "removed", "collector_calls", "error", "db_after"];

impl PartialResults {
    /// Reads an answer from its line.
    ///
    /// # Errors
    /// The line is not JSON, or a field is of a wrong type or given twice.
    pub fn parse(line: &str) -> Result<PartialResults, RowError> {
        let form: Form =
            serde_json::from_str(line).map_err(|error| RowError::NotJson { reason: error.to_string() })?;
        let nodes = |nodes: Nodes| nodes.0;
        let reference = |(from, to, error): ReferenceForm| (Node::from(from), to.0, error);
        let refs = form.refs.map(|refs| {
            let mut refs: Vec<Reference> = refs.into_iter().map(reference).collect();
            refs.sort();
            refs
        });
        Ok(PartialResults {
            name: form.name,
            roots: form.roots.map(nodes),
            roots_error: form.roots_error,
            all: form.all.map(nodes),
            refs,
            marked: form.marked.map(|marked| marked.map(nodes)),
            removed: form.removed.map(nodes),
            after: form.db_after,
            calls: form.collector_calls,
            error: form.error,
        })
    }

    /// The fields that are given, in the order of [`FIELDS`].
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            self.roots_error.is_some(),
            self.roots.is_some(),
            self.all.is_some(),
            self.refs.is_some(),
            self.marked.is_some(),
            self.removed.is_some(),
            self.calls.is_some(),
            self.error.is_some(),
            self.after.is_some(),
        ];
        FIELDS.into_iter().zip(given).filter_map(|(field, is_given)| is_given.then_some(field))
    }

    /// Compares what is given with what is expected of a row's case.
    ///
    /// # Errors
    /// The first field that differs.
    pub fn compare(&self, row: &Row, expected: &Results) -> Result<(), Difference> {
        let expected = Expected::from(expected.clone());
        let or = |given: &Option<Vec<Node>>, expected: &Vec<Node>| given.as_ref().unwrap_or(expected).clone();
        let got = Results {
            roots: or(&self.roots, &expected.roots),
            roots_error: self.roots_error.as_ref().unwrap_or(&expected.roots_error).clone(),
            all: or(&self.all, &expected.all),
            refs: self.refs.as_ref().unwrap_or(&expected.refs).clone(),
            marked: self.marked.as_ref().unwrap_or(&expected.marked).clone(),
            removed: or(&self.removed, &expected.removed),
            after: self.after.as_ref().unwrap_or(&expected.after).clone(),
            calls: self.calls.as_ref().unwrap_or(&expected.calls).clone(),
            error: self.error.as_ref().unwrap_or(&expected.error).clone(),
        };
        compare(row, &expected, &got)
    }
}

/// An answer with every field, as one line of JSON.
pub fn answer_line(name: &str, results: Results) -> String {
    let mut answer = Expected::from(results).to_json();
    let fields = answer.as_object_mut().expect("a result is an object");
    fields.insert("name".into(), name.into());
    answer.to_string()
}

impl From<Results> for Expected {
    /// The recording with which these results agree.
    fn from(results: Results) -> Expected {
        let Results { roots, roots_error, all, refs, marked, removed, after, calls, error } = results;
        let (last_iterated_collector, count) = (None, None);
        Expected {
            roots,
            roots_error,
            all,
            refs,
            marked,
            removed,
            after,
            calls,
            error,
            last_iterated_collector,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{example, parsed};
    use super::*;
    use serde_json::json;

    fn results() -> (Row, Results) {
        let row = parsed(&example());
        let results = Results::from(&row.expected[0]);
        (row, results)
    }

    #[test]
    fn a_whole_answer_survives_its_line_and_agrees() {
        let (row, results) = results();
        let answer = PartialResults::parse(&answer_line("example", results.clone())).expect("an answer");
        assert_eq!(answer.name.as_deref(), Some("example"));
        assert_eq!(answer.fields().collect::<Vec<_>>(), FIELDS);
        assert_eq!(answer.compare(&row, &results), Ok(()));
    }

    #[test]
    fn only_given_fields_are_compared_and_each_of_them_is() {
        let (row, results) = results();
        let node = json!({"type": 1, "namespace": "other", "key": "k"});
        for (field, wrong) in [
            ("roots", json!(null)),
            ("roots_error", json!("no")),
            ("all", json!([node])),
            ("refs", json!([[node, null_list(), null_list()]])),
            ("marked", json!(null)),
            ("removed", json!([])),
            ("collector_calls", json!(null)),
            ("error", json!("no")),
            ("db_after", json!({})),
        ] {
            let mut answer = json!({"unknown": 1});
            let parse = |answer: &serde_json::Value| PartialResults::parse(&answer.to_string());
            assert_eq!(parse(&answer).expect("an answer").compare(&row, &results), Ok(()));
            answer[field] = wrong;
            if field == "refs" {
                assert!(parse(&answer).is_err(), "null is no list of nodes inside refs");
                answer[field] = json!([[node, [], null]]);
            }
            let answer = parse(&answer).expect(field);
            assert_eq!(answer.fields().collect::<Vec<_>>(), [field]);
            assert_eq!(answer.compare(&row, &results).expect_err(field).field, field);
        }
        for line in ["", "[]", "{", r#"{"roots": 1}"#, r#"{"error": null, "error": null}"#, "{} {}"] {
            assert!(PartialResults::parse(line).is_err(), "{line}");
        }
    }

    fn null_list() -> serde_json::Value {
        serde_json::Value::Null
    }
}
