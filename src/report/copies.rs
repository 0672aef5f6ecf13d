//! What became of a database between two copies of it.

use super::Show;
use super::collect::{dying, write_culprits, write_dying};
use super::saying::{JsonNode, Saying, shown};
use crate::bucket::json;
use crate::diff::Named;
use crate::diff::copies::{By, Changes, Why};
use crate::node::{Kind, Node, NodeRef};
use crate::oracle::{Judgement, Rule};
use crate::reason::Words;
use crate::scenario::{NodeName, print_node_cut};
use crate::schema::{time, views};
use crate::text;
use hashbrown::HashSet;
use serde::Serialize;
use std::cmp::Reverse;
use std::io::{self, Write};

/// How many of a sort are listed for people.
const LISTED_MAX: usize = 50;
/// How many fields of a record are.
const FIELDS_MAX: usize = 4;

/// The changes, with what both copies are said with.
pub struct Report<'r, 'j, 'a> {
    /// The earlier copy.
    pub before: Side<'r, 'j, 'a>,
    /// The later one.
    pub after: Side<'r, 'j, 'a>,
    /// What differs.
    pub changes: &'r Changes<'a>,
    /// AFTER is of an older transaction than BEFORE, so that what only BEFORE has may have come between them.
    pub is_older: bool,
    /// What was said on standard error.
    pub warnings: &'r [String],
}

/// A copy and what must be kept of it.
#[derive(Clone, Copy)]
pub struct Side<'r, 'j, 'a> {
    /// What it is said with.
    pub saying: Saying<'r, 'j, 'a>,
    /// Why things go.
    pub judgement: &'j Judgement<'a>,
}

#[derive(Serialize)]
struct JsonReport<'r> {
    release: &'r str,
    now: String,
    errors: JsonErrors<'r>,
    came: Vec<JsonChange>,
    went: Vec<JsonChange>,
    moved: Vec<JsonChange>,
    goes: Vec<JsonChange>,
    changed: Vec<JsonChange>,
    unchanged: u64,
    warnings: &'r [String],
}

#[derive(Serialize)]
struct JsonErrors<'r> {
    before: Option<&'r str>,
    after: Option<&'r str>,
    /// What makes AFTER's collection fail.
    culprits: Vec<JsonNode>,
    /// The release, if its daemon dies of that.
    dies: Vec<&'static str>,
}

#[derive(Serialize)]
struct JsonChange {
    node: JsonNode,
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<JsonNode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<JsonNode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Vec<String>>>,
}

impl<'a> Side<'_, '_, 'a> {
    fn node(&self, named: &Named) -> Option<Node> {
        let number = self.saying.situation.release.type_of(named.kind)?;
        Some(Node::new(number, &named.namespace, &named.key))
    }

    /// Why some objects go, each in words; nothing of what is no node.
    fn reasons(&self, named: &[&Named]) -> Vec<String> {
        let nodes: Vec<Option<Node>> = named.iter().map(|named| self.node(named)).collect();
        let there: Vec<NodeRef<'_>> = nodes.iter().flatten().map(Node::as_ref).collect();
        let failures = self.judgement.failures_of_each(&there);
        let situation = self.saying.situation;
        let words = |node: NodeRef<'_>, failures: &[_]| {
            Words { release: situation.release, tree: &situation.tree, namespace: node.namespace }
                .failures(node, failures)
        };
        let mut reasons = there.iter().zip(&failures).map(|(node, failures)| words(*node, failures));
        nodes.iter().map(|node| node.as_ref().and_then(|_| reasons.next()).unwrap_or_default()).collect()
    }

    fn holder(&self, (subject, rule): By<'a>, namespace: &[u8]) -> String {
        let name = self.saying.name(subject, namespace);
        if rule == Rule::RootLabel { format!("the pin of {name}") } else { name }
    }

    fn json(&self, named: &Named) -> JsonChange {
        JsonChange {
            node: self.saying.json_named(named.kind, &named.namespace, &named.key),
            bytes: self.size(named),
            why: None,
            before: None,
            after: None,
            reason: None,
            fields: None,
        }
    }

    fn size(&self, named: &Named) -> Option<u64> {
        self.saying.size(self.node(named)?.as_ref())
    }
}

