//! Metamorphic relations: changes of a database that must not change what a collection does with the rest.
//!
//! ```text
//!   request ──> collection ──────────────> fates: marked, removed, whether it failed
//!      │                                     ║  must be equal, names mapped
//!      └─ changed ──> collection ──────────> fates
//! ```
//!
//! No verdict of the oracle decides here, so that they hold the engine to something which a mistake in both could not
//! hide; of the oracle they use its reading of times, and which nodes it keeps in full. Each speaks of the collection of
//! the same engine, faults and all.

mod changes;
mod regions;
mod renaming;

use super::checks::{Checks, both};
use super::finding::{Altered, Breach, Variation};
use super::property::Property;
use crate::collector::Collector;
use crate::engine::{Fault, Outcome, Request, collect_with};
use crate::node::{Kind, Node};
use crate::oracle::Judgement;
use crate::schema::names;
use crate::situation::Situation;
use changes::{times_of, with_labels, without_creation};
use renaming::{named_back, renamed_collector, renamed_tree};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Checks every relation of a collection that ran.
pub(super) fn check_relations(
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) -> Checks {
    let mut checks = Checks::NONE;
    // A context that is cancelled at the k-th root depends on how many there are, and in which order.
    if request.cancel_at_root.is_some() {
        return checks;
    }
    let base = Fates::of(outcome);
    let relation = Relation { request, base: &base, fault };
    let (renaming, creation) = both(outcome, || relation.renaming(), || relation.creation_order());
    let namespace = || relation.unrelated_namespace(outcome);
    let (namespace, lease) = both(outcome, namespace, || relation.extra_lease(outcome, judgement));
    let (label, interval) =
        both(outcome, || relation.meaningless_label(outcome), || relation.time_interval());
    let release = request.situation.release;
    checks.add(release, Property::Renaming, renaming);
    checks.add(release, Property::CreationOrder, Some(creation));
    checks.add(release, Property::UnrelatedNamespace, namespace);
    checks.add(release, Property::ExtraLease, lease);
    checks.add(release, Property::MeaninglessLabel, Some(label));
    checks.add(release, Property::TimeInterval, interval);
    checks
}

/// What became of the nodes.
#[derive(PartialEq, Eq, Debug)]
struct Fates {
    marked: Option<BTreeSet<Node>>,
    /// Nothing where the collection failed: how far it came depends on order.
    removed: BTreeSet<Node>,
    has_failed: bool,
}

impl Fates {
    fn of(outcome: &Outcome) -> Fates {
        let has_failed = outcome.error.is_some();
        // An error in marking and one in sweeping may hide each other where both would come.
        let marked = outcome.marked().filter(|_| !has_failed);
        let removed = if has_failed { &[][..] } else { &outcome.removed };
        Fates {
            marked: marked.map(|marked| marked.into_iter().map(|node| node.to_node()).collect()),
            removed: outcome.refs(removed).map(|node| node.to_node()).collect(),
            has_failed,
        }
    }

    /// The same with the names that were there before they were replaced.
    fn named_back(&self) -> Fates {
        let named_back = |nodes: &BTreeSet<Node>| nodes.iter().map(named_back).collect();
        Fates {
            marked: self.marked.as_ref().map(named_back),
            removed: named_back(&self.removed),
            has_failed: self.has_failed,
        }
    }

    /// The first thing in which others differ from these.
    fn difference(&self, others: &Fates) -> Option<Altered> {
        if self.has_failed != others.has_failed {
            return Some(Altered::Fails(others.has_failed));
        }
        if let Some(node) = self.removed.symmetric_difference(&others.removed).next() {
            return Some(Altered::Removed(node.clone(), others.removed.contains(node)));
        }
        let (own, others) = (self.marked.as_ref()?, others.marked.as_ref()?);
        let node = own.symmetric_difference(others).next()?;
        Some(Altered::Marked(node.clone(), others.contains(node)))
    }
}

struct Relation<'r> {
    request: &'r Request<'r>,
    base: &'r Fates,
    fault: Option<Fault>,
}

