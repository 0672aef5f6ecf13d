//! The names of buckets, keys and labels, as containerd's `metadata/buckets.go` and `metadata/gc.go` have them.

/// The schema's version, the bucket under which everything lies.
pub const V1: &[u8] = b"v1";
/// The database's version, a varint under `v1` that Go writes with `binary.PutVarint`.
pub const VERSION: &[u8] = b"version";

/// Leases of a namespace.
pub const LEASES: &[u8] = b"leases";
/// Images of a namespace, or of a lease.
pub const IMAGES: &[u8] = b"images";
/// Content of a namespace (with `blob` and `ingests`), or of a lease (digests).
pub const CONTENT: &[u8] = b"content";
/// Blobs of a namespace's content.
pub const BLOB: &[u8] = b"blob";
/// Ingests of a namespace's content, or of a lease.
pub const INGESTS: &[u8] = b"ingests";
/// Containers of a namespace.
pub const CONTAINERS: &[u8] = b"containers";
/// Snapshots of a namespace, or of a lease, by snapshotter.
pub const SNAPSHOTS: &[u8] = b"snapshots";
/// Sandboxes of a namespace.
pub const SANDBOXES: &[u8] = b"sandboxes";
/// Labels of any object.
pub const LABELS: &[u8] = b"labels";

/// An image's target.
pub const TARGET: &[u8] = b"target";
/// A target's digest.
pub const DIGEST: &[u8] = b"digest";
/// A blob's or a target's size in bytes, a varint.
pub const SIZE: &[u8] = b"size";
/// A target's media type.
pub const MEDIA_TYPE: &[u8] = b"mediatype";
/// A container's snapshotter.
pub const SNAPSHOTTER: &[u8] = b"snapshotter";
/// A container's snapshot, with a capital K.
pub const SNAPSHOT_KEY: &[u8] = b"snapshotKey";
/// A snapshot's parent, a key of the same snapshotter.
pub const PARENT: &[u8] = b"parent";
/// A snapshot's children, keys of the same snapshotter.
pub const CHILDREN: &[u8] = b"children";
/// The number of a snapshot in its snapshotter's own database, an unsigned varint; mostly its folder is called so.
pub const ID: &[u8] = b"id";
/// A snapshot's name in the backend.
pub const NAME: &[u8] = b"name";
/// An ingest's reference in the backend.
pub const REF: &[u8] = b"ref";
/// An ingest's expiry, Go's binary time.
pub const EXPIRE_AT: &[u8] = b"expireat";
/// The digest that an ingest is expected to have.
pub const EXPECTED: &[u8] = b"expected";

/// Makes content and snapshots roots.
pub const GC_ROOT: &[u8] = b"containerd.io/gc.root";
/// What every reference label begins with; a collector's label follows.
pub const GC_REF: &[u8] = b"containerd.io/gc.ref.";
/// Refers to content.
pub const GC_REF_CONTENT: &[u8] = b"containerd.io/gc.ref.content";
/// Refers to a snapshot; the snapshotter follows.
pub const GC_REF_SNAPSHOT: &[u8] = b"containerd.io/gc.ref.snapshot.";
/// Refers to an image (from 2.0).
pub const GC_REF_IMAGE: &[u8] = b"containerd.io/gc.ref.image";
/// A lease's, from 2.0 also an image's, expiry in RFC 3339.
pub const GC_EXPIRE: &[u8] = b"containerd.io/gc.expire";
/// Makes a lease flat.
pub const GC_FLAT: &[u8] = b"containerd.io/gc.flat";
/// Is kept while a container is reached (from 2.2).
pub const GC_BREF_CONTAINER: &[u8] = b"containerd.io/gc.bref.container";
/// Is kept while content is reached (from 2.2).
pub const GC_BREF_CONTENT: &[u8] = b"containerd.io/gc.bref.content";
/// Is kept while an image is reached (from 2.2).
pub const GC_BREF_IMAGE: &[u8] = b"containerd.io/gc.bref.image";
/// Is kept while a snapshot is reached (from 2.2); the snapshotter follows.
pub const GC_BREF_SNAPSHOT: &[u8] = b"containerd.io/gc.bref.snapshot.";
/// Refers to a snapshot while a condition on its values holds (from 2.3).
pub const GC_COND_SNAPSHOT: &[u8] = b"containerd.io/gc.cond.snapshot";
/// When a snapshot was last used, for conditions (from 2.3).
pub const GC_COND_USED_AT: &[u8] = b"containerd.io/gc.cond.value-usedat";
