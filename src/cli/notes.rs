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
    /// The transaction that the database read last is shown of.
    pub(super) transaction: Option<u64>,
    /// What waits for [`Notes::release`], as others are said before; none where nothing waits.
    held: Option<Vec<String>>,
}

impl Notes {
    /// Notes of work that is done beside other work.
    pub(super) fn held() -> Notes {
        Notes { held: Some(Vec::new()), ..Notes::default() }
    }

    /// Says something, and keeps it for the report.
    pub(super) fn say(&mut self, message: impl Display) {
        self.tell(&message);
        self.said.push(message.to_string());
    }

    /// Says something that is not for the report.
    pub(super) fn tell(&mut self, message: impl Display) {
        match &mut self.held {
            None => terminal::say(message),
            Some(held) => held.push(message.to_string()),
        }
    }

    /// Keeps something for the report without saying it.
    pub(super) fn keep(&mut self, message: String) {
        self.said.push(message);
    }

    /// Says what was held back.
    pub(super) fn release(&self) {
        self.held.iter().flatten().for_each(terminal::say);
    }
}
