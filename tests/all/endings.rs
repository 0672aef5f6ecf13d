//! How commands end: the exit codes of README, whatever the command.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn leasehold(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    leasehold(folder, arguments).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("writable");
    }
    folder
}

#[test]
fn what_is_no_input_at_all_is_told_from_one_that_fails() {
    let folder = folder(&[
        ("empty", b""),
        ("blank.scenario", b"\n \n"),
        ("binary", b"\x7fELF\x02\0\0\xff{"),
        ("binary.scenario", b"release 1.7\n\0\xff"),
        ("bad.scenario", b"release 1.7\nnonsense\n"),
        ("bad.jsonl", b"{}\n"),
    ]);
    for (arguments, code, said) in [
        (["replay", "empty"], 3, "empty: the file is empty"),
        (["replay", "blank.scenario"], 3, "blank.scenario: the file is empty"),
        (["replay", "binary"], 3, "binary: it is no text"),
        (["replay", "binary.scenario"], 3, "binary.scenario: it is no text"),
        (["collect", "binary.scenario"], 3, "binary.scenario: it is no scenario"),
        (["collect", "empty"], 3, "empty: "),
        (["conformance", "empty"], 3, "no recorded rows in empty"),
        (["conformance", "binary"], 3, "binary: no file of recorded rows"),
        (["conformance", "bad.scenario"], 3, "bad.scenario: no file of recorded rows"),
        (["replay", "bad.scenario"], 1, ""),
        (["conformance", "bad.jsonl"], 1, ""),
    ] {
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// One that is no file of rows is not passed over beside another that is.
#[test]
fn a_file_that_is_none_of_rows_is_refused_beside_one_that_is() {
    let folder = folder(&[("empty", b"")]);
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/recorded/containerd.jsonl.zst");
    let rows = rows.to_str().expect("text");
    assert_eq!(run(folder.path(), &["conformance", "empty", rows, "--only", "2.1"]).status.code(), Some(3));
}

#[test]
fn a_reader_that_leaves_changes_no_exit_code() {
    let folder = folder(&[("bad.jsonl", &b"{}\n".repeat(5000))]);
    for (arguments, code) in [
        (&["conformance", "bad.jsonl"][..], 1),
        (&["exhaust", "--nodes", "2", "--fault", "sweep-skips"], 1),
        (&["exhaust", "--nodes", "2"], 0),
    ] {
        let mut command = leasehold(folder.path(), arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(code), String::new()),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_run_that_would_check_nothing_is_misuse() {
    for arguments in [
        &["simulate", "--for", "0s"][..],
        &["simulate", "--cases", "64", "--shard", "2/2"],
        &["diff", "--cases", "0", "--from", "1.7", "--to", "2.0"],
        &["grade", "--budget", "0s"],
    ] {
        assert_eq!(run(Path::new("."), arguments).status.code(), Some(2), "{arguments:?}");
    }
}
