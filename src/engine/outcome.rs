//! What a collection gives.

use super::error::Error;
use super::nodes::{NodeId, NodeTable};
use crate::bucket::Bucket;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use std::collections::BTreeSet;
use std::fmt;

/// What a collection did, and the tree as it is afterwards.
#[derive(Clone)]
pub struct Outcome {
    /// Every node that the collection met; the lists below hold its numbers.
    pub nodes: NodeTable,
    /// The roots in the order in which they were emitted, repeats included.
    pub roots: Vec<NodeId>,
    /// By number: whether the node is marked. Absent if marking failed.
    pub(super) marked: Option<Vec<bool>>,
    /// What was handed to removal, in order, up to and including a node that failed.
    pub removed: Vec<NodeId>,
    /// Every resource that the sweep walked, in order; none if marking failed, all there are if nothing did.
    pub walked: Vec<NodeId>,
    /// The tree afterwards; the tree as it was if there is an error.
    pub after: Bucket,
    /// Every call that a collector got, `References` excepted.
    pub calls: Vec<CollectorCall>,
    /// Which backends have to clean up.
    pub dirty: Dirty,
    /// What containerd logs.
    pub log: Vec<LogEvent>,
    /// Why the collection failed.
    pub error: Option<Error>,
    /// How many nodes' references were looked up while marking.
    pub lookups: usize,
    /// How many buckets of the database were to be deleted while sweeping.
    pub removals: usize,
}

impl Outcome {
    pub(super) fn unchanged(tree: &Bucket) -> Outcome {
        Outcome {
            nodes: NodeTable::default(),
            roots: Vec::new(),
            marked: None,
            removed: Vec::new(),
            walked: Vec::new(),
            after: tree.clone(),
            calls: Vec::new(),
            dirty: Dirty::default(),
            log: Vec::new(),
            error: None,
            lookups: 0,
            removals: 0,
        }
    }

    /// Whether a node, by its number, is marked; false where marking failed.
    pub fn is_marked(&self, id: NodeId) -> bool {
        let marked = self.marked.as_ref().and_then(|marked| marked.get(id.index()));
        marked.copied().unwrap_or_default()
    }

    /// Whether marking succeeded.
    pub fn has_marked(&self) -> bool {
        self.marked.is_some()
    }

    /// The marked nodes sorted by type, namespace and key, those that do not exist included; absent if marking
    /// failed.
    pub fn marked(&self) -> Option<Vec<NodeRef<'_>>> {
        self.marked.as_ref()?;
        let marked = self.nodes.iter().filter(|(id, _)| self.is_marked(*id));
        let mut marked: Vec<NodeRef<'_>> = marked.map(|(_, node)| node).collect();
        marked.sort_unstable();
        Some(marked)
    }

    /// The nodes behind a list of numbers.
    pub fn refs<'a>(&'a self, ids: &'a [NodeId]) -> impl ExactSizeIterator<Item = NodeRef<'a>> {
        ids.iter().map(|id| self.nodes.get(*id))
    }
}

/// Which backends lost something and are cleaned up after the collection (`DB.dirtySS`, `DB.dirtyCS`). They are
/// noted before a removal is tried, so a failed collection leaves them noted too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dirty {
    /// Snapshotters that lost snapshots.
    pub snapshotters: BTreeSet<Box<[u8]>>,
    /// Whether blobs or ingests were lost.
    pub content: bool,
}

/// One call to one collector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectorCall {
    /// The collector's type.
    pub resource_type: ResourceType,
    /// What was called.
    pub call: Call,
}

/// The calls of containerd's `Collector` and `CollectionContext`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// `StartCollection`.
    Start,
    /// `ReferenceLabel`.
    Label,
    /// `Active` of a namespace.
    Active(Box<[u8]>),
    /// `Leased` of a namespace and a lease.
    Leased(Box<[u8]>, Box<[u8]>),
    /// `All`.
    All,
    /// `Remove` of a node.
    Remove(Node),
    /// `Finish`.
    Finish,
    /// `Cancel`.
    Cancel,
}

/// How important a log event is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Only of interest while debugging.
    Debug,
    /// Of interest to an operator.
    Info,
    /// Something went wrong.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Error => "error",
        })
    }
}

