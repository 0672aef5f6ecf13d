//! What stands at a path that is only looked at: absent is one thing, forbidden another. What is no regular file is not
//! opened, as a pipe would be waited for without end.

use super::Failure;
use crate::bucket::bolt::no_regular_file;
use crate::text;
use std::fs::{self, File, FileType};
use std::io;
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Absent,
    Folder,
    File,
    /// A pipe, a device or a socket, and what is said of it.
    Other(&'static str),
}

/// Looks at a path, through links.
///
/// # Errors
/// Whether something is there cannot be known, as a folder above it is closed to this user; or a folder above it is a file.
pub(super) fn look(path: &Path) -> Result<Place, Failure> {
    let kind = fs::metadata(path).map(|metadata| metadata.file_type());
    place(kind).map_err(|error| Failure::Input(format!("{}: {}", text::path(path), refusal(path, &error))))
}

/// Opens a regular file.
///
/// # Errors
/// The system's, or that it is none.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.file_type() {
        kind if kind.is_file() || kind.is_dir() => File::open(path),
        kind => Err(io::Error::other(no_regular_file(kind))),
    }
}

fn place(kind: io::Result<FileType>) -> io::Result<Place> {
    match kind {
        Ok(kind) if kind.is_dir() => Ok(Place::Folder),
        Ok(kind) if kind.is_file() => Ok(Place::File),
        Ok(kind) => Ok(Place::Other(no_regular_file(kind))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::Absent),
        Err(error) => Err(error),
    }
}

fn refusal(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => text::unread_at(path, error),
        _ => format!("cannot be looked at: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_forbidden_and_kinds_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, b"").expect("a file");
        let look = |path: &Path| look(path).expect("root and owner may look");
        assert_eq!(look(folder.path()), Place::Folder);
        assert_eq!(look(&file), Place::File);
        assert_eq!(look(&folder.path().join("none")), Place::Absent);
        for used_as_folder in [file.join("below"), file.join("below/more"), file.join("")] {
            let refused = super::look(&used_as_folder).expect_err("a file is no folder").to_string();
            assert!(refused.ends_with("file is a file, not a folder"), "{refused}");
        }
        let refused = place(Err(io::ErrorKind::TimedOut.into())).expect_err("nothing can be known");
        assert_eq!(refusal(&file, &refused), "cannot be looked at: timed out");
    }

    #[test]
    fn a_closed_folder_is_named() {
        let below = Path::new("/nowhere/closed/below/file");
        let refused = text::unread_at(below, &io::ErrorKind::PermissionDenied.into());
        assert_eq!(
            refused,
            "permission denied: a folder above it may not be entered, /; run this as a user who may"
        );
    }
}
