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

use super::check::{Checks, Property, Unheld, shown};
use crate::bucket::{Bucket, Entry, View};
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::engine::{Fault, Outcome, Request, collect_with};
use crate::instant::Instant;
use crate::node::{Kind, Node};
use crate::oracle::{Judgement, times};
use crate::schema::names;
use crate::situation::Situation;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Checks every relation of a collection that ran.
pub(super) fn check_relations(
    checks: &mut Checks,
    request: &Request<'_>,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
    fault: Option<Fault>,
) {
    // A context that is cancelled at the k-th root depends on how many there are, and in which order.
    if request.cancel_at_root.is_some() {
        return;
    }
    let base = Fates::of(outcome);
    let relation = Relation { request, base: &base, fault };
    checks.add(Property::Renaming, Some(relation.renaming()));
    checks.add(Property::CreationOrder, Some(relation.creation_order()));
    checks.add(Property::UnrelatedNamespace, relation.unrelated_namespace(outcome));
    checks.add(Property::ExtraLease, relation.extra_lease(outcome, judgement));
    checks.add(Property::MeaninglessLabel, Some(relation.meaningless_label(outcome)));
    checks.add(Property::TimeInterval, relation.time_interval());
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

    fn renamed(&self) -> Fates {
        let rename = |nodes: &BTreeSet<Node>| nodes.iter().map(renamed_node).collect();
        Fates {
            marked: self.marked.as_ref().map(rename),
            removed: rename(&self.removed),
            has_failed: self.has_failed,
        }
    }

    /// The first thing in which others differ from these.
    fn difference(&self, request: &Request<'_>, others: &Fates) -> Option<Unheld> {
        if self.has_failed != others.has_failed {
            let word = if others.has_failed { "fails" } else { "no longer fails" };
            return Some(format!("the collection {word}").into());
        }
        let differs = |node: &Node, word| {
            let text = format!("{} {word}", shown(request.situation.release, node.as_ref()));
            Some(Unheld { text, node: Some(node.clone()) })
        };
        if let Some(node) = self.removed.symmetric_difference(&others.removed).next() {
            return differs(node, if self.removed.contains(node) { "stays" } else { "is removed" });
        }
        let (own, others) = (self.marked.as_ref()?, others.marked.as_ref()?);
        let node = own.symmetric_difference(others).next()?;
        differs(node, if own.contains(node) { "is no longer marked" } else { "is marked" })
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

    fn held(&self, expected: &Fates, seen: &Fates, change: &str) -> Result<(), Unheld> {
        match expected.difference(self.request, seen) {
            None => Ok(()),
            Some(Unheld { text, node }) => Err(Unheld { text: format!("{change}: {text}"), node }),
        }
    }

    /// Names are replaced by others, one to one; separators stay.
    fn renaming(&self) -> Result<(), Unheld> {
        let tree = renamed_tree(&self.request.situation.tree);
        let collectors = self.request.situation.collectors.iter().map(renamed_collector).collect();
        let seen = self.fates(&Situation {
            tree,
            collectors: Arc::new(collectors),
            ..self.request.situation.clone()
        });
        let held = self.held(&self.base.renamed(), &seen, "with every name replaced");
        // The database has no node of such a name.
        held.map_err(|unheld| Unheld { node: None, ..unheld })
    }

    /// When and in which order things were created is set to the same for all.
    fn creation_order(&self) -> Result<(), Unheld> {
        let tree = without_creation(&self.request.situation.tree);
        let seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        self.held(self.base, &seen, "with all times of creation alike")
    }

    /// Objects get labels that mean nothing, with what was removed as their values.
    fn meaningless_label(&self, outcome: &Outcome) -> Result<(), Unheld> {
        let content = self.request.situation.release.type_of(Kind::Content);
        let mut removed = outcome.refs(&outcome.removed).filter(|node| Some(node.resource_type) == content);
        let value = removed.next().map_or(&b"x"[..], |node| node.key);
        let tree = with_labels(&self.request.situation.tree, value);
        let seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        self.held(self.base, &seen, "with labels that mean nothing")
    }

    /// The clock moves without passing an expiry.
    fn time_interval(&self) -> Option<Result<(), Unheld>> {
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
            let change = format!("at {} instead", crate::schema::time::format_rfc3339_nano(moved));
            self.held(self.base, &seen, &change)
        }))
    }

    /// Another namespace has what the first one has, and a lease there holds whatever goes elsewhere.
    fn unrelated_namespace(&self, outcome: &Outcome) -> Option<Result<(), Unheld>> {
        const UNRELATED: &[u8] = b"unrelated";
        let v1 = self.request.situation.tree.bucket(names::V1)?;
        let (_, namespace) = v1.buckets().next()?;
        if self.base.has_failed || v1.entry(UNRELATED).is_some() {
            return None;
        }
        let mut tree = self.request.situation.tree.clone();
        tree.graft(&[names::V1], UNRELATED, &namespace.to_bucket()).ok()?;
        let lease = [names::V1, UNRELATED, names::LEASES, b"everything", names::CONTENT];
        create_path(&mut tree, &lease);
        let content = self.request.situation.release.type_of(Kind::Content);
        for node in outcome.refs(&outcome.removed).filter(|node| Some(node.resource_type) == content) {
            // A value may be in the way of the lease.
            let _refused = tree.put(&lease, node.key, b"");
        }
        let mut seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        let is_own = |node: &Node| *node.namespace != *UNRELATED;
        seen.removed.retain(is_own);
        seen.marked.iter_mut().for_each(|marked| marked.retain(is_own));
        Some(self.held(self.base, &seen, "with an unrelated namespace beside"))
    }

    /// A plain lease holds what is kept in full already.
    fn extra_lease(&self, outcome: &Outcome, judgement: &Judgement<'_>) -> Option<Result<(), Unheld>> {
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
        create_path(&mut tree, &lease);
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
            create_path(&mut tree, &path);
            // An empty key cannot stand there.
            let _refused = tree.put(&path, key, b"");
        }
        tree.bucket(names::V1)?.at(&[namespace, names::LEASES])?.bucket(&id)?;
        let mut seen = self.fates(&Situation { tree, ..self.request.situation.clone() });
        let own = Node::new(lease_type, namespace, &id);
        seen.marked.iter_mut().for_each(|marked| marked.retain(|node| *node != own));
        Some(self.held(self.base, &seen, "with a lease on what is kept anyway"))
    }
}

