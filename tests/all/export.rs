//! `leasehold export` as a whole program: what it writes, what it refuses, how it ends.

use leasehold::bucket::{Bucket, Entry, View, bolt};
use leasehold::scenario::{Step, parse};
use leasehold::schema::{time, varint};
use leasehold::world::World;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn leasehold(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leasehold")).args(arguments).output().expect("the program starts")
}

fn export(source: &Path, target: &Path) -> Output {
    leasehold(&[Path::new("export"), source, target])
}

fn complaint(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A database as a daemon has it: a version, an image with labels, a lease whose sequence counts.
fn daemon_like() -> Bucket {
    let mut tree = Bucket::new();
    let image = [&b"v1"[..], b"default", b"images", b"docker.io/library/alpine:latest"];
    let leases = [&b"v1"[..], b"default", b"leases"];
    for path in [&image[..], &leases[..]] {
        for end in 0..path.len() {
            if tree.view().at(&path[..=end]).is_none() {
                tree.create_bucket(&path[..end], path[end]).expect("a bucket");
            }
        }
    }
    tree.put(&[b"v1"], b"version", &[6]).expect("a value");
    tree.put(&image, b"updatedat", &vec![b'l'; 10_000]).expect("a value");
    tree.set_sequence(&leases, 5_000_000_000).expect("a bucket");
    tree
}

#[test]
fn a_database_is_exported_with_all_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target, again] = ["source.db", "target.db", "again.db"].map(|name| folder.path().join(name));
    let tree = daemon_like();
    bolt::create(&source, &tree).expect("a new file");
    let output = export(&source, &target);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{}: wrote 5 buckets and 2 values in 40960 bytes\n", target.display())
    );
    assert_eq!(fs::metadata(&target).expect("the file").len(), 40_960);
    assert_eq!(bolt::read(&target).expect("a sound file").tree, tree);
    // The file is a function of what it holds.
    assert_eq!(export(&target, &again).status.code(), Some(0));
    assert_eq!(fs::read(&target).expect("the file"), fs::read(&again).expect("the file"));
}

#[test]
fn containerds_root_folder_is_a_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("io.containerd.metadata.v1.bolt");
    fs::create_dir(&inner).expect("a folder");
    bolt::create(&inner.join("meta.db"), &daemon_like()).expect("a new file");
    let target = folder.path().join("copy.db");
    assert_eq!(export(folder.path(), &target).status.code(), Some(0));
    assert_eq!(bolt::read(&target).expect("a sound file").tree, daemon_like());
}

#[test]
fn an_existing_target_is_refused_before_anything_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target] = ["source.db", "target.db"].map(|name| folder.path().join(name));
    bolt::create(&source, &daemon_like()).expect("a new file");
    fs::write(&target, b"precious").expect("a file");
    let expected = format!(
        "leasehold: {}: exists already and is never written over: give a path at which nothing stands\n",
        target.display()
    );
    assert_eq!(complaint(&export(&source, &target), 2), expected);
    let none = folder.path().join("none");
    let order = format!("; {} is not there: the source comes first, then the new file\n", none.display());
    assert_eq!(complaint(&export(&none, &target), 2), expected.replace('\n', &order));
    assert_eq!(fs::read(&target).expect("the file"), b"precious");
    // Nor is the source written over by itself.
    let before = fs::read(&source).expect("the file");
    assert!(complaint(&export(&source, &source), 2).contains("exists already"));
    assert_eq!(fs::read(&source).expect("the file"), before);
}

#[test]
fn what_cannot_be_read_or_created_ends_with_its_own_code_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target] = ["source.db", "target.db"].map(|name| folder.path().join(name));
    let message = complaint(&export(&source, &target), 3);
    let expected = format!("leasehold: {}: no such file; ", source.display());
    assert!(message.starts_with(&expected), "{message}");
    bolt::create(&source, &daemon_like()).expect("a new file");
    let mut torn = fs::read(&source).expect("the file");
    torn.truncate(torn.len() - 1);
    fs::write(&source, torn).expect("the file");
    assert!(complaint(&export(&source, &target), 3).contains("source.db: page "));
    assert!(!target.exists());
    fs::remove_file(&source).expect("the file");
    bolt::create(&source, &daemon_like()).expect("a new file");
    let message = complaint(&export(&source, &folder.path().join("none/target.db")), 3);
    assert!(
        message.contains("none/target.db: cannot be created: its folder does not exist: make it"),
        "{message}"
    );
    let message = complaint(&export(&source, &source.join("target.db")), 3);
    assert!(message.contains("what should be its folder is none"), "{message}");
    assert_eq!(leasehold(&[Path::new("export"), &source]).status.code(), Some(2));
}

