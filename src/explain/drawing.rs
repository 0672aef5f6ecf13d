//! What of a database is drawn: its objects with what becomes of them, the relations between them, and their groups.
//!
//! ```text
//!   situation ──> objects ──> lines ──> groups     all of it
//!                                └───> around      one object, what holds it and what it reaches, and how much is left out
//! ```
//!
//! An object stands in the group of the holder without which it goes; what several hold has a group of its own, and so has
//! what nobody does. Where things stand in a picture is for `report` to say.

use super::digest::Digest;
use super::explanation::{Explainer, Explanation, State};
use super::find::{Found, Thing, things};
use super::network::{Network, Subject, id};
use crate::instant::Instant;
use crate::node::Kind;
use crate::oracle::graph::Source;
use crate::oracle::{Holder, Judgement, Rule};
use crate::schema::views;
use crate::situation::Situation;
use crate::stored::Snapshots;
use hashbrown::HashMap;
use std::collections::{BTreeMap, VecDeque};

/// The number of an object in a drawing.
pub type ObjectId = u32;

/// What becomes of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fate {
    /// It is kept.
    Kept,
    /// It is kept until this instant, the first at which a collection removes it if only time passes.
    KeptUntil(Instant),
    /// A collection would remove it.
    Removed,
    /// No collection removes its kind.
    Unswept,
    /// It is named, and the database does not have it.
    Missing,
}

/// What is drawn as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object<'a> {
    /// Its name.
    pub found: Found,
    /// What it is in the relations, if it is anything there.
    pub subject: Option<Subject<'a>>,
    /// What becomes of it.
    pub fate: Fate,
    /// By which rule it is a root by itself, if it is.
    pub root: Option<Rule>,
    /// Its size where it is known: of content by its record, of a snapshot where its snapshotter was asked.
    pub bytes: Option<u64>,
    /// Its place among the groups.
    pub group: u32,
}

/// One relation: what keeps, and what is kept by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Line<'a> {
    /// What keeps.
    pub from: ObjectId,
    /// What is kept.
    pub to: ObjectId,
    /// The rule.
    pub rule: Rule,
    /// The label that says so, where one does.
    pub label: Option<&'a [u8]>,
    /// It does not hold yet.
    pub is_later: bool,
}

/// Objects that are drawn together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Group {
    /// The holder, and what goes without it.
    Holder(ObjectId),
    /// What several hold, in a namespace.
    Shared(Vec<u8>),
    /// What a collection would remove, in a namespace.
    Removed(Vec<u8>),
    /// What is named and missing, in a namespace.
    Missing(Vec<u8>),
    /// What no collection removes and what holds nothing, in a namespace.
    Idle(Vec<u8>),
    /// What stands around the one that was asked for.
    Around,
}

/// How many objects a drawing around one has not.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LeftOut {
    /// Of those that hold it.
    pub above: u64,
    /// Of those that it reaches.
    pub below: u64,
}

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Drawing<'a> {
    /// The objects: those that are there as they stand in the database, then those that only are named.
    pub objects: Vec<Object<'a>>,
    /// The relations, by the objects from which they go, then those to which they do. Each once.
    pub lines: Vec<Line<'a>>,
    /// The groups: holders as they stand among the objects, then those of several holders and of none.
    pub groups: Vec<Group>,
    /// What is left out.
    pub left_out: LeftOut,
    /// The object around which it is drawn, if it is around one.
    pub around: Option<ObjectId>,
    /// What a collection would remove now, and what becomes removable when; of holders nothing.
    pub times: Digest<'a>,
}

