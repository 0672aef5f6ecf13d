//! Typed views of the layout, for those who show a database. The collector itself reads buckets as containerd
//! does, because how it stumbles over odd ones is part of its behaviour.

use super::{names, time, varint};
use crate::bucket::{Bucket, View};
use crate::instant::Instant;
use crate::node::Kind;
use std::collections::BTreeSet;

/// The database's version as `v1/version` has it: 3 in 1.x, 4 from 2.0. Absent in a database that was never used.
pub fn version(tree: &Bucket) -> Option<i64> {
    varint::decode_signed(tree.bucket(names::V1)?.get(names::VERSION)?)
}

/// The largest size that a record is believed: no store of content holds a blob of a pebibyte.
const BLOB_BYTES_MAX: u64 = 1 << 50;

/// A blob's size in bytes; absent where the record has none that decodes, a negative one or one that no blob can have.
pub fn blob_size(tree: &Bucket, namespace: &[u8], digest: &[u8]) -> Option<u64> {
    let blob = tree.view().at(&[names::V1, namespace, names::CONTENT, names::BLOB, digest])?;
    let size = u64::try_from(varint::decode_signed(blob.get(names::SIZE)?)?).ok()?;
    (size <= BLOB_BYTES_MAX).then_some(size)
}

/// Whether a database has an object. What only collectors know it never has.
pub fn has(tree: &Bucket, kind: Kind, namespace: &[u8], key: &[u8]) -> bool {
    let Some(namespace) = tree.view().at(&[names::V1, namespace]) else { return false };
    let has = |path: &[&[u8]]| namespace.at(path).is_some();
    match kind {
        Kind::Content => has(&[names::CONTENT, names::BLOB, key]),
        Kind::Ingest => has(&[names::CONTENT, names::INGESTS, key]),
        Kind::Image => has(&[names::IMAGES, key]),
        Kind::Container => has(&[names::CONTAINERS, key]),
        Kind::Lease => has(&[names::LEASES, key]),
        // A snapshotter's name may have a slash, so that the key can be cut at each.
        Kind::Snapshot => slashes(key).any(|at| has(&[names::SNAPSHOTS, &key[..at], &key[at + 1..]])),
        Kind::Task | Kind::Stream | Kind::Mount | Kind::Other(_) => false,
    }
}

/// The object in whose bucket a path of keys from the database's root ends: its kind, namespace and key.
pub fn object_at<'k>(path: &[&'k [u8]]) -> Option<(Kind, &'k [u8], Vec<u8>)> {
    let [names::V1, namespace, below @ ..] = path else { return None };
    let (kind, key) = match *below {
        [names::CONTENT, names::BLOB, digest, ..] => (Kind::Content, digest.to_vec()),
        [names::CONTENT, names::INGESTS, reference, ..] => (Kind::Ingest, reference.to_vec()),
        [names::SNAPSHOTS, snapshotter, key, ..] => (Kind::Snapshot, [snapshotter, b"/", key].concat()),
        [names::IMAGES, name, ..] => (Kind::Image, name.to_vec()),
        [names::LEASES, id, ..] => (Kind::Lease, id.to_vec()),
        [names::CONTAINERS, id, ..] => (Kind::Container, id.to_vec()),
        _ => return None,
    };
    Some((kind, namespace, key))
}

/// Where an object's bucket lies, from the database's root; a snapshot's key cut at its first slash. None of what only
/// collectors know.
pub fn place_of(kind: Kind, namespace: &[u8], key: &[u8]) -> Option<Vec<Vec<u8>>> {
    let slash = slashes(key).next();
    let below: Vec<&[u8]> = match kind {
        Kind::Content => vec![names::CONTENT, names::BLOB, key],
        Kind::Ingest => vec![names::CONTENT, names::INGESTS, key],
        Kind::Image => vec![names::IMAGES, key],
        Kind::Container => vec![names::CONTAINERS, key],
        Kind::Lease => vec![names::LEASES, key],
        Kind::Snapshot => slash.map(|at| vec![names::SNAPSHOTS, &key[..at], &key[at + 1..]])?,
        Kind::Task | Kind::Stream | Kind::Mount | Kind::Other(_) => return None,
    };
    Some([names::V1, namespace].into_iter().chain(below).map(<[u8]>::to_vec).collect())
}

/// The slash at which a snapshot's key is cut into snapshotter and name: of several the first at which the database has it, else
/// the first.
pub fn snapshot_slash(tree: &Bucket, namespace: &[u8], key: &[u8]) -> Option<usize> {
    let first = slashes(key).next()?;
    let snapshotters = || tree.view().at(&[names::V1, namespace, names::SNAPSHOTS]);
    // One slash is the only one.
    let is_plain = || slashes(key).nth(1).is_none();
    let there = if is_plain() { None } else { snapshotters() };
    let has = |snapshotters: View<'_>, at: usize| snapshotters.at(&[&key[..at], &key[at + 1..]]).is_some();
    Some(there.and_then(|there| slashes(key).find(|at| has(there, *at))).unwrap_or(first))
}

/// The snapshotters of all namespaces whose names have a slash themselves, sorted.
pub fn slashed_snapshotters(tree: &Bucket) -> Vec<Vec<u8>> {
    let Some(namespaces) = tree.bucket(names::V1) else { return Vec::new() };
    let folders = namespaces.buckets().filter_map(|(_, namespace)| namespace.bucket(names::SNAPSHOTS));
    let names =
        folders.flat_map(|folder| folder.buckets().map(|(name, _)| name.to_vec()).collect::<Vec<_>>());
    let slashed: BTreeSet<Vec<u8>> = names.filter(|name| slashes(name).next().is_some()).collect();
    slashed.into_iter().collect()
}

