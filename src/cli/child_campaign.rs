//! The part of `leasehold simulate` that has to do with children: rows for them, and a campaign against one.

use super::findings::Folder;
use super::{Ended, Failure, interrupt, progress, threads};
use crate::child::campaign::{self, Plan};
use crate::child::{ChildError, CommandLine, write_rows};
use crate::report::Show as _;
use crate::report::child::Report;
use crate::scenario::print;
use crate::simulate;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// Instead of our own collector run another one, a program that answers a collection a line, and compare
    #[arg(long, value_name = "CMD ARGS", value_parser = parse_command, conflicts_with_all = ["fault", "intended"])]
    against: Option<CommandLine>,
    /// How many seconds the other collector may take for a collection
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "5", requires = "against")]
    // What --against does not go with would excuse its absence.
    #[arg(conflicts_with_all = ["case", "time", "shard", "fault", "intended"])]
    child_timeout: Duration,
    /// Also write the collections of the cases, as rows for other collectors, into a new file; gzip if it ends in .gz
    #[arg(long, value_name = "FILE")]
    rows_out: Option<PathBuf>,
}

/// The cases of a `simulate` run.
pub(super) struct Cases<'a> {
    pub(super) drawn: &'a simulate::campaign::Plan,
    pub(super) cases: Range<u64>,
    pub(super) jobs: Option<usize>,
    pub(super) json: bool,
}

/// Does what the arguments ask for; none if it remains to run our own collector.
pub(super) fn run(
    arguments: &Arguments,
    cases: Cases<'_>,
    folder: &mut Folder<'_>,
    out: &mut dyn Write,
) -> Result<Option<Ended>, Failure> {
    if let Some(path) = &arguments.rows_out {
        write(path, &cases)?;
    }
    let Some(command) = &arguments.against else { return Ok(None) };
    let plan = Plan {
        drawn: cases.drawn.clone(),
        cases: cases.cases.clone(),
        command: command.clone(),
        limit: arguments.child_timeout,
    };
    let progress = case_bar(&cases);
    let threads = threads::pool(cases.jobs)?;
    let stop = interrupt::stop();
    let tally = threads.install(|| campaign::run(&plan, &stop, &|cases| progress.inc(cases)));
    progress.finish_and_clear();
    let tally = tally.map_err(|error: ChildError| Failure::Usage(format!("--against: {error}")))?;
    let count = plan.cases.end - plan.cases.start;
    let interrupted = interrupt::interrupted(&stop, tally.cases, Some(count), "case");
    let small = tally.found.iter().filter_map(|(wrong, found)| Some((wrong, found, found.small.as_ref()?)));
    let files = small.filter_map(|(wrong, found, small)| {
        let file =
            folder.write(&format!("against-{}-{}", wrong.name(), found.first), &print(&small.scenario))?;
        Some((*wrong, file))
    });
    let report = Report { plan: &plan, tally: &tally, files: &files.collect(), interrupted };
    report.write(cases.json, out)?;
    folder.tell_failure();
    Ok(Some(Ended::campaign(tally.finding_count() > 0, interrupted)))
}

fn case_bar(cases: &Cases<'_>) -> ProgressBar {
    progress::bar(Some(cases.cases.end - cases.cases.start), "cases")
}

fn write(path: &Path, cases: &Cases<'_>) -> Result<(), Failure> {
    let named = |error: io::Error| format!("--rows-out: {}: {error}", path.display());
    // What exists is never written over.
    let file = File::create_new(path).map_err(|error| Failure::Usage(named(error)))?;
    let progress = case_bar(cases);
    let rows =
        |out: &mut dyn Write| write_rows(cases.drawn, cases.cases.clone(), out, |more| progress.inc(more));
    let written = if path.extension() == Some(OsStr::new("gz")) {
        let mut packed = GzEncoder::new(BufWriter::new(file), Compression::default());
        rows(&mut packed).and_then(|()| packed.finish()?.flush())
    } else {
        let mut plain = BufWriter::new(file);
        rows(&mut plain).and_then(|()| plain.flush())
    };
    progress.finish_and_clear();
    written.map_err(|error| Failure::Output(io::Error::other(named(error))))
}

fn parse_command(text: &str) -> Result<CommandLine, String> {
    CommandLine::parse(text).map_err(|error| error.to_string())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    /// A day.
    const SECONDS_MAX: f64 = 86_400.0;
    let seconds = text.parse().ok().filter(|seconds| (0.001..=SECONDS_MAX).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| format!("a number from 0.001 to {SECONDS_MAX}"))
}
