//! Falsified rows: one recorded field made wrong in one way that matters.
//!
//! A harness that compares everything lets no altered row pass. [`alter`] draws an alteration from a seed and gives
//! the altered row with what was done, in words. It must change what the row *says*: swapping two entries of a list
//! whose order the recording leaves open does not, and is not done. What a row says is decided here, by a normal
//! form of its own, and not by `compare`, which is what altered rows put to the test.
//!
//! ```text
//! roots[3] dropped             refs of ns1/type-1/a: error set         db_after: v1/ns1 a value added
//! ```

use leasehold::bucket::{Bucket, Entry, View, json};
use leasehold::conformance::results::Reference;
use leasehold::conformance::row::UnorderedField;
use leasehold::conformance::{Results, Row};
use leasehold::node::{Node, ResourceType};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// A row with one field made wrong.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Altered {
    /// The altered row.
    pub(crate) row: Row,
    /// Which of its results was altered, counted from 0.
    pub(crate) outcome: usize,
    /// The recorded field that was altered.
    pub(crate) field: &'static str,
    /// What was done to it.
    pub(crate) how: String,
}

/// The recorded fields that can be altered.
pub(crate) const FIELDS: [&str; 11] = [
    "roots",
    "roots_error",
    "all",
    "refs",
    "marked",
    "removed",
    "db_after",
    "collector_calls",
    "error",
    "last_iterated_collector",
    "count",
];

/// Alters one recorded field of a row in one way, both drawn from the seed. None for a row without a result.
pub(crate) fn alter(row: &Row, seed: u64) -> Option<Altered> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    if row.expected.is_empty() {
        return None;
    }
    // An attempt may come to nothing: there may be no two roots to swap. Setting an error always succeeds, and is
    // drawn soon.
    loop {
        let field = FIELDS[rng.random_range(0..FIELDS.len())];
        if let Some(altered) = attempt(row, field, &mut rng) {
            return Some(altered);
        }
    }
}

