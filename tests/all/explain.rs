//! `leasehold explain`: the questions that people asked, and what it says for people and machines.

use super::lint::{ROOT, root_of};
use super::program::{leasehold, text};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Set it to have the answers written as they are printed.
const UPDATE: &str = "UPDATE_LIBRARY";

/// The answers beside the scenarios of `questions`: commands behind `$ leasehold`, each with what it prints below it.
#[test]
fn questions_that_people_asked_are_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/questions");
    let mut answers: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the repository has the folder")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    answers.sort();
    assert!(answers.len() >= 6, "the questions are there");
    for path in answers {
        let expected = fs::read_to_string(&path).expect("text");
        let printed = expected.lines().filter_map(|line| line.strip_prefix("$ leasehold ")).map(|command| {
            let words = shlex::split(command).expect("a command");
            let output = leasehold(&words.iter().map(String::as_str).collect::<Vec<_>>());
            format!("$ leasehold {command}\n{}", text(&output.stdout))
        });
        let printed = printed.collect::<Vec<_>>().join("\n");
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&path, printed).expect("a file that can be written");
        } else {
            assert_eq!(printed, expected, "{}: {UPDATE}=1 writes it anew", path.display());
        }
    }
}

#[test]
fn the_readmes_answer_is_what_is_printed() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("text");
    let asked =
        readme.split("```sh\n").find(|block| block.starts_with("leasehold explain")).expect("a command");
    let (command, rest) = asked.split_once('\n').expect("a line");
    let shown = rest.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an answer");
    let words = shlex::split(command).expect("a command");
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    assert_eq!(text(&leasehold(&words).stdout), shown);
}

fn json(arguments: &[&str]) -> Value {
    let output = leasehold(&[arguments, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).expect("one object")
}

fn scenario(name: &str, steps: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, steps).expect("a file that can be written");
    let path = path.to_str().expect("a name of text").to_owned();
    (folder, path)
}

const SHARED: &str = "release 2.1
content put layer size=100
content put one size=10 gc.ref.content.l.0=@layer
content put two size=20 gc.ref.content.l.0=@layer
image create a target=one
lease create l expire=+2h
lease add l content/two
";

#[test]
fn a_node_is_explained_as_the_contract_says() {
    let (_folder, path) = scenario("shared.scenario", SHARED);
    let layer = json(&["explain", &path, "layer"]);
    assert_eq!(layer["state"], "kept");
    assert_eq!(layer["roots"], 2);
    assert_eq!(layer["alone"], Value::Array(vec![]));
    assert_eq!(layer["until"], Value::Null);
    assert_eq!([&layer["bytes"], &layer["bytes_alone"]], [100, 100]);
    let chain = layer["chain"].as_array().expect("a chain");
    let rules: Vec<&Value> = chain.iter().map(|hop| &hop["rule"]).collect();
    assert_eq!(rules, ["held by lease", "content reference"]);
    assert_eq!(chain[0]["from"]["kind"], "lease");
    assert_eq!(chain[1]["label"], "containerd.io/gc.ref.content.l.0");
    let two = json(&["explain", &path, "content/two"]);
    assert_eq!(two["until"], "2026-01-01T02:00:00.000000001Z");
    let alone: Vec<&Value> =
        two["alone"].as_array().expect("a list").iter().map(|node| &node["key"]).collect();
    assert_eq!(alone, ["l"]);
    let later = json(&["explain", &path, "content/two", "--now", "+3h"]);
    assert_eq!((&later["state"], &later["until"]), (&Value::from("removed"), &Value::Null));
    assert_eq!(later["near_misses"][0]["node"]["key"], "l");
}

#[test]
fn who_holds_what_is_said_as_the_contract_says() {
    let (_folder, path) = scenario("shared.scenario", SHARED);
    let digest = json(&["explain", &path]);
    let holder = |place: usize| {
        let holder = &digest["holders"][place];
        let number = |name: &str| holder[name].as_u64().expect("a number");
        let names = ["objects", "bytes", "objects_alone", "bytes_alone"];
        (holder["node"]["key"].clone(), names.map(number), holder["until"].clone())
    };
    assert_eq!(holder(0), ("l".into(), [2, 120, 1, 20], "2026-01-01T02:00:00.000000001Z".into()));
    assert_eq!(holder(1), ("a".into(), [2, 110, 1, 10], Value::Null));
    assert_eq!(digest["next"][0]["bytes"], 20);
    assert_eq!(digest["next"].as_array().map(Vec::len), Some(1));
}

