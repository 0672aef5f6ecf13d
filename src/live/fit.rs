//! A scenario as a real daemon can do it: its clock, its digests, its snapshotters.
//!
//! * Expiries. A scenario steers its clock and a daemon does not. What decides is on which side of each collection an expiry
//!   lies: one that lies before all later collections is written as a date far behind, one behind all as a date far ahead,
//!   and one that collections lie on both sides of as a moment shortly after the start, which is waited for.
//! * Digests. A name's digest is no digest of anything; content is written that has one, and that stands wherever the name's
//!   stood.
//! * Snapshotters that are built into containerd cannot be replaced by ours: they get a prefix.
//!
//! World and daemon then both do the fitted steps: whatever fitting does to their meaning, it does to both.

use crate::instant::Instant;
use crate::named::named;
use crate::scenario::{Expiry, Labels, Line, Name, SnapshotName, Step};
use crate::schema::{names, time};
use crate::world::sent::{CONTENT_BYTES, expiry_text};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

named! {
    /// Why a daemon cannot do a step.
    pub enum Unable {}
    Raw, "raw" => "no client can edit the database";
    Collector, "collector" => "a daemon's collectors are built in";
    Stream, "stream" => "streams are not driven yet";
    Half, "half" => "a call's two transactions cannot be held apart";
    Release, "release" => "one daemon is one release";
    Options, "options" => "a collection of a daemon cannot be cancelled at a root, and takes its own order";
    Cleanup, "cleanup" => "a daemon cleans up right after every collection";
    Scheduler, "scheduler" => "the daemon collects only when it is asked";
    Clock, "clock" => "a daemon has its own clock: expiries are moved instead, but for those of ingests, which stay a day ahead";
    Bytes, "bytes" => "names in calls are text, in headers visible ASCII, and so short that an error can repeat them";
    LeaseName, "lease-name" => "the lease service gives a lease without a name one at random";
    Content, "content" => "no content of this size, or of this sort of digest, can be written";
    Writer, "writer" => "a writer keeps the namespace and the lease that it was opened with";
    Parent, "parent" => "the client's protocol has no parent for a commit";
}

/// A fitted scenario.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Its steps, with why one is left out by both.
    pub steps: Vec<FittedStep>,
    /// Every snapshotter that it speaks of.
    pub snapshotters: BTreeSet<String>,
    /// The size of what is written, by digest.
    pub sizes: BTreeMap<Name, (Name, i64)>,
    /// The moments that are waited for, in order.
    pub crossed: Vec<Instant>,
}

/// A step of a fitted scenario.
#[derive(Clone, Debug)]
pub struct FittedStep {
    /// What is done.
    pub line: Line,
    /// Why it is not.
    pub unable: Option<Unable>,
    /// How many of the moments in [`Fitted::crossed`] lie before it.
    pub after: usize,
}

/// Far behind every collection, and far ahead.
const PAST: &[u8] = b"2001-01-01T00:00:00Z";
const FUTURE: &[u8] = b"2091-01-01T00:00:00Z";
/// No scenario takes so long.
const MARGIN: Duration = Duration::from_secs(24 * 3600);
/// Larger content is not written.
const CONTENT_BYTES_MAX: i64 = 1 << 20;
/// Snapshotters that a build of containerd may have.
const BUILT_IN: [&[u8]; 10] = [
    b"overlayfs",
    b"native",
    b"btrfs",
    b"devmapper",
    b"zfs",
    b"blockfile",
    b"erofs",
    b"aufs",
    b"windows",
    b"windows-lcow",
];
const SNAPSHOT_LABEL: &[u8] = b"containerd.io/gc.ref.snapshot.";

