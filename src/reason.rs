//! The words for why a node is kept, or goes. One place, so that a collection and an explanation say the same.
//!
//! ```text
//!   lease/pull holds it until 2026-01-01T01:00:00Z        a root, and who makes it one
//!   content/manifest refers to it by gc.ref.content.0     the first hop of a shortest chain
//!   expired 2026-01-01T01:00:00Z                          what would have kept it and did not
//! ```
//!
//! Nodes are named as scenarios name them: those of one namespace, the reader's, without it. What is reached flat has a
//! kind of that name (`content-flat`), as reports have it.

mod unread;

pub use unread::meaningless_on;

use crate::bucket::Bucket;
use crate::go::Go;
use crate::instant::Instant;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::{By, Failure, Holder, Misread, Reason, Rule};
use crate::release::Release;
use crate::scenario::{NodeName, print_label, print_node_cut, print_path};
use crate::schema::{names, time, views};
use crate::text;

/// How many of the reasons are told for which a node goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reasons {
    /// The first, and how many more there are.
    First,
    /// All, a line each.
    All,
}

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
    /// A node as steps name it, of what is reached flat with the word for that in place of its kind's (`content-flat`).
    pub fn node(self, node: NodeRef<'_>) -> String {
        let plain = self.plain(node);
        if !self.release.is_flat(node.resource_type) {
            return plain;
        }
        // Without its namespace a name begins with its kind.
        let own = Words { namespace: node.namespace, ..self }.plain(node);
        let (kind, flat) =
            (self.release.kind_of(node.resource_type), text::kind_name(self.release, node.resource_type));
        let around = plain.strip_suffix(&own).unwrap_or_default();
        format!("{around}{}", own.replacen(&kind.to_string(), &flat, 1))
    }

    /// A node, however it is reached.
    pub fn plain(self, node: NodeRef<'_>) -> String {
        self.named(self.release.kind_of(node.resource_type), node.namespace, node.key)
    }

    fn named(self, kind: Kind, own: &[u8], key: &[u8]) -> String {
        let namespace = (own != self.namespace).then(|| own.to_vec());
        let slash = views::snapshot_slash(self.tree, own, key);
        print_node_cut(&NodeName::new(namespace, kind, key.to_vec()), slash)
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
                format!("{}{until}{says}", self.keeps(node, reason, "it"))
            }
            _ => self.keeps(node, reason, "it"),
        };
        words + flat
    }

    /// Who does what with a node, called `it`, by a rule: `image/main targets it`.
    fn keeps(self, node: NodeRef<'_>, reason: &Reason<'_>, it: &str) -> String {
        let Reason { by, rule, label, .. } = reason;
        match by {
            By::Root(Holder::Itself) if *rule == Rule::RootLabel => {
                format!("{} pins {it}", self.read(*label, node))
            }
            By::Root(Holder::Itself) => format!("{it} is kept as {rule}"),
            By::Root(_) => format!("{} {}", self.holder(by), verb(*rule, &self.read(*label, node), it)),
            By::Node(from) => {
                format!("{} {}", self.holder(by), self.refers(from.as_ref(), node, *rule, *label, it))
            }
        }
    }

    /// What one node does with another by a rule.
    fn refers(
        self,
        from: NodeRef<'_>,
        to: NodeRef<'_>,
        rule: Rule,
        label: Option<&[u8]>,
        it: &str,
    ) -> String {
        let named = if rule == Rule::BackReference { from } else { to };
        let label_words = self.read(label, named);
        match rule {
            Rule::Condition => {
                let condition = self.condition(from, label.unwrap_or_default());
                format!("refers to {it} by {label_words}, whose condition{condition} holds")
            }
            _ => verb(rule, &label_words, it),
        }
    }

    /// What a label of content or of an image asks of a snapshot: what stands before the bar of its value.
    fn condition(self, of: NodeRef<'_>, label: &[u8]) -> String {
        let NodeRef { namespace, key, .. } = of;
        let folder: &[&[u8]] = match self.release.kind_of(of.resource_type) {
            Kind::Image => &[names::IMAGES],
            _ => &[names::CONTENT, names::BLOB],
        };
        let path = [&[names::V1, namespace], folder, &[key, names::LABELS]].concat();
        let value = self.tree.view().at(&path).and_then(|labels| labels.get(label));
        let condition = value.and_then(|value| value.split(|byte| *byte == b'|').next());
        condition.map(|condition| format!(" `{}`", text::name(condition))).unwrap_or_default()
    }

    /// A label, and what of its value is easily overlooked: an empty one names a node too.
    fn read(self, label: Option<&[u8]>, named: NodeRef<'_>) -> String {
        let name = match self.release.kind_of(named.resource_type) {
            Kind::Snapshot => {
                views::snapshot_slash(self.tree, named.namespace, named.key).map(|at| &named.key[at + 1..])
            }
            _ => Some(named.key),
        };
        let empty = if name.is_some_and(<[u8]>::is_empty) { ", whose empty value counts" } else { "" };
        label.map(|label| print_label(label) + empty).unwrap_or_default()
    }

    /// Who keeps a node.
    pub fn holder(self, by: &By<'_>) -> String {
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

    /// Why a label of a holder is not read, behind `which`.
    fn not_read(self, by: &By<'_>, label: &[u8]) -> String {
        let release = self.release;
        let is_beside =
            |namespace, id| self.tree.view().at(&[names::V1, namespace, names::SANDBOXES, id]).is_none();
        let on = match by {
            By::Root(Holder::Itself | Holder::Collector { .. }) => {
                return format!("means nothing to containerd {release}");
            }
            By::Root(Holder::Lease { .. }) => unread::On::Node(Kind::Lease),
            By::Root(Holder::Image { .. }) => unread::On::Node(Kind::Image),
            By::Root(Holder::Container { .. }) => unread::On::Node(Kind::Container),
            // To 1.7 itself it is the place that says why.
            By::Root(Holder::Sandbox { namespace, id })
                if release < Release::V1_7 && is_beside(namespace, id) =>
            {
                unread::On::SandboxBeside
            }
            By::Root(Holder::Sandbox { .. }) => unread::On::Sandbox,
            By::Node(by) => unread::On::Node(release.kind_of(by.resource_type)),
        };
        unread::why(label, on, release).unwrap_or_else(|| match by {
            By::Root(Holder::Sandbox { namespace, id }) if is_beside(namespace, id) => {
                "no collection reads, as the sandbox lies beside v1".to_owned()
            }
            _ if label.starts_with(names::GC_COND_SNAPSHOT) => {
                format!("has no comparison that containerd {release} makes: those are `<` and `>`")
            }
            _ => "names something else".to_owned(),
        })
    }

    /// A root by itself.
    fn root(self, node: NodeRef<'_>, reason: &Reason<'_>) -> String {
        let NodeRef { namespace, key, .. } = node;
        match reason.rule {
            Rule::LiveLease => {
                let expiry = views::lease_expiry(self.tree, namespace, key);
                format!("live{}{}", until(expiry), self.no_time(node, names::LEASES, names::GC_EXPIRE))
            }
            Rule::UnexpiredImage => {
                let expiry = views::image_expiry(self.tree, namespace, key);
                format!("an image{}{}", until(expiry), self.no_time(node, names::IMAGES, names::GC_EXPIRE))
            }
            Rule::ActiveIngest => {
                format!("active{}", until(views::ingest_expiry(self.tree, namespace, key)))
            }
            Rule::RootLabel => format!("{} pins it", reason.label.map(print_label).unwrap_or_default()),
            rule => format!("a {rule}"),
        }
    }

    /// That a label of a node, whose bucket lies in this one, says a time and is none.
    fn no_time(self, node: NodeRef<'_>, bucket: &[u8], label: &[u8]) -> String {
        let NodeRef { namespace, key, .. } = node;
        let text = self.tree.view().at(&[names::V1, namespace, bucket, key, names::LABELS]);
        no_time(self.release, text.and_then(|labels| labels.get(label)), label)
    }

    /// The same of a snapshot's time of use.
    fn no_use(self, node: NodeRef<'_>) -> String {
        let NodeRef { namespace, key, .. } = node;
        let slash = views::snapshot_slash(self.tree, namespace, key).unwrap_or(key.len());
        let (snapshotter, key) = (&key[..slash], key.get(slash + 1..).unwrap_or_default());
        let path = [names::V1, namespace, names::SNAPSHOTS, snapshotter, key, names::LABELS];
        let labels = self.tree.view().at(&path);
        no_time(
            self.release,
            labels.and_then(|labels| labels.get(names::GC_COND_USED_AT)),
            names::GC_COND_USED_AT,
        )
    }

    /// Sandboxes are no nodes.
    fn sandbox(self, namespace: &[u8], id: &[u8]) -> String {
        match namespace == self.namespace {
            true => print_path(&[id]),
            false => print_path(&[namespace, id]),
        }
    }

    /// Whether the database has a node.
    fn is_there(self, node: &Node) -> bool {
        views::has(self.tree, self.release.kind_of(node.resource_type), &node.namespace, &node.key)
    }

    /// What a child says of its parent that there is not.
    fn parent_missing(self, parent: &Node, label: Option<&[u8]>) -> String {
        let label = label.map(|label| format!(" by {}", print_label(label))).unwrap_or_default();
        format!("it refers back{label} to {}, which does not exist", self.plain(parent.as_ref()))
    }

    /// What might have kept a node and did not: the first such thing, and how many more there are. Where there is none, and
    /// only another namespace has an object of its name that is kept, both are said.
    pub fn failures(self, node: NodeRef<'_>, failures: &[Failure<'_>]) -> String {
        let told = self.failures_told(node, failures, Reasons::First);
        match failures.is_empty() || !are_of_others(node, failures) {
            true => told,
            false => format!("nothing refers to it; {told}"),
        }
    }

    /// The same with as many of them as are to be told.
    pub fn failures_told(self, node: NodeRef<'_>, failures: &[Failure<'_>], reasons: Reasons) -> String {
        match (failures, reasons) {
            ([], _) => "nothing refers to it".to_owned(),
            ([first, rest @ ..], Reasons::First) if !rest.is_empty() => {
                let more = text::counted(rest.len() as u64, "more reason");
                format!("{}; and {more}", self.failure(node, first))
            }
            (failures, _) => {
                let each = failures.iter().map(|failure| self.failure(node, failure));
                each.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// One of them.
    pub fn failure(self, node: NodeRef<'_>, failure: &Failure<'_>) -> String {
        match failure {
            Failure::LeaseExpired { at } | Failure::ImageExpired { at } | Failure::IngestExpired { at } => {
                format!("expired {}", instant(*at))
            }
            Failure::HolderExpired { lease, at } => {
                format!("{} held it and expired {}", self.plain(lease.as_ref()), instant(*at))
            }
            Failure::IngestWithoutExpiry => "has no expiry, and no lease holds it".to_owned(),
            Failure::IngestUndecodable { error } => format!("its expiry does not decode: {error}"),
            Failure::ConditionUnmet { by, label, is_used } => {
                let condition = self.condition(by.as_ref(), label);
                let (by, label) = (self.plain(by.as_ref()), print_label(label));
                let no_use = self.no_use(node);
                let why = match is_used {
                    true => "",
                    false if no_use.is_empty() => ": it has no time of use",
                    false => &no_use,
                };
                format!("{by} refers to it by {label}, whose condition{condition} does not hold{why}")
            }
            Failure::ParentMissing { by, label } => self.parent_missing(by, *label),
            Failure::ReferrerRemoved { by, rule: Rule::BackReference, label, .. } if !self.is_there(by) => {
                self.parent_missing(by, *label)
            }
            Failure::ReferrerRemoved { by, rule, label, expired } => {
                let fate = match expired {
                    Some(at) => format!("expired {}", instant(*at)),
                    None => "is not kept".to_owned(),
                };
                let verb = self.refers(by.as_ref(), node, *rule, *label, "it");
                let comma = if verb.contains(',') { "," } else { "" };
                format!("{} {verb}{comma} and {fate}", self.plain(by.as_ref()))
            }
            Failure::ReferrerNotFull { by, rule, label, reason } => {
                let name = self.plain(by.as_ref());
                let holds = self.keeps(by.as_ref(), reason, &name);
                let verb = self.refers(by.as_ref(), node, *rule, *label, "it");
                format!("{name} {verb}, but {holds} only flat")
            }
            Failure::OfReferrer { by, failure } => {
                let by = by.as_ref();
                format!("of {}, which refers to it: {}", self.plain(by), self.failure(by, failure))
            }
            Failure::ListedWithType { resource_type, reason } => {
                let keeps = self.keeps(node, reason, "it");
                let listed = text::kind_name(self.release, *resource_type);
                format!("{keeps}, but listed as {listed} it is never found marked")
            }
            Failure::LabelNotRead { by, label } => {
                let which = self.not_read(by, label);
                format!("{} names it by {}, which {which}", self.holder(by), print_label(label))
            }
            Failure::ConditionMisread { by, label, misread } => {
                format!("{} names it by {}, {}", self.holder(by), print_label(label), misread_words(*misread))
            }
            Failure::OwnLabelNotRead { label, is_bucket } => {
                let on = unread::On::Node(self.release.kind_of(node.resource_type));
                let why = unread::why(label, on, self.release);
                let form = if *is_bucket { "is a bucket and " } else { "" };
                let release = self.release;
                let unread = || match label.strip_prefix(names::GC_ROOT) {
                    // By the intended rules alone it is not read.
                    Some([_, ..]) if !is_bucket => {
                        format!("is not gc.root, and containerd {release} pins by it all the same")
                    }
                    _ => format!("means nothing to containerd {release}"),
                };
                format!("its label {} {form}{}", print_label(label), why.unwrap_or_else(unread))
            }
            Failure::Elsewhere { by, rule, label, other } => {
                let (by, reached_as) = (by.clone(), other.resource_type);
                let reason = Reason { reached_as, rule: *rule, label: *label, by };
                let keeps = self.keeps(other.as_ref(), &reason, &self.plain(other.as_ref()));
                format!("{keeps}{}, not this one", label.and_then(cut_off).unwrap_or_default())
            }
            Failure::ReferrerNotFound { by, label } => {
                let does = match label {
                    Some(label) => format!("names it by {}", print_label(label)),
                    None => "stands on it".to_owned(),
                };
                format!("{} {does}, but the slash in its snapshotter's name hides it", self.holder(by))
            }
            Failure::LeaseMissing { lease } => {
                format!("{} would hold it, says a collector, but does not exist", self.plain(lease.as_ref()))
            }
            Failure::NamespaceMissing { resource_type, namespace } => {
                let (collector, namespace) = (self.collector(*resource_type), print_path(&[namespace]));
                format!("collector {collector} names it for namespace {namespace}, which does not exist")
            }
            Failure::CollectorFailed { resource_type } => {
                format!("collector {} names it, but fails to start", self.collector(*resource_type))
            }
            Failure::CollectorLabelFailed { by, label, resource_type } => {
                let (by, label, collector) =
                    (self.holder(by), print_label(label), self.collector(*resource_type));
                format!("{by} names it by {label}, but its collector {collector} fails to start")
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

/// Whether all that is said of a node is of others of its name in other namespaces, so that nothing refers to it.
pub fn are_of_others(node: NodeRef<'_>, failures: &[Failure<'_>]) -> bool {
    let is_of_other = |failure: &Failure<'_>| matches!(failure, Failure::Elsewhere { other, .. } if *other.namespace != *node.namespace);
    failures.iter().all(is_of_other)
}

/// What a holder or a referring node does with a node by a rule.
fn verb(rule: Rule, label: &str, it: &str) -> String {
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

/// Why a condition refers to nothing.
pub fn misread_words(misread: Misread<'_>) -> String {
    let stops =
        |text: &[u8], what: &str| format!("whose value cannot be read: `{}` {what}", text::name(text));
    match misread {
        Misread::NoSnapshotter => {
            "in which the snapshotter is missing: gc.cond.snapshot.SNAPSHOTTER".to_owned()
        }
        Misread::NoBar => "whose value cannot be read: it has no `|` with a snapshot's key behind".to_owned(),
        Misread::NoKey => "whose value has no snapshot's key behind the `|`".to_owned(),
        Misread::NoUse(text) => stops(text, "does not begin with `usedat`"),
        Misread::NoOperator(text) => stops(text, "stands where `<` or `>` should"),
        Misread::NoDuration(text) => stops(text, "is no duration, as 24h is"),
    }
}

/// What is said of a label's text if it is a time to no daemon.
fn no_time(release: Release, text: Option<&[u8]>, label: &[u8]) -> String {
    let may_be_read = |text: &[u8]| Go::UpTo1_19.may_build(release) && time::only_earlier_go_reads(text);
    let no_time = |text: &&[u8]| time::parse_rfc3339(text).is_err() && !may_be_read(text);
    let said = |text: &[u8]| format!(": its {} `{}` is no time", print_label(label), text::name(text));
    text.filter(no_time).map(said).unwrap_or_default()
}

fn until(expiry: Option<Instant>) -> String {
    expiry.map(|at| format!(" until {}", instant(at))).unwrap_or_default()
}

fn instant(at: Instant) -> String {
    time::format_rfc3339_nano(at)
}

/// What a label has behind its snapshotter, which is not read.
fn cut_off(label: &[u8]) -> Option<String> {
    let prefixes = [names::GC_REF_SNAPSHOT, names::GC_COND_SNAPSHOT];
    let rest = prefixes.into_iter().find_map(|prefix| label.strip_prefix(prefix))?;
    let start = rest.iter().position(|byte| !matches!(byte, b'.' | b'/'))?;
    let slash = start + rest[start..].iter().position(|byte| *byte == b'/')?;
    Some(format!(", whose {} is cut off", text::name(&rest[slash..])))
}
