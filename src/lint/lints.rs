//! The sorts of findings.

use crate::named::named;
use crate::release::{Release, Rules};
use std::fmt;

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Something is broken now.
    Error,
    /// Something will be lost, stay for ever or surprise.
    Warning,
    /// Worth to know, and common in normal life.
    Note,
}

impl Severity {
    /// The word, as reports have it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

use Severity::{Error, Note, Warning};

/// What to do where only looking again tells.
const LOOK_AGAIN: &str = "look again while no client writes: what was under way is no finding then";
/// The same, and how to have the content store cleaned: a collection does so only where content went since the last.
const CLEAN_CONTENT: &str = "look again while no client writes: what was under way is no finding then; \
to have the store cleaned give a collection some content to remove: echo x | ctr content ingest zz, then ctr leases create --id zz, then ctr leases rm --sync zz";
/// The same of a snapshotter.
const CLEAN_SNAPSHOTS: &str = "look again while no client writes: what was under way is no finding then; \
to have the snapshotter cleaned let a snapshot of it go: ctr snapshots --snapshotter NAME prepare zz, then the same with rm zz, then ctr leases create --id zz, then ctr leases rm --sync zz";

named! {
    /// Something that is wrong with a database; the sentence says what it costs.
    pub enum Lint {
        /// How grave it is.
        pub severity: Severity,
        /// In which releases it costs that.
        pub holds: fn(&Rules) -> bool,
        /// What to do.
        pub advice: &'static str,
    }
    ImageTargetMissing, "image-target-missing", Error, |_| true,
        "delete the image and pull it again"
        => "The image names content that is not there: nothing can be made of it, and whoever asks only for its name takes it for pulled.";
    ImageContentMissing, "image-content-missing", Error, |_| true,
        "delete the image and pull it again"
        => "Something that the image consists of is not there: it cannot be unpacked, pushed or saved, and a later pull may pass over what is missing.";
    ImageIndexEmpty, "image-index-empty", Error, |_| true,
        "pull the image again for the platform that is wanted"
        => "The image is an index of which no manifest is there: it fits no platform.";
    ParentMissing, "parent-missing", Error, |_| true,
        "delete what uses the snapshot, let a collection take it, and unpack the image again"
        => "The snapshot stands on one that is not there: it cannot be mounted or removed by name.";
    ContainerSnapshotMissing, "container-snapshot-missing", Error, |_| true,
        "delete the container and make it anew"
        => "The container's snapshot is not there: it cannot be started, and what was written in it is gone.";
    ContainerSnapshotterUnknown, "container-snapshotter-unknown", Error, |_| true,
        "delete the container and make it anew with a snapshotter that the daemon has"
        => "The container is of a snapshotter that has nothing in its namespace: it cannot be started.";
    ExpiryUndecodable, "ingest-expiry-undecodable", Error, |_| true,
        "abort it by the API (Content.Abort), or open it again without a lease, which gives it a new end: ctr has no command for either"
        => "The ingest's end cannot be decoded, which stops every collection in every namespace: nothing is freed any more, and a daemon up to 2.1 dies of it if its first collection meets it.";
    TransactionLost, "transaction-lost", Error, |_| true,
        "compare with what clients think that they wrote; copy the root folder before the daemon opens it again"
        => "The newer of the file's two meta pages is damaged: the daemon takes the older one without a word, and what its last transaction wrote is lost.";
    RecordImpossible, "record-impossible", Error, |_| true,
        "read the live database, or that of a stopped daemon, rather than a copy"
        => "No daemon can have written this: the file is damaged, or was copied while a daemon wrote to it.";
    StoreDamaged, "store-damaged", Error, |_| true,
        "restore it from a backup, or stop the daemon, move the store away and let it make a new one: then all that the database lists of it has to be deleted and pulled again"
        => "What this store has on the disk no daemon can read: its database is damaged, another program's, or gone, or its folder is.";
    BlobNotStored, "blob-not-stored", Error, |_| true,
        "delete its record and pull again whatever names it"
        => "The database lists content that is not on the disk: whoever reads it fails, and a pull passes over it as present.";
    BlobLengthDiffers, "blob-length-differs", Error, |_| true,
        "delete its record in every namespace that lists it, make the daemon clean up (ctr leases create --id zz, then ctr leases rm --sync zz), and only then pull again: as long as the file is there, a pull keeps it"
        => "The blob's file has another length than its record: pulls and unpacks of it fail or give wrong bytes, and the daemon takes it for whole.";
    SnapshotNotStored, "snapshot-not-stored", Error, |_| true,
        "delete what uses the snapshot, then the snapshot, and unpack the image again"
        => "The database lists a snapshot that its snapshotter does not have: whoever mounts it fails, and an unpack passes over it as present.";
    ImageUnlabelled, "image-unlabelled", Warning, |_| true,
        "pull the image again, or set `containerd.io/gc.ref.content.*` labels on the manifest for its config and layers"
        => "A manifest of the image has no label for what it consists of, as far as labels tell: its config and layers go at the next collection, unless something else holds them.";
    NumberingHole, "label-numbering-hole", Warning, |_| true,
        "pull the image again, or set the label that is missing"
        => "References are numbered from 0 on, and a number is missing: the child that it held goes at the next collection.";
    ChildEntryMissing, "child-entry-missing", Warning, |_| true,
        "do not remove the parent by name before its child is gone"
        => "The snapshot's parent does not list it as a child: to remove the parent by name is not refused.";
    ContainerSandboxMissing, "container-sandbox-missing", Warning, |rules| rules.sandbox_references,
        "delete the container, if its sandbox is not to come back"
        => "The container is of a sandbox that is not there: it cannot be started in it.";
    IngestWithoutExpiry, "ingest-without-expiry", Warning, |_| true,
        "end leases only after the writers that work under them"
        => "The ingest has no end and no lease that lists it: the next collection takes it from the client that writes it.";
    ExpiryUnparsable, "expiry-unparsable", Warning, |_| true,
        "set an image's `containerd.io/gc.expire` to a time as 2026-01-31T12:00:00Z; a lease's labels cannot be changed, by ctr or by a call: make another lease for what is to stay and delete this one, with which all goes that only it holds (leasehold explain SOURCE lease/ID tells what)"
        => "The text of gc.expire is no time, so that it never comes: what it should let go of stays for ever.";
    LeaseExpiryFar, "lease-expiry-far", Warning, |_| true,
        "delete the lease, if nobody needs it: what only it holds goes with it (leasehold explain SOURCE lease/ID tells what)"
        => "The lease ends in more than a year: what it holds stays so long, even if its client is gone.";
    LeaseWithoutExpiry, "lease-without-expiry", Warning, |_| true,
        "delete the lease, if its client is gone: what only it holds goes with it (leasehold explain SOURCE lease/ID tells what)"
        => "The lease has no end and is older than a week: if its client is gone, what it holds stays for ever.";
    LeaseFlatChildren, "lease-flat-children-unheld", Warning, |_| true,
        "add the children to the lease, or use a lease that is not flat"
        => "A flat lease holds no children of what it lists, and nothing else holds these: they go at the next collection.";
    ReferenceDangling, "reference-dangling", Warning, |_| true,
        "take the label away, or bring back what it names"
        => "The label names what is not there: it holds nothing, and what depends on it is not whole.";
    LabelNearMiss, "label-near-miss", Warning, |_| true,
        "set the label that is meant, and take this one away"
        => "The label is nearly one that a collector reads, and none reads it: what it should hold or end is not held and does not end.";
    LabelTooLarge, "label-too-large", Warning, |_| true,
        "take the label away or shorten it"
        => "A label's key and value have more than 4,096 bytes together: the daemon refuses every update of the object that leaves it as it is.";
    ConditionUnreadable, "condition-unreadable", Warning, |rules| rules.conditional_references,
        "set the label as usedat<24h|KEY, and times of use as 2026-01-31T12:00:00Z"
        => "The condition, or the time that it is about, cannot be read: it holds nothing.";
    SandboxAtRoot, "sandbox-at-root", Warning, |rules| rules.sandbox_references,
        "have 2.0 or later open the database, which moves it when it does"
        => "The sandbox lies beside v1, as daemons up to 2.0.0-rc.4 have it, where no collection looks: what its labels refer to is not held.";
    RecordOdd, "record-odd", Warning, |_| true,
        "find out who wrote it: a later release, another program, or nobody"
        => "No known release writes this: a daemon may refuse the object, or the file is damaged.";
    SizesDiffer, "digest-sizes-differ", Warning, |_| true,
        "compare with the file's length, delete the record that is wrong and pull again what names it"
        => "One digest has different sizes in namespaces: one of them is wrong, and readers who trust it fail.";
    BlobWithoutSize, "blob-without-size", Warning, |_| true,
        "delete the record and pull again what names it"
        => "The blob's record has no size that can be: it counts as empty, and readers who trust that fail.";
    BlobNotListed, "blob-not-listed", Warning, |_| true,
        CLEAN_CONTENT
        => "The disk has content that no namespace lists: it takes space until a collection that removes some content has the store cleaned.";
    IngestNotListed, "ingest-not-listed", Warning, |_| true,
        CLEAN_CONTENT
        => "The disk has an ingest that no namespace lists: it takes space until a collection that removes some content has the store cleaned.";
    IngestNotStored, "ingest-not-stored", Warning, |_| true,
        LOOK_AGAIN
        => "The database lists an ingest that is not on the disk: what was written so far is lost, and its writer begins anew.";
    SnapshotNotListed, "snapshot-not-listed", Warning, |_| true,
        CLEAN_SNAPSHOTS
        => "A snapshotter has a snapshot that no namespace lists: it takes space until a collection that removes a snapshot has that snapshotter cleaned.";
    SnapshotFolderStray, "snapshot-folder-stray", Warning, |_| true,
        "look again while no client writes: what was under way is no finding then; the snapshotter overlayfs takes such folders when it is cleaned (let a snapshot of it go: ctr snapshots prepare zz, then ctr snapshots rm zz, then ctr leases create --id zz, then ctr leases rm --sync zz); others never do: stop the daemon and remove the folder"
        => "A snapshotter has a folder that is of none of its snapshots, as a crash leaves it between the folder and the record: it takes space (du tells how much; lint reads no folder of files).";
    ImageOnePlatform, "image-one-platform", Note, |_| true,
        "nothing, unless another platform is to be pushed or saved"
        => "Of the image's index only some manifests are whole, as after a pull of one platform: the whole index cannot be pushed or saved.";
    ManifestWithoutLayers, "manifest-without-layers", Note, |_| true,
        "nothing, if layers are discarded on purpose once they are unpacked; else pull again"
        => "A manifest of the image refers to its config and to no layer: its layers may go, and who pushes, saves or converts it has to fetch them again.";
    ChildEntryStale, "child-entry-stale", Note, |_| true,
        "nothing: a collection takes it when nothing holds it any more; to be rid of it sooner let go of all that does (leasehold explain SOURCE snapshot/NAME tells) rather than to remove it by name"
        => "The snapshot lists a child that is not there, or not its own, as a collection leaves it that takes a child: only to remove it by name is refused for ever.";
    ContainerImageMissing, "container-image-missing", Note, |_| true,
        "nothing, as long as the container is only to run"
        => "The container's image is not there: it runs, but cannot be made again from it.";
    IngestExpired, "ingest-expired", Note, |_| true,
        "nothing: the next collection takes it"
        => "The ingest's end has passed and it is still there: no collection ran since.";
    LeaseExpired, "lease-expired", Note, |_| true,
        "nothing: the next collection takes it; an idle daemon runs none until something changes"
        => "The lease has expired and is still there, and so is what it held: no collection ran since.";
    ReferenceEnded, "reference-ended", Note, |_| true,
        "nothing, if the label has done its work; else bring back what it names"
        => "The label names what is gone, as a back reference or a condition mostly ends: a back reference keeps its object no longer, a condition holds nothing.";
    LeaseEntryDead, "lease-entry-dead", Note, |_| true,
        "nothing, unless the name must not be held when it comes back"
        => "The lease lists what is not there: it holds nothing now, and what comes back under that name.";
    LabelMeaningless, "label-meaningless", Note, |_| true,
        "nothing, unless it is relied on: see in which releases it means something"
        => "The label looks like a collector's, and means nothing on this object in this release.";
    StoreNotCompared, "store-not-compared", Note, |_| true,
        "run this as a user who may enter the folder; a snapshotter that is a program of its own keeps its data elsewhere"
        => "What this store has on the disk could not be looked at, and was not compared.";
}

impl Lint {
    /// The releases in which it costs what it says.
    pub fn releases(self) -> Vec<Release> {
        Release::ALL.into_iter().filter(|release| self.holds()(release.rules())).collect()
    }
}
