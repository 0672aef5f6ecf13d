//! Words and numbers as people read them.

use crate::instant::Instant;
use crate::node::{NodeRef, ResourceType};
use crate::release::Release;
use std::io::{self, Write};
use std::path::Path;

/// A type in containerd's words: `content`, flat ones `content-flat`, unknown ones `type-30`.
pub fn kind_name(release: Release, resource_type: ResourceType) -> String {
    let flat = if release.is_flat(resource_type) { "-flat" } else { "" };
    format!("{}{flat}", release.kind_of(resource_type))
}

/// A node as `namespace/kind/key`; bytes that are no printable text are escaped.
pub fn node(release: Release, node: NodeRef<'_>) -> String {
    let kind = kind_name(release, node.resource_type);
    format!("{}/{kind}/{}", name(node.namespace), name(node.key))
}

/// A name of any bytes on one line: printable text as it is, anything else escaped as scenarios write it (`\x1b`), so that no
/// two names look the same.
pub fn name(bytes: &[u8]) -> String {
    escaped(bytes, |character| is_shown(character) && character != '\\', as_bytes)
}

/// The name of a file, or a folder.
pub fn path(path: &Path) -> String {
    name(path.as_os_str().as_encoded_bytes())
}

/// What others wrote, an error of theirs for one, on one line.
pub fn line(bytes: impl AsRef<[u8]>) -> String {
    escaped(bytes.as_ref(), is_shown, as_bytes)
}

/// What others wrote, in as many lines as it has. Done twice it is the same, so that whatever goes to a terminal can be
/// held to it; and in JSON, whose escapes these are, strings stay what they are.
pub fn lines(bytes: &[u8]) -> String {
    escaped(bytes, |character| is_shown(character) || character == '\n', as_json)
}

/// The one place where bytes from outside become text for people.
fn escaped(bytes: &[u8], stays: impl Fn(char) -> bool, hidden: fn(char) -> String) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                _ if stays(character) => text.push(character),
                '\\' => text.push_str(r"\\"),
                '\n' => text.push_str(r"\n"),
                '\r' => text.push_str(r"\r"),
                '\t' => text.push_str(r"\t"),
                _ => text.push_str(&hidden(character)),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!(r"\x{byte:02x}")));
    }
    text
}

/// A character by its bytes.
fn as_bytes(character: char) -> String {
    character.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!(r"\x{byte:02x}")).collect()
}

fn as_json(character: char) -> String {
    character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!(r"\u{unit:04x}")).collect()
}

/// Whether a terminal shows a character, where it stands. Controls move the cursor, those of C1 as well as ESC; marks of
/// direction turn the order of what stands beside them; separators break lines; and what Unicode calls ignorable by
/// default is not seen at all.
pub fn is_shown(character: char) -> bool {
    let is_hidden = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !character.is_control() && !is_hidden
}

/// Why a file cannot be read, without the operating system's number.
pub fn unread(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: run this as a user who may read it".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory, and a file is asked for".to_owned(),
        _ => line(error.to_string()),
    }
}

/// Why nothing is at a path where a symbolic link on the way to it, or it itself, leads nowhere.
pub fn dangling_link(at: &Path) -> Option<String> {
    let is_dangling = |path: &&Path| path.is_symlink() && path.metadata().is_err();
    let link = at.ancestors().find(is_dangling)?;
    let target = path(&link.read_link().unwrap_or_default());
    Some(match link == at {
        true => format!("is a symbolic link that leads nowhere, to {target}"),
        false => format!("the symbolic link {} above it leads nowhere, to {target}", path(link)),
    })
}

