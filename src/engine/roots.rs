//! The roots: what is kept for its own sake (`scanRoots`).
//!
//! Namespaces in the order of their keys, and in each: leases with what they hold, images, active ingests, pinned
//! content, containers, pinned snapshots, sandboxes, and last what the collectors report as active.

use super::collect::{Marks, Started};
use super::conditions::Conditions;
use super::faults::{Fault, Faults};
use super::labels::{Sent, Wanted, is_root_ref, send_label_refs};
use super::nodes::{Key, NodeId};
use super::outcome::{Call, LogEvent};
use crate::bucket::{Bucket, View};
use crate::instant::Instant;
use crate::node::ResourceType;
use crate::schema::{names, time};

/// What scanning the roots gave: those emitted, also before an error, and the error's text.
pub(super) struct Roots {
    pub(super) emitted: Vec<NodeId>,
    pub(super) error: Option<String>,
}

/// Scans the roots. From `cancel_at` on (counted from 1) the context is cancelled: no further root is delivered, the
/// scan still runs to its end and then returns the context's error.
pub(super) fn scan_roots<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    tree: &Bucket,
    cancel_at: Option<usize>,
) -> Roots {
    let conditions = Conditions::default();
    let mut scan = Scan { started, marks, emitted: Vec::new(), cancel_at, is_cancelled: false, conditions };
    let mut error = None;
    if let Some(v1) = tree.bucket(names::V1) {
        let scanned = v1.buckets().try_for_each(|(namespace, bucket)| scan.namespace(namespace, bucket));
        match scanned {
            Err(failed) => error = Some(failed.to_string()),
            Ok(()) => scan.conditions.evaluate(started, scan.marks),
        }
    }
    if error.is_none() && scan.is_cancelled && !started.faults.has(Fault::CancellationIgnored) {
        error = Some("context canceled".to_owned());
    }
    Roots { emitted: scan.emitted, error }
}

struct Scan<'s, 'a, F> {
    started: &'s Started<'a, F>,
    marks: &'s mut Marks,
    emitted: Vec<NodeId>,
    cancel_at: Option<usize>,
    is_cancelled: bool,
    conditions: Conditions,
}

impl<F: Faults> Scan<'_, '_, F> {
    fn namespace(&mut self, namespace: &[u8], bucket: View<'_>) -> Result<(), time::BinaryError> {
        for (id, lease) in buckets_of(bucket.bucket(names::LEASES)) {
            self.lease(namespace, id, lease);
        }
        for (name, image) in buckets_of(bucket.bucket(names::IMAGES)) {
            self.image(namespace, name, image);
        }
        let content = bucket.bucket(names::CONTENT);
        for (reference, ingest) in buckets_of(content.and_then(|content| content.bucket(names::INGESTS))) {
            self.ingest(namespace, reference, ingest)?;
        }
        let content_type = self.started.types.content;
        for (digest, blob) in buckets_of(content.and_then(|content| content.bucket(names::BLOB))) {
            let wanted = Wanted { root: true, back_references: true, conditions: true, ..Wanted::NOTHING };
            if self.started.faults.has(Fault::YoungContentKept) && self.is_created_now(blob) {
                self.send(content_type, namespace, digest);
            }
            self.pinned(content_type, namespace, digest.into(), blob, wanted);
        }
        for (id, container) in buckets_of(bucket.bucket(names::CONTAINERS)) {
            self.container(namespace, id, container);
        }
        let snapshot_type = self.started.types.snapshot;
        for (snapshotter, snapshots) in buckets_of(bucket.bucket(names::SNAPSHOTS)) {
            for (name, snapshot) in snapshots.buckets() {
                let wanted = Wanted { root: true, back_references: true, used_at: true, ..Wanted::NOTHING };
                self.pinned(snapshot_type, namespace, Key::snapshot(snapshotter, name), snapshot, wanted);
            }
        }
        if self.started.rules.sandbox_references && !self.started.faults.has(Fault::SandboxLabelsForgotten) {
            for (_, sandbox) in buckets_of(bucket.bucket(names::SANDBOXES)) {
                self.send_references(namespace, sandbox);
            }
        }
        self.active(namespace);
        Ok(())
    }

