//! Two releases' collections of one database, held against each other.
//!
//! A node is matched by kind, namespace and key. Each side gives it a fate: kept, removed, spared because the
//! collection fails, or never swept. Where the fates differ, the side that keeps it is asked for the chain from the
//! node to a root; read from the root on, the first hop whose target the other side does not reach is made by the
//! rule that differs. Up to 1.x an image, and up to 2.1 a container, is no node but holds what it refers to: here it
//! counts as a hop of its own, which every such release makes.

use super::class::Class;
use crate::bucket::Bucket;
use crate::collector::Collector;
use crate::engine::{self, Request, collect};
use crate::metadata::{self, Store};
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::{By, Defects, End, Failure, Holder, Judgement, Outcome, Reason, Rule, RunError, judge};
use crate::properties::check;
use crate::release::Release;
use crate::schema::{names, time};
use crate::situation::Situation;
use std::collections::BTreeMap;

/// The two sides of a comparison.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What a daemon of the release that runs today has, the database migrated as it does when it opens it.
    pub from: Situation,
    /// What one of the release that takes over the database has, opened after it.
    pub to: Situation,
}

/// A database that a daemon of a release does not open.
#[derive(Clone, Debug, thiserror::Error)]
#[error("containerd {release} does not open this database: {error}")]
pub struct Unopenable {
    /// The release.
    pub release: Release,
    /// What its migration says.
    pub error: metadata::Error,
}

impl Pair {
    /// A database that `from` has open and that `to` opens after it. Either has its own numbers for the collectors of
    /// the situation; `to` may have some that `from` lacks.
    ///
    /// # Errors
    /// One of the daemons refuses to open it.
    pub fn new(situation: &Situation, from: Release, to: Release) -> Result<Pair, Unopenable> {
        let open = |tree: &Bucket, release| {
            let store = Store::open(tree.clone(), release).map_err(|error| Unopenable { release, error })?;
            Ok(Situation { tree: store.tree, ..situation.under(release) })
        };
        let from = open(&situation.tree, from)?;
        let to = open(&from.tree, to)?;
        Ok(Pair { from, to })
    }
}

/// What a collection does with a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate<'a> {
    /// It is kept, for this reason.
    Kept(Reason<'a>),
    /// The collection removes it; what might have kept it and did not.
    Removed(Vec<Failure<'a>>),
    /// The collection would remove it, but fails.
    Spared(Vec<Failure<'a>>),
    /// The release never sweeps what it is.
    NotSwept,
}

impl Fate<'_> {
    /// Whether the node is still there afterwards.
    pub fn stays(&self) -> bool {
        !matches!(self, Fate::Removed(_))
    }
}

/// What differs for a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// `from` keeps it and `to` removes it.
    Removed,
    /// `from` removes it and `to` keeps it.
    Kept,
    /// Both keep it: one never sweeps it, the other only keeps it by a rule that the first does not have.
    Alike,
}

/// A node about which the releases differ.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// What the node is.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Box<[u8]>,
    /// Its key, for a snapshot `SNAPSHOTTER/NAME`.
    pub key: Box<[u8]>,
    /// What differs.
    pub effect: Effect,
    /// The rule that differs.
    pub class: Class,
    /// What `from` does with it.
    pub from: Fate<'a>,
    /// What `to` does with it.
    pub to: Fate<'a>,
}

/// Collections that end with different errors, or one with an error and the other without.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorsDiffer {
    /// The rule that differs.
    pub class: Class,
    /// How `from`'s collection fails.
    pub from: Option<String>,
    /// How `to`'s collection fails.
    pub to: Option<String>,
}

/// Failed collections whose collectors hear another last call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndsDiffer {
    /// The rule that differs.
    pub class: Class,
    /// The collectors' kind.
    pub kind: Kind,
    /// What the collector hears from `from`.
    pub from: End,
    /// What it hears from `to`.
    pub to: End,
}

