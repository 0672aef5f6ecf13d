//! What a child answers: its case's name and the fields of a result, any of which may be left out.

use crate::bucket::Bucket;
use crate::conformance::Results;
use crate::conformance::row::object;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;

/// One line of a child.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// The name of the case that it answers.
    pub name: Option<String>,
    /// What it tells of.
    pub results: Results,
}

impl Answer {
    /// Reads an answer from its line. A list or a tree that is null is empty, as Go writes it, except `marked`, where null says
    /// that marking failed. Unknown fields are passed over.
    ///
    /// # Errors
    /// The line is not JSON, or a field is of a wrong type or given twice.
    pub fn parse(line: &str) -> Result<Answer, serde_json::Error> {
        #[derive(Deserialize)]
        struct Named {
            name: Option<String>,
        }
        let Named { name } = serde_json::from_str(line)?;
        let mut results: Results = serde_json::from_str(line)?;
        let given: BTreeMap<String, Option<IgnoredAny>> = serde_json::from_str(line)?;
        let is_null = |field| given.get(field).is_some_and(Option::is_none);
        for (field, nodes) in
            [("roots", &mut results.roots), ("all", &mut results.all), ("removed", &mut results.removed)]
        {
            if is_null(field) {
                *nodes = Some(Vec::new());
            }
        }
        if is_null("refs") {
            results.refs = Some(Vec::new());
        }
        if is_null("db_after") {
            results.after = Some(Bucket::new());
        }
        if is_null("collector_calls") {
            results.calls = Some(Vec::new());
        }
        Ok(Answer { name, results })
    }

    /// The first field of a line that is of another form than the protocol's, and what it must be; none where each is as it
    /// must be, or the line is no object.
    pub(super) fn wrong_field(line: &str) -> Option<(&'static str, &'static str)> {
        const NODES: &str =
            r#"a list of nodes such as {"type": 1, "namespace": "a", "key": "k"}, with types from 0 to 255"#;
        const ERROR: &str = "a text, or null where there is no error";
        const FIELDS: [(&str, &str); 10] = [
            ("name", "the text that the row has as its name"),
            ("roots", NODES),
            ("roots_error", ERROR),
            ("all", NODES),
            ("refs", "a list of [node, list of nodes, error or null]"),
            ("marked", "a list of nodes, or null where marking failed"),
            ("removed", NODES),
            ("collector_calls", "a list of texts"),
            ("error", ERROR),
            ("db_after", "a tree of buckets, as the row's `db` is"),
        ];
        let given: BTreeMap<String, Value> = serde_json::from_str(line).ok()?;
        let is_wrong = |(field, _): &(&str, &str)| {
            given.get(*field).is_some_and(|value| {
                let alone = Value::from_iter([((*field).to_owned(), value.clone())]);
                Answer::parse(&alone.to_string()).is_err()
            })
        };
        FIELDS.into_iter().find(is_wrong)
    }

    /// The answer as one line of JSON.
    pub fn to_json(&self) -> String {
        let mut fields = object(&self.results);
        fields.extend(self.name.iter().map(|name| ("name".to_owned(), name.as_str().into())));
        Value::from(fields).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::row::tests::{example, parsed};
    use crate::conformance::{Row, compare};
    use serde_json::json;

    fn recorded() -> (Row, Results) {
        let row = parsed(&example());
        let results = row.expected[0].clone();
        (row, results)
    }

    #[test]
    fn a_whole_answer_survives_its_line_and_agrees() {
        let (row, results) = recorded();
        let answer = Answer { name: Some("example".to_owned()), results };
        let read = Answer::parse(&answer.to_json()).expect("an answer");
        assert_eq!(read, answer);
        assert_eq!(read.results.fields().count(), 9);
        assert_eq!(compare(&row, &answer.results, &read.results), Ok(()));
    }

    #[test]
    fn only_given_fields_are_compared_and_each_of_them_is() {
        let (row, results) = recorded();
        let node = json!({"type": 1, "namespace": "other", "key": "k"});
        for (field, wrong) in [
            ("roots", json!(null)),
            ("roots_error", json!("no")),
            ("all", json!([node])),
            ("refs", json!([[node, null, null]])),
            ("refs", json!(null)),
            ("marked", json!(null)),
            ("removed", json!([])),
            ("removed", json!(null)),
            ("collector_calls", json!(null)),
            ("error", json!("no")),
            ("db_after", json!({})),
            ("db_after", json!(null)),
        ] {
            let mut answer = json!({"unknown": 1});
            let parse = |answer: &Value| Answer::parse(&answer.to_string());
            assert_eq!(compare(&row, &results, &parse(&answer).expect("an answer").results), Ok(()));
            answer[field] = wrong;
            if answer["refs"].is_array() {
                assert!(parse(&answer).is_err(), "null is no list of nodes inside refs");
                answer[field] = json!([[node, [], null]]);
            }
            let answer = parse(&answer).expect(field).results;
            assert_eq!(answer.fields().collect::<Vec<_>>(), [field]);
            assert_eq!(compare(&row, &results, &answer).expect_err(field).field, field);
        }
        for line in ["", "[]", "{", r#"{"roots": 1}"#, r#"{"error": null, "error": null}"#, "{} {}"] {
            assert!(Answer::parse(line).is_err(), "{line}");
        }
    }
}
