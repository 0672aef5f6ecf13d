//! What looks as though it kept a node and never could.
//!
//! The relations hold what a release heeds. Whoever asks why a node goes sees more, and would be told wrongly that
//! nothing refers to it:
//!
//! ```text
//! content/m   gc.ref.contents = sha256:aa      a label that means nothing
//! content/m   gc.cond.snapshot.s = usedat<2|k  a condition that cannot be read
//! content/m   gc.bref.content = sha256:bb      one that means nothing before 2.2
//! content/m   gc.ref.snapshot.s = s/k          names s/s/k, as the snapshotter stands in the label
//! away/lease  lists sha256:aa                  holds away/content/sha256:aa, another node
//! type-16     would hold it, fails to start    what it says is not heard
//! ```
//!
//! None of this is a rule, so that it is gathered apart, once, when first a node that goes is asked about. It is told
//! behind the rules that failed: whoever mends one thing wants to know of the next.

use super::Judgement;
use super::collectors::{collectors, is_heard};
use super::conditions::{Misread, misread};
use super::defects::Defect;
use super::facts::{Refusal, Root, full};
use super::labels::is_label;
use super::nodes::{Key, NodeId};
use super::rules::{By, Failure, Holder, Rule};
use crate::bucket::View;
use crate::collector::Collector;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::schema::names;
use crate::situation::Situation;
use std::collections::{BTreeMap, BTreeSet};

/// What mentions a name, by that name: a node's key, of a snapshot what follows the snapshotter.
pub(super) struct NearMisses<'a>(BTreeMap<Vec<u8>, Vec<Mention<'a>>>);

