//! Why an `expect` step does not hold: what the last collection did with the node, or which step removed it before.
//!
//! ```text
//! content/layer was kept by the last collection: lease/pull holds it until 2026-01-01T01:00:00Z
//! content/old is not there: removed by `gc`, line 17: lease/pull held it and expired 2026-01-01T01:00:00Z
//! content/new is not there: removed by `gc`, line 17: nothing refers to it (before `lease delete pull`, line 12: lease/pull holds it)
//! content/own is not there: removed by `content delete own`, line 19
//! container/web was kept by the last collection: no collection removes containers
//! ```
//!
//! Noted is what collections remove and what other steps remove by name. What `raw delete` removes is not.

use super::Replay;
use super::gc::{self, Fate};
use crate::bucket::Bucket;
use crate::metadata::{Error, ErrorKind};
use crate::node::{Kind, NodeRef};
use crate::oracle::judge;
use crate::release::Release;
use crate::scenario::{Assertion, Line, Name, NodeName, Step, print_node, print_step};
use crate::schema::{names, views};
use crate::text;
use crate::world::{Applied, Collected, Unmet, World};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Which step removed each node last.
#[derive(Default)]
pub(super) struct Removals {
    /// By kind, namespace and key.
    removals: BTreeMap<(Kind, Name, Name), Removal>,
    /// The last step that collected, counted from 0.
    collected_at: usize,
}

/// That a node was removed.
struct Removal {
    /// The step, counted from 0.
    at: usize,
    /// The collection that it ran, if it was this that removed the node.
    collected: Option<Arc<Collected>>,
}

impl Removals {
    /// Takes note of a step, counted from 0.
    pub(super) fn note(&mut self, at: usize, line: &Line, applied: &Applied, world: &World) {
        if let (Some((kind, key)), None) = (named(&line.step), &applied.refused) {
            let namespace = world.namespace(line.client.as_ref()).unwrap_or_default();
            self.removals.insert((kind, namespace.to_vec(), key), Removal { at, collected: None });
        }
        let Some(collected) = &applied.collected else { return };
        self.collected_at = at;
        let outcome = &collected.outcome;
        for node in outcome.refs(&outcome.removed).filter(|_| outcome.error.is_none()) {
            let kind = collected.before.release.kind_of(node.resource_type);
            let removal = Removal { at, collected: Some(Arc::clone(collected)) };
            self.removals.insert((kind, node.namespace.to_vec(), node.key.to_vec()), removal);
        }
    }
}

/// What a step removes by name.
fn named(step: &Step) -> Option<(Kind, Name)> {
    let (kind, key) = match step {
        Step::ContentDelete { digest } => (Kind::Content, digest),
        Step::ContentAbort { reference } | Step::ContentCommit { reference, .. } => (Kind::Ingest, reference),
        Step::SnapshotRemove { snapshot } | Step::SnapshotCommit { snapshot, .. } => {
            return Some((Kind::Snapshot, [&*snapshot.snapshotter, b"/", &*snapshot.key].concat()));
        }
        Step::ImageDelete { image, .. } => (Kind::Image, image),
        Step::ContainerDelete { container } => (Kind::Container, container),
        Step::LeaseDelete { lease, .. } => (Kind::Lease, lease),
        Step::StreamClose { stream } => (Kind::Stream, stream),
        _ => return None,
    };
    Some((kind, key.clone()))
}

/// A node that an assertion names.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The namespace of the client that asks.
    pub(super) client: &'a [u8],
    /// The kind as the step has it.
    pub(super) kind: Kind,
    pub(super) namespace: &'a [u8],
    pub(super) key: &'a [u8],
}

