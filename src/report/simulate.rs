//! What a campaign found.

use super::text;
use crate::engine::Fault;
use crate::simulate::campaign::{Plan, Tally};
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
}

impl Report<'_> {
    /// The object of `simulate --json`: the same bytes for the same campaign on any machine.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally } = self;
        let properties = tally.properties.iter().map(|(property, checked)| {
            (property.name().to_owned(), json!({"checked": checked.checked, "failed": checked.failed}))
        });
        let findings = tally.findings.iter().map(|found| {
            json!({
                "case": found.case,
                "property": found.finding.property.name(),
                "fault": fault.map(Fault::name),
                "text": found.finding.text,
            })
        });
        let report = json!({
            "seed": plan.seed.text(),
            "release": plan.release.name(),
            "cases": tally.cases,
            "collections": tally.collections,
            "properties": properties.collect::<serde_json::Map<_, _>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        writeln!(out, "{report}")
    }

    /// The report for people.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally } = self;
        let (release, seed) = (plan.release, plan.seed.text());
        writeln!(out, "containerd {release}, seed {seed:?}, {} cases", text::count(tally.cases))?;
        if let Some(fault) = fault {
            writeln!(out, "seeded fault: {fault}")?;
        }
        let (mixed, failed) = (text::count(tally.mixed), text::count(tally.failed));
        let collections = text::count(tally.collections);
        writeln!(
            out,
            "{collections} collections: {mixed} removed some and kept some, {failed} ended in an error\n"
        )?;
        let mut rows = vec![["property", "checked", "failed"].map(str::to_owned)];
        for (property, checked) in &tally.properties {
            rows.push([
                property.name().to_owned(),
                text::count(checked.checked),
                text::count(checked.failed),
            ]);
        }
        text::write_columns(out, &rows, &[false, true, true])?;
        let count = tally.finding_count();
        if count == 0 {
            return writeln!(out, "\nno findings");
        }
        writeln!(out)?;
        for found in &tally.findings {
            writeln!(
                out,
                "case {:<8} {:<12} {}",
                found.case,
                found.finding.property.name(),
                found.finding.text
            )?;
        }
        if count > tally.findings.len() as u64 {
            writeln!(out, "... and {} more", text::count(count - tally.findings.len() as u64))?;
        }
        let fault = fault.map(|fault| format!(" --fault {fault}")).unwrap_or_default();
        let cases = tally.findings.first().map_or(0, |found| found.case + 1);
        writeln!(
            out,
            "\nagain: leasehold simulate --seed {seed:?} --cases {cases} --release {release}{fault}"
        )
    }
}
