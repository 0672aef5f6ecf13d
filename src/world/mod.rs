//! The world: a daemon with its database and backends, its clock, its clients and its collectors, as a value.
//!
//! ```text
//!   step ──> World::apply ──> the same world, changed, and what came of it: [`Applied`]
//!              │  write side   metadata::Store      refused steps leave the tree as it was
//!              │  collection   engine::collect      the outcome stays at hand as [`Collected`]
//!              └─ clean-up     what collections scheduled
//! ```
//!
//! Cloning a world costs a few counts of references, so whoever wants the world before a step clones it first; the
//! clone stays valid. Every step is defined: one that containerd would refuse is refused with containerd's kind of
//! error, and what the daemon keeps in spite of it (a backend's work, a committed transaction) is kept here too.
//!
//! The streams' manager takes part in collections from the first step on that opens a stream; a daemon that never
//! saw one has nothing that could be told apart. Where a collector leaves the daemon locked (1.7.0-beta.1's stream
//! manager), the world is *hung*: whatever writes is refused as a deadlock, until a step replaces the daemon.
//!
//! This room decides nothing: whether a refusal was expected, and whether a collection was right, is for those who
//! apply the steps.

mod actors;
mod alike;
mod apply;
mod collect;
mod collectors;
mod expect;
mod faults;
mod fingerprint;
mod raw;
mod schedule;
pub(crate) mod sent;
mod write;

pub use collect::{Cleaned, CleanedSnapshots, Collected};
pub use expect::Unmet;
pub use faults::{DaemonFault, Fault};
pub use fingerprint::Fingerprint;
pub use schedule::{Part, Scheduled};

use crate::collector::Collector;
use crate::go::Go;
use crate::instant::Instant;
use crate::metadata::streams::Streams;
use crate::metadata::{CleanUp, Error, ErrorKind, Store};
use crate::release::Release;
use crate::scenario::{CLOCK_START, Name, Step};
use crate::situation::Situation;
use actors::{Actors, HandleKey, Handles};
use schedule::Schedule;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A daemon and all around it.
#[derive(Clone)]
pub struct World {
    store: Store,
    now: Instant,
    built_with: Go,
    actors: Arc<Actors>,
    handles: Arc<Handles>,
    /// What clients held open when the daemon died, and have not asked for since.
    lost: Arc<BTreeSet<HandleKey>>,
    /// Those that steps declared, in ascending order of their types.
    collectors: Arc<Vec<Collector>>,
    streams: Streams,
    /// A stream was opened since the daemon started, so that its manager is looked at.
    has_streams: bool,
    /// The clean-ups that collections asked for and that did not run yet.
    scheduled: Arc<CleanUp>,
    last: Option<Arc<Collected>>,
    /// A collection that never ends has the metadata locked.
    is_hung: bool,
    /// What clients remember as true: the client, and its word.
    words: Arc<BTreeSet<(Option<Name>, Name)>>,
    /// The daemon's scheduler, where a step asks for one.
    schedule: Option<Arc<Schedule>>,
}

/// Where a client acts: its namespace and its lease.
pub type Acting<'a> = (&'a [u8], Option<&'a [u8]>);

/// What came of a step.
#[derive(Clone, Default)]
pub struct Applied {
    /// Why the step was refused, or never ended. What it did all the same is in the world.
    pub refused: Option<Error>,
    /// The collection that it ran: every `gc` that gets as far, and every `sync` deletion that succeeds.
    pub collected: Option<Arc<Collected>>,
    /// The clean-up that it ran.
    pub cleaned: Option<Cleaned>,
    /// It was passed over: its guard did not hold, or it only may happen.
    pub is_passed: bool,
    /// Where a scheduler runs, what it consists of: the step itself, and what came between.
    pub parts: Vec<Part>,
}

impl World {
    /// A fresh daemon with an empty database, at [`CLOCK_START`].
    pub fn new(release: Release) -> World {
        World::of(Store::new(release), CLOCK_START)
    }

