//! Images (containerd's `metadata/images.go`).

use super::facts::{Place, Want};
use super::labels::{Map, given_with};
use super::{Asked, Object, Terms};
use crate::release::Release;
use crate::scenario::{ImageFields, Name, Refused, Replace, Step};
use crate::schema::names::{DIGEST, GC_EXPIRE, MEDIA_TYPE, SIZE, TARGET};
use std::borrow::Cow;

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::ImageCreate { image, fields } => {
            let place = asked.place(Object::Image(image));
            terms.refuse_if(asked.exists(place), Refused::AlreadyExists);
            let labels = given_with(&fields.labels, fields.expire.as_ref(), false, asked.now);
            terms.created(place, asked.now, &labels);
            has_target(terms, place, fields, |_| None);
            is_whole(asked, terms, image, &labels);
        }
        Step::ImageUpdate { image, fields, replace } => update(asked, terms, image, fields, *replace),
        Step::ImageLabel { image, replace, labels } => {
            let place = asked.place(Object::Image(image));
            let labels = asked.labelled(terms, place, labels, *replace);
            is_sound(asked, terms, place);
            is_whole(asked, terms, image, &labels);
        }
        Step::ImageDelete { image, .. } => {
            let object = Object::Image(image);
            terms.refuse_if(!asked.exists(asked.place(object)), Refused::NotFound);
            terms.takes(asked.place(object));
            if leases_images(asked) {
                asked.released(terms, object);
            }
        }
        _ => unreachable!("these are the steps of images"),
    }
}

fn update<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    image: &'a Name,
    fields: &'a ImageFields,
    replace: Option<Replace>,
) {
    let place = asked.place(Object::Image(image));
    let targets = fields.target.is_some() || fields.size.is_some() || fields.media_type.is_some();
    let given = given_with(&fields.labels, fields.expire.as_ref(), false, asked.now);
    let says_nothing = replace.is_none() && !targets && given.is_empty();
    terms.refuse_if(says_nothing, Refused::InvalidArgument);
    terms.refuse_if(!asked.exists(place), Refused::NotFound);
    let labels = asked.updated_labels(place, given, replace.is_some());
    asked.updated(terms, place, &labels);
    if replace == Some(Replace::All) {
        // All that is not said is as a client says it of a new image.
        has_target(terms, place, fields, |_| None);
    } else if targets {
        let there = asked.bucket(place.below(TARGET));
        has_target(terms, place, fields, |key| there.and_then(|target| target.get(key)));
    } else {
        is_sound(asked, terms, place);
    }
    // Annotations belong to the target, and no step gives any.
    terms.may.push(place.below(b"annotations"));
    is_whole(asked, terms, image, &labels);
    // A raw edit may have left an image without the bucket of its target.
    terms.tolerate_if(!asked.exists(place.below(TARGET)), Refused::Unknown);
}

/// The target as it is given, or else as it was.
fn has_target<'a>(
    terms: &mut Terms<'a>,
    place: Place<'a>,
    fields: &'a ImageFields,
    there: impl Fn(&[u8]) -> Option<&'a [u8]>,
) {
    let target = place.below(TARGET);
    let digest = fields.target.as_deref().or_else(|| there(DIGEST)).unwrap_or_default();
    terms.refuse_if(!is_digest(digest), Refused::InvalidArgument);
    terms.then(target.below(DIGEST), Want::Value(Cow::Borrowed(digest)));
    let media_type = match fields.media_type.as_deref() {
        Some(media_type) => Want::Value(Cow::Borrowed(media_type)),
        None => there(MEDIA_TYPE).map_or(Want::AnyValue, |there| Want::Value(Cow::Borrowed(there))),
    };
    terms.refuse_if(media_type == Want::Value(b"".into()), Refused::InvalidArgument);
    terms.then(target.below(MEDIA_TYPE), media_type);
    match fields.size {
        Some(size) => {
            terms.refuse_if(size <= 0, Refused::InvalidArgument);
            terms.then(target.below(SIZE), Want::Number(size));
        }
        None => {
            // The size of what is stored may be none that an image can have.
            terms.tolerate_if(true, Refused::InvalidArgument);
            terms.then(target.below(SIZE), Want::AnyValue);
        }
    }
}

/// An image that is written again without a word about its target: it must still be one.
fn is_sound<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, place: Place<'a>) {
    let target = asked.bucket(place.below(TARGET));
    let value = |key| target.and_then(|target| target.get(key)).unwrap_or_default();
    terms.refuse_if(target.is_some() && !is_digest(value(DIGEST)), Refused::InvalidArgument);
    terms.refuse_if(target.is_some() && value(MEDIA_TYPE).is_empty(), Refused::InvalidArgument);
    // A size that a raw edit made odd is read as some other, written back, and may be refused.
    terms.tolerate_if(true, Refused::InvalidArgument);
    terms.tolerate_if(target.is_none(), Refused::Unknown);
    terms.may.push(place.below(TARGET).below(SIZE));
}

/// What every image needs, and the lease that holds one with an expiry (from 2.0).
fn is_whole<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, image: &'a Name, labels: &Map<'a>) {
    terms.refuse_if(image.is_empty(), Refused::InvalidArgument);
    terms.refuse_large_labels(labels);
    if leases_images(asked) && labels.contains_key(GC_EXPIRE) {
        asked.leased(terms, Object::Image(image));
    }
}

fn leases_images(asked: &Asked<'_>) -> bool {
    asked.release >= Release::V2_0
}

/// Whether a text is a digest of an algorithm that Go's digest package knows.
pub(super) fn is_digest(text: &[u8]) -> bool {
    [(&b"sha256:"[..], 64), (b"sha384:", 96), (b"sha512:", 128)].into_iter().any(|(algorithm, digits)| {
        text.strip_prefix(algorithm).is_some_and(|encoded| {
            encoded.len() == digits && encoded.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    })
}
