//! Why what might hold an object does not, who names it, and what it names and is missing.

use super::NodeReport;
use super::chains::names;
use crate::explain::{Explanation, State};
use crate::oracle::By;
use crate::report::saying::shown;
use std::io::{self, Write};

impl NodeReport<'_, '_, '_> {
    pub(super) fn write_failures(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { state, failures, .. } = self.explanation;
        let head = match (state, failures.is_empty()) {
            (State::Removed, true) => return writeln!(out, "Nothing refers to it."),
            (_, true) => return Ok(()),
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
        self.write_listed(out, lines.collect::<Vec<_>>().into_iter())
    }
}
