//! Holds what a collector did to what a row records, field by field.
//!
//! Every field that both sides tell of is looked at, and both ways: what is missing is a difference as well as what
//! is too much. A recording and our own engine tell of every field; a child leaves out what it likes. Lists are
//! compared in order, except where the recording leaves it open:
//!
//! ```text
//! marked            a set; both sides sorted
//! refs              by node; the list inside an entry in order, unless `unordered_fields` names `refs`
//! collector_calls   in order where at most one collector started, sorted where two or more did
//! ```
//!
//! Recorded `marked` and sorted `collector_calls` must be sorted in the row too: the recording says so, and a row
//! where they are not has been tampered with.

use super::results::{Reference, Results};
use super::row::{Row, UnorderedField};
use crate::bucket::{Bucket, Entry, diff, json};
use crate::node::Node;
use crate::text;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The first difference between what was recorded and what was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text}")]
pub struct Difference {
    /// The row's field.
    pub field: &'static str,
    /// What differs first, for people.
    pub text: String,
}

/// Compares what is expected of a row's case with what a collector did.
///
/// # Errors
/// The first of the [`differences`]; or what is impossible about the recording itself ([`coherent`]).
pub fn compare(row: &Row, expected: &Results, got: &Results) -> Result<(), Difference> {
    coherent(row)?;
    differences(row, expected, got).next().map_or(Ok(()), Err)
}

/// Every field that differs, the error of the scan first, then in the order in which a collection comes by them.
pub fn differences(row: &Row, expected: &Results, got: &Results) -> impl Iterator<Item = Difference> {
    let nodes = |expected: &Vec<Node>, got: &Vec<Node>| list_difference(expected, got);
    let refs = |expected: &Vec<Reference>, got: &Vec<Reference>| refs_difference(row, expected, got);
    let calls = |expected: &Vec<String>, got: &Vec<String>| calls_difference(row, expected, got);
    let fields = [
        field("roots_error", &expected.roots_error, &got.roots_error, value_difference),
        field("roots", &expected.roots, &got.roots, nodes),
        field("all", &expected.all, &got.all, nodes),
        field("refs", &expected.refs, &got.refs, refs),
        field("marked", &expected.marked, &got.marked, marked_difference),
        field("removed", &expected.removed, &got.removed, nodes),
        field("collector_calls", &expected.calls, &got.calls, calls),
        field("error", &expected.error, &got.error, value_difference),
        field("db_after", &expected.after, &got.after, tree_difference),
    ];
    fields.into_iter().flatten()
}

/// Compares a field that both sides tell of. Nearly always the two are equal as they stand, and need not be sorted.
fn field<T: PartialEq>(
    field: &'static str,
    expected: &Option<T>,
    got: &Option<T>,
    difference: impl Fn(&T, &T) -> Option<String>,
) -> Option<Difference> {
    match (expected, got) {
        (Some(expected), Some(got)) if expected != got => {
            difference(expected, got).map(|text| Difference { field, text })
        }
        _ => None,
    }
}

/// Whether a row can have been recorded: its marked sets are sorted, its collectors' calls where they must be, and of
/// an outcomes row each registered collector was the last one iterated in exactly one outcome, and their counts sum
/// to the runs.
///
/// # Errors
/// What cannot be.
pub fn coherent(row: &Row) -> Result<(), Difference> {
    let cannot = |field, text| Err(Difference { field, text });
    for result in &row.expected {
        if !result.marked.iter().flatten().all(|marked| marked.is_sorted()) {
            return cannot("marked", "the recorded nodes are not sorted by type, namespace, key".to_owned());
        }
        if row.started() > 1 && !result.calls.iter().all(|calls| calls.is_sorted()) {
            let text = "two collectors started, and the calls are not sorted";
            return cannot("collector_calls", text.to_owned());
        }
    }
    let Some(runs) = row.runs else { return Ok(()) };
    let registered: Vec<u8> = row.collectors.iter().map(|collector| collector.resource_type.0).collect();
    let last: Vec<u8> = row.expected.iter().filter_map(|outcome| outcome.last_iterated_collector).collect();
    if sorted(&registered) != sorted(&last) {
        let text =
            format!("the collectors are {registered:?}, but the outcomes have {last:?} as the last one");
        return cannot("last_iterated_collector", text);
    }
    let counted = row.expected.iter().filter_map(|outcome| outcome.count).fold(0, u64::saturating_add);
    if counted != runs || row.expected.iter().any(|outcome| outcome.count == Some(0)) {
        return cannot("count", format!("the outcomes count {counted} of {runs} runs, each at least once"));
    }
    Ok(())
}

fn sorted<T: Ord + Clone>(list: &[T]) -> Vec<T> {
    let mut list = list.to_vec();
    list.sort();
    list
}

