use super::*;
use crate::bucket::Bucket;
use crate::bucket::json;
use crate::collector::{Active, BackReference, Collector, Leased};
use crate::instant::Instant;
use crate::node::{Node, ResourceType};
use crate::release::Release;
use std::sync::Arc;

/// 2024-01-01T00:00:00Z.
const NOW: Instant = Instant { seconds: 63_839_664_000, nanoseconds: 0 };
const OWN: ResourceType = ResourceType(16);

/// The tree with one namespace `n`; `@` in a label stands for `containerd.io/gc.`.
fn world(namespace: &str) -> Bucket {
    tree(&format!(r#"{{"v1":{{"n":{namespace}}}}}"#))
}

fn tree(text: &str) -> Bucket {
    json::from_str(&text.replace('@', "containerd.io/gc.")).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A situation, and the defects to assume.
#[derive(Clone)]
struct Asked {
    situation: Situation,
    defects: Defects,
}

fn shipped(release: Release, tree: &Bucket, collectors: &[Collector]) -> Asked {
    let situation = Situation::new(tree.clone(), release, NOW);
    let situation = Situation { collectors: Arc::new(collectors.to_vec()), ..situation };
    Asked { situation, defects: Defects::as_shipped(release) }
}

fn intended(release: Release, tree: &Bucket, collectors: &[Collector]) -> Asked {
    Asked { defects: Defects::NONE, ..shipped(release, tree, collectors) }
}

fn judge(asked: &Asked) -> Judgement<'_> {
    super::judge(&asked.situation, asked.defects)
}

/// The keep set as `kind/key`, sorted by type and key.
fn kept(question: &Asked) -> String {
    let judgement = judge(question);
    let kept = judgement.kept();
    assert_eq!(kept.len(), judgement.kept_count());
    let texts = kept.iter().map(|node| {
        assert!(judgement.keeps(node.as_ref()));
        text(question.situation.release, node)
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn removed(question: &Asked) -> String {
    let judgement = judge(question);
    let removed = judgement.resources().filter(|verdict| !verdict.is_kept());
    removed.map(|verdict| text(question.situation.release, &verdict.node())).collect::<Vec<_>>().join(" ")
}

fn text(release: Release, node: &Node) -> String {
    format!("{}/{}", release.kind_of(node.resource_type), String::from_utf8_lossy(&node.key))
}

fn errors(question: &Asked) -> Vec<String> {
    judge(question).errors().iter().map(ToString::to_string).collect()
}

fn collector(label: &str) -> Collector {
    let all = ["a", "b", "c"].map(|key| Node::new(OWN, b"n", key.as_bytes())).into();
    Collector { reference_label: label.into(), all, ..Collector::new(OWN) }
}

/// The JSON of one content entry with labels.
fn blob(digest: &str, labels: &str) -> String {
    format!(r#""{digest}":{{"labels":{{{labels}}}}}"#)
}

fn content(blobs: &[String]) -> String {
    format!(r#""content":{{"blob":{{{}}}}}"#, blobs.join(","))
}

/// Content `r`, pinned and with labels, beside content `x` and snapshot `o/s`.
fn pinned_with(labels: &str) -> Bucket {
    let pinned = blob("r", &format!(r#""@root":"","@zzz":"",{labels}"#));
    world(&format!(r#"{{{},"snapshots":{{"o":{{"s":{{}}}}}}}}"#, content(&[pinned, blob("x", "")])))
}

#[test]
fn a_reference_label_needs_the_end_a_point_or_a_slash() {
    let seed = |labels: &str| kept(&shipped(Release::V1_7Beta, &pinned_with(labels), &[]));
    for label in ["content", "content.0", "content/m", "content."] {
        assert_eq!(seed(&format!(r#""@ref.{label}":"x""#)), "content/r content/x", "{label}");
    }
    for label in ["contents", "content-0", "contentx.0", "conten", "Content"] {
        assert_eq!(seed(&format!(r#""@ref.{label}":"x""#)), "content/r", "{label}");
    }
    assert_eq!(seed(r#""@ref.content":{"x":""}"#), "content/ content/r");
    assert_eq!(seed(r#""@ref.content.1":"missing""#), "content/missing content/r");
}

#[test]
fn a_snapshot_label_names_its_snapshotter_up_to_the_first_slash() {
    let seed = |labels: &str| kept(&shipped(Release::V1_7Beta, &pinned_with(labels), &[]));
    assert_eq!(seed(r#""@ref.snapshot.o":"s""#), "content/r snapshot/o/s");
    assert_eq!(seed(r#""@ref.snapshot.o/2/3":"s""#), "content/r snapshot/o/s");
    assert_eq!(seed(r#""@ref.snapshot.o.p":"s""#), "content/r snapshot/o.p/s");
    assert_eq!(seed(r#""@ref.snapshot":"s","@ref.snapshot/o":"s""#), "content/r");
}

#[test]
fn a_lease_holds_what_it_lists_until_it_has_expired() {
    let lease = |labels: &str| {
        format!(
            r#"{{"leases":{{"l":{{"labels":{{{labels}}},"content":{{"x":""}},"snapshots":{{"o":{{"s":{{}}}},"v":""}},
            "ingests":{{"i":""}},"images":{{"im":""}}}}}},{}}}"#,
            content(&[blob("x", ""), blob("y", "")])
        )
    };
    let at = |expire: &str| world(&lease(&format!(r#""@expire":{expire}"#)));
    let all = "content/x snapshot/o/s lease/l ingest/i";
    for alive in [
        r#""2024-01-01T00:00:00Z""#,
        r#""2024-01-01T00:00:00.000000001Z""#,
        r#""2024-01-01T02:00:00+02:00""#,
        r#""2023-01-01t00:00:00z""#,
        r#""""#,
        r#"{"2023-01-01T00:00:00Z":""}"#,
    ] {
        assert_eq!(kept(&shipped(Release::V1_7Beta, &at(alive), &[])), all, "{alive}");
    }
    let expired = at(r#""2023-12-31T23:59:59.999999999Z""#);
    let question = shipped(Release::V1_7Beta, &expired, &[]);
    assert_eq!(kept(&question), "");
    assert_eq!(removed(&question), "lease/l content/x content/y");
    let two = at(r#""2024-01-01T00:00:00Z""#);
    assert_eq!(kept(&shipped(Release::V2_0, &two, &[])), "content/x snapshot/o/s image/im lease/l ingest/i");
}

#[test]
fn a_flat_lease_holds_no_more_than_it_lists() {
    let held = |flat: &str| {
        world(&format!(
            r#"{{"leases":{{"l":{{"labels":{{{flat}}},"content":{{"x":""}},"snapshots":{{"o":{{"c":""}}}},"images":{{"im":""}}}}}},
            {},"images":{{"im":{{"labels":{{"@expire":"2020-01-01T00:00:00Z","@ref.content":"y"}},"target":{{"digest":"t"}}}}}},
            "snapshots":{{"o":{{"c":{{"parent":"p","labels":{{"@ref.content":"z"}}}},"p":{{"parent":"q"}},"q":{{}}}}}}}}"#,
            content(&[blob("x", r#""@ref.content":"w""#), blob("t", r#""@ref.content":"u""#)])
        ))
    };
    let full = held("");
    assert_eq!(
        kept(&shipped(Release::V2_0, &full, &[])),
        "content/t content/u content/w content/x content/y content/z snapshot/o/c snapshot/o/p snapshot/o/q image/im lease/l"
    );
    for flat in [r#""@flat":"""#, r#""@flat":"false""#] {
        let flat = held(flat);
        assert_eq!(
            kept(&shipped(Release::V2_0, &flat, &[])),
            "content/t content/x snapshot/o/c snapshot/o/p snapshot/o/q image/im lease/l"
        );
    }
    let bucket = held(r#""@flat":{}"#);
    assert_eq!(kept(&shipped(Release::V2_0, &bucket, &[])), kept(&shipped(Release::V2_0, &full, &[])));
}

#[test]
fn flat_and_full_visits_of_one_object_both_count() {
    let both = world(&format!(
        r#"{{"leases":{{"a":{{"labels":{{"@flat":""}},"content":{{"x":""}}}},"b":{{"content":{{"x":""}}}}}},{}}}"#,
        content(&[blob("x", r#""@ref.content":"y""#)])
    ));
    assert_eq!(kept(&shipped(Release::V1_7Beta, &both, &[])), "content/x content/y lease/a lease/b");
}

#[test]
fn an_image_holds_its_target_and_from_2_0_until_it_expires() {
    let image = |expire: &str| {
        world(&format!(
            r#"{{"images":{{"im":{{"labels":{{{expire}"@ref.content.1":"y"}},"target":{{"digest":"x"}}}},"v":""}}}}"#
        ))
    };
    let past = image(r#""@expire":"2023-12-31T23:59:59Z","#);
    for release in [Release::V1_6, Release::V1_7Beta, Release::V1_7] {
        assert_eq!(kept(&shipped(release, &past, &[])), "content/x content/y", "{release}");
        assert_eq!(removed(&shipped(release, &past, &[])), "", "{release}");
    }
    for release in [Release::V2_0, Release::V2_1, Release::V2_2, Release::V2_3, Release::V2_4] {
        assert_eq!(kept(&shipped(release, &past, &[])), "", "{release}");
        assert_eq!(removed(&shipped(release, &past, &[])), "image/im", "{release}");
        let present = image(r#""@expire":"2024-01-01T00:00:00Z","#);
        assert_eq!(kept(&shipped(release, &present, &[])), "content/x content/y image/im", "{release}");
    }
    let no_digest = world(r#"{"images":{"im":{"target":{}},"in":{"target":"x"}}}"#);
    assert_eq!(kept(&shipped(Release::V1_7Beta, &no_digest, &[])), "content/");
}

#[test]
fn an_image_label_counts_from_2_0() {
    let labels = pinned_with(r#""@ref.image":"a","@ref.image.b":"b","@ref.images":"c""#);
    assert_eq!(kept(&shipped(Release::V1_7, &labels, &[])), "content/r");
    assert_eq!(kept(&shipped(Release::V2_0, &labels, &[])), "content/r image/a image/b");
}

/// An ingest's `expireat` in JSON, so many nanoseconds around now.
fn expire_at(seconds: i64, nanoseconds: u32) -> String {
    let time = [&[1][..], &seconds.to_be_bytes(), &nanoseconds.to_be_bytes(), &[0xFF, 0xFF]].concat();
    json::encode(&time).into_owned()
}

#[test]
fn an_ingest_is_a_root_until_it_expires_and_never_without_an_expiry() {
    let ingest =
        |expiry: &str| world(&format!(r#"{{"content":{{"ingests":{{"i":{{{expiry}"expected":"x"}}}}}}}}"#));
    let at = |seconds, nanoseconds| ingest(&format!(r#""expireat":"{}","#, expire_at(seconds, nanoseconds)));
    let kept_by_seed = |tree: &Bucket| kept(&shipped(Release::V1_7Beta, tree, &[]));
    assert_eq!(kept_by_seed(&at(NOW.seconds, 0)), "content/x ingest/i");
    assert_eq!(kept_by_seed(&at(NOW.seconds - 1, 999_999_999)), "");
    assert_eq!(kept_by_seed(&at(NOW.seconds - 1, 1_000_000_000)), "");
    assert_eq!(kept_by_seed(&at(i64::MAX, 0)), "content/x ingest/i");
    assert_eq!(kept_by_seed(&ingest("")), "");
    assert_eq!(kept_by_seed(&ingest(r#""expireat":{},"#)), "");
}

#[test]
fn an_undecodable_expiry_stops_everything_as_shipped_and_costs_one_ingest_as_intended() {
    let tree = tree(
        r#"{"v1":{"m":{"content":{"blob":{"x":{}}}},"n":{"content":{"ingests":{"a":{"expireat":""},"b":{"expireat":"x"}}}}}}"#,
    );
    let collectors = [collector("")];
    for release in Release::ALL {
        let question = shipped(release, &tree, &collectors);
        assert_eq!(
            errors(&question),
            ["Time.UnmarshalBinary: no data", "Time.UnmarshalBinary: unsupported version"]
        );
        let judgement = judge(&question);
        assert_eq!(judgement.progress(), Progress::MarkFailed);
        assert_eq!(judgement.tree_after(), tree);
        let ends = match release {
            Release::V1_6 => vec![],
            Release::V1_7Beta => vec![(OWN, End::Nothing)],
            _ => vec![(OWN, End::Cancel)],
        };
        assert_eq!(judgement.collector_ends(), ends, "{release}");
        let question = intended(release, &tree, &[]);
        assert_eq!(errors(&question), [""; 0]);
        assert_eq!(removed(&question), "content/x ingest/a ingest/b");
    }
}

#[test]
fn a_root_label_pins_by_its_key_and_from_2_2_by_its_beginning() {
    let pins = |label: &str| {
        world(&format!(
            r#"{{{},"snapshots":{{"o":{{"s":{{"labels":{{{label}}}}}}}}}}}"#,
            content(&[blob("x", label)])
        ))
    };
    let (exact, longer, bucket) = (pins(r#""@root":"""#), pins(r#""@rootfs":"""#), pins(r#""@root":{}"#));
    for release in Release::ALL {
        let by_prefix = release >= Release::V2_2;
        let both = "content/x snapshot/o/s";
        assert_eq!(kept(&shipped(release, &exact, &[])), both, "{release}");
        assert_eq!(kept(&shipped(release, &longer, &[])), if by_prefix { both } else { "" }, "{release}");
        assert_eq!(kept(&shipped(release, &bucket, &[])), if by_prefix { both } else { "" }, "{release}");
        assert_eq!(kept(&intended(release, &longer, &[])), "", "{release}");
    }
}

#[test]
fn a_container_holds_its_snapshot_and_labels_and_is_a_node_from_2_2() {
    let containers = world(
        r#"{"containers":{"c":{"snapshotter":"o","snapshotKey":"s","labels":{"@ref.content":"x"}},
            "d":{"snapshotKey":"t"},"e":{"snapshotter":{},"snapshotKey":"u"},"f":{"snapshotter":"p"},"v":""}}"#,
    );
    for release in Release::ALL {
        let nodes =
            if release >= Release::V2_2 { " container/c container/d container/e container/f" } else { "" };
        assert_eq!(
            kept(&shipped(release, &containers, &[])),
            format!("content/x snapshot/o/s snapshot/p/{nodes}"),
            "{release}"
        );
        assert_eq!(removed(&shipped(release, &containers, &[])), "", "{release}");
    }
}

#[test]
fn a_sandboxes_labels_count_from_1_7() {
    let inside = world(r#"{"sandboxes":{"s":{"labels":{"@ref.content":"x"}}}}"#);
    let outside = tree(r#"{"n":{"sandboxes":{"s":{"labels":{"@ref.content":"x"}}}},"v1":{"n":{}}}"#);
    for release in Release::ALL {
        let expected = if release >= Release::V1_7 { "content/x" } else { "" };
        assert_eq!(kept(&shipped(release, &inside, &[])), expected, "{release}");
        assert_eq!(kept(&shipped(release, &outside, &[])), "", "{release}");
        let intended_outside = if release == Release::V1_7 { "content/x" } else { "" };
        assert_eq!(kept(&intended(release, &outside, &[])), intended_outside, "{release}");
    }
}

#[test]
fn a_back_reference_keeps_its_object_while_the_parent_is_kept_in_full() {
    let children = |label: &str| {
        world(&format!(
            r#"{{{},"snapshots":{{"o":{{"s":{{"labels":{{"@root":""}}}}}}}},"containers":{{"c":{{}}}},
            "images":{{"im":{{}},"old":{{"labels":{{{label},"@expire":"2020-01-01T00:00:00Z"}}}}}}}}"#,
            content(&[blob("r", r#""@root":"""#), blob("x", label), blob("z", "")])
        ))
    };
    let (without, with) = (
        "content/r snapshot/o/s container/c image/im",
        "content/r content/x snapshot/o/s container/c image/im image/old",
    );
    for (label, expected) in [
        (r#""@bref.content":"r""#, with),
        (r#""@bref.content.1":"r""#, with),
        (r#""@bref.contents":"r""#, without),
        (r#""@bref.content":"z""#, without),
        (r#""@bref.snapshot.o/1":"s""#, with),
        (r#""@bref.snapshot.p":"s""#, without),
        (r#""@bref.container":"c""#, with),
        (r#""@bref.image/1":"im""#, with),
        (r#""@bref.image/1":"none""#, without),
    ] {
        let tree = children(label);
        assert_eq!(kept(&shipped(Release::V2_2, &tree, &[])), expected, "{label}");
        assert_eq!(kept(&shipped(Release::V2_1, &tree, &[])), "content/r snapshot/o/s image/im", "{label}");
    }
    let flat = world(&format!(
        r#"{{"leases":{{"l":{{"labels":{{"@flat":""}},"content":{{"p":""}}}}}},{}}}"#,
        content(&[blob("p", ""), blob("x", r#""@bref.content":"p""#)])
    ));
    assert_eq!(kept(&shipped(Release::V2_2, &flat, &[])), "content/p lease/l");
}

#[test]
fn as_shipped_a_missing_parent_keeps_what_refers_back_to_it() {
    let tree = world(&format!(
        "{{{}}}",
        content(&[blob("r", r#""@root":"","@ref.content":"gone""#), blob("x", r#""@bref.content":"gone""#)])
    ));
    assert_eq!(kept(&shipped(Release::V2_2, &tree, &[])), "content/gone content/r content/x");
    let question = intended(Release::V2_2, &tree, &[]);
    assert_eq!(kept(&question), "content/gone content/r");
    let judgement = judge(&question);
    let verdict = judgement.resources().find(|verdict| !verdict.is_kept()).expect("x goes");
    let by = Node::new(ResourceType(1), b"n", b"gone");
    assert_eq!(
        verdict.failures(),
        [Failure::ParentMissing { by, label: Some(b"containerd.io/gc.bref.content") }]
    );
}

#[test]
fn conditions_count_from_2_3_and_what_is_sloppy_only_as_shipped() {
    let world_of = |condition: &str, value: &str, used: &str| {
        world(&format!(
            r#"{{{},"snapshots":{{"o":{{"s":{{"labels":{{"@cond.value-usedat{used}":"2023-12-31T22:00:00Z"}}}}}}}}}}"#,
            content(&[blob("r", &format!(r#""@root":"","@cond.snapshot{condition}":"{value}""#))])
        ))
    };
    let (without, with) = ("content/r", "content/r snapshot/o/s");
    for (condition, value, used, as_shipped, as_intended) in [
        (".o", "usedat<3h|s", "", with, with),
        ("/o/7", "usedat<3h|s", ".x", with, with),
        (".o", "usedat<2h|s", "", without, without),
        (".o", "usedat>1h|s", "", with, with),
        (".o", "usedat<1h,usedat>1h|s", "", with, with),
        (".o", "usedat<3h", "", without, without),
        (".p", "usedat<3h|s", "", without, without),
        (".o", "usedat<3h|t", "", without, without),
        (".o", "usedat<=2h|s", "", without, with),
        (".o", "usedat>=2h|s", "", without, with),
        ("o", "usedat<3h|s", "", with, without),
        (".o", "usedat<3h|s", "XYZ", with, without),
    ] {
        let tree = world_of(condition, value, used);
        assert_eq!(kept(&shipped(Release::V2_3, &tree, &[])), as_shipped, "{condition} {value} {used}");
        assert_eq!(kept(&intended(Release::V2_3, &tree, &[])), as_intended, "{condition} {value} {used}");
        assert_eq!(kept(&shipped(Release::V2_2, &tree, &[])), without, "{condition} {value} {used}");
    }
}

#[test]
fn a_condition_looks_at_every_time_of_use() {
    let used = |times: &str| {
        world(&format!(
            r#"{{{},"snapshots":{{"o":{{"s":{{"labels":{{{times}}}}}}}}}}}"#,
            content(&[blob("r", r#""@root":"","@cond.snapshot.o":"usedat<1h,usedat>3h|s""#)])
        ))
    };
    let (without, with) = ("content/r", "content/r snapshot/o/s");
    let two_hours = r#""@cond.value-usedat.b":"2023-12-31T22:00:00Z""#;
    for (times, expected) in [
        (two_hours.to_owned(), without),
        (format!(r#""@cond.value-usedat.a":"2023-12-31T23:30:00Z",{two_hours}"#), with),
        (format!(r#"{two_hours},"@cond.value-usedat.c":"2023-12-31T20:30:00Z""#), with),
        (format!(r#"{two_hours},"@cond.value-usedat.c":"2030-01-01T00:00:00Z""#), with),
        (format!(r#"{two_hours},"@cond.value-usedat.c":"never","@cond.value-usedat.d":{{}}"#), without),
        (String::new(), without),
    ] {
        assert_eq!(kept(&shipped(Release::V2_3, &used(&times), &[])), expected, "{times}");
    }
}

#[test]
fn a_collectors_answers_and_label_count_once_it_has_started() {
    let tree = world(&format!(
        r#"{{"leases":{{"l":{{}},"old":{{"labels":{{"@expire":"2020-01-01T00:00:00Z"}}}}}},{}}}"#,
        content(&[blob("r", r#""@root":"","@ref.own.1":"c","@ref.owned":"b","@ref.snapshot.o":"s""#)])
    ));
    let node = |key: &[u8]| Node::new(OWN, b"n", key);
    let leased =
        |lease: &[u8], key| Leased { for_namespace: (*b"n").into(), lease: lease.into(), node: node(key) };
    let mut one = collector("own");
    one.active = vec![Active { for_namespace: (*b"n").into(), node: node(b"a") }];
    let ask = |one: &Collector| {
        let collectors = [one.clone()];
        let question = shipped(Release::V1_7, &tree, &collectors);
        (kept(&question), removed(&question))
    };
    let core = "content/r snapshot/o/s lease/l";
    let gone = "lease/old";
    assert_eq!(ask(&one), (format!("{core} type-16/a type-16/c"), format!("{gone} type-16/b")));
    one.leased = vec![leased(b"l", b"b")];
    assert_eq!(ask(&one), (format!("{core} type-16/a type-16/b type-16/c"), gone.to_owned()));
    one.leased = vec![leased(b"old", b"b"), leased(b"none", b"b")];
    assert_eq!(ask(&one).1, format!("{gone} type-16/b"));
    one.active[0].for_namespace = (*b"other").into();
    assert_eq!(ask(&one), (format!("{core} type-16/c"), format!("{gone} type-16/a type-16/b")));
    one.reference_label = b"snapshot".into();
    assert_eq!(ask(&one).0, format!("{core} type-16/s"));
    one.start_error = true;
    assert_eq!(ask(&one), (core.to_owned(), gone.to_owned()));
    let collectors = [collector("own")];
    let question = shipped(Release::V1_6, &tree, &collectors);
    assert_eq!((kept(&question), removed(&question)), (core.to_owned(), gone.to_owned()));
}

#[test]
fn the_seeds_labels_yield_the_type_of_the_collector_iterated_last() {
    let tree = pinned_with(r#""@ref.own":"a""#);
    let failed = Collector { start_error: true, ..Collector::new(ResourceType(17)) };
    let collectors = [collector("own"), failed];
    let mut question = shipped(Release::V1_7Beta, &tree, &collectors);
    assert_eq!(kept(&question), "content/r type-17/a");
    question.situation.last_iterated = Some(OWN);
    assert_eq!(kept(&question), "content/r type-16/a");
    question.situation.last_iterated = Some(ResourceType(17));
    assert_eq!(kept(&Asked { defects: Defects::NONE, ..question.clone() }), "content/r type-16/a");
    assert_eq!(kept(&shipped(Release::V1_7, &tree, &collectors)), "content/r type-16/a");
}

#[test]
fn types_with_high_bits_are_kept_plainly_and_refer_to_nothing() {
    let tree = world(&format!("{{{}}}", content(&[blob("x", r#""@ref.content":"y""#)])));
    let active =
        |number| Active { for_namespace: (*b"n").into(), node: Node::new(ResourceType(number), b"n", b"x") };
    for (number, expected) in [(1, "content/x content/y"), (0x21, "content/x"), (0x41, "content/x")] {
        let collectors = [Collector { active: vec![active(number)], ..Collector::new(OWN) }];
        assert_eq!(kept(&shipped(Release::V1_7Beta, &tree, &collectors)), expected, "{number}");
    }
}

#[test]
fn a_flat_type_that_a_collector_lists_is_never_marked_as_shipped() {
    let flat = Node::new(OWN.flat(), b"n", b"a");
    let active = Active { for_namespace: (*b"n").into(), node: flat.clone() };
    let collectors = [Collector { active: vec![active], all: vec![flat], ..Collector::new(OWN) }];
    let tree = world("{}");
    assert_eq!(removed(&shipped(Release::V1_7Beta, &tree, &collectors)), "type-48/a");
    assert_eq!(removed(&intended(Release::V1_7Beta, &tree, &collectors)), "");
}

#[test]
fn a_snapshot_that_names_no_snapshotter_ends_marking_wherever_it_is_reached() {
    let tree = world("{}");
    for (number, expected) in [(2, 1), (0x22, 1), (0x42, 0)] {
        let node = Node::new(ResourceType(number), b"elsewhere", b"k");
        let active = Active { for_namespace: (*b"n").into(), node };
        let collectors = [Collector { active: vec![active], ..collector("") }];
        let question = shipped(Release::V1_7, &tree, &collectors);
        assert_eq!(errors(&question).len(), expected, "{number}");
        if expected == 1 {
            assert_eq!(errors(&question), ["invalid snapshot gc key k"]);
            assert_eq!(judge(&question).collector_ends(), [(OWN, End::Cancel)]);
            assert_eq!(judge(&question).collector_removals(), []);
        }
    }
    let listed = [Collector { all: vec![Node::new(ResourceType(2), b"n", b"k")], ..Collector::new(OWN) }];
    assert_eq!(errors(&shipped(Release::V1_7, &tree, &listed)), [""; 0]);
}

#[test]
fn collectors_back_references_count_from_2_2_and_references_from_2_4() {
    let tree = world(&format!(r#"{{"containers":{{"c":{{}}}},{}}}"#, content(&[blob("x", "")])));
    let own = Node::new(OWN, b"n", b"a");
    let mut one = collector("");
    let from = Node::new(ResourceType(3), b"n", b"c");
    one.active_back_references = vec![BackReference { for_namespace: (*b"n").into(), from, to: own.clone() }];
    let content = Node::new(ResourceType(1), b"n", b"x");
    one.references = vec![(own, vec![content.clone()]), (Node::new(OWN.flat(), b"n", b"a"), vec![])];
    for (release, expected) in [
        (Release::V2_1, ""),
        (Release::V2_2, "container/c type-16/a"),
        (Release::V2_3, "container/c type-16/a"),
        (Release::V2_4, "content/x container/c type-16/a"),
    ] {
        assert_eq!(kept(&shipped(release, &tree, &[one.clone()])), expected, "{release}");
    }
    // Only the collector of the node's own type is asked about it.
    let mut other = Collector::new(ResourceType(17));
    other.references = std::mem::take(&mut one.references);
    assert_eq!(kept(&shipped(Release::V2_4, &tree, &[one.clone(), other])), "container/c type-16/a");
    // A failed start loses what would have been protected, unless the rules are as intended.
    one.references = vec![(Node::new(OWN, b"n", b"a"), vec![content])];
    one.start_error = true;
    let collectors = [one];
    assert_eq!(kept(&shipped(Release::V2_4, &tree, &collectors)), "container/c");
    assert_eq!(removed(&shipped(Release::V2_4, &tree, &collectors)), "content/x");
    assert_eq!(removed(&intended(Release::V2_4, &tree, &collectors)), "");
}

#[test]
fn a_snapshotter_with_a_slash_is_cut_as_shipped_and_a_name_as_intended() {
    let snapshots = |over: &str| world(&format!(r#"{{"snapshots":{{{over}"over/lay":{{"k":{{}}}}}}}}"#));
    let alone = snapshots("");
    let question = shipped(Release::V1_7Beta, &alone, &[]);
    assert_eq!(removed(&question), "snapshot/over/lay/k");
    assert_eq!(judge(&question).tree_after(), alone);
    assert_eq!(
        judge(&intended(Release::V1_7Beta, &alone, &[])).tree_after(),
        world(r#"{"snapshots":{"over/lay":{}}}"#)
    );
    for (over, error) in [
        (r#""over":{"lay/k":{}},"#, Some("failed to scan and remove: bucket not found")),
        (r#""over":{"x":{"labels":{"@root":""}}},"#, Some("failed to scan and remove: bucket not found")),
        (r#""over":{"lay/k":"value"},"#, Some("failed to scan and remove: incompatible value")),
        (r#""over":"value","#, None),
    ] {
        let tree = snapshots(over);
        let collectors = [collector("")];
        let question = shipped(Release::V1_7Beta, &tree, &collectors);
        assert_eq!(errors(&question), error.into_iter().collect::<Vec<_>>(), "{over}");
        assert_eq!(judge(&question).tree_after(), tree, "{over}");
        let end = if error.is_some() { End::Cancel } else { End::Finish };
        assert_eq!(judge(&question).collector_ends(), [(OWN, end)], "{over}");
        assert_eq!(errors(&intended(Release::V1_7Beta, &tree, &[])), [""; 0], "{over}");
    }
    // One is held: as shipped both are, as intended only that one.
    let tree = world(
        r#"{"leases":{"l":{"snapshots":{"over/lay":{"k":""}}}},"snapshots":{"over":{"lay/k":{}},"over/lay":{"k":{}}}}"#,
    );
    assert_eq!(removed(&shipped(Release::V1_7Beta, &tree, &[])), "");
    let question = intended(Release::V1_7Beta, &tree, &[]);
    assert_eq!(judge(&question).removed_count(), 1);
    assert_eq!(kept(&question), "snapshot/over/lay/k lease/l");
}

#[test]
fn the_tree_after_lacks_what_goes_and_as_intended_its_entry_in_children() {
    let before = world(
        r#"{"leases":{"l":{"labels":{"@expire":"2020-01-01T00:00:00Z"}}},"labels":{"k":"v"},
            "content":{"blob":{"x":{},"r":{"labels":{"@root":""}}},"ingests":{"i":{}}},"images":{"old":{"labels":{"@expire":"2020-01-01T00:00:00Z"}}},
            "snapshots":{"o":{"p":{"children":{"c":"","d":""},"labels":{"@root":""}},"c":{"parent":"p","children":{"e":""}},"e":{"parent":"c"}}}}"#,
    );
    let after = |children: &str| {
        world(&format!(
            r#"{{"leases":{{}},"labels":{{"k":"v"}},"content":{{"blob":{{"r":{{"labels":{{"@root":""}}}}}},"ingests":{{}}}},"images":{{}},
            "snapshots":{{"o":{{"p":{{"children":{{{children}"d":""}},"labels":{{"@root":""}}}}}}}}}}"#
        ))
    };
    assert_eq!(judge(&shipped(Release::V2_0, &before, &[])).tree_after(), after(r#""c":"","#));
    assert_eq!(judge(&intended(Release::V2_0, &before, &[])).tree_after(), after(""));
}

#[test]
fn without_the_schemas_bucket_nothing_is_listed_and_collectors_finish() {
    let collectors = [collector("own")];
    let empty = tree("{}");
    let question = shipped(Release::V1_7Beta, &empty, &collectors);
    let judgement = judge(&question);
    assert_eq!(judgement.resources().count(), 0);
    assert_eq!(judgement.collector_ends(), [(OWN, End::Finish)]);
}

#[test]
fn reasons_lead_to_a_root_by_the_shortest_way() {
    let tree = world(&format!(
        r#"{{"leases":{{"l":{{"content":{{"d":""}}}}}},"images":{{"im":{{"target":{{"digest":"a"}}}}}},{}}}"#,
        content(&[
            blob("a", r#""@ref.content.0":"b""#),
            blob("b", r#""@ref.content":"c""#),
            blob("c", r#""@ref.content":"d""#),
            blob("d", ""),
        ])
    ));
    let question = shipped(Release::V2_0, &tree, &[]);
    let judgement = judge(&question);
    let chain = |key: &[u8]| judgement.chain(Node::new(ResourceType(1), b"n", key).as_ref());
    let rules = |key| chain(key).iter().map(|reason| reason.rule).collect::<Vec<_>>();
    assert_eq!(rules(b"c"), [Rule::ContentLabel, Rule::ContentLabel, Rule::Target, Rule::UnexpiredImage]);
    assert_eq!(rules(b"d"), [Rule::LeaseHolds]);
    assert_eq!(rules(b"none"), []);
    assert_eq!(chain(b"b")[0].label, Some(&b"containerd.io/gc.ref.content.0"[..]));
    assert_eq!(chain(b"d")[0].by, By::Root(Holder::Lease { namespace: b"n", id: b"l" }));
}

#[test]
fn what_is_removed_says_what_failed() {
    let tree = world(&format!(
        r#"{{"leases":{{"flat":{{"labels":{{"@flat":""}},"content":{{"f":""}}}},"old":{{"labels":{{"@expire":"2023-01-01T00:00:00Z"}},"content":{{"x":""}}}}}},{}}}"#,
        content(&[
            blob("f", r#""@ref.content":"x""#),
            blob("lost", ""),
            blob("x", ""),
            blob("y", r#""@ref.content.2":"x""#),
        ])
    ));
    let question = shipped(Release::V1_7Beta, &tree, &[]);
    let judgement = judge(&question);
    let failures = |name: &str| {
        let verdict = judgement.resources().find(|verdict| &*verdict.node().key == name.as_bytes());
        verdict.expect("a resource").failures()
    };
    let content = |key: &[u8]| Node::new(ResourceType(1), b"n", key);
    let at = Instant { seconds: NOW.seconds - 365 * 86_400, nanoseconds: 0 };
    let label = |label: &'static [u8]| Some(label);
    assert_eq!(failures("old"), [Failure::LeaseExpired { at }]);
    assert_eq!(failures("lost"), []);
    assert_eq!(failures("f"), []);
    assert_eq!(
        failures("x"),
        [
            Failure::HolderExpired { lease: Node::new(ResourceType(5), b"n", b"old"), at },
            Failure::ReferrerNotFull {
                by: content(b"f"),
                rule: Rule::ContentLabel,
                label: label(b"containerd.io/gc.ref.content"),
                reason: Reason {
                    reached_as: ResourceType(0x21),
                    rule: Rule::LeaseHolds,
                    label: None,
                    by: By::Root(Holder::Lease { namespace: b"n", id: b"flat" }),
                },
            },
            Failure::ReferrerRemoved {
                by: content(b"y"),
                rule: Rule::ContentLabel,
                label: label(b"containerd.io/gc.ref.content.2"),
                expired: None,
            },
        ]
    );
}

/// Shared code could hide one bug from both sides, so what this room may use is a list.
#[test]
fn the_oracle_uses_nothing_of_the_engine() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/oracle");
    let allowed =
        ["named", "node", "bucket", "release", "go", "collector", "instant", "situation", "schema::names"];
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the oracle's folder") {
        let path = entry.expect("an entry").path();
        let source = std::fs::read_to_string(&path).expect("a source file");
        files += 1;
        // Paths into the crate, wherever they stand; spelt in two so as not to find itself.
        let path_start = concat!("crate", "::");
        for (at, _) in source.match_indices(path_start) {
            let rest = &source[at + path_start.len()..];
            let is_allowed = allowed
                .iter()
                .any(|room| rest.strip_prefix(room).is_some_and(|rest| rest.starts_with([':', ';'])));
            assert!(is_allowed, "{}: {}", path.display(), rest.lines().next().unwrap_or_default());
        }
        for line in source.lines().map(str::trim_start) {
            let Some(used) = line.strip_prefix("pub use ").or_else(|| line.strip_prefix("use ")) else {
                continue;
            };
            let root = used.split([':', ';', ' ']).next().unwrap_or_default();
            let own = [
                "super",
                "conditions",
                "defects",
                "errors",
                "judgement",
                "removal",
                "rules",
                "times",
                "verdict",
            ];
            let known = ["std", "hashbrown", "crate"].iter().chain(&own);
            assert!(known.into_iter().any(|name| *name == root), "{}: {line}", path.display());
            assert!(!used.starts_with("super::super"), "{}: {line}", path.display());
        }
    }
    assert_eq!(files, 21, "every file of the oracle is looked at");
}
