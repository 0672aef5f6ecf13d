//! What comes free, first in content: the bytes of a digest, when nothing that is kept has it any more in any namespace.
//!
//! One blob in the store stands for a digest, whatever namespaces list it. So it comes free with the last record that has
//! the digest, and with the last ingest that is to become it. A snapshot is its own.

use super::network::{self, Network, VertexId};
use crate::bucket::{Bucket, View};
use crate::node::Kind;
use crate::oracle::graph::NodeId;
use crate::release::Release;
use crate::schema::{names, views};
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use std::collections::{BTreeMap, BTreeSet};

/// One digest in the store.
#[derive(Default)]
pub(super) struct Blob {
    /// The records that have it, by namespace.
    pub(super) records: Vec<NodeId>,
    /// The ingests that are to become it.
    pub(super) ingests: Vec<NodeId>,
    /// Its size; where namespaces differ, what the last one says that says something; none if no one does.
    pub(super) bytes: Option<u64>,
}

impl Blob {
    /// What has it.
    pub(super) fn holders(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.records.iter().chain(&self.ingests).copied()
    }

    /// The entries of what has it: it is held while one of them is reached.
    pub(super) fn entries<'n>(&'n self, network: &'n Network<'_, '_>) -> impl Iterator<Item = VertexId> + 'n {
        self.holders().flat_map(|node| network.entries_of(node)).copied()
    }
}

/// The digests of a database's content.
pub(super) struct Blobs {
    /// By digest, in their order: the place among all.
    by_digest: BTreeMap<Box<[u8]>, u32>,
    all: Vec<Blob>,
    /// By node: the place of its digest, or of what it is to become.
    of_node: Vec<Option<u32>>,
}

impl Blobs {
    pub(super) fn read(network: &Network<'_, '_>, tree: &Bucket, release: Release) -> Blobs {
        let graph = network.graph();
        let (content, ingest) = (release.type_of(Kind::Content), release.type_of(Kind::Ingest));
        let mut blobs: BTreeMap<Box<[u8]>, Blob> = BTreeMap::new();
        for id in (0..network::id(graph.nodes())).filter(|id| graph.exists(*id)) {
            let resource_type = Some(graph.type_of(id));
            if resource_type == content {
                let node = graph.node(id);
                let blob = blobs.entry(node.key.clone()).or_default();
                blob.records.push(id);
                blob.bytes = views::blob_size(tree, &node.namespace, &node.key).or(blob.bytes);
            } else if resource_type == ingest {
                let node = graph.node(id);
                let path = [names::V1, &node.namespace, names::CONTENT, names::INGESTS, &node.key];
                let expected = tree.view().at(&path).and_then(|ingest: View<'_>| ingest.get(names::EXPECTED));
                if let Some(digest) = expected.filter(|digest| !digest.is_empty()) {
                    blobs.entry(digest.into()).or_default().ingests.push(id);
                }
            }
        }
        blobs.retain(|_, blob| !blob.records.is_empty());
        let mut of_node = vec![None; graph.nodes()];
        let (mut by_digest, mut all) = (BTreeMap::new(), Vec::new());
        for ((digest, blob), place) in blobs.into_iter().zip(0..) {
            blob.holders().for_each(|holder| of_node[holder as usize] = Some(place));
            by_digest.insert(digest, place);
            all.push(blob);
        }
        Blobs { by_digest, all, of_node }
    }

    /// All, in the order of their digests.
    pub(super) fn all(&self) -> &[Blob] {
        &self.all
    }

    pub(super) fn get(&self, digest: &[u8]) -> Option<&Blob> {
        self.by_digest.get(digest).map(|place| &self.all[*place as usize])
    }

    /// The place among all of a node's digest, or of what it is to become.
    pub(super) fn of(&self, node: NodeId) -> Option<usize> {
        self.of_node[node as usize].map(|place| place as usize)
    }

    /// The bytes of what goes with some nodes, as nothing that stays has it.
    pub(super) fn freed(&self, gone: impl Iterator<Item = NodeId>, stays: impl Fn(NodeId) -> bool) -> u64 {
        let places: BTreeSet<usize> = gone.filter_map(|node| self.of(node)).collect();
        let freed =
            places.into_iter().map(|place| &self.all[place]).filter(|blob| !blob.holders().any(&stays));
        freed.filter_map(|blob| blob.bytes).fold(0, u64::saturating_add)
    }
}

/// By node: its size if the database has it as a snapshot; nothing where no snapshotter was asked.
pub(super) fn snapshot_bytes(
    network: &Network<'_, '_>,
    situation: &Situation,
    snapshots: Option<&Snapshots>,
) -> Vec<Bytes> {
    let graph = network.graph();
    let mut bytes = vec![Bytes::default(); graph.nodes()];
    let Some(snapshots) = snapshots else { return bytes };
    let number = situation.release.type_of(Kind::Snapshot);
    for (id, bytes) in (0..).zip(&mut bytes).filter(|(id, _)| graph.exists(*id)) {
        if Some(graph.type_of(id)) == number {
            let node = graph.node(id);
            bytes.add(snapshots.size(&situation.tree, &node.namespace, &node.key));
        }
    }
    bytes
}
