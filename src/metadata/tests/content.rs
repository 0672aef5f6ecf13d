use super::super::put::Whole;
use super::*;

const BLOBS: [&[u8]; 4] = [b"v1", b"default", b"content", b"blob"];
const INGESTS: [&[u8]; 4] = [b"v1", b"default", b"content", b"ingests"];

fn blob<'a>(store: &'a Store, digest: &[u8]) -> Option<View<'a>> {
    look(store, &BLOBS).and_then(|blobs| blobs.bucket(digest))
}

fn ingest<'a>(store: &'a Store, reference: &[u8]) -> Option<View<'a>> {
    look(store, &INGESTS).and_then(|ingests| ingests.bucket(reference))
}

/// The keys that a lease of `default` has in one of its buckets.
fn held(store: &Store, lease: &[u8], kind: &[u8]) -> Vec<Vec<u8>> {
    keys(store, &[b"v1", b"default", b"leases", lease, kind]).unwrap_or_default()
}

fn with_lease(id: &[u8]) -> Store {
    let mut store = Store::new(Release::V1_7Beta);
    store.create_lease(&context(), id, &[]).unwrap();
    store
}

#[test]
fn a_namespace_is_needed_and_must_be_an_identifier() {
    let mut store = Store::new(Release::V1_7Beta);
    let mut put = |namespace: &[u8]| {
        store
            .put_content(&Context { namespace, ..context() }, b"ref", &digest('a'), 1, &[])
            .map_err(|error| error.kind)
    };
    assert_eq!(put(b""), Err(ErrorKind::FailedPrecondition));
    for namespace in [&b"a b"[..], b"-a", b"a-", b"a..b", b"a/b", "ü".as_bytes(), &[b'a'; 77]] {
        assert_eq!(put(namespace), Err(ErrorKind::InvalidArgument), "{}", namespace.escape_ascii());
    }
    for namespace in [&b"a"[..], b"k8s.io", b"A-1_b.c", b"v1", &[b'a'; 76]] {
        assert_eq!(put(namespace), Ok(Put::Written), "{}", namespace.escape_ascii());
    }
}

#[test]
fn a_committed_blob_has_times_size_and_labels_and_its_ingest_is_gone() {
    let mut store = Store::new(Release::V1_7Beta);
    let labels = [label("b", "2"), label("a", "1"), label("dropped", "")];
    assert_eq!(store.put_content(&context(), b"ref", &digest('a'), 300, &labels), Ok(Put::Written));
    let blob = blob(&store, &digest('a')).unwrap();
    assert_eq!(blob.get(b"createdat"), Some(&time::to_binary(at(0))[..]));
    assert_eq!(blob.get(b"updatedat"), blob.get(b"createdat"));
    assert_eq!(blob.get(b"size"), Some(&[0xD8, 0x04][..]));
    let labels = blob.bucket(b"labels").unwrap();
    assert!(labels.iter().map(|(key, _)| key).eq([b"a", b"b"]));
    assert_eq!(keys(&store, &INGESTS), Some(vec![]));
    assert_eq!(store.backend.blob(&digest('a')), Some(300));
    assert_eq!(store.backend.ingests().count(), 0);
    assert_eq!(store.read_content(&context(), &digest('a')), Ok(300));
    // Nothing was deleted.
    assert_eq!(store.dirty, Dirty::default());
}

#[test]
fn a_map_of_empty_labels_leaves_an_empty_bucket_and_an_empty_map_none() {
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"a", &digest('a'), 1, &[label("k", "")]).unwrap();
    store.put_content(&context(), b"b", &digest('b'), 1, &[]).unwrap();
    assert!(blob(&store, &digest('a')).unwrap().bucket(b"labels").unwrap().is_empty());
    assert!(blob(&store, &digest('b')).unwrap().bucket(b"labels").is_none());
}

