//! How commands end: the exit codes of README, whatever the command.

use super::program::text;
use leasehold::bucket::{Bucket, bolt};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

fn leasehold(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    leasehold(folder, arguments).output().expect("the program runs")
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("writable");
    }
    folder
}

/// A folder without any file of its sort is told, also beside one that has some.
#[test]
fn a_folder_that_has_nothing_is_said_beside_others() {
    let folder = folder(&[("one.scenario", b"release 1.7\n\ncontent put a\ngc\nexpect removed content/a\n")]);
    std::fs::create_dir_all(folder.path().join("none/below")).expect("a folder");
    let root = env!("CARGO_MANIFEST_DIR");
    let recorded = format!("{root}/scenarios/recorded");
    for (arguments, said) in [
        (["replay", "one.scenario", "none"], "none: no file that ends in .scenario"),
        (["conformance", &recorded, "none"], "no recorded rows in none"),
    ] {
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    let twice = run(folder.path(), &["conformance", "--only", "2.4", &recorded, root]);
    assert_eq!(twice.status.code(), Some(0), "{}", text(&twice.stderr));
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
        (["collect", "binary.scenario"], 3, "binary.scenario: it is no text"),
        (["collect", "empty"], 3, "empty: "),
        (["conformance", "empty"], 3, "no recorded rows in empty"),
        (["conformance", "binary"], 3, "binary: no file of recorded rows"),
        (["conformance", "bad.scenario"], 3, "bad.scenario: no file of recorded rows"),
        (["replay", "bad.scenario"], 3, "bad.scenario: it cannot be read as a scenario"),
        (["collect", "bad.scenario"], 3, "bad.scenario: it cannot be read as a scenario"),
        (["conformance", "bad.jsonl"], 1, ""),
        (["replay", "nope"], 3, "nope: no such file\n"),
        (["replay", "empty/below"], 3, "empty/below: no such file: empty is a file, not a folder\n"),
        (["conformance", "empty/below"], 3, "empty/below: no such file: empty is a file, not a folder\n"),
        (["collect", "empty/below"], 3, "empty/below: no such file: empty is a file, not a folder\n"),
        (
            ["collect", "bad.scenario/x"],
            3,
            "bad.scenario/x: no such file: bad.scenario is a file, not a folder\n",
        ),
        (
            ["collect", "bad.scenario/"],
            3,
            "bad.scenario/: no such file: bad.scenario is a file, not a folder\n",
        ),
        (["collect", "empty/"], 3, "empty/: no such file: empty is a file, not a folder\n"),
        (["conformance", "nope"], 3, "nope: no such file\n"),
        (["collect", "nope.scenario"], 3, "nope.scenario: no such file\n"),
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

/// A line that is no row is unreadable wherever it stands, and what can be read is judged all the same.
#[test]
fn a_line_that_is_no_row_is_unreadable_input_beside_rows_that_are_judged() {
    let here = folder(&[
        ("first.jsonl", b"nonsense\n{}\n{}\n"),
        ("middle.jsonl", b"{}\nnonsense\n{}\n"),
        ("list.jsonl", b"{}\n{}\n[1, 2]\n"),
        ("torn.jsonl", b"{}\n{}\n{\"name\": "),
        ("none.jsonl", b"nonsense\nnonsense\n"),
    ]);
    for (file, line) in [("first", 1), ("middle", 2), ("list", 3), ("torn", 3)] {
        let output = run(here.path(), &["conformance", "none.jsonl", &format!("{file}.jsonl")]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{file}: {said}");
        assert!(said.contains(&format!("{file}.jsonl:{line}: not JSON: ")), "{file}: {said}");
        assert!(said.contains("none.jsonl: no file of recorded rows"), "{file}: {said}");
        assert!(text(&output.stdout).ends_with("0 passed, 2 failed\n"), "{file}: {}", text(&output.stdout));
    }
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

/// Linux says of a folder in which nobody makes files that there is no such file.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_is_there_and_takes_no_files_is_not_said_to_be_missing() {
    let here = folder(&[("s.scenario", b"release 1.7\ncontent put a\ngc\n")]);
    for (arguments, code) in [
        ("simulate --cases 10 --out /proc/x", 3),
        ("simulate --cases 10 --rows-out /proc/x", 3),
        ("export s.scenario /proc/x.db", 3),
    ] {
        let output = run(here.path(), &arguments.split(' ').collect::<Vec<_>>());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains("the system makes no file there (No such file or directory)"), "{said}");
        assert!(!said.contains("does not exist"), "{said}");
    }
}

/// What is refused is not recommended in the same breath.
#[test]
fn a_usage_error_does_not_recommend_what_it_refuses() {
    let here = folder(&[("a.scenario", b"release 1.7\ngc\n")]);
    for (arguments, said) in [
        ("diff a.scenario --cases 3 --from 1.7 --to 2.0", "cannot be used with"),
        ("simulate --cases 10 --for 3s", "cannot be used with"),
        ("collect a.scenario --fault x", "unexpected argument '--fault' found"),
        ("diff a.db b.db --from 1.7 --to 2.0", "cannot be used with"),
    ] {
        let output = run(here.path(), &arguments.split(' ').collect::<Vec<_>>());
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.contains(said) && !told.contains("Usage:") && !told.contains("as a value"), "{told}");
        assert!(told.contains("--help"), "{told}");
    }
}

/// A full disk is no finding.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_told_from_a_finding() {
    for arguments in [
        &["simulate", "--cases", "64"][..],
        &["exhaust", "--nodes", "1"],
        &["grade", "--list"],
        &["--help"],
        &["diff", "--help"],
        &["--version"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let output = Command::new(env!("CARGO_BIN_EXE_leasehold")).args(arguments).stdout(full).output();
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(text(&output.stderr).contains("cannot write the output"), "{}", text(&output.stderr));
    }
}

/// Runs a command and sends it ^C so many times once it works; one that was not yet ready for it is run again.
#[cfg(unix)]
#[test]
fn a_flag_that_would_do_nothing_with_this_input_is_refused() {
    let collects = "release 1.7\ncontent put a\ngc\nexpect removed content/a\n";
    let row = r#"{"name": "e", "version": "containerd 1.7.0", "now": "2024-05-06T07:08:09Z", "collectors": [],
        "db": {}, "db_after": {}, "roots": [], "roots_error": null, "all": [], "refs": [], "marked": [],
        "removed": [], "collector_calls": [], "error": null}"#;
    let row = row.replace('\n', " ");
    let here = folder(&[("s.scenario", collects.as_bytes()), ("e.jsonl", row.as_bytes())]);
    std::fs::create_dir(here.path().join("tree")).expect("a folder");
    std::fs::write(here.path().join("tree/crash-1"), b"").expect("writable");
    for (arguments, said) in [
        ("collect s.scenario --wait 1s", "--wait is for a database that a daemon writes to; s.scenario is"),
        ("export s.scenario new.db --wait 1s", "--wait is for a database"),
        ("diff s.scenario --wait 1s --from 1.7 --to 2.0", "--wait is for a database"),
        ("diff s.scenario --from 1.7 --to 1.7.24", "both by the rules of 1.7: there is nothing to compare"),
        ("diff --cases 64 --from 2.1 --to 2.1.4", "both by the rules of 2.1"),
        ("replay --target tree s.scenario", "--target tree: all these are scenarios"),
        (
            "replay --intended tree/crash-1",
            "--intended is for scenarios; tree/crash-1 is an input of the fuzz target tree",
        ),
        ("replay --release 2.0 tree/crash-1 s.scenario", "--release is for scenarios; tree/crash-1"),
        ("replay --update tree/crash-1", "--update is for scenarios"),
        ("replay --against true tree/crash-1", "--against is for scenarios"),
        ("replay --fault root-label-exact s.scenario", "the first that has it is 2.2 (--release)"),
        (
            "simulate --cases 64 --fault root-label-exact --release 2.1",
            "the collector of 2.1 has no such rule",
        ),
        (
            "simulate --cases 64 --fault untouched-kept --release 2.4",
            "the collector of 2.4 has no such rule, so that the mistake changes nothing; the last that has it is 2.1",
        ),
        ("conformance s.jsonl --fault untouched-kept --only 2.2", "the last that has it is 2.1"),
        ("replay --fault untouched-kept --release 2.3 s.scenario", "the last that has it is 2.1 (--release)"),
        (
            "simulate --cases 64 --fault stream-without-lease --release 1.6",
            "the daemon of 1.6 has no such rule, so that the mistake changes nothing; the first that has it is 1.7.0-beta.1",
        ),
        (
            "replay --fault sync-forgotten s.scenario",
            "the mistake changed no answer to 3 steps, so that they say nothing of it; `leasehold simulate --fault \
             sync-forgotten` draws what shows it",
        ),
        ("replay --fault ingest-expiry-ignored s.scenario", "the mistake changed no answer to 3 steps"),
        ("replay --fault lease-takes-content s.scenario", "the mistake changed no answer to 3 steps"),
        (
            "simulate --cases 64 --fault active-forgotten --release 1.6",
            "the first that has it is 1.7.0-beta.1",
        ),
        ("exhaust --nodes 1 --fault root-label-exact --release 2.1", "the collector of 2.1 has no such rule"),
        ("conformance s.jsonl --fault root-label-exact --only 2.1", "the collector of 2.1 has no such rule"),
        (
            "conformance e.jsonl --fault root-label-exact --release 2.2",
            "the mistake changed no answer to 1 recorded row",
        ),
        ("conformance e.jsonl --fault root-label-exact", "no row here is by a release that has the rule"),
        ("exhaust --nodes 2 --fault expiry-inclusive", "cannot show it; `leasehold simulate` can"),
        ("exhaust --nodes 2 --fault flat-follows-labels", "it takes leases to show it (--states holders)"),
        (
            "exhaust --nodes 2 --states holders --fault flat-hides-full",
            "graphs that show it have 3 nodes or more",
        ),
        (
            "simulate --fault expiry-inclusiv",
            "did you mean `expiry-inclusive`? `leasehold grade --list` lists them",
        ),
        ("simulate --fault lease", "23 faults have that in their names"),
        ("collect -", "standard input is not read"),
        ("export s.scenario -", "never to standard output; ./- would be a file of that name"),
        ("collect s.scenario --wait -5s", "it is negative: give a number with a unit"),
        ("simulate --for -5s", "it is negative: give a number with a unit"),
        ("simulate --cases -5", "invalid value '-5' for '--cases <N>'"),
        ("grade --jobs -1", "invalid value '-1' for '--jobs <N>'"),
    ] {
        let output = run(here.path(), &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments}: {}", text(&output.stderr));
    }
    for arguments in [
        "collect s.scenario",
        "replay --fault untouched-kept --release 2.1 s.scenario",
        "replay --target tree s.scenario tree/crash-1",
        "simulate --cases 64 --fault root-label-exact",
        "exhaust --nodes 3 --states holders --fault flat-hides-full",
    ] {
        let output = run(here.path(), &arguments.split(' ').collect::<Vec<_>>());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments}: {}", text(&output.stderr));
    }
}

