//! Whose rules a database is judged by that nobody named a release for.
//!
//! Its version leaves several open: 3 is what 1.6 and 1.7 write, 4 what 2.0 and later do. All of them are asked; mostly they agree, and
//! one line says so. Where they do not, it says who would do what else. A database without a version, or of one that no known
//! release writes, may be any daemon's: it is judged by the newest rules that were final when they were read.

use super::notes::Notes;
use super::terminal;
use crate::bucket::Bucket;
use crate::engine::collect;
use crate::node::Kind;
use crate::release::Release;
use crate::report::collect::{Releases, dies_of_failure};
use crate::schema::{names, views};
use crate::situation::Situation;
use crate::text;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What a collection comes to: the objects that go, or why it fails.
type End = Result<BTreeSet<(Kind, Box<[u8]>, Box<[u8]>)>, String>;

/// The newest release that was final when the rules were read.
const NEWEST_FINAL: Release = Release::V2_3;

/// Who may have written a database, as far as its version tells.
enum Writers {
    /// Any: it has no version.
    Unversioned,
    /// None that is known: the version is of no release, or no number.
    Unknown,
    /// None that is known: the version is one before 3. A daemon of any release brings the database up to its own.
    Early,
    /// Those of version 3.
    Of3,
    /// Those of version 4.
    Of4,
}

impl Writers {
    fn of(tree: &Bucket) -> Writers {
        match tree.bucket(names::V1).map(|v1| v1.get(names::VERSION)) {
            None | Some(None) => Writers::Unversioned,
            Some(Some(_)) => match views::version(tree) {
                Some(1..=2) => Writers::Early,
                Some(3) => Writers::Of3,
                Some(4) => Writers::Of4,
                _ => Writers::Unknown,
            },
        }
    }

    /// Whether a release is one of them, or may be.
    fn may_be(&self, release: Release) -> bool {
        match self {
            Writers::Unversioned | Writers::Unknown => true,
            Writers::Of3 | Writers::Early => [Release::V1_6, Release::V1_7].contains(&release),
            Writers::Of4 => release >= Release::V2_0,
        }
    }
}

/// What the releases that may be the daemon's do with a database.
pub(super) struct Others {
    /// Those beside the one that is shown.
    pub(super) releases: Releases,
    /// Those by which the collection fails, the one that is shown among them.
    pub(super) failing: Vec<Release>,
}

/// The release that is shown for a database's version: of those that write it the newest that was final when the rules
/// were read.
pub(super) fn shown(tree: &Bucket) -> Release {
    match Writers::of(tree) {
        Writers::Of3 | Writers::Early => Release::V1_7,
        Writers::Of4 | Writers::Unknown | Writers::Unversioned => NEWEST_FINAL,
    }
}

/// The version up to which a daemon of a release brings a database when it opens it (`dbVersion` in `metadata/db.go`).
fn version_of(release: Release) -> i64 {
    if release >= Release::V2_0 { 4 } else { 3 }
}

/// Notes what daemons of releases that somebody named make of the database's version, where it is not their own, and
/// which of their rules may change yet. `is_migrated` says whether the command does as such a daemon does first.
pub(super) fn warn(tree: &Bucket, releases: &[Release], is_migrated: bool, notes: &mut Notes) {
    let version = views::version(tree);
    for own in releases.iter().map(|release| version_of(*release)).collect::<BTreeSet<_>>() {
        let of = releases.iter().filter(|release| version_of(**release) == own);
        let of = of.map(|release| release.name()).collect::<Vec<_>>().join(" or ");
        let made = match version.map(|version| (version, version.cmp(&own))) {
            None | Some((_, Ordering::Equal)) => continue,
            Some((_, Ordering::Less)) if is_migrated => format!("first makes it {own}, as is done here"),
            Some((_, Ordering::Less)) => format!("first makes it {own}, as `diff` does and this does not"),
            Some((_, Ordering::Greater)) => format!("knows none above {own}, and collects all the same"),
        };
        let version = version.unwrap_or_default();
        notes.say(format_args!("the database is of version {version}; a daemon of {of} {made}"));
    }
    warn_of_rules(releases, notes);
}

/// Notes that the rules of a release were read before it was final.
pub(super) fn warn_of_rules(releases: &[Release], notes: &mut Notes) {
    if releases.contains(&Release::V2_4) {
        notes.say("the rules of 2.4 were read in 2.4.0-beta.0");
    }
}

