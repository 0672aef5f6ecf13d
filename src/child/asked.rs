//! One collection put to a child: what it does otherwise than our engine, and what ours does and why.

use super::answer::Answer;
use super::cause::{Cause, Causes, Way};
use super::disagreement::{Disagreement, HANDS_TO_REMOVAL, disagreements, lost};
use super::numbering::other_release;
use super::process::{Child, ChildError};
use crate::conformance::run::results;
use crate::conformance::{Results, Row, compare};
use crate::engine::culprits;
use crate::node::{Kind, Node};
use crate::oracle::{Defects, judge};
use crate::reason::Words;
use crate::release::Release;
use crate::scenario::{Assertion, DEFAULT_NAMESPACE, NodeName, Step};
use crate::schema::views;
use crate::simulate::explained::Explained;
use crate::situation::Situation;
use crate::text;
use crate::world::Collected;
use std::collections::BTreeSet;
use std::{fmt, iter};

/// What a child can do wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wrong {
    /// A field of its answer differs, in this way.
    Differs(&'static str, Way),
    /// It does not answer in time.
    Hung,
    /// It writes a line and does not end it.
    Unended,
    /// It ends without an answer.
    Died,
    /// What it says is no answer.
    Rubbish,
}

impl Wrong {
    /// The word for it; a difference goes by its field.
    pub fn name(self) -> &'static str {
        match self {
            Wrong::Differs(field, _) => field,
            Wrong::Hung => "hung",
            Wrong::Unended => "unended",
            Wrong::Died => "died",
            Wrong::Rubbish => "rubbish",
        }
    }

    /// Whether it takes the whole limit each time.
    pub fn takes_the_limit(self) -> bool {
        matches!(self, Wrong::Hung | Wrong::Unended)
    }

    /// In which way a field differs.
    pub fn way(self) -> Option<Way> {
        match self {
            Wrong::Differs(_, way) => Some(way),
            _ => None,
        }
    }
}

impl Wrong {
    /// The words for it: what is expected is `whose`, `ours` or `the record`, and what is held to it is a `party`.
    pub fn title(self, whose: &str, party: &str) -> String {
        match self {
            Wrong::Differs("error" | "roots_error", way) => match way {
                Way::Missing => format!("{whose} fails, {party} does not"),
                Way::Extra => format!("{party} fails, {whose} does not"),
                Way::Order | Way::Other => format!("{party} fails with another error than {whose}"),
            },
            Wrong::Differs(field, Way::Missing) => format!("`{field}` lacks something"),
            Wrong::Differs(field, Way::Extra) => format!("`{field}` has something too many"),
            Wrong::Differs(field, Way::Order) => format!("`{field}` is in another order"),
            Wrong::Differs(field, Way::Other) => format!("`{field}` differs"),
            Wrong::Hung => "the child hung".to_owned(),
            Wrong::Unended => "the child did not end its line".to_owned(),
            Wrong::Died => "the child died".to_owned(),
            Wrong::Rubbish => "the child answered rubbish".to_owned(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title("ours", "the child"))
    }
}

/// What it comes to, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Something goes that ours keeps.
    Loses,
    /// Something stays that ours removes.
    Leaves,
    /// Neither.
    Neither,
}

/// What came of one collection.
pub struct Asked {
    /// The fields that the answer has; none without an answer.
    pub fields: Vec<&'static str>,
    /// What is wrong with it.
    pub otherwise: Option<Otherwise>,
}

/// What a child does otherwise than our engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Otherwise {
    /// Of which sort it is.
    pub wrong: Wrong,
    /// What it is about, where a node differs.
    pub cause: Option<Cause>,
    /// What it comes to.
    pub effect: Effect,
    /// What the child does, the cause first: sentences that follow `the child`.
    pub child: Vec<String>,
    /// The nodes that this is about.
    pub(super) nodes: Vec<Node>,
    /// What ours does and why, where it is about no node.
    ours: Vec<String>,
    /// Its collection ends with an error, or with another one than ours.
    has_failed: bool,
}

/// What a difference is about. An order is about none of its nodes, and what is marked rightly and swept wrongly is not about
/// why it is marked.
fn cause(first: &Disagreement, causes: &Causes<'_>, got: &Results) -> Option<Cause> {
    let is_missing = first.way == Way::Missing;
    match (first.field, &first.nodes[..]) {
        _ if first.way == Way::Order || first.is_of_error() => None,
        ("removed" | "collector_calls" | "db_after", _) if got.marked.is_some() => None,
        ("roots", [node, ..]) => Some(causes.cause_of_root(node, is_missing)),
        ("refs", [to, from]) => Some(causes.cause_of_reference(from, to, is_missing)),
        (_, nodes) => nodes.first().map(|node| causes.cause(node)),
    }
}

