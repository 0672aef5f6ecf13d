//! Label handlers: which labels of an object mean something, in the order in which they are looked for.
//!
//! Every label that begins with a handler's key is passed to the handler, so one label may reach several handlers, and
//! each handler makes a pass of its own over an object's sorted labels.

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

/// What the key of every handler begins with.
const PREFIX: &[u8] = b"containerd.io/gc.";

pub(super) struct LabelHandler {
    /// Never empty: it begins with [`PREFIX`].
    pub(super) key: Cow<'static, [u8]>,
    pub(super) action: Action,
    /// The bit of the key's letter after the common prefix.
    letter: u32,
}

impl LabelHandler {
    pub(super) fn new(key: Cow<'static, [u8]>, action: Action) -> LabelHandler {
        let letter = letter(&key);
        LabelHandler { key, action, letter }
    }
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
///
/// containerd seeks each handler's key. Here the few labels that any handler could want are found once, and a handler
/// passes over them only if one of them begins as its key does.
pub(super) fn send_label_refs<'a, F: Faults>(
    handlers: &[LabelHandler],
    faults: F,
    labels: Option<View<'a>>,
    wanted: Wanted,
    mut send: impl FnMut(Sent<'a>),
) {
    let Some(labels) = labels else { return };
    let (mut before, mut count, mut letters) = (0, 0, 0);
    for (name, _) in labels.iter() {
        if name.starts_with(PREFIX) {
            count += 1;
            letters |= letter(name);
        } else if count == 0 {
            before += 1;
        }
    }
    for handler in handlers.iter().filter(|handler| handler.letter & letters != 0) {
        if !wanted.wants(handler.action) {
            continue;
        }
        let key = &handler.key[..];
        for (name, entry) in labels.iter().skip(before).take(count) {
            // Most labels that are not this handler's differ from its key where that ends: a look saves comparing them.
            if name.get(key.len() - 1) == key.last()
                && let Some(rest) = name.strip_prefix(key)
                && let Some(sent) = read_label(handler, faults, rest, entry)
            {
                send(sent);
            }
        }
    }
}

/// A bit for the letter after the common prefix.
fn letter(name: &[u8]) -> u32 {
    1 << (name.get(PREFIX.len()).copied().unwrap_or_default() % 32)
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
    let snapshotter = || match faults.has(Fault::SnapshotterSuffixNotCut) {
        true => rest,
        false => rest.split(|byte| *byte == b'/').next().unwrap_or_default(),
    };
    match handler.action {
        Action::Refer(resource_type) => separated.then(|| Sent::Reference(resource_type, value.into())),
        Action::ReferSnapshot(resource_type) => {
            Some(Sent::Reference(resource_type, Key::snapshot(snapshotter(), value)))
        }
        Action::BackRefer(resource_type) => {
            separated.then(|| Sent::BackReference(resource_type, value.into()))
        }
        Action::BackReferSnapshot(resource_type) => {
            Some(Sent::BackReference(resource_type, Key::snapshot(snapshotter(), value)))
        }
        Action::Root if faults.has(Fault::RootLabelExact) && !rest.is_empty() => None,
        Action::Root => Some(Sent::Root),
        Action::Condition => Some(Sent::Condition(rest, value)),
        Action::UsedAt => Some(Sent::UsedAt(value)),
    }
}

/// Whether an object carries the label `gc.root`, of any value (`isRootRef`, up to 2.1).
pub(super) fn is_root_ref(labels: Option<View<'_>>) -> bool {
    labels.is_some_and(|labels| labels.get(names::GC_ROOT).is_some())
}
