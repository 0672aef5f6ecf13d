//! Two releases' collections of one database, held against each other.
//!
//! A node is matched by kind, namespace and key. Each side gives it a fate: kept, removed, spared because the
//! collection fails, or never swept. Where the fates differ, `rule` says by which rule.

use super::class::Class;
use super::errors::{class_of_errors, ends};
use super::judged::{Judged, Named};
use super::rule::{class_of_alike, class_of_fates};
use crate::bucket::Bucket;
use crate::engine::{Culprit, culprits};
use crate::metadata::{self, Store};
use crate::node::Kind;
use crate::oracle::{End, Failure, Reason};
use crate::release::Release;
use crate::situation::Situation;
use std::collections::BTreeSet;

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
    /// The node.
    pub node: Named,
    /// What differs.
    pub effect: Effect,
    /// The rule that differs.
    pub class: Class,
    /// What `from` does with it.
    pub from: Fate<'a>,
    /// What `to` does with it.
    pub to: Fate<'a>,
}

/// How both collections end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Errors {
    /// How `from`'s collection fails.
    pub from: Option<String>,
    /// How `to`'s collection fails.
    pub to: Option<String>,
    /// The rule that differs, where they end differently.
    pub class: Option<Class>,
    /// What makes each of them fail; none where it succeeds.
    pub culprits: [Vec<Culprit>; 2],
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

/// In what a class of difference shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Aspect {
    /// In what happens to a node.
    Node(Effect),
    /// In the collections' errors.
    Errors,
    /// In the collectors' last calls.
    Ends,
    /// Engine and oracle contradict each other about one release.
    Disagreement,
}

/// Everything in which two collections of one database differ.
pub struct Comparison<'a> {
    /// What was compared.
    pub pair: &'a Pair,
    /// The nodes, by kind, namespace and key.
    pub differences: Vec<Difference<'a>>,
    /// How many others either side sweeps: both do the same with them.
    pub unchanged: usize,
    /// How they end.
    pub errors: Errors,
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
        self.errors.from.is_none() && self.errors.to.is_some()
    }

    /// Everything that differs, by the rule that does and in what it shows.
    pub fn shown(&self) -> impl Iterator<Item = (Class, Aspect)> {
        let nodes = self.differences.iter().map(|node| (node.class, Aspect::Node(node.effect)));
        let errors = self.errors.class.map(|class| (class, Aspect::Errors));
        let ends = self.ends.iter().map(|ends| (ends.class, Aspect::Ends));
        let disagreements = self.disagreements.iter().map(|_| (Class::Unexplained, Aspect::Disagreement));
        nodes.chain(errors).chain(ends).chain(disagreements)
    }

    /// Whether a collection does what nobody may want: one fails, the release that takes over removes what is kept today,
    /// or differs without a rule that explains it.
    pub fn is_finding(&self) -> bool {
        let is_unexplained = self.shown().any(|(class, _)| class == Class::Unexplained);
        let has_failed = self.errors.from.is_some() || self.errors.to.is_some();
        self.count(Effect::Removed) > 0 || has_failed || is_unexplained
    }
}

/// Compares the collections of both sides.
pub fn compare(pair: &Pair) -> Comparison<'_> {
    let (from, to) = rayon::join(|| Judged::new(&pair.from), || Judged::new(&pair.to));
    let names: BTreeSet<&Named> = from.swept.keys().chain(to.swept.keys()).collect();
    let differences: Vec<_> = names.iter().filter_map(|named| difference(&from, &to, named)).collect();
    let unchanged = names.len() - differences.len();
    let [from_error, to_error] =
        [&from, &to].map(|judged| judged.outcome.error.as_ref().map(ToString::to_string));
    let class = (from_error != to_error).then(|| class_of_errors(&from, &to));
    let failing = [(&pair.from, &from), (&pair.to, &to)];
    let culprits = failing.map(|(situation, judged)| culprits(situation, &judged.outcome));
    let errors = Errors { from: from_error, to: to_error, class, culprits };
    let ends = ends(&from, &to);
    let disagreements = [from.disagreements, to.disagreements].concat();
    Comparison { pair, differences, unchanged, errors, ends, disagreements }
}

/// What differs for a node, if anything does.
fn difference<'a>(from: &Judged<'a>, to: &Judged<'a>, named: &Named) -> Option<Difference<'a>> {
    let (from_fate, to_fate) = (from.fate(named), to.fate(named));
    let (effect, class) = match (from_fate.stays(), to_fate.stays()) {
        (true, false) => (Effect::Removed, class_of_fates(from, to, named)),
        (false, true) => (Effect::Kept, class_of_fates(to, from, named)),
        (false, false) => return None,
        (true, true) => (Effect::Alike, class_of_alike(from, to, named)?),
    };
    Some(Difference {
        node: named.clone(),
        effect,
        class,
        from: from.fate_told(named),
        to: to.fate_told(named),
    })
}
