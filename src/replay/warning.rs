//! What a scenario says and hardly means.
//!
//! A label's value is taken as it stands, as containerd takes it. The name of content is short for a digest, in labels
//! only behind `@`:
//!
//! ```text
//! content put layer
//! content put manifest gc.ref.content.l.0=layer       refers to content whose digest is "layer": to nothing
//! content put manifest gc.ref.content.l.0=@layer      is what was meant
//! content put manifest gc.ref.content.l.0=@laeyr      is nearly what was meant
//! lease add pull content/laeyr                        the same without a label
//! ```
//!
//! An `expect` may name what cannot be ([`super::impossible`]), a label's key may be nearly one that is read
//! ([`crate::schema::label_keys`]). What no step creates and nothing else is nearly called is meant to be missing, which is worth a
//! scenario, if a step at least mentions it. Where the output that is expected of a later collection says the same, somebody
//! has read it there, and means it. A `gc.expire` counts from no step: `+1h` is no time. And it may be a time to some builds of a daemon and none to others
//! ([`crate::go`]).

use super::impossible::{Snapshotters, impossible};
use super::objects::{
    Object, created as created_by, created_namespaces, expected, named as named_by, used_namespace,
};
use super::slip::{Budget, Names};
use super::there::{There, everyday};
use crate::go::Go;
use crate::node::Kind;
use crate::oracle::{Misread, misread};
use crate::reason::{meaningless_on, misread_words};
use crate::release::Release;
use crate::scenario::{
    Assertion, Expiry, Labels, Line, Name, NodeName, Outcome, RawValue, Scenario, Step, Text, alias,
    kind_of_word, print_label, print_node,
};
use crate::schema::label_keys::Keys;
use crate::schema::{duration, names, shape, time};
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is said, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The line of the step, from 1.
    pub line: usize,
    text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The warnings of a scenario, in the order of its lines; those of times where nobody said what the daemons were built
/// with.
pub fn warnings(scenario: &Scenario, go: Option<Go>) -> Vec<Warning> {
    let created = There::of(scenario);
    let namespaces = created_namespaces(scenario);
    let used = scenario.lines.iter().filter_map(|line| used_namespace(&line.step)).cloned();
    let acted_in = Namespaces::new(namespaces.iter().cloned().chain(used));
    let namespaces = Namespaces::new(namespaces);
    let mentioned = Mentioned::of(scenario, &created);
    let keys = keys_read(scenario);
    let collectors = Collectors::of(scenario);
    let snapshotters = Snapshotters::of(scenario);
    let mut is_spent = false;
    let mut puts = Puts::default();
    let mut release = scenario.release;
    let mut warnings = Vec::new();
    for line in &scenario.lines {
        let Line { number, step, .. } = line;
        if let Step::Release(next) = step {
            release = *next;
        }
        let all_labels = step.clone().labels_mut().map(std::mem::take).unwrap_or_default();
        let labels = labels(step);
        let labels = labels.as_slice().iter();
        let mut texts: Vec<String> =
            labels.filter_map(|(key, value)| names_nothing(key, value, &created, &collectors)).collect();
        texts.extend(
            all_labels
                .as_slice()
                .iter()
                .filter_map(|(key, _)| keys.nearly_read(key))
                .map(|nearly| nearly.to_string()),
        );
        texts.extend(all_labels.as_slice().iter().filter_map(|(key, _)| misplaced(key, step, release)));
        texts
            .extend(all_labels.as_slice().iter().filter_map(|(key, value)| unreadable_condition(key, value)));
        let impossible: Vec<String> = impossible(&snapshotters, release, step).collect();
        for (at, object) in named_by(step).iter().enumerate() {
            // What is expected may be in a namespace.
            let written = expected(step).get(at).map_or_else(|| shown(object), print_node);
            // What cannot be no step makes.
            if impossible.iter().any(|text| text.starts_with(&format!("`{written}` "))) {
                continue;
            }
            let text =
                has_comma(object, &written, &created).or_else(|| is_missing(object, &written, &created));
            texts.extend(text.or_else(|| mentioned.lack(step, object, &written)));
        }
        texts.extend(used_namespace(step).and_then(|used| no_namespace(used, &namespaces, &created.budget)));
        texts.extend(expected(step).iter().filter_map(|node| elsewhere(step, node, &acted_in, &mentioned)));
        texts.extend(nothing_elsewhere(step, &acted_in, &created.budget));
        texts.extend(path_for_key(step));
        texts.extend(negative_size(step));
        texts.extend(puts.dropped(line));
        let expiries =
            expiry(step).into_iter().chain(image_expiry(step)).filter(|text| is_no_time(text, release));
        texts.extend(expiries.map(never_comes));
        texts.extend(
            all_labels.get(names::GC_COND_USED_AT).filter(|text| is_no_time(text, release)).map(no_use),
        );
        if go.is_none() && Go::UpTo1_19.may_build(release) {
            texts.extend(
                expiry(step).filter(|text| time::only_earlier_go_reads(text)).map(read_by_earlier_go),
            );
        }
        texts.extend(parent_passed_over(release, step));
        texts.extend(impossible);
        texts.extend(never_remembered(scenario, line));
        if !is_spent && created.budget.is_spent() {
            is_spent = true;
            texts.push(NOT_COMPARED.to_owned());
        }
        texts.retain(|text| !is_expected(scenario, *number, release, step, text));
        warnings.extend(texts.into_iter().map(|text| Warning { line: *number, text }));
    }
    warnings
}

