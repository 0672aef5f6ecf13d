//! `leasehold diff`, the whole program: a database under two releases, and generated databases.

use super::program::leasehold;
use leasehold::bucket::{Entry, View, json};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

const NOW: &str = "2024-01-01T00:00:00Z";

/// A database of 1.7: an image that expired with its manifest and layer, one that lives, a sandbox with a blob, pinned
/// content, and garbage.
const TREE: &str = r#"{
  "v1": {"version": "base64:Bg==", "default": {
    "images": {
      "main": {"target": {"digest": "m"}},
      "old": {"target": {"digest": "o"}, "labels": {"containerd.io/gc.expire": "2023-12-31T00:00:00Z"}},
      "extra": {"labels": {"containerd.io/gc.expire": "2023-12-31T00:00:00Z", "containerd.io/gc.bref.image": "main"}}},
    "content": {"blob": {
      "m": {}, "o": {"labels": {"containerd.io/gc.ref.content.0": "layer"}}, "layer": {}, "pod": {}, "garbage": {},
      "pinned": {"labels": {"containerd.io/gc.rootfs": "x"}}}}}},
  "default": {"sandboxes": {"s": {"labels": {"containerd.io/gc.ref.content": "pod"}}}}}"#;

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("a report is text")
}

/// The tree as a bbolt file, written by nut.
fn written(folder: &Path) -> PathBuf {
    let path = folder.join("meta.db");
    let tree = json::from_str(TREE).expect("a tree");
    let mut database = nut::DBBuilder::new(&path).build().expect("nut creates a file");
    let mut transaction = database.begin_rw_tx().expect("nut begins");
    for (key, below) in tree.view().buckets() {
        fill(&mut transaction.create_bucket(key).expect("nut creates"), below);
    }
    transaction.commit().expect("nut commits");
    path
}

fn fill(bucket: &mut nut::Bucket, view: View<'_>) {
    for (key, entry) in view.iter() {
        match entry {
            Entry::Value(value) => bucket.put(key, value.to_vec()).expect("nut puts"),
            Entry::Bucket(below) => fill(bucket.create_bucket(key).expect("nut creates"), below),
        }
    }
}

fn diff(path: &Path, from: &str, to: &str, more: &[&str]) -> Output {
    let path = path.display().to_string();
    leasehold(&[&["diff", &path, "--from", from, "--to", to, "--now", NOW], more].concat())
}

#[test]
fn an_upgrade_is_told_by_rule_with_both_reasons() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = diff(&written(folder.path()), "1.7.24", "2.1", &[]);
    let expected = "\
A collection by containerd 2.1 instead of 1.7 at 2024-01-01T00:00:00Z

sandboxes-moved: sandboxes are stored below v1, where the collector looks for them (from 2.0)
  kept  default/content/\"pod\"  \
1.7: sandbox default/s names it by gc.ref.content, which no collection reads, as the sandbox lies beside v1  \
2.1: sandbox default/s refers to it by gc.ref.content

image-expiry: an image is no root after its gc.expire, and is removed (from 2.0)
  removed  default/content/\"layer\"  1.7: default/content/\"o\" refers to it by gc.ref.content.0  \
2.1: default/content/\"o\" refers to it by gc.ref.content.0 and is not kept
  removed  default/content/\"o\"      1.7: default/image/old targets it                          \
2.1: default/image/old targets it and expired 2023-12-31T00:00:00Z
  removed  default/image/extra      1.7: stays, not swept by 1.7                               \
2.1: expired 2023-12-31T00:00:00Z; and 1 more reason
  removed  default/image/old        1.7: stays, not swept by 1.7                               \
2.1: expired 2023-12-31T00:00:00Z
  where there are more reasons, --json lists them all

