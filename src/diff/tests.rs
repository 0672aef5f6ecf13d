use super::campaign::{self, Plan, examples};
use super::compare::{Aspect, Effect, Fate, Pair, compare};
use super::{Class, scenario};
use crate::bucket::{Bucket, json};
use crate::campaign::Stop;
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::generate::seed::Seed;
use crate::instant::Instant;
use crate::node::{Node, ResourceType};
use crate::oracle::End;
use crate::release::Release;
use crate::release::Release::{V1_6, V1_7, V1_7Beta as Beta, V2_0, V2_1, V2_2, V2_3, V2_4};
use crate::replay;
use crate::scenario::{parse, print};
use crate::schema::time;
use crate::situation::Situation;
use std::collections::BTreeSet;
use std::sync::Arc;

const EXPIRED: &str = "2023-12-31T23:00:00Z";

fn now() -> Instant {
    time::parse_rfc3339(b"2024-01-01T00:00:00Z").expect("a time")
}

/// A database of 1.x whose namespace `n` has these buckets, `gc.` in labels standing for `containerd.io/gc.`.
fn database(namespace: &str) -> Bucket {
    let text = format!(r#"{{"v1": {{"version": "base64:Bg==", "n": {namespace}}}}}"#);
    json::from_str(&text.replace(r#""gc."#, r#""containerd.io/gc."#)).expect("a tree")
}

fn pair(tree: &Bucket, collectors: &[Collector], from: Release, to: Release) -> Pair {
    let situation = Situation::new(tree.clone(), V2_4, now());
    let situation = Situation { collectors: Arc::new(collectors.to_vec()), ..situation };
    Pair::new(&situation, from, to).expect("a database that opens")
}

/// Every difference as `effect kind/key class`, the errors and last calls behind them.
fn differences(tree: &Bucket, collectors: &[Collector], from: Release, to: Release) -> Vec<String> {
    let pair = pair(tree, collectors, from, to);
    let comparison = compare(&pair);
    assert_eq!(comparison.disagreements, Vec::<String>::new());
    let nodes = comparison.differences.iter().map(|difference| {
        let (kind, key) = (difference.node.kind, difference.node.key.escape_ascii());
        format!("{:?} {kind}/{key} {}", difference.effect, difference.class).to_lowercase()
    });
    let errors = comparison.errors.class.iter().map(|class| format!("errors {class}"));
    let ends = comparison.ends.iter().map(|ends| format!("ends {} {}", ends.kind, ends.class));
    nodes.chain(errors).chain(ends).collect()
}

/// What an upgrade shows, and that the downgrade shows the opposite.
fn assert_differs(
    tree: &Bucket,
    collectors: &[Collector],
    from: Release,
    to: Release,
    mut expected: Vec<&str>,
) {
    let upgrade = differences(tree, collectors, from, to);
    assert_eq!(upgrade, expected, "{from} to {to}");
    // A tree that was migrated does not come back.
    if from >= V2_0 || to < V2_0 {
        let mirror = |line: &str| match line.split_once(' ') {
            Some(("removed", rest)) => format!("kept {rest}"),
            Some(("kept", rest)) => format!("removed {rest}"),
            _ => line.to_owned(),
        };
        let downgrade = differences(tree, collectors, to, from);
        assert_eq!(downgrade, expected.drain(..).map(mirror).collect::<Vec<_>>(), "{to} to {from}");
    }
}

/// A stored object with one label.
fn labelled(label: &str, value: &str) -> String {
    format!(r#"{{"labels": {{"{label}": "{value}"}}}}"#)
}

fn collector(number: u8) -> Collector {
    let mut collector = Collector::new(ResourceType(number));
    collector.all = vec![Node::new(ResourceType(number), b"n", b"r")];
    collector
}

fn active(number: u8, key: &[u8]) -> Active {
    Active { for_namespace: (*b"n").into(), node: Node::new(ResourceType(number), b"n", key) }
}

#[test]
fn expired_images_are_kept_before_2_0_and_removed_from_2_0() {
    let image = format!(
        r#"{{"images": {{"i": {{"target": {{"digest": "t"}}, "labels": {{"gc.expire": "{EXPIRED}"}}}}}},
            "content": {{"blob": {{"t": {}, "below": {{}}}}}}}}"#,
        labelled("gc.ref.content", "below")
    );
    let tree = database(&image);
    let expected = vec![
        "removed content/below image-expiry",
        "removed content/t image-expiry",
        "removed image/i image-expiry",
    ];
    assert_differs(&tree, &[], V1_7, V2_0, expected.clone());
    assert_differs(&tree, &[], V1_6, V2_4, expected);
    assert_differs(&tree, &[], V2_0, V2_1, vec![]);
    let pair = pair(&tree, &[], V1_7, V2_0);
    let comparison = compare(&pair);
    assert!(comparison.is_finding());
    assert!(matches!(comparison.differences[2].from, Fate::NotSwept));
    assert!(matches!(comparison.differences[2].to, Fate::Removed(_)));
    assert!(matches!(comparison.differences[1].from, Fate::Kept(_)));
}

#[test]
fn leases_and_labels_that_save_an_expired_image_are_named_though_both_keep_it() {
    let image = |labels: &str, rest: &str| {
        let labels = format!(r#""labels": {{"gc.expire": "{EXPIRED}"{labels}}}"#);
        database(&format!(r#"{{"images": {{"i": {{"target": {{"digest": "t"}}, {labels}}}}}{rest}}}"#))
    };
    let leased = image("", r#", "leases": {"l": {"images": {"i": ""}}}"#);
    assert_differs(&leased, &[], V1_7, V2_0, vec!["alike image/i lease-holds-images"]);
    let named = r#", "content": {"blob": {"c": {"labels": {"gc.root": "", "gc.ref.image": "i"}}}}"#;
    assert_differs(&image("", named), &[], V1_7, V2_0, vec!["alike image/i image-references"]);
    // Held flat, it keeps its target and not what the target or its own labels refer to.
    let flat = r#", "leases": {"l": {"images": {"i": ""}, "labels": {"gc.flat": ""}}},
                    "content": {"blob": {"t": {"labels": {"gc.ref.content": "below"}}, "below": {}, "own": {}}}"#;
    assert_differs(
        &image(r#", "gc.ref.content": "own""#, flat),
        &[],
        V1_7,
        V2_0,
        vec![
            "removed content/below flat-image",
            "removed content/own flat-image",
            "alike image/i lease-holds-images",
        ],
    );
    // One that has not expired needs nobody.
    let alive = database(r#"{"images": {"i": {}}, "leases": {"l": {"images": {"i": ""}}}}"#);
    assert_differs(&alive, &[], V1_7, V2_0, vec![]);
}

#[test]
fn an_expired_image_with_a_back_reference_survives_from_2_2() {
    let tree = database(&format!(
        r#"{{"images": {{"main": {{}}, "extra": {{"labels": {{"gc.expire": "{EXPIRED}", "gc.bref.image": "main"}}}}}}}}"#
    ));
    assert_differs(&tree, &[], V1_7, V2_0, vec!["removed image/extra image-expiry"]);
    assert_differs(&tree, &[], V2_1, V2_2, vec!["kept image/extra back-reference-image"]);
    assert_differs(&tree, &[], V1_7, V2_2, vec!["alike image/extra back-reference-image"]);
    let pair = pair(&tree, &[], V2_2, V2_1);
    assert!(compare(&pair).is_finding(), "a downgrade removes it");
}

#[test]
fn the_hop_nearest_to_the_root_that_the_other_release_lacks_is_the_rule() {
    let blobs = |root: &str, child: &str| {
        database(&format!(
            r#"{{"content": {{"blob": {{"a": {root}, "b": {child}, "c": {}}}}}}}"#,
            labelled("gc.ref.content", "d")
        ))
    };
    // c refers to d; c itself is reached by back references only.
    let tree = blobs(&labelled("gc.root.x", ""), &labelled("gc.bref.content", "a"));
    assert_differs(
        &tree,
        &[],
        V2_1,
        V2_2,
        vec!["kept content/a root-label-by-prefix", "kept content/b root-label-by-prefix"],
    );
    let tree =
        blobs(&labelled("gc.root", ""), r#"{"labels": {"gc.bref.content": "a", "gc.ref.content": "c"}}"#);
    assert_differs(
        &tree,
        &[],
        V2_1,
        V2_2,
        vec!["kept content/b back-reference-content", "kept content/c back-reference-content"],
    );
}

#[test]
fn each_kind_of_back_reference_is_a_class() {
    let tree = database(
        r#"{"containers": {"c": {}}, "images": {"i": {}},
            "snapshots": {"s": {"k": {"labels": {"gc.root": ""}}, "child": {"labels": {"gc.bref.container": "c"}}}},
            "content": {"blob": {"image": {"labels": {"gc.bref.image": "i"}},
                                 "snapshot": {"labels": {"gc.bref.snapshot.s": "k"}}}}}"#,
    );
    assert_differs(
        &tree,
        &[],
        V2_1,
        V2_2,
        vec![
            "kept content/image back-reference-image",
            "kept content/snapshot back-reference-snapshot",
            "kept snapshot/s/child back-reference-container",
        ],
    );
}

#[test]
fn a_root_label_that_is_a_bucket_pins_from_2_2() {
    let tree = database(r#"{"content": {"blob": {"a": {"labels": {"gc.root": {}}}}}}"#);
    assert_differs(&tree, &[], V2_1, V2_2, vec!["kept content/a root-label-bucket"]);
}

#[test]
fn conditions_are_read_from_2_3() {
    let tree = database(
        r#"{"content": {"blob": {"a": {"labels": {"gc.root": "", "gc.cond.snapshot.s": "usedat<2h|k"}}}},
            "snapshots": {"s": {"k": {"labels": {"gc.cond.value-usedat": "2023-12-31T23:00:00Z"}}}}}"#,
    );
    assert_differs(&tree, &[], V2_2, V2_3, vec!["kept snapshot/s/k conditional-references"]);
    assert_differs(&tree, &[], V2_3, V2_4, vec![]);
}

#[test]
fn sandboxes_count_from_1_7_and_where_they_are_stored_from_2_0() {
    let sandboxes = format!(r#""sandboxes": {{"s": {}}}"#, labelled("gc.ref.content", "c"));
    let blob = r#""content": {"blob": {"c": {}}}"#;
    let below = database(&format!("{{{sandboxes}, {blob}}}"));
    assert_differs(&below, &[], Beta, V1_7, vec!["kept content/c sandbox-references"]);
    assert_differs(&below, &[], V1_7, V2_0, vec![]);
    let text = format!(r#"{{"v1": {{"version": "base64:Bg==", "n": {{{blob}}}}}, "n": {{{sandboxes}}}}}"#);
    let beside = json::from_str(&text.replace(r#""gc."#, r#""containerd.io/gc."#)).expect("a tree");
    assert_differs(&beside, &[], Beta, V1_7, vec![]);
    assert_differs(&beside, &[], V1_7, V2_0, vec!["kept content/c sandboxes-moved"]);
    assert_eq!(differences(&beside, &[], V2_0, V1_7), [""; 0], "it was moved before");
}

#[test]
fn collectors_are_matched_by_kind_and_absent_ones_sweep_nothing() {
    let tree = database("{}");
    let (stream, mount, other) = (collector(9), collector(10), collector(16));
    let all = [stream, mount, other];
    assert_differs(
        &tree,
        &all,
        V1_6,
        Beta,
        vec!["removed stream/r collectors", "removed type-16/r collectors"],
    );
    assert_differs(&tree, &all, V1_7, V2_0, vec![]);
    assert_differs(&tree, &all, V2_1, V2_2, vec!["removed mount/r mounts"]);
    // Type 8 is free in 2.0 and the stream's in 1.7.
    assert_differs(&tree, &[collector(8)], V2_0, V2_1, vec![]);
    assert_eq!(differences(&tree, &[collector(8)], V2_0, V1_7), ["kept type-8/r collector-numbers"]);
}

#[test]
fn what_collectors_report_counts_from_its_release_on() {
    let blob = database(r#"{"content": {"blob": {"a": {"labels": {"gc.root": ""}}, "b": {}}}}"#);
    let (content, own) = (|key: &[u8]| Node::new(ResourceType(1), b"n", key), ResourceType(16));
    let mut attached = collector(16);
    let (from, to) = (content(b"a"), Node::new(own, b"n", b"r"));
    attached.active_back_references = vec![BackReference { for_namespace: (*b"n").into(), from, to }];
    assert_differs(&blob, &[attached], V2_1, V2_2, vec!["kept type-16/r collector-back-references"]);
    let mut referring = collector(16);
    referring.active = vec![active(16, b"r")];
    referring.references = vec![(Node::new(own, b"n", b"r"), vec![content(b"b")])];
    assert_differs(&blob, &[referring], V2_3, V2_4, vec!["kept content/b collector-references"]);
}

#[test]
fn beta_1_mixes_up_its_collectors_labels() {
    let tree = database(
        r#"{"leases": {"l": {}}, "content": {"blob": {"a": {"labels": {"gc.root": "", "gc.ref.test": "r"}}}}}"#,
    );
    let (mut test, other) = (collector(16), collector(17));
    test.reference_label = b"test".to_vec();
    assert_differs(
        &tree,
        &[test, other],
        Beta,
        V1_7,
        vec!["kept type-16/r shared-loop-variable", "removed type-17/r shared-loop-variable"],
    );
}

#[test]
fn failing_collections_are_explained_by_the_rule_that_reaches_the_error() {
    // 1.7.0-beta.1 and 1.7 both fail, and only 1.7 cancels the collector.
    let tree = database(r#"{"content": {"ingests": {"i": {"expireat": ""}}, "blob": {"a": {}}}}"#);
    assert_differs(&tree, &[collector(16)], Beta, V1_7, vec!["ends type-16 cancel-after-failed-mark"]);
    let pair_of_ends = pair(&tree, &[collector(16)], Beta, V1_7);
    let ends = compare(&pair_of_ends).ends;
    assert_eq!([ends[0].from, ends[0].to], [End::Nothing, End::Cancel]);

    // Removing `over/lay` and `k` looks for `lay/k` below `over`; what is not removed causes no error.
    let tree = database(
        r#"{"snapshots": {"over": {"other": {"labels": {"gc.root": ""}}},
                          "over/lay": {"k": {"labels": {"gc.rootfs": ""}}}},
            "content": {"blob": {"garbage": {}}}}"#,
    );
    assert_differs(
        &tree,
        &[],
        V2_1,
        V2_2,
        vec!["removed content/garbage collection-fails", "errors root-label-by-prefix"],
    );
    assert!(compare(&pair(&tree, &[], V2_2, V2_1)).newly_fails());

    // A collector's snapshot without a slash fails marking from the release on that reaches it.
    let mut collector = collector(16);
    collector.active = vec![active(16, b"r")];
    collector.references =
        vec![(Node::new(ResourceType(16), b"n", b"r"), vec![Node::new(ResourceType(2), b"n", b"bare")])];
    let tree = database(r#"{"content": {"blob": {"garbage": {}}}}"#);
    assert_differs(
        &tree,
        &[collector],
        V2_3,
        V2_4,
        vec!["kept content/garbage collection-fails", "errors collector-references"],
    );
}

#[test]
fn a_lease_that_a_collector_heeds_makes_no_difference_by_itself() {
    let tree = database(r#"{"leases": {"l": {}}}"#);
    let mut leased = collector(16);
    let node = Node::new(ResourceType(16), b"n", b"r");
    leased.leased = vec![Leased { for_namespace: (*b"n").into(), lease: (*b"l").into(), node }];
    assert_differs(&tree, &[leased], V1_7, V2_4, vec![]);
}

#[test]
fn a_database_that_a_daemon_refuses_is_not_compared() {
    let mut tree = database("{}");
    tree.put(&[], b"stray", b"value").expect("a value at the root");
    let situation = Situation::new(tree, V2_4, now());
    assert!(Pair::new(&situation, V1_6, V1_7).is_ok());
    let refused = Pair::new(&situation, V1_7, V2_0).expect_err("2.0 crashes on it").to_string();
    assert!(refused.starts_with("containerd 2.0 does not open this database: "), "{refused}");
}

fn plan(from: Release, to: Release, cases: u64) -> Plan {
    Plan { seed: Seed::parse("releases").expect("a seed"), cases, from, to }
}

/// What containerd's history says of each pair of neighbours, and how many cases show it.
const NEIGHBOURS: [(Release, Release, u64, &[Class]); 7] = [
    (V1_6, Beta, 1_000, &[Class::Collectors, Class::CollectionFails]),
    (Beta, V1_7, 3_000, &[Class::SharedLoopVariable, Class::CancelAfterFailedMark, Class::SandboxReferences]),
    (
        V1_7,
        V2_0,
        10_000,
        &[
            Class::SandboxesMoved,
            Class::ImageExpiry,
            Class::LeaseHoldsImages,
            Class::FlatImage,
            Class::ImageReferences,
        ],
    ),
    (V2_0, V2_1, 3_000, &[]),
    (
        V2_1,
        V2_2,
        3_000,
        &[
            Class::BackReferenceContainer,
            Class::BackReferenceContent,
            Class::BackReferenceImage,
            Class::BackReferenceSnapshot,
            Class::CollectorBackReferences,
            Class::RootLabelByPrefix,
            Class::RootLabelBucket,
            Class::Mounts,
            Class::CollectionFails,
        ],
    ),
    (V2_2, V2_3, 3_000, &[Class::ConditionalReferences]),
    (V2_3, V2_4, 3_000, &[Class::CollectorReferences]),
];

/// Those that may come along: consequences of a rule for the errors, which need rare cases.
const CONSEQUENCES: [Class; 2] = [Class::CollectionFails, Class::ErrorOrder];

#[test]
fn generated_cases_show_every_class_between_neighbours_and_no_other() {
    for (from, to, cases, expected) in NEIGHBOURS {
        let tally = campaign::run(&plan(from, to, cases), &Stop::default(), &|_| {});
        let found: BTreeSet<Class> = tally.classes.keys().copied().collect();
        let expected: BTreeSet<Class> = expected.iter().copied().collect();
        let missing: Vec<&Class> = expected.difference(&found).collect();
        assert_eq!(missing, [&Class::Unexplained; 0], "{from} to {to}");
        let others: Vec<&Class> =
            found.difference(&expected).filter(|class| !CONSEQUENCES.contains(class)).collect();
        assert_eq!(others, [&Class::Unexplained; 0], "{from} to {to}");
        for class in found {
            assert!(class.since().is_none_or(|since| since == to), "{class} came with {:?}", class.since());
        }
    }
}

/// Between any two releases each class is one of those that began between them.
#[test]
fn no_class_is_found_outside_of_its_releases() {
    for from in Release::ALL {
        for to in Release::ALL {
            let tally = campaign::run(&plan(from, to, 150), &Stop::default(), &|_| {});
            assert!(!tally.is_unexplained(), "{from} to {to}");
            for class in tally.classes.keys().filter_map(|class| class.since()) {
                assert!(from.min(to) < class && class <= from.max(to), "{from} to {to}: {class}");
            }
        }
    }
}

#[test]
fn scenarios_of_examples_can_be_read_and_replayed() {
    let neighbours = NEIGHBOURS.iter().map(|(from, to, ..)| (*from, *to));
    for (from, to) in neighbours.chain([(V1_7, V2_2), (V2_4, V1_7)]) {
        let plan = plan(from, to, 700);
        let tally = campaign::run(&plan, &Stop::default(), &|_| {});
        for (class, example) in examples(&plan, &tally) {
            let scenario = scenario(class, &example);
            let text = print(&scenario);
            assert_eq!(parse(text.as_bytes()).as_ref(), Ok(&scenario), "{text}");
            assert_eq!(replay::run(&scenario, None).failures, [], "{text}");
        }
    }
}

#[test]
fn examples_are_minimal() {
    let plan = plan(V2_1, V2_2, 2_000);
    let tally = campaign::run(&plan, &Stop::default(), &|_| {});
    let examples = examples(&plan, &tally);
    assert_eq!(examples.len(), tally.classes.len());
    let prefix = &examples[&Class::RootLabelByPrefix];
    assert_eq!(prefix.aspect, Aspect::Node(Effect::Kept));
    assert!(prefix.case.collectors.is_empty());
    let tree = json::to_string(prefix.case.tree.view());
    // One blob or snapshot with one label, and nothing beside it on any level.
    assert_eq!(tree.matches("containerd.io").count(), 1, "{tree}");
    assert!(!tree.contains("},"), "{tree}");
}

#[test]
fn a_campaign_does_not_depend_on_threads() {
    let plan = plan(V1_7, V2_2, 700);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let tally = campaign::run(&plan, &Stop::default(), &|_| {});
            let scenarios = examples(&plan, &tally).into_iter();
            let scenarios: Vec<String> =
                scenarios.map(|(class, example)| print(&scenario(class, &example))).collect();
            (format!("{tally:?}"), scenarios)
        })
    };
    assert_eq!(on(1), on(4));
}
