//! What a command says beside its report: on standard error as it comes, and in a report of JSON as `warnings`.

use super::terminal;
use std::fmt::Display;

/// What was said so far.
#[derive(Default)]
pub(super) struct Notes {
    /// Each without the program's name.
    pub(super) said: Vec<String>,
}

impl Notes {
    /// Says something, and keeps it for the report.
    pub(super) fn say(&mut self, message: impl Display) {
        let message = message.to_string();
        terminal::say(&message);
        self.said.push(message);
    }
}