1 resource that 1.7 would remove 2.1 keeps.
4 resources that 1.7 keeps would be removed by 2.1.
";
    assert_eq!(text(&output), expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn where_nothing_is_lost_the_last_line_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path());
    let upgrade = diff(&path, "2.1", "2.2", &[]);
    let report = text(&upgrade);
    assert!(report.contains("\nback-reference-image: "), "{report}");
    assert!(report.contains("\nroot-label-by-prefix: "), "{report}");
    assert!(report.ends_with("\nNothing that 2.1 keeps would be removed by 2.2.\n"), "{report}");
    assert_eq!(upgrade.status.code(), Some(0));
    let downgrade = diff(&path, "2.2", "2.1", &[]);
    assert!(text(&downgrade).ends_with("\n2 resources that 2.2 keeps would be removed by 2.1.\n"));
    assert_eq!(downgrade.status.code(), Some(1));
    let equal = diff(&path, "2.0", "2.1.9", &[]);
    assert_eq!(
        text(&equal),
        format!(
            "A collection by containerd 2.1 instead of 2.0 at {NOW}\n\nNothing that 2.0 keeps would be removed by 2.1.\nNor is there anything that 2.1 keeps and 2.0 would remove: both do the same with 9 resources.\n"
        )
    );
}

#[test]
fn more_reasons_than_one_are_counted_and_json_has_them_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("images.scenario");
    let images = "image create a target=layer expire=-1h\nimage create b target=layer expire=-2h\n";
    std::fs::write(&path, format!("release 1.7\ncontent put layer\n{images}gc\nexpect kept content/layer\n"))
        .expect("a file");
    let source = path.display().to_string();
    let arguments = ["diff", &source, "--from", "1.7", "--to", "2.1"];
    let brief = text(&leasehold(&arguments));
    assert!(brief.contains("and expired 2025-12-31T23:00:00Z; and 1 more reason\n"), "{brief}");
    assert!(brief.contains("\n  where there are more reasons, --json lists them all\n"), "{brief}");
    let output = leasehold(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let differences = report["differences"].as_array().expect("a list");
    let layer = differences.iter().find(|difference| difference["kind"] == "content").expect("the layer");
    let reason = |image, at| format!("default/image/{image} targets it and expired {at}");
    let reasons = [reason("a", "2025-12-31T23:00:00Z"), reason("b", "2025-12-31T22:00:00Z")];
    assert_eq!(layer["to"]["reasons"], serde_json::json!(reasons));
    assert_eq!(layer["from"]["reasons"].as_array().map(Vec::len), Some(1));
    // One reason is all there is: nothing more is to be said.
    let image = "image create a target=layer expire=-1h\n";
    std::fs::write(&path, format!("release 1.7\ncontent put layer\n{image}gc\nexpect kept content/layer\n"))
        .expect("a file");
    let one = text(&leasehold(&arguments));
    assert!(!one.contains("more reasons"), "{one}");
}

#[test]
fn json_has_every_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = diff(&written(folder.path()), "1.7", "2.2", &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let of = |field: &str| report[field].clone();
    assert_eq!([of("removed"), of("kept"), of("alike")], [3, 2, 1].map(Value::from));
    // The names of this tree are no digests, which is said first.
    let warnings = of("warnings");
    let warnings = warnings.as_array().expect("a list").iter();
    let is_odd = |warning: &&Value| warning.as_str().is_some_and(|warning| warning.contains(": odd: "));
    let warnings: Value = warnings.filter(|warning| !is_odd(warning)).cloned().collect();
    assert_eq!(
        (of("unchanged"), warnings),
        (
            3.into(),
            serde_json::json!([
                "the database is of version 3; a daemon of 2.2 first makes it 4, as is done here"
            ])
        )
    );
    let differences = report["differences"].as_array().expect("a list");
    let extra = differences.iter().find(|difference| difference["key"] == "extra").expect("the image");
    assert_eq!(extra["class"], "back-reference-image");
    assert_eq!(extra["effect"], "alike");
    assert_eq!(extra["from"]["fate"], "not-swept");
    assert_eq!(extra["to"]["reason"], "default/image/main takes it along by its gc.bref.image");
    assert_eq!(report["errors"], Value::Null);
}

