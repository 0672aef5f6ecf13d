//! What the collector talks about: nodes.
//!
//! A node is a resource type, a namespace and a key, exactly as in containerd's `gc.Node`. The type is
//! the release's own number (`release.rs` has the table), an 8-bit value whose bit 0x20 marks a *flat*
//! visit: the node is kept without what its labels refer to, and of a snapshot its parent, of an image its target, flat
//! again. A node need not exist in the database: labels
//! may name anything, and the collector follows such dead edges without complaint.
//!
//! ```text
//! default/content/sha256:9f86...          namespace / kind / key
//! default/snapshot/overlayfs/extract-1    a snapshot's key is SNAPSHOTTER/NAME
//! ```
//!
//! This room knows nothing of buckets, labels or releases.

use std::fmt;

/// A resource type as a release numbers it, flat bit included (containerd's `gc.ResourceType`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResourceType(pub u8);

impl ResourceType {
    /// The bit that marks a flat visit (containerd's `resourceContentFlat = ResourceContent | 0x20`).
    pub const FLAT: u8 = 0x20;
    /// The bits that survive in the marked set (`gc.ResourceMax` is 0x1F).
    pub const MASK: u8 = 0x1F;

    /// The type as it stands in the marked set: every bit above 0x1F stripped (`gc.Tricolor`).
    pub fn stripped(self) -> ResourceType {
        ResourceType(self.0 & Self::MASK)
    }

    /// The flat variant of this type.
    pub fn flat(self) -> ResourceType {
        ResourceType(self.0 | Self::FLAT)
    }
}

/// A node that borrows its namespace and key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeRef<'a> {
    /// The release's type number.
    pub resource_type: ResourceType,
    /// Any bytes: a namespace is a bucket's key.
    pub namespace: &'a [u8],
    /// Any bytes; for snapshots `SNAPSHOTTER/NAME`.
    pub key: &'a [u8],
}

/// A node that owns its namespace and key. Ordered by type, namespace, key, as recorded results are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The release's type number.
    pub resource_type: ResourceType,
    /// Any bytes: a namespace is a bucket's key.
    pub namespace: Box<[u8]>,
    /// Any bytes; for snapshots `SNAPSHOTTER/NAME`.
    pub key: Box<[u8]>,
}

impl Node {
    /// A node from its parts.
    pub fn new(resource_type: ResourceType, namespace: &[u8], key: &[u8]) -> Node {
        Node { resource_type, namespace: namespace.into(), key: key.into() }
    }

    /// The same node, borrowed.
    pub fn as_ref(&self) -> NodeRef<'_> {
        NodeRef { resource_type: self.resource_type, namespace: &self.namespace, key: &self.key }
    }
}

impl NodeRef<'_> {
    /// The same node, owned.
    pub fn to_node(self) -> Node {
        Node::new(self.resource_type, self.namespace, self.key)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, key) = (self.namespace.escape_ascii(), self.key.escape_ascii());
        write!(f, "{namespace}/type-{}/{key}", self.resource_type.0)
    }
}

/// What a type number means in some release: containerd's words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A blob: `content/blob/DIGEST`.
    Content,
    /// A snapshot: `snapshots/SNAPSHOTTER/KEY`.
    Snapshot,
    /// A container. A node only from 2.2 on, and never swept.
    Container,
    /// A task. containerd reserves the number and never emits one.
    Task,
    /// An image. A node from 2.0 on.
    Image,
    /// A lease.
    Lease,
    /// An ingest: content that is being written.
    Ingest,
    /// A stream, held by the streaming service's collector (from 1.7).
    Stream,
    /// A mount, held by the mount manager's collector (from 2.2).
    Mount,
    /// Any other number, as collectors may register it.
    Other(u8),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Content => "content",
            Kind::Snapshot => "snapshot",
            Kind::Container => "container",
            Kind::Task => "task",
            Kind::Image => "image",
            Kind::Lease => "lease",
            Kind::Ingest => "ingest",
            Kind::Stream => "stream",
            Kind::Mount => "mount",
            Kind::Other(number) => return f.pad(&format!("type-{number}")),
        })
    }
}
