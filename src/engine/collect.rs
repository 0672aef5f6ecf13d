//! The driver of a collection (`DB.GarbageCollect`).

use super::context::{Context, Started, Told};
use super::decisions::{Containerd, Decisions};
use super::mark::mark;
use super::outcome::{Call, LogEvent, Outcome};
use super::request::Request;
use super::roots::scan_roots;
use super::sweep::sweep;
use crate::situation::Situation;

/// Runs a whole collection that nothing disturbs.
pub fn collect(situation: &Situation) -> Outcome {
    run(&Request::new(situation), Containerd)
}

/// Room for the roots of a small database.
const ROOTS: usize = 32;

/// Runs a whole collection with an engine that decides so.
pub(super) fn run<D: Decisions>(request: &Request<'_>, decisions: D) -> Outcome {
    let mut context = Context::start(request, decisions);
    let mut outcome = Outcome::unchanged(&request.situation.tree);

    outcome.roots.reserve(ROOTS);
    let scanned = scan_roots(&mut context, &mut outcome.roots);
    match scanned.and_then(|()| mark(&mut context, &outcome.roots)) {
        Err(error) => {
            outcome.error = Some(error);
            // Up to 1.7.0-beta.x the collectors are then neither cancelled nor finished, and keep their locks.
            if context.started.rules.cancel_after_failed_mark {
                end_collectors(&context.started, &mut context.marks.told, Call::Cancel);
            }
        }
        Ok(marked) => {
            let swept = sweep(&mut context, &request.situation.tree, &marked);
            outcome.marked = Some(marked);
            outcome.walked = swept.walked;
            outcome.removed = swept.removed;
            outcome.after = swept.after;
            outcome.dirty = swept.dirty;
            outcome.error = swept.error;
            let told = &mut context.marks.told;
            if outcome.error.is_some() {
                end_collectors(&context.started, told, Call::Cancel);
            } else {
                schedule_cleanup(told, &outcome);
                end_collectors(&context.started, told, Call::Finish);
            }
        }
    }
    let Told { calls, log, lookups, removals, .. } = context.marks.told;
    Outcome { nodes: context.marks.nodes, calls, log, lookups, removals, ..outcome }
}

fn schedule_cleanup(told: &mut Told, outcome: &Outcome) {
    for snapshotter in &outcome.dirty.snapshotters {
        told.log.push(LogEvent::ScheduleSnapshotter { snapshotter: snapshotter.clone() });
    }
    if outcome.dirty.content {
        told.log.push(LogEvent::ScheduleContent);
    }
}

/// Finishes or cancels every started collector; an error of theirs is only logged.
fn end_collectors<D: Decisions>(started: &Started<'_, D>, told: &mut Told, call: Call) {
    for collector in &started.collectors {
        told.called(collector, call.clone());
        let (failed, name) = match call {
            Call::Finish => (collector.finish_error, "finish"),
            _ => (collector.cancel_error, "cancel"),
        };
        if failed {
            let resource_type = started.rules.logs_failing_type.then_some(collector.resource_type);
            told.log.push(LogEvent::CollectorFailed { call: name, resource_type });
        }
    }
}
