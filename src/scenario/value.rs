//! Values of steps: how each sort of them is read, written, drawn, and made smaller.
//!
//! ```text
//!     content put layer size=12          DIGEST reads `layer` and gives the digest of that name,
//!                 ─────      ──          SIGNED reads `12` and gives 12
//! ```
//!
//! What one sort writes, it reads as the same value. Several sorts may carry the same data: of three that carry bytes
//! [`NAME`] may be `@layer` for a digest, [`DIGEST`] may be `layer`, and [`QUOTED`] is always exactly what it says.

use super::alias;
use super::arguments::{Arguments, suggested, unknown_option};
use super::data::{
    Call, EachName, Expiry, KINDS, KeyPath, Labels, Name, NodeName, RawValue, Replace, Resource, Sharing,
    SnapshotName, kind_of_word,
};
use super::duration;
use super::flaw::Problem;
use super::limits::{DURATION_MAX, PATH_KEYS_MAX};
use super::quote::{bare_or_quoted, digest, key, name, print_node, print_path, quoted};
use super::words::{Snag, Word};
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::node::Kind;
use crate::release::Release;
use crate::schema::time::{format_rfc3339_nano, parse_rfc3339};
use arbitrary::{Result as Drawn, Unstructured};
use std::time::Duration;

/// One sort of values, written as a word or behind an option's `=`.
#[derive(Clone, Copy)]
pub(super) struct Value<T: 'static> {
    /// From text.
    pub(super) read: fn(Word<'_>) -> Result<T, Snag>,
    /// To text.
    pub(super) write: fn(&T) -> String,
    /// From bytes, with a liking for what is hard to write.
    pub(super) draw: fn(&mut Unstructured<'_>) -> Drawn<T>,
    /// Hands out every name in it.
    pub(super) each_name: fn(&mut T, EachName<'_>),
    /// Values that say it more simply.
    pub(super) simpler: fn(&T) -> Vec<T>,
}

impl<T> Value<T> {
    /// A sort that names nothing and knows nothing simpler.
    const fn plain(
        read: fn(Word<'_>) -> Result<T, Snag>,
        write: fn(&T) -> String,
        draw: fn(&mut Unstructured<'_>) -> Drawn<T>,
    ) -> Value<T> {
        Value { read, write, draw, each_name: |_, _| {}, simpler: |_| Vec::new() }
    }
}

/// The name of something, which other steps may name too: any bytes, `@layer` for content's digest.
pub(super) const NAME: Value<Name> = Value { each_name: |name, each| each(name), ..BYTES };

/// Any bytes that name nothing, written as names are.
pub(super) const BYTES: Value<Name> = Value::plain(|word| word.name(), |bytes| name(bytes), draw_name);

/// Any bytes, always in quotes where it is printed.
pub(super) const QUOTED: Value<Name> = Value::plain(|word| word.exact(), |bytes| quoted(bytes), draw_name);

/// Content: its everyday name or its digest.
pub(super) const DIGEST: Value<Name> =
    Value { read: |word| word.digest(), write: |bytes| digest(bytes), ..NAME };

/// `SNAPSHOTTER/KEY`
pub(super) const SNAPSHOT: Value<SnapshotName> = Value {
    each_name: each_snapshot_name,
    ..Value::plain(read_snapshot, write_snapshot, |u| {
        Ok(SnapshotName { snapshotter: draw_name(u)?, key: draw_name(u)? })
    })
};

/// `[NS/]KIND/KEY`
pub(super) const NODE: Value<NodeName> = Value {
    each_name: each_node_name,
    ..Value::plain(read_node, print_node, |u| {
        let namespace = if u.arbitrary()? { Some(draw_name(u)?) } else { None };
        Ok(NodeName { namespace, kind: draw_kind(u)?, key: draw_name(u)? })
    })
};

/// What a lease may hold: `content/DIGEST`, `snapshot/S/KEY`, `ingest/REF`, `image/NAME`, or `"TYPE"/ID` as the API has it.
pub(super) const RESOURCE: Value<Resource> =
    Value { each_name: each_resource_name, ..Value::plain(read_resource, write_resource, draw_resource) };

/// Keys separated by `/`, in quotes any bytes, a `/` too.
pub(super) const PATH: Value<KeyPath> = Value {
    each_name: |path, each| path.iter_mut().for_each(each),
    ..Value::plain(
        read_path,
        |path| print_path(path),
        |u| (0..u.int_in_range(1..=4)?).map(|_| draw_name(u)).collect(),
    )
};

/// A kind of node, `type-N` for any number.
pub(super) const KIND: Value<Kind> = Value::plain(read_kind, Kind::to_string, draw_kind);

/// A release by its name or any version of its line.
pub(super) const RELEASE: Value<Release> =
    Value::plain(read_release, |release| release.name().to_owned(), |u| u.choose(&Release::ALL).copied());

/// A time in RFC 3339.
pub(super) const TIME: Value<Instant> = Value::plain(read_time, write_time, draw_time);

/// A duration forward.
pub(super) const DURATION: Value<Duration> =
    Value::plain(read_advance, |by| duration::format(*by), draw_duration);

/// `+1h`, `-1h`, a time, or in quotes any text.
pub(super) const EXPIRY: Value<Expiry> =
    Value { simpler: simpler_expiry, ..Value::plain(read_expiry, write_expiry, draw_expiry) };

/// A whole number with a sign.
pub(super) const SIGNED: Value<i64> = Value::plain(read_signed, i64::to_string, |u| u.arbitrary());

/// A whole number without one.
pub(super) const UNSIGNED: Value<u64> = Value::plain(read_unsigned, u64::to_string, |u| u.arbitrary());

/// Who may use content that another namespace has.
pub(super) const SHARING: Value<Sharing> = choice();

/// A call to a collector.
pub(super) const CALL: Value<Call> = choice();

/// How much an update replaces, where it is more than what is given.
pub(super) const REPLACE: Value<Replace> = choice();

/// One of a few words.
trait Choice: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl Choice for Sharing {
    const WORDS: &'static [(&'static str, Sharing)] =
        &[("shared", Sharing::Shared), ("isolated", Sharing::Isolated)];
}

impl Choice for Call {
    const WORDS: &'static [(&'static str, Call)] =
        &[("start", Call::Start), ("cancel", Call::Cancel), ("finish", Call::Finish)];
}

