//! All that a collection depends on: a database, the collectors beside it, whose rules apply, and when.
//!
//! ```text
//!   a daemon, a meta.db ────┐                         ┌─> engine: what a collection does with it
//!   a scenario, a row ──────┼─> Situation ────────────┤
//!   a drawn database ───────┘     └─ under(release) ──┴─> oracle: what it must do
//! ```
//!
//! It is a value: what it holds is shared, so that a clone takes constant time and a changed situation is written as
//! `Situation { now, ..situation.clone() }`. It knows nothing of how a collection is carried out or judged.
//!
//! Collectors are no part of the database. They are plugins of the daemon, which register a number with it
//! (`DB.RegisterCollectibleResource`), so a daemon of another release has the plugins of the same *kinds*, each with
//! the number that the kind has there: a stream is type 8 in 1.7 and type 9 from 2.0 on. [`Situation::under`] is the
//! one place that decides what becomes of them; see [`Release::collector_type`] for those that fall away.

use crate::bucket::Bucket;
use crate::collector::Collector;
use crate::go::Go;
use crate::instant::Instant;
use crate::node::{Kind, ResourceType};
use crate::release::Release;
use std::sync::Arc;

/// A database with what decides its collection.
#[derive(Clone, PartialEq, Debug)]
pub struct Situation {
    /// The database.
    pub tree: Bucket,
    /// The registered collectors, one a type, with the release's numbers; without effect in a release that has none.
    pub collectors: Arc<Vec<Collector>>,
    /// Whose rules apply.
    pub release: Release,
    /// The one `now` of the collection.
    pub now: Instant,
    /// What daemons were built with, as far as one of the release may be; see [`Situation::go`].
    pub built_with: Go,
    /// The type of the collector on which 1.7.0-beta.1's shared loop variable ends, if it is said; see
    /// [`Situation::iterated_last`].
    pub last_iterated: Option<ResourceType>,
}

impl Situation {
    /// A database without collectors.
    pub fn new(tree: Bucket, release: Release, now: Instant) -> Situation {
        Situation {
            tree,
            collectors: Arc::default(),
            release,
            now,
            built_with: Go::default(),
            last_iterated: None,
        }
    }

    /// The Go that reads the database's times.
    pub fn go(&self) -> Go {
        self.built_with.of(self.release)
    }

    /// The type of the collector on which Go's iteration over the registered ones ends: where it is not said, the
    /// highest. Only a release whose label handlers share the loop's variable looks at it.
    pub fn iterated_last(&self) -> Option<ResourceType> {
        self.last_iterated.or_else(|| self.highest_type())
    }

    /// The highest type for which a collector is registered.
    pub fn highest_type(&self) -> Option<ResourceType> {
        self.collectors.iter().map(|collector| collector.resource_type).max()
    }

    /// The collector of a kind, if one is registered.
    pub fn collector(&self, kind: Kind) -> Option<&Collector> {
        self.collectors.iter().find(|collector| self.release.kind_of(collector.resource_type) == kind)
    }

    /// The same with a daemon of another release: collectors and what they answer have its numbers, those that it
    /// cannot have fall away. The tree stays as it is; opening it may change it (`metadata::Store::open`).
    pub fn under(&self, release: Release) -> Situation {
        let collectors = self.collectors.iter();
        let collectors = collectors.filter_map(|collector| collector.renumbered(self.release, release));
        Situation {
            collectors: Arc::new(collectors.collect()),
            last_iterated: self.last_iterated.and_then(|last| self.release.number_in(release, last)),
            release,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_cannot_be_registered_falls_away() {
        let registered = [8, 10, 16].map(|number| Collector::new(ResourceType(number)));
        let now = Instant { seconds: 0, nanoseconds: 0 };
        let situation = Situation::new(Bucket::new(), Release::V2_4, now);
        let last_iterated = Some(ResourceType(10));
        let situation = Situation { collectors: Arc::new(registered.into()), last_iterated, ..situation };
        let under = |release| {
            let situation = situation.under(release);
            let types = situation.collectors.iter().map(|collector| collector.resource_type.0);
            (types.collect::<Vec<_>>(), situation.iterated_last().map(|last| last.0))
        };
        assert_eq!(under(Release::V1_6), (vec![], None));
        assert_eq!(under(Release::V1_7), (vec![16], Some(16)));
        assert_eq!(under(Release::V2_1), (vec![8, 16], Some(16)));
        assert_eq!(under(Release::V2_2), (vec![8, 10, 16], Some(10)));
    }
}
