//! `leasehold lint`: each sort of finding in a scenario and a sibling without it, on the databases of daemons, beside what
//! lies on the disk; and clients alone never make an error that is not known.

use super::program::leasehold;
use arbitrary::Unstructured;
use leasehold::bucket::{Bucket, bolt};
use leasehold::contract::Deviations;
use leasehold::generate::profile::Swarm;
use leasehold::generate::seed::Seed;
use leasehold::generate::steps::{self, CASE_BYTES};
use leasehold::go::Go;
use leasehold::lint::{Finding, Lint, Severity, errors, lint};
use leasehold::properties::done::Done;
use leasehold::properties::property::Property;
use leasehold::properties::steps::{Closely, Steps};
use leasehold::release::Release;
use leasehold::scenario::{alias, parse, print_step};
use leasehold::schema::time;
use leasehold::situation::Situation;
use leasehold::world::World;
use leasehold::{replay, text};
use rayon::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Set it to have what is found in the daemons' databases written anew.
const UPDATE: &str = "UPDATE_LIBRARY";

/// What is found only beside a database, on the disk: no scenario has it.
const ON_DISK: [Lint; 11] = [
    Lint::TransactionLost,
    Lint::SnapshotFolderStray,
    Lint::StoreDamaged,
    Lint::BlobNotStored,
    Lint::BlobLengthDiffers,
    Lint::SnapshotNotStored,
    Lint::BlobNotListed,
    Lint::IngestNotListed,
    Lint::IngestNotStored,
    Lint::SnapshotNotListed,
    Lint::StoreNotCompared,
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The sorts of what is found in the state of a scenario of the library.
fn found(name: &str) -> BTreeSet<Lint> {
    let path = root().join("scenarios/lint").join(format!("{name}.scenario"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenario = parse(&bytes).unwrap_or_else(|flaws| panic!("{name}: {flaws}"));
    let state = replay::state(&scenario, Go::default(), &|| ());
    let state = state.unwrap_or_else(|failure| panic!("{name}: {failure}"));
    let situation = state.world.situation();
    let findings = lint(&situation, None);
    let is_error = |finding: &&Finding| finding.lint.severity() == Severity::Error;
    assert_eq!(errors(&situation), findings.iter().filter(is_error).cloned().collect::<Vec<_>>(), "{name}");
    findings.into_iter().map(|finding| finding.lint).collect()
}

/// The names of the scenarios of the folder.
fn scenarios() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("scenarios/lint")).expect("the library has the folder");
    let names =
        entries.map(|entry| entry.expect("a readable folder").file_name().into_string().expect("text"));
    names.filter_map(|name| name.strip_suffix(".scenario").map(str::to_owned)).collect()
}

#[test]
fn each_sort_is_found_in_its_scenario_alone_and_not_in_its_sibling() {
    let mut expected = BTreeSet::new();
    for lint in Lint::ALL.iter().filter(|lint| !ON_DISK.contains(lint)) {
        let (with, without) = (lint.name().to_owned(), format!("{lint}-not"));
        assert_eq!(found(&with), [*lint].into(), "{with}");
        assert!(!found(&without).contains(lint), "{without}");
        expected.extend([with, without]);
    }
    assert_eq!(scenarios(), expected, "each scenario of the folder is one of these");
}

/// What is found after some steps, as `lint object: text`.
fn found_after(steps: &str) -> Vec<String> {
    let scenario = parse(steps.as_bytes()).unwrap_or_else(|flaws| panic!("{flaws}"));
    let state = replay::state(&scenario, Go::default(), &|| ()).unwrap_or_else(|failure| panic!("{failure}"));
    let findings = lint(&state.world.situation(), None);
    let line = |Finding { lint, object, text, .. }: Finding| format!("{lint} {}: {text}", object.name());
    findings.into_iter().map(|finding| alias::in_text(&line(finding))).collect()
}

const MANIFEST: &str = "release 2.3
content put config
content put layer
content put amd64 gc.ref.content.config=@config gc.ref.content.l.0=@layer
content put arm64 gc.ref.content.config=@config gc.ref.content.l.0=@gone
";

/// A pull of one platform may fetch the other platforms' manifests and not their layers.
#[test]
fn an_index_is_whole_as_long_as_one_of_its_manifests_is() {
    let of = |labels: &str| {
        found_after(&format!("{MANIFEST}content put index {labels}\nimage create app target=index\n"))
    };
    assert_eq!(
        of("gc.ref.content.m.0=@amd64 gc.ref.content.m.1=@arm64"),
        ["image-one-platform default/image/app: 1 of 2 manifests whole; content/arm64 is not whole"]
    );
    assert_eq!(
        of("gc.ref.content.m.0=@arm64 gc.ref.content.m.1=@elsewhere"),
        [
            "image-content-missing default/image/app: content/gone is missing, which content/arm64 names by gc.ref.content.l.0"
        ]
    );
    assert_eq!(
        of("gc.ref.content.m.0=@amd64 gc.ref.content.m.1=@arm64 gc.ref.content.config=@gone"),
        [
            "image-content-missing default/image/app: content/gone is missing, which content/index names by gc.ref.content.config"
        ]
    );
}

#[test]
fn what_is_missing_deep_down_is_told_of_the_image_and_circles_are_whole() {
    let mut steps = "release 2.3\ncontent put end gc.ref.content=@gone\n".to_owned();
    for depth in 0..500 {
        let child = if depth == 0 { "end".to_owned() } else { format!("c{}", depth - 1) };
        writeln!(steps, "content put c{depth} gc.ref.content=@{child}").expect("a string takes it");
    }
    steps += "image create deep target=c499\n";
    steps += "content put left gc.ref.content=@right\ncontent put right gc.ref.content=@left\nimage create circle target=left\n";
    assert_eq!(
        found_after(&steps),
        [
            "image-content-missing default/image/deep: content/gone is missing, which content/end names by gc.ref.content"
        ]
    );
}

/// Leases of 1.x list no images, and what stands under a name with a slash is found.
#[test]
fn entries_are_looked_for_where_the_release_looks() {
    let steps = "lease create l expire=+1h\nraw bucket v1/default/leases/l/images\nraw put v1/default/leases/l/images/app \"\"\nraw bucket v1/default/leases/l/snapshots/\"over/lay\"\nraw put v1/default/leases/l/snapshots/\"over/lay\"/base \"\"\n";
    let there = "raw bucket v1/default/snapshots/\"over/lay\"/base\n";
    assert_eq!(found_after(&format!("release 1.7\n{steps}{there}")), [""; 0]);
    assert_eq!(
        found_after(&format!("release 1.7\n{steps}")),
        ["lease-entry-dead default/lease/l: snapshot/\"over/lay\"/base is missing"]
    );
    assert_eq!(
        found_after(&format!("release 2.0\n{steps}{there}")),
        ["lease-entry-dead default/lease/l: image/app is missing"]
    );
}

#[test]
fn a_label_without_its_beginning_is_told_as_it_stands_in_the_database() {
    let found = found_after("release 2.3\ncontent put layer \"gc.root\"=now\n");
    let text = "no collector reads the label `gc.root`; is `containerd.io/gc.root` meant?";
    assert_eq!(found, [format!("label-near-miss default/content/layer: {text}")]);
}

#[test]
fn a_label_that_points_nowhere_comes_with_the_command_that_takes_it_away() {
    let output = leasehold(&["lint", "scenarios/lint/reference-dangling.scenario", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let finding = &report["findings"][0];
    let (digest, label) = (&finding["node"]["key"], "containerd.io/gc.ref.snapshot.overlayfs=");
    let command = format!("ctr -n default content label {} {label}", digest.as_str().expect("text"));
    assert_eq!(finding["do"], command);
    assert_eq!(finding["node"]["type"], 1);
    assert_eq!(report["warnings"], 1);
}

/// What a label is about may be missing on purpose: what goes itself, what is held flat, and what a back reference or a
/// condition has outlived need no mending.
#[test]
fn a_label_that_points_nowhere_is_told_where_something_depends_on_it() {
    let of = |steps: &str| found_after(&format!("release 2.3\n{steps}"));
    let child = "content put child gc.ref.content.l.0=@gone";
    let dangling =
        "reference-dangling default/content/child: gc.ref.content.l.0 names content/gone, which is missing";
    assert_eq!(of(&format!("{child}\n")), [""; 0], "the next collection takes it");
    assert_eq!(of(&format!("{child} gc.root=now\n")), [dangling]);
    assert_eq!(of(&format!("{child}\nlease create l\nlease add l content/child\n")), [dangling]);
    let flat = format!("{child}\nlease create l flat\nlease add l content/child\n");
    assert_eq!(of(&flat), [""; 0], "its child is not held on purpose");
    let both = format!("{flat}lease create m\nlease add m content/child\n");
    assert_eq!(of(&both), [dangling], "it is held in full, too");
    let back = "content put child gc.bref.image=app";
    let ended = "reference-ended default/content/child: gc.bref.image names image/app, which is missing";
    assert_eq!(of(&format!("{back}\n")), [ended]);
    assert_eq!(of(&format!("{back} gc.root=now\n")), [""; 0], "it is kept by another rule");
    let condition = "content put child gc.root=now gc.cond.snapshot.native=\"usedat>24h|gone\"\n";
    let ended = "reference-ended default/content/child: gc.cond.snapshot.native names snapshot/native/gone, which is missing";
    assert_eq!(of(condition), [ended]);
}

/// Of labels that refer to the same in other words, the one that is meant is named.
#[test]
fn labels_are_told_as_they_are_written() {
    for label in
        ["gc.ref.content", "gc.ref.content.", "gc.ref.content/", "gc.ref.content/x", "gc.ref.content..x"]
    {
        let others =
            ["gc.ref.content", "gc.ref.content.", "gc.ref.content/"].map(|other| match other == label {
                true => String::new(),
                false => format!(" {other}=@there"),
            });
        let others = others.concat();
        let steps = format!(
            "release 2.3\ncontent put there\ncontent put m {label}=@gone{others}\nimage create app target=m\n"
        );
        let text = format!("content/gone is missing, which content/m names by {label}");
        assert_eq!(found_after(&steps), [format!("image-content-missing default/image/app: {text}")]);
    }
    let hole = "release 2.3\ncontent put there\ncontent put m gc.root=now gc.ref.content/l.1=@there\n";
    let text = "it has gc.ref.content/l.1 and no gc.ref.content/l.0";
    assert_eq!(found_after(hole), [format!("label-numbering-hole default/content/m: {text}")]);
}

/// What `lint --json` says is to be done about the first finding after some steps, and its text.
fn to_do(steps: &str) -> [String; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("steps.scenario");
    fs::write(&path, steps).expect("a new file");
    let output = leasehold(&["lint", path.to_str().expect("text"), "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    ["do", "text"].map(|field| report["findings"][0][field].as_str().expect("text").to_owned())
}

#[test]
fn commands_take_no_name_for_a_flag() {
    let [command, _] = to_do("release 2.3\nimage create \"--sync\" target=gone\n");
    assert_eq!(command, "ctr -n default images rm -- --sync");
    let [command, _] =
        to_do("release 2.3\nsnapshot prepare \"native\"/\"-rf\" gc.root=now gc.ref.content=@gone\n");
    let label = "containerd.io/gc.ref.content=";
    assert_eq!(command, format!("ctr -n default snapshots --snapshotter native label -- -rf {label}"));
}

/// What a lease alone holds goes with it.
#[test]
fn where_a_lease_is_to_be_deleted_it_is_said_what_goes_with_it() {
    for name in ["expiry-unparsable", "lease-expiry-far", "lease-without-expiry"] {
        let output = leasehold(&["lint", &format!("scenarios/lint/{name}.scenario")]);
        let said = text_of(&output.stdout);
        assert!(said.contains("\n    ctr -n default leases rm "), "{said}");
        assert!(
            said.contains("only it holds") && said.contains("leasehold explain SOURCE lease/ID"),
            "{said}"
        );
    }
}

/// `ctr` cuts a label at its first `=`.
#[test]
fn a_label_that_no_command_can_name_comes_with_none() {
    let [advice, text] = to_do(
        "release 2.3\nsnapshot prepare native/work gc.root=now \"containerd.io/gc.ref.content.a=b\"=@gone\n",
    );
    assert_eq!(advice, Lint::ReferenceDangling.advice());
    assert!(
        text.ends_with("; as it has a `=`, no command of ctr takes it away, only a client's call"),
        "{text}"
    );
}

/// What is found, a line each.
fn lines(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut lines, finding| {
        let Finding { lint, object, text, .. } = finding;
        writeln!(lines, "{} {lint} {}: {text}", lint.severity(), object.name()).expect("a string takes it");
        lines
    })
}

/// The databases that daemons wrote, unpacked, by release and name.
fn daemons(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut databases = Vec::new();
    for release in ["1.7.24", "2.1.9"] {
        let entries =
            fs::read_dir(root().join("tests/data").join(release)).expect("the repository has the folder");
        for path in entries.map(|entry| entry.expect("a readable folder").path()) {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let packed = fs::File::open(&path).expect("a readable file");
            let unpacked = folder.join(format!("{release}-{stem}"));
            let mut target = fs::File::create(&unpacked).expect("a new file");
            std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut target).expect("gzip");
            databases.push((format!("{release}/{stem}"), unpacked));
        }
    }
    let shipped = root().join("scenarios/databases/garbage-pending.db");
    databases.push(("scenarios/databases/garbage-pending.db".to_owned(), shipped));
    databases.sort();
    databases
}

#[test]
fn what_is_found_in_daemons_databases_is_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = time::parse_rfc3339(b"2026-11-24T00:00:00Z").expect("a time");
    let mut listed = String::new();
    for (name, path) in daemons(folder.path()) {
        let tree = bolt::read(&path).expect("a database").tree;
        let release = if name.starts_with("2.1") { Release::V2_1 } else { Release::V1_7 };
        let findings = lint(&Situation::new(tree, release, now), None);
        writeln!(listed, "{name}\n{}", lines(&findings)).expect("a string takes it");
    }
    let path = root().join("tests/data/lint.txt");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, listed).expect("a file that can be written");
        return;
    }
    let expected = fs::read_to_string(&path).expect("text");
    assert_eq!(listed, expected, "{UPDATE}=1 cargo test --test all lint::daemons writes it anew");
}

