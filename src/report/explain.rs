//! Why an object is kept or goes, and who holds what.

use super::shell;
use super::{Show, collect};
use crate::bucket::{Bucket, json};
use crate::engine::Culprit;
use crate::explain::{Digest, Explanation, Found, Held, Holding, Hop, Network, Next, State, Subject, Thing};
use crate::instant::Instant;
use crate::node::{Kind, Node, NodeRef, ResourceType};
use crate::oracle::graph::NodeId;
use crate::oracle::{By, Failure, Holder, Reason, Rule};
use crate::reason::Words;
use crate::replay::Lines;
use crate::scenario::{alias, print_label};
use crate::schema::{names, time, views};
use crate::situation::Situation;
use crate::stored::{Bytes, Snapshots};
use crate::text;
use hashbrown::HashMap;
use serde::Serialize;
use std::cmp::Reverse;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;

/// How many of a list are told to people.
const LISTED_MAX: usize = 10;
/// How many holders and instants are.
const ROWS_MAX: usize = 40;

/// What every explanation is said with.
#[derive(Clone, Copy)]
pub struct Saying<'r, 'j, 'a> {
    /// What is explained.
    pub situation: &'a Situation,
    /// Its relations.
    pub network: &'r Network<'j, 'a>,
    /// How large its snapshots are, where their snapshotters were asked.
    pub snapshots: Option<&'r Snapshots>,
    /// Which line of a scenario wrote what, if the source is one.
    pub lines: Option<&'r Lines>,
    /// Why a collection fails, if it does: then nothing is removed.
    pub error: Option<&'r str>,
    /// What makes it fail.
    pub culprits: &'r [Culprit],
    /// The source and the flags behind `leasehold explain`, as a shell takes them, to be asked more.
    pub command: &'r str,
}

/// The explanation of one object.
pub struct NodeReport<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// What was asked about.
    pub found: &'r Found,
    /// The answer.
    pub explanation: &'r Explanation<'a>,
}

/// The digest of all holders.
pub struct DigestReport<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// The answer.
    pub digest: &'r Digest<'a>,
}

/// A node, or a holder that is none in the release: of no type then.
#[derive(Serialize)]
pub(super) struct JsonNode {
    pub(super) r#type: Option<u8>,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) key: String,
}

#[derive(Serialize)]
struct JsonHop {
    /// Of a scenario that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    rule: &'static str,
    label: Option<String>,
    from: Option<JsonNode>,
    to: JsonNode,
}

#[derive(Serialize)]
struct JsonNearMiss {
    reason: String,
    node: Option<JsonNode>,
    label: Option<String>,
}

#[derive(Serialize)]
struct JsonElsewhere {
    node: JsonNode,
    kept: bool,
}

#[derive(Serialize)]
struct JsonNodeReport<'a> {
    release: &'a str,
    now: String,
    error: Option<&'a str>,
    node: JsonNode,
    state: &'a str,
    chain: Vec<JsonHop>,
    chains: Vec<Vec<JsonHop>>,
    roots: usize,
    alone: Vec<JsonNode>,
    until: Option<String>,
    near_misses: Vec<JsonNearMiss>,
    bytes: u64,
    bytes_alone: u64,
    snapshot_bytes: Option<u64>,
    snapshot_bytes_alone: Option<u64>,
    takes_along: Vec<JsonNode>,
    elsewhere: Vec<JsonElsewhere>,
    named_by: Vec<JsonHop>,
    missing: Vec<JsonHop>,
}

#[derive(Serialize)]
struct JsonHolder {
    node: JsonNode,
    rule: &'static str,
    objects: u64,
    bytes: u64,
    objects_alone: u64,
    bytes_alone: u64,
    snapshot_bytes: Option<u64>,
    snapshot_bytes_alone: Option<u64>,
    until: Option<String>,
}

#[derive(Serialize)]
struct JsonHeld {
    objects: u64,
    bytes: u64,
    snapshot_bytes: Option<u64>,
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
    garbage: JsonHeld,
    next: Vec<JsonNext>,
}

impl<'a> Saying<'_, '_, 'a> {
    fn words<'w>(&'w self, namespace: &'w [u8]) -> Words<'w> {
        Words { release: self.situation.release, tree: &self.situation.tree, namespace }
    }

    pub(super) fn json_node(&self, node: NodeRef<'_>) -> JsonNode {
        JsonNode {
            r#type: Some(node.resource_type.0),
            kind: text::kind_name(self.situation.release, node.resource_type),
            namespace: json::encode(node.namespace).into_owned(),
            key: json::encode(node.key).into_owned(),
        }
    }

