//! What an answer says otherwise than our engine, as sentences about objects.
//!
//! ```text
//!   roots     has no root lease/pull          the first is the cause, in the order in which a collection comes by them;
//!   marked    does not mark content/layer     the others are what follows from it
//!   removed   removes content/layer
//! ```
//!
//! Whether a field differs is `conformance`'s to say; the words never decide it.

use super::cause::{Causes, Way, plain};
use crate::bucket::{Bucket, Entry, diff, json};
use crate::collector::Collector;
use crate::conformance::{Difference, Results, Row, differences};
use crate::node::{Node, ResourceType};
use crate::reason::Words;
use crate::scenario::{print_path, print_value};
use crate::schema::views;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};

/// A field that differs, and in which way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Disagreement {
    /// The answer's field.
    pub(super) field: &'static str,
    /// How it differs.
    pub(super) way: Way,
    /// What the child does, in words that follow `the child`.
    pub(super) text: String,
    /// The nodes that this is about, of a reference what is referred to and what refers; none where it is about the whole
    /// collection.
    pub(super) nodes: Vec<Node>,
    /// What ours does and why, in words that follow `ours`, where the nodes do not say it.
    pub(super) ours: Option<String>,
}

/// What is done with a node whose bucket stays all the same: its snapshotter is looked for under another name.
pub(super) const HANDS_TO_REMOVAL: &str = "hands to removal";

/// Everything that differs from what is expected, the cause first; empty where nothing does. `whose` is what is expected:
/// `ours`, or `the record`.
pub(super) fn disagreements(
    row: &Row,
    words: Words<'_>,
    causes: &Causes<'_>,
    whose: &str,
    expected: &Results,
    got: &Results,
) -> Vec<Disagreement> {
    let mut all = Vec::new();
    for difference in differences(row, expected, got) {
        let told = of_field(row, difference.field, words, causes, whose, [expected, got]);
        match told.is_empty() {
            true => all.push(Disagreement::plain(difference)),
            false => all.extend(told),
        }
    }
    // A collection that fails marks and removes nothing more: that only follows.
    if all.iter().any(|told: &Disagreement| told.field == "error") {
        let follows = ["roots_error", "marked", "removed", "collector_calls"];
        all.retain(|told| !follows.contains(&told.field));
    }
    // That what was removed is no longer there goes without saying.
    let is_removed = |told: &Disagreement| told.field == "removed" && told.way != Way::Order;
    if all.iter().any(is_removed) {
        all.retain(|told| told.field != "db_after" || told.nodes.is_empty());
    }
    // Where mistakes meet, the one that something is lost by goes first.
    if causes.has_loss() {
        all.sort_by_key(|told| !told.is_of_error() && !causes.lead(&told.nodes));
    }
    all
}

/// What goes, though it is expected to stay.
pub(super) fn lost<'n>(words: Words<'_>, expected: &'n Results, got: &'n Results) -> Vec<&'n Node> {
    match (&expected.removed, &got.removed) {
        (Some(expected), Some(got)) => {
            let expected: BTreeSet<&Node> = expected.iter().collect();
            got.iter().filter(|node| !expected.contains(node)).collect()
        }
        _ => match (&expected.all, &expected.after, &got.after) {
            (Some(all), Some(after), Some(got)) => {
                all.iter().filter(|node| has(words, after, node) && !has(words, got, node)).collect()
            }
            _ => Vec::new(),
        },
    }
}

impl Disagreement {
    /// One about the whole collection.
    fn other(field: &'static str, text: String) -> Disagreement {
        Disagreement { field, way: Way::Other, text, nodes: Vec::new(), ours: None }
    }

    /// The same with what ours does and why.
    fn than_ours(self, ours: impl Into<String>) -> Disagreement {
        Disagreement { ours: Some(ours.into()), ..self }
    }

    /// Whether it is an error, or that there is none.
    pub(super) fn is_of_error(&self) -> bool {
        match self.field {
            "error" | "roots_error" => true,
            "refs" | "marked" => self.way == Way::Other,
            _ => false,
        }
    }

    /// For a record that cannot be, which no answer agrees with.
    pub(super) fn of_record(Difference { field, text }: Difference) -> Disagreement {
        let text = text::line(text);
        Disagreement::other(field, format!("is held to a record that is not in order, in `{field}`: {text}"))
    }

    /// For what no words are found.
    pub(super) fn plain(Difference { field, text }: Difference) -> Disagreement {
        Disagreement::other(field, format!("answers `{field}` otherwise: {}", text::line(text)))
    }
}

