use super::*;
use crate::engine::Call;
use crate::node::{Node, NodeRef, ResourceType};
use crate::scenario::{Line, Step, generate, parse};
use arbitrary::Unstructured;

/// The world after these steps, and what came of the last of them.
fn after(text: &str) -> (World, Applied) {
    continued(World::new(parse(text.as_bytes()).unwrap().release), text)
}

fn continued(mut world: World, text: &str) -> (World, Applied) {
    let mut applied = Applied::default();
    for line in parse(text.as_bytes()).unwrap().lines {
        applied = world.apply(&line);
    }
    (world, applied)
}

fn kind(applied: &Applied) -> Option<ErrorKind> {
    applied.refused.as_ref().map(|error| error.kind)
}

/// What the last step of a text is refused with.
fn last_kind(text: &str) -> Option<ErrorKind> {
    kind(&after(text).1)
}

fn has(world: &World, path: &[&str]) -> bool {
    let keys: Vec<&[u8]> = path.iter().map(|key| key.as_bytes()).collect();
    let (key, around) = keys.split_last().unwrap();
    world.store().tree.view().at(around).and_then(|bucket| bucket.entry(key)).is_some()
}

fn expects(world: &World, assertion: &str) -> Result<(), Unmet> {
    let scenario = parse(format!("expect {assertion}").as_bytes()).unwrap();
    let Step::Expect(assertion) = &scenario.lines[0].step else { panic!("no assertion") };
    world.expects(None, assertion).map_err(|mut unmet| unmet.remove(0))
}

#[test]
fn a_raw_step_says_which_bucket_is_missing() {
    let said = |text| after(text).1.refused.expect("it is refused").to_string();
    for (text, missing) in [
        ("raw put v1/default/images/main/x y", "bucket not found: there is none at v1/default"),
        (
            "namespace create n\nraw delete v1/n/images/main/x",
            "bucket not found: there is none at v1/n/images",
        ),
        (
            "namespace create n\nraw sequence v1/n/images/main 7",
            "bucket not found: there is none at v1/n/images",
        ),
    ] {
        assert!(said(text).contains(missing), "{text}: {}", said(text));
    }
    assert!(!said("raw delete v1/none").contains("there is none"), "{}", said("raw delete v1/none"));
}

#[test]
fn a_world_that_was_cloned_stays_as_it_was() {
    let (before, _) = after("content put a\nstream open s\ncontent open r\ncollector declare type-16");
    let tree = before.store().tree.clone();
    let (changed, _) = continued(
        before.clone(),
        "content delete a\nstream close s\ncontent commit r b\ncollector list type-16 type-16/x\nnamespace use n\ngc",
    );
    assert_ne!(changed.store().tree, tree);
    assert_eq!(before.store().tree, tree);
    assert_eq!(before.streams().iter().count(), 1);
    assert_eq!(before.situation().collectors.iter().map(|collector| collector.all.len()).sum::<usize>(), 1);
    assert_eq!(before.namespace(None), Some(&b"default"[..]));
    assert!(before.last().is_none() && changed.last().is_some());
    // The writer of the old world is still open.
    assert_eq!(kind(&continued(before, "content commit r b").1), None);
}

#[test]
fn each_client_acts_in_its_namespace_and_under_its_lease() {
    let (world, _) = after(
        "client alice namespace=a lease=l
alice: lease create l
alice: content put x
content put y
alice: namespace use b
alice: lease none
alice: content put z",
    );
    assert!(has(&world, &["v1", "a", "leases", "l", "content"]));
    for (namespace, here) in [("a", "x"), ("default", "y"), ("b", "z")] {
        for name in ["x", "y", "z"] {
            let assertion = format!("present {namespace}/content/{name}");
            assert_eq!(expects(&world, &assertion).is_ok(), name == here, "{assertion}");
        }
    }
    let mut line = Line::new(Step::LeaseNone);
    line.client = Some(b"nobody".to_vec());
    assert_eq!(kind(&world.clone().apply(&line)), Some(ErrorKind::InvalidArgument));
}

