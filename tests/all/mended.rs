//! What people met who tried the program from outside, each once: a maintainer, an author, an operator, a newcomer.

use super::program::{folder, leasehold, leasehold_in, said};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");
const RECORDED: &str = "scenarios/recorded";

fn in_folder(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    let output = leasehold_in(folder.path(), arguments);
    (output.status.code(), said(&output))
}

#[track_caller]
fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

// ---- a maintainer

/// A reference is told by its rule, whatever else keeps what it leads to; an error is one mistake wherever it is seen.
#[test]
fn one_mistake_of_a_child_is_one_finding() {
    for (fault, cases, title) in [
        ("parent-forgotten", "80", "`refs` lacks something (snapshot, refers: snapshot parent) in "),
        ("lease-other-snapshotters", "130", "`roots` lacks something (snapshot, a root: held by lease) in "),
        ("sweep-skips", "40", "`removed` lacks something in "),
        ("ended-before-removals", "30", "`collector_calls` is in another order in "),
        ("error-swallowed", "100", "ours fails, the child does not in "),
    ] {
        let here = folder(&[]);
        let child = format!("'{PROGRAM}' child --fault {fault}");
        let (code, said) = in_folder(&here, &["simulate", "--cases", cases, "--against", &child]);
        assert_eq!(code, Some(1), "{said}");
        has(&said, &[&format!("\n{title}"), "\n1 finding, in "]);
    }
}

#[test]
fn a_child_that_is_held_to_a_record_is_not_held_to_ours() {
    let child = |fault: &str| format!("'{PROGRAM}' child --fault {fault}");
    let conformance = |fault: &str| {
        said(&leasehold(&["conformance", RECORDED, "--only", "2.1", "--against", &child(fault)]))
    };
    let said = conformance("parent-forgotten");
    let title = "`refs` lacks something (snapshot, refers: snapshot parent)";
    has(&said, &[&format!(": {title}\n    child    "), "\n    record   keeps   ", "\n    why      "]);
    has(&said, &[&format!(" more rows: {title}\n")]);
    assert!(!said.contains("    ours "), "{said}");
    has(
        &conformance("error-swallowed"),
        &[": the record fails, the child does not\n    child    succeeds where the record "],
    );
}

#[test]
fn a_go_that_changes_no_row_is_misuse() {
    let conformance = |more: &[&str]| {
        let output = leasehold(&[&["conformance", RECORDED, "--only", "1.6", "--go"], more].concat());
        (output.status.code(), said(&output))
    };
    let (code, told) = conformance(&["1.22"]);
    assert_eq!(code, Some(2), "{told}");
    has(&told, &["--go 1.20: rows are judged so without it"]);
    let (code, told) = conformance(&["1.19"]);
    assert_eq!(code, Some(2), "{told}");
    has(&told, &["--go 1.19: none of 1,165 recorded rows has a time"]);
}

/// A row as our own collector would have been recorded.
fn row() -> Value {
    let db = json!({"v1": {"a": {"content": {"blob": {
        "k0": {"labels": {"containerd.io/gc.root": "k0"}}, "k1": {"labels": {"containerd.io/gc.root": "k1"}}, "k3": {},
    }}}}});
    let row = json!({"name": "n", "version": "containerd 2.1", "now": "2024-04-29T00:26:40Z", "collectors": [], "db": db});
    let here = folder(&[("row.jsonl", &format!("{row}\n"))]);
    let file = fs::File::open(here.path().join("row.jsonl")).expect("the row");
    let answer = Command::new(PROGRAM).arg("child").stdin(file).output().expect("an answer");
    let answer: Value = serde_json::from_slice(&answer.stdout).expect("one object");
    let (mut row, answer) = (row, answer.as_object().expect("fields").clone());
    row.as_object_mut().expect("fields").extend(answer);
    row
}

