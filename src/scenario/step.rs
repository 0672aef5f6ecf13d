//! Every step there is, one row each.
//!
//! A step is one line of the text form. It says what is asked for and never what comes of it: whether it was accepted
//! is the line's [`Outcome`](super::Outcome), what a collection prints is the line's expected output. Steps without a
//! namespace of their own act in the one that their client uses.
//!
//! To add a step, add its row (`table` explains how to read one, `form` how its text is written), do it in
//! [`crate::world`], where the compiler asks for it, and say what it means in the manual, `scenarios/README.md`, and in
//! the fuzzer's dictionary, `fuzz/dictionary/scenario.dict`. Tests hold the last two to this table.

use super::arguments::Arguments;
use super::data::{
    Call, EachName, Expiry, KeyPath, Labels, Name, NodeName, Pause, RawValue, Replace, Resource, Sharing,
    SnapshotName,
};
use super::form::{Form, Slots, own_words};
use super::part::Part;
use super::promise::{Condition, Promise, State};
use super::quote::Printed;
use super::table::{Row, changed, record, table};
use super::words::Snag;
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use arbitrary::{Result as Drawn, Unstructured};
use std::num::NonZeroU64;
use std::time::Duration;

/// Every row, in the order of the manual.
pub(super) fn rows() -> impl Iterator<Item = &'static Row<Step>> + Clone {
    Step::ROWS.iter().chain(Assertion::ROWS)
}

/// Every form, in the order of the manual.
pub fn forms() -> impl Iterator<Item = &'static Form> + Clone {
    rows().map(|row| &row.form)
}

