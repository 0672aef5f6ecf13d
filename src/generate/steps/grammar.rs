//! Labels, conditions and times by a grammar: every part that there is, in every order, and one byte off.
//!
//! ```text
//!   label      PREFIX [SEPARATOR SEGMENT]...        ... of which a byte may be missing, another or too many
//!   condition  FIELD OPERATOR DURATION [, ...] | KEY [| ...]
//!   time       RFC 3339 with any offset and fraction; Go's binary form with any of its fields
//! ```

use super::labels::shifted;
use super::{Draft, line, names};
use crate::instant::Instant;
use crate::scenario::{DEFAULT_NAMESPACE, Name, RawValue, Step};
use crate::schema::{names as schema, time};
use arbitrary::Result;

/// What labels of any release begin with, and the labels of [`super::labels::COLLECTORS`].
const PREFIXES: [&[u8]; 18] = [
    schema::GC_REF_CONTENT,
    b"containerd.io/gc.ref.snapshot",
    b"containerd.io/gc.ref.snapshot.overlayfs",
    schema::GC_REF_IMAGE,
    b"containerd.io/gc.ref.stream",
    b"containerd.io/gc.ref.mount",
    b"containerd.io/gc.ref.test",
    b"containerd.io/gc.ref.volume",
    b"containerd.io/gc.bref.content",
    b"containerd.io/gc.bref.image",
    b"containerd.io/gc.bref.container",
    b"containerd.io/gc.bref.snapshot.native",
    b"containerd.io/gc.cond.snapshot",
    schema::GC_COND_USED_AT,
    schema::GC_ROOT,
    schema::GC_FLAT,
    schema::GC_EXPIRE,
    b"containerd.io/gc.ref",
];
const SEPARATORS: [&[u8]; 8] = [b".", b".", b"/", b"/", b"", b"-", b"|", b"//"];
const SEGMENTS: [&[u8]; 10] =
    [b"0", b"l", b"config", b"overlayfs", b"native", b"over", b"lay", b"x", b"", b"a.b"];
/// What a collector's label may be that comes close to another handler's.
pub(super) const COLLECTOR_LABELS: [&[u8]; 8] =
    [b"content", b"contents", b"cont", b"snapshot", b"snapshot.overlayfs", b"image", b"stream.0", b"streams"];
const FIELDS: [&[u8]; 5] = [b"usedat", b"usedat", b"usedat", b"used", b""];
const OPERATORS: [&[u8]; 8] = [b"<", b">", b"<=", b">=", b"<", b">", b"=", b""];
const DURATIONS: [&[u8]; 9] = [b"1h", b"10s", b"0s", b"-1s", b"1.5h", b"1d", b"", b"x", b"2562047h"];
/// Seconds east of Greenwich: the last day is one that Go's time zones cannot have.
const OFFSETS: [i64; 6] = [0, 3600, -8 * 3600, 86_340, -86_340, 86_400];

impl Draft<'_, '_> {
    /// A label of the grammar with a value of it.
    pub(super) fn grammar_label(&mut self) -> Result<(Name, Name)> {
        let mut key = self.u.choose(&PREFIXES)?.to_vec();
        for _ in 0..self.u.int_in_range(0..=3u8)? {
            key.extend_from_slice(self.u.choose(&SEPARATORS)?);
            key.extend_from_slice(self.u.choose(&SEGMENTS)?);
        }
        if self.u.ratio(1, 4)? {
            let at = self.u.choose_index(key.len())?;
            match self.u.int_in_range(0..=2u8)? {
                0 => drop(key.remove(at)),
                1 => key[at] = self.u.int_in_range(b'!'..=b'~')?,
                _ => key.insert(at, self.u.int_in_range(b'!'..=b'~')?),
            }
        }
        Ok((key, self.grammar_value()?))
    }

    fn grammar_value(&mut self) -> Result<Name> {
        Ok(match self.u.int_in_range(0..=11u8)? {
            0 => Name::new(),
            1 => self.name(&names::IMAGES, names::HOT)?,
            2 => self.name(&names::CONTAINERS, names::HOT)?,
            3 => self.name(&names::RESOURCES, names::HOT)?,
            4 => self.snapshot_key()?,
            5 => [&self.snapshotter()?[..], b"/", &self.snapshot_key()?].concat(),
            6 | 7 => {
                let mut value = self.condition_text()?;
                for _ in 0..self.u.int_in_range(0..=2u8)? {
                    value.push(b'|');
                    value.extend(self.snapshot_key()?);
                }
                value
            }
            8 => self.u.choose(&names::RAW)?.to_vec(),
            9 => self.time_text()?,
            _ => self.blob()?,
        })
    }

