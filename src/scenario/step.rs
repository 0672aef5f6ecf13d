//! Every step there is, one row each.
//!
//! A step is one line of the text form. It says what is asked for and never what comes of it: whether it was accepted
//! is the line's [`Outcome`](super::Outcome), what a collection prints is the line's expected output. Steps without a
//! namespace of their own act in the one that their client uses.
//!
//! To add a step, add its row (`table` explains how to read one, `part` and `value` have what rows are made of), do it in
//! [`crate::world`], and say what it means in the manual, `scenarios/README.md`, and in the fuzzer's dictionary,
//! `fuzz/dictionary/scenario.dict`. Tests hold the last two to this table.

use super::arguments::Arguments;
use super::data::{
    Call, ContainerFields, EachName, Expiry, ImageFields, KeyPath, Labels, Name, NewSnapshot, NodeName,
    RawValue, Replace, Resource, Sharing, SnapshotName,
};
use super::form::{Form, Shape};
use super::part::{Always, Else, Flag, LABELS, LABELS_NEEDED, Many, Maybe, One, Part, Raw, Shaped};
use super::quote::Printed;
use super::table::{Row, changed, record, table};
use super::value::{
    BYTES, CALL, DIGEST, DURATION, EXPIRY, KIND, NAME, NODE, PATH, QUOTED, RELEASE, REPLACE, RESOURCE,
    SHARING, SIGNED, SNAPSHOT, TIME, UNSIGNED,
};
use super::words::Snag;
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use arbitrary::{Result as Drawn, Unstructured};
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
    "client" => Client {
        name: Name = One("NAME", BYTES),
        namespace: Option<Name> = Maybe("namespace=NS", NAME),
        lease: Option<Name> = Maybe("lease=ID", NAME),
    }, as in "client alice namespace=other lease=pull";

    /// The daemon is replaced by one of another release; the database stays.
    "release" => Release(release: Release = One("RELEASE", RELEASE)), as in "release 2.2";

    /// Sets the clock.
    "now" => Now(now: Instant = One("TIME", TIME)), as in "now 2026-01-01T12:00:00Z";

    /// Moves the clock forward.
    "advance" => Advance(by: Duration = One("DURATION", DURATION)), as in "advance 1h1s";

    /// Creates a namespace.
    "namespace" "create" => NamespaceCreate {
        namespace: Name = One("NS", NAME),
        labels: Labels = LABELS,
    }, as in "namespace create other";

    /// Labels a namespace; creates it if it is missing.
    "namespace" "label" => NamespaceLabel {
        namespace: Name = One("NS", NAME),
        labels: Labels = LABELS_NEEDED,
    }, as in "namespace label other containerd.io/namespace.shareable=true";

    /// Deletes an empty namespace.
    "namespace" "delete" => NamespaceDelete { namespace: Name = One("NS", NAME) }, as in "namespace delete other";

    /// The client acts there from now on.
    "namespace" "use" => NamespaceUse { namespace: Name = One("NS", NAME) }, as in "namespace use other";

    /// How the daemon is configured.
    "content" "policy" => ContentPolicy(sharing: Sharing = One("shared|isolated", SHARING)),
        as in "content policy isolated";

    /// Opens a writer.
    "content" "open" => ContentOpen {
        reference: Name = One("REF", NAME),
        expected: Option<Name> = Maybe("expect=DIGEST", DIGEST),
        size: Option<i64> = Maybe("size=N", SIGNED),
    }, as in "content open upload expect=layer size=12";

    /// What was written has this digest.
    "content" "commit" => ContentCommit {
        reference: Name = One("REF", NAME),
        digest: Name = One("DIGEST", DIGEST),
        size: Option<i64> = Maybe("size=N", SIGNED),
        labels: Labels = LABELS,
    }, as in "content commit upload layer gc.root=now";

    /// Gives an ingest up.
    "content" "abort" => ContentAbort { reference: Name = One("REF", NAME) }, as in "content abort upload";

    /// Open and commit, the digest as the reference.
    "content" "put" => ContentPut {
        digest: Name = One("DIGEST", DIGEST),
        size: Option<i64> = Maybe("size=N", SIGNED),
        labels: Labels = LABELS,
    }, as in "content put manifest gc.ref.content.0=@layer";

    /// Sets labels of content.
    "content" "label" => ContentLabel {
        digest: Name = One("DIGEST", DIGEST),
        replace: bool = Flag("replace"),
        labels: Labels = LABELS,
    }, as in "content label manifest gc.ref.content.0=";

    /// Deletes content.
    "content" "delete" => ContentDelete { digest: Name = One("DIGEST", DIGEST) }, as in "content delete layer";

    /// Prepares an active snapshot.
    "snapshot" "prepare" => SnapshotPrepare(new: NewSnapshot = Prepared),
        as in "snapshot prepare overlayfs/upper parent=base";

    /// Prepares a view.
    "snapshot" "view" => SnapshotView(new: NewSnapshot = Prepared),
        as in "snapshot view overlayfs/look parent=base";

    /// Only the first of the two transactions of `prepare`.
    "snapshot" "prepare-begin" => SnapshotPrepareBegin(new: NewSnapshot = Prepared),
        as in "snapshot prepare-begin overlayfs/upper parent=base";

    /// Only the first of the two transactions of `view`.
    "snapshot" "view-begin" => SnapshotViewBegin(new: NewSnapshot = Prepared),
        as in "snapshot view-begin overlayfs/look parent=base";

    /// The second transaction of what this client began.
    "snapshot" "finish" => SnapshotFinish { snapshot: SnapshotName = One("S/KEY", SNAPSHOT) },
        as in "snapshot finish overlayfs/upper";

    /// Commits an active snapshot under a name; a parent for one prepared without (from 2.2).
    "snapshot" "commit" => SnapshotCommit {
        snapshot: SnapshotName = One("S/KEY", SNAPSHOT),
        name: Name = One("NAME", NAME),
        parent: Option<Name> = Maybe("parent=KEY", NAME),
        labels: Labels = LABELS,
    }, as in "snapshot commit overlayfs/upper base parent=lower";

    /// Sets labels of a snapshot.
    "snapshot" "label" => SnapshotLabel {
        snapshot: SnapshotName = One("S/KEY", SNAPSHOT),
        replace: bool = Flag("replace"),
        labels: Labels = LABELS,
    }, as in "snapshot label overlayfs/base gc.root=now";

    /// Removes a snapshot.
    "snapshot" "remove" => SnapshotRemove { snapshot: SnapshotName = One("S/KEY", SNAPSHOT) },
        as in "snapshot remove overlayfs/base";

    /// Creates an image.
    "image" "create" => ImageCreate {
        image: Name = One("NAME", NAME),
        fields: ImageFields = NewImage,
    }, as in "image create main target=manifest";

    /// Changes an image.
    "image" "update" => ImageUpdate {
        image: Name = One("NAME", NAME),
        fields: ImageFields = ChangedImage,
        replace: Replace = Else("replace=labels|all", REPLACE, Replace::Given),
    }, as in "image update main target=other";

    /// Sets labels of an image.
    "image" "label" => ImageLabel {
        image: Name = One("NAME", NAME),
        replace: bool = Flag("replace"),
        labels: Labels = LABELS,
    }, as in "image label main gc.ref.content=@extra";

    /// Deletes an image; `sync` collects afterwards.
    "image" "delete" => ImageDelete {
        image: Name = One("NAME", NAME),
        sync: bool = Flag("sync"),
    }, as in "image delete main sync";

    /// Creates a container.
    "container" "create" => ContainerCreate {
        container: Name = One("ID", NAME),
        fields: ContainerFields = AnyContainer,
    }, as in "container create web snapshotter=overlayfs snapshot=upper";

    /// Changes a container.
    "container" "update" => ContainerUpdate {
        container: Name = One("ID", NAME),
        fields: ContainerFields = AnyContainer,
        replace: Replace = Else("replace=labels|all", REPLACE, Replace::Given),
    }, as in "container update web image=main";

    /// Sets labels of a container.
    "container" "label" => ContainerLabel {
        container: Name = One("ID", NAME),
        replace: bool = Flag("replace"),
        labels: Labels = LABELS,
    }, as in "container label web replace gc.ref.content=@config";

    /// Deletes a container.
    "container" "delete" => ContainerDelete { container: Name = One("ID", NAME) }, as in "container delete web";

    /// Creates a lease.
    "lease" "create" => LeaseCreate {
        lease: Name = One("ID", NAME),
        expire: Option<Expiry> = Maybe("expire=E", EXPIRY),
        flat: bool = Flag("flat"),
        labels: Labels = LABELS,
    }, as in "lease create pull expire=+1h flat";

    /// Lets a lease hold resources, existing or not.
    "lease" "add" => LeaseAdd {
        lease: Name = One("ID", NAME),
        resources: Vec<Resource> = Many("RESOURCE", RESOURCE),
    }, as in "lease add pull content/layer snapshot/overlayfs/base ingest/upload";

    /// Lets a lease hold resources no longer.
    "lease" "drop" => LeaseDrop {
        lease: Name = One("ID", NAME),
        resources: Vec<Resource> = Many("RESOURCE", RESOURCE),
    }, as in "lease drop pull content/layer";

    /// The client acts under this lease from now on.
    "lease" "use" => LeaseUse { lease: Name = One("ID", NAME) }, as in "lease use pull";

    /// The client acts without a lease from now on.
    "lease" "none" => LeaseNone, as in "lease none";

    /// Deletes a lease; `sync` collects afterwards.
    "lease" "delete" => LeaseDelete {
        lease: Name = One("ID", NAME),
        sync: bool = Flag("sync"),
    }, as in "lease delete pull sync";

    /// Creates a sandbox.
    "sandbox" "create" => SandboxCreate {
        sandbox: Name = One("ID", NAME),
        labels: Labels = LABELS,
    }, as in "sandbox create pod gc.ref.content=@config";

    /// Sets labels of a sandbox.
    "sandbox" "label" => SandboxLabel {
        sandbox: Name = One("ID", NAME),
        replace: bool = Flag("replace"),
        labels: Labels = LABELS,
    }, as in "sandbox label pod replace";

    /// Deletes a sandbox.
    "sandbox" "delete" => SandboxDelete { sandbox: Name = One("ID", NAME) }, as in "sandbox delete pod";

    /// Opens a stream, under the client's lease if it uses one.
    "stream" "open" => StreamOpen { stream: Name = One("NAME", NAME) }, as in "stream open progress";

    /// Closes a stream.
    "stream" "close" => StreamClose { stream: Name = One("NAME", NAME) }, as in "stream close progress";

    /// Registers a collector; `gc.ref.NAME` labels refer to its resources.
    "collector" "declare" => CollectorDeclare {
        collector: Kind = One("KIND", KIND),
        label: Option<Name> = Maybe("label=NAME", BYTES),
    }, as in "collector declare type-9 label=volume";

    /// The collector has these resources.
    "collector" "list" => CollectorList {
        collector: Kind = One("KIND", KIND),
        nodes: Vec<NodeName> = Many("NODE", NODE),
    }, as in "collector list type-9 type-9/disk type-9/tape";

    /// It has these no longer, in whatever list.
    "collector" "forget" => CollectorForget {
        collector: Kind = One("KIND", KIND),
        nodes: Vec<NodeName> = Many("NODE", NODE),
    }, as in "collector forget type-9 type-9/tape";

    /// These are in use.
    "collector" "active" => CollectorActive {
        collector: Kind = One("KIND", KIND),
        nodes: Vec<NodeName> = Many("NODE", NODE),
        asked: Option<Name> = Maybe("for=NS", NAME),
    }, as in "collector active type-9 type-9/disk";

    /// A lease holds these.
    "collector" "leased" => CollectorLeased {
        collector: Kind = One("KIND", KIND),
        nodes: Vec<NodeName> = Many("NODE", NODE),
        lease: Name = Always("lease=ID", NAME),
        asked: Option<Name> = Maybe("for=NS", NAME),
    }, as in "collector leased type-9 type-9/tape lease=pull";

    /// `TO` is kept while `FROM` is reached (from 2.2).
    "collector" "back-reference" => CollectorBackReference {
        collector: Kind = One("KIND", KIND),
        from: NodeName = One("FROM", NODE),
        to: NodeName = One("TO", NODE),
        asked: Option<Name> = Maybe("for=NS", NAME),
    }, as in "collector back-reference mount container/web mount/m1";

    /// `FROM` refers to these (from 2.4).
    "collector" "references" => CollectorReferences {
        collector: Kind = One("KIND", KIND),
        from: NodeName = One("FROM", NODE),
        to: Vec<NodeName> = Many("TO", NODE),
    }, as in "collector references type-9 type-9/disk content/layer";

    /// This call fails from now on.
    "collector" "fail" => CollectorFail {
        collector: Kind = One("KIND", KIND),
        call: Call = One("start|cancel|finish", CALL),
    }, as in "collector fail type-9 start";

    /// It fails no longer.
    "collector" "heal" => CollectorHeal {
        collector: Kind = One("KIND", KIND),
        call: Call = One("start|cancel|finish", CALL),
    }, as in "collector heal type-9 start";

    /// Puts a value.
    "raw" "put" => RawPut {
        path: KeyPath = One("PATH", PATH),
        value: RawValue = Raw,
    }, as in "raw put v1/default/content/ingests/upload/expireat time=2026-01-01T00:00:00Z";

    /// Creates the bucket and those above it.
    "raw" "bucket" => RawBucket { path: KeyPath = One("PATH", PATH) },
        as in "raw bucket v1/default/images/main/labels/\"containerd.io/gc.root\"";

    /// Deletes a value, or a bucket with all below it.
    "raw" "delete" => RawDelete { path: KeyPath = One("PATH", PATH) },
        as in "raw delete v1/default/content/blob/@layer/size";

    /// Sets a bucket's sequence number.
    "raw" "sequence" => RawSequence {
        path: KeyPath = One("PATH", PATH),
        sequence: u64 = One("N", UNSIGNED),
    }, as in "raw sequence v1/default/content 7";

    /// A collection. `last` is the collector that the loop of 1.7.0-beta.1 visits last.
    "gc" => Gc {
        last: Option<Kind> = Maybe("last=KIND", KIND),
        cancel_at_root: Option<u64> = Maybe("cancel-at-root=K", UNSIGNED),
    }, as in "gc last=stream";

    /// The backends drop what the database no longer knows.
    "cleanup" => Cleanup, as in "cleanup";
}

