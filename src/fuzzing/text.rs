//! Scenario texts, and the other forms of a tree.

use super::tree::written_and_read;
use crate::bucket::json;
use crate::generate::trees;
use crate::scenario::{self, Line, Scenario};
use arbitrary::Unstructured;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

/// Fuzzed texts run at most this many steps, so that a run stays short.
const STEPS_MAX: usize = 256;

/// The steps of a text, which print and parse to the same again.
pub(super) fn parsed(bytes: &[u8]) -> Result<Scenario, String> {
    let parsed = scenario::parse(bytes).map_err(|flaws| flaws.to_string())?;
    if parsed.lines.len() > STEPS_MAX {
        return Err(format!("more than {STEPS_MAX} steps"));
    }
    let printed = scenario::print(&parsed);
    assert_eq!(scenario::parse(printed.as_bytes()).as_ref(), Ok(&parsed), "printed as\n{printed}");
    Ok(parsed)
}

/// parse(print(s)) = s for generated scenarios, and json(tree) and back = tree for generated trees.
pub(super) fn roundtrip(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    if let Ok(generated) = scenario::generate(&mut u) {
        let printed = scenario::print(&generated);
        assert_eq!(scenario::parse(printed.as_bytes()).as_ref(), Ok(&generated), "printed as\n{printed}");
    }
    let Ok(case) = trees::case(&mut u) else { return };
    let text = json::to_string(case.tree.view());
    assert_eq!(json::from_str(&text).expect("own output"), case.tree);
    assert_eq!(written_and_read(&case.tree), case.tree, "a bbolt file holds the same");
}

/// A mutated scenario's text, for the fuzzer's custom mutator: steps are dropped, repeated, moved, drawn anew or replaced by
/// those of another scenario, so that every input stays a replay file. Bytes that do not parse become a scenario.
pub fn mutate_scenario(bytes: &[u8], bytes_max: usize, seed: u32) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
    let mut mutated = scenario::parse(bytes).unwrap_or_else(|_| draw(&mut rng));
    for _ in 0..rng.random_range(1..=4) {
        mutate(&mut rng, &mut mutated);
    }
    // Too long, or no longer a scenario (a client's declaration is gone): steps go until it is one.
    loop {
        let text = scenario::print(&mutated);
        if text.len() <= bytes_max && mutated.check().is_ok() {
            return text.into_bytes();
        }
        if mutated.lines.is_empty() {
            return Vec::new();
        }
        let at = rng.random_range(0..mutated.lines.len());
        mutated.lines.remove(at);
    }
}

fn draw(rng: &mut ChaCha8Rng) -> Scenario {
    let mut bytes = [0; 256];
    rng.fill_bytes(&mut bytes);
    scenario::generate(&mut Unstructured::new(&bytes)).unwrap_or_default()
}

fn mutate(rng: &mut ChaCha8Rng, scenario: &mut Scenario) {
    let lines = &mut scenario.lines;
    let drawn: Vec<Line> = draw(rng).lines;
    if lines.is_empty() {
        *lines = drawn;
        return;
    }
    let at = rng.random_range(0..lines.len());
    match rng.random_range(0..5) {
        0 => drop(lines.remove(at)),
        1 => {
            let copy = lines[at].clone();
            lines.insert(rng.random_range(0..=lines.len()), copy);
        }
        2 => {
            let other = rng.random_range(0..lines.len());
            lines.swap(at, other);
        }
        3 => lines.extend(drawn.into_iter().take(1)),
        _ => {
            lines.splice(at..at, drawn.into_iter().take(4));
        }
    }
}
