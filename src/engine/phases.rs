//! The phases of a collection one by one, for those who hold each against a recorded one.

use super::context::Context;
use super::decisions::{Containerd, Decisions};
use super::error::Error;
use super::faults::Fault;
use super::nodes::{NodeId, NodeTable};
use super::references::references;
use super::request::Request;
use super::roots::scan_roots;
use super::sweep::scan_all;
use crate::situation::Situation;

/// What each phase gives by itself.
pub struct Phases {
    /// Every node that was met; the lists below hold its numbers.
    pub nodes: NodeTable,
    /// The roots in the order in which they were emitted, repeats included, also those before an error.
    pub roots: Vec<NodeId>,
    /// Why the scan of the roots failed.
    pub roots_error: Option<Error>,
    /// Every resource in the order of the sweep.
    pub all: Vec<NodeId>,
    /// What each root, each resource and everything reached from them refers to, in order, also before an error.
    pub references: Vec<(NodeId, Vec<NodeId>, Option<Error>)>,
}

/// Every phase, of an engine that may have a fault.
pub fn phases(situation: &Situation, fault: Option<Fault>) -> Phases {
    let request = &Request::new(situation);
    match fault {
        None => phases_of(request, Containerd),
        Some(fault) => phases_of(request, fault),
    }
}

fn phases_of<D: Decisions>(request: &Request<'_>, decisions: D) -> Phases {
    let mut context = Context::start(request, decisions);
    let mut roots = Vec::new();
    let roots_error = scan_roots(&mut context, &mut roots).err();
    let all = walk_of(&mut context);
    let mut pending: Vec<NodeId> = roots.iter().chain(&all).copied().collect();
    let (mut seen, mut references_of) = (Vec::new(), Vec::new());
    while let Some(id) = pending.pop() {
        seen.resize(context.marks.nodes.len(), false);
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        let mut found = Vec::new();
        let error = references(&mut context, id, &mut found).err();
        pending.extend(&found);
        references_of.push((id, found, error));
    }
    Phases { nodes: context.marks.nodes, roots, roots_error, all, references: references_of }
}

/// Every resource in the order of the sweep, and what their numbers mean.
pub fn walk(situation: &Situation) -> (NodeTable, Vec<NodeId>) {
    let mut context = Context::start(&Request::new(situation), Containerd);
    let all = walk_of(&mut context);
    (context.marks.nodes, all)
}

fn walk_of<D: Decisions>(context: &mut Context<'_, D>) -> Vec<NodeId> {
    let mut all = Vec::new();
    let walked = scan_all(&context.started, &context.namespaces, &mut context.marks, |_, id| {
        all.push(id);
        Ok(())
    });
    walked.expect("a walk fails only where its visitor does");
    all
}
