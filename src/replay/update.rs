//! Writing what was printed into a scenario's text.
//!
//! Only the lines between a `---` and the next empty line change; comments, layout and steps stay byte by byte as
//! they are. What is no output is never taken for it. A step without a `---` below it expects nothing, and gets no block: who wants one writes the `---`.

use super::gc;
use crate::scenario::Text;
use crate::text;

/// What is said of a block that holds what no `gc` or `cleanup` prints: a step, a comment, a slip of either. Only an empty
/// line ends a block, so that it is swallowed and not run.
pub fn no_output(expected: &[Text]) -> Option<String> {
    let odd = expected.iter().map(Text::as_str).find(|line| !gc::is_output(line))?;
    Some(format!("holds `{}`, which no `gc` prints: a step needs an empty line before it", text::line(odd)))
}

/// The text with its blocks of expected output replaced: by the line of the step above, in ascending order.
pub fn updated(text: &[u8], printed: &[(usize, Vec<Text>)]) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut updated = Vec::with_capacity(text.len());
    let mut at = 0;
    for (step, printed) in printed {
        let Some(opening) = lines.iter().skip(*step).position(|line| content(line) == "---") else {
            continue;
        };
        let opening = step + opening;
        let ending: &[u8] = if lines[opening].ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        lines[at..opening].iter().for_each(|line| updated.extend_from_slice(line));
        updated.extend_from_slice(lines[opening].trim_ascii_end());
        for line in printed {
            updated.extend_from_slice(ending);
            updated.extend_from_slice(line.as_str().as_bytes());
        }
        updated.extend_from_slice(ending);
        let block = lines[opening + 1..].iter().take_while(|line| !content(line).is_empty());
        at = opening + 1 + block.count();
    }
    lines[at.min(lines.len())..].iter().for_each(|line| updated.extend_from_slice(line));
    updated
}

/// A line as the parser looks at it.
fn content(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim().to_owned()
}