/// Everything in which two collections of one database differ.
pub struct Comparison<'a> {
    /// What was compared.
    pub pair: &'a Pair,
    /// The nodes, by kind, namespace and key.
    pub differences: Vec<Difference<'a>>,
    /// How the errors differ, if they do.
    pub errors: Option<ErrorsDiffer>,
    /// The error that both collections end with.
    pub common_error: Option<String>,
    /// Which collectors hear another last call.
    pub ends: Vec<EndsDiffer>,
    /// Where engine and oracle contradict each other about one side, in words.
    pub disagreements: Vec<String>,
}

impl Comparison<'_> {
    /// How many nodes differ in this way.
    pub fn count(&self, effect: Effect) -> usize {
        self.differences.iter().filter(|difference| difference.effect == effect).count()
    }

    /// Whether only `to`'s collection fails.
    pub fn newly_fails(&self) -> bool {
        self.errors.as_ref().is_some_and(|errors| errors.from.is_none() && errors.to.is_some())
    }

    /// Whether the release that takes over does what nobody may want: it removes what is kept today, newly fails, or
    /// differs without a rule that explains it.
    pub fn is_finding(&self) -> bool {
        self.count(Effect::Removed) > 0 || self.newly_fails() || self.is_unexplained()
    }

    /// Whether something differs without a rule that explains it.
    pub fn is_unexplained(&self) -> bool {
        let of_nodes = self.differences.iter().map(|difference| difference.class);
        let of_errors = self.errors.iter().map(|errors| errors.class);
        let of_ends = self.ends.iter().map(|ends| ends.class);
        let mut classes = of_nodes.chain(of_errors).chain(of_ends);
        !self.disagreements.is_empty() || classes.any(|class| class == Class::Unexplained)
    }
}

/// Compares the collections of both sides.
pub fn compare(pair: &Pair) -> Comparison<'_> {
    let (from, to) = rayon::join(|| Judged::new(&pair.from), || Judged::new(&pair.to));
    let (errors, common_error) = match (&from.outcome.error, &to.outcome.error) {
        (from_error, to_error) if from_error == to_error => (None, from_error.clone()),
        (from_error, to_error) => {
            let class = class_of_errors(&from, &to);
            (Some(ErrorsDiffer { class, from: from_error.clone(), to: to_error.clone() }), None)
        }
    };
    let disagreements = from.disagreements.iter().chain(&to.disagreements).cloned().collect();
    let (differences, ends) = (differences(&from, &to), ends(&from, &to));
    Comparison { pair, differences, errors, common_error, ends, disagreements }
}

/// What a node is in every release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    kind: Kind,
    namespace: Box<[u8]>,
    key: Box<[u8]>,
}

/// A resource as one side's sweep meets it.
struct Swept<'a> {
    /// With that side's number.
    node: Node,
    fate: Fate<'a>,
    listed_by: Option<Kind>,
}

/// One side with what engine and oracle say of it.
struct Judged<'a> {
    side: &'a Situation,
    judgement: Judgement<'a>,
    outcome: engine::Outcome,
    swept: BTreeMap<Named, Swept<'a>>,
    disagreements: Vec<String>,
}