/// A place where a name stands.
enum Mention<'a> {
    /// In a root, by its number.
    Root(usize),
    /// In a reference, by its number.
    Reference(usize),
    /// In a condition, of this object, that does not hold.
    Unmet { by: By<'a>, label: &'a [u8] },
    /// In the value of a label that looks like one for the collector, of an object in this namespace.
    /// An object that is never looked up is hidden.
    Label { namespace: &'a [u8], by: By<'a>, label: &'a [u8], is_hidden: bool },
    /// In the value of a condition that cannot be read.
    Misread { namespace: &'a [u8], by: By<'a>, label: &'a [u8], misread: Misread<'a> },
    /// The node has such a label itself.
    OwnLabel { node: Node, label: &'a [u8], is_bucket: bool },
    /// In what a collector says of a node, which is not heard for this reason.
    Unheard { node: &'a Node, because: Failure<'a> },
    /// As the parent of a snapshot that is never looked up.
    Parent { node: Node, by: By<'a> },
}

impl<'a> NearMisses<'a> {
    /// Of every node.
    pub(super) fn new(judgement: &Judgement<'a>) -> NearMisses<'a> {
        NearMisses::gather(judgement, None)
    }

    /// Of some nodes: only what has their names is gathered.
    pub(super) fn among(judgement: &Judgement<'a>, nodes: &[NodeRef<'_>]) -> NearMisses<'a> {
        let names = nodes.iter().flat_map(|node| {
            let name = name_of(judgement, *node);
            let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            slashes.map(|(at, _)| &name[at + 1..]).chain([name, node.key]).map(<[u8]>::to_vec)
        });
        NearMisses::gather(judgement, Some(names.collect()))
    }

    fn gather(judgement: &Judgement<'a>, only: Option<BTreeSet<Vec<u8>>>) -> NearMisses<'a> {
        let mut gathered = Gathering { judgement, only, mentions: BTreeMap::new() };
        gathered.relations();
        if let Some(v1) = judgement.question.situation.tree.bucket(names::V1) {
            for (namespace, bucket) in v1.buckets() {
                gathered.namespace(namespace, bucket);
            }
            for collector in collectors(judgement.question) {
                gathered.collector(collector, v1);
            }
        }
        NearMisses(gathered.mentions)
    }

    /// What looks as though it kept a node that goes, in a fixed order; `failed` are the rules that did not keep it.
    pub(super) fn of(
        &self,
        judgement: &Judgement<'a>,
        node: NodeRef<'_>,
        failed: &[Failure<'a>],
    ) -> Vec<Failure<'a>> {
        let name = name_of(judgement, node);
        // The value of a label may have a snapshot's whole key, where only what follows the snapshotter is read.
        let names = [Some(name), Some(node.key).filter(|key| *key != name)];
        let mentions: Vec<&Mention<'a>> =
            names.into_iter().flatten().filter_map(|name| self.0.get(name)).flatten().collect();
        let elsewhere: Vec<Failure<'a>> = mentions.iter().filter_map(|it| it.elsewhere(judgement)).collect();
        // What a rule reads, of this node or of another one of its name, only looks so to nobody.
        let is_read = |holder: &By<'_>, named: &[u8]| {
            let reads = |by: &By<'_>, label: Option<&[u8]>| label == Some(named) && by == holder;
            let of_rule = |failure: &Failure<'_>| matches!(failure, Failure::Elsewhere { by, label, .. } if reads(by, *label));
            let unmet = |mention: &&Mention<'_>| matches!(mention, Mention::Unmet { by, label } if reads(by, Some(label)));
            elsewhere.iter().any(of_rule) || mentions.iter().any(unmet)
        };
        let is_own_read = |own: &[u8]| failed.iter().any(|failure| own_label(failure) == Some(own));
        let other = mentions.iter().filter_map(|it| match it {
            Mention::Label { namespace, by: holder, label, is_hidden } => {
                let by = holder.clone();
                let failure = match silent_collector(judgement, node, label) {
                    _ if *is_hidden => Failure::ReferrerNotFound { by, label: Some(label) },
                    Some(resource_type) => Failure::CollectorLabelFailed { by, label, resource_type },
                    None => Failure::LabelNotRead { by, label },
                };
                (*namespace == node.namespace && !is_read(holder, label)).then_some(failure)
            }
            Mention::Misread { namespace, by, label, misread } => {
                let failure = Failure::ConditionMisread { by: by.clone(), label, misread: *misread };
                let may_be = *namespace == node.namespace && may_name(judgement, label, node);
                (may_be && !is_read(by, label)).then_some(failure)
            }
            Mention::OwnLabel { node: own, label, is_bucket } => {
                let failure = Failure::OwnLabelNotRead { label, is_bucket: *is_bucket };
                (own.as_ref() == stripped(node) && !is_own_read(label)).then_some(failure)
            }
            Mention::Unheard { node: named, because } => {
                (stripped(named.as_ref()) == stripped(node)).then(|| because.clone())
            }
            Mention::Parent { node: named, by } => (named.as_ref() == stripped(node))
                .then(|| Failure::ReferrerNotFound { by: by.clone(), label: None }),
            Mention::Root(_) | Mention::Reference(_) | Mention::Unmet { .. } => None,
        });
        let is_near = |failure: &Failure<'_>| match failure {
            // The rules that failed tell of the node itself.
            Failure::Elsewhere { other, .. } if stripped(other.as_ref()) == stripped(node) => false,
            Failure::Elsewhere { other, label, rule, .. } => {
                let same_type = other.resource_type.stripped() == node.resource_type.stripped();
                let names_it = label.is_some() && *rule != Rule::RootLabel;
                same_type || names_it && *other.namespace == *node.namespace
            }
            _ => true,
        };
        let mut failures: Vec<Failure<'a>> = other.collect();
        failures.extend(elsewhere.into_iter().filter(is_near));
        failures.extend(self.uncut(judgement, node, name));
        failures.sort_unstable();
        failures.dedup();
        failures
    }

    /// Labels that would name a snapshot if what follows the slash in their snapshotter were not cut off.
    fn uncut(&self, judgement: &Judgement<'a>, node: NodeRef<'_>, name: &[u8]) -> Vec<Failure<'a>> {
        let names_it = |failure: &Failure<'_>, snapshotter: &[u8]| match failure {
            Failure::Elsewhere { rule: Rule::SnapshotLabel | Rule::Condition, label, other, .. } => {
                *other.namespace == *node.namespace && label.is_some_and(|label| label.ends_with(snapshotter))
            }
            _ => false,
        };
        let slashes = (0..name.len()).filter(|at| name[*at] == b'/');
        let tails = slashes.filter_map(|at| Some((&name[at + 1..], self.0.get(&name[at + 1..])?)));
        let failures = tails.flat_map(|(tail, mentions)| {
            let snapshotter = &node.key[..node.key.len() - tail.len() - 1];
            let elsewhere = mentions.iter().filter_map(|mention| mention.elsewhere(judgement));
            elsewhere.filter(move |failure| names_it(failure, snapshotter))
        });
        failures.collect()
    }
}

