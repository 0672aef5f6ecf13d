//! One case: its steps through a world, every collection held to the properties.
//!
//! ```text
//!   line ──> World::apply ──> collection ──> check ──> what does not hold
//!              │                    └──────> what the case exercised
//!              └─ a world after each step, for those who watch
//! ```
//!
//! A case ends at its first collection that breaks a property: what follows would be its echo.

use crate::engine::Fault;
use crate::oracle::{Defects, Judgement, judge};
use crate::properties::check::{Checks, is_loss};
use crate::properties::finding::Finding;
use crate::properties::property::{Property, When};
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
    /// Of a run against the intended rules: the defects that explain it, of which none can be left out.
    pub defects: Defects,
    /// Whether it costs more than marks of nodes that do not exist.
    pub is_loss: bool,
}

/// What a case breaks, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The place of the collection among the lines.
    pub line: usize,
    /// Of which sort it is.
    pub sort: Sort,
    /// What was seen: of the properties that do not hold the first that costs something, else the first.
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
    fn checked(&mut self, _: &Checks) {}
}

/// Nobody.
impl Watch for () {}

/// Runs a case; gives what it breaks first, none if every property holds.
pub fn run(lines: &[Line], mode: Mode, fault: Option<Fault>, watch: &mut impl Watch) -> Option<Broken> {
    run_until(lines, mode, fault, watch, |collected, judgement, findings| {
        let properties = || findings.iter().map(|finding| finding.property);
        let mut each = properties().filter(|property| property.when() == When::Each);
        let loss = each.find(|property| is_loss(*property, &collected.outcome, judgement));
        let property = loss.or_else(|| properties().next())?;
        let defects = explaining_defects(collected, mode, fault, property);
        Some(broken(Sort { property, defects, is_loss: loss.is_some() }, findings))
    })
}

/// Runs a case until a collection breaks a property in this way, whatever else breaks on the way. What costs something
/// does for what needs not.
pub fn run_for(lines: &[Line], mode: Mode, sort: Sort, fault: Option<Fault>) -> Option<Broken> {
    run_until(lines, mode, fault, &mut (), |collected, judgement, findings| {
        let is_broken = findings.iter().any(|finding| finding.property == sort.property)
            && (!sort.is_loss || is_loss(sort.property, &collected.outcome, judgement));
        let is_it = is_broken && explaining_defects(collected, mode, fault, sort.property) == sort.defects;
        is_it.then(|| broken(sort, findings))
    })
}

/// What a collection broke; the line is filled in by who knows it.
fn broken(sort: Sort, findings: &[Finding]) -> Broken {
    let (own, others): (Vec<Finding>, Vec<Finding>) =
        findings.iter().cloned().partition(|finding| finding.property == sort.property);
    let finding = own.into_iter().next().expect("the property is among the findings");
    let also = others.into_iter().map(|finding| finding.property).collect();
    Broken { line: 0, sort, finding, also }
}

fn run_until(
    lines: &[Line],
    mode: Mode,
    fault: Option<Fault>,
    watch: &mut impl Watch,
    ends: impl Fn(&Collected, &Judgement<'_>, &[Finding]) -> Option<Broken>,
) -> Option<Broken> {
    let mut world = World::new(mode.release);
    let mut collections = 0;
    for (at, line) in lines.iter().enumerate() {
        let applied = world.apply_with(line, fault);
        watch.stepped(&world);
        let Some(collected) = applied.collected else { continue };
        let request = collected.request();
        let judgement = judge(&collected.before, mode.defects);
        let is_thorough = match mode.thorough {
            Thorough::Never => false,
            Thorough::Once(number) => number == collections,
            Thorough::Always => true,
        };
        collections += 1;
        let mut checks = Checks::of_each(&request, &collected.outcome, &judgement, fault);
        if is_thorough {
            checks.add_thorough(&request, &collected.outcome, &judgement, mode.defects, fault);
        }
        watch.collected(&collected, &judgement);
        watch.checked(&checks);
        if let Some(broken) = ends(&collected, &judgement, &checks.findings) {
            return Some(Broken { line: at, ..broken });
        }
    }
    None
}

/// The defects of the release without which the property would have held, for a run against the intended rules: one if
/// one suffices. None where not even all of them explain it.
fn explaining_defects(
    collected: &Collected,
    mode: Mode,
    fault: Option<Fault>,
    property: Property,
) -> Defects {
    if mode.defects != Defects::NONE {
        return Defects::NONE;
    }
    let request = collected.request();
    let holds_with = |defects| {
        let judgement = judge(&collected.before, defects);
        let mut checks = Checks::of_each(&request, &collected.outcome, &judgement, fault);
        if property.when() == When::Thorough {
            checks.add_thorough(&request, &collected.outcome, &judgement, defects, fault);
        }
        !checks.findings.iter().any(|finding| finding.property == property)
    };
    let shipped = Defects::as_shipped(mode.release);
    let mut single = shipped.iter().map(|defect| Defects::NONE.with(defect));
    if let Some(defects) = single.find(|defects| holds_with(*defects)) {
        return defects;
    }
    if !holds_with(shipped) {
        return Defects::NONE;
    }
    shipped.iter().fold(shipped, |needed, defect| {
        let without = needed.without(defect);
        if holds_with(without) { without } else { needed }
    })
}
