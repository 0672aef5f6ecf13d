//! `leasehold simulate`: generated cases through engine and oracle.

use super::source::{parse_fault, parse_release};
use super::{Ended, Failure, against};
use crate::engine::{Fault, NoFault};
use crate::oracle::Defects;
use crate::release::Release;
use crate::report;
use crate::simulate::campaign::{self, Plan};
use crate::simulate::seed::Seed;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;

/// Run generated cases through the collector and an independent oracle, and report where they disagree
///
/// Each case is a database with leases, labels, expiries and collectors around one instant. The same seed gives the
/// same cases and the same report on any number of threads.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold simulate --cases 100000
  leasehold simulate --seed $(git rev-parse HEAD) --release 2.1
  leasehold simulate --fault expiry-inclusive      a collector with a mistake: it is found
  leasehold simulate --against './child --flag'     another collector, one case a line")]
pub(super) struct Arguments {
    /// Any text of 1 to 64 bytes
    #[arg(long, default_value = "leasehold", value_parser = parse_seed)]
    seed: Seed,
    /// How many cases to run
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    cases: u64,
    /// Whose rules: a version of containerd
    #[arg(long, value_name = "RELEASE", value_parser = parse_release, default_value = "1.7.0-beta.1")]
    release: Release,
    /// Hold the collector to the intended rules instead of those with the release's known defects
    #[arg(long)]
    intended: bool,
    /// Seed a mistake into the collector, to see it found
    #[arg(long, value_name = "FAULT", value_parser = parse_fault)]
    fault: Option<Fault>,
    /// Threads; default: one a core
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    against: against::Arguments,
    /// One JSON object instead of the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let cases = against::Cases {
        seed: &arguments.seed,
        cases: 0..arguments.cases,
        release: arguments.release,
        jobs: arguments.jobs,
        json: arguments.json,
    };
    if let Some(ended) = against::run(&arguments.against, cases, out)? {
        return Ok(ended);
    }
    let plan = Plan {
        seed: arguments.seed.clone(),
        cases: 0..arguments.cases,
        release: arguments.release,
        defects: if arguments.intended { Defects::NONE } else { Defects::as_shipped(arguments.release) },
    };
    // Hidden by indicatif itself where standard error is no terminal.
    let style = "{bar:30} {human_pos} of {human_len} cases, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    let progress = ProgressBar::new(arguments.cases).with_style(style);
    let done = |cases| progress.inc(cases);
    let threads = rayon::ThreadPoolBuilder::new().num_threads(arguments.jobs.unwrap_or_default()).build();
    let threads = threads.map_err(|error| Failure::Usage(format!("--jobs: {error}")))?;
    let tally = threads.install(|| match arguments.fault {
        None => campaign::run(&plan, NoFault, &done),
        Some(fault) => campaign::run(&plan, fault, &done),
    });
    progress.finish_and_clear();
    let report = report::simulate::Report { plan: &plan, fault: arguments.fault, tally: &tally };
    if arguments.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(if tally.finding_count() == 0 { Ended::Well } else { Ended::WithFinding })
}

fn parse_seed(text: &str) -> Result<Seed, String> {
    Seed::parse(text).map_err(|error| error.to_string())
}
