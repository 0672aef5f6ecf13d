//! A drawn situation as steps that anyone can replay: the tree by raw edits, the collectors declared.

use crate::bucket::{Entry, View};
use crate::collector::Collector;
use crate::node::Node;
use crate::release::Release;
use crate::scenario::{Call, KeyPath, NodeName, RawValue, Step};
use crate::schema::{names, time, varint};
use crate::situation::Situation;

/// The steps that lead to a situation. Collectors that its release does not take are left out.
pub fn situation_steps(situation: &Situation) -> Vec<Step> {
    let release = situation.release;
    let mut steps = vec![Step::Now(situation.now)];
    raw_steps(situation.tree.view(), &mut steps);
    let is_taken =
        |collector: &&Collector| release.collector_type(release.kind_of(collector.resource_type)).is_some();
    for collector in situation.collectors.iter().filter(is_taken) {
        collector_steps(release, collector, &mut steps);
    }
    steps
}

/// Creates what a tree has.
fn raw_steps(tree: View<'_>, steps: &mut Vec<Step>) {
    let below = |path: &KeyPath, key: &[u8]| [&path[..], &[key.to_vec()]].concat();
    for (path, bucket) in tree.walk(Vec::new(), below) {
        // Those with buckets alone come into being on the way to what is below them; a new database has `v1`.
        let is_written = bucket.sequence() != 0 || bucket.iter().any(|(_, entry)| entry.value().is_some());
        if !path.is_empty() && path != [names::V1] && (is_written || bucket.is_empty()) {
            steps.push(Step::RawBucket { path: path.clone() });
        }
        for (key, entry) in bucket.iter() {
            if let Entry::Value(value) = entry {
                steps.push(Step::RawPut { path: below(&path, key), value: raw_value(key, value) });
            }
        }
        // The root's own has no step; no collection looks at it.
        if bucket.sequence() != 0 && !path.is_empty() {
            steps.push(Step::RawSequence { path, sequence: bucket.sequence() });
        }
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

fn collector_steps(release: Release, collector: &Collector, steps: &mut Vec<Step>) {
    let kind = release.exact_kind_of(collector.resource_type);
    let name = |node: &Node| NodeName::of(release, node.as_ref());
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
    let failing = [
        (collector.start_error, Call::Start),
        (collector.cancel_error, Call::Cancel),
        (collector.finish_error, Call::Finish),
    ];
    for (_, call) in failing.into_iter().filter(|(fails, _)| *fails) {
        steps.push(Step::CollectorFail { collector: kind, call });
    }
}