/// What can be said in words; nothing for what only `conformance` knows.
fn of_field(
    row: &Row,
    field: &'static str,
    words: Words<'_>,
    causes: &Causes<'_>,
    whose: &str,
    [expected, got]: [&Results; 2],
) -> Vec<Disagreement> {
    let nodes = |verbs, expected: Option<&Vec<Node>>, got: Option<&Vec<Node>>| {
        let lists = [expected, got].map(|nodes| nodes.into_iter().flatten());
        let show = |node: &&Node| {
            // What a collector lists flat is a node of its own.
            let about = if field == "roots" { plain(node) } else { Node::clone(node) };
            (words.node(node.as_ref()), vec![about])
        };
        let first = |nodes: &[&&Node]| match field {
            // Roots follow from nothing.
            "roots" => causes.first_root(&nodes.iter().map(|node| **node).collect::<Vec<_>>()),
            _ => causes.first(&nodes.iter().map(|node| **node).collect::<Vec<_>>()),
        };
        of_lists(field, verbs, whose, lists, show, first)
    };
    match field {
        "roots" => nodes(["has no root", "has the root"], expected.roots.as_ref(), got.roots.as_ref()),
        "all" => nodes(["does not list", "lists"], expected.all.as_ref(), got.all.as_ref()),
        "marked" => match (&expected.marked, &got.marked) {
            (Some(Some(_)), Some(None)) => {
                let failed = Disagreement::other(field, "fails to mark".to_owned());
                vec![failed.than_ours("marks, as nothing that it meets calls for an error")]
            }
            (Some(None), Some(Some(_))) => {
                let why = error_of(expected);
                vec![Disagreement::other(field, format!("marks, where {whose} fails to with {why}"))]
            }
            (expected, got) => {
                let [expected, got] = [expected, got].map(|marked| marked.as_ref().and_then(Option::as_ref));
                nodes(["does not mark", "marks"], expected, got)
            }
        },
        "removed" => {
            let mut told =
                nodes(["does not remove", "removes"], expected.removed.as_ref(), got.removed.as_ref());
            // What is handed over need not go.
            for told in &mut told {
                let after = if told.way == Way::Missing { &expected.after } else { &got.after };
                let stays = |node: &Node| after.as_ref().is_some_and(|after| has(words, after, node));
                let removes = told.text.strip_prefix(match told.way {
                    Way::Missing => "does not remove ",
                    _ => "removes ",
                });
                let removes = removes.filter(|_| told.nodes.first().is_some_and(stays));
                told.text = match (told.way, removes) {
                    (_, None) => continue,
                    (Way::Missing, Some(node)) => format!("does not hand to removal {node}"),
                    (_, Some(node)) => format!("{HANDS_TO_REMOVAL} {node}, whose bucket stays"),
                };
            }
            told
        }
        "refs" => of_references(words, causes, whose, expected, got),
        "collector_calls" => {
            let calls = [expected, got].map(|results| results.calls.iter().flatten());
            let show = |call: &&String| called(words, expected, call);
            let mut told = of_lists(field, ["does not call", "calls"], whose, calls, show, |_| 0);
            for told in told.iter_mut().filter(|told| told.nodes.is_empty() && told.way != Way::Order) {
                told.ours = Some(ends(row, words, expected));
            }
            told
        }
        "roots_error" => {
            of_error(field, "scanning the roots ", whose, &expected.roots_error, &got.roots_error)
        }
        "error" => of_error(field, "", whose, &expected.error, &got.error),
        "db_after" => of_trees(words, causes, whose, expected, got),
        _ => Vec::new(),
    }
}

/// Which references differ; else which nodes are looked into.
fn of_references(
    words: Words<'_>,
    causes: &Causes<'_>,
    whose: &str,
    expected: &Results,
    got: &Results,
) -> Vec<Disagreement> {
    let both = || [expected, got].map(|results| results.refs.iter().flatten());
    let pairs = both().map(|refs| refs.flat_map(|(from, to, _)| to.iter().map(move |to| (from, to))));
    let verbs = ["does not follow the reference from", "follows a reference from"];
    let show = |(from, to): &(&Node, &Node)| {
        let text = format!("{} to {}", words.node(from.as_ref()), words.node(to.as_ref()));
        (text, vec![plain(to), plain(from)])
    };
    let first = |pairs: &[&(&Node, &Node)]| {
        causes.first_reference(&pairs.iter().map(|pair| **pair).collect::<Vec<_>>())
    };
    let told = of_lists("refs", verbs, whose, pairs, show, first);
    // The nodes themselves are in no order that means something.
    if told.iter().any(|told| told.way != Way::Order) {
        return told;
    }
    let nodes = both().map(|refs| refs.map(|(from, ..)| from));
    let show = |node: &&Node| (words.node(node.as_ref()), vec![plain(node)]);
    let entries = of_lists("refs", ["does not look into", "looks into"], whose, nodes, show, |_| 0);
    if entries.iter().any(|told| told.way != Way::Order) {
        return entries;
    }
    let errors = of_looking(words, whose, expected, got);
    if errors.is_some() { errors.into_iter().collect() } else { told }
}

