//! What goes without something: an object or a holder that is deleted, or all roots of an object that are let go of.

use super::digest::Held;
use super::explanation::Explainer;
use super::freed::Blobs;
use super::network::{Group, Network, VertexId};
use super::paths::Paths;
use super::reach::Reached;
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use crate::stored::Bytes;
use hashbrown::HashSet;
use std::collections::BTreeSet;
use std::iter;

/// What is not kept any more.
pub(super) struct Gone {
    /// The nodes, there or not, deleted ones among them, in the order of the relations.
    pub(super) nodes: BTreeSet<NodeId>,
    /// The bytes of content that come free.
    pub(super) bytes: u64,
}

/// What goes without something, of what there is.
#[derive(Default)]
pub(super) struct Without {
    /// What else goes, in the order of the relations.
    pub(super) nodes: Vec<NodeId>,
    /// The bytes of content that come free.
    pub(super) bytes: u64,
    /// The bytes of snapshots that do.
    pub(super) snapshots: Bytes,
}

impl Network<'_, '_> {
    /// What is kept at an instant and is not any more if some vertices are taken out; of that some are deleted themselves,
    /// whatever still names them.
    pub(super) fn gone(
        &self,
        out: &[VertexId],
        is_deleted: impl Fn(NodeId) -> bool,
        (reached, at): (&Reached, Instant),
        blobs: &Blobs,
    ) -> Gone {
        let lost = self.lost(out, reached, at);
        let stays = |id: NodeId| {
            let mut entries = self.entries_of(id).iter();
            !is_deleted(id) && entries.any(|entry| reached.has(*entry) && !lost.contains(entry))
        };
        let visited = lost.iter().filter_map(|vertex| Some(self.visit(*vertex)?.node));
        let nodes: BTreeSet<NodeId> = visited.filter(|id| !stays(*id)).collect();
        let bytes = blobs.freed(nodes.iter().copied(), stays);
        Gone { nodes, bytes }
    }
}

impl Explainer<'_, '_, '_> {
    /// What would go if a group went.
    pub(super) fn without_group(&self, group: Group) -> Without {
        let mut without = self.without(self.network.members(group), |id| id == group);
        // A holder that is no node has no size of its own.
        without.snapshots.add_all(self.snapshots.get(group as usize).copied().unwrap_or_default());
        // What goes anyway has not been held, but its own bytes come free with it.
        if (group as usize) < self.is_there.len() && !self.reached.keeps(self.network, group) {
            without.bytes =
                self.blobs.freed(iter::once(group), |id| id != group && self.reached.keeps(self.network, id));
        }
        without
    }

    /// What of it is deleted itself is not counted, but its bytes are.
    fn without(&self, out: &[VertexId], is_deleted: impl Fn(NodeId) -> bool) -> Without {
        let now = (&self.reached, self.situation.now);
        let Gone { nodes, bytes } = self.network.gone(out, &is_deleted, now, &self.blobs);
        let is_counted = |id: &NodeId| self.is_there[*id as usize] && !is_deleted(*id);
        let nodes: Vec<NodeId> = nodes.into_iter().filter(is_counted).collect();
        let mut snapshots = Bytes::default();
        nodes.iter().for_each(|id| snapshots.add_all(self.snapshots[*id as usize]));
        Without { nodes, bytes, snapshots }
    }

    /// What goes if all roots are let go of from which an object is reached.
    pub(super) fn let_go(&self, paths: &Paths) -> Held {
        let mut roots: Box<[VertexId]> = paths.firsts().collect();
        roots.sort_unstable();
        let known = self.let_go.lock().expect("nobody panics with it").get(&roots).copied();
        known.unwrap_or_else(|| {
            let held = self.without_roots(&roots);
            self.let_go.lock().expect("nobody panics with it").insert(roots, held);
            held
        })
    }

    fn without_roots(&self, roots: &[VertexId]) -> Held {
        let (pins, deleted): (Vec<VertexId>, Vec<VertexId>) =
            roots.iter().partition(|root| self.pins.contains(*root));
        self.without_groups(deleted.into_iter().map(|root| self.network.group(root)).collect(), &pins)
    }

    /// What goes if groups are deleted, which are not counted, and pins taken away.
    pub(super) fn without_groups(&self, deleted: HashSet<Group>, pins: &[VertexId]) -> Held {
        // Hash order does not change what is taken out.
        let members = deleted.iter().flat_map(|group| self.network.members(*group));
        let out: Vec<VertexId> = pins.iter().chain(members).copied().collect();
        let Without { nodes, bytes, snapshots } = self.without(&out, |id| deleted.contains(&id));
        Held { objects: nodes.len() as u64, bytes, snapshots }
    }
}
