//! Why what might hold an object does not, who names it, and what it names and is missing.

use super::NodeReport;
use super::chains::names;
use crate::explain::{Explanation, State, Subject};
use crate::node::Kind;
use crate::oracle::{By, Holder};
use crate::reason::are_of_others;
use crate::report::saying::shown;
use std::io::{self, Write};

impl NodeReport<'_, '_, '_> {
    pub(super) fn write_failures(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, failures, .. } = self.explanation;
        let head = match (state, failures.is_empty()) {
            (State::Removed, true) => return writeln!(out, "Nothing refers to it."),
            (_, true) => return Ok(()),
            (State::Removed, false) if are_of_others(self.node().as_ref(), failures) => {
                "Nothing refers to it. Of another namespace's object of that name:"
            }
            (State::Removed, false) => "Why nothing holds it:",
            (State::Missing, false) => "What is said of it:",
            _ => "What does not hold it, although it looks so:",
        };
        writeln!(out, "{head}")?;
        self.write_listed(out, self.reasons())
    }

    /// Why each of what might hold it does not, with the first cause where there is one.
    pub(super) fn reasons(&self) -> impl ExactSizeIterator<Item = String> {
        let (node, words) = (self.node(), self.saying.words(self.namespace()));
        self.explanation.failures.iter().zip(&self.explanation.causes).map(move |(failure, cause)| {
            let mut reason = words.failure(node.as_ref(), failure);
            if let Some((of, cause)) = cause {
                let is_next = failure.mentions().0 == Some(By::Node(of.clone()));
                let of_whom = format!(", because of {}", words.plain(of.as_ref()));
                reason.push_str(if is_next { "" } else { &of_whom });
                reason.push_str(&format!(": {}", words.failure(of.as_ref(), cause)));
            }
            shown(&reason)
        })
    }

    pub(super) fn write_named_by(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { named_by, missing, .. } = self.explanation;
        let lines = missing.iter().map(|hop| {
            format!(
                "it  {}  {}",
                names(hop),
                shown(&self.saying.words(self.namespace()).plain(hop.to.as_ref()))
            )
        });
        if !missing.is_empty() {
            writeln!(out, "It names what is missing:")?;
            self.write_listed(out, lines.collect::<Vec<_>>().into_iter())?;
        }
        if named_by.is_empty() {
            return Ok(());
        }
        writeln!(out, "Named by:")?;
        let lines = named_by.iter().map(|hop| {
            let from = hop.from.map(|from| self.saying.name(from, self.namespace())).unwrap_or_default();
            format!("{from}  {}  it", names(hop))
        });
        self.write_listed(out, lines.collect::<Vec<_>>().into_iter())?;
        self.write_not_whole(out)
    }

    /// The images that lack what is missing, as far as their chains are told; those that name it themselves are known.
    fn write_not_whole(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { chains, .. } = self.explanation;
        let release = self.saying.situation.release;
        let behind = chains.iter().filter(|chain| chain.len() > 1).filter_map(|chain| chain.first());
        let images = behind.filter_map(|hop| match hop.from {
            Some(image @ Subject::Holder(Holder::Image { .. })) => {
                Some(self.saying.name(image, self.namespace()))
            }
            None if release.kind_of(hop.to.resource_type) == Kind::Image => {
                Some(shown(&self.saying.words(self.namespace()).plain(hop.to.as_ref())))
            }
            _ => None,
        });
        let images: Vec<String> = images.collect();
        if images.is_empty() {
            return Ok(());
        }
        writeln!(out, "Not whole without it:")?;
        self.write_listed(out, images.into_iter())
    }
}
