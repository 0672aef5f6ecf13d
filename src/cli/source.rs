//! SOURCE: a `meta.db`, a containerd root folder that holds one, or a scenario file.
//!
//! A scenario stands for the state after its last step that is no trailing `gc`, `cleanup` or `expect`; its clock and
//! its release are the defaults. Its name ends in `.scenario`.

use super::place::{Place, look};
use super::values::Now;
use super::{Failure, terminal, version};
use crate::bucket::{Bucket, bolt};
use crate::go::Go;
use crate::instant::Instant;
use crate::release::Release;
use crate::replay;
use crate::report::shell::quoted;
use crate::scenario::{Scenario, limits::FILE_BYTES_MAX, parse, render};
use crate::schema::{shape, time, views};
use crate::situation::Situation;
use crate::text;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where containerd's root folder keeps the database.
const IN_ROOT: &str = "io.containerd.metadata.v1.bolt/meta.db";

/// How long a database that a daemon writes to is tried where nobody says it.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// What the names of scenario files end in.
pub(super) const SCENARIO_EXTENSION: &str = "scenario";

/// Reads a source. What is not given is taken from it: a database's release from its version, `now` from the wall
/// clock; of a scenario both from itself. A scenario's release is always its own, as its collectors have that one's
/// numbers: a command that is to look by another asks for [`Situation::under`].
///
/// A database that a daemon writes to is tried for a time; for a scenario, `wait` would do nothing and is refused.
pub(super) fn read(
    path: &Path,
    release: Option<Release>,
    now: Option<Now>,
    go: Option<Go>,
    wait: Option<Duration>,
) -> Result<Situation, Failure> {
    let place = look(path)?;
    if is_scenario(path) && place != Place::Folder {
        if wait.is_some() {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "--wait is for a database that a daemon writes to; {path} is a scenario"
            )));
        }
        let situation = read_scenario(path, go)?;
        return Ok(Situation { now: Now::from(now, situation.now), ..situation });
    }
    let path = if place == Place::Folder { database_in(path)? } else { path.to_owned() };
    let tree = read_database(&path, wait.unwrap_or(DEFAULT_WAIT))?;
    let release = release.unwrap_or_else(|| version::shown(&tree));
    let situation = Situation::new(tree, release, Now::from(now, wall_clock()));
    Ok(Situation { built_with: go.unwrap_or_default(), ..situation })
}

/// Whether a path is named as a scenario file.
pub(super) fn is_scenario(path: &Path) -> bool {
    path.extension() == Some(OsStr::new(SCENARIO_EXTENSION))
}

/// The tree of a database's file, if it can be containerd's; what is odd about it is said on standard error.
fn read_database(path: &Path, wait: Duration) -> Result<Bucket, Failure> {
    let opened = bolt::read_within(path, wait).map_err(|error| input_error(path, &error))?;
    if let Some(lost) = opened.lost {
        terminal::say(format_args!("{}: {lost}", text::path(path)));
    }
    for oddity in shape::check(&opened.tree).map_err(|misfit| input_error(path, &misfit))? {
        terminal::say(format_args!("{}: odd: {oddity}", text::path(path)));
    }
    Ok(opened.tree)
}

/// What a scenario file leads up to.
fn read_scenario(path: &Path, go: Option<Go>) -> Result<Situation, Failure> {
    let text = scenario_text(path).map_err(|error| input_error(path, &error))?;
    let scenario = parse_scenario(path, &text).map_err(Failure::Input)?;
    warn(path, &scenario, go);
    let state = replay::state(&scenario, go.unwrap_or_default()).map_err(|failure| {
        let place = format!("{}:{}", text::path(path), failure.line);
        let again = format!("see: leasehold replay --step {}", quoted(path));
        Failure::Input(format!("{place}: {failure}\n{again}"))
    })?;
    let last_iterated = state.last.and_then(|kind| state.world.release().type_of(kind));
    Ok(Situation { last_iterated, ..state.world.situation() })
}

/// Says on standard error what a scenario says and hardly means.
pub(super) fn warn(path: &Path, scenario: &Scenario, go: Option<Go>) {
    for warning in replay::warnings(scenario, go) {
        terminal::say(format_args!("{}:{}: warning: {warning}", text::path(path), warning.line));
    }
}

/// Says on standard error which leases of a database some builds of its release would find expired, and others never.
pub(super) fn warn_of_times(situation: &Situation) {
    const SHOWN_MAX: usize = 5;
    if !Go::UpTo1_19.may_build(situation.release) {
        return;
    }
    let leases = views::lease_expiries(&situation.tree);
    let mut odd = leases.filter(|(_, _, expiry)| time::only_earlier_go_reads(expiry));
    for (namespace, id, expiry) in odd.by_ref().take(SHOWN_MAX) {
        let lease = format!("{}/lease/{}", text::name(namespace), text::name(id));
        terminal::say(format_args!("{lease}: {}", replay::read_by_earlier_go(expiry)));
    }
    match odd.count() {
        0 => {}
        more => {
            terminal::say(format_args!("... and {} of the kind", text::counted(more as u64, "more lease")))
        }
    }
}

/// A scenario file's bytes; of one that is too long a byte more than is allowed, so that it is recognised.
pub(super) fn scenario_text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// A scenario, or its errors as they are drawn.
pub(super) fn parse_scenario(path: &Path, text: &[u8]) -> Result<Scenario, String> {
    parse(text).map_err(|flaws| {
        let name = text::path(path);
        format!("{name}: it is no scenario\n{}", render(&flaws, &name, text, terminal::are_coloured()))
    })
}

/// The database of a containerd root folder.
fn database_in(folder: &Path) -> Result<PathBuf, Failure> {
    for candidate in [folder.join(IN_ROOT), folder.join("meta.db")] {
        if look(&candidate)? != Place::Absent {
            return Ok(candidate);
        }
    }
    let reason =
        format!("the folder holds neither {IN_ROOT} nor meta.db: name a meta.db or containerd's root folder");
    Err(input_error(folder, &reason))
}

fn wall_clock() -> Instant {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    time::from_unix(seconds, since_epoch.subsec_nanos())
}

pub(super) fn input_error(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {reason}", text::path(path)))
}
