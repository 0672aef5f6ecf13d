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
use crate::scenario::{Expiry, Line, Name, NewSnapshot, NodeName, Resource, Step};
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
        // Whatever came of it, it may have reached its object.
        self.forget(namespace, &line.step);
        if applied.refused.is_none() {
            self.begin_lease(namespace, &line.step, before.now());
            let written = written(namespace, &line.step, before.release());
            let holder = match (before.lease(client), &written) {
                (Some(lease), _) => Some(Holder::Lease(lease.to_vec())),
                (None, Some(NodeName { kind: Kind::Ingest, .. })) => {
                    Some(Holder::Until(before.now().plus(INGEST_LIFE)))
                }
                (None, _) => None,
            };
            self.written.extend(written.zip(holder));
        }
    }

    /// What is taken away, or may have been, is promised no longer.
    fn forget(&mut self, namespace: &[u8], step: &Step) {
        let node = |kind, key| named(namespace, kind, key);
        let gone = match step {
            Step::RawPut { .. }
            | Step::RawBucket { .. }
            | Step::RawDelete { .. }
            | Step::RawSequence { .. }
            | Step::Release(_)
            | Step::Crash
            | Step::NamespaceDelete { .. } => {
                *self = Promises::default();
                return;
            }
            Step::LeaseDelete { lease, .. } => {
                self.leases.remove(&(namespace.to_vec(), lease.clone()));
                return;
            }
            Step::LeaseDrop { lease, resources } => {
                let dropped: Vec<NodeName> =
                    resources.iter().filter_map(|resource| held(namespace, resource)).collect();
                self.written.retain(|node, holder| !(holder.is(lease) && dropped.contains(node)));
                return;
            }
            Step::ContentAbort { reference } | Step::ContentCommit { reference, .. } => {
                node(Kind::Ingest, reference)
            }
            Step::ContentPut { digest, .. } => node(Kind::Ingest, digest),
            Step::ContentDelete { digest } => node(Kind::Content, digest),
            Step::SnapshotRemove { snapshot } | Step::SnapshotCommit { snapshot, .. } => {
                snapshot_node(namespace, &snapshot.snapshotter, &snapshot.key)
            }
            // One without an expiry was entered into no lease, and may get one now.
            Step::ImageDelete { image, .. }
            | Step::ImageUpdate { image, .. }
            | Step::ImageLabel { image, .. } => node(Kind::Image, image),
            _ => return,
        };
        self.written.remove(&gone);
    }

    /// A lease that is created holds nothing of what an earlier one of its name held.
    fn begin_lease(&mut self, namespace: &[u8], step: &Step, now: Instant) {
        let Step::LeaseCreate { lease, expire, labels, .. } = step else { return };
        let is_by_hand = labels.as_slice().iter().any(|(key, _)| key.starts_with(GC_LABELS));
        let until = match expire {
            None => Some(None),
            // It is written in whole seconds: the last of them is not promised.
            Some(Expiry::In(after)) if *after > SECOND => Some(Some(now.plus(*after - SECOND))),
            Some(_) => None,
        };
        let is_its = |node: &NodeName| node.namespace.as_deref() == Some(namespace);
        self.written.retain(|node, holder| !(holder.is(lease) && is_its(node)));
        let lease = (namespace.to_vec(), lease.clone());
        match until.filter(|_| !is_by_hand) {
            Some(until) => self.leases.insert(lease, until),
            None => self.leases.remove(&lease),
        };
    }
}

impl Holder {
    fn is(&self, lease: &Name) -> bool {
        matches!(self, Holder::Lease(own) if own == lease)
    }
}

/// What a step that was accepted has written, if it is something that a lease holds.
fn written(namespace: &[u8], step: &Step, release: Release) -> Option<NodeName> {
    Some(match step {
        Step::ContentOpen { reference, .. } => named(namespace, Kind::Ingest, reference),
        Step::ContentCommit { digest, .. } | Step::ContentPut { digest, .. } => {
            named(namespace, Kind::Content, digest)
        }
        Step::SnapshotPrepare(NewSnapshot { snapshot, .. })
        | Step::SnapshotView(NewSnapshot { snapshot, .. }) => {
            snapshot_node(namespace, &snapshot.snapshotter, &snapshot.key)
        }
        Step::SnapshotCommit { snapshot, name, .. } => snapshot_node(namespace, &snapshot.snapshotter, name),
        // Leases hold images from 2.0 on.
        Step::ImageCreate { image, .. } if release >= Release::V2_0 => named(namespace, Kind::Image, image),
        _ => return None,
    })
}

/// What a lease holds as a node.
fn held(namespace: &[u8], resource: &Resource) -> Option<NodeName> {
    Some(match resource {
        Resource::Content(digest) => named(namespace, Kind::Content, digest),
        Resource::Snapshot(snapshot) => snapshot_node(namespace, &snapshot.snapshotter, &snapshot.key),
        Resource::Ingest(reference) => named(namespace, Kind::Ingest, reference),
        Resource::Image(name) => named(namespace, Kind::Image, name),
        Resource::Other { .. } => return None,
    })
}

fn named(namespace: &[u8], kind: Kind, key: &[u8]) -> NodeName {
    NodeName::new(Some(namespace.to_vec()), kind, key.to_vec())
}

fn snapshot_node(namespace: &[u8], snapshotter: &[u8], key: &[u8]) -> NodeName {
    named(namespace, Kind::Snapshot, &[snapshotter, key].join(&b'/'))
}

fn is_there(tree: &Bucket, node: &NodeName) -> bool {
    views::has(tree, node.kind, node.namespace.as_deref().unwrap_or_default(), &node.key)
}
