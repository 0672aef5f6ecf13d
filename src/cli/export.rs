//! `leasehold export`: a state as a real bbolt file.

use super::notes::Notes;
use super::place::{Place, look};
use super::source::{self, is_scenario};
use super::values;
use super::{Ended, Failure, files};
use crate::bucket::Bucket;
use crate::bucket::bolt::{self, WriteError, Written};
use crate::node::Kind;
use crate::scenario::{DEFAULT_NAMESPACE, NodeName, print_node_cut};
use crate::schema::{shape, time, views};
use crate::situation::Situation;
use crate::text;
use serde_json::json;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Write a scenario's state, or what a database holds, as a new database that bbolt and containerd open
///
/// Only the database is made. What lies beside it in containerd's root folder is not: a daemon that opens it lists content
/// without its blobs, snapshots that their snapshotter does not have, and ingests without their data. Its collector works on
/// it all the same; pulling, mounting or starting anything fails.
///
/// Nor is what of a scenario's state is no part of a database: its collectors and streams, its clock, the release whose rules
/// apply. What there is of all this is said by name on standard error, and with --json in `warnings`.
///
/// The file is written beside its place and then renamed; ^C leaves nothing. A program that is killed (SIGKILL) may leave
/// one called .leasehold-..., which can be deleted.
///
/// The file holds what is alive in the source and no free pages, and is the same on every machine. Reading it gives
/// the same buckets, values and sequence numbers.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  leasehold export expired-lease.scenario meta.db
  leasehold export /var/lib/containerd compact.db
  leasehold export compact.db again.db && cmp compact.db again.db

--json prints one object: the `path` that was written, how many `buckets` and `values` it has and how many `bytes`, and as `warnings` \
what the backends lack.")]
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
    let written = create(target, &source.tree).map_err(|error| failure(target, &error))?;
    let of_scenario = is_scenario(&arguments.source) && look(&arguments.source)? != Place::Folder;
    let lost = if of_scenario { not_held(&source) } else { Vec::new() };
    if let Err(misfit) = shape::check(&source.tree) {
        notes.say(format_args!("{}: every other command will refuse it: {misfit}", text::path(target)));
    }
    for lost in lost.into_iter().chain(in_backends(&source.tree)) {
        notes.say(format_args!("{}: not in the file: {lost}", text::path(target)));
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
        writeln!(
            out,
            "{path}: wrote {} and {} in {bytes} bytes",
            text::counted(buckets, "bucket"),
            text::counted(values, "value")
        )?;
    }
    Ok(Ended::Well)
}

/// Creates the database beside its place and renames it, so that a program that is ended leaves nothing under its name.
fn create(target: &Path, tree: &Bucket) -> Result<Written, WriteError> {
    let mut outcome = None;
    let created = files::create_with(target, |file| {
        let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, file);
        let written = bolt::write(tree, &mut buffered);
        // Closed without another attempt to write what is left in the buffer.
        drop(buffered.into_parts());
        let is_written = written.is_ok();
        outcome = Some(written);
        if is_written { Ok(()) } else { Err(io::Error::other("not written")) }
    });
    match (created, outcome) {
        (Ok(()), Some(written)) | (Err(_), Some(written @ Err(_))) => written,
        (Err(error), _) if error.kind() == io::ErrorKind::AlreadyExists => Err(WriteError::Exists),
        (Err(error), None) => Err(WriteError::Create(error)),
        (Err(error), Some(_)) => Err(WriteError::Write(error)),
        (Ok(()), None) => unreachable!("a file is written to before it is renamed"),
    }
}

/// How much is handed to the operating system at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// What the database lists and only backends have, by name.
fn in_backends(tree: &Bucket) -> Vec<String> {
    const NAMED_MAX: usize = 3;
    let objects: Vec<(Kind, String)> = views::objects(tree)
        .map(|(kind, namespace, key)| {
            let slash = views::snapshot_slash(tree, namespace, &key);
            let namespace = Some(namespace.to_vec()).filter(|namespace| namespace != DEFAULT_NAMESPACE);
            (kind, print_node_cut(&NodeName::new(namespace, kind, key), slash))
        })
        .collect();
    let of = |of: Kind, lacks: &str| {
        let named: Vec<&str> =
            objects.iter().filter(|(kind, _)| *kind == of).map(|(_, name)| name.as_str()).collect();
        let more = named.len().saturating_sub(NAMED_MAX);
        let more = if more > 0 { format!(" and {} more", text::count(more as u64)) } else { String::new() };
        let shown = named.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        (!named.is_empty()).then(|| format!("{lacks} {shown}{more}, which the backend has"))
    };
    [(Kind::Content, "the blob of"), (Kind::Snapshot, "the files of"), (Kind::Ingest, "the data of")]
        .into_iter()
        .filter_map(|(kind, lacks)| of(kind, lacks))
        .collect()
}

/// What a scenario's state has beside its database, and how to say it of the file.
fn not_held(
    Situation { collectors, release, now, built_with: _, last_iterated, tree: _ }: &Situation,
) -> Vec<String> {
    let mut lost = Vec::new();
    // Always, though the database's version may show as much: a later read has another clock.
    lost.push(format!("the release, which is {release} (--release {release})"));
    let now = time::format_rfc3339_nano(*now);
    lost.push(format!("the clock, which shows {now} (--now {now})"));
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
