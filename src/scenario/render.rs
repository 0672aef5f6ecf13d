//! Flaws drawn for a terminal, as rustc draws its errors.
//!
//! ```text
//! error: unknown step `lese`
//!   --> pull.scenario:4:1
//!    |
//!  4 | lese create pull
//!    | ^^^^
//!    |
//!    = help: did you mean `lease`?
//! ```
//!
//! Of a long line only the part around the flaw is drawn; the column above is the true one.

use super::flaw::{Flaw, Flaws};
use crate::text;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// How many characters of a flaw, and behind where it begins, are looked at.
const CHARACTERS_MAX: usize = 100;

/// Draws every flaw with the line that it is in.
///
/// `written` is what was parsed, `file` its name as it is shown. `styled` adds colours.
pub fn render(flaws: &Flaws, file: &str, written: &[u8], styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut drawn: Vec<String> = Vec::new();
    let mut lines = written.split(|byte| *byte == b'\n').enumerate();
    let mut here: (usize, &[u8]) = (0, b"");
    for flaw in &flaws.list {
        // Flaws stand in the order of their lines.
        while here.0 < flaw.line {
            match lines.next() {
                Some((index, line)) => here = (index + 1, line),
                None => break,
            }
        }
        drawn.push(renderer.render(&[group(flaw, file, here.1)]));
    }
    if flaws.cut {
        drawn.push(renderer.render(&[Group::with_title(Level::NOTE.primary_title(Flaws::CUT))]));
    }
    drawn.join("\n\n")
}

fn group<'a>(flaw: &Flaw, file: &'a str, line: &[u8]) -> Group<'a> {
    let (source, span) = pointed(flaw, line);
    let snippet = Snippet::source(source)
        .path(file)
        .line_start(flaw.line)
        .annotation(AnnotationKind::Primary.span(span));
    let group = Level::ERROR.primary_title(text::line(&flaw.message)).element(snippet);
    match &flaw.hint {
        Some(hint) => group.element(Level::HELP.message(text::line(hint))),
        None => group,
    }
}

/// The line as it is drawn, and the flaw's range of bytes in it.
fn pointed(flaw: &Flaw, line: &[u8]) -> (String, Range<usize>) {
    // A character has at most four bytes; what lies far behind the flaw need not be looked at.
    let bytes_max = 4 * (flaw.column + CHARACTERS_MAX);
    let line = String::from_utf8_lossy(&line[..line.len().min(bytes_max)]);
    let mut source = String::with_capacity(line.len() + 1);
    let (mut from, mut to) = (None, None);
    for (index, letter) in line.trim_end_matches('\r').chars().take(flaw.column + CHARACTERS_MAX).enumerate()
    {
        if index + 1 == flaw.column {
            from = Some(source.len());
        }
        // A tab, or a character that is not seen, must not move the caret.
        source.push(match letter {
            '\t' => ' ',
            _ if text::is_shown(letter) => letter,
            _ => '\u{fffd}',
        });
        if index + 2 == flaw.column + flaw.width.min(CHARACTERS_MAX) {
            to = Some(source.len());
        }
    }
    // At the end of the line there is nothing to point at but the place behind it.
    let from = from.unwrap_or(source.len());
    let to = to.unwrap_or(source.len()).max(from);
    (source, from..to)
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn drawn(text: &[u8]) -> String {
        render(&parse(text).unwrap_err(), "a.scenario", text, false)
    }

    #[test]
    fn a_flaw_is_drawn_with_its_line_and_a_hint() {
        let expected = "\
error: unknown step `lese`
 --> a.scenario:2:1
  |
2 | lese create pull
  | ^^^^
  |
  = help: did you mean `lease`?";
        assert_eq!(drawn(b"gc\nlese create pull\n"), expected);
    }

    #[test]
    fn every_flaw_is_drawn_and_the_end_of_a_line_can_be_pointed_at() {
        let expected = "\
error: ID is missing
 --> a.scenario:1:13
  |
1 | lease create
  |             ^
  |
  = help: the form is: lease create ID [expire=E] [flat] [LABEL=VALUE...]

error: a quote that is never closed
 --> a.scenario:3:11
  |
3 | lease use \"x
  |           ^^";
        let flawed = drawn(b"lease create\ngc\nlease use \"x\n");
        assert_eq!(flawed, expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_flaw_is_drawn() {
        let text = format!("lease add pull {} \"", "content/a ".repeat(50_000));
        let drawn = drawn(text.as_bytes());
        assert!(drawn.len() < 400, "{drawn}");
        assert!(drawn.contains("a.scenario:1:500017"), "{drawn}");
        assert!(drawn.contains(".../a content/a"), "{drawn}");
    }

    #[test]
    fn bytes_that_are_no_text_are_drawn_as_replacements() {
        let drawn = drawn(b"\tlease use caf\xc3\xa9 \xff");
        assert!(drawn.contains("0xff is not UTF-8") && drawn.contains("a.scenario:1:17"), "{drawn}");
        assert!(drawn.contains("lease use caf\u{e9} \u{fffd}"), "{drawn}");
    }
}
