//! `leasehold replay`: scenario files, step by step through the world, checked; and what fuzz targets left behind.

use super::place::{Place, look};
use super::source::{SCENARIO_EXTENSION, input_error, parse_scenario, scenario_text};
use super::verdict::{Verdict, replay_scenario};
use super::{Ended, Failure, artifact};
use super::{files, values};
use crate::engine::Fault;
use crate::fuzzing::Target;
use crate::replay::{Problem, Replayed, updated};
use crate::report::shell::quoted;
use rayon::prelude::*;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Replay scenario files: apply their steps, check every collection, and hold them to what they expect
///
/// After every collection all properties are checked against an independent oracle. Folders are searched for
/// *.scenario files in the order of their names; a file that is named itself is read whatever it is called.
///
/// An input of a fuzz target, a crash above all, is any other file in a folder of the target's name. It is held to
/// the target's property; what breaks is shown as a small scenario.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold replay scenarios                              a whole library
  leasehold replay --step expired.scenario                what each step changes
  leasehold replay --update scenarios/rules               write what gc prints below each `---`
  leasehold replay --fault expiry-inclusive scenarios     which scenarios see this mistake
  leasehold replay fuzz/artifacts/tree/crash-1c9b33       what a fuzz target found
  leasehold replay --target tree crash-1c9b33             the same, anywhere else
  leasehold replay --target tree fuzz/corpus/tree         every input of a folder")]
pub(super) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Show what each step changes: buckets, the clock, the marks
    #[arg(long)]
    step: bool,
    /// Write what is printed below each `---`; nothing else in a file changes
    #[arg(long, conflicts_with = "fault")]
    update: bool,
    /// Seed a mistake into the collector, to see scenarios fail
    #[arg(long, value_name = "FAULT", value_parser = values::fault(), hide_possible_values = true)]
    fault: Option<Fault>,
    /// The files that are no scenarios are inputs of this fuzz target [default: what the nearest folder is called]
    #[arg(long, value_name = "TARGET", value_parser = artifact::parse_target)]
    #[arg(conflicts_with_all = ["update", "intended"])]
    target: Option<&'static Target>,
    /// Hold the collector to the intended rules instead of those with the release's known defects
    #[arg(long, conflicts_with = "update")]
    intended: bool,
}

/// How many failures of one file are shown.
const FAILURES_SHOWN_MAX: usize = 10;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        add_files(path, arguments.target.is_some(), &mut files)?;
    }
    if files.is_empty() {
        let paths = arguments.paths.iter().map(|path| path.display().to_string());
        let paths = paths.collect::<Vec<_>>().join(", ");
        return Err(Failure::Input(format!("{paths}: no file that ends in .{SCENARIO_EXTENSION}")));
    }
    let verdicts: Vec<Verdict> = if arguments.step {
        files.iter().map(|file| replay_file(arguments, file, Some(&mut *out))).collect::<io::Result<_>>()?
    } else {
        files.par_iter().map(|file| replay_file(arguments, file, None)).collect::<io::Result<_>>()?
    };
    let (mut passed, mut unusable) = (0usize, Vec::new());
    for (file, verdict) in files.iter().zip(verdicts) {
        match verdict {
            Verdict::Passed { blocks } => {
                passed += 1;
                if blocks > 0 {
                    let plural = if blocks == 1 { "" } else { "s" };
                    writeln!(out, "updated {}: {blocks} block{plural}", file.display())?;
                }
            }
            Verdict::Held(text) => {
                passed += 1;
                writeln!(out, "{text}")?;
            }
            Verdict::Failed(text) => {
                writeln!(out, "{text}again: {}\n", command(arguments, file))?;
            }
            Verdict::Unusable(text) => unusable.push(text),
        }
    }
    writeln!(out, "{passed} passed, {} failed", files.len() - passed)?;
    if !unusable.is_empty() {
        return Err(Failure::Input(unusable.join("\nleasehold: ")));
    }
    Ok(if passed == files.len() { Ended::Well } else { Ended::WithFinding })
}

