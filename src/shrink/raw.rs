//! Raw edits, which no client can make, become clients' steps where those show the same.
//!
//! ```text
//!   raw bucket v1/default/content/blob/@a/labels/k   ->   content put a k=x          where there is no such blob yet
//!                                                         content label a k=x        where there is
//!   raw put v1/default/content/ingests/r/expireat T  ->   content open r             a day before T
//! ```
//!
//! A step is offered for the object whose bucket the edit makes, changes or deletes. Whether it shows the same, who shrinks
//! finds out.

use crate::instant::Instant;
use crate::scenario::{
    CLOCK_START, ContainerFields, DEFAULT_NAMESPACE, Expiry, ImageFields, KeyPath, Labels, Line, Name,
    NewSnapshot, RawValue, Resource, SnapshotName, Step, alias,
};
use crate::schema::names::*;
use crate::schema::time;
use std::time::Duration;

type Lines = Vec<Line>;

/// A raw edit becomes steps of a client.
pub(super) fn with_client_steps(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let line = lines.get(place)?;
    let Some(edit) = Edit::of(&line.step) else { return Some(Vec::new()) };
    let acts_in = namespace_at(&lines[..place], line.client.as_ref());
    let with = |steps: &[Step]| {
        let steps = steps.iter().map(|step| Line { step: step.clone(), ..line.clone() });
        let mut changed = lines.clone();
        changed.splice(place..=place, steps);
        changed
    };
    let mut offered = Vec::new();
    let now = now_at(&lines[..place]);
    for steps in edit.as_steps() {
        offered.push(with(&steps));
        if acts_in != edit.namespace {
            let there = |namespace: &[u8]| Step::NamespaceUse { namespace: namespace.to_vec() };
            offered.push(with(&[&[there(edit.namespace)], &steps[..], &[there(acts_in)]].concat()));
        }
    }
    for steps in edit.as_ingest_with_expiry(now) {
        offered.push(with(&steps));
        // Whatever sets the clock later may set it back.
        let is_clock = |line: &Line| matches!(line.step, Step::Now(_) | Step::Advance(_));
        let mut later = with(&steps);
        let behind = later.split_off(place + steps.len());
        later.extend(behind.into_iter().filter(|line| !is_clock(line)));
        offered.push(later);
    }
    Some(offered)
}

/// The ways in which a client of its namespace makes the object whose bucket lies at a path from the database's root.
pub fn creations(path: KeyPath) -> Vec<Vec<Step>> {
    let step = Step::RawBucket { path };
    Edit::of(&step).map(|edit| edit.creations()).unwrap_or_default()
}

/// The namespace in which a client acts behind these lines.
fn namespace_at<'a>(lines: &'a [Line], client: Option<&Name>) -> &'a [u8] {
    let own = lines.iter().rev().find_map(|line| match &line.step {
        Step::NamespaceUse { namespace } if line.client.as_ref() == client => Some(&namespace[..]),
        Step::Client { name, namespace, .. } if Some(name) == client => namespace.as_deref(),
        _ => None,
    });
    own.unwrap_or(DEFAULT_NAMESPACE)
}

/// What the clock shows behind these lines.
fn now_at(lines: &[Line]) -> Instant {
    lines.iter().fold(CLOCK_START, |now, line| match &line.step {
        Step::Now(now) => *now,
        Step::Advance(by) => now.plus(*by),
        _ => now,
    })
}

/// What a raw edit does below a namespace.
struct Edit<'a> {
    namespace: &'a [u8],
    /// The keys below it.
    below: Vec<&'a [u8]>,
    does: Does<'a>,
}

#[derive(Clone, Copy)]
enum Does<'a> {
    Put(&'a RawValue),
    Make,
    Delete,
}