impl<'a> Mention<'a> {
    /// What a rule says of another node with the name.
    fn elsewhere(&self, judgement: &Judgement<'a>) -> Option<Failure<'a>> {
        let facts = &judgement.facts;
        match self {
            Mention::Root(number) => {
                let root = &facts.roots[*number];
                let (by, other) = (By::Root(root.holder), facts.nodes.node(root.to));
                Some(Failure::Elsewhere { by, rule: root.rule, label: root.label, other })
            }
            Mention::Reference(number) => {
                let reference = &facts.references[*number];
                let (by, other) = (
                    By::Node(facts.nodes.node(full(reference.from.node))),
                    facts.nodes.node(full(reference.to.node)),
                );
                Some(Failure::Elsewhere { by, rule: reference.rule, label: reference.label, other })
            }
            _ => None,
        }
    }
}

struct Gathering<'j, 'a> {
    judgement: &'j Judgement<'a>,
    /// The names that are asked about; none if all are.
    only: Option<BTreeSet<Vec<u8>>>,
    mentions: BTreeMap<Vec<u8>, Vec<Mention<'a>>>,
}

impl<'a> Gathering<'_, 'a> {
    fn mention(&mut self, name: &[u8], mention: Mention<'a>) {
        if self.only.as_ref().is_none_or(|only| only.contains(name)) {
            self.mentions.entry(name.to_vec()).or_default().push(mention);
        }
    }

    /// The name of a node, if it may be asked about.
    fn asked(&self, id: NodeId) -> Option<Vec<u8>> {
        let nodes = &self.judgement.facts.nodes;
        let may_be = |only: &BTreeSet<Vec<u8>>| only.iter().any(|name| nodes.at(id).key.may_end(name));
        let is_asked = self.only.as_ref().is_none_or(may_be);
        is_asked.then(|| name_of(self.judgement, nodes.node(full(id)).as_ref()).to_vec())
    }

    /// What the rules say, for those who ask about another node of the same name.
    fn relations(&mut self) {
        let judgement = self.judgement;
        let facts = &judgement.facts;
        // What only is there by itself under a name, as each lease is, says nothing of another one.
        let is_told = |root: &Root<'_>| root.holder != Holder::Itself || root.rule == Rule::RootLabel;
        let roots = facts.roots.iter().enumerate().filter(|(_, root)| is_told(root));
        for (number, root) in roots {
            if let Some(name) = self.asked(root.to.node) {
                self.mention(&name, Mention::Root(number));
            }
        }
        for (number, reference) in facts.references.iter().enumerate() {
            if let Some(name) = self.asked(reference.to.node) {
                self.mention(&name, Mention::Reference(number));
            }
        }
        for (node, refusal) in &facts.refusals {
            if let (Refusal::ConditionUnmet { by, label, .. }, Some(name)) = (refusal, self.asked(*node)) {
                let by = By::Node(facts.nodes.node(*by));
                self.mention(&name, Mention::Unmet { by, label });
            }
        }
    }

    fn namespace(&mut self, namespace: &'a [u8], bucket: View<'a>) {
        let Situation { tree, release, .. } = self.judgement.question.situation;
        let rules = release.rules();
        // Up to 2.0.0-rc.4 sandboxes stood beside v1.
        let beside = tree.bucket(namespace).filter(|_| namespace != names::V1);
        let folder = |bucket: View<'a>, path: &[&[u8]]| bucket.at(path).into_iter().flat_map(View::buckets);
        for (id, lease) in folder(bucket, &[names::LEASES]) {
            self.labels(namespace, lease, By::Root(Holder::Lease { namespace, id }), None, false);
        }
        for (name, image) in folder(bucket, &[names::IMAGES]) {
            let own = self.node(Kind::Image, namespace, name).filter(|_| rules.image_nodes);
            let by = by_of(own.as_ref(), Holder::Image { namespace, name });
            self.labels(namespace, image, by, own, false);
        }
        for (id, container) in folder(bucket, &[names::CONTAINERS]) {
            let own = self.node(Kind::Container, namespace, id).filter(|_| rules.container_nodes);
            let by = by_of(own.as_ref(), Holder::Container { namespace, id });
            self.labels(namespace, container, by, own, false);
        }
        for around in [Some(bucket), beside].into_iter().flatten() {
            for (id, sandbox) in folder(around, &[names::SANDBOXES]) {
                self.labels(namespace, sandbox, By::Root(Holder::Sandbox { namespace, id }), None, false);
            }
        }
        for (digest, blob) in folder(bucket, &[names::CONTENT, names::BLOB]) {
            let Some(own) = self.node(Kind::Content, namespace, digest) else { continue };
            self.labels(namespace, blob, By::Node(own.clone()), Some(own), false);
        }
        for (snapshotter, snapshots) in folder(bucket, &[names::SNAPSHOTS]) {
            for (name, snapshot) in snapshots.buckets() {
                self.snapshot(namespace, snapshotter, name, snapshot);
            }
        }
    }

