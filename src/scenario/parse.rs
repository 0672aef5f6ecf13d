//! From text to a scenario.
//!
//! One pass over the lines. A line that is wrong gives one flaw and is left out; the pass goes on, so that a
//! person sees every mistake at once, and ends early after [`FLAWS_MAX`] of them or at a limit of size.
//! What is kept in memory is one line's words and what was understood so far.
//!
//! Lines come from `bytes` to `&str` one at a time, so that a stray byte spoils its line and no other.

use super::arguments::Arguments;
use super::data::Name;
use super::flaw::{Flaw, Flaws};
use super::form::Form;
use super::limits::{FILE_BYTES_MAX, FLAWS_MAX, LINE_BYTES_MAX, MAY_MAX, STEPS_MAX};
use super::line::{Guard, Line, Outcome, Refused, Scenario, Text};
use super::step::{Step, forms, rows};
use super::table::Row;
use super::words::{Snag, Word, Words, place_of};
use crate::named::{UnknownName, nearest};
use crate::release::Release;
use crate::text;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Range;

/// Reads a scenario.
///
/// # Errors
/// Every mistake with its line and column, up to [`FLAWS_MAX`].
pub fn parse(text: &[u8]) -> Result<Scenario, Flaws> {
    parse_under(text, Release::default())
}

/// Reads a scenario whose steps run by the rules of a release, unless it names one itself.
///
/// # Errors
/// As of [`parse`].
pub fn parse_under(text: &[u8], release: Release) -> Result<Scenario, Flaws> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, more than {FILE_BYTES_MAX}", text.len());
        return Err(Flaws { list: vec![located(1, b"", Snag::new(0..0, message))], cut: true });
    }
    let mut pass = Pass { scenario: Scenario { release, ..Scenario::default() }, ..Pass::default() };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        pass.number = index + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Err(snag) = pass.line(line) {
            pass.flaws.push(located(pass.number, line, snag));
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
    /// Where the pass stands with the `together` block.
    together: Together,
    /// Where each client was declared.
    clients: BTreeMap<Name, usize>,
    /// A declaration could not be read, so that an unknown client is no news.
    client_missed: bool,
    /// The last step could not be read, so that expected output may well be its own.
    step_missed: bool,
}

/// What lines of output begin with.
const OUTPUT_WORDS: [&str; 11] =
    ["keep", "remove", "error", "finish", "cancel", "skip", "forget", "log", "drop", "refused", "nothing"];

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

/// Where the pass stands with the one block of steps that come in every order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Together {
    /// None was opened.
    #[default]
    Before,
    /// Inside, from this line on.
    Inside(usize),
    /// Behind its end.
    Behind,
}

impl Pass {
    fn line(&mut self, line: &[u8]) -> Result<(), Snag> {
        let line = text_of(line).inspect_err(|_| self.step_missed = true)?;
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
            owner.filter(|last| last.step.may_print() && last.expected.is_none() && self.comment.is_empty());
        let Some(owner) = owner else {
            let message = "expected output stands directly below a step that prints, once: `gc`, `cleanup`, and with a \
                           scheduler `advance` and `sync`";
            return Err(Snag::new(0..line.len(), message));
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
            (Block::Marked, None) => {
                let message = "a line of expected output without `>`, which the first line has";
                return Err(Snag::new(0..text.len(), message));
            }
            _ => text,
        };
        let owner = self.scenario.lines.last_mut().and_then(|last| last.expected.as_mut());
        owner.expect("an open block has a step above it").push(Text::line(text));
        Ok(())
    }

