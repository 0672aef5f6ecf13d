//! What the oracle holds against a finding: the chain that keeps its node, or what might have kept it and did not.

use super::small::Small;
use crate::engine::collect;
use crate::named::nearest;
use crate::node::{Kind, Node};
use crate::oracle::{By, Judgement, judge};
use crate::properties::known::Known;
use crate::properties::property::{Property, When};
use crate::reason::{Reasons, Words};
use crate::release::Release;
use crate::scenario::{Line, Name, alias};
use crate::schema::views;
use crate::text;
use crate::world::{Collected, Fault, World};
use std::collections::BTreeSet;
use std::iter;

/// What the last collection of a small case shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explained {
    /// What the oracle holds against the engine, a line each.
    pub oracle: Vec<String>,
    /// The names that this is about.
    pub names: BTreeSet<Name>,
}

impl Explained {
    /// Explains what a small case breaks.
    pub(super) fn of(release: Release, known: Known, small: &Small, fault: Option<Fault>) -> Explained {
        let finding = &small.seen.finding;
        if !matches!(finding.property.when(), When::Each | When::Thorough) {
            let names = finding.names().into_iter().collect();
            return Explained { oracle: vec![finding.property.sentence().to_owned()], names };
        }
        let mut world = World::new(release);
        let mut last = None;
        for line in &small.case {
            last = world.apply_with(line, fault).collected.or(last);
        }
        let Some(collected) = last else { return Explained::default() };
        let judgement = judge(&collected.before, known.defects);
        if let Some(node) = finding.node().cloned().or_else(|| first_difference(&collected, &judgement)) {
            return Explained::of_node(&collected, &judgement, node);
        }
        let errors: Vec<String> = judgement.errors().iter().map(|error| format!("`{error}`")).collect();
        let said = match (finding.property, errors.is_empty()) {
            (Property::Error, _) if is_cancelled(&collected) => {
                "the context is cancelled, which ends the collection with nothing changed".to_owned()
            }
            (Property::Error, true) => "the collection succeeds".to_owned(),
            (Property::Error, false) => {
                format!("the collection fails with {}, and changes nothing", errors.join(" or "))
            }
            (property, _) => property.sentence().to_owned(),
        };
        Explained { oracle: vec![said], ..Explained::default() }
    }

    /// Why a node is kept, or everything that might have kept it and did not; whether there is such a node at all.
    pub fn of_node(collected: &Collected, judgement: &Judgement<'_>, node: Node) -> Explained {
        let release = collected.before.release;
        let tree = &collected.before.tree;
        let words = Words { release, tree, namespace: &collected.namespace };
        let mut shown = Explained::default();
        shown.add_names(release, &node);
        let is_there = views::has(tree, release.kind_of(node.resource_type), &node.namespace, &node.key)
            || judgement.exists(node.as_ref());
        let no_node = if is_there { "" } else { "there is no such object; " };
        // A resource may go though its node is kept, where it is listed with a type that is never found marked.
        let verdict = judgement.resources().find(|verdict| verdict.node() == node);
        if !verdict.map_or_else(|| judgement.keeps(node.as_ref()), |verdict| verdict.is_kept()) {
            let failures = verdict.map(|verdict| verdict.failures());
            let failures = failures.unwrap_or_else(|| judgement.failures(node.as_ref()));
            let told = words.failures_told(node.as_ref(), &failures, Reasons::All);
            let near = nearest_to(&node, words, judgement).filter(|_| !is_there && failures.is_empty());
            let near = near.map(|near| format!("; is {near} meant?")).unwrap_or_default();
            shown.oracle = beside(&words.plain(node.as_ref()), &format!("{no_node}{told}{near}"));
            return shown;
        }
        let mut kept = node;
        for reason in judgement.chain(kept.clone().as_ref()) {
            let why = words.reason(kept.as_ref(), &reason);
            let no_object =
                if shown.oracle.is_empty() && !is_there { "; there is no such object" } else { "" };
            shown.oracle.extend(beside(&words.plain(kept.as_ref()), &format!("{why}{no_object}")));
            let By::Node(by) = reason.by else { break };
            kept = by;
            shown.add_names(release, &kept);
        }
        shown
    }

    /// Adds the names of a node that this is about.
    pub fn add_names(&mut self, release: Release, node: &Node) {
        self.names.insert(node.key.to_vec());
        if release.kind_of(node.resource_type) == Kind::Snapshot
            && let Some(slash) = node.key.iter().position(|byte| *byte == b'/')
        {
            self.names.insert(node.key[slash + 1..].to_vec());
        }
    }

    /// Whether a line mentions what this is about.
    pub fn matters(&self, line: &Line) -> bool {
        let mut mentions = false;
        line.step.clone().for_each_name(&mut |name| mentions |= self.names.contains(name));
        mentions
    }
}

