//! What a campaign found.

use super::finding;
use super::{Interrupted, Show};
use crate::generate::profile::{Habit, Swarm};
use crate::properties::known::Known;
use crate::properties::property::{Property, When};
use crate::scenario::print;
use crate::simulate::campaign::{Example, Plan, Tally};
use crate::simulate::coverage::{Coverage, Mark, Row};
use crate::text;
use crate::world::Fault;
use serde_json::json;
use std::io::{self, Write};

/// A campaign to be shown.
pub struct Report<'a> {
    /// What was to be run.
    pub plan: &'a Plan,
    /// The fault that was seeded.
    pub fault: Option<Fault>,
    /// What came of it.
    pub tally: &'a Tally,
    /// The findings, made small, each as a scenario with the file where it was written.
    pub findings: &'a [Written],
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

/// A finding and where it was written.
pub struct Written {
    /// The finding.
    pub example: Example,
    /// As a scenario.
    pub scenario: crate::scenario::Scenario,
    /// The file; none if it could not be written.
    pub file: Option<String>,
}

impl Show for Report<'_> {
    /// The object of `simulate --json`: the same bytes for the same campaign on any machine.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally, findings, interrupted } = self;
        let properties = tally.properties.iter().map(|(property, checked)| {
            (property.name().to_owned(), json!({"checked": checked.checked, "failed": checked.failed}))
        });
        let rules = tally.coverage.rows(plan.release);
        let rules = rules.iter().map(|row| {
            let (taken, refused) = (row.taken.unwrap_or_default(), row.refused.unwrap_or_default());
            (row.name.to_owned(), json!({"taken": taken, "refused": refused}))
        });
        let findings = findings.iter().map(|Written { example, scenario, file }| {
            let mut finding = finding::json(plan, *fault, example, file.as_deref());
            finding["scenario"] = json!(print(scenario));
            finding
        });
        let mut report = json!({
            "seed": plan.seed.text(),
            "release": plan.release.name(),
            "cases": tally.cases,
            "steps": tally.steps,
            "collections": tally.collections,
            "properties": properties.collect::<serde_json::Map<_, _>>(),
            "rules": rules.collect::<serde_json::Map<_, _>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        Interrupted::add_to(*interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally, findings, interrupted } = self;
        write_counts(out, tally)?;
        write_properties(out, tally)?;
        write_rules(out, &tally.coverage.rows(plan.release))?;
        if findings.is_empty() {
            writeln!(out, "\nno findings")?;
            return Interrupted::write(*interrupted, out);
        }
        for written in *findings {
            writeln!(out)?;
            finding::write(out, plan, *fault, &written.example, written.file.as_deref())?;
        }
        let findings = text::counted(findings.len() as u64, "finding");
        writeln!(out, "\n{findings}, in {}", text::counted(tally.finding_count(), "case"))?;
        Interrupted::write(*interrupted, out)
    }
}

/// What is about to run: every option that was chosen, and what the swarm draws from.
///
/// # Errors
/// The writer's.
pub fn write_plan(out: &mut dyn Write, plan: &Plan, fault: Option<Fault>, extent: &str) -> io::Result<()> {
    writeln!(out, "containerd {}, seed {:?}, {extent}", plan.release, plan.seed.text())?;
    match plan.swarm {
        Swarm::Drawn => {
            let habits = Habit::ALL.iter().map(|habit| format!("{habit} {}/16", habit.chance()));
            writeln!(out, "profile: each case draws {}", habits.collect::<Vec<_>>().join(", "))?;
        }
        Swarm::Fixed(_) => writeln!(out, "profile: {}", plan.swarm)?,
    }
    if plan.known == Known::NONE {
        writeln!(out, "held to the intended rules, without the release's known defects")?;
    }
    if let Some(fault) = fault {
        writeln!(out, "seeded fault: {fault}: {}", fault.sentence())?;
    }
    Ok(())
}

