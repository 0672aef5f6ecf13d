//! Whether a tree can be what a daemon of containerd has written.
//!
//! A copy of a database that was taken while a daemon wrote to it may open without complaint and hold something else: a
//! page that the daemon used again in the meantime stands where another one stood. The root's page, used again as a
//! leaf of `v1`, makes a database without a `v1`, in which a collection finds nothing to do. [`check`] holds a tree to
//! the layout:
//!
//! ```text
//!   cannot be    something, and no v1; in v1 a bucket with nothing of a namespace; a value among namespaces or
//!                objects; an object with none of its fields; neither a version nor a namespace
//!   is odd       a name that a later release may have brought; a field that is a bucket, or the other way round;
//!                a label that is no text; a version that is missing or unknown; content under what is no digest, a
//!                blob without a size, an image without a target, snapshots that are each other's parents (`objects`)
//! ```
//!
//! What a copy has lost without a trace, or taken from two transactions, nothing here can tell. Nor is this a
//! condition of a collection, which takes any tree as containerd does: it belongs where a person names a file.

mod objects;

pub use objects::{BLOB_WITHOUT_SIZE, IMAGE_WITHOUT_TARGET};

use super::{names, varint};
use crate::bucket::{Bucket, Entry, View};
use std::fmt;

/// How many names of a bucket a message lists.
const WORDS_MAX: usize = 8;
/// The database's newest version, of 2.0 and all later releases so far.
const VERSION_MAX: i64 = 4;

/// Why a tree is no database of containerd's. The message follows the file's name and a colon.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is no database of containerd's: {fault}. {seems}")]
pub struct Misfit {
    fault: Fault,
    seems: Seems,
}

/// What cannot be in a daemon's database.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
enum Fault {
    #[error("its root has no bucket v1, but {0}")]
    NoV1(String),
    #[error("its root has v1 as a value, and it should be the bucket of all namespaces")]
    V1IsValue,
    #[error("its bucket v1 has no version, and a bucket v1 of its own")]
    V1InV1,
    #[error("its bucket v1 has neither a version nor a namespace, but {0}")]
    NoNamespace(String),
    #[error("its bucket v1 has no version, and {0} has mounts, as no namespace of containerd's has")]
    Mounts(Path),
    #[error("v1/version is a bucket, and should be the version, a value")]
    VersionIsBucket,
    #[error("{0} has nothing of {1}, but {2}")]
    Nothing(Path, &'static str, String),
    #[error("{0} is a value, and should be a bucket: {1}")]
    NotABucket(Path, String),
}

/// What such a file most probably is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum Seems {
    /// Pages stand where others belong.
    #[error(
        "It seems to be copied while a daemon wrote to it, or damaged: only the live file, or that of a stopped daemon, is \
         safe to read"
    )]
    Torn,
    /// `v1/snapshots/NAME/{kind, size, inodes, parent}`.
    #[error(
        "It seems to be a snapshotter's metadata.db: containerd's own is io.containerd.metadata.v1.bolt/meta.db below its \
         root folder"
    )]
    Snapshotter,
    /// `v1/NAMESPACE/{mounts, leases}`: from 2.2 on (`core/mount/manager`).
    #[error(
        "It seems to be the database of containerd's mount manager: that of the metadata is \
         io.containerd.metadata.v1.bolt/meta.db below the root folder"
    )]
    Mounts,
    /// Nothing that is known here, which a page of a daemon's may hold as well: names that clients chose.
    #[error(
        "It seems to be some other program's, or copied while a daemon wrote to it: containerd's is \
         io.containerd.metadata.v1.bolt/meta.db below its root folder, and only the live file, or that of a stopped daemon, is \
         safe to read"
    )]
    Foreign,
}

/// Something that no known release writes and a later one may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Oddity {
    what: &'static str,
    first: Path,
    /// What belongs in its place, or in the bucket around it.
    expected: String,
    /// How many there are.
    pub count: u64,
}

