//! What a scenario says and hardly means.
//!
//! A label's value is taken as it stands, as containerd takes it. The name of content is short for a digest, in labels
//! only behind `@`:
//!
//! ```text
//! content put layer
//! content put manifest gc.ref.content.l.0=layer       refers to content whose digest is "layer": to nothing
//! content put manifest gc.ref.content.l.0=@layer      is what was meant
//! content put manifest gc.ref.content.l.0=@laeyr      is nearly what was meant
//! lease add pull content/laeyr                        the same without a label
//! ```
//!
//! An `expect` may name what cannot be ([`super::impossible`]). What no step creates and nothing else is nearly called is meant to be missing, which is worth a scenario. A
//! `gc.expire` counts from no step: `+1h` is no time. And it may be a time to some builds of a daemon and none to others
//! ([`crate::go`]).

use super::impossible::impossible;
use crate::go::Go;
use crate::named::nearest;
use crate::node::Kind;
use crate::scenario::{
    Expiry, Labels, Line, Name, NodeName, RawValue, Resource, Scenario, SnapshotName, Step, alias, print_node,
};
use crate::schema::{duration, names, time};
use crate::text;
use std::collections::BTreeSet;
use std::fmt;

/// What is said, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The line of the step, from 1.
    pub line: usize,
    text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The warnings of a scenario, in the order of its lines; those of times where nobody said what the daemons were built
/// with.
pub fn warnings(scenario: &Scenario, go: Option<Go>) -> Vec<Warning> {
    let created: BTreeSet<Object> = scenario.lines.iter().flat_map(|line| created(&line.step)).collect();
    let mut release = scenario.release;
    let mut warnings = Vec::new();
    for Line { number, step, .. } in &scenario.lines {
        if let Step::Release(next) = step {
            release = *next;
        }
        let labels = labels(step);
        let labels = labels.as_slice().iter();
        let mut texts: Vec<String> =
            labels.filter_map(|(key, value)| names_nothing(key, value, &created)).collect();
        texts.extend(held(step).into_iter().filter_map(|object| is_missing(&object, &created)));
        let expiries = expiry(step).into_iter().chain(image_expiry(step));
        texts.extend(expiries.filter(|text| is_relative(text)).map(counts_from_nothing));
        if go.is_none() && Go::UpTo1_19.may_build(release) {
            texts.extend(
                expiry(step).filter(|text| time::only_earlier_go_reads(text)).map(read_by_earlier_go),
            );
        }
        texts.extend(impossible(scenario, release, step));
        warnings.extend(texts.into_iter().map(|text| Warning { line: *number, text }));
    }
    warnings
}

/// What a step creates or a label names: the kind and the key.
type Object = (Kind, Name);

/// A label whose value names nothing, while something is there that may have been meant.
fn names_nothing(key: &[u8], value: &Name, created: &BTreeSet<Object>) -> Option<String> {
    let Named { kind, before, name } = named(key, value)?;
    let object = |name: &[u8]| (kind, [&before[..], name].concat());
    if created.contains(&object(name)) {
        return None;
    }
    let label = text::name(key.strip_prefix(b"containerd.io/").unwrap_or(key));
    let rest = text::name(&value[..value.len() - name.len()]);
    let plain = everyday(name);
    let written = alias::in_text(&format!("{label}={}", text::name(value)));
    // The name is there, written as it stands for content, or for all else.
    let (meant, sign) = match kind {
        Kind::Content => (alias::digest_of(std::str::from_utf8(name).ok()?), "@"),
        _ => (Some(plain.strip_prefix('@').unwrap_or(&plain).as_bytes().to_vec()), ""),
    };
    let meant = meant.map(|meant| object(&meant)).filter(|meant| created.contains(meant));
    if let Some(meant) = meant {
        let name = plain.trim_start_matches('@');
        return Some(format!(
            "`{written}` names nothing; write `{label}={rest}{sign}{name}` for {}",
            shown(&meant)
        ));
    }
    let near = nearest_of(&object(name), created)?;
    Some(format!("`{written}` names nothing; is {} meant?", shown(&near)))
}

/// What a reference label names.
struct Named<'a> {
    kind: Kind,
    /// What the key has before the name: of a snapshot its snapshotter.
    before: Vec<u8>,
    /// The name, where the value has it.
    name: &'a [u8],
}