/// A file itself, or the scenarios of a folder, or all its files, in the byte order of their names. Links to folders are
/// not followed.
fn add_files(path: &Path, all: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if look(path)? != Place::Folder {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        if look(&path)? == Place::File {
            files.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).map_err(|error| input_error(&path, &error))?;
        let mut below = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| input_error(&path, &error))?;
            let file_type = entry.file_type().map_err(|error| input_error(&entry.path(), &error))?;
            let is_scenario = entry.path().extension() == Some(OsStr::new(SCENARIO_EXTENSION));
            if file_type.is_dir() || (all || is_scenario) && look(&entry.path())? == Place::File {
                below.push(entry.path());
            }
        }
        // The work list is taken from its end.
        below.sort_by(|left, right| {
            right.as_os_str().as_encoded_bytes().cmp(left.as_os_str().as_encoded_bytes())
        });
        pending.extend(below);
    }
    Ok(())
}

/// Replays a file; where there is something to write to, every step is shown as it goes.
fn replay_file(arguments: &Arguments, file: &Path, out: Option<&mut dyn Write>) -> io::Result<Verdict> {
    if let Some(target) = target_of(arguments, file) {
        return artifact::replay(target, arguments.fault, file, out);
    }
    let text = match scenario_text(file) {
        Ok(text) => text,
        Err(error) => return Ok(Verdict::unusable(file, &error)),
    };
    if text.trim_ascii().is_empty() {
        return Ok(Verdict::unusable(file, &"the file is empty"));
    }
    let replayed = match parse_scenario(file, &text) {
        Ok(scenario) => replay_scenario(file, &scenario, arguments.fault, arguments.intended, out)?,
        Err(_) if text.contains(&0) => return Ok(Verdict::unusable(file, &"it is no text, so no scenario")),
        Err(drawn) => return Ok(Verdict::Failed(format!("FAILED {drawn}\n"))),
    };
    Ok(verdict(arguments, file, &text, replayed))
}

/// The fuzz target whose input a file is; none if it is a scenario.
fn target_of(arguments: &Arguments, file: &Path) -> Option<&'static Target> {
    if file.extension() == Some(OsStr::new(SCENARIO_EXTENSION)) {
        return None;
    }
    arguments.target.or_else(|| Target::of_path(&std::path::absolute(file).ok()?))
}

/// Whether a replay passed; with --update what it printed is written before.
fn verdict(arguments: &Arguments, file: &Path, text: &[u8], mut replayed: Replayed) -> Verdict {
    let mut blocks = 0;
    if arguments.update && !replayed.is_cut {
        let is_printed = |problem: &Problem| matches!(problem, Problem::Printed { .. });
        blocks = replayed.failures.iter().filter(|failure| is_printed(&failure.problem)).count();
        if blocks > 0
            && let Err(error) = files::replace(file, updated(text, &replayed.printed).as_ref())
        {
            return Verdict::unusable(file, &error);
        }
        replayed.failures.retain(|failure| !is_printed(&failure.problem));
    }
    if replayed.failures.is_empty() {
        return Verdict::Passed { blocks };
    }
    let mut failed = String::new();
    for failure in replayed.failures.iter().take(FAILURES_SHOWN_MAX) {
        let mut lines = failure.to_string();
        lines = lines.replace('\n', "\n    ");
        writeln!(failed, "FAILED {}:{}: {lines}", file.display(), failure.line)
            .expect("a string takes all that is written");
    }
    if replayed.failures.len() > FAILURES_SHOWN_MAX {
        let more = replayed.failures.len() - FAILURES_SHOWN_MAX;
        writeln!(failed, "FAILED {}: and {more} times more", file.display())
            .expect("a string takes all that is written");
    }
    Verdict::Failed(failed)
}

/// The command that replays a file as it was replayed.
fn command(arguments: &Arguments, file: &Path) -> String {
    let path = file.display().to_string();
    let options_end = if path.starts_with('-') { "-- " } else { "" };
    let path = format!("{options_end}{}", quoted(&path));
    let mut command = "leasehold replay --step".to_owned();
    if let Some(fault) = arguments.fault {
        command.push_str(&format!(" --fault {fault}"));
    }
    if arguments.intended {
        command.push_str(" --intended");
    }
    if let Some(target) = arguments.target {
        command.push_str(&format!(" --target {}", target.name));
    }
    format!("{command} {path}")
}
