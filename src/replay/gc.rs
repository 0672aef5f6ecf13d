//! What a `gc` or a `cleanup` of a scenario prints.
//!
//! ```text
//! keep    content/layer   lease/pull holds it until 2026-01-01T01:00:00Z
//! keep    lease/pull      live until 2026-01-01T01:00:00Z
//! remove  image/old       expired 2025-12-31T00:00:00Z
//! finish  type-9
//! log     info  no remove defined for resource ref=disk type=30
//! ```
//!
//! First the nodes of the walk that stay, then those that were handed to removal, each group with the client's own
//! namespace first, by kind and then by key; every node once a line, with the first hop of a shortest chain or with
//! what might have kept it. A collection that fails prints `error` and its text in place of the nodes, as nothing
//! changed. Then how each collector ended, then what containerd logs at level info and above. A collection
//! without nodes prints `nothing to keep or to remove`.

use crate::engine::{Call, Level, LogEvent};
use crate::instant::Instant;
use crate::metadata::Error;
use crate::node::{Kind, Node, NodeRef};
use crate::oracle::{Judgement, Verdict};
use crate::reason::{Reasons, Words};
use crate::scenario::alias;
use crate::scheduler::Cause;
use crate::schema::time::format_rfc3339_nano;
use crate::schema::views;
use crate::situation::Situation;
use crate::text;
use crate::world::{Cleaned, CleanedSnapshots, Collected};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The width of the column with what was done.
const DONE_WIDTH: usize = 8;

/// What a line of output begins with.
const DONE: [&str; 12] = [
    "keep", "remove", "error", "finish", "cancel", "skip", "forget", "log", "drop", "collect", "crash",
    REFUSED,
];
const REFUSED: &str = "refused";
const NOTHING_WALKED: &str = "nothing to keep or to remove";
const NOTHING_CLEANED: &str = "nothing to clean up";
const NOTHING_DUE: &str = "no collection";

/// Whether a line may be one of a `gc` or `cleanup`, of this version or of another with other columns.
pub(super) fn is_output(line: &str) -> bool {
    let is_row = |(done, to): (&str, &str)| DONE.contains(&done) && !to.trim().is_empty();
    line.is_empty()
        || [NOTHING_WALKED, NOTHING_CLEANED, NOTHING_DUE].contains(&line)
        || line.split_once(' ').is_some_and(is_row)
}

/// A table of what was done, to what, and why. Further lines of a why stand below the first.
#[derive(Default)]
struct Table(Vec<[String; 3]>);

impl Table {
    fn row(&mut self, done: &str, to: String, why: String) {
        self.0.push([done.to_owned(), to, why]);
    }

    fn text(&self) -> String {
        let width = self.0.iter().filter(|[_, _, why]| !why.is_empty());
        let width = width.map(|[_, to, _]| to.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for [done, to, why] in &self.0 {
            let to_width = if why.is_empty() { 0 } else { width + 3 };
            let why = why.replace('\n', &format!("\n{:1$}", "", DONE_WIDTH + to_width));
            writeln!(text, "{done:DONE_WIDTH$}{to:to_width$}{why}")
                .expect("a string takes all that is written");
        }
        text
    }
}

/// The output of a collection, for a client that uses this namespace.
pub(super) fn collection(
    collected: &Collected,
    judgement: &Judgement<'_>,
    namespace: &[u8],
    reasons: Reasons,
) -> String {
    let outcome = &collected.outcome;
    let words = Words { release: collected.before.release, tree: &collected.before.tree, namespace };
    let mut table = Table::default();
    match &outcome.error {
        None => nodes(&mut table, collected, judgement, words, reasons),
        Some(error) => table.row("error", alias::in_name(error.to_string().as_bytes()), String::new()),
    }
    if outcome.error.is_none() && outcome.walked.is_empty() {
        table.row(NOTHING_WALKED, String::new(), String::new());
    }
    collectors(&mut table, collected, words);
    for event in outcome.log.iter().filter(|event| event.level() > Level::Debug) {
        table.row("log", log_event(event), String::new());
    }
    table.text()
}

/// The nodes of the walk: the engine says which stay, the judgement says why.
fn nodes(
    table: &mut Table,
    collected: &Collected,
    judgement: &Judgement<'_>,
    words: Words<'_>,
    reasons: Reasons,
) {
    let outcome = &collected.outcome;
    let is_removed = |node: &NodeRef<'_>| collected.has_removed(*node);
    let sorted = |nodes: &mut Vec<NodeRef<'_>>| {
        nodes.sort_by_key(|node| {
            let kind = collected.before.release.kind_of(node.resource_type);
            (node.namespace != words.namespace, node.namespace, kind, node.resource_type, node.key)
        });
    };
    let (mut removed, mut kept): (Vec<_>, Vec<_>) = outcome.refs(&outcome.walked).partition(is_removed);
    sorted(&mut kept);
    sorted(&mut removed);
    let verdicts: BTreeMap<Node, Verdict<'_, '_>> =
        judgement.resources().map(|verdict| (verdict.node(), verdict)).collect();
    for node in kept {
        let verdict = verdicts.get(&node.to_node());
        let reason = verdict.filter(|verdict| verdict.is_kept()).and_then(|_| judgement.reason(node));
        let why = match reason {
            Some(reason) => words.reason(node, &reason),
            None => {
                let failures = verdict.map(Verdict::failures).unwrap_or_default();
                format!("though {}", words.failures_told(node, &failures, reasons))
            }
        };
        table.row("keep", words.node(node), why);
    }
    for node in removed {
        let mut why = removal(verdicts.get(&node.to_node()), node, words, reasons);
        let kind = collected.before.release.kind_of(node.resource_type);
        if views::has(&outcome.after, kind, node.namespace, node.key) {
            why.push_str("; its bucket stays");
        }
        table.row("remove", words.node(node), why);
    }
}

