//! Which rules cases reach: what a campaign has exercised, and what it has not.
//!
//! ```text
//!   rule                      taken   refused
//!   lease holds             812,003    31,402     something was kept by it; something might have been and was not
//!   error: invalid key        1,204         -     a dash: there is no such side
//! ```
//!
//! Two kinds of rows: the oracle's rules, counted once for every root, reference and refusal of a judgement; and
//! *marks*, what is worth meeting besides, counted once a collection. Those marks that need a walk through the tree
//! are looked for in every eighth case, by its number. Counts add up.

use crate::bucket::{Entry, Refusal, View};
use crate::engine::{Call, Error};
use crate::named::named;
use crate::node::Kind;
use crate::oracle::{Judgement, Rule};
use crate::release::{Release, Rules};
use crate::schema::names;
use crate::world::Collected;

/// How often a thing happened, and how often it might have and did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Met {
    /// It happened.
    pub taken: u64,
    /// It might have and did not.
    pub refused: u64,
}

/// Which sides a row has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sides {
    Both,
    Taken,
    Refused,
    /// In this release there is no such thing.
    None,
}

named! {
    /// Something worth meeting that is no rule by itself; its sentence says how to reach it.
    pub enum Mark {
        sides: Sides,
        /// Whether a release has it.
        holds: fn(&Rules) -> bool,
    }
    // Exclusions.
    LabelSeparator, "label: a separator after its name", Sides::Both, |_| true => "labels such as gc.ref.contentx (habit near-misses)";
    LabelBucket, "label: is a bucket", Sides::Taken, |_| true => "a label that is a bucket (habit malformed)";
    LabelSuffix, "label: a suffix after the snapshotter", Sides::Taken, |_| true => "a label gc.ref.snapshot.NAME/SUFFIX";
    RootPrefix, "label: begins with gc.root", Sides::Both, |_| true => "labels such as gc.rootfs (habit near-misses)";
    OddExpiry, "expiry: is not a time", Sides::Taken, |_| true => "a lease with gc.expire=tomorrow (habit expiry)";
    FlatLease, "lease: flat", Sides::Both, |_| true => "leases with and without gc.flat (habit leases)";
    ValueForBucket, "bucket: a value in its place", Sides::Taken, |_| true => "a value where an object belongs (habit malformed)";
    DeadEdge, "reference: to what does not exist", Sides::Taken, |_| true => "a label that names nothing (habit dead-edges)";
    // Errors.
    Undecodable, "error: expireat does not decode", Sides::Taken, |_| true => "an ingest whose expireat is cut (habit malformed)";
    InvalidKey, "error: invalid snapshot key", Sides::Taken, |rules| rules.collectors => "a collector that reports a snapshot without a slash (habit collectors)";
    BucketNotFound, "error: bucket not found", Sides::Taken, |_| true => "snapshots of snapshotter over/lay (habit malformed)";
    IncompatibleValue, "error: incompatible value", Sides::Taken, |_| true => "a value over/`lay/s0` beside a snapshot over/lay/s0 (habit malformed)";
    Cancelled, "error: context cancelled", Sides::Taken, |_| true => "gc cancel-at-root=K";
    // Collectors.
    CollectorStarts, "collector: starts", Sides::Both, |rules| rules.collectors => "a collector whose start fails (habit collectors)";
    CollectorFinished, "collector: finished", Sides::Taken, |rules| rules.collectors => "a collection with a collector (habit collectors)";
    CollectorCancelled, "collector: cancelled", Sides::Taken, |rules| rules.collectors => "a collection with a collector that fails (habits collectors,malformed)";
    CollectorForgotten, "collector: neither, a defect", Sides::Taken, |rules| rules.collectors && !rules.cancel_after_failed_mark => "marking fails with a collector (habits collectors,malformed)";
    CollectorRemoves, "collector: told to remove", Sides::Taken, |rules| rules.collectors => "a listed resource that nothing holds (habit collectors)";
    OutsideNamespace, "collector: resource outside the database", Sides::Taken, |rules| rules.collectors => "a listed resource in a namespace without a bucket (habit collectors)";
    EachLast, "collector: not the last one is iterated last", Sides::Taken, |rules| rules.shared_loop_variable => "gc last=KIND (habit collectors)";
    // Pairs that matter.
    BothVisits, "pair: flat and full visit of one object", Sides::Taken, |_| true => "a flat and a plain lease on one object (habit flat-and-plain)";
    OnTheTick, "pair: expiry within one tick of now", Sides::Taken, |_| true => "the clock at an expiry (habit expiry)";
    Chain, "pair: garbage, and a chain of three kept", Sides::Both, |_| true => "an image over a chain, and content beside it";
    TwoNamespaces, "pair: one digest kept here, removed there", Sides::Taken, |_| true => "the same content in two namespaces (habit namespaces)";
    CircleKept, "pair: a circle that is kept", Sides::Taken, |_| true => "labels in a circle below an image (habit cycles)";
    CircleRemoved, "pair: a circle that goes", Sides::Taken, |_| true => "labels in a circle that nothing holds (habit cycles)";
    ParentKept, "pair: a child goes, its parent stays", Sides::Taken, |_| true => "a snapshot on one that a container holds";
}