impl Relation<'_> {
    fn fates(&self, changed: &Situation) -> Fates {
        Fates::of(&collect_with(&Request { situation: changed, ..*self.request }, self.fault))
    }

    /// Whether a changed database has the fates of the given one.
    fn held(&self, seen: &Fates, change: Variation) -> Result<(), Breach> {
        let difference = self.base.difference(seen);
        difference.map_or(Ok(()), |difference| Err(Breach::Related { change, difference }))
    }

    /// Names are replaced by others, one to one; separators stay. Not asked where a collector's label ends with what
    /// would be a snapshotter's name in a label of containerd's own: of the two only one could be replaced.
    fn renaming(&self) -> Option<Result<(), Breach>> {
        let names_a_snapshotter = |collector: &Collector| {
            [&b"snapshot."[..], b"snapshot/"].iter().any(|begin| collector.reference_label.starts_with(begin))
        };
        if self.request.situation.collectors.iter().any(names_a_snapshotter) {
            return None;
        }
        let tree = renamed_tree(&self.request.situation.tree);
        let collectors = self.request.situation.collectors.iter().map(renamed_collector).collect();
        let seen = self.fates(&Situation {
            tree,
            collectors: Arc::new(collectors),
            ..self.request.situation.clone()
        });
        // In the names of the case, by which a reader finds the node.
        Some(self.held(&seen.named_back(), Variation::Renamed))
    }

    /// When and in which order things were created is set to the same for all.
    fn creation_order(&self) -> Result<(), Breach> {
        let tree = without_creation(&self.request.situation.tree);
        let seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        self.held(&seen, Variation::CreatedAlike)
    }

    /// Objects get labels that mean nothing, with what was removed as their values.
    fn meaningless_label(&self, outcome: &Outcome) -> Result<(), Breach> {
        let content = self.request.situation.release.type_of(Kind::Content);
        let mut removed = outcome.refs(&outcome.removed).filter(|node| Some(node.resource_type) == content);
        let value = removed.next().map_or(&b"x"[..], |node| node.key);
        let tree = with_labels(&self.request.situation.tree, value);
        let seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        self.held(&seen, Variation::Labelled)
    }

    /// The clock moves without passing an expiry.
    fn time_interval(&self) -> Option<Result<(), Breach>> {
        let times = times_of(self.request)?;
        let now = self.request.situation.now;
        let tick = Duration::from_nanos(1);
        let last = times.range(now..).next().copied();
        let first = times.range(..now).next_back().map(|expiry| expiry.plus(tick));
        // Far from every expiry any time will do.
        const YEAR: Duration = Duration::from_secs(31_557_600);
        let moves = [first.unwrap_or(now), last.unwrap_or_else(|| now.plus(YEAR))];
        Some(moves.into_iter().try_for_each(|moved| {
            let seen = self.fates(&Situation { now: moved, ..self.request.situation.clone() });
            self.held(&seen, Variation::At(moved))
        }))
    }

    /// Another namespace has what the first one has, and a lease there holds whatever goes elsewhere.
    fn unrelated_namespace(&self, outcome: &Outcome) -> Option<Result<(), Breach>> {
        const UNRELATED: &[u8] = b"unrelated";
        let v1 = self.request.situation.tree.bucket(names::V1)?;
        let (_, namespace) = v1.buckets().next()?;
        if self.base.has_failed || v1.entry(UNRELATED).is_some() {
            return None;
        }
        let mut tree = self.request.situation.tree.clone();
        tree.graft(&[names::V1], UNRELATED, &namespace.to_bucket()).ok()?;
        let lease = [names::V1, UNRELATED, names::LEASES, b"everything", names::CONTENT];
        // A value may be in the way of the lease.
        let _refused = tree.create_path(&lease);
        let content = self.request.situation.release.type_of(Kind::Content);
        for node in outcome.refs(&outcome.removed).filter(|node| Some(node.resource_type) == content) {
            let _refused = tree.put(&lease, node.key, b"");
        }
        let mut seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        let is_own = |node: &Node| *node.namespace != *UNRELATED;
        seen.removed.retain(is_own);
        seen.marked.iter_mut().for_each(|marked| marked.retain(is_own));
        Some(self.held(&seen, Variation::NamespaceBeside))
    }

    /// A plain lease holds what is kept in full already.
    fn extra_lease(&self, outcome: &Outcome, judgement: &Judgement<'_>) -> Option<Result<(), Breach>> {
        let release = self.request.situation.release;
        let v1 = self.request.situation.tree.bucket(names::V1)?;
        let (namespace, bucket) = v1.buckets().next()?;
        let lease_type = release.type_of(Kind::Lease)?;
        // Its name comes right behind a lease that goes, where a walk could stumble over it.
        let mut gone = outcome.refs(&outcome.removed).filter(|node| node.resource_type == lease_type);
        let behind = gone.find(|node| node.namespace == namespace).map_or(&b"~"[..], |node| node.key);
        let id = [behind, b"~"].concat();
        if bucket.at(&[names::LEASES]).is_some_and(|leases| leases.entry(&id).is_some()) {
            return None;
        }
        let mut tree = self.request.situation.tree.clone();
        let lease = [names::V1, namespace, names::LEASES, &id];
        tree.create_path(&lease).ok()?;
        for node in outcome.marked()? {
            let held: &[&[u8]] = match release.kind_of(node.resource_type) {
                _ if node.namespace != namespace || !judgement.keeps_in_full(node) => continue,
                Kind::Content => &[names::CONTENT, node.key],
                Kind::Ingest => &[names::INGESTS, node.key],
                Kind::Image => &[names::IMAGES, node.key],
                Kind::Snapshot => {
                    let Some(slash) = node.key.iter().position(|byte| *byte == b'/') else { continue };
                    &[names::SNAPSHOTS, &node.key[..slash], &node.key[slash + 1..]]
                }
                _ => continue,
            };
            let (key, below) = held.split_last().expect("a kind and a key");
            let path = [&lease[..], below].concat();
            // A snapshotter without a name, or an empty key, cannot stand there.
            let _refused = tree.create_path(&path);
            let _refused = tree.put(&path, key, b"");
        }
        let mut seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        let own = Node::new(lease_type, namespace, &id);
        seen.marked.iter_mut().for_each(|marked| marked.retain(|node| *node != own));
        Some(self.held(&seen, Variation::Leased))
    }
}
