//! `leasehold conformance`: recorded results of the real containerd against engine and oracle.

use super::child_campaign::{Other, parse_command, parse_seconds};
use super::source::refuse_standard_input;
use super::values;
use super::{Ended, Failure, interrupt, progress, terminal};
use crate::campaign::Stop;
use crate::child::{CommandLine, Otherwise, THE_RECORD};
use crate::conformance::run::{Broken, results, run as run_row};
use crate::conformance::{Difference, Results, Row as Recorded, RowLine, SourceError, coherent, read};
use crate::engine::Fault;
use crate::go::Go;
use crate::named::nearest;
use crate::node::ResourceType;
use crate::release::Release;
use crate::report::Show as _;
use crate::report::child::{DEFAULT_LIMIT, options};
use crate::report::conformance::{Report, Row};
use crate::report::finding::side_lines;
use crate::report::shell::quoted;
use crate::scenario::alias;
use crate::situation::Situation;
use crate::text;
use crate::world::Collected;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Hold the collector and the oracle to what the real containerd was recorded to do
///
/// Reads *.jsonl, *.jsonl.gz and *.jsonl.zst files, and folders of them. Each row is judged by the rules of the release
/// that it was recorded from: its `version`, else the name of its folder.
///
/// A line that is no JSON object is an input that cannot be read (exit code 3), wherever it stands, and so is a file that
/// has no row; the rest is judged all the same. A row that lacks a field, or has a wrong one, has failed.
///
/// Rows that fail are counted by what differs and by their releases, and the first few of each sort are shown; --name shows
/// one alone.
///
/// With --against another collector is held to the rows instead, by whatever fields it answers. One that gives no answer
/// many times in a row is asked nothing more (exit code 1, as of any other finding); so is one that ends before it answers
/// anything, whatever it is asked (exit code 3).
///
/// A --fault that changes no answer is misuse (exit code 2): recorded rows have no log, and no collection that is cancelled
/// or that fails while it sweeps.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold conformance scenarios/recorded                 every release
  leasehold conformance scenarios/recorded --only 2.1      the rows of one release
  leasehold conformance scenarios/recorded --only 2.1 --against ./child      another collector put to them

--json prints one object: `passed`, `failed` and `unreadable` count rows (`unreadable_first` says why, of the first few); `releases` has \
of each its `rows`, how many `failed`, and in what they `differs`, by field; `groups` has those that failed alike, how they `differs`, how \
many `rows`, and the `first` few; `failures` has a text for each; `asked` says what the other collector of --against was asked, null \
without one; `compared`, with --against only, says how often each field that the other collector gave was compared.")]
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
    /// Judge only the row of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the daemon was built with, where that matters (1.6 and 1.7): Go up to 1.19 reads more texts as times. Refused where
    /// no row has such a text
    #[arg(long, value_name = "GO", value_parser = Go::parse)]
    go: Option<Go>,
    /// Seed a mistake into the collector, to see rows fail
    #[arg(long, value_name = "FAULT", value_parser = values::parse_collector_fault)]
    fault: Option<Fault>,
    /// Ask another collector, a program that answers a collection a line, and hold it to what was recorded. One that answers
    /// otherwise, or gives no answer that can be used, is a finding (exit code 1); 2 where it does not start, 3 where it ends
    /// whatever it is asked
    #[arg(long, value_name = "CMD ARGS", value_parser = parse_command, conflicts_with_all = ["fault", "go"])]
    against: Option<CommandLine>,
    /// How many seconds the other collector may take for a collection [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, allow_negative_numbers = true, requires = "against")]
    // What --against does not go with would excuse its absence.
    #[arg(conflicts_with_all = ["fault", "go"])]
    child_timeout: Option<Duration>,
    /// One JSON object instead of the text
    #[arg(long)]
    json: bool,
}

/// What rows lack, and where it is.
const IN_NO_ROW: &str = "they have no log, and no collection that is cancelled or that fails while it sweeps; \
                         `leasehold simulate --fault` and `replay --fault` can show it";

/// Whether nothing that is recorded has a fault's mistake in it.
fn shows_in_no_row(fault: Fault) -> bool {
    use Fault::{
        CancellationIgnored, FinishFailureSilent, InvalidExpirySilent, NoRemoveSilent, SweepKeepsPartial,
    };
    matches!(
        fault,
        CancellationIgnored | NoRemoveSilent | InvalidExpirySilent | FinishFailureSilent | SweepKeepsPartial
    )
}