/// Counts of everything that can be met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coverage {
    rules: [Met; Rule::ALL.len()],
    marks: [Met; Mark::ALL.len()],
    /// Collections that ended in an error, whichever.
    pub failed: u64,
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage {
            rules: [Met::default(); Rule::ALL.len()],
            marks: [Met::default(); Mark::ALL.len()],
            failed: 0,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The rule or mark.
    pub name: &'static str,
    /// Absent where there is no such side.
    pub taken: Option<u64>,
    /// Absent where there is no such side.
    pub refused: Option<u64>,
    /// How to reach it.
    pub hint: &'static str,
}

impl Row {
    /// Whether one of its sides was never met.
    pub fn is_unreached(&self) -> bool {
        self.taken == Some(0) || self.refused == Some(0)
    }
}

impl Coverage {
    /// Takes note of a collection; `closely` walks through the tree too.
    pub fn note(&mut self, collected: &Collected, judgement: &Judgement<'_>, closely: bool) {
        judgement.exercised(|rule, taken| {
            let met = &mut self.rules[rule as usize];
            if taken { met.taken += 1 } else { met.refused += 1 }
        });
        self.note_run(collected, judgement);
        if closely {
            self.note_tree(collected, judgement);
        }
    }

    fn mark(&mut self, mark: Mark, taken: bool) {
        let met = &mut self.marks[mark as usize];
        if taken { met.taken += 1 } else { met.refused += 1 }
    }

    fn take(&mut self, mark: Mark, happened: bool) {
        self.marks[mark as usize].taken += u64::from(happened);
    }

    /// How the collection went.
    fn note_run(&mut self, collected: &Collected, judgement: &Judgement<'_>) {
        let outcome = &collected.outcome;
        let removes = outcome.error.is_none() && !outcome.removed.is_empty();
        self.mark(Mark::Chain, removes && judgement.longest_chain() >= 3);
        self.take(Mark::BothVisits, judgement.has_both_visits());
        self.take(Mark::OnTheTick, judgement.expires_on_the_tick());
        if let Some(error) = &outcome.error {
            self.failed += 1;
            let refused = |refusal| *error == Error::ScanAndRemove(Box::new(Error::Refused(refusal)));
            self.take(Mark::Cancelled, *error == Error::Canceled);
            self.take(Mark::BucketNotFound, refused(Refusal::BucketNotFound));
            self.take(Mark::IncompatibleValue, refused(Refusal::IncompatibleValue));
            self.take(Mark::InvalidKey, matches!(error, Error::InvalidSnapshotKey(_)));
            self.take(Mark::Undecodable, matches!(error, Error::ExpireAt(_)));
        }
        if !collected.before.release.rules().collectors || collected.before.collectors.is_empty() {
            return;
        }
        for collector in &*collected.before.collectors {
            self.mark(Mark::CollectorStarts, !collector.start_error);
            let own = outcome.calls.iter().filter(|called| called.resource_type == collector.resource_type);
            let mut end = Mark::CollectorForgotten;
            for called in own {
                match called.call {
                    Call::Finish => end = Mark::CollectorFinished,
                    Call::Cancel => end = Mark::CollectorCancelled,
                    Call::Remove(_) => self.take(Mark::CollectorRemoves, true),
                    _ => {}
                }
            }
            self.take(end, !collector.start_error);
        }
        let before = &collected.before;
        self.take(Mark::EachLast, before.iterated_last() != before.highest_type());
    }

