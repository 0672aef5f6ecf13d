//! Images: whether what they consist of is there and held, as far as labels tell.

use super::finding::{Findings, Object, and_more};
use super::lints::Lint;
use super::namespace::{Namespace, shown};
use super::whole::{Content, Missing, Reference};
use crate::bucket::View;
use crate::node::Kind;
use crate::schema::names;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};

/// Looks at the images of a namespace, and at how its content's references are numbered; gives the content that is
/// reached from an image.
pub(super) fn lint<'t>(namespace: Namespace<'t>, findings: &mut Findings) -> BTreeSet<&'t [u8]> {
    let content = Content::of(namespace);
    for (name, image) in namespace.images().buckets() {
        Image { namespace: namespace.name, name, content: &content }.lint(image, findings);
    }
    for (digest, _) in namespace.blobs().buckets() {
        numbering(namespace.name, digest, content.references(digest), findings);
    }
    content.reached(namespace.images().buckets().filter_map(|(_, image)| target(image)))
}

/// The digest of an image's target.
fn target(image: View<'_>) -> Option<&[u8]> {
    image.bucket(names::TARGET)?.get(names::DIGEST).filter(|digest| !digest.is_empty())
}

struct Image<'r, 't> {
    namespace: &'t [u8],
    name: &'t [u8],
    content: &'r Content<'t>,
}

impl<'t> Image<'_, 't> {
    fn lint(&self, image: View<'t>, findings: &mut Findings) {
        let Some(target) = target(image) else {
            return self.broken(Lint::ImageTargetMissing, "its record has no target".to_owned(), findings);
        };
        if !self.content.has(target) {
            let text = format!("its target {} is missing", content(target));
            return self.broken(Lint::ImageTargetMissing, text, findings);
        }
        let manifests: Vec<Reference<'_>> = self.content.manifests(target).collect();
        if !manifests.is_empty() && manifests.iter().all(|manifest| !self.content.has(manifest.digest)) {
            let count = text::counted(manifests.len() as u64, "manifest");
            let text = format!("of the {count} that its index {} names none is there", content(target));
            return self.broken(Lint::ImageIndexEmpty, text, findings);
        }
        if let Some(Missing { digest, by, label }) = self.content.lacks(target) {
            let text =
                format!("{} is missing, which {} names by {}", content(digest), content(by), shown(label));
            return self.broken(Lint::ImageContentMissing, text, findings);
        }
        self.platforms(&manifests, findings);
        self.held(target, &manifests, image, findings);
    }

    fn object(&self) -> Object {
        Object::node(Kind::Image, self.namespace, self.name)
    }

    fn broken(&self, lint: Lint, text: String, findings: &mut Findings) {
        findings.add(lint, self.object(), text).ctr(self.namespace, &[b"images", b"rm"], &[self.name]);
    }

    /// Notes which of an index's manifests are whole, if some are not.
    fn platforms(&self, manifests: &[Reference<'_>], findings: &mut Findings) {
        let mut others = manifests.iter().filter(|manifest| !self.content.is_whole(manifest.digest));
        let Some(first) = others.next() else { return };
        let what = if self.content.has(first.digest) { "not whole" } else { "missing" };
        let (more, all) = (others.count(), text::counted(manifests.len() as u64, "manifest"));
        let whole = manifests.len() - more - 1;
        let text = format!("{whole} of {all} whole; {} is {what}{}", content(first.digest), and_more(more));
        findings.add(Lint::ImageOnePlatform, self.object(), text);
    }

    /// Notes manifests that do not say by labels what they consist of.
    fn held(&self, target: &[u8], manifests: &[Reference<'_>], image: View<'_>, findings: &mut Findings) {
        let is_index = !manifests.is_empty();
        let of_index = manifests.iter().map(|manifest| manifest.digest);
        let of_index = of_index.filter(|digest| self.content.is_whole(digest));
        let is_sole = !is_index && is_manifest(image);
        let consisting = of_index.chain(is_sole.then_some(target));
        let consisting: Vec<&[u8]> = consisting.collect();
        let mut bare = consisting.iter().filter(|digest| self.content.references(digest).is_empty());
        if let Some(first) = bare.next() {
            let text = format!("{} has no gc.ref.content label{}", content(first), and_more(bare.count()));
            findings.add(Lint::ImageUnlabelled, self.object(), text);
        }
        let mut discarding = consisting.iter().filter(|digest| {
            let has = |begin: &[u8]| {
                self.content.references(digest).iter().any(|reference| reference.suffix.starts_with(begin))
            };
            has(b"config") && !has(b"l.")
        });
        if let Some(first) = discarding.next() {
            let text =
                format!("{} has no gc.ref.content.l label{}", content(first), and_more(discarding.count()));
            findings.add(Lint::ManifestWithoutLayers, self.object(), text);
        }
    }
}

/// Whether an image's target is said to be what refers to other content: a manifest or an index, or nobody knows what.
fn is_manifest(image: View<'_>) -> bool {
    let media_type =
        image.bucket(names::TARGET).and_then(|target| target.get(names::MEDIA_TYPE)).unwrap_or_default();
    let has = |word: &[u8]| media_type.windows(word.len()).any(|part| part == word);
    media_type.is_empty() || has(b"manifest") || has(b"image.index")
}

/// Notes a number that is left out among references that are counted.
fn numbering(namespace: &[u8], digest: &[u8], references: &[Reference<'_>], findings: &mut Findings) {
    let mut groups: BTreeMap<&[u8], BTreeSet<u32>> = BTreeMap::new();
    for reference in references {
        let Reference { label, suffix, .. } = reference;
        let number = suffix.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let (group, number) = label.split_at(label.len() - number.len());
        if let Some(number) = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()) {
            groups.entry(group).or_default().insert(number);
        }
    }
    for (group, numbers) in groups {
        let first = numbers.iter().zip(0..).find(|(number, expected)| **number != *expected);
        let (Some((_, hole)), Some(last)) = (first, numbers.last()) else { continue };
        let named = |number: u32| shown(&[group, number.to_string().as_bytes()].concat());
        let text = format!("it has {} and no {}", named(*last), named(hole));
        findings.add(Lint::NumberingHole, Object::node(Kind::Content, namespace, digest), text);
        break;
    }
}

fn content(digest: &[u8]) -> String {
    Object::node(Kind::Content, b"", digest).in_text()
}