#[test]
fn the_clock_moves_only_by_steps_and_stops_at_the_end_of_time() {
    let (world, _) = after("advance 1h0.5s\ncontent put a\nadvance 0.5s");
    assert_eq!(world.now().seconds, CLOCK_START.seconds + 3601);
    assert_eq!(world.now().nanoseconds, 0);
    let mut world = World::of(Store::new(Release::V1_7Beta), Instant { seconds: i64::MAX, nanoseconds: 5 });
    world.apply(&Line::new(Step::Advance(std::time::Duration::MAX)));
    assert_eq!(world.now().seconds, i64::MAX);
}

#[test]
fn leases_expire_in_whole_seconds_from_the_steps_time() {
    let (world, _) =
        after("now 2026-01-01T00:00:00.9Z\nlease create a expire=+1.2s flat\nlease create b expire=-0.95s");
    let label = |lease: &str, label: &str| {
        let labels =
            world.store().tree.view().at(&[b"v1", b"default", b"leases", lease.as_bytes(), b"labels"]);
        labels.and_then(|labels| labels.get(label.as_bytes())).map(<[u8]>::to_vec)
    };
    assert_eq!(label("a", "containerd.io/gc.expire").unwrap(), b"2026-01-01T00:00:02Z");
    assert!(label("a", "containerd.io/gc.flat").is_some_and(|value| !value.is_empty()));
    assert_eq!(label("b", "containerd.io/gc.expire").unwrap(), b"2025-12-31T23:59:59Z");
}

#[test]
fn what_a_step_leaves_open_is_something_that_the_daemon_takes() {
    for text in [
        "content put a",
        "content open r\ncontent commit r a",
        "content open r expect=a\ncontent commit r a",
        "content open r size=7\ncontent commit r a",
        "content put a size=7\nnamespace use other\ncontent put a",
        "image create i target=a",
        "image create i target=a\nimage update i media-type=m",
        "image create i target=a\nimage update i target=b replace=all",
        "container create c\ncontainer update c image=i replace=all",
        "container create c snapshotter=s snapshot=k\ncontainer update c snapshot=other",
        "sandbox create s gc.x=1\nsandbox label s replace",
        "snapshot prepare s/a\nsnapshot commit s/a b\nsnapshot view s/v parent=b",
    ] {
        assert_eq!(last_kind(text), None, "{text}");
    }
    let (world, _) = after("image create i target=a size=9\nimage update i media-type=m");
    assert_eq!(expects(&world, "value v1/default/images/i/target/size varint=9"), Ok(()));
    assert_eq!(expects(&world, "value v1/default/images/i/target/digest @a"), Ok(()));
}

#[test]
fn an_update_of_nothing_does_not_replace_the_whole_object() {
    for text in [
        "content put a gc.root=x\ncontent label a",
        "snapshot prepare s/a gc.root=x\nsnapshot label s/a",
        "image create i target=a gc.root=x\nimage update i",
        "container create c gc.root=x\ncontainer label c",
        "sandbox create s gc.root=x\nsandbox label s",
    ] {
        let (world, applied) = after(text);
        assert_eq!(kind(&applied), Some(ErrorKind::InvalidArgument), "{text}");
        let marks = crate::bucket::json::to_string(world.store().tree.view());
        assert!(marks.contains("containerd.io/gc.root"), "{text}");
    }
}

#[test]
fn a_client_that_fails_to_commit_keeps_its_writer() {
    let text = "content open r expect=a\ncontent commit r b";
    assert_eq!(last_kind(text), Some(ErrorKind::FailedPrecondition));
    // containerd closes the writer, and a closed one cannot be committed.
    assert_eq!(last_kind(&format!("{text}\ncontent commit r a")), Some(ErrorKind::FailedPrecondition));
    assert_eq!(last_kind(&format!("{text}\ncontent open r expect=a\ncontent commit r a")), None);
    assert_eq!(last_kind("content commit r a"), Some(ErrorKind::NotFound));
    assert_eq!(last_kind("content open r\nclient b\nb: content commit r a"), Some(ErrorKind::NotFound));
}

