//! A command line as words: blanks separate, quotes and backslashes keep together. No shell has a part in it.

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
    /// A quote is not closed.
    #[error("the command `{text}` has a {quote} that is not closed")]
    OpenQuote {
        /// The command.
        text: String,
        /// The quote.
        quote: char,
    },
    /// A backslash stands at the end.
    #[error("the command `{text}` ends with a backslash")]
    Backslash {
        /// The command.
        text: String,
    },
}

impl CommandLine {
    /// Splits a text into words. Inside `'` everything stands for itself; inside `"` a backslash does so before
    /// anything but `"` and `\`.
    ///
    /// # Errors
    /// There is no word, or a quote or a backslash is left open.
    pub fn parse(text: &str) -> Result<CommandLine, CommandError> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                ' ' | '\t' | '\n' => words.extend(word.take()),
                quote @ ('\'' | '"') => {
                    let word = word.get_or_insert_default();
                    loop {
                        match rest.next() {
                            None => return Err(CommandError::OpenQuote { text: text.to_owned(), quote }),
                            Some(end) if end == quote => break,
                            Some('\\') if quote == '"' && matches!(rest.peek(), Some('"' | '\\')) => {
                                word.extend(rest.next());
                            }
                            Some(inside) => word.push(inside),
                        }
                    }
                }
                '\\' => {
                    let next =
                        rest.next().ok_or_else(|| CommandError::Backslash { text: text.to_owned() })?;
                    word.get_or_insert_default().push(next);
                }
                other => word.get_or_insert_default().push(other),
            }
        }
        words.extend(word);
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
            (r#"a\ b "q\"\\\n" ''"#, &["a b", r#"q"\\n"#, ""]),
        ] {
            let line = CommandLine::parse(text).expect(text);
            assert_eq!(line.words, words, "{text}");
            assert_eq!((line.text(), line.arguments()), (text, &line.words[1..]));
        }
        assert_eq!(CommandLine::parse(" "), Err(CommandError::Empty));
        for text in ["a 'b", "\"", "a\\"] {
            assert!(CommandLine::parse(text).is_err(), "{text}");
        }
    }
}
