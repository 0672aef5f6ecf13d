//! `leasehold collect` on databases that real daemons wrote, before and after their own collections.
//!
//! The files in `tests/data` were copied from containerd 1.7.24 and 2.1.9 while they ran: 04, 05 and 07 just before a
//! collection, 05, 06 and 08 just after it.

use super::program::leasehold;
use flate2::read::GzDecoder;
use leasehold::bucket::{Bucket, Entry, bolt, diff};
use leasehold::engine::{Error, collect};
use leasehold::go::Go;
use leasehold::oracle::{Defects, judge};
use leasehold::release::Release;
use leasehold::replay;
use leasehold::scenario::parse;
use leasehold::schema::shape;
use leasehold::schema::time::{self, BinaryError};
use leasehold::schema::varint;
use leasehold::situation::Situation;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

fn unpacked(version: &str, state: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{version}/{state}.db.gz"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&path).expect("the repository has the file");
    GzDecoder::new(file).read_to_end(&mut bytes).expect("the file is whole");
    bytes
}

fn tree(version: &str, state: &str) -> Bucket {
    bolt::read_from(unpacked(version, state).as_slice()).expect("a daemon's database is sound").tree
}

/// State before, when it was copied, state after.
type Pair = (&'static str, &'static str, &'static str);

const PAIRS: [(&str, [Pair; 3]); 2] = [
    (
        "1.7.24",
        [
            ("04-garbage-pending", "2026-11-23T16:27:55.575812683Z", "05-after-gc"),
            ("05-after-gc", "2026-11-23T16:27:56.111032974Z", "06-after-second-gc"),
            ("07-bulk-before-gc", "2026-11-23T16:27:57.795816564Z", "08-bulk-after-gc"),
        ],
    ),
    (
        "2.1.9",
        [
            ("04-garbage-pending", AT_2_1[0], "05-after-gc"),
            ("05-after-gc", AT_2_1[1], "06-after-second-gc"),
            ("07-bulk-before-gc", AT_2_1[2], "08-bulk-after-gc"),
        ],
    ),
];
const AT_2_1: [&str; 3] =
    ["2026-11-23T16:28:06.259109775Z", "2026-11-23T16:28:06.851814198Z", "2026-11-23T16:28:08.762256983Z"];

#[test]
fn a_collection_of_one_state_gives_the_next_state_exactly() {
    for (version, pairs) in PAIRS {
        // The rules of 1.7.0-beta.1 are those of 1.7 where no collector is registered.
        let releases = match version {
            "1.7.24" => &[Release::V1_7, Release::V1_7Beta][..],
            _ => &[Release::V2_1],
        };
        for (before, now, after) in pairs {
            let (before, after) = (tree(version, before), tree(version, after));
            let now = time::parse_rfc3339(now.as_bytes()).expect("a time");
            for &release in releases {
                let situation = Situation::new(before.clone(), release, now);
                let outcome = collect(&situation);
                assert_eq!(outcome.error, None);
                assert_eq!(diff(&outcome.after, &after), []);
                let judgement = judge(&situation, Defects::as_shipped(release));
                assert_eq!(judgement.tree_after(), after);
            }
        }
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/databases/garbage-pending.db")
}

#[test]
fn json_lists_what_goes_and_what_stays() {
    let source = example().display().to_string();
    let now = PAIRS[0].1[0].1;
    let output = leasehold(&["collect", &source, "--now", now, "--release", "1.7.24", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let count = |field: &str| report[field].as_array().map(Vec::len);
    assert_eq!(report["release"], "1.7");
    assert_eq!(report["now"], now);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(count("removed"), Some(24));
    assert_eq!(report["removed"][0]["kind"], "lease");
    assert_eq!(report["log"][0]["message"], "ignoring invalid expiration value \"tomorrow\"");
    // What stays is what the daemon itself had after its collection.
    let after = tree("1.7.24", "05-after-gc");
    let kept = report["kept"].as_array().expect("a list");
    let digests = kept.iter().filter(|node| node["kind"] == "content").count();
    assert_eq!(digests, leasehold::schema::views::blobs(&after).count());
    assert!(kept.iter().all(|node| node["type"].is_u64() && node["key"].is_string()));
}

#[test]
fn the_release_follows_the_databases_own_version_and_is_said() {
    let source = example().display().to_string();
    let output = leasehold(&["collect", &source]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(
        said.contains(
            "judged by the rules of 1.7; of the releases that write this version of the database 1.6 would do the same"
        ),
        "{said}"
    );
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("A collection by containerd 1.7 at "), "{text}");
}

#[test]
fn what_cannot_be_read_is_said_with_exit_code_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    let link = |name: &str, target: &str| {
        let path = folder.path().join(name);
        std::os::unix::fs::symlink(target, &path).expect("a link");
        path.display().to_string()
    };
    // A root folder in which the database, or the folder that has it, is such a link.
    let root = |name: &str, within: &str| {
        std::fs::create_dir(folder.path().join(name)).expect("a folder");
        link(&format!("{name}/{within}"), "gone");
        folder.path().join(name).display().to_string()
    };
    let honest = unpacked("1.7.24", "05-after-gc");
    for (path, reason) in [
        (write("empty", b""), "is empty"),
        (write("foreign", &[b'x'; 20_000]), "is not a bbolt database"),
        (write("truncated", &honest[..honest.len() / 2]), "end of the file"),
        (folder.path().join("missing").display().to_string(), "no such file; containerd's database is"),
        (folder.path().display().to_string(), "holds neither"),
        (link("link.db", "gone/meta.db"), "link.db: is a symbolic link that leads nowhere, to gone/meta.db"),
        (link("link.scenario", "gone"), "link.scenario: is a symbolic link that leads nowhere, to gone"),
        (root("file", "meta.db"), "meta.db: is a symbolic link that leads nowhere, to gone"),
        (
            root("above", "io.containerd.metadata.v1.bolt"),
            "io.containerd.metadata.v1.bolt above it leads nowhere, to gone",
        ),
    ] {
        let output = leasehold(&["collect", &path, "--json"]);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b""[..]), "{said}");
        assert!(said.contains(&path) && said.contains(reason), "{said}");
    }
}

/// A file that holds a tree, and what each command that takes a database says of it.
fn refused(tree: &Bucket, reason: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target] = ["meta.db", "new.db"].map(|name| folder.path().join(name));
    bolt::create(&source, tree).expect("a new file");
    let [source, target] = [source, target].map(|path| path.display().to_string());
    for arguments in [
        &["collect", &source][..],
        &["collect", &source, "--json"],
        &["diff", &source, "--from", "1.7", "--to", "2.1"],
        &["export", &source, &target],
    ] {
        let output = leasehold(arguments);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b""[..]), "{arguments:?}: {said}");
        assert!(said.contains(&source) && said.contains(reason), "{said}");
    }
}

