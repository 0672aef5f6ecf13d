//! What `expect` steps assert of a world.

use super::World;
use super::actors::undeclared;
use super::collect::Collected;
use super::raw::{raw_bytes, split};
use crate::bucket::{Entry, diff};
use crate::collector::Collector;
use crate::engine::collect;
use crate::metadata::Error;
use crate::node::{Kind, NodeRef};
use crate::release::Release;
use crate::scenario::{
    Assertion, Condition, Name, NodeName, Promise, RawValue, alias, print_node_cut, print_path,
};
use crate::schema::{names, time, varint, views};
use crate::situation::Situation;
use crate::text;

/// An assertion that does not hold; the message says what is instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unmet {
    /// It speaks of the last collection, and there was none.
    #[error("there was no collection yet")]
    NoCollection,
    /// It names a client or a kind that there is not.
    #[error("{0}")]
    Impossible(Error),
    /// Of a node something else is true.
    #[error("{} {was}", print_node_cut(node, *slash))]
    Node {
        /// The node, as the step names it.
        node: Box<NodeName>,
        /// Where a snapshot's key is cut.
        slash: Option<usize>,
        /// What is true of it.
        was: &'static str,
    },
    /// Of more nodes than are told something else is true.
    #[error("{} are not as expected: in steps of their own they are told with their reasons", text::counted(*.0 as u64, "more node"))]
    More(usize),
    /// The last collection ended otherwise.
    #[error("the last collection {}, expected `{}`", ended(.was.as_deref()), text::line(expected))]
    Error {
        /// The text that was expected.
        expected: String,
        /// How it failed, if it did.
        was: Option<String>,
    },
    /// A second collection at the same instant would change something.
    #[error("a second collection at the same instant changes {path}")]
    NotSame {
        /// The first place that changes.
        path: String,
    },
    /// At a path there is something else.
    #[error("{path} is {was}, expected {expected}")]
    Entry {
        /// The path.
        path: String,
        /// What is there.
        was: String,
        /// What was expected.
        expected: String,
    },
}

fn ended(error: Option<&str>) -> String {
    match error {
        None => "succeeded".to_owned(),
        Some(error) => format!("failed with `{}`", text::line(error)),
    }
}

impl World {
    /// Holds an assertion against the world. `kept`, `removed`, `error` and `same` speak of the last collection, the
    /// others of what is there now.
    ///
    /// A node was *removed* if a collection that succeeded handed it to removal, and *kept* if it was there, in the
    /// database or in a collector's list, and was not removed.
    ///
    /// # Errors
    /// The assertion does not hold; all that shows it, of every node that it names.
    pub fn expects(&self, client: Option<&Name>, assertion: &Assertion) -> Result<(), Vec<Unmet>> {
        let one = |unmet| vec![unmet];
        match assertion {
            Assertion::Kept(nodes) => self.each(client, nodes, World::unless_kept),
            Assertion::Removed(nodes) => self.each(client, nodes, World::unless_removed),
            Assertion::Present(nodes) => self
                .each(client, nodes, |world, node| Ok((!world.is_present(node)).then_some("is not there"))),
            Assertion::Absent(nodes) => {
                self.each(client, nodes, |world, node| Ok(world.is_present(node).then_some("is there")))
            }
            Assertion::Stored(nodes) => self.each(client, nodes, |world, node| {
                Ok((!world.is_stored(node)).then_some("is not in the backend"))
            }),
            Assertion::NotStored(nodes) => self
                .each(client, nodes, |world, node| Ok(world.is_stored(node).then_some("is in the backend"))),
            Assertion::Error(expected) => {
                let last = self.last.as_ref().ok_or(Unmet::NoCollection).map_err(one)?;
                let was = last.outcome.error.as_ref().map(ToString::to_string);
                if was.as_ref().map(String::as_bytes) == Some(expected) {
                    return Ok(());
                }
                Err(one(Unmet::Error { expected: text::name(expected), was }))
            }
            Assertion::Same => self.unless_same().map_err(one),
            Assertion::Value { path, value } => {
                let expected = raw_bytes(value);
                match self.entry(path) {
                    Some(Entry::Value(bytes)) if *bytes == *expected => Ok(()),
                    was => Err(one(Unmet::Entry {
                        path: print_path(path),
                        was: shown(was, value),
                        expected: shown(Some(Entry::Value(&expected)), value),
                    })),
                }
            }
            Assertion::Bucket(path) => match self.entry(path) {
                Some(Entry::Bucket(_)) => Ok(()),
                was => Err(one(entry_unmet(path, was, "a bucket"))),
            },
            Assertion::Nothing(path) => match self.entry(path) {
                None => Ok(()),
                was => Err(one(entry_unmet(path, was, "nothing"))),
            },
        }
    }

