//! Scenarios out of bytes, for tests of the language and for its fuzz target.
//!
//! Every step and every option can come, with any bytes in names and a liking for those that the text form finds
//! hard: keywords, separators, quotes, everyday names of content. The scenarios can be written; that a daemon would
//! take a step of theirs is not meant.

use super::alias;
use super::step::{
    Assertion, Call, ContainerFields, Expiry, ImageFields, KeyPath, Labels, Line, Name, NewSnapshot,
    NodeName, Outcome, RawValue, Refused, Replace, Resource, Scenario, Sharing, SnapshotName, Step, Text,
};
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::node::Kind;
use crate::release::Release;
use arbitrary::{Arbitrary, Result, Unstructured};
use std::time::Duration;

/// The names that the text form has most reason to mind.
const HARD_NAMES: [&[u8]; 26] = [
    b"",
    b" ",
    b"/",
    b"=",
    b":",
    b"@",
    b"#",
    b"!",
    b"?",
    b"---",
    b"\"",
    b"\\",
    b"\n",
    b"a b",
    b"@layer",
    b"gc.root",
    b"a=b",
    b"a/b/",
    b"content",
    b"type-9",
    b"flat",
    b"+1h",
    b"\xff\xfe",
    "é\u{202e}\u{3000}".as_bytes(),
    b"containerd.io/gc.root",
    b"sha256:00",
];

/// A scenario for which `parse(print(scenario)) == scenario` must hold.
///
/// # Errors
/// As `arbitrary`'s: never for want of bytes, which count as zeros.
pub fn generate(u: &mut Unstructured<'_>) -> Result<Scenario> {
    let mut scenario = Scenario { head: texts(u)?, release: release(u)?, ..Scenario::default() };
    let mut clients: Vec<Name> = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        let mut line = Line::new(step(u)?);
        if let Step::Client { name, .. } = &line.step {
            if clients.contains(name) {
                continue;
            }
            clients.push(name.clone());
        } else if !clients.is_empty() && u.ratio(1, 3)? {
            line.client = Some(u.choose(&clients)?.clone());
        }
        line.outcome = match u.int_in_range(0..=5)? {
            0 => Outcome::Any,
            1 => Outcome::Refused(*u.choose(&Refused::ALL)?),
            _ => Outcome::Accepted,
        };
        line.comment = texts(u)?;
        line.blank_before = u.arbitrary()?;
        if line.step.prints() && u.arbitrary()? {
            line.expected = Some(texts(u)?);
        }
        scenario.lines.push(line);
    }
    scenario.tail = texts(u)?;
    Ok(scenario)
}

/// Mostly none.
fn texts(u: &mut Unstructured<'_>) -> Result<Vec<Text>> {
    if !u.ratio(1, 4)? {
        return Ok(Vec::new());
    }
    let some =
        ["", "why\n\nthis", "> marked", ">", "# twice", " indented\ttext ", "---\nplain", "release 2.0", "é"];
    Ok(Text::lines(if u.arbitrary()? { u.choose(&some)? } else { <&str>::arbitrary(u)? }))
}

fn release(u: &mut Unstructured<'_>) -> Result<Release> {
    u.choose(&Release::ALL).copied()
}

fn name(u: &mut Unstructured<'_>) -> Result<Name> {
    Ok(match u.int_in_range(0..=5)? {
        0 => vec![*u.choose(b"abc")?],
        1 => b"layer-1".to_vec(),
        2 => alias::digest_of("layer").expect("the name fits"),
        3 => u.choose(&HARD_NAMES)?.to_vec(),
        _ => {
            let length = u.int_in_range(0..=9)?.min(u.len());
            u.bytes(length)?.to_vec()
        }
    })
}

fn maybe<T>(u: &mut Unstructured<'_>, make: fn(&mut Unstructured<'_>) -> Result<T>) -> Result<Option<T>> {
    if u.arbitrary()? { make(u).map(Some) } else { Ok(None) }
}

/// One to four.
fn some<T>(u: &mut Unstructured<'_>, make: fn(&mut Unstructured<'_>) -> Result<T>) -> Result<Vec<T>> {
    (0..u.int_in_range(1..=4)?).map(|_| make(u)).collect()
}

fn labels(u: &mut Unstructured<'_>) -> Result<Labels> {
    let keys: [&[u8]; 6] = [
        b"containerd.io/gc.root",
        b"containerd.io/gc.ref.content.0",
        b"gc.root",
        b"plain",
        b"a.b",
        b"containerd.io/gc.",
    ];
    (0..u.int_in_range(0..=3)?)
        .map(|_| {
            let key = if u.arbitrary()? { u.choose(&keys)?.to_vec() } else { name(u)? };
            Ok((key, name(u)?))
        })
        .collect()
}

fn duration(u: &mut Unstructured<'_>) -> Result<Duration> {
    let longest = i64::MAX.unsigned_abs();
    let nanoseconds =
        if u.arbitrary()? { u64::from(u.arbitrary::<u32>()?) * 1_000_000 } else { u.arbitrary()? };
    Ok(Duration::from_nanos(nanoseconds.min(longest)))
}

