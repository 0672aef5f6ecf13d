//! Names that only the write side uses, beside those of `schema::names`.

pub(super) use crate::schema::names::{
    BLOB, CHILDREN, CONTAINERS, CONTENT, DIGEST, EXPECTED, EXPIRE_AT, GC_EXPIRE, IMAGES, INGESTS, LABELS,
    LEASES, MEDIA_TYPE, NAME, PARENT, REF, SANDBOXES, SIZE, SNAPSHOT_KEY, SNAPSHOTS, SNAPSHOTTER, TARGET, V1,
    VERSION,
};

pub(super) const ANNOTATIONS: &[u8] = b"annotations";
pub(super) const CREATED_AT: &[u8] = b"createdat";
pub(super) const UPDATED_AT: &[u8] = b"updatedat";
pub(super) const EXTENSIONS: &[u8] = b"extensions";
pub(super) const IMAGE: &[u8] = b"image";
pub(super) const OPTIONS: &[u8] = b"options";
pub(super) const RUNTIME: &[u8] = b"runtime";
pub(super) const SANDBOX_ID: &[u8] = b"sandboxid";
pub(super) const SANDBOXER: &[u8] = b"sandboxer";
pub(super) const SPEC: &[u8] = b"spec";

/// Ingests before database version 2: references to backend references.
pub(super) const INGEST: &[u8] = b"ingest";

/// Lets every namespace use a namespace's content (`labels.LabelSharedNamespace`).
pub(super) const SHAREABLE: &[u8] = b"containerd.io/namespace.shareable";
/// The snapshot that a client wants in the end (`labelSnapshotRef`).
pub(super) const SNAPSHOT_REF: &[u8] = b"containerd.io/snapshot.ref";
/// Labels that the backend's snapshot gets too begin with this (`inheritedLabelsPrefix`).
pub(super) const SNAPSHOT_INHERITED: &[u8] = b"containerd.io/snapshot/";