impl<'a> Drawing<'a> {
    /// All that there is, with the sizes of snapshots if their snapshotters were asked.
    pub fn new(
        explainer: &Explainer<'_, '_, 'a>,
        network: &Network<'_, 'a>,
        judgement: &Judgement<'a>,
        situation: &'a Situation,
        snapshots: Option<&Snapshots>,
    ) -> Drawing<'a> {
        let mut building = Building::new(network, situation);
        building.objects(explainer, snapshots);
        building.lines();
        building.groups();
        let Building { objects, lines, groups, .. } = building;
        let times = Digest::of_times(network, judgement, situation, snapshots);
        Drawing { objects, lines, groups, left_out: LeftOut::default(), around: None, times }
    }

    /// The number of an object; none if there is no such.
    pub fn find(&self, found: &Found) -> Option<ObjectId> {
        self.objects.iter().zip(0..).find(|(object, _)| object.found == *found).map(|(_, number)| number)
    }

    /// What stands around one object: the chains that explain it, then what is nearest, as much as `objects_max` in each
    /// direction.
    pub fn around(&self, object: ObjectId, explanation: &Explanation<'a>, objects_max: usize) -> Drawing<'a> {
        let mut chosen = BTreeMap::from([(object, ())]);
        let by_subject: HashMap<Subject<'_>, ObjectId> = (self.objects.iter().zip(0..))
            .filter_map(|(object, number)| Some((object.subject?, number)))
            .collect();
        let on_chains = explanation.chains.iter().flatten().filter_map(|hop| hop.from);
        let on_chains: Vec<ObjectId> =
            on_chains.filter_map(|subject| by_subject.get(&subject).copied()).collect();
        let above = self.reached(object, |line| (line.to, line.from));
        let below = self.reached(object, |line| (line.from, line.to));
        let nearest = |reached: &[ObjectId]| reached.iter().take(objects_max).copied().collect::<Vec<_>>();
        chosen.extend(
            [on_chains, nearest(&above), nearest(&below)].into_iter().flatten().map(|number| (number, ())),
        );
        let left_out = |reached: &[ObjectId]| {
            reached.iter().filter(|number| !chosen.contains_key(*number)).count() as u64
        };
        let left_out = LeftOut { above: left_out(&above), below: left_out(&below) };
        self.only(&chosen.into_keys().collect::<Vec<_>>(), object, left_out)
    }

    /// All that is reached from an object by lines taken one way, the nearest first, without the object itself.
    fn reached(&self, from: ObjectId, way: impl Fn(&Line<'_>) -> (ObjectId, ObjectId)) -> Vec<ObjectId> {
        let mut next: Vec<Vec<ObjectId>> = vec![Vec::new(); self.objects.len()];
        for (near, far) in self.lines.iter().map(way) {
            next[near as usize].push(far);
        }
        let mut is_met = vec![false; self.objects.len()];
        is_met[from as usize] = true;
        let (mut queue, mut reached) = (VecDeque::from([from]), Vec::new());
        while let Some(object) = queue.pop_front() {
            for far in std::mem::take(&mut next[object as usize]) {
                if !std::mem::replace(&mut is_met[far as usize], true) {
                    reached.push(far);
                    queue.push_back(far);
                }
            }
        }
        reached
    }

    /// The part that has these objects, sorted, in one group.
    fn only(&self, chosen: &[ObjectId], around: ObjectId, left_out: LeftOut) -> Drawing<'a> {
        let place = |number: ObjectId| chosen.binary_search(&number).ok().map(id);
        let objects =
            chosen.iter().map(|number| Object { group: 0, ..self.objects[*number as usize].clone() });
        let lines = self
            .lines
            .iter()
            .filter_map(|line| Some(Line { from: place(line.from)?, to: place(line.to)?, ..*line }));
        Drawing {
            objects: objects.collect(),
            lines: lines.collect(),
            groups: vec![Group::Around],
            left_out,
            around: place(around),
            times: self.times.clone(),
        }
    }
}

struct Building<'n, 'j, 'a> {
    network: &'n Network<'j, 'a>,
    situation: &'a Situation,
    objects: Vec<Object<'a>>,
    /// By node: its object.
    of_node: Vec<ObjectId>,
    of_holder: HashMap<Holder<'a>, ObjectId>,
    lines: Vec<Line<'a>>,
    groups: Vec<Group>,
}

