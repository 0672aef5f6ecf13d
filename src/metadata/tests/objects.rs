//! Namespaces, leases, images, containers, sandboxes, migrations.

use super::*;
use crate::bucket::Bucket;
use std::time::Duration;

fn image(name: &[u8]) -> Image {
    Image {
        name: name.to_vec(),
        digest: digest('a'),
        media_type: b"application/vnd.oci.image.manifest.v1+json".to_vec(),
        size: 5,
        ..Image::default()
    }
}

fn container(id: &[u8]) -> Container {
    Container {
        id: id.to_vec(),
        runtime: b"io.containerd.runc.v2".to_vec(),
        spec: Some(b"\x0a\x01x\x12\x02{}".to_vec()),
        ..Container::default()
    }
}

fn sandbox(id: &[u8]) -> Sandbox {
    Sandbox { id: id.to_vec(), runtime: b"runc".to_vec(), ..Sandbox::default() }
}

#[test]
fn a_namespace_is_created_by_name_or_by_the_first_write() {
    let mut store = Store::new(Release::V1_7Beta);
    store.create_namespace(b"made", &[label("a", "1"), label("empty", "")]).unwrap();
    let labels: [&[u8]; 3] = [b"v1", b"made", b"labels"];
    assert_eq!(look(&store, &labels).unwrap().get(b"empty"), Some(&b""[..]));
    store.create_lease(&context(), b"l", &[]).unwrap();
    assert_eq!(keys(&store, &[b"v1", b"default"]), Some(vec![b"leases".to_vec()]));

    let mut create =
        |name: &[u8], labels: &[Label]| refused(&mut store, |store| store.create_namespace(name, labels));
    assert_eq!(create(b"made", &[]), ErrorKind::AlreadyExists);
    assert_eq!(create(b"a b", &[]), ErrorKind::InvalidArgument);
    assert_eq!(create(b"", &[]), ErrorKind::InvalidArgument);
    assert_eq!(create(b"large", &[label("k", &"v".repeat(4096))]), ErrorKind::InvalidArgument);
    assert_eq!(create(b"nameless", &[label("", "v")]), ErrorKind::Unknown);
    // The version stands where a namespace of this name would.
    assert_eq!(create(b"version", &[]), ErrorKind::Unknown);
}

#[test]
fn a_namespaces_label_is_set_and_dropped_and_creates_it() {
    let mut store = Store::new(Release::V1_7Beta);
    let labels: [&[u8]; 3] = [b"v1", b"made by the label", b"labels"];
    store.set_namespace_label(labels[1], b"k", b"v").unwrap();
    assert_eq!(look(&store, &labels).unwrap().get(b"k"), Some(&b"v"[..]));
    store.set_namespace_label(labels[1], b"k", b"").unwrap();
    assert!(look(&store, &labels).unwrap().is_empty());
    let kind = refused(&mut store, |store| store.set_namespace_label(b"n", b"k", &[b'v'; 4096]));
    assert_eq!(kind, ErrorKind::InvalidArgument);
}

