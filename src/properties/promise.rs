//! What the daemon promises to those who write: what is put under a lease that lives is there after the next
//! collection, and so is an ingest within its day.
//!
//! ```text
//!   lease create pull expire=+1h     the lease lives for an hour
//!   content put layer                promised while it does
//!   lease drop pull content/layer    no longer
//! ```
//!
//! The book is kept from the steps and their answers, and asks neither the oracle nor the engine: what both of them
//! overlooked is missed here. It promises less than the daemon does where more would have to be read out of the database: of
//! leases whose label for the expiry was written by hand, and after raw edits.

use super::finding::Breach;
use crate::bucket::Bucket;
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{Expiry, Line, Name, NodeName, Resource, SnapshotName, Step};
use crate::schema::views;
use crate::world::{Applied, Collected, World};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an ingest lives that no lease holds (`contentStore.Writer`).
const INGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);
/// The prefix of labels that a lease's creator can write its expiry with.
const GC_LABELS: &[u8] = b"containerd.io/gc.";

/// The book.
#[derive(Clone, Default)]
pub(super) struct Promises {
    /// The leases that live, by namespace and id, until when.
    leases: BTreeMap<(Name, Name), Option<Instant>>,
    /// What was written, and who holds it.
    written: BTreeMap<NodeName, Holder>,
}

#[derive(Clone)]
enum Holder {
    Lease(Name),
    Until(Instant),
}

impl Promises {
    /// Holds a collection to the book. None where nothing was promised, or where it failed.
    pub(super) fn held(&mut self, collected: &Collected) -> Option<Result<(), Breach>> {
        let before = &collected.before;
        self.written.retain(|node, _| is_there(&before.tree, node));
        // One that was removed at its end does not come back when the clock is set back.
        self.leases.retain(|(namespace, id), _| views::has(&before.tree, Kind::Lease, namespace, id));
        let now = before.now;
        let live = |(node, holder): &(&NodeName, &Holder)| match holder {
            Holder::Until(end) => now <= *end,
            Holder::Lease(lease) => {
                let namespace = node.namespace.clone().unwrap_or_default();
                let until = self.leases.get(&(namespace, lease.clone()));
                until.is_some_and(|until| until.is_none_or(|until| now <= until))
            }
        };
        let mut promised = self.written.iter().filter(live).peekable();
        promised.peek()?;
        if collected.outcome.error.is_some() {
            return None;
        }
        let lost = promised.find(|(node, _)| !is_there(&collected.outcome.after, node));
        Some(lost.map_or(Ok(()), |(node, holder)| {
            let lease = match holder {
                Holder::Lease(lease) => Some(lease.clone()),
                Holder::Until(_) => None,
            };
            Err(Breach::PromiseBroken { node: node.clone(), lease })
        }))
    }

    /// Takes note of a step.
    pub(super) fn note(&mut self, before: &World, line: &Line, applied: &Applied) {
        let client = line.client.as_ref();
        let Some(namespace) = before.namespace(client) else { return };
        let node =
            |kind, key: &[u8]| NodeName { namespace: Some(namespace.to_vec()), kind, key: key.to_vec() };
        let snapshot = |SnapshotName { snapshotter, key }: &SnapshotName, name: Option<&Name>| {
            node(Kind::Snapshot, &[snapshotter, name.unwrap_or(key)].map(Vec::as_slice).join(&b'/'))
        };
        // Whatever came of it, it may have reached its object.
        match &line.step {
            Step::RawPut { .. }
            | Step::RawBucket { .. }
            | Step::RawDelete { .. }
            | Step::RawSequence { .. } => {
                *self = Promises::default();
            }
            Step::Release(_) | Step::NamespaceDelete { .. } => *self = Promises::default(),
            Step::LeaseDelete { lease, .. } => drop(self.leases.remove(&(namespace.to_vec(), lease.clone()))),
            Step::LeaseDrop { lease, resources } => {
                let dropped = |resource: &Resource| match resource {
                    Resource::Content(digest) => Some(node(Kind::Content, digest)),
                    Resource::Snapshot(name) => Some(snapshot(name, None)),
                    Resource::Ingest(reference) => Some(node(Kind::Ingest, reference)),
                    Resource::Image(name) => Some(node(Kind::Image, name)),
                    Resource::Other { .. } => None,
                };
                let dropped: Vec<NodeName> = resources.iter().filter_map(dropped).collect();
                let is_of = |holder: &Holder| matches!(holder, Holder::Lease(own) if own == lease);
                self.written.retain(|node, holder| !(is_of(holder) && dropped.contains(node)));
            }
            Step::ContentAbort { reference } => drop(self.written.remove(&node(Kind::Ingest, reference))),
            Step::ContentCommit { reference, .. } => {
                self.written.remove(&node(Kind::Ingest, reference));
            }
            Step::ContentPut { digest, .. } => drop(self.written.remove(&node(Kind::Ingest, digest))),
            Step::ContentDelete { digest } => drop(self.written.remove(&node(Kind::Content, digest))),
            Step::SnapshotRemove { snapshot: name } | Step::SnapshotCommit { snapshot: name, .. } => {
                self.written.remove(&snapshot(name, None));
            }
            Step::ImageDelete { image, .. } => drop(self.written.remove(&node(Kind::Image, image))),
            _ => {}
        }
        if applied.refused.is_some() {
            return;
        }
        let written = match &line.step {
            Step::LeaseCreate { lease, expire, labels, .. } => {
                let is_by_hand = labels.as_slice().iter().any(|(key, _)| key.starts_with(GC_LABELS));
                let until = match expire {
                    None => Some(None),
                    // It is written in whole seconds: the last of them is not promised.
                    Some(Expiry::In(after)) if *after > SECOND => {
                        Some(Some(before.now().plus(*after - SECOND)))
                    }
                    Some(_) => None,
                };
                let until = until.filter(|_| !is_by_hand);
                // It holds nothing of what an earlier one of its name held.
                let is_held = |node: &NodeName, holder: &Holder| {
                    matches!(holder, Holder::Lease(own) if own == lease)
                        && node.namespace.as_deref() == Some(namespace)
                };
                self.written.retain(|node, holder| !is_held(node, holder));
                let lease = (namespace.to_vec(), lease.clone());
                match until {
                    Some(until) => self.leases.insert(lease, until),
                    None => self.leases.remove(&lease),
                };
                return;
            }
            Step::ContentOpen { reference, .. } => node(Kind::Ingest, reference),
            Step::ContentCommit { digest, .. } | Step::ContentPut { digest, .. } => {
                node(Kind::Content, digest)
            }
            Step::SnapshotPrepare(new) | Step::SnapshotView(new) => snapshot(&new.snapshot, None),
            Step::SnapshotCommit { snapshot: name, name: committed, .. } => snapshot(name, Some(committed)),
            // Leases hold images from 2.0 on.
            Step::ImageCreate { image, .. } if before.release() >= Release::V2_0 => node(Kind::Image, image),
            _ => return,
        };
        let holder = match (before.lease(client), written.kind) {
            (Some(lease), _) => Holder::Lease(lease.to_vec()),
            (None, Kind::Ingest) => Holder::Until(before.now().plus(INGEST_LIFE)),
            (None, _) => return,
        };
        self.written.insert(written, holder);
    }
}

fn is_there(tree: &Bucket, node: &NodeName) -> bool {
    views::has(tree, node.kind, node.namespace.as_deref().unwrap_or_default(), &node.key)
}
