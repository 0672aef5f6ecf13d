//! A real daemon as the third opinion: the same scenario on containerd and in the world, compared after every step.
//!
//! ```text
//!   scenario ──> fit ──> steps that a daemon can do ──┬──> world                  ──> refused, tree ─┐
//!                 └─> what it cannot, each with why    └──> client ──> containerd ──> refused, tree ─┴──> compare
//!                                                                          └──> backend: the snapshots, in memory
//! ```
//!
//! Engine, oracle, contract and recorded rows could share a misreading; a running containerd does not. Every scenario has a
//! daemon of its own, in a private folder that goes with it whatever happens ([`daemon`]). The daemon runs its own
//! clock: expiries are moved to it before anything starts ([`fit`]). Its snapshotters are ours, so that any name works
//! and nothing is mounted ([`backend`]).
//!
//! This room needs the feature `live`.

mod backend;
mod client;
mod compare;
pub mod daemon;
pub mod fit;
mod messages;
mod run;
mod writer;

pub use compare::Differs;
pub use run::{Difference, Front, Live, Ran, Said};

/// Why a daemon could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is no containerd, or none whose rules are built.
    #[error("{0}")]
    Program(String),
    /// The daemon does not start, or does not answer any more.
    #[error("{0}")]
    Daemon(String),
    /// The system refuses a folder, a socket or a process.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What came of it.
        error: std::io::Error,
    },
}

impl Error {
    fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        move |error| Error::System { what, error }
    }
}
