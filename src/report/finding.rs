//! A finding for people: the small case with the lines that matter marked, what the engine did, and what the oracle
//! holds against it.

use super::shell::quoted;
use crate::properties::known::Known;
use crate::properties::property::When;
use crate::scenario::{Line, alias, print_line};
use crate::simulate::campaign::{Example, Plan};
use crate::simulate::explained::Explained;
use crate::text;
use crate::world::Fault;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Shows a finding; `file` is where it was written.
///
/// # Errors
/// The writer's.
pub fn write(
    out: &mut dyn Write,
    plan: &Plan,
    fault: Option<Fault>,
    example: &Example,
    file: Option<&str>,
) -> io::Result<()> {
    let broken = &example.small.seen;
    let cases = text::counted(example.cases, "case");
    writeln!(out, "{} broken in {cases}, as in case {}", broken.sort.property, example.number)?;
    for (_, name, sentence) in broken.sort.known.each() {
        writeln!(out, "  defect   {name}: {sentence}")?;
    }
    let tried = tried(example.small.tries, true);
    write_steps(out, &example.small.case, example.steps, &tried, &example.explained)?;
    let [found, expected] = sides(example);
    write_side(out, found, &[broken.finding.to_string()])?;
    write_side(out, expected, &example.explained.oracle)?;
    if !broken.also.is_empty() {
        let also: Vec<&str> = broken.also.iter().map(|property| property.name()).collect();
        writeln!(out, "  breaks   {} too", also.join(", "))?;
    }
    if let Some(file) = file {
        writeln!(out, "  again    {}", again(plan, fault, file))?;
    }
    Ok(())
}

/// What one side does and what holds it to account: the oracle, or a property's own sentence.
fn sides(example: &Example) -> [&'static str; 2] {
    let property = example.small.seen.sort.property;
    let is_sentence = example.explained.oracle == [property.sentence()];
    match property.when() {
        When::Each | When::Thorough if is_sentence => ["engine", "rule"],
        When::Each | When::Thorough => ["engine", "oracle"],
        When::Step | When::SampledStep | When::Promised | When::CleanUp => ["daemon", "rule"],
    }
}

/// The command that replays a finding from its file.
fn again(plan: &Plan, fault: Option<Fault>, file: &str) -> String {
    let fault = fault.map(|fault| format!(" --fault {fault}")).unwrap_or_default();
    let intended = if plan.known == Known::NONE { " --intended" } else { "" };
    format!("leasehold replay --step{fault}{intended} {}", quoted(file))
}

/// The same for machines, beside the case: `found` and `expected` are the lines of both sides.
pub(super) fn json(plan: &Plan, fault: Option<Fault>, example: &Example, file: Option<&str>) -> Value {
    let broken = &example.small.seen;
    let [found, expected] = sides(example);
    let defects = broken.sort.known.each();
    let defects = defects.into_iter().map(|(_, name, sentence)| json!({"name": name, "sentence": sentence}));
    let also: Vec<&str> = broken.also.iter().map(|property| property.name()).collect();
    json!({
        "case": example.number,
        "cases": example.cases,
        "property": broken.sort.property.name(),
        "fault": example.why(fault),
        "defects": defects.collect::<Vec<_>>(),
        "steps": example.small.case.len(),
        "found": {"by": found, "lines": [alias::in_line(broken.finding.to_string())]},
        "expected": {
            "by": expected,
            "lines": example.explained.oracle.iter().map(alias::in_line).collect::<Vec<_>>(),
        },
        "breaks": also,
        "file": file,
        "again": file.map(|file| again(plan, fault, file)),
    })
}

/// How small a case is.
pub(super) fn tried(tries: u64, is_minimal: bool) -> String {
    let tries = text::counted(tries, "smaller case");
    match is_minimal {
        true => format!("1-minimal: {tries} tried"),
        false => format!("not 1-minimal: ^C came after {tries}"),
    }
}

/// The steps of a small case, those that matter marked; before it had `of_steps`.
pub(super) fn write_steps(
    out: &mut dyn Write,
    lines: &[Line],
    of_steps: usize,
    tried: &str,
    explained: &Explained,
) -> io::Result<()> {
    writeln!(out, "  steps    {} of {of_steps}, {tried}\n", lines.len())?;
    for line in lines {
        let mark = if explained.matters(line) { ">" } else { " " };
        write!(out, "    {mark} {}", print_line(line))?;
    }
    writeln!(out)
}

/// What one side does or says, a line each.
pub(super) fn write_side(out: &mut dyn Write, side: &str, lines: &[String]) -> io::Result<()> {
    write!(out, "{}", side_lines(side, lines))
}

/// The same as text.
pub fn side_lines(side: &str, lines: &[String]) -> String {
    let sides = std::iter::once(side).chain(std::iter::repeat(""));
    let lines = lines.iter().map(alias::in_line).zip(sides);
    lines.map(|(line, side)| format!("  {side:<8} {line}\n")).collect()
}
