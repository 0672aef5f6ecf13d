//! A stub of what lies on disk: the content store and the snapshotters.
//!
//! It keeps what containerd's own local content store and overlay snapshotter let anybody see: blobs by digest
//! with their size, ingests by backend reference with the data written so far, which reference a writer has
//! locked, and each snapshotter's tree by backend name (`NAMESPACE/SEQUENCE/KEY`). No bytes are kept: data is its
//! digest and its size. Nothing here knows of the metadata, and no failed transaction undoes what happened here.
//!
//! The maps are [`Bucket`]s, so that a copy costs nothing.

use super::error::{Error, ErrorKind, Shown};
use super::fields::{Label, Labels};
use super::validate;
use crate::bucket::{Bucket, View};
use crate::instant::Instant;
use std::hash::{Hash as _, Hasher};
use std::sync::Arc;

/// The digest of no data.
const EMPTY_DIGEST: &[u8] = b"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What lies on disk, as a value. Most steps leave it as it is, so that all holders share it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backend(Arc<Disk>);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Disk {
    /// Digest -> size.
    blobs: Bucket,
    /// Backend reference -> [`BackendIngest`].
    ingests: Bucket,
    /// Backend references that a writer has locked. In memory in containerd: gone after a restart.
    locks: Bucket,
    /// Snapshotter -> backend name -> [`BackendSnapshot`].
    snapshots: Bucket,
}

/// An ingest on disk: what has been written so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackendIngest {
    /// Bytes written.
    pub offset: i64,
    /// The size that was announced; 0 if none was.
    pub total: i64,
    /// The digest of what was written.
    pub digest: Vec<u8>,
}

/// What a backend's snapshot is (containerd's `snapshots.Kind`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SnapshotKind {
    /// Made by View: read-only, cannot be committed.
    View,
    /// Made by Prepare.
    Active,
    /// May be a parent.
    Committed,
}

/// A snapshot on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackendSnapshot {
    /// What it is.
    pub kind: SnapshotKind,
    /// When it was created or committed, by the daemon's clock.
    pub created: Instant,
    /// When its labels last changed.
    pub updated: Instant,
    /// Its parent's backend name; empty if it has none.
    pub parent: Vec<u8>,
    /// The labels that the metadata passes on.
    pub labels: Labels,
}

/// What a snapshot becomes when it is committed.
pub(super) struct Committed<'a> {
    pub(super) name: &'a [u8],
    /// The backend's name of the parent that it gets, for one that has none (from 2.2).
    pub(super) parent: Option<Vec<u8>>,
    pub(super) labels: Labels,
    pub(super) now: Instant,
}

impl Backend {
    /// What a restart leaves: all but the locks.
    pub(super) fn restarted(&self) -> Backend {
        let mut restarted = self.clone();
        restarted.disk().locks = Bucket::default();
        restarted
    }

    /// Adds all of it to a hash but the snapshots' times, which are only written down.
    pub fn hash_less_times(&self, state: &mut impl Hasher) {
        let Disk { blobs, ingests, locks, snapshots: _ } = &*self.0;
        for bucket in [blobs, ingests, locks] {
            for (key, entry) in bucket.view().iter() {
                (key, entry.value()).hash(state);
            }
            state.write_u8(0);
        }
        for snapshotter in self.snapshotters() {
            snapshotter.hash(state);
            for (name, BackendSnapshot { kind, parent, labels, .. }) in self.snapshots(snapshotter) {
                (name, kind, parent, labels).hash(state);
            }
        }
    }

    /// What lies on disk, to be changed.
    fn disk(&mut self) -> &mut Disk {
        Arc::make_mut(&mut self.0)
    }
}

/// Content.
impl Backend {
    /// The size of a blob.
    pub fn blob(&self, digest: &[u8]) -> Option<i64> {
        self.0.blobs.get(digest).map(number)
    }

    /// Every blob with its size, in the order of the digests.
    pub fn blobs(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.0.blobs.view().iter().filter_map(|(digest, entry)| Some((digest, number(entry.value()?))))
    }

    /// An ingest.
    pub fn ingest(&self, reference: &[u8]) -> Option<BackendIngest> {
        self.0.ingests.get(reference).map(BackendIngest::decode)
    }

