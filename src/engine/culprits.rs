//! What makes a collection fail, for whoever has to mend the database.
//!
//! containerd's error does not say where it arose. The engine ran into one such bucket; here are all that would stop it,
//! each with what can be done about it:
//!
//! ```text
//!   ingest whose expireat does not decode        its writer gives it up
//!   snapshot in "over/lay", looked for in "over" a client removes it, or keeps it
//!   snapshot without a snapshotter               only the plugin whose collector names it can be mended
//! ```
//!
//! What refers to a snapshot without a snapshotter need not know of it: a collector's back reference lets an image that is
//! sound lead there. So the snapshot is named, and with it the collector.

use super::error::Error;
use super::nodes::NodeId;
use super::outcome::{Call, Outcome};
use super::phases::{Phases, phases};
use crate::bucket::View;
use crate::collector::Collector;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::schema::{names, time, views};
use crate::situation::Situation;

/// A node that stops a collection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Culprit {
    /// The node.
    pub node: Node,
    /// What helps.
    pub remedy: Remedy,
    /// Who says that there is such a node, where the database does not.
    pub named_by: Vec<Naming>,
}

/// That a collector names a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Naming {
    /// The collector's type.
    pub collector: ResourceType,
    /// As what.
    pub named_as: NamedAs,
}

/// As what a collector names a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NamedAs {
    /// As in use (`Active`).
    Active,
    /// As held by this lease (`Leased`).
    Leased(Node),
    /// As kept while this node is reached (`ActiveWithBackRefs`, from 2.2).
    BackReference(Node),
    /// As what this node refers to (`References`, from 2.4).
    Reference(Node),
}

/// What can be done so that a collection succeeds again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Remedy {
    /// A client deletes the ingest.
    Abort,
    /// A client removes the object, or keeps it, so that no collection tries to.
    RemoveOrKeep,
    /// No client can help: a collector names what cannot be, or is not there.
    Plugin,
}

/// The nodes without which a collection would not have failed in this way, in the order of the database: ingests whose
/// `expireat` does not decode; a snapshot that names no snapshotter, with the collectors that name it; the object whose removal
/// bbolt refused. None where there is no error.
pub fn culprits(situation: &Situation, outcome: &Outcome) -> Vec<Culprit> {
    let with = |remedy| move |node| Culprit { node, remedy, named_by: Vec::new() };
    match &outcome.error {
        None | Some(Error::Canceled | Error::Injected | Error::Refused(_)) => Vec::new(),
        Some(Error::ExpireAt(_)) => {
            undecodable_ingests(situation).into_iter().map(with(Remedy::Abort)).collect()
        }
        // Labels and records always name a snapshotter: only a collector can leave it out.
        Some(Error::InvalidSnapshotKey(key)) => without_snapshotter(situation, outcome, key),
        // The sweep stops at the object that it was to remove.
        Some(Error::ScanAndRemove(_)) => {
            let last = outcome.removed.last().map(|id| outcome.nodes.get(*id).to_node());
            last.map(|node| with(of_removal(situation, &node))(node)).into_iter().collect()
        }
    }
}

/// What the database has, and the sweep looks for elsewhere, can be removed or kept; the rest a collector made up.
fn of_removal(situation: &Situation, node: &Node) -> Remedy {
    let kind = situation.release.kind_of(node.resource_type);
    match views::has(&situation.tree, kind, &node.namespace, &node.key) {
        true => Remedy::RemoveOrKeep,
        false => Remedy::Plugin,
    }
}

fn undecodable_ingests(situation: &Situation) -> Vec<Node> {
    let Some(resource_type) = situation.release.type_of(Kind::Ingest) else { return Vec::new() };
    let namespaces = situation.tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let ingests = namespaces.flat_map(|(namespace, bucket)| {
        let ingests = bucket.at(&[names::CONTENT, names::INGESTS]).into_iter().flat_map(View::buckets);
        ingests.map(move |(reference, ingest)| (namespace, reference, ingest))
    });
    let is_undecodable = |ingest: View<'_>| {
        ingest.get(names::EXPIRE_AT).is_some_and(|expire_at| time::from_binary(expire_at).is_err())
    };
    let stopping = ingests.filter(|(_, _, ingest)| is_undecodable(*ingest));
    stopping.map(|(namespace, key, _)| NodeRef { resource_type, namespace, key }.to_node()).collect()
}

