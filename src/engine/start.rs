//! The start of a collection: which collectors take part, and the label handlers (`startGCContext`).

use super::labels::{Action, LabelHandler};
use super::outcome::{Call, CollectorCall};
use crate::collector::Collector;
use crate::node::{Kind, ResourceType};
use crate::release::Release;
use crate::schema::names;
use crate::situation::Situation;
use std::borrow::Cow;

/// The type numbers that the engine itself emits. A kind that the release lacks has 0 and is never emitted.
#[derive(Clone, Copy)]
pub(super) struct Types {
    pub(super) content: ResourceType,
    pub(super) snapshot: ResourceType,
    pub(super) container: ResourceType,
    pub(super) image: ResourceType,
    pub(super) lease: ResourceType,
    pub(super) ingest: ResourceType,
}

impl Types {
    pub(super) fn of(release: Release) -> Types {
        let number = |kind| release.type_of(kind).unwrap_or(ResourceType(0));
        Types {
            content: number(Kind::Content),
            snapshot: number(Kind::Snapshot),
            container: number(Kind::Container),
            image: number(Kind::Image),
            lease: number(Kind::Lease),
            ingest: number(Kind::Ingest),
        }
    }
}

/// The collectors that take part, in ascending order of their types, and what starting them was.
pub(super) fn start_collectors(
    release: Release,
    collectors: &[Collector],
) -> (Vec<&Collector>, Vec<CollectorCall>) {
    let mut calls = Vec::new();
    if !release.rules().collectors {
        return (Vec::new(), calls);
    }
    let mut started: Vec<&Collector> = collectors.iter().collect();
    started.sort_by_key(|collector| collector.resource_type);
    // One that fails to start is skipped for this round.
    started.retain(|collector| {
        let mut called = |call| calls.push(CollectorCall { resource_type: collector.resource_type, call });
        called(Call::Start);
        if !collector.start_error {
            called(Call::Label);
        }
        !collector.start_error
    });
    (started, calls)
}

/// The handlers in the order in which an object's labels are searched.
pub(super) fn label_handlers(
    situation: &Situation,
    started: &[&Collector],
    shares_loop_variable: bool,
) -> Vec<LabelHandler> {
    let (rules, types) = (situation.release.rules(), Types::of(situation.release));
    let are_sorted = rules.handlers_always_sorted || (rules.collectors && !situation.collectors.is_empty());
    // The handlers of 1.7.0-beta.1 capture the loop's variable, which ends on whichever collector Go's map iteration
    // visits last, one that failed to start included.
    let last_iterated = if shares_loop_variable { situation.iterated_last() } else { None };
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
    use std::sync::Arc;

    fn keys(release: Release, collectors: &[Collector]) -> Vec<(Vec<u8>, Action)> {
        let (started, _) = start_collectors(release, collectors);
        let now = Instant { seconds: 0, nanoseconds: 0 };
        let situation = Situation::new(Bucket::new(), release, now);
        let situation = Situation { collectors: Arc::new(collectors.to_vec()), ..situation };
        let handlers = label_handlers(&situation, &started, false);
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
            let expected = [Types::of(release).content, ResourceType(0x10), ResourceType(0x11)];
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
