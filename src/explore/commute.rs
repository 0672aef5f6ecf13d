//! Which moves commute: whoever comes first, both answer the same and the world behind both is the same.
//!
//! ```text
//!       W ── t ──> X
//!       │          │          the world Z is applied once, from X or from Y, and taken over from the other;
//!       u          u          state, promises and orders are counted on both ways
//!       ▼          ▼
//!       Y ── t ──> Z
//! ```
//!
//! Nothing is left out of the answer: what is spared is applying a step, and telling its world apart, once more. A move
//! commutes with those of other clients that touch nothing that it touches. What is not sure to touch little touches all.

use crate::node::Kind;
use crate::scenario::{Name, NodeName, Step};
use crate::world::World;

/// What is done about moves that commute. Only tests take another than the default, and who asks for every step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Commuting {
    /// What was seen behind one of two is taken over behind the other.
    #[default]
    TakenOver,
    /// Every move is applied in every world.
    Applied,
    /// It is taken over, applied too, and held against each other.
    Compared,
    /// A mistake: leases are not looked at.
    LeasesForgotten,
}

/// What a move may read or change, of what others may read or change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Touches<'a> {
    /// All there is.
    All,
    /// No more than this.
    Only(Vec<Touch<'a>>),
}

/// Objects of one kind: the one with this name, or every one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Touch<'a> {
    room: Room,
    /// None for all namespaces: content and snapshots share their backends.
    namespace: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    Content,
    Ingests,
    /// By snapshotter: each numbers what is prepared.
    Snapshots,
    Leases,
    Images,
    Containers,
    Sandboxes,
}

/// Whether two moves of different clients may come in either order.
pub(super) fn commute(one: &Touches<'_>, other: &Touches<'_>, commuting: Commuting) -> bool {
    let is_known = |touch: &&Touch<'_>| commuting != Commuting::LeasesForgotten || touch.room != Room::Leases;
    match (one, other) {
        (Touches::Only(these), Touches::Only(those)) => {
            !these.iter().filter(is_known).any(|this| those.iter().any(|that| this.meets(that)))
        }
        (Touches::All, Touches::Only(none)) | (Touches::Only(none), Touches::All) => none.is_empty(),
        (Touches::All, Touches::All) => false,
    }
}

impl Touch<'_> {
    fn meets(&self, other: &Touch<'_>) -> bool {
        let may_be_same =
            |one: Option<&[u8]>, other: Option<&[u8]>| one.is_none() || other.is_none() || one == other;
        self.room == other.room
            && may_be_same(self.namespace, other.namespace)
            && may_be_same(self.name, other.name)
    }
}

/// What a step of a client may touch in a world.
pub(super) fn touches<'a>(world: &'a World, client: Option<&Name>, step: &'a Step) -> Touches<'a> {
    let Some((namespace, lease)) = world.acting(client) else { return Touches::All };
    let shared = |room, name: &'a [u8]| Touch { room, namespace: None, name: Some(name) };
    let own = |room, name: &'a [u8]| Touch { room, namespace: Some(namespace), name: Some(name) };
    let mut touches = match step {
        // A client's own place.
        Step::LeaseUse { .. } | Step::LeaseNone | Step::NamespaceUse { .. } => {
            return Touches::Only(Vec::new());
        }
        Step::Look(node) => return looked_at(node, namespace),

        Step::ContentOpen { reference, expected: Some(expected), .. } => {
            vec![own(Room::Ingests, reference), shared(Room::Content, expected)]
        }
        Step::ContentOpen { reference, expected: None, .. } | Step::ContentAbort { reference } => {
            vec![own(Room::Ingests, reference)]
        }
        Step::ContentCommit { reference, digest, .. } => {
            vec![own(Room::Ingests, reference), shared(Room::Content, digest)]
        }
        Step::ContentLabel { digest, .. } | Step::ContentDelete { digest } => {
            vec![shared(Room::Content, digest)]
        }

        Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) => {
            vec![shared(Room::Snapshots, &new.snapshot.snapshotter)]
        }
        Step::SnapshotFinish { snapshot }
        | Step::SnapshotCommit { snapshot, .. }
        | Step::SnapshotLabel { snapshot, .. }
        | Step::SnapshotRemove { snapshot } => vec![shared(Room::Snapshots, &snapshot.snapshotter)],
        Step::Cleanup => {
            let all = |room| Touch { room, namespace: None, name: None };
            return Touches::Only(vec![all(Room::Content), all(Room::Ingests), all(Room::Snapshots)]);
        }

        Step::ImageCreate { image, .. }
        | Step::ImageUpdate { image, .. }
        | Step::ImageLabel { image, .. }
        | Step::ImageDelete { image, sync: false } => vec![own(Room::Images, image)],
        Step::ContainerCreate { container, .. }
        | Step::ContainerUpdate { container, .. }
        | Step::ContainerLabel { container, .. }
        | Step::ContainerDelete { container } => vec![own(Room::Containers, container)],
        Step::SandboxCreate { sandbox, .. }
        | Step::SandboxLabel { sandbox, .. }
        | Step::SandboxDelete { sandbox } => vec![own(Room::Sandboxes, sandbox)],

        Step::LeaseCreate { lease, .. }
        | Step::LeaseAdd { lease, .. }
        | Step::LeaseDrop { lease, .. }
        | Step::LeaseDelete { lease, sync: false } => vec![own(Room::Leases, lease)],
        _ => return Touches::All,
    };
    // Whatever is made goes into the lease in use, and is refused where there is none.
    touches.extend(lease.map(|lease| own(Room::Leases, lease)));
    Touches::Only(touches)
}

fn looked_at<'a>(node: &'a NodeName, namespace: &'a [u8]) -> Touches<'a> {
    let namespace = Some(node.namespace.as_deref().unwrap_or(namespace));
    let name = Some(&node.key[..]);
    Touches::Only(vec![match node.kind {
        Kind::Content => Touch { room: Room::Content, namespace, name },
        Kind::Ingest => Touch { room: Room::Ingests, namespace, name },
        Kind::Snapshot => Touch { room: Room::Snapshots, namespace, name: None },
        Kind::Lease => Touch { room: Room::Leases, namespace, name },
        Kind::Image => Touch { room: Room::Images, namespace, name },
        Kind::Container => Touch { room: Room::Containers, namespace, name },
        _ => return Touches::All,
    }])
}
