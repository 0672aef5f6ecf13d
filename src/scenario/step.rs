//! What a scenario is, as data.
//!
//! One [`Step`] is one line of the text form. Names are bytes, because containerd's are; content is named by its
//! digest, whatever the text called it. A step says what is asked for and never what comes of it: whether it
//! was accepted is the line's [`Outcome`], what a collection prints is the line's expected output.
//!
//! Steps without a namespace of their own act in the one that their client uses. A line without a client belongs
//! to the unnamed client, which begins in namespace [`DEFAULT_NAMESPACE`] without a lease.

use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::node::Kind;
use crate::release::Release;
use std::fmt;
use std::time::Duration;

/// The namespace that a client uses until it says otherwise.
pub const DEFAULT_NAMESPACE: &[u8] = b"default";
/// What the clock shows before the first step: 2026-01-01T00:00:00Z.
pub const CLOCK_START: Instant = Instant { seconds: UNIX_EPOCH_SECONDS + 1_767_225_600, nanoseconds: 0 };

/// Any bytes.
pub type Name = Vec<u8>;
/// The keys from the root of the database to an entry.
pub type KeyPath = Vec<Name>;

/// A whole scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scenario {
    /// The comment at the top: why this scenario exists.
    pub head: Vec<Text>,
    /// The release of the daemon at the start. [`Step::Release`] replaces the daemon later.
    pub release: Release,
    /// The steps in order.
    pub lines: Vec<Line>,
    /// The comment behind the last step.
    pub tail: Vec<Text>,
}

/// A step and what belongs to it. Two lines are equal whatever their place and the blank lines around them.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the text that it was read from, from 1; 0 if it was not read.
    pub number: usize,
    /// A blank line stands before it, or before its comment.
    pub blank_before: bool,
    /// The comment above it.
    pub comment: Vec<Text>,
    /// Who does it; absent for the unnamed client.
    pub client: Option<Name>,
    /// Whether it must succeed.
    pub outcome: Outcome,
    /// What is done.
    pub step: Step,
    /// What stands below `---`: the output that is expected of a `gc` or `cleanup`.
    pub expected: Option<Vec<Text>>,
}

/// One line of a comment or of expected output: without line breaks and without blanks at its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

/// What must come of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Outcome {
    /// The step succeeds.
    #[default]
    Accepted,
    /// containerd refuses the step with this kind of error (`! not-found content delete layer`).
    Refused(Refused),
    /// Either will do (`? content delete layer`), as in generated scenarios.
    Any,
}

/// containerd's kinds of errors, as far as the write side answers them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Refused {
    /// `not-found`
    NotFound,
    /// `already-exists`
    AlreadyExists,
    /// `failed-precondition`
    FailedPrecondition,
    /// `invalid-argument`
    InvalidArgument,
    /// `not-implemented`
    NotImplemented,
    /// `unavailable`
    Unavailable,
    /// `deadlock`: the real daemon would wait for ever.
    Deadlock,
    /// `unknown`: an error without a kind, as gRPC calls it.
    Unknown,
    /// `crash`: the real daemon would die.
    Crash,
}

/// Labels in the order of their keys, each key once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Labels(Vec<(Name, Name)>);

/// A snapshot of a snapshotter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SnapshotName {
    /// The snapshotter, such as `overlayfs`.
    pub snapshotter: Name,
    /// Its key among the snapshotter's snapshots.
    pub key: Name,
}

/// A snapshot to be prepared or viewed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSnapshot {
    /// The active snapshot or view.
    pub snapshot: SnapshotName,
    /// The key of its parent, of the same snapshotter.
    pub parent: Option<Name>,
    /// Its labels.
    pub labels: Labels,
}

/// A node as a scenario names it; the number of its type follows from the release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeName {
    /// Absent for the namespace that the client uses.
    pub namespace: Option<Name>,
    /// Its type; [`Kind::Other`] names any number, flat types too.
    pub kind: Kind,
    /// Its key, for a snapshot `SNAPSHOTTER/KEY`.
    pub key: Name,
}

/// What a lease may hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Resource {
    /// Content by its digest.
    Content(Name),
    /// A snapshot.
    Snapshot(SnapshotName),
    /// An ingest by its reference.
    Ingest(Name),
    /// An image by its name (from 2.0).
    Image(Name),
    /// A resource type as containerd's API has it, for those that it refuses.
    Other {
        /// The type, such as `tasks`.
        resource_type: Name,
        /// The id.
        id: Name,
    },
}

