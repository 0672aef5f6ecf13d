//! Values of steps: how each sort of them is read, written, drawn, and made smaller.
//!
//! ```text
//!     content put layer size=12          DIGEST reads `layer` and gives the digest of that name,
//!                 ─────      ──          an i64 reads `12` and gives 12
//! ```
//!
//! What one sort writes, it reads as the same value. The type of what is carried says how it is written; only of
//! [`Name`]s there are several sorts, which the form tells apart: `@layer` may stand for a digest, where a DIGEST is meant
//! `layer` too, and a TEXT is always exactly what it says.

use super::alias;
use super::arguments::unknown_option;
use super::data::{
    Call, EachName, Expiry, KINDS, KeyPath, Labels, Name, NodeName, Pause, RawValue, Replace, Resource,
    Sharing, SnapshotName, kind_of_word,
};
use super::duration;
use super::form::Slot;
use super::limits::{DURATION_MAX, PATH_KEYS_MAX};
use super::quote::{bare_or_quoted, digest, key, name, print_node, print_path, quoted};
use super::words::{Snag, Word};
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::named::UnknownName;
use crate::node::Kind;
use crate::release::Release;
use crate::schema::time::{format_rfc3339_nano, parse_rfc3339};
use arbitrary::{Result as Drawn, Unstructured};
use std::fmt::Display;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// One sort of values, written as a word or behind an option's `=`.
pub(super) struct Value<T> {
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
    fn plain(
        read: fn(Word<'_>) -> Result<T, Snag>,
        write: fn(&T) -> String,
        draw: fn(&mut Unstructured<'_>) -> Drawn<T>,
    ) -> Value<T> {
        Value { read, write, draw, each_name: |_, _| {}, simpler: |_| Vec::new() }
    }

    fn naming(self, each_name: fn(&mut T, EachName<'_>)) -> Value<T> {
        Value { each_name, ..self }
    }
}

/// What can be written as a value.
pub(super) trait Valued: Clone {
    /// How it is written in a slot.
    fn value(slot: Slot) -> Value<Self>;
}

/// Any bytes.
impl Valued for Name {
    fn value(slot: Slot) -> Value<Name> {
        let bytes = Value::plain(|word| word.name(), |bytes| name(bytes), draw_name);
        match slot.capitals() {
            // These name nothing that another step may name too.
            "CLIENT" | "LABEL" | "T" | "R" | "BYTES" => bytes,
            "TEXT" => Value { read: |word| word.exact(), write: |text| quoted(text), ..bytes },
            "DIGEST" => Value {
                read: |word| word.digest(),
                write: |bytes| digest(bytes),
                each_name: |digest, each| each(digest),
                ..bytes
            },
            _ => bytes.naming(|name, each| each(name)),
        }
    }
}

macro_rules! values {
    ($($(#[$about:meta])+ $type:ty => $value:expr;)+) => {
        $($(#[$about])+ impl Valued for $type {
            fn value(_: Slot) -> Value<$type> {
                $value
            }
        })+
    };
}

/// One of a few words.
macro_rules! choice {
    ($type:ident) => {
        Value::plain(
            |word| read_choice(word, $type::parse),
            |choice| choice.name().to_owned(),
            |u| u.choose($type::ALL).copied(),
        )
    };
}

values! {
    /// What a flag says beside being there.
    () => Value::plain(|_| Ok(()), |()| String::new(), |_| Ok(()));
    /// `SNAPSHOTTER/KEY`
    SnapshotName => Value::plain(read_snapshot, write_snapshot, draw_snapshot).naming(each_snapshot_name);
    /// `[NS/]KIND/KEY`
    NodeName => Value::plain(read_node, print_node, draw_node).naming(each_node_name);
    /// `content/DIGEST`, `snapshot/S/KEY`, `ingest/REF`, `image/NAME`, or `"TYPE"/ID` as the API has it.
    Resource => Value::plain(read_resource, write_resource, draw_resource).naming(each_resource_name);
    /// Keys separated by `/`, in quotes any bytes, a `/` too.
    KeyPath => Value::plain(read_path, |path| print_path(path), draw_path)
        .naming(|path, each| path.iter_mut().for_each(each));
    /// A kind of node, `type-N` for any number.
    Kind => Value::plain(read_kind, Kind::to_string, draw_kind);
    /// Its name, or any version of its line.
    Release => Value::plain(read_release, |release| release.name().to_owned(), |u| {
        u.choose(&Release::ALL).copied()
    });
    /// RFC 3339.
    Instant => Value::plain(read_time, write_time, draw_time);
    /// Forward: `1h1s`.
    Duration => Value::plain(read_advance, |by| duration::format(*by), draw_duration);
    /// `0.02`
    Pause => Value::plain(read_pause, write_pause, |u| u.int_in_range(0..=1_000_000).map(Pause));
    /// `+1h`, `-1h`, a time, or in quotes any text.
    Expiry => Value {
        simpler: simpler_expiry,
        ..Value::plain(read_expiry, write_expiry, draw_expiry)
    };
    /// With a sign.
    i64 => Value::plain(|word| read_number(word, i64::MIN, i64::MAX), i64::to_string, |u| u.arbitrary());
    /// Without one, and not none: what counts from 1.
    NonZeroU64 => Value::plain(
        |word| read_number(word, NonZeroU64::MIN, NonZeroU64::MAX),
        NonZeroU64::to_string,
        |u| Ok(NonZeroU64::new(u.arbitrary()?).unwrap_or(NonZeroU64::MIN)),
    );
    /// Without one.
    u64 => Value::plain(|word| read_number(word, 0, u64::MAX), u64::to_string, |u| u.arbitrary());
    /// Bytes as they are, `time=TIME` or `varint=N`.
    RawValue => Value::plain(read_raw, write_raw, draw_raw).naming(|value, each| {
        if let RawValue::Bytes(bytes) = value {
            each(bytes);
        }
    });
    /// `shared|isolated`
    Sharing => choice!(Sharing);
    /// `start|cancel|finish`
    Call => choice!(Call);
    /// `labels|all`
    Replace => choice!(Replace);
}

fn read_choice<T>(word: Word<'_>, parse: fn(&str) -> Result<T, UnknownName>) -> Result<T, Snag> {
    parse(word.keyword().unwrap_or_default()).map_err(|UnknownName { known, .. }| {
        let snag = word.snag(format!("`{word}` is not one of {}", known.join(", ")));
        snag.suggest(&word.to_string(), known)
    })
}

/// From 0 to 1, with six digits behind the point at most.
fn read_pause(word: Word<'_>) -> Result<Pause, Snag> {
    let read = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let part = Some(part).filter(|part| is_number(part) && part.len() <= 6 && is_number(whole))?;
        let millionths = format!("{part:0<6}").parse::<u32>().ok()?;
        let millionths = whole.parse::<u32>().ok()?.checked_mul(1_000_000)?.checked_add(millionths)?;
        Some(Pause(millionths)).filter(|_| millionths <= 1_000_000)
    };
    word.keyword().and_then(read).ok_or_else(|| {
        let snag = word.snag(format!("`{word}` is no part of the time"));
        snag.hint("from 0 to 1, such as 0.02, with up to six digits behind the point")
    })
}

fn write_pause(pause: &Pause) -> String {
    let (whole, part) = (pause.0 / 1_000_000, format!("{:06}", pause.0 % 1_000_000));
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}.{part}"),
    }
}

fn read_release(word: Word<'_>) -> Result<Release, Snag> {
    Release::parse(&word.to_string()).map_err(|unknown| word.snag(unknown.to_string()))
}

/// A time that can be written again: an offset may lead out of the years 0000 to 9999.
fn read_time(word: Word<'_>) -> Result<Instant, Snag> {
    let instant = word.keyword().and_then(|text| parse_rfc3339(text.as_bytes()).ok());
    instant.filter(|at| is_writable(*at)).ok_or_else(|| {
        let snag = word.snag(format!("`{word}` is no time in RFC 3339"));
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
        let snag = word.snag(format!("the clock does not go back by `{word}`"));
        return Err(snag.hint("`now TIME` sets it to any time"));
    }
    read_duration(word, 0)
}

/// A duration behind `skip` bytes.
fn read_duration(word: Word<'_>, skip: usize) -> Result<Duration, Snag> {
    let text = word.keyword().and_then(|text| text.get(skip..));
    text.and_then(duration::parse).ok_or_else(|| {
        let snag = match text.and_then(duration::why_none) {
            Some(why) => word.snag(format!("`{word}` is no duration: {why}")),
            None => word.snag(format!("`{word}` is no duration up to {}", duration::format(DURATION_MAX))),
        };
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
            let snag = word.snag(format!("`{word}` is no time in RFC 3339"));
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

fn read_number<N: FromStr + Display>(word: Word<'_>, least: N, most: N) -> Result<N, Snag> {
    word.keyword()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| word.snag(format!("`{word}` is no whole number from {least} to {most}")))
}

fn read_kind(word: Word<'_>) -> Result<Kind, Snag> {
    word.keyword().and_then(kind_of_word).ok_or_else(|| unknown_kind(word))
}

fn unknown_kind(word: Word<'_>) -> Snag {
    let words = KINDS.map(|kind| kind.to_string());
    word.snag(format!("unknown kind `{word}`"))
        .suggest(&word.to_string(), words.iter().map(String::as_str))
        .or_hint(|| format!("there are {}, type-N", words.join(", ")))
}

/// The kind of which a word is the plural.
fn plural_of(word: Word<'_>) -> Option<Kind> {
    KINDS.into_iter().find(|kind| word.keyword() == Some(&format!("{kind}s")))
}

fn draw_kind(u: &mut Unstructured<'_>) -> Drawn<Kind> {
    if u.ratio(3, 4)? { u.choose(&KINDS).copied() } else { u.arbitrary().map(Kind::Other) }
}

/// The first part is a namespace if it is no kind, or in quotes.
fn read_node(word: Word<'_>) -> Result<NodeName, Snag> {
    let (first, rest) = word.halves("[NS/]KIND/KEY")?;
    if let Some(kind) = first.keyword().and_then(kind_of_word) {
        return read_node_of(None, kind, rest);
    }
    // Of `lese/pull` the first part is no namespace but a slip.
    let Some((second, key)) = rest.split(b'/') else {
        return Err(unknown_kind(first));
    };
    // And of `snapshots/overlayfs/base` it is a kind's plural.
    if let (Some(kind), None) = (plural_of(first), second.keyword().and_then(kind_of_word)) {
        let snag = first.snag(format!("unknown kind `{first}`"));
        return Err(snag.hint(format!("did you mean `{kind}/{rest}`?")));
    }
    let kind = read_kind(second)?;
    read_node_of(Some(first.name()?), kind, key)
}

fn read_node_of(namespace: Option<Name>, kind: Kind, key: Word<'_>) -> Result<NodeName, Snag> {
    let halves = if kind == Kind::Snapshot { key.split(b'/') } else { None };
    let Some((snapshotter, own)) = halves else {
        let key = if kind == Kind::Content { key.digest() } else { key.name() };
        return Ok(NodeName::new(namespace, kind, key?));
    };
    // Both together are one name, and not longer than one may be.
    key.exact()?;
    let snapshotter = snapshotter.name()?;
    let length = snapshotter.len();
    let key = [snapshotter, own.name()?].join(&b'/');
    Ok(NodeName::new(namespace, kind, key).of_snapshotter(length))
}

fn draw_node(u: &mut Unstructured<'_>) -> Drawn<NodeName> {
    let namespace = if u.arbitrary()? { Some(draw_name(u)?) } else { None };
    Ok(NodeName::new(namespace, draw_kind(u)?, draw_name(u)?))
}

/// A snapshot's node is two names.
fn each_node_name(node: &mut NodeName, each: EachName<'_>) {
    node.namespace.iter_mut().for_each(&mut *each);
    match node.slash().filter(|_| node.kind == Kind::Snapshot) {
        Some(slash) => {
            let (mut snapshotter, mut key) = (node.key[..slash].to_vec(), node.key[slash + 1..].to_vec());
            each(&mut snapshotter);
            each(&mut key);
            let whole = [&snapshotter[..], b"/", &key].concat();
            let named = NodeName::new(node.namespace.take(), node.kind, whole);
            *node = named.of_snapshotter(snapshotter.len());
        }
        None => each(&mut node.key),
    }
}

fn read_snapshot(word: Word<'_>) -> Result<SnapshotName, Snag> {
    let (snapshotter, key) = word.halves("SNAPSHOTTER/KEY")?;
    Ok(SnapshotName { snapshotter: snapshotter.name()?, key: key.name()? })
}

fn draw_snapshot(u: &mut Unstructured<'_>) -> Drawn<SnapshotName> {
    Ok(SnapshotName { snapshotter: draw_name(u)?, key: draw_name(u)? })
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
            let hint = "a lease holds content, snapshot, ingest, image; other types stand in quotes";
            let snag = first.snag(format!("unknown kind `{first}`"));
            let snag = snag.suggest(&first.to_string(), ["content", "snapshot", "ingest", "image"]);
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
        1 => Resource::Snapshot(draw_snapshot(u)?),
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
        let message = format!("the path has {} keys, more than {PATH_KEYS_MAX}", keys.len());
        return Err(keys[PATH_KEYS_MAX].snag(message));
    }
    keys.into_iter().map(Word::name).collect()
}

fn draw_path(u: &mut Unstructured<'_>) -> Drawn<KeyPath> {
    (0..u.int_in_range(1..=4)?).map(|_| draw_name(u)).collect()
}

fn read_raw(word: Word<'_>) -> Result<RawValue, Snag> {
    let Some((key, value)) = word.split(b'=') else {
        return word.name().map(RawValue::Bytes);
    };
    match key.keyword() {
        Some("time") => read_time(value).map(RawValue::Time),
        Some("varint") => read_number(value, i64::MIN, i64::MAX).map(RawValue::Varint),
        _ => {
            let snag = unknown_option(key, &["time", "varint"]);
            Err(snag.or_hint(|| "a value with `=` in it is written in quotes".to_owned()))
        }
    }
}

fn write_raw(value: &RawValue) -> String {
    match value {
        RawValue::Bytes(bytes) => name(bytes),
        RawValue::Time(at) => format!("time={}", write_time(at)),
        RawValue::Varint(number) => format!("varint={number}"),
    }
}

fn draw_raw(u: &mut Unstructured<'_>) -> Drawn<RawValue> {
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
