//! Times that only Go up to 1.19 reads: who has such a lease is told, and `--go` says what the daemon was built with.

use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A lease that a daemon built with Go up to 1.19 finds expired, and every other alive for ever.
const LEASE: &str = "release 1.6
lease create pull expire=\"2025-12-31T00:00:00+25:00\"
content put layer
lease add pull content/layer
gc
";

const SAID: &str =
    "gc.expire `2025-12-31T00:00:00+25:00` is a time only to a daemon built with Go up to 1.19";

fn leasehold(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    let Output { status, stdout, stderr } =
        command.current_dir(folder).args(arguments).output().expect("the program runs");
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    (status.code(), stdout, stderr)
}

fn room() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, expected) in [("later", "kept"), ("earlier", "removed")] {
        let text = format!("{LEASE}expect {expected} content/layer\n");
        std::fs::write(folder.path().join(format!("{name}.scenario")), text).expect("writable");
    }
    let (code, ..) = leasehold(folder.path(), &["export", "later.scenario", "meta.db"]);
    assert_eq!(code, Some(0));
    folder
}

#[test]
fn replay_reads_times_as_the_go_that_is_named() {
    let folder = room();
    let replay = |arguments: &[&str]| leasehold(folder.path(), &[&["replay"], arguments].concat());
    assert_eq!(replay(&["later.scenario"]).0, Some(0));
    let (code, said, warned) = replay(&["earlier.scenario"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(warned.contains(&format!("earlier.scenario:2: warning: {SAID}")), "{warned}");
    assert_eq!(
        replay(&["--go", "1.19", "earlier.scenario"]),
        (Some(0), "1 passed, 0 failed\n".to_owned(), String::new())
    );
    let (code, said, _) = replay(&["--go", "go1.19.8", "later.scenario"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("again: leasehold replay --step --go 1.19 later.scenario"), "{said}");
    // Who says that nothing else is read so needs no warning.
    assert_eq!(
        replay(&["--go", "1.22", "later.scenario"]),
        (Some(0), "1 passed, 0 failed\n".to_owned(), String::new())
    );
    // From 2.0 on no daemon is built so.
    let (code, _, warned) = replay(&["--release", "2.0", "later.scenario"]);
    assert_eq!(code, Some(0));
    assert!(warned.ends_with("is no time, so that it never comes\n"), "{warned}");
    assert_eq!(replay(&["--release", "2.0", "--go", "1.19", "later.scenario"]).0, Some(2));
}

#[test]
fn collect_and_diff_of_a_database_warn_and_judge_as_either() {
    let folder = room();
    for source in ["meta.db", "later.scenario"] {
        let run = |arguments: &[&str]| {
            leasehold(folder.path(), &[arguments, &["--now", "2026-01-01T00:00:00Z", source]].concat())
        };
        let (code, said, warned) = run(&["collect", "--release", "1.7"]);
        assert_eq!(code, Some(0), "{warned}");
        assert!(said.contains("0 removed"), "{said}");
        assert!(warned.contains(SAID), "{source}: {warned}");
        let (_, said, warned) = run(&["collect", "--release", "1.7", "--go", "1.19"]);
        assert!(said.contains("2 removed") && !warned.contains(SAID), "{said}{warned}");
        let (code, _, refused) = run(&["collect", "--release", "2.1", "--go", "1.19"]);
        assert_eq!(code, Some(2));
        assert!(refused.contains("--go 1.19: 2.1 cannot be built with it"), "{refused}");
        let (code, said, warned) = run(&["diff", "--from", "1.6", "--to", "2.1"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(warned.contains(SAID) && !said.contains("go-reads-times"), "{warned}");
        let (code, said, _) = run(&["diff", "--from", "1.6", "--to", "2.1", "--go", "1.19"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("go-reads-times") && !said.contains("unexplained"), "{said}");
        assert_eq!(run(&["diff", "--from", "2.0", "--to", "2.1", "--go", "1.19"]).0, Some(2));
    }
}
