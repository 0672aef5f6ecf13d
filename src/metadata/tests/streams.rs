use super::super::streams::Streams;
use super::*;
use crate::node::{Kind, Node};

const RELEASES: [Release; 3] = [Release::V1_7Beta, Release::V1_7, Release::V2_4];

fn with_streams(release: Release) -> Streams {
    let mut streams = Streams::default();
    streams.register(&context(), release, b"free").unwrap();
    streams.register(&leased(b"l"), release, b"held").unwrap();
    streams
}

#[test]
fn a_stream_without_a_lease_is_active_and_one_with_a_lease_is_leased() {
    for release in RELEASES {
        let stream = |name: &[u8]| Node::new(release.type_of(Kind::Stream).unwrap(), b"default", name);
        let mut streams = with_streams(release);
        let collector = streams.start(release).unwrap().unwrap();
        assert_eq!(collector.reference_label, b"stream");
        assert_eq!(collector.all, [stream(b"free"), stream(b"held")]);
        let active: Vec<Node> = collector.active.iter().map(|active| active.node.clone()).collect();
        assert_eq!(active, [stream(b"free")]);
        let leased: Vec<_> =
            collector.leased.iter().map(|leased| (&*leased.lease, leased.node.clone())).collect();
        assert_eq!(leased, [(&b"l"[..], stream(b"held"))]);
    }
}

#[test]
fn names_are_taken_once_a_namespace_and_closing_twice_is_no_error() {
    let mut streams = with_streams(Release::V1_7Beta);
    let again = streams.register(&leased(b"l"), Release::V1_7Beta, b"free").unwrap_err();
    assert_eq!(again.kind, ErrorKind::AlreadyExists);
    streams.register(&Context { namespace: b"other", ..context() }, Release::V1_7Beta, b"free").unwrap();
    streams.close(b"default", b"free").unwrap();
    streams.close(b"default", b"free").unwrap();
    assert_eq!(streams.iter().count(), 2);
    let none = Streams::default().register(&context(), Release::V1_6, b"s").unwrap_err();
    assert_eq!(none.kind, ErrorKind::NotImplemented);
    assert_eq!(Streams::default().start(Release::V1_6), Ok(None));
}

/// 22.
#[test]
fn ending_a_stream_locks_the_manager_out_at_the_seed_only() {
    for release in RELEASES {
        let mut streams = with_streams(release);
        let collector = streams.start(release).unwrap().unwrap();
        assert_eq!(streams.register(&context(), release, b"x").unwrap_err().kind, ErrorKind::Blocked);
        let finished = streams.finish(release, &collector.all[1..]);
        assert_eq!(streams.iter().map(|(_, name, _)| name).collect::<Vec<_>>(), [b"free"]);
        assert_eq!(streams.is_stuck(), release == Release::V1_7Beta);
        if release == Release::V1_7Beta {
            assert_eq!(finished.unwrap_err().kind, ErrorKind::Deadlock);
            assert_eq!(streams.start(release).unwrap_err().kind, ErrorKind::Deadlock);
            assert_eq!(streams.register(&context(), release, b"x").unwrap_err().kind, ErrorKind::Deadlock);
            assert_eq!(streams.close(b"default", b"free").unwrap_err().kind, ErrorKind::Deadlock);
        } else {
            assert_eq!(finished, Ok(()));
            assert!(streams.start(release).is_ok());
        }
    }
}

#[test]
fn a_collection_that_ends_no_stream_unlocks_and_a_forgotten_one_does_not() {
    let mut streams = with_streams(Release::V1_7Beta);
    streams.start(Release::V1_7Beta).unwrap();
    let missing = Node::new(Release::V1_7Beta.type_of(Kind::Stream).unwrap(), b"default", b"missing");
    streams.finish(Release::V1_7Beta, [&missing]).unwrap();
    streams.start(Release::V1_7Beta).unwrap();
    streams.cancel();
    streams.start(Release::V1_7Beta).unwrap();
    streams.forgotten();
    assert!(streams.is_stuck());
    streams.cancel();
    assert!(streams.is_stuck());
}
