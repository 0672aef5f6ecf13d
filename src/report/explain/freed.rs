//! What alone holds an object, until when it stays, and what comes free without it.

use super::{LISTED_MAX, NodeReport};
use crate::explain::{Explanation, Held, State, Subject};
use crate::report::end::End;
use crate::stored::Bytes;
use crate::text;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::io::{self, Write};

impl NodeReport<'_, '_, '_> {
    pub(super) fn write_alone(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { alone, state, roots, .. } = self.explanation;
        if *state != State::Kept {
            return Ok(());
        }
        let mut alone: Vec<Subject<'_>> = alone.clone();
        let chain = self.explanation.chains.first().map_or(&[][..], Vec::as_slice);
        let graph = self.saying.network.graph();
        let mut places: HashMap<Subject<'_>, usize> = HashMap::new();
        for (place, hop) in chain.iter().enumerate() {
            let to = graph.find(hop.to.as_ref()).map(Subject::Node);
            let from = hop.from.map(|from| (from, 2 * place));
            for (subject, place) in from.into_iter().chain(to.map(|to| (to, 2 * place + 1))) {
                places.entry(subject).or_insert(place);
            }
        }
        // Only looked up, so that hash order shows nowhere.
        alone.sort_by_key(|subject| places.get(subject).copied());
        let names = alone.iter().take(LISTED_MAX).map(|subject| self.saying.name(*subject, self.namespace()));
        let more = alone.len().saturating_sub(LISTED_MAX);
        let more = if more > 0 {
            format!(" and {} more (--json lists them all)", text::count(more as u64))
        } else {
            String::new()
        };
        let names = names.collect::<Vec<_>>().join(", ") + &more;
        match (alone.len(), roots) {
            (0, 1) => Ok(()),
            (0, roots) => writeln!(
                out,
                "Nothing holds it alone: it goes only when all {} roots have let go of it.",
                text::count(*roots as u64)
            ),
            (1, _) => writeln!(out, "{names} alone holds it: without that it goes."),
            _ => writeln!(out, "Each of {names} alone holds it: without any one of them it goes."),
        }
    }

    pub(super) fn write_until(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, until, .. } = self.explanation;
        match (state, until) {
            (State::Kept, Some(at)) => {
                let end = End::of(*at);
                let (word, at, away) = (end.word(), end.exact(), end.away(self.saying.now()));
                writeln!(out, "If only time passes it goes {word} {at}, {away}.")
            }
            (State::Kept, None) => {
                writeln!(out, "No expiry lets it go: it stays until somebody lets go of it.")
            }
            _ => Ok(()),
        }
    }

    /// What comes free without it.
    pub(super) fn write_bytes(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { takes_along, bytes_alone, snapshots_alone, bytes, state, .. } = self.explanation;
        if *state == State::Missing {
            return Ok(());
        }
        let count = text::counted(takes_along.len() as u64, "more object");
        let free = free(*bytes_alone, *snapshots_alone);
        match (free.is_empty(), takes_along.len()) {
            (true, 0) => {}
            (true, _) => writeln!(out, "Without it {count} would go:")?,
            (false, 0) if *state == State::Removed => writeln!(out, "{free} would come free with it.")?,
            (false, 0) => writeln!(out, "Without it {free} would come free.")?,
            (false, _) => writeln!(out, "Without it {count} would go, and {free} come free:")?,
        }
        let sized = takes_along.iter().map(|id| {
            let size = self.saying.size(self.saying.network.graph().node(*id).as_ref());
            (*id, size)
        });
        let mut sized: Vec<_> = sized.collect();
        // Where some are left out, they are not the largest.
        if sized.len() > LISTED_MAX {
            sized.sort_by_key(|(_, size)| Reverse(*size));
        }
        let along = sized.iter().map(|(id, size)| {
            let size = size.map(|size| format!("   {}", text::bytes(size))).unwrap_or_default();
            self.saying.name(Subject::Node(*id), self.namespace()) + &size
        });
        self.write_listed(out, along)?;
        if takes_along.is_empty() && self.explanation.holds > 0 {
            let count = text::counted(self.explanation.holds, "object");
            writeln!(out, "It holds {count}, which others hold, too: without it alone none goes.")?;
        }
        self.write_names(out)?;
        let elsewhere = self.explanation.elsewhere.iter();
        let holding = elsewhere
            .filter(|(_, is_kept)| *is_kept)
            .map(|(id, _)| self.saying.name(Subject::Node(*id), b""));
        let holding: Vec<String> = holding.collect();
        if bytes.is_some() && !holding.is_empty() {
            writeln!(out, "Its bytes come free only when these let go of the same digest, too:")?;
        }
        self.write_listed(out, holding.into_iter())
    }

    /// What goes without an image and its other names, where that is more than without it.
    fn write_names(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { names, without_names: Held { objects, bytes, snapshots }, takes_along, .. } =
            self.explanation;
        if names.is_empty() || *objects <= takes_along.len() as u64 {
            return Ok(());
        }
        let free = free(*bytes, *snapshots);
        let free = if free.is_empty() { free } else { format!(", and {free} come free") };
        let (count, verb) = (text::counted(*objects, "object"), if *objects == 1 { "goes" } else { "go" });
        writeln!(out, "Without it and the other names of its image {count} {verb}{free}:")?;
        let names = names.iter().map(|name| self.saying.name(*name, self.namespace()));
        self.write_listed(out, names)
    }

    /// What goes when all roots have let go.
    pub(super) fn write_let_go(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { takes_along, bytes_alone, snapshots_alone, .. } = self.explanation;
        let without =
            Held { objects: takes_along.len() as u64, bytes: *bytes_alone, snapshots: *snapshots_alone };
        // Of what is a root by itself that has been said.
        if self.explanation.let_go == without {
            return Ok(());
        }
        let Held { objects, bytes, snapshots } = self.explanation.let_go;
        let free = free(bytes, snapshots);
        // Of one object without a size nothing is said that is not plain.
        if objects == 0 || objects == 1 && free.is_empty() {
            return Ok(());
        }
        let free = if free.is_empty() { free } else { format!(", and {free} come free") };
        let verb = if objects == 1 { "goes" } else { "go" };
        writeln!(out, "Then {} {verb}{free}.", text::counted(objects, "object"))
    }
}

/// `8.0 MiB of content and 12.0 MiB of snapshots`, as far as there is any.
fn free(content: u64, snapshots: Bytes) -> String {
    let content = (content > 0).then(|| format!("{} of content", text::bytes(content)));
    let snapshots = (!snapshots.is_nothing()).then(|| snapshots.of("snapshots"));
    content.into_iter().chain(snapshots).collect::<Vec<_>>().join(" and ")
}
