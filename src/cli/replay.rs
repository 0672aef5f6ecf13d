//! `leasehold replay`: scenario files, step by step through the world, checked; and what fuzz targets left behind.

use super::child_campaign::{Against, Other, Unasked};
use super::notes::Notes;
use super::place::{Place, look};
use super::source::{
    SCENARIO_EXTENSION, input_error, parse_scenario, refuse_standard_input, scenario_text, warn,
};
use super::verdict::{Failed, Said, Verdict, replay_scenario, steps_cut};
use super::{Ended, Failure, artifact, terminal};
use super::{files, interrupt, progress, values, version};
use crate::campaign::Stop;
use crate::fuzzing::Target;
use crate::go::Go;
use crate::release::Release;
use crate::replay::{Failure as Unmet, Problem, Replay, Replayed, Stepped, no_output, updated, warnings};
use crate::report::Interrupted;
use crate::report::shell::quoted;
use crate::scenario::{Line, Scenario, Step};
use crate::text::{self, counted};
use crate::world::Fault;
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::json;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::iter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Replay scenario files: apply their steps, check every collection, and hold them to what they expect
///
/// After every collection all properties are checked against an independent oracle. Folders are searched for
/// *.scenario files in the order of their names; a file that is named itself is read whatever it is called.
///
/// A scenario that expects nothing has failed in a folder, where it would pass for a test; named itself it is only counted
/// as such, since its steps and collections are checked all the same. One without a step cannot be replayed. What names nothing, though a step creates what is nearly called so, is warned of.
///
/// An input of a fuzz target, a crash above all, is any other file in a folder of the target's name. It is held to
/// the target's property; what breaks is shown as a small scenario.
///
/// ^C ends it with what was found so far.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold replay scenarios                              a whole library
  leasehold replay --step expired.scenario                what each step changes
  leasehold replay --update scenarios/rules               write what gc prints below each `---`
  leasehold replay --fault expiry-inclusive scenarios     which scenarios see this mistake
  leasehold replay --release 2.1 expired.scenario         under another release's rules
  leasehold replay --release all expired.scenario         under each, and which fail
  leasehold replay --against ./child expired.scenario     each collection put to another collector
  leasehold replay fuzz/artifacts/tree/crash-1c9b33       what a fuzz target found
  leasehold replay --target tree crash-1c9b33             the same, anywhere else
  leasehold replay --target tree fuzz/corpus/tree         every input of a folder

--json prints one object: `passed`, `failed`, `without_expectations` and `not_asked` count files; `asked` says what the other \
collector of --against was asked, null without one; `passed_over` has the number of `collections` that were too large for injected \
errors and relations, `of` all; `files` has of each its `path`, `verdict` and `warnings`, and where there are such its `failures` \
(each with `line`, `releases` and `text`), what is `said` of it, the command that shows it `again`, and how many blocks were `updated`.")]
pub(super) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "FILE|FOLDER", required = true)]
    paths: Vec<PathBuf>,
    /// Show what each step changes: buckets, the clock, the marks
    #[arg(long)]
    step: bool,
    /// Write what is printed below each `---`; nothing else in a file changes
    #[arg(long, conflicts_with_all = ["fault", "against", "child_timeout"])]
    update: bool,
    /// Seed a mistake into the daemon, to see scenarios fail
    #[arg(long, value_name = "FAULT", value_parser = values::parse_fault)]
    fault: Option<Fault>,
    /// Whose rules, whatever the files begin with: a version of containerd, or all for each in turn
    #[arg(long, value_name = "RELEASE|all", value_parser = Rules::parse, conflicts_with_all = ["update", "target"])]
    release: Option<Rules>,
    /// What the daemon was built with, where that matters (1.6 and 1.7): Go up to 1.19 reads more texts as times.
    /// Where nothing is said, such texts are warned of
    #[arg(long, value_name = "GO", value_parser = Go::parse, conflicts_with_all = ["update", "target"])]
    go: Option<Go>,
    /// The files that are no scenarios are inputs of this fuzz target [default: what the nearest folder is called]
    #[arg(long, value_name = "TARGET", value_parser = artifact::parse_target)]
    #[arg(conflicts_with_all = ["update", "intended", "against", "child_timeout"])]
    target: Option<&'static Target>,
    /// Hold the daemon to the intended rules instead of those with the release's known defects
    #[arg(long, conflicts_with = "update")]
    intended: bool,
    #[command(flatten)]
    child: Against,
    /// One JSON object instead of the lines: of each file its `verdict` and its `failures`
    #[arg(long, conflicts_with = "step")]
    json: bool,
}

