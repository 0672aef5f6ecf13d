//! The daemon's scheduler in a world: collections that nobody's step is.
//!
//! ```text
//!   advance 1s  ──>  advance 100ms · gc · cleanup · advance 900ms      the parts of one step
//!   ... sync    ──>  ... · advance to when one is due · gc · cleanup
//! ```
//!
//! Where a scheduler runs, a step is done in parts, each a step as any other, so that whoever looks at steps can look at
//! these. What falls due runs when the time goes on, and behind all that happens at the same moment. A collection has the
//! metadata locked for as long as it `takes`: who writes meanwhile waits. Its clean-ups come with it, and it ends when they
//! do (`DB.GarbageCollect`); what is written until then is in the database, and the scheduler hears nothing of it.
//!
//! The scheduler's clock goes on with `advance` alone, whatever `now` makes of the date, as timers do in Go.

use super::faults::Fault;
use super::{Applied, World, refused};
use crate::bucket::find_change;
use crate::metadata::{CleanUp, Error, ErrorKind};
use crate::release::Release;
use crate::scenario::{Labels, Line, SchedulerSettings, Step};
use crate::scheduler::{Cause, Configuration, Event, Run, Scheduler};
use crate::schema::names;
use std::sync::Arc;
use std::time::Duration;

/// So many collections may fall due in one step.
const COLLECTIONS_MAX: usize = 1_000;

/// A scheduler and its clock.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Schedule {
    scheduler: Scheduler,
    clock: Duration,
    takes: Duration,
    cleanup: Duration,
    /// Until when the last collection has the metadata locked.
    locked_until: Duration,
    /// When it ends.
    ends: Duration,
    /// The backends that are cleaned up until then.
    cleaning: CleanUp,
    /// The daemon died of a collection. It is started again with the next step.
    is_down: bool,
}

/// Which collection a part is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduled {
    /// One that ran for this reason.
    Collection(Cause),
    /// The clean-up behind one.
    CleanUp,
    /// The daemon died, as its first collection failed.
    Crash,
    /// The step itself, or a part of the time that it takes.
    Step,
}

/// A part of a step.
#[derive(Clone)]
pub struct Part {
    /// What it is.
    pub what: Scheduled,
    /// The world before it.
    pub before: World,
    /// It, as a step.
    pub line: Line,
    /// The world after it.
    pub after: World,
    /// What came of it.
    pub applied: Applied,
}

/// A step that is being done.
struct Course<'w> {
    world: &'w mut World,
    client: &'w Line,
    fault: Option<Fault>,
    parts: Vec<Part>,
    collections: usize,
}

impl World {
    /// A scheduler from now on, or none.
    pub(super) fn configure_scheduler(&mut self, settings: &SchedulerSettings) {
        let clock = self.schedule.as_ref().map_or(Duration::ZERO, |schedule| schedule.clock);
        let default = Configuration::default();
        let configuration = Configuration {
            pause_millionths: settings.pause.map_or(default.pause_millionths, |pause| pause.0),
            deletion_threshold: settings.deletion.unwrap_or(default.deletion_threshold),
            mutation_threshold: settings.mutation.unwrap_or(default.mutation_threshold),
            schedule_delay: settings.delay.unwrap_or(default.schedule_delay),
            startup_delay: settings.startup.unwrap_or(default.startup_delay),
        };
        let scheduler = Scheduler::start(configuration, self.store.release, clock);
        let schedule = Schedule {
            scheduler,
            clock,
            takes: settings.takes.unwrap_or(Duration::from_millis(1)),
            cleanup: settings.cleanup.unwrap_or_default(),
            locked_until: clock,
            ends: clock,
            cleaning: CleanUp::default(),
            is_down: false,
        };
        self.schedule = (!settings.off).then(|| Arc::new(schedule));
    }

    /// The daemon is another one.
    pub(super) fn restart_scheduler(&mut self, release: Release) {
        if let Some(schedule) = self.schedule_mut() {
            schedule.scheduler = schedule.scheduler.restarted(release, schedule.clock);
            (schedule.locked_until, schedule.ends) = (schedule.clock, schedule.clock);
            schedule.is_down = false;
        }
    }