/// Fits a scenario to a daemon whose clock shows `start`; the moments that are waited for come a `lap` after each other.
pub fn fit(lines: &[Line], start: Instant, lap: Duration) -> Fitted {
    let mut contents = Contents::default();
    let mut steps: Vec<FittedStep> = Vec::with_capacity(lines.len());
    for line in lines {
        let unable = unable(&line.step).or_else(|| contents.note(line).err());
        steps.push(FittedStep { line: line.clone(), unable, after: 0 });
    }
    let crossed = Expiries::of(lines).fit(&mut steps, start, lap);
    let digests = contents.digests();
    let mut snapshotters = BTreeSet::new();
    for step in &mut steps {
        rename(&mut step.line.step, &digests);
        if step.unable.is_none() && !is_text(&mut step.line.step) {
            step.unable = Some(Unable::Bytes);
        }
        let named = snapshotter(&step.line.step).filter(|_| step.unable.is_none());
        snapshotters.extend(
            named.and_then(|name| String::from_utf8(name.to_vec()).ok()).filter(|name| !name.is_empty()),
        );
    }
    let sizes = contents.sizes.into_iter();
    let sizes =
        sizes.filter_map(|(digest, size)| Some((digests.get(&digest)?.clone(), (digest, size)))).collect();
    Fitted { steps, snapshotters, sizes, crossed }
}

/// The content that a name stands for: what is its own, over and over.
pub(super) fn content(name: &[u8], size: i64) -> Vec<u8> {
    let own = Sha256::digest(name);
    let size = usize::try_from(size).unwrap_or_default();
    own.iter().copied().cycle().take(size).collect()
}

fn unable(step: &Step) -> Option<Unable> {
    Some(match step {
        step if step.is_raw() => Unable::Raw,
        Step::CollectorDeclare { .. }
        | Step::CollectorList { .. }
        | Step::CollectorForget { .. }
        | Step::CollectorActive { .. }
        | Step::CollectorLeased { .. }
        | Step::CollectorBackReference { .. }
        | Step::CollectorReferences { .. }
        | Step::CollectorFail { .. }
        | Step::CollectorHeal { .. } => Unable::Collector,
        Step::StreamOpen { .. } | Step::StreamClose { .. } => Unable::Stream,
        Step::SnapshotPrepareBegin(_) | Step::SnapshotViewBegin(_) | Step::SnapshotFinish { .. } => {
            Unable::Half
        }
        Step::SnapshotCommit { parent: Some(_), .. } => Unable::Parent,
        Step::Release(_) => Unable::Release,
        Step::Gc { last, cancel_at_root } if last.is_some() || cancel_at_root.is_some() => Unable::Options,
        Step::Cleanup => Unable::Cleanup,
        Step::Scheduler(_) => Unable::Scheduler,
        Step::Now(_) | Step::Advance(_) => Unable::Clock,
        Step::LeaseCreate { lease, .. } if lease.is_empty() => Unable::LeaseName,
        _ => return None,
    })
}

/// Which content a scenario writes, each digest with one size.
#[derive(Default)]
struct Contents {
    sizes: BTreeMap<Name, i64>,
    announced: BTreeMap<(Option<Name>, Name), i64>,
}

impl Contents {
    fn note(&mut self, line: &Line) -> Result<(), Unable> {
        let of_client = |reference: &Name| (line.client.clone(), reference.clone());
        let (digest, size) = match &line.step {
            Step::ContentOpen { reference, size, .. } => {
                self.announced.insert(of_client(reference), size.unwrap_or_default());
                return Ok(());
            }
            Step::ContentCommit { reference, digest, size, .. } => {
                let announced = self.announced.get(&of_client(reference)).copied();
                (digest, size.or(announced.filter(|size| *size > 0)))
            }
            Step::ContentPut { digest, size, .. } => (digest, *size),
            _ => return Ok(()),
        };
        if !is_sha256(digest) {
            // A digest that is none is refused by everyone.
            let is_other = digest.starts_with(b"sha384:") || digest.starts_with(b"sha512:");
            return if is_other { Err(Unable::Content) } else { Ok(()) };
        }
        let known = self.sizes.get(digest).copied();
        let size = size.or(known).unwrap_or(CONTENT_BYTES);
        if !(0..=CONTENT_BYTES_MAX).contains(&size) || known.is_some_and(|known| known != size) {
            return Err(Unable::Content);
        }
        self.sizes.insert(digest.clone(), size);
        Ok(())
    }