impl<'n, 'j, 'a> Building<'n, 'j, 'a> {
    fn new(network: &'n Network<'j, 'a>, situation: &'a Situation) -> Self {
        Building {
            network,
            situation,
            objects: Vec::new(),
            of_node: Vec::new(),
            of_holder: HashMap::new(),
            lines: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn objects(&mut self, explainer: &Explainer<'_, '_, 'a>, snapshots: Option<&Snapshots>) {
        let Building { network, situation, .. } = *self;
        let graph = network.graph();
        let mut names: Vec<Found> = Vec::new();
        let mut numbers: HashMap<Found, ObjectId> = HashMap::new();
        let mut number_of = |found: Found| {
            *numbers.entry_ref(&found).or_insert_with(|| {
                names.push(found.clone());
                id(names.len() - 1)
            })
        };
        for (thing, namespace, key) in things(situation) {
            number_of(Found { namespace: namespace.to_vec(), thing, key });
        }
        for (holder, _) in network.holders() {
            if let Some(found) = Found::of_holder(holder, situation.release) {
                self.of_holder.insert(holder, number_of(found));
            }
        }
        let of_node = (0..id(graph.nodes())).map(|node| {
            let node = graph.node(node);
            let thing = Thing::Node(situation.release.kind_of(node.resource_type));
            number_of(Found { namespace: node.namespace.into(), thing, key: node.key.into() })
        });
        self.of_node = of_node.collect();
        let holders: HashMap<ObjectId, Holder<'a>> =
            self.of_holder.iter().map(|(holder, number)| (*number, *holder)).collect();
        self.objects.extend(names.into_iter().zip(0..).map(|(found, number)| {
            let node = || found.node(network, situation.release).map(Subject::Node);
            let subject = holders.get(&number).copied().map(Subject::Holder).or_else(node);
            let fate = match explainer.fate(subject) {
                (State::Kept, Some(at)) => Fate::KeptUntil(at),
                (State::Kept, None) => Fate::Kept,
                (State::Removed, _) => Fate::Removed,
                (State::Unswept, _) => Fate::Unswept,
                (State::Missing, _) => Fate::Missing,
            };
            let (tree, namespace, key) = (&situation.tree, &found.namespace, &found.key);
            let bytes = match found.thing {
                Thing::Node(Kind::Content) => views::blob_size(tree, namespace, key),
                Thing::Node(Kind::Snapshot) => snapshots.and_then(|of| of.size(tree, namespace, key)),
                _ => None,
            };
            Object { found, subject, fate, root: None, bytes, group: 0 }
        }));
    }

    fn lines(&mut self) {
        let graph = self.network.graph();
        for number in 0..graph.len() {
            let arc = graph.arc(number);
            let to = self.of_node[arc.to.node as usize];
            let from = match arc.from {
                Source::Visit(visit) => Some(self.of_node[visit.node as usize]),
                Source::Holder(Holder::Itself) => None,
                Source::Holder(Holder::Lease { namespace, id }) => {
                    graph.find_lease(namespace, id).map(|lease| self.of_node[lease as usize])
                }
                Source::Holder(holder) => self.of_holder.get(&holder).copied(),
            };
            match from {
                Some(from) => {
                    let is_later = number >= graph.len_now();
                    self.lines.push(Line { from, to, rule: arc.rule, label: arc.label, is_later });
                }
                None => {
                    self.objects[to as usize].root.get_or_insert(arc.rule);
                }
            }
        }
        self.lines.sort_unstable();
        self.lines.dedup();
    }

    fn groups(&mut self) {
        let dominators = self.network.dominators(self.situation.now);
        let holds: Vec<bool> = {
            let mut holds = vec![false; self.objects.len()];
            self.lines.iter().for_each(|line| holds[line.from as usize] = true);
            holds
        };
        let groups: Vec<Group> = (0..id(self.objects.len()))
            .map(|number| {
                let Object { found, fate, subject, .. } = &self.objects[number as usize];
                let namespace = || found.namespace.clone();
                match (fate, subject) {
                    (Fate::Removed, _) => Group::Removed(namespace()),
                    (Fate::Missing, _) => Group::Missing(namespace()),
                    (_, Some(Subject::Node(node))) => {
                        let top = dominators.top(self.network.entries_of(*node).iter().copied());
                        match top.and_then(|top| self.at(top)).filter(|top| self.is_holder(*top)) {
                            Some(top) => Group::Holder(top),
                            None if *fate == Fate::Unswept => Group::Idle(namespace()),
                            None => Group::Shared(namespace()),
                        }
                    }
                    _ if holds[number as usize] => Group::Holder(number),
                    _ => Group::Idle(namespace()),
                }
            })
            .collect();
        self.groups = groups.clone();
        self.groups.sort();
        self.groups.dedup();
        for (object, group) in self.objects.iter_mut().zip(groups) {
            object.group = id(self.groups.binary_search(&group).expect("each is among them"));
        }
    }

    /// Whether an object holds others for its own sake; what several hold may stand above others, too.
    fn is_holder(&self, number: ObjectId) -> bool {
        let Object { root, subject, .. } = &self.objects[number as usize];
        root.is_some() || matches!(subject, Some(Subject::Holder(_)))
    }

    /// The object to which a vertex belongs.
    fn at(&self, vertex: u32) -> Option<ObjectId> {
        let group = self.network.group(vertex);
        match group == super::network::NO_GROUP {
            true => self.network.visit(vertex).map(|visit| self.of_node[visit.node as usize]),
            false => match self.network.subject(group) {
                Subject::Node(node) => Some(self.of_node[node as usize]),
                Subject::Holder(holder) => self.of_holder.get(&holder).copied(),
            },
        }
    }
}
