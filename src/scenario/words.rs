//! A line as words, and the bytes that a word stands for.
//!
//! Words are separated by blanks. A word is a run of characters and quoted stretches, `a"b c"d`; which bytes were
//! quoted is kept, because quoting means *exactly these bytes*: a quoted `=`, `/` or `:` separates nothing, and
//! a quoted name is never an everyday name of content nor a keyword.

use super::alias;
use super::data::Name;
use super::limits::{NAME_BYTES_MAX, QUOTED_CHARACTERS_MAX};
use crate::named::nearest;
use crate::text;
use std::fmt;
use std::ops::Range;

/// A flaw inside a line, by its range of bytes.
#[derive(Debug)]
pub(super) struct Snag {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Snag {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Snag {
        Snag { at, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Snag {
        Snag { hint: Some(hint.into()), ..self }
    }

    /// With this hint unless it has one.
    pub(super) fn or_hint(self, hint: impl FnOnce() -> String) -> Snag {
        Snag { hint: self.hint.or_else(|| Some(hint())), ..self }
    }

    /// With the one of these words that was probably meant, if there is one.
    pub(super) fn suggest<'w>(self, written: &str, words: impl IntoIterator<Item = &'w str>) -> Snag {
        match nearest(written, words) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// Where a word stands that belongs to the line around a step, not to the step.
pub(super) fn place_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "as" => "`as WORD` stands at the end of a step that begins with `?`, or of `look NODE`",
        "if" | "unless" => {
            "`if WORD` and `unless WORD` stand before the step, behind its client: `CLIENT: if WORD STEP`"
        }
        "may" => "`may` stands first, before the client: `may CLIENT: STEP`",
        "when" => "`when` stands in a promise, behind what must hold: `always CONDITION when CONDITION`",
        _ => return None,
    })
}

/// One byte that a word stands for.
#[derive(Clone, Copy)]
struct Atom {
    byte: u8,
    quoted: bool,
    /// The character or escape that it came from, as offsets in the line (limits keep lines far below 4 GB).
    from: u32,
    to: u32,
}

/// The words of one line.
pub(super) struct Words<'a> {
    line: &'a str,
    atoms: Vec<Atom>,
    /// Ranges of atoms, and of the line.
    words: Vec<(Range<usize>, Range<usize>)>,
}

/// A word, or a part of one between separators.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    line: &'a str,
    atoms: &'a [Atom],
    from: usize,
    to: usize,
}

