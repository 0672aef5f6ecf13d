//! The part of `leasehold simulate` that has to do with children: rows for them, and a campaign against one.

use super::findings::Folder;
use super::values;
use super::{Ended, Failure, files, interrupt, progress, terminal, threads};
use crate::campaign::{Patience, Stop};
use crate::child::campaign::{self, Example, FAILURES_MAX, Plan};
use crate::child::{Asked, ChildError, Children, CommandLine, Otherwise, Wrong, is_row, row, write_rows};
use crate::conformance::Row;
use crate::release::Release;
use crate::replay::{self, Problem, Stepped};
use crate::report::Show as _;
use crate::report::child::{DEFAULT_LIMIT, Report, Written, compared, differs, options};
use crate::scenario::{DEFAULT_NAMESPACE, print, print_step};
use crate::simulate;
use crate::simulate::campaign::Numbers;
use crate::text;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Another collector, as `simulate` and `replay` ask it.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Against {
    /// Ask another collector, a program that answers a collection a line, and hold it to what ours does; cancelled contexts and
    /// what is noted for cleaning up are not compared. One that answers otherwise, or gives no answer that can be used, is a
    /// finding (exit code 1); 2 where it does not start, 3 where it ends whatever it is asked
    #[arg(long, value_name = "CMD ARGS", value_parser = parse_command, conflicts_with_all = ["fault", "intended"])]
    pub(super) against: Option<CommandLine>,
    /// How many seconds the other collector may take for a collection [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, allow_negative_numbers = true, requires = "against")]
    // What --against does not go with would excuse its absence.
    #[arg(conflicts_with_all = ["fault", "intended"])]
    child_timeout: Option<Duration>,
}

impl Against {
    /// How long the other collector may take for a collection.
    pub(super) fn limit(&self) -> Duration {
        self.child_timeout.unwrap_or(DEFAULT_LIMIT)
    }

    /// The collector to be asked, not started yet.
    pub(super) fn other(&self, stop: &Stop) -> Option<Other> {
        let command = self.against.as_ref()?;
        Some(Other::new(command.clone(), self.limit(), stop))
    }

    /// The options that ask it again; nothing where it is not asked.
    pub(super) fn again(&self) -> String {
        self.against.as_ref().map(|command| options(command, self.limit())).unwrap_or_default()
    }

    /// A child that cannot be asked: one that does not start is not what the user meant.
    pub(super) fn failure(error: &ChildError) -> Failure {
        let said = format!("--against: {}", text::line(error.to_string()));
        match error {
            ChildError::Start { .. } => Failure::Usage(said),
            _ => Failure::Input(said),
        }
    }
}

/// The other collector is no longer asked.
pub(super) struct Unasked;

/// Another collector that is asked what scenarios or recorded rows collect.
pub(super) struct Other {
    children: Children,
    command: String,
    asked: AtomicU64,
    /// It hung once, so that it is asked nothing more: each time would take the whole limit.
    has_hung: AtomicBool,
    /// How often in a row it gave no answer.
    failures: AtomicU64,
    unasked: AtomicU64,
    /// How often each field was compared.
    compared: Mutex<BTreeMap<&'static str, u64>>,
    /// Why it does not start.
    failure: OnceLock<ChildError>,
}

impl Other {
    /// Not started yet; it is not waited for once a stop is asked for.
    pub(super) fn new(command: CommandLine, limit: Duration, stop: &Stop) -> Other {
        Other {
            command: text::name(command.text().as_bytes()),
            children: Children::new(command, limit, Patience::new(stop, Duration::ZERO)),
            asked: AtomicU64::default(),
            has_hung: AtomicBool::default(),
            failures: AtomicU64::default(),
            unasked: AtomicU64::default(),
            compared: Mutex::default(),
            failure: OnceLock::default(),
        }
    }

    /// Puts the collection of a step to it, if there is one; gives what it does otherwise, and what ours does and why.
    ///
    /// # Errors
    /// It is no longer asked.
    pub(super) fn holds(
        &self,
        file: &Path,
        stepped: &Stepped<'_>,
    ) -> Result<Option<replay::Failure>, Unasked> {
        let collected = stepped.applied.collected.as_ref().filter(|collected| is_row(collected));
        let Some(collected) = collected else { return Ok(None) };
        let line = stepped.line.number;
        let row = row(format!("{}:{line}", file.display()), &collected.before);
        let asked = self.ask(&row, collected.before.release, &collected.namespace).ok_or(Unasked)?;
        Ok(asked.otherwise.map(|otherwise| {
            let told = differs(&otherwise, &otherwise.explained(collected));
            replay::Failure {
                line,
                problem: Problem::Otherwise { step: print_step(&stepped.line.step), told },
            }
        }))
    }

