//! `leasehold conformance`: recorded results of the real containerd against engine and oracle.

use super::child_campaign::{Other, parse_command, parse_seconds};
use super::values;
use super::{Ended, Failure, progress};
use crate::child::CommandLine;
use crate::conformance::run::run as run_row;
use crate::conformance::{RowLine, SourceError, read};
use crate::engine::Fault;
use crate::go::Go;
use crate::release::Release;
use crate::report::child::DEFAULT_LIMIT;
use crate::scenario::alias;
use crate::text;
use rayon::prelude::*;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Hold the collector and the oracle to what the real containerd was recorded to do
///
/// Reads *.jsonl, *.jsonl.gz and *.jsonl.zst files, and folders of them. Each row is judged by the rules of the release
/// that it was recorded from: its `version`, else the name of its folder.
///
/// A line that is no JSON object is an input that cannot be read (exit code 3), wherever it stands, and so is a file that
/// has no row; the rest is judged all the same. A row that lacks a field, or has a wrong one, has failed.
///
/// With --against another collector is held to the rows instead, by whatever fields it answers.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold conformance scenarios/recorded                 every release
  leasehold conformance scenarios/recorded --only 2.1      the rows of one release
  leasehold conformance scenarios/recorded --only 2.1 --against ./child      another collector put to them")]
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
    #[arg(long, value_name = "FAULT", value_parser = values::parse_collector_fault)]
    fault: Option<Fault>,
    /// Ask another collector, a program that answers a collection a line, and hold it to what was recorded
    #[arg(long, value_name = "CMD ARGS", value_parser = parse_command, conflicts_with_all = ["fault", "go"])]
    against: Option<CommandLine>,
    /// How many seconds the other collector may take for a collection [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, allow_negative_numbers = true, requires = "against")]
    // What --against does not go with would excuse its absence.
    #[arg(conflicts_with_all = ["fault", "go"])]
    child_timeout: Option<Duration>,
    /// One JSON object instead of the lines
    #[arg(long)]
    json: bool,
}

/// How many lines are read ahead and worked on together.
const BATCH_LINES: usize = 64;
/// How much of what cannot be read is named.
const UNREADABLE_SHOWN_MAX: usize = 10;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let said = arguments.release.or(arguments.only);
    values::go_of(arguments.go, said.as_ref().map_or(&Release::ALL, std::slice::from_ref))?;
    values::release_with(arguments.release.or(arguments.only), arguments.fault)?;
    let limit = arguments.child_timeout.unwrap_or(DEFAULT_LIMIT);
    let other = arguments.against.as_ref().map(|command| Other::new(command.clone(), limit));
    let mut lines = read(&arguments.paths, arguments.release).map_err(input_error)?;
    let progress = progress::bar(None, "rows");
    let (mut passed, mut failed, mut failures) = (0u64, 0u64, Vec::new());
    // What cannot be read, of which only the first few are named in the end.
    let (mut unreadable, mut unreadable_count) = (Vec::new(), 0u64);
    let mut note = |error: String| {
        unreadable_count += 1;
        if unreadable.len() < UNREADABLE_SHOWN_MAX {
            unreadable.push(error);
        }
    };
    let is_made = AtomicBool::default();
    loop {
        let read: Vec<_> = lines.by_ref().take(BATCH_LINES).collect();
        if read.is_empty() {
            break;
        }
        let mut batch = Vec::new();
        for line in read {
            match line {
                Ok(line) => batch.push(line),
                Err(error) => note(error.to_string()),
            }
        }
        let verdicts: Vec<_> =
            batch.par_iter().filter_map(|line| judge(line, arguments, other.as_ref(), &is_made)).collect();
        progress.inc(verdicts.len() as u64);
        for verdict in verdicts {
            match verdict {
                Verdict::Passed => passed += 1,
                Verdict::NoRow(reason) => note(reason),
                Verdict::Failed(reason) => {
                    failed += 1;
                    match arguments.json {
                        true => failures.push(reason),
                        false => progress.suspend(|| writeln!(out, "FAILED {reason}"))?,
                    }
                }
            }
        }
    }
    progress.finish_and_clear();
    let asked = other.map(Other::finish).transpose()?.flatten();
    if passed + failed + unreadable_count == 0 {
        return Err(input_error(SourceError::NoRows { paths: arguments.paths.clone() }));
    }
    if arguments.json {
        let (unreadable, asked) = (&unreadable, asked.as_deref());
        let report = json!({
            "passed": passed,
            "failed": failed,
            "failures": failures,
            "unreadable": unreadable_count,
            "unreadable_first": unreadable,
            "asked": asked,
        });
        writeln!(out, "{report}")?;
    } else {
        if let Some(asked) = asked {
            writeln!(out, "{asked}")?;
        }
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    if unreadable_count > 0 {
        let more = unreadable_count - unreadable.len() as u64;
        if more > 0 {
            unreadable.push(format!("and {} that cannot be read", text::counted(more, "more line")));
        }
        return Err(Failure::Input(unreadable.join("\nleasehold: ")));
    }
    if let Some(fault) = arguments.fault.filter(|_| !is_made.into_inner()) {
        return Err(values::never_made(fault, "row"));
    }
    Ok(if failed == 0 { Ended::Well } else { Ended::WithFinding })
}

/// What came of a line.
enum Verdict {
    Passed,
    Failed(String),
    NoRow(String),
}

/// None for what is not to be judged: a case of which nothing was recorded, or a row of another release.
/// `is_made` becomes true where the fault could be made.
fn judge(
    line: &RowLine,
    arguments: &Arguments,
    other: Option<&Other>,
    is_made: &AtomicBool,
) -> Option<Verdict> {
    let (release, row) = match line.row() {
        Ok(row) => row.filter(|(release, _)| arguments.only.is_none_or(|only| only == *release))?,
        Err(failure) => {
            let reason = alias::in_line(failure.to_string());
            return Some(if failure.is_no_row() { Verdict::NoRow(reason) } else { Verdict::Failed(reason) });
        }
    };
    let verdict = |judged: Result<(), String>| judged.map_or_else(Verdict::Failed, |()| Verdict::Passed);
    let name = &row.name;
    is_made.fetch_or(arguments.fault.is_some_and(|fault| fault.can_be_made_in(release)), Ordering::Relaxed);
    if let Some(other) = other {
        let told = |told: String| {
            format!("{}: {}", alias::in_line(format!("{release} {name}")), told.replace('\n', "\n  "))
        };
        return Some(verdict(other.holds_row(&row, release)?.map_err(told)));
    }
    let judged = run_row(&row, release, arguments.go.unwrap_or_default(), arguments.fault);
    Some(verdict(
        judged.map_err(|(party, difference)| {
            alias::in_line(format!("{release} {name}: {party}: {difference}"))
        }),
    ))
}

fn input_error(error: SourceError) -> Failure {
    Failure::Input(error.to_string())
}
