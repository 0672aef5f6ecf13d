//! What stands behind a step's own words, taken part by part.
//!
//! Words are taken one after the other. Options, flags and labels are taken from wherever they stand behind them, each at
//! most once; what is left in the end is refused.

use super::data::{Labels, Name};
use super::form::{Form, Slot};
use super::words::{Snag, Word, place_of, shown};
use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::Range;

/// The words behind a step's own.
pub(super) struct Arguments<'a> {
    words: Vec<Word<'a>>,
    /// How many of them are taken as words.
    taken: usize,
    /// The end of the line, where something is missing.
    end: Range<usize>,
    form: &'static Form,
}

impl<'a> Arguments<'a> {
    /// Those of a step with this form.
    pub(super) fn new(words: &[Word<'a>], end: Range<usize>, form: &'static Form) -> Arguments<'a> {
        Arguments { words: words.to_vec(), taken: 0, end, form }
    }

    /// That something which the form needs is not there.
    pub(super) fn missing(&self, slot: Slot) -> Snag {
        let what = match slot.text.rsplit_once('|') {
            Some((most, last)) => format!("{} or {last}", most.replace('|', ", ")),
            None => slot.text.to_owned(),
        };
        Snag::new(self.end.clone(), format!("{what} is missing")).hint(self.usage())
    }

    /// The next word, which must be there, and no option unless the form has one in its place.
    pub(super) fn word(&mut self, slot: Slot) -> Result<Word<'a>, Snag> {
        let word = *self.words.get(self.taken).ok_or_else(|| self.missing(slot))?;
        if word.split(b'=').is_some() && !slot.text.contains('=') {
            let snag = word.snag(format!("{} is missing: `{word}` is an option", slot.text));
            return Err(snag.hint("a name with `=` in it is written in quotes"));
        }
        self.taken += 1;
        Ok(word)
    }

    /// Whether the next word is there and no option.
    pub(super) fn has_word(&self) -> bool {
        self.words.get(self.taken).is_some_and(|word| word.split(b'=').is_none())
    }

    /// Whether the next word is this keyword.
    pub(super) fn is_next(&self, keyword: &str) -> bool {
        self.words.get(self.taken).is_some_and(|word| word.keyword() == Some(keyword))
    }

    /// The value of an option.
    pub(super) fn option(&mut self, name: &str) -> Result<Option<Word<'a>>, Snag> {
        let option = self.once(name, |word| word.split(b'=').map(|(key, _)| key))?;
        Ok(option.and_then(|word| word.split(b'=')).map(|(_, value)| value))
    }

    /// A flag.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<Word<'a>>, Snag> {
        self.once(name, Some)
    }

    /// Takes what has this name, which may stand there once.
    fn once(
        &mut self,
        name: &str,
        named: fn(Word<'a>) -> Option<Word<'a>>,
    ) -> Result<Option<Word<'a>>, Snag> {
        self.end()?;
        let is_it = |word: &mut Word<'a>| named(*word).and_then(Word::keyword) == Some(name);
        let mut found = self.words.extract_if(self.taken.., is_it);
        let first = found.next();
        match found.next().and_then(named) {
            Some(again) => Err(again.snag(format!("`{name}` is given twice"))),
            None => Ok(first),
        }
    }

    /// The labels.
    pub(super) fn labels(&mut self) -> Result<Labels, Snag> {
        self.end()?;
        let is_label = |word: &mut Word<'a>| word.split(b'=').is_some_and(|(key, _)| is_label_key(key));
        let mut labels: BTreeMap<Name, Name> = BTreeMap::new();
        for (key, value) in self.words.extract_if(self.taken.., is_label).filter_map(|word| word.split(b'='))
        {
            match labels.entry(label_key(key)?) {
                Entry::Vacant(label) => drop(label.insert(value.name()?)),
                Entry::Occupied(label) => {
                    let shown = shown(&String::from_utf8_lossy(label.key()));
                    return Err(key.snag(format!("`{shown}` is given twice")));
                }
            }
        }
        Ok(labels.into_iter().collect())
    }

    /// Refuses the first word that the form has no place for.
    pub(super) fn end(&self) -> Result<(), Snag> {
        let slots = self.form.slots();
        let with_labels = slots.clone().any(Slot::is_labels);
        let options: Vec<&str> = slots.clone().filter_map(Slot::option).collect();
        let flags: Vec<&str> = slots.filter(|slot| slot.is_flag()).map(|slot| slot.text).collect();
        for word in &self.words[self.taken..] {
            let unexpected = || word.snag(format!("unexpected `{word}`"));
            return Err(match word.split(b'=') {
                Some((key, _)) if key.is_one_of(&options) || with_labels && is_label_key(key) => continue,
                Some((key, _)) if key.is_one_of(&flags) => unexpected().hint(format!("`{key}` stands alone")),
                Some((key, _)) if with_labels && key.keyword() == Some("root") => {
                    unknown_option(key, &[]).hint("the label is gc.root=...")
                }
                Some((key, _)) if with_labels => unknown_option(key, &options)
                    .or_hint(|| format!("a label without `.` or `/` is written in quotes: \"{key}\"=...")),
                Some((key, _)) => unknown_option(key, &options).or_hint(|| self.usage()),
                None if word.is_one_of(&flags) => continue,
                None if word.is_one_of(&options) => {
                    unexpected().hint(format!("the option {word} needs a value: {word}=..."))
                }
                None => match word.keyword().and_then(place_of) {
                    Some(place) => unexpected().hint(place),
                    None => unexpected().suggest(&word.to_string(), flags).or_hint(|| self.usage()),
                },
            });
        }
        Ok(())
    }

    fn usage(&self) -> String {
        format!("the form is: {}", self.form.usage)
    }
}

/// That an option is none of those that there are.
pub(super) fn unknown_option(key: Word<'_>, options: &[&str]) -> Snag {
    key.snag(format!("unknown option `{key}`")).suggest(&key.to_string(), options.iter().copied())
}

/// In quotes any bytes, else with a `.` or `/`, which no option has.
fn is_label_key(key: Word<'_>) -> bool {
    key.keyword().is_none_or(|text| text.contains(['.', '/']))
}

/// `gc.` is short for `containerd.io/gc.`.
fn label_key(key: Word<'_>) -> Result<Name, Snag> {
    let name = key.exact()?;
    let is_short = key.keyword().is_some_and(|text| text.starts_with("gc."));
    Ok(if is_short { [b"containerd.io/", name.as_slice()].concat() } else { name })
}
