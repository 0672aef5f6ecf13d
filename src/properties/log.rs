//! What a collection logs, stated from what it met: an operator reads of nothing else why something is gone.
//!
//! | line | when |
//! |---|---|
//! | info `ignoring invalid expiration value` | for each lease, from 2.0 on each image too, whose `gc.expire` is no time |
//! | debug `expired lease` | from 2.0 on, for each lease whose `gc.expire` has passed |
//! | debug `remove content`, `remove ingest`, `remove snapshot`, from 2.3 on `remove image` | for each of those that is handed to removal, if there is the bucket around it |
//! | info `no remove defined for resource` | for each resource that goes, of a type that neither the database nor a started collector has |
//! | debug `schedule snapshotter cleanup`, `schedule content cleanup` | for each backend that is noted, if the collection succeeds |
//! | error `failed to finish collection context`, or to `cancel` it | for each started collector whose `Finish`, or `Cancel`, fails |
//!
//! The lines come in the order of the table: the roots, the sweep, what is scheduled (snapshotters first), the end. Within
//! each the order follows the walk and is conformance's, as is the wording.

use crate::bucket::{Bucket, Entry, View};
use crate::engine::{LogEvent, Outcome};
use crate::node::{Kind, NodeRef, ResourceType};
use crate::oracle::{End, Judgement, Progress, times};
use crate::scenario::Name;
use crate::schema::names::{BLOB, CONTENT, GC_EXPIRE, IMAGES, INGESTS, LABELS, LEASES, SNAPSHOTS, V1};
use crate::situation::Situation;

/// A line of the log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Said {
    /// What it says.
    pub what: What,
    /// Of what: a key, a name; empty where it says it of a collector, or of all content.
    pub of: Name,
    /// What else it says: the value of an expiry, the snapshotter of a snapshot.
    pub with: Name,
}

/// What a line of the log says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    /// The expiry of a lease or an image is no time.
    InvalidExpiry(Kind),
    /// A lease has expired.
    ExpiredLease,
    /// Something of this kind goes.
    Remove(Kind),
    /// Nobody removes a resource of this type.
    NoRemove(ResourceType),
    /// A snapshotter is to be cleaned up.
    ScheduleSnapshotter,
    /// Content is to be cleaned up.
    ScheduleContent,
    /// A collector of this type could not finish; without it where the release does not say it.
    FinishFailed(Option<ResourceType>),
    /// The same of a collection that is cancelled.
    CancelFailed(Option<ResourceType>),
}

/// A line that is missing, or that nothing calls for, or two in the wrong order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WrongLine {
    /// It is missing.
    Missing(Said),
    /// Nothing calls for it.
    Extra(Said),
    /// The first is there in place of the second.
    Other(Said, Said),
    /// The first stands before the second, and belongs behind it.
    Early(Said, Said),
}

/// A line, borrowed.
type Line<'a> = (What, &'a [u8], &'a [u8]);

/// The first wrong line of a collection's log. Of one that fails before its sweep only the order is known: it ends where it
/// does.
pub(super) fn wrong_line(
    situation: &Situation,
    outcome: &Outcome,
    judgement: &Judgement<'_>,
) -> Option<WrongLine> {
    let mut said: Vec<Line<'_>> = outcome.log.iter().map(said).collect();
    let early = said.windows(2).find(|pair| phase(pair[0].0) > phase(pair[1].0));
    if let Some(pair) = early {
        return Some(WrongLine::Early(owned(pair[0]), owned(pair[1])));
    }
    let ends_as = if outcome.error.is_none() { Progress::Success } else { Progress::SweepFailed };
    if !outcome.has_marked() || judgement.progress() != ends_as {
        return None;
    }
    let mut expected = of_roots(situation);
    expected.extend(of_sweep(situation, outcome));
    if ends_as == Progress::Success {
        expected.extend(of_schedule(outcome));
    }
    expected.extend(of_ends(situation, judgement));
    said.sort_unstable();
    expected.sort_unstable();
    let parts = said.iter().zip(&expected).position(|(said, expected)| said != expected);
    let at = parts.unwrap_or(said.len().min(expected.len()));
    if said.len() == expected.len() && at < said.len() {
        let extra = first_without(&said, &expected).zip(first_without(&expected, &said));
        return extra.map(|(said, expected)| WrongLine::Other(owned(*said), owned(*expected)));
    }
    match (said.get(at), expected.get(at)) {
        (Some(said), Some(expected)) if said < expected => Some(WrongLine::Extra(owned(*said))),
        (_, Some(expected)) => Some(WrongLine::Missing(owned(*expected))),
        (Some(said), None) => Some(WrongLine::Extra(owned(*said))),
        (None, None) => None,
    }
}

