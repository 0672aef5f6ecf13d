//! Keys of labels that the collector does not read, and that are nearly one that it does.
//!
//! ```text
//! gc.expires=...                  a letter        is gc.expire meant?
//! gc.Ref.content.0=...            a capital       is gc.ref.content meant?
//! gc.ref-content.0=...            a separator     is gc.ref.content meant?
//! gc.content.0=, ref.content.0=   a part left out is gc.ref.content meant?
//! gc.ref.snapshot=...             no snapshotter
//! "gc.root"=...                   in quotes it lacks containerd.io/
//! ```
//!
//! A key is compared as a whole, without its separators, and part by part; what stands behind the parts of a key that is
//! read may be anything.

use crate::named::distance;
use crate::text;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// Keys that are read; behind some more may stand.
const READ: [&str; 12] = [
    "gc.root",
    "gc.expire",
    "gc.flat",
    "gc.cond.value-usedat",
    "gc.ref.content",
    "gc.ref.snapshot",
    "gc.ref.image",
    "gc.bref.content",
    "gc.bref.snapshot",
    "gc.bref.image",
    "gc.bref.container",
    "gc.cond.snapshot",
];
/// Of these some releases read whatever begins so: `gc.cond.snapshotnative` is about snapshots of `native`.
const READ_BY_PREFIX: [&str; 3] = ["gc.root", "gc.cond.value-usedat", "gc.cond.snapshot"];
/// Behind these a snapshotter must stand.
const OF_SNAPSHOTTER: [&str; 3] = ["gc.ref.snapshot", "gc.bref.snapshot", "gc.cond.snapshot"];
/// Words for parts.
const SYNONYMS: [(&str, &str); 5] = [
    ("backref", "bref"),
    ("back-ref", "bref"),
    ("reference", "ref"),
    ("references", "ref"),
    ("condition", "cond"),
];
const PREFIX: &str = "containerd.io";
const SEPARATORS: [char; 4] = ['.', '/', '-', '_'];

/// The keys that a daemon's collectors read.
pub struct Keys {
    declared: Vec<String>,
    /// What was said before.
    said: RefCell<HashMap<Vec<u8>, Option<Nearly>>>,
}

impl Keys {
    /// Those of containerd itself, and `gc.ref.LABEL` of collectors with these labels.
    pub fn new<'l>(labels: impl IntoIterator<Item = &'l [u8]>) -> Keys {
        let labels = labels.into_iter().filter(|label| !label.is_empty());
        let declared: BTreeSet<String> =
            labels.map(|label| format!("gc.ref.{}", String::from_utf8_lossy(label))).collect();
        Keys { declared: declared.into_iter().collect(), said: RefCell::default() }
    }

    /// What a label's key nearly is that nothing reads, or whose snapshotter is missing.
    pub fn nearly_read(&self, key: &[u8]) -> Option<Nearly> {
        if let Some(said) = self.said.borrow().get(key) {
            return said.clone();
        }
        let said = std::str::from_utf8(key).ok().and_then(|key| nearly(key, &self.declared));
        self.said.borrow_mut().insert(key.to_vec(), said.clone());
        said
    }
}

/// What a key nearly is. Its own text is the label without `containerd.io/`, as it can be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Nearly {
    /// A key that needs a snapshotter behind it has none.
    NoSnapshotter {
        /// The label.
        label: String,
        /// What should have a snapshotter behind.
        known: &'static str,
    },
    /// It lacks only its beginning, `containerd.io/`.
    NoPrefix {
        /// The label.
        label: String,
    },
    /// A condition on what is no snapshot.
    NoSnapshot {
        /// The label.
        label: String,
    },
    /// A slip or more away from what is meant.
    Slip {
        /// The label.
        label: String,
        /// What is meant.
        meant: String,
    },
}

impl Nearly {
    /// The same of a label that stands in a database, where nothing is quoted.
    pub fn in_database(&self) -> String {
        match self {
            Nearly::NoPrefix { label } => {
                format!("no collector reads the label `{label}`; is `{PREFIX}/{label}` meant?")
            }
            other => other.to_string(),
        }
    }
}

/// As it is said of a scenario's label.
impl fmt::Display for Nearly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Nearly::NoSnapshotter { label, known } => {
                write!(f, "the label `{label}` names no snapshotter; is `{known}.SNAPSHOTTER` meant?")
            }
            Nearly::NoPrefix { label } => write!(
                f,
                "no collector reads the label `\"{label}\"`: in quotes it is exactly what it says; is `{label}` without quotes meant?"
            ),
            Nearly::NoSnapshot { label } => write!(
                f,
                "no collector reads the label `{label}`: conditions are about snapshots; is `gc.cond.snapshot.SNAPSHOTTER` meant?"
            ),
            Nearly::Slip { label, meant } => {
                write!(f, "no collector reads the label `{label}`; is `{meant}` meant?")
            }
        }
    }
}

