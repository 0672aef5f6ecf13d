//! Edits of the database that no client can make.

use super::{World, refused};
use crate::bucket::Refusal;
use crate::metadata::{Error, ErrorKind};
use crate::scenario::{KeyPath, Name, RawValue, print_path};
use crate::schema::{time, varint};
use std::borrow::Cow;

impl World {
    /// Sets a value in a bucket that exists.
    pub(super) fn raw_put(&mut self, path: &KeyPath, value: &RawValue) -> Result<(), Error> {
        let (around, key) = split(path);
        let put = self.store.tree.put(&around, key, &raw_bytes(value));
        put.map_err(|refusal| self.of_refusal(path, refusal))
    }

    /// Creates a bucket and those above it; one that exists stays as it is.
    pub(super) fn raw_bucket(&mut self, path: &KeyPath) -> Result<(), Error> {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let mut tree = self.store.tree.clone();
        tree.create_path(&keys).map_err(|refusal| self.of_refusal(path, refusal))?;
        self.store.tree = tree;
        Ok(())
    }

    /// Deletes a value, or a bucket with all below it.
    pub(super) fn raw_delete(&mut self, path: &KeyPath) -> Result<(), Error> {
        let (around, key) = split(path);
        let there = self.store.tree.view().at(&around).and_then(|bucket| bucket.entry(key));
        let deleted = match there.map(|entry| entry.bucket().is_some()) {
            None => Err(Refusal::BucketNotFound),
            Some(true) => self.store.tree.delete_bucket(&around, key),
            Some(false) => self.store.tree.delete(&around, key),
        };
        deleted.map_err(|refusal| self.of_refusal(path, refusal))
    }

    /// Sets a bucket's sequence number.
    pub(super) fn raw_sequence(&mut self, path: &KeyPath, sequence: u64) -> Result<(), Error> {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let set = self.store.tree.set_sequence(&keys, sequence);
        set.map_err(|refusal| self.of_refusal(path, refusal))
    }

    fn of_refusal(&self, path: &KeyPath, refusal: Refusal) -> Error {
        let kind = match refusal {
            Refusal::BucketNotFound => ErrorKind::NotFound,
            Refusal::BucketExists => ErrorKind::AlreadyExists,
            Refusal::IncompatibleValue => ErrorKind::FailedPrecondition,
            _ => ErrorKind::InvalidArgument,
        };
        let missing = if refusal == Refusal::BucketNotFound { self.missing(path) } else { String::new() };
        refused(kind, format!("{}: {refusal}{missing}", print_path(path)))
    }

    /// Which key of a path is the first that leads to no bucket.
    fn missing(&self, path: &KeyPath) -> String {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let is_missing = |end: &usize| self.store.tree.view().at(&keys[..*end]).is_none();
        match (1..keys.len()).find(is_missing) {
            Some(end) => format!(": there is none at {}", print_path(&path[..end])),
            None => String::new(),
        }
    }
}

/// The bytes that a raw value stands for.
pub(super) fn raw_bytes(value: &RawValue) -> Cow<'_, [u8]> {
    match value {
        RawValue::Bytes(bytes) => Cow::Borrowed(bytes),
        RawValue::Time(at) => Cow::Owned(time::to_binary(*at)),
        RawValue::Varint(number) => Cow::Owned(varint::encode_signed(*number)),
    }
}

/// The keys of the bucket around an entry, and its own.
pub(super) fn split(path: &[Name]) -> (Vec<&[u8]>, &[u8]) {
    match path.split_last() {
        Some((key, around)) => (around.iter().map(Vec::as_slice).collect(), key),
        None => (Vec::new(), b""),
    }
}
