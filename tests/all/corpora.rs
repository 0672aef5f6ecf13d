//! Every fuzz target's corpus, replayed on stable Rust.

use leasehold::fuzzing::{Input, TARGETS, Target};
use leasehold::replay;
use leasehold::scenario::{Line, Step, forms, parse, print};
use leasehold::situation::Situation;
use leasehold::world::World;
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
    // What must break has no corpus.
    for target in TARGETS.iter().filter(|target| target.fault.is_none()) {
        let name = target.name;
        let files = files_below(&root.join("fuzz/corpus").join(name));
        assert!(!files.is_empty(), "{name} has no corpus");
        files.par_iter().for_each(|file| {
            println!("{name} {}", file.display());
            target.hold(&std::fs::read(file).expect("a readable file"));
        });
    }
}

/// Clients that do little meet no collection worth its run.
#[test]
fn half_of_the_generated_clients_do_at_least_20_things() {
    let Input::Clients(draw) = Target::named("differential").expect("a target").input else {
        panic!("its bytes stand for clients")
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/differential");
    let operations = |file: &PathBuf| {
        let bytes = std::fs::read(file).expect("a readable file");
        let lines = draw(&bytes).unwrap_or_else(|reason| panic!("{}: {reason}", file.display())).case.lines;
        let is_operation = |line: &&Line| !matches!(line.step, Step::Gc { .. });
        lines.iter().filter(is_operation).count()
    };
    let mut counts: Vec<usize> = files_below(&folder).iter().map(operations).collect();
    counts.sort_unstable();
    assert!(counts[counts.len() / 2] >= 20, "{counts:?}");
}

/// What a failure leaves behind must be the very collection that failed.
#[test]
fn every_case_of_a_corpus_is_the_same_collection_as_a_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in TARGETS.iter().filter(|target| target.fault.is_none()) {
        let Input::Situation { draw, .. } = target.input else { continue };
        let files = files_below(&root.join("fuzz/corpus").join(target.name));
        files.par_iter().for_each(|file| {
            let bytes = std::fs::read(file).expect("a readable file");
            let Ok(drawn) = draw(&bytes) else { return };
            hold_scenarios_to_drawn(target, &bytes, &drawn);
        });
    }
}

fn hold_scenarios_to_drawn(target: &Target, bytes: &[u8], drawn: &Situation) {
    for release in target.releases() {
        let text = print(&target.scenario(bytes, *release).expect("a case is a scenario"));
        let scenario = parse(text.as_bytes()).unwrap_or_else(|flaws| panic!("{flaws}\n{text}"));
        let replayed = replay::run(&scenario, None);
        assert!(replayed.failures.is_empty(), "{:?}\n{text}", replayed.failures);
        let mut world = World::new(scenario.release);
        scenario.lines.iter().for_each(|line| drop(world.apply(line)));
        let before = &world.last().expect("the scenario collects").before;
        assert_eq!((before.release, before.now), (*release, drawn.now));
        // The root's own sequence number has no step; a collection looks at none.
        let mut tree = drawn.tree.clone();
        tree.set_sequence(&[], 0).expect("there is a root");
        assert_eq!(before.tree, tree, "{text}");
        if release.rules().collectors {
            assert_eq!(before.collectors, drawn.collectors, "{text}");
        }
        if release.rules().shared_loop_variable {
            assert_eq!(before.last_iterated, drawn.last_iterated, "{text}");
        }
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
        .collect();
    targets.sort();
    let bodies: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(targets, bodies);
}

#[test]
fn every_target_has_options_and_the_dictionary_that_they_name() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for target in TARGETS.iter().filter(|target| target.fault.is_none()) {
        let name = target.name;
        let options = std::fs::read_to_string(fuzz.join(format!("options/{name}.options")));
        let options = options.unwrap_or_else(|error| panic!("{name}: {error}"));
        let value = |key: &str| options.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        assert!(options.starts_with("[libfuzzer]\n") && value("timeout").is_some(), "{name}");
        let max_len: usize = value("max_len").expect("max_len").parse().expect("a number");
        for file in files_below(&fuzz.join("corpus").join(name)) {
            let length = std::fs::metadata(&file).expect("a file").len();
            assert!(length <= max_len as u64, "{} is longer than max_len", file.display());
        }
        let dictionary = format!("{name}.dict");
        let is_there = fuzz.join("dictionary").join(&dictionary).exists();
        assert_eq!(value("dict"), is_there.then_some(&*dictionary), "{name}");
    }
}

#[test]
fn the_dictionary_of_scenarios_has_every_step() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/dictionary/scenario.dict");
    let dictionary = std::fs::read_to_string(path).expect("a readable file");
    for form in forms() {
        let words: Vec<&str> = form.words().collect();
        let entry = format!("\"\\x0a{} \"", words.join(" "));
        assert!(dictionary.lines().any(|line| line == entry), "{entry} is missing");
    }
}
