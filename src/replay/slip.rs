//! Slips of people who write names.

use crate::named::nearest;

/// Whether one name may be a slip of the other. Names that differ in their numbers are of a row.
pub(super) fn is_slip(name: &str, other: &str) -> bool {
    const LETTERS_MIN: usize = 4;
    let letters = |name: &str| name.replace(|letter: char| letter.is_ascii_digit(), "");
    let is_long = name.len().min(other.len()) >= LETTERS_MIN;
    is_long && letters(name) != letters(other) && nearest(name, [other]).is_some()
}
