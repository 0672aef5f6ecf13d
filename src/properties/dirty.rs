//! Which backends a collection notes for cleaning up: those of what was handed to removal, also where its sweep fails and
//! everything else is taken back (`DB.GarbageCollect`, which notes outside the transaction).

use super::finding::Breach;
use crate::engine::{Dirty, Outcome};
use crate::node::{Kind, ResourceType};
use crate::oracle::{Judgement, Progress};
use crate::release::Release;
use std::collections::BTreeSet;

/// What is noted, where that is not what went: as the oracle has it of a collection that succeeds, and of one that fails
/// what it had come to; none is known of one that ends otherwise than it must.
pub(super) fn wrong_notes(release: Release, outcome: &Outcome, judgement: &Judgement<'_>) -> Option<Breach> {
    if outcome.error.is_some() {
        return wrong_notes_of_failed(release, outcome);
    }
    if judgement.progress() != Progress::Success {
        return None;
    }
    let removed = judgement.resources().filter(|resource| !resource.is_kept());
    wrong(release, outcome, removed.map(|resource| (resource.resource_type(), resource.snapshotter())))
}

/// The same of a collection that failed; nothing is noted before the sweep.
pub(super) fn wrong_notes_of_failed(release: Release, outcome: &Outcome) -> Option<Breach> {
    let removed = outcome.refs(&outcome.removed);
    let snapshotter = |key: &'_ [u8]| key.iter().position(|byte| *byte == b'/');
    wrong(
        release,
        outcome,
        removed.map(|node| (node.resource_type, snapshotter(node.key).map(|slash| &node.key[..slash]))),
    )
}

/// A backend is noted as soon as removal is tried: a snapshot's by the key up to its first slash, unless that is empty.
fn wrong<'a>(
    release: Release,
    outcome: &Outcome,
    removed: impl Iterator<Item = (ResourceType, Option<&'a [u8]>)>,
) -> Option<Breach> {
    let (mut snapshotters, mut content) = (BTreeSet::new(), false);
    for (resource_type, snapshotter) in removed.filter(|(resource_type, _)| !release.is_flat(*resource_type))
    {
        match release.kind_of(resource_type) {
            Kind::Snapshot => snapshotters.extend(snapshotter.filter(|name| !name.is_empty())),
            Kind::Content | Kind::Ingest => content = true,
            _ => {}
        }
    }
    let noted = outcome.dirty.snapshotters.iter().map(|name| &**name);
    if outcome.dirty.content == content && noted.eq(snapshotters.iter().copied()) {
        return None;
    }
    let expected = Dirty { snapshotters: snapshotters.into_iter().map(Into::into).collect(), content };
    Some(Breach::Noted { noted: outcome.dirty.clone(), expected })
}
