//! What the database lists and what lies on the disk.
//!
//! Names and lengths are compared, nothing else: no blob is read. The listing is made by whoever may look at folders.

use super::finding::{Findings, Object, Subject, and_more};
use super::lints::Lint;
use super::namespace::Namespace;
use crate::bucket::Bucket;
use crate::node::Kind;
use crate::schema::{names, views};
use crate::stored::{Snapshot, Stored, Unread};
use crate::text;
use std::collections::{BTreeMap, BTreeSet};

/// Compares a database with what is stored.
pub(super) fn lint(tree: &Bucket, stored: &Stored, findings: &mut Findings) {
    for Unread { store, why, is_damaged } in stored.unread.iter().chain(&stored.snapshots.unread) {
        let object = Object::of(Subject::Store, b"", store.as_bytes());
        let lint = if *is_damaged { Lint::StoreDamaged } else { Lint::StoreNotCompared };
        findings.add(lint, object, why.clone());
    }
    if let Some(blobs) = &stored.blobs {
        content(tree, blobs, findings);
    }
    if let Some(ingests) = &stored.ingests {
        self::ingests(tree, ingests, findings);
    }
    snapshots(tree, stored, findings);
}

fn content(tree: &Bucket, stored: &BTreeMap<Vec<u8>, u64>, findings: &mut Findings) {
    let mut listed: BTreeSet<&[u8]> = BTreeSet::new();
    for namespace in Namespace::all(tree) {
        for (digest, _) in namespace.blobs().buckets() {
            listed.insert(digest);
            let object = || Object::node(Kind::Content, namespace.name, digest);
            let recorded = views::blob_size(tree, namespace.name, digest);
            let finding = match (stored.get(digest), recorded) {
                (None, _) => {
                    findings.add(Lint::BlobNotStored, object(), "it has no file in the content store")
                }
                (Some(length), Some(size)) if *length != size => {
                    let [length, size] = [*length, size].map(|bytes| text::counted(bytes, "byte"));
                    let text = format!("its file has {length}, its record says {size}");
                    findings.add(Lint::BlobLengthDiffers, object(), text)
                }
                _ => continue,
            };
            finding.ctr(namespace.name, &[b"content", b"rm"], &[digest]);
        }
        // A writer relies on what it expects; the store keeps it.
        listed.extend(namespace.ingests().buckets().filter_map(|(_, ingest)| ingest.get(names::EXPECTED)));
    }
    for (digest, bytes) in stored.iter().filter(|(digest, _)| !listed.contains(digest.as_slice())) {
        let finding =
            findings.add(Lint::BlobNotListed, Object::node(Kind::Content, b"", digest), text::bytes(*bytes));
        finding.bytes = Some(*bytes);
    }
}

fn ingests(tree: &Bucket, stored: &BTreeMap<Vec<u8>, u64>, findings: &mut Findings) {
    let mut listed: BTreeSet<&[u8]> = BTreeSet::new();
    for namespace in Namespace::all(tree) {
        for (reference, ingest) in namespace.ingests().buckets() {
            let backend = ingest.get(names::REF).unwrap_or_default();
            listed.insert(backend);
            // What another namespace has is not written.
            if ingest.get(names::EXPECTED).is_none() && !stored.contains_key(backend) {
                let object = Object::node(Kind::Ingest, namespace.name, reference);
                let text = format!("the content store has no ingest {}", text::name(backend));
                findings.add(Lint::IngestNotStored, object, text);
            }
        }
    }
    for (reference, bytes) in stored.iter().filter(|(reference, _)| !listed.contains(reference.as_slice())) {
        let finding = findings.add(
            Lint::IngestNotListed,
            Object::node(Kind::Ingest, b"", reference),
            text::bytes(*bytes),
        );
        finding.bytes = Some(*bytes);
    }
}

fn snapshots(tree: &Bucket, stored: &Stored, findings: &mut Findings) {
    let mut listed: BTreeSet<(&[u8], &[u8])> = BTreeSet::new();
    for namespace in Namespace::all(tree) {
        for (snapshotter, snapshots) in namespace.snapshotters() {
            let there = stored.snapshots.of.get(snapshotter);
            for (key, snapshot) in snapshots.buckets() {
                let Some(backend) = snapshot.get(names::NAME) else { continue };
                listed.insert((snapshotter, backend));
                let lacks = match there.map(|there| there.get(backend)) {
                    Some(None) => Some(text::name(backend).to_string()),
                    Some(Some(Snapshot { lacks_folder: Some(id), .. })) => {
                        Some(format!("folder snapshots/{id}"))
                    }
                    _ => None,
                };
                if let Some(lacks) = lacks {
                    let text = format!("snapshotter {} has no {lacks}", text::name(snapshotter));
                    let object = Object::snapshot(namespace.name, snapshotter, key);
                    let finding = findings.add(Lint::SnapshotNotStored, object, text);
                    let words: [&[u8]; 4] = [b"snapshots", b"--snapshotter", snapshotter, b"rm"];
                    finding.ctr(namespace.name, &words, &[key]);
                }
            }
        }
    }
    for (snapshotter, snapshots) in &stored.snapshots.of {
        let is_listed = |name: &[u8]| listed.contains(&(snapshotter.as_slice(), name));
        for (name, Snapshot { bytes, .. }) in snapshots.iter().filter(|(name, _)| !is_listed(name)) {
            let size = bytes.map_or("its size is not known".to_owned(), text::bytes);
            let finding =
                findings.add(Lint::SnapshotNotListed, Object::snapshot(b"", snapshotter, name), size);
            finding.bytes = *bytes;
        }
    }
    for (snapshotter, folders) in &stored.snapshots.strays {
        let object = Object::of(Subject::Store, b"", snapshotter);
        match folders {
            Err(why) => {
                findings.add(Lint::StoreNotCompared, object, format!("its folder snapshots: {why}"));
            }
            Ok(folders) => {
                if let Some(first) = folders.ids.first() {
                    let more = and_more(folders.ids.len() - 1);
                    let text = format!("of no snapshot: its folder snapshots/{first}{more}");
                    findings.add(Lint::SnapshotFolderStray, object.clone(), text);
                }
                let begun = |start| folders.temporary.iter().filter(move |name| name.starts_with(start));
                for (start, what) in [
                    ("new-", "a snapshot that is being made, or was begun and never finished"),
                    ("rm-", "a snapshot that is being taken away, or was not taken away to the end"),
                ] {
                    let Some(first) = begun(start).next() else { continue };
                    let more = and_more(begun(start).count() - 1);
                    let text = format!("{what}: its folder snapshots/{}{more}", text::name(first.as_bytes()));
                    findings.add(Lint::SnapshotFolderStray, object.clone(), text);
                }
            }
        }
    }
}