table! {
    /// One thing that is done. `scenarios/README.md` explains each.
    enum Step with Expect(Assertion);

    /// Declares who acts under the prefix `NAME:`.
    "client CLIENT [namespace=NS] [lease=ID]"
        => Client { name: Name, namespace: Option<Name>, lease: Option<Name> },
        as in "client alice namespace=other lease=pull";

    /// The daemon is replaced by one of another release; the database stays.
    "release RELEASE" => Release(release: Release), as in "release 2.2";

    /// The daemon dies and starts again; the database and the backends stay.
    "crash" => Crash, as in "crash";

    /// Sets the clock.
    "now TIME" => Now(now: Instant), as in "now 2026-01-01T12:00:00Z";

    /// Moves the clock forward.
    "advance DURATION" => Advance(by: Duration), as in "advance 1h1s";

    /// The daemon runs its scheduler from now on; `off` no longer.
    "scheduler [pause=P] [deletion=N] [mutation=N] [delay=D] [startup=D] [takes=D] [cleanup=D] [off]"
        => Scheduler(settings: SchedulerSettings),
        as in "scheduler mutation=10 delay=1s";

    /// Creates a namespace.
    "namespace create NS [LABEL=VALUE...]" => NamespaceCreate { namespace: Name, labels: Labels },
        as in "namespace create other";

    /// Labels a namespace; creates it if it is missing.
    "namespace label NS LABEL=VALUE..." => NamespaceLabel { namespace: Name, labels: Labels },
        as in "namespace label other containerd.io/namespace.shareable=true";

    /// Deletes an empty namespace.
    "namespace delete NS" => NamespaceDelete { namespace: Name }, as in "namespace delete other";

    /// The client acts there from now on.
    "namespace use NS" => NamespaceUse { namespace: Name }, as in "namespace use other";

    /// How the daemon is configured.
    "content policy shared|isolated" => ContentPolicy(sharing: Sharing), as in "content policy isolated";

    /// Opens a writer.
    "content open REF [expect=DIGEST] [size=N]"
        => ContentOpen { reference: Name, expected: Option<Name>, size: Option<i64> },
        as in "content open upload expect=layer size=12";

    /// What was written has this digest.
    "content commit REF DIGEST [size=N] [LABEL=VALUE...]"
        => ContentCommit { reference: Name, digest: Name, size: Option<i64>, labels: Labels },
        as in "content commit upload layer gc.root=now";

    /// Gives an ingest up.
    "content abort REF" => ContentAbort { reference: Name }, as in "content abort upload";

    /// Open and commit, the digest as the reference.
    "content put DIGEST [size=N] [LABEL=VALUE...]"
        => ContentPut { digest: Name, size: Option<i64>, labels: Labels },
        as in "content put manifest gc.ref.content.0=@layer";

    /// Sets labels of content.
    "content label DIGEST [replace] [LABEL=VALUE...]"
        => ContentLabel { digest: Name, replace: bool, labels: Labels },
        as in "content label manifest gc.ref.content.0=";

    /// Deletes content.
    "content delete DIGEST" => ContentDelete { digest: Name }, as in "content delete layer";

    /// Prepares an active snapshot.
    "snapshot prepare S/KEY [parent=KEY] [LABEL=VALUE...]" => SnapshotPrepare(new: NewSnapshot),
        as in "snapshot prepare overlayfs/upper parent=base";

    /// Prepares a view.
    "snapshot view S/KEY [parent=KEY] [LABEL=VALUE...]" => SnapshotView(new: NewSnapshot),
        as in "snapshot view overlayfs/look parent=base";

    /// Only the first of the two transactions of `prepare`.
    "snapshot prepare-begin S/KEY [parent=KEY] [LABEL=VALUE...]" => SnapshotPrepareBegin(new: NewSnapshot),
        as in "snapshot prepare-begin overlayfs/upper parent=base";

    /// Only the first of the two transactions of `view`.
    "snapshot view-begin S/KEY [parent=KEY] [LABEL=VALUE...]" => SnapshotViewBegin(new: NewSnapshot),
        as in "snapshot view-begin overlayfs/look parent=base";

    /// The second transaction of what this client began.
    "snapshot finish S/KEY" => SnapshotFinish { snapshot: SnapshotName },
        as in "snapshot finish overlayfs/upper";

    /// Commits an active snapshot under a name; a parent for one prepared without (from 2.2).
    "snapshot commit S/KEY NAME [parent=KEY] [LABEL=VALUE...]"
        => SnapshotCommit { snapshot: SnapshotName, name: Name, parent: Option<Name>, labels: Labels },
        as in "snapshot commit overlayfs/upper base parent=lower";

    /// Sets labels of a snapshot.
    "snapshot label S/KEY [replace] [LABEL=VALUE...]"
        => SnapshotLabel { snapshot: SnapshotName, replace: bool, labels: Labels },
        as in "snapshot label overlayfs/base gc.root=now";

    /// Removes a snapshot.
    "snapshot remove S/KEY" => SnapshotRemove { snapshot: SnapshotName },
        as in "snapshot remove overlayfs/base";

    /// Creates an image.
    "image create NAME target=DIGEST [size=N] [media-type=T] [expire=E] [LABEL=VALUE...]"
        => ImageCreate { image: Name, fields: ImageFields },
        as in "image create main target=manifest";

    /// Changes an image.
    "image update NAME [replace=labels|all] [target=DIGEST] [size=N] [media-type=T] [expire=E] [LABEL=VALUE...]"
        => ImageUpdate { image: Name, replace: Option<Replace>, fields: ImageFields },
        as in "image update main target=other";

    /// Sets labels of an image.
    "image label NAME [replace] [LABEL=VALUE...]"
        => ImageLabel { image: Name, replace: bool, labels: Labels },
        as in "image label main gc.ref.content=@extra";

    /// Deletes an image; `sync` collects afterwards.
    "image delete NAME [sync]" => ImageDelete { image: Name, sync: bool }, as in "image delete main sync";

    /// Creates a container.
    "container create ID [snapshotter=S] [snapshot=KEY] [image=NAME] [runtime=R] [spec=BYTES] [LABEL=VALUE...]"
        => ContainerCreate { container: Name, fields: ContainerFields },
        as in "container create web snapshotter=overlayfs snapshot=upper";

    /// Changes a container.
    "container update ID [replace=labels|all] [snapshotter=S] [snapshot=KEY] [image=NAME] [runtime=R] [spec=BYTES] [LABEL=VALUE...]"
        => ContainerUpdate { container: Name, replace: Option<Replace>, fields: ContainerFields },
        as in "container update web image=main";

    /// Sets labels of a container.
    "container label ID [replace] [LABEL=VALUE...]"
        => ContainerLabel { container: Name, replace: bool, labels: Labels },
        as in "container label web replace gc.ref.content=@config";

    /// Deletes a container.
    "container delete ID" => ContainerDelete { container: Name }, as in "container delete web";

    /// Creates a lease.
    "lease create ID [expire=E] [flat] [LABEL=VALUE...]"
        => LeaseCreate { lease: Name, expire: Option<Expiry>, flat: bool, labels: Labels },
        as in "lease create pull expire=+1h flat";

    /// Lets a lease hold resources, existing or not.
    "lease add ID RESOURCE..." => LeaseAdd { lease: Name, resources: Vec<Resource> },
        as in "lease add pull content/layer snapshot/overlayfs/base ingest/upload";

    /// Lets a lease hold resources no longer.
    "lease drop ID RESOURCE..." => LeaseDrop { lease: Name, resources: Vec<Resource> },
        as in "lease drop pull content/layer";

    /// The client acts under this lease from now on.
    "lease use ID" => LeaseUse { lease: Name }, as in "lease use pull";

    /// The client acts without a lease from now on.
    "lease none" => LeaseNone, as in "lease none";

    /// Deletes a lease; `sync` collects afterwards.
    "lease delete ID [sync]" => LeaseDelete { lease: Name, sync: bool }, as in "lease delete pull sync";

    /// Creates a sandbox.
    "sandbox create ID [LABEL=VALUE...]" => SandboxCreate { sandbox: Name, labels: Labels },
        as in "sandbox create pod gc.ref.content=@config";

    /// Sets labels of a sandbox.
    "sandbox label ID [replace] [LABEL=VALUE...]"
        => SandboxLabel { sandbox: Name, replace: bool, labels: Labels },
        as in "sandbox label pod replace";

    /// Deletes a sandbox.
    "sandbox delete ID" => SandboxDelete { sandbox: Name }, as in "sandbox delete pod";

    /// Opens a stream, under the client's lease if it uses one.
    "stream open NAME" => StreamOpen { stream: Name }, as in "stream open progress";

    /// Closes a stream.
    "stream close NAME" => StreamClose { stream: Name }, as in "stream close progress";

    /// Registers a collector; `gc.ref.LABEL` labels refer to its resources.
    "collector declare KIND [label=LABEL]" => CollectorDeclare { collector: Kind, label: Option<Name> },
        as in "collector declare type-9 label=volume";

    /// The collector has these resources.
    "collector list KIND NODE..." => CollectorList { collector: Kind, nodes: Vec<NodeName> },
        as in "collector list type-9 type-9/disk type-9/tape";

    /// It has these no longer, in whatever list.
    "collector forget KIND NODE..." => CollectorForget { collector: Kind, nodes: Vec<NodeName> },
        as in "collector forget type-9 type-9/tape";

    /// These are in use.
    "collector active KIND NODE... [for=NS]"
        => CollectorActive { collector: Kind, nodes: Vec<NodeName>, asked: Option<Name> },
        as in "collector active type-9 type-9/disk";

    /// A lease holds these.
    "collector leased KIND NODE... lease=ID [for=NS]"
        => CollectorLeased { collector: Kind, nodes: Vec<NodeName>, lease: Name, asked: Option<Name> },
        as in "collector leased type-9 type-9/tape lease=pull";

    /// `TO` is kept while `FROM` is reached (from 2.2).
    "collector back-reference KIND FROM TO [for=NS]"
        => CollectorBackReference { collector: Kind, from: NodeName, to: NodeName, asked: Option<Name> },
        as in "collector back-reference mount container/web mount/m1";

    /// `FROM` refers to these (from 2.4).
    "collector references KIND FROM TO..."
        => CollectorReferences { collector: Kind, from: NodeName, to: Vec<NodeName> },
        as in "collector references type-9 type-9/disk content/layer";

    /// This call fails from now on.
    "collector fail KIND start|cancel|finish" => CollectorFail { collector: Kind, call: Call },
        as in "collector fail type-9 start";

    /// It fails no longer.
    "collector heal KIND start|cancel|finish" => CollectorHeal { collector: Kind, call: Call },
        as in "collector heal type-9 start";

    /// Puts a value.
    "raw put PATH VALUE|time=TIME|varint=N" => RawPut { path: KeyPath, value: RawValue },
        as in "raw put v1/default/content/ingests/upload/expireat time=2026-01-01T00:00:00Z";

    /// Creates the bucket and those above it.
    "raw bucket PATH" => RawBucket { path: KeyPath },
        as in "raw bucket v1/default/images/main/labels/\"containerd.io/gc.root\"";

    /// Deletes a value, or a bucket with all below it.
    "raw delete PATH" => RawDelete { path: KeyPath }, as in "raw delete v1/default/content/blob/@layer/size";

    /// Sets a bucket's sequence number.
    "raw sequence PATH N" => RawSequence { path: KeyPath, sequence: u64 },
        as in "raw sequence v1/default/content 7";

    /// A collection. `last` is the collector that the loop of 1.7.0-beta.1 visits last.
    "gc [last=KIND] [cancel-at-root=K]" => Gc { last: Option<Kind>, cancel_at_root: Option<NonZeroU64> },
        as in "gc last=stream";

    /// The backends drop what the database no longer knows.
    "cleanup" => Cleanup, as in "cleanup";

    /// From here to `end` the clients' steps may come in every order.
    "together" => Together, as in "together";

    /// The client remembers by a word whether this is in the database.
    "look NODE" => Look(node: NodeName), as in "look content/layer as there";

    /// What holds in every state between `together` and `end`: each node's condition, while those behind `when` hold.
    "always CONDITION NODE... [when CONDITION NODE...]" => Always(promise: Promise),
        as in "always present content/layer when present image/main";

    /// Every client has come to its end.
    "end" => End, as in "end";
}

