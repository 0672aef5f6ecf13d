//! The collections of generated cases as rows.

use crate::bucket::Bucket;
use crate::campaign::Stop;
use crate::conformance::Row;
use crate::conformance::row::UnorderedField;
use crate::simulate::campaign::{Numbers, Plan, draw};
use crate::situation::Situation;
use crate::world::{Collected, World};
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

/// A collection as a row without results.
pub fn row(name: String, situation: &Situation) -> Row {
    let unordered = situation.collectors.len() > 1;
    Row {
        name,
        version: Some(format!("containerd {}", situation.release)),
        note: None,
        now: situation.now,
        collectors: situation.collectors.to_vec(),
        db: without_sequences(&situation.tree),
        unordered,
        unordered_fields: if unordered { vec![UnorderedField::Refs] } else { Vec::new() },
        runs: None,
        expected: Vec::new(),
    }
}

/// The form of a row has no sequence numbers, which no collection looks at.
fn without_sequences(tree: &Bucket) -> Bucket {
    let mut without = tree.clone();
    for (path, _) in tree.view().walk_paths().filter(|(_, bucket)| bucket.sequence() != 0) {
        without.set_sequence(&path, 0).expect("the path was read from this tree");
    }
    without
}

/// Whether a collection can be put as a row, which has no word for a context that is cancelled.
pub fn is_row(collected: &Collected) -> bool {
    collected.cancel_at_root.is_none()
}

/// Writes every collection of the cases of a plan, one row a line; `done` hears of each case.
///
/// # Errors
/// The writer's; `Interrupted` once a stop is asked for.
pub fn write_rows(
    plan: &Plan,
    cases: Numbers,
    stop: &Stop,
    out: &mut dyn Write,
    done: impl Fn(u64),
) -> io::Result<()> {
    for number in cases.iter() {
        if stop.is_asked() {
            return Err(ErrorKind::Interrupted.into());
        }
        for (place, Put { collected, .. }) in collections(plan, number).iter().enumerate() {
            let row = row(collection_name(plan, number, place), &collected.before);
            writeln!(out, "{}", row.to_json())?;
        }
        done(1);
    }
    Ok(())
}

/// A collection that can be put as a row.
pub(super) struct Put {
    pub(super) collected: Arc<Collected>,
    /// Edits came before that no client can make.
    pub(super) has_raw: bool,
}

/// The collections of a case that can be put as rows.
pub(super) fn collections(plan: &Plan, number: u64) -> Vec<Put> {
    let (mut world, mut has_raw) = (World::new(plan.release), false);
    let lines = draw(plan, number).lines;
    let put = lines.iter().filter_map(|line| {
        has_raw |= line.step.is_raw();
        Some(Put { collected: world.apply(line).collected?, has_raw })
    });
    put.filter(|put| is_row(&put.collected)).collect()
}

/// What a collection is called: the seed, the case and the place among its collections.
pub(super) fn collection_name(plan: &Plan, number: u64, place: usize) -> String {
    format!("{}/{number}.{place}", plan.seed.text())
}
