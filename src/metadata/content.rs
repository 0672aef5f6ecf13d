//! Content: blobs, and the ingests that become blobs (containerd's `metadata/content.go`).
//!
//! ```text
//!   v1/NAMESPACE/content
//!   ├─ ingests/REF   ref=NAMESPACE/1/REF  expireat (unless leased)  expected (a writer on shared content)
//!   └─ blob/DIGEST   createdat  labels/KEY  size  updatedat
//! ```
//!
//! A [`Writer`] is the client's handle of an open ingest. One on *shared* content writes nothing: the backend has
//! the blob already, for another namespace.

use super::backend::can_hold;
use super::buckets::{LeaseEntry, backend_key, ensure};
use super::error::{Error, ErrorKind};
use super::fields::{self, Label, build_map, ordered};
use super::names::{
    BLOB, CONTENT, CREATED_AT, EXPECTED, EXPIRE_AT, INGESTS, LABELS, LEASES, REF, SHAREABLE, SIZE,
    UPDATED_AT, V1,
};
use super::validate::{self, Shown};
use super::{Context, Sharing, Store};
use crate::bucket::{Builder, KEY_BYTES_MAX, Refusal, View};
use crate::instant::Instant;
use crate::schema::{time, varint};
use std::borrow::Cow;
use std::collections::HashSet;

/// How long an ingest without a lease lives after it was last opened.
const INGEST_SECONDS: i64 = 24 * 3600;

/// An open ingest, as the client that writes it holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    /// The namespace in which it was opened; a commit writes there whatever its own context says.
    pub namespace: Box<[u8]>,
    /// The ingest's reference.
    pub reference: Box<[u8]>,
    /// The ingest's reference in the backend.
    pub backend_reference: Box<[u8]>,
    /// The digest that was expected; empty if none was.
    pub expected: Box<[u8]>,
    /// The size that was announced, for shared content the backend's.
    pub size: i64,
    state: State,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// No backend writer yet: the content is there.
    Shared,
    /// A backend writer with its reference locked.
    Open(Data),
    /// A backend writer that is closed, or was committed.
    Closed(Data),
}

/// What a writer has written.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Data {
    offset: i64,
    digest: Vec<u8>,
}

impl Writer {
    /// Whether it writes nothing because the backend has the content already.
    pub fn is_shared(&self) -> bool {
        self.state == State::Shared
    }

    /// Whether its reference is locked for it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }
}

/// What putting content whole came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Put {
    /// The blob is new in its namespace.
    Written,
    /// The namespace had it; it is in the lease in use now.
    Existed,
}

/// What a clean-up of the content backend removed, each in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CleanedContent {
    /// Digests.
    pub blobs: Vec<Box<[u8]>>,
    /// Backend references.
    pub ingests: Vec<Box<[u8]>>,
}

impl Store {
    /// Opens a writer (`contentStore.Writer`). `expected` is the descriptor's digest and `size` its size; 0 means
    /// that it is not known.
    ///
    /// An ingest that a lease holds gets no expiry, but keeps one that it has; one opened without a lease gets 24
    /// hours from now, each time. An ingest once opened as shared stays marked `expected` (L23).
    ///
    /// # Errors
    /// The blob is in this namespace: already exists, and it is in the lease in use now. No reference, or a
    /// malformed namespace: invalid argument. The lease does not exist: not found. Another writer has the reference
    /// open: unavailable.
    pub fn open_writer(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        expected: Option<&[u8]>,
        size: i64,
    ) -> Result<Writer, Error> {
        let expected = expected.unwrap_or_default();
        let opened = self.open_unless_there(context, reference, expected, size)?;
        opened.ok_or_else(|| Error::already_exists("content", expected))
    }