    /// Whether a node is in the database, or open, or listed by a collector.
    pub(super) fn is_there(&self, client: Option<&Name>, node: &NodeName) -> bool {
        let present = Assertion::Present(vec![node.clone()]);
        self.expects(client, &present).is_ok()
    }

    /// Holds a promise against the world: what shows that it is broken, of every node that it names.
    pub fn breaks(&self, client: Option<&Name>, promise: &Promise) -> Option<Vec<Unmet>> {
        let is_due = |when: &Condition| self.expects(client, &when.assertion()).is_ok();
        if !promise.when.as_ref().is_none_or(is_due) {
            return None;
        }
        self.expects(client, &promise.holds.assertion()).err()
    }

    fn each(
        &self,
        client: Option<&Name>,
        nodes: &[NodeName],
        unless: impl Fn(&World, Asked<'_>) -> Result<Option<&'static str>, Unmet>,
    ) -> Result<(), Vec<Unmet>> {
        let undeclared = || vec![Unmet::Impossible(undeclared(client))];
        let namespace = self.namespace(client).ok_or_else(undeclared)?;
        let mut unmet = Vec::new();
        for name in nodes {
            // An odd number may well be that of a kind.
            let release = self.release();
            let kind = release.type_of(name.kind).map_or(name.kind, |number| release.kind_of(number));
            let namespace = name.namespace.as_deref().unwrap_or(namespace);
            match unless(self, Asked { kind, asked: name.kind, namespace, key: &name.key }) {
                Ok(None) => {}
                Ok(Some(was)) => {
                    let slash = views::snapshot_slash(&self.store.tree, namespace, &name.key);
                    unmet.push(Unmet::Node { node: Box::new(name.clone()), slash, was });
                }
                // It is true of the world, and of every node alike.
                Err(of_all) => return Err(vec![of_all]),
            }
        }
        if unmet.is_empty() { Ok(()) } else { Err(unmet) }
    }

    fn unless_kept(&self, node: Asked<'_>) -> Result<Option<&'static str>, Unmet> {
        let last = self.last.as_ref().ok_or(Unmet::NoCollection)?;
        Ok(if node.was_removed(last) {
            Some(match views::has(&last.outcome.after, node.kind, node.namespace, node.key) {
                true => "was handed to removal by the last collection, and its bucket stays",
                false => "was removed by the last collection",
            })
        } else if node.was_there(last) {
            None
        } else {
            Some("was not there before the last collection")
        })
    }

    fn unless_removed(&self, node: Asked<'_>) -> Result<Option<&'static str>, Unmet> {
        let last = self.last.as_ref().ok_or(Unmet::NoCollection)?;
        Ok(if node.was_removed(last) {
            None
        } else if last.outcome.error.is_some() {
            Some("was not removed: the last collection failed")
        } else if node.was_there(last) {
            Some("was kept by the last collection")
        } else {
            Some("was not there before the last collection")
        })
    }

    fn unless_same(&self) -> Result<(), Unmet> {
        let last = self.last.as_ref().ok_or(Unmet::NoCollection)?;
        let first = &last.outcome.after;
        let second = collect(&Situation { tree: first.clone(), ..last.before.clone() });
        match diff(first, &second.after).first() {
            None => Ok(()),
            Some(change) => Err(Unmet::NotSame { path: print_path(&change.path) }),
        }
    }

    fn is_present(&self, node: Asked<'_>) -> bool {
        let Asked { kind, namespace, key, .. } = node;
        let is_open = |(other, name, _): (&[u8], &[u8], Option<&[u8]>)| (other, name) == (namespace, key);
        views::has(&self.store.tree, kind, namespace, key)
            || kind == Kind::Stream && self.streams.iter().any(is_open)
            || node.is_listed(self.release(), &self.collectors)
    }

    /// Whether the backends have it: a digest, or what the database calls or would call an ingest or a snapshot.
    fn is_stored(&self, node: Asked<'_>) -> bool {
        let Asked { kind, namespace, key, .. } = node;
        let (tree, backend) = (self.store.tree.view(), &self.store.backend);
        match kind {
            Kind::Content => backend.blob(key).is_some(),
            Kind::Ingest => {
                let path = [names::V1, namespace, names::CONTENT, names::INGESTS, key];
                match tree.at(&path).and_then(|ingest| ingest.get(names::REF)) {
                    Some(reference) => backend.ingest(reference).is_some(),
                    // The first number of an ingest's own sequence is the one that it gets.
                    None => backend.ingest(&[namespace, b"/1/", key].concat()).is_some(),
                }
            }
            Kind::Snapshot => {
                let slashes = key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
                let mut cuts = slashes.map(|at| (&key[..at], &key[at + 1..]));
                cuts.any(|(snapshotter, name)| {
                    let path = [names::V1, namespace, names::SNAPSHOTS, snapshotter, name];
                    match tree.at(&path).and_then(|snapshot| snapshot.get(names::NAME)) {
                        Some(backend_name) => backend.snapshot(snapshotter, backend_name).is_some(),
                        None => backend
                            .snapshots(snapshotter)
                            .any(|(backend_name, _)| is_numbered(backend_name, namespace, name)),
                    }
                })
            }
            _ => false,
        }
    }

    fn entry(&self, path: &[Name]) -> Option<Entry<'_>> {
        let (around, key) = split(path);
        self.store.tree.view().at(&around)?.entry(key)
    }
}

/// A node that an assertion names. It may be of a kind that the release has no number for, as images in 1.x: they
/// are there or not all the same.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// What its number means, where it is a number.
    kind: Kind,
    /// The kind as the step has it.
    asked: Kind,
    namespace: &'a [u8],
    key: &'a [u8],
}

impl Asked<'_> {
    fn numbered(&self, release: Release) -> Option<NodeRef<'_>> {
        let resource_type = release.type_of(self.asked)?;
        Some(NodeRef { resource_type, namespace: self.namespace, key: self.key })
    }

    fn was_removed(&self, last: &Collected) -> bool {
        self.numbered(last.before.release).is_some_and(|node| last.has_removed(node))
    }

    fn was_there(&self, last: &Collected) -> bool {
        views::has(&last.before.tree, self.kind, self.namespace, self.key)
            || self.is_listed(last.before.release, &last.before.collectors)
    }

    fn is_listed(&self, release: Release, collectors: &[Collector]) -> bool {
        let Some(node) = self.numbered(release) else { return false };
        collectors.iter().any(|collector| collector.all.iter().any(|listed| listed.as_ref() == node))
    }
}