    fn step_line(&mut self, line: &str) -> Result<(), Snag> {
        if self.scenario.lines.len() == STEPS_MAX {
            self.ended = true;
            let message = format!("the file has more than {STEPS_MAX} steps");
            return Err(Snag::new(0..line.len(), message));
        }
        self.step_missed = true;
        let begins = !std::mem::replace(&mut self.begun, true);
        let comment = std::mem::take(&mut self.comment);
        let blank_before = std::mem::take(&mut self.blank_before);
        let blank_after = std::mem::take(&mut self.blank_after);
        let words = Words::of(line)?;
        let words = words.list();
        if begins && words[0].keyword() == Some("release") {
            self.scenario.head = comment;
            if let Step::Release(release) = step(&words)? {
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

    /// `[may [N]] [CLIENT:] [if WORD | unless WORD] [! KIND | ?] STEP [as WORD]`
    fn prefixed(&mut self, words: &[Word<'_>]) -> Result<Line, Snag> {
        let end = end_of(words);
        let (may, words) = may(words)?;
        let (client, words) = match words.first().and_then(|word| word.strip_end(b':')) {
            Some(client) => (Some(client), &words[1..]),
            None => (None, words),
        };
        let (guard, words) = guard(words)?;
        let (outcome, words) = match words {
            [mark, rest @ ..] if mark.keyword() == Some("?") => (Outcome::Any, rest),
            [mark, rest @ ..] if mark.keyword() == Some("!") => {
                let missing = || Snag::new(end.clone(), "the kind of error is missing");
                let (kind, rest) = rest.split_first().ok_or_else(missing)?;
                (Outcome::Refused(refused(*kind)?), rest)
            }
            _ => (Outcome::Accepted, words),
        };
        let (remembers, words) = remembers(words, outcome)?;
        let [word, arguments @ ..] = words else {
            return Err(Snag::new(end, "a prefix without a step"));
        };
        if word.keyword() == Some("client") {
            self.client_missed = true;
        }
        if outcome != Outcome::Accepted
            && let Some(late) = word.strip_end(b':')
            && client.is_none()
        {
            let mark = if outcome == Outcome::Any { "?" } else { "! KIND" };
            return Err(late.snag("the client goes first").hint(format!("write `{late}: {mark} STEP`")));
        }
        if outcome != Outcome::Accepted && word.keyword() == Some("expect") {
            let snag = word.snag("`expect` is no step of a client, which could be refused");
            return Err(snag.hint("leave out what stands before it"));
        }
        if guard.is_some() && word.is_one_of(NO_STEPS_OF_CLIENTS) {
            return Err(word.snag(format!("`{word}` is no step of a client, which could be passed over")));
        }
        if let Some(guard) = &guard
            && client.is_none()
            && let Some(late) = word.strip_end(b':')
        {
            let guard_word = if guard.is_set { "if" } else { "unless" };
            let remembered = text::name(&guard.word);
            let hint = format!("write `{late}: {guard_word} {remembered} STEP`");
            return Err(late.snag("the client goes first").hint(hint));
        }
        let client = client.map(|part| self.declared(part)).transpose()?;
        let step = step(words).map_err(|snag| match &guard {
            // `if content put a`: the word is missing, and the step's own was taken for it.
            Some(guard) if forms().any(|form| form.step().as_bytes() == guard.word) => snag.hint(
                "behind `if` and `unless` stands a word by which something is remembered, then the step",
            ),
            _ => snag,
        });
        let step =
            step.map_err(|snag| match (client.is_none() || is_of_line(*word), self.out_of_place(*word)) {
                (true, Some(hint)) => snag.hint(hint),
                _ => snag,
            })?;
        if let Step::Client { name, .. } = &step {
            let first = *self.clients.entry(name.clone()).or_insert(self.number);
            self.client_missed = false;
            if first != self.number {
                let name = arguments[0];
                return Err(name.snag(format!("client `{name}` is declared twice, first in line {first}")));
            }
        }
        self.in_block(*word, &step, may.is_some())?;
        if let Step::Look(_) = step
            && remembers.is_none()
        {
            let snag = Snag::new(end, "`look` without a word to remember by");
            return Err(snag.hint("the form is: CLIENT: look NODE as WORD"));
        }
        Ok(Line { may, client, guard, outcome, remembers, ..Line::new(step) })
    }

    /// Whether a step may stand here: inside a `together` block, before it, or behind it.
    fn in_block(&mut self, word: Word<'_>, step: &Step, may: bool) -> Result<(), Snag> {
        let inside = matches!(self.together, Together::Inside(_));
        let refuse = |why: &str, hint: &str| Err(word.snag(format!("`{word}` {why}")).hint(hint.to_owned()));
        match step {
            Step::Together if may => return refuse("is nothing that may happen", "leave `may` out"),
            Step::Together => match std::mem::replace(&mut self.together, Together::Inside(self.number)) {
                Together::Before => {}
                Together::Inside(line) => {
                    return refuse("inside another", &format!("end the one of line {line} first"));
                }
                Together::Behind => return refuse("a second time", "a file has one such block"),
            },
            Step::End if !inside => return refuse("without a `together` above", "nothing is open here"),
            Step::End => self.together = Together::Behind,
            Step::Always(_) if !inside => {
                return refuse("outside of a `together` block", "elsewhere `expect` asserts");
            }
            Step::Client { .. } if inside => {
                return refuse("inside a `together` block", "declare every client above it");
            }
            Step::Now(_) if inside => {
                return refuse("inside a `together` block", "there the clock moves by `advance` alone");
            }
            Step::Expect(assertion) if inside && assertion.is_of_last_collection() => {
                let hint =
                    "assert `present`, `absent`, `stored` or `not-stored`: collections come at any moment";
                return refuse("of the last collection inside a `together` block", hint);
            }
            _ => {}
        }
        match step {
            _ if !may => Ok(()),
            _ if !inside => Err(word
                .snag("`may` outside of a `together` block")
                .hint("it stands before a step that comes at any moment, or never")),
            Step::Expect(_) | Step::Always(_) | Step::End | Step::Look(_) => {
                refuse("is nothing that may happen", "leave `may` out")
            }
            _ => Ok(()),
        }
    }

    /// What is said of a word that no step begins with, but that has a place elsewhere.
    fn out_of_place(&self, word: Word<'_>) -> Option<String> {
        let text = word.keyword().filter(|text| !forms().any(|form| form.step() == *text))?;
        if let Some(mark) = ["!", "?"].into_iter().find(|mark| text.starts_with(mark)) {
            return Some(format!("a blank is missing: `{mark} {}`", &text[mark.len()..]));
        }
        if let Some(place) = place_of(text) {
            return Some(place.to_owned());
        }
        if let Some((client, step)) = text.split_once(':') {
            return Some(format!("a blank is missing: `{client}: {step}`"));
        }
        if self.clients.contains_key(text.as_bytes()) {
            return Some(format!("a colon is missing: `{text}: ...`"));
        }
        if text.bytes().all(|byte| byte == b'-') {
            return Some("expected output stands below `---`".to_owned());
        }
        let is_below_block = self.scenario.lines.last().is_some_and(|last| last.expected.is_some());
        (is_below_block && OUTPUT_WORDS.contains(&text)).then(|| {
            "if it is expected output: that stands directly below `---`, up to the first empty line"
                .to_owned()
        })
    }

    /// A client's name before its step.
    fn declared(&self, part: Word<'_>) -> Result<Name, Snag> {
        let name = part.name()?;
        if self.clients.contains_key(&name) || self.client_missed {
            return Ok(name);
        }
        let known = self.clients.keys().filter_map(|known| str::from_utf8(known).ok());
        let snag = part.snag(format!("client `{part}` is not declared"));
        let snag = snag.suggest(&String::from_utf8_lossy(&name), known);
        Err(snag.or_hint(|| "declare it above: client CLIENT [namespace=NS] [lease=ID]".to_owned()))
    }

    fn finish(mut self) -> Result<Scenario, Flaws> {
        if self.flaws.is_empty() && !self.begun {
            self.flaws.push(located(1, b"", Snag::new(0..0, "the file has no steps")));
        }
        if let (Together::Inside(line), true) = (self.together, self.flaws.is_empty()) {
            let snag = Snag::new(0..0, "the `together` block is never closed");
            self.flaws.push(located(line, b"", snag.hint("write `end` below its last step")));
        }
        if !self.flaws.is_empty() {
            return Err(Flaws { list: self.flaws, cut: false });
        }
        self.scenario.tail = self.comment;
        Ok(self.scenario)
    }
}

/// A line that is not too long, as text.
fn text_of(line: &[u8]) -> Result<&str, Snag> {
    if line.len() > LINE_BYTES_MAX {
        let message = format!("the line has {} bytes, more than {LINE_BYTES_MAX}", line.len());
        return Err(Snag::new(LINE_BYTES_MAX..LINE_BYTES_MAX, message));
    }
    str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        let snag = Snag::new(at..at + 1, format!("the byte 0x{:02x} is not UTF-8", line[at]));
        snag.hint("in a name write it as \\x.. in quotes")
    })
}

/// From bytes of a line to characters.
fn located(number: usize, line: &[u8], snag: Snag) -> Flaw {
    let characters = |range: Range<usize>| String::from_utf8_lossy(&line[range]).chars().count();
    let column = characters(0..snag.at.start) + 1;
    let width = characters(snag.at).max(1);
    Flaw { line: number, column, width, message: snag.message, hint: snag.hint }
}

/// Steps that nobody does.
const NO_STEPS_OF_CLIENTS: &[&str] = &["client", "together", "end", "always"];

/// `may [N]` before a line.
fn may<'w, 'l>(words: &'w [Word<'l>]) -> Result<(Option<NonZeroU64>, &'w [Word<'l>]), Snag> {
    let [word, rest @ ..] = words else { return Ok((None, words)) };
    if word.keyword() != Some("may") {
        return Ok((None, words));
    }
    let times = rest.first().and_then(|times| times.keyword());
    match times.filter(|times| times.bytes().all(|byte| byte.is_ascii_digit())) {
        None => Ok((Some(NonZeroU64::MIN), rest)),
        Some(times) => match times.parse().ok().filter(|times: &NonZeroU64| times.get() <= MAY_MAX) {
            Some(times) => Ok((Some(times), &rest[1..])),
            None => Err(rest[0].snag(format!("`{times}` is no number from 1 to {MAY_MAX}"))),
        },
    }
}

