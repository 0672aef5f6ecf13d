//! The JSON forms of nodes and collectors, as rows have them.
//!
//! ```text
//! {"type": 1, "namespace": "ns1", "key": "sha256:20.."}                      a node
//! {"type": 16, "reference_label": "aaa", "start_error": false,               a collector
//!  "all": [{"namespace", "key"}], "active": [..], "leased": [{"namespace", "lease", "key"}]}
//! ```
//!
//! Strings stand for bytes as in trees (`bucket::json`). Unknown fields are passed over, missing ones are errors.

use crate::bucket::json;
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::node::{Node, ResourceType};
use serde::de::{self, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Bytes that stand as a string.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Box<[u8]>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&json::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                json::decode(text).map(|bytes| Bytes(bytes.into())).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(BytesVisitor)
    }
}

/// A node's form.
#[derive(Serialize, Deserialize)]
pub(super) struct NodeForm {
    #[serde(rename = "type")]
    number: u8,
    namespace: Bytes,
    key: Bytes,
}

impl From<NodeForm> for Node {
    fn from(form: NodeForm) -> Node {
        Node { resource_type: ResourceType(form.number), namespace: form.namespace.0, key: form.key.0 }
    }
}

impl From<&Node> for NodeForm {
    fn from(node: &Node) -> NodeForm {
        let (namespace, key) = (Bytes(node.namespace.clone()), Bytes(node.key.clone()));
        NodeForm { number: node.resource_type.0, namespace, key }
    }
}

/// A list of nodes, read in order.
#[derive(Default)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Nodes, D::Error> {
        struct NodesVisitor;
        impl<'de> Visitor<'de> for NodesVisitor {
            type Value = Nodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of nodes")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Nodes, A::Error> {
                let mut nodes = Vec::new();
                while let Some(form) = list.next_element::<NodeForm>()? {
                    nodes.push(Node::from(form));
                }
                Ok(Nodes(nodes))
            }
        }
        deserializer.deserialize_seq(NodesVisitor)
    }
}

/// A collector's form.
#[derive(Serialize, Deserialize)]
pub(super) struct CollectorForm {
    #[serde(rename = "type")]
    number: u8,
    reference_label: Bytes,
    start_error: bool,
    all: Vec<ResourceForm>,
    active: Vec<ResourceForm>,
    leased: Vec<LeasedForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    active_brefs: Vec<BackReferenceForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    references: Vec<ReferencesForm>,
    #[serde(default, skip_serializing_if = "is_false")]
    cancel_error: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    finish_error: bool,
}

/// One entry of `all` or `active`. `type` stands where it is not the collector's own, `for_namespace` where it is
/// not the node's.
#[derive(Serialize, Deserialize)]
struct ResourceForm {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    number: Option<u8>,
    namespace: Bytes,
    key: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_namespace: Option<Bytes>,
}

#[derive(Serialize, Deserialize)]
struct LeasedForm {
    lease: Bytes,
    #[serde(flatten)]
    resource: ResourceForm,
}

#[derive(Serialize, Deserialize)]
struct BackReferenceForm {
    from: NodeForm,
    to: NodeForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_namespace: Option<Bytes>,
}

#[derive(Serialize, Deserialize)]
struct ReferencesForm {
    from: NodeForm,
    to: Vec<NodeForm>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The collectors of a row. A type may be registered once, and a collector names the references of a node once.
///
/// # Errors
/// What is given twice, in words.
pub(super) fn collectors(forms: Vec<CollectorForm>) -> Result<Vec<Collector>, String> {
    let mut types = BTreeSet::new();
    let mut collectors = Vec::with_capacity(forms.len());
    for form in forms {
        let number = form.number;
        if !types.insert(number) {
            return Err(format!("two collectors for type {number}"));
        }
        let collector = collector(form);
        let mut sources = BTreeSet::new();
        if let Some((node, _)) = collector.references.iter().find(|(node, _)| !sources.insert(node)) {
            return Err(format!("the collector for type {number} gives the references of {node:?} twice"));
        }
        collectors.push(collector);
    }
    Ok(collectors)
}

fn collector(form: CollectorForm) -> Collector {
    let own = form.number;
    let resource = |form: ResourceForm| {
        let number = ResourceType(form.number.unwrap_or(own));
        let for_namespace = form.for_namespace.map_or_else(|| form.namespace.0.clone(), |asked| asked.0);
        (Node { resource_type: number, namespace: form.namespace.0, key: form.key.0 }, for_namespace)
    };
    let active = |form| {
        let (node, for_namespace) = resource(form);
        Active { for_namespace, node }
    };
    let leased = |form: LeasedForm| {
        let (node, for_namespace) = resource(form.resource);
        Leased { for_namespace, lease: form.lease.0, node }
    };
    Collector {
        resource_type: ResourceType(own),
        reference_label: form.reference_label.0.into_vec(),
        start_error: form.start_error,
        all: form.all.into_iter().map(|form| resource(form).0).collect(),
        active: form.active.into_iter().map(active).collect(),
        leased: form.leased.into_iter().map(leased).collect(),
        active_back_references: form.active_brefs.into_iter().map(back_reference).collect(),
        references: form.references.into_iter().map(references).collect(),
        cancel_error: form.cancel_error,
        finish_error: form.finish_error,
    }
}

/// Without `for_namespace` a back reference is reported when the namespace of its child is asked for.
fn back_reference(form: BackReferenceForm) -> BackReference {
    let (from, to) = (Node::from(form.from), Node::from(form.to));
    let for_namespace = form.for_namespace.map_or_else(|| to.namespace.clone(), |asked| asked.0);
    BackReference { for_namespace, from, to }
}

fn references(form: ReferencesForm) -> (Node, Vec<Node>) {
    (form.from.into(), form.to.into_iter().map(Node::from).collect())
}

/// The form of a collector; reading it gives the same collector.
pub(super) fn collector_form(collector: &Collector) -> CollectorForm {
    let own = collector.resource_type;
    let resource = |node: &Node, for_namespace: &[u8]| ResourceForm {
        number: (node.resource_type != own).then_some(node.resource_type.0),
        namespace: Bytes(node.namespace.clone()),
        key: Bytes(node.key.clone()),
        for_namespace: (*for_namespace != *node.namespace).then(|| Bytes(for_namespace.into())),
    };
    let leased = |leased: &Leased| LeasedForm {
        lease: Bytes(leased.lease.clone()),
        resource: resource(&leased.node, &leased.for_namespace),
    };
    let back_reference = |entry: &BackReference| BackReferenceForm {
        from: NodeForm::from(&entry.from),
        to: NodeForm::from(&entry.to),
        for_namespace: (entry.for_namespace != entry.to.namespace)
            .then(|| Bytes(entry.for_namespace.clone())),
    };
    let references = |(from, to): &(Node, Vec<Node>)| ReferencesForm {
        from: NodeForm::from(from),
        to: to.iter().map(NodeForm::from).collect(),
    };
    CollectorForm {
        number: own.0,
        reference_label: Bytes(collector.reference_label.clone().into()),
        start_error: collector.start_error,
        all: collector.all.iter().map(|node| resource(node, &node.namespace)).collect(),
        active: collector.active.iter().map(|active| resource(&active.node, &active.for_namespace)).collect(),
        leased: collector.leased.iter().map(leased).collect(),
        active_brefs: collector.active_back_references.iter().map(back_reference).collect(),
        references: collector.references.iter().map(references).collect(),
        cancel_error: collector.cancel_error,
        finish_error: collector.finish_error,
    }
}
