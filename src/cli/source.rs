//! SOURCE: a `meta.db`, a containerd root folder that holds one, or a scenario file.
//!
//! A scenario stands for the state after its last step that is no trailing `gc`, `cleanup` or `expect`; its clock and
//! its release are the defaults. Its name ends in `.scenario`.

use super::notes::Notes;
use super::place::{self, Place, look};
use super::values::{self, Now};
use super::version::{self, Others};
use super::{Failure, progress, terminal};
use crate::bucket::Bucket;
use crate::bucket::bolt::{self, BoltError};
use crate::go::Go;
use crate::instant::Instant;
use crate::release::Release;
use crate::replay::{self, Lines, Warning};
use crate::report::shell::quoted;
use crate::scenario::{Scenario, limits::FILE_BYTES_MAX, parse, parse_under, render};
use crate::schema::{names, shape, time, views};
use crate::situation::Situation;
use crate::stored::{Snapshots, Unread};
use crate::text;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where containerd's root folder keeps the database.
const IN_ROOT: &str = "io.containerd.metadata.v1.bolt/meta.db";

/// How long a database that a daemon writes to is tried where nobody says it.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// Whether a source is containerd's root folder, beside whose database its stores lie.
pub(super) fn is_root(path: &Path) -> bool {
    matches!((look(path), look(&path.join(IN_ROOT))), (Ok(Place::Folder), Ok(Place::File)))
}

/// What the names of scenario files end in.
pub(super) const SCENARIO_EXTENSION: &str = "scenario";

/// Reads a source. What is not given is taken from it: a database's release from its version, `now` from the wall
/// clock; of a scenario both from itself. The steps of one that names no release run by the release that is given, as `replay`
/// runs them. One that names its own is a state that a daemon of that release left: a command that is to look at it by
/// another asks for [`Situation::under`].
///
/// A database that a daemon writes to is tried for a time; for a scenario, `wait` would do nothing and is refused. What is
/// odd, and what of a scenario is shown, is noted.
pub(super) fn read(
    path: &Path,
    release: Option<Release>,
    now: Option<Now>,
    go: Option<Go>,
    wait: Option<Duration>,
    notes: &mut Notes,
) -> Result<Situation, Failure> {
    refuse_standard_input(path, "a meta.db, containerd's root folder or a scenario file")?;
    let place = look(path)?;
    if is_scenario(path) && place != Place::Folder {
        if wait.is_some() {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "--wait is for a database that a daemon writes to; {path} is a scenario"
            )));
        }
        let situation = read_scenario(path, release, go, notes)?;
        return Ok(Situation { now: Now::from(now, situation.now), ..situation });
    }
    let path = if place == Place::Folder { database_in(path)? } else { path.to_owned() };
    let tree = read_database(&path, wait.unwrap_or(DEFAULT_WAIT), notes)?;
    let release = release.unwrap_or_else(|| version::shown(&tree));
    let situation = Situation::new(tree, release, Now::from(now, wall_clock()));
    Ok(Situation { built_with: go.unwrap_or_default(), ..situation })
}

/// How one source is looked at: the flags that every command about one has.
#[derive(clap::Args)]
pub(super) struct Look {
    /// Look as if it were this time: 2026-01-31T12:00:00Z, or +24h or -90m from now; default: now, or a scenario's
    /// clock
    #[arg(long, value_name = "TIME", value_parser = Now::parse, allow_hyphen_values = true)]
    pub(super) now: Option<Now>,
    /// Whose rules: a version of containerd; default: by the database's own version, or a
    /// scenario's
    #[arg(long, value_name = "RELEASE", value_parser = Release::parse)]
    pub(super) release: Option<Release>,
    /// What the daemon was built with, where that matters (1.6 and 1.7): Go up to 1.19 reads more texts as times.
    /// Where nothing is said, such texts are warned of
    #[arg(long, value_name = "GO", value_parser = Go::parse)]
    pub(super) go: Option<Go>,
    /// Try so long to read a database that a daemon writes to [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = values::parse_duration, allow_hyphen_values = true)]
    pub(super) wait: Option<Duration>,
}