    /// A lease that has not expired, and everything it holds.
    fn lease(&mut self, namespace: &[u8], id: &[u8], lease: View<'_>) {
        let labels = lease.bucket(names::LABELS);
        let has_expired = self.has_expired("lease", id, labels);
        let still_holds = self.started.faults.has(Fault::ExpiredLeaseHolds);
        if has_expired && !still_holds {
            if self.started.rules.image_nodes {
                self.marks.log.push(LogEvent::ExpiredLease { name: id.into() });
            }
            return;
        }
        let flat_label = labels.and_then(|labels| labels.get(names::GC_FLAT));
        let has_flat_label = match flat_label {
            Some(value) => value != b"false" || !self.started.faults.has(Fault::FlatValueRead),
            None => false,
        };
        let is_flat = has_flat_label && !self.started.faults.has(Fault::FlatFollowsLabels);
        let held = |resource_type: ResourceType| if is_flat { resource_type.flat() } else { resource_type };
        let types = self.started.types;

        if !has_expired {
            self.send(types.lease, namespace, id);
        }
        if self.started.faults.has(Fault::LeaseLabelsFollowed) {
            self.send_references(namespace, lease);
        }
        for (digest, _) in entries_of(lease.bucket(names::CONTENT)) {
            self.send(held(types.content), namespace, digest);
        }
        let snapshotters =
            if self.started.faults.has(Fault::LeaseSecondSnapshotter) { 1 } else { usize::MAX };
        for (snapshotter, snapshots) in buckets_of(lease.bucket(names::SNAPSHOTS)).take(snapshotters) {
            for (name, _) in snapshots.iter() {
                self.send(held(types.snapshot), namespace, Key::snapshot(snapshotter, name));
            }
        }
        let ingests = lease.bucket(names::INGESTS);
        let ingests = ingests.filter(|_| !self.started.faults.has(Fault::LeaseIngestsForgotten));
        for (reference, _) in entries_of(ingests) {
            self.send(types.ingest, namespace, reference);
        }
        if self.started.rules.image_nodes && !self.started.faults.has(Fault::LeaseImagesForgotten) {
            for (name, _) in entries_of(lease.bucket(names::IMAGES)) {
                self.send(held(types.image), namespace, name);
            }
        }
        self.leased(namespace, id);
    }

    /// An image: up to 1.x its references in place of itself; from 2.0 itself, unless it has expired.
    fn image(&mut self, namespace: &[u8], name: &[u8], image: View<'_>) {
        if !self.started.rules.image_nodes {
            let target = image.bucket(names::TARGET);
            let is_forgotten = self.started.faults.has(Fault::ImageTargetForgotten);
            if let Some(target) = target.filter(|_| !is_forgotten) {
                let digest = target.get(names::DIGEST).unwrap_or_default();
                self.send(self.started.types.content, namespace, digest);
            }
            if !self.started.faults.has(Fault::ImageLabelsForgotten) {
                self.send_references(namespace, image);
            }
            return;
        }
        let has_expired = self.has_expired("image", name, image.bucket(names::LABELS));
        if !has_expired || self.started.faults.has(Fault::ExpiredImageRoot) {
            self.send(self.started.types.image, namespace, name);
        }
        // An unexpired image is a root already: its back references would add nothing and are not read.
        let wanted = Wanted { back_references: has_expired, conditions: true, ..Wanted::NOTHING };
        self.note_labels(self.started.types.image, namespace, name.into(), image, wanted);
    }

    /// An ingest whose expiry is set and has not passed.
    fn ingest(
        &mut self,
        namespace: &[u8],
        reference: &[u8],
        ingest: View<'_>,
    ) -> Result<(), time::BinaryError> {
        let is_active = match ingest.get(names::EXPIRE_AT) {
            None => self.started.faults.has(Fault::IngestWithoutExpiryRoot),
            Some(expiry) => {
                let has_passed = self.is_after_expiry(time::from_binary(expiry)?);
                !has_passed || self.started.faults.has(Fault::IngestExpiryIgnored)
            }
        };
        if is_active {
            self.send(self.started.types.ingest, namespace, reference);
        }
        Ok(())
    }

    /// Content or a snapshot: a root if it carries `gc.root`.
    fn pinned(
        &mut self,
        resource_type: ResourceType,
        namespace: &[u8],
        key: Key<'_>,
        object: View<'_>,
        wanted: Wanted,
    ) {
        if !self.started.rules.root_by_prefix {
            let ignores_label = if resource_type == self.started.types.content {
                Fault::ContentRootLabelIgnored
            } else {
                Fault::SnapshotRootLabelIgnored
            };
            if is_root_ref(object) && !self.started.faults.has(ignores_label) {
                self.send(resource_type, namespace, key);
            }
            return;
        }
        self.note_labels(resource_type, namespace, key, object, wanted);
    }

    /// A container: up to 2.1 its references in place of itself.
    fn container(&mut self, namespace: &[u8], id: &[u8], container: View<'_>) {
        let types = self.started.types;
        if self.started.rules.back_references {
            self.send(types.container, namespace, id);
            let wanted = Wanted { back_references: true, ..Wanted::NOTHING };
            self.note_labels(types.container, namespace, id.into(), container, wanted);
            return;
        }
        let snapshotter = container.get(names::SNAPSHOTTER).unwrap_or_default();
        if !snapshotter.is_empty() && !self.started.faults.has(Fault::ContainerSnapshotForgotten) {
            let name = container.get(names::SNAPSHOT_KEY).unwrap_or_default();
            self.send(types.snapshot, namespace, Key::snapshot(snapshotter, name));
        }
        self.send_references(namespace, container);
    }

