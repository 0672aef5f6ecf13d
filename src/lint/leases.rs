//! Leases: when they end, and whether what they list is there.

use super::finding::{Findings, Object, and_more};
use super::lints::Lint;
use super::namespace::{Namespace, labels};
use crate::bucket::View;
use crate::instant::Instant;
use crate::node::Kind;
use crate::schema::{names, time};
use crate::situation::Situation;
use crate::text;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// So far ahead an end is hardly meant.
const YEAR_SECONDS: i64 = 365 * DAY_SECONDS;
/// So old a lease without an end has mostly outlived its client.
const WEEK_SECONDS: i64 = 7 * DAY_SECONDS;

/// Looks at the leases of a namespace, and at the ends of its images.
pub(super) fn lint(namespace: Namespace<'_>, situation: &Situation, findings: &mut Findings) {
    for (id, lease) in namespace.leases().buckets() {
        let object = || Object::node(Kind::Lease, namespace.name, id);
        if let Some((lint, text)) = end(lease, situation) {
            let finding = findings.add(lint, object(), text);
            if lint != Lint::LeaseExpired {
                finding.ctr(namespace.name, &[b"leases", b"rm"], &[id]);
            }
        }
        let mut dead = entries(lease, situation).filter(|entry| !namespace.has_object(entry));
        if let Some(first) = dead.next() {
            let text = format!("{} is missing{}", first.in_text(), and_more(dead.count()));
            findings.add(Lint::LeaseEntryDead, object(), text);
        }
    }
    if situation.release.rules().image_nodes {
        for (name, image) in namespace.images().buckets() {
            let expiry = expiry(image).filter(|expiry| time::parse_rfc3339(expiry).is_err());
            if let Some(expiry) = expiry {
                let object = Object::node(Kind::Image, namespace.name, name);
                findings.add(Lint::ExpiryUnparsable, object, no_time(expiry));
            }
        }
    }
}

/// The text of an object's `gc.expire`.
fn expiry(object: View<'_>) -> Option<&[u8]> {
    labels(object).find(|(key, _)| *key == names::GC_EXPIRE).map(|(_, value)| value)
}

fn no_time(expiry: &[u8]) -> String {
    format!("its gc.expire `{}` is no time", text::name(expiry))
}

/// What is to be said of a lease's end.
fn end(lease: View<'_>, situation: &Situation) -> Option<(Lint, String)> {
    let now = situation.now;
    let Some(text) = expiry(lease) else {
        let created = time::from_binary(lease.get(b"createdat")?).ok()?;
        let is_old = seconds_between(created, now) > WEEK_SECONDS;
        let text = || format!("it has no end and is of {}", time::format_rfc3339(created));
        return is_old.then(|| (Lint::LeaseWithoutExpiry, text()));
    };
    let Ok(expiry) = time::parse_rfc3339_of(situation.go(), text) else {
        return Some((Lint::ExpiryUnparsable, no_time(text)));
    };
    if now > expiry {
        return Some((Lint::LeaseExpired, format!("its end was {}", time::format_rfc3339_nano(expiry))));
    }
    (seconds_between(now, expiry) > YEAR_SECONDS)
        .then(|| (Lint::LeaseExpiryFar, format!("its end is {}", time::format_rfc3339_nano(expiry))))
}

fn seconds_between(from: Instant, to: Instant) -> i64 {
    to.seconds.saturating_sub(from.seconds)
}

/// What a lease lists and the release looks at, in the lease's namespace.
fn entries<'t>(lease: View<'t>, situation: &Situation) -> impl Iterator<Item = Object> {
    let flat =
        [(names::CONTENT, Kind::Content), (names::INGESTS, Kind::Ingest), (names::IMAGES, Kind::Image)];
    let has_images = situation.release.rules().image_nodes;
    let flat = flat.into_iter().filter(move |(_, kind)| *kind != Kind::Image || has_images);
    let flat = flat.flat_map(move |(folder, kind)| {
        let listed = lease.bucket(folder).into_iter().flat_map(View::iter);
        listed.map(move |(key, _)| Object::node(kind, b"", key))
    });
    let snapshotters = lease.bucket(names::SNAPSHOTS).into_iter().flat_map(View::buckets);
    let snapshots = snapshotters.flat_map(|(snapshotter, keys)| {
        keys.iter().map(move |(key, _)| Object::snapshot(b"", snapshotter, key))
    });
    flat.chain(snapshots)
}