impl Look {
    /// How long a database that a daemon writes to is tried.
    pub(super) fn wait(&self) -> Duration {
        self.wait.unwrap_or(DEFAULT_WAIT)
    }
}

/// How large the snapshots of a root folder's database are, as far as their snapshotters say it; nothing of other sources.
pub(super) fn snapshots(path: &Path, look: &Look, tree: &Bucket, notes: &mut Notes) -> Option<Snapshots> {
    let snapshots = is_root(path).then(|| Snapshots::read(path, tree, look.wait()))?;
    for Unread { store: snapshotter, why, .. } in &snapshots.unread {
        notes.say(format_args!("how large its snapshots are is not known: {snapshotter}: {why}"));
    }
    Some(snapshots)
}

/// Reads a source under the release whose rules count, and says which those are: of a database for which nobody named one
/// also what the others do that may be the daemon's, which are given then.
pub(super) fn read_judged(
    path: &Path,
    look: &Look,
    notes: &mut Notes,
) -> Result<(Situation, Option<Others>), Failure> {
    let Look { now, release, go, wait } = *look;
    let read = read(path, release, now, go, wait, notes)?;
    let situation = read.under(release.unwrap_or(read.release));
    values::go_of(go, &[situation.release])?;
    let is_database = !is_scenario(path);
    if go.is_none() && is_database {
        warn_of_times(&situation, notes);
    }
    let mut others = None;
    match (is_database, release) {
        (true, None) => {
            let all = version::others(&situation);
            version::say(&situation, &all, notes);
            others = Some(all);
        }
        (true, Some(_)) => version::warn(&situation.tree, &[situation.release], false, notes),
        (false, _) => version::warn_of_rules(&[situation.release], notes),
    }
    Ok((situation, others))
}

/// Refuses the name by which others mean standard input, unless a file is called so; `what` is to be named instead.
pub(super) fn refuse_standard_input(path: &Path, what: &str) -> Result<(), Failure> {
    if path == Path::new("-") && look(path)? == Place::Absent {
        return Err(Failure::Usage(format!("-: standard input is not read: name {what}")));
    }
    Ok(())
}

/// A source and the flags that matter to what is said of it, as a shell takes them; the time that was meant, if one was
/// named.
pub(super) fn again(source: &Path, look: &Look, now: Instant) -> String {
    // A name that begins as a flag does is none behind a folder.
    let is_like_flag = source.as_os_str().as_encoded_bytes().starts_with(b"-");
    let path = if is_like_flag { Path::new(".").join(source) } else { source.to_owned() };
    let mut words = vec![quoted(&path)];
    words.extend(look.release.map(|release| format!("--release {release}")));
    words.extend(look.go.map(|go| format!("--go {go}")));
    words.extend(look.now.map(|_| format!("--now {}", time::format_rfc3339_nano(now))));
    words.join(" ")
}

/// Whether a path is named as a scenario file.
pub(super) fn is_scenario(path: &Path) -> bool {
    path.extension() == Some(OsStr::new(SCENARIO_EXTENSION))
}

/// The tree of a database's file, if it can be containerd's; what is odd about it is noted.
fn read_database(path: &Path, wait: Duration, notes: &mut Notes) -> Result<Bucket, Failure> {
    let reading = progress::doing("reading the database");
    let read = bolt::read_as(path, wait, |opened| match shape::check(&opened.tree) {
        Ok(oddities) => Ok((oddities.iter().map(ToString::to_string).collect::<Vec<_>>(), opened)),
        Err(misfit) => Err(misfit.to_string()),
    });
    reading.finish_and_clear();
    let (oddities, opened) =
        read.map_err(|error| no_database(path, &error))?.map_err(|misfit| input_error(path, &misfit))?;
    if let Some(lost) = opened.lost {
        notes.say(format_args!("{}: {lost}", text::path(path)));
        notes.lost = Some(lost.to_string());
    }
    notes.transaction = Some(opened.transaction);
    for oddity in &opened.oddities {
        notes.say(format_args!("{}: odd: {oddity}", text::path(path)));
    }
    for oddity in oddities {
        notes.say(format_args!("{}: odd: {oddity}", text::path(path)));
    }
    let namespaces = opened.tree.bucket(names::V1).map(|v1| v1.buckets().count());
    match namespaces {
        None => notes.say(format_args!(
            "{}: the database is empty: it has not even the bucket v1, which a daemon makes when it starts",
            text::path(path)
        )),
        Some(0) => notes.say(format_args!("{}: the database holds no namespace", text::path(path))),
        Some(_) => {}
    }
    Ok(opened.tree)
}

