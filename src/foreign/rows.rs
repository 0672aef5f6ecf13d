//! Generated cases as rows.

use crate::conformance::Row;
use crate::conformance::row::UnorderedField;
use crate::release::Release;
use crate::schema::time;
use crate::simulate::seed::Seed;
use crate::simulate::trees::{Case, draw};
use std::io::{self, Write};
use std::ops::Range;

/// A case as a row without results.
pub fn row(name: String, case: &Case, release: Release) -> Row {
    let unordered = case.collectors.len() > 1;
    Row {
        name,
        version: Some(format!("containerd {release}")),
        note: None,
        now: case.now,
        now_text: time::format_rfc3339_nano(case.now),
        collectors: case.collectors.clone(),
        db: case.tree.clone(),
        unordered,
        unordered_fields: if unordered { vec![UnorderedField::Refs] } else { Vec::new() },
        runs: None,
        expected: Vec::new(),
    }
}

/// Writes the cases of a seed, one row a line; `done` hears of each.
///
/// # Errors
/// The writer's.
pub fn write_rows(
    seed: &Seed,
    cases: Range<u64>,
    release: Release,
    out: &mut dyn Write,
    done: impl Fn(u64),
) -> io::Result<()> {
    for number in cases {
        let row = row(case_name(seed, number), &draw(seed, number), release);
        writeln!(out, "{}", row.to_json())?;
        done(1);
    }
    Ok(())
}

/// What a case is called.
pub(super) fn case_name(seed: &Seed, number: u64) -> String {
    format!("{}/{number}", seed.text())
}