/// One event of containerd's log; level, message and fields are rendered on demand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogEvent {
    /// A lease's or an image's `gc.expire` does not parse, so it never expires.
    InvalidExpiration {
        /// A lease or an image.
        object: Kind,
        /// The lease's id or the image's name.
        name: Box<[u8]>,
        /// The label's value.
        value: Box<[u8]>,
        /// Go's parse error.
        error: String,
    },
    /// A lease has expired (logged from 2.0).
    ExpiredLease {
        /// The lease's id.
        name: Box<[u8]>,
    },
    /// A blob, an ingest or, from 2.3, an image goes.
    Remove {
        /// `content`, `ingest` or `image`.
        object: &'static str,
        /// The digest, the reference or the name.
        key: Box<[u8]>,
    },
    /// A snapshot goes.
    RemoveSnapshot {
        /// The part of the node's key before its first slash.
        snapshotter: Box<[u8]>,
        /// The part after it.
        key: Box<[u8]>,
    },
    /// A node whose type has no removal and no collector.
    NoRemove {
        /// The node's key.
        key: Box<[u8]>,
        /// The node's type.
        resource_type: ResourceType,
    },
    /// A snapshotter will be cleaned up.
    ScheduleSnapshotter {
        /// Its name.
        snapshotter: Box<[u8]>,
    },
    /// The content store will be cleaned up.
    ScheduleContent,
    /// A collector's `Finish` or `Cancel` failed.
    CollectorFailed {
        /// `finish` or `cancel`.
        call: &'static str,
        /// The collector's type, which is a field from 2.2 on.
        resource_type: Option<ResourceType>,
    },
}

impl LogEvent {
    /// The level at which containerd logs it.
    pub fn level(&self) -> Level {
        match self {
            LogEvent::InvalidExpiration { .. } | LogEvent::NoRemove { .. } => Level::Info,
            LogEvent::CollectorFailed { .. } => Level::Error,
            _ => Level::Debug,
        }
    }

    /// containerd's message.
    pub fn message(&self) -> String {
        match self {
            LogEvent::InvalidExpiration { value, .. } => {
                format!("ignoring invalid expiration value {}", go_quoted(value))
            }
            LogEvent::ExpiredLease { .. } => "expired lease".to_owned(),
            LogEvent::Remove { object, .. } => format!("remove {object}"),
            LogEvent::RemoveSnapshot { .. } => "remove snapshot".to_owned(),
            LogEvent::NoRemove { .. } => "no remove defined for resource".to_owned(),
            LogEvent::ScheduleSnapshotter { .. } => "schedule snapshotter cleanup".to_owned(),
            LogEvent::ScheduleContent => "schedule content cleanup".to_owned(),
            LogEvent::CollectorFailed { call, .. } => format!("failed to {call} collection context"),
        }
    }

    /// The fields in the order in which containerd adds them.
    pub fn fields(&self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            LogEvent::InvalidExpiration { object, name, error, .. } => {
                let object = if *object == Kind::Image { "image" } else { "lease" };
                vec![("error", error.clone().into_bytes()), (object, name.to_vec())]
            }
            LogEvent::ExpiredLease { name } => vec![("lease", name.to_vec())],
            LogEvent::Remove { object: "ingest", key } => vec![("ref", key.to_vec())],
            LogEvent::Remove { key, .. } => vec![("key", key.to_vec())],
            LogEvent::RemoveSnapshot { snapshotter, key } => {
                vec![("key", key.to_vec()), ("snapshotter", snapshotter.to_vec())]
            }
            LogEvent::NoRemove { key, resource_type } => {
                vec![("ref", key.to_vec()), ("type", resource_type.0.to_string().into_bytes())]
            }
            LogEvent::ScheduleSnapshotter { snapshotter } => vec![("snapshotter", snapshotter.to_vec())],
            LogEvent::ScheduleContent => Vec::new(),
            LogEvent::CollectorFailed { resource_type, .. } => {
                let number = resource_type.map(|resource_type| resource_type.0.to_string().into_bytes());
                number.map(|number| ("type", number)).into_iter().collect()
            }
        }
    }
}

/// A value as Go's `%q` prints it.
fn go_quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\u{7}' => text.push_str("\\a"),
                '\u{8}' => text.push_str("\\b"),
                '\u{c}' => text.push_str("\\f"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\u{b}' => text.push_str("\\v"),
                '\0'..='\u{1f}' | '\u{7f}' => text.push_str(&format!("\\x{:02x}", u32::from(character))),
                _ if character.is_control() => text.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text
}