/// The first step of each of these cases, drawn under every release, that breaks what was whole, clients' steps alone.
fn broken_by_clients(cases: std::ops::Range<u64>) -> Vec<String> {
    let seed = Seed::parse("lint").expect("a seed");
    let of = |number: u64| {
        let release = Release::ALL[usize::try_from(number).expect("a small number") % Release::ALL.len()];
        let mut bytes = vec![0; CASE_BYTES];
        seed.case_bytes(number, &mut bytes);
        let case = steps::draw(&mut Unstructured::new(&bytes), release, Swarm::Drawn);
        let case = case.expect("bytes that are missing count as zeros");
        let (mut world, mut steps) = (World::new(release), Steps::default());
        let mut clients = case.lines.iter().filter(|line| !line.step.is_raw());
        clients.find_map(|line| {
            let before = world.clone();
            let applied = world.apply(line);
            let done = Done { before: &before, line, after: &world, applied: &applied };
            let checks = steps.check(done, Deviations::as_shipped(release), Closely::Yes, None);
            let broken = checks.findings.iter().find(|finding| finding.property == Property::Soundness)?;
            Some(format!("case {number}: {}: {broken}", print_step(&line.step)))
        })
    };
    cases.into_par_iter().filter_map(of).collect()
}

#[test]
fn clients_alone_break_nothing_but_their_own() {
    assert_eq!(broken_by_clients(0..200), [""; 0]);
}

