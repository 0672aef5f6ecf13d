//! Collectors of plugins, and streams.

use super::grammar::COLLECTOR_LABELS;
use super::labels::COLLECTORS;
use super::{Draft, line, names};
use crate::generate::profile::Habit;
use crate::node::Kind;
use crate::scenario::{Call, DEFAULT_NAMESPACE, Name, NodeName, Step};
use arbitrary::Result;

impl Draft<'_, '_> {
    /// One to four collectors of those that the release takes, some without a label.
    pub(super) fn declare_collectors(&mut self) -> Result<()> {
        for (kind, label) in COLLECTORS {
            if self.release.collector_type(kind).is_none() || !self.u.ratio(1, 2)? {
                continue;
            }
            let is_any = self.has(Habit::LabelGrammar) || self.has(Habit::Foreign);
            let label = match is_any && self.u.ratio(1, 2)? {
                true => *self.u.choose(&COLLECTOR_LABELS)?,
                false => label,
            };
            let label = if self.u.ratio(7, 8)? { Some(label.to_vec()) } else { None };
            self.collector_labels.extend(label.clone());
            self.step(Step::CollectorDeclare { collector: kind, label });
            self.kinds.push(kind);
        }
        Ok(())
    }

    /// Something about one of them.
    pub(super) fn collector(&mut self) -> Result<()> {
        if self.kinds.is_empty() {
            return self.put();
        }
        let collector = *self.u.choose(&self.kinds)?;
        let step = match self.u.int_in_range(0..=15u8)? {
            0..=3 => {
                let count = self.u.int_in_range(1..=3)?;
                let mut nodes = (0..count).map(|_| self.collected(collector)).collect::<Result<Vec<_>>>()?;
                if self.u.ratio(1, 8)? {
                    // A flat type, which is never found among what is marked.
                    let kind = self.release.type_of(Kind::Content).expect("every release has content");
                    nodes.push(NodeName::new(None, Kind::Other(kind.flat().0), self.blob()?));
                }
                Step::CollectorList { collector, nodes }
            }
            4 | 5 => {
                let (nodes, asked) = (vec![self.collected(collector)?], self.asked()?);
                Step::CollectorActive { collector, nodes, asked }
            }
            6 | 7 => {
                let lease = self.name(&names::LEASES, names::HOT)?;
                let (nodes, asked) = (vec![self.collected(collector)?], self.asked()?);
                Step::CollectorLeased { collector, nodes, lease, asked }
            }
            8 | 9 => {
                let (from, to) = (self.stored()?, self.collected(collector)?);
                Step::CollectorBackReference { collector, from, to, asked: self.asked()? }
            }
            10 | 11 => {
                let (from, to) = (self.collected(collector)?, vec![self.stored()?]);
                if self.release.rules().collector_references && self.u.arbitrary()? {
                    // What nothing holds is never asked for what it refers to.
                    let nodes = vec![from.clone()];
                    self.queue.push_back(line(Step::CollectorActive { collector, nodes, asked: None }));
                }
                Step::CollectorReferences { collector, from, to }
            }
            12 => Step::CollectorForget { collector, nodes: vec![self.collected(collector)?] },
            13 => Step::CollectorFail { collector, call: *self.u.choose(Call::ALL)? },
            14 => Step::CollectorHeal { collector, call: *self.u.choose(Call::ALL)? },
            // A plugin may report anything, a snapshot whose key names no snapshotter too.
            _ => {
                let node = NodeName::new(None, Kind::Snapshot, self.snapshot_key()?);
                self.queue.push_back(line(Step::CollectorForget { collector, nodes: vec![node.clone()] }));
                Step::CollectorActive { collector, nodes: vec![node], asked: None }
            }
        };
        self.step(step);
        Ok(())
    }

    /// The namespace for which a collector answers: mostly the node's own.
    fn asked(&mut self) -> Result<Option<Name>> {
        if !self.has(Habit::AskedElsewhere) || self.u.arbitrary()? {
            return Ok(None);
        }
        Ok(Some(self.u.choose(&[DEFAULT_NAMESPACE, names::OTHER])?.to_vec()))
    }

    pub(super) fn stream(&mut self) -> Result<()> {
        let is_known = self.release.type_of(Kind::Stream).is_some() && !self.kinds.contains(&Kind::Stream);
        if !is_known {
            return self.collector();
        }
        let stream = self.name(&names::RESOURCES, names::HOT)?;
        let is_close = self.u.ratio(1, 4)?;
        self.step(if is_close { Step::StreamClose { stream } } else { Step::StreamOpen { stream } });
        Ok(())
    }

    /// A resource of a collector's own, in the client's namespace or in another, which the database may lack.
    fn collected(&mut self, kind: Kind) -> Result<NodeName> {
        if self.has(Habit::AnyCollected) && self.u.ratio(1, 2)? {
            return self.any_node();
        }
        let key = self.name(&names::RESOURCES, names::HOT)?;
        let namespace = match self.u.int_in_range(0..=7u8)? {
            0 => Some(names::OTHER.to_vec()),
            _ => None,
        };
        Ok(NodeName::new(namespace, kind, key))
    }

    /// A node of any kind, existing or not.
    fn any_node(&mut self) -> Result<NodeName> {
        let (kind, key) = match self.u.int_in_range(0..=7u8)? {
            0 | 1 => return self.stored(),
            2 => (Kind::Lease, self.name(&names::LEASES, names::HOT)?),
            3 => (Kind::Ingest, self.name(&names::INGESTS, names::HOT)?),
            // A snapshot whose key names no snapshotter.
            4 => (Kind::Snapshot, self.snapshot_key()?),
            5 => (*self.u.choose(&self.kinds)?, self.name(&names::RESOURCES, names::HOT)?),
            6 => (Kind::Other(self.u.int_in_range(0..=64)?), self.blob()?),
            _ => (Kind::Content, self.blob()?),
        };
        Ok(NodeName::new(None, kind, key))
    }

    /// Something that the database may have.
    fn stored(&mut self) -> Result<NodeName> {
        let (kind, key): (Kind, Name) = match self.u.int_in_range(0..=3u8)? {
            0 => {
                let snapshotter = *self.u.choose(&names::SNAPSHOTTERS)?;
                (Kind::Snapshot, [snapshotter, b"/", &self.snapshot_key()?].concat())
            }
            1 => (Kind::Container, self.name(&names::CONTAINERS, names::HOT)?),
            2 if self.release.rules().image_nodes => (Kind::Image, self.name(&names::IMAGES, names::HOT)?),
            _ => (Kind::Content, self.blob()?),
        };
        Ok(NodeName::new(None, kind, key))
    }
}
