//! Which object is meant.
//!
//! ```text
//!   content/layer, default/content/layer    as scenarios name it
//!   sha256:2af60d, 2af60d                    the beginning of a digest
//!   docker.io/library/web:1, web:1, web      an image by its name, or as people call it
//!   extract-1, overlayfs/extract-1           a snapshot, with its snapshotter or without
//!   pull                                     a lease, a container, an ingest, a sandbox
//!   sandbox/pod, collector/stream            what is never a node
//! ```
//!
//! What fits best is meant; where several fit equally well, all are given.

use super::network::{Network, Subject, id};
use crate::bucket::{Bucket, View, json};
use crate::named::nearest;
use crate::node::{Kind, NodeRef, ResourceType};
use crate::oracle::Holder;
use crate::oracle::graph::NodeId;
use crate::release::Release;
use crate::scenario::{Assertion, NodeName, Step, alias, parse, print_node_cut};
use crate::schema::{names, views};
use crate::situation::Situation;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What sort of thing can be asked about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Thing {
    /// A node, or what is one in some release.
    Node(Kind),
    /// A sandbox, which never is.
    Sandbox,
    /// A collector, by the word for its kind.
    Collector,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Node(kind) => kind.fmt(f),
            Thing::Sandbox => f.pad("sandbox"),
            Thing::Collector => f.pad("collector"),
        }
    }
}

/// An object, or what only is mentioned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Found {
    /// Its namespace; empty for a collector.
    pub namespace: Vec<u8>,
    /// Of what sort it is.
    pub thing: Thing,
    /// Its key.
    pub key: Vec<u8>,
}

impl Found {
    /// As scenarios write it, by which it is found again.
    pub fn name_in(&self, tree: &Bucket) -> String {
        let Found { namespace, thing, key } = self;
        match thing {
            Thing::Node(kind) => {
                let name = NodeName::new(Some(namespace.clone()), *kind, key.clone());
                print_node_cut(&name, views::snapshot_slash(tree, namespace, key))
            }
            Thing::Sandbox => format!("{}/sandbox/{}", text::name(namespace), text::name(key)),
            Thing::Collector => format!("collector/{}", text::name(key)),
        }
    }

    /// The holder or node that it is in a release; none if it is neither there.
    pub fn subject<'a>(&self, network: &Network<'_, 'a>, release: Release) -> Option<Subject<'a>> {
        let holder = network.holder_of(|holder| Found::of_holder(holder, release).as_ref() == Some(self));
        holder.map(Subject::Holder).or_else(|| self.node(network, release).map(Subject::Node))
    }

    /// The node that it is in a release.
    pub(super) fn node(&self, network: &Network<'_, '_>, release: Release) -> Option<NodeId> {
        let Thing::Node(kind) = self.thing else { return None };
        let node =
            NodeRef { resource_type: release.type_of(kind)?, namespace: &self.namespace, key: &self.key };
        network.graph().find(node)
    }

    /// A holder by itself, as an object; none for a lease, which is a node.
    pub(super) fn of_holder(holder: Holder<'_>, release: Release) -> Option<Found> {
        let (thing, namespace, key) = match holder {
            Holder::Image { namespace, name } => (Thing::Node(Kind::Image), namespace, name.to_vec()),
            Holder::Container { namespace, id } => (Thing::Node(Kind::Container), namespace, id.to_vec()),
            Holder::Sandbox { namespace, id } => (Thing::Sandbox, namespace, id.to_vec()),
            Holder::Collector { resource_type } => {
                (Thing::Collector, &b""[..], release.kind_of(resource_type).to_string().into_bytes())
            }
            Holder::Lease { .. } | Holder::Itself => return None,
        };
        Some(Found { namespace: namespace.to_vec(), thing, key })
    }
}

/// How well a name fits, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the key.
    Whole,
    /// It is the name that people use: of a snapshot without its snapshotter, of an image without registry or tag.
    Short,
    /// It is the beginning of a digest, or of another name.
    Beginning,
}

