//! One result of a packed case: nodes as numbers, and its written form beside an earlier result's.
//!
//! ```text
//! Expected  <──>  Numbered, with the case's table of nodes  <──>  ResultForm, less what an earlier one has alike
//! ```
//!
//! `archive` documents the form. Whatever the form says is held to a limit before it takes memory.

use super::archive::{ArchiveError, CASE_BYTES_MAX, damaged};
use super::form::Bytes;
use super::row::{Expected, UnorderedField, delete};
use crate::bucket::Bucket;
use crate::node::{Node, ResourceType};
use crate::release::Release;
use crate::schema::names;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A node of a case's table: its type as 2.0 and later number it, its namespace, its key.
pub(super) type TableNode = (u8, Bytes, Bytes);

/// About what a node takes in memory besides its namespace and key.
const NODE_BYTES: usize = 64;

#[derive(Serialize, Deserialize, Clone, Default)]
pub(super) struct ResultForm {
    release: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unordered: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unordered_fields: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) like: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    roots: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    roots_error: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    refs: BTreeMap<u32, Option<ReferenceForm>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    marked: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calls: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    error: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<AfterForm>,
}

/// References without an error are the list alone.
#[derive(Serialize, Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum ReferenceForm {
    Whole(String),
    Failed(String, String),
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
pub(super) enum AfterForm {
    Same,
    Less(String),
    Tree(Bucket),
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What `removed` is written as where it is `all` less `marked`.
const REST: &str = "rest";

/// A result with nodes as numbers of the case's table.
#[derive(Clone, PartialEq)]
pub(super) struct Numbered {
    pub(super) roots: Vec<u32>,
    pub(super) roots_error: Option<String>,
    pub(super) all: Vec<u32>,
    pub(super) refs: BTreeMap<u32, (Vec<u32>, Option<String>)>,
    /// In the order of the numbers.
    pub(super) marked: Option<Vec<u32>>,
    pub(super) removed: Removed,
    pub(super) calls: Vec<String>,
    pub(super) error: Option<String>,
    pub(super) after: After,
}

#[derive(Clone, PartialEq)]
pub(super) enum Removed {
    Rest,
    Listed(Vec<u32>),
}

#[derive(Clone, PartialEq)]
pub(super) enum After {
    Same,
    Less(Vec<u32>),
    Tree(Bucket),
}

/// What of a result is never another's.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) release: Release,
    pub(super) version: Option<String>,
    pub(super) unordered: bool,
    pub(super) unordered_fields: Vec<UnorderedField>,
    pub(super) runs: Option<u64>,
    pub(super) last: Option<u8>,
    pub(super) count: Option<u64>,
}

/// A release's number as 2.0 and later have it, and back again: in 1.x 5 is the lease, 6 the ingest and 7 the end.
pub(super) fn to_table(release: Release, number: ResourceType) -> u8 {
    match number.0 {
        5..=6 if !release.rules().image_nodes => number.0 + 1,
        7 if !release.rules().image_nodes => 5,
        number => number,
    }
}

fn from_table(release: Release, number: u8) -> ResourceType {
    ResourceType(match number {
        6..=7 if !release.rules().image_nodes => number - 1,
        5 if !release.rules().image_nodes => 7,
        number => number,
    })
}

/// All less marked, in order. Marked nodes carry no bit above 0x1F and a walked one may: whole types are compared,
/// as containerd does (`gc.Sweep`).
pub(super) fn rest_of(all: &[u32], marked: &[u32], nodes: &[TableNode]) -> Vec<u32> {
    debug_assert!(marked.is_sorted() && all.iter().all(|number| (*number as usize) < nodes.len()));
    all.iter().copied().filter(|number| marked.binary_search(number).is_err()).collect()
}

// Table numbers of the nodes that have a bucket.
const CONTENT: u8 = 1;
const SNAPSHOT: u8 = 2;
const IMAGE: u8 = 5;
const LEASE: u8 = 6;
const INGEST: u8 = 7;

