//! How results are shown: text for people, JSON for machines. Reports decide nothing, and no other room but the
//! commands knows them.

pub mod child;
pub mod collect;
pub mod exhaust;
pub mod finding;
pub mod grade;
pub mod releases;
pub mod shell;
pub mod simulate;
pub mod step;

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