impl<'a> Judged<'a> {
    fn new(side: &'a Situation) -> Judged<'a> {
        let (outcome, judgement) = (collect(side), judge(side, Defects::as_shipped(side.release)));
        let findings = check::compare(&Request::new(side), &outcome, &judgement);
        let disagreement = |finding: check::Finding| {
            format!(
                "collector and oracle of {} disagree ({}): {}",
                side.release, finding.property, finding.text
            )
        };
        let disagreements = findings.into_iter().map(disagreement).collect();
        let fails = outcome.error.is_some();
        let swept = judgement.resources().map(|verdict| {
            let node = verdict.node();
            let fate = match verdict.reason() {
                Some(reason) => Fate::Kept(reason),
                None if fails => Fate::Spared(verdict.failures()),
                None => Fate::Removed(verdict.failures()),
            };
            let listed_by = verdict.listed_by().map(|listing| side.release.kind_of(listing));
            let kind = side.release.kind_of(node.resource_type);
            let named = Named { kind, namespace: node.namespace.clone(), key: node.key.clone() };
            (named, Swept { node, fate, listed_by })
        });
        let swept = swept.collect();
        Judged { side, judgement, outcome, swept, disagreements }
    }

    fn release(&self) -> Release {
        self.side.release
    }

    fn fate(&self, named: &Named) -> Fate<'a> {
        self.swept.get(named).map_or(Fate::NotSwept, |swept| swept.fate.clone())
    }

    /// Whether this side reaches a node of another side, at least as fully. What is no node here holds by its being
    /// there.
    fn reaches(&self, node: NodeRef<'_>, numbered: Release) -> bool {
        let (rules, kind) = (self.release().rules(), plain_kind(numbered, node.resource_type));
        let is_there =
            |folder| self.side.tree.view().at(&[names::V1, node.namespace, folder, node.key]).is_some();
        match kind {
            Kind::Image if !rules.image_nodes => is_there(names::IMAGES),
            Kind::Container if !rules.back_references => is_there(names::CONTAINERS),
            _ => {
                let number = numbered.number_in(self.release(), node.resource_type);
                let reached = number.and_then(|resource_type| {
                    let reason = self.judgement.reason(NodeRef { resource_type, ..node })?;
                    Some((resource_type, reason.reached_as))
                });
                reached.is_some_and(|(asked, reached)| reached == asked || reached == asked.stripped())
            }
        }
    }
}

fn differences<'a>(from: &Judged<'a>, to: &Judged<'a>) -> Vec<Difference<'a>> {
    let mut differences = Vec::new();
    let names = from.swept.keys().chain(to.swept.keys().filter(|named| !from.swept.contains_key(*named)));
    let mut names: Vec<&Named> = names.collect();
    names.sort_unstable();
    for named in names {
        let (from_fate, to_fate) = (from.fate(named), to.fate(named));
        let found = match (from_fate.stays(), to_fate.stays()) {
            (true, false) => Some((Effect::Removed, class_of_fates(from, to, named))),
            (false, true) => Some((Effect::Kept, class_of_fates(to, from, named))),
            (false, false) => None,
            (true, true) => class_of_alike(from, to, named).map(|class| (Effect::Alike, class)),
        };
        if let Some((effect, class)) = found {
            let Named { kind, namespace, key } = named.clone();
            differences.push(Difference {
                kind,
                namespace,
                key,
                effect,
                class,
                from: from_fate,
                to: to_fate,
            });
        }
    }
    differences
}

/// Why a node stays on one side and goes on the other.
fn class_of_fates(stays: &Judged<'_>, goes: &Judged<'_>, named: &Named) -> Class {
    match stays.swept.get(named).map(|swept| (&swept.node, &swept.fate)) {
        Some((node, Fate::Kept(_))) => class_of_chain(stays, goes, node.as_ref()),
        Some((_, Fate::Spared(_))) => Class::CollectionFails,
        Some((_, Fate::Removed(_) | Fate::NotSwept)) => Class::Unexplained,
        None => class_of_unswept(stays, goes, named),
    }
}

/// Why one side never sweeps what the other one has in its sweep.
fn class_of_unswept(unswept: &Judged<'_>, swept: &Judged<'_>, named: &Named) -> Class {
    let other = swept.release();
    match swept.swept.get(named).map(|swept| (swept.listed_by, swept.node.resource_type)) {
        Some((Some(collector), number)) => class_of_report(unswept, collector, number, other),
        Some((None, _)) if named.kind == Kind::Image && !unswept.release().rules().image_nodes => {
            Class::ImageExpiry
        }
        _ => Class::Unexplained,
    }
}