    /// Opens a writer; none if the blob is in this namespace.
    fn open_unless_there(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        expected: &[u8],
        size: i64,
    ) -> Result<Option<Writer>, Error> {
        if reference.is_empty() {
            return Err(Error::invalid(format_args!("ref must not be empty")));
        }
        let namespace = validate::namespace(context)?;
        if !expected.is_empty() && self.at(&[V1, namespace, CONTENT, BLOB, expected]).is_some() {
            // The lease is committed although the answer is an error.
            self.update(|store| store.add_to_lease(context, LeaseEntry::Content, expected))?;
            return Ok(None);
        }
        self.update(|store| {
            let shared = store.shared_size(expected, size);
            let backend_reference = store.write_ingest(context, reference, shared.and(Some(expected)))?;
            let (size, state) = match shared {
                Some(size) => (size, State::Shared),
                None => {
                    let there = store.backend.open_writer(&backend_reference, size)?;
                    (size, State::Open(Data { offset: there.offset, digest: there.digest }))
                }
            };
            Ok(Some(Writer {
                namespace: namespace.into(),
                reference: reference.into(),
                backend_reference,
                expected: expected.into(),
                size,
                state,
            }))
        })
    }

    /// The size of content that the policy, or some namespace labelled shareable, lets a writer share, if the
    /// backend has it and the sizes agree.
    fn shared_size(&self, expected: &[u8], size: i64) -> Option<i64> {
        if expected.is_empty() || !can_hold(expected) {
            return None;
        }
        let there = self.backend.blob(expected).filter(|there| size == 0 || size == *there)?;
        (self.sharing == Sharing::Shared || self.is_shareable(expected)).then_some(there)
    }

    /// Whether a namespace labelled shareable has the blob (`isSharedContent`).
    fn is_shareable(&self, digest: &[u8]) -> bool {
        let Some(v1) = self.at(&[V1]) else { return false };
        v1.buckets().any(|(_, namespace)| {
            let label = namespace.bucket(LABELS).and_then(|labels| labels.get(SHAREABLE));
            label == Some(b"true") && namespace.at(&[CONTENT, BLOB, digest]).is_some()
        })
    }

    /// Creates or reopens the bucket of an ingest; gives its reference in the backend.
    fn write_ingest(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        expected: Option<&[u8]>,
    ) -> Result<Box<[u8]>, Error> {
        let path = [V1, context.namespace, CONTENT, INGESTS, reference];
        let leased = self.add_to_lease(context, LeaseEntry::Ingest, reference)?;
        let expire_at = (!leased).then(|| time::to_binary(later(context.now, INGEST_SECONDS)));
        if self.at(&path).is_none() {
            let backend_reference = backend_key(1, context.namespace, reference);
            let mut builder = Builder::new();
            for (key, value) in
                [(EXPECTED, expected), (EXPIRE_AT, expire_at.as_deref()), (REF, Some(&backend_reference[..]))]
            {
                if let Some(value) = value {
                    fields::put(&mut builder, key, value);
                }
            }
            let mut ingest = builder.finish();
            ingest.set_sequence(&[], 1)?;
            ensure(&mut self.tree, &path[..4])?;
            self.tree.graft(&path[..4], reference, &ingest)?;
            return Ok(backend_reference.into());
        }
        let there = self.at(&path).and_then(|ingest| ingest.get(REF)).map(Box::from);
        let backend_reference = match there {
            Some(there) => there,
            None => {
                let sequence = self.next_sequence(&path)?;
                let backend_reference = backend_key(sequence, context.namespace, reference);
                self.tree.put(&path, REF, &backend_reference)?;
                backend_reference.into()
            }
        };
        if let Some(expire_at) = expire_at {
            self.tree.put(&path, EXPIRE_AT, &expire_at)?;
        }
        if let Some(expected) = expected {
            self.tree.put(&path, EXPECTED, expected)?;
        }
        Ok(backend_reference)
    }

    /// Says what a writer has written by now: `size` bytes in all, with this digest (`namespacedWriter.Write`). A
    /// writer on shared content first copies that, which needs it to be there still.
    ///
    /// # Errors
    /// The shared content is gone: not found. The reference is locked: unavailable. The writer is closed: failed
    /// precondition.
    pub fn write(&mut self, writer: &mut Writer, digest: &[u8], size: i64) -> Result<(), Error> {
        match writer.state {
            State::Open(_) => {}
            State::Shared => {
                self.backend.open_writer(&writer.backend_reference, writer.size)?;
                if writer.size > 0 && self.backend.blob(&writer.expected).is_none() {
                    self.backend.unlock(&writer.backend_reference)?;
                    return Err(Error::not_found("blob", &writer.expected));
                }
            }
            State::Closed(_) => {
                let shown = Shown(&writer.reference);
                let message = format_args!("the writer of {shown} is closed");
                return Err(Error::new(ErrorKind::FailedPrecondition, message));
            }
        }
        self.backend.written(&writer.backend_reference, size, digest)?;
        writer.state = State::Open(Data { offset: size, digest: digest.to_vec() });
        Ok(())
    }

