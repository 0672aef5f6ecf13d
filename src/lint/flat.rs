//! Flat leases on what has children: a flat lease holds what it lists and nothing that that refers to.

use super::finding::{Findings, Object, and_more};
use super::kept::Kept;
use super::lints::Lint;
use super::namespace::{Namespace, content_reference, labels};
use crate::bucket::View;
use crate::node::Kind;
use crate::schema::{names, time};
use crate::situation::Situation;
use crate::text;
use std::collections::BTreeSet;

/// Looks at the flat leases of a database.
pub(super) fn lint(situation: &Situation, kept: &Kept<'_>, findings: &mut Findings) {
    for namespace in Namespace::all(&situation.tree) {
        for (id, lease) in
            namespace.leases().buckets().filter(|(_, lease)| is_flat_and_live(*lease, situation))
        {
            let unheld: BTreeSet<&[u8]> =
                listed(namespace, lease, situation).flat_map(|blob| unheld(namespace, blob, kept)).collect();
            let mut unheld = unheld.into_iter();
            if let Some(first) = unheld.next() {
                let text = format!("nothing holds content/{}{}", text::name(first), and_more(unheld.count()));
                findings.add(Lint::LeaseFlatChildren, Object::node(Kind::Lease, namespace.name, id), text);
            }
        }
    }
}

fn is_flat_and_live(lease: View<'_>, situation: &Situation) -> bool {
    let has = |name: &[u8]| labels(lease).find(|(key, _)| *key == name).map(|(_, value)| value);
    let expiry = has(names::GC_EXPIRE).and_then(|text| time::parse_rfc3339_of(situation.go(), text).ok());
    has(names::GC_FLAT).is_some() && expiry.is_none_or(|expiry| situation.now <= expiry)
}

/// The blobs that a lease lists, and the targets of its images.
fn listed<'t>(
    namespace: Namespace<'t>,
    lease: View<'t>,
    situation: &Situation,
) -> impl Iterator<Item = View<'t>> {
    let has_images = situation.release.rules().image_nodes;
    let keys = move |folder| lease.bucket(folder).into_iter().flat_map(View::iter).map(|(key, _)| key);
    let images = keys(names::IMAGES).filter(move |_| has_images);
    let targets =
        images.filter_map(move |name| namespace.images().at(&[name, names::TARGET])?.get(names::DIGEST));
    keys(names::CONTENT).chain(targets).filter_map(move |digest| namespace.blobs().bucket(digest))
}

/// What a blob refers to, is there, and goes.
fn unheld<'t>(namespace: Namespace<'t>, blob: View<'t>, kept: &Kept<'_>) -> Vec<&'t [u8]> {
    let children = labels(blob).filter(|(key, _)| content_reference(key).is_some()).map(|(_, value)| value);
    let goes = |digest: &&[u8]| !kept.keeps_blob(namespace.name, digest);
    children.filter(|digest| namespace.blobs().bucket(digest).is_some()).filter(goes).collect()
}
