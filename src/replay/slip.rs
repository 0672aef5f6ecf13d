//! Slips of people who write names.
//!
//! ```text
//! laeyr, where there is layer        a slip
//! layer2, where there is layer1      another of a row, as is layer-b beside layer-a
//! l2, where there is l               too short to tell
//! ```
//!
//! Among many names one edit is looked up: both names, each without a letter, are alike then. More edits take a
//! comparison with every name of about its length; of these a scenario has so many, and behind them only one edit is
//! recognised.

use crate::named::{Rows, distance_within};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Shorter names say too little.
const LETTERS_MIN: usize = 4;
/// A longer one is no slip of anything.
const LETTERS_MAX: usize = 40;

/// What may still be compared, in names that are looked at.
pub(super) struct Budget {
    left: Cell<u64>,
}

impl Budget {
    /// Names that are looked at, well below a second's work.
    const WHOLE: u64 = 20_000_000;
    /// A name that is compared letter by letter costs so many that are only looked at.
    const COMPARED: u64 = 16;

    fn take(&self, cost: u64) -> bool {
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    /// Whether something was not compared.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { left: Cell::new(Budget::WHOLE) }
    }
}

/// Names that are there.
pub(super) struct Names {
    all: Vec<Name>,
    known: HashSet<String>,
    /// The places of the names with so many letters.
    by_letters: BTreeMap<usize, Vec<u32>>,
    shortened: Hashed,
}

/// Every name, and every name without one of its letters, hashed; with its place.
struct Hashed {
    /// In their order.
    all: Vec<(u64, u32)>,
    /// Where those begin whose first bits are a number, that many bits as there are numbers.
    starts: Vec<usize>,
}

