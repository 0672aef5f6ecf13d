//! The edge: all that a command says passes here, on its way to standard output or standard error.
//!
//! Names, texts and answers of others are escaped where they are printed ([`crate::text`]). Should one be forgotten, it is
//! escaped here all the same, so that no byte from outside commands the terminal of who looks at it:
//!
//! ```text
//! a report ──> text::name ──┐
//! what was forgotten ───────┴─> text::lines ──> standard output, standard error
//! ```
//!
//! The escapes are those of JSON, so that objects stay what they are. Colours are let through where colours are shown.

use super::Failure;
use super::pipe::Quiet;
use crate::text;
use clap::Parser;
use clap::error::{ContextKind, ErrorKind};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic;

/// Standard output, whose reader may leave.
pub(super) fn output() -> impl Write {
    let is_coloured = is_coloured(&io::stdout());
    io::BufWriter::new(Visible { out: Quiet::new(io::stdout().lock()), is_coloured })
}

/// Says something on standard error. Where that is closed nobody hears it, which is no reason to stop.
pub(super) fn say(message: impl Display) {
    let mut out = Visible { out: io::stderr().lock(), is_coloured: are_coloured() };
    let _said = out.write_all(format!("leasehold: {message}\n").as_bytes());
}

/// Clears the line on which a bar may stand.
pub(super) fn leave_line() {
    let mut out = io::stderr().lock();
    if out.is_terminal() {
        let _cleared = out.write_all(b"\r\x1b[2K");
    }
}

/// Whether both have colours: some texts go to the one or to the other.
pub(super) fn are_coloured() -> bool {
    is_coloured(&io::stdout()) && is_coloured(&io::stderr())
}

fn is_coloured(terminal: &impl IsTerminal) -> bool {
    terminal.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Parses a command line; prints the help, the version, or what is wrong with it.
///
/// # Errors
/// There is nothing to do, for good or ill: the exit code.
pub(super) fn parse<A: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<A, u8> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let error = match A::try_parse_from(&arguments) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    // The message repeats words of the line, so it is asked for again with words that can be shown.
    let shown = arguments.iter().map(|word| text::name(word.as_encoded_bytes()));
    let mut error = A::try_parse_from(shown).err().unwrap_or(error);
    if let ErrorKind::ArgumentConflict | ErrorKind::UnknownArgument = error.kind() {
        // They recommend what is refused: the flag that is in conflict, or a flag for a file.
        error.remove(ContextKind::Usage);
        error.remove(ContextKind::Suggested);
    }
    let message = error.render();
    if error.use_stderr() {
        let is_coloured = is_coloured(&io::stderr());
        let mut out = Visible { out: io::stderr().lock(), is_coloured };
        // Where standard error is closed nobody hears it.
        let _said = if is_coloured { write!(out, "{}", message.ansi()) } else { write!(out, "{message}") };
        return Err(2);
    }
    // Help and version are no errors.
    let mut out = output();
    let styled = is_coloured(&io::stdout());
    let written = if styled { write!(out, "{}", message.ansi()) } else { write!(out, "{message}") };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Err(0),
        Err(error) => {
            say(Failure::Output(error));
            Err(3)
        }
    }
}

/// Lets panics say what they have to say in the same way: their messages may repeat what was read.
pub(super) fn show_panics() {
    panic::set_hook(Box::new(|panicked| {
        let trace = Backtrace::capture();
        let trace = match trace.status() {
            BacktraceStatus::Captured => trace.to_string(),
            _ => "with RUST_BACKTRACE=1 it says where".to_owned(),
        };
        say(format!("{panicked}\n{trace}"));
    }));
}

/// A writer that escapes what a terminal would obey or hide.
struct Visible<W> {
    out: W,
    is_coloured: bool,
}

impl<W: Write> Write for Visible<W> {
    /// Each piece is whole characters, as formatting writes them; of others the halves are escaped.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
            return self.out.write(bytes);
        }
        let mut rest = bytes;
        while let Some((before, colour, after)) = colour(rest).filter(|_| self.is_coloured) {
            self.out.write_all(text::lines(before).as_bytes())?;
            self.out.write_all(colour)?;
            rest = after;
        }
        self.out.write_all(text::lines(rest).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The first sequence that sets a colour (`ESC [ 1;31 m`), with what stands before it and behind.
fn colour(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let begins = |at: &usize| bytes[*at..].starts_with(b"\x1b[");
    (0..bytes.len()).filter(begins).find_map(|start| {
        let digits = bytes[start + 2..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
        let end = start + 2 + digits;
        (bytes.get(end) == Some(&b'm')).then(|| (&bytes[..start], &bytes[start..=end], &bytes[end + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str, is_coloured: bool) -> String {
        let mut out = Visible { out: Vec::new(), is_coloured };
        out.write_all(text.as_bytes()).expect("memory");
        String::from_utf8(out.out).expect("text")
    }

    #[test]
    fn colours_pass_where_they_are_shown_and_nothing_else_does() {
        let text = "a\n\u{1b}[1;31mred\u{1b}[0m \u{1b}[2J\u{1b}]0;t\u{7} caf\u{e9}";
        let rest = "\\u001b[2J\\u001b]0;t\\u0007 caf\u{e9}";
        assert_eq!(visible(text, true), format!("a\n\u{1b}[1;31mred\u{1b}[0m {rest}"));
        assert_eq!(visible(text, false), format!("a\n\\u001b[1;31mred\\u001b[0m {rest}"));
    }
}
