//! The difference between two texts, line by line.

use crate::text;

/// Tables larger than this are not searched for a shortest difference.
const CELLS_MAX: usize = 1_000_000;
/// How many lines of a difference are shown.
const LINES_MAX: usize = 60;

/// The lines of both texts: `- ` what is expected and missing, `+ ` what is there instead, two blanks what agrees.
/// Of a long difference the beginning.
pub(super) fn lines(expected: &[&str], actual: &[&str]) -> String {
    let mut lines = difference(expected, actual);
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let mut shown: String =
        lines.iter().map(|(mark, line)| format!("{mark} {}\n", text::line(line))).collect();
    if more > 0 {
        let more = text::counted(more as u64, "more line");
        shown.push_str(&format!("  ... and {more}: --update writes all that is printed into the file\n"));
    }
    shown
}

fn difference<'a>(expected: &[&'a str], actual: &[&'a str]) -> Vec<(char, &'a str)> {
    let same = |(left, right): &(&&str, &&str)| left == right;
    let before = expected.iter().zip(actual).take_while(same).count();
    let (old, new) = (&expected[before..], &actual[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    let mut lines: Vec<(char, &str)> = expected[..before].iter().map(|line| (' ', *line)).collect();
    if old.len().saturating_mul(new.len()) <= CELLS_MAX {
        shortest(old, new, &mut lines);
    } else {
        lines.extend(old.iter().map(|line| ('-', *line)));
        lines.extend(new.iter().map(|line| ('+', *line)));
    }
    lines.extend(expected[expected.len() - after..].iter().map(|line| (' ', *line)));
    lines
}

/// By the length of the longest common subsequence of every pair of ends.
fn shortest<'a>(old: &[&'a str], new: &[&'a str], lines: &mut Vec<(char, &'a str)>) {
    let width = new.len() + 1;
    let mut common = vec![0u32; (old.len() + 1) * width];
    for left in (0..old.len()).rev() {
        for right in (0..new.len()).rev() {
            common[left * width + right] = match old[left] == new[right] {
                true => common[(left + 1) * width + right + 1] + 1,
                false => common[(left + 1) * width + right].max(common[left * width + right + 1]),
            };
        }
    }
    let (mut left, mut right) = (0, 0);
    while left < old.len() && right < new.len() {
        if old[left] == new[right] {
            lines.push((' ', old[left]));
            (left, right) = (left + 1, right + 1);
        } else if common[(left + 1) * width + right] >= common[left * width + right + 1] {
            lines.push(('-', old[left]));
            left += 1;
        } else {
            lines.push(('+', new[right]));
            right += 1;
        }
    }
    lines.extend(old[left..].iter().map(|line| ('-', *line)));
    lines.extend(new[right..].iter().map(|line| ('+', *line)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_short_and_complete() {
        let text = lines(&["a", "b", "c", "d"], &["a", "x", "c", "d", "e"]);
        assert_eq!(text, "  a\n- b\n+ x\n  c\n  d\n+ e\n");
        assert_eq!(lines(&[], &["a"]), "+ a\n");
        assert_eq!(lines(&["a"], &[]), "- a\n");
        assert_eq!(lines(&["a", "a"], &["a"]), "  a\n- a\n");
    }

    #[test]
    fn a_long_difference_is_cut() {
        let (old, new) = (vec!["a"; 2000], vec!["b"; 2000]);
        let text = lines(&old, &new);
        assert_eq!(text.lines().count(), LINES_MAX + 1);
        assert!(
            text.ends_with("and 3,940 more lines: --update writes all that is printed into the file\n"),
            "{text}"
        );
    }
}
