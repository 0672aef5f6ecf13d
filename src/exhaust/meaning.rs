//! What a graph stands for: a database, and by bit masks what a collection of it must leave.
//!
//! Each node is content of one namespace, `a`, `b` and so on, and refers to others by `gc.ref.content.N` labels. A
//! node's state says what holds it. What must be kept is reachability on bit masks, written down here a third time:
//! neither engine nor oracle has a part in it.

use super::graphs::{Graph, NODES_MAX};
use crate::bucket::{Bucket, Builder};
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{
    Assertion, CLOCK_START, Expiry, Labels, Line, NodeName, Resource, Scenario, Step, Text, alias,
};
use crate::schema::{names, time};
use std::time::Duration;

/// What holds a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum HeldBy {
    /// Nothing.
    Nobody,
    /// The label `gc.root`.
    Root,
    /// A lease of its own.
    Lease,
    /// A flat lease of its own.
    FlatLease,
    /// A lease of its own that has expired.
    ExpiredLease,
}

impl HeldBy {
    /// The name, as reports use it.
    pub fn name(self) -> &'static str {
        match self {
            HeldBy::Nobody => "nobody",
            HeldBy::Root => "gc.root",
            HeldBy::Lease => "lease",
            HeldBy::FlatLease => "flat lease",
            HeldBy::ExpiredLease => "expired lease",
        }
    }
}

/// Which states the nodes of a graph take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateSet {
    /// A root or not.
    Root,
    /// Every holder.
    Holders,
}

impl StateSet {
    /// Both.
    pub const ALL: [StateSet; 2] = [StateSet::Root, StateSet::Holders];

    /// The name, as `--states` takes it.
    pub fn name(self) -> &'static str {
        match self {
            StateSet::Root => "root",
            StateSet::Holders => "holders",
        }
    }

    /// The states; a graph names them by their places.
    pub fn holders(self) -> &'static [HeldBy] {
        const ALL: [HeldBy; 5] =
            [HeldBy::Nobody, HeldBy::Root, HeldBy::Lease, HeldBy::FlatLease, HeldBy::ExpiredLease];
        match self {
            StateSet::Root => &ALL[..2],
            StateSet::Holders => &ALL,
        }
    }

    /// How many states there are.
    pub fn count(self) -> u8 {
        u8::try_from(self.holders().len()).expect("a handful of states")
    }

    /// The set of a name.
    pub fn parse(name: &str) -> Option<StateSet> {
        StateSet::ALL.into_iter().find(|set| set.name() == name)
    }
}

/// What is in a database of a graph: a bit for each node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Population {
    /// The content.
    pub(super) content: u64,
    /// The leases, each by the node that it holds.
    pub(super) leases: u64,
}

impl Population {
    /// Every object by kind and name.
    pub(super) fn names(self) -> Vec<String> {
        let named = |kind: Kind, mask: u64| {
            let names = NAMES.iter().enumerate().filter(move |(node, _)| mask >> node & 1 == 1);
            names.map(move |(_, name)| format!("{kind}/{}", name.escape_ascii()))
        };
        named(Kind::Content, self.content).chain(named(Kind::Lease, self.leases)).collect()
    }
}

/// A graph with the meaning of its states.
#[derive(Clone, Copy)]
pub(super) struct Meaning {
    pub(super) graph: Graph,
    pub(super) holders: [HeldBy; NODES_MAX],
}

pub(super) const NAMESPACE: &[u8] = b"default";
const NAMES: [&[u8]; NODES_MAX] = [b"a", b"b", b"c", b"d", b"e", b"f"];
const REFERENCES: [&[u8]; NODES_MAX] = [
    b"containerd.io/gc.ref.content.0",
    b"containerd.io/gc.ref.content.1",
    b"containerd.io/gc.ref.content.2",
    b"containerd.io/gc.ref.content.3",
    b"containerd.io/gc.ref.content.4",
    b"containerd.io/gc.ref.content.5",
];
/// How long ago an expired lease expired, and how long before it was created.
const SECONDS: u64 = 1;

/// The instant of the collection.
pub(super) fn now() -> Instant {
    Instant { seconds: CLOCK_START.seconds + 2 * SECONDS.cast_signed(), ..CLOCK_START }
}

/// When the expired leases expired, as their labels say it.
pub(super) fn expiry() -> String {
    time::format_rfc3339(Instant { seconds: CLOCK_START.seconds + SECONDS.cast_signed(), ..CLOCK_START })
}

/// What is said of a graph in the words of its scenario, in which the letters are everyday names of content.
pub(super) fn in_words(text: String) -> String {
    NAMES.iter().fold(text, |text, name| {
        let name = name.escape_ascii();
        text.replace(&format!("/\"{name}\""), &format!("/{name}"))
    })
}

/// The bit of a name.
pub(super) fn bit_of(name: &[u8]) -> Option<u64> {
    NAMES.iter().position(|other| *other == name).map(|at| 1 << at)
}

impl Meaning {
    pub(super) fn new(graph: Graph, states: StateSet) -> Meaning {
        Meaning { graph, holders: graph.states.map(|state| states.holders()[usize::from(state)]) }
    }

    fn nodes(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.graph.nodes
    }

    fn held_by(&self, holders: &[HeldBy]) -> u64 {
        let held = self.nodes().filter(|node| holders.contains(&self.holders[*node]));
        held.fold(0, |mask, node| mask | 1 << node)
    }