impl Choice for Replace {
    const WORDS: &'static [(&'static str, Replace)] = &[("labels", Replace::Labels), ("all", Replace::All)];
}

const fn choice<T: Choice>() -> Value<T> {
    Value::plain(read_choice, write_choice, |u| Ok(u.choose(T::WORDS)?.1))
}

fn read_choice<T: Choice>(word: Word<'_>) -> Result<T, Snag> {
    let found = T::WORDS.iter().find(|(text, _)| word.keyword() == Some(text));
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = T::WORDS.iter().map(|(text, _)| *text).collect();
        let problem = Problem::UnknownChoice { word: word.shown(), choices: words.join(", ") };
        suggested(word.snag(problem), &word.shown(), words)
    })
}

fn write_choice<T: Choice>(choice: &T) -> String {
    let found = T::WORDS.iter().find(|(_, one)| one == choice);
    found.map(|(text, _)| (*text).to_owned()).expect("what has no word is not written")
}

fn read_release(word: Word<'_>) -> Result<Release, Snag> {
    Release::parse(&word.shown()).map_err(|unknown| word.snag(Problem::UnknownRelease(unknown)))
}

/// A time that can be written again: an offset may lead out of the years 0000 to 9999.
fn read_time(word: Word<'_>) -> Result<Instant, Snag> {
    let instant = word.keyword().and_then(|text| parse_rfc3339(text.as_bytes()).ok());
    instant.filter(|at| is_writable(*at)).ok_or_else(|| {
        let snag = word.snag(Problem::BadTime { text: word.shown() });
        snag.hint("such as 2026-01-01T00:00:00Z, as Go reads it")
    })
}

fn is_writable(at: Instant) -> bool {
    parse_rfc3339(format_rfc3339_nano(at).as_bytes()) == Ok(at)
}

