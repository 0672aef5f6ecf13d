//! `leasehold replay`, and a scenario as the source of `leasehold collect`: the whole program.

use super::program::{folder, leasehold_in as leasehold, text};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const PASSES: &str = "# It holds.
release 1.7.0-beta.1

content put layer
lease create pull expire=+1h
lease add pull content/layer
gc
---
keep    content/layer   lease/pull holds it until 2026-01-01T01:00:00Z
keep    lease/pull      live until 2026-01-01T01:00:00Z

advance 1h1s
gc
expect removed content/layer lease/pull
";

fn last_line(output: &Output) -> String {
    text(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn the_library_passes() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = leasehold(&root, &["replay", "scenarios"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let last = last_line(&output);
    assert!(last.ends_with(" passed, 0 failed") && !last.starts_with("0 "), "{last}");
}

#[test]
fn a_scenario_that_holds_passes_and_says_nothing_more() {
    let folder = folder(&[("a.scenario", PASSES)]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "1 passed, 0 failed\n".to_owned()));
}

#[test]
fn a_failure_shows_the_difference_and_ends_with_the_command_that_replays_it() {
    let broken = PASSES.replace("live until", "lives until");
    let folder = folder(&[("it's.scenario", &broken)]);
    let output = leasehold(folder.path(), &["replay", "it's.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "FAILED it's.scenario:7: `gc` prints something else (- expected, + printed)
      keep    content/layer   lease/pull holds it until 2026-01-01T01:00:00Z
    - keep    lease/pull      lives until 2026-01-01T01:00:00Z
    + keep    lease/pull      live until 2026-01-01T01:00:00Z
again: leasehold replay --step 'it'\\''s.scenario'

0 passed, 1 failed
";
    assert_eq!(text(&output.stdout), expected);
    // The command that it ends with does what it says.
    let again = leasehold(folder.path(), &["replay", "--step", "--", "it's.scenario"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stdout).contains("\n   7  gc\n      mark    content/layer\n"),
        "{}",
        text(&again.stdout)
    );
}

#[test]
fn files_come_in_byte_order_and_only_those_named_as_scenarios() {
    let failing = "content delete x\nexpect same\n";
    let folder = folder(&[
        ("lib/b.scenario", failing),
        ("lib/a/z.scenario", failing),
        ("lib/B.scenario", failing),
        ("lib/c.txt", failing),
        ("lib/d.scenario", PASSES),
        ("named", PASSES),
    ]);
    let output = leasehold(folder.path(), &["replay", "lib", "named"]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    let failed = stdout.lines().filter_map(|line| line.strip_prefix("FAILED lib/"));
    let failed: Vec<&str> = failed.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(failed, ["B.scenario", "a/z.scenario", "b.scenario"]);
    assert_eq!(last_line(&output), "2 passed, 3 failed");
    let again = leasehold(folder.path(), &["replay", "lib", "named"]);
    assert_eq!(again.stdout, output.stdout);
}

#[test]
fn what_does_not_parse_cannot_be_read_and_what_asserts_nothing_has_failed() {
    let folder = folder(&[
        ("a.scenario", "lese create pull\n"),
        ("b.scenario", "content put a\n"),
        ("c.scenario", "# Nothing.\n"),
    ]);
    let output = leasehold(folder.path(), &["replay", "."]);
    assert_eq!((output.status.code(), last_line(&output)), (Some(3), "0 passed, 3 failed".to_owned()));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stderr.contains("a.scenario:1:1") && stderr.contains("did you mean `lease`?"), "{stderr}");
    assert!(stderr.contains("the file has no steps"), "{stderr}");
    assert!(stdout.contains("the scenario asserts nothing"), "{stdout}");
    // What is wrong with a file is said once.
    assert!(
        !stdout.contains("a.scenario") && stderr.matches("a.scenario: ").count() == 1,
        "{stdout}{stderr}"
    );
}

#[test]
fn without_a_file_or_with_one_that_cannot_be_read_the_input_is_at_fault() {
    let folder = folder(&[("empty/a.txt", ""), ("a.scenario", PASSES)]);
    let empty = leasehold(folder.path(), &["replay", "empty"]);
    assert_eq!((empty.status.code(), text(&empty.stdout)), (Some(3), String::new()));
    assert!(text(&empty.stderr).contains("no file that ends in .scenario"));
    let missing = leasehold(folder.path(), &["replay", "missing.scenario", "a.scenario"]);
    assert_eq!((missing.status.code(), last_line(&missing)), (Some(3), "1 passed, 1 failed".to_owned()));
    assert!(text(&missing.stderr).contains("missing.scenario: "), "{}", text(&missing.stderr));
    for arguments in [
        &["replay"][..],
        &["replay", "--fault", "nonsense", "a.scenario"],
        &["replay", "--what", "a.scenario"],
    ] {
        assert_eq!(leasehold(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn update_never_takes_steps_for_output_and_never_writes_what_is_read_only() {
    let swallowed = "content put layer\ngc\n---\nkeep x\ncontent delete layer\nexpect absent content/layer\n";
    let wrong = "gc\n---\nkeep x\n";
    let folder = folder(&[("a.scenario", swallowed), ("b.scenario", wrong)]);
    let read_only = folder.path().join("b.scenario");
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    for (file, written, said) in [
        (
            "a.scenario",
            swallowed,
            "the expected output of line 2 holds `content delete layer`, which no `gc` prints: a",
        ),
        ("b.scenario", wrong, "it is read-only"),
    ] {
        let output = leasehold(folder.path(), &["replay", "--update", file]);
        assert_eq!(output.status.code(), Some(3), "{file}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), written);
    }
}

/// Whatever is no output may be a step, with a slip in it or not.
#[test]
fn what_is_no_output_is_never_written_over_and_said_without_update_too() {
    for odd in [
        "bob: gc",
        "expct removed content/x",
        "Expect removed content/x",
        "lease create x expire=1h",
        "# Why.",
        "! not-found content delete x",
        "? gc",
        "---",
    ] {
        let written = format!("client bob\n\ngc\n---\nremove x\n{odd}\n");
        let folder = folder(&[("a.scenario", &written)]);
        let update = leasehold(folder.path(), &["replay", "--update", "a.scenario"]);
        let said = format!(
            "the expected output of line 3 holds `{odd}`, which no `gc` prints: a step needs an empty line"
        );
        assert_eq!(update.status.code(), Some(3), "{odd}");
        assert!(text(&update.stderr).contains(&said), "{}", text(&update.stderr));
        assert_eq!(fs::read_to_string(folder.path().join("a.scenario")).unwrap(), written);
        let replay = leasehold(folder.path(), &["replay", "a.scenario"]);
        assert_eq!(replay.status.code(), Some(1), "{odd}");
        assert!(text(&replay.stdout).contains(&format!("holds `{odd}`, which no `gc` prints")), "{odd}");
    }
}

#[test]
fn a_go_that_builds_no_daemon_of_the_files_is_usage() {
    let folder = folder(&[("a.scenario", "release 2.1\ngc\nexpect same\n"), ("b.scenario", PASSES)]);
    let run =
        |arguments: &[&str]| leasehold(folder.path(), &[&["replay", "--go", "1.19"], arguments].concat());
    let refused = run(&["a.scenario"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--go 1.19: no scenario here is by a release that was built"));
    assert_eq!(run(&["a.scenario", "b.scenario"]).status.code(), Some(0));
    assert_eq!(run(&["--release", "all", "a.scenario"]).status.code(), Some(0));
}

#[test]
fn update_writes_blocks_and_nothing_else() {
    let layout = "# A   comment.\ncontent   put layer\ngc\n---\nkeep wrong\n\n\n# Another.\nexpect removed content/layer\n";
    let fails = "gc\n---\nkeep x\n\nexpect present content/x\n";
    let folder = folder(&[
        ("a.scenario", layout),
        ("b.scenario", fails),
        ("c.scenario", "content delete x\ngc\n---\nold\n"),
    ]);
    let output = leasehold(folder.path(), &["replay", "--update", "."]);
    assert_eq!(output.status.code(), Some(1));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
    assert_eq!(
        read("a.scenario"),
        layout.replace("keep wrong", "remove  content/layer   nothing refers to it")
    );
    assert_eq!(read("b.scenario"), fails.replace("keep x\n\n", "nothing to keep or to remove\n\n"));
    // A replay that ended early knows nothing of what comes behind.
    assert_eq!(read("c.scenario"), "content delete x\ngc\n---\nold\n");
    let stdout = text(&output.stdout);
    assert!(stdout.contains("updated ./a.scenario: 1 block\n"), "{stdout}");
    assert!(stdout.contains("updated ./b.scenario: 1 block; what fails is no output:\nFAILED"), "{stdout}");
    assert!(stdout.contains("not updated ./c.scenario: ") && stdout.contains("nothing was written\nFAILED"));
    assert!(
        stdout.contains("FAILED ./b.scenario:5: `expect present content/x`: content/x is not there\n"),
        "{stdout}"
    );
    assert_eq!(last_line(&output), "1 passed, 2 failed");
    let again = leasehold(folder.path(), &["replay", "a.scenario"]);
    assert_eq!(again.status.code(), Some(0));
}

#[test]
fn a_seeded_mistake_fails_and_is_part_of_the_command() {
    let folder = folder(&[("a.scenario", "lease create l expire=+1h\nadvance 1h\ngc\nexpect nothing x\n")]);
    let output = leasehold(folder.path(), &["replay", "--fault", "expiry-inclusive", "a.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("FAILED a.scenario:3: `gc` breaks the property safety: "), "{stdout}");
    assert!(
        stdout.contains("\nagain: leasehold replay --step --fault expiry-inclusive a.scenario\n"),
        "{stdout}"
    );
    assert_eq!(leasehold(folder.path(), &["replay", "a.scenario"]).status.code(), Some(0));
}

#[test]
fn step_shows_buckets_decoded_the_clock_and_the_marks() {
    let folder = folder(&[("a.scenario", PASSES)]);
    let output = leasehold(folder.path(), &["replay", "--step", "a.scenario"]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    for line in [
        "a.scenario: release 1.7.0-beta.1",
        "   4  content put layer",
        "      + v1/default/content/blob/@layer/createdat = 2026-01-01T00:00:00Z",
        "      + v1/default/content/blob/@layer/size = 1024",
        "      now 2026-01-01T00:00:00Z -> 2026-01-01T01:00:01Z",
        "      mark    lease/pull",
        "      unmark  lease/pull",
        "      - v1/default/leases/pull/labels/\"containerd.io/gc.expire\" = \"2026-01-01T01:00:00Z\"",
        "      | remove  lease/pull      expired 2026-01-01T01:00:00Z",
        "1 passed, 0 failed",
    ] {
        assert!(stdout.lines().any(|shown| shown == line), "{line}\n{stdout}");
    }
}

#[test]
fn what_step_prints_of_paths_can_be_pasted_back() {
    let text_of = |rest: &str| {
        format!(
            "lease create pull expire=+1h\nimage create docker.io/library/a:1 target=layer\ncontent put layer gc.ref.content.0=@layer\n{rest}gc\nexpect same\n"
        )
    };
    let folder = folder(&[("a.scenario", &text_of(""))]);
    let output = leasehold(folder.path(), &["replay", "--step", "a.scenario"]);
    let stdout = text(&output.stdout);
    let paths = stdout.lines().filter_map(|line| line.strip_prefix("      + ")?.split_once(" = "));
    let paths: Vec<&str> = paths.map(|(path, _)| path).collect();
    assert!(paths.iter().any(|path| path.contains("labels/")) && paths.len() > 10, "{stdout}");
    for path in paths {
        let name = format!("expect nothing {path}\n");
        std::fs::write(folder.path().join("b.scenario"), text_of(&name)).expect("a file");
        let output = leasehold(folder.path(), &["replay", "b.scenario"]);
        let said = text(&output.stdout);
        let is_there = format!("`expect nothing {path}`: {path} is ");
        // What later steps change or bring is there all the same, and is found at the same path.
        assert!(said.contains(&is_there), "{path}\n{said}{}", text(&output.stderr));
    }
}

#[test]
fn many_collections_are_checked_thoroughly_at_a_fixed_sample_and_the_summary_says_so() {
    let steps: String = (0..200).map(|at| format!("content put l{at} gc.root=1\ngc\n")).collect();
    let folder =
        folder(&[("a.scenario", &format!("{steps}expect kept content/l0\n")), ("b.scenario", PASSES)]);
    let output = leasehold(folder.path(), &["replay", "a.scenario", "b.scenario"]);
    let said = text(&output.stdout);
    let tried = said
        .strip_prefix("2 passed, 0 failed; injected errors and relations tried at ")
        .and_then(|rest| rest.strip_suffix(" of 200 collections\n")?.parse::<usize>().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!((20..200).contains(&tried), "{said}");
    let output = leasehold(folder.path(), &["replay", "--json", "a.scenario"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["passed_over"], serde_json::json!({"collections": 200 - tried, "of": 200}));
}

#[test]
fn a_node_goes_with_the_condition_that_could_not_be_read_and_where() {
    for (value, why) in [
        ("usedat<24|chain-0", "whose value cannot be read: `24` is no duration, as 24h is"),
        ("\"usedat < 24h|chain-0\"", "whose value cannot be read: ` < 24h` stands where `<` or `>` should"),
        ("usedat=24h|chain-0", "whose value cannot be read: `=24h` stands where `<` or `>` should"),
        ("chain-0", "whose value cannot be read: it has no `|` with a snapshot's key behind"),
        ("chain-0|usedat<24h", "whose value cannot be read: `chain-0` does not begin with `usedat`"),
    ] {
        let steps = format!(
            "release 2.4\ncontent put m gc.root=1 gc.cond.snapshot.overlayfs={value}\n\
             lease create l\nlease use l\nsnapshot prepare overlayfs/active\nsnapshot commit overlayfs/active chain-0\n\
             lease none\nlease delete l\ngc\nexpect kept snapshot/overlayfs/chain-0\n"
        );
        let folder = folder(&[("a.scenario", &steps)]);
        let said = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
        assert!(said.contains(&format!("content/m names it by gc.cond.snapshot.overlayfs, {why}")), "{said}");
    }
}

#[test]
fn a_time_or_a_number_that_is_expected_as_text_gets_its_form() {
    for (path, value, form) in [
        ("createdat", "2026-01-01T00:00:00Z", "write `time=2026-01-01T00:00:00Z`"),
        ("size", "1024", "write `varint=1024`"),
    ] {
        let text_of = |value: &str| {
            format!("content put layer\nexpect value v1/default/content/blob/@layer/{path} {value}\n")
        };
        let written = format!("{}={value}", form.split(['`', '=']).nth(1).expect("a form"));
        let folder = folder(&[("a.scenario", &text_of(value)), ("b.scenario", &text_of(&written))]);
        let said = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
        assert!(said.contains(form), "{said}");
        let output = leasehold(folder.path(), &["replay", "b.scenario"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}

#[test]
fn a_path_through_a_value_fails_with_a_hint_how_to_quote_whatever_is_expected_there() {
    let begin = "lease create pull expire=+1h\ncontent put a\ngc\n";
    let label = "v1/default/leases/pull/labels/containerd.io";
    let quoted =
        "a key with a `/` stands in quotes: `v1/default/leases/pull/labels/\"containerd.io/gc.expire\"`";
    for (assertion, value, hint) in [
        (format!("nothing {label}/gc.expire"), label, quoted),
        (format!("bucket {label}/gc.expire"), label, quoted),
        (format!("value {label}/gc.expire x"), label, quoted),
        ("nothing v1/default/leases/pull/createdat/x".to_owned(), "v1/default/leases/pull/createdat", "`"),
        // Neither is there, and nothing could ever be below.
        ("nothing v1/default/leases/other/createdat/x".to_owned(), "v1/default/leases/other/createdat", "`"),
        ("nothing v1/other/images/a/target/digest/x".to_owned(), "v1/other/images/a/target/digest", "`"),
    ] {
        let folder = folder(&[("a.scenario", &format!("{begin}expect {assertion}\n"))]);
        let output = leasehold(folder.path(), &["replay", "a.scenario"]);
        let stdout = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{assertion}: {stdout}");
        let said = format!("`{value}` is a value, below which nothing can be; ");
        assert!(stdout.contains(&said) && stdout.contains(hint), "{assertion}: {stdout}");
    }
    // A `raw` step may write such a bucket.
    let raw = format!("raw bucket {label}/deep\nraw delete {label}/deep\ngc\nexpect nothing {label}/deep\n");
    let raw = raw.replace("leases/pull", "leases/raw");
    let folder = folder(&[("a.scenario", &format!("{begin}{raw}"))]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn a_scenario_can_be_collected_by_its_own_clock_and_release_or_by_others() {
    let streams = "release 2.1\nnamespace create default\nlease create l expire=+1h\nlease use l\nstream open s\nadvance 2h\ngc\nexpect removed stream/s\n";
    let folder =
        folder(&[("a.scenario", PASSES), ("s.scenario", streams), ("bad.scenario", "content delete x\n")]);
    let collect = |arguments: &[&str]| {
        let output = leasehold(folder.path(), &[&["collect", "--json"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("one JSON object")
    };
    let report = collect(&["a.scenario"]);
    assert_eq!(report["now"], "2026-01-01T01:00:01Z");
    assert_eq!(report["release"], "1.7.0-beta.1");
    assert_eq!(report["removed"].as_array().map(Vec::len), Some(2));
    assert_eq!(report["removed"][0]["key"], "pull");
    let earlier = collect(&["a.scenario", "--now", "2026-01-01T00:30:00Z", "--release", "2.1"]);
    assert_eq!(earlier["kept"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&earlier["removed"], &earlier["release"]),
        (&serde_json::json!([]), &serde_json::json!("2.1"))
    );
    let streams = collect(&["s.scenario"]);
    assert_eq!(
        streams["removed"][1],
        serde_json::json!({"type": 9, "kind": "stream", "namespace": "default", "key": "s",
            "reason": "lease/l held it and expired 2026-01-01T01:00:00Z"})
    );
    let older = collect(&["s.scenario", "--release", "1.7"]);
    assert_eq!(older["removed"][1]["type"], 8);
    let bad = leasehold(folder.path(), &["collect", "bad.scenario"]);
    assert_eq!(bad.status.code(), Some(3));
    let stderr = text(&bad.stderr);
    assert!(stderr.contains("bad.scenario:1: `content delete x` is refused"), "{stderr}");
}

#[test]
fn the_manuals_first_example_holds() {
    let manual = include_str!("../../scenarios/README.md");
    let blocks: Vec<&str> =
        manual.split("```scenario\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    let whole = blocks[0];
    let folder = folder(&[("manual.scenario", whole)]);
    let output = leasehold(folder.path(), &["replay", "manual.scenario"]);
    assert_eq!(text(&output.stdout), "1 passed, 0 failed\n");
}

/// An input at which the target `canary` stopped: a lease's ingest, which its engine forgets.
const CANARY: &[u8] = include_bytes!("../data/canary/leased-ingest");

#[test]
fn an_input_of_a_fuzz_target_shows_its_finding_as_a_small_scenario() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = leasehold(&root, &["replay", "tests/data/canary/leased-ingest"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    let begins = "FAILED tests/data/canary/leased-ingest: target canary: release 1.7.0-beta.1: it breaks the property \
        safety: b/ingest/k1 is kept by a chain from a root and not marked\n\n# The fuzz target canary found it";
    assert!(stdout.starts_with(begins), "{stdout}");
    let ends = "again: leasehold replay --step tests/data/canary/leased-ingest\n\n0 passed, 1 failed\n";
    assert!(stdout.ends_with(ends), "{stdout}");
    // The steps alone last: the same finding with the fault, none without.
    let scenario = stdout.split("\n\n").nth(1).expect("a scenario between blank lines");
    assert!(scenario.lines().count() < 8, "{scenario}");
    let folder = folder(&[("kept.scenario", scenario)]);
    let again = leasehold(folder.path(), &["replay", "--fault", "lease-ingests-forgotten", "kept.scenario"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stdout).contains("breaks the property safety: b/ingest/k1"),
        "{}",
        text(&again.stdout)
    );
    let honest = leasehold(folder.path(), &["replay", "kept.scenario"]);
    assert_eq!(honest.status.code(), Some(0), "{}", text(&honest.stdout));
}

#[test]
fn a_target_is_named_or_taken_from_the_nearest_folder() {
    let folder = TempDir::new().expect("a temporary folder");
    for place in ["tree/canary/x", "canary/tree/x", "x"] {
        let path = folder.path().join(place);
        std::fs::create_dir_all(path.parent().expect("a folder around")).expect("a folder");
        std::fs::write(path, CANARY).expect("a file");
    }
    let replay = |arguments: &[&str]| {
        let output = leasehold(folder.path(), &[&["replay"], arguments].concat());
        (output.status.code(), text(&output.stdout))
    };
    let held = "held canary/tree/x: target tree, under the rules of 8 releases\n1 passed, 0 failed\n";
    assert_eq!(replay(&["canary/tree/x"]), (Some(0), held.to_owned()));
    assert_eq!(replay(&["tree/canary/x"]).0, Some(1));
    assert_eq!(replay(&["--target", "canary", "x"]).0, Some(1));
    // The honest engine with a fault is the canary; of a folder every input is taken.
    let arguments = ["--target", "tree", "--fault", "lease-ingests-forgotten", "tree"];
    let (code, stdout) = replay(&arguments);
    let again =
        "again: leasehold replay --step --fault lease-ingests-forgotten --target tree tree/canary/x\n";
    assert!(code == Some(1) && stdout.contains(again), "{stdout}");
    let (code, stdout) = replay(&["--step", "tree/canary/x"]);
    let failed = "      FAILED `gc` breaks the property safety: b/ingest/k1";
    assert!(code == Some(1) && stdout.contains(failed) && stdout.contains("\n   6  gc\n"), "{stdout}");
    // Whoever names no target gets the list.
    let unknown = leasehold(folder.path(), &["replay", "--target", "forest", "x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        text(&unknown.stderr).contains("there are bolt, bucket, canary, differential, labels"),
        "{}",
        text(&unknown.stderr)
    );
}

#[test]
fn an_input_that_stands_for_nothing_says_why_and_one_that_cannot_be_read_is_an_error() {
    let folder = folder(&[("bolt/x", "no database"), ("times/y", "\u{0}2026-01-01T00:00:00Z")]);
    let output = leasehold(folder.path(), &["replay", "bolt/x", "times/y"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.starts_with("held bolt/x: target bolt, whose property says nothing of it: "), "{stdout}");
    assert!(stdout.ends_with("held times/y: target times\n2 passed, 0 failed\n"), "{stdout}");
    let missing = leasehold(folder.path(), &["replay", "tree/gone"]);
    assert_eq!((missing.status.code(), last_line(&missing)), (Some(3), "0 passed, 1 failed".to_owned()));
}

/// A process that may write no bytes is ended in the middle, as on a full disk.
#[test]
fn an_update_that_cannot_be_written_leaves_the_old_file_whole() {
    let outdated = PASSES.replace("live until", "lives until");
    let folder = folder(&[("outdated.scenario", &outdated)]);
    let update =
        format!("ulimit -f 0; exec '{}' replay --update outdated.scenario", env!("CARGO_BIN_EXE_leasehold"));
    let output =
        Command::new("sh").current_dir(folder.path()).args(["-c", &update]).output().expect("a shell");
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let file = folder.path().join("outdated.scenario");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), outdated);
    // With room it is written.
    assert_eq!(leasehold(folder.path(), &["replay", "--update", "outdated.scenario"]).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), PASSES);
}

#[test]
fn a_collection_of_a_hundred_thousand_objects_is_checked_in_seconds() {
    // At each of the removals it would take hours; the time that is left is for a busy machine.
    let mut text: String = (0..99_000).map(|number| format!("content put b{number}\n")).collect();
    text.push_str("gc\nexpect removed content/b0 content/b98999\n");
    let folder = folder(&[("a.scenario", &text)]);
    let start = std::time::Instant::now();
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    assert_eq!((output.status.code(), last_line(&output)), (Some(0), "1 passed, 0 failed".to_owned()));
    assert!(start.elapsed() < std::time::Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn a_failed_expectation_says_why_as_gc_would() {
    let folder = folder(&[(
        "a.scenario",
        "lease create pull expire=+1h
content put config
content put layer
lease add pull content/config content/layer
expect kept content/layer
gc
expect removed content/layer
advance 2h
gc
expect kept content/config
expect present content/layer
content put layer
expect absent content/layer
gc
expect present content/other
",
    )]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    let stdout = text(&output.stdout);
    for line in [
        "5: `expect kept content/layer`: there was no collection yet\n",
        "7: `expect removed content/layer`: content/layer was kept by the last collection: lease/pull holds it until \
         2026-01-01T01:00:00Z\n",
        "10: `expect kept content/config`: content/config was removed by the last collection: lease/pull held it and \
         expired 2026-01-01T01:00:00Z\n",
        "11: `expect present content/layer`: content/layer is not there: removed by `gc`, line 9: lease/pull held it and \
         expired 2026-01-01T01:00:00Z\n",
        "13: `expect absent content/layer`: content/layer is there: it was made again after the last collection removed \
         it\n",
        "15: `expect present content/other`: content/other is not there\n",
    ] {
        assert!(stdout.contains(&format!("FAILED a.scenario:{line}")), "{line}{stdout}");
    }
    assert_eq!((output.status.code(), last_line(&output)), (Some(1), "0 passed, 1 failed".to_owned()));
}

#[test]
fn a_failed_expectation_says_which_earlier_step_removed_the_node() {
    let folder = folder(&[(
        "a.scenario",
        "lease create pull expire=+1h
content put config
content put layer
lease add pull content/config
lease create done
content delete layer
advance 2h
lease delete done sync
gc
expect kept content/config
expect removed content/config
expect present content/config
expect kept content/layer
expect present lease/done
expect kept content/never
content put config
content delete config
expect present content/config
expect kept content/config
",
    )]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    let stdout = text(&output.stdout);
    let expired =
        "removed by `lease delete done sync`, line 8: lease/pull held it and expired 2026-01-01T01:00:00Z";
    for line in [
        format!("10: `expect kept content/config`: content/config was not there before the last collection: {expired}\n"),
        format!("11: `expect removed content/config`: content/config was not there before the last collection: {expired}\n"),
        format!("12: `expect present content/config`: content/config is not there: {expired}\n"),
        "13: `expect kept content/layer`: content/layer was not there before the last collection: removed by `content \
         delete layer`, line 6\n"
            .to_owned(),
        "14: `expect present lease/done`: lease/done is not there: removed by `lease delete done sync`, line 8\n".to_owned(),
        "15: `expect kept content/never`: content/never was not there before the last collection\n".to_owned(),
        "18: `expect present content/config`: content/config is not there: removed by `content delete config`, line 17\n"
            .to_owned(),
        "19: `expect kept content/config`: content/config was not there before the last collection\n".to_owned(),
    ] {
        assert!(stdout.contains(&format!("FAILED a.scenario:{line}")), "{line}{stdout}");
    }
}

#[test]
fn a_failed_expectation_says_that_collections_do_not_remove_such_nodes() {
    let folder = folder(&[(
        "a.scenario",
        "release 1.7
image create main target=layer
container create web
gc
expect removed image/main
expect removed container/web
expect absent container/web
",
    )]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    let stdout = text(&output.stdout);
    for line in [
        "5: `expect removed image/main`: image/main was kept by the last collection: no collection of containerd 1.7 \
         removes images; from 2.0 on it does when they have expired\n",
        "6: `expect removed container/web`: container/web was kept by the last collection: no collection removes \
         containers\n",
        "7: `expect absent container/web`: container/web is there: no collection removes containers\n",
    ] {
        assert!(stdout.contains(&format!("FAILED a.scenario:{line}")), "{line}{stdout}");
    }
}

#[test]
fn what_the_backends_have_or_lack_is_said_with_why() {
    let folder = folder(&[(
        "a.scenario",
        "client other namespace=other
content put layer
content put held gc.root=x
content put shared
other: content put shared gc.root=x
gc
expect not-stored content/layer
expect not-stored content/held
expect not-stored content/shared
cleanup
expect stored content/layer
",
    )]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    let stdout = text(&output.stdout);
    for line in [
        "7: `expect not-stored content/layer`: content/layer is in the backend: the last collection removed it, and a \
         `cleanup` drops it\n",
        "8: `expect not-stored content/held`: content/held is in the backend: the last collection kept it: gc.root \
         pins it\n",
        "9: `expect not-stored content/shared`: content/shared is in the backend: namespace other has it too\n",
        "11: `expect stored content/layer`: content/layer is not in the backend: removed by `gc`, line 6: nothing refers \
         to it\n",
    ] {
        assert!(stdout.contains(&format!("FAILED a.scenario:{line}")), "{line}{stdout}");
    }
}

#[test]
fn what_was_made_again_after_a_collection_is_not_said_to_be_gone() {
    let again = "content put layer
gc
content put layer
expect not-stored content/layer
expect absent content/layer
";
    let folder = folder(&[("a.scenario", again)]);
    let stdout = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
    for line in ["4: `expect not-stored content/layer`", "5: `expect absent content/layer`"] {
        let failed = stdout.lines().find(|failed| failed.contains(line)).expect("it fails");
        assert!(failed.ends_with(": it was made again after the last collection removed it"), "{stdout}");
    }
}

#[test]
fn a_label_that_names_nothing_is_warned_of_where_content_of_that_name_is_there() {
    let folder = folder(&[(
        "a.scenario",
        "content put layer
content put manifest gc.root=x gc.ref.content.l.0=layer gc.ref.content.1=@layer gc.ref.content.2=nothing
image create i target=manifest org.note=layer
gc
expect kept content/layer
",
    )]);
    for command in [&["replay"][..], &["collect"], &["diff", "--from", "1.7", "--to", "2.0"]] {
        let output = leasehold(folder.path(), &[command, &["a.scenario"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        let first = text(&output.stderr).lines().next().map(str::to_owned);
        assert_eq!(
            first.as_deref(),
            Some(
                "leasehold: a.scenario:2: warning: `gc.ref.content.l.0=layer` names nothing; write \
         `gc.ref.content.l.0=@layer` for content/layer"
            )
        );
    }
}

#[test]
fn a_file_without_expectations_has_not_failed_when_it_is_named_itself() {
    let bare = "content put a\ngc\n";
    let folder = folder(&[("lib/a.scenario", bare), ("b.scenario", PASSES)]);
    let named = leasehold(folder.path(), &["replay", "lib/a.scenario", "b.scenario"]);
    let expected = "1 passed, 0 failed, 1 without expectations";
    assert_eq!((named.status.code(), last_line(&named)), (Some(0), expected.to_owned()));
    let shown = text(&named.stdout);
    assert!(
        shown.contains("WITHOUT EXPECTATIONS lib/a.scenario: 2 steps, 1 collection; add an `expect`"),
        "{shown}"
    );
    // In a folder it would pass for a test.
    let found = leasehold(folder.path(), &["replay", "lib"]);
    assert_eq!((found.status.code(), last_line(&found)), (Some(1), "0 passed, 1 failed".to_owned()));
    // What breaks a property has failed all the same.
    let expiring = "lease create l expire=+1h\nadvance 1h\ngc\n";
    std::fs::write(folder.path().join("c.scenario"), expiring).expect("a file");
    let broken = leasehold(folder.path(), &["replay", "--fault", "expiry-inclusive", "c.scenario"]);
    assert_eq!((broken.status.code(), last_line(&broken)), (Some(1), "0 passed, 1 failed".to_owned()));
}

#[test]
fn a_file_in_which_nothing_is_checked_cannot_be_replayed() {
    let folder = folder(&[("words.scenario", "# Only words.\n"), ("steps.scenario", "content put a\n")]);
    let words = leasehold(folder.path(), &["replay", "words.scenario"]);
    assert_eq!(words.status.code(), Some(3));
    assert!(text(&words.stderr).contains("the file has no steps"));
    // A step is held to its contract, whatever it leads to.
    let steps = leasehold(folder.path(), &["replay", "steps.scenario"]);
    assert_eq!(
        (steps.status.code(), last_line(&steps)),
        (Some(0), "0 passed, 0 failed, 1 without expectations".to_owned())
    );
    assert!(text(&steps.stdout).contains("WITHOUT EXPECTATIONS steps.scenario: 1 step, no collection; "));
}

#[test]
fn flags_that_do_nothing_with_these_files_are_refused_before_anything_runs() {
    let folder = folder(&[
        ("put.scenario", "content put a\nexpect present content/a\n"),
        ("gc.scenario", "release 2.1\ncontent put a\ngc\nexpect present content/b\n"),
    ]);
    for (arguments, said) in [
        ("replay --fault sweep-skips put.scenario", "--fault sweep-skips: no step here collects, so that"),
        (
            "replay --fault root-label-exact put.scenario",
            "no collection here is by a release that has the rule",
        ),
        (
            "replay --update put.scenario gc.scenario",
            "--update: there is nothing to write, as no step here has a `---`",
        ),
        (
            "replay --go 1.22 gc.scenario",
            "--go 1.20: no scenario here is by a release that was built with Go up to 1.19",
        ),
        ("replay --go 1.22 --release 2.1 put.scenario", "--go 1.20: 2.1 cannot be built with any other"),
        ("collect --go 1.20 gc.scenario", "--go 1.20: 2.1 cannot be built with any other"),
        ("simulate --case 7 --against ./child --jobs 2", "'--jobs <N>'"),
        ("replay -", "-: standard input is not read: name scenario files, or folders of them"),
        ("conformance -", "-: standard input is not read: name files with recorded rows, or folders of them"),
    ] {
        let output = leasehold(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{arguments}");
    }
}

#[test]
fn what_another_namespace_has_and_what_is_no_collector_is_said() {
    let folder = folder(&[
        (
            "a.scenario",
            "namespace create other\nnamespace use other\ncontent put m gc.root=1\nnamespace use default\ngc\nexpect kept content/m\nexpect present content/m\n",
        ),
        ("b.scenario", "gc last=stream\n"),
    ]);
    let shown = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
    assert_eq!(shown.matches(": another namespace has it, as other/content/m\n").count(), 2, "{shown}");
    let shown = text(&leasehold(folder.path(), &["replay", "b.scenario"]).stdout);
    let said = ": last= names a collector, none is declared; `collector declare` makes one, `stream open` that of the streams";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn people_are_shown_some_failures_of_a_file_and_machines_all() {
    let expects: String = (0..15).map(|name| format!("expect present content/c{name}\n")).collect();
    let folder = folder(&[("a.scenario", &expects)]);
    let shown = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
    assert_eq!(shown.matches("FAILED a.scenario:").count(), 11, "{shown}");
    assert!(shown.contains(
        "FAILED a.scenario: and 5 more failures in between: --json lists them all\nFAILED a.scenario:15: "
    ));
    let output = leasehold(folder.path(), &["replay", "--json", "a.scenario"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["files"][0]["failures"].as_array().map(Vec::len), Some(15));
}

#[test]
fn what_is_expected_elsewhere_or_of_a_collector_is_warned_of_as_it_is_written() {
    let folder = folder(&[(
        "a.scenario",
        "release 1.7
namespace create other
collector declare type-16
collector list type-16 type-16/disk there/type-16/idle
content put m
collector fail type-16 start
gc
expect absent other/content/gone type-16/dsik type-16/none third/content/m there/type-16/idle ohter/lease/l
expect removed type-16/disk
",
    )]);
    let output = leasehold(folder.path(), &["replay", "a.scenario"]);
    let heard = text(&output.stderr);
    let warned: Vec<&str> =
        heard.lines().filter_map(|line| Some(line.split_once("a.scenario:8: warning: ")?.1)).collect();
    for said in [
        "no step names other/content/gone",
        "nothing creates type-16/dsik; is type-16/disk meant?",
        "no step names type-16/none",
        "no step names ohter/lease/l",
        "no step acts in namespace third",
        "no step acts in namespace ohter; is other meant?",
    ] {
        assert!(warned.contains(&said), "{said}: {heard}");
    }
    assert_eq!(warned.len(), 6, "{heard}");
    let shown = text(&output.stdout);
    assert!(
        shown.contains("a.scenario:9: `expect removed type-16/disk`: ")
            && shown.contains(": its collector did not start, so that the collection asked nothing of it\n"),
        "{shown}"
    );
}

#[test]
fn files_are_replayed_under_another_release_or_under_all() {
    // Images expire from 2.0 on.
    let folder = folder(&[(
        "a.scenario",
        "release 1.7\nimage create i target=x expire=-1h\ngc\nexpect present image/i\n",
    )]);
    let replay = |release| leasehold(folder.path(), &["replay", "--release", release, "a.scenario"]);
    assert_eq!(leasehold(folder.path(), &["replay", "a.scenario"]).status.code(), Some(0));
    assert_eq!(replay("1.6").status.code(), Some(0));
    let later = replay("2.1");
    let shown = text(&later.stdout);
    assert_eq!(later.status.code(), Some(1), "{shown}");
    assert!(shown.contains("FAILED a.scenario:4: release 2.1: `expect present image/i`: "), "{shown}");
    assert!(shown.contains("again: leasehold replay --step --release 2.1 a.scenario\n"), "{shown}");
    let all = replay("all");
    let shown = text(&all.stdout);
    assert_eq!((all.status.code(), last_line(&all)), (Some(1), "0 passed, 1 failed".to_owned()));
    assert!(shown.contains("a.scenario fails under 5 of 8 releases: 2.0, 2.1, 2.2, 2.3, 2.4\n"), "{shown}");
    // What fails alike is said once.
    let once = "FAILED a.scenario:4: under 2.0, 2.1, 2.2, 2.3, 2.4: `expect present image/i`: ";
    assert!(shown.starts_with(once) && shown.matches("FAILED").count() == 1, "{shown}");
    let refused = replay("nonsense");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("; or all"), "{}", text(&refused.stderr));
}

#[test]
fn a_name_that_is_nearly_one_that_a_step_creates_is_warned_of() {
    let created = "release 2.4
content put layer
snapshot prepare overlayfs/base
snapshot prepare overlayfs/chain-1
image create main target=layer
";
    let warned = |step: &str| {
        let folder =
            folder(&[("a.scenario", &format!("{created}{step}\ngc\nexpect present content/layer\n"))]);
        let heard = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stderr);
        heard
            .lines()
            .filter(|line| line.contains(": warning: "))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    for (step, said) in [
        (
            "content put m gc.ref.content=laeyr",
            "`gc.ref.content=laeyr` names nothing; is content/layer meant?",
        ),
        (
            "content put m gc.ref.content=@laeyr",
            "`gc.ref.content=@laeyr` names nothing; is content/layer meant?",
        ),
        (
            "content put m gc.ref.snapshot.overlayfs=@base",
            "`gc.ref.snapshot.overlayfs=@base` names nothing; write `gc.ref.snapshot.overlayfs=base` for \
             snapshot/overlayfs/base",
        ),
        ("content put m gc.bref.image=mian", "`gc.bref.image=mian` names nothing; is image/main meant?"),
        (
            "content put m gc.ref.snapshot.overlayf=base",
            "`gc.ref.snapshot.overlayf=base` names nothing; is snapshot/overlayfs/base meant?",
        ),
        (
            "content put m gc.cond.snapshot.overlayfs=usedat<1h|@base",
            "`gc.cond.snapshot.overlayfs=usedat<1h|@base` names nothing; write \
             `gc.cond.snapshot.overlayfs=usedat<1h|base` for snapshot/overlayfs/base",
        ),
        (
            "lease create l\nlease add l content/laeyr",
            "nothing creates content/laeyr; is content/layer meant?",
        ),
        (
            "lease create l\nlease add l snapshot/overlayfs/bsae",
            "nothing creates snapshot/overlayfs/bsae; is snapshot/overlayfs/base meant?",
        ),
        (
            "lease create l gc.expire=+1h",
            "gc.expire `+1h` is no time, so that it never comes; write `expire=+1h` to count from the step",
        ),
        ("image label main gc.expire=-1h", "gc.expire `-1h` is no time"),
        ("lease create l expire=\"soon\"", "gc.expire `soon` is no time, so that it never comes"),
        (
            "snapshot label overlayfs/base gc.cond.value-usedat=2026-01-01",
            "gc.cond.value-usedat `2026-01-01` is no time",
        ),
        (
            "content put m gc.cond.snapshot.overlayfs=usedat<24|base",
            "nothing is referred to by gc.cond.snapshot.overlayfs, whose value cannot be read: `24` is no duration, as 24h is",
        ),
        (
            "content put m gc.cond.snapshot.overlayfs=base",
            "nothing is referred to by gc.cond.snapshot.overlayfs, whose value cannot be read: it has no `|`",
        ),
        (
            "content put m gc.cond.snapshot.overlayfs=base|usedat<24h",
            "nothing is referred to by gc.cond.snapshot.overlayfs, whose value cannot be read: `base` does not begin with `usedat`",
        ),
        (
            "content put m gc.cond.content=usedat<24h|@layer",
            "no collector reads the label `gc.cond.content`: conditions are about snapshots",
        ),
        (
            "content put layer-one\ncontent put layer-two\ncontent put m gc.ref.content.0=@layer-tow",
            "`gc.ref.content.0=@layer-tow` names nothing; is content/layer-two meant?",
        ),
        ("lease create l gc.expires=x", "no collector reads the label `gc.expires`; is `gc.expire` meant?"),
        ("lease create l gc.expiry=x", "no collector reads the label `gc.expiry`; is `gc.expire` meant?"),
        (
            "snapshot label overlayfs/base gc.cond.usedat=x",
            "no collector reads the label `gc.cond.usedat`; is `gc.cond.value-usedat` meant?",
        ),
        (
            "snapshot label overlayfs/base gc.cond.value.usedat=x",
            "no collector reads the label `gc.cond.value.usedat`; is",
        ),
        (
            "content put m gc.ref.contents.0=@layer",
            "no collector reads the label `gc.ref.contents.0`; is `gc.ref.content` meant?",
        ),
        (
            "content put m ref.content.0=@layer",
            "no collector reads the label `ref.content.0`; is `gc.ref.content` meant?",
        ),
        (
            "content put m gc.ref.content=content/layer",
            "`gc.ref.content=content/layer` names nothing; write `gc.ref.content=@layer`",
        ),
        (
            "content put m gc.ref.content=sha256:layer",
            "`gc.ref.content=sha256:layer` names nothing; write `gc.ref.content=@layer`",
        ),
        (
            "content put m gc.ref.snapshot.overlayfs=snapshot/overlayfs/base",
            "`gc.ref.snapshot.overlayfs=snapshot/overlayfs/base` names nothing; write `gc.ref.snapshot.overlayfs=base`",
        ),
        (
            "content put m gc.ref.snapshot.overlayfs=overlayfs/base",
            "`gc.ref.snapshot.overlayfs=overlayfs/base` names nothing; write",
        ),
        (
            "content put m gc.cond.snapshot.overlayfs=usedat<1h|overlayfs/base",
            "`gc.cond.snapshot.overlayfs=usedat<1h|overlayfs/base` names nothing; write `gc.cond.snapshot.overlayfs=usedat<1h|base`",
        ),
        ("image create other target=laeyr", "nothing creates content/laeyr; is content/layer"),
        (
            "container create web snapshotter=overlayfs snapshot=bsae",
            "nothing creates snapshot/overlayfs/bsae; is snapshot/overlayfs/base meant?",
        ),
        (
            "container create web snapshotter=overlayfs snapshot=overlayfs/base",
            "nothing creates snapshot/overlayfs/overlayfs/base; is snapshot/overlayfs/base meant?",
        ),
        ("container create web image=mian", "nothing creates image/mian; is image/main meant?"),
        ("lease create pulling\nlease use puling", "nothing creates lease/puling; is lease/pulling meant?"),
        ("namespace use defualt", "nothing creates namespace defualt; is default meant?"),
        (
            "snapshot commit overlayfs/base overlayfs/done",
            "`overlayfs/done` is a key of the same snapshotter and no path; is `done` meant?",
        ),
        ("lease create pull\nexpect absent lease/pulll", "nothing creates lease/pulll; is lease/pull meant?"),
        ("expect not-stored content/layre", "nothing creates content/layre; is content/layer meant?"),
        ("expect absent defualt/content/layer", "no step acts in namespace defualt; is default meant?"),
        (
            "expect nothing v1/default/content/blob/layer",
            "nothing creates content/\"layer\"; is content/layer meant (in a path `@layer`)?",
        ),
        (
            "expect nothing v1/defualt/content/blob/@layer",
            "no step acts in namespace defualt; is default meant?",
        ),
        (
            "expect stored other/content/layer",
            "no step acts in namespace other, and content is the backend's, whatever the namespace",
        ),
        (
            "content put m gc.ref.content=\"@layer\"",
            "`gc.ref.content=\"@layer\"` names nothing; write `gc.ref.content=@layer` without quotes for",
        ),
        (
            "expect absent snapshot/overlayfs/",
            "`snapshot/overlayfs/` names nothing: behind `overlayfs/` the snapshot's key is missing",
        ),
        ("content put dd\ncontent put dd gc.root=1", "content/dd is there since line "),
        ("content put a size=5\ncontent put a size=6", "content/a is there since line "),
        ("expect absent other/content/layer", "no step acts in namespace other"),
        ("expect absent other/lease/nobody", "no step names other/lease/nobody"),
        ("expect absent lease/nobody", "no step names lease/nobody"),
        ("expect removed snapshot/overlayfs/unheard", "no step names snapshot/overlayfs/unheard"),
        (
            "expect present image/main, content/layer",
            "the comma is part of the name `image/main,`: blanks separate words, no commas",
        ),
        (
            "lease create l\nlease add l image/main,content/layer",
            "the comma is part of the name `image/main,content/layer`: blanks separate words, no commas",
        ),
        (
            "release 2.1\nsnapshot prepare overlayfs/up\nsnapshot commit overlayfs/up top parent=base",
            "a daemon of containerd 2.1 does not know `parent` at a commit, which is new in 2.2: it commits \
             snapshot/overlayfs/top without a parent, and nothing then keeps snapshot/overlayfs/base for it",
        ),
        ("expect absent content/\"\"", "`content/\"\"` has no key, which nothing is without"),
        (
            "expect absent /content/layer",
            "`\"\"/content/layer` is in a namespace without a name, which none is; write `content/layer`",
        ),
    ] {
        assert!(warned(step).contains(&format!(": warning: {said}")), "{step}: {}", warned(step));
    }
    for step in [
        "content put m gc.ref.content=@layer gc.ref.content.1=@other gc.ref.content.2=",
        "content put m gc.ref.snapshot.overlayfs=chain-2 gc.ref.snapshot.overlayfs/x=chain-1",
        "content put m gc.cond.snapshot.overlayfs=usedat<1h|base",
        "lease create l expire=+1h\nlease add l content/layer content/none snapshot/overlayfs/base image/main",
        "raw bucket v1/default/content/blob/@layers\nlease create l\nlease add l content/layers",
        "collector declare type-16 label=contents\ncontent put m gc.ref.contents=x",
        "lease create l expire=2026-01-01T00:00:00Z gc.flat=x\nlease add l image/none\nexpect absent image/none",
        "namespace create other\nexpect absent other/content/layer",
        "client c namespace=other\nexpect absent other/content/layer\nexpect nothing v1/other/content/blob/@layer",
        "content put m gc.root=x gc.ref.image.1=main gc.bref.container/x=web",
        "snapshot prepare overlayfs/s gc.cond.value-usedat=2026-01-01T00:00:00Z",
    ] {
        assert_eq!(warned(step), "", "{step}");
    }
}

#[test]
fn what_only_a_label_of_a_failed_collector_names_goes_for_that_reason() {
    let failed = "release 2.0
collector declare type-16 label=volume
collector declare type-17
collector list type-17 type-16/disk
collector fail type-16 start
content put m gc.root=x gc.ref.volume=disk
gc
---
";
    let folder = folder(&[("a.scenario", failed)]);
    let said = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
    let reason =
        "type-16/disk   content/m names it by gc.ref.volume, but its collector type-16 fails to start";
    assert!(said.contains(reason), "{said}");
}

#[test]
fn a_reason_says_that_a_label_is_no_time() {
    let written = "release 2.4
lease create l expire=\"soon\"
image create i target=m gc.expire=never
snapshot prepare overlayfs/s gc.cond.value-usedat=2026-01-01
content put m gc.cond.snapshot.overlayfs=usedat<1h|s
gc
---
";
    let folder = folder(&[("a.scenario", written)]);
    let said = text(&leasehold(folder.path(), &["replay", "a.scenario"]).stdout);
    for reason in [
        "live: its gc.expire `soon` is no time",
        "an image: its gc.expire `never` is no time",
        "whose condition `usedat<1h` does not hold: its gc.cond.value-usedat `2026-01-01` is no time",
    ] {
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_refused_step_says_how_many_below_were_not_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("s.scenario");
    std::fs::write(&file, "content delete a\ncontent put a\ngc\nexpect removed content/a\n")
        .expect("writable");
    for arguments in [&["replay"][..], &["replay", "--step"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_leasehold")).args(arguments).arg(&file).output();
        let output = output.expect("the program runs");
        let said = String::from_utf8(output.stdout).expect("text");
        let count = said.matches("3 steps below were not run").count();
        assert_eq!((output.status.code(), count), (Some(1), arguments.len()), "{said}");
    }
}

/// It would hold whatever happened.
#[test]
fn an_expectation_of_what_cannot_be_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("s.scenario");
    let steps = "release 2.1\nsnapshot prepare overlayfs/upper\nsnapshot commit overlayfs/upper base gc.root=1\nimage create i target=x\ngc\n";
    for (expect, said) in [
        ("absent snapshot/base", Some("`snapshot/base` names nothing; write `snapshot/overlayfs/base`")),
        ("absent snapshot/other", Some("`snapshot/other` names nothing; write `snapshot/SNAPSHOTTER/other`")),
        ("not-stored image/i", Some("`image/i` is of a kind that no backend stores")),
        ("absent task/t", Some("`task/t` is of a kind that nothing can be")),
        ("absent snapshot/overlayfs/upper", None),
        ("absent type-16/x", Some("no step names type-16/x")),
        ("absent stream/s", Some("no step names stream/s")),
    ] {
        std::fs::write(&file, format!("{steps}expect {expect}\n")).expect("writable");
        let output = Command::new(env!("CARGO_BIN_EXE_leasehold")).arg("replay").arg(&file).output();
        let output = output.expect("the program runs");
        let heard = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(0), "{heard}");
        let is_told = said.map_or(heard.is_empty(), |said| heard.contains(&format!(":6: warning: {said}")));
        assert!(is_told, "{expect}: {heard}");
    }
}

const MANY_REASONS: &str = "release 1.7
content put layer
content put one gc.ref.content.0=@layer
content put two gc.ref.content.0=@layer
content put three gc.ref.content.0=@layer
gc
---
remove  content/layer   content/one refers to it by gc.ref.content.0 and is not kept; and 2 more reasons
remove  content/one     nothing refers to it
remove  content/three   nothing refers to it
remove  content/two     nothing refers to it

expect kept content/layer
";

#[test]
fn with_step_every_reason_is_told_a_line_each() {
    let folder = folder(&[("a.scenario", MANY_REASONS)]);
    let brief = leasehold(folder.path(), &["replay", "a.scenario"]);
    let first = "content/layer was removed by the last collection: content/one refers to it by gc.ref.content.0 and is not kept; and 2 more reasons";
    assert!(text(&brief.stdout).contains(first), "{}", text(&brief.stdout));
    let whole = leasehold(folder.path(), &["replay", "--step", "a.scenario"]);
    let stdout = text(&whole.stdout);
    let table = "
      | remove  content/layer   content/one refers to it by gc.ref.content.0 and is not kept
      |                         content/three refers to it by gc.ref.content.0 and is not kept
      |                         content/two refers to it by gc.ref.content.0 and is not kept
      | remove  content/one     nothing refers to it
";
    assert!(stdout.contains(table), "{stdout}");
    // What is compared with the text below `---` is the same as without it.
    assert!(!stdout.contains("more") && !stdout.contains("prints something else"), "{stdout}");
    assert!(stdout.matches("\n      content/two refers to it").count() == 1, "{stdout}");
}

#[test]
fn nothing_is_expected_at_a_path_that_is_misspelled() {
    let replayed = |step: &str| {
        let folder = folder(&[("a.scenario", &format!("content put layer\n{step}\n"))]);
        let output = leasehold(folder.path(), &["replay", "a.scenario"]);
        (output.status.code(), text(&output.stdout))
    };
    for (path, said) in [
        ("v1/default/sanpshots", "`v1/default/sanpshots` is never there; is `snapshots` meant?"),
        (
            "v1/default/sanpshots/overlayfs/base",
            "`v1/default/sanpshots` is never there; is `snapshots` meant?",
        ),
        ("v1/default/content/blobs/@layer", "`v1/default/content/blobs` is never there; is `blob` meant?"),
        ("v1/default/images/a/label", "`v1/default/images/a/label` is never there; is `labels` meant?"),
        ("sanpshots", "no `sanpshots` is ever beside v1; is `v1/default/snapshots` meant?"),
        ("snapshots/overlayfs", "no `snapshots` is ever beside v1; is `v1/default/snapshots` meant?"),
    ] {
        let (code, stdout) = replayed(&format!("expect nothing {path}"));
        let failure = format!("FAILED a.scenario:2: `expect nothing {path}`: {said}\n");
        assert!(code == Some(1) && stdout.contains(&failure), "{stdout}");
    }
    for step in [
        "expect nothing v1/default/snapshots/snapshots/sanpshots",
        "expect nothing v1/default/leases/pull/ingests/ingest",
        "expect nothing default/sandboxes/pod",
        "expect nothing v1/other",
        "raw bucket v1/default/snapshot\nexpect nothing v1/default/snapshot/s",
    ] {
        assert_eq!(replayed(step).0, Some(0), "{step}: {}", replayed(step).1);
    }
}

#[test]
fn a_refused_removal_says_that_the_child_is_gone_and_who_leaves_it_listed() {
    let start = "release 2.4
snapshot prepare overlayfs/1
snapshot commit overlayfs/1 base gc.root=now
snapshot prepare overlayfs/upper parent=base
";
    let replayed = |steps: &str, flags: &[&str]| {
        let folder = folder(&[("a.scenario", &format!("{start}{steps}"))]);
        text(&leasehold(folder.path(), &[&["replay"], flags, &["a.scenario"]].concat()).stdout)
    };
    let gone = "its only child, snapshot/overlayfs/upper, is gone and still listed: a collection by every release leaves the \
                entry of a child that it removes (gone-child-blocks-removal)\n";
    let failed = replayed("gc\nsnapshot remove overlayfs/base\n", &[]);
    let error = "cannot remove snapshot \"base\" with child: failed precondition";
    assert!(failed.contains(&format!("is refused: {error}: {gone}")), "{failed}");
    let expected = "gc\n! failed-precondition snapshot remove overlayfs/base\n";
    let shown = replayed(expected, &["--step"]);
    assert!(shown.contains(&format!("      refused: {error}\n               {gone}")), "{shown}");
    // A child that is there is reason enough.
    let living = replayed("! failed-precondition snapshot remove overlayfs/base\n", &["--step"]);
    assert!(
        living.contains(&format!("      refused: {error}\n")) && !living.contains("gone-child"),
        "{living}"
    );
}

#[test]
fn releases_that_fail_alike_stand_together_by_line() {
    let folder = folder(&[(
        "a.scenario",
        "release 1.7
image create i target=x expire=-1h
gc
expect absent image/i
expect present container/web
! not-found image create j target=y
expect same
",
    )]);
    let output = leasehold(folder.path(), &["replay", "--release", "all", "a.scenario"]);
    let shown = text(&output.stdout);
    let heads = shown.lines().filter_map(|line| line.strip_prefix("FAILED a.scenario:"));
    let heads: Vec<&str> = heads.filter_map(|line| line.split('`').next()).collect();
    assert_eq!(
        heads,
        [
            "4: under 1.6, 1.7.0-beta.1, 1.7: ",
            "5: under 1.6, 1.7.0-beta.1, 1.7, 2.0, 2.1, 2.2, 2.3, 2.4: ",
            "6: under 1.6, 1.7.0-beta.1, 1.7, 2.0, 2.1, 2.2, 2.3, 2.4: "
        ],
        "{shown}"
    );
    assert_eq!(shown.matches("\n    1 step below was not run\n").count(), 1, "{shown}");
    assert!(shown.contains("a.scenario fails under 8 of 8 releases: "), "{shown}");
    assert!(shown.contains("again: leasehold replay --step --release 1.6 a.scenario\n"), "{shown}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn json_has_a_verdict_of_each_file_and_its_failures() {
    let folder = folder(&[
        ("a.scenario", PASSES),
        ("b.scenario", "content put layer\ngc\nexpect kept content/layer\n"),
        ("c.scenario", "content put layer gc.ref.content=laeyr\n"),
        ("d.scenario", "nonsense\n"),
    ]);
    let files = ["a.scenario", "b.scenario", "c.scenario", "d.scenario"];
    let output = leasehold(folder.path(), &[&["replay", "--json"], &files[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let counts = ["passed", "failed", "without_expectations", "not_asked"].map(|count| report[count].clone());
    assert_eq!(counts, [1, 2, 1, 0].map(serde_json::Value::from));
    let verdicts = report["files"].as_array().expect("a list").iter().map(|file| file["verdict"].as_str());
    let expected = ["passed", "failed", "without-expectations", "unreadable"].map(Some);
    assert_eq!(verdicts.collect::<Vec<_>>(), expected);
    let failed = &report["files"][1];
    assert_eq!(failed["failures"][0]["line"], 3);
    let text = failed["failures"][0]["text"].as_str().expect("a text");
    assert!(
        text.ends_with("content/layer was removed by the last collection: nothing refers to it"),
        "{text}"
    );
    assert_eq!(failed["again"], "leasehold replay --step b.scenario");
    let warned = leasehold(folder.path(), &["replay", "--json", "--release", "all", "b.scenario"]);
    let report: serde_json::Value = serde_json::from_slice(&warned.stdout).expect("one object");
    assert_eq!(report["files"][0]["failures"][0]["releases"].as_array().map(Vec::len), Some(8));
}

/// Files are replayed on every core, and spoken of in the order of their names.
#[test]
fn warnings_come_in_the_order_of_the_files() {
    let long = "content put layer gc.ref.content=laeyr\n".to_owned() + &"advance 1s\ngc\n".repeat(200);
    let short = "content put layer gc.ref.content=laeyr\ngc\n";
    let names: Vec<String> = (0..40).map(|number| format!("{number:02}.scenario")).collect();
    let files = names.iter().enumerate();
    let files = files.map(|(number, name)| (name.as_str(), if number % 2 == 0 { &long } else { short }));
    let folder = folder(&files.collect::<Vec<_>>());
    let said = text(&leasehold(folder.path(), &["replay", "."]).stderr);
    let warned: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("./")?.1.split(':').next()).collect();
    assert_eq!(warned, names, "{said}");
}

/// Without collectors there is nothing else to go by.
#[test]
fn a_cancelled_collection_that_says_nothing_of_it_is_found_without_collectors() {
    let own = "container create c0 gc.ref.content/x=@a\n? gc cancel-at-root=1\nexpect present container/c0\n";
    let beside = format!("collector declare stream\n{own}");
    let folder = folder(&[("own.scenario", own), ("beside.scenario", &beside)]);
    for file in ["own.scenario", "beside.scenario"] {
        assert_eq!(leasehold(folder.path(), &["replay", file]).status.code(), Some(0), "{file}");
        let output = leasehold(folder.path(), &["replay", "--fault", "error-swallowed", file]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(text(&output.stdout).contains("breaks the property error: "), "{}", text(&output.stdout));
    }
}

#[test]
fn a_resource_of_a_collector_that_a_label_nearly_names_is_told() {
    let said = |value: &str| {
        let steps = format!(
            "collector declare type-16 label=volume\ncollector list type-16 type-16/disk\n\
             content put w gc.ref.volume.0={value}\ngc\nexpect removed content/w\n"
        );
        let folder = folder(&[("a.scenario", &steps)]);
        text(&leasehold(folder.path(), &["replay", "a.scenario"]).stderr)
    };
    assert_eq!([said("disk"), said("tape")], ["", ""]);
    let warning = "a.scenario:3: warning: `gc.ref.volume.0=dsik` names nothing; is type-16/disk meant?";
    assert!(said("dsik").contains(warning), "{}", said("dsik"));
}

/// What would remain if the collector started is said, not what would change nothing.
#[test]
fn what_a_release_never_asks_a_collector_is_said_of_one_that_fails_to_start() {
    let printed = |release: &str| {
        let steps = format!(
            "release {release}\ncontent put a\ncollector declare type-16\ncollector list type-16 type-16/disk\n\
             collector references type-16 type-16/disk content/a\ncollector fail type-16 start\ngc\n"
        );
        let folder = folder(&[("a.scenario", &steps)]);
        text(&leasehold(folder.path(), &["replay", "--step", "a.scenario"]).stdout)
    };
    let unasked = "collector type-16 names it, but containerd 2.1 does not ask for that";
    assert!(printed("2.1").contains(unasked), "{}", printed("2.1"));
    assert!(printed("2.4").contains("collector type-16 names it, but fails to start"), "{}", printed("2.4"));
}

#[test]
fn a_cancelled_collection_is_said_to_be_so_and_not_to_have_failed() {
    let folder = folder(&[("c.scenario", "lease create l\nlease create m\ngc cancel-at-root=1\n")]);
    let said = text(&leasehold(folder.path(), &["replay", "--step", "c.scenario"]).stdout);
    assert!(
        said.contains(
            "\n      marks: none, the collection was cancelled\n      | error   context canceled\n"
        ),
        "{said}"
    );
}
