//! What daemon and clients have in memory, held to what a step says: the clock, where clients act, the policy, marks and
//! scheduled clean-ups, streams, collectors, locks.
//!
//! ```text
//!   before, step, answer ──> what each of them must be ──> after
//! ```
//!
//! All of it decides what later steps and collections do, and none of it lies in the database, where the other properties
//! look.

use super::done::Done;
use super::locks::{self, Locked};
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::contract::{collects_afterwards, marks};
use crate::engine::Call as Called;
use crate::instant::Instant;
use crate::metadata::streams::Streams;
use crate::metadata::{CleanUp, Dirty, Sharing};
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::scenario::{self, Call, DEFAULT_NAMESPACE, Name, NodeName, Step};
use crate::world::{Acting, Collected};
use std::collections::BTreeSet;

/// What is in memory and should not be, or the other way round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slip {
    /// The clock shows this, and must show that.
    Clock(Instant, Instant),
    /// A client acts in this namespace and under this lease, and must in those.
    Client(Option<Name>, Acts, Acts),
    /// Content is shared in this way, and must be in that.
    Policy(Sharing, Sharing),
    /// These marks are set, and must be those.
    Marks(Dirty, Dirty),
    /// These clean-ups are scheduled, and must be those.
    Scheduled(CleanUp, CleanUp),
    /// A stream is closed, or open under this lease or none, and must be so.
    Stream {
        /// Which.
        stream: NodeName,
        /// How it is.
        there: Option<Option<Name>>,
        /// How it must be.
        expected: Option<Option<Name>>,
    },
    /// A collector is another than the step says, in this.
    Collector(Kind, &'static str),
    /// A collection ran and must not have, or the other way round.
    Collection(bool),
    /// A restart leaves this locked.
    Locked(Locked),
    /// The backends are not as the restart found them.
    Disk,
}

/// Where a client acts: its namespace and its lease.
pub type Acts = (Name, Option<Name>);

/// What is in memory after a step and should not be, or the other way round.
pub(super) fn slip(done: Done<'_>) -> Option<Slip> {
    clock(done)
        .or_else(|| clients(done))
        .or_else(|| policy(done))
        .or_else(|| collection(done))
        .or_else(|| marked(done))
        .or_else(|| scheduled(done))
        .or_else(|| streams(done))
        .or_else(|| collectors(done))
        .or_else(|| locks::left(done).map(Slip::Locked))
        .or_else(|| disk(done))
}

fn clock(done: Done<'_>) -> Option<Slip> {
    let before = done.before.now();
    let expected = match &done.line.step {
        Step::Now(now) => *now,
        Step::Advance(by) => before.plus(*by),
        _ => before,
    };
    let now = done.after.now();
    (now != expected).then_some(Slip::Clock(now, expected))
}

fn clients(done: Done<'_>) -> Option<Slip> {
    let owned = |(namespace, lease): Acting<'_>| (namespace.to_vec(), lease.map(<[u8]>::to_vec));
    let (client, step) = (done.line.client.as_ref(), &done.line.step);
    let own = done.before.acting(client);
    let declared = match step {
        Step::Client { name, .. } => Some(name),
        _ => client,
    };
    let expected: Option<Acting<'_>> = match step {
        Step::Client { namespace, lease, .. } => {
            Some((namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE), lease.as_deref()))
        }
        Step::NamespaceUse { namespace } => own.map(|(_, lease)| (&namespace[..], lease)),
        Step::LeaseUse { lease } => own.map(|(namespace, _)| (namespace, Some(&lease[..]))),
        Step::LeaseNone => own.map(|(namespace, _)| (namespace, None)),
        _ => own,
    };
    let wrong = done.after.clients().find_map(|(name, acting)| {
        let must = if name == declared { expected } else { done.before.acting(name) };
        (must != Some(acting)).then_some((name, acting, must))
    });
    let (name, acting, must) = wrong?;
    Some(Slip::Client(name.cloned(), owned(acting), owned(must.unwrap_or_default())))
}

fn policy(done: Done<'_>) -> Option<Slip> {
    let expected = match &done.line.step {
        Step::ContentPolicy(scenario::Sharing::Shared) => Sharing::Shared,
        Step::ContentPolicy(scenario::Sharing::Isolated) => Sharing::Isolated,
        _ => done.before.store().sharing,
    };
    let sharing = done.after.store().sharing;
    (sharing != expected).then_some(Slip::Policy(sharing, expected))
}

