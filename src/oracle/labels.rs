//! What labels say, each classified by its key alone.
//!
//! ```text
//! gc.expire, gc.flat        of the object itself                          leases, images
//! gc.ref.*                  the object refers to what the value names     every object
//! gc.root                   the object is a root                          snapshots, content
//! gc.bref.*                 what the value names refers to the object     from 2.2
//! gc.cond.*                 a reference under a condition, and the times that conditions ask for    from 2.3
//! ```

use super::conditions;
use super::defects::Defect;
use super::facts::{Condition, Namespace, Reader, Reference, full};
use super::nodes::{Key, NodeId, Visit};
use super::rules::{Holder, Rule};
use super::times;
use crate::bucket::{Entry, View};
use crate::go::Go;
use crate::instant::Instant;
use crate::node::NodeRef;
use crate::schema::names;

/// What every label that a collection heeds begins with.
const GC: &[u8] = b"containerd.io/gc.";
/// What follows `gc.ref.` in the built-in reference labels.
const REF_CONTENT: &[u8] = names::GC_REF_CONTENT.split_at(names::GC_REF.len()).1;
const REF_IMAGE: &[u8] = names::GC_REF_IMAGE.split_at(names::GC_REF.len()).1;
const REF_SNAPSHOT: &[u8] = names::GC_REF_SNAPSHOT.split_at(names::GC_REF.len()).1;

/// What the labels of an object may say besides its references, each with the object.
#[derive(Clone, Copy, Default)]
pub(super) struct Roles {
    /// It can be pinned.
    pub(super) pinned: Option<NodeId>,
    /// It can be a child of back references.
    pub(super) child: Option<NodeId>,
    /// It can be one when it has expired, which it does at this instant.
    pub(super) child_from: Option<(NodeId, Instant)>,
    /// It can have conditional references.
    pub(super) conditional: Option<NodeId>,
    /// It can have times of use.
    pub(super) used: Option<NodeId>,
}

/// Whose references are read.
#[derive(Clone, Copy)]
pub(super) enum Referrer<'a> {
    /// A node, when it is visited in full.
    Node(NodeId),
    /// Something that is no node in this release and holds at any rate.
    Holder(Holder<'a>),
    /// An object that is never looked up, so that its references do not count.
    Nobody,
}

/// The labels of a lease or an image that are about itself.
#[derive(Default)]
pub(super) struct OwnLabels {
    pub(super) expires: Option<Instant>,
    pub(super) is_flat: bool,
}

impl<'a> Reader<'a> {
    /// All that an object's labels say about others, and whether they pin it.
    pub(super) fn read_labels(
        &mut self,
        namespace: Namespace<'a>,
        labels: Option<View<'a>>,
        referrer: Referrer<'a>,
        roles: Roles,
    ) {
        let Some(labels) = labels else { return };
        for (label, entry) in labels.iter().filter(|(label, _)| label.starts_with(GC)) {
            // A label that is a bucket counts, with an empty value.
            let value = entry.value().unwrap_or_default();
            if let Some(name) = label.strip_prefix(names::GC_REF) {
                self.read_reference(namespace, label, name, value, referrer);
                continue;
            }
            if let Some(node) = roles.pinned.filter(|_| self.is_pin(label, entry)) {
                self.root(full(node), Rule::RootLabel, Holder::Itself, Some(label));
            }
            if let Some(child) = roles.child.filter(|_| self.rules.back_references)
                && let Some(parent) = self.back_reference(namespace, label, value)
            {
                self.refer(full(parent), full(child), Rule::BackReference, Some(label));
            }
            if let Some((child, at)) = roles.child_from.filter(|_| self.rules.back_references)
                && let Some(parent) = self.back_reference(namespace, label, value)
            {
                let (from, to) = (full(parent), full(child));
                let reference = Reference { from, to, rule: Rule::BackReference, label: Some(label) };
                self.facts.later.push((reference, at));
            }
            if self.rules.conditional_references {
                if let Some(from) = roles.conditional {
                    self.read_condition(namespace, label, value, from);
                }
                if let Some(snapshot) = roles.used {
                    self.read_use(label, value, snapshot);
                }
            }
        }
    }

    /// `gc.root`, and from 2.2 any label that begins so.
    fn is_pin(&self, label: &[u8], entry: Entry<'_>) -> bool {
        // Up to 2.1 the label was looked up by name, and a bucket is no value.
        match self.rules.root_by_prefix {
            true if self.has(Defect::RootLabelByPrefix) => label.starts_with(names::GC_ROOT),
            true => label == names::GC_ROOT,
            false => label == names::GC_ROOT && entry.value().is_some(),
        }
    }