table! {
    /// What an `expect` step asserts.
    enum Assertion;

    /// The last collection kept these.
    "expect" "kept" => Kept(nodes: Vec<NodeName> = Many("NODE", NODE)),
        as in "expect kept content/layer other/lease/pull";

    /// The last collection removed these.
    "expect" "removed" => Removed(nodes: Vec<NodeName> = Many("NODE", NODE)),
        as in "expect removed snapshot/overlayfs/base";

    /// These are in the database now.
    "expect" "present" => Present(nodes: Vec<NodeName> = Many("NODE", NODE)), as in "expect present image/main";

    /// These are not in the database now.
    "expect" "absent" => Absent(nodes: Vec<NodeName> = Many("NODE", NODE)), as in "expect absent ingest/upload";

    /// The backend has these now: a digest, an ingest, a snapshot.
    "expect" "stored" => Stored(nodes: Vec<NodeName> = Many("NODE", NODE)), as in "expect stored content/layer";

    /// The backend does not have these now.
    "expect" "not-stored" => NotStored(nodes: Vec<NodeName> = Many("NODE", NODE)),
        as in "expect not-stored ingest/upload";

    /// The last collection failed with exactly this text.
    "expect" "error" => Error(text: Name = One("TEXT", QUOTED)),
        as in "expect error \"Time.UnmarshalBinary: no data\"";

    /// A second collection at the same instant changes nothing.
    "expect" "same" => Same, as in "expect same";

    /// The entry at this path is this value.
    "expect" "value" => Value {
        path: KeyPath = One("PATH", PATH),
        value: RawValue = Raw,
    }, as in "expect value v1/default/content/blob/@layer/size varint=12";

    /// The entry at this path is a bucket.
    "expect" "bucket" => Bucket(path: KeyPath = One("PATH", PATH)), as in "expect bucket v1/default/leases/pull";

    /// There is no entry at this path.
    "expect" "nothing" => Nothing(path: KeyPath = One("PATH", PATH)),
        as in "expect nothing v1/default/snapshots/overlayfs/base/children/upper";
}

