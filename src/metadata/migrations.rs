//! Bringing an older database up to a release's version (containerd's `metadata/migrations.go`, `DB.Init`).

use super::error::{Error, ErrorKind, Shown};
use super::names::{CHILDREN, CONTENT, INGEST, INGESTS, PARENT, REF, SANDBOXES, SNAPSHOTS, V1, VERSION};
use crate::bucket::{Bucket, Entry, View};
use crate::release::Release;
use crate::schema::varint;

type Migration = fn(&mut Bucket) -> Result<(), Error>;

/// Each database version with what leads to it.
const MIGRATIONS: [(i64, Migration); 4] = [
    (1, add_child_links),
    (2, move_ingests),
    // From boltdb to bbolt: nothing to do.
    (3, |_| Ok(())),
    (4, move_sandboxes),
];

/// The tree as a daemon of a release has it after it opened it. One that is newer stays as it is: a downgrade is
/// not refused.
pub(super) fn migrated(mut tree: Bucket, release: Release) -> Result<Bucket, Error> {
    let newest = if release >= Release::V2_0 { 4 } else { 3 };
    if let Some(v1) = tree.bucket(V1) {
        let version = v1.get(VERSION).and_then(varint::decode_signed).unwrap_or_default();
        if version >= newest {
            return Ok(tree);
        }
        for (_, migrate) in MIGRATIONS.iter().filter(|(to, _)| (version + 1..=newest).contains(to)) {
            migrate(&mut tree)?;
        }
    }
    tree.create_path(&[V1])?;
    tree.put(&[V1], VERSION, &varint::encode_signed(newest))?;
    Ok(tree)
}

/// Version 1: parents know their children (`addChildLinks`); a missing parent is passed over.
fn add_child_links(tree: &mut Bucket) -> Result<(), Error> {
    let before = tree.clone();
    for (namespace, snapshotters) in below_v1(&before, &[SNAPSHOTS]) {
        for (snapshotter, snapshots) in snapshotters.buckets() {
            for (key, snapshot) in snapshots.buckets() {
                let parent = snapshot.get(PARENT).unwrap_or_default();
                if !parent.is_empty() && snapshots.bucket(parent).is_some() {
                    let children = [V1, namespace, SNAPSHOTS, snapshotter, parent, CHILDREN];
                    tree.create_path(&children)?;
                    tree.put(&children, key, b"")?;
                }
            }
        }
    }
    Ok(())
}

/// Version 2: ingests become buckets (`migrateIngests`).
fn move_ingests(tree: &mut Bucket) -> Result<(), Error> {
    let before = tree.clone();
    for (namespace, ingests) in below_v1(&before, &[CONTENT, INGEST]) {
        tree.create_path(&[V1, namespace, CONTENT, INGESTS])?;
        for (reference, entry) in ingests.iter() {
            let path = [V1, namespace, CONTENT, INGESTS, reference];
            tree.create_path(&path)?;
            tree.put(&path, REF, entry.value().unwrap_or_default())?;
        }
        tree.delete_bucket(&[V1, namespace, CONTENT], INGEST)?;
    }
    Ok(())
}

/// Version 4: sandboxes move from the root to below `v1` (`migrateSandboxes`), and every other bucket of the root
/// goes, whatever it held. Those of a namespace called `v1` stay where they are (L18). Sequence numbers are not
/// carried over.
fn move_sandboxes(tree: &mut Bucket) -> Result<(), Error> {
    let before = tree.clone();
    for (namespace, entry) in before.view().iter() {
        let Entry::Bucket(bucket) = entry else {
            let shown = Shown(namespace);
            return Err(Error::new(
                ErrorKind::Crash,
                format_args!("migration to version 4: {shown} at the root is a value"),
            ));
        };
        if namespace == V1 {
            continue;
        }
        if let Some(sandboxes) = bucket.bucket(SANDBOXES) {
            tree.create_path(&[V1, namespace, SANDBOXES])?;
            for (id, sandbox) in sandboxes.buckets() {
                copy_sandbox(tree, &[V1, namespace, SANDBOXES, id], sandbox)?;
            }
        }
        tree.delete_bucket(&[], namespace)?;
    }
    Ok(())
}

/// Two levels are copied; a third is an error.
fn copy_sandbox(tree: &mut Bucket, path: &[&[u8]; 4], sandbox: View<'_>) -> Result<(), Error> {
    tree.create_path(path)?;
    for (key, entry) in sandbox.iter() {
        let Some(below) = entry.bucket() else {
            tree.put(path, key, entry.value().unwrap_or_default())?;
            continue;
        };
        let path = [path[0], path[1], path[2], path[3], key];
        tree.create_path(&path)?;
        for (name, entry) in below.iter() {
            let Some(value) = entry.value() else {
                return Err(Error::unknown(format_args!("unexpected bucket {} in a sandbox", Shown(name))));
            };
            tree.put(&path, name, value)?;
        }
    }
    Ok(())
}

/// The bucket at a path in every namespace that has it.
fn below_v1<'a>(tree: &'a Bucket, path: &'a [&'a [u8]]) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    let namespaces = tree.bucket(V1).into_iter().flat_map(View::buckets);
    namespaces.filter_map(move |(name, namespace)| Some((name, namespace.at(path)?)))
}