    /// `gc.ref.content`, `gc.ref.image`, `gc.ref.snapshot.SNAPSHOTTER` and the collectors' own; `name` is what
    /// follows `gc.ref.`.
    fn read_reference(
        &mut self,
        namespace: Namespace<'a>,
        label: &'a [u8],
        name: &'a [u8],
        value: &'a [u8],
        referrer: Referrer<'a>,
    ) {
        if is_label(name, REF_CONTENT) {
            let to = self.facts.nodes.intern(self.types.content, namespace.id, Key::plain(value));
            self.hold(referrer, full(to), Rule::ContentLabel, label);
        } else if let Some(snapshotter) = snapshotter_of(name, REF_SNAPSHOT) {
            let key = Key::snapshot(snapshotter, value);
            let to = self.facts.nodes.intern(self.types.snapshot, namespace.id, key);
            self.hold(referrer, full(to), Rule::SnapshotLabel, label);
        } else if let Some(image) = self.types.image.filter(|_| is_label(name, REF_IMAGE)) {
            let to = self.facts.nodes.intern(image, namespace.id, Key::plain(value));
            self.hold(referrer, full(to), Rule::ImageLabel, label);
        }
        // A collector's label may begin as a built-in one does: then both count.
        for at in 0..self.labels.len() {
            let (own, resource_type) = self.labels[at];
            if is_label(name, own) {
                let to =
                    self.facts.nodes.visit(NodeRef { resource_type, namespace: namespace.name, key: value });
                self.hold(referrer, to, Rule::CollectorLabel, label);
            }
        }
    }

    fn hold(&mut self, referrer: Referrer<'a>, to: Visit, rule: Rule, label: &'a [u8]) {
        match referrer {
            Referrer::Node(from) => self.refer(full(from), to, rule, Some(label)),
            Referrer::Holder(holder) => self.root(to, rule, holder, Some(label)),
            Referrer::Nobody => {}
        }
    }

    /// `gc.bref.*`: the object with the label is kept while the one that it names is (from 2.2). The latter.
    fn back_reference(
        &mut self,
        namespace: Namespace<'a>,
        label: &'a [u8],
        value: &'a [u8],
    ) -> Option<NodeId> {
        let (resource_type, key) = if let Some(snapshotter) = snapshotter_of(label, names::GC_BREF_SNAPSHOT) {
            (self.types.snapshot, Key::snapshot(snapshotter, value))
        } else {
            let named = [
                (names::GC_BREF_CONTAINER, Some(self.types.container)),
                (names::GC_BREF_CONTENT, Some(self.types.content)),
                (names::GC_BREF_IMAGE, self.types.image),
            ];
            let (_, resource_type) = named.into_iter().find(|(name, _)| is_label(label, name))?;
            (resource_type?, Key::plain(value))
        };
        Some(self.facts.nodes.intern(resource_type, namespace.id, key))
    }

    /// `gc.cond.snapshot*` on content and images (from 2.3).
    fn read_condition(&mut self, namespace: Namespace<'a>, label: &'a [u8], value: &'a [u8], from: NodeId) {
        let needs_separator = !self.has(Defect::ConditionWithoutSeparator);
        let rest = label.strip_prefix(names::GC_COND_SNAPSHOT);
        let Some(snapshotter) = rest.and_then(|rest| conditions::snapshotter(rest, needs_separator)) else {
            return;
        };
        let Some((list, name)) = conditions::comparisons(value, !self.has(Defect::OperatorsIgnored)) else {
            return;
        };
        let to = self.facts.nodes.intern(self.types.snapshot, namespace.id, Key::snapshot(snapshotter, name));
        let conditions = list.map(|comparison| Condition { from: full(from), to, comparison, label });
        self.conditions.extend(conditions);
    }

    /// `gc.cond.value-usedat*` on snapshots (from 2.3).
    fn read_use(&mut self, label: &'a [u8], value: &'a [u8], snapshot: NodeId) {
        let is_value = match self.has(Defect::ValueWithoutSeparator) {
            true => label.starts_with(names::GC_COND_USED_AT),
            false => is_label(label, names::GC_COND_USED_AT),
        };
        if is_value && let Some(at) = times::rfc3339(self.question.situation.go(), value) {
            self.uses.push((snapshot, at));
        }
    }
}

/// An expiry that does not parse, or is a bucket, is none; any value of the flat label means flat.
pub(super) fn own_labels(go: Go, labels: Option<View<'_>>) -> OwnLabels {
    let mut own = OwnLabels::default();
    let Some(labels) = labels else { return own };
    for (label, entry) in labels.iter().filter(|(label, _)| label.starts_with(GC)) {
        let Some(value) = entry.value() else { continue };
        if label == names::GC_EXPIRE {
            own.expires = times::rfc3339(go, value);
        } else if label == names::GC_FLAT {
            own.is_flat = true;
        }
    }
    own
}

/// Whether a label is the one named, followed by nothing, a point or a slash.
pub(super) fn is_label(label: &[u8], name: &[u8]) -> bool {
    label.strip_prefix(name).is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
}

/// The snapshotter in a label, points and all, up to the first slash.
fn snapshotter_of<'a>(label: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = label.strip_prefix(name)?;
    rest.split(|byte| *byte == b'/').next()
}