fn judged(row: &Value, more: &[&str]) -> (Option<i32>, String) {
    let here = folder(&[("row.jsonl", &format!("{row}\n"))]);
    in_folder(&here, &[&["conformance", "row.jsonl"], more].concat())
}

#[test]
fn what_is_wrong_with_a_row_is_said_in_words_of_its_own() {
    assert_eq!(judged(&row(), &[]).0, Some(0), "{}", judged(&row(), &[]).1);
    for (field, value, told) in [
        (
            "now",
            json!("yesterday"),
            "field `now`: `yesterday` is no time; write one as 2026-11-23T16:27:55Z\n",
        ),
        (
            "now",
            json!("2026-13-01T00:00:00Z"),
            "`2026-13-01T00:00:00Z` is no time: its month is out of range; ",
        ),
        ("now", json!(5), "field `now`: it is integer `5`, where there should be a string\n"),
        ("now", Value::Null, "field `now`: "),
        ("db", json!("x"), "field `db`: it is string \"x\", where there should be a bucket"),
        ("db", Value::Null, "has no `db`: it lacks the database as it was before the collection"),
    ] {
        let mut wrong = row();
        wrong[field] = value;
        let (code, said) = judged(&wrong, &[]);
        assert_eq!(code, Some(1), "{said}");
        has(&said, &[told]);
        assert!(!said.contains(" at line ") && !said.contains("2006-01-02"), "{said}");
    }
    let mut lacking = row();
    lacking.as_object_mut().expect("fields").remove("collectors");
    has(&judged(&lacking, &[]).1, &["row `n`: field `collectors` is missing\n"]);
}

#[test]
fn a_packed_file_that_is_cut_off_is_said_to_be() {
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED).join("containerd.jsonl.zst"));
    let whole = whole.expect("the recordings");
    let here = folder(&[]);
    fs::write(here.path().join("cut.jsonl.zst"), &whole[..50_000]).expect("a file");
    let (code, said) = in_folder(&here, &["conformance", "cut.jsonl.zst"]);
    assert_eq!(code, Some(3), "{said}");
    has(&said, &["cut.jsonl.zst: the file is cut off: it ends in the middle of what is packed in it\n"]);
}

/// Neither our engine nor another collector is to blame for it.
#[test]
fn a_record_that_is_not_in_order_is_blamed_itself() {
    let mut row = row();
    row["marked"].as_array_mut().expect("nodes").reverse();
    let child = format!("'{PROGRAM}' child");
    for more in [&[][..], &["--against", &child]] {
        let (code, said) = judged(&row, more);
        assert_eq!(code, Some(1), "{said}");
        has(
            &said,
            &["FAILED 2.1 n: the record is not in order: `marked`: the recorded nodes are not sorted"],
        );
        assert!(!said.contains("engine") && !said.contains("    child"), "{said}");
    }
}

#[test]
fn a_row_of_another_release_is_said_to_be_that() {
    let (mut old, mut new) = (row(), row());
    (old["name"], new["name"]) = (json!("old"), json!("new"));
    new["version"] = json!("containerd 2.2");
    let here = folder(&[("rows.jsonl", &format!("{old}\n{new}\n"))]);
    let (code, said) = in_folder(&here, &["conformance", "rows.jsonl", "--only", "2.1", "--name", "new"]);
    assert_eq!(code, Some(2), "{said}");
    has(&said, &["--name new: no row of 2.1 is called that, as --only asks; it is one of 2.2"]);
}

/// A snapshotter whose name begins that of another is why the sweep fails.
#[test]
fn what_makes_a_sweep_fail_is_said_with_where_it_looks() {
    let scenario = "snapshot prepare over/x\nsnapshot prepare \"over/lay\"/e0\ngc\n";
    let here = folder(&[("fails.scenario", scenario)]);
    let child = format!("'{PROGRAM}' child --fault sweep-keeps-partial");
    let (_, said) = in_folder(&here, &["replay", "fails.scenario", "--against", &child]);
    has(
        &said,
        &["looks for snapshot/\"over/lay\"/e0 as lay/e0 of snapshotter over, which is there and has none"],
    );
}

