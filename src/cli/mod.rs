//! The command line: one file a command, the exit codes here.

mod artifact;
mod child;
mod child_campaign;
mod collect;
mod conformance;
mod copies;
mod diff;
mod exhaust;
mod explain;
mod explore;
mod export;
mod files;
mod findings;
mod grade;
mod graph;
mod interrupt;
mod lint;
#[cfg(feature = "live")]
mod live;
mod meant;
mod notes;
mod pipe;
mod place;
mod progress;
mod replay;
mod simulate;
mod source;
mod terminal;
mod threads;
mod values;
mod verdict;
mod version;

use crate::report::Interrupted;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// How a command ended. Where several apply the order is 2, 3, 1, 130 or 143, 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// All agree; a collection was computed, with garbage or with an error of its own.
    Well,
    /// A finding, a disagreement or a failed expectation.
    WithFinding,
    /// ^C or another such signal came first, and nothing was found until then.
    Interrupted,
}

impl Ended {
    /// How a campaign ends.
    fn campaign(has_finding: bool, interrupted: Option<Interrupted>) -> Ended {
        match (has_finding, interrupted) {
            (true, _) => Ended::WithFinding,
            (false, Some(_)) => Ended::Interrupted,
            (false, None) => Ended::Well,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line by itself cannot be: no such flag or value, or a new file is to be where something stands. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// An input that cannot be read, with its path: exit code 3.
    #[error("{0}")]
    Input(String),
    /// An output cannot be written, for whatever reason the system has: exit code 3. A closed pipe is no failure.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

/// Simulates, fuzzes and explains containerd's metadata garbage collector.
///
/// ^C ends a campaign with its report so far; a second ^C ends it at once. Any other command ends with the first.
///
/// Exit codes: 0 all agree, 1 a finding or disagreement, 2 usage, 3 an input that cannot be read or an output that cannot
/// be written, 130 ended by ^C before anything was found (143 by SIGTERM). A new file is never written over what stands there: that is usage.
#[derive(Parser)]
#[command(name = "leasehold", bin_name = "leasehold", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Simulate(simulate::Arguments),
    Replay(replay::Arguments),
    Collect(collect::Arguments),
    Explain(explain::Arguments),
    Graph(graph::Arguments),
    Lint(lint::Arguments),
    #[cfg(feature = "live")]
    Live(live::Arguments),
    Diff(diff::Arguments),
    Conformance(conformance::Arguments),
    Explore(explore::Arguments),
    Exhaust(exhaust::Arguments),
    Grade(grade::Arguments),
    Child(child::Arguments),
    Export(export::Arguments),
}

impl Command {
    /// Whether ^C asks it for its report so far. A child ends with the one who asks it.
    fn ends_with_report(&self) -> bool {
        match self {
            Command::Diff(arguments) => arguments.is_campaign(),
            Command::Collect(_)
            | Command::Explain(_)
            | Command::Graph(_)
            | Command::Lint(_)
            | Command::Export(_) => false,
            #[cfg(feature = "live")]
            Command::Live(_) => true,
            Command::Simulate(_)
            | Command::Replay(_)
            | Command::Conformance(_)
            | Command::Explore(_)
            | Command::Exhaust(_)
            | Command::Grade(_)
            | Command::Child(_) => true,
        }
    }
}

/// The definition of the command line.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with its arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    terminal::show_panics();
    heed_file_limits();
    let arguments: Arguments = match terminal::parse(arguments) {
        Ok(arguments) => arguments,
        Err(code) => return ExitCode::from(code),
    };
    if !arguments.command.ends_with_report() {
        interrupt::end();
    }
    let mut out = terminal::output();
    let ended = match arguments.command {
        Command::Simulate(arguments) => simulate::run(&arguments, &mut out),
        Command::Replay(arguments) => replay::run(&arguments, &mut out),
        Command::Collect(arguments) => collect::run(&arguments, &mut out),
        Command::Explain(arguments) => explain::run(&arguments, &mut out),
        Command::Graph(arguments) => graph::run(&arguments, &mut out),
        Command::Lint(arguments) => lint::run(&arguments, &mut out),
        #[cfg(feature = "live")]
        Command::Live(arguments) => live::run(&arguments, &mut out),
        Command::Diff(arguments) => diff::run(&arguments, &mut out),
        Command::Conformance(arguments) => conformance::run(&arguments, &mut out),
        Command::Explore(arguments) => explore::run(&arguments, &mut out),
        Command::Exhaust(arguments) => exhaust::run(&arguments, &mut out),
        Command::Grade(arguments) => grade::run(&arguments, &mut out),
        Command::Child(arguments) => child::run(&arguments, &mut out),
        Command::Export(arguments) => export::run(&arguments, &mut out),
    };
    let ended = ended.and_then(|ended| out.flush().map(|()| ended).map_err(Failure::Output));
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithFinding) => ExitCode::from(1),
        // As of a program that a signal ended: 128 and the signal's number.
        Ok(Ended::Interrupted) => ExitCode::from(interrupt::exit_code()),
        Err(failure) => {
            terminal::say(&failure);
            ExitCode::from(match failure {
                Failure::Usage(_) => 2,
                Failure::Input(_) | Failure::Output(_) => 3,
            })
        }
    }
}