impl<'a> Words<'a> {
    /// Splits a line.
    pub(super) fn of(line: &'a str) -> Result<Words<'a>, Snag> {
        let mut words = Words { line, atoms: Vec::new(), words: Vec::new() };
        let mut at = 0;
        loop {
            at += line[at..].find(|letter| !matches!(letter, ' ' | '\t')).unwrap_or(line.len() - at);
            if at == line.len() {
                return Ok(words);
            }
            if line[at..].starts_with('#') {
                let snag = Snag::new(at..line.len(), "a comment behind a step");
                return Err(snag.hint("a comment has a line of its own; a name that begins with # is quoted"));
            }
            let (first, from) = (words.atoms.len(), at);
            at = words.word(at)?;
            words.words.push((first..words.atoms.len(), from..at));
        }
    }

    /// Reads one word; gives where it ends.
    fn word(&mut self, from: usize) -> Result<usize, Snag> {
        let mut at = from;
        while let Some(letter) = self.line[at..].chars().next() {
            match letter {
                ' ' | '\t' => break,
                '"' => at = self.quoted(at)?,
                '\\' => {
                    return Err(Snag::new(at..at + 1, "unknown escape `\\`").hint("escapes stand in quotes"));
                }
                _ if letter.is_control() || letter.is_whitespace() => {
                    let hint = "blanks and tabs separate words; in a name write it as \\x.. in quotes";
                    return Err(misplaced(letter, at).hint(hint));
                }
                _ => at = self.push(at, at + letter.len_utf8(), false),
            }
        }
        Ok(at)
    }

    /// Reads from an opening quote to behind the closing one.
    fn quoted(&mut self, open: usize) -> Result<usize, Snag> {
        let mut at = open + 1;
        loop {
            let Some(letter) = self.line[at..].chars().next() else {
                return Err(Snag::new(open..self.line.len(), "a quote that is never closed"));
            };
            match letter {
                '"' => return Ok(at + 1),
                '\\' => at = self.escape(at)?,
                _ if letter.is_control() => return Err(misplaced(letter, at).hint("write it as \\x..")),
                _ => at = self.push(at, at + letter.len_utf8(), true),
            }
        }
    }

    /// Reads an escape; gives where it ends.
    fn escape(&mut self, at: usize) -> Result<usize, Snag> {
        let bytes = self.line.as_bytes();
        let (byte, length) = match bytes.get(at + 1) {
            Some(b'n') => (Some(b'\n'), 2),
            Some(b't') => (Some(b'\t'), 2),
            Some(b'r') => (Some(b'\r'), 2),
            Some(byte @ (b'"' | b'\\')) => (Some(*byte), 2),
            Some(b'x') => (hexadecimal(bytes.get(at + 2..at + 4)), 4),
            _ => (None, 2),
        };
        let Some(byte) = byte else {
            let escape: String = self.line[at..].chars().take(length).collect();
            let snag = Snag::new(at..at + escape.len(), format!("unknown escape `{escape}`"));
            return Err(snag.hint("escapes are \\\" \\\\ \\n \\t \\r and \\x with two hexadecimal digits"));
        };
        self.atoms.push(Atom { byte, quoted: true, from: offset(at), to: offset(at + length) });
        Ok(at + length)
    }

    fn push(&mut self, from: usize, to: usize, quoted: bool) -> usize {
        let bytes = self.line.as_bytes()[from..to].iter();
        self.atoms.extend(bytes.map(|byte| Atom { byte: *byte, quoted, from: offset(from), to: offset(to) }));
        to
    }

    /// The words in order.
    pub(super) fn list(&self) -> Vec<Word<'_>> {
        let word = |(atoms, place): &(Range<usize>, Range<usize>)| {
            let atoms = &self.atoms[atoms.clone()];
            Word { line: self.line, atoms, from: place.start, to: place.end }
        };
        self.words.iter().map(word).collect()
    }
}

fn misplaced(letter: char, at: usize) -> Snag {
    let message = format!("the character U+{:04X} does not belong here", u32::from(letter));
    Snag::new(at..at + letter.len_utf8(), message)
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a line is shorter than its limit")
}

fn hexadecimal(digits: Option<&[u8]>) -> Option<u8> {
    let digits = digits?;
    let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(value(digits.first()?)? << 4 | value(digits.get(1)?)?)
}

/// What helps where somebody separates words by commas.
const NO_COMMAS: &str = "blanks separate words, no commas";

impl<'a> Word<'a> {
    /// Its place in the line.
    pub(super) fn at(self) -> Range<usize> {
        self.from..self.to
    }

    /// A flaw of this part.
    pub(super) fn snag(self, message: impl Into<String>) -> Snag {
        Snag::new(self.at(), message)
    }

