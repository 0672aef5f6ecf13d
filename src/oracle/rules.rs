//! The words for why something is kept, or is not.

use super::conditions::Misread;
use super::defects::Defect;
use super::times::UndecodableTime;
use crate::instant::Instant;
use crate::named::named;
use crate::node::{Node, ResourceType};
use std::fmt;

named! {
    /// By which rule a thing is kept: first what makes roots, then what one node refers to.
    pub enum Rule {}
    LiveLease, "live lease" => "A lease that has not expired.";
    LeaseHolds, "held by lease" => "A lease that has not expired lists it.";
    CollectorLeased, "leased by collector" => "A collector says that a lease that has not expired holds it.";
    UnexpiredImage, "image" => "An image that has not expired (from 2.0, where images are nodes).";
    ActiveIngest, "active ingest" => "An ingest that has not expired.";
    RootLabel, "root label" => "A label pins it.";
    Container, "container" => "A container (from 2.2, where containers are nodes).";
    CollectorActive, "active in collector" => "A collector says that it is in use.";
    Target, "image target" => "It is an image's target.";
    ContainerSnapshot, "container snapshot" => "It is a container's snapshot.";
    Parent, "snapshot parent" => "It is a snapshot's parent.";
    Expected, "expected by ingest" => "It is what an ingest is to become.";
    ContentLabel, "content reference" => "A label `gc.ref.content` names it.";
    SnapshotLabel, "snapshot reference" => "A label `gc.ref.snapshot` names it.";
    ImageLabel, "image reference" => "A label `gc.ref.image` names it (from 2.0).";
    CollectorLabel, "collector reference label" => "A collector's reference label names it.";
    BackReference, "back reference" => "Its own label names what keeps it (from 2.2).";
    CollectorBackReference, "collector back reference" => "A collector names what keeps it (from 2.2).";
    Condition, "conditional reference" => "A conditional label names it and the condition holds (from 2.3).";
    CollectorReference, "collector reference" => "A collector refers to it (from 2.4).";
}

/// Who keeps a root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Holder<'a> {
    /// Nobody else: it is a root by itself.
    Itself,
    /// A lease that lives.
    Lease {
        /// Its namespace.
        namespace: &'a [u8],
        /// Its id.
        id: &'a [u8],
    },
    /// An image, where images are no nodes.
    Image {
        /// Its namespace.
        namespace: &'a [u8],
        /// Its name.
        name: &'a [u8],
    },
    /// A container, where containers are no nodes.
    Container {
        /// Its namespace.
        namespace: &'a [u8],
        /// Its id.
        id: &'a [u8],
    },
    /// A sandbox, which is never a node.
    Sandbox {
        /// Its namespace.
        namespace: &'a [u8],
        /// Its id.
        id: &'a [u8],
    },
    /// A collector.
    Collector {
        /// The type for which it is registered.
        resource_type: ResourceType,
    },
}

/// Why a node is kept: one of its reasons, from a shortest chain to a root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reason<'a> {
    /// The type under which it is reached; with the flat bit its own references may not count.
    pub reached_as: ResourceType,
    /// The rule.
    pub rule: Rule,
    /// The label that says so, where one does.
    pub label: Option<&'a [u8]>,
    /// Who keeps it.
    pub by: By<'a>,
}

/// Who keeps a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum By<'a> {
    /// It is a root.
    Root(Holder<'a>),
    /// A node that is kept itself, with the type under which it is reached.
    Node(Node),
}

/// What might have kept a node and did not, the nearest first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Failure<'a> {
    /// The lease has expired.
    LeaseExpired {
        /// When.
        at: Instant,
    },
    /// A lease lists it and has expired.
    HolderExpired {
        /// The lease.
        lease: Node,
        /// When.
        at: Instant,
    },
    /// The image has expired.
    ImageExpired {
        /// When.
        at: Instant,
    },
    /// The ingest has expired.
    IngestExpired {
        /// When.
        at: Instant,
    },
    /// The ingest has no `expireat`.
    IngestWithoutExpiry,
    /// The ingest's `expireat` does not decode.
    IngestUndecodable {
        /// Why.
        error: UndecodableTime,
    },
    /// A condition does not hold.
    ConditionUnmet {
        /// The node with the condition.
        by: Node,
        /// Its label.
        label: &'a [u8],
        /// The snapshot has a time of use, for which it could hold.
        is_used: bool,
    },
    /// It refers back to a parent that does not exist, which keeps nothing where the rules are as intended.
    ParentMissing {
        /// The parent.
        by: Node,
        /// The label.
        label: Option<&'a [u8]>,
    },
    /// A node refers to it and is not kept itself.
    ReferrerRemoved {
        /// The node.
        by: Node,
        /// The rule by which it would have kept it.
        rule: Rule,
        /// The label that says so, where one does.
        label: Option<&'a [u8]>,
        /// When the node itself has expired, if that is why.
        expired: Option<Instant>,
    },
    /// A node refers to it and is kept, but reached in a way in which this reference does not count.
    ReferrerNotFull {
        /// The node, with the type that would have counted.
        by: Node,
        /// The rule by which it would have kept it.
        rule: Rule,
        /// The label that says so, where one does.
        label: Option<&'a [u8]>,
        /// Why the node is kept all the same.
        reason: Reason<'a>,
    },
    /// A node that refers to it is kept, but not in full, which this might have kept it in and did not.
    OfReferrer {
        /// The node that refers to it.
        by: Node,
        /// What failed of that node.
        failure: Box<Failure<'a>>,
    },
    /// It is kept, but listed with a type that is never found in the marked set.
    ListedWithType {
        /// The type.
        resource_type: ResourceType,
        /// Why it is kept.
        reason: Reason<'a>,
    },
    // What follows no rule knows; it only looks so.
    /// A label of something else names it, but is none that the release reads there.
    LabelNotRead {
        /// What has the label.
        by: By<'a>,
        /// The label.
        label: &'a [u8],
    },
    /// A condition of something else names it and cannot be read.
    ConditionMisread {
        /// What has the label.
        by: By<'a>,
        /// The label.
        label: &'a [u8],
        /// Where it cannot be read.
        misread: Misread<'a>,
    },
    /// It has a label that is none which the release reads there.
    OwnLabelNotRead {
        /// The label.
        label: &'a [u8],
        /// It has a bucket for its value.
        is_bucket: bool,
    },
    /// A snapshot stands on it, or names it by a label, that is never looked up: its snapshotter's name has a slash.
    ReferrerNotFound {
        /// The snapshot.
        by: By<'a>,
        /// The label.
        label: Option<&'a [u8]>,
    },
    /// A collector says that a lease holds it that does not exist.
    LeaseMissing {
        /// The lease.
        lease: Node,
    },
    /// A collector would name it when asked for a namespace that does not exist.
    NamespaceMissing {
        /// The type for which the collector is registered.
        resource_type: ResourceType,
        /// The namespace.
        namespace: &'a [u8],
    },
    /// A collector would name it, but does not start.
    CollectorFailed {
        /// The type for which the collector is registered.
        resource_type: ResourceType,
    },
    /// A label of something else names it, that of a collector which does not start.
    CollectorLabelFailed {
        /// What has the label.
        by: By<'a>,
        /// The label.
        label: &'a [u8],
        /// The type for which the collector is registered.
        resource_type: ResourceType,
    },
    /// A collector would name it, but is not asked so in the release.
    CollectorNotAsked {
        /// The type for which the collector is registered.
        resource_type: ResourceType,
    },
    /// Another node of its name is held or referred to: of another namespace, snapshotter or kind.
    Elsewhere {
        /// By whom.
        by: By<'a>,
        /// By which rule.
        rule: Rule,
        /// The label that says so, where one does.
        label: Option<&'a [u8]>,
        /// The other node.
        other: Node,
    },
}

