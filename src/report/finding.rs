//! A finding for people: the small case with the lines that matter marked, what the engine did, and what the oracle
//! holds against it.

use super::reason::Words;
use super::shell::quoted;
use super::text;
use crate::engine::Fault;
use crate::node::{Kind, Node};
use crate::oracle::{By, Defects, Judgement, judge};
use crate::properties::check::{Finding, Property};
use crate::release::Release;
use crate::scenario::{DEFAULT_NAMESPACE, Line, Name, print_line};
use crate::simulate::campaign::{Example, Plan};
use crate::world::{Collected, World};
use std::collections::BTreeSet;
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
    let broken = &example.shrunk.broken;
    let cases = match example.cases {
        1 => "one case".to_owned(),
        cases => format!("{} cases", text::count(cases)),
    };
    writeln!(out, "{} broken in {cases}, first in case {}", broken.sort.property, example.number)?;
    for defect in broken.sort.defects.iter() {
        writeln!(out, "  defect   {defect}: {}", defect.sentence())?;
    }
    let shown = Shown::of(plan, example, fault);
    let steps = example.shrunk.lines.len();
    let tries = example.shrunk.tries;
    writeln!(out, "  steps    {steps} of {}, 1-minimal: {tries} smaller cases tried\n", example.steps)?;
    for line in &example.shrunk.lines {
        let mark = if shown.matters(line) { ">" } else { " " };
        write!(out, "    {mark} {}", print_line(line))?;
    }
    writeln!(out, "\n  engine   {}", broken.finding.text)?;
    for (number, line) in shown.oracle.iter().enumerate() {
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

/// What the last collection of a small case shows.
#[derive(Default)]
struct Shown {
    /// What the oracle holds against the engine, a line each.
    oracle: Vec<String>,
    /// The names that this is about.
    names: BTreeSet<Name>,
}

impl Shown {
    fn of(plan: &Plan, example: &Example, fault: Option<Fault>) -> Shown {
        let mut world = World::new(plan.release);
        let mut last = None;
        for line in &example.shrunk.lines {
            last = world.apply_with(line, fault).collected.or(last);
        }
        let Some(collected) = last else { return Shown::default() };
        let judgement = judge(&collected.before, plan.defects);
        Shown::of_collection(plan.release, &collected, &judgement, &example.shrunk.broken.finding)
    }

    fn of_collection(
        release: Release,
        collected: &Collected,
        judgement: &Judgement<'_>,
        finding: &Finding,
    ) -> Shown {
        let words = Words { release, tree: &collected.before.tree, namespace: DEFAULT_NAMESPACE };
        let mut shown = Shown::default();
        let Some(node) = finding.node.clone().or_else(|| first_difference(collected, judgement)) else {
            let errors: Vec<String> = judgement.errors().iter().map(ToString::to_string).collect();
            shown.oracle.push(match (finding.property, errors.is_empty()) {
                (Property::Error, true) => "the collection succeeds".to_owned(),
                (Property::Error, false) => {
                    format!("the collection fails with one of: {}", errors.join("; "))
                }
                (property, _) => property.sentence().to_owned(),
            });
            return shown;
        };
        let chain = judgement.chain(node.as_ref());
        if chain.is_empty() {
            let verdict = judgement.resources().find(|verdict| verdict.node() == node);
            let failures = verdict.map(|verdict| verdict.failures()).unwrap_or_default();
            shown.oracle.push(format!("{}   {}", words.node(node.as_ref()), words.failures(&failures)));
        }
        shown.add_names(release, &node);
        let mut kept = node;
        for reason in &chain {
            shown.oracle.push(format!(
                "{}   {}",
                words.node(kept.as_ref()),
                words.reason(kept.as_ref(), reason)
            ));
            let By::Node(by) = &reason.by else { break };
            kept = by.clone();
            shown.add_names(release, &kept);
        }
        shown
    }

    fn add_names(&mut self, release: Release, node: &Node) {
        self.names.insert(node.key.to_vec());
        if release.kind_of(node.resource_type) == Kind::Snapshot
            && let Some(slash) = node.key.iter().position(|byte| *byte == b'/')
        {
            self.names.insert(node.key[slash + 1..].to_vec());
        }
    }

    /// Whether a line mentions what this is about.
    fn matters(&self, line: &Line) -> bool {
        let mut mentions = false;
        line.step.clone().for_each_name(&mut |name| mentions |= self.names.contains(name));
        mentions
    }
}

/// The first node of which engine and oracle think differently.
fn first_difference(collected: &Collected, judgement: &Judgement<'_>) -> Option<Node> {
    let outcome = &collected.outcome;
    if outcome.error.is_none() && judgement.errors().is_empty() {
        let differs = judgement.resources().find(|verdict| {
            let node = verdict.node();
            verdict.is_kept() == collected.has_removed(node.as_ref())
        });
        if let Some(verdict) = differs {
            return Some(verdict.node());
        }
    }
    let marked: BTreeSet<Node> = outcome.marked()?.into_iter().map(|node| node.to_node()).collect();
    let kept: BTreeSet<Node> = judgement.kept().into_iter().collect();
    marked.symmetric_difference(&kept).next().cloned()
}
