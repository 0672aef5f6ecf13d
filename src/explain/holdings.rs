//! What each holder reaches, and what goes without it.
//!
//! What a holder reaches is walked from each; what it alone holds is what it dominates, for all holders in one tree. The
//! names of one image hold together what the vertex dominates through which they lead to it.

use super::digest::{Adding, Held, Holding, nodes};
use super::dominators::Dominators;
use super::holders::{Holder, Walk, holders};
use super::network::{Group, Subject, VertexId};
use super::without::Gone;
use crate::oracle::graph::NodeId;
use hashbrown::HashMap;
use std::collections::BTreeSet;

impl<'a> Adding<'_, '_, 'a> {
    /// The holders each by itself, and with the names of one image as one where more goes without all of them; as they stand
    /// in the database.
    pub(super) fn holdings(&self) -> (Vec<Holding<'a>>, Vec<Holding<'a>>) {
        let dominators = self.network.dominators(self.now);
        let sums = self.sums(&dominators);
        let mut reaching = Reaching::new(self);
        let holders = holders(self.network, &self.reached);
        let holding = |holder: &Holder<'a>| Holding {
            holder: holder.subject,
            also: Vec::new(),
            rule: holder.rule,
            held: reaching.held(holder.members.clone(), holder.own),
            alone: self.alone(holder, &dominators, &sums),
            until: holder.until,
        };
        let each: Vec<Holding<'a>> = holders.iter().map(holding).collect();
        let mut by_image: Vec<Option<Holding<'a>>> = each.iter().cloned().map(Some).collect();
        for (shared, mut names) in self.names(&holders) {
            names.retain(|name| by_image[*name].as_ref().is_some_and(|holding| holding.also.is_empty()));
            let alone = self.alone_together(shared, &names, &holders, &dominators, &sums);
            let is_more = |name: &usize| each[*name].alone.objects < alone.objects;
            if names.len() > 1 && names.iter().all(is_more) {
                let held = self.held_together(&names, &holders, &mut reaching);
                let own: Vec<Holding<'a>> = names.iter().filter_map(|name| by_image[*name].take()).collect();
                by_image[names[0]] = together(own).map(|one| Holding { held, alone, ..one });
            }
        }
        (each, by_image.into_iter().flatten().collect())
    }

    /// The places of the holders that are names of one image, each with the vertex through which they lead to it.
    fn names(&self, holders: &[Holder<'a>]) -> Vec<(VertexId, Vec<usize>)> {
        let members = holders.iter().enumerate();
        let places: HashMap<VertexId, usize> = members
            .flat_map(|(place, holder)| holder.members.iter().map(move |member| (*member, place)))
            .collect();
        let names = self.network.shared.iter().map(|shared| {
            let from = self.network.to(*shared).iter().filter(|edge| self.reached.has(edge.from));
            let names: BTreeSet<usize> = from.filter_map(|edge| places.get(&edge.from)).copied().collect();
            (*shared, names.into_iter().collect())
        });
        names.collect()
    }

    /// What several names reach, themselves aside.
    fn held_together(
        &self,
        names: &[usize],
        holders: &[Holder<'a>],
        reaching: &mut Reaching<'_, '_, '_, 'a>,
    ) -> Held {
        let names = names.iter().map(|name| &holders[*name]);
        let held = reaching.held(names.clone().flat_map(|holder| &holder.members).copied().collect(), None);
        let own = names.filter(|holder| holder.own.is_some()).count() as u64;
        Held { objects: held.objects - own, ..held }
    }

    /// By vertex: what cannot be reached but through it.
    fn sums(&self, dominators: &Dominators) -> Vec<Held> {
        let mut at = vec![Held::default(); self.network.vertices()];
        for id in nodes(self.is_there.len()).filter(|id| self.is_there[*id as usize]) {
            if let Some(vertex) = dominators.common(self.network.entries_of(id).iter().copied()) {
                at[vertex as usize].add(self.object(id));
            }
        }
        for blob in self.blobs.all() {
            if let Some(vertex) = dominators.common(blob.entries(self.network)) {
                at[vertex as usize].add(Held { bytes: blob.bytes.unwrap_or(0), ..Held::default() });
            }
        }
        dominators.sums(&at, Held::add)
    }

    /// What goes without a holder.
    fn alone(&self, holder: &Holder<'a>, dominators: &Dominators, sums: &[Held]) -> Held {
        // A way in from which nothing goes on matters only to the object itself.
        let counts = |member: &&VertexId| holder.own.is_none() || !self.network.from(**member).is_empty();
        let members: Vec<VertexId> = holder.members.iter().filter(counts).copied().collect();
        let all = |top: &&VertexId| members.iter().all(|member| dominators.dominates(**top, *member));
        let Some(top) = members.iter().find(all) else {
            let Subject::Node(group) = holder.subject else { return Held::default() };
            let own: Vec<NodeId> = holder.own.into_iter().collect();
            return if members.is_empty() { Held::default() } else { self.tried(&[group], &own) };
        };
        let mut held = sums[*top as usize];
        let own = holder.own.filter(|own| self.is_there[*own as usize]);
        let own = own.and_then(|own| dominators.common(self.network.entries_of(own).iter().copied()));
        if own.is_some_and(|own| dominators.dominates(*top, own)) {
            held.objects -= 1;
        }
        held
    }

    /// What goes without all of several names of an image that lead to it through one vertex.
    fn alone_together(
        &self,
        shared: VertexId,
        names: &[usize],
        holders: &[Holder<'a>],
        dominators: &Dominators,
        sums: &[Held],
    ) -> Held {
        let leads_only_there = |holder: &Holder<'_>| match holder.members[..] {
            [member] => matches!(self.network.from(member), [edge] if edge.to == shared),
            _ => false,
        };
        let is_below = |holder: &Holder<'_>| dominators.dominates(shared, holder.members[0]);
        let mut names = names.iter().map(|name| &holders[*name]);
        if names.clone().all(|holder| leads_only_there(holder) && !is_below(holder)) {
            return sums[shared as usize];
        }
        let own: Vec<NodeId> = names.clone().filter_map(|holder| holder.own).collect();
        let groups: Vec<Group> = names.by_ref().map(|holder| self.network.group(holder.members[0])).collect();
        self.tried(&groups, &own)
    }

    /// What goes without some groups, found by taking them out; of what the holders are themselves nothing is counted.
    fn tried(&self, groups: &[Group], own: &[NodeId]) -> Held {
        let out: Vec<VertexId> =
            groups.iter().flat_map(|group| self.network.members(*group)).copied().collect();
        let now = (&self.reached, self.now);
        let Gone { nodes, bytes } = self.network.gone(&out, |id| groups.contains(&id), now, &self.blobs);
        let mut held = Held { bytes, ..Held::default() };
        let counted = nodes.into_iter().filter(|id| self.is_there[*id as usize] && !own.contains(id));
        counted.for_each(|id| held.add(self.object(id)));
        held
    }
}

/// Several names of an image as one holder: it holds until the last of them ends.
fn together(names: Vec<Holding<'_>>) -> Option<Holding<'_>> {
    let ends = names.iter().map(|name| name.until);
    let until = ends.reduce(|left, right| left.zip(right).map(|(left, right)| left.max(right)));
    let mut names = names.into_iter();
    let first = names.next()?;
    Some(Holding { also: names.map(|other| other.holder).collect(), until: until.flatten(), ..first })
}

/// Adds up what is reached, from one holder after the other.
struct Reaching<'r, 'n, 'j, 'a> {
    adding: &'r Adding<'n, 'j, 'a>,
    walk: Walk<'n, 'j, 'a>,
    /// By blob: its size.
    sizes: Vec<u64>,
    /// By blob: the last sum that has it.
    last_met: Vec<u32>,
    number: u32,
}

impl<'r, 'n, 'j, 'a> Reaching<'r, 'n, 'j, 'a> {
    fn new(adding: &'r Adding<'n, 'j, 'a>) -> Self {
        let sizes: Vec<u64> = adding.blobs.all().iter().map(|blob| blob.bytes.unwrap_or(0)).collect();
        let (walk, last_met) = (Walk::new(adding.network, adding.now), vec![0; sizes.len()]);
        Reaching { adding, walk, sizes, last_met, number: 0 }
    }

    /// All that some vertices lead to and that is there, but for one node.
    fn held(&mut self, from: Vec<VertexId>, own: Option<NodeId>) -> Held {
        let Reaching { adding, walk, sizes, last_met, number } = self;
        *number += 1;
        let mut held = Held::default();
        walk.meet_from(from, own, |node| {
            if !adding.is_there[node as usize] {
                return;
            }
            held.add(adding.object(node));
            let blob = adding.blobs.of(node);
            let is_new = |blob: &usize| std::mem::replace(&mut last_met[*blob], *number) != *number;
            held.bytes = held.bytes.saturating_add(blob.filter(is_new).map_or(0, |blob| sizes[blob]));
        });
        held
    }
}
