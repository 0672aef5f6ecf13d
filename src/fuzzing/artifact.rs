//! The scenario beside a fuzzer's artifact.
//!
//! libFuzzer writes the input at which a target stops as `crash-SHA1`, SHA-1 of the input, below the prefix that it
//! was started with. The body writes `crash-SHA1.scenario` to the same place before it stops, and never over a file
//! that exists: the artifact means something to one version of one target, the scenario to everybody.
//!
//! A panic inside engine or oracle leaves the whole input as a scenario; a finding leaves a small one. Outside a fuzzer
//! nothing is written.

use super::target::Target;
use crate::release::Release;
use crate::scenario::{Scenario, print};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::Write as _;
use std::panic;
use std::sync::Once;

thread_local! {
    /// What runs: for the panic's hook.
    static RUNNING: RefCell<Option<(&'static Target, Vec<u8>)>> = const { RefCell::new(None) };
    static RELEASE: Cell<Release> = const { Cell::new(Release::V1_7Beta) };
}

/// Takes note of what runs, so that a panic anywhere in it leaves its scenario. The input must have been understood: a panic
/// in a panic's hook would say nothing.
pub(super) fn watch(target: &'static Target, bytes: &[u8]) {
    static HOOK: Once = Once::new();
    if !cfg!(fuzzing) {
        return;
    }
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let running = RUNNING.with_borrow_mut(Option::take);
            if let Some((target, bytes)) = running
                && let Ok(scenario) = target.scenario(&bytes, RELEASE.get())
            {
                eprintln!("{}", leave(target, &bytes, &scenario));
            }
            previous(panicked);
        }));
    });
    RUNNING.set(Some((target, bytes.to_owned())));
}

/// Takes note of the release under which a case runs.
pub(super) fn watch_release(release: Release) {
    RELEASE.set(release);
}

/// Writes a scenario beside the artifact of an input, under a fuzzer; gives its text, where it is, and how to see it again.
pub(super) fn leave(target: &Target, bytes: &[u8], scenario: &Scenario) -> String {
    RUNNING.set(None);
    let text = print(scenario);
    let Some(path) = path(bytes) else { return text };
    // One that is there already has been left by an earlier run of the same input.
    match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            let fault = target.fuzzed_fault().map(|fault| format!(" --fault {fault}")).unwrap_or_default();
            format!("{text}\nthe scenario is in {path}\nagain: leasehold replay --step{fault} {path}\n")
        }
        Err(error) => format!("{text}\nthe scenario is not written to {path}: {error}\n"),
    }
}

/// Where the scenario of an input belongs; nowhere while the fuzzer makes an input smaller.
#[cfg(fuzzing)]
fn path(bytes: &[u8]) -> Option<String> {
    let mut prefix = String::new();
    for argument in std::env::args() {
        if let Some(given) = argument.strip_prefix("-artifact_prefix=") {
            prefix = given.to_owned();
        }
        if let Some(given) = argument.strip_prefix("-exact_artifact_path=") {
            return Some(format!("{given}.scenario"));
        }
        if argument.starts_with("-minimize_crash") {
            return None;
        }
    }
    Some(format!("{prefix}crash-{}.scenario", sha1_smol::Sha1::from(bytes).digest()))
}

/// Outside a fuzzer it belongs nowhere.
#[cfg(not(fuzzing))]
fn path(_: &[u8]) -> Option<String> {
    None
}
