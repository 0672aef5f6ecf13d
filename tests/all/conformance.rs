//! The recorded results of the real containerd, as the project ships them.

use leasehold::conformance::alter::alter;
use leasehold::conformance::run::{Party, run};
use leasehold::conformance::{Row, archive};
use leasehold::engine::{Fault, NoFault};
use leasehold::release::Release;
use rayon::prelude::*;
use std::path::Path;

fn rows(release: Release) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/recorded/containerd.jsonl.gz");
    let bytes = std::fs::read(path).expect("the repository has the archive");
    archive::rows(&bytes, release).expect("the archive is whole")
}

#[test]
fn every_recorded_row_of_every_release_passes_in_engine_and_oracle() {
    for release in Release::ALL {
        let rows = rows(release);
        assert_eq!(rows.len(), 1165);
        rows.par_iter().for_each(|row| {
            assert_eq!(run(row, release, NoFault), Ok(()), "{release} {}", row.name);
        });
    }
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
        assert!(run(&altered.row, release, NoFault).is_err(), "{} with another {}", row.name, altered.field);
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
        let failed = rows.iter().filter_map(|row| run(row, release, fault).err());
        let failed: Vec<_> = failed.collect();
        assert!(!failed.is_empty(), "no row fails with {fault}");
        assert!(failed.iter().all(|(party, _)| *party == Party::Engine));
    }
}
