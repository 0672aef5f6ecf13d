//! What the oracle answers.

use super::Question;
use super::defects::Defect;
use super::facts::{Facts, Place, Refusal, Resource};
use super::keep::{Cause, Keep, Reached};
use super::nodes::{Key, NodeId, Visit, cut_at_slash};
use super::rules::{By, Failure, Reason, RunError};
use crate::bucket::{Bucket, Entry};
use crate::collector::Collector;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::schema::names;
use crate::situation::Situation;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// What must be kept, what must go, and what may be reported instead.
pub struct Judgement<'a> {
    question: Question<'a>,
    pub(super) facts: Facts<'a>,
    pub(super) keep: Keep,
    errors: BTreeSet<RunError>,
    /// What could have kept each node and did not; built when first asked for.
    failed: OnceLock<Failed>,
}

/// How far a collection gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// Marking fails: nothing is removed.
    MarkFailed,
    /// Sweeping fails: nothing is removed.
    SweepFailed,
    /// It succeeds.
    Success,
}

/// The last call that a started collector gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// `Finish`.
    Finish,
    /// `Cancel`.
    Cancel,
    /// None, a defect.
    Nothing,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            End::Finish => "finish",
            End::Cancel => "cancel",
            End::Nothing => "nothing",
        })
    }
}

/// A place in the tree by its keys from the root down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path<'a> {
    keys: [&'a [u8]; 7],
    length: usize,
}

impl<'a> Path<'a> {
    fn new(keys: &[&'a [u8]]) -> Path<'a> {
        let mut path = Path { keys: [b""; 7], length: keys.len() };
        path.keys[..keys.len()].copy_from_slice(keys);
        path
    }

    /// The keys.
    pub fn keys(&self) -> &[&'a [u8]] {
        &self.keys[..self.length]
    }

    /// The keys of the bucket around it, and the last one.
    fn split(&self) -> (&[&'a [u8]], &'a [u8]) {
        let (key, around) = self.keys().split_last().expect("a path has at least one key");
        (around, key)
    }
}

/// A resource that a sweep comes across, with its verdict.
#[derive(Clone, Copy)]
pub struct Verdict<'j, 'a> {
    judgement: &'j Judgement<'a>,
    resource: Resource<'a>,
}

impl<'a> Verdict<'_, 'a> {
    /// The node, with the type under which it is walked or listed.
    pub fn node(&self) -> Node {
        self.judgement.facts.nodes.node(self.resource.visit)
    }

    /// Whether it is this node.
    pub fn is(&self, node: NodeRef<'_>) -> bool {
        self.judgement.facts.nodes.is_node(self.resource.visit, node)
    }

    /// The type under which it is walked or listed.
    pub fn resource_type(&self) -> ResourceType {
        let Visit { node, high } = self.resource.visit;
        self.judgement.facts.nodes.at(node).type_in(high)
    }

    /// What a snapshot's key has before its first slash; none without a slash.
    pub fn snapshotter(&self) -> Option<&'a [u8]> {
        self.judgement.facts.nodes.at(self.resource.visit.node).key.before_slash()
    }

    /// Whether it stays; if not, it is handed to removal.
    pub fn is_kept(&self) -> bool {
        self.judgement.is_kept(&self.resource)
    }

    /// The collector that lists it; none for what the database has.
    pub fn listed_by(&self) -> Option<ResourceType> {
        match self.resource.place {
            Place::Listed(collector) => Some(collector),
            _ => None,
        }
    }

    /// Why it is kept; none if it is removed.
    pub fn reason(&self) -> Option<Reason<'a>> {
        let reached = self.judgement.keep.of(self.resource.visit.node).next()?;
        self.is_kept().then(|| self.judgement.reason_of(reached))
    }

