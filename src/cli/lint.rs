//! `leasehold lint`: what is wrong with a database, what it costs, and what to do. Never writes anything.

use super::notes::Notes;
use super::{Ended, Failure, source};
use crate::lint::{Counts, Finding, lint, lost};
use crate::report::Show as _;
use crate::report::lint::{Report, write_list};
use crate::stored::Stored;
use std::io::Write;
use std::path::PathBuf;

/// Tell what is wrong with a database, what it costs and what to do
///
/// The file is only read: containerd may go on running, nothing is locked and nothing is written.
#[derive(clap::Args)]
#[command(
    after_help = "Looked at are images (whether all that they consist of is there, and held), snapshots and containers, \
ingests, leases, labels, and records that no release writes. Given containerd's root folder, what lies on the disk is compared \
with what the database lists: blobs and ingests of the content store, and snapshots in each snapshotter's own metadata.db, by \
names and lengths alone; no blob is read and no link is followed. What a client had under way meanwhile may be reported: look \
again.

meta.db does not hold the text of manifests: what an image consists of is known by its labels, as the collector knows it.

Exit codes: 0 nothing is found, or notes only, 1 an error or a warning, 2 usage, 3 an input that cannot be read.

Examples:
  leasehold lint /var/lib/containerd
  leasehold lint meta.db --now +24h
  leasehold lint meta.db --json | jq -r '.findings[] | select(.severity == \"error\") | .node.key'
  leasehold lint --list                     all that is looked for

--json prints one object: `release`, `now`, `findings` (each with its `lint`, `severity` (error, warning, note), the `node`, whose \
`type` is null where it is no node in the release, `text`, `bytes` on the disk where it is about such, `releases` in which it \
costs that, and what to `do`), how many `errors`, `warnings` and `notes` there are, and what standard error `said`."
)]
pub(super) struct Arguments {
    /// A meta.db, containerd's root folder, or a scenario file
    #[arg(value_name = "SOURCE", required_unless_present = "list")]
    source: Option<PathBuf>,
    #[command(flatten)]
    look: source::Look,
    /// One JSON object instead of the text
    #[arg(long)]
    json: bool,
    /// Only list what is looked for: what each costs, in which releases, and what to do
    #[arg(long, conflicts_with_all = ["source", "now", "release", "go", "wait", "json"])]
    list: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let Arguments { source, look, .. } = arguments;
    let Some(source) = source else {
        write_list(out)?;
        return Ok(Ended::Well);
    };
    let mut notes = Notes::default();
    let (situation, _) = source::read_judged(source, look, &mut notes)?;
    // The database first: what is stored while the disk is looked at is then told as not listed, which is less grave
    // than the other way round.
    let stored = source::is_root(source).then(|| Stored::read(source, &situation.tree, look.wait()));
    let mut findings: Vec<Finding> = notes.lost.iter().map(|what| lost(what, situation.release)).collect();
    findings.extend(lint(&situation, stored.as_ref()));
    Report { release: situation.release, now: situation.now, said: &notes.said, findings: &findings }
        .write(arguments.json, out)?;
    Ok(if Counts::of(&findings).is_clean() { Ended::Well } else { Ended::WithFinding })
}