impl Failure<'_> {
    /// Whether something has expired, the node itself or what would have kept it directly.
    pub fn is_of_expiry(&self) -> bool {
        match self {
            Failure::LeaseExpired { .. }
            | Failure::HolderExpired { .. }
            | Failure::ImageExpired { .. }
            | Failure::IngestExpired { .. } => true,
            Failure::ReferrerRemoved { expired, .. } => expired.is_some(),
            _ => false,
        }
    }

    /// The defect without which this would not have failed, where it is one.
    pub fn defect(&self) -> Option<Defect> {
        matches!(self, Failure::ListedWithType { .. }).then_some(Defect::FlatTypeNeverMarked)
    }
}

impl<'a> Failure<'a> {
    /// What would have kept the node, and the label by which.
    pub fn mentions(&self) -> (Option<By<'a>>, Option<&'a [u8]>) {
        match self {
            Failure::HolderExpired { lease, .. } | Failure::LeaseMissing { lease } => {
                (Some(By::Node(lease.clone())), None)
            }
            Failure::ConditionUnmet { by, label, .. } => (Some(By::Node(by.clone())), Some(label)),
            Failure::ParentMissing { by, label }
            | Failure::ReferrerRemoved { by, label, .. }
            | Failure::ReferrerNotFull { by, label, .. } => (Some(By::Node(by.clone())), *label),
            Failure::LabelNotRead { by, label }
            | Failure::ConditionMisread { by, label, .. }
            | Failure::CollectorLabelFailed { by, label, .. } => (Some(by.clone()), Some(label)),
            Failure::Elsewhere { by, label, .. } | Failure::ReferrerNotFound { by, label } => {
                (Some(by.clone()), *label)
            }
            Failure::OwnLabelNotRead { label, .. } => (None, Some(label)),
            Failure::OfReferrer { by, failure } => (Some(By::Node(by.clone())), failure.mentions().1),
            Failure::NamespaceMissing { resource_type, .. }
            | Failure::CollectorFailed { resource_type }
            | Failure::CollectorNotAsked { resource_type } => {
                (Some(By::Root(Holder::Collector { resource_type: *resource_type })), None)
            }
            Failure::LeaseExpired { .. }
            | Failure::ImageExpired { .. }
            | Failure::IngestExpired { .. }
            | Failure::IngestWithoutExpiry
            | Failure::IngestUndecodable { .. }
            | Failure::ListedWithType { .. } => (None, None),
        }
    }
}

/// What a collection may report instead of succeeding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RunError {
    /// Marking met an ingest whose `expireat` does not decode.
    Undecodable(UndecodableTime),
    /// Marking met a snapshot whose key names no snapshotter.
    InvalidSnapshotKey(Box<[u8]>),
    /// Sweeping had to remove a bucket that is not there.
    BucketNotFound,
    /// Sweeping had to remove a bucket where a value stands.
    IncompatibleValue,
}

impl RunError {
    /// containerd's text, byte by byte: a key in it need not be UTF-8.
    pub fn text(&self) -> Vec<u8> {
        match self {
            RunError::Undecodable(error) => error.to_string().into_bytes(),
            RunError::InvalidSnapshotKey(key) => [b"invalid snapshot gc key ", &key[..]].concat(),
            RunError::BucketNotFound => b"failed to scan and remove: bucket not found".to_vec(),
            RunError::IncompatibleValue => b"failed to scan and remove: incompatible value".to_vec(),
        }
    }

    /// Whether it ends the marking; if not, the sweep.
    pub fn is_of_marking(&self) -> bool {
        matches!(self, RunError::Undecodable(_) | RunError::InvalidSnapshotKey(_))
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}