    /// The number of what is a node in the release.
    fn number(&self, kind: Kind) -> Option<u8> {
        let rules = self.situation.release.rules();
        let is_node = match kind {
            Kind::Image => rules.image_nodes,
            Kind::Container => rules.container_nodes,
            _ => true,
        };
        self.situation.release.type_of(kind).filter(|_| is_node).map(|number| number.0)
    }

    pub(super) fn json_named(&self, kind: Kind, namespace: &[u8], key: &[u8]) -> JsonNode {
        let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
        JsonNode { r#type: self.number(kind), kind: kind.to_string(), namespace, key }
    }

    pub(super) fn json_subject(&self, subject: Subject<'_>) -> JsonNode {
        let of = |kind: &str, namespace: &[u8], key: &[u8]| {
            let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
            JsonNode { r#type: None, kind: kind.to_owned(), namespace, key }
        };
        match subject {
            Subject::Node(id) => self.json_node(self.network.graph().node(id).as_ref()),
            Subject::Holder(holder) => match holder {
                Holder::Image { namespace, name } => of("image", namespace, name),
                Holder::Container { namespace, id } => of("container", namespace, id),
                Holder::Sandbox { namespace, id } => of("sandbox", namespace, id),
                Holder::Lease { namespace, id } => of("lease", namespace, id),
                Holder::Collector { resource_type } => {
                    let kind = self.situation.release.kind_of(resource_type).to_string();
                    of("collector", b"", kind.as_bytes())
                }
                Holder::Itself => of("none", b"", b""),
            },
        }
    }

    /// The line of a scenario that wrote a root or a reference.
    fn line(&self, hop: &Hop<'_>) -> Option<usize> {
        let lines = self.lines?;
        lines.line(&hop.place(self.network, self.situation.release)?)
    }

    fn json_hop(&self, hop: &Hop<'_>) -> JsonHop {
        JsonHop {
            line: self.line(hop),
            rule: hop.rule.name(),
            label: hop.label.map(|label| json::encode(label).into_owned()),
            from: hop.from.map(|from| self.json_subject(from)),
            to: self.json_node(hop.to.as_ref()),
        }
    }

    /// What is taken for a node or a holder by people, from a namespace that is not written out.
    pub(super) fn name(&self, subject: Subject<'_>, namespace: &[u8]) -> String {
        let words = self.words(namespace);
        let name = match subject {
            Subject::Node(id) => words.plain(self.network.graph().node(id).as_ref()),
            Subject::Holder(Holder::Sandbox { namespace: own, id }) => {
                let inside = format!("sandbox/{}", text::name(id));
                if own == namespace { inside } else { format!("{}/{inside}", text::name(own)) }
            }
            Subject::Holder(Holder::Collector { resource_type }) => {
                format!("collector/{}", words.collector(resource_type))
            }
            Subject::Holder(holder) => words.holder(&By::Root(holder)),
        };
        shown(&name)
    }

    fn now(&self) -> Instant {
        self.situation.now
    }

    /// A sum of snapshots as machines read it: null where no snapshotter was asked.
    fn json_snapshots(&self, sum: Bytes) -> Option<u64> {
        self.snapshots.map(|_| sum.bytes)
    }

    /// The size of content or of a snapshot, where it is known.
    pub(super) fn size(&self, node: NodeRef<'_>) -> Option<u64> {
        let Situation { release, tree, .. } = self.situation;
        match release.kind_of(node.resource_type) {
            Kind::Content => views::blob_size(tree, node.namespace, node.key),
            Kind::Snapshot => self.snapshots?.size(tree, node.namespace, node.key),
            _ => None,
        }
    }

    /// An instant with how far away it is.
    fn when(&self, at: Instant) -> String {
        format!("{}, {}", time::format_rfc3339(at), text::away(self.now(), at))
    }

    fn write_error(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(error) = self.error else { return Ok(()) };
        writeln!(out, "The collection fails: {}", text::line(error))?;
        collect::write_culprits(out, self.situation.release, self.culprits)?;
        writeln!(out, "What follows is what the rules keep, and what would go once that is mended.\n")
    }
}

/// A name with everyday names and short digests.
pub(super) fn shown(name: &str) -> String {
    text::short_digests(&alias::in_text(name))
}

fn plural<'w>(count: usize, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

impl<'a> NodeReport<'_, '_, 'a> {
    fn namespace(&self) -> &[u8] {
        &self.found.namespace
    }

    /// `k8s.io/content/sha256:...   8.0 MiB   kept, by 3 roots`
    fn write_title(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, roots, .. } = self.explanation;
        let release = self.saying.situation.release;
        let size = self.saying.size(self.node().as_ref());
        let size = size.map(|bytes| format!("   {}", text::bytes(bytes))).unwrap_or_default();
        let state = match state {
            State::Kept => {
                format!("kept, by {} {}", text::count(*roots as u64), plural(*roots, "root", "roots"))
            }
            State::Removed if self.saying.error.is_some() => {
                "would go, if the collection did not fail".to_owned()
            }
            State::Removed => "goes at the next collection".to_owned(),
            State::Unswept => match self.found.thing {
                Thing::Collector => "a plugin of the daemon: it is no object of the database".to_owned(),
                Thing::Node(kind) if self.is_silent() => {
                    format!("stays: the collector of {kind} fails to start, so that nothing of it is listed")
                }
                thing => format!("stays until a client deletes it: containerd {release} collects no {thing}"),
            },
            State::Missing => match self.explanation.named_by.len() {
                0 => "missing: there is no such object".to_owned(),
                _ => "missing: there is no such object, though it is named".to_owned(),
            },
        };
        let name = self.found.name_in(&self.saying.situation.tree);
        writeln!(out, "{name}{size}   {state}")
    }

    /// Whether it is what a collector lists that fails to start.
    fn is_silent(&self) -> bool {
        let Saying { situation, .. } = self.saying;
        let of_kind = |kind| situation.collector(kind).is_some_and(|collector| collector.start_error);
        matches!(self.found.thing, Thing::Node(kind) if of_kind(kind))
    }

    fn write_chains(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { chains, roots, state, .. } = self.explanation;
        if *state == State::Missing {
            return Ok(());
        }
        for chain in chains {
            writeln!(out, "  {}", self.chain(chain))?;
        }
        match roots - chains.len() {
            0 => Ok(()),
            more => writeln!(
                out,
                "  ... and {} {} more: --json has the first {}",
                text::count(more as u64),
                plural(more, "root", "roots"),
                chains.len()
            ),
        }
    }

    fn chain(&self, chain: &[Hop<'a>]) -> String {
        let namespace = self.namespace();
        let [first, rest @ ..] = chain else { return String::new() };
        let is_last = rest.is_empty();
        let name = |hop: &Hop<'_>, is_last: bool| {
            if is_last {
                "it".to_owned()
            } else {
                shown(&self.saying.words(namespace).plain(hop.to.as_ref()))
            }
        };
        let mut line = match first.from {
            Some(from) => {
                let end = self.end(from);
                format!(
                    "{}{end}  {}  {}",
                    self.saying.name(from, namespace),
                    arrow(first),
                    name(first, is_last)
                )
            }
            None if is_last => format!("a root by itself: {}", self.root(first)),
            None => match first.rule {
                Rule::RootLabel | Rule::ActiveIngest => {
                    format!("{} ({})", name(first, false), self.root(first))
                }
                _ => name(first, false),
            },
        };
        const SHOWN: usize = 6;
        let hidden = rest.len().saturating_sub(2 * SHOWN);
        for (place, hop) in rest.iter().enumerate() {
            if hidden > 1 && (SHOWN..SHOWN + hidden).contains(&place) {
                if place == SHOWN {
                    line.push_str(&format!("  ... {} more: --json ...", text::count(hidden as u64)));
                }
                continue;
            }
            line.push_str(&format!("  {}  {}", arrow(hop), name(hop, place + 1 == rest.len())));
        }
        if self.saying.situation.release.is_flat(chain[chain.len() - 1].to.resource_type) {
            line.push_str(", flat: without what its labels refer to");
        }
        line + &self.lines(chain)
    }

    /// Which lines of a scenario wrote the steps of a chain, in their order.
    fn lines(&self, chain: &[Hop<'a>]) -> String {
        let mut lines: Vec<usize> = chain.iter().filter_map(|hop| self.saying.line(hop)).collect();
        lines.dedup();
        let mut numbers: Vec<String> = lines.iter().map(usize::to_string).collect();
        const SHOWN: usize = 3;
        if numbers.len() > 2 * SHOWN + 1 {
            numbers.splice(SHOWN..numbers.len() - SHOWN, ["...".to_owned()]);
        }
        let numbers = numbers.join(", ");
        match lines.len() {
            0 => String::new(),
            count => format!("   ({} {numbers})", plural(count, "line", "lines")),
        }
    }

    /// The end of a lease.
    fn end(&self, from: Subject<'a>) -> String {
        let Subject::Node(id) = from else { return String::new() };
        let graph = self.saying.network.graph();
        let is_lease = self.saying.situation.release.kind_of(graph.type_of(id)) == Kind::Lease;
        match graph.expiry(id) {
            _ if !is_lease => String::new(),
            None => " (no end)".to_owned(),
            Some(at) => format!(" (until {})", self.when_before(at)),
        }
    }

    /// A lease's end is the last instant before the first at which it has expired.
    fn when_before(&self, at: Instant) -> String {
        self.saying.when(at.shifted(-1))
    }

    /// By what a node is a root by itself.
    fn root(&self, hop: &Hop<'a>) -> String {
        let graph = self.saying.network.graph();
        let end = graph.find(hop.to.as_ref()).and_then(|id| graph.expiry(id));
        let away = end.map(|at| format!(", {}", text::away(self.saying.now(), at.shifted(-1))));
        let by = By::Root(Holder::Itself);
        let reason = Reason { reached_as: hop.to.resource_type, rule: hop.rule, label: hop.label, by };
        let words = self.saying.words(self.namespace()).reason(hop.to.as_ref(), &reason);
        shown(&words) + &away.unwrap_or_default()
    }

    fn write_alone(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { alone, state, roots, .. } = self.explanation;
        if *state != State::Kept {
            return Ok(());
        }
        let mut alone: Vec<Subject<'_>> = alone.clone();
        let chain = self.explanation.chains.first().map_or(&[][..], Vec::as_slice);
        let graph = self.saying.network.graph();
        let mut places: HashMap<Subject<'_>, usize> = HashMap::new();
        for (place, hop) in chain.iter().enumerate() {
            let to = graph.find(hop.to.as_ref()).map(Subject::Node);
            let from = hop.from.map(|from| (from, 2 * place));
            for (subject, place) in from.into_iter().chain(to.map(|to| (to, 2 * place + 1))) {
                places.entry(subject).or_insert(place);
            }
        }
        // Only looked up, so that hash order shows nowhere.
        alone.sort_by_key(|subject| places.get(subject).copied());
        let names = alone.iter().take(LISTED_MAX).map(|subject| self.saying.name(*subject, self.namespace()));
        let more = alone.len().saturating_sub(LISTED_MAX);
        let more = if more > 0 { format!(" and {} more", text::count(more as u64)) } else { String::new() };
        let names = names.collect::<Vec<_>>().join(", ") + &more;
        match (alone.len(), roots) {
            (0, 1) => Ok(()),
            (0, roots) => writeln!(
                out,
                "Nothing holds it alone: it goes only when all {} roots have let go of it.",
                text::count(*roots as u64)
            ),
            (1, _) => writeln!(out, "{names} alone holds it: without that it goes."),
            _ => writeln!(out, "Each of {names} alone holds it: without any one of them it goes."),
        }
    }

    fn write_until(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, until, .. } = self.explanation;
        match (state, until) {
            (State::Kept, Some(at)) => {
                writeln!(out, "If only time passes it goes after {}.", self.when_before(*at))
            }
            (State::Kept, None) => {
                writeln!(out, "No expiry lets it go: it stays until somebody lets go of it.")
            }
            _ => Ok(()),
        }
    }

    /// What comes free without it.
    fn write_bytes(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { takes_along, bytes_alone, snapshots_alone, bytes, state, .. } = self.explanation;
        if *state == State::Missing {
            return Ok(());
        }
        let count = text::counted(takes_along.len() as u64, "more object");
        let content = Some(*bytes_alone).filter(|bytes| *bytes > 0);
        let content = content.map(|bytes| format!("{} of content", text::bytes(bytes)));
        let snapshots = Some(*snapshots_alone).filter(|sum| !sum.is_nothing());
        let snapshots = snapshots.map(|sum| sum.of("snapshots"));
        let free = content.into_iter().chain(snapshots).collect::<Vec<_>>().join(" and ");
        match (free.is_empty(), takes_along.len()) {
            (true, 0) => {}
            (true, _) => writeln!(out, "Without it {count} would go:")?,
            (false, 0) if *state == State::Removed => writeln!(out, "{free} would come free with it.")?,
            (false, 0) => writeln!(out, "Without it {free} would come free.")?,
            (false, _) => writeln!(out, "Without it {count} would go, and {free} come free:")?,
        }
        let along = takes_along.iter().map(|id| {
            let size = self.saying.size(self.saying.network.graph().node(*id).as_ref());
            let size = size.map(|size| format!("   {}", text::bytes(size))).unwrap_or_default();
            self.saying.name(Subject::Node(*id), self.namespace()) + &size
        });
        self.write_listed(out, along)?;
        if takes_along.is_empty() && self.explanation.holds > 0 {
            let count = text::counted(self.explanation.holds, "object");
            writeln!(out, "It holds {count}, which others hold, too: without it alone none goes.")?;
        }
        let elsewhere = self.explanation.elsewhere.iter();
        let holding = elsewhere
            .filter(|(_, is_kept)| *is_kept)
            .map(|(id, _)| self.saying.name(Subject::Node(*id), b""));
        let holding: Vec<String> = holding.collect();
        if bytes.is_some() && !holding.is_empty() {
            writeln!(out, "Its bytes come free only when these let go of the same digest, too:")?;
        }
        self.write_listed(out, holding.into_iter())
    }

    fn write_listed(
        &self,
        out: &mut dyn Write,
        names: impl ExactSizeIterator<Item = String>,
    ) -> io::Result<()> {
        let count = names.len();
        for name in names.take(LISTED_MAX) {
            writeln!(out, "  {name}")?;
        }
        match count.saturating_sub(LISTED_MAX) {
            0 => Ok(()),
            more => writeln!(out, "  ... and {} more: --json lists them all", text::count(more as u64)),
        }
    }

    fn write_failures(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, failures, .. } = self.explanation;
        let head = match (state, failures.is_empty()) {
            (State::Removed, true) => return writeln!(out, "Nothing refers to it."),
            (_, true) => return Ok(()),
            (State::Removed, false) => "Why nothing holds it:",
            (State::Missing, false) => "What is said of it:",
            _ => "What does not hold it, although it looks so:",
        };
        writeln!(out, "{head}")?;
        self.write_listed(out, self.reasons())
    }

