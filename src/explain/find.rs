//! Which object is meant.
//!
//! ```text
//!   content/layer, default/content/layer    as scenarios name it
//!   sha256:2af60d, 2af60d                    the beginning of a digest
//!   docker.io/library/web:1, web:1, web      an image by its name, or as people call it
//!   extract-1, overlayfs/extract-1           a snapshot, with its snapshotter or without
//!   pull                                     a lease, a container, an ingest
//! ```
//!
//! What fits best is meant; where several fit equally well, all are given.

use super::network::{Network, id};
use crate::node::{Kind, NodeRef, ResourceType};
use crate::release::Release;
use crate::scenario::alias;
use crate::schema::{names, views};
use crate::situation::Situation;
use std::collections::BTreeSet;

/// An object, or what only is mentioned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Found {
    /// Its namespace.
    pub namespace: Vec<u8>,
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: Vec<u8>,
}

/// How well a name fits, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the key.
    Whole,
    /// It is the name that people use: of a snapshot without its snapshotter, of an image without registry or tag.
    Short,
    /// It is the beginning of a digest.
    Beginning,
}

/// The fewest digits of a digest that are taken for its beginning.
const DIGITS_MIN: usize = 3;

/// What a text may mean: what the database has, else what is mentioned there. Sorted; empty if there is no such thing.
pub fn find(text: &[u8], network: &Network<'_, '_>, situation: &Situation) -> Vec<Found> {
    let readings = readings(text, situation);
    let fit = |kind: Kind, namespace: &[u8], key: &[u8]| {
        let fit = readings.iter().filter_map(|reading| reading.fit(kind, namespace, key)).min()?;
        Some((fit, Found { namespace: namespace.to_vec(), kind, key: key.to_vec() }))
    };
    let of_node =
        |node: NodeRef<'_>| fit(situation.release.kind_of(node.resource_type), node.namespace, node.key);
    let stored =
        views::objects(&situation.tree).filter_map(|(kind, namespace, key)| fit(kind, namespace, &key));
    let listed = situation.collectors.iter().flat_map(|collector| &collector.all);
    let listed = listed.filter_map(|node| of_node(node.as_ref()));
    let mut fitting: BTreeSet<(Fit, Found)> = stored.chain(listed).collect();
    if fitting.is_empty() {
        let graph = network.graph();
        fitting.extend((0..id(graph.nodes())).filter_map(|node| of_node(graph.node(node).as_ref())));
    }
    let best = fitting.first().map(|(fit, _)| *fit);
    fitting.into_iter().take_while(|(fit, _)| Some(*fit) == best).map(|(_, found)| found).collect()
}

/// One way to read a text.
struct Reading<'t> {
    namespace: Option<&'t [u8]>,
    kind: Option<Kind>,
    name: &'t [u8],
}

/// `NAME`, `KIND/NAME`, `NAMESPACE/NAME`, `NAMESPACE/KIND/NAME`, as far as the first parts are such.
fn readings<'t>(text: &'t [u8], situation: &Situation) -> Vec<Reading<'t>> {
    let is_namespace = |name: &[u8]| situation.tree.view().at(&[names::V1, name]).is_some();
    let mut readings = vec![Reading { namespace: None, kind: None, name: text }];
    for at in (0..text.len()).filter(|at| text[*at] == b'/') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if let Some(kind) = kind_of(situation.release, before) {
            readings.push(Reading { namespace: None, kind: Some(kind), name: after });
        }
        if is_namespace(before) {
            readings.push(Reading { namespace: Some(before), kind: None, name: after });
            let kind = after.iter().position(|byte| *byte == b'/');
            let kind = kind
                .and_then(|slash| Some((kind_of(situation.release, &after[..slash])?, &after[slash + 1..])));
            if let Some((kind, name)) = kind {
                readings.push(Reading { namespace: Some(before), kind: Some(kind), name });
            }
        }
    }
    readings
}

/// The kind with a name, singular or plural.
fn kind_of(release: Release, word: &[u8]) -> Option<Kind> {
    let word = word.strip_suffix(b"s").unwrap_or(word);
    let mut kinds = (0..=0x1F).map(|number| release.kind_of(ResourceType(number)));
    let named = [Kind::Image, Kind::Container, Kind::Content];
    named.into_iter().chain(&mut kinds).find(|kind| kind.to_string().as_bytes() == word)
}

impl Reading<'_> {
    /// How well this is an object, if at all.
    fn fit(&self, kind: Kind, namespace: &[u8], key: &[u8]) -> Option<Fit> {
        let is_there =
            self.namespace.is_none_or(|own| own == namespace) && self.kind.is_none_or(|own| own == kind);
        if !is_there {
            return None;
        }
        if self.name == key || kind == Kind::Content && is_alias(self.name, key) {
            return Some(Fit::Whole);
        }
        match kind {
            Kind::Snapshot => {
                let slash = key.iter().position(|byte| *byte == b'/')?;
                (&key[slash + 1..] == self.name).then_some(Fit::Short)
            }
            Kind::Image => is_short_image(self.name, key).then_some(Fit::Short),
            Kind::Content => {
                let digits = key.iter().position(|byte| *byte == b':').map_or(key, |colon| &key[colon + 1..]);
                let begins = |whole: &[u8]| whole.starts_with(self.name) && self.name.len() >= DIGITS_MIN;
                let has_digits = self.name.len() >= key.len() - digits.len() + DIGITS_MIN;
                (begins(digits) || has_digits && begins(key)).then_some(Fit::Beginning)
            }
            _ => None,
        }
    }
}

/// Whether a digest is the one for which a scenario writes a name.
fn is_alias(name: &[u8], digest: &[u8]) -> bool {
    let name = name.strip_prefix(b"@").unwrap_or(name);
    str::from_utf8(name).ok().and_then(alias::digest_of).is_some_and(|own| own == digest)
}

/// Whether an image's name is this one with a registry and folders before it, or with the tag `latest` behind.
fn is_short_image(name: &[u8], image: &[u8]) -> bool {
    let untagged = image.strip_suffix(b":latest").unwrap_or(image);
    [image, untagged].into_iter().any(|image| {
        let rest = image.strip_suffix(name);
        !name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"))
    })
}
