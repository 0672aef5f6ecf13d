//! How long a collection takes, as ratios: each group also walks every byte of the same model, the least that anything
//! that reads the whole database must do.
//!
//! `walk` iterates all keys and values and adds up their bytes. `engine` is roots, marking, sweep and the tree after.
//! `oracle` is facts, fixpoint and the complete judgement, without texts.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use leasehold::bucket::{Bucket, Builder, Entry, View};
use leasehold::engine::collect;
use leasehold::instant::Instant;
use leasehold::oracle::{Defects, judge};
use leasehold::release::Release;
use leasehold::schema::{names, time};
use leasehold::situation::Situation;
use std::hint::black_box;

const NOW: Instant = Instant { seconds: 63_850_000_000, nanoseconds: 0 };

/// A database as pulls leave it: images over a manifest, a config and layers by labels, a chain of snapshots, a container
/// each; of every ten images three have been deleted and a lease of one has expired.
fn database(images: u32) -> Bucket {
    let mut tree = Bucket::new();
    let root: [&[u8]; 2] = [names::V1, b"default"];
    let mut put = |path: &[&[u8]], key: &[u8], value: &[u8]| {
        tree.create_path(path).expect("a path of buckets");
        tree.put(path, key, value).expect("a value under a fresh key");
    };
    for image in 0..images {
        let digest = |object: u32| {
            let scattered = u64::from(image).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            format!("sha256:{:064x}", scattered.wrapping_add(u64::from(object)))
        };
        let blob = |digest: &str| -> Vec<Vec<u8>> {
            [root[0], root[1], names::CONTENT, names::BLOB, digest.as_bytes()].map(<[u8]>::to_vec).to_vec()
        };
        for object in 0..6 {
            let path = blob(&digest(object));
            let path: Vec<&[u8]> = path.iter().map(|key| &key[..]).collect();
            put(&path, b"createdat", &time::to_binary(NOW));
            put(&path, names::SIZE, &[0x80, 0x10]);
            if object == 0 {
                let labels = [&path[..], &[names::LABELS]].concat();
                for child in 1..6 {
                    let label = format!("containerd.io/gc.ref.content.l.{child}");
                    put(&labels, label.as_bytes(), digest(child).as_bytes());
                }
            }
        }
        let snapshots = [root[0], root[1], names::SNAPSHOTS, b"overlayfs"];
        for layer in 0..4u32 {
            let key = format!("{image}-{layer}");
            let path = [&snapshots[..], &[key.as_bytes()]].concat();
            put(&path, b"createdat", &time::to_binary(NOW));
            if layer > 0 {
                put(&path, names::PARENT, format!("{image}-{}", layer - 1).as_bytes());
            }
        }
        let name = format!("docker.io/library/image:{image}");
        if image % 10 >= 3 {
            let path = [root[0], root[1], names::IMAGES, name.as_bytes(), names::TARGET];
            put(&path, names::DIGEST, digest(0).as_bytes());
            let id = format!("container-{image}");
            let path = [root[0], root[1], names::CONTAINERS, id.as_bytes()];
            put(&path, names::SNAPSHOTTER, b"overlayfs");
            put(&path, names::SNAPSHOT_KEY, format!("{image}-3").as_bytes());
        } else if image % 10 == 0 {
            let path = [root[0], root[1], names::LEASES, name.as_bytes()];
            put(&[&path[..], &[names::CONTENT]].concat(), digest(0).as_bytes(), b"");
            put(&[&path[..], &[names::LABELS]].concat(), names::GC_EXPIRE, b"2001-01-01T00:00:00Z");
        }
    }
    tree
}

fn walk(view: View<'_>) -> usize {
    let entry_bytes = |entry| match entry {
        Entry::Value(value) => value.iter().map(|byte| usize::from(*byte)).sum(),
        Entry::Bucket(below) => walk(below),
    };
    view.iter().map(|(key, entry)| key.len() + entry_bytes(entry)).sum()
}

fn collections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("collection");
    group.sample_size(10);
    for images in [100, 2_000] {
        let tree = database(images);
        let resources = images * 10;
        let situation = Situation::new(tree, Release::default(), NOW);
        group.bench_with_input(BenchmarkId::new("walk", resources), &situation, |bencher, situation| {
            bencher.iter(|| black_box(walk(situation.tree.view())));
        });
        group.bench_with_input(BenchmarkId::new("engine", resources), &situation, |bencher, situation| {
            bencher.iter(|| black_box(collect(situation)));
        });
        group.bench_with_input(BenchmarkId::new("oracle", resources), &situation, |bencher, situation| {
            let defects = Defects::as_shipped(situation.release);
            bencher.iter(|| black_box(judge(situation, defects).kept_count()));
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
    let tree = database(100);
    criterion.bench_function("snapshot/clone", |bencher| bencher.iter(|| black_box(tree.clone())));
    criterion.bench_function("snapshot/deep copy", |bencher| {
        bencher.iter(|| {
            let mut builder = Builder::new();
            copy(tree.view(), &mut builder);
            black_box(builder.finish())
        });
    });
}

criterion_group!(benches, collections, snapshots);
criterion_main!(benches);