fn slashes(key: &[u8]) -> impl Iterator<Item = usize> {
    key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at)
}

/// The names that an image has in its namespace, its own among them: the images of the same target.
pub fn names_of_image<'t>(tree: &'t Bucket, namespace: &[u8], name: &[u8]) -> impl Iterator<Item = &'t [u8]> {
    let images = tree.view().at(&[names::V1, namespace, names::IMAGES]);
    let target = |image: View<'t>| image.bucket(names::TARGET)?.get(names::DIGEST);
    let own = images.and_then(|images| target(images.bucket(name)?));
    let all = images.filter(|_| own.is_some()).into_iter().flat_map(View::buckets);
    all.filter(move |(_, image)| target(*image) == own).map(|(name, _)| name)
}

/// When a lease expires; absent where it never does, or where its label is no time.
pub fn lease_expiry(tree: &Bucket, namespace: &[u8], id: &[u8]) -> Option<Instant> {
    expiry_label(tree.view().at(&[names::V1, namespace, names::LEASES, id])?)
}

/// When an image expires, where the release looks at it; absent as a lease's.
pub fn image_expiry(tree: &Bucket, namespace: &[u8], name: &[u8]) -> Option<Instant> {
    expiry_label(tree.view().at(&[names::V1, namespace, names::IMAGES, name])?)
}

fn expiry_label(object: View<'_>) -> Option<Instant> {
    time::parse_rfc3339(object.bucket(names::LABELS)?.get(names::GC_EXPIRE)?).ok()
}

/// When an object was made; absent where nothing that decodes says so, as of every ingest.
pub fn created(tree: &Bucket, kind: Kind, namespace: &[u8], key: &[u8]) -> Option<Instant> {
    let place = place_of(kind, namespace, key)?;
    let place: Vec<&[u8]> = place.iter().map(Vec::as_slice).collect();
    created_at(tree.view().at(&place)?)
}

/// When a sandbox was made, the same; up to 1.7 sandboxes lie beside `v1`.
pub fn sandbox_created(tree: &Bucket, namespace: &[u8], id: &[u8]) -> Option<Instant> {
    let inside = tree.view().at(&[names::V1, namespace, names::SANDBOXES, id]);
    created_at(inside.or_else(|| tree.view().at(&[namespace, names::SANDBOXES, id]))?)
}

fn created_at(object: View<'_>) -> Option<Instant> {
    time::from_binary(object.get(b"createdat")?).ok()
}

/// When an ingest expires; absent where nothing that decodes says so.
pub fn ingest_expiry(tree: &Bucket, namespace: &[u8], reference: &[u8]) -> Option<Instant> {
    let ingest = tree.view().at(&[names::V1, namespace, names::CONTENT, names::INGESTS, reference])?;
    time::from_binary(ingest.get(names::EXPIRE_AT)?).ok()
}

/// The digests that an ingest of a namespace waits for; the backend keeps their content.
pub fn expected_digests<'a>(tree: &'a Bucket) -> impl Iterator<Item = &'a [u8]> {
    let ingests = move |namespace: View<'a>| namespace.at(&[names::CONTENT, names::INGESTS]);
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let ingests = namespaces.filter_map(move |(_, namespace)| ingests(namespace)).flat_map(View::buckets);
    ingests.filter_map(|(_, ingest)| ingest.get(names::EXPECTED))
}

/// Every lease with a `gc.expire`: its namespace, its id and the label's text.
pub fn lease_expiries(tree: &Bucket) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(|(name, namespace)| {
        let leases = namespace.bucket(names::LEASES).into_iter().flat_map(View::buckets);
        leases.filter_map(move |(id, lease)| {
            Some((name, id, lease.bucket(names::LABELS)?.get(names::GC_EXPIRE)?))
        })
    })
}

/// Every object that can be a node, by namespace: leases, snapshots, ingests, blobs, images and containers, each with its
/// kind, namespace and key.
pub fn objects(tree: &Bucket) -> impl Iterator<Item = (Kind, &[u8], Vec<u8>)> {
    const FOLDERS: [(Kind, &[&[u8]]); 5] = [
        (Kind::Lease, &[names::LEASES]),
        (Kind::Ingest, &[names::CONTENT, names::INGESTS]),
        (Kind::Content, &[names::CONTENT, names::BLOB]),
        (Kind::Image, &[names::IMAGES]),
        (Kind::Container, &[names::CONTAINERS]),
    ];
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(|(name, namespace)| {
        let folders = FOLDERS.into_iter().flat_map(move |(kind, path)| {
            let objects = namespace.at(path).into_iter().flat_map(View::buckets);
            objects.map(move |(key, _)| (kind, name, key.to_vec()))
        });
        let snapshotters = namespace.at(&[names::SNAPSHOTS]).into_iter().flat_map(View::buckets);
        let snapshots = snapshotters.flat_map(move |(snapshotter, snapshots)| {
            let key =
                move |(key, _): (&[u8], View<'_>)| (Kind::Snapshot, name, [snapshotter, b"/", key].concat());
            snapshots.buckets().map(key)
        });
        folders.chain(snapshots)
    })
}

/// Every blob: its namespace and its digest.
pub fn blobs(tree: &Bucket) -> impl Iterator<Item = (&[u8], &[u8])> {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(|(name, namespace)| {
        let blobs = namespace.at(&[names::CONTENT, names::BLOB]).into_iter().flat_map(View::buckets);
        blobs.map(move |(digest, _)| (name, digest))
    })
}