/// What `--release` says.
#[derive(Clone, Copy)]
pub(super) enum Rules {
    Of(Release),
    OfAll,
}

impl Rules {
    pub(super) fn parse(text: &str) -> Result<Rules, String> {
        match text {
            "all" => Ok(Rules::OfAll),
            _ => Release::parse(text).map(Rules::Of).map_err(|error| format!("{error}; or all")),
        }
    }

    /// Whose rules a scenario is replayed under.
    pub(super) fn releases(rules: Option<Rules>, own: Release) -> Vec<Release> {
        match rules {
            None => vec![own],
            Some(Rules::Of(release)) => vec![release],
            Some(Rules::OfAll) => Release::ALL.to_vec(),
        }
    }
}

/// A file to be replayed.
pub(super) struct File {
    pub(super) path: PathBuf,
    /// It was named itself, not found in a folder.
    pub(super) is_named: bool,
}

/// How many failures of one file are shown to people.
const FAILURES_SHOWN_MAX: usize = 10;

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    match arguments.release {
        Some(Rules::Of(release)) => {
            version::warn_of_rules(&[release], &mut Notes::default());
            values::go_of(arguments.go, &[release])?
        }
        _ => values::go_of(arguments.go, &Release::ALL)?,
    };
    let mut files = Vec::new();
    for path in &arguments.paths {
        let before = files.len();
        add_files(path, arguments.target.is_some(), &mut files)?;
        if files.len() == before {
            let path = text::path(path);
            return Err(Failure::Input(format!("{path}: no file that ends in .{SCENARIO_EXTENSION}")));
        }
    }
    refuse_idle(arguments, &files)?;
    let progress = Progress::new(arguments, files.len());
    let stop = interrupt::stop();
    let other = arguments.child.other(&stop);
    let beside = Beside { other: other.as_ref(), progress: &progress, stop: &stop };
    let verdicts: Vec<(Verdict, Notes)> = if arguments.step {
        let shown = |file| replay_file(arguments, file, beside, Some(&mut *out));
        files.iter().map(shown).collect::<io::Result<_>>()?
    } else {
        let silent = |file| replay_file(arguments, file, beside, None);
        files.par_iter().map(silent).collect::<io::Result<_>>()?
    };
    progress.bar.finish_and_clear();
    // Threads come to their files in any order.
    verdicts.iter().for_each(|(_, notes)| notes.release());
    if progress.has_early_rules.load(Ordering::Relaxed) {
        version::warn_of_rules(&[Release::V2_4], &mut Notes::default());
    }
    let interrupted = progress.interrupted(&stop);
    let given_up = other.as_ref().and_then(Other::given_up);
    let asked = match other {
        None => None,
        Some(other) => match other.finish(interrupted.is_some())? {
            // What cannot be read says so itself.
            None if interrupted.is_none()
                && !verdicts.iter().any(|(verdict, _)| matches!(verdict, Verdict::Unusable(_))) =>
            {
                let none = "--against: there is nothing to ask: no collection runs, or each is cancelled";
                return Err(Failure::Usage(none.to_owned()));
            }
            asked => asked,
        },
    };
    let sampled =
        [&progress.passed_over, &progress.of_collections].map(|it| it.load(Ordering::Relaxed) as u64);
    let asked = asked.as_deref();
    let report = Report { arguments, files: &files, verdicts: &verdicts, asked, sampled, interrupted };
    if arguments.json {
        report.write_json(out)?
    } else {
        report.write_text(out)?
    }
    let unusable: Vec<&str> = verdicts
        .iter()
        .filter_map(|(verdict, _)| match verdict {
            Verdict::Unusable(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if !unusable.is_empty() {
        return Err(Failure::Input(unusable.join("\nleasehold: ")));
    }
    let failed = report.failed() > 0 || given_up.is_some();
    given_up.iter().for_each(terminal::say);
    if interrupted.is_some() {
        return Ok(Ended::campaign(failed, interrupted));
    }
    // A step that ends the replay may stand before all that could make it.
    if let Some(fault) = arguments.fault {
        if !progress.is_fault_made.into_inner() {
            return Err(values::never_made(fault, fault.of_collector().map_or("step", |_| "collection")));
        }
        // What failed says what it has to do with the mistake.
        if !failed && !progress.is_fault_seen.into_inner() {
            let steps = counted(progress.steps.into_inner(), "step");
            let can = format!("`leasehold simulate --fault {fault}` draws what shows it");
            return Err(values::changed_nothing(fault, &steps, &can));
        }
    }
    Ok(Ended::campaign(failed, interrupted))
}

/// What came of all files.
struct Report<'a> {
    arguments: &'a Arguments,
    files: &'a [File],
    /// One a file, with what was said of it on standard error.
    verdicts: &'a [(Verdict, Notes)],
    /// What another collector was asked.
    asked: Option<&'a str>,
    /// In files with many collections: how many went without injected errors and relations, and of how many.
    sampled: [u64; 2],
    /// How far it came, if it was interrupted.
    interrupted: Option<Interrupted>,
}

impl Report<'_> {
    fn count(&self, is_such: fn(&Verdict) -> bool) -> usize {
        self.verdicts.iter().filter(|(verdict, _)| is_such(verdict)).count()
    }

    fn passed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Passed { .. } | Verdict::Held(_)))
    }

    fn bare(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Bare(_)))
    }

    fn unasked(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Unasked))
    }

    fn failed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_) | Verdict::Unusable(_)))
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (File { path, .. }, (verdict, _)) in self.files.iter().zip(self.verdicts) {
            match verdict {
                Verdict::Passed { blocks: 0 } | Verdict::Unasked | Verdict::Cut | Verdict::Unusable(_) => {}
                Verdict::Passed { blocks } => writeln!(out, "{}", updated_blocks(path, *blocks))?,
                Verdict::Held(text) | Verdict::Bare(text) => writeln!(out, "{text}")?,
                Verdict::Failed(said) => {
                    let text = shown(path, said);
                    writeln!(out, "{text}again: {}\n", command(self.arguments, path, said))?;
                }
            }
        }
        if let Some(asked) = self.asked {
            writeln!(out, "{asked}")?;
        }
        Interrupted::write(self.interrupted, out)?;
        let beside = |count: usize, what: &str| match count {
            0 => String::new(),
            _ => format!(", {count} {what}"),
        };
        let bare = beside(self.bare(), "without expectations");
        let unasked = beside(self.unasked(), "not asked");
        let sampled = match self.sampled {
            [0, _] => String::new(),
            [passed_over, all] => format!(
                "; injected errors and relations tried at {} of {} collections",
                text::count(all - passed_over),
                text::count(all)
            ),
        };
        writeln!(out, "{} passed, {} failed{bare}{unasked}{sampled}", self.passed(), self.failed())
    }

    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        // Of what was not replayed there is nothing to be said.
        let replayed = self.files.iter().zip(self.verdicts);
        let replayed = replayed.filter(|(_, (verdict, _))| !matches!(verdict, Verdict::Cut));
        let files = replayed.map(|(File { path, .. }, (verdict, notes))| {
            let mut file =
                json!({"path": text::path(path), "verdict": verdict.name(), "warnings": notes.said});
            match verdict {
                Verdict::Passed { blocks } if self.arguments.update => file["updated"] = json!(blocks),
                Verdict::Passed { .. } | Verdict::Unasked | Verdict::Cut => {}
                Verdict::Held(text) | Verdict::Bare(text) | Verdict::Unusable(text) => {
                    file["said"] = json!(text)
                }
                Verdict::Failed(said) => {
                    file["failures"] = said.iter().filter_map(Said::json).collect();
                    let texts: String = said.iter().filter_map(Said::text).collect();
                    file["said"] = json!(texts.trim_end());
                    file["again"] = json!(command(self.arguments, path, said));
                }
            }
            file
        });
        let mut report = json!({
            "passed": self.passed(),
            "failed": self.failed(),
            "without_expectations": self.bare(),
            "not_asked": self.unasked(),
            "asked": self.asked,
            "passed_over": {"collections": self.sampled[0], "of": self.sampled[1]},
            "files": files.collect::<Vec<_>>(),
        });
        Interrupted::add_to(self.interrupted, &mut report);
        writeln!(out, "{report}")
    }
}