    fn schedule_mut(&mut self) -> Option<&mut Schedule> {
        self.schedule.as_mut().map(Arc::make_mut)
    }

    /// A step of a world with a scheduler.
    pub(super) fn scheduled_with(&mut self, line: &Line, fault: Option<Fault>) -> Applied {
        let release = self.store.release;
        if self.schedule.as_ref().is_some_and(|schedule| schedule.is_down) {
            self.restart_scheduler(release);
        }
        let mut course = Course { world: self, client: line, fault, parts: Vec::new(), collections: 0 };
        let refused = course.run(&line.step).err();
        let parts = course.parts;
        let is_own = |part: &&Part| matches!(part.what, Scheduled::Collection(Cause::Trigger | Cause::Retry));
        let own =
            parts.iter().rfind(is_own).filter(|_| line.step.waits() || matches!(line.step, Step::Gc { .. }));
        let collected = own.and_then(|part| part.applied.collected.clone());
        let cleaned = parts.iter().rfind(|part| part.line.step == line.step);
        let cleaned = cleaned.and_then(|part| part.applied.cleaned.clone());
        Applied { refused, collected, cleaned, is_passed: false, parts }
    }
}

impl Course<'_> {
    fn run(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Advance(by) => self.advance(self.schedule().clock.saturating_add(*by)),
            Step::Gc { .. } => self.wait(step),
            Step::ImageDelete { image, sync: true } => {
                self.write(&Step::ImageDelete { image: image.clone(), sync: false })?;
                self.wait_told()
            }
            Step::LeaseDelete { lease, sync: true } => {
                self.write(&Step::LeaseDelete { lease: lease.clone(), sync: false })?;
                self.wait_told()
            }
            step => self.write(step),
        }
    }

    fn schedule(&self) -> &Schedule {
        self.world.schedule.as_ref().expect("a world that is done in parts has a scheduler")
    }

    /// Does a part, in a world as it is without a scheduler.
    fn part(&mut self, what: Scheduled, step: Step) -> &Applied {
        let line = Line { step, ..self.client.clone() };
        let schedule = self.world.schedule.take();
        let before = self.world.clone();
        let applied = self.world.do_with(&line, self.fault);
        self.world.schedule = None;
        let after = self.world.clone();
        self.world.schedule = schedule;
        let release = self.world.store.release;
        match &line.step {
            Step::Advance(by) => {
                if let Some(schedule) = self.world.schedule_mut() {
                    schedule.clock = schedule.clock.saturating_add(*by);
                }
            }
            Step::Scheduler(settings) => self.world.configure_scheduler(settings),
            Step::Crash | Step::Release(_) if applied.refused.is_none() => {
                self.world.restart_scheduler(release)
            }
            _ => {}
        }
        self.parts.push(Part { what, before, line, after, applied });
        &self.parts.last().expect("it was pushed").applied
    }

    /// The clock goes on, and nothing is due until then.
    fn pass(&mut self, until: Duration) {
        if let Some(by) = until.checked_sub(self.schedule().clock).filter(|by| !by.is_zero()) {
            self.part(Scheduled::Step, Step::Advance(by));
        }
    }

    /// The clock goes on, with all that falls due.
    fn advance(&mut self, until: Duration) -> Result<(), Error> {
        while self.next(until)? {}
        self.pass(until);
        if self.parts.is_empty() {
            self.part(Scheduled::Step, Step::Advance(Duration::ZERO));
        }
        Ok(())
    }

    /// Runs what falls due next, if something does.
    fn next(&mut self, until: Duration) -> Result<bool, Error> {
        let Some(run) = self.due(until) else { return Ok(false) };
        self.collect(run, Step::Gc { last: None, cancel_at_root: None })?;
        Ok(true)
    }

    fn due(&mut self, until: Duration) -> Option<Run> {
        // A collection that never ends is the last one.
        let schedule = self.world.schedule_mut().filter(|schedule| !schedule.is_down)?;
        let run = schedule.scheduler.wake(until)?;
        if self.world.is_hung { None } else { Some(run) }
    }

    /// A collection, its clean-ups and its end.
    fn collect(&mut self, run: Run, step: Step) -> Result<(), Error> {
        self.collections += 1;
        if self.collections > COLLECTIONS_MAX {
            let message = format!("more than {COLLECTIONS_MAX} collections fall due: go on in smaller steps");
            return Err(refused(ErrorKind::Unknown, message));
        }
        self.pass(run.at);
        let applied = self.part(Scheduled::Collection(run.cause), step);
        let Some(collected) = applied.collected.clone() else {
            return applied.refused.clone().map_or(Ok(()), Err);
        };
        let hung = applied.refused.clone();
        let has_failed = collected.outcome.error.is_some();
        let cleaning = if has_failed { CleanUp::default() } else { CleanUp::clone(&self.world.scheduled) };
        let cleans = cleaning != CleanUp::default();
        if cleans && hung.is_none() {
            self.part(Scheduled::CleanUp, Step::Cleanup);
        }
        let Some(schedule) = self.world.schedule_mut() else { return Ok(()) };
        let takes = schedule.takes;
        schedule.locked_until = run.at.saturating_add(takes);
        schedule.ends =
            schedule.locked_until.saturating_add(if cleans { schedule.cleanup } else { Duration::ZERO });
        schedule.cleaning = cleaning;
        let ends = schedule.ends;
        if let Some(hung) = hung {
            return Err(hung);
        }
        if !has_failed {
            schedule.scheduler.succeeded(ends, takes);
        } else if schedule.scheduler.failed(ends).is_err() {
            self.part(Scheduled::Crash, Step::Crash);
            if let Some(schedule) = self.world.schedule_mut() {
                schedule.is_down = true;
            }
        }
        Ok(())
    }

    /// Somebody asks for a collection and waits for its end (`ScheduleAndWait`); while one runs, before that for the other's.
    fn wait(&mut self, step: &Step) -> Result<(), Error> {
        self.advance_if_needed(self.schedule().ends)?;
        let clock = self.schedule().clock;
        if let Some(schedule) = self.world.schedule_mut() {
            schedule.scheduler.event(clock, Event::Trigger);
        }
        match self.due(Duration::MAX) {
            Some(run) => self.collect(run, step.clone())?,
            None => return self.part(Scheduled::Step, step.clone()).refused.clone().map_or(Ok(()), Err),
        }
        if self.schedule().is_down {
            return Err(refused(ErrorKind::Unavailable, "the daemon crashed".to_owned()));
        }
        self.pass(self.schedule().ends);
        Ok(())
    }

    /// The same for a client, who is told no more than that it failed.
    fn wait_told(&mut self) -> Result<(), Error> {
        self.wait(&Step::Gc { last: None, cancel_at_root: None })?;
        let last = self.parts.iter().rev().find_map(|part| part.applied.collected.as_ref());
        match last.is_some_and(|collected| collected.outcome.error.is_some()) {
            true => Err(refused(ErrorKind::Unknown, "gc failed".to_owned())),
            false => Ok(()),
        }
    }

    /// Whether the content that a step puts is in its namespace.
    fn is_there(&self, step: &Step) -> bool {
        let Step::ContentPut { digest, .. } = step else { return false };
        let Some(namespace) = self.world.namespace(self.client.client.as_ref()) else { return false };
        let path = [names::V1, namespace, names::CONTENT, names::BLOB, digest];
        self.world.store.tree.view().at(&path).is_some()
    }

    fn advance_if_needed(&mut self, until: Duration) -> Result<(), Error> {
        if until > self.schedule().clock { self.advance(until) } else { Ok(()) }
    }

    /// A step that is no collection; the scheduler hears of what it wrote.
    ///
    /// A request that is several transactions, one for each thing, is done in as many parts.
    fn write(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::LeaseAdd { lease, resources } if resources.len() > 1 => {
                return resources.iter().try_for_each(|resource| {
                    self.write(&Step::LeaseAdd { lease: lease.clone(), resources: vec![resource.clone()] })
                });
            }
            Step::LeaseDrop { lease, resources } if resources.len() > 1 => {
                return resources.iter().try_for_each(|resource| {
                    self.write(&Step::LeaseDrop { lease: lease.clone(), resources: vec![resource.clone()] })
                });
            }
            Step::NamespaceLabel { namespace, labels } if labels.as_slice().len() > 1 => {
                return labels.as_slice().iter().try_for_each(|label| {
                    let labels = Labels::from_iter([label.clone()]);
                    self.write(&Step::NamespaceLabel { namespace: namespace.clone(), labels })
                });
            }
            _ => {}
        }
        let is_there = self.is_there(step);
        let writes = transactions(step, is_there);
        if writes > 0 {
            let schedule = self.schedule();
            let until =
                if is_held_by(&schedule.cleaning, step) { schedule.ends } else { schedule.locked_until };
            self.advance_if_needed(until)?;
        }
        let applied = self.part(Scheduled::Step, step.clone());
        let refused = applied.refused.clone();
        let part = self.parts.last().expect("one was done");
        let [before, after] = [&part.before, &part.after].map(|world| &world.store.tree);
        let has_changed = writes > 0 && find_change(before, after, |_, _, _| Some(())).is_some();
        let committed = match (&refused, has_changed) {
            // A transaction that finds everything as it is to be is committed all the same.
            (None, _) => writes,
            (Some(_), has_changed) => usize::from(has_changed),
        };
        let is_dirty = self.world.store.dirty.count > 0;
        if let Some(schedule) = self.world.schedule_mut() {
            for _ in 0..committed {
                schedule.scheduler.event(schedule.clock, Event::Mutation { is_dirty });
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

/// Whether a step waits for a clean-up: content and snapshots are locked while their own backend is cleaned up
/// (`contentStore.garbageCollect`, `snapshotter.garbageCollect`), and nothing else is.
fn is_held_by(cleaning: &CleanUp, step: &Step) -> bool {
    let snapshotter = match step {
        Step::ContentPut { .. }
        | Step::ContentOpen { .. }
        | Step::ContentCommit { .. }
        | Step::ContentAbort { .. }
        | Step::ContentLabel { .. }
        | Step::ContentDelete { .. } => return cleaning.content,
        Step::SnapshotPrepare(new)
        | Step::SnapshotView(new)
        | Step::SnapshotPrepareBegin(new)
        | Step::SnapshotViewBegin(new) => &new.snapshot.snapshotter,
        Step::SnapshotFinish { snapshot }
        | Step::SnapshotCommit { snapshot, .. }
        | Step::SnapshotLabel { snapshot, .. }
        | Step::SnapshotRemove { snapshot } => &snapshot.snapshotter,
        _ => return false,
    };
    cleaning.snapshotters.iter().any(|cleaned| **cleaned == **snapshotter)
}

/// How many write transactions a step is; of those that are refused one at most is committed. Content that is there is put
/// into the lease in use by the first of two (`contentStore.Writer`).
fn transactions(step: &Step, is_there: bool) -> usize {
    match step {
        Step::ContentPut { .. } if is_there => 1,
        Step::ContentPut { .. } | Step::SnapshotPrepare(_) | Step::SnapshotView(_) => 2,
        Step::LeaseAdd { resources, .. } | Step::LeaseDrop { resources, .. } => resources.len(),
        Step::NamespaceLabel { labels, .. } => labels.as_slice().len(),
        Step::NamespaceCreate { .. }
        | Step::NamespaceDelete { .. }
        | Step::ContentOpen { .. }
        | Step::ContentCommit { .. }
        | Step::ContentAbort { .. }
        | Step::ContentLabel { .. }
        | Step::ContentDelete { .. }
        | Step::SnapshotPrepareBegin(_)
        | Step::SnapshotViewBegin(_)
        | Step::SnapshotFinish { .. }
        | Step::SnapshotCommit { .. }
        | Step::SnapshotLabel { .. }
        | Step::SnapshotRemove { .. }
        | Step::ImageCreate { .. }
        | Step::ImageUpdate { .. }
        | Step::ImageLabel { .. }
        | Step::ImageDelete { .. }
        | Step::ContainerCreate { .. }
        | Step::ContainerUpdate { .. }
        | Step::ContainerLabel { .. }
        | Step::ContainerDelete { .. }
        | Step::LeaseCreate { .. }
        | Step::LeaseDelete { .. }
        | Step::SandboxCreate { .. }
        | Step::SandboxLabel { .. }
        | Step::SandboxDelete { .. } => 1,
        _ => 0,
    }
}
