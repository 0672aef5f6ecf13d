//! Collections and the clean-ups that they schedule (`DB.GarbageCollect`).

use super::{Applied, World, refused};
use crate::engine::{Call, Fault, Outcome, Request, collect_with};
use crate::metadata::{CleanUp, CleanedContent, Error, ErrorKind};
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::scenario::{DEFAULT_NAMESPACE, Name};
use crate::situation::Situation;
use hashbrown::HashSet;
use std::num::NonZeroU64;
use std::sync::{Arc, OnceLock};

/// A collection that ran: what it was asked for and what it gave.
#[derive(Clone)]
pub struct Collected {
    /// What was collected, the collectors in ascending order of their types.
    pub before: Situation,
    /// At which root the context was cancelled.
    pub cancel_at_root: Option<usize>,
    /// The namespace of the client that asked for it: who reads of it reads from there.
    pub namespace: Name,
    /// What it gave.
    pub outcome: Outcome,
    removed: OnceLock<Vec<Node>>,
}

impl Collected {
    /// What our engine gives for a situation that is not a world's.
    pub fn of(before: Situation) -> Collected {
        let outcome = collect_with(&Request::new(&before), None);
        let namespace = DEFAULT_NAMESPACE.to_vec();
        Collected { before, cancel_at_root: None, namespace, outcome, removed: OnceLock::new() }
    }

    /// The request that it answers.
    pub fn request(&self) -> Request<'_> {
        Request { cancel_at_root: self.cancel_at_root, ..Request::new(&self.before) }
    }

    /// Whether a node was handed to removal, and the collection succeeded.
    pub fn has_removed(&self, node: NodeRef<'_>) -> bool {
        let sorted = self.removed.get_or_init(|| {
            let removed: &[_] = if self.outcome.error.is_none() { &self.outcome.removed } else { &[] };
            let mut sorted: Vec<Node> = self.outcome.refs(removed).map(NodeRef::to_node).collect();
            sorted.sort_unstable();
            sorted
        });
        sorted.binary_search_by(|removed| removed.as_ref().cmp(&node)).is_ok()
    }
}

/// What a clean-up removed from the backends, each in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cleaned {
    /// Each snapshotter that was cleaned up.
    pub snapshots: Vec<CleanedSnapshots>,
    /// What the content backend lost.
    pub content: CleanedContent,
}

/// What a clean-up removed from a snapshotter's backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CleanedSnapshots {
    /// The snapshotter.
    pub snapshotter: Box<[u8]>,
    /// The backend's names, in order.
    pub removed: Vec<Box<[u8]>>,
}

impl World {
    /// A collection. Its own error is a result and no refusal; refused is one that cannot be asked for, or that
    /// never ends.
    pub(super) fn gc(
        &mut self,
        client: Option<&Name>,
        last: Option<Kind>,
        cancel: Option<NonZeroU64>,
        fault: Option<Fault>,
    ) -> Applied {
        match self.collect(client, last, cancel, fault) {
            Err(error) => Applied { refused: Some(error), ..Applied::default() },
            Ok((collected, hung)) => {
                Applied { refused: hung, collected: Some(collected), ..Applied::default() }
            }
        }
    }

    /// The collection that a client waits for: where it fails the client is told no more than that
    /// (`gcScheduler.ScheduleAndWait`).
    pub(super) fn synchronous_gc(&mut self, client: Option<&Name>, fault: Option<Fault>) -> Applied {
        let mut applied = self.gc(client, None, None, fault);
        let failed = applied.collected.as_ref().is_some_and(|collected| collected.outcome.error.is_some());
        if applied.refused.is_none() && failed {
            applied.refused = Some(refused(ErrorKind::Unknown, "gc failed".to_owned()));
        }
        applied
    }

    /// Gives the collection, and why it never ends although the database has its result.
    fn collect(
        &mut self,
        client: Option<&Name>,
        last: Option<Kind>,
        cancel: Option<NonZeroU64>,
        fault: Option<Fault>,
    ) -> Result<(Arc<Collected>, Option<Error>), Error> {
        let release = self.store.release;
        if self.is_hung {
            let message = "a collection that never ends is under way".to_owned();
            return Err(refused(ErrorKind::Deadlock, message));
        }
        let last_iterated = last.map(|kind| self.registered(kind)).transpose()?;
        let mut streams = None;
        if self.has_streams {
            streams = self.streams.start(release).inspect_err(|_| self.is_hung = true)?;
        }
        let streams_type = streams.as_ref().map(|collector| collector.resource_type);
        let before = Situation { last_iterated, ..self.situation_with(streams) };
        let cancel_at_root = cancel.map(|root| usize::try_from(root.get()).unwrap_or(usize::MAX));
        let outcome = collect_with(&Request { cancel_at_root, ..Request::new(&before) }, fault);
        let namespace = self.namespace(client).unwrap_or(DEFAULT_NAMESPACE).to_vec();
        let collected = Collected { before, cancel_at_root, namespace, outcome, removed: OnceLock::new() };
        self.take_over(&collected.outcome);
        self.tell_collectors(&collected.outcome);
        let hung =
            streams_type.and_then(|resource_type| self.tell_streams(resource_type, &collected.outcome));
        let collected = Arc::new(collected);
        self.last = Some(Arc::clone(&collected));
        Ok((collected, hung))
    }