fn interrupt(folder: &Path, arguments: &[&str], times: usize) -> Output {
    use std::os::unix::process::ExitStatusExt;
    for seconds in [1, 5, 20] {
        let mut command = leasehold(folder, arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        for time in 0..times {
            sleep(if time == 0 { Duration::from_secs(seconds) } else { Duration::from_millis(500) });
            let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(sent.expect("kill runs").success(), "{arguments:?} ended of itself");
        }
        let output = child.wait_with_output().expect("it ends");
        if times > 1 || output.status.signal().is_none() {
            return output;
        }
    }
    panic!("{arguments:?} is never ready for ^C");
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_ends_with_the_report_of_a_shorter_one() {
    let folder = folder(&[]);
    let child = format!("'{}' child", env!("CARGO_BIN_EXE_leasehold"));
    for (arguments, count, of) in [
        (&["simulate", "--cases", "100000000"][..], "cases", Some(100_000_000)),
        (&["simulate", "--for", "10h"], "cases", None),
        (&["simulate", "--cases", "100000000", "--against", &child], "cases", Some(100_000_000)),
        (&["diff", "--cases", "100000000", "--from", "1.7", "--to", "2.0"], "cases", Some(100_000_000)),
        (&["exhaust", "--nodes", "5", "--states", "holders"], "graphs", None),
        (&["exhaust", "--nodes", "6", "--states", "holders"], "graphs", None),
        // A fault that is not found at once, so that a thousand seeds take minutes.
        (&["grade", "--fault", "flat-value-read", "--seeds", "1000", "--budget", "10m"], "", Some(1)),
    ] {
        let output = interrupt(folder.path(), &[arguments, &["--json"]].concat(), 1);
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {}", text(&output.stderr));
        let mut report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let interrupted = report.as_object_mut().and_then(|report| report.remove("interrupted"));
        let interrupted = interrupted.expect("it says how far it came");
        if arguments[0] != "exhaust" {
            assert_eq!(interrupted["of"].as_u64(), of, "{arguments:?}");
        }
        let done = interrupted["done"].as_u64().expect("a number");
        if !count.is_empty() {
            assert_eq!(report[count].as_u64(), Some(done), "{arguments:?}");
        }
        // What it did is what a campaign does that is planned so long.
        if let ["simulate", "--cases", ..] | ["diff", ..] = arguments {
            let mut shorter = arguments.to_vec();
            let done = done.to_string();
            shorter[2] = &done;
            let output = run(folder.path(), &[&shorter[..], &["--json"]].concat());
            assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("one JSON object"), report);
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_makes_its_findings_small_and_writes_them() {
    let folder = folder(&[]);
    let arguments = ["simulate", "--cases", "100000000", "--fault", "dead-edge-fails"];
    let output = interrupt(folder.path(), &arguments, 1);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("interrupted after ") && last.ends_with(" of 100,000,000 cases"), "{said}");
    assert!(said.contains("1-minimal"), "{said}");
    assert!(std::fs::read_dir(folder.path().join("findings")).expect("the folder").count() > 0);
}

/// A replay of many files ends with those that it came to, and of one file with the steps.
#[cfg(unix)]
#[test]
fn an_interrupted_replay_ends_with_what_it_did() {
    let folder = folder(&[]);
    std::fs::create_dir(folder.path().join("many")).expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    // Each step is checked against all that is there.
    let long: String = (0..40_000).map(|blob| format!("content put blob{blob}\ngc\n")).collect();
    put("long.scenario", &format!("{long}expect nothing content/blob0\n"));
    put("many/a.scenario", "content put a\ngc\nexpect kept content/a\n");
    for name in ["b", "c", "d"] {
        put(&format!("many/{name}.scenario"), &format!("{long}expect nothing content/blob0\n"));
    }
    let output = interrupt(folder.path(), &["replay", "many"], 1);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAILED many/a.scenario:3: "), "{said}");
    assert!(said.contains("\ninterrupted after 1 of 4 files\n0 passed, 1 failed\n"), "{said}");
    let output = interrupt(folder.path(), &["replay", "many", "--json"], 1);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["interrupted"], serde_json::json!({"done": 1, "of": 4}));
    let paths: Vec<&Value> =
        report["files"].as_array().expect("files").iter().map(|file| &file["path"]).collect();
    assert_eq!(paths, ["many/a.scenario"]);
    let output = interrupt(folder.path(), &["replay", "long.scenario"], 1);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains(" of 80,001 steps\n0 passed, 0 failed\n"), "{said}");
}

/// A child whose answers are wrong, and late.
const SLOW: &str = r#"sh -c 'while read -r l; do sleep 0.3; echo "{\"removed\": []}"; done'"#;

/// A child that hangs holds up nobody: its answer is not waited for.
#[cfg(unix)]
#[test]
fn an_interrupt_beside_a_child_that_hangs_ends_within_a_second() {
    let folder = folder(&[("s.scenario", b"content put a\ngc\nexpect removed content/a\n")]);
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/recorded");
    for (arguments, code) in [
        (&["simulate", "--cases", "1000", "--against", "sleep 60"][..], 130),
        (&["simulate", "--case", "7", "--against", SLOW], 1),
        (&["replay", "s.scenario", "--against", "sleep 60"], 130),
        (&["conformance", recorded, "--against", "sleep 60"], 130),
    ] {
        let arguments = [arguments, &["--child-timeout", "50"]].concat();
        let mut command = leasehold(folder.path(), &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        sleep(Duration::from_secs(3));
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "{arguments:?} ended of itself");
        let asked = std::time::Instant::now();
        let output = child.wait_with_output().expect("it ends");
        // On a busy machine all takes a little longer.
        assert!(asked.elapsed() < Duration::from_secs(2), "{arguments:?}: {:?}", asked.elapsed());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        if arguments[0] != "simulate" {
            let said = text(&output.stdout);
            assert!(said.contains("`sleep 60` had answered no collection yet"), "{said}");
        }
        if code == 1 {
            let said = text(&output.stdout);
            assert!(said.contains(", not 1-minimal: ^C came after "), "{said}");
        }
    }
}

/// A child that answers slowly holds up the report, while a case is made small, and not who asks twice.
#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once() {
    use std::os::unix::process::ExitStatusExt;
    let folder = folder(&[]);
    let arguments = ["simulate", "--case", "7", "--against", SLOW];
    let output = interrupt(folder.path(), &arguments, 2);
    assert_eq!(output.status.signal(), Some(2), "{}", text(&output.stderr));
}

