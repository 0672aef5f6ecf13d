//! The table of steps, as a form of this language: one row makes the data, the text, the drawing and the shrinking.
//!
//! ```text
//!     /// Opens a writer.                                            what it is
//!     "content" "open" => ContentOpen {                              its words, its variant
//!         reference: Name = One("REF", NAME),                        a field, its type, the part of the text
//!         expected: Option<Name> = Maybe("expect=DIGEST", DIGEST),
//!         size: Option<i64> = Maybe("size=N", SIGNED),
//!     }, as in "content open upload expect=layer size=12";           one line that parses, as it is printed
//! ```
//!
//! A variant may also have one field without a name, `Now(now: Instant = One("TIME", TIME))`, or none.

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
            $step:literal $($sub_step:literal)? => $variant:ident
            $( ($only:ident: $only_type:ty = $only_part:expr) )?
            $( { $($field:ident: $type:ty = $part:expr),+ $(,)? } )?
            , as in $example:literal;
        )+
    ) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "the fields are the words of the text form, of which each variant has an example")]
        pub enum $table {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nAs in `", $example, "`.")]
                $variant $( ($only_type) )? $( { $($field: $type),+ } )?,
            )+
            $(
                /// What has rows of its own.
                $outer($inner),
            )?
        }

        impl $table {
            /// Every row.
            pub(super) const ROWS: &'static [Row<Step>] = &[$(
                Row {
                    form: Form {
                        step: $step,
                        sub_step: concat!($($sub_step)?),
                        example: $example,
                        shapes: || {
                            let parts: &[Vec<Shape>] =
                                &[$( $only_part.shapes() )? $( $($part.shapes()),+ )?];
                            parts.concat()
                        },
                    },
                    read: |arguments| {
                        let step = $table::$variant {
                            $( 0: $only_part.read(arguments)? )?
                            $( $($field: $part.read(arguments)?),+ )?
                        };
                        arguments.end()?;
                        Ok(step.into())
                    },
                    // What has no field draws nothing.
                    draw: |_u| {
                        let step = $table::$variant {
                            $( 0: $only_part.draw(_u)? )?
                            $( $($field: $part.draw(_u)?),+ )?
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
                            out.word($step);
                            $( out.word($sub_step); )?
                            $( $only_part.write($only, out); )?
                            $( $( $part.write($field, out); )+ )?
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
                            $( $only_part.each_name($only, each); )?
                            $( $( $part.each_name($field, each); )+ )?
                        }
                    )+
                    $( $table::$outer(inner) => inner.for_each_name(each), )?
                }
            }

            /// The same with one thing less, a label, an option, something listed, or with one thing said more simply.
            pub fn simpler(&self) -> Vec<$table> {
                match self {
                    $(
                        $table::$variant { $( 0: $only )? $( $($field),+ )? } => {
                            let changes: &[Vec<$table>] = &[
                                $( changed(self, $only_part.simpler($only), |step, to| {
                                    if let $table::$variant { 0: place } = step { *place = to; }
                                }) )?
                                $( $( changed(self, $part.simpler($field), |step, to| {
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

/// Makes a part out of parts, for data that several steps carry as one.
macro_rules! record {
    ($(#[$about:meta])+ $name:ident: $type:ident { $($field:ident: $part:expr),+ $(,)? }) => {
        $(#[$about])+
        struct $name;

        impl Shaped for $name {
            fn shapes(&self) -> Vec<Shape> {
                [$($part.shapes()),+].concat()
            }
        }

        impl Part<$type> for $name {
            fn read(&self, arguments: &mut Arguments<'_>) -> Result<$type, Snag> {
                Ok($type { $($field: $part.read(arguments)?),+ })
            }

            fn write(&self, value: &$type, out: &mut Printed) {
                $( $part.write(&value.$field, out); )+
            }

            fn draw(&self, u: &mut Unstructured<'_>) -> Drawn<$type> {
                Ok($type { $($field: $part.draw(u)?),+ })
            }

            fn each_name(&self, value: &mut $type, each: EachName<'_>) {
                $( $part.each_name(&mut value.$field, each); )+
            }

            fn simpler(&self, value: &$type) -> Vec<$type> {
                [$( changed(value, $part.simpler(&value.$field), |value, to| value.$field = to) ),+].concat()
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
