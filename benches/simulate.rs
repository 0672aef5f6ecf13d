//! How fast generated cases go through engine and oracle.
//!
//! `default mix` is what `leasehold simulate` does on one core: cases of 66 operations with a collection after every ten
//! of them and one at the end. Its throughput counts operations, collections set aside, and includes drawing the case,
//! the write side, and for every collection the engine, the second collection at the same instant, the oracle and the
//! comparison; the world after every operation is kept until the case ends. `no oracle` leaves out all but the write side and
//! the engine's own collection, `draw` does nothing but draw.
//!
//! `faults` runs the same collections with the honest engine and with one that asks at run time which fault it has: what
//! the possibility of a fault costs is compiled away in the first.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use leasehold::engine::{Fault, collect_with};
use leasehold::generate::profile::Swarm;
use leasehold::generate::seed::Seed;
use leasehold::generate::steps::Case;
use leasehold::properties::known::Known;
use leasehold::release::Release;
use leasehold::scenario::Step;
use leasehold::simulate::campaign::{self, Plan};
use leasehold::simulate::run::{Mode, Thorough, Watch, run};
use leasehold::world::{Collected, World};
use std::hint::black_box;
use std::sync::Arc;

const CASES: u64 = 64;

fn plan() -> Plan {
    let release = Release::default();
    let seed = Seed::parse("bench").expect("a seed");
    Plan { seed, release, known: Known::as_shipped(release), swarm: Swarm::Drawn }
}

fn operations(cases: &[Case]) -> u64 {
    let lines = cases.iter().flat_map(|case| &case.lines);
    lines.filter(|line| !matches!(line.step, Step::Gc { .. })).count() as u64
}

/// Keeps the world after every step.
#[derive(Default)]
struct Kept(Vec<World>);

impl Watch for Kept {
    fn stepped(&mut self, world: &World) {
        self.0.push(world.clone());
    }
}

fn default_mix(criterion: &mut Criterion) {
    let plan = plan();
    let cases: Vec<Case> = (0..CASES).map(|number| campaign::draw(&plan, number)).collect();
    let mode = Mode { release: plan.release, known: plan.known, thorough: Thorough::Never };
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(20).throughput(Throughput::Elements(operations(&cases)));
    group.bench_function("default mix", |bencher| {
        bencher.iter(|| {
            for number in 0..CASES {
                let case = campaign::draw(&plan, number);
                let mut kept = Kept::default();
                assert!(run(&case.lines, mode, None, &mut kept).is_none());
                black_box(kept);
            }
        });
    });
    group.bench_function("no oracle", |bencher| {
        bencher.iter(|| {
            for case in &cases {
                let mut world = World::new(plan.release);
                for line in &case.lines {
                    black_box(world.apply(line));
                }
            }
        });
    });
    group.bench_function("draw", |bencher| {
        bencher.iter(|| {
            for number in 0..CASES {
                black_box(campaign::draw(&plan, number));
            }
        });
    });
    group.finish();
}

/// The collections of some cases.
fn collections() -> Vec<Arc<Collected>> {
    let plan = plan();
    let mut collections = Vec::new();
    for number in 0..CASES {
        let mut world = World::new(plan.release);
        for line in &campaign::draw(&plan, number).lines {
            collections.extend(world.apply(line).collected);
        }
    }
    collections
}

fn faults(criterion: &mut Criterion) {
    fn collect_all(collections: &[Arc<Collected>], fault: Option<Fault>) {
        for collected in collections {
            black_box(collect_with(&collected.request(), fault));
        }
    }
    let collections = collections();
    let mut group = criterion.benchmark_group("faults");
    group.sample_size(20).throughput(Throughput::Elements(collections.len() as u64));
    group.bench_function("compiled away", |bencher| bencher.iter(|| collect_all(&collections, None)));
    // One that none of the cases meets.
    group.bench_function("asked at run time", |bencher| {
        bencher.iter_batched(
            || black_box(Some(Fault::CollectorReferencesForgotten)),
            |fault| collect_all(&collections, fault),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, default_mix, faults);
criterion_main!(benches);
