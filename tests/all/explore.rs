//! `leasehold explore`: the protocols that ship, and what the command says.

use leasehold::campaign::Stop;
use leasehold::explore::{Commuting, Explored, Merging, NotExplored, Search, Verdict, explore};
use leasehold::properties::known::Known;
use leasehold::release::Release;
use leasehold::scenario::{Scenario, Step, parse};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Set it to have the table of verdicts written anew.
const UPDATE: &str = "UPDATE_LIBRARY";

const SAFE: &str = "release 2.1
client a
together
a: lease create pull expire=+1h
a: lease use pull
a: content put layer
a: image create main target=layer
a: lease delete pull
may 2 gc
may cleanup
always present content/layer when present image/main
end
";

const BROKEN: &str = "release 2.1
client a
together
a: content put layer
a: image create main target=layer
may gc
always present content/layer when present image/main
end
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/protocols")
}

/// The protocols that ship, in the order of their names.
fn protocols() -> Vec<(String, Scenario)> {
    let mut protocols = Vec::new();
    for entry in fs::read_dir(folder()).expect("the library has the folder") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|ending| ending == "scenario") {
            let text = fs::read(&path).expect("a readable file");
            let scenario = parse(&text).unwrap_or_else(|flaws| panic!("{}: {flaws}", path.display()));
            let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
            if scenario.lines.iter().any(|line| line.step == Step::Together) {
                protocols.push((name, scenario));
            }
        }
    }
    protocols.sort_by(|(left, _), (right, _)| left.cmp(right));
    protocols
}

fn explored(scenario: &Scenario, release: Release) -> Result<Explored, NotExplored> {
    let (known, stop) = (Known::as_shipped(release), Stop::default());
    // What is taken over where moves commute is applied too, and held against that.
    let (merging, commuting) = (Merging::default(), Commuting::Compared);
    let search =
        Search { release, known, states_max: 20_000_000, merging, commuting, stop: &stop, told: &|_| {} };
    explore(scenario, &search)
}

/// Whether a protocol is safe, or after how many moves it is broken.
fn verdict(name: &str, scenario: &Scenario, release: Release) -> String {
    match explored(scenario, release).map(|explored| explored.found.verdict) {
        Ok(Verdict::Safe) => "safe".to_owned(),
        Ok(Verdict::Broken(broken)) => format!("broken, {}", broken.order.len()),
        // The release lacks what stands above the block.
        Err(NotExplored::Before { .. }) => "-".to_owned(),
        other => panic!("{name} under {release}: {other:?}"),
    }
}

fn table() -> String {
    fs::read_to_string(folder().join("README.md")).expect("the folder has a table")
}

/// What the table says of a protocol, a cell each release.
fn cells<'t>(table: &'t str, name: &str) -> Vec<&'t str> {
    let row = table.lines().find(|line| line.starts_with(&format!("| [{name}]")));
    row.map(|row| row.trim_matches('|').split('|').skip(1).map(str::trim).collect()).unwrap_or_default()
}

#[test]
fn a_protocol_with_a_scheduler_is_told_that_collections_come_at_every_moment() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("scheduled.scenario");
    fs::write(&path, SAFE.replace("client a\n", "scheduler\nclient a\n")).expect("written");
    let output =
        Command::new(env!("CARGO_BIN_EXE_leasehold")).arg("explore").arg(&path).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("line 2: a scheduler: here collections come at every moment"), "{said}");
}

#[test]
fn every_protocol_is_as_safe_under_its_own_release_as_the_table_says() {
    let table = table();
    let protocols = protocols();
    assert!(protocols.len() > 20, "only {} protocols", protocols.len());
    for (name, scenario) in protocols {
        let own = Release::ALL.iter().position(|release| *release == scenario.release).expect("a release");
        let said = verdict(&name, &scenario, scenario.release);
        assert_eq!(cells(&table, &name).get(own), Some(&&*said), "{name}: see {UPDATE} in this file");
    }
}

/// `UPDATE_LIBRARY=1 cargo test --test all explore:: -- --ignored` writes the table anew.
#[test]
#[ignore = "a minute: every release"]
fn every_protocol_is_as_safe_under_every_release_as_the_table_says() {
    let written = table();
    let (head, _) = written.split_once("\n| ").expect("a table");
    let names = Release::ALL.map(Release::name).join(" | ");
    let mut table = format!("{head}\n| protocol | {names} |\n|---|{}\n", "---|".repeat(Release::ALL.len()));
    for (name, scenario) in protocols() {
        let cells = Release::ALL.map(|release| verdict(&name, &scenario, release)).join(" | ");
        writeln!(table, "| [{name}]({name}.scenario) | {cells} |").expect("a string takes it");
    }
    if std::env::var_os(UPDATE).is_some() {
        fs::write(folder().join("README.md"), table).expect("the table can be written");
        return;
    }
    assert_eq!(written, table);
}

#[test]
fn the_answer_is_the_same_where_every_step_is_applied() {
    for name in ["pull_two_leases", "cri_pull_and_run", "prune_53429"] {
        let path = folder().join(format!("{name}.scenario"));
        let told = |more: &[&str]| {
            let found = TempDir::new().expect("a folder");
            let arguments = [&["explore", path.to_str().expect("a path")], more].concat();
            text(&leasehold(&arguments, found.path()))
        };
        let answer = told(&[]);
        assert!(answer.contains(" states"), "{answer}");
        assert_eq!(answer, told(&["--apply-all"]));
    }
}

