//! What a step looks like, on one line, and what that line lets stand in its place.
//!
//! ```text
//!     content commit REF DIGEST [size=N] [LABEL=VALUE...]
//!     ───────┬────── ─┬─ ──┬─── ───┬──── ───────┬────────
//!        its words    └────┴───────┴────────────┴ its slots, one for each thing that the step carries
//! ```
//!
//! What stands in small letters is written as it is. Capitals stand for what the writer chooses, and say how it is
//! written ([`Name`](super::Name) has several ways); `a|b` is one of these. Brackets stand around what may be left out,
//! dots behind what may come several times.

/// The form of one step.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The whole form, as the manual has it.
    pub usage: &'static str,
    /// One line that parses.
    pub example: &'static str,
}

impl Form {
    /// The words that such a step begins with.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        own_words(self.usage)
    }

    /// What it is about.
    pub fn step(&self) -> &'static str {
        self.words().next().expect("a form begins with a word of its own")
    }

    /// What is done, where there is a choice.
    pub fn sub_step(&self) -> Option<&'static str> {
        self.words().nth(1)
    }

    /// Its slots, in the order of the fields.
    pub(super) fn slots(&self) -> Slots {
        Slots::of(self.usage)
    }
}

/// The words that a form begins with.
pub(super) fn own_words(usage: &'static str) -> impl Iterator<Item = &'static str> {
    usage.split(' ').take_while(|word| is_small(word))
}

/// The slots of a form that are left.
#[derive(Clone)]
pub(super) struct Slots(&'static str);

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        while !self.0.is_empty() {
            let (word, rest) = self.0.split_once(' ').unwrap_or((self.0, ""));
            self.0 = rest;
            if !is_small(word) {
                return Some(Slot::of(word));
            }
        }
        None
    }
}

impl Slots {
    /// Those of a form.
    pub(super) fn of(usage: &'static str) -> Slots {
        Slots(usage)
    }

    /// The slot of the next field.
    pub(super) fn of_field(&mut self) -> Slot {
        self.next().expect("a form has a slot for every field of its step")
    }
}

/// One place of a form.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Without brackets and dots: `REF`, `size=N`, `flat`.
    pub(super) text: &'static str,
    /// It cannot be left out.
    pub(super) is_needed: bool,
    /// It may come several times.
    pub(super) is_list: bool,
}

impl Slot {
    fn of(word: &'static str) -> Slot {
        let inner = word.trim_matches(['[', ']']);
        let text = inner.trim_end_matches('.');
        Slot { text, is_needed: inner == word, is_list: text != inner }
    }

    /// The option that it is a value of: of `size=N` the `size`.
    pub(super) fn option(self) -> Option<&'static str> {
        let (name, _) = self.text.split_once('=')?;
        is_small(name).then_some(name)
    }

    /// What the writer chooses: of `size=N` the `N`.
    pub(super) fn capitals(self) -> &'static str {
        self.option().map_or(self.text, |name| &self.text[name.len() + 1..])
    }

    /// Whether it is a word that is there or not.
    pub(super) fn is_flag(self) -> bool {
        is_small(self.text)
    }

    /// Whether it is for labels.
    pub(super) fn is_labels(self) -> bool {
        self.text == "LABEL=VALUE"
    }
}

fn is_small(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}
