//! Cases made of steps: what clients do with a daemon, with collections in between.
//!
//! ```text
//!   bytes ──> profile ──> step, step, ... gc, step, ... gc      every step may be refused (`?`)
//! ```
//!
//! One code for seeds, for the fuzzer and for tests: everything is drawn from [`Unstructured`]. Structure is valid
//! most of the time; what no client can write comes in as raw edits, by weight. The mix of an ordinary case: 66
//! operations, a collection after every 10 of them and one at the end.
//!
//! The draft knows the clock, which expiries it has written and what it has declared; it knows nothing of what the
//! daemon makes of its steps.

mod bursts;
mod chains;
mod collectors;
mod foreign;
mod grammar;
mod heavy;
mod labels;
mod large;
mod names;
mod objects;
mod protocols;
mod shipped;
mod unfinished;

use super::profile::{Habit, Profile, Swarm};
use crate::instant::Instant;
use crate::node::Kind;
use crate::release::Release;
use crate::scenario::{CLOCK_START, Line, Name, Outcome, Scenario, Step};
use arbitrary::{Result, Unstructured};
use std::collections::VecDeque;
use std::num::NonZeroU64;

/// Operations of a whole case, collections set aside.
pub const OPERATIONS: usize = 66;
/// Operations between two collections.
pub const OPERATIONS_BETWEEN: usize = 10;
/// How many bytes a case draws at the most; more would not be looked at.
pub const CASE_BYTES: usize = 1536;

/// A generated case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The daemon's release.
    pub release: Release,
    /// What its clients are given to.
    pub profile: Profile,
    /// Its steps, of which any may be refused.
    pub lines: Vec<Line>,
}

impl Case {
    /// The case as a scenario.
    pub fn scenario(&self) -> Scenario {
        Scenario { release: self.release, lines: self.lines.clone(), ..Scenario::default() }
    }
}

/// Draws a case. It ends with the bytes, and at [`OPERATIONS`] at the latest.
///
/// # Errors
/// As `arbitrary`'s: never for want of bytes, which count as zeros.
pub fn draw(u: &mut Unstructured<'_>, release: Release, swarm: Swarm) -> Result<Case> {
    let profile = match swarm {
        Swarm::Drawn => Profile::draw(u)?,
        Swarm::Fixed(profile) => profile,
    };
    let mut draft = Draft::new(u, release, profile);
    draft.setting()?;
    for operation in 1..=OPERATIONS {
        if draft.u.is_empty() {
            break;
        }
        draft.operation()?;
        if operation % OPERATIONS_BETWEEN == 0 {
            draft.collection()?;
        }
    }
    if !matches!(draft.lines.last(), Some(Line { step: Step::Gc { .. }, .. })) {
        draft.collection()?;
    }
    Ok(Case { release, profile, lines: draft.lines })
}

/// A case in the making.
struct Draft<'u, 'b> {
    u: &'u mut Unstructured<'b>,
    release: Release,
    profile: Profile,
    lines: Vec<Line>,
    /// The clock after the steps so far.
    now: Instant,
    /// Expiries that were written.
    expiries: Vec<Instant>,
    /// What belongs together and is under way: taken from the front, one step after the other.
    queue: VecDeque<Line>,
    /// The protocols under way, each a client's.
    scripts: Vec<VecDeque<Line>>,
    /// How many clients were declared.
    clients: u8,
    /// Collectors that were declared.
    kinds: Vec<Kind>,
    /// Their labels.
    collector_labels: Vec<Name>,
    /// There was a burst.
    has_burst: bool,
    /// What operations may come, with their running sums of weights.
    weights: Vec<(u16, Operation<Self>)>,
}

/// What one operation does with a draft.
type Operation<D> = fn(&mut D) -> Result<()>;