    /// Puts a recorded row to it; gives what it does otherwise than was recorded. None where it is no longer asked.
    pub(super) fn holds_row(&self, row: &Row, release: Release) -> Option<Result<(), Otherwise>> {
        let otherwise = self.ask(row, release, DEFAULT_NAMESPACE)?.otherwise;
        Some(otherwise.map_or(Ok(()), Err))
    }

    fn ask(&self, row: &Row, release: Release, namespace: &[u8]) -> Option<Asked> {
        let has_failed = self.failures.load(Ordering::Relaxed) >= FAILURES_MAX;
        if has_failed || self.has_hung.load(Ordering::Relaxed) || self.failure.get().is_some() {
            self.unasked.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        match self.children.with(|child| Asked::of(child, row, release, namespace)) {
            Ok(asked) => {
                self.asked.fetch_add(1, Ordering::Relaxed);
                let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
                for field in &asked.fields {
                    *compared.entry(field).or_default() += 1;
                }
                let wrong = asked.otherwise.as_ref().map(|otherwise| otherwise.wrong);
                self.has_hung.fetch_or(wrong.is_some_and(Wrong::takes_the_limit), Ordering::Relaxed);
                match wrong {
                    Some(Wrong::Died | Wrong::Rubbish) => {
                        self.failures.fetch_add(1, Ordering::Relaxed);
                    }
                    // Once it is given up it stays so, whatever another process still answers.
                    _ if self.failures.load(Ordering::Relaxed) < FAILURES_MAX => {
                        self.failures.store(0, Ordering::Relaxed);
                    }
                    _ => {}
                }
                Some(asked)
            }
            Err(ChildError::Stopped) => None,
            Err(error) => {
                self.failure.get_or_init(|| error);
                None
            }
        }
    }

    /// How often each field was compared so far.
    pub(super) fn compared(&self) -> BTreeMap<&'static str, u64> {
        self.compared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is said once all else is, where it was given up: it gave no answer again and again. Each time is a finding.
    pub(super) fn given_up(&self) -> Option<String> {
        let has_failed = self.failures.load(Ordering::Relaxed) >= FAILURES_MAX;
        has_failed.then(|| {
            let command = &self.command;
            format!("--against: `{command}` gave no answer {FAILURES_MAX} times in a row, and is asked nothing more")
        })
    }

    /// What is said at the end: how much it was asked, and what was compared; none where it was asked nothing,
    /// unless that is for an interruption.
    pub(super) fn finish(self, is_interrupted: bool) -> Result<Option<String>, Failure> {
        if let Some(error) = self.failure.into_inner() {
            return Err(Against::failure(&error));
        }
        let (asked, unasked) = (self.asked.into_inner(), self.unasked.into_inner());
        let hung = match unasked {
            0 => String::new(),
            _ => {
                let why = if self.has_hung.into_inner() { "it hung" } else { "it failed too often" };
                format!("; {why}, and was not asked {}", text::counted(unasked, "more collection"))
            }
        };
        let counts = self.compared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let fields = if counts.is_empty() { String::new() } else { format!("\n{}", compared(&counts)) };
        let said =
            format!("`{}` was asked {}{hung}{fields}", self.command, text::counted(asked, "collection"));
        if asked == 0 && is_interrupted {
            return Ok(Some(format!("`{}` had answered no collection yet", self.command)));
        }
        Ok((asked > 0).then_some(said))
    }
}

/// The cases of a `simulate` run.
#[derive(Clone, Copy)]
pub(super) struct Cases<'a> {
    pub(super) drawn: &'a simulate::campaign::Plan,
    pub(super) numbers: Numbers,
    /// How long cases are run; none where their number is given.
    pub(super) time: Option<Duration>,
}

impl Cases<'_> {
    fn count(&self) -> Option<u64> {
        self.time.is_none().then(|| self.numbers.count())
    }
}

