//! The roots: what is kept for its own sake (`scanRoots`).
//!
//! Namespaces in the order of their keys, and in each: leases with what they hold, images, active ingests, pinned
//! content, containers, pinned snapshots, sandboxes, and last what the collectors report as active.

use super::conditions::Conditions;
use super::context::{Context, Marks, Started};
use super::decisions::{By, Decisions, Visit};
use super::error::Error;
use super::labels::{Sent, Wanted, send_label_refs};
use super::namespaces::{Namespace, Namespaces, Object, buckets_of, entries_of};
use super::nodes::{Key, NodeId};
use super::outcome::{Call, LogEvent};
use crate::bucket::{Entry, View};
use crate::node::{Kind, Node, ResourceType};
use crate::schema::{names, time};

/// Emits the roots and gathers the back references. Where the context is cancelled no further root is delivered; the
/// scan still runs to its end and then returns the context's error.
///
/// # Errors
/// An ingest's time that does not decode, or the context's error.
pub(super) fn scan_roots<D: Decisions>(
    context: &mut Context<'_, D>,
    emitted: &mut Vec<NodeId>,
) -> Result<(), Error> {
    let Context { started, namespaces, marks } = context;
    let mut conditions = Conditions::default();
    let mut is_cancelled = false;
    for there in namespaces.iter() {
        let mut scan = Scan {
            started,
            namespaces,
            there,
            marks,
            emitted,
            conditions: &mut conditions,
            is_cancelled: &mut is_cancelled,
        };
        scan.namespace()?;
    }
    for (object, snapshot, conditions, used_at) in conditions.iter() {
        for _ in 0..started.decisions.references_met(conditions, used_at, started.now) {
            marks.add_back_reference(object, snapshot);
        }
    }
    if is_cancelled { Err(Error::Canceled) } else { Ok(()) }
}

/// The scan of one namespace.
struct Scan<'s, 'a, D> {
    started: &'s Started<'a, D>,
    namespaces: &'s Namespaces<'a>,
    there: &'s Namespace<'a>,
    marks: &'s mut Marks,
    emitted: &'s mut Vec<NodeId>,
    conditions: &'s mut Conditions,
    is_cancelled: &'s mut bool,
}

impl<D: Decisions> Scan<'_, '_, D> {
    fn namespace(&mut self) -> Result<(), Error> {
        let Scan { started, namespaces, there, .. } = *self;
        let rules = started.rules;
        for lease in namespaces.objects(&there.leases) {
            self.lease(lease);
        }
        if rules.image_nodes {
            for image in namespaces.objects(&there.images) {
                self.image(image);
            }
        } else {
            for (_, image) in buckets_of(there.images.bucket) {
                self.image_references(image);
            }
        }
        for ingest in namespaces.objects(&there.ingests) {
            self.ingest(ingest)?;
        }
        for blob in namespaces.objects(&there.blobs) {
            let wanted = Wanted { root: true, back_references: true, conditions: true, ..Wanted::NOTHING };
            self.blob_or_snapshot(Kind::Content, blob, wanted);
        }
        if rules.container_nodes {
            for container in namespaces.objects(&there.containers) {
                self.container(container);
            }
        } else {
            for (_, container) in buckets_of(there.containers.bucket) {
                self.container_references(container);
            }
        }
        for snapshot in namespaces.objects(&there.snapshots) {
            let wanted = Wanted { root: true, back_references: true, used_at: true, ..Wanted::NOTHING };
            self.blob_or_snapshot(Kind::Snapshot, snapshot, wanted);
        }
        if rules.sandbox_references {
            for (_, sandbox) in buckets_of(there.sandboxes) {
                self.send_references(By::SandboxLabel, sandbox.bucket(names::LABELS));
            }
        }
        self.active();
        Ok(())
    }