/// A time that RFC 3339 cannot write is written so that it is refused when it is read.
fn write_time(at: &Instant) -> String {
    if is_writable(*at) { format_rfc3339_nano(*at) } else { format!("{}s+{}ns", at.seconds, at.nanoseconds) }
}

/// From the year 0000 to the year 9999.
fn draw_time(u: &mut Unstructured<'_>) -> Drawn<Instant> {
    let seconds = u.int_in_range(-31_622_400..=UNIX_EPOCH_SECONDS + 253_402_300_799)?;
    Ok(Instant { seconds, nanoseconds: if u.arbitrary()? { 0 } else { u.int_in_range(0..=999_999_999)? } })
}

fn read_advance(word: Word<'_>) -> Result<Duration, Snag> {
    if word.keyword().is_some_and(|text| text.starts_with('-')) {
        let snag = word.snag(Problem::Backwards { text: word.shown() });
        return Err(snag.hint("`now TIME` sets it to any time"));
    }
    read_duration(word, 0)
}

/// A duration behind `skip` bytes.
fn read_duration(word: Word<'_>, skip: usize) -> Result<Duration, Snag> {
    let text = word.keyword().and_then(|text| text.get(skip..));
    text.and_then(duration::parse).ok_or_else(|| {
        let snag = word.snag(Problem::BadDuration { text: word.shown() });
        snag.hint("such as 1h30m, 1h1s, 500ms or 250ns")
    })
}

fn draw_duration(u: &mut Unstructured<'_>) -> Drawn<Duration> {
    let milliseconds = u64::from(u.arbitrary::<u32>()?);
    let any = Duration::from_nanos(u.arbitrary()?).min(DURATION_MAX);
    Ok(if u.arbitrary()? { Duration::from_millis(milliseconds) } else { any })
}

fn read_expiry(word: Word<'_>) -> Result<Expiry, Snag> {
    let Some(text) = word.keyword() else {
        return word.exact().map(Expiry::Text);
    };
    match text.as_bytes().first() {
        Some(b'+') => read_duration(word, 1).map(Expiry::In),
        Some(b'-') => read_duration(word, 1).map(Expiry::Ago),
        _ if parse_rfc3339(text.as_bytes()).is_ok() => word.exact().map(Expiry::Text),
        _ => {
            let snag = word.snag(Problem::BadTime { text: word.shown() });
            Err(snag.hint("+1h, -1h, a time such as 2026-01-01T00:00:00Z, or any text in quotes"))
        }
    }
}

fn write_expiry(expiry: &Expiry) -> String {
    match expiry {
        Expiry::In(after) => format!("+{}", duration::format(*after)),
        Expiry::Ago(before) => format!("-{}", duration::format(*before)),
        Expiry::Text(text) if parse_rfc3339(text).is_ok() => bare_or_quoted(text, |_| true),
        Expiry::Text(text) => quoted(text),
    }
}

fn draw_expiry(u: &mut Unstructured<'_>) -> Drawn<Expiry> {
    Ok(match u.int_in_range(0..=3)? {
        0 => Expiry::In(draw_duration(u)?),
        1 => Expiry::Ago(draw_duration(u)?),
        2 => Expiry::Text(b"2026-01-01T00:00:00,5+01:00".to_vec()),
        _ => Expiry::Text(draw_name(u)?),
    })
}

/// What has expired needs no clock, and an hour is longer than any scenario needs.
fn simpler_expiry(expiry: &Expiry) -> Vec<Expiry> {
    const HOUR: Duration = Duration::from_secs(3_600);
    let expired = Expiry::Ago(Duration::from_secs(1));
    match expiry {
        Expiry::In(life) if *life > HOUR => vec![expired, Expiry::In(HOUR)],
        Expiry::In(_) => vec![expired],
        Expiry::Text(_) => vec![Expiry::In(HOUR)],
        Expiry::Ago(_) => Vec::new(),
    }
}

