//! Makes a case small while it still breaks the same property in the same way.
//!
//! ```text
//!   steps behind the finding go ──> runs of steps go, then single ones ──> labels, options, listed things go
//!         ^                                                                    │
//!         │        chains get shorter: two objects become one  <───────────────┤ clients and namespaces become one
//!         └─── until nothing helps ─── names become short  <───────────────────┘ clock moves are pulled together
//! ```
//!
//! The last round tries every single step, and in each step every label, option and listed thing, and finds nothing to
//! leave out: the result is 1-minimal.

use super::run::{Broken, Mode, Sort, Thorough, run_for};
use crate::engine::Fault;
use crate::node::Kind;
use crate::oracle::Defects;
use crate::properties::check::When;
use crate::release::Release;
use crate::scenario::{DEFAULT_NAMESPACE, Labels, Line, Name, NewSnapshot, Outcome, Step, alias};
use crate::world::World;
use std::collections::BTreeSet;

/// A small case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrunk {
    /// Its steps, the last one the collection that breaks the property. What is refused is marked so (`?`).
    pub lines: Vec<Line>,
    /// What it breaks.
    pub broken: Broken,
    /// How many smaller cases were tried.
    pub tries: u64,
}

/// The case with everything left out that does not matter to a sort of finding, which it must show.
pub fn shrink(
    lines: Vec<Line>,
    release: Release,
    defects: Defects,
    sort: Sort,
    fault: Option<Fault>,
) -> Shrunk {
    let thorough = match sort.property.when() {
        When::Each => Thorough::Never,
        When::Thorough => Thorough::Always,
    };
    let mode = Mode { release, defects, thorough };
    let shown = |lines: &[Line]| run_for(lines, mode, sort, fault);
    let (lines, tries) = shrink_while(lines, &mut |lines| Some(shown(lines)?.line));
    let broken = shown(&lines).expect("a small case shows what it was shrunk for");
    Shrunk { lines: marked(lines, release, fault), broken, tries }
}

/// The case with everything left out without which `shows` still tells the line of what it is shrunk for, and how many
/// smaller cases were tried. The given one must show it.
pub fn shrink_while(lines: Vec<Line>, shows: &mut dyn FnMut(&[Line]) -> Option<usize>) -> (Vec<Line>, u64) {
    let mut shrinking = Shrinking { lines: Vec::new(), shows, tries: 0 };
    assert!(shrinking.take(lines), "the case shows what it is shrunk for");
    loop {
        let before = shrinking.lines.clone();
        shrinking.drop_runs();
        shrinking.simplify();
        shrinking.merge_clients();
        shrinking.merge_namespaces();
        shrinking.merge_labels();
        shrinking.merge_names();
        shrinking.gather_clock();
        shrinking.rename();
        if shrinking.lines == before {
            return (shrinking.lines, shrinking.tries);
        }
    }
}

/// The lines with what is refused marked as such.
pub fn marked(mut lines: Vec<Line>, release: Release, fault: Option<Fault>) -> Vec<Line> {
    let mut world = World::new(release);
    for line in &mut lines {
        let applied = world.apply_with(line, fault);
        line.outcome = if applied.refused.is_some() { Outcome::Any } else { Outcome::Accepted };
    }
    lines
}

struct Shrinking<'s> {
    lines: Vec<Line>,
    shows: &'s mut dyn FnMut(&[Line]) -> Option<usize>,
    tries: u64,
}