#[test]
fn who_aborts_an_ingest_closes_his_own_writer_and_no_other() {
    assert_eq!(last_kind("content open r\ncontent abort r\ncontent open r"), None);
    let other = "client b\nb: content open r\ncontent abort r\ncontent open r";
    assert_eq!(last_kind(other), Some(ErrorKind::Unavailable));
}

#[test]
fn a_preparation_is_finished_by_the_client_that_began_it() {
    let begun = "client b\nb: snapshot prepare-begin s/a";
    assert_eq!(last_kind(&format!("{begun}\nsnapshot finish s/a")), Some(ErrorKind::NotFound));
    assert_eq!(last_kind(&format!("{begun}\nb: snapshot finish s/a")), None);
    let twice = format!("{begun}\nb: snapshot finish s/a\nb: snapshot finish s/a");
    assert_eq!(last_kind(&twice), Some(ErrorKind::NotFound));
    // Two of one client under one name: the first makes it, the second finds it there.
    let both = format!("{begun}\nb: snapshot prepare-begin s/a\nb: snapshot finish s/a");
    assert_eq!(last_kind(&both), None);
    assert_eq!(last_kind(&format!("{both}\nb: snapshot finish s/a")), Some(ErrorKind::AlreadyExists));
}

#[test]
fn a_collection_is_taken_over_and_schedules_the_clean_up() {
    let (world, applied) = after("content put a\nsnapshot prepare s/k\ngc");
    let collected = applied.collected.unwrap();
    assert_eq!(collected.outcome.removed.len(), 2);
    assert_eq!(world.store().tree, collected.outcome.after);
    assert!(world.scheduled().content && world.scheduled().snapshotters == [b"s"[..].into()]);
    assert_eq!(expects(&world, "removed content/a snapshot/s/k"), Ok(()));
    assert_eq!(expects(&world, "stored content/a snapshot/s/k"), Ok(()));
    let (world, applied) = continued(world, "cleanup");
    let cleaned = applied.cleaned.unwrap();
    assert_eq!((cleaned.content.blobs.len(), cleaned.snapshots.len()), (1, 1));
    assert_eq!(expects(&world, "not-stored content/a snapshot/s/k"), Ok(()));
    assert_eq!(world.scheduled(), &CleanUp::default());
}

#[test]
fn a_clean_up_that_was_not_scheduled_leaves_everything() {
    // L17: the namespace goes without a mark, and the backend keeps what it had.
    let (world, _) = after("content open r\nnamespace delete default\ngc\ncleanup");
    assert_eq!(expects(&world, "stored ingest/r"), Ok(()));
    // Any later deletion of content takes it along.
    let (world, _) = continued(world, "content put a\ncontent delete a\ngc\ncleanup");
    assert_eq!(expects(&world, "not-stored ingest/r content/a"), Ok(()));
}

#[test]
fn a_collection_that_fails_is_no_refusal_unless_a_client_waits_for_it() {
    let broken =
        "raw bucket v1/n/content/ingests/x\nraw put v1/n/content/ingests/x/expireat \"\"\nlease create l";
    let (world, applied) = after(&format!("{broken}\ngc"));
    assert_eq!(kind(&applied), None);
    assert_eq!(expects(&world, "error \"Time.UnmarshalBinary: no data\""), Ok(()));
    assert_eq!(expects(&world, "kept lease/l"), Ok(()));
    assert!(expects(&world, "error \"Time.UnmarshalBinary\"").is_err());
    let (world, applied) = after(&format!("{broken}\nlease delete l sync"));
    assert_eq!(kind(&applied), Some(ErrorKind::Unknown));
    assert!(applied.collected.is_some());
    assert_eq!(expects(&world, "absent lease/l"), Ok(()));
    // A deletion that fails does not collect.
    assert!(after("lease delete l sync").1.collected.is_none());
    assert!(after("lease create l\nlease delete l").1.collected.is_none());
    assert!(after("lease create l\nlease delete l sync").1.collected.is_some());
}

