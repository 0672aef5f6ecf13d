//! Containers (containerd's `metadata/containers.go`).

use super::facts::{Place, Want};
use super::labels::given;
use super::namespaces::is_identifier;
use super::{Asked, Object, Terms};
use crate::release::Release;
use crate::scenario::{ContainerFields, Name, Refused, Replace, Step};
use crate::schema::names::{NAME, SNAPSHOT_KEY, SNAPSHOTTER};
use std::borrow::Cow;

const IMAGE: &[u8] = b"image";
const SPEC: &[u8] = b"spec";
const SANDBOX_ID: &[u8] = b"sandboxid";
pub(super) const RUNTIME: &[u8] = b"runtime";

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::ContainerCreate { container, fields } => create(asked, terms, container, fields),
        Step::ContainerUpdate { container, fields, replace } => {
            update(asked, terms, container, fields, *replace);
        }
        Step::ContainerLabel { container, replace, labels } => {
            let place = asked.place(Object::Container(container));
            terms.refuse_if(container.is_empty(), Refused::InvalidArgument);
            let labels = asked.labelled(terms, place, labels, *replace);
            terms.refuse_large_labels(&labels);
            rewritten(asked, terms, place, &[]);
        }
        Step::ContainerDelete { container } => {
            let place = asked.place(Object::Container(container));
            terms.refuse_if(!asked.exists(place), Refused::NotFound);
            terms.takes(place);
        }
        _ => unreachable!("these are the steps of containers"),
    }
}

/// Whether image and snapshot exist is not asked.
fn create<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, container: &'a Name, fields: &'a ContainerFields) {
    let place = asked.place(Object::Container(container));
    terms.refuse_if(!is_identifier(container), Refused::InvalidArgument);
    terms.refuse_if(asked.exists(place), Refused::AlreadyExists);
    let labels = given(&fields.labels);
    terms.refuse_large_labels(&labels);
    terms.created(place, asked.now, &labels);
    let text = |field: &'a Option<Name>| field.as_deref().unwrap_or_default();
    let (snapshot, snapshotter) = (text(&fields.snapshot), text(&fields.snapshotter));
    terms.refuse_if(!snapshot.is_empty() && snapshotter.is_empty(), Refused::InvalidArgument);
    for (key, value) in [(IMAGE, text(&fields.image)), (SNAPSHOT_KEY, snapshot), (SNAPSHOTTER, snapshotter)] {
        terms.then(place.below(key), Want::Value(Cow::Borrowed(value)));
    }
    if knows_sandboxes(asked) {
        terms.then(place.below(SANDBOX_ID), Want::Value(Cow::Borrowed(b"")));
    }
    terms.then(place.below(SPEC), Want::AnyValue);
    let runtime = fields.runtime.as_deref();
    terms.refuse_if(runtime.is_some_and(<[u8]>::is_empty), Refused::InvalidArgument);
    let runtime = runtime.map_or(Want::AnyValue, |runtime| Want::Value(Cow::Borrowed(runtime)));
    terms.then(place.below(RUNTIME).below(NAME), runtime);
}

/// Snapshotter and runtime never change (`containerStore.Update`).
fn update<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    container: &'a Name,
    fields: &'a ContainerFields,
    replace: Option<Replace>,
) {
    let place = asked.place(Object::Container(container));
    let ContainerFields { image, snapshotter, snapshot, runtime, spec, labels } = fields;
    terms.refuse_if(container.is_empty(), Refused::InvalidArgument);
    terms.refuse_if(!asked.exists(place), Refused::NotFound);
    let is_whole = replace == Some(Replace::All);
    if is_whole {
        let is_other = snapshotter.as_deref().unwrap_or_default() != asked.field(place, SNAPSHOTTER);
        terms.refuse_if(is_other, Refused::InvalidArgument);
        let name =
            asked.bucket(place.below(RUNTIME)).and_then(|runtime| runtime.get(NAME)).unwrap_or_default();
        match runtime {
            Some(runtime) => terms.refuse_if(name != &runtime[..], Refused::InvalidArgument),
            // What a client says by itself may be another one.
            None => terms.tolerate_if(true, Refused::InvalidArgument),
        }
    } else {
        terms.refuse_if(snapshotter.is_some() || runtime.is_some(), Refused::InvalidArgument);
        let says_nothing = image.is_none() && snapshot.is_none() && spec.is_none();
        let says_nothing = says_nothing && labels.is_empty() && replace.is_none();
        terms.refuse_if(says_nothing, Refused::InvalidArgument);
    }
    let labels = asked.updated_labels(place, given(labels), replace.is_some());
    terms.refuse_large_labels(&labels);
    asked.updated(terms, place, &labels);
    let mut changed = Vec::new();
    for (key, field) in [(IMAGE, image), (SNAPSHOT_KEY, snapshot)] {
        match field {
            Some(value) => changed.push((key, &value[..])),
            None if is_whole => changed.push((key, &b""[..])),
            None => {}
        }
    }
    if spec.is_some() || is_whole {
        terms.then(place.below(SPEC), Want::AnyValue);
    }
    rewritten(asked, terms, place, &changed);
}

/// Containers belong to sandboxes from 1.7 on; 1.6 writes nothing of them.
fn knows_sandboxes(asked: &Asked<'_>) -> bool {
    asked.release != Release::V1_6
}

/// A container is written again with these fields changed; it must still be one.
fn rewritten<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    place: Place<'a>,
    changed: &[(&'a [u8], &'a [u8])],
) {
    let value = |key: &[u8]| {
        let changed = changed.iter().find(|(other, _)| *other == key);
        changed.map_or(asked.field(place, key), |(_, value)| value)
    };
    let own = [IMAGE, SNAPSHOT_KEY, SNAPSHOTTER, SANDBOX_ID];
    let known = if knows_sandboxes(asked) { &own[..] } else { &own[..3] };
    for key in known.iter().copied() {
        terms.then(place.below(key), Want::Value(Cow::Borrowed(value(key))));
    }
    let is_rootless = value(SNAPSHOTTER).is_empty() && !value(SNAPSHOT_KEY).is_empty();
    terms.refuse_if(is_rootless, Refused::InvalidArgument);
    // Raw edits leave containers without a specification or a runtime, which are refused or written anew.
    let name = asked.bucket(place.below(RUNTIME)).and_then(|runtime| runtime.get(NAME)).unwrap_or_default();
    let there = asked.bucket(place).and_then(|there| there.get(SPEC));
    terms.refuse_if(asked.exists(place) && name.is_empty(), Refused::InvalidArgument);
    terms.tolerate_if(there.is_none(), Refused::InvalidArgument);
    terms.may.push(place.below(RUNTIME));
}