impl<'u, 'b> Draft<'u, 'b> {
    /// The default mix: weight, operation, and the habit without which it does not come.
    const MIX: [(u16, Operation<Self>, Option<Habit>); 48] = [
        (50, Self::put, None),
        (11, Self::label_content, None),
        (3, Self::delete_content, None),
        (11, Self::ingest, None),
        (20, Self::prepare, None),
        (8, Self::commit_snapshot, None),
        (8, Self::label_snapshot, None),
        (4, Self::remove_snapshot, None),
        (12, Self::create_image, None),
        (5, Self::change_image, None),
        (5, Self::delete_image, None),
        (8, Self::create_container, None),
        (3, Self::change_container, None),
        (3, Self::delete_container, None),
        (12, Self::create_lease, Some(Habit::Leases)),
        (18, Self::add_to_lease, Some(Habit::Leases)),
        (4, Self::drop_from_lease, Some(Habit::Leases)),
        (6, Self::delete_lease, Some(Habit::Leases)),
        (5, Self::use_lease, Some(Habit::Leases)),
        (8, Self::flat_and_plain, Some(Habit::FlatAndPlain)),
        (26, Self::content_chain, None),
        (18, Self::snapshot_chain, None),
        (5, Self::flat_image, Some(Habit::Later)),
        (6, Self::back_reference, Some(Habit::Later)),
        (6, Self::condition, Some(Habit::Later)),
        (5, Self::clock, Some(Habit::Expiry)),
        (6, Self::use_namespace, Some(Habit::Namespaces)),
        (3, Self::namespace, Some(Habit::Namespaces)),
        (4, Self::sandbox, None),
        (8, Self::stream, Some(Habit::Collectors)),
        (24, Self::collector, Some(Habit::Collectors)),
        (8, Self::malformed, Some(Habit::Malformed)),
        (8, Self::undecodable, Some(Habit::Malformed)),
        (12, Self::begin_protocol, Some(Habit::Protocols)),
        (2, Self::clean_up, None),
        (10, Self::any_label, Some(Habit::LabelGrammar)),
        (10, Self::burst, Some(Habit::Bursts)),
        (8, Self::use_namespace, Some(Habit::SharedNames)),
        (8, Self::use_namespace, Some(Habit::Prefixes)),
        (8, Self::undecodable, Some(Habit::OddTimes)),
        (10, Self::restart, Some(Habit::Restarts)),
        (10, Self::pinned_chain, Some(Habit::Chains)),
        (10, Self::empty_label, Some(Habit::EmptyLabels)),
        (6, Self::parent_made_anew, Some(Habit::Chains)),
        (6, Self::namespace_of_one_snapshot, Some(Habit::Chains)),
        (40, Self::foreign, Some(Habit::Foreign)),
        (30, Self::heavy, Some(Habit::Heavy)),
        (20, Self::unfinished, Some(Habit::Unfinished)),
    ];

    fn new(u: &'u mut Unstructured<'b>, release: Release, profile: Profile) -> Draft<'u, 'b> {
        let mut sum = 0;
        let possible =
            Self::MIX.into_iter().filter(|(_, _, habit)| habit.is_none_or(|habit| profile.contains(habit)));
        let weights = possible.map(|(weight, operation, _)| {
            sum += weight;
            (sum, operation)
        });
        Draft {
            u,
            release,
            profile,
            lines: Vec::with_capacity(OPERATIONS + OPERATIONS / OPERATIONS_BETWEEN + 12),
            now: CLOCK_START,
            expiries: Vec::new(),
            queue: VecDeque::with_capacity(16),
            scripts: Vec::new(),
            clients: 0,
            kinds: Vec::new(),
            collector_labels: Vec::new(),
            has_burst: false,
            weights: weights.collect(),
        }
    }

    fn has(&self, habit: Habit) -> bool {
        self.profile.contains(habit)
    }

    /// What a case begins with: the collectors of the daemon's plugins, and mostly something that hangs together.
    fn setting(&mut self) -> Result<()> {
        if self.has(Habit::Collectors) {
            self.declare_collectors()?;
        }
        if self.u.ratio(3, 4)? {
            self.content_chain()?;
        }
        if self.u.ratio(1, 2)? { self.snapshot_chain() } else { Ok(()) }
    }