#[test]
fn at_the_seed_ending_a_stream_hangs_the_daemon_until_it_is_replaced() {
    let (world, applied) =
        after("lease create l\nlease use l\nstream open s\nlease none\nlease delete l\ngc");
    assert_eq!(kind(&applied), Some(ErrorKind::Deadlock));
    assert!(applied.collected.is_some() && !world.is_hung());
    assert_eq!(kind(&continued(world.clone(), "content put a").1), None);
    let (hung, applied) = continued(world, "gc");
    assert_eq!(kind(&applied), Some(ErrorKind::Deadlock));
    assert!(hung.is_hung() && applied.collected.is_none());
    for step in ["content put a", "lease create x", "gc", "stream open t", "namespace create n"] {
        assert_eq!(kind(&continued(hung.clone(), step).1), Some(ErrorKind::Deadlock), "{step}");
    }
    // Who does not write does not wait.
    for step in ["advance 1s", "lease use x", "cleanup", "raw bucket v1/x"] {
        assert_eq!(kind(&continued(hung.clone(), step).1), None, "{step}");
    }
    assert_eq!(kind(&continued(hung, "client b\nrelease 1.7.0-beta.1\ncontent put a\ngc").1), None);
}

#[test]
fn a_failed_mark_leaves_the_seeds_streams_locked_and_cancels_them_later() {
    let text =
        "stream open s\nraw bucket v1/n/content/ingests/x\nraw put v1/n/content/ingests/x/expireat \"\"\ngc";
    let (world, applied) = after(text);
    assert!(kind(&applied).is_none() && world.streams().is_stuck());
    let (world, applied) = after(&format!("release 1.7\n{text}"));
    assert!(!world.streams().is_stuck());
    let calls = &applied.collected.unwrap().outcome.calls;
    assert!(calls.iter().any(|called| called.call == Call::Cancel));
    assert_eq!(expects(&world, "present stream/s"), Ok(()));
}

#[test]
fn a_collector_loses_what_it_was_told_to_remove_when_it_is_finished() {
    let declared = "release 2.1\ncollector declare type-16 label=v\ncollector list type-16 type-16/x other/type-16/y\ncollector active type-16 type-16/x";
    let listed = |world: &World| world.situation().collectors[0].all.len();
    let (world, _) = after(&format!("{declared}\ncontent put a\ngc"));
    assert_eq!(listed(&world), 1);
    assert_eq!(expects(&world, "removed other/type-16/y"), Ok(()));
    assert_eq!(expects(&world, "kept type-16/x"), Ok(()));
    assert_eq!(expects(&world, "absent other/type-16/y"), Ok(()));
    let (world, _) = after(&format!("{declared}\ncontent put a\ncollector fail type-16 finish\ngc"));
    assert_eq!(listed(&world), 2);
    let (world, _) = after(&format!("{declared}\ncollector forget type-16 type-16/x"));
    assert_eq!((listed(&world), world.situation().collectors[0].active.len()), (1, 0));
}

