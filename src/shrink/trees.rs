//! A database with its collectors: collectors, what they say, and entries of the tree are left out.

use super::{Shrink, Way};
use crate::collector::Collector;
use crate::situation::Situation;
use std::sync::Arc;

impl Shrink for Situation {
    const WAYS: &'static [Way<Situation>] = &[without_collector, with_simpler_collector, without_entry];
}

fn without_collector(case: &Situation, place: usize) -> Option<Vec<Situation>> {
    let gone = case.collectors.get(place)?.resource_type;
    let mut smaller = case.clone();
    Arc::make_mut(&mut smaller.collectors).remove(place);
    smaller.last_iterated = case.last_iterated.filter(|last| *last != gone);
    Some(vec![smaller])
}

fn with_simpler_collector(case: &Situation, place: usize) -> Option<Vec<Situation>> {
    let with = |simpler| {
        let mut smaller = case.clone();
        Arc::make_mut(&mut smaller.collectors)[place] = simpler;
        smaller
    };
    Some(simpler(case.collectors.get(place)?).into_iter().map(with).collect())
}

/// The collector without one of its errors, without its label, or with an entry less in one of its lists.
fn simpler(collector: &Collector) -> Vec<Collector> {
    let like = || collector.clone();
    let mut simpler = vec![
        Collector { start_error: false, ..like() },
        Collector { cancel_error: false, ..like() },
        Collector { finish_error: false, ..like() },
        Collector { reference_label: Vec::new(), ..like() },
    ];
    simpler.retain(|simpler| simpler != collector);
    simpler.extend(each_less(&collector.all).map(|all| Collector { all, ..like() }));
    simpler.extend(each_less(&collector.active).map(|active| Collector { active, ..like() }));
    simpler.extend(each_less(&collector.leased).map(|leased| Collector { leased, ..like() }));
    let back_references = each_less(&collector.active_back_references);
    simpler.extend(back_references.map(|less| Collector { active_back_references: less, ..like() }));
    simpler.extend(each_less(&collector.references).map(|references| Collector { references, ..like() }));
    for (at, (_, targets)) in collector.references.iter().enumerate() {
        simpler.extend(each_less(targets).map(|targets| {
            let mut simpler = like();
            simpler.references[at].1 = targets;
            simpler
        }));
    }
    simpler
}

/// The list without each of its entries in turn.
fn each_less<T: Clone>(list: &[T]) -> impl Iterator<Item = Vec<T>> {
    (0..list.len()).map(|at| [&list[..at], &list[at + 1..]].concat())
}

/// A bucket goes with all below it.
fn without_entry(case: &Situation, place: usize) -> Option<Vec<Situation>> {
    let mut entries = case.tree.view().walk_paths().flat_map(|(path, bucket)| {
        bucket.iter().map(move |(key, entry)| (path.clone(), key, entry.bucket().is_some()))
    });
    let (path, key, is_bucket) = entries.nth(place)?;
    let mut smaller = case.clone();
    let removed = match is_bucket {
        true => smaller.tree.delete_bucket(&path, key),
        false => smaller.tree.delete(&path, key),
    };
    removed.expect("the entry was read from this tree");
    Some(vec![smaller])
}
