//! Label handlers: which labels of an object mean something, in the order in which they are looked for.
//!
//! Every label that begins with a handler's key is passed to the handler, so one label may reach several handlers, and
//! each handler makes a pass of its own over an object's sorted labels.

use super::decisions::Decisions;
use super::nodes::{Key, Types};
use crate::bucket::{Entry, View};
use crate::collector::Collector;
use crate::node::ResourceType;
use crate::release::Rules;
use crate::schema::names;
use crate::situation::Situation;
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
pub(super) fn send_label_refs<'a, D: Decisions>(
    handlers: &[LabelHandler],
    decisions: D,
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
                && let Some(sent) = read_label(handler.action, decisions, rest, entry)
            {
                let reads_on = decisions.reads_on(matches!(sent, Sent::BackReference(..)));
                send(sent);
                if !reads_on {
                    break;
                }
            }
        }
    }
}

/// A bit for the letter after the common prefix.
fn letter(name: &[u8]) -> u32 {
    1 << (name.get(PREFIX.len()).copied().unwrap_or_default() % 32)
}

/// What one label says to one handler; nothing if the handler's key merely begins it.
fn read_label<'a, D: Decisions>(
    action: Action,
    decisions: D,
    rest: &'a [u8],
    entry: Entry<'a>,
) -> Option<Sent<'a>> {
    let value = entry.value().unwrap_or_default();
    match action {
        Action::Refer(resource_type) if decisions.is_separated(rest) => {
            Some(Sent::Reference(resource_type, value.into()))
        }
        Action::BackRefer(resource_type) if decisions.is_separated(rest) => {
            Some(Sent::BackReference(resource_type, value.into()))
        }
        Action::Refer(_) | Action::BackRefer(_) => None,
        Action::ReferSnapshot(resource_type) => {
            Some(Sent::Reference(resource_type, Key::snapshot(decisions.snapshotter(rest), value)))
        }
        Action::BackReferSnapshot(resource_type) => {
            Some(Sent::BackReference(resource_type, Key::snapshot(decisions.snapshotter(rest), value)))
        }
        Action::Root => Some(Sent::Root),
        Action::Condition => Some(Sent::Condition(rest, value)),
        Action::UsedAt => Some(Sent::UsedAt(value)),
    }
}