fn owned((what, of, with): Line<'_>) -> Said {
    Said { what, of: of.to_vec(), with: with.to_vec() }
}

fn said(event: &LogEvent) -> Line<'_> {
    match event {
        LogEvent::InvalidExpiration { object, name, value, .. } => {
            (What::InvalidExpiry(*object), name, value)
        }
        LogEvent::ExpiredLease { name } => (What::ExpiredLease, name, b""),
        LogEvent::Remove { object, key } => {
            let kinds = [("content", Kind::Content), ("ingest", Kind::Ingest)];
            let kind = kinds.into_iter().find(|(name, _)| name == object);
            (What::Remove(kind.map_or(Kind::Image, |(_, kind)| kind)), key, b"")
        }
        LogEvent::RemoveSnapshot { snapshotter, key } => (What::Remove(Kind::Snapshot), key, snapshotter),
        LogEvent::NoRemove { key, resource_type } => (What::NoRemove(*resource_type), key, b""),
        LogEvent::ScheduleSnapshotter { snapshotter } => (What::ScheduleSnapshotter, snapshotter, b""),
        LogEvent::ScheduleContent => (What::ScheduleContent, b"", b""),
        LogEvent::CollectorFailed { call: "finish", resource_type } => {
            (What::FinishFailed(*resource_type), b"", b"")
        }
        LogEvent::CollectorFailed { resource_type, .. } => (What::CancelFailed(*resource_type), b"", b""),
    }
}

/// When in a collection a line is logged.
fn phase(what: What) -> u8 {
    match what {
        What::InvalidExpiry(_) | What::ExpiredLease => 0,
        What::Remove(_) | What::NoRemove(_) => 1,
        What::ScheduleSnapshotter => 2,
        What::ScheduleContent => 3,
        What::FinishFailed(_) | What::CancelFailed(_) => 4,
    }
}

/// Leases that have expired, by their namespace and id, as the oracle reads times.
pub(super) fn expired_leases(situation: &Situation) -> impl Iterator<Item = (&[u8], &[u8])> {
    let Situation { tree, now, .. } = situation;
    let expires = expiries(tree, LEASES);
    expires.filter_map(move |(namespace, id, value)| {
        let expiry = times::rfc3339(situation.go(), value)?;
        (expiry < *now).then_some((namespace, id))
    })
}

/// The expiries of one sort of objects: namespace, name, the label's value.
fn expiries<'a>(
    tree: &'a Bucket,
    sort: &'static [u8],
) -> impl Iterator<Item = (&'a [u8], &'a [u8], &'a [u8])> {
    let namespaces = tree.bucket(V1).into_iter().flat_map(View::buckets);
    namespaces.flat_map(move |(namespace, there)| {
        let objects = there.bucket(sort).into_iter().flat_map(View::buckets);
        objects.filter_map(move |(name, object)| {
            Some((namespace, name, object.bucket(LABELS)?.entry(GC_EXPIRE).and_then(Entry::value)?))
        })
    })
}