impl Replay<'_> {
    /// Why a node is not what an assertion expects of it.
    pub(super) fn why(&self, line: &Line, assertion: &Assertion, unmet: &Unmet) -> Option<String> {
        if let Assertion::Value { path, .. } | Assertion::Bucket(path) = assertion {
            return self.why_not_at(line, path);
        }
        let Unmet::Node { node, .. } = unmet else { return None };
        let NodeName { namespace, kind, key, .. } = &**node;
        let client = self.world.namespace(line.client.as_ref())?;
        let asked = Asked { client, kind: *kind, namespace: namespace.as_deref().unwrap_or(client), key };
        let last = self.world.last().map(|collected| &**collected);
        let fate = last.and_then(|collected| self.fate(collected, asked));
        // What the last collection removed may have been made again.
        let is_there =
            || views::has(&self.world.store().tree, exact(self.world.release(), *kind), asked.namespace, key);
        match (assertion, fate) {
            (Assertion::Absent(_) | Assertion::NotStored(_), Some(Fate::Removed(_))) if is_there() => {
                let exact = exact(self.world.release(), *kind);
                let stayed =
                    last.is_some_and(|it| views::has(&it.outcome.after, exact, asked.namespace, key));
                Some(match stayed {
                    true => "the last collection handed it to removal, and its bucket stays".to_owned(),
                    false => "it was made again after the last collection removed it".to_owned(),
                })
            }
            (Assertion::Kept(_), Some(Fate::Removed(why))) => {
                Some(self.with_before(why, asked, self.removals.collected_at))
            }
            (Assertion::Kept(_) | Assertion::Removed(_), None)
                if last.is_some_and(|it| is_unstarted(it, asked)) =>
            {
                Some("its collector did not start, so that the collection asked nothing of it".to_owned())
            }
            (Assertion::Kept(_), _) => self.removal(asked, 0..=self.removals.collected_at),
            (Assertion::Removed(_), Some(Fate::Kept(why))) => Some(why),
            (Assertion::Removed(_), Some(Fate::Unchanged(error))) => Some(format!("`{error}`")),
            (Assertion::Removed(_), None) => {
                unswept(last?, asked).or_else(|| self.removal(asked, 0..=self.removals.collected_at))
            }
            // What removed it before it was kept did not remove it for good.
            (Assertion::Present(_) | Assertion::Stored(_), Some(Fate::Kept(_))) => {
                self.removal(asked, self.removals.collected_at..=self.next)
            }
            (Assertion::Present(_) | Assertion::Stored(_), _) => self.removal(asked, 0..=self.next),
            (Assertion::Absent(_) | Assertion::NotStored(_), Some(Fate::Kept(why))) => {
                Some(format!("the last collection kept it: {why}"))
            }
            (Assertion::NotStored(_), Some(Fate::Removed(_))) => {
                let has_it =
                    |(around, digest): (&[u8], &[u8])| *digest == *asked.key && *around != *asked.namespace;
                let tree = &self.world.store().tree;
                let other = views::blobs(tree).find(|blob| asked.kind == Kind::Content && has_it(*blob));
                Some(match other {
                    Some((other, _)) => format!("namespace {} has it too", text::name(other)),
                    None => "the last collection removed it, and a `cleanup` drops it".to_owned(),
                })
            }
            (Assertion::Absent(_) | Assertion::NotStored(_), Some(Fate::Unchanged(error))) => {
                Some(format!("the last collection failed with `{error}`"))
            }
            (Assertion::Absent(_), None) => unswept(last?, asked),
            _ => None,
        }
    }

    /// Why nothing of an object is at a path any more.
    fn why_not_at(&self, line: &Line, path: &[Name]) -> Option<String> {
        let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
        let (kind, namespace, key) = views::object_at(&path)?;
        if views::has(&self.world.store().tree, kind, namespace, &key) {
            return None;
        }
        let client = self.world.namespace(line.client.as_ref())?;
        let removal = self.removal(Asked { client, kind, namespace, key: &key }, 0..=self.next)?;
        let namespace = (namespace != client).then(|| namespace.to_vec());
        Some(format!("{} was {removal}", print_node(&NodeName::new(namespace, kind, key))))
    }

    /// What was removed of what a step names, where that is what it is refused for: by its kind of error and its text.
    pub(super) fn lacked(&self, line: &Line, error: &Error) -> Option<String> {
        if error.kind != ErrorKind::NotFound {
            return None;
        }
        let client = self.world.namespace(line.client.as_ref())?;
        let said = error.to_string();
        let (release, tree) = (self.world.release(), &self.world.store().tree);
        let mut names: BTreeSet<Name> = BTreeSet::new();
        line.step.clone().for_each_name(&mut |name| {
            names.insert(std::mem::take(name));
        });
        names.extend(self.world.lease(line.client.as_ref()).map(<[u8]>::to_vec));
        let is_lacked = |kind: Kind, namespace: &[u8], key: &[u8]| {
            let slash = key.iter().position(|byte| *byte == b'/').filter(|_| kind == Kind::Snapshot);
            let name = &key[slash.map_or(0, |slash| slash + 1)..];
            // Errors have names in quotes.
            let is_said = said.contains(&format!("\"{}\"", name.escape_ascii()));
            is_said && names.contains(name) && !views::has(tree, exact(release, kind), namespace, key)
        };
        let mut removed = self.removals.removals.keys();
        let (kind, namespace, key) =
            removed.find(|(kind, namespace, key)| namespace == client && is_lacked(*kind, namespace, key))?;
        let removal = self.removal(Asked { client, kind: *kind, namespace, key }, 0..=self.next)?;
        let node = NodeName::new(None, *kind, key.clone());
        Some(format!("{} was {removal}", print_node(&node)))
    }

    /// What a collection did with a node and why; none if it walked no such node.
    fn fate(&self, collected: &Collected, asked: Asked<'_>) -> Option<Fate> {
        let resource_type = collected.before.release.type_of(asked.kind)?;
        let node = NodeRef { resource_type, namespace: asked.namespace, key: asked.key };
        let judgement = judge(&collected.before, self.known(collected.before.release).defects);
        gc::fate(collected, &judgement, asked.client, node, self.reasons)
    }

    /// Which step removed a node last, and why, if it is one of these.
    fn removal(&self, asked: Asked<'_>, steps: RangeInclusive<usize>) -> Option<String> {
        let kind = exact(self.world.release(), asked.kind);
        let node = (kind, asked.namespace.to_vec(), asked.key.to_vec());
        let Removal { at, collected } =
            self.removals.removals.get(&node).filter(|removal| steps.contains(&removal.at))?;
        let line = &self.scenario.lines[*at];
        let removed = format!("removed by `{}`, line {}", print_step(&line.step), line.number);
        match collected.as_ref().and_then(|collected| self.fate(collected, asked)) {
            Some(Fate::Removed(why)) => Some(format!("{removed}: {}", self.with_before(why, asked, *at))),
            _ => Some(removed),
        }
    }

    /// Why a step removed a node, with what kept it before.
    fn with_before(&self, why: String, asked: Asked<'_>, at: usize) -> String {
        match self.kept_before(asked, at) {
            Some(before) => format!("{why} {before}"),
            None => why,
        }
    }
}

