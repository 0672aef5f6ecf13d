//! What a collection that succeeds logs above debugging, stated from what it met: an operator reads nothing else of it.
//!
//! | line | when |
//! |---|---|
//! | info `ignoring invalid expiration value` | for each lease, from 2.0 on each image too, whose `gc.expire` is no time |
//! | info `no remove defined for resource` | for each resource that goes, of a type that neither the database nor a started collector has |
//! | error `failed to finish collection context` | for each started collector whose `Finish` fails |
//!
//! The order follows the walk and is conformance's, as is the wording.

use crate::bucket::{Entry, View};
use crate::engine::{LogEvent, Outcome};
use crate::node::{Kind, ResourceType};
use crate::oracle::{End, Judgement, Progress, times};
use crate::scenario::Name;
use crate::schema::names::{GC_EXPIRE, IMAGES, LABELS, LEASES, V1};
use crate::situation::Situation;

/// A line of the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Said {
    /// The expiry of a lease or an image is no time.
    InvalidExpiry(Kind, Name),
    /// Nobody removes a resource of this type.
    NoRemove(ResourceType, Name),
    /// A collector of this type could not finish; without it where the release does not say it.
    FinishFailed(Option<ResourceType>),
}

/// A line that is missing, or that nothing calls for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WrongLine {
    /// It is missing.
    Missing(Said),
    /// Nothing calls for it.
    Extra(Said),
}

/// The first wrong line of a collection's log; none is known of one that fails, which ends where it does.
pub(super) fn wrong_line(
    situation: &Situation,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
) -> Option<WrongLine> {
    if outcome.error.is_some() || judgement.progress() != Progress::Success {
        return None;
    }
    let mut said: Vec<Said> = outcome.log.iter().filter_map(said).collect();
    let mut expected = expected(situation, judgement);
    if said.is_empty() && expected.is_empty() {
        return None;
    }
    said.sort_unstable();
    expected.sort_unstable();
    let parts = said.iter().zip(&expected).position(|(said, expected)| said != expected);
    let at = parts.unwrap_or(said.len().min(expected.len()));
    match (said.get(at), expected.get(at)) {
        (Some(said), Some(expected)) if said < expected => Some(WrongLine::Extra(said.clone())),
        (_, Some(expected)) => Some(WrongLine::Missing(expected.clone())),
        (Some(said), None) => Some(WrongLine::Extra(said.clone())),
        (None, None) => None,
    }
}

fn said(event: &LogEvent) -> Option<Said> {
    Some(match event {
        LogEvent::InvalidExpiration { object, name, .. } => Said::InvalidExpiry(*object, name.to_vec()),
        LogEvent::NoRemove { key, resource_type } => Said::NoRemove(*resource_type, key.to_vec()),
        LogEvent::CollectorFailed { resource_type, .. } => Said::FinishFailed(*resource_type),
        _ => return None,
    })
}

fn expected(situation: &Situation, judgement: &Judgement<'_>) -> Vec<Said> {
    let Situation { tree, release, collectors, .. } = situation;
    let (rules, go) = (release.rules(), situation.go());
    let namespaces = || tree.bucket(V1).into_iter().flat_map(View::buckets);
    let mut expected = Vec::new();
    let kinds = [(Kind::Lease, LEASES, true), (Kind::Image, IMAGES, rules.image_nodes)];
    for (kind, bucket, _) in kinds.into_iter().filter(|(.., expires)| *expires) {
        let objects = namespaces().filter_map(|(_, namespace)| namespace.bucket(bucket));
        let invalid = objects.flat_map(View::buckets).filter(|(_, object)| {
            let expiry =
                object.bucket(LABELS).and_then(|labels| labels.entry(GC_EXPIRE)).and_then(Entry::value);
            expiry.is_some_and(|text| times::rfc3339(go, text).is_none())
        });
        expected.extend(invalid.map(|(name, _)| Said::InvalidExpiry(kind, name.to_vec())));
    }
    // Up to 1.6 there are neither, and whatever goes is the database's own.
    if collectors.is_empty() {
        return expected;
    }
    let ends = judgement.collector_ends();
    let is_own = |resource_type| {
        use Kind::{Content, Image, Ingest, Lease, Snapshot};
        let kind = release.kind_of(resource_type);
        !release.is_flat(resource_type) && matches!(kind, Content | Snapshot | Image | Lease | Ingest)
    };
    for resource in judgement.resources().filter(|resource| !resource.is_kept()) {
        let resource_type = resource.resource_type();
        let is_collected = ends.iter().any(|(own, _)| *own == resource_type);
        if is_own(resource_type) || is_collected {
            continue;
        }
        let node = resource.node();
        if namespaces().any(|(name, _)| *name == *node.namespace) {
            expected.push(Said::NoRemove(resource_type, node.key.to_vec()));
        }
    }
    let finished = |collector: &ResourceType| ends.contains(&(*collector, End::Finish));
    let failed =
        collectors.iter().filter(|collector| collector.finish_error && finished(&collector.resource_type));
    expected.extend(
        failed.map(|collector| Said::FinishFailed(rules.back_references.then_some(collector.resource_type))),
    );
    expected
}