/// The first node whose references are read with another error.
fn of_looking(words: Words<'_>, whose: &str, expected: &Results, got: &Results) -> Option<Disagreement> {
    let errors = |results: &Results| -> BTreeMap<Node, Option<String>> {
        let read = results.refs.iter().flatten();
        read.map(|(node, _, error)| (node.clone(), error.clone())).collect()
    };
    let (expected, got) = (errors(expected), errors(got));
    let (node, theirs) = got.iter().find(|(node, error)| expected.get(*node) != Some(*error))?;
    let said = |error: Option<&String>| {
        error.map_or("none".to_owned(), |error| format!("`{}`", text::name(error.as_bytes())))
    };
    let name = words.node(node.as_ref());
    let [theirs, expected] = [said(theirs.as_ref()), said(expected.get(node)?.as_ref())];
    let text = format!("meets the error {theirs} in {name}, where {whose} meets {expected}");
    Some(Disagreement { nodes: vec![plain(node)], ..Disagreement::other("refs", text) })
}

/// How the collectors of ours end, and why.
fn ends(row: &Row, words: Words<'_>, ours: &Results) -> String {
    let has_failed = matches!(ours.error, Some(Some(_)));
    let of = |collector: &Collector| {
        let (number, name) = (collector.resource_type.0, words.collector(collector.resource_type));
        let hears = |end| ours.calls.iter().flatten().any(|call| *call == format!("type {number} {end}"));
        if collector.start_error {
            format!("calls collector {name} no more, as it fails to start")
        } else if hears("finish") {
            format!("finishes collector {name}, as the collection succeeds")
        } else if hears("cancel") {
            format!("cancels collector {name}, as the collection fails")
        } else if has_failed {
            format!(
                "leaves collector {name} without an end, as containerd {} does when marking fails",
                words.release
            )
        } else {
            format!("has no collector {name} to end")
        }
    };
    let ends: Vec<String> = row.collectors.iter().map(of).collect();
    if ends.is_empty() { "has no collector to call".to_owned() } else { ends.join("; ") }
}

/// The error with which ours ends, in words.
fn error_of(results: &Results) -> String {
    let error = results.error.iter().flatten().next().map(|error| text::name(error.as_bytes()));
    error.map_or("an error".to_owned(), |error| format!("`{error}`"))
}

/// A collector's call in words, and the node that it is about.
fn called(words: Words<'_>, ours: &Results, call: &str) -> (String, Vec<Node>) {
    let parts = call.strip_prefix("type ").and_then(|call| {
        let (number, what) = call.split_once(' ')?;
        Some((ResourceType(number.parse().ok()?), what))
    });
    let Some((resource_type, what)) = parts else {
        return (format!("`{}` of a collector", text::name(call.as_bytes())), Vec::new());
    };
    let node = what.strip_prefix("remove ").and_then(|named| {
        // Encoded names may have slashes, so that those of nodes that are there come first.
        let is_named = |node: &&Node| {
            let [namespace, key] = [&node.namespace, &node.key].map(|part| json::encode(part));
            node.resource_type == resource_type && format!("{namespace}/{key}") == named
        };
        let there = ours.all.iter().flatten().find(is_named).cloned();
        there.or_else(|| {
            let (namespace, key) = named.split_once('/')?;
            let [namespace, key] = [namespace, key].map(|part| json::decode(part).ok());
            Some(Node::new(resource_type, &namespace?, &key?))
        })
    });
    let collector = words.collector(resource_type);
    let what = match &node {
        Some(node) => format!("remove {}", words.node(node.as_ref())),
        None => text::name(what.as_bytes()),
    };
    (format!("`{what}` of collector {collector}"), node.into_iter().collect())
}

/// How two lists differ: what is missing first, then what is there beside; else the first place of another order. Of
/// several the one at the place that `first` gives is shown.
fn of_lists<T: Ord>(
    field: &'static str,
    verbs: [&str; 2],
    whose: &str,
    [expected, got]: [impl Iterator<Item = T>; 2],
    show: impl Fn(&T) -> (String, Vec<Node>),
    first: impl Fn(&[&T]) -> usize,
) -> Vec<Disagreement> {
    let (expected, got): (Vec<T>, Vec<T>) = (expected.collect(), got.collect());
    let of_side = |way, verb, list: &[T], other: &[T]| {
        let mut beyond: Vec<&T> = Vec::new();
        let mut left = counted(other);
        for item in list {
            match left.get_mut(item) {
                Some(count) if *count > 0 => *count -= 1,
                _ => beyond.push(item),
            }
        }
        let shown = *beyond.get(first(&beyond))?;
        let (text, nodes) = show(shown);
        let again = if other.contains(shown) { " once more" } else { "" };
        let more = match beyond.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        Some(Disagreement { field, way, text: format!("{verb} {text}{again}{more}"), nodes, ours: None })
    };
    let missing = of_side(Way::Missing, verbs[0], &expected, &got);
    let extra = of_side(Way::Extra, verbs[1], &got, &expected);
    let unlike = expected.iter().zip(&got).find(|(expected, got)| expected != got);
    match (missing, extra, unlike) {
        (None, None, Some((expected, got))) => {
            let ((expected, _), (got, nodes)) = (show(expected), show(got));
            let text = format!("has `{field}` in another order: {got} where {whose} has {expected}");
            vec![Disagreement { field, way: Way::Order, text, nodes, ours: None }]
        }
        (missing, extra, _) => missing.into_iter().chain(extra).collect(),
    }
}