/// Whether a word belongs to the line around a step.
fn is_of_line(word: Word<'_>) -> bool {
    word.keyword().and_then(place_of).is_some()
}

/// `if WORD` or `unless WORD` before a step.
fn guard<'w, 'l>(words: &'w [Word<'l>]) -> Result<(Option<Guard>, &'w [Word<'l>]), Snag> {
    let is_set = match words.first().and_then(|word| word.keyword()) {
        Some("if") => true,
        Some("unless") => false,
        _ => return Ok((None, words)),
    };
    let [named, word, rest @ ..] = words else {
        let named = words[0];
        let snag = Snag::new(end_of(words), format!("`{named}` without a word"));
        return Err(snag.hint(format!("the form is: CLIENT: {named} WORD STEP")));
    };
    if rest.is_empty() {
        return Err(Snag::new(end_of(words), format!("`{named} {word}` without a step")));
    }
    Ok((Some(Guard { word: word.exact()?, is_set }), rest))
}

/// `as WORD` behind a step whose answer is remembered.
fn remembers<'w, 'l>(
    words: &'w [Word<'l>],
    outcome: Outcome,
) -> Result<(Option<Name>, &'w [Word<'l>]), Snag> {
    let [before @ .., named, word] = words else { return Ok((None, words)) };
    let looks = before.first().is_some_and(|step| step.keyword() == Some("look"));
    if named.keyword() != Some("as") || !looks && outcome != Outcome::Any || before.is_empty() {
        return Ok((None, words));
    }
    Ok((Some(word.exact()?), before))
}