fn value_difference<T: PartialEq + Debug>(expected: &T, got: &T) -> Option<String> {
    (expected != got).then(|| format!("expected {expected:?}, got {got:?}"))
}

/// The first place where two lists differ, counted from 0.
fn list_difference<T: PartialEq + Debug>(expected: &[T], got: &[T]) -> Option<String> {
    if let Some(at) = expected.iter().zip(got).position(|(left, right)| left != right) {
        return Some(format!("at {at} expected {:?}, got {:?}", expected[at], got[at]));
    }
    let (many, few) = (expected.len(), got.len());
    match (expected.get(few), got.get(many)) {
        (None, None) => None,
        (Some(missing), _) => Some(format!("expected {many}, got {few}: {missing:?} is missing at {few}")),
        (_, Some(extra)) => Some(format!("expected {many}, got {few}: {extra:?} is too much at {many}")),
    }
}

fn refs_difference(row: &Row, expected: &[Reference], got: &[Reference]) -> Option<String> {
    let in_order = !row.unordered_fields.contains(&UnorderedField::Refs);
    let mut remaining = BTreeMap::new();
    for (node, to, error) in got {
        if remaining.insert(node, (to, error)).is_some() {
            return Some(format!("got {node:?} twice"));
        }
    }
    for (node, expected_to, expected_error) in expected {
        let Some((to, error)) = remaining.remove(node) else {
            return Some(format!("{node:?} is missing"));
        };
        let difference = if in_order {
            list_difference(expected_to, to)
        } else {
            list_difference(&sorted(expected_to), &sorted(to))
        };
        if let Some(text) = difference {
            return Some(format!("of {node:?}: {text}"));
        }
        if expected_error != error {
            return Some(format!("of {node:?}: expected the error {expected_error:?}, got {error:?}"));
        }
    }
    let (node, (to, _)) = remaining.first_key_value()?;
    Some(format!("{node:?} is too much, with {} references", to.len()))
}

fn marked_difference(expected: &Option<Vec<Node>>, got: &Option<Vec<Node>>) -> Option<String> {
    match (expected, got) {
        (None, None) => None,
        (Some(expected), Some(got)) => list_difference(&sorted(expected), &sorted(got)),
        (Some(expected), None) => Some(format!("expected {} nodes, got a failed marking", expected.len())),
        (None, Some(got)) => Some(format!("expected a failed marking, got {} nodes", got.len())),
    }
}

fn calls_difference(row: &Row, expected: &[String], got: &[String]) -> Option<String> {
    match row.started() {
        0 | 1 => list_difference(expected, got),
        _ => list_difference(&sorted(expected), &sorted(got)),
    }
}

fn tree_difference(expected: &Bucket, got: &Bucket) -> Option<String> {
    let changes = diff(expected, got);
    let first = changes.first()?;
    let path: Vec<_> = first.path.iter().map(|key| json::encode(key)).collect();
    let (before, after) = (told(first.before), told(first.after));
    let more = match changes.len() {
        1 => String::new(),
        many => format!(", and {} more differences", many - 1),
    };
    Some(format!("at {path:?} expected {before}, got {after}{more}"))
}