/// A line: what became of what, its size, and more.
type Row = [String; 4];

impl<'a> Report<'_, '_, 'a> {
    fn why_words(&self, named: &Named, why: &Why<'a>, reason: &str) -> String {
        let namespace = &named.namespace;
        let words = match why {
            Why::Collected if reason.is_empty() => "a collection removes it".to_owned(),
            Why::Collected => format!("a collection removes it: {reason}"),
            Why::CollectedOrDeleted if reason.is_empty() => {
                "a collection removes it, or a client deleted it before".to_owned()
            }
            Why::CollectedOrDeleted => {
                format!("a collection removes it: {reason}; or a client deleted it before that")
            }
            Why::LetGo(by) => {
                format!("{} held it, and does not any more", self.before.holder(*by, namespace))
            }
            Why::Deleted => "a client deleted it".to_owned(),
            Why::Lost(by) => return format!("{} still needs it", self.after.holder(*by, namespace)),
        };
        match self.is_older {
            true => format!("it was not there yet, as AFTER is of an older transaction, or {words}"),
            false => words,
        }
    }

    /// The reasons why what only BEFORE has was collected, in its order.
    fn went(&self) -> Vec<String> {
        let Changes { went, .. } = self.changes;
        let by_collection = |why: &Why<'_>| matches!(why, Why::Collected | Why::CollectedOrDeleted);
        let collected: Vec<&Named> =
            went.iter().filter(|(_, why)| by_collection(why)).map(|(named, _)| named).collect();
        let mut reasons = self.before.reasons(&collected).into_iter();
        let words = went.iter().map(|(named, why)| {
            let reason = if by_collection(why) { reasons.next() } else { None };
            self.why_words(named, why, &reason.unwrap_or_default())
        });
        words.collect()
    }

    fn goes(&self) -> Vec<String> {
        self.after.reasons(&self.changes.goes.iter().collect::<Vec<_>>())
    }

    fn row(side: Side<'_, '_, '_>, word: &str, named: &Named, more: String) -> Row {
        let Named { kind, namespace, key } = named;
        let slash = views::snapshot_slash(&side.saying.situation.tree, namespace, key);
        let namespace = Some(namespace.to_vec());
        let name = print_node_cut(&NodeName::new(namespace, *kind, key.to_vec()), slash);
        let size = side.size(named).map(text::bytes).unwrap_or_default();
        [word.to_owned(), shown(&name), size, shown(&more)]
    }

    /// The first of some rows, and how many more there are.
    fn listed(rows: &mut Vec<Row>, word: &str, some: impl ExactSizeIterator<Item = Row>) {
        let more = some.len().saturating_sub(LISTED_MAX);
        rows.extend(some.take(LISTED_MAX));
        if more > 0 {
            let more = format!("... and {} more: --json lists them all", text::count(more as u64));
            rows.push([word.to_owned(), more, String::new(), String::new()]);
        }
    }