/// L17: what lies in a namespace beside the four kinds goes with it, and nothing becomes dirty.
#[test]
fn a_namespace_goes_unless_it_has_images_blobs_containers_or_snapshots() {
    let snapshot =
        NewSnapshot { snapshotter: b"native", key: b"s", parent: None, read_only: false, labels: &[] };
    for (what, make) in [
        (
            "images",
            &(|store: &mut Store| store.create_image(&context(), &image(b"i"))) as &dyn Fn(&mut Store) -> _,
        ),
        ("blobs", &|store| store.put_content(&context(), b"r", &digest('a'), 1, &[]).map(|_| ())),
        ("containers", &|store| store.create_container(&context(), &container(b"c"))),
        ("snapshots of \"native\"", &|store| store.prepare(&context(), &snapshot)),
    ] {
        let mut store = Store::new(Release::V1_7Beta);
        make(&mut store).unwrap();
        let error = store.clone().delete_namespace(b"default").unwrap_err();
        assert_eq!(error.kind, ErrorKind::FailedPrecondition);
        assert!(error.message.ends_with(&format!("it has {what}")), "{error}");
        let kind = refused(&mut store, |store| store.delete_namespace(b"default"));
        assert_eq!(kind, ErrorKind::FailedPrecondition);
    }
    let mut store = Store::new(Release::V2_0);
    store.create_lease(&context(), b"l", &[]).unwrap();
    store.open_writer(&context(), b"ref", None, 0).unwrap();
    store.create_sandbox(&context(), &sandbox(b"s")).unwrap();
    store.delete_namespace(b"default").unwrap();
    assert!(look(&store, &[b"v1", b"default"]).is_none());
    assert_eq!(store.dirty, Dirty::default());
    assert!(store.backend.ingest(b"default/1/ref").is_some());

    assert_eq!(refused(&mut store, |store| store.delete_namespace(b"default")), ErrorKind::NotFound);
    // 40.
    store.tree = Bucket::new();
    assert_eq!(refused(&mut store, |store| store.delete_namespace(b"default")), ErrorKind::Crash);
}

#[test]
fn a_lease_has_a_time_and_labels_that_nobody_checks() {
    let mut store = Store::new(Release::V1_7Beta);
    let id = b"with spaces / and a slash";
    store.create_lease(&context(), id, &[label("k", &"v".repeat(10_000))]).unwrap();
    let lease = look(&store, &[b"v1", b"default", b"leases", id]).unwrap();
    assert_eq!(lease.get(b"createdat"), Some(&time::to_binary(at(0))[..]));
    assert_eq!(lease.bucket(b"labels").unwrap().get(b"k").map(<[u8]>::len), Some(10_000));
    assert_eq!(store.leases(&context()).unwrap(), [id.to_vec()]);

    let mut create = |id: &[u8]| refused(&mut store, |store| store.create_lease(&context(), id, &[]));
    assert_eq!(create(id), ErrorKind::AlreadyExists);
    assert_eq!(create(b""), ErrorKind::Unknown);
    store.delete_lease(&context(), id).unwrap();
    assert_eq!(store.dirty.count, 1);
    assert_eq!(refused(&mut store, |store| store.delete_lease(&context(), id)), ErrorKind::NotFound);
}

/// L15.
#[test]
fn an_expiration_is_a_label_in_whole_seconds() {
    let now = Instant { nanoseconds: 205_000_000, ..time::from_unix(1_672_531_200, 0) };
    assert_eq!(expiration(now, Duration::from_millis(600)), b"2023-01-01T00:00:00Z");
    assert_eq!(expiration(now, Duration::from_millis(800)), b"2023-01-01T00:00:01Z");
    assert_eq!(expiration(now, Duration::from_secs(86_400)), b"2023-01-02T00:00:00Z");
}

#[test]
fn a_lease_takes_resources_by_kind_and_lists_them_in_order() {
    let mut store = Store::new(Release::V1_7Beta);
    store.create_lease(&context(), b"l", &[]).unwrap();
    let content = digest('a');
    let resources = [
        (&b"content"[..], &content[..]),
        (b"ingests", b"ref / any"),
        (b"snapshots/native", b"key"),
        (b"snapshots/other", b"key"),
    ];
    for (kind, id) in resources.iter().rev() {
        store.add_resource(&context(), b"l", kind, id).unwrap();
        store.add_resource(&context(), b"l", kind, id).unwrap();
    }
    let listed = store.resources(&context(), b"l").unwrap();
    assert_eq!(listed, resources.map(|(kind, id)| Resource { kind: kind.to_vec(), id: id.to_vec() }));

    for (kind, id, expected) in [
        (&b"content"[..], &b"sha256:short"[..], ErrorKind::InvalidArgument),
        (b"content/x", &content, ErrorKind::InvalidArgument),
        (b"ingests/x", b"ref", ErrorKind::InvalidArgument),
        (b"snapshots", b"key", ErrorKind::InvalidArgument),
        (b"snapshots/a/b", b"key", ErrorKind::InvalidArgument),
        (b"snapshots/", b"key", ErrorKind::Unknown),
        (b"ingests", b"", ErrorKind::Unknown),
        (b"images", b"i", ErrorKind::NotImplemented),
        (b"", b"i", ErrorKind::NotImplemented),
    ] {
        let added = refused(&mut store, |store| store.add_resource(&context(), b"l", kind, id));
        assert_eq!(added, expected, "{}", kind.escape_ascii());
    }
    let kind = refused(&mut store, |store| store.add_resource(&context(), b"x", b"content", &content));
    assert_eq!(kind, ErrorKind::NotFound);
    assert_eq!(refused(&mut store, |store| store.resources(&context(), b"x")), ErrorKind::NotFound);
}

