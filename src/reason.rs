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
    pub fn plain(self, node: NodeRef<'_>) -> String {
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
        let words = match &reason.by {
            By::Root(Holder::Itself) => self.root(node, reason),
            By::Root(Holder::Lease { namespace, id }) => {
                let until = until(views::lease_expiry(self.tree, namespace, id));
                let says = if reason.rule == Rule::CollectorLeased { ", says its collector" } else { "" };
                format!("{}{until}{says}", self.keeps(&reason.by, reason.rule, reason.label, "it"))
            }
            by => self.keeps(by, reason.rule, reason.label, "it"),
        };
        words + flat
    }

    /// Who does what with a node by a rule: `image/main targets it`.
    fn keeps(self, by: &By<'_>, rule: Rule, label: Option<&[u8]>, it: &str) -> String {
        if let By::Root(Holder::Itself) = by {
            return format!("{it} is kept as {rule}");
        }
        format!("{} {}", self.holder(by), verb(rule, label, it))
    }

    /// Who keeps a node.
    fn holder(self, by: &By<'_>) -> String {
        match by {
            By::Root(Holder::Itself) => "it".to_owned(),
            By::Root(Holder::Collector { resource_type }) => {
                format!("collector {}", self.collector(*resource_type))
            }
            By::Root(Holder::Lease { namespace, id }) => self.named(Kind::Lease, namespace, id),
            By::Root(Holder::Image { namespace, name }) => self.named(Kind::Image, namespace, name),
            By::Root(Holder::Container { namespace, id }) => self.named(Kind::Container, namespace, id),
            By::Root(Holder::Sandbox { namespace, id }) => format!("sandbox {}", self.sandbox(namespace, id)),
            By::Node(by) => self.plain(by.as_ref()),
        }
    }

    /// A root by itself.
    fn root(self, node: NodeRef<'_>, reason: &Reason<'_>) -> String {
        let NodeRef { namespace, key, .. } = node;
        match reason.rule {
            Rule::LiveLease => format!("live{}", until(views::lease_expiry(self.tree, namespace, key))),
            Rule::UnexpiredImage => {
                format!("an image{}", until(views::image_expiry(self.tree, namespace, key)))
            }
            Rule::ActiveIngest => {
                format!("active{}", until(views::ingest_expiry(self.tree, namespace, key)))
            }
            Rule::RootLabel => format!("{} pins it", reason.label.map(short_label).unwrap_or_default()),
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
            Failure::ReferrerRemoved { by, rule, label, expired } => {
                let fate = match expired {
                    Some(at) => format!("expired {}", instant(*at)),
                    None => "is not kept".to_owned(),
                };
                let verb = verb(*rule, *label, "it");
                let comma = if verb.contains(',') { "," } else { "" };
                format!("{} {verb}{comma} and {fate}", self.plain(by.as_ref()))
            }
            Failure::ReferrerNotFull { by, rule, label, reason } => {
                let by = self.plain(by.as_ref());
                let holds = self.keeps(&reason.by, reason.rule, reason.label, &by);
                format!("{by} {}, but {holds} only flat", verb(*rule, *label, "it"))
            }
            Failure::ListedWithType { resource_type, reason } => {
                let keeps = self.keeps(&reason.by, reason.rule, reason.label, "it");
                format!("{keeps}, but listed as type {} it is never found marked", resource_type.0)
            }
            Failure::LabelNotRead { by, label } => {
                let (by, label) = (self.holder(by), short_label(label));
                format!("{by} names it by {label}, which means nothing to containerd {}", self.release)
            }
            Failure::OwnLabelNotRead { label, is_bucket } => {
                let (label, form) = (short_label(label), if *is_bucket { " is a bucket and" } else { "" });
                format!("its label {label}{form} means nothing to containerd {}", self.release)
            }
            Failure::Elsewhere { by, rule, label, other } => {
                format!("{}, not this one", self.keeps(by, *rule, *label, &self.plain(other.as_ref())))
            }
            Failure::ReferrerNotFound { by, label } => {
                let does = match label {
                    Some(label) => format!("names it by {}", short_label(label)),
                    None => "stands on it".to_owned(),
                };
                format!("{} {does}, but the slash in its snapshotter's name hides it", self.holder(by))
            }
            Failure::LeaseMissing { lease } => {
                format!("{} would hold it, says a collector, but does not exist", self.plain(lease.as_ref()))
            }
            Failure::NamespaceMissing { resource_type, namespace } => {
                let (collector, namespace) = (self.collector(*resource_type), text::name(namespace));
                format!("collector {collector} names it for namespace {namespace}, which does not exist")
            }
            Failure::CollectorFailed { resource_type } => {
                format!("collector {} names it, but fails to start", self.collector(*resource_type))
            }
            Failure::CollectorNotAsked { resource_type } => {
                let collector = self.collector(*resource_type);
                format!(
                    "collector {collector} names it, but containerd {} does not ask for that",
                    self.release
                )
            }
        }
    }
}

/// What a holder or a referring node does with a node by a rule.
fn verb(rule: Rule, label: Option<&[u8]>, it: &str) -> String {
    let label = label.map(short_label).unwrap_or_default();
    match rule {
        Rule::LeaseHolds | Rule::CollectorLeased => format!("holds {it}"),
        Rule::Target => format!("targets {it}"),
        Rule::ContainerSnapshot => format!("runs on {it}"),
        Rule::Parent => format!("stands on {it}"),
        Rule::Expected => format!("is to become {it}"),
        Rule::ContentLabel | Rule::SnapshotLabel | Rule::ImageLabel | Rule::CollectorLabel => {
            format!("refers to {it} by {label}")
        }
        Rule::BackReference => format!("takes {it} along by its {label}"),
        Rule::CollectorBackReference => format!("takes {it} along, says a collector"),
        Rule::Condition => format!("refers to {it} by {label}, whose condition holds"),
        Rule::CollectorReference => format!("refers to {it}, says its collector"),
        Rule::CollectorActive => format!("has {it} in use"),
        Rule::LiveLease | Rule::UnexpiredImage | Rule::ActiveIngest | Rule::RootLabel | Rule::Container => {
            format!("keeps {it} as {rule}")
        }
    }
}

fn until(expiry: Option<Instant>) -> String {
    expiry.map(|at| format!(" until {}", instant(at))).unwrap_or_default()
}

fn instant(at: Instant) -> String {
    time::format_rfc3339_nano(at)
}

/// A label as scenarios write it: `gc.` for `containerd.io/gc.`, and in quotes what begins so without it.
fn short_label(label: &[u8]) -> String {
    if label.starts_with(b"gc.") {
        return format!("\"{}\"", text::name(label));
    }
    let short = label.strip_prefix(b"containerd.io/").filter(|short| short.starts_with(b"gc."));
    text::name(short.unwrap_or(label))
}
