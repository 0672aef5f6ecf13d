//! What came of recorded rows: those that failed by what differs, of each sort the first few; then by release.
//!
//! ```text
//! release  rows  failed  differs in
//! 1.7      1165       0
//! 2.1      1165      12  engine marked 10, engine removed 2
//! ```

use super::{Interrupted, Show};
use crate::release::Release;
use crate::text;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many rows of a sort are shown.
const SHOWN_MAX: usize = 3;

/// Rows to be shown.
#[derive(Default)]
pub struct Report {
    /// How many passed.
    pub passed: u64,
    /// Those that failed, by what differs.
    pub failed: BTreeMap<String, Group>,
    /// What differs in each that failed, in their order.
    pub failures: Vec<String>,
    /// By release; none is that of a row that does not say it.
    pub releases: BTreeMap<Option<Release>, Counts>,
    /// How many lines cannot be read.
    pub unreadable: u64,
    /// Why, of the first few.
    pub unreadable_first: Vec<String>,
    /// How often each field was compared with another collector's; none of our own.
    pub compared: Option<BTreeMap<&'static str, u64>>,
    /// What is said of the other collector.
    pub asked: Option<String>,
    /// The command that shows one row alone, up to its name.
    pub again: String,
    /// How far it came, if it was interrupted.
    pub interrupted: Option<Interrupted>,
}

/// Rows of one release.
#[derive(Default)]
pub struct Counts {
    /// How many.
    pub rows: u64,
    /// How many of them failed, by the field that differs, and whose it is.
    pub failed: BTreeMap<String, u64>,
}

/// Rows that failed alike.
#[derive(Default)]
pub struct Group {
    /// How many.
    pub rows: u64,
    /// The first few.
    pub first: Vec<Row>,
}

/// A row that failed.
pub struct Row {
    /// Its name; none where it cannot be read.
    pub name: Option<String>,
    /// What differs, for people.
    pub text: String,
}

impl Report {
    /// Takes note of a row that passed.
    pub fn add_passed(&mut self, release: Release) {
        self.passed += 1;
        self.releases.entry(Some(release)).or_default().rows += 1;
    }

    /// Takes note of a row that failed: what differs, in words and by its field.
    pub fn add_failed(&mut self, release: Option<Release>, differs: String, field: String, row: Row) {
        let counts = self.releases.entry(release).or_default();
        counts.rows += 1;
        *counts.failed.entry(field).or_default() += 1;
        self.failures.push(row.text.clone());
        let group = self.failed.entry(differs).or_default();
        group.rows += 1;
        if group.first.len() < SHOWN_MAX {
            group.first.push(row);
        }
    }

    /// How many failed.
    pub fn failed_count(&self) -> u64 {
        self.failed.values().map(|group| group.rows).sum()
    }

    /// The rows of each release, and in what they differ.
    fn write_releases(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = vec![["release", "rows", "failed", "differs in"].map(str::to_owned)];
        table.extend(self.releases.iter().map(|(release, counts)| {
            let failed: u64 = counts.failed.values().sum();
            let mut fields: Vec<(&String, &u64)> = counts.failed.iter().collect();
            fields.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
            let fields = fields.into_iter().map(|(field, rows)| format!("{field} {}", text::count(*rows)));
            [
                release.map_or("unknown", Release::name).to_owned(),
                text::count(counts.rows),
                text::count(failed),
                fields.collect::<Vec<_>>().join(", "),
            ]
        }));
        if table.len() > 1 {
            text::write_columns(out, &table, &[false, true, true, false])?;
        }
        Ok(())
    }

    /// How one row alone is judged again; a row whose name cannot be read has no command.
    fn hint(&self) -> Option<String> {
        let mut rows = self.failed.values().flat_map(|group| &group.first).peekable();
        rows.peek()?;
        Some(match rows.any(|row| row.name.is_some()) {
            true => format!("one of them alone: {}", self.again),
            false => {
                "none of them is read as far as its name: put such a line alone into a file to judge it alone"
                    .to_owned()
            }
        })
    }

    /// The groups, the largest first.
    fn groups(&self) -> Vec<(&String, &Group)> {
        let mut groups: Vec<(&String, &Group)> = self.failed.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.rows));
        groups
    }
}

impl Show for Report {
    /// One object.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let groups = self.groups().into_iter().map(|(differs, group)| {
            let first = group.first.iter().map(|row| json!({"name": row.name, "text": row.text}));
            json!({"differs": differs, "rows": group.rows, "first": first.collect::<Vec<_>>()})
        });
        let releases = self.releases.iter().map(|(release, counts)| {
            let failed: u64 = counts.failed.values().sum();
            let release = release.map(|release| release.name());
            json!({"release": release, "rows": counts.rows, "failed": failed, "differs": counts.failed})
        });
        let mut report = json!({
            "passed": self.passed,
            "failed": self.failed_count(),
            "releases": releases.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "failures": self.failures,
            "unreadable": self.unreadable,
            "unreadable_first": self.unreadable_first,
            "asked": self.asked,
        });
        if let Some(compared) = &self.compared {
            report["compared"] = json!(compared);
        }
        Interrupted::add_to(self.interrupted, &mut report);
        writeln!(out, "{report}")
    }

    /// The report for people.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (differs, group) in self.groups() {
            for row in &group.first {
                writeln!(out, "FAILED {}", row.text)?;
            }
            let more = group.rows - group.first.len() as u64;
            if more > 0 {
                writeln!(out, "and {}: {differs}", text::counted(more, "more row"))?;
            }
        }
        if self.failed.len() > 1 || self.failed_count() > SHOWN_MAX as u64 {
            writeln!(out, "\n{} failed:", text::counted(self.failed_count(), "row"))?;
            for (differs, group) in self.groups() {
                writeln!(out, "  {:>7}  {differs}", text::count(group.rows))?;
            }
        }
        if let Some(hint) = self.hint() {
            writeln!(out, "{hint}\n")?;
        }
        self.write_releases(out)?;
        if let Some(asked) = &self.asked {
            writeln!(out, "{asked}")?;
        }
        Interrupted::write(self.interrupted, out)?;
        writeln!(out, "{} passed, {} failed", text::count(self.passed), text::count(self.failed_count()))
    }
}
