//! Leases (containerd's `metadata/leases.go`).

use super::facts::{CREATED_AT, Place, Want};
use super::images::is_digest;
use super::labels::given_with;
use super::{Asked, Deviation, Object, Terms};
use crate::release::Release;
use crate::scenario::{Refused, Resource, SnapshotName, Step};

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::LeaseCreate { lease, expire, flat, labels } => {
            let place = asked.place(Object::Lease(lease));
            terms.refuse_if(lease.is_empty(), Refused::Unknown);
            terms.refuse_if(asked.exists(place), Refused::AlreadyExists);
            let labels = given_with(labels, expire.as_ref(), *flat, asked.now);
            if !asked.deviations.contains(Deviation::UncheckedLabels) {
                terms.refuse_large_labels(&labels);
            }
            terms.then(place, Want::Bucket);
            terms.then(place.below(CREATED_AT), Want::Time(asked.now));
            terms.has_labels(place, &labels);
        }
        Step::LeaseAdd { lease, resources } => {
            let place = asked.place(Object::Lease(lease));
            for resource in resources {
                if let Some(entry) = held(asked, terms, place, resource) {
                    terms.then(entry, Want::Value(b"".into()));
                }
            }
        }
        Step::LeaseDrop { lease, resources } => {
            let place = asked.place(Object::Lease(lease));
            for resource in resources {
                if let Some(entry) = held(asked, terms, place, resource) {
                    terms.drops(entry);
                }
            }
        }
        Step::LeaseDelete { lease, .. } => {
            let place = asked.place(Object::Lease(lease));
            terms.refuse_if(!asked.exists(place), Refused::NotFound);
            terms.takes(place);
        }
        _ => unreachable!("these are the steps of leases"),
    }
}

/// Where a lease holds a resource, existing or not; nowhere where the request is refused. Each resource is a request of
/// its own, so that those before one that is refused stay.
fn held<'a>(
    asked: &Asked<'a>,
    terms: &mut Terms<'a>,
    lease: Place<'a>,
    resource: &'a Resource,
) -> Option<Place<'a>> {
    terms.refuse_if(!asked.exists(lease), Refused::NotFound);
    let object = match resource {
        Resource::Content(digest) => {
            terms.refuse_if(!is_digest(digest), Refused::InvalidArgument);
            Object::Content(digest)
        }
        Resource::Snapshot(SnapshotName { snapshotter, key }) => {
            // The type is `snapshots/NAME`, with one slash.
            terms.refuse_if(snapshotter.contains(&b'/'), Refused::InvalidArgument);
            Object::Snapshot(snapshotter, key)
        }
        Resource::Ingest(reference) => Object::Ingest(reference),
        Resource::Image(name) => {
            terms.refuse_if(asked.release < Release::V2_0, Refused::NotImplemented);
            Object::Image(name)
        }
        Resource::Other { .. } => {
            terms.tolerate_if(true, Refused::InvalidArgument);
            terms.refuse_if(true, Refused::NotImplemented);
            return None;
        }
    };
    terms.may_though_refused.push(object.entry(lease));
    terms.may_count.push(object.entry(lease).around());
    Some(object.entry(lease))
}
