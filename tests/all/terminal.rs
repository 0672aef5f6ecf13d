//! No byte from outside commands a terminal: names that do are given to every command, in every place that it looks at,
//! and neither standard output nor standard error has a byte of theirs as it is, in text or in JSON.
//!
//! Commands and their flags are those of the command line's own definition: a new one is tried too, and has to say here
//! with what it is short.

use leasehold::release::Release;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, io::Write};
use tempfile::TempDir;

/// Colours, a title, a bell, a way back over what was said, C1, directions, separators, what is not seen, a line of its
/// own.
const NAME: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\r\u{8}\u{7f}\t\u{80}\u{85}\u{9b}2J\u{9f}\u{202a}\u{202b}\u{202c}\
\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}\u{2029}\u{200b}\u{200d}\u{2060}\
\u{feff}\u{ad}\u{e0041}\nforged";

/// Short enough for what has a length, and with bytes that are no text.
const RAW: &[u8] = b"\x9b31m\x1b[1m\xff\x85\nforged";

/// What ends a run soon, and lets it begin.
fn short(command: &str) -> &'static [&'static str] {
    match command {
        "simulate" => &["--cases", "64"],
        "replay" | "collect" | "explain" | "lint" | "conformance" => &["good.scenario"],
        "explore" => &["protocol.scenario"],
        "graph" => &["good.scenario", "--dot"],
        "diff" => &["good.scenario", "--from", "1.7", "--to", "2.0"],
        "exhaust" => &["--nodes", "2"],
        "grade" => &["--fault", "sweep-skips", "--seeds", "1", "--budget", "1s"],
        "export" => &["good.scenario", "good.db"],
        "child" => &[],
        other => panic!("say here with what `{other}` is short"),
    }
}

struct Room {
    folder: TempDir,
    /// What was shown as it is.
    leaks: RefCell<Vec<String>>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let leaks = self.leaks.borrow();
        assert!(leaks.is_empty() || std::thread::panicking(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
    }
}

impl Room {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> OsString {
        let path = self.path().join(name.as_ref());
        fs::write(path, bytes).expect("writable");
        name.as_ref().to_owned()
    }

    fn run_with(&self, arguments: &[&OsStr], input: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leasehold"));
        command.current_dir(self.path()).args(arguments).env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().expect("the program runs");
        let written = running.stdin.take().expect("piped").write_all(input);
        // A command that does not read its input may have ended.
        drop(written);
        let output = running.wait_with_output().expect("it ends");
        for (stream, bytes) in [("output", &output.stdout), ("error", &output.stderr)] {
            let leak = leak(bytes).map(|leak| format!("{stream} of {arguments:?} {leak}"));
            self.leaks.borrow_mut().extend(leak);
        }
        output
    }

    fn run(&self, arguments: &[&OsStr]) -> Output {
        self.run_with(arguments, b"")
    }

