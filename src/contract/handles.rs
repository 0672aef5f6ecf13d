//! What clients hold open: writers, and snapshots that are half prepared.
//!
//! The daemon keeps these in memory, so they are no facts of the database. The book is kept from the steps and their
//! answers alone.

use super::facts::Place;
use super::{Asked, Object};
use crate::instant::Instant;
use crate::scenario::{Name, NewSnapshot, Refused, SnapshotName, Step};
use crate::schema::names::NAME;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The book. Cloning it costs a count of references.
#[derive(Clone, Debug, Default)]
pub struct Handles(Arc<Book>);

#[derive(Clone, Debug, Default)]
struct Book {
    writers: BTreeMap<Key, Writer>,
    /// What was begun under the same key is finished in the order in which it was begun.
    begun: BTreeMap<Key, Vec<Begun>>,
}

/// Client, namespace, snapshotter or nothing, and reference or key.
type Key = (Option<Name>, Name, Name, Name);

/// A writer that a client has open.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    /// The digest that was announced; empty if none was.
    pub(super) expected: Name,
    /// The size that was announced; 0 if none was.
    pub(super) announced: i64,
    /// The size of the stored blob, where it writes nothing because another namespace has the content.
    pub(super) shared: Option<i64>,
    /// Somebody else has had to do with the ingest since, or a commit failed.
    pub(super) is_disturbed: bool,
}

/// A snapshot whose first transaction is done.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) new: NewSnapshot,
    /// The backend's name, with the number that the first transaction took.
    pub(super) name: Name,
    /// The backend's name of the parent.
    pub(super) parent_name: Name,
    pub(super) lease: Option<Name>,
    pub(super) at: Instant,
    /// The backend had the snapshot already.
    pub(super) is_adopted: bool,
}

fn key(client: Option<&Name>, namespace: &[u8], snapshotter: &[u8], name: &[u8]) -> Key {
    (client.cloned(), namespace.to_vec(), snapshotter.to_vec(), name.to_vec())
}

impl Handles {
    /// Whether nobody holds anything.
    pub fn is_empty(&self) -> bool {
        self.0.writers.is_empty() && self.0.begun.is_empty()
    }

    pub(super) fn writer(
        &self,
        client: Option<&Name>,
        namespace: &[u8],
        reference: &[u8],
    ) -> Option<&Writer> {
        self.0.writers.get(&key(client, namespace, b"", reference))
    }

    /// What the client finishes next under a key.
    pub(super) fn begun(&self, asked: &Asked<'_>, snapshot: &SnapshotName) -> Option<&Begun> {
        let SnapshotName { snapshotter, key: name } = snapshot;
        self.0.begun.get(&key(asked.client, asked.namespace, snapshotter, name))?.first()
    }

    /// The snapshotter and the name of what a preparation makes in the backend, or has made, and takes back where it is
    /// refused; none for what the backend has had before.
    pub fn unmade(&self, asked: &Asked<'_>, step: &Step) -> Option<(Name, Name)> {
        match step {
            Step::SnapshotPrepare(new) | Step::SnapshotView(new) => {
                let begun = asked.begins(new);
                (!begun.is_adopted).then(|| (new.snapshot.snapshotter.clone(), begun.name))
            }
            Step::SnapshotFinish { snapshot } => {
                let begun = self.begun(asked, snapshot).filter(|begun| !begun.is_adopted)?;
                Some((snapshot.snapshotter.clone(), begun.name.clone()))
            }
            _ => None,
        }
    }

    /// The book after a step that was answered so.
    #[must_use]
    pub fn after(&self, asked: &Asked<'_>, step: &Step, got: Option<Refused>) -> Handles {
        let mut after = self.clone();
        match step {
            Step::ContentOpen { reference, expected, size } if got.is_none() => {
                let expected = expected.clone().unwrap_or_default();
                let announced = size.unwrap_or_default();
                let shared = asked.shared_size(&expected, announced);
                after.disturb(|writer| is_of(writer, asked.namespace, reference));
                let writer = Writer { expected, announced, shared, is_disturbed: false };
                let key = key(asked.client, asked.namespace, b"", reference);
                after.book().writers.insert(key, writer);
            }
            Step::ContentCommit { reference, .. } => {
                let key = key(asked.client, asked.namespace, b"", reference);
                if matches!(got, None | Some(Refused::AlreadyExists)) && self.0.writers.contains_key(&key) {
                    after.book().writers.remove(&key);
                }
                after.disturb(|writer| is_of(writer, asked.namespace, reference));
            }
            Step::ContentAbort { reference } if got.is_none() => {
                let key = key(asked.client, asked.namespace, b"", reference);
                if self.0.writers.contains_key(&key) {
                    after.book().writers.remove(&key);
                }
                after.disturb(|writer| is_of(writer, asked.namespace, reference));
            }
            Step::ContentPut { digest, .. } => after.disturb(|writer| is_of(writer, asked.namespace, digest)),
            // The clean-up may take the backend's ingest from under a writer.
            Step::Cleanup | Step::NamespaceDelete { .. } => after.disturb(|_| true),
            Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) if got.is_none() => {
                let SnapshotName { snapshotter, key: name } = &new.snapshot;
                let begun = asked.begins(new);
                let key = key(asked.client, asked.namespace, snapshotter, name);
                after.book().begun.entry(key).or_default().push(begun);
            }
            Step::SnapshotFinish { snapshot } => {
                let SnapshotName { snapshotter, key: name } = snapshot;
                let key = key(asked.client, asked.namespace, snapshotter, name);
                if self.0.begun.contains_key(&key) {
                    let all = &mut after.book().begun;
                    let here = all.get_mut(&key).expect("it is there");
                    here.remove(0);
                    if here.is_empty() {
                        all.remove(&key);
                    }
                }
            }
            // What the daemon had in memory is gone.
            Step::Release(_) | Step::Crash if got.is_none() => after = Handles::default(),
            _ => {}
        }
        after
    }

    fn book(&mut self) -> &mut Book {
        Arc::make_mut(&mut self.0)
    }

    fn disturb(&mut self, concerns: impl Fn(&Key) -> bool) {
        if self.0.writers.keys().any(&concerns) {
            let writers = self.book().writers.iter_mut();
            writers.filter(|(key, _)| concerns(key)).for_each(|(_, writer)| writer.is_disturbed = true);
        }
    }
}

fn is_of((_, there, _, name): &Key, namespace: &[u8], reference: &[u8]) -> bool {
    there == namespace && name == reference
}

impl<'a> Asked<'a> {
    /// What the first transaction of a preparation comes to.
    fn begins(&self, new: &NewSnapshot) -> Begun {
        let parent = new.parent.as_deref().unwrap_or_default();
        let SnapshotName { snapshotter, key } = &new.snapshot;
        let place = |name| Object::Snapshot(snapshotter, name).place(self.namespace);
        let name_at = |place: Place<'_>| {
            self.tree.at(place.keys()).and_then(|there| there.get(NAME)).unwrap_or_default().to_vec()
        };
        let name = self.next_name(snapshotter, key);
        Begun {
            is_adopted: self.disk.snapshot(snapshotter, &name).is_some(),
            new: new.clone(),
            name,
            parent_name: if parent.is_empty() { Vec::new() } else { name_at(place(parent)) },
            lease: self.lease.map(<[u8]>::to_vec),
            at: self.now,
        }
    }
}