/// Steps that ask for a collection get one, unless they are refused; others do not.
fn collection(done: Done<'_>) -> Option<Slip> {
    let asks = matches!(done.line.step, Step::Gc { .. }) || collects_afterwards(&done.line.step);
    let ran = done.applied.collected.is_some();
    let is_right = if ran { asks } else { !asks || done.applied.refused.is_some() };
    (!is_right).then_some(Slip::Collection(ran))
}

/// The collection of a step, if it succeeded.
fn succeeded<'a>(done: &Done<'a>) -> Option<&'a Collected> {
    done.applied.collected.as_deref().filter(|collected| collected.outcome.error.is_none())
}

/// What the step and the part of its collection before the sweep mark.
fn marks_made(done: &Done<'_>) -> Dirty {
    let mut dirty = done.before.store().dirty.clone();
    let made = marks(&done.line.step);
    dirty.count = dirty.count.saturating_add(made.deletions);
    dirty.content |= made.content;
    dirty.snapshotters.extend(made.snapshotter.map(Box::from));
    if let Some(collected) = &done.applied.collected {
        dirty.content |= collected.outcome.dirty.content;
        dirty.snapshotters.extend(collected.outcome.dirty.snapshotters.iter().cloned());
    }
    dirty
}

fn marked(done: Done<'_>) -> Option<Slip> {
    let (before, after) = (&done.before.store().dirty, &done.after.store().dirty);
    let is_refused = done.applied.refused.is_some() && done.applied.collected.is_none();
    let is_quiet = done.applied.collected.is_none() && marks(&done.line.step) == Default::default();
    let expected = match &done.line.step {
        Step::Release(_) | Step::Crash if !is_refused => Dirty::default(),
        _ if succeeded(&done).is_some() => Dirty::default(),
        _ if is_quiet && before == after => return None,
        _ => marks_made(&done),
    };
    // What a transaction marked before it failed stays marked.
    let is_between = is_refused
        && (before.count..=expected.count).contains(&after.count)
        && before.content <= after.content
        && after.content <= expected.content
        && before.snapshotters.is_subset(&after.snapshotters)
        && after.snapshotters.is_subset(&expected.snapshotters);
    (*after != expected && !is_between).then(|| Slip::Marks(after.clone(), expected))
}

fn scheduled(done: Done<'_>) -> Option<Slip> {
    let (before, after) = (done.before.scheduled(), done.after.scheduled());
    let is_refused = done.applied.refused.is_some();
    let expected = match &done.line.step {
        Step::Release(_) | Step::Crash if !is_refused => CleanUp::default(),
        // One that waits for a preparation under way stays.
        Step::Cleanup => CleanUp {
            content: false,
            snapshotters: match is_refused {
                true => after
                    .snapshotters
                    .iter()
                    .filter(|name| before.snapshotters.contains(name))
                    .cloned()
                    .collect(),
                false => Vec::new(),
            },
        },
        _ if succeeded(&done).is_some() => {
            let made = marks_made(&done);
            let all: BTreeSet<_> = before.snapshotters.iter().cloned().chain(made.snapshotters).collect();
            CleanUp { content: before.content || made.content, snapshotters: all.into_iter().collect() }
        }
        _ if before == after => return None,
        _ => before.clone(),
    };
    (*after != expected).then(|| Slip::Scheduled(after.clone(), expected))
}

/// An open stream: namespace, name and lease.
type Open<'a> = (&'a [u8], &'a [u8], Option<&'a [u8]>);