    /// Every ingest, in the order of the backend references.
    pub fn ingests(&self) -> impl Iterator<Item = (&[u8], BackendIngest)> {
        let entries = self.0.ingests.view().iter();
        entries.filter_map(|(reference, entry)| Some((reference, BackendIngest::decode(entry.value()?))))
    }

    /// Whether a writer has a backend reference locked.
    pub fn is_locked(&self, reference: &[u8]) -> bool {
        self.0.locks.get(reference).is_some()
    }

    /// Every backend reference that a writer has locked, in order.
    pub fn locked(&self) -> impl Iterator<Item = &[u8]> {
        self.0.locks.view().iter().map(|(reference, _)| reference)
    }

    /// Locks what another backend has locked.
    pub(crate) fn lock_as(&mut self, other: &Backend) {
        self.disk().locks = other.0.locks.clone();
    }

    /// Has the content and the ingests that another backend has.
    pub(crate) fn content_as(&mut self, other: &Backend) {
        let disk = self.disk();
        disk.blobs = other.0.blobs.clone();
        disk.ingests = other.0.ingests.clone();
    }

    /// Whether anything hinders a fresh ingest of this reference.
    pub(super) fn has_ingest_or_lock(&self, reference: &[u8]) -> bool {
        self.is_locked(reference) || self.0.ingests.get(reference).is_some()
    }

    /// Puts a blob there, as another program or an earlier life of the daemon may have.
    ///
    /// # Errors
    /// The digest is empty or too long for a key.
    pub fn put_blob(&mut self, digest: &[u8], size: i64) -> Result<(), Error> {
        Ok(self.disk().blobs.put(&[], digest, &size.to_le_bytes())?)
    }

    /// Opens a writer: locks the reference, begins an ingest or resumes the one that is there
    /// (`content/local.store.Writer`). An ingest announced with another total is begun anew.
    pub(super) fn open_writer(&mut self, reference: &[u8], total: i64) -> Result<BackendIngest, Error> {
        if self.is_locked(reference) {
            let shown = Shown(reference);
            return Err(Error::new(
                ErrorKind::Unavailable,
                format_args!("ref {shown} is locked by another writer"),
            ));
        }
        self.disk().locks.put(&[], reference, b"")?;
        let resumed = self.ingest(reference);
        let resumed = resumed.filter(|there| total <= 0 || there.total <= 0 || there.total == total);
        if let Some(there) = resumed {
            return Ok(there);
        }
        let begun = BackendIngest { offset: 0, total: total.max(0), digest: EMPTY_DIGEST.to_vec() };
        self.disk().ingests.put(&[], reference, &begun.encode())?;
        Ok(begun)
    }

    /// Records what an open writer has written. A writer keeps its file open: where the ingest was aborted under
    /// it, the data goes nowhere.
    pub(super) fn written(&mut self, reference: &[u8], offset: i64, digest: &[u8]) -> Result<(), Error> {
        let Some(there) = self.ingest(reference) else { return Ok(()) };
        let now = BackendIngest { offset, total: there.total, digest: digest.to_vec() };
        Ok(self.disk().ingests.put(&[], reference, &now.encode())?)
    }

    /// Gives a reference free, whoever has it.
    pub(super) fn unlock(&mut self, reference: &[u8]) -> Result<(), Error> {
        Ok(self.disk().locks.delete(&[], reference)?)
    }

    /// Makes an ingest a blob; its reference is free in any case (`content/local.writer.Commit`).
    ///
    /// # Errors
    /// The digest is not the expected one: failed precondition. The blob is there: already exists, and the ingest
    /// is gone. The ingest was aborted under the writer: a plain error.
    pub(super) fn commit_ingest(
        &mut self,
        reference: &[u8],
        size: i64,
        digest: &[u8],
        expected: &[u8],
    ) -> Result<(), Error> {
        self.unlock(reference)?;
        if !expected.is_empty() && expected != digest {
            let (actual, expected) = (Shown(digest), Shown(expected));
            return Err(Error::new(
                ErrorKind::FailedPrecondition,
                format_args!("commit digest {actual}, expected {expected}"),
            ));
        }
        if self.blob(digest).is_some() {
            self.abort(reference)?;
            return Err(Error::already_exists("content", digest));
        }
        if self.0.ingests.get(reference).is_none() {
            let shown = Shown(reference);
            return Err(Error::unknown(format_args!("ingest {shown} is gone, its data cannot be renamed")));
        }
        self.put_blob(digest, size)?;
        self.abort(reference)
    }