/// The node whose bucket lies at a path, if [`bucket_of`] leads back to the path.
pub(super) fn node_at<'a>(path: &[&'a [u8]]) -> Option<(u8, &'a [u8], Vec<u8>)> {
    let (number, namespace, key) = match *path {
        [names::V1, namespace, names::LEASES, id] => (LEASE, namespace, id.to_vec()),
        [names::V1, namespace, names::IMAGES, name] => (IMAGE, namespace, name.to_vec()),
        [names::V1, namespace, names::CONTENT, names::BLOB, digest] => (CONTENT, namespace, digest.to_vec()),
        [names::V1, namespace, names::CONTENT, names::INGESTS, reference] => {
            (INGEST, namespace, reference.to_vec())
        }
        [names::V1, namespace, names::SNAPSHOTS, snapshotter, key] if !snapshotter.contains(&b'/') => {
            (SNAPSHOT, namespace, [snapshotter, b"/", key].concat())
        }
        _ => return None,
    };
    Some((number, namespace, key))
}

/// The path of a node's bucket.
fn bucket_of<'a>(number: u8, namespace: &'a [u8], key: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    Some(match number {
        LEASE => vec![names::V1, namespace, names::LEASES, key],
        IMAGE => vec![names::V1, namespace, names::IMAGES, key],
        CONTENT => vec![names::V1, namespace, names::CONTENT, names::BLOB, key],
        INGEST => vec![names::V1, namespace, names::CONTENT, names::INGESTS, key],
        SNAPSHOT => {
            let slash = key.iter().position(|byte| *byte == b'/')?;
            vec![names::V1, namespace, names::SNAPSHOTS, &key[..slash], &key[slash + 1..]]
        }
        _ => return None,
    })
}

impl Numbered {
    /// The memory that the result takes as a row has it, about.
    pub(super) fn bytes(&self, nodes: &[TableNode]) -> usize {
        const RESULT_BYTES: usize = 512;
        let listed = |numbers: &[u32]| -> usize {
            let node = |number: &u32| {
                let (_, namespace, key) = &nodes[*number as usize];
                NODE_BYTES + namespace.0.len() + key.0.len()
            };
            numbers.iter().map(node).sum()
        };
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let refs =
            self.refs.iter().map(|(node, (to, error))| 2 * listed(&[*node]) + listed(to) + text(error));
        let removed = match &self.removed {
            Removed::Rest => &self.all,
            Removed::Listed(removed) => removed,
        };
        let less = if let After::Less(less) = &self.after { less.len() * NODE_BYTES } else { 0 };
        let lists = [&self.roots, &self.all, removed].map(|list| listed(list)).into_iter().sum::<usize>();
        let calls: usize = self.calls.iter().map(|call| NODE_BYTES + call.len()).sum();
        let marked = self.marked.as_deref().map_or(0, listed);
        let texts = text(&self.roots_error) + text(&self.error);
        RESULT_BYTES + refs.sum::<usize>() + lists + marked + less + calls + texts
    }

    /// The form, less what an earlier result has alike.
    pub(super) fn form(&self, own: &Own, like: Option<(usize, &Numbered)>) -> ResultForm {
        let base = like.map(|(_, base)| base);
        let differs = |same: fn(&Numbered, &Numbered) -> bool| base.is_none_or(|base| !same(self, base));
        let refs = self
            .refs
            .iter()
            .filter(|(node, entry)| base.and_then(|base| base.refs.get(node)) != Some(*entry));
        let refs = refs.map(|(node, (to, error))| {
            let form = match error {
                None => ReferenceForm::Whole(runs_text(to)),
                Some(error) => ReferenceForm::Failed(runs_text(to), error.clone()),
            };
            (*node, Some(form))
        });
        let gone = base.into_iter().flat_map(|base| base.refs.keys());
        let gone = gone.filter(|node| !self.refs.contains_key(node)).map(|node| (*node, None));
        ResultForm {
            release: own.release.name().to_owned(),
            version: own.version.clone(),
            unordered: own.unordered,
            unordered_fields: own.unordered_fields.iter().map(|field| field.name().to_owned()).collect(),
            runs: own.runs,
            last: own.last,
            count: own.count,
            like: like.map(|(place, _)| place),
            roots: differs(|one, other| one.roots == other.roots).then(|| runs_text(&self.roots)),
            roots_error: differs(|one, other| one.roots_error == other.roots_error)
                .then(|| self.roots_error.clone()),
            all: differs(|one, other| one.all == other.all).then(|| runs_text(&self.all)),
            refs: refs.chain(gone).collect(),
            marked: differs(|one, other| one.marked == other.marked)
                .then(|| self.marked.as_deref().map(runs_text)),
            removed: differs(|one, other| one.removed == other.removed).then(|| match &self.removed {
                Removed::Rest => REST.to_owned(),
                Removed::Listed(removed) => runs_text(removed),
            }),
            calls: differs(|one, other| one.calls == other.calls).then(|| self.calls.clone()),
            error: differs(|one, other| one.error == other.error).then(|| self.error.clone()),
            after: differs(|one, other| one.after == other.after).then(|| match &self.after {
                After::Same => AfterForm::Same,
                After::Less(less) => AfterForm::Less(runs_text(less)),
                After::Tree(tree) => AfterForm::Tree(tree.clone()),
            }),
        }
    }

