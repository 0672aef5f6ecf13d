//! The rules that decide something, one method each, with containerd's answer as its body.
//!
//! The traversal reads the database in containerd's order and asks here: has this expired, is this lease flat, is this
//! followed. An engine is a type with these methods; [`Containerd`]'s are those below, and as it has no size and no
//! other answers, nothing is left of the asking.

use super::conditions::Condition;
use super::namespaces::Object;
use super::nodes::{Key, NodeId, NodeTable};
use crate::instant::Instant;
use crate::node::{Kind, ResourceType};
use crate::release::{Release, Rules};
use crate::schema::names;

/// Decides as containerd does.
#[derive(Clone, Copy)]
pub(super) struct Containerd;

impl Decisions for Containerd {}

/// What a node is reached by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// It is a root for its own sake: a lease, an ingest, an image, a container.
    Itself,
    /// An object of this kind carries `gc.root`.
    RootLabel(Kind),
    /// A lease holds an object of this kind.
    Lease(Kind),
    /// A collector holds it for a lease.
    Leased,
    /// A collector reports it as in use.
    Active,
    /// An image's target.
    Target,
    /// A container's snapshot.
    ContainerSnapshot,
    /// A snapshot's parent.
    Parent,
    /// What an ingest expects to become.
    Expected,
    /// A reference label of an object of this kind.
    Label(Kind),
    /// A reference label of a sandbox, which is no node.
    SandboxLabel,
}

/// How an object is visited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Visit {
    Full,
    /// By its flat type: a flat lease holds it, or what is visited flat refers to it.
    Flat,
}

impl Visit {
    /// The type under which an object is visited (`resourceContentFlat` for `ResourceContent`).
    pub(super) fn of(self, resource_type: ResourceType) -> ResourceType {
        match self {
            Visit::Full => resource_type,
            Visit::Flat => resource_type.flat(),
        }
    }
}

/// Go's maps that have nodes as keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NodeMap {
    /// What marking has visited (`seen` in `gc.Tricolor`).
    Seen,
    /// Parents to their children (`backRefs` in `gcContext`).
    BackReferences,
}

/// The decisions of a collection.
pub(super) trait Decisions: Copy {
    /// The rules of a release.
    fn rules(self, release: Release) -> Rules {
        *release.rules()
    }

    /// Whether a time has passed, strictly: at the very instant of its expiry a thing still lives (`scanRoots`,
    /// `expThreshold.After`).
    fn has_passed(self, time: Instant, now: Instant) -> bool {
        now > time
    }

    /// Whether a lease or an image has expired by its label `gc.expire`. A value that is no time, absent here, never
    /// expires (`scanRoots`: "label not used, log and continue to use lease").
    fn has_expired(self, _object: Kind, expiry: Option<Instant>, now: Instant) -> bool {
        expiry.is_some_and(|expiry| self.has_passed(expiry, now))
    }

    /// Whether a lease is flat: it carries the label `gc.flat`, of whatever value (`scanRoots`).
    fn is_flat(self, label: Option<&[u8]>) -> bool {
        label.is_some()
    }

    /// How many entries of one kind a lease's bucket gives: all of them (`scanRoots`).
    fn entries_read(self) -> usize {
        usize::MAX
    }

    /// Whether collectors are asked what they hold for a lease that has expired: the lease is passed over before that
    /// (`scanRoots`).
    fn asks_about_expired(self) -> bool {
        false
    }

    /// Whether an ingest is a root: its `expireat` is set and has not passed (`scanRoots`).
    fn is_active(self, expire_at: Option<Instant>, now: Instant) -> bool {
        expire_at.is_some_and(|expiry| !self.has_passed(expiry, now))
    }

    /// Whether content or a snapshot carries the label `gc.root`, of whatever value (`isRootRef`, up to 2.1).
    fn is_root_ref(self, object: &Object<'_>) -> bool {
        object.labels.is_some_and(|labels| labels.get(names::GC_ROOT).is_some())
    }

    /// How a node is visited that is reached from a visit, if at all. What is visited flat passes that on, and its
    /// labels are not followed (`references`: "Do not send labeled references for flat snapshot refs").
    fn follow(self, by: By, _key: Key<'_>, visit: Visit) -> Option<Visit> {
        match (visit, by) {
            (Visit::Flat, By::Label(_)) => None,
            _ => Some(visit),
        }
    }

    /// Whether a label is the handler's whose key begins it: nothing follows, or a name after a separator, which is
    /// ignored (`startGCContext`: "Allow reference naming separated by . or /").
    fn is_separated(self, rest: &[u8]) -> bool {
        matches!(rest.first(), None | Some(b'.' | b'/'))
    }

    /// Whether an object's labels are read on behind one that a handler took, which may be a back reference: each label counts
    /// (`sendLabelRefs`).
    fn reads_on(self, _is_back_reference: bool) -> bool {
        true
    }

    /// The snapshotter that a label names behind the handler's key: up to the first slash, dots included
    /// (`startGCContext`).
    fn snapshotter(self, rest: &[u8]) -> &[u8] {
        rest.split(|byte| *byte == b'/').next().unwrap_or_default()
    }

    /// Where a label with conditions is cut into those and the key of a snapshot: at its first bar (`addCond`).
    fn bar(self, value: &[u8]) -> Option<usize> {
        value.iter().position(|byte| *byte == b'|')
    }

    /// How many references a label's conditions give to a snapshot that was last used at these times: one for each
    /// condition and time that go together (`scanRoots`, from 2.3).
    fn references_met(self, conditions: &[Condition], used_at: &[Instant], now: Instant) -> usize {
        let met = |condition: &Condition| used_at.iter().filter(|time| condition.holds(now, **time)).count();
        conditions.iter().map(met).sum()
    }

    /// Under which type a node stands in a map: its own, flat bit included. A flat and a full visit of one object are
    /// two, and only the full one has back references (`gc.Node` as a map's key).
    fn key_in(self, _map: NodeMap, resource_type: ResourceType) -> ResourceType {
        resource_type
    }

    /// Whether what collectors list is walked on behind a node whose removal fails (`scanAll`: `_ = fn(ctx, n)`).
    fn lists_on(self) -> bool {
        true
    }

    /// Whether the sweep leaves a node: marked is its type, namespace and key (`DB.GarbageCollect`).
    fn is_marked(self, _nodes: &NodeTable, marked: &[bool], id: NodeId) -> bool {
        marked.get(id.index()).copied().unwrap_or_default()
    }
}
