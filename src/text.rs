//! Words and numbers as people read them.

use crate::node::{NodeRef, ResourceType};
use crate::release::Release;
use std::io::{self, Write};

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

/// A name of any bytes on one line: printable text as it is, anything else escaped as Rust does.
pub fn name(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            // What could move a terminal's cursor or hide in it is escaped.
            if character.is_control() || character == '\\' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// A number of bytes with a binary unit, three digits or more.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // In tenths of a unit, so that no float decides a digit.
    let (mut tenths, mut unit) = (u128::from(count) * 10 / 1024, 0);
    while tenths >= 10_240 {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
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

/// Rows in aligned columns, those marked `true` to the right; the first row is the head.
///
/// # Errors
/// The writer's.
pub fn write_columns<const N: usize>(
    out: &mut dyn Write,
    rows: &[[String; N]],
    to_the_right: &[bool; N],
) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
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
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
        assert_eq!(name(b"a\xff\n\x1b[0m\\"), "a\\xff\\n\\u{1b}[0m\\\\");
    }
}