/// Alters a given field; none where the row has nothing of it that could be altered so. Another seed may succeed.
pub(crate) fn alter_field(row: &Row, field: &'static str, seed: u64) -> Option<Altered> {
    attempt(row, field, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn attempt(row: &Row, field: &'static str, rng: &mut ChaCha8Rng) -> Option<Altered> {
    let mut altered = row.clone();
    let outcome = index(rng, row.expected.len())?;
    let expected = &mut altered.expected[outcome];
    let how = match field {
        "roots" => alter_nodes(expected.roots.as_mut()?, rng),
        "roots_error" => alter_error(expected.roots_error.as_mut()?, rng),
        "all" => alter_nodes(expected.all.as_mut()?, rng),
        "refs" => alter_refs(expected.refs.as_mut()?, rng),
        "marked" => alter_marked(expected.marked.as_mut()?, rng),
        "removed" => alter_nodes(expected.removed.as_mut()?, rng),
        "db_after" => alter_tree(expected.after.as_mut()?, rng),
        "collector_calls" => alter_calls(expected.calls.as_mut()?, rng),
        "error" => alter_error(expected.error.as_mut()?, rng),
        "last_iterated_collector" => alter_last(expected, rng),
        "count" => alter_count(expected, rng),
        _ => None,
    }?;
    let says_something_else = normal(row, &row.expected[outcome]) != normal(row, &altered.expected[outcome]);
    says_something_else.then_some(Altered { row: altered, outcome, field, how })
}

/// A result with every order sorted that the recording leaves open: two results say the same exactly if these are
/// equal.
fn normal(row: &Row, expected: &Results) -> Results {
    let mut normal = expected.clone();
    if row.unordered_fields.contains(&UnorderedField::Refs) {
        normal.refs.iter_mut().flatten().for_each(|(_, to, _)| to.sort());
    }
    normal.refs.iter_mut().for_each(|refs| refs.sort());
    normal.marked.iter_mut().flatten().for_each(|marked| marked.sort());
    if row.collectors.iter().filter(|collector| !collector.start_error).count() > 1 {
        normal.calls.iter_mut().for_each(|calls| calls.sort());
    }
    normal
}

fn index(rng: &mut ChaCha8Rng, length: usize) -> Option<usize> {
    (length > 0).then(|| rng.random_range(0..length))
}

fn alter_nodes(nodes: &mut Vec<Node>, rng: &mut ChaCha8Rng) -> Option<String> {
    let way = rng.random_range(0..6);
    if way == 0 {
        let at = rng.random_range(0..=nodes.len());
        nodes.insert(at, Node::new(ResourceType(1), b"altered", b"added"));
        return Some(format!("a node added at {at}"));
    }
    let at = index(rng, nodes.len())?;
    Some(match way {
        1 => format!("{:?} at {at} dropped", nodes.remove(at)),
        2 => {
            nodes.insert(at, nodes[at].clone());
            format!("{:?} at {at} doubled", nodes[at])
        }
        3 => {
            let other = rng.random_range(0..nodes.len());
            nodes.swap(at, other);
            format!("{:?} at {other} and {:?} at {at} swapped", nodes[other], nodes[at])
        }
        _ => alter_node(&mut nodes[at], rng),
    })
}

fn alter_node(node: &mut Node, rng: &mut ChaCha8Rng) -> String {
    let before = format!("{node:?}");
    match rng.random_range(0..3) {
        0 => node.resource_type.0 ^= 1 << rng.random_range(0..8),
        1 => node.namespace = altered_bytes(&node.namespace, rng).into(),
        _ => node.key = altered_bytes(&node.key, rng).into(),
    }
    format!("{before} made {node:?}")
}

/// Other bytes: one more, one less, or one changed.
fn altered_bytes(bytes: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut altered = bytes.to_vec();
    match (rng.random_range(0..3), index(rng, bytes.len())) {
        (0, Some(at)) => drop(altered.remove(at)),
        (1, Some(at)) => altered[at] ^= 1,
        _ => altered.push(b'x'),
    }
    altered
}

fn alter_error(error: &mut Option<String>, rng: &mut ChaCha8Rng) -> Option<String> {
    let altered = match error.as_deref() {
        Some(_) if rng.random_range(0..2) == 0 => None,
        Some(text) => Some(format!("{text}!")),
        None if rng.random_range(0..2) == 0 => Some(String::new()),
        None => Some("bucket not found".to_owned()),
    };
    let how = format!("{error:?} made {altered:?}");
    *error = altered;
    Some(how)
}

fn alter_refs(refs: &mut Vec<Reference>, rng: &mut ChaCha8Rng) -> Option<String> {
    let way = rng.random_range(0..6);
    if way == 0 {
        let node = Node::new(ResourceType(1), b"altered", b"added");
        refs.push((node, Vec::new(), None));
        refs.sort_by(|left, right| left.0.cmp(&right.0));
        return Some("the entry of a node added that nothing reaches".to_owned());
    }
    let at = index(rng, refs.len())?;
    if way == 1 {
        return Some(format!("the entry of {:?} dropped", refs.remove(at).0));
    }
    let (node, to, error) = &mut refs[at];
    let of = format!("of {node:?}: ");
    let how = match way {
        2 => alter_error(error, rng),
        3 => Some(alter_node(node, rng)),
        _ => alter_nodes(to, rng),
    }?;
    // An entry may now be another node's, which no reading would give.
    refs.sort_by(|left, right| left.0.cmp(&right.0));
    refs.windows(2).all(|pair| pair[0].0 != pair[1].0).then(|| of + &how)
}

fn alter_marked(field: &mut Option<Vec<Node>>, rng: &mut ChaCha8Rng) -> Option<String> {
    let Some(marked) = field else {
        *field = Some(Vec::new());
        return Some("a failed marking made an empty one".to_owned());
    };
    if rng.random_range(0..6) == 0 {
        *field = None;
        return Some("made a failed marking".to_owned());
    }
    let how = alter_nodes(marked, rng)?;
    marked.sort();
    Some(how)
}

fn alter_calls(calls: &mut Vec<String>, rng: &mut ChaCha8Rng) -> Option<String> {
    let way = rng.random_range(0..5);
    if way == 0 {
        let at = rng.random_range(0..=calls.len());
        calls.insert(at, "type 31 finish".to_owned());
        return Some(format!("a call added at {at}"));
    }
    let at = index(rng, calls.len())?;
    Some(match way {
        1 => format!("`{}` at {at} dropped", calls.remove(at)),
        2 => {
            calls.insert(at, calls[at].clone());
            format!("`{}` at {at} doubled", calls[at])
        }
        3 => {
            let other = rng.random_range(0..calls.len());
            calls.swap(at, other);
            format!("`{}` at {other} and `{}` at {at} swapped", calls[other], calls[at])
        }
        _ => {
            let before = calls[at].clone();
            calls[at] = match before.strip_suffix("finish") {
                Some(start) => format!("{start}cancel"),
                None => format!("{before}x"),
            };
            format!("`{before}` at {at} made `{}`", calls[at])
        }
    })
}

fn alter_last(expected: &mut Results, rng: &mut ChaCha8Rng) -> Option<String> {
    let last = expected.last_iterated_collector?;
    let altered = last ^ (1 << rng.random_range(0..8));
    expected.last_iterated_collector = Some(altered);
    Some(format!("{last} made {altered}"))
}

fn alter_count(expected: &mut Results, rng: &mut ChaCha8Rng) -> Option<String> {
    let count = expected.count?;
    let altered = if rng.random_range(0..2) == 0 { count.checked_add(1)? } else { count.checked_sub(1)? };
    expected.count = Some(altered);
    Some(format!("{count} made {altered}"))
}

/// Changes, adds or deletes one entry somewhere in a tree.
fn alter_tree(tree: &mut Bucket, rng: &mut ChaCha8Rng) -> Option<String> {
    let before = tree.clone();
    let (path, key) = some_entry(before.view(), rng);
    let at: Vec<_> = path.iter().map(|key| json::encode(key)).collect();
    let Some((key, entry)) = key.filter(|_| rng.random_range(0..4) > 0) else {
        let key = b"altered";
        let added = match rng.random_range(0..2) {
            0 => tree.put(&path, key, b""),
            _ => tree.create_bucket(&path, key),
        };
        return added.is_ok().then(|| format!("an entry `altered` added at {at:?}"));
    };
    let told = json::encode(key);
    let changed = match entry {
        Entry::Value(value) if rng.random_range(0..2) == 0 => {
            let value = altered_bytes(value, rng);
            tree.put(&path, key, &value).map(|()| format!("the value of `{told}` at {at:?} changed"))
        }
        Entry::Value(_) => tree.delete(&path, key).map(|()| format!("the value `{told}` at {at:?} deleted")),
        Entry::Bucket(_) => {
            tree.delete_bucket(&path, key).map(|()| format!("the bucket `{told}` at {at:?} deleted"))
        }
    };
    changed.ok()
}

/// A bucket somewhere in a tree, by its path, and an entry of it where it has one.
#[expect(clippy::type_complexity, reason = "a path and an entry, taken apart at once")]
fn some_entry<'a>(
    mut view: View<'a>,
    rng: &mut ChaCha8Rng,
) -> (Vec<&'a [u8]>, Option<(&'a [u8], Entry<'a>)>) {
    let mut path = Vec::new();
    loop {
        let entries: Vec<_> = view.iter().collect();
        let Some(at) = index(rng, entries.len()) else { return (path, None) };
        let (key, entry) = entries[at];
        match entry {
            // Deeper down, mostly: there is more there.
            Entry::Bucket(below) if rng.random_range(0..6) > 0 => {
                path.push(key);
                view = below;
            }
            _ => return (path, Some((key, entry))),
        }
    }
}

mod tests {
    use super::super::recorded;
    use super::*;
    use leasehold::conformance::compare;
    use rayon::prelude::*;
    use std::collections::BTreeSet;

    /// A row with outcomes, collectors and references, and a plain one.
    fn rows() -> [Row; 2] {
        let rows: Vec<Row> = recorded().map(|(_, row)| row).collect();
        let large = |row: &&Row| row.expected[0].calls.iter().flatten().count() > 3;
        let outcomes = rows.iter().filter(|row| row.runs.is_some()).filter(large).min_by_key(|row| &row.name);
        let plain = rows.iter().filter(|row| row.runs.is_none()).filter(large).min_by_key(|row| &row.name);
        [outcomes.expect("a row with outcomes").clone(), plain.expect("a plain row").clone()]
    }

    /// The harness in small: a row passes if every result agrees with what really happened.
    fn passes(row: &Row, really: &Row) -> bool {
        let mut all = row.expected.iter().zip(&really.expected);
        all.all(|(expected, got)| compare(row, expected, got).is_ok())
    }

    #[test]
    fn no_altered_row_passes() {
        for row in rows() {
            assert!(passes(&row, &row));
            for seed in 0..3000 {
                let altered = alter(&row, seed).expect("the row has a result");
                assert!(!passes(&altered.row, &row), "{}: {}", altered.field, altered.how);
                assert_ne!(altered.row, row);
            }
        }
    }

    #[test]
    fn every_field_is_altered_and_no_other_with_it() {
        let [row, _] = rows();
        for field in FIELDS {
            let altered: Vec<Altered> = (0..200).filter_map(|seed| alter_field(&row, field, seed)).collect();
            assert!(altered.len() > 50, "{field}: {}", altered.len());
            let different: BTreeSet<&str> = altered.iter().map(|altered| altered.how.as_str()).collect();
            assert!(different.len() > 1, "{field}: {different:?}");
            for altered in &altered {
                let mut restored = altered.row.clone();
                let (to, from) = (&mut restored.expected[altered.outcome], &row.expected[altered.outcome]);
                match field {
                    "roots" => to.roots.clone_from(&from.roots),
                    "roots_error" => to.roots_error.clone_from(&from.roots_error),
                    "all" => to.all.clone_from(&from.all),
                    "refs" => to.refs.clone_from(&from.refs),
                    "marked" => to.marked.clone_from(&from.marked),
                    "removed" => to.removed.clone_from(&from.removed),
                    "db_after" => to.after.clone_from(&from.after),
                    "collector_calls" => to.calls.clone_from(&from.calls),
                    "error" => to.error.clone_from(&from.error),
                    "last_iterated_collector" => to.last_iterated_collector = from.last_iterated_collector,
                    "count" => to.count = from.count,
                    unknown => panic!("{unknown} is not restored here"),
                }
                assert_eq!(restored, row);
            }
        }
    }

    #[test]
    fn alterations_follow_their_seed_and_cases_have_none() {
        let [_, row] = rows();
        assert_eq!(alter(&row, 7), alter(&row, 7));
        let case = Row { expected: Vec::new(), ..row };
        assert_eq!(alter(&case, 7), None);
    }
}
