//! A tree, and what the collectors answer, as flat relations.
//!
//! ```text
//! resource   exists and can be swept              lease/pull          content/layer
//! root       is kept by itself or by a holder     lease/pull          content/layer <- lease pull
//! reference  is kept while another one is         content/manifest -> content/layer  (its label gc.ref.content.0)
//! refusal    why something that could be a root   lease/old expired   content/b <- lease old, expired
//!            or a reference is none
//! ```
//!
//! Every bucket is read once, from its first entry to its last; each label is classified by its key alone. The
//! relations say nothing about what is kept: that is their least fixpoint (`keep.rs`). A reference goes from one
//! *visit* to another, so that flat and full are different facts: a flat snapshot refers to its parent, flat, a full
//! one to its parent and by its labels, and flat content to nothing.
//!
//! The rules are those of `scanRoots`, `references`, `scanAll` and the label handlers of containerd's
//! `metadata/gc.go`; the fields of [`Rules`] say from which release on each holds.

use super::Question;
use super::conditions::{self, Comparison};
use super::defects::Defect;
use super::nodes::{Key, NamespaceId, NodeId, Nodes, Visit};
use super::rules::{Holder, Rule};
use super::times::{self, UndecodableTime};
use crate::bucket::{Entry, View};
use crate::collector::Collector;
use crate::instant::Instant;
use crate::node::{Kind, NodeRef, ResourceType};
use crate::release::Rules;
use crate::schema::names;
use crate::situation::Situation;
use std::collections::BTreeSet;

/// What every label that a collection heeds begins with.
const GC: &[u8] = b"containerd.io/gc.";
/// What follows `gc.ref.` in the built-in reference labels.
const REF_CONTENT: &[u8] = names::GC_REF_CONTENT.split_at(names::GC_REF.len()).1;
const REF_IMAGE: &[u8] = names::GC_REF_IMAGE.split_at(names::GC_REF.len()).1;
const REF_SNAPSHOT: &[u8] = names::GC_REF_SNAPSHOT.split_at(names::GC_REF.len()).1;

/// The relations.
pub(super) struct Facts<'a> {
    pub(super) nodes: Nodes<'a>,
    /// What a sweep walks, in its order: by namespace leases, snapshots, ingests, blobs, images; then what the
    /// collectors list, in the order of the question.
    pub(super) resources: Vec<Resource<'a>>,
    pub(super) roots: Vec<Root<'a>>,
    pub(super) references: Vec<Reference<'a>>,
    pub(super) refusals: Vec<(NodeId, Refusal<'a>)>,
    /// What stops a collection while roots are gathered.
    pub(super) undecodable: BTreeSet<UndecodableTime>,
    /// Something expires at the very instant of the collection, or one nanosecond before or after it.
    pub(super) expires_on_the_tick: bool,
}

/// Something that a sweep comes across.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) visit: Visit,
    pub(super) place: Place<'a>,
}