/// A limit on the size of files ends a program that does not say it knows of it; this way writing fails, and says so.
fn heed_file_limits() {
    #[cfg(unix)]
    // Where it cannot be said, the limit ends the program as before.
    let _unheeded = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    /// A value for every flag that takes one.
    const VALUES: &[(&str, &str)] = &[
        ("against", "true"),
        ("budget", "1s"),
        ("case", "1"),
        ("cases", "64"),
        ("child-timeout", "1"),
        ("dot", "g.dot"),
        ("fault", "sweep-skips"),
        ("for", "1s"),
        ("from", "1.7"),
        ("go", "1.19"),
        ("html", "g.html"),
        ("jobs", "1"),
        ("name", "row"),
        ("now", "+1h"),
        ("only", "1.7"),
        ("out", "found"),
        ("profile", "plain"),
        ("release", "1.7"),
        ("rows-out", "rows"),
        ("seed", "s"),
        ("seeds", "1"),
        ("shard", "1/2"),
        ("states", "root"),
        ("states-max", "1000"),
        ("svg", "g.svg"),
        ("target", "tree"),
        ("to", "2.0"),
        ("wait", "1s"),
    ];

    /// Pairs of flags of which one would do nothing.
    const REFUSED: &[(&str, &str, &[&str])] = &[
        ("conformance", "against", &["fault", "go"]),
        ("conformance", "release", &["only"]),
        ("diff", "cases", &["now", "wait", "go"]),
        ("diff", "release", &["from", "to", "cases"]),
        ("grade", "list", &["seeds", "budget", "jobs"]),
        ("graph", "dot", &["svg", "html"]),
        ("graph", "svg", &["html"]),
        ("lint", "list", &["now", "release", "go", "wait", "json"]),
        ("replay", "against", &["fault", "intended"]),
        ("replay", "update", &["fault", "target", "intended", "release", "go", "against"]),
        ("replay", "step", &["json"]),
        ("replay", "target", &["intended", "release", "go", "against"]),
        ("simulate", "against", &["fault", "intended"]),
        ("simulate", "case", &["cases", "for", "shard", "intended", "fault", "jobs"]),
        ("simulate", "for", &["cases", "rows-out"]),
        (
            "simulate",
            "properties",
            &[
                "seed",
                "cases",
                "for",
                "shard",
                "release",
                "profile",
                "intended",
                "fault",
                "jobs",
                "against",
                "child-timeout",
                "rows-out",
                "out",
                "case",
            ],
        ),
    ];

    /// Flags that do something only beside another.
    const NEEDED: &[(&str, &str, &str)] = &[
        ("diff", "seed", "cases"),
        ("simulate", "child-timeout", "against"),
        ("replay", "child-timeout", "against"),
        ("conformance", "child-timeout", "against"),
    ];

    fn is_refused(command: &str, pair: [&str; 2]) -> bool {
        [pair, [pair[1], pair[0]]].into_iter().any(|[flag, other]| {
            let is_pair = |(of, one, others): &(&str, &str, &[&str])| {
                *of == command && *one == flag && (others.contains(&other))
            };
            let lacks =
                |(of, one, needed): &(&str, &str, &str)| *of == command && *one == flag && *needed != other;
            REFUSED.iter().any(is_pair) || NEEDED.iter().any(lacks)
        })
    }

    /// What a command cannot do without.
    fn required(command: &str, pair: [&str; 2]) -> &'static [&'static str] {
        match command {
            "diff" if pair.contains(&"release") => &["before", "after"],
            "diff" => match ["from", "to", "cases"].map(|flag| pair.contains(&flag)) {
                [false, false, true] => &["--from", "1.7", "--to", "2.0"],
                [false, false, false] => &["--from", "1.7", "--to", "2.0", "source"],
                [true, true, _] => &["source"],
                [true, false, true] => &["--to", "2.0"],
                [true, false, false] => &["--to", "2.0", "source"],
                [false, true, true] => &["--from", "1.7"],
                [false, true, false] => &["--from", "1.7", "source"],
            },
            "exhaust" => &["--nodes", "2"],
            "collect" | "explain" | "explore" | "lint" | "replay" | "conformance" => &["source"],
            "graph" if pair.iter().any(|flag| ["dot", "svg", "html"].contains(flag)) => &["source"],
            "graph" => &["source", "--dot"],
            "export" => &["source", "target"],
            _ => &[],
        }
    }

    fn written(flag: &Arg) -> Vec<String> {
        let name = flag.get_long().expect("every flag has a name");
        let value = VALUES.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        let takes_value = flag.get_action().takes_values();
        assert_eq!(takes_value, value.is_some(), "--{name} is not among the values, or takes none");
        [format!("--{name}")].into_iter().chain(value).collect()
    }

    #[test]
    fn each_pair_of_flags_works_or_is_refused() {
        for command in Arguments::command().get_subcommands() {
            let flags =
                command.get_arguments().filter(|flag| !flag.is_positional() && !flag.is_required_set());
            let flags: Vec<&Arg> = flags.collect();
            for (at, flag) in flags.iter().enumerate() {
                for other in &flags[at + 1..] {
                    let pair = [flag, other].map(|flag| flag.get_long().expect("every flag has a name"));
                    let head = ["leasehold", command.get_name()]
                        .into_iter()
                        .chain(required(command.get_name(), pair).iter().copied());
                    let words = head.map(str::to_owned).chain(written(flag)).chain(written(other));
                    let parsed = Arguments::try_parse_from(words);
                    let is_refused = is_refused(command.get_name(), pair);
                    assert_eq!(parsed.is_err(), is_refused, "{}: {pair:?}", command.get_name());
                }
            }
        }
    }
}
