//! A small case as a scenario, which anyone can replay.
//!
//! The tree is written by raw edits and the collectors are declared; then `gc` runs under the release that runs today,
//! or under the other one where today's has no such collectors. What the two releases do is said above.

use super::campaign::Example;
use super::class::Class;
use super::compare::{Comparison, Difference, Effect, Fate, compare};
use crate::generate::written::{kind_of, situation_steps};
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{Assertion, Line, NodeName, Scenario, Step, Text, print_node};

/// The scenario of an example of a class.
pub fn scenario(class: Class, example: &Example) -> Scenario {
    let comparison = compare(&example.pair);
    let (from, to) = (&example.pair.from, &example.pair.to);
    let has_more = to.collectors.len() > from.collectors.len();
    let release = if has_more { to.release } else { from.release };
    let case = example.case.under(release);
    let mut steps = situation_steps(&case);
    let last = case.last_iterated.filter(|_| release.rules().shared_loop_variable);
    let last = last.map(|resource_type| kind_of(release, resource_type));
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
        let node = print_node(&name_of(difference));
        text.push_str(&match difference.effect {
            Effect::Removed => format!("{from} keeps {node}, {to} removes it.\n"),
            Effect::Kept => format!("{from} removes {node}, {to} keeps it.\n"),
            Effect::Alike => format!("{from} and {to} keep {node}, each for a reason of its own.\n"),
        });
    }
    if let Some(errors) = comparison.errors.as_ref().filter(|errors| errors.class == class) {
        let ends = |error: &Option<String>| match error {
            None => "succeeds".to_owned(),
            Some(error) => format!("fails: {}", error.escape_debug()),
        };
        text.push_str(&format!("With {from} the collection {}.\n", ends(&errors.from)));
        text.push_str(&format!("With {to} the collection {}.\n", ends(&errors.to)));
    }
    for ends in comparison.ends.iter().filter(|ends| ends.class == class) {
        let [from_end, to_end] = [ends.from, ends.to].map(|end| format!("{end:?}").to_lowercase());
        let kind = ends.kind;
        text.push_str(&format!("The collector {kind} hears {from_end} from {from}, {to_end} from {to}.\n"));
    }
    Text::lines(&text)
}

/// What the release of the scenario does with the nodes that show the class.
fn expectations(comparison: &Comparison<'_>, class: Class, release: Release) -> Vec<Step> {
    let is_from = comparison.pair.from.release == release;
    let error = match (&comparison.errors, &comparison.common_error) {
        (Some(errors), _) => if is_from { &errors.from } else { &errors.to }.as_ref(),
        (None, error) => error.as_ref(),
    };
    if let Some(error) = error {
        return vec![Step::Expect(Assertion::Error(error.clone().into_bytes()))];
    }
    let (mut kept, mut removed, mut present) = (Vec::new(), Vec::new(), Vec::new());
    for difference in comparison.differences.iter().filter(|difference| difference.class == class) {
        match if is_from { &difference.from } else { &difference.to } {
            Fate::Kept(_) => kept.push(name_of(difference)),
            Fate::Removed(_) => removed.push(name_of(difference)),
            // What only collectors list is not in the database.
            Fate::Spared(_) | Fate::NotSwept if difference.kind == Kind::Image => {
                present.push(name_of(difference));
            }
            Fate::Spared(_) | Fate::NotSwept => {}
        }
    }
    let expect = |nodes: Vec<NodeName>, assertion: fn(Vec<NodeName>) -> Assertion| {
        (!nodes.is_empty()).then(|| Step::Expect(assertion(nodes)))
    };
    let expected = [
        expect(kept, Assertion::Kept),
        expect(removed, Assertion::Removed),
        expect(present, Assertion::Present),
    ];
    let mut expected: Vec<Step> = expected.into_iter().flatten().collect();
    if expected.is_empty() {
        expected.push(Step::Expect(Assertion::Same));
    }
    expected
}

fn name_of(difference: &Difference<'_>) -> NodeName {
    let Difference { kind, namespace, key, .. } = difference;
    NodeName { namespace: Some(namespace.to_vec()), kind: *kind, key: key.to_vec() }
}
