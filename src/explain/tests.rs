//! Every claim is tried: on drawn databases under every release by taking things out, letting time pass and asking the
//! engine again.

use super::{Digest, Explainer, Explanation, Held, Holding, Hop, Network, State, Subject};
use crate::bucket::{Bucket, View};
use crate::collector::Collector;
use crate::conformance;
use crate::engine::{collect, phases};
use crate::generate::profile::Swarm;
use crate::generate::seed::Seed;
use crate::generate::trees;
use crate::instant::Instant;
use crate::node::{Kind, Node, NodeRef};
use crate::oracle::{Defects, Holder, Judgement, Rule, judge};
use crate::properties::known::Known;
use crate::release::Release;
use crate::schema::{duration, names, time, views};
use crate::simulate::campaign::{self, Plan};
use crate::simulate::run::{Mode, Thorough, Watch, run};
use crate::situation::Situation;
use crate::stored::{self, Bytes, Snapshots};
use crate::world::Collected;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Every claim about databases drawn at once, written by clients and recorded from real daemons.
#[test]
fn every_claim_holds() {
    try_all(40, 30, 60);
}

#[test]
#[ignore = "minutes: a hundred thousand databases and every recorded row"]
fn every_claim_holds_of_a_hundred_thousand() {
    try_all(8_000, 6_000, 1);
}

/// Tries so many drawn databases and clients' cases under each release, and one recorded row of so many.
fn try_all(drawn: u64, cases: u64, row_every: usize) {
    let seed = &Seed::parse("explain").expect("a seed");
    let of_drawn = (0..drawn).into_par_iter().map(|number| {
        let (mut seen, situation) = (Seen::default(), trees::draw(seed, number));
        for release in Release::ALL {
            try_one(&situation.under(release), &mut seen, &format!("drawn {number} under {release}"));
        }
        seen
    });
    let of_clients = Release::ALL.into_par_iter().flat_map(|release| {
        let known = Known::as_shipped(release);
        let plan = Plan { seed: seed.clone(), release, known, swarm: Swarm::default() };
        let cases = (0..cases).into_par_iter();
        cases.map(move |number| {
            let case = campaign::draw(&plan, number);
            let mode = Mode { release, known, thorough: Thorough::Never };
            let mut watching =
                Watching { seen: Seen::default(), case: format!("case {number} under {release}") };
            let _ = run(&case.scenario().lines, mode, None, &mut watching);
            watching.seen
        })
    });
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/recorded");
    let lines: Vec<_> =
        conformance::read(&[recorded], None).expect("the rows are there").step_by(row_every).collect();
    let of_rows = lines.into_par_iter().map(|line| {
        let (mut seen, row) = (Seen::default(), line.expect("a line").row().expect("a row"));
        if let Some((release, row)) = row {
            try_one(&row.situation(release, None), &mut seen, &format!("row {} under {release}", row.name));
        }
        seen
    });
    let seen = of_drawn.chain(of_clients).chain(of_rows).reduce(Seen::default, Seen::plus);
    println!("{seen:?}");
    let Seen { kept, alone, until, holders, let_go, by_image, .. } = seen;
    let each = [kept, alone, until, holders, let_go, by_image];
    assert!(each.iter().all(|tried| *tried > 0), "claims of every sort: {seen:?}");
}

/// How many claims were tried.
#[derive(Default, Debug)]
struct Seen {
    databases: usize,
    kept: usize,
    alone: usize,
    until: usize,
    holders: usize,
    let_go: usize,
    by_image: usize,
}

impl Seen {
    fn plus(self, other: Seen) -> Seen {
        Seen {
            databases: self.databases + other.databases,
            kept: self.kept + other.kept,
            alone: self.alone + other.alone,
            until: self.until + other.until,
            holders: self.holders + other.holders,
            let_go: self.let_go + other.let_go,
            by_image: self.by_image + other.by_image,
        }
    }
}

/// Tries what each collection of a case begins with.
struct Watching {
    seen: Seen,
    case: String,
}

impl Watch for Watching {
    fn collected(&mut self, collected: &Collected, _: &Judgement<'_>) {
        try_one(&collected.before, &mut self.seen, &self.case);
    }
}

/// The largest databases that are tried: each of their objects is taken out once.
const NODES_MAX: usize = 150;

