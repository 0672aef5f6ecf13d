//! Clients' steps.
//!
//! ```text
//!   runs of steps go, then single ones ──> raw edits become clients' steps ──> labels, options, listed things go ──> clients and namespaces become one
//!         ^                                                                                │
//!         └── names become short <── moves of the clock become one <── chains get shorter: two objects become one
//! ```

use super::raw::with_client_steps;
use super::{Shrink, Way};
use crate::scenario::{DEFAULT_NAMESPACE, Line, Name, Step, alias};
use std::collections::BTreeSet;
use std::num::NonZeroU64;

type Lines = Vec<Line>;

impl Shrink for Lines {
    const WAYS: &'static [Way<Lines>] = &[
        without_run::<32>,
        without_run::<16>,
        without_run::<8>,
        without_run::<4>,
        without_run::<2>,
        without_run::<1>,
        with_client_steps,
        with_simpler_step,
        without_client,
        without_namespace,
        with_labels_together,
        with_names_together,
        with_clock_together,
        with_short_name,
    ];
}

/// Leaves out so many steps in a row.
fn without_run<const LENGTH: usize>(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let start = place * LENGTH;
    if start >= lines.len() || LENGTH > lines.len().div_ceil(2) {
        return None;
    }
    let mut smaller = lines.clone();
    smaller.drain(start..lines.len().min(start + LENGTH));
    Some(if is_declared(&smaller) { vec![smaller] } else { Vec::new() })
}

/// Whether every client is declared before it acts, and once.
fn is_declared(lines: &[Line]) -> bool {
    let mut declared = BTreeSet::new();
    lines.iter().all(|line| match (&line.step, &line.client) {
        (Step::Client { name, .. }, _) => declared.insert(name),
        (_, Some(client)) => declared.contains(client),
        _ => true,
    })
}

/// Leaves out a label, an option or a listed thing, or says a step more simply.
fn with_simpler_step(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let with = |step| {
        let mut smaller = lines.clone();
        smaller[place].step = step;
        smaller
    };
    Some(simpler(&lines.get(place)?.step).into_iter().map(with).collect())
}

/// The same step with one thing less, or one that says nearly the same and is simpler.
fn simpler(step: &Step) -> Vec<Step> {
    let mut simpler = step.simpler();
    match step {
        // What is written in two steps can be put in one.
        Step::ContentCommit { reference: _, digest, size, labels } => {
            let (digest, size, labels) = (digest.clone(), *size, labels.clone());
            simpler.push(Step::ContentPut { digest, size, labels });
        }
        // A view, or one begun and finished apart, becomes a plain one.
        Step::SnapshotView(new) | Step::SnapshotPrepareBegin(new) | Step::SnapshotViewBegin(new) => {
            simpler.push(Step::SnapshotPrepare(new.clone()));
        }
        // A context is cancelled at the first root, or one earlier.
        Step::Gc { last, cancel_at_root: Some(root) } if root.get() > 1 => {
            for root in [1, root.get() / 2, root.get() - 1] {
                simpler.push(Step::Gc { last: *last, cancel_at_root: NonZeroU64::new(root) });
            }
        }
        // A deletion that waits for a collection becomes the collection.
        Step::ImageDelete { sync: true, .. } | Step::LeaseDelete { sync: true, .. } => {
            simpler.push(Step::Gc { last: None, cancel_at_root: None });
        }
        _ => {}
    }
    simpler
}

/// A client's steps become those of the unnamed one.
fn without_client(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let clients: BTreeSet<&Name> = lines.iter().filter_map(|line| line.client.as_ref()).collect();
    let client = clients.into_iter().nth(place)?;
    let mut smaller = lines.clone();
    smaller.retain(|line| !matches!(&line.step, Step::Client { name, .. } if name == client));
    for line in smaller.iter_mut().filter(|line| line.client.as_ref() == Some(client)) {
        line.client = None;
    }
    Some(vec![smaller])
}

/// What happens in another namespace happens in the one that clients use by themselves.
fn without_namespace(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let used = lines.iter().filter_map(|line| match &line.step {
        Step::NamespaceUse { namespace } | Step::Client { namespace: Some(namespace), .. } => Some(namespace),
        _ => None,
    });
    let others: BTreeSet<&Name> = used.filter(|namespace| *namespace != DEFAULT_NAMESPACE).collect();
    let other = others.into_iter().nth(place)?;
    Some(vec![replaced(lines, other, DEFAULT_NAMESPACE)])
}