#[test]
fn dropping_a_resource_wants_a_collection_even_where_there_was_none() {
    let mut store = Store::new(Release::V1_7Beta);
    store.create_lease(&context(), b"l", &[]).unwrap();
    store.add_resource(&context(), b"l", b"content", &digest('a')).unwrap();
    for count in 1..=2 {
        store.delete_resource(&context(), b"l", b"content", &digest('a')).unwrap();
        assert_eq!(store.resources(&context(), b"l"), Ok(vec![]));
        assert_eq!(store.dirty.count, count);
    }
    let kind = refused(&mut store, |store| store.delete_resource(&context(), b"x", b"ingests", b"r"));
    assert_eq!(kind, ErrorKind::NotFound);
    let kind = refused(&mut store, |store| store.delete_resource(&context(), b"l", b"nonsense", b"r"));
    assert_eq!(kind, ErrorKind::NotImplemented);
}

#[test]
fn images_are_lease_resources_from_2_0() {
    let mut store = Store::new(Release::V2_0);
    store.create_lease(&context(), b"l", &[]).unwrap();
    let plain = image(b"plain");
    let expiring = Image { labels: vec![label("containerd.io/gc.expire", "x")], ..image(b"expiring") };
    store.create_image(&leased(b"l"), &plain).unwrap();
    store.create_image(&leased(b"l"), &expiring).unwrap();
    let images = |store: &Store| keys(store, &[b"v1", b"default", b"leases", b"l", b"images"]);
    assert_eq!(images(&store), Some(vec![b"expiring".to_vec()]));
    store.update_image(&leased(b"l"), &Image { labels: expiring.labels.clone(), ..plain }, &[]).unwrap();
    assert_eq!(images(&store), Some(vec![b"expiring".to_vec(), b"plain".to_vec()]));
    store.add_resource(&context(), b"l", b"content", &digest('a')).unwrap();
    store.add_resource(&context(), b"l", b"ingests", b"r").unwrap();
    let kinds: Vec<Vec<u8>> =
        store.resources(&context(), b"l").unwrap().into_iter().map(|resource| resource.kind).collect();
    assert_eq!(kinds, [&b"content"[..], b"images", b"images", b"ingests"]);
    store.delete_image(&leased(b"l"), b"plain").unwrap();
    assert_eq!(images(&store), Some(vec![b"expiring".to_vec()]));
    // L12: the lease's entry is rolled back with the rest.
    store.create_lease(&context(), b"m", &[]).unwrap();
    let kind = refused(&mut store, |store| store.create_image(&leased(b"m"), &expiring));
    assert_eq!(kind, ErrorKind::AlreadyExists);
    let other = Image { name: b"other".to_vec(), ..expiring.clone() };
    assert_eq!(refused(&mut store, |store| store.create_image(&leased(b"x"), &other)), ErrorKind::NotFound);

    let mut seed = Store::new(Release::V1_7Beta);
    seed.create_lease(&context(), b"l", &[]).unwrap();
    seed.create_image(&leased(b"l"), &expiring).unwrap();
    seed.create_image(&leased(b"gone"), &other).unwrap();
    assert_eq!(images(&seed), None);
}

