//! The three see the same.

use crate::hand::{Hand, NEVER};
use crate::{Came, PROTOCOL, explored, hand, read, worlds};

/// A protocol with fewer collections, changed in one place, and what the three make of it.
fn came_of(from: &str, to: &str, lease_hours: [u8; 3]) -> [Came; 3] {
    let text = PROTOCOL.replace("may 6 gc", "may 2 gc");
    assert!(text.contains(from), "{from}");
    let scenario = Box::leak(Box::new(read(&text.replace(from, to))));
    [explored::search(scenario), worlds::search(scenario), hand::search(Hand { collections: 2, lease_hours })]
}

#[test]
fn all_see_the_same_states_of_a_safe_protocol() {
    let [explored, worlds, by_hand] = came_of("", "", [NEVER, NEVER, 1]);
    assert!(explored.is_safe);
    assert_eq!(explored, worlds);
    assert_eq!(explored, by_hand);
}

#[test]
fn all_see_a_lease_end_too_early() {
    let came = came_of("lease create one", "lease create one expire=+1h", [1, NEVER, 1]);
    assert!(came.iter().all(|came| !came.is_safe), "{came:?}");
}

#[test]
fn all_see_that_a_longer_lease_suffices() {
    let [explored, worlds, by_hand] =
        came_of("lease create one", "lease create one expire=+3h", [3, NEVER, 1]);
    assert!(explored.is_safe && worlds.is_safe && by_hand.is_safe);
}
