//! `leasehold simulate`: generated cases through engine and oracle.

use super::child_campaign::{self, Against, Cases};
use super::findings::Folder;
use super::values::{self, parse_time_to_try};
use super::{Ended, Failure, interrupt, progress, threads};
use crate::campaign::{Stop, Tally as _};
use crate::generate::profile::{Habit, Swarm};
use crate::generate::seed::Seed;
use crate::properties::known::Known;
use crate::release::Release;
use crate::replay::finding;
use crate::report::Show as _;
use crate::report::simulate::{Report, Written, reached, write_plan, write_property_list};
use crate::scenario::print;
use crate::simulate::campaign::{self, Example, Numbers, Plan, Tally};
use crate::text;
use crate::world::Fault;
use indicatif::ProgressBar;
use rayon::prelude::*;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Run generated cases through the collector and an independent oracle, and report where they disagree
///
/// Each case is 66 operations of clients, with a collection after every ten of them. The same seed gives the same cases and
/// the same report on any number of threads. A finding is made small and written as a scenario file. ^C ends a campaign
/// with what was found so far.
///
/// In the report `1-minimal` means that no step, label or option can be left out by itself: each was tried. `breaks ... too`
/// names the other properties that the last step breaks; they may be its consequences. With --against `as drawn` shows the case
/// as it was before it was made small. The worst findings come first: what is lost, what stays, what is noted wrongly.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold simulate --cases 100000
  leasehold simulate --seed $(git rev-parse HEAD) --for 60s --release 2.1
  leasehold simulate --fault expiry-inclusive       a collector with a mistake: it is found
  leasehold simulate --intended                     the release's own known bugs, found again
  leasehold simulate --profile leases,expiry        only cases with these habits
  leasehold simulate --shard 2/8 --json             one of eight machines; the numbers add up
  leasehold simulate --against './child --flag'     another collector, one collection a line
  leasehold simulate --case 4711 --against ./child  one case of it
  leasehold simulate --case 4711 > 4711.scenario    one case, as it was drawn
  leasehold simulate --properties                   what is checked

--json prints one object: `seed`, `release`, how many `cases`, `steps` and `collections`; `properties`, of each how often it was \
`checked` and `failed`; `rules`, of each how often it was `taken` and `refused`; and `findings`, each with its `property`, in how many \
`cases` it was, the `case` that was made small and its `steps`, the `fault` or the `defects` (`name`, `sentence`) that explain it, what \
was `found` and what was `expected` (`by` whom, in `lines`), which properties the case `breaks` too, the `file`, the command that shows it \
`again`, and the `scenario`. `interrupted` says how many cases were `done`, `of` how many. That of --against is in \
`leasehold child --help`.")]
pub(super) struct Arguments {
    /// Any text of 1 to 64 bytes
    #[arg(long, default_value = "leasehold", value_parser = Seed::parse)]
    seed: Seed,
    /// How many cases to run
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = values::parse_cases, allow_negative_numbers = true)]
    cases: u64,
    /// Run cases for so long instead: 60s, 10m
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time_to_try, allow_hyphen_values = true, conflicts_with_all = ["cases", "rows_out"])]
    time: Option<Duration>,
    /// Run the i-th of n parts of the cases, which are dealt out to the parts 64 at a time
    #[arg(long, value_name = "i/n", value_parser = parse_shard)]
    shard: Option<Shard>,
    /// Whose rules: a version of containerd; default: 1.7.0-beta.1, or the release that first has the rule of --fault
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    release: Option<Release>,
    #[arg(long, value_name = "PROFILE", value_parser = Swarm::parse, default_value = "swarm", help = profile_help())]
    profile: Swarm,
    /// Hold the daemon to the intended rules instead of those with the release's known defects
    #[arg(long)]
    intended: bool,
    /// Seed a mistake into the daemon, to see it found; `leasehold grade --list` lists them
    #[arg(long, value_name = "FAULT", value_parser = values::parse_fault)]
    fault: Option<Fault>,
    /// Threads; default: one a core
    #[arg(long, value_name = "N", value_parser = threads::parse_jobs, allow_negative_numbers = true)]
    jobs: Option<usize>,
    #[command(flatten)]
    child: Against,
    /// Also write the collections of the cases, as rows for other collectors, into a new file; gzip if it ends in .gz
    #[arg(long, value_name = "FILE")]
    rows_out: Option<PathBuf>,
    /// Where findings are written, as scenario files; none is written over [default: findings]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// One JSON object instead of the summary
    #[arg(long)]
    json: bool,
    /// Only list the properties that are checked; with --json as one object
    #[arg(long)]
    #[arg(conflicts_with_all = ["seed", "cases", "time", "shard", "release", "profile", "intended", "fault", "jobs"])]
    #[arg(conflicts_with_all = ["against", "child_timeout", "rows_out", "out", "case"])]
    properties: bool,
    /// Only print the case of this number as it was drawn, a scenario for `leasehold replay`; it depends on --seed, the release
    /// and --profile. With --against ask the other collector this case alone
    #[arg(long, value_name = "NUMBER", value_parser = parse_case, allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["cases", "time", "shard", "intended", "fault", "jobs"])]
    case: Option<u64>,
}

