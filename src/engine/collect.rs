//! The driver of a collection (`DB.GarbageCollect`), and its phases one by one for those who look closer.

use super::faults::{Fault, Faults, NoFault};
use super::labels::LabelHandler;
use super::mark::mark;
use super::namespaces::Namespaces;
use super::nodes::{NodeId, NodeTable};
use super::outcome::{Call, CollectorCall, LogEvent, Outcome};
use super::references::references;
use super::roots::scan_roots;
use super::start::{Types, label_handlers, start_collectors};
use super::sweep::{scan_all, sweep};
use crate::collector::Collector;
use crate::instant::Instant;
use crate::node::{NodeRef, ResourceType};
use crate::release::{Release, Rules};
use crate::situation::Situation;
use hashbrown::HashMap;

/// A collection that is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What is to be collected.
    pub situation: &'a Situation,
    /// The context is cancelled when the k-th root, from 1, is about to be sent.
    pub cancel_at_root: Option<usize>,
}

impl<'a> Request<'a> {
    /// A collection that nothing disturbs.
    pub fn new(situation: &'a Situation) -> Request<'a> {
        Request { situation, cancel_at_root: None }
    }
}

/// Runs a whole collection with the honest engine.
pub fn collect(situation: &Situation) -> Outcome {
    collect_with(&Request::new(situation), NoFault)
}

/// Runs a whole collection with an engine that may have a fault.
pub fn collect_with<F: Faults>(request: &Request<'_>, faults: F) -> Outcome {
    let Collection { started, mut marks, namespaces, cancel_at_root } = Collection::start(request, faults);
    let mut outcome = Outcome::unchanged(&request.situation.tree);

    let roots = scan_roots(&started, &mut marks, &namespaces, cancel_at_root);
    outcome.roots = roots.emitted;
    let marked = match roots.error {
        Some(error) => Err(error),
        None => mark(&started, &mut marks, &namespaces, &outcome.roots),
    };
    match marked {
        Err(error) => {
            outcome.error = Some(error);
            // Up to 1.7.0-beta.x the collectors are then neither cancelled nor finished, and keep their locks.
            if started.rules.cancel_after_failed_mark && !faults.has(Fault::NoCancelAfterFailedMark) {
                end_collectors(&started, &mut marks.told, Call::Cancel);
            }
        }
        Ok(marked) => {
            let swept = sweep(&started, &mut marks, &namespaces, &request.situation.tree, &marked);
            outcome.marked = Some(marked);
            outcome.walked = swept.walked;
            outcome.removed = swept.removed;
            outcome.after = swept.after;
            outcome.dirty = swept.dirty;
            outcome.error = swept.error;
            if outcome.error.is_some() && faults.has(Fault::NoCancelAfterFailedSweep) {
                // The fault: nobody is told.
            } else if outcome.error.is_some() {
                end_collectors(&started, &mut marks.told, Call::Cancel);
            } else {
                schedule_cleanup(&mut marks.told, &outcome);
                end_collectors(&started, &mut marks.told, Call::Finish);
            }
        }
    }
    outcome.nodes = marks.nodes;
    outcome.calls = marks.told.calls;
    outcome.log = marks.told.log;
    outcome
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
fn end_collectors<F: Faults>(started: &Started<'_, F>, told: &mut Told, call: Call) {
    for collector in &started.collectors {
        told.called(collector, call.clone());
        let (failed, name) = match call {
            Call::Finish => (collector.finish_error, "finish"),
            _ => (collector.cancel_error, "cancel"),
        };
        if failed {
            let resource_type = started.rules.back_references.then_some(collector.resource_type);
            told.log.push(LogEvent::CollectorFailed { call: name, resource_type });
        }
    }
}

/// A collection that has started and is taken phase by phase, by those who want to look between.
pub struct Collection<'a, F = NoFault> {
    started: Started<'a, F>,
    marks: Marks,
    namespaces: Namespaces<'a>,
    cancel_at_root: Option<usize>,
}

/// What is fixed once a collection has started (containerd's `gcContext`).
pub(super) struct Started<'a, F> {
    pub(super) release: Release,
    pub(super) rules: &'static Rules,
    pub(super) types: Types,
    pub(super) now: Instant,
    pub(super) handlers: Vec<LabelHandler>,
    /// Those that started, in ascending order of their types; Go's map has no order.
    pub(super) collectors: Vec<&'a Collector>,
    pub(super) faults: F,
}

