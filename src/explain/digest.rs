//! Who holds what: all holders at once, what is garbage, and what becomes removable when.

use super::freed::{Blob, Blobs, snapshot_bytes};
use super::network::{Network, Subject, id};
use super::reach::Reached;
use super::until::{End, Until};
use crate::bucket::View;
use crate::instant::Instant;
use crate::node::Node;
use crate::oracle::graph::NodeId;
use crate::oracle::{Judgement, Rule};
use crate::schema::{names, views};
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Objects and their bytes of content.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Held {
    /// How many: what the database has, and what collectors list.
    pub objects: u64,
    /// The bytes of content among them; each digest once. Of what goes: those that come free.
    pub bytes: u64,
    /// The bytes of snapshots among them; nothing where no snapshotter was asked.
    pub snapshots: Bytes,
}

impl Held {
    /// The bytes of content and of snapshots, as far as they are known.
    pub fn all_bytes(&self) -> u64 {
        self.bytes.saturating_add(self.snapshots.bytes)
    }

    pub(super) fn add(&mut self, other: Held) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.snapshots.add_all(other.snapshots);
    }
}

/// A holder with what it holds, or several names of one image with what they hold together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding<'a> {
    /// The holder; of a pin the pinned object.
    pub holder: Subject<'a>,
    /// The other names of the same image.
    pub also: Vec<Subject<'a>>,
    /// By which rule it is one.
    pub rule: Rule,
    /// All that it reaches; itself only where it is pinned or an ingest.
    pub held: Held,
    /// What goes without it; of a pin, if the object is pinned no longer.
    pub alone: Held,
    /// The first instant at which it does not hold any more; none if it has no end.
    pub until: Option<Instant>,
}

/// What becomes removable at one instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Next {
    /// The first instant at which a collection removes it.
    pub at: Instant,
    /// What, in the order of the relations.
    pub nodes: Vec<NodeId>,
    /// The bytes of content that come free.
    pub bytes: u64,
    /// The bytes of snapshots that do.
    pub snapshots: Bytes,
}

/// Who holds what.
#[derive(Clone, Debug)]
pub struct Digest<'a> {
    /// The holders, those first that alone hold most bytes, then with others, then most objects, then as they stand in the
    /// database.
    pub holders: Vec<Holding<'a>>,
    /// The same with the names of one image as one, where more goes without all of them than without each.
    pub by_image: Vec<Holding<'a>>,
    /// What a collection would remove now.
    pub garbage: Held,
    /// What becomes removable and when, in order.
    pub next: Vec<Next>,
    /// How many snapshots of the database have no size, where snapshotters were asked.
    pub snapshots_unknown: u64,
}

impl<'a> Digest<'a> {
    /// The digest of a judged situation; with the sizes of its snapshots if their snapshotters were asked.
    pub fn new(
        network: &Network<'_, 'a>,
        judgement: &Judgement<'a>,
        situation: &Situation,
        snapshots: Option<&Snapshots>,
    ) -> Digest<'a> {
        let adding = Adding::new(network, judgement, situation, snapshots);
        let (mut holders, mut by_image) = adding.holdings();
        for holdings in [&mut holders, &mut by_image] {
            holdings.sort_by_key(|Holding { alone, held, .. }| {
                Reverse((alone.all_bytes(), held.all_bytes(), alone.objects, held.objects))
            });
        }
        let snapshots_unknown = adding.snapshots.iter().map(|size| size.unknown).sum();
        Digest {
            holders,
            by_image,
            garbage: adding.garbage(judgement, situation),
            next: adding.next(),
            snapshots_unknown,
        }
    }

    /// The same without the holders.
    pub fn of_times(
        network: &Network<'_, 'a>,
        judgement: &Judgement<'a>,
        situation: &Situation,
        snapshots: Option<&Snapshots>,
    ) -> Digest<'a> {
        let adding = Adding::new(network, judgement, situation, snapshots);
        let (garbage, next) = (adding.garbage(judgement, situation), adding.next());
        Digest { holders: Vec::new(), by_image: Vec::new(), garbage, next, snapshots_unknown: 0 }
    }
}

