//! A property that did not hold, as data: which breach, about which node.
//!
//! The checks decide what disagrees; the sentence for it is written here and nowhere else, so that `replay`, a
//! campaign's report and the head of a written scenario say the same. Nodes are named as the client of the step would name
//! them, those of its namespace without it, as `gc` does.

use super::locks::Locked;
use super::log::{Said, What, WrongLine};
use super::memory::{Acts, Slip};
use super::property::Property;
use crate::bucket::{Bucket, Entry};
use crate::contract;
use crate::engine::{Call, Dirty, Error, Point};
use crate::instant::Instant;
use crate::lint;
use crate::metadata::{self, CleanUp, Sharing};
use crate::node::{Kind, Node, ResourceType};
use crate::oracle::End;
use crate::release::Release;
use crate::scenario::{
    DEFAULT_NAMESPACE, KeyPath, Name, NodeName, Step, alias, print_node, print_node_cut, print_path,
    print_step, print_value,
};
use crate::schema::{time, views};
use crate::text;
use std::fmt;

/// Labels that mean nothing in any release.
pub(super) const MEANINGLESS_LABELS: [&[u8]; 4] = [
    b"containerd.io/gc.ref.contentx",
    b"containerd.io/gc.refs.content",
    b"containerd.io/gc.bref.contents",
    b"maintainer",
];

/// A property that did not hold, and the first thing that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which property.
    pub property: Property,
    /// Whose numbers its nodes have.
    pub release: Release,
    /// From where it is read: nodes of this namespace are named without it.
    pub namespace: Name,
    /// The snapshotters whose names have a slash, so that a snapshot is named as scenarios name it.
    pub slashed: Vec<Name>,
    /// What was seen and what was expected.
    pub breach: Breach,
}

/// What engine and oracle, or two collections, disagree about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Breach {
    /// The collection ended with this error or none, and must end with one of those, or with none.
    Ended {
        /// The error.
        error: Option<Error>,
        /// Those, as containerd words them.
        allowed: Vec<String>,
        /// The nodes that this is about, where there are any.
        at: Vec<Node>,
    },
    /// The collection failed as it must and changed the tree, first here.
    FailedAndChanged(Error, KeyPath),
    /// A node is marked that nothing keeps.
    Marked(Node),
    /// A node that is kept is not marked.
    NotMarked(Node),
    /// A node was removed that something keeps.
    Removed(Node),
    /// The same of a node without a bucket, or whose bucket stays.
    HandedToRemoval(Node),
    /// A node stays that nothing keeps.
    Stays(Node),
    /// The same of a node without a bucket, or whose bucket goes all the same.
    NotHandedToRemoval(Node),
    /// A node stays that is kept, but listed with a type that is never found marked.
    StaysListedFlat(Node),
    /// A node was handed to removal more or less often than it is listed.
    Repeated,
    /// The tree afterwards is another than expected, first here.
    Tree {
        /// Where.
        path: KeyPath,
        /// What stands there.
        got: Found,
        /// What must stand there.
        expected: Found,
    },
    /// A second collection changes the tree, first here.
    ChangesAgain {
        /// Where.
        path: KeyPath,
        /// What stood there after the first.
        before: Found,
        /// What stands there after the second.
        after: Found,
    },
    /// A second collection fails.
    FailsAgain(Error),
    /// How the started collectors ended.
    Ends {
        /// Each with its last call.
        heard: Vec<(ResourceType, End)>,
        /// Each with what that must be.
        expected: Vec<(ResourceType, End)>,
    },
    /// What the collectors were told to remove, sorted.
    Told {
        /// What they were told.
        told: Vec<Node>,
        /// What they must be told.
        expected: Vec<Node>,
    },
    /// A question to a collector was asked and must not be, or the other way round.
    Asked {
        /// To the collector of which type, and which.
        question: (ResourceType, Call),
        /// Whether it was.
        is_asked: bool,
    },
    /// Two calls of collectors in the wrong order, each with its collector's type.
    CalledEarly {
        /// What comes first.
        early: (ResourceType, Call),
        /// What comes then, and must come before it.
        late: (ResourceType, Call),
    },
    /// Which backends were noted for cleaning up.
    Noted {
        /// Those that were.
        noted: Dirty,
        /// Those that must be.
        expected: Dirty,
    },
    /// A change that means nothing changed this.
    Related {
        /// The change.
        change: Variation,
        /// What became different.
        difference: Altered,
    },
    /// It panics; what it said, and where.
    Panicked(String),
    /// A step did not keep its contract.
    Step(contract::Breach),
    /// A preparation that was refused leaves what it made in its backend: a snapshotter and the backend's name.
    LeftByRefused(Name, Name),
    /// The opposite of a step is refused; why.
    CannotBeUndone(Box<Undoing>, metadata::Error),
    /// The opposite of a step panics; what it said, and where.
    UndoingPanics(Box<Undoing>, String),
    /// The opposite of a step leaves something of it; where.
    NotUndone(Box<Undoing>, KeyPath),
    /// An object is broken that was whole: what `lint` finds of it.
    Unsound(Box<lint::Finding>),
    /// A collection took what was promised.
    PromiseBroken {
        /// What was written.
        node: NodeName,
        /// Under which lease; none for an ingest within its day.
        lease: Option<Name>,
    },
    /// A clean-up took this out of a backend, though the database lists it.
    Unstored(NodeName),
    /// A clean-up took this out of a backend, though that ingest expects it.
    ExpectedUnstored(NodeName, NodeName),
    /// A clean-up left this in a backend: a blob, an ingest's backend reference, or a snapshotter and its backend's name.
    LeftOver(Kind, Name),
    /// The log of a collection lacks a line, or has one too many.
    Logged(WrongLine),
    /// What daemon and clients have in memory is not what the step says.
    Memory(Slip),
    /// An injected error did not end the collection as it must.
    Injected {
        /// Where.
        at: Injection,
        /// What it did not do.
        lost: Shortfall,
    },
}

