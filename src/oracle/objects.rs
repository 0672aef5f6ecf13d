//! What each object of a namespace says: whether it is a root, what it holds, what it refers to.
//!
//! One method a sort of object, each the rule of that sort in every release. Of leases and images the labels are gone
//! through twice: for what they say of the object itself, which decides how the rest counts, and for references.

use super::defects::Defect;
use super::facts::{Location, Namespace, Reader, Refusal, full};
use super::labels::{Referrer, Roles, own_labels};
use super::nodes::{Key, NodeId, Visit};
use super::rules::{Holder, Rule};
use super::times;
use crate::bucket::{Entry, View};
use crate::instant::Instant;
use crate::schema::names;

impl<'a> Reader<'a> {
    pub(super) fn read_namespace(&mut self, namespace: Namespace<'a>, bucket: View<'a>) {
        let [leases, snapshots, content, images, containers, sandboxes] = bucket.buckets_under([
            names::LEASES,
            names::SNAPSHOTS,
            names::CONTENT,
            names::IMAGES,
            names::CONTAINERS,
            names::SANDBOXES,
        ]);
        let [ingests, blobs] = content.unwrap_or(View::EMPTY).buckets_under([names::INGESTS, names::BLOB]);
        for (id, lease) in buckets(leases) {
            self.read_lease(namespace, id, lease);
        }
        for (snapshotter, snapshots) in buckets(snapshots) {
            for (name, snapshot) in snapshots.buckets() {
                self.read_snapshot(namespace, snapshotter, name, snapshot);
            }
        }
        for (reference, ingest) in buckets(ingests) {
            self.read_ingest(namespace, reference, ingest);
        }
        for (digest, blob) in buckets(blobs) {
            self.read_blob(namespace, digest, blob);
        }
        for (name, image) in buckets(images) {
            self.read_image(namespace, name, image);
        }
        for (id, container) in buckets(containers) {
            self.read_container(namespace, id, container);
        }
        if self.rules.sandbox_references {
            self.read_sandboxes(namespace, sandboxes);
            let is_stored_outside = Defect::SandboxesOutsideV1.holds_in(self.question.situation.release);
            if is_stored_outside && !self.has(Defect::SandboxesOutsideV1) && namespace.name != names::V1 {
                let outside = self.question.situation.tree.bucket(namespace.name);
                self.read_sandboxes(namespace, outside.and_then(|outside| outside.bucket(names::SANDBOXES)));
            }
        }
    }

    /// A lease that has not expired is a root, and all that it lists is.
    fn read_lease(&mut self, namespace: Namespace<'a>, id: &'a [u8], lease: View<'a>) {
        let node = self.exists(self.types.lease, namespace, Key::plain(id), Location::Lease(id));
        let [labels, content, snapshots, ingests, images] = lease.buckets_under([
            names::LABELS,
            names::CONTENT,
            names::SNAPSHOTS,
            names::INGESTS,
            names::IMAGES,
        ]);
        let own = own_labels(self.question.situation.go(), labels);
        let expired = own.expires.filter(|at| self.is_past(*at));
        match expired {
            Some(at) => self.refuse(node, Refusal::LeaseExpired { at }),
            None => self.root(full(node), Rule::LiveLease, Holder::Itself, None),
        }
        self.lives_until(node, own.expires.filter(|_| expired.is_none()));
        self.expired.extend(expired.map(|at| (node, at)));
        let high = if own.is_flat { Visit::FLAT } else { Visit::FULL };
        let hold = |reader: &mut Self, resource_type, key, high| {
            let held = reader.facts.nodes.intern(resource_type, namespace.id, key);
            match expired {
                Some(at) => {
                    let rule = Rule::LeaseHolds;
                    reader.refuse(held, Refusal::HolderExpired { lease: node, at, rule, high });
                }
                None => {
                    let holder = Holder::Lease { namespace: namespace.name, id };
                    reader.root(Visit { node: held, high }, Rule::LeaseHolds, holder, None);
                }
            }
        };
        for (digest, _) in entries(content) {
            hold(self, self.types.content, Key::plain(digest), high);
        }
        for (snapshotter, snapshots) in buckets(snapshots) {
            for (name, _) in snapshots.iter() {
                hold(self, self.types.snapshot, self.snapshot_key(snapshotter, name), high);
            }
        }
        // An ingest has no flat type.
        for (reference, _) in entries(ingests) {
            hold(self, self.types.ingest, Key::plain(reference), Visit::FULL);
        }
        if let Some(image) = self.types.image {
            for (name, _) in entries(images) {
                hold(self, image, Key::plain(name), high);
            }
        }
    }