    /// The result as a row has it.
    pub(super) fn expected(
        &self,
        own: &Own,
        nodes: &[TableNode],
        db: &Bucket,
    ) -> Result<Expected, ArchiveError> {
        let node = |number: &u32| {
            let (resource_type, namespace, key) = &nodes[*number as usize];
            Node::new(from_table(own.release, *resource_type), &namespace.0, &key.0)
        };
        let list = |numbers: &[u32]| -> Vec<Node> { numbers.iter().map(node).collect() };
        let refs = self.refs.iter().map(|(from, (to, error))| (node(from), list(to), error.clone()));
        let mut refs: Vec<_> = refs.collect();
        refs.sort_by(|left, right| left.0.cmp(&right.0));
        let marked = self.marked.as_deref().map(|marked| {
            let mut marked = list(marked);
            marked.sort();
            marked
        });
        let removed = match (&self.removed, &self.marked) {
            (Removed::Listed(removed), _) => list(removed),
            (Removed::Rest, Some(marked)) => list(&rest_of(&self.all, marked, nodes)),
            (Removed::Rest, None) => return Err(damaged("`removed` is the rest of what was not marked")),
        };
        let after = match &self.after {
            After::Same => db.clone(),
            After::Tree(tree) => tree.clone(),
            After::Less(less) => less_buckets(db, less, nodes)?,
        };
        Ok(Expected {
            roots: list(&self.roots),
            roots_error: self.roots_error.clone(),
            all: list(&self.all),
            refs,
            marked,
            removed,
            after,
            calls: self.calls.clone(),
            error: self.error.clone(),
            last_iterated_collector: own.last,
            count: own.count,
        })
    }
}

fn less_buckets(db: &Bucket, less: &[u32], nodes: &[TableNode]) -> Result<Bucket, ArchiveError> {
    let mut after = db.clone();
    for number in less {
        let (resource_type, namespace, key) = &nodes[*number as usize];
        let path = bucket_of(*resource_type, &namespace.0, &key.0);
        let deleted = path.and_then(|path| delete(&mut after, &path).ok());
        deleted.ok_or_else(|| damaged(format!("the node {number} has no bucket to be less")))?;
    }
    Ok(after)
}

impl ResultForm {
    pub(super) fn own(&self) -> Result<Own, ArchiveError> {
        let release = Release::ALL.into_iter().find(|release| release.name() == self.release);
        let release =
            release.ok_or_else(|| damaged(format!("the release `{}` is not known", self.release)))?;
        let fields = self.unordered_fields.iter().map(|name| {
            UnorderedField::named(name).ok_or_else(|| damaged(format!("the unordered field `{name}`")))
        });
        Ok(Own {
            release,
            version: self.version.clone(),
            unordered: self.unordered,
            unordered_fields: fields.collect::<Result<_, _>>()?,
            runs: self.runs,
            last: self.last,
            count: self.count,
        })
    }

