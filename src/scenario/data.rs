//! What steps are made of, as data.
//!
//! Names are bytes, because containerd's are; content is named by its digest, whatever the text called it.

use crate::instant::Instant;
use crate::named::named;
use crate::node::{Kind, NodeRef};
use crate::release::Release;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;
use std::time::Duration;

/// Any bytes.
pub type Name = Vec<u8>;
/// What is done with every name of something.
pub(super) type EachName<'e> = &'e mut dyn FnMut(&mut Name);
/// The keys from the root of the database to an entry.
pub type KeyPath = Vec<Name>;

/// Labels in the order of their keys, each key once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Labels(Vec<(Name, Name)>);

/// A snapshot of a snapshotter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotName {
    /// The snapshotter, such as `overlayfs`.
    pub snapshotter: Name,
    /// Its key among the snapshotter's snapshots.
    pub key: Name,
}

/// A node as a scenario names it; the number of its type follows from the release.
#[derive(Clone, Debug)]
pub struct NodeName {
    /// Absent for the namespace that the client uses.
    pub namespace: Option<Name>,
    /// Its type; [`Kind::Other`] names any number, flat types too.
    pub kind: Kind,
    /// Its key, for a snapshot `SNAPSHOTTER/KEY`.
    pub key: Name,
    /// Where a snapshotter ends whose name has slashes, if the step says so: `snapshot/"over/lay"/k`. It makes no other
    /// node of it.
    pub(crate) slash: Option<NonZeroU32>,
}

impl NodeName {
    /// A node's name that says nothing of where a snapshotter ends.
    pub fn new(namespace: Option<Name>, kind: Kind, key: Name) -> NodeName {
        NodeName { namespace, kind, key, slash: None }
    }

    /// The same of a snapshot whose snapshotter's name is so long.
    #[must_use]
    pub fn of_snapshotter(mut self, length: usize) -> NodeName {
        let is_slashed = self.key.get(..length).is_some_and(|name| name.contains(&b'/'));
        self.slash = u32::try_from(length).ok().and_then(NonZeroU32::new).filter(|_| is_slashed);
        self
    }

    /// Where a snapshotter's name ends: where the step says so, else at the first slash.
    pub fn slash(&self) -> Option<usize> {
        let said = self.slash.and_then(|at| usize::try_from(at.get()).ok());
        let said = said.filter(|at| self.key.get(*at) == Some(&b'/'));
        said.or_else(|| self.key.iter().position(|byte| *byte == b'/'))
    }

    fn parts(&self) -> (&Option<Name>, Kind, &Name) {
        (&self.namespace, self.kind, &self.key)
    }

    /// The name of a node, its namespace written out. Its type has the number of this release.
    pub fn of(release: Release, node: NodeRef<'_>) -> NodeName {
        let kind = release.exact_kind_of(node.resource_type);
        NodeName::new(Some(node.namespace.to_vec()), kind, node.key.to_vec())
    }
}

impl PartialEq for NodeName {
    fn eq(&self, other: &NodeName) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for NodeName {}

impl PartialOrd for NodeName {
    fn partial_cmp(&self, other: &NodeName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NodeName {
    fn cmp(&self, other: &NodeName) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for NodeName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What a lease may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Resource {
    /// Content by its digest.
    Content(Name),
    /// A snapshot.
    Snapshot(SnapshotName),
    /// An ingest by its reference.
    Ingest(Name),
    /// An image by its name (from 2.0).
    Image(Name),
    /// A resource type as containerd's API has it, for those that it refuses.
    Other {
        /// The type, such as `tasks`.
        resource_type: Name,
        /// The id.
        id: Name,
    },
}

/// When a lease or an image expires: what the label `containerd.io/gc.expire` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// So long after the step (`+1h`), in whole seconds as containerd's client writes them.
    In(Duration),
    /// So long before the step (`-1h`).
    Ago(Duration),
    /// This text, whether it is a time or not.
    Text(Name),
}

named! {
    /// What an update replaces beside the given fields and the given labels.
    pub enum Replace {}
    Labels, "labels" => "All labels by the given ones.";
    All, "all" => "The whole object.";
}

named! {
    /// Who may use a blob that another namespace has.
    pub enum Sharing {}
    Shared, "shared" => "Everyone: containerd's default policy.";
    Isolated, "isolated" => "Nobody, but for namespaces labelled as shareable.";
}

named! {
    /// A call to a collector that can be made to fail.
    pub enum Call {}
    Start, "start" => "`StartCollection`";
    Cancel, "cancel" => "`Cancel`";
    Finish, "finish" => "`Finish`";
}

/// A value of a raw edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RawValue {
    /// These bytes.
    Bytes(Name),
    /// Go's binary form of a time.
    Time(Instant),
    /// Go's signed varint.
    Varint(i64),
}

impl Labels {
    /// Hands out every value.
    pub(super) fn for_each_value(&mut self, each: EachName<'_>) {
        self.0.iter_mut().for_each(|(_, value)| each(value));
    }

    /// None yet.
    pub fn new() -> Labels {
        Labels::default()
    }

    /// In the order of their keys.
    pub fn as_slice(&self) -> &[(Name, Name)] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a label.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let at = self.0.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets a label; gives the value that it had.
    pub fn insert(&mut self, key: Name, value: Name) -> Option<Name> {
        match self.0.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a label away; gives the value that it had.
    pub fn remove(&mut self, key: &[u8]) -> Option<Name> {
        let at = self.0.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
        Some(self.0.remove(at).1)
    }
}

/// Of labels with the same key the last counts.
impl FromIterator<(Name, Name)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(labels: I) -> Labels {
        let mut sorted: Vec<(Name, Name)> = labels.into_iter().collect();
        sorted.reverse();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        sorted.dedup_by(|later, first| later.0 == first.0);
        Labels(sorted)
    }
}

/// The kinds that have a word of their own.
pub(super) const KINDS: [Kind; 9] = [
    Kind::Content,
    Kind::Snapshot,
    Kind::Container,
    Kind::Task,
    Kind::Image,
    Kind::Lease,
    Kind::Ingest,
    Kind::Stream,
    Kind::Mount,
];

/// The kind that a word names.
pub fn kind_of_word(word: &str) -> Option<Kind> {
    match word.strip_prefix("type-") {
        Some(number) => number.parse().ok().map(Kind::Other),
        None => KINDS.into_iter().find(|kind| kind.to_string() == word),
    }
}

/// A part of the time in millionths, written as `0.02`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pause(pub u32);