fn counted<T: Ord>(list: &[T]) -> BTreeMap<&T, usize> {
    let mut counts = BTreeMap::new();
    for item in list {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// What is there afterwards and should not be, or the other way round; else the first path that differs.
fn of_trees(
    words: Words<'_>,
    causes: &Causes<'_>,
    whose: &str,
    results: &Results,
    theirs: &Results,
) -> Vec<Disagreement> {
    let (Some(all), Some(after), Some(got)) = (&results.all, &results.after, &theirs.after) else {
        return Vec::new();
    };
    let left = |tree| all.iter().filter(move |node| has(words, tree, node));
    let show = |node: &&Node| (words.node(node.as_ref()), vec![Node::clone(node)]);
    let first = |nodes: &[&&Node]| causes.first(&nodes.iter().map(|node| **node).collect::<Vec<_>>());
    let told = of_lists("db_after", ["deletes", "leaves"], whose, [left(after), left(got)], show, first);
    let changes = diff(after, got);
    let elsewhere = changes.first().filter(|_| told.is_empty()).map(|change| {
        let path = print_path(&change.path.iter().map(|key| key.to_vec()).collect::<Vec<_>>());
        let [ours, theirs] = [change.before, change.after].map(entry);
        let text = format!("leaves {theirs} at {path}, where {whose} leaves {ours}");
        let why = match change.before {
            Some(_) => {
                "leaves that as it was: a collection deletes the buckets of what goes, and nothing else"
            }
            None if is_there(words.tree, &change.path) => "deletes that with the bucket of what goes",
            None => "adds nothing: a collection deletes the buckets of what goes, and nothing else",
        };
        let nodes = views::object_at(&change.path).and_then(|(kind, namespace, key)| {
            Some(Node::new(words.release.type_of(kind)?, namespace, &key))
        });
        let nodes = nodes.into_iter().collect();
        Disagreement { nodes, ..Disagreement::other("db_after", text) }.than_ours(why)
    });
    let mut told: Vec<Disagreement> = told.into_iter().chain(elsewhere).collect();
    // A collection that fails changes nothing.
    let has_failed = |results: &Results| matches!(results.error, Some(Some(_)));
    if let Some(first) = told.first_mut().filter(|_| has_failed(results) && results.error == theirs.error) {
        first.text = format!("fails as {whose} does, but {}", first.text);
    }
    told
}

/// Whether a tree has a node's bucket.
fn has(words: Words<'_>, tree: &Bucket, node: &Node) -> bool {
    views::has(tree, words.release.kind_of(node.resource_type), &node.namespace, &node.key)
}

/// Whether anything stands at a path.
fn is_there(tree: &Bucket, path: &[&[u8]]) -> bool {
    let Some((key, around)) = path.split_last() else { return true };
    tree.view().at(around).is_some_and(|bucket| bucket.entry(key).is_some())
}

/// What stands at a place, in short.
fn entry(entry: Option<Entry<'_>>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(Entry::Bucket(bucket)) if bucket.is_empty() => "an empty bucket".to_owned(),
        Some(Entry::Bucket(_)) => "a bucket".to_owned(),
        Some(Entry::Value(value)) => format!("the value {}", print_value(value)),
    }
}

fn of_error(
    field: &'static str,
    doing: &str,
    whose: &str,
    expected: &Option<Option<String>>,
    got: &Option<Option<String>>,
) -> Vec<Disagreement> {
    let ours = |error: &String| text::name(error.as_bytes());
    let (Some(expected), Some(got)) = (expected, got) else { return Vec::new() };
    let (way, text) = match (expected, got) {
        (Some(_), Some(error)) => (Way::Other, format!("fails {doing}with `{}`", ours(error))),
        (None, Some(error)) => (Way::Extra, format!("fails {doing}with `{}`", ours(error))),
        (Some(error), None) => {
            (Way::Missing, format!("succeeds {doing}where {whose} fails with `{}`", ours(error)))
        }
        (None, None) => return Vec::new(),
    };
    vec![Disagreement { way, ..Disagreement::other(field, text) }]
}
