//! A fuzz target as data: what its bytes stand for, and what must hold for it.

use super::clients::Clients;
use super::finding::{self, Hit};
use super::{TARGETS, artifact};
use crate::properties::panics::catching;
use crate::release::Release;
use crate::scenario::Scenario;
use crate::situation::Situation;
use crate::world::Fault;
use std::path::Path;
use std::sync::OnceLock;

/// A fuzz target.
pub struct Target {
    /// Its name, in `fuzz/fuzz_targets` and in the folders of its corpus and its artifacts.
    pub name: &'static str,
    /// What its bytes stand for.
    pub input: Input,
    /// The fault that its engine has; the property must then break somewhere.
    pub fault: Option<Fault>,
}

/// What the bytes of a target stand for. Where they stand for nothing, the error says why.
#[derive(Clone, Copy)]
pub enum Input {
    /// No scenario: this panics where the property does not hold.
    Bytes(fn(&[u8])),
    /// A situation, collected under the rules of each of these releases, its numbers as they are.
    Situation {
        /// The situation that bytes stand for.
        draw: fn(&[u8]) -> Result<Situation, String>,
        /// Whose rules it is held to.
        releases: &'static [Release],
    },
    /// Steps that the generator of `simulate` makes of them, of which every collection holds all properties.
    Clients(fn(&[u8]) -> Result<Clients, String>),
    /// Steps, of which every collection holds all properties.
    Steps(fn(&[u8]) -> Result<Scenario, String>),
}

impl Target {
    /// The target of a name.
    pub fn named(name: &str) -> Option<&'static Target> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// The target that the nearest folder of a path names, as in `fuzz/artifacts/tree/crash-...`.
    pub fn of_path(path: &Path) -> Option<&'static Target> {
        let folders = path.ancestors().skip(1).filter_map(Path::file_name);
        folders.filter_map(|name| Target::named(name.to_str()?)).next()
    }

    /// The body: holds the property for some bytes.
    ///
    /// # Panics
    /// It does not hold. Under a fuzzer the small scenario that shows it then lies beside the artifact.
    pub fn hold(&'static self, bytes: &[u8]) {
        if let Some(found) = self.find(bytes, self.fuzzed_fault()) {
            let mut text = found.text;
            if let Some(scenario) = &found.scenario {
                text = format!("{text}\n{}", artifact::leave(self, bytes, scenario));
            }
            panic!("{text}");
        }
    }

    /// The fault of a fuzzer's engine.
    pub(super) fn fuzzed_fault(&self) -> Option<Fault> {
        fault_of_environment().or(self.fault)
    }

    /// The first thing that does not hold for some bytes, made small; with an engine that may have a fault.
    pub fn find(&'static self, bytes: &[u8], fault: Option<Fault>) -> Option<Hit> {
        let found = match self.input {
            Input::Bytes(holds) => catching(|| holds(bytes)).map(|()| None),
            Input::Situation { draw, releases } => catching(|| draw(bytes)).map(|drawn| {
                let drawn = drawn.ok()?;
                artifact::watch(self, bytes);
                let under = |release: &Release| Situation { release: *release, ..drawn.clone() };
                releases.iter().find_map(|release| finding::in_situation(self, under(release), fault))
            }),
            Input::Clients(draw) => catching(|| draw(bytes)).map(|drawn| {
                let clients = drawn.ok()?;
                artifact::watch(self, bytes);
                finding::in_clients(self, clients, fault)
            }),
            Input::Steps(draw) => catching(|| draw(bytes)).map(|drawn| {
                let scenario = drawn.ok()?;
                artifact::watch(self, bytes);
                finding::in_steps(self, &scenario, fault)
            }),
        };
        found.unwrap_or_else(|said| Some(Hit { text: format!("it panics: {said}"), scenario: None }))
    }

    /// The scenario that some bytes stand for, as large as it is: a case under one release.
    ///
    /// # Errors
    /// They stand for none; why.
    pub fn scenario(&self, bytes: &[u8], release: Release) -> Result<Scenario, String> {
        match self.input {
            Input::Bytes(_) => Err(format!("inputs of the target {} are no scenarios", self.name)),
            Input::Situation { draw, .. } => {
                draw(bytes).map(|drawn| finding::situation_scenario(&Situation { release, ..drawn }))
            }
            Input::Clients(draw) => draw(bytes).map(|clients| clients.case.scenario()),
            Input::Steps(draw) => draw(bytes),
        }
    }

    /// The releases under which its bytes are collected; those of steps say so themselves.
    pub fn releases(&self) -> &'static [Release] {
        match self.input {
            Input::Situation { releases, .. } => releases,
            Input::Bytes(_) | Input::Clients(_) | Input::Steps(_) => &[],
        }
    }
}

/// The fault that `LEASEHOLD_FAULT` gives the engines of a fuzzer, to see that a target finds it.
fn fault_of_environment() -> Option<Fault> {
    static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
    *FAULT.get_or_init(|| {
        let name = std::env::var("LEASEHOLD_FAULT").ok()?;
        Some(Fault::parse(&name).unwrap_or_else(|error| panic!("LEASEHOLD_FAULT: {error}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Fault::LeaseIngestsForgotten;
    use crate::scenario::print;

    #[test]
    fn a_panic_is_a_finding() {
        static BROKEN: Target =
            Target { name: "broken", input: Input::Bytes(|_| panic!("a broken promise")), fault: None };
        let found = BROKEN.find(b"", None).expect("it panics");
        assert!(found.text.starts_with("it panics: a broken promise ("), "{}", found.text);
        assert!(found.scenario.is_none());
    }

    #[test]
    fn steps_that_show_a_finding_become_few_and_pass_without_the_fault() {
        let text = b"client alice namespace=other
            content put layer
            alice: lease create other
            lease create pull
            lease use pull
            gc
            content open upload
            lease none
            alice: content put layer
            gc
            image create main target=layer
            gc";
        let target = Target::named("scenario").expect("a target");
        assert!(target.find(text, None).is_none());
        let found =
            target.find(text, Some(Fault::Collector(LeaseIngestsForgotten))).expect("the fault shows");
        assert!(
            found.text.starts_with("release 1.7.0-beta.1: it breaks the property safety: "),
            "{}",
            found.text
        );
        let printed = print(&found.scenario.expect("steps"));
        let steps: Vec<&str> = printed.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "release 1.7.0-beta.1",
            "lease create pull",
            "lease use pull",
            "content open upload",
            "gc",
            "expect same",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn the_nearest_folder_names_the_target() {
        let name = |path| Target::of_path(Path::new(path)).map(|target| target.name);
        assert_eq!(name("/fuzz/artifacts/tree/crash-0"), Some("tree"));
        assert_eq!(name("/tree/labels/deeper/crash-0"), Some("labels"));
        assert_eq!(name("/elsewhere/tree"), None);
    }
}
