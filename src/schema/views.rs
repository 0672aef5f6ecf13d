//! Typed views of the layout, for those who show a database. The collector itself reads buckets as containerd
//! does, because how it stumbles over odd ones is part of its behaviour.

use super::{names, varint};
use crate::bucket::{Bucket, View};

/// The database's version as `v1/version` has it: 3 in 1.x, 4 from 2.0. Absent in a database that was never used.
pub fn version(tree: &Bucket) -> Option<i64> {
    varint::decode_signed(tree.bucket(names::V1)?.get(names::VERSION)?)
}

/// A blob's size in bytes; absent where the record has none that decodes.
pub fn blob_size(tree: &Bucket, namespace: &[u8], digest: &[u8]) -> Option<u64> {
    let blob = tree.view().at(&[names::V1, namespace, names::CONTENT, names::BLOB, digest])?;
    u64::try_from(varint::decode_signed(blob.get(names::SIZE)?)?).ok()
}

/// The digests that an ingest of a namespace waits for; the backend keeps their content.
pub fn expected_digests<'a>(tree: &'a Bucket) -> impl Iterator<Item = &'a [u8]> {
    let ingests = move |namespace: View<'a>| namespace.at(&[names::CONTENT, names::INGESTS]);
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let ingests = namespaces.filter_map(move |(_, namespace)| ingests(namespace)).flat_map(View::buckets);
    ingests.filter_map(|(_, ingest)| ingest.get(names::EXPECTED))
}

/// Every blob: its namespace and its digest.
pub fn blobs(tree: &Bucket) -> impl Iterator<Item = (&[u8], &[u8])> {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(|(name, namespace)| {
        let blobs = namespace.at(&[names::CONTENT, names::BLOB]).into_iter().flat_map(View::buckets);
        blobs.map(move |(digest, _)| (name, digest))
    })
}
