//! What comes free, first in content: the bytes of a digest, when nothing that is kept has it any more in any namespace.
//!
//! One blob in the store stands for a digest, whatever namespaces list it. So it comes free with the last record that has
//! the digest, and with the last ingest that is to become it. A snapshot is its own.

use super::network::{Network, VertexId};
use crate::bucket::{Bucket, View};
use crate::node::Kind;
use crate::oracle::graph::NodeId;
use crate::release::Release;
use crate::schema::{names, views};
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use std::collections::BTreeMap;

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
pub(super) struct Blobs(pub(super) BTreeMap<Box<[u8]>, Blob>);

impl Blobs {
    pub(super) fn read(network: &Network<'_, '_>, tree: &Bucket, release: Release) -> Blobs {
        let graph = network.graph();
        let (content, ingest) = (release.type_of(Kind::Content), release.type_of(Kind::Ingest));
        let mut blobs: BTreeMap<Box<[u8]>, Blob> = BTreeMap::new();
        let number = |id: usize| NodeId::try_from(id).expect("node numbers fit");
        for id in (0..graph.nodes()).map(number).filter(|id| graph.exists(*id)) {
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
        Blobs(blobs)
    }

    /// The bytes of what is held before and not after.
    pub(super) fn freed(&self, before: impl Fn(NodeId) -> bool, after: impl Fn(NodeId) -> bool) -> u64 {
        let gone = self.0.values().filter(|blob| blob.holders().any(&before) && !blob.holders().any(&after));
        gone.filter_map(|blob| blob.bytes).fold(0, u64::saturating_add)
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
