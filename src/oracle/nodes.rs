//! Every node that a question mentions, each with a small number.
//!
//! A node is interned once, its type stripped to the bits that the keep set knows; a [`Visit`] is a node together
//! with the bits that were stripped, because a flat visit and a full visit of one node are two facts. Keys borrow
//! from the tree and are never put together: a snapshot's key stays in its parts.

use crate::node::{Node, NodeRef, ResourceType};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};

/// A node's number among those that a question mentions.
pub type NodeId = u32;

/// A node and the three type bits above 0x1F under which it is reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Visit {
    /// The node.
    pub node: NodeId,
    /// The bits, shifted down: 0 is a full visit.
    pub high: u8,
}

impl Visit {
    /// A full visit of a plain type.
    pub const FULL: u8 = 0;
    /// The bit 0x20 alone.
    pub const FLAT: u8 = ResourceType::FLAT >> 5;
}

/// A node's key. A snapshot's text is `SNAPSHOTTER/NAME`, of which the parts are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    snapshotter: Option<&'a [u8]>,
    /// What a snapshotter's name has after its first slash, where names are cut there.
    middle: Option<&'a [u8]>,
    name: &'a [u8],
}

impl<'a> Key<'a> {
    pub(super) fn plain(name: &'a [u8]) -> Key<'a> {
        Key { snapshotter: None, middle: None, name }
    }

    /// A snapshot's key by its parts, which stay apart whatever slashes they contain.
    pub(super) fn snapshot(snapshotter: &'a [u8], name: &'a [u8]) -> Key<'a> {
        Key { snapshotter: Some(snapshotter), middle: None, name }
    }

    /// A snapshot's key as the text of its parts is understood: `over/lay` and `k` are `over` and `lay/k`.
    pub(super) fn snapshot_cut(snapshotter: &'a [u8], name: &'a [u8]) -> Key<'a> {
        match cut_at_slash(snapshotter) {
            Some((before, after)) => Key { snapshotter: Some(before), middle: Some(after), name },
            None => Key::snapshot(snapshotter, name),
        }
    }

    /// A snapshot's key from one text. Without a slash it belongs to no snapshot.
    pub(super) fn snapshot_text(text: &'a [u8]) -> Key<'a> {
        match cut_at_slash(text) {
            Some((snapshotter, name)) => Key::snapshot(snapshotter, name),
            None => Key::plain(text),
        }
    }

    /// Whether the key has the slash that every snapshot's key needs.
    pub(super) fn has_snapshotter(self) -> bool {
        self.snapshotter.is_some()
    }

    /// What the whole text of a snapshot's key has before its first slash.
    pub(super) fn before_slash(self) -> Option<&'a [u8]> {
        let snapshotter = self.snapshotter?;
        Some(cut_at_slash(snapshotter).map_or(snapshotter, |(before, _)| before))
    }

    /// The whole text.
    pub(super) fn text(self) -> Vec<u8> {
        self.parts().fold(Vec::new(), |mut text, part| {
            text.extend_from_slice(part);
            text
        })
    }

    /// Whether the whole text may end in a name: its last part tells most others apart.
    pub(super) fn may_end(self, name: &[u8]) -> bool {
        name.ends_with(self.name) || self.name.ends_with(name)
    }

    fn parts(self) -> impl Iterator<Item = &'a [u8]> {
        let slash = |part: Option<&'a [u8]>| part.map(|part| [part, b"/"]).into_iter().flatten();
        slash(self.snapshotter).chain(slash(self.middle)).chain([self.name])
    }

    /// Whether this is the whole text.
    fn is_text(self, text: &[u8]) -> bool {
        let mut rest = Some(text);
        for part in self.parts() {
            rest = rest.and_then(|rest| rest.strip_prefix(part));
        }
        rest == Some(b"")
    }

    /// What follows the snapshotter, where it is not one slice.
    fn joined(self) -> Option<Vec<u8>> {
        self.middle.map(|middle| [middle, b"/", self.name].concat())
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same_name = match (self.middle, other.middle) {
            (None, None) => self.name == other.name,
            _ => {
                let (left, right) = (self.joined(), other.joined());
                left.as_deref().unwrap_or(self.name) == right.as_deref().unwrap_or(other.name)
            }
        };
        same_name && self.snapshotter == other.snapshotter
    }
}

/// Cuts a text at its first slash.
pub(super) fn cut_at_slash(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = text.iter().position(|byte| *byte == b'/')?;
    Some((&text[..slash], &text[slash + 1..]))
}

