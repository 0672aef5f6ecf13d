//! What a collection would remove and keep.

use super::Show;
use super::node::node_in;
use super::shell::quoted;
use crate::bucket::json;
use crate::engine::{Culprit, Level, LogEvent, NamedAs, Naming, NodeId, Outcome, Remedy};
use crate::explain::{Found, Thing};
use crate::instant::Instant;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::{Failure, Judgement};
use crate::reason::Words;
use crate::release::Release;
use crate::scenario::alias;
use crate::schema::{time, views};
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use crate::text;
use hashbrown::{HashMap, HashSet};
use serde::Serialize;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;

/// How many removed nodes are listed for people.
const LISTED_MAX: usize = 50;

/// A collection of a database and what is needed to show it.
pub struct Report<'a> {
    /// What was collected.
    pub situation: &'a Situation,
    /// What the collection did.
    pub outcome: &'a Outcome,
    /// Every resource of the database in the order of the sweep, which a failed collection does not walk to its end.
    pub walk: &'a [NodeRef<'a>],
    /// What the oracle says of it: why things go.
    pub judgement: &'a Judgement<'a>,
    /// How large snapshots are, where their snapshotters were asked.
    pub snapshots: Option<&'a Snapshots>,
    /// The source and the flags behind `leasehold explain`, as a shell takes them.
    pub command: &'a str,
    /// It is a daemon's database, and no scenario.
    pub is_daemons: bool,
    /// What makes it fail, if it fails.
    pub culprits: &'a [Culprit],
    /// What was said on standard error.
    pub warnings: &'a [String],
    /// What the other releases would do that open the database, where they were asked.
    pub releases: Option<&'a Releases>,
    /// By which of the releases that may be the daemon's the collection fails.
    pub failing: &'a [Release],
}

/// The other releases that open a database, beside the one whose rules it is judged by.
pub struct Releases {
    /// Those that would do the same.
    pub agree: Vec<Release>,
    /// The others, and what they would do, in words.
    pub differ: Vec<(Release, String)>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    release: &'a str,
    now: String,
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    culprits: Vec<JsonCulprit<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dies: Vec<&'a str>,
    roots: Vec<JsonNode<'a>>,
    marked: Option<Vec<JsonNode<'a>>>,
    kept: Vec<JsonNode<'a>>,
    removed: Vec<JsonNode<'a>>,
    totals: Vec<JsonTotal<'a>>,
    freed: Freed,
    log: Vec<JsonEvent<'a>>,
    warnings: &'a [String],
    releases: Option<JsonReleases<'a>>,
}

/// A line of the table.
#[derive(Serialize)]
struct JsonTotal<'a> {
    namespace: Cow<'a, str>,
    kind: String,
    kept: u64,
    removed: u64,
    /// Null where the database has no sizes of the kind.
    removed_bytes: Option<u64>,
    /// How many removed ones add nothing to that, as the database does not know their size.
    removed_unknown: u64,
}

#[derive(Serialize)]
struct JsonReleases<'a> {
    agree: Vec<&'a str>,
    differ: Vec<JsonOther<'a>>,
}

#[derive(Serialize)]
struct JsonOther<'a> {
    release: &'a str,
    does: &'a str,
}

#[derive(Serialize)]
struct JsonNode<'a> {
    r#type: u8,
    kind: String,
    namespace: Cow<'a, str>,
    key: Cow<'a, str>,
    /// Of content that is kept or removed, and of snapshots where their snapshotters were asked: its size, if it has one
    /// that can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Option<u64>>,
    /// It is handed to removal, and stays all the same: its bucket is not the one that is looked for, or the collection
    /// fails.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stays: bool,
    /// Of what is kept and will not live for ever: its last instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Why it goes: the first reason, and how many more there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// All reasons, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

/// What makes a collection fail.
#[derive(Serialize)]
struct JsonCulprit<'a> {
    #[serde(flatten)]
    node: JsonNode<'a>,
    /// The collectors that name it, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    named_by: Vec<String>,
}

#[derive(Serialize)]
struct JsonEvent<'a> {
    level: String,
    message: String,
    fields: BTreeMap<&'a str, String>,
}

#[derive(Default)]
struct Tally {
    kept: u64,
    removed: u64,
    removed_bytes: Bytes,
}

