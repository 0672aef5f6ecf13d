//! What kept a node until some step before the one that removed it.
//!
//! ```text
//! content/layer was removed by `gc`, line 12: nothing refers to it (before `lease delete pull`, line 9: lease/pull holds it)
//! ```
//!
//! Nothing is noted while steps are done: who asks has them done once more, from the first. So not too many are asked for,
//! and none of long scenarios.

use super::why::Asked;
use super::{Replay, gc};
use crate::node::NodeRef;
use crate::oracle::judge;
use crate::scenario::{Step, print_step};
use crate::world::World;

/// In scenarios of more steps nothing is looked up.
const STEPS_MAX: usize = 2_000;
/// So many nodes of a scenario are looked up.
const NODES_MAX: u8 = 10;

impl Replay<'_> {
    /// The last step before which a collection would have kept a node that step `removed_at` (counted from 0) removed, and
    /// what for; none if none would, or if time alone went by.
    pub(super) fn kept_before(&self, asked: Asked<'_>, removed_at: usize) -> Option<String> {
        let asked_before = self.asked_before.get();
        let lines = self.scenario.lines.get(..removed_at)?;
        if lines.len() > STEPS_MAX || asked_before >= NODES_MAX {
            return None;
        }
        self.asked_before.set(asked_before + 1);
        let mut world = World::new(self.scenario.release).built_with(self.world.situation().built_with);
        let mut worlds = Vec::new();
        for line in lines {
            worlds.push((line, world.clone()));
            world.apply_with(line, self.fault);
        }
        let (line, why) = worlds.into_iter().rev().find_map(|(line, world)| {
            let before = world.situation();
            let resource_type = before.release.type_of(asked.kind)?;
            let node = NodeRef { resource_type, namespace: asked.namespace, key: asked.key };
            let judgement = judge(&before, self.known(before.release).defects);
            Some((line, gc::kept(&before, &judgement, asked.client, node)?))
        })?;
        let is_time = matches!(line.step, Step::Advance(_) | Step::Now(_));
        let told = || format!("(before `{}`, line {}: {why})", print_step(&line.step), line.number);
        (!is_time).then(told)
    }
}
