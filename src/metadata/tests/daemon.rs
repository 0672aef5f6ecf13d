//! Databases that a daemon 1.7.24 wrote, written again through the operations: every bucket, key and value is the
//! same but the times. `tests/data/metadata` has what the daemon wrote, with each time as the text `time`.

use super::*;
use crate::bucket::{Bucket, Entry, json};

const TWO_IMAGES: &str = include_str!("../../../tests/data/metadata/two-images.json");
const LEASES_INGESTS: &str = include_str!("../../../tests/data/metadata/leases-ingests.json");

const LAYER_BASE: &str = "sha256:ba0b79bc922425bb0cc94b39efae508dcacccd0212944b8e63ce0aba33a8c7b3";
const CHAIN_BASE: &str = "sha256:1b8e3d5630d5ea273390d5939218c2ff0ca34288e15e90de038adf46bd718abf";

/// What importing an image of two layers, the lower one the base, puts there: digests with sizes.
struct Imported {
    name: &'static str,
    tag: &'static str,
    archive: (&'static str, i64),
    index: (&'static str, i64),
    manifest: (&'static str, i64),
    config: (&'static str, i64),
    layer: (&'static str, i64),
    uncompressed: &'static str,
    chain: &'static str,
}

const A: Imported = Imported {
    name: "example.test/a:1",
    tag: "1",
    archive: ("sha256:a9478ac99a533e59eb8f5fd0f790dbac59acd2dea537fd5e196bc8ac410e7c58", 298),
    index: ("sha256:0e5e0117435a75cba139b5391dc87a472260b91b8e4e98d9c3d8712dba45f23b", 304),
    manifest: ("sha256:b9034d7a353718458aaf930f2d1445ae7d849b6d2815e13c2aeddfaebb5ad45f", 578),
    config: ("sha256:e53443e36c4c86c7d6b2111a9e63e91a40d5ad3ba33293e555ba823d48abad77", 322),
    layer: ("sha256:0a9e75812e38ba89308c47c8d5efecb4bdd4f96410aa4e3411663494631eb99a", 102),
    uncompressed: "sha256:6aa757139bf28a0450542afebfdc03085449ceb57ad7dfac90a5be40e8e095cd",
    chain: "sha256:57914a83c3c10f2c936e36a5272c08e89bab56e176954b23e018d67528272bcd",
};

const B: Imported = Imported {
    name: "example.test/b:2",
    tag: "2",
    archive: ("sha256:cda46488a60ba7f83048c42a7150340be2490a3afbf1ba5fb596062bc89287ec", 298),
    index: ("sha256:02c3e769fcb3a4a4f8753d6a47259dcc9ba5ee8891515884b58788264a06de57", 304),
    manifest: ("sha256:20b8a39b6ecba519c626302cf08218ef681f5fd9ffb4ca48fc360956237641f9", 577),
    config: ("sha256:a3579f7145b03127f4a35893fccacfccfd0b4a5f6cad8042f9b96c239dfd1214", 322),
    layer: ("sha256:140071f5778e59c3807ab3bb5cbdb0b62f80bc784c394f0613386c64ea4d5c7c", 99),
    uncompressed: "sha256:ff6ab30b33ebf6af633b1d54827b019c035d9160a807c0cee2fdd5f588867984",
    chain: "sha256:9654848be5fec9a93e77ee33ac2fb5b3f12100a5676a2d475b33e87985123133",
};

fn import(store: &mut Store, image: &Imported) {
    let expire = expiration(at(0), std::time::Duration::from_secs(86_400));
    store.create_lease(&context(), b"import", &[(b"containerd.io/gc.expire".to_vec(), expire)]).unwrap();
    let context = &leased(b"import");
    for (digest, size) in
        [image.archive, (LAYER_BASE, 111), image.layer, image.config, image.manifest, image.index]
    {
        let reference = format!("import-{digest}");
        store.put_content(context, reference.as_bytes(), digest.as_bytes(), size, &[]).unwrap();
    }
    let set = |store: &mut Store, digest: &str, key: &str, value: &str| {
        let path = format!("labels.{key}");
        let labels = [label(key, value)];
        store.update_content(context, digest.as_bytes(), &labels, &[path.as_bytes()]).unwrap();
    };
    set(store, image.archive.0, "containerd.io/gc.ref.content.0", image.index.0);
    set(store, image.index.0, "containerd.io/gc.ref.content.m.0", image.manifest.0);
    set(store, image.manifest.0, "containerd.io/gc.ref.content.l.1", image.layer.0);
    set(store, image.manifest.0, "containerd.io/gc.ref.content.l.0", LAYER_BASE);
    set(store, image.manifest.0, "containerd.io/gc.ref.content.config", image.config.0);
    store
        .create_image(
            context,
            &Image {
                name: image.name.into(),
                labels: Vec::new(),
                digest: image.index.0.into(),
                media_type: b"application/vnd.oci.image.index.v1+json".to_vec(),
                size: image.index.1,
                annotations: vec![
                    label("io.containerd.image.name", image.name),
                    label("org.opencontainers.image.ref.name", image.tag),
                ],
            },
        )
        .unwrap();
    // Unpacking; the base may be there from the other image.
    let layers = [
        (LAYER_BASE, CHAIN_BASE, CHAIN_BASE, None),
        (image.layer.0, image.uncompressed, image.chain, Some(CHAIN_BASE)),
    ];
    for (layer, uncompressed, chain, parent) in layers {
        if look(store, &[b"v1", b"default", b"snapshots", b"native", chain.as_bytes()]).is_none() {
            let key = format!("extract-1 {chain}");
            let new = NewSnapshot {
                snapshotter: b"native",
                key: key.as_bytes(),
                parent: parent.map(str::as_bytes),
                read_only: false,
                labels: &[label("containerd.io/snapshot.ref", chain)],
            };
            store.prepare(context, &new).unwrap();
            store.commit_snapshot(context, b"native", chain.as_bytes(), key.as_bytes(), &[]).unwrap();
        }
        set(store, layer, "containerd.io/uncompressed", uncompressed);
    }
    set(store, image.config.0, "containerd.io/gc.ref.snapshot.native", image.chain);
    store.delete_lease(context, b"import").unwrap();
}

fn two_images() -> Store {
    let mut store = Store::new(Release::V1_7);
    import(&mut store, &A);
    import(&mut store, &B);
    store
}

#[test]
fn two_imports_are_what_a_daemon_wrote() {
    let store = two_images();
    assert_eq!(without_times(&store.tree), json::from_str(TWO_IMAGES).unwrap());
    assert_eq!(look(&store, &[b"v1", b"default", b"snapshots", b"native"]).unwrap().sequence(), 6);
}

#[test]
fn leases_and_ingests_are_what_a_daemon_wrote() {
    const PLAIN: &str = "sha256:4f0596a497ddf87965ef76c8e3a9390305e9753001716859075be518f07d1495";
    const PLAIN_CHILD: &str = "sha256:32699c46ecc3b6f9ab72e190c7d54785d59d15d834eca5983cbfb96aa75d560c";
    const FLAT: &str = "sha256:1560719a5f0c7e511d74ca64996c39a7f5d90842161ca4e6924b2bc6c8538ad4";
    const FLAT_CHILD: &str = "sha256:7002e2863a992f0c36516df1c5f86ed573079cf3a6e940d052c82e76955be423";
    const EXPIRED: &str = "sha256:1d98fc474507dbdbd8ae39d0223aa07fdaead84de4be7bf9d3313724b6cc456e";
    const BAD: &str = "sha256:7571d7f6c587b94de32b1ead2c36605c2c284bcb8e62cf5fd4de87db05e52181";
    const FUTURE: &str = "sha256:dfe124c615a9f2378b0250421f7db9d8e72edf000dd9b5d8c38d659d34f034a0";
    const OTHER: &str = "sha256:32058d3f49e8b0ef5a525ca147f1099a012f8c764d3123b22d90c61c21b8a766";
    const OTHER_ROOT: &str = "sha256:8c635f4035b578a985c1694f7a2fdd374d80261c7ccd79db60182a089abac91d";
    const CHILD: &str = "containerd.io/gc.ref.content.child";

    let mut store = two_images();
    let context = context();
    for (digest, size, labels) in [
        (PLAIN_CHILD, 12, vec![]),
        (PLAIN, 13, vec![label(CHILD, PLAIN_CHILD)]),
        (FLAT_CHILD, 11, vec![]),
        (FLAT, 12, vec![label(CHILD, FLAT_CHILD)]),
        (EXPIRED, 22, vec![]),
        (BAD, 19, vec![]),
        (FUTURE, 15, vec![]),
    ] {
        assert_eq!(
            store.put_content(&context, digest.as_bytes(), digest.as_bytes(), size, &labels),
            Ok(Put::Written)
        );
    }
    let other = Context { namespace: b"other", ..context };
    store.create_namespace(b"other", &[]).unwrap();
    for (digest, size, labels) in [
        (OTHER, 17, vec![]),
        (PLAIN_CHILD, 12, vec![]),
        (OTHER_ROOT, 11, vec![label("containerd.io/gc.root", "2022-11-30T12:55:56Z")]),
    ] {
        assert_eq!(
            store.put_content(&other, digest.as_bytes(), digest.as_bytes(), size, &labels),
            Ok(Put::Written)
        );
    }
    for (key, name, parent, labels) in [
        (&b"base-key"[..], &b"lease-base"[..], None, vec![]),
        (
            b"top-key",
            b"lease-top",
            Some(&b"lease-base"[..]),
            vec![label("containerd.io/gc.ref.content.x", PLAIN_CHILD)],
        ),
    ] {
        let new = NewSnapshot { snapshotter: b"native", key, parent, read_only: false, labels: &[] };
        store.prepare(&context, &new).unwrap();
        store.commit_snapshot(&context, b"native", name, key, &labels).unwrap();
    }

    let expire = |value| label("containerd.io/gc.expire", value);
    let flat = |value| label("containerd.io/gc.flat", value);
    for (id, labels) in [
        (&b"plain"[..], vec![]),
        (b"flat", vec![flat("true")]),
        (b"expired", vec![expire("2001-01-01T00:00:00Z")]),
        (b"future", vec![label("note", "x"), expire("2091-01-01T00:00:00+02:00")]),
        (b"badexpire", vec![expire("tomorrow")]),
        (b"flat-expired", vec![expire("2001-01-01T00:00:00.5Z"), flat("1")]),
    ] {
        store.create_lease(&context, id, &labels).unwrap();
    }
    for (lease, kind, id) in [
        (&b"plain"[..], &b"content"[..], PLAIN),
        (b"plain", b"snapshots/nosuch", "ghost"),
        (b"flat", b"content", FLAT),
        (b"flat", b"snapshots/native", "lease-top"),
        (b"expired", b"content", EXPIRED),
        (b"future", b"content", FUTURE),
        (b"badexpire", b"content", BAD),
        (b"flat-expired", b"content", EXPIRED),
    ] {
        store.add_resource(&context, lease, kind, id.as_bytes()).unwrap();
    }
    store.create_lease(&other, b"other-lease", &[]).unwrap();
    store.add_resource(&other, b"other-lease", b"content", OTHER.as_bytes()).unwrap();

    for (context, reference, expected) in [
        (Context { lease: Some(b"plain"), ..context }, &b"ingest/leased"[..], None),
        (Context { lease: Some(b"expired"), ..context }, b"ingest/expired", None),
        (context, b"ingest/free", None),
        (other, b"ingest/shared", Some(FLAT_CHILD.as_bytes())),
    ] {
        let mut writer = store.open_writer(&context, reference, expected, 0).unwrap();
        assert_eq!(writer.is_shared(), expected.is_some());
        store.close_writer(&mut writer);
    }

    assert_eq!(without_times(&store.tree), json::from_str(LEASES_INGESTS).unwrap());
    let sequence = |path: &[&[u8]]| look(&store, path).unwrap().sequence();
    assert_eq!(sequence(&[b"v1", b"default", b"snapshots", b"native"]), 10);
    assert_eq!(sequence(&[b"v1", b"other", b"content", b"ingests", b"ingest/shared"]), 1);
}

/// A tree with each time as the text `time`, sequence numbers as 0. A time is 15 bytes of version 1 in UTC.
fn without_times(tree: &Bucket) -> Bucket {
    let mut copy = tree.clone();
    let mut pending: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
    while let Some(path) = pending.pop() {
        let path: Vec<&[u8]> = path.iter().map(|key| &key[..]).collect();
        copy.set_sequence(&path, 0).unwrap();
        for (key, entry) in tree.view().at(&path).unwrap().iter() {
            match entry {
                Entry::Bucket(_) => {
                    pending.push(path.iter().map(|key| key.to_vec()).chain([key.to_vec()]).collect());
                }
                Entry::Value(value) if [&b"createdat"[..], b"updatedat", b"expireat"].contains(&key) => {
                    assert!(matches!(value, [1, .., 0xFF, 0xFF]) && value.len() == 15, "{value:?}");
                    copy.put(&path, key, b"time").unwrap();
                }
                Entry::Value(_) => {}
            }
        }
    }
    copy
}

/// What daemons were seen to do, beside which the world did otherwise.
#[test]
fn a_container_of_1_6_names_no_sandbox() {
    let id: &[&[u8]] = &[b"v1", b"default", b"containers", b"c"];
    for (release, expected) in
        [(Release::V1_6, None), (Release::V1_7Beta, Some(&b""[..])), (Release::V2_1, Some(b""))]
    {
        let mut store = Store::new(release);
        let (runtime, spec) = (b"runc".to_vec(), Some(b"spec".to_vec()));
        let container = Container { id: b"c".to_vec(), runtime, spec, ..Container::default() };
        store.create_container(&context(), &container).unwrap();
        assert_eq!(look(&store, id).unwrap().get(b"sandboxid"), expected, "{release}");
        store.update_container(&context(), &container, &[b"labels.a"]).unwrap();
        assert_eq!(look(&store, id).unwrap().get(b"sandboxid"), expected, "{release}");
    }
}

#[test]
fn a_namespace_of_1_6_shares_nothing_by_its_label() {
    for (release, expected) in [(Release::V1_6, None), (Release::V1_7Beta, Some(()))] {
        let mut store = Store::new(release);
        store.sharing = Sharing::Isolated;
        let giver = Context { namespace: b"giver", ..context() };
        store.put_content(&giver, b"blob", &digest('a'), 5, &[]).unwrap();
        store.set_namespace_label(b"giver", b"containerd.io/namespace.shareable", b"true").unwrap();
        let writer = store.open_writer(&context(), b"upload", Some(&digest('a')), 0).unwrap();
        assert_eq!(writer.is_shared().then_some(()), expected, "{release}");
    }
}

#[test]
fn an_image_is_looked_for_where_images_can_be() {
    let image = Image { name: b"i".to_vec(), ..Image::default() };
    for (namespace, expected) in [(&b"default"[..], ErrorKind::NotFound), (b"version", ErrorKind::Unknown)] {
        let mut store = Store::new(Release::V1_7);
        let context = Context { namespace, ..context() };
        let kind = refused(&mut store, |store| store.update_image(&context, &image, &[b"labels.a"]));
        assert_eq!(kind, expected);
    }
}

#[test]
fn an_ingest_is_made_before_its_lease_is_looked_for() {
    for (namespace, expected) in [(&b"default"[..], ErrorKind::NotFound), (b"version", ErrorKind::Unknown)] {
        let mut store = Store::new(Release::V1_7);
        let context = Context { namespace, lease: Some(b"missing"), ..context() };
        let kind = refused(&mut store, |store| store.open_writer(&context, b"upload", None, 0));
        assert_eq!(kind, expected);
    }
}

#[test]
fn an_empty_name_is_taken_for_a_value_where_there_is_nothing() {
    let mut store = Store::new(Release::V2_1);
    let delete = |store: &mut Store| refused(store, |store| store.delete_lease(&context(), b""));
    assert_eq!(delete(&mut store), ErrorKind::NotFound);
    store.create_lease(&context(), b"l", &[]).unwrap();
    assert_eq!(delete(&mut store), ErrorKind::NotFound);
    store.delete_lease(&context(), b"l").unwrap();
    assert_eq!(delete(&mut store), ErrorKind::Unknown);
}

#[test]
fn a_commit_under_no_name_is_a_plain_error_whether_or_not_there_is_such_a_snapshot() {
    let mut store = Store::new(Release::V1_7);
    let (snapshotter, key) = (&b"native"[..], &b"there"[..]);
    let new = NewSnapshot { snapshotter, key, parent: None, read_only: false, labels: &[] };
    store.prepare(&context(), &new).unwrap();
    for key in [&b"there"[..], b"missing"] {
        let kind = refused(&mut store, |store| store.commit_snapshot(&context(), b"native", b"", key, &[]));
        assert_eq!(kind, ErrorKind::Unknown);
    }
}