/// The parent that a commit names to a daemon that does not know the field.
fn parent_passed_over(release: Release, step: &Step) -> Option<String> {
    let Step::SnapshotCommit { snapshot, name, parent: Some(parent), .. } = step else { return None };
    let shown = |key: &[u8]| text::name(&[&snapshot.snapshotter, &b"/"[..], key].concat());
    (release < Release::V2_2 && !parent.is_empty()).then(|| {
        alias::in_text(&format!(
            "a daemon of containerd {release} does not know `parent` at a commit, which is new in 2.2: it commits snapshot/{} \
             without a parent, and nothing then keeps snapshot/{} for it",
            shown(name),
            shown(parent)
        ))
    })
}

/// A word of a guard that its client never gives to anything, so that it is never true.
fn never_remembered(scenario: &Scenario, line: &Line) -> Option<String> {
    let word = &line.guard.as_ref()?.word;
    let gives = |other: &Line| other.client == line.client && other.remembers.as_ref() == Some(word);
    let is_given = scenario.lines.iter().any(gives);
    let word = text::name(word);
    (!is_given).then(|| {
        format!("no step of this client is remembered as {word} (`STEP as {word}`), so that it is never true")
    })
}

/// Whether the output that is expected below a later step tells of what a step sets and is warned of: by its label, why
/// something goes; by its value, that it is no time. What a scenario asserts in so many words is meant.
fn is_expected(scenario: &Scenario, number: usize, release: Release, step: &Step, warning: &str) -> bool {
    let mut step = step.clone();
    let is_warned = |said: &str| has_word(warning, said);
    let told: Vec<String> = step
        .labels_mut()
        .map(std::mem::take)
        .unwrap_or_default()
        .as_slice()
        .iter()
        .map(|(key, _)| print_label(key))
        .filter(|label| is_warned(label))
        .collect();
    let time = expiry(&step)
        .filter(|text| is_no_time(text, release))
        .map(|text| format!("`{}` is no time", text::name(text)));
    let later = scenario.lines.iter().filter(|line| line.number > number);
    let mut blocks = later.flat_map(|line| line.expected.iter().flatten()).map(Text::as_str);
    blocks.any(|line| {
        let goes = line.starts_with("remove") && told.iter().any(|label| has_word(line, label));
        goes || time.as_ref().is_some_and(|time| is_warned(time) && line.contains(&**time))
    })
}