fn told(entry: Option<Entry<'_>>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(Entry::Value(value)) => format!("the value {:?}", json::encode(value)),
        Some(Entry::Bucket(below)) => {
            format!("a bucket with {}", text::counted(below.iter().count() as u64, "key"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{example, example_with_outcomes, parsed};
    use super::*;
    use crate::node::ResourceType;
    use serde_json::json;

    fn differs(row: &Row, change: impl Fn(&mut Results)) -> String {
        let mut got = row.expected[0].clone();
        assert_eq!(compare(row, &row.expected[0], &got), Ok(()));
        change(&mut got);
        compare(row, &row.expected[0], &got).expect_err("a difference").to_string()
    }

    fn twice(refs: &mut Vec<Reference>) {
        refs.push(refs[0].clone());
    }

    #[test]
    fn what_one_side_does_not_tell_of_is_not_compared() {
        let row = parsed(&example());
        let whole = &row.expected[0];
        assert_eq!(compare(&row, whole, &Results::default()), Ok(()));
        let partly = Results { removed: Some(Vec::new()), ..Results::default() };
        assert_eq!(compare(&row, whole, &partly).expect_err("a node was removed").field, "removed");
    }

    #[test]
    fn a_difference_names_its_field_and_place() {
        let row = parsed(&example());
        let node = |key: &str| Node::new(ResourceType(1), b"ns1", key.as_bytes());
        for (change, text) in [
            (
                Box::new(|got: &mut Results| got.roots.as_mut().unwrap().swap(0, 1))
                    as Box<dyn Fn(&mut Results)>,
                "roots: at 0 expected ns1/type-5/l, got ns1/type-1/held",
            ),
            (
                Box::new(|got| got.roots_error = Some(Some("no".into()))),
                "roots_error: expected None, got Some(\"no\")",
            ),
            (
                Box::new(|got| drop(got.all.as_mut().unwrap().pop())),
                "all: expected 4, got 3: ns1/type-16/k is missing at 3",
            ),
            (
                Box::new(move |got| got.removed.as_mut().unwrap().push(node("x"))),
                "removed: expected 1, got 2: ns1/type-1/x is too much at 1",
            ),
            (
                Box::new(|got| got.refs.as_mut().unwrap()[0].1.swap(0, 1)),
                "refs: of ns1/type-1/held: at 0 expected ns1/type-1/loose, got ns1/type-1/held",
            ),
            (
                Box::new(|got| got.refs.as_mut().unwrap()[0].2 = Some("no".into())),
                "refs: of ns1/type-1/held: expected the error None, got Some(\"no\")",
            ),
            (Box::new(|got| drop(got.refs.as_mut().unwrap().remove(1))), "refs: ns1/type-1/loose is missing"),
            (
                Box::new(|got| got.refs.as_mut().unwrap()[1].0.key = (*b"other").into()),
                "refs: ns1/type-1/loose is missing",
            ),
            (
                Box::new(move |got| got.refs.as_mut().unwrap().push((node("x"), vec![], None))),
                "refs: ns1/type-1/x is too much, with 0 references",
            ),
            (Box::new(|got| twice(got.refs.as_mut().unwrap())), "refs: got ns1/type-1/held twice"),
            (Box::new(|got| got.marked = Some(None)), "marked: expected 3 nodes, got a failed marking"),
            (
                Box::new(|got| got.calls.as_mut().unwrap().clear()),
                "collector_calls: expected 1, got 0: \"type 16 finish\" is missing at 0",
            ),
            (Box::new(|got| got.error = Some(Some(String::new()))), "error: expected None, got Some(\"\")"),
            (
                Box::new(|got| got.after.as_mut().unwrap().put(&[b"v1", b"ns1"], b"k", b"v").unwrap()),
                r#"db_after: at ["v1", "ns1", "k"] expected nothing, got the value "v""#,
            ),
            (
                Box::new(|got| got.after.as_mut().unwrap().set_sequence(&[], 1).unwrap()),
                "db_after: at [] expected a bucket with 1 key, got a bucket with 1 key",
            ),
        ] {
            assert_eq!(differs(&row, change), text);
        }
    }

    #[test]
    fn only_the_orders_left_open_are_left_open() {
        let row = parsed(&example_with_outcomes());
        let mut got = row.expected[0].clone();
        let refs = got.refs.as_mut().unwrap();
        refs.reverse();
        refs.iter_mut().for_each(|(_, to, _)| to.reverse());
        got.marked.as_mut().unwrap().as_mut().unwrap().reverse();
        got.calls.as_mut().unwrap().reverse();
        assert_eq!(compare(&row, &row.expected[0], &got), Ok(()));
        assert!(differs(&row, |got| drop(got.calls.as_mut().unwrap().pop())).starts_with("collector_calls"));
        assert!(differs(&row, |got| drop(got.refs.as_mut().unwrap()[0].1.pop())).starts_with("refs"));
        assert!(differs(&row, |got| got.roots.as_mut().unwrap().reverse()).starts_with("roots"));
        let mut one_started = row.clone();
        one_started.collectors[1].start_error = true;
        assert!(
            differs(&one_started, |got| got.calls.as_mut().unwrap().reverse()).starts_with("collector_calls")
        );
        let mut in_order = row.clone();
        in_order.unordered_fields = vec![UnorderedField::CollectorTrace];
        assert!(differs(&in_order, |got| got.refs.as_mut().unwrap()[0].1.reverse()).starts_with("refs"));
    }

    #[test]
    fn lists_that_must_be_sorted_and_are_not_are_differences() {
        let mut row = parsed(&example_with_outcomes());
        row.expected[1].calls.as_mut().unwrap().reverse();
        assert_eq!(coherent(&row).expect_err("not sorted").field, "collector_calls");
        let mut row = parsed(&example());
        row.expected[0].marked.as_mut().unwrap().as_mut().unwrap().swap(0, 1);
        assert_eq!(coherent(&row).expect_err("not sorted").field, "marked");
    }

    #[test]
    fn impossible_outcomes_are_differences() {
        for (field, value) in [("last_iterated_collector", 17), ("last_iterated_collector", 18), ("count", 4)]
        {
            let mut row = example_with_outcomes();
            row["outcomes"][0][field] = json!(value);
            let row = parsed(&row);
            let got = row.expected[0].clone();
            let difference = compare(&row, &row.expected[0], &got).expect_err("impossible");
            assert_eq!(difference.field, field);
        }
    }
}
