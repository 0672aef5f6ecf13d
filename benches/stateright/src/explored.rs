//! Leasehold's own search.

use crate::Came;
use leasehold::campaign::Stop;
use leasehold::explore::{Commuting, Merging, Search, Verdict, explore};
use leasehold::properties::known::Known;
use leasehold::scenario::Scenario;

/// Explores a protocol on rayon's threads.
///
/// # Panics
/// The scenario is no protocol.
pub fn search(scenario: &Scenario) -> Came {
    let (release, stop) = (scenario.release, Stop::default());
    let search = Search {
        release,
        known: Known::as_shipped(release),
        states_max: u64::MAX,
        merging: Merging::default(),
        commuting: Commuting::default(),
        stop: &stop,
        told: &|_| {},
    };
    let found = explore(scenario, &search).expect("a protocol").found;
    let is_safe = found.verdict == Verdict::Safe;
    Came { states: found.progress.states, moves: found.progress.moves, is_safe }
}
