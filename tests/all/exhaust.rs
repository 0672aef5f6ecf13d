//! `leasehold exhaust`: the whole program.

use serde_json::Value;
use std::process::{Command, Output};

fn exhaust(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.arg("exhaust").args(arguments).output().expect("the program runs")
}

#[test]
fn every_graph_is_counted_and_agrees() {
    let output = exhaust(&["--nodes", "3", "--states", "root"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("752 graphs up to renaming, as many as there are, stand for all 4,096"), "{text}");
    assert!(text.ends_with("\nno findings\n"), "{text}");
}

#[test]
fn a_fault_ends_with_its_smallest_graph_and_the_same_bytes_for_any_number_of_jobs() {
    let fault = ["--nodes", "2", "--states", "holders", "--fault", "flat-follows-labels"];
    let text = String::from_utf8(exhaust(&fault).stdout).expect("text");
    // One blob, held flat, refers to the other, which must go: either may be called a.
    let shown = |holder: &str, held: &str, number: u8| {
        text.contains(&format!("\n    content put {holder} gc.ref.content.{number}=@{held}\n"))
            && text.contains(&format!("\n    expect removed content/{held}\n"))
    };
    assert!(shown("a", "b", 1) || shown("b", "a", 0), "{text}");
    assert!(text.ends_with(
        "again: leasehold exhaust --nodes 2 --states holders --release 1.7.0-beta.1 --fault flat-follows-labels\n"
    ));
    let json = |jobs| {
        let output = exhaust(&[&fault[..], &["--json", "--jobs", jobs]].concat());
        assert_eq!(output.status.code(), Some(1));
        output.stdout
    };
    assert_eq!(json("1"), json("2"));
    let report: Value = serde_json::from_slice(&json("1")).expect("one JSON object");
    assert_eq!([&report["graphs"], &report["labelled"]], [&Value::from(210), &Value::from(400)]);
    assert_eq!(report["properties"]["reachability"]["checked"], 210);
    assert!(report["properties"]["reachability"]["failed"].as_u64() > Some(0));
}

/// The worst comes first, and content is called as in the scenario.
#[test]
fn findings_are_told_worst_first_in_the_words_of_their_scenarios() {
    let fault = ["--nodes", "3", "--states", "holders", "--fault", "flat-hides-full"];
    let text = String::from_utf8(exhaust(&fault).stdout).expect("text");
    let found = text.lines().filter_map(|line| line.split_once(": ")).map(|(property, _)| property);
    let found: Vec<&str> =
        found.filter(|name| ["safety", "tree", "dirty", "reachability"].contains(name)).collect();
    assert_eq!(found, ["safety", "tree", "reachability", "dirty"], "{text}");
    assert!(text.contains("\nsafety: content/a was removed, though something keeps it\n"), "{text}");
    assert!(text.contains("\n    # content/a was removed, though something keeps it\n"), "{text}");
    let json = String::from_utf8(exhaust(&[&fault[..], &["--json"]].concat()).stdout).expect("text");
    let report: Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!(report["smallest"][0]["text"], "content/a was removed, though something keeps it");
    assert!(!json.contains("\\\"a\\\""), "{json}");
}

#[test]
fn a_size_that_is_not_offered_is_refused() {
    for arguments in [&["--nodes", "0"][..], &["--nodes", "7"], &["--nodes", "2", "--states", "other"], &[]] {
        assert_eq!(exhaust(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