/// Whether a label's name stands in a text, and not as a part of another one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || "-._/\"".contains(character);
    let mut at = text.match_indices(word);
    at.any(|(at, _)| {
        let ends = !text[at + word.len()..].chars().next().is_some_and(is_part);
        ends && !text[..at].chars().next_back().is_some_and(is_part)
    })
}

/// The keys that the collectors of a scenario read.
fn keys_read(scenario: &Scenario) -> Keys {
    Keys::new(scenario.lines.iter().filter_map(|line| match &line.step {
        Step::CollectorDeclare { label, .. } => label.as_deref(),
        _ => None,
    }))
}

/// The content that is certainly there, as each client put it.
#[derive(Default)]
struct Puts<'s>(BTreeMap<(Option<&'s Name>, &'s Name), Put<'s>>);

#[derive(Clone, Copy)]
struct Put<'s> {
    line: usize,
    size: Option<i64>,
    labels: &'s Labels,
}

impl<'s> Puts<'s> {
    /// What a step says of content that is there, where the daemon leaves it as it is and says nothing.
    fn dropped(&mut self, line: &'s Line) -> Option<String> {
        let Line { number, client, outcome, step, .. } = line;
        let Step::ContentPut { digest, size, labels } = step else {
            if !matches!(step, Step::Expect(_) | Step::LeaseAdd { .. } | Step::ImageCreate { .. }) {
                // It may be gone, or labelled, or the client elsewhere.
                self.0.clear();
            }
            return None;
        };
        if *outcome != Outcome::Accepted {
            return None;
        }
        let new = Put { line: *number, size: *size, labels };
        let Some(first) = self.0.get(&(client.as_ref(), digest)).copied() else {
            self.0.insert((client.as_ref(), digest), new);
            return None;
        };
        let name = everyday(digest);
        let is_there = format!("content/{name} is there since line {}", first.line);
        let is_dropped = |(key, value): &(Name, Name)| first.labels.get(key) != Some(&**value);
        if size.is_some_and(|size| first.size.is_some_and(|first| first != size)) {
            return Some(format!("{is_there} with another size, which stays: a digest has one size"));
        }
        labels.as_slice().iter().any(is_dropped).then(|| {
            format!("{is_there}, so that these labels are not set; `content label {name} ...` sets them")
        })
    }
}

/// Said at the line from which on names are not compared with all that is there.
const NOT_COMPARED: &str = "from here on names that nothing has are only compared with what is one letter away: too many were before";

/// A label whose value names nothing, while something is there that may have been meant.
fn names_nothing(key: &[u8], value: &Name, created: &There, collectors: &Collectors) -> Option<String> {
    let Named { kind, before, name } = named(key, value).or_else(|| collectors.named(key, value))?;
    let object = |name: &[u8]| (kind, [&before[..], name].concat());
    if created.contains(&object(name)) {
        return None;
    }
    let label = text::name(key.strip_prefix(b"containerd.io/").unwrap_or(key));
    let rest = text::name(&value[..value.len() - name.len()]);
    // In quotes it is no name of content: so it is shown, and what is meant without.
    let is_quoted = kind == Kind::Content && value.starts_with(b"@");
    let (quote, how) = if is_quoted { ("\"", " without quotes") } else { ("", "") };
    let written = alias::in_text(&format!("{label}={quote}{}{quote}", text::name(value)));
    if let Some((meant, name)) = unadorned(kind, &before, name, created) {
        let sign = if kind == Kind::Content { "@" } else { "" };
        return Some(format!(
            "`{written}` names nothing; write `{label}={rest}{sign}{name}`{how} for {}",
            shown(&meant)
        ));
    }
    let near = created.nearest(&object(name))?;
    Some(format!("`{written}` names nothing; is {} meant?", shown(&near)))
}

