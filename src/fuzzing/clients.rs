//! Clients' steps out of bytes, by the generator of `simulate`.

use crate::release::Release;
use crate::simulate::profile::Swarm;
use crate::simulate::run::Thorough;
use crate::simulate::steps::{self, Case};
use arbitrary::Unstructured;

/// A case of `simulate`, and how closely its collections are looked at.
pub struct Clients {
    /// The steps.
    pub case: Case,
    /// After which collections relations and injected errors are checked too.
    pub thorough: Thorough,
}

/// The first byte says which release, and in one of thirty-two values of it that every collection is looked at closely.
pub(super) fn drawn(bytes: &[u8]) -> Result<Clients, String> {
    let (first, rest) = bytes.split_first().ok_or("there is no byte that names the release")?;
    let [release, closely] = [first % 8, first / 8].map(usize::from);
    let case = steps::draw(&mut Unstructured::new(rest), Release::ALL[release], Swarm::Drawn)
        .map_err(|error| error.to_string())?;
    let thorough = if closely == 31 { Thorough::Always } else { Thorough::Never };
    Ok(Clients { case, thorough })
}