    /// What stands in the tree.
    fn note_tree(&mut self, collected: &Collected, judgement: &Judgement<'_>) {
        self.take(Mark::DeadEdge, judgement.has_dead_edge());
        let (kept, removed) = judgement.circles();
        self.take(Mark::CircleKept, kept);
        self.take(Mark::CircleRemoved, removed);
        let Some(v1) = collected.before.tree.bucket(names::V1) else { return };
        self.note_collectors(collected, v1);
        for (_, namespace) in v1.buckets() {
            let leases = namespace.bucket(names::LEASES);
            for (_, lease) in leases.into_iter().flat_map(View::buckets) {
                let labels = lease.bucket(names::LABELS);
                let label = |key| labels.and_then(|labels| labels.get(key));
                self.mark(Mark::FlatLease, label(names::GC_FLAT).is_some());
                let expiry = label(names::GC_EXPIRE);
                self.take(
                    Mark::OddExpiry,
                    expiry.is_some_and(|expiry| {
                        crate::oracle::times::rfc3339(collected.before.go(), expiry).is_none()
                    }),
                );
            }
            for objects in [names::LEASES, names::IMAGES, names::CONTAINERS] {
                let objects = namespace.bucket(objects).into_iter().flat_map(View::iter);
                self.take(
                    Mark::ValueForBucket,
                    objects.into_iter().any(|(_, entry)| entry.value().is_some()),
                );
            }
        }
        self.note_labels(v1);
        self.note_fates(collected);
    }

    fn note_collectors(&mut self, collected: &Collected, v1: View<'_>) {
        let active = Rule::CollectorActive as usize;
        for collector in collected.before.collectors.iter().filter(|collector| !collector.start_error) {
            let missing = collector.active.iter().filter(|active| v1.bucket(&active.for_namespace).is_none());
            self.rules[active].refused += missing.count() as u64;
            self.take(
                Mark::OutsideNamespace,
                collector.all.iter().any(|node| v1.bucket(&node.namespace).is_none()),
            );
        }
    }

    /// Labels, wherever they stand.
    fn note_labels(&mut self, v1: View<'_>) {
        let labels = v1.walk(false, |_, key| key == names::LABELS).filter(|(is_labels, _)| *is_labels);
        for (label, entry) in labels.flat_map(|(_, labels)| labels.iter()) {
            self.note_label(label, entry);
        }
    }

    fn note_label(&mut self, label: &[u8], entry: Entry<'_>) {
        self.take(Mark::LabelBucket, entry.value().is_none());
        if let Some(rest) = label.strip_prefix(names::GC_REF_CONTENT) {
            self.mark(Mark::LabelSeparator, matches!(rest.first(), None | Some(b'.' | b'/')));
        }
        if let Some(rest) = label.strip_prefix(names::GC_REF_SNAPSHOT) {
            self.take(Mark::LabelSuffix, rest.contains(&b'/'));
        }
        if let Some(rest) = label.strip_prefix(names::GC_ROOT) {
            self.mark(Mark::RootPrefix, rest.is_empty());
            self.rules[Rule::RootLabel as usize].refused += u64::from(!rest.is_empty());
        }
    }

    /// What went, beside what stayed.
    fn note_fates(&mut self, collected: &Collected) {
        let outcome = &collected.outcome;
        if outcome.error.is_some() {
            return;
        }
        let kind = |kind| collected.before.release.type_of(kind);
        let (content, snapshot) = (kind(Kind::Content), kind(Kind::Snapshot));
        let stays = |path: &[&[u8]]| outcome.after.view().at(path).is_some();
        let namespaces: Vec<&[u8]> = match collected.before.tree.bucket(names::V1) {
            Some(v1) => v1.buckets().map(|(namespace, _)| namespace).collect(),
            None => Vec::new(),
        };
        for node in outcome.refs(&outcome.removed) {
            if Some(node.resource_type) == content {
                let others = namespaces.iter().filter(|namespace| **namespace != node.namespace);
                let mut others =
                    others.map(|other| [names::V1, other, names::CONTENT, names::BLOB, node.key]);
                self.take(Mark::TwoNamespaces, others.any(|path| stays(&path)));
            } else if Some(node.resource_type) == snapshot {
                let mut parts = node.key.splitn(2, |byte| *byte == b'/');
                let (Some(snapshotter), Some(name)) = (parts.next(), parts.next()) else { continue };
                let around = [names::V1, node.namespace, names::SNAPSHOTS, snapshotter];
                let own = [&around[..], &[name]].concat();
                let parent = collected.before.tree.view().at(&own).and_then(|own| own.get(names::PARENT));
                self.take(
                    Mark::ParentKept,
                    parent.is_some_and(|parent| stays(&[&around[..], &[parent]].concat())),
                );
            }
        }
    }