#[test]
#[ignore = "a minute: 100,000 cases"]
fn clients_alone_break_nothing_but_their_own_in_many_cases() {
    assert_eq!(broken_by_clients(0..100_000), [""; 0]);
}

/// Content, a snapshot and an ingest; in another namespace content that is shared.
pub(super) const ROOT: &str = "release 2.1
content put layer size=5 gc.root=now
snapshot prepare overlayfs/work
snapshot commit overlayfs/work base gc.root=now
content open upload
";

/// A root folder of containerd's in which all is stored that the database lists.
fn daemon_root() -> TempDir {
    root_of(ROOT)
}

/// The root folder after a scenario like [`ROOT`].
pub(super) fn root_of(scenario: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = parse(scenario.as_bytes()).expect("a scenario");
    let state = replay::state(&scenario, Go::default(), &|| ()).unwrap_or_else(|failure| panic!("{failure}"));
    let tree = &state.world.store().tree;
    let metadata = folder.path().join("io.containerd.metadata.v1.bolt");
    fs::create_dir(&metadata).expect("a folder");
    bolt::create(&metadata.join("meta.db"), tree).expect("a new file");
    let name =
        |path: &[&[u8]]| tree.view().at(path).expect("an object").get(b"name").expect("a name").to_vec();
    let base = name(&[b"v1", b"default", b"snapshots", b"overlayfs", b"base"]);
    snapshotter(folder.path(), "overlayfs", &[&base]);
    let blobs = folder.path().join("io.containerd.content.v1.content/blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    fs::write(blobs.join(digits("layer")), "layer").expect("a new file");
    let ingest = tree.view().at(&[b"v1", b"default", b"content", b"ingests", b"upload"]).expect("an ingest");
    put_ingest(folder.path(), "one", ingest.get(b"ref").expect("a reference"));
    folder
}

fn digits(name: &str) -> String {
    let digest = leasehold::scenario::alias::digest_of(name).expect("a name");
    text_of(&digest).trim_start_matches("sha256:").to_owned()
}

fn put_ingest(root: &Path, name: &str, reference: &[u8]) {
    let folder = root.join("io.containerd.content.v1.content/ingest").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("ref"), reference).expect("a new file");
    fs::write(folder.join("data"), "1234567").expect("a new file");
}