/// When a lease or an image expires: what the label `containerd.io/gc.expire` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// So long after the step (`+1h`), in whole seconds as containerd's client writes them.
    In(Duration),
    /// So long before the step (`-1h`).
    Ago(Duration),
    /// This text, whether it is a time or not.
    Text(Name),
}

/// Which fields of an image to write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImageFields {
    /// The digest of its target.
    pub target: Option<Name>,
    /// The target's size in bytes.
    pub size: Option<i64>,
    /// The target's media type.
    pub media_type: Option<Name>,
    /// Its expiry (read from 2.0 on), written over what `labels` says.
    pub expire: Option<Expiry>,
    /// Labels; in an update an empty value removes one.
    pub labels: Labels,
}

/// Which fields of a container to write.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContainerFields {
    /// The name of its image, which need not exist.
    pub image: Option<Name>,
    /// Its snapshotter.
    pub snapshotter: Option<Name>,
    /// The key of its snapshot, which need not exist.
    pub snapshot: Option<Name>,
    /// The name of its runtime; a usual one if absent.
    pub runtime: Option<Name>,
    /// Its specification; a usual one if absent.
    pub spec: Option<Name>,
    /// Labels; in an update an empty value removes one.
    pub labels: Labels,
}

/// How much an update replaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Replace {
    /// Only the given fields and the given labels.
    #[default]
    Given,
    /// The given fields, and all labels by the given ones.
    Labels,
    /// The whole object.
    All,
}

/// Who may use a blob that another namespace has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// Everyone: containerd's default policy.
    Shared,
    /// Nobody, but for namespaces labelled as shareable.
    Isolated,
}

/// A call to a collector that can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// `StartCollection`
    Start,
    /// `Cancel`
    Cancel,
    /// `Finish`
    Finish,
}

/// A value of a raw edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RawValue {
    /// These bytes.
    Bytes(Name),
    /// Go's binary form of a time.
    Time(Instant),
    /// Go's signed varint.
    Varint(i64),
}

/// What an `expect` step asserts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assertion {
    /// The last collection kept these.
    Kept(Vec<NodeName>),
    /// The last collection removed these.
    Removed(Vec<NodeName>),
    /// These are in the database now.
    Present(Vec<NodeName>),
    /// These are not in the database now.
    Absent(Vec<NodeName>),
    /// The backend has these now: a digest, an ingest, a snapshot.
    Stored(Vec<NodeName>),
    /// The backend does not have these now.
    NotStored(Vec<NodeName>),
    /// The last collection failed with exactly this text.
    Error(Name),
    /// A second collection at the same instant changes nothing.
    Same,
    /// The entry at this path is this value.
    Value {
        /// Where.
        path: KeyPath,
        /// What.
        value: RawValue,
    },
    /// The entry at this path is a bucket.
    Bucket(KeyPath),
    /// There is no entry at this path.
    Nothing(KeyPath),
}

/// One thing that is done. The comment of each variant gives its text form; `scenarios/README.md` explains them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are the words of the text form, which stands above each variant")]
pub enum Step {
    /// `client NAME [namespace=NS] [lease=ID]`: declares who acts under the prefix `NAME:`.
    Client { name: Name, namespace: Option<Name>, lease: Option<Name> },
    /// `release R`: the daemon is replaced by one of another release; the database stays.
    Release(Release),
    /// `now TIME`
    Now(Instant),
    /// `advance DURATION`
    Advance(Duration),

    /// `namespace create NS [LABEL=VALUE...]`
    NamespaceCreate { namespace: Name, labels: Labels },
    /// `namespace label NS LABEL=VALUE...`: creates the namespace if it is missing.
    NamespaceLabel { namespace: Name, labels: Labels },
    /// `namespace delete NS`
    NamespaceDelete { namespace: Name },
    /// `namespace use NS`: the client acts there from now on.
    NamespaceUse { namespace: Name },

