//! Why a side does not heed what a collector reports on the other one.

use super::class::Class;
use super::judged::{Judged, plain_kind};
use crate::collector::Collector;
use crate::node::{Kind, NodeRef, ResourceType};
use crate::oracle::{By, Holder, Reason, Rule};
use crate::release::Release;
use crate::schema::names;

/// Which rule makes a hop that follows from a collector, or from its label.
pub(super) fn class_of_collector_rule(
    keeps: &Judged<'_>,
    lacks: &Judged<'_>,
    reason: &Reason<'_>,
    target: NodeRef<'_>,
) -> Class {
    let (had, lacked) = (keeps.release().rules(), lacks.release().rules());
    let is_registered = |kind| lacks.side.collector(kind).is_some();
    match (reason.rule, collector_behind(keeps, reason, target)) {
        (Rule::CollectorLabel, _)
            if had.shared_loop_variable != lacked.shared_loop_variable
                && is_registered(plain_kind(keeps.release(), target.resource_type)) =>
        {
            Class::SharedLoopVariable
        }
        (Rule::CollectorBackReference, _) if !lacked.back_references => Class::CollectorBackReferences,
        (Rule::CollectorReference, _) if !lacked.collector_references => Class::CollectorReferences,
        (_, Some(kind)) if is_registered(kind) && !is_asked(keeps, lacks, kind, target) => {
            Class::SandboxesMoved
        }
        (_, Some(kind)) => class_of_report(lacks, kind, target.resource_type, keeps.release()),
        (_, None) => Class::Unexplained,
    }
}

/// Why a side does not heed what a collector of a kind reports on the other: it has no such collector, or no number
/// for what is reported.
pub(super) fn class_of_report(
    without: &Judged<'_>,
    kind: Kind,
    reported: ResourceType,
    numbered: Release,
) -> Class {
    let release = without.release();
    let has_number = numbered.number_in(release, reported).is_some();
    if !release.rules().collectors {
        Class::Collectors
    } else if kind == Kind::Mount && release.type_of(Kind::Mount).is_none() {
        Class::Mounts
    } else if without.side.collector(kind).is_some() && has_number {
        Class::Unexplained
    } else {
        Class::CollectorNumbers
    }
}

/// Whether a side asks a collector about a namespace for which it reports a node. Sandboxes that move below `v1` may
/// bring their namespace along.
fn is_asked(keeps: &Judged<'_>, lacks: &Judged<'_>, kind: Kind, target: NodeRef<'_>) -> bool {
    let Some(collector) = keeps.side.collector(kind) else { return false };
    let active = collector.active.iter().map(|active| (&active.node, &active.for_namespace));
    let back = collector.active_back_references.iter().map(|back| (&back.to, &back.for_namespace));
    let mut reported = active.chain(back).filter(|(node, _)| node.as_ref() == target);
    reported.any(|(_, namespace)| lacks.has_bucket(&[names::V1, namespace]))
}

/// The kind of the collector that says what a hop to a node follows from.
fn collector_behind(keeps: &Judged<'_>, reason: &Reason<'_>, target: NodeRef<'_>) -> Option<Kind> {
    let number = match (reason.rule, &reason.by) {
        // The label yields the collector's own type.
        (Rule::CollectorLabel, _) => target.resource_type.stripped(),
        (_, By::Root(Holder::Collector { resource_type })) => *resource_type,
        (Rule::CollectorReference, By::Node(from)) => from.resource_type,
        (rule, by) => {
            let mut collectors = keeps.side.collectors.iter().filter(|collector| !collector.start_error);
            let says = |collector: &&Collector| match by {
                By::Node(from) if rule == Rule::CollectorBackReference => {
                    let mut reported = collector.active_back_references.iter();
                    reported.any(|back| back.from == *from && back.to.as_ref() == target)
                }
                _ => collector.leased.iter().any(|leased| leased.node.as_ref() == target),
            };
            collectors.find(says)?.resource_type
        }
    };
    Some(keeps.release().kind_of(number))
}