/// What becomes of the removed content and snapshots.
#[derive(Clone, Copy, Default, Serialize)]
struct Freed {
    /// What no namespace holds any more.
    #[serde(flatten)]
    freed: Bytes,
    /// What other namespaces still hold.
    held_elsewhere: Bytes,
    /// Snapshots; none where no snapshotter was asked.
    snapshots: Option<Bytes>,
}

impl<'a> Report<'a> {
    /// What stays: the walk less what is removed, or the whole walk if the collection failed, as nothing is removed
    /// then.
    fn kept(&self) -> Vec<NodeRef<'a>> {
        let outcome = self.outcome;
        if outcome.error.is_some() {
            return self.walk.to_vec();
        }
        let mut is_removed = vec![false; outcome.nodes.len()];
        outcome.removed.iter().for_each(|id| is_removed[id.index()] = true);
        // What is told once is passed over as if it went.
        let is_new = |id: &NodeId| !std::mem::replace(&mut is_removed[id.index()], true);
        outcome.walked.iter().copied().filter(is_new).map(|id| outcome.nodes.get(id)).collect()
    }

    fn nodes<'n>(&self, nodes: impl Iterator<Item = NodeRef<'n>>) -> Vec<JsonNode<'n>> {
        nodes.map(|node| self.json_node(node)).collect()
    }

    fn json_node<'n>(&self, node: NodeRef<'n>) -> JsonNode<'n> {
        JsonNode {
            r#type: node.resource_type.0,
            kind: text::kind_name(self.situation.release, node.resource_type),
            namespace: json::encode(node.namespace),
            key: json::encode(node.key),
            bytes: None,
            stays: false,
            expires: None,
            reason: None,
            reasons: Vec::new(),
        }
    }

    fn json_culprit<'n>(&self, culprit: &'n Culprit) -> JsonCulprit<'n> {
        let named_by = culprit.named_by.iter().map(|naming| naming_words(self.situation, naming));
        JsonCulprit { node: self.json_node(culprit.node.as_ref()), named_by: named_by.collect() }
    }

    /// A node that there is: of content with its size, of leases, images and ingests with their expiry.
    fn json_resource<'n>(&self, node: NodeRef<'n>) -> JsonNode<'n> {
        let bytes = self.is_sized(node.resource_type).then(|| self.size(node));
        let expires = self.expiry(node).map(time::format_rfc3339_nano);
        JsonNode { bytes, expires, ..self.json_node(node) }
    }

    /// When a node expires by itself.
    fn expiry(&self, node: NodeRef<'_>) -> Option<Instant> {
        let Situation { tree, release, .. } = self.situation;
        match release.kind_of(node.resource_type) {
            Kind::Lease => views::lease_expiry(tree, node.namespace, node.key),
            Kind::Image if release.rules().image_nodes => views::image_expiry(tree, node.namespace, node.key),
            Kind::Ingest => views::ingest_expiry(tree, node.namespace, node.key),
            _ => None,
        }
    }

    /// A flat type is another one's name for what counts under its own.
    fn is_content(&self, node: NodeRef<'_>) -> bool {
        let release = self.situation.release;
        release.kind_of(node.resource_type) == Kind::Content && !release.is_flat(node.resource_type)
    }

    /// Whether the sizes of nodes of a type are known here.
    fn is_sized(&self, resource_type: ResourceType) -> bool {
        let release = self.situation.release;
        match release.kind_of(resource_type) {
            _ if release.is_flat(resource_type) => false,
            Kind::Content => true,
            Kind::Snapshot => self.snapshots.is_some(),
            _ => false,
        }
    }

    /// The size of content, or of a snapshot whose snapshotter says it.
    fn size(&self, node: NodeRef<'_>) -> Option<u64> {
        let Situation { tree, release, .. } = self.situation;
        match release.kind_of(node.resource_type) {
            _ if release.is_flat(node.resource_type) => None,
            Kind::Content => views::blob_size(tree, node.namespace, node.key),
            Kind::Snapshot => self.snapshots?.size(tree, node.namespace, node.key),
            _ => None,
        }
    }

    /// Whether a removed node's bucket is there afterwards: the sweep cuts a snapshot's key at its first slash, and where
    /// the snapshotter's name has one it looks in another bucket (L19). Of a failed collection everything stays.
    fn stays(&self, node: NodeRef<'_>) -> bool {
        let Outcome { after, error, .. } = self.outcome;
        let kind = self.situation.release.kind_of(node.resource_type);
        let is_flat = self.situation.release.is_flat(node.resource_type);
        error.is_some() || !is_flat && views::has(after, kind, node.namespace, node.key)
    }

    fn write_events(&self, out: &mut dyn Write) -> io::Result<()> {
        for event in self.outcome.log.iter().filter(|event| event.level() > Level::Debug) {
            let fields = event.fields();
            // The value is escaped already, but for its quotes.
            let quoted = |value: &[u8]| alias::in_name(value).replace('"', "\\\"");
            let fields = fields.iter().map(|(name, value)| format!(" {name}=\"{}\"", quoted(value)));
            writeln!(out, "{:<5} {}{}", event.level(), event.message(), fields.collect::<String>())?;
        }
        Ok(())
    }

    /// What stays and goes by namespace and type. Nothing goes if the collection fails.
    fn tallies(&self) -> BTreeMap<(&'a [u8], ResourceType), Tally> {
        let mut tallies: BTreeMap<(&[u8], ResourceType), Tally> = BTreeMap::new();
        for node in self.kept() {
            tallies.entry((node.namespace, node.resource_type)).or_default().kept += 1;
        }
        for node in self.removed().filter(|_| self.outcome.error.is_none()) {
            let tally = tallies.entry((node.namespace, node.resource_type)).or_default();
            tally.removed += 1;
            if self.is_sized(node.resource_type) {
                tally.removed_bytes.add(self.size(node));
            }
        }
        tallies
    }

    fn json_totals(&self) -> Vec<JsonTotal<'a>> {
        let tallies = self.tallies().into_iter();
        tallies
            .map(|((namespace, resource_type), tally)| {
                let kind = self.situation.release.kind_of(resource_type);
                let lies_elsewhere = lies_elsewhere(kind) && !self.is_sized(resource_type);
                JsonTotal {
                    namespace: json::encode(namespace),
                    kind: text::kind_name(self.situation.release, resource_type),
                    kept: tally.kept,
                    removed: tally.removed,
                    removed_bytes: (!lies_elsewhere).then_some(tally.removed_bytes.bytes),
                    removed_unknown: if lies_elsewhere { tally.removed } else { tally.removed_bytes.unknown },
                }
            })
            .collect()
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let tallies = self.tallies();
        if tallies.is_empty() {
            return writeln!(out, "Nothing is there that a collection could keep or remove.");
        }
        let mut rows = vec![["namespace", "type", "kept", "removed", "removed bytes"].map(str::to_owned)];
        for ((namespace, resource_type), tally) in tallies {
            let kind = text::kind_name(self.situation.release, resource_type);
            let removed_bytes = match tally.removed_bytes {
                Bytes { bytes: 0, unknown: 0 } => String::new(),
                bytes => bytes.to_string(),
            };
            let counts = [text::count(tally.kept), text::count(tally.removed)];
            let [kept, removed] = counts;
            rows.push([text::name(namespace), kind, kept, removed, removed_bytes]);
        }
        text::write_columns(out, &rows, &[false, false, true, true, true])
    }

    /// What is handed to removal, each once: what a collector lists, too, is so twice.
    fn removed(&self) -> impl Iterator<Item = NodeRef<'a>> {
        let outcome = self.outcome;
        let mut is_told = vec![false; outcome.nodes.len()];
        let is_new = move |id: &NodeId| !std::mem::replace(&mut is_told[id.index()], true);
        outcome.removed.iter().copied().filter(is_new).map(|id| outcome.nodes.get(id))
    }

    /// A blob's bytes come free when no namespace has its digest any more. Where namespaces differ in its size, what the
    /// last one says that says something counts.
    fn freed(&self) -> Freed {
        let mut freed = Freed { snapshots: self.snapshots.map(|_| Bytes::default()), ..Freed::default() };
        if self.outcome.error.is_some() {
            return freed;
        }
        // Only looked up and added up, so that hash order shows nowhere.
        let held = self.held_after();
        let mut sizes: HashMap<&[u8], Option<u64>> = HashMap::new();
        for node in self.removed().filter(|node| self.is_content(*node)) {
            if held.contains(node.key) {
                freed.held_elsewhere.add(self.size(node));
            } else {
                let size = sizes.entry(node.key).or_default();
                *size = self.size(node).or(*size);
            }
        }
        sizes.values().for_each(|size| freed.freed.add(*size));
        if let Some(snapshots) = &mut freed.snapshots {
            let gone = self.of(Kind::Snapshot).filter(|node| !self.stays(*node));
            gone.for_each(|node| snapshots.add(self.size(node)));
        }
        freed
    }

    /// The digests that are in the database afterwards, or that an ingest is to become.
    fn held_after(&self) -> HashSet<&'a [u8]> {
        let after = &self.outcome.after;
        views::blobs(after).map(|(_, digest)| digest).chain(views::expected_digests(after)).collect()
    }

    fn write_freed(&self, out: &mut dyn Write) -> io::Result<()> {
        let Freed { freed, held_elsewhere, snapshots } = self.freed();
        let held_note = match held_elsewhere {
            bytes if bytes.is_nothing() => String::new(),
            bytes if freed.is_nothing() => {
                format!(" ({bytes} stay, as their digests are had elsewhere)")
            }
            bytes => format!(" ({bytes} more stay, as their digests are had elsewhere)"),
        };
        let removed = text::count(self.removed().count() as u64);
        let snapshots = snapshots.map(|bytes| format!(" and {}", bytes.of("snapshots"))).unwrap_or_default();
        writeln!(out, "\n{removed} removed; {freed} of content{snapshots} would come free{held_note}.")?;
        self.write_elsewhere(out)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = NodeRef<'a>> {
        self.removed().filter(move |node| self.situation.release.kind_of(node.resource_type) == kind)
    }

    /// What goes besides content and takes room on the disk, of which the database does not say how much.
    fn write_elsewhere(&self, out: &mut dyn Write) -> io::Result<()> {
        let counted = |kind: Kind| match self.of(kind).count() {
            count if count == 0 || kind == Kind::Snapshot && self.snapshots.is_some() => None,
            count => Some(text::counted(count as u64, &kind.to_string())),
        };
        let (snapshots, ingests) = (counted(Kind::Snapshot), counted(Kind::Ingest));
        let places = [
            snapshots.as_ref().map(|_| "io.containerd.snapshotter.v1.*"),
            ingests.as_ref().map(|_| "io.containerd.content.v1.content/ingest"),
        ];
        let places = places.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let counts = [snapshots, ingests].into_iter().flatten().collect::<Vec<_>>().join(" and ");
        if counts.is_empty() {
            return Ok(());
        }
        writeln!(out, "Of {counts} among them meta.db does not know the sizes: they lie below {places}.")
    }

    /// What goes, the largest first, each with the first reason for it.
    fn write_removed(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut removed: Vec<(NodeRef<'_>, Option<u64>)> =
            self.removed().map(|node| (node, self.size(node))).collect();
        let held = self.held_after();
        let is_held = |node: NodeRef<'_>| self.is_content(node) && held.contains(node.key);
        removed.sort_by_key(|(node, size)| (is_held(*node), Reverse(size.unwrap_or(0))));
        let count = removed.len();
        removed.truncate(LISTED_MAX);
        let nodes: Vec<NodeRef<'_>> = removed.iter().map(|(node, _)| *node).collect();
        let failures = self.judgement.failures_of_each(&nodes);
        let rows = removed.iter().zip(&failures).map(|((node, size), failures)| {
            let stays = if self.stays(*node) { "its bucket stays; " } else { "" };
            let held = if is_held(*node) { "frees nothing: its digest is had elsewhere; " } else { "" };
            let name = alias::in_text(&node_in(&self.situation.tree, self.situation.release, *node));
            let reason = text::short_digests(&alias::in_text(&self.reason(*node, failures)));
            [
                format!("  remove  {name}"),
                size.map(text::bytes).unwrap_or_default(),
                format!("{stays}{held}{reason}"),
            ]
        });
        let rows: Vec<[String; 3]> = rows.collect();
        text::write_columns(out, &rows, &[false, true, false])?;
        if count > LISTED_MAX {
            writeln!(
                out,
                "  ... and {} more: --json lists them all",
                text::count((count - LISTED_MAX) as u64)
            )?;
        }
        let Some((first, _)) = removed.first() else { return Ok(()) };
        let thing = Thing::Node(self.situation.release.kind_of(first.resource_type));
        let found = Found { namespace: first.namespace.to_vec(), thing, key: first.key.to_vec() };
        let name = found.name_in(&self.situation.tree);
        writeln!(out, "\nMore of one: leasehold explain {} {}", self.command, quoted(alias::in_text(&name)))?;
        if !self.is_daemons {
            return Ok(());
        }
        // `Delete` of the leases service with `sync` returns when the collection is complete.
        let ctr = format!("ctr -n {} leases", quoted(OsStr::from_bytes(first.namespace)));
        writeln!(
            out,
            "A daemon collects by itself some time after something is deleted; at once: {ctr} create --id collect-now && {ctr} rm --sync collect-now"
        )
    }

    /// The first reason for which a node goes, and how many more there are.
    fn reason(&self, node: NodeRef<'_>, failures: &[Failure<'_>]) -> String {
        self.words(node).failures(node, self.own_failures(node).as_deref().unwrap_or(failures))
    }

    /// All reasons for which a node goes.
    fn reasons(&self, node: NodeRef<'_>, failures: &[Failure<'_>]) -> Vec<String> {
        let own = self.own_failures(node);
        let failures = own.as_deref().unwrap_or(failures);
        failures.iter().map(|failure| self.words(node).failure(node, failure)).collect()
    }

    fn words<'n>(&'n self, node: NodeRef<'n>) -> Words<'n> {
        let Situation { release, tree, .. } = self.situation;
        Words { release: *release, tree, namespace: node.namespace }
    }

    /// What is listed with another number of its type is not found for a reason of its own.
    fn own_failures(&self, node: NodeRef<'_>) -> Option<Vec<Failure<'_>>> {
        let is_other = node.resource_type != node.resource_type.stripped();
        let mut resources = self.judgement.resources();
        let listed = is_other.then(|| resources.find(|resource| resource.node().as_ref() == node)).flatten();
        listed.map(|resource| resource.failures())
    }
}

