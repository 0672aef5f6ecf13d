//! What people met and stumbled over, in several commands at once.

use super::program::{folder, leasehold, leasehold_in, said, text};
use std::fs;
use std::process::Command;

/// With and without another collector a difference is about objects: no places in lists, no numbers of types.
#[test]
fn what_differs_from_a_recording_is_said_of_objects() {
    let rows = ["conformance", "scenarios/recorded", "--only", "2.1", "--name"];
    for (name, fault, told) in [
        (
            "e_ctr_two_share_snapshot",
            "parent-forgotten",
            "engine: `refs` lacks something (snapshot, refers: snapshot parent)
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

/// In a finding's sentence, too, in lints and in what became of a database.
#[test]
fn a_snapshotter_with_a_slash_is_spelt_alike_in_findings_lints_and_copies() {
    let pinned = "snapshot prepare \"over/lay\"/k gc.root=x\n";
    let free = "snapshot prepare \"over/lay\"/k\n";
    let gc = "gc\nexpect error nothing\n";
    let dangling = "content put a gc.ref.snapshot.over=gone gc.root=x\nlease create l\n\
                    raw bucket v1/default/leases/l/snapshots/\"over/lay\"\n\
                    raw put v1/default/leases/l/snapshots/\"over/lay\"/gone \"\"\n";
    let folder = folder(&[
        ("pinned.scenario", &format!("{pinned}{gc}")),
        ("free.scenario", &format!("{free}{gc}")),
        ("there.scenario", pinned),
        ("dangling.scenario", dangling),
    ]);
    let told = [
        (
            &["replay", "pinned.scenario", "--fault", "snapshot-root-label-ignored"][..],
            "snapshot/\"over/lay\"/k was handed to removal, though something keeps it, and has no bucket that went",
        ),
        (
            &["replay", "free.scenario", "--fault", "untouched-kept"],
            "snapshot/\"over/lay\"/k was not handed to removal, though nothing keeps it",
        ),
        (&["lint", "dangling.scenario"], "default/lease/l: snapshot/\"over/lay\"/gone is missing"),
        (&["diff", "dangling.scenario", "there.scenario"], "came  default/snapshot/\"over/lay\"/k"),
    ];
    for (arguments, expected) in told {
        let said = said(&leasehold_in(folder.path(), arguments));
        assert!(said.contains(expected) && !said.contains("snapshot/over/lay"), "{said}");
    }
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

/// What a scenario says, each with the command, the text of its file and what must be told.
#[test]
fn causes_are_told_that_people_missed() {
    let told = [
        (
            "replay s.scenario",
            "snapshot prepare \"over/lay\"/k\ngc\nexpect absent snapshot/\"over/lay\"/k\n",
            "`expect absent snapshot/\"over/lay\"/k`: snapshot/\"over/lay\"/k is there: the last collection handed it to removal, and its bucket stays",
        ),
        (
            "replay s.scenario",
            "client a lease=l\nlease create l expire=+1h\nadvance 2h\ngc\na: content put x\n",
            "lease/l was removed by `gc`, line 4: expired",
        ),
        (
            "replay s.scenario",
            "content put a\ngc\nexpect kept other/content/a\n",
            "another namespace has it, as default/content/a",
        ),
        (
            "replay s.scenario",
            "content put a\nexpect removed snapshot/\"over/lay\"/\"a b\"\ngc\n",
            "`expect removed snapshot/\"over/lay\"/\"a b\"`",
        ),
        (
            "replay --step s.scenario",
            "image create a target=b x.y=\"{\\\"y\\\":1}\"\nexpect nothing v1/other\n",
            "= \"{\\\"y\\\":1}\"",
        ),
        (
            "explore s.scenario",
            "client a\nclient b\ntogether\na: content put x\nb: content put y\nend\n",
            "nothing is promised: no `always`, and no `expect` below the block",
        ),
    ];
    for (arguments, text, expected) in told {
        let folder = folder(&[("s.scenario", text)]);
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let said = said(&leasehold_in(folder.path(), &arguments));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

/// The line that an order's reason names is the line of the file that is written, and of what is printed.
#[test]
fn an_orders_reason_names_the_line_of_its_file() {
    let protocol = "client a\ncontent put x\ntogether\na: lease create l expire=+1h\na: lease add l content/x\n\
                    may gc\nmay advance 2h\nalways present content/x\nend\n";
    let folder = folder(&[("s.scenario", protocol)]);
    let said = said(&leasehold_in(folder.path(), &["explore", "s.scenario", "--out", "."]));
    let because = said.lines().find(|line| line.starts_with("  because")).expect("a reason");
    let number =
        because.split("by `gc`, line ").nth(1).and_then(|rest| rest.split(':').next()).expect("a line");
    let number: usize = number.parse().expect("a number");
    let written = std::fs::read_to_string(folder.path().join("s-1.7.0-beta.1.scenario")).expect("a file");
    assert_eq!(written.lines().nth(number - 1), Some("gc"), "{said}");
    assert!(said.lines().any(|line| line == format!("    > {number:>3}  gc")), "{said}");
    let again = self::said(&leasehold_in(folder.path(), &["replay", "s-1.7.0-beta.1.scenario"]));
    assert!(again.contains(&format!("by `gc`, line {number}:")), "{again}");
}

#[test]
fn of_many_warnings_the_first_are_told_and_all_are_in_the_object() {
    let puts: String =
        (0..30).map(|each| format!("content put c{each} gc.ref.content.l.0=c{each}\n")).collect();
    let folder = folder(&[("s.scenario", &format!("{puts}gc\nexpect removed content/c0\n"))]);
    let output = leasehold_in(folder.path(), &["replay", "s.scenario"]);
    let told = String::from_utf8(output.stderr).expect("text");
    assert_eq!(told.matches("warning: ").count(), 20, "{told}");
    assert!(told.contains("... and 10 more warnings: --json lists them all"), "{told}");
    let output = leasehold_in(folder.path(), &["replay", "--json", "s.scenario"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(object["files"][0]["warnings"].as_array().map(Vec::len), Some(30), "{object}");
}

#[test]
fn what_is_lacking_for_a_comparison_is_told_by_name() {
    let folder = folder(&[("s.scenario", "content put a\n")]);
    for (arguments, expected) in [
        ("diff s.scenario", "one SOURCE alone is nothing to compare: give one SOURCE and two releases"),
        ("diff s.scenario --release 1.7", "--release is for two copies, and AFTER is missing"),
        ("diff s.scenario --from 1.7", "--to RELEASE is missing"),
        ("diff --cases 10 --to 2.0", "--from RELEASE is missing"),
        ("diff --from 1.7 --to 2.0", "SOURCE is missing"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = leasehold_in(folder.path(), &arguments);
        let said = said(&output);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_part_of_a_name_is_told_with_the_whole_and_a_kind_of_a_namespace_is_listed() {
    let steps = "namespace use other\ncontent put a\ncontent open ingest/up\ncontent put b\n";
    let folder = folder(&[("s.scenario", steps)]);
    let asked = |what: &str| said(&leasehold_in(folder.path(), &["explain", "s.scenario", what]));
    let near = asked("up");
    assert!(near.contains("is other/ingest/ingest/up meant?"), "{near}");
    let listed = asked("other/content");
    assert!(listed.contains("other/content/a") && listed.contains("other/content/b"), "{listed}");
}

/// Images that are names of one another each hold nothing alone, and what goes without all of them is told of each.
#[test]
fn what_goes_without_all_names_of_an_image_is_told_of_each() {
    let steps = "content put layer size=4194304\ncontent put manifest gc.ref.content.l.0=@layer\n\
                 image create reg/web:1 target=manifest\nimage create reg/web@1 target=manifest\n";
    for release in ["1.7", "2.1"] {
        let folder = folder(&[("cri.scenario", &format!("release {release}\n{steps}"))]);
        let output = leasehold_in(folder.path(), &["explain", "cri.scenario", "reg/web:1"]);
        let said = said(&output);
        assert!(
            said.contains("Without it and the other names of its image 2 objects go")
                && said.contains(":\n  image/reg/web@1\n"),
            "{said}"
        );
        let output = leasehold_in(folder.path(), &["explain", "cri.scenario", "reg/web:1", "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        assert_eq!(report["names"][0]["key"], "reg/web@1", "{report}");
        assert_eq!(report["without_names"]["objects"], 2, "{report}");
        assert!(report["warnings"].is_array(), "{report}");
    }
}

/// What no command reads is said to be so when it is written, and one long name does not move all lines.
#[test]
fn an_export_that_no_command_reads_a_flags_name_and_a_long_name() {
    let long = "x".repeat(3000);
    let folder = folder(&[
        ("odd.scenario", "raw bucket v1/default\nraw put v1/default/leases \"y\"\n"),
        ("-x.scenario", "content put layer\n"),
        (
            "long.scenario",
            &format!(
                "content put layer\nlease create {long}\nlease create l\nlease add l content/layer\ngc\n"
            ),
        ),
    ]);
    let output = leasehold_in(folder.path(), &["export", "odd.scenario", "odd.db"]);
    let refused = "odd.db: every other command will refuse it: is no database of containerd's: ";
    assert!(said(&output).contains(refused), "{}", said(&output));
    assert_eq!(leasehold_in(folder.path(), &["collect", "odd.db"]).status.code(), Some(3));
    let output = leasehold_in(folder.path(), &["collect", "--", "-x.scenario"]);
    assert!(said(&output).contains("leasehold explain ./-x.scenario "), "{}", said(&output));
    let output = leasehold_in(folder.path(), &["explain", "long.scenario"]);
    let others = said(&output).lines().filter(|line| !line.contains(&long)).map(str::len).max();
    assert!(others.is_some_and(|longest| longest < 300), "{}", said(&output));
}

/// What a scenario's author and a newcomer met.
#[test]
fn labels_that_mean_nothing_on_their_object_names_that_cannot_be_and_targets_nearly_named() {
    let folder = folder(&[(
        "s.scenario",
        "content put layer gc.expire=2030-01-01T00:00:00Z\nlease create l gc.ref.content.0=@layer\n\
         snapshot prepare overlayfs/a gc.flat=1\nimage create i target=layer gc.ref.content.0=@layer\n\
         expect present snapshot/base\n",
    )]);
    let output = leasehold_in(folder.path(), &["replay", "s.scenario"]);
    let said = said(&output);
    for told in [
        "s.scenario:1: warning: label gc.expire means nothing on content, only on a lease, an image\n",
        "s.scenario:2: warning: label gc.ref.content.0 means nothing on a lease, only on content, ",
        "s.scenario:3: warning: label gc.flat means nothing on a snapshot, only on a lease\n",
        "s.scenario:5: warning: `snapshot/base` names nothing",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert_eq!(said.matches("warning: ").count(), 4, "{said}");
    let output = leasehold(&["replay", "--target", "differntial", "x"]);
    assert!(text(&output.stderr).contains("is differential meant?"), "{}", text(&output.stderr));
}

/// A mistake that keeps garbage is no other namespace's doing, and a time that the release's daemons cannot read is none.
#[test]
fn what_a_fault_keeps_is_said_to_be_kept_against_the_rules_and_a_time_of_none_is_warned_of() {
    let folder = folder(&[(
        "s.scenario",
        "release 2.2\ncontent put layer\nlease create pull expire=+1h\nlease add pull content/layer\n\
         lease create l gc.expire=2026-01-01T00:00:00+25:00\nadvance 2h\ngc\nexpect removed content/layer\n",
    )]);
    let output = leasehold_in(folder.path(), &["replay", "--fault", "lease-expiry-ignored", "s.scenario"]);
    let said = said(&output);
    let told =
        "content/layer was kept by the last collection: against the rules: lease/pull held it and expired ";
    assert!(said.contains(told), "{said}");
    assert!(said.contains(":5: warning: gc.expire `2026-01-01T00:00:00+25:00` is no time"), "{said}");
}

/// Without the step that makes a promise due, that nothing breaks says nothing.
#[test]
fn what_promises_need_to_be_due_is_not_unneeded() {
    let folder = folder(&[(
        "p.scenario",
        "client c\ntogether\nc: content put layer\nc: image create main target=layer\n\
         always present content/layer when present image/main\nend\n",
    )]);
    let output = leasehold_in(folder.path(), &["explore", "--weakest", "p.scenario"]);
    let said = said(&output);
    assert!(said.contains("besides  1 other change would leave a promise untested"), "{said}");
    assert!(!said.contains("without step `image create"), "{said}");
}
