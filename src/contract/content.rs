//! Content: blobs, and the ingests that become blobs (containerd's `metadata/content.go`).

use super::facts::{Place, Want};
use super::handles::Writer;
use super::labels::given;
use super::{Asked, Deviation, Object, Terms};
use crate::release::Release;
use crate::scenario::{Labels, Name, Refused, Step};
use crate::schema::names::{BLOB, CONTENT, EXPECTED, EXPIRE_AT, INGESTS, LABELS, LEASES, REF, SIZE, V1};
use std::borrow::Cow;
use std::time::Duration;

/// How long an ingest lives that no lease holds, from its last opening on.
const INGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// A namespace with this label lets every other use its blobs, whatever the daemon's policy.
const SHAREABLE: &[u8] = b"containerd.io/namespace.shareable";

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::ContentOpen { reference, expected, size } => {
            open(asked, terms, reference, expected.as_deref().unwrap_or_default(), size.unwrap_or_default());
        }
        Step::ContentCommit { reference, digest, size, labels } => {
            commit(asked, terms, reference, digest, *size, labels);
        }
        Step::ContentAbort { reference } => abort(asked, terms, reference),
        Step::ContentPut { digest, size, labels } => put(asked, terms, digest, *size, labels),
        Step::ContentLabel { digest, replace, labels } => {
            let blob = asked.place(Object::Content(digest));
            let labels = asked.labelled(terms, blob, labels, *replace);
            terms.refuse_large_labels(&labels);
            // What has no size gets one.
            terms.may.push(blob.below(SIZE));
        }
        Step::ContentDelete { digest } => {
            let blob = Object::Content(digest);
            terms.refuse_if(!asked.exists(asked.place(blob)), Refused::NotFound);
            terms.takes(asked.place(blob));
            asked.released(terms, blob);
        }
        _ => unreachable!("these are the steps of content"),
    }
}

/// Opening a writer (`contentStore.Writer`).
fn open<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, reference: &'a [u8], expected: &'a [u8], size: i64) {
    terms.refuse_if(reference.is_empty(), Refused::InvalidArgument);
    let blob = Object::Content(expected);
    if !expected.is_empty() && asked.exists(asked.place(blob)) {
        // Who asks for what is there already holds it from now on, although the answer is an error.
        asked.leased(terms, blob);
        terms.answer = Some(Refused::AlreadyExists);
        return;
    }
    let shared = asked.shared_size(expected, size);
    let ingest = opened(asked, terms, reference, shared.is_some().then_some(expected));
    let locked = shared.is_none() && asked.disk.is_locked(&asked.backend_reference(ingest, reference));
    terms.refuse_if(locked, Refused::Unavailable);
}

/// The ingest of a writer: held by the lease in use, or for a day.
fn opened<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    reference: &'a [u8],
    shared: Option<&'a [u8]>,
) -> Place<'a> {
    let object = Object::Ingest(reference);
    let ingest = asked.place(object);
    let name = asked.backend_reference(ingest, reference);
    terms.then(ingest.below(REF), Want::Value(Cow::Owned(name)));
    if asked.field(ingest, REF).is_empty() {
        terms.then(ingest, Want::Sequence(asked.bucket(ingest).map_or(0, |ingest| ingest.sequence()) + 1));
    }
    if asked.lease.is_none() {
        terms.then(ingest.below(EXPIRE_AT), Want::Time(asked.now.plus(INGEST_LIFE)));
    } else {
        asked.leased(terms, object);
        if !asked.deviations.contains(Deviation::StaleExpiry) {
            terms.drops(ingest.below(EXPIRE_AT));
        }
    }
    if let Some(digest) = shared {
        terms.then(ingest.below(EXPECTED), Want::Value(Cow::Borrowed(digest)));
    } else if !asked.deviations.contains(Deviation::StaleExpected) {
        terms.drops(ingest.below(EXPECTED));
    }
    ingest
}

/// Making an ingest a blob (`namespacedWriter.Commit`).
fn commit<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    reference: &'a [u8],
    digest: &'a Name,
    size: Option<i64>,
    labels: &'a Labels,
) {
    let writer = asked.handles.writer(asked.client, asked.namespace, reference);
    terms.refuse_if(writer.is_none(), Refused::NotFound);
    let Some(writer) = writer else { return };
    let Writer { expected, announced, shared, .. } = writer;
    let is_other_digest = !expected.is_empty() && *expected != *digest;
    let is_other_size = shared.is_some_and(|there| size.is_some_and(|size| size != 0 && size != there));
    terms.refuse_if(is_other_digest || is_other_size, Refused::FailedPrecondition);
    if writer.is_disturbed {
        // Somebody took the ingest away, or had it open too: what the backend says then depends on who came first.
        for kind in [Refused::FailedPrecondition, Refused::Unknown, Refused::NotFound, Refused::Unavailable] {
            terms.tolerate_if(true, kind);
        }
    }
    let is_lost = shared.is_some() && asked.disk.blob(digest).is_none();
    let is_refused = is_lost && !asked.deviations.contains(Deviation::DanglingSharedBlob);
    terms.refuse_if(is_refused, Refused::NotFound);
    let written = shared.or(size).or(Some(*announced).filter(|announced| *announced > 0));
    let written = written.or_else(|| asked.disk.blob(digest));
    asked.becomes_blob(terms, reference, digest, written.map_or(Want::AnyValue, Want::Number), labels);
}