/// What stands at a place of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A bucket.
    Bucket,
    /// A value.
    Value(Name),
}

impl Found {
    /// What stands at a path.
    pub(super) fn at(tree: &Bucket, path: &[Name]) -> Found {
        let Some((key, around)) = path.split_last() else { return Found::Bucket };
        let around: Vec<&[u8]> = around.iter().map(Vec::as_slice).collect();
        match tree.view().at(&around).and_then(|bucket| bucket.entry(key)) {
            None => Found::Nothing,
            Some(Entry::Bucket(_)) => Found::Bucket,
            Some(Entry::Value(value)) => Found::Value(value.to_vec()),
        }
    }
}

/// Values are shown in short.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Nothing => f.write_str("nothing"),
            Found::Bucket => f.write_str("a bucket"),
            Found::Value(value) if value.is_empty() => f.write_str("an empty value"),
            Found::Value(value) => write!(f, "the value {}", print_value(value)),
        }
    }
}

/// A step, and the one that undoes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undoing {
    /// The step.
    pub step: Step,
    /// Its opposite.
    pub opposite: Step,
}

/// A change of a database that must not change what a collection does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variation {
    /// Every name is another one.
    Renamed,
    /// All times of creation are alike.
    CreatedAlike,
    /// Objects have labels that mean nothing.
    Labelled,
    /// The clock shows another time between the same expiries.
    At(Instant),
    /// There is a namespace beside.
    NamespaceBeside,
    /// A lease holds what is kept anyway.
    Leased,
}

/// What became different.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Altered {
    /// The collection fails and did not, or the other way round.
    Fails(bool),
    /// A node is removed and was not, or the other way round.
    Removed(Node, bool),
    /// A node is marked and was not, or the other way round.
    Marked(Node, bool),
}

/// Where an error was injected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Injection {
    /// At the k-th call of a point.
    Point(Point, usize),
    /// The context was cancelled at the k-th root.
    CancelledAt(usize),
    /// A call of a collector.
    Call(&'static str, ResourceType),
}

/// What an injected error did not do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shortfall {
    /// It is not what the collection ends with.
    Error(Option<Error>),
    /// The tree has changed all the same.
    TreeChanged,
    /// The collectors did not end as they must, or another property does not hold.
    Also(Box<Finding>),
}

impl Finding {
    /// A finding as who acts in the default namespace reads it.
    pub(super) fn new(property: Property, release: Release, breach: Breach) -> Finding {
        Finding { property, release, namespace: DEFAULT_NAMESPACE.to_vec(), slashed: Vec::new(), breach }
    }

