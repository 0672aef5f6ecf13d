//! Other names for everything that has one.

use super::regions::{Region, rebuilt};
use crate::bucket::Bucket;
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::node::Node;
use crate::schema::names;

/// Another name for each name: letters and digits change places, everything else stays.
fn renamed(name: &[u8]) -> Vec<u8> {
    turned(name, |count| count / 2 + 1)
}

/// The name for which another one stands.
fn original(name: &[u8]) -> Vec<u8> {
    turned(name, |count| count - (count / 2 + 1))
}

/// Letters and digits moved by so many places of theirs, of which there are so many.
fn turned(name: &[u8], places: fn(u8) -> u8) -> Vec<u8> {
    let turn = |byte: u8, first: u8, count: u8| first + (byte - first + places(count)) % count;
    name.iter()
        .map(|byte| match byte {
            b'a'..=b'z' => turn(*byte, b'a', 26),
            b'0'..=b'9' => turn(*byte, b'0', 10),
            _ => *byte,
        })
        .collect()
}

/// The node of the database with which a renamed one came about.
pub(super) fn named_back(node: &Node) -> Node {
    Node::new(node.resource_type, &original(&node.namespace), &original(&node.key))
}

fn renamed_node(node: &Node) -> Node {
    Node::new(node.resource_type, &renamed(&node.namespace), &renamed(&node.key))
}

pub(super) fn renamed_collector(collector: &Collector) -> Collector {
    let renamed_box = |name: &[u8]| renamed(name).into_boxed_slice();
    let nodes = |nodes: &[Node]| nodes.iter().map(renamed_node).collect::<Vec<_>>();
    Collector {
        all: nodes(&collector.all),
        active: collector
            .active
            .iter()
            .map(|one| Active {
                for_namespace: renamed_box(&one.for_namespace),
                node: renamed_node(&one.node),
            })
            .collect(),
        leased: collector
            .leased
            .iter()
            .map(|one| Leased {
                for_namespace: renamed_box(&one.for_namespace),
                lease: renamed_box(&one.lease),
                node: renamed_node(&one.node),
            })
            .collect(),
        active_back_references: collector
            .active_back_references
            .iter()
            .map(|one| BackReference {
                for_namespace: renamed_box(&one.for_namespace),
                from: renamed_node(&one.from),
                to: renamed_node(&one.to),
            })
            .collect(),
        references: collector.references.iter().map(|(from, to)| (renamed_node(from), nodes(to))).collect(),
        ..collector.clone()
    }
}

pub(super) fn renamed_tree(tree: &Bucket) -> Bucket {
    rebuilt(tree, |region, key, value| {
        let new_key = match region {
            Region::Labels => renamed_label(key),
            _ if region.has_names() => renamed(key),
            _ => key.to_vec(),
        };
        let new_value = value.map(|value| match region {
            Region::Labels => renamed_label_value(key, value),
            _ if region.is_name(key) => renamed(value),
            _ => value.to_vec(),
        });
        Some((new_key, new_value))
    })
}

/// Labels that name a snapshotter name it behind these.
const NAMING: [&[u8]; 3] = [names::GC_REF_SNAPSHOT, names::GC_BREF_SNAPSHOT, names::GC_COND_SNAPSHOT];

fn renamed_label(label: &[u8]) -> Vec<u8> {
    let naming = NAMING.into_iter().find(|naming| label.starts_with(naming));
    naming.map_or_else(|| label.to_vec(), |naming| [naming, &renamed(&label[naming.len()..])].concat())
}

/// Times stay, conditions stay up to their bar, everything else is a name.
fn renamed_label_value(label: &[u8], value: &[u8]) -> Vec<u8> {
    if label.starts_with(names::GC_COND_USED_AT) || label == names::GC_EXPIRE {
        return value.to_vec();
    }
    let bar =
        value.iter().position(|byte| *byte == b'|').filter(|_| label.starts_with(names::GC_COND_SNAPSHOT));
    let (kept, name) = value.split_at(bar.map_or(0, |bar| bar + 1));
    [kept, &renamed(name)].concat()
}