fn leasehold(arguments: &[&str], at: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.args(arguments).current_dir(at).output().expect("the program runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is text")
}

fn written(texts: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in texts {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

#[test]
fn a_safe_protocol_is_counted_and_called_so() {
    let folder = written(&[("pull.scenario", SAFE)]);
    let output = leasehold(&["explore", "pull.scenario"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output);
    assert!(said.contains("1 client with 5 steps, 2 steps that may happen"), "{said}");
    assert!(said.contains("safe     every promise holds in every state"), "{said}");
    assert!(said.ends_with("1 safe, 0 broken, 0 cut short\n"), "{said}");
}

#[test]
fn a_broken_protocol_has_its_shortest_order_as_a_scenario_that_replay_confirms() {
    let folder = written(&[("pull.scenario", BROKEN)]);
    let output = leasehold(&["explore", "pull.scenario", "--out", "found", "--json"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let json: Value = serde_json::from_str(&text(&output)).expect("JSON");
    let file = &json["files"][0];
    assert_eq!((&file["verdict"], &file["order"]["moves"]), (&"broken".into(), &4.into()));
    let order = folder.path().join(file["file"].as_str().expect("a file"));
    let replayed = leasehold(&["replay", order.to_str().expect("text")], folder.path());
    assert_eq!(replayed.status.code(), Some(1), "{replayed:?}");
    assert!(text(&replayed).contains("expect present content/layer"), "{replayed:?}");
}

#[test]
fn what_is_cut_short_is_never_called_safe() {
    let folder = written(&[("pull.scenario", SAFE)]);
    let output = leasehold(&["explore", "pull.scenario", "--states-max", "10"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = text(&output);
    assert!(said.contains("cut short, so nothing is known"), "{said}");
    assert!(said.ends_with("0 safe, 0 broken, 1 cut short\n"), "{said}");
}

#[test]
fn a_file_without_a_block_is_no_protocol_and_in_a_folder_passed_over() {
    let folder = written(&[("plain.scenario", "gc\nexpect same\n"), ("pull.scenario", SAFE)]);
    let output = leasehold(&["explore", "plain.scenario"], folder.path());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("it has no `together` block"), "{output:?}");
    let output = leasehold(&["explore", "."], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    fs::remove_file(folder.path().join("pull.scenario")).expect("a file");
    let output = leasehold(&["explore", "."], folder.path());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn the_answer_is_the_same_for_any_jobs() {
    let folder = written(&[("pull.scenario", SAFE), ("none.scenario", BROKEN)]);
    let one = leasehold(
        &["explore", "pull.scenario", "none.scenario", "--json", "--jobs", "1", "--out", "one"],
        folder.path(),
    );
    let four = leasehold(
        &["explore", "pull.scenario", "none.scenario", "--json", "--jobs", "4", "--out", "one"],
        folder.path(),
    );
    assert_eq!(text(&one), text(&four));
}

/// What is misspelt is warned of as `replay` does, what cannot be read stops no other file, and what is no protocol is counted.
#[test]
fn what_is_odd_about_files_is_said_and_the_others_are_explored() {
    let misspelt = SAFE.replace("when present image/main", "when present image/mian").replace(
        "a: image create",
        "a: look image/amin as there\na: if thre content put layer\na: image create",
    );
    let plain = "release 2.1\ncontent put layer\nexpect kept content/layer\n";
    let folder = written(&[
        ("a.scenario", &misspelt),
        ("b.scenario", "no step\n"),
        ("c.scenario", plain),
        ("d.scenario", SAFE),
    ]);
    let output = leasehold(&["explore", ".", "--json"], folder.path());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(report["files"].as_array().map(Vec::len), Some(2), "{report}");
    let warnings: Vec<&str> =
        report["warnings"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for said in [
        ".: 1 scenario without a `together` block passed over",
        "a.scenario:7: warning: nothing creates image/amin; is image/main meant?",
        "a.scenario:8: warning: no step of this client is remembered as thre",
        "a.scenario:13: warning: nothing creates image/mian; is image/main meant?",
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(said)), "{said}: {warnings:?}");
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("b.scenario:1"), "{said}");
}

#[test]
fn what_safety_rests_on_is_found_and_what_it_does_not_need() {
    let unneeded = SAFE.replace("a: lease use", "a: look content/layer as there\na: lease use");
    let folder = written(&[("safe.scenario", &unneeded), ("broken.scenario", BROKEN)]);
    let said = text(&leasehold(&["explore", "safe.scenario", "--weakest"], folder.path()));
    assert!(said.contains("rests on lines 4, 6, 9: without lease pull: breaks after 5 moves"), "{said}");
    assert!(said.contains("line 4: with an expiry that has passed"), "{said}");
    assert!(said.contains("unneeded line 5: without step `look content/layer`"), "{said}");
    assert!(said.contains("line 6: without step `lease use pull`"), "a lease's steps each: {said}");
    assert!(!said.contains("without step `lease create pull"), "that is to be without the lease: {said}");
    let said = text(&leasehold(&["explore", "broken.scenario", "--weakest"], folder.path()));
    assert!(said.contains("repairs  lines 4, 5: with all steps of a under a lease of its own"), "{said}");
}