    /// The counts of another part.
    pub fn add(&mut self, other: &Coverage) {
        self.failed += other.failed;
        let others = other.rules.iter().chain(&other.marks);
        for (sum, met) in self.rules.iter_mut().chain(&mut self.marks).zip(others) {
            sum.taken += met.taken;
            sum.refused += met.refused;
        }
    }

    /// How often something was met, as collections that did.
    pub fn taken(&self, mark: Mark) -> u64 {
        self.marks[mark as usize].taken
    }

    /// Every row that a release can have.
    pub fn rows(&self, release: Release) -> Vec<Row> {
        let rules = Rule::ALL
            .iter()
            .zip(self.rules)
            .map(|(rule, met)| (rule.name(), sides(*rule, release), met, hint(*rule)));
        let marks = Mark::ALL.iter().zip(self.marks).map(|(mark, met)| {
            let sides = if mark.holds()(release.rules()) { mark.sides() } else { Sides::None };
            (mark.name(), sides, met, mark.sentence())
        });
        let rows = rules.chain(marks).filter(|(_, sides, ..)| *sides != Sides::None);
        rows.map(|(name, sides, met, hint)| Row {
            name,
            taken: (sides != Sides::Refused).then_some(met.taken),
            refused: (sides == Sides::Both).then_some(met.refused),
            hint,
        })
        .collect()
    }
}

/// Which sides a rule has under a release.
fn sides(rule: Rule, release: Release) -> Sides {
    let rules = release.rules();
    let both_if = |holds| if holds { Sides::Both } else { Sides::None };
    match rule {
        Rule::CollectorLeased | Rule::CollectorActive | Rule::CollectorLabel => both_if(rules.collectors),
        Rule::UnexpiredImage | Rule::ImageLabel => both_if(rules.image_nodes),
        // Where images are no nodes they never expire.
        Rule::Target if !rules.image_nodes => Sides::Taken,
        Rule::Container if rules.container_nodes => Sides::Taken,
        Rule::Container => Sides::None,
        // A container is always a root.
        Rule::ContainerSnapshot => Sides::Taken,
        Rule::BackReference | Rule::CollectorBackReference => both_if(rules.back_references),
        Rule::Condition => both_if(rules.conditional_references),
        Rule::CollectorReference => both_if(rules.collector_references),
        _ => Sides::Both,
    }
}

/// How to reach a rule.
fn hint(rule: Rule) -> &'static str {
    match rule {
        Rule::LiveLease | Rule::LeaseHolds => "leases that live and that have expired (habits leases,expiry)",
        Rule::CollectorLeased => {
            "collector leased, of leases that live and that have expired (habits collectors,expiry)"
        }
        Rule::UnexpiredImage | Rule::Target => "images with and without an expiry (habit expiry)",
        Rule::ActiveIngest | Rule::Expected => {
            "content open REF expect=DIGEST, and a day that passes (habit expiry)"
        }
        Rule::RootLabel => "gc.root on content and snapshots, and gc.rootfs (habit near-misses)",
        Rule::Container | Rule::ContainerSnapshot => "container create ID snapshotter=S snapshot=KEY",
        Rule::CollectorActive => {
            "collector active, also in a namespace that the database lacks (habit collectors)"
        }
        Rule::Parent => "snapshots on snapshots, kept and not",
        Rule::ContentLabel | Rule::SnapshotLabel | Rule::ImageLabel => {
            "gc.ref labels on objects that stay and that go"
        }
        Rule::CollectorLabel => "gc.ref labels of declared collectors (habit collectors)",
        Rule::BackReference | Rule::Condition => "labels of later releases (habit later-labels)",
        Rule::CollectorBackReference => "collector back-reference (habit collectors)",
        Rule::CollectorReference => "collector references (habit collectors)",
    }
}
