//! One test a rule: what is accepted and what is refused.

mod content;
mod daemon;
mod objects;
mod snapshots;
mod streams;

use super::*;
use crate::bucket::View;
use crate::schema::time;

/// A digest that is well-formed: one hexadecimal digit, repeated.
fn digest(digit: char) -> Vec<u8> {
    format!("sha256:{}", digit.to_string().repeat(64)).into_bytes()
}

/// Seconds of the tests' clock.
fn at(seconds: i64) -> Instant {
    time::from_unix(1_700_000_000 + seconds, 5)
}

/// A context in namespace `default` without a lease.
fn context() -> Context<'static> {
    Context { namespace: b"default", lease: None, now: at(0) }
}

/// The same with a lease in use.
fn leased(lease: &[u8]) -> Context<'_> {
    Context { lease: Some(lease), ..context() }
}

fn label(key: &str, value: &str) -> Label {
    (key.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// The bucket at a path; absent if there is none.
fn look<'a>(store: &'a Store, path: &[&[u8]]) -> Option<View<'a>> {
    store.tree.view().at(path)
}

/// The keys of a bucket.
fn keys(store: &Store, path: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    look(store, path).map(|bucket| bucket.iter().map(|(key, _)| key.to_vec()).collect())
}

/// The kind of error, after checking that the tree is as it was.
fn refused<T: std::fmt::Debug>(
    store: &mut Store,
    operation: impl FnOnce(&mut Store) -> Result<T, Error>,
) -> ErrorKind {
    let before = (store.tree.clone(), store.dirty.clone());
    let error = operation(store).expect_err("the operation is refused");
    assert_eq!((&store.tree, &store.dirty), (&before.0, &before.1), "{error}");
    error.kind
}

#[test]
fn a_fresh_database_holds_its_version_and_nothing_else() {
    for (release, version) in
        [(Release::V1_6, 3), (Release::V1_7Beta, 3), (Release::V1_7, 3), (Release::V2_0, 4)]
    {
        let store = Store::new(release);
        assert_eq!(keys(&store, &[]), Some(vec![b"v1".to_vec()]));
        assert_eq!(look(&store, &[b"v1"]).and_then(|v1| v1.get(b"version")), Some(&[version * 2][..]));
    }
}

#[test]
fn a_refused_operation_changes_nothing_even_in_a_damaged_tree() {
    // A value where the operation needs a bucket, met only after earlier writes.
    let mut store = Store::new(Release::V1_7Beta);
    store.create_lease(&context(), b"l", &[]).unwrap();
    store.tree.put(&[b"v1", b"default"], b"content", b"value").unwrap();
    let kind = refused(&mut store, |store| store.put_content(&leased(b"l"), b"ref", &digest('a'), 1, &[]));
    assert_eq!(kind, ErrorKind::Unknown);
}
