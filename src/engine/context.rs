//! What a collection holds while it runs (containerd's `gcContext`), and its start (`startGCContext`).

use super::decisions::Decisions;
use super::error::Error;
use super::labels::{LabelHandler, label_handlers};
use super::namespaces::Namespaces;
use super::nodes::{NodeId, NodeTable, Types};
use super::outcome::{Call, CollectorCall, LogEvent};
use super::request::{Point, Request};
use crate::collector::Collector;
use crate::go::Go;
use crate::instant::Instant;
use crate::node::{NodeRef, ResourceType};
use crate::release::{Release, Rules};
use crate::situation::Situation;
use hashbrown::HashMap;

/// A collection that has started.
pub(super) struct Context<'a, D> {
    pub(super) started: Started<'a, D>,
    pub(super) namespaces: Namespaces<'a>,
    pub(super) marks: Marks,
}

/// What is fixed once a collection has started.
pub(super) struct Started<'a, D> {
    pub(super) release: Release,
    pub(super) rules: Rules,
    pub(super) types: Types,
    pub(super) now: Instant,
    pub(super) go: Go,
    pub(super) cancel_at_root: Option<usize>,
    pub(super) handlers: Vec<LabelHandler>,
    /// Those that started, in ascending order of their types; Go's map has no order.
    pub(super) collectors: Vec<&'a Collector>,
    pub(super) decisions: D,
}

/// What a collection gathers as it goes.
pub(super) struct Marks {
    pub(super) nodes: NodeTable,
    /// Parent to children, in the order gathered, repeats included.
    pub(super) back_references: HashMap<NodeId, Vec<NodeId>>,
    pub(super) told: Told,
}

/// What a collection tells its collectors and the log, and how often it calls where a call may fail.
#[derive(Default)]
pub(super) struct Told {
    pub(super) calls: Vec<CollectorCall>,
    pub(super) log: Vec<LogEvent>,
    pub(super) lookups: usize,
    pub(super) removals: usize,
    fail_at: Option<(Point, usize)>,
}

impl<'a, D: Decisions> Context<'a, D> {
    /// Starts the collectors and sorts the label handlers (`startGCContext`).
    pub(super) fn start(request: &Request<'a>, decisions: D) -> Context<'a, D> {
        let Request { situation, cancel_at_root, fail_at } = *request;
        let Situation { release, now, .. } = *situation;
        let rules = decisions.rules(release);
        let types = Types::of(release);
        let mut told = Told { fail_at, ..Told::default() };
        let registered: &[Collector] = if rules.collectors { &situation.collectors } else { &[] };
        let collectors = start_collectors(registered, &mut told);
        let handlers = label_handlers(&rules, types, situation, &collectors);
        let mut nodes = NodeTable::with_room();
        let namespaces = Namespaces::read(&situation.tree, &rules, types, &mut nodes);
        let marks = Marks { nodes, back_references: HashMap::new(), told };
        let started = Started {
            release,
            rules,
            types,
            now,
            go: situation.go(),
            cancel_at_root,
            handlers,
            collectors,
            decisions,
        };
        Context { started, namespaces, marks }
    }
}

/// The collectors that take part, in ascending order of their types. One that fails to start is skipped for this
/// round.
fn start_collectors<'a>(registered: &'a [Collector], told: &mut Told) -> Vec<&'a Collector> {
    let mut started: Vec<&Collector> = registered.iter().collect();
    started.sort_by_key(|collector| collector.resource_type);
    started.retain(|collector| {
        told.called(collector, Call::Start);
        if !collector.start_error {
            told.called(collector, Call::Label);
        }
        !collector.start_error
    });
    started
}

impl<D> Started<'_, D> {
    /// The started collector of a type.
    pub(super) fn collector(&self, resource_type: ResourceType) -> Option<&Collector> {
        self.collectors.iter().copied().find(|collector| collector.resource_type == resource_type)
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

impl Told {
    pub(super) fn called(&mut self, collector: &Collector, call: Call) {
        self.calls.push(CollectorCall { resource_type: collector.resource_type, call });
    }

    /// Counts a call at a point.
    ///
    /// # Errors
    /// The request makes this call fail.
    pub(super) fn reach(&mut self, point: Point) -> Result<(), Error> {
        let count = match point {
            Point::Lookup => &mut self.lookups,
            Point::Removal => &mut self.removals,
        };
        *count += 1;
        if self.fail_at == Some((point, *count)) { Err(Error::Injected) } else { Ok(()) }
    }
}