/// One spelling of what is reached flat.
#[test]
fn a_flat_type_is_spelt_alike_everywhere() {
    let scenario = "collector declare type-16\ncontent put a\ncollector list type-16 type-33/@a\n\
                    collector active type-16 type-33/@a\ngc\n---\n";
    let here = folder(&[("flat.scenario", scenario)]);
    let (_, replayed) = in_folder(&here, &["replay", "flat.scenario"]);
    let (_, collected) = in_folder(&here, &["collect", "flat.scenario"]);
    has(
        &replayed,
        &["remove  content-flat/a   collector type-16 has it in use, but listed as content-flat it is"],
    );
    has(&collected, &["default/content-flat/a", "listed as content-flat it is"]);
    for said in [replayed, collected] {
        assert!(!said.contains("type 33") && !said.contains("content/a, flat"), "{said}");
    }
}

// ---- an author

#[test]
fn a_scenario_runs_by_the_release_that_is_named_in_every_command() {
    let here = folder(&[("box.scenario", "content put layer\nsandbox create box gc.ref.content.l=@layer\n")]);
    let of =
        |command: &str, release: &str| in_folder(&here, &[command, "box.scenario", "--release", release]);
    let (code, said) = of("collect", "2.0");
    assert_eq!(code, Some(0), "{said}");
    has(&said, &["\n0 removed; "]);
    has(&of("explain", "2.0").1, &["default/sandbox/box"]);
    has(&of("lint", "2.0").1, &["0 errors, 0 warnings, 0 notes"]);
    // Where there are no sandboxes the step is refused, as `replay` has it.
    for command in ["collect", "explain", "lint"] {
        let (code, said) = of(command, "1.6");
        assert_eq!(code, Some(3), "{said}");
        has(&said, &["not implemented", "see: leasehold replay --step --release 1.6 box.scenario"]);
    }
    // A state that a daemon of 1.7 left is looked at by other rules as it is.
    let left = "release 1.7\ncontent put layer\nsandbox create box gc.ref.content.l=@layer\n";
    // However that is written: behind comments and a byte order mark, with blanks, with another end of line.
    for left in [
        left.to_owned(),
        format!("\u{feff}# Left.\r\n\n{}", left.replace("release 1.7\n", "release  1.7\r\n")),
    ] {
        fs::write(here.path().join("left.scenario"), left).expect("a file");
        let (_, said) = in_folder(&here, &["collect", "left.scenario", "--release", "2.0"]);
        has(&said, &["\n1 removed; ", "as the sandbox lies beside v1"]);
    }
    let (_, said) = in_folder(&here, &["collect", "box.scenario"]);
    has(&said, &["means nothing to containerd 1.7.0-beta.1, only to 2.0 and later"]);
}

#[test]
fn what_expired_behind_a_referrer_comes_before_referrers_that_nothing_held() {
    let scenario = "release 2.1\ncontent put layer\ncontent put a gc.ref.content.0=@layer\n\
                    content put b gc.ref.content.0=@layer\nlease create pull expire=+1h\n\
                    content put z gc.ref.content.0=@layer\nlease add pull content/z\nadvance 2h\ngc\n---\n";
    let here = folder(&[("more.scenario", scenario)]);
    let (_, said) = in_folder(&here, &["replay", "more.scenario"]);
    has(
        &said,
        &["content/layer   content/z refers to it by gc.ref.content.0 and is not kept; and 2 more reasons"],
    );
}

#[test]
fn a_lease_of_another_namespace_is_said_to_be_there() {
    let scenario = "release 2.1\nclient c namespace=b\nc: lease create l\nlease use l\ncontent put y\n";
    let here = folder(&[("other.scenario", scenario)]);
    let (_, said) = in_folder(&here, &["replay", "other.scenario"]);
    has(&said, &["lease \"l\": not found: namespace b has a lease l, and this step is of namespace default"]);
}

