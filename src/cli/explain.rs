//! `leasehold explain`: why an object is kept or goes, and who holds what. Never writes to the database.

use super::meant::Asking;
use super::notes::Notes;
use super::source::{self, Look};
use super::{Ended, Failure, progress};
use crate::engine::{Culprit, Outcome, Request, collect, culprits};
use crate::explain::{Digest, Explainer, Network, State};
use crate::oracle::{Defects, Judgement, judge};
use crate::properties::check::compare;
use crate::replay::Lines;
use crate::report::Show as _;
use crate::report::digest::DigestReport;
use crate::report::explain::NodeReport;
use crate::report::saying::Saying;
use crate::scenario::DEFAULT_NAMESPACE;
use crate::situation::Situation;
use crate::stored::Snapshots;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Tell why an object is kept or goes, what alone holds it and until when; without NODE, who holds what
///
/// The file is only read: containerd may go on running, nothing is locked and nothing is written.
#[derive(clap::Args)]
#[command(
    after_help = "NODE is written as scenarios write it, or as people do; what fits best is meant, and where several fit they are \
listed:
  k8s.io/content/sha256:2af60de8...   NAMESPACE/KIND/NAME; the kinds are content, snapshot, image, container, lease, ingest
  sha256:2af60d  2af60d               the beginning of a digest; behind `sha256:` one digit is enough
  web:1  docker.io/library/web:1      an image
  overlayfs/extract-7  extract-7      a snapshot
  pull-1                              a lease, a container, an ingest
  sandbox/pod  collector/stream       what is never a node
  NAMESPACE/KIND/base64:/w==          a key that is no plain text, as --json prints it

Of a node it tells: the shortest chain from each root (five), whatever alone holds it, until when it stays if only time passes, \
what would come free without it, what does not hold it although it looks so, and the `ctr` commands that would let go of it, \
with what then goes, or keep it; of a snapshot of a root folder also where its files are. To take something out means to delete it: what it refers to is then not kept by it any more.

Without NODE: every holder (leases, images, containers, sandboxes, pinned objects, ingests, collectors) with what goes without \
it (\"alone\") and all that it reaches, in objects and bytes of content; then what a collection would remove now and what \
becomes removable later. Several names of one image are one holder where more goes without all of them than without each. meta.db does not know how large snapshots are: given containerd's root folder, those that are committed \
have the bytes that their snapshotters' own metadata.db says (in `collect`, too).

Exit codes: 0 the object is there, 1 it is missing, or the collection fails, or collector and oracle disagree, 2 usage, or a name that fits several \
objects, 3 an input that cannot be read.

Examples:
  leasehold explain /var/lib/containerd
  leasehold explain /var/lib/containerd docker.io/library/web:1
  leasehold explain meta.db sha256:2af60d --now +24h
  leasehold explain meta.db --json | jq -r '.holders[] | select(.until == null) | .node.key'

--json of a node prints `release`, `now`, `error`, `node`, `state` (kept, removed, unswept: no collection removes its kind, \
missing), `chain` (a shortest one, from a root on; `from` is null for what is a root by itself) and `chains`, `roots` (how many \
reach it; what a line of a scenario wrote has its `line`), `alone` (each other object or holder without which it goes), `until` (the first instant at which a collection removes \
it if only time passes; null if never, or if it goes now), `near_misses` (what does not hold it), `bytes`, `bytes_alone` (what \
comes free in content without it: digests that other namespaces keep set aside), `snapshot_bytes` and `snapshot_bytes_alone` \
(the same of snapshots; null where their sizes are not known), `folder` (of a snapshot: where its files are below the root folder; \
null where that is not known), `takes_along`, `let_go` (the `objects`, `bytes` and `snapshot_bytes` that go when all its roots let go), `names` (of an image: its other names) and `without_names` (what goes without it and them), `elsewhere` (the same digest in \
other namespaces), `named_by` (what names it, if it is missing) and `missing` (what it names itself and is missing). A holder that is no node in the release has the `type` null. \
Of a name that is not that of one object: `asked`, `error`, `matches` (what it may mean, as it can be asked for) and `near` (what is \
called nearly so, or null). \
Without NODE: `holders` (`objects` and `bytes` of all that each reaches, `objects_alone` and `bytes_alone` of what goes without \
it; leases, images and containers do not count themselves; `snapshot_bytes` and `snapshot_bytes_alone` as above), `together` (the `nodes` that are names of one image, with what they hold \
and what goes without all of them), `garbage` and `next` (what becomes removable, by instant). \
`warnings` has what standard error says."
)]
pub(super) struct Arguments {
    /// A meta.db, containerd's root folder, or a scenario file
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// What to explain: [NAMESPACE/]KIND/NAME, an image's name, or the beginning of a digest
    #[arg(value_name = "NODE")]
    node: Option<OsString>,
    #[command(flatten)]
    look: Look,
    /// One JSON object instead of the text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Ended, Failure> {
    let mut notes = Notes::default();
    let Arguments { source, look, .. } = arguments;
    let (situation, _) = source::read_judged(source, look, &mut notes)?;
    let (outcome, judgement, agree) = judged(&situation, &mut notes);
    let beside = Beside::of(source, look, &situation, &outcome, &mut notes);
    let network = Network::new(judgement.graph());
    let (situation, network) = (&situation, &network);
    let saying = beside.saying(situation, network, &notes.said);
    let snapshots = saying.snapshots;
    let is_well = agree && saying.error.is_none();
    let Some(node) = &arguments.node else {
        let digest = &Digest::new(network, &judgement, situation, snapshots);
        DigestReport { saying, digest }.write(arguments.json, out)?;
        return Ok(if is_well { Ended::Well } else { Ended::WithFinding });
    };
    let is_scenario = source::is_scenario(source);
    let home = is_scenario.then_some(DEFAULT_NAMESPACE);
    let found = Asking { network, situation, json: arguments.json }.one(node, home, out)?;
    let Some(found) = found else { return Ok(Ended::WithFinding) };
    let explainer = Explainer::new(network, &judgement, situation, snapshots);
    let explanation = &explainer.subject(found.subject(network, situation.release));
    NodeReport { saying, found: &found, explanation }.write(arguments.json, out)?;
    Ok(if is_well && explanation.state != State::Missing { Ended::Well } else { Ended::WithFinding })
}

