//! What of a namespace's content is whole: all that its labels refer to is there, the whole chain down.
//!
//! ```text
//!   index ─ m.0 ─> manifest ─ config, l.0, l.1 ─> ...      a manifest needs all of its references
//!         └ m.1 ─> (missing)                               an index needs one of its manifests
//! ```
//!
//! A pull of one platform leaves an index that refers to manifests that were never fetched, or whose layers were not: an
//! index is whole as long as one manifest is. What is missing spreads from what it is to who refers to it, each blob once.

use super::namespace::{Namespace, content_reference, labels};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A label that refers to content: its whole key, what stands there behind `gc.ref.content` and its separator, and the
/// digest.
#[derive(Clone, Copy)]
pub(super) struct Reference<'t> {
    pub(super) label: &'t [u8],
    pub(super) suffix: &'t [u8],
    pub(super) digest: &'t [u8],
}

impl Reference<'_> {
    /// Whether it is to a manifest of an index.
    pub(super) fn is_to_manifest(self) -> bool {
        self.suffix.starts_with(b"m.")
    }
}

/// What is missing: the digest, and who refers to it by which label.
#[derive(Clone, Copy)]
pub(super) struct Missing<'t> {
    pub(super) digest: &'t [u8],
    pub(super) by: &'t [u8],
    pub(super) label: &'t [u8],
}

/// A namespace's content with its references.
pub(super) struct Content<'t> {
    references: BTreeMap<&'t [u8], Vec<Reference<'t>>>,
    /// Blobs that are not whole, each with something that it lacks.
    broken: BTreeMap<&'t [u8], Missing<'t>>,
}

impl<'t> Content<'t> {
    pub(super) fn of(namespace: Namespace<'t>) -> Content<'t> {
        let references = namespace.blobs().buckets().map(|(digest, blob)| {
            let references = labels(blob).filter_map(|(key, value)| {
                Some(Reference { label: key, suffix: content_reference(key)?, digest: value })
            });
            (digest, references.collect())
        });
        let mut content = Content { references: references.collect(), broken: BTreeMap::new() };
        content.spread();
        content
    }

    /// Whether there is such a blob.
    pub(super) fn has(&self, digest: &[u8]) -> bool {
        self.references.contains_key(digest)
    }

    /// What a blob refers to by its labels.
    pub(super) fn references(&self, digest: &[u8]) -> &[Reference<'t>] {
        self.references.get(digest).map_or(&[], Vec::as_slice)
    }

    /// The references of an index to its manifests.
    pub(super) fn manifests(&self, digest: &[u8]) -> impl Iterator<Item = Reference<'t>> {
        self.references(digest).iter().copied().filter(|reference| reference.is_to_manifest())
    }

    /// Something that a blob lacks, itself or what it refers to.
    pub(super) fn lacks(&self, digest: &[u8]) -> Option<Missing<'t>> {
        self.broken.get(digest).copied()
    }

    /// Whether a blob is there with all that it needs.
    pub(super) fn is_whole(&self, digest: &[u8]) -> bool {
        self.has(digest) && !self.broken.contains_key(digest)
    }

    /// All that is reached from some digests, those themselves among them, as far as it is there.
    pub(super) fn reached(&self, from: impl Iterator<Item = &'t [u8]>) -> BTreeSet<&'t [u8]> {
        let (mut reached, mut pending) = (BTreeSet::new(), from.collect::<Vec<_>>());
        while let Some(digest) = pending.pop() {
            if self.has(digest) && reached.insert(digest) {
                pending.extend(self.references(digest).iter().map(|reference| reference.digest));
            }
        }
        reached
    }

    /// Finds what is not whole.
    fn spread(&mut self) {
        // Who refers to a digest; of an index also how many of its manifests may still be whole.
        let mut referrers: BTreeMap<&'t [u8], Vec<(&'t [u8], Reference<'t>)>> = BTreeMap::new();
        let mut manifests: BTreeMap<&'t [u8], usize> = BTreeMap::new();
        for (blob, references) in &self.references {
            for reference in references {
                referrers.entry(reference.digest).or_default().push((*blob, *reference));
                *manifests.entry(*blob).or_default() += usize::from(reference.is_to_manifest());
            }
        }
        let missing = referrers.keys().copied().filter(|digest| !self.has(digest));
        let mut pending: VecDeque<(&'t [u8], Option<Missing<'t>>)> =
            missing.map(|digest| (digest, None)).collect();
        while let Some((gone, lacks)) = pending.pop_front() {
            for (blob, reference) in referrers.get(gone).map_or(&[][..], Vec::as_slice) {
                if reference.is_to_manifest() {
                    let left = manifests.entry(*blob).or_default();
                    *left = left.saturating_sub(1);
                    if *left > 0 {
                        continue;
                    }
                }
                if self.broken.contains_key(blob) {
                    continue;
                }
                let own = Missing { digest: reference.digest, by: blob, label: reference.label };
                let lacks = lacks.unwrap_or(own);
                self.broken.insert(*blob, lacks);
                pending.push_back((*blob, Some(lacks)));
            }
        }
    }
}
