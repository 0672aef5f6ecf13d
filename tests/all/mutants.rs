//! What no mistake in the model, the collector or the daemon gets past. cargo-mutants runs these with one mistake built in
//! after the other (tests/mutants.md); for everyone else other tests say the same in more detail.

use leasehold::release::Release;
use std::process::Command;

/// A mistake that escapes so many cases escapes most people.
const CASES: &str = "1500";

fn agrees(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
}

#[test]
#[ignore = "for cargo-mutants: other tests say the same in more detail"]
fn generated_cases_of_every_release_hold() {
    let out = tempfile::tempdir().expect("a folder");
    let out = out.path().to_str().expect("text");
    for release in Release::ALL {
        agrees(&[
            "simulate",
            "--release",
            release.name(),
            "--seed",
            "mutants",
            "--cases",
            CASES,
            "--out",
            out,
        ]);
    }
}

#[test]
#[ignore = "for cargo-mutants: other tests say the same in more detail"]
fn recorded_collections_agree() {
    agrees(&["conformance", "scenarios/recorded"]);
}

#[test]
#[ignore = "for cargo-mutants: other tests say the same in more detail"]
fn the_library_of_scenarios_passes() {
    agrees(&["replay", "scenarios"]);
}
