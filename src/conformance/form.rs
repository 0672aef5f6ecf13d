//! The JSON forms of nodes, collectors, bytes and instants, as rows have them.
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
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// An instant as RFC 3339, for `#[serde(with = ..)]`.
pub(super) mod rfc3339 {
    use crate::instant::Instant;
    use crate::schema::time;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;
    use std::borrow::Cow;

    pub(in super::super) fn serialize<S: Serializer>(
        now: &Instant,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time::format_rfc3339_nano(*now))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Instant, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let refused = |error: time::ParseError| {
            let why = match error.out_of_range() {
                Some(what) => format!(": its {what} is out of range"),
                None => String::new(),
            };
            let text = crate::text::name(text.as_bytes());
            D::Error::custom(format!("`{text}` is no time{why}; write one as 2026-11-23T16:27:55Z"))
        };
        time::parse_rfc3339(text.as_bytes()).map_err(refused)
    }
}

#[derive(Serialize, Deserialize)]
struct NodeForm {
    #[serde(rename = "type")]
    number: u8,
    namespace: Bytes,
    key: Bytes,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (namespace, key) = (Bytes(self.namespace.clone()), Bytes(self.key.clone()));
        NodeForm { number: self.resource_type.0, namespace, key }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        let NodeForm { number, namespace, key } = NodeForm::deserialize(deserializer)?;
        Ok(Node { resource_type: ResourceType(number), namespace: namespace.0, key: key.0 })
    }
}

#[derive(Serialize, Deserialize)]
struct CollectorForm {
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

/// Without `for_namespace` a back reference is reported when the namespace of its child is asked for.
#[derive(Serialize, Deserialize)]
struct BackReferenceForm {
    from: Node,
    to: Node,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_namespace: Option<Bytes>,
}

#[derive(Serialize, Deserialize)]
struct ReferencesForm {
    from: Node,
    to: Vec<Node>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

impl<'de> Deserialize<'de> for Collector {
    /// A collector names the references of a node once.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Collector, D::Error> {
        let form = CollectorForm::deserialize(deserializer)?;
        let mut sources = BTreeSet::new();
        if let Some(twice) = form.references.iter().find(|entry| !sources.insert(&entry.from)) {
            let text = format_args!("the references of {:?} are given twice", twice.from);
            return Err(de::Error::custom(text));
        }
        Ok(form.into())
    }
}

impl From<CollectorForm> for Collector {
    fn from(form: CollectorForm) -> Collector {
        let own = form.number;
        let resource = |form: ResourceForm| {
            let resource_type = ResourceType(form.number.unwrap_or(own));
            let for_namespace = form.for_namespace.map_or_else(|| form.namespace.0.clone(), |asked| asked.0);
            (Node { resource_type, namespace: form.namespace.0, key: form.key.0 }, for_namespace)
        };
        let active = |form| {
            let (node, for_namespace) = resource(form);
            Active { for_namespace, node }
        };
        let leased = |form: LeasedForm| {
            let (node, for_namespace) = resource(form.resource);
            Leased { for_namespace, lease: form.lease.0, node }
        };
        let back_reference = |form: BackReferenceForm| {
            let for_namespace = form.for_namespace.map_or_else(|| form.to.namespace.clone(), |asked| asked.0);
            BackReference { for_namespace, from: form.from, to: form.to }
        };
        Collector {
            resource_type: ResourceType(own),
            reference_label: form.reference_label.0.into_vec(),
            start_error: form.start_error,
            all: form.all.into_iter().map(|form| resource(form).0).collect(),
            active: form.active.into_iter().map(active).collect(),
            leased: form.leased.into_iter().map(leased).collect(),
            active_back_references: form.active_brefs.into_iter().map(back_reference).collect(),
            references: form.references.into_iter().map(|form| (form.from, form.to)).collect(),
            cancel_error: form.cancel_error,
            finish_error: form.finish_error,
        }
    }
}

impl Serialize for Collector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let resource = |node: &Node, for_namespace: &[u8]| ResourceForm {
            number: (node.resource_type != self.resource_type).then_some(node.resource_type.0),
            namespace: Bytes(node.namespace.clone()),
            key: Bytes(node.key.clone()),
            for_namespace: (*for_namespace != *node.namespace).then(|| Bytes(for_namespace.into())),
        };
        let leased = |leased: &Leased| LeasedForm {
            lease: Bytes(leased.lease.clone()),
            resource: resource(&leased.node, &leased.for_namespace),
        };
        let back_reference = |entry: &BackReference| BackReferenceForm {
            from: entry.from.clone(),
            to: entry.to.clone(),
            for_namespace: (entry.for_namespace != entry.to.namespace)
                .then(|| Bytes(entry.for_namespace.clone())),
        };
        let references =
            |(from, to): &(Node, Vec<Node>)| ReferencesForm { from: from.clone(), to: to.clone() };
        let form = CollectorForm {
            number: self.resource_type.0,
            reference_label: Bytes(self.reference_label.clone().into()),
            start_error: self.start_error,
            all: self.all.iter().map(|node| resource(node, &node.namespace)).collect(),
            active: self.active.iter().map(|active| resource(&active.node, &active.for_namespace)).collect(),
            leased: self.leased.iter().map(leased).collect(),
            active_brefs: self.active_back_references.iter().map(back_reference).collect(),
            references: self.references.iter().map(references).collect(),
            cancel_error: self.cancel_error,
            finish_error: self.finish_error,
        };
        form.serialize(serializer)
    }
}