fn try_one(situation: &Situation, seen: &mut Seen, case: &str) {
    let Some(marked) = marked(situation) else { return };
    let judgement = judge(situation, Defects::as_shipped(situation.release));
    let network = Network::new(judgement.graph());
    let snapshots = &sized(&situation.tree);
    let explainer = Explainer::new(&network, &judgement, situation, Some(snapshots));
    let lengths = lengths(situation);
    let graph = network.graph();
    if graph.nodes() > NODES_MAX {
        return;
    }
    seen.databases += 1;
    let without = Without::new(situation);
    let later = later(situation);
    for id in 0..u32::try_from(graph.nodes()).expect("few") {
        let node = graph.node(id);
        let explanation = explainer.node(id);
        let is_marked = marked.contains(&node);
        let case = format!("{case}, {node:?}: {explanation:?}");
        assert_eq!(explanation.roots > 0, is_marked, "{case}");
        let is_there = views::has(&situation.tree, kind(situation, &node), &node.namespace, &node.key);
        if is_stored(situation, &node) {
            assert_eq!(explanation.state != State::Missing, is_there, "{case}");
        }
        if !is_marked {
            continue;
        }
        seen.kept += 1;
        chain_is_emitted(situation, &explanation, &case);
        let length = explanation.chains.first().map(Vec::len);
        assert_eq!(length, lengths.get(&node).copied(), "no chain is shorter, {case}");
        let alone: BTreeSet<Named> =
            explanation.alone.iter().filter_map(|subject| Named::of(situation, &network, *subject)).collect();
        for (subject, marked) in &without.0 {
            if subject.node() == Some(&node) {
                continue;
            }
            let goes = !marked.contains(&node);
            assert_eq!(goes, alone.contains(subject), "without {subject:?}, {case}");
            seen.alone += usize::from(goes);
        }
        seen.let_go += usize::from(let_go_adds_up(situation, &network, &explanation, &marked, &case));
        if explanation.state == State::Kept && is_stored(situation, &node) {
            let goes = later.iter().find(|(_, marked)| !marked.contains(&node)).map(|(at, _)| *at);
            assert_eq!(explanation.until, goes, "{case}");
            seen.until += usize::from(goes.is_some());
        }
    }
    let digest = Digest::new(&network, &judgement, situation, Some(snapshots));
    digest_adds_up(situation, &network, &digest, &without, &marked, seen, case);
    seen.by_image += images_add_up(situation, &network, &digest, &marked, case);
    let outcome = collect(situation);
    // A sweep that fails stops on its way.
    if outcome.error.is_none() {
        let goes = outcome.refs(&outcome.removed).filter(|node| {
            let kind = situation.release.kind_of(node.resource_type);
            !views::has(&outcome.after, kind, node.namespace, node.key)
        });
        let goes: BTreeSet<_> =
            goes.map(|node| (node.resource_type.stripped(), node.namespace, node.key)).collect();
        assert_eq!(digest.garbage.objects, goes.len() as u64, "{case}");
    }
}

/// Each hop is a root or a reference that the engine emits.
fn chain_is_emitted(situation: &Situation, explanation: &Explanation<'_>, case: &str) {
    let phases = phases(situation, None);
    let roots: BTreeSet<NodeRef<'_>> = phases.roots.iter().map(|id| phases.nodes.get(*id)).collect();
    for chain in &explanation.chains {
        let mut from: Option<Node> = None;
        for Hop { to, .. } in chain {
            let is_emitted = match &from {
                None => roots.contains(&to.as_ref()),
                Some(from) => {
                    let mut references = phases.references.iter();
                    let found = references.find(|(id, ..)| phases.nodes.get(*id) == from.as_ref());
                    found.is_some_and(|(_, to_all, _)| {
                        to_all.iter().any(|id| phases.nodes.get(*id) == to.as_ref())
                    })
                }
            };
            assert!(is_emitted, "{from:?} to {to:?}, {case}");
            from = Some(to.clone());
        }
    }
}