/// What is known of a source beside its situation, to be said with it.
pub(super) struct Beside {
    snapshots: Option<Snapshots>,
    lines: Option<Lines>,
    error: Option<String>,
    culprits: Vec<Culprit>,
    command: String,
}

impl Beside {
    /// Reads it; `outcome` is what a collection comes to.
    pub(super) fn of(
        source: &Path,
        look: &Look,
        situation: &Situation,
        outcome: &Outcome,
        notes: &mut Notes,
    ) -> Beside {
        Beside {
            snapshots: source::snapshots(source, look, &situation.tree, notes),
            lines: source::lines(source, look),
            error: outcome.error.as_ref().map(ToString::to_string),
            culprits: culprits(situation, outcome),
            command: source::again(source, look, situation.now),
        }
    }

    /// All that explanations are said with.
    pub(super) fn saying<'r, 'j, 'a>(
        &'r self,
        situation: &'a Situation,
        network: &'r Network<'j, 'a>,
        warnings: &'r [String],
    ) -> Saying<'r, 'j, 'a> {
        let Beside { snapshots, lines, error, culprits, command } = self;
        Saying {
            situation,
            network,
            snapshots: snapshots.as_ref(),
            lines: lines.as_ref(),
            error: error.as_deref(),
            culprits,
            command,
            warnings,
        }
    }
}

/// What the collector does, the oracle's relations, and whether they agree: what both stand behind can be trusted. Where they
/// do not it is said.
pub(super) fn judged<'a>(situation: &'a Situation, notes: &mut Notes) -> (Outcome, Judgement<'a>, bool) {
    let defects = Defects::as_shipped(situation.release);
    let collecting = progress::doing("collecting");
    let (outcome, judgement) = rayon::join(|| collect(situation), || judge(situation, defects));
    let disagreements = compare(&Request::new(situation), &outcome, &judgement);
    collecting.finish_and_clear();
    for finding in &disagreements {
        notes.say(format_args!("collector and oracle disagree ({}): {finding}", finding.property));
    }
    (outcome, judgement, disagreements.is_empty())
}
