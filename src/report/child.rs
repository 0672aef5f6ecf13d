//! What another collector did with generated cases.

use super::shell::quoted;
use super::{Interrupted, Show};
use crate::child::campaign::{Plan, Tally, Wrong};
use crate::generate::profile::Swarm;
use crate::scenario::print;
use crate::text;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A campaign against a child, to be shown.
pub struct Report<'a> {
    /// What was to be run.
    pub plan: &'a Plan,
    /// What came of it.
    pub tally: &'a Tally,
    /// Where the small cases were written.
    pub files: &'a BTreeMap<Wrong, String>,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

impl Show for Report<'_> {
    /// One object: the same bytes for any number of jobs, as long as the child answers alike. `small` is null where
    /// nothing was made small.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, tally, files: _, interrupted } = self;
        let findings = tally.found.iter().map(|(wrong, found)| {
            let small = found.small.as_ref().map(
                |small| json!({"text": small.text, "row": small.row, "scenario": print(&small.scenario)}),
            );
            let kind = match wrong {
                Wrong::Differs(_) => "differs",
                other => other.name(),
            };
            let field = matches!(wrong, Wrong::Differs(_)).then(|| wrong.name());
            json!({
                "kind": kind, "field": field, "cases": found.cases, "case": found.first,
                "text": found.text, "small": small,
            })
        });
        let compared: Map<String, Value> =
            tally.compared.iter().map(|(field, count)| ((*field).to_owned(), json!(count))).collect();
        let mut report = json!({
            "seed": plan.drawn.seed.text(),
            "release": plan.drawn.release.name(),
            "cases": tally.cases,
            "collections": tally.asked,
            "answered": tally.answered,
            "compared": compared,
            "stopped": tally.has_stopped,
            "findings": findings.collect::<Vec<_>>(),
        });
        Interrupted::add_to(*interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, tally, files, interrupted } = self;
        let (release, seed, command) =
            (plan.drawn.release, plan.drawn.seed.text(), text::name(plan.command.text().as_bytes()));
        writeln!(out, "`{command}` against containerd {release}, seed {seed:?}")?;
        let [cases, asked, answered] = [tally.cases, tally.asked, tally.answered].map(text::count);
        writeln!(out, "{cases} cases, {asked} collections asked, {answered} answered")?;
        if !tally.compared.is_empty() {
            let compared = tally.compared.iter();
            let compared: Vec<String> =
                compared.map(|(field, count)| format!("{field} {}", text::count(*count))).collect();
            writeln!(out, "compared: {}", compared.join(", "))?;
        }
        if tally.found.is_empty() {
            writeln!(out, "\nno findings")?;
            return Interrupted::write(*interrupted, out);
        }
        for (wrong, found) in &tally.found {
            let cases = if found.cases == 1 { "case" } else { "cases" };
            let count = text::count(found.cases);
            writeln!(out, "\n{wrong} in {count} {cases}, first in case {}", found.first)?;
            writeln!(out, "  {}", text::name(found.text.as_bytes()))?;
            match &found.small {
                None if *wrong == Wrong::Hung => {
                    writeln!(out, "not made small: each try would take the whole limit")?
                }
                None => writeln!(out, "not made small: asked again, the child does not show it")?,
                Some(small) => {
                    writeln!(out, "nothing can be left out of this case:")?;
                    writeln!(out, "  {}\n", text::name(small.text.as_bytes()))?;
                    for line in print(&small.scenario).lines() {
                        writeln!(out, "    {line}")?;
                    }
                    writeln!(out, "\n  as the child gets it:\n{}", small.row)?;
                    if let Some(file) = files.get(wrong) {
                        writeln!(out, "\n  what ours does: leasehold replay --step {}", quoted(file))?;
                    }
                }
            }
        }
        if tally.has_stopped {
            writeln!(out, "\nstopped early: the child failed too often")?;
        }
        let cases = tally.found.values().map(|found| found.first + 1).max().unwrap_or_default();
        let (seed, command) = (quoted(seed), quoted(plan.command.text()));
        let profile = match plan.drawn.swarm {
            Swarm::Drawn => String::new(),
            fixed => format!(" --profile {fixed}"),
        };
        writeln!(
            out,
            "\nagain: leasehold simulate --seed {seed} --cases {cases} --release {release}{profile} --against {command}"
        )?;
        Interrupted::write(*interrupted, out)
    }
}