    /// The same as who acts in a namespace of a database reads it.
    pub(super) fn read_from(&mut self, namespace: &[u8], tree: &Bucket) {
        self.namespace = namespace.to_vec();
        self.slashed = views::slashed_snapshotters(tree);
        if let Breach::Injected { lost: Shortfall::Also(finding), .. } = &mut self.breach {
            finding.read_from(namespace, tree);
        }
    }

    /// The node that it is about, if it is about one.
    pub fn node(&self) -> Option<&Node> {
        match &self.breach {
            Breach::Marked(node)
            | Breach::NotMarked(node)
            | Breach::Removed(node)
            | Breach::HandedToRemoval(node)
            | Breach::Stays(node)
            | Breach::NotHandedToRemoval(node)
            | Breach::StaysListedFlat(node)
            | Breach::Related { difference: Altered::Removed(node, _) | Altered::Marked(node, _), .. } => {
                Some(node)
            }
            Breach::Told { told, expected } => first_difference(told, expected),
            Breach::Ended { at, .. } => at.first(),
            Breach::Injected { lost: Shortfall::Also(finding), .. } => finding.node(),
            _ => None,
        }
    }

    /// The names that a step's finding is about: the keys on the way to what is wrong.
    pub fn names(&self) -> Vec<Name> {
        let behind_namespace = |path: &KeyPath| path.iter().skip(2).cloned().collect();
        let of = |node: &NodeName| {
            let slash =
                node.key.iter().position(|byte| *byte == b'/').filter(|_| node.kind == Kind::Snapshot);
            let name = slash.map_or(&node.key[..], |slash| &node.key[slash + 1..]);
            vec![node.key.clone(), name.to_vec()]
        };
        match &self.breach {
            Breach::Step(contract::Breach::Frame { place, .. } | contract::Breach::Effect { place, .. })
            | Breach::NotUndone(_, place) => behind_namespace(place),
            Breach::PromiseBroken { node, lease } => [of(node), lease.iter().cloned().collect()].concat(),
            Breach::Unstored(node) => of(node),
            Breach::Unsound(found) => broken(found).iter().flat_map(of).collect(),
            Breach::ExpectedUnstored(blob, ingest) => [of(blob), of(ingest)].concat(),
            _ => Vec::new(),
        }
    }

    /// A node as scenarios name it; what is listed flat is said to be so.
    fn shown(&self, node: &Node) -> String {
        let Node { resource_type, namespace, key } = node;
        let (namespace, kind) = (Some(namespace.to_vec()), self.release.kind_of(*resource_type));
        self.named(&NodeName::new(namespace, kind, key.to_vec()))
            + if self.release.is_flat(*resource_type) { ", flat" } else { "" }
    }

    /// What a line of the log says.
    fn line(&self, Said { what, of, with }: &Said) -> String {
        let name = |kind, key: &[u8]| self.named(&NodeName::new(None, kind, key.to_vec()));
        let collector = |resource_type: &Option<ResourceType>| match resource_type {
            None => "a collector".to_owned(),
            Some(number) => format!("the collector of {}", self.release.kind_of(*number)),
        };
        match what {
            What::InvalidExpiry(kind) => {
                format!("that the expiry {} of {} is no time", print_value(with), name(*kind, of))
            }
            What::ExpiredLease => format!("that {} has expired", name(Kind::Lease, of)),
            What::Remove(Kind::Snapshot) => {
                format!("that {} is removed", name(Kind::Snapshot, &[&with[..], of].join(&b'/')))
            }
            What::Remove(kind) => format!("that {} is removed", name(*kind, of)),
            // The log does not say in which namespace.
            What::NoRemove(resource_type) => {
                let node = Node::new(*resource_type, &self.namespace, of);
                format!("that nobody removes {}", self.shown(&node))
            }
            What::ScheduleSnapshotter => {
                format!("that snapshotter {} is to be cleaned up", print_path(&[of]))
            }
            What::ScheduleContent => "that content is to be cleaned up".to_owned(),
            What::FinishFailed(number) => format!("that {} could not finish", collector(number)),
            What::CancelFailed(number) => format!("that {} could not cancel", collector(number)),
        }
    }

