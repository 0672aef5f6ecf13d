//! What is wrong with a text that is no scenario, and where.

use super::limits::{
    DURATION_MAX, FILE_BYTES_MAX, FLAWS_MAX, LINE_BYTES_MAX, NAME_BYTES_MAX, PATH_KEYS_MAX, STEPS_MAX,
};
use super::{alias, duration};
use crate::release::UnknownRelease;
use std::fmt;

/// One error in a scenario text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// The line, from 1.
    pub line: usize,
    /// Where it begins in the line, in characters, from 1.
    pub column: usize,
    /// How many characters it covers; at least 1, even at the end of the line.
    pub width: usize,
    /// What is wrong.
    pub problem: Problem,
    /// What may help.
    pub hint: Option<String>,
}

/// Every error that one pass found, at most one a line, in the order of the lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaws {
    /// At least one, at most [`FLAWS_MAX`].
    pub list: Vec<Flaw>,
    /// The pass ended before the end of the text.
    pub cut: bool,
}

/// What is wrong. Words of the text stand in the messages, long ones cut.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Problem {
    #[error("the file has {bytes} bytes, more than {FILE_BYTES_MAX}")]
    FileTooLong { bytes: usize },
    #[error("the line has {bytes} bytes, more than {LINE_BYTES_MAX}")]
    LineTooLong { bytes: usize },
    #[error("the file has more than {STEPS_MAX} steps")]
    TooManySteps,
    #[error("the file has no steps")]
    Empty,
    #[error("the byte 0x{byte:02x} is not UTF-8")]
    NotUtf8 { byte: u8 },
    #[error("the character U+{:04X} does not belong here", u32::from(*character))]
    BadCharacter { character: char },
    #[error("a quote that is never closed")]
    UnclosedQuote,
    #[error("unknown escape `{escape}`")]
    BadEscape { escape: String },
    #[error("a comment behind a step")]
    CommentInLine,
    #[error("`{text}` has {bytes} bytes, more than {NAME_BYTES_MAX}")]
    NameTooLong { text: String, bytes: usize },

    #[error("unknown step `{word}`")]
    UnknownStep { word: String },
    #[error("a prefix without a step")]
    MissingStep,
    #[error("`{step}` without saying what to do")]
    MissingSubStep { step: &'static str },
    #[error("unknown step `{step} {word}`")]
    UnknownSubStep { step: &'static str, word: String },
    #[error("unknown kind of error `{word}`")]
    UnknownRefused { word: String },
    #[error("client `{name}` is not declared")]
    UnknownClient { name: String },
    #[error("client `{name}` is declared twice, first in line {first}")]
    ClientTwice { name: String, first: usize },

    #[error("{what} is missing")]
    Missing { what: String },
    #[error("{what} is missing: `{found}` is an option")]
    OptionFound { what: &'static str, found: String },
    #[error("unexpected `{word}`")]
    Unexpected { word: String },
    #[error("unknown option `{option}`")]
    UnknownOption { option: String },
    #[error("`{option}` is given twice")]
    Twice { option: String },
    #[error("`{word}` is not one of {choices}")]
    UnknownChoice { word: String, choices: String },
    #[error("`{text}` is no whole number from {least} to {most}")]
    BadNumber { text: String, least: i64, most: u64 },
    #[error("`{text}` is no duration up to {}", duration::format(DURATION_MAX))]
    BadDuration { text: String },
    #[error("`{text}` is no time in RFC 3339")]
    BadTime { text: String },
    #[error("the clock does not go back by `{text}`")]
    Backwards { text: String },
    #[error("`{text}` is no name for content: 1 to {} ASCII letters, digits and -._+", alias::NAME_BYTES_MAX)]
    BadAlias { text: String },
    #[error("unknown kind `{word}`")]
    UnknownKind { word: String },
    #[error("`{text}` has no `/`: {form} is needed")]
    MissingSlash { text: String, form: &'static str },
    #[error("the path has {keys} keys, more than {PATH_KEYS_MAX}")]
    PathTooLong { keys: usize },
    #[error(transparent)]
    UnknownRelease(UnknownRelease),

    #[error("expected output stands directly below a `gc` or `cleanup`, once")]
    OutputMisplaced,
    #[error("a line of expected output without `>`, which the first line has")]
    OutputUnmarked,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, flaw) in self.list.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{flaw}")?;
        }
        if self.cut { write!(f, "\n{}", Flaws::CUT) } else { Ok(()) }
    }
}

impl Flaws {
    /// What stands below the errors when there may be more.
    pub(super) const CUT: &str = "the rest of the file was not read";
}

impl std::error::Error for Flaws {}

const _: () = assert!(FLAWS_MAX > 0);
