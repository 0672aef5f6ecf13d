//! `leasehold live` with a real containerd, the one that `LEASEHOLD_CONTAINERD` names (`.ci/live` fetches one).
//!
//! Without it these tests have nothing to ask and say so.
#![cfg(feature = "live")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn containerd() -> Option<PathBuf> {
    let named = std::env::var_os("LEASEHOLD_CONTAINERD").map(PathBuf::from);
    if named.is_none() {
        eprintln!("skipped: LEASEHOLD_CONTAINERD names no containerd");
    }
    named
}

/// The program, with folders of daemons in `place`.
fn live(place: &Path, daemon: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.arg("live").args(arguments).arg("--containerd").arg(daemon);
    command.current_dir(place).env("TMPDIR", place);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Folders of daemons.
fn left(place: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(place).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.to_string_lossy().contains("leasehold-live-")).collect()
}

/// Processes whose command names the folder.
fn processes(place: &Path) -> usize {
    let place = place.to_string_lossy().into_owned();
    let commands = fs::read_dir("/proc")
        .expect("processes")
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    commands.filter(|command| String::from_utf8_lossy(command).contains(&place)).count()
}

fn await_none(place: &Path) {
    let began = Instant::now();
    while !left(place).is_empty() || processes(place) > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "left: {:?}, {} processes",
            left(place),
            processes(place)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_scenario_is_alike_and_leaves_nothing_behind() {
    let Some(daemon) = containerd() else { return };
    let place = tempfile::tempdir().expect("a folder");
    let scenario = "lease create pull expire=+1h\nlease use pull\ncontent put layer\ngc\nadvance 2h\ngc\n";
    fs::write(place.path().join("pull.scenario"), scenario).expect("written");
    let output = live(place.path(), &daemon, &["pull.scenario", "--json"]).output().expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(
        (&report["alike"], &report["collections"], &report["steps"]),
        (&1.into(), &2.into(), &4.into()),
        "{report}"
    );
    await_none(place.path());
}

#[test]
fn a_mistake_in_the_simulated_daemon_is_found_and_made_small() {
    let Some(daemon) = containerd() else { return };
    for fault in ["lease-entry-forgotten", "child-not-noted", "clean-up-leaves-blobs"] {
        let place = tempfile::tempdir().expect("a folder");
        let arguments = ["--cases", "60", "--fault", fault, "--out", "found"];
        let output = live(place.path(), &daemon, &arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{fault}: {}", said(&output));
        let first =
            fs::read_dir(place.path().join("found")).expect("findings").next().expect("one").expect("a file");
        let steps = fs::read_to_string(first.path()).expect("text");
        let steps = steps.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        assert!(steps <= 9, "{fault}: {steps} steps:\n{}", said(&output));
        await_none(place.path());
    }
}

fn begun(place: &Path, daemon: &Path) -> Child {
    let mut command = live(place, daemon, &["--cases", "10000"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let began = Instant::now();
    while left(place).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "no daemon was started");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let Some(daemon) = containerd() else { return };
    for (signal, expected) in [("-INT", Some(130)), ("-TERM", Some(143)), ("-KILL", None)] {
        let place = tempfile::tempdir().expect("a folder");
        let mut child = begun(place.path(), &daemon);
        std::thread::sleep(Duration::from_millis(300));
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("it runs");
        assert!(killed.success());
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), expected, "{signal}");
        await_none(place.path());
    }
}

#[test]
fn a_run_that_would_compare_nothing_and_a_flag_that_would_do_nothing_are_misuse() {
    let Some(daemon) = containerd() else { return };
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("raw.scenario"), "raw bucket v1/default\n").expect("written");
    fs::write(place.path().join("put.scenario"), "content put layer\n").expect("written");
    for (arguments, word) in [
        (&["raw.scenario"][..], "nothing was compared"),
        (&["put.scenario", "--seed", "x"], "--seed is of drawn cases"),
        (&["put.scenario", "--profile", "plain"], "--profile is of drawn cases"),
    ] {
        let output = live(place.path(), &daemon, arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(word), "{}", said(&output));
    }
    // Without a collection it is compared at the end.
    let arguments = ["put.scenario", "--fault", "size-unsigned", "--out", "found"];
    let output = live(place.path(), &daemon, &arguments).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn what_is_no_containerd_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    for (program, word) in [("/bin/cat", "no containerd"), ("/nowhere/containerd", "No such file")] {
        let output = live(place.path(), Path::new(program), &["--cases", "1"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(3));
        assert!(said(&output).contains(program) && said(&output).contains(word), "{}", said(&output));
    }
    assert_eq!(left(place.path()).len(), 0);
}
