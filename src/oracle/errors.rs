//! How far a collection gets, and the errors that stop it.

use super::Judgement;
use super::defects::Defect;
use super::facts::Location;
use super::nodes::{Visit, cut_at_slash};
use super::rules::RunError;
use crate::bucket::Entry;
use crate::node::Kind;
use crate::schema::names;
use std::collections::BTreeSet;

/// How far a collection gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Progress {
    /// Marking fails: nothing is removed.
    MarkFailed,
    /// Sweeping fails: nothing is removed.
    SweepFailed,
    /// It succeeds.
    Success,
}

impl Judgement<'_> {
    /// What a run may report: one of these, of which the oracle does not know the first. Empty: it must succeed.
    pub fn errors(&self) -> &BTreeSet<RunError> {
        &self.errors
    }

    /// How far the collection gets.
    pub fn progress(&self) -> Progress {
        match self.errors.first() {
            None => Progress::Success,
            Some(error) if error.is_of_marking() => Progress::MarkFailed,
            Some(_) => Progress::SweepFailed,
        }
    }

    /// Gathering the roots comes first: where it fails nothing is followed.
    pub(super) fn marking_errors(&self) -> BTreeSet<RunError> {
        let undecodable = self.facts.undecodable.iter().map(|error| RunError::Undecodable(*error));
        let errors: BTreeSet<RunError> = undecodable.collect();
        if !errors.is_empty() {
            return errors;
        }
        let snapshot = self.question.situation.release.type_of(Kind::Snapshot);
        let followed = self.keep.visits().filter(|visit| matches!(visit.high, Visit::FULL | Visit::FLAT));
        let entries = followed.map(|visit| self.facts.nodes.at(visit.node));
        let snapshots = entries.filter(|entry| Some(entry.resource_type) == snapshot);
        let invalid = snapshots.filter(|entry| !entry.key.has_snapshotter());
        invalid.map(|entry| RunError::InvalidSnapshotKey(entry.key.text().into())).collect()
    }

    /// Only a key that was cut can lead to a bucket that is not there, or no more.
    pub(super) fn sweeping_errors(&self) -> BTreeSet<RunError> {
        if !self.has(Defect::SnapshotterCutAtSlash) {
            return BTreeSet::new();
        }
        let removed = self.facts.resources.iter().filter(|resource| !self.is_kept(resource));
        let errors = removed.filter_map(|resource| {
            let Location::Snapshot(snapshotter, name) = resource.location else { return None };
            let (before, after) = cut_at_slash(snapshotter)?;
            let namespace = self.facts.nodes.namespace_of(resource.visit.node);
            let path = [names::V1, namespace, names::SNAPSHOTS, before];
            let snapshots = self.question.situation.tree.view().at(&path)?;
            match snapshots.entry(&[after, b"/", name].concat()) {
                Some(Entry::Value(_)) => Some(RunError::IncompatibleValue),
                // What is there has the same key and was removed before.
                Some(Entry::Bucket(_)) | None => Some(RunError::BucketNotFound),
            }
        });
        errors.collect()
    }
}