/// Whether something may be handed to removal and stay: what a collector lists under another type, and the snapshots of a
/// snapshotter with a slash in its name.
fn may_stay(situation: &Situation) -> bool {
    let namespaces = situation.tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let snapshotters = namespaces.filter_map(|(_, namespace)| namespace.bucket(names::SNAPSHOTS));
    let mut snapshotters = snapshotters.flat_map(View::buckets);
    !situation.collectors.is_empty() || snapshotters.any(|(name, _)| name.contains(&b'/'))
}

pub(super) struct Adding<'n, 'j, 'a> {
    pub(super) network: &'n Network<'j, 'a>,
    pub(super) now: Instant,
    pub(super) blobs: Blobs,
    /// By node: the database has it, or a collector lists it.
    pub(super) is_there: Vec<bool>,
    /// By node: its size if it is a snapshot.
    snapshots: Vec<Bytes>,
    pub(super) reached: Reached,
}

impl<'n, 'j, 'a> Adding<'n, 'j, 'a> {
    fn new(
        network: &'n Network<'j, 'a>,
        judgement: &Judgement<'a>,
        situation: &Situation,
        snapshots: Option<&Snapshots>,
    ) -> Self {
        let blobs = Blobs::read(network, &situation.tree, situation.release);
        let is_there = network.there(judgement);
        let reached = network.reached(situation.now);
        let snapshots = snapshot_bytes(network, situation, snapshots);
        Adding { network, now: situation.now, blobs, is_there, snapshots, reached }
    }

    /// A node that there is, without its content.
    pub(super) fn object(&self, id: NodeId) -> Held {
        Held { objects: 1, bytes: 0, snapshots: self.snapshots[id as usize] }
    }

    /// What goes, each once, though a collector may list it too; not what is handed to removal and stays.
    fn garbage(&self, judgement: &Judgement<'a>, situation: &Situation) -> Held {
        let graph = self.network.graph();
        let mut garbage = Held::default();
        let after = may_stay(situation).then(|| judgement.tree_after());
        let stays = |node: &Node| {
            let kind = situation.release.kind_of(node.resource_type);
            after.as_ref().is_some_and(|after| views::has(after, kind, &node.namespace, &node.key))
        };
        let mut seen = vec![false; graph.nodes()];
        for resource in judgement.resources().filter(|resource| !resource.is_kept()) {
            let node = resource.node();
            let id = graph.find(node.as_ref());
            if id.is_some_and(|id| std::mem::replace(&mut seen[id as usize], true)) || stays(&node) {
                continue;
            }
            garbage.add(id.map_or(Held { objects: 1, ..Held::default() }, |id| self.object(id)));
        }
        let kept = |id: NodeId| self.reached.keeps(self.network, id);
        let blobs = self.blobs.all().iter();
        let gone = blobs.filter(|blob: &&Blob| !blob.holders().any(kept));
        garbage.bytes = gone.filter_map(|blob| blob.bytes).fold(0, u64::saturating_add);
        garbage
    }

    fn next(&self) -> Vec<Next> {
        let (network, graph) = (self.network, self.network.graph());
        let mut until = Until::new(network, self.now);
        let mut next: BTreeMap<Instant, Next> = BTreeMap::new();
        let mut ends: Vec<Option<End>> = vec![None; graph.nodes()];
        for id in nodes(graph.nodes()).filter(|id| self.reached.keeps(network, *id)) {
            let end = until.end(id);
            ends[id as usize] = Some(end);
            if let Some(at) = end.0.filter(|_| self.is_there[id as usize]) {
                let nothing = || Next { at, nodes: Vec::new(), bytes: 0, snapshots: Bytes::default() };
                let next = next.entry(at).or_insert_with(nothing);
                next.nodes.push(id);
                next.snapshots.add_all(self.snapshots[id as usize]);
            }
        }
        for blob in self.blobs.all().iter() {
            let end = blob.holders().filter_map(|holder| ends[holder as usize]).max();
            let at = end.and_then(|end| end.0).and_then(|at| next.get_mut(&at));
            if let Some(next) = at {
                next.bytes = next.bytes.saturating_add(blob.bytes.unwrap_or(0));
            }
        }
        next.into_values().collect()
    }
}

pub(super) fn nodes(count: usize) -> impl Iterator<Item = NodeId> {
    0..id(count)
}
