//! `leasehold live`: scenarios on a real containerd, held to the world's.

use super::findings::Folder;
use super::replay::{add_files, read_scenario};
use super::verdict::Verdict;
use super::{Ended, Failure, interrupt, progress, threads, values};
use crate::campaign::{self, Stop};
use crate::generate::profile::Swarm;
use crate::generate::seed::Seed;
use crate::live::{Error, Live};
use crate::properties::known::Known;
use crate::report::Show as _;
use crate::report::live::{Finding, Found, Report, Tally, scenario};
use crate::scenario::{Line, print};
use crate::shrink::{Shrunk, shrink};
use crate::simulate::campaign::{Plan, draw};
use crate::text;
use crate::world::Fault;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Run scenarios on a real containerd and hold it to the simulated one, object by object
///
/// Each scenario gets a daemon of its own in a private folder that is gone afterwards, whatever happens; nothing is mounted
/// and no other daemon is touched. After every step it is compared what was refused and why; after every collection, and
/// at the end, the daemon's whole database. A step that a daemon cannot do is left out on both sides and counted. What differs is made small
/// on the daemon and written as a scenario file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold live scenarios --containerd /usr/bin/containerd
  leasehold live --cases 300 --seed nightly --containerd ./containerd
  leasehold live report.scenario --containerd ./containerd --json

What a scenario expects, and the release that it begins with, are not looked at: the rules are those of the daemon's version, \
and it is the daemon that says what comes of a step. Its clock runs by itself: expiries are moved to it, those that a collection \
must see on both sides are waited for. Digests become those of real content. A daemon starts in a tenth of a second; where there \
is no /dev/shm, or TMPDIR is set, each commit waits for the disk.

Exit codes: 0 all alike, 1 a difference, 2 usage, 3 no containerd, or one that does not answer, 130 interrupted (^C) before anything \
differed.

--json prints one object: the `containerd` that was asked, the `release` whose rules it runs by, how many `scenarios`, `steps` and \
`collections` were compared, `left_out` (each `why`, its `sentence` and how many `steps`), how many were `alike`, `late` (the machine was too slow for their expiries) and how many `differ`, and \
`findings`, each with how many `scenarios` differ so, the `source` of the first, the `step` that differs, what is `ours` and what `theirs`, the `file`, and the `scenario`.")]
pub(super) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "FILE|FOLDER", required_unless_present = "cases", conflicts_with = "cases")]
    paths: Vec<PathBuf>,
    /// The daemon's program
    #[arg(long, value_name = "PROGRAM")]
    containerd: PathBuf,
    /// Run so many drawn cases instead of files
    #[arg(long, value_name = "N", value_parser = values::parse_cases, allow_negative_numbers = true)]
    cases: Option<u64>,
    /// The seed of drawn cases: any text of 1 to 64 bytes [default: leasehold]
    #[arg(long, value_parser = Seed::parse)]
    seed: Option<Seed>,
    /// Which habits drawn cases have, as in `leasehold simulate` [default: swarm]
    #[arg(long, value_name = "PROFILE", value_parser = Swarm::parse)]
    profile: Option<Swarm>,
    /// Seed a mistake into the simulated daemon, to see the real one find it; `leasehold grade --list` lists them
    #[arg(long, value_name = "FAULT", value_parser = values::parse_fault)]
    fault: Option<Fault>,
    /// Daemons at a time; default: one a core
    #[arg(long, value_name = "N", value_parser = threads::parse_jobs, allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// Where findings are written, as scenario files; none is written over [default: findings]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// One JSON object instead of the summary
    #[arg(long)]
    json: bool,
}