/// Where a resource stands.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// `leases/ID`.
    Lease(&'a [u8]),
    /// `snapshots/SNAPSHOTTER/NAME`.
    Snapshot(&'a [u8], &'a [u8]),
    /// `content/ingests/REF`.
    Ingest(&'a [u8]),
    /// `content/blob/DIGEST`.
    Blob(&'a [u8]),
    /// `images/NAME`.
    Image(&'a [u8]),
    /// Listed by the collector of a type.
    Listed(ResourceType),
}

pub(super) struct Root<'a> {
    pub(super) to: Visit,
    pub(super) rule: Rule,
    pub(super) holder: Holder<'a>,
    /// The label that says so, where one does.
    pub(super) label: Option<&'a [u8]>,
}

pub(super) struct Reference<'a> {
    pub(super) from: Visit,
    pub(super) to: Visit,
    pub(super) rule: Rule,
    pub(super) label: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
pub(super) enum Refusal<'a> {
    LeaseExpired {
        at: Instant,
    },
    /// By the rule that says what a lease holds.
    HolderExpired {
        lease: NodeId,
        at: Instant,
        rule: Rule,
    },
    ImageExpired {
        at: Instant,
    },
    IngestExpired {
        at: Instant,
    },
    IngestWithoutExpiry,
    IngestUndecodable {
        error: UndecodableTime,
    },
    ConditionUnmet {
        by: Visit,
        label: &'a [u8],
    },
    ParentMissing {
        by: Visit,
        label: Option<&'a [u8]>,
    },
}

/// Reads everything that a question gives.
pub(super) fn read(question: Question<'_>) -> Facts<'_> {
    let mut reader = Reader::new(question);
    // Without the bucket of the schema nothing is gathered, walked or asked for.
    if let Some(v1) = question.situation.tree.bucket(names::V1) {
        for (name, bucket) in v1.buckets() {
            let id = reader.facts.nodes.namespace(name);
            reader.read_namespace(Namespace { name, id }, bucket);
        }
        reader.read_collectors(v1);
    }
    reader.join_conditions();
    reader.drop_missing_parents();
    reader.facts
}

/// The numbers that the release gives to what the database holds.
struct Types {
    content: ResourceType,
    snapshot: ResourceType,
    container: ResourceType,
    /// Where images are nodes.
    image: Option<ResourceType>,
    lease: ResourceType,
    ingest: ResourceType,
}

/// Room for what a small database says; more would cost more than growing later.
const ROOM: usize = 14;

struct Reader<'a> {
    question: Question<'a>,
    rules: &'static Rules,
    types: Types,
    /// The collectors' reference labels, each with the type that it yields.
    labels: Vec<(&'a [u8], ResourceType)>,
    facts: Facts<'a>,
    /// The leases that have expired, and when.
    expired: Vec<(NodeId, Instant)>,
    conditions: Vec<Condition<'a>>,
    /// Snapshots with a time of use.
    uses: Vec<(NodeId, Instant)>,
}

struct Condition<'a> {
    from: Visit,
    to: NodeId,
    comparison: Comparison,
    label: &'a [u8],
}

/// What the labels of an object may say besides its references, each with the object.
#[derive(Clone, Copy, Default)]
struct Says {
    /// It can be pinned.
    is_pinnable: Option<NodeId>,
    /// It can be a child of back references.
    is_child: Option<NodeId>,
    /// It can have conditional references.
    has_conditions: Option<NodeId>,
    /// It can have times of use.
    has_uses: Option<NodeId>,
}

/// Whose references are read.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// A node, when it is visited in full.
    Node(NodeId),
    /// Something that is no node in this release and holds at any rate.
    Holder(Holder<'a>),
    /// An object that is never looked up, so that its references do not count.
    Nobody,
}

/// The namespace that is read.
#[derive(Clone, Copy)]
struct Namespace<'a> {
    name: &'a [u8],
    id: NamespaceId,
}

/// The labels of a lease or an image that are about itself.
#[derive(Default)]
struct Own {
    expires: Option<Instant>,
    is_flat: bool,
}