/// The end of a line, where something is missing.
fn end_of(words: &[Word<'_>]) -> Range<usize> {
    let end = words.last().map_or(0, |word| word.at().end);
    end..end
}

fn refused(word: Word<'_>) -> Result<Refused, Snag> {
    Refused::parse(word.keyword().unwrap_or_default()).map_err(|UnknownName { known, .. }| {
        let there_are = format!("there are {}", known.join(", "));
        let snag = word.snag(format!("unknown kind of error `{word}`"));
        snag.suggest(&word.to_string(), known).or_hint(|| there_are)
    })
}

fn step(words: &[Word<'_>]) -> Result<Step, Snag> {
    let (about, end) = (words[0], end_of(words));
    let of_step: Vec<&'static Row<Step>> =
        rows().filter(|row| about.keyword() == Some(row.form.step())).collect();
    let Some(first) = of_step.first() else {
        return Err(unknown_step(about));
    };
    let (row, arguments) = match first.form.sub_step() {
        None => (*first, &words[1..]),
        Some(_) => (sub_step(&of_step, words)?, &words[2..]),
    };
    (row.read)(&mut Arguments::new(arguments, end, &row.form))
}

/// Which of the steps about one thing it is: the second word says what is done.
fn sub_step(of_step: &[&'static Row<Step>], words: &[Word<'_>]) -> Result<&'static Row<Step>, Snag> {
    let sub_steps: Vec<&str> = of_step.iter().filter_map(|row| row.form.sub_step()).collect();
    let (step, there_are) = (of_step[0].form.step(), format!("there are {}", sub_steps.join(", ")));
    let Some(done) = words.get(1) else {
        let snag = Snag::new(end_of(words), format!("`{step}` without saying what to do"));
        return Err(snag.hint(there_are));
    };
    let found = of_step.iter().find(|row| done.keyword() == row.form.sub_step());
    found.copied().ok_or_else(|| {
        let near = nearest_step(&done.to_string(), &sub_steps);
        let hint = near.map_or(there_are, |near| format!("did you mean `{step} {near}`?"));
        let hint = why_no_step(step, &done.to_string()).map_or(hint, str::to_owned);
        done.snag(format!("unknown step `{step} {done}`")).hint(hint)
    })
}

/// Why there is no such step, where people look for one that containerd does not have.
fn why_no_step(step: &str, done: &str) -> Option<&'static str> {
    match (step, done) {
        ("lease", "update" | "label" | "renew" | "extend") => Some(
            "no daemon changes a lease once it is created, neither its labels nor its end: create another one \
             (`lease create ID expire=+1h`), add what it is to hold, and delete the old one",
        ),
        _ => None,
    }
}

