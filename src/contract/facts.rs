//! Flat facts of a database: one entry each, by what it means.
//!
//! ```text
//!   exists(content D)            v1/NS/content/blob/D            a bucket
//!   field(content D, size)       v1/NS/content/blob/D/size       a value
//!   label(content D, K)          v1/NS/content/blob/D/labels/K   a value
//!   holds(lease L, content D)    v1/NS/leases/L/content/D        an empty value
//!   child(snapshot P, snapshot C)  .../P/children/C              an empty value
//! ```
//!
//! A fact is a place and what must stand there. Where a thing lies is said here and nowhere else in this room.

use crate::bucket::{Entry, View};
use crate::instant::Instant;
use crate::release::Release;
use crate::scenario::print_value;
use crate::schema::names::{
    BLOB, CHILDREN, CONTAINERS, CONTENT, IMAGES, INGESTS, LABELS, LEASES, SANDBOXES, SNAPSHOTS, V1, VERSION,
};
use std::borrow::Cow;
use std::fmt;

/// The field of an object that its creation sets.
pub const CREATED_AT: &[u8] = b"createdat";
/// The field of an object that every update sets.
pub const UPDATED_AT: &[u8] = b"updatedat";
/// The longest key that bbolt takes.
const KEY_BYTES_MAX: usize = 32_768;
/// The seconds from the year 1 to the year 10000, which RFC 3339 cannot write.
pub(super) const TEXT_SECONDS_END: i64 = 315_537_897_600;
/// The keys from the root to an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    keys: [&'a [u8]; Place::KEYS_MAX],
    length: usize,
}

impl<'a> Place<'a> {
    /// No place lies deeper: `v1/NS/snapshots/S/KEY/labels/KEY`.
    pub(super) const KEYS_MAX: usize = 8;