/// Says whose rules a database is judged by, and what the others do that may be the daemon's. Where that is a matter of
/// choice it is noted, too; where all agree that write such a database the report itself has it.
pub(super) fn say(situation: &Situation, others: &Others, notes: &mut Notes) {
    let (shown, Others { releases, .. }) = (situation.release, others);
    let why = match (Writers::of(&situation.tree), views::version(&situation.tree)) {
        (Writers::Of3 | Writers::Of4, _) if releases.differ.is_empty() => {
            return terminal::say(said(shown, "", releases));
        }
        (Writers::Of3 | Writers::Of4, _) => return notes.say(said(shown, "", releases)),
        (Writers::Unversioned, _) => "the database has no version".to_owned(),
        (Writers::Early, version) => {
            let version = version.unwrap_or_default();
            format!(
                "version {version} of the database is that of a containerd before 1.6, whose rules are not known here; a later daemon \
                 first brings it up to its own version, which is not done here"
            )
        }
        (_, Some(version)) => format!("no known release writes version {version} of the database"),
        (_, None) => "the database's version is no number, which no known release writes".to_owned(),
    };
    let which = match Writers::of(&situation.tree) {
        Writers::Early => ", which keeps version 3",
        _ => ", the newest release that was final",
    };
    notes.say(format_args!("{why}: {}", said(shown, which, releases)));
}

/// What the releases that may be the daemon's would do.
pub(super) fn others(situation: &Situation) -> Others {
    let writers = Writers::of(&situation.tree);
    let own = end(situation);
    let others = Release::ALL.into_iter().filter(|release| *release != situation.release);
    let ends: Vec<(Release, End)> = others
        .filter(|release| writers.may_be(*release))
        .map(|release| (release, end(&situation.under(release))))
        .collect();
    let all =
        [(situation.release, &own)].into_iter().chain(ends.iter().map(|(release, end)| (*release, end)));
    let failing = all.filter(|(_, end)| end.is_err()).map(|(release, _)| release).collect();
    let (alike, different): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(_, other)| *other == own);
    let differ = different.into_iter().map(|(release, other)| {
        let dies = match other {
            Err(_) if dies_of_failure(release) => "; it dies if that is its first collection after its start",
            _ => "",
        };
        (release, difference(&own, &other) + dies)
    });
    let agree = alike.into_iter().map(|(release, _)| release).collect();
    Others { releases: Releases { agree, differ: differ.collect() }, failing }
}

/// The same in a line or a few; `why` is why that one is shown, where its version does not say it.
fn said(shown: Release, why: &str, Releases { agree, differ }: &Releases) -> String {
    let agree = agree.iter().map(|release| release.name()).collect::<Vec<_>>().join(", ");
    if differ.is_empty() {
        let all = match why {
            "" => "of the releases that write this version of the database",
            _ => "--release names the daemon that you have;",
        };
        return format!("judged by the rules of {shown}{why}; {all} {agree} would do the same");
    }
    let mut said = format!(
        "judged by the rules of {shown}{why}; --release names the daemon that you have, as it matters here:"
    );
    if !agree.is_empty() {
        said.push_str(&format!("\n  {agree} would do the same"));
    }
    for (release, difference) in differ {
        said.push_str(&format!("\n  {release} {difference}"));
    }
    said
}

fn end(situation: &Situation) -> End {
    let outcome = collect(situation);
    match &outcome.error {
        Some(error) => Err(error.to_string()),
        None => Ok(outcome
            .refs(&outcome.removed)
            .map(|node| {
                let kind = situation.release.exact_kind_of(node.resource_type);
                (kind, node.namespace.into(), node.key.into())
            })
            .collect()),
    }
}

/// What another release does that the shown one does not, and the other way round.
fn difference(own: &End, other: &End) -> String {
    let (own, other) = match (own, other) {
        (_, Err(error)) => return format!("would fail: {}", text::name(error.as_bytes())),
        (Err(_), Ok(other)) => {
            return format!("would succeed and remove {}", text::counted(other.len() as u64, "object"));
        }
        (Ok(own), Ok(other)) => (own, other),
    };
    let list = |verb: &str, these: &End, less: &End| -> Option<String> {
        let (Ok(these), Ok(less)) = (these, less) else { return None };
        let mut objects = these.difference(less);
        let (kind, namespace, key) = objects.next()?;
        let first = format!("{}/{kind}/{}", text::name(namespace), text::name(key));
        let more = match objects.count() {
            0 => String::new(),
            more => format!(" and {} more", text::count(more as u64)),
        };
        Some(format!("{verb} {first}{more}"))
    };
    let (own, other) = (Ok(own.clone()), Ok(other.clone()));
    let parts = [list("would remove", &other, &own), list("would keep", &own, &other)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", and ")
}
