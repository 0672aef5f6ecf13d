//! Sandboxes (containerd's `metadata/sandbox.go`, from 1.7).

use super::containers::RUNTIME;
use super::facts::{CREATED_AT, Place, Want, sandbox};
use super::labels::given;
use super::namespaces::is_identifier;
use super::{Asked, Deviation, Terms};
use crate::instant::Instant;
use crate::release::Release;
use crate::scenario::{Refused, Step};
use crate::schema::names::NAME;

/// The name of the controller, which is written from 2.0 on.
const SANDBOXER: &[u8] = b"sandboxer";

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    terms.refuse_if(asked.release == Release::V1_6, Refused::NotImplemented);
    let place = |id| sandbox(asked.namespace, id, asked.release >= Release::V2_0);
    match step {
        Step::SandboxCreate { sandbox, labels } => {
            let place = place(sandbox);
            terms.refuse_if(!is_identifier(sandbox), Refused::InvalidArgument);
            terms.refuse_if(asked.exists(place), Refused::AlreadyExists);
            let labels = given(labels);
            terms.created(place, asked.now, &labels);
            if !asked.deviations.contains(Deviation::UncheckedLabels) {
                terms.refuse_large_labels(&labels);
            }
            is_written(asked, terms, place);
        }
        Step::SandboxLabel { sandbox, replace, labels } => {
            let place = place(sandbox);
            let labels = asked.labelled(terms, place, labels, *replace);
            if !asked.deviations.contains(Deviation::UncheckedLabels) {
                terms.refuse_large_labels(&labels);
            }
            terms.refuse_if(asked.exists(place) && !is_identifier(sandbox), Refused::InvalidArgument);
            is_written(asked, terms, place);
            // One that a raw edit took the runtime or the time of creation from is refused.
            terms.tolerate_if(!asked.exists(place.below(RUNTIME)), Refused::Unknown);
            let is_timed = asked.field(place, CREATED_AT).iter().skip(1).take(12).any(|byte| *byte != 0);
            terms.tolerate_if(!is_timed, Refused::InvalidArgument);
            terms.may.push(place.below(RUNTIME));
        }
        Step::SandboxDelete { sandbox } => {
            let place = place(sandbox);
            let is_plain =
                asked.deviations.contains(Deviation::SandboxDeletePlainError) && asked.exists(place.around());
            let kind = if is_plain { Refused::Unknown } else { Refused::NotFound };
            terms.refuse_if(!asked.exists(place), kind);
            terms.takes(place);
        }
        _ => unreachable!("these are the steps of sandboxes"),
    }
}

fn is_written<'a>(asked: &Asked<'a>, terms: &mut Terms<'a>, place: Place<'a>) {
    // Go's zero time is none.
    let is_timeless = asked.now == Instant { seconds: 0, nanoseconds: 0 };
    terms.refuse_if(is_timeless, Refused::InvalidArgument);
    terms.then(place.below(RUNTIME).below(NAME), Want::AnyValue);
    if asked.release >= Release::V2_0 {
        terms.then(place.below(SANDBOXER), Want::AnyValue);
    }
}
