//! `leasehold export`: a state as a real bbolt file.

use super::notes::Notes;
use super::place::{Place, look};
use super::source::{self, is_scenario};
use super::{Ended, Failure, files};
use super::{values, version};
use crate::bucket::bolt::{self, WriteError};
use crate::node::Kind;
use crate::scenario::CLOCK_START;
use crate::schema::time;
use crate::situation::Situation;
use crate::text;
use serde_json::json;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Write a scenario's state, or what a database holds, as a new database that bbolt and containerd open
///
/// Only the database is made. What lies beside it in containerd's root folder is not: a daemon that opens it lists content
/// without its blobs, snapshots that their snapshotter does not have, and ingests without their data. Its collector works on
/// it all the same; pulling, mounting or starting anything fails.
///
/// Nor is what of a scenario's state is no part of a database: its collectors and streams, its clock, the release whose rules
/// apply. What it has of these is said.
///
/// The file holds what is alive in the source and no free pages, and is the same on every machine. Reading it gives
/// the same buckets, values and sequence numbers.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold export expired-lease.scenario meta.db
  leasehold export /var/lib/containerd compact.db
  leasehold export compact.db again.db && cmp compact.db again.db")]
pub(super) struct Arguments {
    /// A scenario file, a meta.db, or containerd's root folder
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The file to create; what exists is never written over
    #[arg(value_name = "DB")]
    target: PathBuf,
    /// Try so long to read a database that a daemon writes to [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = values::parse_duration, allow_hyphen_values = true)]
    wait: Option<Duration>,
    /// One JSON object instead of the line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let target = &arguments.target;
    if target == Path::new("-") {
        let reason =
            "a database is written to a file, never to standard output; ./- would be a file of that name";
        return Err(Failure::Usage(format!("-: {reason}")));
    }
    // Asked before a source of any size is read; creating the file asks again.
    if fs::symlink_metadata(target).is_ok() {
        if look(&arguments.source)? == Place::Absent {
            let [source, target] = [&arguments.source, target].map(|path| text::path(path));
            return Err(Failure::Usage(format!(
                "{target}: {}; {source} is not there: the source comes first, then the new file",
                WriteError::Exists
            )));
        }
        return Err(failure(target, &WriteError::Exists));
    }
    let mut notes = Notes::default();
    let source = source::read(&arguments.source, None, None, None, arguments.wait, &mut notes)?;
    let written = bolt::create(target, &source.tree).map_err(|error| failure(target, &error))?;
    if is_scenario(&arguments.source) && look(&arguments.source)? != Place::Folder {
        for lost in not_held(&source) {
            notes.say(format_args!("{}: not in the file: {lost}", text::path(target)));
        }
    }
    let (path, buckets, values, bytes) = (text::path(target), written.buckets, written.values, written.bytes);
    if arguments.json {
        let report = json!({
            "path": path,
            "buckets": buckets,
            "values": values,
            "bytes": bytes,
            "warnings": notes.said,
        });
        writeln!(out, "{report}")?;
    } else {
        writeln!(out, "{path}: wrote {buckets} buckets and {values} values in {bytes} bytes")?;
    }
    Ok(Ended::Well)
}

/// What a scenario's state has beside its database, and how to say it of the file.
fn not_held(
    Situation { collectors, release, now, built_with: _, last_iterated, tree }: &Situation,
) -> Vec<String> {
    let mut lost = Vec::new();
    if version::shown(tree) != *release {
        lost.push(format!("the release, which is {release} (--release {release})"));
    }
    if *now != CLOCK_START {
        let now = time::format_rfc3339_nano(*now);
        lost.push(format!("the clock, which shows {now} (--now {now})"));
    }
    for collector in &**collectors {
        let kind = release.kind_of(collector.resource_type);
        let resources = text::counted(collector.all.len() as u64, "resource");
        let what = if kind == Kind::Stream { "the streams of the daemon" } else { "a plugin of the daemon" };
        lost.push(format!("the collector {kind} with {resources}, {what}"));
    }
    if let Some(last) = last_iterated {
        lost.push(format!("that the collector {} is iterated last", release.kind_of(*last)));
    }
    lost
}

/// Whose fault it is that there is no file: that of who named a place where something stands, the source's, or the place's.
fn failure(target: &Path, error: &WriteError) -> Failure {
    let message = match error {
        WriteError::Create(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("{}: cannot be created: {}", text::path(target), files::unwritten(target, error))
        }
        error => format!("{}: {error}", text::path(target)),
    };
    match error {
        WriteError::Exists => Failure::Usage(message),
        WriteError::KeyLength { .. } | WriteError::ValueLength { .. } | WriteError::TooDeep => {
            Failure::Input(message)
        }
        // Its folder, or the disk: the output cannot be written.
        _ => Failure::Output(io::Error::other(message)),
    }
}