/// Creates the buckets of a path; where a value is in the way it ends before it.
fn create_path(tree: &mut Bucket, path: &[&[u8]]) {
    for end in 0..path.len() {
        // Most exist already.
        let _exists = tree.create_bucket(&path[..end], path[end]);
    }
}

/// Another name for each name: letters and digits change places, everything else stays.
fn renamed(name: &[u8]) -> Vec<u8> {
    let turn = |byte: u8, first: u8, count: u8| first + (byte - first + count / 2 + 1) % count;
    name.iter()
        .map(|byte| match byte {
            b'a'..=b'z' => turn(*byte, b'a', 26),
            b'0'..=b'9' => turn(*byte, b'0', 10),
            _ => *byte,
        })
        .collect()
}

fn renamed_node(node: &Node) -> Node {
    Node::new(node.resource_type, &renamed(&node.namespace), &renamed(&node.key))
}

fn renamed_collector(collector: &Collector) -> Collector {
    let renamed_box = |name: &[u8]| renamed(name).into_boxed_slice();
    let nodes = |nodes: &[Node]| nodes.iter().map(renamed_node).collect::<Vec<_>>();
    Collector {
        all: nodes(&collector.all),
        active: collector
            .active
            .iter()
            .map(|one| Active {
                for_namespace: renamed_box(&one.for_namespace),
                node: renamed_node(&one.node),
            })
            .collect(),
        leased: collector
            .leased
            .iter()
            .map(|one| Leased {
                for_namespace: renamed_box(&one.for_namespace),
                lease: renamed_box(&one.lease),
                node: renamed_node(&one.node),
            })
            .collect(),
        active_back_references: collector
            .active_back_references
            .iter()
            .map(|one| BackReference {
                for_namespace: renamed_box(&one.for_namespace),
                from: renamed_node(&one.from),
                to: renamed_node(&one.to),
            })
            .collect(),
        references: collector.references.iter().map(|(from, to)| (renamed_node(from), nodes(to))).collect(),
        ..collector.clone()
    }
}