#[test]
fn collectors_are_registered_as_the_daemon_registers_them() {
    for (text, refused) in [
        ("collector declare type-16", None),
        ("collector declare type-16\ncollector declare type-16", Some(ErrorKind::AlreadyExists)),
        ("collector declare type-6", Some(ErrorKind::InvalidArgument)),
        ("collector declare type-7", None),
        ("collector declare type-30", None),
        ("collector declare type-31", Some(ErrorKind::InvalidArgument)),
        ("collector declare mount", Some(ErrorKind::NotImplemented)),
        ("release 2.2\ncollector declare mount", None),
        ("release 1.6\ncollector declare type-16", Some(ErrorKind::NotImplemented)),
        ("collector list type-16 type-16/x", Some(ErrorKind::NotFound)),
        ("collector declare type-16\ncollector list type-16 image/x", Some(ErrorKind::InvalidArgument)),
        ("stream open s\ncollector declare stream", Some(ErrorKind::AlreadyExists)),
        ("collector declare stream\nstream open s", Some(ErrorKind::FailedPrecondition)),
        ("gc last=type-16", Some(ErrorKind::NotFound)),
        ("namespace create default\nstream open s\ngc last=stream", None),
    ] {
        assert_eq!(last_kind(text), refused, "{text}");
    }
}

#[test]
fn a_new_daemon_has_the_database_and_nothing_of_what_was_in_memory() {
    let text = "content open r\nstream open s\ncollector declare type-16\ncollector list type-16 stream/x type-16/y\nsnapshot prepare-begin o/k\nclient b\nrelease 2.1";
    let (world, _) = after(text);
    assert_eq!(world.release(), Release::V2_1);
    assert_eq!(world.streams().iter().count(), 0);
    // The same kinds under the new release's numbers.
    let number = |number| Node::new(ResourceType(number), b"default", if number == 9 { b"x" } else { b"y" });
    assert_eq!(world.situation().collectors[0].all, [number(9), number(16)]);
    assert_eq!(kind(&continued(world.clone(), "content commit r a").1), Some(ErrorKind::NotFound));
    assert_eq!(kind(&continued(world.clone(), "content open r\ncontent commit r a").1), None);
    assert_eq!(kind(&continued(world.clone(), "snapshot finish o/k").1), Some(ErrorKind::NotFound));
    assert_eq!(expects(&world, "value v1/version varint=4"), Ok(()));
    // The backend's snapshot of the preparation was left, and the next clean-up finds it.
    let (world, applied) = continued(world, "snapshot prepare o/j\nsnapshot remove o/j\ngc\ncleanup");
    assert_eq!(applied.cleaned.unwrap().snapshots[0].removed.len(), 2);
    assert_eq!(kind(&continued(world, "release 1.6").1), None);
    // From 2.0 a plain value at the root crashes the migration; the old daemon stays.
    let (world, applied) = after("raw put x y\nrelease 2.1");
    assert_eq!((kind(&applied), world.release()), (Some(ErrorKind::Crash), Release::V1_7Beta));
}

#[test]
fn raw_edits_reach_what_no_client_writes() {
    for (text, refused) in [
        ("raw put a/b c", Some(ErrorKind::NotFound)),
        ("raw bucket a\nraw put a/b c\nraw put a/b d", None),
        ("raw bucket a\nraw put a c", Some(ErrorKind::FailedPrecondition)),
        ("raw put a c\nraw bucket a", Some(ErrorKind::FailedPrecondition)),
        ("raw bucket a/b\nraw bucket a/b/c", None),
        ("raw delete a", Some(ErrorKind::NotFound)),
        ("raw bucket a/b\nraw delete a\nraw bucket a", None),
        ("raw sequence a 7", Some(ErrorKind::NotFound)),
        ("raw bucket a\nraw sequence a 7", None),
        ("raw put \"\" x", Some(ErrorKind::InvalidArgument)),
    ] {
        assert_eq!(last_kind(text), refused, "{text}");
    }
    let (world, _) = after("raw bucket a\nraw put a/t time=2026-01-01T00:00:00Z\nraw put a/n varint=-3");
    for assertion in ["value a/t time=2026-01-01T00:00:00Z", "value a/n varint=-3", "bucket a", "nothing a/x"]
    {
        assert_eq!(expects(&world, assertion), Ok(()));
    }
    for (assertion, message) in [
        ("value a/n varint=3", "a/n is varint=-3, expected varint=3"),
        ("value a/x y", "a/x is nothing, expected \"y\""),
        (
            "bucket a/t",
            "a/t is \"\\x01\\x00\\x00\\x00\\x0e\\xe0\\xe7\\xb0\\x00\\x00\\x00\\x00\\x00\\xff\\xff\", expected a bucket",
        ),
        ("nothing a", "a is a bucket, expected nothing"),
    ] {
        assert_eq!(expects(&world, assertion).unwrap_err().to_string(), message);
    }
}