/// The i-th of n parts, i from 1.
#[derive(Clone, Copy)]
struct Shard {
    part: u64,
    parts: u64,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    if arguments.properties {
        write_property_list(arguments.json, out)?;
        return Ok(Ended::Well);
    }
    let plan = plan(arguments)?;
    let cases = Cases { drawn: &plan, numbers: numbers(arguments)?, time: arguments.time };
    if let (Some(number), None) = (arguments.case, &arguments.child.against) {
        return print_case(arguments, number, cases, out);
    }
    let folder = Folder::tried(arguments.out.as_deref())?;
    let stop = interrupt::stop();
    // Once ^C came the campaign has no case, and its report says so.
    write_rows(arguments, cases, &stop)?;
    let Some(command) = &arguments.child.against else {
        return run_with(arguments, cases, folder, &stop, out);
    };
    let (limit, jobs, json) = (arguments.child.limit(), arguments.jobs, arguments.json);
    child_campaign::run((command, limit), cases, jobs, json, folder, &stop, out)
}

/// What `--profile` takes.
fn profile_help() -> &'static str {
    static HELP: LazyLock<String> = LazyLock::new(|| {
        let habits: Vec<&str> = Habit::ALL.iter().map(|habit| habit.name()).collect();
        let habits = habits.join(", ");
        format!("Which habits the cases have: swarm (each draws its own), plain, all, or some of {habits}")
    });
    &HELP
}

/// Prints one case as it was drawn.
fn print_case(
    arguments: &Arguments,
    number: u64,
    cases: Cases<'_>,
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    let without_effect = [("--out", arguments.out.is_some()), ("--json", arguments.json)];
    if let Some((flag, _)) = without_effect.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::Usage(format!(
            "{flag} has nothing to do with --case alone, which only prints the case; with --against it asks another \
             collector that case"
        )));
    }
    let stop = interrupt::stop();
    write_rows(arguments, cases, &stop)?;
    if stop.is_asked() {
        return Ok(Ended::Interrupted);
    }
    write!(out, "{}", print(&finding::drawn(cases.drawn, number)))?;
    Ok(Ended::Well)
}

/// Writes the rows that are asked for, unless ^C comes first.
fn write_rows(arguments: &Arguments, cases: Cases<'_>, stop: &Stop) -> Result<(), Failure> {
    arguments.rows_out.as_ref().map_or(Ok(()), |path| child_campaign::write(path, cases, stop))
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let Arguments { release, profile, fault, .. } = *arguments;
    let release = values::release_with(release, fault)?;
    let known = if arguments.intended { Known::NONE } else { Known::as_shipped(release) };
    Ok(Plan { seed: arguments.seed.clone(), release, known, swarm: profile })
}

fn run_with(
    arguments: &Arguments,
    cases: Cases<'_>,
    mut folder: Folder<'_>,
    stop: &Stop,
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    let (plan, numbers, fault) = (cases.drawn, cases.numbers, arguments.fault);
    if !arguments.json {
        write_plan(out, plan, fault, &extent(arguments))?;
        out.flush()?;
    }
    let threads = threads::pool(arguments.jobs)?;
    let tally = threads.install(|| run_campaign(arguments, plan, numbers, stop));
    let count = arguments.time.is_none().then(|| numbers.count());
    let interrupted = interrupt::interrupted(stop, tally.cases, count, "case");
    let examples = threads.install(|| campaign::examples(plan, &tally, fault));
    let findings = write_findings(&mut folder, plan, fault, examples);
    let report = Report { plan, fault, tally: &tally, findings: &findings, interrupted };
    report.write(arguments.json, out)?;
    folder.tell_failure();
    if let (Some(fault), true, None) = (fault, findings.is_empty(), interrupted) {
        refuse_idle(plan, numbers, fault, tally.cases)?;
    }
    Ok(Ended::campaign(!findings.is_empty(), interrupted))
}

/// A fault that was not found where it changed nothing, as the cases lack what shows it, was not looked for.
fn refuse_idle(plan: &Plan, numbers: Numbers, fault: Fault, cases: u64) -> Result<(), Failure> {
    /// As many as a finding takes that is rare.
    const CASES_MAX: u64 = 10_000;
    let looked_at = cases.min(CASES_MAX);
    let numbers: Vec<u64> = numbers.iter().zip(0..looked_at).map(|(number, _)| number).collect();
    if numbers.into_par_iter().any(|number| campaign::changes_anything(plan, number, fault)) {
        return Ok(());
    }
    let of = if looked_at < cases { "the first " } else { "" };
    let cases = text::counted(looked_at, "case");
    let hint = match plan.swarm {
        Swarm::Drawn => "more --cases may",
        _ => "another --profile may",
    };
    Err(values::changed_nothing(fault, &format!("{of}{cases}"), hint))
}

