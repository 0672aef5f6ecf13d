//! How results are shown: text for people, JSON for machines. Reports decide nothing, and no other room but the
//! commands knows them.

pub mod child;
pub mod collect;
pub mod conformance;
pub mod copies;
pub mod digest;
mod end;
pub mod exhaust;
pub mod explain;
pub mod explore;
pub mod finding;
pub mod grade;
pub mod graph;
pub mod lint;
#[cfg(feature = "live")]
pub mod live;
mod node;
pub mod releases;
pub mod saying;
pub mod shell;
pub mod simulate;
pub mod step;

use crate::text;
use serde_json::{Value, json};
use std::io::{self, Write};

/// A result that can be shown.
pub trait Show {
    /// One JSON object.
    ///
    /// # Errors
    /// The writer's.
    fn write_json(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The report for people.
    ///
    /// # Errors
    /// The writer's.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;

    /// Either of both.
    ///
    /// # Errors
    /// The writer's.
    fn write(&self, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
        if as_json { self.write_json(out) } else { self.write_text(out) }
    }
}

/// How far a campaign came that was to end early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted {
    /// So many are in the report: the first ones.
    pub done: u64,
    /// So many there were to be; none where a time was to end it.
    pub of: Option<u64>,
    /// What is counted: one of them.
    pub unit: &'static str,
}

impl Interrupted {
    /// Adds it to a report's object, which has no such field where the campaign came to its end.
    pub fn add_to(interrupted: Option<Interrupted>, report: &mut Value) {
        if let Some(Interrupted { done, of, .. }) = interrupted {
            report["interrupted"] = json!({"done": done, "of": of});
        }
    }

    /// Says so in a line of its own.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(interrupted: Option<Interrupted>, out: &mut dyn Write) -> io::Result<()> {
        let Some(Interrupted { done, of, unit }) = interrupted else { return Ok(()) };
        match of {
            Some(of) => {
                writeln!(out, "interrupted after {} of {}", text::count(done), text::counted(of, unit))
            }
            None => writeln!(out, "interrupted after {}", text::counted(done, unit)),
        }
    }
}
