use super::*;

const NATIVE: [&[u8]; 4] = [b"v1", b"default", b"snapshots", b"native"];
const NATIVE_LEASED: [&[u8]; 6] = [b"v1", b"default", b"leases", b"l", b"snapshots", b"native"];

fn new<'a>(key: &'a [u8], parent: Option<&'a [u8]>) -> NewSnapshot<'a> {
    NewSnapshot { snapshotter: b"native", key, parent, read_only: false, labels: &[] }
}

fn snapshot<'a>(store: &'a Store, key: &[u8]) -> Option<View<'a>> {
    look(store, &NATIVE).and_then(|snapshots| snapshots.bucket(key))
}

fn children(store: &Store, key: &[u8]) -> Option<Vec<Vec<u8>>> {
    keys(store, &[NATIVE[0], NATIVE[1], NATIVE[2], NATIVE[3], key, b"children"])
}

/// A store with the lease `l` and the committed snapshot `base`.
fn with_base(release: Release) -> Store {
    let mut store = Store::new(release);
    store.create_lease(&context(), b"l", &[]).unwrap();
    store.prepare(&context(), &new(b"base-key", None)).unwrap();
    store.commit_snapshot(&context(), b"native", b"base", b"base-key", &[]).unwrap();
    store
}

#[test]
fn a_prepared_snapshot_is_recorded_linked_and_leased() {
    let mut store = with_base(Release::V1_7Beta);
    let labels = [label("a", "1"), label("containerd.io/snapshot/x", "2")];
    store.prepare(&leased(b"l"), &NewSnapshot { labels: &labels, ..new(b"top", Some(b"base")) }).unwrap();
    let top = snapshot(&store, b"top").unwrap();
    assert_eq!(top.get(b"name"), Some(&b"default/3/top"[..]));
    assert_eq!(top.get(b"parent"), Some(&b"base"[..]));
    assert_eq!(top.get(b"createdat"), Some(&time::to_binary(at(0))[..]));
    assert!(top.bucket(b"children").is_none());
    assert_eq!(fields::read_map(top, b"labels"), labels);
    assert_eq!(children(&store, b"base"), Some(vec![b"top".to_vec()]));
    assert_eq!(keys(&store, &NATIVE_LEASED), Some(vec![b"top".to_vec()]));
    let backend = store.backend.snapshot(b"native", b"default/3/top").unwrap();
    assert_eq!((backend.kind, &backend.parent[..]), (SnapshotKind::Active, &b"default/2/base"[..]));
    // The backend inherits only labels of its own.
    assert_eq!(backend.labels, labels[1..]);
}

