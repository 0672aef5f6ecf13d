//! What there is: the namespaces of a database, and every object in them that is a node.
//!
//! containerd finds an object by its whole path each time it is referred to, and goes through all of them twice. A collection
//! reads one tree from its first root to the last resource that it walks. So each object is looked at once, and kept at hand
//! with what is asked of it later: what refers to a node has its number, and the number has the object.

use super::nodes::{Key, NamespaceId, NodeId, NodeTable, Types};
use crate::bucket::{Bucket, Entry, View};
use crate::node::{Kind, ResourceType};
use crate::release::Rules;
use crate::schema::names;
use std::ops::Range;

/// A namespace and its buckets of objects, those that there are.
pub(super) struct Namespace<'a> {
    pub(super) name: &'a [u8],
    pub(super) id: NamespaceId,
    pub(super) leases: Section<'a>,
    /// Nodes from 2.0 on.
    pub(super) images: Section<'a>,
    pub(super) ingests: Section<'a>,
    pub(super) blobs: Section<'a>,
    /// Nodes from 2.2 on.
    pub(super) containers: Section<'a>,
    /// The snapshots by snapshotter.
    pub(super) snapshots: Section<'a>,
    pub(super) sandboxes: Option<View<'a>>,
}

/// The objects of one kind in one namespace.
pub(super) struct Section<'a> {
    /// The bucket that holds them, if there is one.
    pub(super) bucket: Option<View<'a>>,
    /// Where they are among all objects; nowhere if they are no nodes.
    objects: Range<usize>,
}

/// A node that has a bucket.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) id: NodeId,
    pub(super) view: View<'a>,
    pub(super) labels: Option<View<'a>>,
    /// What a field of it refers to: an image's target, a snapshot's parent, a container's snapshot, what an ingest expects.
    pub(super) refers: Option<Key<'a>>,
}

/// The namespaces of a database.
pub(super) struct Namespaces<'a> {
    /// Whether the database has the bucket in which they are.
    pub(super) has_v1: bool,
    /// In the order of their keys. They are the first in the table of nodes, so that their numbers are their places.
    all: Vec<Namespace<'a>>,
    objects: Vec<Object<'a>>,
    /// By number of a node: the place of its object.
    places: Vec<Option<u32>>,
}

impl<'a> Namespaces<'a> {
    /// The namespaces of a database and their objects, entered into a table that knows none.
    pub(super) fn read(
        tree: &'a Bucket,
        rules: &Rules,
        types: Types,
        nodes: &mut NodeTable,
    ) -> Namespaces<'a> {
        let v1 = tree.bucket(names::V1);
        let count = v1.into_iter().flat_map(View::buckets).map(|(_, bucket)| count_at_least(bucket)).sum();
        nodes.reserve(count);
        let (objects, places) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut namespaces = Namespaces { has_v1: v1.is_some(), all: Vec::new(), objects, places };
        for (name, bucket) in v1.into_iter().flat_map(View::buckets) {
            let id = nodes.namespace(name);
            assert!(
                id.index() == namespaces.all.len(),
                "a database's namespaces are told apart by their names"
            );
            let mut reader = Reader { namespaces: &mut namespaces, namespace: id, types, nodes };
            let namespace = reader.namespace(rules, name, bucket);
            namespaces.all.push(namespace);
        }
        namespaces
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace<'a>> {
        self.all.iter()
    }

    /// The namespace of a number; absent for one that the database does not have.
    pub(super) fn get(&self, id: NamespaceId) -> Option<&Namespace<'a>> {
        self.all.get(id.index())
    }

    /// The objects of a section, in the order of their keys.
    pub(super) fn objects(&self, section: &Section<'a>) -> &[Object<'a>] {
        &self.objects[section.objects.clone()]
    }

    /// The object of a node of a plain type; absent for one that does not exist.
    pub(super) fn object(&self, id: NodeId) -> Option<&Object<'a>> {
        let place = self.places.get(id.index()).copied().flatten()?;
        self.objects.get(place as usize)
    }
}

/// Reads one namespace.
struct Reader<'r, 'a> {
    namespaces: &'r mut Namespaces<'a>,
    namespace: NamespaceId,
    types: Types,
    nodes: &'r mut NodeTable,
}

