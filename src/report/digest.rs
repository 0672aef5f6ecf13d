//! Who holds what, for people and machines.

use super::Show;
use super::end::End;
use super::saying::{JsonHeld, JsonNode, Saying};
use super::shell::word;
use crate::explain::{Digest, Held, Holding, Next, Subject};
use crate::instant::Instant;
use crate::node::{Kind, Node};
use crate::oracle::graph::NodeId;
use crate::oracle::{Holder, Rule};
use crate::schema::{names, time, views};
use crate::situation::Situation;
use crate::stored::Bytes;
use crate::text;
use serde::Serialize;
use std::cmp::Reverse;
use std::io::{self, Write};

/// How many holders and instants are told to people.
const ROWS_MAX: usize = 40;
/// Seconds: how old a holder is matters from then on.
const MINUTE: i64 = 60;
/// How many more holders are, that hold most with others.
const LISTED_MAX: usize = 10;

/// The digest of all holders.
pub struct DigestReport<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// The answer.
    pub digest: &'r Digest<'a>,
}

#[derive(Serialize)]
struct JsonHolder {
    node: JsonNode,
    rule: &'static str,
    created: Option<String>,
    #[serde(flatten)]
    sums: JsonSums,
}

/// Several names of one image.
#[derive(Serialize)]
struct JsonTogether {
    nodes: Vec<JsonNode>,
    #[serde(flatten)]
    sums: JsonSums,
}

/// What is held, alone and with others, and how long.
#[derive(Serialize)]
struct JsonSums {
    objects: u64,
    bytes: u64,
    objects_alone: u64,
    bytes_alone: u64,
    snapshot_bytes: Option<u64>,
    snapshot_bytes_alone: Option<u64>,
    until: Option<String>,
}

#[derive(Serialize)]
struct JsonNext {
    at: String,
    nodes: Vec<JsonNode>,
    bytes: u64,
    snapshot_bytes: Option<u64>,
}

#[derive(Serialize)]
struct JsonDigest<'a> {
    release: &'a str,
    now: String,
    error: Option<&'a str>,
    holders: Vec<JsonHolder>,
    together: Vec<JsonTogether>,
    garbage: JsonHeld,
    next: Vec<JsonNext>,
    warnings: &'a [String],
}

