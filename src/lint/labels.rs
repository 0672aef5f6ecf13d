//! Labels: what points nowhere, is nearly read, means nothing here, cannot be read, or is too large.
//!
//! ```text
//!                     content  snapshot  image  container  sandbox  lease
//!   gc.ref.*             x        x        x        x         x             image references from 2.0, sandboxes' from 1.7
//!   gc.bref.*            x        x        x        x                       from 2.2
//!   gc.cond.snapshot     x                 x                                from 2.3
//!   value-usedat                  x                                         from 2.3
//!   gc.root              x        x
//!   gc.expire                              x                           x    images' from 2.0
//!   gc.flat                                                            x
//! ```

use super::finding::{Finding, Findings, Object, Subject};
use super::kept::{Fate, Kept};
use super::lints::Lint;
use super::namespace::{Namespace, content_reference, shown};
use crate::bucket::{Entry, View};
use crate::node::Kind;
use crate::oracle::misread;
use crate::reason::misread_words;
use crate::release::{Release, Rules};
use crate::schema::label_keys::Keys;
use crate::schema::{names, time};
use crate::situation::Situation;
use crate::text;
use std::collections::BTreeSet;

/// The largest sum of a label's key and value (`labels/validate.go`, `maxSize`).
const LABEL_BYTES_MAX: usize = 4096;

/// Looks at every label of a namespace and of what it has. Content that an image reaches is not blamed for what is missing,
/// as the image is.
pub(super) fn lint(
    namespace: Namespace<'_>,
    situation: &Situation,
    kept: &Kept<'_>,
    reached: &BTreeSet<&[u8]>,
    findings: &mut Findings,
) {
    let declared = situation.collectors.iter().map(|collector| collector.reference_label.as_slice());
    let keys = Keys::new(declared);
    let mut look = |subject, key: &[u8], slash, object: View<'_>| {
        let object_of = || Object { slash, ..Object::of(subject, namespace.name, key) };
        let is_whole_elsewhere = subject == Subject::Node(Kind::Content) && reached.contains(key);
        let labelled =
            Labelled { namespace, subject, object, is_whole_elsewhere, kept, release: situation.release };
        labelled.lint(&keys, object_of, findings);
    };
    look(Subject::Namespace, namespace.name, None, namespace.view);
    let folders = [
        (Kind::Content, namespace.blobs()),
        (Kind::Image, namespace.images()),
        (Kind::Container, namespace.containers()),
        (Kind::Lease, namespace.leases()),
    ];
    for (kind, folder) in folders {
        folder.buckets().for_each(|(key, object)| look(Subject::Node(kind), key, None, object));
    }
    for (snapshotter, snapshots) in namespace.snapshotters() {
        for (key, snapshot) in snapshots.buckets() {
            let name = [snapshotter, b"/", key].concat();
            look(Subject::Node(Kind::Snapshot), &name, Some(snapshotter.len()), snapshot);
        }
    }
    let sandboxes = namespace.at(&[names::SANDBOXES]);
    sandboxes.buckets().for_each(|(id, sandbox)| look(Subject::Sandbox, id, None, sandbox));
}

/// An object with labels.
struct Labelled<'t, 'a> {
    namespace: Namespace<'t>,
    subject: Subject,
    object: View<'t>,
    /// What it lacks is said of an image.
    is_whole_elsewhere: bool,
    kept: &'t Kept<'a>,
    release: Release,
}

