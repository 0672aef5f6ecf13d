//! A drawn case as steps that anyone can replay: the tree by raw edits, the collectors declared.

use super::trees::Case;
use crate::bucket::{Entry, View};
use crate::collector::Collector;
use crate::node::{Kind, Node, ResourceType};
use crate::release::Release;
use crate::scenario::{Call, KeyPath, NodeName, RawValue, Step};
use crate::schema::{names, time, varint};

/// The steps that lead to a case under a release. Its collectors have the numbers of `numbering`; those that the
/// release has no number for are left out.
pub fn case_steps(case: &Case, numbering: Release, release: Release) -> Vec<Step> {
    let mut steps = vec![Step::Now(case.now)];
    raw_steps(case.tree.view(), &mut steps);
    let is_known =
        |collector: &&Collector| has_collector(release, kind_of(numbering, collector.resource_type));
    for collector in case.collectors.iter().filter(is_known) {
        collector_steps(numbering, collector, &mut steps);
    }
    steps
}

/// Whether a release takes collectors of a kind.
pub fn has_collector(release: Release, kind: Kind) -> bool {
    let number = release.type_of(kind).filter(|number| release.kind_of(*number) == kind);
    release.rules().collectors && number.is_some_and(|number| number.0 >= release.rules().types.end)
}

/// What a type of a case is called in a scenario; a flat one goes by its number.
pub fn kind_of(numbering: Release, resource_type: ResourceType) -> Kind {
    match numbering.is_flat(resource_type) {
        true => Kind::Other(resource_type.0),
        false => numbering.kind_of(resource_type),
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
        let is_written = bucket.sequence() != 0 || bucket.iter().any(|(_, entry)| entry.value().is_some());
        if !path.is_empty() && path != [names::V1] && (is_written || buckets.is_empty()) {
            steps.push(Step::RawBucket { path: path.clone() });
        }
        for (key, entry) in bucket.iter() {
            if let Entry::Value(value) = entry {
                steps.push(Step::RawPut { path: below(key), value: raw_value(key, value) });
            }
        }
        // The root's own has no step; no collection looks at it.
        if bucket.sequence() != 0 && !path.is_empty() {
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

fn collector_steps(numbering: Release, collector: &Collector, steps: &mut Vec<Step>) {
    let kind = kind_of(numbering, collector.resource_type);
    let name = |node: &Node| NodeName {
        namespace: Some(node.namespace.to_vec()),
        kind: kind_of(numbering, node.resource_type),
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
    let failing = [
        (collector.start_error, Call::Start),
        (collector.cancel_error, Call::Cancel),
        (collector.finish_error, Call::Finish),
    ];
    for (_, call) in failing.into_iter().filter(|(fails, _)| *fails) {
        steps.push(Step::CollectorFail { collector: kind, call });
    }
}