#[test]
fn what_a_collector_lists_too_is_counted_once_and_what_stays_not_at_all() {
    let scenario = "release 2.1\ncollector declare type-16\ncontent put a\ncontent put b gc.root=1\n\
                    collector list type-16 content/a content/b\nsnapshot prepare \"over/lay\"/x\n";
    let here = folder(&[("listed.scenario", scenario)]);
    let (_, said) = in_folder(&here, &["collect", "listed.scenario"]);
    has(&said, &["default    content      1        1        1.0 KiB\n", "\n2 removed; 1.0 KiB of content"]);
    assert_eq!(said.matches("remove  default/content/a").count(), 1, "{said}");
    let (_, said) = in_folder(&here, &["explain", "listed.scenario"]);
    has(&said, &["\nnow           1.0 KiB        1  1.0 KiB\n"]);
}

#[test]
fn a_size_below_zero_and_a_step_that_no_daemon_has_are_told() {
    let here = folder(&[
        ("size.scenario", "content put a size=-1\ngc\n"),
        ("lease.scenario", "lease create l\nlease update l expire=+1h\ngc\n"),
    ]);
    let (_, said) = in_folder(&here, &["replay", "size.scenario"]);
    has(&said, &["size.scenario:1: warning: size=-1 is below zero, which no daemon writes"]);
    let (_, said) = in_folder(&here, &["replay", "lease.scenario"]);
    has(&said, &["unknown step `lease update`", "no daemon changes a lease once it is created"]);
}

#[test]
fn that_a_label_begins_as_the_root_label_does_is_said_where_that_must_not_count() {
    let here = folder(&[]);
    let (_, said) = in_folder(&here, &["simulate", "--release", "2.4", "--intended", "--cases", "8"]);
    has(&said, &["its label gc.rootfs is not gc.root, and containerd 2.4 pins by it all the same"]);
}

#[test]
fn a_search_ends_at_the_states_that_are_allowed() {
    let protocol = "scenarios/protocols/pull_beside_delete.scenario";
    let output = leasehold(&["explore", protocol, "--states-max", "50", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(report["files"][0]["states"], 50, "{report}");
}

// ---- an operator

const EXAMPLE: &str = "scenarios/databases/garbage-pending.db";
const THEN: [&str; 2] = ["--now", "2026-11-23T16:27:55Z"];

#[test]
fn days_and_weeks_are_understood_beside_hours() {
    for time in ["+1d12h", "-2w", "+1w1d1m"] {
        let output = leasehold(&["collect", EXAMPLE, "--now", time]);
        assert_eq!(output.status.code(), Some(0), "{time}: {}", said(&output));
    }
    let output = leasehold(&["collect", EXAMPLE, "--now", "+1mo"]);
    has(&said(&output), &["weeks are the longest unit", "+1d12h"]);
}

#[test]
fn what_a_label_names_is_found_without_its_algorithm() {
    let explain = |name: &str| said(&leasehold(&[&["explain", EXAMPLE, name], &THEN[..]].concat()));
    assert_eq!(explain("dead"), explain("sha256:dead"));
    has(&explain("dead"), &["default/content/sha256:dead   missing"]);
}

/// The version stands in a varint, whose number is doubled.
#[test]
fn a_version_of_before_the_releases_that_are_known_is_called_that() {
    let database = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE)).expect("the example");
    for version in [1u8, 2] {
        let mut old = database.clone();
        let places: Vec<usize> =
            old.windows(8).enumerate().filter(|(_, at)| at == b"version\x06").map(|(at, _)| at).collect();
        places.iter().for_each(|at| old[at + 7] = 2 * version);
        let here = folder(&[]);
        fs::write(here.path().join("old.db"), old).expect("a file");
        let (code, said) = in_folder(&here, &["collect", "old.db", THEN[0], THEN[1]]);
        assert_eq!(code, Some(0), "{said}");
        has(
            &said,
            &[
                &format!("version {version} of the database is that of a containerd before 1.6"),
                "judged by the rules of 1.7",
            ],
        );
    }
}

