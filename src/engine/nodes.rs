//! The table of nodes that a collection has met: each node once, under a small number.
//!
//! Marking works on the numbers, so that a node's strings are compared once and colours are plain arrays.

use crate::node::{NodeRef, ResourceType};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

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
}

impl<'a> From<&'a [u8]> for Key<'a> {
    fn from(key: &'a [u8]) -> Key<'a> {
        Key { head: key, tail: None }
    }
}

/// Every node that a collection has met.
#[derive(Clone, Default)]
pub struct NodeTable {
    /// The nodes' identities, one after the other: type, length of the namespace, namespace, key.
    identities: Vec<u8>,
    /// Where each identity ends; it begins where its predecessor ends.
    ends: Vec<usize>,
    index: HashTable<NodeId>,
    /// Its seeds may differ from run to run: the index is looked up and never iterated.
    hasher: DefaultHashBuilder,
}

const NAMESPACE_START: usize = 5;

impl NodeTable {
    /// The number of a node, given to it now if it is new.
    pub(super) fn intern<'k>(
        &mut self,
        resource_type: ResourceType,
        namespace: &[u8],
        key: impl Into<Key<'k>>,
    ) -> NodeId {
        // The identity is composed at the end of the identities, and stays there if it is new.
        let start = self.identities.len();
        let key = key.into();
        let namespace_length = u32::try_from(namespace.len()).expect("a bucket's key is at most 32 KiB long");
        self.identities.push(resource_type.0);
        self.identities.extend_from_slice(&namespace_length.to_le_bytes());
        self.identities.extend_from_slice(namespace);
        self.identities.extend_from_slice(key.head);
        if let Some(tail) = key.tail {
            self.identities.push(b'/');
            self.identities.extend_from_slice(tail);
        }
        self.settle(start)
    }

    /// The number of a node of the same namespace and key and another type.
    pub(super) fn retype(&mut self, id: NodeId, resource_type: ResourceType) -> NodeId {
        let range = self.range(id);
        if self.identities[range.start] == resource_type.0 {
            return id;
        }
        let start = self.identities.len();
        self.identities.extend_from_within(range);
        self.identities[start] = resource_type.0;
        self.settle(start)
    }

    fn settle(&mut self, start: usize) -> NodeId {
        let (known, identity) = self.identities.split_at(start);
        let ends = &self.ends;
        let of = |id: &NodeId| &known[start_of(ends, *id)..ends[id.index()]];
        let hash = self.hasher.hash_one(identity);
        if let Some(id) = self.index.find(hash, |id| of(id) == identity) {
            let id = *id;
            self.identities.truncate(start);
            return id;
        }
        let id = NodeId(u32::try_from(self.ends.len()).expect("fewer than 2^32 nodes fit into memory"));
        self.index.insert_unique(hash, id, |id| self.hasher.hash_one(of(id)));
        self.ends.push(self.identities.len());
        id
    }

    fn range(&self, id: NodeId) -> std::ops::Range<usize> {
        start_of(&self.ends, id)..self.ends[id.index()]
    }

    /// The node of a number.
    pub fn get(&self, id: NodeId) -> NodeRef<'_> {
        let identity = &self.identities[self.range(id)];
        let length = u32::from_le_bytes([identity[1], identity[2], identity[3], identity[4]]) as usize;
        let (namespace, key) = identity[NAMESPACE_START..].split_at(length);
        NodeRef { resource_type: ResourceType(identity[0]), namespace, key }
    }

    /// Every node with its number, in the order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, NodeRef<'_>)> {
        let count = u32::try_from(self.ends.len()).expect("numbers are given out as u32");
        (0..count).map(|number| (NodeId(number), self.get(NodeId(number))))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn start_of(ends: &[usize], id: NodeId) -> usize {
    match id.index() {
        0 => 0,
        index => ends[index - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_number_however_its_key_is_composed() {
        let mut nodes = NodeTable::default();
        let whole = nodes.intern(ResourceType(2), b"ns", &b"over/lay/k"[..]);
        assert_eq!(nodes.intern(ResourceType(2), b"ns", Key::snapshot(b"over", b"lay/k")), whole);
        assert_eq!(nodes.intern(ResourceType(2), b"ns", Key::snapshot(b"over/lay", b"k")), whole);
        assert_ne!(nodes.intern(ResourceType(2), b"n", &b"sover/lay/k"[..]), whole);
        let flat = nodes.retype(whole, ResourceType(0x22));
        assert_eq!(nodes.retype(flat, ResourceType(2)), whole);
        assert_eq!(nodes.get(flat).key, b"over/lay/k");
        assert_eq!(nodes.len(), 3);
    }
}
