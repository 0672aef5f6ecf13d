//! What buckets are held to, by tests and by the fuzzer: the same semantics over the standard library's maps, copied
//! whole at every snapshot.

use super::{Bucket, Builder, Change, Cursor, Entry, Refusal, View};
use std::collections::BTreeMap;

/// A bucket of standard maps.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Model {
    /// The sequence number.
    pub sequence: u64,
    /// The entries by key.
    pub entries: BTreeMap<Vec<u8>, ModelEntry>,
}

/// What a key of the model holds.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEntry {
    /// A value.
    Value(Vec<u8>),
    /// A sub-bucket.
    Bucket(Model),
}

impl ModelEntry {
    /// The model of an entry.
    pub fn of(entry: Entry<'_>) -> ModelEntry {
        match entry {
            Entry::Value(value) => ModelEntry::Value(value.to_vec()),
            Entry::Bucket(below) => ModelEntry::Bucket(Model::of(below)),
        }
    }
}

impl Model {
    /// The model of a bucket's content.
    pub fn of(view: View<'_>) -> Model {
        let entries = view.iter().map(|(key, entry)| (key.to_vec(), ModelEntry::of(entry))).collect();
        Model { sequence: view.sequence(), entries }
    }

    /// The bucket of this content, as the builder makes it.
    pub fn build(&self) -> Bucket {
        let mut builder = Builder::new();
        self.build_entries(&mut builder);
        let mut bucket = builder.finish();
        bucket.set_sequence(&[], self.sequence).expect("the root exists");
        bucket
    }

    fn build_entries(&self, builder: &mut Builder) {
        for (key, entry) in &self.entries {
            match entry {
                ModelEntry::Value(value) => builder.put(key, value).expect("keys in order"),
                ModelEntry::Bucket(below) => {
                    builder.open(key, below.sequence).expect("keys in order");
                    below.build_entries(builder);
                    builder.close();
                }
            }
        }
    }

    /// The bucket at a path.
    ///
    /// # Errors
    /// There is none.
    pub fn at(&mut self, path: &[&[u8]]) -> Result<&mut Model, Refusal> {
        path.iter().try_fold(self, |model, key| match model.entries.get_mut(*key) {
            Some(ModelEntry::Bucket(below)) => Ok(below),
            _ => Err(Refusal::BucketNotFound),
        })
    }

    /// As `Bucket::put`, lengths aside.
    ///
    /// # Errors
    /// As `Bucket::put`.
    pub fn put(&mut self, path: &[&[u8]], key: &[u8], value: &[u8]) -> Result<(), Refusal> {
        if key.is_empty() {
            return Err(Refusal::KeyRequired);
        }
        let model = self.at(path)?;
        if let Some(ModelEntry::Bucket(_)) = model.entries.get(key) {
            return Err(Refusal::IncompatibleValue);
        }
        model.entries.insert(key.to_vec(), ModelEntry::Value(value.to_vec()));
        Ok(())
    }

    /// As `Bucket::create_bucket`, limits aside.
    ///
    /// # Errors
    /// As `Bucket::create_bucket`.
    pub fn create_bucket(&mut self, path: &[&[u8]], key: &[u8]) -> Result<(), Refusal> {
        let model = self.at(path)?;
        match model.entries.get(key) {
            Some(ModelEntry::Bucket(_)) => return Err(Refusal::BucketExists),
            Some(ModelEntry::Value(_)) => return Err(Refusal::IncompatibleValue),
            None if key.is_empty() => return Err(Refusal::BucketNameRequired),
            None => {}
        }
        model.entries.insert(key.to_vec(), ModelEntry::Bucket(Model::default()));
        Ok(())
    }

    /// As `Bucket::delete`, or `Bucket::delete_bucket` if `buckets` is set.
    ///
    /// # Errors
    /// As those.
    pub fn delete(&mut self, path: &[&[u8]], key: &[u8], buckets: bool) -> Result<(), Refusal> {
        let model = self.at(path)?;
        match (model.entries.get(key), buckets) {
            (None, true) => Err(Refusal::BucketNotFound),
            (None, false) => Ok(()),
            (Some(ModelEntry::Bucket(_)), false) | (Some(ModelEntry::Value(_)), true) => {
                Err(Refusal::IncompatibleValue)
            }
            _ => {
                model.entries.remove(key);
                Ok(())
            }
        }
    }

    /// Carries out what `diff` says, by itself: the model of the tree before becomes that of the tree after. What it says
    /// of the tree before must be so.
    pub fn patch(&mut self, changes: &[Change<'_>]) {
        for change in changes {
            let Some((key, path)) = change.path.split_last() else {
                self.renumber(change);
                continue;
            };
            let around = self.at(path).expect("a change lies in a bucket that both have");
            if let (Some(Entry::Bucket(_)), Some(Entry::Bucket(_))) = (change.before, change.after) {
                let Some(ModelEntry::Bucket(below)) = around.entries.get_mut(*key) else {
                    panic!("a bucket that was there before and is there after")
                };
                below.renumber(change);
                continue;
            }
            let before = match change.after.map(ModelEntry::of) {
                Some(after) => around.entries.insert(key.to_vec(), after),
                None => around.entries.remove(*key),
            };
            assert_eq!(before, change.before.map(ModelEntry::of), "what stood there before");
        }
    }

    /// A bucket stays, with another sequence number.
    fn renumber(&mut self, change: &Change<'_>) {
        let (Some(Entry::Bucket(before)), Some(Entry::Bucket(after))) = (change.before, change.after) else {
            panic!("the root is a bucket")
        };
        assert_eq!(self.sequence, before.sequence());
        self.sequence = after.sequence();
    }

    /// What a cursor shows from a key on, after as many movements as there are places.
    pub fn from(&self, key: &[u8], places: usize) -> Vec<Option<(&[u8], ModelEntry)>> {
        let mut entries = self.entries.range(key.to_vec()..).map(|(key, entry)| (&key[..], entry.clone()));
        (0..places).map(|_| entries.next()).collect()
    }
}

/// The same of a tree.
pub fn seen_from<'a>(
    cursor: &mut Cursor<'a>,
    key: &[u8],
    places: usize,
) -> Vec<Option<(&'a [u8], ModelEntry)>> {
    let owned = |(key, entry)| (key, ModelEntry::of(entry));
    (0..places).map(|place| if place == 0 { cursor.seek(key) } else { cursor.next() }.map(owned)).collect()
}
