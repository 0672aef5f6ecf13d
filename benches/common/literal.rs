//! A literal port of containerd's collector over std maps with string nodes and hash sets: the fixed reference of what a
//! collection takes that does none of what `bucket` and `engine` do. Rules of 1.7.0-beta.1, without collectors.

use leasehold::bucket::{Entry, View};
use leasehold::instant::Instant;
use leasehold::schema::{names, time};
use std::collections::{BTreeMap, HashSet};

/// A bucket of the database.
#[derive(Clone, Default)]
pub(crate) struct Tree(BTreeMap<Vec<u8>, Item>);

#[derive(Clone)]
enum Item {
    Value(Vec<u8>),
    Bucket(Tree),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Type {
    Content,
    FlatContent,
    Snapshot,
    FlatSnapshot,
    Lease,
    Ingest,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    kind: Type,
    namespace: String,
    key: String,
}

impl Tree {
    pub(crate) fn of(view: View<'_>) -> Tree {
        let item = |entry| match entry {
            Entry::Value(value) => Item::Value(value.to_vec()),
            Entry::Bucket(below) => Item::Bucket(Tree::of(below)),
        };
        Tree(view.iter().map(|(key, entry)| (key.to_vec(), item(entry))).collect())
    }

    fn bucket(&self, path: &[&[u8]]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, key| match tree.0.get(*key)? {
            Item::Bucket(below) => Some(below),
            Item::Value(_) => None,
        })
    }

    fn bucket_mut(&mut self, path: &[&[u8]]) -> Option<&mut Tree> {
        path.iter().try_fold(self, |tree, key| match tree.0.get_mut(*key)? {
            Item::Bucket(below) => Some(below),
            Item::Value(_) => None,
        })
    }

    fn value(&self, key: &[u8]) -> Option<&[u8]> {
        match self.0.get(key)? {
            Item::Value(value) => Some(value),
            Item::Bucket(_) => None,
        }
    }

    fn buckets(&self) -> impl Iterator<Item = (&Vec<u8>, &Tree)> {
        self.0.iter().filter_map(|(key, item)| match item {
            Item::Bucket(below) => Some((key, below)),
            Item::Value(_) => None,
        })
    }