impl Oddity {
    /// What it is, in the words by which oddities are counted together.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The keys on the way from the root to the first.
    pub fn path(&self) -> &[Vec<u8>] {
        &self.first.0
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.first, self.what)?;
        if self.count > 1 {
            write!(f, ", the first of {} in the whole database", self.count)?;
        }
        if self.expected.is_empty() { Ok(()) } else { write!(f, "; {}", self.expected) }
    }
}

/// The keys on the way from the root to an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Path(Vec<Vec<u8>>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            let slash = if index == 0 { "" } else { "/" };
            // In quotes, as scenarios and people write a key that has the separator itself.
            let quote = if key.contains(&b'/') { "\"" } else { "" };
            write!(f, "{slash}{quote}{}{quote}", key.escape_ascii())?;
        }
        Ok(())
    }
}

/// What may stand under a key.
enum Shape {
    Value,
    /// Values under keys that people choose, of labels as of annotations.
    Labels,
    /// Values of any bytes under keys that people choose.
    Values,
    /// Buckets of one shape under keys that people choose.
    Each(&'static Shape),
    /// Buckets with names: what has them, and what they are. A value in their place cannot be.
    Parts(&'static str, &'static [(&'static [u8], Shape)]),
    /// The fields of an object: what it is called, and what it may have.
    Fields(&'static str, &'static [(&'static [u8], Shape)]),
}

use Shape::{Each, Fields, Labels, Parts, Value, Values};

impl Shape {
    /// What it is, and what it may have.
    fn called(&self) -> String {
        match self {
            Value => "a value".to_owned(),
            Labels => "labels".to_owned(),
            Values => "a bucket of values".to_owned(),
            Each(below) => match below {
                Parts(what, _) | Fields(what, _) => format!("{what} in each of its own buckets"),
                _ => "a bucket of buckets".to_owned(),
            },
            Parts(what, fields) | Fields(what, fields) => {
                let names = fields.iter().map(|(name, _)| name.escape_ascii().to_string());
                format!("{what} with {}", names.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

const CREATED_AT: (&[u8], Shape) = (b"createdat", Value);
const UPDATED_AT: (&[u8], Shape) = (b"updatedat", Value);
const LABELS: (&[u8], Shape) = (names::LABELS, Labels);
const EXTENSIONS: (&[u8], Shape) = (b"extensions", Values);
const RUNTIME: (&[u8], Shape) =
    (b"runtime", Fields("a runtime", &[(names::NAME, Value), (b"options", Value)]));

const NAMESPACE: Shape = Parts(
    "a namespace",
    &[
        LABELS,
        (names::CONTENT, CONTENT),
        (names::SNAPSHOTS, Each(&Each(&SNAPSHOT))),
        (names::IMAGES, Each(&IMAGE)),
        (names::CONTAINERS, Each(&CONTAINER)),
        (names::LEASES, Each(&LEASE)),
        (names::SANDBOXES, Each(&SANDBOX)),
    ],
);
const CONTENT: Shape = Parts(
    "a namespace's content",
    &[
        (names::BLOB, Each(&BLOB)),
        (names::INGESTS, Each(&INGEST)),
        // Of a database before version 2: references to references.
        (b"ingest", Values),
    ],
);
const BLOB: Shape = Fields("a blob", &[LABELS, (names::SIZE, Value), CREATED_AT, UPDATED_AT]);
const INGEST: Shape =
    Fields("an ingest", &[(names::REF, Value), (names::EXPIRE_AT, Value), (names::EXPECTED, Value)]);
const SNAPSHOT: Shape = Fields(
    "a snapshot",
    &[
        LABELS,
        (names::NAME, Value),
        (names::PARENT, Value),
        (names::CHILDREN, Values),
        CREATED_AT,
        UPDATED_AT,
    ],
);
const IMAGE: Shape =
    Fields("an image", &[LABELS, (b"annotations", Labels), (names::TARGET, TARGET), CREATED_AT, UPDATED_AT]);
const TARGET: Shape =
    Fields("an image's target", &[(names::DIGEST, Value), (names::MEDIA_TYPE, Value), (names::SIZE, Value)]);
const CONTAINER: Shape = Fields(
    "a container",
    &[
        LABELS,
        (names::SNAPSHOT_KEY, Value),
        (names::SNAPSHOTTER, Value),
        (b"image", Value),
        (b"spec", Value),
        RUNTIME,
        EXTENSIONS,
        (b"sandboxid", Value),
        // What an update by the field path `snapshotkey` writes.
        (b"snapshotkey", Value),
        CREATED_AT,
        UPDATED_AT,
    ],
);
const LEASE: Shape = Fields(
    "a lease",
    &[
        LABELS,
        (names::CONTENT, Values),
        (names::SNAPSHOTS, Each(&Values)),
        (names::INGESTS, Values),
        (names::IMAGES, Values),
        CREATED_AT,
    ],
);
const SANDBOX: Shape = Fields(
    "a sandbox",
    &[LABELS, RUNTIME, (b"spec", Value), (b"sandboxer", Value), EXTENSIONS, CREATED_AT, UPDATED_AT],
);
/// What 1.7 keeps beside `v1`.
const BESIDE_V1: Shape = Parts("a namespace's sandboxes", &[(names::SANDBOXES, Each(&SANDBOX))]);

/// Holds a tree to containerd's layout, and tells what is odd in it. An empty tree is none yet, and fits.
///
/// ```
/// # use leasehold::{bucket::Bucket, schema::shape};
/// let mut tree = Bucket::new();
/// assert_eq!(shape::check(&tree), Ok(vec![]));
/// tree.create_bucket(&[], b"default")?;
/// assert!(shape::check(&tree).is_err());
/// # Ok::<(), leasehold::bucket::Refusal>(())
/// ```
///
/// # Errors
/// No daemon can have written it.
pub fn check(tree: &Bucket) -> Result<Vec<Oddity>, Misfit> {
    let mut walk = Walk::default();
    match walk.root(tree.view()) {
        Ok(()) => Ok(walk.oddities),
        Err(fault) => Err(Misfit { fault, seems: seems(tree.view()) }),
    }
}

/// The names that the layout has at a path below a namespace; none where people choose them, or nothing stands.
///
/// ```
/// # use leasehold::schema::shape;
/// assert!(shape::words_below(&[]).contains(&&b"snapshots"[..]));
/// assert!(shape::words_below(&[b"content"]).contains(&&b"blob"[..]));
/// assert!(shape::words_below(&[b"images"]).is_empty());
/// ```
pub fn words_below(path: &[&[u8]]) -> Vec<&'static [u8]> {
    let mut shape = &NAMESPACE;
    for key in path {
        let below = match shape {
            Each(shape) => Some(*shape),
            Parts(_, fields) | Fields(_, fields) => {
                fields.iter().find(|(name, _)| name == key).map(|(_, shape)| shape)
            }
            Value | Labels | Values => None,
        };
        match below {
            Some(below) => shape = below,
            None => return Vec::new(),
        }
    }
    match shape {
        Parts(_, fields) | Fields(_, fields) => fields.iter().map(|(name, _)| *name).collect(),
        Value | Labels | Values | Each(_) => Vec::new(),
    }
}

/// How many keys of a path below a namespace lead to a value, below which nothing can be; none if the path leads through
/// buckets only.
///
/// ```
/// use leasehold::schema::shape;
/// assert_eq!(shape::keys_to_value(&[b"leases", b"l", b"labels", b"a", b"b"]), Some(4));
/// assert_eq!(shape::keys_to_value(&[b"leases", b"l", b"labels"]), None);
/// ```
pub fn keys_to_value(path: &[&[u8]]) -> Option<usize> {
    let mut shape = &NAMESPACE;
    for (at, key) in path.iter().enumerate() {
        shape = match shape {
            Each(shape) => shape,
            Parts(_, fields) | Fields(_, fields) => &fields.iter().find(|(name, _)| name == key)?.1,
            Labels | Values => return Some(at + 1),
            Value => return Some(at),
        };
    }
    matches!(shape, Value).then_some(path.len())
}

/// What a tree that is no database of containerd's looks like.
fn seems(root: View<'_>) -> Seems {
    let Some(v1) = root.bucket(names::V1) else {
        let below = root.buckets().take(WORDS_MAX).flat_map(|(_, below)| below.iter().take(WORDS_MAX));
        let mut keys = root.iter().take(WORDS_MAX).chain(below).map(|(key, _)| key);
        let is_torn = keys.any(is_containerds) || root.buckets().any(|(_, below)| is_namespace(below));
        return if is_torn { Seems::Torn } else { Seems::Foreign };
    };
    let snapshots = v1.bucket(names::SNAPSHOTS).into_iter().flat_map(View::buckets);
    let is_snapshotters = snapshots.take(WORDS_MAX).any(|(_, snapshot)| snapshot.get(b"kind").is_some());
    // A namespace whose page stands in the place of v1 has no parents.
    let is_alone = v1.iter().all(|(key, _)| key == names::SNAPSHOTS || key == b"parents");
    match v1.get(names::VERSION) {
        None if with_mounts(v1).is_some() => Seems::Mounts,
        None if is_snapshotters || is_alone && v1.bucket(b"parents").is_some() => Seems::Snapshotter,
        None | Some(_) => Seems::Torn,
    }
}

/// Whether a key is one that containerd itself, its snapshotters or its clients use, and hardly anybody else.
fn is_containerds(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 13] = [
        names::VERSION,
        CREATED_AT.0,
        UPDATED_AT.0,
        names::BLOB,
        names::INGESTS,
        names::EXPIRE_AT,
        names::SNAPSHOT_KEY,
        names::SNAPSHOTTER,
        names::MEDIA_TYPE,
        names::SNAPSHOTS,
        b"native",
        b"overlayfs",
        b"stargz",
    ];
    KEYS.contains(&key) || [&b"sha256:"[..], b"containerd.io/"].iter().any(|start| key.starts_with(start))
}

/// Whether a bucket has something that a namespace has.
fn is_namespace(bucket: View<'_>) -> bool {
    let Parts(_, fields) = NAMESPACE else { return false };
    bucket.buckets().any(|(key, _)| fields.iter().any(|(name, _)| *name == key))
}

/// The first bucket that has mounts, as the mount manager's database keeps them.
fn with_mounts(v1: View<'_>) -> Option<&[u8]> {
    v1.buckets().find(|(_, below)| below.bucket(b"mounts").is_some()).map(|(key, _)| key)
}

/// Whether a bucket has sandboxes themselves, which the parts of a namespace called `sandboxes` never look like: of a
/// namespace that is called `v1`, 1.7 keeps them here.
fn has_sandboxes(bucket: View<'_>) -> bool {
    bucket.buckets().any(|(_, below)| below.get(CREATED_AT.0).is_some())
}

/// A tree on the way through.
#[derive(Default)]
struct Walk<'t> {
    path: Vec<&'t [u8]>,
    oddities: Vec<Oddity>,
}

impl<'t> Walk<'t> {
    fn root(&mut self, root: View<'t>) -> Result<(), Fault> {
        if root.is_empty() {
            return Ok(());
        }
        let v1 = match root.entry(names::V1) {
            Some(Entry::Bucket(v1)) => v1,
            Some(Entry::Value(_)) => return Err(Fault::V1IsValue),
            None => return Err(Fault::NoV1(words(root))),
        };
        if v1.bucket(names::VERSION).is_some() {
            return Err(Fault::VersionIsBucket);
        }
        if let (None, Some(namespace)) = (v1.get(names::VERSION), with_mounts(v1)) {
            return Err(Fault::Mounts(Path(vec![names::V1.to_vec(), namespace.to_vec()])));
        }
        match v1.get(names::VERSION).and_then(varint::decode_signed) {
            Some(1..=VERSION_MAX) => {}
            None if v1.get(names::VERSION).is_some() => {
                self.odd(&[names::V1, names::VERSION], "no number, as a version is", String::new)
            }
            Some(_) => {
                self.odd(&[names::V1, names::VERSION], "a version that no known release has", String::new)
            }
            None if v1.bucket(names::V1).is_some() => return Err(Fault::V1InV1),
            None if v1.is_empty() || v1.buckets().any(|(_, below)| is_namespace(below)) => {
                self.odd(
                    &[names::V1],
                    "without a version, which a daemon writes when it starts",
                    String::new,
                );
            }
            None => return Err(Fault::NoNamespace(words(v1))),
        }
        for (key, entry) in root.iter().filter(|(key, _)| *key != names::V1) {
            if entry.bucket().is_some_and(|beside| beside.bucket(names::SANDBOXES).is_some()) {
                self.entry(key, entry, &BESIDE_V1, true)?;
            } else {
                self.odd(&[key], "beside v1, where no known release keeps such a thing", String::new);
            }
        }
        self.path.push(names::V1);
        for (key, entry) in v1.iter().filter(|(key, _)| *key != names::VERSION) {
            let is_v1s_own = key == names::SANDBOXES && entry.bucket().is_some_and(has_sandboxes);
            self.entry(key, entry, if is_v1s_own { &Each(&SANDBOX) } else { &NAMESPACE }, true)?;
            if let Some(namespace) = entry.bucket().filter(|_| !is_v1s_own) {
                self.path.push(key);
                self.objects(namespace);
                self.path.pop();
            }
        }
        Ok(())
    }

    /// Holds what stands under a key to its shape. What is strict cannot be of the other kind.
    fn entry(
        &mut self,
        key: &'t [u8],
        entry: Entry<'t>,
        shape: &Shape,
        is_strict: bool,
    ) -> Result<(), Fault> {
        self.path.push(key);
        match (entry, shape) {
            (Entry::Value(_), Value) => {}
            (Entry::Value(_), shape) if is_strict => {
                return Err(Fault::NotABucket(self.here(), shape.called()));
            }
            (Entry::Value(_), shape) => {
                self.odd(&[], "a value where a bucket belongs", || {
                    format!("expected there: {}", shape.called())
                });
            }
            (Entry::Bucket(_), Value) => self.odd(&[], "a bucket where a value belongs", String::new),
            (Entry::Bucket(bucket), _) => self.bucket(bucket, shape)?,
        }
        self.path.pop();
        Ok(())
    }

    fn bucket(&mut self, bucket: View<'t>, shape: &Shape) -> Result<(), Fault> {
        match shape {
            Value => {}
            Values | Labels => {
                for (key, entry) in bucket.iter() {
                    self.entry(key, entry, &Value, false)?;
                    let is_text = |bytes| std::str::from_utf8(bytes).is_ok();
                    if matches!(shape, Labels) && !(is_text(key) && entry.value().is_none_or(is_text)) {
                        self.odd(&[key], "a label that is no text", String::new);
                    }
                }
            }
            Each(below) => {
                for (key, entry) in bucket.iter() {
                    self.entry(key, entry, below, true)?;
                }
            }
            Parts(what, fields) | Fields(what, fields) => {
                let is_strict = matches!(shape, Parts(..));
                let mut known = 0;
                for (key, entry) in bucket.iter() {
                    if let Some((_, shape)) = fields.iter().find(|(name, _)| *name == key) {
                        known += 1;
                        self.entry(key, entry, shape, is_strict)?;
                    } else {
                        let around = self.here();
                        let expected = || format!("{around} should be {}", shape.called());
                        self.odd(&[key], "of a name that no known release uses there", expected);
                    }
                }
                if known == 0 && !bucket.is_empty() {
                    return Err(Fault::Nothing(self.here(), what, words(bucket)));
                }
            }
        }
        Ok(())
    }

    /// Notes what is odd about the entry at the end of these keys below here, or counts one more.
    fn odd(&mut self, below: &[&[u8]], what: &'static str, expected: impl FnOnce() -> String) {
        if let Some(oddity) = self.oddities.iter_mut().find(|oddity| oddity.what == what) {
            oddity.count += 1;
            return;
        }
        let mut first = self.here();
        first.0.extend(below.iter().map(|key| key.to_vec()));
        self.oddities.push(Oddity { what, first, expected: expected(), count: 1 });
    }

    fn here(&self) -> Path {
        Path(self.path.iter().map(|key| key.to_vec()).collect())
    }
}

/// The first names in a bucket, as a message lists them.
fn words(bucket: View<'_>) -> String {
    let names = bucket.iter().take(WORDS_MAX).map(|(key, _)| key.escape_ascii().to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    let more = if bucket.iter().nth(WORDS_MAX).is_some() { ", ..." } else { "" };
    names + more
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree from its values, each written as `a/b/c`, and empty buckets as `a/b/`.
    fn tree(paths: &[&str]) -> Bucket {
        let mut tree = Bucket::new();
        for path in paths {
            let keys: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
            let (last, above) = keys.split_last().expect("a path has a key");
            tree.create_path(above).expect("buckets");
            match last {
                [] => {}
                [..] if *last == b"version" => tree.put(above, last, &[8]).expect("a value"),
                [..] => tree.put(above, last, b"value").expect("a value"),
            }
        }
        tree
    }

    fn complaint(paths: &[&str]) -> String {
        check(&tree(paths)).expect_err("cannot be").to_string()
    }

    fn oddities(paths: &[&str]) -> Vec<String> {
        check(&tree(paths)).expect("can be").iter().map(ToString::to_string).collect()
    }

    const LIKE_A_DAEMONS: [&str; 10] = [
        "v1/version",
        "v1/default/labels/key",
        "v1/default/content/blob/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/size",
        "v1/default/content/blob/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/labels/gc.root",
        "v1/default/content/ingests/ref/expireat",
        "v1/default/snapshots/overlayfs/key/children/below",
        "v1/default/images/name/target/digest",
        "v1/default/containers/id/runtime/name",
        "v1/default/leases/id/snapshots/overlayfs/key",
        "default/sandboxes/id/createdat",
    ];

    #[test]
    fn what_a_daemon_writes_fits() {
        assert_eq!(check(&Bucket::new()), Ok(vec![]));
        assert_eq!(oddities(&["v1/version"]), [""; 0]);
        assert_eq!(oddities(&LIKE_A_DAEMONS), [""; 0]);
        // The sandboxes of a namespace called v1, one of them called leases; a namespace called sandboxes.
        assert_eq!(oddities(&["v1/version", "v1/sandboxes/leases/createdat"]), [""; 0]);
        assert_eq!(oddities(&["v1/version", "v1/sandboxes/id/createdat"]), [""; 0]);
        assert_eq!(oddities(&["v1/version", "v1/sandboxes/images/name/target/digest"]), [""; 0]);
    }

    #[test]
    fn a_database_that_lost_its_v1_is_refused() {
        for root in
            [&["version", "default/labels/k"][..], &["version"], &["default/images/"], &["a/sandboxes/"]]
        {
            let complaint = complaint(root);
            assert!(complaint.starts_with("is no database of containerd's: its root has no bucket v1, but "));
            assert!(complaint.contains("copied while a daemon wrote"), "{complaint}");
        }
    }

    /// The pages of a daemon's own are known by their keys; where they could be anybody's both are said.
    #[test]
    fn a_page_of_a_daemons_that_became_the_root_is_known_by_its_keys() {
        for root in [
            &["createdat", "name", "updatedat", "children/a"][..],
            &["native/key/name"],
            &["sha256:02c3/size", "sha256:02c3/labels/a"],
            &["createdat", "labels/containerd.io/gc.root", "size"],
            &["alpine:1/createdat"],
        ] {
            let complaint = complaint(root);
            assert!(complaint.contains("It seems to be copied while a daemon wrote"), "{complaint}");
        }
        let complaint = complaint(&["key-1", "key-2"]);
        assert!(complaint.contains("program's, or copied while a daemon wrote"), "{complaint}");
    }

    #[test]
    fn a_v1_in_v1_is_no_namespace_where_no_version_is() {
        assert!(complaint(&["v1/v1/content/blob/", "v1/default/images/"]).contains("a bucket v1 of its own"));
        assert_eq!(oddities(&["v1/version", "v1/v1/content/blob/"]), [""; 0]);
    }

    #[test]
    fn another_programs_database_is_named() {
        let snapshotters = ["v1/snapshots/default:1/kind", "v1/snapshots/default:1/parent", "v1/parents/"];
        assert!(complaint(&snapshotters).contains("a snapshotter's metadata.db"));
        assert!(complaint(&["v1/snapshots/", "v1/parents/"]).contains("a snapshotter's metadata.db"));
        assert!(complaint(&["cache/key/value"]).contains("some other program's"));
        assert!(complaint(&["cache/key/value"]).contains("no bucket v1, but cache"));
        assert!(complaint(&["v1"]).contains("some other program's"));
        assert!(complaint(&["v1"]).contains(": its root has v1 as a value, and it should be the bucket of"));
    }

    #[test]
    fn a_page_that_stands_where_another_belongs_is_refused() {
        for (path, expected) in [
            ("v1/default/createdat", "v1/default has nothing of a namespace, but createdat"),
            (
                "v1/default",
                "v1/default is a value, and should be a bucket: a namespace with labels, content, snapshots, images, containers, leases, sandboxes",
            ),
            (
                "v1/default/images",
                "v1/default/images is a value, and should be a bucket: an image in each of its own buckets",
            ),
            ("v1/default/content/sha256:1/size", "v1/default/content has nothing of a namespace's content"),
            ("v1/default/content/blob/createdat", "v1/default/content/blob/createdat is a value"),
            ("v1/default/leases/id/target/digest", "v1/default/leases/id has nothing of a lease, but target"),
            ("v1/default/leases/createdat", "v1/default/leases/createdat is a value"),
            (
                "default/sandboxes/createdat",
                "default/sandboxes/createdat is a value, and should be a bucket: a sandbox with labels, runtime, spec, sandboxer, extensions, createdat, updatedat",
            ),
        ] {
            let complaint = complaint(&["v1/version", path]);
            let start = format!("is no database of containerd's: {expected}");
            assert!(complaint.starts_with(&start), "{complaint}\nis not\n{start}");
        }
        assert!(
            complaint(&["v1/a/createdat", "v1/a/size"]).contains("neither a version nor a namespace, but a.")
        );
    }

    #[test]
    fn what_is_odd_is_said_once_with_its_number() {
        let odd = ["v1/version", "v1/default/leases/a/holds", "v1/default/leases/a/createdat"];
        assert_eq!(
            oddities(&odd),
            [
                "v1/default/leases/a/holds is of a name that no known release uses there; v1/default/leases/a should be a lease with labels, content, snapshots, ingests, images, createdat"
            ]
        );
        let twice = [&odd[..], &["v1/default/volumes/v/createdat"]].concat();
        let expected = "v1/default/leases/a/holds is of a name that no known release uses there, the first of 2 in the whole database; v1/default/leases/a should be a lease with labels, content, snapshots, ingests, images, createdat";
        assert_eq!(oddities(&twice), [expected]);
    }

    #[test]
    fn odd_fields_labels_and_versions_are_said() {
        assert_eq!(
            oddities(&["v1/version", "v1/default/leases/a/labels"]),
            ["v1/default/leases/a/labels is a value where a bucket belongs; expected there: labels"]
        );
        assert_eq!(
            oddities(&["v1/version", "v1/default/leases/a/createdat/x"]),
            ["v1/default/leases/a/createdat is a bucket where a value belongs"]
        );
        assert_eq!(
            oddities(&["v1/default/leases/"]),
            ["v1 is without a version, which a daemon writes when it starts"]
        );
        let mut tree = tree(&["v1/version", "v1/default/labels/"]);
        tree.put(&[b"v1", b"default", b"labels"], b"key\xff", b"").expect("a value");
        tree.put(&[b"v1"], b"version", &[10]).expect("a value");
        let oddities: Vec<_> = check(&tree).expect("can be").iter().map(ToString::to_string).collect();
        assert_eq!(
            oddities,
            [
                "v1/version is a version that no known release has",
                "v1/default/labels/key\\xff is a label that is no text",
            ]
        );
    }
}