/// The same where collectors have these labels.
fn nearly(key: &str, declared: &[String]) -> Option<Nearly> {
    let known = || READ.into_iter().chain(declared.iter().map(String::as_str));
    let short = key.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/'));
    let label = text::line(short.unwrap_or(key));
    if let Some(short) = short {
        if let Some(known) = OF_SNAPSHOTTER.into_iter().find(|known| lacks_snapshotter(short, known)) {
            return Some(Nearly::NoSnapshotter { label, known });
        }
        let is_read = |known: &str| begins(short, known) && !lacks_point(short, known);
        let is_prefix = |known: &str| short.starts_with(known);
        if known().any(is_read) || READ_BY_PREFIX.into_iter().any(is_prefix) {
            return None;
        }
    } else if known().any(|known| begins(key, known)) {
        return Some(Nearly::NoPrefix { label });
    }
    if short.is_some_and(|short| {
        ["content", "image"].iter().any(|kind| begins(short, &format!("gc.cond.{kind}")))
    }) {
        return Some(Nearly::NoSnapshot { label });
    }
    let own = without_prefix(key);
    let meant = known().filter_map(|known| meant(own, known, short.is_none()));
    let (_, meant) = meant.min_by_key(|(slips, _)| *slips)?;
    Some(Nearly::Slip { label, meant })
}

/// A key without `containerd.io`, in whatever letters and with whatever separator.
fn without_prefix(key: &str) -> &str {
    let is_prefix = |begin: &str| begin.eq_ignore_ascii_case(PREFIX);
    match key.get(..PREFIX.len()) {
        Some(begin) if is_prefix(begin) => key[PREFIX.len()..].trim_start_matches(SEPARATORS),
        _ => key,
    }
}

/// What is meant by a key if it is nearly one that is read, and how many slips lead there. A key may have lost its `gc.`
/// only with its prefix.
fn meant(key: &str, known: &str, may_lack_gc: bool) -> Option<(usize, String)> {
    let lower = key.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split(SEPARATORS).map(plain).collect();
    let known_parts: Vec<&str> = known.split(SEPARATORS).collect();
    // What should stand behind a separator stands right behind it.
    if OF_SNAPSHOTTER.contains(&known)
        && let Some(rest) = lower.strip_prefix(known).filter(|rest| !rest.is_empty())
    {
        return Some((0, format!("{known}.{}", rest.trim_start_matches(SEPARATORS))));
    }
    // Another separator, a slip somewhere, or parts that ran together.
    let whole = known_parts.concat();
    let slips_max = (whole.len() / 4).min(2);
    let begins = (1..=parts.len().min(known_parts.len() + 1)).map(|count| parts[..count].concat());
    let slips = begins.filter(|begin| begin.starts_with('g')).map(|begin| distance(&begin, &whole)).min();
    if let Some(slips) = slips.filter(|slips| *slips <= slips_max) {
        return Some((slips, known.to_owned()));
    }
    // A slip in each part.
    let is_near_by_part = || {
        let pairs = parts.iter().zip(&known_parts);
        parts.len() >= known_parts.len()
            && pairs.into_iter().all(|(part, known)| distance(part, known) <= part_slips_max(known))
    };
    if is_near_by_part() {
        return Some((slips_max + 1, known.to_owned()));
    }
    // A part left out between the others, or `gc` before them.
    let is_without = |left_out: usize| {
        let rest: Vec<&str> =
            known_parts.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, part)| *part).collect();
        parts.starts_with(&rest) && rest.len() > 1
    };
    let between = if may_lack_gc { 0 } else { 1 }..known_parts.len() - 1;
    between.into_iter().any(is_without).then(|| (slips_max + 1, known.to_owned()))
}

/// A part in the word that the collector has.
fn plain(part: &str) -> &str {
    SYNONYMS.into_iter().find(|(word, _)| *word == part).map_or(part, |(_, word)| word)
}

