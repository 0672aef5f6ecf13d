//! Who holds what: all holders at once, what is garbage, and what becomes removable when.
//!
//! What a holder reaches is walked from each; what it alone holds is what it dominates, for all holders in one tree.

use super::dominators::Dominators;
use super::freed::{Blob, Blobs, snapshot_bytes};
use super::holders::{Holder, Walk, holders};
use super::network::{Network, Subject, VertexId, id};
use super::reach::Reached;
use super::until::{End, Until};
use crate::instant::Instant;
use crate::oracle::graph::NodeId;
use crate::oracle::{Judgement, Rule};
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

    fn add(&mut self, other: Held) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.snapshots.add_all(other.snapshots);
    }
}

/// A holder with what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holding<'a> {
    /// The holder; of a pin the pinned object.
    pub holder: Subject<'a>,
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
    /// The holders, those first that alone hold most bytes, then with others, then most objects, then as they stand in the database.
    pub holders: Vec<Holding<'a>>,
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
        let mut holders = adding.holdings();
        holders.sort_by_key(|holding| {
            let Holding { alone, held, .. } = holding;
            Reverse((alone.all_bytes(), held.all_bytes(), alone.objects, held.objects))
        });
        let snapshots_unknown = adding.snapshots.iter().map(|size| size.unknown).sum();
        Digest { holders, garbage: adding.garbage(judgement), next: adding.next(), snapshots_unknown }
    }

    /// The same without the holders.
    pub fn of_times(
        network: &Network<'_, 'a>,
        judgement: &Judgement<'a>,
        situation: &Situation,
        snapshots: Option<&Snapshots>,
    ) -> Digest<'a> {
        let adding = Adding::new(network, judgement, situation, snapshots);
        let (garbage, next) = (adding.garbage(judgement), adding.next());
        Digest { holders: Vec::new(), garbage, next, snapshots_unknown: 0 }
    }
}

struct Adding<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    now: Instant,
    blobs: Blobs,
    /// By node: the place of its digest, or of what it is to become, among the blobs.
    blob_of: Vec<Option<u32>>,
    /// By node: the database has it, or a collector lists it.
    is_there: Vec<bool>,
    /// By node: its size if it is a snapshot.
    snapshots: Vec<Bytes>,
    reached: Reached,
}

impl<'n, 'j, 'a> Adding<'n, 'j, 'a> {
    fn new(
        network: &'n Network<'j, 'a>,
        judgement: &Judgement<'a>,
        situation: &Situation,
        snapshots: Option<&Snapshots>,
    ) -> Self {
        let graph = network.graph();
        let blobs = Blobs::read(network, &situation.tree, situation.release);
        let mut blob_of = vec![None; graph.nodes()];
        for (blob, number) in blobs.0.values().zip(0..) {
            blob.holders().for_each(|holder| blob_of[holder as usize] = Some(number));
        }
        let is_there = network.there(judgement);
        let reached = network.reached(situation.now);
        let snapshots = snapshot_bytes(network, situation, snapshots);
        Adding { network, now: situation.now, blobs, blob_of, is_there, snapshots, reached }
    }