impl<'a> Reader<'_, 'a> {
    fn namespace(&mut self, rules: &Rules, name: &'a [u8], bucket: View<'a>) -> Namespace<'a> {
        let [leases, images, content, containers, snapshots, sandboxes] = bucket.buckets_under([
            names::LEASES,
            names::IMAGES,
            names::CONTENT,
            names::CONTAINERS,
            names::SNAPSHOTS,
            names::SANDBOXES,
        ]);
        let [ingests, blobs] = content.unwrap_or(View::EMPTY).buckets_under([names::INGESTS, names::BLOB]);
        Namespace {
            name,
            id: self.namespace,
            leases: self.section(Kind::Lease, leases, true),
            snapshots: self.snapshots(snapshots),
            ingests: self.section(Kind::Ingest, ingests, true),
            blobs: self.section(Kind::Content, blobs, true),
            images: self.section(Kind::Image, images, rules.image_nodes),
            containers: self.section(Kind::Container, containers, rules.container_nodes),
            sandboxes,
        }
    }

    fn section(&mut self, kind: Kind, bucket: Option<View<'a>>, are_nodes: bool) -> Section<'a> {
        let Types { content, container, image, lease, ingest, .. } = self.types;
        let start = self.namespaces.objects.len();
        for (key, view) in buckets_of(bucket.filter(|_| are_nodes)) {
            let key = Key::from(key);
            match kind {
                Kind::Lease => self.enter(lease, key, view, None, None),
                Kind::Ingest => {
                    let expected = view.get(names::EXPECTED).filter(|digest| !digest.is_empty());
                    self.enter(ingest, key, view, None, expected.map(Key::from));
                }
                Kind::Image => {
                    let [target, labels] = view.buckets_under([names::TARGET, names::LABELS]);
                    let digest = target.map(|target| target.get(names::DIGEST).unwrap_or_default());
                    self.enter(image, key, view, labels, digest.map(Key::from));
                }
                Kind::Container => {
                    let fields = view.fields([names::SNAPSHOTTER, names::SNAPSHOT_KEY, names::LABELS]);
                    let [snapshotter, name] = [0, 1].map(|field| fields[field].and_then(Entry::value));
                    let snapshotter = snapshotter.filter(|snapshotter| !snapshotter.is_empty());
                    let snapshot = snapshotter.map(|of| Key::snapshot(of, name.unwrap_or_default()));
                    self.enter(container, key, view, fields[2].and_then(Entry::bucket), snapshot);
                }
                _ => {
                    let [labels] = view.buckets_under([names::LABELS]);
                    self.enter(content, key, view, labels, None);
                }
            }
        }
        Section { bucket, objects: start..self.namespaces.objects.len() }
    }

    fn snapshots(&mut self, bucket: Option<View<'a>>) -> Section<'a> {
        let start = self.namespaces.objects.len();
        for (snapshotter, snapshots) in buckets_of(bucket) {
            for (name, view) in snapshots.buckets() {
                let [parent, labels] = view.fields([names::PARENT, names::LABELS]);
                let parent = parent.and_then(Entry::value).filter(|parent| !parent.is_empty());
                let (labels, parent) = (labels.and_then(Entry::bucket), parent);
                let parent = parent.map(|parent| Key::snapshot(snapshotter, parent));
                self.enter(self.types.snapshot, Key::snapshot(snapshotter, name), view, labels, parent);
            }
        }
        Section { bucket, objects: start..self.namespaces.objects.len() }
    }

    fn enter(
        &mut self,
        resource_type: ResourceType,
        key: Key<'a>,
        view: View<'a>,
        labels: Option<View<'a>>,
        refers: Option<Key<'a>>,
    ) {
        let Namespaces { objects, places, .. } = self.namespaces;
        // A snapshot's key is cut at its first slash, so that what a snapshotter with one holds is looked for elsewhere.
        let is_found = !key.snapshotter().is_some_and(|snapshotter| snapshotter.contains(&b'/'));
        let id = match is_found {
            true => self.nodes.enter(resource_type, self.namespace, key),
            false => self.nodes.intern(resource_type, self.namespace, key),
        };
        if is_found {
            places.resize(id.index(), None);
            places.push(u32::try_from(objects.len()).ok());
        }
        objects.push(Object { id, view, labels, refers });
    }
}

/// About how many objects a namespace has, where they are many.
fn count_at_least(namespace: View<'_>) -> usize {
    let of = |bucket: Option<View<'_>>| bucket.map(View::count_at_least).unwrap_or_default();
    let [leases, images, containers, content, snapshots] = namespace.buckets_under([
        names::LEASES,
        names::IMAGES,
        names::CONTAINERS,
        names::CONTENT,
        names::SNAPSHOTS,
    ]);
    let [blobs] = content.unwrap_or(View::EMPTY).buckets_under([names::BLOB]);
    let snapshots = buckets_of(snapshots).map(|(_, snapshots)| snapshots.count_at_least());
    of(leases) + of(images) + of(containers) + of(blobs) + snapshots.sum::<usize>()
}

/// The sub-buckets of a bucket that may be missing.
pub(super) fn buckets_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], View<'a>)> {
    bucket.unwrap_or(View::EMPTY).buckets()
}

/// The entries of a bucket that may be missing, values and buckets alike.
pub(super) fn entries_of<'a>(bucket: Option<View<'a>>) -> impl Iterator<Item = (&'a [u8], Entry<'a>)> {
    bucket.unwrap_or(View::EMPTY).iter()
}
