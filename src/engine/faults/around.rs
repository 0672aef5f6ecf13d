//! Faults that are no decision: what they ask of an honest collection, and what they make of what it gives.

use super::super::collect::run;
use super::super::context::Context;
use super::super::decisions::{Containerd, Decisions};
use super::super::error::Error;
use super::super::nodes::{NodeId, NodeTable};
use super::super::outcome::{Call, LogEvent, Outcome};
use super::super::references::references;
use super::super::request::Request;
use super::super::roots::scan_roots;
use super::Fault;
use crate::bucket::Refusal;
use crate::node::{Kind, Node};
use crate::schema::names;
use crate::situation::Situation;
use hashbrown::HashSet;
use std::sync::Arc;

/// How many references below a root are followed where chains are cut.
const REFERENCES_DEEP: usize = 4;
/// After how many removals a sweep stops early.
const REMOVALS: usize = 5;

/// Removes what is listed, and nothing else.
#[derive(Clone, Copy)]
struct Removing<'a>(&'a [NodeId]);

impl Decisions for Removing<'_> {
    fn is_marked(self, _: &NodeTable, _: &[bool], id: NodeId) -> bool {
        !self.0.contains(&id)
    }
}

impl Fault {
    /// A collection with this fault.
    pub(super) fn collect(self, request: &Request<'_>) -> Outcome {
        match self {
            Fault::CancellationIgnored => run(&Request { cancel_at_root: None, ..*request }, self),
            Fault::FailedStartEnds => {
                let situation = &without_those_behind(request.situation);
                run(&Request { situation, ..*request }, self)
            }
            _ => self.changed(request, run(request, self)),
        }
    }

    /// What becomes of an outcome.
    fn changed(self, request: &Request<'_>, mut outcome: Outcome) -> Outcome {
        let has_marked = outcome.marked.is_some();
        match self {
            Fault::ErrorSwallowed if !has_marked => outcome.error = None,
            Fault::DeadEdgeFails if has_marked && refers_to_missing_content(request, &outcome) => {
                outcome.calls.retain(|called| !matches!(called.call, Call::Remove(_) | Call::Finish));
                let error = Some(Error::Refused(Refusal::BucketNotFound));
                let Outcome { nodes, roots, calls, log, lookups, .. } = outcome;
                outcome = Outcome {
                    nodes,
                    roots,
                    calls,
                    log,
                    lookups,
                    error,
                    ..Outcome::unchanged(&request.situation.tree)
                };
            }
            Fault::DeepChainCut if has_marked => outcome = cut(request, outcome),
            Fault::SweepSkips => {
                let every_second: Vec<NodeId> = outcome.removed.iter().step_by(2).copied().collect();
                outcome = run(request, Removing(&every_second));
            }
            Fault::SweepStopsEarly if outcome.removed.len() > REMOVALS => {
                outcome = run(request, Removing(&outcome.removed[..REMOVALS]));
            }
            Fault::SweepKeepsPartial if has_marked && outcome.error.is_some() => {
                let (_, removed) = outcome.removed.split_last().expect("a removal failed");
                outcome.after = run(request, Removing(removed)).after;
            }
            Fault::DirtyLost => {
                outcome.dirty.snapshotters.clear();
                outcome.log.retain(|event| !matches!(event, LogEvent::ScheduleSnapshotter { .. }));
            }
            Fault::FailedSweepUnnoted if outcome.error.is_some() => outcome.dirty = Default::default(),
            _ => self.told(request, &mut outcome),
        }
        outcome
    }