    /// What a collector is asked.
    fn question(&self, call: &Call) -> String {
        let lease = |namespace: &[u8], lease: &[u8]| {
            let (namespace, key) = (Some(namespace.to_vec()), lease.to_vec());
            self.named(&NodeName::new(namespace, Kind::Lease, key))
        };
        match call {
            Call::Leased(namespace, id) => format!("what {} holds", lease(namespace, id)),
            Call::Active(namespace) => format!("what is in use in namespace {}", print_path(&[namespace])),
            Call::All => "for all that it has".to_owned(),
            Call::Label => "for its label".to_owned(),
            _ => "to start".to_owned(),
        }
    }

    /// What is done to a collector by a call, and how.
    fn called(&self, call: &Call) -> String {
        match call {
            Call::Remove(node) => format!("told to remove {}", self.shown(node)),
            Call::Finish => "finished".to_owned(),
            Call::Cancel => "cancelled".to_owned(),
            question => format!("asked {}", self.question(question)),
        }
    }

    /// The same of its whole name.
    fn named(&self, node: &NodeName) -> String {
        let namespace = node.namespace.clone().filter(|namespace| *namespace != self.namespace);
        let starts = |name: &&Name| node.key.starts_with(name) && node.key.get(name.len()) == Some(&b'/');
        let slash = self.slashed.iter().find(starts).map(Vec::len).or_else(|| node.slash());
        print_node_cut(&NodeName { namespace, ..node.clone() }, slash)
    }
}

/// The first in which two sorted lists part.
fn first_difference<'a>(told: &'a [Node], expected: &'a [Node]) -> Option<&'a Node> {
    let parts = told.iter().zip(expected).find(|(told, expected)| told != expected);
    match parts {
        Some((told, expected)) => Some(told.min(expected)),
        None => told.get(expected.len()).or(expected.get(told.len())),
    }
}

/// What `lint` found something of, if it may be a node.
fn broken(found: &lint::Finding) -> Option<NodeName> {
    let lint::Object { namespace, subject: lint::Subject::Node(kind), key, .. } = &found.object else {
        return None;
    };
    Some(NodeName::new(Some(namespace.clone()), *kind, key.clone()))
}