fn streams(done: Done<'_>) -> Option<Slip> {
    let (before, after) = (done.before.streams(), done.after.streams());
    let is_accepted = done.applied.refused.is_none();
    if before == after && !matches!(done.line.step, Step::StreamOpen { .. } | Step::Release(_) | Step::Crash)
    {
        return None;
    }
    let (namespace, lease) = done.before.acting(done.line.client.as_ref())?;
    let lease = lease.filter(|lease| !lease.is_empty());
    let mut expected: Vec<Open<'_>> = before.iter().collect();
    match &done.line.step {
        Step::StreamOpen { stream } if is_accepted => expected.push((namespace, stream, lease)),
        Step::StreamClose { stream } if is_accepted => {
            expected.retain(|(there, name, _)| (*there, *name) != (namespace, stream));
        }
        Step::Release(_) | Step::Crash if is_accepted => expected.clear(),
        // Whether all of them end hangs on the manager's lock: 1.7.0-beta.1 is stuck at the first.
        _ => expected.retain(|(there, name, _)| {
            let number = done.before.release().type_of(Kind::Stream);
            let is_removed = number.is_some_and(|resource_type| {
                let node = NodeRef { resource_type, namespace: there, key: name };
                done.applied.collected.as_ref().is_some_and(|collected| collected.has_removed(node))
            });
            !is_removed || is_stuck_with(after, there, name)
        }),
    }
    expected.sort_unstable();
    let after: Vec<_> = after.iter().collect();
    let wrong = (after.iter().find(|stream| !expected.contains(stream)))
        .or_else(|| expected.iter().find(|stream| !after.contains(stream)));
    let (namespace, name, _) = *wrong?;
    let open = |streams: &[Open<'_>]| {
        let stream = streams.iter().find(|(there, own, _)| (*there, *own) == (namespace, name));
        stream.map(|(.., lease)| lease.map(<[u8]>::to_vec))
    };
    let (there, expected) = (open(&after), open(&expected));
    let (namespace, key) = (Some(namespace.to_vec()), name.to_vec());
    Some(Slip::Stream { stream: NodeName::new(namespace, Kind::Stream, key), there, expected })
}

/// Whether a manager that is stuck has not come to end a stream.
fn is_stuck_with(streams: &Streams, namespace: &[u8], name: &[u8]) -> bool {
    streams.is_stuck() && streams.iter().any(|(there, own, _)| (there, own) == (namespace, name))
}

fn collectors(done: Done<'_>) -> Option<Slip> {
    let after = done.after.collectors();
    // Most steps of most cases: none is declared.
    if after.is_empty() && done.before.collectors().is_empty() {
        return None;
    }
    let release = done.after.release();
    let expected = expected_collectors(&done);
    let kind = |collector: &Collector| release.kind_of(collector.resource_type);
    if let Some((after, expected)) = after.iter().zip(&expected).find(|(after, expected)| after != expected) {
        return Some(Slip::Collector(kind(after), part_of(after, expected)));
    }
    let extra = after.get(expected.len()).or_else(|| expected.get(after.len()))?;
    Some(Slip::Collector(kind(extra), "whether it is declared"))
}

/// In what two collectors differ.
fn part_of(one: &Collector, other: &Collector) -> &'static str {
    let parts = [
        ("its type", one.resource_type != other.resource_type),
        ("its label", one.reference_label != other.reference_label),
        ("what it lists", one.all != other.all),
        ("what is in use", one.active != other.active),
        ("what leases hold", one.leased != other.leased),
        ("its back references", one.active_back_references != other.active_back_references),
        ("its references", one.references != other.references),
    ];
    parts.into_iter().find(|(_, differs)| *differs).map_or("which calls fail", |(part, _)| part)
}