/// In a copy taken during writes the root's old page may be a leaf of `v1`: what it holds stands at the root.
#[test]
fn a_copy_that_lost_its_v1_is_refused_and_so_is_a_snapshotters_database() {
    let whole = tree("1.7.24", "05-after-gc");
    let mut torn = Bucket::new();
    for (key, entry) in whole.bucket(b"v1").expect("a daemon's").iter() {
        match entry {
            Entry::Value(value) => torn.put(&[], key, value).expect("a value"),
            Entry::Bucket(bucket) => torn.graft(&[], key, &bucket.to_bucket()).expect("a bucket"),
        }
    }
    refused(&torn, "copied while a daemon wrote to it");

    let mut snapshotter = Bucket::new();
    let snapshot: [&[u8]; 3] = [b"v1", b"snapshots", b"default/1/sha256:0"];
    for end in 0..snapshot.len() {
        snapshotter.create_bucket(&snapshot[..end], snapshot[end]).expect("a bucket");
    }
    snapshotter.put(&snapshot, b"kind", &[3]).expect("a value");
    refused(&snapshotter, "a snapshotter's metadata.db");
}

/// Only what a scenario says to be another program's work is refused: values where a daemon has namespaces and objects.
#[test]
fn what_scenarios_lead_up_to_passes_for_a_daemons_database() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let (mut refused, mut count) = (Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "scenario") {
                let scenario = parse(&fs::read(&path).expect("a file")).expect("a scenario");
                let Ok(state) = replay::state(&scenario, Go::default(), &|| ()) else { continue };
                count += 1;
                let checked = shape::check(&state.world.situation().tree);
                let is_by_clients = !scenario.lines.iter().any(|line| line.step.is_raw());
                match checked {
                    Ok(odd) if is_by_clients => assert_eq!(odd, [], "{}", path.display()),
                    Ok(_) => {}
                    Err(_) => refused.push(path.file_stem().expect("a name").display().to_string()),
                }
            }
        }
    }
    assert!(count > 200, "{count}");
    refused.sort();
    assert_eq!(refused, ["38_values_for_buckets", "collection_empty", "record-impossible"]);
}

