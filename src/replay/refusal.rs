//! What is easily overlooked of a step that is refused.
//!
//! ```text
//! ! failed-precondition snapshot remove overlayfs/base
//!       refused: cannot remove snapshot "base" with child: failed precondition
//!       its only child, snapshot/overlayfs/upper, is gone and still listed: ...
//! ```

use crate::bucket::View;
use crate::contract::Deviation;
use crate::metadata::{Error, ErrorKind};
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{Line, Name, NodeName, SnapshotName, Step, print_node};
use crate::schema::names;
use crate::text;
use crate::world::World;
use std::collections::BTreeSet;

/// Why a step is refused, where the error says less than the database does. `world` is the one that refused it, and stayed as it
/// was.
pub fn hint(world: &World, line: &Line, error: &Error) -> Option<String> {
    if let Step::Gc { last: Some(_), .. } = &line.step {
        return (error.kind == ErrorKind::NotFound).then(|| collectors(world));
    }
    let namespace = world.namespace(line.client.as_ref())?;
    if error.kind == ErrorKind::NotFound {
        return lease_elsewhere(world, line, namespace, error);
    }
    let Step::SnapshotRemove { snapshot } = &line.step else { return None };
    (error.kind == ErrorKind::FailedPrecondition).then(|| gone_children(world, namespace, snapshot)).flatten()
}

/// In which other namespaces there is a lease that a step does not find in its own.
fn lease_elsewhere(world: &World, line: &Line, namespace: &[u8], error: &Error) -> Option<String> {
    let said = error.to_string();
    let mut names: BTreeSet<Name> =
        world.lease(line.client.as_ref()).map(<[u8]>::to_vec).into_iter().collect();
    line.step.clone().for_each_name(&mut |name| {
        names.insert(name.clone());
    });
    // Errors have names in quotes.
    let id = names.iter().find(|name| said.starts_with(&format!("lease \"{}\"", name.escape_ascii())))?;
    let v1 = world.store().tree.bucket(names::V1)?;
    let has = |bucket: View<'_>| bucket.at(&[names::LEASES, id]).is_some();
    let others = v1.buckets().filter(|(other, bucket)| *other != namespace && has(*bucket));
    let others: Vec<String> = others.map(|(other, _)| text::name(other)).collect();
    let (first, rest) = others.split_first()?;
    let more =
        if rest.is_empty() { String::new() } else { format!(" and {} more", text::count(rest.len() as u64)) };
    Some(format!(
        "namespace {first}{more} has a lease {}, and this step is of namespace {}: a lease is of one namespace",
        text::name(id),
        text::name(namespace)
    ))
}

/// Which collectors `last=` may name.
fn collectors(world: &World) -> String {
    let release = world.release();
    let declared =
        world.collectors().iter().map(|collector| text::kind_name(release, collector.resource_type));
    let declared: Vec<String> = declared.collect();
    let there = match declared.is_empty() {
        true => "none is declared".to_owned(),
        false => format!("there are {}", declared.join(", ")),
    };
    format!(
        "last= names a collector, {there}; `collector declare` makes one, `stream open` that of the streams"
    )
}

/// That a snapshot's children are all gone: a collection that removes one leaves it listed by its parent.
fn gone_children(world: &World, namespace: &[u8], snapshot: &SnapshotName) -> Option<String> {
    let SnapshotName { snapshotter, key } = snapshot;
    let all = world.store().tree.view().at(&[names::V1, namespace, names::SNAPSHOTS, snapshotter])?;
    let children: Vec<&[u8]> = all.at(&[key, names::CHILDREN])?.iter().map(|(child, _)| child).collect();
    if children.iter().any(|child| all.bucket(child).is_some()) {
        return None;
    }
    let child = |key: &[u8]| {
        let key = [snapshotter, &b"/"[..], key].concat();
        print_node(&NodeName::new(None, Kind::Snapshot, key))
    };
    let listed = match &children[..] {
        [] => return None,
        [one] => format!("its only child, {}, is gone and still listed", child(one)),
        [first, ..] => {
            let count = text::count(children.len() as u64);
            format!("its {count} children, {} the first, are gone and still listed", child(first))
        }
    };
    let deviation = Deviation::GoneChildBlocksRemoval;
    let releases: Vec<&str> = Release::ALL
        .iter()
        .filter(|release| deviation.holds()(**release))
        .map(|release| release.name())
        .collect();
    let who = match releases.len() == Release::ALL.len() {
        true => "every release".to_owned(),
        false => format!("releases {}", releases.join(", ")),
    };
    Some(format!("{listed}: a collection by {who} leaves the entry of a child that it removes ({deviation})"))
}