#[test]
fn a_label_has_at_most_4096_bytes() {
    let mut store = Store::new(Release::V1_7Beta);
    let of_size = |size: usize| [label("key", &"v".repeat(size - 3))];
    assert_eq!(store.put_content(&context(), b"ref", &digest('a'), 1, &of_size(4096)), Ok(Put::Written));
    let mut writer = store.open_writer(&context(), b"ref", None, 0).unwrap();
    let kind =
        refused(&mut store, |store| store.commit_writer(&context(), &mut writer, 0, None, &of_size(4097)));
    assert_eq!(kind, ErrorKind::InvalidArgument);
    assert!(!writer.is_open());
    let kind =
        refused(&mut store, |store| store.update_content(&context(), &digest('a'), &of_size(4097), &[]));
    assert_eq!(kind, ErrorKind::InvalidArgument);
}

#[test]
fn an_ingest_without_a_lease_lives_for_a_day_from_its_last_opening() {
    let mut store = Store::new(Release::V1_7Beta);
    for seconds in [0, 100] {
        let context = Context { now: at(seconds), ..context() };
        let mut writer = store.open_writer(&context, b"ref", None, 0).unwrap();
        store.close_writer(&mut writer);
        let expire_at = time::to_binary(at(seconds + 86_400));
        assert_eq!(ingest(&store, b"ref").unwrap().get(b"expireat"), Some(&expire_at[..]));
    }
    assert_eq!(ingest(&store, b"ref").unwrap().get(b"ref"), Some(&b"default/1/ref"[..]));
    assert_eq!(ingest(&store, b"ref").unwrap().sequence(), 1);
    let kind = refused(&mut store, |store| store.open_writer(&context(), b"", None, 0));
    assert_eq!(kind, ErrorKind::InvalidArgument);
}