/// What is said of a file that is no sound database, with what may have become of it.
fn no_database(path: &Path, error: &BoltError) -> Failure {
    if matches!(error, BoltError::NotFound)
        && let Some(link) = text::dangling_link(path)
    {
        return input_error(path, &link);
    }
    let may_be_scenario = || scenario_text(path).is_ok_and(|text| parse(&text).is_ok());
    let hint = match error {
        error if error.is_damage() => {
            "; a file that was copied in part, or while a daemon wrote to it, is like this: only the live file, or that of a \
             stopped daemon, is safe to read"
        }
        BoltError::Other(_) | BoltError::TooShort { .. } if may_be_scenario() => {
            "; it reads as a scenario, whose name must end in .scenario"
        }
        BoltError::NotFound
        | BoltError::Directory
        | BoltError::NotAFile(_)
        | BoltError::Empty
        | BoltError::TooShort { .. }
        | BoltError::Foreign
        | BoltError::Other(_) => {
            "; containerd's database is io.containerd.metadata.v1.bolt/meta.db below its root folder, mostly /var/lib/containerd"
        }
        _ => "",
    };
    input_error(path, &format_args!("{error}{hint}"))
}

/// What a scenario file leads up to.
fn read_scenario(
    path: &Path,
    release: Option<Release>,
    go: Option<Go>,
    notes: &mut Notes,
) -> Result<Situation, Failure> {
    let text = scenario_text(path).map_err(|error| input_error(path, &text::unread_at(path, &error)))?;
    let steps = progress::doing("reading the scenario");
    let scenario = parse_scenario(path, &text, release.unwrap_or_default()).map_err(Failure::Input)?;
    let warnings = replay::warnings(&scenario, go);
    steps.suspend(|| warn(path, &warnings, notes));
    progress::count_on(&steps, scenario.lines.len() as u64, "steps");
    let state = replay::state(&scenario, go.unwrap_or_default(), &|| steps.inc(1));
    steps.finish_and_clear();
    let state = state.map_err(|failure| {
        let place = format!("{}:{}", text::path(path), failure.line);
        let rules = release.filter(|release| *release == scenario.release);
        let rules = rules.map(|release| format!(" --release {release}")).unwrap_or_default();
        let again = format!("see: leasehold replay --step{rules} {}", quoted(path));
        Failure::Input(format!("{place}: {failure}\n{again}"))
    })?;
    let place = match state.line {
        None => "an empty database: none of its steps does more than collect, clean up or expect".to_owned(),
        Some(line) => {
            format!(
                "its state after line {line}: the last step that does not only collect, clean up or expect"
            )
        }
    };
    notes.say(format_args!("{}: {place}", text::path(path)));
    let last_iterated = state.last.and_then(|kind| state.world.release().type_of(kind));
    Ok(Situation { last_iterated, ..state.world.situation() })
}

/// Which line of a scenario wrote what; none of a database.
pub(super) fn lines(path: &Path, look: &Look) -> Option<Lines> {
    let text = is_scenario(path).then(|| scenario_text(path).ok())??;
    let scenario = parse_under(&text, look.release.unwrap_or_default()).ok()?;
    Some(Lines::of(&scenario, look.go.unwrap_or_default()))
}

