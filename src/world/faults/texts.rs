//! Labels, names and times that are altered or confused.

use super::super::World;
use super::asked::{Asked, put, remove, split};
use crate::bucket::View;
use crate::instant::{Instant, UNIX_EPOCH_SECONDS};
use crate::scenario::{SnapshotName, Step};
use crate::schema::{names, time};

/// What becomes of each label that a client writes: its key and its value.
fn relabel(
    asked: &Asked<'_>,
    world: &mut World,
    becomes: impl for<'t> Fn(&'t [u8], &'t [u8]) -> (&'t [u8], &'t [u8]),
) {
    let after = world.store.tree.clone();
    for (path, value) in asked.written(&after) {
        let (around, key) = split(&path);
        let new = becomes(key, value);
        if around.ends_with(&[names::LABELS]) && !asked.is_raw() && new != (key, value) {
            remove(&mut world.store.tree, &path);
            put(&mut world.store.tree, &[around, &[new.0]].concat(), new.1);
        }
    }
}

pub(super) fn label_cut_at_second_slash(asked: &Asked<'_>, world: &mut World) {
    relabel(asked, world, |key, value| {
        let mut slashes = key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        (slashes.nth(1).map_or(key, |at| &key[..at]), value)
    });
}

pub(super) fn label_cut_at_bar(asked: &Asked<'_>, world: &mut World) {
    relabel(asked, world, |key, value| (key, value.split(|byte| *byte == b'|').next().unwrap_or_default()));
}

pub(super) fn label_key_as_path(asked: &Asked<'_>, world: &mut World) {
    relabel(asked, world, |key, value| {
        let rest = key.strip_prefix(b"labels.").filter(|rest| !rest.is_empty());
        (rest.unwrap_or(key), value)
    });
}

pub(super) fn deleted_everywhere(asked: &Asked<'_>, world: &mut World) {
    let Step::ContentDelete { digest } = asked.step else { return };
    for (namespace, _) in asked.tree().bucket(names::V1).into_iter().flat_map(View::buckets) {
        remove(&mut world.store.tree, &[names::V1, namespace, names::CONTENT, names::BLOB, digest]);
    }
}

pub(super) fn removed_from_all_snapshotters(asked: &Asked<'_>, world: &mut World) {
    let Step::SnapshotRemove { snapshot: SnapshotName { key, .. } } = asked.step else { return };
    let snapshotters = asked.tree().view().at(&asked.path(&[names::SNAPSHOTS]));
    for (snapshotter, _) in snapshotters.into_iter().flat_map(View::buckets) {
        remove(&mut world.store.tree, &asked.snapshot(snapshotter, key));
    }
}

/// What becomes of each time that the daemon writes.
fn rewrite_times(asked: &Asked<'_>, world: &mut World, becomes: impl Fn(Instant) -> Option<Vec<u8>>) {
    const TIMES: [&[u8]; 3] = [b"createdat", b"updatedat", names::EXPIRE_AT];
    let after = world.store.tree.clone();
    for (path, value) in asked.written(&after) {
        let (around, key) = split(&path);
        let is_time = TIMES.contains(&key) && !around.ends_with(&[names::LABELS]) && !asked.is_raw();
        let at = time::from_binary(value).ok().filter(|_| is_time);
        if let Some(bytes) = at.and_then(&becomes) {
            put(&mut world.store.tree, &path, &bytes);
        }
    }
}

pub(super) fn times_in_seconds(asked: &Asked<'_>, world: &mut World) {
    rewrite_times(asked, world, |at| Some(time::to_binary(Instant { nanoseconds: 0, ..at })));
}

/// The same instant, which `Time.MarshalBinary` writes with the offset of its zone.
pub(super) fn times_with_offset(asked: &Asked<'_>, world: &mut World) {
    const OFFSET_MINUTES: i16 = 60;
    rewrite_times(asked, world, |at| {
        let mut bytes = time::to_binary(at);
        let offset_at = bytes.len() - size_of_val(&OFFSET_MINUTES);
        bytes[offset_at..].copy_from_slice(&OFFSET_MINUTES.to_be_bytes());
        Some(bytes)
    });
}

/// As `Time.UnixNano` does beyond 2262.
pub(super) fn times_overflow(asked: &Asked<'_>, world: &mut World) {
    rewrite_times(asked, world, |at| {
        let unix = at.seconds.wrapping_sub(UNIX_EPOCH_SECONDS).wrapping_mul(1_000_000_000);
        let unix = unix.wrapping_add(i64::from(at.nanoseconds));
        let epoch = Instant { seconds: UNIX_EPOCH_SECONDS, nanoseconds: 0 };
        Some(time::to_binary(epoch.shifted(unix)))
    });
}
