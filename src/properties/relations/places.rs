//! What stands where in containerd's database, as far as relations have to know it to change a tree.

use crate::bucket::{Bucket, Entry, View};
use crate::schema::names;

/// What the keys of a bucket are, and how what they hold is to be read on.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Root,
    Namespaces,
    Namespace,
    Lease,
    /// Names with objects of a kind below.
    Objects(Object),
    Content,
    /// Names with snapshots below, or with names of snapshots in a lease.
    Snapshotters(Object),
    Object(Object),
    /// Names and nothing below them that matters.
    Names,
    Labels,
    Target,
    /// Nothing here is a name.
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Lease,
    Blob,
    Ingest,
    Image,
    Container,
    Sandbox,
    Snapshot,
    /// The name of a snapshot in a lease.
    Held,
}

impl Place {
    /// Whether its keys are names.
    pub(super) fn has_names(self) -> bool {
        matches!(self, Place::Namespaces | Place::Objects(_) | Place::Snapshotters(_) | Place::Names)
    }

    /// What lies under a key.
    pub(super) fn below(self, key: &[u8]) -> Place {
        match (self, key) {
            (Place::Root, names::V1) => Place::Namespaces,
            (Place::Namespaces, _) => Place::Namespace,
            (Place::Namespace, names::LEASES) => Place::Objects(Object::Lease),
            (Place::Namespace, names::IMAGES) => Place::Objects(Object::Image),
            (Place::Namespace, names::CONTAINERS) => Place::Objects(Object::Container),
            (Place::Namespace, names::SANDBOXES) => Place::Objects(Object::Sandbox),
            (Place::Namespace, names::CONTENT) => Place::Content,
            (Place::Namespace, names::SNAPSHOTS) => Place::Snapshotters(Object::Snapshot),
            (Place::Content, names::BLOB) => Place::Objects(Object::Blob),
            (Place::Content, names::INGESTS) => Place::Objects(Object::Ingest),
            (Place::Snapshotters(object), _) => Place::Objects(object),
            (Place::Objects(Object::Lease), _) => Place::Lease,
            (Place::Objects(object), _) => Place::Object(object),
            (Place::Lease, names::CONTENT | names::INGESTS | names::IMAGES) => Place::Names,
            (Place::Lease, names::SNAPSHOTS) => Place::Snapshotters(Object::Held),
            (Place::Object(Object::Image), names::TARGET) => Place::Target,
            (Place::Object(Object::Snapshot), names::CHILDREN) => Place::Names,
            (Place::Object(Object::Ingest | Object::Held), _) => Place::Other,
            (Place::Object(_), names::LABELS) => Place::Labels,
            _ => Place::Other,
        }
    }

    /// Whether the value under a key is a name.
    pub(super) fn is_name(self, key: &[u8]) -> bool {
        matches!(
            (self, key),
            (Place::Object(Object::Ingest), names::EXPECTED)
                | (Place::Object(Object::Snapshot), names::PARENT)
                | (Place::Object(Object::Container), names::SNAPSHOTTER | names::SNAPSHOT_KEY)
                | (Place::Target, names::DIGEST)
        )
    }
}

/// The tree with every entry passed through `change`, sequence numbers left out. What is dropped goes with all below
/// it; where two entries come to the same key the later one counts.
pub(super) fn rebuilt(
    tree: &Bucket,
    change: impl Fn(Place, &[u8], Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)>,
) -> Bucket {
    let mut rebuilt = Bucket::new();
    let mut pending: Vec<(Vec<Vec<u8>>, Place, View<'_>)> = vec![(Vec::new(), Place::Root, tree.view())];
    while let Some((path, place, bucket)) = pending.pop() {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        for (key, entry) in bucket.iter() {
            let Some((new_key, new_value)) = change(place, key, entry.value()) else { continue };
            match entry {
                Entry::Value(value) => {
                    let value = new_value.unwrap_or_else(|| value.to_vec());
                    rebuilt.put(&keys, &new_key, &value).expect("keys stay apart and as long as they were");
                }
                Entry::Bucket(below) => {
                    rebuilt.create_bucket(&keys, &new_key).expect("keys stay apart and as long as they were");
                    let mut path = path.clone();
                    path.push(new_key);
                    pending.push((path, place.below(key), below));
                }
            }
        }
    }
    rebuilt
}

/// Creates the buckets of a path; where a value is in the way it ends before it.
pub(super) fn create_path(tree: &mut Bucket, path: &[&[u8]]) {
    for end in 0..path.len() {
        // Most exist already.
        let _exists = tree.create_bucket(&path[..end], path[end]);
    }
}
