//! Slips of people who write names.
//!
//! ```text
//! laeyr, where there is layer        a slip
//! layer2, where there is layer1      another of a row, as is layer-b beside layer-a
//! l2, where there is l               too short to tell
//! ```

use crate::named::nearest;

/// The name that was probably meant by one that nothing has: the nearest of those that are there. None if the name is
/// there itself, or may well be another one: a short name, or one of a row.
pub(super) fn meant<'n>(written: &str, there: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    const LETTERS_MIN: usize = 4;
    let there: Vec<&str> = there.into_iter().collect();
    if there.contains(&written) {
        return None;
    }
    let letters = |name: &str| name.chars().count();
    let may_be = |other: &&str| {
        letters(written).min(letters(other)) >= LETTERS_MIN
            && !are_of_a_row(written, other)
            && nearest(written, [*other]).is_some()
    };
    nearest(written, there.into_iter().filter(may_be))
}

/// Whether names differ in their numbers, or in their last letter alone.
fn are_of_a_row(name: &str, other: &str) -> bool {
    let unnumbered = |name: &str| name.replace(|letter: char| letter.is_ascii_digit(), "");
    let but_last = |name: &str| {
        let last = name.chars().next_back().filter(char::is_ascii_alphabetic);
        last.map(|last| name[..name.len() - last.len_utf8()].to_owned())
    };
    unnumbered(name) == unnumbered(other) || but_last(name).is_some() && but_last(name) == but_last(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_one_name_that_is_there_and_no_name_itself() {
        for (written, there, expected) in [
            ("laeyr", &["layer"][..], Some("layer")),
            ("laye", &["layer"], Some("layer")),
            ("layerr", &["layer"], Some("layer")),
            ("mian", &["base", "main"], Some("main")),
            ("overlayf", &["native", "overlayfs"], Some("overlayfs")),
            ("manifset-1", &["manifest-2", "manifest-1"], Some("manifest-1")),
            // The name itself is there.
            ("layer", &["layer", "layers"], None),
            ("base", &["bases", "base"], None),
            // One or two letters, and three, say too little.
            ("a", &["b"], None),
            ("l1", &["ll"], None),
            ("ab", &["abc"], None),
            ("app", &["apps"], None),
            // A row.
            ("layer1", &["layer2"], None),
            ("layer", &["layer2"], None),
            ("layer10", &["layer2"], None),
            ("layer-a", &["layer-b"], None),
            ("layera", &["layerb"], None),
            ("web1-data", &["web2-data"], None),
            // Another name.
            ("config", &["layer"], None),
            ("upper", &[], None),
        ] {
            assert_eq!(meant(written, there.iter().copied()), expected, "{written} where there is {there:?}");
        }
    }
}
