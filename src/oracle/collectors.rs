//! What the collectors list, hold and refer to.

use super::Question;
use super::defects::Defect;
use super::facts::{Location, Reader, Refusal, Resource};
use super::nodes::Key;
use super::rules::{Holder, Rule};
use crate::bucket::View;
use crate::collector::Collector;
use crate::node::ResourceType;
use crate::situation::Situation;

impl<'a> Reader<'a> {
    /// The collectors' reference labels; 1.7.0-beta.1's yield the type of the collector iterated last.
    pub(super) fn collector_labels(question: Question<'a>) -> Vec<(&'a [u8], ResourceType)> {
        let is_shared = question.defects.contains(Defect::SharedLoopVariable);
        let shared = question.situation.iterated_last().filter(|_| is_shared);
        let heard = collectors(question).iter().filter(|collector| is_heard(question, collector));
        let labelled = heard.filter(|collector| !collector.reference_label.is_empty());
        labelled
            .map(|collector| (&collector.reference_label[..], shared.unwrap_or(collector.resource_type)))
            .collect()
    }

    /// What the collectors hold, list and refer to.
    pub(super) fn read_collectors(&mut self, v1: View<'a>) {
        self.expired.sort_unstable();
        for collector in collectors(self.question) {
            if !collector.start_error {
                for node in &collector.all {
                    let visit = self.facts.nodes.visit(node.as_ref());
                    self.facts
                        .resources
                        .push(Resource { visit, location: Location::Listed(collector.resource_type) });
                }
            }
            if is_heard(self.question, collector) {
                self.read_collector(collector, v1);
            }
        }
    }

    fn read_collector(&mut self, collector: &'a Collector, v1: View<'a>) {
        let resource_type = collector.resource_type;
        // A collector is asked for each namespace that the database has, and for each lease that lives.
        for active in collector.active.iter().filter(|active| v1.bucket(&active.for_namespace).is_some()) {
            let to = self.facts.nodes.visit(active.node.as_ref());
            self.root(to, Rule::CollectorActive, Holder::Collector { resource_type }, None);
        }
        for leased in &collector.leased {
            let to = self.facts.nodes.visit(leased.node.as_ref());
            let key = Key::plain(&leased.lease);
            let namespace = self.facts.nodes.namespace(&leased.for_namespace);
            let lease = self.facts.nodes.intern(self.types.lease, namespace, key);
            match self.expired.binary_search_by_key(&lease, |(expired, _)| *expired) {
                Ok(index) => {
                    let (_, at) = self.expired[index];
                    let rule = Rule::CollectorLeased;
                    self.refuse(to.node, Refusal::HolderExpired { lease, at, rule, high: to.high });
                }
                Err(_) if !self.facts.nodes.at(lease).exists => {}
                Err(_) => {
                    let holder = Holder::Lease { namespace: &leased.for_namespace, id: &leased.lease };
                    self.root(to, Rule::CollectorLeased, holder, None);
                }
            }
        }
        if self.rules.back_references {
            let asked = |namespace: &[u8]| v1.bucket(namespace).is_some();
            for back in collector.active_back_references.iter().filter(|back| asked(&back.for_namespace)) {
                let from = self.facts.nodes.visit(back.from.as_ref());
                let to = self.facts.nodes.visit(back.to.as_ref());
                self.refer(from, to, Rule::CollectorBackReference, None);
            }
        }
        // From 2.4 each collector is asked about nodes of exactly its own type, which no built-in one is.
        if self.rules.collector_references && resource_type.0 >= self.rules.types.end {
            let own = collector.references.iter().filter(|(from, _)| from.resource_type == resource_type);
            for (from, targets) in own {
                let from = self.facts.nodes.visit(from.as_ref());
                for to in targets {
                    let to = self.facts.nodes.visit(to.as_ref());
                    self.refer(from, to, Rule::CollectorReference, None);
                }
            }
        }
    }
}

/// The collectors that the release knows.
pub(super) fn collectors<'a>(question: Question<'a>) -> &'a [Collector] {
    let Situation { release, collectors, .. } = question.situation;
    if release.rules().collectors { collectors } else { &[] }
}

/// Whether what a collector says counts: it started, or its failure is intended to cost nothing.
pub(super) fn is_heard(question: Question<'_>, collector: &Collector) -> bool {
    let may_fail = question.situation.release.rules().collector_references
        && !question.defects.contains(Defect::FailedStartLosesReferences);
    !collector.start_error || may_fail
}