/// The fewest letters that are taken for the beginning of a name.
const LETTERS_MIN: usize = 3;
/// The same of a digest's digits, where nothing says that it is one; behind its algorithm's name one is enough.
const DIGITS_MIN: usize = 2;

/// What a text may mean: what the database has, else what is mentioned there. Sorted; empty if there is no such thing. Where
/// several fit equally well and one is in the namespace that is meant without a word, `home`, it is that. Where nothing has
/// such a name its parts are read as JSON writes keys that are no plain text (`base64:/w==`).
pub fn find(
    text: &[u8],
    home: Option<&[u8]>,
    network: &Network<'_, '_>,
    situation: &Situation,
) -> Vec<Found> {
    let literal = |part: &[u8]| Some(part.to_vec());
    let found = fitting(&readings(text, situation, literal), home, network, situation);
    if !found.is_empty() {
        return found;
    }
    let decoded = |part: &[u8]| json::decode(str::from_utf8(part).ok()?).ok();
    let readings = readings(text, situation, decoded);
    let mut found = fitting(&readings, home, network, situation);
    // Only a whole key is ever written so.
    found.retain(|found| readings.iter().any(|reading| reading.name == found.key));
    match in_kinds(text, situation.release) {
        Some(text) if found.is_empty() => find(&text, home, network, situation),
        _ => found,
    }
}

/// The same name with the word for its kind in place of a type by which reports and recorded rows have it: its number, or
/// what is reached flat (`type-33`, `content-flat`). None where nothing is written so.
fn in_kinds(text: &[u8], release: Release) -> Option<Vec<u8>> {
    const PLACES: usize = 2;
    let mut parts: Vec<&[u8]> = text.split(|byte| *byte == b'/').collect();
    let words = parts.iter().take(PLACES.min(parts.len().saturating_sub(1)));
    let (at, word) = words.enumerate().find_map(|(at, part)| Some((at, kind_meant(part, release)?)))?;
    parts[at] = word.as_bytes();
    Some(parts.join(&b'/'))
}

fn kind_meant(part: &[u8], release: Release) -> Option<String> {
    let part = str::from_utf8(part).ok()?;
    let of_number = || Some(release.kind_of(ResourceType(part.strip_prefix("type-")?.parse().ok()?)));
    let of_flat = || thing_of(release, part.strip_suffix("-flat")?.as_bytes());
    match (of_number(), of_flat()) {
        (Some(Kind::Other(_)), _) | (None, None) => None,
        (Some(kind), _) => Some(kind.to_string()),
        (None, Some(thing)) => Some(thing.to_string()),
    }
}

/// What some readings fit best.
fn fitting(
    readings: &[Reading],
    home: Option<&[u8]>,
    network: &Network<'_, '_>,
    situation: &Situation,
) -> Vec<Found> {
    let fit = |thing: Thing, namespace: &[u8], key: &[u8]| {
        let slash = views::snapshot_slash(&situation.tree, namespace, key);
        let slash = slash.filter(|_| thing == Thing::Node(Kind::Snapshot));
        let fit = readings.iter().filter_map(|reading| reading.fit(thing, namespace, key, slash)).min()?;
        Some((fit, Found { namespace: namespace.to_vec(), thing, key: key.to_vec() }))
    };
    let mut fitting: BTreeSet<(Fit, Found)> =
        things(situation).filter_map(|(thing, namespace, key)| fit(thing, namespace, &key)).collect();
    // What is only mentioned and called so goes before what there is and begins so.
    if fitting.first().is_none_or(|(fit, _)| *fit == Fit::Beginning) {
        let graph = network.graph();
        let of_node = |node: NodeRef<'_>| {
            fit(Thing::Node(situation.release.kind_of(node.resource_type)), node.namespace, node.key)
        };
        let mentioned = (0..id(graph.nodes())).filter_map(|node| of_node(graph.node(node).as_ref()));
        let is_new = fitting.is_empty();
        fitting.extend(mentioned.filter(|(fit, _)| is_new || *fit != Fit::Beginning).collect::<Vec<_>>());
    }
    let best = fitting.first().map(|(fit, _)| *fit);
    let best = fitting.into_iter().take_while(|(fit, _)| Some(*fit) == best).map(|(_, found)| found);
    let found: Vec<Found> = best.collect();
    let at_home: Vec<&Found> =
        found.iter().filter(|found| home.is_some_and(|home| *home == *found.namespace)).collect();
    if let [one] = at_home[..] { vec![one.clone()] } else { found }
}

