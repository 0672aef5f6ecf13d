//! Cases made small while they still show what they show.
//!
//! A thing has ways to become smaller, and each way has places. One loop tries every way at every place, and takes what
//! still shows it:
//!
//! ```text
//!   a way: place 0, 1, 2 ... ──> the next way: place 0, 1, 2 ... ──> ...
//!     ^      └─ taken: what follows has moved to this place            │
//!     └───────────────────── until nothing helps ──────────────────────┘
//! ```
//!
//! The last round has tried everything and found nothing to leave out: the result is 1-minimal, unless the limit of
//! tries ended the search. This room runs nothing: what a case is to show, and how to see it, its caller knows.

pub mod raw;
mod steps;
mod trees;

/// A way to make a thing smaller: the smaller ones at a place, counted from 0; none behind the last place. What is taken
/// there must not offer the thing again, else there is no end.
type Way<T> = fn(&T, usize) -> Option<Vec<T>>;

/// What can be made smaller.
pub trait Shrink: Sized + 'static {
    /// Its ways, in the order in which they are tried.
    #[doc(hidden)]
    const WAYS: &'static [Way<Self>];
}

/// A small case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk<T, S> {
    /// Itself.
    pub case: T,
    /// What is seen with it.
    pub seen: S,
    /// How many cases were tried, the given one among them.
    pub tries: u64,
}

/// The case with everything left out without which `shows` still sees what it is shrunk for; `shows` may cut off what
/// does not matter, and gives what it sees. Ends after so many tries with what is small until then. None if the given
/// case does not show it.
pub fn shrink<T: Shrink, S>(
    case: T,
    tries_max: u64,
    mut shows: impl FnMut(T) -> Option<(T, S)>,
) -> Option<Shrunk<T, S>> {
    let (case, seen) = shows(case)?;
    let mut small = Shrunk { case, seen, tries: 1 };
    loop {
        let mut is_smaller = false;
        for way in T::WAYS {
            let mut place = 0;
            while let Some(smaller) = way(&small.case, place) {
                let mut shown = None;
                for case in smaller {
                    if small.tries >= tries_max {
                        return Some(small);
                    }
                    small.tries += 1;
                    shown = shows(case);
                    if shown.is_some() {
                        break;
                    }
                }
                match shown {
                    Some((case, seen)) => {
                        small = Shrunk { case, seen, ..small };
                        is_smaller = true;
                    }
                    None => place += 1,
                }
            }
        }
        if !is_smaller {
            return Some(small);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which each can go, or be halved.
    #[derive(Clone, PartialEq, Eq, Debug)]
    struct Numbers(Vec<u32>);

    impl Shrink for Numbers {
        const WAYS: &'static [Way<Numbers>] = &[
            |Numbers(all), place| {
                all.get(place)?;
                Some(vec![Numbers([&all[..place], &all[place + 1..]].concat())])
            },
            |Numbers(all), place| {
                let mut halved = all.clone();
                *halved.get_mut(place)? /= 2;
                Some(if halved == *all { Vec::new() } else { vec![Numbers(halved)] })
            },
        ];
    }

    fn sum(Numbers(all): Numbers) -> Option<(Numbers, u32)> {
        let sum = all.iter().sum();
        (sum >= 10).then_some((Numbers(all), sum))
    }

    #[test]
    fn nothing_can_be_left_out_of_what_is_small() {
        let small = shrink(Numbers(vec![3, 50, 0, 7]), u64::MAX, sum).expect("the sum is large enough");
        assert_eq!((&small.case, small.seen), (&Numbers(vec![12]), 12));
        assert!(Numbers::WAYS.iter().all(|way| {
            let smaller = way(&small.case, 0).into_iter().flatten();
            smaller.into_iter().all(|smaller| sum(smaller).is_none())
        }));
    }

    #[test]
    fn a_limit_ends_the_search_with_what_is_small_until_then() {
        let all = || Numbers(vec![3, 50, 0, 7]);
        let tried = |tries_max| shrink(all(), tries_max, sum).map(|small| (small.case.0, small.tries));
        assert_eq!(tried(1), Some((vec![3, 50, 0, 7], 1)));
        assert_eq!(tried(3), Some((vec![50, 0, 7], 3)).map(|_| (vec![50, 0, 7], 3)));
        assert_eq!(shrink(Numbers(vec![9]), u64::MAX, sum), None);
    }
}
