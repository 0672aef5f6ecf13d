//! Cases made of a tree that is drawn directly, valid or not: states that no client can write included.
//!
//! Names come from small pools, so that labels hit their targets, leases hold what exists and digests repeat
//! across namespaces; times lie on `now`, one tick around it, or far away.

use crate::bucket::Bucket;
use crate::collector::{Active, Collector, Leased};
use crate::instant::Instant;
use crate::node::{Node, ResourceType};
use crate::schema::{names, time};
use arbitrary::{Result, Unstructured};

/// A tree with all that a collection of it depends on, the release aside.
#[derive(Clone, Debug)]
pub struct Case {
    /// The database.
    pub tree: Bucket,
    /// The registered collectors, one a type.
    pub collectors: Vec<Collector>,
    /// The collection's `now`.
    pub now: Instant,
    /// Where the seed's shared loop variable ends.
    pub last_iterated: Option<ResourceType>,
}

/// How many bytes a case draws at the most; more would not be looked at.
pub const CASE_BYTES: usize = 1024;

const NAMESPACES: [&[u8]; 3] = [b"a", b"b", b"c"];
const KEYS: [&[u8]; 6] = [b"k0", b"k1", b"k2", b"k3", b"k4", b"k5"];
const SNAPSHOTTERS: [&[u8]; 3] = [b"native", b"overlayfs", b"over/lay"];
const LABELS: [&[u8]; 24] = [
    names::GC_REF_CONTENT,
    b"containerd.io/gc.ref.content.0",
    b"containerd.io/gc.ref.content/x",
    b"containerd.io/gc.ref.contentx",
    b"containerd.io/gc.ref.snapshot.native",
    b"containerd.io/gc.ref.snapshot.overlayfs",
    b"containerd.io/gc.ref.snapshot.overlayfs/x",
    b"containerd.io/gc.ref.image",
    b"containerd.io/gc.ref.image.1",
    b"containerd.io/gc.ref.stream.0",
    b"containerd.io/gc.ref.streams",
    b"containerd.io/gc.ref.test",
    names::GC_ROOT,
    b"containerd.io/gc.rootfs",
    b"containerd.io/gc.bref.container",
    b"containerd.io/gc.bref.content.0",
    b"containerd.io/gc.bref.image",
    b"containerd.io/gc.bref.snapshot.overlayfs",
    b"containerd.io/gc.cond.snapshot.overlayfs",
    b"containerd.io/gc.cond.value-usedat",
    names::GC_EXPIRE,
    names::GC_FLAT,
    b"containerd.io/gc.ref",
    b"maintainer",
];

/// Draws a case.
///
/// # Errors
/// Never for want of bytes: what is missing counts as zeros.
pub fn case(u: &mut Unstructured<'_>) -> Result<Case> {
    let now = Instant { seconds: 63_850_000_000, nanoseconds: *u.choose(&[0, 0, 1, 999_999_999])? };
    let mut draft = Draft { tree: Bucket::new(), now };
    draft.bucket(&[names::V1]);
    for _ in 0..u.int_in_range(1..=24)? {
        draft.object(u)?;
    }
    let mut collectors = Vec::new();
    for (number, label) in [(8, &b"stream"[..]), (16, b"test"), (17, b"")] {
        if u.ratio(1, 4)? {
            collectors.push(collector(u, ResourceType(number), label)?);
        }
    }
    let types: Vec<ResourceType> = collectors.iter().map(|collector| collector.resource_type).collect();
    let last_iterated = if types.is_empty() { None } else { Some(*u.choose(&types)?) };
    Ok(Case { tree: draft.tree, collectors, now, last_iterated })
}

struct Draft {
    tree: Bucket,
    now: Instant,
}

impl Draft {
    fn object(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (namespace, key) = (*u.choose(&NAMESPACES[..2])?, *u.choose(&KEYS)?);
        let snapshotter = if u.ratio(1, 16)? { SNAPSHOTTERS[2] } else { *u.choose(&SNAPSHOTTERS[..2])? };
        let root = [names::V1, namespace];
        match u.int_in_range(0..=11)? {
            0..=2 => {
                let path = [root[0], root[1], names::CONTENT, names::BLOB, key];
                self.bucket(&path);
                self.labels(u, &path)?;
            }
            3..=5 => {
                let path = [root[0], root[1], names::SNAPSHOTS, snapshotter, key];
                self.bucket(&path);
                if u.ratio(1, 2)? {
                    self.value(&path, names::PARENT, u.choose(&KEYS)?);
                }
                self.labels(u, &path)?;
            }
            6..=8 => self.lease(u, &[root[0], root[1], names::LEASES, key], snapshotter)?,
            9 => {
                let path = [root[0], root[1], names::IMAGES, key];
                self.bucket(&path);
                if u.ratio(7, 8)? {
                    self.value(&[&path[..], &[names::TARGET]].concat(), names::DIGEST, u.choose(&KEYS)?);
                }
                self.labels(u, &path)?;
            }
            10 => {
                let path = [root[0], root[1], names::CONTENT, names::INGESTS, key];
                self.bucket(&path);
                if u.ratio(3, 4)? {
                    self.value(&path, names::EXPECTED, u.choose(&KEYS)?);
                }
                if u.ratio(3, 4)? {
                    let mut expiry = time::to_binary(self.time_near_now(u)?);
                    if u.ratio(1, 32)? {
                        expiry.truncate(u.int_in_range(0..=14)?);
                    }
                    self.value(&path, names::EXPIRE_AT, &expiry);
                }
            }
            _ => {
                let object = if u.ratio(1, 4)? { names::SANDBOXES } else { names::CONTAINERS };
                let path = [root[0], root[1], object, key];
                self.bucket(&path);
                self.value(&path, names::SNAPSHOTTER, snapshotter);
                self.value(&path, names::SNAPSHOT_KEY, u.choose(&KEYS)?);
                self.labels(u, &path)?;
            }
        }
        Ok(())
    }

