//! What lies in containerd's root folder beside the database: names and lengths, no content. meta.db does not know how
//! large snapshots are; their snapshotters do, of those that are committed.
//!
//! ```text
//!   io.containerd.content.v1.content/blobs/ALGORITHM/DIGITS      a file
//!                                   /ingest/FOLDER/{ref, data}   a folder; `ref` has its name
//!   io.containerd.snapshotter.v1.NAME/metadata.db                bbolt: v1/snapshots/KEY/{id, kind, size, parent, ...}
//!                                    /snapshots/ID               a snapshot's files, of many snapshotters
//! ```
//!
//! Links are not followed. What cannot be looked at is said as such, and not compared.

use crate::bucket::bolt;
use crate::bucket::{Bucket, View};
use crate::schema::{names, varint, views};
use crate::text;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::time::Duration;

const CONTENT: &str = "io.containerd.content.v1.content";
const SNAPSHOTTER: &[u8] = b"io.containerd.snapshotter.v1.";
/// What a snapshotter's database has beside its snapshots.
const PARENTS: &[u8] = b"parents";
/// The longest reference of an ingest that is read: bbolt takes no longer key.
const REFERENCE_BYTES_MAX: u64 = 1 << 16;

/// Why a store could not be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Its folder below the root folder, or the root folder itself.
    pub store: String,
    /// Why.
    pub why: String,
    /// No user, the daemon included, can read it: its database is damaged, another's, or gone.
    pub is_damaged: bool,
}

/// Why something is not compared.
type Why = String;

/// What stores have on the disk, by the names that backends have for it, with lengths in bytes; a store that could not be
/// looked at has none, and stands in `unread`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stored {
    /// Blobs by digest.
    pub blobs: Option<BTreeMap<Vec<u8>, u64>>,
    /// Ingests by their reference in the content store (`NAMESPACE/SEQUENCE/REF`).
    pub ingests: Option<BTreeMap<Vec<u8>, u64>>,
    /// What snapshotters have.
    pub snapshots: Snapshots,
    /// Stores of content that could not be looked at.
    pub unread: Vec<Unread>,
}

/// A snapshotter's snapshots by their name there.
pub type ByName = BTreeMap<Vec<u8>, Snapshot>;

/// Folders, or why they could not be looked at.
type Strays = Result<Folders, Why>;

/// Folders of one that has one for each snapshot.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Folders {
    /// Those that are named by a number, as snapshots are.
    pub ids: BTreeSet<u64>,
    /// Those of which a snapshotter is making a snapshot (`new-123`), or that it is taking away (`rm-12`): a crash leaves them.
    pub temporary: BTreeSet<String>,
}

/// What snapshotters have on the disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshots {
    /// Snapshots by snapshotter and their name there (`NAMESPACE/SEQUENCE/KEY`).
    pub of: BTreeMap<Vec<u8>, ByName>,
    /// The folders by snapshotter that its `snapshots` has for an ID that none of its snapshots has, or why they could not
    /// be looked at.
    pub strays: BTreeMap<Vec<u8>, Result<Folders, String>>,
    /// Snapshotters that could not be looked at although the database has snapshots of them, or which are damaged.
    pub unread: Vec<Unread>,
}

/// What a snapshotter has of one snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    /// Its length in bytes, of one that is committed.
    pub bytes: Option<u64>,
    /// The name of its folder in the snapshotter's `snapshots`, where it has one.
    pub folder: Option<u64>,
    /// The folder that it lacks, where its snapshotter has such for others.
    pub lacks_folder: Option<u64>,
}

/// Sizes added up, some of which are not known.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Bytes {
    /// Those that are known.
    pub bytes: u64,
    /// How many are not.
    pub unknown: u64,
}

impl Bytes {
    /// Adds one.
    pub fn add(&mut self, size: Option<u64>) {
        self.add_all(size.map_or(Bytes { bytes: 0, unknown: 1 }, |bytes| Bytes { bytes, unknown: 0 }));
    }

