//! What makes a collection fail, for whoever has to mend the database.
//!
//! containerd's error does not say where it arose. The engine ran into one such bucket; here are all that would stop it,
//! each with what can be done about it:
//!
//! ```text
//!   ingest whose expireat does not decode        its writer gives it up
//!   snapshot in "over/lay", looked for in "over" a client removes it, or keeps it
//!   what a collector names and nobody has        only the plugin with that collector can be mended
//! ```

use super::error::Error;
use super::outcome::Outcome;
use super::phases::phases;
use crate::bucket::View;
use crate::node::{Kind, Node, NodeRef};
use crate::schema::{names, time, views};
use crate::situation::Situation;

/// A node that stops a collection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Culprit {
    /// The node.
    pub node: Node,
    /// What helps.
    pub remedy: Remedy,
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
/// `expireat` does not decode; what refers to a snapshot that names no snapshotter, and that itself where it is a root; the
/// object whose removal bbolt refused. None where there is no error.
pub fn culprits(situation: &Situation, outcome: &Outcome) -> Vec<Culprit> {
    let with = |remedy| move |node| Culprit { node, remedy };
    match &outcome.error {
        None | Some(Error::Canceled | Error::Injected | Error::Refused(_)) => Vec::new(),
        Some(Error::ExpireAt(_)) => {
            undecodable_ingests(situation).into_iter().map(with(Remedy::Abort)).collect()
        }
        // Labels and records always name a snapshotter: only a collector can leave it out.
        Some(Error::InvalidSnapshotKey(key)) => {
            referring_to(situation, key).into_iter().map(with(Remedy::Plugin)).collect()
        }
        // The sweep stops at the object that it was to remove.
        Some(Error::ScanAndRemove(_)) => {
            let last = outcome.removed.last().map(|id| outcome.nodes.get(*id).to_node());
            last.map(|node| Culprit { remedy: of_removal(situation, &node), node }).into_iter().collect()
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

fn referring_to(situation: &Situation, key: &[u8]) -> Vec<Node> {
    let phases = phases(situation, None);
    let invalid = phases.references.iter().filter(|(_, _, error)| error.is_some()).map(|(id, ..)| *id);
    let invalid: Vec<_> = invalid.filter(|id| phases.nodes.get(*id).key == key).collect();
    let refers = phases.references.iter().filter(|(_, found, _)| found.iter().any(|id| invalid.contains(id)));
    let roots = phases.roots.iter().filter(|root| invalid.contains(root));
    let mut culprits: Vec<Node> =
        refers.map(|(id, ..)| id).chain(roots).map(|id| phases.nodes.get(*id).to_node()).collect();
    culprits.sort_unstable();
    culprits.dedup();
    culprits
}