#[test]
fn an_ingest_with_a_lease_has_no_expiry_but_keeps_one_that_it_has() {
    let mut store = with_lease(b"l");
    let mut writer = store.open_writer(&leased(b"l"), b"ref", None, 0).unwrap();
    store.close_writer(&mut writer);
    assert_eq!(ingest(&store, b"ref").unwrap().get(b"expireat"), None);
    assert_eq!(held(&store, b"l", b"ingests"), [b"ref"]);

    let mut writer = store.open_writer(&context(), b"free", None, 0).unwrap();
    store.close_writer(&mut writer);
    store.open_writer(&leased(b"l"), b"free", None, 0).unwrap();
    assert!(ingest(&store, b"free").unwrap().get(b"expireat").is_some());
    assert_eq!(held(&store, b"l", b"ingests"), [&b"free"[..], b"ref"]);

    let kind = refused(&mut store, |store| store.open_writer(&leased(b"gone"), b"x", None, 0));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn a_reference_is_locked_while_its_writer_is_open() {
    let mut store = Store::new(Release::V1_7Beta);
    let mut writer = store.open_writer(&context(), b"ref", None, 10).unwrap();
    let kind = refused(&mut store, |store| store.open_writer(&context(), b"ref", None, 10));
    assert_eq!(kind, ErrorKind::Unavailable);
    store.write(&mut writer, &digest('a'), 4).unwrap();
    store.close_writer(&mut writer);
    // Resumed where it was; the same reference in another namespace is another one.
    let resumed = store.open_writer(&context(), b"ref", None, 10).unwrap();
    assert!(resumed.is_open());
    let there = store.backend.ingest(b"default/1/ref").unwrap();
    assert_eq!((there.offset, there.total, there.digest), (4, 10, digest('a')));
    store.open_writer(&Context { namespace: b"other", ..context() }, b"ref", None, 10).unwrap();
}

#[test]
fn a_writer_of_what_the_namespace_has_leases_it_and_answers_already_exists() {
    let mut store = with_lease(b"l");
    store.put_content(&context(), b"ref", &digest('a'), 1, &[]).unwrap();
    let error = store.open_writer(&leased(b"l"), b"again", Some(&digest('a')), 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert!(error.message.contains("sha256:aaaa"), "{error}");
    assert_eq!(held(&store, b"l", b"content"), [digest('a')]);
    assert!(ingest(&store, b"again").is_none());

    let kind = refused(&mut store, |store| store.open_writer(&leased(b"gone"), b"x", Some(&digest('a')), 1));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn a_commit_of_what_the_namespace_has_leases_it_and_drops_the_ingest() {
    let mut store = with_lease(b"l");
    let mut loser = store.open_writer(&leased(b"l"), b"loser", None, 0).unwrap();
    store.write(&mut loser, &digest('a'), 1).unwrap();
    store.put_content(&context(), b"winner", &digest('a'), 1, &[label("kept", "1")]).unwrap();
    let error = store.commit_writer(&leased(b"l"), &mut loser, 1, Some(&digest('a')), &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert_eq!(held(&store, b"l", b"content"), [digest('a')]);
    assert_eq!(held(&store, b"l", b"ingests"), [b""; 0]);
    assert!(ingest(&store, b"loser").is_none());
    // The record is the winner's.
    assert!(blob(&store, &digest('a')).unwrap().bucket(b"labels").is_some());
}

#[test]
fn a_commit_checks_size_and_digest() {
    let mut store = Store::new(Release::V1_7Beta);
    for (size, expected) in [(2, None), (1, Some(digest('b')))] {
        let mut writer = store.open_writer(&context(), b"ref", None, 0).unwrap();
        store.write(&mut writer, &digest('a'), 1).unwrap();
        let kind = refused(&mut store, |store| {
            store.commit_writer(&context(), &mut writer, size, expected.as_deref(), &[])
        });
        assert_eq!(kind, ErrorKind::FailedPrecondition);
        assert!(!writer.is_open() && !store.backend.is_locked(&writer.backend_reference));
        // A closed writer neither writes nor commits.
        let kind = refused(&mut store, |store| store.write(&mut writer, &digest('a'), 1));
        assert_eq!(kind, ErrorKind::FailedPrecondition);
        let kind = refused(&mut store, |store| store.commit_writer(&context(), &mut writer, 0, None, &[]));
        assert_eq!(kind, ErrorKind::FailedPrecondition);
    }
    let mut writer = store.open_writer(&context(), b"ref", None, 0).unwrap();
    store.commit_writer(&context(), &mut writer, 1, Some(&digest('a')), &[]).unwrap();
    assert!(blob(&store, &digest('a')).is_some());
}

#[test]
fn a_commit_under_a_lease_that_is_gone_leaves_the_blob_in_the_backend_alone() {
    let mut store = with_lease(b"l");
    let mut writer = store.open_writer(&leased(b"l"), b"ref", None, 0).unwrap();
    store.write(&mut writer, &digest('a'), 1).unwrap();
    store.delete_lease(&context(), b"l").unwrap();
    let kind = refused(&mut store, |store| store.commit_writer(&leased(b"l"), &mut writer, 1, None, &[]));
    assert_eq!(kind, ErrorKind::NotFound);
    assert_eq!(store.backend.blob(&digest('a')), Some(1));
    assert!(ingest(&store, b"ref").is_some() && blob(&store, &digest('a')).is_none());
}

/// L5.
#[test]
fn a_commit_uses_the_lease_of_its_own_context() {
    let mut store = with_lease(b"l");
    let mut writer = store.open_writer(&leased(b"l"), b"ref", None, 0).unwrap();
    store.write(&mut writer, &digest('a'), 1).unwrap();
    store.commit_writer(&context(), &mut writer, 1, None, &[]).unwrap();
    assert_eq!(held(&store, b"l", b"ingests"), [b"ref"]);
    assert_eq!(held(&store, b"l", b"content"), [b""; 0]);
}

#[test]
fn content_is_shared_by_policy_or_by_a_shareable_namespace_and_only_at_its_size() {
    let other = Context { namespace: b"other", ..context() };
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 7, &[]).unwrap();
    let is_shared = |store: &Store, size| {
        let mut store = store.clone();
        let writer = store.open_writer(&other, b"r", Some(&digest('a')), size).unwrap();
        let path: [&[u8]; 5] = [b"v1", b"other", b"content", b"ingests", b"r"];
        let expected = look(&store, &path).unwrap().get(b"expected");
        assert_eq!(expected.is_some(), writer.is_shared());
        assert_eq!(store.backend.ingest(b"other/1/r").is_none(), writer.is_shared());
        writer.is_shared()
    };
    assert!(is_shared(&store, 0) && is_shared(&store, 7) && !is_shared(&store, 8));
    store.sharing = Sharing::Isolated;
    assert!(!is_shared(&store, 7));
    store.set_namespace_label(b"default", b"containerd.io/namespace.shareable", b"yes").unwrap();
    assert!(!is_shared(&store, 7));
    store.set_namespace_label(b"default", b"containerd.io/namespace.shareable", b"true").unwrap();
    assert!(is_shared(&store, 7));

    let mut writer = store.open_writer(&other, b"r", Some(&digest('a')), 0).unwrap();
    let kind = refused(&mut store, |store| store.commit_writer(&other, &mut writer, 8, None, &[]));
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    let kind =
        refused(&mut store, |store| store.commit_writer(&other, &mut writer, 7, Some(&digest('b')), &[]));
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    store.commit_writer(&other, &mut writer, 0, None, &[]).unwrap();
    assert_eq!(store.read_content(&other, &digest('a')), Ok(7));
}

/// L3.
#[test]
fn a_commit_on_shared_content_does_not_look_whether_the_backend_has_it() {
    let other = Context { namespace: b"other", ..context() };
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 7, &[]).unwrap();
    let mut writer = store.open_writer(&other, b"r", Some(&digest('a')), 0).unwrap();
    // While the ingest stands, its expected digest is kept in the backend.
    store.delete_content(&context(), &digest('a')).unwrap();
    assert_eq!(store.clean_up_content(), CleanedContent::default());
    // A collection takes the expired ingest away.
    store.tree.delete_bucket(&[b"v1", b"other", b"content", b"ingests"], b"r").unwrap();
    assert_eq!(store.clean_up_content().blobs, [digest('a').into()]);
    store.commit_writer(&other, &mut writer, 0, None, &[]).unwrap();
    assert_eq!(store.read_content(&other, &digest('a')).unwrap_err().kind, ErrorKind::NotFound);
    assert!(look(&store, &[b"v1", b"other", b"content", b"blob", &digest('a')]).is_some());
}

#[test]
fn writing_to_shared_content_copies_it_first() {
    let other = Context { namespace: b"other", ..context() };
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 7, &[]).unwrap();
    let mut writer = store.open_writer(&other, b"r", Some(&digest('a')), 0).unwrap();
    store.write(&mut writer, &digest('b'), 9).unwrap();
    assert!(writer.is_open());
    assert_eq!(store.backend.ingest(b"other/1/r").unwrap().offset, 9);

    let mut late = store.open_writer(&other, b"late", Some(&digest('a')), 0).unwrap();
    store.backend = Backend::default();
    let kind = refused(&mut store, |store| store.write(&mut late, &digest('b'), 9));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn an_abort_drops_the_ingest_from_database_lease_and_backend() {
    let mut store = with_lease(b"l");
    let mut writer = store.open_writer(&leased(b"l"), b"ref", None, 0).unwrap();
    store.abort(&leased(b"l"), b"ref").unwrap();
    assert!(ingest(&store, b"ref").is_none());
    assert_eq!(held(&store, b"l", b"ingests"), [b""; 0]);
    assert_eq!(store.backend.ingests().count(), 0);
    // The writer is still there and keeps the reference.
    let kind = refused(&mut store, |store| store.open_writer(&context(), b"ref", None, 0));
    assert_eq!(kind, ErrorKind::Unavailable);
    // Its data cannot be committed any more.
    store.write(&mut writer, &digest('a'), 1).unwrap();
    let kind = refused(&mut store, |store| store.commit_writer(&context(), &mut writer, 1, None, &[]));
    assert_eq!(kind, ErrorKind::Unknown);

    for reference in [&b"ref"[..], b"never", b""] {
        let kind = refused(&mut store, |store| store.abort(&context(), reference));
        assert_eq!(kind, ErrorKind::NotFound);
    }
}

/// L23.
#[test]
fn an_ingest_once_shared_stays_marked_expected() {
    let other = Context { namespace: b"other", ..context() };
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 7, &[]).unwrap();
    store.open_writer(&other, b"r", Some(&digest('a')), 0).unwrap();
    let mut writer = store.open_writer(&other, b"r", None, 0).unwrap();
    assert!(!writer.is_shared());
    store.close_writer(&mut writer);
    store.abort(&other, b"r").unwrap();
    assert!(store.backend.ingest(b"other/1/r").is_some());
    assert_eq!(store.clean_up_content().ingests, [b"other/1/r"[..].into()]);
}

#[test]
fn labels_are_replaced_as_a_whole_or_one_by_one() {
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 1, &[label("a", "1"), label("b", "2")]).unwrap();
    let later = Context { now: at(60), ..context() };
    let labels = |store: &Store| fields::read_map(blob(store, &digest('a')).unwrap(), b"labels");
    store.update_content(&later, &digest('a'), &[label("c", "3")], &[b"labels.c", b"labels.a"]).unwrap();
    assert_eq!(labels(&store), [label("b", "2"), label("c", "3")]);
    assert_eq!(blob(&store, &digest('a')).unwrap().get(b"createdat"), Some(&time::to_binary(at(0))[..]));
    assert_eq!(blob(&store, &digest('a')).unwrap().get(b"updatedat"), Some(&time::to_binary(at(60))[..]));
    store.update_content(&later, &digest('a'), &[label("d", "4")], &[b"labels"]).unwrap();
    assert_eq!(labels(&store), [label("d", "4")]);
    store.update_content(&later, &digest('a'), &[], &[]).unwrap();
    assert!(blob(&store, &digest('a')).unwrap().bucket(b"labels").is_none());

    let kind = refused(&mut store, |store| store.update_content(&later, &digest('a'), &[], &[b"size"]));
    assert_eq!(kind, ErrorKind::InvalidArgument);
    let kind = refused(&mut store, |store| store.update_content(&later, &digest('b'), &[], &[]));
    assert_eq!(kind, ErrorKind::NotFound);
    store.tree.put(&[BLOBS[0], BLOBS[1], BLOBS[2], BLOBS[3], &digest('a')], b"createdat", b"").unwrap();
    let kind = refused(&mut store, |store| store.update_content(&later, &digest('a'), &[], &[]));
    assert_eq!(kind, ErrorKind::Unknown);
}

