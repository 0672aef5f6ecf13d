//! What came of a file that was replayed, and its steps shown as it goes.

use crate::campaign::Stop;
use crate::release::Release;
use crate::replay::{Replay, Replayed, Stepped};
use crate::report::step;
use crate::text;
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{self, Write};
use std::ops::ControlFlow;
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
    /// ^C came before it was through, and nothing failed until then.
    Cut,
    /// What failed.
    Failed(Vec<Said>),
    /// It cannot be read, is no scenario, or cannot be written.
    Unusable(String),
}

impl Verdict {
    /// As JSON has it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Verdict::Passed { .. } | Verdict::Held(_) => "passed",
            Verdict::Bare(_) => "without-expectations",
            Verdict::Unasked => "not-asked",
            Verdict::Cut => "interrupted",
            Verdict::Failed(_) => "failed",
            Verdict::Unusable(_) => "unreadable",
        }
    }

    pub(super) fn unusable(file: &Path, error: &dyn Display) -> Verdict {
        Verdict::Unusable(format!("{}: {error}", text::path(file)))
    }
}

/// Something that is said of a file that failed.
pub(super) enum Said {
    /// What failed.
    Failed(Failed),
    /// What stands by itself.
    Text(String),
}

/// What failed, and under which releases.
pub(super) struct Failed {
    /// The line, from 1; none where it is about the whole file.
    pub(super) line: Option<usize>,
    /// Those that agree; none where the file says under which it is replayed.
    pub(super) releases: Vec<Release>,
    /// What is wrong, in lines.
    pub(super) what: String,
}

impl Said {
    /// What failed, as JSON has it.
    pub(super) fn json(&self) -> Option<Value> {
        let Said::Failed(Failed { line, releases, what }) = self else { return None };
        let releases: Vec<&str> = releases.iter().map(|release| release.name()).collect();
        Some(json!({"line": line, "releases": releases, "text": what}))
    }

    /// What stands by itself.
    pub(super) fn text(&self) -> Option<&str> {
        if let Said::Text(text) = self { Some(text) } else { None }
    }

    /// For people, with the line's end.
    pub(super) fn shown(&self, file: &Path) -> String {
        match self {
            Said::Text(text) => text.clone(),
            Said::Failed(Failed { line, releases, what }) => {
                let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                let (under, what) = (under(releases), what.replace('\n', "\n    "));
                format!("FAILED {}{line}: {under}{what}\n", text::path(file))
            }
        }
    }
}

/// Which releases agree: `release 2.1: `, or of several `under 1.6, 1.7: `; as many as fit a line.
fn under(releases: &[Release]) -> String {
    const NAMED_MAX: usize = 8;
    let names =
        |releases: &[Release]| releases.iter().map(|release| release.name()).collect::<Vec<_>>().join(", ");
    match releases {
        [] => String::new(),
        [one] => format!("release {one}: "),
        few if few.len() <= NAMED_MAX => format!("under {}: ", names(few)),
        many => {
            format!("under {} and {} more: ", names(&many[..NAMED_MAX - 1]), many.len() - (NAMED_MAX - 1))
        }
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
/// may have something against it. Breaks off where a stop is asked for.
pub(super) fn replay_scenario(
    file: &Path,
    mut replay: Replay<'_>,
    mut out: Option<&mut dyn Write>,
    each_step: &dyn Fn(&mut Stepped<'_>),
    stop: &Stop,
) -> io::Result<ControlFlow<Replayed, Replayed>> {
    let scenario = replay.scenario();
    let mut replayed = Replayed::default();
    if let Some(out) = &mut out {
        replay = replay.with_every_reason();
        writeln!(out, "{}: release {}", text::path(file), scenario.release)?;
    }
    loop {
        // Without anyone to see it, the world before would only make each step copy what it changes.
        let before = out.is_some().then(|| replay.world().clone());
        if stop.is_asked() && replayed.steps < scenario.lines.len() {
            replayed.cut(scenario);
            return Ok(ControlFlow::Break(replayed));
        }
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
    Ok(ControlFlow::Continue(replayed))
}