#[test]
fn a_wrong_word_is_said_with_exit_code_2() {
    let source = example().display().to_string();
    for (arguments, said) in [
        (&["collect", &source, "--release", "1.5"][..], "no rule set for release `1.5`"),
        (
            &["collect", &source, "--now", "today"],
            "it is no time: give it as 2026-01-31T12:00:00Z, or counted from now",
        ),
        (&["collect"], "<SOURCE>"),
        (&["colect", &source], "similar subcommand exists: 'collect'"),
        (&["simulate", "--fault", "none-such"], "invalid value 'none-such' for '--fault <FAULT>'"),
        (&["simulate", "--seed", ""], "a seed is a text of 1 to 64 bytes"),
    ] {
        let output = leasehold(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).expect("text");
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_failing_collection_is_told_and_removes_nothing() {
    let mut tree = tree("1.7.24", "04-garbage-pending");
    let ingest: [&[u8]; 5] = [b"v1", b"default", b"content", b"ingests", b"bad"];
    tree.create_bucket(&ingest[..4], ingest[4]).expect("a fresh ingest");
    tree.put(&ingest, b"expireat", b"").expect("a value");
    let now = time::parse_rfc3339(b"2026-11-23T16:27:55Z").expect("a time");
    let outcome = collect(&Situation::new(tree.clone(), Release::V1_7, now));
    assert_eq!(outcome.error, Some(Error::ExpireAt(BinaryError::NoData)));
    assert_eq!((outcome.after, outcome.removed), (tree, Vec::new()));
}

/// An ingest whose time does not decode stops every collection; it is named, and so is what a daemon does.
#[test]
fn a_failing_collection_names_what_stops_it_and_exits_with_1() {
    let mut tree = tree("1.7.24", "04-garbage-pending");
    let ingest: [&[u8]; 5] = [b"v1", b"default", b"content", b"ingests", b"bad"];
    tree.create_bucket(&ingest[..4], ingest[4]).expect("a fresh ingest");
    tree.put(&ingest, b"expireat", b"").expect("a value");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("meta.db");
    leasehold::bucket::bolt::create(&file, &tree).expect("a new file");
    let file = file.display().to_string();
    for (arguments, dies) in [
        (&["collect", &file][..], true),
        (&["collect", &file, "--release", "2.2"], false),
        (&["diff", &file, "--from", "1.7", "--to", "2.0"], true),
    ] {
        let output = leasehold(arguments);
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("Time.UnmarshalBinary: no data"), "{said}");
        assert!(said.contains("\n  stopped by  default/ingest/bad\n"), "{said}");
        assert!(said.contains("\nTo mend it, delete the ingest by a client"), "{said}");
        assert_eq!(said.contains("A daemon up to 2.1 dies of it"), dies, "{said}");
    }
    let output = leasehold(&["collect", &file, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["culprits"][0]["key"], "bad");
    assert_eq!(report["dies"], serde_json::json!(["1.7", "1.6"]));
}

/// The daemon may be of a release that dies of a failed collection, though the one by whose rules it is judged does not.
#[test]
fn that_a_daemon_dies_is_said_if_one_that_may_be_meant_does() {
    let mut tree = tree("2.1.9", "04-garbage-pending");
    let ingest: [&[u8]; 5] = [b"v1", b"default", b"content", b"ingests", b"bad"];
    tree.create_path(&ingest).expect("a fresh ingest");
    tree.put(&ingest, b"expireat", b"").expect("a value");
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &tree);
    tree.put(&[b"v1"], b"version", &[10]).expect("a value");
    let unknown = folder.path().join("unknown.db");
    bolt::create(&unknown, &tree).expect("a new file");
    let unknown = unknown.display().to_string();
    let (all, from_2): (&[&str], _) = (&["1.6", "1.7.0-beta.1", "1.7", "2.0", "2.1"], &["2.0", "2.1"][..]);
    for (arguments, dies) in [
        (&["collect", &file][..], from_2),
        (&["collect", &unknown], all),
        (&["collect", &file, "--release", "2.1"], &["2.1"]),
        (&["collect", &file, "--release", "2.3"], &[]),
        (&["diff", &file, "--from", "2.3", "--to", "2.1"], &["2.1"]),
        (&["diff", &file, "--from", "2.2", "--to", "2.3"], &[]),
    ] {
        let said = String::from_utf8(leasehold(arguments).stdout).expect("text");
        let line = "\nA daemon up to 2.1 dies of it if it is the first collection after its start.\n";
        assert_eq!(said.contains(line), !dies.is_empty(), "{arguments:?}: {said}");
        let output = leasehold(&[arguments, &["--json"]].concat());
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let named = if arguments[0] == "diff" { &report["errors"]["dies"] } else { &report["dies"] };
        assert_eq!(named.as_array().cloned().unwrap_or_default(), dies, "{arguments:?}: {report}");
    }
}

/// What no release writes no release is said to write, and the newest rules are not the oldest.
#[test]
fn a_version_that_nobody_writes_is_judged_by_the_newest_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = tree("2.1.9", "04-garbage-pending");
    let signed = |number: i64| varint::encode_signed(number);
    let written = |version: &str| format!("no known release writes version {version} of the database");
    for (number, (version, said)) in [
        (signed(5), written("5")),
        (signed(99), written("99")),
        (signed(0), written("0")),
        (signed(-1), written("-1")),
        (vec![0xFF], "the database's version is no number, which no known release writes".to_owned()),
        (vec![], "the database's version is no number, which no known release writes".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        tree.put(&[b"v1"], b"version", &version).expect("a value");
        let file = folder.path().join(number.to_string());
        bolt::create(&file, &tree).expect("a new file");
        let output = leasehold(&["collect", &file.display().to_string(), "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let heard = String::from_utf8(output.stderr).expect("text");
        let line = format!("{said}: judged by the rules of 2.3, the newest release that was final;");
        // What the others do is said all the same: the daemon may be any of them.
        assert!(heard.contains(&line) && heard.contains(" would do the same"), "{heard}");
        let [agree, differ] = ["agree", "differ"].map(|field| report["releases"][field].as_array());
        let count = |releases: Option<&Vec<Value>>| releases.expect("a list").len();
        assert_eq!(
            (&report["release"], count(agree) + count(differ)),
            (&Value::from("2.3"), Release::ALL.len() - 1)
        );
    }
}

/// Its list has what was handed to removal, and nothing of it goes.
#[test]
fn what_a_failed_collection_was_to_remove_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("s.scenario");
    let text = "lease create old expire=-1h\nraw bucket v1/default/snapshots/over\n\
                raw bucket v1/default/snapshots/\"over/lay\"/k\n";
    std::fs::write(&scenario, text).expect("a file");
    let output = leasehold(&["collect", &scenario.display().to_string(), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(output.status.code(), Some(1));
    let removed = report["removed"].as_array().expect("a list");
    assert!(!removed.is_empty() && removed.iter().all(|node| node["stays"] == true), "{removed:?}");
    assert!(report["kept"].as_array().expect("a list").iter().any(|node| node["key"] == "old"));
}

#[test]
fn what_goes_is_told_with_its_reason_the_largest_first() {
    let steps = "content put small size=1\ncontent put large size=2097152\nlease create l expire=+1h\n\
        lease add l content/large\nadvance 2h\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.scenario");
    fs::write(&path, steps).expect("writable");
    let path = path.display().to_string();
    let said = String::from_utf8(leasehold(&["collect", &path]).stdout).expect("text");
    let removed: Vec<&str> = said.lines().filter(|line| line.starts_with("  remove")).collect();
    assert_eq!(
        removed,
        [
            "  remove  default/content/large  2.0 MiB  lease/l held it and expired 2026-01-01T01:00:00Z",
            "  remove  default/content/small      1 B  nothing refers to it",
            "  remove  default/lease/l                 expired 2026-01-01T01:00:00Z",
        ],
        "{said}"
    );
    assert!(
        said.ends_with(&format!("More of one: leasehold explain {path} default/content/large\n")),
        "{said}"
    );
}

/// The sweep cuts a snapshot's key at its first slash, and then finds no bucket.
#[test]
fn a_removed_snapshot_whose_bucket_stays_says_so() {
    let scenario =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/rules/sweep_snapshotter_missing.scenario");
    let scenario = scenario.display().to_string();
    let said = String::from_utf8(leasehold(&["collect", &scenario]).stdout).expect("text");
    let line = "  remove  default/snapshot/\"over/lay\"/k  its bucket stays; nothing refers to it\n";
    assert!(said.contains(line), "{said}");
    let report: serde_json::Value =
        serde_json::from_slice(&leasehold(&["collect", &scenario, "--json"]).stdout)
            .expect("one JSON object");
    assert_eq!(report["removed"][0]["stays"], true);
}

/// Where the releases that open a database differ, the one that is shown is not taken for the daemon's.
#[test]
fn releases_that_would_do_something_else_are_named() {
    let mut tree = tree("2.1.9", "04-garbage-pending");
    let labels: [&[u8]; 6] = [b"v1", b"default", b"content", b"blob", b"sha256:x", b"labels"];
    for end in [4, 5] {
        tree.create_bucket(&labels[..end], labels[end]).expect("a fresh bucket");
    }
    tree.put(&labels, b"containerd.io/gc.root.x", b"").expect("a value");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("meta.db");
    leasehold::bucket::bolt::create(&file, &tree).expect("a new file");
    let file = file.display().to_string();
    let said = String::from_utf8(leasehold(&["collect", &file]).stderr).expect("text");
    assert!(said.contains("judged by the rules of 2.3; --release names the daemon that you have"), "{said}");
    assert!(said.contains("\n  2.0 would remove default/content/sha256:x\n"), "{said}");
    assert!(said.contains("\n  2.2, 2.4 would do the same\n"), "{said}");
    let named =
        String::from_utf8(leasehold(&["collect", &file, "--release", "v2.4.0-rc.0"]).stderr).expect("text");
    let named: Vec<&str> = named.lines().filter(|line| !line.contains(": odd: ")).collect();
    assert_eq!(named, ["leasehold: the rules of 2.4 were read in 2.4.0-beta.0"]);
}

fn database(folder: &Path, tree: &Bucket) -> String {
    let file = folder.join("meta.db");
    bolt::create(&file, tree).expect("a new file");
    file.display().to_string()
}

/// What a program needs is in the object: sizes, totals, what standard error says, and the other releases.
#[test]
fn json_has_bytes_totals_warnings_and_releases() {
    let mut tree = tree("2.1.9", "04-garbage-pending");
    tree.create_path(&[b"v1", b"default", b"odd"]).expect("a bucket");
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &tree);
    let output = leasehold(&["collect", &file, "--json", "--now", AT_2_1[0]]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let removed = report["removed"].as_array().expect("a list");
    let content: Vec<&Value> =
        removed.iter().filter(|node| node["kind"] == "content" && node["namespace"] == "default").collect();
    let bytes: u64 = content.iter().filter_map(|node| node["bytes"].as_u64()).sum();
    assert!(!content.is_empty() && bytes > 0, "{report}");
    assert!(removed.iter().all(|node| (node["kind"] == "content") == node.get("bytes").is_some()));
    let totals = report["totals"].as_array().expect("a list");
    let total = totals
        .iter()
        .find(|total| total["kind"] == "content" && total["namespace"] == "default")
        .expect("content");
    assert_eq!(
        (&total["namespace"], &total["removed_bytes"]),
        (&Value::from("default"), &Value::from(bytes))
    );
    assert_eq!(
        (&total["removed"], &total["removed_unknown"]),
        (&Value::from(content.len()), &Value::from(0))
    );
    let counted: u64 = totals.iter().filter_map(|total| total["kept"].as_u64()).sum();
    assert_eq!(Some(counted), report["kept"].as_array().map(|kept| kept.len() as u64));
    // Of what lies elsewhere no size is known, and a record has none.
    for total in totals {
        let unknown = match total["kind"].as_str() {
            Some("snapshot" | "ingest") => (Value::Null, total["removed"].clone()),
            Some("content") => continue,
            _ => (0.into(), 0.into()),
        };
        assert_eq!((total["removed_bytes"].clone(), total["removed_unknown"].clone()), unknown, "{total}");
    }
    assert!(report["freed"]["bytes"].as_u64() >= Some(bytes) && report["freed"]["unknown"] == 0, "{report}");
    assert_eq!(report["releases"]["agree"], serde_json::json!(["2.0", "2.1", "2.2", "2.4"]));
    assert_eq!(report["releases"]["differ"], serde_json::json!([]));
    let said = String::from_utf8(output.stderr).expect("text");
    let warning = report["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("v1/default/odd is of a name") && said.contains(warning), "{report}");
}

/// Sizes that no blob has are told from sizes of nothing, and add up to no more than the others do.
#[test]
fn content_of_no_sane_size_is_counted_as_such() {
    let mut tree = Bucket::new();
    let blobs: [&[u8]; 4] = [b"v1", b"default", b"content", b"blob"];
    tree.create_path(&blobs).expect("buckets");
    tree.put(&[b"v1"], b"version", &[8]).expect("a value");
    let sizes =
        [Some(1024), Some(-1), Some(i64::MAX), Some(i64::MAX - 1), Some(1 << 62), Some(i64::MIN), None];
    for (number, size) in sizes.into_iter().enumerate() {
        let digest = format!("sha256:{number}");
        let blob = [&blobs[..], &[digest.as_bytes()]].concat();
        tree.create_path(&blob).expect("a bucket");
        tree.put(&blob, b"createdat", b"").expect("a value");
        if let Some(size) = size {
            tree.put(&blob, b"size", &varint::encode_signed(size)).expect("a value");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &tree);
    let output = leasehold(&["collect", &file, "--release", "2.1"]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.contains("  1.0 KiB + 6 of unknown size\n"), "{said}");
    assert!(
        said.contains("\n7 removed; 1.0 KiB + 6 of unknown size of content would come free.\n"),
        "{said}"
    );
    let output = leasehold(&["collect", &file, "--release", "2.1", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(
        (&report["removed"][0]["bytes"], &report["removed"][1]["bytes"]),
        (&1024.into(), &Value::Null)
    );
    assert_eq!((&report["freed"]["bytes"], &report["freed"]["unknown"]), (&1024.into(), &6.into()));
}

#[test]
fn an_empty_database_is_called_empty_and_another_releases_version_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &Bucket::new());
    let output = leasehold(&["collect", &file]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(0));
    assert!(said.contains("meta.db: the database is empty: it has not even the bucket v1"), "{said}");

    let old = example().display().to_string();
    for (release, note) in
        [("1.6", None), ("2.1", Some("the database is of version 3; a daemon of 2.1 first makes it 4"))]
    {
        let said =
            String::from_utf8(leasehold(&["collect", &old, "--release", release]).stderr).expect("text");
        assert!(note.map_or(said.is_empty(), |note| said.contains(note)), "{said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &tree("2.1.9", "05-after-gc"));
    let said = String::from_utf8(leasehold(&["collect", &file, "--release", "1.6"]).stderr).expect("text");
    assert!(said.contains("the database is of version 4; a daemon of 1.6 knows none above 3"), "{said}");
}

#[test]
fn what_became_of_a_file_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let honest = unpacked("1.7.24", "05-after-gc");
    let mut zeroed = honest.clone();
    zeroed[..16384].fill(0);
    let mut hole = honest.clone();
    hole[3 * 4096..].fill(0);
    let advice = "only the live file, or that of a stopped daemon, is safe to read";
    for (name, bytes, reason) in [
        ("truncated", &honest[..honest.len() / 2], advice),
        ("zeroed", &zeroed, "begins with zeros"),
        ("zeroed", &zeroed, advice),
        ("hole", &hole, advice),
        ("meta.db.gz", b"\x1f\x8b\x08\0", "is packed with gzip: unpack it first"),
        ("meta.db.xz", b"\xfd7zXZ\0\0\0", "is packed with xz: unpack it first"),
        (
            "meta.db.zst",
            &[&b"\x28\xb5\x2f\xfd"[..], &[7; 9000]].concat(),
            "is packed with zstd: unpack it first",
        ),
        (
            "data.db",
            b"SQLite format 3\0\x10",
            "is not a bbolt database but a database of SQLite; containerd's",
        ),
        (
            "a.tar",
            &[&[7; 257][..], b"ustar\0", &[0; 9000]].concat(),
            "is not a bbolt database but a tar archive",
        ),
        ("program", b"\x7fELF\x02\x01\x01\0", "is not a bbolt database but a program (ELF)"),
        ("config.json", b" {\n\"root\": 1}", "is not a bbolt database but JSON"),
        ("config.toml", b"version = 2\n", "is not a bbolt database but a text"),
        ("noise", &[0x81; 600], "no page has bbolt's magic number"),
        (
            "none",
            b"",
            "is empty; containerd's database is io.containerd.metadata.v1.bolt/meta.db below its root",
        ),
        (
            "scenario.txt",
            b"release 1.7\ncontent put layer\ngc\n",
            "reads as a scenario, whose name must end in .scenario",
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        let output = leasehold(&["collect", &path.display().to_string()]);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(reason), "{name}: {said}");
    }
}

/// A whole database in another format is no damaged one, wherever in it a page of the database stands.
#[test]
fn a_packed_database_is_no_damaged_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup");
    let honest = unpacked("1.7.24", "05-after-gc");
    let mut header = [0; 512];
    header[..7].copy_from_slice(b"meta.db");
    header[257..263].copy_from_slice(b"ustar\0");
    let tar = "is not a bbolt database but a tar archive: unpack it first";
    for (first, reason) in [
        (header, tar),
        (marked(b"\x28\xb5\x2f\xfd"), "is packed with zstd: unpack it first"),
        (marked(b"\x04\x22\x4d\x18"), "is packed with lz4: unpack it first"),
    ] {
        fs::write(&path, [&first, &honest[..]].concat()).expect("a file");
        let output = leasehold(&["collect", &path.display().to_string()]);
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(reason) && !said.contains("safe to read"), "{said}");
    }
}

/// A block that begins with a format's mark.
fn marked(mark: &[u8]) -> [u8; 512] {
    let mut block = [7; 512];
    block[..mark.len()].copy_from_slice(mark);
    block
}

/// What a copy shows of its having been torn is said, and no real database shows any of it.
#[test]
fn a_torn_copy_is_told_by_its_meta_pages_and_its_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meta.db");
    let odd = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("a file");
        let output = leasehold(&["collect", &path.display().to_string(), "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let warnings = report["warnings"].as_array().expect("a list").iter();
        let warnings = warnings.filter_map(|warning| warning.as_str()?.split_once(": odd: "));
        warnings.map(|(_, odd)| odd.to_owned()).collect::<Vec<_>>()
    };
    let states =
        ["04-garbage-pending", "05-after-gc", "06-after-second-gc", "07-bulk-before-gc", "08-bulk-after-gc"];
    let daemons = PAIRS.iter().flat_map(|(version, _)| states.map(|state| unpacked(version, state)));
    let exported = fs::read(database(folder.path(), &tree("2.1.9", "05-after-gc"))).expect("a file");
    let own = [fs::read(example()).expect("a file"), exported];
    for (number, bytes) in daemons.chain(own).enumerate() {
        assert_eq!(odd(&bytes), [""; 0], "{number}");
    }
    // A copy in which the page that was to be the newer one is the older one still.
    let mut bytes = unpacked("2.1.9", "07-bulk-before-gc");
    let first = bolt::read_from(bytes.as_slice()).expect("sound");
    let (newest, older) = if first.meta_page == 0 { (0, 4096) } else { (4096, 0) };
    bytes.copy_within(newest..newest + 4096, older);
    let said = odd(&bytes);
    let pair = format!("its meta pages are of transactions {0} and {0}, and a daemon", first.transaction);
    assert!(said.len() == 1 && said[0].starts_with(&pair), "{said:?}");
    assert!(
        said[0].ends_with("only the live file, or that of a stopped daemon, is safe to read"),
        "{said:?}"
    );
}

/// Content is not all that goes: of what else takes room the report says how much of it there is, and where.
#[test]
fn what_else_goes_is_counted_as_its_size_is_not_known() {
    let source = example().display().to_string();
    let said = leasehold(&["collect", &source, "--now", PAIRS[0].1[0].1]);
    let said = String::from_utf8(said.stdout).expect("text");
    let line = "Of 7 snapshots and 2 ingests among them meta.db does not know the sizes: they lie below \
                io.containerd.snapshotter.v1.* and io.containerd.content.v1.content/ingest.\n";
    assert!(said.contains(line), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = database(folder.path(), &Bucket::new());
    let said = String::from_utf8(leasehold(&["collect", &file]).stdout).expect("text");
    assert!(
        said.contains("\nNothing is there that a collection could keep or remove.\n\n0 removed"),
        "{said}"
    );
}

/// What a daemon of another release does with the database first is said by `diff`, too, and is in its object.
#[test]
fn diff_says_what_collect_says_of_versions_and_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let newer = database(folder.path(), &tree("2.1.9", "05-after-gc"));
    let older = example().display().to_string();
    let rules = "the rules of 2.4 were read in 2.4.0-beta.0";
    for (file, from, to, expected) in [
        (&older, "1.7", "2.2", &["version 3; a daemon of 2.2 first makes it 4, as is done here"][..]),
        (&older, "2.2", "2.3", &["version 3; a daemon of 2.2 or 2.3 first makes it 4, as is done here"]),
        (&newer, "2.1", "1.7", &["version 4; a daemon of 1.7 knows none above 3, and collects all the same"]),
        (&newer, "2.3", "2.4", &[rules]),
    ] {
        let output = leasehold(&["diff", file, "--from", from, "--to", to, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let warnings = report["warnings"].as_array().expect("a list");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(warnings.len(), expected.len(), "{report}");
        for (warning, expected) in warnings.iter().zip(expected) {
            let warning = warning.as_str().expect("text");
            assert!(warning.contains(expected) && said.contains(warning), "{warning}: {said}");
        }
    }
}

#[test]
fn that_a_database_has_no_version_is_a_warning() {
    let mut tree = tree("2.1.9", "05-after-gc");
    tree.delete(&[b"v1"], b"version").expect("a value");
    let folder = tempfile::tempdir().expect("a folder");
    let output = leasehold(&["collect", &database(folder.path(), &tree), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let last = report["warnings"].as_array().and_then(|warnings| warnings.last()).expect("a warning");
    assert!(
        last.as_str()
            .is_some_and(|last| last.starts_with("the database has no version: judged by the rules of 2.3")),
        "{last}"
    );
    assert!(report["kept"].as_array().is_some_and(|kept| kept.iter().any(|node| node["kind"] == "image")));
    // Which is why all are asked.
    assert!(last.as_str().is_some_and(|last| last.contains("1.6")), "{last}");
    assert!(report["releases"].is_object());
}

/// What stands below is not collected, which surprises where a `gc` stands in the middle.
#[test]
fn the_line_whose_state_is_shown_of_a_scenario_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.scenario");
    fs::write(&path, "release 1.7\ncontent put a\ngc\ncontent put b\ngc\nexpect removed content/b\n")
        .expect("a file");
    let said = String::from_utf8(leasehold(&["collect", &path.display().to_string()]).stderr).expect("text");
    assert!(said.contains("s.scenario: its state after line 4: the last step that does not only"), "{said}");
}

/// A value is escaped once, and its quotes.
#[test]
fn what_containerd_logs_is_escaped_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.scenario");
    fs::write(&path, "release 1.7\nlease create \"a\\tb\" gc.expire=soon\n").expect("a file");
    let said = String::from_utf8(leasehold(&["collect", &path.display().to_string()]).stdout).expect("text");
    assert!(
        said.contains(r#" lease="a\tb""#) && said.contains(r#"error="parsing time \"soon\" as"#),
        "{said}"
    );
}

#[test]
fn of_a_folder_that_is_no_root_folder_the_databases_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["d.db", "b.scenario", "a.db", "c.db", "e.txt"] {
        std::fs::write(folder.path().join(name), "").expect("a file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_leasehold"))
        .args(["collect", "."])
        .current_dir(folder.path())
        .output();
    let output = output.expect("the program starts");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said.ends_with("; or is one of these meant: ./a.db, ./b.scenario, ./c.db and 1 more?\n"),
        "{said}"
    );
}

/// What is said to be done must be what can be done.
#[test]
fn what_helps_against_a_collection_that_fails_is_said_of_what_stops_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for (steps, culprit, helps) in [
        (
            "release 2.1\nsnapshot prepare \"over/lay\"/k\nraw bucket v1/default/snapshots/over\n",
            "snapshot/\"over/lay\"/k",
            "remove the object by a client, or keep it by a lease",
        ),
        (
            "release 1.7\nlease create l\ncollector declare type-18\n\
             collector leased type-18 snapshot/noslash lease=l\n",
            "snapshot/noslash",
            "run the daemon without the plugin whose collector names that",
        ),
    ] {
        let file = folder.path().join("fails.scenario");
        std::fs::write(&file, steps).expect("a new file");
        let output = leasehold(&["collect", &file.display().to_string()]);
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("  stopped by  default/{culprit}\n")), "{said}");
        assert!(said.contains(&format!("\nTo mend it, {helps}")), "{said}");
        assert_eq!(said.matches("To mend it").count(), 1, "{said}");
    }
}

/// What stops a collection is named with the collector that names it, and not with what that hangs it on.
#[test]
fn who_names_a_snapshot_without_a_snapshotter_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("fails.scenario");
    let declared = "content put m\nimage create main target=m\nimage create gone target=m expire=-1h\nlease create l\n\
                    lease create over expire=-1h\ncollector declare type-18\ncollector list type-18 type-18/a type-18/free\n\
                    collector active type-18 type-18/a\n";
    for (release, steps, named) in [
        ("2.1", "leased type-18 snapshot/bad lease=l", Some("held by default/lease/l")),
        ("2.1", "leased type-18 snapshot/bad lease=over", None),
        ("2.1", "active type-18 snapshot/bad", Some("active")),
        ("2.1", "back-reference type-18 image/main snapshot/bad", None),
        (
            "2.2",
            "back-reference type-18 image/main snapshot/bad",
            Some("kept by default/image/main (a back reference)"),
        ),
        ("2.2", "back-reference type-18 image/gone snapshot/bad", None),
        ("2.3", "references type-18 type-18/a snapshot/bad", None),
        ("2.4", "references type-18 type-18/a snapshot/bad", Some("what default/type-18/a refers to")),
        ("2.4", "references type-18 type-18/free snapshot/bad", None),
    ] {
        std::fs::write(&file, format!("release {release}\n{declared}collector {steps}\n")).expect("a file");
        let output = leasehold(&["collect", &file.display().to_string()]);
        let said = String::from_utf8(output.stdout).expect("text");
        let stopped = named.map(|named| {
            format!("\n  stopped by  default/snapshot/bad\n  named by    collector type-18, as {named}\nEvery collection")
        });
        assert_eq!(output.status.code(), Some(i32::from(stopped.is_some())), "{steps}: {said}");
        assert!(said.contains(stopped.as_deref().unwrap_or("A collection by")), "{steps}: {said}");
        assert_eq!(said.matches("stopped by").count(), usize::from(stopped.is_some()), "{steps}: {said}");
    }
    std::fs::write(&file, format!("release 2.2\n{declared}collector active type-18 snapshot/bad\n"))
        .expect("a file");
    let output = leasehold(&["collect", "--json", &file.display().to_string()]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(report["culprits"][0]["key"], "bad");
    assert_eq!(report["culprits"][0]["named_by"][0], "collector type-18, as active");
}

/// A flat type that a collector lists frees nothing and is told as `gc` tells it; the command that explains more takes names
/// of any bytes.
#[test]
fn what_is_listed_with_a_flat_type_is_told_as_gc_tells_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("flat.scenario");
    let steps = "release 2.0
collector declare type-16
collector list type-16 type-33/@a type-48/held
content put a
image create a target=a
content put \"sha256:z\\x1by\"
gc
expect removed type-33/@a type-48/held content/\"sha256:z\\x1by\"
";
    std::fs::write(&path, steps).expect("a new file");
    let path = path.to_str().expect("text");
    let output = leasehold(&["replay", path]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let said = String::from_utf8(leasehold(&["collect", path]).stdout).expect("text");
    assert!(
        said.contains("image/a targets it, but listed as content-flat it is never found marked"),
        "{said}"
    );
    assert!(!said.contains("had elsewhere"), "{said}");
    let more = said.lines().find_map(|line| line.strip_prefix("More of one: leasehold ")).expect("a command");
    let words = shlex::split(more).expect("a command");
    let explained = leasehold(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(explained.status.code(), Some(0), "{more}");
}
