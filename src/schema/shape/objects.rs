//! What of a namespace's objects no client can have written, though each has the shape of one.
//!
//! What normal life leaves behind is none of this: a label, a lease or a container may name what is gone long ago.

use super::Walk;
use crate::bucket::View;
use crate::schema::names;
use std::collections::BTreeMap;

/// What is said of a blob whose record has no size.
pub const BLOB_WITHOUT_SIZE: &str = "a blob without a size";
/// What is said of an image without a digest.
pub const IMAGE_WITHOUT_TARGET: &str = "an image without a target";

impl<'t> Walk<'t> {
    /// Notes what is odd about the objects of the namespace that this stands at.
    pub(super) fn objects(&mut self, namespace: View<'t>) {
        let below = |path: &[&[u8]]| namespace.at(path).into_iter().flat_map(View::buckets);
        for (digest, blob) in below(&[names::CONTENT, names::BLOB]) {
            let path = [names::CONTENT, names::BLOB, digest];
            if !is_digest(digest) {
                self.odd(&path, "content under what is no digest", String::new);
            }
            if blob.get(names::SIZE).is_none() {
                self.odd(&path, BLOB_WITHOUT_SIZE, String::new);
            }
        }
        for (name, image) in below(&[names::IMAGES]) {
            let target = image.bucket(names::TARGET).and_then(|target| target.get(names::DIGEST));
            if target.is_none_or(<[u8]>::is_empty) {
                self.odd(&[names::IMAGES, name], IMAGE_WITHOUT_TARGET, String::new);
            }
        }
        for (snapshotter, snapshots) in below(&[names::SNAPSHOTS]) {
            for key in in_circles(snapshots) {
                let what = "a snapshot that is its own parent, if only through others";
                self.odd(&[names::SNAPSHOTS, snapshotter, key], what, String::new);
            }
        }
    }
}

/// Whether a key is a digest as a client's must be (`digest.Digest.Validate`): an algorithm that containerd has, a colon,
/// and all of its digits.
fn is_digest(key: &[u8]) -> bool {
    const ALGORITHMS: [(&[u8], usize); 3] = [(b"sha256:", 64), (b"sha384:", 96), (b"sha512:", 128)];
    ALGORITHMS.into_iter().any(|(algorithm, length)| {
        key.strip_prefix(algorithm).is_some_and(|digits| {
            digits.len() == length && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        })
    })
}

/// The snapshots of a snapshotter on whose way from parent to parent they come again, in the order of their keys. Each is
/// passed once: what leads to where an earlier way has been is in no new circle.
fn in_circles(snapshots: View<'_>) -> Vec<&[u8]> {
    // The way on which a snapshot was passed, and its place there.
    let mut passed: BTreeMap<&[u8], (&[u8], usize)> = BTreeMap::new();
    let mut circles = Vec::new();
    for (start, _) in snapshots.buckets() {
        let (mut way, mut next) = (Vec::new(), Some(start));
        while let Some(key) = next {
            match passed.get(key) {
                Some((of, place)) if *of == start => circles.extend(way.drain(*place..)),
                Some(_) => {}
                None => {
                    passed.insert(key, (start, way.len()));
                    way.push(key);
                    next = parent_of(snapshots, key);
                    continue;
                }
            }
            break;
        }
    }
    circles.sort_unstable();
    circles
}

/// The key of a snapshot's parent, if both are there.
fn parent_of<'t>(snapshots: View<'t>, key: &[u8]) -> Option<&'t [u8]> {
    let parent = snapshots.bucket(key)?.get(names::PARENT)?;
    snapshots.bucket(parent).map(|_| parent)
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::bucket::Bucket;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The oddities of a namespace with these values, each written as `a/b/c=value`.
    fn oddities(values: &[&str]) -> Vec<String> {
        let mut tree = Bucket::new();
        tree.create_path(&[b"v1"]).expect("a bucket");
        tree.put(&[b"v1"], b"version", &[8]).expect("a value");
        for written in values {
            let (path, value) = written.split_once('=').expect("a value");
            let keys: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
            let path: Vec<&[u8]> = [&b"v1"[..], b"ns"].into_iter().chain(keys).collect();
            let (last, above) = path.split_last().expect("a path has a key");
            tree.create_path(above).expect("buckets");
            tree.put(above, last, value.as_bytes()).expect("a value");
        }
        check(&tree).expect("can be").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn content_is_named_by_digests_and_has_a_size() {
        assert_eq!(oddities(&[&format!("content/blob/{DIGEST}/size=x")]), [""; 0]);
        let capital = DIGEST.replace('e', "E");
        for key in ["sha256:1", "md5:00000000000000000000000000000000", "layer", &capital] {
            let expected = format!("v1/ns/content/blob/{key} is content under what is no digest");
            assert_eq!(oddities(&[&format!("content/blob/{key}/size=x")]), [expected]);
        }
        let blob = format!("v1/ns/content/blob/{DIGEST}");
        assert_eq!(
            oddities(&[&format!("content/blob/{DIGEST}/createdat=x")]),
            [format!("{blob} is a blob without a size")]
        );
        let two = ["content/blob/a/size=x", "content/blob/b/size=x"];
        assert_eq!(
            oddities(&two),
            ["v1/ns/content/blob/a is content under what is no digest, the first of 2 in the whole database"]
        );
    }

    #[test]
    fn an_image_has_a_target_which_may_be_gone() {
        assert_eq!(oddities(&[&format!("images/a/target/digest={DIGEST}")]), [""; 0]);
        for image in ["images/a/createdat=x", "images/a/target/size=x", "images/a/target/digest="] {
            assert_eq!(oddities(&[image]), ["v1/ns/images/a is an image without a target"]);
        }
    }

    #[test]
    fn snapshots_that_are_each_others_parents_are_odd_and_dead_references_are_not() {
        let own = ["snapshots/o/a/parent=b", "snapshots/o/b/parent=c", "snapshots/o/c/parent=gone"];
        assert_eq!(oddities(&own), [""; 0]);
        let circle = ["snapshots/o/a/parent=b", "snapshots/o/b/parent=c", "snapshots/o/c/parent=b"];
        assert_eq!(
            oddities(&circle),
            [
                "v1/ns/snapshots/o/b is a snapshot that is its own parent, if only through others, the first of 2 in the whole database"
            ]
        );
        let two = ["snapshots/o/a/parent=a", "snapshots/o/x/parent=y", "snapshots/o/y/parent=x"];
        let said = oddities(&two);
        assert!(
            said[0].starts_with("v1/ns/snapshots/o/a is")
                && said[0].ends_with("the first of 3 in the whole database"),
            "{said:?}"
        );
        let gone = ["containers/c/snapshotKey=gone", "leases/l/content/layer=", "leases/l/ingests/gone="];
        assert_eq!(oddities(&gone), [""; 0]);
    }
}