    /// A lease that has not expired, and everything it holds.
    fn lease(&mut self, lease: &Object<'_>) {
        let Started { types, rules, decisions, .. } = *self.started;
        let [labels, content, snapshots, ingests, images] = lease.view.buckets_under([
            names::LABELS,
            names::CONTENT,
            names::SNAPSHOTS,
            names::INGESTS,
            names::IMAGES,
        ]);
        let [expiry, flat_label] = labels.unwrap_or(View::EMPTY).fields([names::GC_EXPIRE, names::GC_FLAT]);
        if self.has_expired(Kind::Lease, lease.id, expiry) {
            if rules.image_nodes {
                let name = self.marks.nodes.get(lease.id).key.into();
                self.marks.told.log.push(LogEvent::ExpiredLease { name });
            }
            if decisions.asks_about_expired() {
                self.leased(lease.id);
            }
            return;
        }
        let is_flat = decisions.is_flat(flat_label.and_then(Entry::value));
        let visit = if is_flat { Visit::Flat } else { Visit::Full };

        self.send_object(By::Itself, lease.id);
        let read = decisions.entries_read();
        for (digest, _) in entries_of(content).take(read) {
            self.send_visit(By::Lease(Kind::Content), visit, types.content, digest.into());
        }
        for (snapshotter, snapshots) in buckets_of(snapshots) {
            for (name, _) in snapshots.iter().take(read) {
                let key = Key::snapshot(snapshotter, name);
                self.send_visit(By::Lease(Kind::Snapshot), visit, types.snapshot, key);
            }
        }
        for (reference, _) in entries_of(ingests).take(read) {
            self.send(By::Lease(Kind::Ingest), types.ingest, reference);
        }
        if rules.image_nodes {
            for (name, _) in entries_of(images).take(read) {
                self.send_visit(By::Lease(Kind::Image), visit, types.image, name.into());
            }
        }
        self.leased(lease.id);
    }

    /// An image up to 1.x: what it refers to is a root in its place.
    fn image_references(&mut self, image: View<'_>) {
        let [target, labels] = image.buckets_under([names::TARGET, names::LABELS]);
        if let Some(target) = target {
            let digest = target.get(names::DIGEST).unwrap_or_default();
            self.send(By::Target, self.started.types.content, digest);
        }
        self.send_references(By::Label(Kind::Image), labels);
    }

    /// An image from 2.0 on: itself, unless it has expired.
    fn image(&mut self, image: &Object<'_>) {
        let expiry = image.labels.and_then(|labels| labels.entry(names::GC_EXPIRE));
        let has_expired = self.has_expired(Kind::Image, image.id, expiry);
        if !has_expired {
            self.send_object(By::Itself, image.id);
        }
        // An unexpired image is a root already: its back references would add nothing and are not read.
        let wanted = Wanted { back_references: has_expired, conditions: true, ..Wanted::NOTHING };
        self.note_labels(Kind::Image, image, wanted);
    }

    /// An ingest whose expiry is set and has not passed.
    fn ingest(&mut self, ingest: &Object<'_>) -> Result<(), Error> {
        let Started { now, decisions, .. } = *self.started;
        let expire_at = ingest.view.get(names::EXPIRE_AT).map(time::from_binary).transpose()?;
        if decisions.is_active(expire_at, now) {
            self.send_object(By::Itself, ingest.id);
        }
        Ok(())
    }

    /// A blob or a snapshot: a root if it carries `gc.root`. Its back references, conditions and times of use are gathered on
    /// the way.
    fn blob_or_snapshot(&mut self, kind: Kind, object: &Object<'_>, wanted: Wanted) {
        let Started { rules, decisions, .. } = *self.started;
        if !rules.root_by_prefix && decisions.is_root_ref(object) {
            self.send_object(By::RootLabel(kind), object.id);
        }
        if rules.root_by_prefix || rules.back_references {
            self.note_labels(kind, object, wanted);
        }
    }

    /// A container up to 2.1: what it refers to is a root in its place.
    fn container_references(&mut self, container: View<'_>) {
        let [snapshotter, snapshot, labels] =
            container.fields([names::SNAPSHOTTER, names::SNAPSHOT_KEY, names::LABELS]);
        let snapshotter = snapshotter.and_then(Entry::value).unwrap_or_default();
        if !snapshotter.is_empty() {
            let name = snapshot.and_then(Entry::value).unwrap_or_default();
            let key = Key::snapshot(snapshotter, name);
            self.send(By::ContainerSnapshot, self.started.types.snapshot, key);
        }
        self.send_references(By::Label(Kind::Container), labels.and_then(Entry::bucket));
    }

    /// A container from 2.2 on.
    fn container(&mut self, container: &Object<'_>) {
        self.send_object(By::Itself, container.id);
        let wanted = Wanted { back_references: true, ..Wanted::NOTHING };
        self.note_labels(Kind::Container, container, wanted);
    }