    /// Removes an ingest; none is no error (`content/local.store.Abort`).
    pub(super) fn abort(&mut self, reference: &[u8]) -> Result<(), Error> {
        Ok(self.disk().ingests.delete(&[], reference)?)
    }

    pub(crate) fn delete_blob(&mut self, digest: &[u8]) -> Result<(), Error> {
        Ok(self.disk().blobs.delete(&[], digest)?)
    }
}

/// Snapshots.
impl Backend {
    /// The snapshotters that have or had snapshots.
    pub fn snapshotters(&self) -> impl Iterator<Item = &[u8]> {
        self.0.snapshots.view().buckets().map(|(name, _)| name)
    }

    /// A snapshot.
    pub fn snapshot(&self, snapshotter: &[u8], name: &[u8]) -> Option<BackendSnapshot> {
        self.0.snapshots.bucket(snapshotter)?.get(name).map(BackendSnapshot::decode)
    }

    /// Every snapshot of a snapshotter, in the order of the backend names.
    pub fn snapshots(&self, snapshotter: &[u8]) -> impl Iterator<Item = (&[u8], BackendSnapshot)> {
        let entries = self.0.snapshots.bucket(snapshotter).into_iter().flat_map(View::iter);
        entries.filter_map(|(name, entry)| Some((name, BackendSnapshot::decode(entry.value()?))))
    }

    fn put_snapshot(
        &mut self,
        snapshotter: &[u8],
        name: &[u8],
        snapshot: &BackendSnapshot,
    ) -> Result<(), Error> {
        self.disk().snapshots.create_path(&[snapshotter])?;
        Ok(self.disk().snapshots.put(&[snapshotter], name, &snapshot.encode())?)
    }

    /// Creates an active or view snapshot (`snapshots/storage.CreateSnapshot`).
    ///
    /// # Errors
    /// The parent is missing: not found. It is not committed: invalid argument. The name is taken: already exists.
    pub(super) fn create_snapshot(
        &mut self,
        snapshotter: &[u8],
        name: &[u8],
        created: BackendSnapshot,
    ) -> Result<(), Error> {
        if !created.parent.is_empty() {
            let Some(parent) = self.snapshot(snapshotter, &created.parent) else {
                return Err(Error::not_found("the backend's parent", &created.parent));
            };
            if parent.kind != SnapshotKind::Committed {
                let shown = Shown(&created.parent);
                return Err(Error::invalid(format_args!("parent {shown} is not a committed snapshot")));
            }
        }
        if self.snapshot(snapshotter, name).is_some() {
            return Err(Error::already_exists("the backend's snapshot", name));
        }
        self.put_snapshot(snapshotter, name, &created)
    }

    /// Makes an active snapshot a committed one under another name (`snapshots/storage.CommitActive`).
    ///
    /// # Errors
    /// No such snapshot or parent: not found. The name is taken: already exists. It is a view, or committed, or the new
    /// parent is not: failed precondition.
    pub(super) fn commit_snapshot(
        &mut self,
        snapshotter: &[u8],
        key: &[u8],
        committed: Committed<'_>,
    ) -> Result<(), Error> {
        let Committed { name, parent, labels, now } = committed;
        let Some(there) = self.snapshot(snapshotter, key) else {
            return Err(Error::not_found("the backend's snapshot", key));
        };
        if self.snapshot(snapshotter, name).is_some() {
            return Err(Error::already_exists("the backend's snapshot", name));
        }
        let failed = |message: std::fmt::Arguments<'_>| Error::new(ErrorKind::FailedPrecondition, message);
        if there.kind != SnapshotKind::Active {
            return Err(failed(format_args!("snapshot {} is not active", Shown(key))));
        }
        if let Some(parent) = &parent {
            let Some(there) = self.snapshot(snapshotter, parent) else {
                return Err(Error::not_found("the backend's parent", parent));
            };
            if there.kind != SnapshotKind::Committed {
                return Err(failed(format_args!("parent {} is not committed", Shown(parent))));
            }
        }
        let kind = SnapshotKind::Committed;
        let parent = parent.unwrap_or(there.parent);
        let committed = BackendSnapshot { kind, created: now, updated: now, parent, labels };
        self.put_snapshot(snapshotter, name, &committed)?;
        Ok(self.disk().snapshots.delete(&[snapshotter], key)?)
    }

