//! What stands where in containerd's database, as far as relations have to know it to change a tree.

use crate::bucket::Bucket;
use crate::schema::names;

/// What the keys of a bucket are, and how what they hold is to be read on.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    /// What lies at the end of a path.
    pub(super) fn at(path: &[&[u8]]) -> Place {
        path.iter().fold(Place::Root, |place, key| place.below(key))
    }

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
    let below = |around: &Option<(Vec<Vec<u8>>, Place)>, key: &[u8]| {
        let (path, place) = around.as_ref()?;
        let (new_key, _) = change(*place, key, None)?;
        Some(([&path[..], &[new_key]].concat(), place.below(key)))
    };
    let stays = tree.view().walk(Some((Vec::new(), Place::Root)), below);
    for ((path, place), bucket) in stays.filter_map(|(here, bucket)| Some((here?, bucket))) {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        rebuilt.create_path(&keys).expect("keys stay as long as they were");
        for (key, value) in bucket.iter().filter_map(|(key, entry)| Some((key, entry.value()?))) {
            let Some((new_key, new_value)) = change(place, key, Some(value)) else { continue };
            let value = new_value.unwrap_or_else(|| value.to_vec());
            rebuilt.put(&keys, &new_key, &value).expect("keys stay apart and as long as they were");
        }
    }
    rebuilt
}
