//! What came of every small graph.

use super::{Interrupted, Show};
use crate::campaign::Cases;
use crate::engine::Fault;
use crate::exhaust::{Plan, Smallest, Tally, gravity, properties, scenario};
use crate::scenario::print;
use crate::text;
use serde_json::json;
use std::io::{self, Write};

/// A run over every small graph, to be shown.
pub struct Report<'a> {
    /// What was to be run.
    pub plan: &'a Plan,
    /// The fault that was seeded.
    pub fault: Option<Fault>,
    /// What came of it.
    pub tally: &'a Tally,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

impl Report<'_> {
    fn worst_first(&self) -> Vec<(&'static str, &Cases<Smallest>)> {
        let mut found: Vec<_> =
            self.tally.found.iter().map(|(property, graphs)| (*property, graphs)).collect();
        found.sort_by_key(|(property, _)| gravity(property));
        found
    }
}

impl Show for Report<'_> {
    /// One object, the same bytes on any machine. Of each property that failed `smallest` has the smallest graph.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally, interrupted } = self;
        let failed = |property| tally.found.get(property).map_or(0, |graphs| graphs.count);
        let properties = properties().map(|property| {
            (property.to_owned(), json!({"checked": tally.graphs, "failed": failed(property)}))
        });
        let findings = self.worst_first().into_iter().map(|(property, graphs)| {
            let smallest = &graphs.best;
            json!({
                "property": property,
                "size": smallest.size,
                "text": smallest.text,
                "scenario": print(&scenario(plan, smallest)),
            })
        });
        let mut report = json!({
            "nodes": plan.nodes,
            "states": plan.states.name(),
            "release": plan.release.name(),
            "fault": fault.map(Fault::name),
            "graphs": tally.graphs,
            "labelled": tally.labelled,
            "kept": tally.kept,
            "removed": tally.removed,
            "properties": properties.collect::<serde_json::Map<_, _>>(),
            "smallest": findings.collect::<Vec<_>>(),
        });
        Interrupted::add_to(*interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { plan, fault, tally, interrupted } = self;
        let holders: Vec<&str> = plan.states.holders().iter().map(|holder| holder.name()).collect();
        let nodes = text::counted(plan.nodes as u64, "node");
        writeln!(
            out,
            "containerd {}, every graph of {nodes}, each held by one of: {}",
            plan.release,
            holders.join(", ")
        )?;
        if let Some(fault) = fault {
            writeln!(out, "seeded fault: {fault}")?;
        }
        let (graphs, labelled) = (text::counted(tally.graphs, "graph"), text::count(tally.labelled));
        let (all, every) = if interrupted.is_none() { (", as many as there are,", "all ") } else { ("", "") };
        writeln!(out, "{graphs} up to renaming{all} stand for {every}{labelled}")?;
        let (kept, removed) = (text::counted(tally.kept, "object"), text::count(tally.removed));
        writeln!(out, "one collection each: {kept} had to stay, {removed} had to go\n")?;
        let mut rows = vec![["property", "checked", "failed"].map(str::to_owned)];
        for property in properties() {
            let failed = tally.found.get(property).map_or(0, |graphs| graphs.count);
            rows.push([property.to_owned(), text::count(tally.graphs), text::count(failed)]);
        }
        text::write_columns(out, &rows, &[false, true, true])?;
        // Several properties may have one smallest graph: it is shown once.
        let mut shown = Vec::new();
        for (property, Cases { best: finding, .. }) in self.worst_first() {
            writeln!(out, "\n{property}: {}", finding.text)?;
            if shown.contains(&finding.graph) {
                writeln!(out, "the smallest graph is one of the above")?;
                continue;
            }
            shown.push(finding.graph);
            writeln!(out, "the smallest graph as a scenario:\n")?;
            for line in print(&scenario(plan, finding)).lines() {
                writeln!(out, "    {line}")?;
            }
        }
        if tally.found.is_empty() {
            writeln!(out, "\nno findings")?;
            return Interrupted::write(*interrupted, out);
        }
        let fault = fault.map(|fault| format!(" --fault {fault}")).unwrap_or_default();
        let (nodes, states, release) = (plan.nodes, plan.states.name(), plan.release);
        writeln!(
            out,
            "\nagain: leasehold exhaust --nodes {nodes} --states {states} --release {release}{fault}"
        )?;
        Interrupted::write(*interrupted, out)
    }
}
