//! The library of scenarios: every file passes, says why it exists, is in the index, and together they see every
//! fault that can be seeded into the engine.

use leasehold::replay::{Replayed, run};
use leasehold::scenario::{Scenario, parse, print};
use leasehold::world::Fault;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Fewer files than this would mean that some were lost.
const FILES_MIN: usize = 80;

/// Set it to have the files written as they are printed, and the list of files in the index written anew.
const UPDATE: &str = "UPDATE_LIBRARY";

struct File {
    /// From the folder `scenarios`, with `/`: `rules/lease_expired.scenario`.
    name: String,
    text: Vec<u8>,
    scenario: Scenario,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Every scenario of the library, in the byte order of their names.
fn library() -> Vec<File> {
    let (mut paths, mut pending) = (Vec::new(), vec![folder()]);
    while let Some(folder) = pending.pop() {
        let entries = std::fs::read_dir(&folder).expect("the repository has the folder");
        for path in entries.map(|entry| entry.expect("a readable folder").path()) {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ending| ending == "scenario") {
                paths.push(path);
            }
        }
    }
    let mut files: Vec<File> = paths.iter().map(|path| read(path)).collect();
    files.sort_by(|left, right| left.name.cmp(&right.name));
    files
}

fn read(path: &Path) -> File {
    let name = path.strip_prefix(folder()).expect("a file of the library");
    let name: Vec<_> = name.iter().map(|part| part.to_str().expect("names are text")).collect();
    let name = name.join("/");
    let text = std::fs::read(path).expect("a readable file");
    let scenario = parse(&text).unwrap_or_else(|flaws| panic!("scenarios/{name}: {flaws}"));
    File { name, text, scenario }
}

fn failures(name: &str, replayed: &Replayed) -> String {
    let lines = replayed.failures.iter();
    lines.fold(String::new(), |text, failure| text + &format!("{name}:{}: {failure}\n", failure.line))
}

#[test]
fn every_file_passes() {
    let files = library();
    let failed: String =
        files.par_iter().map(|file| failures(&file.name, &run(&file.scenario, None))).collect();
    assert!(failed.is_empty(), "{failed}");
    assert!(files.len() >= FILES_MIN, "only {} files", files.len());
}

#[test]
fn every_file_opens_with_two_sentences_of_why() {
    let short = |file: &&File| file.scenario.head.len() < 2;
    let files = library();
    let short: Vec<&str> = files.iter().filter(short).map(|file| &*file.name).collect();
    assert!(short.is_empty(), "fewer than two lines of comment at the top: {short:?}");
}

/// What the printer gives is how files are written, so that one form is enough to know.
#[test]
fn every_file_is_as_the_printer_writes_it() {
    for file in library() {
        let text = String::from_utf8(file.text).expect("the library is text");
        let printed = print(&file.scenario);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(folder().join(&file.name), printed).expect("the file can be written");
            continue;
        }
        let differs = text.lines().zip(printed.lines()).find(|(written, printed)| written != printed);
        let hint = format!("`{UPDATE}=1 cargo test library::printer` writes it as printed");
        assert_eq!(differs, None, "{}: (written, printed); {hint}", file.name);
        assert_eq!(text, printed, "{}; {hint}", file.name);
    }
}

/// Which files fail with a fault.
fn seen_by(files: &[File], fault: Fault) -> Vec<&str> {
    let fails = |file: &&File| !run(&file.scenario, Some(fault)).failures.is_empty();
    files.iter().filter(fails).map(|file| &*file.name).collect()
}

/// Each rule of the engine, turned off, is missed by some file, and the index names one that is about that rule.
#[test]
fn every_fault_is_seen_by_the_file_that_the_index_names() {
    let files = library();
    let seen: BTreeMap<Fault, Vec<&str>> =
        Fault::all().par_bridge().map(|fault| (fault, seen_by(&files, fault))).collect();
    let index = index();
    let named = rows(section(&index, "Faults"));
    let mut wrong = String::new();
    for (fault, seen) in &seen {
        let file = named.iter().find(|(name, _)| *name == fault.name()).map(|(_, file)| *file);
        if !file.is_some_and(|file| seen.contains(&file)) {
            writeln!(wrong, "{fault}: named {file:?}, seen by {seen:?}").expect("a string takes it");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let extra: Vec<_> = named.iter().filter(|(name, _)| Fault::parse(name).is_err()).collect();
    assert!(extra.is_empty(), "not faults: {extra:?}");
}

fn index() -> String {
    std::fs::read_to_string(folder().join("library.md")).expect("the library has an index")
}

/// What stands below a heading of the second level, up to the next.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let opening = format!("\n## {heading}\n");
    let (_, rest) = text.split_once(&opening).unwrap_or_else(|| panic!("no section `{heading}`"));
    rest.find("\n## ").map_or(rest, |end| &rest[..=end])
}

/// The rows of a table of two columns, its heading aside: the left without backquotes, a link as its target.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')).map(|line| line.trim_matches('|')) {
        let Some((left, right)) = line.split_once('|') else { continue };
        let target = right.split_once("](").and_then(|(_, rest)| rest.split_once(')'));
        let right = target.map_or(right.trim(), |(target, _)| target);
        rows.push((left.trim().trim_matches('`'), right));
    }
    rows.retain(|(left, _)| *left != "fault" && !left.starts_with("--"));
    rows
}

/// The list of files as it must stand in the index: a table a folder, each file with its first line of comment.
fn listed(files: &[File]) -> String {
    let mut text = String::new();
    let mut folder = "";
    for file in files {
        let (own, name) = file.name.split_once('/').expect("every file lies in a folder");
        if own != folder {
            write!(text, "\n### {own}\n\n| file | what it shows |\n|---|---|\n").expect("a string takes it");
            folder = own;
        }
        let stem = name.strip_suffix(".scenario").expect("how scenarios end");
        let why = file.scenario.head.first().map(|line| line.as_str()).unwrap_or_default();
        let why = why.replace('|', "\\|");
        writeln!(text, "| [{stem}]({}) | {why} |", file.name).expect("a string takes it");
    }
    text
}

#[test]
fn the_index_lists_every_file() {
    let text = index();
    let (written, expected) = (section(&text, "Files"), listed(&library()));
    if std::env::var_os(UPDATE).is_some() {
        let heading = "\n## Files\n";
        let updated = text.replacen(&format!("{heading}{written}"), &format!("{heading}{expected}\n"), 1);
        std::fs::write(folder().join("library.md"), updated).expect("the index can be written");
        return;
    }
    let missing: Vec<&str> = expected.lines().filter(|line| !written.contains(line)).collect();
    let stale: Vec<&str> = written.lines().filter(|line| !expected.contains(line)).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "scenarios/library.md is out of date; `{UPDATE}=1 cargo test library::index_lists` writes it anew\n\
         missing: {missing:#?}\nstale: {stale:#?}"
    );
}