/// A node's name for who reads from a namespace.
fn named(node: &NodeName, from: &[u8]) -> String {
    let namespace = node.namespace.clone().filter(|namespace| namespace != from);
    print_node(&NodeName { namespace, ..node.clone() })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = |resource_type: &ResourceType| self.release.kind_of(*resource_type);
        match &self.breach {
            Breach::Ended { error, allowed, at } => {
                let at = match &at[..] {
                    [] => String::new(),
                    at => format!(" at {}", listed(at.iter().map(|node| self.shown(node)))),
                };
                match error {
                    None => {
                        let allowed = any_of(allowed);
                        write!(f, "the collection succeeded where it must fail with {allowed}{at}")
                    }
                    Some(error) if allowed.is_empty() => {
                        write!(f, "the collection failed with `{error}`{at}")
                    }
                    Some(error) => {
                        write!(f, "the collection failed with `{error}`, expected {}{at}", any_of(allowed))
                    }
                }
            }
            Breach::FailedAndChanged(error, path) => {
                write!(f, "the collection failed with `{error}` and changed the tree at {}", print_path(path))
            }
            Breach::Marked(node) => write!(f, "{} is marked, nothing keeps it", self.shown(node)),
            Breach::NotMarked(node) => {
                write!(f, "{} is kept by a chain from a root and not marked", self.shown(node))
            }
            Breach::HandedToRemoval(node) => {
                let node = self.shown(node);
                write!(
                    f,
                    "{node} was handed to removal, though something keeps it, and has no bucket that went"
                )
            }
            Breach::Removed(node) => {
                write!(f, "{} was removed, though something keeps it", self.shown(node))
            }
            Breach::Stays(node) => write!(f, "{} stays, though nothing keeps it", self.shown(node)),
            Breach::NotHandedToRemoval(node) => {
                write!(f, "{} was not handed to removal, though nothing keeps it", self.shown(node))
            }
            Breach::StaysListedFlat(node) => {
                write!(
                    f,
                    "{} stays, though what is listed as such a type is never found marked",
                    self.shown(node)
                )
            }
            Breach::Repeated => {
                f.write_str("a node was handed to removal more or less often than it is listed")
            }
            Breach::Tree { path, got, expected } => {
                let path = print_path(path);
                write!(
                    f,
                    "the tree after differs from the expected one at {path}: {got}, expected {expected}"
                )
            }
            Breach::ChangesAgain { path, before, after } => {
                let path = print_path(path);
                write!(f, "a second collection changes the tree at {path}: {before} becomes {after}")
            }
            Breach::FailsAgain(error) => write!(f, "a second collection fails with `{error}`"),
            Breach::Ends { heard, expected } => {
                let [heard, expected] = [heard, expected].map(|ends| {
                    listed(ends.iter().map(|(collector, end)| format!("{} {end}", kind(collector))))
                });
                write!(f, "the collectors heard {heard}, expected {expected}")
            }
            Breach::Told { told, expected } => {
                let [told, expected] =
                    [told, expected].map(|nodes| listed(nodes.iter().map(|node| self.shown(node))));
                write!(f, "the collectors were told to remove {told}, expected {expected}")
            }
            Breach::Noted { noted, expected } => {
                write!(f, "noted for cleaning up is {}, expected {}", backends(noted), backends(expected))
            }
            Breach::Panicked(said) => write!(f, "it panics: {said}"),
            Breach::Step(breach) => write!(f, "the step {}", breach.read_from(&self.namespace)),
            Breach::LeftByRefused(snapshotter, name) => {
                let place = print_path(&[snapshotter, name]);
                write!(f, "the step is refused and leaves snapshot {place} in the backend")
            }
            Breach::CannotBeUndone(undoing, error) => {
                let Undoing { step, opposite } = &**undoing;
                let [step, opposite] = [step, opposite].map(print_step);
                write!(f, "`{opposite}`, which undoes `{step}`, is refused behind it: {error}")
            }
            Breach::UndoingPanics(undoing, said) => {
                let Undoing { step, opposite } = &**undoing;
                let [step, opposite] = [step, opposite].map(print_step);
                write!(f, "`{opposite}`, which undoes `{step}`, panics: {said}")
            }
            Breach::NotUndone(undoing, path) => {
                let Undoing { step, opposite } = &**undoing;
                let [step, opposite] = [step, opposite].map(print_step);
                write!(f, "{} stays, which `{step}` brings and `{opposite}` takes away", print_path(path))
            }
            Breach::PromiseBroken { node, lease: Some(lease) } => {
                let lease = NodeName { kind: Kind::Lease, key: lease.clone(), ..node.clone() };
                write!(
                    f,
                    "{} was removed, though it was written under {}, which lives",
                    self.named(node),
                    self.named(&lease)
                )
            }
            Breach::PromiseBroken { node, lease: None } => {
                write!(f, "{} was removed within its day", self.named(node))
            }
            Breach::Unsound(found) => {
                let name = broken(found).map_or_else(|| found.object.name(), |node| self.named(&node));
                write!(f, "{name} is broken: {}", alias::in_text(&found.text))
            }
            Breach::Unstored(node) => {
                let node = self.named(node);
                write!(f, "a clean-up removed {node} from the backend, though the database lists it")
            }
            Breach::ExpectedUnstored(blob, ingest) => {
                let (blob, ingest) = (self.named(blob), self.named(ingest));
                write!(f, "a clean-up removed {blob} from the backend, though {ingest} expects it")
            }
            Breach::LeftOver(kind, name) => {
                let name = match kind {
                    Kind::Content => self.named(&NodeName::new(None, *kind, name.clone())),
                    _ => format!("{kind} {}", print_path(&[name])),
                };
                write!(f, "a clean-up left {name} in its backend, though the database no longer lists it")
            }
            Breach::Memory(slip) => slip.read_from(&self.namespace).fmt(f),
            Breach::Logged(WrongLine::Missing(line)) => write!(f, "the log lacks {}", self.line(line)),
            Breach::Logged(WrongLine::Extra(line)) => {
                write!(f, "the log has, and nothing calls for it, {}", self.line(line))
            }
            Breach::Logged(WrongLine::Other(line, expected)) => {
                write!(f, "the log says {}, expected {}", self.line(line), self.line(expected))
            }
            Breach::Logged(WrongLine::Early(early, late)) => {
                write!(f, "the log says first {} and then {}", self.line(early), self.line(late))
            }
            Breach::Asked { question: (collector, call), is_asked } => {
                let (asked, must) = if *is_asked { ("was", "must not be") } else { ("was not", "must be") };
                // Leases that have never been are not asked about either.
                let why =
                    if *is_asked && matches!(call, Call::Leased(..)) { ": it does not live" } else { "" };
                let call = self.question(call);
                write!(f, "the collector of {} {asked} asked {call}, and {must}{why}", kind(collector))
            }
            Breach::CalledEarly { early, late } => {
                let [early, late] = [early, late].map(|(collector, call)| {
                    format!("the collector of {} was {}", kind(collector), self.called(call))
                });
                write!(f, "{early} before {late}")
            }
            Breach::Related { change, difference } => {
                write!(f, "{change}: ")?;
                match difference {
                    Altered::Fails(true) => f.write_str("the collection fails"),
                    Altered::Fails(false) => f.write_str("the collection no longer fails"),
                    Altered::Removed(node, true) => write!(f, "{} is removed", self.shown(node)),
                    Altered::Removed(node, false) => write!(f, "{} stays", self.shown(node)),
                    Altered::Marked(node, true) => write!(f, "{} is marked", self.shown(node)),
                    Altered::Marked(node, false) => write!(f, "{} is no longer marked", self.shown(node)),
                }
            }
            Breach::Injected { at, lost } => {
                match at {
                    Injection::Point(point, number) => write!(f, "an error at {} {number}: ", point.name())?,
                    Injection::CancelledAt(root) => write!(f, "cancelled at root {root}: ")?,
                    Injection::Call(call, collector) => write!(f, "{call} of {} fails: ", kind(collector))?,
                }
                match lost {
                    Shortfall::Error(None) => f.write_str("the collection succeeds all the same"),
                    Shortfall::Error(Some(error)) => write!(f, "the collection fails with `{error}` instead"),
                    Shortfall::TreeChanged => f.write_str("the tree has changed"),
                    Shortfall::Also(finding) if matches!(at, Injection::Call(..)) => {
                        write!(f, "{}: {finding}", finding.property)
                    }
                    Shortfall::Also(finding) => write!(f, "{finding}"),
                }
            }
        }
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Variation::Renamed => f.write_str("with every name replaced"),
            Variation::CreatedAlike => f.write_str("with all times of creation alike"),
            Variation::Labelled => {
                let labels = MEANINGLESS_LABELS.map(text::name);
                write!(f, "with labels that mean nothing ({})", labels.join(", "))
            }
            Variation::At(now) => write!(f, "at {} instead", time::format_rfc3339_nano(*now)),
            Variation::NamespaceBeside => f.write_str("with an unrelated namespace beside"),
            Variation::Leased => f.write_str("with a lease on what is kept anyway"),
        }
    }
}