/// What is said of a file that failed; of many failures the first, and the last, which may have ended the replay.
fn shown(path: &Path, said: &[Said]) -> String {
    let count = said.iter().filter(|said| matches!(said, Said::Failed(_))).count();
    let mut text = String::new();
    let mut place = 0;
    for said in said {
        if let Said::Failed(_) = said {
            place += 1;
            if (FAILURES_SHOWN_MAX..count).contains(&place) {
                if place == FAILURES_SHOWN_MAX {
                    let more = counted((count - FAILURES_SHOWN_MAX) as u64, "more failure");
                    text.push_str(&format!(
                        "FAILED {}: and {more} in between: --json lists them all\n",
                        text::path(path)
                    ));
                }
                continue;
            }
        }
        text.push_str(&said.shown(path));
    }
    text
}

/// Refuses flags that would do nothing with these files.
fn refuse_idle(arguments: &Arguments, files: &[File]) -> Result<(), Failure> {
    let inputs = || files.iter().filter_map(|file| Some((file, target_of(arguments, &file.path)?)));
    if let (Some(target), None) = (arguments.target, inputs().next()) {
        let name = target.name;
        return Err(Failure::Usage(format!(
            "--target {name}: all these are scenarios, which no target reads"
        )));
    }
    let given = [
        ("--intended", arguments.intended),
        ("--update", arguments.update),
        ("--release", arguments.release.is_some()),
        ("--against", arguments.child.against.is_some()),
    ];
    match (given.into_iter().find(|(_, is_given)| *is_given), inputs().next()) {
        (Some((flag, _)), Some((file, target))) => {
            let (path, target) = (file.path.display(), target.name);
            let reason = format!("{flag} is for scenarios; {path} is an input of the fuzz target {target}");
            Err(Failure::Usage(reason))
        }
        _ => refuse_idle_by_content(arguments, files, inputs().next().is_some()),
    }
}

