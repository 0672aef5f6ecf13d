//! The nodes of a collection: their types, and a table of those that it has met, each once, under a small number.
//!
//! Marking works on the numbers, so that a node's strings are compared once and colours are plain arrays.

use crate::node::{Kind, NodeRef, ResourceType};
use crate::release::Release;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hasher};

/// The type numbers that the engine itself emits. A kind that the release lacks has 0 and is never emitted.
#[derive(Clone, Copy)]
pub(super) struct Types {
    pub(super) content: ResourceType,
    pub(super) snapshot: ResourceType,
    pub(super) container: ResourceType,
    pub(super) image: ResourceType,
    pub(super) lease: ResourceType,
    pub(super) ingest: ResourceType,
}

impl Types {
    pub(super) fn of(release: Release) -> Types {
        let number = |kind| release.type_of(kind).unwrap_or(ResourceType(0));
        Types {
            content: number(Kind::Content),
            snapshot: number(Kind::Snapshot),
            container: number(Kind::Container),
            image: number(Kind::Image),
            lease: number(Kind::Lease),
            ingest: number(Kind::Ingest),
        }
    }
}

/// A node's number in its table, from 0 in the order of first appearance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(u32);

impl NodeId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node's key as it is found: a snapshot's key is composed of a snapshotter and a name.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    head: &'a [u8],
    /// Follows the head after a slash.
    tail: Option<&'a [u8]>,
}

impl<'a> Key<'a> {
    pub(super) fn snapshot(snapshotter: &'a [u8], name: &'a [u8]) -> Key<'a> {
        Key { head: snapshotter, tail: Some(name) }
    }

    /// The snapshotter that stands before a snapshot's name.
    pub(super) fn snapshotter(self) -> Option<&'a [u8]> {
        self.tail.map(|_| self.head)
    }

    /// The snapshot's name; the whole key of anything else.
    pub(super) fn name(self) -> &'a [u8] {
        self.tail.unwrap_or(self.head)
    }
}

/// Snapshotter and name: a snapshot's key is cut at its first slash, whichever of the two it belonged to
/// (`strings.Cut`).
pub(super) fn cut_snapshot_key(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = key.iter().position(|byte| *byte == b'/')?;
    Some((&key[..slash], &key[slash + 1..]))
}

impl<'a> From<&'a [u8]> for Key<'a> {
    fn from(key: &'a [u8]) -> Key<'a> {
        Key { head: key, tail: None }
    }
}

/// A namespace's number in a table of nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NamespaceId(u32);

impl NamespaceId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every node that a collection has met.
#[derive(Clone, Default)]
pub struct NodeTable {
    nodes: Vec<Entry>,
    /// The nodes' keys, one after the other.
    keys: Vec<u8>,
    index: HashTable<NodeId>,
    namespaces: Vec<Box<[u8]>>,
    namespace_index: HashTable<NamespaceId>,
    /// Its seeds may differ from run to run: the indexes are looked up and never iterated.
    hasher: DefaultHashBuilder,
}

#[derive(Clone, Copy)]
struct Entry {
    resource_type: ResourceType,
    namespace: NamespaceId,
    /// Where its key ends; it begins where its predecessor's ends.
    key_end: usize,
}

/// Room for the nodes of a small database.
const NODES: usize = 56;
const KEY_BYTES: usize = 1024;

impl NodeTable {
    /// An empty table with room for the nodes of a small database.
    pub(super) fn with_room() -> NodeTable {
        NodeTable {
            nodes: Vec::with_capacity(NODES),
            keys: Vec::with_capacity(KEY_BYTES),
            index: HashTable::with_capacity(NODES),
            ..NodeTable::default()
        }
    }

    /// The number of a namespace, given to it now if it is new.
    pub(super) fn namespace(&mut self, name: &[u8]) -> NamespaceId {
        let hash = self.hasher.hash_one(name);
        if let Some(id) = self.namespace_index.find(hash, |id| *self.namespaces[id.index()] == *name) {
            return *id;
        }
        let count = self.namespaces.len();
        let id = NamespaceId(u32::try_from(count).expect("fewer than 2^32 namespaces fit into memory"));
        self.namespaces.push(name.into());
        let (hasher, namespaces) = (&self.hasher, &self.namespaces);
        self.namespace_index.insert_unique(hash, id, |id| hasher.hash_one(&*namespaces[id.index()]));
        id
    }

