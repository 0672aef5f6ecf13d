//! Trees through engine and oracle.

use crate::bucket::{Bucket, bolt as file};
use crate::collector::Collector;
use crate::engine::{Fault, Faults, NoFault, Request};
use crate::instant::Instant;
use crate::node::ResourceType;
use crate::oracle::Defects;
use crate::release::Release;
use crate::schema::names;
use crate::simulate::check::check;
use crate::simulate::trees;
use arbitrary::{Result, Unstructured};

const NOW: Instant = Instant { seconds: 63_850_000_000, nanoseconds: 0 };

/// engine(tree) = oracle(tree), for any tree and every release: marked set, removals, tree, errors and collectors.
pub fn tree(bytes: &[u8]) {
    let Ok(case) = trees::case(&mut Unstructured::new(bytes)) else { return };
    for release in Release::ALL {
        let request = Request {
            collectors: &case.collectors,
            release,
            last_iterated: case.last_iterated,
            ..Request::new(&case.tree, case.now)
        };
        agree(&request, NoFault);
    }
}

/// The target `tree` for the seed's release with a fault in the engine: must be found.
pub fn canary(bytes: &[u8]) {
    let Ok(case) = trees::case(&mut Unstructured::new(bytes)) else { return };
    agree(
        &Request { collectors: &case.collectors, ..Request::new(&case.tree, case.now) },
        Fault::LeaseIngestsForgotten,
    );
}

/// read(bytes) is an error or a tree, and engine(tree) = oracle(tree): whatever a file holds, nothing panics.
pub fn bolt(bytes: &[u8]) {
    let Ok(opened) = file::read_from(bytes) else { return };
    for release in [Release::Seed, Release::V2_4] {
        agree(&Request { release, ..Request::new(&opened.tree, NOW) }, NoFault);
    }
}

/// engine(labels) = oracle(labels): any label keys and values on every kind of object, beside collectors with any
/// reference label.
pub fn labels(bytes: &[u8]) {
    let Ok((tree, collectors)) = labelled(&mut Unstructured::new(bytes)) else { return };
    for release in Release::ALL {
        agree(&Request { release, collectors: &collectors, ..Request::new(&tree, NOW) }, NoFault);
    }
}

fn agree<F: Faults>(request: &Request<'_>, faults: F) {
    let release = request.release;
    let (_, findings) = check(request, Defects::as_shipped(release), faults);
    let (tree, collectors) = (request.tree, request.collectors);
    assert!(findings.is_empty(), "{release}: {findings:?}\n{tree:#?}\n{collectors:#?}");
}

const PREFIXES: [&[u8]; 8] = [
    b"",
    b"containerd.io/gc.",
    names::GC_REF,
    names::GC_REF_CONTENT,
    names::GC_REF_SNAPSHOT,
    names::GC_ROOT,
    b"containerd.io/gc.bref.",
    names::GC_COND_SNAPSHOT,
];

/// One object of each kind, with labels drawn byte by byte behind a common beginning.
fn labelled(u: &mut Unstructured<'_>) -> Result<(Bucket, Vec<Collector>)> {
    let mut collectors = Vec::new();
    for number in [8, 16] {
        if u.arbitrary()? {
            let mut collector = Collector::new(ResourceType(number));
            collector.reference_label = short(u)?;
            collectors.push(collector);
        }
    }
    let mut tree = Bucket::new();
    let objects: [&[&[u8]]; 6] = [
        &[names::CONTENT, names::BLOB, b"a"],
        &[names::CONTENT, names::BLOB, b"b"],
        &[names::SNAPSHOTS, b"a", b"a"],
        &[names::IMAGES, b"a"],
        &[names::CONTAINERS, b"a"],
        &[names::LEASES, b"a"],
    ];
    for object in objects {
        let path = [&[names::V1, b"a"], object, &[names::LABELS]].concat();
        for end in 0..path.len() {
            // Objects share the upper part of their paths.
            let _exists = tree.create_bucket(&path[..end], path[end]);
        }
        for _ in 0..u.int_in_range(0..=3)? {
            let key = [*u.choose(&PREFIXES)?, &short(u)?].concat();
            // An empty key, or a label drawn twice as value and bucket, is refused: part of the draw.
            let _refused = match u.ratio(1, 16)? {
                true => tree.create_bucket(&path, &key),
                false => tree.put(&path, &key, &short(u)?),
            };
        }
    }
    Ok((tree, collectors))
}

/// Up to fifteen bytes, most of them from where collisions and separators are.
fn short(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const USUAL: [u8; 12] = *b"ab./<>|,|2hs";
    let length = u.int_in_range(0..=15)?;
    let byte = |u: &mut Unstructured<'_>| if u.ratio(1, 8)? { u.arbitrary() } else { Ok(*u.choose(&USUAL)?) };
    (0..length).map(|_| byte(u)).collect()
}