/// Refuses flags that would do nothing by what the scenarios are, before any is replayed. Where one cannot be read, that is
/// said instead.
fn refuse_idle_by_content(arguments: &Arguments, files: &[File], has_inputs: bool) -> Result<(), Failure> {
    let Arguments { fault, go, update, release, .. } = *arguments;
    if has_inputs || fault.is_none() && go.is_none() && !update {
        return Ok(());
    }
    let (mut is_made, mut has_rule, mut has_go, mut has_block) = (false, false, false, false);
    for file in files {
        let Ok((scenario, _)) = read_scenario(&file.path) else { return Ok(()) };
        let later = scenario.lines.iter().filter_map(|line| match line.step {
            Step::Release(release) => Some(release),
            _ => None,
        });
        let releases: Vec<Release> =
            Rules::releases(release, scenario.release).into_iter().chain(later).collect();
        let collects = |line: &Line| {
            let step = &line.step;
            matches!(
                step,
                Step::Gc { .. } | Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. }
            )
        };
        let is_asked =
            fault.is_some_and(|fault| fault.of_collector().is_none()) || scenario.lines.iter().any(collects);
        let here = fault.is_some_and(|fault| releases.iter().any(|release| fault.can_be_made_in(*release)));
        has_rule |= here;
        is_made |= here && is_asked;
        has_go |= releases.iter().any(|release| Go::UpTo1_19.may_build(*release));
        has_block |= scenario.lines.iter().any(|line| line.expected.is_some());
    }
    match fault {
        Some(fault) if !has_rule => {
            return Err(values::never_made(fault, fault.of_collector().map_or("step", |_| "collection")));
        }
        Some(fault) if !is_made => {
            return Err(Failure::Usage(format!(
                "--fault {fault}: no step here collects, so that the mistake changes nothing: add a `gc`"
            )));
        }
        _ => {}
    }
    if let (Some(go), false) = (go, has_go) {
        return Err(Failure::Usage(format!(
            "--go {go}: no scenario here is by a release that was built with Go up to 1.19 and later ones, as 1.6 and \
             1.7 were (--release)"
        )));
    }
    if update && !has_block {
        return Err(Failure::Usage(
            "--update: there is nothing to write, as no step here has a `---` below it".to_owned(),
        ));
    }
    Ok(())
}

