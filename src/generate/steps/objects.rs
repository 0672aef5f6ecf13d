//! What clients do with content, snapshots, images, containers, leases and the clock, and what no client can do.

use super::labels::{On, shifted};
use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::release::Release;
use crate::scenario::{
    ContainerFields, DEFAULT_NAMESPACE, Expiry, ImageFields, Labels, Name, NewSnapshot, RawValue, Resource,
    Sharing, SnapshotName, Step,
};
use crate::schema::{names as schema, time};
use arbitrary::Result;
use std::time::Duration;

/// How long leases, images and ingests live, in seconds.
const LIVES: [u64; 6] = [0, 1, 10, 10, 60, 3_600];
/// Values of `gc.expire` that are odd or no times.
const ODD_EXPIRIES: [&[u8]; 6] = [
    b"tomorrow",
    b"",
    b"2026-01-01T00:00:00",
    b"2026-01-01T0:00:00Z",
    b"2026-01-01T00:00:00,5+01:00",
    b"2025-12-31t23:59:59z",
];

impl Draft<'_, '_> {
    pub(super) fn put(&mut self) -> Result<()> {
        // Some content nobody ever refers to.
        let is_stray = self.u.ratio(1, 3)?;
        let index = if is_stray { names::STRAY } else { self.blob_index()? };
        let labels = self.labels(On::Blob(index))?;
        self.step(Step::ContentPut { digest: names::BLOBS[index].clone(), size: None, labels });
        Ok(())
    }

    pub(super) fn label_content(&mut self) -> Result<()> {
        let index = self.blob_index()?;
        let mut labels = self.so_many_labels(On::Blob(index), 1)?;
        if self.u.ratio(1, 5)? {
            labels = without_values(labels);
        }
        let replace = self.u.ratio(1, 8)?;
        self.step(Step::ContentLabel { digest: names::BLOBS[index].clone(), replace, labels });
        Ok(())
    }

    pub(super) fn delete_content(&mut self) -> Result<()> {
        let digest = self.blob()?;
        self.step(Step::ContentDelete { digest });
        Ok(())
    }

    /// Opens a writer; a commit, an abort or nothing follows.
    pub(super) fn ingest(&mut self) -> Result<()> {
        let reference = self.name(&names::INGESTS, names::HOT)?;
        let index = self.blob_index()?;
        let digest = names::BLOBS[index].clone();
        let expected = if self.u.ratio(1, 2)? { Some(digest.clone()) } else { None };
        if self.has(Habit::Expiry) {
            self.expiries.push(shifted(self.now, 24 * 3_600 * 1_000_000_000));
        }
        let end = match self.u.int_in_range(0..=3u8)? {
            0 => Some(Step::ContentAbort { reference: reference.clone() }),
            1 => {
                let labels = self.labels(On::Blob(index))?;
                Some(Step::ContentCommit { reference: reference.clone(), digest, size: None, labels })
            }
            _ => None,
        };
        self.queue.extend(end.map(line));
        self.step(Step::ContentOpen { reference, expected, size: None });
        Ok(())
    }