/// A pipe would be waited for without end.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_wherever_a_path_is_read() {
    let here = folder(&[]);
    std::fs::create_dir(here.path().join("all")).expect("a folder");
    for name in ["pipe", "pipe.scenario", "all/pipe.jsonl", "all/pipe.scenario"] {
        let made = Command::new("mkfifo").arg(here.path().join(name)).status().expect("mkfifo runs");
        assert!(made.success(), "{name}");
    }
    for (arguments, said) in [
        (&["replay", "pipe"][..], "pipe: is a named pipe, not a regular file"),
        (&["replay", "all"], "all/pipe.scenario: is a named pipe, not a regular file"),
        (&["replay", "--update", "pipe.scenario"], "pipe.scenario: is a named pipe, not a regular file"),
        (&["replay", "--target", "tree", "pipe"], "pipe: is a named pipe, not a regular file"),
        (
            &["collect", "pipe"],
            "pipe: is a named pipe, not a regular file: write what comes of it into one first",
        ),
        (&["collect", "pipe.scenario"], "pipe.scenario: is a named pipe, not a regular file"),
        (&["export", "pipe.scenario", "new.db"], "pipe.scenario: is a named pipe, not a regular file"),
        (&["conformance", "pipe"], "pipe: is a named pipe, not a regular file"),
        (&["conformance", "all"], "all/pipe.jsonl: is a named pipe, not a regular file"),
    ] {
        let mut child = leasehold(here.path(), arguments).stderr(Stdio::piped()).spawn().expect("it runs");
        let ended = (0..500).find_map(|_| {
            sleep(Duration::from_millis(20));
            child.try_wait().expect("it can be waited for")
        });
        if ended.is_none() {
            child.kill().expect("it can be ended");
        }
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(ended.and_then(|status| status.code()), Some(3), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// A mistake that nothing recorded has in it would pass for one that was looked for.
#[test]
fn a_fault_that_recorded_rows_cannot_show_is_misuse() {
    let rows = format!("{}/scenarios/recorded", env!("CARGO_MANIFEST_DIR"));
    for fault in [
        "cancellation-ignored",
        "no-remove-silent",
        "invalid-expiry-silent",
        "finish-failure-silent",
        "sweep-keeps-partial",
    ] {
        let output = run(Path::new("."), &["conformance", &rows, "--only", "2.1", "--fault", fault]);
        assert_eq!(output.status.code(), Some(2), "{fault}");
        let said = text(&output.stderr);
        assert!(said.contains(&format!("--fault {fault}: recorded rows cannot show it")), "{said}");
    }
}

#[test]
fn names_are_suggested_in_small_letters_and_without_blanks() {
    let rows = format!("{}/scenarios/recorded", env!("CARGO_MANIFEST_DIR"));
    for (arguments, said) in [
        (&["conformance", &rows, "--fault", "PARENT-FORGOTTEN"][..], "did you mean `parent-forgotten`?"),
        (&["conformance", &rows, "--only", "2.1", "--name", "e_blob_is_valu"], "is e_blob_is_value meant?"),
    ] {
        let output = run(Path::new("."), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    let here = folder(&[("one.scenario", b"release 1.7\n\ncontent put a\ngc\nexpect removed content/a\n")]);
    let output = run(here.path(), &["replay", "--release", "2.1 ", "one.scenario"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// A snapshotter's database is not the only one beside containerd's; and what is no version is none.
#[test]
fn the_mount_managers_database_is_not_taken_for_containerds() {
    let here = folder(&[]);
    let refused = |name: &str, paths: &[&[&[u8]]], said: &str| {
        let mut tree = Bucket::new();
        for path in paths {
            tree.create_path(path).expect("buckets");
        }
        bolt::create(&here.path().join(name), &tree).expect("a new file");
        for command in ["collect", "explain", "lint"] {
            let output = run(here.path(), &[command, name]);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{command} {name}: {told}");
            assert!(told.contains(said), "{told}");
        }
    };
    let mounts: &[&[u8]] = &[b"v1", b"default", b"mounts", b"m1"];
    refused(
        "mounts.db",
        &[mounts, &[b"v1", b"default", b"leases"]],
        "database of containerd's mount manager",
    );
    refused("version.db", &[&[b"v1", b"version", b"images"]], "v1/version is a bucket");
}

/// One line of thousands of names is answered at once.
#[test]
fn many_nodes_that_are_not_as_expected_are_counted() {
    let puts: String = (0..2_000).map(|number| format!("content put c{number} gc.root=1\n")).collect();
    let names: String = (0..2_000).map(|number| format!(" content/c{number}")).collect();
    let scenario = format!("release 2.1\n{puts}gc\nexpect removed{names}\n");
    let here = folder(&[("many.scenario", scenario.as_bytes())]);
    let output = run(here.path(), &["replay", "many.scenario"]);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("1,980 more nodes are not as expected"), "{told}");
}