    /// Replaces a snapshot's labels (`snapshots/storage.UpdateInfo`).
    pub(super) fn label_snapshot(
        &mut self,
        snapshotter: &[u8],
        name: &[u8],
        labels: Labels,
        now: Instant,
    ) -> Result<(), Error> {
        let Some(there) = self.snapshot(snapshotter, name) else {
            return Err(Error::not_found("the backend's snapshot", name));
        };
        self.put_snapshot(snapshotter, name, &BackendSnapshot { labels, updated: now, ..there })
    }

    /// Removes a snapshot that is known to have no children (`snapshots/storage.Remove`).
    pub(super) fn remove_leaf(&mut self, snapshotter: &[u8], name: &[u8]) -> Result<(), Error> {
        if self.snapshot(snapshotter, name).is_none() {
            return Err(Error::not_found("the backend's snapshot", name));
        }
        Ok(self.disk().snapshots.delete(&[snapshotter], name)?)
    }
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("sizes are kept in eight bytes"))
}

impl BackendIngest {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.digest.len());
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        bytes.extend_from_slice(&self.total.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    fn decode(bytes: &[u8]) -> BackendIngest {
        let (offset, rest) = bytes.split_at(8);
        let (total, digest) = rest.split_at(8);
        BackendIngest { offset: number(offset), total: number(total), digest: digest.to_vec() }
    }
}

impl BackendSnapshot {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40 + self.parent.len());
        bytes.push(self.kind as u8);
        for instant in [self.created, self.updated] {
            bytes.extend_from_slice(&instant.seconds.to_le_bytes());
            bytes.extend_from_slice(&instant.nanoseconds.to_le_bytes());
        }
        let labels = self.labels.iter().flat_map(|(key, value)| [key, value]);
        for text in std::iter::once(&self.parent).chain(labels) {
            let length = u32::try_from(text.len()).expect("keys and labels are far below 4 GiB");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(text);
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> BackendSnapshot {
        let mut reader = Reader(bytes);
        let kind = match reader.take::<1>() {
            [0] => SnapshotKind::View,
            [1] => SnapshotKind::Active,
            _ => SnapshotKind::Committed,
        };
        let (created, updated) = (reader.instant(), reader.instant());
        let parent = reader.text();
        let mut labels = Labels::new();
        while !reader.0.is_empty() {
            labels.push((reader.text(), reader.text()));
        }
        BackendSnapshot { kind, created, updated, parent, labels }
    }
}

/// Reads what `encode` wrote.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let (taken, rest) = self.0.split_first_chunk().expect("a snapshot is read as it was written");
        self.0 = rest;
        *taken
    }

    fn instant(&mut self) -> Instant {
        let seconds = i64::from_le_bytes(self.take());
        Instant { seconds, nanoseconds: u32::from_le_bytes(self.take()) }
    }

    fn text(&mut self) -> Vec<u8> {
        let length = u32::from_le_bytes(self.take()) as usize;
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text.to_vec()
    }
}

/// The labels that the metadata passes on to the backend (`snapshots.FilterInheritedLabels`).
pub(super) fn inherited(labels: &[Label]) -> Labels {
    let is_inherited =
        |key: &[u8]| key == super::names::SNAPSHOT_REF || key.starts_with(super::names::SNAPSHOT_INHERITED);
    labels.iter().filter(|(key, value)| is_inherited(key) && !value.is_empty()).cloned().collect()
}

/// Whether a backend could have a blob of this digest at all: it makes a path of it.
pub(super) fn can_hold(digest: &[u8]) -> bool {
    validate::digest(digest).is_ok()
}
