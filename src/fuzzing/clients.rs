//! Clients' steps out of bytes, by the generator of `simulate`.

use crate::generate::profile::Swarm;
use crate::generate::steps::{self, Case};
use crate::release::Release;
use crate::simulate::run::Thorough;
use arbitrary::Unstructured;

/// A case of `simulate`, and how closely its collections are looked at.
pub struct Clients {
    /// The steps.
    pub case: Case,
    /// After which collections relations and injected errors are checked too.
    pub thorough: Thorough,
}

/// The first byte says which release, the rest the steps.
pub(super) fn drawn(bytes: &[u8]) -> Result<Clients, String> {
    let (first, rest) = bytes.split_first().ok_or("there is no byte that names the release")?;
    let release = Release::ALL[usize::from(first % 8)];
    let case = steps::draw(&mut Unstructured::new(rest), release, Swarm::Drawn);
    let case = case.map_err(|error| error.to_string())?;
    Ok(Clients { case, thorough: closely(bytes) })
}

/// In one of so many inputs a collection is looked at closely, which costs a hundred collections.
const CLOSELY_IN: u32 = 256;
/// A case has as many collections, at the most.
const COLLECTIONS_MAX: u32 = 8;

/// Which collection is looked at closely. A checksum of all bytes decides: were it some of the bytes, a fuzzer would keep
/// such an input for what only a close look reaches, and all that it makes of it would be as slow.
fn closely(bytes: &[u8]) -> Thorough {
    let fnv = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let sum = bytes.iter().fold(0x811c_9dc5, fnv) >> 8;
    if !sum.is_multiple_of(CLOSELY_IN) {
        return Thorough::Never;
    }
    Thorough::Once((sum / CLOSELY_IN % COLLECTIONS_MAX).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_few_inputs_a_collection_is_looked_at_closely() {
        let inputs = (0..CLOSELY_IN * 64).map(u32::to_le_bytes);
        let looks: Vec<Thorough> = inputs.map(|bytes| closely(&bytes)).collect();
        let close = looks.iter().filter(|look| **look != Thorough::Never).count();
        assert!((32..=128).contains(&close), "{close}");
        for number in 0..u64::from(COLLECTIONS_MAX) {
            assert!(looks.contains(&Thorough::Once(number)), "{number}");
        }
    }
}
