//! Conditional references, from 2.3: an image or a blob refers to a snapshot while a condition on the snapshot's
//! values holds.
//!
//! ```text
//! containerd.io/gc.cond.snapshot.overlayfs = usedat<24h,usedat>1000h|extract-1    on an image or a blob
//! containerd.io/gc.cond.value-usedat       = 2026-01-01T00:00:00Z                 on the snapshot
//! ```
//!
//! Conditions and values are gathered while the roots are scanned and evaluated after it. Each value that meets a
//! condition adds one edge from the object to the snapshot, behind the back references.

use super::collect::{Marks, Started};
use super::faults::{Fault, Faults};
use super::nodes::{Key, NamespaceId, NodeId};
use crate::instant::Instant;
use crate::node::ResourceType;
use crate::schema::{duration, time};

#[derive(Default)]
pub(super) struct Conditions {
    /// By snapshot, in the order of first mention. containerd keeps a Go map, whose order is not determined.
    snapshots: Vec<(NodeId, Conditional)>,
}

#[derive(Default)]
struct Conditional {
    references: Vec<(NodeId, Condition)>,
    /// Filled by a fault only: references that need all of their conditions.
    all_of: Vec<(NodeId, Vec<Condition>)>,
    used_at: Vec<Instant>,
}

#[derive(Clone, Copy)]
enum Condition {
    /// Last used less than so many nanoseconds ago.
    UsedWithin(i64),
    /// Last used more than so many nanoseconds ago.
    UnusedFor(i64),
}

impl Conditions {
    /// Reads a label `gc.cond.snapshot<rest>` of an object.
    pub(super) fn add<F: Faults>(
        &mut self,
        started: &Started<'_, F>,
        marks: &mut Marks,
        object: NodeId,
        snapshot_type: ResourceType,
        namespace: NamespaceId,
        (rest, value): (&[u8], &[u8]),
    ) {
        // Leading dots and slashes are trimmed, even none of them is needed.
        let trimmed = rest.iter().take_while(|byte| matches!(byte, b'.' | b'/')).count();
        let snapshotter = rest[trimmed..].split(|byte| *byte == b'/').next().unwrap_or_default();
        let Some(bar) = value.iter().position(|byte| *byte == b'|') else { return };
        let (conditions, name) = (&value[..bar], &value[bar + 1..]);
        let conditions = conditions.split(|byte| *byte == b',');
        if started.faults.has(Fault::ConditionsAnded) {
            let all: Option<Vec<Condition>> = conditions.map(read_condition).collect();
            let snapshot = marks.nodes.intern(snapshot_type, namespace, Key::snapshot(snapshotter, name));
            self.of(snapshot).all_of.extend(all.map(|all| (object, all)));
            return;
        }
        for condition in conditions.filter_map(read_condition) {
            let snapshot = marks.nodes.intern(snapshot_type, namespace, Key::snapshot(snapshotter, name));
            let conditional = self.of(snapshot);
            if started.faults.has(Fault::ConditionBeforeValues) {
                let holds = conditional.used_at.iter().any(|used_at| condition.holds(started.now, *used_at));
                marks.back_references.entry(object).or_default().extend(holds.then_some(snapshot));
                continue;
            }
            conditional.references.push((object, condition));
        }
    }

    /// Reads a label `gc.cond.value-usedat...` of a snapshot; what does not parse is ignored.
    pub(super) fn add_value(&mut self, snapshot: NodeId, value: &[u8]) {
        if let Ok(used_at) = time::parse_rfc3339(value) {
            self.of(snapshot).used_at.push(used_at);
        }
    }

    /// Adds an edge for each condition and value that go together.
    pub(super) fn evaluate<F: Faults>(&self, started: &Started<'_, F>, marks: &mut Marks) {
        let now = started.now;
        for (snapshot, conditional) in &self.snapshots {
            for (object, condition) in &conditional.references {
                for used_at in &conditional.used_at {
                    if condition.holds(now, *used_at) {
                        marks.add_back_reference(*object, *snapshot);
                    }
                }
                if conditional.used_at.is_empty() && started.faults.has(Fault::MissingUsedAtHolds) {
                    marks.add_back_reference(*object, *snapshot);
                }
            }
            for (object, all) in &conditional.all_of {
                if conditional.used_at.iter().any(|used_at| all.iter().all(|one| one.holds(now, *used_at))) {
                    marks.add_back_reference(*object, *snapshot);
                }
            }
        }
    }

    fn of(&mut self, snapshot: NodeId) -> &mut Conditional {
        let known = self.snapshots.iter().position(|(known, _)| *known == snapshot);
        let index = known.unwrap_or_else(|| {
            self.snapshots.push((snapshot, Conditional::default()));
            self.snapshots.len() - 1
        });
        &mut self.snapshots[index].1
    }
}

/// `usedat`, one of `<` and `>`, and a duration that Go parses; anything else is skipped.
fn read_condition(text: &[u8]) -> Option<Condition> {
    let rest = text.strip_prefix(b"usedat")?;
    let (operator, duration) = rest.split_first()?;
    match operator {
        b'<' => Some(Condition::UsedWithin(duration::parse(duration)?)),
        b'>' => Some(Condition::UnusedFor(duration::parse(duration)?)),
        _ => None,
    }
}

impl Condition {
    fn holds(self, now: Instant, used_at: Instant) -> bool {
        let since = nanoseconds_between(used_at, now);
        match self {
            Condition::UsedWithin(limit) => since < limit,
            Condition::UnusedFor(limit) => since > limit,
        }
    }
}

/// Go's `Time.Sub`, which stays at the ends of a duration's range.
fn nanoseconds_between(earlier: Instant, later: Instant) -> i64 {
    let nanoseconds =
        |instant: Instant| i128::from(instant.seconds) * 1_000_000_000 + i128::from(instant.nanoseconds);
    let between = nanoseconds(later) - nanoseconds(earlier);
    i64::try_from(between).unwrap_or(if between < 0 { i64::MIN } else { i64::MAX })
}
