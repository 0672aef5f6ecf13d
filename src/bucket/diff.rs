//! What changed between two trees.

use super::{Bucket, Entry, View};

/// One difference between two trees: a path of keys and what stood and stands there.
///
/// A sub-bucket that came or went whole is one change; one that both trees have is entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change<'a> {
    /// The keys from the root down; empty where only the root's sequence number differs.
    pub path: Vec<&'a [u8]>,
    /// What stood there before.
    pub before: Option<Entry<'a>>,
    /// What stands there after.
    pub after: Option<Entry<'a>>,
}

/// Every difference from `before` to `after`, in the order of the paths, a bucket before what it holds.
/// Shared parts are skipped without being read, so the cost follows the change and not the size.
pub fn diff<'a>(before: &'a Bucket, after: &'a Bucket) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    if before.same_block(after) {
        return changes;
    }
    // A work list of bucket pairs; reversed where it grows, so that paths come out in order.
    let mut pending = vec![Pending {
        path: Vec::new(),
        before: Some(Entry::Bucket(before.view())),
        after: Some(Entry::Bucket(after.view())),
    }];
    while let Some(Pending { path, before, after }) = pending.pop() {
        let (Some(Entry::Bucket(old)), Some(Entry::Bucket(new))) = (before, after) else {
            if before != after {
                changes.push(Change { path, before, after });
            }
            continue;
        };
        if old.sequence() != new.sequence() {
            changes.push(Change { path: path.clone(), before, after });
        }
        let entries = changed_entries(old, new).into_iter().rev();
        pending.extend(entries.map(|(key, before, after)| {
            let mut path = path.clone();
            path.push(key);
            Pending { path, before, after }
        }));
    }
    changes
}

struct Pending<'a> {
    path: Vec<&'a [u8]>,
    before: Option<Entry<'a>>,
    after: Option<Entry<'a>>,
}

type ChangedEntry<'a> = (&'a [u8], Option<Entry<'a>>, Option<Entry<'a>>);

/// The keys whose entries differ, one level deep.
fn changed_entries<'a>(old: View<'a>, new: View<'a>) -> Vec<ChangedEntry<'a>> {
    if let (Some(old), Some(new)) = (old.as_wide(), new.as_wide()) {
        return old.diff(new);
    }
    let (mut left, mut right) = (old.cursor(), new.cursor());
    left.first();
    right.first();
    let mut changed = Vec::new();
    loop {
        match (left.here(), right.here()) {
            (None, None) => return changed,
            (Some((key, before)), Some((other, after))) if key == other => {
                if before != after {
                    changed.push((key, Some(before), Some(after)));
                }
                left.next();
                right.next();
            }
            (Some((key, before)), right_here) if right_here.is_none_or(|(other, _)| key < other) => {
                changed.push((key, Some(before), None));
                left.next();
            }
            (_, Some((key, after))) => {
                changed.push((key, None, Some(after)));
                right.next();
            }
            (Some(_), None) => unreachable!("a left entry without a right one is below it"),
        }
    }
}
