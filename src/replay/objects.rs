//! What the steps of a scenario create, and what they name.

use crate::node::Kind;
use crate::scenario::{
    Assertion, ContainerFields, DEFAULT_NAMESPACE, ImageFields, Name, NodeName, Promise, RawValue, Resource,
    Scenario, SnapshotName, Step, alias,
};
use crate::schema::views;
use std::collections::BTreeSet;

/// What a step creates or names: the kind and the key.
pub(super) type Object = (Kind, Name);

fn object_of(NodeName { kind, key, .. }: &NodeName) -> Object {
    (*kind, key.clone())
}

fn snapshot(SnapshotName { snapshotter, key }: &SnapshotName) -> Object {
    (Kind::Snapshot, [snapshotter, &b"/"[..], key].concat())
}

/// What a step creates.
pub(super) fn created(step: &Step) -> Vec<Object> {
    match step {
        Step::ContentPut { digest, .. } | Step::ContentCommit { digest, .. } => {
            vec![(Kind::Content, digest.clone())]
        }
        Step::ContentOpen { reference, .. } => vec![(Kind::Ingest, reference.clone())],
        Step::SnapshotPrepare(new)
        | Step::SnapshotView(new)
        | Step::SnapshotPrepareBegin(new)
        | Step::SnapshotViewBegin(new) => vec![snapshot(&new.snapshot)],
        Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, .. }, name, .. } => {
            let (snapshotter, key) = (snapshotter.clone(), name.clone());
            vec![snapshot(&SnapshotName { snapshotter, key })]
        }
        Step::LeaseCreate { lease, .. } => vec![(Kind::Lease, lease.clone())],
        Step::StreamOpen { stream } => vec![(Kind::Stream, stream.clone())],
        Step::CollectorList { nodes, .. } => nodes.iter().map(object_of).collect(),
        Step::ImageCreate { image, .. } => vec![(Kind::Image, image.clone())],
        Step::ContainerCreate { container, .. } => vec![(Kind::Container, container.clone())],
        Step::RawPut { path, .. } | Step::RawBucket { path } => written(path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The object below whose bucket a path lies.
fn written(path: &[Name]) -> Option<Object> {
    let parts: Vec<&[u8]> = path.iter().map(|part| &**part).collect();
    views::object_at(&parts).map(|(kind, _, key)| (kind, key))
}

/// What a step names beside its labels, existing or not: where it does not exist, the step means nothing.
pub(super) fn named(step: &Step) -> Vec<Object> {
    let of_container = |ContainerFields { snapshotter, snapshot: key, image, .. }: &ContainerFields| {
        let base = snapshotter.clone().zip(key.clone());
        let base = base.map(|(snapshotter, key)| snapshot(&SnapshotName { snapshotter, key }));
        let image = image.clone().map(|image| (Kind::Image, image));
        base.into_iter().chain(image).collect()
    };
    match step {
        Step::LeaseAdd { resources, .. } => resources.iter().filter_map(held).collect(),
        Step::CollectorLeased { lease, nodes, .. } => {
            let lease = (Kind::Lease, lease.clone());
            std::iter::once(lease).chain(nodes.iter().map(object_of)).collect()
        }
        Step::CollectorActive { nodes, .. } | Step::CollectorForget { nodes, .. } => {
            nodes.iter().map(object_of).collect()
        }
        Step::CollectorBackReference { from, to, .. } => [from, to].map(object_of).to_vec(),
        Step::CollectorReferences { from, to, .. } => {
            std::iter::once(from).chain(to).map(object_of).collect()
        }
        Step::LeaseUse { lease } | Step::Client { lease: Some(lease), .. } => {
            vec![(Kind::Lease, lease.clone())]
        }
        Step::ImageCreate { fields: ImageFields { target, .. }, .. }
        | Step::ImageUpdate { fields: ImageFields { target, .. }, .. } => {
            target.iter().map(|digest| (Kind::Content, digest.clone())).collect()
        }
        Step::ContainerCreate { fields, .. } | Step::ContainerUpdate { fields, .. } => of_container(fields),
        Step::Expect(Assertion::Nothing(path) | Assertion::Bucket(path)) => {
            written(path).into_iter().collect()
        }
        Step::Expect(Assertion::Value { path, value }) => {
            let content = match value {
                RawValue::Bytes(digest) if alias::name_of(digest).is_some() => {
                    Some((Kind::Content, digest.clone()))
                }
                _ => None,
            };
            written(path).into_iter().chain(content).collect()
        }
        Step::Look(node) => vec![object_of(node)],
        Step::Always(Promise { holds, when }) => {
            let conditions = std::iter::once(holds).chain(when);
            conditions.flat_map(|condition| &condition.nodes).map(object_of).collect()
        }
        Step::Expect(_) => expected(step).iter().map(object_of).collect(),
        _ => Vec::new(),
    }
}

fn held(resource: &Resource) -> Option<Object> {
    match resource {
        Resource::Content(digest) => Some((Kind::Content, digest.clone())),
        Resource::Snapshot(name) => Some(snapshot(name)),
        Resource::Ingest(reference) => Some((Kind::Ingest, reference.clone())),
        Resource::Image(name) => Some((Kind::Image, name.clone())),
        Resource::Other { .. } => None,
    }
}

/// The nodes that an `expect` step names.
pub(super) fn expected(step: &Step) -> &[NodeName] {
    match step {
        Step::Expect(
            Assertion::Kept(nodes)
            | Assertion::Removed(nodes)
            | Assertion::Present(nodes)
            | Assertion::Absent(nodes)
            | Assertion::Stored(nodes)
            | Assertion::NotStored(nodes),
        ) => nodes,
        _ => &[],
    }
}

/// The namespaces that steps create, or that are there for want of another.
pub(super) fn created_namespaces(scenario: &Scenario) -> BTreeSet<Name> {
    let created = scenario.lines.iter().filter_map(|line| match &line.step {
        Step::NamespaceCreate { namespace, .. } | Step::NamespaceLabel { namespace, .. } => Some(namespace),
        Step::RawPut { path, .. } | Step::RawBucket { path } => path.get(1),
        _ => None,
    });
    created.cloned().chain([DEFAULT_NAMESPACE.to_vec()]).collect()
}

/// The namespace in which a client acts from this step on.
pub(super) fn used_namespace(step: &Step) -> Option<&Name> {
    match step {
        Step::NamespaceUse { namespace } | Step::Client { namespace: Some(namespace), .. } => Some(namespace),
        _ => None,
    }
}
