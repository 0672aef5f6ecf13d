//! A step and its opposite: what the first one brought is gone after the second.
//!
//! ```text
//!   before ── lease add l content/x ──> after ── lease drop l content/x ──> undone
//!      └───────────── the same, where the first step changed something ───────┘
//! ```
//!
//! Asked of steps that only add: where something was there before, no single step gives it back. Times and sequence
//! numbers stay as the later step leaves them, and so do empty buckets.

use super::finding::{Breach, Undoing};
use super::panics::catching;
use crate::bucket::{Bucket, Entry, View, diff};
use crate::contract::{CREATED_AT, UPDATED_AT};
use crate::metadata::ErrorKind;
use crate::scenario::{KeyPath, Labels, Line, Name, Step};
use crate::schema::names::LABELS;
use crate::world::{Fault, World};

/// Undoes a step that was accepted; none where it has no opposite.
pub(super) fn held(
    before: &World,
    line: &Line,
    after: &World,
    fault: Option<Fault>,
) -> Option<Result<(), Breach>> {
    let opposite = opposite(&line.step)?;
    let mut added = added(&before.store().tree, &after.store().tree)?;
    if matches!(opposite, Step::ContentLabel { .. }) {
        // Content that no client wrote gets a size with its first label, and keeps it.
        added.retain(|path| path.contains(&LABELS));
    }
    if added.is_empty() {
        return None;
    }
    let mut undone = after.clone();
    let undoing = Box::new(Undoing { step: line.step.clone(), opposite: opposite.clone() });
    // Without the guard of the line, which may not hold any more.
    let ran =
        catching(|| undone.apply_with(&Line { client: line.client.clone(), ..Line::new(opposite) }, fault));
    let applied = match ran {
        Ok(applied) => applied,
        Err(said) => return Some(Err(Breach::UndoingPanics(undoing, said))),
    };
    if let Some(error) = applied.refused {
        // What waits for somebody else is no answer yet.
        let waits = matches!(error.kind, ErrorKind::Blocked | ErrorKind::Deadlock);
        return (!waits).then_some(Err(Breach::CannotBeUndone(undoing, error)));
    }
    let tree = undone.store().tree.view();
    let left = added.into_iter().find_map(|path| left_at(tree, path));
    Some(left.map_or(Ok(()), |path| Err(Breach::NotUndone(undoing, path))))
}

/// The step that undoes it.
fn opposite(step: &Step) -> Option<Step> {
    Some(match step {
        Step::NamespaceCreate { namespace, .. } => Step::NamespaceDelete { namespace: namespace.clone() },
        Step::ContentOpen { reference, .. } => Step::ContentAbort { reference: reference.clone() },
        Step::ContentPut { digest, .. } => Step::ContentDelete { digest: digest.clone() },
        Step::SnapshotPrepare(new) | Step::SnapshotView(new) => {
            Step::SnapshotRemove { snapshot: new.snapshot.clone() }
        }
        Step::ImageCreate { image, .. } => Step::ImageDelete { image: image.clone(), sync: false },
        Step::ContainerCreate { container, .. } => Step::ContainerDelete { container: container.clone() },
        Step::SandboxCreate { sandbox, .. } => Step::SandboxDelete { sandbox: sandbox.clone() },
        Step::LeaseCreate { lease, .. } => Step::LeaseDelete { lease: lease.clone(), sync: false },
        Step::LeaseAdd { lease, resources } => {
            Step::LeaseDrop { lease: lease.clone(), resources: resources.clone() }
        }
        Step::ContentLabel { digest, replace: false, labels } => {
            Step::ContentLabel { digest: digest.clone(), replace: false, labels: without_values(labels) }
        }
        Step::SnapshotLabel { snapshot, replace: false, labels } => {
            Step::SnapshotLabel { snapshot: snapshot.clone(), replace: false, labels: without_values(labels) }
        }
        Step::ImageLabel { image, replace: false, labels } => {
            Step::ImageLabel { image: image.clone(), replace: false, labels: without_values(labels) }
        }
        Step::ContainerLabel { container, replace: false, labels } => Step::ContainerLabel {
            container: container.clone(),
            replace: false,
            labels: without_values(labels),
        },
        Step::SandboxLabel { sandbox, replace: false, labels } => {
            Step::SandboxLabel { sandbox: sandbox.clone(), replace: false, labels: without_values(labels) }
        }
        _ => return None,
    })
}

/// The same labels, to be removed: a label without a value is none.
fn without_values(labels: &Labels) -> Labels {
    labels.as_slice().iter().map(|(key, _)| (key.clone(), Name::new())).collect()
}

/// What came; none if anything else changed.
fn added<'t>(before: &'t Bucket, after: &'t Bucket) -> Option<Vec<Vec<&'t [u8]>>> {
    let mut added = Vec::new();
    for change in diff(before, after) {
        match (change.before, change.after) {
            _ if is_time(&change.path) => {}
            (None, _) => added.push(change.path),
            // A sequence number.
            (Some(Entry::Bucket(_)), Some(Entry::Bucket(_))) => {}
            _ => return None,
        }
    }
    Some(added)
}

/// An object that had no times has them from its first update on.
fn is_time(path: &[&[u8]]) -> bool {
    path.last().is_some_and(|key| [CREATED_AT, UPDATED_AT].contains(key))
}

/// A value that is still there, or below.
fn left_at(tree: View<'_>, mut path: Vec<&[u8]>) -> Option<KeyPath> {
    let key = path.pop()?;
    let owned = |path: &[&[u8]]| path.iter().map(|key| key.to_vec()).collect::<KeyPath>();
    let left = match tree.at(&path)?.entry(key)? {
        Entry::Value(_) => Vec::new(),
        Entry::Bucket(bucket) => bucket.walk_paths().find_map(|(mut below, bucket)| {
            let is_value = |(_, entry): &(_, Entry<'_>)| matches!(entry, Entry::Value(_));
            below.push(bucket.iter().find(is_value)?.0);
            Some(owned(&below))
        })?,
    };
    path.push(key);
    Some([owned(&path), left].concat())
}
