//! Files that are written whole or not at all.
//!
//! What is new lies beside its place until it is on the disk, and is then renamed: a full disk or a program that is ended
//! leaves what was there. Who ends the program clears away what lies beside ([`abandon`]).

use crate::text;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::{NamedTempFile, PersistError};

/// What is being written. Held while something is begun or renamed.
static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());

/// A file that lies beside its place.
pub(super) struct Unfinished {
    beside: PathBuf,
    /// Where it is to be.
    pub(super) place: PathBuf,
}

fn unfinished() -> MutexGuard<'static, Vec<Unfinished>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Deletes what lies beside its place. While the answer is held nothing more is begun, and nothing is renamed.
pub(super) fn abandon() -> MutexGuard<'static, Vec<Unfinished>> {
    let unfinished = unfinished();
    for Unfinished { beside, .. } in unfinished.iter() {
        // What cannot be deleted stays, and the program ends all the same.
        let _deleted = fs::remove_file(beside);
    }
    unfinished
}

/// Puts something else in the place of a file, which keeps its permissions; where the path is a link, of what it leads to.
/// Gives how many other names the file had (hard links), which keep what was there.
///
/// # Errors
/// The file system's, or that the file is read-only; it is as it was then.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<u64> {
    let path = fs::canonicalize(path)?;
    let metadata = fs::metadata(&path)?;
    let permissions = metadata.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let mut new = beside(&path, |file| file.write_all(bytes))?;
    new.file().as_file().set_permissions(permissions)?;
    new.rename(|file| file.persist(&path))?;
    Ok(other_names(&metadata))
}

#[cfg(unix)]
fn other_names(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink().saturating_sub(1)
}

#[cfg(not(unix))]
fn other_names(_: &fs::Metadata) -> u64 {
    0
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// The file system's, or `AlreadyExists`; nothing is left behind then.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_with(path, |file| file.write_all(bytes))
}

/// Writes a file that must not be there yet, a part at a time.
///
/// # Errors
/// Those of the writing or of the file system, or `AlreadyExists`; nothing is left behind then.
pub(super) fn create_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    beside(path, write)?.rename(|file| file.persist_noclobber(path))
}

/// Why a file cannot be written, or a folder not written to. That a folder is not there is said only where it is not.
pub(super) fn unwritten(path: &Path, error: &io::Error) -> String {
    let is_there = || path.is_dir() || folder_of(path).is_dir();
    match error.kind() {
        io::ErrorKind::NotFound if is_there() => text::unmade(error),
        _ => text::unwritten(error),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file in the same folder, on the disk, that goes away unless it is renamed.
fn beside(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Beside> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As of any new file: less what the umask takes away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut unfinished = unfinished();
    let file = builder.prefix(".leasehold-").tempfile_in(folder).map_err(|error| {
        // The name of the file beside says nothing to anybody.
        let said = match error.kind() {
            // The kind's own words would be wrong where the folder is there.
            io::ErrorKind::NotFound => text::told_by_system(&error),
            kind => kind.to_string(),
        };
        io::Error::new(error.kind(), format!("no file can be written in its folder: {said}"))
    })?;
    unfinished.push(Unfinished { beside: file.path().to_owned(), place: path.to_owned() });
    drop(unfinished);
    let mut beside = Beside(Some(file));
    write(beside.file().as_file_mut())?;
    beside.file().as_file().sync_all()?;
    Ok(beside)
}

/// A file that goes away unless it is renamed, and is known to [`abandon`] until then.
struct Beside(Option<NamedTempFile>);

impl Beside {
    fn file(&mut self) -> &mut NamedTempFile {
        self.0.as_mut().expect("it is there until it is renamed")
    }

    fn rename(mut self, by: impl FnOnce(NamedTempFile) -> Result<File, PersistError>) -> io::Result<()> {
        let mut unfinished = unfinished();
        let file = self.0.take().expect("it is there until it is renamed");
        let path = file.path().to_owned();
        let renamed = by(file);
        unfinished.retain(|other| other.beside != path);
        renamed.map(|_| ()).map_err(|error| error.error)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let mut unfinished = unfinished();
            unfinished.retain(|other| other.beside != file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_new_one_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let [path, link] = ["file", "link"].map(|name| folder.path().join(name));
        create(&path, b"old").expect("a new file");
        assert_eq!(create(&path, b"new").map_err(|error| error.kind()), Err(io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(&path).expect("the file"), b"old");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert_eq!(replace(&link, b"new").expect("replaced"), 0);
        assert_eq!(fs::read(&path).expect("the file"), b"new");
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 2, "nothing is left beside");
    }

    #[test]
    fn what_cannot_be_written_is_an_error_and_leaves_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        create(&path, b"old").expect("a new file");
        let missing = folder.path().join("missing/file");
        assert!(create(&missing, b"new").is_err() && replace(&missing, b"new").is_err());
        assert_eq!(fs::read(&path).expect("the file"), b"old");
    }
}