table! {
    /// What an `expect` step asserts.
    enum Assertion;

    /// The last collection kept these.
    "expect kept NODE..." => Kept(nodes: Vec<NodeName>), as in "expect kept content/layer other/lease/pull";

    /// The last collection removed these.
    "expect removed NODE..." => Removed(nodes: Vec<NodeName>), as in "expect removed snapshot/overlayfs/base";

    /// These are in the database now.
    "expect present NODE..." => Present(nodes: Vec<NodeName>), as in "expect present image/main";

    /// These are not in the database now.
    "expect absent NODE..." => Absent(nodes: Vec<NodeName>), as in "expect absent ingest/upload";

    /// The backend has these now: a digest, an ingest, a snapshot.
    "expect stored NODE..." => Stored(nodes: Vec<NodeName>), as in "expect stored content/layer";

    /// The backend does not have these now.
    "expect not-stored NODE..." => NotStored(nodes: Vec<NodeName>), as in "expect not-stored ingest/upload";

    /// The last collection failed with exactly this text.
    "expect error TEXT" => Error(text: Name), as in "expect error \"Time.UnmarshalBinary: no data\"";

    /// A second collection at the same instant changes nothing.
    "expect same" => Same, as in "expect same";

    /// The entry at this path is this value.
    "expect value PATH VALUE|time=TIME|varint=N" => Value { path: KeyPath, value: RawValue },
        as in "expect value v1/default/content/blob/@layer/size varint=12";

    /// The entry at this path is a bucket.
    "expect bucket PATH" => Bucket(path: KeyPath), as in "expect bucket v1/default/leases/pull";

    /// There is no entry at this path.
    "expect nothing PATH" => Nothing(path: KeyPath),
        as in "expect nothing v1/default/snapshots/overlayfs/base/children/upper";
}

