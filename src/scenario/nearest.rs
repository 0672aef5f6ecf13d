//! The word that was probably meant.

/// The word nearest to what was written, if it is near enough that a person may have meant it.
pub(super) fn nearest<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong; a long word is no slip of one of ours.
    const LETTERS_MAX: usize = 40;
    let letters = written.chars().count();
    if letters > LETTERS_MAX {
        return None;
    }
    let near = words.into_iter().map(|word| (distance(written, word), word));
    let (edits, word) = near.min_by_key(|(edits, _)| *edits)?;
    (edits <= (letters.max(word.len()) / 3).max(1) && edits < letters).then_some(word)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut this = vec![row];
        for column in 1..=to.len() {
            let replaced = last[column - 1] + usize::from(from[row - 1] != to[column - 1]);
            let mut least = replaced.min(last[column] + 1).min(this[column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if swapped {
                least = least.min(before_last[column - 2] + 1);
            }
            this.push(least);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["lease", "content", "gc", "raw"];
        assert_eq!(nearest("lese", words), Some("lease"));
        assert_eq!(nearest("laese", words), Some("lease"));
        assert_eq!(nearest("contnet", words), Some("content"));
        assert_eq!(nearest("cg", words), Some("gc"));
        assert_eq!(nearest("zzz", words), None);
        assert_eq!(nearest("x", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest(&"lease".repeat(1000), words), None);
        assert_eq!(distance("abcdef", "azced"), 3);
    }
}
