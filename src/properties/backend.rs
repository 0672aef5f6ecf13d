//! A clean-up takes nothing that the database lists, and all that it does not: blobs, ingests, snapshots.

use super::finding::Breach;
use crate::bucket::{Bucket, View};
use crate::metadata::{Backend, BackendSnapshot};
use crate::node::Kind;
use crate::scenario::NodeName;
use crate::schema::names::{BLOB, CONTENT, EXPECTED, INGESTS, NAME, REF, SNAPSHOTS, V1};
use crate::world::World;
use std::collections::BTreeSet;

/// Holds what a clean-up left of the backends to what the database lists and they had before.
pub(super) fn held(tree: &Bucket, before: &Backend, after: &Backend) -> Result<(), Breach> {
    let namespaces = tree.bucket(V1).into_iter().flat_map(View::buckets);
    let mut lost = namespaces.filter_map(|(name, namespace)| {
        let node = |(kind, key): (Kind, &[u8])| NodeName::new(Some(name.to_vec()), kind, key.to_vec());
        let lost = lost_in(namespace, before, after).map(|(kind, key)| Breach::Unstored(node((kind, &key))));
        lost.or_else(|| {
            let (digest, reference) = expected_in(namespace, before, after)?;
            Some(Breach::ExpectedUnstored(node((Kind::Content, digest)), node((Kind::Ingest, reference))))
        })
    });
    lost.next().map_or(Ok(()), Err)
}

fn lost_in(namespace: View<'_>, before: &Backend, after: &Backend) -> Option<(Kind, Vec<u8>)> {
    let below = |path: &[&[u8]]| namespace.at(path).into_iter().flat_map(View::buckets);
    let blob = below(&[CONTENT, BLOB])
        .map(|(digest, _)| digest)
        .find(|digest| before.blob(digest).is_some() && after.blob(digest).is_none());
    let ingest = || {
        below(&[CONTENT, INGESTS]).find(|(_, ingest)| {
            let reference = ingest.get(REF).unwrap_or_default();
            before.ingest(reference).is_some() && after.ingest(reference).is_none()
        })
    };
    let snapshot = || {
        below(&[SNAPSHOTS]).find_map(|(snapshotter, snapshots)| {
            let (key, _) = snapshots.buckets().find(|(_, snapshot)| {
                let name = snapshot.get(NAME).unwrap_or_default();
                before.snapshot(snapshotter, name).is_some() && after.snapshot(snapshotter, name).is_none()
            })?;
            Some([snapshotter, key].join(&b'/'))
        })
    };
    let blob = blob.map(|digest| (Kind::Content, digest.to_vec()));
    blob.or_else(|| ingest().map(|(reference, _)| (Kind::Ingest, reference.to_vec())))
        .or_else(|| snapshot().map(|key| (Kind::Snapshot, key)))
}

/// A blob on which a writer relies and that is lost to him, and his ingest.
fn expected_in<'a>(namespace: View<'a>, before: &Backend, after: &Backend) -> Option<(&'a [u8], &'a [u8])> {
    let mut ingests = namespace.at(&[CONTENT, INGESTS]).into_iter().flat_map(View::buckets);
    ingests.find_map(|(reference, ingest)| {
        let digest = ingest.get(EXPECTED)?;
        (before.blob(digest).is_some() && after.blob(digest).is_none()).then_some((digest, reference))
    })
}

/// Holds the backends whose clean-up was due to what the database lists: nothing else is left in them. A snapshotter whose
/// clean-up waits is passed over.
pub(super) fn cleaned(before: &World, after: &World) -> Result<(), Breach> {
    let tree = &after.store().tree;
    let (backend, due, waits) = (&after.store().backend, before.scheduled(), after.scheduled());
    let content = due.content.then(|| left_of_content(tree, backend)).flatten();
    let snapshotters = due.snapshotters.iter().filter(|name| !waits.snapshotters.contains(name));
    let snapshot = || snapshotters.into_iter().find_map(|name| left_of_snapshots(tree, backend, name));
    let left = content.or_else(snapshot);
    left.map_or(Ok(()), |(kind, name)| Err(Breach::LeftOver(kind, name)))
}

/// Every bucket of one sort in all namespaces.
fn all<'a>(tree: &'a Bucket, path: &'a [&'a [u8]]) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    let namespaces = tree.bucket(V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(move |(_, namespace)| namespace.at(path).into_iter().flat_map(View::buckets))
}

fn left_of_content(tree: &Bucket, backend: &Backend) -> Option<(Kind, Vec<u8>)> {
    let listed: BTreeSet<&[u8]> = all(tree, &[CONTENT, BLOB]).map(|(digest, _)| digest).collect();
    let field = |key| all(tree, &[CONTENT, INGESTS]).filter_map(move |(_, ingest)| ingest.get(key));
    let (expected, references): (BTreeSet<_>, BTreeSet<_>) =
        (field(EXPECTED).collect(), field(REF).collect());
    let blob = backend.blobs().map(|(digest, _)| digest);
    let blob = blob.into_iter().find(|digest| !listed.contains(digest) && !expected.contains(digest));
    let ingest = || {
        backend.ingests().map(|(name, _)| name).find(|name| !references.contains(name)).map(<[u8]>::to_vec)
    };
    let blob = blob.map(|digest| (Kind::Content, digest.to_vec()));
    blob.or_else(|| Some((Kind::Ingest, ingest()?)))
}

/// A snapshot that the database does not list stays only below what is listed, or above a gap.
fn left_of_snapshots(tree: &Bucket, backend: &Backend, snapshotter: &[u8]) -> Option<(Kind, Vec<u8>)> {
    let path = [SNAPSHOTS, snapshotter];
    let listed: BTreeSet<&[u8]> = all(tree, &path).filter_map(|(_, snapshot)| snapshot.get(NAME)).collect();
    let parents: BTreeSet<Vec<u8>> =
        backend.snapshots(snapshotter).map(|(_, snapshot)| snapshot.parent).collect();
    let stands = |mut parent: Vec<u8>| {
        // The chain ends at a snapshot without a parent: names do not repeat in it.
        while !parent.is_empty() {
            match backend.snapshot(snapshotter, &parent) {
                Some(above) => parent = above.parent,
                None => return false,
            }
        }
        true
    };
    let is_left = |(name, snapshot): &(&[u8], BackendSnapshot)| {
        !listed.contains(name) && !parents.contains(*name) && stands(snapshot.parent.clone())
    };
    let (name, _) = backend.snapshots(snapshotter).find(is_left)?;
    Some((Kind::Snapshot, [snapshotter, name].join(&b'/')))
}
