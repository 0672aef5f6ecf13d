//! What came of a file that was replayed, and its steps shown as it goes.

use crate::replay::{Replay, Replayed, Stepped};
use crate::report::step;
use crate::text;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// What came of one file.
pub(super) enum Verdict {
    /// It passed; with --update, how many blocks were written anew.
    Passed { blocks: usize },
    /// It passed, and there is something to be said.
    Held(String),
    /// Nothing in it could fail but the properties, which hold.
    Bare(String),
    /// Nothing failed, but the other collector was no longer asked.
    Unasked,
    /// What failed.
    Failed(String),
    /// It cannot be read, is no scenario, or cannot be written.
    Unusable(String),
}

impl Verdict {
    pub(super) fn unusable(file: &Path, error: &dyn Display) -> Verdict {
        Verdict::Unusable(format!("{}: {error}", text::path(file)))
    }
}

/// How many steps stand below one that ended a replay.
pub(super) fn steps_cut(replayed: &Replayed) -> String {
    match replayed.steps_cut {
        1 => "1 step below was not run".to_owned(),
        more => format!("{} below were not run", text::counted(more as u64, "step")),
    }
}

/// Replays a scenario; where there is something to write to, every step is shown as it goes. `each_step` hears of each, and
/// may have something against it.
pub(super) fn replay_scenario(
    file: &Path,
    mut replay: Replay<'_>,
    mut out: Option<&mut dyn Write>,
    each_step: &dyn Fn(&mut Stepped<'_>),
) -> io::Result<Replayed> {
    let scenario = replay.scenario();
    let mut replayed = Replayed::default();
    if let Some(out) = &mut out {
        replay = replay.with_every_reason();
        writeln!(out, "{}: release {}", text::path(file), scenario.release)?;
    }
    loop {
        // Without anyone to see it, the world before would only make each step copy what it changes.
        let before = out.is_some().then(|| replay.world().clone());
        let Some(mut stepped) = replay.step() else { break };
        each_step(&mut stepped);
        let (Some(out), Some(before)) = (&mut out, before) else {
            replayed.add(stepped);
            continue;
        };
        let told = stepped.told.as_deref();
        step::write(*out, stepped.line, &before, replay.world(), &stepped.applied, told)?;
        for failure in &stepped.failures {
            writeln!(out, "      FAILED {}", failure.to_string().replace('\n', "\n      "))?;
        }
        replayed.add(stepped);
    }
    replayed.finish(scenario);
    if let Some(out) = out {
        if replayed.steps_cut > 0 {
            writeln!(out, "      {}", steps_cut(&replayed))?;
        }
        writeln!(out)?;
    }
    Ok(replayed)
}