#[test]
fn an_image_needs_a_name_a_digest_a_size_and_a_media_type() {
    let mut store = Store::new(Release::V1_7Beta);
    for bad in [
        Image { name: vec![], ..image(b"i") },
        Image { digest: b"sha256:ab".to_vec(), ..image(b"i") },
        Image { digest: vec![], ..image(b"i") },
        Image { size: 0, ..image(b"i") },
        Image { size: -1, ..image(b"i") },
        Image { media_type: vec![], ..image(b"i") },
        Image { labels: vec![label("k", &"v".repeat(4096))], ..image(b"i") },
    ] {
        let kind = refused(&mut store, |store| store.create_image(&context(), &bad));
        assert_eq!(kind, ErrorKind::InvalidArgument, "{bad:?}");
    }
    // Names are free otherwise.
    store.create_image(&context(), &image(b"any name: /\xFF")).unwrap();
    let kind = refused(&mut store, |store| store.create_image(&context(), &image(b"any name: /\xFF")));
    assert_eq!(kind, ErrorKind::AlreadyExists);
}

#[test]
fn an_image_is_updated_field_by_field_or_replaced() {
    let mut store = Store::new(Release::V1_7Beta);
    let first = Image {
        labels: vec![label("a", "1"), label("b", "2")],
        annotations: vec![label("x", "1"), label("y", "2")],
        ..image(b"i")
    };
    store.create_image(&context(), &first).unwrap();
    let later = Context { now: at(9), ..context() };
    let path: [&[u8]; 4] = [b"v1", b"default", b"images", b"i"];
    let maps = |store: &Store| {
        let image = look(store, &path).unwrap();
        (fields::read_map(image, b"labels"), fields::read_map(image, b"annotations"))
    };
    let target = |store: &Store| {
        look(store, &path).unwrap().bucket(b"target").unwrap().get(b"digest").map(<[u8]>::to_vec)
    };
    let second = Image { labels: vec![label("c", "3")], digest: digest('b'), ..image(b"i") };

    store.update_image(&later, &second, &[b"labels.c", b"labels.a", b"annotations.x"]).unwrap();
    assert_eq!(maps(&store), (vec![label("b", "2"), label("c", "3")], vec![label("y", "2")]));
    assert_eq!(target(&store), Some(digest('a')));
    store.update_image(&later, &second, &[b"labels"]).unwrap();
    assert_eq!(maps(&store), (vec![label("c", "3")], vec![label("y", "2")]));
    store.update_image(&later, &second, &[b"target"]).unwrap();
    assert_eq!((maps(&store).1, target(&store)), (vec![], Some(digest('b'))));
    store.update_image(&later, &first, &[b"annotations"]).unwrap();
    assert_eq!((maps(&store).1, target(&store)), (first.annotations.clone(), Some(digest('b'))));
    store.update_image(&later, &second, &[]).unwrap();
    let image_bucket = look(&store, &path).unwrap();
    assert!(image_bucket.bucket(b"annotations").is_none());
    assert_eq!(image_bucket.get(b"createdat"), Some(&time::to_binary(at(0))[..]));
    assert_eq!(image_bucket.get(b"updatedat"), Some(&time::to_binary(at(9))[..]));
    assert_eq!(store.dirty, Dirty::default());

    let mut update = |image: &Image, paths: &[&[u8]]| {
        refused(&mut store, |store| store.update_image(&later, image, paths))
    };
    assert_eq!(update(&second, &[b"name"]), ErrorKind::InvalidArgument);
    assert_eq!(update(&Image { size: 0, ..second.clone() }, &[]), ErrorKind::InvalidArgument);
    assert_eq!(update(&image(b""), &[]), ErrorKind::InvalidArgument);
    assert_eq!(update(&image(b"gone"), &[]), ErrorKind::NotFound);
    store.tree.delete_bucket(&path, b"target").unwrap();
    assert_eq!(refused(&mut store, |store| store.update_image(&later, &second, &[])), ErrorKind::Unknown);
    store.delete_image(&context(), b"i").unwrap();
    assert_eq!(store.dirty.count, 1);
    assert_eq!(refused(&mut store, |store| store.delete_image(&context(), b"i")), ErrorKind::NotFound);
}