record! {
    /// How a daemon's scheduler is configured; what is not said is the daemon's default.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    SchedulerSettings {
        /// How much of the time collections may take.
        pause: Option<Pause>,
        /// After how many deletions a collection is asked for.
        deletion: Option<i64>,
        /// After how many mutations a collection runs.
        mutation: Option<i64>,
        /// How long after it is asked for a collection runs.
        delay: Option<Duration>,
        /// How long after the start the first collection runs.
        startup: Option<Duration>,
        /// How long a collection has the metadata locked.
        takes: Option<Duration>,
        /// How long its clean-ups take, where there are any.
        cleanup: Option<Duration>,
        /// There is none.
        off: bool,
    }
}

record! {
    /// A snapshot to be prepared or viewed.
    #[derive(Clone, PartialEq, Eq, Debug)]
    NewSnapshot {
        /// The active snapshot or view.
        snapshot: SnapshotName,
        /// The key of its parent, of the same snapshotter.
        parent: Option<Name>,
        /// Its labels.
        labels: Labels,
    }
}

record! {
    /// Which fields of an image to write.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    ImageFields {
        /// The digest of its target.
        target: Option<Name>,
        /// The target's size in bytes.
        size: Option<i64>,
        /// The target's media type.
        media_type: Option<Name>,
        /// Its expiry (read from 2.0 on), written over what `labels` says.
        expire: Option<Expiry>,
        /// Labels; in an update an empty value removes one.
        labels: Labels,
    }
}