    /// Why each of what might hold it does not, with the first cause where there is one.
    fn reasons(&self) -> impl ExactSizeIterator<Item = String> {
        let (node, words) = (self.node(), self.saying.words(self.namespace()));
        self.explanation.failures.iter().zip(&self.explanation.causes).map(move |(failure, cause)| {
            let mut reason = words.failure(node.as_ref(), failure);
            if let Some((of, cause)) = cause {
                let is_next = failure.mentions().0 == Some(By::Node(of.clone()));
                let of_whom = format!(", because of {}", words.plain(of.as_ref()));
                reason.push_str(if is_next { "" } else { &of_whom });
                reason.push_str(&format!(": {}", words.failure(of.as_ref(), cause)));
            }
            shown(&reason)
        })
    }

    fn node(&self) -> Node {
        let Found { namespace, key, .. } = self.found;
        let number = |kind| self.saying.situation.release.type_of(kind);
        let resource_type = self.kind().and_then(number).unwrap_or(ResourceType(0));
        Node::new(resource_type, namespace, key)
    }

    fn kind(&self) -> Option<Kind> {
        if let Thing::Node(kind) = self.found.thing { Some(kind) } else { None }
    }

    fn write_named_by(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { named_by, missing, .. } = self.explanation;
        let lines = missing.iter().map(|hop| {
            format!(
                "it  {}  {}",
                names(hop),
                shown(&self.saying.words(self.namespace()).plain(hop.to.as_ref()))
            )
        });
        if !missing.is_empty() {
            writeln!(out, "It names what is missing:")?;
            self.write_listed(out, lines.collect::<Vec<_>>().into_iter())?;
        }
        if named_by.is_empty() {
            return Ok(());
        }
        writeln!(out, "Named by:")?;
        let lines = named_by.iter().map(|hop| {
            let from = hop.from.map(|from| self.saying.name(from, self.namespace())).unwrap_or_default();
            format!("{from}  {}  it", names(hop))
        });
        self.write_listed(out, lines.collect::<Vec<_>>().into_iter())
    }

