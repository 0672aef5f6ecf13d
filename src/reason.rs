//! The words for why a node is kept, or goes. One place, so that a collection and an explanation say the same.
//!
//! ```text
//!   lease/pull holds it until 2026-01-01T01:00:00Z        a root, and who makes it one
//!   content/manifest refers to it by gc.ref.content.0     the first hop of a shortest chain
//!   expired 2026-01-01T01:00:00Z                          what would have kept it and did not
//! ```
//!
//! Nodes are named as scenarios name them: those of one namespace, the reader's, without it.

use crate::bucket::Bucket;
use crate::instant::Instant;
use crate::node::{Kind, NodeRef, ResourceType};
use crate::oracle::{By, Failure, Holder, Reason, Rule};
use crate::release::Release;
use crate::scenario::{NodeName, print_node};
use crate::schema::{time, views};
use crate::text;

/// What words need to know besides the reasons.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// Whose numbers the nodes have.
    pub release: Release,
    /// The database in which expiries are looked up: the one before the collection.
    pub tree: &'a Bucket,
    /// The namespace that is not written out.
    pub namespace: &'a [u8],
}

impl Words<'_> {
    /// A node as steps name it. A flat type, as a collector may list one, is `type-N`.
    pub fn node(self, node: NodeRef<'_>) -> String {
        self.named(self.release.exact_kind_of(node.resource_type), node.namespace, node.key)
    }

    /// A node, however it is reached.
    fn plain(self, node: NodeRef<'_>) -> String {
        self.named(self.release.kind_of(node.resource_type), node.namespace, node.key)
    }

    fn named(self, kind: Kind, namespace: &[u8], key: &[u8]) -> String {
        let namespace = (namespace != self.namespace).then(|| namespace.to_vec());
        print_node(&NodeName { namespace, kind, key: key.to_vec() })
    }

    /// A collector by its type.
    pub fn collector(self, resource_type: ResourceType) -> String {
        self.release.kind_of(resource_type).to_string()
    }

    /// Why a node is kept.
    pub fn reason(self, node: NodeRef<'_>, reason: &Reason<'_>) -> String {
        let flat = if self.release.is_flat(reason.reached_as) { ", flat" } else { "" };
        let label = reason.label.map(short_label).unwrap_or_default();
        let words = match &reason.by {
            By::Root(Holder::Itself) => self.root(node, reason.rule, &label),
            By::Root(Holder::Collector { resource_type }) => {
                format!("collector {} has it in use", self.collector(*resource_type))
            }
            By::Root(Holder::Lease { namespace, id }) => {
                let until = until(views::lease_expiry(self.tree, namespace, id));
                let lease = self.named(Kind::Lease, namespace, id);
                let says = if reason.rule == Rule::CollectorLeased { ", says its collector" } else { "" };
                format!("{lease} holds it{until}{says}")
            }
            By::Root(Holder::Image { namespace, name }) => {
                format!("{} {}", self.named(Kind::Image, namespace, name), verb(reason.rule, &label))
            }
            By::Root(Holder::Container { namespace, id }) => {
                format!("{} {}", self.named(Kind::Container, namespace, id), verb(reason.rule, &label))
            }
            By::Root(Holder::Sandbox { namespace, id }) => {
                format!("sandbox {} {}", self.sandbox(namespace, id), verb(reason.rule, &label))
            }
            By::Node(by) => format!("{} {}", self.plain(by.as_ref()), verb(reason.rule, &label)),
        };
        words + flat
    }

    /// A root by itself.
    fn root(self, node: NodeRef<'_>, rule: Rule, label: &str) -> String {
        let NodeRef { namespace, key, .. } = node;
        match rule {
            Rule::LiveLease => format!("live{}", until(views::lease_expiry(self.tree, namespace, key))),
            Rule::UnexpiredImage => {
                format!("an image{}", until(views::image_expiry(self.tree, namespace, key)))
            }
            Rule::ActiveIngest => {
                format!("active{}", until(views::ingest_expiry(self.tree, namespace, key)))
            }
            Rule::RootLabel => format!("{label} pins it"),
            rule => format!("a {rule}"),
        }
    }

    /// Sandboxes are no nodes.
    fn sandbox(self, namespace: &[u8], id: &[u8]) -> String {
        match namespace == self.namespace {
            true => text::name(id),
            false => format!("{}/{}", text::name(namespace), text::name(id)),
        }
    }

    /// What might have kept a node and did not.
    pub fn failures(self, failures: &[Failure<'_>]) -> String {
        match failures {
            [] => "nothing refers to it".to_owned(),
            [one] => self.failure(one),
            [first, rest @ ..] => format!("{}; and {} more", self.failure(first), rest.len()),
        }
    }

    /// One of them.
    pub fn failure(self, failure: &Failure<'_>) -> String {
        match failure {
            Failure::LeaseExpired { at } | Failure::ImageExpired { at } | Failure::IngestExpired { at } => {
                format!("expired {}", instant(*at))
            }
            Failure::HolderExpired { lease, at } => {
                format!("{} held it and expired {}", self.plain(lease.as_ref()), instant(*at))
            }
            Failure::IngestWithoutExpiry => "has no expiry, and no lease holds it".to_owned(),
            Failure::IngestUndecodable { error } => format!("its expiry does not decode: {error}"),
            Failure::ConditionUnmet { by, label } => {
                let (by, label) = (self.plain(by.as_ref()), short_label(label));
                format!("{by} refers to it by {label}, whose condition does not hold")
            }
            Failure::ParentMissing { by, label } => {
                let label = label.map(|label| format!(" by {}", short_label(label))).unwrap_or_default();
                format!("it refers back{label} to {}, which does not exist", self.plain(by.as_ref()))
            }
            Failure::ReferrerRemoved { by, rule, label } => {
                let verb = verb(*rule, &label.map(short_label).unwrap_or_default());
                format!("{} {verb} and is not kept", self.plain(by.as_ref()))
            }
            Failure::ReferrerNotFull { by, rule, label } => {
                let verb = verb(*rule, &label.map(short_label).unwrap_or_default());
                format!("{} {verb}, but is only held flat", self.plain(by.as_ref()))
            }
            Failure::ListedWithType { resource_type } => {
                format!("kept, but listed as type {}, which is never found marked", resource_type.0)
            }
        }
    }
}

