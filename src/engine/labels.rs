//! Label handlers: which labels of an object mean something, in the order in which they are looked for.
//!
//! containerd seeks each handler's key among an object's sorted labels and passes every label that begins with
//! it to the handler, so one label may reach several handlers and each handler makes a pass of its own.

use super::faults::{Fault, Faults};
use super::nodes::Key;
use crate::bucket::{Entry, View};
use crate::node::ResourceType;
use crate::schema::names;
use std::borrow::Cow;

/// What a handler does with a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// Refers to a node of this type, whose key is the value.
    Refer(ResourceType),
    /// Refers to a snapshot: the rest of the label is the snapshotter, the value its key.
    ReferSnapshot(ResourceType),
    /// The labelled object is kept while a node of this type is reached (from 2.2).
    BackRefer(ResourceType),
    /// The same for a snapshot.
    BackReferSnapshot(ResourceType),
    /// The labelled object is a root (from 2.2).
    Root,
    /// The labelled object refers to a snapshot while a condition holds (from 2.3).
    Condition,
    /// When the labelled snapshot was last used (from 2.3).
    UsedAt,
}

pub(super) struct LabelHandler {
    pub(super) key: Cow<'static, [u8]>,
    pub(super) action: Action,
}

/// Which handlers a caller of [`send_label_refs`] has a callback for; containerd skips the others.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) references: bool,
    pub(super) back_references: bool,
    pub(super) conditions: bool,
    pub(super) used_at: bool,
    pub(super) root: bool,
}

impl Wanted {
    pub(super) const NOTHING: Wanted =
        Wanted { references: false, back_references: false, conditions: false, used_at: false, root: false };
    pub(super) const REFERENCES: Wanted = Wanted { references: true, ..Wanted::NOTHING };

    fn wants(self, action: Action) -> bool {
        match action {
            Action::Refer(_) | Action::ReferSnapshot(_) => self.references,
            Action::BackRefer(_) | Action::BackReferSnapshot(_) => self.back_references,
            Action::Condition => self.conditions,
            Action::UsedAt => self.used_at,
            Action::Root => self.root,
        }
    }
}

/// What a label says, in the words of its handler.
#[derive(Clone, Copy)]
pub(super) enum Sent<'a> {
    Reference(ResourceType, Key<'a>),
    BackReference(ResourceType, Key<'a>),
    Root,
    /// The label's rest, which names the snapshotter, and the label's value.
    Condition(&'a [u8], &'a [u8]),
    /// The label's value, an RFC 3339 time.
    UsedAt(&'a [u8]),
}

/// Passes an object's labels to the handlers (`sendLabelRefs`). A label that is a bucket counts, with an empty
/// value.
pub(super) fn send_label_refs<'a, F: Faults>(
    handlers: &[LabelHandler],
    faults: F,
    object: View<'a>,
    wanted: Wanted,
    mut send: impl FnMut(Sent<'a>),
) {
    let Some(labels) = object.bucket(names::LABELS) else { return };
    let mut cursor = labels.cursor();
    for handler in handlers.iter().filter(|handler| wanted.wants(handler.action)) {
        let mut label = cursor.seek(&handler.key);
        while let Some((name, entry)) = label {
            let Some(rest) = name.strip_prefix(&handler.key[..]) else { break };
            if let Some(sent) = read_label(handler, faults, rest, entry) {
                send(sent);
            }
            label = cursor.next();
        }
    }
}

/// What one label says to one handler; nothing if the handler's name merely begins it.
fn read_label<'a, F: Faults>(
    handler: &LabelHandler,
    faults: F,
    rest: &'a [u8],
    entry: Entry<'a>,
) -> Option<Sent<'a>> {
    if entry.value().is_none() && faults.has(Fault::BucketLabelIgnored) {
        return None;
    }
    let value = entry.value().unwrap_or_default();
    // A name may follow after a separator and is ignored; anything else makes it another label.
    let separated = matches!(rest.first(), None | Some(b'.' | b'/')) || faults.has(Fault::SeparatorUnchecked);
    // Up to the first slash stands the snapshotter, dots included.
    let mut snapshotter = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    if faults.has(Fault::SnapshotterSuffixNotCut) {
        snapshotter = rest;
    }
    match handler.action {
        Action::Refer(resource_type) => separated.then(|| Sent::Reference(resource_type, value.into())),
        Action::ReferSnapshot(resource_type) => {
            Some(Sent::Reference(resource_type, Key::snapshot(snapshotter, value)))
        }
        Action::BackRefer(resource_type) => {
            separated.then(|| Sent::BackReference(resource_type, value.into()))
        }
        Action::BackReferSnapshot(resource_type) => {
            Some(Sent::BackReference(resource_type, Key::snapshot(snapshotter, value)))
        }
        Action::Root if faults.has(Fault::RootLabelExact) && !rest.is_empty() => None,
        Action::Root => Some(Sent::Root),
        Action::Condition => Some(Sent::Condition(rest, value)),
        Action::UsedAt => Some(Sent::UsedAt(value)),
    }
}

/// Whether an object carries the label `gc.root`, of any value (`isRootRef`, up to 2.1).
pub(super) fn is_root_ref(object: View<'_>) -> bool {
    object.bucket(names::LABELS).is_some_and(|labels| labels.get(names::GC_ROOT).is_some())
}
