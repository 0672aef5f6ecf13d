//! Whether a file is the same as before, and was not written to meanwhile.

use super::BoltError;
use super::source;
use std::fs::{self, File, Metadata};
use std::path::Path;

/// As far as the larger of bbolt's pages have their meta pages.
const HEAD_BYTES: usize = (1 << 16) + 80;

/// What of a file changes with whatever is written to it: what the system notes, which is some milliseconds behind, and the
/// pages that every commit writes.
#[derive(PartialEq, Eq)]
pub(super) struct Still {
    noted: Vec<i128>,
    head: Vec<u8>,
}

impl Still {
    /// Looks at the file of a path, through the path, so that another in its place is another.
    pub(super) fn of(path: &Path, file: &File) -> Result<Still, BoltError> {
        let metadata = fs::metadata(path).map_err(BoltError::of_open)?;
        let mut head = vec![0; HEAD_BYTES];
        let filled = source::fill(file, 0, &mut head)?;
        head.truncate(filled);
        Ok(Still { noted: noted(&metadata), head })
    }
}

#[cfg(unix)]
fn noted(metadata: &Metadata) -> Vec<i128> {
    use std::os::unix::fs::MetadataExt;
    let identity = [metadata.dev(), metadata.ino(), metadata.size()].map(i128::from);
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    identity.into_iter().chain(times.map(i128::from)).collect()
}

#[cfg(not(unix))]
fn noted(metadata: &Metadata) -> Vec<i128> {
    use std::time::UNIX_EPOCH;
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|at| i128::try_from(at.as_nanos()).ok());
    [i128::from(metadata.len())].into_iter().chain(modified).collect()
}
