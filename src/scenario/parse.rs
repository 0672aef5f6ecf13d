//! From text to a scenario.
//!
//! One pass over the lines. A line that is wrong gives one flaw and is left out; the pass goes on, so that a
//! person sees every mistake at once, and ends early after [`limits::FLAWS_MAX`] of them or at a limit of size.
//! What is kept in memory is one line's words and what was understood so far.
//!
//! Lines come from `bytes` to `&str` one at a time, so that a stray byte spoils its line and no other.

use super::arguments::{Arguments, suggested};
use super::data::Name;
use super::flaw::{Flaw, Flaws, Problem};
use super::limits::{self, FILE_BYTES_MAX, FLAWS_MAX, LINE_BYTES_MAX, STEPS_MAX};
use super::line::{Line, Outcome, Refused, Scenario, Text};
use super::step::{Step, forms, rows};
use super::table::Row;
use super::words::{Snag, Word, Words};
use crate::named::nearest;
use std::collections::BTreeMap;

/// Reads a scenario.
///
/// # Errors
/// Every mistake with its line and column, up to [`limits::FLAWS_MAX`].
pub fn parse(text: &[u8]) -> Result<Scenario, Flaws> {
    if text.len() > FILE_BYTES_MAX {
        let problem = Problem::FileTooLong { bytes: text.len() };
        return Err(Flaws {
            list: vec![Flaw { line: 1, column: 1, width: 1, problem, hint: None }],
            cut: true,
        });
    }
    let mut pass = Pass::default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        pass.number = index + 1;
        if let Err(flaw) = pass.line(line) {
            pass.flaws.push(flaw);
        }
        if pass.ended || pass.flaws.len() == FLAWS_MAX {
            return Err(Flaws { list: pass.flaws, cut: true });
        }
    }
    pass.finish()
}

impl Scenario {
    /// Whether its text reads back: limits are kept, clients declared, lists not empty, times writable.
    ///
    /// # Errors
    /// What [`parse`] says of the text that [`print`](super::print()) makes of it.
    pub fn check(&self) -> Result<(), Flaws> {
        parse(super::print(self).as_bytes()).map(drop)
    }
}

/// What was understood so far.
#[derive(Default)]
struct Pass {
    number: usize,
    scenario: Scenario,
    flaws: Vec<Flaw>,
    /// A limit on the whole file is reached.
    ended: bool,
    /// A step or a declaration was read, right or wrong.
    begun: bool,
    /// Comment lines since the last step, and whether a blank line stood before them, and after them.
    comment: Vec<Text>,
    blank_before: bool,
    blank_after: bool,
    /// What a line below `---` belongs to.
    block: Block,
    /// Where each client was declared.
    clients: BTreeMap<Name, usize>,
    /// A declaration could not be read, so that an unknown client is no news.
    client_missed: bool,
    /// The last step could not be read, so that expected output may well be its own.
    step_missed: bool,
}

/// Where the pass stands with expected output.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Block {
    /// Outside.
    #[default]
    None,
    /// Below a `---`, before the first line.
    Open,
    /// Inside, lines as they are.
    Plain,
    /// Inside, every line begins with `>`.
    Marked,
    /// Inside output that belongs to nothing.
    Lost,
}