/// All things of the sort that a text is the word for, in one number or the other, of all namespaces or the one that stands
/// before it (`k8s.io/leases`); none where it is no such word.
pub fn all_of(text: &[u8], situation: &Situation) -> Option<Vec<Found>> {
    let (namespace, word) = match text.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (Some(&text[..slash]), &text[slash + 1..]),
        None => (None, text),
    };
    let of = thing_of(situation.release, word)?;
    if let Some(namespace) = namespace {
        situation.tree.bucket(names::V1)?.bucket(namespace)?;
    }
    let is_in = |own: &[u8]| namespace.is_none_or(|namespace| namespace == own);
    let own = things(situation).filter(|(thing, own, _)| *thing == of && is_in(own));
    let found = own.map(|(thing, namespace, key)| Found { namespace: namespace.to_vec(), thing, key });
    Some(found.collect())
}

/// All things of the namespace that a text is the name of, alone or behind `namespace/`; none where there is no such one.
pub fn all_in(text: &[u8], situation: &Situation) -> Option<Vec<Found>> {
    let name = text.strip_prefix(b"namespace/").unwrap_or(text);
    let has = |tree: &Bucket| tree.bucket(names::V1)?.bucket(name).map(|_| ());
    has(&situation.tree)?;
    let own = things(situation).filter(|(_, namespace, _)| *namespace == name);
    let found = own.map(|(thing, namespace, key)| Found { namespace: namespace.to_vec(), thing, key });
    Some(found.collect())
}

/// The name nearest to a text that is none, if it is near enough that a person may have meant it: of an image with another
/// tag first.
pub fn near(text: &[u8], situation: &Situation) -> Option<String> {
    let untagged = text.strip_prefix(b"image/").unwrap_or(text);
    let untagged = untagged.iter().rposition(|byte| *byte == b':').map(|at| &untagged[..at]);
    let mut of_tags = things(situation).filter(|(thing, _, key)| {
        *thing == Thing::Node(Kind::Image) && untagged.is_some_and(|name| is_short_image(name, key))
    });
    if let Some((thing, namespace, key)) = of_tags.next() {
        return Some(Found { namespace: namespace.to_vec(), thing, key }.name_in(&situation.tree));
    }
    let text = str::from_utf8(text).ok()?;
    let names = things(situation).flat_map(|(thing, namespace, key)| {
        let short = text::name(&key);
        let whole = Found { namespace: namespace.to_vec(), thing, key }.name_in(&situation.tree);
        let inside = whole.split_once('/').map(|(_, inside)| inside.to_owned());
        let last = short.rsplit('/').next().map(str::to_owned);
        let parts = [Some(short), last, inside, Some(whole.clone())].into_iter().flatten();
        parts.map(|part| (part, whole.clone())).collect::<Vec<_>>()
    });
    let names: BTreeMap<String, String> = names.collect();
    // A part that is written exactly so is told as what it is a part of.
    let near = nearest(text, names.keys().map(String::as_str))?;
    Some(if near == text { names[near].clone() } else { near.to_owned() })
}