/// The handlers in the order in which an object's labels are searched (`startGCContext`).
pub(super) fn label_handlers(
    rules: &Rules,
    types: Types,
    situation: &Situation,
    started: &[&Collector],
) -> Vec<LabelHandler> {
    let are_sorted = rules.handlers_always_sorted || (rules.collectors && !situation.collectors.is_empty());
    // The handlers of 1.7.0-beta.1 capture the loop's variable, which ends on whichever collector Go's map iteration
    // visits last, one that failed to start included.
    let last_iterated = if rules.shared_loop_variable { situation.iterated_last() } else { None };
    let mut handlers = Vec::with_capacity(16);
    let mut built_in = |key, action| handlers.push(LabelHandler::new(Cow::Borrowed(key), action));
    // Here they stand by their keys; where containerd does not sort, the one for images comes last.
    if rules.back_references {
        built_in(names::GC_BREF_CONTAINER, Action::BackRefer(types.container));
        built_in(names::GC_BREF_CONTENT, Action::BackRefer(types.content));
        built_in(names::GC_BREF_IMAGE, Action::BackRefer(types.image));
        built_in(names::GC_BREF_SNAPSHOT, Action::BackReferSnapshot(types.snapshot));
    }
    if rules.conditional_references {
        built_in(names::GC_COND_SNAPSHOT, Action::Condition);
        built_in(names::GC_COND_USED_AT, Action::UsedAt);
    }
    built_in(names::GC_REF_CONTENT, Action::Refer(types.content));
    if rules.image_nodes && are_sorted {
        built_in(names::GC_REF_IMAGE, Action::Refer(types.image));
    }
    built_in(names::GC_REF_SNAPSHOT, Action::ReferSnapshot(types.snapshot));
    if rules.image_nodes && !are_sorted {
        built_in(names::GC_REF_IMAGE, Action::Refer(types.image));
    }
    if rules.root_by_prefix {
        built_in(names::GC_ROOT, Action::Root);
    }
    for collector in started.iter().filter(|collector| !collector.reference_label.is_empty()) {
        let resource_type = last_iterated.unwrap_or(collector.resource_type);
        let key = [names::GC_REF, &collector.reference_label].concat();
        let at = handlers.partition_point(|handler| handler.key[..] <= key[..]);
        handlers.insert(at, LabelHandler::new(Cow::Owned(key), Action::Refer(resource_type)));
    }
    handlers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::Bucket;
    use crate::instant::Instant;
    use crate::release::Release;
    use std::sync::Arc;

    fn keys(release: Release, collectors: &[Collector]) -> Vec<(Vec<u8>, Action)> {
        let started: Vec<&Collector> = collectors.iter().filter(|collector| !collector.start_error).collect();
        let now = Instant { seconds: 0, nanoseconds: 0 };
        let situation = Situation::new(Bucket::new(), release, now);
        let situation = Situation { collectors: Arc::new(collectors.to_vec()), ..situation };
        let handlers = label_handlers(release.rules(), Types::of(release), &situation, &started);
        handlers.into_iter().map(|handler| (handler.key.into_owned(), handler.action)).collect()
    }

    fn collectors(labels: &[&str]) -> Vec<Collector> {
        let collector = |(label, number): (&&str, u8)| Collector {
            reference_label: label.as_bytes().to_vec(),
            ..Collector::new(ResourceType(number))
        };
        labels.iter().zip(0x10..).map(collector).collect()
    }

    /// `sort.Slice` in `startGCContext`: with any collector registered, from 2.2 on always.
    #[test]
    fn handlers_are_sorted_by_key_as_soon_as_a_collector_is_registered() {
        let mut failing = collectors(&["a"]);
        failing[0].start_error = true;
        for release in Release::ALL.into_iter().filter(|release| release.rules().collectors) {
            for collectors in
                [collectors(&["zz", "image", "content", "a", "a", "snapshot.", "snap"]), failing.clone()]
            {
                let keys = keys(release, &collectors);
                assert!(keys.is_sorted_by(|left, right| left.0 <= right.0), "{release}: {keys:?}");
            }
            // A collector's label that is one of ours stands behind it, and those alike in the order of their types.
            let keys = keys(release, &collectors(&["content", "content"]));
            let alike = keys.iter().filter(|(key, _)| key == names::GC_REF_CONTENT);
            let types: Vec<Action> = alike.map(|(_, action)| *action).collect();
            // Where the handlers share the loop's variable it ends on the last.
            let first = if release.rules().shared_loop_variable { 0x11 } else { 0x10 };
            let expected = [Types::of(release).content, ResourceType(first), ResourceType(0x11)];
            assert_eq!(types, expected.map(Action::Refer), "{release}");
        }
    }

    #[test]
    fn without_collectors_images_come_last_until_2_2() {
        let unsorted: [&[u8]; 3] = [names::GC_REF_CONTENT, names::GC_REF_SNAPSHOT, names::GC_REF_IMAGE];
        for release in Release::ALL {
            let keys = keys(release, &[]);
            let keys: Vec<&[u8]> = keys.iter().map(|(key, _)| &key[..]).collect();
            match release {
                Release::V1_6 | Release::V1_7Beta | Release::V1_7 => {
                    assert_eq!(keys, unsorted[..2], "{release}")
                }
                Release::V2_0 | Release::V2_1 => assert_eq!(keys, unsorted, "{release}"),
                _ => assert!(keys.is_sorted() && keys.len() >= 8, "{release}: {keys:?}"),
            }
        }
    }
}
