//! By which chains from roots an object is kept.

use super::{CHAINS_SHOWN_MAX, NodeReport, plural};
use crate::explain::{Explanation, Hop, State, Subject};
use crate::node::Kind;
use crate::oracle::{By, Holder, Reason, Rule};
use crate::report::end::End;
use crate::report::saying::shown;
use crate::scenario::print_label;
use crate::text;
use std::io::{self, Write};

impl<'a> NodeReport<'_, '_, 'a> {
    pub(super) fn write_chains(&self, out: &mut dyn Write) -> io::Result<()> {
        let Explanation { chains, roots, state, .. } = self.explanation;
        if *state == State::Missing {
            return Ok(());
        }
        let shown = &chains[..chains.len().min(CHAINS_SHOWN_MAX)];
        for chain in shown {
            writeln!(out, "  {}", self.chain(chain))?;
        }
        let more = roots - shown.len();
        if more == 0 {
            return Ok(());
        }
        let is_all = chains.len() == *roots;
        let listed =
            if is_all { "lists them all".to_owned() } else { format!("has the first {}", chains.len()) };
        let (count, roots) = (text::count(more as u64), plural(more, "root", "roots"));
        writeln!(out, "  ... and {count} {roots} more: --json {listed}")
    }

    fn chain(&self, chain: &[Hop<'a>]) -> String {
        let namespace = self.namespace();
        let [first, rest @ ..] = chain else { return String::new() };
        let is_last = rest.is_empty();
        let name = |hop: &Hop<'_>, is_last: bool| {
            if is_last {
                "it".to_owned()
            } else {
                shown(&self.saying.words(namespace).plain(hop.to.as_ref()))
            }
        };
        let mut line = match first.from {
            Some(from) => {
                let end = self.end(from);
                format!(
                    "{}{end}  {}  {}",
                    self.saying.name(from, namespace),
                    arrow(first),
                    name(first, is_last)
                )
            }
            None if is_last => format!("a root by itself: {}", self.root(first)),
            None => match first.rule {
                Rule::RootLabel | Rule::ActiveIngest => {
                    format!("{} ({})", name(first, false), self.root(first))
                }
                _ => {
                    let id = self.saying.network.graph().find(first.to.as_ref());
                    let end = id.map(|id| self.end(Subject::Node(id))).unwrap_or_default();
                    name(first, false) + &end
                }
            },
        };
        const SHOWN: usize = 6;
        let hidden = rest.len().saturating_sub(2 * SHOWN);
        for (place, hop) in rest.iter().enumerate() {
            if hidden > 1 && (SHOWN..SHOWN + hidden).contains(&place) {
                if place == SHOWN {
                    line.push_str(&format!("  ... {} more: --json ...", text::count(hidden as u64)));
                }
                continue;
            }
            line.push_str(&format!("  {}  {}", arrow(hop), name(hop, place + 1 == rest.len())));
        }
        if self.saying.situation.release.is_flat(chain[chain.len() - 1].to.resource_type) {
            line.push_str(", flat: without what its labels refer to");
        }
        line + &self.lines(chain)
    }

    /// Which lines of a scenario wrote the steps of a chain, in their order.
    fn lines(&self, chain: &[Hop<'a>]) -> String {
        let mut lines: Vec<usize> = chain.iter().filter_map(|hop| self.saying.line(hop)).collect();
        lines.dedup();
        let mut numbers: Vec<String> = lines.iter().map(usize::to_string).collect();
        const SHOWN: usize = 3;
        if numbers.len() > 2 * SHOWN + 1 {
            numbers.splice(SHOWN..numbers.len() - SHOWN, ["...".to_owned()]);
        }
        let numbers = numbers.join(", ");
        match lines.len() {
            0 => String::new(),
            count => format!("   ({} {numbers})", plural(count, "line", "lines")),
        }
    }

    /// The end of a lease, or of what else has one.
    fn end(&self, from: Subject<'a>) -> String {
        let Subject::Node(id) = from else { return String::new() };
        let graph = self.saying.network.graph();
        let is_lease = self.saying.situation.release.kind_of(graph.type_of(id)) == Kind::Lease;
        match graph.expiry(id) {
            None if is_lease => " (no end)".to_owned(),
            None => String::new(),
            Some(at) => {
                let end = End::of(at);
                format!(" (until {}, {})", end.exact(), end.away(self.saying.now()))
            }
        }
    }

    /// By what a node is a root by itself.
    fn root(&self, hop: &Hop<'a>) -> String {
        let graph = self.saying.network.graph();
        let end = graph.find(hop.to.as_ref()).and_then(|id| graph.expiry(id));
        let away = end.map(|at| format!(", {}", End::of(at).away(self.saying.now())));
        let by = By::Root(Holder::Itself);
        let reason = Reason { reached_as: hop.to.resource_type, rule: hop.rule, label: hop.label, by };
        let words = self.saying.words(self.namespace()).reason(hop.to.as_ref(), &reason);
        shown(&words) + &away.unwrap_or_default()
    }
}

/// The same of what names another by a label of its own.
pub(super) fn names(hop: &Hop<'_>) -> String {
    match (hop.rule, hop.label) {
        (Rule::BackReference, Some(label)) => format!("-{}->", print_label(label)),
        _ => arrow(hop),
    }
}

/// `-target->`, with the label in place of the rule where one says so; the label of a back reference is the child's.
fn arrow(hop: &Hop<'_>) -> String {
    let label = hop.label.map(print_label);
    if hop.rule == Rule::BackReference {
        return format!("<-{}-", label.unwrap_or_default());
    }
    format!("-{}->", relation(hop.rule, hop.label))
}

/// A relation in a word: its label where one says so.
pub(in crate::report) fn relation(rule: Rule, label: Option<&[u8]>) -> String {
    match (rule, label.map(print_label)) {
        (_, Some(label)) => label,
        (Rule::LeaseHolds | Rule::CollectorLeased, _) => "holds".to_owned(),
        (Rule::Target, _) => "target".to_owned(),
        (Rule::ContainerSnapshot, _) => "snapshot".to_owned(),
        (Rule::Parent, _) => "parent".to_owned(),
        (Rule::Expected, _) => "is to become".to_owned(),
        (Rule::CollectorActive, _) => "in use".to_owned(),
        (rule, _) => rule.to_string(),
    }
}