impl<'a> Edit<'a> {
    /// None of a step that is none, or that edits what lies in no namespace.
    fn of(step: &'a Step) -> Option<Edit<'a>> {
        let (path, does) = match step {
            Step::RawPut { path, value } => (path, Does::Put(value)),
            Step::RawBucket { path } => (path, Does::Make),
            Step::RawDelete { path } => (path, Does::Delete),
            _ => return None,
        };
        let [v1, namespace, below @ ..] = &path[..] else { return None };
        let below = below.iter().map(Vec::as_slice).collect();
        (v1 == V1).then_some(Edit { namespace, below, does })
    }

    /// The steps that do much the same, in several ways.
    fn as_steps(&self) -> Vec<Vec<Step>> {
        match self.does {
            Does::Delete => self.deletion().into_iter().map(|step| vec![step]).collect(),
            Does::Make | Does::Put(_) => self.creations(),
        }
    }

    fn deletion(&self) -> Option<Step> {
        let snapshot = |snapshotter: &[u8], key: &[u8]| snapshot(snapshotter, key);
        Some(match self.below[..] {
            [] => Step::NamespaceDelete { namespace: self.namespace.to_vec() },
            [CONTENT, BLOB, digest] => Step::ContentDelete { digest: digest.to_vec() },
            [CONTENT, INGESTS, reference] => Step::ContentAbort { reference: reference.to_vec() },
            [SNAPSHOTS, snapshotter, key] => Step::SnapshotRemove { snapshot: snapshot(snapshotter, key) },
            [IMAGES, image] => Step::ImageDelete { image: image.to_vec(), sync: false },
            [CONTAINERS, container] => Step::ContainerDelete { container: container.to_vec() },
            [SANDBOXES, sandbox] => Step::SandboxDelete { sandbox: sandbox.to_vec() },
            [LEASES, lease] => Step::LeaseDelete { lease: lease.to_vec(), sync: false },
            [LEASES, lease, ref held @ ..] => {
                Step::LeaseDrop { lease: lease.to_vec(), resources: vec![resource(held)?] }
            }
            // An update to an empty value takes a label away.
            [ref object @ .., LABELS, key] => labelled(object, labels(key, b""))?,
            _ => return None,
        })
    }

    fn creations(&self) -> Vec<Vec<Step>> {
        let (object, labels) = match self.below[..] {
            [ref object @ .., LABELS, key] => (object, labels(key, self.bytes())),
            [ref object @ .., LABELS] => (object, Labels::new()),
            ref object => (object, Labels::new()),
        };
        let value = || self.bytes().to_vec();
        let new = |snapshotter: &[u8], key: &[u8], parent| {
            Step::SnapshotPrepare(NewSnapshot {
                snapshot: snapshot(snapshotter, key),
                parent,
                labels: labels.clone(),
            })
        };
        let lease = |lease: &[u8]| {
            // These have options of their own.
            let (mut labels, lease) = (labels.clone(), lease.to_vec());
            let expire = labels.remove(GC_EXPIRE).map(Expiry::Text);
            let flat = labels.remove(GC_FLAT).is_some();
            Step::LeaseCreate { lease, expire, flat, labels }
        };
        let image = |target: Name| ImageFields { target: Some(target), labels: labels.clone(), ..default() };
        let container = |fields| ContainerFields { labels: labels.clone(), ..fields };
        let other = || alias::digest_of("x").expect("a letter");
        let created = match *object {
            [] => Some(Step::NamespaceCreate { namespace: self.namespace.to_vec(), labels: labels.clone() }),
            [CONTENT, BLOB, digest, ..] => {
                Some(Step::ContentPut { digest: digest.to_vec(), size: None, labels: labels.clone() })
            }
            [CONTENT, INGESTS, reference, ref field @ ..] => {
                let expected = (*field == [EXPECTED]).then(value);
                Some(Step::ContentOpen { reference: reference.to_vec(), expected, size: None })
            }
            [SNAPSHOTS, snapshotter] => Some(new(snapshotter, b"x", None)),
            [SNAPSHOTS, snapshotter, key, PARENT] => Some(new(snapshotter, key, Some(value()))),
            [SNAPSHOTS, snapshotter, key, ..] => Some(new(snapshotter, key, None)),
            [IMAGES, name, TARGET, DIGEST] => {
                Some(Step::ImageCreate { image: name.to_vec(), fields: image(value()) })
            }
            [IMAGES, name, ..] => Some(Step::ImageCreate { image: name.to_vec(), fields: image(other()) }),
            [CONTAINERS, name, ..] => {
                Some(Step::ContainerCreate { container: name.to_vec(), fields: container(default()) })
            }
            [SANDBOXES, name, ..] => {
                Some(Step::SandboxCreate { sandbox: name.to_vec(), labels: labels.clone() })
            }
            [LEASES, name, ..] => Some(lease(name)),
            _ => None,
        };
        let Some(created) = created else { return Vec::new() };
        let held = match *object {
            [LEASES, lease, ref held @ ..] => resource(held)
                .map(|resource| Step::LeaseAdd { lease: lease.to_vec(), resources: vec![resource] }),
            _ => None,
        };
        let labelled = labelled(object, labels.clone()).filter(|_| !labels.is_empty());
        // Of what is there already something changes; else it is created first.
        let changed = held.into_iter().chain(labelled).collect::<Vec<Step>>();
        let mut ways = vec![vec![created.clone()]];
        for change in changed {
            ways.extend([vec![change.clone()], vec![created.clone(), change]]);
        }
        ways.extend(self.with_longer_label().iter().flat_map(Edit::creations));
        ways.extend(self.as_ingest_of_lease());
        if let [SNAPSHOTS, snapshotter] = *object {
            // One that stays, where one more that goes would change what else goes.
            let labels = self::labels(GC_ROOT, b"x");
            let new = NewSnapshot { snapshot: snapshot(snapshotter, b"x"), parent: None, labels };
            ways.push(vec![Step::SnapshotPrepare(new)]);
        }
        ways
    }

    /// An ingest without an expiry is one that a lease held.
    fn as_ingest_of_lease(&self) -> Option<Vec<Step>> {
        let (Does::Make, &[CONTENT, INGESTS, reference]) = (self.does, &self.below[..]) else { return None };
        let lease = || b"x".to_vec();
        Some(vec![
            Step::LeaseCreate { lease: lease(), expire: None, flat: false, labels: Labels::new() },
            Step::LeaseUse { lease: lease() },
            Step::ContentOpen { reference: reference.to_vec(), expected: None, size: None },
            Step::LeaseNone,
            Step::LeaseDelete { lease: lease(), sync: false },
        ])
    }

    /// A label that is a bucket is there for those who look by its beginning alone; so is a longer one.
    fn with_longer_label(&self) -> Option<Edit<'a>> {
        let (Does::Make, [object @ .., LABELS, GC_ROOT]) = (self.does, &self.below[..]) else { return None };
        let below = [object, &[LABELS, b"containerd.io/gc.root.x"]].concat();
        Some(Edit { below, ..*self })
    }