    /// One to three comparisons.
    fn condition_text(&mut self) -> Result<Name> {
        let count = self.u.int_in_range(1..=3u8)?;
        let mut comparisons = Vec::new();
        for _ in 0..count {
            let parts = [self.u.choose(&FIELDS)?, self.u.choose(&OPERATORS)?, self.u.choose(&DURATIONS)?];
            comparisons.push(parts.map(|part| *part).concat());
        }
        Ok(comparisons.join(&b','))
    }

    /// A label of the grammar on any object, where no client would write it.
    pub(super) fn any_label(&mut self) -> Result<()> {
        let (key, value) = self.grammar_label()?;
        let object: Vec<Name> = match self.u.int_in_range(0..=5u8)? {
            0 => vec![schema::CONTENT.into(), schema::BLOB.into(), self.blob()?],
            1 => {
                let reference = self.name(&names::INGESTS, names::HOT)?;
                vec![schema::CONTENT.into(), schema::INGESTS.into(), reference]
            }
            2 => vec![schema::SNAPSHOTS.into(), self.snapshotter()?, self.snapshot_key()?],
            3 => vec![schema::IMAGES.into(), self.name(&names::IMAGES, names::HOT)?],
            4 => vec![schema::CONTAINERS.into(), self.name(&names::CONTAINERS, names::HOT)?],
            _ => vec![schema::LEASES.into(), self.name(&names::LEASES, names::HOT)?],
        };
        let namespace = [schema::V1, DEFAULT_NAMESPACE].map(<[u8]>::to_vec);
        let labels = [&namespace[..], &object, &[schema::LABELS.to_vec()]].concat();
        let path = [&labels[..], &[key]].concat();
        // Mostly the object is there, and its bucket of labels may not be.
        let put = |path: &[Name]| Step::RawPut { path: path.to_vec(), value: RawValue::Bytes(value.clone()) };
        self.steps(Step::RawBucket { path: labels.clone() }, [put(&path)]);
        if self.u.ratio(1, 2)? {
            // One that begins with it stays when it goes.
            let longer = [&path[path.len() - 1], &b".0"[..]].concat();
            self.queue.extend([put(&[&labels[..], &[longer]].concat()), Step::RawDelete { path }].map(line));
        }
        Ok(())
    }

    /// A time as RFC 3339 has it, with any offset and fraction.
    pub(super) fn time_text(&mut self) -> Result<Name> {
        let at = self.time()?;
        let offset = *self.u.choose(&OFFSETS)?;
        let local = shifted(at, 0);
        let local = Instant { seconds: local.seconds + offset, nanoseconds: 0 };
        let text = time::format_rfc3339(local);
        let digits = self.u.int_in_range(0..=12usize)?;
        let fraction = format!("{:09}000", at.nanoseconds);
        // What is not written is not read either.
        let unwritten = 10u32.pow(u32::try_from(9 - digits.min(9)).expect("nine at the most"));
        self.expiries.push(Instant { nanoseconds: at.nanoseconds / unwritten * unwritten, ..at });
        let mark = self.u.choose(&[".", ".", ","])?;
        let fraction = if digits == 0 { String::new() } else { format!("{mark}{}", &fraction[..digits]) };
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        let zone = match offset {
            0 if self.u.ratio(3, 4)? => "Z".to_owned(),
            _ => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        };
        Ok(text.replace('Z', &format!("{fraction}{zone}")).into_bytes())
    }

    /// A time in Go's binary form, any of its fields as it should not be.
    pub(super) fn time_bytes(&mut self) -> Result<Name> {
        let at = self.time()?;
        self.expiries.push(at);
        let mut bytes = time::to_binary(at);
        match self.u.int_in_range(0..=5u8)? {
            0 => bytes[1..9].copy_from_slice(&self.u.choose(&[i64::MIN, -1, 0, i64::MAX])?.to_be_bytes()),
            1 => bytes[9..13].copy_from_slice(&self.u.arbitrary::<u32>()?.to_be_bytes()),
            2 => bytes[9..13].copy_from_slice(&(at.nanoseconds | 0xC000_0000).to_be_bytes()),
            3 => bytes[13..].copy_from_slice(&self.u.arbitrary::<i16>()?.to_be_bytes()),
            4 => {
                bytes[0] = 2;
                bytes.push(self.u.arbitrary()?);
            }
            _ => {}
        }
        Ok(bytes)
    }
}
