//! The roots: what is kept for its own sake (`scanRoots`).
//!
//! Namespaces in the order of their keys, and in each: leases with what they hold, images, active ingests, pinned
//! content, containers, pinned snapshots, sandboxes, and last what the collectors report as active.

use super::collect::{Marks, Started};
use super::conditions::Conditions;
use super::faults::{Fault, Faults};
use super::labels::{Sent, Wanted, is_root_ref, send_label_refs};
use super::namespaces::{Namespace, Namespaces};
use super::nodes::{Key, NamespaceId, NodeId};
use super::outcome::{Call, LogEvent};
use crate::bucket::{Entry, View};
use crate::instant::Instant;
use crate::node::{Node, ResourceType};
use crate::schema::{names, time};

/// What scanning the roots gave: those emitted, also before an error, and the error's text.
pub(super) struct Roots {
    pub(super) emitted: Vec<NodeId>,
    pub(super) error: Option<String>,
}

/// Room for the roots of a small database.
const ROOTS: usize = 32;

/// Scans the roots. From `cancel_at` on (counted from 1) the context is cancelled: no further root is delivered, the
/// scan still runs to its end and then returns the context's error.
pub(super) fn scan_roots<F: Faults>(
    started: &Started<'_, F>,
    marks: &mut Marks,
    namespaces: &Namespaces<'_>,
    cancel_at: Option<usize>,
) -> Roots {
    let conditions = Conditions::default();
    let mut scan = Scan {
        started,
        marks,
        emitted: Vec::with_capacity(ROOTS),
        cancel_at,
        is_cancelled: false,
        conditions,
    };
    let mut error = None;
    match namespaces.iter().try_for_each(|namespace| scan.namespace(namespace)) {
        Err(failed) => error = Some(failed.to_string()),
        Ok(()) => scan.conditions.evaluate(started, scan.marks),
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
    fn namespace(&mut self, there: &Namespace<'_>) -> Result<(), time::BinaryError> {
        let namespace = there.id;
        for (id, lease) in buckets_of(there.leases) {
            self.lease(there, id, lease);
        }
        for (name, image) in buckets_of(there.images) {
            self.image(namespace, name, image);
        }
        for (reference, ingest) in buckets_of(there.ingests) {
            self.ingest(namespace, reference, ingest)?;
        }
        let content_type = self.started.types.content;
        for (digest, blob) in buckets_of(there.blobs) {
            let wanted = Wanted { root: true, back_references: true, conditions: true, ..Wanted::NOTHING };
            if self.started.faults.has(Fault::YoungContentKept) && self.is_created_now(blob) {
                self.send(content_type, namespace, digest);
            }
            let [labels] = blob.buckets_under([names::LABELS]);
            self.pinned(content_type, namespace, digest.into(), labels, wanted);
        }
        for (id, container) in buckets_of(there.containers) {
            self.container(namespace, id, container);
        }
        let snapshot_type = self.started.types.snapshot;
        for (snapshotter, snapshots) in buckets_of(there.snapshots) {
            for (name, snapshot) in snapshots.buckets() {
                let wanted = Wanted { root: true, back_references: true, used_at: true, ..Wanted::NOTHING };
                let [labels] = snapshot.buckets_under([names::LABELS]);
                self.pinned(snapshot_type, namespace, Key::snapshot(snapshotter, name), labels, wanted);
            }
        }
        if self.started.rules.sandbox_references && !self.started.faults.has(Fault::SandboxLabelsForgotten) {
            for (_, sandbox) in buckets_of(there.sandboxes) {
                self.send_references(namespace, sandbox.bucket(names::LABELS));
            }
        }
        self.active(there.name);
        Ok(())
    }

    /// A lease that has not expired, and everything it holds.
    fn lease(&mut self, there: &Namespace<'_>, id: &[u8], lease: View<'_>) {
        let namespace = there.id;
        let [labels, content, snapshots, ingests, images] = lease.buckets_under([
            names::LABELS,
            names::CONTENT,
            names::SNAPSHOTS,
            names::INGESTS,
            names::IMAGES,
        ]);
        let [expiry, flat_label] = labels.unwrap_or(View::EMPTY).fields([names::GC_EXPIRE, names::GC_FLAT]);
        let has_expired = self.has_expired("lease", id, expiry);
        let still_holds = self.started.faults.has(Fault::ExpiredLeaseHolds);
        if has_expired && !still_holds {
            if self.started.rules.image_nodes {
                self.marks.told.log.push(LogEvent::ExpiredLease { name: id.into() });
            }
            return;
        }
        let has_flat_label = match flat_label.and_then(Entry::value) {
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
            self.send_references(namespace, labels);
        }
        for (digest, _) in entries_of(content) {
            self.send(held(types.content), namespace, digest);
        }
        let snapshotters =
            if self.started.faults.has(Fault::LeaseSecondSnapshotter) { 1 } else { usize::MAX };
        for (snapshotter, snapshots) in buckets_of(snapshots).take(snapshotters) {
            for (name, _) in snapshots.iter() {
                self.send(held(types.snapshot), namespace, Key::snapshot(snapshotter, name));
            }
        }
        let ingests = ingests.filter(|_| !self.started.faults.has(Fault::LeaseIngestsForgotten));
        for (reference, _) in entries_of(ingests) {
            self.send(types.ingest, namespace, reference);
        }
        if self.started.rules.image_nodes && !self.started.faults.has(Fault::LeaseImagesForgotten) {
            for (name, _) in entries_of(images) {
                self.send(held(types.image), namespace, name);
            }
        }
        self.leased(there.name, id);
    }

    /// An image: up to 1.x its references in place of itself; from 2.0 itself, unless it has expired.
    fn image(&mut self, namespace: NamespaceId, name: &[u8], image: View<'_>) {
        let [target, labels] = image.buckets_under([names::TARGET, names::LABELS]);
        if !self.started.rules.image_nodes {
            let is_forgotten = self.started.faults.has(Fault::ImageTargetForgotten);
            if let Some(target) = target.filter(|_| !is_forgotten) {
                let digest = target.get(names::DIGEST).unwrap_or_default();
                self.send(self.started.types.content, namespace, digest);
            }
            if !self.started.faults.has(Fault::ImageLabelsForgotten) {
                self.send_references(namespace, labels);
            }
            return;
        }
        let expiry = labels.and_then(|labels| labels.entry(names::GC_EXPIRE));
        let has_expired = self.has_expired("image", name, expiry);
        if !has_expired || self.started.faults.has(Fault::ExpiredImageRoot) {
            self.send(self.started.types.image, namespace, name);
        }
        // An unexpired image is a root already: its back references would add nothing and are not read.
        let wanted = Wanted { back_references: has_expired, conditions: true, ..Wanted::NOTHING };
        self.note_labels(self.started.types.image, namespace, name.into(), labels, wanted);
    }

    /// An ingest whose expiry is set and has not passed.
    fn ingest(
        &mut self,
        namespace: NamespaceId,
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
        namespace: NamespaceId,
        key: Key<'_>,
        labels: Option<View<'_>>,
        wanted: Wanted,
    ) {
        if !self.started.rules.root_by_prefix {
            let ignores_label = if resource_type == self.started.types.content {
                Fault::ContentRootLabelIgnored
            } else {
                Fault::SnapshotRootLabelIgnored
            };
            if is_root_ref(labels) && !self.started.faults.has(ignores_label) {
                self.send(resource_type, namespace, key);
            }
            return;
        }
        self.note_labels(resource_type, namespace, key, labels, wanted);
    }

    /// A container: up to 2.1 its references in place of itself.
    fn container(&mut self, namespace: NamespaceId, id: &[u8], container: View<'_>) {
        let types = self.started.types;
        let [snapshotter, snapshot, labels] =
            container.fields([names::SNAPSHOTTER, names::SNAPSHOT_KEY, names::LABELS]);
        let labels = labels.and_then(Entry::bucket);
        if self.started.rules.back_references {
            self.send(types.container, namespace, id);
            let wanted = Wanted { back_references: true, ..Wanted::NOTHING };
            self.note_labels(types.container, namespace, id.into(), labels, wanted);
            return;
        }
        let snapshotter = snapshotter.and_then(Entry::value).unwrap_or_default();
        if !snapshotter.is_empty() && !self.started.faults.has(Fault::ContainerSnapshotForgotten) {
            let name = snapshot.and_then(Entry::value).unwrap_or_default();
            self.send(types.snapshot, namespace, Key::snapshot(snapshotter, name));
        }
        self.send_references(namespace, labels);
    }

    /// Emits what an object's labels refer to.
    fn send_references(&mut self, namespace: NamespaceId, labels: Option<View<'_>>) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, labels, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(resource_type, namespace, key);
            }
        });
    }

    /// Notes what an object's labels say for later, and emits the object for each label that pins it.
    fn note_labels(
        &mut self,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: Key<'_>,
        labels: Option<View<'_>>,
        wanted: Wanted,
    ) {
        let started = self.started;
        send_label_refs(&started.handlers, started.faults, labels, wanted, |sent| match sent {
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
            self.marks.told.called(collector, Call::Leased(namespace.into(), lease.into()));
            let forgets = self.started.faults.has(Fault::LeasedForgotten);
            for leased in collector.leased.iter().filter(|_| !forgets) {
                if *leased.for_namespace == *namespace && *leased.lease == *lease {
                    self.send_node(&leased.node);
                }
            }
        }
    }

    /// What the collectors report as in use.
    fn active(&mut self, namespace: &[u8]) {
        for collector in &self.started.collectors {
            self.marks.told.called(collector, Call::Active(namespace.into()));
            let forgets = self.started.faults.has(Fault::ActiveForgotten);
            for active in collector.active.iter().filter(|_| !forgets) {
                if *active.for_namespace == *namespace {
                    self.send_node(&active.node);
                }
            }
            if !self.started.rules.back_references {
                continue;
            }
            for reference in &collector.active_back_references {
                if *reference.for_namespace == *namespace {
                    let [from, to] =
                        [&reference.from, &reference.to].map(|node| self.marks.intern(node.as_ref()));
                    self.marks.add_back_reference(from, to);
                }
            }
        }
    }

    /// Whether an object's label `gc.expire` names a time that has passed. A value that does not parse is
    /// logged and never expires.
    fn has_expired(&mut self, object: &'static str, name: &[u8], label: Option<Entry<'_>>) -> bool {
        let Some(value) = label.and_then(Entry::value) else { return false };
        match time::parse_rfc3339(value) {
            Ok(expiry) => self.is_after_expiry(expiry),
            Err(error) => {
                let (name, value, error) = (name.into(), value.into(), error.to_string());
                self.marks.told.log.push(LogEvent::InvalidExpiration { object, name, value, error });
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

    fn send<'k>(&mut self, resource_type: ResourceType, namespace: NamespaceId, key: impl Into<Key<'k>>) {
        self.send_as(|marks| marks.nodes.intern(resource_type, namespace, key));
    }

    /// Emits a node of a collector's, which may lie in any namespace.
    fn send_node(&mut self, node: &Node) {
        self.send_as(|marks| marks.intern(node.as_ref()));
    }

    fn send_as(&mut self, intern: impl FnOnce(&mut Marks) -> NodeId) {
        let number = self.emitted.len() + 1;
        self.is_cancelled |= self.cancel_at.is_some_and(|cancel_at| number >= cancel_at);
        if !self.is_cancelled {
            self.emitted.push(intern(self.marks));
        }
    }
}

/// The sub-buckets of a bucket that may be missing.
pub(super) fn buckets_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    bucket.unwrap_or(View::EMPTY).buckets()
}

/// The entries of a bucket that may be missing, values and buckets alike.
fn entries_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
    bucket.unwrap_or(View::EMPTY).iter()
}
