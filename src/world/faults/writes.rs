//! What clients write, written wrongly.

use super::super::World;
use super::asked::{Asked, put, put_back, remove, split, writes_under_a_lease};
use crate::bucket::View;
use crate::release::Release;
use crate::scenario::{Expiry, Replace, SnapshotName, Step};
use crate::schema::{names, time, varint};
use std::time::Duration;

const CREATED_AT: &[u8] = b"createdat";
const UPDATED_AT: &[u8] = b"updatedat";
/// Where an update of a container's snapshot says what it changes (`containerStore.Update`); the key is `snapshotKey`.
const SNAPSHOT_KEY_PATH: &[u8] = b"snapshotkey";
const INGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

pub(super) fn labels_replaced(asked: &Asked<'_>) -> Option<Step> {
    let Step::ContentLabel { digest, labels, .. } = asked.step else { return None };
    Some(Step::ContentLabel { digest: digest.clone(), replace: true, labels: labels.clone() })
}

pub(super) fn empty_label_kept(asked: &Asked<'_>, world: &mut World) {
    let Some((object, labels)) = asked.update() else { return };
    for (key, _) in labels.as_slice().iter().filter(|(_, value)| value.is_empty()) {
        put(&mut world.store.tree, &[&object[..], &[names::LABELS, key]].concat(), b"");
    }
}

pub(super) fn replace_merges(asked: &Asked<'_>) -> Option<Step> {
    let mut step = asked.step.clone();
    match &mut step {
        Step::ContentLabel { replace, labels, .. }
        | Step::SnapshotLabel { replace, labels, .. }
        | Step::ImageLabel { replace, labels, .. }
        | Step::ContainerLabel { replace, labels, .. }
        | Step::SandboxLabel { replace, labels, .. }
            if !labels.is_empty() =>
        {
            *replace = false;
        }
        _ => return None,
    }
    Some(step)
}

pub(super) fn created_at_renewed(asked: &Asked<'_>, world: &mut World) {
    if let Some((object, _)) = asked.update() {
        let now = time::to_binary(world.now);
        put(&mut world.store.tree, &[&object[..], &[CREATED_AT]].concat(), &now);
    }
}

pub(super) fn updated_at_kept(asked: &Asked<'_>, world: &mut World) {
    if let Some((object, _)) = asked.update() {
        put_back(&mut world.store.tree, asked.tree(), &[&object[..], &[UPDATED_AT]].concat());
    }
}

pub(super) fn size_unsigned(asked: &Asked<'_>, world: &mut World) {
    let after = world.store.tree.clone();
    for (path, value) in asked.written(&after) {
        if path.ends_with(&[names::SIZE])
            && let Some(size) = varint::decode_signed(value).filter(|_| !asked.is_raw())
        {
            put(&mut world.store.tree, &path, &varint::encode_unsigned(size.unsigned_abs()));
        }
    }
}

pub(super) fn leased_ingest_expires(asked: &Asked<'_>, world: &mut World) {
    if let (Step::ContentOpen { reference, .. }, Some(_)) = (asked.step, asked.lease) {
        let path = [&asked.ingest(reference)[..], &[names::EXPIRE_AT]].concat();
        put(&mut world.store.tree, &path, &time::to_binary(world.now.plus(INGEST_LIFE)));
    }
}

pub(super) fn ingest_expiry_kept(asked: &Asked<'_>, world: &mut World) {
    let Step::ContentOpen { reference, .. } = asked.step else { return };
    let ingest = asked.ingest(reference);
    if asked.tree().view().at(&ingest).is_some() {
        put_back(&mut world.store.tree, asked.tree(), &[&ingest[..], &[names::EXPIRE_AT]].concat());
    }
}

pub(super) fn commit_keeps_ingest(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContentCommit { reference, .. } = asked.step {
        put_back(&mut world.store.tree, asked.tree(), &asked.ingest(reference));
    }
}