impl Shrinking<'_> {
    /// Takes a smaller case if it still shows what it is to show; nothing behind that matters.
    fn take(&mut self, mut lines: Vec<Line>) -> bool {
        self.tries += 1;
        let Some(line) = (self.shows)(&lines) else { return false };
        lines.truncate(line + 1);
        self.lines = lines;
        true
    }

    /// Leaves out runs of steps, long ones first, down to single ones.
    fn drop_runs(&mut self) {
        let mut length = self.lines.len().div_ceil(2);
        while length > 0 {
            let mut at = 0;
            while at < self.lines.len() {
                let end = self.lines.len().min(at + length);
                let mut lines = self.lines.clone();
                lines.drain(at..end);
                // Where it is taken, what follows has moved to this place.
                if !is_declared(&lines) || !self.take(lines) {
                    at += length;
                }
            }
            length /= 2;
        }
    }

    /// Leaves out labels, options and listed things, one at a time.
    fn simplify(&mut self) {
        let mut at = 0;
        while at < self.lines.len() {
            let simpler = simpler(&self.lines[at].step);
            let is_simpler = simpler.into_iter().any(|step| {
                let mut lines = self.lines.clone();
                lines[at].step = step;
                self.take(lines)
            });
            at += usize::from(!is_simpler);
        }
    }

    /// A client's steps become those of the unnamed one.
    fn merge_clients(&mut self) {
        let clients: BTreeSet<Name> = self.lines.iter().filter_map(|line| line.client.clone()).collect();
        for client in clients {
            let is_declaration =
                |line: &Line| matches!(&line.step, Step::Client { name, .. } if *name == client);
            let mut lines = self.lines.clone();
            lines.retain(|line| !is_declaration(line));
            for line in lines.iter_mut().filter(|line| line.client.as_ref() == Some(&client)) {
                line.client = None;
            }
            self.take(lines);
        }
    }

    /// Everything happens in the namespace that clients use by themselves.
    fn merge_namespaces(&mut self) {
        let mut used = BTreeSet::new();
        for line in &self.lines {
            match &line.step {
                Step::NamespaceUse { namespace } | Step::Client { namespace: Some(namespace), .. } => {
                    used.insert(namespace.clone());
                }
                _ => {}
            }
        }
        used.remove(DEFAULT_NAMESPACE);
        for namespace in used {
            self.take(replaced(&self.lines, &namespace, DEFAULT_NAMESPACE));
        }
    }

    /// Labels that an object gets later are its own from the beginning.
    fn merge_labels(&mut self) {
        let mut later = 1;
        while later < self.lines.len() {
            let mut lines = self.lines.clone();
            let mut changed = lines.remove(later).step;
            let object = object_of(&self.lines[later].step);
            let labels = labels_of(&mut changed).map(std::mem::take).unwrap_or_default();
            let earlier =
                lines[..later].iter().position(|line| object.is_some() && object_of(&line.step) == object);
            let is_merged = !labels.is_empty()
                && earlier.and_then(|earlier| labels_of(&mut lines[earlier].step)).is_some_and(|own| {
                    for (key, value) in labels.as_slice() {
                        own.insert(key.clone(), value.clone());
                    }
                    true
                });
            if !is_merged || !is_declared(&lines) || !self.take(lines) {
                later += 1;
            }
        }
    }

    /// Chains get shorter where two of their links can be one: a name becomes another one of its kind.
    fn merge_names(&mut self) {
        let names = names_of(&self.lines);
        for (at, name) in names.iter().enumerate() {
            for other in names[..at].iter().filter(|other| are_alike(name, other)) {
                let merged = replaced(&self.lines, name, other);
                if merged != self.lines && self.take(merged) {
                    break;
                }
            }
        }
    }

    /// Two moves of the clock become one, at the later place.
    fn gather_clock(&mut self) {
        let mut later = 1;
        while later < self.lines.len() {
            let earlier = (0..later).rev().find(|at| is_clock(&self.lines[*at].step));
            let merged = earlier.and_then(|earlier| {
                let step = merged_clock(&self.lines[earlier].step, &self.lines[later].step)?;
                let mut lines = self.lines.clone();
                lines[later].step = step;
                lines.remove(earlier);
                Some(lines)
            });
            if !merged.is_some_and(|lines| self.take(lines)) {
                later += 1;
            }
        }
    }

    /// Names that are long or hard to read become short ones, everywhere at once.
    fn rename(&mut self) {
        let names = names_of(&self.lines);
        for name in names.iter().filter(|name| !is_short(name)) {
            let is_digest = alias::name_of(name).is_some();
            let short = (b'a'..=b'z').flat_map(|letter| [vec![letter], vec![letter, b'0']]);
            let mut fresh = short.map(|name| match is_digest {
                true => alias::digest_of(&String::from_utf8_lossy(&name)).expect("letters and digits"),
                false => name,
            });
            if let Some(fresh) = fresh.find(|fresh| !names.contains(fresh)) {
                self.take(replaced(&self.lines, name, &fresh));
            }
        }
    }
}

/// Whether every client is declared before it acts, and once.
fn is_declared(lines: &[Line]) -> bool {
    let mut declared = BTreeSet::new();
    lines.iter().all(|line| match (&line.step, &line.client) {
        (Step::Client { name, .. }, _) => declared.insert(name),
        (_, Some(client)) => declared.contains(client),
        _ => true,
    })
}

/// Every name, in the order of first mention.
fn names_of(lines: &[Line]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for line in &mut lines.to_vec() {
        line.step.for_each_name(&mut |name| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        });
    }
    names
}

