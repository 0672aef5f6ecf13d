//! How fast states of a protocol are met: two pulls of one image beside two collections, two clean-ups and a delete; and the
//! same beside more of them, which are more than a million states.
//!
//! Its throughput counts moves from one state to another, on one core, and includes all that `leasehold explore` does but
//! reading the file: applying each step, the promises in each state, the properties of each collection, telling states apart.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leasehold::campaign::Stop;
use leasehold::explore::{Commuting, Explored, Merging, Progress, Search, Verdict, explore};
use leasehold::properties::known::Known;
use leasehold::scenario::{Scenario, parse};
use std::hint::black_box;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PULL_BESIDE_PULL: &str = include_str!("../scenarios/protocols/pull_beside_pull.scenario");

fn explored(scenario: &Scenario) -> Explored {
    let (release, stop) = (scenario.release, Stop::default());
    let search = Search {
        release,
        known: Known::as_shipped(release),
        states_max: 20_000_000,
        merging: Merging::default(),
        commuting: Commuting::default(),
        stop: &stop,
        told: &|_| {},
    };
    explore(scenario, &search).expect("a protocol")
}

fn pull_beside_pull(criterion: &mut Criterion) {
    let more = PULL_BESIDE_PULL
        .replace("may 2 gc", "may 4 gc\nmay crash")
        .replace("may 2 cleanup", "may 4 cleanup")
        .replace("may advance 23h", "may 4 advance 6h");
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("explore");
    for (name, text) in [("pull beside pull", PULL_BESIDE_PULL), ("a million states", &more)] {
        let scenario = parse(text.as_bytes()).expect("a scenario");
        let run = || one_core.install(|| explored(&scenario));
        let first = run();
        assert_eq!(first.found.verdict, Verdict::Safe);
        let Progress { states, moves, .. } = first.found.progress;
        println!("{name}: {states} states, {moves} moves");
        group.sample_size(10).throughput(Throughput::Elements(moves));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

criterion_group!(benches, pull_beside_pull);
criterion_main!(benches);
