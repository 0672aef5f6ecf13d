//! Records that no release writes, sizes that cannot be, and what lies where no collection looks.

use super::finding::{Findings, Object, Subject};
use super::lints::Lint;
use super::namespace::{Namespace, labels};
use crate::bucket::{Bucket, View};
use crate::node::Kind;
use crate::schema::shape::{self, BLOB_WITHOUT_SIZE, IMAGE_WITHOUT_TARGET};
use crate::schema::{names, views};
use crate::text;
use std::collections::BTreeMap;

/// Looks at a whole database.
pub(super) fn lint(tree: &Bucket, findings: &mut Findings) {
    shapes(tree, findings);
    sandboxes(tree, findings);
    sizes(tree, findings);
}

fn shapes(tree: &Bucket, findings: &mut Findings) {
    let place = |key: &[u8]| Object::of(Subject::Place, b"", key);
    match shape::check(tree) {
        Err(misfit) => {
            findings.add(Lint::RecordImpossible, place(b"v1"), text::line(misfit.to_string()));
        }
        Ok(oddities) => {
            // These have lints of their own, an object each.
            let is_own = |what| [BLOB_WITHOUT_SIZE, IMAGE_WITHOUT_TARGET].contains(&what);
            for oddity in oddities.iter().filter(|oddity| !is_own(oddity.what())) {
                let path: Vec<&[u8]> = oddity.path().iter().map(Vec::as_slice).collect();
                let object =
                    views::object_at(&path).map(|(kind, namespace, key)| Object::node(kind, namespace, &key));
                let object = object.unwrap_or_else(|| place(&path.join(&b'/')));
                findings.add(Lint::RecordOdd, object, text::line(oddity.to_string()));
            }
        }
    }
}

fn sandboxes(tree: &Bucket, findings: &mut Findings) {
    let beside = tree.view().buckets().filter(|(name, _)| *name != names::V1);
    for (namespace, bucket) in beside {
        for (id, sandbox) in bucket.bucket(names::SANDBOXES).into_iter().flat_map(View::buckets) {
            let refers = labels(sandbox).filter(|(key, _)| key.starts_with(names::GC_REF)).count();
            let text = match refers {
                0 => "it refers to nothing by labels".to_owned(),
                refers => format!("{} of it hold nothing", text::counted(refers as u64, "reference")),
            };
            findings.add(Lint::SandboxAtRoot, Object::of(Subject::Sandbox, namespace, id), text);
        }
    }
}

fn sizes(tree: &Bucket, findings: &mut Findings) {
    let mut seen: BTreeMap<&[u8], (u64, &[u8])> = BTreeMap::new();
    for namespace in Namespace::all(tree) {
        for (digest, _) in namespace.blobs().buckets() {
            let object = || Object::node(Kind::Content, namespace.name, digest);
            let Some(size) = views::blob_size(tree, namespace.name, digest) else {
                findings.add(Lint::BlobWithoutSize, object(), "its record has no size that can be");
                continue;
            };
            match seen.get(digest) {
                None => {
                    seen.insert(digest, (size, namespace.name));
                }
                Some((first, of)) if *first != size => {
                    let (own, first) = (text::bytes(size), text::bytes(*first));
                    let text = format!("{own} here, {first} in namespace {}", text::name(of));
                    findings.add(Lint::SizesDiffer, object(), text);
                }
                Some(_) => {}
            }
        }
    }
}
