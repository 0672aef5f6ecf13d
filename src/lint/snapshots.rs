//! Snapshots: parents and children that know of each other.

use super::finding::{Findings, Object, and_more};
use super::lints::Lint;
use super::namespace::Namespace;
use crate::bucket::View;
use crate::schema::names;
use crate::text;

/// Looks at the snapshots of a namespace.
pub(super) fn lint(namespace: Namespace<'_>, findings: &mut Findings) {
    for (snapshotter, snapshots) in namespace.snapshotters() {
        for (key, snapshot) in snapshots.buckets() {
            let object = || Object::snapshot(namespace.name, snapshotter, key);
            children(snapshots, key, snapshot, object, findings);
            if let Some(parent) = parent_of(snapshot) {
                let name = Object::snapshot(b"", snapshotter, parent).in_text();
                match snapshots.bucket(parent) {
                    None => {
                        let text = format!("its parent {name} is missing");
                        findings.add(Lint::ParentMissing, object(), text);
                    }
                    Some(bucket) if !lists(bucket, key) => {
                        let text = format!("its parent {name} does not list it");
                        findings.add(Lint::ChildEntryMissing, object(), text);
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// The key of a snapshot's parent.
fn parent_of(snapshot: View<'_>) -> Option<&[u8]> {
    snapshot.get(names::PARENT).filter(|parent| !parent.is_empty())
}

fn lists(parent: View<'_>, child: &[u8]) -> bool {
    parent.bucket(names::CHILDREN).is_some_and(|children| children.entry(child).is_some())
}

fn children(
    snapshots: View<'_>,
    key: &[u8],
    snapshot: View<'_>,
    object: impl Fn() -> Object,
    findings: &mut Findings,
) {
    let listed = snapshot.bucket(names::CHILDREN).into_iter().flat_map(View::iter);
    let mut stale = listed.filter_map(|(child, _)| match snapshots.bucket(child) {
        None => Some((child, "missing")),
        Some(bucket) => (parent_of(bucket) != Some(key)).then_some((child, "not its own")),
    });
    if let Some((first, what)) = stale.next() {
        let text = format!("its child {} is {what}{}", text::name(first), and_more(stale.count()));
        findings.add(Lint::ChildEntryStale, object(), text);
    }
}