    /// What might have kept it and did not, in a fixed order; none if nothing ever mentioned it, or if it is kept.
    pub fn failures(&self) -> Vec<Failure<'a>> {
        if self.is_kept() {
            return Vec::new();
        }
        let Visit { node, high } = self.resource.visit;
        if self.judgement.keep.has(node) {
            let resource_type = self.judgement.facts.nodes.at(node).type_in(high);
            return vec![Failure::ListedWithType { resource_type }];
        }
        self.judgement.failures_of(node)
    }
}

impl<'a> Judgement<'a> {
    pub(super) fn new(question: Question<'a>, facts: Facts<'a>, keep: Keep) -> Judgement<'a> {
        let failed = OnceLock::new();
        let mut judgement = Judgement { question, facts, keep, errors: BTreeSet::new(), failed };
        judgement.errors = judgement.marking_errors();
        if judgement.errors.is_empty() {
            judgement.errors = judgement.sweeping_errors();
        }
        judgement
    }

    /// What a run may report: one of these, of which the oracle does not know the first. Empty: it must succeed.
    pub fn errors(&self) -> &BTreeSet<RunError> {
        &self.errors
    }

    /// How far the collection gets.
    pub fn outcome(&self) -> Outcome {
        match self.errors.first() {
            None => Outcome::Success,
            Some(error) if error.is_of_marking() => Outcome::MarkFailed,
            Some(_) => Outcome::SweepFailed,
        }
    }

    /// Whether a node is in the keep set. Its type is taken as in the marked set, without the bits above 0x1F.
    ///
    /// Where snapshotters with a slash are told apart (without [`Defect::SnapshotterCutAtSlash`]), a snapshot's
    /// text may mean several, and one that is kept suffices.
    pub fn keeps(&self, node: NodeRef<'_>) -> bool {
        self.kept_id(node).is_some()
    }

    /// The size of the keep set.
    pub fn kept_count(&self) -> usize {
        self.keep.nodes
    }

    /// The keep set: types stripped, sorted by type, namespace and key, nodes without a bucket included.
    pub fn kept(&self) -> Vec<Node> {
        let ids = 0..NodeId::try_from(self.facts.nodes.len()).expect("node numbers fit");
        let kept = ids.filter(|node| self.keep.has(*node));
        let mut kept: Vec<Node> = kept.map(|node| self.plain(node)).collect();
        kept.sort_unstable();
        kept
    }

    /// Why a node is kept; none if it is not. A type with bits above 0x1F asks for that very visit first.
    pub fn reason(&self, node: NodeRef<'_>) -> Option<Reason<'a>> {
        let id = self.kept_id(node)?;
        let same = |reached: &&Reached| reached.visit.high == node.resource_type.0 >> 5;
        let reached = self.keep.of(id).find(same).or_else(|| self.keep.of(id).next())?;
        Some(self.reason_of(reached))
    }

    /// The reasons from a node to a root; empty if it is not kept.
    pub fn chain(&self, node: NodeRef<'_>) -> Vec<Reason<'a>> {
        let mut chain: Vec<Reason<'a>> = self.reason(node).into_iter().collect();
        // A visit follows from earlier ones, so this ends.
        while let Some(By::Node(by)) = chain.last().map(|reason| &reason.by) {
            let Some(next) = self.reason(by.as_ref()) else { break };
            chain.push(next);
        }
        chain
    }

    /// Everything that a sweep comes across: by namespace leases, snapshots, ingests, content and images, then what
    /// the collectors list, in the order of the question.
    pub fn resources(&self) -> impl Iterator<Item = Verdict<'_, 'a>> {
        self.facts.resources.iter().map(|resource| Verdict { judgement: self, resource: *resource })
    }

    /// How many resources are handed to removal where nothing fails; repeats count.
    pub fn removed_count(&self) -> usize {
        self.facts.resources.iter().filter(|resource| !self.is_kept(resource)).count()
    }

    /// What the collectors are told to remove, sorted, repeats included; nothing unless the outcome is success.
    pub fn collector_removals(&self) -> Vec<Node> {
        if self.outcome() != Outcome::Success {
            return Vec::new();
        }
        let listed = self.resources().filter(|verdict| verdict.listed_by().is_some() && !verdict.is_kept());
        let is_started =
            |node: &Node| self.started().any(|collector| collector.resource_type == node.resource_type);
        let mut removals: Vec<Node> = listed.map(|verdict| verdict.node()).filter(is_started).collect();
        removals.sort_unstable();
        removals
    }

    /// The buckets that the database must lose, in the order of the walk; none unless the outcome is success.
    /// A snapshot whose key leads elsewhere loses nothing.
    pub fn removed_paths(&self) -> impl Iterator<Item = Path<'a>> {
        let succeeds = self.outcome() == Outcome::Success;
        let removed = self.facts.resources.iter().filter(move |resource| succeeds && !self.is_kept(resource));
        removed.filter_map(|resource| self.path_of(resource))
    }

    /// The entries of `children`, in parents that stay, that the intended removal takes along; none where the
    /// release leaves them ([`Defect::StaleChildrenEntry`]).
    pub fn unlinked_paths(&self) -> Vec<Path<'a>> {
        if self.has(Defect::StaleChildrenEntry) {
            return Vec::new();
        }
        self.removed_paths().filter_map(|path| self.unlinked_by(path)).collect()
    }

    /// The tree after the collection.
    pub fn tree_after(&self) -> Bucket {
        let mut tree = self.question.situation.tree.clone();
        for path in self.removed_paths() {
            let (around, key) = path.split();
            tree.delete_bucket(around, key).expect("a removed path leads to a bucket of the tree");
        }
        for path in self.unlinked_paths() {
            let (around, key) = path.split();
            tree.delete(around, key).expect("a parent that stays keeps its children");
        }
        tree
    }

    /// The last call that each started collector gets, in the order of the question.
    pub fn collector_ends(&self) -> Vec<(ResourceType, End)> {
        self.collector_ends_after(self.outcome())
    }

    /// The same for a collection that got this far, as one whose context is cancelled fails while it marks.
    pub fn collector_ends_after(&self, outcome: Outcome) -> Vec<(ResourceType, End)> {
        let end = match outcome {
            Outcome::Success => End::Finish,
            Outcome::MarkFailed if self.has(Defect::NoCancelAfterFailedMark) => End::Nothing,
            Outcome::MarkFailed | Outcome::SweepFailed => End::Cancel,
        };
        self.started().map(|collector| (collector.resource_type, end)).collect()
    }

    pub(super) fn question(&self) -> Question<'a> {
        self.question
    }

    /// A node with its plain type.
    fn plain(&self, node: NodeId) -> Node {
        self.facts.nodes.node(Visit { node, high: Visit::FULL })
    }

    fn has(&self, defect: Defect) -> bool {
        self.question.defects.contains(defect)
    }

    /// The collectors that take part.
    fn started(&self) -> impl Iterator<Item = &'a Collector> {
        let Situation { release, collectors, .. } = self.question.situation;
        let registered: &[Collector] = if release.rules().collectors { collectors } else { &[] };
        registered.iter().filter(|collector| !collector.start_error)
    }

    fn kept_id(&self, node: NodeRef<'_>) -> Option<NodeId> {
        let is_kept = |node: &NodeId| self.keep.has(*node);
        if self.has(Defect::SnapshotterCutAtSlash) {
            self.facts.nodes.find(node).filter(is_kept)
        } else {
            self.facts.nodes.find_any(node, is_kept)
        }
    }

    fn is_kept(&self, resource: &Resource<'_>) -> bool {
        let Visit { node, high } = resource.visit;
        let can_be_found = high == Visit::FULL || !self.has(Defect::FlatTypeNeverMarked);
        can_be_found && self.keep.has(node)
    }

    fn reason_of(&self, reached: &Reached) -> Reason<'a> {
        let Visit { node, high } = reached.visit;
        let reached_as = self.facts.nodes.at(node).type_in(high);
        match reached.cause {
            Cause::Root(number) => {
                let root = &self.facts.roots[number as usize];
                Reason { reached_as, rule: root.rule, label: root.label, by: By::Root(root.holder) }
            }
            Cause::Reference(number) => {
                let reference = &self.facts.references[number as usize];
                let by = self.facts.nodes.node(reference.from);
                Reason { reached_as, rule: reference.rule, label: reference.label, by: By::Node(by) }
            }
        }
    }

    /// Gathering the roots comes first: where it fails nothing is followed.
    fn marking_errors(&self) -> BTreeSet<RunError> {
        let undecodable = self.facts.undecodable.iter().map(|error| RunError::Undecodable(*error));
        let errors: BTreeSet<RunError> = undecodable.collect();
        if !errors.is_empty() {
            return errors;
        }
        let snapshot = self.question.situation.release.type_of(Kind::Snapshot);
        let followed = self.keep.visits().filter(|visit| matches!(visit.high, Visit::FULL | Visit::FLAT));
        let entries = followed.map(|visit| self.facts.nodes.at(visit.node));
        let snapshots = entries.filter(|entry| Some(entry.resource_type) == snapshot);
        let invalid = snapshots.filter(|entry| !entry.key.has_snapshotter());
        invalid.map(|entry| RunError::InvalidSnapshotKey(entry.key.text().into())).collect()
    }

    /// Only a key that was cut can lead to a bucket that is not there, or no more.
    fn sweeping_errors(&self) -> BTreeSet<RunError> {
        if !self.has(Defect::SnapshotterCutAtSlash) {
            return BTreeSet::new();
        }
        let removed = self.facts.resources.iter().filter(|resource| !self.is_kept(resource));
        let errors = removed.filter_map(|resource| {
            let Place::Snapshot(snapshotter, name) = resource.place else { return None };
            let (before, after) = cut_at_slash(snapshotter)?;
            let namespace = self.facts.nodes.namespace_of(resource.visit.node);
            let path = [names::V1, namespace, names::SNAPSHOTS, before];
            let snapshots = self.question.situation.tree.view().at(&path)?;
            match snapshots.entry(&[after, b"/", name].concat()) {
                Some(Entry::Value(_)) => Some(RunError::IncompatibleValue),
                // What is there has the same key and was removed before.
                Some(Entry::Bucket(_)) | None => Some(RunError::BucketNotFound),
            }
        });
        errors.collect()
    }

    /// Where removal looks for a resource; nowhere for what a collector lists, of which the walk met all that exists.
    fn path_of(&self, resource: &Resource<'a>) -> Option<Path<'a>> {
        let namespace = self.facts.nodes.namespace_of(resource.visit.node);
        let below = |keys: &[&'a [u8]]| {
            let mut path = Path { keys: [b""; 7], length: 2 + keys.len() };
            path.keys[0] = names::V1;
            path.keys[1] = namespace;
            path.keys[2..path.length].copy_from_slice(keys);
            Some(path)
        };
        match resource.place {
            Place::Lease(id) => below(&[names::LEASES, id]),
            // Cut at the slash it would lead to another bucket, which success shows to be absent.
            Place::Snapshot(snapshotter, _)
                if self.has(Defect::SnapshotterCutAtSlash) && snapshotter.contains(&b'/') =>
            {
                None
            }
            Place::Snapshot(snapshotter, name) => below(&[names::SNAPSHOTS, snapshotter, name]),
            Place::Ingest(reference) => below(&[names::CONTENT, names::INGESTS, reference]),
            Place::Blob(digest) => below(&[names::CONTENT, names::BLOB, digest]),
            Place::Image(name) => below(&[names::IMAGES, name]),
            Place::Listed(_) => None,
        }
    }

    /// The entry in its parent's children of a snapshot that is removed, if the parent stays.
    fn unlinked_by(&self, path: Path<'a>) -> Option<Path<'a>> {
        let [v1, namespace, names::SNAPSHOTS, snapshotter, name] = *path.keys() else { return None };
        let parent = self.question.situation.tree.view().at(path.keys())?.get(names::PARENT)?;
        let children = [v1, namespace, names::SNAPSHOTS, snapshotter, parent, names::CHILDREN];
        self.question.situation.tree.view().at(&children)?.get(name)?;
        let snapshot = self.question.situation.release.type_of(Kind::Snapshot)?;
        let id = self.facts.nodes.find_namespace(namespace)?;
        let parent = self.facts.nodes.find_key(snapshot, id, Key::snapshot(snapshotter, parent))?;
        let [v1, namespace, snapshots, snapshotter, parent_name, children] = children;
        let entry = [v1, namespace, snapshots, snapshotter, parent_name, children, name];
        self.keep.has(parent).then(|| Path::new(&entry))
    }

    fn failures_of(&self, node: NodeId) -> Vec<Failure<'a>> {
        let failed = self.failed.get_or_init(|| Failed::new(&self.facts, &self.keep));
        let refusals = of_node(&failed.refusals, node).iter();
        let refused = refusals.map(|(_, number)| self.refused(self.facts.refusals[*number as usize].1));
        let references = of_node(&failed.references, node).iter();
        let unfollowed = references.map(|(_, number)| self.unfollowed(*number));
        let mut failures: Vec<Failure<'a>> = refused.chain(unfollowed).collect();
        failures.sort_unstable();
        failures.dedup();
        failures
    }

    fn refused(&self, refusal: Refusal<'a>) -> Failure<'a> {
        let node = |visit| self.facts.nodes.node(visit);
        match refusal {
            Refusal::LeaseExpired { at } => Failure::LeaseExpired { at },
            Refusal::HolderExpired { lease, at, rule: _ } => {
                Failure::HolderExpired { lease: self.plain(lease), at }
            }
            Refusal::ImageExpired { at } => Failure::ImageExpired { at },
            Refusal::IngestExpired { at } => Failure::IngestExpired { at },
            Refusal::IngestWithoutExpiry => Failure::IngestWithoutExpiry,
            Refusal::IngestUndecodable { error } => Failure::IngestUndecodable { error },
            Refusal::ConditionUnmet { by, label } => Failure::ConditionUnmet { by: node(by), label },
            Refusal::ParentMissing { by, label } => Failure::ParentMissing { by: node(by), label },
        }
    }

    fn unfollowed(&self, number: u32) -> Failure<'a> {
        let reference = &self.facts.references[number as usize];
        let (rule, label) = (reference.rule, reference.label);
        let from = reference.from;
        if self.keep.has(from.node) {
            Failure::ReferrerNotFull { by: self.facts.nodes.node(from), rule, label }
        } else {
            Failure::ReferrerRemoved { by: self.plain(from.node), rule, label }
        }
    }
}

/// What failed, by the node that it did not keep.
struct Failed {
    refusals: Vec<(NodeId, u32)>,
    references: Vec<(NodeId, u32)>,
}

impl Failed {
    fn new(facts: &Facts<'_>, keep: &Keep) -> Failed {
        let removed = |nodes: &mut dyn Iterator<Item = NodeId>| {
            let mut numbered: Vec<(NodeId, u32)> = nodes.zip(0..).collect();
            numbered.retain(|(node, _)| !keep.has(*node));
            numbered.sort_unstable();
            numbered
        };
        Failed {
            refusals: removed(&mut facts.refusals.iter().map(|(node, _)| *node)),
            references: removed(&mut facts.references.iter().map(|reference| reference.to.node)),
        }
    }
}

fn of_node(numbered: &[(NodeId, u32)], node: NodeId) -> &[(NodeId, u32)] {
    let first = numbered.partition_point(|(other, _)| *other < node);
    let length = numbered[first..].partition_point(|(other, _)| *other == node);
    &numbered[first..first + length]
}
