//! `leasehold conformance`: recorded results of the real containerd against engine and oracle.

use super::values;
use super::{Ended, Failure};
use crate::conformance::run::run as run_row;
use crate::conformance::source::Found;
use crate::conformance::{RowFailure, SourceError, archive, read};
use crate::engine::{Fault, NoFault};
use crate::release::Release;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Hold the collector and the oracle to what the real containerd was recorded to do
///
/// Reads *.jsonl and *.jsonl.gz files, folders of them, and the archive scenarios/recorded/containerd.jsonl.gz.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold conformance scenarios/recorded                      every release
  leasehold conformance scenarios/recorded --release 1.7.0-beta.1")]
pub(super) struct Arguments {
    /// Files or folders with recorded rows
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Judge by this release's rules; of the archive, read only its rows
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    release: Option<Release>,
    /// Seed a mistake into the collector, to see rows fail
    #[arg(long, value_name = "FAULT", value_parser = values::fault(), hide_possible_values = true)]
    fault: Option<Fault>,
    /// Instead of checking, pack a folder's rows of all releases into an archive
    #[arg(long, value_name = "ARCHIVE", hide = true)]
    pack: Option<PathBuf>,
}

/// How many lines are read ahead and worked on together.
const BATCH_LINES: usize = 64;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    if let Some(target) = &arguments.pack {
        return pack(&arguments.paths, target);
    }
    let mut lines = read(&arguments.paths, arguments.release).map_err(input_error)?;
    let style = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}");
    let progress = ProgressBar::new_spinner().with_style(style.expect("the template is well-formed"));
    let (mut passed, mut failed) = (0u64, 0u64);
    loop {
        let batch: Vec<_> =
            lines.by_ref().take(BATCH_LINES).collect::<Result<_, _>>().map_err(input_error)?;
        if batch.is_empty() {
            break;
        }
        let verdicts: Vec<_> =
            batch.par_iter().flat_map_iter(|line| judge_line(line, arguments.fault)).collect();
        progress.inc(verdicts.len() as u64);
        for verdict in verdicts {
            match verdict {
                Ok(()) => passed += 1,
                Err(reason) => {
                    failed += 1;
                    progress.suspend(|| writeln!(out, "FAILED {reason}"))?;
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

fn judge_line(line: &crate::conformance::Line, fault: Option<Fault>) -> Vec<Result<(), String>> {
    let judge = |found: Result<Found, RowFailure>| match found {
        Ok(Found::Case(_)) => None,
        Ok(Found::Recorded(release, row)) => {
            let result = match fault {
                None => run_row(&row, release, NoFault),
                Some(fault) => run_row(&row, release, fault),
            };
            let name = &row.name;
            Some(result.map_err(|(party, difference)| format!("{release} {name}: {party}: {difference}")))
        }
        Err(failure) => Some(Err(failure.to_string())),
    };
    line.rows().into_iter().filter_map(judge).collect()
}

fn pack(folders: &[PathBuf], target: &Path) -> Result<Ended, Failure> {
    let [folder] = folders else { return Err(Failure::Usage("--pack takes one folder".to_owned())) };
    let packed = archive::pack_folder(folder);
    let packed = packed.map_err(|error| super::source::input_error(folder, &error))?;
    std::fs::write(target, packed)?;
    Ok(Ended::Well)
}

fn input_error(error: SourceError) -> Failure {
    Failure::Input(error.to_string())
}