/// Notes what a scenario says and hardly means.
pub(super) fn warn(path: &Path, warnings: &[Warning], notes: &mut Notes) {
    let path = text::path(path);
    for (place, warning) in warnings.iter().enumerate() {
        let said = format!("{path}:{}: warning: {warning}", warning.line);
        if place < WARNINGS_SHOWN_MAX { notes.say(said) } else { notes.keep(said) }
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(WARNINGS_SHOWN_MAX) {
        let more = text::counted(more as u64, "more warning");
        notes.tell(format_args!("{path}: ... and {more}: --json lists them all"));
    }
}

/// How many warnings of one file people are told.
const WARNINGS_SHOWN_MAX: usize = 20;

/// Notes which leases of a database some builds of its release would find expired, and others never.
pub(super) fn warn_of_times(situation: &Situation, notes: &mut Notes) {
    const SHOWN_MAX: usize = 5;
    if !Go::UpTo1_19.may_build(situation.release) {
        return;
    }
    let leases = views::lease_expiries(&situation.tree);
    let mut odd = leases.filter(|(_, _, expiry)| time::only_earlier_go_reads(expiry));
    for (namespace, id, expiry) in odd.by_ref().take(SHOWN_MAX) {
        let lease = format!("{}/lease/{}", text::name(namespace), text::name(id));
        notes.say(format_args!("{lease}: {}", replay::read_by_earlier_go(expiry)));
    }
    match odd.count() {
        0 => {}
        more => {
            notes.say(format_args!("... and {} of the kind", text::counted(more as u64, "more lease")));
        }
    }
}

/// A scenario file's bytes; of one that is too long a byte more than is allowed, so that it is recognised.
pub(super) fn scenario_text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    place::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// A scenario, or its errors as they are drawn.
pub(super) fn parse_scenario(path: &Path, text: &[u8], release: Release) -> Result<Scenario, String> {
    let name = text::path(path);
    if text.trim_ascii().is_empty() {
        return Err(format!("{name}: the file is empty"));
    }
    parse_under(text, release).map_err(|flaws| {
        if text.contains(&0) {
            return format!("{name}: it is no text, so no scenario; a database is read under a name that does not end in .scenario");
        }
        format!(
            "{name}: it cannot be read as a scenario\n{}",
            render(&flaws, &name, text, terminal::are_coloured())
        )
    })
}

/// The database of a containerd root folder.
fn database_in(folder: &Path) -> Result<PathBuf, Failure> {
    for candidate in [folder.join(IN_ROOT), folder.join("meta.db")] {
        // Of a link that leads nowhere reading it tells more.
        if look(&candidate)? != Place::Absent || text::dangling_link(&candidate).is_some() {
            return Ok(candidate);
        }
    }
    let reason = format!(
        "the folder holds neither {IN_ROOT} nor meta.db: name a meta.db or containerd's root folder{}",
        others_in(folder)
    );
    Err(input_error(folder, &reason))
}

/// What of a folder's files may be meant, in the order of their names.
fn others_in(folder: &Path) -> String {
    const NAMED_MAX: usize = 3;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_source = |path: &PathBuf| path.extension() == Some(OsStr::new("db")) || is_scenario(path);
    let mut sources: Vec<PathBuf> = entries.filter(is_source).collect();
    sources.sort();
    let named: Vec<String> = sources.iter().take(NAMED_MAX).map(|path| text::path(path)).collect();
    match (named.is_empty(), sources.len().saturating_sub(NAMED_MAX)) {
        (true, _) => String::new(),
        (false, 0) => format!("; or is one of these meant: {}?", named.join(", ")),
        (false, more) => format!("; or is one of these meant: {} and {more} more?", named.join(", ")),
    }
}

/// When the file of a database was last written; none of a scenario, which has a clock, or where that is not known.
pub(super) fn written(path: &Path) -> Option<Instant> {
    if is_scenario(path) {
        return None;
    }
    let path = if look(path).ok()? == Place::Folder { database_in(path).ok()? } else { path.to_owned() };
    fs::metadata(path).and_then(|file| file.modified()).ok().map(instant)
}

fn wall_clock() -> Instant {
    instant(SystemTime::now())
}

fn instant(at: SystemTime) -> Instant {
    let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    time::from_unix(seconds, since_epoch.subsec_nanos())
}

pub(super) fn input_error(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {reason}", text::path(path)))
}
