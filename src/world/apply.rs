//! One step: who does it.

use super::actors::{Actor, undeclared};
use super::faults::Fault;
use super::{Applied, World};
use crate::engine;
use crate::metadata::{self, Error};
use crate::release::Release;
use crate::scenario::{DEFAULT_NAMESPACE, Line, Name, Sharing, Step};
use std::sync::Arc;

impl World {
    /// Applies a step.
    ///
    /// The line's outcome, its expected output and what an `expect` step asserts are not looked at here.
    pub fn apply(&mut self, line: &Line) -> Applied {
        self.collecting_with(line, None)
    }

    /// Applies a step of a daemon that may have a fault.
    pub fn apply_with(&mut self, line: &Line, fault: Option<Fault>) -> Applied {
        match fault {
            Some(Fault::Daemon(fault)) => fault.apply(self, line),
            Some(Fault::Collector(fault)) => self.collecting_with(line, Some(fault)),
            None => self.apply(line),
        }
    }

    fn collecting_with(&mut self, line: &Line, fault: Option<engine::Fault>) -> Applied {
        let client = line.client.as_ref();
        match &line.step {
            Step::Gc { last, cancel_at_root } => self.gc(client, *last, *cancel_at_root, fault),
            Step::Cleanup => self.clean_up(),
            step => match self.change(client, step) {
                Err(error) => Applied { refused: Some(error), ..Applied::default() },
                Ok(()) if is_synchronous(step) => self.synchronous_gc(client, fault),
                Ok(()) => Applied::default(),
            },
        }
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
            Step::Now(now) => {
                self.now = *now;
                Ok(())
            }
            Step::Advance(by) => {
                self.now = self.now.plus(*by);
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
        self.handles = Arc::default();
        self.streams = metadata::streams::Streams::default();
        self.has_streams = false;
        self.scheduled = Arc::default();
        self.is_hung = false;
        Ok(())
    }
}

/// Whether the client waits for a collection after the step.
fn is_synchronous(step: &Step) -> bool {
    matches!(step, Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. })
}