    fn holdings(&self) -> Vec<Holding<'a>> {
        let dominators = self.network.dominators(self.now);
        let sums = self.sums(&dominators);
        let mut walk = Walk::new(self.network, self.now);
        let sizes: Vec<u64> = self.blobs.0.values().map(|blob| blob.bytes.unwrap_or(0)).collect();
        let mut last_met = vec![None; sizes.len()];
        let holders = holders(self.network, &self.reached).into_iter().enumerate();
        let holdings = holders.map(|(number, holder)| {
            let mut held = Held::default();
            walk.meet(&holder, |node| {
                if !self.is_there[node as usize] {
                    return;
                }
                held.add(self.object(node));
                let blob = self.blob_of[node as usize].map(|blob| blob as usize);
                let is_new = |blob: &usize| last_met[*blob].replace(number) != Some(number);
                held.bytes = held.bytes.saturating_add(blob.filter(is_new).map_or(0, |blob| sizes[blob]));
            });
            let alone = self.alone(&holder, &dominators, &sums);
            let Holder { subject, rule, until, .. } = holder;
            Holding { holder: subject, rule, held, alone, until }
        });
        holdings.collect()
    }

    /// By vertex: what cannot be reached but through it.
    fn sums(&self, dominators: &Dominators) -> Vec<Held> {
        let mut at = vec![Held::default(); self.network.vertices()];
        for id in nodes(self.is_there.len()).filter(|id| self.is_there[*id as usize]) {
            if let Some(vertex) = dominators.common(self.network.entries_of(id).iter().copied()) {
                at[vertex as usize].add(self.object(id));
            }
        }
        for blob in self.blobs.0.values() {
            if let Some(vertex) = dominators.common(blob.entries(self.network)) {
                at[vertex as usize].add(Held { bytes: blob.bytes.unwrap_or(0), ..Held::default() });
            }
        }
        dominators.sums(&at, Held::add)
    }

    /// A node that there is, without its content.
    fn object(&self, id: NodeId) -> Held {
        Held { objects: 1, bytes: 0, snapshots: self.snapshots[id as usize] }
    }

    fn alone(&self, holder: &Holder<'a>, dominators: &Dominators, sums: &[Held]) -> Held {
        // A way in from which nothing goes on matters only to the object itself.
        let counts = |member: &&VertexId| holder.own.is_none() || !self.network.from(**member).is_empty();
        let members: Vec<VertexId> = holder.members.iter().filter(counts).copied().collect();
        let all = |top: &&VertexId| members.iter().all(|member| dominators.dominates(**top, *member));
        let Some(top) = members.iter().find(all) else {
            return if members.is_empty() { Held::default() } else { self.tried(holder) };
        };
        let mut held = sums[*top as usize];
        let own = holder.own.filter(|own| self.is_there[*own as usize]);
        let own = own.and_then(|own| dominators.common(self.network.entries_of(own).iter().copied()));
        if own.is_some_and(|own| dominators.dominates(*top, own)) {
            held.objects -= 1;
        }
        held
    }

    /// What goes without a holder that is reached in several ways none of which leads to the others: it is tried.
    fn tried(&self, holder: &Holder<'a>) -> Held {
        let Subject::Node(group) = holder.subject else { return Held::default() };
        let after = self.network.reached_without(group, self.now);
        let stays = |id: NodeId| id != group && after.keeps(self.network, id);
        let kept = |id: NodeId| self.reached.keeps(self.network, id);
        let gone =
            nodes(self.is_there.len()).filter(|id| self.is_there[*id as usize] && kept(*id) && !stays(*id));
        let mut held = Held { bytes: self.blobs.freed(kept, stays), ..Held::default() };
        gone.filter(|id| holder.own != Some(*id)).for_each(|id| held.add(self.object(id)));
        held
    }

    fn garbage(&self, judgement: &Judgement<'a>) -> Held {
        let graph = self.network.graph();
        let mut garbage = Held::default();
        for resource in judgement.resources().filter(|resource| !resource.is_kept()) {
            let id = graph.find(resource.node().as_ref());
            garbage.add(id.map_or(Held { objects: 1, ..Held::default() }, |id| self.object(id)));
        }
        let kept = |id: NodeId| self.reached.keeps(self.network, id);
        let blobs = self.blobs.0.values();
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
        for blob in self.blobs.0.values() {
            let end = blob.holders().filter_map(|holder| ends[holder as usize]).max();
            let at = end.and_then(|end| end.0).and_then(|at| next.get_mut(&at));
            if let Some(next) = at {
                next.bytes = next.bytes.saturating_add(blob.bytes.unwrap_or(0));
            }
        }
        next.into_values().collect()
    }
}

fn nodes(count: usize) -> impl Iterator<Item = NodeId> {
    0..id(count)
}
