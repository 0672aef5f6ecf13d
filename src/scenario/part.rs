//! Parts of steps: what a row of the table is made of.
//!
//! ```text
//!     content commit REF DIGEST [size=N] [LABEL=VALUE...]
//!                    ─┬─ ──┬─── ────┬─── ──────┬────────
//!                     │    │        │          └ LABELS
//!                     │    │        └ Maybe("size=N", SIGNED)
//!                     │    └ One("DIGEST", DIGEST)
//!                     └ One("REF", NAME)
//! ```
//!
//! A part knows everything about its place in a step: what its form looks like, how it is read and written, how it is
//! drawn from bytes, and what can be left out of it. What stands in its place is a [`Value`]'s to know.
//!
//! Words come first and in their order; options, flags and labels behind them in any order. Printed, labels stand last.

use super::arguments::Arguments;
use super::data::{EachName, Labels, Name, RawValue};
use super::form::Shape;
use super::quote::Printed;
use super::value::{self, Value};
use super::words::Snag;
use arbitrary::{Result as Drawn, Unstructured};

/// What a part looks like, whatever it carries.
pub(super) trait Shaped {
    /// Its shape; those of all its parts if it has some.
    fn shapes(&self) -> Vec<Shape>;
}

/// A part that carries a `T`.
pub(super) trait Part<T>: Shaped {
    /// Takes it from a line.
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<T, Snag>;
    /// Adds it to a line.
    fn write(&self, value: &T, out: &mut Printed);
    /// Draws one.
    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<T>;
    /// Hands out every name in it.
    fn each_name(&self, _: &mut T, _: EachName<'_>) {}
    /// The same with one thing less, or said more simply.
    fn simpler(&self, _: &T) -> Vec<T> {
        Vec::new()
    }
}

/// A word that must be there.
pub(super) struct One<T: 'static>(pub(super) &'static str, pub(super) Value<T>);

/// Words, at least one.
pub(super) struct Many<T: 'static>(pub(super) &'static str, pub(super) Value<T>);

/// An option that may be left out.
pub(super) struct Maybe<T: 'static>(pub(super) &'static str, pub(super) Value<T>);

/// An option that must be there.
pub(super) struct Always<T: 'static>(pub(super) &'static str, pub(super) Value<T>);

/// An option that stands for the last of these if it is left out.
pub(super) struct Else<T: 'static>(pub(super) &'static str, pub(super) Value<T>, pub(super) T);

/// A word that is there or not.
pub(super) struct Flag(pub(super) &'static str);

/// A value of a raw edit: `VALUE|time=TIME|varint=N`.
pub(super) struct Raw;

/// Labels.
pub(super) struct LabelList {
    is_needed: bool,
}

/// Labels that may be left out.
pub(super) const LABELS: LabelList = LabelList { is_needed: false };

/// Labels without which a step says nothing; the daemon is asked all the same.
pub(super) const LABELS_NEEDED: LabelList = LabelList { is_needed: true };

impl<T> Shaped for One<T> {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Words(self.0.to_owned())]
    }
}

impl<T> Part<T> for One<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<T, Snag> {
        (self.1.read)(arguments.next(self.0)?)
    }

    fn write(&self, value: &T, out: &mut Printed) {
        out.word(&(self.1.write)(value));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<T> {
        (self.1.draw)(u)
    }

    fn each_name(&self, value: &mut T, each: EachName<'_>) {
        (self.1.each_name)(value, each);
    }

    fn simpler(&self, value: &T) -> Vec<T> {
        (self.1.simpler)(value)
    }
}

impl<T> Shaped for Many<T> {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Words(format!("{}...", self.0))]
    }
}

impl<T: Clone> Part<Vec<T>> for Many<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<Vec<T>, Snag> {
        let mut list = vec![(self.1.read)(arguments.next(self.0)?)?];
        while arguments.has_word() {
            list.push((self.1.read)(arguments.next(self.0)?)?);
        }
        Ok(list)
    }

    fn write(&self, list: &Vec<T>, out: &mut Printed) {
        list.iter().for_each(|value| out.word(&(self.1.write)(value)));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<Vec<T>> {
        (0..u.int_in_range(1..=4)?).map(|_| (self.1.draw)(u)).collect()
    }

    fn each_name(&self, list: &mut Vec<T>, each: EachName<'_>) {
        list.iter_mut().for_each(|value| (self.1.each_name)(value, each));
    }

    /// It needs one.
    fn simpler(&self, list: &Vec<T>) -> Vec<Vec<T>> {
        let without = |at| [&list[..at], &list[at + 1..]].concat();
        if list.len() > 1 { (0..list.len()).map(without).collect() } else { Vec::new() }
    }
}

impl<T> Shaped for Maybe<T> {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Option { form: self.0, is_needed: false }]
    }
}

