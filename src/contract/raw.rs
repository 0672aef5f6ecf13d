//! Edits that no client can make: exactly what they say, or nothing.

use super::facts::{Place, Want};
use super::{Asked, Terms};
use crate::bucket::Entry;
use crate::scenario::{KeyPath, RawValue, Refused, Step};
use std::borrow::Cow;

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::RawPut { path, value } => {
            let want = match value {
                RawValue::Bytes(bytes) => Want::Value(Cow::Borrowed(bytes)),
                RawValue::Time(at) => Want::Time(*at),
                RawValue::Varint(number) => Want::Number(*number),
            };
            let around = path.split_last().map_or(&[][..], |(_, around)| around);
            terms.refuse_if(!is_bucket(asked, around), Refused::NotFound);
            terms
                .refuse_if(matches!(entry(asked, path), Some(Entry::Bucket(_))), Refused::FailedPrecondition);
            changes(terms, path, want);
        }
        Step::RawBucket { path } => {
            let is_value = |end: usize| matches!(entry(asked, &path[..end]), Some(Entry::Value(_)));
            terms.refuse_if((1..=path.len()).any(is_value), Refused::FailedPrecondition);
            changes(terms, path, Want::Bucket);
        }
        Step::RawDelete { path } => {
            terms.refuse_if(entry(asked, path).is_none(), Refused::NotFound);
            let is_bucket = is_bucket(asked, path);
            changes(terms, path, if is_bucket { Want::NoBucket } else { Want::NoValue });
        }
        Step::RawSequence { path, sequence } => {
            terms.refuse_if(entry(asked, path).is_none(), Refused::NotFound);
            terms.tolerate_if(!is_bucket(asked, path), Refused::FailedPrecondition);
            changes(terms, path, Want::Sequence(*sequence));
        }
        _ => unreachable!("these are the raw edits"),
    }
    // Keys that bbolt does not take, and trees deeper than any input may be.
    terms.tolerate_if(true, Refused::InvalidArgument);
    terms.tolerate_if(true, Refused::NotFound);
}

/// The entry becomes what was asked for. Of one that lies deeper than any of containerd's, the bucket may change that
/// has it.
fn changes<'a>(terms: &mut Terms<'a>, path: &'a KeyPath, want: Want<'a>) {
    match Place::of(path) {
        Some(place) => terms.then(place, want),
        None => terms.may.push(Place::of(&path[..Place::KEYS_MAX]).expect("a place of so many keys")),
    }
}

fn entry<'a>(asked: &Asked<'a>, path: &[Vec<u8>]) -> Option<Entry<'a>> {
    let (key, around) = path.split_last()?;
    around.iter().try_fold(asked.tree, |bucket, key| bucket.bucket(key))?.entry(key)
}

fn is_bucket(asked: &Asked<'_>, path: &[Vec<u8>]) -> bool {
    path.iter().try_fold(asked.tree, |bucket, key| bucket.bucket(key)).is_some()
}