/// How many lines are read ahead and worked on together.
const BATCH_LINES: usize = 64;
/// How much of what cannot be read is named.
const UNREADABLE_SHOWN_MAX: usize = 10;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let said = arguments.release.or(arguments.only);
    values::go_of(arguments.go, said.as_ref().map_or(&Release::ALL, std::slice::from_ref))?;
    if let Some(go @ Go::From1_20) = arguments.go {
        return Err(Failure::Usage(format!(
            "--go {go}: rows are judged so without it; --go 1.19 judges them as daemons that were built with Go up to 1.19"
        )));
    }
    values::release_with(arguments.release.or(arguments.only), arguments.fault)?;
    if let Some(fault) = arguments.fault.filter(|fault| shows_in_no_row(*fault)) {
        return Err(Failure::Usage(format!("--fault {fault}: recorded rows cannot show it; {IN_NO_ROW}")));
    }
    let limit = arguments.child_timeout.unwrap_or(DEFAULT_LIMIT);
    let stop = interrupt::stop();
    let other = arguments.against.as_ref().map(|command| Other::new(command.clone(), limit, &stop));
    for path in &arguments.paths {
        refuse_standard_input(path, "files with recorded rows, or folders of them")?;
    }
    let mut lines = read(&arguments.paths, arguments.release).map_err(input_error)?;
    let progress = progress::bar(None, "rows");
    let mut report = Report { again: again(arguments), ..Report::default() };
    let mut is_through = false;
    // What cannot be read, of which only the first few are named in the end.
    let (mut unreadable, mut unreadable_count) = (Vec::new(), 0u64);
    let mut note = |error: String| {
        unreadable_count += 1;
        if unreadable.len() < UNREADABLE_SHOWN_MAX {
            unreadable.push(error);
        }
    };
    let is_made = AtomicBool::default();
    let has_go = AtomicBool::default();
    let is_bare = AtomicBool::default();
    // Names that may be meant where no row has that of --name.
    let known = Mutex::<Near>::default();
    while !stop.is_asked() {
        let read: Vec<_> = lines.by_ref().take(BATCH_LINES).collect();
        if read.is_empty() {
            is_through = true;
            break;
        }
        let mut batch = Vec::new();
        for line in read {
            match line {
                Ok(line) => batch.push(line),
                Err(error) => note(error.to_string()),
            }
        }
        let verdicts: Vec<_> = batch
            .par_iter()
            .filter_map(|line| {
                judge(line, arguments, other.as_ref(), &stop, [&is_made, &is_bare, &has_go], &known)
            })
            .collect();
        progress.inc(verdicts.len() as u64);
        for verdict in verdicts {
            match verdict {
                Verdict::Passed(release) => report.add_passed(release),
                Verdict::NoRow(reason) => note(reason),
                Verdict::Failed { release, differs, field, row } => {
                    report.add_failed(release, differs, field, row);
                }
            }
        }
    }
    progress.finish_and_clear();
    let judged = report.passed + report.failed_count();
    report.interrupted = interrupt::interrupted(&stop, judged, is_through.then_some(judged), "row");
    let given_up = other.as_ref().and_then(Other::given_up);
    report.compared = other.as_ref().map(Other::compared);
    report.asked = other.map(|other| other.finish(report.interrupted.is_some())).transpose()?.flatten();
    if judged + unreadable_count == 0 && report.interrupted.is_none() {
        return Err(match &arguments.name {
            Some(name) if is_bare.load(Ordering::Relaxed) => Failure::Input(format!(
                "--name {}: of the rows that are questions, without results, none is judged; {}",
                text::name(name.as_bytes()),
                answered_by()
            )),
            Some(name) => {
                let known = known.into_inner().unwrap_or_else(PoisonError::into_inner);
                let near = nearest(name, known.names.iter().map(String::as_str));
                let near = near.map(|near| format!("; is {} meant?", text::name(near.as_bytes())));
                let (name, near) = (text::name(name.as_bytes()), near.unwrap_or_default());
                let others: Vec<&str> = known.releases.iter().map(|release| release.name()).collect();
                Failure::Usage(match arguments.only {
                    Some(only) if !others.is_empty() => {
                        let others = others.join(", ");
                        format!(
                            "--name {name}: no row of {only} is called that, as --only asks; it is one of {others}"
                        )
                    }
                    _ => format!("--name {name}: no row is called that{near}"),
                })
            }
            None if is_bare.load(Ordering::Relaxed) => Failure::Input(format!(
                "{}; these rows are questions without results; {}",
                SourceError::NoRows { paths: arguments.paths.clone() },
                answered_by()
            )),
            None => input_error(SourceError::NoRows { paths: arguments.paths.clone() }),
        });
    }
    (report.unreadable, report.unreadable_first) = (unreadable_count, unreadable.clone());
    report.write(arguments.json, out)?;
    if unreadable_count > 0 {
        let more = unreadable_count - unreadable.len() as u64;
        if more > 0 {
            unreadable.push(format!("and {} that cannot be read", text::counted(more, "more line")));
        }
        return Err(Failure::Input(unreadable.join("\nleasehold: ")));
    }
    let has_given_up = given_up.is_some();
    given_up.iter().for_each(terminal::say);
    if let Some(go) = arguments.go.filter(|_| report.interrupted.is_none() && !has_go.into_inner()) {
        let rows = text::counted(judged, "recorded row");
        return Err(Failure::Usage(format!(
            "--go {go}: none of {rows} has a time that this build reads otherwise than later ones, so that the flag does nothing"
        )));
    }
    if let Some(fault) = arguments.fault.filter(|_| report.interrupted.is_none()) {
        if !is_made.into_inner() {
            return Err(values::never_made(fault, "row"));
        }
        if report.failed_count() == 0 {
            let rows = text::counted(judged, "recorded row");
            return Err(values::changed_nothing(fault, &rows, IN_NO_ROW));
        }
    }
    Ok(Ended::campaign(report.failed_count() > 0 || has_given_up, report.interrupted))
}

