//! Ingests, which become blobs (containerd's `metadata/content.go`).
//!
//! A [`Writer`] is the client's handle of an open ingest. One on *shared* content writes nothing: the backend has
//! the blob already, for another namespace.

use super::backend::can_hold;
use super::buckets::{LeaseEntry, backend_key};
use super::error::{Error, ErrorKind, Shown};
use super::fields::{self, Label, build_map, ordered};
use super::names::{
    BLOB, CONTENT, CREATED_AT, EXPECTED, EXPIRE_AT, INGESTS, LABELS, REF, SHAREABLE, SIZE, UPDATED_AT, V1,
};
use super::validate;
use super::{Context, Sharing, Store};
use crate::bucket::{Builder, Refusal};
use crate::instant::Instant;
use crate::release::Release;
use crate::schema::{time, varint};

/// How long an ingest without a lease lives after it was last opened.
const INGEST_SECONDS: i64 = 24 * 3600;

/// An open ingest, as the client that writes it holds it.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
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

#[derive(Clone, PartialEq, Eq, Debug, Hash)]
enum State {
    /// No backend writer yet: the content is there.
    Shared,
    /// A backend writer with its reference locked.
    Open(Data),
    /// A backend writer that is closed, or was committed.
    Closed(Data),
}

/// What a writer has written.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
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
    pub(super) fn open_unless_there(
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
    pub(super) fn shared_size(&self, expected: &[u8], size: i64) -> Option<i64> {
        if expected.is_empty() || !can_hold(expected) {
            return None;
        }
        let there = self.backend.blob(expected).filter(|there| size == 0 || size == *there)?;
        (self.sharing == Sharing::Shared || self.is_shareable(expected)).then_some(there)
    }

    /// Whether a namespace labelled shareable has the blob (`isSharedContent`, from 1.7.0-beta.1; a daemon of 1.6.20 was
    /// seen not to know the label).
    fn is_shareable(&self, digest: &[u8]) -> bool {
        if self.release < Release::V1_7Beta {
            return false;
        }
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
        if self.at(&path[..4]).is_none() {
            // Before the lease is looked for (`createIngestBucket`).
            self.tree.create_path(&path[..4])?;
        }
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
    pub(super) fn write_blob(
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
