//! Faults that can be seeded into the engine, to see that the harness finds them.
//!
//! Which fault is active is a type parameter of the engine: with [`NoFault`] every question below is answered
//! `false` at compile time and nothing is left of it.

use std::fmt;

/// Which faults are active.
pub trait Faults: Copy {
    /// Whether this fault is active.
    fn has(self, fault: Fault) -> bool;
}

/// The honest engine.
#[derive(Clone, Copy, Debug)]
pub struct NoFault;

impl Faults for NoFault {
    #[inline(always)]
    fn has(self, _: Fault) -> bool {
        false
    }
}

/// A mistake that a collector could have. Exactly this one is active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A lease whose expiry equals now has expired already.
    ExpiryInclusive,
    /// What a flat lease holds is followed as if the lease were plain.
    FlatFollowsLabels,
    /// `gc.ref.contentx` refers to content: what follows `gc.ref.content` is not looked at.
    SeparatorUnchecked,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 3] = [Fault::ExpiryInclusive, Fault::FlatFollowsLabels, Fault::SeparatorUnchecked];

    /// The name, as `--fault` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Fault::ExpiryInclusive => "expiry-inclusive",
            Fault::FlatFollowsLabels => "flat-follows-labels",
            Fault::SeparatorUnchecked => "separator-unchecked",
        }
    }

    /// The fault of a name.
    pub fn parse(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

impl Faults for Fault {
    fn has(self, fault: Fault) -> bool {
        self == fault
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
