//! A case made small while it still breaks the same property in the same way.

use super::run::{Broken, Mode, Sort, Thorough, run_for};
use crate::properties::known::Known;
use crate::properties::panics::catching;
use crate::properties::property::{Property, When};
use crate::properties::steps::refused;
use crate::release::Release;
use crate::scenario::{Line, Outcome};
use crate::shrink::{Shrunk, shrink};
use crate::world::{Fault, World};

/// A small case: its steps, the last one that which breaks the property, and what it breaks. What is refused is
/// marked so (`?`).
pub type Small = Shrunk<Vec<Line>, Broken>;

/// The case with everything left out that does not matter to a sort of finding, which it must show.
pub fn small(lines: Vec<Line>, release: Release, known: Known, sort: Sort, fault: Option<Fault>) -> Small {
    let thorough = match sort.property.when() {
        // Whatever is checked may panic.
        _ if sort.property == Property::Panic => Thorough::Always,
        When::Step | When::Promised | When::CleanUp | When::Each => Thorough::Never,
        When::SampledStep | When::Thorough => Thorough::Always,
    };
    let mode = Mode { release, known, thorough };
    let small = shrink(lines, u64::MAX, |mut lines| {
        let broken = run_for(&lines, mode, sort, fault)?;
        // Nothing behind that matters.
        lines.truncate(broken.line + 1);
        Some((lines, broken))
    });
    let small = small.expect("the case shows what it is shrunk for");
    Small { case: marked(small.case, release, fault), ..small }
}

/// The lines with what is refused marked as such: by the daemon that may have a fault, or by one without, since both must
/// come as far as the last line. What becomes of that is said exactly, of the one without.
pub fn marked(mut lines: Vec<Line>, release: Release, fault: Option<Fault>) -> Vec<Line> {
    let (mut faulty, mut honest) = (World::new(release), World::new(release));
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter_mut().enumerate() {
        let is_refused = catching(|| faulty.apply_with(line, fault).refused.is_some()).unwrap_or(false);
        let error = catching(|| honest.apply(line).refused).unwrap_or(None);
        line.outcome = match error {
            Some(error) if at == last && !line.step.prints() => Outcome::Refused(refused(error.kind)),
            None if at == last || !is_refused => Outcome::Accepted,
            _ => Outcome::Any,
        };
    }
    lines
}
