//! `leasehold diff BEFORE AFTER`: what became of a database. Never writes to either copy.

use super::explain::judged;
use super::notes::Notes;
use super::source::{self, Look};
use super::values::Now;
use super::{Ended, Failure, version};
use crate::diff::copies::{self, Copy};
use crate::engine::culprits;
use crate::explain::Network;
use crate::report::Show as _;
use crate::report::copies::{Report, Side};
use crate::report::saying::Saying;
use crate::situation::Situation;
use crate::text;
use std::io::Write;
use std::path::Path;

/// Compares two copies by the rules of one release, at one instant: those of the later one where nothing is said, as what
/// expired since it was written was removed by nobody.
pub(super) fn compare(
    [before, after]: [&Path; 2],
    look: &Look,
    json: bool,
    out: &mut dyn Write,
) -> Result<Ended, Failure> {
    let mut notes = Notes::default();
    if let (Ok(one), Ok(other)) = (before.canonicalize(), after.canonicalize())
        && one == other
    {
        notes.say(format_args!("{}: both copies are this one file", text::path(before)));
    }
    let look = &Look { now: look.now.or_else(|| source::written(after).map(Now::At)), ..*look };
    let (later, _) = source::read_judged(after, look, &mut notes)?;
    let after_transaction = notes.transaction.take();
    let (release, wait) = (later.release, look.wait.filter(|_| !source::is_scenario(before)));
    let said = look.release.or((!source::is_scenario(before)).then_some(release));
    let earlier = source::read(before, said, look.now, look.go, wait, &mut notes)?.under(release);
    let is_older = notes.transaction.zip(after_transaction).is_some_and(|(before, after)| after < before);
    let earlier = Situation { now: later.now, ..earlier };
    if !source::is_scenario(before) {
        version::warn(&earlier.tree, &[release], false, &mut notes);
    }
    let [old_sizes, new_sizes] = [(before, &earlier), (after, &later)]
        .map(|(path, situation)| source::snapshots(path, look, &situation.tree, &mut notes));
    let (old_outcome, old, _) = judged(&earlier, &mut notes);
    let (new_outcome, new, _) = judged(&later, &mut notes);
    let new_culprits = culprits(&later, &new_outcome);
    let [old_error, new_error] =
        [old_outcome, new_outcome].map(|outcome| outcome.error.map(|error| error.to_string()));
    let (old_network, new_network) = (Network::new(old.graph()), Network::new(new.graph()));
    let saying = Saying {
        situation: &earlier,
        network: &old_network,
        snapshots: old_sizes.as_ref(),
        lines: None,
        error: old_error.as_deref(),
        culprits: &[],
        command: "",
        warnings: &[],
    };
    let before = Side { saying, judgement: &old };
    let saying = Saying {
        situation: &later,
        network: &new_network,
        snapshots: new_sizes.as_ref(),
        error: new_error.as_deref(),
        culprits: &new_culprits,
        ..saying
    };
    let after = Side { saying, judgement: &new };
    let changes = copies::compare(
        Copy { situation: &earlier, judgement: &old, network: &old_network, fails: old_error.is_some() },
        Copy { situation: &later, judgement: &new, network: &new_network, fails: new_error.is_some() },
    );
    if is_older {
        notes.say("AFTER is of an older transaction than BEFORE: are they the wrong way round, or of two databases?");
    } else if changes.is_backwards {
        notes.say(
            "AFTER has counted less far than BEFORE: are they the wrong way round, or of two databases?",
        );
    }
    if changes.has_nothing_in_common() {
        notes.say("BEFORE and AFTER have no object in common: are they copies of one database?");
    }
    Report { before, after, changes: &changes, is_older, warnings: &notes.said }.write(json, out)?;
    Ok(if changes.is_loss() || new_error.is_some() { Ended::WithFinding } else { Ended::Well })
}