    /// What an operator can do with containerd's own `ctr`.
    fn write_commands(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, chains, .. } = self.explanation;
        match state {
            State::Kept => {
                let mut commands: Vec<String> = Vec::new();
                for chain in chains {
                    commands.extend(chain.first().and_then(|hop| self.release_command(hop)));
                }
                commands.dedup();
                if !commands.is_empty() {
                    writeln!(
                        out,
                        "To let go of it{}:",
                        if self.explanation.roots > 1 { ", all of" } else { "" }
                    )?;
                }
                self.write_listed(out, commands.into_iter())?;
                match self.explanation.roots - chains.len() {
                    0 => Ok(()),
                    more => writeln!(
                        out,
                        "  ... and then {} {}: ask again when these are gone",
                        text::count(more as u64),
                        plural(more, "more root", "more roots"),
                    ),
                }
            }
            State::Removed => match self.keep_command() {
                Some(command) => writeln!(out, "To keep it:\n  {command}"),
                None => Ok(()),
            },
            State::Unswept => {
                let Found { namespace, thing, key } = self.found;
                let of = match thing {
                    Thing::Node(Kind::Image) => "images",
                    Thing::Node(Kind::Container) => "containers",
                    Thing::Sandbox => "sandboxes",
                    _ => return Ok(()),
                };
                writeln!(out, "To delete it:\n  {}", removal(namespace, of, key))
            }
            State::Missing => Ok(()),
        }
    }

    /// How a root is let go of: a command, or what to do where there is none.
    fn release_command(&self, hop: &Hop<'a>) -> Option<String> {
        let of = |namespace: &[u8], of: &str, name: &[u8]| Some(removal(namespace, of, name));
        match hop.from {
            Some(Subject::Holder(Holder::Image { namespace, name })) => of(namespace, "images", name),
            Some(Subject::Holder(Holder::Container { namespace, id })) => of(namespace, "containers", id),
            Some(Subject::Holder(Holder::Sandbox { namespace, id })) => of(namespace, "sandboxes", id),
            Some(Subject::Holder(_)) => None,
            Some(Subject::Node(id)) => {
                let lease = self.saying.network.graph().node(id);
                of(&lease.namespace, "leases", &lease.key)
            }
            None => {
                let Node { namespace, key, .. } = &hop.to;
                match hop.rule {
                    Rule::UnexpiredImage => of(namespace, "images", key),
                    Rule::LiveLease => of(namespace, "leases", key),
                    Rule::Container => of(namespace, "containers", key),
                    Rule::ActiveIngest => Some(
                        "its client aborts it by a call (Content.Abort): there is no command of ctr for that"
                            .to_owned(),
                    ),
                    Rule::RootLabel => {
                        let label = hop.label.unwrap_or(names::GC_ROOT);
                        self.label_command(&hop.to, &[label, b"="].concat())
                    }
                    _ => None,
                }
            }
        }
    }

    /// The same of a node that goes, to be kept.
    fn keep_command(&self) -> Option<String> {
        let node = self.node();
        match self.kind()? {
            Kind::Content | Kind::Snapshot => {
                self.label_command(&node, &[names::GC_ROOT, b"=pinned"].concat())
            }
            Kind::Image => {
                let label = [names::GC_EXPIRE, b"="].concat();
                Some(shell::ctr(&node.namespace, &[b"images", b"label"], &[&node.key, &label]))
            }
            Kind::Ingest => Some(
                "its client adds it to a lease by a call (Leases.AddResource): there is no command of ctr for that"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Sets a label, as `KEY=VALUE`.
    fn label_command(&self, node: &Node, label: &[u8]) -> Option<String> {
        // What stands before the first `=` is the key to `ctr`.
        if label.iter().filter(|byte| **byte == b'=').count() > 1 {
            return Some(format!(
                "a client takes {} away by a call: there is no command of ctr for a label with a `=`",
                print_label(label.strip_suffix(b"=").unwrap_or(label))
            ));
        }
        match self.saying.situation.release.kind_of(node.resource_type) {
            Kind::Content => Some(shell::ctr(&node.namespace, &[b"content", b"label"], &[&node.key, label])),
            Kind::Snapshot => {
                let tree = &self.saying.situation.tree;
                let slash = views::snapshot_slash(tree, &node.namespace, &node.key)?;
                let (snapshotter, key) = (&node.key[..slash], &node.key[slash + 1..]);
                let words: [&[u8]; 4] = [b"snapshots", b"--snapshotter", snapshotter, b"label"];
                Some(shell::ctr(&node.namespace, &words, &[key, label]))
            }
            _ => None,
        }
    }
}

/// The command that removes something.
fn removal(namespace: &[u8], of: &str, name: &[u8]) -> String {
    shell::ctr(namespace, &[of.as_bytes(), b"rm"], &[name])
}

/// Bytes as a shell takes them.
fn word(bytes: &[u8]) -> String {
    shell::quoted(OsStr::from_bytes(bytes))
}

/// The same of what names another by a label of its own.
fn names(hop: &Hop<'_>) -> String {
    match (hop.rule, hop.label) {
        (Rule::BackReference, Some(label)) => format!("-{}->", print_label(label)),
        _ => arrow(hop),
    }
}

/// `-target->`, with the label in place of the rule where one says so; the label of a back reference is the child's.
fn arrow(hop: &Hop<'_>) -> String {
    let label = hop.label.map(print_label);
    if hop.rule == Rule::BackReference {
        return format!("<-{}-", label.unwrap_or_default());
    }
    format!("-{}->", relation(hop.rule, hop.label))
}

/// A relation in a word: its label where one says so.
pub(super) fn relation(rule: Rule, label: Option<&[u8]>) -> String {
    match (rule, label.map(print_label)) {
        (_, Some(label)) => label,
        (Rule::LeaseHolds | Rule::CollectorLeased, _) => "holds".to_owned(),
        (Rule::Target, _) => "target".to_owned(),
        (Rule::ContainerSnapshot, _) => "snapshot".to_owned(),
        (Rule::Parent, _) => "parent".to_owned(),
        (Rule::Expected, _) => "is to become".to_owned(),
        (Rule::CollectorActive, _) => "in use".to_owned(),
        (rule, _) => rule.to_string(),
    }
}

impl Show for NodeReport<'_, '_, '_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let (saying, explanation) = (&self.saying, self.explanation);
        let of_node = |id: &u32| saying.json_node(saying.network.graph().node(*id).as_ref());
        let hops = |chain: &Vec<Hop<'_>>| chain.iter().map(|hop| saying.json_hop(hop)).collect::<Vec<_>>();
        let chains: Vec<Vec<JsonHop>> = explanation.chains.iter().map(hops).collect();
        let Found { namespace, thing, key } = self.found;
        let [namespace, key] = [namespace, key].map(|bytes| json::encode(bytes).into_owned());
        let r#type = self.kind().and_then(|kind| saying.number(kind));
        let report = JsonNodeReport {
            release: saying.situation.release.name(),
            now: time::format_rfc3339_nano(saying.now()),
            error: saying.error,
            node: JsonNode { r#type, kind: thing.to_string(), namespace, key },
            state: match explanation.state {
                State::Kept => "kept",
                State::Removed => "removed",
                State::Unswept => "unswept",
                State::Missing => "missing",
            },
            chain: explanation.chains.first().map(hops).unwrap_or_default(),
            chains,
            roots: explanation.roots,
            alone: explanation.alone.iter().map(|subject| saying.json_subject(*subject)).collect(),
            until: explanation.until.map(time::format_rfc3339_nano),
            near_misses: (explanation.failures.iter().zip(self.reasons()))
                .map(|(failure, reason)| self.json_near_miss(failure, reason))
                .collect(),
            bytes: explanation.bytes.unwrap_or(0),
            bytes_alone: explanation.bytes_alone,
            snapshot_bytes: saying.size(self.node().as_ref()).filter(|_| explanation.bytes.is_none()),
            snapshot_bytes_alone: saying.json_snapshots(explanation.snapshots_alone),
            takes_along: explanation.takes_along.iter().map(of_node).collect(),
            elsewhere: (explanation.elsewhere.iter())
                .map(|(id, kept)| JsonElsewhere { node: of_node(id), kept: *kept })
                .collect(),
            named_by: hops(&explanation.named_by),
            missing: hops(&explanation.missing),
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.saying.write_error(out)?;
        self.write_title(out)?;
        self.write_chains(out)?;
        self.write_alone(out)?;
        self.write_until(out)?;
        self.write_bytes(out)?;
        self.write_failures(out)?;
        self.write_named_by(out)?;
        self.write_commands(out)
    }
}

impl NodeReport<'_, '_, '_> {
    fn json_near_miss(&self, failure: &Failure<'_>, reason: String) -> JsonNearMiss {
        let (by, label) = failure.mentions();
        let node = by.map(|by| match by {
            By::Node(node) => self.saying.json_node(node.as_ref()),
            By::Root(holder) => self.saying.json_subject(Subject::Holder(holder)),
        });
        let label = label.map(|label| json::encode(label).into_owned());
        JsonNearMiss { reason, node, label }
    }
}

impl DigestReport<'_, '_, '_> {
    fn write_holders(&self, out: &mut dyn Write) -> io::Result<()> {
        let holders = &self.digest.holders;
        if holders.is_empty() {
            return writeln!(out, "Nothing holds anything.");
        }
        let snapshots = if self.saying.snapshots.is_some() { "snapshots" } else { "" };
        let head = ["holder", "until", "alone", snapshots, "objects", "all it holds", snapshots, "objects"];
        let mut rows = vec![head.map(str::to_owned)];
        // Of what is not among the first, those that hold most with others: no one of them alone lets go of it.
        let (first, rest) = holders.split_at(holders.len().min(ROWS_MAX));
        let mut most: Vec<&Holding<'_>> = rest.iter().collect();
        most.sort_by_key(|holding| Reverse(holding.held.bytes));
        most.truncate(LISTED_MAX);
        for Holding { holder, rule, held, alone, until } in first.iter().chain(most) {
            let mut name = self.saying.name(*holder, b"");
            if *rule == Rule::RootLabel {
                name.push_str(" (pinned)");
            }
            let until = match until {
                Some(at) => time::format_rfc3339(at.shifted(-1)),
                None if *rule == Rule::LiveLease => self.no_end(*holder),
                None => String::new(),
            };
            let columns = |held: &Held| {
                [text::bytes(held.bytes), self.snapshots(held.snapshots), text::count(held.objects)]
            };
            let [[bytes, snapshots, objects], [all_bytes, all_snapshots, all_objects]] =
                [alone, held].map(columns);
            rows.push([name, until, bytes, snapshots, objects, all_bytes, all_snapshots, all_objects]);
        }
        text::write_columns(out, &rows, &[false, false, true, true, true, true, true, true])?;
        match holders.len().saturating_sub(rows.len() - 1) {
            0 => Ok(()),
            more => {
                writeln!(out, "... and {}: --json lists them all", text::counted(more as u64, "more holder"))
            }
        }
    }

    /// The known bytes of snapshots, if their snapshotters were asked.
    fn snapshots(&self, sum: Bytes) -> String {
        self.saying.json_snapshots(sum).map(text::bytes).unwrap_or_default()
    }

    /// A lease without an end, and how old it is.
    fn no_end(&self, holder: Subject<'_>) -> String {
        let Subject::Node(id) = holder else { return String::new() };
        let Node { namespace, key, .. } = self.saying.network.graph().node(id);
        let created = views::lease_created(&self.saying.situation.tree, &namespace, &key);
        const DAY: i64 = 86_400;
        let now = self.saying.now();
        let old = created.filter(|at| at.seconds < now.seconds.saturating_sub(DAY));
        let made = old.map(|at| format!(", made {}", text::away(now, at)));
        let path = [names::V1, &namespace, names::LEASES, &key, names::LABELS];
        let labels = self.saying.situation.tree.view().at(&path);
        let is_no_time = labels.is_some_and(|labels| labels.get(names::GC_EXPIRE).is_some());
        let why = if is_no_time { ", its gc.expire is no time" } else { "" };
        format!("no end{why}{}", made.unwrap_or_default())
    }

    fn write_next(&self, out: &mut dyn Write) -> io::Result<()> {
        let Digest { garbage, next, .. } = self.digest;
        let snapshots = if self.saying.snapshots.is_some() { "snapshots" } else { "" };
        let mut rows = vec![["removable", "", "comes free", snapshots, "objects", ""].map(str::to_owned)];
        rows.push([
            if self.saying.error.is_some() { "once mended" } else { "now" }.to_owned(),
            String::new(),
            text::bytes(garbage.bytes),
            self.snapshots(garbage.snapshots),
            text::count(garbage.objects),
            String::new(),
        ]);
        // One line a second: expiries of one moment differ in fractions only.
        let mut by_second: Vec<(String, Next)> = Vec::new();
        for next in next {
            let date = time::format_rfc3339(next.at.shifted(-1));
            match by_second.last_mut().filter(|(last, ..)| *last == date) {
                Some((_, all)) => {
                    all.nodes.extend(&next.nodes);
                    all.bytes = all.bytes.saturating_add(next.bytes);
                    all.snapshots.add_all(next.snapshots);
                }
                None => by_second.push((date, next.clone())),
            }
        }
        let shown = by_second.len().min(ROWS_MAX);
        for (date, Next { at, nodes, bytes, snapshots }) in by_second.drain(..shown) {
            let more = |sum: String| if sum.is_empty() { sum } else { format!("+ {sum}") };
            rows.push([
                format!("after {date}"),
                text::away(self.saying.now(), at.shifted(-1)),
                more(text::bytes(bytes)),
                more(self.snapshots(snapshots)),
                more(text::count(nodes.len() as u64)),
                self.expiring(&nodes),
            ]);
        }
        text::write_columns(out, &rows, &[false, false, true, true, true, false])?;
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
            (unknown, Some(_)) => writeln!(
                out,
                "\nOf {} no size is known and none is added: a snapshotter has that of committed ones only.",
                text::counted(unknown, "snapshot")
            ),
        }
    }
}

