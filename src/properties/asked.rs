//! What collectors are asked, and in which order they are called. Of a lease that has expired nobody asks (`scanRoots`
//! passes it over).
//!
//! | when | calls |
//! |---|---|
//! | the start (`startGCContext`) | each is asked to start, and then for its label |
//! | the roots (`scanRoots`), for each namespace in order | for each live lease in order what it holds, then what is in use |
//! | the sweep (`scanAll`) | each is asked for all that it has; removals, which come of no other listing |
//! | the end | each is finished or cancelled |
//!
//! Which collector comes first nobody knows: Go's maps have no order.

use super::finding::Breach;
use super::log::{expired_leases, first_without};
use crate::bucket::View;
use crate::engine::{Call, CollectorCall, Outcome};
use crate::node::ResourceType;
use crate::schema::names::{LEASES, V1};
use crate::situation::Situation;
use std::collections::BTreeSet;

/// The first question that was asked and must not be, or the other way round; of a collection that fails only the former.
pub(super) fn wrong_question(situation: &Situation, outcome: &Outcome) -> Option<Breach> {
    if situation.collectors.is_empty() || !situation.release.rules().collectors {
        return None;
    }
    let is_question = |call: &Call| !matches!(call, Call::Remove(_) | Call::Finish | Call::Cancel);
    let asked = outcome.calls.iter().filter(|called| is_question(&called.call));
    let mut asked: Vec<Question<'_>> =
        asked.map(|called| question(called.resource_type, &called.call)).collect();
    let mut expected = questions(situation);
    asked.sort_unstable();
    expected.sort_unstable();
    if asked == expected {
        return None;
    }
    let breach = |question: &Question<'_>, is_asked| {
        let (resource_type, call) = (question.0, call(question));
        Some(Breach::Asked { question: (resource_type, call), is_asked })
    };
    if let Some(extra) = first_without(&asked, &expected) {
        return breach(extra, true);
    }
    let missing = first_without(&expected, &asked).filter(|_| outcome.error.is_none());
    missing.and_then(|missing| breach(missing, false))
}

/// The first call that comes before another and belongs behind it, whatever became of the collection.
pub(super) fn early_call(outcome: &Outcome) -> Option<Breach> {
    let calls = &outcome.calls[..];
    let turned = calls.windows(2).find(|pair| place(&pair[0].call) > place(&pair[1].call));
    let early = turned.map(|pair| (&pair[0], &pair[1]));
    let (early, late) = early.or_else(|| unstarted(calls)).or_else(|| unlisted(calls))?;
    let owned = |called: &CollectorCall| (called.resource_type, called.call.clone());
    Some(Breach::CalledEarly { early: owned(early), late: owned(late) })
}

/// When in a collection a call comes; among the roots in which namespace, whether behind all of its leases, and for which.
fn place(call: &Call) -> (u8, &[u8], bool, &[u8]) {
    match call {
        Call::Start | Call::Label => (0, b"", false, b""),
        Call::Leased(namespace, lease) => (1, namespace, false, lease),
        Call::Active(namespace) => (1, namespace, true, b""),
        Call::All | Call::Remove(_) => (2, b"", false, b""),
        Call::Finish | Call::Cancel => (3, b"", false, b""),
    }
}

/// A collector that is asked for its label before it starts, and its start.
fn unstarted(calls: &[CollectorCall]) -> Option<(&CollectorCall, &CollectorCall)> {
    let mut asked = calls.iter().enumerate().filter(|(_, called)| called.call == Call::Label);
    asked.find_map(|(at, asked)| {
        let is_start =
            |later: &&CollectorCall| later.call == Call::Start && later.resource_type == asked.resource_type;
        Some((asked, calls[at..].iter().find(is_start)?))
    })
}

/// A removal before anybody is asked for all, and the first who is.
fn unlisted(calls: &[CollectorCall]) -> Option<(&CollectorCall, &CollectorCall)> {
    let mut swept = calls.iter().filter(|called| matches!(called.call, Call::All | Call::Remove(_)));
    let first = swept.next().filter(|first| first.call != Call::All)?;
    Some((first, swept.find(|later| later.call == Call::All)?))
}

/// A collector's type, which question, and its namespace and lease.
type Question<'a> = (ResourceType, Sort, &'a [u8], &'a [u8]);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Start,
    Label,
    Leased,
    Active,
    All,
}

fn question(collector: ResourceType, call: &Call) -> Question<'_> {
    match call {
        Call::Start => (collector, Sort::Start, b"", b""),
        Call::Label => (collector, Sort::Label, b"", b""),
        Call::Leased(namespace, lease) => (collector, Sort::Leased, namespace, lease),
        Call::Active(namespace) => (collector, Sort::Active, namespace, b""),
        _ => (collector, Sort::All, b"", b""),
    }
}

fn call((_, sort, namespace, lease): &Question<'_>) -> Call {
    match sort {
        Sort::Start => Call::Start,
        Sort::Label => Call::Label,
        Sort::Leased => Call::Leased((*namespace).into(), (*lease).into()),
        Sort::Active => Call::Active((*namespace).into()),
        Sort::All => Call::All,
    }
}

/// Every question of a collection that succeeds. A database without its bucket is not walked, and nobody is asked for all.
fn questions(situation: &Situation) -> Vec<Question<'_>> {
    let v1 = situation.tree.bucket(V1);
    let expired: BTreeSet<(&[u8], &[u8])> = expired_leases(situation).collect();
    let mut of_one: Vec<(Sort, &[u8], &[u8])> = vec![(Sort::Label, b"", b"")];
    for (namespace, there) in v1.into_iter().flat_map(View::buckets) {
        of_one.push((Sort::Active, namespace, b""));
        for (lease, _) in there.bucket(LEASES).into_iter().flat_map(View::buckets) {
            if !expired.contains(&(namespace, lease)) {
                of_one.push((Sort::Leased, namespace, lease));
            }
        }
    }
    of_one.extend(v1.map(|_| (Sort::All, &b""[..], &b""[..])));
    let mut questions = Vec::with_capacity(situation.collectors.len() * (of_one.len() + 1));
    for collector in situation.collectors.iter() {
        questions.push((collector.resource_type, Sort::Start, &b""[..], &b""[..]));
        if !collector.start_error {
            let own = of_one
                .iter()
                .map(|(sort, namespace, lease)| (collector.resource_type, *sort, *namespace, *lease));
            questions.extend(own);
        }
    }
    questions
}
