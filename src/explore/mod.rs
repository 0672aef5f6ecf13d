//! Every order of clients' steps, collections, clean-ups, time and crashes: whether a protocol keeps its promises in all.
//!
//! ```text
//!   scenario ──> protocol ──> search ──> safe, and what was never put to the test
//!                               └──────> broken: the shortest order, as a scenario that replay confirms
//! ```
//!
//! `protocol` takes a scenario with a `together` block apart, `state` says which states are one, `moves` does one move in
//! one world, `commute` says which moves give the same in either order, `level` keeps what came of them, `search` goes
//! through all states, `found` is what is asked and what came of it, `order` writes down the way to a broken promise,
//! `weakest` asks what a safe one rests on. This room knows nothing of containerd's rules: worlds apply steps, and
//! properties judge collections.

mod commute;
mod found;
mod level;
mod moves;
mod order;
pub mod protocol;
mod search;
mod state;
pub mod weakest;

pub use commute::Commuting;
pub use found::{Broken, Found, Kind, Progress, Search, Untested, Verdict};
pub use order::{HEAD_LINES, Order};
pub use protocol::{NoProtocol, Protocol};
pub use state::Merging;

use crate::properties::known::Known;
use crate::replay::{Failure, Replay};
use crate::scenario::{Line, Scenario};
use crate::world::World;

/// What came of a protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explored {
    /// Clients that must come to their end.
    pub clients: usize,
    /// Their steps, a line each, and what may happen.
    pub lines: (usize, usize),
    /// What was found.
    pub found: Found,
    /// The order that breaks a promise.
    pub order: Option<Order>,
}

/// Why a protocol was not explored.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotExplored {
    /// It is none.
    #[error("{0}")]
    NoProtocol(#[from] NoProtocol),
    /// The steps above its block fail.
    #[error("line {}: {failure}, above `together`", .failure.line)]
    Before {
        /// What fails.
        failure: Box<Failure>,
    },
}

/// Explores a protocol.
///
/// # Errors
/// The scenario is none, or the steps above its block fail.
pub fn explore(scenario: &Scenario, search: &Search<'_>) -> Result<Explored, NotExplored> {
    let protocol = Protocol::of(scenario)?;
    let start = start(&protocol, search)?;
    let found = search::search(&protocol, start.clone(), search);
    let order = match &found.verdict {
        Verdict::Broken(broken) => Some(
            order::order(&protocol, start, search, broken)
                .expect("replay breaks the promise that the search saw broken"),
        ),
        _ => None,
    };
    Ok(Explored { clients: protocol.clients(), lines: protocol.lines(), found, order })
}

/// The world that the steps above the block lead to.
fn start(protocol: &Protocol<'_>, search: &Search<'_>) -> Result<World, NotExplored> {
    let lines: Vec<Line> = protocol.before.to_vec();
    let above = Scenario { release: search.release, lines, ..Scenario::default() };
    let mut replay = Replay::new(&above, None).intended(search.known == Known::NONE);
    while let Some(mut stepped) = replay.step() {
        if !stepped.failures.is_empty() {
            return Err(NotExplored::Before { failure: Box::new(stepped.failures.swap_remove(0)) });
        }
    }
    Ok(replay.world().clone())
}

#[cfg(test)]
mod tests;