    /// Adds others.
    pub fn add_all(&mut self, other: Bytes) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.unknown += other.unknown;
    }

    /// `304 B of snapshots (and 1 of unknown size)`
    pub fn of(self, things: &str) -> String {
        let known = format!("{} of {things}", text::bytes(self.bytes));
        match self.unknown {
            0 => known,
            unknown => format!("{known} (and {} of unknown size)", text::count(unknown)),
        }
    }

    /// Whether there was none to add.
    pub fn is_nothing(self) -> bool {
        self == Bytes::default()
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::bytes(self.bytes))?;
        match self.unknown {
            0 => Ok(()),
            unknown => write!(f, " + {} of unknown size", text::count(unknown)),
        }
    }
}

impl Stored {
    /// Looks at the stores of a root folder; a snapshotter that writes is tried for a time.
    pub fn read(root: &Path, tree: &Bucket, wait: Duration) -> Stored {
        let mut stored = Stored { snapshots: Snapshots::read(root, tree, wait), ..Stored::default() };
        let mut unread = |store: String, why: Why, is_damaged: bool| {
            stored.unread.push(Unread { store, why, is_damaged });
        };
        // Which snapshotters there are beside those that the database uses nobody knows then.
        if let Err(error) = fs::read_dir(root) {
            unread("the root folder".to_owned(), self::unread(&error), false);
        }
        let content = root.join(CONTENT);
        match folder(&content) {
            Ok(_) => {
                match blobs(&content.join("blobs")) {
                    Ok(blobs) => stored.blobs = Some(blobs),
                    Err(why) => unread(format!("{CONTENT}/blobs"), why, false),
                }
                match ingests(&content.join("ingest")) {
                    Ok(ingests) => stored.ingests = Some(ingests),
                    Err(why) => unread(format!("{CONTENT}/ingest"), why, false),
                }
            }
            // A copy may be of the database's folder alone.
            Err(why) => unread(CONTENT.to_owned(), why, !is_there(&content) && !installed(root).is_empty()),
        }
        stored
    }
}

impl Snapshots {
    /// Looks at the snapshotters of a root folder and at those of which the database has snapshots; one that writes is
    /// tried for a time.
    pub fn read(root: &Path, tree: &Bucket, wait: Duration) -> Snapshots {
        let mut read = Snapshots::default();
        let used = used(tree);
        for snapshotter in used.union(&installed(root)) {
            let name = [SNAPSHOTTER, snapshotter].concat();
            match snapshots(&root.join(OsStr::from_bytes(&name)), wait) {
                Ok((snapshots, strays)) => {
                    read.of.insert(snapshotter.clone(), snapshots);
                    read.strays.insert(snapshotter.clone(), strays);
                }
                Err((why, is_damaged)) if is_damaged || used.contains(snapshotter) => {
                    read.unread.push(Unread { store: text::name(&name), why, is_damaged });
                }
                Err(_) => {}
            }
        }
        read
    }

    /// How large a snapshot of the database is; none where its snapshotter does not say.
    pub fn size(&self, tree: &Bucket, namespace: &[u8], key: &[u8]) -> Option<u64> {
        self.snapshot(tree, namespace, key)?.1.bytes
    }

    /// Where a snapshot of the database has its files, below the root folder; none where that is not known.
    pub fn folder(&self, tree: &Bucket, namespace: &[u8], key: &[u8]) -> Option<Vec<u8>> {
        let (snapshotter, Snapshot { folder, .. }) = self.snapshot(tree, namespace, key)?;
        Some([SNAPSHOTTER, snapshotter, b"/snapshots/", folder?.to_string().as_bytes()].concat())
    }

