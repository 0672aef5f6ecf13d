//! What an `expect` names that cannot be.
//!
//! It holds where it says that the node is absent, whatever was meant:
//!
//! ```text
//! expect absent snapshot/base          names no snapshotter: write snapshot/overlayfs/base
//! expect not-stored image/main         no backend stores images
//! expect absent task/web               nothing can have tasks
//! ```

use crate::node::{Kind, ResourceType};
use crate::release::Release;
use crate::scenario::{Assertion, NewSnapshot, NodeName, Scenario, Step, print_node};
use crate::text;
use std::collections::BTreeMap;

/// What is to be said of the nodes that a step expects something of in a release.
pub(super) fn impossible(
    snapshotters: &Snapshotters<'_>,
    release: Release,
    step: &Step,
) -> impl Iterator<Item = String> {
    nodes(step).filter_map(move |(node, is_stored)| cannot_be(snapshotters, release, node, is_stored))
}

/// The nodes that an `expect` step names, and whether it asks the backends for them.
fn nodes(step: &Step) -> impl Iterator<Item = (&NodeName, bool)> {
    let (nodes, is_stored): (&[NodeName], bool) = match step {
        Step::Expect(
            Assertion::Kept(nodes)
            | Assertion::Removed(nodes)
            | Assertion::Present(nodes)
            | Assertion::Absent(nodes),
        ) => (nodes, false),
        Step::Expect(Assertion::Stored(nodes) | Assertion::NotStored(nodes)) => (nodes, true),
        _ => (&[], false),
    };
    nodes.iter().map(move |node| (node, is_stored))
}

/// A node that never is, in the release that is expected of.
fn cannot_be(
    snapshotters: &Snapshotters<'_>,
    release: Release,
    node: &NodeName,
    is_stored: bool,
) -> Option<String> {
    let kind = release.type_of(node.kind).map_or(node.kind, |number| release.kind_of(number));
    // The bits above a collector's number, as in a flat type, are another one of its kind.
    let kind =
        if let Kind::Other(number) = kind { release.kind_of(ResourceType(number).stripped()) } else { kind };
    let key = text::name(&node.key);
    let is_of_no_collector =
        || Release::ALL.into_iter().all(|release| release.collector_type(kind).is_none());
    let is_nameless = |namespace: &Vec<u8>| namespace.is_empty();
    let why = match kind {
        Kind::Content | Kind::Snapshot | Kind::Container | Kind::Image | Kind::Lease | Kind::Ingest
            if node.key.is_empty() =>
        {
            "has no key, which nothing is without".to_owned()
        }
        _ if node.namespace.as_ref().is_some_and(is_nameless) => {
            format!(
                "is in a namespace without a name, which none is; write `{}`",
                print_node(&NodeName { namespace: None, ..node.clone() })
            )
        }
        Kind::Snapshot
            if node.key.len() > 1
                && node.key.iter().position(|byte| *byte == b'/') == Some(node.key.len() - 1) =>
        {
            format!("names nothing: behind `{key}` the snapshot's key is missing")
        }
        Kind::Snapshot if !names_snapshotter(&node.key) => {
            let meant = snapshotters.of_key(&node.key).unwrap_or_else(|| "SNAPSHOTTER".to_owned());
            format!("names nothing; write `snapshot/{meant}/{key}`")
        }
        Kind::Content | Kind::Ingest | Kind::Snapshot => return None,
        _ if is_stored => {
            "is of a kind that no backend stores: content, ingests and snapshots are stored".to_owned()
        }
        Kind::Task | Kind::Other(_) if is_of_no_collector() => "is of a kind that nothing can be".to_owned(),
        _ => return None,
    };
    Some(format!("`{}` {why}", print_node(node)))
}

/// Whether a snapshot's key has its snapshotter before a slash, and something behind it.
fn names_snapshotter(key: &[u8]) -> bool {
    let slash = key.iter().skip(1).position(|byte| *byte == b'/');
    slash.is_some_and(|before| before + 2 < key.len())
}

/// In which snapshotter a scenario first makes a snapshot of a name.
pub(super) struct Snapshotters<'s>(BTreeMap<&'s [u8], &'s [u8]>);

impl<'s> Snapshotters<'s> {
    pub(super) fn of(scenario: &'s Scenario) -> Snapshotters<'s> {
        let mut first = BTreeMap::new();
        for line in &scenario.lines {
            let (key, snapshotter): (&[u8], &[u8]) = match &line.step {
                Step::SnapshotPrepare(NewSnapshot { snapshot, .. })
                | Step::SnapshotView(NewSnapshot { snapshot, .. }) => (&snapshot.key, &snapshot.snapshotter),
                Step::SnapshotCommit { snapshot, name, .. } => (name, &snapshot.snapshotter),
                _ => continue,
            };
            first.entry(key).or_insert(snapshotter);
        }
        Snapshotters(first)
    }

    fn of_key(&self, key: &[u8]) -> Option<String> {
        self.0.get(key).map(|snapshotter| text::name(snapshotter))
    }
}
