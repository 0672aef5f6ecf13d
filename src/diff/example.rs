//! A small case as a scenario, which anyone can replay.
//!
//! The tree is written by raw edits and the collectors are declared; then `gc` runs under the release that runs today,
//! or under the other one where only that one has all of the collectors and nodes. What both releases do is said above.

use super::campaign::Example;
use super::class::Class;
use super::compare::{Comparison, Effect, EndsDiffer, Errors, Fate, compare};
use crate::generate::written::situation_steps;
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{Assertion, Line, Scenario, Step, Text, print_node_cut};
use crate::schema::views;

/// The scenario of an example of a class.
pub fn scenario(class: Class, example: &Example) -> Scenario {
    let comparison = compare(&example.pair);
    let (from, to) = (example.pair.from.release, example.pair.to.release);
    // What falls away under a release does not come back.
    let is_less = |release| example.case.under(release).under(example.case.release) != example.case;
    let release = if is_less(from) && !is_less(to) { to } else { from };
    let case = example.case.under(release);
    let mut steps = situation_steps(&case);
    let last = case.last_iterated.filter(|_| release.rules().shared_loop_variable);
    let last = last.map(|resource_type| release.exact_kind_of(resource_type));
    steps.push(Step::Gc { last, cancel_at_root: None });
    steps.extend(expectations(&comparison, class, release));
    Scenario {
        head: head(&comparison, class),
        release,
        lines: steps.into_iter().map(Line::new).collect(),
        tail: Vec::new(),
    }
}

fn head(comparison: &Comparison<'_>, class: Class) -> Vec<Text> {
    let (from, to) = (comparison.pair.from.release, comparison.pair.to.release);
    let mut text = format!("{class}: {}.\n", class.sentence());
    for difference in comparison.differences.iter().filter(|difference| difference.class == class) {
        let node = &difference.node;
        let name = node.in_steps();
        let slash = views::snapshot_slash(&comparison.pair.from.tree, &node.namespace, &name.key);
        let node = print_node_cut(&name, slash);
        text.push_str(&match difference.effect {
            Effect::Removed => format!("{from} keeps {node}, {to} removes it.\n"),
            Effect::Kept => format!("{from} removes {node}, {to} keeps it.\n"),
            Effect::Alike => format!("{from} and {to} keep {node}, each for a reason of its own.\n"),
        });
    }
    let errors = &comparison.errors;
    if errors.class == Some(class) {
        let ends = |error: &Option<String>| match error {
            None => "succeeds".to_owned(),
            Some(error) => format!("fails: {}", error.escape_debug()),
        };
        text.push_str(&format!("With {from} the collection {}.\n", ends(&errors.from)));
        text.push_str(&format!("With {to} the collection {}.\n", ends(&errors.to)));
    }
    for ends in comparison.ends.iter().filter(|ends| ends.class == class) {
        let EndsDiffer { kind, from: from_end, to: to_end, .. } = ends;
        text.push_str(&format!("The collector {kind} hears {from_end} from {from}, {to_end} from {to}.\n"));
    }
    Text::lines(&text)
}

/// What the release of the scenario does with the nodes that show the class.
fn expectations(comparison: &Comparison<'_>, class: Class, release: Release) -> Vec<Step> {
    let is_from = comparison.pair.from.release == release;
    let Errors { from, to, .. } = &comparison.errors;
    if let Some(error) = if is_from { from } else { to } {
        return vec![Step::Expect(Assertion::Error(error.clone().into_bytes()))];
    }
    let (mut kept, mut removed, mut present) = (Vec::new(), Vec::new(), Vec::new());
    for difference in comparison.differences.iter().filter(|difference| difference.class == class) {
        match if is_from { &difference.from } else { &difference.to } {
            Fate::Kept(_) => kept.push(difference.node.in_steps()),
            Fate::Removed(_) => removed.push(difference.node.in_steps()),
            // What only collectors list is not in the database.
            Fate::Spared(_) | Fate::NotSwept if difference.node.kind == Kind::Image => {
                present.push(difference.node.in_steps());
            }
            Fate::Spared(_) | Fate::NotSwept => {}
        }
    }
    Assertion::of_nodes(kept, removed, present)
}