#[test]
fn a_deleted_blob_leaves_the_lease_in_use_and_stays_in_others() {
    let mut store = with_lease(b"l");
    store.create_lease(&context(), b"m", &[]).unwrap();
    store.put_content(&leased(b"l"), b"ref", &digest('a'), 1, &[]).unwrap();
    store.add_resource(&context(), b"m", b"content", &digest('a')).unwrap();
    store.delete_content(&leased(b"l"), &digest('a')).unwrap();
    assert_eq!(held(&store, b"l", b"content"), [b""; 0]);
    assert_eq!(held(&store, b"m", b"content"), [digest('a')]);
    assert_eq!((store.dirty.count, store.dirty.content), (1, true));
    assert_eq!(store.backend.blob(&digest('a')), Some(1));
    let kind = refused(&mut store, |store| store.delete_content(&context(), &digest('a')));
    assert_eq!(kind, ErrorKind::NotFound);
    // A lease in use that does not exist is no error for what is removed.
    store.put_content(&context(), b"ref", &digest('a'), 1, &[]).unwrap();
    store.delete_content(&leased(b"gone"), &digest('a')).unwrap();
}

#[test]
fn a_clean_up_keeps_every_namespaces_blobs_and_ingests() {
    let other = Context { namespace: b"other", ..context() };
    let mut store = Store::new(Release::V1_7Beta);
    for (context, digit) in [(context(), 'a'), (other, 'b'), (other, 'c')] {
        store.put_content(&context, b"ref", &digest(digit), 1, &[]).unwrap();
    }
    for reference in [b"kept", b"gone"] {
        store.open_writer(&context(), reference, None, 0).unwrap();
    }
    store.tree.delete_bucket(&INGESTS, b"gone").unwrap();
    store.delete_content(&other, &digest('c')).unwrap();
    let cleaned = store.clean_up_content();
    assert_eq!(cleaned.blobs, [digest('c').into()]);
    assert_eq!(cleaned.ingests, [b"default/1/gone"[..].into()]);
    assert_eq!(store.backend.blobs().count(), 2);
    assert_eq!(store.clean_up_content(), CleanedContent::default());
}