/// What might have kept a node that was removed, or keeps it by right.
fn removal(
    verdict: Option<&Verdict<'_, '_>>,
    node: NodeRef<'_>,
    words: Words<'_>,
    reasons: Reasons,
) -> String {
    match verdict.and_then(Verdict::reason) {
        Some(reason) => format!("though {}", words.reason(node, &reason)),
        None => words.failures_told(node, &verdict.map(Verdict::failures).unwrap_or_default(), reasons),
    }
}

/// What a collection did with a node that it walked.
pub(super) enum Fate {
    /// It stays, for this reason.
    Kept(String),
    /// It was handed to removal, and this might have kept it.
    Removed(String),
    /// The collection failed, with this error.
    Unchanged(String),
}

/// What a collection did with a node and why, as [`collection`] says it; none if it walked no such node.
pub(super) fn fate(
    collected: &Collected,
    judgement: &Judgement<'_>,
    namespace: &[u8],
    node: NodeRef<'_>,
    reasons: Reasons,
) -> Option<Fate> {
    let words = Words { release: collected.before.release, tree: &collected.before.tree, namespace };
    if let Some(error) = &collected.outcome.error {
        return Some(Fate::Unchanged(alias::in_name(error.to_string().as_bytes())));
    }
    let verdict = judgement.resources().find(|verdict| verdict.is(node))?;
    if collected.has_removed(node) {
        return Some(Fate::Removed(removal(Some(&verdict), node, words, reasons)));
    }
    Some(Fate::Kept(match judgement.reason(node) {
        Some(reason) => words.reason(node, &reason),
        // The daemon has a mistake that it was given.
        None => format!("against the rules: {}", removal(Some(&verdict), node, words, reasons)),
    }))
}

/// Why a node would be kept by a collection, if it would.
pub(super) fn kept(
    situation: &Situation,
    judgement: &Judgement<'_>,
    namespace: &[u8],
    node: NodeRef<'_>,
) -> Option<String> {
    let words = Words { release: situation.release, tree: &situation.tree, namespace };
    judgement.reason(node).map(|reason| words.reason(node, &reason))
}

/// How each collector ended.
fn collectors(table: &mut Table, collected: &Collected, words: Words<'_>) {
    if !collected.before.release.rules().collectors {
        return;
    }
    for collector in &*collected.before.collectors {
        let name = words.collector(collector.resource_type);
        let own = collected.outcome.calls.iter();
        let own = own.filter(|called| called.resource_type == collector.resource_type);
        let (mut done, mut why) = ("forget", "neither finished nor cancelled");
        for called in own {
            match called.call {
                Call::Finish => (done, why) = ("finish", ""),
                Call::Cancel => (done, why) = ("cancel", ""),
                _ => {}
            }
        }
        if collector.start_error {
            (done, why) = ("skip", "fails to start");
        }
        table.row(done, name, why.to_owned());
    }
}

fn log_event(event: &LogEvent) -> String {
    let mut line = format!("{:<5} {}", event.level(), alias::in_name(event.message().as_bytes()));
    for (name, value) in event.fields() {
        write!(line, " {name}={}", alias::in_name(&value)).expect("a string takes all that is written");
    }
    line
}

/// The output of a clean-up, to its end or as far as it came: what the backends lost, by their own names.
pub(super) fn clean_up(cleaned: &Cleaned, ended: bool) -> String {
    let mut table = Table::default();
    let mut drop = |kind: Kind, name: &[&[u8]]| {
        let name: Vec<String> = name.iter().map(|part| text::name(part)).collect();
        table.row("drop", alias::in_text(&format!("{kind}/{}", name.join("/"))), String::new());
    };
    for digest in &cleaned.content.blobs {
        drop(Kind::Content, &[digest]);
    }
    for reference in &cleaned.content.ingests {
        drop(Kind::Ingest, &[reference]);
    }
    for CleanedSnapshots { snapshotter, removed } in &cleaned.snapshots {
        for name in removed {
            drop(Kind::Snapshot, &[snapshotter, name]);
        }
    }
    if table.0.is_empty() && ended {
        table.row(NOTHING_CLEANED, String::new(), String::new());
    }
    table.text()
}

/// What stands above a collection that the scheduler ran: when, and why.
pub(super) fn scheduled(at: Instant, cause: Cause) -> String {
    let mut table = Table::default();
    table.row("collect", format_rfc3339_nano(at), cause.name().to_owned());
    table.text()
}

/// The scheduler ran none.
pub(super) fn nothing_due() -> String {
    format!("{NOTHING_DUE}\n")
}

/// The daemon died of its first collection.
pub(super) fn crashed() -> String {
    let mut table = Table::default();
    table.row("crash", "the first collection failed".to_owned(), String::new());
    table.text()
}

/// The last line of a collection or clean-up that was refused, or that never ends.
pub(super) fn refused(error: &Error) -> String {
    format!("{REFUSED:DONE_WIDTH$}{}\n", alias::in_name(error.to_string().as_bytes()))
}