/// What a number means in a release; it may well be that of a kind.
fn exact(release: Release, kind: Kind) -> Kind {
    release.type_of(kind).map_or(kind, |number| release.kind_of(number))
}

/// In which other namespace of a database, seen from a client's own, there is what is expected to be there, or to have been walked.
pub(super) fn elsewhere(
    tree: &Bucket,
    release: Release,
    own: &[u8],
    assertion: &Assertion,
    unmet: &Unmet,
) -> Option<String> {
    let (Assertion::Kept(_) | Assertion::Removed(_) | Assertion::Present(_), Unmet::Node { node, .. }) =
        (assertion, unmet)
    else {
        return None;
    };
    let kind = exact(release, node.kind);
    let namespaces = tree.bucket(names::V1)?.buckets().map(|(namespace, _)| namespace);
    let asked = node.namespace.as_deref().unwrap_or(own);
    let other = namespaces
        .filter(|namespace| *namespace != asked)
        .find(|namespace| views::has(tree, kind, namespace, &node.key))?;
    let there = NodeName { namespace: Some(other.to_vec()), ..(**node).clone() };
    Some(format!("another namespace has it, as {}", print_node(&there)))
}

/// Whether the collector that would have the node did not start.
fn is_unstarted(collected: &Collected, asked: Asked<'_>) -> bool {
    let situation = &collected.before;
    let own = situation.release.type_of(asked.kind);
    let mut collectors = situation.collectors.iter();
    collectors.any(|collector| Some(collector.resource_type) == own && collector.start_error)
}

/// Why a collection walked no such node although the database had it.
fn unswept(collected: &Collected, asked: Asked<'_>) -> Option<String> {
    let release = collected.before.release;
    let kind = exact(release, asked.kind);
    let was_there = views::has(&collected.before.tree, kind, asked.namespace, asked.key);
    match kind {
        Kind::Container if was_there => Some("no collection removes containers".to_owned()),
        Kind::Image if was_there => Some(format!(
            "no collection of containerd {release} removes images; from 2.0 on it does when they have expired"
        )),
        _ => None,
    }
}
