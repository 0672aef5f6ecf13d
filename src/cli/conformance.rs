//! `leasehold conformance`: recorded results of the real containerd against engine and oracle.

use super::values;
use super::{Ended, Failure, progress};
use crate::conformance::run::run as run_row;
use crate::conformance::{RowLine, SourceError, read};
use crate::engine::Fault;
use crate::go::Go;
use crate::release::Release;
use crate::scenario::alias;
use rayon::prelude::*;
use std::io::Write;
use std::path::PathBuf;

/// Hold the collector and the oracle to what the real containerd was recorded to do
///
/// Reads *.jsonl, *.jsonl.gz and *.jsonl.zst files, and folders of them. Each row is judged by the rules of the release
/// that it was recorded from: its `version`, else the name of its folder.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold conformance scenarios/recorded                 every release
  leasehold conformance scenarios/recorded --only 2.1      the rows of one release")]
pub(super) struct Arguments {
    /// Files or folders with recorded rows
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Judge every row by this release's rules, whatever it was recorded from
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse, conflicts_with = "only")]
    release: Option<Release>,
    /// Judge only the rows that were recorded from this release
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    only: Option<Release>,
    /// What the daemon was built with, where that matters (1.6 and 1.7): Go up to 1.19 reads more texts as times
    #[arg(long, value_name = "GO", value_parser = Go::parse)]
    go: Option<Go>,
    /// Seed a mistake into the collector, to see rows fail
    #[arg(long, value_name = "FAULT", value_parser = values::fault(), hide_possible_values = true)]
    fault: Option<Fault>,
}

/// How many lines are read ahead and worked on together.
const BATCH_LINES: usize = 64;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    if let Some(release) = arguments.release.or(arguments.only) {
        values::go_of(arguments.go, &[release])?;
    }
    values::release_with(arguments.release.or(arguments.only), arguments.fault)?;
    let mut lines = read(&arguments.paths, arguments.release).map_err(input_error)?;
    let progress = progress::bar(None, "rows");
    let (mut passed, mut failed) = (0u64, 0u64);
    loop {
        let batch: Vec<_> =
            lines.by_ref().take(BATCH_LINES).collect::<Result<_, _>>().map_err(input_error)?;
        if batch.is_empty() {
            break;
        }
        let verdicts: Vec<_> = batch.par_iter().filter_map(|line| judge(line, arguments)).collect();
        progress.inc(verdicts.len() as u64);
        for verdict in verdicts {
            match verdict {
                Ok(()) => passed += 1,
                Err(reason) => {
                    failed += 1;
                    progress.suspend(|| writeln!(out, "FAILED {}", alias::in_line(&reason)))?;
                }
            }
        }
    }
    progress.finish_and_clear();
    if passed + failed == 0 {
        return Err(input_error(SourceError::NoRows { paths: arguments.paths.clone() }));
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { Ended::Well } else { Ended::WithFinding })
}

/// None for what is not to be judged: a case of which nothing was recorded, or a row of another release.
fn judge(line: &RowLine, arguments: &Arguments) -> Option<Result<(), String>> {
    let (release, row) = match line.row() {
        Ok(row) => row.filter(|(release, _)| arguments.only.is_none_or(|only| only == *release))?,
        Err(failure) => return Some(Err(failure.to_string())),
    };
    let judged = run_row(&row, release, arguments.go.unwrap_or_default(), arguments.fault);
    let name = &row.name;
    Some(judged.map_err(|(party, difference)| format!("{release} {name}: {party}: {difference}")))
}

fn input_error(error: SourceError) -> Failure {
    Failure::Input(error.to_string())
}
