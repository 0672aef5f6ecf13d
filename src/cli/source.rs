//! SOURCE: a `meta.db`, or a containerd root folder that holds one.

use super::Failure;
use crate::bucket::{Bucket, bolt};
use crate::engine::Fault;
use crate::instant::Instant;
use crate::release::Release;
use crate::schema::{time, views};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where containerd's root folder keeps the database.
const IN_ROOT: &str = "io.containerd.metadata.v1.bolt/meta.db";

/// A state to look at, with the release and the `now` to look at it by.
pub(super) struct Source {
    pub(super) tree: Bucket,
    pub(super) release: Release,
    pub(super) now: Instant,
}

/// Reads a source. What is not given is taken from it: the release from the database's version, `now` from the
/// wall clock.
pub(super) fn read(path: &Path, release: Option<Release>, now: Option<Instant>) -> Result<Source, Failure> {
    let path = database_in(path)?;
    let opened = bolt::read(&path).map_err(|error| input_error(&path, &error))?;
    let tree = opened.tree;
    let release = release.unwrap_or_else(|| release_of(&tree));
    Ok(Source { tree, release, now: now.unwrap_or_else(wall_clock) })
}

/// The database of a containerd root folder, or the file itself.
fn database_in(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let candidates = [path.join(IN_ROOT), path.join("meta.db")];
    let found = candidates.into_iter().find(|candidate| candidate.exists());
    let reason =
        format!("the folder holds neither {IN_ROOT} nor meta.db: name a meta.db or containerd's root folder");
    found.ok_or_else(|| input_error(path, &reason))
}

/// The release that a database's own version points to, said on standard error.
fn release_of(tree: &Bucket) -> Release {
    let (release, version) = match views::version(tree) {
        Some(version @ 4..) => (Release::V2_3, version.to_string()),
        Some(version) => (Release::V1_7, version.to_string()),
        None => (Release::default(), "none".to_owned()),
    };
    eprintln!(
        "leasehold: the database's version is {version}: using the rules of {release} (--release names others)"
    );
    release
}

fn wall_clock() -> Instant {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    time::from_unix(seconds, since_epoch.subsec_nanos())
}

pub(super) fn input_error(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {reason}", path.display()))
}

/// A `--release` argument.
pub(super) fn parse_release(text: &str) -> Result<Release, String> {
    Release::parse(text).map_err(|error| error.to_string())
}

/// A `--now` argument.
pub(super) fn parse_now(text: &str) -> Result<Instant, String> {
    let hint = "give it as 2026-01-31T12:00:00Z";
    time::parse_rfc3339(text.as_bytes()).map_err(|error| format!("{error}: {hint}"))
}

/// A `--fault` argument.
pub(super) fn parse_fault(text: &str) -> Result<Fault, String> {
    let names = || Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
    Fault::parse(text).ok_or_else(|| format!("no such fault; there are {}", names()))
}