/// A client did not delete what was not there yet.
#[test]
fn an_older_copy_in_the_place_of_the_newer_is_told() {
    let here = folder(&[
        ("one.scenario", "release 2.1\ncontent put a gc.root=1\n"),
        ("two.scenario", "release 2.1\ncontent put a gc.root=1\ncontent put b gc.root=1\n"),
    ]);
    for name in ["one", "two"] {
        let (code, said) = in_folder(&here, &["export", &format!("{name}.scenario"), &format!("{name}.db")]);
        assert_eq!(code, Some(0), "{said}");
    }
    let path = here.path().join("one.db");
    let mut older = fs::read(&path).expect("a database");
    let size = u32::from_le_bytes(older[24..28].try_into().expect("four bytes")) as usize;
    for page in 0..2 {
        // The number of the transaction stands 64 bytes into a meta page, its checksum behind.
        let meta = &mut older[page * size + 16..][..64];
        let number = u64::from_le_bytes(meta[48..56].try_into().expect("eight bytes"));
        let earlier = number.checked_sub(1);
        meta[48..56].copy_from_slice(&earlier.unwrap_or_default().to_le_bytes());
        let sum = meta[..56].iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        meta[56..64].copy_from_slice(&sum.to_le_bytes());
    }
    fs::write(&path, older).expect("written");
    let (_, said) = in_folder(&here, &["diff", "two.db", "one.db", "--release", "2.1", THEN[0], THEN[1]]);
    has(&said, &["AFTER is of an older transaction than BEFORE: are they the wrong way round"]);
    has(
        &said,
        &["it was not there yet, as AFTER is of an older transaction, or the pin of content/b held it"],
    );
    let (_, said) = in_folder(&here, &["diff", "one.db", "two.db", "--release", "2.1", THEN[0], THEN[1]]);
    assert!(!said.contains("older transaction"), "{said}");
}

// ---- a newcomer

#[test]
fn the_fields_of_every_object_are_in_the_help() {
    for command in [
        "simulate",
        "exhaust",
        "grade",
        "export",
        "diff",
        "collect",
        "lint",
        "explore",
        "replay",
        "conformance",
    ] {
        let said = said(&leasehold(&[command, "--help"]));
        assert!(
            said.contains("--json prints") || said.contains("--json counts") || said.contains("--json lists"),
            "{command}: {said}"
        );
    }
    // An example that is there.
    has(
        &said(&leasehold(&["explore", "--help"])),
        &["scenarios/protocols/pull_beside_delete.scenario --weakest"],
    );
}

#[test]
fn a_scenario_that_is_no_protocol_is_told_where_there_are_some() {
    let here = folder(&[("plain.scenario", "content put a\ngc\n")]);
    has(
        &in_folder(&here, &["explore", "plain.scenario"]).1,
        &["no `together` block", "scenarios/protocols has examples"],
    );
}

#[test]
fn what_removed_the_object_of_an_expected_value_is_told() {
    let scenario = "release 2.1\ncontent put a\nlease create l expire=+1h\nlease add l content/a\nadvance 2h\ngc\n\
                    expect value v1/default/content/blob/@a/size varint=1024\nexpect bucket v1/default/leases/l\n";
    let here = folder(&[("value.scenario", scenario)]);
    let (_, said) = in_folder(&here, &["replay", "value.scenario"]);
    has(
        &said,
        &[
            "content/a was removed by `gc`, line 6: lease/l held it and expired",
            "lease/l was removed by `gc`",
        ],
    );
}