record! {
    /// Which fields of a container to write.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    ContainerFields {
        /// Its snapshotter.
        snapshotter: Option<Name>,
        /// The key of its snapshot, which need not exist.
        snapshot: Option<Name>,
        /// The name of its image, which need not exist.
        image: Option<Name>,
        /// The name of its runtime; a usual one if absent.
        runtime: Option<Name>,
        /// Its specification; a usual one if absent.
        spec: Option<Name>,
        /// Labels; in an update an empty value removes one.
        labels: Labels,
    }
}

impl From<Assertion> for Step {
    fn from(assertion: Assertion) -> Step {
        Step::Expect(assertion)
    }
}

impl Assertion {
    /// Steps that say of nodes that the collection kept them, that it removed them, or that they are there all the same;
    /// where no node is named, that a second collection changes nothing.
    pub fn of_nodes(kept: Vec<NodeName>, removed: Vec<NodeName>, present: Vec<NodeName>) -> Vec<Step> {
        let mut steps = Vec::new();
        for assertion in [Assertion::Kept(kept), Assertion::Removed(removed), Assertion::Present(present)] {
            if let Assertion::Kept(nodes) | Assertion::Removed(nodes) | Assertion::Present(nodes) = &assertion
                && !nodes.is_empty()
            {
                steps.push(Step::Expect(assertion));
            }
        }
        if steps.is_empty() {
            steps.push(Step::Expect(Assertion::Same));
        }
        steps
    }
}

impl Condition {
    /// The same as an `expect` step asserts it.
    pub fn assertion(&self) -> Assertion {
        let nodes = self.nodes.clone();
        match self.state {
            State::Present => Assertion::Present(nodes),
            State::Absent => Assertion::Absent(nodes),
            State::Stored => Assertion::Stored(nodes),
            State::NotStored => Assertion::NotStored(nodes),
        }
    }
}

impl Assertion {
    /// Whether it speaks of the last collection, and not of what is there now.
    pub fn is_of_last_collection(&self) -> bool {
        matches!(self, Assertion::Kept(_) | Assertion::Removed(_) | Assertion::Error(_) | Assertion::Same)
    }
}

impl Step {
    /// The release of the daemon that starts anew with this step, where `now` is the one that runs.
    pub fn restarts(&self, now: Release) -> Option<Release> {
        match self {
            Step::Release(release) => Some(*release),
            Step::Crash => Some(now),
            _ => None,
        }
    }

    /// Whether it is an edit that no client can make.
    pub fn is_raw(&self) -> bool {
        matches!(
            self,
            Step::RawPut { .. } | Step::RawBucket { .. } | Step::RawDelete { .. } | Step::RawSequence { .. }
        )
    }

    /// Whether it prints something, so that expected output may stand below it.
    pub fn prints(&self) -> bool {
        matches!(self, Step::Gc { .. } | Step::Cleanup)
    }

    /// Whether the client waits for a collection after it.
    pub fn waits(&self) -> bool {
        matches!(self, Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. })
    }

    /// Whether expected output may stand below it: it prints something, or may where a scheduler runs.
    pub fn may_print(&self) -> bool {
        self.prints() || self.waits() || matches!(self, Step::Advance(_))
    }
}