    /// A snapshot is a root if a label pins it; it refers to its parent and by its labels.
    fn read_snapshot(
        &mut self,
        namespace: Namespace<'a>,
        snapshotter: &'a [u8],
        name: &'a [u8],
        snapshot: View<'a>,
    ) {
        let key = self.snapshot_key(snapshotter, name);
        let node = self.exists(self.types.snapshot, namespace, key, Location::Snapshot(snapshotter, name));
        // Cut at the slash, its name leads to another snapshot: what stands here is never looked up.
        let is_found = !self.has(Defect::SnapshotterCutAtSlash) || !snapshotter.contains(&b'/');
        let [parent, labels] = snapshot.fields([names::PARENT, names::LABELS]);
        let parent = parent.and_then(Entry::value).filter(|parent| is_found && !parent.is_empty());
        if let Some(parent) = parent {
            let parent = self.snapshot(namespace, snapshotter, parent);
            for high in [Visit::FULL, Visit::FLAT] {
                self.refer(Visit { node, high }, Visit { node: parent, high }, Rule::Parent, None);
            }
        }
        let referrer = if is_found { Referrer::Node(node) } else { Referrer::Nobody };
        let own = Some(node);
        let roles = Roles { pinned: own, child: own, used: own, ..Roles::default() };
        self.read_labels(namespace, labels.and_then(Entry::bucket), referrer, roles);
    }

    /// An ingest is a root until it expires, never without an expiry; it refers to the content it is to become.
    fn read_ingest(&mut self, namespace: Namespace<'a>, reference: &'a [u8], ingest: View<'a>) {
        let node =
            self.exists(self.types.ingest, namespace, Key::plain(reference), Location::Ingest(reference));
        let [expires, expected] =
            ingest.fields([names::EXPIRE_AT, names::EXPECTED]).map(|field| field.and_then(Entry::value));
        match expires.map(times::binary) {
            None => self.refuse(node, Refusal::IngestWithoutExpiry),
            Some(Ok(at)) if self.is_past(at) => self.refuse(node, Refusal::IngestExpired { at }),
            Some(Ok(at)) => {
                self.root(full(node), Rule::ActiveIngest, Holder::Itself, None);
                self.lives_until(node, Some(at));
            }
            Some(Err(error)) => {
                self.refuse(node, Refusal::IngestUndecodable { error });
                if self.has(Defect::UndecodableExpiryAborts) {
                    self.facts.undecodable.insert(error);
                }
            }
        }
        if let Some(digest) = expected.filter(|digest| !digest.is_empty()) {
            let content = self.facts.nodes.intern(self.types.content, namespace.id, Key::plain(digest));
            self.refer(full(node), full(content), Rule::Expected, None);
        }
    }

    /// Content is a root if a label pins it; it refers by its labels.
    fn read_blob(&mut self, namespace: Namespace<'a>, digest: &'a [u8], blob: View<'a>) {
        let node = self.exists(self.types.content, namespace, Key::plain(digest), Location::Blob(digest));
        let own = Some(node);
        let roles = Roles { pinned: own, child: own, conditional: own, ..Roles::default() };
        let [labels] = blob.buckets_under([names::LABELS]);
        self.read_labels(namespace, labels, Referrer::Node(node), roles);
    }

