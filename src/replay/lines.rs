//! Which line of a scenario wrote what of the database.

use crate::bucket::diff;
use crate::go::Go;
use crate::scenario::Scenario;
use crate::world::World;
use std::collections::HashMap;

/// By place in the database: the last line that wrote there.
pub struct Lines(HashMap<Vec<Box<[u8]>>, usize>);

impl Lines {
    /// Carries out the steps of a scenario that lead to its [`state`](super::state).
    pub fn of(scenario: &Scenario, go: Go) -> Lines {
        // Only looked up, so that hash order shows nowhere.
        let mut lines = HashMap::new();
        let mut world = World::new(scenario.release).built_with(go);
        for line in super::leading(scenario).0 {
            let before = world.store().tree.clone();
            let _applied = world.apply(line);
            let changes = diff(&before, &world.store().tree);
            // A bucket that counts on is not written anew.
            let is_new = |before: Option<_>, after: Option<_>| before.is_none() || after.is_none();
            for change in &changes {
                let values = [change.before, change.after].map(|entry| entry.and_then(|entry| entry.value()));
                if values.iter().any(Option::is_some) || is_new(change.before, change.after) {
                    let place = change.path.iter().map(|key| Box::from(*key)).collect();
                    lines.insert(place, line.number);
                }
            }
        }
        Lines(lines)
    }

    /// The last line that wrote a place, or what it lies in.
    pub fn line(&self, place: &[Vec<u8>]) -> Option<usize> {
        let place: Vec<Box<[u8]>> = place.iter().map(|key| Box::from(key.as_slice())).collect();
        (1..=place.len()).filter_map(|length| self.0.get(&place[..length])).copied().max()
    }
}