fn read_signed(word: Word<'_>) -> Result<i64, Snag> {
    word.keyword().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let (least, most) = (i64::MIN, i64::MAX.unsigned_abs());
        word.snag(Problem::BadNumber { text: word.shown(), least, most })
    })
}

fn read_unsigned(word: Word<'_>) -> Result<u64, Snag> {
    let number = word.keyword().and_then(|text| text.parse().ok());
    number.ok_or_else(|| word.snag(Problem::BadNumber { text: word.shown(), least: 0, most: u64::MAX }))
}

fn read_kind(word: Word<'_>) -> Result<Kind, Snag> {
    word.keyword().and_then(kind_of_word).ok_or_else(|| unknown_kind(word))
}

fn unknown_kind(word: Word<'_>) -> Snag {
    let words = KINDS.map(|kind| kind.to_string());
    let snag = word.snag(Problem::UnknownKind { word: word.shown() });
    let snag = suggested(snag, &word.shown(), words.iter().map(String::as_str));
    snag.or_hint(|| format!("there are {}, type-N", words.join(", ")))
}

fn draw_kind(u: &mut Unstructured<'_>) -> Drawn<Kind> {
    if u.ratio(3, 4)? { u.choose(&KINDS).copied() } else { u.arbitrary().map(Kind::Other) }
}

/// The first part is a namespace if it is no kind, or in quotes.
fn read_node(word: Word<'_>) -> Result<NodeName, Snag> {
    let (first, rest) = word.halves("[NS/]KIND/KEY")?;
    if let Some(kind) = first.keyword().and_then(kind_of_word) {
        return Ok(NodeName { namespace: None, kind, key: read_node_key(kind, rest)? });
    }
    // Of `lese/pull` the first part is no namespace but a slip.
    let Some((second, key)) = rest.split(b'/') else {
        return Err(unknown_kind(first));
    };
    let kind = read_kind(second)?;
    Ok(NodeName { namespace: Some(first.name()?), kind, key: read_node_key(kind, key)? })
}

fn read_node_key(kind: Kind, key: Word<'_>) -> Result<Name, Snag> {
    if kind == Kind::Content { key.digest() } else { key.name() }
}

/// A snapshot's node is two names.
fn each_node_name(node: &mut NodeName, each: EachName<'_>) {
    node.namespace.iter_mut().for_each(&mut *each);
    match node.key.iter().position(|byte| *byte == b'/').filter(|_| node.kind == Kind::Snapshot) {
        Some(slash) => {
            let (mut snapshotter, mut key) = (node.key[..slash].to_vec(), node.key[slash + 1..].to_vec());
            each(&mut snapshotter);
            each(&mut key);
            node.key = [&snapshotter[..], b"/", &key].concat();
        }
        None => each(&mut node.key),
    }
}

fn read_snapshot(word: Word<'_>) -> Result<SnapshotName, Snag> {
    let (snapshotter, key) = word.halves("SNAPSHOTTER/KEY")?;
    Ok(SnapshotName { snapshotter: snapshotter.name()?, key: key.name()? })
}

fn write_snapshot(snapshot: &SnapshotName) -> String {
    format!("{}/{}", key(&snapshot.snapshotter), name(&snapshot.key))
}

fn each_snapshot_name(snapshot: &mut SnapshotName, each: EachName<'_>) {
    each(&mut snapshot.snapshotter);
    each(&mut snapshot.key);
}

fn read_resource(word: Word<'_>) -> Result<Resource, Snag> {
    let (first, rest) = word.halves("KIND/KEY")?;
    Ok(match first.keyword() {
        None => Resource::Other { resource_type: first.exact()?, id: rest.name()? },
        Some("content") => Resource::Content(rest.digest()?),
        Some("snapshot") => Resource::Snapshot(read_snapshot(rest)?),
        Some("ingest") => Resource::Ingest(rest.name()?),
        Some("image") => Resource::Image(rest.name()?),
        Some(_) => {
            let snag = first.snag(Problem::UnknownKind { word: first.shown() });
            let snag = suggested(snag, &first.shown(), ["content", "snapshot", "ingest", "image"]);
            let hint = "a lease holds content, snapshot, ingest, image; other types stand in quotes";
            return Err(snag.or_hint(|| hint.to_owned()));
        }
    })
}

