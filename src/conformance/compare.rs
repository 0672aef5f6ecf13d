//! Holds what a collector did to what a row records, field by field.
//!
//! Every recorded field is looked at, and both ways: what is missing is a difference as well as what is too much.
//! Lists are compared in order, except where the recording leaves it open:
//!
//! ```text
//! marked            a set; both sides sorted
//! refs              by node; the list inside an entry in order, unless `unordered_fields` names `refs`
//! collector_calls   in order where at most one collector started, sorted where two or more did
//! ```
//!
//! Recorded `marked` and sorted `collector_calls` must be sorted in the row too: the recording says so, and a row
//! where they are not has been tampered with.

use super::row::{Expected, Reference, Row, UnorderedField};
use crate::bucket::{Bucket, Entry, diff, json};
use crate::node::Node;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// What a collector did with a row's case: everything that a row records, in plain form.
#[derive(Clone, PartialEq, Debug)]
pub struct Results {
    /// The roots in the order emitted, repeats included; also those emitted before an error.
    pub roots: Vec<Node>,
    /// The error of the root scan.
    pub roots_error: Option<String>,
    /// Every resource in the order walked.
    pub all: Vec<Node>,
    /// For every node of `all`, of `roots` and what they reach: its references in order, and the error, if any.
    pub refs: Vec<Reference>,
    /// The marked set; none where marking failed.
    pub marked: Option<Vec<Node>>,
    /// Every node handed to removal, in order.
    pub removed: Vec<Node>,
    /// The tree after the collection.
    pub after: Bucket,
    /// The collectors' calls `remove`, `finish` and `cancel` in their text form.
    pub calls: Vec<String>,
    /// The error of the whole collection.
    pub error: Option<String>,
}

impl From<&Expected> for Results {
    /// The results that agree with a recorded one.
    fn from(expected: &Expected) -> Results {
        Results {
            roots: expected.roots.clone(),
            roots_error: expected.roots_error.clone(),
            all: expected.all.clone(),
            refs: expected.refs.clone(),
            marked: expected.marked.clone(),
            removed: expected.removed.clone(),
            after: expected.after.clone(),
            calls: expected.calls.clone(),
            error: expected.error.clone(),
        }
    }
}

/// The first difference between what was recorded and what was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {text}")]
pub struct Difference {
    /// The row's field.
    pub field: &'static str,
    /// What differs first, for people.
    pub text: String,
}