fn instant(u: &mut Unstructured<'_>) -> Result<Instant> {
    // From the year 0000 to the year 9999.
    let seconds = u.int_in_range(-31_622_400..=UNIX_EPOCH_SECONDS + 253_402_300_799)?;
    Ok(Instant { seconds, nanoseconds: if u.arbitrary()? { 0 } else { u.int_in_range(0..=999_999_999)? } })
}

fn expiry(u: &mut Unstructured<'_>) -> Result<Expiry> {
    Ok(match u.int_in_range(0..=3)? {
        0 => Expiry::In(duration(u)?),
        1 => Expiry::Ago(duration(u)?),
        2 => Expiry::Text(b"2026-01-01T00:00:00,5+01:00".to_vec()),
        _ => Expiry::Text(name(u)?),
    })
}

fn kind(u: &mut Unstructured<'_>) -> Result<Kind> {
    let kinds = [
        Kind::Content,
        Kind::Snapshot,
        Kind::Container,
        Kind::Task,
        Kind::Image,
        Kind::Lease,
        Kind::Ingest,
        Kind::Stream,
        Kind::Mount,
    ];
    if u.ratio(3, 4)? { u.choose(&kinds).copied() } else { u.arbitrary().map(Kind::Other) }
}

fn node(u: &mut Unstructured<'_>) -> Result<NodeName> {
    Ok(NodeName { namespace: maybe(u, name)?, kind: kind(u)?, key: name(u)? })
}

fn snapshot(u: &mut Unstructured<'_>) -> Result<SnapshotName> {
    Ok(SnapshotName { snapshotter: name(u)?, key: name(u)? })
}

fn new_snapshot(u: &mut Unstructured<'_>) -> Result<NewSnapshot> {
    Ok(NewSnapshot { snapshot: snapshot(u)?, parent: maybe(u, name)?, labels: labels(u)? })
}

fn resource(u: &mut Unstructured<'_>) -> Result<Resource> {
    Ok(match u.int_in_range(0..=4)? {
        0 => Resource::Content(name(u)?),
        1 => Resource::Snapshot(snapshot(u)?),
        2 => Resource::Ingest(name(u)?),
        3 => Resource::Image(name(u)?),
        _ => Resource::Other { resource_type: name(u)?, id: name(u)? },
    })
}

fn path(u: &mut Unstructured<'_>) -> Result<KeyPath> {
    some(u, name)
}

fn raw_value(u: &mut Unstructured<'_>) -> Result<RawValue> {
    Ok(match u.int_in_range(0..=3)? {
        0 => RawValue::Time(instant(u)?),
        1 => RawValue::Varint(u.arbitrary()?),
        _ => RawValue::Bytes(name(u)?),
    })
}

fn replace(u: &mut Unstructured<'_>) -> Result<Replace> {
    u.choose(&[Replace::Given, Replace::Labels, Replace::All]).copied()
}

fn image_fields(u: &mut Unstructured<'_>, target: Option<Name>) -> Result<ImageFields> {
    Ok(ImageFields {
        target,
        size: u.arbitrary()?,
        media_type: maybe(u, name)?,
        expire: maybe(u, expiry)?,
        labels: labels(u)?,
    })
}

fn container_fields(u: &mut Unstructured<'_>) -> Result<ContainerFields> {
    Ok(ContainerFields {
        image: maybe(u, name)?,
        snapshotter: maybe(u, name)?,
        snapshot: maybe(u, name)?,
        runtime: maybe(u, name)?,
        spec: maybe(u, name)?,
        labels: labels(u)?,
    })
}

fn call(u: &mut Unstructured<'_>) -> Result<Call> {
    u.choose(&Call::ALL).copied()
}

fn assertion(u: &mut Unstructured<'_>) -> Result<Assertion> {
    Ok(match u.int_in_range(0..=10)? {
        0 => Assertion::Kept(some(u, node)?),
        1 => Assertion::Removed(some(u, node)?),
        2 => Assertion::Present(some(u, node)?),
        3 => Assertion::Absent(some(u, node)?),
        4 => Assertion::Stored(some(u, node)?),
        5 => Assertion::NotStored(some(u, node)?),
        6 => Assertion::Error(name(u)?),
        7 => Assertion::Same,
        8 => Assertion::Value { path: path(u)?, value: raw_value(u)? },
        9 => Assertion::Bucket(path(u)?),
        _ => Assertion::Nothing(path(u)?),
    })
}