#[test]
fn a_snapshot_needs_a_parent_that_exists_and_is_committed_in_the_backend() {
    let mut store = with_base(Release::V1_7Beta);
    store.prepare(&context(), &new(b"active", Some(b"base"))).unwrap();
    let kind = refused(&mut store, |store| store.prepare(&context(), &new(b"top", Some(b"gone"))));
    assert_eq!(kind, ErrorKind::NotFound);
    // The first transaction stands when the backend refuses: a sequence number is used up.
    let error = store.prepare(&context(), &new(b"top", Some(b"active"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert_eq!(look(&store, &NATIVE).unwrap().sequence(), 4);
    assert!(snapshot(&store, b"top").is_none());
    assert_eq!(store.backend.snapshots(b"native").count(), 2);

    let kind = refused(&mut store, |store| {
        let labels = [label("k", &"v".repeat(4096))];
        store.prepare(&context(), &NewSnapshot { labels: &labels, ..new(b"top", None) })
    });
    assert_eq!(kind, ErrorKind::InvalidArgument);
}

/// 19.
#[test]
fn a_snapshot_that_exists_is_leased_only_from_1_7_on() {
    let wanted = [label("containerd.io/snapshot.ref", "base")];
    for (release, is_leased) in [(Release::V1_6, false), (Release::V1_7Beta, false), (Release::V1_7, true)] {
        for operation in 0..3 {
            let mut store = with_base(release);
            store.prepare(&context(), &new(b"second", None)).unwrap();
            let before = store.tree.clone();
            let result = match operation {
                0 => store.prepare(&leased(b"l"), &new(b"base", None)),
                1 => store.prepare(&leased(b"l"), &NewSnapshot { labels: &wanted, ..new(b"key", None) }),
                _ => store.commit_snapshot(&leased(b"l"), b"native", b"base", b"second", &[]),
            };
            assert_eq!(result.unwrap_err().kind, ErrorKind::AlreadyExists, "{release} {operation}");
            let held = keys(&store, &NATIVE_LEASED);
            assert_eq!(held, is_leased.then(|| vec![b"base".to_vec()]), "{release} {operation}");
            assert_eq!(store.tree == before, !is_leased);
        }
    }
    let mut store = with_base(Release::V1_7);
    let kind = refused(&mut store, |store| store.prepare(&leased(b"gone"), &new(b"base", None)));
    assert_eq!(kind, ErrorKind::NotFound);
}

/// #11908's and #3787's window: a collection between the two transactions.
#[test]
fn a_parent_may_go_between_the_two_transactions() {
    let mut store = with_base(Release::V1_7Beta);
    let Ok(Prepared::Begun(preparation)) = store.prepare_begin(&leased(b"l"), &new(b"top", Some(b"base")))
    else {
        panic!("there is no such snapshot yet");
    };
    assert!(snapshot(&store, b"top").is_none());
    assert!(store.backend.snapshot(b"native", b"default/3/top").is_some());
    store.tree.delete_bucket(&NATIVE, b"base").unwrap();
    assert_eq!(store.clean_up_snapshots(b"native").unwrap_err().kind, ErrorKind::Blocked);
    let kind = refused(&mut store, |store| store.prepare_finish(preparation));
    assert_eq!(kind, ErrorKind::NotFound);
    // What the backend had made is removed again, and the lock is free.
    assert_eq!(store.backend.snapshot(b"native", b"default/3/top"), None);
    assert_eq!(store.clean_up_snapshots(b"native").unwrap(), [b"default/2/base"[..].into()]);
}

#[test]
fn of_two_preparations_of_one_key_the_later_leases_it_and_answers_already_exists() {
    let mut store = with_base(Release::V1_7Beta);
    let Ok(Prepared::Begun(later)) = store.prepare_begin(&leased(b"l"), &new(b"top", Some(b"base"))) else {
        panic!("there is no such snapshot yet");
    };
    store.prepare(&context(), &new(b"top", None)).unwrap();
    assert_eq!(store.prepare_finish(later).unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(keys(&store, &NATIVE_LEASED), Some(vec![b"top".to_vec()]));
    assert_eq!(snapshot(&store, b"top").unwrap().get(b"name"), Some(&b"default/4/top"[..]));
    assert_eq!(store.backend.snapshot(b"native", b"default/3/top"), None);

    // A parent that was replaced meanwhile is another one.
    let Ok(Prepared::Begun(late)) = store.prepare_begin(&context(), &new(b"late", Some(b"base"))) else {
        panic!("there is no such snapshot yet");
    };
    store.remove_snapshot(&context(), b"native", b"base").unwrap();
    store.prepare(&context(), &new(b"base", None)).unwrap();
    let kind = refused(&mut store, |store| store.prepare_finish(late));
    assert_eq!(kind, ErrorKind::InvalidArgument);

    // And the lease may go.
    let Ok(Prepared::Begun(late)) = store.prepare_begin(&leased(b"l"), &new(b"late", None)) else {
        panic!("there is no such snapshot yet");
    };
    store.delete_lease(&context(), b"l").unwrap();
    let kind = refused(&mut store, |store| store.prepare_finish(late));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn a_commit_moves_lease_and_link_from_the_key_to_the_name() {
    let mut store = with_base(Release::V1_7Beta);
    store
        .prepare(&leased(b"l"), &NewSnapshot { labels: &[label("a", "1")], ..new(b"key", Some(b"base")) })
        .unwrap();
    store.commit_snapshot(&leased(b"l"), b"native", b"name", b"key", &[label("b", "2")]).unwrap();
    assert!(snapshot(&store, b"key").is_none());
    let committed = snapshot(&store, b"name").unwrap();
    assert_eq!(committed.get(b"name"), Some(&b"default/4/name"[..]));
    assert_eq!(committed.get(b"parent"), Some(&b"base"[..]));
    assert_eq!(fields::read_map(committed, b"labels"), [label("b", "2")]);
    assert_eq!(children(&store, b"base"), Some(vec![b"name".to_vec()]));
    assert_eq!(keys(&store, &NATIVE_LEASED), Some(vec![b"name".to_vec()]));
    let backend = store.backend.snapshot(b"native", b"default/4/name").unwrap();
    assert_eq!(backend.kind, SnapshotKind::Committed);
    assert_eq!(backend.parent, b"default/2/base");
}

#[test]
fn a_commit_needs_an_active_snapshot() {
    let mut store = with_base(Release::V1_7Beta);
    store.prepare(&context(), &NewSnapshot { read_only: true, ..new(b"view", Some(b"base")) }).unwrap();
    let mut commit = |name: &[u8], key: &[u8]| {
        refused(&mut store, |store| store.commit_snapshot(&context(), b"native", name, key, &[]))
    };
    assert_eq!(commit(b"new", b"view"), ErrorKind::FailedPrecondition);
    assert_eq!(commit(b"new", b"base"), ErrorKind::FailedPrecondition);
    assert_eq!(commit(b"new", b"gone"), ErrorKind::NotFound);
    assert_eq!(commit(b"base", b"view"), ErrorKind::AlreadyExists);
    // bbolt's refusal of an empty name has no kind.
    assert_eq!(commit(b"", b"view"), ErrorKind::Unknown);
    let kind = refused(&mut store, |store| store.commit_snapshot(&context(), b"other", b"n", b"view", &[]));
    assert_eq!(kind, ErrorKind::NotFound);
    let kind =
        refused(&mut store, |store| store.commit_snapshot(&leased(b"x"), b"native", b"n", b"view", &[]));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn a_snapshot_with_children_stays_and_one_without_is_unlinked() {
    let mut store = with_base(Release::V1_7Beta);
    store.prepare(&leased(b"l"), &new(b"top", Some(b"base"))).unwrap();
    let kind = refused(&mut store, |store| store.remove_snapshot(&context(), b"native", b"base"));
    assert_eq!(kind, ErrorKind::FailedPrecondition);
    store.remove_snapshot(&leased(b"l"), b"native", b"top").unwrap();
    assert_eq!(children(&store, b"base"), Some(vec![]));
    assert_eq!(keys(&store, &NATIVE_LEASED), Some(vec![]));
    assert_eq!(store.dirty.count, 1);
    assert!(store.dirty.snapshotters.contains(&b"native"[..]));
    // The backend's waits for a clean-up.
    assert_eq!(store.backend.snapshots(b"native").count(), 2);
    assert_eq!(store.clean_up_snapshots(b"native").unwrap(), [b"default/3/top"[..].into()]);
    store.remove_snapshot(&context(), b"native", b"base").unwrap();
    for (snapshotter, key) in [(&b"native"[..], &b"base"[..]), (b"other", b"base")] {
        let kind = refused(&mut store, |store| store.remove_snapshot(&context(), snapshotter, key));
        assert_eq!(kind, ErrorKind::NotFound);
    }
}

/// L1: a collection takes the child's bucket and leaves the link.
#[test]
fn a_stale_link_to_a_child_keeps_the_parent_for_ever() {
    let mut store = with_base(Release::V1_7Beta);
    store.prepare(&context(), &new(b"top", Some(b"base"))).unwrap();
    store.tree.delete_bucket(&NATIVE, b"top").unwrap();
    let kind = refused(&mut store, |store| store.remove_snapshot(&context(), b"native", b"base"));
    assert_eq!(kind, ErrorKind::FailedPrecondition);

    // The other way round, a child whose parent was collected cannot be removed by a client either.
    store.prepare(&context(), &new(b"orphan", Some(b"base"))).unwrap();
    store.tree.delete_bucket(&NATIVE, b"base").unwrap();
    let kind = refused(&mut store, |store| store.remove_snapshot(&context(), b"native", b"orphan"));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn labels_reach_the_backend_as_far_as_it_inherits_them() {
    let mut store = with_base(Release::V1_7Beta);
    let labels = [label("a", "1"), label("containerd.io/snapshot/x", "2")];
    store.update_snapshot(&context(), b"native", b"base", &labels, &[]).unwrap();
    assert_eq!(fields::read_map(snapshot(&store, b"base").unwrap(), b"labels"), labels);
    assert_eq!(store.backend.snapshot(b"native", b"default/2/base").unwrap().labels, labels[1..]);
    store.update_snapshot(&context(), b"native", b"base", &[], &[b"labels.a"]).unwrap();
    assert_eq!(fields::read_map(snapshot(&store, b"base").unwrap(), b"labels"), labels[1..]);

    let mut update = |key: &[u8], paths: &[&[u8]]| {
        refused(&mut store, |store| store.update_snapshot(&context(), b"native", key, &labels, paths))
    };
    assert_eq!(update(b"base", &[b"parent"]), ErrorKind::InvalidArgument);
    assert_eq!(update(b"", &[]), ErrorKind::InvalidArgument);
    assert_eq!(update(b"gone", &[]), ErrorKind::NotFound);
    store.backend = Backend::default();
    let kind =
        refused(&mut store, |store| store.update_snapshot(&context(), b"native", b"base", &labels, &[]));
    assert_eq!(kind, ErrorKind::NotFound);
}

#[test]
fn a_clean_up_prunes_from_the_leaves_and_passes_over_parents_in_use() {
    let mut store = with_base(Release::V1_7Beta);
    for (name, key, parent) in [(b"a", b"1", &b"base"[..]), (b"b", b"2", b"a"), (b"c", b"3", b"b")] {
        store.prepare(&context(), &new(key, Some(parent))).unwrap();
        store.commit_snapshot(&context(), b"native", name, key, &[]).unwrap();
    }
    for gone in [b"base".as_slice(), b"a", b"c"] {
        store.tree.delete_bucket(&NATIVE, gone).unwrap();
    }
    // b is known: c goes, a and base have children that stay.
    assert_eq!(store.clean_up_snapshots(b"native").unwrap(), [b"default/8/c"[..].into()]);
    store.tree.delete_bucket(&NATIVE, b"b").unwrap();
    let removed = store.clean_up_snapshots(b"native").unwrap();
    assert_eq!(removed, [&b"default/6/b"[..], b"default/4/a", b"default/2/base"].map(Box::from));
    assert_eq!(store.clean_up_snapshots(b"native"), Ok(vec![]));
    assert_eq!(store.clean_up_snapshots(b"never"), Ok(vec![]));
}

#[test]
fn what_an_earlier_namespace_left_in_the_backend_is_in_the_way_or_adopted() {
    let wanted = [label("containerd.io/snapshot.ref", "chain")];
    let mut store = Store::new(Release::V1_7Beta);
    let prepare =
        |store: &mut Store, labels| store.prepare(&context(), &NewSnapshot { labels, ..new(b"key", None) });
    prepare(&mut store, &wanted).unwrap();
    store.commit_snapshot(&context(), b"native", b"chain", b"key", &wanted).unwrap();
    prepare(&mut store, &[]).unwrap();
    // Emptied and deleted with its namespace before any clean-up: sequence numbers begin anew.
    for key in [&b"chain"[..], b"key"] {
        store.remove_snapshot(&context(), b"native", key).unwrap();
    }
    store.delete_namespace(b"default").unwrap();
    let later = Context { now: at(60), ..context() };
    prepare(&mut store, &[]).unwrap();
    prepare(&mut store, &[]).unwrap_err();
    store.tree.delete_bucket(&NATIVE, b"key").unwrap();
    // Sequence 2 is `default/2/chain` in the backend, not `default/2/key`; 3 is the second `key`.
    prepare(&mut store, &[]).unwrap();
    store.tree.delete_bucket(&NATIVE, b"key").unwrap();
    let error = prepare(&mut store.clone(), &[]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unknown, "{error}");
    let error = store.prepare(&later, &NewSnapshot { labels: &wanted, ..new(b"key", None) }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists, "{error}");
    let adopted = snapshot(&store, b"chain").unwrap();
    assert_eq!(adopted.get(b"name"), Some(&b"default/2/chain"[..]));
    assert_eq!(adopted.get(b"createdat"), Some(&time::to_binary(at(0))[..]));
}
