//! Two databases beside each other: every bucket, key and value.
//!
//! What the clocks and the counters of two daemons write is set aside: the times of creation, change and expiry (that there
//! is one is compared), sequence numbers, and the sequence number in the names that a backend knows (`default/9/key`).

use crate::bucket::{Entry, View};
use crate::metadata::{self, SnapshotKind};
use crate::schema::names;
use crate::text;
use std::fs::DirEntry;
use std::io;
use std::path::Path;

/// An entry that one of two databases has otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Differs {
    /// The keys from the root.
    pub path: Vec<Vec<u8>>,
    /// What the world has there.
    pub ours: Found,
    /// What the daemon has there.
    pub theirs: Found,
}

/// What is found at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A bucket.
    Bucket,
    /// A value.
    Value(Vec<u8>),
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Found::Nothing => f.write_str("nothing"),
            Found::Bucket => f.write_str("a bucket"),
            Found::Value(value) => f.write_str(&text::name(value)),
        }
    }
}

impl Found {
    fn of(entry: Option<Entry<'_>>) -> Found {
        match entry {
            None => Found::Nothing,
            Some(Entry::Bucket(_)) => Found::Bucket,
            Some(Entry::Value(value)) => Found::Value(value.to_vec()),
        }
    }
}

/// Where two databases differ, in the order of the paths; a bucket that one lacks is one difference. Namespaces by this name
/// are left out.
pub(super) fn differences(ours: View<'_>, theirs: View<'_>, less_namespace: &[u8]) -> Vec<Differs> {
    let mut found = Vec::new();
    let mut pairs = vec![(Vec::new(), ours, theirs)];
    while let Some((path, ours, theirs)) = pairs.pop() {
        let mut keys: Vec<&[u8]> = ours.iter().chain(theirs.iter()).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            if matches!(&path[..], [v1] if v1 == names::V1) && key == less_namespace {
                continue;
            }
            let path = || [&path[..], &[key.to_vec()]].concat();
            match (ours.entry(key), theirs.entry(key)) {
                (Some(Entry::Bucket(ours)), Some(Entry::Bucket(theirs))) => {
                    pairs.push((path(), ours, theirs))
                }
                (Some(Entry::Value(ours)), Some(Entry::Value(theirs))) if is_same(key, ours, theirs) => {}
                (ours, theirs) => {
                    found.push(Differs { path: path(), ours: Found::of(ours), theirs: Found::of(theirs) });
                }
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// What lies behind a database, each thing as one line: `content sha256:...`, `ingest default/upload`, `snapshot overlayfs
/// default/key active on default/base`. Sequence numbers in names are set aside.
pub(super) type StoredLines = Vec<String>;

/// What the world's backends have.
pub(super) fn stored_ours(backend: &metadata::Backend) -> StoredLines {
    let mut lines: StoredLines = backend.blobs().map(|(digest, _)| content_line(digest)).collect();
    lines.extend(backend.ingests().map(|(reference, _)| ingest_line(reference)));
    for snapshotter in backend.snapshotters() {
        for (name, snapshot) in backend.snapshots(snapshotter) {
            let kind = match snapshot.kind {
                SnapshotKind::View => "view",
                SnapshotKind::Active => "active",
                SnapshotKind::Committed => "committed",
            };
            lines.push(snapshot_line(snapshotter, name, kind, &snapshot.parent));
        }
    }
    lines.sort_unstable();
    lines
}

/// What a daemon's content store has on disk (`content/local`), with what its snapshotters have.
pub(super) fn stored_theirs(content: &Path, snapshots: Vec<String>) -> io::Result<StoredLines> {
    let mut lines = snapshots;
    for blob in entries(&content.join("blobs/sha256"))? {
        lines.push(content_line(&[b"sha256:", blob.file_name().as_encoded_bytes()].concat()));
    }
    for ingest in entries(&content.join("ingest"))? {
        lines.push(ingest_line(&std::fs::read(ingest.path().join("ref"))?));
    }
    lines.sort_unstable();
    Ok(lines)
}

/// None in a folder that is made when it is needed.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What only one of two has; what both have twice counts twice.
pub(super) fn only_in(here: &[String], there: &[String]) -> StoredLines {
    let mut there: Vec<&String> = there.iter().collect();
    let mut only = Vec::new();
    for line in here {
        match there.iter().position(|other| *other == line) {
            Some(place) => drop(there.swap_remove(place)),
            None => only.push(line.clone()),
        }
    }
    only
}

fn content_line(digest: &[u8]) -> String {
    format!("content {}", text::name(digest))
}

fn ingest_line(reference: &[u8]) -> String {
    format!("ingest {}", shared_name(reference))
}

pub(super) fn snapshot_line(snapshotter: &[u8], name: &[u8], kind: &str, parent: &[u8]) -> String {
    let on = if parent.is_empty() { String::new() } else { format!(" on {}", shared_name(parent)) };
    format!("snapshot {} {} {kind}{on}", text::name(snapshotter), shared_name(name))
}

fn shared_name(name: &[u8]) -> String {
    match less_sequence(name) {
        Some((namespace, key)) => format!("{}/{}", text::name(namespace), text::name(key)),
        None => text::name(name),
    }
}

fn is_same(key: &[u8], ours: &[u8], theirs: &[u8]) -> bool {
    match key {
        b"createdat" | b"updatedat" | names::EXPIRE_AT => true,
        names::NAME | names::REF => {
            let ours_shared = less_sequence(ours);
            ours == theirs || ours_shared.is_some() && ours_shared == less_sequence(theirs)
        }
        _ => ours == theirs,
    }
}

/// A backend's name, `NAMESPACE/SEQUENCE/KEY`, in its two parts that two daemons share.
fn less_sequence(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = name.splitn(3, |byte| *byte == b'/');
    let (namespace, sequence, key) = (parts.next()?, parts.next()?, parts.next()?);
    (!sequence.is_empty() && sequence.iter().all(u8::is_ascii_digit)).then_some((namespace, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::Bucket;

    fn tree(values: &[(&[&[u8]], &[u8])]) -> Bucket {
        let mut tree = Bucket::new();
        for (path, value) in values {
            let (key, path) = path.split_last().expect("a value has a key");
            tree.create_path(path).expect("nothing is in the way");
            tree.put(path, key, value).expect("nothing is in the way");
        }
        tree
    }

    #[test]
    fn times_and_sequences_are_set_aside_and_nothing_else_is() {
        let ours = tree(&[
            (&[b"v1", b"a", b"createdat"], b"1"),
            (&[b"v1", b"a", b"name"], b"ns/1/key"),
            (&[b"v1", b"a", b"size"], b"1"),
            (&[b"v1", b"b", b"size"], b"1"),
            (&[b"v1", b"collect", b"size"], b"1"),
        ]);
        let theirs = tree(&[
            (&[b"v1", b"a", b"createdat"], b"2"),
            (&[b"v1", b"a", b"name"], b"ns/27/key"),
            (&[b"v1", b"a", b"size"], b"2"),
            (&[b"v1", b"c"], b"1"),
        ]);
        let found = differences(ours.view(), theirs.view(), b"collect");
        let found: Vec<String> = found
            .iter()
            .map(|d| format!("{} {} {}", text::name(&d.path.concat()), d.ours, d.theirs))
            .collect();
        assert_eq!(found, ["v1asize 1 2", "v1b a bucket nothing", "v1c nothing 1"]);
    }

    #[test]
    fn a_backend_name_differs_where_its_namespace_or_key_does() {
        assert!(is_same(b"name", b"ns/1/a/b", b"ns/2/a/b"));
        assert!(!is_same(b"name", b"ns/1/a", b"ns/1/b"));
        assert!(!is_same(b"name", b"ns/1/a", b"other/1/a"));
        assert!(!is_same(b"name", b"main", b"other"));
        assert!(!is_same(b"size", b"ns/1/a", b"ns/2/a"));
    }
}