/// A snapshotter's own database with these snapshots, of 304 bytes each.
fn snapshotter(root: &Path, name: &str, snapshots: &[&[u8]]) {
    let folder = root.join(format!("io.containerd.snapshotter.v1.{name}"));
    fs::create_dir_all(&folder).expect("a folder");
    let mut tree = Bucket::new();
    for snapshot in snapshots {
        tree.create_path(&[b"v1", b"snapshots", snapshot]).expect("buckets");
        tree.put(&[b"v1", b"snapshots", snapshot], b"size", &[0xE0, 0x04]).expect("a value");
        tree.put(&[b"v1", b"snapshots", snapshot], b"id", &[0x81, 0x01]).expect("a value");
    }
    let path = folder.join("metadata.db");
    let _ = fs::remove_file(&path);
    bolt::create(&path, &tree).expect("a new file");
}

/// The findings of a root folder, as `severity lint namespace/kind/key: text (bytes)`.
fn found_in(root: &Path) -> Vec<String> {
    let now = ["--now", "2026-01-01T00:00:00Z", "--json"];
    let output = leasehold(&[&["lint", root.to_str().expect("text")], &now[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    let findings = report["findings"].as_array().expect("a list").iter();
    let found = findings.map(|finding| {
        let word = |field: &Value| field.as_str().expect("text").to_owned();
        let node = &finding["node"];
        let place = [&node["namespace"], &node["kind"], &node["key"]].map(word).join("/");
        let bytes = finding["bytes"].as_u64().map(|bytes| format!(" ({bytes})")).unwrap_or_default();
        format!("{} {}{bytes}", word(&finding["lint"]), place)
    });
    let is_clean = report["errors"] == 0 && report["warnings"] == 0;
    assert_eq!(output.status.code(), Some(i32::from(!is_clean)));
    found.collect()
}

#[test]
fn a_root_folder_in_which_all_is_stored_is_clean() {
    let root = daemon_root();
    assert_eq!(found_in(root.path()), [""; 0]);
}

#[test]
fn what_is_stored_and_not_listed_is_told_with_its_bytes() {
    let root = daemon_root();
    let blobs = root.path().join("io.containerd.content.v1.content/blobs/sha256");
    fs::write(blobs.join(digits("orphan")), "orphan").expect("a new file");
    fs::write(blobs.join(digits("small")), "small").expect("a new file");
    put_ingest(root.path(), "two", b"default/9/gone");
    snapshotter(root.path(), "native", &[b"default/7/gone"]);
    let [orphan, small] = ["orphan", "small"].map(digits);
    let expected = [
        format!("blob-not-listed /content/sha256:{orphan} (6)"),
        format!("blob-not-listed /content/sha256:{small} (5)"),
        "ingest-not-listed /ingest/default/9/gone (7)".to_owned(),
        "snapshot-not-listed /snapshot/native/default/7/gone (304)".to_owned(),
    ];
    assert_eq!(found_in(root.path()), expected);
    let said = text_of(&leasehold(&["lint", root.path().to_str().expect("text")]).stdout);
    assert!(said.contains("\n  11 B in all\n"), "{said}");
    // What has the daemon clean up: without a change a collection passes the stores over.
    for change in
        ["ctr content ingest zz", "ctr snapshots --snapshotter NAME prepare zz", "ctr leases rm --sync zz"]
    {
        assert!(said.contains(change), "{said}");
    }
}

/// All snapshots here have the ID 129. What is no folder with a number for its name is none of a snapshot.
#[test]
fn folders_of_no_snapshot_are_told_and_those_of_snapshots_are_named() {
    let root = daemon_root();
    let snapshots = root.path().join("io.containerd.snapshotter.v1.overlayfs/snapshots");
    for name in ["129/fs", "old-77", "007"] {
        fs::create_dir_all(snapshots.join(name)).expect("a folder");
    }
    fs::write(snapshots.join("8"), "a file").expect("a new file");
    assert_eq!(found_in(root.path()), [""; 0]);
    let source = root.path().to_str().expect("text");
    let said = text_of(&leasehold(&["explain", source, "base"]).stdout);
    let folder = "io.containerd.snapshotter.v1.overlayfs/snapshots/129";
    assert!(said.contains(&format!("\nIts files are in {folder} of the root folder.\n")), "{said}");
    let report: Value = serde_json::from_slice(&leasehold(&["explain", source, "base", "--json"]).stdout)
        .expect("one object");
    assert_eq!(report["folder"], folder);
    for name in ["130", "12"] {
        fs::create_dir_all(snapshots.join(name)).expect("a folder");
    }
    assert_eq!(found_in(root.path()), ["snapshot-folder-stray /store/overlayfs"]);
    let said = text_of(&leasehold(&["lint", source]).stdout);
    assert!(said.contains(": of no snapshot: its folder snapshots/12, and 1 more\n"), "{said}");
    // As a crash leaves them before they are named, and once they are taken away.
    for name in ["new-77", "new-78", "rm-5"] {
        fs::create_dir_all(snapshots.join(name)).expect("a folder");
    }
    let said = text_of(&leasehold(&["lint", source]).stdout);
    for part in
        ["begun and never finished: its folder snapshots/new-77, and 1 more\n", "its folder snapshots/rm-5\n"]
    {
        assert!(said.contains(part), "{said}");
    }
    // What cannot be looked at is not taken for empty.
    fs::rename(&snapshots, root.path().join("elsewhere")).expect("moved");
    symlink(root.path().join("elsewhere"), &snapshots).expect("a link");
    assert_eq!(found_in(root.path()), ["store-not-compared /store/overlayfs"]);
}

/// The newer of the two meta pages, or the one page of it that counts, is written over; the older one is then read.
#[test]
fn a_lost_transaction_is_found() {
    let root = daemon_root();
    let path = root.path().join("io.containerd.metadata.v1.bolt/meta.db");
    let mut bytes = fs::read(&path).expect("a database");
    let size = bytes.len() / bytes.chunks(4096).count();
    // The number of the transaction stands 64 bytes into a meta page, its checksum behind.
    let number = |page: usize| u64::from_le_bytes(bytes[page * size + 64..][..8].try_into().expect("eight"));
    let newer = usize::from(number(1) > number(0));
    bytes[newer * size + 70] ^= 1;
    fs::write(&path, bytes).expect("written");
    let found = found_in(root.path());
    assert_eq!(found[0], "transaction-lost /database/meta.db", "{found:?}");
}

/// Where other snapshots have their folders, one without is as lost as one that its snapshotter does not know.
#[test]
fn a_snapshot_without_its_folder_is_told() {
    let root = daemon_root();
    let folder = root.path().join("io.containerd.snapshotter.v1.overlayfs");
    let mut tree = bolt::read(&folder.join("metadata.db")).expect("a database").tree;
    let other: &[&[u8]] = &[b"v1", b"snapshots", b"default/7/other"];
    tree.create_path(other).expect("buckets");
    tree.put(other, b"id", &[0x82, 0x01]).expect("a value");
    fs::remove_file(folder.join("metadata.db")).expect("it is there");
    bolt::create(&folder.join("metadata.db"), &tree).expect("a new file");
    let not_listed = "snapshot-not-listed /snapshot/overlayfs/default/7/other";
    assert_eq!(found_in(root.path()), [not_listed]);
    fs::create_dir_all(folder.join("snapshots/130")).expect("a folder");
    let lost = "snapshot-not-stored default/snapshot/overlayfs/base";
    assert_eq!(found_in(root.path()), [lost, not_listed]);
    let said = text_of(&leasehold(&["lint", root.path().to_str().expect("text")]).stdout);
    assert!(said.contains("snapshotter overlayfs has no folder snapshots/129"), "{said}");
    // btrfs has those that are no committed ones elsewhere.
    fs::create_dir_all(folder.join("active/129")).expect("a folder");
    assert_eq!(found_in(root.path()), [not_listed]);
}

#[test]
fn what_is_listed_and_not_stored_is_told() {
    let root = daemon_root();
    let content = root.path().join("io.containerd.content.v1.content");
    fs::remove_dir_all(content.join("blobs")).expect("it is there");
    fs::remove_dir_all(content.join("ingest")).expect("it is there");
    snapshotter(root.path(), "overlayfs", &[]);
    let layer = digits("layer");
    let expected = [
        format!("blob-not-stored default/content/sha256:{layer}"),
        "snapshot-not-stored default/snapshot/overlayfs/base".to_owned(),
        "ingest-not-stored default/ingest/upload".to_owned(),
    ];
    assert_eq!(found_in(root.path()), expected);
}

/// The daemon takes a file for whole whatever its length, so that a pull keeps it.
#[test]
fn a_file_of_another_length_than_its_record_is_told() {
    let root = daemon_root();
    let layer = digits("layer");
    let file = root.path().join("io.containerd.content.v1.content/blobs/sha256").join(&layer);
    for (text, length) in [("lay", "3 bytes"), ("layers", "6 bytes"), ("", "0 bytes"), ("l", "1 byte")] {
        fs::write(&file, text).expect("written");
        assert_eq!(found_in(root.path()), [format!("blob-length-differs default/content/sha256:{layer}")]);
        let said = text_of(&leasehold(&["lint", root.path().to_str().expect("text")]).stdout);
        assert!(said.contains(&format!(": its file has {length}, its record says 5 bytes\n")), "{said}");
        assert!(said.contains(&format!("\n    ctr -n default content rm sha256:{layer}\n")), "{said}");
    }
}

/// A link is not followed, and what cannot be read is not taken for empty.
#[test]
fn what_cannot_be_looked_at_is_said_and_not_compared() {
    let root = daemon_root();
    let [content, blobs, elsewhere] =
        ["io.containerd.content.v1.content", "io.containerd.content.v1.content/blobs", "elsewhere"]
            .map(|name| root.path().join(name));
    fs::rename(&blobs, &elsewhere).expect("moved");
    symlink(&elsewhere, &blobs).expect("a link");
    fs::write(root.path().join("io.containerd.snapshotter.v1.overlayfs/metadata.db"), "no database")
        .expect("written");
    let damaged = "store-damaged /store/io.containerd.snapshotter.v1.overlayfs";
    let blobs = "store-not-compared /store/io.containerd.content.v1.content/blobs";
    assert_eq!(found_in(root.path()), [damaged, blobs]);
    let said = text_of(&leasehold(&["explain", root.path().to_str().expect("text")]).stdout);
    let unknown = "no size is known and none is added: io.containerd.snapshotter.v1.overlayfs could not be looked at, and a ";
    assert!(said.contains(unknown), "{said}");
    fs::set_permissions(&content, fs::Permissions::from_mode(0o0)).expect("the owner may");
    // Root may enter every folder.
    if fs::read_dir(&content).is_err() {
        let content = "store-not-compared /store/io.containerd.content.v1.content";
        assert_eq!(found_in(root.path()), [damaged, content]);
    }
    fs::set_permissions(&content, fs::Permissions::from_mode(0o755)).expect("the owner may");
}

/// Names that can be listed are no files that can be looked at, and another program's database is no snapshotter's.
#[test]
fn what_may_be_listed_and_not_entered_and_a_database_of_others_are_not_compared() {
    let root = daemon_root();
    let blobs = root.path().join("io.containerd.content.v1.content/blobs/sha256");
    fs::set_permissions(&blobs, fs::Permissions::from_mode(0o444)).expect("the owner may");
    // Root may enter every folder.
    if fs::metadata(blobs.join(digits("layer"))).is_err() {
        assert_eq!(
            found_in(root.path()),
            ["store-not-compared /store/io.containerd.content.v1.content/blobs"]
        );
    }
    fs::set_permissions(&blobs, fs::Permissions::from_mode(0o755)).expect("the owner may");
    let own = root.path().join("io.containerd.snapshotter.v1.overlayfs/metadata.db");
    fs::copy(root.path().join("io.containerd.metadata.v1.bolt/meta.db"), &own).expect("copied");
    let damaged = "store-damaged /store/io.containerd.snapshotter.v1.overlayfs";
    assert_eq!(found_in(root.path()), [damaged]);
    for bytes in [&b""[..], b"cut", &[0; 32768], &fs::read(&own).expect("a database")[..8192]] {
        fs::write(&own, bytes).expect("written");
        assert_eq!(found_in(root.path()), [damaged], "{} bytes", bytes.len());
    }
    let said = text_of(&leasehold(&["lint", root.path().to_str().expect("text")]).stdout);
    assert!(said.contains("restore it from a backup, or "), "{said}");
    assert!(said.contains("overlayfs: metadata.db: page "), "{said}");
    // Without its snapshots' folders it may be another's who keeps its data elsewhere.
    fs::remove_file(&own).expect("it is there");
    assert_eq!(found_in(root.path()), ["store-not-compared /store/io.containerd.snapshotter.v1.overlayfs"]);
    fs::create_dir_all(root.path().join("io.containerd.snapshotter.v1.overlayfs/snapshots/7")).expect("made");
    assert_eq!(found_in(root.path()), [damaged]);
    fs::remove_dir_all(root.path().join("io.containerd.content.v1.content")).expect("it is there");
    let content = "store-damaged /store/io.containerd.content.v1.content";
    assert_eq!(found_in(root.path()), [content, damaged]);
}

#[test]
fn errors_and_warnings_end_with_1_and_notes_with_0() {
    for (name, code, last) in [
        ("image-target-missing", 1, "1 error, 0 warnings, 0 notes\n"),
        ("lease-without-expiry", 1, "0 errors, 1 warning, 0 notes\n"),
        ("lease-expired", 0, "0 errors, 0 warnings, 1 note\n"),
        ("lease-expired-not", 0, "0 errors, 0 warnings, 0 notes\n"),
    ] {
        let output = leasehold(&["lint", &format!("scenarios/lint/{name}.scenario")]);
        assert_eq!(output.status.code(), Some(code), "{name}");
        assert!(text_of(&output.stdout).ends_with(last), "{name}: {}", text_of(&output.stdout));
    }
    assert_eq!(leasehold(&["lint"]).status.code(), Some(2));
    assert_eq!(leasehold(&["lint", "no.db"]).status.code(), Some(3));
}

/// What means nothing in one release is a reference in another, and what costs nothing in a release is not told there.
#[test]
fn each_release_has_its_own_findings() {
    let lints = |name: &str, release: &str| {
        let path = format!("scenarios/lint/{name}.scenario");
        let output = leasehold(&["lint", &path, "--release", release, "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("one object");
        let findings = report["findings"].as_array().expect("a list").iter();
        findings.map(|finding| finding["lint"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lints("condition-unreadable", "2.3"), ["condition-unreadable"]);
    assert_eq!(lints("condition-unreadable", "2.2"), ["label-meaningless"]);
    assert_eq!(lints("sandbox-at-root", "1.6"), [""; 0]);
}

#[test]
fn the_list_has_every_sort_with_what_it_costs_and_what_to_do() {
    let output = leasehold(&["lint", "--list"]);
    let list = text_of(&output.stdout);
    for lint in Lint::ALL {
        let head = format!("{}: {lint}, in ", lint.severity());
        assert!(
            list.contains(&head) && list.contains(lint.sentence()) && list.contains(lint.advice()),
            "{lint}"
        );
    }
    assert_eq!(
        text::count(Lint::ALL.len() as u64),
        list.lines().filter(|line| !line.starts_with(' ')).count().to_string()
    );
}

/// Secrets may stand in labels that are not the collector's.
#[test]
fn values_of_other_labels_are_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret.scenario");
    let big = "s3cret".repeat(1000);
    let raw = format!("raw put v1/default/content/blob/@l/labels/x.y {big}");
    let steps = format!("content put l containerd.io.gc.root=s3cret\n{raw}\n");
    fs::write(&path, steps).expect("a new file");
    let output = leasehold(&["lint", path.to_str().expect("text")]);
    let said = text_of(&output.stdout);
    assert!(said.contains("label-too-large") && said.contains("label-near-miss"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

/// What the README shows is what its command prints, but for lines that are left out (`...`).
#[test]
fn the_sample_in_the_readme_is_what_is_printed() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the project has a README");
    let (_, behind) = readme.split_once("```sh\nleasehold lint ").expect("a command");
    let (command, behind) = behind.split_once("\n```\n\n```text\n").expect("a sample");
    let (sample, _) = behind.split_once("```").expect("its end");
    let words: Vec<&str> = ["lint"].into_iter().chain(command.split(' ')).collect();
    let printed = text_of(&leasehold(&words).stdout);
    let mut rest = printed.as_str();
    for part in sample.split("...\n") {
        let (_, behind) = rest.split_once(part).unwrap_or_else(|| panic!("{part}is not printed:\n{printed}"));
        rest = behind;
    }
    assert_eq!(rest, "");
}