    /// Everything.
    pub(super) fn before(&self) -> Population {
        Population {
            content: (1 << self.graph.nodes) - 1,
            leases: self.held_by(&[HeldBy::Lease, HeldBy::FlatLease, HeldBy::ExpiredLease]),
        }
    }

    /// What a collection must leave: what a label or a plain lease reaches, what a flat lease names, and the leases
    /// that have not expired.
    pub(super) fn after(&self) -> Population {
        let mut reached = self.held_by(&[HeldBy::Root, HeldBy::Lease]);
        loop {
            let from_reached = self.nodes().filter(|node| reached >> node & 1 == 1);
            let more = from_reached.fold(reached, |mask, node| mask | self.graph.targets(node));
            if more == reached {
                break;
            }
            reached = more;
        }
        Population {
            content: reached | self.held_by(&[HeldBy::FlatLease]),
            leases: self.held_by(&[HeldBy::Lease, HeldBy::FlatLease]),
        }
    }

    /// The database with these of its objects.
    pub(super) fn tree(&self, population: Population, expiry: &str) -> Bucket {
        let mut builder = Builder::new();
        self.write(&mut builder, population, expiry).expect("the names are written in ascending order");
        builder.finish()
    }

    fn write(
        &self,
        builder: &mut Builder,
        population: Population,
        expiry: &str,
    ) -> Result<(), crate::bucket::OutOfOrder> {
        builder.open(names::V1, 0)?;
        builder.open(NAMESPACE, 0)?;
        builder.open(names::CONTENT, 0)?;
        builder.open(names::BLOB, 0)?;
        for node in self.nodes().filter(|node| population.content >> node & 1 == 1) {
            builder.open(NAMES[node], 0)?;
            builder.open(names::LABELS, 0)?;
            for target in self.nodes().filter(|target| self.graph.has_edge(node, *target)) {
                builder.put(REFERENCES[target], NAMES[target])?;
            }
            if self.holders[node] == HeldBy::Root {
                builder.put(names::GC_ROOT, b"now")?;
            }
            builder.close();
            builder.close();
        }
        builder.close();
        builder.close();
        // A bucket of leases without a lease is what a collection leaves behind.
        if self.before().leases != 0 {
            builder.open(names::LEASES, 0)?;
            for node in self.nodes().filter(|node| population.leases >> node & 1 == 1) {
                builder.open(NAMES[node], 0)?;
                builder.open(names::CONTENT, 0)?;
                builder.put(NAMES[node], b"")?;
                builder.close();
                builder.open(names::LABELS, 0)?;
                match self.holders[node] {
                    HeldBy::FlatLease => builder.put(names::GC_FLAT, b"")?,
                    HeldBy::ExpiredLease => builder.put(names::GC_EXPIRE, expiry.as_bytes())?,
                    _ => {}
                }
                builder.close();
                builder.close();
            }
            builder.close();
        }
        builder.close();
        builder.close();
        Ok(())
    }

    /// The same as a scenario, with what must be kept and removed.
    pub(super) fn scenario(&self, release: Release, head: &str) -> Scenario {
        let mut steps = Vec::new();
        for node in self.nodes() {
            let targets = self.nodes().filter(|target| self.graph.has_edge(node, *target));
            let mut labels: Labels =
                targets.map(|target| (REFERENCES[target].to_vec(), digest(target))).collect();
            if self.holders[node] == HeldBy::Root {
                labels.insert(names::GC_ROOT.to_vec(), b"now".to_vec());
            }
            steps.push(Step::ContentPut { digest: digest(node), size: None, labels });
        }
        for node in self.nodes() {
            let holder = self.holders[node];
            if matches!(holder, HeldBy::Nobody | HeldBy::Root) {
                continue;
            }
            let expire = (holder == HeldBy::ExpiredLease).then(|| Expiry::In(Duration::from_secs(SECONDS)));
            let lease = NAMES[node].to_vec();
            let flat = holder == HeldBy::FlatLease;
            steps.push(Step::LeaseCreate { lease: lease.clone(), expire, flat, labels: Labels::new() });
            steps.push(Step::LeaseAdd { lease, resources: vec![Resource::Content(digest(node))] });
        }
        if self.held_by(&[HeldBy::ExpiredLease]) != 0 {
            steps.push(Step::Advance(Duration::from_secs(2 * SECONDS)));
        }
        steps.push(Step::Gc { last: None, cancel_at_root: None });
        let (before, after) = (self.before(), self.after());
        let removed =
            Population { content: before.content & !after.content, leases: before.leases & !after.leases };
        steps.extend(Assertion::of_nodes(self.named(after), self.named(removed), Vec::new()));
        let lines = steps.into_iter().map(Line::new).collect();
        Scenario { head: Text::lines(head), release, lines, tail: Vec::new() }
    }

    fn named(&self, population: Population) -> Vec<NodeName> {
        let name = |kind, key| NodeName::new(None, kind, key);
        let has = |mask: u64| self.nodes().filter(move |node| mask >> node & 1 == 1);
        let content = has(population.content).map(|node| name(Kind::Content, digest(node)));
        let leases = has(population.leases).map(|node| name(Kind::Lease, NAMES[node].to_vec()));
        content.chain(leases).collect()
    }
}

fn digest(node: usize) -> Vec<u8> {
    let name = std::str::from_utf8(NAMES[node]).expect("a letter");
    alias::digest_of(name).expect("a letter is an everyday name")
}