/// All that there is: objects, sandboxes, collectors and what they list.
pub(super) fn things(situation: &Situation) -> impl Iterator<Item = (Thing, &[u8], Vec<u8>)> {
    let Situation { tree, release, collectors, .. } = situation;
    let objects = views::objects(tree).map(|(kind, namespace, key)| (Thing::Node(kind), namespace, key));
    let namespaces = tree.bucket(names::V1).into_iter().flat_map(View::buckets);
    let sandboxes = namespaces.flat_map(|(namespace, bucket)| {
        let outside = tree.bucket(namespace).filter(|_| namespace != names::V1);
        let both = [Some(bucket), outside].into_iter().flatten();
        let sandboxes = both.filter_map(|bucket| bucket.bucket(names::SANDBOXES)).flat_map(View::buckets);
        sandboxes.map(move |(id, _)| (Thing::Sandbox, namespace, id.to_vec()))
    });
    let listed = collectors.iter().flat_map(|collector| &collector.all);
    let listed = listed
        .map(|node| (Thing::Node(release.kind_of(node.resource_type)), &*node.namespace, node.key.to_vec()));
    let collectors = collectors.iter().map(|collector| {
        (Thing::Collector, &b""[..], release.kind_of(collector.resource_type).to_string().into_bytes())
    });
    objects.chain(sandboxes).chain(listed).chain(collectors)
}

/// One way to read a text.
struct Reading {
    namespace: Option<Vec<u8>>,
    thing: Option<Thing>,
    name: Vec<u8>,
}