    fn snapshot(&mut self, namespace: &'a [u8], snapshotter: &'a [u8], name: &'a [u8], snapshot: View<'a>) {
        let key = |name| Key::snapshot(snapshotter, name).text();
        let Some(own) = self.node(Kind::Snapshot, namespace, &key(name)) else { return };
        let by = By::Node(own.clone());
        // Looked up under the part of its snapshotter's name before the slash, it is not found.
        let is_hidden = self.judgement.has(Defect::SnapshotterCutAtSlash) && snapshotter.contains(&b'/');
        if let Some(parent) = snapshot.get(names::PARENT).filter(|_| is_hidden) {
            let node = Node { key: key(parent).into(), ..own.clone() };
            let name = name_of(self.judgement, node.as_ref()).to_vec();
            self.mention(&name, Mention::Parent { node, by: by.clone() });
        }
        self.labels(namespace, snapshot, by, Some(own), is_hidden);
    }

    fn node(&self, kind: Kind, namespace: &[u8], key: &[u8]) -> Option<Node> {
        let resource_type = self.judgement.question.situation.release.type_of(kind)?;
        Some(Node::new(resource_type, namespace, key))
    }

    /// Whatever looks like a label for the collector, of an object that may be a node itself.
    fn labels(
        &mut self,
        namespace: &'a [u8],
        object: View<'a>,
        by: By<'a>,
        own: Option<Node>,
        is_hidden: bool,
    ) {
        let labels = object.bucket(names::LABELS).into_iter().flat_map(|labels| labels.iter());
        for (label, entry) in labels.filter(|(label, _)| has_part(label, b"gc.")) {
            let value = entry.value().unwrap_or_default();
            let bar = value.iter().position(|byte| *byte == b'|').filter(|_| has_part(label, b"gc.cond."));
            let is_condition = own.as_ref().is_some_and(|node| self.may_have_conditions(node));
            if let Some(misread) = misread(label, value).filter(|_| is_condition) {
                for name in value.split(|byte| *byte == b'|') {
                    self.mention(name, Mention::Misread { namespace, by: by.clone(), label, misread });
                }
                continue;
            }
            let is_about_itself = has_part(label, b"gc.root") || has_part(label, b"gc.bref.");
            match &own {
                Some(node) if is_about_itself => {
                    let name = name_of(self.judgement, node.as_ref()).to_vec();
                    let is_bucket = entry.value().is_none();
                    self.mention(&name, Mention::OwnLabel { node: node.clone(), label, is_bucket });
                }
                _ => {
                    let name = &value[bar.map_or(0, |bar| bar + 1)..];
                    self.mention(name, Mention::Label { namespace, by: by.clone(), label, is_hidden });
                }
            }
        }
    }

    /// Whether conditions are read of a node's labels.
    fn may_have_conditions(&self, node: &Node) -> bool {
        let release = self.judgement.question.situation.release;
        let kind = release.kind_of(node.resource_type);
        release.rules().conditional_references && matches!(kind, Kind::Content | Kind::Image)
    }

