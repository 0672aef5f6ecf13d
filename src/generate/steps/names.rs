//! The names of a case: small pools, so that labels hit their targets, leases hold what exists, and digests repeat
//! across namespaces.
//!
//! The first names of a pool are hot. All of it is drawn from in cases with cold names, where most objects never meet.

use crate::scenario::{Name, alias};
use std::sync::LazyLock;

/// Content by digest.
pub(super) static BLOBS: LazyLock<Vec<Name>> = LazyLock::new(|| {
    let digest =
        |letter| alias::digest_of(char::from(letter).encode_utf8(&mut [0; 4])).expect("a letter is a name");
    (b'a'..=b'x').map(digest).collect()
});

/// The place of a digest that is seldom referred to.
pub(super) const STRAY: usize = 20;
/// Committed snapshots, which can be parents.
pub(super) const SNAPSHOTS: [&[u8]; 16] = [
    b"s0", b"s1", b"s2", b"s3", b"s4", b"s5", b"s6", b"s7", b"s8", b"s9", b"s10", b"s11", b"s12", b"s13",
    b"s14", b"s15",
];
/// Active snapshots.
pub(super) const ACTIVE: [&[u8]; 6] = [b"e0", b"e1", b"e2", b"e3", b"e4", b"e5"];
pub(super) const IMAGES: [&[u8]; 8] = [b"i0", b"i1", b"i2", b"i3", b"i4", b"i5", b"i6", b"i7"];
pub(super) const LEASES: [&[u8]; 8] = [b"l0", b"l1", b"l2", b"l3", b"l4", b"l5", b"l6", b"l7"];
pub(super) const INGESTS: [&[u8]; 6] = [b"r0", b"r1", b"r2", b"r3", b"r4", b"r5"];
pub(super) const CONTAINERS: [&[u8]; 6] = [b"c0", b"c1", b"c2", b"c3", b"c4", b"c5"];
pub(super) const SANDBOXES: [&[u8]; 2] = [b"b0", b"b1"];
/// Resources of collectors.
pub(super) const RESOURCES: [&[u8]; 6] = [b"x0", b"x1", b"x2", b"x3", b"x4", b"x5"];
/// How many names of a pool are hot.
pub(super) const HOT: usize = 4;
/// Of content and snapshots, from which chains are made, some more.
pub(super) const HOT_CHAINED: usize = 6;

/// The snapshotters that real daemons have.
pub(super) const SNAPSHOTTERS: [&[u8]; 2] = [b"native", b"overlayfs"];
/// Snapshotters whose snapshots get in each other's way: containerd cuts a snapshot's key at its first slash.
pub(super) const SLASHED: [&[u8]; 2] = [b"over/lay", b"over"];
/// One that begins the name of another.
pub(super) const PREFIX_SNAPSHOTTER: &[u8] = b"overlay";
/// Namespaces of which one begins the other.
pub(super) const PREFIX_NAMESPACES: [&[u8]; 4] = [b"default", b"default", b"default0", b"def"];
/// The second namespace.
pub(super) const OTHER: &[u8] = b"other";

/// Names of 70 bytes of which all but the last are alike.
pub(super) const LONG: [&[u8]; 2] = [
    b"a-name-as-long-as-those-of-tools-that-write-a-whole-digest-into-it-000",
    b"a-name-as-long-as-those-of-tools-that-write-a-whole-digest-into-it-001",
];
/// Names that are met in every kind and namespace, fixed keys among them.
pub(super) const SHARED: [&[u8]; 11] = [
    b"x",
    b"labels",
    b"content",
    b"blob",
    b"ingests",
    b"children",
    b"target",
    b"version",
    b"v1",
    LONG[0],
    LONG[1],
];
/// Digests of which all but the last byte are alike.
pub(super) static TWINS: LazyLock<[Name; 2]> =
    LazyLock::new(|| [0, 1].map(|last| format!("sha256:{:063}{last}", 0).into_bytes()));

/// Names that no identifier may have, for what is not held to be one.
pub(super) const RAW: [&[u8]; 8] =
    [b"a/b", b"lay/s0", b"\xff\xfe", b"a b", b"", b"x\0y", "\u{e9}=".as_bytes(), b"sha256:00"];
