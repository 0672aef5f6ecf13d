//! Things that have a name: the oracle's rules and defects, faults, properties, habits, classes of differences.
//!
//! Each is an enumeration written as a table, a row a thing: what the code calls it, what people call it, what else
//! is known of it, and what it is in one sentence.
//!
//! ```text
//! named! {
//!     /// Something that the clients of a case are given to.
//!     pub enum Habit {
//!         /// In how many of sixteen cases it is drawn.
//!         pub chance: u8,
//!     }
//!     Leases, "leases", 14 => "Clients work under leases, and share them.";
//!     RawBytes, "raw-bytes", 2 => "Names of any bytes.";
//! }
//! ```
//!
//! From it come the enumeration, documented by its sentences, `ALL`, `name()`, `sentence()`, a method a column
//! (`chance()`), `Display` (the name, padded as asked), and `parse`, whose error says what there is and which of it
//! was probably meant. Several of a sort are a [`Set`].

use std::marker::PhantomData;

/// Declares an enumeration of named things; see the module.
macro_rules! named {
    (
        $(#[$about:meta])*
        $vis:vis enum $Thing:ident {
            $($(#[$column_about:meta])* $column_vis:vis $column:ident: $Column:ty,)*
        }
        $($variant:ident, $name:literal $(, $value:expr)* => $sentence:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        $vis enum $Thing {
            $(#[doc = $sentence] $variant,)*
        }

        const _: () = {
            struct Row {
                name: &'static str,
                sentence: &'static str,
                $($column: $Column,)*
            }

            const fn row(name: &'static str, sentence: &'static str, $($column: $Column,)*) -> Row {
                Row { name, sentence, $($column,)* }
            }

            const ROWS: &[Row] = &[$(row($name, $sentence, $($value,)*),)*];

            impl $Thing {
                /// All of them, in the order of the table.
                $vis const ALL: &[$Thing] = &[$($Thing::$variant,)*];

                /// The name.
                $vis fn name(self) -> &'static str {
                    ROWS[self as usize].name
                }

                /// What it is, in one sentence.
                $vis fn sentence(self) -> &'static str {
                    ROWS[self as usize].sentence
                }

                $($(#[$column_about])* $column_vis fn $column(self) -> $Column {
                    ROWS[self as usize].$column
                })*

                /// The one of a name.
                ///
                /// # Errors
                /// There is none of that name; the error lists what there is.
                $vis fn parse(name: &str) -> Result<$Thing, $crate::named::UnknownName> {
                    let found = $Thing::ALL.iter().copied().find(|thing| thing.name() == name);
                    found.ok_or_else(|| $crate::named::UnknownName {
                        what: stringify!($Thing),
                        name: name.to_owned(),
                        known: ROWS.iter().map(|row| row.name).collect(),
                    })
                }
            }

            impl $crate::named::Named for $Thing {
                const ALL: &[$Thing] = $Thing::ALL;

                fn name(self) -> &'static str {
                    self.name()
                }

                fn place(self) -> usize {
                    self as usize
                }
            }

            impl std::fmt::Display for $Thing {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.pad(self.name())
                }
            }
        };
    };
}
pub(crate) use named;

/// A sort of named things.
pub trait Named: Copy + 'static {
    /// All of them, in the order of the table.
    const ALL: &[Self];

    /// The name.
    fn name(self) -> &'static str;

    /// The place in the table, from 0.
    fn place(self) -> usize;
}

/// Some of the named things of a sort that has at most 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Set<T>(u32, PhantomData<T>);

impl<T: Named> Set<T> {
    /// None of them.
    pub const NONE: Set<T> = Set(0, PhantomData);

    /// All of them.
    pub fn all() -> Set<T> {
        T::ALL.iter().copied().collect()
    }

    /// The set with one thing more.
    #[must_use]
    pub fn with(self, thing: T) -> Set<T> {
        Set(self.0 | 1 << thing.place(), PhantomData)
    }

    /// The set with one thing less.
    #[must_use]
    pub fn without(self, thing: T) -> Set<T> {
        Set(self.0 & !(1 << thing.place()), PhantomData)
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Set<T>) -> Set<T> {
        Set(self.0 | other.0, PhantomData)
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a thing is in the set.
    pub fn contains(self, thing: T) -> bool {
        self.0 & 1 << thing.place() != 0
    }

    /// What is in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = T> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let place = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            T::ALL.get(place).copied()
        })
    }

    /// The names of what is in the set.
    pub fn names(self, between: &str) -> String {
        self.iter().map(T::name).collect::<Vec<_>>().join(between)
    }
}

impl<T: Named> Default for Set<T> {
    fn default() -> Set<T> {
        Set::NONE
    }
}

impl<T: Named> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Set<T> {
        things.into_iter().fold(Set::NONE, Set::with)
    }
}