/// The same of a path, where what is wrong with it may stand above: a file where a folder should be, a closed folder.
pub fn unread_at(at: &Path, error: &io::Error) -> String {
    // Without a slash at its end, with which a file is no file.
    let plain = at.components().as_path();
    match error.kind() {
        io::ErrorKind::NotADirectory => {
            let is_file = |above: &&Path| above.metadata().is_ok_and(|metadata| !metadata.is_dir());
            let file = plain.ancestors().find(is_file).unwrap_or(plain);
            format!("no such file: {} is a file, not a folder", path(file))
        }
        io::ErrorKind::PermissionDenied => {
            let is_reached = |above: &&Path| above.as_os_str().is_empty() || above.symlink_metadata().is_ok();
            match plain.ancestors().skip(1).find(is_reached) {
                // What stands in a folder that may be entered is reached itself.
                Some(closed) if plain.symlink_metadata().is_err() => format!(
                    "permission denied: a folder above it may not be entered, {}; run this as a user who may",
                    path(closed)
                ),
                _ => unread(error),
            }
        }
        io::ErrorKind::NotFound => dangling_link(plain).unwrap_or_else(|| unread(error)),
        _ => unread(error),
    }
}

/// What the operating system says, without its number.
pub fn told_by_system(error: &io::Error) -> String {
    let told = error.to_string();
    line(told.split(" (os error").next().unwrap_or_default())
}

/// Why a file cannot be written in a folder that is there, though the operating system speaks of one that is not. It does so
/// where nobody can make files (`/proc`).
pub fn unmade(error: &io::Error) -> String {
    let told = told_by_system(error);
    let told = told.rsplit(": ").next().unwrap_or_default();
    format!("the system makes no file there ({told}): name another place")
}

/// Why a file cannot be written, without the operating system's number.
pub fn unwritten(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "exists already and is never written over: give a path at which nothing stands".to_owned()
        }
        io::ErrorKind::NotFound => {
            "its folder does not exist: make it first, or name another place".to_owned()
        }
        io::ErrorKind::NotADirectory => "is no folder, and one is asked for".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: name a place that you may write to".to_owned(),
        _ => line(error.to_string()),
    }
}

/// A number of bytes with a binary unit, to the nearest tenth, of two as near the even one, as `ctr` has it.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // In tenths of a unit, so that no float decides a digit.
    let tenths = |unit: usize| {
        let (all, one) = (u128::from(count) * 10, 1_u128 << (10 * (unit + 1)));
        let (whole, twice_rest) = (all / one, all % one * 2);
        whole + u128::from(twice_rest > one || twice_rest == one && whole % 2 == 1)
    };
    // What is rounded up to 1,024 is one of the next unit.
    let last = UNITS.len() - 1;
    let unit = (0..last).find(|unit| tenths(*unit) < 10_240).unwrap_or(last);
    format!("{}.{} {}", tenths(unit) / 10, tenths(unit) % 10, UNITS[unit])
}

/// A number with a comma between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: 1 fault, 2 faults.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// How far away an instant is, in the largest unit of which there are two or more: in 3 h, 40 min ago. What is less than a
/// second away is told in its parts, as it has not passed, or has: in 5 ns.
pub fn away(from: Instant, to: Instant) -> String {
    const UNITS: [(i128, &str); 5] =
        [(31_557_600, "years"), (86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")];
    const PARTS: [(i128, &str); 2] = [(1_000_000, "ms"), (1_000, "µs")];
    let nanoseconds =
        |instant: Instant| i128::from(instant.seconds) * 1_000_000_000 + i128::from(instant.nanoseconds);
    let between = nanoseconds(to) - nanoseconds(from);
    if between != 0 && between.abs() < 1_000_000_000 {
        let (size, unit) = PARTS.into_iter().find(|(size, _)| between.abs() >= 2 * size).unwrap_or((1, "ns"));
        let number = between.abs() / size;
        return if between < 0 { format!("{number} {unit} ago") } else { format!("in {number} {unit}") };
    }
    let seconds = i128::from(to.seconds) - i128::from(from.seconds);
    let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds.abs() >= 2 * size).unwrap_or((1, "s"));
    let number = count(u64::try_from(seconds.abs() / size).unwrap_or(u64::MAX));
    if seconds < 0 { format!("{number} {unit} ago") } else { format!("in {number} {unit}") }
}

/// A text with the first twelve digits of each SHA-256 digest, which mostly suffice to name it.
pub fn short_digests(text: &str) -> String {
    const PREFIX: &str = "sha256:";
    const DIGITS: usize = 64;
    const SHOWN: usize = 12;
    let mut parts = text.split(PREFIX);
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        short.push_str(PREFIX);
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let cut = if digits == DIGITS { SHOWN..DIGITS } else { 0..0 };
        short.push_str(&part[..cut.start]);
        short.push_str(&part[cut.end..]);
    }
    short
}