/// Why a side does not heed what a collector of a kind reports on the other: it has no such collector, or no number
/// for what is reported.
fn class_of_report(without: &Judged<'_>, kind: Kind, reported: ResourceType, numbered: Release) -> Class {
    let has_number = numbered.number_in(without.release(), reported).is_some();
    match without.side.collector(kind) {
        Some(_) if !has_number => Class::CollectorNumbers,
        _ => class_of_collector(without, kind),
    }
}

/// Why a side has no collector of a kind.
fn class_of_collector(without: &Judged<'_>, kind: Kind) -> Class {
    let release = without.release();
    if without.side.collector(kind).is_some() {
        Class::Unexplained
    } else if !release.rules().collectors {
        Class::Collectors
    } else if kind == Kind::Mount && release.type_of(Kind::Mount).is_none() {
        Class::Mounts
    } else {
        Class::CollectorNumbers
    }
}

/// An image that one side never sweeps and the other one keeps, though expired, by a rule of its own.
fn class_of_alike(from: &Judged<'_>, to: &Judged<'_>, named: &Named) -> Option<Class> {
    let (unswept, swept) = match (from.swept.get(named), to.swept.get(named)) {
        (None, Some(swept)) => ((from, to), swept),
        (Some(swept), None) => ((to, from), swept),
        _ => return None,
    };
    let (without, with) = unswept;
    let Fate::Kept(reason) = &swept.fate else { return None };
    let is_expired_image = named.kind == Kind::Image && image_has_expired(with.side, named);
    is_expired_image.then(|| class_of_rule(with, without, reason, swept.node.as_ref()))
}

/// Whether an image is past its `gc.expire`, as the releases read it that have images as nodes.
fn image_has_expired(side: &Situation, named: &Named) -> bool {
    let path = [names::V1, &*named.namespace, names::IMAGES, &*named.key, names::LABELS];
    let expiry = side.tree.view().at(&path).and_then(|labels| labels.get(names::GC_EXPIRE));
    let expiry = expiry.and_then(|text| time::parse_rfc3339(text).ok());
    expiry.is_some_and(|at| side.now > at)
}

/// The rule by which a node is kept on one side and not on the other: the first hop from the root that the other
/// side does not make.
fn class_of_chain(keeps: &Judged<'_>, lacks: &Judged<'_>, node: NodeRef<'_>) -> Class {
    let chain = keeps.judgement.chain(node);
    for (index, reason) in chain.iter().enumerate().rev() {
        // What a hop leads to is what the next one, nearer to the node, starts from.
        let target = match index.checked_sub(1).map(|nearer| &chain[nearer].by) {
            None => node,
            Some(By::Node(by)) => by.as_ref(),
            Some(By::Root(_)) => return Class::Unexplained,
        };
        if let By::Root(Holder::Image { namespace, name }) = reason.by
            && let Some(class) = class_of_lost_image(lacks, namespace, name)
        {
            return class;
        }
        let target = NodeRef { resource_type: reason.reached_as, ..target };
        if !lacks.reaches(target, keeps.release()) {
            return class_of_rule(keeps, lacks, reason, target);
        }
    }
    Class::Unexplained
}

/// An image that holds by its being there on one side, where the other does not reach it in full.
fn class_of_lost_image(lacks: &Judged<'_>, namespace: &[u8], name: &[u8]) -> Option<Class> {
    let resource_type = lacks.release().type_of(Kind::Image)?;
    match lacks.judgement.reason(NodeRef { resource_type, namespace, key: name }) {
        None => Some(Class::ImageExpiry),
        Some(reason) if reason.reached_as != resource_type => Some(Class::FlatImage),
        Some(_) => None,
    }
}