    /// `content policy shared|isolated`: how the daemon is configured.
    ContentPolicy(Sharing),
    /// `content open REF [expect=DIGEST] [size=N]`: opens a writer.
    ContentOpen { reference: Name, expected: Option<Name>, size: Option<i64> },
    /// `content commit REF DIGEST [size=N] [LABEL=VALUE...]`: what was written has this digest.
    ContentCommit { reference: Name, digest: Name, size: Option<i64>, labels: Labels },
    /// `content abort REF`
    ContentAbort { reference: Name },
    /// `content put DIGEST [size=N] [LABEL=VALUE...]`: open and commit, the digest as the reference.
    ContentPut { digest: Name, size: Option<i64>, labels: Labels },
    /// `content label DIGEST [replace] [LABEL=VALUE...]`
    ContentLabel { digest: Name, replace: bool, labels: Labels },
    /// `content delete DIGEST`
    ContentDelete { digest: Name },

    /// `snapshot prepare S/KEY [parent=KEY] [LABEL=VALUE...]`
    SnapshotPrepare(NewSnapshot),
    /// `snapshot view S/KEY [parent=KEY] [LABEL=VALUE...]`
    SnapshotView(NewSnapshot),
    /// `snapshot prepare-begin ...`: only the first of the two transactions.
    SnapshotPrepareBegin(NewSnapshot),
    /// `snapshot view-begin ...`: only the first of the two transactions.
    SnapshotViewBegin(NewSnapshot),
    /// `snapshot finish S/KEY`: the second transaction of what this client began.
    SnapshotFinish { snapshot: SnapshotName },
    /// `snapshot commit S/KEY NAME [parent=KEY] [LABEL=VALUE...]`: a parent for one prepared without (from 2.2).
    SnapshotCommit { snapshot: SnapshotName, name: Name, parent: Option<Name>, labels: Labels },
    /// `snapshot label S/KEY [replace] [LABEL=VALUE...]`
    SnapshotLabel { snapshot: SnapshotName, replace: bool, labels: Labels },
    /// `snapshot remove S/KEY`
    SnapshotRemove { snapshot: SnapshotName },

    /// `image create NAME target=DIGEST [size=N] [media-type=T] [expire=E] [LABEL=VALUE...]`
    ImageCreate { image: Name, fields: ImageFields },
    /// `image update NAME [target=DIGEST] [size=N] [media-type=T] [expire=E] [replace=labels|all] [LABEL=VALUE...]`
    ImageUpdate { image: Name, replace: Replace, fields: ImageFields },
    /// `image label NAME [replace] [LABEL=VALUE...]`
    ImageLabel { image: Name, replace: bool, labels: Labels },
    /// `image delete NAME [sync]`: `sync` collects afterwards.
    ImageDelete { image: Name, sync: bool },

    /// `container create ID [snapshotter=S] [snapshot=KEY] [image=NAME] [runtime=R] [spec=BYTES] [LABEL=VALUE...]`
    ContainerCreate { container: Name, fields: ContainerFields },
    /// `container update ID [snapshotter=S] ... [replace=labels|all] [LABEL=VALUE...]`
    ContainerUpdate { container: Name, replace: Replace, fields: ContainerFields },
    /// `container label ID [replace] [LABEL=VALUE...]`
    ContainerLabel { container: Name, replace: bool, labels: Labels },
    /// `container delete ID`
    ContainerDelete { container: Name },

    /// `lease create ID [expire=E] [flat] [LABEL=VALUE...]`
    LeaseCreate { lease: Name, expire: Option<Expiry>, flat: bool, labels: Labels },
    /// `lease add ID RESOURCE...`
    LeaseAdd { lease: Name, resources: Vec<Resource> },
    /// `lease drop ID RESOURCE...`
    LeaseDrop { lease: Name, resources: Vec<Resource> },
    /// `lease use ID`: the client acts under this lease from now on.
    LeaseUse { lease: Name },
    /// `lease none`: the client acts without a lease from now on.
    LeaseNone,
    /// `lease delete ID [sync]`: `sync` collects afterwards.
    LeaseDelete { lease: Name, sync: bool },

    /// `sandbox create ID [LABEL=VALUE...]`
    SandboxCreate { sandbox: Name, labels: Labels },
    /// `sandbox label ID [replace] [LABEL=VALUE...]`
    SandboxLabel { sandbox: Name, replace: bool, labels: Labels },
    /// `sandbox delete ID`
    SandboxDelete { sandbox: Name },

    /// `stream open NAME`: under the client's lease, if it uses one.
    StreamOpen { stream: Name },
    /// `stream close NAME`
    StreamClose { stream: Name },