/// Labels that an object gets in a later step are its own from an earlier one, which names whatever the later one names.
fn with_labels_together(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let mut later = lines.get(place)?.clone();
    let labels = later.step.labels_mut().map(std::mem::take).unwrap_or_default();
    let names = names_of(&[later]);
    let merged = |earlier: usize| {
        let mentioned = names_of(&lines[earlier..=earlier]);
        let is_about_it = names.iter().all(|name| mentioned.contains(name));
        let mut smaller = lines.clone();
        smaller.remove(place);
        let own = smaller[earlier].step.labels_mut().filter(|_| is_about_it)?;
        for (key, value) in labels.as_slice() {
            own.insert(key.clone(), value.clone());
        }
        Some(smaller)
    };
    Some((0..place).filter(|_| !labels.is_empty()).filter_map(merged).collect())
}

/// With how many names of its kind a name is tried to be one.
const ALIKE_MAX: usize = 64;

/// Chains get shorter where two of their links can be one: a name becomes an earlier one of its kind.
fn with_names_together(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let names = names_of(lines);
    let name = names.get(place)?;
    let alike: Vec<&Name> = names[..place].iter().filter(|other| are_alike(name, other)).collect();
    // Of very many the first ones and the nearest: each try is a whole case.
    let (first, nearest) = match alike.len() {
        0..=ALIKE_MAX => (&alike[..], &[][..]),
        count => (&alike[..ALIKE_MAX / 2], &alike[count - ALIKE_MAX / 2..]),
    };
    Some(first.iter().chain(nearest).map(|other| replaced(lines, name, other)).collect())
}

/// Two moves of the clock become one, at the later place.
fn with_clock_together(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let later = &lines.get(place)?.step;
    let is_clock = |line: &Line| matches!(line.step, Step::Now(_) | Step::Advance(_));
    let merged = lines[..place].iter().rposition(is_clock).and_then(|earlier| {
        let step = match (&lines[earlier].step, later) {
            (Step::Advance(earlier), Step::Advance(later)) => Step::Advance(earlier.checked_add(*later)?),
            (Step::Now(now), Step::Advance(by)) => Step::Now(now.plus(*by)),
            (_, Step::Now(now)) => Step::Now(*now),
            _ => return None,
        };
        let mut smaller = lines.clone();
        smaller[place].step = step;
        smaller.remove(earlier);
        Some(smaller)
    });
    Some(merged.into_iter().collect())
}

/// A name that is long or hard to read becomes a short one, everywhere at once.
fn with_short_name(lines: &Lines, place: usize) -> Option<Vec<Lines>> {
    let names = names_of(lines);
    let name = names.get(place)?;
    let is_digest = alias::name_of(name).is_some();
    let short = (b'a'..=b'z').flat_map(|letter| [vec![letter], vec![letter, b'0']]);
    let mut short = short.map(|name| match is_digest {
        true => alias::digest_of(&String::from_utf8_lossy(&name)).expect("letters and digits"),
        false => name,
    });
    let fresh = short.find(|short| !names.contains(short)).filter(|_| !is_short(name));
    Some(fresh.map(|fresh| replaced(lines, name, &fresh)).into_iter().collect())
}

/// Every name, in the order of first mention.
fn names_of(lines: &[Line]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for line in &mut lines.to_vec() {
        line.step.for_each_name(&mut |name| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        });
    }
    names
}

fn replaced(lines: &Lines, from: &[u8], to: &[u8]) -> Lines {
    let mut lines = lines.clone();
    for line in &mut lines {
        line.step.for_each_name(&mut |name| {
            if name == from {
                *name = to.to_vec();
            }
        });
    }
    lines
}

/// Whether two names are of one kind, as far as names tell: both of content, or numbered behind the same letter.
fn are_alike(name: &[u8], other: &[u8]) -> bool {
    let letter = |name: &[u8]| match name {
        [letter, digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Some(*letter),
        _ => None,
    };
    match (alias::name_of(name), alias::name_of(other)) {
        (Some(_), Some(_)) => true,
        (None, None) => letter(name).is_some() && letter(name) == letter(other),
        _ => false,
    }
}

/// Names that everybody reads easily: everyday content of one letter, other names of up to twelve letters and digits.
fn is_short(name: &[u8]) -> bool {
    match alias::name_of(name) {
        Some(everyday) => everyday.len() <= 2,
        None => (1..=12).contains(&name.len()) && name.iter().all(u8::is_ascii_alphanumeric),
    }
}
