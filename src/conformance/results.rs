//! What a collection gave: the fields that a recording, a child's answer and our own engine have alike.
//!
//! ```text
//! "roots": [NODE..], "roots_error": null, "all": [NODE..], "refs": [[NODE, [NODE..], null]..],
//! "marked": [NODE..], "removed": [NODE..], "db_after": {"v1": {..}}, "collector_calls": [], "error": null
//! ```
//!
//! Any of them may be left out by a child; a recording must tell of all. What differs only in writing reads as the
//! same results: `db_removed`, the paths deleted, becomes the tree after, and a recording's `refs` are sorted by their
//! nodes, since their order says nothing. `collector_trace` is informative and not read.

use super::form::Bytes;
use crate::bucket::{Bucket, Entry, json};
use crate::node::Node;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// What one collection gave, as far as it is told. A field that is none is not told of; in those that are an option
/// themselves, the inner none is the JSON `null`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The roots in the order emitted, repeats included; also those emitted before an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<Vec<Node>>,
    /// The error of the root scan.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub roots_error: Option<Option<String>>,
    /// Every resource in the order walked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Node>>,
    /// For every node of `all`, of `roots` and what they reach: the nodes that it refers to, in order, and the
    /// error with which that ended. Sorted by node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refs: Option<Vec<Reference>>,
    /// The marked set; null where marking failed.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub marked: Option<Option<Vec<Node>>>,
    /// Every node handed to removal, in order, up to and including one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<Node>>,
    /// The tree after the collection.
    #[serde(rename = "db_after", skip_serializing_if = "Option::is_none")]
    pub after: Option<Bucket>,
    /// The collectors' calls `remove`, `finish` and `cancel` in their text form.
    #[serde(rename = "collector_calls", skip_serializing_if = "Option::is_none")]
    pub calls: Option<Vec<String>>,
    /// The error of the whole collection.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub error: Option<Option<String>>,
    /// In an outcomes row: the type of the collector that Go's map iteration visited last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_iterated_collector: Option<u8>,
    /// In an outcomes row: how many of its runs ended so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The paths of all that was deleted, where a row gives them for the tree after.
    #[serde(rename = "db_removed", skip_serializing)]
    pub(super) deleted: Option<Vec<Vec<Bytes>>>,
}

/// What one node refers to: the node, its references, the error of following them.
pub type Reference = (Node, Vec<Node>, Option<String>);

/// A field that is there, null or not.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Results {
    /// The names of the fields that can be compared, in the order in which they are, and which of them are given.
    fn told(&self) -> [(&'static str, bool); 9] {
        [
            ("roots_error", self.roots_error.is_some()),
            ("roots", self.roots.is_some()),
            ("all", self.all.is_some()),
            ("refs", self.refs.is_some()),
            ("marked", self.marked.is_some()),
            ("removed", self.removed.is_some()),
            ("collector_calls", self.calls.is_some()),
            ("error", self.error.is_some()),
            ("db_after", self.after.is_some()),
        ]
    }

    /// The names of the fields that are given and can be compared.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.told().into_iter().filter_map(|(field, is_given)| is_given.then_some(field))
    }

    /// These results as those of a recording, which tells of every field. `db` is the tree before.
    ///
    /// # Errors
    /// A field that is missing, a node whose references are given twice, or deleted paths that are not in the tree
    /// before, in words that name the field.
    pub(super) fn complete(mut self, db: &Bucket) -> Result<Results, String> {
        match (self.deleted.take(), &self.after) {
            (None, _) => {}
            (Some(_), Some(_)) => return Err("field `db_removed`: the row has `db_after` besides".to_owned()),
            (Some(paths), None) => self.after = Some(without(db, &paths)?),
        }
        if let Some((field, _)) = self.told().into_iter().find(|(_, is_given)| !is_given) {
            return Err(format!("field `{field}` is missing"));
        }
        let refs = self.refs.as_mut().expect("no field is missing");
        refs.sort_by(|left, right| left.0.cmp(&right.0));
        match refs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(format!("field `refs`: {:?} is given twice", pair[0].0)),
            None => Ok(self),
        }
    }
}

/// A tree less what lies at some paths of keys. Deeper paths go first, so that each must be there.
///
/// # Errors
/// A path that the tree does not have, or that is given twice, in words.
fn without(db: &Bucket, paths: &[Vec<Bytes>]) -> Result<Bucket, String> {
    let mut paths: Vec<Vec<&[u8]>> =
        paths.iter().map(|path| path.iter().map(|key| &*key.0).collect()).collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    let mut after = db.clone();
    for path in paths {
        delete(&mut after, &path).ok_or_else(|| {
            let keys: Vec<Cow<'_, str>> = path.iter().map(|key| json::encode(key)).collect();
            format!("field `db_removed`: {keys:?} is not in the tree before, or is given twice")
        })?;
    }
    Ok(after)
}

/// Deletes whatever lies at a path; none if nothing does.
fn delete(tree: &mut Bucket, path: &[&[u8]]) -> Option<()> {
    let (key, holder) = path.split_last()?;
    let deleted = match tree.view().at(holder)?.entry(key)? {
        Entry::Value(_) => tree.delete(holder, key),
        Entry::Bucket(_) => tree.delete_bucket(holder, key),
    };
    deleted.ok()
}
