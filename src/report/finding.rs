//! A finding for people: the small case with the lines that matter marked, what the engine did, and what the oracle
//! holds against it.

use super::shell::quoted;
use crate::engine::Fault;
use crate::oracle::Defects;
use crate::scenario::print_line;
use crate::simulate::campaign::{Example, Plan};
use crate::text;
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
    let cases = match example.cases {
        1 => "one case".to_owned(),
        cases => format!("{} cases", text::count(cases)),
    };
    writeln!(out, "{} broken in {cases}, first in case {}", broken.sort.property, example.number)?;
    for defect in broken.sort.defects.iter() {
        writeln!(out, "  defect   {defect}: {}", defect.sentence())?;
    }
    let steps = example.small.case.len();
    let tries = example.small.tries;
    writeln!(out, "  steps    {steps} of {}, 1-minimal: {tries} smaller cases tried\n", example.steps)?;
    for line in &example.small.case {
        let mark = if example.explained.matters(line) { ">" } else { " " };
        write!(out, "    {mark} {}", print_line(line))?;
    }
    writeln!(out, "\n  engine   {}", broken.finding.text)?;
    for (number, line) in example.explained.oracle.iter().enumerate() {
        writeln!(out, "  {:<8} {line}", if number == 0 { "oracle" } else { "" })?;
    }
    if !broken.also.is_empty() {
        let also: Vec<&str> = broken.also.iter().map(|property| property.name()).collect();
        writeln!(out, "  breaks   {} too", also.join(", "))?;
    }
    if let Some(file) = file {
        let fault = fault.map(|fault| format!(" --fault {fault}")).unwrap_or_default();
        let intended = if plan.defects == Defects::NONE { " --intended" } else { "" };
        writeln!(out, "  again    leasehold replay --step{fault}{intended} {}", quoted(file))?;
    }
    Ok(())
}