impl Hashed {
    fn new(mut all: Vec<(u64, u32)>) -> Hashed {
        all.sort_unstable();
        let bits = all.len().max(2).ilog2();
        let mut starts = vec![0; (1 << bits) + 1];
        for (hash, _) in &all {
            starts[first(*hash, bits) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Hashed { all, starts }
    }

    /// The places of a hash.
    fn of(&self, hash: u64) -> impl Iterator<Item = usize> {
        let at = first(hash, (self.starts.len() - 1).ilog2());
        let alike = self.all[self.starts[at]..self.starts[at + 1]].iter();
        alike.filter(move |(other, _)| *other == hash).map(|(_, place)| *place as usize)
    }
}

/// The first bits of a hash.
fn first(hash: u64, bits: u32) -> usize {
    usize::try_from(hash >> (u64::BITS - bits)).expect("no more than there are hashes")
}

struct Name {
    letters: Vec<char>,
    signature: u64,
}

impl Name {
    fn of(name: &str) -> Name {
        let letters: Vec<char> = name.chars().collect();
        // An edit changes two of these bits at most.
        let signature = letters.iter().fold(0, |bits, letter| bits | 1 << (u32::from(*letter) % 64));
        Name { letters, signature }
    }

    /// Hashes of what is left without one letter, and of the whole.
    fn shortened(&self) -> impl Iterator<Item = u64> {
        (0..=self.letters.len()).map(|left_out| {
            let mut hasher = DefaultHasher::new();
            let rest = self.letters.iter().enumerate().filter(|(at, _)| *at != left_out);
            rest.for_each(|(_, letter)| letter.hash(&mut hasher));
            hasher.finish()
        })
    }

    /// How many edits may lead from this name to one of so many letters.
    fn edits_max(&self, letters: usize) -> usize {
        let most = (self.letters.len().max(letters) / 3).max(1);
        most.min(self.letters.len().saturating_sub(1))
    }

    /// Whether names differ in their numbers, or in their last letter alone.
    fn is_of_a_row_with(&self, other: &Name) -> bool {
        let [own, others] = [self, other].map(|name| &name.letters[..]);
        let unnumbered = |letters: &[char]| -> Vec<char> {
            letters.iter().copied().filter(|letter| !letter.is_ascii_digit()).collect()
        };
        let but_last = |letters: &[char]| match letters {
            [rest @ .., last] if last.is_ascii_alphabetic() => Some(rest.to_vec()),
            _ => None,
        };
        but_last(own).is_some() && but_last(own) == but_last(others) || unnumbered(own) == unnumbered(others)
    }
}

impl Names {
    /// Names in the order in which the first of equally near ones is taken.
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Names {
        let (mut all, mut known, mut shortened) = (Vec::new(), HashSet::new(), Vec::new());
        let mut by_letters: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for name in names {
            let place = u32::try_from(all.len()).expect("a scenario has fewer names");
            let new = Name::of(&name);
            if (LETTERS_MIN..=2 * LETTERS_MAX).contains(&new.letters.len()) {
                by_letters.entry(new.letters.len()).or_default().push(place);
                shortened.extend(new.shortened().map(|hash| (hash, place)));
            }
            all.push(new);
            known.insert(name);
        }
        Names { all, known, by_letters, shortened: Hashed::new(shortened) }
    }

    /// The name that was probably meant by one that nothing has: how many edits lead there, and its place. None if the
    /// name is there itself, or may well be another one: a short name, or one of a row.
    pub(super) fn meant(&self, written: &str, budget: &Budget) -> Option<(usize, usize)> {
        let is_known = self.known.contains(written);
        let written = Name::of(written);
        if is_known || !(LETTERS_MIN..=LETTERS_MAX).contains(&written.letters.len()) {
            return None;
        }
        self.with_one_edit(&written, budget)
            .map(|place| (1, place))
            .or_else(|| self.compared(&written, budget))
    }

    fn with_one_edit(&self, written: &Name, budget: &Budget) -> Option<usize> {
        let mut rows = Rows::default();
        let places: BTreeSet<usize> = written.shortened().flat_map(|hash| self.shortened.of(hash)).collect();
        budget.take(places.len() as u64);
        places.into_iter().find(|place| {
            let other = &self.all[*place];
            distance_within(&written.letters, &other.letters, 1, &mut rows).is_some()
                && !written.is_of_a_row_with(other)
        })
    }

    fn compared(&self, written: &Name, budget: &Budget) -> Option<(usize, usize)> {
        let letters = written.letters.len();
        let mut rows = Rows::default();
        let mut best: Option<(usize, usize)> = None;
        for (others, places) in self.by_letters.range(letters - letters / 3..=letters + letters / 2) {
            let most = written.edits_max(*others);
            if !budget.take(places.len() as u64) {
                return None;
            }
            for place in places.iter().map(|place| *place as usize) {
                let other = &self.all[place];
                let most = best.map_or(most, |(edits, _)| edits.min(most));
                if (written.signature ^ other.signature).count_ones() as usize > 2 * most {
                    continue;
                }
                if !budget.take(Budget::COMPARED) {
                    return None;
                }
                let edits = distance_within(&written.letters, &other.letters, most, &mut rows);
                let Some(edits) = edits.filter(|_| !written.is_of_a_row_with(other)) else { continue };
                best = Some(best.map_or((edits, place), |best| best.min((edits, place))));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_one_name_that_is_there_and_no_name_itself() {
        for (written, there, expected) in [
            ("laeyr", &["layer"][..], Some("layer")),
            ("laye", &["layer"], Some("layer")),
            ("layerr", &["layer"], Some("layer")),
            ("mian", &["base", "main"], Some("main")),
            ("overlayf", &["native", "overlayfs"], Some("overlayfs")),
            ("manifset-1", &["manifest-2", "manifest-1"], Some("manifest-1")),
            // Two slips.
            ("menifset", &["config", "manifest"], Some("manifest")),
            // The nearest, the first of equals.
            ("manifes", &["manifold", "manifest"], Some("manifest")),
            ("loyer", &["foyer", "layer"], Some("foyer")),
            // The name itself is there.
            ("layer", &["layer", "layers"], None),
            ("base", &["bases", "base"], None),
            // One or two letters, and three, say too little.
            ("a", &["b"], None),
            ("l1", &["ll"], None),
            ("ab", &["abc"], None),
            ("app", &["apps"], None),
            // A row.
            ("layer1", &["layer2"], None),
            ("layer", &["layer2"], None),
            ("layer10", &["layer2"], None),
            ("layer-a", &["layer-b"], None),
            ("layera", &["layerb"], None),
            ("web1-data", &["web2-data"], None),
            // Another name.
            ("config", &["layer"], None),
            ("upper", &[], None),
        ] {
            let names = Names::new(there.iter().map(|name| (*name).to_owned()));
            let meant = names.meant(written, &Budget::default()).map(|(_, place)| there[place]);
            assert_eq!(meant, expected, "{written} where there is {there:?}");
        }
    }

    #[test]
    fn one_edit_is_recognised_whatever_was_compared() {
        let spent = Budget { left: Cell::new(2) };
        let names = Names::new(["manifest", "layer", "config"].map(str::to_owned));
        assert_eq!(names.meant("menifset", &spent), None);
        assert!(spent.is_spent());
        assert_eq!(names.meant("manifset", &spent), Some((1, 0)));
    }
}
