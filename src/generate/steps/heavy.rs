//! Names and labels of thousands of bytes: a bucket of few entries outgrows a block, is wide from then on, and keeps all that it
//! had, its sequence number too.

use super::{Draft, line, names};
use crate::scenario::{ImageFields, Labels, Name, NewSnapshot, RawValue, SnapshotName, Step};
use crate::schema::names as schema;
use arbitrary::Result;

/// Key and value of a label together stay below the daemon's 4,096.
const LABEL_BYTES: usize = 4_000;
/// A block has 8,192 bytes.
const BYTES: [usize; 6] = [1_000, 3_000, 5_000, 8_000, 9_000, 20_000];

impl Draft<'_, '_> {
    /// An object that is large, others beside it, and now and then a number that was set by hand.
    pub(super) fn heavy(&mut self) -> Result<()> {
        let bytes = *self.u.choose(&BYTES)?;
        let (bucket, heavy, light): (&[&[u8]], Step, Step) = match self.u.int_in_range(0..=4u8)? {
            0 | 1 => {
                let (snapshotter, light) = (b"native".to_vec(), self.name(&names::ACTIVE, names::HOT)?);
                let prepare = |key: Name, labels| {
                    let snapshot = SnapshotName { snapshotter: snapshotter.clone(), key };
                    Step::SnapshotPrepare(NewSnapshot { snapshot, parent: None, labels })
                };
                let heavy = prepare(b"heavy".to_vec(), notes(bytes));
                (&[schema::SNAPSHOTS, b"native"], heavy, prepare(light, Labels::new()))
            }
            2 => {
                let (light, expected) = (self.name(&names::INGESTS, names::HOT)?, self.blob()?);
                let open = |reference, expected| Step::ContentOpen { reference, expected, size: None };
                let heavy = open(vec![b'r'; bytes], None);
                (&[schema::CONTENT, schema::INGESTS], heavy, open(light, Some(expected)))
            }
            3 => {
                let light = self.blob()?;
                let put = |digest, labels| Step::ContentPut { digest, size: None, labels };
                let heavy = put(names::BLOBS[names::STRAY].clone(), notes(bytes));
                (&[schema::CONTENT, schema::BLOB], heavy, put(light, Labels::new()))
            }
            _ => {
                let light = self.name(&names::IMAGES, names::HOT)?;
                let create = |image| {
                    let fields =
                        ImageFields { target: Some(names::BLOBS[0].clone()), ..ImageFields::default() };
                    Step::ImageCreate { image, fields }
                };
                (&[schema::IMAGES], create(vec![b'i'; bytes]), create(light))
            }
        };
        let mut steps = vec![heavy, light.clone(), light];
        if self.u.ratio(1, 3)? {
            let sequence = self.u.int_in_range(1..=3)?;
            steps.insert(0, Step::RawSequence { path: self.path(bucket)?, sequence });
            steps.rotate_left(self.u.choose_index(3)?);
        }
        if self.u.ratio(1, 4)? {
            // A value beside it changes, of whatever length.
            let path = self.path(&[bucket, &[b"value"]].concat())?;
            let value = RawValue::Bytes(vec![b'v'; self.u.int_in_range(0..=16usize)?]);
            self.queue.push_back(line(Step::RawPut { path, value }));
        }
        steps.into_iter().for_each(|step| self.step(step));
        Ok(())
    }
}

/// Labels of so many bytes in all.
fn notes(bytes: usize) -> Labels {
    let count = bytes.div_ceil(LABEL_BYTES);
    let note =
        |at| (format!("note.{at}").into_bytes(), vec![b'x'; LABEL_BYTES.min(bytes - at * LABEL_BYTES)]);
    (0..count).map(note).collect()
}