    /// The digests of what is written in place of the scenario's.
    fn digests(&self) -> BTreeMap<Name, Name> {
        let real = |name: &Name, size| {
            let digest = Sha256::digest(content(name, size));
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{digits}").into_bytes()
        };
        self.sizes.iter().map(|(name, size)| (name.clone(), real(name, *size))).collect()
    }
}

fn is_sha256(digest: &[u8]) -> bool {
    let digits = digest.strip_prefix(b"sha256:").unwrap_or_default();
    digits.len() == 64 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// Puts the written content's digests and the served snapshotters in place.
fn rename(step: &mut Step, digests: &BTreeMap<Name, Name>) {
    step.for_each_name(&mut |name| {
        if let Some(digest) = digests.get(name) {
            name.clone_from(digest);
        } else if BUILT_IN.contains(&&name[..]) {
            *name = served(name);
        } else if let Some(snapshotter) =
            name.strip_prefix(b"snapshots/").filter(|name| BUILT_IN.contains(name))
        {
            *name = [b"snapshots/", &served(snapshotter)[..]].concat();
        }
    });
    if let Some(labels) = step.labels_mut() {
        let relabelled = |(key, value): &(Name, Name)| (label_key(key), value.clone());
        let labelled: Labels = labels.as_slice().iter().map(relabelled).collect();
        *labels = labelled;
    }
}

/// The name under which a built-in snapshotter is served by ours.
fn served(name: &[u8]) -> Name {
    [b"live-", name].concat()
}

fn label_key(key: &Name) -> Name {
    let Some(rest) = key.strip_prefix(SNAPSHOT_LABEL) else { return key.clone() };
    let end = rest.iter().position(|byte| matches!(byte, b'.' | b'/')).unwrap_or(rest.len());
    let (snapshotter, rest) = rest.split_at(end);
    match BUILT_IN.contains(&snapshotter) {
        true => [SNAPSHOT_LABEL, &served(snapshotter), rest].concat(),
        false => key.clone(),
    }
}

/// Longer names do not fit into the header in which gRPC sends an error.
const NAME_BYTES_MAX: usize = 2_000;

/// Whether all that it sends is text.
fn is_text(step: &mut Step) -> bool {
    let mut is_text = true;
    step.for_each_name(&mut |name| {
        is_text &= name.len() <= NAME_BYTES_MAX && std::str::from_utf8(name).is_ok()
    });
    let keys = step
        .labels_mut()
        .is_none_or(|labels| labels.as_slice().iter().all(|(key, _)| std::str::from_utf8(key).is_ok()));
    is_text && keys
}

fn snapshotter(step: &Step) -> Option<&Name> {
    let SnapshotName { snapshotter, .. } = match step {
        Step::SnapshotPrepare(new) | Step::SnapshotView(new) => &new.snapshot,
        Step::SnapshotCommit { snapshot, .. }
        | Step::SnapshotLabel { snapshot, .. }
        | Step::SnapshotRemove { snapshot } => snapshot,
        _ => return None,
    };
    Some(snapshotter)
}

/// When things expire, and when is collected, by the scenario's own clock.
struct Expiries {
    /// The clock at each step, as expiries are counted from it.
    clock: Vec<Instant>,
    /// The latest that it showed until then: a daemon's is never set back.
    latest: Vec<Instant>,
    /// The steps that collect.
    collections: Vec<usize>,
}

impl Expiries {
    fn of(lines: &[Line]) -> Expiries {
        let mut now = crate::scenario::CLOCK_START;
        let mut expiries = Expiries { clock: Vec::new(), latest: Vec::new(), collections: Vec::new() };
        for (place, line) in lines.iter().enumerate() {
            match &line.step {
                Step::Now(to) => now = *to,
                Step::Advance(by) => now = now.plus(*by),
                Step::Gc { .. }
                | Step::ImageDelete { sync: true, .. }
                | Step::LeaseDelete { sync: true, .. } => {
                    expiries.collections.push(place);
                }
                _ => {}
            }
            expiries.clock.push(now);
            let before = expiries.latest.last().copied();
            expiries.latest.push(before.map_or(now, |before| before.max(now)));
        }
        expiries
    }

    /// Moves what the steps say to the daemon's clock; gives the moments that are waited for.
    fn fit(&self, steps: &mut [FittedStep], start: Instant, lap: Duration) -> Vec<Instant> {
        let mut crossing: BTreeSet<Instant> = BTreeSet::new();
        for (place, step) in steps.iter_mut().enumerate() {
            each_expiry(&mut step.line.step, self.clock[place], &mut |at| {
                crossing.extend((self.side(place, at) == Side::Both).then_some(at));
                None
            });
        }
        let crossing: Vec<Instant> = crossing.into_iter().collect();
        let moment = |rank: usize| start.plus(lap * u32::try_from(rank + 1).unwrap_or(u32::MAX));
        for (place, step) in steps.iter_mut().enumerate() {
            step.after = crossing.partition_point(|at| *at < self.latest[place]);
            let now = self.clock[place];
            each_expiry(&mut step.line.step, now, &mut |at| match self.side(place, at) {
                // What lies on the right side of the daemon's clock may stay as it is spelled.
                Side::Before => (at >= start).then(|| PAST.to_vec()),
                Side::Behind => (at <= start.plus(MARGIN)).then(|| FUTURE.to_vec()),
                Side::Both => {
                    let rank = crossing.binary_search(&at).ok()?;
                    Some(time::format_rfc3339_nano(moment(rank)).into_bytes())
                }
            });
        }
        (0..crossing.len()).map(moment).collect()
    }

    /// On which side of the collections behind a step a moment lies.
    fn side(&self, place: usize, at: Instant) -> Side {
        let mut sides = self.collections.iter().filter(|collection| **collection > place);
        let is_expired = |collection: &usize| at < self.latest[*collection];
        let Some(first) = sides.next().map(is_expired) else { return Side::Behind };
        match (first, sides.all(|collection| is_expired(collection) == first)) {
            (_, false) => Side::Both,
            (true, true) => Side::Before,
            (false, true) => Side::Behind,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Before all of them.
    Before,
    /// Behind all of them.
    Behind,
    /// Between.
    Both,
}

/// Hands out every expiry that a step says and that is a time; puts in place what it gets.
fn each_expiry(step: &mut Step, now: Instant, each: &mut dyn FnMut(Instant) -> Option<Name>) {
    let expire = match step {
        Step::LeaseCreate { expire, .. } => expire.as_mut(),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => fields.expire.as_mut(),
        _ => None,
    };
    if let Some(expire) = expire {
        let text = expiry_text(now, expire);
        if let Some(text) = time::parse_rfc3339(&text).ok().and_then(&mut *each) {
            *expire = Expiry::Text(text);
        } else if !matches!(expire, Expiry::Text(_)) {
            *expire = Expiry::Text(text);
        }
    }
    if let Some(labels) = step.labels_mut()
        && let Some(text) = labels.get(names::GC_EXPIRE)
        && let Some(text) = time::parse_rfc3339(text).ok().and_then(&mut *each)
    {
        labels.insert(names::GC_EXPIRE.to_vec(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{parse, print_line};

    const START: Instant =
        Instant { seconds: crate::instant::UNIX_EPOCH_SECONDS + 1_800_000_000, nanoseconds: 0 };

    fn fitted(text: &str) -> Fitted {
        fit(&parse(text.as_bytes()).expect("it parses").lines, START, Duration::from_secs(1))
    }

    fn lines(fitted: &Fitted) -> Vec<String> {
        fitted
            .steps
            .iter()
            .filter(|step| step.unable.is_none())
            .map(|step| print_line(&step.line).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn an_expiry_goes_to_the_side_of_the_daemon_s_clock_on_which_the_collections_see_it() {
        let fitted = fitted(
            "lease create behind expire=2020-01-01T00:00:00Z\nlease create soon expire=+1h\nlease create never expire=+9h\n\
             lease create odd expire=\"tomorrow\"\ngc\nadvance 1h1s\ngc\n",
        );
        let expected = [
            "lease create behind expire=2020-01-01T00:00:00Z",
            "lease create soon expire=2027-01-15T08:00:01Z",
            "lease create never expire=2091-01-01T00:00:00Z",
            "lease create odd expire=\"tomorrow\"",
            "gc",
            "gc",
        ];
        assert_eq!(lines(&fitted), expected);
        assert_eq!(fitted.crossed, [START.plus(Duration::from_secs(1))]);
        let after: Vec<usize> = fitted.steps.iter().map(|step| step.after).collect();
        assert_eq!(after, [0, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn what_has_expired_for_every_collection_is_written_as_long_ago() {
        let fitted = fitted("lease create a expire=+1h\nadvance 2h\ngc\nnow 2026-01-01T00:00:00Z\ngc\n");
        assert_eq!(lines(&fitted)[0], "lease create a expire=2026-01-01T01:00:00Z", "it is long ago already");
        let fitted = fit(
            &parse(b"lease create a expire=+1h\nadvance 2h\ngc\n").expect("it parses").lines,
            Instant { seconds: 0, nanoseconds: 0 },
            Duration::from_secs(1),
        );
        assert_eq!(lines(&fitted)[0], "lease create a expire=2001-01-01T00:00:00Z");
    }

    #[test]
    fn a_digest_is_that_of_what_is_written_wherever_it_stands() {
        let fitted = fitted(
            "content put layer size=3\ncontent put top gc.ref.content.0=@layer\nimage create main target=top\n",
        );
        let digest = |name: &str| {
            let known = fitted
                .sizes
                .iter()
                .find(|(_, (own, _))| crate::scenario::alias::name_of(own).as_deref() == Some(name));
            let (digest, (own, size)) = known.expect("it is written");
            let real: String =
                Sha256::digest(content(own, *size)).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(String::from_utf8_lossy(digest), format!("sha256:{real}"));
            format!("sha256:{real}")
        };
        let (layer, top) = (digest("layer"), digest("top"));
        let lines = lines(&fitted);
        assert!(
            lines[0].contains(&layer) && lines[1].contains(&layer) && lines[1].contains(&top),
            "{lines:?}"
        );
        assert!(lines[2].contains(&top), "{lines:?}");
    }

    #[test]
    fn built_in_snapshotters_are_served_under_another_name_in_labels_too() {
        let fitted = fitted(
            "snapshot prepare overlayfs/a\nsnapshot prepare stargz/b\ncontent put c gc.ref.snapshot.overlayfs=a \
             gc.ref.snapshot.overlayfs.1=a gc.ref.snapshot.overlay=a\nlease add l snapshot/overlayfs/a\n",
        );
        let snapshotters: Vec<&str> = fitted.snapshotters.iter().map(String::as_str).collect();
        assert_eq!(snapshotters, ["live-overlayfs", "stargz"]);
        let lines = lines(&fitted);
        assert_eq!(lines[0], "snapshot prepare live-overlayfs/a");
        assert!(
            lines[2].contains("gc.ref.snapshot.live-overlayfs=a gc.ref.snapshot.live-overlayfs.1=a"),
            "{}",
            lines[2]
        );
        assert!(lines[2].contains("gc.ref.snapshot.overlay=a"), "{}", lines[2]);
        assert_eq!(lines[3], "lease add l snapshot/live-overlayfs/a");
    }

    #[test]
    fn what_a_daemon_cannot_do_is_left_out_with_its_reason() {
        let fitted = fitted(
            "raw bucket v1/default\nadvance 1s\ncleanup\ngc cancel-at-root=1\nlease create \"\"\ncontent put a size=1\n\
             content put a size=2\ncontent put b size=9999999\nlease create \"\\xff\"\nrelease 2.1\n",
        );
        let unable: Vec<Option<Unable>> = fitted.steps.iter().map(|step| step.unable).collect();
        use Unable::{Bytes, Cleanup, Clock, Content, LeaseName, Options, Raw, Release};
        let expected = [Raw, Clock, Cleanup, Options, LeaseName];
        assert_eq!(unable[..5], expected.map(Some));
        assert_eq!(unable[5..], [None, Some(Content), Some(Content), Some(Bytes), Some(Release)]);
    }
}