/// The record that a daemon 1.7.24 wrote for such a container.
#[test]
fn a_container_is_what_a_daemon_writes() {
    let mut store = Store::new(Release::V1_7);
    let hand = Container {
        labels: vec![label("app", "demo")],
        snapshotter: b"native".to_vec(),
        snapshot_key: b"sc".to_vec(),
        runtime_options: Some(b"\x0a\x02op".to_vec()),
        extensions: vec![label("e", "")],
        ..container(b"hand-c1")
    };
    store.create_container(&context(), &hand).unwrap();
    let mut expected = crate::bucket::json::from_str(
        r#"{"extensions": {"e": ""}, "image": "", "labels": {"app": "demo"}, "runtime": {"name": "io.containerd.runc.v2",
            "options": "base64:CgJvcA=="}, "sandboxid": "", "snapshotKey": "sc", "snapshotter": "native",
            "spec": "base64:CgF4EgJ7fQ=="}"#,
    )
    .unwrap();
    for key in [b"createdat", b"updatedat"] {
        expected.put(&[], key, &time::to_binary(at(0))).unwrap();
    }
    assert_eq!(look(&store, &[b"v1", b"default", b"containers", b"hand-c1"]), Some(expected.view()));
}

#[test]
fn a_container_needs_an_identifier_a_runtime_and_a_spec() {
    let mut store = Store::new(Release::V1_7Beta);
    for bad in [
        container(b""),
        container(b"a/b"),
        Container { runtime: vec![], ..container(b"c") },
        Container { spec: None, ..container(b"c") },
        Container { snapshot_key: b"s".to_vec(), ..container(b"c") },
        Container { extensions: vec![label("", "x")], ..container(b"c") },
        Container { labels: vec![label("k", &"v".repeat(4096))], ..container(b"c") },
    ] {
        let kind = refused(&mut store, |store| store.create_container(&context(), &bad));
        assert_eq!(kind, ErrorKind::InvalidArgument, "{bad:?}");
    }
    // Neither image nor snapshot need exist, and a snapshotter's name is free (L19).
    let good = Container {
        image: b"no such".to_vec(),
        snapshotter: b"over/lay".to_vec(),
        snapshot_key: b"no such".to_vec(),
        ..container(b"c")
    };
    store.create_container(&context(), &good).unwrap();
    let kind = refused(&mut store, |store| store.create_container(&context(), &good));
    assert_eq!(kind, ErrorKind::AlreadyExists);
    store.delete_container(&context(), b"c").unwrap();
    assert_eq!(store.dirty.count, 1);
    assert_eq!(refused(&mut store, |store| store.delete_container(&context(), b"c")), ErrorKind::NotFound);
}

