//! Whose rules a database is judged by that nobody named a release for.
//!
//! Its version leaves several open: 3 is what 1.6 and 1.7 write, 4 what 2.0 and later do. All of them are asked; mostly they agree, and
//! one line says so. Where they do not, it says who would do what else.

use super::notes::Notes;
use super::terminal;
use crate::bucket::Bucket;
use crate::engine::collect;
use crate::node::Kind;
use crate::release::Release;
use crate::report::collect::Releases;
use crate::schema::views;
use crate::situation::Situation;
use crate::text;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// What a collection comes to: the objects that go, or why it fails.
type End = Result<BTreeSet<(Kind, Box<[u8]>, Box<[u8]>)>, String>;

/// The release that is shown for a database's version: of those that open it the newest that was released when the rules
/// were read.
pub(super) fn shown(tree: &Bucket) -> Release {
    match views::version(tree) {
        Some(4..) => Release::V2_3,
        Some(_) => Release::V1_7,
        None => Release::default(),
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

/// Says whose rules a database is judged by. Where that is a matter of choice it is noted, too; where all agree the
/// report itself has it.
pub(super) fn say(shown: Release, others: Option<&Releases>, notes: &mut Notes) {
    let said = said(shown, others);
    match others {
        Some(Releases { differ, .. }) if differ.is_empty() => terminal::say(said),
        _ => notes.say(said),
    }
}

/// What the other releases that write the database's version would do; none where it has no version.
pub(super) fn others(situation: &Situation) -> Option<Releases> {
    let version = views::version(&situation.tree)?;
    let write = |release: &Release| match version {
        4.. => *release >= Release::V2_0,
        _ => [Release::V1_6, Release::V1_7].contains(release),
    };
    let own = end(situation);
    let others = Release::ALL.into_iter().filter(|release| write(release) && *release != situation.release);
    let ends = others.map(|release| (release, end(&situation.under(release))));
    let (alike, different): (Vec<_>, Vec<_>) = ends.partition(|(_, other)| *other == own);
    let differ = different.into_iter().map(|(release, other)| (release, difference(&own, &other)));
    Some(Releases {
        agree: alike.into_iter().map(|(release, _)| release).collect(),
        differ: differ.collect(),
    })
}

/// The same in a line or a few.
fn said(shown: Release, others: Option<&Releases>) -> String {
    let Some(Releases { agree, differ }) = others else {
        return format!("the database has no version: judged by the rules of {shown}");
    };
    let agree = agree.iter().map(|release| release.name()).collect::<Vec<_>>().join(", ");
    if differ.is_empty() {
        return format!(
            "judged by the rules of {shown}; of the releases that write this version of the database {agree} would do the same"
        );
    }
    let mut said = format!(
        "judged by the rules of {shown}; --release names the daemon that you have, as it matters here:"
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
