//! Makes a case small while it still shows what it shows.
//!
//! One thing after another is left out: collectors, entries of their lists, buckets with all below them, values. What
//! still shows the same without it stays out, until nothing more can be left out: the result is 1-minimal.

use crate::bucket::{Bucket, Entry, View};
use crate::collector::Collector;
use crate::situation::Situation;
use std::sync::Arc;

/// The case with everything left out that `shows` does not need. It shows what the given one shows.
pub fn shrink(case: Situation, shows: &dyn Fn(&Situation) -> bool) -> Situation {
    let mut case = case;
    loop {
        let mut is_smaller = false;
        let mut at = 0;
        while let Some(smaller) = without(&case, at) {
            if shows(&smaller) {
                // What follows has moved to this place.
                case = smaller;
                is_smaller = true;
            } else {
                at += 1;
            }
        }
        if !is_smaller {
            return case;
        }
    }
}

/// The case without the thing at a place, counted over collectors, their entries and the tree; none behind the last.
fn without(case: &Situation, at: usize) -> Option<Situation> {
    let mut smaller = case.clone();
    let mut at = at;
    if at < case.collectors.len() {
        Arc::make_mut(&mut smaller.collectors).remove(at);
        let is_there = |last| smaller.collectors.iter().any(|collector| collector.resource_type == last);
        smaller.last_iterated = case.last_iterated.filter(|last| is_there(*last));
        return Some(smaller);
    }
    at -= case.collectors.len();
    for collector in Arc::make_mut(&mut smaller.collectors) {
        match without_entry(collector, at) {
            None => return Some(smaller),
            Some(rest) => at = rest,
        }
    }
    let path = paths(case.tree.view()).into_iter().nth(at)?;
    remove(&mut smaller.tree, &path);
    Some(smaller)
}

/// Takes out the entry at a place; gives what remains of the place if it lies behind this collector's entries.
fn without_entry(collector: &mut Collector, at: usize) -> Option<usize> {
    let mut at = at;
    if collector.start_error || !collector.reference_label.is_empty() {
        if at == 0 && collector.start_error {
            collector.start_error = false;
            return None;
        }
        if at == 0 {
            collector.reference_label.clear();
            return None;
        }
        at -= 1;
    }
    at = take(&mut collector.all, at)?;
    at = take(&mut collector.active, at)?;
    at = take(&mut collector.leased, at)?;
    at = take(&mut collector.active_back_references, at)?;
    at = take(&mut collector.references, at)?;
    for (_, targets) in &mut collector.references {
        at = take(targets, at)?;
    }
    Some(at)
}

fn take<T>(list: &mut Vec<T>, at: usize) -> Option<usize> {
    if at < list.len() {
        list.remove(at);
        return None;
    }
    Some(at - list.len())
}

/// The path of every entry, a bucket before what it holds.
fn paths(tree: View<'_>) -> Vec<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    let mut pending = vec![(Vec::new(), Entry::Bucket(tree))];
    while let Some((path, entry)) = pending.pop() {
        if let Entry::Bucket(bucket) = entry {
            let below = |(key, entry): (&[u8], _)| {
                let mut path: Vec<Vec<u8>> = path.clone();
                path.push(key.to_vec());
                (path, entry)
            };
            let mut entries: Vec<_> = bucket.iter().map(below).collect();
            entries.reverse();
            pending.extend(entries);
        }
        if !path.is_empty() {
            paths.push(path);
        }
    }
    paths
}

fn remove(tree: &mut Bucket, path: &[Vec<u8>]) {
    let keys: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let (key, around) = keys.split_last().expect("a path has at least one key");
    let is_bucket = tree.view().at(&keys).is_some();
    let removed = if is_bucket { tree.delete_bucket(around, key) } else { tree.delete(around, key) };
    removed.expect("the path was read from this tree");
}
