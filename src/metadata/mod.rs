//! containerd's write side: what each client operation does to the metadata database and to the backends.
//!
//! A [`Store`] is a value: a tree, a stub of the backends (what lies on disk), and the marks that tell a
//! collection what to clean up afterwards. An operation takes a [`Context`] (namespace, lease in use, now) and
//! either happens whole or answers an [`Error`] and leaves the tree as it was. Where containerd itself commits a
//! transaction although it answers `already exists`, so does this; and what a failed transaction did to a backend
//! stays done, because no rollback reaches a disk.
//!
//! ```text
//!   lease_create(pull) ── open_writer(ref, digest) ── write ── commit_writer ── image_create ── lease_delete
//!        tree:  leases/pull    content/ingests/ref              content/blob/DIGEST   images/NAME
//!        disk:                 ingest NS/1/ref                  blob DIGEST
//! ```
//!
//! Buckets, keys and bytes are those of a daemon; defects are written as shipped and named where they stand
//! (L1, L3, L5, L16, L17, L18, 19, 22, 40). The rules are those of 1.7.0-beta.1, containerd commit dcf5687cab; where
//! a later release writes otherwise, [`Store::release`] decides. Sequence numbers are kept exactly, because the
//! names of the backends' objects are made of them.
//!
//! This room knows nothing of what is kept or removed: a collection is the engine's, and comes back through
//! [`Store::collected`].

mod backend;
mod buckets;
mod containers;
mod content;
mod error;
mod fields;
mod images;
mod ingests;
mod leases;
mod migrations;
mod names;
mod namespaces;
mod put;
mod sandboxes;
mod snapshots;
pub mod streams;
mod validate;

pub use backend::{Backend, BackendIngest, BackendSnapshot, SnapshotKind};
pub use containers::Container;
pub use content::CleanedContent;
pub use error::{Error, ErrorKind};
pub use fields::{Label, Labels};
pub use images::Image;
pub use ingests::Writer;
pub use leases::{Resource, expiration};
pub use put::Put;
pub use sandboxes::Sandbox;
pub use snapshots::{NewSnapshot, Preparation, Prepared};

use crate::bucket::Bucket;
use crate::instant::Instant;
use crate::release::Release;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

/// What a client's request carries besides its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context<'a> {
    /// The namespace; every operation needs one (`namespaces.NamespaceRequired`).
    pub namespace: &'a [u8],
    /// The lease in use, as the request header `containerd-lease` carries it (`leases.FromContext`).
    pub lease: Option<&'a [u8]>,
    /// The daemon's clock.
    pub now: Instant,
}

/// The database and the backends under it, as a value. Cloning takes constant time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// The whole database.
    pub tree: Bucket,
    /// What lies on disk.
    pub backend: Backend,
    /// What changed since the last collection.
    pub dirty: Dirty,
    /// The release that writes.
    pub release: Release,
    /// Whether content is shared between namespaces.
    pub sharing: Sharing,
    /// The snapshotters of preparations under way, which hold their snapshotter's lock (shared).
    preparing: Vec<Box<[u8]>>,
}

/// The daemon's content sharing policy (`content_sharing_policy`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Sharing {
    /// A writer with an expected digest finds any namespace's content. The daemon's default.
    #[default]
    Shared,
    /// Only that of namespaces labelled `containerd.io/namespace.shareable=true`.
    Isolated,
}

/// What changed since the last collection (the dirty fields of containerd's `metadata.DB`).
///
/// Updates set nothing here, whatever references they drop (L21): the next collection comes with a deletion, or
/// after enough mutations.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Dirty {
    /// Deletions; above zero the scheduler collects.
    pub count: u32,
    /// The content backend wants a clean-up.
    pub content: bool,
    /// The snapshotters that want a clean-up.
    pub snapshotters: BTreeSet<Box<[u8]>>,
}

impl Dirty {
    fn deletion(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    fn snapshotter(&mut self, name: &[u8]) {
        if !self.snapshotters.contains(name) {
            self.snapshotters.insert(name.into());
        }
    }
}

/// Which backends a collection wants cleaned up.
#[derive(Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct CleanUp {
    /// The content store.
    pub content: bool,
    /// Snapshotters, in the order of their names.
    pub snapshotters: Vec<Box<[u8]>>,
}