    fn buckets_at(&self, path: &[&[u8]]) -> impl Iterator<Item = (&Vec<u8>, &Tree)> {
        self.bucket(path).into_iter().flat_map(Tree::buckets)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn node(kind: Type, namespace: &[u8], key: &[u8]) -> Node {
    Node { kind, namespace: text(namespace), key: text(key) }
}

fn snapshot(kind: Type, namespace: &[u8], snapshotter: &[u8], name: &[u8]) -> Node {
    Node { kind, namespace: text(namespace), key: format!("{}/{}", text(snapshotter), text(name)) }
}

/// Roots, marking, sweep: how many resources go, and the tree afterwards is the tree itself.
pub(crate) fn collect(tree: &mut Tree, now: Instant) -> usize {
    let mut pending = roots(tree, now);
    let mut seen: HashSet<Node> = HashSet::new();
    let mut marked: HashSet<Node> = HashSet::new();
    while let Some(next) = pending.pop() {
        if !seen.insert(next.clone()) {
            continue;
        }
        pending.extend(references(tree, &next));
        let kind = match next.kind {
            Type::FlatContent => Type::Content,
            Type::FlatSnapshot => Type::Snapshot,
            kind => kind,
        };
        marked.insert(Node { kind, ..next });
    }
    let dead: Vec<Node> = resources(tree).into_iter().filter(|node| !marked.contains(node)).collect();
    for node in &dead {
        remove(tree, node);
    }
    dead.len()
}

fn roots(tree: &Tree, now: Instant) -> Vec<Node> {
    let mut roots = Vec::new();
    for (namespace, there) in tree.buckets_at(&[names::V1]) {
        for (id, lease) in there.buckets_at(&[names::LEASES]) {
            let labels = lease.bucket(&[names::LABELS]);
            let expiry = labels.and_then(|labels| labels.value(names::GC_EXPIRE));
            if expiry.and_then(|value| time::parse_rfc3339(value).ok()).is_some_and(|expiry| now > expiry) {
                continue;
            }
            let is_flat = labels.is_some_and(|labels| labels.value(names::GC_FLAT).is_some());
            let content = if is_flat { Type::FlatContent } else { Type::Content };
            let of_snapshot = if is_flat { Type::FlatSnapshot } else { Type::Snapshot };
            roots.push(node(Type::Lease, namespace, id));
            for digest in lease.bucket(&[names::CONTENT]).into_iter().flat_map(|held| held.0.keys()) {
                roots.push(node(content, namespace, digest));
            }
            for (snapshotter, held) in lease.buckets_at(&[names::SNAPSHOTS]) {
                roots.extend(held.0.keys().map(|name| snapshot(of_snapshot, namespace, snapshotter, name)));
            }
            for reference in lease.bucket(&[names::INGESTS]).into_iter().flat_map(|held| held.0.keys()) {
                roots.push(node(Type::Ingest, namespace, reference));
            }
        }
        for (_, image) in there.buckets_at(&[names::IMAGES]) {
            let digest = image.bucket(&[names::TARGET]).and_then(|target| target.value(names::DIGEST));
            roots.push(node(Type::Content, namespace, digest.unwrap_or_default()));
            label_references(namespace, image, &mut roots);
        }
        for (reference, ingest) in there.buckets_at(&[names::CONTENT, names::INGESTS]) {
            let expiry = ingest.value(names::EXPIRE_AT).and_then(|value| time::from_binary(value).ok());
            if expiry.is_some_and(|expiry| now <= expiry) {
                roots.push(node(Type::Ingest, namespace, reference));
            }
        }
        for (digest, blob) in there.buckets_at(&[names::CONTENT, names::BLOB]) {
            if is_root(blob) {
                roots.push(node(Type::Content, namespace, digest));
            }
        }
        for (_, container) in there.buckets_at(&[names::CONTAINERS]) {
            if let Some(snapshotter) = container.value(names::SNAPSHOTTER) {
                let key = container.value(names::SNAPSHOT_KEY).unwrap_or_default();
                roots.push(snapshot(Type::Snapshot, namespace, snapshotter, key));
            }
            label_references(namespace, container, &mut roots);
        }
        for (snapshotter, snapshots) in there.buckets_at(&[names::SNAPSHOTS]) {
            let pinned = snapshots.buckets().filter(|(_, object)| is_root(object));
            roots.extend(pinned.map(|(name, _)| snapshot(Type::Snapshot, namespace, snapshotter, name)));
        }
    }
    roots
}

fn is_root(object: &Tree) -> bool {
    object.bucket(&[names::LABELS]).is_some_and(|labels| labels.value(names::GC_ROOT).is_some())
}

fn label_references(namespace: &[u8], object: &Tree, found: &mut Vec<Node>) {
    let Some(labels) = object.bucket(&[names::LABELS]) else { return };
    for key in labels.0.range(names::GC_REF_CONTENT.to_vec()..).map(|(key, _)| key) {
        let Some(rest) = key.strip_prefix(names::GC_REF_CONTENT) else { break };
        if matches!(rest.first(), None | Some(b'.' | b'/')) {
            found.push(node(Type::Content, namespace, labels.value(key).unwrap_or_default()));
        }
    }
    for key in labels.0.range(names::GC_REF_SNAPSHOT.to_vec()..).map(|(key, _)| key) {
        let Some(rest) = key.strip_prefix(names::GC_REF_SNAPSHOT) else { break };
        let snapshotter = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        found.push(snapshot(Type::Snapshot, namespace, snapshotter, labels.value(key).unwrap_or_default()));
    }
}

fn references(tree: &Tree, from: &Node) -> Vec<Node> {
    let mut found = Vec::new();
    let (namespace, key) = (from.namespace.as_bytes(), from.key.as_bytes());
    match from.kind {
        Type::Content => {
            if let Some(blob) = tree.bucket(&[names::V1, namespace, names::CONTENT, names::BLOB, key]) {
                label_references(namespace, blob, &mut found);
            }
        }
        Type::Snapshot | Type::FlatSnapshot => {
            let Some((snapshotter, name)) = from.key.split_once('/') else { return found };
            let (snapshotter, name) = (snapshotter.as_bytes(), name.as_bytes());
            let path = [names::V1, namespace, names::SNAPSHOTS, snapshotter, name];
            let Some(object) = tree.bucket(&path) else { return found };
            if let Some(parent) = object.value(names::PARENT).filter(|parent| !parent.is_empty()) {
                found.push(snapshot(from.kind, namespace, snapshotter, parent));
            }
            if from.kind == Type::Snapshot {
                label_references(namespace, object, &mut found);
            }
        }
        Type::Ingest => {
            let path = [names::V1, namespace, names::CONTENT, names::INGESTS, key];
            let expected = tree.bucket(&path).and_then(|ingest| ingest.value(names::EXPECTED));
            found.extend(expected.map(|digest| node(Type::Content, namespace, digest)));
        }
        Type::FlatContent | Type::Lease => {}
    }
    found
}

fn resources(tree: &Tree) -> Vec<Node> {
    let mut all = Vec::new();
    for (namespace, there) in tree.buckets_at(&[names::V1]) {
        all.extend(there.buckets_at(&[names::LEASES]).map(|(id, _)| node(Type::Lease, namespace, id)));
        for (snapshotter, snapshots) in there.buckets_at(&[names::SNAPSHOTS]) {
            let of = |(name, _): (&Vec<u8>, _)| snapshot(Type::Snapshot, namespace, snapshotter, name);
            all.extend(snapshots.buckets().map(of));
        }
        let ingests = there.buckets_at(&[names::CONTENT, names::INGESTS]);
        all.extend(ingests.map(|(reference, _)| node(Type::Ingest, namespace, reference)));
        let blobs = there.buckets_at(&[names::CONTENT, names::BLOB]);
        all.extend(blobs.map(|(digest, _)| node(Type::Content, namespace, digest)));
    }
    all
}

fn remove(tree: &mut Tree, node: &Node) {
    let namespace = node.namespace.as_bytes();
    let (path, key): (Vec<&[u8]>, &str) = match node.kind {
        Type::Lease => (vec![names::V1, namespace, names::LEASES], &node.key),
        Type::Ingest => (vec![names::V1, namespace, names::CONTENT, names::INGESTS], &node.key),
        Type::Content | Type::FlatContent => {
            (vec![names::V1, namespace, names::CONTENT, names::BLOB], &node.key)
        }
        Type::Snapshot | Type::FlatSnapshot => {
            let Some((snapshotter, name)) = node.key.split_once('/') else { return };
            (vec![names::V1, namespace, names::SNAPSHOTS, snapshotter.as_bytes()], name)
        }
    };
    if let Some(bucket) = tree.bucket_mut(&path) {
        bucket.0.remove(key.as_bytes());
    }
}