    /// What a collector says and is not heard for.
    fn collector(&mut self, collector: &'a Collector, v1: View<'a>) {
        let release = self.judgement.question.situation.release;
        let (resource_type, rules) = (collector.resource_type, release.rules());
        let is_silent = !is_heard(self.judgement.question, collector);
        let failed = || is_silent.then_some(Failure::CollectorFailed { resource_type });
        let unasked = |is_asked: bool| (!is_asked).then_some(Failure::CollectorNotAsked { resource_type });
        let absent = |namespace: &'a [u8]| {
            let is_absent = v1.bucket(namespace).is_none();
            is_absent.then_some(Failure::NamespaceMissing { resource_type, namespace })
        };
        let mut unheard = Vec::new();
        // What would remain if the collector started comes first.
        for active in &collector.active {
            unheard.push((&active.node, absent(&active.for_namespace).or_else(failed)));
        }
        for leased in &collector.leased {
            let is_there = v1.at(&[&leased.for_namespace, names::LEASES, &leased.lease]).is_some();
            let lease = self.node(Kind::Lease, &leased.for_namespace, &leased.lease);
            let missing = lease.filter(|_| !is_there).map(|lease| Failure::LeaseMissing { lease });
            unheard.push((&leased.node, missing.or_else(failed)));
        }
        for back in &collector.active_back_references {
            let unasked = unasked(rules.back_references);
            unheard.push((&back.to, unasked.or_else(|| absent(&back.for_namespace)).or_else(failed)));
        }
        for (from, targets) in &collector.references {
            let is_own = from.resource_type == resource_type && resource_type.0 >= rules.types.end;
            let because = unasked(rules.collector_references && is_own).or_else(failed);
            unheard.extend(targets.iter().map(|to| (to, because.clone())));
        }
        for (node, because) in unheard {
            let Some(because) = because else { continue };
            let name = name_of(self.judgement, node.as_ref()).to_vec();
            self.mention(&name, Mention::Unheard { node, because });
        }
    }
}

/// Its own label by which a node refers back, of a rule that failed.
fn own_label<'a>(failure: &Failure<'a>) -> Option<&'a [u8]> {
    match failure {
        Failure::ReferrerRemoved { rule: Rule::BackReference, label, .. }
        | Failure::ReferrerNotFull { rule: Rule::BackReference, label, .. }
        | Failure::ParentMissing { label, .. } => *label,
        _ => None,
    }
}

/// Who has a label: a node, or what is none in the release.
fn by_of<'a>(own: Option<&Node>, holder: Holder<'a>) -> By<'a> {
    own.map_or(By::Root(holder), |node| By::Node(node.clone()))
}

/// The collector of a node's type whose reference label this is, where it did not start.
fn silent_collector(judgement: &Judgement<'_>, node: NodeRef<'_>, label: &[u8]) -> Option<ResourceType> {
    let name = label.strip_prefix(names::GC_REF)?;
    let mut silent = collectors(judgement.question).iter().filter(|it| !is_heard(judgement.question, it));
    let found = silent.find(|collector| {
        let own = &collector.reference_label;
        collector.resource_type == node.resource_type.stripped() && !own.is_empty() && is_label(name, own)
    });
    found.map(|collector| collector.resource_type)
}

/// Whether a label has a part, in whatever letters and behind whatever prefix.
fn has_part(label: &[u8], part: &[u8]) -> bool {
    label.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// Under which name a node is mentioned.
fn name_of<'n>(judgement: &Judgement<'_>, node: NodeRef<'n>) -> &'n [u8] {
    let snapshot: Option<ResourceType> = judgement.question.situation.release.type_of(Kind::Snapshot);
    let slash = node.key.iter().position(|byte| *byte == b'/');
    match slash.filter(|_| Some(node.resource_type.stripped()) == snapshot) {
        Some(slash) => &node.key[slash + 1..],
        None => node.key,
    }
}

fn stripped(node: NodeRef<'_>) -> NodeRef<'_> {
    NodeRef { resource_type: node.resource_type.stripped(), ..node }
}

/// Whether a condition's label is about nodes of this kind, and of this snapshotter: `gc.cond.content`, `gc.cond.snapshot.S`.
fn may_name(judgement: &Judgement<'_>, label: &[u8], node: NodeRef<'_>) -> bool {
    let release = judgement.question.situation.release;
    match release.kind_of(node.resource_type) {
        Kind::Snapshot => {
            let slash = node.key.iter().position(|byte| *byte == b'/').unwrap_or(0);
            let snapshotter = &node.key[..slash];
            // Where the key is exactly that, what follows it need not be separated.
            let behind = label.strip_prefix(names::GC_COND_SNAPSHOT).map(|rest| {
                let start = rest.iter().position(|byte| !matches!(byte, b'.' | b'/')).unwrap_or(rest.len());
                rest[start..].split(|byte| *byte == b'/').next().unwrap_or_default()
            });
            behind == Some(snapshotter) || has_part(label, &[b"gc.cond.snapshot.", snapshotter].concat())
        }
        kind => has_part(label, format!("gc.cond.{kind}").as_bytes()),
    }
}
