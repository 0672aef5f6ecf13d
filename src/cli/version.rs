//! Whose rules a database is judged by that nobody named a release for.
//!
//! Its version leaves several open: 3 is 1.6 and 1.7, 4 is 2.0 and later. All of them are asked; mostly they agree, and
//! one line says so. Where they do not, it says who would do what else.

use crate::bucket::Bucket;
use crate::engine::collect;
use crate::node::Kind;
use crate::release::Release;
use crate::schema::views;
use crate::situation::Situation;
use crate::text;
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

/// What the other releases that open the database would do, in a line or a few.
pub(super) fn others(situation: &Situation) -> String {
    let Some(version) = views::version(&situation.tree) else {
        return format!("the database has no version: judged by the rules of {}", situation.release);
    };
    let shown = situation.release;
    let open = |release: &Release| match version {
        4.. => *release >= Release::V2_0,
        _ => [Release::V1_6, Release::V1_7].contains(release),
    };
    let own = end(situation);
    let others = Release::ALL.into_iter().filter(|release| open(release) && *release != shown);
    let ends = others.map(|release| (release, end(&situation.under(release))));
    let (alike, different): (Vec<_>, Vec<_>) = ends.partition(|(_, other)| *other == own);
    let names = |ends: &[(Release, End)]| {
        ends.iter().map(|(release, _)| release.name()).collect::<Vec<_>>().join(", ")
    };
    if different.is_empty() {
        return format!(
            "judged by the rules of {shown}; of the others that open this database {} would do the same",
            names(&alike)
        );
    }
    let mut said = format!(
        "judged by the rules of {shown}; --release names the daemon that you have, as it matters here:"
    );
    if !alike.is_empty() {
        said.push_str(&format!("\n  {} would do the same", names(&alike)));
    }
    for (release, other) in &different {
        said.push_str(&format!("\n  {release} {}", difference(&own, other)));
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