/// Asks another collector the cases.
pub(super) fn run(
    (command, limit): (&CommandLine, Duration),
    cases: Cases<'_>,
    jobs: Option<usize>,
    json: bool,
    mut folder: Folder<'_>,
    stop: &Stop,
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    let plan = Plan {
        drawn: cases.drawn.clone(),
        cases: cases.numbers,
        until: cases.time.map(|time| Instant::now() + time),
        command: command.clone(),
        limit,
    };
    let progress = progress::bar(cases.count(), "cases");
    let threads = threads::pool(jobs)?;
    let tally = threads.install(|| campaign::run(&plan, stop, &|cases| progress.inc(cases)));
    progress.finish_and_clear();
    let tally = tally.map_err(|error| Against::failure(&error))?;
    let interrupted = interrupt::interrupted(stop, tally.cases, cases.count(), "case");
    let progress = progress::bar(None, "smaller cases tried");
    let examples = campaign::examples(&plan, &tally, stop, &|| progress.inc(1)).into_iter();
    progress.finish_and_clear();
    let findings: Vec<Written> = examples.map(|example| write_finding(&plan, &mut folder, example)).collect();
    let out_flag = &folder.flag();
    let report = Report { plan: &plan, tally: &tally, findings: &findings, out_flag, interrupted };
    report.write(json, out)?;
    folder.tell_failure();
    Ok(Ended::campaign(!findings.is_empty(), interrupted))
}

/// Writes a finding as a scenario, and the row that the child gets beside it.
fn write_finding(plan: &Plan, folder: &mut Folder<'_>, example: Example) -> Written {
    let way = example.wrong.way().map(|way| format!("-{}", way.name())).unwrap_or_default();
    let stem = format!("against-{}{way}-{}", example.wrong.name(), example.number);
    let Ok(small) = &example.small else {
        let row_file = folder.write_as(&stem, "jsonl", &format!("{}\n", example.row));
        return Written { example, scenario: None, file: None, row_file };
    };
    let scenario = campaign::scenario(plan, example.number, small);
    let file = folder.write(&stem, &print(&scenario));
    let row_file = folder.write_as(&stem, "jsonl", &format!("{}\n", small.row));
    Written { example, scenario: Some(scenario), file, row_file }
}

/// Writes the collections of the cases into a new file, whole or, once a stop is asked for, not at all.
pub(super) fn write(path: &Path, cases: Cases<'_>, stop: &Stop) -> Result<(), Failure> {
    let named =
        |error: io::Error| format!("--rows-out: {}: {}", text::path(path), files::unwritten(path, &error));
    if fs::symlink_metadata(path).is_ok() {
        return Err(Failure::Usage(named(ErrorKind::AlreadyExists.into())));
    }
    let progress = progress::bar(cases.count(), "cases");
    let rows =
        |out: &mut dyn Write| write_rows(cases.drawn, cases.numbers, stop, out, |more| progress.inc(more));
    let written = files::create_with(path, |file| {
        let mut plain = BufWriter::new(file);
        if path.extension() == Some(OsStr::new("gz")) {
            let mut packed = GzEncoder::new(&mut plain, Compression::default());
            rows(&mut packed)?;
            packed.finish()?;
        } else {
            rows(&mut plain)?;
        }
        plain.flush()
    });
    progress.finish_and_clear();
    match written.map_err(|error| (error.kind(), error)) {
        Ok(()) => Ok(()),
        Err((ErrorKind::Interrupted, _)) => {
            terminal::say(format_args!("interrupted: {} is not written", text::path(path)));
            Ok(())
        }
        Err((ErrorKind::AlreadyExists, error)) => Err(Failure::Usage(named(error))),
        Err((_, error)) => Err(Failure::Output(io::Error::other(named(error)))),
    }
}

pub(super) fn parse_command(text: &str) -> Result<CommandLine, String> {
    CommandLine::parse(text).map_err(|error| error.to_string())
}

pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    /// A day.
    const SECONDS_MAX: f64 = 86_400.0;
    let seconds = text.parse().ok().or_else(|| Some(values::parse_duration(text).ok()?.as_secs_f64()));
    let seconds = seconds.filter(|seconds| (0.001..=SECONDS_MAX).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("give seconds from 0.001 to {SECONDS_MAX}, such as 5 or 0.5, or 500ms or 2m"))
}