/// One interned node and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// Stripped.
    pub(super) resource_type: ResourceType,
    /// The database has it.
    pub(super) exists: bool,
    pub(super) namespace: NamespaceId,
    pub(super) key: Key<'a>,
}

impl Entry<'_> {
    /// The type with the bits of a visit.
    pub(super) fn type_in(&self, high: u8) -> ResourceType {
        ResourceType(self.resource_type.0 | high << 5)
    }
}

/// A namespace's number in [`Nodes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NamespaceId(u32);

/// All nodes, found by what they are and by their number.
pub(super) struct Nodes<'a> {
    entries: Vec<Entry<'a>>,
    /// Each with its hash.
    table: HashTable<(NodeId, u32)>,
    namespaces: Vec<&'a [u8]>,
    namespace_table: HashTable<NamespaceId>,
    /// Seeded anew each time; only look-ups are made, so that no order of it reaches a result.
    hasher: DefaultHashBuilder,
    snapshot: ResourceType,
    /// The snapshotters with a slash, which only keys that are not cut have.
    slashed: BTreeSet<&'a [u8]>,
}

impl<'a> Nodes<'a> {
    /// No nodes; `snapshot` is the type whose keys have parts.
    pub(super) fn new(snapshot: ResourceType) -> Nodes<'a> {
        let hasher = DefaultHashBuilder::default();
        Nodes {
            entries: Vec::with_capacity(16),
            table: HashTable::with_capacity(28),
            namespaces: Vec::new(),
            namespace_table: HashTable::new(),
            hasher,
            snapshot,
            slashed: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn at(&self, node: NodeId) -> &Entry<'a> {
        &self.entries[node as usize]
    }

    pub(super) fn at_mut(&mut self, node: NodeId) -> &mut Entry<'a> {
        &mut self.entries[node as usize]
    }

    /// The name of a node's namespace.
    pub(super) fn namespace_of(&self, node: NodeId) -> &'a [u8] {
        self.namespaces[self.at(node).namespace.0 as usize]
    }

    /// The node of a visit, with all its type bits.
    pub(super) fn node(&self, Visit { node, high }: Visit) -> Node {
        let entry = self.at(node);
        Node::new(entry.type_in(high), self.namespace_of(node), &entry.key.text())
    }

    /// Whether a visit is that of a node, with all its type bits.
    pub(super) fn is_node(&self, visit: Visit, node: NodeRef<'_>) -> bool {
        let entry = self.at(visit.node);
        entry.type_in(visit.high) == node.resource_type
            && self.namespace_of(visit.node) == node.namespace
            && entry.key.is_text(node.key)
    }

    /// The number of a namespace.
    pub(super) fn namespace(&mut self, name: &'a [u8]) -> NamespaceId {
        if let Some(id) = self.find_namespace(name) {
            return id;
        }
        let count = self.namespaces.len();
        let id = NamespaceId(u32::try_from(count).expect("fewer than 2^32 namespaces fit into memory"));
        self.namespaces.push(name);
        let (hasher, namespaces) = (&self.hasher, &self.namespaces);
        let hash = |id: &NamespaceId| hasher.hash_one(namespaces[id.0 as usize]);
        self.namespace_table.insert_unique(hash(&id), id, hash);
        id
    }

    pub(super) fn find_namespace(&self, name: &[u8]) -> Option<NamespaceId> {
        let hash = self.hasher.hash_one(name);
        self.namespace_table.find(hash, |id| self.namespaces[id.0 as usize] == name).copied()
    }

    /// The node of a stripped type.
    pub(super) fn intern(
        &mut self,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: Key<'a>,
    ) -> NodeId {
        let hash = self.hash_of(resource_type, namespace, key);
        if let Some(id) = self.find_hashed(hash, resource_type, namespace, key) {
            return id;
        }
        let id = NodeId::try_from(self.entries.len()).expect("fewer than 2^32 nodes fit into memory");
        if let Some(snapshotter) = key.snapshotter.filter(|name| name.contains(&b'/')) {
            self.slashed.insert(snapshotter);
        }
        self.entries.push(Entry { resource_type, exists: false, namespace, key });
        self.table.insert_unique(spread(hash), (id, hash), |(_, hash)| spread(*hash));
        id
    }

    /// A visit of a node that somebody names as a whole, high bits and all.
    pub(super) fn visit(&mut self, node: NodeRef<'a>) -> Visit {
        let resource_type = node.resource_type.stripped();
        let key = self.key_of(resource_type, node.key);
        let namespace = self.namespace(node.namespace);
        Visit { node: self.intern(resource_type, namespace, key), high: node.resource_type.0 >> 5 }
    }

    /// The number of a node that was mentioned; a snapshot's key cut at its first slash.
    pub(super) fn find(&self, node: NodeRef<'_>) -> Option<NodeId> {
        let resource_type = node.resource_type.stripped();
        let namespace = self.find_namespace(node.namespace)?;
        self.find_key(resource_type, namespace, self.key_of(resource_type, node.key))
    }

    /// The first acceptable one of the nodes that a text may mean: a snapshot's snapshotter may end at any slash.
    pub(super) fn find_any(&self, node: NodeRef<'_>, accept: impl Fn(&NodeId) -> bool) -> Option<NodeId> {
        if let Some(id) = self.find(node).filter(&accept) {
            return Some(id);
        }
        let resource_type = node.resource_type.stripped();
        if resource_type != self.snapshot {
            return None;
        }
        let namespace = self.find_namespace(node.namespace)?;
        self.slashed.iter().find_map(|snapshotter| {
            let name = node.key.strip_prefix(*snapshotter)?.strip_prefix(b"/")?;
            let key = Key::snapshot(snapshotter, name);
            self.find_key(resource_type, namespace, key).filter(&accept)
        })
    }

    fn key_of<'k>(&self, resource_type: ResourceType, text: &'k [u8]) -> Key<'k> {
        if resource_type == self.snapshot { Key::snapshot_text(text) } else { Key::plain(text) }
    }

    /// The number of a node of a stripped type that was mentioned.
    pub(super) fn find_key(
        &self,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: Key<'_>,
    ) -> Option<NodeId> {
        self.find_hashed(self.hash_of(resource_type, namespace, key), resource_type, namespace, key)
    }

    fn find_hashed(
        &self,
        hash: u32,
        resource_type: ResourceType,
        namespace: NamespaceId,
        key: Key<'_>,
    ) -> Option<NodeId> {
        let is_same = |(id, other): &(NodeId, u32)| {
            let entry = self.at(*id);
            *other == hash
                && entry.resource_type == resource_type
                && entry.namespace == namespace
                && entry.key == key
        };
        self.table.find(spread(hash), is_same).map(|(id, _)| *id)
    }

    fn hash_of(&self, resource_type: ResourceType, namespace: NamespaceId, key: Key<'_>) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(u64::from(resource_type.0) << 32 | u64::from(namespace.0));
        // Equality decides, so it does not matter that the snapshotter is left out.
        match key.joined() {
            None => hasher.write(key.name),
            Some(name) => hasher.write(&name),
        }
        let hash = hasher.finish();
        u32::try_from(hash >> 32).expect("the upper half of 64 bits")
    }
}

