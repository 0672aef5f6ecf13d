//! Errors with containerd's kinds.

use crate::bucket::Refusal;
use std::fmt::{self, Write as _};

/// What a client can tell from an error (containerd's `errdefs`), and three ways in which none comes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ErrorKind {
    /// What the request names does not exist.
    NotFound,
    /// What was to be created exists.
    AlreadyExists,
    /// The state forbids it.
    FailedPrecondition,
    /// The request is wrong by itself.
    InvalidArgument,
    /// The daemon does not do this.
    NotImplemented,
    /// Somebody else holds it; try again.
    Unavailable,
    /// A plain error, without a kind in containerd either.
    Unknown,
    /// The request waits for a lock until another step under way is done.
    Blocked,
    /// The request waits for a lock that nobody will release.
    Deadlock,
    /// The daemon dereferences nil and dies.
    Crash,
}

impl ErrorKind {
    fn suffix(self) -> &'static str {
        match self {
            ErrorKind::NotFound => ": not found",
            ErrorKind::AlreadyExists => ": already exists",
            ErrorKind::FailedPrecondition => ": failed precondition",
            ErrorKind::InvalidArgument => ": invalid argument",
            ErrorKind::NotImplemented => ": not implemented",
            ErrorKind::Unavailable => ": unavailable",
            ErrorKind::Unknown => "",
            ErrorKind::Blocked => ": blocked",
            ErrorKind::Deadlock => ": deadlock",
            ErrorKind::Crash => ": the daemon crashes",
        }
    }
}

/// Why an operation was refused; the message contains what it was about.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Hash)]
#[error("{message}{}", kind.suffix())]
pub struct Error {
    /// What a client can tell.
    pub kind: ErrorKind,
    /// What it was about, without the kind.
    pub message: String,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: fmt::Arguments<'_>) -> Error {
        /// Room for a sentence with a digest in it.
        const MESSAGE_BYTES: usize = 112;
        let mut text = String::with_capacity(MESSAGE_BYTES);
        text.write_fmt(message).expect("a String takes any text");
        Error { kind, message: text }
    }

    pub(super) fn not_found(object: &str, name: &[u8]) -> Error {
        Error::new(ErrorKind::NotFound, format_args!("{object} {}", Shown(name)))
    }

    pub(super) fn already_exists(object: &str, name: &[u8]) -> Error {
        Error::new(ErrorKind::AlreadyExists, format_args!("{object} {}", Shown(name)))
    }

    pub(super) fn invalid(message: fmt::Arguments<'_>) -> Error {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    pub(super) fn unknown(message: fmt::Arguments<'_>) -> Error {
        Error::new(ErrorKind::Unknown, message)
    }
}

/// bbolt's own refusals reach the client as plain errors.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::unknown(format_args!("{refusal}"))
    }
}

/// How much of a name a message shows.
const SHOWN_BYTES_MAX: usize = 200;

/// Bytes as a message shows them: escaped, in quotes, cut where they are long.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, end) = match self.0.get(..SHOWN_BYTES_MAX) {
            Some(beginning) => (beginning, "\"..."),
            None => (self.0, "\""),
        };
        f.write_str("\"")?;
        // Nearly every name is plain text, which is written as it stands.
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        match std::str::from_utf8(shown) {
            Ok(text) if shown.iter().fold(true, |plain, byte| plain & is_plain(byte)) => f.write_str(text)?,
            _ => write!(f, "{}", shown.escape_ascii())?,
        }
        f.write_str(end)
    }
}