/// What a label's key is to collectors, each with what stands behind its name.
#[derive(Clone, Copy)]
enum Meaning<'l> {
    Reference(Target<'l>),
    BackReference(Target<'l>),
    Condition,
    UsedAt,
    Root,
    /// A root where it is matched by its beginning.
    RootByPrefix,
    Expiry,
    Flat,
}

/// What a reference names.
#[derive(Clone, Copy)]
enum Target<'l> {
    Plain(Kind),
    /// A snapshot of this snapshotter.
    Snapshot(&'l [u8]),
}

impl Labelled<'_, '_> {
    fn lint(&self, keys: &Keys, object: impl Fn() -> Object, findings: &mut Findings) {
        let labels = self.object.bucket(names::LABELS).into_iter().flat_map(View::iter);
        for (key, entry) in labels {
            let value = entry.value().unwrap_or_default();
            if self.is_validated() && key.len() + value.len() > LABEL_BYTES_MAX {
                let text = format!(
                    "label {} has {}",
                    shown(key),
                    text::counted((key.len() + value.len()) as u64, "byte")
                );
                findings.add(Lint::LabelTooLarge, object(), text);
            }
            if let Some(nearly) = keys.nearly_read(key) {
                findings.add(Lint::LabelNearMiss, object(), nearly.in_database());
                continue;
            }
            let Some(meaning) = meaning(key) else { continue };
            if !is_read(meaning, self.subject, self.release.rules()) {
                self.meaningless(key, meaning, object(), findings);
            } else if let Some(text) = self.unreadable(key, value, meaning) {
                self.taking_away(key, findings.add(Lint::ConditionUnreadable, object(), text));
            } else if let Some(missing) = self.missing(key, entry, meaning) {
                let text = format!("{} names {missing}, which is missing", shown(key));
                match (meaning, self.kept.fate(&object())) {
                    (Meaning::Reference(_), Fate::Stays) => {
                        self.taking_away(key, findings.add(Lint::ReferenceDangling, object(), text));
                    }
                    // What is left of a label that has done its work.
                    (Meaning::BackReference(_), Fate::Goes) | (Meaning::Condition, Fate::Stays) => {
                        findings.add(Lint::ReferenceEnded, object(), text);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether an update of the object is refused where one of its labels is too large. The records of content, images,
    /// containers and snapshots are validated as a whole (`validateInfo`, `validateImage`, `validateContainer`,
    /// `validateSnapshot`). Of a namespace only the label that is set is; of a sandbox no label is, only its id and its times
    /// (`sandboxStore.validate`); and leases have neither a validation nor an update.
    fn is_validated(&self) -> bool {
        let kinds = [Kind::Content, Kind::Image, Kind::Container, Kind::Snapshot];
        kinds.iter().any(|kind| self.subject == Subject::Node(*kind))
    }

    /// Gives a finding the command that takes a label away, where `ctr` has one.
    fn taking_away(&self, key: &[u8], finding: &mut Finding) {
        let Subject::Node(kind) = self.subject else { return };
        if key.contains(&b'=') {
            finding.text.push_str("; as it has a `=`, no command of ctr takes it away, only a client's call");
            return;
        }
        let (label, name) = ([key, b"="].concat(), finding.object.key.clone());
        let namespace = self.namespace.name;
        match kind {
            Kind::Content => finding.ctr(namespace, &[b"content", b"label"], &[&name, &label]),
            Kind::Image => finding.ctr(namespace, &[b"images", b"label"], &[&name, &label]),
            Kind::Container => finding.ctr(namespace, &[b"containers", b"label"], &[&name, &label]),
            Kind::Snapshot => {
                let Some(slash) = name.iter().position(|byte| *byte == b'/') else { return };
                let (snapshotter, key) = (&name[..slash], &name[slash + 1..]);
                let words: [&[u8]; 4] = [b"snapshots", b"--snapshotter", snapshotter, b"label"];
                finding.ctr(namespace, &words, &[key, &label]);
            }
            _ => {}
        }
    }

    fn meaningless(&self, key: &[u8], meaning: Meaning<'_>, object: Object, findings: &mut Findings) {
        let is_read = |release: &Release| is_read(meaning, self.subject, release.rules());
        let (read, others): (Vec<Release>, Vec<Release>) = Release::ALL.into_iter().partition(is_read);
        let word = self.subject.word();
        let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let kind = if word == "content" { word } else { format!("{article} {word}") };
        let text = match (read.first(), read.last()) {
            (Some(first), Some(last)) if *last == Release::V2_4 => {
                format!("{} means something on {kind} from {first} on", shown(key))
            }
            (Some(first), Some(last)) => {
                format!("{} means something on {kind} in {first} to {last}", shown(key))
            }
            _ => format!("{} means nothing on {kind} in any release", shown(key)),
        };
        findings.add(Lint::LabelMeaningless, object, text).releases = others;
    }

    /// Why a condition, or the time of one, holds nothing.
    fn unreadable(&self, key: &[u8], value: &[u8], meaning: Meaning<'_>) -> Option<String> {
        match meaning {
            Meaning::Condition => {
                misread(key, value).map(|misread| format!("{}, {}", shown(key), misread_words(misread)))
            }
            Meaning::UsedAt if time::parse_rfc3339(value).is_err() => {
                Some(format!("{} `{}` is no time", shown(key), text::name(value)))
            }
            _ => None,
        }
    }

    /// What a label names and is not there.
    fn missing(&self, key: &[u8], entry: Entry<'_>, meaning: Meaning<'_>) -> Option<String> {
        let value = entry.value().unwrap_or_default();
        let named = match meaning {
            Meaning::Reference(Target::Plain(kind)) | Meaning::BackReference(Target::Plain(kind)) => {
                Object::node(kind, b"", value)
            }
            Meaning::Reference(Target::Snapshot(of)) | Meaning::BackReference(Target::Snapshot(of)) => {
                Object::snapshot(b"", of, value)
            }
            Meaning::Condition => {
                let rest = key.strip_prefix(names::GC_COND_SNAPSHOT)?;
                let bar = value.iter().position(|byte| *byte == b'|')?;
                let start = rest.iter().position(|byte| !matches!(byte, b'.' | b'/'))?;
                Object::snapshot(b"", up_to_slash(&rest[start..]), &value[bar + 1..])
            }
            Meaning::UsedAt | Meaning::Root | Meaning::RootByPrefix | Meaning::Expiry | Meaning::Flat => {
                return None;
            }
        };
        let is_told = content_reference(key).is_some_and(|suffix| {
            self.is_whole_elsewhere || suffix.starts_with(b"m.") && self.has_some_manifest()
        });
        (!is_told && !self.namespace.has_object(&named)).then(|| named.in_text())
    }

    /// Whether an index has one of its manifests, as after a pull of one platform.
    fn has_some_manifest(&self) -> bool {
        super::namespace::labels(self.object).any(|(key, value)| {
            content_reference(key).is_some_and(|suffix| suffix.starts_with(b"m."))
                && self.namespace.has(Kind::Content, value)
        })
    }
}

/// What a label's key means to some release, on some object.
fn meaning(key: &[u8]) -> Option<Meaning<'_>> {
    const PLAIN: [(&[u8], Kind, bool); 5] = [
        (names::GC_REF_CONTENT, Kind::Content, false),
        (names::GC_REF_IMAGE, Kind::Image, false),
        (names::GC_BREF_CONTENT, Kind::Content, true),
        (names::GC_BREF_IMAGE, Kind::Image, true),
        (names::GC_BREF_CONTAINER, Kind::Container, true),
    ];
    let begins = |known: &[u8]| {
        key.strip_prefix(known).is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
    };
    if let Some((_, kind, is_back)) = PLAIN.into_iter().find(|(known, ..)| begins(known)) {
        let target = Target::Plain(kind);
        return Some(if is_back { Meaning::BackReference(target) } else { Meaning::Reference(target) });
    }
    if let Some(snapshotter) = key.strip_prefix(names::GC_REF_SNAPSHOT) {
        return Some(Meaning::Reference(Target::Snapshot(up_to_slash(snapshotter))));
    }
    if let Some(snapshotter) = key.strip_prefix(names::GC_BREF_SNAPSHOT) {
        return Some(Meaning::BackReference(Target::Snapshot(up_to_slash(snapshotter))));
    }
    match key {
        _ if key.starts_with(names::GC_COND_USED_AT) => Some(Meaning::UsedAt),
        _ if key.starts_with(names::GC_COND_SNAPSHOT) => Some(Meaning::Condition),
        names::GC_ROOT => Some(Meaning::Root),
        names::GC_EXPIRE => Some(Meaning::Expiry),
        names::GC_FLAT => Some(Meaning::Flat),
        _ if key.starts_with(names::GC_ROOT) => Some(Meaning::RootByPrefix),
        _ => None,
    }
}

/// Whether a release reads it on such an object.
fn is_read(meaning: Meaning<'_>, subject: Subject, rules: &Rules) -> bool {
    let kind = match subject {
        Subject::Node(kind) => Some(kind),
        _ => None,
    };
    let is = |kinds: &[Kind]| kind.is_some_and(|kind| kinds.contains(&kind));
    match meaning {
        Meaning::Reference(target) => {
            let has_type = !matches!(target, Target::Plain(Kind::Image)) || rules.image_nodes;
            let refers = is(&[Kind::Content, Kind::Snapshot, Kind::Image, Kind::Container]);
            has_type && (refers || subject == Subject::Sandbox && rules.sandbox_references)
        }
        Meaning::BackReference(_) => {
            rules.back_references && is(&[Kind::Content, Kind::Snapshot, Kind::Image, Kind::Container])
        }
        Meaning::Condition => rules.conditional_references && is(&[Kind::Content, Kind::Image]),
        Meaning::UsedAt => rules.conditional_references && is(&[Kind::Snapshot]),
        Meaning::Root => is(&[Kind::Content, Kind::Snapshot]),
        Meaning::RootByPrefix => rules.root_by_prefix && is(&[Kind::Content, Kind::Snapshot]),
        Meaning::Expiry => is(&[Kind::Lease]) || is(&[Kind::Image]) && rules.image_nodes,
        Meaning::Flat => is(&[Kind::Lease]),
    }
}

fn up_to_slash(rest: &[u8]) -> &[u8] {
    rest.split(|byte| *byte == b'/').next().unwrap_or_default()
}