/// Whose results a recorded row holds others to.
pub const THE_RECORD: &str = "the record";

/// Of how many nodes it is said what is done with them: further ones mostly follow from these.
const NODES_MAX: usize = 3;

impl Asked {
    /// Puts a collection to a child, as a question: what was recorded of it the child does not get. What is said of the
    /// answer is read from a namespace, whose nodes are named without it.
    ///
    /// # Errors
    /// The child does not start, ends whatever it is asked, or is no longer waited for.
    pub fn of(child: &mut Child, row: &Row, release: Release, namespace: &[u8]) -> Result<Asked, ChildError> {
        let version = Some(format!("containerd {release}"));
        let question = Row { version, note: None, runs: None, expected: Vec::new(), ..row.clone() };
        let (wrong, error) = match child.ask(&question) {
            Ok(answer) => {
                let fields = answer.results.fields().collect();
                return Ok(Asked {
                    fields,
                    otherwise: Otherwise::of_answer(row, release, namespace, &answer),
                });
            }
            Err(error @ (ChildError::Start { .. } | ChildError::Unusable { .. } | ChildError::Stopped)) => {
                return Err(error);
            }
            Err(error @ ChildError::Unended { .. }) => (Wrong::Unended, error),
            Err(error @ ChildError::Hung { .. }) => (Wrong::Hung, error),
            Err(error @ ChildError::Died { .. }) => (Wrong::Died, error),
            Err(error @ ChildError::Rubbish { .. }) => (Wrong::Rubbish, error),
        };
        let child = vec![text::line(error.to_string())];
        let otherwise = Otherwise {
            wrong,
            cause: None,
            effect: Effect::Neither,
            child,
            nodes: Vec::new(),
            ours: Vec::new(),
            has_failed: true,
        };
        Ok(Asked { fields: Vec::new(), otherwise: Some(otherwise) })
    }
}

/// What a wrong mark comes to, of a child that says no more than what it marks.
fn effect_of_mark(otherwise: &Otherwise, causes: &Causes<'_>, got: &Results) -> Effect {
    let is_there = otherwise.nodes.first().is_some_and(|node| causes.exists(node));
    match otherwise.wrong {
        _ if got.removed.is_some() || got.after.is_some() || !is_there => Effect::Neither,
        Wrong::Differs("marked", Way::Missing) => Effect::Loses,
        Wrong::Differs("marked", Way::Extra) => Effect::Leaves,
        _ => Effect::Neither,
    }
}

/// Where the sweep looks for a snapshot whose snapshotter's name has a slash: the snapshotter in which it does, and the words.
fn looked_for_elsewhere(words: Words<'_>, node: &Node) -> Option<(Vec<u8>, String)> {
    let slash = views::snapshot_slash(words.tree, &node.namespace, &node.key);
    let first = node.key.iter().position(|byte| *byte == b'/').filter(|first| Some(*first) < slash)?;
    if words.release.kind_of(node.resource_type) != Kind::Snapshot {
        return None;
    }
    let (around, key) = (&node.key[..first], &node.key[first + 1..]);
    let told = format!(
        "looks for {} as {} of snapshotter {}, which is there and has none; without that snapshotter it would pass it over",
        words.plain(node.as_ref()),
        text::name(key),
        text::name(around)
    );
    Some((around.to_vec(), told))
}

impl Otherwise {
    /// Holds an answer against what was recorded of the case, else against what our engine does with it under a release;
    /// none where both do the same.
    ///
    /// Where the result depends on the order of Go's map iteration, as with 1.7.0-beta.1's shared loop variable, every
    /// outcome that can come is right.
    pub fn of_answer(row: &Row, release: Release, namespace: &[u8], answer: &Answer) -> Option<Otherwise> {
        let types = row.collectors.iter().map(|collector| Some(collector.resource_type));
        let lasts = match release.rules().shared_loop_variable {
            true => types.rev().chain([None]).collect(),
            false => vec![None],
        };
        let mut first = None;
        let ours = lasts.into_iter().map(|last| results(&row.situation(release, last), None));
        let ours = ours.take(if row.expected.is_empty() { usize::MAX } else { 0 });
        for expected in row.expected.iter().cloned().chain(ours) {
            match compare(row, &expected, &answer.results) {
                Ok(()) => return None,
                Err(difference) => first = first.or(Some((expected, difference))),
            }
        }
        let words = Words { release, tree: &row.db, namespace };
        let (expected, difference) = first?;
        let situation = row.situation(release, None);
        let causes = Causes::of(&situation, lost(words, &expected, &answer.results));
        let whose = if row.expected.is_empty() { "ours" } else { THE_RECORD };
        let mut all = disagreements(row, words, &causes, whose, &expected, &answer.results);
        // What follows from a record that contradicts itself is about no field of the answer.
        if all.is_empty() {
            all.push(Disagreement::of_record(difference));
        }
        let mut otherwise = Otherwise::of(all, &causes, &answer.results);
        otherwise.effect = otherwise.effect.min(effect_of_mark(&otherwise, &causes, &answer.results));
        otherwise.child.extend(other_release(release, &expected, &answer.results));
        Some(otherwise)
    }