/// What a label's value names: what the label refers to, or what takes its object along.
fn named<'a>(key: &[u8], value: &'a [u8]) -> Option<Named<'a>> {
    let plain = [
        (names::GC_REF_CONTENT, Kind::Content),
        (names::GC_BREF_CONTENT, Kind::Content),
        (names::GC_REF_IMAGE, Kind::Image),
        (names::GC_BREF_IMAGE, Kind::Image),
        (names::GC_BREF_CONTAINER, Kind::Container),
    ];
    // A label's key ends behind such a name, or a separator follows.
    let is_such = |prefix: &[u8]| {
        key.strip_prefix(prefix).is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
    };
    if let Some((_, kind)) = plain.into_iter().find(|(prefix, _)| is_such(prefix)) {
        return Some(Named { kind, before: Vec::new(), name: value });
    }
    let snapshot = [names::GC_REF_SNAPSHOT, names::GC_BREF_SNAPSHOT];
    let reference = snapshot.into_iter().find_map(|prefix| key.strip_prefix(prefix));
    let condition = || {
        let rest = key.strip_prefix(names::GC_COND_SNAPSHOT)?;
        let bar = value.iter().position(|byte| *byte == b'|')?;
        let start = rest.iter().position(|byte| !matches!(byte, b'.' | b'/'))?;
        Some((&rest[start..], &value[bar + 1..]))
    };
    let (snapshotter, name) = reference.map(|rest| (rest, value)).or_else(condition)?;
    let snapshotter = snapshotter.split(|byte| *byte == b'/').next().unwrap_or_default();
    Some(Named { kind: Kind::Snapshot, before: [snapshotter, b"/"].concat(), name })
}

/// A held object that no step creates, while one is there that may have been meant.
fn is_missing(object: &Object, created: &BTreeSet<Object>) -> Option<String> {
    let near = Some(object).filter(|object| !created.contains(object));
    let near = near.and_then(|object| nearest_of(object, created))?;
    Some(format!("nothing creates {}; is {} meant?", shown(object), shown(&near)))
}

/// The object of a kind that is nearly called so: of a snapshot either the snapshotter or the key is another.
fn nearest_of(object: &Object, created: &BTreeSet<Object>) -> Option<Object> {
    let parts = parts(object);
    let alike = created.iter().filter(|other| other.0 == object.0);
    let mut near = alike.filter(|other| {
        let others = self::parts(other);
        let mut pairs = parts.iter().zip(&others).filter(|(part, other)| part != other);
        pairs.next().is_some_and(|(part, other)| is_slip(part, other)) && pairs.next().is_none()
    });
    near.next().cloned()
}

/// A name in the parts that a person writes.
fn parts((kind, name): &Object) -> Vec<String> {
    match name.iter().position(|byte| *byte == b'/').filter(|_| *kind == Kind::Snapshot) {
        Some(slash) => vec![everyday(&name[..slash]), everyday(&name[slash + 1..])],
        None => vec![everyday(name)],
    }
}

/// Whether one name may be a slip of the other. Names that differ in their numbers are of a row.
fn is_slip(name: &str, other: &str) -> bool {
    const LETTERS_MIN: usize = 4;
    let letters = |name: &str| name.replace(|letter: char| letter.is_ascii_digit(), "");
    let is_long = name.len().min(other.len()) >= LETTERS_MIN;
    is_long && letters(name) != letters(other) && nearest(name, [other]).is_some()
}

/// A name as people write it: of content without its digest.
fn everyday(name: &[u8]) -> String {
    alias::name_of(name).unwrap_or_else(|| text::name(name))
}

fn shown((kind, key): &Object) -> String {
    print_node(&NodeName { namespace: None, kind: *kind, key: key.clone() })
}

/// Whether an expiry counts from a step, as only `expire=` does.
fn is_relative(text: &[u8]) -> bool {
    matches!(text, [b'+' | b'-', ..]) && duration::parse(text).is_some()
}

fn counts_from_nothing(expiry: &[u8]) -> String {
    let expiry = text::name(expiry);
    format!(
        "gc.expire `{expiry}` is no time, so that it never comes; write `expire={expiry}` to count from the step"
    )
}

