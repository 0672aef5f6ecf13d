//! The command line: one file a command, the exit codes here.

mod artifact;
mod child;
mod child_campaign;
mod collect;
mod conformance;
mod diff;
mod exhaust;
mod export;
mod files;
mod findings;
mod grade;
mod place;
mod replay;
mod simulate;
mod source;
mod threads;
mod values;
mod verdict;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended. Where several apply the order is 2, 3, 1, 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// All agree; a collection was computed, with garbage or with an error of its own.
    Well,
    /// A finding, a disagreement or a failed expectation.
    WithFinding,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The user asked for something that does not exist: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// An input that cannot be read, with its path: exit code 3.
    #[error("{0}")]
    Input(String),
    /// Writing the output failed. A closed pipe ends the program quietly.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// Simulates, fuzzes and explains containerd's metadata garbage collector.
///
/// Exit codes: 0 all agree, 1 a finding or disagreement, 2 usage, 3 an input that cannot be read.
#[derive(Parser)]
#[command(name = "leasehold", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Simulate(simulate::Arguments),
    Replay(replay::Arguments),
    Collect(collect::Arguments),
    Diff(diff::Arguments),
    Conformance(conformance::Arguments),
    Exhaust(exhaust::Arguments),
    Grade(grade::Arguments),
    #[command(hide = true)]
    Child(child::Arguments),
    Export(export::Arguments),
}

/// Runs the program with its arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors. Nothing can be done if they cannot be printed.
            let _printed = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let ended = match arguments.command {
        Command::Simulate(arguments) => simulate::run(&arguments, &mut out),
        Command::Replay(arguments) => replay::run(&arguments, &mut out),
        Command::Collect(arguments) => collect::run(&arguments, &mut out),
        Command::Diff(arguments) => diff::run(&arguments, &mut out),
        Command::Conformance(arguments) => conformance::run(&arguments, &mut out),
        Command::Exhaust(arguments) => exhaust::run(&arguments, &mut out),
        Command::Grade(arguments) => grade::run(&arguments, &mut out),
        Command::Child(arguments) => child::run(&arguments, &mut out),
        Command::Export(arguments) => export::run(&arguments, &mut out),
    };
    let ended = ended.and_then(|ended| out.flush().map(|()| ended).map_err(Failure::Output));
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithFinding) => ExitCode::from(1),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("leasehold: {failure}");
            ExitCode::from(match failure {
                Failure::Usage(_) => 2,
                Failure::Input(_) => 3,
                Failure::Output(_) => 1,
            })
        }
    }
}
