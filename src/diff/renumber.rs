//! Collectors as another release numbers them: a stream is type 8 in 1.7 and 9 from 2.0 on.
//!
//! What is matched is the kind. A collector whose kind the other release lacks, or whose free number belongs to
//! another kind there, is not registered in it, as its plugin could not be.

use crate::collector::{Active, BackReference, Collector, Leased};
use crate::node::{Kind, Node, ResourceType};
use crate::release::Release;

/// A type's number in another release, the bits above 0x1F kept; none where the kind is not there.
pub(super) fn number(number: ResourceType, from: Release, to: Release) -> Option<ResourceType> {
    let kind = from.kind_of(number.stripped());
    let renumbered = to.type_of(kind).filter(|renumbered| to.kind_of(*renumbered) == kind)?;
    Some(ResourceType(renumbered.0 | (number.0 & !ResourceType::MASK)))
}

/// A node with the number of another release.
pub(super) fn node(node: &Node, from: Release, to: Release) -> Option<Node> {
    let resource_type = number(node.resource_type, from, to)?;
    Some(Node { resource_type, ..node.clone() })
}

/// The collectors that a release can have, with its numbers.
pub(super) fn collectors(collectors: &[Collector], from: Release, to: Release) -> Vec<Collector> {
    if !to.rules().collectors {
        return Vec::new();
    }
    collectors.iter().filter_map(|collector| renumbered(collector, from, to)).collect()
}

fn renumbered(collector: &Collector, from: Release, to: Release) -> Option<Collector> {
    let resource_type = number(collector.resource_type, from, to)?;
    if resource_type.0 < to.rules().types.end {
        return None;
    }
    let node = |named: &Node| node(named, from, to);
    let active = |active: &Active| Some(Active { node: node(&active.node)?, ..active.clone() });
    let leased = |leased: &Leased| Some(Leased { node: node(&leased.node)?, ..leased.clone() });
    let back = |back: &BackReference| {
        Some(BackReference { from: node(&back.from)?, to: node(&back.to)?, ..back.clone() })
    };
    let reference = |(named, targets): &(Node, Vec<Node>)| {
        Some((node(named)?, targets.iter().filter_map(node).collect::<Vec<Node>>()))
    };
    Some(Collector {
        resource_type,
        all: collector.all.iter().filter_map(node).collect(),
        active: collector.active.iter().filter_map(active).collect(),
        leased: collector.leased.iter().filter_map(leased).collect(),
        active_back_references: collector.active_back_references.iter().filter_map(back).collect(),
        references: collector.references.iter().filter_map(reference).collect(),
        ..collector.clone()
    })
}

/// The kind of a type, whatever bits it has above 0x1F.
pub(super) fn plain_kind(release: Release, resource_type: ResourceType) -> Kind {
    release.kind_of(resource_type.stripped())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_keeps_its_name_and_changes_its_number() {
        let translated = |text: u8, from, to| number(ResourceType(text), from, to).map(|number| number.0);
        assert_eq!(translated(8, Release::V1_7, Release::V2_0), Some(9));
        assert_eq!(translated(0x25, Release::V2_0, Release::V1_7), None);
        assert_eq!(translated(6, Release::V2_4, Release::V1_6), Some(5));
        assert_eq!(translated(0x22, Release::V1_7, Release::V2_4), Some(0x22));
        assert_eq!(translated(16, Release::Seed, Release::V2_4), Some(16));
        // A free number that the other release gives to something else.
        assert_eq!(translated(9, Release::V1_7, Release::V2_0), None);
        assert_eq!(translated(10, Release::V2_2, Release::V2_1), None);
        assert_eq!(translated(7, Release::V1_6, Release::V2_0), None);
    }

    #[test]
    fn a_collector_that_cannot_be_registered_falls_away() {
        let registered = [8, 10, 16].map(|number| Collector::new(ResourceType(number)));
        let types = |to| {
            let renumbered = collectors(&registered, Release::V2_4, to);
            renumbered.iter().map(|collector| collector.resource_type.0).collect::<Vec<_>>()
        };
        assert_eq!(types(Release::V1_6), [0u8; 0]);
        assert_eq!(types(Release::V1_7), [16]);
        assert_eq!(types(Release::V2_1), [8, 16]);
        assert_eq!(types(Release::V2_2), [8, 10, 16]);
    }
}
