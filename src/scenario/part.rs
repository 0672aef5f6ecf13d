//! Parts of steps: what a field does with the slot that its form has for it.
//!
//! ```text
//!     lease create ID [expire=E] [flat] [LABEL=VALUE...]
//!                  ─┬ ────┬───── ──┬─── ───────┬────────
//!                   │     │        │           └ Labels
//!                   │     │        └ bool
//!                   │     └ Option<Expiry>
//!                   └ Name
//! ```
//!
//! The type of a field says what it carries and whether it can be absent, the form how that is written. A part is read
//! from a line and written to one, drawn from bytes, and knows what can be left out of it; what one value looks like is
//! the [`Value`](super::value::Value)'s to know.
//!
//! Words come first and in their order; options, flags and labels behind them in any order. Printed, labels stand last.

use super::arguments::Arguments;
use super::data::{EachName, Labels, NodeName, Resource};
use super::form::Slots;
use super::quote::Printed;
use super::value::{Valued, draw_labels};
use super::words::Snag;
use arbitrary::{Result as Drawn, Unstructured};
use std::ops::Range;

/// What can be a field of a step. It takes its slot, or as many slots as it has parts itself.
pub(super) trait Part: Sized {
    /// Takes it from a line.
    fn read(slots: &mut Slots, arguments: &mut Arguments<'_>) -> Result<Self, Snag>;
    /// Adds it to a line.
    fn write(&self, slots: &mut Slots, out: &mut Printed);
    /// Draws one.
    fn draw(slots: &mut Slots, u: &mut Unstructured<'_>) -> Drawn<Self>;
    /// Hands out every name in it.
    fn each_name(&mut self, slots: &mut Slots, each: EachName<'_>);
    /// The same with one thing less, or said more simply.
    fn simpler(&self, slots: &mut Slots) -> Vec<Self>;

    /// The labels in it.
    fn labels_mut(&mut self) -> Option<&mut Labels> {
        None
    }
}

/// How many values of a sort a field holds: one, at most one, or a list.
trait Held: Sized {
    type One: Valued;
    fn of(values: Vec<Self::One>) -> Self;
    fn values(&self) -> &[Self::One];
    fn values_mut(&mut self) -> &mut [Self::One];
}

impl<T: Valued> Held for T {
    type One = T;

    fn of(mut values: Vec<T>) -> T {
        values.pop().expect("a field that always holds a value has a slot that needs one")
    }

    fn values(&self) -> &[T] {
        std::slice::from_ref(self)
    }

    fn values_mut(&mut self) -> &mut [T] {
        std::slice::from_mut(self)
    }
}

impl<T: Valued> Held for Option<T> {
    type One = T;

    fn of(mut values: Vec<T>) -> Option<T> {
        values.pop()
    }

    fn values(&self) -> &[T] {
        self.as_slice()
    }

    fn values_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

/// A list of names is not among these: it is one path.
macro_rules! lists {
    ($($type:ty),+) => {$(
        impl Held for Vec<$type> {
            type One = $type;

            fn of(values: Vec<$type>) -> Vec<$type> {
                values
            }

            fn values(&self) -> &[$type] {
                self
            }

            fn values_mut(&mut self) -> &mut [$type] {
                self
            }
        }
    )+};
}

lists!(NodeName, Resource);

/// A flag is there or not, and says nothing else.
impl Held for bool {
    type One = ();

    fn of(values: Vec<()>) -> bool {
        !values.is_empty()
    }

    fn values(&self) -> &[()] {
        if *self { &[()] } else { &[] }
    }

    fn values_mut(&mut self) -> &mut [()] {
        &mut []
    }
}

/// Words, an option or a flag.
impl<H: Held> Part for H {
    fn read(slots: &mut Slots, arguments: &mut Arguments<'_>) -> Result<H, Snag> {
        let slot = slots.of_field();
        let read = H::One::value(slot).read;
        let mut values = Vec::new();
        if let Some(option) = slot.option() {
            values.extend(arguments.option(option)?.map(read).transpose()?);
        } else if slot.is_flag() {
            values.extend(arguments.flag(slot.text)?.map(read).transpose()?);
        } else {
            while values.is_empty() || slot.is_list && arguments.has_word() {
                values.push(read(arguments.word(slot)?)?);
            }
        }
        if values.is_empty() && slot.is_needed {
            return Err(arguments.missing(slot));
        }
        Ok(H::of(values))
    }

    fn write(&self, slots: &mut Slots, out: &mut Printed) {
        let slot = slots.of_field();
        for value in self.values() {
            let text = (H::One::value(slot).write)(value);
            match slot.option() {
                Some(option) => out.word(format!("{option}={text}")),
                None if slot.is_flag() => out.word(slot.text),
                None => out.word(text),
            }
        }
    }

    fn draw(slots: &mut Slots, u: &mut Unstructured<'_>) -> Drawn<H> {
        let slot = slots.of_field();
        let count = match slot.is_list {
            true => u.int_in_range(1..=4)?,
            false => u8::from(slot.is_needed || u.arbitrary()?),
        };
        let values: Drawn<Vec<H::One>> = (0..count).map(|_| (H::One::value(slot).draw)(u)).collect();
        values.map(H::of)
    }

    fn each_name(&mut self, slots: &mut Slots, each: EachName<'_>) {
        let each_name = H::One::value(slots.of_field()).each_name;
        self.values_mut().iter_mut().for_each(|value| each_name(value, each));
    }

    fn simpler(&self, slots: &mut Slots) -> Vec<H> {
        let slot = slots.of_field();
        let values = self.values();
        let mut simpler = Vec::new();
        if values.len() > usize::from(slot.is_needed) {
            let without = |run: Range<usize>| [&values[..run.start], &values[run.end..]].concat();
            simpler.extend(runs(values.len()).chain(single(values.len())).map(without));
        }
        for (at, value) in values.iter().enumerate() {
            for said in (H::One::value(slot).simpler)(value) {
                let mut values = values.to_vec();
                values[at] = said;
                simpler.push(values);
            }
        }
        simpler.into_iter().map(H::of).collect()
    }
}

/// What may go at once of a long list: each half, each quarter and so on.
fn runs(length: usize) -> impl Iterator<Item = Range<usize>> {
    const SHORTEST: usize = 4;
    let lengths = std::iter::successors(Some(length / 2), |run| Some(run / 2));
    let lengths = lengths.take_while(|run| *run >= SHORTEST);
    lengths.flat_map(move |run| (0..length).step_by(run).map(move |start| start..length.min(start + run)))
}

/// Each by itself.
fn single(length: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).map(|at| at..at + 1)
}

/// A step that says nothing without labels can be written without them all the same: it is the daemon that refuses it.
impl Part for Labels {
    fn read(slots: &mut Slots, arguments: &mut Arguments<'_>) -> Result<Labels, Snag> {
        slots.of_field();
        arguments.labels()
    }

    fn write(&self, slots: &mut Slots, out: &mut Printed) {
        slots.of_field();
        out.labels(self);
    }

    fn draw(slots: &mut Slots, u: &mut Unstructured<'_>) -> Drawn<Labels> {
        slots.of_field();
        draw_labels(u)
    }

    /// The keys of labels are words and no names.
    fn each_name(&mut self, slots: &mut Slots, each: EachName<'_>) {
        slots.of_field();
        self.for_each_value(each);
    }

    fn simpler(&self, slots: &mut Slots) -> Vec<Labels> {
        slots.of_field();
        let labels = self.as_slice();
        let without =
            |run: Range<usize>| labels[..run.start].iter().chain(&labels[run.end..]).cloned().collect();
        runs(labels.len()).chain(single(labels.len())).map(without).collect()
    }

    fn labels_mut(&mut self) -> Option<&mut Labels> {
        Some(self)
    }
}