/// The word of a step that is nearly this one, in whatever letters; of a verb another form.
fn nearest_step<'s>(written: &str, steps: &[&'s str]) -> Option<&'s str> {
    const FORMS: [(&str, &str); 4] =
        [("keep", "kept"), ("keeps", "kept"), ("remove", "removed"), ("store", "stored")];
    let lower = written.to_ascii_lowercase();
    let form = FORMS.into_iter().find(|(form, _)| *form == lower).map_or(&*lower, |(_, form)| form);
    let same = steps.iter().find(|step| **step == form).copied();
    same.or_else(|| nearest(&lower, steps.iter().copied()))
}

fn unknown_step(word: Word<'_>) -> Snag {
    let snag = word.snag(format!("unknown step `{word}`"));
    // `prepare` alone is a part of a step that exists.
    if let Some(form) = forms().find(|form| form.sub_step().is_some_and(|done| word.keyword() == Some(done)))
    {
        let words: Vec<&str> = form.words().collect();
        return snag.hint(format!("did you mean `{}`?", words.join(" ")));
    }
    let mut steps: Vec<&str> = forms().map(Form::step).collect();
    steps.dedup();
    let near = nearest_step(&word.to_string(), &steps);
    let snag = match near {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => snag,
    };
    snag.or_hint(|| format!("there are {}", steps.join(", ")))
}

const _: () = assert!(LINE_BYTES_MAX < u32::MAX as usize);
