//! Cases made of a tree that is drawn directly, valid or not: states that no client can write included.
//!
//! Names come from small pools, so that labels hit their targets, leases hold what exists and digests repeat
//! across namespaces; times lie on `now`, one tick around it, or far away. Collectors are numbered as in
//! [`NUMBERING`]; every release takes their types, whatever they mean there, so that a drawn situation can be collected
//! under any release with or without renumbering.

use crate::bucket::Bucket;
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::generate::seed::Seed;
use crate::instant::Instant;
use crate::node::{Kind, Node, ResourceType};
use crate::release::Release;
use crate::schema::{names, time, varint};
use crate::situation::Situation;
use arbitrary::{Result, Unstructured};
use std::sync::Arc;

/// How many bytes a case draws at the most; more would not be looked at.
pub const CASE_BYTES: usize = 1024;
/// The release whose numbers the collectors and their nodes have.
pub const NUMBERING: Release = Release::V2_4;

const NAMESPACES: [&[u8]; 3] = [b"a", b"b", b"c"];
const KEYS: [&[u8]; 6] = [b"k0", b"k1", b"k2", b"k3", b"k4", b"k5"];
const SNAPSHOTTERS: [&[u8]; 3] = [b"native", b"overlayfs", b"over/lay"];
/// A snapshotter whose snapshots get in the way of those of `over/lay`.
const OVER: &[u8] = b"over";
/// The collectors that may be registered: those of streams and of mounts, and two of plugins.
const COLLECTORS: [(Kind, &[u8]); 4] =
    [(Kind::Stream, b"stream"), (Kind::Mount, b"mount"), (Kind::Other(16), b"test"), (Kind::Other(17), b"")];
const USED_AT: &[u8] = b"containerd.io/gc.cond.value-usedat";
const CONDITION: &[u8] = b"containerd.io/gc.cond.snapshot.overlayfs";
const LABELS: [&[u8]; 28] = [
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
    b"containerd.io/gc.ref.mount",
    b"containerd.io/gc.ref.test",
    names::GC_ROOT,
    b"containerd.io/gc.rootfs",
    b"containerd.io/gc.root.x",
    b"containerd.io/gc.bref.container",
    b"containerd.io/gc.bref.content.0",
    b"containerd.io/gc.bref.image",
    b"containerd.io/gc.bref.snapshot.overlayfs",
    CONDITION,
    CONDITION,
    USED_AT,
    b"containerd.io/gc.cond.value-usedat.1",
    names::GC_EXPIRE,
    names::GC_FLAT,
    b"containerd.io/gc.ref",
    b"maintainer",
];

/// Draws a case, under the release that numbers its collectors.
///
/// # Errors
/// Never for want of bytes: what is missing counts as zeros.
pub fn case(u: &mut Unstructured<'_>) -> Result<Situation> {
    let now = Instant { seconds: 63_850_000_000, nanoseconds: *u.choose(&[0, 0, 1, 999_999_999])? };
    let mut draft = Draft { tree: Bucket::new(), now };
    draft.bucket(&[names::V1]);
    // A database of 1.x, which may have its sandboxes beside `v1`; without a version it is one of the oldest.
    if u.ratio(7, 8)? {
        draft.value(&[names::V1], names::VERSION, &varint::encode_signed(3));
    }
    for _ in 0..u.int_in_range(1..=24)? {
        draft.object(u)?;
    }
    let mut collectors = Vec::new();
    for (kind, label) in COLLECTORS {
        if u.ratio(1, 4)? {
            collectors.push(collector(u, number(kind), label)?);
        }
    }
    let types: Vec<ResourceType> = collectors.iter().map(|collector| collector.resource_type).collect();
    let last_iterated = if types.is_empty() { None } else { Some(*u.choose(&types)?) };
    let situation = Situation::new(draft.tree, NUMBERING, now);
    Ok(Situation { collectors: Arc::new(collectors), last_iterated, ..situation })
}

/// Draws the case of a seed by its number.
pub fn draw(seed: &Seed, number: u64) -> Situation {
    let mut bytes = [0; CASE_BYTES];
    seed.case_bytes(number, &mut bytes);
    case(&mut Unstructured::new(&bytes)).expect("drawing from too few bytes gives zeros")
}

struct Draft {
    tree: Bucket,
    now: Instant,
}