/// How many letters of a part may be wrong.
fn part_slips_max(part: &str) -> usize {
    match part.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// Whether a key is this one, or has more behind a separator.
fn begins(key: &str, known: &str) -> bool {
    key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

/// Whether a key that needs a snapshotter has none. That of a reference stands between the point and the first slash; of a
/// condition all points and slashes before it are passed over.
fn lacks_snapshotter(key: &str, known: &str) -> bool {
    let Some(rest) = key.strip_prefix(known) else { return false };
    let of_reference = rest.strip_prefix('.').filter(|_| OF_SNAPSHOTTER[..2].contains(&known));
    of_reference.unwrap_or(rest.trim_start_matches(['.', '/'])).split('/').next() == Some("")
}

/// Whether the snapshotter of a reference stands behind a slash, where only a point is read.
fn lacks_point(key: &str, known: &str) -> bool {
    let needs_point = OF_SNAPSHOTTER[..2].contains(&known);
    needs_point && key.strip_prefix(known).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key as scenarios write it, in full.
    fn full(key: &str) -> String {
        if key.starts_with("gc.") { format!("containerd.io/{key}") } else { key.trim_matches('"').to_owned() }
    }

    #[test]
    fn every_slip_in_a_key_is_told() {
        for (key, meant) in [
            ("gc.ref.snapshot", "gc.ref.snapshot.SNAPSHOTTER"),
            ("gc.ref.snapshot.", "gc.ref.snapshot.SNAPSHOTTER"),
            ("gc.ref.snapshot./overlayfs", "gc.ref.snapshot.SNAPSHOTTER"),
            ("gc.cond.snapshot./", "gc.cond.snapshot.SNAPSHOTTER"),
            ("gc.cond.snapshot", "gc.cond.snapshot.SNAPSHOTTER"),
            ("gc.cond.content", "gc.cond.snapshot.SNAPSHOTTER"),
            ("gc.bref.snapshot/", "gc.bref.snapshot.SNAPSHOTTER"),
            ("gc.ref.snapshot/overlayfs", "gc.ref.snapshot.overlayfs"),
            ("gc.ref.snapshotoverlayfs", "gc.ref.snapshot.overlayfs"),
            ("gc.reff.content.0", "gc.ref.content"),
            ("gc.refs.content", "gc.ref.content"),
            ("gc.re.content.0", "gc.ref.content"),
            ("gc.ref-content.0", "gc.ref.content"),
            ("gc.refcontent.0", "gc.ref.content"),
            ("gc.content.0", "gc.ref.content"),
            ("gc.Ref.content", "gc.ref.content"),
            ("gc.backref.content", "gc.bref.content"),
            ("gc.ref.contents.0", "gc.ref.content"),
            ("gc.ref.contnet.0", "gc.ref.content"),
            ("gc.refs.contents.0", "gc.ref.content"),
            ("gc.expires", "gc.expire"),
            ("gc.cond.usedat", "gc.cond.value-usedat"),
            ("gc.flatt", "gc.flat"),
            ("ref.content.0", "gc.ref.content"),
            ("\"gc.root\"", "gc.root"),
            ("\"gc.ref.content.0\"", "gc.ref.content.0"),
            ("containerd.io/gc-root", "gc.root"),
            ("containerd.io/gc_ref_content", "gc.ref.content"),
            ("containerd.io.gc.root", "gc.root"),
            ("GC.ROOT", "gc.root"),
            ("Containerd.io/gc.ref.content.0", "gc.ref.content"),
            ("gc.ref.volumes", "gc.ref.volume"),
        ] {
            let said = nearly(&full(key), &["gc.ref.volume".to_owned()]).unwrap_or_else(|| panic!("{key}"));
            let said = said.to_string();
            assert!(said.contains(&format!("is `{meant}` ")), "{key}: {said}");
        }
    }

    #[test]
    fn what_is_read_and_what_is_another_label_is_not_told() {
        for key in [
            "gc.root",
            "gc.root.why",
            "gc.root-of-all",
            "gc.expire",
            "gc.flat",
            "gc.ref.content",
            "gc.ref.content.l.0",
            "gc.ref.content/config",
            "gc.ref.snapshot.overlayfs",
            "gc.ref.snapshot.overlayfs/x",
            "gc.ref.image.x",
            "gc.bref.container",
            "gc.bref.snapshot.native",
            "gc.cond.snapshot.overlayfs",
            "gc.cond.snapshot/overlayfs",
            "gc.cond.snapshot./overlayfs",
            "gc.cond.snapshotoverlayfs",
            "gc.cond.snapshot_overlayfs",
            "gc.cond.value-usedat",
            "gc.ref.volume",
            "gc.ref.volume.0",
            "gc.ref.task",
            "gc.policy",
            "containerd.io/uncompressed",
            "containerd.io/snapshot.ref",
            "containerd.io/snapshot/remote",
            "containerd.io/snapshot/overlayfs.upperdir",
            "containerd.io/distribution.source.docker.io",
            "containerd.io/namespace.shareable",
            "containerd.io/namespace/default-snapshotter",
            "io.containerd.image",
            "io.cri-containerd.image",
            "io.cri-containerd.kind",
            "io.root",
            "io.containerd.runc.v2",
            "nerdctl/name",
            "org.opencontainers.image.title",
            "org.opencontainers.image.ref.name",
            "com.example.gc",
            "com.example/content",
            "app.kubernetes.io/name",
            "buildkit.gc.keep",
            "moby/image.expire",
            "x.y",
        ] {
            assert_eq!(nearly(&full(key), &["gc.ref.volume".to_owned()]), None, "{key}");
        }
    }
}
