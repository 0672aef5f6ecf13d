//! What one step of a scenario changed: buckets, the clock, and after a collection the marks.

use crate::bucket::{Change, Entry, View, diff};
use crate::engine::Error;
use crate::node::NodeRef;
use crate::reason::Words;
use crate::replay::refusal;
use crate::scenario::{Line, alias, print_line, print_path, quoted};
use crate::schema::{names, time, varint};
use crate::world::{Applied, Collected, World};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Values longer than this are cut.
const SHOWN_BYTES_MAX: usize = 120;

/// Shows a step: its text, what became of it, what it changed, what it printed.
///
/// # Errors
/// The writer's.
pub fn write(
    out: &mut dyn Write,
    line: &Line,
    before: &World,
    after: &World,
    applied: &Applied,
    printed: Option<&str>,
) -> io::Result<()> {
    let bare = Line { comment: Vec::new(), expected: None, ..line.clone() };
    writeln!(out, "{:>4}  {}", line.number, print_line(&bare).trim_end())?;
    if let Some(error) = &applied.refused {
        writeln!(out, "      refused: {}", alias::in_line(error.to_string()))?;
        if let Some(hint) = refusal::hint(after, line, error) {
            writeln!(out, "               {hint}")?;
        }
    }
    for change in diff(&before.store().tree, &after.store().tree) {
        write_change(out, &change)?;
    }
    if before.now() != after.now() {
        let instant = time::format_rfc3339_nano;
        writeln!(out, "      now {} -> {}", instant(before.now()), instant(after.now()))?;
    }
    if let Some(collected) = &applied.collected {
        let namespace = after.namespace(line.client.as_ref()).unwrap_or_default();
        write_marks(out, before.last().map(|last| &**last), collected, namespace)?;
    }
    for line in printed.unwrap_or_default().lines() {
        writeln!(out, "      | {line}")?;
    }
    Ok(())
}

fn write_change(out: &mut dyn Write, change: &Change<'_>) -> io::Result<()> {
    let path = print_path(&change.path);
    match (change.before, change.after) {
        (Some(Entry::Bucket(old)), Some(Entry::Bucket(new))) => {
            writeln!(out, "      ~ {path}/ sequence {} -> {}", old.sequence(), new.sequence())
        }
        (Some(Entry::Value(old)), Some(Entry::Value(new))) => {
            let key = change.path.last().copied().unwrap_or_default();
            writeln!(out, "      ~ {path} = {} -> {}", value(key, old), value(key, new))
        }
        (old, new) => {
            for (mark, entry) in [('-', old), ('+', new)] {
                if let Some(entry) = entry {
                    write_whole(out, mark, &change.path, entry)?;
                }
            }
            Ok(())
        }
    }
}

/// An entry that came or went, with all below it.
fn write_whole(out: &mut dyn Write, mark: char, path: &[&[u8]], entry: Entry<'_>) -> io::Result<()> {
    // A work list of paths and entries; reversed where it grows, so that paths come out in order.
    let mut pending = vec![(path.to_vec(), entry)];
    while let Some((path, entry)) = pending.pop() {
        let shown = print_path(&path);
        let bucket: View<'_> = match entry {
            Entry::Value(bytes) => {
                let key = path.last().copied().unwrap_or_default();
                writeln!(out, "      {mark} {shown} = {}", value(key, bytes))?;
                continue;
            }
            Entry::Bucket(bucket) => bucket,
        };
        let sequence = match bucket.sequence() {
            0 => String::new(),
            sequence => format!(" sequence {sequence}"),
        };
        writeln!(out, "      {mark} {shown}/{sequence}")?;
        let first = pending.len();
        pending.extend(bucket.iter().map(|(key, entry)| {
            let mut path = path.clone();
            path.push(key);
            (path, entry)
        }));
        pending[first..].reverse();
    }
    Ok(())
}

/// A value in the form that its key promises, where it decodes so.
fn value(key: &[u8], bytes: &[u8]) -> String {
    let decoded = match key {
        b"createdat" | b"updatedat" | names::EXPIRE_AT => {
            time::from_binary(bytes).ok().map(time::format_rfc3339_nano)
        }
        names::SIZE | names::VERSION => varint::decode_signed(bytes).map(|number| number.to_string()),
        _ => alias::name_of(bytes).map(|everyday| format!("@{everyday}")),
    };
    decoded.unwrap_or_else(|| {
        let cut = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
        let more = if cut.len() < bytes.len() { "..." } else { "" };
        alias::in_text(&quoted(cut)) + more
    })
}

/// What is marked that the collection before did not mark, and the other way round.
fn write_marks(
    out: &mut dyn Write,
    last: Option<&Collected>,
    collected: &Collected,
    namespace: &[u8],
) -> io::Result<()> {
    let Some(new) = collected.outcome.marked() else {
        let why = match collected.outcome.error {
            Some(Error::Canceled) => "the collection was cancelled",
            _ => "marking failed",
        };
        return writeln!(out, "      marks: none, {why}");
    };
    // The numbers of another release mean other kinds.
    let last = last.filter(|last| last.before.release == collected.before.release);
    let old = last.and_then(|last| last.outcome.marked()).unwrap_or_default();
    let (old, new): (BTreeSet<NodeRef<'_>>, BTreeSet<NodeRef<'_>>) =
        (old.into_iter().collect(), new.into_iter().collect());
    // Where a snapshotter's name ends is known by the tree that has it.
    let words_of = |tree| Words { release: collected.before.release, tree, namespace };
    for node in old.difference(&new) {
        let tree = last.map_or(&collected.before.tree, |last| &last.before.tree);
        writeln!(out, "      unmark  {}", words_of(tree).node(*node))?;
    }
    let words = words_of(&collected.before.tree);
    for node in new.difference(&old) {
        writeln!(out, "      mark    {}", words.node(*node))?;
    }
    Ok(())
}
