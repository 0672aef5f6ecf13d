//! Steps that make something together: what hangs together is seldom drawn one step at a time.

use super::labels::{BACK, CONDITION, CONDITIONS, USED_AT};
use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::scenario::{
    ContainerFields, Expiry, ImageFields, Labels, Name, NewSnapshot, Resource, SnapshotName, Step,
};
use crate::schema::{names as schema, time};
use arbitrary::Result;
use std::time::Duration;

const CHAIN_LABEL: &[u8] = b"containerd.io/gc.ref.content.0";

impl Draft<'_, '_> {
    /// One object under a flat and under a plain lease: the flat visit must not hide the full one.
    pub(super) fn flat_and_plain(&mut self) -> Result<()> {
        // Whichever lease comes first.
        let turned = self.u.ratio(1, 2)?;
        let [flat, plain] =
            [usize::from(turned), usize::from(!turned)].map(|at| names::LEASES[4 + at].to_vec());
        let create = |lease: &Name, flat| Step::LeaseCreate {
            lease: lease.clone(),
            expire: None,
            flat,
            labels: Labels::new(),
        };
        let resource = if self.u.ratio(1, 2)? { self.resource()? } else { self.pair() };
        let add = |lease: &Name| Step::LeaseAdd { lease: lease.clone(), resources: vec![resource.clone()] };
        self.steps(create(&flat, true), [create(&plain, false), add(&flat), add(&plain)]);
        if self.u.ratio(1, 3)? {
            self.queue.push_back(line(Step::LeaseDelete { lease: plain, sync: false }));
        }
        Ok(())
    }

    /// Content that refers to content which nobody else refers to.
    pub(super) fn pair(&mut self) -> Resource {
        let [above, below] = [3, 4].map(|at| names::BLOBS[names::STRAY - at].clone());
        let labels = [(CHAIN_LABEL.to_vec(), below.clone())].into_iter().collect();
        let put = |digest, labels| line(Step::ContentPut { digest, size: None, labels });
        self.queue.extend([put(above.clone(), labels), put(below, Labels::new())]);
        Resource::Content(above)
    }

    /// An image, and below its target a chain by labels; what it points at is written behind it.
    pub(super) fn content_chain(&mut self) -> Result<()> {
        let image = self.name(&names::IMAGES, names::HOT)?;
        let first = self.u.int_in_range(0..=names::HOT_CHAINED - 4)?;
        let length = 3;
        for index in first..=first + length {
            let digest = names::BLOBS[index].clone();
            self.queue.push_back(line(Step::ContentPut { digest, size: None, labels: Labels::new() }));
            if index > first {
                // What exists already keeps its labels when it is put again, so they are written apart.
                let labels = [(CHAIN_LABEL.to_vec(), names::BLOBS[index].clone())].into_iter().collect();
                let digest = names::BLOBS[index - 1].clone();
                self.queue.push_back(line(Step::ContentLabel { digest, replace: false, labels }));
            }
        }
        let fields = ImageFields { target: Some(names::BLOBS[first].clone()), ..ImageFields::default() };
        self.step(Step::ImageCreate { image, fields });
        Ok(())
    }

    /// A container, or a lease, and a chain of snapshots below what it holds.
    pub(super) fn snapshot_chain(&mut self) -> Result<()> {
        let snapshotter = self.snapshotter()?;
        let length = self.u.int_in_range(2..=3usize)?;
        let named = |index: usize| names::SNAPSHOTS[index].to_vec();
        for index in 0..length {
            let extracted = SnapshotName { snapshotter: snapshotter.clone(), key: names::ACTIVE[5].to_vec() };
            let parent = index.checked_sub(1).map(named);
            let new = NewSnapshot { snapshot: extracted.clone(), parent, labels: Labels::new() };
            self.queue.push_back(line(Step::SnapshotPrepare(new)));
            let (name, labels) = (named(index), Labels::new());
            self.queue.push_back(line(Step::SnapshotCommit {
                snapshot: extracted,
                name,
                parent: None,
                labels,
            }));
        }
        let top = SnapshotName { snapshotter: snapshotter.clone(), key: named(length - 1) };
        if self.has(Habit::Leases) && self.u.ratio(1, 3)? {
            let is_flat = self.u.ratio(1, 2)?;
            let lease = names::LEASES[if is_flat { 6 } else { 7 }].to_vec();
            let mut resources = vec![Resource::Snapshot(top)];
            if self.u.ratio(1, 2)? {
                // While the chain grows, its foot is held too.
                resources.push(Resource::Snapshot(SnapshotName { snapshotter, key: named(0) }));
            }
            self.queue.push_front(line(Step::LeaseAdd { lease: lease.clone(), resources }));
            self.step(Step::LeaseCreate { lease, expire: None, flat: is_flat, labels: Labels::new() });
            return Ok(());
        }
        let container = self.name(&names::CONTAINERS, names::HOT)?;
        let (snapshotter, snapshot) = (Some(top.snapshotter), Some(top.key));
        let fields = ContainerFields { snapshotter, snapshot, ..ContainerFields::default() };
        self.step(Step::ContainerCreate { container, fields });
        Ok(())
    }

