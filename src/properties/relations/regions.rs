//! What stands where in containerd's database, as far as relations have to know it to change a tree.

use crate::bucket::Bucket;
use crate::schema::names;

/// What the keys of a bucket are, and how what they hold is to be read on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
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

impl Region {
    /// What lies at the end of a path.
    pub(super) fn at(path: &[&[u8]]) -> Region {
        path.iter().fold(Region::Root, |region, key| region.below(key))
    }

    /// Whether its keys are names.
    pub(super) fn has_names(self) -> bool {
        matches!(self, Region::Namespaces | Region::Objects(_) | Region::Snapshotters(_) | Region::Names)
    }

    /// What lies under a key.
    pub(super) fn below(self, key: &[u8]) -> Region {
        match (self, key) {
            (Region::Root, names::V1) => Region::Namespaces,
            (Region::Namespaces, _) => Region::Namespace,
            (Region::Namespace, names::LEASES) => Region::Objects(Object::Lease),
            (Region::Namespace, names::IMAGES) => Region::Objects(Object::Image),
            (Region::Namespace, names::CONTAINERS) => Region::Objects(Object::Container),
            (Region::Namespace, names::SANDBOXES) => Region::Objects(Object::Sandbox),
            (Region::Namespace, names::CONTENT) => Region::Content,
            (Region::Namespace, names::SNAPSHOTS) => Region::Snapshotters(Object::Snapshot),
            (Region::Content, names::BLOB) => Region::Objects(Object::Blob),
            (Region::Content, names::INGESTS) => Region::Objects(Object::Ingest),
            (Region::Snapshotters(object), _) => Region::Objects(object),
            (Region::Objects(Object::Lease), _) => Region::Lease,
            (Region::Objects(object), _) => Region::Object(object),
            (Region::Lease, names::CONTENT | names::INGESTS | names::IMAGES) => Region::Names,
            (Region::Lease, names::SNAPSHOTS) => Region::Snapshotters(Object::Held),
            (Region::Object(Object::Image), names::TARGET) => Region::Target,
            (Region::Object(Object::Snapshot), names::CHILDREN) => Region::Names,
            (Region::Object(Object::Ingest | Object::Held), _) => Region::Other,
            (Region::Object(_), names::LABELS) => Region::Labels,
            _ => Region::Other,
        }
    }

    /// Whether the value under a key is a name.
    pub(super) fn is_name(self, key: &[u8]) -> bool {
        matches!(
            (self, key),
            (Region::Object(Object::Ingest), names::EXPECTED)
                | (Region::Object(Object::Snapshot), names::PARENT)
                | (Region::Object(Object::Container), names::SNAPSHOTTER | names::SNAPSHOT_KEY)
                | (Region::Target, names::DIGEST)
        )
    }
}

/// The tree with every entry passed through `change`, sequence numbers left out. What is dropped goes with all below
/// it; where two entries come to the same key the later one counts.
pub(super) fn rebuilt(
    tree: &Bucket,
    change: impl Fn(Region, &[u8], Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)>,
) -> Bucket {
    let mut rebuilt = Bucket::new();
    let below = |around: &Option<(Vec<Vec<u8>>, Region)>, key: &[u8]| {
        let (path, region) = around.as_ref()?;
        let (new_key, _) = change(*region, key, None)?;
        Some(([&path[..], &[new_key]].concat(), region.below(key)))
    };
    let stays = tree.view().walk(Some((Vec::new(), Region::Root)), below);
    for ((path, region), bucket) in stays.filter_map(|(here, bucket)| Some((here?, bucket))) {
        let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        rebuilt.create_path(&keys).expect("keys stay as long as they were");
        for (key, value) in bucket.iter().filter_map(|(key, entry)| Some((key, entry.value()?))) {
            let Some((new_key, new_value)) = change(region, key, Some(value)) else { continue };
            let value = new_value.unwrap_or_else(|| value.to_vec());
            rebuilt.put(&keys, &new_key, &value).expect("keys stay apart and as long as they were");
        }
    }
    rebuilt
}