    fn snapshot<'k>(&self, tree: &Bucket, namespace: &[u8], key: &'k [u8]) -> Option<(&'k [u8], Snapshot)> {
        let slash = views::snapshot_slash(tree, namespace, key)?;
        let (snapshotter, name) = (&key[..slash], &key[slash + 1..]);
        let snapshot = tree.view().at(&[names::V1, namespace, names::SNAPSHOTS, snapshotter, name])?;
        Some((snapshotter, *self.of.get(snapshotter)?.get(snapshot.get(names::NAME)?)?))
    }
}

/// The snapshotters of which a database has snapshots.
fn used(tree: &Bucket) -> BTreeSet<Vec<u8>> {
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let snapshotters = namespaces
        .flat_map(|(_, namespace)| namespace.at(&[names::SNAPSHOTS]).into_iter().flat_map(View::buckets));
    let used = snapshotters.filter(|(_, snapshots)| snapshots.buckets().next().is_some());
    used.map(|(snapshotter, _)| snapshotter.to_vec()).collect()
}

/// The entries of a folder, which is no link to one.
fn folder(path: &Path) -> Result<Vec<DirEntry>, Why> {
    let metadata = fs::symlink_metadata(path).map_err(|error| unread(&error))?;
    if metadata.file_type().is_symlink() {
        return Err("it is a link, and links are not followed".to_owned());
    }
    let entries = fs::read_dir(path).map_err(|error| unread(&error))?;
    entries.collect::<io::Result<Vec<DirEntry>>>().map_err(|error| unread(&error))
}

fn unread(error: &io::Error) -> Why {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: it may not be entered".to_owned(),
        _ => text::told_by_system(error),
    }
}

fn is_there(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The same of a folder that is made when it is first needed.
fn folder_or_none(path: &Path) -> Result<Vec<DirEntry>, Why> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => folder(path),
    }
}

