//! The parts that objects share: maps of labels, times, and updates by field path.

use super::error::Error;
use super::names::{CREATED_AT, LABELS};
use crate::bucket::{Bucket, Builder, KEY_BYTES_MAX, Refusal, View};
use crate::instant::Instant;
use crate::schema::time;
use std::borrow::Cow;

/// A label: key and value.
pub type Label = (Vec<u8>, Vec<u8>);

/// A map of labels, in ascending order of the keys. Operations take any order; of equal keys the last counts.
pub type Labels = Vec<Label>;

/// Go's zero time, which stands where a time was never written.
pub(super) const ZERO_TIME: Instant = Instant { seconds: 0, nanoseconds: 0 };

/// A map in ascending order, each key once.
pub(super) fn ordered(labels: &[Label]) -> Cow<'_, [Label]> {
    if labels.is_sorted_by(|left, right| left.0 < right.0) {
        return Cow::Borrowed(labels);
    }
    let mut sorted = Labels::with_capacity(labels.len());
    for (key, value) in labels {
        set(&mut sorted, key, value);
    }
    Cow::Owned(sorted)
}

/// The value under a key; empty where there is none, as Go's maps answer.
pub(super) fn value<'a>(labels: &'a [Label], key: &[u8]) -> &'a [u8] {
    labels.iter().rev().find(|(there, _)| there == key).map_or(&[][..], |(_, value)| value)
}

/// Sets one key of an ordered map.
pub(super) fn set(labels: &mut Labels, key: &[u8], value: &[u8]) {
    match labels.binary_search_by(|(there, _)| there[..].cmp(key)) {
        Ok(at) => labels[at].1 = value.to_vec(),
        Err(at) => labels.insert(at, (key.to_vec(), value.to_vec())),
    }
}

/// The map under a key of an object (`boltutil.ReadLabels`); a sub-bucket in it reads as an empty value.
pub(super) fn read_map(object: View<'_>, name: &[u8]) -> Labels {
    let Some(map) = object.bucket(name) else { return Labels::new() };
    map.iter().map(|(key, entry)| (key.to_vec(), entry.value().unwrap_or_default().to_vec())).collect()
}

/// Appends a map to an object that is being built (`boltutil.WriteLabels`): no bucket for an empty map, and no
/// entry for an empty value; so a map of empty values leaves an empty bucket.
pub(super) fn build_map(builder: &mut Builder, name: &[u8], map: &[Label]) -> Result<(), Error> {
    if map.is_empty() {
        return Ok(());
    }
    open(builder, name);
    build_entries(builder, map.iter().filter(|(_, value)| !value.is_empty()))?;
    builder.close();
    Ok(())
}

/// Appends the entries of an ordered map, with bbolt's refusals.
pub(super) fn build_entries<'a>(
    builder: &mut Builder,
    entries: impl Iterator<Item = &'a Label>,
) -> Result<(), Error> {
    for (key, value) in entries {
        if key.is_empty() {
            return Err(Refusal::KeyRequired.into());
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Refusal::KeyTooLarge.into());
        }
        put(builder, key, value);
    }
    Ok(())
}

/// Puts a value after those already there.
pub(super) fn put(builder: &mut Builder, key: &[u8], value: &[u8]) {
    builder.put(key, value).expect("the fields of an object are written in ascending order");
}

/// Opens a bucket after the entries already there.
pub(super) fn open(builder: &mut Builder, key: &[u8]) {
    builder.open(key, 0).expect("the fields of an object are written in ascending order");
}

/// Replaces a map of an object that exists (`boltutil.WriteLabels`).
pub(super) fn rewrite_map(
    tree: &mut Bucket,
    object: &[&[u8]],
    name: &[u8],
    map: &[Label],
) -> Result<(), Error> {
    if map.is_empty() {
        if tree.view().at(object).is_some_and(|object| object.bucket(name).is_some()) {
            tree.delete_bucket(object, name)?;
        }
        return Ok(());
    }
    let mut builder = Builder::new();
    build_entries(&mut builder, map.iter().filter(|(_, value)| !value.is_empty()))?;
    Ok(tree.graft(object, name, &builder.finish())?)
}

/// Refuses an object whose times do not decode (`boltutil.ReadTimestamps`); an absent time is none.
pub(super) fn check_times(object: View<'_>, keys: &[&[u8]]) -> Result<(), Error> {
    for key in keys {
        if let Some(bytes) = object.get(key) {
            time::from_binary(bytes).map_err(|error| Error::unknown(format_args!("{error}")))?;
        }
    }
    Ok(())
}

/// Writes the time of creation back as it was read: unchanged where it was, Go's zero time where it was not.
pub(super) fn keep_created_at(tree: &mut Bucket, object: &[&[u8]]) -> Result<(), Error> {
    if tree.view().at(object).is_some_and(|object| object.get(CREATED_AT).is_some()) {
        return Ok(());
    }
    Ok(tree.put(object, CREATED_AT, &time::to_binary(ZERO_TIME))?)
}

/// The labels of an object after an update by field paths: `labels` replaces all, `labels.K` sets or, without a
/// value, drops one. A path of another kind is handed to `other`, which refuses or takes it.
pub(super) fn updated_labels<'f>(
    object: View<'_>,
    labels: &[Label],
    paths: &[&'f [u8]],
    mut other: impl FnMut(&'f [u8]) -> Result<(), Error>,
) -> Result<Labels, Error> {
    if paths.is_empty() {
        return Ok(ordered(labels).into_owned());
    }
    let mut updated = read_map(object, LABELS);
    for path in paths {
        if let Some(key) = path.strip_prefix(b"labels.") {
            set(&mut updated, key, value(labels, key));
        } else if *path == LABELS {
            updated = ordered(labels).into_owned();
        } else {
            other(path)?;
        }
    }
    Ok(updated)
}
