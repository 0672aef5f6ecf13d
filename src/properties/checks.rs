//! What was checked, and what did not hold.

use super::finding::{Breach, Finding};
use super::property::Property;
use crate::bucket::Bucket;
use crate::engine::Outcome;
use crate::named::Set;
use crate::release::Release;

/// What of a step or a collection was checked, and what did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checks {
    /// The properties that could be checked.
    pub checked: Set<Property>,
    /// Those that did not hold, at most one finding each.
    pub findings: Vec<Finding>,
}

impl Checks {
    /// None yet.
    pub const NONE: Checks = Checks { checked: Set::NONE, findings: Vec::new() };

    /// Nothing but that something panicked; what it said.
    pub fn panicked(release: Release, said: String) -> Checks {
        let mut checks = Checks::NONE;
        checks.add(release, Property::Panic, Some(Err(Breach::Panicked(said))));
        checks
    }

    /// Takes note of a property: absent if it could not be checked, else what does not hold.
    pub(super) fn add(&mut self, release: Release, property: Property, held: Option<Result<(), Breach>>) {
        let Some(held) = held else { return };
        self.checked = self.checked.with(property);
        let finding = held.err().map(|breach| Finding::new(property, release, breach));
        self.findings.extend(finding);
    }

    /// The same as who acts in a namespace of a database reads it.
    #[must_use]
    pub fn read_from(mut self, namespace: &[u8], tree: &Bucket) -> Checks {
        self.findings.iter_mut().for_each(|finding| finding.read_from(namespace, tree));
        self
    }

    /// These and others.
    pub fn extend(&mut self, others: Checks) {
        self.checked = self.checked.union(others.checked);
        self.findings.extend(others.findings);
    }
}

/// How large a collection is: what it walked, or as far as it came.
pub(super) fn node_count(outcome: &Outcome) -> usize {
    outcome.walked.len().max(outcome.lookups).max(outcome.roots.len())
}

/// Two checks of a collection: of a large one at once on two cores, since other cases seldom wait for one beside it.
pub(super) fn both<L: Send, R: Send>(
    outcome: &Outcome,
    left: impl FnOnce() -> L + Send,
    right: impl FnOnce() -> R + Send,
) -> (L, R) {
    const LARGE: usize = 5_000;
    if node_count(outcome) < LARGE { (left(), right()) } else { rayon::join(left, right) }
}
