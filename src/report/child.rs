//! What another collector did with generated cases.

use super::finding::{side_lines, tried, write_side, write_steps};
use super::shell::quoted;
use super::{Interrupted, Show};
use crate::campaign;
use crate::child::campaign::{
    BATCH_PORTIONS, Example, FAILURES_MAX, NotSmall, PORTION, PORTION_FAILURES_MAX, Plan, Sort, Tally,
};
use crate::child::{Cause, CommandLine, Otherwise, Wrong};
use crate::generate::profile::Swarm;
use crate::scenario::{Scenario, print};
use crate::simulate::explained::Explained;
use crate::text;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// A campaign against a child, to be shown.
pub struct Report<'a> {
    /// What was to be run.
    pub plan: &'a Plan,
    /// What came of it.
    pub tally: &'a Tally,
    /// The findings, made small, each with where it was written.
    pub findings: &'a [Written],
    /// The flag that names where findings are written, in front of it a blank; empty where none was given.
    pub out_flag: &'a str,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

/// A finding and where it was written.
pub struct Written {
    /// The finding.
    pub example: Example,
    /// As a scenario, where it was made small.
    pub scenario: Option<Scenario>,
    /// The scenario's file; none if it was not written.
    pub file: Option<String>,
    /// The file of the row beside it.
    pub row_file: Option<String>,
}

/// How long a child may take where nobody says it.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

/// The options that ask a child, for a command that does it again.
pub fn options(command: &CommandLine, limit: Duration) -> String {
    let limit = match limit {
        DEFAULT_LIMIT => String::new(),
        limit => format!(" --child-timeout {}", limit.as_secs_f64()),
    };
    format!(" --against {}{limit}", quoted(command.text()))
}

/// How often each field was compared.
pub fn compared(counts: &BTreeMap<&'static str, u64>) -> String {
    let counts = counts.iter().map(|(field, count)| format!("{field} {}", text::count(*count)));
    format!("compared: {}", counts.collect::<Vec<_>>().join(", "))
}

/// What a child does with one collection, and what ours does and why.
pub fn differs(otherwise: &Otherwise, explained: &Explained) -> String {
    let sides = side_lines("child", &otherwise.child) + &side_lines("ours", &explained.oracle);
    format!("{}\n{}", otherwise.wrong, sides.trim_end())
}

