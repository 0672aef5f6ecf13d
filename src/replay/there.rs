//! What the steps of a scenario create, to be asked for by name, and by what is nearly one.
//!
//! A name has the parts that a person writes: of a snapshot its snapshotter and its key, of content what its digest stands
//! for. What is nearly called so differs in one part:
//!
//! ```text
//! snapshot/overlayf/base   among   snapshot/*/base, by its snapshotter
//!                          among   snapshot/overlayf/*, by its key
//! ```

use super::objects::{Object, created};
use super::slip::{Budget, Names};
use crate::node::Kind;
use crate::scenario::{Scenario, alias};
use crate::text;
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

/// What is created.
pub(super) struct There {
    /// In their order.
    all: Vec<Object>,
    near: OnceCell<Near>,
    /// What was found before.
    found: RefCell<HashMap<Object, Option<usize>>>,
    /// What may still be compared.
    pub(super) budget: Budget,
}

/// The objects by their parts.
#[derive(Default)]
struct Near {
    parts: HashSet<String>,
    groups: HashMap<Group, (Vec<usize>, OnceCell<Names>)>,
}

/// Objects of a kind that differ in one part: its place, and what the others are.
type Group = (Kind, usize, Vec<String>);

impl There {
    /// All that the steps create.
    pub(super) fn of(scenario: &Scenario) -> There {
        let mut all: Vec<Object> = scenario.lines.iter().flat_map(|line| created(&line.step)).collect();
        all.sort();
        all.dedup();
        There { all, near: OnceCell::new(), found: RefCell::default(), budget: Budget::default() }
    }

    pub(super) fn contains(&self, object: &Object) -> bool {
        self.all.binary_search(object).is_ok()
    }

    /// The object of a kind that is nearly called so: of a snapshot either the snapshotter or the key is another. A name
    /// that an object of any kind has is no slip.
    pub(super) fn nearest(&self, object: &Object) -> Option<Object> {
        let known = self.found.borrow().get(object).copied();
        let found = known.unwrap_or_else(|| self.search(object));
        self.found.borrow_mut().insert(object.clone(), found);
        found.map(|place| self.all[place].clone())
    }

    fn search(&self, object: &Object) -> Option<usize> {
        let near = self.near.get_or_init(|| Near::of(&self.all));
        let parts = parts(object);
        let places = (0..parts.len()).filter(|place| !near.parts.contains(&parts[*place]));
        let found = places.filter_map(|place| {
            let (objects, names) = near.groups.get(&group(object.0, &parts, place))?;
            let part = |object: &usize| self::parts(&self.all[*object]).swap_remove(place);
            let names = names.get_or_init(|| Names::new(objects.iter().map(part)));
            let (edits, nearest) = names.meant(&parts[place], &self.budget)?;
            Some((edits, objects[nearest]))
        });
        found.min().map(|(_, object)| object)
    }
}

impl Near {
    fn of(all: &[Object]) -> Near {
        let mut near = Near::default();
        for (at, object) in all.iter().enumerate() {
            let parts = parts(object);
            for place in 0..parts.len() {
                near.groups.entry(group(object.0, &parts, place)).or_default().0.push(at);
            }
            near.parts.extend(parts);
        }
        near
    }
}

fn group(kind: Kind, parts: &[String], place: usize) -> Group {
    let mut others = parts.to_vec();
    others.remove(place);
    (kind, place, others)
}

/// A name in the parts that a person writes.
fn parts((kind, name): &Object) -> Vec<String> {
    match name.iter().position(|byte| *byte == b'/').filter(|_| *kind == Kind::Snapshot) {
        Some(slash) => vec![everyday(&name[..slash]), everyday(&name[slash + 1..])],
        None => vec![everyday(name)],
    }
}

/// A name as people write it: of content without its digest.
pub(super) fn everyday(name: &[u8]) -> String {
    alias::name_of(name).unwrap_or_else(|| text::name(name))
}
