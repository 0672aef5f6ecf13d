//! A clean-up takes nothing that the database lists: blobs, ingests, snapshots.

use super::finding::Breach;
use crate::bucket::{Bucket, View};
use crate::metadata::Backend;
use crate::node::Kind;
use crate::scenario::NodeName;
use crate::schema::names::{BLOB, CONTENT, INGESTS, NAME, REF, SNAPSHOTS, V1};

/// Holds what a clean-up left of the backends to what the database lists and they had before.
pub(super) fn held(tree: &Bucket, before: &Backend, after: &Backend) -> Result<(), Breach> {
    let namespaces = tree.bucket(V1).into_iter().flat_map(View::buckets);
    let mut lost = namespaces.filter_map(|(name, namespace)| {
        let (kind, key) = lost_in(namespace, before, after)?;
        Some(NodeName { namespace: Some(name.to_vec()), kind, key })
    });
    lost.next().map_or(Ok(()), |node| Err(Breach::Unstored(node)))
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