pub(super) fn abort_stays_leased(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContentAbort { reference } = asked.step
        && let Some(entry) = asked.leased(&[names::INGESTS, reference])
    {
        put_back(&mut world.store.tree, asked.tree(), &entry);
    }
}

pub(super) fn expected_not_noted(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContentOpen { reference, .. } = asked.step {
        remove(&mut world.store.tree, &[&asked.ingest(reference)[..], &[names::EXPECTED]].concat());
    }
}

pub(super) fn child_not_noted(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotPrepare(new) | Step::SnapshotView(new) = asked.step
        && let Some(parent) = &new.parent
    {
        let SnapshotName { snapshotter, .. } = &new.snapshot;
        let children = asked.path(&[names::SNAPSHOTS, snapshotter, parent, names::CHILDREN]);
        put_back(&mut world.store.tree, asked.tree(), &children);
    }
}

pub(super) fn commit_keeps_child(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, key }, .. } = asked.step
        && let Some(siblings) = asked.siblings(snapshotter, key)
    {
        put_back(&mut world.store.tree, asked.tree(), &[&siblings[..], &[key]].concat());
    }
}

pub(super) fn remove_keeps_child(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotRemove { snapshot: SnapshotName { snapshotter, key } } = asked.step
        && let Some(siblings) = asked.siblings(snapshotter, key)
    {
        put_back(&mut world.store.tree, asked.tree(), &siblings);
    }
}

pub(super) fn commit_keeps_labels(asked: &Asked<'_>, world: &mut World) {
    let Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, key }, name, .. } = asked.step else {
        return;
    };
    let labels = [&asked.snapshot(snapshotter, key)[..], &[names::LABELS]].concat();
    let active = asked.tree().view().at(&labels).into_iter().flat_map(View::iter);
    for (label, value) in active.filter_map(|(label, entry)| Some((label, entry.value()?))) {
        let path = [&asked.snapshot(snapshotter, name)[..], &[names::LABELS, label]].concat();
        put(&mut world.store.tree, &path, value);
    }
}

pub(super) fn commit_forgets_parent(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, .. }, name, .. } = asked.step {
        let path = [&asked.snapshot(snapshotter, name)[..], &[names::PARENT]].concat();
        remove(&mut world.store.tree, &path);
    }
}

pub(super) fn commit_parent_ignored(asked: &Asked<'_>) -> Option<Step> {
    let mut step = asked.step.clone();
    let Step::SnapshotCommit { parent, .. } = &mut step else { return None };
    parent.take().map(|_| step)
}

pub(super) fn commit_stays_leased(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, key }, .. } = asked.step
        && let Some(entry) = asked.leased(&[names::SNAPSHOTS, snapshotter, key])
    {
        put_back(&mut world.store.tree, asked.tree(), &entry);
    }
}

pub(super) fn hide_children(asked: &Asked<'_>, world: &mut World) {
    if let Step::SnapshotRemove { snapshot: SnapshotName { snapshotter, key } } = asked.step {
        let path = [&asked.snapshot(snapshotter, key)[..], &[names::CHILDREN]].concat();
        remove(&mut world.store.tree, &path);
    }
}

pub(super) fn image_labels_dropped(asked: &Asked<'_>, world: &mut World) {
    if let Step::ImageUpdate { image, replace: None, fields } = asked.step
        && fields.target.is_some()
    {
        remove(&mut world.store.tree, &asked.path(&[names::IMAGES, image, names::LABELS]));
    }
}

pub(super) fn snapshot_key_misspelt(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContainerUpdate { container, fields, .. } = asked.step
        && let Some(snapshot) = &fields.snapshot
    {
        let container = asked.path(&[names::CONTAINERS, container]);
        let tree = &mut world.store.tree;
        put_back(tree, asked.tree(), &[&container[..], &[names::SNAPSHOT_KEY]].concat());
        put(tree, &[&container[..], &[SNAPSHOT_KEY_PATH]].concat(), snapshot);
    }
}