/// So many tries make a finding small: each starts a daemon.
const TRIES_MAX: u64 = 400;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    if let (None, Some(flag)) = (arguments.cases, idle(arguments)) {
        return Err(Failure::Usage(format!(
            "{flag} is of drawn cases: give their number with --cases instead of files"
        )));
    }
    let live = Live::new(&arguments.containerd).map_err(unasked)?;
    if let Some(fault) = arguments.fault.filter(|fault| !fault.can_be_made_in(live.release)) {
        let release = live.release;
        return Err(Failure::Usage(format!(
            "--fault {fault}: the rule that it breaks is not in {release}, which this daemon is"
        )));
    }
    let sources = sources(arguments, &live)?;
    let mut folder = Folder::tried(arguments.out.as_deref())?;
    let threads = threads::pool(arguments.jobs)?;
    let stop = interrupt::stop();
    let bar = progress::bar(Some(sources.count()), "scenarios");
    let tally = threads.install(|| {
        campaign::try_run(sources.count(), &stop, |place| {
            let (name, lines) = sources.get(place);
            let ran = live.run(&lines, arguments.fault, &|| stop.is_asked())?;
            bar.inc(1);
            let is_whole = !stop.is_asked() || ran.difference.is_some();
            let tally = Tally::of(name, lines, ran);
            Ok(if is_whole { ControlFlow::Continue(tally) } else { ControlFlow::Break(Tally::default()) })
        })
    });
    bar.finish_and_clear();
    let tally = tally.map_err(unasked)?;
    let interrupted = interrupt::interrupted(&stop, tally.scenarios, Some(sources.count()), "scenario");
    let bar = progress::bar(Some(tally.found.len() as u64), "findings made small");
    let mut findings = Vec::new();
    for (number, (count, found)) in tally.found.values().enumerate() {
        let found = small(&live, found, arguments.fault, &stop);
        bar.inc(1);
        let scenario = print(&scenario(&found, &live));
        let file = folder.write(&format!("live-{}-{}", live.release, number + 1), &scenario);
        findings.push(Finding { count: *count, found, scenario, file });
    }
    bar.finish_and_clear();
    let report = Report { live: &live, tally: &tally, findings: &findings, interrupted };
    report.write(arguments.json, out)?;
    folder.tell_failure();
    if let (0, 0, None) = (tally.steps, tally.late, interrupted) {
        return Err(Failure::Usage(
            "nothing was compared: no step here is one that a client of a daemon does".to_owned(),
        ));
    }
    Ok(Ended::campaign(!findings.is_empty(), interrupted))
}

/// A flag that only drawn cases have.
fn idle(arguments: &Arguments) -> Option<&'static str> {
    let flags = [("--seed", arguments.seed.is_some()), ("--profile", arguments.profile.is_some())];
    flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
}

/// Files, or cases that are drawn when they are asked for.
enum Sources {
    Files(Vec<(String, Vec<Line>)>),
    Drawn(Plan, u64),
}

impl Sources {
    fn count(&self) -> u64 {
        match self {
            Sources::Files(files) => files.len() as u64,
            Sources::Drawn(_, count) => *count,
        }
    }

    fn get(&self, place: u64) -> (String, Vec<Line>) {
        match self {
            Sources::Files(files) => {
                files[usize::try_from(place).expect("there are fewer files than addresses")].clone()
            }
            Sources::Drawn(plan, _) => {
                (format!("case {place} of seed {}", text::line(plan.seed.text())), draw(plan, place).lines)
            }
        }
    }
}

fn sources(arguments: &Arguments, live: &Live) -> Result<Sources, Failure> {
    if let Some(count) = arguments.cases {
        let seed = arguments.seed.clone().map_or_else(|| Seed::parse("leasehold"), Ok);
        let seed = seed.map_err(|error| Failure::Usage(error.to_string()))?;
        let (release, swarm) = (live.release, arguments.profile.unwrap_or_default());
        return Ok(Sources::Drawn(Plan { seed, release, known: Known::as_shipped(release), swarm }, count));
    }
    let mut files = Vec::new();
    for path in &arguments.paths {
        add_files(path, false, &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::Input("no scenario files: they end in .scenario".to_owned()));
    }
    let read = files.iter().map(|file| match read_scenario(&file.path) {
        Ok((scenario, _)) => Ok((text::path(&file.path), scenario.lines)),
        Err(Verdict::Unusable(text)) => Err(Failure::Input(text)),
        Err(_) => unreachable!("what cannot be read is unusable"),
    });
    Ok(Sources::Files(read.collect::<Result<_, Failure>>()?))
}

/// The same difference with everything left out without which it still shows.
fn small(live: &Live, found: &Found, fault: Option<Fault>, stop: &Stop) -> Found {
    let sort = found.difference.sort(&found.lines);
    let differs = |mut lines: Vec<Line>| {
        if stop.is_asked() {
            return None;
        }
        let difference = live.run(&lines, fault, &|| stop.is_asked()).ok()?.difference?;
        lines.truncate(difference.step + 1);
        (difference.sort(&lines) == sort).then_some((lines, difference))
    };
    match shrink(found.lines.clone(), TRIES_MAX, differs) {
        Some(Shrunk { case: lines, seen: difference, .. }) => Found { lines, difference, ..found.clone() },
        None => found.clone(),
    }
}

fn unasked(error: Error) -> Failure {
    Failure::Input(error.to_string())
}