/// A table looks at both ends of 64 bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: ResourceType = ResourceType(2);

    #[test]
    fn a_cut_key_is_the_key_of_its_text() {
        let mut nodes = Nodes::new(SNAPSHOT);
        let n = nodes.namespace(b"n");
        let cut = nodes.intern(SNAPSHOT, n, Key::snapshot_cut(b"over/lay", b"k"));
        assert_eq!(nodes.intern(SNAPSHOT, n, Key::snapshot_cut(b"over", b"lay/k")), cut);
        assert_eq!(nodes.intern(SNAPSHOT, n, Key::snapshot_text(b"over/lay/k")), cut);
        let flat = Visit { node: cut, high: Visit::FLAT };
        assert_eq!(nodes.node(flat), Node::new(ResourceType(0x22), b"n", b"over/lay/k"));
        let apart = nodes.intern(SNAPSHOT, n, Key::snapshot(b"over/lay", b"k"));
        assert_ne!(apart, cut);
        let text = Node::new(SNAPSHOT, b"n", b"over/lay/k");
        assert_eq!(nodes.find(text.as_ref()), Some(cut));
        assert_eq!(nodes.find_any(text.as_ref(), |_| true), Some(cut));
        assert_eq!(nodes.find_any(text.as_ref(), |id| *id != cut), Some(apart));
    }

    #[test]
    fn type_namespace_and_key_tell_nodes_apart() {
        let mut nodes = Nodes::new(SNAPSHOT);
        let [n, m] = [b"n", b"m"].map(|name| nodes.namespace(name));
        let first = nodes.intern(ResourceType(1), n, Key::plain(b"k"));
        for (number, namespace, key) in [(3, n, b"k"), (1, m, b"k"), (1, n, b"j")] {
            assert_ne!(nodes.intern(ResourceType(number), namespace, Key::plain(key)), first);
        }
        let odd = Node::new(ResourceType(0x41), b"n", b"k");
        assert_eq!(nodes.visit(odd.as_ref()), Visit { node: first, high: 2 });
        assert_eq!(nodes.len(), 4);
    }
}