#[test]
fn a_containers_snapshotter_and_runtime_never_change_and_extensions_are_only_added() {
    let mut store = Store::new(Release::V1_7Beta);
    let first = Container {
        snapshotter: b"native".to_vec(),
        snapshot_key: b"s".to_vec(),
        labels: vec![label("a", "1")],
        extensions: vec![label("e", "1")],
        sandbox: b"pod".to_vec(),
        ..container(b"c")
    };
    store.create_container(&context(), &first).unwrap();
    let mut update = |container: &Container, paths: &[&[u8]]| {
        refused(&mut store, |store| store.update_container(&context(), container, paths))
    };
    for bad in [
        Container { snapshotter: b"other".to_vec(), ..first.clone() },
        Container { runtime: b"other".to_vec(), ..first.clone() },
        Container { spec: None, ..first.clone() },
    ] {
        assert_eq!(update(&bad, &[]), ErrorKind::InvalidArgument);
    }
    assert_eq!(update(&first, &[b"snapshotter"]), ErrorKind::InvalidArgument);
    assert_eq!(update(&container(b""), &[]), ErrorKind::InvalidArgument);
    assert_eq!(update(&container(b"gone"), &[]), ErrorKind::NotFound);

    let second = Container {
        labels: vec![label("b", "2")],
        extensions: vec![label("f", "2")],
        image: b"i".to_vec(),
        sandbox: b"ignored".to_vec(),
        ..first.clone()
    };
    store.update_container(&context(), &second, &[b"labels.b", b"extensions.f"]).unwrap();
    let read = |store: &Store| {
        let path: [&[u8]; 4] = [b"v1", b"default", b"containers", b"c"];
        Container::read(b"c", look(store, &path).unwrap()).unwrap()
    };
    let labels = vec![label("a", "1"), label("b", "2")];
    let extensions = vec![label("e", "1"), label("f", "2")];
    assert_eq!(read(&store), Container { labels, extensions: extensions.clone(), ..first.clone() });
    let paths: [&[u8]; 3] = [b"image", b"snapshotkey", b"spec"];
    store
        .update_container(&context(), &Container { snapshot_key: b"t".to_vec(), ..second.clone() }, &paths)
        .unwrap();
    assert_eq!((&read(&store).image[..], &read(&store).snapshot_key[..]), (&b"i"[..], &b"t"[..]));
    store.update_container(&context(), &second, &[]).unwrap();
    assert_eq!(read(&store), Container { extensions, sandbox: b"pod".to_vec(), ..second });
}

/// 24, L18.
#[test]
fn sandboxes_lie_at_the_root_up_to_1_7_and_below_v1_from_2_0() {
    for (release, path) in [
        (Release::V1_7Beta, &[&b"default"[..], b"sandboxes", b"s"][..]),
        (Release::V1_7, &[b"default", b"sandboxes", b"s"]),
        (Release::V2_0, &[b"v1", b"default", b"sandboxes", b"s"]),
    ] {
        let mut store = Store::new(release);
        let labels = vec![label("k", &"v".repeat(5000))];
        store.create_sandbox(&context(), &Sandbox { labels, ..sandbox(b"s") }).unwrap();
        let there = look(&store, path).unwrap();
        assert_eq!(there.get(b"sandboxer").is_some(), release == Release::V2_0);
        assert_eq!(there.get(b"spec"), None);
        assert_eq!(there.bucket(b"runtime").unwrap().get(b"name"), Some(&b"runc"[..]));
        assert_eq!(there.bucket(b"labels").unwrap().get(b"k").map(<[u8]>::len), Some(5000));
    }
    let mut store = Store::new(Release::V1_7Beta);
    store.create_sandbox(&Context { namespace: b"v1", ..context() }, &sandbox(b"images")).unwrap();
    assert!(look(&store, &[b"v1", b"sandboxes", b"images"]).is_some());
    let none = Store::new(Release::V1_6).create_sandbox(&context(), &sandbox(b"s")).unwrap_err();
    assert_eq!(none.kind, ErrorKind::NotImplemented);
}