    pub(super) fn numbered(&self, base: Option<&Numbered>, nodes: usize) -> Result<Numbered, ArchiveError> {
        let lacks = |field: &str| damaged(format!("a result without `{field}` and without `like`"));
        let mut left = CASE_BYTES_MAX / NODE_BYTES;
        let mut list = |text: &str| runs(text, nodes, &mut left);
        let taken = |text: &Option<String>,
                     field,
                     of: fn(&Numbered) -> &Vec<u32>,
                     list: &mut dyn FnMut(&str) -> _| {
            match (text, base) {
                (Some(text), _) => list(text),
                (None, Some(base)) => Ok(of(base).clone()),
                (None, None) => Err(lacks(field)),
            }
        };
        let roots = taken(&self.roots, "roots", |base| &base.roots, &mut list)?;
        let all = taken(&self.all, "all", |base| &base.all, &mut list)?;
        let marked = match (&self.marked, base) {
            (Some(text), _) => text.as_deref().map(&mut list).transpose()?,
            (None, Some(base)) => base.marked.clone(),
            (None, None) => return Err(lacks("marked")),
        };
        if marked.as_ref().is_some_and(|marked| !marked.is_sorted()) {
            return Err(damaged("`marked` is not in order"));
        }
        let removed = match (self.removed.as_deref(), base) {
            (Some(REST), _) => Removed::Rest,
            (Some(text), _) => Removed::Listed(list(text)?),
            (None, Some(base)) => base.removed.clone(),
            (None, None) => return Err(lacks("removed")),
        };
        let mut refs = base.map(|base| base.refs.clone()).unwrap_or_default();
        for (node, form) in &self.refs {
            if *node as usize >= nodes {
                return Err(damaged(format!("node {node} of {nodes}")));
            }
            match form {
                None => drop(refs.remove(node)),
                Some(ReferenceForm::Whole(to)) => drop(refs.insert(*node, (list(to)?, None))),
                Some(ReferenceForm::Failed(to, error)) => {
                    refs.insert(*node, (list(to)?, Some(error.clone())));
                }
            }
        }
        let after = match (&self.after, base) {
            (Some(AfterForm::Same), _) => After::Same,
            (Some(AfterForm::Less(less)), _) => After::Less(list(less)?),
            (Some(AfterForm::Tree(tree)), _) => After::Tree(tree.clone()),
            (None, Some(base)) => base.after.clone(),
            (None, None) => return Err(lacks("after")),
        };
        let text =
            |own: &Option<Option<String>>, field, of: fn(&Numbered) -> &Option<String>| match (own, base) {
                (Some(text), _) => Ok(text.clone()),
                (None, Some(base)) => Ok(of(base).clone()),
                (None, None) => Err(lacks(field)),
            };
        let calls = self.calls.clone().or_else(|| base.map(|base| base.calls.clone()));
        Ok(Numbered {
            roots,
            roots_error: text(&self.roots_error, "roots_error", |base| &base.roots_error)?,
            all,
            refs,
            marked,
            removed,
            calls: calls.ok_or_else(|| lacks("calls"))?,
            error: text(&self.error, "error", |base| &base.error)?,
            after,
        })
    }
}

/// Numbers as text: `0-3 7` is 0, 1, 2, 3, 7.
fn runs_text(numbers: &[u32]) -> String {
    let mut text = String::new();
    let mut rest = numbers;
    while let Some(first) = rest.first() {
        let next_of = |place: usize| first.checked_add(u32::try_from(place).ok()?);
        let length =
            rest.iter().enumerate().take_while(|(place, number)| next_of(*place) == Some(**number)).count();
        let separator = if text.is_empty() { "" } else { " " };
        let written = match length {
            1 => write!(text, "{separator}{first}"),
            _ => write!(text, "{separator}{first}-{}", rest[length - 1]),
        };
        written.expect("writing into memory does not fail");
        rest = &rest[length..];
    }
    text
}

/// The numbers of a text, each below `nodes`, at most `left` of them.
fn runs(text: &str, nodes: usize, left: &mut usize) -> Result<Vec<u32>, ArchiveError> {
    let mut numbers = Vec::new();
    for run in text.split_ascii_whitespace() {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        let number =
            |text: &str| text.parse::<u32>().map_err(|_| damaged(format!("`{run}` is no run of numbers")));
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last as usize >= nodes {
            return Err(damaged(format!("the run `{run}` of {nodes} nodes")));
        }
        *left = left.checked_sub((last - first) as usize + 1).ok_or_else(too_large)?;
        numbers.extend(first..=last);
    }
    Ok(numbers)
}

pub(super) fn too_large() -> ArchiveError {
    damaged(format!("a case whose results take more than {CASE_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_read_as_written_and_held_to_their_limits() {
        for numbers in [&[][..], &[3], &[0, 1, 2], &[5, 4, 3], &[1, 1, 2, 9, 3, 4]] {
            assert_eq!(runs(&runs_text(numbers), 10, &mut 6).as_deref(), Ok(numbers));
        }
        assert_eq!(runs_text(&[0, 1, 2, 3, 7, 9, 8]), "0-3 7 9 8");
        for text in ["10", "0-10", "3-2", "-", "1-", "x", "4294967296", "0-6"] {
            assert!(runs(text, 10, &mut 6).is_err(), "{text}");
        }
    }
}