/// Rows in aligned columns, those marked `true` to the right; the first row is the head.
///
/// # Errors
/// The writer's.
pub fn write_columns<const N: usize>(
    out: &mut dyn Write,
    rows: &[[String; N]],
    to_the_right: &[bool; N],
) -> io::Result<()> {
    /// One long name does not move all others.
    const WIDTH_MAX: usize = 120;
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let width = |column: usize| width(column).min(WIDTH_MAX);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            if widths[column] == 0 {
                continue;
            }
            let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            let (before, after) = if to_the_right[column] { (&*padding, "") } else { ("", &*padding) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        let counts = [0, 1, 2, 1000].map(|number| counted(number, "fault"));
        assert_eq!(counts, ["0 faults", "1 fault", "2 faults", "1,000 faults"]);
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1024), bytes(1536)],
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB"]
        );
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        // 15.885, 1.25, 1.3496, 1023.9404 and 1023.9502 KiB.
        let near = [16_266, 1_280, 1_382, 1_048_515, 1_048_525].map(bytes);
        assert_eq!(near, ["15.9 KiB", "1.2 KiB", "1.3 KiB", "1023.9 KiB", "1.0 MiB"]);
        assert_eq!(bytes((1 << 50) - 1), "1.0 PiB");
    }

    #[test]
    fn an_instant_is_so_far_away() {
        let at = |seconds| Instant { seconds, nanoseconds: 0 };
        let away =
            [0, 1, 119, 120, 7_199, 7_200, 172_800, 63_115_200].map(|seconds| away(at(0), at(seconds)));
        assert_eq!(
            away,
            ["in 0 s", "in 1 s", "in 119 s", "in 2 min", "in 119 min", "in 2 h", "in 2 days", "in 2 years"]
        );
        assert_eq!(super::away(at(7_200), at(0)), "2 h ago");
        let near = |nanoseconds: i64| {
            super::away(at(9).shifted(999_999_998), at(9).shifted(999_999_998 + nanoseconds))
        };
        let told = [1, 5, 2_000, 400_000_000, 999_999_999, -1].map(near);
        assert_eq!(told, ["in 1 ns", "in 5 ns", "in 2 µs", "in 400 ms", "in 999 ms", "1 ns ago"]);
    }

    #[test]
    fn only_whole_digests_are_made_short() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(
            short_digests(&format!("x/{digest} {digest}!")),
            "x/sha256:abababababab sha256:abababababab!"
        );
        for kept in ["sha256:abcd", "sha256:", &format!("{digest}0"), "nothing"] {
            assert_eq!(short_digests(kept), kept);
        }
    }

    #[test]
    fn what_a_terminal_obeys_or_hides_is_escaped_once() {
        let bytes = "a\\\n\u{1b}[0m\u{9b}\u{202e}\u{e0001}\u{e9}".as_bytes();
        assert_eq!(name(bytes), "a\\\\\\n\\x1b[0m\\xc2\\x9b\\xe2\\x80\\xae\\xf3\\xa0\\x80\\x81\u{e9}");
        assert_eq!(name(b"\xff\t\r"), r"\xff\t\r");
        let shown = lines(bytes);
        assert_eq!(shown, "a\\\n\\u001b[0m\\u009b\\u202e\\udb40\\udc01\u{e9}");
        assert_eq!(lines(shown.as_bytes()), shown);
        let json = serde_json::to_string("\u{7f}\u{85}\u{2028}\u{e0001}").expect("a string");
        let escaped = lines(json.as_bytes());
        assert!(escaped.is_ascii() && escaped != json);
        assert_eq!(serde_json::from_str::<String>(&escaped).ok(), serde_json::from_str(&json).ok());
    }
}
