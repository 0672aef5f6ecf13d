//! Every small case: all graphs of a few nodes, each collected once.
//!
//! Random cases find what is likely; this finds whatever can be shown with so few nodes. All graphs that differ
//! only in names are one case, so the number of cases is known beforehand, and the run is held to it.
//!
//! ```text
//!   graphs ──> meaning ┬─> engine ──> outcome ──┐
//!   (one a class)      ├─> oracle ──> judgement ┼─> every property, and reachability
//!                      └─> reachability on bits ┘
//! ```
//!
//! `graphs` knows classes of graphs, `meaning` says what a graph stands for and what must be left of it.

pub mod graphs;
mod meaning;

pub use meaning::{HeldBy, StateSet};

use crate::campaign::{self, Found, Stop};
use crate::engine::{Fault, Outcome, Request};
use crate::instant::Instant;
use crate::node::{Kind, NodeRef};
use crate::oracle::Defects;
use crate::properties::check::check;
use crate::properties::panics::catching;
use crate::properties::property::Property;
use crate::release::Release;
use crate::scenario::{NodeName, Scenario, print_node};
use crate::situation::Situation;
use graphs::{Family, Graph};
use meaning::{Meaning, Population};

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many nodes each graph has, from 1 to [`graphs::NODES_MAX`].
    pub nodes: usize,
    /// The states that a node may take.
    pub states: StateSet,
    /// Whose rules.
    pub release: Release,
    /// Which defects the oracle assumes.
    pub defects: Defects,
}

impl Plan {
    /// How many graphs there are up to renaming: so many cases are run.
    pub fn graph_count(&self) -> u64 {
        graphs::class_count(self.nodes, self.states.count())
    }

    /// How many nodes a graph needs for a fault to show; none where no graph of such states can show it. A graph has
    /// content, references between it and what may hold it, and nothing else.
    pub fn nodes_to_show(&self, fault: Fault) -> Option<usize> {
        match (fault, self.states) {
            (Fault::ContentRootLabelIgnored, _) => Some(1),
            // Of two things to be removed one stays; what holds a node may be the other.
            (Fault::SweepSkips, StateSet::Holders) => Some(1),
            (Fault::SweepSkips, StateSet::Root) => Some(2),
            // Six things go: three with their leases, or six that nothing holds.
            (Fault::SweepStopsEarly, StateSet::Holders) => Some(3),
            (Fault::SweepStopsEarly, StateSet::Root) => Some(6),
            // A root, and five below it in a row.
            (Fault::DeepChainCut, _) => Some(6),
            (Fault::LeaseExpiryIgnored, StateSet::Holders) => Some(1),
            // A flat lease, which here has a label without a value, on one that refers to another.
            (Fault::FlatFollowsLabels | Fault::FlatEmptyIgnored, StateSet::Holders) => Some(2),
            // Another lease besides, which holds the same through a third.
            (Fault::FlatHidesFull, StateSet::Holders) => Some(3),
            _ => None,
        }
    }

    /// How many graphs there are if names count: for so many the cases stand.
    pub fn labelled_count(&self) -> u64 {
        graphs::labelled_count(self.nodes, self.states.count())
    }
}

/// The name of the property that this room adds: what is left is what bit masks reach.
pub const REACHABILITY: &str = "reachability";

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Graphs collected.
    pub graphs: u64,
    /// Graphs for which they stand.
    pub labelled: u64,
    /// Objects that had to stay.
    pub kept: u64,
    /// Objects that had to go.
    pub removed: u64,
    /// By property: on how many graphs it failed, of all on which it was checked, and the smallest of them.
    pub found: Found<&'static str, Smallest>,
}

/// A graph on which a property did not hold. The smallest has the fewest edges and holders; of those the first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Smallest {
    /// How many edges and holders it has.
    pub size: u32,
    /// The graph.
    pub graph: Graph,
    /// What was seen and what was expected.
    pub text: String,
}

impl campaign::Tally for Tally {
    fn plus(mut self, later: Tally) -> Tally {
        self.graphs += later.graphs;
        self.labelled += later.labelled;
        self.kept += later.kept;
        self.removed += later.removed;
        campaign::add(&mut self.found, later.found);
        self
    }
}

impl Tally {
    /// On how many graphs any property failed, each property counted.
    pub fn finding_count(&self) -> u64 {
        campaign::case_count(&self.found)
    }
}

/// Every property that a graph is checked for.
pub fn properties() -> impl Iterator<Item = &'static str> {
    [Property::Panic].into_iter().chain(Property::each()).map(Property::name).chain([REACHABILITY])
}

/// How bad it is where a property does not hold, the worst first; what bit masks do not reach is told behind what is lost
/// or stays.
pub fn gravity(property: &str) -> (u8, bool) {
    match Property::parse(property) {
        Ok(property) => (property.gravity(), false),
        Err(_) => (Property::Completeness.gravity(), true),
    }
}

/// The scenario of a finding.
pub fn scenario(plan: &Plan, finding: &Smallest) -> Scenario {
    Meaning::new(finding.graph, plan.states).scenario(plan.release, &finding.text)
}

