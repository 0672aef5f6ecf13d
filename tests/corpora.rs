//! Every fuzz target's corpus, replayed on stable Rust.

use leasehold::fuzzing::TARGETS;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut pending) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = pending.pop() {
        let entries = std::fs::read_dir(&folder).expect("the repository has the folder");
        for path in entries.map(|entry| entry.expect("a readable folder").path()) {
            if path.is_dir() { pending.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn every_corpus_entry_holds_its_targets_property() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, body) in TARGETS {
        let files = files_below(&root.join("fuzz/corpus").join(name));
        assert!(!files.is_empty(), "{name} has no corpus");
        files.par_iter().for_each(|file| {
            println!("{name} {}", file.display());
            body(&std::fs::read(file).expect("a readable file"));
        });
    }
}

/// The library of scenarios is the best corpus that the target `scenario` could have.
#[test]
fn the_library_holds_the_scenario_targets_property() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files_below(&root.join("scenarios"));
    let scenarios = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "scenario"));
    for file in scenarios {
        leasehold::fuzzing::scenario(&std::fs::read(file).expect("a readable file"));
    }
}

#[test]
fn every_body_has_a_target_and_every_target_a_body() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut targets: Vec<String> = files_below(&root.join("fuzz/fuzz_targets"))
        .iter()
        .map(|file| file.file_stem().expect("a file").to_string_lossy().into_owned())
        .filter(|name| name != "canary")
        .collect();
    targets.sort();
    let bodies: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, bodies);
}
