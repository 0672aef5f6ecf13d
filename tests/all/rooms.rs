//! The guide in `src/lib.rs` holds: a room uses only rooms above it, and inside a room no two files need each other.
//!
//! What is read is text: `crate::ROOM` for rooms, `super::FILE` for files, tests aside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Who uses whom.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// Rooms that stand side by side and know nothing of each other: what they shared could hide a mistake in both.
const APART: [[&str; 2]; 2] = [["engine", "oracle"], ["metadata", "contract"]];

/// Files that need each other, by room, and why that is left so.
const CIRCLES: &[(&str, &[&str], &str)] = &[
    (
        "diff",
        &["collectors", "compare", "errors", "judged", "rule"],
        "types of one comparison, and what finds its rule",
    ),
    ("fuzzing", &["artifact", "finding", "target"], "a target leaves its artifact, which names the target"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file that is no test, with its text without comments and tests.
fn files() -> Vec<(PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![source()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the source has the folder") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                folders.extend((name != "tests").then_some(path));
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).expect("source is text");
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
                let code = code.collect::<Vec<_>>().join("\n");
                files.push((path.strip_prefix(source()).expect("below it").to_owned(), code));
            }
        }
    }
    files.sort();
    files
}

/// The words that follow a prefix, those of a group in braces each.
fn words_behind<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    let is_word =
        |character: char| character.is_ascii_lowercase() || character == '_' || character.is_ascii_digit();
    let word = |text: &'t str| &text[..text.find(|character| !is_word(character)).unwrap_or(text.len())];
    let mut words = Vec::new();
    for behind in text.split(prefix).skip(1) {
        match behind.strip_prefix('{') {
            None => words.push(word(behind)),
            Some(group) => {
                let (mut depth, mut is_first) = (0, true);
                for (at, character) in group.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => is_first = true,
                        _ if is_first && !character.is_whitespace() => {
                            words.push(word(&group[at..]));
                            is_first = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The room of a file: the first folder on its path, or the file's own name.
fn room(path: &Path) -> String {
    let first = path.components().next().expect("a path has a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms in the order in which the guide lists them.
fn listed() -> Vec<String> {
    let guide = std::fs::read_to_string(source().join("lib.rs")).expect("the guide");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("//! | ")?.split_once(" | "));
    let rooms = rows.flat_map(|(rooms, _)| rooms.split('`').skip(1).step_by(2).map(str::to_owned));
    rooms.collect()
}

#[test]
fn the_guide_lists_every_room_once() {
    let mut listed = listed();
    listed.sort();
    let mut rooms: Vec<String> = files().iter().map(|(path, _)| room(path)).collect();
    rooms.retain(|room| room != "lib" && room != "main");
    rooms.dedup();
    assert_eq!(listed, rooms);
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let order = listed();
    let place = |room: &str| order.iter().position(|listed| listed == room).expect("a listed room");
    for (path, text) in files() {
        let own = room(&path);
        if own == "lib" || own == "main" {
            continue;
        }
        for used in words_behind(&text, "crate::").into_iter().filter(|used| *used != own) {
            let is_above = order.iter().any(|listed| listed == used) && place(used) < place(&own);
            assert!(is_above, "{} uses {used}, which the guide does not list above {own}", path.display());
            let is_apart = APART.iter().any(|apart| apart.contains(&used) && apart.contains(&own.as_str()));
            assert!(!is_apart, "{} uses {used}: {own} and {used} know nothing of each other", path.display());
        }
    }
}

/// The modules of each folder below a room, files and folders alike, and which of their neighbours they import, by `super` or
/// by the whole path.
fn neighbours() -> BTreeMap<PathBuf, Uses> {
    let mut folders: BTreeMap<PathBuf, Uses> = BTreeMap::new();
    for (path, text) in files() {
        let parts: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let is_mod = parts.last().is_some_and(|part| part == "mod");
        let own = &parts[..parts.len() - usize::from(is_mod)];
        for depth in 1..own.len() {
            let upwards = "super::".repeat(own.len() - depth);
            // What is further up is another folder's.
            let text = text.replace(&format!("super::{upwards}"), "further::");
            let whole = format!("crate::{}::", own[..depth].join("::"));
            let used = [upwards, whole].into_iter().flat_map(|prefix| {
                words_behind(&text, &prefix).into_iter().map(str::to_owned).collect::<Vec<_>>()
            });
            let folder = folders.entry(own[..depth].iter().collect()).or_default();
            folder.entry(own[depth].clone()).or_default().extend(used.filter(|used| *used != own[depth]));
        }
    }
    for uses in folders.values_mut() {
        let modules: BTreeSet<String> = uses.keys().cloned().collect();
        uses.values_mut().for_each(|used| used.retain(|used| modules.contains(used)));
    }
    folders
}

/// What is left when files that use no other are taken away, one after the other, and those that none uses: circles.
fn circles(mut uses: Uses) -> BTreeSet<String> {
    loop {
        let free = |name: &String, used: &BTreeSet<String>| {
            used.is_empty() || !uses.iter().any(|(other, others)| other != name && others.contains(name))
        };
        let gone: Vec<String> =
            uses.iter().filter(|(name, used)| free(name, used)).map(|(name, _)| name.clone()).collect();
        if gone.is_empty() {
            return uses.into_keys().collect();
        }
        uses.retain(|name, _| !gone.contains(name));
        uses.values_mut().for_each(|used| used.retain(|used| !gone.contains(used)));
    }
}

#[test]
fn no_two_files_of_a_room_need_each_other() {
    for (folder, uses) in neighbours() {
        let expected = CIRCLES.iter().find(|(room, ..)| Path::new(room) == folder);
        let expected: BTreeSet<String> = expected
            .map(|(_, files, _)| files.iter().map(|file| (*file).to_owned()).collect())
            .unwrap_or_default();
        assert_eq!(circles(uses), expected, "files that need each other in src/{}", folder.display());
    }
}

#[test]
fn imports_are_seen_in_every_form() {
    let text = "use crate::bucket::Bucket; use crate::{engine::{a, b}, oracle}; crate::node::x();";
    assert_eq!(words_behind(text, "crate::"), ["bucket", "engine", "oracle", "node"]);
    let uses = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (from, to) in pairs {
            uses.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            uses.entry((*to).to_owned()).or_default();
        }
        uses
    };
    assert_eq!(circles(uses(&[("a", "b"), ("b", "c"), ("a", "c")])), BTreeSet::new());
    let circle = circles(uses(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]));
    assert_eq!(circle, ["b".to_owned(), "c".to_owned()].into());
}
