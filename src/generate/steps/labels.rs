//! The labels of a case.

use super::Draft;
use super::names;
use crate::generate::profile::Habit;
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::node::Kind;
use crate::scenario::{Labels, Name};
use crate::schema::{names as schema, time};
use arbitrary::Result;

/// What carries the labels: which of them mean something depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// Content of this place in its pool.
    Blob(usize),
    Snapshot,
    Image,
    Container,
    Sandbox,
}

const CONTENT: [&[u8]; 6] = [
    b"containerd.io/gc.ref.content.0",
    b"containerd.io/gc.ref.content.1",
    b"containerd.io/gc.ref.content.config",
    b"containerd.io/gc.ref.content.l.0",
    b"containerd.io/gc.ref.content/x",
    schema::GC_REF_CONTENT,
];
const SNAPSHOT: [&[u8]; 5] = [
    b"containerd.io/gc.ref.snapshot.native",
    b"containerd.io/gc.ref.snapshot.overlayfs",
    b"containerd.io/gc.ref.snapshot.overlayfs/x",
    b"containerd.io/gc.ref.snapshot.overlayfs",
    b"containerd.io/gc.ref.snapshot.over/lay",
];
const IMAGE: [&[u8]; 2] = [b"containerd.io/gc.ref.image.0", schema::GC_REF_IMAGE];
/// Labels of the collectors of [`super::collectors`].
const COLLECTED: [&[u8]; 5] = [
    b"containerd.io/gc.ref.stream.0",
    b"containerd.io/gc.ref.mount",
    b"containerd.io/gc.ref.test",
    b"containerd.io/gc.ref.volume/0",
    b"containerd.io/gc.ref.test.1",
];
pub(super) const BACK: [&[u8]; 5] = [
    b"containerd.io/gc.bref.container",
    b"containerd.io/gc.bref.content.0",
    b"containerd.io/gc.bref.image",
    b"containerd.io/gc.bref.snapshot.overlayfs",
    b"containerd.io/gc.bref.snapshot.native/x",
];
pub(super) const USED_AT: [&[u8]; 2] = [schema::GC_COND_USED_AT, b"containerd.io/gc.cond.value-usedat.1"];
pub(super) const CONDITION: [&[u8]; 3] = [
    b"containerd.io/gc.cond.snapshot.overlayfs",
    b"containerd.io/gc.cond.snapshot.native",
    b"containerd.io/gc.cond.snapshot/overlayfs/x",
];
pub(super) const CONDITIONS: [&[u8]; 8] = [
    b"usedat<1h",
    b"usedat<10s",
    b"usedat>5s",
    b"usedat>1h,usedat<2s",
    b"usedat<1h,usedat>10s",
    b"usedat<=1h",
    b"usedat>=0s",
    b"usedat<1d,usedat<1m",
];
/// The zero time, which Go's `IsZero` takes for none, just before 1970, and the last year that RFC 3339 can write,
/// of which enough is left that no clock passes it.
const FAR: [Instant; 3] = [
    Instant { seconds: 0, nanoseconds: 0 },
    Instant { seconds: UNIX_EPOCH_SECONDS - 1, nanoseconds: 0 },
    Instant { seconds: UNIX_EPOCH_SECONDS + 253_399_622_400, nanoseconds: 0 },
];
/// Labels that almost mean something.
const NEAR: [&[u8]; 16] = [
    b"containerd.io/gc.ref.contentx",
    b"containerd.io/gc.ref.content-0",
    b"containerd.io/gc.ref.content:0",
    b"containerd.io/gc.ref.snapshot",
    b"containerd.io/gc.ref.snapshots.native",
    b"containerd.io/gc.ref.snapshot.nativ",
    b"containerd.io/gc.ref.imagex",
    b"containerd.io/gc.ref.tests",
    b"containerd.io/gc.ref.",
    b"containerd.io/gc.ref",
    b"containerd.io/gc.rootfs",
    b"containerd.io/gc.root.x",
    b"containerd.io/gc.roo",
    b"containerd.io/gc.bref.contentx",
    b"containerd.io/gc.cond.snapshotnative",
    b"containerd.io/gc.cond.value-usedatxyz",
];

impl Draft<'_, '_> {
    /// None to three labels.
    pub(super) fn labels(&mut self, on: On) -> Result<Labels> {
        let count = self.u.int_in_range(0..=7u8)?;
        let count = [0, 1, 1, 1, 2, 2, 3, 0][usize::from(count)];
        self.so_many_labels(on, count)
    }

    pub(super) fn so_many_labels(&mut self, on: On, count: usize) -> Result<Labels> {
        let mut labels = Labels::new();
        for _ in 0..count {
            let (key, value) = self.label(on)?;
            labels.insert(key, value);
        }
        Ok(labels)
    }