/// What a holder or a referring node does by a rule.
fn verb(rule: Rule, label: &str) -> String {
    match rule {
        Rule::LeaseHolds | Rule::CollectorLeased => "holds it".to_owned(),
        Rule::Target => "targets it".to_owned(),
        Rule::ContainerSnapshot => "runs on it".to_owned(),
        Rule::Parent => "stands on it".to_owned(),
        Rule::Expected => "is to become it".to_owned(),
        Rule::ContentLabel | Rule::SnapshotLabel | Rule::ImageLabel | Rule::CollectorLabel => {
            format!("refers to it by {label}")
        }
        Rule::BackReference => format!("takes it along by its {label}"),
        Rule::CollectorBackReference => "takes it along, says a collector".to_owned(),
        Rule::Condition => format!("refers to it by {label}, whose condition holds"),
        Rule::CollectorReference => "refers to it, says its collector".to_owned(),
        Rule::LiveLease
        | Rule::UnexpiredImage
        | Rule::ActiveIngest
        | Rule::RootLabel
        | Rule::Container
        | Rule::CollectorActive => format!("keeps it as {rule}"),
    }
}

fn until(expiry: Option<Instant>) -> String {
    expiry.map(|at| format!(" until {}", instant(at))).unwrap_or_default()
}

fn instant(at: Instant) -> String {
    time::format_rfc3339_nano(at)
}

/// A label as scenarios write it: `gc.` for `containerd.io/gc.`.
fn short_label(label: &[u8]) -> String {
    let short = label.strip_prefix(b"containerd.io/").filter(|short| short.starts_with(b"gc."));
    text::name(short.unwrap_or(label))
}