impl Show for Report<'_> {
    /// The object of `collect --json`.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let outcome = self.outcome;
        let report = JsonReport {
            release: self.situation.release.name(),
            now: time::format_rfc3339_nano(self.situation.now),
            error: outcome.error.as_ref().map(ToString::to_string),
            roots: self.nodes(outcome.refs(&outcome.roots)),
            marked: outcome.marked().map(|marked| self.nodes(marked.into_iter())),
            kept: self.kept().into_iter().map(|node| self.json_resource(node)).collect(),
            culprits: self.culprits.iter().map(|culprit| self.json_culprit(culprit)).collect(),
            dies: dying(self.failing),
            removed: self
                .removed()
                .map(|node| {
                    let failures = self.judgement.failures(node);
                    let reasons = self.reasons(node, &failures);
                    JsonNode {
                        stays: self.stays(node),
                        reason: Some(self.reason(node, &failures)),
                        reasons: if reasons.len() > 1 { reasons } else { Vec::new() },
                        ..self.json_resource(node)
                    }
                })
                .collect(),
            totals: self.json_totals(),
            freed: self.freed(),
            log: outcome.log.iter().map(json_event).collect(),
            warnings: self.warnings,
            releases: self.releases.map(json_releases),
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    /// The report for people: counts by namespace and type, the bytes that would come free, the removed nodes, and
    /// what containerd would log beyond debugging.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (release, now) = (self.situation.release, time::format_rfc3339_nano(self.situation.now));
        writeln!(out, "A collection by containerd {release} at {now}")?;
        self.write_events(out)?;
        if let Some(error) = &self.outcome.error {
            writeln!(out, "\nerror: {}", alias::in_name(error.to_string().as_bytes()))?;
            let resources = text::counted(self.walk.len() as u64, "resource");
            writeln!(out, "The collection fails and nothing is removed of {resources}.")?;
            write_culprits(out, self.situation, self.culprits)?;
            return write_dying(out, self.failing);
        }
        writeln!(out)?;
        self.write_table(out)?;
        self.write_freed(out)?;
        self.write_removed(out)
    }
}

