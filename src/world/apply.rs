//! One step: who does it.

use super::actors::{Actor, HandleKey, undeclared};
use super::faults::Fault;
use super::{Applied, World};
use crate::engine;
use crate::metadata::{self, Error};
use crate::release::Release;
use crate::scenario::{DEFAULT_NAMESPACE, Guard, Line, Name, Sharing, Step};
use std::sync::Arc;

impl World {
    /// Applies a step.
    ///
    /// The line's outcome, its expected output and what an `expect` step asserts are not looked at here.
    pub fn apply(&mut self, line: &Line) -> Applied {
        self.apply_with(line, None)
    }

    /// Applies a step of a daemon that may have a fault.
    ///
    /// A line whose guard does not hold, and one that only may happen, are passed over.
    pub fn apply_with(&mut self, line: &Line, fault: Option<Fault>) -> Applied {
        let client = line.client.as_ref();
        let is_met = |guard: &Guard| self.remembers(client, &guard.word) == guard.is_set;
        if line.may.is_some() || !line.guard.as_ref().is_none_or(is_met) {
            return Applied { is_passed: true, ..Applied::default() };
        }
        let applied = match self.schedule {
            None => self.do_with(line, fault),
            Some(_) => self.scheduled_with(line, fault),
        };
        if let Some(word) = &line.remembers {
            let is_true = match &line.step {
                Step::Look(node) => self.is_there(client, node),
                _ => applied.refused.is_none(),
            };
            self.remember(client, word, is_true);
        }
        applied
    }

    /// A client remembers a word as true, or no longer.
    pub fn remember(&mut self, client: Option<&Name>, word: &Name, is_true: bool) {
        if self.remembers(client, word) != is_true {
            let key = (client.cloned(), word.clone());
            let words = Arc::make_mut(&mut self.words);
            let _changed = if is_true { words.insert(key) } else { words.remove(&key) };
        }
    }

    pub(super) fn do_with(&mut self, line: &Line, fault: Option<Fault>) -> Applied {
        match fault {
            Some(Fault::Daemon(fault)) => fault.apply(self, line),
            Some(Fault::Collector(fault)) => self.collecting_with(line, Some(fault)),
            None => self.collecting_with(line, None),
        }
    }

    fn collecting_with(&mut self, line: &Line, fault: Option<engine::Fault>) -> Applied {
        let client = line.client.as_ref();
        match &line.step {
            Step::Gc { last, cancel_at_root } => self.gc(client, *last, *cancel_at_root, fault),
            Step::Cleanup => self.clean_up(),
            step => match self.change_found(client, step) {
                Err(error) => Applied { refused: Some(error), ..Applied::default() },
                Ok(()) if step.waits() => self.synchronous_gc(client, fault),
                Ok(()) => Applied::default(),
            },
        }
    }

    /// A step that is no collection; what it concerns is lost no longer.
    fn change_found(&mut self, client: Option<&Name>, step: &Step) -> Result<(), Error> {
        let key = if self.lost.is_empty() { None } else { self.handle_of(client, step) };
        let changed = self.change(client, step);
        if let Some(key) = key.filter(|key| self.lost.contains(key)) {
            Arc::make_mut(&mut self.lost).remove(&key);
        }
        changed
    }

    /// What a step opens, or needs to be open.
    pub(super) fn handle_of(&self, client: Option<&Name>, step: &Step) -> Option<HandleKey> {
        let (snapshotter, name): (&[u8], &[u8]) = match step {
            Step::ContentOpen { reference, .. }
            | Step::ContentCommit { reference, .. }
            | Step::ContentAbort { reference } => (b"", reference),
            Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) => {
                (&new.snapshot.snapshotter, &new.snapshot.key)
            }
            Step::SnapshotFinish { snapshot } => (&snapshot.snapshotter, &snapshot.key),
            _ => return None,
        };
        let namespace = self.namespace(client)?.to_vec();
        Some((client.cloned(), namespace, snapshotter.to_vec(), name.to_vec()))
    }

    /// A step that is no collection: the daemon's own are done here, the others by whom they concern.
    fn change(&mut self, client: Option<&Name>, step: &Step) -> Result<(), Error> {
        match step {
            Step::Client { name, namespace, lease } => {
                let namespace = namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE).to_vec();
                let actor = Actor { namespace, lease: lease.clone() };
                Arc::make_mut(&mut self.actors).declare(name, actor);
                Ok(())
            }
            Step::Release(release) => self.replace_daemon(*release),
            Step::Crash => self.replace_daemon(self.store.release),
            Step::Now(now) => {
                self.now = *now;
                Ok(())
            }
            Step::Advance(by) => {
                self.now = self.now.plus(*by);
                Ok(())
            }
            Step::Scheduler(settings) => {
                self.configure_scheduler(settings);
                Ok(())
            }
            Step::NamespaceUse { namespace } => {
                self.actor(client)?.namespace.clone_from(namespace);
                Ok(())
            }
            Step::LeaseUse { lease } => {
                self.actor(client)?.lease = Some(lease.clone());
                Ok(())
            }
            Step::LeaseNone => {
                self.actor(client)?.lease = None;
                Ok(())
            }
            Step::ContentPolicy(sharing) => {
                self.store.sharing = match sharing {
                    Sharing::Shared => metadata::Sharing::Shared,
                    Sharing::Isolated => metadata::Sharing::Isolated,
                };
                Ok(())
            }
            Step::RawPut { path, value } => self.raw_put(path, value),
            Step::RawBucket { path } => self.raw_bucket(path),
            Step::RawDelete { path } => self.raw_delete(path),
            Step::RawSequence { path, sequence } => self.raw_sequence(path, *sequence),
            Step::Gc { .. } | Step::Cleanup | Step::Expect(_) => Ok(()),
            Step::Look(_) | Step::Together | Step::Always(_) | Step::End => Ok(()),
            _ => self.change_collector(client, step),
        }
    }

    fn actor(&mut self, client: Option<&Name>) -> Result<&mut Actor, Error> {
        Arc::make_mut(&mut self.actors).get_mut(client).ok_or_else(|| undeclared(client))
    }

    /// The database and the backends stay, and the clients; what the daemon had in memory is gone. Collectors that
    /// were declared stand for plugins of the new daemon too, with the numbers that it gives to their kinds.
    fn replace_daemon(&mut self, release: Release) -> Result<(), Error> {
        let before = self.store.release;
        self.store = self.store.restarted(release)?;
        let collectors = self.collectors.iter();
        let collectors = collectors.filter_map(|collector| collector.renumbered(before, release));
        self.collectors = Arc::new(collectors.collect());
        let held = std::mem::take(&mut self.handles);
        if held.keys().next().is_some() {
            Arc::make_mut(&mut self.lost).extend(held.keys().cloned());
        }
        self.streams = metadata::streams::Streams::default();
        self.has_streams = false;
        self.scheduled = Arc::default();
        self.is_hung = false;
        Ok(())
    }
}