    fn rows(&self) -> Vec<Row> {
        let Report { before, after, changes, .. } = self;
        let mut rows: Vec<Row> = Vec::new();
        let went: Vec<String> = self.went();
        let is_lost = |why: &Why<'_>| matches!(why, Why::Lost(_));
        let had = digests(*after);
        for (word, lost) in [("LOST", true), ("went", false)] {
            let some = changes.went.iter().zip(&went).filter(|((_, why), _)| is_lost(why) == lost);
            let mut some: Vec<_> = some.collect();
            // What somebody did comes before what followed from it, the largest first.
            some.sort_by_key(|((named, why), _)| (*why != Why::Deleted, Reverse(before.size(named))));
            let some = some.into_iter().map(|((named, _), why)| {
                let is_had = named.kind == Kind::Content && had.contains(&*named.key);
                let why = if is_had {
                    format!("{why}; its bytes stay: AFTER has the digest elsewhere")
                } else {
                    why.clone()
                };
                Self::row(*before, word, named, why)
            });
            Self::listed(&mut rows, word, some);
        }
        let came = changes.came.iter().map(|(named, by)| {
            let by = by.map(|by| format!("{} holds it", after.holder(by, &named.namespace)));
            Self::row(*after, "came", named, by.unwrap_or_default())
        });
        Self::listed(&mut rows, "came", came);
        let moved = changes.moved.iter().map(|(named, old, new)| {
            let (old, new) = (before.holder(*old, &named.namespace), after.holder(*new, &named.namespace));
            Self::row(*after, "moved", named, format!("{old} held it, now {new} does"))
        });
        Self::listed(&mut rows, "moved", moved);
        let mut goes: Vec<_> = changes.goes.iter().zip(self.goes()).collect();
        goes.sort_by_key(|(named, _)| Reverse(after.size(named)));
        let goes = goes.into_iter().map(|(named, reason)| Self::row(*after, "goes", named, reason));
        Self::listed(&mut rows, "goes", goes);
        let changed = changes.changed.iter().map(|(named, fields)| {
            let names = fields.iter().take(FIELDS_MAX);
            let names = names.map(|field| text::name(&field.join(&b'/'))).collect::<Vec<_>>().join(", ");
            let more = fields.len().saturating_sub(FIELDS_MAX);
            let more = if more > 0 {
                format!(" and {} more (--json lists them all)", text::count(more as u64))
            } else {
                String::new()
            };
            Self::row(*after, "changed", named, names + &more)
        });
        Self::listed(&mut rows, "changed", changed);
        rows
    }

    fn write_errors(&self, out: &mut dyn Write) -> io::Result<()> {
        for (side, word) in [(self.before, "BEFORE"), (self.after, "AFTER")] {
            if let Some(error) = side.saying.error {
                writeln!(
                    out,
                    "A collection of {word} fails, so that it removes nothing: {}",
                    text::line(error)
                )?;
            }
        }
        let Saying { situation, error, culprits, .. } = self.after.saying;
        if error.is_some() {
            write_culprits(out, situation, culprits)?;
            write_dying(out, &[situation.release])?;
        }
        Ok(())
    }

    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let Changes { came, went, moved, goes, changed, unchanged, .. } = self.changes;
        let size = |bytes: u64| match bytes {
            0 => String::new(),
            _ => format!(" ({})", text::bytes(bytes)),
        };
        let lost = went.iter().filter(|(_, why)| matches!(why, Why::Lost(_))).count();
        let lost = match lost {
            0 => String::new(),
            lost => format!(", {} of them still needed", text::count(lost as u64)),
        };
        let mut sums = vec![
            format!(
                "{}{} came",
                text::count(came.len() as u64),
                size(sum(self.after, digests(self.before), &mut came.iter().map(|(named, _)| named)))
            ),
            format!(
                "{}{} went{lost}",
                text::count(went.len() as u64),
                size(sum(self.before, digests(self.after), &mut went.iter().map(|(named, _)| named)))
            ),
        ];
        for (count, words) in [(moved.len(), "held by another"), (changed.len(), "with another record")] {
            if count > 0 {
                sums.push(format!("{} {words}", text::count(count as u64)));
            }
        }
        if !goes.is_empty() {
            let going: HashSet<(&[u8], &[u8])> =
                goes.iter().map(|named| (&*named.namespace, &*named.key)).collect();
            let tree = &self.after.saying.situation.tree;
            let staying =
                views::blobs(tree).filter(|(namespace, digest)| !going.contains(&(*namespace, *digest)));
            let staying = staying.map(|(_, digest)| digest).chain(views::expected_digests(tree)).collect();
            let bytes = size(sum(self.after, staying, &mut goes.iter()));
            sums.push(format!(
                "{}{bytes} more would go at the next collection",
                text::count(goes.len() as u64)
            ));
        }
        writeln!(out, "{}; {} as they were.", sums.join(", "), text::count(*unchanged))
    }
}