/// The command that judges one row alone.
fn again(arguments: &Arguments) -> String {
    let Arguments { release, only, go, fault, against, child_timeout, .. } = arguments;
    let paths: Vec<String> = arguments.paths.iter().map(quoted).collect();
    let flags = [
        release.map(|release| format!(" --release {release}")),
        only.map(|only| format!(" --only {only}")),
        go.map(|go| format!(" --go {go}")),
        fault.map(|fault| format!(" --fault {fault}")),
        against.as_ref().map(|command| options(command, child_timeout.unwrap_or(DEFAULT_LIMIT))),
    ];
    let flags: String = flags.into_iter().flatten().collect();
    format!("leasehold conformance {}{flags} --name NAME", paths.join(" "))
}

/// What came of a line.
enum Verdict {
    Passed(Release),
    /// What differs, in words and by its field, and the row; no release where the row does not say it.
    Failed {
        release: Option<Release>,
        differs: String,
        field: String,
        row: Row,
    },
    NoRow(String),
}

/// What may be meant where no row has the name of `--name`.
#[derive(Default)]
struct Near {
    /// Names that are nearly that one.
    names: BTreeSet<String>,
    /// Other releases than that of `--only`, of which a row is called so.
    releases: BTreeSet<Release>,
}

/// None for what is not to be judged: a case of which nothing was recorded, or a row of another release.
/// `is_made` becomes true where the fault could be made, `is_bare` where nothing was recorded, `has_go` where the build of
/// `--go` reads something otherwise; `near` gets names that are
/// nearly the one that is asked for.
fn judge(
    line: &RowLine,
    arguments: &Arguments,
    other: Option<&Other>,
    stop: &Stop,
    [is_made, is_bare, has_go]: [&AtomicBool; 3],
    near: &Mutex<Near>,
) -> Option<Verdict> {
    // Another collector may be slow.
    if stop.is_asked() {
        return None;
    }
    let is_meant = |name: &String| {
        let Some(only) = arguments.name.as_ref().filter(|only| *only != name) else { return true };
        if nearest(only, [name.as_str()]).is_some() {
            near.lock().unwrap_or_else(PoisonError::into_inner).names.insert(name.clone());
        }
        false
    };
    let (release, row) = match line.row() {
        Ok(None) => {
            is_bare.store(true, Ordering::Relaxed);
            return None;
        }
        Ok(row) => row.filter(|(release, row)| {
            let is_of_release = arguments.only.is_none_or(|only| only == *release);
            if !is_of_release && arguments.name.as_ref() == Some(&row.name) {
                near.lock().unwrap_or_else(PoisonError::into_inner).releases.insert(*release);
            }
            is_of_release && is_meant(&row.name)
        })?,
        Err(failure) => {
            let reason = alias::in_line(failure.to_string());
            if failure.is_no_row() {
                return Some(Verdict::NoRow(reason));
            }
            let (name, release) = line.says();
            let is_asked_for = name.as_ref().map_or(arguments.name.is_none(), is_meant)
                && arguments.only.is_none_or(|only| release.is_none_or(|release| release == only));
            let row = Row { name, text: reason };
            return is_asked_for.then(|| Verdict::Failed {
                release,
                differs: "a row that is not complete".to_owned(),
                field: "no complete row".to_owned(),
                row,
            });
        }
    };
    let name = &row.name;
    if let Err(Difference { field, text }) = coherent(&row) {
        let text = format!(
            "{}: the record is not in order: `{field}`: {text}",
            alias::in_line(format!("{release} {name}"))
        );
        return Some(Verdict::Failed {
            release: Some(release),
            differs: "the record is not in order".to_owned(),
            field: format!("record {field}"),
            row: Row { name: Some(name.clone()), text },
        });
    }
    let failed = |differs, field, text| Verdict::Failed {
        release: Some(release),
        differs,
        field,
        row: Row { name: Some(name.clone()), text },
    };
    is_made.fetch_or(arguments.fault.is_some_and(|fault| fault.can_be_made_in(release)), Ordering::Relaxed);
    if let Some(other) = other {
        let judged = other.holds_row(&row, release)?.map_err(|otherwise| {
            let head = alias::in_line(format!("{release} {name}"));
            // Where several results can come, it is held to each, and told against the first.
            let recorded = &row.expected[0];
            let (wrong, told) = told(&row, release, Go::default(), "child", recorded, &otherwise);
            failed(wrong, otherwise.wrong.name().to_owned(), format!("{head}: {told}"))
        });
        return Some(judged.map_or_else(|failed| failed, |()| Verdict::Passed(release)));
    }
    let go = arguments.go.unwrap_or_default();
    has_go.fetch_or(arguments.go.is_some() && reads_otherwise(&row, release, go), Ordering::Relaxed);
    let judged = run_row(&row, release, go, arguments.fault).map_err(|broken| {
        let (wrong, told) = told_of_ours(&row, release, go, &broken);
        let Broken { party, difference: Difference { field, .. }, .. } = &*broken;
        let text = format!("{}: {party}: {told}", alias::in_line(format!("{release} {name}")));
        failed(format!("{party}: {wrong}"), format!("{party} {field}"), text)
    });
    Some(judged.map_or_else(|failed| failed, |()| Verdict::Passed(release)))
}