    /// Closes a writer and gives its reference free; the ingest stays and can be resumed.
    pub fn close_writer(&mut self, writer: &mut Writer) {
        let State::Open(data) = &writer.state else { return };
        writer.state = State::Closed(data.clone());
        self.backend.unlock(&writer.backend_reference).expect("locks are values");
    }

    /// Makes an ingest a blob (`namespacedWriter.Commit`). `size` 0 and `expected` absent are not checked. The
    /// writer is closed afterwards, however it ends, unless it is one on shared content.
    ///
    /// The lease is that of the *commit's* context: a commit without the writer's lease leaves the lease's ingest
    /// entry behind and the blob unprotected (L5). An ingest that a collection removed meanwhile is no error, and a
    /// commit on shared content does not look whether the backend still has it (L3).
    ///
    /// # Errors
    /// The namespace has the blob: already exists, though the ingest is gone and the blob is in the lease. Size or
    /// digest differ: failed precondition. A label is too large: invalid argument. The lease does not exist: not
    /// found; then the backend has the blob, and the database nothing. The ingest was cleaned up in the backend
    /// under the writer: a plain error.
    pub fn commit_writer(
        &mut self,
        context: &Context<'_>,
        writer: &mut Writer,
        size: i64,
        expected: Option<&[u8]>,
        labels: &[Label],
    ) -> Result<(), Error> {
        let namespace = writer.namespace.clone();
        let context = &Context { namespace: &namespace, ..*context };
        let result = self.update(|store| {
            let (digest, exists) =
                store.commit(context, writer, size, expected.unwrap_or_default(), labels)?;
            match store.tree.delete_bucket(&[V1, context.namespace, CONTENT, INGESTS], &writer.reference) {
                Ok(()) | Err(Refusal::BucketNotFound) => {}
                Err(refusal) => return Err(refusal.into()),
            }
            store.remove_from_lease(context, LeaseEntry::Ingest, &writer.reference)?;
            store.add_to_lease(context, LeaseEntry::Content, &digest)?;
            Ok(exists)
        });
        self.close_writer(writer);
        match result? {
            None => Ok(()),
            Some(exists) => Err(exists),
        }
    }

    /// The part that makes the blob: its digest, and the error if the namespace has it.
    fn commit(
        &mut self,
        context: &Context<'_>,
        writer: &mut Writer,
        size: i64,
        expected: &[u8],
        labels: &[Label],
    ) -> Result<(Box<[u8]>, Option<Error>), Error> {
        validate::labels("content", labels)?;
        let (written, digest): (i64, Box<[u8]>) = match &writer.state {
            State::Shared => (writer.size, writer.expected.clone()),
            State::Open(data) | State::Closed(data) => (data.offset, data.digest.as_slice().into()),
        };
        if size != 0 && size != written {
            let shown = Shown(&writer.reference);
            let message = format_args!("{shown} has {written} bytes, not {size}");
            return Err(Error::new(ErrorKind::FailedPrecondition, message));
        }
        match &writer.state {
            State::Shared if !expected.is_empty() && *expected != *digest => {
                let (shown, digest) = (Shown(&writer.reference), Shown(&digest));
                let message = format_args!("{shown} has digest {digest}, not {}", Shown(expected));
                return Err(Error::new(ErrorKind::FailedPrecondition, message));
            }
            State::Shared => {}
            State::Open(data) => {
                let data = data.clone();
                let committed =
                    self.backend.commit_ingest(&writer.backend_reference, written, &digest, expected);
                writer.state = State::Closed(data);
                tolerate_existing(committed)?;
            }
            State::Closed(_) => {
                // A second commit gives the reference free, whoever has locked it by now.
                self.backend.unlock(&writer.backend_reference)?;
                let shown = Shown(&writer.reference);
                let message = format_args!("cannot commit {shown}: the writer is closed");
                return Err(Error::new(ErrorKind::FailedPrecondition, message));
            }
        }
        let blobs = [V1, context.namespace, CONTENT, BLOB];
        if self.at(&blobs).is_some_and(|blobs| blobs.bucket(&digest).is_some()) {
            let exists = Error::already_exists("content", &digest);
            return Ok((digest, Some(exists)));
        }
        self.write_blob(context, &digest, written, &ordered(labels))?;
        Ok((digest, None))
    }

