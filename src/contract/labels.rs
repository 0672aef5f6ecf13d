//! Labels, times and updates, which every kind of object has.

use super::facts::{CREATED_AT, Place, TEXT_SECONDS_END, UPDATED_AT, Want, label, rfc3339};
use super::{Asked, Terms};
use crate::bucket::Entry;
use crate::instant::Instant;
use crate::scenario::{Expiry, Labels, Refused};
use crate::schema::names::{GC_EXPIRE, GC_FLAT, LABELS};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest sum of a label's key and value (`labels.Validate`). Leases and sandboxes do not ask.
const LABEL_BYTES_MAX: usize = 4096;
/// Go's zero time, which is written where an object that is updated has no time of creation.
const ZERO_TIME: Instant = Instant { seconds: 0, nanoseconds: 0 };

/// A map of labels as a request has it, or as it is to be.
pub(super) type Map<'a> = BTreeMap<&'a [u8], Want<'a>>;

/// The labels of a request.
pub(super) fn given(labels: &Labels) -> Map<'_> {
    let labels = labels.as_slice().iter();
    labels.map(|(key, value)| (&key[..], Want::Value(Cow::Borrowed(&value[..])))).collect()
}

/// The same with what `expire=` and `flat` stand for.
pub(super) fn given_with<'a>(
    labels: &'a Labels,
    expire: Option<&'a Expiry>,
    is_flat: bool,
    now: Instant,
) -> Map<'a> {
    let mut map = given(labels);
    if let Some(expire) = expire {
        map.insert(GC_EXPIRE, expiry(expire, now));
    }
    if is_flat {
        map.insert(GC_FLAT, Want::Value(b"true".into()));
    }
    map
}

/// What `containerd.io/gc.expire` says: whole seconds in UTC, what is below is cut (`leases.WithExpiration`).
fn expiry(expire: &Expiry, now: Instant) -> Want<'_> {
    const NANOSECONDS: i128 = 1_000_000_000;
    let now = i128::from(now.seconds) * NANOSECONDS + i128::from(now.nanoseconds);
    let at = match expire {
        Expiry::Text(text) => return Want::Value(Cow::Borrowed(text)),
        Expiry::In(after) => now + i128::try_from(after.as_nanos()).unwrap_or(i128::MAX / 2),
        Expiry::Ago(before) => now - i128::try_from(before.as_nanos()).unwrap_or(i128::MAX / 2),
    };
    match i64::try_from(at.div_euclid(NANOSECONDS)) {
        Ok(seconds) if (0..TEXT_SECONDS_END).contains(&seconds) => {
            Want::Value(Cow::Owned(rfc3339(seconds).into_bytes()))
        }
        _ => Want::AnyValue,
    }
}

impl<'a> Terms<'a> {
    /// A label that is too large is refused.
    pub(super) fn refuse_large_labels(&mut self, map: &Map<'a>) {
        let is_large = |(key, value): (&&[u8], &Want<'_>)| match value {
            Want::Value(value) => key.len() + value.len() > LABEL_BYTES_MAX,
            _ => false,
        };
        self.refuse_if(map.iter().any(is_large), Refused::InvalidArgument);
    }

    /// A new object has these times and these labels. Labels with empty values are not written.
    pub(super) fn created(&mut self, object: Place<'a>, at: Instant, labels: &Map<'a>) {
        self.then(object, Want::Bucket);
        self.then(object.below(CREATED_AT), Want::Time(at));
        self.then(object.below(UPDATED_AT), Want::Time(at));
        self.has_labels(object, labels);
    }

    /// An object has these labels and no others.
    pub(super) fn has_labels(&mut self, object: Place<'a>, labels: &Map<'a>) {
        if !labels.is_empty() {
            self.then(object.below(LABELS), Want::Bucket);
        }
        for (key, value) in labels {
            let is_empty = matches!(value, Want::Value(value) if value.is_empty());
            self.then(label(object, key), if is_empty { Want::NoValue } else { value.clone() });
        }
    }
}

impl<'a> Asked<'a> {
    /// The labels of an object after an update of all of them, or only of those given, where an empty value drops one.
    pub(super) fn updated_labels(&self, object: Place<'a>, given: Map<'a>, replaces: bool) -> Map<'a> {
        let mut labels = if replaces { Map::new() } else { self.labels(object) };
        labels.extend(given);
        labels
    }

    /// The labels that an object has. A bucket among them reads as an empty one.
    fn labels(&self, object: Place<'a>) -> Map<'a> {
        let labels = self.bucket(object.below(LABELS));
        let entries = labels.into_iter().flat_map(|labels| labels.iter());
        entries
            .map(|(key, entry)| (key, Want::Value(Cow::Borrowed(entry.value().unwrap_or_default()))))
            .collect()
    }

    /// An object that exists is written anew with these labels: the others are gone, it is updated now, and its creation
    /// stays as it was.
    pub(super) fn updated(&self, terms: &mut Terms<'a>, object: Place<'a>, labels: &Map<'a>) {
        let there = self.bucket(object);
        let created_at = there.and_then(|there| there.get(CREATED_AT));
        let created_at = created_at.map_or(Want::Time(ZERO_TIME), |bytes| Want::Value(Cow::Borrowed(bytes)));
        terms.then(object.below(CREATED_AT), created_at);
        terms.then(object.below(UPDATED_AT), Want::Time(self.now));
        let place = object.below(LABELS);
        if labels.is_empty() && self.exists(place) {
            terms.takes(place);
        }
        for key in self.labels(object).into_keys() {
            if !labels.contains_key(key) {
                terms.drops(label(object, key));
            }
        }
        terms.has_labels(object, labels);
        // What a raw edit left there in a shape that no daemon writes may be refused.
        let is_odd = |key: &[u8]| {
            let entry = there.and_then(|there| there.entry(key));
            entry.is_some_and(
                |entry| !matches!(entry, Entry::Value(bytes) if bytes.len() == 15 && bytes[0] == 1),
            )
        };
        terms.tolerate_if(is_odd(CREATED_AT) || is_odd(UPDATED_AT), Refused::Unknown);
        terms.tolerate_if(matches!(place.entry(self.tree), Some(Entry::Value(_))), Refused::Unknown);
    }

    /// An update says what it updates: no labels and no `replace` is a request for nothing.
    pub(super) fn labelled(
        &self,
        terms: &mut Terms<'a>,
        object: Place<'a>,
        given_labels: &'a Labels,
        replaces: bool,
    ) -> Map<'a> {
        terms.refuse_if(given_labels.is_empty() && !replaces, Refused::InvalidArgument);
        terms.refuse_if(!self.exists(object), Refused::NotFound);
        let labels = self.updated_labels(object, given(given_labels), replaces);
        self.updated(terms, object, &labels);
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (seconds, text) in [
            (0, "0001-01-01T00:00:00Z"),
            (crate::instant::UNIX_EPOCH_SECONDS, "1970-01-01T00:00:00Z"),
            (crate::instant::UNIX_EPOCH_SECONDS + 951_868_799, "2000-02-29T23:59:59Z"),
            (TEXT_SECONDS_END - 1, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
