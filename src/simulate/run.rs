//! One case: its steps through a world, each step and each collection held to the properties.
//!
//! ```text
//!   line ──> World::apply ──> step, collection ──> checks ──> what does not hold
//!              │                     └──────> what the case exercised
//!              └─ a world after each step, for those who watch
//! ```
//!
//! A case ends at its first step that breaks a property: what follows would be its echo.

use crate::oracle::{Defect, Defects, Judgement, judge};
use crate::properties::check::{check_each, is_loss};
use crate::properties::checks::Checks;
use crate::properties::done::Done;
use crate::properties::finding::Finding;
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::property::{Property, When};
use crate::properties::steps::{Closely, Steps};
use crate::properties::thorough::check_thoroughly;
use crate::release::Release;
use crate::scenario::Line;
use crate::world::{Applied, Collected, Fault, World};
use std::sync::Arc;

/// How a case is run.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// The daemon's release.
    pub release: Release,
    /// What is let pass: what the release is known to do, or nothing.
    pub known: Known,
    /// After which collections relations and injected errors are checked too.
    pub thorough: Thorough,
}

impl Mode {
    /// How closely its steps are looked at. A case is short: none of them is passed over.
    fn closely(self) -> Closely {
        if self.thorough == Thorough::Never { Closely::No } else { Closely::Yes }
    }
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
    /// Of a run against the intended rules: what is known that explains it, of which nothing can be left out.
    pub known: Known,
    /// Whether it costs more than marks of nodes that do not exist.
    pub is_loss: bool,
}

/// What a case breaks, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The place of the step among the lines.
    pub line: usize,
    /// Of which sort it is.
    pub sort: Sort,
    /// What was seen: of the properties that do not hold the first that costs something, else the first.
    pub finding: Finding,
    /// The others that the same step breaks.
    pub also: Vec<Property>,
}

