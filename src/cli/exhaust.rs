//! `leasehold exhaust`: every small graph through engine, oracle and bit masks.

use super::values;
use super::{Ended, Failure, interrupt, progress, threads};
use crate::engine::Fault;
use crate::exhaust::graphs::NODES_MAX;
use crate::exhaust::{self, Plan, StateSet};
use crate::oracle::Defects;
use crate::release::Release;
use crate::report;
use crate::report::Show as _;
use crate::text;
use std::io::Write;

/// Run every small graph through the collector, an independent oracle and plain reachability
///
/// Each node is content that may refer to every node, itself included, and that one of the states holds. Graphs that
/// differ only in names are run once; how many there are is known beforehand, and the run is held to it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold exhaust --nodes 4                         45,960 graphs
  leasehold exhaust --nodes 4 --states holders        1,740,020 graphs
  leasehold exhaust --nodes 3 --states holders --fault flat-hides-full      the smallest graph that shows it

--json prints one object: `nodes`, `states` and `release`, the `fault` or null; how many `graphs` were run and how many `labelled` ones \
they stand for, how many objects were `kept` and `removed`; `properties`, of each how often it was `checked` and `failed`; and `smallest`, \
of each that failed the smallest graph: the `property`, its `size`, what is wrong as `text`, and the `scenario`. `interrupted` says how \
many graphs were `done`, `of` how many.")]
pub(super) struct Arguments {
    /// How many nodes each graph has: 1 to 6. Five with holders, and six, take hours; six with holders are
    /// 1,495,728,060,000 graphs, of which ^C reports those that were run
    #[arg(long, value_name = "N", value_parser = parse_nodes, allow_negative_numbers = true)]
    nodes: usize,
    /// What may hold a node. root: the label gc.root or nothing; holders: besides, a lease, a flat lease, an expired
    /// lease
    #[arg(long, value_name = "root|holders", value_parser = parse_states, default_value = "root")]
    states: StateSet,
    /// Whose rules: a version of containerd; default: 1.7.0-beta.1
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    release: Option<Release>,
    /// Seed a mistake into the collector, to see it found; one that the graphs can show: lease-expiry-ignored,
    /// flat-follows-labels, flat-empty-ignored, flat-hides-full, content-root-label-ignored, deep-chain-cut, sweep-skips
    /// or sweep-stops-early
    #[arg(long, value_name = "FAULT", value_parser = values::parse_collector_fault)]
    fault: Option<Fault>,
    /// Threads; default: one a core
    #[arg(long, value_name = "N", value_parser = threads::parse_jobs, allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// One JSON object instead of the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let Arguments { nodes, states, release, fault, .. } = *arguments;
    let release = values::release_with(release, fault)?;
    let plan = Plan { nodes, states, release, defects: Defects::as_shipped(release) };
    refuse_idle(&plan, fault)?;
    let progress = progress::bar(Some(plan.graph_count()), "graphs");
    let done = |graphs| progress.inc(graphs);
    let threads = threads::pool(arguments.jobs)?;
    let stop = interrupt::stop();
    let tally = threads.install(|| exhaust::run(&plan, fault, &stop, &done));
    progress.finish_and_clear();
    let interrupted = interrupt::interrupted(&stop, tally.graphs, Some(plan.graph_count()), "graph");
    let report = report::exhaust::Report { plan: &plan, fault, tally: &tally, interrupted };
    report.write(arguments.json, out)?;
    Ok(Ended::campaign(tally.finding_count() > 0, interrupted))
}

/// Refuses a fault that no graph of the plan can show.
fn refuse_idle(plan: &Plan, fault: Option<Fault>) -> Result<(), Failure> {
    let Some(fault) = fault else { return Ok(()) };
    let with = |states| Plan { states, ..plan.clone() }.nodes_to_show(fault);
    let reason = match (with(plan.states), with(StateSet::Holders)) {
        (Some(nodes), _) if nodes <= plan.nodes => return Ok(()),
        (Some(nodes), _) => {
            format!("graphs that show it have {} or more", text::counted(nodes as u64, "node"))
        }
        (None, Some(_)) => "it takes leases to show it (--states holders)".to_owned(),
        (None, None) => {
            "content, its references and what holds it cannot show it; `leasehold simulate` can".to_owned()
        }
    };
    Err(Failure::Usage(format!("--fault {fault}: {reason}")))
}

fn parse_nodes(text: &str) -> Result<usize, String> {
    let nodes = values::count(text, 1, NODES_MAX as u64)?;
    usize::try_from(nodes).map_err(|error| error.to_string())
}

fn parse_states(text: &str) -> Result<StateSet, String> {
    let names = StateSet::ALL.map(StateSet::name).join(" and ");
    StateSet::parse(text).ok_or_else(|| format!("there are {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Args;
    use std::collections::BTreeSet;

    #[test]
    fn the_help_says_how_many_graphs_the_largest_plan_has() {
        let command = Arguments::augment_args(clap::Command::new("exhaust"));
        let flag = command.get_arguments().find(|flag| flag.get_long() == Some("nodes")).expect("a flag");
        let help = flag.get_help().expect("help").to_string().replace('\n', " ");
        let (release, defects) = (Release::default(), Defects::NONE);
        let plan = Plan { nodes: NODES_MAX, states: StateSet::Holders, release, defects };
        assert!(help.contains(&text::counted(plan.graph_count(), "graph")), "{help}");
    }

    #[test]
    fn the_help_names_the_faults_that_graphs_can_show() {
        let command = Arguments::augment_args(clap::Command::new("exhaust"));
        let flag = command.get_arguments().find(|flag| flag.get_long() == Some("fault")).expect("a flag");
        let help = flag.get_help().expect("help").to_string();
        let words = help.split([' ', ',', '\n']).collect::<BTreeSet<_>>();
        let (release, defects) = (Release::default(), Defects::NONE);
        let plan = Plan { nodes: NODES_MAX, states: StateSet::Holders, release, defects };
        for fault in Fault::ALL {
            assert_eq!(words.contains(fault.name()), plan.nodes_to_show(*fault).is_some(), "{fault}");
        }
    }
}
