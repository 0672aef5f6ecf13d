//! What a release as shipped is known to do otherwise than intended: its collector, and what writes before it.

use crate::contract::{Deviation, Deviations};
use crate::oracle::{Defect, Defects};
use crate::release::Release;

/// Known defects of the collector, and known deviations of the write side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Known {
    /// Of the collector.
    pub defects: Defects,
    /// Of the write side.
    pub deviations: Deviations,
}

impl Known {
    /// None: what is intended.
    pub const NONE: Known = Known { defects: Defects::NONE, deviations: Deviations::NONE };

    /// Those of a release.
    pub fn as_shipped(release: Release) -> Known {
        Known { defects: Defects::as_shipped(release), deviations: Deviations::as_shipped(release) }
    }

    /// One defect.
    pub fn defect(defect: Defect) -> Known {
        Known { defects: Defects::NONE.with(defect), ..Known::NONE }
    }

    /// One deviation.
    pub fn deviation(deviation: Deviation) -> Known {
        Known { deviations: Deviations::NONE.with(deviation), ..Known::NONE }
    }

    /// Each alone, with its name and its sentence.
    pub fn each(self) -> impl Iterator<Item = (Known, &'static str, &'static str)> {
        let defects = self.defects.iter();
        let defects = defects.map(|defect| (Known::defect(defect), defect.name(), defect.sentence()));
        let deviations = self.deviations.iter();
        defects.chain(deviations.map(|one| (Known::deviation(one), one.name(), one.sentence())))
    }

    /// What is known beside this one.
    #[must_use]
    pub fn without(self, one: Known) -> Known {
        let defects = one.defects.iter().fold(self.defects, Defects::without);
        Known { defects, deviations: one.deviations.iter().fold(self.deviations, Deviations::without) }
    }

    /// The names of all.
    pub fn names(self, between: &str) -> String {
        self.each().map(|(_, name, _)| name).collect::<Vec<_>>().join(between)
    }
}
