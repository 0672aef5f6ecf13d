//! Objects and entries at paths that are created if need be.

use super::error::Error;
use super::names::{CONTENT, INGESTS, LEASES, SNAPSHOTS, V1};
use super::{Context, ErrorKind, Store};
use crate::bucket::{Bucket, Refusal, View};

impl Store {
    /// The bucket at a path of the tree.
    pub(super) fn at(&self, path: &[&[u8]]) -> Option<View<'_>> {
        self.tree.view().at(path)
    }

    /// Refuses to create an object, called so in the error, whose key is taken.
    pub(super) fn refuse_taken(&self, path: &[&[u8]], key: &[u8], called: &str) -> Result<(), Error> {
        match self.at(path).and_then(|objects| objects.bucket(key)) {
            Some(_) => Err(Error::already_exists(called, key)),
            None => Ok(()),
        }
    }

    /// Deletes an object, called so in the error where it is not there.
    pub(super) fn delete_object(&mut self, path: &[&[u8]], key: &[u8], called: &str) -> Result<(), Error> {
        match self.tree.delete_bucket(path, key) {
            Err(Refusal::BucketNotFound) if !self.is_taken_for_value(path, key) => {
                Err(Error::not_found(called, key))
            }
            Err(Refusal::BucketNotFound) => Err(Refusal::IncompatibleValue.into()),
            deleted => Ok(deleted?),
        }
    }

    /// bbolt's `Bucket.DeleteBucket` takes the end of an empty bucket for an entry with the empty key that is no bucket.
    pub(super) fn is_taken_for_value(&self, path: &[&[u8]], key: &[u8]) -> bool {
        key.is_empty() && self.at(path).is_some_and(View::is_empty)
    }

    /// Puts an object into a bucket that is created if need be: all or nothing.
    pub(super) fn put_object(&mut self, path: &[&[u8]], key: &[u8], object: &Bucket) -> Result<(), Error> {
        // Mostly the bucket is there. One edit needs no transaction, whose copy of the tree would make the edit copy too.
        match self.tree.graft(path, key, object) {
            Err(Refusal::BucketNotFound) => self.update(|store| {
                store.tree.create_path(path)?;
                Ok(store.tree.graft(path, key, object)?)
            }),
            grafted => Ok(grafted?),
        }
    }

    /// Puts an entry with an empty value into a bucket that is created if need be.
    pub(super) fn put_entry(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Error> {
        match self.tree.put(path, key, b"") {
            Err(Refusal::BucketNotFound) => {
                self.tree.create_path(path)?;
                Ok(self.tree.put(path, key, b"")?)
            }
            put => Ok(put?),
        }
    }

    /// Counts a bucket's sequence number on (bbolt's `Bucket.NextSequence`).
    pub(super) fn next_sequence(&mut self, path: &[&[u8]]) -> Result<u64, Error> {
        let next = self.at(path).map_or(0, View::sequence).wrapping_add(1);
        self.tree.set_sequence(path, next)?;
        Ok(next)
    }

    /// Enters a resource into the lease in use; says whether there is one (`addContentLease` and its like).
    ///
    /// # Errors
    /// The lease does not exist: not found.
    pub(super) fn add_to_lease(
        &mut self,
        context: &Context<'_>,
        kind: LeaseEntry<'_>,
        key: &[u8],
    ) -> Result<bool, Error> {
        let Some(lease) = context.lease else { return Ok(false) };
        let path = kind.path(context.namespace, lease);
        if self.at(&path[..4]).is_none() {
            return Err(Error::not_found("lease", lease));
        }
        self.put_entry(kind.length(&path), key)?;
        Ok(true)
    }

    /// Takes a resource out of the lease in use, and out of no other; a lease that does not exist is none
    /// (`removeContentLease` and its like).
    pub(super) fn remove_from_lease(
        &mut self,
        context: &Context<'_>,
        kind: LeaseEntry<'_>,
        key: &[u8],
    ) -> Result<(), Error> {
        let Some(lease) = context.lease else { return Ok(()) };
        let path = kind.path(context.namespace, lease);
        match self.tree.delete(kind.length(&path), key) {
            Err(Refusal::BucketNotFound) => Ok(()),
            deleted => Ok(deleted?),
        }
    }
}

/// Where in a lease a resource stands.
#[derive(Clone, Copy)]
pub(super) enum LeaseEntry<'a> {
    Content,
    Ingest,
    Image,
    Snapshot { snapshotter: &'a [u8] },
}

impl<'a> LeaseEntry<'a> {
    fn path(self, namespace: &'a [u8], lease: &'a [u8]) -> [&'a [u8]; 6] {
        let (kind, snapshotter) = match self {
            LeaseEntry::Content => (CONTENT, &b""[..]),
            LeaseEntry::Ingest => (INGESTS, &b""[..]),
            LeaseEntry::Image => (super::names::IMAGES, &b""[..]),
            LeaseEntry::Snapshot { snapshotter } => (SNAPSHOTS, snapshotter),
        };
        [V1, namespace, LEASES, lease, kind, snapshotter]
    }

    fn length<'p>(self, path: &'p [&'a [u8]; 6]) -> &'p [&'a [u8]] {
        match self {
            LeaseEntry::Snapshot { .. } => path,
            _ => &path[..5],
        }
    }
}

/// The backend's name of an object: `NAMESPACE/SEQUENCE/KEY` (`createKey`).
pub(super) fn backend_key(sequence: u64, namespace: &[u8], key: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(namespace.len() + key.len() + 22);
    name.extend_from_slice(namespace);
    name.push(b'/');
    // Nearly every sequence number has few digits.
    let mut digits = [0; 20];
    let (mut rest, mut start) = (sequence, digits.len());
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).expect("a remainder of ten");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    name.extend_from_slice(&digits[start..]);
    name.push(b'/');
    name.extend_from_slice(key);
    name
}

/// The error of a request that waits for a lock which another step under way holds.
pub(super) fn blocked(message: std::fmt::Arguments<'_>) -> Error {
    Error::new(ErrorKind::Blocked, message)
}