    /// The same in text and in JSON.
    fn run_both(&self, arguments: &[&OsStr]) {
        self.run(arguments);
        let with_json = [arguments, &[OsStr::new("--json")]].concat();
        let output = self.run(&with_json);
        if output.status.code() == Some(0) {
            let object: Value = serde_json::from_slice(&output.stdout).expect("an object");
            assert!(object.is_object());
        }
    }
}

/// What a terminal would obey or hide, or takes for a line of ours. Stated here once more, so that what the program
/// forgets is not forgotten here.
fn leak(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Some(format!("is no text: {}", bytes.escape_ascii()));
    };
    let is_hidden = |character: &char| {
        matches!(*character,
            '\0'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
    };
    let line =
        text.lines().find(|line| line.starts_with("forged") || line.contains(|letter| is_hidden(&letter)))?;
    Some(format!("has the line {:?}", line))
}

/// A name as scenarios quote it.
fn quoted(name: &[u8]) -> String {
    name.iter().fold("\"".to_owned(), |text, byte| format!("{text}\\x{byte:02x}")) + "\""
}

/// Where a database has names: a bucket and the key of a value below it.
const PLACES: &[(&str, &str)] = &[
    (r#"default/content/blob/NAME/labels"#, r#"NAME"#),
    (r#"default/content/blob/NAME/labels"#, r#""containerd.io/gc.ref.content""#),
    (r#"default/images/NAME/target"#, r#"digest"#),
    (r#"default/images/NAME/labels"#, r#""containerd.io/gc.expire""#),
    (r#"NAME/leases/NAME/content"#, r#"NAME"#),
    (r#"NAME/leases/NAME/labels"#, r#""containerd.io/gc.expire""#),
    (r#"NAME/snapshots/NAME/NAME"#, r#"parent"#),
    (r#"NAME/snapshots/NAME/NAME"#, r#"name"#),
    (r#"NAME/snapshots/overlayfs/NAME/labels"#, r#""containerd.io/gc.bref.snapshot.x""#),
    (r#"NAME/containers/NAME"#, r#"snapshotKey"#),
    (r#"NAME/containers/NAME"#, r#"snapshotter"#),
    (r#"default/content/ingests/NAME"#, r#"expected"#),
    (r#"default/content/ingests/NAME"#, r#"ref"#),
];

/// Names in every place where a database has some, expectations that fail, a comment and a block that are raw.
fn scenario(name: &[u8], raw: &str) -> String {
    let name = quoted(name);
    let raw = raw.replace('\n', " ");
    let values = PLACES.iter().map(|(bucket, key)| {
        let [bucket, key] = [bucket, key].map(|words| words.replace("NAME", &name));
        format!("raw bucket v1/{bucket}\nraw put v1/{bucket}/{key} {name}\n")
    });
    let values: String = values.collect();
    let resources = format!("content/{name} snapshot/{name}/{name} image/{name} ingest/{name}");
    format!(
        "# {raw}
release 2.4
client {name}
? content put {name} gc.ref.content.x={name} gc.expire={name} {name}={name}
{values}{name}: ? lease create {name} expire={name}
? stream open {name}
collector declare type-16 label={name}
collector list type-16 type-16/{name} type-16/b
? content put gone
gc
---
keep {raw}

cleanup
---
drop {raw}

expect removed {resources}
expect kept {name}/lease/{name} content/gone
expect absent image/{name}
expect not-stored content/{name}
expect error {name}
expect value v1/default/content/ingests/{name}/ref {name}x
expect nothing v1/default/content/ingests/{name}
# {raw}
"
    )
}

/// What is no scenario, in several ways.
fn flaws(raw: &str) -> String {
    let raw = raw.replace('\n', " ");
    format!(
        "{raw}
boom {raw}
lease {raw} x
content put \"{raw}
content put a {raw}=b
content put a size={raw}
expect kept {raw}/a
release {raw}
! {raw} gc
{raw}: gc
advance {raw}
gc
---
---
"
    )
}

fn room() -> Room {
    let room = Room { folder: TempDir::new().expect("a folder"), leaks: RefCell::default() };
    room.write("good.scenario", "content put a\ngc\nexpect removed content/a\n");
    room.write("protocol.scenario", "together\ncontent put a\nmay gc\nend\n");
    room
}

#[test]
fn no_command_repeats_the_values_of_flags_as_they_are() {
    let room = room();
    for command in leasehold::cli::command().get_subcommands() {
        let name = OsStr::new(command.get_name());
        let short = || short(command.get_name()).iter().map(OsStr::new);
        let run = [name].into_iter().chain(short()).collect::<Vec<_>>();
        assert!(room.run(&run).status.code().is_some_and(|code| code < 4), "{name:?}");
        for value in [NAME.as_bytes(), RAW].map(OsStr::from_bytes) {
            room.run(&[&run[..], &[value]].concat());
            room.run(&[name, value]);
            let unknown = [OsStr::new("--"), OsStr::new("-"), OsStr::new("")]
                .map(|dashes| [dashes, value].join(OsStr::new("")));
            unknown.iter().for_each(|unknown| drop(room.run(&[name, unknown])));
            for flag in command.get_arguments().filter(|flag| flag.get_action().takes_values()) {
                let Some(long) = flag.get_long().map(|long| format!("--{long}")) else { continue };
                let at = short().position(|word| *word == *long).map_or(run.len(), |at| at + 1);
                let without = run.iter().enumerate().filter(|(index, _)| *index != at && *index != at + 1);
                let words: Vec<&OsStr> =
                    without.map(|(_, word)| *word).chain([OsStr::new(&long), value]).collect();
                room.run(&words);
            }
        }
    }
    for value in [NAME.as_bytes(), RAW].map(OsStr::from_bytes) {
        room.run(&[value]);
    }
}

#[test]
fn no_command_shows_what_files_hold_or_are_called_as_it_is() {
    for name in [NAME.as_bytes(), RAW] {
        let room = room();
        let raw = String::from_utf8_lossy(name).into_owned();
        let called = |extension: &str| {
            let stem: Vec<u8> = name.iter().map(|byte| if *byte == b'/' { b'_' } else { *byte }).collect();
            OsStr::from_bytes(&[&stem[..], extension.as_bytes()].concat()).to_owned()
        };
        let (missing, db, copy) = (called(".none"), called(".db"), called(".copy"));
        let whole = room.write(called(".scenario"), scenario(name, &raw));
        let refused =
            [scenario(name, &raw), format!("content delete {0}\ncontent delete {0}\n", quoted(name))]
                .concat();
        let refused = room.write(called(".refused.scenario"), refused);
        let flawed = room.write(called(".flawed.scenario"), flaws(&raw));
        let [collect, explain, graph, lint, diff, replay, export, conformance] =
            ["collect", "explain", "graph", "lint", "diff", "replay", "export", "conformance"]
                .map(OsStr::new);
        let [from, to, step, all] = ["--from=1.7", "--to=2.3", "--step", "--release=all"].map(OsStr::new);
        for file in [&whole, &refused, &flawed, &missing] {
            room.run(&[replay, file]);
            room.run(&[replay, step, file]);
            room.run(&[replay, all, file]);
            room.run(&[
                replay,
                OsStr::new("--update"),
                &room.write(called(".twice.scenario"), scenario(name, &raw)),
            ]);
            room.run(&[replay, OsStr::new("--fault=sweep-skips"), file]);
            room.run_both(&[collect, file]);
            room.run_both(&[explain, file]);
            room.run_both(&[lint, file]);
            room.run_both(&[explain, file, OsStr::from_bytes(name)]);
            for form in ["--dot", "--svg", "--html"].map(OsStr::new) {
                room.run(&[graph, file, form]);
            }
            room.run_both(&[diff, file, from, to]);
            room.run(&[conformance, file]);
        }
        assert_eq!(room.run(&[export, &whole, &db]).status.code(), Some(0), "a database of such names");
        for release in Release::ALL {
            let release = OsString::from(format!("--release={release}"));
            room.run_both(&[collect, &db, &release]);
            room.run_both(&[collect, &whole, &release]);
        }
        room.run_both(&[collect, &db]);
        room.run_both(&[lint, &db]);
        room.run_both(&[diff, &db, from, to]);
        room.run(&[export, &db, &copy]);
        room.run(&[export, &db, &copy]);
        room.run(&[export, &missing, &called("none/none.db")]);
        let folder = called("");
        fs::create_dir(room.path().join(&folder)).expect("a folder");
        for file in [&whole, &flawed] {
            fs::copy(room.path().join(file), room.path().join(&folder).join(file)).expect("copied");
        }
        for command in [collect, replay, conformance] {
            room.run(&[command, &folder]);
        }
        for target in leasehold::fuzzing::TARGETS {
            let target = OsString::from(format!("--target={}", target.name));
            let input = room.write(called(".bin"), [name, flaws(&raw).as_bytes()].concat());
            room.run(&[replay, &target, step, &input]);
            room.run(&[replay, &target, &room.write(called(".steps"), scenario(name, &raw))]);
        }
    }
}

/// A recorded row in which a field, however deep, is a name.
fn rows() -> Vec<Value> {
    let node = |key: &str| json!({"type": 1, "namespace": NAME, "key": key});
    let row = json!({
        "name": NAME, "version": "containerd v2.4.0", "now": "2024-05-06T07:08:09Z",
        "db": {"v1": {NAME: {"content": {"blob": {NAME: {"labels": {"containerd.io/gc.root": NAME}}}}}}},
        "collectors": [{
            "type": 16, "reference_label": NAME, "start_error": false, "leased": [],
            "all": [{"namespace": NAME, "key": NAME}], "active": [],
        }],
        "roots": [node(NAME), node("x")], "roots_error": NAME, "all": [node("y")],
        "refs": [[node(NAME), [node(NAME)], NAME]], "marked": [node("z")], "removed": [node(NAME)],
        "collector_calls": [NAME], "error": NAME, "collector_trace": [NAME], "db_after": {"v1": {NAME: NAME}},
    });
    let mut rows = vec![row.clone()];
    for field in row.as_object().expect("an object").keys() {
        let mut wrong = row.clone();
        wrong[field] = json!(NAME);
        rows.push(wrong.clone());
        wrong[field] = json!([{NAME: NAME}]);
        rows.push(wrong.clone());
        wrong.as_object_mut().expect("an object").remove(field);
        rows.push(wrong);
    }
    let mut differing = row.clone();
    for field in ["roots_error", "roots", "all", "refs", "marked", "removed", "collector_calls", "error"] {
        // What differs first is shown, so that each in turn has to be passed over.
        differing.as_object_mut().expect("an object").remove(field);
        rows.push(differing.clone());
    }
    rows
}

#[test]
fn no_row_and_no_answer_is_shown_as_it_is() {
    let room = room();
    let [conformance, child, simulate] = ["conformance", "child", "simulate"].map(OsStr::new);
    let bytes = [NAME.as_bytes(), b"{\"", NAME.as_bytes(), b"\": 1}\n\x9b\n"].concat();
    for row in rows() {
        let line = format!("{row}\n");
        let file = room.write(format!("{NAME}.jsonl"), &line);
        room.run(&[conformance, &file]);
        room.run_with(&[child], line.as_bytes());
    }
    room.run(&[conformance, &room.write("x.jsonl", &bytes)]);
    room.run_with(&[child], &bytes);
    // What it says is not JSON, or of another shape, or right and something else; on both streams.
    let answers = [
        String::from_utf8_lossy(&bytes).replace('\n', " "),
        json!({"name": NAME}).to_string(),
        json!({"error": NAME}).to_string(),
        json!({"roots_error": NAME, "marked": null}).to_string(),
        json!({"removed": [{"type": 1, "namespace": NAME, "key": NAME}]}).to_string(),
        json!({"db_after": {NAME: {NAME: NAME}}}).to_string(),
        json!({"collector_calls": [NAME], "error": null}).to_string(),
    ];
    for answer in answers {
        room.write("answer", answer + "\n");
        let program = "cat answer >&2; printf '\\233' >&2; while read case; do cat answer; done";
        room.write("child.sh", program);
        let against = ["--cases=64", "--against", "sh child.sh"].map(OsStr::new);
        room.run_both(&[&[simulate], &against[..]].concat());
    }
}

#[test]
fn a_scenario_of_such_names_is_written_and_read_as_it_is() {
    let room = room();
    let text = scenario(NAME.as_bytes(), NAME);
    let scenario = leasehold::scenario::parse(text.as_bytes()).expect("a scenario");
    let printed = leasehold::scenario::print(&scenario);
    assert_eq!(leasehold::scenario::parse(printed.as_bytes()).as_ref(), Ok(&scenario));
    let file = room.write("a.scenario", &text);
    room.run(&[OsStr::new("replay"), OsStr::new("--update"), &file]);
    let updated = fs::read_to_string(room.path().join(&file)).expect("text");
    assert!(updated.contains(&NAME.replace('\n', " ")), "a comment keeps its bytes");
}
