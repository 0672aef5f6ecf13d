//! Why an object is kept or goes, for people and machines.

use super::Show;
use super::saying::{JsonHop, JsonNode, Saying, shown};
use super::shell;
use crate::bucket::{Bucket, json};
use crate::explain::{Explanation, Found, Hop, State, Subject, Thing};
use crate::instant::Instant;
use crate::node::{Kind, Node, ResourceType};
use crate::oracle::{By, Failure, Holder, Reason, Rule};
use crate::scenario::print_label;
use crate::schema::{names, time, views};
use crate::text;
use hashbrown::HashMap;
use serde::Serialize;
use std::io::{self, Write};

/// How many of a list are told to people.
const LISTED_MAX: usize = 10;
/// How many holders and instants are.
const ROWS_MAX: usize = 40;

/// The explanation of one object.
pub struct NodeReport<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// What was asked about.
    pub found: &'r Found,
    /// The answer.
    pub explanation: &'r Explanation<'a>,
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
