//! Swarm profiles: which habits a case has.
//!
//! Cases that can do everything do everything at once, and rules that need a quiet world are seldom met. So every
//! case draws its own subset of habits, each with the chance that stands beside it, and a campaign is a swarm of
//! different mixes. `--profile` fixes the subset for all cases.

use crate::named::{Set, UnknownName, named};
use arbitrary::{Result, Unstructured};
use std::fmt;

named! {
    /// Something that the clients of a case are given to.
    pub enum Habit {
        /// In how many of sixteen cases it is drawn.
        pub chance: u8,
    }
    Leases, "leases", 14 => "Clients work under leases, and share them.";
    Expiry, "expiry", 12 => "Leases, images and ingests expire; the clock stops at an expiry and one tick around it.";
    FlatAndPlain, "flat-and-plain", 7 => "A flat and a plain lease hold the same object.";
    NearMisses, "near-misses", 6 => "Labels that almost mean something, and odd values of those that do.";
    DeadEdges, "dead-edges", 6 => "References to what does not exist.";
    Cycles, "cycles", 6 => "References in circles.";
    Namespaces, "namespaces", 6 => "A second namespace with the same digests and names.";
    Later, "later-labels", 8 => "Labels of every release: back references, conditions, image references.";
    Collectors, "collectors", 5 => "Collectors of streams, mounts and plugins; every one in turn the last.";
    Malformed, "malformed", 5 => "Buckets where values belong, values where buckets do, times that do not decode.";
    RawBytes, "raw-bytes", 2 => "Names of any bytes.";
    Protocols, "protocols", 5 => "Pulls, container starts and prunes, interleaved.";
    ColdNames, "cold-names", 3 => "Many names, so that objects seldom meet.";
    LabelGrammar, "label-grammar", 3 => "Labels of every part that there is in any order and one byte off, on any object.";
    SharedNames, "shared-names", 3 => "One name in several kinds and namespaces, fixed keys as names, names that are long and nearly alike.";
    OddTimes, "odd-times", 3 => "Times with every offset and fraction, and with every field of their binary form.";
    AnyCollected, "any-collected", 3 => "Collectors list, hold and report nodes of any kind, existing or not.";
    Bursts, "bursts", 1 => "Up to a thousand of one thing: parents, references, siblings, labels, lease entries, bytes of a value.";
    Restarts, "restarts", 3 => "The daemon is stopped and started again.";
    // Drawn apart: see `Profile::draw`.
    Chains, "chains", 1 => "What hangs on one thing: deep chains that a root label or a lease at their head holds, parents made anew, namespaces of one snapshot; images in bursts.";
    EmptyLabels, "empty-labels", 1 => "Labels of which only the presence counts, without a value or with one that says no.";
    FarTimes, "far-times", 1 => "The zero time, times before 1970 and in the year 9999.";
    Prefixes, "prefixes", 1 => "Names of which one begins another, in one bucket and across kinds.";
    AskedElsewhere, "asked-elsewhere", 1 => "Collectors answer for another namespace than that of what they hold.";
    Foreign, "foreign-labels", 1 => "Labels as other tools write them: names with a digest behind, keys like field paths, pins that say no, several of one kind.";
    Heavy, "heavy-names", 1 => "Names and labels of thousands of bytes, so that a bucket of few entries is wide.";
    Unfinished, "unfinished", 1 => "Preparations and writers under way, leased or not, while collections, clean-ups and restarts come.";
}

/// The habits of a case; without any, clients write content, snapshots, images and containers without oddities.
pub type Profile = Set<Habit>;

impl Profile {
    /// The habits of one case of a swarm. Those that came last are read from the upper halves of the bytes of which the first
    /// are the lower: a case without any of them is what it was before there were these.
    ///
    /// # Errors
    /// As `arbitrary`'s: never for want of bytes, which count as zeros.
    pub fn draw(u: &mut Unstructured<'_>) -> Result<Profile> {
        let (first, last) = Habit::ALL.split_at(Habit::Chains as usize);
        let mut profile = Profile::NONE;
        // Of too few bytes none is drawn.
        for (habit, byte) in last.iter().zip(u.peek_bytes(last.len()).unwrap_or_default()) {
            if byte >> 4 < habit.chance() {
                profile = profile.with(*habit);
            }
        }
        for habit in first {
            if u.int_in_range(0..=15)? < habit.chance() {
                profile = profile.with(*habit);
            }
        }
        Ok(profile)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Profile::NONE { "plain" } else { "" })?;
        f.write_str(&self.names(","))
    }
}

/// Which profiles the cases of a campaign have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Swarm {
    /// Each case draws its own.
    #[default]
    Drawn,
    /// All have this one.
    Fixed(Profile),
}

/// A text that names no profile.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no profile `{text}`: say swarm, plain, all, or habits separated by commas; {habit}")]
pub struct UnknownProfile {
    text: String,
    habit: UnknownName,
}

impl Swarm {
    /// The profiles for a text: `swarm`, `plain`, `all`, or habits separated by commas.
    ///
    /// # Errors
    /// The text names something else.
    pub fn parse(text: &str) -> std::result::Result<Swarm, UnknownProfile> {
        match text {
            "swarm" => return Ok(Swarm::Drawn),
            "plain" => return Ok(Swarm::Fixed(Profile::NONE)),
            "all" => return Ok(Swarm::Fixed(Profile::all())),
            _ => {}
        }
        let habits = text.split(',').map(Habit::parse).collect::<std::result::Result<Profile, _>>();
        habits.map(Swarm::Fixed).map_err(|habit| UnknownProfile { text: text.to_owned(), habit })
    }
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Swarm::Drawn => f.write_str("swarm"),
            Swarm::Fixed(profile) if *profile == Profile::all() => f.write_str("all"),
            Swarm::Fixed(profile) => profile.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_what_its_text_says() {
        for text in ["swarm", "plain", "all", "leases", "leases,malformed"] {
            assert_eq!(Swarm::parse(text).map(|swarm| swarm.to_string()).as_deref(), Ok(text));
        }
        let both = Profile::NONE.with(Habit::Leases).with(Habit::Malformed);
        assert_eq!(Swarm::parse("malformed,leases"), Ok(Swarm::Fixed(both)));
        let error = Swarm::parse("leases,lease").expect_err("no such habit");
        let error = error.to_string();
        assert!(error.contains("did you mean `leases`") && error.contains("flat-and-plain"), "{error}");
    }
}