/// The numbers of the cases; all that there are where a time ends them. A part may have none.
fn numbers(arguments: &Arguments) -> Result<Numbers, Failure> {
    let Shard { part, parts } = arguments.shard.unwrap_or(Shard { part: 1, parts: 1 });
    let (start, end) = match (arguments.case, arguments.time) {
        (Some(case), _) => (case, case + 1),
        (None, Some(_)) => (0, u64::MAX),
        (None, None) => (0, arguments.cases),
    };
    let numbers = Numbers { start, end, part: part - 1, parts };
    if numbers.count() == 0 {
        let (cases, block) = (text::counted(arguments.cases, "case"), campaign::BLOCK);
        return Err(Failure::Usage(format!(
            "--shard {part}/{parts}: {cases}, dealt out {block} at a time, leave none for this part"
        )));
    }
    Ok(numbers)
}

fn extent(arguments: &Arguments) -> String {
    let extent = match arguments.time {
        Some(time) => format!("cases for {} s", time.as_secs_f64()),
        None => text::counted(arguments.cases, "case"),
    };
    match arguments.shard {
        Some(Shard { part, parts }) => format!("{extent}, part {part} of {parts}"),
        None => extent,
    }
}

/// All cases, or as many as there is time for; a first round of them in any case.
fn run_campaign(arguments: &Arguments, plan: &Plan, mut numbers: Numbers, stop: &Stop) -> Tally {
    let fault = arguments.fault;
    let progress = Progress::new(arguments.time.is_none().then(|| numbers.count()), plan.release);
    let done = |tally: &Tally| progress.add(tally);
    let Some(time) = arguments.time else { return campaign::run_all(plan, numbers, fault, stop, &done) };
    let until = Instant::now() + time;
    // Where the time is short, the first rounds are.
    let mut blocks = 1u64;
    numbers = numbers.round(blocks);
    let mut tally = Tally::default();
    loop {
        tally = tally.plus(campaign::run_all(plan, numbers, fault, stop, &done));
        if Instant::now() >= until || stop.is_asked() {
            return tally;
        }
        blocks = blocks.saturating_mul(2);
        numbers = Numbers { start: numbers.end, ..numbers }.round(blocks);
    }
}

/// Cases, cases a second, rules reached and findings, while they run.
struct Progress {
    bar: ProgressBar,
    release: Release,
    sum: Mutex<Tally>,
}

impl Progress {
    fn new(cases: Option<u64>, release: Release) -> Progress {
        Progress { bar: progress::bar(cases, "cases"), release, sum: Mutex::default() }
    }

    fn add(&self, part: &Tally) {
        self.bar.inc(part.cases);
        if self.bar.is_hidden() {
            return;
        }
        let Ok(mut sum) = self.sum.lock() else { return };
        *sum = std::mem::take(&mut *sum).plus(part.clone());
        let (reached, rules) = reached(&sum.coverage, self.release);
        let findings = text::counted(sum.finding_count(), "finding");
        self.bar.set_message(format!(", {reached} of {rules} rules, {findings}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Writes every finding into a file of its own.
fn write_findings(
    folder: &mut Folder<'_>,
    plan: &Plan,
    fault: Option<Fault>,
    examples: Vec<Example>,
) -> Vec<Written> {
    let written = examples.into_iter().map(|example| {
        let scenario = finding::scenario(plan, fault, &example);
        let file = folder.write(&stem(fault, &example), &print(&scenario));
        Written { example, scenario, file }
    });
    written.collect()
}

/// What the finding is called: its property, what explains it, and its case.
fn stem(fault: Option<Fault>, example: &Example) -> String {
    let why = example.why(fault).map(|why| format!("-{why}")).unwrap_or_default();
    format!("{}{why}-{}", example.sort.property, example.number)
}

fn parse_case(text: &str) -> Result<u64, String> {
    values::count(text, 0, u64::MAX - 1)
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let number = |text| values::count(text, 0, u64::MAX).ok();
    let numbers = text.split_once('/').and_then(|(part, parts)| Some((number(part)?, number(parts)?)));
    match numbers {
        Some((part, parts)) if (1..=parts).contains(&part) => Ok(Shard { part, parts }),
        Some((_, parts @ 1..)) => Err(format!(
            "the parts are counted from 1 to {parts}: 1/{parts} is the first, {parts}/{parts} the last"
        )),
        _ => Err("give a part and how many there are, such as 1/8".to_owned()),
    }
}