    /// Writes a blob's record.
    fn write_blob(
        &mut self,
        context: &Context<'_>,
        digest: &[u8],
        size: i64,
        labels: &[Label],
    ) -> Result<(), Error> {
        let now = time::to_binary(context.now);
        let mut builder = Builder::new();
        fields::put(&mut builder, CREATED_AT, &now);
        build_map(&mut builder, LABELS, labels)?;
        fields::put(&mut builder, SIZE, &varint::encode_signed(size));
        fields::put(&mut builder, UPDATED_AT, &now);
        self.put_object(&[V1, context.namespace, CONTENT, BLOB], digest, &builder.finish())
    }

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
        if let Some(labels) = self.can_put_at_once(context, reference, digest, labels) {
            return self.put_at_once(context, reference, digest, size, &labels);
        }
        self.put_step_by_step(context, reference, digest, size, labels)
    }

    /// Opens, writes and commits.
    pub(super) fn put_step_by_step(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        digest: &[u8],
        size: i64,
        labels: &[Label],
    ) -> Result<Put, Error> {
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
    fn can_put_at_once<'l>(
        &self,
        context: &Context<'_>,
        reference: &[u8],
        digest: &[u8],
        labels: &'l [Label],
    ) -> Option<Cow<'l, [Label]>> {
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
    fn put_at_once(
        &mut self,
        context: &Context<'_>,
        reference: &[u8],
        digest: &[u8],
        size: i64,
        labels: &[Label],
    ) -> Result<Put, Error> {
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
        ensure(&mut self.tree, &content)?;
        if let Some(lease) = context.lease {
            ensure(&mut self.tree, &[V1, context.namespace, LEASES, lease, INGESTS])?;
            self.remove_from_lease(context, LeaseEntry::Ingest, reference)?;
        }
        self.write_blob(context, digest, written, labels)?;
        self.add_to_lease(context, LeaseEntry::Content, digest)?;
        Ok(Put::Written)
    }

    /// Drops an ingest (`contentStore.Abort`). The backend's is dropped with it unless the ingest is marked
    /// `expected`, even when that mark is stale (L23). A writer that has it open keeps the reference locked.
    ///
    /// # Errors
    /// No such ingest, or one without a reference to the backend: not found.
    pub fn abort(&mut self, context: &Context<'_>, reference: &[u8]) -> Result<(), Error> {
        let namespace = validate::namespace(context)?;
        let ingests = [V1, namespace, CONTENT, INGESTS];
        let ingest = self.at(&ingests).and_then(|ingests| ingests.bucket(reference));
        let Some(ingest) = ingest else { return Err(Error::not_found("reference", reference)) };
        let backend_reference = ingest.get(REF).unwrap_or_default().to_vec();
        let is_shared = ingest.get(EXPECTED).is_some_and(|expected| !expected.is_empty());
        if backend_reference.is_empty() {
            return Err(Error::not_found("reference", reference));
        }
        self.update(|store| {
            store.tree.delete_bucket(&ingests, reference)?;
            store.remove_from_lease(context, LeaseEntry::Ingest, reference)?;
            if is_shared { Ok(()) } else { store.backend.abort(&backend_reference) }
        })
    }

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

/// The bucket under a key, empty if it is yet to be created; none if a value has its place.
fn bucket_to_be<'a>(around: View<'a>, key: &[u8]) -> Option<View<'a>> {
    match around.entry(key) {
        None => Some(View::EMPTY),
        Some(entry) => entry.bucket(),
    }
}

fn tolerate_existing(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// An instant some seconds later, at the end of time the last one.
pub(super) fn later(now: Instant, seconds: i64) -> Instant {
    Instant { seconds: now.seconds.saturating_add(seconds), ..now }
}