/// The fields of a protobuf message that has only strings and bytes: number and content.
fn message(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut fields = Vec::new();
    while let Some((&tag, rest)) = bytes.split_first() {
        let mut length = 0usize;
        let mut rest = rest;
        for shift in (0..28).step_by(7) {
            let (&byte, behind) = rest.split_first()?;
            rest = behind;
            length |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        let (content, behind) = rest.split_at_checked(length)?;
        (tag & 7 == 2).then(|| fields.push((tag >> 3, content)))?;
        bytes = behind;
    }
    Some(fields)
}

/// Whether a daemon decodes a value of an object (`readContainer`, `readBlob`, `readImage`, `readSnapshot` and the like).
fn decodes(path: &[&[u8]], value: &[u8]) -> bool {
    let (key, below) = path.split_last().expect("a value has a key");
    match (*below.last().unwrap_or(&&b""[..]), *key) {
        // What a client called so itself.
        (b"labels" | b"leases" | b"namespaces" | b"children", _) => true,
        (b"extensions", _) | (b"runtime", b"options") | (_, b"spec") => {
            let fields = message(value).expect("a message");
            let kinds: Vec<u8> = fields.iter().map(|(number, _)| *number).collect();
            kinds == [1, 2] && fields[0].1.contains(&b'.') && fields[1].1.starts_with(b"{")
        }
        (_, b"createdat" | b"updatedat" | b"expireat") => time::from_binary(value).is_ok(),
        (_, b"size") => varint::decode_signed(value).is_some(),
        _ => true,
    }
}

/// Every value below a bucket that a daemon would not decode, with its path.
fn undecoded<'a>(bucket: View<'a>, path: &mut Vec<&'a [u8]>, found: &mut Vec<String>) {
    for (key, entry) in bucket.iter() {
        path.push(key);
        match entry {
            Entry::Bucket(inner) => undecoded(inner, path, found),
            Entry::Value(value) if decodes(path, value) => {}
            Entry::Value(_) => found.push(path.join(&b'/').escape_ascii().to_string()),
        }
        path.pop();
    }
}

#[test]
fn a_daemon_decodes_whatever_clients_wrote() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let mut containers = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "scenario") {
                continue;
            }
            let scenario = parse(&fs::read(&path).expect("a file")).expect("a scenario");
            let is_raw = |step: &Step| matches!(step, Step::RawPut { .. } | Step::RawBucket { .. });
            if scenario.lines.iter().any(|line| is_raw(&line.step)) {
                continue;
            }
            let mut world = World::new(scenario.release);
            for line in &scenario.lines {
                containers += u32::from(matches!(line.step, Step::ContainerCreate { .. }));
                world.apply(line);
            }
            let mut found = Vec::new();
            undecoded(world.store().tree.view(), &mut Vec::new(), &mut found);
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
    assert!(containers > 0, "the library has containers");
}

#[test]
fn what_of_a_scenario_is_no_part_of_a_database_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |name: &str, steps: &str| {
        let [source, target] = [".scenario", ".db"].map(|end| folder.path().join(format!("{name}{end}")));
        fs::write(&source, steps).expect("a file");
        let output = leasehold(&[Path::new("export"), Path::new("--json"), &source, &target]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        let stderr = String::from_utf8(output.stderr).expect("text");
        let warnings = report["warnings"].as_array().expect("a list").iter();
        let warnings: Vec<String> = warnings
            .filter_map(|warning| warning.as_str()?.split_once(": not in the file: "))
            .map(|(_, lost)| lost.to_owned())
            .collect();
        assert!(warnings.iter().all(|lost| stderr.contains(&**lost)), "{stderr}");
        assert_eq!(report["bytes"], fs::metadata(&target).expect("the file").len());
        warnings
    };
    let all = "release 1.7.0-beta.1
collector declare type-16
collector list type-16 type-16/disk
stream open s
content put layer
advance 1h
gc last=stream
expect absent content/layer
";
    assert_eq!(
        said("all", all),
        [
            "the release, which is 1.7.0-beta.1 (--release 1.7.0-beta.1)",
            "the clock, which shows 2026-01-01T01:00:00Z (--now 2026-01-01T01:00:00Z)",
            "the collector stream with 1 resource, the streams of the daemon",
            "the collector type-16 with 1 resource, a plugin of the daemon",
            "that the collector stream is iterated last",
            "the blob of content/layer, which the backend has",
        ]
    );
    assert_eq!(
        said("odd", "snapshot prepare \"ov/lay\"/\"a b\"\n")[2..],
        ["the files of snapshot/\"ov/lay\"/\"a b\", which the backend has"]
    );
    // A later look at the file has another clock, whatever the scenario's shows.
    let always = [
        "the release, which is 1.7 (--release 1.7)",
        "the clock, which shows 2026-01-01T00:00:00Z (--now 2026-01-01T00:00:00Z)",
    ];
    assert_eq!(said("plain", "release 1.7\nimage create i target=@a\ngc\nexpect kept image/i\n"), always);
    let many = "release 1.7
content put a
content put b
content put c
content put d
snapshot prepare overlayfs/s
content open i
gc
expect removed content/a
";
    assert_eq!(
        said("many", many)[2..],
        [
            "the blob of content/a, content/b, content/c and 1 more, which the backend has",
            "the files of snapshot/overlayfs/s, which the backend has",
            "the data of ingest/i, which the backend has",
        ]
    );
}

#[test]
fn the_wrong_order_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target] = ["source.db", "target.db"].map(|name| folder.path().join(name));
    bolt::create(&source, &daemon_like()).expect("a new file");
    let said = complaint(&export(&target, &source), 2);
    assert!(said.ends_with("target.db is not there: the source comes first, then the new file\n"), "{said}");
}

/// Under its name there is a whole database or nothing, however the program ends.
#[cfg(unix)]
#[test]
fn a_limit_on_files_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, target] = ["source.db", "target.db"].map(|name| folder.path().join(name));
    bolt::create(&source, &daemon_like()).expect("a new file");
    let program = env!("CARGO_BIN_EXE_leasehold");
    let limited =
        format!("ulimit -f 8; exec '{program}' export '{}' '{}'", source.display(), target.display());
    let output = Command::new("sh").args(["-c", &limited]).output().expect("sh runs");
    let said = complaint(&output, 3);
    assert!(said.contains("target.db: cannot be written: "), "{said}");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
