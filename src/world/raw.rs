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
        put.map_err(|refusal| of_refusal(path, refusal))
    }

    /// Creates a bucket and those above it; one that exists stays as it is.
    pub(super) fn raw_bucket(&mut self, path: &KeyPath) -> Result<(), Error> {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let mut tree = self.store.tree.clone();
        tree.create_path(&keys).map_err(|refusal| of_refusal(path, refusal))?;
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
        deleted.map_err(|refusal| of_refusal(path, refusal))
    }

    /// Sets a bucket's sequence number.
    pub(super) fn raw_sequence(&mut self, path: &KeyPath, sequence: u64) -> Result<(), Error> {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        self.store.tree.set_sequence(&keys, sequence).map_err(|refusal| of_refusal(path, refusal))
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

fn of_refusal(path: &KeyPath, refusal: Refusal) -> Error {
    let kind = match refusal {
        Refusal::BucketNotFound => ErrorKind::NotFound,
        Refusal::BucketExists => ErrorKind::AlreadyExists,
        Refusal::IncompatibleValue => ErrorKind::FailedPrecondition,
        _ => ErrorKind::InvalidArgument,
    };
    refused(kind, format!("{}: {refusal}", print_path(path)))
}