    /// An image that has expired under a flat lease: its target stays, what the target refers to does not.
    pub(super) fn flat_image(&mut self) -> Result<()> {
        if !self.release.rules().image_nodes {
            return self.back_reference();
        }
        let (image, lease) = (names::IMAGES[3].to_vec(), self.name(&names::LEASES, names::HOT)?);
        let (target, below) = (names::BLOBS[4].clone(), names::BLOBS[names::STRAY + 1].clone());
        let expire = Some(Expiry::Ago(Duration::from_secs(1)));
        let fields = ImageFields { target: Some(target.clone()), expire, ..ImageFields::default() };
        let resources = vec![Resource::Image(image.clone())];
        let put = |digest| Step::ContentPut { digest, size: None, labels: Labels::new() };
        let reference = [(CHAIN_LABEL.to_vec(), below.clone())].into_iter().collect();
        let flat = self.u.ratio(3, 4)?;
        self.steps(
            Step::LeaseCreate { lease: lease.clone(), expire: None, flat, labels: Labels::new() },
            [
                Step::LeaseAdd { lease, resources },
                Step::ImageCreate { image, fields },
                put(target.clone()),
                put(below),
                Step::ContentLabel { digest: target, replace: false, labels: reference },
            ],
        );
        Ok(())
    }

    /// Content that keeps itself by naming something that is kept.
    pub(super) fn back_reference(&mut self) -> Result<()> {
        let child = names::BLOBS[names::STRAY + 2].clone();
        let (label, parent): (&[u8], Name) = match self.u.int_in_range(0..=3u8)? {
            0 => (BACK[0], self.name(&names::CONTAINERS, names::HOT)?),
            1 => (BACK[2], self.name(&names::IMAGES, names::HOT)?),
            2 => (BACK[3], self.snapshot_key()?),
            _ => (BACK[1], self.blob()?),
        };
        let labels = [(label.to_vec(), parent)].into_iter().collect();
        if self.u.ratio(1, 3)? {
            let snapshot =
                SnapshotName { snapshotter: self.snapshotter()?, key: names::SNAPSHOTS[6].to_vec() };
            self.step(Step::SnapshotPrepare(NewSnapshot { snapshot, parent: None, labels }));
        } else {
            self.step(Step::ContentPut { digest: child, size: None, labels });
        }
        Ok(())
    }

    /// A snapshot with a time of use, and content or an image that refers to it on a condition.
    pub(super) fn condition(&mut self) -> Result<()> {
        // A key may have a bar in it; the first one of a label ends its conditions.
        let has_bar = self.has(Habit::Prefixes) && self.u.arbitrary()?;
        let key: Name = if has_bar { b"s7|s7".into() } else { names::SNAPSHOTS[7].into() };
        let used_at = time::format_rfc3339_nano(self.time()?).into_bytes();
        // Behind these names a separator is meant to follow; releases take others too.
        let is_near = self.has(Habit::NearMisses) && self.u.ratio(1, 3)?;
        let value: &[u8] = match is_near && self.u.ratio(1, 2)? {
            true => b"containerd.io/gc.cond.value-usedatxyz",
            false => self.u.choose(&USED_AT)?,
        };
        let label: &[u8] = match is_near {
            true if !value.ends_with(b"xyz") => b"containerd.io/gc.cond.snapshotoverlayfs",
            _ => CONDITION[0],
        };
        let labels = [(value.to_vec(), used_at)].into_iter().collect();
        let snapshot = SnapshotName { snapshotter: b"overlayfs".to_vec(), key: key.clone() };
        let condition = *self.u.choose(&CONDITIONS)?;
        let mut referring: Labels =
            [(label.to_vec(), [condition, b"|", &key].concat())].into_iter().collect();
        let referrer = if self.u.ratio(1, 2)? {
            let fields = ImageFields {
                target: Some(names::BLOBS[0].clone()),
                labels: referring,
                ..ImageFields::default()
            };
            Step::ImageCreate { image: names::IMAGES[2].to_vec(), fields }
        } else {
            referring.insert(schema::GC_ROOT.to_vec(), b"x".to_vec());
            Step::ContentPut { digest: names::BLOBS[names::STRAY + 1].clone(), size: None, labels: referring }
        };
        self.steps(referrer, [Step::SnapshotPrepare(NewSnapshot { snapshot, parent: None, labels })]);
        Ok(())
    }
}
