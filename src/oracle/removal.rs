//! What a collection that succeeds takes away: buckets of the database, and resources of the collectors.

use super::Judgement;
use super::defects::Defect;
use super::errors::Progress;
use super::facts::{Location, Resource};
use super::nodes::Key;
use crate::bucket::Bucket;
use crate::collector::Collector;
use crate::node::{Kind, Node, ResourceType};
use crate::schema::names;
use crate::situation::Situation;

/// A place in the tree by its keys from the root down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path<'a> {
    keys: [&'a [u8]; 7],
    length: usize,
}

impl<'a> Path<'a> {
    fn new(keys: &[&'a [u8]]) -> Path<'a> {
        let mut path = Path { keys: [b""; 7], length: keys.len() };
        path.keys[..keys.len()].copy_from_slice(keys);
        path
    }

    /// The keys.
    pub fn keys(&self) -> &[&'a [u8]] {
        &self.keys[..self.length]
    }

    /// The keys of the bucket around it, and the last one.
    fn split(&self) -> (&[&'a [u8]], &'a [u8]) {
        let (key, around) = self.keys().split_last().expect("a path has at least one key");
        (around, key)
    }
}

/// The last call that a started collector gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// `Finish`.
    Finish,
    /// `Cancel`.
    Cancel,
    /// None, a defect.
    Nothing,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            End::Finish => "finish",
            End::Cancel => "cancel",
            End::Nothing => "nothing",
        })
    }
}

impl<'a> Judgement<'a> {
    /// The buckets that the database must lose, in the order of the walk; none unless it succeeds.
    /// A snapshot whose key leads elsewhere loses nothing.
    pub fn removed_paths(&self) -> impl Iterator<Item = Path<'a>> {
        let succeeds = self.progress() == Progress::Success;
        let removed = self.facts.resources.iter().filter(move |resource| succeeds && !self.is_kept(resource));
        removed.filter_map(|resource| self.path_of(resource))
    }

    /// The entries of `children`, in parents that stay, that the intended removal takes along; none where the
    /// release leaves them ([`Defect::StaleChildrenEntry`]).
    pub fn unlinked_paths(&self) -> Vec<Path<'a>> {
        if self.has(Defect::StaleChildrenEntry) {
            return Vec::new();
        }
        self.removed_paths().filter_map(|path| self.unlinked_by(path)).collect()
    }

    /// The tree after the collection.
    pub fn tree_after(&self) -> Bucket {
        let mut tree = self.question.situation.tree.clone();
        for path in self.removed_paths() {
            let (around, key) = path.split();
            tree.delete_bucket(around, key).expect("a removed path leads to a bucket of the tree");
        }
        for path in self.unlinked_paths() {
            let (around, key) = path.split();
            tree.delete(around, key).expect("a parent that stays keeps its children");
        }
        tree
    }

    /// What the collectors are told to remove, sorted, repeats included; nothing unless it succeeds.
    pub fn collector_removals(&self) -> Vec<Node> {
        if self.progress() != Progress::Success {
            return Vec::new();
        }
        let listed = self.resources().filter(|verdict| verdict.listed_by().is_some() && !verdict.is_kept());
        let is_started =
            |node: &Node| self.started().any(|collector| collector.resource_type == node.resource_type);
        let mut removals: Vec<Node> = listed.map(|verdict| verdict.node()).filter(is_started).collect();
        removals.sort_unstable();
        removals
    }

    /// The last call that each started collector gets, in the order of the question.
    pub fn collector_ends(&self) -> Vec<(ResourceType, End)> {
        self.collector_ends_after(self.progress())
    }

    /// The same for a collection that got this far, as one whose context is cancelled fails while it marks.
    pub fn collector_ends_after(&self, progress: Progress) -> Vec<(ResourceType, End)> {
        let end = match progress {
            Progress::Success => End::Finish,
            Progress::MarkFailed if self.has(Defect::NoCancelAfterFailedMark) => End::Nothing,
            Progress::MarkFailed | Progress::SweepFailed => End::Cancel,
        };
        self.started().map(|collector| (collector.resource_type, end)).collect()
    }

    /// The collectors that take part.
    fn started(&self) -> impl Iterator<Item = &'a Collector> {
        let Situation { release, collectors, .. } = self.question.situation;
        let registered: &[Collector] = if release.rules().collectors { collectors } else { &[] };
        registered.iter().filter(|collector| !collector.start_error)
    }

    /// Where removal looks for a resource; nowhere for what a collector lists, of which the walk met all that exists.
    fn path_of(&self, resource: &Resource<'a>) -> Option<Path<'a>> {
        let namespace = self.facts.nodes.namespace_of(resource.visit.node);
        let below = |keys: &[&'a [u8]]| {
            let mut path = Path { keys: [b""; 7], length: 2 + keys.len() };
            path.keys[0] = names::V1;
            path.keys[1] = namespace;
            path.keys[2..path.length].copy_from_slice(keys);
            Some(path)
        };
        match resource.location {
            Location::Lease(id) => below(&[names::LEASES, id]),
            // Cut at the slash it would lead to another bucket, which success shows to be absent.
            Location::Snapshot(snapshotter, _)
                if self.has(Defect::SnapshotterCutAtSlash) && snapshotter.contains(&b'/') =>
            {
                None
            }
            Location::Snapshot(snapshotter, name) => below(&[names::SNAPSHOTS, snapshotter, name]),
            Location::Ingest(reference) => below(&[names::CONTENT, names::INGESTS, reference]),
            Location::Blob(digest) => below(&[names::CONTENT, names::BLOB, digest]),
            Location::Image(name) => below(&[names::IMAGES, name]),
            Location::Listed(_) => None,
        }
    }

    /// The entry in its parent's children of a snapshot that is removed, if the parent stays.
    fn unlinked_by(&self, path: Path<'a>) -> Option<Path<'a>> {
        let [v1, namespace, names::SNAPSHOTS, snapshotter, name] = *path.keys() else { return None };
        let parent = self.question.situation.tree.view().at(path.keys())?.get(names::PARENT)?;
        let children = [v1, namespace, names::SNAPSHOTS, snapshotter, parent, names::CHILDREN];
        self.question.situation.tree.view().at(&children)?.get(name)?;
        let snapshot = self.question.situation.release.type_of(Kind::Snapshot)?;
        let id = self.facts.nodes.find_namespace(namespace)?;
        let parent = self.facts.nodes.find_key(snapshot, id, Key::snapshot(snapshotter, parent))?;
        let [v1, namespace, snapshots, snapshotter, parent_name, children] = children;
        let entry = [v1, namespace, snapshots, snapshotter, parent_name, children, name];
        self.keep.has(parent).then(|| Path::new(&entry))
    }
}