/// How many roots and references the shortest chain to each node has.
fn lengths(situation: &Situation) -> BTreeMap<Node, usize> {
    let phases = phases(situation, None);
    let mut lengths: BTreeMap<NodeRef<'_>, usize> = BTreeMap::new();
    let mut round: Vec<NodeRef<'_>> = phases.roots.iter().map(|id| phases.nodes.get(*id)).collect();
    let mut length = 1;
    while !round.is_empty() {
        round.retain(|node| !lengths.contains_key(node));
        lengths.extend(round.iter().map(|node| (*node, length)));
        let references = phases.references.iter();
        let found = references.filter(|(id, ..)| round.contains(&phases.nodes.get(*id)));
        let next = found.flat_map(|(_, to, _)| to).map(|id| phases.nodes.get(*id)).collect();
        (round, length) = (next, length + 1);
    }
    let mut shortest: BTreeMap<Node, usize> = BTreeMap::new();
    for (node, length) in lengths {
        let node = Node { resource_type: node.resource_type.stripped(), ..node.to_node() };
        let known = shortest.entry(node).or_insert(length);
        *known = length.min(*known);
    }
    shortest
}

fn marked(situation: &Situation) -> Option<BTreeSet<Node>> {
    let outcome = collect(situation);
    let marked = outcome.marked()?;
    Some(marked.into_iter().map(NodeRef::to_node).collect())
}

fn kind(situation: &Situation, node: &Node) -> Kind {
    situation.release.kind_of(node.resource_type)
}

fn is_stored(situation: &Situation, node: &Node) -> bool {
    node.resource_type.0 < situation.release.rules().types.end
}

/// What can be taken out, by name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Named {
    Node(Node),
    Image(Vec<u8>, Vec<u8>),
    Container(Vec<u8>, Vec<u8>),
    Sandbox(Vec<u8>, Vec<u8>),
    Collector(u8),
}

impl Named {
    /// None for what only a collector knows.
    fn of(situation: &Situation, network: &Network<'_, '_>, subject: Subject<'_>) -> Option<Named> {
        Some(match subject {
            Subject::Node(id) => {
                let node = network.graph().node(id);
                if !is_stored(situation, &node) {
                    return None;
                }
                Named::Node(node)
            }
            Subject::Holder(Holder::Image { namespace, name }) => Named::Image(namespace.into(), name.into()),
            Subject::Holder(Holder::Container { namespace, id }) => {
                Named::Container(namespace.into(), id.into())
            }
            Subject::Holder(Holder::Sandbox { namespace, id }) => Named::Sandbox(namespace.into(), id.into()),
            Subject::Holder(Holder::Collector { resource_type }) => Named::Collector(resource_type.0),
            Subject::Holder(holder) => panic!("{holder:?} is a node"),
        })
    }

    fn node(&self) -> Option<&Node> {
        if let Named::Node(node) = self { Some(node) } else { None }
    }
}

/// What is marked with each thing taken out.
struct Without(Vec<(Named, BTreeSet<Node>)>);

impl Without {
    fn new(situation: &Situation) -> Without {
        let tree = &situation.tree;
        let mut without: BTreeMap<Named, BTreeSet<Node>> = BTreeMap::new();
        let mut names: BTreeSet<Named> = BTreeSet::new();
        for (kind, namespace, key) in views::objects(tree) {
            let is_node = match kind {
                Kind::Image => situation.release.rules().image_nodes,
                Kind::Container => situation.release.rules().container_nodes,
                _ => true,
            };
            let node = |kind| {
                Node::new(situation.release.type_of(kind).expect("a kind of the release"), namespace, &key)
            };
            names.insert(match kind {
                _ if is_node => Named::Node(node(kind)),
                Kind::Image => Named::Image(namespace.into(), key),
                _ => Named::Container(namespace.into(), key),
            });
        }
        for (namespace, bucket) in tree.bucket(names::V1).into_iter().flat_map(View::buckets) {
            let inside = bucket.bucket(names::SANDBOXES);
            let outside = tree.bucket(namespace).and_then(|bucket| bucket.bucket(names::SANDBOXES));
            let sandboxes = [inside, outside].into_iter().flatten().flat_map(View::buckets);
            names.extend(sandboxes.map(|(id, _)| Named::Sandbox(namespace.into(), id.into())));
        }
        names
            .extend(situation.collectors.iter().map(|collector| Named::Collector(collector.resource_type.0)));
        for named in names {
            if let Some(marked) = marked(&taken_out(situation, &named)) {
                without.insert(named, marked);
            }
        }
        Without(without.into_iter().collect())
    }
}

