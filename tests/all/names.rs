//! Where a scenario is the source, people read its names: no command says `sha256:6c61...` for `layer`; JSON does.

use leasehold::scenario::alias;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Names in every place, and every sort of refusal that says one.
const NAMED: &str = r#"release 2.1

namespace create other x.y=@layer
client bob namespace=other
content put layer size=7 x.y=@layer
content put manifest gc.ref.content.l.0=@layer gc.ref.snapshot.overlayfs=@top
content put index gc.ref.content.m=@manifest
content put garbage
bob: content put layer
image create @img target=index
image create dangling target=nothing
lease create @pull expire=+1h x.y=@layer
lease create old expire=+1s
lease add @pull content/index ingest/@up snapshot/overlayfs/@chain
lease add old content/gone snapshot/overlayfs/@top
snapshot prepare overlayfs/@chain
snapshot commit overlayfs/@chain @base
snapshot prepare overlayfs/@top parent=@base gc.ref.content.x=@layer
content open @up expect=later
stream open @progress
collector declare type-13 label=volume
collector list type-13 type-13/@disk
collector references type-13 type-13/@disk content/layer
collector leased type-13 type-13/@disk lease=@pull
raw bucket v1/default/content/blob/@raw/labels
raw put v1/default/content/blob/@raw/labels/"containerd.io/gc.ref.content.q" @layer
? content delete absent
? content commit @up other
? content commit @nowhere other
? image create @img target=index
? image delete @no
? container create @web snapshotter=overlayfs snapshot=@top image=@img
? sandbox create @pod
? lease create @pull
? lease add @none content/layer
? snapshot prepare overlayfs/@top
? snapshot prepare overlayfs/x parent=@nobody
? snapshot remove overlayfs/@base
? stream open @progress
gc
---

expect kept content/layer snapshot/overlayfs/@base
advance 2s
lease delete @pull
image delete @img
gc
cleanup
---

"#;

/// What fails in a replay beside that, and stops every collection.
const FAILING: &str = r#"gc
---
keep    content/nothing

expect kept snapshot/overlayfs/@none
expect removed content/layer
expect absent image/dangling
expect present ingest/@nope
expect value v1/default/content/blob/layer @other
expect nothing v1/other/content/blob/@layer
expect value v1/default/content/ingests/@up/expected @other
raw put v1/default/content/ingests/@up/expireat ""
gc
"#;

fn leasehold(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().expect("the program runs")
}

/// All that a command says.
fn said(folder: &Path, arguments: &str) -> String {
    let Output { stdout, stderr, .. } = leasehold(folder, arguments);
    String::from_utf8([stdout, stderr].concat()).expect("what is printed is text")
}

fn room() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = format!("{NAMED}content delete absent\n");
    let failing = format!("{NAMED}{FAILING}");
    for (name, text) in
        [("good.scenario", NAMED), ("failing.scenario", &failing), ("refused.scenario", &refused)]
    {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

#[test]
fn people_read_names_where_a_scenario_is_the_source() {
    let room = room();
    let folder = room.path();
    assert!(said(folder, "replay --update good.scenario").contains("1 passed, 0 failed"));
    for (arguments, shows) in [
        ("replay good.scenario", "1 passed"),
        ("replay --step good.scenario", "content \"absent\": not found"),
        ("replay --step --release all good.scenario", "identifier \"@web\" is not"),
        ("replay --step refused.scenario", "content \"absent\": not found"),
        ("replay refused.scenario", "content \"absent\": not found"),
        ("replay failing.scenario", "is not there"),
        ("replay --step failing.scenario", "expected @other"),
        ("replay --fault sweep-skips good.scenario", "content/garbage stays"),
        ("replay --step --fault parent-forgotten good.scenario", "snapshot/overlayfs/@base was removed"),
        ("collect good.scenario", "remove  default/snapshot/overlayfs/@base"),
        ("collect --release 1.7 good.scenario", "remove  default/snapshot/overlayfs/@base"),
        ("collect failing.scenario", "stopped by  default/ingest/@up"),
        ("lint good.scenario", "content/gone is missing"),
        ("collect refused.scenario", "content \"absent\": not found"),
        ("diff --from 2.1 --to 1.6 good.scenario", "default/type-13/@disk"),
        ("diff --from 1.7 --to 2.1 failing.scenario", "stopped by  default/ingest/@up"),
        ("export refused.scenario refused.db", "content \"absent\": not found"),
        ("export good.scenario good.db", "wrote"),
        ("simulate --fault parent-forgotten --cases 200 --out found", "1 finding"),
        ("replay --fault parent-forgotten found", "1 failed"),
    ] {
        let said = said(folder, arguments);
        assert!(said.contains(shows), "{arguments}: {said}");
        if let Some(line) = said.lines().find(|line| alias::in_text(line) != **line) {
            panic!("{arguments} shows a digest: {line}");
        }
    }
    let blocks = fs::read_to_string(folder.join("good.scenario")).expect("the file");
    assert_eq!(alias::in_text(&blocks), blocks);
    assert!(blocks.contains("drop    snapshot/overlayfs/default/3/@top"), "{blocks}");
}

#[test]
fn objects_for_machines_have_the_digests() {
    let room = room();
    let digest = |name| String::from_utf8(alias::digest_of(name).expect("a name")).expect("text");
    for (arguments, named) in [
        ("collect --json good.scenario", "base"),
        ("collect --json failing.scenario", "up"),
        ("lint --json good.scenario", "gone"),
        ("diff --from 2.1 --to 1.6 --json good.scenario", "disk"),
        ("diff --from 1.7 --to 2.1 --json failing.scenario", "up"),
    ] {
        let said = said(room.path(), arguments);
        assert!(said.contains(&digest(named)), "{arguments}: {said}");
    }
}