/// What the keys of a bucket are, and how what they hold is to be read on.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Namespaces,
    Namespace,
    Lease,
    /// Names with objects of a kind below.
    Objects(Object),
    Content,
    /// Names with snapshots below, or with names of snapshots in a lease.
    Snapshotters(Object),
    Object(Object),
    /// Names and nothing below them that matters.
    Names,
    Labels,
    Target,
    /// Nothing here is a name.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Lease,
    Blob,
    Ingest,
    Image,
    Container,
    Sandbox,
    Snapshot,
    /// The name of a snapshot in a lease.
    Held,
}

impl Place {
    /// Whether its keys are names.
    fn has_names(self) -> bool {
        matches!(self, Place::Namespaces | Place::Objects(_) | Place::Snapshotters(_) | Place::Names)
    }

    /// What lies under a key.
    fn below(self, key: &[u8]) -> Place {
        match (self, key) {
            (Place::Root, names::V1) => Place::Namespaces,
            (Place::Namespaces, _) => Place::Namespace,
            (Place::Namespace, names::LEASES) => Place::Objects(Object::Lease),
            (Place::Namespace, names::IMAGES) => Place::Objects(Object::Image),
            (Place::Namespace, names::CONTAINERS) => Place::Objects(Object::Container),
            (Place::Namespace, names::SANDBOXES) => Place::Objects(Object::Sandbox),
            (Place::Namespace, names::CONTENT) => Place::Content,
            (Place::Namespace, names::SNAPSHOTS) => Place::Snapshotters(Object::Snapshot),
            (Place::Content, names::BLOB) => Place::Objects(Object::Blob),
            (Place::Content, names::INGESTS) => Place::Objects(Object::Ingest),
            (Place::Snapshotters(object), _) => Place::Objects(object),
            (Place::Objects(Object::Lease), _) => Place::Lease,
            (Place::Objects(object), _) => Place::Object(object),
            (Place::Lease, names::CONTENT | names::INGESTS | names::IMAGES) => Place::Names,
            (Place::Lease, names::SNAPSHOTS) => Place::Snapshotters(Object::Held),
            (Place::Object(Object::Image), names::TARGET) => Place::Target,
            (Place::Object(Object::Snapshot), names::CHILDREN) => Place::Names,
            (Place::Object(Object::Ingest | Object::Held), _) => Place::Other,
            (Place::Object(_), names::LABELS) => Place::Labels,
            _ => Place::Other,
        }
    }

    /// Whether the value under a key is a name.
    fn is_name(self, key: &[u8]) -> bool {
        matches!(
            (self, key),
            (Place::Object(Object::Ingest), names::EXPECTED)
                | (Place::Object(Object::Snapshot), names::PARENT)
                | (Place::Object(Object::Container), names::SNAPSHOTTER | names::SNAPSHOT_KEY)
                | (Place::Target, names::DIGEST)
        )
    }
}

fn renamed_tree(tree: &Bucket) -> Bucket {
    rebuilt(tree, |place, key, value| {
        let new_key = match place {
            Place::Labels => renamed_label(key),
            _ if place.has_names() => renamed(key),
            _ => key.to_vec(),
        };
        let new_value = value.map(|value| match place {
            Place::Labels => renamed_label_value(key, value),
            _ if place.is_name(key) => renamed(value),
            _ => value.to_vec(),
        });
        Some((new_key, new_value))
    })
}

/// Labels that name a snapshotter name it behind these.
const NAMING: [&[u8]; 3] = [names::GC_REF_SNAPSHOT, names::GC_BREF_SNAPSHOT, names::GC_COND_SNAPSHOT];

fn renamed_label(label: &[u8]) -> Vec<u8> {
    let naming = NAMING.into_iter().find(|naming| label.starts_with(naming));
    naming.map_or_else(|| label.to_vec(), |naming| [naming, &renamed(&label[naming.len()..])].concat())
}

