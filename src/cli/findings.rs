//! Findings as files: each of its own, none over what is there.

use super::source::SCENARIO_EXTENSION;
use super::{Failure, files};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The folder where findings go; made when the first one comes.
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// The first reason why a finding was not written. The others are not tried then, and the report is not lost.
    failure: Option<Failure>,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path) -> Folder<'a> {
        Folder { path, failure: None }
    }

    /// Writes a finding; gives its file, none if it could not be written.
    pub(super) fn write(&mut self, stem: &str, text: &str) -> Option<String> {
        if self.failure.is_some() {
            return None;
        }
        let made = fs::create_dir_all(self.path).map_err(|error| failed(self.path, &error));
        match made.and_then(|()| write_new(self.path, stem, text)) {
            Ok(path) => Some(path.display().to_string()),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    /// Why not all was written.
    pub(super) fn into_failure(self) -> Option<Failure> {
        self.failure
    }
}

/// Writes a file under a name that is not taken; what is there already with the same content is the same finding.
fn write_new(folder: &Path, stem: &str, text: &str) -> Result<PathBuf, Failure> {
    for number in 1u32.. {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{again}.{SCENARIO_EXTENSION}"));
        match files::create(&path, text.as_bytes()) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
                    return Ok(path);
                }
            }
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    unreachable!("four billion files of one name")
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("--out: {}: {error}", path.display()))
}