fn write_counts(out: &mut dyn Write, tally: &Tally) -> io::Result<()> {
    let cases = text::counted(tally.cases, "case");
    let (steps, collections) = (tally.steps, tally.collections);
    let [steps, collections] =
        [(steps, "step"), (collections, "collection")].map(|(number, thing)| text::counted(number, thing));
    let share = |mark| percentage(tally.coverage.taken(mark), tally.collections);
    writeln!(out, "\n{cases}, {steps}, {collections}, of which")?;
    writeln!(out, "  {} removed something and kept a chain of three nodes", share(Mark::Chain))?;
    writeln!(out, "  {} visited one object both flat and in full", share(Mark::BothVisits))?;
    writeln!(out, "  {} stood within one tick of an expiry", share(Mark::OnTheTick))?;
    writeln!(out, "  {} ended in an error\n", percentage(tally.coverage.failed, tally.collections))
}

/// In tenths, so that no float decides a digit; cut off, so that only the whole is 100.0 %. What happened at all is not 0.0 %.
fn percentage(part: u64, whole: u64) -> String {
    match (u128::from(part) * 1_000).checked_div(u128::from(whole)).unwrap_or_default() {
        0 if part > 0 => " <0.1 %".to_owned(),
        tenths => format!("{:>3}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
#[test]
fn a_share_is_none_or_all_only_where_it_is() {
    for (part, whole, share) in [
        (0, 0, "  0.0 %"),
        (0, 7, "  0.0 %"),
        (1, 140_952, " <0.1 %"),
        (1, 1_000, "  0.1 %"),
        (140_951, 140_952, " 99.9 %"),
        (7, 7, "100.0 %"),
    ] {
        assert_eq!(percentage(part, whole), share);
    }
}

fn write_properties(out: &mut dyn Write, tally: &Tally) -> io::Result<()> {
    let mut rows = vec![["property", "checked", "failed"].map(str::to_owned)];
    for (property, checked) in tally.properties.iter() {
        rows.push([property.name().to_owned(), text::count(checked.checked), text::count(checked.failed)]);
    }
    text::write_columns(out, &rows, &[false, true, true])
}

fn write_rules(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    let count = |side: Option<u64>| side.map_or_else(|| "-".to_owned(), text::count);
    let mut shown = vec![["rule", "taken", "refused"].map(str::to_owned)];
    shown.extend(rows.iter().map(|row| [row.name.to_owned(), count(row.taken), count(row.refused)]));
    writeln!(out)?;
    text::write_columns(out, &shown, &[false, true, true])?;
    let unreached: Vec<&Row> = rows.iter().filter(|row| row.is_unreached()).collect();
    if unreached.is_empty() {
        return writeln!(out, "\nevery rule was reached");
    }
    writeln!(out)?;
    for row in unreached {
        let side = match (row.taken, row.refused) {
            (Some(0), Some(0)) => "reached",
            (Some(0), _) => "taken",
            _ => "refused",
        };
        writeln!(out, "never {side}: {}; it takes {}", row.name, row.hint)?;
    }
    Ok(())
}

/// How many of a release's rules have been reached, and how many there are.
pub fn reached(coverage: &Coverage, release: crate::release::Release) -> (usize, usize) {
    let rows = coverage.rows(release);
    (rows.iter().filter(|row| !row.is_unreached()).count(), rows.len())
}

/// Every property, when it is checked, and a scenario that breaks it with a fault.
///
/// # Errors
/// The writer's.
pub fn write_property_list(as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    let when = |property: &Property| match property.when() {
        When::Step => "after every step",
        When::SampledStep => "after every step of every 64th case",
        When::Promised => "after every collection before which something was promised",
        When::CleanUp => "after every clean-up",
        When::Each => "after every collection",
        When::Thorough => "after one collection, in turn, of every 64th case",
    };
    if as_json {
        let properties = Property::ALL.iter().map(|property| {
            let (name, fault) = (property.name(), property.fault().to_string());
            json!({"property": name, "when": when(property), "sentence": property.sentence(), "fault": fault})
        });
        return writeln!(out, "{}", json!({"properties": properties.collect::<Vec<_>>()}));
    }
    for property in Property::ALL {
        let when = when(property);
        writeln!(out, "{property}, {when}\n  {}", property.sentence())?;
        let (fault, name) = (property.fault(), property.name().replace('-', "_"));
        writeln!(out, "  leasehold replay --fault {fault} scenarios/properties/{name}.scenario\n")?;
    }
    writeln!(out, "{} properties", Property::ALL.len())
}
