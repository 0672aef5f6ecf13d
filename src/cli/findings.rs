//! Findings as files: each of its own, none over what is there.

use super::place::{Place, look};
use super::source::SCENARIO_EXTENSION;
use super::{Failure, files, terminal};
use crate::report::shell::quoted;
use crate::text;
use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The folder where findings go; made when the first one comes.
pub(super) struct Folder<'a> {
    path: &'a Path,
    /// Nobody said `--out`.
    is_default: bool,
    /// The first reason why a finding was not written. The others are not tried then, and the report is not lost.
    failure: Option<String>,
}

impl<'a> Folder<'a> {
    /// A folder that can be written to, or made: tried before a campaign begins, so that none runs in vain. Nothing is
    /// left there by trying.
    pub(super) fn tried(out: Option<&'a Path>) -> Result<Folder<'a>, Failure> {
        let path = out.unwrap_or(Path::new("findings"));
        let folder = Folder { path, is_default: out.is_none(), failure: None };
        let mut there = path;
        while look(there).map_err(|error| folder.failure(error))? == Place::Absent {
            let above = there.parent().filter(|above| !above.as_os_str().is_empty());
            there = above.unwrap_or(Path::new("."));
        }
        tempfile::tempfile_in(there).map_err(|error| folder.failure(failed(there, &error)))?;
        Ok(folder)
    }

    /// The flag that names the folder, where one was given, as a shell takes it.
    pub(super) fn flag(&self) -> String {
        if self.is_default { String::new() } else { format!(" --out {}", quoted(self.path)) }
    }

    /// As of any output that cannot be written.
    fn failure(&self, reason: impl Display) -> Failure {
        Failure::Output(io::Error::other(self.told(reason)))
    }

    /// What went wrong, with the flag that names the folder, or would name another.
    fn told(&self, reason: impl Display) -> String {
        match self.is_default {
            true => format!("{reason}; findings are written there: name another folder with --out FOLDER"),
            false => format!("--out: {reason}"),
        }
    }

    /// Writes a finding; gives its file, none if it could not be written.
    pub(super) fn write(&mut self, stem: &str, text: &str) -> Option<String> {
        self.write_as(stem, SCENARIO_EXTENSION, text)
    }

    /// The same for a file of another kind.
    pub(super) fn write_as(&mut self, stem: &str, extension: &str, text: &str) -> Option<String> {
        if self.failure.is_some() {
            return None;
        }
        let made = fs::create_dir_all(self.path).map_err(|error| failed(self.path, &error));
        match made.and_then(|()| write_new(self.path, stem, extension, text)) {
            Ok(path) => Some(path.display().to_string()),
            Err(reason) => {
                self.failure = Some(self.told(reason));
                None
            }
        }
    }

    /// Says on standard error why not all was written. The report has the findings all the same.
    pub(super) fn tell_failure(&self) {
        if let Some(reason) = &self.failure {
            terminal::say(format_args!("{reason}; what was found is in the report alone"));
        }
    }
}

/// Writes a file under a name that is not taken; what is there already with the same content is the same finding.
fn write_new(folder: &Path, stem: &str, extension: &str, text: &str) -> Result<PathBuf, String> {
    for number in 1u32.. {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{again}.{extension}"));
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

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", text::path(path), files::unwritten(path, error))
}