impl Draft {
    fn object(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let (namespace, key) = (*u.choose(&NAMESPACES[..2])?, *u.choose(&KEYS)?);
        let snapshotter = match u.int_in_range(0..=31)? {
            0 | 1 => SNAPSHOTTERS[2],
            2 => OVER,
            _ => *u.choose(&SNAPSHOTTERS[..2])?,
        };
        let root = [names::V1, namespace];
        match u.int_in_range(0..=11)? {
            0..=2 => {
                let path = [root[0], root[1], names::CONTENT, names::BLOB, key];
                self.bucket(&path);
                if u.ratio(1, 8)? {
                    self.label(u, &path, CONDITION)?;
                }
                self.labels(u, &path)?;
            }
            3..=5 => {
                let path = [root[0], root[1], names::SNAPSHOTS, snapshotter, key];
                self.bucket(&path);
                if u.ratio(1, 2)? {
                    self.value(&path, names::PARENT, u.choose(&KEYS)?);
                }
                if u.ratio(1, 4)? {
                    self.label(u, &path, USED_AT)?;
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
                if u.ratio(1, 3)? {
                    let expiry = time::format_rfc3339_nano(self.time_near_now(u)?);
                    self.value(&[&path[..], &[names::LABELS]].concat(), names::GC_EXPIRE, expiry.as_bytes());
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
                // The store of 1.7 wrote sandboxes beside `v1`, where the collector does not look.
                let path = match u.int_in_range(0..=7)? {
                    0 | 1 => vec![root[0], root[1], names::SANDBOXES, key],
                    2 => vec![namespace, names::SANDBOXES, key],
                    _ => vec![root[0], root[1], names::CONTAINERS, key],
                };
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
            let held = match u.int_in_range(0..=9)? {
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
        for _ in 0..u.int_in_range(0..=3)? {
            let label = *u.choose(&LABELS)?;
            if u.ratio(1, 32)? {
                self.bucket(&[path, &[names::LABELS, label]].concat());
            } else {
                self.label(u, path, label)?;
            }
        }
        Ok(())
    }

    /// A label with a value that goes with it.
    fn label(&mut self, u: &mut Unstructured<'_>, path: &[&[u8]], label: &[u8]) -> Result<()> {
        let value = match label {
            names::GC_EXPIRE | USED_AT | b"containerd.io/gc.cond.value-usedat.1" => {
                time::format_rfc3339_nano(self.time_near_now(u)?).into_bytes()
            }
            CONDITION => {
                let condition =
                    *u.choose(&["usedat<1h", "usedat>1h,usedat<2s", "usedat<=1h", "usedat<1d"])?;
                [condition.as_bytes(), b"|", *u.choose(&KEYS)?].concat()
            }
            _ => u.choose(&KEYS)?.to_vec(),
        };
        self.value(&[path, &[names::LABELS]].concat(), label, &value);
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
        let _refused = self.tree.create_path(path);
    }

    fn value(&mut self, path: &[&[u8]], key: &[u8], value: &[u8]) {
        self.bucket(path);
        // A bucket of this name stays what it is.
        let _refused = self.tree.put(path, key, value);
    }
}

fn number(kind: Kind) -> ResourceType {
    NUMBERING.type_of(kind).expect("the newest release numbers every kind")
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
        if u.ratio(1, 4)? {
            let (from, to) = (stored(u, namespace)?, node.clone());
            collector.active_back_references.push(BackReference {
                for_namespace: namespace.into(),
                from,
                to,
            });
        }
        if u.ratio(1, 4)? && !collector.references.iter().any(|(from, _)| *from == node) {
            let targets = vec![stored(u, namespace)?];
            collector.references.push((node.clone(), targets));
        }
        collector.all.push(node);
    }
    // What a collector reports may be anything, a snapshot whose key names no snapshotter too.
    if u.ratio(1, 16)? {
        let (namespace, key) = (*u.choose(&NAMESPACES)?, *u.choose(&KEYS)?);
        let node = Node::new(number(Kind::Snapshot), namespace, key);
        let for_namespace = namespace.into();
        if u.ratio(1, 2)? {
            collector.active.push(Active { for_namespace, node });
        } else {
            let from = stored(u, namespace)?;
            collector.active_back_references.push(BackReference { for_namespace, from, to: node });
        }
    }
    Ok(collector)
}

/// Something that the database may have.
fn stored(u: &mut Unstructured<'_>, namespace: &[u8]) -> Result<Node> {
    let key = *u.choose(&KEYS)?;
    let kind = *u.choose(&[Kind::Content, Kind::Snapshot, Kind::Image, Kind::Container])?;
    let key = match kind {
        Kind::Snapshot => [*u.choose(&SNAPSHOTTERS)?, b"/", key].concat(),
        _ => key.to_vec(),
    };
    Ok(Node::new(number(kind), namespace, &key))
}
