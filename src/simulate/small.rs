//! A case made small while it still breaks the same property in the same way.

use super::run::{Broken, Mode, Sort, Thorough, run_for};
use crate::engine::Fault;
use crate::oracle::Defects;
use crate::properties::property::When;
use crate::release::Release;
use crate::scenario::{Line, Outcome};
use crate::shrink::{Shrunk, shrink};
use crate::world::World;

/// A small case: its steps, the last one the collection that breaks the property, and what it breaks. What is refused is
/// marked so (`?`).
pub type Small = Shrunk<Vec<Line>, Broken>;

/// The case with everything left out that does not matter to a sort of finding, which it must show.
pub fn small(
    lines: Vec<Line>,
    release: Release,
    defects: Defects,
    sort: Sort,
    fault: Option<Fault>,
) -> Small {
    let thorough = match sort.property.when() {
        When::Each => Thorough::Never,
        When::Thorough => Thorough::Always,
    };
    let mode = Mode { release, defects, thorough };
    let small = shrink(lines, u64::MAX, |mut lines| {
        let broken = run_for(&lines, mode, sort, fault)?;
        // Nothing behind that matters.
        lines.truncate(broken.line + 1);
        Some((lines, broken))
    });
    let small = small.expect("the case shows what it is shrunk for");
    Small { case: marked(small.case, release, fault), ..small }
}

/// The lines with what is refused marked as such.
pub fn marked(mut lines: Vec<Line>, release: Release, fault: Option<Fault>) -> Vec<Line> {
    let mut world = World::new(release);
    for line in &mut lines {
        let applied = world.apply_with(line, fault);
        line.outcome = if applied.refused.is_some() { Outcome::Any } else { Outcome::Accepted };
    }
    lines
}