    /// A label with a value that goes with it.
    pub(super) fn label(&mut self, on: On) -> Result<(Name, Name)> {
        if self.has(Habit::LabelGrammar) && self.u.ratio(1, 3)? {
            return self.grammar_label();
        }
        let drawn = self.u.int_in_range(0..=31u8)?;
        let (key, value): (&[u8], Name) = match drawn {
            0..=3 if self.has(Habit::NearMisses) => {
                let key = *self.u.choose(&NEAR)?;
                let is_snapshot = key.starts_with(b"containerd.io/gc.ref.snap");
                let value = if is_snapshot { self.snapshot_key()? } else { self.referred_blob(on)? };
                (key, value)
            }
            4..=6 if matches!(on, On::Blob(_) | On::Snapshot) => {
                (schema::GC_ROOT, self.u.choose(&[&b"true"[..], b"2026-01-01T00:00:00Z", b"x"])?.to_vec())
            }
            7..=11 if self.has(Habit::Later) => return self.later_label(on),
            12 | 13 if !self.kinds.is_empty() => {
                (*self.u.choose(&COLLECTED)?, self.name(&names::RESOURCES, names::HOT)?)
            }
            14..=17 => (*self.u.choose(&SNAPSHOT)?, self.snapshot_key()?),
            18 => (b"maintainer", b"me".to_vec()),
            _ => (*self.u.choose(&CONTENT)?, self.referred_blob(on)?),
        };
        Ok((key.to_vec(), value))
    }

    /// Labels that only later releases understand.
    fn later_label(&mut self, on: On) -> Result<(Name, Name)> {
        let (key, value): (&[u8], Name) = match (self.u.int_in_range(0..=3u8)?, on) {
            (0, _) => (*self.u.choose(&IMAGE)?, self.name(&names::IMAGES, names::HOT)?),
            (1, On::Snapshot) => {
                let at = self.time()?;
                (*self.u.choose(&USED_AT)?, time::format_rfc3339_nano(at).into_bytes())
            }
            (1, _) => {
                let condition = *self.u.choose(&CONDITIONS)?;
                (*self.u.choose(&CONDITION)?, [condition, b"|", &self.snapshot_key()?].concat())
            }
            _ => {
                let key = *self.u.choose(&BACK)?;
                let value = match key {
                    b"containerd.io/gc.bref.container" => self.name(&names::CONTAINERS, names::HOT)?,
                    b"containerd.io/gc.bref.content.0" => self.blob()?,
                    b"containerd.io/gc.bref.image" => self.name(&names::IMAGES, names::HOT)?,
                    _ => self.snapshot_key()?,
                };
                (key, value)
            }
        };
        Ok((key.to_vec(), value))
    }

    /// A digest to refer to. Without a liking for circles content refers to what stands behind it in the pool; in a
    /// case with dead edges now and then to what nobody writes.
    fn referred_blob(&mut self, on: On) -> Result<Name> {
        if self.has(Habit::DeadEdges) && self.u.ratio(1, 6)? {
            return Ok(names::BLOBS[names::BLOBS.len() - 1].clone());
        }
        match on {
            On::Blob(own) if !self.has(Habit::Cycles) => {
                let last = self.pool_length(names::BLOBS.len(), names::HOT_CHAINED) - 1;
                // A chain grows by one, or jumps.
                let next = if own < last { own + 1 } else { last };
                let to = if self.u.ratio(1, 2)? { next } else { self.u.int_in_range(next..=last)? };
                Ok(names::BLOBS[to].clone())
            }
            _ => self.blob(),
        }
    }

    /// A time on the clock, one tick or a few seconds around it, or far away.
    pub(super) fn time(&mut self) -> Result<Instant> {
        const BILLION: i64 = 1_000_000_000;
        if self.has(Habit::FarTimes) && self.u.ratio(1, 3)? {
            let far = *self.u.choose(&FAR)?;
            return Ok(shifted(far, *self.u.choose(&[0, 0, 1, 999_999_999])?));
        }
        let around =
            *self.u.choose(&[0, 1, -1, BILLION, -BILLION, 10 * BILLION, -10 * BILLION, 3_600 * BILLION])?;
        Ok(shifted(self.now, around))
    }
}

/// An instant so many nanoseconds later.
pub(super) fn shifted(at: Instant, by: i64) -> Instant {
    const BILLION: i64 = 1_000_000_000;
    let ticks = i64::from(at.nanoseconds) + by;
    let nanoseconds = u32::try_from(ticks.rem_euclid(BILLION)).expect("below 10^9");
    Instant { seconds: at.seconds + ticks.div_euclid(BILLION), nanoseconds }
}

/// The collectors that a case may declare, each with its reference label.
pub(super) const COLLECTORS: [(Kind, &[u8]); 4] = [
    (Kind::Stream, b"stream"),
    (Kind::Mount, b"mount"),
    (Kind::Other(16), b"test"),
    (Kind::Other(17), b"volume"),
];