    /// `collector declare KIND [label=NAME]`: `gc.ref.NAME` labels refer to its resources.
    CollectorDeclare { collector: Kind, label: Option<Name> },
    /// `collector list KIND NODE...`: it has these resources.
    CollectorList { collector: Kind, nodes: Vec<NodeName> },
    /// `collector forget KIND NODE...`: it has these no longer, in whatever list.
    CollectorForget { collector: Kind, nodes: Vec<NodeName> },
    /// `collector active KIND NODE... [for=NS]`: these are in use.
    CollectorActive { collector: Kind, nodes: Vec<NodeName>, asked: Option<Name> },
    /// `collector leased KIND NODE... lease=ID [for=NS]`: a lease holds these.
    CollectorLeased { collector: Kind, nodes: Vec<NodeName>, lease: Name, asked: Option<Name> },
    /// `collector back-reference KIND FROM TO [for=NS]`: `TO` is kept while `FROM` is reached (from 2.2).
    CollectorBackReference { collector: Kind, from: NodeName, to: NodeName, asked: Option<Name> },
    /// `collector references KIND FROM TO...`: `FROM` refers to these (from 2.4).
    CollectorReferences { collector: Kind, from: NodeName, to: Vec<NodeName> },
    /// `collector fail KIND start|cancel|finish`: this call fails from now on.
    CollectorFail { collector: Kind, call: Call },
    /// `collector heal KIND start|cancel|finish`: it fails no longer.
    CollectorHeal { collector: Kind, call: Call },

    /// `raw put PATH VALUE`
    RawPut { path: KeyPath, value: RawValue },
    /// `raw bucket PATH`: creates the bucket and those above it.
    RawBucket { path: KeyPath },
    /// `raw delete PATH`: a value, or a bucket with all below it.
    RawDelete { path: KeyPath },
    /// `raw sequence PATH N`
    RawSequence { path: KeyPath, sequence: u64 },

    /// `gc [last=KIND] [cancel-at-root=K]`: a collection. `last` is the collector that the seed's loop visits last.
    Gc { last: Option<Kind>, cancel_at_root: Option<u64> },
    /// `cleanup`: the backends drop what the database no longer knows.
    Cleanup,
    /// `expect ...`
    Expect(Assertion),
}

impl Scenario {
    /// Whether replaying it can fail for any other reason than a finding: it expects something somewhere.
    pub fn asserts(&self) -> bool {
        self.lines.iter().any(|line| {
            line.expected.is_some()
                || matches!(line.step, Step::Expect(_))
                || matches!(line.outcome, Outcome::Refused(_))
        })
    }
}

impl Line {
    /// A step of the unnamed client that must succeed, with nothing around it.
    pub fn new(step: Step) -> Line {
        Line {
            number: 0,
            blank_before: false,
            comment: Vec::new(),
            client: None,
            outcome: Outcome::Accepted,
            step,
            expected: None,
        }
    }
}

impl From<Step> for Line {
    fn from(step: Step) -> Line {
        Line::new(step)
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Line) -> bool {
        let Line { number: _, blank_before: _, comment, client, outcome, step, expected } = self;
        *comment == other.comment
            && *client == other.client
            && *outcome == other.outcome
            && *step == other.step
            && *expected == other.expected
    }
}

impl Eq for Line {}