fn write_resource(resource: &Resource) -> String {
    match resource {
        Resource::Content(held) => format!("content/{}", digest(held)),
        Resource::Snapshot(held) => format!("snapshot/{}", write_snapshot(held)),
        Resource::Ingest(held) => format!("ingest/{}", name(held)),
        Resource::Image(held) => format!("image/{}", name(held)),
        Resource::Other { resource_type, id } => format!("{}/{}", quoted(resource_type), name(id)),
    }
}

fn draw_resource(u: &mut Unstructured<'_>) -> Drawn<Resource> {
    Ok(match u.int_in_range(0..=4)? {
        0 => Resource::Content(draw_name(u)?),
        1 => Resource::Snapshot((SNAPSHOT.draw)(u)?),
        2 => Resource::Ingest(draw_name(u)?),
        3 => Resource::Image(draw_name(u)?),
        _ => Resource::Other { resource_type: draw_name(u)?, id: draw_name(u)? },
    })
}

fn each_resource_name(resource: &mut Resource, each: EachName<'_>) {
    match resource {
        Resource::Content(name) | Resource::Ingest(name) | Resource::Image(name) => each(name),
        Resource::Snapshot(snapshot) => each_snapshot_name(snapshot, each),
        Resource::Other { resource_type: _, id } => each(id),
    }
}

fn read_path(word: Word<'_>) -> Result<KeyPath, Snag> {
    let mut keys = Vec::new();
    let mut rest = word;
    while let Some((key, behind)) = rest.split(b'/') {
        keys.push(key);
        rest = behind;
    }
    keys.push(rest);
    if keys.len() > PATH_KEYS_MAX {
        return Err(keys[PATH_KEYS_MAX].snag(Problem::PathTooLong { keys: keys.len() }));
    }
    keys.into_iter().map(Word::name).collect()
}

/// Bytes as they are, `time=TIME` or `varint=N`: no value behind a word of ours, but the end of a line.
pub(super) fn read_raw(arguments: &mut Arguments<'_>) -> Result<RawValue, Snag> {
    let Some((key, value)) = arguments.option() else {
        return arguments.next("VALUE")?.name().map(RawValue::Bytes);
    };
    match key.keyword() {
        Some("time") => read_time(value).map(RawValue::Time),
        Some("varint") => read_signed(value).map(RawValue::Varint),
        _ => {
            let snag = unknown_option(key, &["time", "varint"], false);
            Err(snag.or_hint(|| "a value with `=` in it is written in quotes".to_owned()))
        }
    }
}

pub(super) fn write_raw(value: &RawValue) -> String {
    match value {
        RawValue::Bytes(bytes) => name(bytes),
        RawValue::Time(at) => format!("time={}", write_time(at)),
        RawValue::Varint(number) => format!("varint={number}"),
    }
}

pub(super) fn draw_raw(u: &mut Unstructured<'_>) -> Drawn<RawValue> {
    Ok(match u.int_in_range(0..=3)? {
        0 => RawValue::Time(draw_time(u)?),
        1 => RawValue::Varint(u.arbitrary()?),
        _ => RawValue::Bytes(draw_name(u)?),
    })
}

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

fn draw_name(u: &mut Unstructured<'_>) -> Drawn<Name> {
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

/// Labels with keys that are short in text, long, and odd.
pub(super) fn draw_labels(u: &mut Unstructured<'_>) -> Drawn<Labels> {
    let keys: [&[u8]; 6] = [
        b"containerd.io/gc.root",
        b"containerd.io/gc.ref.content.0",
        b"gc.root",
        b"plain",
        b"a.b",
        b"containerd.io/gc.",
    ];
    let label = |u: &mut Unstructured<'_>| {
        let key = if u.arbitrary()? { u.choose(&keys)?.to_vec() } else { draw_name(u)? };
        Ok((key, draw_name(u)?))
    };
    (0..u.int_in_range(0..=3)?).map(|_| label(u)).collect()
}