    /// An ingest that gets its expiry from the daemon: some time before it, or with the clock beyond it.
    fn as_ingest_with_expiry(&self, now: Instant) -> Vec<Vec<Step>> {
        /// For so long an ingest is kept.
        const INGEST_SECONDS: u32 = 24 * 3600;
        let (&[CONTENT, INGESTS, reference, EXPIRE_AT], Does::Put(value)) = (&self.below[..], self.does)
        else {
            return Vec::new();
        };
        let expiry = match value {
            RawValue::Time(at) => Some(*at),
            RawValue::Bytes(bytes) => time::from_binary(bytes).ok(),
            RawValue::Varint(_) => None,
        };
        let Some(expiry) = expiry else { return Vec::new() };
        let opened = Step::ContentOpen { reference: reference.to_vec(), expected: None, size: None };
        let beyond = Step::Advance(Duration::from_secs(u64::from(INGEST_SECONDS) + 1));
        let before = Instant { seconds: expiry.seconds.saturating_sub(i64::from(INGEST_SECONDS)), ..expiry };
        vec![vec![opened.clone(), beyond], vec![Step::Now(before), opened, Step::Now(now)]]
    }

    /// The value that is put; some text where there is none.
    fn bytes(&self) -> &'a [u8] {
        match self.does {
            Does::Put(RawValue::Bytes(bytes)) if !bytes.is_empty() => bytes,
            _ => b"x",
        }
    }
}

fn default<T: Default>() -> T {
    T::default()
}

fn labels(key: &[u8], value: &[u8]) -> Labels {
    [(key.to_vec(), value.to_vec())].into_iter().collect()
}

fn snapshot(snapshotter: &[u8], key: &[u8]) -> SnapshotName {
    SnapshotName { snapshotter: snapshotter.to_vec(), key: key.to_vec() }
}

/// What a lease holds by an entry.
fn resource(held: &[&[u8]]) -> Option<Resource> {
    Some(match *held {
        [CONTENT, digest] => Resource::Content(digest.to_vec()),
        [SNAPSHOTS, snapshotter, key] => Resource::Snapshot(snapshot(snapshotter, key)),
        [INGESTS, reference] => Resource::Ingest(reference.to_vec()),
        [IMAGES, image] => Resource::Image(image.to_vec()),
        _ => return None,
    })
}

