//! One small protocol in every order, three times: by Leasehold, and twice by Stateright, a model checker for models that are
//! written in Rust.
//!
//! ```text
//!   protocol.scenario ─┬─> explored   Leasehold's own search
//!                      └─> worlds     Stateright's search, through Leasehold's worlds and properties
//!   the same in Rust ────> hand       Stateright's search, through a struct of some bytes: no containerd is in it
//! ```
//!
//! The three agree on what is safe, and on how many states there are and moves between them. What they are held to:
//!
//! | | `explored` | `worlds` | `hand` |
//! |---|---|---|---|
//! | each step as containerd writes it into its database | yes | yes | as its few effects |
//! | `always` in each state, refused steps | yes | yes | yes |
//! | each collection to the oracle and to all properties, equal ones once | yes | yes | no |
//! | clients that wait for each other for ever | yes | no | no |
//! | orders, ends, what was never put to the test | counted | no | no |
//! | clocks between the same expiries | one state | told apart | told apart |
//!
//! No protocol here has clocks that the last line is about.

pub mod explored;
pub mod hand;
pub mod worlds;

use leasehold::scenario::{Scenario, parse};
use stateright::{Checker, Model};

/// The protocol, as `leasehold explore` reads it.
pub const PROTOCOL: &str = include_str!("../protocol.scenario");

/// How many collections may happen in [`PROTOCOL`].
pub const COLLECTIONS: u8 = 6;

/// What came of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Came {
    /// States, each once.
    pub states: u64,
    /// Moves that led to a state, one that was known too.
    pub moves: u64,
    /// Whether all was seen and nothing is broken.
    pub is_safe: bool,
}

/// A protocol, read.
///
/// # Panics
/// It is none.
pub fn read(text: &str) -> Scenario {
    parse(text.as_bytes()).expect("a scenario")
}

/// What came of a search by Stateright.
fn came<M>(checker: &impl Checker<M>) -> Came
where
    M: Model<State: Clone + PartialEq, Action: Clone + PartialEq>,
{
    // Where it begins was led to by no move.
    let (states, moves) = (checker.unique_state_count() as u64, checker.state_count() as u64 - 1);
    Came { states, moves, is_safe: checker.discoveries().is_empty() }
}

#[cfg(test)]
mod tests;