impl<T> Part<Option<T>> for Maybe<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<Option<T>, Snag> {
        arguments.take(self.0)?.map(self.1.read).transpose()
    }

    fn write(&self, value: &Option<T>, out: &mut Printed) {
        value.iter().for_each(|value| out.option(self.0, &(self.1.write)(value)));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<Option<T>> {
        if u.arbitrary()? { (self.1.draw)(u).map(Some) } else { Ok(None) }
    }

    fn each_name(&self, value: &mut Option<T>, each: EachName<'_>) {
        value.iter_mut().for_each(|value| (self.1.each_name)(value, each));
    }

    fn simpler(&self, value: &Option<T>) -> Vec<Option<T>> {
        let said = |value| (self.1.simpler)(value).into_iter().map(Some);
        value.iter().flat_map(|value| std::iter::once(None).chain(said(value))).collect()
    }
}

impl<T> Shaped for Always<T> {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Option { form: self.0, is_needed: true }]
    }
}

impl<T> Part<T> for Always<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<T, Snag> {
        match arguments.take(self.0)? {
            Some(word) => (self.1.read)(word),
            None => Err(arguments.missing(self.0)),
        }
    }

    fn write(&self, value: &T, out: &mut Printed) {
        out.option(self.0, &(self.1.write)(value));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<T> {
        (self.1.draw)(u)
    }

    fn each_name(&self, value: &mut T, each: EachName<'_>) {
        (self.1.each_name)(value, each);
    }

    fn simpler(&self, value: &T) -> Vec<T> {
        (self.1.simpler)(value)
    }
}

/// For data that other steps may leave out: it is read and drawn, but what lacks it is written without.
impl<T> Part<Option<T>> for Always<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<Option<T>, Snag> {
        Part::<T>::read(self, arguments).map(Some)
    }

    fn write(&self, value: &Option<T>, out: &mut Printed) {
        value.iter().for_each(|value| Part::<T>::write(self, value, out));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<Option<T>> {
        Part::<T>::draw(self, u).map(Some)
    }

    fn each_name(&self, value: &mut Option<T>, each: EachName<'_>) {
        value.iter_mut().for_each(|value| Part::<T>::each_name(self, value, each));
    }

    fn simpler(&self, value: &Option<T>) -> Vec<Option<T>> {
        value.iter().flat_map(|value| Part::<T>::simpler(self, value)).map(Some).collect()
    }
}

impl<T> Shaped for Else<T> {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Option { form: self.0, is_needed: false }]
    }
}

impl<T: Copy + PartialEq> Part<T> for Else<T> {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<T, Snag> {
        arguments.take(self.0)?.map_or(Ok(self.2), self.1.read)
    }

    fn write(&self, value: &T, out: &mut Printed) {
        if *value != self.2 {
            out.option(self.0, &(self.1.write)(value));
        }
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<T> {
        if u.arbitrary()? { (self.1.draw)(u) } else { Ok(self.2) }
    }

    fn each_name(&self, value: &mut T, each: EachName<'_>) {
        (self.1.each_name)(value, each);
    }

    fn simpler(&self, value: &T) -> Vec<T> {
        if *value == self.2 { Vec::new() } else { vec![self.2] }
    }
}

impl Shaped for Flag {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Flag(self.0)]
    }
}

impl Part<bool> for Flag {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<bool, Snag> {
        arguments.has_flag(self.0)
    }

    fn write(&self, is_set: &bool, out: &mut Printed) {
        if *is_set {
            out.word(self.0);
        }
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<bool> {
        u.arbitrary()
    }

    fn simpler(&self, is_set: &bool) -> Vec<bool> {
        if *is_set { vec![false] } else { Vec::new() }
    }
}

impl Shaped for LabelList {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Labels { is_needed: self.is_needed }]
    }
}

impl Part<Labels> for LabelList {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<Labels, Snag> {
        arguments.labels()
    }

    fn write(&self, labels: &Labels, out: &mut Printed) {
        out.labels(labels);
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<Labels> {
        value::draw_labels(u)
    }

    /// The keys of labels are words and no names.
    fn each_name(&self, labels: &mut Labels, each: EachName<'_>) {
        labels.for_each_value(each);
    }

    fn simpler(&self, labels: &Labels) -> Vec<Labels> {
        let without = |(key, _): &(Name, Name)| {
            let mut fewer = labels.clone();
            fewer.remove(key);
            fewer
        };
        labels.as_slice().iter().map(without).collect()
    }
}

impl Shaped for Raw {
    fn shapes(&self) -> Vec<Shape> {
        vec![Shape::Words("VALUE|time=TIME|varint=N".to_owned())]
    }
}

impl Part<RawValue> for Raw {
    fn read(&self, arguments: &mut Arguments<'_>) -> Result<RawValue, Snag> {
        value::read_raw(arguments)
    }

    fn write(&self, value: &RawValue, out: &mut Printed) {
        out.word(&value::write_raw(value));
    }

    fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<RawValue> {
        value::draw_raw(u)
    }

    fn each_name(&self, value: &mut RawValue, each: EachName<'_>) {
        if let RawValue::Bytes(bytes) = value {
            each(bytes);
        }
    }
}