/// A name that nothing of its sort has.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no {} is called `{name}`{}: there are {}", what.to_lowercase(), self.suggestion(), known.join(", "))]
pub struct UnknownName {
    /// The sort, as the enumeration is called.
    pub what: &'static str,
    /// What was asked for.
    pub name: String,
    /// The names that there are.
    pub known: Vec<&'static str>,
}

impl UnknownName {
    /// The name that was probably meant, if there is one.
    pub fn nearest(&self) -> Option<&'static str> {
        // All names are in small letters.
        nearest(&self.name.to_lowercase(), self.known.iter().copied())
    }

    fn suggestion(&self) -> String {
        self.nearest().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    }
}

/// The word nearest to what was written, if it is near enough that a person may have meant it.
pub(crate) fn nearest<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong; a long word is no slip of one of ours.
    const LETTERS_MAX: usize = 40;
    let letters = written.chars().count();
    if letters > LETTERS_MAX {
        return None;
    }
    let near = words.into_iter().map(|word| (distance(written, word), word));
    let (edits, word) = near.min_by_key(|(edits, _)| *edits)?;
    (edits <= (letters.max(word.len()) / 3).max(1) && edits < letters).then_some(word)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let most = from.len().max(to.len());
    distance_within(&from, &to, most, &mut Rows::default()).unwrap_or(most)
}

/// Three rows of the table that [`distance_within`] fills, kept from one pair of words to the next.
pub(crate) type Rows = [Vec<usize>; 3];

/// The same where it is no more than `most`.
pub(crate) fn distance_within(from: &[char], to: &[char], most: usize, rows: &mut Rows) -> Option<usize> {
    if from.len().abs_diff(to.len()) > most {
        return None;
    }
    let [before_last, last, this] = rows;
    before_last.clear();
    last.clear();
    last.extend(0..=to.len());
    let mut last_least = 0;
    for row in 1..=from.len() {
        this.clear();
        this.push(row);
        let mut row_least = row;
        for column in 1..=to.len() {
            let replaced = last[column - 1] + usize::from(from[row - 1] != to[column - 1]);
            let mut least = replaced.min(last[column] + 1).min(this[column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            if swapped {
                least = least.min(before_last[column - 2] + 1);
            }
            row_least = row_least.min(least);
            this.push(least);
        }
        // A swap leads from the row before the last.
        if row_least > most && last_least >= most {
            return None;
        }
        last_least = row_least;
        std::mem::swap(before_last, last);
        std::mem::swap(last, this);
    }
    Some(last[to.len()]).filter(|edits| *edits <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["lease", "content", "gc", "raw"];
        assert_eq!(nearest("lese", words), Some("lease"));
        assert_eq!(nearest("laese", words), Some("lease"));
        assert_eq!(nearest("contnet", words), Some("content"));
        assert_eq!(nearest("cg", words), Some("gc"));
        assert_eq!(nearest("zzz", words), None);
        assert_eq!(nearest("x", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest(&"lease".repeat(1000), words), None);
        assert_eq!(distance("abcdef", "azced"), 3);
        let within = |most| {
            let [from, to] = ["abcdef", "azced"].map(|word| word.chars().collect::<Vec<_>>());
            distance_within(&from, &to, most, &mut Rows::default())
        };
        assert_eq!([0, 1, 2, 3, 9].map(within), [None, None, None, Some(3), Some(3)]);
    }

    named! {
        /// What is sold.
        enum Fruit {
            /// What one costs.
            price: u8,
        }
        Apple, "apple", 3 => "It keeps through the winter.";
        BloodOrange, "blood-orange", 5 => "It does not.";
    }

    #[test]
    fn a_named_thing_is_a_row_of_its_table() {
        assert_eq!(Fruit::ALL, [Fruit::Apple, Fruit::BloodOrange]);
        assert_eq!((Fruit::BloodOrange.price(), Fruit::BloodOrange.sentence()), (5, "It does not."));
        assert_eq!(format!("{:<7}|", Fruit::Apple), "apple  |");
        for fruit in Fruit::ALL {
            assert_eq!(Fruit::parse(fruit.name()), Ok(*fruit));
        }
        let refused = |name| Fruit::parse(name).expect_err("no such fruit").to_string();
        assert_eq!(
            refused("appel"),
            "no fruit is called `appel` (did you mean `apple`?): there are apple, blood-orange"
        );
        assert_eq!(refused("stone"), "no fruit is called `stone`: there are apple, blood-orange");
    }

    #[test]
    fn a_set_has_what_was_put_in_and_not_taken_out() {
        let both = Set::NONE.with(Fruit::BloodOrange).with(Fruit::Apple);
        assert_eq!((both, both.names("+").as_str()), (Set::all(), "apple+blood-orange"));
        let one = both.without(Fruit::Apple);
        assert!(one.contains(Fruit::BloodOrange) && !one.contains(Fruit::Apple));
        assert_eq!(one.iter().collect::<Vec<_>>(), [Fruit::BloodOrange]);
    }
}
