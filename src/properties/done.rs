//! A step that was done, as the properties of steps see it.

use crate::scenario::Line;
use crate::world::{Applied, World};

/// A step that was done.
#[derive(Clone, Copy)]
pub struct Done<'a> {
    /// The world before.
    pub before: &'a World,
    /// The step.
    pub line: &'a Line,
    /// The world after.
    pub after: &'a World,
    /// What came of it.
    pub applied: &'a Applied,
}