#[test]
fn where_images_are_no_nodes_they_hold_all_the_same() {
    let (_folder, path) = scenario("old.scenario", &SHARED.replace("2.1", "1.7"));
    let one = json(&["explain", &path, "content/one"]);
    assert_eq!(
        one["chain"][0]["from"],
        serde_json::json!({"type": null, "kind": "image", "namespace": "default", "key": "a"})
    );
    let image = json(&["explain", &path, "image/a"]);
    assert_eq!((&image["state"], &image["bytes_alone"]), (&"unswept".into(), &10.into()));
    assert_eq!(image["node"]["type"], Value::Null);
}

#[test]
fn a_name_that_fits_nothing_or_several_is_said_to_be_such() {
    let (_folder, path) = scenario("shared.scenario", &format!("{SHARED}lease create one\n"));
    let missing = leasehold(&["explain", &path, "nothing"]);
    assert_eq!(missing.status.code(), Some(1));
    let several = leasehold(&["explain", &path, "one"]);
    assert_eq!(several.status.code(), Some(2));
    let listed = text(&several.stdout);
    assert!(listed.contains("default/content/one\n") && listed.contains("default/lease/one\n"), "{listed}");
    let dead = scenario("dead.scenario", "content put m gc.ref.content.l.0=@gone\nimage create a target=m\n");
    let gone = leasehold(&["explain", &dead.1, "content/gone"]);
    assert_eq!(gone.status.code(), Some(1));
    let said = text(&gone.stdout);
    assert!(said.contains("missing") && said.contains("content/m  -gc.ref.content.l.0->  it"), "{said}");
}