    fn lease(&mut self, u: &mut Unstructured<'_>, path: &[&[u8]], snapshotter: &[u8]) -> Result<()> {
        self.bucket(path);
        let labels = [path, &[names::LABELS]].concat();
        if u.ratio(1, 2)? {
            let expiry = match u.int_in_range(0..=15)? {
                0 => "tomorrow".to_owned(),
                1..=4 => time::format_rfc3339_nano(self.now),
                _ => time::format_rfc3339_nano(self.time_near_now(u)?),
            };
            self.value(&labels, names::GC_EXPIRE, expiry.as_bytes());
        }
        if u.ratio(1, 3)? {
            self.value(&labels, names::GC_FLAT, b"");
        }
        for _ in 0..u.int_in_range(0..=3)? {
            let key = *u.choose(&KEYS)?;
            let held = match u.int_in_range(0..=7)? {
                0..=2 => vec![names::CONTENT],
                3..=5 => vec![names::SNAPSHOTS, snapshotter],
                6 => vec![names::INGESTS],
                _ => vec![names::IMAGES],
            };
            self.value(&[path, &held].concat(), key, b"");
        }
        Ok(())
    }

    fn labels(&mut self, u: &mut Unstructured<'_>, path: &[&[u8]]) -> Result<()> {
        let path = [path, &[names::LABELS]].concat();
        for _ in 0..u.int_in_range(0..=3)? {
            let label = *u.choose(&LABELS)?;
            if u.ratio(1, 32)? {
                self.bucket(&[&path[..], &[label]].concat());
                continue;
            }
            let value = match label {
                names::GC_EXPIRE | b"containerd.io/gc.cond.value-usedat" => {
                    time::format_rfc3339_nano(self.time_near_now(u)?).into_bytes()
                }
                b"containerd.io/gc.cond.snapshot.overlayfs" => {
                    let condition =
                        *u.choose(&["usedat<1h", "usedat>1h,usedat<2s", "usedat<=1h", "usedat<1d"])?;
                    [condition.as_bytes(), b"|", *u.choose(&KEYS)?].concat()
                }
                _ => u.choose(&KEYS)?.to_vec(),
            };
            self.value(&path, label, &value);
        }
        Ok(())
    }

    /// Now, one tick around it, one second around it, or far away.
    fn time_near_now(&self, u: &mut Unstructured<'_>) -> Result<Instant> {
        let Instant { seconds, nanoseconds } = self.now;
        let billion = 1_000_000_000;
        let ticks = i64::from(nanoseconds) + *u.choose(&[0, 1, -1, billion, -billion])?;
        let far = *u.choose(&[0, 0, 0, 86_400, -86_400])?;
        let nanoseconds = u32::try_from(ticks.rem_euclid(billion)).expect("below 10^9");
        Ok(Instant { seconds: seconds + ticks.div_euclid(billion) + far, nanoseconds })
    }

    /// Creates the buckets of a path. Where a value is in the way, the path ends before it.
    fn bucket(&mut self, path: &[&[u8]]) {
        for end in 0..path.len() {
            // A bucket that exists already and a value in the way are part of the draw.
            let _refused = self.tree.create_bucket(&path[..end], path[end]);
        }
    }

    fn value(&mut self, path: &[&[u8]], key: &[u8], value: &[u8]) {
        self.bucket(path);
        // A bucket of this name stays what it is.
        let _refused = self.tree.put(path, key, value);
    }
}

fn collector(u: &mut Unstructured<'_>, resource_type: ResourceType, label: &[u8]) -> Result<Collector> {
    let mut collector = Collector::new(resource_type);
    collector.reference_label = label.to_vec();
    collector.start_error = u.ratio(1, 8)?;
    for _ in 0..u.int_in_range(0..=4)? {
        let (namespace, key) = (*u.choose(&NAMESPACES)?, *u.choose(&KEYS)?);
        let node = Node::new(resource_type, namespace, key);
        if u.ratio(1, 4)? {
            collector.active.push(Active { for_namespace: namespace.into(), node: node.clone() });
        }
        if u.ratio(1, 4)? {
            let lease = (*u.choose(&KEYS)?).into();
            collector.leased.push(Leased { for_namespace: namespace.into(), lease, node: node.clone() });
        }
        collector.all.push(node);
    }
    Ok(collector)
}