impl Pass {
    fn line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            let column = String::from_utf8_lossy(&line[..LINE_BYTES_MAX]).chars().count() + 1;
            let problem = Problem::LineTooLong { bytes: line.len() };
            self.step_missed = true;
            return Err(Flaw { line: self.number, column, width: 1, problem, hint: None });
        }
        let line = match str::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                self.step_missed = true;
                let valid = &line[..error.valid_up_to()];
                let column = String::from_utf8_lossy(valid).chars().count() + 1;
                let problem = Problem::NotUtf8 { byte: line[error.valid_up_to()] };
                let hint = Some("in a name write it as \\x.. in quotes".to_owned());
                return Err(Flaw { line: self.number, column, width: 1, problem, hint });
            }
        };
        self.text_line(line).map_err(|snag| located(self.number, line, snag))
    }

    fn text_line(&mut self, line: &str) -> Result<(), Snag> {
        if self.block != Block::None {
            return self.output(line);
        }
        let content = line.trim_matches([' ', '\t']);
        if content.is_empty() {
            self.blank();
            return Ok(());
        }
        if let Some(comment) = content.strip_prefix('#') {
            self.comment_line(comment);
            return Ok(());
        }
        if content == "---" {
            return self.open_block(line);
        }
        self.step_line(line)
    }

    fn blank(&mut self) {
        if self.comment.is_empty() {
            self.blank_before = true;
        } else {
            self.blank_after = true;
        }
    }

    /// Paragraphs of one comment are kept apart by an empty comment line.
    fn comment_line(&mut self, comment: &str) {
        if std::mem::take(&mut self.blank_after) {
            self.comment.push(Text::default());
        }
        self.comment.push(Text::line(comment.strip_prefix(' ').unwrap_or(comment)));
    }

    fn open_block(&mut self, line: &str) -> Result<(), Snag> {
        self.block = Block::Lost;
        if std::mem::take(&mut self.step_missed) {
            return Ok(());
        }
        let owner = self.scenario.lines.last_mut();
        let owner =
            owner.filter(|last| last.step.prints() && last.expected.is_none() && self.comment.is_empty());
        let Some(owner) = owner else {
            return Err(Snag::new(0..line.len(), Problem::OutputMisplaced));
        };
        owner.expected = Some(Vec::new());
        self.block = Block::Open;
        self.blank_before = false;
        Ok(())
    }

    /// A line below `---`, up to the empty line that ends it.
    fn output(&mut self, line: &str) -> Result<(), Snag> {
        let text = line.trim_end();
        if text.is_empty() {
            self.block = Block::None;
            self.blank_before = true;
            return Ok(());
        }
        let marked = text.strip_prefix('>').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        if self.block == Block::Open {
            self.block = if marked.is_some() { Block::Marked } else { Block::Plain };
        }
        let text = match (self.block, marked) {
            (Block::Lost, _) => return Ok(()),
            (Block::Marked, Some(rest)) => rest,
            (Block::Marked, None) => return Err(Snag::new(0..text.len(), Problem::OutputUnmarked)),
            _ => text,
        };
        let owner = self.scenario.lines.last_mut().and_then(|last| last.expected.as_mut());
        owner.expect("an open block has a step above it").push(Text::line(text));
        Ok(())
    }

    fn step_line(&mut self, line: &str) -> Result<(), Snag> {
        if self.scenario.lines.len() == STEPS_MAX {
            self.ended = true;
            return Err(Snag::new(0..line.len(), Problem::TooManySteps));
        }
        self.step_missed = true;
        let begins = !std::mem::replace(&mut self.begun, true);
        let comment = std::mem::take(&mut self.comment);
        let blank_before = std::mem::take(&mut self.blank_before);
        let blank_after = std::mem::take(&mut self.blank_after);
        let words = Words::of(line)?;
        if begins && words.get(0).and_then(Word::keyword) == Some("release") {
            self.scenario.head = comment;
            if let Step::Release(release) = step(&words, 0)? {
                self.scenario.release = release;
            }
            self.step_missed = false;
            return Ok(());
        }
        let mut read = self.prefixed(&words)?;
        read.number = self.number;
        if begins {
            self.scenario.head = comment;
            read.blank_before = blank_before || blank_after;
        } else {
            read.comment = comment;
            read.blank_before = blank_before;
        }
        self.scenario.lines.push(read);
        self.step_missed = false;
        Ok(())
    }

    /// `[CLIENT:] [! KIND | ?] STEP`
    fn prefixed(&mut self, words: &Words<'_>) -> Result<Line, Snag> {
        let mut next = 0;
        let client = words.get(0).and_then(|word| word.strip_end(b':'));
        if client.is_some() {
            next += 1;
        }
        let outcome = match words.get(next).and_then(Word::keyword) {
            Some("!") => {
                next += 2;
                Outcome::Refused(refused(words, next - 1)?)
            }
            Some("?") => {
                next += 1;
                Outcome::Any
            }
            _ => Outcome::Accepted,
        };
        let Some(word) = words.get(next) else {
            return Err(Snag::new(words.end(), Problem::MissingStep));
        };
        if word.keyword() == Some("client") {
            self.client_missed = true;
        }
        let client = client.map(|part| self.declared(part)).transpose()?;
        let step = step(words, next)?;
        if let Step::Client { name, .. } = &step {
            let first = *self.clients.entry(name.clone()).or_insert(self.number);
            self.client_missed = false;
            if first != self.number {
                let name = words.get(next + 1).map(Word::shown).unwrap_or_default();
                let problem = Problem::ClientTwice { name, first };
                return Err(words.get(next + 1).unwrap_or(word).snag(problem));
            }
        }
        Ok(Line { client, outcome, ..Line::new(step) })
    }

    /// A client's name before its step.
    fn declared(&self, part: Word<'_>) -> Result<Name, Snag> {
        let name = part.name()?;
        if self.clients.contains_key(&name) || self.client_missed {
            return Ok(name);
        }
        let snag = part.snag(Problem::UnknownClient { name: part.shown() });
        let known = self.clients.keys().filter_map(|known| str::from_utf8(known).ok());
        let snag = suggested(snag, &String::from_utf8_lossy(&name), known);
        Err(snag.or_hint(|| "declare it above: client NAME [namespace=NS] [lease=ID]".to_owned()))
    }

    fn finish(mut self) -> Result<Scenario, Flaws> {
        if self.flaws.is_empty() && !self.begun {
            let problem = Problem::Empty;
            self.flaws.push(Flaw { line: 1, column: 1, width: 1, problem, hint: None });
        }
        if !self.flaws.is_empty() {
            return Err(Flaws { list: self.flaws, cut: false });
        }
        self.scenario.tail = self.comment;
        Ok(self.scenario)
    }
}

