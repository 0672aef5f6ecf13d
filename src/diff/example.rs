//! A small case as a scenario, which anyone can replay.
//!
//! The tree is written by raw edits and the collectors are declared; then `gc` runs under the release that runs today,
//! or under the other one where today's has no such collectors. What the two releases do is said above.

use super::campaign::Example;
use super::class::Class;
use super::compare::{Comparison, Difference, Effect, Fate, compare};
use crate::bucket::{Entry, View};
use crate::collector::Collector;
use crate::node::{Kind, Node, ResourceType};
use crate::release::Release;
use crate::scenario::{Assertion, Call, KeyPath, Line, NodeName, RawValue, Scenario, Step, Text, print_node};
use crate::schema::{names, time, varint};
use crate::simulate::trees::NUMBERING;

/// The scenario of an example of a class.
pub fn scenario(class: Class, example: &Example) -> Scenario {
    let comparison = compare(&example.pair);
    let (from, to) = (&example.pair.from, &example.pair.to);
    let lacks = |release: Release| {
        let is_missing = |kind| !has_collector(release, kind);
        example.case.collectors.iter().any(|collector| is_missing(kind_of(collector.resource_type)))
    };
    let release = if lacks(from.release) && !lacks(to.release) { to.release } else { from.release };
    let mut steps = vec![Step::Now(example.case.now)];
    raw_steps(example.case.tree.view(), &mut steps);
    let collectors = example.case.collectors.iter();
    for collector in collectors.filter(|collector| has_collector(release, kind_of(collector.resource_type))) {
        collector_steps(collector, &mut steps);
    }
    let last = example.case.last_iterated.filter(|_| release.rules().shared_loop_variable).map(kind_of);
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

fn has_collector(release: Release, kind: Kind) -> bool {
    let number = release.type_of(kind).filter(|number| release.kind_of(*number) == kind);
    release.rules().collectors && number.is_some_and(|number| number.0 >= release.rules().types.end)
}

/// A generated type's kind; a flat one goes by its number.
fn kind_of(resource_type: ResourceType) -> Kind {
    match NUMBERING.is_flat(resource_type) {
        true => Kind::Other(resource_type.0),
        false => NUMBERING.kind_of(resource_type),
    }
}

/// Creates what a tree has.
fn raw_steps(tree: View<'_>, steps: &mut Vec<Step>) {
    let mut pending: Vec<(KeyPath, View<'_>)> = vec![(Vec::new(), tree)];
    while let Some((path, bucket)) = pending.pop() {
        let below = |key: &[u8]| {
            let mut path = path.clone();
            path.push(key.to_vec());
            path
        };
        let mut buckets: Vec<_> = bucket.buckets().map(|(key, bucket)| (below(key), bucket)).collect();
        // Those with buckets alone come into being on the way to what is below them; a new database has `v1`.
        let has_values = bucket.iter().any(|(_, entry)| entry.value().is_some());
        if !path.is_empty() && path != [names::V1] && (has_values || buckets.is_empty()) {
            steps.push(Step::RawBucket { path: path.clone() });
        }
        for (key, entry) in bucket.iter() {
            if let Entry::Value(value) = entry {
                steps.push(Step::RawPut { path: below(key), value: raw_value(key, value) });
            }
        }
        if bucket.sequence() != 0 {
            steps.push(Step::RawSequence { path: path.clone(), sequence: bucket.sequence() });
        }
        buckets.reverse();
        pending.extend(buckets);
    }
}

/// A value in the most telling of its forms that gives exactly these bytes.
fn raw_value(key: &[u8], value: &[u8]) -> RawValue {
    if key == names::EXPIRE_AT
        && let Ok(at) = time::from_binary(value)
        && time::to_binary(at) == value
    {
        return RawValue::Time(at);
    }
    if key == names::VERSION
        && let Some(number) = varint::decode_signed(value)
        && varint::encode_signed(number) == value
    {
        return RawValue::Varint(number);
    }
    RawValue::Bytes(value.to_vec())
}

fn collector_steps(collector: &Collector, steps: &mut Vec<Step>) {
    let kind = kind_of(collector.resource_type);
    let name = |node: &Node| NodeName {
        namespace: Some(node.namespace.to_vec()),
        kind: kind_of(node.resource_type),
        key: node.key.to_vec(),
    };
    // `for` is said where it is not the node's own namespace.
    let asked = |namespace: &[u8], node: &Node| (namespace != &*node.namespace).then(|| namespace.to_vec());
    let label = Some(collector.reference_label.clone()).filter(|label| !label.is_empty());
    steps.push(Step::CollectorDeclare { collector: kind, label });
    if !collector.all.is_empty() {
        let nodes = collector.all.iter().map(name).collect();
        steps.push(Step::CollectorList { collector: kind, nodes });
    }
    for active in &collector.active {
        let (nodes, asked) = (vec![name(&active.node)], asked(&active.for_namespace, &active.node));
        steps.push(Step::CollectorActive { collector: kind, nodes, asked });
    }
    for leased in &collector.leased {
        let (nodes, asked) = (vec![name(&leased.node)], asked(&leased.for_namespace, &leased.node));
        steps.push(Step::CollectorLeased { collector: kind, nodes, lease: leased.lease.to_vec(), asked });
    }
    for back in &collector.active_back_references {
        let (from, to, asked) = (name(&back.from), name(&back.to), asked(&back.for_namespace, &back.to));
        steps.push(Step::CollectorBackReference { collector: kind, from, to, asked });
    }
    for (from, targets) in &collector.references {
        let (from, to) = (name(from), targets.iter().map(name).collect::<Vec<_>>());
        if !to.is_empty() {
            steps.push(Step::CollectorReferences { collector: kind, from, to });
        }
    }
    if collector.start_error {
        steps.push(Step::CollectorFail { collector: kind, call: Call::Start });
    }
}
