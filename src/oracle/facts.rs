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
//! The relations say nothing about what is kept: that is their least fixpoint (`keep.rs`). A reference goes from one
//! *visit* to another, so that flat and full are different facts: a flat snapshot refers to its parent, flat, a full
//! one to its parent and by its labels, and flat content to nothing.
//!
//! Here are the relations and how they are noted. What says them is read in `objects`, what the labels of any object
//! say in `labels`, what the collectors answer in `collectors`; `joins` are the two rules that need all of it, so that
//! the order of reading decides nothing.
//!
//! The rules are those of `scanRoots`, `references`, `scanAll` and the label handlers of containerd's
//! `metadata/gc.go`; the fields of [`Rules`] say from which release on each holds.

use super::Question;
use super::conditions::Comparison;
use super::defects::Defect;
use super::nodes::{Key, NamespaceId, NodeId, Nodes, Visit};
use super::rules::{Holder, Rule};
use super::times::{self, UndecodableTime};
use crate::instant::Instant;
use crate::node::{Kind, ResourceType};
use crate::release::Rules;
use crate::schema::names;
use std::collections::BTreeSet;

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
    /// Until when the leases, images and ingests live that do now and will not for ever.
    pub(super) expiries: Vec<(NodeId, Instant)>,
    /// Every condition with what became of it, in the order in which those that hold are references.
    pub(super) conditions: Vec<Joined<'a>>,
    /// Back references to images that will count when the image expires, and not before.
    pub(super) later: Vec<(Reference<'a>, Instant)>,
}

/// Something that a sweep comes across.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) visit: Visit,
    pub(super) location: Location<'a>,
}

/// Where a resource stands.
#[derive(Clone, Copy)]
pub(super) enum Location<'a> {
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

#[derive(Clone, Copy)]
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
        /// The type bits under which the lease held it.
        high: u8,
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
        is_used: bool,
    },
    ParentMissing {
        by: Visit,
        label: Option<&'a [u8]>,
    },
}

impl Refusal<'_> {
    /// Whether something has expired.
    pub(super) fn is_of_expiry(self) -> bool {
        matches!(
            self,
            Refusal::LeaseExpired { .. }
                | Refusal::HolderExpired { .. }
                | Refusal::ImageExpired { .. }
                | Refusal::IngestExpired { .. }
        )
    }
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
pub(super) struct Types {
    pub(super) content: ResourceType,
    pub(super) snapshot: ResourceType,
    pub(super) container: ResourceType,
    /// Where images are nodes.
    pub(super) image: Option<ResourceType>,
    pub(super) lease: ResourceType,
    pub(super) ingest: ResourceType,
}

/// Room for what a small database says; more would cost more than growing later.
const ROOM: usize = 14;

pub(super) struct Reader<'a> {
    pub(super) question: Question<'a>,
    pub(super) rules: &'static Rules,
    pub(super) types: Types,
    /// The collectors' reference labels, each with the type that it yields.
    pub(super) labels: Vec<(&'a [u8], ResourceType)>,
    pub(super) facts: Facts<'a>,
    /// The leases that have expired, and when.
    pub(super) expired: Vec<(NodeId, Instant)>,
    pub(super) conditions: Vec<Condition<'a>>,
    /// Snapshots with a time of use.
    pub(super) uses: Vec<(NodeId, Instant)>,
}

/// A conditional label, of which the times of use decide whether it is a reference.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    pub(super) from: Visit,
    pub(super) to: NodeId,
    pub(super) comparison: Comparison,
    pub(super) label: &'a [u8],
}

/// A condition, the earliest and the latest use of its snapshot, and whether it holds.
#[derive(Clone, Copy)]
pub(super) struct Joined<'a> {
    pub(super) condition: Condition<'a>,
    pub(super) uses: Option<(Instant, Instant)>,
    pub(super) holds: bool,
}

/// The namespace that is read.
#[derive(Clone, Copy)]
pub(super) struct Namespace<'a> {
    pub(super) name: &'a [u8],
    pub(super) id: NamespaceId,
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
            expiries: Vec::new(),
            conditions: Vec::new(),
            later: Vec::new(),
        };
        let labels = Reader::collector_labels(question);
        let (expired, conditions, uses) = (Vec::new(), Vec::new(), Vec::new());
        Reader { question, rules: release.rules(), types, labels, facts, expired, conditions, uses }
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.question.defects.contains(defect)
    }

    /// Expired means strictly past: at its very instant a thing is still alive.
    pub(super) fn is_past(&mut self, at: Instant) -> bool {
        self.facts.expires_on_the_tick |= times::is_within_a_tick(at, self.question.situation.now);
        self.question.situation.now > at
    }

    /// Notes a resource that the database has.
    pub(super) fn exists(
        &mut self,
        resource_type: ResourceType,
        namespace: Namespace<'a>,
        key: Key<'a>,
        location: Location<'a>,
    ) -> NodeId {
        let node = self.facts.nodes.intern(resource_type, namespace.id, key);
        self.facts.nodes.at_mut(node).exists = true;
        self.facts.resources.push(Resource { visit: full(node), location });
        node
    }

    pub(super) fn snapshot(
        &mut self,
        namespace: Namespace<'a>,
        snapshotter: &'a [u8],
        name: &'a [u8],
    ) -> NodeId {
        let key = self.snapshot_key(snapshotter, name);
        self.facts.nodes.intern(self.types.snapshot, namespace.id, key)
    }

    pub(super) fn snapshot_key(&self, snapshotter: &'a [u8], name: &'a [u8]) -> Key<'a> {
        match self.has(Defect::SnapshotterCutAtSlash) {
            true => Key::snapshot_cut(snapshotter, name),
            false => Key::snapshot(snapshotter, name),
        }
    }

    pub(super) fn root(&mut self, to: Visit, rule: Rule, holder: Holder<'a>, label: Option<&'a [u8]>) {
        self.facts.roots.push(Root { to, rule, holder, label });
    }

    pub(super) fn refer(&mut self, from: Visit, to: Visit, rule: Rule, label: Option<&'a [u8]>) {
        self.facts.references.push(Reference { from, to, rule, label });
    }

    pub(super) fn refuse(&mut self, node: NodeId, refusal: Refusal<'a>) {
        self.facts.refusals.push((node, refusal));
    }
}

pub(super) fn full(node: NodeId) -> Visit {
    Visit { node, high: Visit::FULL }
}
