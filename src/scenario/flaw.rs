//! What is wrong with a text that is no scenario, and where.

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
    /// What is wrong. Words of the text stand in it, long ones cut.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
}

/// Every error that one pass found, at most one a line, in the order of the lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaws {
    /// At least one, at most [`FLAWS_MAX`](super::limits::FLAWS_MAX).
    pub list: Vec<Flaw>,
    /// The pass ended before the end of the text.
    pub cut: bool,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
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
