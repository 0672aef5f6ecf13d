//! Where the objects of each namespace stand.
//!
//! containerd finds an object by its whole path each time. A collection reads one tree from its first root to the last
//! resource that it walks, so the buckets that hold objects are found once and kept at hand.

use super::nodes::{NamespaceId, NodeTable};
use crate::bucket::{Bucket, Entry, View};
use crate::schema::names;

/// A namespace and its buckets of objects, those that there are.
pub(super) struct Namespace<'a> {
    pub(super) name: &'a [u8],
    pub(super) id: NamespaceId,
    pub(super) leases: Option<View<'a>>,
    pub(super) images: Option<View<'a>>,
    pub(super) ingests: Option<View<'a>>,
    pub(super) blobs: Option<View<'a>>,
    pub(super) containers: Option<View<'a>>,
    /// The snapshots by snapshotter.
    pub(super) snapshots: Option<View<'a>>,
    pub(super) sandboxes: Option<View<'a>>,
}

/// The namespaces of a database.
pub(super) struct Namespaces<'a> {
    /// Whether the database has the bucket in which they are.
    pub(super) has_v1: bool,
    /// In the order of their keys. They are the first in the table of nodes, so that their numbers are their places.
    all: Vec<Namespace<'a>>,
}

impl<'a> Namespaces<'a> {
    /// The namespaces of a database, entered into a table that knows none.
    pub(super) fn read(tree: &'a Bucket, nodes: &mut NodeTable) -> Namespaces<'a> {
        let v1 = tree.bucket(names::V1);
        let mut all = Vec::new();
        for (name, bucket) in v1.into_iter().flat_map(View::buckets) {
            let id = nodes.namespace(name);
            assert!(id.index() == all.len(), "a database's namespaces are told apart by their names");
            all.push(Namespace::new(name, id, bucket));
        }
        Namespaces { has_v1: v1.is_some(), all }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace<'a>> {
        self.all.iter()
    }

    /// The namespace of a number; absent for one that the database does not have.
    pub(super) fn get(&self, id: NamespaceId) -> Option<&Namespace<'a>> {
        self.all.get(id.index())
    }
}

impl<'a> Namespace<'a> {
    fn new(name: &'a [u8], id: NamespaceId, bucket: View<'a>) -> Namespace<'a> {
        let [leases, images, content, containers, snapshots, sandboxes] = bucket.buckets_under([
            names::LEASES,
            names::IMAGES,
            names::CONTENT,
            names::CONTAINERS,
            names::SNAPSHOTS,
            names::SANDBOXES,
        ]);
        let [ingests, blobs] = content.unwrap_or(View::EMPTY).buckets_under([names::INGESTS, names::BLOB]);
        Namespace { name, id, leases, images, ingests, blobs, containers, snapshots, sandboxes }
    }
}

/// The sub-buckets of a bucket that may be missing.
pub(super) fn buckets_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    bucket.unwrap_or(View::EMPTY).buckets()
}

/// The entries of a bucket that may be missing, values and buckets alike.
pub(super) fn entries_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
    bucket.unwrap_or(View::EMPTY).iter()
}
