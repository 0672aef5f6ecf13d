//! A namespace of a database, and ways to what it has.

use super::finding::{Object, Subject};
use crate::bucket::{Bucket, Entry, View};
use crate::node::Kind;
use crate::schema::{names, views};
use crate::text;

/// A namespace.
#[derive(Clone, Copy)]
pub(super) struct Namespace<'t> {
    tree: &'t Bucket,
    pub(super) name: &'t [u8],
    pub(super) view: View<'t>,
    /// What lies under its name beside `v1`: sandboxes of 1.7.
    pub(super) beside: View<'t>,
}

impl<'t> Namespace<'t> {
    /// Those of a database.
    pub(super) fn all(tree: &'t Bucket) -> impl Iterator<Item = Namespace<'t>> {
        let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
        namespaces.map(|(name, view)| {
            let beside = Some(name).filter(|name| *name != names::V1).and_then(|name| tree.bucket(name));
            Namespace { tree, name, view, beside: beside.unwrap_or(View::EMPTY) }
        })
    }

    /// What lies at a path.
    pub(super) fn at(self, path: &[&[u8]]) -> View<'t> {
        self.view.at(path).unwrap_or(View::EMPTY)
    }

    pub(super) fn blobs(self) -> View<'t> {
        self.at(&[names::CONTENT, names::BLOB])
    }

    pub(super) fn ingests(self) -> View<'t> {
        self.at(&[names::CONTENT, names::INGESTS])
    }

    pub(super) fn images(self) -> View<'t> {
        self.at(&[names::IMAGES])
    }

    pub(super) fn containers(self) -> View<'t> {
        self.at(&[names::CONTAINERS])
    }

    pub(super) fn leases(self) -> View<'t> {
        self.at(&[names::LEASES])
    }

    /// The snapshotters and their snapshots.
    pub(super) fn snapshotters(self) -> impl Iterator<Item = (&'t [u8], View<'t>)> {
        self.at(&[names::SNAPSHOTS]).buckets()
    }

    pub(super) fn has_sandbox(self, id: &[u8]) -> bool {
        let of = |view: View<'_>| view.at(&[names::SANDBOXES, id]).is_some();
        of(self.view) || of(self.beside)
    }

    /// Whether there is an object of this name.
    pub(super) fn has(self, kind: Kind, key: &[u8]) -> bool {
        views::has(self.tree, kind, self.name, key)
    }

    /// Whether there is what may be a node.
    pub(super) fn has_object(self, object: &Object) -> bool {
        matches!(object.subject, Subject::Node(kind) if self.has(kind, &object.key))
    }
}

/// An object's labels, those that are buckets aside.
pub(super) fn labels(object: View<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    let labels = object.bucket(names::LABELS).into_iter().flat_map(View::iter);
    labels.filter_map(|(key, entry)| match entry {
        Entry::Value(value) => Some((key, value)),
        Entry::Bucket(_) => None,
    })
}

/// A label as people know it, without `containerd.io/`.
pub(super) fn shown(key: &[u8]) -> String {
    const BYTES_MAX: usize = 80;
    let short = key.strip_prefix(b"containerd.io/").unwrap_or(key);
    match short.get(..BYTES_MAX) {
        Some(begin) if short.len() > BYTES_MAX => format!("{}...", text::name(begin)),
        _ => text::name(short),
    }
}

/// What follows `containerd.io/gc.ref.content` in a label's key that refers to content, without the separator.
pub(super) fn content_reference(key: &[u8]) -> Option<&[u8]> {
    match key.strip_prefix(names::GC_REF_CONTENT)? {
        [] => Some(&[]),
        [b'.' | b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}