/// What is said of a `gc.expire` that is a time to Go up to 1.19 and to no later one.
pub fn read_by_earlier_go(expiry: &[u8]) -> String {
    let expiry = text::name(expiry);
    format!(
        "gc.expire `{expiry}` is a time only to a daemon built with Go up to 1.19, elsewhere it never comes; --go 1.19 reads it so"
    )
}

/// The `gc.expire` that a step gives to an image.
fn image_expiry(step: &Step) -> Option<&[u8]> {
    match step {
        Step::ImageLabel { labels, .. } => labels.get(names::GC_EXPIRE),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => {
            fields.labels.get(names::GC_EXPIRE)
        }
        _ => None,
    }
}

/// The `gc.expire` that a step gives to a lease.
fn expiry(step: &Step) -> Option<&[u8]> {
    match step {
        Step::LeaseCreate { expire: Some(Expiry::Text(text)), .. } => Some(text),
        Step::LeaseCreate { labels, .. } => labels.get(names::GC_EXPIRE),
        Step::RawPut { path, value: RawValue::Bytes(text) } => {
            let is_label = path.last().is_some_and(|key| **key == *names::GC_EXPIRE);
            (is_label && path.iter().any(|key| **key == *names::LEASES)).then_some(&**text)
        }
        _ => None,
    }
}

/// What a step creates.
fn created(step: &Step) -> Vec<Object> {
    let snapshot = |SnapshotName { snapshotter, key }: &SnapshotName| {
        (Kind::Snapshot, [snapshotter, &b"/"[..], key].concat())
    };
    match step {
        Step::ContentPut { digest, .. } | Step::ContentCommit { digest, .. } => {
            vec![(Kind::Content, digest.clone())]
        }
        Step::ContentOpen { reference, .. } => vec![(Kind::Ingest, reference.clone())],
        Step::SnapshotPrepare(new)
        | Step::SnapshotView(new)
        | Step::SnapshotPrepareBegin(new)
        | Step::SnapshotViewBegin(new) => vec![snapshot(&new.snapshot)],
        Step::SnapshotCommit { snapshot: SnapshotName { snapshotter, .. }, name, .. } => {
            let (snapshotter, key) = (snapshotter.clone(), name.clone());
            vec![snapshot(&SnapshotName { snapshotter, key })]
        }
        Step::ImageCreate { image, .. } => vec![(Kind::Image, image.clone())],
        Step::ContainerCreate { container, .. } => vec![(Kind::Container, container.clone())],
        Step::RawPut { path, .. } | Step::RawBucket { path } => written(path).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The object below whose bucket a path lies.
fn written(path: &[Name]) -> Option<Object> {
    let parts: Vec<&[u8]> = path.iter().map(|part| &**part).collect();
    let (kind, key) = match parts.get(2..)? {
        [names::CONTENT, names::BLOB, digest, ..] => (Kind::Content, digest.to_vec()),
        [names::CONTENT, names::INGESTS, reference, ..] => (Kind::Ingest, reference.to_vec()),
        [names::SNAPSHOTS, snapshotter, key, ..] => (Kind::Snapshot, [snapshotter, &b"/"[..], key].concat()),
        [names::IMAGES, name, ..] => (Kind::Image, name.to_vec()),
        [names::CONTAINERS, id, ..] => (Kind::Container, id.to_vec()),
        _ => return None,
    };
    Some((kind, key))
}

/// What a step lets a lease hold.
fn held(step: &Step) -> Vec<Object> {
    let Step::LeaseAdd { resources, .. } = step else { return Vec::new() };
    let object = |resource: &Resource| match resource {
        Resource::Content(digest) => Some((Kind::Content, digest.clone())),
        Resource::Snapshot(SnapshotName { snapshotter, key }) => {
            Some((Kind::Snapshot, [snapshotter, &b"/"[..], key].concat()))
        }
        Resource::Ingest(reference) => Some((Kind::Ingest, reference.clone())),
        Resource::Image(name) => Some((Kind::Image, name.clone())),
        Resource::Other { .. } => None,
    };
    resources.iter().filter_map(object).collect()
}

/// The labels that a step sets on what may refer to something.
fn labels(step: &Step) -> Labels {
    match step {
        Step::NamespaceCreate { .. } | Step::NamespaceLabel { .. } | Step::LeaseCreate { .. } => {
            Labels::new()
        }
        step => step.clone().labels_mut().map(std::mem::take).unwrap_or_default(),
    }
}