record! {
    /// A snapshot that is prepared or viewed.
    Prepared: NewSnapshot {
        snapshot: One("S/KEY", SNAPSHOT),
        parent: Maybe("parent=KEY", NAME),
        labels: LABELS,
    }
}

record! {
    /// An image that is created.
    NewImage: ImageFields {
        target: Always("target=DIGEST", DIGEST),
        size: Maybe("size=N", SIGNED),
        media_type: Maybe("media-type=T", BYTES),
        expire: Maybe("expire=E", EXPIRY),
        labels: LABELS,
    }
}

record! {
    /// What changes of an image.
    ChangedImage: ImageFields {
        target: Maybe("target=DIGEST", DIGEST),
        size: Maybe("size=N", SIGNED),
        media_type: Maybe("media-type=T", BYTES),
        expire: Maybe("expire=E", EXPIRY),
        labels: LABELS,
    }
}

record! {
    /// What a container has, or what changes of it.
    AnyContainer: ContainerFields {
        snapshotter: Maybe("snapshotter=S", NAME),
        snapshot: Maybe("snapshot=KEY", NAME),
        image: Maybe("image=NAME", NAME),
        runtime: Maybe("runtime=R", BYTES),
        spec: Maybe("spec=BYTES", BYTES),
        labels: LABELS,
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

impl Step {
    /// Whether it prints something, so that expected output may stand below it.
    pub fn prints(&self) -> bool {
        matches!(self, Step::Gc { .. } | Step::Cleanup)
    }
}