fn step(u: &mut Unstructured<'_>) -> Result<Step> {
    Ok(match u.int_in_range(0..=56)? {
        0 => Step::Client { name: name(u)?, namespace: maybe(u, name)?, lease: maybe(u, name)? },
        1 => Step::Release(release(u)?),
        2 => Step::Now(instant(u)?),
        3 => Step::Advance(duration(u)?),
        4 => Step::NamespaceCreate { namespace: name(u)?, labels: labels(u)? },
        5 => Step::NamespaceLabel { namespace: name(u)?, labels: labels(u)? },
        6 => Step::NamespaceDelete { namespace: name(u)? },
        7 => Step::NamespaceUse { namespace: name(u)? },
        8 => Step::ContentPolicy(*u.choose(&[Sharing::Shared, Sharing::Isolated])?),
        9 => Step::ContentOpen { reference: name(u)?, expected: maybe(u, name)?, size: u.arbitrary()? },
        10 => Step::ContentCommit {
            reference: name(u)?,
            digest: name(u)?,
            size: u.arbitrary()?,
            labels: labels(u)?,
        },
        11 => Step::ContentAbort { reference: name(u)? },
        12 => Step::ContentPut { digest: name(u)?, size: u.arbitrary()?, labels: labels(u)? },
        13 => Step::ContentLabel { digest: name(u)?, replace: u.arbitrary()?, labels: labels(u)? },
        14 => Step::ContentDelete { digest: name(u)? },
        15 => Step::SnapshotPrepare(new_snapshot(u)?),
        16 => Step::SnapshotView(new_snapshot(u)?),
        17 => Step::SnapshotPrepareBegin(new_snapshot(u)?),
        18 => Step::SnapshotViewBegin(new_snapshot(u)?),
        19 => Step::SnapshotFinish { snapshot: snapshot(u)? },
        20 => Step::SnapshotCommit {
            snapshot: snapshot(u)?,
            name: name(u)?,
            parent: maybe(u, name)?,
            labels: labels(u)?,
        },
        21 => Step::SnapshotLabel { snapshot: snapshot(u)?, replace: u.arbitrary()?, labels: labels(u)? },
        22 => Step::SnapshotRemove { snapshot: snapshot(u)? },
        23 => {
            let target = Some(name(u)?);
            Step::ImageCreate { image: name(u)?, fields: image_fields(u, target)? }
        }
        24 => {
            let target = maybe(u, name)?;
            Step::ImageUpdate { image: name(u)?, replace: replace(u)?, fields: image_fields(u, target)? }
        }
        25 => Step::ImageLabel { image: name(u)?, replace: u.arbitrary()?, labels: labels(u)? },
        26 => Step::ImageDelete { image: name(u)?, sync: u.arbitrary()? },
        27 => Step::ContainerCreate { container: name(u)?, fields: container_fields(u)? },
        28 => {
            Step::ContainerUpdate { container: name(u)?, replace: replace(u)?, fields: container_fields(u)? }
        }
        29 => Step::ContainerLabel { container: name(u)?, replace: u.arbitrary()?, labels: labels(u)? },
        30 => Step::ContainerDelete { container: name(u)? },
        31 => Step::LeaseCreate {
            lease: name(u)?,
            expire: maybe(u, expiry)?,
            flat: u.arbitrary()?,
            labels: labels(u)?,
        },
        32 => Step::LeaseAdd { lease: name(u)?, resources: some(u, resource)? },
        33 => Step::LeaseDrop { lease: name(u)?, resources: some(u, resource)? },
        34 => Step::LeaseUse { lease: name(u)? },
        35 => Step::LeaseNone,
        36 => Step::LeaseDelete { lease: name(u)?, sync: u.arbitrary()? },
        37 => Step::SandboxCreate { sandbox: name(u)?, labels: labels(u)? },
        38 => Step::SandboxLabel { sandbox: name(u)?, replace: u.arbitrary()?, labels: labels(u)? },
        39 => Step::SandboxDelete { sandbox: name(u)? },
        40 => Step::StreamOpen { stream: name(u)? },
        41 => Step::StreamClose { stream: name(u)? },
        42 => Step::CollectorDeclare { collector: kind(u)?, label: maybe(u, name)? },
        43 => Step::CollectorList { collector: kind(u)?, nodes: some(u, node)? },
        44 => Step::CollectorForget { collector: kind(u)?, nodes: some(u, node)? },
        45 => Step::CollectorActive { collector: kind(u)?, nodes: some(u, node)?, asked: maybe(u, name)? },
        46 => Step::CollectorLeased {
            collector: kind(u)?,
            nodes: some(u, node)?,
            lease: name(u)?,
            asked: maybe(u, name)?,
        },
        47 => Step::CollectorBackReference {
            collector: kind(u)?,
            from: node(u)?,
            to: node(u)?,
            asked: maybe(u, name)?,
        },
        48 => Step::CollectorReferences { collector: kind(u)?, from: node(u)?, to: some(u, node)? },
        49 => Step::CollectorFail { collector: kind(u)?, call: call(u)? },
        50 => Step::CollectorHeal { collector: kind(u)?, call: call(u)? },
        51 => Step::RawPut { path: path(u)?, value: raw_value(u)? },
        52 => Step::RawBucket { path: path(u)? },
        53 => Step::RawDelete { path: path(u)? },
        54 => Step::RawSequence { path: path(u)?, sequence: u.arbitrary()? },
        55 => Step::Expect(assertion(u)?),
        _ if u.ratio(1, 4)? => Step::Cleanup,
        _ => Step::Gc { last: maybe(u, kind)?, cancel_at_root: u.arbitrary()? },
    })
}
