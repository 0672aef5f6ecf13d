//! Inputs of fuzz targets for `leasehold replay`: held to the target's property; what breaks, as a small scenario.

use super::verdict::{Said, Verdict, replay_scenario};
use crate::campaign::Stop;
use crate::fuzzing::{Hit, Input, TARGETS, Target};
use crate::named::nearest;
use crate::release::Release;
use crate::replay::Replay;
use crate::scenario::{parse, print};
use crate::text;
use crate::world::Fault;
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Once;
use std::{fs, panic};

/// A `--target` argument.
pub(super) fn parse_target(text: &str) -> Result<&'static Target, String> {
    let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    Target::named(text).ok_or_else(|| match nearest(text, TARGETS.iter().map(|target| target.name)) {
        Some(near) => format!("no such fuzz target; is {near} meant?"),
        None => format!("no such fuzz target; there are {}", names()),
    })
}

/// Holds a file to a target's property; a fault of one's own takes the place of the target's. Where there is something to
/// write to, the steps of what it shows are shown, or those of the whole input where the property holds.
pub(super) fn replay(
    target: &'static Target,
    fault: Option<Fault>,
    file: &Path,
    out: Option<&mut dyn Write>,
    stop: &Stop,
) -> io::Result<Verdict> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Verdict::unusable(file, &error)),
    };
    let found = find(target, &bytes, fault);
    let scenario = match &found {
        Some(found) => found.scenario.clone(),
        None => target.scenario(&bytes, Release::default()).ok(),
    };
    if let (Some(scenario), Some(_)) = (scenario, &out) {
        // Read back, its lines have the numbers of the text below.
        let numbered = parse(print(&scenario).as_bytes()).unwrap_or(scenario);
        let replay = Replay::new(&numbered, fault.or(target.fault));
        // Its steps are shown, as far as they go; the property is checked above.
        let _shown = replay_scenario(file, replay, out, &|_| (), stop)?;
    }
    Ok(match found {
        Some(found) => Verdict::Failed(vec![Said::Text(failed(target, file, &found))]),
        None => Verdict::Held(held(target, file, &bytes)),
    })
}

/// What does not hold. A panic on the way is a result here, and says nothing by itself.
fn find(target: &'static Target, bytes: &[u8], fault: Option<Fault>) -> Option<Hit> {
    thread_local! {
        static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !IS_QUIET.get() {
                previous(panicked);
            }
        }));
    });
    IS_QUIET.set(true);
    let found = target.find(bytes, fault.or(target.fault));
    IS_QUIET.set(false);
    found
}

fn failed(target: &Target, file: &Path, found: &Hit) -> String {
    let mut text = format!("FAILED {}: target {}: {}\n", text::path(file), target.name, found.text);
    if let Some(scenario) = &found.scenario {
        write!(text, "\n{}\n", print(scenario)).expect("a string takes all that is written");
    }
    text
}

fn held(target: &Target, file: &Path, bytes: &[u8]) -> String {
    let held = format!("held {}: target {}", text::path(file), target.name);
    let releases = target.releases().len();
    match target.scenario(bytes, Release::default()) {
        _ if matches!(target.input, Input::Bytes(_)) => held,
        Err(reasons) => {
            let reason = reasons.lines().next().unwrap_or_default();
            format!("{held}, whose property says nothing of it: {reason}")
        }
        Ok(_) if releases > 1 => format!("{held}, under the rules of {releases} releases"),
        Ok(_) => held,
    }
}
