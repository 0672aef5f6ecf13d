//! From a scenario to text, in the one form that every scenario has.
//!
//! `parse(print(scenario)) == scenario` for every scenario that keeps the limits, with any bytes in names. Names are
//! printed bare where that reads back as the same bytes, else in quotes; content by its everyday name if it
//! has one; labels of the collector with `gc.` for `containerd.io/gc.`.
//!
//! What breaks a limit, a clock outside the years 0000 to 9999 for one, is printed all the same: parsing the
//! text then says what is wrong with it.

use super::line::{Guard, Line, Outcome, Scenario, Text};
use super::quote::{Printed, bare_or_quoted};
use super::step::Step;

/// The canonical text.
pub fn print(scenario: &Scenario) -> String {
    let mut text = String::new();
    comment(&mut text, &scenario.head);
    text.push_str("release ");
    text.push_str(scenario.release.name());
    text.push('\n');
    let mut ends_block = false;
    for line in &scenario.lines {
        if line.blank_before || ends_block {
            text.push('\n');
        }
        text.push_str(&print_line(line));
        ends_block = line.expected.is_some();
    }
    if !scenario.tail.is_empty() {
        text.push('\n');
        comment(&mut text, &scenario.tail);
    }
    text
}

/// A line with its comment above and its expected output below, each line ended by a line break.
pub fn print_line(line: &Line) -> String {
    let mut text = String::new();
    comment(&mut text, &line.comment);
    if let Some(times) = line.may {
        text.push_str("may ");
        if times.get() > 1 {
            text.push_str(&format!("{times} "));
        }
    }
    if let Some(client) = &line.client {
        text.push_str(&bare_or_quoted(client, |byte| byte != b':'));
        text.push_str(": ");
    }
    if let Some(Guard { word, is_set }) = &line.guard {
        text.push_str(if *is_set { "if " } else { "unless " });
        text.push_str(&bare_or_quoted(word, |_| true));
        text.push(' ');
    }
    match line.outcome {
        Outcome::Accepted => {}
        Outcome::Refused(refused) => {
            text.push_str("! ");
            text.push_str(refused.name());
            text.push(' ');
        }
        Outcome::Any => text.push_str("? "),
    }
    text.push_str(&print_step(&line.step));
    if let Some(word) = &line.remembers {
        text.push_str(" as ");
        text.push_str(&bare_or_quoted(word, |_| true));
    }
    text.push('\n');
    if let Some(expected) = &line.expected {
        output(&mut text, expected);
    }
    text
}

/// A step alone, without a line break.
pub fn print_step(step: &Step) -> String {
    let mut printed = Printed::default();
    step.write(&mut printed);
    printed.into_line()
}

fn comment(text: &mut String, lines: &[Text]) {
    for line in lines {
        text.push('#');
        if !line.as_str().is_empty() {
            text.push(' ');
            text.push_str(line.as_str());
        }
        text.push('\n');
    }
}

/// Every line is marked with `>` where an empty line would end the block or the first would look marked.
fn output(text: &mut String, lines: &[Text]) {
    let marked = lines.iter().any(|line| line.as_str().is_empty())
        || lines.first().is_some_and(|line| line.as_str().starts_with('>'));
    text.push_str("---\n");
    for line in lines {
        let line = line.as_str();
        text.push_str(if !marked {
            ""
        } else if line.is_empty() {
            ">"
        } else {
            "> "
        });
        text.push_str(line);
        text.push('\n');
    }
}