/// What a scenario leads up to, explained.
fn said(steps: &str, node: &[&str]) -> (Option<i32>, String) {
    let (_folder, path) = scenario("said.scenario", steps);
    let output = leasehold(&[&["explain", &path], node].concat());
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn what_it_prints_as_a_name_it_takes_as_a_name() {
    let steps = "release 2.1\ncontent put layer\nsandbox create pod gc.ref.content.0=@layer\n\
        snapshot prepare overlayfs/\"k/2 \\\"q\\\"\"\nlease create \"a b\"\nlease add \"a b\" snapshot/overlayfs/\"k/2 \\\"q\\\"\"\n";
    let (_folder, path) = scenario("names.scenario", steps);
    let digest = text(&leasehold(&["explain", &path]).stdout);
    assert!(digest.contains("default/sandbox/pod ") && digest.contains("default/lease/\"a b\" "), "{digest}");
    let names = [
        "default/sandbox/pod",
        "sandbox/pod",
        "pod",
        "default/lease/\"a b\"",
        "snapshot/overlayfs/\"k/2 \\\"q\\\"\"",
        "a b",
    ];
    for name in names {
        let output = leasehold(&["explain", &path, name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stdout));
    }
    let layer = text(&leasehold(&["explain", &path, "layer"]).stdout);
    assert!(layer.contains("  sandbox/pod  -gc.ref.content.0->  it\n"), "{layer}");
    let hint =
        digest.lines().last().and_then(|line| line.strip_prefix("More of one: leasehold ")).expect("a hint");
    let words = shlex::split(hint).expect("a command");
    let output = leasehold(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{hint}");
}

#[test]
fn a_word_for_all_of_a_kind_lists_them() {
    let begins_so = "snapshot prepare native/lease-base\n";
    for word in ["leases", "lease"] {
        let steps = format!("lease create pull\nlease create push\ncontent put a\n{begins_so}");
        let (code, printed) = said(&steps, &[word]);
        assert_eq!(code, Some(2), "{printed}");
        let listed =
            format!("{word} is a kind, of which there are:\n  default/lease/pull\n  default/lease/push\n");
        assert!(printed.starts_with(&listed), "{printed}");
    }
    let (code, printed) = said("content put a\n", &["images"]);
    assert!(code == Some(1) && printed.starts_with("images: there is no such object\n"), "{printed}");
}

#[test]
fn a_namespace_lists_what_is_in_it() {
    let steps = "namespace create other\nclient bob namespace=other\nbob: content put b\ncontent put a\n";
    for word in ["other", "namespace/other"] {
        let (code, printed) = said(steps, &[word]);
        let listed = format!("{word} is a namespace, in which there are:\n  other/content/b\n");
        assert!(code == Some(2) && printed.starts_with(&listed), "{printed}");
    }
    // An object goes before a namespace of its name.
    let (code, printed) = said(&format!("{steps}lease create other\n"), &["other"]);
    assert!(code == Some(0) && printed.starts_with("default/lease/other   "), "{printed}");
}

#[test]
fn a_snapshotter_with_a_slash_comes_back_as_it_was_written() {
    let (_, printed) = said("snapshot prepare \"ov/lay\"/k\n", &["k"]);
    assert!(printed.starts_with("default/snapshot/\"ov/lay\"/k   "), "{printed}");
    assert!(printed.contains(" snapshots --snapshotter ov/lay label k "), "{printed}");
}

#[test]
fn the_beginning_of_a_name_will_do_and_the_nearest_is_offered() {
    let digest = format!("sha256:{}", "ab12".repeat(16));
    let steps = format!(
        "snapshot prepare overlayfs/\"{digest}\"\nimage create docker.io/library/web:1 target=\"{digest}\"\n"
    );
    for name in ["sha256:ab12ab", "ab12ab", "overlayfs/sha256:ab12", "web:1", "docker.io/library/web"] {
        assert_eq!(said(&steps, &[name]).0, Some(0), "{name}: {}", said(&steps, &[name]).1);
    }
    let (code, near) = said(&steps, &["defualt/image/docker.io/library/web:1"]);
    assert!(code == Some(1) && near.contains("is default/image/docker.io/library/web:1 meant?"), "{near}");
    for empty in ["", "/", "content/"] {
        assert_eq!(said(&steps, &[empty]).0, Some(2), "{empty}");
    }
}

#[test]
fn in_a_scenario_a_name_is_of_the_namespace_that_its_steps_mean() {
    let steps =
        "content put layer\nnamespace create other\nclient bob namespace=other\nbob: content put layer\n";
    let (code, told) = said(steps, &["content/layer"]);
    assert!(code == Some(0) && told.contains("default/content/layer"), "{told}");
    let (code, told) = said(steps, &["other/content/layer"]);
    assert!(code == Some(0) && told.contains("other/content/layer"), "{told}");
}

#[test]
fn a_collection_that_fails_is_said_with_what_stops_it() {
    let steps = "content put b\ncontent open u\nraw put v1/default/content/ingests/u/expireat x\n";
    for node in [&[][..], &["content/b"], &["ingest/u"]] {
        let (code, told) = said(steps, node);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("stopped by  default/ingest/u") && told.contains("Abort"), "{told}");
        assert!(!told.contains("goes at the next collection"), "{told}");
    }
}

#[test]
fn what_no_collection_removes_is_told_with_how_to_delete_it() {
    let steps = "release 1.7\ncontent put m\nimage create web:1 target=m\nlease create l gc.expire=tomorrow\nlease add l content/m\n";
    let (_, image) = said(steps, &["image/web:1"]);
    assert!(
        image.contains("stays until a client deletes it")
            && image.contains("ctr -n default images rm web:1\n"),
        "{image}"
    );
    let (_, lease) = said(steps, &["lease/l"]);
    assert!(lease.contains("its gc.expire `tomorrow` is no time"), "{lease}");
    let (_, digest) = said(steps, &[]);
    assert!(digest.contains("no end, its gc.expire is no time"), "{digest}");
    let silent = "release 2.1\ncollector declare type-16\ncollector list type-16 type-16/disk\ncollector fail type-16 start\n";
    let (_, disk) = said(silent, &["type-16/disk"]);
    assert!(disk.contains("the collector of type-16 fails to start"), "{disk}");
}

#[test]
fn a_missing_parent_is_named_by_its_child_and_a_long_chain_is_cut() {
    let steps = "release 2.2\ncontent put v gc.bref.content.0=@nope\n";
    let (_, child) = said(steps, &["content/v"]);
    assert!(
        child.contains("It names what is missing:\n  it  -gc.bref.content.0->  content/nope\n"),
        "{child}"
    );
    let (code, parent) = said(steps, &["content/nope"]);
    assert!(
        code == Some(1) && parent.contains("Named by:\n  content/v  -gc.bref.content.0->  it\n"),
        "{parent}"
    );
    let snapshots = (0..40).map(|place| {
        let parent = if place == 0 { String::new() } else { format!(" parent=s{}", place - 1) };
        format!("snapshot prepare overlayfs/p{parent}\nsnapshot commit overlayfs/p s{place}\n")
    });
    let steps = snapshots.collect::<String>() + "lease create l\nlease add l snapshot/overlayfs/s39\n";
    let (_, chain) = said(&steps, &["snapshot/overlayfs/s0"]);
    let line = chain.lines().find(|line| line.contains("-holds->")).expect("a chain");
    assert!(line.contains("... 27 more: --json ..."), "{line}");
    assert!(line.ends_with("-parent->  it   (lines 82, 80, 78, ..., 8, 6, 4)"), "{line}");
}

/// Of a root folder snapshots have the sizes that their snapshotters know, and those that have none are counted.
#[test]
fn a_root_folder_tells_how_large_snapshots_are() {
    let now = ["--now", "2026-01-01T00:00:00Z"];
    let told = |scenario: &str, arguments: &[&str]| {
        let root = root_of(scenario);
        let path = root.path().to_str().expect("text");
        let words = [&arguments[..1], &[path], &arguments[1..], &now].concat();
        text(&leasehold(&words).stdout).replace(path, "ROOT")
    };
    let of = |scenario: &str, arguments: &[&str]| -> Value {
        let words = [arguments, &["--json"]].concat();
        serde_json::from_str(&told(scenario, &words)).expect("one object")
    };
    let pinned = told(ROOT, &["explain", "snapshot/overlayfs/base"]);
    assert!(pinned.starts_with("default/snapshot/overlayfs/base   304 B   kept, by 1 root\n"), "{pinned}");
    assert!(pinned.contains("Without it 304 B of snapshots would come free.\n"), "{pinned}");
    let node = of(ROOT, &["explain", "snapshot/overlayfs/base"]);
    assert_eq!([&node["snapshot_bytes"], &node["snapshot_bytes_alone"], &node["bytes"]], [304, 304, 0]);
    let digest = of(ROOT, &["explain"]);
    let base = &digest["holders"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|holder| holder["node"]["kind"] == "snapshot");
    let base = base.expect("it is pinned");
    assert_eq!([&base["snapshot_bytes"], &base["snapshot_bytes_alone"], &base["bytes"]], [304, 304, 0]);

    let dropped = &(ROOT.replace(" gc.root=now", "") + "snapshot prepare overlayfs/work parent=base\n");
    let digest = told(dropped, &["explain"]);
    assert!(digest.contains("\nOf 1 snapshot no size is known and none is added"), "{digest}");
    assert_eq!(of(dropped, &["explain"])["garbage"]["snapshot_bytes"], 304);
    let collected = told(dropped, &["collect"]);
    let sums = "3 removed; 5 B of content and 304 B of snapshots (and 1 of unknown size) would come free.\n";
    assert!(collected.contains(sums), "{collected}");
    let collected = of(dropped, &["collect"]);
    assert_eq!(collected["freed"]["snapshots"], json!({"bytes": 304, "unknown": 1}));
    assert_eq!(collected["removed"][0]["bytes"], 304);
}

/// What was written anew counts as written then, and a collection writes nothing that is explained.
#[test]
fn the_lines_of_a_scenario_stand_beside_its_chains() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lines.scenario");
    let scenario = "release 2.3
content put layer
content put manifest
image create web target=manifest
content label manifest gc.ref.content.l.0=@layer
image delete web
image create web target=manifest
lease create l
snapshot prepare overlayfs/base
snapshot prepare overlayfs/top
lease add l content/layer
lease add l snapshot/overlayfs/top
content label layer gc.root=x
gc
";
    fs::write(&path, scenario).expect("a new file");
    let path = path.to_str().expect("text");
    let of = |node: &str| -> Value {
        let output = leasehold(&["explain", path, node, "--json"]);
        serde_json::from_slice(&output.stdout).expect("one object")
    };
    let lines = |node: &str| -> Vec<Vec<u64>> {
        let report = of(node);
        let chains = report["chains"].as_array().expect("a list").iter();
        let of_hop = |hop: &Value| hop["line"].as_u64().expect("a line of the scenario wrote it");
        chains.map(|chain| chain.as_array().expect("a chain").iter().map(of_hop).collect()).collect()
    };
    let mut layer = lines("content/layer");
    layer.sort();
    assert_eq!(layer, [vec![7, 7, 5], vec![11], vec![13]]);
    assert_eq!(lines("snapshot/overlayfs/top"), [[12]]);
    let told = text(&leasehold(&["explain", path, "content/layer"]).stdout);
    assert!(told.contains("(line 11)\n") && told.contains("(lines 7, 5)\n"), "{told}");
}

