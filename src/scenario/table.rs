//! The table of steps, as a form of this language: one row makes the data, the text, the drawing and the shrinking.
//!
//! ```text
//!     /// Opens a writer.                                            what it is
//!     "content open REF [expect=DIGEST] [size=N]"                    its form
//!         => ContentOpen { reference: Name, expected: Option<Name>, size: Option<i64> },
//!                                                                    its variant, a field for each slot of the form
//!         as in "content open upload expect=layer size=12";          one line that parses, as it is printed
//! ```
//!
//! A variant may also have one field without a name, `Now(now: Instant)`, or none.

use super::arguments::Arguments;
use super::form::Form;
use super::words::Snag;
use arbitrary::{Result as Drawn, Unstructured};

/// A row, as far as it makes steps.
pub(super) struct Row<S: 'static> {
    /// What it looks like.
    pub(super) form: Form,
    /// From text.
    pub(super) read: fn(&mut Arguments<'_>) -> Result<S, Snag>,
    /// From bytes.
    pub(super) draw: fn(&mut Unstructured<'_>) -> Drawn<S>,
}

/// Makes an enum out of rows. `with Expect(Assertion)` adds a variant whose rows stand in another table.
macro_rules! table {
    (
        $(#[$about:meta])* enum $table:ident $(with $outer:ident($inner:ident))?;
        $(
            $(#[doc = $doc:literal])+
            $usage:literal => $variant:ident
            $( ($only:ident: $only_type:ty) )?
            $( { $($field:ident: $type:ty),+ $(,)? } )?
            , as in $example:literal;
        )+
    ) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "the fields are the words of the text form, of which each variant has an example")]
        pub enum $table {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\n`", $usage, "`, as in `", $example, "`.")]
                $variant $( ($only_type) )? $( { $($field: $type),+ } )?,
            )+
            $(
                /// What has rows of its own.
                $outer($inner),
            )?
        }

        // A step without fields takes no slot.
        impl $table {
            /// Every row.
            pub(super) const ROWS: &'static [Row<Step>] = &[$(
                Row {
                    form: Form { usage: $usage, example: $example },
                    read: |arguments| {
                        let _slots = &mut Slots::of($usage);
                        let step = $table::$variant {
                            $( 0: <$only_type>::read(_slots, arguments)? )?
                            $( $($field: <$type>::read(_slots, arguments)?),+ )?
                        };
                        arguments.end()?;
                        Ok(step.into())
                    },
                    draw: |_u| {
                        let _slots = &mut Slots::of($usage);
                        let step = $table::$variant {
                            $( 0: <$only_type>::draw(_slots, _u)? )?
                            $( $($field: <$type>::draw(_slots, _u)?),+ )?
                        };
                        Ok(step.into())
                    },
                },
            )+];

            /// Adds its words to a line.
            pub(super) fn write(&self, out: &mut Printed) {
                match self {
                    $(
                        $table::$variant { $( 0: $only )? $( $($field),+ )? } => {
                            let _slots = &mut Slots::of($usage);
                            own_words($usage).for_each(|word| out.word(word));
                            $( $only.write(_slots, out); )?
                            $( $( $field.write(_slots, out); )+ )?
                        }
                    )+
                    $( $table::$outer(inner) => $inner::write(inner, out), )?
                }
            }

            /// Hands out every name that it mentions, label values and the keys of raw paths included, so that names can
            /// be replaced everywhere at once. The keys of labels are words and no names; a snapshot's node is two names.
            pub fn for_each_name(&mut self, each: &mut dyn FnMut(&mut Name)) {
                match self {
                    $(
                        $table::$variant { $( 0: $only )? $( $($field),+ )? } => {
                            let _slots = &mut Slots::of($usage);
                            $( $only.each_name(_slots, each); )?
                            $( $( $field.each_name(_slots, each); )+ )?
                        }
                    )+
                    $( $table::$outer(inner) => inner.for_each_name(each), )?
                }
            }

            /// The labels that it sets.
            pub fn labels_mut(&mut self) -> Option<&mut Labels> {
                match self {
                    $(
                        $table::$variant { $( 0: $only )? $( $($field),+ )? } => {
                            None $( .or($only.labels_mut()) )? $( $( .or($field.labels_mut()) )+ )?
                        }
                    )+
                    $( $table::$outer(inner) => inner.labels_mut(), )?
                }
            }

            /// The same with one thing less, a label, an option, something listed, or with one thing said more simply.
            pub fn simpler(&self) -> Vec<$table> {
                match self {
                    $(
                        $table::$variant { $( 0: $only )? $( $($field),+ )? } => {
                            let _slots = &mut Slots::of($usage);
                            let changes: &[Vec<$table>] = &[
                                $( changed(self, $only.simpler(_slots), |step, to| {
                                    if let $table::$variant { 0: place } = step { *place = to; }
                                }) )?
                                $( $( changed(self, $field.simpler(_slots), |step, to| {
                                    if let $table::$variant { $field: place, .. } = step { *place = to; }
                                }) ),+ )?
                            ];
                            changes.concat()
                        }
                    )+
                    $( $table::$outer(inner) => inner.simpler().into_iter().map($table::$outer).collect(), )?
                }
            }
        }
    };
}

/// Makes data that several steps carry as one: a part with a slot for each of its fields.
macro_rules! record {
    (
        $(#[$about:meta])+ $record:ident {
            $( $(#[$field_about:meta])+ $field:ident: $type:ty, )+
        }
    ) => {
        $(#[$about])+
        pub struct $record {
            $( $(#[$field_about])+ pub $field: $type, )+
        }

        impl Part for $record {
            fn read(slots: &mut Slots, arguments: &mut Arguments<'_>) -> Result<$record, Snag> {
                Ok($record { $($field: Part::read(slots, arguments)?),+ })
            }

            fn write(&self, slots: &mut Slots, out: &mut Printed) {
                $( self.$field.write(slots, out); )+
            }

            fn draw(slots: &mut Slots, u: &mut Unstructured<'_>) -> Drawn<$record> {
                Ok($record { $($field: Part::draw(slots, u)?),+ })
            }

            fn each_name(&mut self, slots: &mut Slots, each: EachName<'_>) {
                $( self.$field.each_name(slots, each); )+
            }

            fn simpler(&self, slots: &mut Slots) -> Vec<$record> {
                [$( changed(self, self.$field.simpler(slots), |record, to| record.$field = to) ),+].concat()
            }

            fn labels_mut(&mut self) -> Option<&mut Labels> {
                None $( .or(self.$field.labels_mut()) )+
            }
        }
    };
}

/// Copies of a thing, each with one change.
pub(super) fn changed<T: Clone, C>(thing: &T, changes: Vec<C>, put: fn(&mut T, C)) -> Vec<T> {
    let with = |change| {
        let mut copy = thing.clone();
        put(&mut copy, change);
        copy
    };
    changes.into_iter().map(with).collect()
}

pub(super) use {record, table};
