//! Refusals: missing, needless, worded wrongly, or leaving something behind.

use super::super::{World, refused};
use super::asked::{Asked, Path, put, put_back, remove, split, writes_under_a_lease};
use crate::bucket::View;
use crate::metadata::{Error, ErrorKind};
use crate::scenario::{Resource, SnapshotName, Step};
use crate::schema::names;
use std::sync::Arc;

/// What a step put into leases that answered that something exists.
fn put_back_leases(asked: &Asked<'_>, world: &mut World, error: &Error) {
    if error.kind == ErrorKind::AlreadyExists {
        put_back(&mut world.store.tree, asked.tree(), &asked.path(&[names::LEASES]));
    }
}

pub(super) fn existing_not_leased(asked: &Asked<'_>, world: &mut World, error: Error) -> Option<Error> {
    if let Step::ContentOpen { .. } | Step::ContentCommit { .. } = asked.step {
        put_back_leases(asked, world, &error);
    }
    Some(error)
}

pub(super) fn existing_snapshot_not_leased(
    asked: &Asked<'_>,
    world: &mut World,
    error: Error,
) -> Option<Error> {
    if let Step::SnapshotPrepare(_) | Step::SnapshotView(_) | Step::SnapshotCommit { .. } = asked.step {
        put_back_leases(asked, world, &error);
    }
    Some(error)
}

pub(super) fn hide_lease(asked: &Asked<'_>, world: &mut World) {
    if let Step::LeaseCreate { lease, .. } = asked.step {
        remove(&mut world.store.tree, &asked.path(&[names::LEASES, lease]));
    }
}

pub(super) fn missing_parent_invalid(asked: &Asked<'_>, _: &mut World, error: Error) -> Option<Error> {
    let prepares = matches!(asked.step, Step::SnapshotPrepare(_) | Step::SnapshotView(_));
    let kind = match error.kind {
        ErrorKind::NotFound if prepares => ErrorKind::InvalidArgument,
        kind => kind,
    };
    Some(Error { kind, ..error })
}

pub(super) fn pass_over_lease(asked: &Asked<'_>, world: &mut World) {
    let lease = asked.leased(&[]);
    if writes_under_a_lease(asked.step)
        && lease.is_some_and(|lease| asked.tree().view().at(&lease).is_none())
        && let Some(actor) = Arc::make_mut(&mut world.actors).get_mut(asked.client)
    {
        actor.lease = None;
    }
}

pub(super) fn use_lease(asked: &Asked<'_>, world: &mut World) {
    if writes_under_a_lease(asked.step)
        && let Some(actor) = Arc::make_mut(&mut world.actors).get_mut(asked.client)
    {
        actor.lease = asked.lease.map(<[u8]>::to_vec);
    }
}

/// The name goes into the lease before the active snapshot is looked for (`snapshotter.Commit`).
pub(super) fn refused_commit_leaves_entry(
    asked: &Asked<'_>,
    world: &mut World,
    error: Error,
) -> Option<Error> {
    if let Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, .. }, name, .. } = asked.step
        && asked.leased(&[]).is_some_and(|lease| asked.tree().view().at(&lease).is_some())
        && let Some(entry) = asked.leased(&[names::SNAPSHOTS, snapshotter, name])
    {
        put(&mut world.store.tree, &entry, b"");
    }
    Some(error)
}

pub(super) fn unheld_drop_refused(asked: &Asked<'_>) -> Option<Error> {
    let Step::LeaseDrop { lease, resources } = asked.step else { return None };
    let is_held = |path: Path<'_>| {
        let (around, key) = split(&path);
        asked.tree().view().at(around).is_some_and(|around| around.entry(key).is_some())
    };
    let mut entries = resources.iter().filter_map(|resource| entry(asked, lease, resource));
    let is_unheld = entries.any(|path| !is_held(path));
    is_unheld.then(|| refused(ErrorKind::NotFound, "the lease does not hold it".to_owned()))
}

