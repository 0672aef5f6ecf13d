//! Blobs, and the clean-up of the content backend (containerd's `metadata/content.go`).
//!
//! ```text
//!   v1/NAMESPACE/content
//!   ├─ ingests/REF   ref=NAMESPACE/1/REF  expireat (unless leased)  expected (a writer on shared content)
//!   └─ blob/DIGEST   createdat  labels/KEY  size  updatedat
//! ```
//!
//! How blobs come to be is in `ingests`, and in `put` for clients that write them whole.

use super::buckets::LeaseEntry;
use super::error::{Error, Shown};
use super::fields::{self, Label};
use super::names::{BLOB, CONTENT, CREATED_AT, EXPECTED, INGESTS, LABELS, REF, SIZE, UPDATED_AT, V1};
use super::validate;
use super::{Context, Store};
use crate::schema::{time, varint};
use std::collections::HashSet;

/// What a clean-up of the content backend removed, each in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CleanedContent {
    /// Digests.
    pub blobs: Vec<Box<[u8]>>,
    /// Backend references.
    pub ingests: Vec<Box<[u8]>>,
}

impl Store {
    /// Updates a blob's labels (`contentStore.Update`): without paths all of them, else `labels` and `labels.K`.
    ///
    /// # Errors
    /// No such blob: not found. Another path, or a label that is too large: invalid argument.
    pub fn update_content(
        &mut self,
        context: &Context<'_>,
        digest: &[u8],
        labels: &[Label],
        paths: &[&[u8]],
    ) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let blobs = [V1, namespace, CONTENT, BLOB];
        let blob = self.at(&blobs).and_then(|blobs| blobs.bucket(digest));
        let Some(blob) = blob else { return Err(Error::not_found("content", digest)) };
        fields::check_times(blob, &[CREATED_AT, UPDATED_AT])?;
        let size = blob.get(SIZE).and_then(varint::decode_signed).unwrap_or_default();
        let size = varint::encode_signed(size);
        let has_size = blob.get(SIZE) == Some(&size);
        let labels = fields::updated_labels(blob, labels, paths, |path| {
            let (path, digest) = (Shown(path), Shown(digest));
            Err(Error::invalid(format_args!("cannot update field {path} of content {digest}")))
        })?;
        validate::labels("content", &labels)?;
        let mut blob = blob.to_bucket();
        fields::keep_created_at(&mut blob, &[])?;
        blob.put(&[], UPDATED_AT, &time::to_binary(context.now))?;
        fields::rewrite_map(&mut blob, &[], LABELS, &labels)?;
        if !has_size {
            blob.put(&[], SIZE, &size)?;
        }
        Ok(self.tree.graft(&blobs, digest, &blob)?)
    }

    /// Deletes a blob (`contentStore.Delete`). It leaves the lease in use; other leases keep their entry, which
    /// holds again should the digest come back.
    ///
    /// # Errors
    /// No such blob: not found.
    pub fn delete_content(&mut self, context: &Context<'_>, digest: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let blobs = [V1, namespace, CONTENT, BLOB];
        if self.at(&blobs).is_none_or(|blobs| blobs.bucket(digest).is_none()) {
            return Err(Error::not_found("content", digest));
        }
        if context.lease.is_none() {
            self.tree.delete_bucket(&blobs, digest)?;
        } else {
            self.update(|store| {
                store.tree.delete_bucket(&blobs, digest)?;
                store.remove_from_lease(context, LeaseEntry::Content, digest)
            })?;
        }
        self.dirty.deletion();
        self.dirty.content = true;
        Ok(())
    }

    /// Reads a blob: its size, if the namespace has it and the backend too (`contentStore.ReaderAt`).
    ///
    /// # Errors
    /// The namespace does not have it, or the backend does not (the dangling record of L3): not found.
    pub fn read_content(&self, context: &Context<'_>, digest: &[u8]) -> Result<i64, Error> {
        let namespace = validate::namespace(context)?;
        if self.at(&[V1, namespace, CONTENT, BLOB, digest]).is_none() {
            return Err(Error::not_found("content", digest));
        }
        self.backend.blob(digest).ok_or_else(|| Error::not_found("blob", digest))
    }

    /// Cleans up the content backend (`contentStore.garbageCollect`): every blob goes that no namespace has and no
    /// ingest expects, and every ingest that no namespace lists.
    ///
    /// A writer that has a removed ingest open keeps its reference locked.
    pub fn clean_up_content(&mut self) -> CleanedContent {
        let mut kept_blobs = HashSet::new();
        let mut kept_ingests = HashSet::new();
        for (_, namespace) in self.at(&[V1]).into_iter().flat_map(|v1| v1.buckets()) {
            let blobs = namespace.at(&[CONTENT, BLOB]);
            kept_blobs.extend(blobs.into_iter().flat_map(|blobs| blobs.buckets()).map(|(digest, _)| digest));
            let ingests = namespace.at(&[CONTENT, INGESTS]);
            for (_, ingest) in ingests.into_iter().flat_map(|ingests| ingests.buckets()) {
                kept_blobs.extend(ingest.get(EXPECTED));
                kept_ingests.extend(ingest.get(REF));
            }
        }
        let blobs = self.backend.blobs().map(|(digest, _)| digest);
        let blobs: Vec<Box<[u8]>> =
            blobs.filter(|digest| !kept_blobs.contains(digest)).map(Box::from).collect();
        let ingests = self.backend.ingests().map(|(reference, _)| reference);
        let ingests: Vec<Box<[u8]>> =
            ingests.filter(|reference| !kept_ingests.contains(reference)).map(Box::from).collect();
        for digest in &blobs {
            self.backend.delete_blob(digest).expect("blobs are values");
        }
        for reference in &ingests {
            self.backend.abort(reference).expect("ingests are values");
        }
        CleanedContent { blobs, ingests }
    }
}