impl<'a> Reader<'a> {
    fn new(question: Question<'a>) -> Reader<'a> {
        let release = question.situation.release;
        let number = |kind| release.type_of(kind).expect("every release numbers what its database holds");
        let types = Types {
            content: number(Kind::Content),
            snapshot: number(Kind::Snapshot),
            container: number(Kind::Container),
            image: release.type_of(Kind::Image).filter(|_| release.rules().image_nodes),
            lease: number(Kind::Lease),
            ingest: number(Kind::Ingest),
        };
        let facts = Facts {
            nodes: Nodes::new(types.snapshot),
            resources: Vec::with_capacity(ROOM),
            roots: Vec::with_capacity(ROOM),
            references: Vec::with_capacity(ROOM),
            refusals: Vec::new(),
            undecodable: BTreeSet::new(),
            expires_on_the_tick: false,
        };
        let labels = collector_labels(question);
        let (expired, conditions, uses) = (Vec::new(), Vec::new(), Vec::new());
        Reader { question, rules: release.rules(), types, labels, facts, expired, conditions, uses }
    }

    fn has(&self, defect: Defect) -> bool {
        self.question.defects.contains(defect)
    }

    /// Expired means strictly past: at its very instant a thing is still alive.
    fn is_past(&mut self, at: Instant) -> bool {
        self.facts.expires_on_the_tick |= times::is_within_a_tick(at, self.question.situation.now);
        self.question.situation.now > at
    }

    fn read_namespace(&mut self, namespace: Namespace<'a>, bucket: View<'a>) {
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
        let node = self.exists(self.types.lease, namespace, Key::plain(id), Place::Lease(id));
        let [labels, content, snapshots, ingests, images] = lease.buckets_under([
            names::LABELS,
            names::CONTENT,
            names::SNAPSHOTS,
            names::INGESTS,
            names::IMAGES,
        ]);
        let own = own_labels(labels);
        let expired = own.expires.filter(|at| self.is_past(*at));
        match expired {
            Some(at) => self.refuse(node, Refusal::LeaseExpired { at }),
            None => self.root(full(node), Rule::LiveLease, Holder::Itself, None),
        }
        self.expired.extend(expired.map(|at| (node, at)));
        let high = if own.is_flat { Visit::FLAT } else { Visit::FULL };
        let hold = |reader: &mut Self, resource_type, key, high| {
            let held = reader.facts.nodes.intern(resource_type, namespace.id, key);
            match expired {
                Some(at) => {
                    let rule = Rule::LeaseHolds;
                    reader.refuse(held, Refusal::HolderExpired { lease: node, at, rule });
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
        let node = self.exists(self.types.snapshot, namespace, key, Place::Snapshot(snapshotter, name));
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
        let source = if is_found { Source::Node(node) } else { Source::Nobody };
        let own = Some(node);
        let says = Says { is_pinnable: own, is_child: own, has_uses: own, ..Says::default() };
        self.read_labels(namespace, labels.and_then(Entry::bucket), source, says);
    }

    /// An ingest is a root until it expires, never without an expiry; it refers to the content it is to become.
    fn read_ingest(&mut self, namespace: Namespace<'a>, reference: &'a [u8], ingest: View<'a>) {
        let node = self.exists(self.types.ingest, namespace, Key::plain(reference), Place::Ingest(reference));
        let [expires, expected] =
            ingest.fields([names::EXPIRE_AT, names::EXPECTED]).map(|field| field.and_then(Entry::value));
        match expires.map(times::binary) {
            None => self.refuse(node, Refusal::IngestWithoutExpiry),
            Some(Ok(at)) if self.is_past(at) => self.refuse(node, Refusal::IngestExpired { at }),
            Some(Ok(_)) => self.root(full(node), Rule::ActiveIngest, Holder::Itself, None),
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
        let node = self.exists(self.types.content, namespace, Key::plain(digest), Place::Blob(digest));
        let own = Some(node);
        let says = Says { is_pinnable: own, is_child: own, has_conditions: own, ..Says::default() };
        let [labels] = blob.buckets_under([names::LABELS]);
        self.read_labels(namespace, labels, Source::Node(node), says);
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
            return self.read_labels(namespace, labels, Source::Holder(holder), Says::default());
        };
        let node = self.exists(image_type, namespace, Key::plain(name), Place::Image(name));
        let expired = own_labels(labels).expires.filter(|at| self.is_past(*at));
        match expired {
            Some(at) => self.refuse(node, Refusal::ImageExpired { at }),
            None => self.root(full(node), Rule::UnexpiredImage, Holder::Itself, None),
        }
        if let Some(content) = content {
            for high in [Visit::FULL, Visit::FLAT] {
                self.refer(Visit { node, high }, Visit { node: content, high }, Rule::Target, None);
            }
        }
        // One that is a root needs no parent that keeps it.
        let is_child = expired.map(|_| node);
        let says = Says { is_child, has_conditions: Some(node), ..Says::default() };
        self.read_labels(namespace, labels, Source::Node(node), says);
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
            return self.read_labels(namespace, labels, Source::Holder(holder), Says::default());
        }
        let node = self.facts.nodes.intern(self.types.container, namespace.id, Key::plain(id));
        self.facts.nodes.at_mut(node).exists = true;
        self.root(full(node), Rule::Container, Holder::Itself, None);
        if let Some(snapshot) = snapshot {
            self.refer(full(node), full(snapshot), Rule::ContainerSnapshot, None);
        }
        let says = Says { is_child: Some(node), ..Says::default() };
        self.read_labels(namespace, labels, Source::Node(node), says);
    }

    /// What a sandbox's labels refer to is kept (from 1.7.0-rc.1).
    fn read_sandboxes(&mut self, namespace: Namespace<'a>, sandboxes: Option<View<'a>>) {
        for (id, sandbox) in buckets(sandboxes) {
            let source = Source::Holder(Holder::Sandbox { namespace: namespace.name, id });
            self.read_labels(namespace, sandbox.bucket(names::LABELS), source, Says::default());
        }
    }

    /// All that an object's labels say about others, and whether they pin it.
    fn read_labels(
        &mut self,
        namespace: Namespace<'a>,
        labels: Option<View<'a>>,
        source: Source<'a>,
        says: Says,
    ) {
        let Some(labels) = labels else { return };
        for (label, entry) in labels.iter().filter(|(label, _)| label.starts_with(GC)) {
            // A label that is a bucket counts, with an empty value.
            let value = entry.value().unwrap_or_default();
            if let Some(name) = label.strip_prefix(names::GC_REF) {
                self.read_reference(namespace, label, name, value, source);
                continue;
            }
            if let Some(node) = says.is_pinnable.filter(|_| self.is_pin(label, entry)) {
                self.root(full(node), Rule::RootLabel, Holder::Itself, Some(label));
            }
            if let Some(child) = says.is_child.filter(|_| self.rules.back_references) {
                self.read_back_reference(namespace, label, value, child);
            }
            if self.rules.conditional_references {
                if let Some(from) = says.has_conditions {
                    self.read_condition(namespace, label, value, from);
                }
                if let Some(snapshot) = says.has_uses {
                    self.read_use(label, value, snapshot);
                }
            }
        }
    }

    /// `gc.root`, and from 2.2 any label that begins so.
    fn is_pin(&self, label: &[u8], entry: Entry<'_>) -> bool {
        // Up to 2.1 the label was looked up by name, and a bucket is no value.
        match self.rules.root_by_prefix {
            true if self.has(Defect::RootLabelByPrefix) => label.starts_with(names::GC_ROOT),
            true => label == names::GC_ROOT,
            false => label == names::GC_ROOT && entry.value().is_some(),
        }
    }

    /// `gc.ref.content`, `gc.ref.image`, `gc.ref.snapshot.SNAPSHOTTER` and the collectors' own; `name` is what
    /// follows `gc.ref.`.
    fn read_reference(
        &mut self,
        namespace: Namespace<'a>,
        label: &'a [u8],
        name: &'a [u8],
        value: &'a [u8],
        source: Source<'a>,
    ) {
        if is_label(name, REF_CONTENT) {
            let to = self.facts.nodes.intern(self.types.content, namespace.id, Key::plain(value));
            self.hold(source, full(to), Rule::ContentLabel, label);
        } else if let Some(snapshotter) = snapshotter_of(name, REF_SNAPSHOT) {
            let key = Key::snapshot(snapshotter, value);
            let to = self.facts.nodes.intern(self.types.snapshot, namespace.id, key);
            self.hold(source, full(to), Rule::SnapshotLabel, label);
        } else if let Some(image) = self.types.image.filter(|_| is_label(name, REF_IMAGE)) {
            let to = self.facts.nodes.intern(image, namespace.id, Key::plain(value));
            self.hold(source, full(to), Rule::ImageLabel, label);
        }
        // A collector's label may begin as a built-in one does: then both count.
        for at in 0..self.labels.len() {
            let (own, resource_type) = self.labels[at];
            if is_label(name, own) {
                let to =
                    self.facts.nodes.visit(NodeRef { resource_type, namespace: namespace.name, key: value });
                self.hold(source, to, Rule::CollectorLabel, label);
            }
        }
    }

    fn hold(&mut self, source: Source<'a>, to: Visit, rule: Rule, label: &'a [u8]) {
        match source {
            Source::Node(from) => self.refer(full(from), to, rule, Some(label)),
            Source::Holder(holder) => self.root(to, rule, holder, Some(label)),
            Source::Nobody => {}
        }
    }

    /// `gc.bref.*`: the object with the label is kept while the one that it names is (from 2.2).
    fn read_back_reference(
        &mut self,
        namespace: Namespace<'a>,
        label: &'a [u8],
        value: &'a [u8],
        child: NodeId,
    ) {
        let parent = if let Some(snapshotter) = snapshotter_of(label, names::GC_BREF_SNAPSHOT) {
            Some((self.types.snapshot, Key::snapshot(snapshotter, value)))
        } else {
            let named = [
                (names::GC_BREF_CONTAINER, Some(self.types.container)),
                (names::GC_BREF_CONTENT, Some(self.types.content)),
                (names::GC_BREF_IMAGE, self.types.image),
            ];
            let found = named.into_iter().find(|(name, _)| is_label(label, name));
            found.and_then(|(_, resource_type)| Some((resource_type?, Key::plain(value))))
        };
        if let Some((resource_type, key)) = parent {
            let parent = self.facts.nodes.intern(resource_type, namespace.id, key);
            self.refer(full(parent), full(child), Rule::BackReference, Some(label));
        }
    }

    /// `gc.cond.snapshot*` on content and images (from 2.3).
    fn read_condition(&mut self, namespace: Namespace<'a>, label: &'a [u8], value: &'a [u8], from: NodeId) {
        let needs_separator = !self.has(Defect::ConditionWithoutSeparator);
        let rest = label.strip_prefix(names::GC_COND_SNAPSHOT);
        let Some(snapshotter) = rest.and_then(|rest| conditions::snapshotter(rest, needs_separator)) else {
            return;
        };
        let Some((list, name)) = conditions::comparisons(value, !self.has(Defect::OperatorsIgnored)) else {
            return;
        };
        let to = self.facts.nodes.intern(self.types.snapshot, namespace.id, Key::snapshot(snapshotter, name));
        let conditions = list.map(|comparison| Condition { from: full(from), to, comparison, label });
        self.conditions.extend(conditions);
    }

    /// `gc.cond.value-usedat*` on snapshots (from 2.3).
    fn read_use(&mut self, label: &'a [u8], value: &'a [u8], snapshot: NodeId) {
        let is_value = match self.has(Defect::ValueWithoutSeparator) {
            true => label.starts_with(names::GC_COND_USED_AT),
            false => is_label(label, names::GC_COND_USED_AT),
        };
        if is_value && let Some(at) = times::rfc3339(value) {
            self.uses.push((snapshot, at));
        }
    }

    /// What the collectors hold, list and refer to.
    fn read_collectors(&mut self, v1: View<'a>) {
        self.expired.sort_unstable();
        for collector in collectors(self.question) {
            if !collector.start_error {
                for node in &collector.all {
                    let visit = self.facts.nodes.visit(node.as_ref());
                    self.facts
                        .resources
                        .push(Resource { visit, place: Place::Listed(collector.resource_type) });
                }
            }
            if is_heard(self.question, collector) {
                self.read_collector(collector, v1);
            }
        }
    }

    fn read_collector(&mut self, collector: &'a Collector, v1: View<'a>) {
        let resource_type = collector.resource_type;
        // A collector is asked for each namespace that the database has, and for each lease that lives.
        for active in collector.active.iter().filter(|active| v1.bucket(&active.for_namespace).is_some()) {
            let to = self.facts.nodes.visit(active.node.as_ref());
            self.root(to, Rule::CollectorActive, Holder::Collector { resource_type }, None);
        }
        for leased in &collector.leased {
            let to = self.facts.nodes.visit(leased.node.as_ref());
            let key = Key::plain(&leased.lease);
            let namespace = self.facts.nodes.namespace(&leased.for_namespace);
            let lease = self.facts.nodes.intern(self.types.lease, namespace, key);
            match self.expired.binary_search_by_key(&lease, |(expired, _)| *expired) {
                Ok(index) => {
                    let (_, at) = self.expired[index];
                    let rule = Rule::CollectorLeased;
                    self.refuse(to.node, Refusal::HolderExpired { lease, at, rule });
                }
                Err(_) if !self.facts.nodes.at(lease).exists => {}
                Err(_) => {
                    let holder = Holder::Lease { namespace: &leased.for_namespace, id: &leased.lease };
                    self.root(to, Rule::CollectorLeased, holder, None);
                }
            }
        }
        if self.rules.back_references {
            let asked = |namespace: &[u8]| v1.bucket(namespace).is_some();
            for back in collector.active_back_references.iter().filter(|back| asked(&back.for_namespace)) {
                let from = self.facts.nodes.visit(back.from.as_ref());
                let to = self.facts.nodes.visit(back.to.as_ref());
                self.refer(from, to, Rule::CollectorBackReference, None);
            }
        }
        // From 2.4 each collector is asked about nodes of exactly its own type, which no built-in one is.
        if self.rules.collector_references && resource_type.0 >= self.rules.types.end {
            let own = collector.references.iter().filter(|(from, _)| from.resource_type == resource_type);
            for (from, targets) in own {
                let from = self.facts.nodes.visit(from.as_ref());
                for to in targets {
                    let to = self.facts.nodes.visit(to.as_ref());
                    self.refer(from, to, Rule::CollectorReference, None);
                }
            }
        }
    }

    /// A condition is a reference if it holds for a time of use of its snapshot.
    fn join_conditions(&mut self) {
        self.uses.sort_unstable();
        for Condition { from, to, comparison, label } in std::mem::take(&mut self.conditions) {
            let first = self.uses.partition_point(|(snapshot, _)| *snapshot < to);
            let uses = &self.uses[first..];
            let uses = &uses[..uses.partition_point(|(snapshot, _)| *snapshot == to)];
            // What holds for any of the times holds for the earliest or for the latest.
            let mut outermost = uses.first().into_iter().chain(uses.last());
            if outermost.any(|(_, at)| comparison.holds(times::elapsed(*at, self.question.situation.now))) {
                self.refer(from, full(to), Rule::Condition, Some(label));
            } else {
                self.refuse(to, Refusal::ConditionUnmet { by: from, label });
            }
        }
    }

    /// The intended rule: only a parent that exists keeps what refers back to it.
    fn drop_missing_parents(&mut self) {
        if !self.rules.back_references || self.has(Defect::BackReferenceFromMissing) {
            return;
        }
        let is_stored = |resource_type: ResourceType| resource_type.0 < self.rules.types.end;
        let Facts { nodes, references, refusals, .. } = &mut self.facts;
        references.retain(|reference| {
            let is_back = matches!(reference.rule, Rule::BackReference | Rule::CollectorBackReference);
            let parent = nodes.at(reference.from.node);
            let is_missing = is_back && !parent.exists && is_stored(parent.resource_type);
            if is_missing {
                let refusal = Refusal::ParentMissing { by: reference.from, label: reference.label };
                refusals.push((reference.to.node, refusal));
            }
            !is_missing
        });
    }

    /// Notes a resource that the database has.
    fn exists(
        &mut self,
        resource_type: ResourceType,
        namespace: Namespace<'a>,
        key: Key<'a>,
        place: Place<'a>,
    ) -> NodeId {
        let node = self.facts.nodes.intern(resource_type, namespace.id, key);
        self.facts.nodes.at_mut(node).exists = true;
        self.facts.resources.push(Resource { visit: full(node), place });
        node
    }

    fn snapshot(&mut self, namespace: Namespace<'a>, snapshotter: &'a [u8], name: &'a [u8]) -> NodeId {
        let key = self.snapshot_key(snapshotter, name);
        self.facts.nodes.intern(self.types.snapshot, namespace.id, key)
    }

    fn snapshot_key(&self, snapshotter: &'a [u8], name: &'a [u8]) -> Key<'a> {
        match self.has(Defect::SnapshotterCutAtSlash) {
            true => Key::snapshot_cut(snapshotter, name),
            false => Key::snapshot(snapshotter, name),
        }
    }

    fn root(&mut self, to: Visit, rule: Rule, holder: Holder<'a>, label: Option<&'a [u8]>) {
        self.facts.roots.push(Root { to, rule, holder, label });
    }

    fn refer(&mut self, from: Visit, to: Visit, rule: Rule, label: Option<&'a [u8]>) {
        self.facts.references.push(Reference { from, to, rule, label });
    }

    fn refuse(&mut self, node: NodeId, refusal: Refusal<'a>) {
        self.facts.refusals.push((node, refusal));
    }
}

fn full(node: NodeId) -> Visit {
    Visit { node, high: Visit::FULL }
}

fn buckets<'a>(view: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    view.unwrap_or(View::EMPTY).buckets()
}

fn entries<'a>(view: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
    view.unwrap_or(View::EMPTY).iter()
}

