//! The trees of rows that have none of their own: `medium-db.jsonl.gz` in the row's folder or one above it, an object
//! with `name` and `db` on each line.

use super::lines::Lines;
use crate::bucket::Bucket;
use crate::text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The name of such a file.
pub(super) const MEDIUM_DB: &str = "medium-db.jsonl.gz";
/// The most that is unpacked of one; its trees stay in memory.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// The trees of one file by name, read when a row first asks.
pub(super) struct Trees {
    path: PathBuf,
    trees: OnceLock<Result<BTreeMap<String, Bucket>, String>>,
}

impl Trees {
    pub(super) fn new(path: PathBuf) -> Trees {
        Trees { path, trees: OnceLock::new() }
    }

    /// The tree of a name, if the file has it.
    ///
    /// # Errors
    /// The file is damaged: where and how.
    pub(super) fn get(&self, name: &str) -> Result<Option<Bucket>, String> {
        let trees = self.trees.get_or_init(|| read(&self.path));
        trees.as_ref().map(|trees| trees.get(name).cloned()).map_err(Clone::clone)
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Bucket>, String> {
    #[derive(serde::Deserialize)]
    struct NamedTree {
        name: String,
        db: Bucket,
    }
    let mut lines = Lines::open(path, UNPACKED_BYTES_MAX).map_err(|error| error.to_string())?;
    let mut trees = BTreeMap::new();
    while let Some((number, row)) = lines.next_line().map_err(|error| error.to_string())? {
        let fails = |reason: String| format!("{}:{number}: {reason}", text::path(path));
        let read = serde_json::from_slice::<NamedTree>(&row).map_err(|error| fails(error.to_string()))?;
        if trees.contains_key(&read.name) {
            return Err(fails(format!("a second tree named `{}`", text::line(&read.name))));
        }
        trees.insert(read.name, read.db);
    }
    Ok(trees)
}
