//! Databases out of bytes, for the targets that hold engine against oracle.

use crate::bucket::{Bucket, bolt as file};
use crate::collector::Collector;
use crate::generate::trees;
use crate::instant::Instant;
use crate::node::ResourceType;
use crate::schema::names;
use crate::situation::Situation;
use arbitrary::Unstructured;
use std::io::Cursor;
use std::sync::Arc;

const NOW: Instant = Instant { seconds: 63_850_000_000, nanoseconds: 0 };

/// A drawn tree, valid or not.
pub(super) fn drawn(bytes: &[u8]) -> Result<Situation, String> {
    trees::case(&mut Unstructured::new(bytes)).map_err(|error| error.to_string())
}

/// The tree of a database file, without collectors.
pub(super) fn read(bytes: &[u8]) -> Result<Situation, String> {
    let opened = file::read_from(bytes).map_err(|error| error.to_string())?;
    assert_eq!(written_and_read(&opened.tree), opened.tree, "a new file holds the same");
    Ok(Situation::new(opened.tree, trees::NUMBERING, NOW))
}

/// A tree as a bbolt file and back.
pub(super) fn written_and_read(tree: &Bucket) -> Bucket {
    let mut written = Cursor::new(Vec::new());
    file::write(tree, &mut written).expect("memory takes any tree that can be read");
    file::read_from(written.get_ref().as_slice()).expect("what is written can be read").tree
}

/// One object of each kind, with labels drawn byte by byte behind a common beginning.
pub(super) fn labelled(bytes: &[u8]) -> Result<Situation, String> {
    let (tree, collectors) =
        objects(&mut Unstructured::new(bytes)).map_err(|error: arbitrary::Error| error.to_string())?;
    Ok(Situation { collectors: Arc::new(collectors), ..Situation::new(tree, trees::NUMBERING, NOW) })
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

fn objects(u: &mut Unstructured<'_>) -> arbitrary::Result<(Bucket, Vec<Collector>)> {
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
        tree.create_path(&path).expect("no value stands on the way to an object's labels");
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
fn short(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    const USUAL: [u8; 12] = *b"ab./<>|,|2hs";
    let length = u.int_in_range(0..=15)?;
    let byte = |u: &mut Unstructured<'_>| if u.ratio(1, 8)? { u.arbitrary() } else { Ok(*u.choose(&USUAL)?) };
    (0..length).map(|_| byte(u)).collect()
}