    /// The text of a part that has no quotes; a keyword can only be such.
    pub(super) fn keyword(self) -> Option<&'a str> {
        self.is_bare().then(|| &self.line[self.from..self.to])
    }

    /// Whether it is one of these keywords.
    pub(super) fn is_one_of(self, keywords: &[&str]) -> bool {
        self.keyword().is_some_and(|text| keywords.contains(&text))
    }

    /// Not empty, and without quotes.
    pub(super) fn is_bare(self) -> bool {
        !self.atoms.is_empty() && !self.line[self.from..self.to].contains('"')
    }

    /// The parts before and behind the first separator that is not quoted.
    pub(super) fn split(self, separator: u8) -> Option<(Word<'a>, Word<'a>)> {
        let found = |atom: &Atom| !atom.quoted && atom.byte == separator;
        let at = self.atoms.iter().position(found)?;
        let atom = self.atoms[at];
        let before = Word { atoms: &self.atoms[..at], to: atom.from as usize, ..self };
        let behind = Word { atoms: &self.atoms[at + 1..], from: atom.to as usize, ..self };
        Some((before, behind))
    }

    /// What stands before and behind a `/` that the form needs.
    pub(super) fn halves(self, form: &'static str) -> Result<(Word<'a>, Word<'a>), Snag> {
        self.split(b'/').ok_or_else(|| {
            let snag = self.snag(format!("`{self}` has no `/`: {form} is needed"));
            if self.has_comma() { snag.hint(NO_COMMAS) } else { snag }
        })
    }

    /// What stands before a separator that ends the part and is not quoted.
    pub(super) fn strip_end(self, separator: u8) -> Option<Word<'a>> {
        let (last, before) = self.atoms.split_last()?;
        let ends = !last.quoted && last.byte == separator;
        // A closing quote behind it would be an empty quoted stretch, which is no part of a keyword.
        (ends && last.to as usize == self.to).then_some(Word {
            atoms: before,
            to: last.from as usize,
            ..self
        })
    }

    /// Exactly these bytes.
    pub(super) fn exact(self) -> Result<Name, Snag> {
        if self.atoms.len() > NAME_BYTES_MAX {
            let bytes = self.atoms.len();
            return Err(self.snag(format!("`{self}` has {bytes} bytes, more than {NAME_BYTES_MAX}")));
        }
        Ok(self.atoms.iter().map(|atom| atom.byte).collect())
    }

    /// A name: exactly these bytes, or the digest of `@NAME`.
    pub(super) fn name(self) -> Result<Name, Snag> {
        match self.atoms.split_first() {
            Some((Atom { byte: b'@', quoted: false, .. }, _)) => self.alias(1),
            _ => self.exact(),
        }
    }

    /// A digest: an everyday name, a full digest (with a `:`), or in quotes any bytes.
    pub(super) fn digest(self) -> Result<Name, Snag> {
        let marked = self.atoms.first().is_some_and(|atom| atom.byte == b'@');
        let everyday = self.is_bare() && !marked && !self.atoms.iter().any(|atom| atom.byte == b':');
        if everyday { self.alias(0) } else { self.name() }
    }

    fn has_comma(self) -> bool {
        self.keyword().is_some_and(|text| text.contains(','))
    }

    /// The digest of the everyday name behind the first `skip` bytes.
    fn alias(self, skip: usize) -> Result<Name, Snag> {
        let name = self.keyword().and_then(|text| text.get(skip..));
        name.and_then(alias::digest_of).ok_or_else(|| {
            let most = alias::NAME_BYTES_MAX;
            let snag = self
                .snag(format!("`{self}` is no name for content: 1 to {most} ASCII letters, digits and -._+"));
            let meant = name.and_then(|name| name.trim_start_matches('@').strip_prefix("content/"));
            match meant.filter(|meant| alias::digest_of(meant).is_some()) {
                _ if self.has_comma() => snag.hint(NO_COMMAS),
                Some(meant) => {
                    let sign = if skip == 1 { "@" } else { "" };
                    snag.hint(format!("only content can stand here: write `{sign}{meant}`"))
                }
                None => snag.hint("write a full digest such as sha256:... or, in quotes, exactly the bytes"),
            }
        })
    }
}

/// What stands in the line, as messages repeat it.
impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.line[self.from..self.to]))
    }
}

/// A text of the scenario as messages repeat it: cut if it is long.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", text::line(&text[..end])),
        None => text::line(text),
    }
}
