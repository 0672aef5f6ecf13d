//! How many states a second: Leasehold's search, Stateright's through the same worlds, and Stateright's through a model by
//! hand, on one thread each, in one run.
//!
//! Throughput counts states, each once. Below it all stands a table of the quickest run of each: on a machine that has other
//! work the quickest ones compare best.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use leasehold_stateright::hand::{self, Hand, NEVER};
use leasehold_stateright::{COLLECTIONS, Came, PROTOCOL, explored, read, worlds};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// As the program has it, for all three.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What came of a way to search, and the least time that it took.
struct Measured {
    name: &'static str,
    came: Came,
    least: Duration,
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &'static str,
    search: impl Fn() -> Came,
) -> Measured {
    let came = search();
    let mut least = Duration::MAX;
    group.throughput(Throughput::Elements(came.states));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let runs = (0..times).map(|_| {
                let began = Instant::now();
                black_box(search());
                let took = began.elapsed();
                least = least.min(took);
                took
            });
            runs.sum()
        });
    });
    Measured { name, came, least }
}

fn speed(criterion: &mut Criterion) {
    let scenario = Box::leak(Box::new(read(PROTOCOL)));
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("states");
    group.sample_size(10);
    let model = || Hand { collections: COLLECTIONS, lease_hours: [NEVER, NEVER, 1] };
    let all = [
        measure(&mut group, "Leasehold", || one_core.install(|| explored::search(scenario))),
        measure(&mut group, "Stateright, Leasehold's worlds", || worlds::search(scenario)),
        measure(&mut group, "Stateright, by hand", || hand::search(model())),
    ];
    group.finish();
    let first = &all[0];
    println!(
        "{:32}{:>10}{:>10}{:>8}{:>12}{:>12}{:>8}",
        "", "states", "moves", "s", "states/s", "moves/s", "ratio"
    );
    for each in &all {
        assert!(each.came.is_safe && each.came == first.came, "{}: {:?}", each.name, each.came);
        let (states, moves) = (each.came.states as f64, each.came.moves as f64);
        let seconds = each.least.as_secs_f64();
        let ratio = first.least.as_secs_f64() / seconds;
        println!(
            "{:32}{states:>10}{moves:>10}{seconds:>8.3}{:>12.0}{:>12.0}{ratio:>8.2}",
            each.name,
            states / seconds,
            moves / seconds
        );
    }
}

criterion_group!(benches, speed);
criterion_main!(benches);