fn taken_out(situation: &Situation, named: &Named) -> Situation {
    let mut tree = situation.tree.clone();
    let mut collectors = situation.collectors.clone();
    let mut delete = |path: &[&[u8]], key: &[u8]| {
        let _ = tree.delete_bucket(path, key);
    };
    match named {
        Named::Node(node) => {
            let root = [names::V1, &*node.namespace];
            match kind(situation, node) {
                Kind::Content => delete(&[root[0], root[1], names::CONTENT, names::BLOB], &node.key),
                Kind::Ingest => delete(&[root[0], root[1], names::CONTENT, names::INGESTS], &node.key),
                Kind::Image => delete(&[root[0], root[1], names::IMAGES], &node.key),
                Kind::Lease => delete(&[root[0], root[1], names::LEASES], &node.key),
                Kind::Container => delete(&[root[0], root[1], names::CONTAINERS], &node.key),
                Kind::Snapshot => {
                    for at in (0..node.key.len()).filter(|at| node.key[*at] == b'/') {
                        let (snapshotter, name) = (&node.key[..at], &node.key[at + 1..]);
                        delete(&[root[0], root[1], names::SNAPSHOTS, snapshotter], name);
                    }
                }
                other => panic!("{other} is not stored"),
            }
        }
        Named::Image(namespace, name) => delete(&[names::V1, namespace, names::IMAGES], name),
        Named::Container(namespace, id) => delete(&[names::V1, namespace, names::CONTAINERS], id),
        Named::Sandbox(namespace, id) => {
            delete(&[names::V1, namespace, names::SANDBOXES], id);
            delete(&[namespace, names::SANDBOXES], id);
        }
        Named::Collector(number) => {
            for collector in Arc::make_mut(&mut collectors).iter_mut() {
                if collector.resource_type.0 == *number {
                    collector.active.clear();
                }
            }
        }
    }
    Situation { tree, collectors, ..situation.clone() }
}

/// What is marked at each instant at which something may change, in order.
fn later(situation: &Situation) -> Vec<(Instant, BTreeSet<Node>)> {
    let (mut times, mut durations) = (BTreeSet::new(), BTreeSet::new());
    for (_, bucket) in situation.tree.view().walk_paths() {
        for value in bucket.iter().filter_map(|(_, entry)| entry.value()) {
            times.extend(time::parse_rfc3339_of(situation.go(), value).ok());
            times.extend(time::from_binary(value).ok());
            let texts = value.split(|byte| matches!(byte, b',' | b'|' | b'<' | b'>'));
            durations.extend(texts.filter_map(duration::parse));
        }
    }
    let moved = times.iter().flat_map(|at: &Instant| durations.iter().map(|by| at.shifted(*by)));
    let all: BTreeSet<Instant> = times.iter().copied().chain(moved).collect();
    let around = all.iter().flat_map(|at| [-1, 0, 1].map(|by| at.shifted(by)));
    let around: BTreeSet<Instant> =
        around.filter(|at| *at > situation.now && at.nanoseconds < 1_000_000_000).collect();
    let at = |now: Instant| Some((now, marked(&Situation { now, ..situation.clone() })?));
    around.into_iter().filter_map(at).collect()
}

/// What goes without all of an object's roots is what is said; whether that could be tried, which it cannot where not every
/// root is told, or one is no object of the database.
fn let_go_adds_up(
    situation: &Situation,
    network: &Network<'_, '_>,
    explanation: &Explanation<'_>,
    marked_now: &BTreeSet<Node>,
    case: &str,
) -> bool {
    if explanation.state != State::Kept || explanation.chains.len() < explanation.roots {
        return false;
    }
    let (mut after, mut deleted) = (situation.clone(), BTreeSet::new());
    for first in explanation.chains.iter().filter_map(|chain| chain.first()) {
        let node = Node { resource_type: first.to.resource_type.stripped(), ..first.to.clone() };
        let named = match (first.from, first.rule) {
            (None, Rule::RootLabel) => {
                after = unpinned(&after, &node);
                continue;
            }
            (None, _) if is_stored(situation, &node) => Some(Named::Node(node)),
            (None, _) => None,
            (Some(from), _) => Named::of(situation, network, from),
        };
        let Some(named) = named else { return false };
        after = taken_out(&after, &named);
        deleted.extend(named.node().cloned());
    }
    let Some(after) = marked(&after) else { return false };
    let goes = |node: &&Node| !after.contains(*node) && !deleted.contains(*node) && is_there(situation, node);
    let gone: BTreeSet<&Node> = marked_now.iter().filter(goes).collect();
    let gone_and_deleted = |node: &Node| gone.contains(node) || deleted.contains(node);
    let bytes = bytes_freed(situation, marked_now, |node| !gone_and_deleted(node));
    let tried = held(situation, &gone, bytes);
    assert_eq!(explanation.let_go, tried, "let go of: {gone:?}, {case}");
    true
}