impl Slip {
    /// As who acts in a namespace reads it.
    fn read_from<'s>(&'s self, namespace: &'s [u8]) -> SlipRead<'s> {
        SlipRead { slip: self, namespace }
    }
}

/// A slip and from where it is read.
struct SlipRead<'s> {
    slip: &'s Slip,
    namespace: &'s [u8],
}

impl fmt::Display for SlipRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slip {
            Slip::Clock(shows, expected) => {
                let [shows, expected] = [shows, expected].map(|at| time::format_rfc3339_nano(*at));
                write!(f, "the clock shows {shows}, expected {expected}")
            }
            Slip::Client(client, acts, expected) => {
                let client = client.as_ref().map_or("the client".to_owned(), |name| print_path(&[name]));
                write!(f, "{client} acts in {}, expected {}", acting(acts), acting(expected))
            }
            Slip::Policy(there, expected) => {
                let [there, expected] = [there, expected].map(|sharing| match sharing {
                    Sharing::Shared => "shared",
                    Sharing::Isolated => "isolated",
                });
                write!(f, "content is {there} between namespaces, expected {expected}")
            }
            Slip::Marks(there, expected) => {
                let marks = |dirty: &metadata::Dirty| {
                    let count = dirty.count;
                    let deletions = (count > 0).then(|| text::counted(count.into(), "deletion"));
                    let is_alone = !dirty.content && dirty.snapshotters.is_empty();
                    let backends = || marked(dirty.content, dirty.snapshotters.iter());
                    let backends = (!is_alone || count == 0).then(backends);
                    deletions.into_iter().chain(backends).collect::<Vec<_>>().join(" and ")
                };
                write!(f, "marked for the next collection is {}, expected {}", marks(there), marks(expected))
            }
            Slip::Scheduled(there, expected) => {
                let clean_up = |due: &CleanUp| marked(due.content, due.snapshotters.iter());
                write!(f, "to be cleaned up is {}, expected {}", clean_up(there), clean_up(expected))
            }
            Slip::Stream { stream, there, expected } => {
                let [there, expected] = [there, expected].map(|open| match open {
                    None => "closed".to_owned(),
                    Some(None) => "open under no lease".to_owned(),
                    Some(Some(lease)) => format!("open under lease {}", print_path(&[lease])),
                });
                write!(f, "{} is {there}, expected {expected}", named(stream, self.namespace))
            }
            Slip::Collector(kind, part) => {
                write!(f, "the collector of {kind} differs from what the steps say in {part}")
            }
            Slip::Collection(true) => f.write_str("a collection ran that nobody asked for"),
            Slip::Collection(false) => f.write_str("the collection that the client waits for did not run"),
            Slip::Locked(locked) => match locked {
                Locked::Metadata => f.write_str("the restart leaves the metadata locked"),
                Locked::Streams => f.write_str("the restart leaves the streams locked"),
                Locked::Reference(name) => {
                    let name = print_path(&[name]);
                    write!(f, "the restart leaves ingest {name} locked by a writer who is gone")
                }
                Locked::Snapshotter(name) => {
                    let name = print_path(&[name]);
                    write!(
                        f,
                        "the restart leaves the clean-up of {name} waiting for a preparation that is gone"
                    )
                }
            },
            Slip::Disk => f.write_str("the restart changed what lies in the backends"),
        }
    }
}

