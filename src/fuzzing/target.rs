//! A fuzz target as data: what its bytes stand for, and what must hold for it.

use super::finding::{self, Found, catching};
use super::{TARGETS, artifact};
use crate::engine::Fault;
use crate::release::Release;
use crate::scenario::Scenario;
use crate::simulate::trees::Case;
use std::path::Path;

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
    /// A database with its collectors, collected under the rules of each of these releases.
    Case {
        /// The case of bytes.
        draw: fn(&[u8]) -> Result<Case, String>,
        /// Whose rules it is held to.
        releases: &'static [Release],
    },
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
        artifact::watch(self, bytes);
        if let Some(found) = self.find(bytes, self.fault) {
            let mut text = found.text;
            if let Some(scenario) = &found.scenario {
                text = format!("{text}\n{}", artifact::leave(bytes, scenario));
            }
            panic!("{text}");
        }
    }

    /// The first thing that does not hold for some bytes, made small; with an engine that may have a fault.
    pub fn find(&self, bytes: &[u8], fault: Option<Fault>) -> Option<Found> {
        let found = match self.input {
            Input::Bytes(holds) => catching(|| holds(bytes)).map(|()| None),
            Input::Case { draw, releases } => catching(|| draw(bytes)).map(|drawn| {
                let case = drawn.ok()?;
                releases.iter().find_map(|release| finding::in_case(self, &case, *release, fault))
            }),
            Input::Steps(draw) => {
                catching(|| draw(bytes)).map(|drawn| finding::in_steps(self, &drawn.ok()?, fault))
            }
        };
        found.unwrap_or_else(|panicked| Some(Found { text: panicked, scenario: None }))
    }

    /// The scenario that some bytes stand for, as large as it is: a case under one release.
    ///
    /// # Errors
    /// They stand for none; why.
    pub fn scenario(&self, bytes: &[u8], release: Release) -> Result<Scenario, String> {
        match self.input {
            Input::Bytes(_) => Err(format!("inputs of the target {} are no scenarios", self.name)),
            Input::Case { draw, .. } => draw(bytes).map(|case| finding::case_scenario(&case, release)),
            Input::Steps(draw) => draw(bytes),
        }
    }

    /// The releases under which its bytes are collected; those of steps say so themselves.
    pub fn releases(&self) -> &'static [Release] {
        match self.input {
            Input::Case { releases, .. } => releases,
            Input::Bytes(_) | Input::Steps(_) => &[],
        }
    }
}
