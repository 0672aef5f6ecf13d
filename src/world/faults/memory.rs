//! What a daemon and its clients have in memory: marks, clean-ups, the clock, leases in use, streams, collectors.

use super::super::World;
use super::asked::Asked;
use crate::metadata::{Dirty, Sharing};
use crate::scenario::Step;
use std::sync::Arc;

/// The marks before a step, to be changed as far as a mistake goes.
fn marks<'a>(asked: &Asked<'a>, world: &'a mut World) -> (&'a Dirty, &'a mut Dirty) {
    (&asked.before.store.dirty, &mut world.store.dirty)
}

pub(super) fn deletion_not_marked(asked: &Asked<'_>, world: &mut World) {
    if let Step::ContentDelete { .. } = asked.step {
        world.store.dirty.content = asked.before.store.dirty.content;
    }
}

pub(super) fn drop_not_counted(asked: &Asked<'_>, world: &mut World) {
    if let Step::LeaseDrop { .. } = asked.step {
        world.store.dirty.count = asked.before.store.dirty.count;
    }
}

pub(super) fn update_counted(asked: &Asked<'_>, world: &mut World) {
    if let Step::ImageUpdate { .. } = asked.step {
        world.store.dirty.count += 1;
    }
}

pub(super) fn marks_outlast_collection(asked: &Asked<'_>, world: &mut World) {
    let (before, now) = marks(asked, world);
    if let Step::Gc { .. } = asked.step {
        now.snapshotters.extend(before.snapshotters.iter().cloned());
    }
}

pub(super) fn schedule_replaced(asked: &Asked<'_>, world: &mut World) {
    if let Step::Gc { .. } = asked.step
        && world.scheduled.content
    {
        Arc::make_mut(&mut world.scheduled).snapshotters.retain(|name| {
            let was_due = asked.before.scheduled.snapshotters.contains(name);
            !was_due || asked.before.store.dirty.snapshotters.contains(name)
        });
    }
}

pub(super) fn restart_keeps_marks(asked: &Asked<'_>, world: &mut World) {
    if let Step::Release(_) | Step::Crash = asked.step {
        world.store.dirty = asked.before.store.dirty.clone();
    }
}

pub(super) fn restart_keeps_streams(asked: &Asked<'_>, world: &mut World) {
    if let Step::Release(_) | Step::Crash = asked.step {
        world.streams = asked.before.streams.clone();
    }
}

pub(super) fn restart_keeps_locks(asked: &Asked<'_>, world: &mut World) {
    if let Step::Release(_) | Step::Crash = asked.step {
        world.store.backend.lock_as(&asked.before.store.backend);
        world.is_hung = asked.before.is_hung;
    }
}

pub(super) fn restart_keeps_preparations(asked: &Asked<'_>, world: &mut World) {
    if let Step::Release(_) | Step::Crash = asked.step {
        world.store.prepare_as(&asked.before.store);
    }
}

pub(super) fn restart_shares_content(asked: &Asked<'_>, world: &mut World) {
    if let Step::Release(_) | Step::Crash = asked.step {
        world.store.sharing = Sharing::Shared;
    }
}

pub(super) fn clock_in_seconds(asked: &Asked<'_>, world: &mut World) {
    if let Step::Now(_) | Step::Advance(_) = asked.step {
        world.now.nanoseconds = 0;
    }
}

pub(super) fn lease_outlasts_none(asked: &Asked<'_>, world: &mut World) {
    if let (Step::LeaseNone, Some(actor)) = (asked.step, asked.before.actors.get(asked.client)) {
        let own = Arc::make_mut(&mut world.actors).get_mut(asked.client);
        own.into_iter().for_each(|own| own.lease.clone_from(&actor.lease));
    }
}

pub(super) fn namespace_drops_lease(asked: &Asked<'_>, world: &mut World) {
    if let Step::NamespaceUse { .. } = asked.step {
        let own = Arc::make_mut(&mut world.actors).get_mut(asked.client);
        own.into_iter().for_each(|own| own.lease = None);
    }
}

/// A stream is opened as by a client without a lease.
pub(super) fn put_lease_aside(asked: &Asked<'_>, world: &mut World) {
    if let Step::StreamOpen { .. } = asked.step {
        let own = Arc::make_mut(&mut world.actors).get_mut(asked.client);
        own.into_iter().for_each(|own| own.lease = None);
    }
}

pub(super) fn take_lease_up(asked: &Asked<'_>, world: &mut World) {
    if let Step::StreamOpen { .. } = asked.step {
        world.actors = Arc::clone(&asked.before.actors);
    }
}

pub(super) fn forgotten_stays_active(asked: &Asked<'_>, world: &mut World) {
    if let Step::CollectorForget { .. } = asked.step {
        let collectors = Arc::make_mut(&mut world.collectors).iter_mut();
        for (now, before) in collectors.zip(asked.before.collectors.iter()) {
            now.active.clone_from(&before.active);
        }
    }
}

pub(super) fn removed_stays_listed(asked: &Asked<'_>, world: &mut World) {
    if let Step::Gc { .. } = asked.step {
        let collectors = Arc::make_mut(&mut world.collectors).iter_mut();
        for (now, before) in collectors.zip(asked.before.collectors.iter()) {
            now.all.clone_from(&before.all);
        }
    }
}

pub(super) fn sync_forgotten(asked: &Asked<'_>) -> Option<Step> {
    Some(match asked.step {
        Step::ImageDelete { image, sync: true } => Step::ImageDelete { image: image.clone(), sync: false },
        Step::LeaseDelete { lease, sync: true } => Step::LeaseDelete { lease: lease.clone(), sync: false },
        _ => return None,
    })
}