    /// A daemon that has just opened a database.
    pub fn of(store: Store, now: Instant) -> World {
        World {
            store,
            now,
            built_with: Go::default(),
            actors: Arc::default(),
            handles: Arc::default(),
            lost: Arc::default(),
            collectors: Arc::default(),
            streams: Streams::default(),
            has_streams: false,
            scheduled: Arc::default(),
            last: None,
            is_hung: false,
            words: Arc::default(),
            schedule: None,
        }
    }

    /// The same, with daemons that were built with some Go.
    #[must_use]
    pub fn built_with(self, built_with: Go) -> World {
        World { built_with, ..self }
    }

    /// The database and its backends.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The daemon's release.
    pub fn release(&self) -> Release {
        self.store.release
    }

    /// The last collection that ran.
    pub fn last(&self) -> Option<&Arc<Collected>> {
        self.last.as_ref()
    }

    /// The clean-ups that collections asked for and that did not run yet.
    pub fn scheduled(&self) -> &CleanUp {
        &self.scheduled
    }

    /// The streams' manager.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Whether a client remembers a word as true; one that was never set is not.
    pub fn remembers(&self, client: Option<&Name>, word: &Name) -> bool {
        // They are few, and to look one up would take a pair of its own.
        self.words.iter().any(|(who, known)| who.as_ref() == client && known == word)
    }

    /// Whether a step of a client needs what it held open when the daemon died: its connection ended with it.
    pub fn has_lost(&self, client: Option<&Name>, step: &Step) -> bool {
        !self.lost.is_empty() && self.handle_of(client, step).is_some_and(|key| self.lost.contains(&key))
    }

    /// Whether the metadata is locked for ever.
    pub fn is_hung(&self) -> bool {
        self.is_hung
    }

    /// The namespace that a client uses; none for a client that is not declared.
    pub fn namespace(&self, client: Option<&Name>) -> Option<&[u8]> {
        Some(&self.actors.get(client)?.namespace)
    }

    /// The lease that a client uses.
    pub fn lease(&self, client: Option<&Name>) -> Option<&[u8]> {
        self.actors.get(client)?.lease.as_deref()
    }

    /// Where a client acts: its namespace and its lease; nowhere if it is not declared.
    pub fn acting(&self, client: Option<&Name>) -> Option<Acting<'_>> {
        Some(self.actors.get(client)?.acting())
    }

    /// Every client with where it acts, the one without a name first.
    pub fn clients(&self) -> impl Iterator<Item = (Option<&Name>, Acting<'_>)> {
        self.actors.iter().map(|(name, actor)| (name, actor.acting()))
    }

    /// The collectors that steps declared, in ascending order of their types.
    pub fn collectors(&self) -> &[Collector] {
        &self.collectors
    }

    /// What a collection would find now.
    pub fn situation(&self) -> Situation {
        // A manager that is stuck cannot be started, and a collection does not get that far.
        let streams = self.streams.clone().start(self.store.release).ok().flatten();
        self.situation_with(streams.filter(|_| self.has_streams))
    }

    /// What a collection finds beside the collector of the streams' manager, which it has started.
    fn situation_with(&self, streams: Option<Collector>) -> Situation {
        let mut collectors = Arc::clone(&self.collectors);
        if let Some(streams) = streams {
            let collectors = Arc::make_mut(&mut collectors);
            let at = collectors.partition_point(|collector| collector.resource_type < streams.resource_type);
            collectors.insert(at, streams);
        }
        let Store { tree, release, .. } = &self.store;
        let built_with = self.built_with;
        Situation { collectors, built_with, ..Situation::new(tree.clone(), *release, self.now) }
    }
}

fn refused(kind: ErrorKind, message: String) -> Error {
    Error { kind, message }
}

#[cfg(test)]
mod tests;