/// Objects, bytes and snapshots of what goes.
fn held(situation: &Situation, gone: &BTreeSet<&Node>, bytes: u64) -> Held {
    let snapshots = sized(&situation.tree);
    let mut sum = Bytes::default();
    let is_snapshot = |node: &&&Node| situation.release.kind_of(node.resource_type) == Kind::Snapshot;
    for node in gone.iter().filter(is_snapshot) {
        sum.add(snapshots.size(&situation.tree, &node.namespace, &node.key));
    }
    Held { objects: gone.len() as u64, bytes, snapshots: sum }
}

/// What the digest says of several names of one image is what goes without all of them, and more than without each.
fn images_add_up(
    situation: &Situation,
    network: &Network<'_, '_>,
    digest: &Digest<'_>,
    marked_now: &BTreeSet<Node>,
    case: &str,
) -> usize {
    let mut tried = 0;
    for Holding { holder, also, alone, .. } in
        digest.by_image.iter().filter(|holding| !holding.also.is_empty())
    {
        let names: Vec<Named> = std::iter::once(holder)
            .chain(also)
            .map(|name| Named::of(situation, network, *name).expect("an image"))
            .collect();
        let after = names.iter().fold(situation.clone(), |after, name| taken_out(&after, name));
        let Some(after) = marked(&after) else { continue };
        let is_name = |node: &Node| names.iter().any(|name| name.node() == Some(node));
        let goes = |node: &&Node| !after.contains(*node) && !is_name(node) && is_there(situation, node);
        let gone: BTreeSet<&Node> = marked_now.iter().filter(goes).collect();
        let bytes = bytes_freed(situation, marked_now, |node| !gone.contains(node));
        assert_eq!(*alone, held(situation, &gone, bytes), "{names:?} {gone:?}, {case}");
        for name in std::iter::once(holder).chain(also) {
            let one = digest.holders.iter().find(|holding| holding.holder == *name).expect("a holder");
            assert!(one.alone.objects < alone.objects, "{case}");
        }
        tried += 1;
    }
    let names: usize = digest.by_image.iter().map(|holding| 1 + holding.also.len()).sum();
    assert_eq!(names, digest.holders.len(), "{case}");
    tried
}

/// What the digest says of each holder is what goes without it, and what it reaches is what is left if all others go.
fn digest_adds_up(
    situation: &Situation,
    network: &Network<'_, '_>,
    digest: &Digest<'_>,
    without: &Without,
    marked_now: &BTreeSet<Node>,
    seen: &mut Seen,
    case: &str,
) {
    for Holding { holder, rule, alone, held: reached, .. } in &digest.holders {
        assert!(alone.objects <= reached.objects, "{case}");
        let Some(named) = Named::of(situation, network, *holder) else { continue };
        let own = named.node().filter(|_| !matches!(rule, Rule::ActiveIngest | Rule::RootLabel));
        let without = match rule {
            Rule::RootLabel => named.node().and_then(|node| marked(&unpinned(situation, node))),
            _ => without.0.iter().find(|(other, _)| *other == named).map(|(_, marked)| marked.clone()),
        };
        let Some(without) = without else { continue };
        let goes = |node: &&Node| !without.contains(*node) && Some(*node) != own && is_there(situation, node);
        let gone: BTreeSet<&Node> = marked_now.iter().filter(goes).collect();
        let gone: BTreeSet<&Node> = match named.node().filter(|_| *rule == Rule::ActiveIngest) {
            Some(ingest) => gone.into_iter().chain([ingest]).collect(),
            None => gone,
        };
        let bytes = bytes_freed(situation, marked_now, |node| !gone.contains(node));
        assert_eq!(*alone, held(situation, &gone, bytes), "{holder:?} {named:?} alone {gone:?}, {case}");
        seen.holders += 1;
    }
}