    /// Holds what our own engine or oracle does with a row's case against what was recorded; none where no object, call or
    /// error differs.
    pub fn of_record(row: &Row, release: Release, recorded: &Results, got: &Results) -> Option<Otherwise> {
        let words = Words { release, tree: &row.db, namespace: DEFAULT_NAMESPACE };
        let situation = row.situation(release, None);
        let causes = Causes::of(&situation, lost(words, recorded, got));
        let all = disagreements(row, words, &causes, THE_RECORD, recorded, got);
        (!all.is_empty()).then(|| Otherwise::of(all, &causes, got))
    }

    /// What was recorded of the nodes that this is about, a line each.
    pub fn recorded(&self, row: &Row, release: Release, recorded: &Results) -> Vec<String> {
        let words = Words { release, tree: &row.db, namespace: DEFAULT_NAMESPACE };
        let has = |list: &Option<Vec<Node>>, node: &Node| list.iter().flatten().any(|other| other == node);
        let error = recorded.error.iter().flatten().next();
        let fails = error.map(|error| format!("fails with `{}`", text::name(error.as_bytes())));
        let does = |node: &Node| {
            let is_marked = recorded.marked.iter().flatten().flatten().any(|marked| marked == node);
            match error {
                Some(_) => "leaves ",
                None if has(&recorded.removed, node) => "removes",
                None if has(&recorded.all, node) => "keeps  ",
                None if is_marked => "marks  ",
                None => "skips  ",
            }
        };
        let about = self.nodes.iter().take(NODES_MAX);
        let about = about.map(|node| format!("{} {}", does(node), words.plain(node.as_ref())));
        let said = fails.into_iter().chain(about).chain(self.ours.iter().cloned()).collect::<Vec<_>>();
        if said.is_empty() { vec!["succeeds".to_owned()] } else { said }
    }

    /// What it is about, in brackets behind a title; empty where that is no node.
    pub fn about(&self, release: Release) -> String {
        self.cause.map(|cause| format!(" ({})", cause.text(release))).unwrap_or_default()
    }

    /// Why the oracle keeps the nodes that this is about, or does not.
    pub fn judged(&self, collected: &Collected) -> Vec<String> {
        let judgement = judge(&collected.before, Defects::as_shipped(collected.before.release));
        let about = self.nodes.iter().take(NODES_MAX);
        let mut told: Vec<String> = Vec::new();
        for line in about.flat_map(|node| Explained::of_node(collected, &judgement, node.clone()).oracle) {
            if !told.contains(&line) {
                told.push(line);
            }
        }
        told
    }

