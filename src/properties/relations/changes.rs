//! Changes of a tree that mean nothing, and the times between which nothing changes.

use super::regions::{Object, Region, rebuilt};
use crate::bucket::{Bucket, Entry};
use crate::engine::Request;
use crate::instant::Instant;
use crate::oracle::times;
use crate::properties::finding::MEANINGLESS_LABELS;
use crate::schema::names;
use std::collections::BTreeSet;

pub(super) fn without_creation(tree: &Bucket) -> Bucket {
    const CREATED: [&[u8]; 2] = [b"createdat", b"updatedat"];
    rebuilt(tree, |region, key, value| {
        let is_time = matches!(region, Region::Object(_) | Region::Lease) && CREATED.contains(&key);
        (!is_time).then(|| (key.to_vec(), value.map(<[u8]>::to_vec)))
    })
}

/// The tree with labels on every object that mean nothing.
pub(super) fn with_labels(tree: &Bucket, value: &[u8]) -> Bucket {
    let mut labelled = tree.clone();
    let labelled_kinds =
        [Object::Blob, Object::Image, Object::Container, Object::Snapshot].map(Region::Object);
    for (path, _) in tree.view().walk_paths().filter(|(path, _)| labelled_kinds.contains(&Region::at(path))) {
        let labels = [&path[..], &[names::LABELS]].concat();
        // A value may be in the way of the labels, and what stands there already means nothing either.
        let _refused = labelled.create_path(&labels);
        for label in MEANINGLESS_LABELS {
            let _refused = labelled.put(&labels, label, value);
        }
    }
    labelled
}

/// Every time at which something expires; none where conditions depend on the clock too.
pub(super) fn times_of(request: &Request<'_>) -> Option<BTreeSet<Instant>> {
    let mut expiries = BTreeSet::new();
    let tree = request.situation.tree.view();
    for (region, bucket) in tree.walk(Region::Root, |around, key| around.below(key)) {
        for (key, entry) in bucket.iter() {
            match (region, entry) {
                (Region::Object(Object::Ingest), Entry::Value(value)) if key == names::EXPIRE_AT => {
                    expiries.extend(times::binary(value).ok());
                }
                (Region::Labels | Region::Other, Entry::Value(value)) if key == names::GC_EXPIRE => {
                    expiries.extend(times::rfc3339(request.situation.go(), value));
                }
                (Region::Labels, _)
                    if key.starts_with(names::GC_COND_SNAPSHOT)
                        && request.situation.release.rules().conditional_references =>
                {
                    return None;
                }
                _ => {}
            }
        }
    }
    Some(expiries)
}
