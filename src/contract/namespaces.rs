//! Namespaces (containerd's `metadata/namespaces.go`).

use super::facts::{Place, Want};
use super::labels::given;
use super::{Asked, Deviation, Terms};
use crate::bucket::View;
use crate::scenario::{Refused, Step};
use crate::schema::names::{
    BLOB, CONTAINERS, CONTENT, IMAGES, INGESTS, LABELS, LEASES, SANDBOXES, SNAPSHOTS, V1,
};

/// The longest identifier (`identifiers.Validate`).
const IDENTIFIER_BYTES_MAX: usize = 76;

pub(super) fn terms<'a>(asked: &Asked<'a>, step: &'a Step, terms: &mut Terms<'a>) {
    match step {
        Step::NamespaceCreate { namespace, labels } => {
            let place = Place::new(&[V1, namespace]);
            terms.refuse_if(!is_identifier(namespace), Refused::InvalidArgument);
            terms.refuse_if(asked.exists(place), Refused::AlreadyExists);
            let labels = given(labels);
            terms.refuse_large_labels(&labels);
            // Here, and only here, labels with empty values are written.
            terms.then(place.below(LABELS), Want::Bucket);
            for (key, value) in labels {
                terms.then(place.below(LABELS).below(key), value);
            }
        }
        // A request for each label; it creates the namespace, whatever its name.
        Step::NamespaceLabel { namespace, labels } => {
            let place = Place::new(&[V1, namespace, LABELS]);
            let labels = given(labels);
            terms.refuse_large_labels(&labels);
            terms.may_though_refused.push(place);
            terms.may_count.push(place);
            terms.has_labels(Place::new(&[V1, namespace]), &labels);
        }
        Step::NamespaceDelete { namespace } => {
            let place = Place::new(&[V1, namespace]);
            terms.refuse_if(asked.tree.bucket(V1).is_none(), Refused::Crash);
            terms.refuse_if(!asked.exists(place), Refused::NotFound);
            let holders_count = !asked.deviations.contains(Deviation::NamespaceLeavesHolders);
            let is_filled = asked.bucket(place).is_some_and(|there| {
                is_filled(there) || holders_count && has_holders(asked, namespace, there)
            });
            terms.refuse_if(is_filled, Refused::FailedPrecondition);
            terms.takes(place);
        }
        _ => unreachable!("these are the steps of namespaces"),
    }
}

/// Whether a namespace has images, blobs, containers or snapshots.
fn is_filled(namespace: View<'_>) -> bool {
    let has = |path: &[&[u8]]| namespace.at(path).is_some_and(|there| !there.is_empty());
    let mut snapshotters = namespace.bucket(SNAPSHOTS).into_iter().flat_map(|all| all.buckets());
    has(&[IMAGES])
        || has(&[CONTENT, BLOB])
        || has(&[CONTAINERS])
        || snapshotters.any(|(_, snapshots)| !snapshots.is_empty())
}

/// Whether it has leases, ingests or sandboxes.
fn has_holders(asked: &Asked<'_>, name: &[u8], namespace: View<'_>) -> bool {
    let beside_v1 = asked.tree.at(&[name, SANDBOXES]);
    let all =
        [namespace.at(&[LEASES]), namespace.at(&[CONTENT, INGESTS]), namespace.at(&[SANDBOXES]), beside_v1];
    all.into_iter().flatten().any(|there| !there.is_empty())
}

/// 1 to 76 letters and digits, with single `.`, `_` and `-` between (`identifiers.Validate`). Namespaces, containers and
/// sandboxes are called so; images, snapshots, leases and ingests may have any name.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    let mut groups = name.split(|byte| matches!(byte, b'.' | b'_' | b'-'));
    name.len() <= IDENTIFIER_BYTES_MAX
        && groups.all(|group| !group.is_empty() && group.iter().all(u8::is_ascii_alphanumeric))
}
