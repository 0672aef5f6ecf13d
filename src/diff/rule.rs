//! By which rule a node's fates differ.
//!
//! The side that keeps it is asked for the chain from the node to a root. Read from the root on, the first hop whose
//! target the other side does not reach is made by the rule that differs:
//!
//! ```text
//!   2.0 keeps    root ──> image ──target──> content ──label──> the node
//!   1.7 reaches           yes               yes                no         the label's rule differs
//! ```
//!
//! Up to 1.x an image, and up to 2.1 a container, is no node but holds what it refers to: here it counts as a hop of
//! its own, which every such release makes. What a collector says is a hop too; where the other side has no such
//! collector, that is what differs.

use super::class::Class;
use super::collectors::{class_of_collector_rule, class_of_report};
use super::compare::Fate;
use super::judged::{Judged, Named, plain_kind};
use crate::node::{Kind, NodeRef};
use crate::oracle::{By, Holder, Reason, Rule};
use crate::schema::{names, time, views};
use crate::situation::Situation;

/// Why a node stays on one side and goes on the other.
pub(super) fn class_of_fates(stays: &Judged<'_>, goes: &Judged<'_>, named: &Named) -> Class {
    match stays.swept.get(named).map(|swept| (&swept.node, &swept.fate)) {
        Some((node, Fate::Kept(_))) => class_of_chain(stays, goes, node.as_ref()),
        Some((_, Fate::Spared(_))) => Class::CollectionFails,
        Some((_, Fate::Removed(_) | Fate::NotSwept)) => Class::Unexplained,
        None => class_of_unswept(stays, goes, named),
    }
}

/// Why one side never sweeps what the other one has in its sweep.
fn class_of_unswept(unswept: &Judged<'_>, swept: &Judged<'_>, named: &Named) -> Class {
    let other = swept.release();
    match swept.swept.get(named).map(|swept| (swept.listed_by, swept.node.resource_type)) {
        Some((Some(collector), number)) => class_of_report(unswept, collector, number, other),
        Some((None, _)) if named.kind == Kind::Image && !unswept.release().rules().image_nodes => {
            Class::ImageExpiry
        }
        _ => Class::Unexplained,
    }
}

/// An image that one side never sweeps and the other one keeps, though expired, by a rule of its own.
pub(super) fn class_of_alike<'a>(from: &Judged<'a>, to: &Judged<'a>, named: &Named) -> Option<Class> {
    let (without, with, swept) = match (from.swept.get(named), to.swept.get(named)) {
        (None, Some(swept)) => (from, to, swept),
        (Some(swept), None) => (to, from, swept),
        _ => return None,
    };
    let Fate::Kept(reason) = &swept.fate else { return None };
    let is_expired_image = named.kind == Kind::Image && image_has_expired(with.side, named);
    is_expired_image.then(|| class_of_rule(with, without, reason, swept.node.as_ref()))
}

/// Whether an image is past its `gc.expire`, as the releases read it that have images as nodes.
fn image_has_expired(side: &Situation, named: &Named) -> bool {
    let path = [names::V1, &*named.namespace, names::IMAGES, &*named.key, names::LABELS];
    let expiry = side.tree.view().at(&path).and_then(|labels| labels.get(names::GC_EXPIRE));
    let expiry = expiry.and_then(|text| time::parse_rfc3339(text).ok());
    expiry.is_some_and(|at| side.now > at)
}

/// Whether a lease expires in daemons that were built with Go up to 1.19, and in no others.
fn expires_by_earlier_go(side: &Situation, lease: (&[u8], &[u8])) -> bool {
    let mut expiries = views::lease_expiries(&side.tree);
    expiries.any(|(namespace, id, expiry)| (namespace, id) == lease && time::only_earlier_go_reads(expiry))
}

/// The rule by which a node is kept on one side and not on the other: the first hop from the root that the other
/// side does not make.
pub(super) fn class_of_chain(keeps: &Judged<'_>, lacks: &Judged<'_>, node: NodeRef<'_>) -> Class {
    let chain = keeps.judgement.chain(node);
    for (index, reason) in chain.iter().enumerate().rev() {
        // What a hop leads to is what the next one, nearer to the node, starts from.
        let target = match index.checked_sub(1).map(|nearer| &chain[nearer].by) {
            None => node,
            Some(By::Node(by)) => by.as_ref(),
            Some(By::Root(_)) => return Class::Unexplained,
        };
        if let By::Root(Holder::Image { namespace, name }) = reason.by
            && let Some(class) = class_of_lost_image(lacks, namespace, name)
        {
            return class;
        }
        let target = NodeRef { resource_type: reason.reached_as, ..target };
        if !lacks.reaches(target, keeps.release()) {
            return class_of_rule(keeps, lacks, reason, target);
        }
    }
    Class::Unexplained
}

/// An image that holds by its being there on one side, where the other does not reach it in full.
fn class_of_lost_image(lacks: &Judged<'_>, namespace: &[u8], name: &[u8]) -> Option<Class> {
    let resource_type = lacks.release().type_of(Kind::Image)?;
    match lacks.judgement.reason(NodeRef { resource_type, namespace, key: name }) {
        None => Some(Class::ImageExpiry),
        Some(reason) if reason.reached_as != resource_type => Some(Class::FlatImage),
        Some(_) => None,
    }
}

/// Which rule makes a hop to a node on one side, and does not on the other.
fn class_of_rule(keeps: &Judged<'_>, lacks: &Judged<'_>, reason: &Reason<'_>, target: NodeRef<'_>) -> Class {
    let (had, lacked) = (keeps.release().rules(), lacks.release().rules());
    let kind = plain_kind(keeps.release(), target.resource_type);
    if let (By::Root(Holder::Sandbox { namespace, id }), Some(label)) = (&reason.by, reason.label) {
        let path = [names::V1, namespace, names::SANDBOXES, id, names::LABELS];
        let labels = lacks.side.tree.view().at(&path);
        if !lacked.sandbox_references {
            return Class::SandboxReferences;
        } else if labels.is_none_or(|labels| labels.entry(label).is_none()) {
            return Class::SandboxesMoved;
        }
    }
    let lease = match reason.by {
        By::Root(Holder::Lease { namespace, id }) => Some((namespace, id)),
        By::Root(Holder::Itself) if kind == Kind::Lease => Some((target.namespace, target.key)),
        _ => None,
    };
    if keeps.side.go() != lacks.side.go()
        && lease.is_some_and(|lease| expires_by_earlier_go(keeps.side, lease))
    {
        return Class::GoReadsTimes;
    }
    match reason.rule {
        Rule::LeaseHolds if kind == Kind::Image && !lacked.image_nodes => Class::LeaseHoldsImages,
        Rule::ImageLabel if !lacked.image_nodes => Class::ImageReferences,
        Rule::RootLabel if had.root_by_prefix && !lacked.root_by_prefix => match reason.label {
            Some(names::GC_ROOT) => Class::RootLabelBucket,
            _ => Class::RootLabelByPrefix,
        },
        Rule::BackReference if !lacked.back_references => match &reason.by {
            By::Node(parent) => Class::of_back_reference(plain_kind(keeps.release(), parent.resource_type)),
            By::Root(_) => Class::Unexplained,
        },
        Rule::Condition if !lacked.conditional_references => Class::ConditionalReferences,
        Rule::CollectorLabel
        | Rule::CollectorActive
        | Rule::CollectorLeased
        | Rule::CollectorBackReference
        | Rule::CollectorReference => class_of_collector_rule(keeps, lacks, reason, target),
        _ => Class::Unexplained,
    }
}
