//! The recorded results of the real containerd, as the project ships them.

mod alter;

use self::alter::alter;
use leasehold::conformance::run::{Party, run};
use leasehold::conformance::{Row, read};
use leasehold::engine::Fault;
use leasehold::go::Go;
use leasehold::release::Release;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every row that the project ships, with its release, in no order.
fn recorded() -> impl ParallelIterator<Item = (Release, Row)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/recorded/containerd.jsonl.zst");
    let lines = read(&[path], None).expect("the repository has the file");
    lines.par_bridge().map(|line| {
        let row = line.expect("the file is whole").row().expect("a row");
        row.expect("something was recorded")
    })
}

/// The rows of a release by their names.
fn rows(release: Release) -> Vec<Row> {
    let mut rows: Vec<Row> = recorded().filter(|(of, _)| *of == release).map(|(_, row)| row).collect();
    rows.sort_by(|left, right| left.name.cmp(&right.name));
    rows
}

#[test]
fn every_recorded_row_of_every_release_passes_in_engine_and_oracle() {
    let judged = recorded().map(|(release, row)| {
        assert_eq!(run(&row, release, Go::default(), None), Ok(()), "{release} {}", row.name);
        let failed_rows =
            usize::from(row.expected.iter().any(|result| matches!(result.error, Some(Some(_)))));
        (release, row.name, row.runs.is_some(), failed_rows)
    });
    let judged: Vec<_> = judged.collect();
    let mut names_of: BTreeMap<Release, BTreeSet<&str>> = BTreeMap::new();
    for (release, name, ..) in &judged {
        assert!(names_of.entry(*release).or_default().insert(name), "{release} {name} is there twice");
    }
    assert_eq!(names_of.keys().copied().collect::<Vec<_>>(), Release::ALL);
    assert!(names_of.values().all(|names| names.len() == 1165 && *names == names_of[&Release::V1_7Beta]));
    // Something of everything is among them.
    let outcomes = judged.iter().filter(|(_, _, is_outcomes, _)| *is_outcomes).count();
    let failed_rows: usize = judged.iter().map(|(.., failed)| failed).sum();
    assert_eq!((outcomes, failed_rows), (44, 207));
}

#[test]
fn a_recorded_row_survives_its_own_json() {
    recorded().for_each(|(release, row)| {
        let again = Row::parse(&row.to_json(), |name| panic!("`{name}` has its own tree"));
        assert!(again.as_ref() == Ok(&row), "{release} {}", row.name);
    });
}

/// A comparison that overlooks a field would let its altered row pass.
#[test]
fn of_a_hundred_rows_altered_in_one_field_each_all_hundred_fail() {
    let release = Release::default();
    let rows = rows(release);
    // Spread over all families, outcomes rows included.
    let altered: Vec<_> = (0..100).map(|number| (number, &rows[number * rows.len() / 100])).collect();
    let mut fields = Vec::new();
    for (number, row) in altered {
        let altered = alter(row, number as u64).expect("every row has a field to alter");
        assert!(
            run(&altered.row, release, Go::default(), None).is_err(),
            "{} with another {}",
            row.name,
            altered.field
        );
        fields.push(altered.field);
    }
    fields.sort_unstable();
    fields.dedup();
    assert!(fields.len() >= 8, "only {fields:?} were altered");
}

#[test]
fn an_engine_with_a_fault_fails_rows_while_the_oracle_passes() {
    let release = Release::default();
    let rows = rows(release);
    for fault in [Fault::ExpiryInclusive, Fault::FlatFollowsLabels, Fault::SeparatorUnchecked] {
        let failed = rows.iter().filter_map(|row| run(row, release, Go::default(), Some(fault)).err());
        let failed: Vec<_> = failed.collect();
        assert!(!failed.is_empty(), "no row fails with {fault}");
        assert!(failed.iter().all(|broken| broken.party == Party::Engine));
    }
}