#[test]
fn a_collection_hands_over_what_to_clean_up_and_resets_the_marks() {
    let mut store = Store::new(Release::V1_7Beta);
    store.put_content(&context(), b"ref", &digest('a'), 1, &[]).unwrap();
    store.delete_content(&context(), &digest('a')).unwrap();
    store.collection_failed(false, [&b"overlayfs"[..]]);
    let tree = store.tree.clone();
    let clean_up = store.collected(tree, false, [&b"native"[..]]);
    let snapshotters = vec![b"native"[..].into(), b"overlayfs"[..].into()];
    assert_eq!(clean_up, CleanUp { content: true, snapshotters });
    assert_eq!(store.dirty, Dirty::default());
}

#[test]
fn digests_are_read_as_go_reads_them() {
    let valid = |text: &str| validate::digest(text.as_bytes()).map_err(|error| error.to_string());
    let hex = |length: usize| "0a".repeat(length / 2);
    for (algorithm, length) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        assert_eq!(valid(&format!("{algorithm}:{}", hex(length))), Ok(()));
        assert_eq!(
            valid(&format!("{algorithm}:{}", hex(length - 2))),
            Err("invalid checksum digest length".to_owned())
        );
    }
    for text in ["sha1:ab", "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "x:=_-"] {
        assert_eq!(valid(text), Err("unsupported digest algorithm".to_owned()), "{text}");
    }
    let upper = format!("sha256:{}", "AB".repeat(32));
    for text in ["", "sha256", "sha256:", ":ab", "x++y:ab", "X:ab", "x:a:b", "x:a b", &upper] {
        assert_eq!(valid(text), Err("invalid checksum digest format".to_owned()), "{text}");
    }
}

