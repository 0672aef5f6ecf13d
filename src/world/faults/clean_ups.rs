//! Clean-ups that take what the database lists, or leave what it does not.

use super::super::World;
use super::asked::{Asked, put, remove};
use crate::bucket::{Bucket, View};
use crate::metadata::Error;
use crate::scenario::Step;
use crate::schema::names;

pub(super) fn clean_up_takes_listed(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step
        && let Some((_, digest)) = in_content(asked.tree(), names::BLOB).next()
    {
        // What was never stored cannot go.
        let _ = world.store.backend.delete_blob(digest);
    }
}

/// Every bucket of one of the two kinds of content: its namespace and its key.
fn in_content<'a>(tree: &'a Bucket, kind: &'static [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(move |(name, namespace)| {
        let all = namespace.at(&[names::CONTENT, kind]).into_iter().flat_map(View::buckets);
        all.map(move |(key, _)| (name, key))
    })
}

pub(super) fn hide_ingests(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        for (namespace, reference) in in_content(asked.tree(), names::INGESTS) {
            let ingest = [names::V1, namespace, names::CONTENT, names::INGESTS, reference, names::REF];
            remove(&mut world.store.tree, &ingest);
        }
    }
}

pub(super) fn hide_expected(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        for (namespace, reference) in in_content(asked.tree(), names::INGESTS) {
            let ingest = [names::V1, namespace, names::CONTENT, names::INGESTS, reference, names::EXPECTED];
            remove(&mut world.store.tree, &ingest);
        }
    }
}

/// A namespace that a clean-up finds beside the others.
const BESIDE: &[u8] = b"beside";

pub(super) fn list_ingests(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        for (reference, _) in asked.before.store.backend.ingests() {
            let ingest = [names::V1, BESIDE, names::CONTENT, names::INGESTS, reference, names::REF];
            put(&mut world.store.tree, &ingest, reference);
        }
    }
}

pub(super) fn list_blobs(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        for (digest, _) in asked.before.store.backend.blobs() {
            put(
                &mut world.store.tree,
                &[names::V1, BESIDE, names::CONTENT, names::BLOB, digest, names::SIZE],
                b"",
            );
        }
    }
}

pub(super) fn list_snapshots(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        let backend = &asked.before.store.backend;
        for snapshotter in backend.snapshotters() {
            for (name, _) in backend.snapshots(snapshotter) {
                put(
                    &mut world.store.tree,
                    &[names::V1, BESIDE, names::SNAPSHOTS, snapshotter, name, names::NAME],
                    name,
                );
            }
        }
    }
}

/// Beside those that are listed, every snapshot whose key is a listed one's, in whatever namespace.
pub(super) fn list_snapshots_of_listed_keys(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        let (tree, backend) = (asked.tree(), &asked.before.store.backend);
        for snapshotter in backend.snapshotters() {
            let namespaces = || tree.bucket(names::V1).into_iter().flat_map(View::buckets);
            let is_listed = |key: &[u8]| {
                namespaces()
                    .any(|(_, namespace)| namespace.at(&[names::SNAPSHOTS, snapshotter, key]).is_some())
            };
            for (name, _) in backend.snapshots(snapshotter) {
                // A backend's name is NAMESPACE/NUMBER/KEY.
                let key = name.splitn(3, |byte| *byte == b'/').nth(2).unwrap_or(name);
                if is_listed(key) {
                    let beside = [names::V1, BESIDE, names::SNAPSHOTS, snapshotter, name, names::NAME];
                    put(&mut world.store.tree, &beside, name);
                }
            }
        }
    }
}

pub(super) fn waiting_forgets_content(asked: &Asked<'_>, world: &mut World, error: Error) -> Option<Error> {
    if let Step::Cleanup = asked.step {
        world.store.backend.content_as(&asked.before.store.backend);
    }
    Some(error)
}

/// A clean-up changes nothing in the database.
pub(super) fn tree_as_before(asked: &Asked<'_>, world: &mut World) {
    if let Step::Cleanup = asked.step {
        world.store.tree = asked.tree().clone();
    }
}