/// Giving an ingest up (`contentStore.Abort`).
fn abort<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, reference: &'a [u8]) {
    let ingest = Object::Ingest(reference);
    terms.refuse_if(asked.field(asked.place(ingest), REF).is_empty(), Refused::NotFound);
    terms.takes(asked.place(ingest));
    asked.released(terms, ingest);
}

/// Writing content whole under its digest as the reference (`content.WriteBlob`): what exists is no error.
fn put<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    digest: &'a Name,
    size: Option<i64>,
    labels: &'a Labels,
) {
    terms.refuse_if(digest.is_empty(), Refused::InvalidArgument);
    let blob = Object::Content(digest);
    if asked.exists(asked.place(blob)) {
        asked.leased(terms, blob);
        return;
    }
    let stored = asked.disk.blob(digest);
    let shared = asked.shared_size(digest, size.or(stored).unwrap_or(1));
    let ingest = asked.place(Object::Ingest(digest));
    let locked = shared.is_none() && asked.disk.is_locked(&asked.backend_reference(ingest, digest));
    terms.refuse_if(locked, Refused::Unavailable);
    let written = shared.or(size).or(stored).map_or(Want::AnyValue, Want::Number);
    asked.becomes_blob(terms, digest, digest, written, labels);
    // A writer that was opened stays where its commit is refused, and its reference may be held open by then.
    terms.may_though_refused.push(ingest);
    if let Some(lease) = asked.lease() {
        terms.may_though_refused.push(Object::Ingest(digest).entry(lease));
    }
    terms.may_count.push(ingest);
}

impl<'a> Asked<'a> {
    /// The ingest is gone, the blob is there, and the lease in use holds it. A blob that the namespace has stays as it is.
    fn becomes_blob(
        &self,
        terms: &mut Terms<'a>,
        reference: &'a [u8],
        digest: &'a [u8],
        size: Want<'a>,
        labels: &'a Labels,
    ) {
        let (ingest, blob) = (Object::Ingest(reference), Object::Content(digest));
        let labels = given(labels);
        terms.refuse_large_labels(&labels);
        terms.takes(self.place(ingest));
        self.released(terms, ingest);
        self.leased(terms, blob);
        if !self.deviations.contains(Deviation::CommitUnderOtherLease) {
            for lease in self.holders(ingest) {
                terms.drops(ingest.entry(lease));
                terms.then(blob.entry(lease), Want::Value(b"".into()));
            }
        }
        let place = self.place(blob);
        if self.exists(place) {
            terms.answer = Some(Refused::AlreadyExists);
        } else {
            terms.created(place, self.now, &labels);
            terms.then(place.below(SIZE), size);
        }
        // They come with the first ingest, and with the lease's first.
        terms.may_count.push(Place::new(&[V1, self.namespace, CONTENT, INGESTS]));
        terms.may_count.extend(self.lease().map(|lease| lease.below(INGESTS)));
    }

    /// The leases that hold an object.
    fn holders(&self, object: Object<'a>) -> Vec<Place<'a>> {
        let leases =
            self.tree.at(&[V1, self.namespace, LEASES]).into_iter().flat_map(|leases| leases.buckets());
        let leases = leases.map(|(id, _)| self.place(Object::Lease(id)));
        leases.filter(|lease| object.entry(*lease).entry(self.tree).is_some()).collect()
    }

    /// How the backend calls an ingest: as it did before, else by its number.
    fn backend_reference(&self, ingest: Place<'a>, reference: &[u8]) -> Vec<u8> {
        let there = self.field(ingest, REF);
        if !there.is_empty() {
            return there.to_vec();
        }
        let number = self.bucket(ingest).map_or(0, |ingest| ingest.sequence()) + 1;
        [self.namespace, number.to_string().as_bytes(), reference].join(&b'/')
    }

    /// The size of a stored blob that another namespace lets this one use, if the size asked for is none or the same.
    pub(super) fn shared_size(&self, digest: &[u8], size: i64) -> Option<i64> {
        let stored = self.disk.blob(digest).filter(|stored| size == 0 || size == *stored)?;
        // 1.6 does not know the label.
        let is_shareable = || {
            let namespaces = self.tree.bucket(V1).into_iter().flat_map(|v1| v1.buckets());
            namespaces.into_iter().any(|(_, namespace)| {
                let label = namespace.bucket(LABELS).and_then(|labels| labels.get(SHAREABLE));
                label == Some(b"true") && namespace.at(&[CONTENT, BLOB, digest]).is_some()
            })
        };
        (self.shares_content || self.release != Release::V1_6 && is_shareable()).then_some(stored)
    }
}
