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

use super::nodes::{Key, NodeId};
use crate::instant::Instant;
use crate::schema::{duration, time};

#[derive(Default)]
pub(super) struct Conditions {
    /// By snapshot, in the order of first mention. containerd keeps a Go map, whose order is not determined.
    snapshots: Vec<(NodeId, Conditional)>,
}

#[derive(Default)]
struct Conditional {
    /// The objects that refer to the snapshot, each with the conditions of one label.
    references: Vec<(NodeId, Vec<Condition>)>,
    used_at: Vec<Instant>,
}

#[derive(Clone, Copy)]
pub(super) enum Condition {
    /// Last used less than so many nanoseconds ago.
    UsedWithin(i64),
    /// Last used more than so many nanoseconds ago.
    UnusedFor(i64),
}

impl Conditions {
    /// Reads a label `gc.cond.snapshot<rest>` of an object, whose value is cut at a bar; `intern` gives the snapshot's number.
    pub(super) fn add(
        &mut self,
        object: NodeId,
        rest: &[u8],
        (value, bar): (&[u8], Option<usize>),
        intern: impl FnOnce(Key<'_>) -> NodeId,
    ) {
        // Leading dots and slashes are trimmed; there need be none.
        let trimmed = rest.iter().take_while(|byte| matches!(byte, b'.' | b'/')).count();
        let snapshotter = rest[trimmed..].split(|byte| *byte == b'/').next().unwrap_or_default();
        let Some(bar) = bar else { return };
        let (conditions, name) = (&value[..bar], &value[bar + 1..]);
        let conditions: Vec<Condition> =
            conditions.split(|byte| *byte == b',').filter_map(read_condition).collect();
        if !conditions.is_empty() {
            let snapshot = intern(Key::snapshot(snapshotter, name));
            self.of(snapshot).references.push((object, conditions));
        }
    }

    /// Reads a label `gc.cond.value-usedat...` of a snapshot; what does not parse is ignored.
    pub(super) fn add_value(&mut self, snapshot: NodeId, value: &[u8]) {
        if let Ok(used_at) = time::parse_rfc3339(value) {
            self.of(snapshot).used_at.push(used_at);
        }
    }

    /// For each label its object, its snapshot, its conditions and the times at which the snapshot was used.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, NodeId, &[Condition], &[Instant])> {
        self.snapshots.iter().flat_map(|(snapshot, Conditional { references, used_at })| {
            references.iter().map(|(object, conditions)| (*object, *snapshot, &conditions[..], &used_at[..]))
        })
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
    pub(super) fn holds(self, now: Instant, used_at: Instant) -> bool {
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
