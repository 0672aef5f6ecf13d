//! One case: its steps through a world, every collection held to the properties.
//!
//! ```text
//!   line ──> World::apply ──> collection ──> check ──> what does not hold
//!              │                    └──────> what the case exercised
//!              └─ a world after each step, for those who watch
//! ```
//!
//! A case ends at its first collection that breaks a property: what follows would be its echo.

use super::check::{self, Finding, Property, check_outcome, check_thoroughly};
use crate::engine::Faults;
use crate::oracle::{Defect, Defects, Judgement, judge};
use crate::release::Release;
use crate::scenario::Line;
use crate::world::{Collected, World};

/// How a case is run.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// The daemon's release.
    pub release: Release,
    /// Which defects the oracle assumes.
    pub defects: Defects,
    /// After which collections relations and injected errors are checked too.
    pub thorough: Thorough,
}

/// Which collections of a case are looked at more closely: each such look costs a hundred collections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Thorough {
    /// None.
    Never,
    /// The one with this number, from 0.
    Once(u64),
    /// Every one.
    Always,
}

/// A property that a case breaks, and by which defect where that is known. What is shrunk stays of this kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sort {
    /// The property.
    pub property: Property,
    /// Of a run against the intended rules: the one defect that explains it.
    pub defect: Option<Defect>,
}

/// What a case breaks, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The place of the collection among the lines.
    pub line: usize,
    /// Of which sort it is.
    pub sort: Sort,
    /// What was seen: the first property that does not hold.
    pub finding: Finding,
    /// The others that the same collection breaks.
    pub also: Vec<Property>,
}

/// Who watches a case.
pub trait Watch {
    /// The world after a step.
    fn stepped(&mut self, _: &World) {}
    /// A collection with the oracle's judgement.
    fn collected(&mut self, _: &Collected, _: &Judgement<'_>) {}
    /// What of a collection was checked, and what did not hold.
    fn checked(&mut self, _: &[Property], _: &[Finding]) {}
}

/// Nobody.
impl Watch for () {}

/// Runs a case; gives what it breaks, none if every property holds.
pub fn run<F: Faults>(lines: &[Line], mode: Mode, faults: F, watch: &mut impl Watch) -> Option<Broken> {
    let mut world = World::new(mode.release);
    let mut collections = 0;
    for (at, line) in lines.iter().enumerate() {
        let applied = world.apply_with(line, faults);
        watch.stepped(&world);
        let Some(collected) = applied.collected else { continue };
        let request = collected.request();
        let question = check::question(&request, mode.defects);
        let judgement = judge(&question);
        let is_thorough = match mode.thorough {
            Thorough::Never => false,
            Thorough::Once(number) => number == collections,
            Thorough::Always => true,
        };
        collections += 1;
        let (properties, findings) = match is_thorough {
            false => (Property::each(), check_outcome(&request, &collected.outcome, &judgement, faults)),
            true => {
                let findings =
                    check_thoroughly(&request, &collected.outcome, &judgement, mode.defects, faults);
                (Property::ALL, findings)
            }
        };
        watch.collected(&collected, &judgement);
        watch.checked(properties, &findings);
        let mut findings = findings.into_iter();
        if let Some(finding) = findings.next() {
            let defect = explaining_defect(&collected, mode, faults, finding.property);
            let sort = Sort { property: finding.property, defect };
            let also = findings.map(|finding| finding.property).collect();
            return Some(Broken { line: at, sort, finding, also });
        }
    }
    None
}

/// The one defect of the release without which the property would have held, for a run against the intended rules.
fn explaining_defect<F: Faults>(
    collected: &Collected,
    mode: Mode,
    faults: F,
    property: Property,
) -> Option<Defect> {
    if mode.defects != Defects::NONE {
        return None;
    }
    let request = collected.request();
    let is_broken_with = |defects| {
        let question = check::question(&request, defects);
        let judgement = judge(&question);
        let findings = check_thoroughly(&request, &collected.outcome, &judgement, defects, faults);
        findings.iter().any(|finding| finding.property == property)
    };
    let shipped = Defects::as_shipped(mode.release);
    shipped.iter().find(|defect| !is_broken_with(Defects::NONE.with(*defect)))
}