/// Putting content whole skips the steps where nobody can see them; in worlds of all kinds, sound and damaged, it
/// comes to what the steps come to.
#[test]
fn putting_at_once_is_putting_step_by_step() {
    use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut results = std::collections::BTreeMap::new();
    let path: [&[u8]; 5] = [b"v1", b"default", b"leases", b"l", b"ingests"];
    for _ in 0..300 {
        let mut store = Store::new(Release::V1_7Beta);
        for step in 0..40 {
            let namespace: &[u8] =
                [&b"default"[..], b"other", b"bad name"][[0, 0, 0, 1, 1, 2][rng.random_range(0..6)]];
            let lease = [None, Some(&b"l"[..]), Some(b"gone")][rng.random_range(0..3)];
            let context = Context { namespace, lease, now: at(step) };
            let digest = digest(char::from(b'a' + rng.random_range(0..4)));
            let reference = [&b"r"[..], b"q", b""][[0, 0, 0, 1, 1, 2][rng.random_range(0..6)]];
            let size = rng.random_range(0..3);
            // Whatever is done here may fail.
            match rng.random_range(0..14) {
                0 => store.create_lease(&context, b"l", &[]).unwrap_or_default(),
                1 => store.delete_lease(&context, b"l").unwrap_or_default(),
                2 => drop(store.open_writer(&context, reference, Some(&digest), size)),
                3 => store.abort(&context, reference).unwrap_or_default(),
                4 => store.delete_content(&context, &digest).unwrap_or_default(),
                5 => drop(store.clean_up_content()),
                6 => store.sharing = [Sharing::Shared, Sharing::Isolated][rng.random_range(0..2)],
                7 => store.tree.put(&path[..4], b"ingests", b"v").unwrap_or_default(),
                8 => store.tree.create_bucket(&path, b"r").unwrap_or_default(),
                9 => store.tree.put(&[b"v1", namespace], b"content", b"v").unwrap_or_default(),
                10 => store.tree.put(&path, b"r", b"").unwrap_or_default(),
                _ => {
                    let labels = [label("b", "1"), label(["a", ""][rng.random_range(0..2)], "2")];
                    let labels = &labels[..rng.random_range(0..3)];
                    let mut steps = store.clone();
                    let content = Whole { reference, digest: &digest, size, labels };
                    let stepped = steps.put_step_by_step(&context, content);
                    let put = store.put_content(&context, reference, &digest, size, labels);
                    assert_eq!(put, stepped);
                    assert_eq!(store, steps);
                    *results.entry(put.map_err(|error| error.message)).or_insert(0) += 1;
                }
            }
        }
    }
    // Both ways of success came up, and failures of many kinds.
    assert!(results[&Ok(Put::Written)] > 300 && results[&Ok(Put::Existed)] > 50, "{results:?}");
    assert!(results.len() > 8, "{results:?}");
}