#[test]
fn generated_databases_show_classes_with_scenarios() {
    let arguments = ["diff", "--cases", "600", "--from", "2.1", "--to", "2.2", "--seed", "whole"];
    let output = leasehold(&arguments);
    let report = text(&output);
    assert!(report.contains("\nroot-label-by-prefix: any label that begins with"), "{report}");
    assert!(report.contains("\n    release 2.1\n"), "{report}");
    assert!(report.ends_with(" classes of difference, all explained\n"), "{report}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(leasehold(&arguments).stdout, output.stdout);
    let json = leasehold(&[&arguments[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&json.stdout).expect("one object");
    let classes = report["classes"].as_array().expect("a list");
    assert!(classes.iter().all(|class| class["example"]["scenario"].is_string()), "{report}");
    let equal = leasehold(&["diff", "--cases", "300", "--from", "2.0", "--to", "2.1"]);
    assert!(text(&equal).ends_with("\nno difference\n"));
}

#[test]
fn a_scenario_brings_its_clock_and_its_collectors() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stream.scenario");
    let steps = "release 1.7\ncollector declare stream\ncollector list stream stream/s\ngc\nexpect removed stream/s\n";
    std::fs::write(&path, steps).expect("a file");
    let path = path.display().to_string();
    let of = |from, to| leasehold(&["diff", &path, "--from", from, "--to", to]);
    let upgrade = text(&of("1.6", "2.0"));
    assert!(upgrade.starts_with("A collection by containerd 2.0 instead of 1.6 at 2026-01-01T00:00:00Z\n"));
    let listed = "  removed  default/stream/s  1.6: stays, not swept by 1.6  2.0: nothing refers to it\n";
    assert!(upgrade.contains(listed), "{upgrade}");
    assert_eq!(of("1.7", "2.0").status.code(), Some(0));
}

/// Type 9 is free in 1.7 and streams' in 2.0, where a plugin cannot register it.
#[test]
fn a_collector_whose_number_means_something_else_is_gone_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("type-9.scenario");
    let steps = "release 1.7\ncollector declare type-9\ncollector list type-9 type-9/disk\n";
    std::fs::write(&path, format!("{steps}gc\nexpect removed type-9/disk\n")).expect("a file");
    let source = path.display().to_string();
    let removed_under = |release| {
        let output = leasehold(&["collect", &source, "--release", release, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
        report["removed"].as_array().expect("a list").len()
    };
    assert_eq!((removed_under("1.7"), removed_under("2.0")), (1, 0));
    let report = text(&leasehold(&["diff", &source, "--from", "1.7", "--to", "2.0"]));
    let kept = "  kept  default/type-9/disk  1.7: nothing refers to it  2.0: stays, not swept by 2.0\n";
    assert!(report.contains("\ncollector-numbers: ") && report.contains(kept), "{report}");
    let replaced = format!("{steps}release 2.0\ngc\n---\nnothing to keep or to remove\n");
    std::fs::write(&path, replaced).expect("a file");
    let replay = leasehold(&["replay", &source]);
    assert!(replay.status.success(), "{}", text(&replay));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let exit = |arguments: &[&str]| leasehold(arguments).status.code();
    assert_eq!(exit(&["diff", "--from", "1.7", "--to", "2.1"]), Some(2));
    assert_eq!(exit(&["diff", "a", "--cases", "1", "--from", "1.7", "--to", "2.1"]), Some(2));
    assert_eq!(exit(&["diff", "--cases", "1", "--from", "1.7", "--to", "3.0"]), Some(2));
    assert_eq!(exit(&["diff", "no such file", "--from", "1.7", "--to", "2.1"]), Some(3));
}

/// What a root has beside `v1` is odd; a value there stops a daemon of 2.0 or later (`migrateSandboxes`), which is what was asked.
#[test]
fn a_daemon_that_does_not_open_the_database_is_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("odd.scenario");
    std::fs::write(&path, "content put a\nraw put odd x\n").expect("a file");
    let output = diff(&path, "1.7", "2.1", &[]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let why =
        "containerd 2.1 does not open this database: migration to version 4: \"odd\" at the root is a value";
    assert!(said.contains(why), "{said}");
    let json = text(&diff(&path, "1.7", "2.1", &["--json"]));
    let report: serde_json::Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(report["unopenable"]["release"], "2.1");
}

const BEFORE: &str = "release 2.1
content put layer size=100
content put manifest size=10 gc.ref.content.l.0=@layer
image create web:1 target=manifest
content put other size=7
lease create pull expire=+1h
lease add pull content/other
content put shared size=3
lease create a
lease add a content/shared
content put needed size=4
image create keep target=needed
content put late size=6
lease create short
lease add short content/late
container create c
";

const SINCE: &str = "advance 2h
image delete web:1
lease create b
lease add b content/shared
lease delete a
content delete needed
container delete c
gc
content put fresh size=2
lease delete short
content label shared team.example=blue
";

/// A folder with two copies of a database as scenarios.
fn copies(before: &str, after: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, scenario) in [("before.scenario", before), ("after.scenario", after)] {
        std::fs::write(folder.path().join(name), scenario).expect("a new file");
    }
    folder
}

fn became(folder: &tempfile::TempDir, more: &[&str]) -> Output {
    let [before, after] =
        ["before.scenario", "after.scenario"].map(|name| folder.path().join(name).display().to_string());
    leasehold(&[&["diff", &before, &after], more].concat())
}

/// Every sort of change, in words and for machines.
#[test]
fn two_copies_tell_what_became_of_a_database() {
    let folder = copies(BEFORE, &(BEFORE.to_owned() + SINCE));
    let told = became(&folder, &[]);
    let expected = "\
What became of the database, by the rules of containerd 2.1 at 2026-01-01T02:00:00Z

LOST     default/content/needed      4 B  image/keep still needs it
went     default/container/c              a client deleted it
went     default/image/web:1              a client deleted it
went     default/lease/a                  a client deleted it
went     default/lease/short              a client deleted it
went     default/content/layer     100 B  image/web:1 held it, and does not any more
went     default/content/manifest   10 B  image/web:1 held it, and does not any more
went     default/content/other       7 B  a collection removes it: lease/pull held it and expired 2026-01-01T01:00:00Z
went     default/lease/pull               a collection removes it: expired 2026-01-01T01:00:00Z
came     default/content/fresh       2 B
came     default/lease/b
moved    default/content/shared      3 B  lease/a held it, now lease/b does
goes     default/content/late        6 B  nothing refers to it
changed  default/content/shared      3 B  labels, updatedat

2 (2 B) came, 9 (121 B) went, 1 of them still needed, 1 held by another, 1 with another record, 1 (6 B) more would go at the next collection; 1 as they were.
";
    assert_eq!(text(&told), expected);
    assert_eq!(told.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&became(&folder, &["--json"]).stdout).expect("one object");
    let went = report["went"].as_array().expect("a list").iter();
    let whys: Vec<&str> = went.map(|went| went["why"].as_str().expect("text")).collect();
    let expected =
        ["let-go", "let-go", "lost", "collected", "deleted", "deleted", "deleted", "collected", "deleted"];
    assert_eq!(whys, expected);
    assert_eq!(report["moved"][0]["before"]["key"], "a");
    assert_eq!(report["moved"][0]["after"]["key"], "b");
    assert_eq!(report["goes"][0]["bytes"], 6);
}

/// A digest that another namespace keeps, or that goes twice, counts once.
#[test]
fn what_went_counts_as_the_disk_does() {
    let both = "release 2.1
client other namespace=other
content put layer size=100
other: content put layer size=100
content put twice size=7
other: content put twice size=7
";
    let after = "content delete layer\ncontent delete twice\nother: content delete twice\n";
    let told = text(&became(&copies(both, &(both.to_owned() + after)), &[]));
    assert!(told.ends_with("0 came, 3 (7 B) went; 1 as they were.\n"), "{told}");
}

#[test]
fn copies_of_two_databases_are_warned_of() {
    let folder = copies("release 2.1\ncontent put one\n", "release 2.1\ncontent put two\n");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let compared = leasehold(&["diff", &path("before.scenario"), &path("after.scenario")]);
    let said = String::from_utf8_lossy(&compared.stderr).into_owned();
    assert!(said.contains("have no object in common: are they copies of one database?"), "{said}");
}

/// What had not expired when the later copy was written did not go by its expiry.
#[test]
fn two_copies_are_judged_as_of_the_later_ones_writing() {
    let first = "release 2.1\ncontent put held\nlease create pull expire=+1h\nlease add pull content/held\n";
    let folder = copies(first, &(first.to_owned() + "lease delete pull sync\n"));
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["before", "after"] {
        let made = leasehold(&["export", &path(&format!("{name}.scenario")), &path(&format!("{name}.db"))]);
        assert!(made.status.success(), "{made:?}");
    }
    // Ten seconds after the clock at which scenarios begin.
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_610);
    let file = std::fs::File::options().append(true).open(path("after.db")).expect("a copy");
    file.set_modified(at).expect("a time that can be set");
    let told = text(&leasehold(&["diff", &path("before.db"), &path("after.db"), "--release", "2.1"]));
    assert!(told.contains("containerd 2.1 at 2026-01-01T00:00:10Z\n"), "{told}");
    assert!(
        told.lines()
            .any(|line| line.starts_with("went  default/lease/pull ")
                && line.ends_with(" a client deleted it")),
        "{told}"
    );
}

#[test]
fn copies_the_wrong_way_round_are_warned_of() {
    let first = BEFORE.to_owned() + "snapshot prepare overlayfs/first\n";
    let second = first.clone() + "snapshot prepare overlayfs/second\n";
    let warned = |output: &Output| String::from_utf8_lossy(&output.stderr).contains("the wrong way round");
    assert!(warned(&became(&copies(&second, &first), &[])));
    let told = became(&copies(&first, &second), &[]);
    assert!(!warned(&told));
    assert_eq!(told.status.code(), Some(0));
}

#[test]
fn copies_and_releases_are_not_mixed() {
    let folder = copies(BEFORE, BEFORE);
    assert!(text(&became(&folder, &[])).ends_with("0 came, 0 went; 12 as they were.\n"));
    assert_eq!(became(&folder, &["--from", "1.7"]).status.code(), Some(2));
    assert_eq!(became(&folder, &["--cases", "5"]).status.code(), Some(2));
    let before = folder.path().join("before.scenario").display().to_string();
    assert_eq!(leasehold(&["diff", &before]).status.code(), Some(2));
    assert_eq!(leasehold(&["diff", &before, "--release", "2.1"]).status.code(), Some(2));
}

/// A collection that fails explains nothing, and what stops it is named.
#[test]
fn a_failing_collection_of_a_copy_explains_nothing() {
    let odd = BEFORE.to_owned() + "content open stuck\nraw put v1/default/content/ingests/stuck/expireat x\n";
    let told = became(&copies(&(odd.clone() + "advance 2h\n"), BEFORE), &[]);
    let said = text(&told);
    assert!(!said.contains("a collection removes it"), "{said}");
    let told = became(&copies(BEFORE, &odd), &[]);
    let said = text(&told);
    assert!(said.contains("stopped by  default/ingest/stuck") && said.contains("dies of it"), "{said}");
    assert_eq!(told.status.code(), Some(1));
    let report: Value =
        serde_json::from_slice(&became(&copies(BEFORE, &odd), &["--json"]).stdout).expect("an object");
    assert_eq!(report["errors"]["culprits"][0]["key"], "stuck");
    assert_eq!(report["errors"]["dies"], serde_json::json!(["2.1"]));
    let path = copies(BEFORE, BEFORE);
    let before = path.path().join("before.scenario").display().to_string();
    let idle = ["diff", &before, "--from", "1.7", "--to", "2.1", "--release", "2.0"];
    assert_eq!(leasehold(&idle).status.code(), Some(2));
}