/// Whether a backend's name is `NAMESPACE/NUMBER/NAME`.
fn is_numbered(backend_name: &[u8], namespace: &[u8], name: &[u8]) -> bool {
    let number = backend_name
        .strip_prefix(namespace)
        .and_then(|rest| rest.strip_suffix(name))
        .and_then(|rest| rest.strip_prefix(b"/")?.strip_suffix(b"/"));
    number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

fn entry_unmet(path: &[Name], was: Option<Entry<'_>>, expected: &str) -> Unmet {
    let as_bytes = RawValue::Bytes(Name::new());
    Unmet::Entry { path: print_path(path), was: shown(was, &as_bytes), expected: expected.to_owned() }
}

/// An entry in the form in which the assertion has its value, where it decodes so.
fn shown(entry: Option<Entry<'_>>, form: &RawValue) -> String {
    let bytes = match entry {
        None => return "nothing".to_owned(),
        Some(Entry::Bucket(_)) => return "a bucket".to_owned(),
        Some(Entry::Value(bytes)) => bytes,
    };
    let decoded = match form {
        RawValue::Bytes(_) => alias::name_of(bytes).map(|name| format!("@{name}")),
        RawValue::Time(_) => {
            time::from_binary(bytes).ok().map(|at| format!("time={}", time::format_rfc3339_nano(at)))
        }
        RawValue::Varint(_) => varint::decode_signed(bytes).map(|number| format!("varint={number}")),
    };
    decoded.unwrap_or_else(|| format!("\"{}\"", bytes.escape_ascii()))
}