pub(super) fn container_fields_cleared(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContainerUpdate { container, replace, fields } = asked.step
        && *replace != Some(Replace::All)
        && fields.snapshot.is_none()
    {
        let path = asked.path(&[names::CONTAINERS, container, names::SNAPSHOT_KEY]);
        put(&mut world.store.tree, &path, b"");
    }
}

/// Up to 1.7 that is where they lie (`createSandboxBucket`).
pub(super) fn sandbox_at_root(asked: &Asked<'_>, world: &mut World) {
    let Step::SandboxCreate { sandbox, .. } = asked.step else { return };
    // Up to 1.7 they lie there by right.
    if asked.before.release() < Release::V2_0 {
        return;
    }
    let path = asked.path(&[names::SANDBOXES, sandbox]);
    let tree = &mut world.store.tree;
    let record = tree.view().at(&path).map(View::to_bucket);
    let moved = record.map(|record| {
        let (around, key) = split(&path[1..]);
        tree.create_path(around).and_then(|()| tree.graft(around, key, &record))
    });
    // Where something else has its place it stays where it is.
    if moved == Some(Ok(())) {
        remove(tree, &path);
    }
}

pub(super) fn lease_entry_forgotten(asked: &Asked<'_>, world: &mut World) {
    if writes_under_a_lease(asked.step) {
        put_back(&mut world.store.tree, asked.tree(), &asked.path(&[names::LEASES]));
    }
}

pub(super) fn deleted_from_all_leases(asked: &Asked<'_>, world: &mut World) {
    let Step::ContentDelete { digest } = asked.step else { return };
    let leases = asked.tree().view().at(&asked.path(&[names::LEASES]));
    for (id, _) in leases.into_iter().flat_map(View::buckets) {
        remove(&mut world.store.tree, &asked.path(&[names::LEASES, id, names::CONTENT, digest]));
    }
}

pub(super) fn deleted_stays_leased(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContentDelete { digest } = asked.step
        && let Some(entry) = asked.leased(&[names::CONTENT, digest])
    {
        put_back(&mut world.store.tree, asked.tree(), &entry);
    }
}

pub(super) fn drop_leaves_entry(asked: &Asked<'_>, world: &mut World) {
    if let Step::LeaseDrop { .. } = asked.step {
        world.store.tree = asked.tree().clone();
    }
}

pub(super) fn empty_lease_panics(asked: &Asked<'_>, _: &mut World) {
    let Step::LeaseDelete { lease, .. } = asked.step else { return };
    let lease = asked.tree().view().at(&asked.path(&[names::LEASES, lease]));
    let holds = |lease: View<'_>| lease.buckets().any(|(key, _)| key != names::LABELS);
    assert!(lease.is_none_or(holds), "index out of range [0] with length 0");
}

pub(super) fn expiry_with_fraction(asked: &Asked<'_>) -> Option<Step> {
    let mut step = asked.step.clone();
    let Step::LeaseCreate { expire, .. } = &mut step else { return None };
    let Some(Expiry::In(after)) = expire else { return None };
    let text = time::format_rfc3339_nano(asked.before.now.plus(*after));
    *expire = Some(Expiry::Text(text.into_bytes()));
    Some(step)
}

pub(super) fn flat_without_expiry(asked: &Asked<'_>) -> Option<Step> {
    let mut step = asked.step.clone();
    let Step::LeaseCreate { expire, flat: true, .. } = &mut step else { return None };
    expire.take().map(|_| step)
}

pub(super) fn lease_takes_content(asked: &Asked<'_>, world: &mut World) {
    let Step::LeaseDelete { lease, .. } = asked.step else { return };
    let held = asked.tree().view().at(&asked.path(&[names::LEASES, lease, names::CONTENT]));
    for (digest, _) in held.into_iter().flat_map(View::iter) {
        remove(&mut world.store.tree, &asked.blob(digest));
    }
}