/// Which rule makes a hop to a node on one side, and does not on the other.
fn class_of_rule(has: &Judged<'_>, lacks: &Judged<'_>, reason: &Reason<'_>, target: NodeRef<'_>) -> Class {
    let (had, lacked) = (has.release().rules(), lacks.release().rules());
    let kind = plain_kind(has.release(), target.resource_type);
    if let (By::Root(Holder::Sandbox { namespace, id }), Some(label)) = (&reason.by, reason.label) {
        let path = [names::V1, namespace, names::SANDBOXES, id, names::LABELS];
        let labels = lacks.side.tree.view().at(&path);
        if !lacked.sandbox_references {
            return Class::SandboxReferences;
        } else if labels.is_none_or(|labels| labels.entry(label).is_none()) {
            return Class::SandboxesMoved;
        }
    }
    match reason.rule {
        Rule::LeaseHolds if kind == Kind::Image && !lacked.image_nodes => Class::LeaseHoldsImages,
        Rule::ImageLabel if !lacked.image_nodes => Class::ImageReferences,
        Rule::RootLabel if had.root_by_prefix && !lacked.root_by_prefix => match reason.label {
            Some(names::GC_ROOT) => Class::RootLabelBucket,
            _ => Class::RootLabelByPrefix,
        },
        Rule::BackReference if !lacked.back_references => match &reason.by {
            By::Node(parent) => Class::BackReference(plain_kind(has.release(), parent.resource_type)),
            By::Root(_) => Class::Unexplained,
        },
        Rule::Condition if !lacked.conditional_references => Class::ConditionalReferences,
        Rule::CollectorLabel
            if had.shared_loop_variable != lacked.shared_loop_variable
                && lacks.side.collector(kind).is_some() =>
        {
            Class::SharedLoopVariable
        }
        Rule::CollectorBackReference if !lacked.back_references => Class::CollectorBackReferences,
        Rule::CollectorReference if !lacked.collector_references => Class::CollectorReferences,
        Rule::CollectorLabel
        | Rule::CollectorActive
        | Rule::CollectorLeased
        | Rule::CollectorBackReference
        | Rule::CollectorReference => match collector_behind(has, reason, target) {
            Some(kind) if lacks.side.collector(kind).is_some() && !is_asked(has, lacks, kind, target) => {
                Class::SandboxesMoved
            }
            Some(kind) => class_of_report(lacks, kind, target.resource_type, has.release()),
            None => Class::Unexplained,
        },
        _ => Class::Unexplained,
    }
}

/// Whether a side asks a collector about a namespace for which it reports a node. Sandboxes that move below `v1` may
/// bring their namespace along.
fn is_asked(has: &Judged<'_>, lacks: &Judged<'_>, kind: Kind, target: NodeRef<'_>) -> bool {
    let Some(collector) = has.side.collector(kind) else { return false };
    let active = collector.active.iter().map(|active| (&active.node, &active.for_namespace));
    let back = collector.active_back_references.iter().map(|back| (&back.to, &back.for_namespace));
    let mut reported = active.chain(back).filter(|(node, _)| node.as_ref() == target);
    reported.any(|(_, namespace)| lacks.side.tree.view().at(&[names::V1, namespace]).is_some())
}

/// The kind of the collector that says what a hop to a node follows from.
fn collector_behind(has: &Judged<'_>, reason: &Reason<'_>, target: NodeRef<'_>) -> Option<Kind> {
    let number = match (reason.rule, &reason.by) {
        // The label yields the collector's own type.
        (Rule::CollectorLabel, _) => target.resource_type.stripped(),
        (_, By::Root(Holder::Collector { resource_type })) => *resource_type,
        (Rule::CollectorReference, By::Node(from)) => from.resource_type,
        (rule, by) => {
            let mut collectors = has.side.collectors.iter().filter(|collector| !collector.start_error);
            let says = |collector: &&Collector| match by {
                By::Node(from) if rule == Rule::CollectorBackReference => {
                    let mut reported = collector.active_back_references.iter();
                    reported.any(|back| back.from == *from && back.to.as_ref() == target)
                }
                _ => collector.leased.iter().any(|leased| leased.node.as_ref() == target),
            };
            collectors.find(says)?.resource_type
        }
    };
    Some(has.release().kind_of(number))
}

