//! What a generated scenario leaves behind survives every form: its text, the JSON of its tree, and a bbolt file.

use leasehold::bucket::{bolt, json};
use leasehold::generate::seed::Seed;
use leasehold::go::Go;
use leasehold::oracle::times;
use leasehold::scenario::{generate, parse, print};
use leasehold::schema::time;
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

/// What Go 1.19.8 itself made of texts (`time.Parse(time.RFC3339, text)`): Unix seconds and nanoseconds, or its error.
const GO_1_19_8: &str = include_str!("../data/times-go1.19.8.tsv");

#[test]
fn times_are_read_as_go_1_19_read_them_by_engine_and_oracle() {
    let mut only_earlier = 0;
    for row in GO_1_19_8.lines() {
        let [text, seconds, rest] = row.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let expected = match seconds {
            "error" => Err(rest.to_owned()),
            seconds => {
                let (seconds, nanoseconds) = (seconds.parse().expect(row), rest.parse().expect(row));
                Ok(time::from_unix(seconds, nanoseconds))
            }
        };
        let read = time::parse_rfc3339_of(Go::UpTo1_19, text.as_bytes());
        assert_eq!(read.map_err(|error| error.to_string()), expected, "{text}");
        assert_eq!(times::rfc3339(Go::UpTo1_19, text.as_bytes()), expected.ok(), "{text}");
        only_earlier += u32::from(time::only_earlier_go_reads(text.as_bytes()));
    }
    assert_eq!(only_earlier, 16);
}

/// engine(text) = oracle(text) for both, and what a later Go reads an earlier one read alike.
#[test]
fn engine_and_oracle_read_mutated_times_alike_as_either_go() {
    const LETTERS: &[u8; 16] = b"012345679+-:.,TZ";
    let seed = Seed::parse("times").expect("a seed");
    let texts: Vec<&[u8]> =
        GO_1_19_8.lines().filter_map(|row| Some(row.split('\t').next()?.as_bytes())).collect();
    let only_earlier = (0..50_000u64).filter(|number| {
        let mut bytes = [0; 8];
        seed.case_bytes(*number, &mut bytes);
        let mut text = texts[usize::from(bytes[0]) % texts.len()].to_vec();
        for pair in bytes[2..6 - usize::from(bytes[1] % 3)].chunks(2) {
            let at = usize::from(pair[0]) % text.len();
            text[at] = LETTERS[usize::from(pair[pair.len() - 1] % 16)];
        }
        let [earlier, later] = [Go::UpTo1_19, Go::From1_20].map(|go| {
            let read = time::parse_rfc3339_of(go, &text).ok();
            assert_eq!(read, times::rfc3339(go, &text), "Go {go}: {}", text.escape_ascii());
            read
        });
        assert!(later.is_none() || later == earlier, "{}", text.escape_ascii());
        later != earlier
    });
    assert!(only_earlier.count() > 1_000);
}
