//! `leasehold simulate`: the whole program.

use super::program::text;
use leasehold::engine::Fault::{
    self, BackReferencesForgotten, DirtyLost, ErrorSwallowed, ExpiryInclusive, LeaseIngestsForgotten,
};
use leasehold::properties::property::Property;
use leasehold::replay::{Problem, Replayed, run};
use leasehold::scenario::parse;
use serde_json::{Map, Value};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn simulate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).arg("simulate").args(arguments).output().expect("the program runs")
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = simulate(folder, &[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

#[test]
fn the_honest_collector_has_no_findings_under_any_release() {
    let folder = folder();
    for release in ["1.6", "1.7.0-beta.1", "1.7", "2.0", "2.1", "2.2", "2.3", "2.4"] {
        let output = simulate(folder.path(), &["--cases", "512", "--release", release]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.ends_with("\nno findings\n") && said.contains("512 cases, "), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing was written");
}

/// The bytes of a report depend on the seed and the cases alone, and shards add up to the whole.
#[test]
fn a_report_does_not_depend_on_jobs_and_shards_add_up() {
    let folder = folder();
    let run = |more: &[&str]| {
        let arguments = ["--cases", "500", "--seed", "same", "--fault", "lease-expiry-ignored", "--json"];
        let output = simulate(folder.path(), &[&arguments[..], more].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        output.stdout
    };
    let whole = run(&[]);
    assert_eq!(whole, run(&["--jobs", "1"]));
    // Only where findings were written is another place.
    let elsewhere = String::from_utf8(run(&["--jobs", "5", "--out", "elsewhere"])).expect("text");
    assert_eq!(text(&whole), elsewhere.replace("elsewhere/", "findings/"));
    let whole: Map<String, Value> = serde_json::from_slice(&whole).expect("an object");
    let keys: Vec<&str> = whole.keys().map(String::as_str).collect();
    let expected = ["cases", "collections", "findings", "properties", "release", "rules", "seed", "steps"];
    assert_eq!(keys, expected);
    for parts in [2, 3, 4] {
        let shards: Vec<Value> = (1..=parts)
            .map(|part| run(&["--shard", &format!("{part}/{parts}")]))
            .map(|report| serde_json::from_slice(&report).expect("an object"))
            .collect();
        for count in ["cases", "steps", "collections"] {
            assert_eq!(shards.iter().map(|shard| number(&shard[count])).sum::<u64>(), number(&whole[count]));
        }
        for (table, sides) in [("properties", ["checked", "failed"]), ("rules", ["taken", "refused"])] {
            for (name, counts) in whole[table].as_object().expect("a table") {
                for side in sides {
                    let of = |shard: &Value| shard[table][name][side].as_u64().unwrap_or_default();
                    assert_eq!(
                        shards.iter().map(of).sum::<u64>(),
                        number(&counts[side]),
                        "{table} {name} {side}"
                    );
                }
            }
        }
        // Relations and injected errors come to every part.
        assert!(shards.iter().all(|shard| number(&shard["properties"]["renaming"]["checked"]) > 0));
    }
}

/// A finding of a collection that was looked at closely is made small though earlier ones break something else then.
#[test]
fn what_breaks_on_the_way_does_not_hide_what_is_shrunk() {
    let folder = folder();
    let arguments = ["--seed", "a", "--cases", "321", "--fault", "namespace-dropped", "--intended"];
    let report = json(folder.path(), &arguments);
    let findings = report["findings"].as_array().expect("findings");
    let shown = |property: &str, fault: &str| {
        findings.iter().any(|finding| finding["property"] == property && finding["fault"] == fault)
    };
    // The seeded fault, a defect of the release that breaks something else on the way, and one seen by a close look alone.
    assert!(shown("completeness", "namespace-dropped"), "{findings:?}");
    assert!(shown("tree", "snapshotter-cut-at-slash"), "{findings:?}");
    assert!(shown("lookup-error", "no-cancel-after-failed-mark"), "{findings:?}");
    // What a property says of itself is no word of the oracle's.
    let lookup = findings.iter().find(|finding| finding["property"] == "lookup-error").expect("a finding");
    assert_eq!((&lookup["expected"]["by"], &lookup["found"]["by"]), (&"rule".into(), &"engine".into()));
    assert!(!lookup["defects"][0]["sentence"].as_str().expect("a sentence").is_empty());
    // The file is there, and the command that replays it finds the same.
    let tree = findings.iter().find(|finding| finding["property"] == "tree").expect("a finding");
    let kept = findings.iter().find(|finding| finding["property"] == "completeness").expect("a finding");
    assert_eq!(kept["expected"]["by"], "oracle");
    let file = tree["file"].as_str().expect("a file");
    assert!(folder.path().join(file).is_file() && number(&tree["cases"]) > 0, "{tree}");
    assert!(tree["again"].as_str().is_some_and(|again| again.ends_with(file)), "{tree}");
    for finding in findings {
        assert!(finding["breaks"].is_array() && !finding["found"]["lines"][0].is_null(), "{finding}");
    }
}

#[test]
fn the_help_names_every_habit_of_a_profile() {
    let folder = folder();
    let output = simulate(folder.path(), &["-h"]);
    // clap breaks lines.
    let help = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for habit in leasehold::generate::profile::Habit::ALL {
        assert!(help.contains(habit.name()), "{habit}");
    }
}

#[test]
fn a_place_where_no_finding_can_be_written_is_refused_before_the_campaign() {
    let folder = folder();
    std::fs::write(folder.path().join("taken"), "").expect("writable");
    let said = ["--out: taken: ", "--out: taken/below: no such file: taken is a file, not a folder"];
    for (arguments, place, said) in [
        (&["--fault", "dead-edge-fails"][..], "taken", said[0]),
        (&["--against", "true"], "taken/below", said[1]),
    ] {
        let output = simulate(folder.path(), &[arguments, &["--cases", "64", "--out", place]].concat());
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), String::new()));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

/// A disk that is full once there is something to write.
#[test]
fn findings_are_findings_though_their_files_cannot_be_written() {
    let folder = folder();
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).args(["-c", r#"trap '' XFSZ; ulimit -f 0; exec "$0" "$@""#]);
    shell.arg(env!("CARGO_BIN_EXE_leasehold")).args([
        "simulate",
        "--cases",
        "64",
        "--fault",
        "dead-edge-fails",
    ]);
    let output = shell.output().expect("the shell runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("error broken in "), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("name another folder with --out FOLDER"),
        "{}",
        text(&output.stderr)
    );
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

#[test]
fn a_finding_is_a_small_file_that_passes_and_fails_with_the_fault() {
    let folder = folder();
    let arguments = ["--cases", "300", "--fault", "lease-ingests-forgotten"];
    let output = simulate(folder.path(), &arguments);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1-minimal") && said.contains("\n  oracle   ingest/"), "{said}");
    let report = json(folder.path(), &arguments);
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["property"], &finding["fault"]),
        (&"safety".into(), &"lease-ingests-forgotten".into())
    );
    assert!(number(&finding["steps"]) <= 8, "{finding}");
    // Both runs found the same, and one file holds it.
    let files: Vec<_> = std::fs::read_dir(folder.path().join("findings")).expect("the folder").collect();
    assert_eq!(files.len(), 1);
    let written = std::fs::read(files[0].as_ref().expect("a file").path()).expect("readable");
    assert_eq!(finding["scenario"], text(&written));
    let scenario = parse(&written).expect("a scenario");
    assert_eq!(run(&scenario, None).failures, []);
    assert!(breaks(&run(&scenario, Some(LeaseIngestsForgotten.into())), Property::Safety));
}

/// The oracle's line speaks of the node that the engine's line names, or of the property where no node is named.
#[test]
fn both_lines_of_a_finding_speak_of_the_same() {
    let folder = folder();
    let said =
        |fault| text(&simulate(folder.path(), &["--seed", "5", "--cases", "3000", "--fault", fault]).stdout);
    let dirty = said("dirty-lost");
    assert!(dirty.contains("\n  rule     Exactly the backends that lost something"), "{dirty}");
    let expiry = said("nanoseconds-ignored");
    let relation = expiry.split_once("time-interval broken").expect("a relation breaks too").1;
    let (engine, oracle) = relation.split_once("\n  oracle   ").expect("two lines");
    let node = engine.split_once(" instead: ").expect("a node").1.split(' ').next();
    assert!(oracle.starts_with(node.expect("its name")), "{expiry}");
}

/// The case that a finding came from is at hand as it was drawn, and shows the same in a replay.
#[test]
fn a_case_by_its_number_is_a_scenario() {
    let folder = folder();
    let report = json(folder.path(), &["--cases", "500", "--fault", "expiry-inclusive"]);
    let finding = &report["findings"][0];
    let case = number(&finding["case"]).to_string();
    let release = report["release"].as_str().expect("text");
    let output = simulate(folder.path(), &["--release", release, "--case", &case]);
    let scenario = parse(&output.stdout).expect("a scenario");
    let property = Property::ALL.iter().find(|property| property.name() == finding["property"]);
    assert!(breaks(&run(&scenario, Some(ExpiryInclusive.into())), *property.expect("a property")));
    assert!(run(&scenario, None).failures.is_empty());
}

/// Edits that no client can make are no example of a mistake that clients come across.
#[test]
fn what_clients_come_across_is_shown_by_clients_steps() {
    let folder = folder();
    for (fault, cases, property) in [
        ("ingest-without-expiry-root", "1280", "completeness"),
        ("ingest-expiry-ignored", "128", "completeness"),
        ("root-label-exact", "640", "safety"),
        ("sweep-skips", "640", "error"),
    ] {
        let report = json(folder.path(), &["--fault", fault, "--cases", cases]);
        let findings = report["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["property"] == property);
        let scenario = found.expect("it is found")["scenario"].as_str().expect("text");
        let is_raw = |line: &str| line.trim_start_matches("? ").starts_with("raw ");
        assert!(!scenario.lines().any(is_raw), "{fault}: {scenario}");
    }
}

/// That a failed collection is said to have succeeded tells more than at which lookup it should have failed.
#[test]
fn the_worst_finding_comes_first() {
    let folder = folder();
    let report = json(folder.path(), &["--fault", "error-swallowed", "--cases", "1000"]);
    let properties: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["property"].as_str())
        .collect();
    let place = |property: &str| properties.iter().position(|found| *found == property);
    assert!(place("error") < place("lookup-error") && place("error").is_some(), "{properties:?}");
    let ranks: Vec<u8> = properties
        .iter()
        .filter_map(|name| Property::ALL.iter().find(|property| property.name() == *name))
        .map(|property| property.gravity())
        .collect();
    assert!(ranks.is_sorted(), "{properties:?}");
}

/// A collection that hides that its context was cancelled is found as that, at the first root.
#[test]
fn a_cancellation_that_is_hidden_is_named() {
    let folder = folder();
    let report = json(folder.path(), &["--fault", "error-swallowed", "--cases", "300"]);
    let first = &report["findings"][0];
    assert_eq!(first["property"], "error");
    assert!(first["scenario"].as_str().expect("text").contains("gc cancel-at-root=1\n"), "{first}");
}

/// A cancelled collection removes nothing, so that what stays is no finding, hidden or not.
#[test]
fn what_stays_of_a_cancelled_collection_is_no_finding() {
    let steps = "image create i3 target=c\ncontent put d\ngc cancel-at-root=1\n";
    let replayed = run(&parse(steps.as_bytes()).expect("a scenario"), Some(ErrorSwallowed.into()));
    assert!(breaks(&replayed, Property::Error), "{:?}", replayed.failures);
    for other in Property::ALL.iter().filter(|other| **other != Property::Error) {
        assert!(!breaks(&replayed, *other), "{other}: {:?}", replayed.failures);
    }
}

/// A context that would be cancelled at a root behind the last one is not cancelled, whatever else goes wrong.
#[test]
fn a_cancellation_behind_the_last_root_is_none() {
    let replayed = |root: u8, fault: Fault| {
        let steps = format!(
            "image create i1 target=a\nlease create l6\nlease add l6 snapshot/native/s1\n\
             snapshot prepare native/e5\ngc cancel-at-root={root}\n"
        );
        run(&parse(steps.as_bytes()).expect("a scenario"), Some(fault.into()))
    };
    let lost = replayed(4, DirtyLost);
    assert!(breaks(&lost, Property::Dirty) && !breaks(&lost, Property::Error), "{:?}", lost.failures);
    assert!(breaks(&replayed(3, ErrorSwallowed), Property::Error), "the third of three roots is there");
}

/// A fault does what its sentence says and no more: what is logged of collectors is no matter of back references.
#[test]
fn forgotten_back_references_change_nothing_else() {
    let steps = "release 2.2\ncollector declare type-16\ncollector fail type-16 finish\nlease create l\n\
                 content put child gc.bref.content=@parent\ngc\nexpect kept lease/l\n";
    let replayed = |steps: &str| {
        run(&parse(steps.as_bytes()).expect("a scenario"), Some(BackReferencesForgotten.into()))
    };
    let told = replayed(steps);
    assert_eq!(told.failures, []);
    let lost = replayed(&steps.replace("gc\n", "content put parent gc.root=1\ngc\n"));
    assert!(breaks(&lost, Property::Safety) && !breaks(&lost, Property::Log), "{:?}", lost.failures);
}

fn breaks(replayed: &Replayed, property: Property) -> bool {
    replayed.failures.iter().any(
        |failure| matches!(&failure.problem, Problem::Found { finding, .. } if finding.property == property),
    )
}

#[test]
fn what_is_there_is_not_written_over() {
    let folder = folder();
    let arguments = ["--cases", "300", "--fault", "lease-ingests-forgotten", "--out", "found"];
    assert_eq!(simulate(folder.path(), &arguments).status.code(), Some(1));
    let path = std::fs::read_dir(folder.path().join("found")).expect("the folder").next().expect("a file");
    let path = path.expect("a file").path();
    std::fs::write(&path, "mine").expect("writable");
    let said = text(&simulate(folder.path(), &arguments).stdout);
    assert_eq!(std::fs::read(&path).expect("readable"), b"mine");
    let stem = path.file_stem().expect("a name").to_str().expect("text").to_owned();
    assert!(said.contains(&format!("{stem}-2.scenario")), "{said}");
}

/// The real releases' own bugs: held to the intended rules the harness finds them again.
#[test]
fn the_intended_rules_find_what_the_seed_shipped_with() {
    let folder = folder();
    let report = json(folder.path(), &["--cases", "3000", "--intended"]);
    let findings = report["findings"].as_array().expect("findings");
    for defect in ["shared-loop-variable", "undecodable-expiry-aborts", "no-cancel-after-failed-mark"] {
        let steps = findings.iter().filter(|finding| finding["fault"] == defect);
        let steps: Vec<u64> = steps.map(|finding| number(&finding["steps"])).collect();
        assert!(steps.iter().any(|steps| *steps <= 8), "{defect}: {steps:?}");
    }
}

/// Each property has a scenario that passes, and that a fault makes fail by that property.
#[test]
fn every_property_is_broken_by_its_fault_in_its_scenario() {
    let listed = text(&simulate(Path::new("."), &["--properties"]).stdout);
    for property in Property::ALL {
        let file = format!("scenarios/properties/{}.scenario", property.name().replace('-', "_"));
        assert!(listed.contains(&format!("--fault {} {file}", property.fault())), "{listed}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let scenario = parse(&std::fs::read(path).expect("the library has the file")).expect("a scenario");
        assert_eq!(run(&scenario, None).failures, [], "{file}");
        assert!(breaks(&run(&scenario, Some(property.fault())), *property), "{file}");
    }
}

#[test]
fn a_profile_fixes_the_habits_and_a_time_ends_a_campaign() {
    let folder = folder();
    let output = simulate(folder.path(), &["--cases", "64", "--profile", "leases,expiry"]);
    let said = text(&output.stdout);
    assert!(said.contains("\nprofile: leases,expiry\n"), "{said}");
    assert!(said.contains("never taken: error: expireat does not decode; it takes "), "{said}");
    let output = simulate(folder.path(), &["--for", "300ms", "--shard", "2/2"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("cases for 0.3 s, part 2 of 2\n"), "{said}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, said) in [
        (&["--profile", "leasing"][..], "leasing"),
        (&["--shard", "3/2"], "the parts are counted from 1 to 2: 1/2 is the first, 2/2 the last"),
        (&["--shard", "0/2"], "the parts are counted from 1 to 2: 1/2 is the first, 2/2 the last"),
        (&["--shard", "1/0"], "a part and how many there are"),
        (&["--jobs", "0"], "it is too small: give a whole number from 1 to 512, such as 4"),
        (&["--cases", "2e4"], "it is no whole number: give a whole number from 1 on, such as 20000"),
        (&["--shard", "1"], "a part and how many there are"),
        (&["--for", "10"], "a number with a unit"),
        (&["--for", "1s", "--cases", "5"], "cannot be used with"),
        (&["--seed", ""], "a seed is a text of 1 to 64 bytes"),
        (&["--cases", "0"], "it is too small: give a whole number from 1 on"),
        (&["--for", "0s"], "in no time nothing is checked"),
        (&["--cases", "64", "--shard", "2/2"], "64 cases, dealt out 64 at a time, leave none for this part"),
        (&["--case", "1", "--fault", "sweep-skips"], "cannot be used with"),
        (&["--child-timeout", "3"], "--against"),
        (&["--properties", "--jobs", "1"], "cannot be used with"),
        (&["--jobs", "0"], "--jobs"),
        (&["--jobs", "100000"], "--jobs"),
        (&["--release", "0.1"], "no rule set for release `0.1`"),
        (&["--fault", "none-such"], "invalid value 'none-such' for '--fault <FAULT>'"),
    ] {
        let output = simulate(Path::new("."), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
}

/// The sample in the README is what its first command prints, but for lines that are left out or cut short (`...`).
#[test]
fn the_readme_shows_what_its_first_command_prints() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.expect("the project has a README");
    let (_, rest) = readme.split_once("```text\ncontainerd 1.7.0-beta.1, seed").expect("the sample");
    let (sample, _) = rest.split_once("```").expect("its end");
    let said = text(&simulate(folder().path(), &["--seed", "leasehold", "--cases", "20000"]).stdout);
    let said: Vec<&str> = said.lines().collect();
    let whole = sample.lines().skip(1).filter(|line| !line.ends_with("..."));
    let wrong: Vec<&str> = whole.filter(|line| !said.contains(line)).collect();
    assert!(wrong.is_empty(), "not what the command prints: {wrong:#?}");
}

/// What the one finding of a fault says of the daemon.
fn said_of_daemon(fault: &str, property: &str) -> String {
    said_of_daemon_with(&["--cases", "1000", "--fault", fault], property)
}

fn said_of_daemon_with(arguments: &[&str], property: &str) -> String {
    let output = simulate(folder().path(), arguments);
    let said = text(&output.stdout);
    let (_, broken) = said.split_once(&format!("\n{property} broken in ")).expect("it is found");
    let (_, daemon) = broken.split_once("\n  daemon   ").expect("what the daemon does");
    daemon.lines().next().expect("a line").to_owned()
}

#[test]
fn a_frame_finding_names_the_object_and_the_label_with_its_value() {
    // Without the protocols, whose snapshots have another label.
    let habits = ["--profile", "leases,expiry", "--cases", "1000", "--fault", "commit-keeps-labels"];
    let said = said_of_daemon_with(&habits, "frame");
    assert!(
        said.starts_with("the step has nothing to do with the label ") && said.contains(" of snapshot/"),
        "{said}"
    );
    // As the steps above write both.
    assert!(said.contains("the label gc.") && !said.contains("as the value \""), "{said}");
    assert!(said.contains(", which comes with it as the value @"), "{said}");
    assert!(said.contains(" (v1/") && said.contains("/labels/"), "{said}");
}

#[test]
fn what_undoes_a_step_and_is_refused_is_named_first() {
    let said = said_of_daemon("image-target-held", "undo");
    assert!(said.starts_with("`content delete ") && said.contains("which undoes `content put "), "{said}");
    assert!(said.contains("is refused behind it: an image points to it"), "{said}");
}

#[test]
fn where_nothing_can_be_written_it_is_said_what_stands_there() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").expect("a file");
    for (arguments, code, said) in [
        (["--out", "file"], 3, "--out: file: is no folder, and one is asked for\n"),
        (
            ["--rows-out", "."],
            2,
            "--rows-out: .: exists already and is never written over: give a path at which",
        ),
        (["--rows-out", "no/rows"], 3, "--rows-out: no/rows: its folder does not exist: make it first"),
    ] {
        let output = simulate(folder.path(), &[&["--cases", "64"], &arguments[..]].concat());
        let complaint = text(&output.stderr);
        assert!(output.status.code() == Some(code) && complaint.contains(said), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_fault_that_no_case_can_show_was_not_looked_for() {
    let folder = folder();
    let idle = ["--cases", "64", "--fault", "lease-takes-content", "--profile", "plain"];
    let output = simulate(folder.path(), &idle);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("the mistake changed no answer to 64 cases, so that they say nothing of it; another"),
        "{said}"
    );
    let shown = simulate(folder.path(), &["--cases", "64", "--fault", "sweep-skips"]);
    assert!(!text(&shown.stderr).contains("changed no answer"), "{shown:?}");
}