/// Holders beyond the chains that are told, those that hold only together, and a digest that an ingest waits for.
#[test]
fn what_several_hold_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("many.scenario");
    let images: String =
        (0..8).map(|number| format!("image create r.io/app-{number}:1 target=layer\n")).collect();
    let scenario = format!(
        "release 2.3\nclient other namespace=other\ncontent put layer size=4096\n{images}content put small size=1 gc.root=x\n"
    );
    fs::write(&path, scenario + "other: content open upload expect=layer\n").expect("a new file");
    let path = path.to_str().expect("text");
    let of = |node: &[&str]| text(&leasehold(&[&["explain", path], node].concat()).stdout);
    let layer = of(&["content/layer"]);
    assert!(layer.contains("\n  ... and then 3 more roots: ask again when these are gone\n"), "{layer}");
    let image = of(&["app-3"]);
    assert!(image.starts_with("default/image/r.io/app-3:1"), "{image}");
    assert!(
        image.contains("It holds 1 object, which others hold, too: without it alone none goes.\n"),
        "{image}"
    );
    let digest = of(&[]);
    let places = ["content/small (pinned)", "image/r.io/app-0:1"]
        .map(|name| digest.find(name).expect("it is a holder"));
    assert!(places[0] < places[1], "{digest}");
}