impl Step {
    /// Hands out every name that it mentions, label values and the keys of raw paths included, so that names can be
    /// replaced everywhere at once. The keys of labels are words and no names; a snapshot's node is two names.
    pub fn for_each_name(&mut self, each: &mut dyn FnMut(&mut Name)) {
        match self {
            Step::Client { name: _, namespace, lease } => {
                namespace.iter_mut().chain(lease).for_each(each);
            }
            Step::NamespaceCreate { namespace, labels } | Step::NamespaceLabel { namespace, labels } => {
                each(namespace);
                labels.for_each_value(each);
            }
            Step::NamespaceDelete { namespace } | Step::NamespaceUse { namespace } => each(namespace),
            Step::ContentOpen { reference, expected, size: _ } => {
                each(reference);
                expected.iter_mut().for_each(each);
            }
            Step::ContentCommit { reference, digest, size: _, labels } => {
                each(reference);
                each(digest);
                labels.for_each_value(each);
            }
            Step::ContentAbort { reference } => each(reference),
            Step::ContentPut { digest, size: _, labels }
            | Step::ContentLabel { digest, replace: _, labels } => {
                each(digest);
                labels.for_each_value(each);
            }
            Step::ContentDelete { digest } => each(digest),
            Step::SnapshotPrepare(new)
            | Step::SnapshotView(new)
            | Step::SnapshotPrepareBegin(new)
            | Step::SnapshotViewBegin(new) => {
                new.snapshot.for_each_name(each);
                new.parent.iter_mut().for_each(&mut *each);
                new.labels.for_each_value(each);
            }
            Step::SnapshotFinish { snapshot } | Step::SnapshotRemove { snapshot } => {
                snapshot.for_each_name(each)
            }
            Step::SnapshotCommit { snapshot, name, parent, labels } => {
                snapshot.for_each_name(each);
                each(name);
                parent.iter_mut().for_each(&mut *each);
                labels.for_each_value(each);
            }
            Step::SnapshotLabel { snapshot, replace: _, labels } => {
                snapshot.for_each_name(each);
                labels.for_each_value(each);
            }
            Step::ImageCreate { image, fields } | Step::ImageUpdate { image, replace: _, fields } => {
                each(image);
                fields.target.iter_mut().for_each(&mut *each);
                fields.labels.for_each_value(each);
            }
            Step::ImageLabel { image: name, replace: _, labels }
            | Step::ContainerLabel { container: name, replace: _, labels }
            | Step::SandboxLabel { sandbox: name, replace: _, labels }
            | Step::SandboxCreate { sandbox: name, labels }
            | Step::LeaseCreate { lease: name, expire: _, flat: _, labels } => {
                each(name);
                labels.for_each_value(each);
            }
            Step::ContainerCreate { container, fields }
            | Step::ContainerUpdate { container, replace: _, fields } => {
                each(container);
                let named = [&mut fields.image, &mut fields.snapshotter, &mut fields.snapshot];
                named.into_iter().flatten().for_each(&mut *each);
                fields.labels.for_each_value(each);
            }
            Step::LeaseAdd { lease, resources } | Step::LeaseDrop { lease, resources } => {
                each(lease);
                resources.iter_mut().for_each(|resource| resource.for_each_name(each));
            }
            Step::ImageDelete { image: name, sync: _ }
            | Step::ContainerDelete { container: name }
            | Step::LeaseUse { lease: name }
            | Step::LeaseDelete { lease: name, sync: _ }
            | Step::SandboxDelete { sandbox: name }
            | Step::StreamOpen { stream: name }
            | Step::StreamClose { stream: name } => each(name),
            Step::CollectorDeclare { collector: _, label: _ } => {}
            Step::CollectorList { collector: _, nodes } | Step::CollectorForget { collector: _, nodes } => {
                nodes.iter_mut().for_each(|node| node.for_each_name(each));
            }
            Step::CollectorActive { collector: _, nodes, asked } => {
                nodes.iter_mut().for_each(|node| node.for_each_name(each));
                asked.iter_mut().for_each(each);
            }
            Step::CollectorLeased { collector: _, nodes, lease, asked } => {
                nodes.iter_mut().for_each(|node| node.for_each_name(each));
                each(lease);
                asked.iter_mut().for_each(each);
            }
            Step::CollectorBackReference { collector: _, from, to, asked } => {
                from.for_each_name(each);
                to.for_each_name(each);
                asked.iter_mut().for_each(each);
            }
            Step::CollectorReferences { collector: _, from, to } => {
                from.for_each_name(each);
                to.iter_mut().for_each(|node| node.for_each_name(each));
            }
            Step::RawPut { path, value } => {
                path.iter_mut().for_each(&mut *each);
                if let RawValue::Bytes(bytes) = value {
                    each(bytes);
                }
            }
            Step::RawBucket { path } | Step::RawDelete { path } | Step::RawSequence { path, sequence: _ } => {
                path.iter_mut().for_each(each);
            }
            Step::Expect(
                Assertion::Kept(nodes)
                | Assertion::Removed(nodes)
                | Assertion::Present(nodes)
                | Assertion::Absent(nodes)
                | Assertion::Stored(nodes)
                | Assertion::NotStored(nodes),
            ) => nodes.iter_mut().for_each(|node| node.for_each_name(each)),
            Step::Expect(
                Assertion::Value { path, value: _ } | Assertion::Bucket(path) | Assertion::Nothing(path),
            ) => path.iter_mut().for_each(each),
            Step::Expect(Assertion::Error(_) | Assertion::Same)
            | Step::Release(_)
            | Step::Now(_)
            | Step::Advance(_)
            | Step::ContentPolicy(_)
            | Step::LeaseNone
            | Step::CollectorFail { .. }
            | Step::CollectorHeal { .. }
            | Step::Gc { .. }
            | Step::Cleanup => {}
        }
    }