/// Whether a release's daemon dies if the first collection after its start fails: up to 2.1 its scheduler reads a time then
/// that is not there (`gcScheduler.run` in `plugins/gc/scheduler.go`).
pub fn dies_of_failure(release: Release) -> bool {
    release <= Release::V2_1
}

/// The names of those releases that die, of those whose collection fails.
pub(super) fn dying(failing: &[Release]) -> Vec<&'static str> {
    failing.iter().filter(|release| dies_of_failure(**release)).map(|release| release.name()).collect()
}

/// Says that the daemon dies, if it may be of such a release.
///
/// # Errors
/// The writer's.
pub(super) fn write_dying(out: &mut dyn Write, failing: &[Release]) -> io::Result<()> {
    if dying(failing).is_empty() {
        return Ok(());
    }
    writeln!(out, "A daemon up to 2.1 dies of it if it is the first collection after its start.")
}

/// What has to be mended so that a failing collection succeeds.
///
/// # Errors
/// The writer's.
pub(super) fn write_culprits(
    out: &mut dyn Write,
    situation: &Situation,
    culprits: &[Culprit],
) -> io::Result<()> {
    let Situation { tree, release, .. } = situation;
    for culprit in culprits.iter().take(LISTED_MAX) {
        writeln!(out, "  stopped by  {}", alias::in_text(&node_in(tree, *release, culprit.node.as_ref())))?;
        for naming in &culprit.named_by {
            writeln!(out, "  named by    {}", alias::in_text(&naming_words(situation, naming)))?;
        }
    }
    if culprits.len() > LISTED_MAX {
        let more = text::count((culprits.len() - LISTED_MAX) as u64);
        writeln!(out, "  ... and {more} more: --json lists them all")?;
    }
    writeln!(out, "Every collection fails until that is mended, so that nothing is ever removed.")?;
    let remedies: BTreeSet<Remedy> = culprits.iter().map(|culprit| culprit.remedy).collect();
    remedies.into_iter().try_for_each(|remedy| writeln!(out, "To mend it, {}.", remedy_words(remedy)))
}

