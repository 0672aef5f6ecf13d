//! How fast states of a protocol are met: two pulls of one image beside two collections, two clean-ups and a delete.
//!
//! Its throughput counts moves from one state to another, on one core, and includes all that `leasehold explore` does but
//! reading the file: applying each step, the promises in each state, the properties of each collection, telling states apart.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use leasehold::campaign::Stop;
use leasehold::explore::{Explored, Merging, Search, Verdict, explore};
use leasehold::properties::known::Known;
use leasehold::scenario::{Scenario, parse};
use std::hint::black_box;

const PULL_BESIDE_PULL: &str = include_str!("../scenarios/protocols/pull_beside_pull.scenario");

fn explored(scenario: &Scenario) -> Explored {
    let (release, stop) = (scenario.release, Stop::default());
    let search = Search {
        release,
        known: Known::as_shipped(release),
        states_max: 20_000_000,
        merging: Merging::default(),
        stop: &stop,
        told: &|_| {},
    };
    explore(scenario, &search).expect("a protocol")
}

fn pull_beside_pull(criterion: &mut Criterion) {
    let scenario = parse(PULL_BESIDE_PULL.as_bytes()).expect("a scenario");
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let run = || one_core.install(|| explored(&scenario));
    let first = run();
    assert_eq!(first.found.verdict, Verdict::Safe);
    let mut group = criterion.benchmark_group("explore");
    group.sample_size(10).throughput(Throughput::Elements(first.found.progress.moves));
    group.bench_function("pull beside pull", |bencher| bencher.iter(|| black_box(run())));
    group.finish();
}

criterion_group!(benches, pull_beside_pull);
criterion_main!(benches);
