//! Steps about declared collectors.

use super::actors::undeclared;
use super::{World, refused};
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::metadata::{Error, ErrorKind};
use crate::node::{Kind, Node, ResourceType};
use crate::release::Release;
use crate::scenario::{Call, Name, NodeName, Step};
use hashbrown::HashSet;
use std::sync::Arc;

impl World {
    /// One of the `collector` steps; the others are handed on to the write side.
    pub(super) fn change_collector(&mut self, client: Option<&Name>, step: &Step) -> Result<(), Error> {
        let actors = Arc::clone(&self.actors);
        let namespace = &actors.get(client).ok_or_else(|| undeclared(client))?.namespace;
        let release = self.store.release;
        let resolve = |node: &NodeName| node_of(release, namespace, node);
        let resolve_all =
            |nodes: &[NodeName]| nodes.iter().map(resolve).collect::<Result<Vec<Node>, Error>>();
        let for_namespace = |asked: &Option<Name>, node: &Node| match asked {
            Some(asked) => asked.as_slice().into(),
            None => node.namespace.clone(),
        };
        match step {
            Step::CollectorDeclare { collector, label } => {
                self.declare_collector(*collector, label.as_ref())?
            }
            Step::CollectorList { collector, nodes } => {
                let nodes = resolve_all(nodes)?;
                self.declared(*collector)?.all.extend(nodes);
            }
            Step::CollectorForget { collector, nodes } => {
                let nodes = resolve_all(nodes)?;
                forget(self.declared(*collector)?, &nodes.iter().collect());
            }
            Step::CollectorActive { collector, nodes, asked } => {
                let nodes = resolve_all(nodes)?;
                let active =
                    nodes.into_iter().map(|node| Active { for_namespace: for_namespace(asked, &node), node });
                self.declared(*collector)?.active.extend(active);
            }
            Step::CollectorLeased { collector, nodes, lease, asked } => {
                let nodes = resolve_all(nodes)?;
                let leased = nodes.into_iter().map(|node| Leased {
                    for_namespace: for_namespace(asked, &node),
                    lease: lease.as_slice().into(),
                    node,
                });
                self.declared(*collector)?.leased.extend(leased);
            }
            Step::CollectorBackReference { collector, from, to, asked } => {
                let (from, to) = (resolve(from)?, resolve(to)?);
                let reference = BackReference { for_namespace: for_namespace(asked, &to), from, to };
                self.declared(*collector)?.active_back_references.push(reference);
            }
            Step::CollectorReferences { collector, from, to } => {
                let (from, to) = (resolve(from)?, resolve_all(to)?);
                let references = &mut self.declared(*collector)?.references;
                match references.iter_mut().find(|(node, _)| *node == from) {
                    Some((_, there)) => there.extend(to),
                    None => references.push((from, to)),
                }
            }
            Step::CollectorFail { collector, call } => *flag(self.declared(*collector)?, *call) = true,
            Step::CollectorHeal { collector, call } => *flag(self.declared(*collector)?, *call) = false,
            _ => return self.write(client, step),
        }
        Ok(())
    }

    /// Registers a collector (`DB.RegisterCollectibleResource`, which panics where this refuses).
    fn declare_collector(&mut self, kind: Kind, label: Option<&Name>) -> Result<(), Error> {
        let release = self.store.release;
        let rules = release.rules();
        let number = release.type_of(kind).filter(|_| rules.collectors);
        let Some(number) = number else {
            let message = format!("collectors of type {kind} in {release}");
            return Err(refused(ErrorKind::NotImplemented, message));
        };
        if number.0 < rules.types.end || number.0 >= ResourceType::MASK {
            let (number, end) = (number.0, rules.types.end);
            let message = format!("a collector's type must lie from {end} to 30, {number} does not");
            return Err(refused(ErrorKind::InvalidArgument, message));
        }
        let at = self.collectors.partition_point(|collector| collector.resource_type < number);
        if self.registered(kind).is_ok() {
            return Err(refused(ErrorKind::AlreadyExists, format!("a collector of type {kind}")));
        }
        let mut collector = Collector::new(number);
        collector.reference_label = label.cloned().unwrap_or_default();
        Arc::make_mut(&mut self.collectors).insert(at, collector);
        Ok(())
    }

    fn declared(&mut self, kind: Kind) -> Result<&mut Collector, Error> {
        let number = self.store.release.type_of(kind);
        let at = self.collectors.iter().position(|collector| Some(collector.resource_type) == number);
        let at =
            at.ok_or_else(|| refused(ErrorKind::NotFound, format!("no declared collector of type {kind}")))?;
        Ok(&mut Arc::make_mut(&mut self.collectors)[at])
    }
}

fn flag(collector: &mut Collector, call: Call) -> &mut bool {
    match call {
        Call::Start => &mut collector.start_error,
        Call::Cancel => &mut collector.cancel_error,
        Call::Finish => &mut collector.finish_error,
    }
}

/// A node by the number that a release gives to its kind.
fn node_of(release: Release, namespace: &[u8], node: &NodeName) -> Result<Node, Error> {
    let number = release.type_of(node.kind).ok_or_else(|| {
        refused(ErrorKind::InvalidArgument, format!("{release} has no nodes of type {}", node.kind))
    })?;
    let namespace = node.namespace.as_deref().unwrap_or(namespace);
    Ok(Node::new(number, namespace, &node.key))
}

/// Takes nodes out of every list.
pub(super) fn forget(collector: &mut Collector, nodes: &HashSet<&Node>) {
    let stays = |node: &Node| !nodes.contains(node);
    collector.all.retain(stays);
    collector.active.retain(|active| stays(&active.node));
    collector.leased.retain(|leased| stays(&leased.node));
    collector.active_back_references.retain(|reference| stays(&reference.from) && stays(&reference.to));
    collector.references.retain(|(from, _)| stays(from));
    collector.references.iter_mut().for_each(|(_, to)| to.retain(stays));
}