/// An expiry that does not parse, or is a bucket, is none; any value of the flat label means flat.
fn own_labels(labels: Option<View<'_>>) -> Own {
    let mut own = Own::default();
    let Some(labels) = labels else { return own };
    for (label, entry) in labels.iter().filter(|(label, _)| label.starts_with(GC)) {
        let Some(value) = entry.value() else { continue };
        if label == names::GC_EXPIRE {
            own.expires = times::rfc3339(value);
        } else if label == names::GC_FLAT {
            own.is_flat = true;
        }
    }
    own
}

/// Whether a label is the one named, followed by nothing, a point or a slash.
fn is_label(label: &[u8], name: &[u8]) -> bool {
    label.strip_prefix(name).is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
}

/// The snapshotter in a label, points and all, up to the first slash.
fn snapshotter_of<'a>(label: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = label.strip_prefix(name)?;
    rest.split(|byte| *byte == b'/').next()
}

/// The collectors that the release knows.
fn collectors<'a>(question: Question<'a>) -> &'a [Collector] {
    let Situation { release, collectors, .. } = question.situation;
    if release.rules().collectors { collectors } else { &[] }
}

/// Whether what a collector says counts: it started, or its failure is intended to cost nothing.
fn is_heard(question: Question<'_>, collector: &Collector) -> bool {
    let may_fail = question.situation.release.rules().collector_references
        && !question.defects.contains(Defect::FailedStartLosesReferences);
    !collector.start_error || may_fail
}

/// The collectors' reference labels; 1.7.0-beta.1's yield the type of the collector iterated last.
fn collector_labels<'a>(question: Question<'a>) -> Vec<(&'a [u8], ResourceType)> {
    let is_shared = question.defects.contains(Defect::SharedLoopVariable);
    let shared = question.situation.iterated_last().filter(|_| is_shared);
    let heard = collectors(question).iter().filter(|collector| is_heard(question, collector));
    let labelled = heard.filter(|collector| !collector.reference_label.is_empty());
    labelled
        .map(|collector| (&collector.reference_label[..], shared.unwrap_or(collector.resource_type)))
        .collect()
}