/// A file itself, or the scenarios of a folder, or all its files, in the byte order of their names. Links to folders are
/// not followed.
pub(super) fn add_files(path: &Path, all: bool, files: &mut Vec<File>) -> Result<(), Failure> {
    refuse_standard_input(path, "scenario files, or folders of them")?;
    match look(path)? {
        Place::Folder => {}
        Place::Other(what) => return Err(input_error(path, &what)),
        Place::File | Place::Absent => {
            files.push(File { path: path.to_owned(), is_named: true });
            return Ok(());
        }
    }
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        if look(&path)? == Place::File {
            files.push(File { path, is_named: false });
            continue;
        }
        let entries =
            fs::read_dir(&path).map_err(|error| input_error(&path, &text::unread_at(&path, &error)))?;
        let mut below = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| input_error(&path, &error))?;
            let file_type = entry.file_type().map_err(|error| input_error(&entry.path(), &error))?;
            let is_scenario = entry.path().extension() == Some(OsStr::new(SCENARIO_EXTENSION));
            let place = if all || is_scenario { look(&entry.path())? } else { Place::Absent };
            if let Place::Other(what) = place {
                return Err(input_error(&entry.path(), &what));
            }
            if file_type.is_dir() || place == Place::File {
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

/// How far it is: of one file its steps, of several the files.
struct Progress {
    bar: ProgressBar,
    of_steps: bool,
    /// Whether there was a collection that could make the mistake of `--fault`.
    is_fault_made: AtomicBool,
    /// Whether it changed anything.
    is_fault_seen: AtomicBool,
    /// Rules are applied that were read before their release was final.
    has_early_rules: AtomicBool,
    /// The steps of scenarios.
    steps: AtomicU64,
    /// Collections without injected errors and relations, since there are many in their file.
    passed_over: AtomicUsize,
    /// All collections of these files.
    of_collections: AtomicUsize,
    /// What is counted: all of it, and what is through.
    all: AtomicU64,
    done: AtomicU64,
    /// ^C came before all was through.
    is_cut: AtomicBool,
}

impl Progress {
    fn new(arguments: &Arguments, files: usize) -> Progress {
        let of_steps = files == 1;
        let bar = match arguments.step {
            // The steps themselves are shown.
            true => ProgressBar::hidden(),
            false if of_steps => progress::doing("reading the file"),
            false => progress::bar(Some(files as u64), "files"),
        };
        let [is_fault_made, is_fault_seen, has_early_rules, is_cut] = <[AtomicBool; 4]>::default();
        let [passed_over, of_collections] = <[AtomicUsize; 2]>::default();
        let all = AtomicU64::new(if of_steps { 0 } else { files as u64 });
        let [done, steps] = <[AtomicU64; 2]>::default();
        Progress {
            bar,
            of_steps,
            is_fault_made,
            is_fault_seen,
            has_early_rules,
            steps,
            passed_over,
            of_collections,
            all,
            done,
            is_cut,
        }
    }

    /// How far it came, asked as soon as it ended; none if it came to its end.
    fn interrupted(&self, stop: &Stop) -> Option<Interrupted> {
        if !self.is_cut.load(Ordering::Relaxed) {
            return None;
        }
        match [&self.done, &self.all].map(|count| count.load(Ordering::Relaxed)) {
            // Nothing was read yet.
            [0, 0] => interrupt::interrupted(stop, 0, Some(1), "file"),
            [done, all] if self.of_steps => interrupt::interrupted(stop, done, Some(all), "step"),
            [done, all] => interrupt::interrupted(stop, done, Some(all), "file"),
        }
    }

    /// Something is through; of steps, those of a file that goes on.
    fn done(&self, count: u64) {
        self.bar.inc(count);
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    /// A scenario is to be replayed under so many releases.
    fn begin(&self, scenario: &Scenario, releases: usize) {
        if self.of_steps {
            let steps = (scenario.lines.len() * releases) as u64;
            let all = self.all.fetch_add(steps, Ordering::Relaxed) + steps;
            match all == steps {
                true => progress::count_on(&self.bar, steps, "steps"),
                false => self.bar.set_length(all),
            }
        }
    }

    fn step_done(&self, fault: Option<Fault>, stepped: &Stepped<'_>) {
        let is_made = |fault: Fault| {
            let is_asked = fault.of_collector().is_none() || stepped.applied.collected.is_some();
            is_asked && fault.can_be_made_in(stepped.release)
        };
        if fault.is_some_and(is_made) {
            self.is_fault_made.store(true, Ordering::Relaxed);
        }
        self.is_fault_seen.fetch_or(stepped.has_differed, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.done(u64::from(self.of_steps));
    }

    fn replayed(&self, replayed: &Replayed) {
        if replayed.passed_over > 0 {
            self.passed_over.fetch_add(replayed.passed_over, Ordering::Relaxed);
            self.of_collections.fetch_add(replayed.collections, Ordering::Relaxed);
        }
    }

    /// What came of a file, through or cut off.
    fn replayed_file(&self, verdict: ControlFlow<Verdict, Verdict>) -> Verdict {
        match verdict {
            ControlFlow::Continue(verdict) => {
                self.done(u64::from(!self.of_steps));
                verdict
            }
            ControlFlow::Break(verdict) => {
                self.is_cut.store(true, Ordering::Relaxed);
                verdict
            }
        }
    }
}

/// What stands beside the replay of each file.
#[derive(Clone, Copy)]
struct Beside<'a> {
    other: Option<&'a Other>,
    progress: &'a Progress,
    stop: &'a Stop,
}

/// Replays a file; where there is something to write to, every step is shown as it goes.
fn replay_file(
    arguments: &Arguments,
    file: &File,
    beside: Beside<'_>,
    out: Option<&mut dyn Write>,
) -> io::Result<(Verdict, Notes)> {
    let Beside { progress, stop, .. } = beside;
    // Of one file they are said at once; of steps that are shown, too.
    let mut notes = if progress.of_steps || out.is_some() { Notes::default() } else { Notes::held() };
    if stop.is_asked() {
        return Ok((progress.replayed_file(ControlFlow::Break(Verdict::Cut)), notes));
    }
    let verdict = match target_of(arguments, &file.path) {
        Some(target) => {
            // Its steps are not told.
            progress.is_fault_made.store(true, Ordering::Relaxed);
            progress.is_fault_seen.store(true, Ordering::Relaxed);
            ControlFlow::Continue(artifact::replay(target, arguments.fault, &file.path, out, stop)?)
        }
        None => replay_text(arguments, file, beside, &mut notes, out)?,
    };
    Ok((progress.replayed_file(verdict), notes))
}

/// Replays a scenario file, under each release that is asked for; breaks off where a stop is.
fn replay_text(
    arguments: &Arguments,
    file: &File,
    beside: Beside<'_>,
    notes: &mut Notes,
    mut out: Option<&mut dyn Write>,
) -> io::Result<ControlFlow<Verdict, Verdict>> {
    let Beside { other, progress, stop } = beside;
    let path = &file.path;
    let (mut scenario, written) = match read_scenario(path) {
        Ok(read) => read,
        Err(unusable) => return Ok(ControlFlow::Continue(unusable)),
    };
    let releases = Rules::releases(arguments.release, scenario.release);
    let is_own = arguments.release.is_none() && releases_of(&scenario).contains(&Release::V2_4);
    if is_own || releases.len() > 1 {
        progress.has_early_rules.store(true, Ordering::Relaxed);
    }
    scenario.release = releases[0];
    let warnings = warnings(&scenario, arguments.go);
    progress.bar.suspend(|| warn(path, &warnings, notes));
    let mut verdicts = Vec::new();
    let count = releases.len();
    progress.begin(&scenario, count);
    for release in releases {
        scenario.release = release;
        // A reborrow, since every release needs it.
        let out = out.as_mut().map(|out| &mut **out as &mut dyn Write);
        let Arguments { fault, intended, go, .. } = *arguments;
        let replay = Replay::new(&scenario, fault).intended(intended).built_with(go.unwrap_or_default());
        let is_unasked = Cell::new(false);
        let each_step = |stepped: &mut Stepped<'_>| {
            progress.step_done(arguments.fault, stepped);
            match other.map(|other| other.holds(path, stepped)) {
                Some(Ok(failure)) => stepped.failures.extend(failure),
                Some(Err(Unasked)) => is_unasked.set(true),
                None => {}
            }
        };
        let replayed = replay_scenario(path, replay, out, &each_step, stop)?;
        let is_cut = replayed.is_break() || is_unasked.get() && stop.is_asked();
        let (ControlFlow::Break(mut replayed) | ControlFlow::Continue(mut replayed)) = replayed;
        progress.replayed(&replayed);
        if is_cut && arguments.update {
            // It was to be written, which waits for a whole replay.
            replayed.failures.retain(|failure| !is_printed(failure));
        }
        let verdict = match is_cut && replayed.failures.is_empty() {
            true => Verdict::Cut,
            false => verdict(arguments, file, &scenario, &written, replayed, notes),
        };
        let verdict = match verdict {
            Verdict::Passed { .. } if is_unasked.get() => Verdict::Unasked,
            verdict => verdict,
        };
        verdicts.push((release, verdict));
        if is_cut {
            return Ok(ControlFlow::Break(under_all(path, verdicts, count, true)));
        }
    }
    Ok(ControlFlow::Continue(under_all(path, verdicts, count, false)))
}

/// The releases of a scenario's daemons, one after the other.
fn releases_of(scenario: &Scenario) -> Vec<Release> {
    let later = scenario.lines.iter().filter_map(|line| match line.step {
        Step::Release(release) => Some(release),
        _ => None,
    });
    iter::once(scenario.release).chain(later).collect()
}

/// A scenario and its text.
pub(super) fn read_scenario(path: &Path) -> Result<(Scenario, Vec<u8>), Verdict> {
    let written =
        scenario_text(path).map_err(|error| Verdict::unusable(path, &text::unread_at(path, &error)))?;
    let scenario = parse_scenario(path, &written, Release::default()).map_err(Verdict::Unusable)?;
    Ok((scenario, written))
}

/// What came of a file under so many releases: it passes if it does under each. What fails alike under several is said
/// once. Where it is cut, the last of them did not come to its end.
fn under_all(file: &Path, mut verdicts: Vec<(Release, Verdict)>, count: usize, is_cut: bool) -> Verdict {
    if count == 1
        && let Some((_, verdict)) = verdicts.pop()
    {
        return verdict;
    }
    let through = verdicts.len() - usize::from(is_cut);
    let (mut failures, mut failing) = (Vec::<Failed>::new(), Vec::new());
    let mut other = Verdict::Passed { blocks: 0 };
    for (release, verdict) in verdicts {
        match verdict {
            Verdict::Failed(said) => {
                failing.push(release.to_string());
                for said in said {
                    match said {
                        Said::Failed(new) => add_failure(&mut failures, new),
                        // Only --update, which goes with no release, says anything beside.
                        Said::Text(_) => {}
                    }
                }
            }
            Verdict::Cut => other = Verdict::Cut,
            // One release of which the other collector was not asked is enough.
            Verdict::Unasked => other = Verdict::Unasked,
            _ if matches!(other, Verdict::Unasked) => {}
            verdict => other = verdict,
        }
    }
    if failing.is_empty() {
        return other;
    }
    failures.sort_by_key(|failed| failed.line.unwrap_or(usize::MAX));
    let mut said: Vec<Said> = failures.into_iter().map(Said::Failed).collect();
    let (path, under) = (text::path(file), failing.join(", "));
    let cut = match count - through {
        0 => String::new(),
        rest => format!("; {rest} of them not replayed to the end, as ^C came"),
    };
    said.push(Said::Text(format!(
        "{path} fails under {} of {count} releases: {under}{cut}\n",
        failing.len()
    )));
    Verdict::Failed(said)
}

/// Adds what failed under a release; where the same failed under another, that release. Reasons name the release of which
/// they are, and are alike all the same.
fn add_failure(failures: &mut Vec<Failed>, new: Failed) {
    let of_all = |failed: &Failed| {
        let own = failed.releases.first().map(|release| format!("containerd {release}"));
        own.map_or(failed.what.clone(), |own| failed.what.replace(&own, "containerd of these releases"))
    };
    let what = of_all(&new);
    let same = failures.iter_mut().find(|failed| failed.line == new.line && of_all(failed) == what);
    match same {
        Some(failed) => {
            failed.releases.extend(new.releases);
            failed.what = what;
        }
        None => failures.push(new),
    }
}

/// The fuzz target whose input a file is; none if it is a scenario.
fn target_of(arguments: &Arguments, file: &Path) -> Option<&'static Target> {
    if file.extension() == Some(OsStr::new(SCENARIO_EXTENSION)) {
        return None;
    }
    arguments.target.or_else(|| Target::of_path(&std::path::absolute(file).ok()?))
}

