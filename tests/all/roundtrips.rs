//! What a generated scenario leaves behind survives every form: its text, the JSON of its tree, and a bbolt file.

use leasehold::bucket::{bolt, json};
use leasehold::generate::seed::Seed;
use leasehold::scenario::{generate, parse, print};
use leasehold::world::World;
use rayon::prelude::*;
use std::io::Cursor;

/// How many scenarios are drawn; `LEASEHOLD_ROUNDTRIPS=100000` draws more.
fn count() -> u64 {
    let asked = std::env::var("LEASEHOLD_ROUNDTRIPS").ok();
    asked.map_or(2_000, |asked| asked.parse().expect("LEASEHOLD_ROUNDTRIPS is a number"))
}

#[test]
fn text_json_and_bbolt_files_give_back_what_they_were_given() {
    let seed = Seed::parse("roundtrips").expect("a seed");
    let values = (0..count()).into_par_iter().map(|number| {
        let mut bytes = [0; 4096];
        seed.case_bytes(number, &mut bytes);
        let scenario = generate(&mut arbitrary::Unstructured::new(&bytes)).expect("enough bytes");
        assert_eq!(parse(print(&scenario).as_bytes()).as_ref(), Ok(&scenario), "scenario {number}");

        let mut world = World::new(scenario.release);
        for line in &scenario.lines {
            world.apply(line);
        }
        let tree = &world.store().tree;
        let mut file = Cursor::new(Vec::new());
        let written = bolt::write(tree, &mut file).expect("memory takes any file");
        let opened = bolt::read_from(file.get_ref().as_slice()).expect("our own file is sound");
        assert_eq!(&opened.tree, tree, "scenario {number}");

        let text = json::to_string(tree.view());
        assert_eq!(json::to_string(json::from_str(&text).expect("our own text").view()), text);
        written.values
    });
    let values: u64 = values.sum();
    assert!(values > count(), "the scenarios left only {values} values behind");
}
