//! Namespaces (containerd's `metadata/namespaces.go`): a bucket under `v1` each, with labels.

use super::Store;

use super::error::{Error, ErrorKind, Shown};
use super::fields::{self, Label, ordered};
use super::names::{BLOB, CONTAINERS, CONTENT, IMAGES, LABELS, SNAPSHOTS, V1};
use super::validate;
use crate::bucket::{Builder, View};

impl Store {
    /// Creates a namespace (`namespaceStore.Create`). Every other write creates its namespace by itself, without
    /// the `labels` bucket that this one leaves. Labels with empty values are kept here, and only here.
    ///
    /// A namespace called `v1` is allowed; up to 1.7 its sandboxes lie where a collection reads a namespace called
    /// `sandboxes` (L18).
    ///
    /// # Errors
    /// A malformed name, or a label that is too large: invalid argument. It exists: already exists.
    pub fn create_namespace(&mut self, namespace: &[u8], labels: &[Label]) -> Result<(), Error> {
        validate::identifier("namespace", namespace)?;
        validate::labels("namespace", labels)?;
        self.refuse_taken(&[V1], namespace, "namespace")?;
        let mut builder = Builder::new();
        fields::open(&mut builder, LABELS);
        fields::build_entries(&mut builder, ordered(labels).iter())?;
        builder.close();
        let bucket = builder.finish();
        self.put_object(&[V1], namespace, &bucket)
    }

    /// Sets a namespace's label, or drops it where the value is empty (`namespaceStore.SetLabel`). It creates the
    /// namespace if need be, and does not look whether the name is one.
    ///
    /// # Errors
    /// The label is too large: invalid argument.
    pub fn set_namespace_label(&mut self, namespace: &[u8], key: &[u8], value: &[u8]) -> Result<(), Error> {
        validate::label("namespace", key, value)?;
        let labels = [V1, namespace, LABELS];
        self.update(|store| {
            store.tree.create_path(&labels)?;
            if value.is_empty() {
                store.tree.delete(&labels, key)?;
            } else {
                store.tree.put(&labels, key, value)?;
            }
            Ok(())
        })
    }

    /// Deletes a namespace without images, blobs, containers and snapshots (`namespaceStore.Delete`). Leases,
    /// ingests and sandboxes do not hold it, and nothing becomes dirty, so that what they had in the backends stays
    /// there for the time being (L17).
    ///
    /// # Errors
    /// Something of the four is left: failed precondition. No such namespace: not found. No `v1` at all: the daemon
    /// crashes (40, containerd #12509), which no daemon meets that has opened the database itself.
    pub fn delete_namespace(&mut self, namespace: &[u8]) -> Result<(), Error> {
        if self.at(&[V1]).is_none() {
            let shown = Shown(namespace);
            return Err(Error::new(
                ErrorKind::Crash,
                format_args!("namespace {shown}: there is no bucket v1"),
            ));
        }
        let rest = self.objects_left(namespace);
        if !rest.is_empty() {
            let (shown, rest) = (Shown(namespace), rest.join(", "));
            return Err(Error::new(
                ErrorKind::FailedPrecondition,
                format_args!("namespace {shown} is not empty, it has {rest}"),
            ));
        }
        self.delete_object(&[V1], namespace, "namespace")
    }

    /// The kinds of objects that keep a namespace from being deleted (`listNs`).
    fn objects_left(&self, namespace: &[u8]) -> Vec<String> {
        let Some(there) = self.at(&[V1, namespace]) else { return Vec::new() };
        let paths: [(&[&[u8]], &str); 3] =
            [(&[IMAGES], "images"), (&[CONTENT, BLOB], "blobs"), (&[CONTAINERS], "containers")];
        let is_filled = |path: &[&[u8]]| there.at(path).is_some_and(|bucket| !bucket.is_empty());
        let mut left: Vec<String> =
            paths.iter().filter(|(path, _)| is_filled(path)).map(|(_, name)| (*name).to_owned()).collect();
        let snapshotters = there.bucket(SNAPSHOTS).into_iter().flat_map(View::buckets);
        let filled = snapshotters.filter(|(_, snapshots)| !snapshots.is_empty());
        left.extend(filled.map(|(snapshotter, _)| format!("snapshots of {}", Shown(snapshotter))));
        left
    }
}