#[test]
fn a_sandbox_is_created_updated_and_deleted_by_its_identifier() {
    for (release, missing) in [(Release::V1_7Beta, ErrorKind::Unknown), (Release::V2_0, ErrorKind::NotFound)]
    {
        let mut store = Store::new(release);
        assert_eq!(refused(&mut store, |store| store.delete_sandbox(&context(), b"s")), ErrorKind::NotFound);
        let kind = refused(&mut store, |store| store.create_sandbox(&context(), &sandbox(b"a b")));
        assert_eq!(kind, ErrorKind::InvalidArgument);
        let zero = Context { now: fields::ZERO_TIME, ..context() };
        let kind = refused(&mut store, |store| store.create_sandbox(&zero, &sandbox(b"s")));
        assert_eq!(kind, ErrorKind::InvalidArgument);
        store.create_sandbox(&context(), &sandbox(b"s")).unwrap();
        let kind = refused(&mut store, |store| store.create_sandbox(&context(), &sandbox(b"s")));
        assert_eq!(kind, ErrorKind::AlreadyExists);

        let changed = Sandbox { labels: vec![label("a", "1")], spec: Some(vec![1]), ..sandbox(b"s") };
        let mut update = |sandbox: &Sandbox, paths: &[&[u8]]| {
            refused(&mut store, |store| store.update_sandbox(&context(), sandbox, paths))
        };
        assert_eq!(update(&Sandbox { runtime: vec![], ..changed.clone() }, &[]), ErrorKind::InvalidArgument);
        assert_eq!(update(&changed, &[b"id"]), ErrorKind::InvalidArgument);
        assert_eq!(update(&sandbox(b"gone"), &[]), ErrorKind::NotFound);
        store.update_sandbox(&context(), &changed, &[b"labels.a"]).unwrap();
        let path = [b"v1", &b"default"[..], b"sandboxes", b"s"];
        let path = if release == Release::V1_7Beta { &path[1..] } else { &path[..] };
        let read = |store: &Store| Sandbox::read(b"s", look(store, path).unwrap()).unwrap();
        assert_eq!(read(&store), Sandbox { spec: None, ..changed.clone() });
        let extensions = vec![label("e", "1")];
        store.update_sandbox(&context(), &Sandbox { extensions, ..changed.clone() }, &[]).unwrap();
        assert_eq!(read(&store), Sandbox { extensions: vec![label("e", "1")], ..changed });

        store.delete_sandbox(&context(), b"s").unwrap();
        assert_eq!(store.dirty, Dirty::default());
        assert_eq!(refused(&mut store, |store| store.delete_sandbox(&context(), b"s")), missing);
    }
}

#[test]
fn an_old_database_is_brought_up_to_date_once() {
    let old = crate::bucket::json::from_str(
        r#"{"v1": {"n": {"content": {"ingest": {"ref": "bref"}},
            "snapshots": {"s": {"child": {"parent": "p"}, "orphan": {"parent": "gone"}, "p": {}}}}},
            "n": {"sandboxes": {"box": {"runtime": {"name": "r"}, "spec": "x"}}, "other": {}}}"#,
    )
    .unwrap();
    let seed = crate::bucket::json::from_str(
        r#"{"v1": {"version": "base64:Bg==", "n": {"content": {"ingests": {"ref": {"ref": "bref"}}},
            "snapshots": {"s": {"child": {"parent": "p"}, "orphan": {"parent": "gone"},
            "p": {"children": {"child": ""}}}}}},
            "n": {"sandboxes": {"box": {"runtime": {"name": "r"}, "spec": "x"}}, "other": {}}}"#,
    )
    .unwrap();
    let newest = crate::bucket::json::from_str(
        r#"{"v1": {"version": "\b", "n": {"content": {"ingests": {"ref": {"ref": "bref"}}},
            "sandboxes": {"box": {"runtime": {"name": "r"}, "spec": "x"}},
            "snapshots": {"s": {"child": {"parent": "p"}, "orphan": {"parent": "gone"},
            "p": {"children": {"child": ""}}}}}}}"#,
    )
    .unwrap();
    assert_eq!(Store::open(old.clone(), Release::V1_7Beta).unwrap().tree, seed);
    assert_eq!(Store::open(old, Release::V2_4).unwrap().tree, newest);
    assert_eq!(Store::open(seed.clone(), Release::V2_0).unwrap().tree, newest);
    // A downgrade opens as it is.
    assert_eq!(Store::open(newest.clone(), Release::V1_7Beta).unwrap().tree, newest);
    // #11629.
    let mut crashing = seed;
    crashing.put(&[], b"key", b"value").unwrap();
    assert_eq!(Store::open(crashing, Release::V2_0).unwrap_err().kind, ErrorKind::Crash);
}
