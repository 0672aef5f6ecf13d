//! The oracle: what a collection must keep, computed differently on purpose.
//!
//! The engine walks as containerd's collector walks; the oracle reads the same tree as a set of facts and takes
//! what follows from them. It states the *intended* rules, and each way in which a release as shipped deviates is a
//! named [`Defect`] that a question assumes or does not:
//!
//! ```text
//! tree, collectors, now ──> facts ──> least fixpoint ──> Judgement
//!                           roots      what the roots      kept, each with a reason
//!                           references   keep              removed, each with what failed
//!                           refusals                       errors that may be reported, tree after
//! ```
//!
//! It promises the complete answer: what is kept, what goes and what the tree is afterwards are equal to the
//! engine's, not bounds for it. It deliberately knows no order: not that of the roots, nor which of several errors
//! comes first, so it gives the set of errors that a run may report.
//!
//! To stay independent it has its own reading of labels, times and durations, and it uses of the rest only nodes,
//! buckets, releases, builds, collectors, instants, situations and the schema's names. It has no stack, no colours and no seeking cursor.
//!
//! `facts` holds what `objects`, `labels`, `collectors` and `joins` read; `keep` concludes; `judgement` answers, of
//! single resources in `verdict`, why not in `failures` and, of what only looks like a reason, in `near_misses`, what goes in `removal`, what may be reported in `errors`,
//! and by which paths and until when in `graph`.
//! `times`, `conditions` and `nodes` are their tools, `rules` and `defects` their words.

mod collectors;
mod conditions;
mod defects;
mod errors;
mod exercised;
mod facts;
mod failures;
pub mod graph;
mod joins;
mod judgement;
mod keep;
mod labels;
mod near_misses;
mod nodes;
mod objects;
mod removal;
mod rules;
pub mod times;
mod verdict;

pub use conditions::{Misread, misread};
pub use defects::{Defect, Defects};
pub use errors::Progress;
pub use judgement::Judgement;
pub use removal::{End, Path};
pub use rules::{By, Failure, Holder, Reason, Rule, RunError};
pub use times::UndecodableTime;
pub use verdict::Verdict;

use crate::situation::Situation;

/// What the oracle is asked about, and the defects that it assumes.
#[derive(Clone, Copy)]
struct Question<'a> {
    situation: &'a Situation,
    defects: Defects,
}

/// Judges what a collection must do, assuming these defects: the release's own, or none for the intended rules.
///
/// Collectors are expected as containerd registers them: one a type, and no type below the release's `end` or above
/// 0x1E. Others are answered, but nothing is known to compare the answer with.
pub fn judge(situation: &Situation, defects: Defects) -> Judgement<'_> {
    let question = Question { situation, defects };
    let facts = facts::read(question);
    let keep = keep::least_fixpoint(&facts);
    Judgement::new(question, facts, keep)
}

#[cfg(test)]
mod tests;