/// What is said while the roots are scanned.
fn of_roots(situation: &Situation) -> Vec<Line<'_>> {
    let has_images = situation.release.rules().image_nodes;
    let sorts: &[(Kind, &[u8])] =
        if has_images { &[(Kind::Lease, LEASES), (Kind::Image, IMAGES)] } else { &[(Kind::Lease, LEASES)] };
    let mut lines = Vec::new();
    for (kind, sort) in sorts {
        for (_, name, value) in expiries(&situation.tree, sort) {
            match times::rfc3339(situation.go(), value) {
                None => lines.push((What::InvalidExpiry(*kind), name, value)),
                Some(expiry) if has_images && *kind == Kind::Lease && expiry < situation.now => {
                    lines.push((What::ExpiredLease, name, &b""[..]));
                }
                Some(_) => {}
            }
        }
    }
    lines
}

/// What is said of what is handed to removal.
fn of_sweep<'a>(situation: &'a Situation, outcome: &'a Outcome) -> impl Iterator<Item = Line<'a>> {
    outcome.refs(&outcome.removed).filter_map(|node| of_removal(situation, node))
}

fn of_removal<'a>(situation: &Situation, node: NodeRef<'a>) -> Option<Line<'a>> {
    let Situation { tree, release, .. } = situation;
    let namespace = tree.bucket(V1)?.bucket(node.namespace)?;
    let is_flat = release.is_flat(node.resource_type);
    match release.kind_of(node.resource_type) {
        Kind::Lease if !is_flat => None,
        kind @ (Kind::Content | Kind::Ingest) if !is_flat => {
            let around = if kind == Kind::Content { BLOB } else { INGESTS };
            namespace.bucket(CONTENT)?.bucket(around)?;
            Some((What::Remove(kind), node.key, b""))
        }
        Kind::Image if !is_flat => {
            namespace.bucket(IMAGES)?;
            release.rules().logs_removed_images.then_some((What::Remove(Kind::Image), node.key, b""))
        }
        Kind::Snapshot if !is_flat => {
            // Up to its first slash a key names the snapshotter.
            let slash = node.key.iter().position(|byte| *byte == b'/')?;
            let (snapshotter, name) = (&node.key[..slash], &node.key[slash + 1..]);
            namespace.bucket(SNAPSHOTS)?.bucket(snapshotter)?;
            Some((What::Remove(Kind::Snapshot), name, snapshotter))
        }
        _ => {
            let is_collected = |collector: &crate::collector::Collector| {
                collector.resource_type == node.resource_type && !collector.start_error
            };
            let goes = release.rules().collectors && situation.collectors.iter().any(is_collected);
            (!goes).then_some((What::NoRemove(node.resource_type), node.key, b""))
        }
    }
}

/// The clean-ups of what is noted.
fn of_schedule(outcome: &Outcome) -> impl Iterator<Item = Line<'_>> {
    let snapshotters = outcome.dirty.snapshotters.iter();
    let snapshotters = snapshotters.map(|name| (What::ScheduleSnapshotter, &**name, &b""[..]));
    snapshotters.chain(outcome.dirty.content.then_some((What::ScheduleContent, &b""[..], &b""[..])))
}

/// The collectors that cannot end.
fn of_ends<'a>(situation: &Situation, judgement: &Judgement<'_>) -> Vec<Line<'a>> {
    // Up to 1.6 there are none.
    if situation.collectors.is_empty() {
        return Vec::new();
    }
    let ends = judgement.collector_ends();
    let rules = situation.release.rules();
    let failed = situation.collectors.iter().filter_map(|collector| {
        let (_, end) = ends.iter().find(|(own, _)| *own == collector.resource_type)?;
        let named = rules.logs_failing_type.then_some(collector.resource_type);
        match end {
            End::Finish => collector.finish_error.then_some(What::FinishFailed(named)),
            End::Cancel => collector.cancel_error.then_some(What::CancelFailed(named)),
            End::Nothing => None,
        }
    });
    failed.map(|what| (what, &b""[..], &b""[..])).collect()
}

/// The first of some sorted things that others, sorted too, have less often.
pub(super) fn first_without<'t, T: Ord>(some: &'t [T], others: &[T]) -> Option<&'t T> {
    let mut others = others.iter().peekable();
    some.iter().find(|thing| {
        while others.next_if(|other| other < thing).is_some() {}
        others.next_if_eq(thing).is_none()
    })
}
