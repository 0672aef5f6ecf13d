//! `leasehold grade`: is each seeded fault found?

use super::values::{self, parse_time_to_try};
use super::{Ended, Failure, interrupt, progress, threads};
use crate::report::Show as _;
use crate::report::grade::{Report, write_list};
use crate::simulate::grade::{Grade, grade};
use crate::world::Fault;
use std::io::Write;
use std::time::Duration;

/// Seed each known mistake into the daemon and see whether generated cases find it
///
/// A fault is caught if every seed finds it within the budget. Exit code 1 if one escapes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold grade                                   every fault, five seeds, a table
  leasehold grade --fault sweep-skips --seeds 25
  leasehold grade --list                            what each fault is

--json prints one object: how many `seeds`, how many faults were `caught` and `escaped`, and `faults`, each with the `release` and the \
`sentence` that say what it is, whether it is `caught` (by every seed), by which `properties`, after how many `cases` (the median) and \
with how many `steps` (the median of the small cases), and `trials`, the cases of each seed, null where it did not find it. With --list it is \
`faults`, each with `fault`, `release` and `sentence`.")]
pub(super) struct Arguments {
    /// Only this fault
    #[arg(long, value_name = "FAULT", value_parser = values::parse_fault)]
    fault: Option<Fault>,
    /// How many seeds have to find each fault
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = parse_seeds, allow_negative_numbers = true)]
    seeds: u32,
    /// How long each seed has on one thread, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time_to_try, allow_hyphen_values = true)]
    budget: Duration,
    /// Threads; default: one a core
    #[arg(long, value_name = "N", value_parser = threads::parse_jobs, allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// One JSON object, without times, instead of the table; of --list too
    #[arg(long)]
    json: bool,
    /// Only list the faults
    #[arg(long, conflicts_with_all = ["seeds", "budget", "jobs"])]
    list: bool,
}

fn parse_seeds(text: &str) -> Result<u32, String> {
    const SEEDS_MAX: u64 = 1_000;
    let seeds = values::count(text, 1, SEEDS_MAX)?;
    u32::try_from(seeds).map_err(|error| error.to_string())
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let faults = arguments.fault.map_or_else(|| Fault::all().collect(), |fault| vec![fault]);
    if arguments.list {
        write_list(&faults, arguments.json, out)?;
        return Ok(Ended::Well);
    }
    let Arguments { seeds, budget, .. } = *arguments;
    let trials = faults.len() as u64 * u64::from(seeds);
    let progress = progress::bar(Some(trials), "trials");
    let threads = threads::pool(arguments.jobs)?;
    let stop = interrupt::stop();
    let grades = threads.install(|| grade(&faults, seeds, budget, &stop, &|| progress.inc(1)));
    progress.finish_and_clear();
    let (graded, count) = (grades.len() as u64, faults.len() as u64);
    let interrupted = interrupt::interrupted(&stop, graded, Some(count), "fault");
    let report = Report { grades: &grades, seeds, budget, interrupted };
    report.write(arguments.json, out)?;
    Ok(Ended::campaign(!grades.iter().all(Grade::is_caught), interrupted))
}
