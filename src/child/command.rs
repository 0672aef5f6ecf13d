//! A command line as words, split as a POSIX shell splits them; no shell has a part in it.

use std::ffi::OsString;

/// A program and its arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandLine {
    /// As it was given.
    text: String,
    /// The program first.
    words: Vec<String>,
}

/// Why a text is no command line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no word in it.
    #[error("the command is empty")]
    Empty,
    /// A quote or a backslash is left open.
    #[error("the command `{text}` has a quote that is not closed, or ends with a backslash")]
    Open {
        /// The command.
        text: String,
    },
}

impl CommandLine {
    /// Splits a text into words.
    ///
    /// # Errors
    /// There is no word, or a quote or a backslash is left open.
    pub fn parse(text: &str) -> Result<CommandLine, CommandError> {
        let words = shlex::split(text).ok_or_else(|| CommandError::Open { text: text.to_owned() })?;
        if words.is_empty() {
            return Err(CommandError::Empty);
        }
        Ok(CommandLine { text: text.to_owned(), words })
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The program.
    pub fn program(&self) -> OsString {
        self.words[0].clone().into()
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.words[1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (text, words) in [
            ("child", &["child"][..]),
            ("  go  run\t./x ", &["go", "run", "./x"]),
            (r#"sh -c 'read x; echo "$x"'"#, &["sh", "-c", r#"read x; echo "$x""#]),
            (r#"a"b c"'d e'f"#, &["ab cd ef"]),
            (r#"a\ b "q\"\\\n" '' x#"#, &["a b", r#"q"\\n"#, "", "x#"]),
        ] {
            let line = CommandLine::parse(text).expect(text);
            assert_eq!(line.words, words, "{text}");
            assert_eq!((line.text(), line.arguments()), (text, &line.words[1..]));
        }
        assert_eq!(CommandLine::parse(" "), Err(CommandError::Empty));
        for text in ["a 'b", "\"", "a\\"] {
            assert_eq!(CommandLine::parse(text), Err(CommandError::Open { text: text.to_owned() }));
        }
    }
}