    /// The next operation: the next step of something under way, or a new thing.
    fn operation(&mut self) -> Result<()> {
        if !self.queue.is_empty() && self.u.ratio(7, 8)? {
            self.lines.extend(self.queue.pop_front());
            return Ok(());
        }
        if !self.scripts.is_empty() && self.u.ratio(1, 2)? {
            return self.follow_script();
        }
        let (total, _) = *self.weights.last().expect("the mix has operations that need no habit");
        let drawn = self.u.int_in_range(0..=total - 1)?;
        let at = self.weights.partition_point(|(sum, _)| *sum <= drawn);
        let (_, operation) = self.weights[at];
        operation(self)
    }

    /// A collection; before it the clock may stop at an expiry, or a tick from it.
    fn collection(&mut self) -> Result<()> {
        if self.has(Habit::Expiry) && self.u.ratio(1, 2)? {
            self.stop_at_expiry()?;
        }
        let mut last = None;
        if self.kinds.len() > 1 && self.release.rules().shared_loop_variable {
            last = Some(*self.u.choose(&self.kinds)?);
        }
        let is_cancelled = self.u.int_in_range(0..=255u8)? >= 249;
        let cancel_at_root = if is_cancelled { NonZeroU64::new(self.u.int_in_range(1..=8)?) } else { None };
        self.step(Step::Gc { last, cancel_at_root });
        Ok(())
    }

    fn clean_up(&mut self) -> Result<()> {
        self.step(Step::Cleanup);
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.step(Step::Crash);
        Ok(())
    }

    /// A step that may be refused.
    fn step(&mut self, step: Step) {
        self.lines.push(line(step));
    }

    /// What comes now, and what shall follow it.
    fn steps<const N: usize>(&mut self, first: Step, rest: [Step; N]) {
        self.step(first);
        self.queue.extend(rest.map(line));
    }

    /// A name from a pool.
    fn name(&mut self, pool: &[&[u8]], hot: usize) -> Result<Name> {
        if self.has(Habit::RawBytes) && self.u.ratio(1, 8)? {
            return Ok(self.u.choose(&names::RAW)?.to_vec());
        }
        if self.has(Habit::SharedNames) && self.u.ratio(1, 4)? {
            return Ok(self.u.choose(&names::SHARED)?.to_vec());
        }
        let length = self.pool_length(pool.len(), hot);
        let name = self.u.choose(&pool[..length])?.to_vec();
        if self.has(Habit::Prefixes) && self.u.ratio(1, 4)? {
            // The beginning of all names of its kind, or one that begins with this.
            return Ok(if self.u.arbitrary()? { vec![name[0]] } else { [&name[..], b"0"].concat() });
        }
        Ok(name)
    }

    /// How much of a pool is drawn from.
    fn pool_length(&self, pool: usize, hot: usize) -> usize {
        if self.has(Habit::ColdNames) { pool } else { hot }
    }

    /// The place of a digest in its pool.
    fn blob_index(&mut self) -> Result<usize> {
        let length = self.pool_length(names::BLOBS.len(), names::HOT_CHAINED);
        self.u.choose_index(length)
    }

    fn blob(&mut self) -> Result<Name> {
        if self.has(Habit::SharedNames) && self.u.ratio(1, 4)? {
            return Ok(self.u.choose(&*names::TWINS)?.clone());
        }
        let index = self.blob_index()?;
        Ok(names::BLOBS[index].clone())
    }

    /// A committed snapshot mostly, else an active one.
    fn snapshot_key(&mut self) -> Result<Name> {
        if self.u.ratio(1, 4)? {
            return self.name(&names::ACTIVE, names::HOT);
        }
        self.name(&names::SNAPSHOTS, names::HOT_CHAINED)
    }
}

/// A line that may be refused.
fn line(step: Step) -> Line {
    Line { outcome: Outcome::Any, ..Line::new(step) }
}