    /// Whether it prints something, so that expected output may stand below it.
    pub fn prints(&self) -> bool {
        matches!(self, Step::Gc { .. } | Step::Cleanup)
    }
}

impl Text {
    /// The lines of a text, each without the blanks at its end.
    pub fn lines(text: &str) -> Vec<Text> {
        text.lines().map(|line| Text(line.trim_end().to_owned())).collect()
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One line that is known to contain no line break.
    pub(super) fn line(line: &str) -> Text {
        Text(line.trim_end().to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SnapshotName {
    fn for_each_name(&mut self, each: &mut dyn FnMut(&mut Name)) {
        each(&mut self.snapshotter);
        each(&mut self.key);
    }
}

impl Resource {
    fn for_each_name(&mut self, each: &mut dyn FnMut(&mut Name)) {
        match self {
            Resource::Content(name) | Resource::Ingest(name) | Resource::Image(name) => each(name),
            Resource::Snapshot(snapshot) => snapshot.for_each_name(each),
            Resource::Other { resource_type: _, id } => each(id),
        }
    }
}

impl NodeName {
    fn for_each_name(&mut self, each: &mut dyn FnMut(&mut Name)) {
        self.namespace.iter_mut().for_each(&mut *each);
        match self.key.iter().position(|byte| *byte == b'/').filter(|_| self.kind == Kind::Snapshot) {
            Some(slash) => {
                let (mut snapshotter, mut key) = (self.key[..slash].to_vec(), self.key[slash + 1..].to_vec());
                each(&mut snapshotter);
                each(&mut key);
                self.key = [&snapshotter[..], b"/", &key].concat();
            }
            None => each(&mut self.key),
        }
    }
}

impl Labels {
    fn for_each_value(&mut self, each: &mut dyn FnMut(&mut Name)) {
        self.0.iter_mut().for_each(|(_, value)| each(value));
    }

    /// No labels.
    pub(super) const NONE: Labels = Labels(Vec::new());

    /// None yet.
    pub fn new() -> Labels {
        Labels::default()
    }

    /// In the order of their keys.
    pub fn as_slice(&self) -> &[(Name, Name)] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a label.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let at = self.0.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets a label; gives the value that it had.
    pub fn insert(&mut self, key: Name, value: Name) -> Option<Name> {
        match self.0.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a label away; gives the value that it had.
    pub fn remove(&mut self, key: &[u8]) -> Option<Name> {
        let at = self.0.binary_search_by(|(other, _)| other.as_slice().cmp(key)).ok()?;
        Some(self.0.remove(at).1)
    }
}

/// Of labels with the same key the last counts.
impl FromIterator<(Name, Name)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(labels: I) -> Labels {
        let mut sorted: Vec<(Name, Name)> = labels.into_iter().collect();
        sorted.reverse();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        sorted.dedup_by(|later, first| later.0 == first.0);
        Labels(sorted)
    }
}

impl Refused {
    /// Every kind.
    pub const ALL: [Refused; 9] = [
        Refused::NotFound,
        Refused::AlreadyExists,
        Refused::FailedPrecondition,
        Refused::InvalidArgument,
        Refused::NotImplemented,
        Refused::Unavailable,
        Refused::Deadlock,
        Refused::Unknown,
        Refused::Crash,
    ];

    /// Its word in scenarios.
    pub fn word(self) -> &'static str {
        match self {
            Refused::NotFound => "not-found",
            Refused::AlreadyExists => "already-exists",
            Refused::FailedPrecondition => "failed-precondition",
            Refused::InvalidArgument => "invalid-argument",
            Refused::NotImplemented => "not-implemented",
            Refused::Unavailable => "unavailable",
            Refused::Deadlock => "deadlock",
            Refused::Unknown => "unknown",
            Refused::Crash => "crash",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Call {
    /// Every call.
    pub const ALL: [Call; 3] = [Call::Start, Call::Cancel, Call::Finish];

    /// Its word in scenarios.
    pub fn word(self) -> &'static str {
        match self {
            Call::Start => "start",
            Call::Cancel => "cancel",
            Call::Finish => "finish",
        }
    }
}