/// The declared collectors after a step, in ascending order of their types.
fn expected_collectors(done: &Done<'_>) -> Vec<Collector> {
    let mut expected = done.before.collectors().to_vec();
    if let Some(collected) = &done.applied.collected {
        expected.iter_mut().for_each(|collector| told(collector, collected));
        return expected;
    }
    if done.applied.refused.is_some() {
        return expected;
    }
    let release = done.before.release();
    let Some((namespace, _)) = done.before.acting(done.line.client.as_ref()) else { return expected };
    let node = |name: &NodeName| {
        let number = release.type_of(name.kind).unwrap_or(ResourceType(0));
        Node::new(number, name.namespace.as_deref().unwrap_or(namespace), &name.key)
    };
    let of = |kind: &Kind| release.type_of(*kind).unwrap_or(ResourceType(0));
    let asked_for = |asked: &Option<Name>, node: &Node| -> Box<[u8]> {
        asked.as_deref().map_or_else(|| node.namespace.clone(), Box::from)
    };
    let mut change = |kind: &Kind, change: &dyn Fn(&mut Collector)| {
        expected.iter_mut().filter(|collector| collector.resource_type == of(kind)).for_each(change);
    };
    match &done.line.step {
        Step::CollectorDeclare { collector, label } => {
            let reference_label = label.clone().unwrap_or_default();
            expected.push(Collector { reference_label, ..Collector::new(of(collector)) });
            expected.sort_by_key(|collector| collector.resource_type);
        }
        Step::CollectorList { collector, nodes } => {
            change(collector, &|collector| collector.all.extend(nodes.iter().map(node)));
        }
        Step::CollectorForget { collector, nodes } => {
            let gone: Vec<Node> = nodes.iter().map(node).collect();
            change(collector, &|collector| without(collector, &gone));
        }
        Step::CollectorActive { collector, nodes, asked } => change(collector, &|collector| {
            let active = nodes.iter().map(node);
            collector
                .active
                .extend(active.map(|node| Active { for_namespace: asked_for(asked, &node), node }));
        }),
        Step::CollectorLeased { collector, nodes, lease, asked } => change(collector, &|collector| {
            let leased = nodes.iter().map(node);
            let lease: Box<[u8]> = lease.as_slice().into();
            collector.leased.extend(leased.map(|node| Leased {
                for_namespace: asked_for(asked, &node),
                lease: lease.clone(),
                node,
            }));
        }),
        Step::CollectorBackReference { collector, from, to, asked } => change(collector, &|collector| {
            let (from, to) = (node(from), node(to));
            let reference = BackReference { for_namespace: asked_for(asked, &to), from, to };
            collector.active_back_references.push(reference);
        }),
        Step::CollectorReferences { collector, from, to } => change(collector, &|collector| {
            let (from, to) = (node(from), to.iter().map(node).collect::<Vec<_>>());
            let there = collector.references.iter_mut().find(|(there, _)| *there == from);
            match there {
                Some((_, all)) => all.extend(to),
                None => collector.references.push((from, to)),
            }
        }),
        Step::CollectorFail { collector, call } => {
            change(collector, &|collector| fails(collector, *call, true))
        }
        Step::CollectorHeal { collector, call } => {
            change(collector, &|collector| fails(collector, *call, false))
        }
        Step::Release(to) => {
            expected = expected.iter().filter_map(|collector| collector.renumbered(release, *to)).collect();
        }
        _ => {}
    }
    expected
}

fn fails(collector: &mut Collector, call: Call, fails: bool) {
    match call {
        Call::Start => collector.start_error = fails,
        Call::Cancel => collector.cancel_error = fails,
        Call::Finish => collector.finish_error = fails,
    }
}

/// A collector that was finished has no longer what it was told to remove, unless it could not finish.
fn told(collector: &mut Collector, collected: &Collected) {
    let own = |called: &ResourceType| *called == collector.resource_type;
    let calls: Vec<&Called> = collected
        .outcome
        .calls
        .iter()
        .filter(|called| own(&called.resource_type))
        .map(|called| &called.call)
        .collect();
    if collector.finish_error || !calls.contains(&&Called::Finish) {
        return;
    }
    let gone: Vec<Node> = calls
        .into_iter()
        .filter_map(|call| match call {
            Called::Remove(node) => Some(node.clone()),
            _ => None,
        })
        .collect();
    without(collector, &gone);
}

/// A collector that has some nodes no longer, in none of its lists. The world has the like of it, and this does not use that:
/// what both forget would never be missed.
fn without(collector: &mut Collector, gone: &[Node]) {
    if gone.is_empty() {
        return;
    }
    let gone: BTreeSet<&Node> = gone.iter().collect();
    let stays = |node: &Node| !gone.contains(node);
    collector.all.retain(stays);
    collector.active.retain(|active| stays(&active.node));
    collector.leased.retain(|leased| stays(&leased.node));
    collector.active_back_references.retain(|reference| stays(&reference.from) && stays(&reference.to));
    collector.references.retain(|(from, _)| stays(from));
    collector.references.iter_mut().for_each(|(_, to)| to.retain(stays));
}

/// A restart leaves what lies on disk; that nobody has a writer's reference any more is no matter of the disk.
fn disk(done: Done<'_>) -> Option<Slip> {
    if !matches!(done.line.step, Step::Release(_) | Step::Crash) {
        return None;
    }
    let (before, after) = (&done.before.store().backend, &done.after.store().backend);
    let is_same = before.blobs().eq(after.blobs())
        && before.ingests().eq(after.ingests())
        && before.snapshotters().eq(after.snapshotters())
        && before.snapshotters().all(|name| before.snapshots(name).eq(after.snapshots(name)));
    (!is_same).then_some(Slip::Disk)
}