impl Store {
    /// A fresh database of a release: the version under `v1` and nothing else (`DB.Init`).
    pub fn new(release: Release) -> Store {
        Store::open(Bucket::new(), release).expect("an empty tree has nothing that a migration could refuse")
    }

    /// A database as a daemon of this release opens it, migrated if it is older (`DB.Init`). The backends start
    /// empty.
    ///
    /// # Errors
    /// A migration meets what it cannot move: a value where it expects a bucket, or the other way round. From 2.0
    /// on a plain value at the root crashes the daemon (containerd #11629).
    pub fn open(tree: Bucket, release: Release) -> Result<Store, Error> {
        Ok(Store {
            tree: migrations::migrated(tree, release)?,
            backend: Backend::default(),
            dirty: Dirty::default(),
            release,
            sharing: Sharing::Shared,
            preparing: Vec::new(),
        })
    }

    /// The same database and backends under a new daemon, maybe of another release (`DB.Init`). What the old one held
    /// in memory is gone: the marks, the writers' locks, the preparations under way.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn restarted(&self, release: Release) -> Result<Store, Error> {
        let opened = Store::open(self.tree.clone(), release)?;
        Ok(Store { backend: self.backend.restarted(), sharing: self.sharing, ..opened })
    }

    /// The snapshotters of preparations under way, whose clean-up waits for them.
    pub fn preparing(&self) -> impl Iterator<Item = &[u8]> {
        self.preparing.iter().map(|snapshotter| &**snapshotter)
    }

    /// Has the preparations under way that another store has.
    pub(crate) fn prepare_as(&mut self, other: &Store) {
        self.preparing.clone_from(&other.preparing);
    }

    /// Takes over the tree that a collection left, with the backends it made dirty, and says which clean-ups it
    /// schedules; all marks are reset (`DB.GarbageCollect`). A clean-up is a step of its own, so that others can
    /// come between.
    pub fn collected<'a>(
        &mut self,
        tree: Bucket,
        content: bool,
        snapshotters: impl IntoIterator<Item = &'a [u8]>,
    ) -> CleanUp {
        self.tree = tree;
        self.collection_failed(content, snapshotters);
        let dirty = std::mem::take(&mut self.dirty);
        CleanUp { content: dirty.content, snapshotters: dirty.snapshotters.into_iter().collect() }
    }

    /// Keeps the marks that a collection set before its sweep failed and was rolled back: they are set outside the
    /// transaction (`DB.GarbageCollect`).
    pub fn collection_failed<'a>(&mut self, content: bool, snapshotters: impl IntoIterator<Item = &'a [u8]>) {
        self.dirty.content |= content;
        for name in snapshotters {
            self.dirty.snapshotter(name);
        }
    }

    /// Adds to a hash what is neither the tree nor written down there: the backends, what the daemon has in memory. How
    /// many deletions there were matters to nobody but the scheduler.
    pub fn hash_less_tree(&self, state: &mut impl Hasher) {
        let Store { tree: _, backend, dirty, release, sharing, preparing } = self;
        backend.hash_less_times(state);
        (dirty.content, &dirty.snapshotters, release, sharing, preparing).hash(state);
    }

    /// Runs one transaction on the tree: all of it or, on an error, nothing. The backends are beyond its reach.
    fn update<T>(&mut self, transaction: impl FnOnce(&mut Store) -> Result<T, Error>) -> Result<T, Error> {
        let before = self.tree.clone();
        let result = transaction(self);
        if result.is_err() {
            self.tree = before;
        }
        result
    }

    /// Snapshots that a client asks for and that exist are put into its lease, which is committed (19; in the line
    /// 1.7 from 1.7.17 and 1.7.23, from 2.0). Before, the answer `already exists` protects nothing.
    fn leases_existing_snapshots(&self) -> bool {
        self.release >= Release::V1_7
    }

    /// A snapshot can be given its parent when it is committed (`snapshots.WithParent`, from 2.2), so that layers are
    /// unpacked in parallel.
    fn commits_on_parents(&self) -> bool {
        self.release >= Release::V2_2
    }

    /// Images with an expiry go into the lease in use (from 2.0).
    fn leases_images(&self) -> bool {
        self.release.rules().image_nodes
    }
}

#[cfg(test)]
mod tests;