    /// What becomes of what collectors and the log are told.
    fn told(self, request: &Request<'_>, outcome: &mut Outcome) {
        let Outcome { calls, log, .. } = outcome;
        match self {
            Fault::NoCancelAfterFailedSweep if outcome.marked.is_some() => {
                calls.retain(|called| called.call != Call::Cancel);
            }
            Fault::OutsideNamespaceKept => calls.retain(|called| match &called.call {
                Call::Remove(node) => {
                    request.situation.tree.view().at(&[names::V1, &node.namespace]).is_some()
                }
                _ => true,
            }),
            Fault::FirstCollectorTold => {
                let mut is_told = false;
                calls.retain(|called| {
                    let is_end = matches!(called.call, Call::Finish | Call::Cancel);
                    !is_end || !std::mem::replace(&mut is_told, true)
                });
            }
            Fault::LabelBeforeStart => calls.sort_by_key(|called| called.call != Call::Label),
            Fault::ActiveBeforeLeased => calls.sort_by_key(|called| match called.call {
                Call::Start | Call::Label => 0,
                Call::Active(_) => 1,
                Call::Leased(..) => 2,
                _ => 3,
            }),
            Fault::EndedBeforeRemovals => calls.sort_by_key(|called| match called.call {
                Call::Finish => 1,
                Call::Remove(_) => 2,
                _ => 0,
            }),
            Fault::InvalidExpirySilent => {
                log.retain(|event| !matches!(event, LogEvent::InvalidExpiration { .. }));
            }
            Fault::NoRemoveSilent => log.retain(|event| !matches!(event, LogEvent::NoRemove { .. })),
            Fault::FinishFailureSilent => {
                log.retain(|event| !matches!(event, LogEvent::CollectorFailed { .. }));
            }
            Fault::IngestLoggedAsContent => log.iter_mut().for_each(|event| {
                if let LogEvent::Remove { object, .. } = event
                    && *object == "ingest"
                {
                    *object = "content";
                }
            }),
            Fault::ContentScheduledFirst => log.sort_by_key(|event| match event {
                LogEvent::ScheduleSnapshotter { .. } => 2,
                LogEvent::CollectorFailed { .. } => 3,
                event => u8::from(*event == LogEvent::ScheduleContent),
            }),
            Fault::EndedBeforeScheduling => log.sort_by_key(|event| match event {
                LogEvent::ScheduleSnapshotter { .. } | LogEvent::ScheduleContent => 2,
                event => u8::from(matches!(event, LogEvent::CollectorFailed { .. })),
            }),
            _ => {}
        }
    }
}

fn refers_to_missing_content(request: &Request<'_>, outcome: &Outcome) -> bool {
    let content = request.situation.release.type_of(Kind::Content);
    let mut marked = outcome.nodes.iter().filter(|(id, _)| outcome.is_marked(*id));
    marked.any(|(_, node)| {
        let path = [names::V1, node.namespace, names::CONTENT, names::BLOB, node.key];
        Some(node.resource_type) == content && request.situation.tree.view().at(&path).is_none()
    })
}

/// A situation without the collectors that stand behind the first one whose start fails, in ascending order of their types.
fn without_those_behind(situation: &Situation) -> Situation {
    let failing = situation.collectors.iter().filter(|collector| collector.start_error);
    let last = failing.map(|collector| collector.resource_type).min();
    let mut collectors = situation.collectors.to_vec();
    collectors.retain(|collector| last.is_none_or(|last| collector.resource_type <= last));
    let last_iterated = situation.iterated_last();
    Situation { collectors: Arc::new(collectors), last_iterated, ..situation.clone() }
}

/// The same collection with marks only on what lies near the roots.
fn cut(request: &Request<'_>, outcome: Outcome) -> Outcome {
    let near = near_roots(request.situation);
    let is_near = |outcome: &Outcome, id| near.contains(&outcome.nodes.get(id).to_node());
    let goes = |id: &NodeId| !outcome.is_marked(*id) || !is_near(&outcome, *id);
    let removed: Vec<NodeId> = outcome.walked.iter().copied().filter(goes).collect();
    let mut cut = run(request, Removing(&removed));
    let ids: Vec<NodeId> = cut.nodes.iter().map(|(id, _)| id).collect();
    let is_kept: Vec<bool> = ids.into_iter().map(|id| cut.is_marked(id) && is_near(&cut, id)).collect();
    cut.marked = Some(is_kept);
    cut
}

/// The nodes to which so many references lead from the roots, with the types under which they are marked.
fn near_roots(situation: &Situation) -> HashSet<Node> {
    let mut context = Context::start(&Request::new(situation), Containerd);
    let mut level: Vec<NodeId> = Vec::new();
    // Of a scan that fails nothing is marked.
    let _ = scan_roots(&mut context, &mut level);
    let (mut near, mut seen) = (HashSet::new(), HashSet::new());
    for _ in 0..=REFERENCES_DEEP {
        let mut found = Vec::new();
        level.retain(|id| seen.insert(*id));
        for id in level {
            let node = context.marks.nodes.get(id);
            near.insert(Node { resource_type: node.resource_type.stripped(), ..node.to_node() });
            // A node that cannot be looked up ends marking before anything is cut.
            let _ = references(&mut context, id, &mut found);
        }
        level = found;
    }
    near
}
