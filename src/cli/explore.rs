//! `leasehold explore`: whether a protocol of several clients survives every order of its steps.

use super::findings::Folder;
use super::notes::Notes;
use super::replay::{Rules, add_files, read_scenario};
use super::verdict::Verdict as FileVerdict;
use super::{Ended, Failure, interrupt, progress, source, threads, values, version};
use crate::explore::weakest::{self, Weighed};
use crate::explore::{Commuting, Explored, Merging, Progress};
use crate::explore::{NoProtocol, NotExplored, Protocol, Search, Verdict, explore};
use crate::properties::known::Known;
use crate::release::Release;
use crate::replay;
use crate::report::Show as _;
use crate::report::explore::{OfFile, Report, with_head};
use crate::scenario::{Scenario, print};
use crate::text;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Explore protocols: whether they keep their promises in every order of steps, collections, clean-ups, time and crashes
///
/// A protocol is a scenario with a `together` block. The clients' steps in it come each in its client's order, and all of
/// them in every order; what `may` happen happens at every moment, or never. A step of several transactions, such as
/// `content put`, is several: others come in between. Every state is looked at once. Where an `always` line does not hold,
/// a step is refused that must not be, an `expect` below `end` fails, or a collection breaks a property, the shortest order
/// that leads there is written as a scenario.
#[derive(clap::Args)]
#[command(after_help = "A protocol. It is broken by the step that may happen, and safe without it:

  client alice
  client bob
  together
  alice: lease create pull expire=+1h
  alice: lease use pull
  alice: content put layer
  alice: content put manifest gc.ref.content.l.0=@layer
  alice: image create main target=manifest
  alice: lease delete pull
  may 2 gc
  may bob: ? content label manifest gc.ref.content.l.0=
  always present content/layer when present image/main
  end

The language is in scenarios/README.md, protocols of real clients in scenarios/protocols.

A state is a world with how far each client is in it, what it remembers and what may still happen; a move leads from one to \
the next: a transaction of a step, a collection, time up to the next expiry, a crash. An end is a state in which all clients have \
done their steps; an order is one way from the first state to an end, and they are counted, not walked. `untested` is what no state \
put to the test: a promise whose `when` never held, a step that may happen and never could, a guard that only ever went one way; \
what is safe so may prove nothing. Of --weakest: `rests on` is what, left out or shortened alone, lets a promise break; `unneeded` \
what does not; `besides` counts what other steps cannot do without, or promises to be ever due, of which nothing is learned; `repairs` is what one change more \
would make safe. What the text writes of a file's warnings goes to standard error.

Exit codes: 0 all are safe, 1 one is broken or was cut short, 2 usage, 3 a file that cannot be read or is no protocol, 130 \
interrupted (^C) before one broke: what was finished is told.

--json prints `files`, each with its `path`, `release`, `verdict` (safe, broken, cut short, interrupted), `clients`, `steps`, `may` \
(lines that may happen), `states`, `moves`, `ends`, `orders` (text: too long for a number), `all_seen`, `untested` (lines: \
`never_due`, `never_ran`, `one_way`; and whether there is `nothing_promised`), `order` (null, or `moves`, whether it is the `shortest`, `because`, the `scenario` and the \
lines of it that `matters`), the `file` that was written, and `weakest` (each `change` with its `lines`, whether it is `safe`, null \
where it was cut short, whether other steps are `refused` without it, whether it `tests_less` as a promise is never due in it, and `because`); beside them how many are `safe`, `broken`, \
`cut_short` and `interrupted`, and `warnings`.

Examples:
  leasehold explore scenarios/protocols
  leasehold explore scenarios/protocols/pull_beside_delete.scenario --release all
  leasehold explore scenarios/protocols/pull_beside_delete.scenario --weakest
  leasehold explore scenarios/protocols/pull_beside_delete.scenario --states-max 100000000 --out found")]