    /// Emits what an object's labels refer to.
    fn send_references(&mut self, by: By, labels: Option<View<'_>>) {
        let Started { handlers, decisions, .. } = self.started;
        send_label_refs(handlers, *decisions, labels, Wanted::REFERENCES, |sent| {
            if let Sent::Reference(resource_type, key) = sent {
                self.send(by, resource_type, key);
            }
        });
    }

    /// Notes what an object's labels say for later, and emits the object for each label that pins it.
    fn note_labels(&mut self, kind: Kind, object: &Object<'_>, wanted: Wanted) {
        let Started { handlers, decisions, types, .. } = self.started;
        let namespace = self.there.id;
        send_label_refs(handlers, *decisions, object.labels, wanted, |sent| match sent {
            Sent::Root => self.send_object(By::RootLabel(kind), object.id),
            Sent::BackReference(parent_type, parent_key) => {
                let parent = self.marks.nodes.intern(parent_type, namespace, parent_key);
                self.marks.add_back_reference(parent, object.id);
            }
            Sent::Condition(rest, value) => {
                self.conditions.add(object.id, rest, (value, decisions.bar(value)), |snapshot| {
                    self.marks.nodes.intern(types.snapshot, namespace, snapshot)
                });
            }
            Sent::UsedAt(value) => self.conditions.add_value(object.id, value),
            Sent::Reference(..) => {}
        });
    }

    /// What the collectors hold for a lease.
    fn leased(&mut self, lease: NodeId) {
        let namespace = self.there.name;
        for collector in &self.started.collectors {
            let lease: Box<[u8]> = self.marks.nodes.get(lease).key.into();
            self.marks.told.called(collector, Call::Leased(namespace.into(), lease.clone()));
            for leased in &collector.leased {
                if *leased.for_namespace == *namespace && *leased.lease == *lease {
                    self.send_node(By::Leased, &leased.node);
                }
            }
        }
    }

    /// What the collectors report as in use.
    fn active(&mut self) {
        let namespace = self.there.name;
        for collector in &self.started.collectors {
            self.marks.told.called(collector, Call::Active(namespace.into()));
            for active in &collector.active {
                if *active.for_namespace == *namespace {
                    self.send_node(By::Active, &active.node);
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

    /// Whether an object's label `gc.expire` names a time that has passed. A value that does not parse is logged.
    fn has_expired(&mut self, kind: Kind, id: NodeId, label: Option<Entry<'_>>) -> bool {
        let Some(value) = label.and_then(Entry::value) else { return false };
        let expiry = time::parse_rfc3339_of(self.started.go, value);
        let has_expired =
            self.started.decisions.has_expired(kind, expiry.as_ref().ok().copied(), self.started.now);
        if let Err(error) = expiry {
            let name = self.marks.nodes.get(id).key.into();
            let (value, error) = (value.into(), error.to_string());
            self.marks.told.log.push(LogEvent::InvalidExpiration { object: kind, name, value, error });
        }
        has_expired
    }

    /// An object for its own sake.
    fn send_object(&mut self, by: By, id: NodeId) {
        let node = self.marks.nodes.get(id);
        let resource_type = node.resource_type;
        if let Some(visit) = self.started.decisions.follow(by, node.key.into(), Visit::Full) {
            self.deliver(|marks| marks.nodes.retype(id, visit.of(resource_type)));
        }
    }

    fn send<'k>(&mut self, by: By, resource_type: ResourceType, key: impl Into<Key<'k>>) {
        self.send_visit(by, Visit::Full, resource_type, key.into());
    }

    fn send_visit(&mut self, by: By, visit: Visit, resource_type: ResourceType, key: Key<'_>) {
        let namespace = self.there.id;
        if let Some(visit) = self.started.decisions.follow(by, key, visit) {
            self.deliver(|marks| marks.nodes.intern(visit.of(resource_type), namespace, key));
        }
    }

    /// A node of a collector's, which may lie in any namespace.
    fn send_node(&mut self, by: By, node: &Node) {
        if self.started.decisions.follow(by, node.key[..].into(), Visit::Full).is_some() {
            self.deliver(|marks| marks.intern(node.as_ref()));
        }
    }

    /// Sends a root on, unless the context is cancelled before it.
    fn deliver(&mut self, intern: impl FnOnce(&mut Marks) -> NodeId) {
        let number = self.emitted.len() + 1;
        *self.is_cancelled |= self.started.cancel_at_root.is_some_and(|cancel_at| number >= cancel_at);
        if !*self.is_cancelled {
            self.emitted.push(intern(self.marks));
        }
    }
}
