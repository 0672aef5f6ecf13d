//! How long a collection takes, as ratios: each group also walks every byte of the same model, the least that anything
//! that reads the whole database must do.
//!
//! `cold/N` is a collection from nothing of N resources, 30 % of them garbage: `walk` adds up the bytes of all keys and
//! values, `collect` is roots, marking, sweep, the tree after and freeing both, `oracle` is facts, fixpoint and the complete
//! judgement without texts, `literal` the same collection over std maps with string nodes (`common/literal.rs`), the tree after
//! included, its copy and its freeing not. `shapes` are worlds that are not like that.

#[allow(dead_code, reason = "each benchmark uses a part")]
mod common;

use common::{literal, walk, worlds};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use leasehold::bucket::{Builder, Entry, View};
use leasehold::engine::collect;
use leasehold::oracle::{Defects, judge};
use std::hint::black_box;
use std::time::Duration;

/// The sizes of `cold`; the million only where `LEASEHOLD_BENCH_LARGE` is set, as it takes minutes.
fn sizes() -> Vec<u32> {
    let mut sizes = vec![1_000, 10_000, 100_000];
    sizes.extend(std::env::var_os("LEASEHOLD_BENCH_LARGE").map(|_| 1_000_000));
    sizes
}

fn cold(criterion: &mut Criterion) {
    for resources in sizes() {
        let mut group = criterion.benchmark_group(format!("cold/{resources}"));
        group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        let situation = worlds::situation(worlds::realistic(resources));
        let expected = literal::collect(&mut literal::Tree::of(situation.tree.view()), worlds::NOW);
        assert_eq!(collect(&situation).removed.len(), expected, "the port and the literal port agree");
        group.bench_function("walk", |bencher| bencher.iter(|| black_box(walk(situation.tree.view()))));
        group.bench_function("collect", |bencher| bencher.iter(|| black_box(collect(&situation))));
        group.bench_function("oracle", |bencher| {
            let defects = Defects::as_shipped(situation.release);
            bencher.iter(|| black_box(judge(&situation, defects).kept_count()));
        });
        let tree = literal::Tree::of(situation.tree.view());
        group.bench_function("literal", |bencher| {
            let copy = || tree.clone();
            let collect = |tree: &mut literal::Tree| literal::collect(tree, worlds::NOW);
            bencher.iter_batched_ref(copy, collect, BatchSize::PerIteration);
        });
        group.finish();
    }
}

fn shapes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shapes");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let shapes = [
        ("1000 sets of containerd's", worlds::sets(1_000)),
        ("hub", worlds::hub(10_000)),
        ("chain", worlds::chain(10_000)),
        ("1000 namespaces", worlds::wide_namespaces(10_000)),
    ];
    for (name, tree) in shapes {
        let situation = worlds::situation(tree);
        group.bench_function(BenchmarkId::new("walk", name), |bencher| {
            bencher.iter(|| black_box(walk(situation.tree.view())));
        });
        group.bench_function(BenchmarkId::new("collect", name), |bencher| {
            bencher.iter(|| black_box(collect(&situation)));
        });
    }
    group.finish();
}

fn copy(view: View<'_>, builder: &mut Builder) {
    const IN_ORDER: &str = "a bucket's keys are in order";
    for (key, entry) in view.iter() {
        match entry {
            Entry::Value(value) => builder.put(key, value).expect(IN_ORDER),
            Entry::Bucket(below) => {
                builder.open(key, below.sequence()).expect(IN_ORDER);
                copy(below, builder);
                builder.close();
            }
        }
    }
}

/// A snapshot is a clone; a deep copy reads everything.
fn snapshots(criterion: &mut Criterion) {
    let tree = worlds::realistic(1_000);
    criterion.bench_function("snapshot/clone", |bencher| bencher.iter(|| black_box(tree.clone())));
    criterion.bench_function("snapshot/deep copy", |bencher| {
        bencher.iter(|| {
            let mut builder = Builder::new();
            copy(tree.view(), &mut builder);
            black_box(builder.finish())
        });
    });
}

criterion_group!(benches, cold, shapes, snapshots);
criterion_main!(benches);