pub(super) struct Arguments {
    /// Scenario files with a `together` block, or folders of them
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Whose rules, whatever the files begin with: a version of containerd, or all for each in turn
    #[arg(long, value_name = "RELEASE|all", value_parser = Rules::parse)]
    release: Option<Rules>,
    /// Hold collections to the intended rules instead of those with the release's known defects
    #[arg(long)]
    intended: bool,
    /// So many states of one protocol at the most; with more it is cut short and called neither safe nor broken
    #[arg(long, value_name = "N", default_value = "20000000", value_parser = parse_states, allow_negative_numbers = true)]
    states_max: u64,
    /// Apply each step in each state, also where two of them give the same in either order and one would do: slower, the same
    /// answer
    #[arg(long)]
    apply_all: bool,
    /// Ask besides, of each: what does its safety rest on? Each lease, label, expiry and step is left out in turn; of a
    /// broken one, which one thing more would make it safe
    #[arg(long)]
    weakest: bool,
    /// Threads; default: one a core. The answer is the same for any number
    #[arg(long, value_name = "N", value_parser = threads::parse_jobs, allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// Where orders that break a protocol go, never over a file that is there; default: findings
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// One JSON object instead of the text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let Arguments { release, intended, states_max, jobs, json, .. } = *arguments;
    let is_of_all = matches!(release, Some(Rules::OfAll));
    if let Some(Rules::Of(release)) = release {
        version::warn_of_rules(&[release], &mut Notes::default());
    }
    let mut notes = Notes::default();
    let Read { protocols, mut failed } = protocols(&arguments.paths, &mut notes)?;
    let mut folder = Folder::tried(arguments.out.as_deref())?;
    let threads = threads::pool(jobs)?;
    let stop = interrupt::stop();
    let mut explored = Vec::new();
    let releases = |scenario: &Scenario| Rules::releases(release, scenario.release);
    let mut not_begun: u64 = protocols.iter().map(|(_, scenario)| releases(scenario).len() as u64).sum();
    'files: for (path, scenario) in &protocols {
        source::warn(path, &replay::warnings(scenario, None), &mut notes);
        let (mut unexplored, explored_before) = (Vec::new(), explored.len());
        for release in releases(scenario) {
            not_begun -= 1;
            let known = if intended { Known::NONE } else { Known::as_shipped(release) };
            let bar = progress::bar(None, "states");
            let told = |Progress { states, depth, frontier, .. }: Progress| {
                bar.set_position(states);
                bar.set_message(format!(", {depth} deep, {} waiting", text::count(frontier)));
            };
            let merging = Merging::default();
            let commuting = if arguments.apply_all { Commuting::Applied } else { Commuting::TakenOver };
            let (stop, told) = (&stop, &told);
            let search = Search { release, known, states_max, merging, commuting, stop, told };
            let came = threads.install(|| explore(scenario, &search));
            bar.finish_and_clear();
            let came = match came {
                Ok(came) => came,
                // Other files, and other releases, have their answers all the same.
                Err(error) => {
                    unexplored.push(format!("{}: {error} (under {release})", text::path(path)));
                    continue;
                }
            };
            let file = came.order.as_ref().and_then(|order| {
                let text = print(&with_head(order, &text::path(path), release));
                folder.write(&stem(path, release), &text)
            });
            let was_safe = match came.found.verdict {
                Verdict::Safe => Some(true),
                Verdict::Broken(_) => Some(false),
                Verdict::Cut | Verdict::Stopped => None,
            };
            let weighed = match was_safe.filter(|_| arguments.weakest) {
                Some(was_safe) => {
                    let search = Search { told: &|_| {}, ..search };
                    threads.install(|| weigh(path, scenario, &came, was_safe, &search))?
                }
                None => Vec::new(),
            };
            let path = text::path(path).to_string();
            explored.push(OfFile { path, release, is_intended: intended, explored: came, weighed, file });
            if stop.is_asked() {
                break 'files;
            }
        }
        // A release that lacks what a protocol is about is no fault of its file.
        match explored.len() > explored_before {
            true => unexplored.into_iter().for_each(|text| notes.say(format_args!("not explored: {text}"))),
            false => failed.extend(unexplored),
        }
    }
    folder.tell_failure();
    if explored.is_empty() && !failed.is_empty() {
        return Err(Failure::Input(failed.join("\nleasehold: ")));
    }
    if not_begun > 0 {
        let (rest, under) =
            (text::counted(not_begun, "protocol"), if is_of_all { ", by release," } else { "" });
        notes.say(format_args!("interrupted: {rest}{under} more not begun"));
    }
    let report = Report { explored: &explored, not_begun, states_max, warnings: &notes.said };
    report.write(json, out)?;
    if !failed.is_empty() {
        return Err(Failure::Input(failed.join("\nleasehold: ")));
    }
    let stopped = not_begun > 0 || explored.iter().any(|of| of.explored.found.verdict == Verdict::Stopped);
    match report.counts() {
        [_, broken, _] if stopped && broken == 0 => Ok(Ended::Interrupted),
        [_, 0, 0] => Ok(Ended::Well),
        _ => Ok(Ended::WithFinding),
    }
}