    /// An image is a root until it expires and refers to its target and by its labels. Where images are no nodes it
    /// holds these itself and never expires.
    fn read_image(&mut self, namespace: Namespace<'a>, name: &'a [u8], image: View<'a>) {
        let [labels, target] = image.buckets_under([names::LABELS, names::TARGET]);
        // A target without a digest names content with the empty key.
        let digest = target.map(|target| target.get(names::DIGEST).unwrap_or_default());
        let content = digest
            .map(|digest| self.facts.nodes.intern(self.types.content, namespace.id, Key::plain(digest)));
        let Some(image_type) = self.types.image else {
            let holder = Holder::Image { namespace: namespace.name, name };
            if let Some(content) = content {
                self.root(full(content), Rule::Target, holder, None);
            }
            return self.read_labels(namespace, labels, Referrer::Holder(holder), Roles::default());
        };
        let node = self.exists(image_type, namespace, Key::plain(name), Location::Image(name));
        let expires = own_labels(self.question.situation.go(), labels).expires;
        let expired = expires.filter(|at| self.is_past(*at));
        match expired {
            Some(at) => self.refuse(node, Refusal::ImageExpired { at }),
            None => self.root(full(node), Rule::UnexpiredImage, Holder::Itself, None),
        }
        if let Some(content) = content {
            for high in [Visit::FULL, Visit::FLAT] {
                self.refer(Visit { node, high }, Visit { node: content, high }, Rule::Target, None);
            }
        }
        self.lives_until(node, expires.filter(|_| expired.is_none()));
        // One that is a root needs no parent that keeps it.
        let (child, child_from) = match expired {
            Some(_) => (Some(node), None),
            None => (None, expires.map(|at| (node, at))),
        };
        let roles = Roles { child, child_from, conditional: Some(node), ..Roles::default() };
        self.read_labels(namespace, labels, Referrer::Node(node), roles);
    }

    /// A container is a root and refers to its snapshot and by its labels; up to 2.1 it is no node and holds these.
    fn read_container(&mut self, namespace: Namespace<'a>, id: &'a [u8], container: View<'a>) {
        let [labels, snapshotter, snapshot] =
            container.fields([names::LABELS, names::SNAPSHOTTER, names::SNAPSHOT_KEY]);
        let labels = labels.and_then(Entry::bucket);
        let snapshotter = snapshotter.and_then(Entry::value).filter(|name| !name.is_empty());
        let snapshot = snapshotter.map(|snapshotter| {
            let name = snapshot.and_then(Entry::value).unwrap_or_default();
            self.snapshot(namespace, snapshotter, name)
        });
        if !self.rules.container_nodes {
            let holder = Holder::Container { namespace: namespace.name, id };
            if let Some(snapshot) = snapshot {
                self.root(full(snapshot), Rule::ContainerSnapshot, holder, None);
            }
            return self.read_labels(namespace, labels, Referrer::Holder(holder), Roles::default());
        }
        let node = self.facts.nodes.intern(self.types.container, namespace.id, Key::plain(id));
        self.facts.nodes.at_mut(node).exists = true;
        self.root(full(node), Rule::Container, Holder::Itself, None);
        if let Some(snapshot) = snapshot {
            self.refer(full(node), full(snapshot), Rule::ContainerSnapshot, None);
        }
        let roles = Roles { child: Some(node), ..Roles::default() };
        self.read_labels(namespace, labels, Referrer::Node(node), roles);
    }

    /// Notes the end of what lives now.
    fn lives_until(&mut self, node: NodeId, expires: Option<Instant>) {
        self.facts.expiries.extend(expires.map(|at| (node, at)));
    }

    /// What a sandbox's labels refer to is kept (from 1.7.0-rc.1).
    fn read_sandboxes(&mut self, namespace: Namespace<'a>, sandboxes: Option<View<'a>>) {
        for (id, sandbox) in buckets(sandboxes) {
            let referrer = Referrer::Holder(Holder::Sandbox { namespace: namespace.name, id });
            self.read_labels(namespace, sandbox.bucket(names::LABELS), referrer, Roles::default());
        }
    }
}

fn buckets<'a>(view: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    view.unwrap_or(View::EMPTY).buckets()
}

fn entries<'a>(view: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
    view.unwrap_or(View::EMPTY).iter()
}
