//! What stands behind a step's own words, taken part by part.
//!
//! Words are taken one after the other. The first part that is an option, a flag or labels reads the rest of the line,
//! in which they stand in any order, each at most once; what the form does not know is refused there.

use super::data::{Labels, Name};
use super::flaw::Problem;
use super::form::{Form, Shape};
use super::words::{Snag, Word, Words, shown};
use crate::named::nearest;
use std::ops::Range;

/// A line's words from a place on.
pub(super) struct Arguments<'a> {
    words: &'a Words<'a>,
    index: usize,
    form: &'static Form,
    rest: Option<Rest<'a>>,
}

/// What stands behind the words.
#[derive(Default)]
struct Rest<'a> {
    options: Vec<(&'static str, Word<'a>)>,
    flags: Vec<&'static str>,
    labels: Labels,
}

impl<'a> Arguments<'a> {
    /// Those of a step with this form, from a word on.
    pub(super) fn new(words: &'a Words<'a>, index: usize, form: &'static Form) -> Arguments<'a> {
        Arguments { words, index, form, rest: None }
    }

    fn usage(&self, snag: Snag) -> Snag {
        snag.or_hint(|| format!("the form is: {}", self.form.usage()))
    }

    /// That something which the form has is not there.
    pub(super) fn missing(&self, what: &str) -> Snag {
        let choices: Vec<&str> = what.split('|').collect();
        let what = match &choices[..] {
            [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
            _ => what.to_owned(),
        };
        self.usage(Snag::new(self.words.end(), Problem::Missing { what }))
    }

    /// The next word, which must be there and no option.
    pub(super) fn next(&mut self, what: &'static str) -> Result<Word<'a>, Snag> {
        let Some(word) = self.words.get(self.index) else {
            return Err(self.missing(what));
        };
        if word.split(b'=').is_some() {
            let snag = word.snag(Problem::OptionFound { what, found: word.shown() });
            return Err(snag.hint("a name with `=` in it is written in quotes"));
        }
        self.index += 1;
        Ok(word)
    }

    /// Whether the next word is there and no option.
    pub(super) fn has_word(&self) -> bool {
        self.words.get(self.index).is_some_and(|word| word.split(b'=').is_none())
    }

    /// The next word if it is an option, whatever the form says: what stands before and behind its `=`.
    pub(super) fn option(&mut self) -> Option<(Word<'a>, Word<'a>)> {
        let option = self.words.get(self.index)?.split(b'=')?;
        self.index += 1;
        Some(option)
    }

    /// The value of an option of the form, such as `size=N`.
    pub(super) fn take(&mut self, option: &'static str) -> Result<Option<Word<'a>>, Snag> {
        let options = &self.rest()?.options;
        Ok(options.iter().find(|(name, _)| *name == name_of(option)).map(|(_, value)| *value))
    }

    /// Whether a flag is set.
    pub(super) fn has_flag(&mut self, flag: &str) -> Result<bool, Snag> {
        Ok(self.rest()?.flags.contains(&flag))
    }

    /// The labels.
    pub(super) fn labels(&mut self) -> Result<Labels, Snag> {
        Ok(std::mem::take(&mut self.rest()?.labels))
    }

    /// Refuses what no part took.
    pub(super) fn end(&mut self) -> Result<(), Snag> {
        self.rest().map(|_| ())
    }

    fn rest(&mut self) -> Result<&mut Rest<'a>, Snag> {
        let rest = match self.rest.take() {
            Some(rest) => rest,
            None => self.read_rest()?,
        };
        Ok(self.rest.insert(rest))
    }

    fn read_rest(&mut self) -> Result<Rest<'a>, Snag> {
        let shapes = (self.form.shapes)();
        let (mut known, mut flags, mut with_labels) = (Vec::new(), Vec::new(), false);
        for shape in &shapes {
            match shape {
                Shape::Words(_) => {}
                Shape::Option { form, .. } => known.push(name_of(form)),
                Shape::Flag(flag) => flags.push(*flag),
                Shape::Labels { .. } => with_labels = true,
            }
        }
        let mut rest = Rest::default();
        let mut labels: Vec<(Name, Name)> = Vec::new();
        let mut places: Vec<Range<usize>> = Vec::new();
        while let Some(word) = self.words.get(self.index) {
            self.index += 1;
            let Some((key, value)) = word.split(b'=') else {
                let flag = flags.iter().find(|flag| word.keyword() == Some(flag));
                let flag = *flag.ok_or_else(|| self.usage(unexpected(word, &known, &flags)))?;
                if rest.flags.contains(&flag) {
                    return Err(word.snag(Problem::Twice { option: flag.to_owned() }));
                }
                rest.flags.push(flag);
                continue;
            };
            if with_labels && let Some(label) = label_key(key)? {
                labels.push((label, value.name()?));
                places.push(key.at());
                continue;
            }
            let name = known.iter().find(|name| key.keyword() == Some(name));
            let name = *name.ok_or_else(|| self.usage(unknown_option(key, &known, with_labels)))?;
            if rest.options.iter().any(|(other, _)| *other == name) {
                return Err(key.snag(Problem::Twice { option: name.to_owned() }));
            }
            rest.options.push((name, value));
        }
        rest.labels = unique(labels, &places)?;
        Ok(rest)
    }
}

/// The name of an option, of `size=N` the `size`.
fn name_of(option: &'static str) -> &'static str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

/// Sorted, and refused if one stands there twice.
fn unique(labels: Vec<(Name, Name)>, places: &[Range<usize>]) -> Result<Labels, Snag> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|left, right| labels[*left].0.cmp(&labels[*right].0));
    let twice = order.windows(2).filter(|pair| labels[pair[0]].0 == labels[pair[1]].0);
    if let Some(again) = twice.map(|pair| pair[1]).min() {
        let option = shown(&String::from_utf8_lossy(&labels[again].0));
        return Err(Snag::new(places[again].clone(), Problem::Twice { option }));
    }
    Ok(labels.into_iter().collect())
}

/// The key of a label: in quotes any bytes, else with a `.` or `/`; `gc.` is short for `containerd.io/gc.`.
fn label_key(key: Word<'_>) -> Result<Option<Name>, Snag> {
    let Some(text) = key.keyword() else {
        return key.exact().map(Some);
    };
    if !text.contains(['.', '/']) {
        return Ok(None);
    }
    let key = key.exact()?;
    Ok(Some(if text.starts_with("gc.") { [b"containerd.io/", key.as_slice()].concat() } else { key }))
}

fn unexpected(word: Word<'_>, known: &[&'static str], flags: &[&'static str]) -> Snag {
    let snag = word.snag(Problem::Unexpected { word: word.shown() });
    if known.iter().any(|name| word.keyword() == Some(name)) {
        return snag.hint(format!("the option {} needs a value: {}=...", word.shown(), word.shown()));
    }
    suggested(snag, &word.shown(), flags.iter().copied())
}

/// That an option is none of those that are known.
pub(super) fn unknown_option(key: Word<'_>, known: &[&'static str], with_labels: bool) -> Snag {
    let snag = key.snag(Problem::UnknownOption { option: key.shown() });
    let snag = suggested(snag, &key.shown(), known.iter().copied());
    if !with_labels {
        return snag;
    }
    snag.or_hint(|| format!("a label without `.` or `/` is written in quotes: \"{}\"=...", key.shown()))
}

/// A flaw with the word that was probably meant, if there is one.
pub(super) fn suggested<'w>(snag: Snag, written: &str, words: impl IntoIterator<Item = &'w str>) -> Snag {
    match nearest(written, words) {
        Some(near) => snag.hint(format!("did you mean `{near}`?")),
        None => snag,
    }
}