/// The snapshots of this key that the collection comes to: of the database's nodes every one has a snapshotter.
fn without_snapshotter(situation: &Situation, outcome: &Outcome, key: &[u8]) -> Vec<Culprit> {
    let phases = phases(situation, None);
    let reached = reached(&phases);
    let refused = phases.references.iter().filter(|(id, _, error)| error.is_some() && reached[id.index()]);
    let nodes = refused.map(|(id, ..)| phases.nodes.get(*id)).filter(|node| node.key == key);
    let is_reached = |node: &Node| {
        let mut nodes = phases.nodes.iter();
        nodes.any(|(id, other)| reached[id.index()] && other == node.as_ref())
    };
    let mut culprits: Vec<Culprit> = nodes
        .map(|node| {
            let collectors = situation.collectors.iter();
            let namings = collectors.flat_map(|collector| {
                let named_as = named_by(collector, node, situation, outcome, is_reached);
                let collector = collector.resource_type;
                named_as.into_iter().map(move |named_as| Naming { collector, named_as })
            });
            Culprit { node: node.to_node(), remedy: Remedy::Plugin, named_by: namings.collect() }
        })
        .collect();
    culprits.sort_unstable();
    culprits
}

/// By number: what marking comes to from the roots.
fn reached(phases: &Phases) -> Vec<bool> {
    let mut leads_to: Vec<&[NodeId]> = vec![&[]; phases.nodes.len()];
    for (id, found, _) in &phases.references {
        leads_to[id.index()] = found;
    }
    let mut reached = vec![false; phases.nodes.len()];
    let mut pending = phases.roots.clone();
    while let Some(id) = pending.pop() {
        if !std::mem::replace(&mut reached[id.index()], true) {
            pending.extend(leads_to[id.index()]);
        }
    }
    reached
}

/// As what a collector names a node, of what it was asked for in a collection.
fn named_by(
    collector: &Collector,
    node: NodeRef<'_>,
    situation: &Situation,
    outcome: &Outcome,
    is_reached: impl Fn(&Node) -> bool,
) -> Vec<NamedAs> {
    let rules = situation.release.rules();
    let was_asked = |call: Call| {
        let mut calls = outcome.calls.iter();
        calls.any(|called| called.resource_type == collector.resource_type && called.call == call)
    };
    let was_asked_in = |namespace: &[u8]| was_asked(Call::Active(namespace.into()));
    let mut named = Vec::new();
    let mut active = collector.active.iter().filter(|active| active.node.as_ref() == node);
    named.extend(active.any(|active| was_asked_in(&active.for_namespace)).then_some(NamedAs::Active));
    for leased in collector.leased.iter().filter(|leased| leased.node.as_ref() == node) {
        let (namespace, lease) = (&leased.for_namespace, &leased.lease);
        if was_asked(Call::Leased(namespace.clone(), lease.clone()))
            && let Some(resource_type) = situation.release.type_of(Kind::Lease)
        {
            let lease = Node { resource_type, namespace: namespace.clone(), key: lease.clone() };
            named.push(NamedAs::Leased(lease));
        }
    }
    let back = collector.active_back_references.iter().filter(|back| {
        let counts = rules.back_references && was_asked_in(&back.for_namespace);
        counts && back.to.as_ref() == node && is_reached(&back.from)
    });
    named.extend(back.map(|back| NamedAs::BackReference(back.from.clone())));
    let references = collector.references.iter().filter(|(from, to)| {
        let counts = rules.collector_references && from.resource_type == collector.resource_type;
        counts && was_asked(Call::Label) && to.iter().any(|to| to.as_ref() == node) && is_reached(from)
    });
    named.extend(references.map(|(from, _)| NamedAs::Reference(from.clone())));
    named
}
