//! The program as tests run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Where the project lies.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a command of the program comes to, run in the project's folder.
pub(crate) fn leasehold(arguments: &[&str]) -> Output {
    leasehold_in(Path::new(ROOT), arguments)
}

/// The same in another folder.
pub(crate) fn leasehold_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).args(arguments).output().expect("the program starts")
}

/// What it said.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// What it said on both outputs.
pub(crate) fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// A folder of these files, which goes with its value.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder around")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}
