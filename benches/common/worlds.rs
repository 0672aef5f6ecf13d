//! The databases that benchmarks collect, written in the order in which clients would have: an object's blocks lie where its
//! creation put them, not in the order of its key.

use leasehold::bucket::Bucket;
use leasehold::instant::Instant;
use leasehold::release::Release;
use leasehold::schema::{names, time};
use leasehold::situation::Situation;

/// When everything is collected.
pub(crate) const NOW: Instant = Instant { seconds: 63_850_000_000, nanoseconds: 0 };

/// What is written, and how to write it.
struct Database(Bucket);

const NAMESPACE: &[u8] = b"default";

impl Database {
    /// Puts values into an object of the namespace, whose buckets are made as they are met.
    fn object(&mut self, namespace: &[u8], path: &[&[u8]], values: &[(&[u8], &[u8])]) {
        let path = [&[names::V1, namespace], path].concat();
        self.0.create_path(&path).expect("a path of buckets");
        for (key, value) in values {
            self.0.put(&path, key, value).expect("a value under a fresh key");
        }
    }

    fn blob(&mut self, namespace: &[u8], digest: &str, children: &[String]) {
        let path = [names::CONTENT, names::BLOB, digest.as_bytes()];
        self.object(namespace, &path, &[(b"createdat", &time::to_binary(NOW)), (names::SIZE, &[0x80, 0x10])]);
        for (number, child) in children.iter().enumerate() {
            let label = format!("containerd.io/gc.ref.content.l.{number}");
            let path = [&path[..], &[names::LABELS]].concat();
            self.object(namespace, &path, &[(label.as_bytes(), child.as_bytes())]);
        }
    }

    fn snapshot(&mut self, namespace: &[u8], name: &str, parent: Option<&str>) {
        let path = [names::SNAPSHOTS, b"overlayfs", name.as_bytes()];
        self.object(namespace, &path, &[(b"createdat", &time::to_binary(NOW))]);
        if let Some(parent) = parent {
            self.object(namespace, &path, &[(names::PARENT, parent.as_bytes())]);
        }
    }

    fn image(&mut self, namespace: &[u8], name: &str, target: &str) {
        let path = [names::IMAGES, name.as_bytes(), names::TARGET];
        self.object(namespace, &path, &[(names::DIGEST, target.as_bytes())]);
    }

    fn container(&mut self, namespace: &[u8], id: &str, snapshot: &str) {
        let fields = [(names::SNAPSHOTTER, &b"overlayfs"[..]), (names::SNAPSHOT_KEY, snapshot.as_bytes())];
        self.object(namespace, &[names::CONTAINERS, id.as_bytes()], &fields);
    }
}

/// A digest as scattered as a hash is.
fn digest(image: u32, object: u32) -> String {
    let scattered = u64::from(image).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("sha256:{:064x}", u128::from(scattered.wrapping_add(u64::from(object))) << 64)
}

/// One pulled image: ten resources and a container, or what is left of them where the image was deleted.
fn pull(database: &mut Database, namespace: &[u8], image: u32) {
    let layers: Vec<String> = (1..6).map(|layer| digest(image, layer)).collect();
    database.blob(namespace, &digest(image, 0), &layers);
    for layer in &layers {
        database.blob(namespace, layer, &[]);
    }
    let snapshot = |layer: u32| format!("{image}-{layer}");
    for layer in 0..4 {
        let parent = (layer > 0).then(|| snapshot(layer - 1));
        database.snapshot(namespace, &snapshot(layer), parent.as_deref());
    }
    let name = format!("docker.io/library/image:{image}");
    if image % 10 >= 3 {
        database.image(namespace, &name, &digest(image, 0));
        database.container(namespace, &format!("container-{image}"), &snapshot(3));
    } else if image.is_multiple_of(10) {
        let lease = [names::LEASES, name.as_bytes()];
        database.object(
            namespace,
            &[&lease[..], &[names::CONTENT]].concat(),
            &[(digest(image, 0).as_bytes(), b"")],
        );
        let expiry = [(names::GC_EXPIRE, &b"2001-01-01T00:00:00Z"[..])];
        database.object(namespace, &[&lease[..], &[names::LABELS]].concat(), &expiry);
    }
}

/// Pulls as they are: images over a manifest, a config and layers by labels, a chain of snapshots, a container each; of
/// every ten images three have been deleted and a lease of one has expired. 30 % of the resources are garbage.
pub(crate) fn realistic(resources: u32) -> Bucket {
    let mut database = Database(Bucket::new());
    (0..resources / 10).for_each(|image| pull(&mut database, NAMESPACE, image));
    database.0
}

/// The same in many namespaces.
pub(crate) fn wide_namespaces(resources: u32) -> Bucket {
    let mut database = Database(Bucket::new());
    for image in 0..resources / 10 {
        pull(&mut database, format!("namespace-{:04}", image % 1000).as_bytes(), image);
    }
    database.0
}

/// The sets of containerd's `BenchmarkGarbageCollect`: a blob, an image, seven chained snapshots and a container each.
pub(crate) fn sets(count: u32) -> Bucket {
    let mut database = Database(Bucket::new());
    for set in 0..count {
        let snapshot = |layer: u32| format!("{set}-{layer}");
        database.blob(NAMESPACE, &digest(set, 0), &[]);
        database.image(NAMESPACE, &format!("image-{set}"), &digest(set, 0));
        for layer in 0..7 {
            let parent = (layer > 0).then(|| snapshot(layer - 1));
            database.snapshot(NAMESPACE, &snapshot(layer), parent.as_deref());
        }
        database.container(NAMESPACE, &format!("container-{set}"), &snapshot(6));
    }
    database.0
}

/// One manifest over all content, and as many images over it.
pub(crate) fn hub(resources: u32) -> Bucket {
    let mut database = Database(Bucket::new());
    let children: Vec<String> = (1..=resources / 2).map(|child| digest(child, 1)).collect();
    children.iter().for_each(|child| database.blob(NAMESPACE, child, &[]));
    database.blob(NAMESPACE, &digest(0, 0), &children);
    for image in 0..resources / 2 {
        database.image(NAMESPACE, &format!("image-{image}"), &digest(0, 0));
    }
    database.0
}

/// One chain of snapshots under one container.
pub(crate) fn chain(resources: u32) -> Bucket {
    let mut database = Database(Bucket::new());
    for layer in 0..resources {
        let parent = (layer > 0).then(|| format!("layer-{}", layer - 1));
        database.snapshot(NAMESPACE, &format!("layer-{layer}"), parent.as_deref());
    }
    database.container(NAMESPACE, "container", &format!("layer-{}", resources - 1));
    database.0
}

/// A collection of a database by the rules of the default release.
pub(crate) fn situation(tree: Bucket) -> Situation {
    Situation::new(tree, Release::default(), NOW)
}