    /// The place of a path that is given whole; none if it is deeper than any of containerd's.
    pub(super) fn of(path: &'a [Vec<u8>]) -> Option<Place<'a>> {
        let place = Place { keys: [b""; Place::KEYS_MAX], length: 0 };
        (path.len() <= Place::KEYS_MAX).then(|| path.iter().fold(place, |place, key| place.below(key)))
    }

    pub(super) fn new(keys: &[&'a [u8]]) -> Place<'a> {
        let mut place = Place { keys: [b""; Place::KEYS_MAX], length: keys.len() };
        place.keys[..keys.len()].copy_from_slice(keys);
        place
    }

    /// The place of an entry below.
    pub(super) fn below(mut self, key: &'a [u8]) -> Place<'a> {
        self.keys[self.length] = key;
        self.length += 1;
        self
    }

    /// The place of the bucket around.
    pub(super) fn around(self) -> Place<'a> {
        Place { length: self.length - 1, ..self }
    }

    /// Its keys.
    pub fn keys(&self) -> &[&'a [u8]] {
        &self.keys[..self.length]
    }

    /// Whether it is this path. Places of one object differ in their last keys.
    pub(super) fn is(&self, path: &[&[u8]]) -> bool {
        self.length == path.len() && self.is_at_or_below(path)
    }

    /// Whether it is this path, or one below it.
    pub(super) fn is_at_or_below(&self, path: &[&[u8]]) -> bool {
        self.length >= path.len() && self.keys.iter().zip(path).rev().all(|(own, key)| own == key)
    }

    pub(super) fn last(&self) -> &'a [u8] {
        self.keys[self.length - 1]
    }

    /// Whether bbolt takes every key of it.
    pub(super) fn is_possible(&self) -> bool {
        self.keys().iter().all(|key| (1..=KEY_BYTES_MAX).contains(&key.len()))
    }

    /// What stands there.
    pub(super) fn entry(&self, tree: View<'a>) -> Option<Entry<'a>> {
        let (key, around) = self.keys().split_last()?;
        tree.at(around)?.entry(key)
    }

    /// Whether a value stands where a bucket would have to be, at the place or on the way to it.
    pub(super) fn is_blocked(&self, tree: View<'a>) -> bool {
        let mut bucket = tree;
        for key in self.keys() {
            match bucket.entry(key) {
                None => return false,
                Some(Entry::Value(_)) => return true,
                Some(Entry::Bucket(below)) => bucket = below,
            }
        }
        false
    }
}

/// Reads one place after the other: neighbours lie in one bucket, which is looked for once.
pub(super) struct Reader<'p, 'a> {
    tree: View<'a>,
    /// The keys of the bucket around the place that was read last, and the bucket if it is there.
    last: (&'p [&'a [u8]], Option<View<'a>>),
}

impl<'p, 'a> Reader<'p, 'a> {
    pub(super) fn new(tree: View<'a>) -> Reader<'p, 'a> {
        Reader { tree, last: (&[], Some(tree)) }
    }

    /// What stands at a place.
    pub(super) fn entry(&mut self, place: &'p Place<'a>) -> Option<Entry<'a>> {
        let (key, around) = place.keys().split_last()?;
        let bucket = match (around.strip_prefix(self.last.0), self.last.1) {
            (Some(below), Some(bucket)) => bucket.at(below),
            (Some(_), None) => None,
            (None, _) => self.tree.at(around),
        };
        self.last = (around, bucket);
        bucket?.entry(key)
    }
}

/// An object of a namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Object<'a> {
    /// A blob by its digest.
    Content(&'a [u8]),
    /// An ingest by its reference.
    Ingest(&'a [u8]),
    /// A snapshot by its snapshotter and key.
    Snapshot(&'a [u8], &'a [u8]),
    /// An image by its name.
    Image(&'a [u8]),
    /// A container by its id.
    Container(&'a [u8]),
    /// A lease by its id.
    Lease(&'a [u8]),
}

impl<'a> Object<'a> {
    /// Where its bucket lies.
    pub(super) fn place(self, namespace: &'a [u8]) -> Place<'a> {
        match self {
            Object::Content(digest) => Place::new(&[V1, namespace, CONTENT, BLOB, digest]),
            Object::Ingest(reference) => Place::new(&[V1, namespace, CONTENT, INGESTS, reference]),
            Object::Snapshot(snapshotter, key) => Place::new(&[V1, namespace, SNAPSHOTS, snapshotter, key]),
            Object::Image(name) => Place::new(&[V1, namespace, IMAGES, name]),
            Object::Container(id) => Place::new(&[V1, namespace, CONTAINERS, id]),
            Object::Lease(id) => Place::new(&[V1, namespace, LEASES, id]),
        }
    }

    /// Where a lease says that it holds it; nowhere for what no lease can hold.
    pub(super) fn entry(self, lease: Place<'a>) -> Place<'a> {
        match self {
            Object::Content(digest) => lease.below(CONTENT).below(digest),
            Object::Ingest(reference) => lease.below(INGESTS).below(reference),
            Object::Snapshot(snapshotter, key) => lease.below(SNAPSHOTS).below(snapshotter).below(key),
            Object::Image(name) => lease.below(IMAGES).below(name),
            Object::Container(_) | Object::Lease(_) => {
                unreachable!("leases hold content, ingests, snapshots and images")
            }
        }
    }
}

/// Where a sandbox lies: beside `v1` up to 1.7, below it from 2.0 on.
pub(super) fn sandbox<'a>(namespace: &'a [u8], id: &'a [u8], below_v1: bool) -> Place<'a> {
    match below_v1 {
        true => Place::new(&[V1, namespace, SANDBOXES, id]),
        false => Place::new(&[namespace, SANDBOXES, id]),
    }
}

/// Where a label of an object lies.
pub(super) fn label<'a>(object: Place<'a>, key: &'a [u8]) -> Place<'a> {
    object.below(LABELS).below(key)
}

/// Where a snapshot is linked from its parent.
pub(super) fn child<'a>(parent: Place<'a>, key: &'a [u8]) -> Place<'a> {
    parent.below(CHILDREN).below(key)
}

/// What must stand at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Want<'a> {
    /// A bucket.
    Bucket,
    /// A bucket whose sequence number is this.
    Sequence(u64),
    /// This value.
    Value(Cow<'a, [u8]>),
    /// This instant, in Go's binary form.
    Time(Instant),
    /// This number, in Go's signed varint.
    Number(i64),
    /// A value, whatever it is.
    AnyValue,
    /// Nothing, where a bucket may have been with all below.
    NoBucket,
    /// Nothing, where a value may have been.
    NoValue,
}

/// What follows "must leave".
impl fmt::Display for Want<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Want::Bucket => f.write_str("a bucket"),
            Want::Sequence(sequence) => write!(f, "a bucket with sequence number {sequence}"),
            // What is kept as it is may be a time, too.
            Want::Value(value) => f.write_str(&shown_value(value)),
            Want::Time(at) => write!(f, "the time {}", shown_time(*at)),
            Want::Number(number) => write!(f, "the number {number}"),
            Want::AnyValue => f.write_str("a value"),
            Want::NoBucket | Want::NoValue => f.write_str("nothing"),
        }
    }
}

impl Want<'_> {
    /// What stands there, said as what should.
    pub(super) fn said_of(&self, there: Option<Entry<'_>>) -> String {
        match there {
            None => "nothing".to_owned(),
            Some(Entry::Bucket(bucket)) => match self {
                Want::Sequence(_) => Want::Sequence(bucket.sequence()).to_string(),
                _ => Want::Bucket.to_string(),
            },
            Some(Entry::Value(bytes)) => match (self, read_time(bytes)) {
                (Want::Time(_), Some(at)) => Want::Time(at).to_string(),
                _ => Want::Value(bytes.into()).to_string(),
            },
        }
    }

    /// The same, with a value of its own.
    pub(super) fn into_owned(self) -> Want<'static> {
        match self {
            Want::Value(value) => Want::Value(value.into_owned().into()),
            Want::Bucket => Want::Bucket,
            Want::Sequence(sequence) => Want::Sequence(sequence),
            Want::Time(at) => Want::Time(at),
            Want::Number(number) => Want::Number(number),
            Want::AnyValue => Want::AnyValue,
            Want::NoBucket => Want::NoBucket,
            Want::NoValue => Want::NoValue,
        }
    }

    /// Whether it stands there.
    pub(super) fn is_met_by(&self, there: Option<Entry<'_>>) -> bool {
        match (self, there) {
            (Want::NoBucket | Want::NoValue, None) | (Want::Bucket, Some(Entry::Bucket(_))) => true,
            (Want::Sequence(sequence), Some(Entry::Bucket(bucket))) => bucket.sequence() == *sequence,
            (Want::Value(value), Some(Entry::Value(there))) => **value == *there,
            (Want::Time(at), Some(Entry::Value(there))) => binary_time(*at) == there,
            (Want::Number(number), Some(Entry::Value(there))) => is_varint_of(there, *number),
            (Want::AnyValue, Some(Entry::Value(_))) => true,
            _ => false,
        }
    }

    /// Whether it is that nothing stands there.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Want::NoBucket | Want::NoValue)
    }

    /// Whether what stands there is of the other sort, so that bbolt refuses to change it.
    pub(super) fn is_hindered_by(&self, there: Option<Entry<'_>>) -> bool {
        let is_for_bucket = matches!(self, Want::Bucket | Want::Sequence(_) | Want::NoBucket);
        there.is_some_and(|there| there.bucket().is_some() != is_for_bucket)
    }
}

/// Seconds since the year 1 as text, counted year by year and month by month.
pub(super) fn rfc3339(seconds: i64) -> String {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    // 400 years have 146,097 days.
    let mut year = days / 146_097 * 400 + 1;
    days %= 146_097;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

/// Version, seconds since the year 1, nanoseconds, and -1 for UTC (Go's `Time.MarshalBinary`).
fn binary_time(at: Instant) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes[0] = 1;
    bytes[1..9].copy_from_slice(&at.seconds.to_be_bytes());
    bytes[9..13].copy_from_slice(&at.nanoseconds.to_be_bytes());
    bytes[13..].copy_from_slice(&(-1_i16).to_be_bytes());
    bytes
}

/// The instant that these bytes are the binary form of.
fn read_time(bytes: &[u8]) -> Option<Instant> {
    let seconds = i64::from_be_bytes(*bytes.get(1..)?.first_chunk()?);
    let nanoseconds = u32::from_be_bytes(*bytes.get(9..)?.first_chunk()?);
    let at = Instant { seconds, nanoseconds };
    (binary_time(at) == bytes).then_some(at)
}

/// A value as findings show it: a time as such, others as labels have them.
pub(super) fn shown_value(value: &[u8]) -> String {
    match read_time(value) {
        Some(at) => format!("the time {}", shown_time(at)),
        None => format!("the value {}", print_value(value)),
    }
}

fn shown_time(at: Instant) -> String {
    match (u64::try_from(at.seconds), at.nanoseconds) {
        (Ok(_), 0) if at.seconds < TEXT_SECONDS_END => rfc3339(at.seconds),
        (Ok(_), fraction) if at.seconds < TEXT_SECONDS_END => {
            rfc3339(at.seconds).replace('Z', &format!(".{fraction:09}Z"))
        }
        _ => format!("{}s {}ns after the year 1", at.seconds, at.nanoseconds),
    }
}

/// Whether a database is of the version that a release writes, or newer.
pub(super) fn is_of_version(tree: View<'_>, release: Release) -> bool {
    let version = tree.bucket(V1).and_then(|v1| v1.get(VERSION)).unwrap_or_default();
    is_varint_of(version, 4) || release < Release::V2_0 && is_varint_of(version, 3)
}

/// Zigzag, seven bits a byte, the lowest first, and all but the last marked (Go's `binary.PutVarint`).
fn is_varint_of(bytes: &[u8], number: i64) -> bool {
    let mut rest = u64::from_ne_bytes((number << 1 ^ number >> 63).to_ne_bytes());
    for (at, byte) in bytes.iter().enumerate() {
        let is_last = rest < 0x80;
        let expected = if is_last { rest } else { rest & 0x7F | 0x80 };
        if u64::from(*byte) != expected || is_last != (at + 1 == bytes.len()) {
            return false;
        }
        rest >>= 7;
    }
    !bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_such_whoever_wants_it() {
        let at = Instant { seconds: 63_902_822_400, nanoseconds: 0 };
        let bytes = binary_time(at);
        let kept = Want::Value(Cow::Borrowed(&bytes));
        assert_eq!(kept.to_string(), Want::Time(at).to_string());
        assert!(kept.to_string().starts_with("the time 20"), "{kept}");
        assert_eq!(Want::Value(b"a".into()).said_of(Some(Entry::Value(&bytes))), kept.to_string());
        assert_eq!(Want::AnyValue.said_of(Some(Entry::Value(b"\x01\xff"))), "the value \"\\x01\\xff\"");
    }
}
