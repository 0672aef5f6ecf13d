//! `leasehold simulate --against` and `--rows-out`, and `leasehold child`: the whole program.

use super::program::text;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_leasehold");

fn simulate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).arg("simulate").args(arguments).output().expect("the program runs")
}

#[test]
fn our_own_engine_as_a_child_agrees() {
    for release in ["1.7.0-beta.1", "2.4"] {
        let child = format!("'{PROGRAM}' child");
        let arguments = ["--cases", "30", "--release", release, "--against", &child];
        let output = simulate(Path::new("."), &arguments);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("\n30 cases, ") && said.ends_with("\nno findings\n"), "{said}");
        let report = simulate(Path::new("."), &[&arguments[..], &["--json"]].concat());
        let report: Value = serde_json::from_slice(&report.stdout).expect("one JSON object");
        let asked = report["collections"].as_u64().expect("a number");
        assert!(asked > 180, "{asked}");
        // Our own engine gives every field, so each was compared as often as the child was asked.
        let compared = report["compared"].as_object().expect("an object");
        assert_eq!(compared.len(), 9, "{compared:?}");
        assert!(compared.values().all(|count| count.as_u64() == Some(asked)), "{compared:?}");
    }
}

#[test]
fn a_child_with_a_fault_is_found_alike_for_any_number_of_jobs() {
    let child = format!("'{PROGRAM}' child --fault expiry-inclusive");
    let folder = tempfile::TempDir::new().expect("a folder");
    let json = |jobs: &str| {
        let arguments = ["--cases", "40", "--against", &child, "--jobs", jobs, "--json"];
        let output = simulate(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(json("1"), json("3"));
    let report: Value = serde_json::from_str(&json("1")).expect("one JSON object");
    assert_eq!(report["cases"], Value::from(40));
    assert_eq!(report["collections"], report["answered"]);
    // What loses something comes first.
    let ways: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["way"].as_str())
        .collect();
    assert_eq!(ways.first(), Some(&"missing"), "{ways:?}");
    // Each finding is a file too, which passes with the engine that is held to be right.
    let mut replay = Command::new(PROGRAM);
    let replayed =
        replay.arg("replay").arg(folder.path().join("findings")).output().expect("the program runs");
    let findings = report["findings"].as_array().expect("findings").len();
    let replayed = text(&replayed.stdout);
    assert_eq!(replayed.lines().last(), Some(format!("{findings} passed, 0 failed").as_str()), "{replayed}");
    let first = &report["findings"][0];
    assert_eq!(first["kind"], "differs");
    // The small case, put to both children again, still shows it.
    let row = first["small"]["row"].as_str().expect("a row");
    assert_ne!(answer(&[], row), answer(&["--fault", "expiry-inclusive"], row));
    assert!(row.len() < 600, "{row}");
}

fn answer(arguments: &[&str], row: &str) -> String {
    let mut child = Command::new(PROGRAM);
    let child = child.arg("child").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().expect("the program runs");
    writeln!(child.stdin.take().expect("piped"), "{row}").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

/// It answers one question and dies at the next.
const DIES_AFTER_ONE: &str = r#"sh -c 'read -r line; echo "{\"all\":null}"; read -r line; exit 7'"#;

#[test]
fn children_that_fail_are_findings_and_one_that_does_not_start_is_misuse() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let here = folder.path();
    for (child, code, said) in [
        (DIES_AFTER_ONE, 1, "the child died in 24 cases, as in case "),
        (DIES_AFTER_ONE, 1, "  child    ended without an answer: exit status: 7\n"),
        (DIES_AFTER_ONE, 1, " --child-timeout 0.2\n"),
        (
            "sh -c 'sleep 60'",
            1,
            "the child hung in 8 cases, as in case 0\n  child    gives no answer within 0.2 s\n",
        ),
        ("sh -c 'while read -r line; do echo rubbish; done'", 1, "the child answered rubbish in 24 cases"),
    ] {
        let output = simulate(here, &["--cases", "1000", "--child-timeout", "0.2", "--against", child]);
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert!(
            printed.contains(said) && printed.contains("stopped early: the child gave no answer in "),
            "{printed}"
        );
    }
    // What it was asked when it hung lies beside.
    let is_row = |name: &str| name.starts_with("against-hung-") && name.ends_with(".jsonl");
    let mut files = std::fs::read_dir(here.join("findings")).expect("findings");
    assert!(files.any(|file| is_row(file.expect("a file").file_name().to_str().expect("text"))));
    // One that dies once is asked all the rest.
    let once = format!("sh -c 'test -e once || {{ touch once; exit 1; }}; exec {PROGRAM} child'");
    let output = simulate(here, &["--cases", "64", "--jobs", "1", "--against", &once]);
    let printed = text(&output.stdout);
    assert!(printed.contains("\n64 cases, ") && printed.contains("the child died in 1 case,"), "{printed}");
    assert!(!printed.contains("stopped early"), "{printed}");
    for arguments in [
        &["--against", "/nowhere/to/be/found"][..],
        &["--against", ""],
        &["--against", "'open"],
        &["--against", "true", "--child-timeout", "0"],
        &["--against", "true", "--fault", "sweep-skips"],
    ] {
        let output = simulate(here, &[&["--cases", "10"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn rows_are_written_once_and_are_cases() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let arguments = ["--cases", "5", "--release", "2.3", "--rows-out"];
    for name in ["rows.jsonl", "rows.jsonl.gz"] {
        let output = simulate(folder.path(), &[&arguments[..], &[name]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("no findings"), "the cases are run too");
        let again = simulate(folder.path(), &[&arguments[..], &[name]].concat());
        assert_eq!(again.status.code(), Some(2));
        assert!(text(&again.stderr).contains(name), "{}", text(&again.stderr));
    }
    let plain = std::fs::read_to_string(folder.path().join("rows.jsonl")).expect("the file");
    // A child is asked as many collections: all but those whose context is cancelled.
    let child = format!("'{PROGRAM}' child");
    let report = simulate(folder.path(), &[&arguments[..4], &["--against", &child, "--json"]].concat());
    let report: Value = serde_json::from_slice(&report.stdout).expect("one JSON object");
    assert_eq!(report["collections"], Value::from(plain.lines().count()), "a row for each collection");
    let packed = std::fs::File::open(folder.path().join("rows.jsonl.gz")).expect("the file");
    let unpacked = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).expect("gzip");
    assert_eq!(unpacked, plain);
    for line in plain.lines() {
        let answer: Value = serde_json::from_str(&answer(&[], line)).expect("one JSON object");
        assert!(answer["removed"].is_array());
    }
}

/// The command behind a word at the beginning of a line, run as a person would paste it.
fn pasted(folder: &Path, report: &str, word: &str) -> Output {
    let line = report.lines().find_map(|line| line.trim_start().strip_prefix(word));
    let command = line.unwrap_or_else(|| panic!("no line {word:?} in {report}")).trim_start();
    let command = command.replacen("leasehold", &format!("'{PROGRAM}'"), 1);
    Command::new("sh").current_dir(folder).args(["-c", &command]).output().expect("a shell")
}

#[test]
fn a_finding_says_why_and_its_commands_show_it_again() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let here = folder.path();
    for (release, fault, lines, expects) in [
        (
            "1.7.0-beta.1",
            "expiry-inclusive",
            &[
                "`roots` lacks something (lease, a root: live lease) in ",
                "\n    > lease create l",
                "\n  child    has no root lease/l",
                "\n           does not mark lease/l",
                "\n           removes lease/l",
                "\n  ours     keeps   lease/l",
                "   live until 2026-01-0",
            ][..],
            "expect kept lease/l",
        ),
        (
            "2.2",
            "back-references-forgotten",
            &[
                "  child    does not follow the reference from ",
                "\n           removes ",
                "takes it along by its gc.bref.",
            ],
            "expect kept ",
        ),
        (
            "2.0",
            "expired-image-root",
            &["  child    has the root image/i", "expired "],
            "expect removed image/i",
        ),
    ] {
        let child = format!("'{PROGRAM}' child --fault {fault}");
        let options = [
            "--seed",
            "again",
            "--cases",
            "60",
            "--release",
            release,
            "--against",
            &child,
            "--child-timeout",
            "60",
            "--out",
            fault,
        ];
        let output = simulate(here, &options);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{report}");
        for line in lines {
            assert!(report.contains(line), "no {line:?} in {report}");
        }
        assert!(report.contains("1-minimal") && !report.contains("sha256:"), "{report}");
        // The row lies beside the scenario, which passes with ours and expects what differs.
        let files = || {
            std::fs::read_dir(here.join(fault)).expect("findings").map(|file| file.expect("a file").path())
        };
        for file in files() {
            let written = std::fs::read_to_string(&file).expect("text");
            if file.extension().is_some_and(|extension| extension == "jsonl") {
                let row = written.trim_end();
                assert_ne!(answer(&[], row), answer(&["--fault", fault], row));
            } else {
                assert!(file.with_extension("jsonl").is_file(), "{}", file.display());
            }
        }
        assert!(
            files().any(|file| std::fs::read_to_string(file).expect("text").contains(expects)),
            "{fault}"
        );
        for word in ["again", "as drawn"] {
            let again = pasted(here, &report, word);
            let said = text(&again.stdout);
            assert_eq!(again.status.code(), Some(1), "{word}: {said}{}", text(&again.stderr));
            assert!(said.contains(lines.last().expect("a line")), "{word}: {said}");
        }
        assert!(report.contains("--child-timeout 60"), "{report}");
    }
}

#[test]
fn one_case_some_time_and_a_part_can_be_asked() {
    let child = format!("'{PROGRAM}' child");
    let folder = tempfile::TempDir::new().expect("a folder");
    let asked = |arguments: &[&str]| {
        let output = simulate(folder.path(), &[arguments, &["--against", &child, "--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        (report["cases"].as_u64().expect("a number"), report["collections"].as_u64().expect("a number"))
    };
    let (cases, collections) = asked(&["--cases", "150"]);
    let parts = ["1/2", "2/2"].map(|shard| asked(&["--cases", "150", "--shard", shard]));
    assert_eq!((cases, collections), (parts[0].0 + parts[1].0, parts[0].1 + parts[1].1));
    assert_eq!(asked(&["--case", "7"]).0, 1);
    assert!(asked(&["--for", "1ms"]).0 >= 128, "a first batch is run in any case");
    // A part and a case can be written as rows.
    for (name, arguments, count) in [
        ("part", &["--cases", "150", "--shard", "1/2"][..], parts[0].1),
        ("one", &["--case", "7"], asked(&["--case", "7"]).1),
    ] {
        let output = simulate(folder.path(), &[arguments, &["--rows-out", name]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let rows = std::fs::read_to_string(folder.path().join(name)).expect("rows");
        assert_eq!(rows.lines().count() as u64, count, "{name}");
    }
    for flag in [&["--json"][..], &["--out", "x"]] {
        let output = simulate(folder.path(), &[&["--case", "7"], flag].concat());
        assert_eq!(output.status.code(), Some(2), "{flag:?} does nothing");
        assert!(text(&output.stderr).contains("--against"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_scenario_is_put_to_another_collector() {
    let replay = |child: &str, path: &str| {
        let child = format!("'{PROGRAM}' {child}");
        let output = Command::new(PROGRAM).args(["replay", path, "--against", &child]).output();
        output.expect("the program runs")
    };
    let (file, folder) = ("scenarios/properties/safety.scenario", "scenarios/properties");
    let output = replay("child", folder);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(" child` was asked ") && said.contains(" passed, 0 failed"), "{said}");
    let output = replay("child --fault sweep-skips", folder);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        ": `gc`: `removed` lacks something\n      child    does not remove ",
        "\n      ours     removes ",
        "\nagain: leasehold replay --step --against ",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let output = Command::new(PROGRAM).args(["replay", file, "--against", "/nowhere/to/be/found"]).output();
    assert_eq!(output.expect("the program runs").status.code(), Some(2));
    // What cannot be read is no want of something to ask.
    let output = replay("child", "nowhere.scenario");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("no such file"), "{}", text(&output.stderr));
}

fn against(command: &str, path: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(PROGRAM);
    let output = program.args([command, path]).args(more).output().expect("the program runs");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn recorded_rows_are_put_to_another_collector() {
    let rows = "scenarios/recorded";
    let only = |child: &str| against("conformance", rows, &["--only", "2.4", "--against", child]);
    let (_, ours, _) = against("conformance", rows, &["--only", "2.4"]);
    let (code, said, _) = only(&format!("'{PROGRAM}' child"));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.lines().last(), ours.lines().last(), "as many rows as ours is held to");
    assert!(said.contains(" child` was asked "), "{said}");
    // It is told neither what was recorded nor, here, whose rules are meant.
    let asked = only(
        "sh -c 'while read -r line; do case $line in *db_after*) exit 3;; esac; echo \"{\\\"error\\\":null}\"; done'",
    );
    assert!(!asked.1.contains("the child died"), "{}", asked.1);
    assert!(asked.1.contains("\ncompared: error "), "only what it answers is compared: {}", asked.1);
    let (code, said, _) = only(&format!("'{PROGRAM}' child --fault collector-references-forgotten"));
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "FAILED 2.4 ",
        ": `refs` lacks something (",
        ")\n    child    does not follow ",
        "\n    record   keeps ",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert_eq!(only("/nowhere/to/be/found").0, Some(2));
}

#[test]
fn a_child_that_hangs_is_asked_nothing_more() {
    for (command, path, collection) in [
        ("replay", "scenarios/rules", "FAILED scenarios/"),
        ("conformance", "scenarios/recorded", "FAILED 1."),
    ] {
        let child = ["--against", "sleep 60", "--child-timeout", "0.2"];
        let (code, said, _) = against(command, path, &child);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(collection) && said.contains("the child hung"), "{said}");
        assert!(said.contains("; it hung, and was not asked "), "{said}");
        let last = said.lines().last().expect("a last line");
        assert!(
            command != "replay" || last.ends_with(" not asked"),
            "files pass that were not asked: {last}"
        );
    }
}

/// A child that does not understand its flags is no finding of every case.
#[test]
fn a_child_that_ends_whatever_it_is_asked_is_said_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = format!("'{PROGRAM}' child --no-such-flag");
    let simulated = simulate(folder.path(), &["--cases", "500", "--against", &child]);
    let simulated = (simulated.status.code(), text(&simulated.stdout), text(&simulated.stderr));
    let more = ["--against", &child];
    for (code, said, told) in [
        simulated,
        against("replay", "scenarios/rules", &more),
        against("conformance", "scenarios/recorded", &more),
    ] {
        assert_eq!(code, Some(3), "{said}{told}");
        assert_eq!(told.matches("unexpected argument '--no-such-flag'").count(), 1, "{told}");
        assert!(told.contains("ends before it answers anything, even of an empty database: "), "{told}");
        assert!(!said.contains("FAILED"), "{said}");
    }
}

#[test]
fn a_child_that_answers_nothing_is_given_up_with_the_code_of_a_finding_by_every_command() {
    let child = ["--against", "sh -c 'while read -r line; do echo rubbish; done'"];
    let folder = tempfile::tempdir().expect("a folder");
    let simulated = simulate(folder.path(), &["--cases", "200", child[0], child[1]]);
    assert_eq!(simulated.status.code(), Some(1), "{}", text(&simulated.stdout));
    for (command, path) in [("replay", "scenarios/rules"), ("conformance", "scenarios/recorded")] {
        let (code, said, told) = against(command, path, &child);
        assert_eq!(code, Some(1), "{said}{told}");
        assert!(told.contains("gave no answer 8 times in a row"), "{told}");
        assert!(said.contains("; it failed too often, and was not asked "), "{said}");
        assert!(said.matches("FAILED").count() < 12, "{said}");
    }
}

#[test]
fn rows_that_fail_are_told_in_groups_and_one_by_its_name() {
    let child = format!("'{PROGRAM}' child --fault parent-forgotten");
    let conformance = |more: &[&str]| {
        against(
            "conformance",
            "scenarios/recorded",
            &[&["--only", "2.4", "--against", &child], more].concat(),
        )
    };
    let (code, said, _) = conformance(&[]);
    assert_eq!(code, Some(1), "{said}");
    let shown = said.matches("FAILED 2.4 ").count();
    assert!(
        said.contains(" more rows: `refs` lacks something (snapshot, refers: snapshot parent)\n"),
        "{said}"
    );
    let (_, report, _) = conformance(&["--json"]);
    let report: Value = serde_json::from_str(&report).expect("one JSON object");
    let groups = report["groups"].as_array().expect("groups");
    assert!(groups.iter().all(|group| (1..=3).contains(&group["first"].as_array().expect("rows").len())));
    let first = groups.iter().map(|group| group["first"].as_array().expect("rows").len()).sum::<usize>();
    assert_eq!(shown, first, "{said}");
    let failed: u64 = groups.iter().filter_map(|group| group["rows"].as_u64()).sum();
    assert!(failed > 3 && report["failed"] == failed, "{report}");
    assert!(said.ends_with(&format!(" passed, {failed} failed\n")), "{said}");
    // By release, and by the field that differs first.
    let of_release = &report["releases"][0];
    assert_eq!((&of_release["release"], &of_release["rows"]), (&Value::from("2.4"), &Value::from(1165)));
    let differs = of_release["differs"].as_object().expect("fields");
    assert_eq!(differs.values().filter_map(Value::as_u64).sum::<u64>(), failed, "{report}");
    assert!(said.contains("\nrelease   rows  failed  differs in\n2.4      1,165 "), "{said}");
    let name = groups[0]["first"][0]["name"].as_str().expect("a name");
    let (code, alone, _) = conformance(&["--name", name]);
    assert_eq!((code, alone.matches("FAILED 2.4 ").count()), (Some(1), 1), "{alone}");
    assert_eq!(conformance(&["--name", "nobody"]).0, Some(2));
}

/// Rows that a campaign wrote are questions.
#[test]
fn rows_without_results_are_said_to_be_questions() {
    let folder = tempfile::tempdir().expect("a folder");
    simulate(folder.path(), &["--case", "1", "--rows-out", "q.jsonl"]);
    let path = folder.path().join("q.jsonl");
    let (code, said, told) = against("conformance", path.to_str().expect("text"), &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        told.contains("no recorded rows in ") && told.contains("`leasehold child < FILE` answers"),
        "{told}"
    );
}

/// Each try that hangs takes the whole limit: what is shrunk beside it ends with the first.
#[test]
fn a_child_that_hangs_at_times_is_not_asked_smaller_cases() {
    let child = format!(
        r#"sh -c "sed -u 2q | '{PROGRAM}' child | sed -u 's/\"removed\":\[[^]]*\]/\"removed\":[]/'; sleep 100""#
    );
    let folder = tempfile::tempdir().expect("a folder of its own");
    let arguments = ["--cases", "16", "--jobs", "1", "--child-timeout", "1", "--against", &child];
    let said = text(&simulate(folder.path(), &arguments).stdout);
    assert!(said.contains("the child hung in "), "{said}");
    assert!(said.contains("\n  small    no: it hung while the case was made small: "), "{said}");
}

#[test]
fn a_child_for_each_case_is_told_that_one_is_asked_many() {
    let (_, said, _) = against(
        "replay",
        "scenarios/bugs/02_deletion_mark_kept.scenario",
        &["--against", &format!("sh -c \"head -n 1 | '{PROGRAM}' child\"")],
    );
    assert!(said.contains("a child is asked one line after the other"), "{said}");
}

#[test]
fn a_child_that_depends_on_earlier_rows_is_said_to_do_so() {
    // From its third answer on it removes nothing. (To know a last line, sed would wait for the next.)
    let child =
        format!(r#"sh -c "'{PROGRAM}' child | sed -u '3,9999s/\"removed\":\[[^]]*\]/\"removed\":[]/'""#);
    let folder = tempfile::tempdir().expect("a folder of its own");
    let said = text(&simulate(folder.path(), &["--cases", "20", "--jobs", "1", "--against", &child]).stdout);
    assert!(said.contains("\n  small    no: asked alone, a fresh child does not show it: "), "{said}");
    assert!(!said.contains("1-minimal"), "{said}");
}

#[test]
fn what_a_child_said_is_shown_as_it_was_and_one_cut_off_in_a_line_has_died() {
    let file = "scenarios/properties/safety.scenario";
    for (child, wrong, said) in [
        (
            r#"sh -c 'read -r line; printf %s "{\"name\""; exit 7'"#,
            "the child died",
            "exit status: 7, in the middle of a line",
        ),
        (
            r#"sh -c 'read -r line; echo "{\"a\\\\b\"}"'"#,
            "the child answered rubbish",
            r#"; it said `{"a\b"}`"#,
        ),
    ] {
        let (code, printed, _) = against("replay", file, &["--against", child]);
        assert_eq!(code, Some(1), "{printed}");
        assert!(printed.contains(wrong) && printed.contains(said), "{printed}");
    }
}

#[test]
fn a_fault_of_a_child_that_can_never_be_made_is_told_of() {
    let child = format!("'{PROGRAM}' child --fault root-label-exact");
    let (code, said, told) =
        against("replay", "scenarios/properties/safety.scenario", &["--against", &child]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        told.contains("--fault root-label-exact: no collection here is by a release that has the rule"),
        "{told}"
    );
    let mut refused = Command::new(PROGRAM);
    let refused = refused.args(["child", "--fault", "root-label-exact", "--release", "1.7"]).output();
    assert_eq!(refused.expect("the program runs").status.code(), Some(2));
}

#[test]
fn what_another_collector_does_is_said_from_where_the_client_acts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.scenario");
    let steps = "namespace create other\nnamespace use other\ncontent put b\ncontent put c\ngc\nexpect removed content/b\n";
    for (before, said_of) in [
        ("", "content/c"),
        ("content put a\n", "content/b"),
        ("content put a\ncontent put d\n", "default/content/"),
    ] {
        std::fs::write(&path, format!("release 2.1\n{before}{steps}")).expect("a file");
        let child = format!("'{PROGRAM}' child --fault sweep-skips");
        let (code, said, _) = against("replay", &path.display().to_string(), &["--against", &child]);
        assert_eq!(code, Some(1), "{said}");
        let told =
            said.lines().filter(|line| line.starts_with("      child ") || line.starts_with("      ours "));
        let told: Vec<&str> = told.collect();
        assert!(told.iter().any(|line| line.contains(&format!(" {said_of}"))), "{said_of}: {said}");
        assert!(!told.iter().any(|line| line.contains("other/content/")), "{said}");
    }
}
