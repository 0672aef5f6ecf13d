//! What people met and stumbled over, in several commands at once.

use super::program::{leasehold, leasehold_in, text};
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// With and without another collector a difference is about objects: no places in lists, no numbers of types.
#[test]
fn what_differs_from_a_recording_is_said_of_objects() {
    let rows = ["conformance", "scenarios/recorded", "--only", "2.1", "--name"];
    for (name, fault, told) in [
        (
            "e_ctr_two_share_snapshot",
            "parent-forgotten",
            "engine: `refs` lacks something
    engine   does not follow the reference from ns1/snapshot/o/s to ns1/snapshot/o/p
             does not mark ns1/snapshot/o/p
             removes ns1/snapshot/o/p
    record   keeps   ns1/snapshot/o/p
             keeps   ns1/snapshot/o/s
    why      ns1/snapshot/o/p   ns1/snapshot/o/s stands on it
             ns1/snapshot/o/s   ns1/container/a runs on it",
        ),
        ("e_exp_exact_now", "expiry-inclusive", "    record   keeps   ns1/lease/l"),
    ] {
        let output = leasehold(&[&rows[..], &[name, "--fault", fault]].concat());
        let said = said(&output);
        assert!(said.contains(told), "{said}");
        assert!(
            !said.contains("expected ") && !said.contains("type-2/") && !said.contains("Some("),
            "{said}"
        );
    }
}

#[test]
fn a_row_whose_name_is_not_read_is_not_to_be_asked_for_by_it() {
    let folder = folder(&[("r.jsonl", "{\"version\": \"v2.1.9\", \"db\": {}, \"roots\": []}\n")]);
    let output = leasehold_in(folder.path(), &["conformance", "r.jsonl"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("--name NAME") && said.contains("put such a line alone into a file"), "{said}");
}

/// A snapshotter that has a slash stands in quotes, and bytes are written as a scenario has them, wherever they are said.
#[test]
fn names_have_the_one_spelling_that_reads_back() {
    let scenario = "release 2.3\n\nsnapshot prepare \"over/lay\"/k gc.root=x\nlease create \"l\\x1b\\xff\"\ngc\n\
                    expect removed snapshot/\"over/lay\"/k\nexpect error \"boo\\xff\\x1b\"\n";
    let folder = folder(&[("s.scenario", scenario)]);
    let output = leasehold_in(folder.path(), &["replay", "--step", "s.scenario"]);
    let said = said(&output);
    assert!(said.contains("      mark    snapshot/\"over/lay\"/k\n"), "{said}");
    assert!(said.contains("`expect removed snapshot/\"over/lay\"/k`: snapshot/\"over/lay\"/k"), "{said}");
    assert!(said.contains(r"boo\xff\x1b"), "{said}");
    assert!(!said.contains("snapshot/over/lay/k") && !said.contains(r"\u001b"), "{said}");
    assert!(!said.contains('\u{fffd}'), "{said}");
}

/// As reports have a type: by its number, flat bit and all, or with `-flat` behind its word.
#[test]
fn a_node_may_be_named_by_its_type() {
    let folder = folder(&[("s.scenario", "release 1.7\n\ncontent put a\n")]);
    for name in ["type-1/a", "type-33/@a", "default/type-33/@a", "content-flat/a"] {
        let output = leasehold_in(folder.path(), &["explain", "s.scenario", name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
        assert!(text(&output.stdout).starts_with("default/content/a "), "{name}: {}", said(&output));
    }
    let output = leasehold_in(folder.path(), &["explain", "s.scenario", "type-77/a"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn a_source_that_a_flag_takes_for_its_file_is_said_to_be_taken() {
    let folder = folder(&[("s.scenario", "release 1.7\n\ncontent put a\n")]);
    let meant =
        |rest: &str| format!("the source stands before --dot: leasehold graph s.scenario {rest}--dot");
    for (arguments, meant) in
        [(&["--dot", "s.scenario"][..], meant("")), (&["--dot", "s.scenario", "a"], meant("a "))]
    {
        let output = leasehold_in(folder.path(), &[&["graph"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(&meant), "{}", said(&output));
    }
}

/// What a scenario's expected output tells in so many words is meant; the same slip without it is warned of.
#[test]
fn what_is_expected_of_a_near_miss_is_not_warned_of() {
    let steps = "release 2.3\n\ncontent put layer\ncontent put top gc.root=x gc.ref.contents.0=@layer\ngc\n";
    let block = "---\nkeep    content/top     gc.root pins it\n\
                 remove  content/layer   content/top names it by gc.ref.contents.0, which is no label that a collector reads\n";
    let whole = steps.to_owned() + block;
    let folder = folder(&[("bare.scenario", steps), ("told.scenario", &whole)]);
    for (name, is_warned) in [("bare.scenario", true), ("told.scenario", false)] {
        let output = leasehold_in(folder.path(), &["replay", name]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(text(&output.stderr).contains("warning: "), is_warned, "{name}: {}", said(&output));
    }
}

#[test]
fn a_scenario_by_rules_that_were_read_early_says_so_once() {
    let scenario = "release 2.4.0-rc.0\n\ncontent put a\ngc\nexpect removed content/a\n";
    let folder = folder(&[("a.scenario", scenario), ("b.scenario", scenario)]);
    let output = leasehold_in(folder.path(), &["replay", "."]);
    let notes = text(&output.stderr);
    assert_eq!(notes.matches("the rules of 2.4 were read in 2.4.0-beta.0").count(), 1, "{notes}");
}

/// The old file stays whole, and its other name is told to have what was there.
#[cfg(unix)]
#[test]
fn an_update_heeds_a_limit_and_other_names() {
    let block = "keep    lease/l   live\n".repeat(200);
    let old = format!("release 2.3\n\nlease create l\ngc\n---\n{block}");
    let folder = folder(&[("s.scenario", &old)]);
    let [path, link] = ["s.scenario", "t.scenario"].map(|name| folder.path().join(name));
    fs::hard_link(&path, &link).expect("a link");
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]);
    let output =
        shell.arg(env!("CARGO_BIN_EXE_leasehold")).args(["replay", "--update", "s.scenario"]).output();
    let output = output.expect("the shell runs");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(fs::read_to_string(&path).expect("a file"), old);
    let output = leasehold_in(folder.path(), &["replay", "--update", "s.scenario"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        text(&output.stderr).contains("1 other name of the file (hard links) still stand for"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read_to_string(&link).expect("a file"), old);
}

/// One rule for all commands: what the system does not let anyone write is no misuse of the command line.
#[test]
fn an_output_that_cannot_be_written_ends_alike_in_every_command() {
    let folder = folder(&[("s.scenario", "release 1.7\n\ncontent put a\n"), ("file", "")]);
    for (arguments, code) in [
        ("export s.scenario no/m.db", 3),
        ("graph s.scenario --dot no/g.dot", 3),
        ("simulate --cases 10 --rows-out no/rows", 3),
        ("simulate --cases 10 --out file/below", 3),
        ("export s.scenario file", 2),
        ("graph s.scenario --dot file", 2),
        ("simulate --cases 10 --rows-out file", 2),
    ] {
        let output = leasehold_in(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(code), "{arguments}: {}", said(&output));
    }
}