impl DigestReport<'_, '_, '_> {
    fn write_holders(&self, out: &mut dyn Write) -> io::Result<()> {
        let holders = &self.digest.by_image;
        if holders.is_empty() {
            return writeln!(out, "Nothing holds anything.");
        }
        let snapshots = if self.saying.snapshots.is_some() { "snapshots" } else { "" };
        let head =
            ["holder", "made", "until", "alone", snapshots, "objects", "all it holds", snapshots, "objects"];
        let mut rows = vec![head.map(str::to_owned)];
        // Of what is not among the first, those that hold most with others: no one of them alone lets go of it.
        let (first, rest) = holders.split_at(holders.len().min(ROWS_MAX));
        let mut most: Vec<&Holding<'_>> = rest.iter().collect();
        most.sort_by_key(|holding| Reverse(holding.held.all_bytes()));
        most.truncate(LISTED_MAX);
        for Holding { holder, also, rule, held, alone, until } in first.iter().chain(most) {
            let mut name = self.saying.name(*holder, b"");
            if !also.is_empty() {
                let names = text::counted(also.len() as u64, "more name");
                name.push_str(&format!(" and {names}"));
            }
            if *rule == Rule::RootLabel {
                name.push_str(" (pinned)");
            }
            let until = match until {
                Some(at) => End::of(*at).near(self.saying.now()),
                None if *rule == Rule::LiveLease => self.no_end(*holder),
                None => String::new(),
            };
            let columns = |held: &Held| {
                [text::bytes(held.bytes), self.snapshots(held.snapshots), text::count(held.objects)]
            };
            let [[bytes, snapshots, objects], [all_bytes, all_snapshots, all_objects]] =
                [alone, held].map(columns);
            let now = self.saying.now();
            let old = self.created(*holder).filter(|at| at.seconds < now.seconds.saturating_sub(MINUTE));
            let made = old.map(|at| text::away(now, at)).unwrap_or_default();
            rows.push([name, made, until, bytes, snapshots, objects, all_bytes, all_snapshots, all_objects]);
        }
        if rows[1..].iter().all(|row| row[1].is_empty()) {
            rows[0][1].clear();
        }
        text::write_columns(out, &rows, &[false, false, false, true, true, true, true, true, true])?;
        match holders.len().saturating_sub(rows.len() - 1) {
            0 => Ok(()),
            more => {
                writeln!(out, "... and {}: --json lists them all", text::counted(more as u64, "more holder"))
            }
        }
    }

    /// The known bytes of snapshots, if their snapshotters were asked.
    fn snapshots(&self, sum: Bytes) -> String {
        match (self.saying.snapshots, sum) {
            (None, _) => String::new(),
            (_, Bytes { bytes: 0, unknown: 1.. }) => "?".to_owned(),
            (_, Bytes { bytes, unknown: 1.. }) => format!("{} + ?", text::bytes(bytes)),
            (_, Bytes { bytes, unknown: 0 }) => text::bytes(bytes),
        }
    }

    /// A lease without an end.
    fn no_end(&self, holder: Subject<'_>) -> String {
        let Subject::Node(id) = holder else { return String::new() };
        let Node { namespace, key, .. } = self.saying.network.graph().node(id);
        let path = [names::V1, &namespace, names::LEASES, &key, names::LABELS];
        let labels = self.saying.situation.tree.view().at(&path);
        let is_no_time = labels.is_some_and(|labels| labels.get(names::GC_EXPIRE).is_some());
        let why = if is_no_time { ", its gc.expire is no time" } else { "" };
        format!("no end{why}")
    }

    /// When a holder was made.
    fn created(&self, holder: Subject<'_>) -> Option<Instant> {
        let Situation { tree, release, .. } = self.saying.situation;
        match holder {
            Subject::Node(id) => {
                let Node { resource_type, namespace, key } = self.saying.network.graph().node(id);
                views::created(tree, release.kind_of(resource_type), &namespace, &key)
            }
            Subject::Holder(Holder::Image { namespace, name }) => {
                views::created(tree, Kind::Image, namespace, name)
            }
            Subject::Holder(Holder::Container { namespace, id }) => {
                views::created(tree, Kind::Container, namespace, id)
            }
            Subject::Holder(Holder::Lease { namespace, id }) => {
                views::created(tree, Kind::Lease, namespace, id)
            }
            Subject::Holder(Holder::Sandbox { namespace, id }) => views::sandbox_created(tree, namespace, id),
            Subject::Holder(Holder::Collector { .. } | Holder::Itself) => None,
        }
    }

    fn write_next(&self, out: &mut dyn Write) -> io::Result<()> {
        let Digest { garbage, next, .. } = self.digest;
        let snapshots = if self.saying.snapshots.is_some() { "snapshots" } else { "" };
        let head = ["removable", "", "comes free", snapshots, "objects", "in all", snapshots, ""];
        let mut rows = vec![head.map(str::to_owned)];
        let mut sum = *garbage;
        rows.push([
            if self.saying.error.is_some() { "once mended" } else { "now" }.to_owned(),
            String::new(),
            text::bytes(garbage.bytes),
            self.snapshots(garbage.snapshots),
            text::count(garbage.objects),
            text::bytes(sum.bytes),
            self.snapshots(sum.snapshots),
            String::new(),
        ]);
        // One line a second: expiries of one moment differ in fractions only.
        let now = self.saying.now();
        let mut by_second: Vec<(String, Next)> = Vec::new();
        for next in next {
            let (word, date) = (End::of(next.at).word(), End::of(next.at).near(now));
            match by_second.last_mut().filter(|(last, ..)| last.ends_with(&date)) {
                Some((last, all)) => {
                    // Behind what goes at the full second the rest of it follows.
                    if word == "after" {
                        *last = format!("after {date}");
                    }
                    all.nodes.extend(&next.nodes);
                    all.bytes = all.bytes.saturating_add(next.bytes);
                    all.snapshots.add_all(next.snapshots);
                }
                None => by_second.push((format!("{word} {date}"), next.clone())),
            }
        }
        let shown = by_second.len().min(ROWS_MAX);
        for (date, Next { at, nodes, bytes, snapshots }) in by_second.drain(..shown) {
            let more = |sum: String| if sum.is_empty() { sum } else { format!("+ {sum}") };
            sum.bytes = sum.bytes.saturating_add(bytes);
            sum.snapshots.add_all(snapshots);
            rows.push([
                date,
                End::of(at).away(now),
                more(text::bytes(bytes)),
                more(self.snapshots(snapshots)),
                more(text::count(nodes.len() as u64)),
                text::bytes(sum.bytes),
                self.snapshots(sum.snapshots),
                self.expiring(&nodes),
            ]);
        }
        if rows[1..].iter().all(|row| row[1].is_empty()) {
            rows[0][1].clear();
        }
        text::write_columns(out, &rows, &[false, false, true, true, true, true, true, false])?;
        match by_second.len() {
            0 => Ok(()),
            more => {
                writeln!(out, "... and {}: --json lists them all", text::counted(more as u64, "later moment"))
            }
        }
    }

    /// What of some nodes expires by itself, the first of it.
    fn expiring(&self, nodes: &[NodeId]) -> String {
        let graph = self.saying.network.graph();
        let mut expiring = nodes.iter().filter(|id| graph.expiry(**id).is_some());
        let Some(first) = expiring.next() else { return String::new() };
        let name = self.saying.name(Subject::Node(*first), b"");
        match expiring.count() {
            0 => format!("{name} expires"),
            more => format!("{name} and {} more expire", text::count(more as u64)),
        }
    }

    /// What the sums of snapshots leave out.
    fn write_unknown(&self, out: &mut dyn Write) -> io::Result<()> {
        match (self.digest.snapshots_unknown, self.saying.snapshots) {
            (0, _) | (_, None) => Ok(()),
            (unknown, Some(snapshots)) => {
                let unread: Vec<&str> = snapshots.unread.iter().map(|unread| &*unread.store).collect();
                let unread = match &unread[..] {
                    [] => String::new(),
                    stores => format!("{} could not be looked at, and ", stores.join(", ")),
                };
                let unknown = text::counted(unknown, "snapshot");
                writeln!(
                    out,
                    "\nOf {unknown} no size is known and none is added: {unread}a snapshotter has that of committed ones only."
                )
            }
        }
    }
}