/// The length of what an entry is if it is a file; none if it is gone meanwhile or something else. A folder that may be
/// listed and not entered has names, and lengths of none.
fn length(entry: &DirEntry) -> Result<Option<u64>, Why> {
    match entry.metadata() {
        Ok(metadata) => Ok(metadata.is_file().then_some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

fn blobs(path: &Path) -> Result<BTreeMap<Vec<u8>, u64>, Why> {
    let mut blobs = BTreeMap::new();
    for algorithm in folder_or_none(path)? {
        if !algorithm.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = algorithm.file_name().into_vec();
        let of_algorithm = |why: Why| format!("{}: {why}", text::name(&name));
        for blob in folder(&algorithm.path()).map_err(of_algorithm)? {
            let digest = [&name, &b":"[..], blob.file_name().as_bytes()].concat();
            blobs.extend(length(&blob).map_err(of_algorithm)?.map(|bytes| (digest, bytes)));
        }
    }
    Ok(blobs)
}

fn ingests(path: &Path) -> Result<BTreeMap<Vec<u8>, u64>, Why> {
    let mut ingests = BTreeMap::new();
    for ingest in folder_or_none(path)? {
        if !ingest.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let of_ingest = |why: Why| format!("{}: {why}", text::name(ingest.file_name().as_bytes()));
        let entries = folder_or_none(&ingest.path()).map_err(of_ingest)?;
        let file = |name: &str| entries.iter().find(|entry| entry.file_name() == name);
        let length_of = |name| file(name).map_or(Ok(None), length).map_err(of_ingest);
        // One without a reference is being made or taken away.
        let (Some(reference), Some(_)) = (file("ref"), length_of("ref")?) else { continue };
        let mut name = Vec::new();
        let read = File::open(reference.path())
            .and_then(|file| file.take(REFERENCE_BYTES_MAX).read_to_end(&mut name));
        if let Err(error) = read {
            return Err(of_ingest(unread(&error)));
        }
        ingests.insert(name, length_of("data")?.unwrap_or_default());
    }
    Ok(ingests)
}

/// The snapshotters that have a folder.
fn installed(root: &Path) -> BTreeSet<Vec<u8>> {
    let folders = fs::read_dir(root).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = folders
        .filter_map(|entry| entry.file_name().as_bytes().strip_prefix(SNAPSHOTTER).map(<[u8]>::to_vec));
    names.collect()
}

/// The snapshots that a snapshotter has, by its own names for them, and the folders that are of none. Else why not, and
/// whether that is damage.
fn snapshots(folder: &Path, wait: Duration) -> Result<(ByName, Strays), (Why, bool)> {
    let not_damaged = |why: Why| (why, false);
    self::folder(folder).map_err(not_damaged)?;
    // The folders first: what is made meanwhile is then in the database only.
    let folders = folders(&folder.join("snapshots"));
    let path = folder.join("metadata.db");
    // A snapshotter that keeps something else there has no such folder either.
    let is_gone = |error: &io::Error| {
        error.kind() == io::ErrorKind::NotFound
            && folders.as_ref().is_ok_and(|folders| !folders.ids.is_empty())
    };
    let metadata = fs::symlink_metadata(&path)
        .map_err(|error| (format!("metadata.db: {}", unread(&error)), is_gone(&error)))?;
    if !metadata.is_file() {
        return Err(not_damaged("metadata.db is no file".to_owned()));
    }
    let opened = bolt::read_within(&path, wait).map_err(|error| {
        let is_damaged = error.is_damage() || error.is_no_database();
        (format!("metadata.db: {error}"), is_damaged)
    })?;
    let own = |(key, _): (&[u8], View<'_>)| key == names::SNAPSHOTS || key == PARENTS;
    if !opened.tree.bucket(names::V1).into_iter().flat_map(View::buckets).all(own) {
        return Err(("metadata.db: it is no snapshotter's".to_owned(), true));
    }
    let snapshots = opened.tree.view().at(&[names::V1, names::SNAPSHOTS]).into_iter().flat_map(View::buckets);
    let mut of = BTreeMap::new();
    // Where btrfs has those that are no committed ones.
    let elsewhere: BTreeSet<u64> = ["active", "view"]
        .iter()
        .flat_map(|name| self::folders(&folder.join(name)))
        .flat_map(|folders| folders.ids)
        .collect();
    for (key, snapshot) in snapshots {
        let size = snapshot.get(names::SIZE).and_then(varint::decode_signed);
        let id = snapshot.get(names::ID).and_then(varint::decode_unsigned);
        let bytes = size.and_then(|size| u64::try_from(size).ok());
        let has = |id: &u64| folders.as_ref().is_ok_and(|folders| folders.ids.contains(id));
        // One that was made since the folders were listed has one by now.
        let is_gone = |id: &u64| !is_there(&folder.join("snapshots").join(id.to_string()));
        let lacks_folder = id.filter(|id| !has(id) && !elsewhere.contains(id) && is_gone(id));
        let folder = id.filter(has);
        of.insert(key.to_vec(), Snapshot { bytes, folder, lacks_folder });
    }
    // Not every snapshotter has a folder for each.
    if folders.is_err() || of.values().all(|snapshot: &Snapshot| snapshot.folder.is_none()) {
        of.values_mut().for_each(|snapshot| snapshot.lacks_folder = None);
    }
    let strays = folders.map(|mut folders| {
        let own = of.values().filter_map(|snapshot: &Snapshot| snapshot.folder);
        own.for_each(|id| {
            folders.ids.remove(&id);
        });
        folders
    });
    Ok((of, strays))
}

/// What of a folder are folders whose names are numbers, as snapshotters name them, or begin as those that are not named yet or
/// no longer; none where there is no such folder, as each snapshotter lays out its own.
fn folders(path: &Path) -> Strays {
    let folders = folder_or_none(path)?.into_iter();
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut found = Folders::default();
    for name in folders.filter_map(|entry| entry.file_name().into_string().ok()) {
        match name.parse() {
            Ok(number) if u64::to_string(&number) == name => drop(found.ids.insert(number)),
            _ if name.starts_with("new-") || name.starts_with("rm-") => drop(found.temporary.insert(name)),
            _ => {}
        }
    }
    Ok(found)
}