/// Times stay, conditions stay up to their bar, everything else is a name.
fn renamed_label_value(label: &[u8], value: &[u8]) -> Vec<u8> {
    if label.starts_with(names::GC_COND_USED_AT) || label == names::GC_EXPIRE {
        return value.to_vec();
    }
    let bar =
        value.iter().position(|byte| *byte == b'|').filter(|_| label.starts_with(names::GC_COND_SNAPSHOT));
    let (kept, name) = value.split_at(bar.map_or(0, |bar| bar + 1));
    [kept, &renamed(name)].concat()
}

fn without_creation(tree: &Bucket) -> Bucket {
    const CREATED: [&[u8]; 2] = [b"createdat", b"updatedat"];
    rebuilt(tree, |place, key, value| {
        let is_time = matches!(place, Place::Object(_) | Place::Lease) && CREATED.contains(&key);
        (!is_time).then(|| (key.to_vec(), value.map(<[u8]>::to_vec)))
    })
}

/// The tree with every entry passed through `change`, sequence numbers left out. What is dropped goes with all below
/// it; where two entries come to the same key the later one counts.
fn rebuilt(
    tree: &Bucket,
    change: impl Fn(Place, &[u8], Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)>,
) -> Bucket {
    let mut rebuilt = Bucket::new();
    let mut pending: Vec<(Vec<Vec<u8>>, Place, View<'_>)> = vec![(Vec::new(), Place::Root, tree.view())];
    while let Some((path, place, bucket)) = pending.pop() {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        for (key, entry) in bucket.iter() {
            let Some((new_key, new_value)) = change(place, key, entry.value()) else { continue };
            match entry {
                Entry::Value(value) => {
                    let value = new_value.unwrap_or_else(|| value.to_vec());
                    rebuilt.put(&keys, &new_key, &value).expect("keys stay apart and as long as they were");
                }
                Entry::Bucket(below) => {
                    rebuilt.create_bucket(&keys, &new_key).expect("keys stay apart and as long as they were");
                    let mut path = path.clone();
                    path.push(new_key);
                    pending.push((path, place.below(key), below));
                }
            }
        }
    }
    rebuilt
}

/// The tree with labels on every object that mean nothing in any release.
fn with_labels(tree: &Bucket, value: &[u8]) -> Bucket {
    const MEANINGLESS: [&[u8]; 4] = [
        b"containerd.io/gc.ref.contentx",
        b"containerd.io/gc.refs.content",
        b"containerd.io/gc.bref.contents",
        b"maintainer",
    ];
    let mut labelled = tree.clone();
    let mut pending: Vec<(Vec<&[u8]>, Place, View<'_>)> = vec![(Vec::new(), Place::Root, tree.view())];
    while let Some((path, place, bucket)) = pending.pop() {
        if matches!(place, Place::Object(Object::Blob | Object::Image | Object::Container | Object::Snapshot))
        {
            let labels = [&path[..], &[names::LABELS]].concat();
            create_path(&mut labelled, &labels);
            for label in MEANINGLESS {
                // What stands there already means nothing either.
                let _refused = labelled.put(&labels, label, value);
            }
            continue;
        }
        for (key, below) in bucket.buckets() {
            pending.push(([&path[..], &[key]].concat(), place.below(key), below));
        }
    }
    labelled
}

/// Every time at which something expires; none where conditions depend on the clock too.
fn times_of(request: &Request<'_>) -> Option<BTreeSet<Instant>> {
    let mut expiries = BTreeSet::new();
    let mut pending = vec![(Place::Root, request.situation.tree.view())];
    while let Some((place, bucket)) = pending.pop() {
        for (key, entry) in bucket.iter() {
            match (place, entry) {
                (_, Entry::Bucket(below)) => pending.push((place.below(key), below)),
                (Place::Object(Object::Ingest), Entry::Value(value)) if key == names::EXPIRE_AT => {
                    expiries.extend(times::binary(value).ok());
                }
                (Place::Labels | Place::Other, Entry::Value(value)) if key == names::GC_EXPIRE => {
                    expiries.extend(times::rfc3339(value));
                }
                (Place::Labels, _)
                    if key.starts_with(names::GC_COND_SNAPSHOT)
                        && request.situation.release.rules().conditional_references =>
                {
                    return None;
                }
                _ => {}
            }
        }
    }
    Some(expiries)
}