impl Show for Report<'_> {
    /// One object: the same bytes for any number of jobs, as long as the child answers alike. `small` is null where
    /// nothing was made small.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, tally, findings, interrupted, .. } = self;
        let findings = findings.iter().map(|Written { example, scenario, .. }| {
            let Example { wrong, cause, cases, number, text, small, .. } = example;
            let about = cause.as_ref().map(|Cause { resource_type, judged }| {
                json!({ "kind": plan.drawn.release.kind_of(*resource_type).to_string(), "ours": judged.text() })
            });
            let small = small.as_ref().ok().map(|small| {
                json!({
                    "child": small.otherwise.child, "ours": small.explained.oracle,
                    "row": small.row, "scenario": scenario.as_ref().map(print),
                })
            });
            let way = wrong.way();
            json!({
                "kind": if way.is_some() { "differs" } else { wrong.name() },
                "field": way.map(|_| wrong.name()), "way": way.map(|way| way.name()), "about": about,
                "cases": cases, "case": number, "text": text, "small": small,
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
        let Report { plan, tally, findings, out_flag, interrupted } = self;
        let (release, seed, command) =
            (plan.drawn.release, plan.drawn.seed.text(), text::name(plan.command.text().as_bytes()));
        writeln!(out, "`{command}` against containerd {release}, seed {seed:?}")?;
        let asked = text::counted(tally.asked, "collection");
        let (cases, answered) = (text::counted(tally.cases, "case"), text::count(tally.answered));
        writeln!(out, "{cases}, {asked} asked, {answered} answered")?;
        if !tally.compared.is_empty() {
            writeln!(out, "{}", compared(&tally.compared))?;
        }
        if findings.is_empty() {
            writeln!(out, "\nno findings")?;
            return Interrupted::write(*interrupted, out);
        }
        for written in *findings {
            writeln!(out)?;
            write_finding(out, plan, written, out_flag)?;
        }
        for (wrong, causes, cases) in self.more() {
            let [causes, cases] =
                [(causes, "cause"), (cases, "case")].map(|(count, word)| text::counted(count, word));
            writeln!(out, "\n{wrong} of {causes} more, in {cases}: they mostly go with those above")?;
        }
        if tally.has_stopped {
            let failed = text::counted(tally.failure_count(), "case");
            writeln!(
                out,
                "\nstopped early: the child gave no answer in {failed}; a hang, or {PORTION_FAILURES_MAX} other failures, end the {PORTION} cases \
                 that they come in, and after {BATCH} cases with {FAILURES_MAX} failures or more no further ones are begun",
                BATCH = PORTION * BATCH_PORTIONS,
            )?;
        }
        let cases = text::counted(campaign::case_count(&tally.found), "case");
        writeln!(out, "\n{}, in {cases}", text::counted(findings.len() as u64, "finding"))?;
        Interrupted::write(*interrupted, out)
    }
}

impl Report<'_> {
    /// Of which kinds of difference there are more causes than a case is made small of: how many, and in how many cases.
    fn more(&self) -> Vec<(Wrong, u64, u64)> {
        let mut more: BTreeMap<Wrong, (u64, u64)> = BTreeMap::new();
        let is_shown = |sort: &Sort| {
            self.findings.iter().any(|Written { example, .. }| (example.wrong, example.cause) == *sort)
        };
        for (sort, found) in self.tally.found.iter().filter(|(sort, _)| !is_shown(sort)) {
            let (causes, cases) = more.entry(sort.0).or_default();
            *causes += 1;
            *cases += found.count;
        }
        more.into_iter().map(|(wrong, (causes, cases))| (wrong, causes, cases)).collect()
    }
}

fn write_finding(out: &mut dyn Write, plan: &Plan, written: &Written, out_flag: &str) -> io::Result<()> {
    let Written { example, file, row_file, .. } = written;
    let Example { wrong, cause, cases, number, text, small, .. } = example;
    let about = cause.map(|cause| format!(" ({})", cause.text(plan.drawn.release))).unwrap_or_default();
    writeln!(out, "{wrong}{about} in {}, as in case {number}", text::counted(*cases, "case"))?;
    match small {
        Err(why) => {
            let why = match why {
                NotSmall::Hangs => "each try would take the whole limit",
                NotSmall::HangsAtTimes => {
                    "it hung while the case was made small: each such try takes the whole limit"
                }
                NotSmall::Stopped => "^C came first",
                NotSmall::NotAgain => "asked again, the child does not show it",
                NotSmall::NotAlone => {
                    "asked alone, a fresh child does not show it: its answers depend on earlier rows"
                }
            };
            writeln!(out, "  child    {text}\n  small    no: {why}")?;
        }
        Ok(small) => {
            let tried = tried(small.tries, small.is_minimal);
            write_steps(out, &small.lines, small.steps, &tried, &small.explained)?;
            write_side(out, "child", &small.otherwise.child)?;
            write_side(out, "ours", &small.explained.oracle)?;
        }
    }
    let options = options(&plan.command, plan.limit);
    if let Some(file) = row_file {
        writeln!(out, "  row      {}", quoted(file))?;
    }
    if let Some(file) = file {
        writeln!(out, "  again    leasehold replay --step{options} {}", quoted(file))?;
    }
    let profile = match plan.drawn.swarm {
        Swarm::Drawn => String::new(),
        fixed => format!(" --profile {fixed}"),
    };
    let (seed, release) = (quoted(plan.drawn.seed.text()), plan.drawn.release);
    writeln!(
        out,
        "  as drawn leasehold simulate --seed {seed} --case {number} --release {release}{profile}{options}{out_flag}"
    )
}
