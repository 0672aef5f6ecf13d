//! `leasehold grade`: the whole program.

use super::program::text;
use serde_json::Value;
use std::process::{Command, Output};

fn grade(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.arg("grade").args(arguments).output().expect("the program runs")
}

#[test]
fn a_fault_that_is_found_is_caught_with_the_same_bytes_for_any_number_of_jobs() {
    let fault = ["--fault", "sweep-skips", "--seeds", "3", "--budget", "60s"];
    let output = grade(&fault);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("  3/3  ") && said.ends_with("\n1 caught, 0 escaped\n"), "{said}");
    let json = |jobs| text(&grade(&[&fault[..], &["--json", "--jobs", jobs]].concat()).stdout);
    assert_eq!(json("1"), json("2"));
    let report: Value = serde_json::from_str(&json("1")).expect("one JSON object");
    assert_eq!([&report["caught"], &report["escaped"]], [&Value::from(1), &Value::from(0)]);
    assert_eq!(report["faults"][0]["trials"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_fault_that_escapes_fails_the_grading() {
    let output = grade(&["--fault", "sweep-skips", "--seeds", "1", "--budget", "1ns"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\nescaped: sweep-skips (") && said.ends_with("\n0 caught, 1 escaped\n"), "{said}");
}

#[test]
fn the_list_names_every_fault_and_what_it_does() {
    let output = grade(&["--list"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    for fault in leasehold::world::Fault::all() {
        assert!(said.contains(fault.name()) && said.contains(fault.sentence()), "{fault}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for arguments in [
        &["--fault", "none-such"][..],
        &["--seeds", "0"],
        &["--budget", "10"],
        &["--budget", "0s"],
        &["--budget", "-1s"],
        &["--budget", "1e999s"],
        &["--list", "--jobs", "1"],
    ] {
        assert_eq!(grade(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
