//! Scenarios out of bytes, for tests of the language and for its fuzz target.
//!
//! Every step and every option can come, with any bytes in names and a liking for those that the text form finds
//! hard: keywords, separators, quotes, everyday names of content. The scenarios can be written; that a daemon would
//! take a step of theirs is not meant.

use super::data::Name;
use super::limits::MAY_MAX;
use super::line::{Guard, Line, Outcome, Refused, Scenario, Text};
use super::step::{Step, rows};
use super::table::Row;
use crate::release::Release;
use arbitrary::{Arbitrary, Result, Unstructured};
use std::num::NonZeroU64;

/// A scenario for which `parse(print(scenario)) == scenario` must hold.
///
/// # Errors
/// As `arbitrary`'s: never for want of bytes, which count as zeros.
pub fn generate(u: &mut Unstructured<'_>) -> Result<Scenario> {
    let rows: Vec<&Row<Step>> = rows().collect();
    let release = *u.choose(&Release::ALL)?;
    let mut scenario = Scenario { head: texts(u)?, release, ..Scenario::default() };
    let mut clients: Vec<Name> = Vec::new();
    let mut block = Block::Before;
    for _ in 0..u.int_in_range(0..=12)? {
        let mut line = Line::new((u.choose(&rows)?.draw)(u)?);
        let inside = block == Block::Inside;
        match &line.step {
            Step::Together if block == Block::Before => block = Block::Inside,
            Step::End if inside => block = Block::Behind,
            Step::Together | Step::End => continue,
            Step::Always(_) if !inside => continue,
            Step::Client { .. } | Step::Now(_) if inside => continue,
            Step::Expect(assertion) if inside && assertion.is_of_last_collection() => continue,
            _ => {}
        }
        if let Step::Client { name, .. } = &line.step {
            if clients.contains(name) {
                continue;
            }
            clients.push(name.clone());
        } else if !clients.is_empty() && u.ratio(1, 3)? {
            line.client = Some(u.choose(&clients)?.clone());
        }
        line.outcome = match u.int_in_range(0..=5)? {
            0 => Outcome::Any,
            1 => Outcome::Refused(*u.choose(Refused::ALL)?),
            _ => Outcome::Accepted,
        };
        // What is expected is nobody's step, and never refused.
        let is_asserted = matches!(line.step, Step::Expect(_) | Step::Always(_));
        if is_asserted {
            line.outcome = Outcome::Accepted;
        }
        let is_around =
            matches!(line.step, Step::Together | Step::End | Step::Client { .. } | Step::Always(_));
        if !is_around && u.ratio(1, 8)? {
            line.guard = Some(Guard { word: word(u)?, is_set: u.arbitrary()? });
        }
        let looks = matches!(line.step, Step::Look(_));
        if looks || line.outcome == Outcome::Any && u.arbitrary()? {
            line.remembers = Some(word(u)?);
        }
        if block == Block::Inside && !is_around && !is_asserted && !looks && u.ratio(1, 4)? {
            line.may = NonZeroU64::new(u.int_in_range(1..=MAY_MAX)?);
        }
        line.comment = texts(u)?;
        line.blank_before = u.arbitrary()?;
        if line.step.prints() && u.arbitrary()? {
            line.expected = Some(texts(u)?);
        }
        scenario.lines.push(line);
    }
    if block == Block::Inside {
        scenario.lines.push(Line::new(Step::End));
    }
    scenario.tail = texts(u)?;
    Ok(scenario)
}

/// Where the lines stand with the one `together` block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Before,
    Inside,
    Behind,
}

/// What a client remembers by.
fn word(u: &mut Unstructured<'_>) -> Result<Name> {
    let some: [&[u8]; 6] = [b"there", b"ok", b"as", b"if", b"", b"a b"];
    Ok(u.choose(&some)?.to_vec())
}

/// Mostly none.
fn texts(u: &mut Unstructured<'_>) -> Result<Vec<Text>> {
    if !u.ratio(1, 4)? {
        return Ok(Vec::new());
    }
    let some =
        ["", "why\n\nthis", "> marked", ">", "# twice", " indented\ttext ", "---\nplain", "release 2.0", "é"];
    Ok(Text::lines(if u.arbitrary()? { u.choose(&some)? } else { <&str>::arbitrary(u)? }))
}