/// A name with what is told of it, further lines below the first.
fn beside(name: &str, told: &str) -> Vec<String> {
    /// A database may have thousands that refer to one node.
    const LINES_MAX: usize = 8;
    let more = told.lines().count().saturating_sub(LINES_MAX);
    let more =
        (more > 0).then(|| format!("and {} more, which `leasehold explain` tells", text::count(more as u64)));
    let lines = told.lines().take(LINES_MAX).map(str::to_owned).chain(more);
    let width = name.chars().count();
    let names = iter::once(name).chain(iter::repeat(""));
    lines.zip(names).map(|(line, name)| format!("{name:width$}   {line}")).collect()
}

/// Whether the context of a collection is cancelled: not where it is to be at a root behind the last one.
fn is_cancelled(collected: &Collected) -> bool {
    collected.cancel_at_root.is_some_and(|root| collect(&collected.before).roots.len() >= root)
}

/// The name of the resource, of the same kind and namespace, that is nearly called as a node is.
fn nearest_to(node: &Node, words: Words<'_>, judgement: &Judgement<'_>) -> Option<String> {
    let there = judgement.resources().map(|verdict| verdict.node()).filter(|other| {
        other.resource_type.stripped() == node.resource_type.stripped() && other.namespace == node.namespace
    });
    let named: Vec<(String, Node)> = there.map(|other| (alias::in_name(&other.key), other)).collect();
    let near = nearest(&alias::in_name(&node.key), named.iter().map(|(name, _)| &**name))?;
    named.iter().find(|(name, _)| name == near).map(|(_, other)| words.plain(other.as_ref()))
}

/// The first node of which engine and oracle think differently.
fn first_difference(collected: &Collected, judgement: &Judgement<'_>) -> Option<Node> {
    let outcome = &collected.outcome;
    if outcome.error.is_none() && judgement.errors().is_empty() {
        let differs = judgement.resources().find(|verdict| {
            let node = verdict.node();
            verdict.is_kept() == collected.has_removed(node.as_ref())
        });
        if let Some(verdict) = differs {
            return Some(verdict.node());
        }
    }
    let marked: BTreeSet<Node> = outcome.marked()?.into_iter().map(|node| node.to_node()).collect();
    let kept: BTreeSet<Node> = judgement.kept().into_iter().collect();
    marked.symmetric_difference(&kept).next().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Defects;
    use crate::scenario::{DEFAULT_NAMESPACE, parse};
    use std::sync::Arc;

    /// The last collection of a scenario.
    fn collected(text: &str) -> Arc<Collected> {
        let scenario = parse(text.as_bytes()).expect("a scenario");
        let mut world = World::new(scenario.release);
        let collected = scenario.lines.iter().filter_map(|line| world.apply(line).collected).last();
        collected.expect("a collection")
    }

    #[test]
    fn a_context_that_is_to_be_cancelled_behind_the_last_root_is_not() {
        for (root, is_so) in [(1, true), (2, true), (3, false)] {
            let collected = collected(&format!("lease create a\nlease create b\ngc cancel-at-root={root}\n"));
            assert_eq!(is_cancelled(&collected), is_so, "{root}");
        }
    }

    /// What is said of content after a scenario that ends with a collection.
    fn said(text: &str, name: &str) -> Vec<String> {
        let collected = collected(text);
        let release = collected.before.release;
        let content = release.type_of(Kind::Content).expect("every release has content");
        let digest = alias::digest_of(name).expect("a name");
        let judgement = judge(&collected.before, Defects::as_shipped(release));
        Explained::of_node(&collected, &judgement, Node::new(content, DEFAULT_NAMESPACE, &digest)).oracle
    }

    #[test]
    fn a_node_that_does_not_exist_is_said_not_to_with_who_refers_to_it() {
        let text = "release 2.1
content put layer
content put a gc.ref.content.0=@gone
content put b gc.ref.content.0=@gone
image create main target=absent
gc
";
        assert_eq!(
            said(text, "gone"),
            [
                "content/gone   there is no such object; content/a refers to it by gc.ref.content.0 and is not kept",
                "               content/b refers to it by gc.ref.content.0 and is not kept",
            ]
        );
        assert_eq!(
            said(text, "absent")[0],
            "content/absent   image/main targets it; there is no such object"
        );
        assert_eq!(
            said(text, "layr"),
            ["content/layr   there is no such object; nothing refers to it; is content/layer meant?"]
        );
        assert_eq!(said(text, "other"), ["content/other   there is no such object; nothing refers to it"]);
        assert_eq!(said(text, "layer"), ["content/layer   nothing refers to it"]);
    }
}