impl Show for DigestReport<'_, '_, '_> {
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let saying = &self.saying;
        let holders = self.digest.holders.iter().map(|holding| JsonHolder {
            node: saying.json_subject(holding.holder),
            rule: holding.rule.name(),
            objects: holding.held.objects,
            bytes: holding.held.bytes,
            objects_alone: holding.alone.objects,
            bytes_alone: holding.alone.bytes,
            snapshot_bytes: saying.json_snapshots(holding.held.snapshots),
            snapshot_bytes_alone: saying.json_snapshots(holding.alone.snapshots),
            until: holding.until.map(time::format_rfc3339_nano),
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
            garbage: JsonHeld {
                objects: self.digest.garbage.objects,
                bytes: self.digest.garbage.bytes,
                snapshot_bytes: saying.json_snapshots(self.digest.garbage.snapshots),
            },
            next: next.collect(),
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (release, now) = (self.saying.situation.release, time::format_rfc3339(self.saying.now()));
        self.saying.write_error(out)?;
        writeln!(
            out,
            "Who holds what by the rules of containerd {release} at {now}; \"alone\" is what goes without the holder\n"
        )?;
        self.write_holders(out)?;
        writeln!(out)?;
        self.write_next(out)?;
        self.write_unknown(out)?;
        if let Some(first) = self.digest.holders.first() {
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

/// The objects that a name may mean, one a line.
///
/// # Errors
/// The writer's.
pub fn write_found(found: &[Found], tree: &Bucket, out: &mut dyn Write) -> io::Result<()> {
    for found in found.iter().take(ROWS_MAX) {
        writeln!(out, "  {}", found.name_in(tree))?;
    }
    match found.len().saturating_sub(ROWS_MAX) {
        0 => Ok(()),
        more => writeln!(out, "  ... and {} more", text::count(more as u64)),
    }
}
