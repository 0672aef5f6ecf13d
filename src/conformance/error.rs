//! Why rows cannot be read at all. What is wrong with a single row is that row's failure: see `source`.

use crate::text;
use std::io;
use std::path::{Path, PathBuf};

/// Why rows cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be opened, read or unpacked.
    #[error("{}: {}", text::path(path), text::unread_at(path, source))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system or the unpacker says.
        source: io::Error,
    },
    /// A line does not end.
    #[error("{}:{line}: the line is longer than {bytes_max} bytes", text::path(path))]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The limit.
        bytes_max: u64,
    },
    /// A file is something else.
    #[error("{}: no file of recorded rows: its first lines are no JSON objects", text::path(path))]
    NotRows {
        /// The file.
        path: PathBuf,
    },
    /// There is no file of rows, or none with a row that has a recorded result.
    #[error("no recorded rows in {}", listed(paths))]
    NoRows {
        /// Where they were looked for.
        paths: Vec<PathBuf>,
    },
}

fn listed(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| text::path(path)).collect();
    names.join(", ")
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Unreadable { path: path.to_owned(), source }
}