/// Each variant of a protocol, explored.
fn weigh(
    path: &Path,
    scenario: &Scenario,
    came: &Explored,
    was_safe: bool,
    search: &Search<'_>,
) -> Result<Vec<Weighed>, Failure> {
    let refused = |error: NotExplored| not_explored(path, &error);
    let count = weakest::count(scenario, was_safe).map_err(|error| refused(error.into()))?;
    let bar = progress::bar(Some(count as u64), "variants");
    let weighed = weakest::weigh(scenario, came, was_safe, search, &|| bar.inc(1)).map_err(refused);
    bar.finish_and_clear();
    weighed
}

/// What files hold.
struct Read {
    protocols: Vec<(PathBuf, Scenario)>,
    /// What is said of files that are none, or cannot be read.
    failed: Vec<String>,
}

/// The protocols among the files; of a folder's scenarios those with a block, and it is said how many others are passed over.
fn protocols(paths: &[PathBuf], notes: &mut Notes) -> Result<Read, Failure> {
    let (mut protocols, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        let mut files = Vec::new();
        add_files(path, false, &mut files)?;
        let (before, mut passed_over) = (protocols.len() + failed.len(), 0);
        for file in files {
            let scenario = match read_scenario(&file.path) {
                Ok((scenario, _)) => scenario,
                // Other files have their answers all the same.
                Err(FileVerdict::Unusable(text)) => {
                    failed.push(text);
                    continue;
                }
                Err(_) => unreachable!("what cannot be read is unusable"),
            };
            match Protocol::of(&scenario) {
                Err(NoProtocol::NoBlock) if !file.is_named => passed_over += 1,
                Err(error) => failed.push(format!("{}: {error}", text::path(&file.path))),
                Ok(_) => protocols.push((file.path, scenario)),
            }
        }
        let path = text::path(path);
        if protocols.len() + failed.len() == before {
            return Err(Failure::Input(format!("{path}: no scenario with a `together` block")));
        }
        if passed_over > 0 {
            let files = text::counted(passed_over, "scenario");
            notes.say(format_args!("{path}: {files} without a `together` block passed over"));
        }
    }
    Ok(Read { protocols, failed })
}

fn not_explored(path: &Path, error: &NotExplored) -> Failure {
    Failure::Input(format!("{}: {error}", text::path(path)))
}

fn stem(path: &Path, release: Release) -> String {
    let stem = path.file_stem().unwrap_or_default().display();
    format!("{stem}-{}", release.name())
}

fn parse_states(text: &str) -> Result<u64, String> {
    // Each is known by a number of 32 bits.
    values::count(text, 1, u64::from(u32::MAX) - 1)
}