/// Whether a row would be judged otherwise if it were of the usual builds.
fn reads_otherwise(row: &Recorded, release: Release, go: Go) -> bool {
    if go.of(release) == Go::default() {
        return false;
    }
    let [usual, built] = [Go::default(), go].map(|built_with| {
        let situation = Situation { built_with, ..row.situation(release, None) };
        results(&situation, None)
    });
    usual != built
}

/// What is wrong with ours, and the same with what it does, what the record says and what the oracle has to say of it.
fn told_of_ours(row: &Recorded, release: Release, go: Go, broken: &Broken) -> (String, String) {
    let Broken { party, difference, expected, got } = broken;
    let recorded = &row.expected[*expected];
    let Some(otherwise) = Otherwise::of_record(row, release, recorded, got) else {
        let Difference { field, text } = difference;
        let wrong = format!("`{field}` differs");
        let told = alias::in_line(format!("{wrong}: {text}"));
        return (wrong, told);
    };
    told(row, release, go, &party.to_string(), recorded, &otherwise)
}

/// What is wrong with a party, and of what cause; and the same with what it does, what the record says and what the oracle has
/// to say of it.
fn told(
    row: &Recorded,
    release: Release,
    go: Go,
    party: &str,
    recorded: &Results,
    otherwise: &Otherwise,
) -> (String, String) {
    let wrong = otherwise.wrong.title(THE_RECORD, &format!("the {party}"));
    let wrong = format!("{wrong}{}", otherwise.about(release));
    let mut sides = vec![(party, otherwise.child.clone())];
    // Who gives no answer does nothing else than was recorded.
    if otherwise.wrong.way().is_some() {
        let situation = row.situation(release, recorded.last_iterated_collector.map(ResourceType));
        let collected = Collected::of(Situation { built_with: go, ..situation });
        sides.push(("record", otherwise.recorded(row, release, recorded)));
        sides.push(("why", otherwise.judged(&collected)));
    }
    let sides: String = sides.iter().map(|(side, lines)| side_lines(side, lines)).collect();
    let told = format!("{wrong}\n{}", sides.trim_end());
    (wrong, told.replace('\n', "\n  "))
}

/// What is to be done with rows that are questions.
fn answered_by() -> &'static str {
    "`simulate --against` and `--rows-out` write them so: `leasehold child < FILE` answers them, or any other collector, and the \
     scenario beside the row of a finding goes to `leasehold replay --against CMD`"
}

fn input_error(error: SourceError) -> Failure {
    Failure::Input(error.to_string())
}