    /// An active snapshot, mostly on a committed one of its snapshotter.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let snapshotter = self.snapshotter()?;
        let key = self.name(&names::ACTIVE, names::HOT)?;
        let parent = match self.u.ratio(3, 4)? {
            true => Some(self.name(&names::SNAPSHOTS, names::HOT_CHAINED)?),
            false => None,
        };
        let labels = self.labels(On::Snapshot)?;
        let new = NewSnapshot { snapshot: SnapshotName { snapshotter, key }, parent, labels };
        let step = match self.u.int_in_range(0..=15u8)? {
            0 => Step::SnapshotView(new),
            1 => {
                let finish = Step::SnapshotFinish { snapshot: new.snapshot.clone() };
                self.queue.push_back(line(finish));
                Step::SnapshotPrepareBegin(new)
            }
            _ => Step::SnapshotPrepare(new),
        };
        self.step(step);
        Ok(())
    }

    pub(super) fn commit_snapshot(&mut self) -> Result<()> {
        let snapshot =
            SnapshotName { snapshotter: self.snapshotter()?, key: self.name(&names::ACTIVE, names::HOT)? };
        let name = self.name(&names::SNAPSHOTS, names::HOT_CHAINED)?;
        let labels = self.labels(On::Snapshot)?;
        // From 2.2 on layers may be unpacked in parallel, and get their parents when they are committed.
        let is_rebased = self.release >= Release::V2_2 && self.u.ratio(1, 3)?;
        let parent = if is_rebased { Some(self.name(&names::SNAPSHOTS, names::HOT_CHAINED)?) } else { None };
        self.step(Step::SnapshotCommit { snapshot, name, parent, labels });
        Ok(())
    }

    pub(super) fn label_snapshot(&mut self) -> Result<()> {
        let snapshot = self.snapshot()?;
        let labels = self.so_many_labels(On::Snapshot, 1)?;
        let replace = self.u.ratio(1, 8)?;
        self.step(Step::SnapshotLabel { snapshot, replace, labels });
        Ok(())
    }

    pub(super) fn remove_snapshot(&mut self) -> Result<()> {
        let snapshot = self.snapshot()?;
        self.step(Step::SnapshotRemove { snapshot });
        Ok(())
    }

    pub(super) fn create_image(&mut self) -> Result<()> {
        let image = self.name(&names::IMAGES, names::HOT)?;
        let target = Some(self.target()?);
        let fields = ImageFields { target, ..self.image_fields()? };
        self.step(Step::ImageCreate { image, fields });
        Ok(())
    }

    pub(super) fn change_image(&mut self) -> Result<()> {
        let image = self.name(&names::IMAGES, names::HOT)?;
        let target = if self.u.ratio(1, 2)? { Some(self.target()?) } else { None };
        let fields = ImageFields { target, ..self.image_fields()? };
        self.step(Step::ImageUpdate { image, replace: None, fields });
        Ok(())
    }

    pub(super) fn delete_image(&mut self) -> Result<()> {
        let image = self.name(&names::IMAGES, names::HOT)?;
        let sync = self.u.ratio(1, 16)?;
        self.step(Step::ImageDelete { image, sync });
        Ok(())
    }

    pub(super) fn create_container(&mut self) -> Result<()> {
        let container = self.name(&names::CONTAINERS, names::HOT)?;
        let SnapshotName { snapshotter, key } = self.snapshot()?;
        let image = if self.u.ratio(1, 4)? { Some(self.name(&names::IMAGES, names::HOT)?) } else { None };
        let labels = self.labels(On::Container)?;
        let (snapshotter, snapshot) = (Some(snapshotter), Some(key));
        let fields = ContainerFields { image, snapshotter, snapshot, labels, ..ContainerFields::default() };
        self.step(Step::ContainerCreate { container, fields });
        Ok(())
    }

    pub(super) fn change_container(&mut self) -> Result<()> {
        let container = self.name(&names::CONTAINERS, names::HOT)?;
        let labels = self.so_many_labels(On::Container, 1)?;
        let snapshot = if self.u.ratio(1, 2)? { Some(self.snapshot_key()?) } else { None };
        let fields = ContainerFields { snapshot, labels, ..ContainerFields::default() };
        self.step(Step::ContainerUpdate { container, replace: None, fields });
        Ok(())
    }

    pub(super) fn delete_container(&mut self) -> Result<()> {
        let container = self.name(&names::CONTAINERS, names::HOT)?;
        self.step(Step::ContainerDelete { container });
        Ok(())
    }

    pub(super) fn create_lease(&mut self) -> Result<()> {
        let lease = self.name(&names::LEASES, names::HOT)?;
        let mut labels = Labels::new();
        if self.u.ratio(1, 16)? {
            let (key, value) = self.label(On::Container)?;
            labels.insert(key, value);
        }
        let mut flat = self.u.ratio(1, 4)?;
        if flat && self.u.ratio(1, 3)? {
            // Any value makes a lease flat, this one too.
            flat = false;
            labels.insert(schema::GC_FLAT.to_vec(), b"false".to_vec());
        }
        let expire = if self.has(Habit::Expiry) { self.expiry()? } else { None };
        self.step(Step::LeaseCreate { lease, expire, flat, labels });
        if self.u.ratio(1, 2)? {
            let (lease, resources) = (self.name(&names::LEASES, names::HOT)?, vec![self.resource()?]);
            self.queue.push_back(line(Step::LeaseAdd { lease, resources }));
        }
        Ok(())
    }

    pub(super) fn add_to_lease(&mut self) -> Result<()> {
        let lease = self.name(&names::LEASES, names::HOT)?;
        let mut resources = vec![self.resource()?];
        if self.u.ratio(1, 2)? {
            resources.push(self.resource()?);
        }
        self.step(Step::LeaseAdd { lease, resources });
        Ok(())
    }

    pub(super) fn drop_from_lease(&mut self) -> Result<()> {
        let (lease, resources) = (self.name(&names::LEASES, names::HOT)?, vec![self.resource()?]);
        self.step(Step::LeaseDrop { lease, resources });
        Ok(())
    }

    pub(super) fn delete_lease(&mut self) -> Result<()> {
        let lease = self.name(&names::LEASES, names::HOT)?;
        let sync = self.u.ratio(1, 16)?;
        self.step(Step::LeaseDelete { lease, sync });
        Ok(())
    }

    pub(super) fn use_lease(&mut self) -> Result<()> {
        let step = match self.u.int_in_range(0..=2u8)? {
            0 => Step::LeaseUse { lease: self.name(&names::LEASES, names::HOT)? },
            _ => Step::LeaseNone,
        };
        self.step(step);
        Ok(())
    }

    /// The clock goes on.
    pub(super) fn clock(&mut self) -> Result<()> {
        let by = *self.u.choose(&[1, 1_000_000_000, 5_000_000_000, 10_000_000_000, 60_000_000_000])?;
        self.now = shifted(self.now, by);
        self.step(Step::Advance(Duration::from_nanos(by.unsigned_abs())));
        Ok(())
    }

    /// The clock shows an expiry, or a tick before or behind it.
    pub(super) fn stop_at_expiry(&mut self) -> Result<()> {
        if self.expiries.is_empty() {
            return self.clock();
        }
        // Of the last ones, which are most likely to stand.
        let recent = self.expiries.len().saturating_sub(4);
        let at = *self.u.choose(&self.expiries[recent..])?;
        self.now = shifted(at, *self.u.choose(&[0, 0, 1, -1, -2, 1_000_000_000])?);
        self.step(Step::Now(self.now));
        Ok(())
    }

    pub(super) fn use_namespace(&mut self) -> Result<()> {
        let namespace = match self.has(Habit::SharedNames) {
            true => self.any_namespace()?,
            false if self.has(Habit::Prefixes) => self.u.choose(&names::PREFIX_NAMESPACES)?.to_vec(),
            false => if self.u.arbitrary()? { names::OTHER } else { DEFAULT_NAMESPACE }.to_vec(),
        };
        self.step(Step::NamespaceUse { namespace });
        Ok(())
    }

    /// A namespace comes, is labelled or goes, or the daemon shares blobs between them otherwise.
    pub(super) fn namespace(&mut self) -> Result<()> {
        const SHAREABLE: &[u8] = b"containerd.io/namespace.shareable";
        let namespace = self.any_namespace()?;
        let value = *self.u.choose(&[&b"true"[..], b"false", b""])?;
        let labels = [(SHAREABLE.to_vec(), value.to_vec())].into_iter().collect();
        let step = match self.u.int_in_range(0..=7u8)? {
            0 | 1 => Step::NamespaceCreate { namespace, labels: Labels::new() },
            2 => Step::NamespaceCreate { namespace, labels },
            3 => Step::NamespaceLabel { namespace, labels },
            4 => Step::ContentPolicy(*self.u.choose(Sharing::ALL)?),
            _ => Step::NamespaceDelete { namespace },
        };
        self.step(step);
        Ok(())
    }

    pub(super) fn sandbox(&mut self) -> Result<()> {
        let sandbox = self.u.choose(&names::SANDBOXES)?.to_vec();
        if self.u.ratio(1, 4)? {
            self.step(Step::SandboxDelete { sandbox });
            return Ok(());
        }
        let labels = self.so_many_labels(On::Sandbox, 1)?;
        if !self.release.rules().image_nodes && self.u.ratio(1, 2)? {
            // Up to 1.7 the store writes where no collector looks; only by hand they stand where it does.
            let path = self.path(&[schema::SANDBOXES, &sandbox, schema::LABELS])?;
            self.step(Step::RawBucket { path: path.clone() });
            for (key, value) in labels.as_slice() {
                let path = [&path[..], std::slice::from_ref(key)].concat();
                self.queue.push_back(line(Step::RawPut { path, value: RawValue::Bytes(value.clone()) }));
            }
            return Ok(());
        }
        self.step(Step::SandboxCreate { sandbox, labels });
        Ok(())
    }

    /// What no client can write.
    pub(super) fn malformed(&mut self) -> Result<()> {
        let blob = self.blob()?;
        let SnapshotName { snapshotter, key } = self.snapshot()?;
        let (lease, image) = (self.name(&names::LEASES, names::HOT)?, self.name(&names::IMAGES, names::HOT)?);
        let (label, value) = self.label(On::Image)?;
        let blob_path: [&[u8]; 3] = [schema::CONTENT, schema::BLOB, &blob];
        let step = match self.u.int_in_range(0..=12u8)? {
            // A label that is a bucket.
            0 => Step::RawBucket { path: self.path(&[&blob_path[..], &[schema::LABELS, &label]].concat())? },
            1 => {
                let path = [&[schema::SNAPSHOTS, &snapshotter, &key], &[schema::LABELS, schema::GC_ROOT][..]];
                Step::RawBucket { path: self.path(&path.concat())? }
            }
            2 => Step::RawBucket {
                path: self.path(&[schema::LEASES, &lease, schema::LABELS, schema::GC_EXPIRE])?,
            },
            3 => Step::RawBucket {
                path: self.path(&[&blob_path[..], &[schema::LABELS, schema::GC_ROOT]].concat())?,
            },
            // A bucket in a lease where a value belongs.
            4 => Step::RawBucket { path: self.path(&[schema::LEASES, &lease, schema::CONTENT, &blob])? },
            // A value where a bucket belongs.
            5 => self.raw_put(&[schema::IMAGES, b"value"], b"x")?,
            6 => self.raw_put(&[schema::LEASES, b"value"], b"x")?,
            // A parent that does not exist, or is the snapshot itself.
            7 => {
                self.raw_put(&[schema::SNAPSHOTS, &snapshotter, &key, schema::PARENT], names::SNAPSHOTS[0])?
            }
            8 => Step::RawBucket { path: self.path(&[schema::IMAGES, &image, schema::TARGET])? },
            9 => self.raw_put(&[&blob_path[..], &[schema::LABELS, &label]].concat(), &value)?,
            // A value where a snapshot of `over/lay` is looked for.
            11 => {
                let snapshot = SnapshotName { snapshotter: b"over/lay".to_vec(), key: b"e0".to_vec() };
                let put = self.raw_put(&[schema::SNAPSHOTS, b"over", b"lay/e0"], b"x")?;
                let new = NewSnapshot { snapshot, parent: None, labels: Labels::new() };
                self.queue.extend([line(put), line(Step::SnapshotPrepare(new))]);
                Step::RawBucket { path: self.path(&[schema::SNAPSHOTS, b"over"])? }
            }
            10 => Step::RawDelete { path: self.path(&[schema::CONTENT, schema::BLOB])? },
            _ => self.raw_put(&[schema::LEASES, &lease, schema::LABELS, schema::GC_FLAT], b"")?,
        };
        self.step(step);
        Ok(())
    }

    /// An ingest whose expiry is odd: too short, of an unknown version, on the tick, or missing; or none any more.
    pub(super) fn undecodable(&mut self) -> Result<()> {
        let reference = self.name(&names::INGESTS, names::HOT)?;
        let path = self.path(&[schema::CONTENT, schema::INGESTS, &reference])?;
        let expiry = [&path[..], &[schema::EXPIRE_AT.to_vec()]].concat();
        if self.u.ratio(1, 3)? {
            self.step(Step::RawDelete { path });
            return Ok(());
        }
        let bytes = match self.has(Habit::OddTimes) {
            true => self.time_bytes()?,
            false => {
                let at = self.time()?;
                let mut bytes = time::to_binary(at);
                match self.u.int_in_range(0..=3u8)? {
                    0 => bytes.truncate(self.u.int_in_range(0..=14)?),
                    1 => bytes[0] = self.u.arbitrary()?,
                    _ => self.expiries.push(at),
                }
                bytes
            }
        };
        self.step(Step::RawBucket { path });
        self.queue.push_back(line(Step::RawPut { path: expiry, value: RawValue::Bytes(bytes) }));
        Ok(())
    }

    pub(super) fn raw_put(&mut self, below: &[&[u8]], value: &[u8]) -> Result<Step> {
        Ok(Step::RawPut { path: self.path(below)?, value: RawValue::Bytes(value.to_vec()) })
    }

    /// A path below a namespace of the case.
    pub(super) fn path(&mut self, below: &[&[u8]]) -> Result<Vec<Name>> {
        let is_other = self.has(Habit::Namespaces) && self.u.arbitrary()?;
        let namespace = if is_other { names::OTHER } else { DEFAULT_NAMESPACE };
        Ok([&[schema::V1, namespace], below].concat().iter().map(|key| key.to_vec()).collect())
    }

    pub(super) fn snapshotter(&mut self) -> Result<Name> {
        if self.has(Habit::Malformed) && self.u.ratio(1, 6)? {
            return Ok(self.u.choose(&names::SLASHED)?.to_vec());
        }
        if self.has(Habit::Prefixes) && self.u.ratio(1, 8)? {
            return Ok(names::PREFIX_SNAPSHOTTER.to_vec());
        }
        Ok(self.u.choose(&names::SNAPSHOTTERS)?.to_vec())
    }

    pub(super) fn snapshot(&mut self) -> Result<SnapshotName> {
        Ok(SnapshotName { snapshotter: self.snapshotter()?, key: self.snapshot_key()? })
    }

    /// Images point at the head of a chain, mostly.
    fn target(&mut self) -> Result<Name> {
        if self.u.ratio(1, 2)? { Ok(names::BLOBS[0].clone()) } else { self.blob() }
    }

    fn image_fields(&mut self) -> Result<ImageFields> {
        let labels = self.labels(On::Image)?;
        let expire = if self.has(Habit::Expiry) && self.u.ratio(1, 3)? { self.expiry()? } else { None };
        Ok(ImageFields { labels, expire, ..ImageFields::default() })
    }

    /// An expiry, of which the clock will take note; now and then none, or an odd one.
    fn expiry(&mut self) -> Result<Option<Expiry>> {
        if self.has(Habit::OddTimes) && self.u.ratio(1, 3)? {
            return Ok(Some(Expiry::Text(self.time_text()?)));
        }
        Ok(match self.u.int_in_range(0..=15u8)? {
            0..=4 => None,
            5 => Some(Expiry::Text(self.u.choose(&ODD_EXPIRIES)?.to_vec())),
            6 | 7 => {
                let at = self.time()?;
                self.expiries.push(at);
                Some(Expiry::Text(time::format_rfc3339_nano(at).into_bytes()))
            }
            _ => {
                let life = Duration::from_secs(*self.u.choose(&LIVES)?);
                let at = shifted(self.now, i64::try_from(life.as_nanos()).expect("an hour at the most"));
                // As containerd's client writes it.
                self.expiries.push(crate::instant::Instant { nanoseconds: 0, ..at });
                Some(Expiry::In(life))
            }
        })
    }

    pub(super) fn resource(&mut self) -> Result<Resource> {
        Ok(match self.u.int_in_range(0..=9u8)? {
            0..=4 => {
                Resource::Content(if self.u.ratio(1, 2)? { names::BLOBS[0].clone() } else { self.blob()? })
            }
            5..=7 => Resource::Snapshot(self.snapshot()?),
            8 => Resource::Ingest(self.name(&names::INGESTS, names::HOT)?),
            _ if self.release.rules().image_nodes => Resource::Image(self.name(&names::IMAGES, names::HOT)?),
            _ => Resource::Content(self.blob()?),
        })
    }
}

/// An update to these values removes the labels.
fn without_values(labels: Labels) -> Labels {
    labels.as_slice().iter().map(|(key, _)| (key.clone(), Name::new())).collect()
}