#[test]
fn assertions_say_what_is_instead() {
    let (world, _) =
        after("release 1.7\ncontent put a\nimage create i target=a\ncontent put b\nlease create l\ngc");
    for assertion in [
        "kept content/a image/i lease/l",
        "removed content/b",
        "present content/a",
        "absent content/b",
        "same",
    ] {
        assert_eq!(expects(&world, assertion), Ok(()), "{assertion}");
    }
    for (assertion, message) in [
        ("kept content/a content/b", "content/b was removed by the last collection"),
        ("kept content/c", "content/c was not there before the last collection"),
        ("removed content/a", "content/a was kept by the last collection"),
        ("removed content/c", "content/c was not there before the last collection"),
        ("present content/b", "content/b is not there"),
        ("absent image/i", "image/i is there"),
        ("stored other/ingest/x", "other/ingest/x is not in the backend"),
        ("not-stored content/a", "content/a is in the backend"),
        ("error x", "the last collection succeeded, expected `x`"),
    ] {
        assert_eq!(expects(&world, assertion).unwrap_err().to_string(), message);
    }
    assert_eq!(expects(&World::new(Release::V1_7Beta), "same"), Err(Unmet::NoCollection));
}

#[test]
fn a_snapshotter_with_a_slash_is_found_under_any_cut() {
    let (world, _) = after("snapshot prepare \"over/lay\"/k\ngc");
    assert_eq!(expects(&world, "removed snapshot/over/lay/k"), Ok(()));
    // The key was cut at its first slash, so that the bucket stays.
    assert_eq!(expects(&world, "present snapshot/over/lay/k"), Ok(()));
    assert_eq!(expects(&world, "stored snapshot/over/lay/k"), Ok(()));
}

/// Whatever the steps, a world applies them, twice the same, and a collection of it is one that the request answers.
#[test]
fn any_scenario_can_be_applied_and_gives_the_same_twice() {
    let seed = crate::generate::seed::Seed::parse("world").unwrap();
    let mut bytes = [0; 2048];
    let (mut accepted, mut refused, mut collections) = (0, 0, 0);
    for number in 0..2_000 {
        seed.case_bytes(number, &mut bytes);
        let mut scenario = generate(&mut Unstructured::new(&bytes)).unwrap();
        scenario.lines.push(Line::new(Step::Gc { last: None, cancel_at_root: None }));
        let (mut left, mut right) = (World::new(scenario.release), World::new(scenario.release));
        for line in &scenario.lines {
            let (applied, again) = (left.apply(line), right.apply(line));
            assert_eq!(applied.refused, again.refused);
            match applied.refused {
                None => accepted += 1,
                Some(_) => refused += 1,
            }
            if let Some(collected) = &applied.collected {
                collections += 1;
                let outcome = crate::engine::collect(&collected.before);
                assert_eq!(outcome.after, collected.outcome.after);
                let removed = |outcome: &crate::engine::Outcome| {
                    outcome.refs(&outcome.removed).map(NodeRef::to_node).collect::<Vec<Node>>()
                };
                assert_eq!(removed(&outcome), removed(&collected.outcome));
            }
        }
        assert_eq!(left.store(), right.store());
    }
    assert!(accepted > 2_000 && refused > 2_000 && collections > 1_500, "{accepted} {refused} {collections}");
}
