//! What came of recorded rows: those that failed by what differs, of each sort the first few.

use super::{Interrupted, Show};
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
    /// Takes note of a row that failed.
    pub fn add(&mut self, differs: String, row: Row) {
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
        let mut report = json!({
            "passed": self.passed,
            "failed": self.failed_count(),
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
        if !self.failed.is_empty() {
            writeln!(out, "one of them alone: {}\n", self.again)?;
        }
        if let Some(asked) = &self.asked {
            writeln!(out, "{asked}")?;
        }
        Interrupted::write(self.interrupted, out)?;
        writeln!(out, "{} passed, {} failed", self.passed, self.failed_count())
    }
}