const THREE_NAMES: &str = "release 2.1
content put layer size=4096
content put config size=10
content put manifest size=20 gc.ref.content.config=@config gc.ref.content.l.0=@layer
image create r.io/redis:7 target=manifest gc.expire=2026-01-01T02:00:00Z
image create r.io/redis@sha256:1 target=manifest
image create sha256:1 target=manifest
content put other size=7
image create other:1 target=other
";

/// Names of one image hold it together: one row, and what comes free when all of them go.
#[test]
fn names_of_one_image_are_one_holder() {
    let (_folder, path) = scenario("names.scenario", THREE_NAMES);
    let digest = text(&leasehold(&["explain", &path]).stdout);
    let row = digest.lines().find(|line| line.contains("redis")).expect("a row");
    assert!(row.contains("image/r.io/redis:7 and 2 more names"), "{digest}");
    assert!(row.ends_with("4.0 KiB        3       4.0 KiB        3"), "{digest}");
    assert_eq!(digest.matches("image/").count(), 4, "two rows, an end and the command: {digest}");
    let report = json(&["explain", &path]);
    assert_eq!(report["holders"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["together"][0]["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["together"][0]["objects_alone"], 3);
    assert_eq!(report["together"][0]["bytes_alone"], 4126);
    assert_eq!(report["together"][0]["until"], Value::Null);
    let layer = text(&leasehold(&["explain", &path, "layer"]).stdout);
    assert!(layer.ends_with("Then 3 objects go, and 4.0 KiB of content come free.\n"), "{layer}");
    assert!(layer.contains("  image/r.io/redis:7 (until "), "the end of an image: {layer}");
    let let_go = json(&["explain", &path, "layer"])["let_go"].clone();
    assert_eq!(let_go, json!({"objects": 3, "bytes": 4126, "snapshot_bytes": null}));
}

/// A name that is none, or that of several, is an answer for machines, too; of images with another tag first.
#[test]
fn what_is_no_one_object_is_said_for_machines_too() {
    let (_folder, path) = scenario("names.scenario", THREE_NAMES);
    let none = json(&["explain", &path, "redis:8"]);
    assert_eq!((&none["asked"], &none["near"]), (&json!("redis:8"), &json!("default/image/r.io/redis:7")));
    let steps =
        "release 2.1\ncontent put m\nimage create a.io/web:1 target=m\nimage create b.io/web:1 target=m\n";
    let (_folder, path) = scenario("several.scenario", steps);
    let several = json(&["explain", &path, "web:1"]);
    assert_eq!(several["matches"], json!(["default/image/a.io/web:1", "default/image/b.io/web:1"]));
}

/// What is missing breaks whatever leads to it.
#[test]
fn images_that_lack_something_are_told() {
    let steps =
        "release 2.1\ncontent put manifest gc.ref.content.l.0=@layer\nimage create web:1 target=manifest\n";
    let (_folder, path) = scenario("lack.scenario", steps);
    let said = text(&leasehold(&["explain", &path, "@layer"]).stdout);
    assert!(said.ends_with("\nNot whole without it:\n  image/web:1\n"), "{said}");
}

/// The beginning of a digest may be short or in capitals; what all digests begin with is none of them.
#[test]
fn digests_are_found_by_their_beginnings() {
    let (_folder, path) = scenario("begin.scenario", "release 2.1\ncontent put layer\n");
    // The digest of that name begins with 6c61.
    for name in ["6c", "6C61", "sha256:6", "SHA256:6C6", "default/content/6c61"] {
        let found = json(&["explain", &path, name]);
        assert_eq!(found["node"]["kind"], "content", "{name}: {found}");
    }
    for name in ["6", "sha256", "sha256:", "sha256:7", "6c7"] {
        let none = json(&["explain", &path, name]);
        assert!(
            none["error"].as_str().is_some_and(|why| why.starts_with("there is no such object")),
            "{name}: {none}"
        );
    }
}

/// An ingest without an end is as it should be while a lease holds it.
#[test]
fn what_holds_an_object_is_not_denied_below() {
    let steps = "release 2.1\nlease create month expire=+720h\nlease use month\ncontent open upload\n";
    let (_folder, path) = scenario("open.scenario", steps);
    let said = text(&leasehold(&["explain", &path, "upload"]).stdout);
    assert!(said.contains("  lease/month (until "), "{said}");
    assert!(!said.contains("no lease holds it") && !said.contains("does not hold it"), "{said}");
    let later = text(&leasehold(&["explain", &path, "upload", "--now", "+721h"]).stdout);
    assert!(later.contains("has no expiry, and no lease holds it"), "{later}");
}

#[test]
fn of_an_ingest_it_is_said_that_no_command_ends_or_keeps_it() {
    let (_folder, path) = scenario("ingest.scenario", "release 2.1\ncontent open upload\n");
    let said = text(&leasehold(&["explain", &path, "upload"]).stdout);
    assert!(said.ends_with("To let go of it:\n  its client aborts it by a call (Content.Abort): there is no command of ctr for that\n"), "{said}");
    let later = text(&leasehold(&["explain", &path, "upload", "--now", "+9000h"]).stdout);
    assert!(later.ends_with("To keep it:\n  its client adds it to a lease by a call (Leases.AddResource): there is no command of ctr for that\n"), "{later}");
}

#[test]
fn commands_take_no_name_for_a_flag() {
    let steps = "release 1.6\ncontent put layer\nimage create \"--sync\" target=layer\n";
    let (_folder, path) = scenario("flag.scenario", steps);
    let said = text(&leasehold(&["explain", &path, "layer"]).stdout);
    assert!(said.contains("\n  ctr -n default images rm -- --sync\n"), "{said}");
}

/// From 2.2 on a label that begins as gc.root is a root; `ctr` cuts a label at its first `=`.
#[test]
fn a_label_that_no_command_can_name_is_said_to_be_one() {
    let steps = "release 2.2\ncontent put layer \"containerd.io/gc.root.a=b\"=now\n";
    let (_folder, path) = scenario("label.scenario", steps);
    let said = text(&leasehold(&["explain", &path, "layer"]).stdout);
    assert!(!said.contains("  ctr "), "{said}");
    assert!(said.contains(" away by a call: there is no command of ctr for a label with a `=`\n"), "{said}");
}

/// A key that is no plain text is asked for as JSON writes it, unless something has that very name.
#[test]
fn keys_are_found_as_json_writes_them() {
    let steps = "release 2.1\nlease create \"\\xff\\xff\\xff\"\nlease create \"\\t\"\nsnapshot prepare native/\"\\n\"\n";
    let (_folder, path) = scenario("bytes.scenario", steps);
    for (name, kind) in [
        ("default/lease/base64:////", "lease"),
        ("lease/base64:CQ==", "lease"),
        ("base64:CQ==", "lease"),
        ("default/snapshot/base64:bmF0aXZlLwo=", "snapshot"),
    ] {
        let found = json(&["explain", &path, name]);
        assert_eq!(found["node"]["kind"], kind, "{name}");
        assert!(name.ends_with(found["node"]["key"].as_str().expect("text")), "{name}");
    }
    for none in ["default/lease/base64:!", "default/lease/base64:AA==", "base64:CQ=="] {
        let (_folder, path) = scenario("plain.scenario", "release 2.1\nlease create \"base64:CQ==\"\n");
        let said = text(&leasehold(&["explain", &path, none]).stdout);
        assert_eq!(said.starts_with("default/lease/\"base64:CQ==\""), none == "base64:CQ==", "{said}");
    }
}

/// Behind referrers that are not kept stands the one thing that let go, however far away.
#[test]
fn near_misses_go_back_to_the_first_cause() {
    let mut steps = "release 2.1\ncontent put x0\n".to_owned();
    for depth in 1..=3 {
        steps += &format!("content put x{depth} gc.ref.content=@x{}\n", depth - 1);
    }
    steps += "lease create month expire=+1h\nlease add month content/x3\n";
    let (_folder, path) = scenario("chain.scenario", &steps);
    let reason = |path: &str, node: &str| {
        let explained = json(&["explain", path, node, "--now", "+2h"]);
        let misses = explained["near_misses"].as_array().expect("a list").clone();
        misses.iter().map(|miss| miss["reason"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    let expired = "lease/month held it and expired 2026-01-01T01:00:00Z";
    assert_eq!(reason(&path, "content/x3"), [expired]);
    let next = format!("content/x3 refers to it by gc.ref.content and is not kept: {expired}");
    assert_eq!(reason(&path, "content/x2"), [next]);
    let far = format!(
        "content/x1 refers to it by gc.ref.content and is not kept, because of content/x3: {expired}"
    );
    assert_eq!(reason(&path, "content/x0"), [far]);
    // Where more than one let go no single cause is told.
    let both = format!("{steps}lease create other expire=+1h\nlease add other content/x2\n");
    let (_folder, path) = scenario("both.scenario", &both);
    assert_eq!(reason(&path, "content/x0"), ["content/x1 refers to it by gc.ref.content and is not kept"]);
    // A circle that nothing holds has no first cause, nor has what nothing ever held.
    let circle = "release 2.1\ncontent put x0\ncontent put x1 gc.ref.content=@x0 gc.ref.content.n=@x2\ncontent put x2 gc.ref.content=@x1\n";
    let (_folder, path) = scenario("circle.scenario", circle);
    assert_eq!(reason(&path, "content/x0"), ["content/x1 refers to it by gc.ref.content and is not kept"]);
}

/// A name that is only mentioned goes before one that begins so; a guess is said.
#[test]
fn a_whole_name_goes_before_a_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("names.scenario");
    let steps =
        "release 2.1\nlease create l\nsnapshot prepare overlayfs/bas\nlease add l snapshot/overlayfs/bas
snapshot remove overlayfs/bas\nsnapshot prepare overlayfs/base\n";
    fs::write(&path, steps).expect("a new file");
    let path = path.to_str().expect("text");
    let named = leasehold(&["explain", path, "snapshot/overlayfs/bas"]);
    assert!(text(&named.stdout).starts_with("default/snapshot/overlayfs/bas   missing"), "{named:?}");
    let guessed = leasehold(&["explain", path, "snapshot/overlayfs/base2"]);
    assert_eq!(guessed.status.code(), Some(1), "{guessed:?}");
    let guessed = leasehold(&["explain", path, "lease/l"]);
    assert!(!text(&guessed.stderr).contains("is taken for"), "{guessed:?}");
}

/// What is said to go at an instant, or after one, goes in the collection of that nanosecond and in none before it.
#[test]
fn until_is_the_first_nanosecond_at_which_a_collection_takes_it() {
    let steps = "release 2.3\nnow 2026-01-01T00:00:00.25Z\n\
        lease create whole expire=2026-01-01T01:00:00Z\nlease create part expire=2026-01-01T00:00:00.4Z\n\
        content put leased\nlease add whole content/leased\n\
        image create i target=none gc.expire=2026-01-01T00:00:00.250000005Z\n\
        snapshot prepare overlayfs/s gc.cond.value-usedat=2025-12-31T00:00:00Z\n\
        content put c gc.root=1 gc.cond.snapshot.overlayfs=usedat<25h|s\n\
        snapshot prepare overlayfs/t gc.cond.value-usedat=2025-12-31T00:00:00.5Z\n\
        content put d gc.root=1 gc.cond.snapshot.overlayfs=usedat<25h|t\n";
    let (_folder, file) = scenario("ends.scenario", steps);
    for (node, said, until, before) in [
        ("lease/whole", "after 2026-01-01T01:00:00Z, in ", "2026-01-01T01:00:00.000000001Z", "01:00:00Z"),
        ("content/leased", "after 2026-01-01T01:00:00Z, in ", "2026-01-01T01:00:00.000000001Z", "01:00:00Z"),
        (
            "lease/part",
            "after 2026-01-01T00:00:00.4Z, in 150 ms",
            "2026-01-01T00:00:00.400000001Z",
            "00:00:00.4Z",
        ),
        ("image/i", "2026-01-01T00:00:00.25000000", "2026-01-01T00:00:00.250000006Z", "00:00:00.250000005Z"),
        (
            "snapshot/overlayfs/s",
            "at 2026-01-01T01:00:00Z, in ",
            "2026-01-01T01:00:00Z",
            "00:59:59.999999999Z",
        ),
        (
            "snapshot/overlayfs/t",
            "at 2026-01-01T01:00:00.5Z, in ",
            "2026-01-01T01:00:00.5Z",
            "01:00:00.499999999Z",
        ),
    ] {
        let told = text(&leasehold(&["explain", &file, node]).stdout);
        let line = told.lines().find(|line| line.starts_with("If only time passes")).unwrap_or_default();
        assert!(line.starts_with("If only time passes it goes ") && line.contains(said), "{node}: {told}");
        assert_eq!(json(&["explain", &file, node])["until"], until, "{node}");
        let later = until.replace('Z', if until.contains('.') { "1Z" } else { ".1Z" });
        let later = if later.len() > "2026-01-01T01:00:00.000000001Z".len() {
            "2026-01-01T02:00:00Z"
        } else {
            &later
        };
        let before = format!("2026-01-01T{before}");
        for (now, state) in [(&*before, "kept"), (until, "removed"), (later, "removed")] {
            assert_eq!(json(&["explain", &file, node, "--now", now])["state"], state, "{node} at {now}");
        }
    }
}

/// What ends a fraction of a second from now has not passed, and nobody reads that it has.
#[test]
fn what_ends_within_this_second_is_told_to_the_nanosecond() {
    let steps = "release 2.3\nnow 2026-01-01T00:00:00.4Z\n\
        lease create l expire=2026-01-01T00:00:00.400000005Z\ncontent put a\nlease add l content/a\n";
    let (_folder, file) = scenario("near.scenario", steps);
    let told = text(&leasehold(&["explain", &file, "content/a"]).stdout);
    assert!(told.contains("2026-01-01T00:00:00.40000000") && told.contains(", in "), "{told}");
    assert!(!told.contains("in 0 s") && told.contains(" ns"), "{told}");
    let digest = text(&leasehold(&["explain", &file]).stdout);
    assert!(digest.contains(" at 2026-01-01T00:00:00.4Z; ") && digest.contains("  in "), "{digest}");
    assert!(!digest.contains("2026-01-01T00:00:00Z"), "nothing has passed: {digest}");
}

/// A snapshotter that has a slash itself is written in one way everywhere, as scenarios write it.
#[test]
fn a_snapshotter_with_a_slash_is_spelled_as_the_scenario_does() {
    let steps = "release 2.3\nsnapshot prepare \"over/lay\"/s1\ncontent put a\n";
    let (_folder, file) = scenario("slash.scenario", steps);
    for command in ["collect", "explain", "lint"] {
        let told = text(&leasehold(&[command, &file]).stdout);
        assert!(!told.contains("snapshot/over/lay/s1"), "{told}");
    }
    let told = text(&leasehold(&["collect", &file]).stdout);
    assert_eq!(
        told.matches("default/snapshot/\"over/lay\"/s1").count(),
        told.matches("s1").count(),
        "{told}"
    );
    let both = text(&leasehold(&["diff", &file, "--from", "1.7", "--to", "2.3"]).stdout);
    assert!(!both.contains("snapshot/over/lay/s1"), "{both}");
}

/// What has expired is the cause, and comes before what only follows from something else.
#[test]
fn of_several_reasons_the_expired_one_comes_first() {
    let steps = "release 2.3\nimage create z target=x gc.expire=2026-01-01T00:00:01Z\ncontent put x\n\
        content put m1 gc.ref.content.0=@x\ncontent put m2 gc.ref.content.0=@x\nadvance 2s\n";
    let (_folder, file) = scenario("reasons.scenario", steps);
    let told = text(&leasehold(&["collect", &file]).stdout);
    let row = told.lines().find(|line| line.contains("content/x")).unwrap_or_default();
    assert!(
        row.contains("image/z targets it and expired 2026-01-01T00:00:01Z; and 2 more reasons"),
        "{told}"
    );
}