/// Collects every graph of a plan, on every core; `done` hears how many more of [`Plan::graph_count`] are through.
///
/// # Panics
/// The graphs that were run are not as many as there are.
pub fn run(plan: &Plan, fault: Option<Fault>, stop: &Stop, done: &(impl Fn(u64) + Sync)) -> Tally {
    let families = Family::all(plan.nodes, plan.states.count());
    // Families are of one length. Their chunks are counted, not listed: of six nodes there are billions.
    let chunks_each = graphs::family_len(plan.nodes).div_ceil(CHUNK);
    let bench = Bench { plan, fault, now: meaning::now(), expiry: meaning::expiry() };
    let chunk = |place: u64| {
        let family = &families[usize::try_from(place / chunks_each).expect("a place in memory")];
        let start = place % chunks_each * CHUNK;
        let end = family.len().min(start + CHUNK);
        let graphs = (start..end).filter_map(|edges| family.representative(edges));
        let tally = graphs.fold(Tally::default(), |mut tally, (graph, stands_for)| {
            bench.run(graph, stands_for, &mut tally);
            tally
        });
        done(tally.graphs);
        tally
    };
    let tally = campaign::run(families.len() as u64 * chunks_each, stop, chunk);
    if !stop.is_asked() {
        assert_eq!(tally.graphs, plan.graph_count(), "every class of graphs is run once (Burnside's lemma)");
        assert_eq!(tally.labelled, plan.labelled_count(), "the classes together are all graphs");
    }
    tally
}

/// How many graphs, renamed ones included, are looked at in one go.
const CHUNK: u64 = 1 << 12;

/// What every graph of a plan has in common.
struct Bench<'a> {
    plan: &'a Plan,
    fault: Option<Fault>,
    now: Instant,
    expiry: String,
}

impl Bench<'_> {
    fn run(&self, graph: Graph, stands_for: u64, tally: &mut Tally) {
        let Plan { states, release, defects, .. } = *self.plan;
        let meaning = Meaning::new(graph, states);
        let tree = meaning.tree(meaning.before(), &self.expiry);
        let situation = Situation::new(tree, release, self.now);
        let after = meaning.after();
        let count = |population: Population| {
            u64::from(population.content.count_ones() + population.leases.count_ones())
        };
        tally.graphs += 1;
        tally.labelled += stands_for;
        tally.kept += count(after);
        tally.removed += count(meaning.before()) - count(after);
        let found = match catching(|| check(&Request::new(&situation), defects, self.fault)) {
            Err(said) => vec![(Property::Panic.name(), said)],
            Ok((outcome, findings)) => {
                let found =
                    findings.into_iter().map(|finding| (finding.property.name(), finding.to_string()));
                found.chain(self.unreached(&meaning, &outcome).map(|text| (REACHABILITY, text))).collect()
            }
        };
        for (property, text) in found {
            let text = meaning::in_words(text);
            let holders = meaning.holders.iter().filter(|holder| **holder != HeldBy::Nobody).count();
            let size = graph.edges.count_ones() + u32::try_from(holders).expect("a few nodes");
            campaign::add_case(&mut tally.found, property, Smallest { size, graph, text });
        }
    }

    /// Where the outcome is not what bit masks reach.
    fn unreached(&self, meaning: &Meaning, outcome: &Outcome) -> Option<String> {
        if let Some(error) = &outcome.error {
            return Some(format!("the collection failed with `{error}`"));
        }
        let (before, after) = (meaning.before(), meaning.after());
        let gone =
            Population { content: before.content & !after.content, leases: before.leases & !after.leases };
        let marked = outcome.nodes.iter().filter(|(id, _)| outcome.is_marked(*id)).map(|(_, node)| node);
        if let Err(text) = self.population(marked, after) {
            return Some(format!("marked is {text}"));
        }
        if let Err(text) = self.population(outcome.refs(&outcome.removed), gone) {
            return Some(format!("removed is {text}"));
        }
        (outcome.after != meaning.tree(after, &self.expiry))
            .then(|| "the tree after is not the one with what is reached".to_owned())
    }

    /// Whether nodes are exactly these, each once.
    fn population<'n>(
        &self,
        nodes: impl Iterator<Item = NodeRef<'n>>,
        expected: Population,
    ) -> Result<(), String> {
        let mut missing = expected;
        for node in nodes {
            let bit = meaning::bit_of(node.key).filter(|_| node.namespace == meaning::NAMESPACE);
            let mask = match self.plan.release.kind_of(node.resource_type) {
                Kind::Content => Some(&mut missing.content),
                Kind::Lease => Some(&mut missing.leases),
                _ => None,
            };
            match (bit, mask) {
                (Some(bit), Some(mask)) if *mask & bit != 0 => *mask &= !bit,
                _ => {
                    let node = print_node(&NodeName::of(self.plan.release, node));
                    return Err(format!("{node}, which bit masks do not reach so, or which comes twice"));
                }
            }
        }
        match missing == Population::default() {
            true => Ok(()),
            false => Err(format!("not all: missing is {}", missing.names().join(", "))),
        }
    }
}

#[cfg(test)]
mod tests;
