//! What changed between two trees.

use super::packed::{self, Body};
use super::{Bucket, Cursor, Entry, View, ViewRepr};
use std::cmp::Ordering;

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
    find_change(before, after, |path, before, after| {
        changes.push(Change { path: path.to_vec(), before, after });
        None::<()>
    });
    changes
}

/// What `found` makes of the first difference of which it makes anything; the same differences in the same order.
pub fn find_change<'a, T>(
    before: &'a Bucket,
    after: &'a Bucket,
    mut found: impl FnMut(&[&'a [u8]], Option<Entry<'a>>, Option<Entry<'a>>) -> Option<T>,
) -> Option<T> {
    if before.same_block(after) {
        return None;
    }
    find_below(before.view(), after.view(), &mut Vec::with_capacity(8), &mut found)
}

/// The same of two buckets that stand at one path. No deeper than trees are.
fn find_below<'a, T>(
    old: View<'a>,
    new: View<'a>,
    path: &mut Vec<&'a [u8]>,
    found: &mut impl FnMut(&[&'a [u8]], Option<Entry<'a>>, Option<Entry<'a>>) -> Option<T>,
) -> Option<T> {
    if old.sequence() != new.sequence() {
        let made = found(path, Some(Entry::Bucket(old)), Some(Entry::Bucket(new)));
        if made.is_some() {
            return made;
        }
    }
    for (key, before, after) in Changed::new(old, new) {
        path.push(key);
        let made = match (before, after) {
            (Some(Entry::Bucket(old)), Some(Entry::Bucket(new))) => find_below(old, new, path, found),
            _ => found(path, before, after),
        };
        if made.is_some() {
            return made;
        }
        path.pop();
    }
    None
}

type ChangedEntry<'a> = (&'a [u8], Option<Entry<'a>>, Option<Entry<'a>>);

/// The keys whose entries differ, one level deep.
enum Changed<'a> {
    /// Both buckets are packed, and differ in few bytes: what is left of them.
    Packed(Rest<'a>, Rest<'a>),
    /// One is wide.
    Listed(std::vec::IntoIter<ChangedEntry<'a>>),
}

impl<'a> Changed<'a> {
    fn new(old: View<'a>, new: View<'a>) -> Changed<'a> {
        match (old.0, new.0) {
            (ViewRepr::Packed(old), ViewRepr::Packed(new)) => Changed::Packed(Rest::of(old), Rest::of(new)),
            // Both share parts that need not be looked at.
            (ViewRepr::Wide(old), ViewRepr::Wide(new)) => Changed::Listed(old.diff(new).into_iter()),
            _ => Changed::Listed(changed_entries(old.cursor(), new.cursor()).into_iter()),
        }
    }
}

impl<'a> Iterator for Changed<'a> {
    type Item = ChangedEntry<'a>;

    fn next(&mut self) -> Option<ChangedEntry<'a>> {
        let (left, right) = match self {
            Changed::Listed(entries) => return entries.next(),
            Changed::Packed(left, right) => (left, right),
        };
        loop {
            Rest::skip_equal(left, right);
            let (order, changed) = compared(left.here(), right.here())?;
            if order.is_le() {
                left.next();
            }
            if order.is_ge() {
                right.next();
            }
            if changed.is_some() {
                return changed;
            }
        }
    }
}

/// Entry by entry, whatever the buckets are.
fn changed_entries<'a>(mut left: Cursor<'a>, mut right: Cursor<'a>) -> Vec<ChangedEntry<'a>> {
    let mut changes = Vec::new();
    left.first();
    right.first();
    while let Some((order, changed)) = compared(left.here(), right.here()) {
        changes.extend(changed);
        if order.is_le() {
            left.next();
        }
        if order.is_ge() {
            right.next();
        }
    }
    changes
}

/// How the keys compare on which two walks stand, so that the lesser one goes on or both do, and whether the entries are a
/// change. None at the end of both.
fn compared<'a>(
    left: Option<(&'a [u8], Entry<'a>)>,
    right: Option<(&'a [u8], Entry<'a>)>,
) -> Option<(Ordering, Option<ChangedEntry<'a>>)> {
    let order = match (left, right) {
        (None, None) => return None,
        (Some((key, _)), Some((other, _))) => key.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    };
    let before = left.filter(|_| order.is_le());
    let after = right.filter(|_| order.is_ge());
    let (key, _) = before.or(after)?;
    let (before, after) = (before.map(|(_, entry)| entry), after.map(|(_, entry)| entry));
    Some((order, (before != after).then_some((key, before, after))))
}

/// The entries of a packed bucket from one on.
#[derive(Clone, Copy)]
struct Rest<'a> {
    body: Body<'a>,
    start: usize,
}

impl<'a> Rest<'a> {
    fn of(body: Body<'a>) -> Rest<'a> {
        Rest { body, start: packed::SEQUENCE_BYTES }
    }

    fn bytes(&self) -> &'a [u8] {
        &self.body.bytes()[self.start..]
    }

    fn here(&self) -> Option<(&'a [u8], Entry<'a>)> {
        self.body.slot(self.start).map(|slot| (slot.key, slot.entry()))
    }

    fn next(&mut self) {
        self.start = self.body.end_of(self.start).unwrap_or(self.start);
    }

    /// Goes on to where the bytes differ: to the end of both, if nowhere.
    fn skip_equal(left: &mut Rest<'_>, right: &mut Rest<'_>) {
        let (old, new) = (left.bytes(), right.bytes());
        // Most often one entry differs, and this is what follows on it.
        if old == new {
            left.start += old.len();
            right.start += new.len();
            return;
        }
        let end = left.start + equal_bytes(old, new);
        let mut start = left.start;
        while let Some(slot_end) = left.body.end_of(start).filter(|slot_end| *slot_end <= end) {
            start = slot_end;
        }
        right.start += start - left.start;
        left.start = start;
    }
}

/// How many bytes two slices have in common at their beginning.
fn equal_bytes(left: &[u8], right: &[u8]) -> usize {
    /// Compared at once, without a call.
    const BLOCK: usize = 32;
    let blocks = left.as_chunks::<BLOCK>().0.iter().zip(right.as_chunks::<BLOCK>().0);
    let equal = blocks.take_while(|(left, right)| left == right).count() * BLOCK;
    let rest = left[equal..].iter().zip(&right[equal..]);
    equal + rest.take_while(|(left, right)| left == right).count()
}