/// The object of a name that is written with too much before it, or as content where it is none, or the other way round;
/// and its name alone. `before` is what the object's key has before the name.
fn unadorned(kind: Kind, before: &[u8], name: &[u8], created: &There) -> Option<(Object, String)> {
    let kind_before = format!("{kind}/");
    let mut rest = name;
    let prefixes = [kind_before.as_bytes(), b"sha256:", before];
    let is_digest = alias::name_of(name).is_some();
    while let Some(shorter) = prefixes
        .iter()
        .filter(|prefix| !prefix.is_empty() && !is_digest)
        .find_map(|prefix| rest.strip_prefix(*prefix))
    {
        rest = shorter;
    }
    let plain = everyday(rest);
    let plain = plain.strip_prefix('@').unwrap_or(&plain);
    let key = match kind {
        Kind::Content => alias::digest_of(plain)?,
        _ => plain.as_bytes().to_vec(),
    };
    let object = (kind, [before, &key].concat());
    created.contains(&object).then(|| (object, plain.to_owned()))
}

/// What a reference label names.
struct Named<'a> {
    kind: Kind,
    /// What the key has before the name: of a snapshot its snapshotter.
    before: Vec<u8>,
    /// The name, where the value has it.
    name: &'a [u8],
}

/// The kinds of collectors' resources, by the label that refers to one.
struct Collectors(BTreeMap<Name, Kind>);

impl Collectors {
    fn of(scenario: &Scenario) -> Collectors {
        let labels = scenario.lines.iter().filter_map(|line| match &line.step {
            Step::CollectorDeclare { collector, label: Some(label) } if !label.is_empty() => {
                Some(([names::GC_REF, label].concat(), *collector))
            }
            _ => None,
        });
        Collectors(labels.collect())
    }

    fn named<'a>(&self, key: &[u8], value: &'a [u8]) -> Option<Named<'a>> {
        let (_, kind) = self.0.iter().find(|(label, _)| is_label(key, label))?;
        Some(Named { kind: *kind, before: Vec::new(), name: value })
    }
}

/// Whether a label's key is such a name: it ends there, or a separator follows.
fn is_label(key: &[u8], name: &[u8]) -> bool {
    key.strip_prefix(name).is_some_and(|rest| matches!(rest.first(), None | Some(b'.' | b'/')))
}

/// What a label's value names: what the label refers to, or what takes its object along.
fn named<'a>(key: &[u8], value: &'a [u8]) -> Option<Named<'a>> {
    let plain = [
        (names::GC_REF_CONTENT, Kind::Content),
        (names::GC_BREF_CONTENT, Kind::Content),
        (names::GC_REF_IMAGE, Kind::Image),
        (names::GC_BREF_IMAGE, Kind::Image),
        (names::GC_BREF_CONTAINER, Kind::Container),
    ];
    if let Some((_, kind)) = plain.into_iter().find(|(prefix, _)| is_label(key, prefix)) {
        return Some(Named { kind, before: Vec::new(), name: value });
    }
    let snapshot = [names::GC_REF_SNAPSHOT, names::GC_BREF_SNAPSHOT];
    let reference = snapshot.into_iter().find_map(|prefix| key.strip_prefix(prefix));
    let condition = || {
        let rest = key.strip_prefix(names::GC_COND_SNAPSHOT)?;
        let bar = value.iter().position(|byte| *byte == b'|')?;
        let start = rest.iter().position(|byte| !matches!(byte, b'.' | b'/'))?;
        Some((&rest[start..], &value[bar + 1..]))
    };
    let (snapshotter, name) = reference.map(|rest| (rest, value)).or_else(condition)?;
    let snapshotter = snapshotter.split(|byte| *byte == b'/').next().unwrap_or_default();
    Some(Named { kind: Kind::Snapshot, before: [snapshotter, b"/"].concat(), name })
}

