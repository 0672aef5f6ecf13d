//! What explanations, digests and comparisons are said with: names, sizes and times of one database.

use super::collect;
use crate::bucket::json;
use crate::engine::Culprit;
use crate::explain::{Held, Hop, Network, Subject};
use crate::instant::Instant;
use crate::node::{Kind, NodeRef};
use crate::oracle::{By, Holder};
use crate::reason::Words;
use crate::replay::Lines;
use crate::scenario::alias;
use crate::schema::views;
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use crate::text;
use serde::Serialize;
use std::io::{self, Write};

/// What every explanation is said with.
#[derive(Clone, Copy)]
pub struct Saying<'r, 'j, 'a> {
    /// What is explained.
    pub situation: &'a Situation,
    /// Its relations.
    pub network: &'r Network<'j, 'a>,
    /// How large its snapshots are, where their snapshotters were asked.
    pub snapshots: Option<&'r Snapshots>,
    /// Which line of a scenario wrote what, if the source is one.
    pub lines: Option<&'r Lines>,
    /// Why a collection fails, if it does: then nothing is removed.
    pub error: Option<&'r str>,
    /// What makes it fail.
    pub culprits: &'r [Culprit],
    /// The source and the flags behind `leasehold explain`, as a shell takes them, to be asked more.
    pub command: &'r str,
    /// What standard error says beside.
    pub warnings: &'r [String],
}

/// A node, or a holder that is none in the release: of no type then.
#[derive(Serialize)]
pub(super) struct JsonNode {
    pub(super) r#type: Option<u8>,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) key: String,
}

#[derive(Serialize)]
pub(super) struct JsonHeld {
    objects: u64,
    bytes: u64,
    snapshot_bytes: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct JsonHop {
    /// Of a scenario that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    rule: &'static str,
    label: Option<String>,
    from: Option<JsonNode>,
    to: JsonNode,
}

impl<'a> Saying<'_, '_, 'a> {
    pub(super) fn words<'w>(&'w self, namespace: &'w [u8]) -> Words<'w> {
        Words { release: self.situation.release, tree: &self.situation.tree, namespace }
    }

    pub(super) fn json_node(&self, node: NodeRef<'_>) -> JsonNode {
        JsonNode {
            r#type: Some(node.resource_type.0),
            kind: text::kind_name(self.situation.release, node.resource_type),
            namespace: json::encode(node.namespace).into_owned(),
            key: json::encode(node.key).into_owned(),
        }
    }

    /// The number of what is a node in the release.
    pub(super) fn number(&self, kind: Kind) -> Option<u8> {
        let rules = self.situation.release.rules();
        let is_node = match kind {
            Kind::Image => rules.image_nodes,
            Kind::Container => rules.container_nodes,
            _ => true,
        };
        self.situation.release.type_of(kind).filter(|_| is_node).map(|number| number.0)
    }

    pub(super) fn json_named(&self, kind: Kind, namespace: &[u8], key: &[u8]) -> JsonNode {
        let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
        JsonNode { r#type: self.number(kind), kind: kind.to_string(), namespace, key }
    }

    pub(super) fn json_subject(&self, subject: Subject<'_>) -> JsonNode {
        let of = |kind: &str, namespace: &[u8], key: &[u8]| {
            let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
            JsonNode { r#type: None, kind: kind.to_owned(), namespace, key }
        };
        match subject {
            Subject::Node(id) => self.json_node(self.network.graph().node(id).as_ref()),
            Subject::Holder(holder) => match holder {
                Holder::Image { namespace, name } => of("image", namespace, name),
                Holder::Container { namespace, id } => of("container", namespace, id),
                Holder::Sandbox { namespace, id } => of("sandbox", namespace, id),
                Holder::Lease { namespace, id } => of("lease", namespace, id),
                Holder::Collector { resource_type } => {
                    let kind = self.situation.release.kind_of(resource_type).to_string();
                    of("collector", b"", kind.as_bytes())
                }
                Holder::Itself => of("none", b"", b""),
            },
        }
    }

    /// The line of a scenario that wrote a root or a reference.
    pub(super) fn line(&self, hop: &Hop<'_>) -> Option<usize> {
        let lines = self.lines?;
        lines.line(&hop.place(self.network, self.situation.release)?)
    }

    pub(super) fn json_hop(&self, hop: &Hop<'_>) -> JsonHop {
        JsonHop {
            line: self.line(hop),
            rule: hop.rule.name(),
            label: hop.label.map(|label| json::encode(label).into_owned()),
            from: hop.from.map(|from| self.json_subject(from)),
            to: self.json_node(hop.to.as_ref()),
        }
    }

    /// What is taken for a node or a holder by people, from a namespace that is not written out.
    pub(super) fn name(&self, subject: Subject<'_>, namespace: &[u8]) -> String {
        let words = self.words(namespace);
        let name = match subject {
            Subject::Node(id) => words.plain(self.network.graph().node(id).as_ref()),
            Subject::Holder(Holder::Sandbox { namespace: own, id }) => {
                let inside = format!("sandbox/{}", text::name(id));
                if own == namespace { inside } else { format!("{}/{inside}", text::name(own)) }
            }
            Subject::Holder(Holder::Collector { resource_type }) => {
                format!("collector/{}", words.collector(resource_type))
            }
            Subject::Holder(holder) => words.holder(&By::Root(holder)),
        };
        shown(&name)
    }

    pub(super) fn now(&self) -> Instant {
        self.situation.now
    }

    /// A sum of snapshots as machines read it: null where no snapshotter was asked.
    pub(super) fn json_snapshots(&self, sum: Bytes) -> Option<u64> {
        let is_known = sum.bytes > 0 || sum.unknown == 0;
        self.snapshots.filter(|_| is_known).map(|_| sum.bytes)
    }

    pub(super) fn json_held(&self, held: Held) -> JsonHeld {
        let Held { objects, bytes, snapshots } = held;
        JsonHeld { objects, bytes, snapshot_bytes: self.json_snapshots(snapshots) }
    }

    /// The size of content or of a snapshot, where it is known.
    pub(super) fn size(&self, node: NodeRef<'_>) -> Option<u64> {
        let Situation { release, tree, .. } = self.situation;
        match release.kind_of(node.resource_type) {
            Kind::Content => views::blob_size(tree, node.namespace, node.key),
            Kind::Snapshot => self.snapshots?.size(tree, node.namespace, node.key),
            _ => None,
        }
    }

    /// Where the files of a snapshot are, below the root folder, where that is known.
    pub(super) fn folder(&self, node: NodeRef<'_>) -> Option<Vec<u8>> {
        let Situation { release, tree, .. } = self.situation;
        let is_snapshot = release.kind_of(node.resource_type) == Kind::Snapshot;
        self.snapshots.filter(|_| is_snapshot)?.folder(tree, node.namespace, node.key)
    }

    pub(super) fn write_error(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_failure(out)?;
        match self.error {
            Some(_) => {
                writeln!(out, "What follows is what the rules keep, and what would go once that is mended.\n")
            }
            None => Ok(()),
        }
    }

    /// Why the collection fails, if it does, and what makes it fail.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_failure(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(error) = self.error else { return Ok(()) };
        writeln!(out, "The collection fails: {}", text::line(error))?;
        collect::write_culprits(out, self.situation, self.culprits)?;
        collect::write_dying(out, &[self.situation.release])
    }
}

/// A name with everyday names and short digests.
pub(super) fn shown(name: &str) -> String {
    text::short_digests(&alias::in_text(name))
}