    fn of(all: Vec<Disagreement>, causes: &Causes<'_>, got: &Results) -> Otherwise {
        let mut first = all.first().expect("what differs is said");
        // The places at which an error is seen are one mistake.
        if first.is_of_error() {
            first = all.iter().find(|told| told.field == "error").unwrap_or(first);
        }
        let comes_to = |lost, left| {
            let is = |(field, way)| all.iter().any(|told| (told.field, told.way) == (field, way));
            if is(lost) { Some(Effect::Loses) } else { is(left).then_some(Effect::Leaves) }
        };
        let effect = comes_to(("removed", Way::Extra), ("removed", Way::Missing))
            .or_else(|| comes_to(("db_after", Way::Missing), ("db_after", Way::Extra)));
        let mut nodes = Vec::new();
        for node in all.iter().flat_map(|told| &told.nodes) {
            if !nodes.contains(node) {
                nodes.push(node.clone());
            }
        }
        Otherwise {
            wrong: Wrong::Differs(first.field, first.way),
            cause: cause(first, causes, got),
            effect: effect.unwrap_or(Effect::Neither),
            has_failed: all.iter().any(|told| told.field == "error" || told.field == "roots_error"),
            // Two calls of one collector have one reason.
            ours: all
                .iter()
                .filter_map(|told| told.ours.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            child: all.into_iter().map(|told| told.text).collect(),
            nodes,
        }
    }

    /// What ours does, and why, as it is said of our own findings.
    pub fn explained(&self, collected: &Collected) -> Explained {
        let Situation { release, ref tree, .. } = collected.before;
        let outcome = &collected.outcome;
        let words = Words { release, tree, namespace: &collected.namespace };
        let mut explained = Explained::default();
        match &outcome.error {
            None if self.has_failed => {
                explained.oracle.push("succeeds, as nothing that it meets calls for an error".to_owned());
            }
            None => {}
            Some(error) => {
                let error = text::name(error.to_string().as_bytes());
                let culprits = culprits(&collected.before, outcome);
                let at: Vec<String> =
                    culprits.iter().map(|culprit| words.plain(culprit.node.as_ref())).collect();
                let at = if at.is_empty() { String::new() } else { format!(" at {}", at.join(", ")) };
                explained.oracle.push(format!("fails with `{error}`{at}, and changes nothing"));
                for culprit in &culprits {
                    explained.add_names(release, &culprit.node);
                    if let Some((around, told)) = looked_for_elsewhere(words, &culprit.node) {
                        explained.names.insert(around);
                        explained.oracle.push(told);
                    }
                }
            }
        }
        let judgement = judge(&collected.before, Defects::as_shipped(release));
        let walked: BTreeSet<_> = outcome.refs(&outcome.walked).collect();
        for node in self.nodes.iter().take(NODES_MAX) {
            let more = Explained::of_node(collected, &judgement, node.clone());
            let node = node.as_ref();
            explained.names.extend(more.names);
            let kind = release.kind_of(node.resource_type);
            let (does, stays) = match walked.contains(&node) {
                _ if outcome.error.is_some() => ("leaves", ""),
                true if collected.has_removed(node) => {
                    match views::has(&outcome.after, kind, node.namespace, node.key) {
                        true => (HANDS_TO_REMOVAL, "; its bucket stays"),
                        false => ("removes", ""),
                    }
                }
                true => ("keeps", ""),
                false if judgement.keeps(node) => ("marks", ""),
                false => ("skips", ""),
            };
            if !explained.oracle.iter().any(|told| told.ends_with(&more.oracle[0])) {
                // The longest of the usual words.
                let width = does.len().max("removes".len());
                let does = iter::once((does, stays)).chain(iter::repeat(("", "")));
                let lines = more.oracle.iter().zip(does);
                let lines = lines.map(|(line, (does, stays))| format!("{does:width$} {line}{stays}"));
                explained.oracle.extend(lines);
            }
        }
        explained.oracle.extend(self.ours.iter().cloned());
        if explained.oracle.is_empty() {
            explained.oracle.push("succeeds".to_owned());
        }
        explained
    }

    /// What ours does with these nodes, as steps behind the collection for a client of a namespace.
    pub fn expectations(&self, collected: &Collected, namespace: &[u8]) -> Vec<Step> {
        let outcome = &collected.outcome;
        if let Some(error) = &outcome.error {
            return vec![Step::Expect(Assertion::Error(error.to_string().into_bytes()))];
        }
        let walked: BTreeSet<_> = outcome.refs(&outcome.walked).collect();
        let about: Vec<_> = match self.nodes.is_empty() {
            true => outcome.refs(&outcome.removed).collect(),
            false => self.nodes.iter().map(Node::as_ref).filter(|node| walked.contains(node)).collect(),
        };
        let (removed, kept): (Vec<_>, Vec<_>) =
            about.into_iter().partition(|node| collected.has_removed(*node));
        let names = |nodes: Vec<_>| {
            let names = nodes.into_iter().map(|node| {
                let name = NodeName::of(collected.before.release, node);
                let name = NodeName { namespace: name.namespace.filter(|own| own != namespace), ..name };
                // A snapshotter with a slash stands in quotes.
                let slash = views::snapshot_slash(&collected.before.tree, node.namespace, node.key);
                match slash.filter(|_| name.kind == Kind::Snapshot) {
                    Some(slash) => name.of_snapshotter(slash),
                    None => name,
                }
            });
            names.collect()
        };
        Assertion::of_nodes(names(kept), names(removed), Vec::new())
    }
}