/// A name with a comma that separates nothing: it is part of the name.
fn has_comma(object: &Object, written: &str, created: &There) -> Option<String> {
    let (_, key) = object;
    let goes_on = |(at, _): (usize, &u8)| {
        let word = key[at + 1..].split(|byte| *byte == b'/').next().unwrap_or_default();
        std::str::from_utf8(word).ok().and_then(kind_of_word).is_some()
    };
    let mut commas = key.iter().enumerate().filter(|(_, byte)| **byte == b',');
    let separates = key.ends_with(b",") || commas.any(goes_on);
    (separates && !created.contains(object))
        .then(|| format!("the comma is part of the name `{written}`: blanks separate words, no commas"))
}

/// What the steps of a scenario make or mention, other than in what they expect.
struct Mentioned<'c> {
    created: &'c There,
    names: BTreeSet<Name>,
}

impl<'c> Mentioned<'c> {
    fn of(scenario: &Scenario, created: &'c There) -> Mentioned<'c> {
        let mut names = BTreeSet::new();
        let is_asking = |step: &Step| matches!(step, Step::Expect(_) | Step::Always(_) | Step::Look(_));
        for line in scenario.lines.iter().filter(|line| !is_asking(&line.step)) {
            line.step.clone().for_each_name(&mut |name| {
                // A condition's value names something behind its bar.
                names.extend(name.split(|byte| *byte == b'|').skip(1).map(<[u8]>::to_vec));
                names.insert(std::mem::take(name));
            });
        }
        Mentioned { created, names }
    }

    /// An object of which something is expected and that no step makes or mentions: a name to be absent that could never
    /// be there.
    fn lack(&self, step: &Step, object: &Object, written: &str) -> Option<String> {
        let (kind, key) = object;
        let slash = key.iter().position(|byte| *byte == b'/').filter(|_| *kind == Kind::Snapshot);
        let name = &key[slash.map_or(0, |slash| slash + 1)..];
        // In a namespace called `v1` even parts of others are objects.
        let is_part = shape::words_below(&[]).contains(&name);
        let is_mentioned =
            is_part || self.created.contains(object) || self.names.contains(name) || self.names.contains(key);
        let is_asserted = !expected(step).is_empty() || matches!(step, Step::Always(_) | Step::Look(_));
        (is_asserted && !is_mentioned).then(|| format!("no step names {written}"))
    }
}

/// An object that a step names and none creates, while one is there that may have been meant.
fn is_missing(object: &Object, written: &str, created: &There) -> Option<String> {
    if created.contains(object) {
        return None;
    }
    let (kind, key) = object;
    let slash = key.iter().position(|byte| *byte == b'/').filter(|_| *kind == Kind::Snapshot);
    let (before, name) = key.split_at(slash.map_or(0, |slash| slash + 1));
    let (near, hint) = match unadorned(*kind, before, name, created) {
        Some((meant, plain)) if *kind == Kind::Content => (meant, format!(" (in a path `@{plain}`)")),
        Some((meant, _)) => (meant, String::new()),
        None => (created.nearest(object)?, String::new()),
    };
    Some(format!("nothing creates {written}; is {} meant{hint}?", shown(&near)))
}

/// A namespace in which a client is to act and that nothing creates, while one is there that may have been meant.
fn no_namespace(used: &Name, created: &Namespaces, budget: &Budget) -> Option<String> {
    let near = created.near(used, budget)?;
    Some(format!("nothing creates namespace {}; is {near} meant?", text::name(used)))
}

/// Namespaces, to be asked for by what is nearly their name.
struct Namespaces {
    /// In their order.
    all: Vec<Name>,
    names: Names,
}

impl Namespaces {
    fn new(all: impl IntoIterator<Item = Name>) -> Namespaces {
        let mut all: Vec<Name> = all.into_iter().collect();
        all.sort();
        all.dedup();
        let names = Names::new(all.iter().map(|name| text::name(name)));
        Namespaces { all, names }
    }