/// A size for most snapshots, as if they were committed.
fn sized(tree: &Bucket) -> Snapshots {
    let mut sized = Snapshots::default();
    for (_, namespace) in tree.bucket(names::V1).into_iter().flat_map(View::buckets) {
        for (snapshotter, snapshots) in namespace.at(&[names::SNAPSHOTS]).into_iter().flat_map(View::buckets)
        {
            let of = sized.of.entry(snapshotter.to_vec()).or_default();
            let names = snapshots.buckets().filter_map(|(_, snapshot)| snapshot.get(names::NAME));
            of.extend(names.filter(|name| name.len() % 8 != 0).map(|name| {
                let snapshot =
                    stored::Snapshot { bytes: Some(name.len() as u64), folder: None, lacks_folder: None };
                (name.to_vec(), snapshot)
            }));
        }
    }
    sized
}

/// Whether it is an object of the release: what is no node there is none, even if a collector names it.
fn is_there(situation: &Situation, node: &Node) -> bool {
    let rules = situation.release.rules();
    match kind(situation, node) {
        Kind::Container if !rules.container_nodes => return false,
        Kind::Image if !rules.image_nodes => return false,
        _ => {}
    }
    let listed = situation.collectors.iter().filter(|collector: &&Collector| !collector.start_error);
    let mut listed = listed.flat_map(|collector| &collector.all);
    views::has(&situation.tree, kind(situation, node), &node.namespace, &node.key)
        || rules.collectors && listed.any(|other| other.as_ref() == node.as_ref())
}

fn unpinned(situation: &Situation, node: &Node) -> Situation {
    let mut tree: Bucket = situation.tree.clone();
    let mut unpin = |path: &[&[u8]]| {
        let labels = tree.view().at(path).into_iter().flat_map(View::iter);
        let pins = labels.map(|(label, _)| label.to_vec()).filter(|label| label.starts_with(names::GC_ROOT));
        for pin in pins.collect::<Vec<_>>() {
            let _ = tree.delete(path, &pin);
            let _ = tree.delete_bucket(path, &pin);
        }
    };
    let root = [names::V1, &*node.namespace];
    match kind(situation, node) {
        Kind::Content => unpin(&[root[0], root[1], names::CONTENT, names::BLOB, &node.key, names::LABELS]),
        _ => {
            for at in (0..node.key.len()).filter(|at| node.key[*at] == b'/') {
                let (snapshotter, name) = (&node.key[..at], &node.key[at + 1..]);
                unpin(&[root[0], root[1], names::SNAPSHOTS, snapshotter, name, names::LABELS]);
            }
        }
    }
    Situation { tree, ..situation.clone() }
}

/// The bytes of digests that are kept and then not, by the records alone.
fn bytes_freed(situation: &Situation, marked: &BTreeSet<Node>, stays: impl Fn(&Node) -> bool) -> u64 {
    let mut sizes: BTreeMap<&[u8], Option<u64>> = BTreeMap::new();
    let mut kept: BTreeSet<Vec<u8>> = BTreeSet::new();
    for node in marked.iter().filter(|node| is_there(situation, node)) {
        match kind(situation, node) {
            Kind::Content if stays(node) => drop(kept.insert(node.key.to_vec())),
            Kind::Content => drop(sizes.insert(&node.key, None)),
            Kind::Ingest if stays(node) => {
                let path = [names::V1, &node.namespace, names::CONTENT, names::INGESTS, &node.key];
                let expected = situation.tree.view().at(&path).and_then(|ingest| ingest.get(names::EXPECTED));
                kept.extend(expected.map(<[u8]>::to_vec));
            }
            _ => {}
        }
    }
    for (namespace, digest) in views::blobs(&situation.tree) {
        if let Some(size) = sizes.get_mut(digest) {
            *size = views::blob_size(&situation.tree, namespace, digest).or(*size);
        }
    }
    let gone = sizes.into_iter().filter(|(digest, _)| !kept.contains(*digest));
    gone.filter_map(|(_, size)| size).sum()
}