    /// The type of a collector that takes part in collections.
    pub(super) fn registered(&self, kind: Kind) -> Result<ResourceType, Error> {
        let release = self.store.release;
        let streams = release.type_of(Kind::Stream).filter(|_| self.has_streams);
        let mut registered = self.collectors.iter().map(|collector| collector.resource_type).chain(streams);
        let number = registered.find(|number| Some(*number) == release.type_of(kind));
        number.ok_or_else(|| refused(ErrorKind::NotFound, format!("no collector of type {kind}")))
    }

    fn take_over(&mut self, outcome: &Outcome) {
        let snapshotters = outcome.dirty.snapshotters.iter().map(|name| &**name);
        if outcome.error.is_some() {
            self.store.collection_failed(outcome.dirty.content, snapshotters);
            return;
        }
        let CleanUp { content, snapshotters } =
            self.store.collected(outcome.after.clone(), outcome.dirty.content, snapshotters);
        if content || !snapshotters.is_empty() {
            let scheduled = Arc::make_mut(&mut self.scheduled);
            scheduled.content |= content;
            scheduled.snapshotters.extend(snapshotters);
            scheduled.snapshotters.sort_unstable();
            scheduled.snapshotters.dedup();
        }
    }

    /// A collector that was finished has no longer what it was told to remove. One whose `Finish` fails, or that was
    /// cancelled, keeps it.
    fn tell_collectors(&mut self, outcome: &Outcome) {
        if self.collectors.is_empty() {
            return;
        }
        let collectors = Arc::make_mut(&mut self.collectors);
        for collector in collectors.iter_mut().filter(|collector| !collector.finish_error) {
            let own = outcome.calls.iter().filter(|called| called.resource_type == collector.resource_type);
            let mut finished = false;
            let mut removed: HashSet<&Node> = HashSet::new();
            for called in own {
                match &called.call {
                    Call::Finish => finished = true,
                    Call::Remove(node) => drop(removed.insert(node)),
                    _ => {}
                }
            }
            if finished && !removed.is_empty() {
                super::collectors::forget(collector, &removed);
            }
        }
    }

    /// The streams' manager hears how the collection ended, or nothing.
    fn tell_streams(&mut self, resource_type: ResourceType, outcome: &Outcome) -> Option<Error> {
        let own = || outcome.calls.iter().filter(|called| called.resource_type == resource_type);
        let end = own().find(|called| matches!(called.call, Call::Finish | Call::Cancel));
        match end.map(|called| &called.call) {
            Some(Call::Finish) => {
                let removed = own().filter_map(|called| match &called.call {
                    Call::Remove(node) => Some(node),
                    _ => None,
                });
                return self.streams.finish(self.store.release, removed).err();
            }
            Some(_) => self.streams.cancel(),
            None => self.streams.forgotten(),
        }
        None
    }

    /// The clean-ups that collections scheduled. One that waits for a preparation under way stays scheduled.
    pub(super) fn clean_up(&mut self) -> Applied {
        let CleanUp { content, snapshotters } = Arc::unwrap_or_clone(std::mem::take(&mut self.scheduled));
        let (mut cleaned, mut waits) = (Cleaned::default(), None);
        for snapshotter in snapshotters {
            match self.store.clean_up_snapshots(&snapshotter) {
                Ok(removed) => cleaned.snapshots.push(CleanedSnapshots { snapshotter, removed }),
                Err(error) => {
                    if error.kind == ErrorKind::Blocked {
                        Arc::make_mut(&mut self.scheduled).snapshotters.push(snapshotter);
                    }
                    waits = waits.or(Some(error));
                }
            }
        }
        if content {
            cleaned.content = self.store.clean_up_content();
        }
        Applied { refused: waits, cleaned: Some(cleaned), ..Applied::default() }
    }
}