/// From bytes of a line to characters.
fn located(number: usize, line: &str, snag: Snag) -> Flaw {
    let column = line[..snag.at.start].chars().count() + 1;
    let width = line[snag.at].chars().count().max(1);
    Flaw { line: number, column, width, problem: snag.problem, hint: snag.hint }
}

fn refused(words: &Words<'_>, index: usize) -> Result<Refused, Snag> {
    let Some(word) = words.get(index) else {
        return Err(Snag::new(words.end(), Problem::Missing { what: "the kind of error".to_owned() }));
    };
    let found = Refused::ALL.into_iter().find(|kind| word.keyword() == Some(kind.word()));
    found.ok_or_else(|| {
        let kinds = Refused::ALL.map(Refused::word);
        let snag = word.snag(Problem::UnknownRefused { word: word.shown() });
        suggested(snag, &word.shown(), kinds).or_hint(|| format!("there are {}", kinds.join(", ")))
    })
}

/// The step that begins at a word.
fn step(words: &Words<'_>, first: usize) -> Result<Step, Snag> {
    let word = words.get(first).expect("a step begins at a word");
    let of_step = rows().filter(|row| word.keyword() == Some(row.form.step));
    let Some(Row { form, read, .. }) = of_step.clone().next() else {
        return Err(unknown_step(word));
    };
    if form.sub_step.is_empty() {
        return read(&mut Arguments::new(words, first + 1, form));
    }
    let sub_steps: Vec<&str> = of_step.clone().map(|row| row.form.sub_step).collect();
    let there_are = || format!("there are {}", sub_steps.join(", "));
    let Some(second) = words.get(first + 1) else {
        let snag = Snag::new(words.end(), Problem::MissingSubStep { step: form.step });
        return Err(snag.hint(there_are()));
    };
    let found = of_step.clone().find(|row| second.keyword() == Some(row.form.sub_step));
    let Some(Row { form, read, .. }) = found else {
        let snag = second.snag(Problem::UnknownSubStep { step: form.step, word: second.shown() });
        return Err(match nearest(&second.shown(), sub_steps.iter().copied()) {
            Some(near) => snag.hint(format!("did you mean `{} {near}`?", form.step)),
            None => snag.hint(there_are()),
        });
    };
    read(&mut Arguments::new(words, first + 2, form))
}

fn unknown_step(word: Word<'_>) -> Snag {
    let snag = word.snag(Problem::UnknownStep { word: word.shown() });
    // `prepare` alone is a part of a step that exists.
    if let Some(form) = forms().find(|form| word.keyword() == Some(form.sub_step)) {
        return snag.hint(format!("did you mean `{} {}`?", form.step, form.sub_step));
    }
    let mut steps: Vec<&str> = forms().map(|form| form.step).collect();
    steps.dedup();
    let snag = suggested(snag, &word.shown(), steps.iter().copied());
    snag.or_hint(|| format!("there are {}", steps.join(", ")))
}

const _: () = assert!(limits::LINE_BYTES_MAX < u32::MAX as usize);
