//! `leasehold collect`: what a collection would remove and keep. Never writes to the database.

use super::explain::judged;
use super::notes::Notes;
use super::source;
use super::{Ended, Failure};
use crate::engine::{culprits, walk};
use crate::node::NodeRef;
use crate::report::Show as _;
use crate::report::collect::Report;
use std::io::Write;
use std::path::PathBuf;

/// Tell what a collection would remove and keep, or why it would fail
///
/// The file is only read: containerd may go on running, nothing is locked and nothing is written.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 a collection was computed, 1 it fails, or collector and oracle disagree, 2 usage, 3 an input \
that cannot be read or an output that cannot be written.

Examples:
  leasehold collect /var/lib/containerd
  leasehold collect meta.db --now 2026-01-31T12:00:00Z --release 2.1
  leasehold collect expired.scenario                what its last gc would do
  leasehold collect meta.db --json | jq '.removed[] | select(.stays | not).key'

--json prints one object: `release`, `now`, `error`, `roots` and `marked` (which name also what is referred to and does not \
exist), `kept`, `removed` (what is handed to removal, of content with its `bytes`, null where its record has no size that can be, \
and of snapshots if SOURCE is containerd's root folder, where snapshotters have the sizes of those that are committed; \
with `stays` where it stays all the same, as everything does if the collection fails), `culprits` (what makes \
a collection fail, if it fails; `named_by` says which collectors name what the database does not have), `totals` by namespace and kind (`removed_bytes` is null for snapshots, ingests and what \
collectors hold: meta.db does not know their sizes (given the root folder, those of snapshots are there), and `removed_unknown` counts them), `dies` (of the releases that may be \
the daemon's those that do not survive it if the collection fails as the first after their start), `freed` (the bytes of content that no \
namespace holds any more, and of `snapshots`, null where their sizes are not known), `log`, `warnings` (what standard error says, but for the line that other releases would do the \
same), and `releases`: which others that write this version of the database `agree`, and what those that `differ` would do, \
all others where no known release writes it; null with --release and for a scenario. A node has a `kind`, by which to look for it: its \
`type`, a number, differs between releases. A name that is no UTF-8, has a control character, or begins so itself, is written as \"base64:...\"."
)]
pub(super) struct Arguments {
    /// A meta.db, containerd's root folder, or a scenario file
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    #[command(flatten)]
    look: source::Look,
    /// One JSON object with every node instead of the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let mut notes = Notes::default();
    let Arguments { source, look, .. } = arguments;
    let (situation, others) = source::read_judged(source, look, &mut notes)?;
    let snapshots = source::snapshots(source, look, &situation.tree, &mut notes);
    let (outcome, judgement, agree) = judged(&situation, &mut notes);
    let (nodes, ids) = if outcome.error.is_some() { walk(&situation) } else { Default::default() };
    let walk: Vec<NodeRef<'_>> = ids.iter().map(|id| nodes.get(*id)).collect();
    let culprits = culprits(&situation, &outcome);
    let own = outcome.error.iter().map(|_| situation.release).collect();
    let (releases, failing) = others.map_or((None, own), |others| (Some(others.releases), others.failing));
    let report = Report {
        situation: &situation,
        outcome: &outcome,
        walk: &walk,
        judgement: &judgement,
        snapshots: snapshots.as_ref(),
        command: &source::again(source, look, situation.now),
        is_daemons: !source::is_scenario(source),
        culprits: &culprits,
        warnings: &notes.said,
        releases: releases.as_ref(),
        failing: &failing,
    };
    report.write(arguments.json, out)?;
    let is_well = agree && outcome.error.is_none();
    Ok(if is_well { Ended::Well } else { Ended::WithFinding })
}
