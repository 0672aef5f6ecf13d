//! Paths at which nothing can ever be, since one of their keys is misspelled: `expect nothing` holds there whatever happens.
//!
//! ```text
//! expect nothing v1/default/sanpshots      a namespace has no bucket `sanpshots`: is `snapshots` meant?
//! expect nothing snapshots/overlayfs       in the root is no `snapshots`: is `v1/default/snapshots` meant?
//! expect nothing .../labels/containerd.io/gc.expire      nothing is below a label: the key belongs in quotes
//! ```
//!
//! What a `raw` step writes may be called anything.

use crate::bucket::Bucket;
use crate::named::nearest;
use crate::scenario::{Assertion, DEFAULT_NAMESPACE, Name, RawValue, Scenario, Step, print_path};
use crate::schema::{names, shape, time};
use crate::text;
use std::collections::BTreeSet;
use std::ops::Bound;

/// What is wrong with the path of an `expect nothing`.
pub(super) fn misspelled(written: &Written<'_>, assertion: &Assertion) -> Option<String> {
    let Assertion::Nothing(path) = assertion else { return None };
    let [first, rest @ ..] = &path[..] else { return None };
    if first == names::V1 {
        let below = rest.get(1..).unwrap_or_default();
        return (0..below.len()).find_map(|at| {
            let parents: Vec<&[u8]> = below[..at].iter().map(|key| &**key).collect();
            let near = near(&below[at], &shape::words_below(&parents))?;
            let path = &path[..at + 3];
            let is_wrong = !written.has(path);
            is_wrong.then(|| format!("`{}` is never there; is `{near}` meant?", print_path(path)))
        });
    }
    // Beside v1 some releases keep the sandboxes of a namespace.
    let words = shape::words_below(&[]);
    let is_word = words.contains(&&**first);
    let meant = if is_word { Some(text::name(first)) } else { near(first, &words) }?;
    let is_namespace = rest.first().is_some_and(|second| *second == names::SANDBOXES);
    let namespace = text::name(DEFAULT_NAMESPACE);
    (!is_namespace && !written.has(&path[..1]))
        .then(|| format!("no `{}` is ever beside v1; is `v1/{namespace}/{meant}` meant?", text::name(first)))
}

/// What is wrong with a path that an `expect` step has and that leads through a value, by what is there or by containerd's
/// layout: below it is nothing. Most often a key has a `/` and no quotes.
pub(super) fn through_value(written: &Written<'_>, tree: &Bucket, assertion: &Assertion) -> Option<String> {
    let (Assertion::Nothing(path) | Assertion::Bucket(path) | Assertion::Value { path, .. }) = assertion
    else {
        return None;
    };
    let keys: Vec<&[u8]> = path.iter().map(|key| &**key).collect();
    let in_tree = (1..keys.len()).find(|end| {
        let (around, key) = (&keys[..end - 1], keys[end - 1]);
        tree.view().at(around).is_some_and(|around| around.get(key).is_some())
    });
    let by_layout = || {
        let namespace_end = match &keys[..] {
            [names::V1, _, ..] => 2,
            [_, names::SANDBOXES, ..] => 1,
            _ => return None,
        };
        let end = namespace_end + shape::keys_to_value(&keys[namespace_end..])?;
        (end < keys.len() && !written.has(&path[..=end])).then_some(end)
    };
    let end = in_tree.or_else(by_layout)?;
    let meant = keys[end - 1..].join(&b'/');
    let joined = [&keys[..end - 1], &[&meant[..]]].concat();
    let (value, whole) = (print_path(&path[..end]), print_path(&joined));
    Some(format!(
        "`{value}` is a value, below which nothing can be; a key with a `/` stands in quotes: `{whole}`"
    ))
}

/// In which form a value is there, where an `expect value` has its text: times and numbers are stored in Go's forms.
pub(super) fn other_form(assertion: &Assertion) -> Option<String> {
    let Assertion::Value { path, value: RawValue::Bytes(bytes) } = assertion else { return None };
    let text = str::from_utf8(bytes).ok()?;
    let form = match path.last().map(|key| &**key)? {
        b"createdat" | b"updatedat" | names::EXPIRE_AT if time::parse_rfc3339(bytes).is_ok() => "time",
        names::SIZE | names::VERSION if text.parse::<i64>().is_ok() => "varint",
        _ => return None,
    };
    Some(format!("write `{form}={text}`: it is stored in Go's binary form"))
}

/// The paths that `raw` steps write.
pub(super) struct Written<'s>(BTreeSet<&'s [Name]>);

impl<'s> Written<'s> {
    pub(super) fn of(scenario: &'s Scenario) -> Written<'s> {
        let paths = scenario.lines.iter().filter_map(|line| match &line.step {
            Step::RawPut { path, .. } | Step::RawBucket { path } => Some(&path[..]),
            _ => None,
        });
        Written(paths.collect())
    }

    /// Whether one of them is this path, or below it.
    fn has(&self, path: &[Name]) -> bool {
        // What begins with a path comes right behind it.
        let behind = (Bound::Included(path), Bound::Unbounded);
        self.0.range::<[Name], _>(behind).next().is_some_and(|written| written.starts_with(path))
    }
}

/// The word that a key is a slip of.
fn near(key: &[u8], words: &[&[u8]]) -> Option<String> {
    if words.contains(&key) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| text::name(word)).collect();
    nearest(&text::name(key), words.iter().map(String::as_str)).map(str::to_owned)
}
