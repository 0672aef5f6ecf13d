//! Buckets that lose, keep or confuse entries, and limits that nobody asked for.

use super::super::World;
use super::asked::{Asked, put, remove, split};
use crate::bucket::{Entry, View, diff};

/// What becomes of each value that is overwritten by another.
fn overwrite(asked: &Asked<'_>, world: &mut World, becomes: impl Fn(&[u8], &[u8]) -> Option<Vec<u8>>) {
    let after = world.store.tree.clone();
    for change in diff(asked.tree(), &after) {
        if let (Some(Entry::Value(old)), Some(Entry::Value(new))) = (change.before, change.after)
            && let Some(value) = becomes(old, new)
        {
            put(&mut world.store.tree, &change.path, &value);
        }
    }
}

pub(super) fn equal_length_kept(asked: &Asked<'_>, world: &mut World) {
    overwrite(asked, world, |old, new| (old.len() == new.len()).then(|| old.to_vec()));
}

pub(super) fn shorter_keeps_end(asked: &Asked<'_>, world: &mut World) {
    overwrite(asked, world, |old, new| Some([new, old.get(new.len()..)?].concat()));
}

pub(super) fn empty_value_dropped(asked: &Asked<'_>, world: &mut World) {
    let after = world.store.tree.clone();
    for (path, _) in asked.written(&after).iter().filter(|(_, value)| value.is_empty()) {
        remove(&mut world.store.tree, path);
    }
}

/// The entry that stood behind one before the step.
fn next<'a>(asked: &Asked<'a>, path: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
    let (around, key) = split(path);
    let mut entries = asked.tree().view().at(around)?.iter().skip_while(|(other, _)| *other <= key);
    Some([around, &[entries.next()?.0]].concat())
}

pub(super) fn extension_deleted(asked: &Asked<'_>, world: &mut World) {
    let after = world.store.tree.clone();
    for path in asked.deleted(&after) {
        if let Some(next) = next(asked, &path).filter(|next| split(next).1.starts_with(split(&path).1)) {
            remove(&mut world.store.tree, &next);
        }
    }
}

pub(super) fn sequence_lost(asked: &Asked<'_>, world: &mut World) {
    let after = world.store.tree.clone();
    for path in asked.deleted(&after) {
        world.store.tree.set_sequence(split(&path).0, 0).expect("the bucket lost an entry and stays");
    }
}

pub(super) fn empty_bucket_dropped(asked: &Asked<'_>, world: &mut World) {
    let after = world.store.tree.clone();
    for path in asked.deleted(&after) {
        // Namespaces are no such buckets, nor is what lies at the root.
        let around = split(&path).0;
        if around.len() > 2 && after.view().at(around).is_some_and(View::is_empty) {
            remove(&mut world.store.tree, around);
        }
    }
}
