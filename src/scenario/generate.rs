//! Scenarios out of bytes, for tests of the language and for its fuzz target.
//!
//! Every step and every option can come, with any bytes in names and a liking for those that the text form finds
//! hard: keywords, separators, quotes, everyday names of content. The scenarios can be written; that a daemon would
//! take a step of theirs is not meant.

use super::data::Name;
use super::line::{Line, Outcome, Refused, Scenario, Text};
use super::step::{Step, rows};
use super::table::Row;
use crate::release::Release;
use arbitrary::{Arbitrary, Result, Unstructured};

/// A scenario for which `parse(print(scenario)) == scenario` must hold.
///
/// # Errors
/// As `arbitrary`'s: never for want of bytes, which count as zeros.
pub fn generate(u: &mut Unstructured<'_>) -> Result<Scenario> {
    let rows: Vec<&Row<Step>> = rows().collect();
    let release = *u.choose(&Release::ALL)?;
    let mut scenario = Scenario { head: texts(u)?, release, ..Scenario::default() };
    let mut clients: Vec<Name> = Vec::new();
    for _ in 0..u.int_in_range(0..=12)? {
        let mut line = Line::new((u.choose(&rows)?.draw)(u)?);
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
        if let Step::Expect(_) = &line.step {
            line.outcome = Outcome::Accepted;
        }
        line.comment = texts(u)?;
        line.blank_before = u.arbitrary()?;
        if line.step.prints() && u.arbitrary()? {
            line.expected = Some(texts(u)?);
        }
        scenario.lines.push(line);
    }
    scenario.tail = texts(u)?;
    Ok(scenario)
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
