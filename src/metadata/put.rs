//! Content put whole, step by step or, where nobody could see the steps between, at once.

use super::buckets::{LeaseEntry, backend_key};
use super::error::{Error, ErrorKind};
use super::fields::{Label, ordered};
use super::names::{BLOB, CONTENT, INGESTS, LEASES, V1};
use super::validate;
use super::{Context, Store};
use crate::bucket::{KEY_BYTES_MAX, View};
use std::borrow::Cow;

/// What putting content whole came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Put {
    /// The blob is new in its namespace.
    Written,
    /// The namespace had it; it is in the lease in use now.
    Existed,
}

/// Content as a client puts it.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) reference: &'a [u8],
    pub(super) digest: &'a [u8],
    pub(super) size: i64,
    pub(super) labels: &'a [Label],
}

impl Store {
    /// Puts content whole: opens a writer, writes, commits (the client's `content.WriteBlob`). Content that is
    /// there is no error, at either end.
    ///
    /// # Errors
    /// As `open_writer` and `commit_writer`, less already exists.
    pub fn put_content(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        digest: &[u8],
        size: i64,
        labels: &[Label],
    ) -> Result<Put, Error> {
        let content = Whole { reference, digest, size, labels };
        match self.can_put_at_once(context, content) {
            Some(labels) => self.put_at_once(context, Whole { labels: &labels, ..content }),
            None => self.put_step_by_step(context, content),
        }
    }

    /// Opens, writes and commits.
    pub(super) fn put_step_by_step(
        &mut self,
        context: &Context<'_>,
        content: Whole<'_>,
    ) -> Result<Put, Error> {
        let Whole { reference, digest, size, labels } = content;
        let Some(mut writer) = self.open_unless_there(context, reference, digest, size)? else {
            return Ok(Put::Existed);
        };
        if !writer.is_shared()
            && let Err(error) = self.write(&mut writer, digest, size)
        {
            self.close_writer(&mut writer);
            return Err(error);
        }
        match self.commit_writer(context, &mut writer, size, Some(digest), labels) {
            Ok(()) => Ok(Put::Written),
            Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(Put::Existed),
            Err(error) => Err(error),
        }
    }

    /// Whether putting content whole cannot fail and meets no ingest that is there already: then nobody sees the steps
    /// between, and they need not be taken. Gives the labels in order.
    fn can_put_at_once<'l>(&self, context: &Context<'_>, content: Whole<'l>) -> Option<Cow<'l, [Label]>> {
        let Whole { reference, digest, size: _, labels } = content;
        let namespace = validate::namespace(context).ok()?;
        validate::labels("content", labels).ok()?;
        let is_key = |key: &[u8]| !key.is_empty() && key.len() < KEY_BYTES_MAX / 2;
        if !is_key(reference) || !is_key(digest) || labels.iter().any(|(key, _)| key.is_empty()) {
            return None;
        }
        let v1 = self.at(&[V1])?;
        let there = bucket_to_be(v1, namespace)?;
        let content = bucket_to_be(there, CONTENT)?;
        let (ingests, blobs) = (bucket_to_be(content, INGESTS)?, bucket_to_be(content, BLOB)?);
        if ingests.entry(reference).is_some() || blobs.entry(digest).is_some() {
            return None;
        }
        if let Some(lease) = context.lease {
            let lease = there.at(&[LEASES, lease])?;
            let (ingests, content) = (bucket_to_be(lease, INGESTS)?, bucket_to_be(lease, CONTENT)?);
            if ingests.bucket(reference).is_some() || content.bucket(digest).is_some() {
                return None;
            }
        }
        let hinders = self.backend.has_ingest_or_lock(&backend_key(1, namespace, reference));
        (!hinders).then(|| ordered(labels))
    }

    /// What opening, writing and committing come to in the end.
    fn put_at_once(&mut self, context: &Context<'_>, content: Whole<'_>) -> Result<Put, Error> {
        let Whole { reference, digest, size, labels } = content;
        let written = match self.shared_size(digest, size) {
            Some(there) => there,
            None => {
                if self.backend.blob(digest).is_none() {
                    self.backend.put_blob(digest, size)?;
                }
                size
            }
        };
        let content = [V1, context.namespace, CONTENT, INGESTS];
        self.tree.create_path(&content)?;
        if let Some(lease) = context.lease {
            self.tree.create_path(&[V1, context.namespace, LEASES, lease, INGESTS])?;
            self.remove_from_lease(context, LeaseEntry::Ingest, reference)?;
        }
        self.write_blob(context, digest, written, labels)?;
        self.add_to_lease(context, LeaseEntry::Content, digest)?;
        Ok(Put::Written)
    }
}

/// The bucket under a key, empty if it is yet to be created; none if a value has its place.
fn bucket_to_be<'a>(around: View<'a>, key: &[u8]) -> Option<View<'a>> {
    match around.entry(key) {
        None => Some(View::EMPTY),
        Some(entry) => entry.bucket(),
    }
}