    fn contains(&self, name: &Name) -> bool {
        self.all.binary_search(name).is_ok()
    }

    /// The one that is nearly called so.
    fn near(&self, name: &Name, budget: &Budget) -> Option<String> {
        let (_, place) = self.names.meant(&text::name(name), budget)?;
        self.all.get(place).map(|name| text::name(name))
    }
}

/// What is expected of a node in a namespace in which no step acts.
fn elsewhere(
    step: &Step,
    node: &NodeName,
    acted_in: &Namespaces,
    mentioned: &Mentioned<'_>,
) -> Option<String> {
    let namespace = node.namespace.as_ref().filter(|namespace| !acted_in.contains(namespace))?;
    let no_step = format!("no step acts in namespace {}", text::name(namespace));
    if let Some(near) = acted_in.near(namespace, &mentioned.created.budget) {
        return Some(format!("{no_step}; is {near} meant?"));
    }
    let is_stored = matches!(step, Step::Expect(Assertion::Stored(_) | Assertion::NotStored(_)));
    if is_stored && node.kind == Kind::Content {
        return Some(format!(
            "{no_step}, and content is the backend's, whatever the namespace: this asks for any"
        ));
    }
    // Collectors may have nodes in namespaces that the database lacks; nothing is in one without a name.
    // In a namespace called `v1` even parts of others are objects.
    let is_part = shape::words_below(&[]).contains(&&**namespace);
    (!namespace.is_empty() && !is_part && !mentioned.names.contains(namespace)).then_some(no_step)
}

/// The same of a path.
fn nothing_elsewhere(step: &Step, acted_in: &Namespaces, budget: &Budget) -> Option<String> {
    let Step::Expect(Assertion::Nothing(path) | Assertion::Bucket(path) | Assertion::Value { path, .. }) =
        step
    else {
        return None;
    };
    let namespace = path.get(1).filter(|namespace| !acted_in.contains(namespace))?;
    let near = acted_in.near(namespace, budget)?;
    Some(format!("no step acts in namespace {}; is {near} meant?", text::name(namespace)))
}

/// The name of a committed snapshot is a key; the snapshotter does not stand before it.
fn path_for_key(step: &Step) -> Option<String> {
    let Step::SnapshotCommit { snapshot, name, .. } = step else { return None };
    let key = name.strip_prefix(&*snapshot.snapshotter)?.strip_prefix(b"/")?;
    let (name, key) = (text::name(name), text::name(key));
    Some(format!("`{name}` is a key of the same snapshotter and no path; is `{key}` meant?"))
}

/// A size below zero, which no content has. An image with one is refused by itself.
fn negative_size(step: &Step) -> Option<String> {
    let (Step::ContentOpen { size, .. } | Step::ContentPut { size, .. } | Step::ContentCommit { size, .. }) =
        step
    else {
        return None;
    };
    let size = size.filter(|size| *size < 0)?;
    Some(format!(
        "size={size} is below zero, which no daemon writes: such a record counts as one without a size; leave it out, or \
         give one from 0 on"
    ))
}

fn shown((kind, key): &Object) -> String {
    print_node(&NodeName::new(None, *kind, key.clone()))
}

/// Whether a text is no time to any daemon of a release; without one a label is taken away, or was never set.
fn is_no_time(text: &[u8], release: Release) -> bool {
    let may_be_read = || Go::UpTo1_19.may_build(release) && time::only_earlier_go_reads(text);
    !text.is_empty() && time::parse_rfc3339(text).is_err() && !may_be_read()
}

/// An expiry that is no time; only `expire=` counts from a step.
fn never_comes(expiry: &[u8]) -> String {
    let is_relative = matches!(expiry, [b'+' | b'-', ..]) && duration::parse(expiry).is_some();
    let expiry = text::name(expiry);
    let hint =
        if is_relative { format!("; write `expire={expiry}` to count from the step") } else { String::new() };
    format!("gc.expire `{expiry}` is no time, so that it never comes{hint}")
}

/// A condition that refers to nothing, whatever it names. Of a missing snapshotter the key says enough.
fn unreadable_condition(key: &[u8], value: &[u8]) -> Option<String> {
    let label = text::name(key.strip_prefix(b"containerd.io/").unwrap_or(key));
    let misread = misread(key, value);
    if misread.is_none() && key.starts_with(names::GC_COND_SNAPSHOT) {
        return unread_operator(value).map(|comparison| {
            let (operator, duration) = comparison.split_at(1);
            let [comparison, operator, duration] =
                [comparison, operator, &duration[1..]].map(text::name);
            format!(
                "`usedat{comparison}` of {label} never holds: containerd reads `<` and `>` only; write `usedat{operator}{duration}`"
            )
        });
    }
    let misread = misread.filter(|misread| *misread != Misread::NoSnapshotter && !value.is_empty())?;
    Some(format!("nothing is referred to by {label}, {}", misread_words(misread)))
}

/// The first comparison of a condition by `<=` or `>=`, which no release understands.
fn unread_operator(value: &[u8]) -> Option<&[u8]> {
    let conditions = value.split(|byte| *byte == b'|').next()?;
    let mut comparisons =
        conditions.split(|byte| *byte == b',').filter_map(|comparison| comparison.strip_prefix(b"usedat"));
    comparisons.find(|comparison| matches!(comparison, [b'<' | b'>', b'=', ..]))
}

fn no_use(used_at: &[u8]) -> String {
    format!("gc.cond.value-usedat `{}` is no time, so that no condition holds", text::name(used_at))
}

/// What is said of a `gc.expire` that is a time to Go up to 1.19 and to no later one.
pub fn read_by_earlier_go(expiry: &[u8]) -> String {
    let expiry = text::name(expiry);
    format!(
        "gc.expire `{expiry}` is a time only to a daemon built with Go up to 1.19, elsewhere it never comes; --go 1.19 reads it so"
    )
}

/// The `gc.expire` that a step gives to an image.
fn image_expiry(step: &Step) -> Option<&[u8]> {
    match step {
        Step::ImageLabel { labels, .. } => labels.get(names::GC_EXPIRE),
        Step::ImageCreate { fields, .. } | Step::ImageUpdate { fields, .. } => {
            fields.labels.get(names::GC_EXPIRE)
        }
        _ => None,
    }
}

/// The `gc.expire` that a step gives to a lease.
fn expiry(step: &Step) -> Option<&[u8]> {
    match step {
        Step::LeaseCreate { expire: Some(Expiry::Text(text)), .. } => Some(text),
        Step::LeaseCreate { labels, .. } => labels.get(names::GC_EXPIRE),
        Step::RawPut { path, value: RawValue::Bytes(text) } => {
            let is_label = path.last().is_some_and(|key| **key == *names::GC_EXPIRE);
            (is_label && path.iter().any(|key| **key == *names::LEASES)).then_some(&**text)
        }
        _ => None,
    }
}

/// What a label of the collector's does not do, as the step's object is none that any release reads it of.
fn misplaced(key: &[u8], step: &Step, release: Release) -> Option<String> {
    let (kind, _) = created_by(step).into_iter().chain(named_by(step)).next()?;
    let why = meaningless_on(key, kind, release)?;
    Some(format!("label {} {why}", print_label(key)))
}

/// The labels that a step sets on what may refer to something.
fn labels(step: &Step) -> Labels {
    match step {
        Step::NamespaceCreate { .. } | Step::NamespaceLabel { .. } | Step::LeaseCreate { .. } => {
            Labels::new()
        }
        step => step.clone().labels_mut().map(std::mem::take).unwrap_or_default(),
    }
}