/// What a collection gathers as it goes.
pub(super) struct Marks {
    pub(super) nodes: NodeTable,
    /// Parent to children, in the order gathered, repeats included.
    pub(super) back_references: HashMap<NodeId, Vec<NodeId>>,
    pub(super) told: Told,
    /// How many nodes were looked up.
    pub(super) lookups: usize,
}

/// What a collection tells its collectors and the log.
#[derive(Default)]
pub(super) struct Told {
    pub(super) calls: Vec<CollectorCall>,
    pub(super) log: Vec<LogEvent>,
    /// How many buckets were to be deleted.
    pub(super) removals: usize,
}

impl<F> Started<'_, F> {
    /// The started collector of a type.
    pub(super) fn collector(&self, resource_type: ResourceType) -> Option<&Collector> {
        self.collectors.iter().copied().find(|collector| collector.resource_type == resource_type)
    }
}

impl Told {
    pub(super) fn called(&mut self, collector: &Collector, call: Call) {
        self.calls.push(CollectorCall { resource_type: collector.resource_type, call });
    }
}

impl Marks {
    /// The number of a node that is given whole.
    pub(super) fn intern(&mut self, node: NodeRef<'_>) -> NodeId {
        let namespace = self.nodes.namespace(node.namespace);
        self.nodes.intern(node.resource_type, namespace, node.key)
    }

    pub(super) fn add_back_reference(&mut self, parent: NodeId, child: NodeId) {
        self.back_references.entry(parent).or_default().push(child);
    }
}

impl<'a, F: Faults> Collection<'a, F> {
    /// Starts the collectors and sorts the label handlers (`startGCContext`).
    pub fn start(request: &Request<'a>, faults: F) -> Collection<'a, F> {
        let situation = request.situation;
        let Situation { tree, collectors: registered, release, now, .. } = situation;
        let (release, now) = (*release, *now);
        let (collectors, calls) = start_collectors(release, registered);
        let (rules, types) = (release.rules(), Types::of(release));
        let shares_loop_variable = rules.shared_loop_variable || faults.has(Fault::LoopVariableShared);
        let handlers = label_handlers(situation, &collectors, shares_loop_variable);
        let started = Started { release, rules, types, now, handlers, collectors, faults };
        let told = Told { calls, ..Told::default() };
        let mut nodes = NodeTable::with_room();
        let namespaces = Namespaces::read(tree, &mut nodes);
        let marks = Marks { nodes, back_references: HashMap::new(), told, lookups: 0 };
        Collection { started, marks, namespaces, cancel_at_root: request.cancel_at_root }
    }

    /// Scans the roots. Those emitted are given also beside an error. Gathers the back references, so it comes
    /// before [`Collection::references`].
    pub fn scan_roots(&mut self) -> (Vec<NodeId>, Result<(), String>) {
        let roots = scan_roots(&self.started, &mut self.marks, &self.namespaces, self.cancel_at_root);
        (roots.emitted, roots.error.map_or(Ok(()), Err))
    }

    /// What a node refers to, in order; what was found before an error is given beside it.
    pub fn references(&mut self, id: NodeId) -> (Vec<NodeId>, Result<(), String>) {
        let mut found = Vec::new();
        let result = references(&self.started, &mut self.marks, &self.namespaces, id, &mut found);
        (found, result)
    }

    /// Every resource in the order of the sweep.
    pub fn scan_all(&mut self) -> Vec<NodeId> {
        let mut all = Vec::new();
        let scanned = scan_all(&self.started, &mut self.marks, &self.namespaces, |_, id| {
            all.push(id);
            Ok(())
        });
        scanned.expect("a walk fails only where its visitor does");
        all
    }

    /// The number of a node, met or not.
    pub fn intern(&mut self, node: NodeRef<'_>) -> NodeId {
        self.marks.intern(node)
    }

    /// Every node met so far.
    pub fn nodes(&self) -> &NodeTable {
        &self.marks.nodes
    }
}