    /// Emits what an object's labels refer to.
    fn send_references(&mut self, namespace: &[u8], object: View<'_>) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, object, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(resource_type, namespace, key);
            }
        });
    }

    /// Notes what an object's labels say for later, and emits the object for each label that pins it.
    fn note_labels(
        &mut self,
        resource_type: ResourceType,
        namespace: &[u8],
        key: Key<'_>,
        object: View<'_>,
        wanted: Wanted,
    ) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, object, wanted, |sent| match sent {
            Sent::Root => self.send(resource_type, namespace, key),
            Sent::BackReference(..)
                if resource_type == started.types.snapshot
                    && started.faults.has(Fault::BackReferencesForgotten) => {}
            Sent::BackReference(parent_type, parent_key) => {
                let parent = self.marks.nodes.intern(parent_type, namespace, parent_key);
                let child = self.marks.nodes.intern(resource_type, namespace, key);
                self.marks.add_back_reference(parent, child);
            }
            Sent::Condition(rest, value) => {
                let object = self.marks.nodes.intern(resource_type, namespace, key);
                let snapshot_type = started.types.snapshot;
                self.conditions.add(started, self.marks, object, snapshot_type, namespace, (rest, value));
            }
            Sent::UsedAt(value) => {
                let snapshot = self.marks.nodes.intern(resource_type, namespace, key);
                self.conditions.add_value(snapshot, value);
            }
            Sent::Reference(..) => {}
        });
    }

    /// What the collectors hold for a lease.
    fn leased(&mut self, namespace: &[u8], lease: &[u8]) {
        for collector in &self.started.collectors {
            self.marks.called(collector, Call::Leased(namespace.into(), lease.into()));
            let forgets = self.started.faults.has(Fault::LeasedForgotten);
            for leased in collector.leased.iter().filter(|_| !forgets) {
                if *leased.for_namespace == *namespace && *leased.lease == *lease {
                    self.send(leased.node.resource_type, &leased.node.namespace, &*leased.node.key);
                }
            }
        }
    }

    /// What the collectors report as in use.
    fn active(&mut self, namespace: &[u8]) {
        for collector in &self.started.collectors {
            self.marks.called(collector, Call::Active(namespace.into()));
            let forgets = self.started.faults.has(Fault::ActiveForgotten);
            for active in collector.active.iter().filter(|_| !forgets) {
                if *active.for_namespace == *namespace {
                    self.send(active.node.resource_type, &active.node.namespace, &*active.node.key);
                }
            }
            if !self.started.rules.back_references {
                continue;
            }
            for reference in &collector.active_back_references {
                if *reference.for_namespace == *namespace {
                    let [from, to] = [&reference.from, &reference.to]
                        .map(|node| self.marks.nodes.intern(node.resource_type, &node.namespace, &*node.key));
                    self.marks.add_back_reference(from, to);
                }
            }
        }
    }

    /// Whether `gc.expire` among an object's labels names a time that has passed. A value that does not parse is
    /// logged and never expires.
    fn has_expired(&mut self, object: &'static str, name: &[u8], labels: Option<View<'_>>) -> bool {
        let Some(value) = labels.and_then(|labels| labels.get(names::GC_EXPIRE)) else { return false };
        match time::parse_rfc3339(value) {
            Ok(expiry) => self.is_after_expiry(expiry),
            Err(error) => {
                let (name, value, error) = (name.into(), value.into(), error.to_string());
                self.marks.log.push(LogEvent::InvalidExpiration { object, name, value, error });
                self.started.faults.has(Fault::UnparsableExpiryExpired)
            }
        }
    }

    /// Read by a fault only.
    fn is_created_now(&self, blob: View<'_>) -> bool {
        let created = blob.get(b"createdat").and_then(|created| time::from_binary(created).ok());
        created == Some(self.started.now)
    }

    /// Strictly after: at the very instant of its expiry an object still lives.
    fn is_after_expiry(&self, expiry: Instant) -> bool {
        let now = self.started.now;
        if self.started.faults.has(Fault::NanosecondsIgnored) {
            return now.seconds > expiry.seconds;
        }
        now > expiry || (now == expiry && self.started.faults.has(Fault::ExpiryInclusive))
    }

    fn send<'k>(&mut self, resource_type: ResourceType, namespace: &[u8], key: impl Into<Key<'k>>) {
        let number = self.emitted.len() + 1;
        self.is_cancelled |= self.cancel_at.is_some_and(|cancel_at| number >= cancel_at);
        if !self.is_cancelled {
            self.emitted.push(self.marks.nodes.intern(resource_type, namespace, key));
        }
    }
}

/// The sub-buckets of a bucket that may be missing.
pub(super) fn buckets_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    bucket.into_iter().flat_map(View::buckets)
}

/// The entries of a bucket that may be missing, values and buckets alike.
fn entries_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], crate::bucket::Entry<'a>)> {
    bucket.into_iter().flat_map(View::iter)
}