/// Compares one recorded result of a row, `expected`, with what a collector did.
///
/// # Errors
/// The first field that differs, errors first, then in the order in which a collection comes by them; or what is
/// impossible about the recording itself ([`coherent`]).
pub fn compare(row: &Row, expected: &Expected, got: &Results) -> Result<(), Difference> {
    coherent(row)?;
    same("roots_error", &expected.roots_error, &got.roots_error)?;
    same_list("roots", &expected.roots, &got.roots)?;
    same_list("all", &expected.all, &got.all)?;
    same_refs(row, &expected.refs, &got.refs)?;
    same_marked(expected.marked.as_deref(), got.marked.as_deref())?;
    same_list("removed", &expected.removed, &got.removed)?;
    same_calls(row, &expected.calls, &got.calls)?;
    same("error", &expected.error, &got.error)?;
    same_tree(&expected.after, &got.after)
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
        if !result.marked.as_deref().is_none_or(<[Node]>::is_sorted) {
            return cannot("marked", "the recorded nodes are not sorted by type, namespace, key".to_owned());
        }
        if row.started() > 1 && !result.calls.is_sorted() {
            return cannot(
                "collector_calls",
                "two collectors started, and the calls are not sorted".to_owned(),
            );
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

fn same<T: PartialEq + Debug>(field: &'static str, recorded: &T, got: &T) -> Result<(), Difference> {
    if recorded == got {
        return Ok(());
    }
    Err(Difference { field, text: format!("expected {recorded:?}, got {got:?}") })
}

fn same_list<T: PartialEq + Debug>(field: &'static str, recorded: &[T], got: &[T]) -> Result<(), Difference> {
    match list_difference(recorded, got) {
        None => Ok(()),
        Some(text) => Err(Difference { field, text }),
    }
}

/// The first place where two lists differ, counted from 0.
fn list_difference<T: PartialEq + Debug>(recorded: &[T], got: &[T]) -> Option<String> {
    if let Some(at) = recorded.iter().zip(got).position(|(left, right)| left != right) {
        return Some(format!("at {at} expected {:?}, got {:?}", recorded[at], got[at]));
    }
    let (many, few) = (recorded.len(), got.len());
    match (recorded.get(few), got.get(many)) {
        (None, None) => None,
        (Some(missing), _) => Some(format!("expected {many}, got {few}: {missing:?} is missing at {few}")),
        (_, Some(extra)) => Some(format!("expected {many}, got {few}: {extra:?} is too much at {many}")),
    }
}

fn same_refs(row: &Row, recorded: &[Reference], got: &[Reference]) -> Result<(), Difference> {
    let differs = |text| Err(Difference { field: "refs", text });
    let in_order = !row.unordered_fields.contains(&UnorderedField::Refs);
    let mut remaining = BTreeMap::new();
    for (node, to, error) in got {
        if remaining.insert(node, (to, error)).is_some() {
            return differs(format!("got {node:?} twice"));
        }
    }
    for (node, recorded_to, recorded_error) in recorded {
        let Some((to, error)) = remaining.remove(node) else {
            return differs(format!("{node:?} is missing"));
        };
        let difference = if in_order {
            list_difference(recorded_to, to)
        } else {
            list_difference(&sorted(recorded_to), &sorted(to))
        };
        if let Some(text) = difference {
            return differs(format!("of {node:?}: {text}"));
        }
        if recorded_error != error {
            return differs(format!("of {node:?}: expected the error {recorded_error:?}, got {error:?}"));
        }
    }
    match remaining.first_key_value() {
        None => Ok(()),
        Some((node, (to, _))) => differs(format!("{node:?} is too much, with {} references", to.len())),
    }
}

fn same_marked(recorded: Option<&[Node]>, got: Option<&[Node]>) -> Result<(), Difference> {
    match (recorded, got) {
        (None, None) => Ok(()),
        (Some(recorded), Some(got)) => same_list("marked", &sorted(recorded), &sorted(got)),
        (Some(recorded), None) => {
            let text = format!("expected {} nodes, got a failed marking", recorded.len());
            Err(Difference { field: "marked", text })
        }
        (None, Some(got)) => {
            let text = format!("expected a failed marking, got {} nodes", got.len());
            Err(Difference { field: "marked", text })
        }
    }
}

fn same_calls(row: &Row, recorded: &[String], got: &[String]) -> Result<(), Difference> {
    if row.started() < 2 {
        return same_list("collector_calls", recorded, got);
    }
    same_list("collector_calls", &sorted(recorded), &sorted(got))
}

fn same_tree(recorded: &Bucket, got: &Bucket) -> Result<(), Difference> {
    let changes = diff(recorded, got);
    let Some(first) = changes.first() else { return Ok(()) };
    let path: Vec<_> = first.path.iter().map(|key| json::encode(key)).collect();
    let text = format!(
        "at {path:?} expected {}, got {}{}",
        told(first.before),
        told(first.after),
        if changes.len() > 1 {
            format!(", and {} more differences", changes.len() - 1)
        } else {
            String::new()
        },
    );
    Err(Difference { field: "db_after", text })
}

fn told(entry: Option<Entry<'_>>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(Entry::Value(value)) => format!("the value {:?}", json::encode(value)),
        Some(Entry::Bucket(below)) => format!("a bucket with {} entries", below.iter().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::{example, example_with_outcomes, parsed};
    use super::*;
    use crate::node::ResourceType;
    use serde_json::json;

    fn differs(row: &Row, change: impl Fn(&mut Results)) -> String {
        let mut got = Results::from(&row.expected[0]);
        assert_eq!(compare(row, &row.expected[0], &got), Ok(()));
        change(&mut got);
        compare(row, &row.expected[0], &got).expect_err("a difference").to_string()
    }

    #[test]
    fn a_difference_names_its_field_and_place() {
        let row = parsed(&example());
        let node = |key: &str| Node::new(ResourceType(1), b"ns1", key.as_bytes());
        for (change, text) in [
            (
                Box::new(|got: &mut Results| got.roots.swap(0, 1)) as Box<dyn Fn(&mut Results)>,
                "roots: at 0 expected ns1/type-5/l, got ns1/type-1/held",
            ),
            (
                Box::new(|got| got.roots_error = Some("no".into())),
                "roots_error: expected None, got Some(\"no\")",
            ),
            (Box::new(|got| drop(got.all.pop())), "all: expected 4, got 3: ns1/type-16/k is missing at 3"),
            (
                Box::new(move |got| got.removed.push(node("x"))),
                "removed: expected 1, got 2: ns1/type-1/x is too much at 1",
            ),
            (
                Box::new(|got| got.refs[0].1.swap(0, 1)),
                "refs: of ns1/type-1/held: at 0 expected ns1/type-1/loose, got ns1/type-1/held",
            ),
            (
                Box::new(|got| got.refs[0].2 = Some("no".into())),
                "refs: of ns1/type-1/held: expected the error None, got Some(\"no\")",
            ),
            (Box::new(|got| drop(got.refs.remove(1))), "refs: ns1/type-1/loose is missing"),
            (Box::new(|got| got.refs[1].0.key = (*b"other").into()), "refs: ns1/type-1/loose is missing"),
            (
                Box::new(move |got| got.refs.push((node("x"), vec![], None))),
                "refs: ns1/type-1/x is too much, with 0 references",
            ),
            (Box::new(|got| got.refs.push(got.refs[0].clone())), "refs: got ns1/type-1/held twice"),
            (Box::new(|got| got.marked = None), "marked: expected 3 nodes, got a failed marking"),
            (
                Box::new(|got| got.calls.clear()),
                "collector_calls: expected 1, got 0: \"type 16 finish\" is missing at 0",
            ),
            (Box::new(|got| got.error = Some(String::new())), "error: expected None, got Some(\"\")"),
            (
                Box::new(|got| got.after.put(&[b"v1", b"ns1"], b"k", b"v").unwrap()),
                r#"db_after: at ["v1", "ns1", "k"] expected nothing, got the value "v""#,
            ),
            (
                Box::new(|got| got.after.set_sequence(&[], 1).unwrap()),
                "db_after: at [] expected a bucket with 1 entries, got a bucket with 1 entries",
            ),
        ] {
            assert_eq!(differs(&row, change), text);
        }
    }

    #[test]
    fn only_the_orders_left_open_are_left_open() {
        let row = parsed(&example_with_outcomes());
        let mut got = Results::from(&row.expected[0]);
        got.refs.reverse();
        got.refs.iter_mut().for_each(|(_, to, _)| to.reverse());
        got.marked.as_mut().unwrap().reverse();
        got.calls.reverse();
        assert_eq!(compare(&row, &row.expected[0], &got), Ok(()));
        assert!(differs(&row, |got| drop(got.calls.pop())).starts_with("collector_calls"));
        assert!(differs(&row, |got| drop(got.refs[0].1.pop())).starts_with("refs"));
        assert!(differs(&row, |got| got.roots.reverse()).starts_with("roots"));
        let mut one_started = row.clone();
        one_started.collectors[1].start_error = true;
        assert!(differs(&one_started, |got| got.calls.reverse()).starts_with("collector_calls"));
        let mut in_order = row.clone();
        in_order.unordered_fields = vec![UnorderedField::CollectorTrace];
        assert!(differs(&in_order, |got| got.refs[0].1.reverse()).starts_with("refs"));
    }

    #[test]
    fn lists_that_must_be_sorted_and_are_not_are_differences() {
        let mut row = parsed(&example_with_outcomes());
        row.expected[1].calls.reverse();
        assert_eq!(coherent(&row).expect_err("not sorted").field, "collector_calls");
        let mut row = parsed(&example());
        row.expected[0].marked.as_mut().unwrap().swap(0, 1);
        assert_eq!(coherent(&row).expect_err("not sorted").field, "marked");
    }

    #[test]
    fn impossible_outcomes_are_differences() {
        for (field, value) in [("last_iterated_collector", 17), ("last_iterated_collector", 18), ("count", 4)]
        {
            let mut row = example_with_outcomes();
            row["outcomes"][0][field] = json!(value);
            let row = parsed(&row);
            let got = Results::from(&row.expected[0]);
            let difference = compare(&row, &row.expected[0], &got).expect_err("impossible");
            assert_eq!(difference.field, field);
        }
    }
}
