//! What a command says beside its report: on standard error as it comes, and in a report of JSON as `warnings`.

use super::terminal;
use std::fmt::Display;

/// What was said so far.
#[derive(Default)]
pub(super) struct Notes {
    /// Each without the program's name.
    pub(super) said: Vec<String>,
    /// What the database's file has lost, where its newer meta page is damaged.
    pub(super) lost: Option<String>,
    /// They wait for [`Notes::release`], as others are said before.
    is_held: bool,
}

impl Notes {
    /// Notes of work that is done beside other work.
    pub(super) fn held() -> Notes {
        Notes { is_held: true, ..Notes::default() }
    }

    /// Says something, and keeps it for the report.
    pub(super) fn say(&mut self, message: impl Display) {
        let message = message.to_string();
        if !self.is_held {
            terminal::say(&message);
        }
        self.said.push(message);
    }

    /// Says what was held back.
    pub(super) fn release(&self) {
        self.said.iter().filter(|_| self.is_held).for_each(terminal::say);
    }
}