/// What stands in a block of expected output, which only an empty line ends, and is none: to write the block anew would
/// lose it.
fn swallowed(scenario: &Scenario) -> Option<String> {
    scenario.lines.iter().find_map(|line| {
        let said = no_output(line.expected.as_ref()?)?;
        Some(format!("the expected output of line {} {said}; nothing was written", line.number))
    })
}

/// Whether a replay passed; with --update what it printed is written before.
fn verdict(
    arguments: &Arguments,
    File { path: file, is_named }: &File,
    scenario: &Scenario,
    written: &[u8],
    mut replayed: Replayed,
    notes: &mut Notes,
) -> Verdict {
    let mut blocks = 0;
    let mut said = Vec::new();
    if arguments.update && replayed.steps_cut > 0 && scenario.lines.iter().any(|line| line.expected.is_some())
    {
        let why = "nothing is known of the output below the step that ends it";
        said.push(Said::Text(format!("not updated {}: {why}; nothing was written\n", text::path(file))));
    }
    if arguments.update && replayed.steps_cut == 0 {
        blocks = replayed.failures.iter().filter(|failure| is_printed(failure)).count();
        if blocks > 0
            && let Some(swallowed) = swallowed(scenario)
        {
            return Verdict::unusable(file, &swallowed);
        }
        if blocks > 0 {
            match files::replace(file, updated(written, &replayed.printed).as_ref()) {
                Err(error) => return Verdict::unusable(file, &error),
                Ok(0) => {}
                Ok(others) => notes.say(format_args!(
                    "{}: {} of the file (hard links) still stand for what was there before",
                    text::path(file),
                    counted(others, "other name")
                )),
            }
        }
        replayed.failures.retain(|failure| !is_printed(failure));
    }
    let asserts = |failure: &Unmet| failure.problem != Problem::AssertsNothing;
    let is_bare = *is_named && !replayed.failures.iter().all(asserts);
    // Another collector may fail on anything.
    let is_asked = arguments.child.against.is_some();
    if is_bare || is_asked {
        replayed.failures.retain(asserts);
    }
    if replayed.failures.is_empty() {
        return if is_bare && !is_asked { bare(file, &replayed) } else { Verdict::Passed { blocks } };
    }
    if blocks > 0 {
        said.push(Said::Text(format!("{}; what fails is no output:\n", updated_blocks(file, blocks))));
    }
    let releases: Vec<Release> = arguments.release.map(|_| scenario.release).into_iter().collect();
    let failed = |line, what| Failed { line, releases: releases.clone(), what };
    let failures = replayed.failures.iter();
    let mut failures: Vec<Failed> =
        failures.map(|failure| failed(Some(failure.line), failure.to_string())).collect();
    if let (Some(last), 1..) = (failures.last_mut(), replayed.steps_cut) {
        last.what.push_str(&format!("\n{}", steps_cut(&replayed)));
    }
    said.extend(failures.into_iter().map(Said::Failed));
    Verdict::Failed(said)
}

