//! Which files hold rows.
//!
//! ```text
//! folder/                       walked in byte order, with all below it
//! ├─ 2.0/rows.jsonl.gz
//! ├─ 2.0/more.jsonl
//! ├─ recorded.jsonl.zst
//! └─ notes.txt                  passed over, unless it is named itself
//! ```

use super::error::{SourceError, unreadable};
use crate::bucket::bolt;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How the names of files of rows end.
const ENDINGS: [&str; 3] = [".jsonl", ".jsonl.gz", ".jsonl.zst"];

/// The files of rows that are named, whatever their names, and those in the folders that are, in order. A folder that
/// links lead to again is entered once.
///
/// # Errors
/// A path that does not exist or cannot be listed, or has no file of rows.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    let mut folders_seen = BTreeSet::new();
    for path in paths {
        if !find_below(path, &mut files, &mut folders_seen)? {
            return Err(SourceError::NoRows { paths: vec![path.clone()] });
        }
    }
    Ok(files)
}

/// The same of one path; gives whether there is any file, also one that was found before.
fn find_below(
    path: &Path,
    files: &mut Vec<PathBuf>,
    folders_seen: &mut BTreeSet<PathBuf>,
) -> Result<bool, SourceError> {
    let (before, mut is_known) = (files.len(), false);
    // Last in, first out.
    let mut pending = vec![path.to_path_buf()];
    while let Some(path) = pending.pop() {
        let failed = |error| unreadable(&path, error);
        let kind = fs::metadata(&path).map_err(failed)?;
        if kind.is_file() {
            files.push(path);
            continue;
        }
        if !kind.is_dir() {
            // A pipe would be waited for without end.
            return Err(failed(io::Error::other(bolt::no_regular_file(kind.file_type()))));
        }
        if !folders_seen.insert(path.canonicalize().map_err(failed)?) {
            is_known = true;
            continue;
        }
        let mut below = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            let name = entry.to_string_lossy();
            let is_folder = match fs::metadata(&entry) {
                Ok(metadata) => metadata.is_dir(),
                // A link that leads nowhere. What cannot be looked at is no folder that may be passed over.
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(unreadable(&entry, error)),
            };
            if is_folder || ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                below.push(entry);
            }
        }
        below.sort_by(|left, right| right.as_os_str().cmp(left.as_os_str()));
        pending.extend(below);
    }
    Ok(is_known || files.len() > before)
}