/// `NAME`, `KIND/NAME`, `NAMESPACE/NAME`, `NAMESPACE/KIND/NAME`, as far as the first parts are such, and a node as a step of a
/// scenario would name it. Names are what `bytes_of` takes their text for; what is none to it is passed over.
fn readings(text: &[u8], situation: &Situation, bytes_of: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<Reading> {
    let namespace_of = |name: &[u8]| {
        let is_there = |name: &Vec<u8>| situation.tree.view().at(&[names::V1, name]).is_some();
        bytes_of(name).filter(is_there)
    };
    let reading = |namespace: Option<&Vec<u8>>, thing, name: &[u8]| {
        Some(Reading { namespace: namespace.cloned(), thing, name: bytes_of(name)? })
    };
    let mut readings: Vec<Reading> = reading(None, None, text).into_iter().collect();
    for at in (0..text.len()).filter(|at| text[*at] == b'/') {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if let Some(thing) = thing_of(situation.release, before) {
            readings.extend(reading(None, Some(thing), after));
        }
        if let Some(before) = &namespace_of(before) {
            readings.extend(reading(Some(before), None, after));
            let slash = after.iter().position(|byte| *byte == b'/');
            let thing = slash
                .and_then(|slash| Some((thing_of(situation.release, &after[..slash])?, &after[slash + 1..])));
            if let Some((thing, name)) = thing {
                readings.extend(reading(Some(before), Some(thing), name));
            }
        }
    }
    readings.extend(as_step(text));
    readings
}

/// A node as a step would name it, quotes and all.
fn as_step(text: &[u8]) -> Option<Reading> {
    let is_word = !text.contains(&b'\n');
    let scenario = is_word.then(|| parse(&[b"expect kept ", text, b"\n"].concat()).ok()).flatten()?;
    match &scenario.lines.first()?.step {
        Step::Expect(Assertion::Kept(nodes)) => match &nodes[..] {
            [NodeName { namespace, kind, key, .. }] => Some(Reading {
                namespace: namespace.clone(),
                thing: Some(Thing::Node(*kind)),
                name: key.clone(),
            }),
            _ => None,
        },
        _ => None,
    }
}

/// The sort with a name, singular or plural.
fn thing_of(release: Release, word: &[u8]) -> Option<Thing> {
    let word = word.strip_suffix(b"s").unwrap_or(word);
    let word = if word == b"sandboxe" { b"sandbox" } else { word };
    let numbered = (0..=ResourceType::MASK).map(|number| Thing::Node(release.kind_of(ResourceType(number))));
    let named = [Kind::Image, Kind::Container, Kind::Content].map(Thing::Node);
    let named = named.into_iter().chain([Thing::Sandbox, Thing::Collector]);
    named.chain(numbered).find(|thing| thing.to_string().as_bytes() == word)
}

impl Reading {
    /// How well this is an object, if at all.
    /// `slash` is where a snapshot's key is cut.
    fn fit(&self, thing: Thing, namespace: &[u8], key: &[u8], slash: Option<usize>) -> Option<Fit> {
        let is_it = self.namespace.as_ref().is_none_or(|own| *own == namespace)
            && self.thing.is_none_or(|own| own == thing);
        if !is_it {
            return None;
        }
        let name = &self.name[..];
        if name == key || thing == Thing::Node(Kind::Content) && is_alias(name, key) {
            return Some(Fit::Whole);
        }
        let short = slash.map_or(key, |slash| &key[slash + 1..]);
        let is_image = thing == Thing::Node(Kind::Image);
        if short == name || is_image && is_short_image(name, key) {
            return Some(Fit::Short);
        }
        let begins =
            |whole: &[u8]| whole.starts_with(name) && name.len() >= LETTERS_MIN && !is_algorithm(name);
        // What a label names and is no whole digest is content all the same.
        if thing == Thing::Node(Kind::Content) && without_algorithm(key).is_some_and(|digits| digits == name)
        {
            return Some(Fit::Short);
        }
        let begins = |whole: &[u8]| match digits_of(whole) {
            Some(digits) => begins_digest(name, whole, digits),
            None => begins(whole),
        };
        (begins(key) || begins(short)).then_some(Fit::Beginning)
    }
}

/// Whether a digest, of these digits, begins so; its letters count small or large.
fn begins_digest(name: &[u8], digest: &[u8], digits: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let prefix = digest.len() - digits.len();
    digest.starts_with(&name) && name.len() > prefix || digits.starts_with(&name) && name.len() >= DIGITS_MIN
}

/// Whether this is no more than the name of an algorithm, of which all digests begin.
fn is_algorithm(name: &[u8]) -> bool {
    [&b"sha256"[..], b"sha384", b"sha512"].contains(&name.strip_suffix(b":").unwrap_or(name))
}

/// What stands behind an algorithm's name.
fn without_algorithm(key: &[u8]) -> Option<&[u8]> {
    let colon = key.iter().position(|byte| *byte == b':').filter(|colon| is_algorithm(&key[..*colon]))?;
    Some(&key[colon + 1..])
}

/// What a digest has behind its algorithm's name; none for what is no digest.
fn digits_of(key: &[u8]) -> Option<&[u8]> {
    let colon = key.iter().position(|byte| *byte == b':')?;
    let (algorithm, digits) = (&key[..colon], &key[colon + 1..]);
    let is_digest =
        algorithm.iter().all(u8::is_ascii_alphanumeric) && digits.iter().all(u8::is_ascii_hexdigit);
    (is_digest && digits.len() >= 32).then_some(digits)
}

/// Whether a digest is the one for which a scenario writes a name.
fn is_alias(name: &[u8], digest: &[u8]) -> bool {
    let name = name.strip_prefix(b"@").unwrap_or(name);
    str::from_utf8(name).ok().and_then(alias::digest_of).is_some_and(|own| own == digest)
}

/// Whether an image's name is this one with a registry and folders before it, or with a tag behind.
fn is_short_image(name: &[u8], image: &[u8]) -> bool {
    let tag = image.iter().rposition(|byte| matches!(byte, b':' | b'/')).filter(|at| image[*at] == b':');
    let untagged = &image[..tag.unwrap_or(image.len())];
    [image, untagged].into_iter().any(|image| {
        let rest = image.strip_suffix(name);
        !name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"))
    })
}