/// The object gets labels.
fn labelled(object: &[&[u8]], labels: Labels) -> Option<Step> {
    let replace = false;
    Some(match *object {
        [CONTENT, BLOB, digest] => Step::ContentLabel { digest: digest.to_vec(), replace, labels },
        [SNAPSHOTS, snapshotter, key] => {
            Step::SnapshotLabel { snapshot: snapshot(snapshotter, key), replace, labels }
        }
        [IMAGES, image] => Step::ImageLabel { image: image.to_vec(), replace, labels },
        [CONTAINERS, container] => Step::ContainerLabel { container: container.to_vec(), replace, labels },
        [SANDBOXES, sandbox] => Step::SandboxLabel { sandbox: sandbox.to_vec(), replace, labels },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{parse, print_step};

    /// What is offered for the last step of a scenario, whole.
    fn offered(text: &str) -> Vec<String> {
        let lines = parse(text.as_bytes()).expect("a scenario").lines;
        let all = with_client_steps(&lines, lines.len() - 1).expect("the place is there");
        all.iter()
            .map(|lines| lines.iter().map(|line| print_step(&line.step)).collect::<Vec<_>>().join("; "))
            .collect()
    }

    #[test]
    fn the_object_of_a_raw_edit_is_made_by_a_client() {
        for (edit, made) in [
            ("raw bucket v1/default/content/blob/@a/labels/k", "content put a \"k\"=x"),
            ("raw put v1/default/content/blob/@a/labels/k v", "content label a \"k\"=v"),
            (
                "raw bucket v1/default/content/blob/@a/labels/\"containerd.io/gc.root\"",
                "content put a gc.root.x=x",
            ),
            ("raw put v1/default/snapshots/native/s/parent p", "snapshot prepare native/s parent=p"),
            ("raw bucket v1/default/snapshots/native", "snapshot prepare native/x"),
            ("raw bucket v1/default/snapshots/native", "snapshot prepare native/x gc.root=x"),
            ("raw bucket v1/default/leases/l/content/@a", "lease create l; lease add l content/a"),
            ("raw put v1/default/leases/l/labels/\"containerd.io/gc.flat\" x", "lease create l flat"),
            ("raw bucket v1/default/images/i/target", "image create i target=x"),
            ("raw put v1/default/images/i/target/digest @a", "image create i target=a"),
            ("raw delete v1/default/leases/l/content/@a", "lease drop l content/a"),
            ("raw delete v1/default/images/i", "image delete i"),
            ("raw delete v1/default/images/i/labels/k", "image label i \"k\"="),
            ("raw put v1/default/content/ingests/r/expected @a", "content open r expect=a"),
            ("raw bucket v1/default/sandboxes/b/labels", "sandbox create b"),
            ("raw bucket v1/other", "namespace create other"),
            (
                "raw bucket v1/default/content/ingests/r",
                "lease create x; lease use x; content open r; lease none; lease delete x",
            ),
        ] {
            let offered = offered(&format!("{edit}\n"));
            assert!(offered.iter().any(|steps| steps == made), "{edit}: {offered:?}");
        }
    }

    #[test]
    fn a_client_acts_where_the_edit_did() {
        let offered = offered("namespace use a\nraw bucket v1/other/content/blob/@a\n");
        let there = "namespace use a; namespace use other; content put a; namespace use a";
        assert_eq!(offered, ["namespace use a; content put a", there]);
    }

    #[test]
    fn an_expiry_comes_from_a_daemon_that_opened_the_ingest_a_day_before() {
        let offered = offered(
            "now 2026-01-01T00:00:07Z\nraw put v1/default/content/ingests/r/expireat time=2026-01-01T00:00:06Z\n",
        );
        let exactly =
            "now 2026-01-01T00:00:07Z; now 2025-12-31T00:00:06Z; content open r; now 2026-01-01T00:00:07Z";
        assert!(offered.iter().any(|steps| steps == exactly), "{offered:?}");
    }

    #[test]
    fn a_clients_step_is_left_alone() {
        assert!(offered("content put a\n").is_empty());
        assert!(offered("raw sequence v1/default/content 7\n").is_empty());
        assert!(offered("raw bucket v2/default/content\n").is_empty());
    }
}