/// Which collector names a node, and as what.
fn naming_words(situation: &Situation, naming: &Naming) -> String {
    let Situation { tree, release, .. } = situation;
    let collector = release.kind_of(naming.collector);
    let node = |node: &Node| node_in(tree, *release, node.as_ref());
    match &naming.named_as {
        NamedAs::Active => format!("collector {collector}, as active"),
        NamedAs::Leased(lease) => format!("collector {collector}, as held by {}", node(lease)),
        NamedAs::BackReference(from) => {
            format!("collector {collector}, as kept by {} (a back reference)", node(from))
        }
        NamedAs::Reference(from) => format!("collector {collector}, as what {} refers to", node(from)),
    }
}

fn remedy_words(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Abort => {
            "delete the ingest by a client (Abort of the content service); its writer begins anew"
        }
        Remedy::RemoveOrKeep => {
            "remove the object by a client, or keep it by a lease or the label containerd.io/gc.root: \
             a collection looks for it elsewhere, as the name before its slash is cut"
        }
        Remedy::Plugin => {
            "run the daemon without the plugin whose collector names that, or correct the plugin: \
             it is no object that a client could delete"
        }
    }
}

/// Whether what a node of a kind takes on the disk is known to its backend or collector alone. A lease and an image are
/// no more than their records.
fn lies_elsewhere(kind: Kind) -> bool {
    !matches!(kind, Kind::Content | Kind::Image | Kind::Lease | Kind::Container | Kind::Task)
}

fn json_releases(releases: &Releases) -> JsonReleases<'_> {
    let differ = releases.differ.iter();
    JsonReleases {
        agree: releases.agree.iter().map(|release| release.name()).collect(),
        differ: differ.map(|(release, does)| JsonOther { release: release.name(), does }).collect(),
    }
}

fn json_event(event: &LogEvent) -> JsonEvent<'_> {
    let fields = event.fields().into_iter();
    let fields = fields.map(|(name, value)| (name, json::encode(&value).into_owned())).collect();
    JsonEvent { level: event.level().to_string(), message: event.message(), fields }
}