/// The digests that a copy has, or is to have. Only looked up, so that hash order shows nowhere.
fn digests<'a>(side: Side<'_, '_, 'a>) -> HashSet<&'a [u8]> {
    let tree = &side.saying.situation.tree;
    views::blobs(tree).map(|(_, digest)| digest).chain(views::expected_digests(tree)).collect()
}

/// The bytes of objects of a copy, of content once a digest and without those that are had elsewhere: one blob stands for a
/// digest, whatever lists it.
fn sum<'n>(
    side: Side<'_, '_, '_>,
    mut had: HashSet<&'n [u8]>,
    named: &mut dyn Iterator<Item = &'n Named>,
) -> u64 {
    let is_new = |named: &&'n Named| named.kind != Kind::Content || had.insert(&named.key);
    named.filter(is_new).filter_map(|named| side.size(named)).fold(0, u64::saturating_add)
}

impl Show for Report<'_, '_, '_> {
    /// The object of `diff BEFORE AFTER --json`.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let Report { before, after, changes, .. } = self;
        let subject = |side: &Side<'_, '_, '_>, (subject, _): By<'_>| Some(side.saying.json_subject(subject));
        let came = changes.came.iter().map(|(named, by)| JsonChange {
            after: by.and_then(|by| subject(after, by)),
            ..after.json(named)
        });
        let went = changes.went.iter().zip(self.went()).map(|((named, why), reason)| {
            let (name, old, new) = match why {
                Why::Collected => ("collected", None, None),
                Why::CollectedOrDeleted => ("collected-or-deleted", None, None),
                Why::LetGo(by) => ("let-go", subject(before, *by), None),
                Why::Deleted => ("deleted", None, None),
                Why::Lost(by) => ("lost", None, subject(after, *by)),
            };
            JsonChange {
                why: Some(name),
                before: old,
                after: new,
                reason: Some(reason),
                ..before.json(named)
            }
        });
        let moved = changes.moved.iter().map(|(named, old, new)| JsonChange {
            before: subject(before, *old),
            after: subject(after, *new),
            ..after.json(named)
        });
        let goes = changes.goes.iter().zip(self.goes());
        let goes = goes.map(|(named, reason)| JsonChange { reason: Some(reason), ..after.json(named) });
        let changed = changes.changed.iter().map(|(named, fields)| {
            let keys =
                |field: &Vec<Vec<u8>>| field.iter().map(|key| json::encode(key).into_owned()).collect();
            JsonChange { fields: Some(fields.iter().map(keys).collect()), ..after.json(named) }
        });
        let Saying { situation, culprits, .. } = after.saying;
        let culprits = culprits.iter();
        let report = JsonReport {
            release: after.saying.situation.release.name(),
            now: time::format_rfc3339_nano(after.saying.situation.now),
            errors: JsonErrors {
                before: before.saying.error,
                after: after.saying.error,
                culprits: culprits.map(|culprit| after.saying.json_node(culprit.node.as_ref())).collect(),
                dies: if after.saying.error.is_some() { dying(&[situation.release]) } else { Vec::new() },
            },
            came: came.collect(),
            went: went.collect(),
            moved: moved.collect(),
            goes: goes.collect(),
            changed: changed.collect(),
            unchanged: changes.unchanged,
            warnings: self.warnings,
        };
        serde_json::to_writer(&mut *out, &report)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let situation = self.after.saying.situation;
        let (release, now) = (situation.release, time::format_rfc3339_nano(situation.now));
        writeln!(out, "What became of the database, by the rules of containerd {release} at {now}\n")?;
        self.write_errors(out)?;
        let rows = self.rows();
        text::write_columns(out, &rows, &[false, false, true, false])?;
        if !rows.is_empty() {
            writeln!(out)?;
        }
        self.write_summary(out)
    }
}
