//! A collector of resources outside the database, as data: what it would answer when it is asked.
//!
//! containerd's plugins may register collectors (`RegisterCollectibleResource`, from 1.7.0-beta.0); streams are
//! one, from 2.2 on mounts another. During a collection each is started, asked for its active and leased
//! resources, told what is removed, and in the end finished or cancelled. What it answers does not change
//! during a collection, so it is a value here; which calls it got is part of a collection's outcome.

use crate::node::{Node, ResourceType};
use crate::release::Release;

/// A collector registered for one resource type.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Collector {
    /// The type for which it is registered. One collector a type.
    pub resource_type: ResourceType,
    /// `containerd.io/gc.ref.<this>` labels refer to its resources; empty means that it has none.
    pub reference_label: Vec<u8>,
    /// `StartCollection` fails: the collector is skipped for the round.
    pub start_error: bool,
    /// What `All` sends.
    pub all: Vec<Node>,
    /// What `Active` sends.
    pub active: Vec<Active>,
    /// What `Leased` sends.
    pub leased: Vec<Leased>,
    /// What `ActiveWithBackRefs` reports besides the active resources (from 2.2).
    pub active_back_references: Vec<BackReference>,
    /// What `References` sends for a node (from 2.4). One entry a node.
    pub references: Vec<(Node, Vec<Node>)>,
    /// `Cancel` returns an error, which is only logged.
    pub cancel_error: bool,
    /// `Finish` returns an error, which is only logged.
    pub finish_error: bool,
}

/// A resource that is in use.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Active {
    /// Sent when this namespace is asked for; usually the node's own.
    pub for_namespace: Box<[u8]>,
    /// The resource.
    pub node: Node,
}

/// A resource that a lease holds.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Leased {
    /// Sent when a lease of this namespace is asked for; usually the node's own.
    pub for_namespace: Box<[u8]>,
    /// The lease's id.
    pub lease: Box<[u8]>,
    /// The resource.
    pub node: Node,
}

/// A back reference: `to` is kept while `from` is reached.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct BackReference {
    /// Sent when this namespace is asked for.
    pub for_namespace: Box<[u8]>,
    /// The parent.
    pub from: Node,
    /// The child, which attaches itself.
    pub to: Node,
}

impl Collector {
    /// A collector that lists nothing.
    pub fn new(resource_type: ResourceType) -> Collector {
        Collector {
            resource_type,
            reference_label: Vec::new(),
            start_error: false,
            all: Vec::new(),
            active: Vec::new(),
            leased: Vec::new(),
            active_back_references: Vec::new(),
            references: Vec::new(),
            cancel_error: false,
            finish_error: false,
        }
    }

    /// The same plugin in a daemon of another release, with that release's numbers; absent where it cannot be
    /// registered there. Nodes of kinds that the release lacks fall away from what it answers.
    pub fn renumbered(&self, from: Release, to: Release) -> Option<Collector> {
        let resource_type = to.collector_type(from.kind_of(self.resource_type))?;
        let node = |node: &Node| {
            let resource_type = from.number_in(to, node.resource_type)?;
            Some(Node { resource_type, ..node.clone() })
        };
        let active = |active: &Active| Some(Active { node: node(&active.node)?, ..active.clone() });
        let leased = |leased: &Leased| Some(Leased { node: node(&leased.node)?, ..leased.clone() });
        let back = |back: &BackReference| {
            Some(BackReference { from: node(&back.from)?, to: node(&back.to)?, ..back.clone() })
        };
        let reference =
            |(from, to): &(Node, Vec<Node>)| Some((node(from)?, to.iter().filter_map(node).collect()));
        Some(Collector {
            resource_type,
            reference_label: self.reference_label.clone(),
            all: self.all.iter().filter_map(node).collect(),
            active: self.active.iter().filter_map(active).collect(),
            leased: self.leased.iter().filter_map(leased).collect(),
            active_back_references: self.active_back_references.iter().filter_map(back).collect(),
            references: self.references.iter().filter_map(reference).collect(),
            ..*self
        })
    }
}