    /// The number of a node, given to it now if it is new.
    pub(super) fn intern<'k>(
        &mut self,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: impl Into<Key<'k>>,
    ) -> NodeId {
        let key = key.into();
        if key.tail.is_none() {
            let hash = hash_of(&self.hasher, resource_type, namespace, key.head);
            let known = self.find(hash, resource_type, namespace, key.head);
            return known.unwrap_or_else(|| {
                self.keys.extend_from_slice(key.head);
                self.insert(hash, resource_type, namespace)
            });
        }
        // The key is composed behind the keys, and stays there if it is new.
        let start = self.keys.len();
        self.compose(key);
        let key = &self.keys[start..];
        let hash = hash_of(&self.hasher, resource_type, namespace, key);
        if let Some(id) = self.find(hash, resource_type, namespace, key) {
            self.keys.truncate(start);
            return id;
        }
        self.insert(hash, resource_type, namespace)
    }

    /// Room for so many nodes more.
    pub(super) fn reserve(&mut self, count: usize) {
        let NodeTable { nodes, keys, index, hasher, .. } = self;
        index.reserve(count, |id| {
            let Entry { resource_type, namespace, .. } = nodes[id.index()];
            hash_of(hasher, resource_type, namespace, &keys[key_range(nodes, *id)])
        });
        nodes.reserve(count);
    }

    /// The number of a node that is known to be new.
    pub(super) fn enter<'k>(
        &mut self,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: impl Into<Key<'k>>,
    ) -> NodeId {
        let start = self.keys.len();
        self.compose(key.into());
        let hash = hash_of(&self.hasher, resource_type, namespace, &self.keys[start..]);
        self.insert(hash, resource_type, namespace)
    }

    /// The number of a node of the same namespace and key and another type.
    pub(super) fn retype(&mut self, id: NodeId, resource_type: ResourceType) -> NodeId {
        let Entry { resource_type: own, namespace, .. } = self.nodes[id.index()];
        if own == resource_type {
            return id;
        }
        let key = key_range(&self.nodes, id);
        let hash = hash_of(&self.hasher, resource_type, namespace, &self.keys[key.clone()]);
        if let Some(id) = self.find(hash, resource_type, namespace, &self.keys[key.clone()]) {
            return id;
        }
        self.keys.extend_from_within(key);
        self.insert(hash, resource_type, namespace)
    }

    /// Writes a key behind the keys.
    fn compose(&mut self, key: Key<'_>) {
        self.keys.extend_from_slice(key.head);
        if let Some(tail) = key.tail {
            self.keys.push(b'/');
            self.keys.extend_from_slice(tail);
        }
    }

    fn find(
        &self,
        hash: u64,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: &[u8],
    ) -> Option<NodeId> {
        let is_same = |id: &NodeId| {
            let entry = &self.nodes[id.index()];
            entry.resource_type == resource_type && entry.namespace == namespace && self.key(*id) == key
        };
        self.index.find(hash, is_same).copied()
    }

    /// Enters a node whose key is the last of the keys.
    fn insert(&mut self, hash: u64, resource_type: ResourceType, namespace: NamespaceId) -> NodeId {
        let NodeTable { nodes, keys, index, hasher, .. } = self;
        let id = NodeId(u32::try_from(nodes.len()).expect("fewer than 2^32 nodes fit into memory"));
        nodes.push(Entry { resource_type, namespace, key_end: keys.len() });
        index.insert_unique(hash, id, |id| {
            let Entry { resource_type, namespace, .. } = nodes[id.index()];
            hash_of(hasher, resource_type, namespace, &keys[key_range(nodes, *id)])
        });
        id
    }

    fn key(&self, id: NodeId) -> &[u8] {
        &self.keys[key_range(&self.nodes, id)]
    }

    /// The node of a number.
    pub fn get(&self, id: NodeId) -> NodeRef<'_> {
        let Entry { resource_type, namespace, .. } = self.nodes[id.index()];
        let (namespace, key) = (&*self.namespaces[namespace.index()], self.key(id));
        NodeRef { resource_type, namespace, key }
    }

    /// The type of a node.
    pub(super) fn type_of(&self, id: NodeId) -> ResourceType {
        self.nodes[id.index()].resource_type
    }

    /// The number of a node's namespace.
    pub(super) fn namespace_of(&self, id: NodeId) -> NamespaceId {
        self.nodes[id.index()].namespace
    }

    /// Every node with its number, in the order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, NodeRef<'_>)> {
        let count = u32::try_from(self.nodes.len()).expect("numbers are given out as u32");
        (0..count).map(|number| (NodeId(number), self.get(NodeId(number))))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

fn key_range(nodes: &[Entry], id: NodeId) -> std::ops::Range<usize> {
    let index = id.index();
    let start = if index == 0 { 0 } else { nodes[index - 1].key_end };
    start..nodes[index].key_end
}

fn hash_of(
    hasher: &DefaultHashBuilder,
    resource_type: ResourceType,
    namespace: NamespaceId,
    key: &[u8],
) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write_u64(u64::from(resource_type.0) << 32 | u64::from(namespace.0));
    hasher.write(key);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_number_however_its_key_is_composed() {
        let mut nodes = NodeTable::default();
        let [ns, n] = [&b"ns"[..], b"n"].map(|name| nodes.namespace(name));
        let whole = nodes.intern(ResourceType(2), ns, &b"over/lay/k"[..]);
        assert_eq!(nodes.intern(ResourceType(2), ns, Key::snapshot(b"over", b"lay/k")), whole);
        assert_eq!(nodes.intern(ResourceType(2), ns, Key::snapshot(b"over/lay", b"k")), whole);
        assert_ne!(nodes.intern(ResourceType(2), n, &b"over/lay/k"[..]), whole);
        let flat = nodes.retype(whole, ResourceType(0x22));
        assert_eq!(nodes.retype(flat, ResourceType(2)), whole);
        assert_eq!(nodes.get(flat).key, b"over/lay/k");
        assert_eq!(nodes.namespace(b"ns"), ns);
        assert_eq!(nodes.len(), 3);
    }
}
