//! By which rule two collections fail differently.

use super::class::Class;
use super::compare::{EndsDiffer, Fate};
use super::judged::Judged;
use super::rule::class_of_chain;
use crate::node::Kind;
use crate::oracle::{End, Progress, RunError};
use std::collections::BTreeMap;

/// Why two collections end with different errors: the error that only one of them may meet has a cause, and where
/// both may meet the same ones the order decides.
pub(super) fn class_of_errors<'a>(from: &Judged<'a>, to: &Judged<'a>) -> Class {
    for (meets, other) in [(from, to), (to, from)] {
        let own = meets.judgement.errors().difference(other.judgement.errors());
        let mut classes = own.map(|error| class_of_error(meets, other, error));
        if let Some(class) = classes.find(|class| *class != Class::Unexplained) {
            return class;
        }
    }
    let errors = from.judgement.errors();
    let order_decides = errors == to.judgement.errors() && errors.len() > 1;
    if order_decides { Class::ErrorOrder } else { Class::Unexplained }
}

/// Why one side may meet an error that the other does not.
fn class_of_error(meets: &Judged<'_>, other: &Judged<'_>, error: &RunError) -> Class {
    match error {
        // Every release reads every ingest.
        RunError::Undecodable(_) => Class::Unexplained,
        RunError::InvalidSnapshotKey(key) => {
            let snapshot = meets.release().type_of(Kind::Snapshot);
            let kept = meets.judgement.kept();
            let named = kept.iter().filter(|node| Some(node.resource_type) == snapshot && node.key == *key);
            let mut only_here = named.filter(|node| !other.reaches(node.as_ref(), meets.release()));
            only_here.next().map_or(Class::Unexplained, |node| class_of_chain(meets, other, node.as_ref()))
        }
        // Where marking fails nothing is swept, and the reason lies with that error.
        RunError::BucketNotFound | RunError::IncompatibleValue
            if other.judgement.progress() == Progress::MarkFailed =>
        {
            Class::Unexplained
        }
        // The sweep stumbles over a snapshot whose snapshotter has a slash, where the other side keeps it.
        RunError::BucketNotFound | RunError::IncompatibleValue => {
            let slashes = |key: &[u8]| key.iter().filter(|byte| **byte == b'/').count();
            let cut = meets.swept.iter().filter(|(named, swept)| {
                let is_cut = named.kind == Kind::Snapshot && slashes(&named.key) > 1;
                is_cut && !matches!(swept.fate, Fate::Kept(_))
            });
            let kept = cut.filter_map(|(named, _)| other.swept.get(named));
            let mut kept = kept.filter(|swept| matches!(swept.fate, Fate::Kept(_)));
            kept.next().map_or(Class::Unexplained, |swept| class_of_chain(other, meets, swept.node.as_ref()))
        }
    }
}

/// Collectors of both sides that hear another last call after marking failed on both.
pub(super) fn ends<'a>(from: &Judged<'a>, to: &Judged<'a>) -> Vec<EndsDiffer> {
    let sides = [from, to];
    if sides.iter().any(|side| side.judgement.progress() != Progress::MarkFailed) {
        return Vec::new();
    }
    let [from_ends, to_ends] = sides.map(|side| -> BTreeMap<Kind, End> {
        let ends = side.judgement.collector_ends().into_iter();
        ends.map(|(resource_type, end)| (side.release().kind_of(resource_type), end)).collect()
    });
    let [from_cancels, to_cancels] = sides.map(|side| side.release().rules().cancel_after_failed_mark);
    let class = if from_cancels == to_cancels { Class::Unexplained } else { Class::CancelAfterFailedMark };
    let both = from_ends.into_iter().filter_map(|(kind, end)| Some((kind, end, *to_ends.get(&kind)?)));
    let differ = both.filter(|(_, from, to)| from != to);
    differ.map(|(kind, from, to)| EndsDiffer { class, kind, from, to }).collect()
}