/// Who watches a case.
pub trait Watch {
    /// The world after a step.
    fn stepped(&mut self, _: &World) {}
    /// A collection with the oracle's judgement.
    fn collected(&mut self, _: &Collected, _: &Judgement<'_>) {}
    /// What of a step and of its collection was checked, and what did not hold.
    fn checked(&mut self, _: &Checks) {}
}

/// Nobody.
impl Watch for () {}

/// Runs a case; gives what it breaks first, none if every property holds. What the write side is known to do otherwise than
/// intended is frequent and harms nothing that follows: it is given only if nothing else comes, the rarest of them.
pub fn run(lines: &[Line], mode: Mode, fault: Option<Fault>, watch: &mut impl Watch) -> Option<Broken> {
    let mut deviating = None;
    let broken = run_until(lines, mode, fault, watch, |seen| {
        let properties = || seen.findings.iter().map(|finding| finding.property);
        let loss = properties().find(|property| property.when() != When::Thorough && seen.is_loss(*property));
        let property = loss.or_else(|| properties().next())?;
        let known = seen.explained_by(property);
        let broken = seen.broken(Sort { property, known, is_loss: loss.is_some() });
        if leaves_the_case_going(property, known) {
            let rarity = |broken: &Broken| broken.sort.known.deviations;
            if deviating.as_ref().is_none_or(|there| rarity(there) < rarity(&broken)) {
                deviating = Some(broken);
            }
            return None;
        }
        Some(broken)
    });
    broken.or(deviating)
}

/// Whether what is known to be otherwise than intended leaves a world in which the case goes on: what the write side does,
/// and the child that a collection leaves listed, which has to do with what the write side does next.
fn leaves_the_case_going(property: Property, known: Known) -> bool {
    let is_written = property.when() == When::Step && !known.deviations.is_empty();
    is_written || property == Property::Tree && known == Known::defect(Defect::StaleChildrenEntry)
}

/// Runs a case until a step breaks a property in this way, whatever else breaks on the way. What costs something
/// does for what needs not.
pub fn run_for(lines: &[Line], mode: Mode, sort: Sort, fault: Option<Fault>) -> Option<Broken> {
    run_until(lines, mode, fault, &mut (), |seen| {
        let is_broken = seen.findings.iter().any(|finding| finding.property == sort.property)
            && (!sort.is_loss || seen.is_loss(sort.property));
        let is_it = is_broken && seen.explained_by(sort.property) == sort.known;
        is_it.then(|| seen.broken(sort))
    })
}

fn run_until(
    lines: &[Line],
    mode: Mode,
    fault: Option<Fault>,
    watch: &mut impl Watch,
    mut ends: impl FnMut(&Seen<'_>) -> Option<Broken>,
) -> Option<Broken> {
    let mut world = World::new(mode.release);
    let mut steps = Steps::default();
    let mut collections = 0;
    for (at, line) in lines.iter().enumerate() {
        let before = world.clone();
        let earlier = (mode.known == Known::NONE).then(|| steps.clone());
        let is_thorough = match mode.thorough {
            Thorough::Never => false,
            Thorough::Once(number) => number == collections,
            Thorough::Always => true,
        };
        let ran = catching(|| {
            let applied = world.apply_with(line, fault);
            watch.stepped(&world);
            let mut checks = Checks::NONE;
            if let Some(collected) = &applied.collected {
                let judgement = judge(&collected.before, mode.known.defects);
                checks = check_collected(collected, &judgement, mode.known.defects, is_thorough, fault);
                watch.collected(collected, &judgement);
            }
            let done = Done { before: &before, line, after: &world, applied: &applied };
            checks.extend(steps.check(done, mode.known.deviations, mode.closely(), fault));
            let namespace = world.namespace(line.client.as_ref()).unwrap_or_default();
            (applied, checks.read_from(namespace, &before.store().tree))
        });
        let (applied, checks) =
            ran.unwrap_or_else(|said| (Applied::default(), Checks::panicked(mode.release, said)));
        collections += u64::from(applied.collected.is_some());
        watch.checked(&checks);
        if checks.findings.is_empty() {
            continue;
        }
        let (collected, findings) = (applied.collected.as_ref(), &checks.findings[..]);
        let done = Done { before: &before, line, after: &world, applied: &applied };
        let seen = Seen { mode, fault, at, earlier, done, collected, is_thorough, findings };
        let broken = ends(&seen);
        if broken.is_some() {
            return broken;
        }
        if findings.iter().any(|finding| finding.property == Property::Panic) {
            // The world is half changed.
            return None;
        }
    }
    None
}

/// What must hold of a collection.
fn check_collected(
    collected: &Collected,
    judgement: &Judgement<'_>,
    defects: Defects,
    is_thorough: bool,
    fault: Option<Fault>,
) -> Checks {
    let (request, fault) = (collected.request(), fault.and_then(Fault::of_collector));
    let mut checks = check_each(&request, &collected.outcome, judgement, fault);
    if is_thorough {
        checks.extend(check_thoroughly(&request, &collected.outcome, judgement, defects, fault));
    }
    checks
}

/// A step with what does not hold of it.
struct Seen<'a> {
    mode: Mode,
    fault: Option<Fault>,
    /// Its place among the lines.
    at: usize,
    /// What was known of the steps before, for a run against the intended rules.
    earlier: Option<Steps>,
    done: Done<'a>,
    collected: Option<&'a Arc<Collected>>,
    is_thorough: bool,
    findings: &'a [Finding],
}

impl Seen<'_> {
    /// What the step broke.
    fn broken(&self, sort: Sort) -> Broken {
        let (own, others): (Vec<Finding>, Vec<Finding>) =
            self.findings.iter().cloned().partition(|finding| finding.property == sort.property);
        let finding = own.into_iter().next().expect("the property is among the findings");
        let also = others.into_iter().map(|finding| finding.property).collect();
        Broken { line: self.at, sort, finding, also }
    }

    /// Whether a broken property costs more than marks of nodes that do not exist.
    fn is_loss(&self, property: Property) -> bool {
        self.collected.is_none_or(|collected| {
            is_loss(property, &collected.outcome, &judge(&collected.before, self.mode.known.defects))
        })
    }

    /// What the release is known to do without which the property would have held, for a run against the intended rules:
    /// one thing if one suffices. Nothing where not even all of it explains it.
    fn explained_by(&self, property: Property) -> Known {
        let Some(earlier) = self.earlier.as_ref().filter(|_| property != Property::Panic) else {
            return Known::NONE;
        };
        let holds_with =
            |known| !self.findings_with(earlier, known).iter().any(|finding| finding.property == property);
        let shipped = Known::as_shipped(self.mode.release);
        if let Some((one, ..)) = shipped.each().find(|(one, ..)| holds_with(*one)) {
            return one;
        }
        if !holds_with(shipped) {
            return Known::NONE;
        }
        shipped.each().fold(shipped, |needed, (one, ..)| {
            let without = needed.without(one);
            if holds_with(without) { without } else { needed }
        })
    }

    /// What does not hold if so much is known.
    fn findings_with(&self, earlier: &Steps, known: Known) -> Vec<Finding> {
        let closely = self.mode.closely();
        let mut checks = earlier.clone().check(self.done, known.deviations, closely, self.fault);
        if let Some(collected) = self.collected {
            let judgement = judge(&collected.before, known.defects);
            let (defects, is_thorough) = (known.defects, self.is_thorough);
            checks.extend(check_collected(collected, &judgement, defects, is_thorough, self.fault));
        }
        checks.findings
    }
}
