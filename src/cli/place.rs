//! What stands at a path that is only looked at: absent is one thing, forbidden another.

use super::Failure;
use crate::text;
use std::fs::{self, FileType};
use std::io;
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Absent,
    Folder,
    File,
    /// A pipe, a device or a socket.
    Other,
}

/// Looks at a path, through links.
///
/// # Errors
/// Whether something is there cannot be known, as a folder above it is closed to this user.
pub(super) fn look(path: &Path) -> Result<Place, Failure> {
    let kind = fs::metadata(path).map(|metadata| metadata.file_type());
    place(kind).map_err(|error| Failure::Input(format!("{}: {}", text::path(path), refusal(&error))))
}

fn place(kind: io::Result<FileType>) -> io::Result<Place> {
    match kind {
        Ok(kind) if kind.is_dir() => Ok(Place::Folder),
        Ok(kind) if kind.is_file() => Ok(Place::File),
        Ok(_) => Ok(Place::Other),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Place::Absent)
        }
        Err(error) => Err(error),
    }
}

fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "permission denied: a folder above it may not be entered; run this as a user who may".to_owned()
        }
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
        assert_eq!(look(&file.join("below")), Place::Absent);
        assert_eq!(look(&folder.path().join("none")), Place::Absent);
        for (kind, said) in [
            (io::ErrorKind::PermissionDenied, "permission denied: a folder above it may not be entered"),
            (io::ErrorKind::TimedOut, "cannot be looked at: timed out"),
        ] {
            let refused = place(Err(kind.into())).expect_err("nothing can be known");
            assert!(refusal(&refused).starts_with(said), "{}", refusal(&refused));
        }
    }
}