impl DigestReport<'_, '_, '_> {
    fn json_sums(&self, holding: &Holding<'_>) -> JsonSums {
        let Holding { held, alone, until, .. } = holding;
        JsonSums {
            objects: held.objects,
            bytes: held.bytes,
            objects_alone: alone.objects,
            bytes_alone: alone.bytes,
            snapshot_bytes: self.saying.json_snapshots(held.snapshots),
            snapshot_bytes_alone: self.saying.json_snapshots(alone.snapshots),
            until: until.map(time::format_rfc3339_nano),
        }
    }
}

impl Show for DigestReport<'_, '_, '_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let saying = &self.saying;
        let holders = self.digest.holders.iter().map(|holding| JsonHolder {
            node: saying.json_subject(holding.holder),
            rule: holding.rule.name(),
            created: self.created(holding.holder).map(time::format_rfc3339_nano),
            sums: self.json_sums(holding),
        });
        let several = self.digest.by_image.iter().filter(|holding| !holding.also.is_empty());
        let together = several.map(|holding| JsonTogether {
            nodes: std::iter::once(&holding.holder)
                .chain(&holding.also)
                .map(|name| saying.json_subject(*name))
                .collect(),
            sums: self.json_sums(holding),
        });
        let next = self.digest.next.iter().map(|next| JsonNext {
            at: time::format_rfc3339_nano(next.at),
            nodes: next
                .nodes
                .iter()
                .map(|id| saying.json_node(saying.network.graph().node(*id).as_ref()))
                .collect(),
            bytes: next.bytes,
            snapshot_bytes: saying.json_snapshots(next.snapshots),
        });
        let report = JsonDigest {
            release: saying.situation.release.name(),
            now: time::format_rfc3339_nano(saying.now()),
            error: saying.error,
            holders: holders.collect(),
            together: together.collect(),
            garbage: saying.json_held(self.digest.garbage),
            next: next.collect(),
            warnings: saying.warnings,
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (release, now) = (self.saying.situation.release, time::format_rfc3339_nano(self.saying.now()));
        self.saying.write_error(out)?;
        writeln!(
            out,
            "Who holds what by the rules of containerd {release} at {now}; \"alone\" is what goes without the holder\n"
        )?;
        if self.digest.by_image.len() > ROWS_MAX {
            writeln!(
                out,
                "The {ROWS_MAX} that hold most alone; behind them, of the others, those that hold most with others.\n"
            )?;
        }
        self.write_holders(out)?;
        writeln!(out)?;
        self.write_next(out)?;
        self.write_unknown(out)?;
        if let Some(first) = self.digest.by_image.first() {
            let name = self.saying.name(first.holder, b"");
            writeln!(
                out,
                "\nMore of one: leasehold explain {} {}",
                self.saying.command,
                word(name.as_bytes())
            )?;
        }
        Ok(())
    }
}