fn acting((namespace, lease): &Acts) -> String {
    let lease =
        lease.as_ref().map_or("no lease".to_owned(), |lease| format!("lease {}", print_path(&[lease])));
    format!("namespace {} under {lease}", print_path(&[namespace]))
}

/// Backends that want a clean-up.
fn marked<'a>(content: bool, snapshotters: impl Iterator<Item = &'a Box<[u8]>>) -> String {
    let content = content.then(|| Kind::Content.to_string());
    listed(content.into_iter().chain(snapshotters.map(|name| print_path(&[name]))))
}

fn any_of(errors: &[String]) -> String {
    errors.iter().map(|error| format!("`{error}`")).collect::<Vec<_>>().join(" or ")
}

fn listed(things: impl Iterator<Item = String>) -> String {
    let things: Vec<String> = things.collect();
    if things.is_empty() { "nothing".to_owned() } else { things.join(", ") }
}

fn backends(dirty: &Dirty) -> String {
    marked(dirty.content, dirty.snapshotters.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_where_there_are_any() {
        let none = metadata::Dirty::default();
        let one = metadata::Dirty { count: 1, ..none.clone() };
        let both = metadata::Dirty { count: 2, content: true, ..none.clone() };
        let said = |there: &metadata::Dirty, expected: &metadata::Dirty| {
            Slip::Marks(there.clone(), expected.clone()).read_from(b"").to_string()
        };
        assert_eq!(said(&none, &one), "marked for the next collection is nothing, expected 1 deletion");
        let content = metadata::Dirty { content: true, ..none };
        assert_eq!(
            said(&content, &both),
            "marked for the next collection is content, expected 2 deletions and content"
        );
    }

    #[test]
    fn a_name_is_spelt_as_in_scenarios_wherever_it_stands() {
        let spelt = "\"a b\"";
        let name = || b"a b".to_vec();
        let acts = Slip::Client(Some(name()), (name(), Some(name())), (name(), None));
        assert_eq!(
            acts.read_from(b"").to_string(),
            format!(
                "{spelt} acts in namespace {spelt} under lease {spelt}, expected namespace {spelt} under no lease"
            )
        );
        let finding = |breach| Finding::new(Property::Leftover, Release::V2_1, breach).to_string();
        let snapshot = NodeName::new(None, Kind::Snapshot, b"native/a b".to_vec());
        assert!(finding(Breach::Unstored(snapshot)).contains(&format!("snapshot/native/{spelt}")));
        let left = |kind, name| finding(Breach::LeftOver(kind, name));
        assert!(left(Kind::Ingest, name()).starts_with(&format!("a clean-up left ingest {spelt} in")));
        let digest = crate::scenario::alias::digest_of("layer").expect("a name");
        assert!(left(Kind::Content, digest).starts_with("a clean-up left content/layer in"));
    }
}