/// The object whose labels a step writes.
fn object_of(step: &Step) -> Option<(Kind, &[u8], &[u8])> {
    Some(match step {
        Step::ContentPut { digest, .. }
        | Step::ContentLabel { digest, .. }
        | Step::ContentCommit { digest, .. } => (Kind::Content, b"", digest),
        Step::SnapshotPrepare(NewSnapshot { snapshot, .. }) | Step::SnapshotLabel { snapshot, .. } => {
            (Kind::Snapshot, &snapshot.snapshotter, &snapshot.key)
        }
        Step::SnapshotCommit { snapshot, name, .. } => (Kind::Snapshot, &snapshot.snapshotter, name),
        Step::ImageCreate { image, .. }
        | Step::ImageUpdate { image, .. }
        | Step::ImageLabel { image, .. } => (Kind::Image, b"", image),
        Step::ContainerCreate { container, .. }
        | Step::ContainerUpdate { container, .. }
        | Step::ContainerLabel { container, .. } => (Kind::Container, b"", container),
        _ => return None,
    })
}

/// Whether two names are of one kind, as far as names tell: both of content, or numbered behind the same letter.
fn are_alike(name: &[u8], other: &[u8]) -> bool {
    let letter = |name: &[u8]| match name {
        [letter, digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Some(*letter),
        _ => None,
    };
    match (alias::name_of(name), alias::name_of(other)) {
        (Some(_), Some(_)) => true,
        (None, None) => letter(name).is_some() && letter(name) == letter(other),
        _ => false,
    }
}

fn is_clock(step: &Step) -> bool {
    matches!(step, Step::Now(_) | Step::Advance(_))
}

/// What two moves of the clock do together.
fn merged_clock(earlier: &Step, later: &Step) -> Option<Step> {
    match (earlier, later) {
        (Step::Advance(earlier), Step::Advance(later)) => Some(Step::Advance(earlier.checked_add(*later)?)),
        (Step::Now(now), Step::Advance(by)) => Some(Step::Now(now.plus(*by))),
        (_, Step::Now(now)) => Some(Step::Now(*now)),
        _ => None,
    }
}

/// Names that everybody reads easily: everyday content of one letter, other names of up to twelve letters and digits.
fn is_short(name: &[u8]) -> bool {
    match alias::name_of(name) {
        Some(everyday) => everyday.len() <= 2,
        None => (1..=12).contains(&name.len()) && name.iter().all(u8::is_ascii_alphanumeric),
    }
}

fn replaced(lines: &[Line], from: &[u8], to: &[u8]) -> Vec<Line> {
    let mut lines = lines.to_vec();
    for line in &mut lines {
        line.step.for_each_name(&mut |name| {
            if name == from {
                *name = to.to_vec();
            }
        });
    }
    lines
}

/// The same step with one thing less, or one that says nearly the same and is simpler.
fn simpler(step: &Step) -> Vec<Step> {
    let mut simpler = step.simpler();
    match step {
        // What is written in two steps can be put in one.
        Step::ContentCommit { reference: _, digest, size, labels } => {
            let (digest, size, labels) = (digest.clone(), *size, labels.clone());
            simpler.push(Step::ContentPut { digest, size, labels });
        }
        // A view, or one begun and finished apart, becomes a plain one.
        Step::SnapshotView(new) | Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) => {
            simpler.push(Step::SnapshotPrepare(new.clone()));
        }
        // A deletion that waits for a collection becomes the collection.
        Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. } => {
            simpler.push(Step::Gc { last: None, cancel_at_root: None });
        }
        _ => {}
    }
    simpler
}

fn labels_of(step: &mut Step) -> Option<&mut Labels> {
    match step {
        Step::NamespaceCreate { labels, .. }
        | Step::NamespaceLabel { labels, .. }
        | Step::ContentCommit { labels, .. }
        | Step::ContentPut { labels, .. }
        | Step::ContentLabel { labels, .. }
        | Step::SnapshotCommit { labels, .. }
        | Step::SnapshotLabel { labels, .. }
        | Step::ImageLabel { labels, .. }
        | Step::ContainerLabel { labels, .. }
        | Step::LeaseCreate { labels, .. }
        | Step::SandboxCreate { labels, .. }
        | Step::SandboxLabel { labels, .. } => Some(labels),
        Step::SnapshotPrepare(new)
        | Step::SnapshotView(new)
        | Step::SnapshotPrepareBegin(new)
        | Step::SnapshotViewBegin(new) => Some(&mut new.labels),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => Some(&mut fields.labels),
        Step::ContainerCreate { fields, .. } | Step::ContainerUpdate { fields, .. } => {
            Some(&mut fields.labels)
        }
        _ => None,
    }
}
