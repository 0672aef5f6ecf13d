//! The start of a collection: which collectors take part, and the label handlers (`startGCContext`).

use super::labels::{Action, LabelHandler};
use super::outcome::{Call, CollectorCall};
use crate::collector::Collector;
use crate::node::{Kind, ResourceType};
use crate::release::Release;
use crate::schema::names;
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
    release: Release,
    registered: &[Collector],
    started: &[&Collector],
    last_iterated: Option<ResourceType>,
    shares_loop_variable: bool,
) -> Vec<LabelHandler> {
    let rules = release.rules();
    let types = Types::of(release);
    let mut handlers = Vec::with_capacity(10);
    let mut built_in = |key, action| handlers.push(LabelHandler::new(Cow::Borrowed(key), action));
    built_in(names::GC_REF_CONTENT, Action::Refer(types.content));
    built_in(names::GC_REF_SNAPSHOT, Action::ReferSnapshot(types.snapshot));
    if rules.image_nodes {
        built_in(names::GC_REF_IMAGE, Action::Refer(types.image));
    }
    if rules.back_references {
        built_in(names::GC_BREF_CONTAINER, Action::BackRefer(types.container));
        built_in(names::GC_BREF_CONTENT, Action::BackRefer(types.content));
        built_in(names::GC_BREF_IMAGE, Action::BackRefer(types.image));
        built_in(names::GC_BREF_SNAPSHOT, Action::BackReferSnapshot(types.snapshot));
    }
    if rules.root_by_prefix {
        built_in(names::GC_ROOT, Action::Root);
    }
    if rules.conditional_references {
        built_in(names::GC_COND_SNAPSHOT, Action::Condition);
        built_in(names::GC_COND_USED_AT, Action::UsedAt);
    }
    for collector in started.iter().filter(|collector| !collector.reference_label.is_empty()) {
        // The seed's handlers capture the loop's variable, which ends on whichever collector Go's map
        // iteration visits last, one that failed to start included.
        let resource_type = match last_iterated {
            Some(last) if shares_loop_variable => last,
            _ => collector.resource_type,
        };
        let key = [names::GC_REF, &collector.reference_label].concat();
        handlers.push(LabelHandler::new(Cow::Owned(key), Action::Refer(resource_type)));
    }
    if rules.handlers_always_sorted || (rules.collectors && !registered.is_empty()) {
        handlers.sort_by(|left, right| left.key.cmp(&right.key));
    }
    handlers
}