/// Where a lease has a resource.
fn entry<'a>(asked: &Asked<'a>, lease: &'a [u8], resource: &'a Resource) -> Option<Path<'a>> {
    Some(match resource {
        Resource::Content(digest) => asked.path(&[names::LEASES, lease, names::CONTENT, digest]),
        Resource::Ingest(reference) => asked.path(&[names::LEASES, lease, names::INGESTS, reference]),
        Resource::Image(name) => asked.path(&[names::LEASES, lease, names::IMAGES, name]),
        Resource::Snapshot(SnapshotName { snapshotter, key }) => {
            asked.path(&[names::LEASES, lease, names::SNAPSHOTS, snapshotter, key])
        }
        Resource::Other { .. } => return None,
    })
}

/// The second half of a preparation that fails does not take back what the first one made (`createSnapshot`).
pub(super) fn refused_preparation_stays(asked: &Asked<'_>, world: &mut World, error: Error) -> Option<Error> {
    if let Step::SnapshotFinish { .. } = asked.step {
        world.store.backend = asked.before.store.backend.clone();
    }
    Some(error)
}

/// The parent that a begun preparation found, by its key and by its name in the backend, if it is another one by now.
fn other_parent<'a>(asked: &Asked<'a>) -> Option<(Path<'a>, Vec<u8>)> {
    let Step::SnapshotFinish { snapshot: SnapshotName { snapshotter, key } } = asked.step else {
        return None;
    };
    let backend = &asked.before.store.backend;
    let is_begun = |name: &[u8]| key_of(name) == Some(&key[..]);
    let (_, begun) = backend.snapshots(snapshotter).find(|(name, _)| is_begun(name))?;
    let all = asked.tree().view().at(&asked.path(&[names::SNAPSHOTS, snapshotter]))?;
    let (parent, there) = all.buckets().find(|(parent, _)| key_of(&begun.parent) == Some(*parent))?;
    let is_another = there.get(names::NAME).is_some_and(|name| name != &begun.parent[..]);
    is_another.then(|| ([&asked.snapshot(snapshotter, parent)[..], &[names::NAME]].concat(), begun.parent))
}

/// The key in a backend's name, `NAMESPACE/NUMBER/KEY`.
fn key_of(name: &[u8]) -> Option<&[u8]> {
    name.splitn(3, |byte| *byte == b'/').nth(2)
}

/// The parent looks as it did when the preparation began.
pub(super) fn hide_parent(asked: &Asked<'_>, world: &mut World) {
    if let Some((path, name)) = other_parent(asked) {
        put(&mut world.store.tree, &path, &name);
    }
}

pub(super) fn show_parent(asked: &Asked<'_>, world: &mut World) {
    if let Some((path, _)) = other_parent(asked) {
        put_back(&mut world.store.tree, asked.tree(), &path);
    }
}

/// Whether a namespace is empty is asked of its first snapshotter alone.
pub(super) fn hide_later_snapshotters(asked: &Asked<'_>, world: &mut World) {
    let Step::NamespaceDelete { namespace } = asked.step else { return };
    let all = [names::V1, namespace, names::SNAPSHOTS];
    let there = asked.tree().view().at(&all);
    for (snapshotter, _) in there.into_iter().flat_map(View::buckets).skip(1) {
        remove(&mut world.store.tree, &[&all[..], &[snapshotter]].concat());
    }
}

pub(super) fn missing_deleted(asked: &Asked<'_>, _: &mut World, error: Error) -> Option<Error> {
    let deletes = matches!(
        asked.step,
        Step::ContentDelete { .. }
            | Step::SnapshotRemove { .. }
            | Step::ImageDelete { .. }
            | Step::ContainerDelete { .. }
            | Step::LeaseDelete { .. }
            | Step::SandboxDelete { .. }
            | Step::NamespaceDelete { .. }
    );
    (!deletes || error.kind != ErrorKind::NotFound).then_some(error)
}

pub(super) fn image_target_held(asked: &Asked<'_>) -> Option<Error> {
    let Step::ContentDelete { digest } = asked.step else { return None };
    let images = asked.tree().view().at(&asked.path(&[names::IMAGES]))?;
    let target = |image: View<'_>| Some(image.bucket(names::TARGET)?.get(names::DIGEST)? == &digest[..]);
    images.buckets().any(|(_, image)| target(image) == Some(true)).then(|| failed("an image points to it"))
}

fn failed(message: &str) -> Error {
    refused(ErrorKind::FailedPrecondition, message.to_owned())
}