/// The kind of a type, whatever bits it has above 0x1F.
fn plain_kind(release: Release, resource_type: ResourceType) -> Kind {
    release.kind_of(resource_type.stripped())
}

/// Why two collections end with different errors: the error that only one of them may meet has a cause, and where
/// both may meet the same ones the order decides.
fn class_of_errors(from: &Judged<'_>, to: &Judged<'_>) -> Class {
    for (meets, other) in [(from, to), (to, from)] {
        let own = meets.judgement.errors().difference(other.judgement.errors());
        for error in own {
            let class = class_of_error(meets, other, error);
            if class != Class::Unexplained {
                return class;
            }
        }
    }
    let errors = from.judgement.errors();
    let order_decides = errors == to.judgement.errors() && errors.len() > 1;
    if order_decides { Class::ErrorOrder } else { Class::Unexplained }
}

/// Why one side may meet an error that the other does not.
fn class_of_error(meets: &Judged<'_>, other: &Judged<'_>, error: &RunError) -> Class {
    match error {
        // Every release reads every ingest.
        RunError::Undecodable(_) => Class::Unexplained,
        RunError::InvalidSnapshotKey(key) => {
            let snapshot = meets.release().type_of(Kind::Snapshot);
            let kept = meets.judgement.kept();
            let named = kept.iter().filter(|node| Some(node.resource_type) == snapshot && node.key == *key);
            let mut only_here = named.filter(|node| !other.reaches(node.as_ref(), meets.release()));
            only_here.next().map_or(Class::Unexplained, |node| class_of_chain(meets, other, node.as_ref()))
        }
        // The sweep stumbles over a snapshot whose snapshotter has a slash, where the other side keeps it.
        RunError::BucketNotFound | RunError::IncompatibleValue => {
            // Where marking fails nothing is swept, and the reason lies with that error.
            if other.judgement.outcome() == Outcome::MarkFailed {
                return Class::Unexplained;
            }
            let slashes = |key: &[u8]| key.iter().filter(|byte| **byte == b'/').count();
            let cut = meets.swept.iter().filter(|(named, swept)| {
                let is_cut = named.kind == Kind::Snapshot && slashes(&named.key) > 1;
                is_cut && !matches!(swept.fate, Fate::Kept(_))
            });
            let kept = cut.filter_map(|(named, _)| other.swept.get(named));
            let mut kept = kept.filter(|swept| matches!(swept.fate, Fate::Kept(_)));
            kept.next().map_or(Class::Unexplained, |swept| class_of_chain(other, meets, swept.node.as_ref()))
        }
    }
}

/// Collectors of both sides that hear another last call after marking failed on both.
fn ends(from: &Judged<'_>, to: &Judged<'_>) -> Vec<EndsDiffer> {
    let failed = |side: &Judged<'_>| side.judgement.outcome() == Outcome::MarkFailed;
    if !failed(from) || !failed(to) {
        return Vec::new();
    }
    let kinds = |side: &Judged<'_>| -> BTreeMap<Kind, End> {
        let ends = side.judgement.collector_ends().into_iter();
        ends.map(|(resource_type, end)| (side.release().kind_of(resource_type), end)).collect()
    };
    let to_ends = kinds(to);
    let differ = kinds(from).into_iter().filter_map(|(kind, end)| {
        let to_end = *to_ends.get(&kind)?;
        let rules = [from, to].map(|side| side.release().rules().cancel_after_failed_mark);
        let class = if rules[0] == rules[1] { Class::Unexplained } else { Class::CancelAfterFailedMark };
        (end != to_end).then_some(EndsDiffer { class, kind, from: end, to: to_end })
    });
    differ.collect()
}