/// Whether a block is not what was printed.
fn is_printed(failure: &Unmet) -> bool {
    matches!(failure.problem, Problem::Printed { .. })
}

/// What `--update` wrote.
fn updated_blocks(file: &Path, blocks: usize) -> String {
    format!("updated {}: {}", text::path(file), counted(blocks as u64, "block"))
}

/// What is said of a file in which nothing could fail.
fn bare(file: &Path, replayed: &Replayed) -> Verdict {
    let steps = counted(replayed.steps as u64, "step");
    let collections = match replayed.collections {
        0 => "no collection".to_owned(),
        count => counted(count as u64, "collection"),
    };
    let hint = "add an `expect` step, or `---` below a `gc` and --update; --step shows what each step does";
    Verdict::Bare(format!("WITHOUT EXPECTATIONS {}: {steps}, {collections}; {hint}", text::path(file)))
}

/// The command that replays a file as it was replayed; of all releases under one that fails.
fn command(arguments: &Arguments, file: &Path, said: &[Said]) -> String {
    let options_end = if file.as_os_str().as_encoded_bytes().starts_with(b"-") { "-- " } else { "" };
    let path = format!("{options_end}{}", quoted(file));
    let mut command = "leasehold replay --step".to_owned();
    if let Some(fault) = arguments.fault {
        command.push_str(&format!(" --fault {fault}"));
    }
    match arguments.release {
        None => {}
        Some(Rules::Of(release)) => command.push_str(&format!(" --release {release}")),
        Some(Rules::OfAll) => {
            let failing = said.iter().find_map(|said| match said {
                Said::Failed(failed) => failed.releases.first(),
                Said::Text(_) => None,
            });
            let release = failing.map_or("all", |release| release.name());
            command.push_str(&format!(" --release {release}"));
        }
    }
    if let Some(go) = arguments.go {
        command.push_str(&format!(" --go {go}"));
    }
    if arguments.intended {
        command.push_str(" --intended");
    }
    if let Some(target) = arguments.target {
        command.push_str(&format!(" --target {}", target.name));
    }
    format!("{command}{} {path}", arguments.child.again())
}
